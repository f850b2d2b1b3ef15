"""The entry interface: conics, headings against stars and ground, ranges on the sphere, landing places."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, UnknownNameError
from moonpost.flight.entry import (
    EARTH_RATE_RAD_S,
    LANDING_PLACES,
    Entry,
    Interface,
    LandingPlace,
    earth_turn,
    landing_place,
)
from moonpost.flight.environment import EARTH_GM_M3_S2
from moonpost.flight.state import State
from moonpost.sky.apparent import EARTH_RADIUS_M

NOON_TDB_S = 661_305_600.0


def inbound(unit: np.ndarray, heading: float, path_deg: float = -6.0, speed: float = 10_980.0) -> State:
    """A state over a place fixed in the Earth, with a heading against stars."""
    turn = earth_turn(NOON_TDB_S)[0]
    east = np.array([-unit[1], unit[0], 0.0]) / math.hypot(unit[0], unit[1])
    north = np.cross(unit, east)
    path = math.radians(path_deg)
    level = math.cos(heading) * north + math.sin(heading) * east
    velocity = speed * (math.cos(path) * level + math.sin(path) * unit)
    return State(NOON_TDB_S, turn.T @ (6498.137e3 * unit), turn.T @ velocity, "earth")


def test_perigee_of_the_interface_is_that_of_the_state() -> None:
    for speed, path in ((10_980.0, -6.0), (11_100.0, -5.5), (7_800.0, -1.0)):
        state = inbound(np.array([1.0, 0.0, 0.0]), 0.7, path, speed)
        assert Interface(120e3, path).perigee_m(speed) == pytest.approx(
            state.apsides_m(EARTH_GM_M3_S2)[0], rel=1e-9
        )


@settings(max_examples=25, deadline=None)
@given(
    latitude=st.floats(-80.0, 80.0),
    longitude=st.floats(-180.0, 180.0),
    heading=st.floats(0.0, 2.0 * math.pi),
    path=st.floats(-30.0, -1.0),
)
def test_an_entry_tells_what_it_was_made_from(
    latitude: float, longitude: float, heading: float, path: float
) -> None:
    unit = LandingPlace("here", latitude, longitude).unit
    entry = Entry.of(inbound(unit, heading, path))
    assert entry.latitude_deg == pytest.approx(latitude, abs=1e-9)
    assert abs((entry.longitude_deg - longitude + 180.0) % 360.0 - 180.0) < 1e-9
    assert entry.flight_path_deg == pytest.approx(path, abs=1e-9)
    assert entry.speed_m_s == pytest.approx(10_980.0, abs=1e-6)
    assert math.cos(math.radians(entry.inclination_deg)) == pytest.approx(
        math.hypot(unit[0], unit[1]) * math.sin(heading), abs=1e-9
    )
    east = entry.speed_m_s * math.cos(math.radians(path)) * math.sin(heading)
    ground = entry.ground_speed_m_s * math.cos(math.radians(entry.ground_path_deg))
    spin = EARTH_RATE_RAD_S * 6498.137e3 * math.hypot(unit[0], unit[1])
    assert ground * math.sin(math.radians(entry.ground_heading_deg)) == pytest.approx(east - spin, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(heading=st.floats(0.0, 2.0 * math.pi), range_m=st.floats(100e3, 15_000e3))
def test_the_end_of_a_track_lies_its_range_ahead(heading: float, range_m: float) -> None:
    entry = Entry.of(inbound(LandingPlace("here", 27.0, 52.0).unit, heading))
    latitude, longitude = entry.track_deg(range_m, 3)[-1]
    if abs(latitude) < 89.0:
        ahead, aside = entry.ranges_m(LandingPlace("end", latitude, longitude))
        assert ahead == pytest.approx(range_m, abs=0.1)
        assert aside == pytest.approx(0.0, abs=0.1)


def test_cross_range_is_positive_to_the_left() -> None:
    entry = Entry.of(inbound(LandingPlace("here", 0.0, 0.0).unit, math.pi / 2))
    assert entry.ground_heading_deg == pytest.approx(90.0, abs=1e-6)
    ahead, aside = entry.ranges_m(LandingPlace("left", 10.0, 40.0))
    assert aside > 0.0
    assert ahead == pytest.approx(math.radians(40.0) * EARTH_RADIUS_M, rel=1e-3)


def test_a_quarter_of_a_sidereal_day_turns_the_earth_by_a_right_angle() -> None:
    quarter = 0.25 * 86_164.0905
    turn = earth_turn([NOON_TDB_S, NOON_TDB_S + quarter])
    seen = turn[1] @ turn[0].T
    assert seen == pytest.approx(np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), abs=2e-6)


def test_landing_places_by_name_and_by_numbers() -> None:
    assert landing_place(" UTAH ") is LANDING_PLACES["utah"]
    assert all(place.source for place in LANDING_PLACES.values())
    assert landing_place("42.35, 111.43").unit == pytest.approx(LANDING_PLACES["siziwang"].unit)
    with pytest.raises(UnknownNameError, match="siziwang"):
        landing_place("siziwan")
    for bad in ("91,0", "nan,0", "a,b", "10,400"):
        with pytest.raises(InputError):
            landing_place(bad)


@pytest.mark.parametrize(
    "numbers", [(-1.0, -6.0), (120e3, 0.0), (120e3, 6.0), (math.nan, -6.0), (120e3, math.nan)]
)
def test_an_interface_that_is_none_is_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        Interface(*numbers)


def test_a_state_from_the_moon_is_refused() -> None:
    state = State(0.0, np.array([2e6, 0, 0]), np.array([0, 1600.0, 0]), "moon")
    with pytest.raises(InputError, match="from_centre"):
        Entry.of(state)
    with pytest.raises(InputError):
        Interface().perigee_m(math.nan)
    with pytest.raises(InputError):
        Entry.of(inbound(np.array([1.0, 0.0, 0.0]), 0.0)).track_deg(math.nan)
