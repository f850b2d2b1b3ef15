"""Ground that lights and warms itself: the closed form of a bowl, limits, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError, ModelError
from moonpost.thermal import (
    SunPath,
    TerrainPatch,
    bowl_shadow,
    hemispherical_albedo,
    patch_balance_k,
    patch_ground,
    regolith_map,
)

SIGMA = 5.670374419e-8


def bowl(joined: int, block: int) -> tuple[TerrainPatch, np.ndarray]:
    """A spherical bowl a fifth as deep as wide, and the distance of its joined cells from the middle [radii]."""
    cell = 1100.0 / joined / block
    side = (np.arange(joined * block) + 0.5) * cell - 550.0
    r = np.hypot(*np.meshgrid(side, side))
    height = np.where(r < 500.0, 525.0 - np.sqrt(np.maximum(725.0**2 - r**2, 0.0)), 0.0)
    middle = side.reshape(joined, block).mean(axis=1)
    return TerrainPatch(height, cell, block=block), np.hypot(*np.meshgrid(middle, middle)) / 500.0


def direction(patch: TerrainPatch, elevation_deg: float) -> np.ndarray:
    e = np.deg2rad(elevation_deg)
    return np.asarray(patch.axes).T @ np.array([np.cos(e), 0.0, np.sin(e)])


@pytest.mark.parametrize(("elevation_deg", "tolerance_k"), [(1.5, 4.0), (5.0, 2.0), (10.0, 1.5)])
def test_the_shadow_of_a_bowl(elevation_deg: float, tolerance_k: float) -> None:
    """All shadow in a bowl has one temperature (Ingersoll et al. 1992); what is left is the size of the cells."""
    exact = bowl_shadow(elevation_deg, 0.2).temperature_k
    errors = []
    for joined, block in ((16, 4), (24, 8)):
        patch, r = bowl(joined, block)
        found = patch_balance_k(patch, direction(patch, elevation_deg))
        # The far half of the floor lies in shadow at these elevations, except near the rim.
        along = (np.arange(joined) + 0.5)[None, :] / joined * 2.2 - 1.1
        dark = (r < 0.7) & (along > 0.0)
        errors.append(abs(found[dark].mean() - exact))
        assert found[dark].std() < 0.02 * exact
    assert errors[1] < errors[0]
    assert errors[1] < tolerance_k


def test_bowl_limits() -> None:
    shallow, deep = bowl_shadow(1.0, 0.1), bowl_shadow(1.0, 0.2)
    # "The lowest temperatures are for the shallowest crater", says the paper's abstract.
    assert shallow.temperature_k < deep.temperature_k
    assert shallow.sky_view > deep.sky_view
    black = bowl_shadow(3.0, 0.25, albedo=0.0, emissivity=1.0)
    assert black.scattered_w_m2 == 0.0
    # Black walls: f of the mean of what the bowl takes in, S sin e (1 - f), shared among all that emit.
    assert SIGMA * black.temperature_k**4 == pytest.approx(0.2 * 1361.0 * np.sin(np.deg2rad(3.0)))
    for bad in (
        {"sun_elevation_deg": 60.0, "depth_to_diameter": 0.2},
        {"sun_elevation_deg": 0.0, "depth_to_diameter": 0.2},
        {"sun_elevation_deg": 1.0, "depth_to_diameter": 0.7},
        {"sun_elevation_deg": 1.0, "depth_to_diameter": 0.2, "albedo": 1.0},
        {"sun_elevation_deg": 1.0, "depth_to_diameter": 0.2, "irradiance_w_m2": np.nan},
    ):
        with pytest.raises(InputError):
            bowl_shadow(**bad)


def test_diffuse_albedo() -> None:
    from moonpost.thermal import RegolithProperties

    assert hemispherical_albedo(RegolithProperties(albedo_45=0.0, albedo_90=0.0)) == pytest.approx(0.12)
    assert 0.12 < hemispherical_albedo() < 0.3


def test_a_plain_is_a_map_without_terrain() -> None:
    plain = TerrainPatch(np.zeros((4, 4)), 10.0)
    day = SunPath.lunar_day(steps=96, declination_deg=-1.5)
    found = patch_ground(plain, day)
    alone = regolith_map(day, -90.0)
    np.testing.assert_allclose(found.ground.surface_mean_k, float(alone.surface_mean_k), atol=0.05)
    assert found.infrared_w_m2.max() == 0.0
    assert found.rounds == 2
    assert found.ground.surface_k is None
    assert not found.permanent_shadow.any()


def test_the_floor_of_a_polar_bowl() -> None:
    patch, r = bowl(16, 4)
    day = SunPath.lunar_day(steps=48, declination_deg=-1.5)
    found = patch_ground(patch, day, series=True)
    floor = r < 0.5
    assert found.permanent_shadow[floor].all()
    surface = found.ground.surface_k
    assert surface is not None
    assert surface.shape == (16, 16, 48)
    # A Sun that circles at one elevation: the balance of the bowl, but for the albedo that rises at grazing light.
    means = found.ground.surface_mean_k[floor]
    assert 85.0 < means.mean() < 105.0
    # What a shadowed cell emits is what it gets, and the heat of the interior.
    emitted = 0.95 * SIGMA * (surface[floor].astype(float) ** 4).mean(axis=1)
    np.testing.assert_allclose(emitted, (found.scattered_w_m2 + found.infrared_w_m2)[floor] + 0.018, rtol=2e-3)
    assert (found.infrared_w_m2[floor] > 3 * found.scattered_w_m2[floor]).all()
    assert found.change_k < 0.05


def test_cells_that_see_no_lit_ground_are_not_told() -> None:
    # A dome and a low Sun from one side: the far side is dark, and sees nothing but sky.
    x, y = np.meshgrid(np.arange(16.0), np.arange(16.0))
    patch = TerrainPatch(-0.02 * ((x - 7.5) ** 2 + (y - 7.5) ** 2), 1.0)
    sun = SunPath(np.tile(direction(patch, 3.0), (24, 1)), np.ones(24), 3600.0)
    found = patch_ground(patch, sun, series=True)
    unknown = np.isnan(found.ground.surface_mean_k)
    assert found.ground.surface_k is not None
    assert 0.2 < unknown.mean() < 0.6
    assert found.permanent_shadow[unknown].all()
    assert np.isnan(found.ground.surface_k[unknown]).all()
    assert np.isnan(found.ground.mean_at_k(0.5)[unknown]).all()
    assert (found.ground.surface_min_k[~unknown] > 24.0).all()


def test_refusals() -> None:
    patch, _ = bowl(8, 1)
    night = SunPath.lunar_day(steps=24, declination_deg=5.0)
    with pytest.raises(InputError, match="no cell of the patch"):
        patch_ground(patch, night)
    with pytest.raises(InputError, match="background_w_m2"):
        patch_ground(patch, night, background_w_m2=np.nan)
    with pytest.raises(ModelError, match="rounds"):
        patch_ground(patch, SunPath.lunar_day(steps=24, declination_deg=-1.5), most_rounds=1)
    with pytest.raises(InputError):
        patch_balance_k(patch, [0.0, 0.0, 2.0])
    with pytest.raises(InputError):
        patch_balance_k(patch, [0.0, 0.0, -1.0], albedo=1.0)
