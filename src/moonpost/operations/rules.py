"""Dormancy rules: at which Sun a machine wakes or sleeps, on what basis, and how well that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import UnknownNameError
from moonpost.operations.crossings import level_crossings
from moonpost.operations.estimates import level
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site

__all__ = ["DormancyRule", "DormancyRules", "Kind"]

Kind = Literal["wake", "sleep"]
"""What is learnt and predicted."""


@dataclass(frozen=True)
class DormancyRule:
    """When one machine wakes, or sleeps.

    Parameters
    ----------
    vehicle : str
        The machine.
    event : str
        ``"wake"`` (Sun rising through the threshold) or ``"sleep"`` (Sun sinking through it).
    basis : str
        ``"fitted"``: from events with a time of day; ``"interval"``: from bare dates, which allow a band of
        thresholds; ``"none"``: no example, so no prediction.
    model : str
        ``"elevation"`` (constant Sun elevation) or ``"panel"`` (constant current of a tilted panel).
    examples : int
        Number of events behind the rule.
    sun_elevation_deg : float or None
        Threshold of the Sun's elevation [deg]; for the interval basis the middle of the band; for a panel its mean
        over the events.
    sun_elevation_lowest_deg, sun_elevation_highest_deg : float or None
        Band that bare dates allow [deg].
    panel_tilt_north_deg : float or None
        Tilt of the panel's normal towards north [deg].
    panel_share : float or None
        Share of the panel's full current at 1 au at which the event happens.
    scatter_h : float or None
        Scatter of single events about the rule [h].
    rms_h, leave_one_out_h : float or None
        Root mean square residual in sample, and with each event left out of its own fit [h].
    panel_rms_h, panel_leave_one_out_h : float or None
        The same for the panel model, where there were events enough to try it.
    note : str
        What limits the rule.

    Examples
    --------
    >>> DormancyRule("rover", "sleep", basis="none", note="no sleep event").basis
    'none'
    """

    vehicle: str
    event: Kind
    basis: Literal["fitted", "interval", "none"]
    model: Literal["elevation", "panel"] = "elevation"
    examples: int = 0
    sun_elevation_deg: float | None = None
    sun_elevation_lowest_deg: float | None = None
    sun_elevation_highest_deg: float | None = None
    panel_tilt_north_deg: float | None = None
    panel_share: float | None = None
    scatter_h: float | None = None
    rms_h: float | None = None
    leave_one_out_h: float | None = None
    panel_rms_h: float | None = None
    panel_leave_one_out_h: float | None = None
    note: str = ""

    def crossings(
        self, site: Site, almanac: Almanac, start: TimeLike, stop: TimeLike
    ) -> npt.NDArray[np.datetime64]:
        """Instants between `start` and `stop` at which the rule says that the event happens.

        Parameters
        ----------
        site, almanac
            Where and under which sky.
        start, stop : date-like
            Span, UTC.

        Returns
        -------
        ndarray of datetime64[ms]
            Empty where the Sun does not pass the threshold, or the basis is ``"none"``.
        """
        if self.model == "panel" and self.panel_share is not None:
            trigger = level("panel", self.panel_share, self.panel_tilt_north_deg or 0.0)
        elif self.sun_elevation_deg is not None:
            trigger = level("elevation", float(np.sin(np.deg2rad(self.sun_elevation_deg))))
        else:
            return np.empty(0, dtype="datetime64[ms]")
        found = level_crossings(almanac, site, trigger, start, stop)
        return found.utc[found.rising == (self.event == "wake")]


@dataclass(frozen=True)
class DormancyRules:
    """The rules of every machine in an events table.

    Parameters
    ----------
    rules : tuple of DormancyRule
        One for each machine and kind of event.
    landing : datetime64[ms] or None
        Landing, from the table.
    reference : tuple of (datetime64[ms], int) or None
        An instant whose lunar day is known: the landing and 1, or the first event that states its day.
    notes : tuple of str
        What the events do not settle.
    """

    rules: tuple[DormancyRule, ...]
    landing: np.datetime64 | None = None
    reference: tuple[np.datetime64, int] | None = None
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[DormancyRule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, vehicle: str, event: str) -> DormancyRule:
        """Find the rule of one machine and kind of event.

        Parameters
        ----------
        vehicle, event : str
            Machine, and ``"wake"`` or ``"sleep"``.

        Returns
        -------
        DormancyRule
            The rule.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for rule in self.rules:
            if (rule.vehicle, rule.event) == (vehicle, event):
                return rule
        known = [f"{rule.vehicle} {rule.event}" for rule in self.rules]
        raise UnknownNameError(f"{vehicle} {event}", known, kind="dormancy rule")

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain rows of the rules, for JSON.

        Returns
        -------
        list of dict
            One row per rule; absent numbers are None.
        """
        return [asdict(rule) for rule in self.rules]
