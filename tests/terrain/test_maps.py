"""Maps against points: what a map says of a cell is what its own horizon gives there, event by event."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from moonpost.errors import DateError, InputError, OutputError, UnknownNameError
from moonpost.sky import Almanac, Site, times
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.stations import GroundStation
from moonpost.terrain import HorizonProfile, Terrain, earth_visibility, light_statistics, mapbuild
from moonpost.terrain.area import MapArea
from moonpost.terrain.mapgroups import LightGroup, Period, ShadowGroup, SpellGroup
from moonpost.terrain.maps import horizon_map, illumination_map, site_maps, visibility_map
from moonpost.terrain.mapsights import RelayGroup, StationGroup
from moonpost.terrain.mapvisibility import Block, Blocks, RelayTrack

PERIOD = ("2030-01-01", "2031-01-01")
AZIMUTHS = 360
MINUTE_D = 1.0 / 1440.0


def on_meridians(pole: str, offset_m: float) -> MapArea:
    """Five cells on each of the four meridians on which the convergence is a whole number of azimuths."""
    wkt = MapArea.about(-90.0 if pole == "south" else 90.0, 0.0, 100.0, cell_m=10.0).wkt
    x = offset_m * np.arange(-2.0, 3.0)
    return MapArea(wkt, x, x[::-1], offset_m)


def rough(area: MapArea, seed: int = 3, scale: float = 1.0) -> np.ndarray:
    """Horizons in the map's frame, jagged and different in each cell."""
    random = np.random.default_rng(seed)
    waves = random.normal(size=(12, *area.shape, 1))
    phase = random.uniform(0.0, 6.28, size=(12, *area.shape, 1))
    angle = np.linspace(0.0, 2.0 * np.pi, AZIMUTHS, endpoint=False)
    order = np.arange(1, 13)[:, None, None, None] ** 2
    line = np.sum(waves / order**0.5 * np.cos(order * angle + phase), axis=0)
    return np.round(100.0 * scale * np.moveaxis(line, -1, 0)).astype(np.int16)[None]


def profile(area: MapArea, horizons: np.ndarray, row: int, col: int) -> HorizonProfile:
    """The horizon of a cell by true azimuth."""
    latitude, longitude = area.places(slice(row, row + 1), slice(col, col + 1))
    convergence = float(area.convergence_deg(latitude, longitude)[0, 0])
    turn = convergence * AZIMUTHS / 360.0
    assert turn == pytest.approx(round(turn), abs=1e-6)
    place = float(latitude[0, 0]), float(longitude[0, 0])
    ground = Terrain.default("south" if place[0] < 0.0 else "north").height_m(*place)
    elevation = np.roll(0.01 * horizons[0, :, row, col].astype(float), -round(turn))
    return HorizonProfile(
        azimuth_deg=np.arange(AZIMUTHS) * 360.0 / AZIMUTHS,
        elevation_deg=elevation,
        distance_m=np.full(AZIMUTHS, 1e4),
        site=Site(*place, ground),
        mast_m=0.0,
        grade="screening",
        provenance={},
    )


CELLS = [(0, 2), (2, 0), (2, 4), (4, 2)]


