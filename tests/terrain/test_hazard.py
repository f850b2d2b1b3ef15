"""Landing hazard: limits kept, ellipses counted cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.terrain.area import MapArea
from moonpost.terrain.hazard import landable, landing_hazard

AREA = MapArea.about(0.0, 0.0, 4100.0, cell_m=100.0)


def truth(values):
    return AREA.array(values, name="hazard", units="1", long_name="hazard", source="closed form")


def heights(values):
    return AREA.array(values, name="height_m", units="m", long_name="height", source="closed form")


@pytest.mark.parametrize(("gradient", "limit", "expected"), [(0.1, 6.0, 0.0), (0.1, 5.5, 1.0), (0.13, 7.0, 1.0)])
def test_ground_steeper_than_the_limit_is_hazardous(gradient, limit, expected):
    found = landing_hazard(heights(gradient * AREA.x_m + np.zeros(AREA.shape)), slope_limit_deg=limit)
    assert float(found["hazard"][20, 20]) == expected


def test_rough_ground_is_hazardous_though_level():
    rng = np.random.default_rng(0)
    rough = heights(rng.normal(0.0, 1.0, AREA.shape))
    assert float(landing_hazard(rough, slope_limit_deg=45.0, roughness_limit_m=1e3)["hazard"].mean()) == 0.0
    strict = landing_hazard(rough, slope_limit_deg=45.0, roughness_limit_m=0.05)
    assert float(strict["hazard"].mean()) == 1.0


def test_the_roughness_limit_is_carried_to_the_baseline_and_says_so():
    attrs = landing_hazard(heights(np.zeros(AREA.shape)))["hazard"].attrs
    assert attrs["roughness_limit_m"] == pytest.approx(0.3 * 20.0**0.95, rel=1e-3)
    assert "0.3 m over 10 m" in attrs["roughness_limit_from"]


def test_unknown_ground_is_neither_safe_nor_hazardous():
    z = np.zeros(AREA.shape)
    z[20, 20] = np.nan
    found = landing_hazard(heights(z))["hazard"].values
    assert np.isnan(found[19:22, 19:22]).all()
    assert found[10, 10] == 0.0


@pytest.mark.parametrize(
    ("major", "minor", "azimuth"), [(500.0, 500.0, 0.0), (800.0, 300.0, 0.0), (800.0, 300.0, 60.0)]
)
def test_the_share_is_that_of_points_strewn_over_the_ellipse(major, minor, azimuth):
    """Against a count of 400,000 points in the ellipse; the cells count by area, so only sampling differs."""
    rng = np.random.default_rng(4)
    hazard = rng.random(AREA.shape) < 0.3
    found = landable(truth(hazard), semi_major_m=major, semi_minor_m=minor, map_azimuth_deg=azimuth)
    turn = np.radians(azimuth)
    radius, angle = np.sqrt(rng.random(400_000)), rng.random(400_000) * 2 * np.pi
    along, across = major * radius * np.cos(angle), minor * radius * np.sin(angle)
    x = along * np.sin(turn) + across * np.cos(turn)
    y = along * np.cos(turn) - across * np.sin(turn)
    for row, col in ((20, 20), (15, 25)):
        rows, cols = np.rint(row - y / 100.0).astype(int), np.rint(col + x / 100.0).astype(int)
        assert float(found["hazard_share"][row, col]) == pytest.approx(hazard[rows, cols].mean(), abs=0.004)


def test_an_ellipse_reaches_along_its_azimuth_only():
    spot = np.zeros(AREA.shape)
    spot[20, 20] = 1.0
    found = landable(truth(spot), semi_major_m=900.0, semi_minor_m=120.0, map_azimuth_deg=45.0)[
        "hazard_share"
    ].values
    assert found[15, 25] > 0.0
    assert found[25, 15] > 0.0
    assert found[15, 15] == 0.0
    assert found[20, 25] == 0.0


def test_a_place_is_landable_up_to_the_share_and_unknown_near_the_rim():
    spot = np.zeros(AREA.shape)
    spot[20, 20] = 1.0
    strict = landable(truth(spot), semi_major_m=500.0, hazard_share_limit=0.0)["landable"].values
    lenient = landable(truth(spot), semi_major_m=500.0, hazard_share_limit=0.05)["landable"].values
    assert strict[20, 20] == 0.0
    assert lenient[20, 20] == 1.0
    assert np.isnan(strict[0, 20])
    assert strict[8, 8] == 1.0


def test_an_ellipse_smaller_than_a_cell_looks_at_that_cell():
    spot = np.zeros(AREA.shape)
    spot[20, 20] = 1.0
    found = landable(truth(spot), semi_major_m=10.0)["hazard_share"].values
    assert found[20, 20] == 1.0
    assert np.nansum(found) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"semi_major_m": -1.0},
        {"semi_major_m": np.nan},
        {"semi_minor_m": 200.0},
        {"hazard_share_limit": 1.5},
        {"map_azimuth_deg": np.inf},
    ],
)
def test_refuses_ellipses_of_no_use(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        landable(truth(np.zeros(AREA.shape)), **wrong)


@pytest.mark.parametrize(
    "wrong", [{"slope_limit_deg": 0.0}, {"slope_limit_deg": np.nan}, {"roughness_limit_m": -1.0}]
)
def test_refuses_limits_of_no_use(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        landing_hazard(heights(np.zeros(AREA.shape)), **wrong)
