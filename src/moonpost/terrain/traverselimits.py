"""What binds a traverse in time besides the rover: light, Earth, darkness, charge, hours of work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.sky.stations import EarthPlace

__all__ = ["DARK_DISC", "Limits"]

DARK_DISC = 0.01
"""Disc fraction below which a place is dark."""


@dataclass(frozen=True)
class Limits:
    """What binds a traverse in time, apart from the rover.

    Parameters
    ----------
    least_disc : float
        Least share of the Sun's disc in sight of the array when driving, 0 to 1; 0 lets it drive in the dark.
    earth_deg : float, optional
        Least elevation of the Earth's centre (or of the station) over the horizon of the antenna when driving
        [deg]: 0 for the middle of the disc, 1 for all of it, -0.9 for its edge; no matter if None.
    station : GroundStation, optional
        The antenna on the Earth that must be in sight instead of the Earth's centre.
    longest_dark_h : float, optional
        Longest time on end in the dark [h]; no limit if None.
    sleeps : bool
        Whether the rover sleeps when the Sun gives less than it takes to stay awake.
    work_utc_h : tuple of float, optional
        Hours of the UTC day between which it may drive, such as (8, 18) or (22, 6); all hours if None.
    start_charge : float
        Charge at the start over that of the full battery.

    Raises
    ------
    InputError
        If a number is of no use.

    Examples
    --------
    >>> Limits(earth_deg=1.0).least_disc
    0.5
    """

    least_disc: float = 0.5
    earth_deg: float | None = None
    station: EarthPlace | None = None
    longest_dark_h: float | None = None
    sleeps: bool = True
    work_utc_h: tuple[float, float] | None = None
    start_charge: float = 1.0

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("least_disc", self.least_disc, 0.0, 1.0),
            ("earth_deg", 0.0 if self.earth_deg is None else self.earth_deg, -5.0, 90.0),
            ("longest_dark_h", self.longest_dark_h or 0.0, 0.0, 1e5),
            ("start_charge", self.start_charge, 0.0, 1.0),
            *(("work_utc_h", hour, 0.0, 24.0) for hour in self.work_utc_h or ()),
        ):
            if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
                raise InputError(f"{value!r}", where=name, advice=f"give a number from {low:g} to {high:g}")
        if self.work_utc_h is not None and len(self.work_utc_h) != 2:
            raise InputError(f"{self.work_utc_h!r}", where="work_utc_h", advice="give two hours")

    @property
    def needs_earth(self) -> bool:
        """Whether the Earth or a station must be in sight when driving."""
        return self.earth_deg is not None or self.station is not None

    def at_work(self, time: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Whether steps of time lie within the hours of work.

        Parameters
        ----------
        time : ndarray of datetime64, shape (n + 1,)
            Ends of the steps.

        Returns
        -------
        ndarray of bool, shape (n,)
            True for steps that lie wholly within them.
        """
        if self.work_utc_h is None:
            return np.ones(time.size - 1, dtype=np.bool_)
        first, last = self.work_utc_h
        length = (last - first) % 24.0 or 24.0
        since = ((time - time.astype("datetime64[D]")) / np.timedelta64(3_600_000, "ms") - first) % 24.0
        steps = np.diff(time) / np.timedelta64(3_600_000, "ms")
        return np.asarray(since[:-1] + steps <= length + 1e-9)

    def record(self) -> dict[str, Any]:
        """The limits as plain data."""
        data = {name: value for name, value in vars(self).items() if name != "station"}
        data["station"] = getattr(self.station, "name", None) if self.station is not None else None
        return data
