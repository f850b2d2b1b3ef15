"""Steps of an assembly, what it starts from, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.errands import Point

__all__ = ["Assembled", "AssemblyStep", "Yard"]

Flags = npt.NDArray[np.bool_]
Instant = np.datetime64


@dataclass(frozen=True)
class AssemblyStep:
    """One step of putting an element to work.

    Parameters
    ----------
    id : str
        The element, the errand and what is done.
    errand, element, kind, site : str
        The errand that it is part of, the element worked on, what is done (come, unload, drive, deploy, connect,
        commission), and where.
    robots : tuple of str
        The robots at work.
    start, stop : datetime64[ms]
        First and last instant, UTC.
    spells : tuple of (datetime64[ms], datetime64[ms])
        When it is worked on; between them it pauses.
    work_h : float
        Work [h].
    distance_m : float
        Way driven [m].
    power_w : float
        Most that one of its robots draws for it [W].
    energy_wh : float
        Drawn by all its robots for it [Wh].
    uses, needs, after : tuple of str
        What nothing else uses at the same time; light or contact throughout; errands that end before its own.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # see there
    """

    id: str
    errand: str
    element: str
    kind: str
    site: str
    robots: tuple[str, ...]
    start: Instant
    stop: Instant
    spells: tuple[tuple[Instant, Instant], ...]
    work_h: float
    distance_m: float
    power_w: float
    energy_wh: float
    uses: tuple[str, ...]
    needs: tuple[str, ...]
    after: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The step as plain values, times as text, for JSON.

        Returns
        -------
        dict
        """
        spells = [{"start": _text(start), "stop": _text(stop)} for start, stop in self.spells]
        return {
            "id": self.id, "errand": self.errand, "element": self.element, "kind": self.kind, "site": self.site,
            "robots": list(self.robots), "start": _text(self.start), "stop": _text(self.stop), "spells": spells,
            "work_h": self.work_h, "distance_m": self.distance_m, "power_w": self.power_w,
            "energy_wh": self.energy_wh, "uses": list(self.uses), "needs": list(self.needs),
            "after": list(self.after),
        }  # fmt: skip


@dataclass(frozen=True)
class Yard:
    """What a landing finds: what has to be put to work, and what is there.

    Parameters
    ----------
    landed : mapping of str to datetime64[ms]
        Elements to put to work, and when each is there, UTC.
    ready : mapping of str to datetime64[ms]
        Elements that work already or will, and from when, UTC.
    robots : tuple of str
        Robots that work already.
    free : mapping of str to datetime64[ms]
        Robots that have other work before, and until when, UTC.
    places : mapping of str to (float, float)
        Where robots are, if not at their own place [m].
    closed : mapping of str to ndarray of bool, shape (slots,)
        Slots in which a robot, or an errand, cannot be at work: for lack of energy.

    Examples
    --------
    >>> Yard({"mast": np.datetime64("2031-01-05", "ms")}).robots
    ()
    """

    landed: Mapping[str, Instant]
    ready: Mapping[str, Instant] = field(default_factory=dict)
    robots: tuple[str, ...] = ()
    free: Mapping[str, Instant] = field(default_factory=dict)
    places: Mapping[str, Point] = field(default_factory=dict)
    closed: Mapping[str, Flags] = field(default_factory=dict)


@dataclass(frozen=True)
class Assembled:
    """How machines are put to work.

    Parameters
    ----------
    steps : tuple of AssemblyStep
        By start.
    begins, ready : mapping of str to datetime64[ms]
        When work on each element begins, and when it works, UTC.
    places : mapping of str to (float, float)
        Where robots are in the end [m].
    free : mapping of str to datetime64[ms]
        When robots have done their last errand, UTC.
    slots, least_slots : int
        Length of the whole, and a length below which no order is; 0 if not all ways to share the work were tried.
    crews : int
        Ways to share the work among robots that were tried; others cannot be shorter, or are too many.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # see there
    """

    steps: tuple[AssemblyStep, ...]
    begins: Mapping[str, Instant]
    ready: Mapping[str, Instant]
    places: Mapping[str, Point]
    free: Mapping[str, Instant]
    slots: int
    least_slots: int
    crews: int

    @property
    def optimal(self) -> bool:
        """Whether no order ends earlier.

        Returns
        -------
        bool
        """
        return self.slots == self.least_slots


def _text(instant: Instant) -> str:
    """An instant for JSON."""
    return str(instant.astype("datetime64[s]")) + "Z"
