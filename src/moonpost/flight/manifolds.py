"""Invariant manifolds of periodic orbits of the three-body problem, carried to a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight.cr3bp import EARTH_MOON_MU, coast, finite_number, mass_ratio
from moonpost.flight.halos import PeriodicOrbit

__all__ = ["Manifold", "Section", "manifold"]

Floats = npt.NDArray[np.float64]
Kind = Literal["stable", "unstable"]
Branch = Literal["interior", "exterior"]

_AXES = {"x": 0, "y": 1, "z": 2}
_BODIES = ("larger", "smaller")
_MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
_PLANE, _SPHERE, _APSIS = 0, 1, 2


@dataclass(frozen=True)
class Section:
    """A surface that trajectories are carried to; make one with `plane`, `sphere` or `apsis`.

    Parameters
    ----------
    kind : int
        0 a plane, 1 a sphere, 2 the places closest to and farthest from a body.
    place : tuple of float
        Normal and level of a plane; centre and radius of a sphere; centre of the body and 0.

    Examples
    --------
    >>> Section.plane("y", 0.0).place
    (0.0, 1.0, 0.0, 0.0)
    """

    kind: int
    place: tuple[float, float, float, float]

    @classmethod
    def plane(cls, axis: Literal["x", "y", "z"], level: float) -> Self:
        """Plane square to an axis.

        Parameters
        ----------
        axis : {"x", "y", "z"}
            The axis.
        level : float
            Where on the axis [1].

        Returns
        -------
        Section

        Raises
        ------
        UnknownNameError
            If the axis is none of the three.
        InputError
            If the level is not finite.
        """
        if axis not in _AXES:
            raise UnknownNameError(str(axis), _AXES, kind="axis")
        normal = [0.0, 0.0, 0.0]
        normal[_AXES[axis]] = 1.0
        return cls(_PLANE, (normal[0], normal[1], normal[2], finite_number(level, "level")))

    @classmethod
    def sphere(cls, body: Literal["larger", "smaller"], radius: float, mu: float = EARTH_MOON_MU) -> Self:
        """Sphere round a body.

        Parameters
        ----------
        body : {"larger", "smaller"}
            Round which.
        radius : float
            Radius, above 0 [1].
        mu : float
            Mass of the smaller body over that of both [1].

        Returns
        -------
        Section

        Raises
        ------
        UnknownNameError
            If the body is neither.
        InputError
            If the radius is not above 0 or `mu` not a mass ratio.
        """
        size = finite_number(radius, "radius")
        if not size > 0.0:
            raise InputError(
                f"{size:g} is not above 0", where="radius", advice="give units of the bodies' distance"
            )
        return cls(_SPHERE, (_centre(body, mu), 0.0, 0.0, size))

    @classmethod
    def apsis(cls, body: Literal["larger", "smaller"], mu: float = EARTH_MOON_MU) -> Self:
        """Places closest to and farthest from a body.

        Parameters
        ----------
        body : {"larger", "smaller"}
            From which; the height, r . v, rises at the closest and falls at the farthest places.
        mu : float
            Mass of the smaller body over that of both [1].

        Returns
        -------
        Section

        Raises
        ------
        UnknownNameError
            If the body is neither.
        InputError
            If `mu` is not a mass ratio.
        """
        return cls(_APSIS, (_centre(body, mu), 0.0, 0.0, 0.0))


@dataclass(frozen=True)
class Manifold:
    """Trajectories of one branch of a manifold.

    Parameters
    ----------
    orbit : PeriodicOrbit
        The orbit they leave or approach.
    multiplier : float
        Eigenvalue of the monodromy matrix: the growth of the distance over one period [1].
    phases : ndarray, shape (n,)
        Time along the orbit at which each leaves or arrives [1].
    starts : ndarray, shape (n, 6)
        States beside the orbit, at the offset [1].
    times : ndarray, shape (n,)
        Time from there to the section, negative on a stable manifold; NaN where it is not reached [1].
    states : ndarray, shape (n, 6)
        States at the section; NaN where it is not reached [1].
    """

    orbit: PeriodicOrbit
    multiplier: float
    phases: Floats
    starts: Floats
    times: Floats
    states: Floats

    def trajectory(self, index: int, count: int = 200) -> Floats:
        """States of one trajectory from the orbit to the section.

        Parameters
        ----------
        index : int
            Which.
        count : int
            How many states.

        Returns
        -------
        ndarray, shape (count, 6)
            Evenly spaced in time [1].

        Raises
        ------
        InputError
            If there is no such trajectory, or it does not reach the section.
        """
        if not 0 <= index < self.phases.size or np.isnan(self.times[index]):
            raise InputError(
                f"trajectory {index} does not reach the section",
                where="index",
                advice="take one whose time is not NaN",
            )
        return coast(self.starts[index], np.linspace(0.0, self.times[index], count), self.orbit.mu)


def manifold(
    orbit: PeriodicOrbit,
    kind: Kind,
    branch: Branch,
    section: Section,
    *,
    count: int = 40,
    offset: float = 1e-5,
    longest: float = 12.0,
    crossing: int = 1,
    way: Literal[-1, 0, 1] = 0,
) -> Manifold:
    """Carry a branch of a manifold to a section.

    Parameters
    ----------
    orbit : PeriodicOrbit
        An unstable periodic orbit.
    kind : {"stable", "unstable"}
        What approaches the orbit (run backwards in time) or leaves it.
    branch : {"interior", "exterior"}
        The side towards the larger body, or away from it: where x, summed over the orbit, is smaller or larger.
    section : Section
        Where the trajectories end.
    count : int
        Trajectories, evenly spaced in time along the orbit.
    offset : float
        Distance from the orbit at which they start [1]; 1e-5 is 4 km between Earth and Moon.
    longest : float
        Longest time that is tried [1].
    crossing : int
        Which crossing of the section counts, from 1.
    way : {-1, 0, 1}
        1 to count only crossings in which the section's height rises along the run, -1 falls, 0 both.

    Returns
    -------
    Manifold

    Raises
    ------
    ModelError
        If the orbit has no such manifold: it is stable, or its largest eigenvalues are complex.
    InputError
        If a number cannot be used.
    UnknownNameError
        If the kind or the branch is not known.

    Notes
    -----
    The direction is the eigenvector of the monodromy matrix, carried along the orbit by the state transition
    matrix and scaled so that its position part has the length `offset`. The stable direction is the mirror image
    (y, vx, vz change sign) of the unstable one at the symmetric crossing. Of a negative multiplier, as on the near
    rectilinear orbits, both branches are one band that turns over once a period.

    References
    ----------
    Koon, Lo, Marsden and Ross (2011), Dynamical Systems, the Three-Body Problem and Space Mission Design,
    ISBN 978-0-615-24095-4.

    Examples
    --------
    >>> from moonpost.flight.halos import halo_family
    >>> orbit = halo_family("L1-northern").orbit(2.75)
    >>> tube = manifold(orbit, "unstable", "exterior", Section.plane("x", 1.0 - orbit.mu), count=4)
    >>> bool(abs(tube.states[:, 0] - 1.0 + orbit.mu).max() < 1e-12)
    True
    """
    _checked(kind, branch, count, offset, longest, crossing, way)
    from moonpost.flight.cr3bpkernels import cross

    multiplier, direction = _direction(orbit, kind)
    phases, places, sides = _transported(orbit, direction, count)
    outward = float(np.sum(sides[:, 0])) > 0.0
    sign = 1.0 if outward == (branch == "exterior") else -1.0
    starts = places + sign * offset * sides
    span = longest if kind == "unstable" else -longest
    times, states = np.full(count, np.nan), np.full((count, 6), np.nan)
    here, place = np.empty(6), np.array(section.place)
    for row in range(count):
        gone, _ = cross(starts[row], span, orbit.mu, section.kind, place, int(way), crossing, here)
        if not np.isnan(gone):
            times[row], states[row] = gone, here
    return Manifold(orbit, multiplier, phases, starts, times, states)


def _direction(orbit: PeriodicOrbit, kind: Kind) -> tuple[float, Floats]:
    """Multiplier and direction of a manifold at the orbit's initial state."""
    values, vectors = np.linalg.eig(orbit.monodromy)
    largest = int(np.argmax(np.abs(values)))
    value = values[largest]
    if abs(value.imag) > 1e-9 * abs(value) or abs(value) < 1.0 + 1e-4:
        raise ModelError(
            f"the {orbit.name} orbit of period {orbit.period:g} has no such manifold",
            where="manifold",
            advice="take an orbit with a real stability index above 1 or below -1",
        )
    vector = np.real(vectors[:, largest])
    return (float(value.real), vector) if kind == "unstable" else (1.0 / float(value.real), _MIRROR * vector)


