"""Low-energy transfers: flown forward from the parking orbit they are captured; refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.errors import DateError, InputError
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.launch import earth_inclination_deg
from moonpost.flight.lowenergy import low_energy
from moonpost.flight.propagate import propagate
from moonpost.flight.transfers import transfer_environment
from moonpost.sky import Almanac


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return transfer_environment(almanac, "2029-08-15", "2030-01-25")


def test_a_capture_flown_back_leaves_from_the_parking_orbit(env: Environment) -> None:
    found = low_energy(env, arrival="2030-01-18")
    assert np.linalg.norm(found.departure.position_m) == pytest.approx(6578137.0, abs=50.0)
    radial = found.departure.position_m @ found.departure.velocity_m_s
    assert abs(radial) < 1e-4 * np.linalg.norm(found.departure.position_m) * 10_900.0
    assert earth_inclination_deg(found.departure) == pytest.approx(28.5, abs=0.01)
    assert found.arrival_c3_m2_s2 < 0.0
    assert 620.0 < found.loi_m_s < 680.0
    assert found.farthest_m > 0.9e9
    assert 70.0 < found.duration_s / 86400.0 < 140.0
    # flown forward, the flight comes to the Moon; a hundred days multiply rounding by a thousand or more
    flown = propagate(
        found.departure,
        found.perilune.time_tdb_s + 3600.0,
        env,
        rtol=1e-14,
        events=apsides("moon").only("perilune"),
    )
    last = flown.events[-1]
    apart = last.state - env.body_state("moon", last.time_tdb_s)[0]
    assert last.time_tdb_s == pytest.approx(found.perilune.time_tdb_s, abs=600.0)
    assert np.linalg.norm(apart[:3]) == pytest.approx(1837.4e3, abs=200e3)


def test_what_cannot_be_used_is_refused(env: Environment, almanac: Almanac) -> None:
    with pytest.raises(InputError, match="departure or the arrival"):
        low_energy(env)
    with pytest.raises(InputError, match="departure or the arrival"):
        low_energy(env, departure="2029-09-01", arrival="2030-01-10")
    for wrong in ({"perilune_altitude_m": -1.0}, {"inclination_deg": math.nan}, {"parking_altitude_m": math.inf}):
        with pytest.raises(InputError):
            low_energy(env, arrival="2030-01-18", **wrong)  # type: ignore[arg-type]
    for wrong_date in ({"arrival": "2029-09-01"}, {"departure": "2029-12-01"}):
        with pytest.raises(DateError):
            low_energy(env, **wrong_date)  # type: ignore[arg-type]
    moon = Environment.make(almanac, "2029-08-15", "2030-01-25", degree=0)
    with pytest.raises(InputError, match="Earth as centre"):
        low_energy(moon, arrival="2030-01-18")
