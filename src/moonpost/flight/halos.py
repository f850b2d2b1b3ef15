"""Families of periodic orbits of the three-body problem: halo, planar Lyapunov and distant retrograde orbits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight.continuation import SPATIAL, Chart, Corrected, crossed_at, with_half_period
from moonpost.flight.cr3bp import EARTH_MOON_MU, coast, finite_number, jacobi, mass_ratio, transition
from moonpost.flight.familymembers import halo_members, lyapunov_members, retrograde_members

__all__ = [
    "OrbitFamily",
    "PeriodicOrbit",
    "halo_family",
    "lyapunov_family",
    "near_rectilinear",
    "retrograde_family",
    "stability_of",
]

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_POINTS = ("L1", "L2", "L3")
_SIDES = {"n": 1.0, "north": 1.0, "northern": 1.0, "s": -1.0, "south": -1.0, "southern": -1.0}
_RECTILINEAR = {"nrho", "nrhos", "rectilinear"}
_FILLERS = _RECTILINEAR | {
    "halo", "halos", "near", "orbit", "orbits", "family", "the", "of", "em", "earth", "moon", "lagrange", "point",
    "branch", "resonant",
}  # fmt: skip
_POINT = r"l[ _-]*[1-5](?!\d)"
_WORD = re.compile(rf"{_POINT}|[a-z]+?(?={_POINT}|[^a-z]|$)")
_MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
_PLACES = 64


@dataclass(frozen=True)
class PeriodicOrbit:
    """One periodic orbit that crosses the xz plane at right angles.

    Parameters
    ----------
    name : str
        Its family.
    state : ndarray, shape (6,)
        Position and velocity at such a crossing [1].
    period : float
        Period [1].
    mu : float
        Mass of the smaller body over that of both [1].

    Examples
    --------
    >>> gateway = halo_family("L2-southern").orbit(1.5111111)
    >>> (round(gateway.closest * 384400), round(gateway.farthest * 384400), round(gateway.jacobi, 7))
    (3248, 71220, 3.0465004)
    """

    name: str
    state: Floats
    period: float
    mu: float

    @property
    def jacobi(self) -> float:
        """Jacobi constant [1], without the term mu (1 - mu).

        Returns
        -------
        float
            See `moonpost.flight.cr3bp.jacobi`.
        """
        return float(jacobi(self.state, self.mu))

    @cached_property
    def monodromy(self) -> Floats:
        """State transition matrix over one period, shape (6, 6).

        Returns
        -------
        ndarray, shape (6, 6)
            Two of its eigenvalues are 1, the others come in reciprocal pairs.
        """
        return transition(self.state, self.period, self.mu)[1]

    @property
    def stability(self) -> Complexes:
        """Stability indices (l + 1 / l) / 2 of the two pairs of eigenvalues l, the larger first.

        Returns
        -------
        ndarray of complex, shape (2,)
            Both real and within -1 to 1 on a linearly stable orbit.
        """
        return stability_of(self.monodromy)

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """Least and greatest distance from the smaller body."""
        from moonpost.flight.cr3bpkernels import APSIS, cross

        centre = np.array([1.0 - self.mu, 0.0, 0.0, 0.0])
        distances = [float(np.linalg.norm(self.state[:3] - centre[:3]))]
        for count in range(1, _PLACES):
            state = np.empty(6)
            gone, _ = cross(self.state, 1.000001 * self.period, self.mu, APSIS, centre, 0, count, state)
            if np.isnan(gone):
                break
            distances.append(float(np.linalg.norm(state[:3] - centre[:3])))
        return min(distances), max(distances)

    @property
    def closest(self) -> float:
        """Least distance from the smaller body's centre: the perilune radius [1].

        Returns
        -------
        float
            In units of the bodies' distance.
        """
        return self._reach[0]

    @property
    def farthest(self) -> float:
        """Greatest distance from the smaller body's centre: the apolune radius [1].

        Returns
        -------
        float
            In units of the bodies' distance.
        """
        return self._reach[1]

    def states(self, count: int = 361) -> Floats:
        """States evenly spaced in time over one period, both ends included.

        Parameters
        ----------
        count : int
            How many, at least 2.

        Returns
        -------
        ndarray, shape (count, 6)
            Position and velocity [1].

        Raises
        ------
        InputError
            If `count` is below 2.
        """
        if count < 2:
            raise InputError(f"{count} states", where="count", advice="ask for two or more")
        return coast(self.state, np.linspace(0.0, self.period, count), self.mu)


@dataclass(frozen=True)
class OrbitFamily:
    """Members of a family in the order of continuation.

    Parameters
    ----------
    name : str
        The family.
    mu : float
        Mass of the smaller body over that of both [1].
    members : tuple of Corrected
        Periodic orbits as they were corrected, in their northern form.
    chart : Chart
        Unknowns and conditions that hold on the family.
    side : float
        1 as corrected, -1 mirrored in the plane of the bodies.

    Examples
    --------
    >>> family = halo_family("L1-northern")
    >>> low, high = family.period_range
    >>> round(low, 4), round(high, 4)
    (1.8037, 3.0609)
    """

    name: str
    mu: float
    members: tuple[Corrected, ...]
    chart: Chart
    side: float = 1.0

    @cached_property
    def periods(self) -> Floats:
        """Periods of the members, shape (n,) [1]."""
        return np.array([2.0 * member.unknowns[3] for member in self.members])

    @property
    def period_range(self) -> tuple[float, float]:
        """Shortest and longest period of the family [1]."""
        return float(self.periods.min()), float(self.periods.max())

    @cached_property
    def states(self) -> Floats:
        """Initial states of the members, shape (n, 6) [1]."""
        return np.array([self._state(member) for member in self.members])

    @cached_property
    def jacobi(self) -> Floats:
        """Jacobi constants of the members, shape (n,) [1]."""
        return jacobi(self.states, self.mu)

    @cached_property
    def stability(self) -> Complexes:
        """Stability indices of the members, the larger first, shape (n, 2)."""
        return np.array([_indices(member) for member in self.members])

    def orbit(self, period: float, *, member: int = 0) -> PeriodicOrbit:
        """Find the member of exactly a period.

        Parameters
        ----------
        period : float
            Period in units of the problem [1].
        member : int
            Which one, counted along the family, where several have that period.

        Returns
        -------
        PeriodicOrbit
            Closed to rounding error.

        Raises
        ------
        InputError
            If no member has that period, or not so many.
        """
        wanted = finite_number(period, "period")
        gaps = self.periods - wanted
        places = np.flatnonzero((gaps[:-1] * gaps[1:] < 0.0) | (gaps[:-1] == 0.0))
        if gaps[-1] == 0.0:
            places = np.append(places, gaps.size - 2)
        if places.size == 0:
            low, high = self.period_range
            raise InputError(
                f"no {self.name} orbit has the period {wanted:g}",
                where="period",
                advice=f"give {low:.6f} to {high:.6f} time units for mu = {self.mu:g}",
            )
        if isinstance(member, bool) or not 0 <= member < places.size:
            raise InputError(
                f"{places.size} {self.name} orbits have the period {wanted:g}",
                where="member",
                advice=f"give 0 to {places.size - 1}",
            )
        place = int(places[member])
        near = self.members[place + int(gaps[place] != 0.0)]
        if gaps[place] * gaps[place + 1] < 0.0:
            ends = (self.members[place].unknowns, self.members[place + 1].unknowns)
            near = crossed_at(*ends, self.mu, self.chart, lambda found: 2.0 * found.unknowns[3] - wanted)
        unknowns = np.append(near.unknowns[:3], 0.5 * wanted)
        exact = with_half_period(replace(near, unknowns=unknowns), self.mu, self.chart)
        return PeriodicOrbit(self.name, self._state(exact), wanted, self.mu)

    def _state(self, member: Corrected) -> Floats:
        """Initial state of a member on this side of the plane."""
        x, z, vy, _ = member.unknowns
        return np.array([x, 0.0, self.side * z, 0.0, vy, 0.0]) + 0.0


def stability_of(monodromy: npt.ArrayLike) -> Complexes:
    """Stability indices of a periodic orbit from its monodromy matrix.

    Parameters
    ----------
    monodromy : array_like, shape (6, 6)
        State transition matrix over a period.

    Returns
    -------
    ndarray of complex, shape (2,)
        (l + 1 / l) / 2 of both pairs of eigenvalues l besides the two that are 1, the larger first.

    Raises
    ------
    InputError
        If it is not a finite (6, 6) matrix.

    Notes
    -----
    From the traces of the matrix and its square, which avoids the double eigenvalue 1, whose rounding error is
    the root of the matrix's (Broucke 1969, Stability of periodic orbits in the elliptic restricted three-body
    problem, AIAA J. 7, 1003, doi:10.2514/3.5267).

    Examples
    --------
    >>> stability_of(np.diag([4.0, 0.25, 1.0, 1.0, 1.0, 1.0])).real.tolist()
    [2.125, 1.0]
    """
    matrix = np.asarray(monodromy, dtype=float)
    if matrix.shape != (6, 6) or not np.isfinite(matrix).all():
        raise InputError("is not a finite (6, 6) matrix", where="monodromy", advice="see cr3bp.transition")
    total = 0.5 * (np.trace(matrix) - 2.0)
    squares = 0.25 * (np.trace(matrix @ matrix) + 2.0)
    apart = np.emath.sqrt(0.5 * squares - 0.25 * total * total)
    pair = np.array([0.5 * total + apart, 0.5 * total - apart], dtype=complex)
    return pair[np.argsort(-np.abs(pair), kind="stable")]


def halo_family(family: str, mu: float = EARTH_MOON_MU) -> OrbitFamily:
    """Follow a family of halo orbits from the planar orbits to the smaller body.

    Parameters
    ----------
    family : str
        Such as ``"L2-southern"``; spellings as in `moonpost.flight.cr3bp.halo`.
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    OrbitFamily
        From the planar orbit it branches off to within 0.002 of the point's distance from the smaller body, or to
        where it reaches farther than the bodies' distance.

    Raises
    ------
    UnknownNameError
        If the family is not known.
    InputError
        If `mu` is not a number above 0 and at most 0.5.
    ModelError
        If the family cannot be followed for this `mu` (L3 of a very small `mu`).

    Notes
    -----
    The planar Lyapunov family of the point is followed until a small push off the plane returns square to the
    plane after half a period (the derivative of vz to z vanishes): the halo orbits branch off there. Radii are of
    point masses: the last members run below a real body's surface.

    References
    ----------
    Breakwell and Brown (1979), The 'halo' family of 3-dimensional periodic orbits in the Earth-Moon restricted
    3-body problem, Celest. Mech. 20, 389, doi:10.1007/BF01230405; Howell (1984), Celest. Mech. 32, 53,
    doi:10.1007/BF01358403.

    Examples
    --------
    >>> family = halo_family("L2 southern NRHO")
    >>> family.name, round(float(family.periods[0]), 5)
    ('L2-southern', 3.41553)
    """
    point, side = _named(family)
    ratio = mass_ratio(mu)
    members, chart = halo_members(point, ratio)
    label = f"{point}-{'northern' if side > 0.0 else 'southern'}"
    return OrbitFamily(label, ratio, members, chart, side)


def lyapunov_family(point: str, mu: float = EARTH_MOON_MU) -> OrbitFamily:
    """Follow the planar Lyapunov orbits of a collinear point outward.

    Parameters
    ----------
    point : str
        ``"L1"``, ``"L2"`` or ``"L3"``.
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    OrbitFamily
        From an amplitude of a thousandth of the point's distance from the smaller body, until a crossing of the
        axis comes within 0.02 of that distance from the smaller body, within 0.1 of the bodies' distance from the
        larger, or beyond twice their distance.

    Raises
    ------
    UnknownNameError
        If the point is not known.
    InputError
        If `mu` is not a number above 0 and at most 0.5.

    Examples
    --------
    >>> round(float(lyapunov_family("L1").periods[0]), 4)
    2.6916
    """
    label = str(point).strip().upper()
    if label not in _POINTS:
        raise UnknownNameError(str(point), _POINTS, kind="collinear point")
    ratio = mass_ratio(mu)
    members, chart = lyapunov_members(label, ratio)
    return OrbitFamily(f"{label}-lyapunov", ratio, members, chart)


def retrograde_family(mu: float = EARTH_MOON_MU) -> OrbitFamily:
    """Follow the distant retrograde orbits from small circles round the smaller body outward.

    Parameters
    ----------
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    OrbitFamily
        From three hundredths of the distance of L2 to half the bodies' distance.

    Raises
    ------
    InputError
        If `mu` is not a number above 0 and at most 0.5.

    References
    ----------
    Henon (1969), Numerical exploration of the restricted problem V, Astron. Astrophys. 1, 223.

    Examples
    --------
    >>> low, high = retrograde_family().period_range
    >>> low < 0.03 and high > 5.0
    True
    """
    ratio = mass_ratio(mu)
    members, chart = retrograde_members(ratio)
    return OrbitFamily("distant-retrograde", ratio, members, chart)


def near_rectilinear(family: OrbitFamily) -> tuple[PeriodicOrbit, PeriodicOrbit]:
    """Bounds of the near rectilinear halo orbits of a family.

    Parameters
    ----------
    family : OrbitFamily
        Halo orbits.

    Returns
    -------
    tuple of PeriodicOrbit
        The member at which the larger stability index has fallen to 1, and the one nearer to the body at which
        the other, having been below -1, comes back to it.

    Raises
    ------
    ModelError
        If the family has no such members.

    Notes
    -----
    Of the Earth-Moon L2 orbits these reach 17,350 and 1,850 km from the Moon's centre (Zimovan, Howell and Davis
    2017, Near rectilinear halo orbits and their application in cis-lunar space, IAA-AICC).

    Examples
    --------
    >>> [round(orbit.closest * 384400, -1) for orbit in near_rectilinear(halo_family("L2-southern"))]
    [17390.0, 1830.0]
    """
    if family.chart.conditions != SPATIAL[1]:
        raise ModelError("the family lies in the plane", where=family.name, advice="give halo orbits")
    real = np.abs(family.stability.imag) < 1e-9
    most = np.where(real, family.stability.real, -np.inf).max(axis=1) - 1.0
    least = np.where(real, family.stability.real, np.inf).min(axis=1) + 1.0
    upper = _passage(family, most, 1, lambda pair: float(pair.real.max()) - 1.0)
    below = np.flatnonzero(least < 0.0)
    start = int(below[below > upper[0]][0]) if (below > upper[0]).any() else len(least)
    lower = _passage(family, -least, start, lambda pair: -float(pair.real.min()) - 1.0)
    return upper[1], lower[1]


def _passage(
    family: OrbitFamily, heights: Floats, start: int, value: Callable[[Complexes], float]
) -> tuple[int, PeriodicOrbit]:
    """First place from `start` on where heights pass from above to below zero, and the orbit there."""
    for place in range(max(start, 1), heights.size - 1):
        if heights[place] > 0.0 >= heights[place + 1]:
            first, second = (family.members[place + k].unknowns for k in (0, 1))
            found = crossed_at(first, second, family.mu, family.chart, lambda orbit: value(_indices(orbit)))
            state = family._state(found)
            return place, PeriodicOrbit(family.name, state, 2.0 * float(found.unknowns[3]), family.mu)
    raise ModelError(
        "the family has no near rectilinear orbits", where=family.name, advice="look at its stability"
    )


def _indices(member: Corrected) -> Complexes:
    """Stability indices from the transition matrix over half a period and the mirror symmetry."""
    half = member.transition
    return stability_of(_MIRROR[:, None] * np.linalg.inv(half) * _MIRROR @ half)


def _named(family: str) -> tuple[str, float]:
    """Point and side of a family's name in any of its spellings; the Gateway's where near rectilinear is all."""
    words = _WORD.findall(unicodedata.normalize("NFKC", str(family)).lower())
    points = {f"L{word[-1]}" for word in words if word[-1].isdigit()}
    sides = {_SIDES[word] for word in words if word in _SIDES}
    others = [word for word in words if not word[-1].isdigit() and word not in _SIDES and word not in _FILLERS]
    if _RECTILINEAR & set(words) and not points:
        points, sides = {"L2"}, sides or {-1.0}
    if len(points) == 1 and points <= set(_POINTS) and len(sides) == 1 and not others:
        return points.pop(), sides.pop()
    known = [f"{point}-{side}" for point in _POINTS for side in ("northern", "southern")]
    raise UnknownNameError(str(family), known, kind="halo family")