def _transported(orbit: PeriodicOrbit, direction: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Phases, states and directions along the orbit, their position parts of unit length."""
    from moonpost.flight.cr3bpkernels import flow

    phases = np.linspace(0.0, orbit.period, count, endpoint=False)
    places, sides = np.empty((count, 6)), np.empty((count, 6))
    end, matrix = np.empty(6), np.empty((6, 6))
    step = orbit.period / count
    place, side = orbit.state.copy(), direction / np.linalg.norm(direction[:3])
    for row in range(count):
        places[row], sides[row] = place, side
        flow(place, step, orbit.mu, end, matrix, True)
        place = end.copy()
        side = matrix @ side
        side /= np.linalg.norm(side[:3])
    return phases, places, sides


def _centre(body: str, mu: float) -> float:
    """Where a body lies on the x axis."""
    if body not in _BODIES:
        raise UnknownNameError(str(body), _BODIES, kind="body")
    return -mass_ratio(mu) if body == "larger" else 1.0 - mass_ratio(mu)


def _checked(kind: str, branch: str, count: int, offset: float, longest: float, crossing: int, way: int) -> None:
    """Refuse what cannot be used."""
    if kind not in ("stable", "unstable"):
        raise UnknownNameError(str(kind), ("stable", "unstable"), kind="manifold")
    if branch not in ("interior", "exterior"):
        raise UnknownNameError(str(branch), ("interior", "exterior"), kind="branch")
    for name, value in (("count", count), ("crossing", crossing)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{value!r} is not a whole number above 0", where=name, advice="give 1 or more")
    for name, number in (("offset", offset), ("longest", longest)):
        if not finite_number(number, name) > 0.0:
            raise InputError(f"{number!r} is not above 0", where=name, advice="give a positive number")
    if way not in (-1, 0, 1):
        raise InputError(f"{way!r} is no way", where="way", advice="give -1, 0 or 1")
