"""Traverses over terrain: closed forms on made-up ground, the rim of Shackleton, files, and bad input."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from moonpost.errors import DataError, DateError, InputError, OutputError, TerrainError, UnknownNameError
from moonpost.sky import Almanac, Site
from moonpost.terrain import Terrain
from moonpost.terrain.area import MapArea
from moonpost.terrain.traverse import plan_traverse
from moonpost.terrain.traversecheck import Slack, check_traverse
from moonpost.terrain.traverseground import Ground, traverse_area
from moonpost.terrain.traverselimits import Limits
from moonpost.terrain.traverseresult import COLUMNS, Traverse
from moonpost.terrain.traverserover import ROVERS, Rover, rover_named

DARK = Limits(least_disc=0.0)
CELL = 40.0
COUNT = 60
STRONG = Rover("strong", battery_wh=1e6, speed_m_s=0.2, max_slope_deg=25.0, max_cross_deg=25.0)


def ground_file(dems: ModuleType, folder: Path, heights: np.ndarray) -> Terrain:
    """Terrain of 40 m cells some kilometres from the south pole, its corner on the map at (6000, 12000)."""
    path = folder / "ground.tif"
    dems.write(path, heights.astype(np.float32), crs=dems.SOUTH, left=6000.0, top=12000.0, cell=CELL)
    return Terrain.open(path)


def place(row: float, col: float) -> tuple[float, float]:
    """Latitude and longitude of a cell of that terrain."""
    area = MapArea.about(-90.0, 0.0, 200.0, cell_m=CELL)
    x, y = 6000.0 + (col + 0.5) * CELL, 12000.0 - (row + 0.5) * CELL
    latitude, longitude = MapArea(area.wkt, [x], [y], CELL).places()
    return float(latitude[0, 0]), float(longitude[0, 0])


def drive(terrain: Terrain, almanac: Almanac, ends: Any, **options: Any) -> Traverse:
    wanted = {"days": 4, "azimuths": 72, "margin_m": 80.0, "limits": DARK, "rover": STRONG, **options}
    return plan_traverse(terrain, almanac, *ends, "2030-01-03", **wanted)


@pytest.mark.parametrize(("moves", "most"), [(8, 1.0824), (16, 1.0275)])
@pytest.mark.parametrize("goal", [(5, 50), (30, 50), (50, 50), (20, 25), (29, 45)])
def test_a_plane_is_crossed_in_nearly_a_straight_line(
    dems: ModuleType, tmp_path: Path, almanac: Almanac, goal: tuple[int, int], moves: int, most: float
) -> None:
    """At most 8.24 (8 headings) and 2.75 percent (16) longer: 1 over the cosine of half the widest gap in headings
    taken with the detour along both."""
    terrain = ground_file(dems, tmp_path, np.zeros((COUNT, COUNT)))
    found = drive(terrain, almanac, (place(5, 5), place(*goal)), moves=moves)
    straight = found.totals["straight_m"]
    assert found.totals["length_m"] / straight <= most + 1e-3
    assert found.totals["length_m"] / straight >= 1.0 - 1e-4
    assert straight == pytest.approx(CELL * np.hypot(goal[0] - 5, goal[1] - 5), rel=2e-3)
    hours = found.totals["length_m"] / 0.2 / 3600.0
    assert found.totals["drive_h"] == pytest.approx(hours, rel=1e-5)
    assert found.totals["drive_energy_wh"] == pytest.approx(hours * 120.0, rel=1e-5)


def test_a_slope_takes_longer_and_more_energy(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    """Straight up a plane of 10 degrees: speed and energy of the closed forms."""
    tangent = np.tan(np.radians(10.0))
    rows = np.arange(COUNT)[:, None] * np.ones(COUNT)
    terrain = ground_file(dems, tmp_path, -rows * CELL * tangent)
    up = drive(terrain, almanac, (place(50, 30), place(10, 30)))
    length = 40 * CELL / np.cos(np.radians(10.0))
    speed = STRONG.speed_on(10.0)
    assert speed == pytest.approx(0.2 * (1.0 - 0.5 * 10.0 / 25.0))
    assert up.totals["length_m"] == pytest.approx(length, rel=1e-3)
    assert up.totals["drive_h"] == pytest.approx(length / speed / 3600.0, rel=2e-3)
    lifted = 140.0 * 1.62 * 40 * CELL * tangent / 0.3 / 3600.0
    assert up.totals["drive_energy_wh"] == pytest.approx(120.0 * up.totals["drive_h"] + lifted, rel=1e-3)
    down = drive(terrain, almanac, (place(10, 30), place(50, 30)))
    assert down.totals["drive_h"] == pytest.approx(up.totals["drive_h"], rel=1e-4)
    assert down.totals["drive_energy_wh"] == pytest.approx(120.0 * down.totals["drive_h"], rel=1e-4)


def test_a_wall_is_passed_through_its_gap(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    heights = np.zeros((COUNT, COUNT))
    heights[29:31] = 300.0
    heights[29:31, 50:55] = 0.0
    terrain = ground_file(dems, tmp_path, heights)
    found = drive(terrain, almanac, (place(10, 10), place(50, 10)), margin_m=2000.0)
    rows, cols = np.divmod(found.cells, found.area.shape[1])
    row, col = found.area.locate(*place(29, 50))
    crossing = (rows >= round(float(row))) & (rows <= round(float(row)) + 1)
    assert crossing.any()
    assert np.all((cols[crossing] >= round(float(col))) & (cols[crossing] <= round(float(col)) + 4))


def test_no_way_through_a_wall_says_what_it_takes(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    """A step of 20 m from one cell to the next is 26.6 degrees straight on."""
    heights = np.zeros((COUNT, COUNT))
    heights[30:] = 20.0
    terrain = ground_file(dems, tmp_path, heights)
    found = drive(terrain, almanac, (place(10, 10), place(50, 10)), moves=4)
    assert not found.found
    assert "needs limits of 26.6 deg along" in found.reasons[0]
    assert np.isnat(found.arrive)
    able = STRONG.changed(max_slope_deg=27.0, max_cross_deg=27.0)
    assert drive(terrain, almanac, (place(10, 10), place(50, 10)), moves=4, rover=able).found
    assert drive(terrain, almanac, (place(10, 10), place(50, 10)), moves=8).found, (
        "taken at a slant it is 19.5 deg"
    )


def test_a_wall_of_one_cell_cannot_be_slipped_through(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    """A diagonal wall one cell wide stops diagonal and knight's legs too."""
    heights = np.zeros((COUNT, COUNT))
    heights[np.arange(COUNT), np.arange(COUNT)] = 300.0
    terrain = ground_file(dems, tmp_path, heights)
    found = drive(terrain, almanac, (place(40, 10), place(10, 40)))
    assert "too steep" in found.reasons[0]


