"""Rendezvous: Lambert, relative motion, phasing, a whole approach, against closed formulas and the full field."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2 as GM
from moonpost.flight.lambert import lambert
from moonpost.flight.phasing import (
    coelliptic_apsides_m,
    drift_rad_s,
    hohmann,
    lift_offs,
    plane_inclination_deg,
)
from moonpost.flight.propagate import propagate
from moonpost.flight.relativemotion import absolute_state, approach_m_s, clohessy_wiltshire, relative_state
from moonpost.flight.rendezvous import Rendezvous, intercept, rendezvous
from moonpost.flight.state import State
from moonpost.sky import Almanac, Site

START = "2030-01-01"


@pytest.fixture(scope="module")
def point(almanac: Almanac) -> Environment:
    """The Moon as a point, alone."""
    return Environment.make(almanac, START, "2030-01-03", degree=0, bodies=(), impact_radius_m={"moon": 1.0})


@pytest.fixture(scope="module")
def field(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, "2030-01-16", degree=8)


@settings(max_examples=40, deadline=None)
@given(
    distance=st.floats(1.8e6, 8e6),
    speed=st.floats(0.5, 1.6),
    climb=st.floats(-60.0, 60.0),
    turn=st.floats(0.0, 6.2),
    hours=st.floats(0.3, 12.0),
)
def test_lambert_finds_the_orbit_that_was_flown(
    point: Environment, distance: float, speed: float, climb: float, turn: float, hours: float
) -> None:
    """Ellipses and hyperbolas, both ways round, of less than one revolution."""
    up = math.radians(climb)
    v = speed * math.sqrt(GM / distance) * np.array([math.sin(up), math.cos(up), 0.0])
    tilt = np.array([[1.0, 0, 0], [0, math.cos(turn), -math.sin(turn)], [0, math.sin(turn), math.cos(turn)]])
    start = State(float(point.tdb_s(START)), tilt @ np.array([distance, 0.0, 0.0]), tilt @ v)
    size = 1.0 / (2.0 / distance - float(v @ v) / GM)
    assume(size < 0.0 or 3600.0 * hours < 0.95 * 2.0 * math.pi * math.sqrt(size**3 / GM))
    end = propagate(start, start.time_tdb_s + 3600.0 * hours, point, dense=False).final
    pole = np.cross(start.position_m, start.velocity_m_s)
    between = np.cross(start.position_m, end.position_m)
    assume(np.linalg.norm(between) > 1e-3 * distance * np.linalg.norm(end.position_m))
    v1, v2 = lambert(start.position_m, end.position_m, 3600.0 * hours, pole=pole)
    assert v1 == pytest.approx(start.velocity_m_s, abs=1e-3)
    assert v2 == pytest.approx(end.velocity_m_s, abs=1e-3)


@pytest.mark.parametrize("revolutions", [1, 3])
def test_lambert_with_revolutions_finds_two_orbits(point: Environment, revolutions: int) -> None:
    first, second = np.array([1.9e6, 0, 0]), np.array([-1.2e6, 1.5e6, 0.3e6])
    duration = 9000.0 * revolutions + 5000.0
    sizes = []
    for low in (True, False):
        v1, _ = lambert(first, second, duration, revolutions=revolutions, low_path=low)
        begin = float(point.tdb_s(START))
        end = propagate(State(begin, first, v1), begin + duration, point, dense=False).final
        assert end.position_m == pytest.approx(second, abs=0.05)
        sizes.append(1.0 / (2.0 / 1.9e6 - float(v1 @ v1) / GM))
    assert sizes[0] < sizes[1]
    with pytest.raises(ModelError, match="revolutions"):
        lambert(first, second, duration, revolutions=revolutions + 3)


def test_lambert_refuses_what_has_no_plane_or_time() -> None:
    with pytest.raises(InputError, match="line"):
        lambert([2e6, 0, 0], [-2e6, 0, 0], 3600.0)
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(InputError):
            lambert([2e6, 0, 0], [0, 2e6, 0], bad)
    with pytest.raises(InputError):
        lambert([2e6, 0, math.nan], [0, 2e6, 0], 3600.0)


def test_hohmann_against_energies() -> None:
    up = hohmann(1837.4e3, 1947.4e3)
    down = hohmann(1947.4e3, 1837.4e3)
    assert up.total_m_s == pytest.approx(down.total_m_s, rel=1e-12)
    assert up.first_m_s > 0.0 > down.first_m_s
    size = 0.5 * (1837.4e3 + 1947.4e3)
    speed = math.sqrt(GM / 1837.4e3) + up.first_m_s
    assert 0.5 * speed**2 - GM / 1837.4e3 == pytest.approx(-0.5 * GM / size, rel=1e-12)
    assert up.duration_s == pytest.approx(math.pi * math.sqrt(size**3 / GM))
    assert hohmann(1837.4e3, 1837.4e3).total_m_s == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(InputError):
        hohmann(1837.4e3, -1.0)


def test_drift_and_coelliptic_orbits(point: Environment) -> None:
    rate = drift_rad_s(1917.4e3, 1947.4e3)
    assert rate == pytest.approx(1.5 * math.sqrt(GM / 1932.4e3**3) * 30e3 / 1932.4e3, rel=1e-3)
    assert drift_rad_s(2e6, 2e6) == 0.0
    near, far = coelliptic_apsides_m(1.9e6, 1.96e6, 10e3)
    begin = float(point.tdb_s(START))
    speeds = [math.sqrt(2.0 * GM * b / (a * (a + b))) for a, b in ((near, far), (1.9e6, 1.96e6))]
    flown = [
        propagate(State(begin, np.array([a, 0, 0]), np.array([0, v, 0])), begin + 7000.0, point)
        for a, v in ((near, speeds[0]), (1.9e6, speeds[1]))
    ]
    low, high = (track.at_elapsed(np.linspace(0, 7000.0, 50)) for track in flown)
    angle = [np.unwrap(np.arctan2(part[:, 1], part[:, 0])) for part in (low, high)]
    gap = np.linalg.norm(high[:, :3], axis=1) - np.interp(angle[1], angle[0], np.linalg.norm(low[:, :3], axis=1))
    assert gap == pytest.approx(10e3, abs=200.0)
    with pytest.raises(InputError):
        coelliptic_apsides_m(2e6, 1.9e6, 0.0)


@settings(max_examples=20, deadline=None)
@given(place=st.tuples(*[st.floats(-3e3, 3e3)] * 3), rate=st.tuples(*[st.floats(-2.0, 2.0)] * 3))
def test_relative_states_go_there_and_back(place: tuple[float, ...], rate: tuple[float, ...]) -> None:
    target = State(0.0, np.array([1.2e6, -0.4e6, 1.5e6]), np.array([900.0, 1200.0, -400.0]))
    numbers = np.array([*place, *rate])
    assert relative_state(absolute_state(target, numbers), target) == pytest.approx(numbers, abs=1e-6)


def test_clohessy_wiltshire_composes_and_is_the_limit_of_two_bodies(point: Environment) -> None:
    n = math.sqrt(GM / 1947.4e3**3)
    whole, half = clohessy_wiltshire(2000.0, n), clohessy_wiltshire(1000.0, n)
    assert half @ half == pytest.approx(whole, rel=1e-9, abs=1e-9)
    begin = float(point.tdb_s(START))
    target = State(begin, np.array([1947.4e3, 0, 0]), np.array([0, math.sqrt(GM / 1947.4e3), 0]))
    start = np.array([100.0, -300.0, 50.0, 0.05, -0.1, 0.02])
    ends = [
        propagate(state, begin + 2000.0, point, dense=False).final
        for state in (absolute_state(target, start), target)
    ]
    assert relative_state(*ends) == pytest.approx(whole @ start, abs=0.5)
    nearer = propagate(absolute_state(target, 0.1 * start), begin + 2000.0, point, dense=False).final
    misses = [
        np.abs(relative_state(state, ends[1]) - part * whole @ start).max()
        for state, part in ((ends[0], 1.0), (nearer, 0.1))
    ]
    assert misses[0] / misses[1] == pytest.approx(100.0, rel=0.2)


def test_two_impulses_lead_to_the_goal_and_stop() -> None:
    n = 8.2e-4
    start = np.array([50.0, -5e3, 100.0, 0.1, 0.0, 0.2])
    first, last = approach_m_s(start, [0.0, -100.0, 0.0], 2400.0, n)
    end = clohessy_wiltshire(2400.0, n) @ (start + np.r_[0, 0, 0, first])
    assert end[:3] == pytest.approx([0.0, -100.0, 0.0], abs=1e-8)
    assert end[3:] + last == pytest.approx(np.zeros(3), abs=1e-9)
    with pytest.raises(ModelError, match="steers"):
        approach_m_s(start, [0.0, 0.0, 0.0], 2.0 * math.pi / n, n)
    with pytest.raises(InputError):
        approach_m_s(start[:5], [0.0, 0.0, 0.0], 2400.0, n)


def test_a_passage_of_the_plane_is_when_the_site_is_in_it(field: Environment) -> None:
    low = State.circling(field, START, 200e3, 60.0, node_deg=0.0)
    site = Site(40.0, 20.0)
    found = lift_offs(low, site, "2030-01-16", field)
    assert len(found) == 2
    orbit = propagate(low, found[0].time_tdb_s, field, dense=False).final
    pole = np.cross(orbit.position_m, orbit.velocity_m_s)
    up = field.rotation(found[0].time_tdb_s)[0].T @ site.position_m
    assert abs(pole @ up) / np.linalg.norm(pole) / np.linalg.norm(up) < 1e-6
    assert math.cos(math.radians(60.0)) == pytest.approx(
        math.cos(math.radians(40.0)) * math.sin(math.radians(found[0].azimuth_deg)), abs=0.01
    )
    away = lift_offs(low, Site(80.0, 20.0), "2030-01-03", field)
    assert len(away) == 1
    assert abs(away[0].out_of_plane_deg) > 5.0
    assert away[0].plane_change_m_s > 100.0


def test_the_plane_that_passes_twice(almanac: Almanac) -> None:
    """A stay of two days over 43 N, flown round a point; the field's wobble of 0.1 deg would take hours of it."""
    env = Environment.make(almanac, START, "2030-01-05", degree=0, bodies=())
    tilt = plane_inclination_deg(43.0, 2.0 * 86400.0)
    low = State.circling(env, START, 200e3, tilt, node_deg=0.0)
    found = lift_offs(low, Site(43.0, 70.0), "2030-01-05", env)
    assert len(found) == 2
    assert found[1].time_tdb_s - found[0].time_tdb_s == pytest.approx(2.0 * 86400.0, rel=0.02)
    with pytest.raises(InputError):
        plane_inclination_deg(43.0, 20.0 * 86400.0)


