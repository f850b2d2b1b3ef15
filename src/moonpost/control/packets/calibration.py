"""From raw numbers to what they mean: polynomials, splines, labels and instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.clock import CucClock
from moonpost.errors import InputError

__all__ = ["Calibration", "Enumeration", "Instant", "Polynomial", "Spline"]

_Floats = npt.NDArray[np.float64]
_TICK_S = 1.0 / 65536.0


@dataclass(frozen=True)
class Polynomial:
    """A polynomial of the raw number.

    Parameters
    ----------
    coefficients : tuple of float
        Of the powers 0, 1, 2 and so on.

    Examples
    --------
    >>> Polynomial((1.0, 0.5)).apply(np.array([4]))
    array([3.])
    """

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.coefficients or not np.all(np.isfinite(self.coefficients)):
            raise InputError(
                "a polynomial needs finite coefficients", where="coefficients", advice="give one or more"
            )

    def apply(self, raw: npt.NDArray[Any]) -> _Floats:
        """Values of raw numbers."""
        x, value = raw.astype(np.float64), np.zeros(raw.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for coefficient in reversed(self.coefficients):
                value = value * x + coefficient
        return value


@dataclass(frozen=True)
class Spline:
    """Steps or straight lines between points.

    Parameters
    ----------
    raw, calibrated : tuple of float
        Points; raw numbers grow.
    order : {0, 1}
        0 holds the value of the point before, 1 draws straight lines.
    extrapolate : bool
        Whether the first and the last piece go on; else there is no value (NaN) beyond the points.

    Examples
    --------
    >>> Spline((0.0, 10.0), (100.0, 200.0)).apply(np.array([5, 11]))
    array([150.,  nan])
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]
    order: int = 1
    extrapolate: bool = False

    def __post_init__(self) -> None:
        points = np.array([*self.raw, *self.calibrated], float)
        grows = len(self.raw) == len(self.calibrated) >= 1 + self.order and bool(np.all(np.diff(self.raw) > 0))
        if not grows or self.order not in (0, 1) or not np.all(np.isfinite(points)):
            raise InputError(
                "a spline needs finite points whose raw numbers grow, and order 0 or 1",
                where="spline",
                advice="sort the points and drop those given twice",
            )

    def apply(self, raw: npt.NDArray[Any]) -> _Floats:
        """Values of raw numbers."""
        x, knots, levels = raw.astype(np.float64), np.array(self.raw), np.array(self.calibrated)
        if self.order == 0:
            value = levels[np.clip(np.searchsorted(knots, x, side="right") - 1, 0, knots.size - 1)]
        else:
            piece = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, knots.size - 2)
            with np.errstate(over="ignore", invalid="ignore"):
                slope = (levels[piece + 1] - levels[piece]) / (knots[piece + 1] - knots[piece])
                value = levels[piece] + slope * (x - knots[piece])
        inside = (x >= knots[0]) & (x <= knots[-1])
        known = ~np.isnan(x) if self.extrapolate else inside
        return np.where(known, value, np.nan)


@dataclass(frozen=True)
class Enumeration:
    """Labels of raw numbers.

    Parameters
    ----------
    labels : mapping of int to str
        Label of each number.

    Examples
    --------
    >>> Enumeration({0: "off", 1: "on"}).apply(np.array([1, 7])).tolist()
    ['on', '7 has no label']
    """

    labels: Mapping[int, str]

    def __post_init__(self) -> None:
        if not self.labels:
            raise InputError("no labels", where="labels", advice="give a label for each number")

    def apply(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
        """Labels of raw numbers; a number without one says so."""
        numbers, place = np.unique(raw, return_inverse=True)
        labels = [self.labels.get(int(number), f"{int(number)} has no label") for number in numbers]
        return np.array(labels, np.str_)[place] if labels else np.zeros(0, np.str_)

    def number(self, label: str) -> int | None:
        """The number of a label, None if there is none."""
        return next((number for number, text in self.labels.items() if text == label), None)


@dataclass(frozen=True)
class Instant:
    """A count of time since an epoch.

    Parameters
    ----------
    epoch : str
        As of `CucClock`; ``"UNIX"`` counts 1970 on without leap seconds.
    scale_s : float
        Length of one count [s].
    offset_s : float
        Added to the scaled count [s].

    Examples
    --------
    >>> str(Instant("UNIX", 1.0).apply(np.array([1893456000]))[0])
    '2030-01-01T00:00:00.000000'
    """

    epoch: str = "TAI"
    scale_s: float = _TICK_S
    offset_s: float = 0.0

    def apply(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
        """UTC of raw numbers to 1 us; NaT where a count lies beyond the calendar."""
        if self._exact and raw.dtype.kind == "u" and not np.any(raw >> np.uint64(48)):
            return CucClock(self.epoch).decode(raw.astype(np.uint64))
        with np.errstate(over="ignore", invalid="ignore"):
            since_us = 1e6 * (raw.astype(np.float64) * self.scale_s + self.offset_s)
        known = np.abs(since_us) < 2.5e17
        counted = np.rint(np.where(known, since_us, 0.0)).astype(np.int64)
        unix = self.epoch == "UNIX"
        t = counted.astype("datetime64[us]") if unix else CucClock(self.epoch).at(counted)
        t[~known] = np.datetime64("NaT")
        return t

    @property
    def _exact(self) -> bool:
        """Whether counts are those of the unsegmented code of 4 and 2 octets."""
        return self.epoch != "UNIX" and self.scale_s == _TICK_S and not self.offset_s


Calibration = Polynomial | Spline | Enumeration | Instant
"""What gives raw numbers their meaning."""
