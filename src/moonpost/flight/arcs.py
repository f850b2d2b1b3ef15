"""Short runs in an environment for shooting: ends, state transition matrices, closest approaches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate, propagate_batch, transition_batch
from moonpost.flight.state import State

__all__ = ["Arcs", "turning_axes"]

Floats = npt.NDArray[np.float64]

_ATOL_M = 1e-4
_PROBES = 4


class Arcs:
    """Runs of single states in an environment, without the checks and records of a whole propagation.

    Parameters
    ----------
    env : Environment
        Forces and frames, centred on the Moon.
    rtol : float, default 1e-11
        Relative tolerance of a step.

    """

    def __init__(self, env: Environment, rtol: float = 1e-11) -> None:
        self.env = env
        self.rtol = rtol

    def end(self, state: Floats, start_s: float, stop_s: float) -> Floats:
        """Carry a state to a time.

        Parameters
        ----------
        state : ndarray, shape (6,)
            Position [m] and velocity [m/s].
        start_s, stop_s : float
            TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (6,)

        Raises
        ------
        ModelError
            If the run meets a body or does not reach its end.
        """
        return np.asarray(self.ends(state[None], np.array([start_s]), np.array([stop_s]))[0])

    def ends(self, states: Floats, start_s: Floats, stop_s: Floats) -> Floats:
        """Carry many states, each to its own time.

        Parameters
        ----------
        states : ndarray, shape (n, 6)
            Positions [m] and velocities [m/s].
        start_s, stop_s : ndarray, shape (n,)
            TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (n, 6)

        Raises
        ------
        ModelError
            If a run meets a body or does not reach its end.
        """
        flown = propagate_batch(states, start_s, stop_s, self.env, rtol=self.rtol, atol_m=_ATOL_M)
        if not flown.arrived.all():
            raise ModelError(
                f"a run ends early: {flown.ended[~flown.arrived][0]}",
                where="arcs",
                advice="start nearer to the orbit that is meant",
            )
        return flown.states

    def matrices(self, states: Floats, start_s: Floats, stop_s: Floats) -> tuple[Floats, Floats]:
        """Carry many states and their state transition matrices, each to its own time.

        Parameters
        ----------
        states : ndarray, shape (n, 6)
            Positions [m] and velocities [m/s].
        start_s, stop_s : ndarray, shape (n,)
            TDB since J2000 [s].

        Returns
        -------
        tuple of ndarray, shapes (n, 6) and (n, 6, 6)
            States and matrices.

        Raises
        ------
        ModelError
            If a run meets a body or does not reach its end.
        """
        return transition_batch(states, start_s, stop_s, self.env, rtol=self.rtol, atol_m=_ATOL_M)

    def rates(self, state: Floats, at_s: float) -> Floats:
        """Rate of change of a state.

        Parameters
        ----------
        state : ndarray, shape (6,)
            Position [m] and velocity [m/s].
        at_s : float
            TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (6,)
            Velocity [m/s] and acceleration [m/s2].
        """
        return np.concatenate([state[3:], self.env.acceleration_m_s2(at_s, state[:3], state[3:])])

    def perilune(self, state: Floats, start_s: float, from_s: float, to_s: float) -> tuple[float, Floats] | None:
        """First closest approach to the Moon between two times.

        Parameters
        ----------
        state : ndarray, shape (6,)
            Position [m] and velocity [m/s].
        start_s : float
            When the state holds, TDB since J2000 [s].
        from_s, to_s : float
            Where to look, not before the start [s].

        Returns
        -------
        tuple of float and ndarray, shape (6,), or None
            Time [s] and state; None if there is no closest approach.

        Raises
        ------
        ModelError
            If the run meets a body or does not reach its end.
        """
        return self._first(state, start_s, from_s, to_s, lambda _, states: _climb(states))

    def passage(
        self, state: Floats, start_s: float, from_s: float, to_s: float, way: float
    ) -> tuple[float, Floats] | None:
        """First passage, between two times, through the plane of the Earth, the Moon and the pole of its orbit.

        Parameters
        ----------
        state : ndarray, shape (6,)
            Position [m] and velocity [m/s].
        start_s : float
            When the state holds, TDB since J2000 [s].
        from_s, to_s : float
            Where to look, not before the start [s].
        way : float
            1 for passages along the Moon's motion, -1 against it.

        Returns
        -------
        tuple of float and ndarray, shape (6,), or None
            Time [s] and state; None if there is no passage.

        Raises
        ------
        ModelError
            If the run meets a body or does not reach its end.
        """

        def height(times: Floats, states: Floats) -> Floats:
            across = turning_axes(self.env, times)[1]
            return way * np.einsum("ni,ni->n", across, states[:, :3])

        return self._first(state, start_s, from_s, to_s, height)

    def _first(
        self,
        state: Floats,
        start_s: float,
        from_s: float,
        to_s: float,
        height: Callable[[Floats, Floats], Floats],
    ) -> tuple[float, Floats] | None:
        """First time between two at which a height, of times and states, passes zero from below."""
        from scipy.optimize import brentq

        before = self.end(state, start_s, from_s)
        flown = propagate(State(from_s, before[:3], before[3:]), to_s, self.env, rtol=self.rtol, atol_m=_ATOL_M)
        if flown.ended != "time":
            raise ModelError(
                f"the run ends early: {flown.ended}",
                where="arcs",
                advice="start nearer to the orbit that is meant",
            )
        marks = flown.elapsed_s
        shares = np.arange(_PROBES) / _PROBES
        times = np.append((marks[:-1, None] + np.diff(marks)[:, None] * shares).ravel(), marks[-1])
        heights = height(from_s + times, flown.at_elapsed(times))
        rising = np.flatnonzero((heights[:-1] < 0.0) & (heights[1:] >= 0.0))
        if rising.size == 0:
            return None
        place = int(rising[0])

        def at(time: float) -> float:
            moment = np.array([time])
            return float(height(from_s + moment, flown.at_elapsed(moment))[0])

        found = float(brentq(at, times[place], times[place + 1], xtol=1e-6))
        return from_s + found, np.asarray(flown.at_elapsed(np.array([found]))[0])


def _climb(states: Floats) -> Floats:
    """Product of position and velocity, which changes sign from below at the closest approach."""
    return np.einsum("ni,ni->n", states[:, :3], states[:, 3:])


def turning_axes(env: Environment, tdb_s: Floats) -> tuple[Floats, Floats, Floats]:
    """Axes that turn with the Moon round the Earth.

    Parameters
    ----------
    env : Environment
        Where the Earth stands; centred on the Moon.
    tdb_s : ndarray, shape (n,)
        TDB since J2000 [s].

    Returns
    -------
    tuple of ndarray, shapes (n, 3), (n, 3) and (n,)
        From the Earth to the Moon and across, along the Moon's motion, in J2000 axes; how fast they turn [rad/s].
    """
    earth = env.body_state("earth", tdb_s)
    place, speed = -earth[:, :3], -earth[:, 3:]
    distance = np.linalg.norm(place, axis=1)
    pole = np.cross(place, speed)
    momentum = np.linalg.norm(pole, axis=1)
    toward = place / distance[:, None]
    return toward, np.cross(pole / momentum[:, None], toward), momentum / distance**2
