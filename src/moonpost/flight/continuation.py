"""Symmetric periodic orbits of the three-body problem: correction and pseudo-arclength continuation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError

__all__ = [
    "PLANAR",
    "SPATIAL",
    "Chart",
    "Corrected",
    "bent_at",
    "crossed_at",
    "follow",
    "turns_back",
    "with_half_period",
]

Floats = npt.NDArray[np.float64]

_CROSSING = [1, 3, 5]
_MOST_CORRECTIONS = 12
_SETTLED = 1e-12
_NOISE = 1e-9
_SHORTEST = 1e-7
_TURN = 0.95
_LONGEST = 0.1


@dataclass(frozen=True)
class Chart:
    """Which unknowns move and which conditions bind.

    Parameters
    ----------
    unknowns : tuple of int
        Indices into (x, z, vy, half period) at the first crossing of the xz plane.
    conditions : tuple of int
        Indices into (y, vx, vz) half a period later, all of which vanish on a symmetric periodic orbit.
    scale : tuple of float
        Natural sizes of the four unknowns, in which arc length is measured.
    """

    unknowns: tuple[int, ...]
    conditions: tuple[int, ...]
    scale: tuple[float, float, float, float]

    def scaled(self, vector: Floats) -> Floats:
        """Unknowns that move, each over its natural size.

        Parameters
        ----------
        vector : ndarray, shape (4,)
            Values of all unknowns.

        Returns
        -------
        ndarray, shape (k,)
            Without dimension.
        """
        return (vector / np.array(self.scale))[list(self.unknowns)]

    def spread(self, step: Floats) -> Floats:
        """Step in all four unknowns from a scaled one in those that move.

        Parameters
        ----------
        step : ndarray, shape (k,)
            Scaled step.

        Returns
        -------
        ndarray, shape (4,)
            In units of the problem.
        """
        full = np.zeros(4)
        full[list(self.unknowns)] = step
        return full * np.array(self.scale)


PLANAR = ((0, 2, 3), (0, 1))
"""Unknowns and conditions of orbits in the plane of the two bodies."""

SPATIAL = ((0, 1, 2, 3), (0, 1, 2))
"""Unknowns and conditions of orbits that leave the plane."""


@dataclass(frozen=True)
class Corrected:
    """One periodic orbit as the corrector leaves it.

    Parameters
    ----------
    unknowns : ndarray, shape (4,)
        x, z, vy at the first crossing of the xz plane, and half the period.
    end : ndarray, shape (6,)
        State half a period later.
    transition : ndarray, shape (6, 6)
        State transition matrix over half a period.
    slope : ndarray, shape (3, 4)
        Derivatives of (y, vx, vz) at the end to the unknowns.
    rounds : int
        Corrections that were needed.
    """

    unknowns: Floats
    end: Floats
    transition: Floats
    slope: Floats
    rounds: int


def acceleration_state(state: Floats, mu: float) -> Floats:
    """Rate of change of a state."""
    x, y, z, vx, vy, vz = state
    first = (1.0 - mu) * ((x + mu) ** 2 + y * y + z * z) ** -1.5
    second = mu * ((x - 1.0 + mu) ** 2 + y * y + z * z) ** -1.5
    return np.array(
        [
            vx,
            vy,
            vz,
            2.0 * vy + x - first * (x + mu) - second * (x - 1.0 + mu),
            -2.0 * vx + y * (1.0 - first - second),
            -z * (first + second),
        ]
    )


def half_way(unknowns: Floats, mu: float) -> tuple[Floats, Floats, Floats]:
    """State, transition matrix and slope of the conditions half a period after the first crossing."""
    from moonpost.flight.cr3bpkernels import DONE, flow

    start = np.array([unknowns[0], 0.0, unknowns[1], 0.0, unknowns[2], 0.0])
    end, transition = np.empty(6), np.empty((6, 6))
    if flow(start, float(unknowns[3]), mu, end, transition, True) != DONE:
        raise ModelError("the orbit runs into a body or away", where="continuation", advice="start elsewhere")
    rates = acceleration_state(end, mu)
    slope = np.column_stack([transition[_CROSSING][:, [0, 2, 4]], rates[_CROSSING]])
    return end, transition, slope


def bent_at(guess: Floats, tangent: Floats, mu: float, chart: Chart) -> Corrected:
    """Correct a guess to a periodic orbit in the plane through the guess square to the tangent.

    Parameters
    ----------
    guess : ndarray, shape (4,)
        x, z, vy, half period.
    tangent : ndarray, shape (k,)
        Unit tangent of the family in the scaled unknowns that move.
    mu : float
        Mass of the smaller body over that of both.
    chart : Chart
        Unknowns and conditions.

    Returns
    -------
    Corrected
        The orbit, closed to rounding error.

    Raises
    ------
    ModelError
        If Newton's method does not settle.
    """
    unknowns = guess.copy()
    rows, columns = list(chart.conditions), list(chart.unknowns)
    scale = np.array(chart.scale)
    before = np.inf
    for round_ in range(_MOST_CORRECTIONS):
        end, transition, slope = half_way(unknowns, mu)
        misses = np.append(end[_CROSSING][rows], tangent @ chart.scaled(unknowns - guess))
        matrix = np.vstack([(slope * scale)[np.ix_(rows, columns)], tangent])
        try:
            step = np.linalg.solve(matrix, -misses)
        except np.linalg.LinAlgError:
            break
        size = float(np.abs(step).max())
        if not size < 1.0:
            break
        if size < _SETTLED or (size < _NOISE and size > 0.25 * before):
            return Corrected(unknowns, end, transition, slope, round_)
        unknowns = unknowns + chart.spread(step)
        before = size
    raise ModelError("the corrector does not settle", where="continuation", advice="start nearer to the family")


def with_half_period(start: Corrected, mu: float, chart: Chart) -> Corrected:
    """Polish an orbit with its half period held.

    Parameters
    ----------
    start : Corrected
        An orbit whose half period is right to rounding error, or nearly so.
    mu : float
        Mass of the smaller body over that of both.
    chart : Chart
        Unknowns and conditions of its family.

    Returns
    -------
    Corrected
        The orbit of exactly that half period, or `start` itself beside a fold of the family, where the period
        does not tell its members apart.
    """
    best, moved = start, start
    columns = [k for k in chart.unknowns if k != 3]
    rows = list(chart.conditions)
    for _ in range(4):
        matrix = moved.slope[np.ix_(rows, columns)]
        if np.linalg.cond(matrix) > 1e8:
            return best
        step = np.linalg.solve(matrix, -moved.end[_CROSSING][rows])
        unknowns = moved.unknowns.copy()
        unknowns[columns] += step
        moved = Corrected(unknowns, *half_way(unknowns, mu), start.rounds)
        if np.abs(moved.end[_CROSSING]).max() >= np.abs(best.end[_CROSSING]).max():
            return best
        best = moved
    return best


def follow(
    start: Floats,
    tangent: Floats,
    mu: float,
    chart: Chart,
    stop: Callable[[Corrected], bool],
    *,
    longest: float = _LONGEST,
    most: int = 400,
) -> list[Corrected]:
    """Follow a family from a member by steps of arc length.

    Parameters
    ----------
    start : ndarray, shape (4,)
        x, z, vy, half period of a member, or of a point where the family branches off.
    tangent : ndarray, shape (k,)
        Direction in the scaled unknowns in which to leave.
    mu : float
        Mass of the smaller body over that of both.
    chart : Chart
        Unknowns and conditions.
    stop : callable
        Told each new member; true ends the run after it.
    longest : float
        Longest step in scaled arc length.
    most : int
        Most members.

    Returns
    -------
    list of Corrected
        Members in order, without the start. A run also ends where no step is small enough.

    Notes
    -----
    The predictor is the tangent, found as the null vector of the conditions' slope; the step halves where the
    corrector fails or the tangent turns by more than 18 degrees, and grows by 30 % after an easy one. Folds in
    period or energy are passed without notice. Method: Keller's, as in Doedel et al. (2003), Computation of
    periodic solutions of conservative systems with application to the 3-body problem, Int. J. Bifurcation Chaos
    13, 1353, doi:10.1142/S0218127403007291.
    """
    found: list[Corrected] = []
    here, heading, step = start, tangent / np.linalg.norm(tangent), 0.2 * longest
    while len(found) < most and step > _SHORTEST:
        try:
            member = bent_at(here + chart.spread(step * heading), heading, mu, chart)
        except ModelError:
            step /= 2.0
            continue
        ahead = _tangent(member, chart, heading)
        if ahead @ heading < _TURN:
            step /= 2.0
            continue
        here, heading = member.unknowns, ahead
        found.append(member)
        if stop(member):
            break
        step = min(1.3 * step, longest) if member.rounds <= 4 else step / 1.5
    return found


def _tangent(member: Corrected, chart: Chart, heading: Floats) -> Floats:
    """Unit tangent of the family at a member, along the heading."""
    return _tangent_of(member.slope, chart, heading)


def _tangent_of(slope: Floats, chart: Chart, heading: Floats) -> Floats:
    """Unit null vector of the slope of the conditions, along the heading."""
    matrix = (slope * np.array(chart.scale))[np.ix_(list(chart.conditions), list(chart.unknowns))]
    tangent = np.linalg.svd(matrix)[2][-1]
    return tangent if tangent @ heading >= 0.0 else -tangent


def crossed_at(
    first: Floats, second: Floats, mu: float, chart: Chart, value: Callable[[Corrected], float]
) -> Corrected:
    """Find the member between two neighbours for which a value vanishes.

    Parameters
    ----------
    first, second : ndarray, shape (4,)
        Neighbours in a family, at which the value has opposite signs.
    mu : float
        Mass of the smaller body over that of both.
    chart : Chart
        Unknowns and conditions.
    value : callable
        Function of a member.

    Returns
    -------
    Corrected
        The member; that end at which the value is nearer to zero, if rounding leaves both with one sign.
    """
    from scipy.optimize import brentq

    chord = chart.scaled(second - first)
    length = float(np.linalg.norm(chord))
    heading = chord / length
    slopes = []
    for end in (first, second):
        tangent = _tangent_of(half_way(end, mu)[2], chart, heading)
        slopes.append(tangent * length / max(float(tangent @ heading), 0.1))

    def at(share: float) -> Corrected:
        # cubic through both members and their tangents, moved along the chord to the plane of the share
        rest = 1.0 - share
        bend = share * rest * (rest * (slopes[0] - chord) - share * (slopes[1] - chord))
        bend -= (bend @ heading) * heading
        return bent_at(first + chart.spread(share * chord + bend), heading, mu, chart)

    ends = [at(0.0), at(1.0)]
    heights = [value(end) for end in ends]
    if heights[0] * heights[1] >= 0.0:
        return ends[int(abs(heights[1]) < abs(heights[0]))]
    return at(brentq(lambda share: value(at(share)), 0.0, 1.0, xtol=1e-15, rtol=1e-15))


def turns_back(members: list[Corrected], mu: float, chart: Chart) -> tuple[Corrected, ...]:
    """Add the members at which the period turns back, so that each period between the extremes is bracketed.

    Parameters
    ----------
    members : list of Corrected
        Neighbours in order.
    mu : float
        Mass of the smaller body over that of both.
    chart : Chart
        Unknowns and conditions.

    Returns
    -------
    tuple of Corrected
        All members and the folds between them.
    """
    full = members[:1]
    for first, second in pairwise(members):
        heading = chart.scaled(second.unknowns - first.unknowns)

        def growth(member: Corrected, along: Floats = heading) -> float:
            return float(_tangent(member, chart, along)[-1])

        if full and first is not members[0] and growth(first) * growth(second) < 0.0:
            full.append(crossed_at(first.unknowns, second.unknowns, mu, chart, growth))
        full.append(second)
    return tuple(full)
