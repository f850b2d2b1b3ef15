"""The way to a safe haven: against a graph solver, straight lines, barriers and ramps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from moonpost.errors import InputError
from moonpost.terrain.area import MapArea
from moonpost.terrain.haven import haven_distance, mast_gain, safe_haven
from moonpost.terrain.slopes import ground_cells_m, slope

AREA = MapArea.about(0.0, 0.0, 10_100.0, cell_m=100.0)


def heights(values, area=AREA):
    return area.array(values, name="height_m", units="m", long_name="height", source="made up")


def havens(*cells, area=AREA):
    values = np.zeros(area.shape)
    for cell in cells:
        values[cell] = 1.0
    return area.array(values, name="haven", units="1", long_name="haven", source="made up")


def test_open_ground_is_crossed_nearly_straight():
    """16 directions: never shorter than the straight line, at most 1 / cos(13.3 deg) = 2.8 percent longer."""
    found = haven_distance(heights(np.zeros(AREA.shape)), havens((50, 50)))["haven_distance_m"].values
    row, col = np.indices(AREA.shape)
    straight = 100.0 * np.hypot(row - 50, col - 50)
    ratio = found[1:-1, 1:-1] / np.maximum(straight, 1.0)[1:-1, 1:-1]
    away = straight[1:-1, 1:-1] > 0
    assert ratio[away].min() > 0.999
    assert ratio[away].max() < 1.028
    assert found[50, 50] == 0.0
    assert np.isnan(found[0]).all(), "no slope is known along the rim"


def test_equals_a_general_solver_on_rough_ground():
    """Against scipy's Dijkstra on the same steps, put together in another way."""
    area = MapArea.about(-88.0, 30.0, 3000.0, cell_m=100.0)
    rng = np.random.default_rng(3)
    z = 400.0 * gaussian_filter(rng.standard_normal(area.shape), 2)
    height, haven = heights(z, area), havens((3, 4), (25, 20), area=area)
    found = haven_distance(height, haven, slope_limit_deg=20.0)
    drivable = np.nan_to_num(slope(height).values, nan=90.0) <= 20.0
    assert 0.4 < drivable.mean() < 0.95
    ground, n = ground_cells_m(height), area.shape[0]
    rows, cols, costs = [], [], []
    moves = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if {abs(i), abs(j)} in ({0, 1}, {1}, {1, 2})]
    assert len(moves) == 16
    for i, j in np.argwhere(drivable):
        for down, across in moves:
            m, k = i + down, j + across
            if not (0 <= m < n and 0 <= k < n and drivable[m, k]):
                continue
            # Cells that the segment between the two centres passes within, by fine steps along it.
            line = np.linspace(0.01, 0.99, 99)[:, None] * (down, across)
            if abs(down) == abs(across):
                touched = {(i + down, j), (i, j + across)}
            else:
                touched = {(i + round(a), j + round(b)) for a, b in line}
            if all(drivable[cell] for cell in touched):
                level = 0.5 * (ground[i, j] + ground[m, k]) * np.hypot(down, across)
                rows.append(i * n + j)
                cols.append(m * n + k)
                costs.append(np.hypot(level, z[m, k] - z[i, j]))
    graph = coo_matrix((costs, (rows, cols)), shape=(n * n, n * n)).tocsr()
    sources = [cell for cell in (3 * n + 4, 25 * n + 20) if drivable.ravel()[cell]]
    expected = dijkstra(graph, indices=sources, min_only=True).reshape(n, n)
    expected[np.isinf(expected)] = np.nan
    assert found["haven_distance_m"].values == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_a_wall_is_gone_round_and_a_ring_cuts_off():
    z = np.zeros(AREA.shape)
    z[:80, 50] = 500.0
    found = haven_distance(heights(z), havens((50, 30)))["haven_distance_m"].values
    assert found[50, 70] > 100.0 * (2 * np.hypot(32, 20) - 5)
    assert np.isnan(found[50, 50])
    ring = np.zeros(AREA.shape)
    row, col = np.indices(AREA.shape)
    away = np.hypot(row - 50, col - 50)
    ring[(away > 20) & (away < 22)] = 500.0
    found = haven_distance(heights(ring), havens((50, 50)))
    assert np.isnan(found["haven_distance_m"].values[5, 5])
    assert np.isnan(found["haven_time_h"].values[5, 5])
    assert np.isnan(found["haven_latitude_deg"].values[5, 5])
    assert found["haven_distance_m"].values[50, 60] == pytest.approx(1000.0)