class TestGroups:
    """Each group of maps against the statistics of single points."""

    @pytest.mark.parametrize(("pole", "offset"), [("south", 4e3), ("north", 15e3), ("south", 60e3)])
    def test_light_and_spells(self, almanac: Almanac, pole: str, offset: float) -> None:
        area = on_meridians(pole, offset)
        horizons = rough(area, scale=1.0 + offset / 3e4)
        period = Period.make(almanac, *PERIOD)
        whole = (slice(0, 5), slice(0, 5))
        names = ["average_illumination", "percent_lit", "earth_visible", "average_earth_disc"]
        light = LightGroup(area, period, AZIMUTHS, names).tile(*whole, horizons)
        spells = SpellGroup(
            area,
            Terrain.default(pole),
            period,
            [0.0],
            ["longest_dark_d", "longest_light_d", "longest_earth_outage_d", "longest_dark_without_earth_d"],
        ).tile(*whole, horizons)
        for row, col in CELLS:
            found = light_statistics(profile(area, horizons, row, col), almanac, *PERIOD)
            for name in names:
                near = 5e-4 if name.startswith("average") else 3e-3
                assert light[name][0, row, col] == pytest.approx(getattr(found, name), abs=near), name
            for name, values in spells.items():
                assert values[0, row, col] == pytest.approx(getattr(found, name), abs=1.5 * MINUTE_D), name

    def test_no_height_is_nan(self, almanac: Almanac) -> None:
        area = on_meridians("south", 4e3)
        horizons = rough(area)
        horizons[:, :, 1, 1] = -32768
        period = Period.make(almanac, "2030-01-01", "2030-02-01")
        terrain, whole = Terrain.default("south"), (slice(0, 5), slice(0, 5))
        time = times("2030-01-01", "2030-01-02", 600.0)
        track = RelayTrack(time, np.tile([0.0, 0.0, -9e6], (time.size, 1)))
        groups = [
            LightGroup(area, period, AZIMUTHS, ["percent_lit", "average_illumination"]),
            SpellGroup(area, terrain, period, [0.0], ["longest_dark_d"]),
            StationGroup(area, period, AZIMUTHS, [GroundStation("a", 38.0, 76.0)]),
            RelayGroup(area, terrain, [0.0], track),
        ]
        for group in groups:
            for name, values in group.tile(*whole, horizons).items():
                gone = np.isnan(values).reshape(-1, 5, 5)
                assert gone[:, 1, 1].all(), name
                assert gone.sum() == gone.shape[0], name
        psr = ShadowGroup(area, period).tile(*whole, horizons)["psr"]
        assert psr[0, 1, 1] == 255
        assert np.isin(np.delete(psr.ravel(), 6), (0, 1)).all()

    def test_shadow_that_never_ends(self, almanac: Almanac) -> None:
        """A cell is never lit just when its horizon is raised until the Sun of 18.6 years shows nowhere."""
        area = on_meridians("south", 12e3)
        level = np.zeros((1, AZIMUTHS, 5, 5), np.int16)
        period = Period.make(almanac, "2030-01-01", "2048-09-01")
        group = ShadowGroup(area, period)
        light = LightGroup(area, period, AZIMUTHS, ["percent_lit"])
        whole = (slice(0, 5), slice(0, 5))
        states = set()
        for height in range(100, 400, 30):
            psr = group.tile(*whole, level + np.int16(height))["psr"][0]
            lit = light.tile(*whole, level + np.int16(height))["percent_lit"][0]
            for row, col in CELLS:
                states.add(int(psr[row, col]))
                if psr[row, col]:
                    assert lit[row, col] < 2e-4
                else:
                    assert lit[row, col] > 0.0
        assert states == {0, 1}

    def test_a_short_period_does_not_make_shadow_permanent(self, almanac: Almanac) -> None:
        group = ShadowGroup(on_meridians("south", 4e3), Period.make(almanac, "2030-06-01", "2030-06-02"))
        assert (group.stop - group.start) / np.timedelta64(1, "D") / 365.25 > 18.6
        late = ShadowGroup(on_meridians("south", 4e3), Period.make(almanac, "2149-06-01", "2149-06-02"))
        assert (late.stop - late.start) / np.timedelta64(1, "D") / 365.25 > 18.6

    @pytest.mark.parametrize("mask", [5.0, 25.0])
    def test_ground_stations(self, almanac: Almanac, mask: float) -> None:
        """Against samples of a minute at the cell itself: the share, and the longest gap."""
        area = on_meridians("south", 30e3)
        horizons = rough(area, scale=2.5)
        stations = [GroundStation("kashi", 38.4214, 76.7144), GroundStation("north", 70.0, 20.0)]
        period = ("2030-01-01", "2030-01-29")
        made = StationGroup(area, Period.make(almanac, *period), AZIMUTHS, stations, mask)
        found = made.tile(slice(0, 5), slice(0, 5), horizons)
        fine = times(*period, 60.0)
        used = 0
        for row, col in CELLS[1:]:
            seen = profile(area, horizons, row, col)
            for s, station in enumerate(stations):
                sky = almanac.station(seen.site, station, fine)
                up = (sky.elevation_deg > seen.at(sky.azimuth_deg)) & (sky.moon_elevation_deg > mask)
                edges = np.flatnonzero(np.diff(np.concatenate([[True], up, [True]]).astype(int)))
                longest = np.max(np.diff(edges)[::2], initial=0) * 60.0 / 86_400.0
                assert found["station_visible"][s, 0, row, col] == pytest.approx(up.mean(), abs=1e-3)
                assert found["longest_station_gap_d"][s, 0, row, col] == pytest.approx(longest, abs=2 * MINUTE_D)
                used += 0.02 < up.mean() < 0.98
        assert used >= 2, "some are seen at times"

    def test_a_station_is_where_the_middle_of_the_earth_nearly_is(self, almanac: Almanac) -> None:
        """Without its own horizon a station is seen about as long as the Earth's disc on average."""
        area = on_meridians("south", 30e3)
        horizons = rough(area, seed=5, scale=2.5)
        period = Period.make(almanac, "2030-01-01", "2030-04-01")
        whole = (slice(0, 5), slice(0, 5))
        earth = LightGroup(area, period, AZIMUTHS, ["average_earth_disc"]).tile(*whole, horizons)
        around = [GroundStation(f"s{i}", 0.0, 60.0 * i) for i in range(6)]
        made = StationGroup(area, period, AZIMUTHS, around, 0.0)
        seen = made.tile(*whole, horizons)["station_visible"][:, 0].sum(axis=0)
        for cell in CELLS:
            assert seen[cell] / 3.0 == pytest.approx(float(earth["average_earth_disc"][0][cell]), abs=0.03)

    def test_relays(self) -> None:
        """Against the plain loop over time at each cell, and two satellites against either of them."""
        area = on_meridians("south", 20e3)
        horizons = rough(area, scale=4.0)
        time = times("2030-01-01", "2030-01-03", 60.0)
        angle = 2.0 * np.pi * np.arange(time.size) / 700.0
        one = 3.5e6 * np.stack([np.sin(angle), 0.3 * np.cos(angle), -np.cos(angle)], axis=-1)
        two = 4.0e6 * np.stack([0.4 * np.cos(angle), np.sin(angle), -np.cos(angle + 1.0)], axis=-1)
        terrain, whole = Terrain.default("south"), (slice(0, 5), slice(0, 5))
        both = RelayGroup(area, terrain, [10.0], RelayTrack(time, np.stack([one, two]))).tile(*whole, horizons)
        for row, col in CELLS:
            view = profile(area, horizons, row, col)
            eye = (MOON_RADIUS_M + view.site.height_m + 10.0) * view.site.basis[2]
            up = np.zeros(time.size, bool)
            for orbit in (one, two):
                east, north, above = view.site.basis @ (orbit - eye).T
                azimuth = np.degrees(np.arctan2(east, north)) % 360.0
                up |= np.degrees(np.arctan2(above, np.hypot(east, north))) > view.at(azimuth)
            edges = np.flatnonzero(np.diff(np.concatenate([[True], up, [True]]).astype(int)))
            gap = np.max(np.diff(edges)[::2], initial=0) * 60.0 / 86_400.0
            assert 0.1 < up.mean() < 0.95
            assert both["relay_visible"][0, row, col] == pytest.approx(up.mean(), abs=2e-3)
            assert both["longest_relay_gap_d"][0, row, col] == pytest.approx(gap, abs=2 * MINUTE_D)

    def test_many_azimuths_far_from_the_pole(self, almanac: Almanac) -> None:
        """Blocks are so small that the map's frame does not turn by a step of azimuth within one."""
        area = MapArea.about(-72.0, 40.0, 40e3, cell_m=10e3)
        period = ("2030-01-01", "2030-02-01")
        group = LightGroup(area, Period.make(almanac, *period), 3600, ["percent_lit"])
        level = np.zeros((1, 3600, *area.shape), np.int16)
        lit = group.tile(slice(0, 4), slice(0, 4), level)["percent_lit"]
        latitude, longitude = area.places()
        for cell in ((0, 0), (3, 3)):
            flat = HorizonProfile.flat(Site(float(latitude[cell]), float(longitude[cell])))
            assert lit[0][cell] == pytest.approx(light_statistics(flat, almanac, *period).percent_lit, abs=1e-3)

    def test_tables_of_neighbouring_blocks_agree(self, almanac: Almanac) -> None:
        """The same map with one table and with many: cells at the seams of blocks do not jump."""
        area = MapArea.about(-85.0, 40.0, 40e3, cell_m=2000.0)
        horizons = np.repeat(rough(on_meridians("south", 1e3))[:, :, 2:3, 2:3], 20, axis=2).repeat(20, axis=3)
        group = LightGroup(area, Period.make(almanac, *PERIOD), AZIMUTHS, ["average_illumination"])
        one = group.tile(slice(0, 20), slice(0, 20), horizons)["average_illumination"]
        group.__dict__["_tables"] = Blocks(area, 8e3, group._make)
        many = group.tile(slice(0, 20), slice(0, 20), horizons)["average_illumination"]
        assert len(group.__dict__["_tables"]._values) > 8
        np.testing.assert_allclose(one, many, atol=1.5e-3)
        assert not np.array_equal(one, many)


