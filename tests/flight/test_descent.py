"""Descent and ascent: phases add up, limits of strong engines, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.flight.ascent import ascend
from moonpost.flight.descent import best_perilune, descend, impulsive_descent_m_s
from moonpost.flight.orbit import MOON_GM_M3_S2, LunarOrbit
from moonpost.flight.poweredpath import Vehicle
from moonpost.flight.terminal import Terminal
from moonpost.sky.site import MOON_RADIUS_M

LANDER = Vehicle(3000.0, 7500.0, 308.0, 0.2)
G = MOON_GM_M3_S2 / MOON_RADIUS_M**2


@settings(max_examples=12, deadline=None)
@given(
    mass=st.floats(2000.0, 3400.0),
    perilune=st.floats(8e3, 20e3),
    height=st.floats(-3000.0, 2000.0),
    hover=st.floats(0.0, 90.0),
    ground=st.floats(-4.6, 4.6),
)
def test_phases_add_up(mass, perilune, height, hover, ground):
    vehicle = Vehicle(mass, 7500.0, 308.0, 0.2)
    found = descend(
        vehicle,
        perilune_altitude_m=perilune,
        site_height_m=height,
        ground_speed_m_s=ground,
        terminal=Terminal(hover_s=hover),
    )
    assert found.propellant_kg == pytest.approx(sum(phase.propellant_kg for phase in found.phases), rel=1e-9)
    assert found.duration_s == pytest.approx(sum(phase.duration_s for phase in found.phases), rel=1e-9)
    by_rocket = vehicle.exhaust_m_s * math.log(mass / found.landed_mass_kg)
    assert found.delta_v_m_s == pytest.approx(by_rocket, rel=1e-9)
    assert found.path.altitude_m[0] == pytest.approx(perilune - height, abs=1e-3)
    assert found.path.altitude_m[-1] == pytest.approx(0.0, abs=1e-6)
    assert found.path.onward_m_s[-1] == pytest.approx(ground, abs=1e-9)
    assert found.path.rise_m_s[-1] == pytest.approx(-2.0)
    assert (np.diff(found.path.elapsed_s) >= 0.0).all()
    # Nothing jumps where phases meet.
    for name, most in (("altitude_m", 400.0), ("rise_m_s", 20.0), ("onward_m_s", 30.0), ("mass_kg", 20.0)):
        assert np.abs(np.diff(getattr(found.path, name))).max() < most
    assert found.total_delta_v_m_s > found.impulsive_m_s


def test_hovering_costs_the_weight_of_the_time():
    long, short = (descend(LANDER, terminal=Terminal(hover_s=time)) for time in (60.0, 10.0))
    assert long.delta_v_m_s - short.delta_v_m_s == pytest.approx(50.0 * G, rel=1e-6)
    assert long.gravity_loss_m_s == pytest.approx(short.gravity_loss_m_s, abs=1e-9)
    assert long.steering_loss_m_s - short.steering_loss_m_s == pytest.approx(50.0 * G, rel=1e-6)


def test_descents_of_strong_engines_go_to_the_impulsive_one():
    over = []
    for ratio in (2.0, 5.0, 20.0, 100.0):
        strong = Vehicle(3000.0, ratio * 3000.0 * G, 308.0)
        best = best_perilune(strong, terminal=Terminal.none())
        over.append(best.total_delta_v_m_s - best.impulsive_m_s)
    assert (np.diff(over) < 0.0).all()
    assert 0.0 < over[-1] < 2.0


def test_impulsive_floor_is_the_hohmann_transfer():
    high, low = MOON_RADIUS_M + 100e3, MOON_RADIUS_M
    circle = math.sqrt(MOON_GM_M3_S2 / high)
    ellipse = LunarOrbit(1e-3, 100e3, 90.0)
    expected = circle - ellipse.apolune_speed_m_s + ellipse.perilune_speed_m_s
    assert impulsive_descent_m_s(100e3) == pytest.approx(expected, abs=1e-3)
    assert impulsive_descent_m_s(100e3, ground_speed_m_s=4.6) == pytest.approx(expected - 4.6, abs=1e-3)
    assert ellipse.perilune_speed_m_s > math.sqrt(MOON_GM_M3_S2 / low)


def test_ascents_lose_less_with_more_thrust():
    losses = []
    for ratio in (1.3, 1.6, 2.2, 3.5):
        found = ascend(Vehicle(700.0, ratio * 700.0 * G, 310.0))
        losses.append(found.gravity_loss_m_s + found.steering_loss_m_s)
        assert found.total_delta_v_m_s > found.impulsive_m_s
        assert found.path.altitude_m[-1] == pytest.approx(15e3, abs=1e-3)
        assert found.path.rise_m_s[-1] == pytest.approx(0.0, abs=1e-6)
        speed = LunarOrbit(15e3, 100e3, 90.0).perilune_speed_m_s
        assert found.path.onward_m_s[-1] == pytest.approx(speed, abs=1e-5)
        assert found.delta_v_m_s == pytest.approx(speed + losses[-1], abs=1e-6)
        burnt = 700.0 * (1.0 - math.exp(-found.delta_v_m_s / found.vehicle.exhaust_m_s))
        assert found.propellant_kg == pytest.approx(burnt, rel=1e-9)
    assert (np.diff(losses) < 0.0).all()


def test_a_site_that_moves_along_saves_its_speed():
    along, against = (ascend(Vehicle(700.0, 3000.0, 310.0), ground_speed_m_s=speed) for speed in (4.6, -4.6))
    assert against.delta_v_m_s - along.delta_v_m_s == pytest.approx(9.2, abs=0.3)


@pytest.mark.parametrize(
    ("engine", "words", "told"),
    [
        (Vehicle(3000.0, 7500.0, 308.0), {"perilune_altitude_m": 2e3}, "not above the start"),
        (Vehicle(3000.0, 7500.0, 308.0), {"perilune_altitude_m": math.nan}, "perilune_altitude_m"),
        (Vehicle(3000.0, 7500.0, 308.0), {"apolune_altitude_m": 5e3}, "apolune_altitude_m"),
        (Vehicle(3000.0, 7500.0, 308.0), {"ground_speed_m_s": 400.0}, "ground_speed_m_s"),
        (Vehicle(3000.0, 7500.0, 308.0), {"site_height_m": 1e6}, "site_height_m"),
        (Vehicle(3000.0, 1500.0, 308.0), {}, "thrust"),
        (Vehicle(3000.0, 2500.0, 308.0), {"terminal": Terminal.none()}, "m below the site"),
    ],
)
def test_descents_of_no_use_are_refused(engine, words, told):
    with pytest.raises((InputError, ModelError), match=told):
        descend(engine, **words)


@pytest.mark.parametrize(
    "words",
    [
        {"approach_height_m": 50.0},
        {"approach_angle_deg": 0.0},
        {"hover_s": -1.0},
        {"vertical_speed_m_s": 0.0},
        {"approach_s": 1e4},
        {"gate_height_m": math.nan},
    ],
)
def test_terminal_phases_of_no_use_are_refused(words):
    with pytest.raises(InputError):
        Terminal(**words)


def test_an_ascender_that_cannot_lift_off_is_told():
    with pytest.raises(ModelError, match=r"thrust over weight is 0\.88"):
        ascend(Vehicle(700.0, 1000.0, 310.0))
    with pytest.raises(ModelError, match="propellant ends"):
        ascend(Vehicle(10.0, 20000.0, 310.0), rise_s=60.0)


def test_results_are_ready_for_json():
    import json

    text = json.dumps(descend(LANDER).to_dict())
    assert '"braking"' in text
    assert json.loads(json.dumps(ascend(Vehicle(700.0, 3000.0, 310.0)).to_dict()))["path"][0]["mass_kg"] == 700.0
