"""Slope and roughness against closed forms on the sphere, white noise and heights of a second kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain import Terrain
from moonpost.terrain.area import MapArea
from moonpost.terrain.rasters import height_map
from moonpost.terrain.slopes import deviogram, plane_fit, roughness, slope


def heights(area: MapArea, values):
    return area.array(values, name="height_m", units="m", long_name="height", source="closed form")


def angle_from(area: MapArea, latitude_deg: float, longitude_deg: float):
    """Angle on the sphere from a place [rad], exact for small angles too."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    place = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return 2.0 * np.arcsin(np.linalg.norm(area.directions() - place, axis=-1) / 2.0)


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(-90.0, 0.0), (-75.0, 40.0), (85.0, 200.0), (30.0, -120.0), (0.0, 179.9)]
)
@pytest.mark.parametrize("baseline_m", [None, 800.0, 2000.0])
def test_a_cone_on_the_sphere_has_one_slope_whatever_the_map(latitude, longitude, baseline_m):
    """Height in proportion to the distance along the ground: its slope does not know the map's scale."""
    area = MapArea.about(latitude, longitude, 20e3, cell_m=200.0)
    tip = area.centre
    apex = (tip.latitude_deg + (2.0 if tip.latitude_deg < 0 else -2.0), tip.longitude_deg)
    cone = heights(area, 0.2 * MOON_RADIUS_M * angle_from(area, *apex))
    found = slope(cone, baseline_m=baseline_m)
    inner = found.values[10:-10, 10:-10]
    assert inner == pytest.approx(np.degrees(np.arctan(0.2)), abs=2e-3)
    assert np.ptp(inner) < 2e-3


def test_the_scale_of_the_map_is_taken_into_account():
    """At 70 degrees of latitude map lengths are 3.1 percent long: without the scale slopes come out too small."""
    area = MapArea.about(-70.0, 0.0, 20e3, cell_m=200.0)
    cone = heights(area, 0.3 * MOON_RADIUS_M * angle_from(area, -72.0, 0.0))
    down, right = np.gradient(cone.values, area.cell_m)
    wrong = np.degrees(np.arctan(np.hypot(down, right)))[50, 50]
    assert slope(cone).values[50, 50] == pytest.approx(np.degrees(np.arctan(0.3)), abs=1e-3)
    assert wrong < np.degrees(np.arctan(0.3)) - 0.4


def test_equals_the_slope_of_single_points_on_a_smooth_file(dems, tmp_path):
    """`Terrain.slope_deg` goes east, west, north and south on the sphere: another way to the same number."""
    n, cell = 120, 100.0
    y, x = np.mgrid[0:n, 0:n] * cell
    wavy = 300.0 * np.sin(x / 3000.0) * np.cos(y / 2500.0) + 0.05 * x
    path = dems.write(tmp_path / "wavy.tif", wavy.astype("f4"), crs=dems.SOUTH, left=200e3, top=-100e3, cell=cell)
    terrain = Terrain.open(path)
    area = MapArea.of_layer(terrain.layers[0])
    found = slope(height_map(terrain, area))
    for row, col in ((30, 30), (60, 75), (90, 20), (45, 100)):
        latitude, longitude = (float(part[0, 0]) for part in area.places(slice(row, row + 1), slice(col, col + 1)))
        point = terrain.slope_deg(latitude, longitude, baseline_m=2 * cell)
        assert float(found[row, col]) == pytest.approx(point, abs=0.03)


def test_horn_is_the_textbook_formula_on_a_rough_patch():
    rng = np.random.default_rng(1)
    area = MapArea.about(0.0, 0.0, 700.0, cell_m=100.0)
    z = rng.normal(0.0, 20.0, area.shape)
    a, b, c, d, _, f, g, h, i = z[2:5, 1:4].ravel()
    ground = area.cell_m / float(area.scale(*(part[3, 2] for part in area.places())))
    across = ((c + 2 * f + i) - (a + 2 * d + g)) / (8.0 * ground)
    down = ((g + 2 * h + i) - (a + 2 * b + c)) / (8.0 * ground)
    expected = np.degrees(np.arctan(np.hypot(across, down)))
    assert float(slope(heights(area, z))[3, 2]) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([3, 5, 9]))
def test_the_plane_of_a_quadratic_is_its_tangent_in_the_middle(right, up, bend_x, bend_y, cells):
    row, col = np.mgrid[0:15, 0:15]
    x, y = col - 7.0, 7.0 - row
    z = 1234.0 + right * x + up * y + bend_x * x**2 + bend_y * y**2
    a, b, _ = plane_fit(z, cells)
    assert a[7, 7] == pytest.approx(right, abs=1e-8)
    assert b[7, 7] == pytest.approx(up, abs=1e-8)