def test_blocks_cover_a_tile_once() -> None:
    area = MapArea.about(-88.0, 10.0, 33e3, 21e3, cell_m=1000.0)
    blocks = Blocks(area, 5_000.0, lambda block: (block.rows, block.cols))
    count = np.zeros(area.shape, int)
    for rows, cols, block, value in blocks.parts(slice(3, 21), slice(0, 33)):
        count[rows, cols] += 1
        assert value == (block.rows, block.cols)
        assert block.rows.start <= rows.start < rows.stop <= block.rows.stop
        assert block.cols.start <= cols.start < cols.stop <= block.cols.stop
    assert (count[3:] == 1).all()
    assert not count[:3].any()
    assert isinstance(blocks.parts(slice(0, 1), slice(0, 1))[0][2], Block)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapbuild, "_TILES", (8,))


@pytest.fixture(scope="module")
def terrain() -> Terrain:
    return Terrain.default("south")


AREA = MapArea.about(-89.67, 129.78, 32e3, cell_m=1600.0)


def test_horizon_map_in_memory_and_in_a_folder(small_tiles: None, terrain: Terrain, tmp_path: Path) -> None:
    told = []
    memory = horizon_map(terrain, AREA, (2.0, 10.0), 24)
    stored = horizon_map(terrain, AREA, (2.0, 10.0), 24, out=tmp_path / "h", workers=3, progress=told.append)
    assert told[-1].done == told[-1].total == 9
    xr.testing.assert_identical(memory.load(), stored.load())
    values = memory["horizon_deg"]
    assert values.dims == ("mast", "azimuth", "y", "x")
    assert values.attrs["units"] == "degree"
    assert memory["azimuth"].values.tolist() == [15.0 * i for i in range(24)]
    higher, lower = values.sel(mast=10.0).values, values.sel(mast=2.0).values
    assert (higher <= lower + 0.011).all()
    raw = xr.open_zarr(tmp_path / "h", chunks=None, mask_and_scale=False)["horizon_deg"]
    assert raw.dtype == np.int16
    assert raw.attrs["scale_factor"] == 0.01


