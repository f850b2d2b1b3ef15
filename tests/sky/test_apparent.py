"""Aberration and local directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.sky import Site
from moonpost.sky.apparent import LIGHT_SPEED_M_S, aberrated, looked_at

ANGLES = st.floats(0.0, np.pi)


@given(ANGLES, st.floats(0.0, 0.9))
def test_aberration_follows_the_half_angle_formula(angle, beta):
    """tan(a'/2) = sqrt((1 - b)/(1 + b)) tan(a/2), an independent form of the same law."""
    seen = aberrated(
        np.array([[np.cos(angle)], [np.sin(angle)], [0.0]]), np.array([[beta * LIGHT_SPEED_M_S], [0.0], [0.0]])
    )
    expected = 2.0 * np.arctan(np.sqrt((1.0 - beta) / (1.0 + beta)) * np.tan(angle / 2.0))
    assert np.arctan2(seen[1, 0], seen[0, 0]) == pytest.approx(expected, abs=1e-7)
    assert np.linalg.norm(seen) == pytest.approx(1.0)


@given(st.floats(-89.0, 89.0), st.floats(-180.0, 360.0), st.floats(0.0, 359.99), st.floats(-89.0, 89.0))
def test_a_direction_is_found_again(latitude, longitude, azimuth, elevation):
    site = Site(latitude, longitude)
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    vector = 5.0 * np.array([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)]) @ site.basis
    found = looked_at(site, vector[:, None])
    assert (found[0][0] - azimuth + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-9)
    assert found[1][0] == pytest.approx(elevation, abs=1e-9)
    assert found[2][0] == pytest.approx(5.0)


def test_an_azimuth_just_west_of_north_stays_below_360():
    vector = (np.array([-1e-300, 1.0, 0.0]) @ Site(0.0, 0.0).basis)[:, None]
    azimuth, _, _ = looked_at(Site(0.0, 0.0), vector)
    assert 0.0 <= azimuth[0] < 360.0
