"""Power of arrays hour by hour in the light of a place."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.plan.elements import SolarArray
from moonpost.power.profile import power_profile
from moonpost.power.sources import SOLAR_CONSTANT_W_M2
from moonpost.sky import Site
from moonpost.terrain import HorizonProfile
from moonpost.terrain.hourly import SOLAR_CONSTANT_W_M2 as TERRAIN_CONSTANT
from moonpost.terrain.hourly import light_profile, write_series


@pytest.fixture(scope="module")
def light(almanac):
    return light_profile(HorizonProfile.flat(Site(-89.5, 0.0)), almanac, "2030-07-01", "2030-07-31")


def test_each_mount_gets_its_share_of_the_irradiance(light):
    """Two-axis: all of it; upright: its cosine; level: its sine, 0 below the horizon."""
    found = power_profile(light, rated_w=1000.0)["power_w"]
    full = light["irradiance_w_m2"].values / 1361.0 * 1000.0
    height = np.radians(light["sun_elevation_deg"].values)
    assert found.sel(array="two-axis").values == pytest.approx(full)
    assert found.sel(array="vertical-tracking").values == pytest.approx(full * np.cos(height))
    assert found.sel(array="horizontal").values == pytest.approx(full * np.maximum(np.sin(height), 0.0))


def test_losses_and_age_take_their_part(light):
    new = power_profile(light)["power_w"].values
    old = power_profile(light, dust_loss=0.1, array_loss_per_year=0.02, service_years=5.0)["power_w"].values
    years = 5.0 + np.arange(light.sizes["time"]) / 24.0 / 365.25
    assert old == pytest.approx(new * 0.9 * 0.98**years)


def test_own_arrays_and_energy(light):
    fixed = SolarArray(kind="solar", rated_w=500.0, mount="fixed", tilt_deg=90.0, azimuth_deg=0.0)
    found = power_profile(light, {"north": fixed})
    assert found["array"].values.tolist() == ["north"]
    assert float(found["energy_wh"][0]) == pytest.approx(float(found["power_w"].sum()))
    assert 0.2 < float((found["power_w"] > 0).mean()) < 0.8


def test_the_two_rooms_use_one_solar_constant():
    assert TERRAIN_CONSTANT == SOLAR_CONSTANT_W_M2


def test_goes_into_one_table_with_the_light(tmp_path, light):
    power = power_profile(light).drop_vars("energy_wh")
    head = write_series(tmp_path / "both.csv", light.merge(power)).read_text().splitlines()[0]
    assert "irradiance_w_m2" in head
    assert "power_w[vertical-tracking]" in head


@pytest.mark.parametrize(
    "wrong", [{"rated_w": 0.0}, {"dust_loss": 1.0}, {"array_loss_per_year": -0.1}, {"service_years": -1.0}]
)
def test_refuses_arrays_of_no_use(light, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        power_profile(light, **wrong)


def test_refuses_series_without_the_sun(light):
    with pytest.raises(InputError, match="sun_distance_m"):
        power_profile(light.drop_vars("sun_distance_m"))
    with pytest.raises(InputError, match="two instants"):
        power_profile(light.isel(time=[0]))