def test_provenance_is_in_the_attributes(terrain: Terrain, almanac: Almanac, tmp_path: Path) -> None:
    found = illumination_map(terrain, AREA, almanac, *PERIOD, azimuths=24, out=tmp_path / "m", spells=True)
    assert set(found.data_vars) == {
        "average_illumination", "percent_lit", "psr", "longest_dark_d", "longest_light_d",
    }  # fmt: skip
    for values in found.data_vars.values():
        assert {"units", "long_name", "source", "crs_wkt", "transform"} <= set(values.attrs)
    files = json.loads(found.attrs["terrain"])
    assert files[0]["sha256"] == terrain.layers[0].sha256
    assert files[0]["resolution_m"] == 1600.0
    assert set(json.loads(found.attrs["kernels"])) == {kernel.name for kernel in almanac.kernels}
    assert found.attrs["grade"] == "screening"
    assert "1600 m" in found.attrs["limits"]
    assert found.attrs["source"].startswith("moonpost ")
    assert found["psr"].dtype == np.uint8
    reopened = xr.open_zarr(tmp_path / "m", chunks=None)
    assert reopened.attrs == found.attrs
    assert found["mast"].values.tolist() == [2.0]


def test_a_map_has_the_numbers_of_its_horizons(terrain: Terrain, almanac: Almanac) -> None:
    """All maps in one go equal the maps one by one."""
    area = MapArea.about(-88.5, 50.0, 8e3, cell_m=1600.0)
    names = ["illumination", "earth", "dark", "psr", "horizon", "slope", "height"]
    whole = site_maps(terrain, area, almanac, *PERIOD, maps=names, azimuths=36, mast_m=(0, 5))
    light = illumination_map(terrain, area, almanac, *PERIOD, azimuths=36, mast_m=(0, 5))
    np.testing.assert_array_equal(whole["average_illumination"], light["average_illumination"])
    np.testing.assert_array_equal(whole["psr"], light["psr"])
    earth = visibility_map(terrain, area, almanac, *PERIOD, azimuths=36, mast_m=(0, 5))
    np.testing.assert_array_equal(whole["earth_visible"], earth["earth_visible"])
    assert {"average_earth_disc", "longest_earth_outage_d"} < set(earth.data_vars)
    np.testing.assert_array_equal(whole["horizon_deg"], horizon_map(terrain, area, (0, 5), 36)["horizon_deg"])
    latitude, longitude = area.places()
    np.testing.assert_allclose(whole["height_m"], terrain.height_m(latitude, longitude), atol=0.01)
    assert np.isfinite(whole["slope_deg"]).all(), "the rim as well"


