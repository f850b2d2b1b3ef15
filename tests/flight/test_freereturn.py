"""Free returns: ends met, flown again forward, times and inclinations as asked, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.earthorbits import EarthOrbits
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.freereturn import free_return
from moonpost.flight.launch import earth_inclination_deg
from moonpost.flight.propagate import propagate
from moonpost.flight.transfers import transfer_environment
from moonpost.sky import Almanac

GM = 398600.435507e9


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return transfer_environment(almanac, "2030-01-01", "2030-01-20")


def test_the_flight_meets_both_ends_and_closes_when_flown_forward(env: Environment) -> None:
    found = free_return(
        env, departure="2030-01-05T06:00", perilune_altitude_m=1000e3, inclination_deg=28.5, entry_angle_deg=-6.5
    )
    assert abs(found.departure.utc - np.datetime64("2030-01-05T06:00", "ms")) <= np.timedelta64(1, "ms")
    assert np.linalg.norm(found.departure.position_m) == pytest.approx(6578137.0, abs=5.0)
    assert earth_inclination_deg(found.departure) == pytest.approx(28.5, abs=0.01)
    assert found.entry_angle_deg == pytest.approx(-6.5, abs=1e-3)
    moon = [apsides("moon").only("perilune"), apsides("earth").only("apogee")]
    flown = propagate(found.departure, found.entry.time_tdb_s, env, events=moon)
    near = next(event for event in flown.events if event.name == "perilune")
    apart = near.state - env.body_state("moon", near.time_tdb_s)[0]
    assert np.linalg.norm(apart[:3]) == pytest.approx(2737.4e3, abs=50.0)
    assert flown.final.position_m == pytest.approx(found.entry.position_m, abs=2e4)  # errors grow past the Moon
    assert found.outbound_s + found.return_s == pytest.approx(flown.duration_s, abs=1.0)


def test_both_inclinations_can_be_asked_for(env: Environment) -> None:
    found = free_return(
        env, perilune="2030-01-09", perilune_altitude_m=250e3, inclination_deg=32.0, return_inclination_deg=40.0
    )
    assert (found.inclination_deg, found.return_inclination_deg) == pytest.approx((32.0, 40.0), abs=0.01)
    assert found.perilune.utc == np.datetime64("2030-01-09", "ms")
    assert np.linalg.norm(found.perilune.position_m) == pytest.approx(1987.4e3, abs=1e-3)
    assert np.cross(found.perilune.position_m, found.perilune.velocity_m_s)[2] < 0.0  # against the Moon's motion


def test_higher_passages_take_longer(env: Environment) -> None:
    spans = [
        sum((found.outbound_s, found.return_s)) / 86400.0
        for found in (
            free_return(env, perilune="2030-01-10", perilune_altitude_m=h) for h in (100e3, 2000e3, 8000e3)
        )
    ]
    assert spans == sorted(spans)
    assert 5.4 < spans[0] < 6.4
    assert spans[1] > spans[0] + 0.6


def test_orbits_round_the_earth_know_their_perigee() -> None:
    low, fast = 6578137.0, 10_920.0
    start = np.array([[low, 0.0, 0.0, 0.0, fast, 0.0]])
    axis = 1.0 / (2.0 / low - fast**2 / GM)
    period = 2.0 * math.pi * math.sqrt(axis**3 / GM)
    orbit = EarthOrbits(start, GM)
    assert orbit.perigee_m[0] == pytest.approx(low)
    assert orbit.momentum[0] == pytest.approx(low * fast)
    far = 2.0 * axis - low
    top = EarthOrbits(np.array([[-far, 0.0, 0.0, 0.0, -fast * low / far, 0.0]]), GM)
    assert abs(top.since_s[0]) == pytest.approx(0.5 * period, rel=1e-6)
    back = EarthOrbits(start * [1, 1, 1, 1, -1, 1], GM)
    assert back.momentum[0] == pytest.approx(-low * fast)


def test_what_cannot_be_used_is_refused(env: Environment, almanac: Almanac) -> None:
    with pytest.raises(InputError, match="departure or the perilune"):
        free_return(env)
    with pytest.raises(InputError, match="departure or the perilune"):
        free_return(env, departure="2030-01-05", perilune="2030-01-08")
    for wrong in ({"perilune_altitude_m": math.nan}, {"entry_angle_deg": 6.0}, {"inclination_deg": 0.0}):
        with pytest.raises(InputError):
            free_return(env, departure="2030-01-05", **wrong)  # type: ignore[arg-type]
    with pytest.raises(DateError):
        free_return(env, departure="2031-01-05")
    moon = Environment.make(almanac, "2030-01-01", "2030-01-20", degree=0)
    with pytest.raises(InputError, match="Earth as centre"):
        free_return(moon, departure="2030-01-05")
    with pytest.raises(ModelError, match="no free return"):
        free_return(env, perilune="2030-01-10", inclination_deg=2.0)
