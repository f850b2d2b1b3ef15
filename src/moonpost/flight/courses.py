"""Courses: smooth pieces of a flight whose states can be asked for, whoever flew or wrote it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError, InputError
from moonpost.flight.state import Centre, State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.kernelfiles import KernelSet, read_kernels
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Course", "Piece", "provenance"]

Floats = npt.NDArray[np.float64]
_NUMBERS = {"moon": 301, "earth": 399}
_JUMP_M, _JUMP_M_S = 1e-5, 1e-7
_ROUNDING_S = 1e-6


@dataclass(frozen=True, eq=False)
class Piece:
    """A smooth part of a course: no burn begins or ends inside.

    Parameters
    ----------
    start_tdb_s, stop_tdb_s : float
        Its ends, TDB since J2000 [s].
    states_at : callable
        Gives positions [m] and velocities [m/s], shape (n, 6), for TDB seconds, shape (n,), between the ends.
    """

    start_tdb_s: float
    stop_tdb_s: float
    states_at: Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Course:
    """States of a spacecraft over time, from a flight or from a file; make one with `Course.of` or a reader.

    Parameters
    ----------
    pieces : tuple of Piece
        In the order of time, not overlapping.
    centre : {"moon", "earth"}, default "moon"
        Body in whose centre positions start. Axes are always those of J2000 (ICRF).
    name : str, default "spacecraft"
        Name of what flies.
    provenance : tuple of str
        Where it comes from, in lines that writers put into their files.

    Raises
    ------
    InputError
        If there is no piece, or pieces overlap or run backwards.

    Examples
    --------
    >>> line = Piece(0.0, 10.0, lambda t: np.outer(t, [1.0, 0, 0, 0, 0, 0]) + [2e6, 0, 0, 1.0, 0, 0])
    >>> Course((line,)).at(5.0).tolist()
    [[2000005.0, 0.0, 0.0, 1.0, 0.0, 0.0]]
    """

    pieces: tuple[Piece, ...]
    centre: Centre = "moon"
    name: str = "spacecraft"
    provenance: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.pieces or self.centre not in _NUMBERS:
            raise InputError(
                "holds no piece, or no known centre", where="course", advice="give pieces round one body"
            )
        ends = np.array([[piece.start_tdb_s, piece.stop_tdb_s] for piece in self.pieces])
        if not np.isfinite(ends).all() or (np.diff(ends.ravel()) < 0).any():
            raise InputError("its pieces overlap or run backwards", where="course", advice="give them in order")

    @classmethod
    def of(cls, flown: Trajectory | Course, name: str = "") -> Course:
        """The course of a flight, cut where impulses and burns begin and end.

        Parameters
        ----------
        flown : Trajectory or Course
            A flight with dense output; a course comes back as it is.
        name : str, optional
            Name of what flies.

        Returns
        -------
        Course

        Raises
        ------
        InputError
            If the dense output was not kept, the flight has no duration, or something else is given.

        Examples
        --------
        >>> from moonpost.flight.environment import Environment
        >>> from moonpost.flight.propagate import propagate
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), 0.0, 7200.0, degree=0)
        >>> low = State(0.0, np.array([1838e3, 0, 0]), np.array([0, 0, 1633.0]))
        >>> Course.of(propagate(low, 7200.0, env), "orbiter")
        Course(orbiter round the moon, 2000-01-01T11:58:55.816Z to 2000-01-01T13:58:55.816Z, 1 piece)
        """
        if isinstance(flown, Course):
            return replace(flown, name=name) if name else flown
        if not isinstance(flown, Trajectory):
            raise InputError(
                f"{type(flown).__name__} is no flight", where="course", advice="give a Trajectory or a Course"
            )
        if flown.duration_s == 0.0 or not len(flown.steps):
            raise InputError(
                "the flight has no duration, or its dense output was not kept",
                where="course",
                advice="propagate with dense=True",
            )
        low, high = sorted((0.0, flown.duration_s))
        cuts = _cuts(flown)
        edges = [low, *cuts[(cuts > low) & (cuts < high)].tolist(), high]
        pieces = [_flown_piece(flown, *ends) for ends in itertools.pairwise(edges)]
        kept = tuple(piece for piece in pieces if piece.stop_tdb_s > piece.start_tdb_s)
        return cls(kept, flown.start.centre, name or "spacecraft", provenance(flown))

    def __repr__(self) -> str:
        start, stop = (iso(default_timescale().utc(moment)[()]) for moment in self.span_tdb_s)
        count = f"{len(self.pieces)} piece" + ("s" if len(self.pieces) > 1 else "")
        return f"Course({self.name} round the {self.centre}, {start} to {stop}, {count})"

    @property
    def span_tdb_s(self) -> tuple[float, float]:
        """First and last instant, TDB since J2000 [s].

        Returns
        -------
        tuple of float
        """
        return self.pieces[0].start_tdb_s, self.pieces[-1].stop_tdb_s

    def at(self, t: TimeLike | npt.ArrayLike) -> Floats:
        """States at instants.

        Parameters
        ----------
        t : dates or array_like of float
            UTC dates, or TDB seconds since J2000.

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s]; where two pieces meet, those of the later.

        Raises
        ------
        DateError
            If an instant lies outside the course or in a gap of it.
        """
        seconds = instants(t)
        found = np.empty((seconds.size, 6))
        left = np.ones(seconds.size, dtype=bool)
        for piece in reversed(self.pieces):
            rows = (
                left & (seconds >= piece.start_tdb_s - _ROUNDING_S) & (seconds <= piece.stop_tdb_s + _ROUNDING_S)
            )
            if rows.any():
                found[rows] = piece.states_at(np.clip(seconds[rows], piece.start_tdb_s, piece.stop_tdb_s))
                left &= ~rows
        if left.any():
            raise DateError(
                f"{_utc_text(seconds[left][0])} is not covered by {self!r}",
                where="course",
                advice="ask for an instant inside",
            )
        return found

    def state(self, t: TimeLike | float, *, mass_kg: float | None = None) -> State:
        """The state at one instant, to start a flight from.

        Parameters
        ----------
        t : date or float
            UTC, or TDB seconds since J2000.
        mass_kg : float, optional
            Mass [kg].

        Returns
        -------
        State

        Raises
        ------
        DateError
            If the instant is not covered.
        InputError
            If more than one is given.
        """
        seconds = instants(t)
        if seconds.size != 1:
            raise InputError(f"{seconds.size} instants where one is needed", where="t", advice="give one")
        vector = self.at(seconds)[0]
        return State(float(seconds[0]), vector[:3], vector[3:], self.centre, mass_kg=mass_kg)

    def from_centre(self, centre: Centre, almanac: Almanac | KernelSet) -> Course:
        """The same course from the centre of another body.

        Parameters
        ----------
        centre : {"moon", "earth"}
            The other centre.
        almanac : Almanac or KernelSet
            Where Moon and Earth stand.

        Returns
        -------
        Course

        Raises
        ------
        InputError
            If the centre is another.
        """
        if centre not in _NUMBERS:
            raise InputError(f"{centre!r} is no centre", where="centre", advice="give moon or earth")
        if centre == self.centre:
            return self
        ephemeris = opened(almanac).ephemeris
        old, new = _NUMBERS[self.centre], _NUMBERS[centre]

        def moved(piece: Piece, seconds: Floats) -> Floats:
            shift = ephemeris.state_km(old, seconds, rates=True) - ephemeris.state_km(new, seconds, rates=True)
            return piece.states_at(seconds) + 1e3 * shift.T

        pieces = tuple(replace(piece, states_at=partial(moved, piece)) for piece in self.pieces)
        return replace(self, pieces=pieces, centre=centre)

    def away_m(self, other: Trajectory | Course | Self, step_s: float = 60.0) -> tuple[Floats, Floats]:
        """How far another flight is away, over the time that both cover.

        Parameters
        ----------
        other : Trajectory or Course
            The other one, round the same centre.
        step_s : float, default 60.0
            Interval of the comparison [s].

        Returns
        -------
        tuple of ndarray, shapes (n,) and (n,)
            TDB since J2000 [s], and distances [m].

        Raises
        ------
        DateError
            If they share no time.
        InputError
            If the centres differ or the interval is not positive.
        """
        course = Course.of(other)
        if course.centre != self.centre or not 0.0 < step_s < np.inf:
            raise InputError(
                f"centres {self.centre} and {course.centre}, interval {step_s:g} s",
                where="away_m",
                advice="bring both to one centre with from_centre(...), and give seconds above 0",
            )
        start = max(self.span_tdb_s[0], course.span_tdb_s[0])
        stop = min(self.span_tdb_s[1], course.span_tdb_s[1])
        if start > stop:
            raise DateError(f"{self!r} and {course!r} share no time", where="away_m", advice="take another span")
        times = np.append(np.arange(start, stop, step_s), stop)
        times = times[_inside(self, times) & _inside(course, times)]
        return times, np.linalg.norm(self.at(times)[:, :3] - course.at(times)[:, :3], axis=1)


def opened(almanac: Almanac | KernelSet) -> KernelSet:
    """Opened kernels of an almanac."""
    return almanac if isinstance(almanac, KernelSet) else _opened(tuple(kernel.path for kernel in almanac.kernels))


@lru_cache(maxsize=4)
def _opened(paths: tuple[Path, ...]) -> KernelSet:
    """Kernels, opened once."""
    return read_kernels(paths)


def instants(t: Any) -> Floats:
    """TDB seconds of UTC dates, or of numbers that are such seconds already, shape (n,)."""
    values = np.asarray(t)
    if values.dtype.kind not in "fiu":
        return np.atleast_1d(default_timescale().tdb_s(as_utc(t))).ravel()
    seconds = np.atleast_1d(values.astype(np.float64)).ravel()
    if not np.isfinite(seconds).all():
        raise DateError("holds NaN or infinity", where="t", advice="give UTC or TDB seconds since J2000")
    return seconds


def provenance(flown: Trajectory) -> tuple[str, ...]:
    """Say in lines what a flight was flown in.

    Parameters
    ----------
    flown : Trajectory
        The flight.

    Returns
    -------
    tuple of str
        Field, gravitational parameters, bodies, other forces, kernels with their checksums.
    """
    env = flown.env
    strengths = ", ".join(f"{name} {value / 1e9!r}" for name, value in env.gm_m3_s2.items())
    extra = [f"sunlight on {env.sunlight!r}"] if env.sunlight else []
    extra += ["solid tide of the Moon"] if env.tides else []
    return (
        f"Field of the Moon: {env.field.name}, degree and order {env.degree}",
        f"Pulled by: {', '.join(env.bodies) or 'nothing'} beside the {env.centre}",
        f"GM [km3/s2]: {strengths}",
        *(f"With: {text}" for text in extra),
        *(f"Kernel: {kernel.name}, sha256 {kernel.sha256}" for kernel in env.kernels.kernels),
    )


def _cuts(flown: Trajectory) -> Floats:
    """Times from the start at which a burn begins or ends or the state jumps, ascending."""
    ends = flown.coefficients[:-1, 0] + flown.coefficients[:-1, 1]
    apart = np.linalg.norm((flown.coefficients[1:, 0] - ends).reshape(-1, 2, 3), axis=2)
    jumps = (apart > (_JUMP_M, _JUMP_M_S)).any(axis=1)
    firings = [edge for fired in flown.firings for edge in (fired.start_elapsed_s, fired.stop_elapsed_s)]
    return np.unique(np.concatenate([flown.steps[1:, 0][jumps], np.array(firings, dtype=np.float64)]))


def _flown_piece(flown: Trajectory, low: float, high: float) -> Piece:
    """Part of a flight between two times from its start, each end of the side that belongs to it."""
    begin = flown.start.time_tdb_s
    start, stop = begin + low, begin + high
    # The grid of doubles is coarse after decades: ends are rounded inwards so that no state crosses a burn.
    start = start if start - begin >= low else float(np.nextafter(start, np.inf))
    stop = stop if stop - begin <= high else float(np.nextafter(stop, -np.inf))
    last = high if high == max(0.0, flown.duration_s) else float(np.nextafter(high, -np.inf))

    def states_at(seconds: Floats) -> Floats:
        return flown.at_elapsed(np.clip(seconds - begin, low, last))

    return Piece(start, stop, states_at)


def _inside(course: Course, seconds: Floats) -> npt.NDArray[np.bool_]:
    """Which instants a course covers."""
    inside = [(seconds >= piece.start_tdb_s) & (seconds <= piece.stop_tdb_s) for piece in course.pieces]
    found: npt.NDArray[np.bool_] = np.logical_or.reduce(inside)
    return found


def _utc_text(seconds: float) -> str:
    """One instant for a message."""
    try:
        return iso(default_timescale().utc(seconds)[()])
    except (DataError, OverflowError, ValueError):
        return f"{seconds:g} s TDB"
