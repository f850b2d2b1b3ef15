"""Transfers: forward, back, to points of the B-plane, with a free velocity, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.bplane import BPlane
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.transferends import Aim, Arrival, Parking, equator_axes
from moonpost.flight.transfers import target_batch, target_bplane, transfer_environment
from moonpost.sky import Almanac

DAY_S = 86400.0
START = "2030-01-03T07:30"


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return transfer_environment(almanac, "2029-12-25", "2030-01-20")


@pytest.fixture(scope="module")
def begin(env: Environment) -> float:
    return float(env.tdb_s(START))


def test_departure_is_as_asked(env: Environment, begin: float) -> None:
    """Radius, inclination to the equator of date, flight-path angle and instants, from the state itself."""
    found = target_bplane(START, begin + 4.4 * DAY_S, env, parking=Parking(185e3, inclination_deg=42.0))
    r, v = found.departure.position_m, found.departure.velocity_m_s
    assert np.linalg.norm(r) == pytest.approx(6378.137e3 + 185e3, abs=1e-6)
    assert abs(r @ v) < 1e-3 * np.linalg.norm(v)
    momentum = equator_axes(begin) @ np.cross(r, v)
    assert math.degrees(math.acos(momentum[2] / np.linalg.norm(momentum))) == pytest.approx(42.0, abs=1e-9)
    node = math.degrees(math.atan2(momentum[0], -momentum[1])) % 360.0
    assert node == pytest.approx(found.node_deg, abs=1e-9)
    assert found.departure.time_tdb_s == begin
    speed = np.linalg.norm(v)
    assert found.tli_m_s == pytest.approx(speed - math.sqrt(env.gm_m3_s2["earth"] / np.linalg.norm(r)), abs=1e-9)
    assert found.c3_m2_s2 == pytest.approx(speed**2 - 2 * env.gm_m3_s2["earth"] / np.linalg.norm(r), abs=1e-3)


def test_passage_is_where_another_flight_of_it_passes(env: Environment, begin: float) -> None:
    """Perilune by the event finder of `propagate`, from the Earth end on: to 1 m and 10 ms."""
    found = target_bplane(START, begin + 5.1 * DAY_S, env, arrival=Arrival(150e3, 63.0, "north"), branch="long")
    flown = propagate(found.departure, begin + 5.2 * DAY_S, env, rtol=1e-13, events=apsides(body="moon"))
    nearest = min(flown.events, key=lambda event: abs(event.elapsed_s - 5.1 * DAY_S))
    assert nearest.elapsed_s == pytest.approx(5.1 * DAY_S, abs=0.01)
    there = flown.at(begin + nearest.elapsed_s)[0] - env.body_state("moon", begin + nearest.elapsed_s)[0]
    assert np.linalg.norm(there[:3]) == pytest.approx(1737.4e3 + 150e3, abs=1.0)
    assert np.linalg.norm(there[:3] - found.perilune.position_m) < 20.0
    pole = env.rotation(begin + 5.1 * DAY_S)[0, 2]
    momentum = np.cross(there[:3], there[3:])
    assert math.degrees(math.acos(momentum @ pole / np.linalg.norm(momentum))) == pytest.approx(63.0, abs=1e-4)
    plane = BPlane.of(there[:3], there[3:], pole, env.gm_m3_s2["moon"])
    assert plane.b_r_m < 0.0
    assert found.b_r_m == pytest.approx(plane.b_r_m, abs=50.0)


@pytest.mark.parametrize("branch", ["short", "long"])
def test_branches_meet_the_moon_northbound_and_southbound(env: Environment, begin: float, branch: str) -> None:
    found = target_bplane(START, begin + 4.5 * DAY_S, env, branch=branch)  # type: ignore[arg-type]
    late = propagate(found.departure, begin + 4.0 * DAY_S, env).final
    north = (equator_axes(begin) @ late.velocity_m_s)[2]
    assert (north > 0.0) == (branch == "short")


def test_return_is_solved_back_from_the_interface(env: Environment) -> None:
    """From 120 km at -6 deg back to 200 km over the Moon, then flown forward again to the interface."""
    end = float(env.tdb_s("2030-01-12"))
    interface = Parking(120e3, inclination_deg=43.0, flight_path_deg=-6.0)
    found = target_bplane(end, end - 4.5 * DAY_S, env, parking=interface, arrival=Arrival(200e3, 90.0))
    r, v = found.departure.position_m, found.departure.velocity_m_s
    slope = math.degrees(math.asin(r @ v / np.linalg.norm(r) / np.linalg.norm(v)))
    assert slope == pytest.approx(-6.0, abs=1e-9)
    assert found.perilune_error_m == pytest.approx(0.0, abs=10.0)
    assert abs(found.perilune.position_m @ found.perilune.velocity_m_s) < 1e-4 * 1937e3 * 2400.0
    home = propagate(found.perilune.from_centre("earth", env), end, env, rtol=1e-13).final
    assert np.linalg.norm(home.position_m - r) < 5000.0
    assert found.arrival_inclination_deg == pytest.approx(90.0, abs=1e-3)


def test_a_point_of_the_b_plane_and_a_free_velocity(env: Environment, begin: float) -> None:
    first = target_bplane(START, begin + 4.5 * DAY_S, env, arrival=Aim(2e6, 6e6))
    assert first.b_t_m == pytest.approx(2e6, abs=5.0)
    assert first.b_r_m == pytest.approx(6e6, abs=5.0)
    assert math.isnan(first.perilune_error_m)
    free = target_bplane(
        START, begin + 4.5 * DAY_S, env, arrival=Aim(2.2e6, 5.98e6), place_m=first.departure.position_m,
        guess=first.departure.velocity_m_s,
    )  # fmt: skip
    assert (free.departure.position_m == first.departure.position_m).all()
    assert free.b_t_m == pytest.approx(2.2e6, abs=5.0)
    assert free.b_r_m == pytest.approx(5.98e6, abs=5.0)
    assert np.linalg.norm(free.departure.velocity_m_s - first.departure.velocity_m_s) < 100.0


def test_threads_and_company_change_nothing(env: Environment, begin: float) -> None:
    starts = begin + np.arange(6) * DAY_S
    alone, many = (target_batch(starts, starts + 4.5 * DAY_S, env, threads=count) for count in (1, 3))
    assert (alone.controls == many.controls).all()
    single = target_batch(starts[2:3], starts[2:3] + 4.5 * DAY_S, env, axes=equator_axes(begin))
    assert (single.controls[0] == alone.controls[2]).all()


def test_a_guess_is_taken_up(env: Environment, begin: float) -> None:
    cold = target_batch([begin], [begin + 4.5 * DAY_S], env)
    warm = target_batch([begin + 60.0], [begin + 4.5 * DAY_S], env, guesses=cold.controls)
    assert warm.converged[0]
    assert warm.flights[0] < cold.flights[0]


def test_reasons(env: Environment, begin: float) -> None:
    flat = target_batch([begin], [begin + 4.5 * DAY_S], env, parking=Parking(inclination_deg=5.0))
    assert "declination of the Moon exceeds the inclination" in flat.reason(0)
    assert not flat.converged[0]
    assert np.isnan(flat.perilune_radius_m[0])
    tilted = target_batch(
        begin + DAY_S * np.arange(8), begin + DAY_S * (np.arange(8) + 4.5), env, arrival=Arrival(100e3, 0.5)
    )
    assert "below the declination of the asymptote" in tilted.reason(0)
    with pytest.raises(ModelError, match="declination of the Moon"):
        target_bplane(begin, begin + 4.5 * DAY_S, env, parking=Parking(inclination_deg=5.0))


def test_least_inclination_follows_the_moon() -> None:
    parking = Parking(least_inclination_deg=19.5, most_inclination_deg=28.0)
    assert parking.inclinations_deg([0.0, 22.0, -24.0, 27.5]).tolist() == [19.5, 24.0, 26.0, 28.0]
    assert Parking(inclination_deg=51.6).inclinations_deg([0.0, 28.0]).tolist() == [51.6, 51.6]


def test_bad_input(env: Environment, almanac: Almanac, begin: float) -> None:
    moon = Environment.make(almanac, "2030-01-01", "2030-01-10", degree=0)
    with pytest.raises(InputError, match="centre"):
        target_batch([begin], [begin + 4 * DAY_S], moon)
    with pytest.raises(DateError):
        target_batch([begin], [begin + 40 * DAY_S], env)
    with pytest.raises(DateError):
        target_batch([math.nan], [begin], env)
    with pytest.raises(InputError, match="less than an hour"):
        target_batch([begin], [begin + 60.0], env)
    with pytest.raises(InputError, match="guess"):
        target_batch([begin], [begin + 4 * DAY_S], env, places_m=[[7e6, 0, 0]])
    with pytest.raises(InputError, match="guesses"):
        target_batch([begin], [begin + 4 * DAY_S], env, guesses=[[0.0, math.inf, 11000.0]])
    with pytest.raises(InputError, match="branch"):
        target_batch([begin], [begin + 4 * DAY_S], env, branches="middle")  # type: ignore[arg-type]
    for make in (
        lambda: Parking(math.nan),
        lambda: Parking(-5.0),
        lambda: Parking(inclination_deg=0.0),
        lambda: Parking(inclination_deg=math.nan),
        lambda: Parking(flight_path_deg=80.0),
        lambda: Arrival(-1.0),
        lambda: Arrival(inclination_deg=181.0),
        lambda: Arrival(side="up"),  # type: ignore[arg-type]
        lambda: Aim(math.nan, 0.0),
    ):
        with pytest.raises(InputError):
            make()
