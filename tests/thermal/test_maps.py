"""Maps of ground: against single columns, symmetries, refinement and refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.sky import Almanac, Site, times
from moonpost.terrain import HorizonProfile, illumination
from moonpost.thermal import HAYNE_2017, Grid, SunPath, regolith, regolith_map, site_temperature

DAY = SunPath.lunar_day(steps=240)


def test_a_map_gives_what_single_columns_give() -> None:
    latitudes = np.array([[0.0, 30.0, -60.0], [75.0, 85.0, -20.0]])
    found = regolith_map(DAY, latitudes, series=True)
    assert found.surface_min_k.shape == (2, 3)
    assert found.mean_k.shape == (2, 3, len(found.depth_m))
    assert found.heat_residual_w_m2 < 1e-9
    for place in np.ndindex(latitudes.shape):
        alone = regolith(float(latitudes[place]), steps=240)
        # The map knows the Sun as a disc, the single column as a point: a first glimpse sooner at sunrise.
        assert found.surface_min_k[place] == pytest.approx(alone.surface_k.min(), abs=0.15)
        assert found.surface_mean_k[place] == pytest.approx(alone.surface_k.mean(), abs=0.1)
        assert found.mean_at_k(0.83)[place] == pytest.approx(alone.columns.mean_at_k(0.83)[0], abs=0.1)
        assert found.surface_k is not None
        assert np.argmin(found.surface_k[place]) == found.coldest_step[place]
        assert found.surface_k[place].max() == pytest.approx(found.surface_max_k[place], abs=1e-4)


def test_under_a_real_horizon(almanac: Almanac) -> None:
    rng = np.random.default_rng(4)
    azimuth = np.arange(360.0)
    shape = sum(rng.normal() * np.cos(np.deg2rad(k * azimuth + rng.uniform(0, 360))) / k for k in range(1, 8))
    site = Site(-88.8, 120.0)
    profile = HorizonProfile(azimuth, 1.0 * shape, np.zeros(360), site, 0.0, "screening", {})
    path = SunPath.of(almanac, "2030-01-01", "2030-12-21T08:00", 3 * 3600.0)
    middle = times("2030-01-01T01:30", "2030-12-21T08:00", 3 * 3600.0)
    sun = almanac.sun(site, middle)
    alone = site_temperature(sun, illumination(profile, sun), background_w_m2=0.3)
    found = regolith_map(
        path, site.latitude_deg, site.longitude_deg, horizon_deg=profile.elevation_deg, background_w_m2=0.3
    )
    assert float(found.surface_mean_k) == pytest.approx(alone.surface_k.mean(), abs=0.5)
    assert float(found.surface_min_k) == pytest.approx(alone.surface_k.min(), abs=0.5)
    assert float(found.surface_max_k) == pytest.approx(alone.surface_k.max(), abs=1.0)


@settings(max_examples=5, deadline=None)
@given(latitude=st.floats(5.0, 60.0), east=st.floats(-180.0, 180.0))
def test_a_slope_that_faces_the_equator_is_a_place_at_the_equator(latitude: float, east: float) -> None:
    level = regolith_map(DAY, 0.0, east)
    tilted = regolith_map(DAY, [latitude, -latitude], east, slope_deg=latitude, aspect_deg=[180.0, 0.0])
    np.testing.assert_allclose(tilted.surface_max_k, level.surface_max_k, atol=0.01)
    # The disc sets aslant over the edge of the slope: some of it is seen longer.
    np.testing.assert_allclose(tilted.surface_min_k, level.surface_min_k, atol=0.15)


def test_slopes_east_and_west_are_each_others_mirror() -> None:
    found = regolith_map(DAY, [40.0, 40.0], slope_deg=15.0, aspect_deg=[90.0, 270.0])
    assert found.absorbed_w_m2[0] == pytest.approx(found.absorbed_w_m2[1], rel=1e-9)
    assert found.warmest_step[0] < 120 < found.warmest_step[1]


def test_neighbours_threads_and_filled_blocks_change_nothing() -> None:
    rng = np.random.default_rng(1)
    latitude, slope, aspect = rng.uniform(-80, 80, 70), rng.uniform(0, 30, 70), rng.uniform(0, 360, 70)
    horizon = rng.uniform(0.0, 15.0, (70, 12))
    options = {"background_w_m2": 0.5, "workers": 1}
    whole = regolith_map(DAY, latitude, horizon_deg=horizon, slope_deg=slope, aspect_deg=aspect, **options)
    threads = regolith_map(
        DAY, latitude, horizon_deg=horizon, slope_deg=slope, aspect_deg=aspect, background_w_m2=0.5, workers=2
    )
    np.testing.assert_array_equal(whole.surface_min_k, threads.surface_min_k)
    np.testing.assert_array_equal(whole.mean_k, threads.mean_k)
    for i in (0, 33, 69):
        one = regolith_map(
            DAY, latitude[i], horizon_deg=horizon[i], slope_deg=slope[i], aspect_deg=aspect[i], **options
        )
        assert float(one.surface_min_k) == pytest.approx(whole.surface_min_k[i], abs=0.01)
        assert float(one.surface_mean_k) == pytest.approx(whole.surface_mean_k[i], abs=0.01)


def test_properties_of_each_cell() -> None:
    found = regolith_map(
        DAY,
        np.full(5, 20.0),
        albedo=[0.12, 0.06, 0.12, 0.12, 0.12],
        scale_height_m=[0.06, 0.06, 0.02, 0.06, 0.06],
        conductivity_factor=[1.0, 1.0, 1.0, 30.0, 1.0],
        emissivity=[0.95, 0.95, 0.95, 0.95, 0.9],
    )
    changed = [
        dataclasses.replace(HAYNE_2017, albedo=0.06),
        dataclasses.replace(HAYNE_2017, scale_height_m=0.02),
        dataclasses.replace(
            HAYNE_2017, surface_conductivity_w_m_k=30 * 7.4e-4, deep_conductivity_w_m_k=30 * 3.4e-3
        ),
        dataclasses.replace(HAYNE_2017, emissivity=0.9),
    ]
    for i, properties in enumerate(changed, start=1):
        alone = regolith_map(DAY, 20.0, properties=properties)
        assert found.surface_min_k[i] == pytest.approx(float(alone.surface_min_k), abs=0.01)
        assert abs(found.surface_min_k[i] - found.surface_min_k[0]) > 0.3


def test_background_of_each_step() -> None:
    steady = regolith_map(DAY, [10.0, 50.0], background_w_m2=2.0)
    given = regolith_map(DAY, [10.0, 50.0], background_w_m2=np.full((2, 240), 2.0))
    np.testing.assert_array_equal(steady.surface_min_k, given.surface_min_k)
    night = np.where(np.abs(np.arange(240) - 119.5) > 60, 2.0, 0.0)
    warmer = regolith_map(DAY, [10.0, 50.0], background_w_m2=np.stack([night, night]))
    plain = regolith_map(DAY, [10.0, 50.0])
    assert (warmer.surface_min_k > plain.surface_min_k + 4).all()
    np.testing.assert_allclose(warmer.surface_max_k, plain.surface_max_k, atol=0.3)


def test_step_and_grid_refinement_converge() -> None:
    latitudes = [0.0, 60.0, 85.0]

    def key(steps: int, grid: Grid) -> np.ndarray:
        found = regolith_map(SunPath.lunar_day(steps), latitudes, grid=grid, workers=1)
        return np.stack([found.surface_min_k, found.surface_max_k, found.surface_mean_k, found.mean_at_k(0.83)])

    fine = Grid.growing(0.002, 0.08)
    reference = key(2880, fine)
    steps = [np.abs(key(n, fine) - reference).max() for n in (180, 360, 720)]
    assert steps[0] > 1.6 * steps[1] > 1.6**2 * steps[2]
    assert steps[2] < 0.25
    cells = [np.abs(key(2880, Grid.growing(first, 0.2)) - reference).max() for first in (0.016, 0.008, 0.004)]
    assert cells[0] > cells[1] > cells[2]
    assert cells[2] < 0.15


def test_a_place_that_is_lit_by_nothing_is_refused() -> None:
    wall = np.zeros((2, 8))
    wall[1] = 89.0
    with pytest.raises(InputError, match=r"cell \(1,\) absorbs nothing .*permanent shadow"):
        regolith_map(DAY, [80.0, 80.0], horizon_deg=wall)
    found = regolith_map(DAY, [80.0, 80.0], horizon_deg=wall, background_w_m2=[0.0, 0.2])
    # Steady: emissivity sigma T^4 = background + geothermal.
    assert found.surface_mean_k[1] == pytest.approx((0.218 / (0.95 * 5.670374419e-8)) ** 0.25, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"latitude_deg": [91.0]}, "outside -90 to 90"),
        ({"latitude_deg": [np.nan]}, "NaN"),
        ({"latitude_deg": ["a"]}, "not numbers"),
        ({"latitude_deg": []}, "no cells"),
        ({"latitude_deg": [0.0, 1.0], "slope_deg": [1.0, 2.0, 3.0]}, "do not fit"),
        ({"latitude_deg": 0.0, "horizon_deg": [1.0]}, "fewer than 4"),
        ({"latitude_deg": 0.0, "horizon_deg": [0.0, 1.0, np.nan, 2.0]}, "NaN or beyond"),
        ({"latitude_deg": 0.0, "background_w_m2": -1.0}, "negative"),
        ({"latitude_deg": [0.0, 1.0], "background_w_m2": np.ones(3)}, "fits neither"),
        ({"latitude_deg": 0.0, "albedo": 1.5}, "outside 0 to 0.6"),
    ],
)
def test_refusals(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        regolith_map(DAY, **options)  # type: ignore[arg-type]


def test_other_refusals() -> None:
    with pytest.raises(ModelError, match="not in balance"):
        regolith_map(DAY, np.zeros(100), most_cycles=2, workers=2)
    with pytest.raises(InputError, match="deeper grid"):
        regolith_map(DAY, 0.0).mean_at_k(99.0)
