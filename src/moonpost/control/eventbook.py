"""The book of reports: events that the station reported and stages of commands, found again after a restart."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.ground.live import Decoded, Report, report_keys, reports_of

if TYPE_CHECKING:
    from moonpost.control.archive import Archive
    from moonpost.control.packets.dictionary import Dictionary, PacketLayout

__all__ = ["EventBook", "archived_reports"]

_MOST = 100_000
_FIRST, _LAST = np.datetime64("1958-01-01", "us"), np.datetime64("2200-01-01", "us")
_EVENTS = 5


class EventBook:
    """Events in order of time, the newest hundred thousand.

    Parameters
    ----------
    reports : iterable of Report
        Those that are known; others than events are passed over.

    Examples
    --------
    >>> time = np.datetime64("2040-01-01T00:00", "us")
    >>> told = {"event_kind": "wake", "event_subject": "survey-rover", "event_text": "light"}
    >>> book = EventBook([Report(5, 1, time, told, packet="event-info")])
    >>> book.between(time, time + np.timedelta64(1, "s"))[0]["element"]
    'survey-rover'
    """

    def __init__(self, reports: Iterable[Report] = ()) -> None:
        self._lock = threading.Lock()
        self._rows: list[tuple[int, int, dict[str, Any]]] = []
        self._number = 0
        for report in reports:
            self.add(report)

    def add(self, report: Report) -> dict[str, Any] | None:
        """Put an event into the book.

        Parameters
        ----------
        report : Report
            Any report.

        Returns
        -------
        dict or None
            The event as plain values; None for other reports.
        """
        if report.service != _EVENTS:
            return None
        event = _event(report)
        with self._lock:
            self._number += 1
            bisect.insort(self._rows, (event["time_ms"], self._number, event), key=lambda row: row[:2])
            if len(self._rows) > _MOST:
                del self._rows[: _MOST // 10]
        return event

    def between(self, start: np.datetime64, stop: np.datetime64) -> list[dict[str, Any]]:
        """Events of a period.

        Parameters
        ----------
        start, stop : datetime64
            The period, UTC, its end not included.

        Returns
        -------
        list of dict
            With ``time_ms``, ``element``, ``kind``, ``text``, ``value``, ``severity`` and ``late``, oldest first.
        """
        first, last = _ms(start), _ms(stop)
        with self._lock:
            begin = bisect.bisect_left(self._rows, first, key=lambda row: row[0])
            end = bisect.bisect_left(self._rows, last, key=lambda row: row[0])
            return [row[2] for row in self._rows[begin:end]]


def archived_reports(archive: Archive, dictionary: Dictionary) -> list[Report]:
    """All reports in an archive, once each, in order of time.

    Parameters
    ----------
    archive : Archive
        With their packets.
    dictionary : Dictionary
        With their layouts.

    Returns
    -------
    list of Report

    Examples
    --------
    >>> from moonpost.control.packets.dictionary import Dictionary  # see `EventBook`
    """
    from moonpost.control.packets import Decoder
    from moonpost.control.packets.headers import Packets

    keys = {layout.name: names for layout in dictionary.packets for names in [report_keys(layout)] if names}
    decoder = Decoder(dictionary)
    found: dict[tuple[Any, ...], Report] = {}
    for apid in sorted({layout.apid for layout in dictionary.packets if layout.name in keys and layout.apid}):
        for packets in archive.packets(_FIRST, _LAST, apid=apid):
            space = Packets(packets.data, packets.offsets[:-1], np.diff(packets.offsets))
            for table in decoder.decode(space):
                if table.packet not in keys:
                    continue
                rows = reports_of(Decoded.of(table), keys[table.packet], np.zeros(len(table), bool))
                for row, report in zip(table.rows, rows, strict=True):
                    octets = space[int(row)]
                    found.setdefault((apid, bytes(octets)), report)
    return sorted(found.values(), key=lambda report: report.time)


def is_report(layout: PacketLayout) -> bool:
    """Whether a packet is a report of a service other than housekeeping."""
    services = [
        one.value for one in layout.criteria if one.parameter.rpartition(".")[2] in ("service", "pus_service")
    ]
    return any(value != 3 for value in services)


def _event(report: Report) -> dict[str, Any]:
    fields = report.fields
    value = fields.get("event_value")
    finite = isinstance(value, (int, float)) and np.isfinite(value)
    return {
        "time_ms": _ms(report.time),
        "element": str(fields.get("event_subject", "")),
        "kind": str(fields.get("event_kind", report.packet)),
        "text": str(fields.get("event_text", "")),
        "value": float(value) if finite and value is not None else None,
        "severity": report.packet.rpartition("-")[2] or str(report.subservice),
        "late": report.late,
    }


def _ms(time: np.datetime64) -> int:
    return int(time.astype("datetime64[ms]").astype(np.int64))