def test_the_plane_is_that_of_a_general_least_squares_solver():
    rng = np.random.default_rng(3)
    z = rng.normal(5000.0, 40.0, (11, 11))
    a, b, residual = plane_fit(z, 7)
    row, col = np.mgrid[0:7, 0:7]
    design = np.column_stack([np.ones(49), col.ravel(), -row.ravel()])
    solution, square, *_ = np.linalg.lstsq(design, z[2:9, 2:9].ravel(), rcond=None)
    assert [a[5, 5], b[5, 5]] == pytest.approx(solution[1:], rel=1e-9)
    assert residual[5, 5] == pytest.approx(np.sqrt(square[0] / 46.0), rel=1e-7)


def test_roughness_of_white_noise_is_its_deviation_on_any_slope_and_baseline():
    rng = np.random.default_rng(2)
    area = MapArea.about(-85.0, 0.0, 30e3, cell_m=100.0)
    ramp = 0.4 * area.x_m + 0.1 * area.y_m[:, None]
    z = heights(area, ramp + rng.normal(0.0, 3.0, area.shape))
    for baseline_m in (200.0, 400.0, 1000.0):
        found = roughness(z, baseline_m=baseline_m).values
        assert np.sqrt(np.nanmean(found**2)) == pytest.approx(3.0, rel=0.02)
    assert np.nanmax(roughness(heights(area, ramp)).values) < 1e-3


def test_missing_heights_spread_no_farther_than_the_square():
    area = MapArea.about(0.0, 0.0, 1100.0, cell_m=100.0)
    z = np.zeros(area.shape)
    z[5, 5] = np.nan
    for baseline_m, reach in ((None, 1), (400.0, 2)):
        found = np.isnan(slope(heights(area, z), baseline_m=baseline_m).values)
        expected = np.ones(area.shape, bool)
        expected[reach:-reach, reach:-reach] = False
        expected[5 - reach : 6 + reach, 5 - reach : 6 + reach] = True
        assert np.array_equal(found, expected)
    assert np.isnan(roughness(heights(area, z)).values[4:7, 4:7]).all()


@pytest.mark.parametrize("exponent", [0.5, 0.8])
def test_the_deviogram_finds_the_exponent_of_a_fractal_surface(exponent):
    """A surface made in frequency space with power falling as f^-(2H + 2) has Hurst exponent H."""
    rng = np.random.default_rng(5)
    n = 512
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n)))
    f[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(size=(n, n))) * f ** -(exponent + 1.0)
    area = MapArea.about(0.0, 0.0, n * 20.0, cell_m=20.0)
    z = heights(area, np.fft.ifft2(spectrum).real)
    found = deviogram(z, lags_m=[40.0, 80.0, 160.0, 320.0, 640.0])
    assert found.attrs["hurst"] == pytest.approx(exponent, abs=0.08)


def test_the_deviogram_of_a_ramp_is_its_slope_and_no_differential_slope():
    area = MapArea.about(0.0, 0.0, 6400.0, cell_m=100.0)
    found = deviogram(heights(area, 0.1 * area.x_m + 0.1 * area.y_m[:, None]))
    assert found["median_slope_deg"].values == pytest.approx(np.degrees(np.arctan(0.1)), abs=1e-2)
    assert found["median_differential_slope_deg"].values == pytest.approx(0.0, abs=1e-6)
    assert found["rms_deviation_m"].values == pytest.approx(0.1 * found["lag_m"].values, rel=1e-3)


def test_the_walls_of_shackleton_lie_near_the_angle_of_repose(moonpost_data):
    """Loose ground comes to rest at 30 to 37 degrees; the walls are nowhere near flat, nor steeper than that."""
    terrain = Terrain.open(moonpost_data / "dem" / "shackleton_51km_200m.tif")
    area = MapArea.about(-89.655, 129.2, 24e3, cell_m=200.0)
    found = slope(height_map(terrain, area))
    from_middle = MOON_RADIUS_M * angle_from(area, -89.655, 129.2)
    wall = found.values[(from_middle > 4.5e3) & (from_middle < 9.0e3)]
    assert 28.0 < float(np.nanmedian(wall)) < 37.0
    assert float(np.nanpercentile(wall, 99)) < 40.0


@pytest.mark.parametrize("baseline_m", [0.0, -5.0, np.nan, np.inf, 40.0, 1e6, "long"])
def test_refuses_baselines_of_no_use(baseline_m):
    area = MapArea.about(0.0, 0.0, 1100.0, cell_m=100.0)
    with pytest.raises(InputError, match="baseline_m"):
        slope(heights(area, np.zeros(area.shape)), baseline_m=baseline_m)


def test_refuses_what_is_no_map_of_heights():
    area = MapArea.about(0.0, 0.0, 1100.0, cell_m=100.0)
    flat = heights(area, np.zeros(area.shape))
    with pytest.raises(InputError, match="map grid"):
        slope(flat.drop_attrs())
    with pytest.raises(InputError, match="infinity"):
        slope(flat + np.where(np.arange(11) == 3, np.inf, 0.0) * np.ones((11, 1)))
    with pytest.raises(InputError, match="odd"):
        plane_fit(np.zeros((9, 9)), 4)
    with pytest.raises(InputError, match="lags_m"):
        deviogram(flat, lags_m=[100.0, 200.0])
