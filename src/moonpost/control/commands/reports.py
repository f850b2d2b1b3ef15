"""Verification of telecommands from the station's reports (service 1)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["verification"]

_STATES = {1: "accepted", 3: "started", 5: "progress", 7: "completed"}
_FAILURES = {2: "at acceptance", 4: "at its start", 6: "on its way", 8: "at completion"}


def verification(report: Any) -> tuple[tuple[int, int], str, int, str] | None:
    """What a report says of a telecommand.

    Parameters
    ----------
    report : Report
        Service, subservice, time and fields.

    Returns
    -------
    tuple or None
        Application and sequence count of the packet, the stage that it reached (``accepted``, ``started``,
        ``progress``, ``completed`` or ``failed``), time on board in microseconds since 1970 and a text; None if
        the report verifies nothing.

    References
    ----------
    ECSS-E-ST-70-41C, Telemetry and telecommand packet utilization, 2016, section 8.1.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fields = {"request_apid": 8, "request_count": 3}
    >>> time = np.datetime64("2030-01-01", "us")
    >>> verification(SimpleNamespace(service=1, subservice=7, time=time, fields=fields))[1]
    'completed'
    """
    if report.service != 1:
        return None
    kind, fields = int(report.subservice), report.fields
    state = _STATES.get(kind) or ("failed" if kind in _FAILURES else "")
    if not state or "request_apid" not in fields or "request_count" not in fields:
        return None
    text = ""
    if state == "failed":
        why = str(fields.get("failure_text") or fields.get("failure_code") or "no reason told").strip("\x00 ")
        text = f"{_FAILURES[kind]}: {why}"
    elif state == "progress":
        text = f"step {fields.get('progress_step', '')}".strip()
    time_us = int(np.datetime64(report.time, "us").astype(np.int64))
    return (int(fields["request_apid"]), int(fields["request_count"])), state, time_us, text
