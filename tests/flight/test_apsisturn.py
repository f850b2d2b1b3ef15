"""Turning an orbit far out: the impulse of two bodies by hand, and the one flown through the environment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.flight.apsisturn import turn_impulse, turn_impulses_m_s
from moonpost.flight.elements import elements, placed
from moonpost.flight.environment import Environment
from moonpost.flight.state import State
from moonpost.sky import Almanac

START = "2030-01-05"


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, "2030-01-01", "2030-01-25", degree=0)


def wide(env: Environment, anomaly_deg: float, argument_deg: float = 120.0) -> State:
    return placed(env, START, 20e6, 0.88, 70.0, 10.0, argument_deg, anomaly_deg, "orbit")


@settings(max_examples=25, deadline=None)
@given(anomaly=st.floats(150.0, 210.0), tilt=st.floats(60.0, 120.0), turn=st.floats(100.0, 140.0))
def test_after_the_impulse_the_orbit_is_as_wanted(
    env: Environment, anomaly: float, tilt: float, turn: float
) -> None:
    state = wide(env, anomaly)
    change = turn_impulses_m_s(env, [state.time_tdb_s], state.vector[None], 500e3, tilt, turn)[0]
    if not np.isfinite(change).all():
        return
    after = state.with_velocity(state.velocity_m_s + change)
    found = elements(env, [after.time_tdb_s], after.vector[None], "orbit")
    assert float(found.perilune_altitude_m[0]) == pytest.approx(500e3, abs=1.0)
    assert float(found.inclination_deg[0]) == pytest.approx(tilt, abs=1e-6)
    assert (float(found.argument_deg[0]) - turn + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-5)


def test_an_orbit_that_is_as_wanted_costs_nothing(env: Environment) -> None:
    state = wide(env, 170.0)
    low = 20e6 * 0.12 - 1737.4e3
    change = turn_impulses_m_s(env, [state.time_tdb_s], state.vector[None], low, 70.0, 120.0)
    assert np.abs(change).max() < 1e-6


def test_flown_through_the_tide_the_next_perilune_is_as_wanted(env: Environment) -> None:
    state = wide(env, 185.0)
    change, near = turn_impulse(state, env, 200e3, 65.0, 110.0)
    found = elements(env, [near.time_tdb_s], near.vector[None], "orbit")
    assert float(found.perilune_altitude_m[0]) == pytest.approx(200e3, abs=20.0)
    assert float(found.inclination_deg[0]) == pytest.approx(65.0, abs=2e-3)
    assert float(found.argument_deg[0]) == pytest.approx(110.0, abs=2e-3)
    alone = turn_impulses_m_s(env, [state.time_tdb_s], state.vector[None], 200e3, 65.0, 110.0)[0]
    assert 0.0 < float(np.linalg.norm(change - alone)) < 100.0  # what the Earth does


def test_what_cannot_be_used_is_refused(env: Environment) -> None:
    state = wide(env, 180.0)
    with pytest.raises(InputError, match="turn"):
        turn_impulse(state, env, math.nan, 60.0)
    with pytest.raises(InputError, match="turn"):
        turn_impulse(state, env, 100e3, 0.0)
    with pytest.raises(InputError, match="states"):
        turn_impulses_m_s(env, [state.time_tdb_s], np.full((1, 6), np.nan), 100e3, 60.0)
    with pytest.raises(ModelError, match="no ellipse"):
        turn_impulse(state, env, 100e3, 60.0, 300.0)