def test_visibility_of_the_earth_by_points(terrain: Terrain, almanac: Almanac) -> None:
    """The horizon of a cell out of the map, turned to true azimuths, gives what the map says."""
    area = on_meridians("south", 30e3)
    found = site_maps(
        terrain, area, almanac, *PERIOD, maps=["earth", "horizon"], azimuths=AZIMUTHS, mast_m=(10.0,)
    )
    horizons = np.round(100.0 * found["horizon_deg"].values).astype(np.int16)
    hours = times(*PERIOD, 3600.0)
    for row, col in CELLS:
        view = profile(area, horizons, row, col)
        seen = earth_visibility(view, almanac.earth(view.site, hours))
        assert float(found["earth_visible"][0, row, col]) == pytest.approx(np.mean(seen > 0.0), abs=3e-3)


def test_stations_and_relays_through_the_public_call(terrain: Terrain, almanac: Almanac, tmp_path: Path) -> None:
    area = MapArea.about(-89.0, 20.0, 5e3, cell_m=1600.0)
    station = visibility_map(
        terrain, area, almanac, "2030-01-01", "2030-02-01", of="station", azimuths=36, out=tmp_path / "m",
        stations=[GroundStation("Kashi", 38.4, 76.7), GroundStation("Jiamusi", 46.5, 130.8)],
    )  # fmt: skip
    assert station["station_visible"].sel(station="Kashi").shape == (1, 3, 3)
    time = times("2030-01-01", "2030-01-02", 600.0)
    relay = visibility_map(
        terrain, area, almanac, "2030-01-01", "2030-02-01", of="relay", azimuths=36,
        relay=RelayTrack(time, np.tile([0.0, 0.0, -1e7], (time.size, 1)), "queqiao"),
    )  # fmt: skip
    assert (relay["relay_visible"] == 1.0).all()
    assert (relay["longest_relay_gap_d"] == 0.0).all()
    assert "queqiao" in relay["relay_visible"].attrs["long_name"]


