"""Sky views and patches that see themselves: closed forms, symmetries, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Almanac
from moonpost.terrain import MapArea, Terrain
from moonpost.thermal import SunPath, TerrainPatch, sky_view


def bowl(joined: int, block: int, depth: float = 0.2) -> tuple[TerrainPatch, np.ndarray]:
    """A spherical bowl of 1 km across in a plane, and the distance of its joined cells from the middle [radii]."""
    cell = 1100.0 / joined / block
    side = (np.arange(joined * block) + 0.5) * cell - 550.0
    r = np.hypot(*np.meshgrid(side, side))
    sphere = (500.0**2 + (1e3 * depth) ** 2) / (2e3 * depth)
    height = np.where(r < 500.0, sphere - 1e3 * depth - np.sqrt(np.maximum(sphere**2 - r**2, 0.0)), 0.0)
    middle = side.reshape(joined, block).mean(axis=1)
    return TerrainPatch(height, cell, block=block), np.hypot(*np.meshgrid(middle, middle)) / 500.0


@settings(max_examples=20, deadline=None)
@given(edge=st.floats(0.0, 80.0), slope=st.floats(0.0, 90.0), aspect=st.floats(0.0, 360.0))
def test_sky_view_against_a_sum_over_the_sky(edge: float, slope: float, aspect: float) -> None:
    e, a = np.meshgrid(np.deg2rad(np.arange(0.25, 90.0, 0.5)), np.deg2rad(np.arange(0.5, 360.0)))
    tilt, turn = np.deg2rad(slope), np.deg2rad(aspect)
    cosine = np.maximum(np.cos(tilt) * np.sin(e) + np.sin(tilt) * np.cos(e) * np.cos(a - turn), 0.0)
    whole = (cosine * np.cos(e) * (np.rad2deg(e) > edge)).sum() * np.deg2rad(0.5) * np.deg2rad(1.0) / np.pi
    assert sky_view(np.full(360, edge), slope, aspect) == pytest.approx(whole, abs=0.012)


def test_closed_forms_of_the_sky_view() -> None:
    assert sky_view(np.zeros(8)) == pytest.approx(1.0)
    assert sky_view(np.full(90, 40.0)) == pytest.approx(np.cos(np.deg2rad(40.0)) ** 2)
    # A slope in a plain sees (1 + cos slope) / 2 of the sky.
    slopes = np.array([10.0, 30.0, 60.0, 90.0])
    np.testing.assert_allclose(sky_view(np.zeros(720), slopes), (1 + np.cos(np.deg2rad(slopes))) / 2, atol=1e-5)


def test_a_bowl_sees_itself_evenly() -> None:
    # In a sphere every element sees the same: the walls take 4 x^2 / (1 + 4 x^2), x being depth over diameter.
    errors = []
    for joined in (16, 32):
        patch, r = bowl(joined, 1)
        inside = r < 0.8
        errors.append(np.abs(patch.sky_view[inside] - 1 / 1.16).mean())
        assert patch.sky_view[inside].std() < 0.004
        np.testing.assert_allclose(
            sky_view(patch.horizon_deg, patch.slope_deg, patch.aspect_deg)[inside], 1 / 1.16, atol=0.02
        )
        assert np.abs(patch.sky_view[r > 1.15] - 1.0).max() < 1e-6
    assert errors[1] < 0.8 * errors[0]
    assert errors[1] < 0.01


def test_view_factors_are_reciprocal() -> None:
    rng = np.random.default_rng(2)
    patch = TerrainPatch(np.cumsum(np.cumsum(rng.normal(size=(12, 12)), 0), 1), 10.0)
    factor = patch.view_factor * patch.area_m2.ravel()[:, None]
    np.testing.assert_allclose(factor, factor.T, rtol=1e-4, atol=1e-6)
    assert patch.view_factor.sum(axis=1).max() <= 1.0 + 1e-5


def test_a_block_that_sends_evenly_is_seen_as_its_mean() -> None:
    patch, _ = bowl(12, 4)
    np.testing.assert_array_equal(patch.view_factor, patch.view_factor_of(np.full((48, 48), 7.0)))
    dark = patch.view_factor_of(np.zeros((48, 48)))
    np.testing.assert_array_equal(patch.view_factor, dark)
    with pytest.raises(InputError, match="per cell"):
        patch.view_factor_of(np.full((48, 48), np.nan))


def test_slope_aspect_and_the_turned_sun() -> None:
    x, y = np.meshgrid(np.arange(8.0), np.arange(8.0))
    falls_right = TerrainPatch(-x, 1.0)
    np.testing.assert_allclose(falls_right.slope_deg, 45.0)
    np.testing.assert_allclose(falls_right.aspect_deg % 360, 90.0)
    np.testing.assert_allclose(TerrainPatch(y, 1.0).aspect_deg % 360, 0.0, atol=1e-9)
    assert falls_right.horizon_deg[4, 6, 135] == pytest.approx(45.0, abs=1.5)
    # A Sun along the columns stands in the east of the patch: longitude 90 at its pole.
    turned = falls_right.turned(SunPath(np.asarray(falls_right.axes)[:1], np.ones(1), 1.0))
    np.testing.assert_allclose(turned.direction, [[0.0, 1.0, 0.0]], atol=1e-12)


def test_a_patch_of_terrain_stands_where_the_map_says(almanac: Almanac) -> None:
    terrain = Terrain.default("south")
    area = MapArea.about(-88.0, 40.0, 48e3, cell_m=1600.0)
    patch = TerrainPatch.of_terrain(terrain, area)
    assert patch.cell_m == pytest.approx(1600.0, rel=0.01)
    # The sea-level sphere falls away by d^2 / 2R from the middle: 80 m at 17 km, on top of the relief.
    up = np.asarray(patch.axes)[2]
    np.testing.assert_allclose(up, area.centre.position_m / np.linalg.norm(area.centre.position_m), atol=2e-3)
    path = SunPath.of(almanac, "2030-01-01", "2030-01-03", 12 * 3600.0)
    sun = almanac.sun(area.centre, path.start + np.array([6, 18, 30, 42]) * np.timedelta64(1, "h"))
    height = np.rad2deg(np.arcsin(patch.turned(path).direction[:, 2]))
    np.testing.assert_allclose(height, sun.elevation_deg, atol=0.1)


@pytest.mark.parametrize(
    ("height", "options", "said"),
    [
        (np.zeros((2, 5)), {}, "3 by 3"),
        (np.zeros((200, 200)), {}, "3 by 3"),
        (np.full((4, 4), np.nan), {}, "NaN"),
        (np.zeros((4, 4)), {"block": 3}, "divisor"),
        (np.zeros((4, 4)), {"axes": np.ones((3, 3))}, "right angles"),
    ],
)
def test_refusals(height: np.ndarray, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        TerrainPatch(height, 1.0, **options)  # type: ignore[arg-type]


def test_other_refusals() -> None:
    with pytest.raises(InputError):
        TerrainPatch(np.zeros((4, 4)), 0.0)
    x, y = np.meshgrid(np.arange(6.0) ** 2, -np.arange(6.0))
    with pytest.raises(InputError, match="uneven"):
        TerrainPatch.from_positions(np.stack([x, y, np.full_like(x, 1e6)], axis=2))
    with pytest.raises(InputError, match="finite"):
        TerrainPatch.from_positions(np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match="horizon_deg"):
        sky_view([0.0, np.nan, 0.0, 0.0])
    with pytest.raises(InputError, match="0 to 90"):
        sky_view(np.zeros(8), 91.0)
    with pytest.raises(InputError, match="shapes"):
        sky_view(np.zeros((3, 8)), np.zeros(2))