def test_a_thin_diagonal_wall_has_no_gap_at_its_corners():
    steep = np.zeros(AREA.shape)
    np.fill_diagonal(steep, 300.0)
    found = haven_distance(heights(steep), havens((20, 80)))["haven_distance_m"].values
    assert np.isfinite(found[30, 70])
    assert np.isnan(found[80, 20])


def test_lengths_count_the_rise_and_time_is_length_over_speed():
    ramp = heights(0.2 * AREA.x_m + np.zeros(AREA.shape))
    found = haven_distance(ramp, havens((50, 50)), speed_m_s=0.25)
    east, north = found["haven_distance_m"].values[50, 80], found["haven_distance_m"].values[20, 50]
    assert east == pytest.approx(3000.0 * np.hypot(1.0, 0.2), rel=1e-4)
    assert north == pytest.approx(3000.0, rel=1e-4)
    assert found["haven_time_h"].values[20, 50] == pytest.approx(north / 0.25 / 3600.0)
    assert haven_distance(ramp, havens((50, 50)), slope_limit_deg=11.0)["haven_distance_m"].isnull().all()


def test_lengths_are_those_on_the_ground_of_a_map_off_its_middle():
    area = MapArea.about(-70.0, 0.0, 5000.0, cell_m=100.0)
    found = haven_distance(heights(np.zeros(area.shape), area), havens((25, 10), area=area))
    scale = float(area.scale(-70.0, 0.0))
    assert scale > 1.03
    assert float(found["haven_distance_m"][25, 40]) == pytest.approx(3000.0 / scale, rel=1e-4)


def test_the_nearest_of_several_havens_is_named():
    found = haven_distance(heights(np.zeros(AREA.shape)), havens((20, 20), (80, 80)))
    latitude, longitude = (part for part in AREA.places())
    assert float(found["haven_latitude_deg"][30, 30]) == pytest.approx(latitude[20, 20])
    assert float(found["haven_longitude_deg"][70, 75]) == pytest.approx(longitude[80, 80])


def test_havens_keep_every_limit_given():
    about = {"long_name": "x", "source": "made up"}
    area = MapArea.about(0.0, 0.0, 400.0, 100.0, cell_m=100.0)
    dark = area.array([[1.0, 5.0, 1.0, np.nan]], name="longest_dark_d", units="d", **about)
    light = area.array([[0.9, 0.9, 0.2, 0.9]], name="average_illumination", units="1", **about)
    both = safe_haven(
        longest_dark_d=dark, average_illumination=light, longest_dark_limit_d=3.0, average_illumination_limit=0.8
    )
    assert both.values.tolist()[0][:3] == [1.0, 0.0, 0.0]
    assert np.isnan(both.values[0, 3])
    assert "3 d" in both.attrs["rule"]
    assert safe_haven(longest_dark_d=dark, longest_dark_limit_d=5.0).values[0, 1] == 1.0
    with pytest.raises(InputError, match="no limit"):
        safe_haven(longest_dark_d=dark)
    with pytest.raises(InputError, match="without a map"):
        safe_haven(longest_dark_limit_d=3.0)


@pytest.mark.parametrize("wrong", [{"speed_m_s": 0.0}, {"slope_limit_deg": np.nan}, {"baseline_m": 50.0}])
def test_refuses_rovers_of_no_use(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        haven_distance(heights(np.zeros(AREA.shape)), havens((50, 50)), **wrong)


def test_refuses_maps_of_two_areas():
    other = MapArea.about(0.0, 0.1, 10_100.0, cell_m=100.0)
    with pytest.raises(InputError, match="different grids"):
        haven_distance(heights(np.zeros(AREA.shape)), havens((50, 50), area=other))


def test_gain_of_masts():
    area = MapArea.about(-90.0, 0.0, 200.0, cell_m=100.0)
    cube = np.stack([np.full(area.shape, value) for value in (0.5, 0.6, 0.9)])
    light = area.array(
        cube,
        name="average_illumination",
        units="1",
        long_name="light",
        source="made up",
        dims=("mast", "y", "x"),
        coords={"mast": [0.0, 2.0, 10.0]},
    )
    gain = mast_gain(light)
    assert gain["mast"].values.tolist() == [2.0, 10.0]
    assert gain.sel(mast=10.0).values == pytest.approx(0.4)
    assert gain.name == "average_illumination_gain"
    assert mast_gain(light, lower_m=2.0).sel(mast=0.0).values == pytest.approx(-0.1)
    with pytest.raises(InputError, match="lower_m"):
        mast_gain(light, lower_m=3.0)
    with pytest.raises(InputError, match="two masts"):
        mast_gain(light.isel(mast=[0]))
