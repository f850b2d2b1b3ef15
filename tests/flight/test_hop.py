"""Hops: closed formulas, both limits, the best angle, and engines of finite thrust."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from moonpost.errors import InputError, ModelError
from moonpost.flight.hop import hop, hover_hop_m_s
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredhop import powered_hop
from moonpost.flight.poweredpath import Vehicle
from moonpost.sky.site import MOON_RADIUS_M

G = MOON_GM_M3_S2 / MOON_RADIUS_M**2
HALF_WAY = math.pi * MOON_RADIUS_M


def of_weight(ratio: float) -> Vehicle:
    return Vehicle(100.0, 100.0 * G * ratio, 225.0)


@settings(deadline=None)
@given(st.floats(1.0, HALF_WAY * 0.999))
def test_level_hops_follow_the_closed_formula(distance):
    found, turned = hop(distance), distance / MOON_RADIUS_M
    speed = math.sqrt(MOON_GM_M3_S2 / MOON_RADIUS_M * 2 * math.sin(turned / 2) / (1 + math.sin(turned / 2)))
    assert found.launch_speed_m_s == pytest.approx(speed, rel=1e-9)
    assert found.landing_speed_m_s == pytest.approx(speed, rel=1e-9)
    assert found.launch_angle_deg == pytest.approx(math.degrees((math.pi - turned) / 4), abs=1e-6)
    assert found.landing_angle_deg == pytest.approx(found.launch_angle_deg, abs=1e-6)


def test_short_hops_are_those_over_flat_ground():
    found = hop(10.0)
    assert found.launch_speed_m_s**2 == pytest.approx(G * 10.0, rel=2e-5)
    assert found.launch_angle_deg == pytest.approx(45.0, abs=1e-3)
    assert found.apex_height_m == pytest.approx(2.5, rel=1e-5)
    assert found.duration_s == pytest.approx(math.sqrt(2 * 10.0 / G), rel=1e-5)


def test_the_longest_hop_is_half_a_revolution():
    found = hop(HALF_WAY)
    assert found.launch_speed_m_s == pytest.approx(math.sqrt(MOON_GM_M3_S2 / MOON_RADIUS_M), rel=1e-9)
    assert found.launch_angle_deg == pytest.approx(0.0, abs=1e-5)
    half = math.pi * math.sqrt(MOON_RADIUS_M**3 / MOON_GM_M3_S2)
    assert found.duration_s == pytest.approx(half, rel=1e-6)
    assert found.apex_height_m == pytest.approx(0.0, abs=1.0)


HOPS = st.tuples(
    st.floats(100.0, 2e6), st.floats(-4000.0, 6000.0), st.floats(-4000.0, 6000.0), st.floats(20.0, 75.0)
)


@settings(max_examples=40, deadline=None)
@given(HOPS, st.booleans())
def test_free_flights_come_down_where_and_when_they_should(numbers, best):
    distance, low, high, angle = numbers
    try:
        found = hop(distance, start_height_m=low, stop_height_m=high, launch_angle_deg=None if best else angle)
    except ModelError:
        # The other place may lie too high or too far for that angle.
        assert not best
        return
    r1 = MOON_RADIUS_M + low
    up, on = (function(math.radians(found.launch_angle_deg)) for function in (math.sin, math.cos))

    def rates(t, y):
        pull = -MOON_GM_M3_S2 / math.hypot(y[0], y[1]) ** 3
        return [y[2], y[3], pull * y[0], pull * y[1]]

    first = [0.0, r1, found.launch_speed_m_s * on, found.launch_speed_m_s * up]
    flown = solve_ivp(
        rates, (0.0, found.duration_s), first, rtol=3e-14, atol=1e-9, method="DOP853", dense_output=True
    )
    x, z, u, w = flown.y[:, -1]
    assert math.hypot(x, z) == pytest.approx(MOON_RADIUS_M + high, abs=0.05)
    assert math.atan2(x, z) * MOON_RADIUS_M == pytest.approx(distance, abs=0.05)
    assert math.hypot(u, w) == pytest.approx(found.landing_speed_m_s, abs=1e-3)
    path = flown.sol(np.linspace(0.0, found.duration_s, 50))
    heights = np.hypot(path[0], path[1]) - MOON_RADIUS_M
    along = np.clip(np.arctan2(path[0], path[1]) * MOON_RADIUS_M, 0.0, distance)
    assert found.height_m(along) == pytest.approx(heights, abs=0.1)
    assert heights.max() <= found.apex_height_m + 0.05
    # Energy is kept.
    both = [v * v / 2 - MOON_GM_M3_S2 / (MOON_RADIUS_M + h) for v, h in
            ((found.launch_speed_m_s, low), (found.landing_speed_m_s, high))]  # fmt: skip
    assert both[0] == pytest.approx(both[1], rel=1e-12)


@settings(deadline=None)
@given(st.floats(100.0, 1e6), st.floats(-3000.0, 3000.0), st.floats(5.0, 85.0))
def test_no_angle_is_cheaper(distance, climb, angle):
    best = hop(distance, stop_height_m=climb)
    try:
        other = hop(distance, stop_height_m=climb, launch_angle_deg=angle)
    except ModelError:
        return
    assert other.delta_v_m_s >= best.delta_v_m_s * (1.0 - 1e-12)


def test_strong_engines_come_near_the_ballistic_hop_and_weak_ones_pay():
    free = hop(5e3).delta_v_m_s
    costs = [powered_hop(of_weight(ratio), 5e3).delta_v_m_s / free for ratio in (1.7, 2.5, 5.0, 20.0, 200.0)]
    assert (np.diff(costs) < 0.0).all()
    assert 1.0 < costs[-1] < 1.002
    assert costs[0] < hover_hop_m_s(5e3) / free < 1.42


def test_powered_hops_end_at_rest_at_the_place():
    vehicle = of_weight(2.5)
    found = powered_hop(vehicle, 20e3, stop_height_m=-2000.0)
    path = found.path
    assert path.altitude_m[0] == pytest.approx(2000.0, abs=1e-3)
    assert path.altitude_m[-1] == pytest.approx(0.0, abs=1e-2)
    assert path.downrange_m[-1] == pytest.approx(20e3 * (1.0 - 2000.0 / MOON_RADIUS_M), rel=1e-6)
    assert path.speed_m_s[-1] == pytest.approx(0.0, abs=1e-2)
    first, coast, last = found.steered.arcs_s
    assert found.steered.throttles.tolist() == [1.0, 0.0, 1.0]
    assert found.propellant_kg == pytest.approx(vehicle.thrust_n * (first + last) / vehicle.exhaust_m_s, rel=1e-9)
    assert found.duration_s == pytest.approx(first + coast + last)
    assert found.delta_v_m_s > hop(20e3, stop_height_m=-2000.0).delta_v_m_s
    switch = found.steered.switch
    inside = np.abs(switch) > 1e-3
    assert ((switch > 0.0) == (path.throttle == 1.0))[inside].mean() > 0.99


@pytest.mark.parametrize(("ratio", "rises"), [(1.15, True), (1.3, True), (2.0, False)])
def test_weak_engines_rise_first_and_obey_the_equations_of_motion(ratio, rises):
    vehicle = of_weight(ratio)
    found = powered_hop(vehicle, 5e3, stop_height_m=300.0)
    assert (found.rise_m_s > 0.0) is rises
    path = found.path
    line = 300.0 * path.downrange_m / path.downrange_m[-1]
    assert (path.altitude_m - line).min() > -1.01
    # Times at which the thrust or its direction jumps: rows are doubled there.
    edges = np.flatnonzero(np.diff(path.elapsed_s) == 0.0)
    starts = [0, *(edges + 1)] if rises else [0]
    steps = (len(found.steered.path) - 1) // 3
    parts = []
    for begin, end in zip(starts, [*edges, len(path) - 1], strict=rises) if rises else [(0, len(path) - 1)]:
        inner = [begin, begin + steps, begin + 2 * steps, end] if end - begin > 100 else [begin, end]
        parts += list(pairwise(inner))
    state = np.array([0.0, MOON_RADIUS_M, 0.0, 0.0, vehicle.mass_kg])
    for begin, end in parts:
        rows = slice(begin, end + 1)
        time, pitch = path.elapsed_s[rows], np.unwrap(np.radians(path.pitch_deg[rows]))
        turn = CubicSpline(time, pitch)
        thrust = vehicle.thrust_n * path.throttle[(begin + end) // 2]

        def rates(t, y, turn=turn, thrust=thrust):
            x, z, u, w, m = y
            r = math.hypot(x, z)
            up, on = np.array([x, z]) / r, np.array([z, -x]) / r
            angle = float(turn(t))
            push = thrust / m * (math.cos(angle) * on + math.sin(angle) * up) - MOON_GM_M3_S2 / r**2 * up
            return [u, w, push[0], push[1], -thrust / vehicle.exhaust_m_s]

        state = solve_ivp(rates, (time[0], time[-1]), state, rtol=1e-10, atol=1e-8).y[:, -1]
    x, z, u, w, mass = state
    # The vertical parts take gravity as that of the sphere's surface: centimetres over a few hundred metres.
    assert math.hypot(x, z) - MOON_RADIUS_M == pytest.approx(300.0, abs=1.0)
    assert math.atan2(x, z) * MOON_RADIUS_M == pytest.approx(5e3, abs=2.0)
    assert math.hypot(u, w) == pytest.approx(0.0, abs=0.05)
    assert mass == pytest.approx(path.mass_kg[-1], rel=1e-8)
    assert found.delta_v_m_s == pytest.approx(vehicle.exhaust_m_s * math.log(vehicle.mass_kg / mass), rel=1e-6)


def test_a_rise_costs_and_none_is_taken_where_none_is_needed():
    costs = [powered_hop(of_weight(2.0), 5e3, rise_m_s=speed).delta_v_m_s for speed in (0.0, 10.0, 30.0)]
    assert (np.diff(costs) > 0.0).all()
    assert powered_hop(of_weight(2.0), 5e3).delta_v_m_s == pytest.approx(costs[0])


def test_hopper_propellant_follows_the_rocket_equation():
    found = hop(5e3)
    expected = 100.0 * (1.0 - math.exp(-found.delta_v_m_s / (9.80665 * 225.0)))
    assert found.propellant_kg(100.0, 225.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: hop(math.nan), InputError),
        (lambda: hop(-5.0), InputError),
        (lambda: hop(1e8), InputError),
        (lambda: hop(1e3, start_height_m=1e9), InputError),
        (lambda: hop(1e3, launch_angle_deg=90.0), InputError),
        (lambda: hop(1e3, stop_height_m=2000.0, launch_angle_deg=45.0), ModelError),
        (lambda: hop(3e6, launch_angle_deg=85.0), ModelError),
        (lambda: hop(1e3).height_m([2e3]), InputError),
        (lambda: powered_hop(of_weight(0.9), 1e3), ModelError),
        (lambda: powered_hop(of_weight(1.2), 5e3, rise_m_s=0.0), ModelError),
        (lambda: powered_hop(of_weight(2.0), 5e3, rise_m_s=math.nan), InputError),
        (lambda: powered_hop(of_weight(2.0), 5e3, rise_m_s=500.0), InputError),
        (lambda: hover_hop_m_s(-1.0), InputError),
    ],
)
def test_hops_of_no_use_are_refused(call, error):
    with pytest.raises(error):
        call()
