"""A course from a file as a flight: for contacts, eclipses, pictures and whatever else takes a trajectory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.courses import Course, Piece
from moonpost.flight.environment import Environment
from moonpost.flight.events import Crossing, find_events, flat_crossings
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory

__all__ = ["as_flight"]

Floats = npt.NDArray[np.float64]
_TERMS = 8
_FIRST = 16
_ROUNDS = 40
_SHORTEST_S = 1e-3
_GAP_S = 1e-6
_CHECKS = (0.04, 0.13, 0.31, 0.55, 0.77, 0.93)


def as_flight(
    course: Course,
    env: Environment,
    *,
    events: Crossing | Iterable[Any] = (),
    tolerance_m: float = 1e-3,
) -> Trajectory:
    """Make a flight of a course that was read from a file; nothing is integrated.

    Parameters
    ----------
    course : Course
        Round the centre of the environment, without gaps.
    env : Environment
        Where bodies stand and how the Moon is turned; must cover the course. Its forces do not count.
    events : Crossing or iterable of Crossing
        What to look out for, as in `moonpost.flight.propagate.propagate`.
    tolerance_m : float, default 1e-3
        Largest difference of the position from the course [m].

    Returns
    -------
    Trajectory
        With dense output, over the whole course.

    Raises
    ------
    DateError
        If the course leaves the environment.
    InputError
        If the centres differ, the course has a gap or the tolerance is not positive.
    ModelError
        If the tolerance is not reached with steps of a millisecond.

    Notes
    -----
    Polynomials of degree 7 through eight Chebyshev points of each step, which is halved until six other points lie
    within the tolerance. No impact is looked for.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), 0.0, 6.0, degree=0)
    >>> circle = lambda t: 2e6 * np.stack([np.cos(t), np.sin(t), 0 * t, -np.sin(t), np.cos(t), 0 * t], axis=1)
    >>> flown = as_flight(Course((Piece(0.0, 6.0, circle),)), env)
    >>> flown.ended, bool(np.abs(flown.at_elapsed([2.5]) - circle(np.array([2.5]))).max() < 1e-2)
    ('time', True)
    """
    if course.centre != env.centre or not 0.0 < tolerance_m < np.inf:
        raise InputError(
            f"centres {course.centre} and {env.centre}, tolerance {tolerance_m:g} m",
            where="course",
            advice="bring the course to the environment's centre with from_centre(...); give metres above 0",
        )
    begin, end = course.span_tdb_s
    env.check(np.array([begin, end]))
    edges = np.array([[piece.start_tdb_s, piece.stop_tdb_s] for piece in course.pieces])
    gaps = edges[1:, 0] - edges[:-1, 1]
    if (gaps > _GAP_S).any():
        row = int(np.argmax(gaps > _GAP_S))
        raise DateError(
            f"a gap of {gaps[row]:g} s after {env.utc(edges[row, 1])}Z",
            where="course",
            advice="take a part without",
        )
    # Tiny gaps between pieces, which rounding of instants leaves, are closed.
    stops = np.append(edges[1:, 0], end)
    fitted = [
        _fitted(piece, start, stop, tolerance_m)
        for piece, start, stop in zip(course.pieces, edges[:, 0], stops, strict=True)
        if stop > start
    ]
    steps = np.concatenate([part for part, _ in fitted])
    dense = np.concatenate([part for _, part in fitted])
    steps[:, 0] -= begin
    first, last = dense[0, 0], dense[-1, 0] + dense[-1, 1]
    states = np.concatenate([dense[:, 0], last[None]])
    noted = find_events(flat_crossings(events), env, begin, end - begin, steps, dense)
    start, final = (
        State(second, state[:3], state[3:], course.centre) for second, state in ((begin, first), (end, last))
    )
    elapsed = np.append(steps[:, 0], end - begin)
    found = tuple(event for event, _ in noted)
    return Trajectory(start, final, env, elapsed, states, "time", found, (), steps, dense)


def _fitted(piece: Piece, start: float, stop: float, tolerance_m: float) -> tuple[Floats, Floats]:
    """Steps (start, length) and their coefficients over a piece."""
    edges = np.linspace(start, stop, _FIRST + 1)
    low, high = edges[:-1], edges[1:]
    done: list[tuple[Floats, Floats]] = []
    for _ in range(_ROUNDS):
        dense = np.einsum("ij,njk->nik", _basis()[1], _sampled(piece, low, high, _basis()[0]))
        checks = np.array(_CHECKS)
        found = np.einsum("ji,nik->njk", _terms(checks), dense)
        away = np.linalg.norm((found - _sampled(piece, low, high, checks))[..., :3], axis=2).max(axis=1)
        good = away <= 0.7 * tolerance_m
        done.append((np.stack([low, high - low], axis=1)[good], dense[good]))
        low, high = low[~good], high[~good]
        if not low.size:
            steps = np.concatenate([part for part, _ in done])
            order = np.argsort(steps[:, 0])
            return steps[order], np.concatenate([part for _, part in done])[order]
        if (high - low).min() < _SHORTEST_S:
            break
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    raise ModelError(
        f"{tolerance_m:g} m is not reached", where="course", advice="allow a larger tolerance_m, or mend the file"
    )


def _sampled(piece: Piece, low: Floats, high: Floats, shares: Floats) -> Floats:
    """States at shares of steps, shape (n, j, 6)."""
    since = (high - low)[:, None] * shares
    times = np.clip(low[:, None] + since, piece.start_tdb_s, piece.stop_tdb_s)
    states = piece.states_at(times.ravel()).reshape(len(low), len(shares), 6)
    states[..., :3] -= (times - low[:, None] - since)[..., None] * states[..., 3:]
    return states


def _terms(x: Floats) -> Floats:
    """The terms of the dense output at shares of a step, shape (n, 8)."""
    columns, value = [np.ones_like(x)], np.ones_like(x)
    for k in range(1, _TERMS):
        value = value * (x if k % 2 else 1.0 - x)
        columns.append(value)
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _basis() -> tuple[Floats, Floats]:
    """Points of a step, its ends among them, and what turns states there into coefficients."""
    points: Floats = 0.5 - 0.5 * np.cos(np.pi * np.arange(_TERMS, dtype=np.float64) / (_TERMS - 1))
    return points, np.asarray(np.linalg.inv(_terms(points)), dtype=np.float64)
