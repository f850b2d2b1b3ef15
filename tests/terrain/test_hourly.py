"""Light hour by hour: the parts agree with what they are made of, and files keep them."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import xarray as xr

from moonpost.errors import InputError
from moonpost.sky import Site, earth_shadow, times
from moonpost.terrain import HorizonProfile, Terrain, earth_visibility, horizon, illumination, light_statistics
from moonpost.terrain.area import MapArea
from moonpost.terrain.hourly import cell_profile, light_profile, write_series
from moonpost.terrain.profiles import shipped_profile


def test_is_made_of_the_functions_for_single_quantities(almanac):
    profile = shipped_profile("connecting-ridge", 10.0)
    found = light_profile(profile, almanac, "2030-05-01", "2030-06-01", eclipses=False)
    t = times("2030-05-01", "2030-06-01", 3600.0)
    sun, earth = almanac.sun(profile.site, t), almanac.earth(profile.site, t)
    assert np.array_equal(found["time"].values, t)
    assert np.array_equal(found["light"].values, illumination(profile, sun))
    assert np.array_equal(found["earth_disc"].values, earth_visibility(profile, earth))
    expected = 1361.0 * (149_597_870_700.0 / sun.distance_m) ** 2 * found["light"].values
    assert found["irradiance_w_m2"].values == pytest.approx(expected)
    assert found.attrs["grade"] == "site"
    assert found.attrs["source"] != "not stated"


def test_its_mean_is_the_average_of_the_statistics(almanac):
    profile = shipped_profile("glaeser-spot-1", 2.0)
    found = light_profile(profile, almanac, "2030-01-01", "2031-01-01", eclipses=False)
    whole = light_statistics(profile, almanac, "2030-01-01", "2031-01-01")
    assert float(found["light"].mean()) == pytest.approx(whole.average_illumination, abs=5e-4)
    assert float(found["earth_disc"].mean()) == pytest.approx(whole.average_earth_disc, abs=2e-3)


def test_an_eclipse_takes_light_away_unless_it_is_left_out(almanac):
    """Total eclipse of 14 March 2025: at the middle of the near side the Sun is gone for 146 minutes."""
    near = HorizonProfile.flat(Site(0.0, 0.0))
    with_shadow = light_profile(near, almanac, "2025-03-14", "2025-03-15", 600.0)
    without = light_profile(near, almanac, "2025-03-14", "2025-03-15", 600.0, eclipses=False)
    assert float(without["light"].min()) == 1.0
    assert float(with_shadow["light"].min()) == 0.0
    assert int((with_shadow["light"] == 0.0).sum()) == pytest.approx(15, abs=1)
    shadow = earth_shadow(almanac, near.site, with_shadow["time"].values, 1.01)
    assert np.array_equal(with_shadow["uncovered"].values, shadow)
    assert with_shadow["irradiance_w_m2"].values[without["light"].values * shadow == 0.0].max() == 0.0


def test_the_irradiance_follows_the_distance_of_the_sun(almanac):
    """Perihelion in January and aphelion in July: 3.4 percent either way, and the Moon's own 0.5."""
    high = HorizonProfile.flat(Site(-89.9, 0.0), elevation_deg=-5.0)
    year = light_profile(high, almanac, "2030-01-01", "2031-01-01", 86400.0, eclipses=False)
    values = year["irradiance_w_m2"].values
    assert values.max() == pytest.approx(1361.0 / (1 - 0.0167) ** 2, rel=0.006)
    assert values.min() == pytest.approx(1361.0 / (1 + 0.0167) ** 2, rel=0.006)
    assert str(year["time"].values[values.argmax()])[5:7] in ("01", "12")


def test_a_cell_of_a_map_has_the_horizon_of_its_place():
    """A horizon in the map's azimuths, turned to true ones, is that made for the place itself."""
    terrain = Terrain.default("south")
    area = MapArea.about(-88.5, 100.0, 8e3, cell_m=1600.0)
    row, col = 2, 3
    place = [float(part[row, col]) for part in area.places()]
    true = horizon(terrain, terrain.site(*place), mast_m=2.0, azimuths=720)
    turn = float(area.convergence_deg(*place))
    in_map = true.at(np.arange(720) * 0.5 - turn)
    found = cell_profile(in_map, area, row, col, height_m=true.site.height_m, mast_m=2.0)
    assert found.site.latitude_deg == pytest.approx(true.site.latitude_deg)
    assert found.site.longitude_deg % 360.0 == pytest.approx(true.site.longitude_deg % 360.0)
    error = np.abs(found.elevation_deg - true.elevation_deg)
    assert np.median(error) < 0.02
    assert error.max() < 0.25 * np.abs(np.diff(true.elevation_deg)).max() + 0.02
    hundredths = np.rint(in_map * 100.0).astype(np.int16)
    coded = cell_profile(hundredths, area, row, col, height_m=0.0, mast_m=2.0)
    assert coded.elevation_deg == pytest.approx(found.elevation_deg, abs=0.006)


def test_a_cell_without_a_horizon_is_refused():
    area = MapArea.about(-88.5, 100.0, 8e3, cell_m=1600.0)
    with pytest.raises(InputError, match="no horizon"):
        cell_profile(np.full(72, -32768, np.int16), area, 0, 0, height_m=0.0, mast_m=2.0)
    with pytest.raises(InputError, match="row, col"):
        cell_profile(np.zeros(72), area, 9, 0, height_m=0.0, mast_m=2.0)


def test_files_keep_the_series(tmp_path, almanac):
    data = light_profile(HorizonProfile.flat(Site(-89.5, 30.0)), almanac, "2030-07-01", "2030-07-03")
    with write_series(tmp_path / "light.csv", data).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["time_utc"] for row in rows[:2]] == ["2030-07-01T00:00:00Z", "2030-07-01T01:00:00Z"]
    assert len(rows) == 48
    for name in data.data_vars:
        assert [float(row[name]) for row in rows] == pytest.approx(data[name].values, rel=1e-6, abs=1e-9)
    with xr.open_dataset(write_series(tmp_path / "light.nc", data), engine="h5netcdf") as back:
        assert back["light"].attrs["units"] == "1"
        assert back.attrs["grade"] == "screening"
        for name in data.data_vars:
            assert np.array_equal(back[name].values, data[name].values)


def test_files_of_other_kinds_and_things_without_time_are_refused(tmp_path, almanac):
    data = light_profile(HorizonProfile.flat(Site(-89.5, 30.0)), almanac, "2030-07-01", "2030-07-02")
    with pytest.raises(InputError, match=r"\.csv or \.nc"):
        write_series(tmp_path / "light.xlsx", data)
    with pytest.raises(InputError, match="energy has no time"):
        write_series(tmp_path / "light.csv", data.assign(energy=1.0))
    assert list(tmp_path.iterdir()) == []