@pytest.fixture(scope="module")
def plan(field: Environment) -> Rendezvous:
    station = State.circling(field, START, 210e3, 45.0, argument_deg=120.0)
    ascender = State.circling(field, START, 15e3, 45.0, apolune_altitude_m=180e3)
    return rendezvous(ascender, station, "2030-01-02T06:00", field)


def test_a_chaser_arrives_and_stops(plan: Rendezvous, field: Environment) -> None:
    assert plan.miss_m < 0.05
    assert plan.chaser.velocity_m_s == pytest.approx(plan.target.velocity_m_s, abs=1e-9)
    assert [maneuver.name for maneuver in plan.maneuvers] == ["phasing", "transfer", "approach", "stop"]
    assert plan.total_m_s == pytest.approx(sum(maneuver.size_m_s for maneuver in plan.maneuvers))
    for one, two in zip(plan.maneuvers, plan.maneuvers[1:], strict=False):
        flown = propagate(one.after, two.time_tdb_s, field, dense=False).final
        assert flown.position_m == pytest.approx(two.before.position_m, abs=0.1)
    assert plan.linear_error_m < 500.0


def test_it_costs_little_more_than_two_tangent_impulses(plan: Rendezvous) -> None:
    """From 15 x 180 km to 210 km: 48.8 m/s at least, by apsides; and no more than half as much again."""
    floor = hohmann(1917.4e3, 1947.4e3, other_radius_m=1752.4e3).total_m_s
    assert floor == pytest.approx(48.8, abs=0.1)
    assert floor - 2.0 < plan.total_m_s < 1.6 * floor


def test_what_does_not_fit_is_refused(field: Environment) -> None:
    station = State.circling(field, START, 210e3, 45.0)
    ascender = State.circling(field, START, 15e3, 45.0, apolune_altitude_m=180e3)
    with pytest.raises(InputError, match="transfer"):
        rendezvous(ascender, station, "2030-01-01T02:00", field)
    with pytest.raises(InputError):
        rendezvous(ascender, station, "2030-01-02", field, hold_m=-1.0)
    with pytest.raises(ModelError):
        intercept(ascender, -ascender.velocity_m_s * 0.1, [0.0, 0.0, 5e6], "2030-01-01T01:00", field)
    later = State(station.time_tdb_s + 1.0, station.position_m, station.velocity_m_s)
    with pytest.raises(InputError, match="instants"):
        relative_state(station, later)
