"""Ways down from far orbits: what is aimed at is met, two bodies agree, published cost of leaving the Gateway."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight import Environment, State, propagate, reference_orbit
from moonpost.flight.lowering import cheapest_lowering, lower
from moonpost.sky import Almanac


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, "2030-01-01", "2030-03-10", degree=8)


def test_a_coplanar_way_down_is_that_of_hohmann(almanac: Almanac) -> None:
    kepler = Environment.make(almanac, "2030-01-01", "2030-01-10", degree=0, bodies=())
    gm, high, low = kepler.gm_m3_s2["moon"], 1737.4e3 + 3000e3, 1837.4e3
    state = State.circling(kepler, "2030-01-01", 3000e3, 70.0)
    way = lower(state, kepler, inclination_deg=None)
    axis = 0.5 * (high + low)
    first = np.sqrt(gm / high) - np.sqrt(gm * (2.0 / high - 1.0 / axis))
    second = np.sqrt(gm * (2.0 / low - 1.0 / axis)) - np.sqrt(gm / low)
    assert way.departure_burn_m_s == pytest.approx(first, rel=0.02)
    assert way.braking_m_s == pytest.approx(second, rel=0.02)
    assert way.departure_burn_m_s >= first * (1.0 - 1e-6)
    assert way.inclination_deg == pytest.approx(70.0, abs=1.0)


@pytest.mark.parametrize("inclination", [90.0, 45.0, 120.0])
def test_the_circle_is_the_one_asked_for(env: Environment, inclination: float) -> None:
    state = State.circling(env, "2030-01-05", 4000e3, 80.0)
    way = lower(state, env, altitude_m=150e3, inclination_deg=inclination)
    assert way.inclination_deg == pytest.approx(inclination, abs=1e-3)
    assert np.linalg.norm(way.arrival.position_m) == pytest.approx(1737.4e3 + 150e3, abs=10.0)
    near, far = way.arrival.apsides_m(env.gm_m3_s2["moon"])
    assert far - near < 50.0
    flown = propagate(way.departure, way.arrival.time_tdb_s, env, dense=False).final
    assert np.linalg.norm(flown.position_m - way.arrival.position_m) < 1.0
    assert way.total_m_s == way.departure_burn_m_s + way.braking_m_s
    assert way.duration_d > 0.0


def test_leaving_the_gateway_costs_less_than_published(env: Environment) -> None:
    """Published: 0.74 km/s from the near rectilinear orbit to low orbit; here the node is free, place the best.

    Below it by the plane, which is chosen; not by more than a tenth.
    """
    flown = reference_orbit(env, "2030-01-10", 4).flight()
    turn = propagate(flown.start, flown.start.time_tdb_s + 6.5 * 86400.0, env)
    way = cheapest_lowering(turn, places=8)
    assert 0.9 * 740.0 < way.total_m_s < 740.0
    anyhow = cheapest_lowering(turn, places=8, inclination_deg=None)
    assert anyhow.total_m_s < way.total_m_s


def test_inputs_that_cannot_be_used(env: Environment) -> None:
    state = State.circling(env, "2030-01-05", 4000e3, 80.0)
    for wrong in (
        {"altitude_m": -1.0},
        {"altitude_m": float("nan")},
        {"inclination_deg": 181.0},
        {"inclination_deg": float("nan")},
        {"longest_d": 0.0},
    ):
        with pytest.raises(InputError):
            lower(state, env, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Earth"):
        lower(state.from_centre("earth", env), env)
    with pytest.raises(DateError):
        lower(State.at("2031-01-01", state.position_m, state.velocity_m_s), env)
    with pytest.raises(ModelError, match="before perilune"):
        lower(state, env, longest_d=0.01)
    with pytest.raises(InputError, match="places"):
        cheapest_lowering(propagate(state, "2030-01-06", env), places=0)
