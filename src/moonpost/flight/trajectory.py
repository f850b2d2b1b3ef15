"""A flown way: its steps, its events, how it ended, and the state at any instant in between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import Event
from moonpost.flight.state import State

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Firing", "Trajectory"]

Floats = npt.NDArray[np.float64]
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Firing:
    """A burn as it was flown.

    Parameters
    ----------
    start_elapsed_s, stop_elapsed_s : float
        Ignition and cutoff, from the start of the flight [s].
    mass_before_kg, mass_after_kg : float
        Masses [kg].
    delta_v_m_s : float
        Velocity by the rocket equation [m/s].
    """

    start_elapsed_s: float
    stop_elapsed_s: float
    mass_before_kg: float
    mass_after_kg: float
    delta_v_m_s: float


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What `moonpost.flight.propagate` gives.

    Parameters
    ----------
    start : State
        State at the start.
    final : State
        State at the end, with the mass that is left.
    env : Environment
        What it was flown in.
    elapsed_s : ndarray, shape (k + 1,)
        Ends of the steps from the start of the flight, negative back in time [s].
    states : ndarray, shape (k + 1, 6)
        Positions [m] and velocities [m/s] there; just after an impulse.
    ended : str
        Why it ended: ``"time"``, the name of an event, ``"impact on the Moon"``, ``"impact on the Earth"``,
        ``"not finite"`` or ``"step too short"``.
    events : tuple of Event
        In the order of the flight.
    firings : tuple of Firing
        Burns as flown.
    steps, coefficients : ndarray, shapes (k, 2) and (k, 8, 6)
        Dense output; empty if it was not kept.
    """

    start: State
    final: State
    env: Environment
    elapsed_s: Floats
    states: Floats
    ended: str
    events: tuple[Event, ...]
    firings: tuple[Firing, ...]
    steps: Floats
    coefficients: Floats

    def __repr__(self) -> str:
        return f"Trajectory({self.start.utc}Z to {self.final.utc}Z, {len(self.elapsed_s) - 1} steps, {self.ended})"

    @property
    def impact(self) -> State | None:
        """The state of an impact, or None.

        Returns
        -------
        State or None
        """
        return self.final if self.ended.startswith("impact") else None

    @property
    def failed(self) -> bool:
        """Whether the integration broke off; `final` then is the last good state.

        Returns
        -------
        bool
        """
        return self.ended in ("not finite", "step too short")

    @property
    def time_tdb_s(self) -> Floats:
        """Ends of the steps, TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (k + 1,)
        """
        return self.start.time_tdb_s + self.elapsed_s

    @property
    def duration_s(self) -> float:
        """How long the flight lasted, negative back in time [s].

        Returns
        -------
        float
        """
        return float(self.elapsed_s[-1])

    def at(self, t: Instant) -> Floats:
        """States at instants of the flight.

        Parameters
        ----------
        t : Instant
            UTC dates, or one number of TDB seconds since J2000.

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s].

        Raises
        ------
        DateError
            If an instant lies outside the flight.
        InputError
            If the dense output was not kept.
        """
        return self.at_elapsed(np.atleast_1d(self.env.tdb_s(t)) - self.start.time_tdb_s)

    def at_elapsed(self, elapsed_s: npt.ArrayLike) -> Floats:
        """States at times from the start of the flight.

        Parameters
        ----------
        elapsed_s : array_like, shape (n,)
            Times, negative back in time [s].

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s].

        Raises
        ------
        DateError
            If a time lies outside the flight.
        InputError
            If the dense output was not kept.

        Notes
        -----
        Polynomials of order 7 within the steps: in a low orbit they add less than 1 mm at a tolerance of 1e-12.
        """
        from moonpost.flight.impactkernels import interpolate

        times = np.atleast_1d(np.asarray(elapsed_s, dtype=np.float64)).ravel()
        low, high = sorted((0.0, self.duration_s))
        inside = (times >= low - _ROUNDING_S) & (times <= high + _ROUNDING_S)
        if not inside.all():
            raise DateError(
                f"{float(times[~inside][0]):g} s from the start lies outside the flight of {self.duration_s:g} s",
                where="trajectory",
                advice="ask for an instant inside, or propagate further",
            )
        if not len(self.steps):
            if len(self.elapsed_s) > 1:
                raise InputError("dense output was not kept", where="trajectory", advice="use dense=True")
            return np.repeat(self.states[:1], len(times), axis=0)
        times = np.clip(times, low, high)
        sign = 1.0 if self.duration_s >= 0 else -1.0
        rows = np.searchsorted(self._starts, sign * times, side="right") - 1
        return interpolate(times, np.clip(rows, 0, len(self.steps) - 1), self.steps, self.coefficients)

    def sampled(self, step_s: float) -> tuple[Floats, Floats]:
        """States at even intervals, the end included.

        Parameters
        ----------
        step_s : float
            Interval [s].

        Returns
        -------
        tuple of ndarray, shapes (n,) and (n, 6)
            Times from the start [s]; positions [m] and velocities [m/s].

        Raises
        ------
        InputError
            If the interval is not positive or the dense output was not kept.
        """
        if not 0.0 < step_s < np.inf:
            raise InputError(f"{step_s} is no interval", where="step_s", advice="give seconds above 0")
        size = abs(self.duration_s)
        times: Floats = step_s * np.arange(int(size / step_s + 1e-6) + 1, dtype=np.float64)
        times = np.append(times, size) if size - times[-1] > 1e-6 * step_s else np.minimum(times, size)
        times = times if self.duration_s >= 0.0 else -times
        return times, self.at_elapsed(times)

    def to_dataset(self, step_s: float = 60.0) -> xr.Dataset:
        """The flight as an xarray data set.

        Parameters
        ----------
        step_s : float, default 60.0
            Interval [s].

        Returns
        -------
        xarray.Dataset
            `position_m` and `velocity_m_s` over `time` (UTC) and `axis`.
        """
        import xarray as xr

        times, states = self.sampled(step_s)
        attributes: dict[str, Any] = {"centre": self.start.centre, "axes": self.start.axes, "ended": self.ended}
        utc = self.env.utc(self.start.time_tdb_s + times).astype("datetime64[ns]")
        return xr.Dataset(
            {
                "position_m": (("time", "axis"), states[:, :3], {"units": "m"}),
                "velocity_m_s": (("time", "axis"), states[:, 3:], {"units": "m/s"}),
            },
            coords={"time": utc, "axis": ["x", "y", "z"], "elapsed_s": ("time", times)},
            attrs=attributes,
        )

    @cached_property
    def _starts(self) -> Floats:
        """Starts of the steps, ascending."""
        return (1.0 if self.duration_s >= 0 else -1.0) * self.steps[:, 0]
