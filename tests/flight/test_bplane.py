"""The B-plane against its definition, there and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.flight.bplane import BPlane, aim_point, least_inclination_deg

GM = 4902.8001224453e9
POLE = np.array([0.0, -0.4, 0.9])
directions = st.tuples(st.floats(0.0, 2 * math.pi), st.floats(-1.2, 1.2))


def direction(angles: tuple[float, float]) -> np.ndarray:
    a, d = angles
    return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])


@given(
    s=directions,
    b_t=st.floats(-3e7, 3e7),
    b_r=st.floats(-3e7, 3e7),
    speed=st.floats(400.0, 3000.0),
    time_s=st.floats(-3e5, 3e5),
)
@settings(max_examples=150, deadline=None)
def test_state_and_back(s: Any, b_t: float, b_r: float, speed: float, time_s: float) -> None:
    if math.hypot(b_t, b_r) < 3e6 or np.linalg.norm(np.cross(direction(s), POLE)) < 0.05:
        return
    plane = BPlane(b_t, b_r, direction(s), speed, time_s, POLE)
    position, velocity = plane.state()
    again = BPlane.of(position, velocity, POLE)
    assert np.linalg.norm(again.s - plane.s) < 1e-7
    assert math.hypot(again.b_t_m - b_t, again.b_r_m - b_r) < 1e-6 * plane.size_m + 1e-7 * abs(time_s) * speed
    assert abs(again.speed_far_m_s - speed) < 1e-7 * speed
    assert abs(again.time_to_perilune_s - time_s) < 1e-6 * (abs(time_s) + 3600.0)
    assert again.perilune_radius_m == pytest.approx(plane.perilune_radius_m, rel=1e-5)


@given(s=directions, turn=st.floats(0.1, 6.0), axis=directions)
@settings(max_examples=60, deadline=None)
def test_a_turn_of_everything_changes_nothing(s: Any, turn: float, axis: Any) -> None:
    if np.linalg.norm(np.cross(direction(s), POLE)) < 0.05:
        return
    plane = BPlane(4e6, -3e6, direction(s), 900.0, 7200.0, POLE)
    position, velocity = plane.state()
    k = direction(axis)
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    rotation = np.eye(3) + math.sin(turn) * cross + (1 - math.cos(turn)) * cross @ cross
    other = BPlane.of(rotation @ position, rotation @ velocity, rotation @ POLE)
    assert other.b_t_m == pytest.approx(4e6, rel=1e-9)
    assert other.b_r_m == pytest.approx(-3e6, rel=1e-9)
    assert np.allclose(other.s, rotation @ plane.s, atol=1e-10)
    assert other.inclination_deg == pytest.approx(plane.inclination_deg, abs=1e-7)


@given(
    s=directions, radius=st.floats(1.75e6, 2e7), share=st.floats(0.02, 0.98), speed=st.floats(300.0, 2000.0),
    north=st.booleans(),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_aim_gives_its_perilune_and_inclination(s: Any, radius: float, share: float, speed: float, north: bool):
    if np.linalg.norm(np.cross(direction(s), POLE)) < 0.05:
        return
    least = least_inclination_deg(direction(s), POLE)
    inclination = least + share * (180.0 - 2.0 * least)
    b_t, b_r = aim_point(radius, inclination, direction(s), speed, POLE, "north" if north else "south")
    plane = BPlane(b_t, b_r, direction(s), speed, 3600.0, POLE)
    assert plane.perilune_radius_m == pytest.approx(radius, rel=1e-9)
    assert plane.inclination_deg == pytest.approx(inclination, abs=1e-6)
    assert (b_r < 0.0) == north
    position, velocity = plane.state()
    momentum = np.cross(position, velocity)
    cosine = momentum @ POLE / np.linalg.norm(momentum) / np.linalg.norm(POLE)
    assert math.degrees(math.acos(cosine)) == pytest.approx(inclination, abs=1e-6)


def test_far_away_the_miss_vector_is_the_offset_of_the_straight_line() -> None:
    """10 million km out at 3 km/s gravity has bent nothing: B is the part of the position across the velocity."""
    position, velocity = np.array([-1e10, 3e7, -4e7]), np.array([3000.0, 0.0, 0.0])
    plane = BPlane.of(position, velocity, [0.0, 0.0, 1.0])
    # S = x, T = S x pole = -y, R = S x T = -z
    assert plane.b_t_m == pytest.approx(-3e7, rel=1e-3)
    assert plane.b_r_m == pytest.approx(4e7, rel=1e-3)
    assert plane.time_to_perilune_s == pytest.approx(1e10 / 3000.0, rel=1e-3)


def test_numbers_by_hand() -> None:
    """Perilune 1837.4 km at 0.9 km/s: |B| = sqrt(r^2 + 2 gm r / v^2) = 5061.5 km, speed there 2.480 km/s."""
    b_t, b_r = aim_point(1837.4e3, 90.0, [1, 0, 0], 900.0, [0, 0, 1])
    assert (b_t, b_r) == (pytest.approx(0.0, abs=1e-6), pytest.approx(5061.5e3, abs=100.0))
    position, velocity = BPlane(b_t, b_r, np.array([1.0, 0, 0]), 900.0, 0.0, np.array([0, 0, 1.0])).state()
    assert np.linalg.norm(position) == pytest.approx(1837.4e3, abs=1e-3)
    assert np.linalg.norm(velocity) == pytest.approx(math.sqrt(900.0**2 + 2 * GM / 1837.4e3), abs=1e-9)
    assert abs(position @ velocity) < 1e-3


def test_what_is_no_hyperbola_is_refused() -> None:
    with pytest.raises(ModelError, match="no hyperbola"):
        BPlane.of([1838e3, 0, 0], [0, 1633.0, 0], [0, 0, 1])
    with pytest.raises(InputError, match="finite"):
        BPlane.of([math.nan, 0, 0], [0, 1633.0, 0], [0, 0, 1])
    with pytest.raises(InputError, match="cannot be had"):
        aim_point(1837e3, 10.0, [1, 0, 1], 900.0, [0, 0, 1])
    with pytest.raises(InputError, match="side"):
        aim_point(1837e3, 90.0, [1, 0, 0], 900.0, [0, 0, 1], "east")  # type: ignore[arg-type]
    with pytest.raises(InputError):
        aim_point(-1.0, 90.0, [1, 0, 0], 900.0, [0, 0, 1])
    with pytest.raises(InputError, match="pole"):
        BPlane(1e6, 1e6, np.array([0, 0, 1.0]), 900.0, 0.0, np.array([0, 0, 2.0]))
    with pytest.raises(InputError, match="is zero"):
        least_inclination_deg([0, 0, 0], [0, 0, 1])