def test_holes_part_the_ends(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    heights = np.zeros((COUNT, COUNT))
    heights[29:32] = np.nan
    terrain = ground_file(dems, tmp_path, heights)
    found = drive(terrain, almanac, (place(10, 10), place(50, 10)))
    assert found.reasons == ("holes in the terrain part the start from the goal",)
    heights[29:32, 20:22] = 0.0
    bridge = ground_file(dems, tmp_path, heights)
    assert drive(bridge, almanac, (place(10, 10), place(50, 10)), margin_m=800.0).found


def test_far_coarse_terrain_is_seen_but_not_driven_on(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    """The built-in 1600 m grid fills a gap in heights, but nobody drives on ground known so badly."""
    heights = np.zeros((COUNT, COUNT))
    heights[29:32] = np.nan
    own = ground_file(dems, tmp_path, heights)
    nest = Terrain(own.layers + Terrain.default("south").layers)
    assert not drive(nest, almanac, (place(10, 10), place(50, 10))).found


def test_start_is_goal(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    terrain = ground_file(dems, tmp_path, np.zeros((COUNT, COUNT)))
    found = drive(terrain, almanac, (place(10, 10), place(10, 10)))
    assert found.found
    assert (found.totals["length_m"], found.totals["duration_h"]) == (0.0, 0.0)
    assert found.arrive == found.depart
    found.save(tmp_path / "still.gpkg")


def test_too_little_time_is_said(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    terrain = ground_file(dems, tmp_path, np.zeros((COUNT, COUNT)))
    found = drive(terrain, almanac, (place(5, 5), place(50, 50)), days=0.1)
    assert found.reasons[0].startswith("too slow: driving alone takes 3.5 h, and 2.5 h")


@pytest.fixture(scope="module")
def rim(moonpost_data: Path) -> Terrain:
    own = Terrain.open(moonpost_data / "dem" / "shackleton_rim_10km_40m.tif")
    return Terrain(own.layers + Terrain.default("south").layers)


ENDS = ((-89.529, 218.97), (-89.566, 212.0))
GRIP = ROVERS["viper"].changed(max_slope_deg=25.0, max_cross_deg=25.0)


@pytest.fixture(scope="module")
def ridge_way(rim: Terrain, almanac: Almanac) -> Traverse:
    return plan_traverse(rim, almanac, *ENDS, "2030-07-03T06:00Z", "ilrs", Limits(), days=5, light_map=True)


def test_a_way_along_the_connecting_ridge_holds_its_limits(
    rim: Terrain, almanac: Almanac, ridge_way: Traverse
) -> None:
    assert ridge_way.found
    found = check_traverse(ridge_way, rim, almanac, Limits(), most_places=9)
    assert [str(one) for one in found.violations] == []
    assert found.differences["disc_fraction"] < 0.1
    assert found.differences["earth_deg"] < 0.1
    assert found.differences["length_m"] < 0.5
    totals, w = ridge_way.totals, ridge_way.waypoints
    assert totals["length_m"] >= totals["straight_m"] > 1500.0
    assert np.all(np.diff(w["time_utc"]) > np.timedelta64(0, "ms"))
    assert np.all(np.diff(w["distance_m"]) >= 0.0)
    assert w["mode"][-1] == "end"
    assert set(w) == set(COLUMNS)
    assert totals["duration_h"] == pytest.approx(
        float((ridge_way.arrive - w["time_utc"][0]) / np.timedelta64(1, "ms")) / 3.6e6, abs=1e-5
    )
    assert np.nanmax(np.abs(w["slope_along_deg"])) <= 20.0
    assert np.nanmax(np.abs(w["slope_cross_deg"])) <= 15.0
    light = ridge_way.maps["light"]
    assert light.shape == ridge_way.area.shape
    assert 0.0 <= light.min() < 0.05 < 0.95 < light.max() <= 1.0


def test_the_check_finds_faults(rim: Terrain, almanac: Almanac, ridge_way: Traverse) -> None:
    def faults(traverse: Traverse, limits: Limits | None = None) -> set[str]:
        found = check_traverse(traverse, rim, almanac, limits or Limits(), most_places=3, azimuths=180)
        return {one.what for one in found.violations}

    w = ridge_way.waypoints
    hasty = w["time_utc"][0] + (w["time_utc"] - w["time_utc"][0]) // 3
    assert "speed [m/s]" in faults(dataclasses.replace(ridge_way, waypoints={**w, "time_utc": hasty}))
    weak = ridge_way.rover.changed(max_slope_deg=2.0)
    assert "slope along [deg]" in faults(dataclasses.replace(ridge_way, rover=weak))
    hidden = w["time_utc"] + np.timedelta64(9, "D")
    assert "disc fraction" in faults(dataclasses.replace(ridge_way, waypoints={**w, "time_utc": hidden}))
    assert "Earth over the horizon [deg]" in faults(ridge_way, Limits(earth_deg=80.0))
    assert "hour of work at the end of a leg" in faults(ridge_way, Limits(work_utc_h=(3.0, 3.5)))


def test_the_check_follows_charge_and_darkness(rim: Terrain, almanac: Almanac) -> None:
    """A short way in the dark on the battery: the charge agrees with that of the search to 1 percent."""
    limits = Limits(least_disc=0.0, sleeps=False)
    hungry = ROVERS["ilrs"].changed(drive_power_w=200.0, max_slope_deg=30.0, max_cross_deg=30.0)
    found = plan_traverse(
        rim, almanac, (-89.529, 218.97), (-89.5326, 218.6), "2030-07-03", hungry, limits, days=2, margin_m=200.0
    )
    assert found.found
    checked = check_traverse(found, rim, almanac, limits, slack=Slack(dark_h=0.6), azimuths=360)
    assert [str(one) for one in checked.violations] == []
    assert checked.differences["charge"] < 0.02
    assert found.totals["least_charge"] < 0.98
    short = dataclasses.replace(hungry, battery_wh=20.0)
    again = check_traverse(dataclasses.replace(found, rover=short), rim, almanac, limits, azimuths=180)
    assert "charge" in {one.what for one in again.violations}


def test_on_the_rim_the_rover_waits_for_the_sun(rim: Terrain, almanac: Almanac) -> None:
    """In October 2030 the ground before the goal is dark at first; and what must hold whatever the numbers are."""
    ends = ((-89.529, 218.97), (-89.685, 188.8))
    options: dict[str, Any] = {"cell_m": 100.0, "azimuths": 360, "margin_m": 1000.0}
    found = plan_traverse(rim, almanac, *ends, "2030-10-03", GRIP, Limits(), **options)
    assert found.found
    assert found.totals["wait_h"] + found.totals["sleep_h"] > 24.0
    checked = check_traverse(found, rim, almanac, Limits(), most_places=6, slack=Slack(slope_deg=90.0, speed=1.0))
    assert [str(one) for one in checked.violations] == []
    later = plan_traverse(rim, almanac, *ends, "2030-10-05", GRIP, Limits(), **options)
    assert later.arrive >= found.arrive
    safer = plan_traverse(rim, almanac, *ends, "2030-10-03", GRIP, Limits(), horizon_margin_deg=0.1, **options)
    assert not safer.found or safer.arrive >= found.arrive


def test_the_earth_rises_and_sets_for_a_rover(rim: Terrain, almanac: Almanac) -> None:
    """Teleoperation from the Earth shifts the drive to the half month in which it is above the ridge."""
    options: dict[str, Any] = {"cell_m": 80.0, "azimuths": 360, "days": 25}
    free = plan_traverse(rim, almanac, *ENDS, "2030-07-03", GRIP, DARK, **options)
    bound = plan_traverse(
        rim, almanac, *ENDS, "2030-07-03", GRIP, Limits(least_disc=0.0, earth_deg=0.5), **options
    )
    assert bound.found
    assert bound.arrive > free.arrive
    driving = bound.waypoints["mode"] == "drive"
    assert bound.waypoints["earth_over_horizon_deg"][driving].min() > 0.4
    assert free.waypoints["earth_over_horizon_deg"].min() < 0.0


def test_files_hold_the_way(tmp_path: Path, ridge_way: Traverse) -> None:
    import pyogrio
    import xarray as xr

    for ending in ("gpkg", "geojson", "json", "csv", "nc"):
        assert ridge_way.save(tmp_path / f"way.{ending}").stat().st_size > 1000
    rows = len(ridge_way.waypoints["mode"])
    data = json.loads((tmp_path / "way.json").read_text())
    assert len(data["waypoints"]) == rows
    assert data["totals"]["length_m"] == pytest.approx(ridge_way.totals["length_m"])
    lines = (tmp_path / "way.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == rows + 1
    shapes = json.loads((tmp_path / "way.geojson").read_text())
    assert shapes["features"][0]["geometry"]["type"] == "LineString"
    assert len(shapes["features"]) == rows + 1
    with xr.open_dataset(tmp_path / "way.nc", engine="h5netcdf") as stored:
        assert stored.sizes["waypoint"] == rows
        assert stored.attrs["rover"] == "ilrs"
    table = pyogrio.raw.read(tmp_path / "way.gpkg", layer="waypoints")
    assert table[0]["crs"].startswith('GEOGCS["Moon')
    assert len(table[2]) == rows
    line = pyogrio.raw.read(tmp_path / "way.gpkg", layer="traverse")
    assert len(line[2]) == 1
    with pytest.raises(InputError, match=r"end the name in .gpkg"):
        ridge_way.save(tmp_path / "way.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        ridge_way.save(tmp_path / "file" / "way.csv")


def test_no_way_is_written_as_json_only(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    terrain = ground_file(dems, tmp_path, np.zeros((COUNT, COUNT)))
    none = drive(terrain, almanac, (place(5, 5), place(50, 50)), days=0.05)
    assert json.loads(none.save(tmp_path / "none.json").read_text())["arrive_utc"] is None
    with pytest.raises(InputError, match="no way to be written"):
        none.save(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="no way to check"):
        check_traverse(none, terrain, almanac, DARK)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"depart": "1700-01-01"}, DateError, "1700"),
        ({"depart": "soon"}, DateError, "soon"),
        ({"start": (-80.0, 0.0)}, TerrainError, "outside the terrain"),
        ({"goal": (-80.0, 0.0)}, TerrainError, "outside the terrain"),
        ({"start": "hole"}, TerrainError, "no-data"),
        ({"rover": "lunokhod-9"}, UnknownNameError, "unknown rover"),
        ({"objective": "speed"}, InputError, "unknown objective"),
        ({"days": 0.0}, InputError, "days"),
        ({"days": float("nan")}, InputError, "days"),
        ({"step_s": 1.0}, InputError, "step_s"),
        ({"moves": 5}, InputError, "5 moves"),
        ({"cell_m": -1.0}, InputError, "cell_m"),
        ({"cell_m": 1.0}, InputError, "over 2,000,000 cells"),
        ({"azimuths": 2}, InputError, "azimuths"),
    ],
)
def test_bad_input_is_told(
    dems: ModuleType, tmp_path: Path, almanac: Almanac, change: dict[str, Any], kind: type[Exception], words: str
) -> None:
    heights = np.zeros((COUNT, COUNT))
    heights[40:45, 40:45] = np.nan
    terrain = ground_file(dems, tmp_path, heights)
    call: dict[str, Any] = {
        "start": place(5, 5), "goal": place(30, 30), "depart": "2030-01-03", "rover": STRONG, "limits": DARK,
        "days": 2, "azimuths": 36, **change,
    }  # fmt: skip
    if call["start"] == "hole":
        call["start"] = place(42, 42)
    with pytest.raises(kind, match=words):
        plan_traverse(terrain, almanac, **call)


def test_a_goal_in_coarse_cells_is_refused(dems: ModuleType, tmp_path: Path, almanac: Almanac) -> None:
    own = ground_file(dems, tmp_path, np.zeros((COUNT, COUNT)))
    nest = Terrain(own.layers + Terrain.default("south").layers)
    with pytest.raises(TerrainError, match="no height in cells of 100 m or less"):
        drive(nest, almanac, (place(5, 55), place(5, 65)), margin_m=1000.0)


@pytest.mark.parametrize(
    "values",
    [
        {"least_disc": 1.5},
        {"least_disc": float("nan")},
        {"earth_deg": 120.0},
        {"longest_dark_h": -1.0},
        {"work_utc_h": (8.0, 25.0)},
        {"work_utc_h": (8.0,)},
        {"start_charge": -0.1},
    ],
)
def test_limits_refuse_what_is_of_no_use(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**values)


def test_a_rover_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cart.toml"
    path.write_text("speed_m_s = 0.1\nmax_slope_deg = 12\n")
    cart = rover_named(str(path))
    assert (cart.name, cart.speed_m_s, cart.max_slope_deg, cart.mass_kg) == ("cart", 0.1, 12.0, 140.0)
    path.write_text("wings = 2\n")
    with pytest.raises(DataError, match="'wings' is no parameter"):
        rover_named(str(path))
    path.write_text("speed_m_s = -1\n")
    with pytest.raises(InputError, match="speed_m_s"):
        rover_named(str(path))
    with pytest.raises(DataError, match="cannot be read"):
        rover_named(str(tmp_path / "none.toml"))


def test_published_numbers_of_the_rovers() -> None:
    """Yutu-2: 140 kg, 200 m/h, 20 deg (CNSA by the press, 2019); VIPER: 430 kg, 0.2 m/s, 450 W (NASA)."""
    yutu, viper = ROVERS["yutu-2"], ROVERS["viper"]
    assert (yutu.mass_kg, yutu.speed_m_s * 3600.0, yutu.max_slope_deg) == (140.0, pytest.approx(200.0), 20.0)
    assert (viper.mass_kg, viper.speed_m_s, viper.max_slope_deg, viper.array_power_w) == (430.0, 0.2, 15.0, 450.0)
    assert all("Assumed" in rover.source for rover in ROVERS.values())
    with pytest.raises(InputError, match="mass_kg"):
        Rover("odd", mass_kg=float("nan"))


def test_the_area_lies_on_the_terrain_s_own_cells(rim: Terrain) -> None:
    start, goal = (rim.site(*end) for end in ENDS)
    area = traverse_area(rim, start, goal)
    left, _, _, top = rim.layers[0].bounds
    assert area.cell_m == 40.0
    assert (area.transform[2] - left) % 40.0 == pytest.approx(0.0)
    assert (top - area.transform[5]) % 40.0 == pytest.approx(0.0)
    ground = Ground.measured(rim, area, ROVERS["ilrs"])
    cell = ground.cell(start, "start")
    here = ground.site(cell)
    assert abs(here.height_m - start.height_m) < 15.0
    assert ground.ground_m[0, 0] == pytest.approx(40.0 * (1.0 + 1700.0 / 1.7374e6), rel=1e-3)
    with pytest.raises(InputError, match="outside the area"):
        ground.cell(Site(-85.0, 0.0), "goal")
    with pytest.raises(InputError, match="opposite sides"):
        traverse_area(rim, Site(-89.0, 0.0), Site(89.0, 0.0))
