"""Halo orbits in the real sky: ballistic reference orbits over many revolutions by multiple shooting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.arcs import Arcs, turning_axes
from moonpost.flight.cr3bp import coast, time_unit_s
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import Crossing, find_events, flat_crossings
from moonpost.flight.halos import PeriodicOrbit, halo_family
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.synodic import SynodicFrame
from moonpost.flight.trajectory import Trajectory

__all__ = ["GATEWAY_PERIOD", "ReferenceOrbit", "reference_orbit", "rotating_speed_m_s"]

Floats = npt.NDArray[np.float64]

GATEWAY_PERIOD = 1.5111111
"""Period of the near rectilinear halo orbit in 9:2 resonance with the month of phases, in units of the three-body
problem [1]."""

_LENGTH_M, _SPEED_M_S, _TIME_S = 1e7, 100.0, 8640.0
_SIZES = np.array([_LENGTH_M] * 3 + [_SPEED_M_S] * 3)
_MOST_ROUNDS = 60
_USUAL_NODES = 3
_ADVICE = (
    "ask for fewer revolutions (8 of any period), start some days later, or keep off periods from 8.5 to 10.2 d, "
    "which beat with the month"
)
_JUMP_M = 0.01
_FLIGHT_RTOL, _FLIGHT_ATOL_M = 1e-11, 1e-4


@dataclass(frozen=True, eq=False)
class ReferenceOrbit:
    """An orbit without burns in the real sky, known at nodes away from the Moon.

    Parameters
    ----------
    env : Environment
        Forces and frames.
    node_s : ndarray, shape (n,)
        Times of the nodes, TDB since J2000 [s].
    node_states : ndarray, shape (n, 6)
        Positions [m] and velocities [m/s] at the nodes, J2000 axes from the Moon's centre.
    jump_m, jump_m_s : float
        Largest gap that is left between arcs, in position [m] and velocity [m/s].
    passage_s : ndarray, shape (k,)
        Times of the passages through the plane of the Earth, the Moon and the pole of its orbit on the side near
        the Moon, between the first and the last node, TDB since J2000 [s].
    passage_states : ndarray, shape (k, 6)
        States there [m, m/s].
    perilune_radius_m : ndarray, shape (k,)
        Distances of the closest approaches at these passages from the Moon's centre [m].
    way : float
        1 if these passages go along the Moon's motion, -1 if against it.
    """

    env: Environment
    node_s: Floats
    node_states: Floats
    jump_m: float
    jump_m_s: float
    passage_s: Floats
    passage_states: Floats
    perilune_radius_m: Floats
    way: float

    @property
    def period_s(self) -> float:
        """Mean time from one passage to the next [s].

        Returns
        -------
        float
        """
        return float(np.mean(np.diff(self.passage_s)))

    def states(self, t: Instant | npt.ArrayLike) -> Floats:
        """States at times between the first and the last node.

        Parameters
        ----------
        t : datetime64 array, or TDB seconds since J2000 as floats
            Shape (n,).

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s], J2000 axes from the Moon's centre.

        Raises
        ------
        InputError
            If a time lies outside.
        """
        given = np.asarray(t)
        floating = given.dtype.kind == "f"
        seconds = np.atleast_1d(given if floating else self.env.tdb_s(given)).astype(float).ravel()
        if seconds.size and not (self.node_s[0] <= seconds.min() and seconds.max() <= self.node_s[-1]):
            raise InputError(
                "a time lies outside the reference orbit",
                where="t",
                advice="ask between the first and the last of node_s, or make it for more revolutions",
            )
        rows = np.clip(np.searchsorted(self.node_s, seconds, side="right") - 1, 0, self.node_s.size - 2)
        return Arcs(self.env).ends(self.node_states[rows], self.node_s[rows], seconds)

    def flight(self, events: Crossing | Iterable[Crossing] = ()) -> Trajectory:
        """The whole orbit as one flight, for contacts, events, pictures and files of orbits.

        Parameters
        ----------
        events : Crossing or iterable of Crossing
            What to look out for, such as ``[eclipses("moon"), eclipses("earth")]``.

        Returns
        -------
        Trajectory
            From the first to the last node, with dense output; it jumps by `jump_m` at most at a node.

        Raises
        ------
        InputError
            If an event is none.

        Examples
        --------
        >>> from moonpost.flight.events import apsides
        >>> from moonpost.sky import Almanac
        >>> sky = Environment.make(Almanac.default(), "2030-01-01", "2030-02-10", degree=2)
        >>> found = reference_orbit(sky, "2030-01-05", 4).flight(apsides().only("perilune"))
        >>> len(found.events)
        3
        """
        crossings = flat_crossings(events)
        begin, count = float(self.node_s[0]), len(self.node_s)
        arcs = [
            propagate(
                State(float(self.node_s[k]), self.node_states[k, :3], self.node_states[k, 3:]),
                float(self.node_s[k + 1]),
                self.env,
                rtol=_FLIGHT_RTOL,
                atol_m=_FLIGHT_ATOL_M,
            )
            for k in range(count - 1)
        ]
        steps = np.concatenate([arc.steps for arc in arcs])
        shifts = [arc.start.time_tdb_s - begin for arc in arcs]
        steps[:, 0] += np.repeat(shifts, [len(arc.steps) for arc in arcs])
        dense = np.concatenate([arc.coefficients for arc in arcs])
        final = arcs[-1].final
        elapsed = np.append(steps[:, 0], final.time_tdb_s - begin)
        found = find_events(crossings, self.env, begin, float(elapsed[-1]), steps, dense)
        states = np.concatenate([dense[:, 0], final.vector[None]])
        noted = tuple(event for event, _ in found)
        return Trajectory(arcs[0].start, final, self.env, elapsed, states, "time", noted, (), steps, dense)


def reference_orbit(
    env: Environment,
    start: Instant,
    revolutions: int = 36,
    *,
    orbit: PeriodicOrbit | None = None,
    nodes: int = 3,
) -> ReferenceOrbit:
    """Find an orbit without burns near a halo orbit of the three-body problem.

    Parameters
    ----------
    env : Environment
        Forces and frames, centred on the Moon, for the whole time and half a revolution more at either end.
    start : Instant
        About the time of the first farthest place from the Moon; UTC or TDB seconds since J2000.
    revolutions : int, default 36
        How many.
    orbit : PeriodicOrbit, optional
        The halo orbit; the southern L2 orbit of `GATEWAY_PERIOD` if not given.
    nodes : int, default 3
        Nodes for each revolution, spread evenly in time, none at the closest approach. Where they do not settle,
        3, and 1 and 3 more than given, are tried.

    Returns
    -------
    ReferenceOrbit

    Raises
    ------
    InputError
        If a number cannot be used or the environment is centred on the Earth.
    DateError
        If the environment does not cover the orbit.
    ModelError
        If the shooting does not settle.

    Notes
    -----
    The halo orbit is carried into the sky by the Moon's distance and plane of the instant (`SynodicFrame`). Then
    states and times of all nodes move together until the arcs join: Newton's method with the smallest step that
    closes the linear gaps. With times held, or with nodes near the Moon, it does not settle over many revolutions;
    so it takes five to seven rounds for 90 revolutions. The answer is one of many orbits without burns near the
    halo orbit, the one nearest to it in that sense.

    Orbits whose period is near a third of the month (L1 and L2 halo orbits of 8.5 to 10.2 days) are pumped by the
    Moon's eccentricity: their perilune radii swing by a third and more, and from about 20 revolutions on the arcs
    may not join at all. Eight revolutions of such an orbit settle, and more do from some starts within the month.

    References
    ----------
    Williams, Lee, Whitley, Bokelmann, Davis and Berry (2017), Targeting cislunar near rectilinear halo orbits for
    human space exploration, AAS 17-267.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> sky = Environment.make(Almanac.default(), "2030-01-01", "2030-02-15", degree=2)
    >>> found = reference_orbit(sky, "2030-01-05", 5)
    >>> round(found.period_s / 86400, 1), found.jump_m < 0.01
    (6.6, True)
    """
    _checked(env, revolutions, nodes)
    halo = halo_family("L2-southern").orbit(GATEWAY_PERIOD) if orbit is None else orbit
    arcs, start_s = Arcs(env), float(env.tdb_s(start))
    for count in dict.fromkeys((nodes, _USUAL_NODES, nodes + 1, nodes + 3)):
        found = _settled(arcs, *_guess(env, start_s, revolutions, halo, count))
        if found is not None:
            return _described(arcs, *found, halo)
    raise ModelError(
        f"the arcs of {revolutions} revolutions of {halo.period * time_unit_s() / 86400.0:.2f} d do not join",
        where="reference_orbit",
        advice=_ADVICE,
    )


def _settled(arcs: Arcs, times: Floats, states: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Times, states and gaps of the nodes once the arcs join; None if they do not come to it."""
    for _ in range(_MOST_ROUNDS):
        gaps, slopes = _gaps(arcs, times, states)
        worst = np.abs(gaps).max(axis=0)
        if worst[:3].max() < _JUMP_M and worst[3:].max() < 1e-6:
            return times, states, gaps
        better = _improved(arcs, times, states, gaps, _step(gaps, slopes))
        if better is None:
            return None
        times, states = better
    return None


