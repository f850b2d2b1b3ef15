"""Checks that every series of the room passes: finite, of one length, at one step."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["FloatSeries", "SunView", "as_series", "step_of"]

FloatSeries = npt.NDArray[np.float64]
"""A series of numbers in time, (n,)."""


class SunView(Protocol):
    """The Sun as seen from a place: what `moonpost.sky.Almanac.sun` returns, or anything like it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> hour = np.array(["2035-01-01T00"], dtype="datetime64[ms]")
    >>> sun: SunView = SimpleNamespace(time=hour, azimuth_deg=np.zeros(1), elevation_deg=np.ones(1),
    ...     distance_m=np.full(1, 1.5e11))
    """

    @property
    def time(self) -> npt.NDArray[np.datetime64]:
        """UTC instants, (n,)."""
        ...

    @property
    def azimuth_deg(self) -> FloatSeries:
        """Clockwise from north, (n,) [deg]."""
        ...

    @property
    def elevation_deg(self) -> FloatSeries:
        """Above the local horizontal, (n,) [deg]."""
        ...

    @property
    def distance_m(self) -> FloatSeries:
        """To the Sun's centre, (n,) [m]."""
        ...


def as_series(
    values: Any, name: str, *, length: int | None = None, low: float = -np.inf, high: float = np.inf
) -> FloatSeries:
    """A finite one-dimensional array of floats, or an error that names it.

    Parameters
    ----------
    values : array-like, (n,) or scalar
        The numbers. A scalar is repeated `length` times if `length` is given.
    name : str
        What to call it in an error.
    length : int, optional
        The length it must have.
    low, high : float, optional
        Allowed range, ends included.

    Returns
    -------
    ndarray of float64, (n,)

    Raises
    ------
    InputError
        If a value is not a number, not finite or outside the range, or the shape is wrong.

    Examples
    --------
    >>> as_series([1, 2], "load_w")
    array([1., 2.])
    >>> as_series(3.0, "load_w", length=2)
    array([3., 3.])
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not an array of numbers", where=name, advice="pass numbers") from error
    if series.ndim == 0 and length is not None:
        series = np.full(length, float(series))
    if series.ndim != 1 or series.size == 0:
        raise InputError(
            f"has shape {series.shape}", where=name, advice="pass a one-dimensional series of at least one value"
        )
    if length is not None and series.size != length:
        raise InputError(
            f"has {series.size} values, not {length}", where=name, advice="use the same times for all"
        )
    wrong = ~np.isfinite(series) | (series < low) | (series > high)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(
            f"value {first} is {series[first]}",
            where=name,
            advice=f"every value has to be finite and from {low:g} to {high:g}",
        )
    return np.ascontiguousarray(series)


def step_of(time: npt.NDArray[np.datetime64]) -> float:
    """The even step of a time series.

    Parameters
    ----------
    time : ndarray of datetime64, (n,)
        At least two UTC instants.

    Returns
    -------
    float
        Step [s].

    Raises
    ------
    InputError
        If there are fewer than two instants, or they do not rise by even steps (to 2 ms).

    Examples
    --------
    >>> step_of(np.array(["2030-01-01T00", "2030-01-01T01"], dtype="datetime64[ms]"))
    3600.0
    """
    advice = "make the times with moonpost.sky.times(start, stop, step_s)"
    if time.ndim != 1 or time.size < 2:
        raise InputError(f"has shape {time.shape}: no step can be read from it", where="time", advice=advice)
    seconds = (time - time[0]) / np.timedelta64(1, "s")
    step_s = float(seconds[-1]) / (time.size - 1)
    uneven = np.abs(seconds - step_s * np.arange(time.size)) > 0.002
    if not step_s > 0 or uneven.any():
        raise InputError("the times do not rise by even steps", where="time", advice=advice)
    return round(step_s, 6)
