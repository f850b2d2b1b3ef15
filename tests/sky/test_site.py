"""A site is a place, and its horizon basis is a right-handed frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import MOON_RADIUS_M, Site

LATITUDES = st.floats(-90.0, 90.0)
LONGITUDES = st.floats(-180.0, 360.0)


@given(LATITUDES, LONGITUDES, st.floats(-9000.0, 11000.0))
def test_the_basis_is_orthonormal_and_up_is_away_from_the_centre(latitude, longitude, height):
    site = Site(latitude, longitude, height)
    np.testing.assert_allclose(site.basis @ site.basis.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(site.basis) == pytest.approx(1.0)
    assert np.linalg.norm(site.position_m) == pytest.approx(MOON_RADIUS_M + height)
    assert site.basis[2] @ site.position_m == pytest.approx(MOON_RADIUS_M + height)


@given(LATITUDES, st.floats(-180.0, 0.0))
def test_west_is_written_either_way(latitude, longitude):
    np.testing.assert_allclose(
        Site(latitude, longitude).position_m, Site(latitude, longitude + 360.0).position_m, atol=1e-6
    )


def test_axes():
    np.testing.assert_allclose(Site(0, 0).position_m, [MOON_RADIUS_M, 0, 0], atol=1e-9)
    np.testing.assert_allclose(Site(0, 90).position_m, [0, MOON_RADIUS_M, 0], atol=1e-9)
    np.testing.assert_allclose(Site(90, 0).position_m, [0, 0, MOON_RADIUS_M], atol=1e-9)
    np.testing.assert_allclose(Site(0, 0).basis, [[0, 1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-15)


def test_sites_are_values():
    assert Site(1, 2, 3) == Site(1.0, 2.0, 3.0)
    assert len({Site(1, 2), Site(1.0, 2.0)}) == 1
    with pytest.raises(AttributeError):
        Site(1, 2).latitude_deg = 3.0
    with pytest.raises(ValueError, match="read-only"):
        Site(1, 2).position_m[0] = 0.0


@pytest.mark.parametrize(
    "values",
    [
        (float("nan"), 0.0, 0.0),
        (0.0, float("nan"), 0.0),
        (0.0, 0.0, float("nan")),
        (0.0, float("inf"), 0.0),
        (90.01, 0.0, 0.0),
        (0.0, -180.5, 0.0),
        (0.0, 361.0, 0.0),
        (0.0, 0.0, 1_737_400.0),
        ("12", 0.0, 0.0),
        (None, 0.0, 0.0),
        (True, 0.0, 0.0),
    ],
)
def test_what_is_not_a_place_is_refused(values):
    with pytest.raises(InputError, match=r"Site\."):
        Site(*values)
