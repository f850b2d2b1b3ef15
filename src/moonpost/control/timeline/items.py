"""What stands on a timeline: rows, and items with a layer (sky, plan, actual) and a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.timeline.windows import milliseconds

__all__ = ["LAYERS", "STATUSES", "Item", "Row", "turns"]

LAYERS = ("sky", "plan", "actual")
"""Where an item comes from: computed for the sky, planned or predicted, or received."""
STATUSES = (
    "planned",
    "commanded",
    "running",
    "done",
    "late",
    "missed",
    "refused",
    "predicted",
    "received",
    "none",
)
"""How an item stands: the first seven are of planned activities."""


@dataclass(frozen=True)
class Row:
    """One line of a timeline.

    Parameters
    ----------
    id : str
        Such as ``sky.sun`` or ``machine.survey-rover``.
    group : str
        ``sky`` or ``machines``.
    label : str
        For people.
    element : str or None
        The machine; None for the sky.
    partner : str
        Whose machine it is; empty for the sky.

    Examples
    --------
    >>> Row("sky.sun", "sky", "Sun in view").to_dict()["group"]
    'sky'
    """

    id: str
    group: str
    label: str
    element: str | None = None
    partner: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, for JSON."""
        return {
            "id": self.id, "group": self.group, "label": self.label, "element": self.element,
            "partner": self.partner,
        }  # fmt: skip


@dataclass(frozen=True)
class Item:
    """Something on a row of a timeline.

    Parameters
    ----------
    id : str
        Unique in an answer.
    row : str
        Its row.
    kind : str
        ``activity``, ``works``, ``dark-mode``, ``asleep``, ``no-telemetry``, ``lunar-day``, ``sun``, ``contact``,
        ``eclipse``, ``command`` or ``event``.
    layer : str
        Of `LAYERS`.
    label : str
        For people.
    start, stop : datetime64
        UTC; equal for an instant.
    status : str
        Of `STATUSES`.
    text : str
        More, for people.
    data : mapping
        More, for programs.

    Examples
    --------
    >>> day = np.datetime64("2035-01-01", "ms")
    >>> Item("a", "sky.sun", "sun", "sky", "Sun in view", day, day).to_dict()["start_ms"]
    2051222400000
    """

    id: str
    row: str
    kind: str
    layer: str
    label: str
    start: np.datetime64
    stop: np.datetime64
    status: str = "predicted"
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The item as plain values, times in milliseconds, for JSON."""
        return {
            "id": self.id, "row": self.row, "kind": self.kind, "layer": self.layer, "label": self.label,
            "start_ms": milliseconds(self.start), "stop_ms": milliseconds(self.stop), "status": self.status,
            "text": self.text, **({"data": dict(self.data)} if self.data else {}),
        }  # fmt: skip


def turns(values: npt.ArrayLike) -> list[tuple[int, int, Any]]:
    """Find stretches of equal values.

    Parameters
    ----------
    values : array-like, (n,)
        Values.

    Returns
    -------
    list of (int, int, value)
        First index, the one after the last, and the value.

    Examples
    --------
    >>> turns([1, 1, 0, 1])
    [(0, 2, 1), (2, 3, 0), (3, 4, 1)]
    """
    row = np.asarray(values)
    if row.size == 0:
        return []
    edges = [0, *(np.flatnonzero(row[1:] != row[:-1]) + 1).tolist(), row.size]
    return [(a, b, row[a].item()) for a, b in pairwise(edges)]
