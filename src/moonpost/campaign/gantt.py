"""A build order as a Gantt chart: bars for programs, and a chart in plain text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from moonpost.campaign.assemblyrecord import AssemblyStep
from moonpost.campaign.build import BuildOrder
from moonpost.errors import InputError

__all__ = ["MARKS", "gantt_bars", "steps_text"]

MARKS = {"come": ">", "unload": "u", "drive": ">", "deploy": "d", "connect": "c", "commission": "t"}
"""How the chart in plain text marks each kind of step."""

_KINDS = {"come": "drive"}
_LEAST, _MOST = 20, 400


def gantt_bars(order: BuildOrder, steps: Sequence[AssemblyStep] = ()) -> tuple[dict[str, Any], ...]:
    """Bars of a build order, with the steps of each assembly below its element.

    Parameters
    ----------
    order : BuildOrder
        The order.
    steps : sequence of AssemblyStep
        The steps of what is put to work.

    Returns
    -------
    tuple of dict
        ``element``, ``name``, ``owner``, ``kind`` (transit, waiting, commissioning, operation; or of a step:
        drive, unload, deploy, connect, commission), ``start``, ``stop`` (None if no end is stated), ``requires``,
        ``step`` (its id; None for the dates of an element) and ``robots``.

    Examples
    --------
    >>> from moonpost.campaign.build import build_order
    >>> from moonpost.plan import load_plan
    >>> sorted(gantt_bars(build_order(load_plan("ilrs")))[0])
    ['element', 'kind', 'name', 'owner', 'requires', 'robots', 'start', 'step', 'stop']
    """
    found: list[dict[str, Any]] = []
    bars = order.gantt()
    for row in order.steps:
        for bar in bars:
            if bar["element"] == row.element:
                kept = {key: value for key, value in bar.items() if key != "predecessors"}
                found.append({**kept, "requires": bar["predecessors"], "step": None, "robots": []})
        for step in steps:
            if step.element != row.element:
                continue
            for start, stop in step.spells:
                found.append(
                    {
                        "element": row.element, "name": row.name, "owner": row.owner,
                        "kind": _KINDS.get(step.kind, step.kind), "start": _text(start), "stop": _text(stop),
                        "requires": list(step.after), "step": step.id, "robots": list(step.robots),
                    }
                )  # fmt: skip
    return tuple(found)


def steps_text(steps: Sequence[AssemblyStep], *, width: int = 72) -> str:
    """Steps as a chart in plain text: a line for each element, time to the right.

    Parameters
    ----------
    steps : sequence of AssemblyStep
        The steps.
    width : int, default 72
        Columns for the time.

    Returns
    -------
    str
        Empty if there are no steps. A column shows the step that takes most of it: ``>`` robots drive, ``u``
        unload, ``d`` deploy, ``c`` connect, ``t`` tried out, ``.`` a pause.

    Raises
    ------
    InputError
        If the width is not 20 to 400.

    Examples
    --------
    >>> steps_text([])
    ''
    """
    if not _LEAST <= width <= _MOST:
        raise InputError(f"is {width}", where="width", advice=f"give {_LEAST} to {_MOST}")
    if not steps:
        return ""
    first, last = min(step.start for step in steps), max(step.stop for step in steps)
    edges = first + np.arange(width + 1) * ((last - first) / width)
    names = list(dict.fromkeys(step.element for step in sorted(steps, key=lambda row: row.start)))
    left = max(map(len, names))
    lines = [f"{'':{left}}  {_day(first)}{_day(last):>{width - 10}}"]
    for name in names:
        own = [step for step in steps if step.element == name]
        lines.append(f"{name:{left}}  {_line(own, edges)}".rstrip())
    return "\n".join(lines)


def _line(steps: Sequence[AssemblyStep], edges: Any) -> str:
    """The columns of one element."""
    text = []
    begin, end = min(step.start for step in steps), max(step.stop for step in steps)
    for low, high in pairwise(edges):
        shares: dict[str, float] = {}
        for step in steps:
            for start, stop in step.spells:
                common = min(stop, high) - max(start, low)
                if common > np.timedelta64(0, "ms"):
                    mark = MARKS[step.kind]
                    shares[mark] = shares.get(mark, 0.0) + float(common / np.timedelta64(1, "ms"))
        idle = "." if low < end and high > begin else " "
        text.append(max(shares, key=lambda mark: shares[mark]) if shares else idle)
    return "".join(text)


def _day(instant: np.datetime64) -> str:
    moment: dt.date = instant.astype("datetime64[D]").item()
    return moment.isoformat()


def _text(instant: np.datetime64) -> str:
    return str(instant.astype("datetime64[s]")) + "Z"
