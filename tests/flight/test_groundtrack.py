"""The ground under a descent: places before the site, ridges, and terrain that ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.flight.descent import descend
from moonpost.flight.groundtrack import clearance, places_before
from moonpost.flight.poweredpath import Vehicle
from moonpost.sky.site import MOON_RADIUS_M, Site

PLAN = descend(Vehicle(3000.0, 7500.0, 308.0), site_height_m=500.0)
AWAY = np.arange(0.0, 560e3, 500.0)


@settings(deadline=None)
@given(st.floats(-89.9, 89.9), st.floats(-180.0, 180.0), st.floats(0.0, 360.0), st.floats(1.0, 2e6))
def test_places_lie_at_their_distance_behind_the_flight(latitude, longitude, heading, distance):
    site = Site(latitude, longitude)
    (lat,), (lon,) = places_before(site, heading, [distance])
    there = Site(float(lat), float(lon)).basis[2]
    angle = 2.0 * np.arcsin(0.5 * np.linalg.norm(there - site.basis[2]))
    assert angle * MOON_RADIUS_M == pytest.approx(distance, abs=0.01)
    onward = np.sin(np.radians(heading)) * site.basis[0] + np.cos(np.radians(heading)) * site.basis[1]
    across = np.cross(site.basis[2], onward)
    assert there @ across == pytest.approx(0.0, abs=1e-9)
    assert there @ onward <= 1e-12


def test_level_ground_leaves_the_height_of_the_approach():
    found = clearance(PLAN, AWAY, np.full(AWAY.shape, 500.0), 500.0)
    assert found.least_m == pytest.approx(2400.0, rel=0.1)
    assert found.distance_m < 10e3
    assert found.known_m == AWAY[-1]


def test_a_ridge_is_met_where_it_stands():
    ground = np.full(AWAY.shape, 500.0)
    ground[AWAY == 100e3] = 500.0 + 20e3
    found = clearance(PLAN, AWAY, ground, 500.0)
    assert found.distance_m == 100e3
    assert found.least_m < 0.0


def test_ground_beyond_a_gap_does_not_count():
    ground = np.full(AWAY.shape, 500.0)
    ground[AWAY == 100e3] = 20e3
    ground[AWAY == 50e3] = np.nan
    found = clearance(PLAN, AWAY, ground, 500.0)
    assert found.known_m == 49.5e3
    assert found.least_m > 0.0


@pytest.mark.parametrize(
    ("away", "ground"),
    [
        (AWAY, np.full(AWAY.shape, np.nan)),
        (AWAY[:2], np.zeros(2)),
        (AWAY, np.zeros(3)),
        (AWAY[::-1], np.zeros(AWAY.shape)),
    ],
)
def test_tracks_of_no_use_are_refused(away, ground):
    with pytest.raises(InputError):
        clearance(PLAN, away, ground, 0.0)