def rotating_speed_m_s(env: Environment, tdb_s: float, state: Floats) -> float:
    """Speed along the line from the Earth to the Moon, seen in the axes that turn with it.

    Parameters
    ----------
    env : Environment
        Where the Earth stands; centred on the Moon.
    tdb_s : float
        TDB since J2000 [s].
    state : ndarray, shape (6,)
        Position [m] and velocity [m/s], J2000 axes from the Moon's centre.

    Returns
    -------
    float
        What station-keeping holds at the passages [m/s].
    """
    toward, across, turn = (part[0] for part in turning_axes(env, np.array([tdb_s])))
    return float(toward @ state[3:] + turn * (across @ state[:3]))


def _guess(
    env: Environment, start_s: float, revolutions: int, halo: PeriodicOrbit, nodes: int
) -> tuple[Floats, Floats]:
    """Times and states of the nodes on the halo orbit itself."""
    shares = (np.arange(nodes) + 0.5) / nodes - 0.5
    phases = (np.arange(revolutions)[:, None] + shares).ravel()
    times = start_s + phases * halo.period * time_unit_s()
    env.check(times[[0, -1]])
    states = coast(halo.state, np.mod(phases, 1.0) * halo.period, halo.mu)
    return times, SynodicFrame.of(env.kernels, times, mu=halo.mu).j2000(states)