class TestBadInput:
    """Every wrong argument is named before anything is computed."""

    @pytest.mark.parametrize(
        ("options", "error", "word"),
        [
            ({"maps": ["light", "moon"]}, UnknownNameError, "moon"),
            ({"maps": []}, InputError, "no map"),
            ({"mast_m": ()}, InputError, "mast_m"),
            ({"mast_m": (-1.0,)}, InputError, "mast_m"),
            ({"mast_m": (np.nan,)}, InputError, "mast_m"),
            ({"mast_m": (2.0, 2.0)}, InputError, "different"),
            ({"mast_m": ("high",)}, InputError, "mast_m"),
            ({"azimuths": 3}, InputError, "azimuths"),
            ({"azimuths": 72.0}, InputError, "azimuths"),
            ({"azimuths": True}, InputError, "azimuths"),
            ({"workers": 0}, InputError, "workers"),
            ({"maps": ["stations"]}, InputError, "station"),
            ({"maps": ["relay"]}, InputError, "relay"),
            ({"device": "tpu"}, InputError, "tpu"),
        ],
    )
    def test_options(
        self, terrain: Terrain, almanac: Almanac, options: dict, error: type[Exception], word: str
    ) -> None:
        with pytest.raises(error, match=word):
            site_maps(terrain, AREA, almanac, *PERIOD, **{"azimuths": 24, **options})

    def test_periods(self, terrain: Terrain, almanac: Almanac) -> None:
        for start, stop, error in [
            ("2030-01-01", "2030-01-01", InputError),
            ("2031-01-01", "2030-01-01", InputError),
            ("2140-01-01", "2160-01-01", DateError),
            ("1800-01-01", "1900-01-01", DateError),
            ("soon", "2030-01-01", DateError),
        ]:
            with pytest.raises(error):
                illumination_map(terrain, AREA, almanac, start, stop, azimuths=24)

    def test_what_is_to_be_in_sight(self, terrain: Terrain, almanac: Almanac) -> None:
        with pytest.raises(InputError, match="mars"):
            visibility_map(terrain, AREA, almanac, *PERIOD, of="mars")
        with pytest.raises(InputError, match="min_elevation_deg"):
            visibility_map(
                terrain, AREA, almanac, *PERIOD, of="station", min_elevation_deg=np.nan,
                stations=[GroundStation("a", 1.0, 2.0)],
            )  # fmt: skip

    def test_orbits(self) -> None:
        time = times("2030-01-01", "2030-01-02", 3600.0)
        good = np.full((24, 3), 5e6)
        for moments, positions in [
            (time, good[:-1]),
            (time, good[:, :2]),
            (time[::-1], good),
            (time[:1], good[:1]),
            (time, np.full((24, 3), np.nan)),
            (time, np.full((24, 3), 1e6 / np.sqrt(3.0))),
        ]:
            with pytest.raises(InputError, match="RelayTrack"):
                RelayTrack(moments, positions)

    def test_too_large_for_memory(self, terrain: Terrain) -> None:
        with pytest.raises(InputError, match="give a folder"):
            horizon_map(terrain, MapArea.about(-89.0, 0.0, 100e3, cell_m=100.0), azimuths=720)

    def test_other_inputs_in_the_folder(self, terrain: Terrain, tmp_path: Path) -> None:
        area = MapArea.about(-89.0, 0.0, 4800.0, cell_m=1600.0)
        horizon_map(terrain, area, (2.0,), 8, out=tmp_path / "h")
        with pytest.raises(InputError, match=r"azimuths is 8 there, 12 now.*--fresh"):
            horizon_map(terrain, area, (2.0,), 12, out=tmp_path / "h")
        again = horizon_map(terrain, area, (2.0,), 12, out=tmp_path / "h", fresh=True)
        assert again.sizes["azimuth"] == 12
        with pytest.raises(OutputError):
            horizon_map(terrain, area, (2.0,), 8, out=Path(__file__))
