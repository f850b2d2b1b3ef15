"""Traps of flight programs that were met before: each is laid again here and must not close."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from moonpost.errors import DateError, InputError
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GRGM1200A_LABEL_GM_M3_S2, GravityField, de430_tie
from moonpost.flight.propagate import Method, propagate, propagate_batch, state_transition, transition_batch
from moonpost.flight.state import State
from moonpost.sky import Almanac
from moonpost.sky.orientation import published_ties

START, STOP = "2030-01-01", "2030-01-11"
DAY_S = 86400.0
BOTH: tuple[Method, ...] = ("dop853", "rkn1210")


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=20)


def low(env: Environment, start: Any = START) -> State:
    return State.circling(env, start, 100e3, 90.0)


@pytest.mark.parametrize("method", BOTH)
def test_scratch_full_of_nan_changes_nothing(
    env: Environment, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    """A Legendre table, or any other work array, that is read before it is written."""
    state, stop = low(env), env.span_tdb_s[0] + 0.2 * DAY_S
    clean = propagate(state, stop, env, dense=False, method=method).final.vector
    _, matrix = state_transition(state, stop, env, method=method)
    made = Environment.arrays

    def soiled(self: Environment, gradient: bool = False) -> tuple[Any, ...]:
        *others, work = made(self, gradient)
        return (*others, np.full_like(work, np.nan))

    monkeypatch.setattr(Environment, "arrays", soiled)
    assert np.array_equal(propagate(state, stop, env, dense=False, method=method).final.vector, clean)
    assert np.array_equal(state_transition(state, stop, env, method=method)[1], matrix)


def test_a_higher_degree_before_leaves_nothing_behind(almanac: Almanac) -> None:
    """Flights of degree 8, of degree 60 and of degree 8 again, in one process."""
    ends = []
    for degree in (8, 60, 8):
        made = Environment.make(almanac, START, STOP, degree=degree)
        ends.append(propagate(low(made), "2030-01-01T04:00", made, dense=False).final.vector)
    assert np.array_equal(ends[0], ends[2])
    assert np.linalg.norm(ends[0] - ends[1]) > 10.0


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("way", [1.0, -1.0])
def test_flights_to_the_last_second_of_the_kernels(almanac: Almanac, method: Method, way: float) -> None:
    """Reading past the Chebyshev span: the last step ends on the last record, with nothing behind it but NaN."""
    first, last = almanac.span
    day = np.timedelta64(1, "D")
    env = Environment.make(almanac, *((last - day, last) if way > 0 else (first, first + day)), degree=4)
    start, length, table = env.series
    guarded = np.full((len(table) + 2, *table.shape[1:]), np.nan)
    guarded[1:-1] = table
    fenced = dataclasses.replace(env)
    fenced.__dict__["series"] = (start, length, guarded[1:-1])
    ends = env.span_tdb_s if way > 0 else env.span_tdb_s[::-1]
    state = low(env, ends[0])
    flown = propagate(state, ends[1], fenced, dense=False, method=method)
    assert flown.ended == "time"
    assert np.isfinite(flown.final.vector).all()
    assert np.array_equal(
        flown.final.vector, propagate(state, ends[1], env, dense=False, method=method).final.vector
    )
    for beyond in (ends[1] + 0.01 * way, ends[1] + 1e9 * way):
        with pytest.raises(DateError, match="covers"):
            propagate(state, beyond, fenced, dense=False, method=method)


@pytest.mark.parametrize("method", BOTH)
def test_nothing_flies_inside_the_moon(env: Environment, method: Method) -> None:
    """A start inside is refused by every entry; a flight that meets the sphere ends on it."""
    begin = env.span_tdb_s[0]
    inside = State(begin, np.array([1e6, 1e6, 2e5]), np.array([0.0, 0.0, 1500.0]))
    for ask in (
        lambda: propagate(inside, begin + DAY_S, env, dense=False, method=method),
        lambda: propagate_batch([inside.vector], begin, begin + DAY_S, env, method=method),
        lambda: state_transition(inside, begin + DAY_S, env, method=method),
        lambda: transition_batch([inside.vector], begin, begin + DAY_S, env, method=method),
    ):
        with pytest.raises(InputError, match="inside the Moon"):
            ask()
    falling = State.circling(env, begin, 20e3, 90.0)
    slowed = State(begin, falling.position_m, 0.98 * falling.velocity_m_s)
    flown = propagate(slowed, env.span_tdb_s[1], env, dense=False, method=method)
    assert flown.ended == "impact on the Moon"
    assert np.linalg.norm(flown.final.position_m) == pytest.approx(1737.4e3, abs=1e-3)
    assert flown.duration_s < 7200.0


def test_field_in_the_axes_of_another_ephemeris_is_another_flight(env: Environment) -> None:
    """GRGM1200A belongs to DE430's principal axes, 0.30 arcsecond off DE440's: 2.6 m on the ground."""
    assert np.array_equal(env.field.tie, de430_tie())
    assert np.array_equal(env.kernels.orientation.tie, published_ties()[31008])
    as_if = dataclasses.replace(env, field=dataclasses.replace(env.field, tie=env.kernels.orientation.tie))
    plain = dataclasses.replace(env, rotate_field=False)
    state, stop = low(env), env.span_tdb_s[1]
    ends = [propagate(state, stop, made, dense=False).final.position_m for made in (env, as_if, plain)]
    assert np.linalg.norm(ends[1] - ends[2]) < 1e-3
    assert 0.05 < np.linalg.norm(ends[0] - ends[1]) < 20.0


def test_gm_of_the_header_and_not_of_the_label(env: Environment) -> None:
    """Their difference, 7.2e-6 km3/s2, is metres in ten days; a field of one's own brings its own GM along."""
    assert env.gm_m3_s2["moon"] == 4902.8001224453e9
    field = dataclasses.replace(GravityField.default(20), gm_m3_s2=GRGM1200A_LABEL_GM_M3_S2)
    label = dataclasses.replace(env, field=field, gm_m3_s2={**env.gm_m3_s2, "moon": field.gm_m3_s2})
    state, stop = low(env), env.span_tdb_s[1]
    ends = [propagate(state, stop, made, dense=False).final.position_m for made in (env, label)]
    assert 1.0 < np.linalg.norm(ends[1] - ends[0]) < 30.0


def test_a_field_of_ones_own_brings_its_gm(almanac: Almanac) -> None:
    field = dataclasses.replace(GravityField.default(4), gm_m3_s2=GRGM1200A_LABEL_GM_M3_S2)
    made = Environment.make(almanac, START, STOP, degree=4, field=field)
    assert made.gm_m3_s2["moon"] == GRGM1200A_LABEL_GM_M3_S2