def _gaps(arcs: Arcs, times: Floats, states: Floats) -> tuple[Floats, Floats]:
    """Gaps at the ends of the arcs, shape (n - 1, 6), and their slopes to both nodes, (n - 1, 6, 14)."""
    count = len(times) - 1
    slopes = np.empty((count, 6, 14))
    ends, matrices = arcs.matrices(states[:-1], times[:-1], times[1:])
    for k in range(count):
        slopes[k, :, :6] = matrices[k]
        slopes[k, :, 6] = -matrices[k] @ arcs.rates(states[k], float(times[k]))
        slopes[k, :, 7:13] = -np.eye(6)
        slopes[k, :, 13] = arcs.rates(ends[k], float(times[k + 1]))
    return ends - states[1:], slopes


def _step(gaps: Floats, slopes: Floats) -> Floats:
    """Smallest scaled step of all nodes that closes the linear gaps, shape (n, 7)."""
    from scipy.linalg import solveh_banded

    sizes = np.append(_SIZES, _TIME_S)
    scaled = slopes * np.concatenate([sizes, sizes]) / _SIZES[:, None]
    left, right = scaled[:, :, :7], scaled[:, :, 7:]
    count = len(gaps)
    square = np.zeros((6 * count, 12))
    for k in range(count):
        own = left[k] @ left[k].T + right[k] @ right[k].T
        block = np.zeros((12, 6))
        block[:6] = own
        if k + 1 < count:
            block[6:] = left[k + 1] @ right[k].T
        for j in range(6):
            square[6 * k + j, : 12 - j] = block[j:, j]
    weights = solveh_banded(square.T, -(gaps / _SIZES).ravel(), lower=True).reshape(count, 6)
    step = np.zeros((count + 1, 7))
    step[:-1] += np.einsum("kij,ki->kj", left, weights)
    step[1:] += np.einsum("kij,ki->kj", right, weights)
    return step


def _improved(
    arcs: Arcs, times: Floats, states: Floats, gaps: Floats, step: Floats
) -> tuple[Floats, Floats] | None:
    """Nodes after the longest share of a step that makes the gaps smaller; None if none does."""
    size = float(np.linalg.norm(gaps / _SIZES))
    share = 1.0
    while share > 1e-3:
        moved, turned = times + share * step[:, 6] * _TIME_S, states + share * step[:, :6] * _SIZES
        try:
            if np.all(np.diff(moved) > 0.0) and _size(arcs, moved, turned) < (1.0 - 1e-4 * share) * size:
                return moved, turned
        except ModelError:
            pass
        share /= 2.0
    return None


def _size(arcs: Arcs, times: Floats, states: Floats) -> float:
    """Size of all gaps together, scaled."""
    ends = arcs.ends(states[:-1], times[:-1], times[1:])
    return float(np.linalg.norm((ends - states[1:]) / _SIZES))


def _described(arcs: Arcs, times: Floats, states: Floats, gaps: Floats, halo: PeriodicOrbit) -> ReferenceOrbit:
    """The orbit with its passages near the Moon."""
    way = float(np.sign(coast(halo.state, 0.5 * halo.period, halo.mu)[4]))
    passages: list[tuple[float, Floats]] = []
    closest: list[float] = []
    for k in range(len(times) - 1):
        here, after = float(times[k]), float(times[k + 1])
        found = arcs.passage(states[k], here, here, after, way)
        if found is not None:
            passages.append(found)
            near = arcs.perilune(states[k], here, here, after)
            closest.append(float(np.linalg.norm((found if near is None else near)[1][:3])))
    if len(passages) < 2:
        raise ModelError(
            "the orbit does not pass the Moon", where="reference_orbit", advice="take more revolutions"
        )
    return ReferenceOrbit(
        arcs.env,
        times,
        states,
        float(np.abs(gaps[:, :3]).max()),
        float(np.abs(gaps[:, 3:]).max()),
        np.array([moment for moment, _ in passages]),
        np.array([state for _, state in passages]),
        np.array(closest),
        way,
    )


def _checked(env: Environment, revolutions: int, nodes: int) -> None:
    """Refuse what cannot be used."""
    if env.centre != "moon":
        raise InputError("is centred on the Earth", where="env", advice="make it with centre='moon'")
    for name, value, least in (("revolutions", revolutions, 2), ("nodes", nodes, 2)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{value!r} is not a whole number", where=name, advice=f"give {least} or more")
