"""Sources: light, geometry, decay and design life."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.plan.elements import Element, Radioisotope, Reactor, SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power import (
    array_power_w,
    element_supply_w,
    incidence,
    irradiance_w_m2,
    radioisotope_power_w,
    reactor_power_w,
    supply_statements,
)
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M

RULES = DesignRules(start="2035", dust_loss=0.0, array_loss_per_year=0.0, source="test", confidence="C")


def sun(azimuth_deg, elevation_deg, distance_m=ASTRONOMICAL_UNIT_M):
    azimuth = np.atleast_1d(np.asarray(azimuth_deg, dtype=float))
    return SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + np.arange(azimuth.size) * np.timedelta64(3600, "s"),
        azimuth_deg=azimuth,
        elevation_deg=np.broadcast_to(np.asarray(elevation_deg, dtype=float), azimuth.shape),
        distance_m=np.full(azimuth.shape, float(distance_m)),
    )


def array(mount, **fields):
    return SolarArray(kind="solar", rated_w=1000.0, mount=mount, **fields)


def test_irradiance_is_inverse_square():
    near, far = irradiance_w_m2([ASTRONOMICAL_UNIT_M, 2 * ASTRONOMICAL_UNIT_M])
    assert near == 1361.0
    assert far == pytest.approx(1361.0 / 4, rel=1e-15)


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan, np.inf])
def test_irradiance_refuses_impossible_distances(distance):
    with pytest.raises(InputError, match="distance_m"):
        irradiance_w_m2(distance)


@pytest.mark.parametrize(
    ("mount", "elevation", "expected"),
    [
        ("horizontal", 30.0, 0.5),
        ("horizontal", -1.0, 0.0),
        ("vertical-tracking", 60.0, 0.5),
        ("vertical-tracking", -60.0, 0.5),
        ("two-axis", -0.2, 1.0),
    ],
)
def test_mounts(mount, elevation, expected):
    assert incidence(array(mount), sun(17.0, elevation))[0] == pytest.approx(expected, abs=1e-12)


@given(tilt=st.floats(0, 90), facing=st.floats(0, 359), azimuth=st.floats(0, 360), elevation=st.floats(-90, 90))
def test_fixed_array_against_vectors(tilt, facing, azimuth, elevation):
    """The same angle from the dot product of unit vectors (east, north, up)."""
    t, f, a, h = np.radians([tilt, facing, azimuth, elevation])
    normal = [np.sin(t) * np.sin(f), np.sin(t) * np.cos(f), np.cos(t)]
    ray = [np.cos(h) * np.sin(a), np.cos(h) * np.cos(a), np.sin(h)]
    found = incidence(array("fixed", tilt_deg=tilt, azimuth_deg=facing), sun(azimuth, elevation))[0]
    assert found == pytest.approx(max(np.dot(normal, ray), 0.0), abs=1e-12)


def test_fixed_array_without_tilt_is_a_horizontal_one():
    angles = sun(np.linspace(0, 359, 40), np.linspace(-5, 89, 40))
    assert incidence(array("fixed"), angles) == pytest.approx(incidence(array("horizontal"), angles), abs=1e-15)


def test_losses_multiply():
    rules = RULES.model_copy(update={"dust_loss": 0.1, "array_loss_per_year": 0.02})
    power = array_power_w(array("two-axis"), sun([0, 0], 5.0), [1.0, 0.25], [0.0, 10.0], rules)
    assert power == pytest.approx([900.0, 900.0 * 0.25 * 0.98**10], rel=1e-12)


@pytest.mark.parametrize(
    ("light", "years", "named"),
    [
        ([np.nan, 1.0], 0.0, "light_fraction"),
        ([0.0, 1.1], 0.0, "light_fraction"),
        ([0.0, 1.0, 1.0], 0.0, "light_fraction"),
        ([0.0, 1.0], -1.0, "service_years"),
    ],
)
def test_array_refuses_bad_series(light, years, named):
    with pytest.raises(InputError, match=named):
        array_power_w(array("two-axis"), sun([0, 0], 5.0), light, years, RULES)


def test_reactor_ends_with_its_life_unless_told():
    plant = Reactor(kind="reactor", electric_w=100.0, availability=0.95, life_years=10.0)
    years = [0.0, 9.999, 10.0, 18.0]
    assert reactor_power_w(plant, years).tolist() == [95.0, 95.0, 0.0, 0.0]
    assert reactor_power_w(plant, years, "replaced").tolist() == [95.0] * 4
    assert reactor_power_w(plant, years, "none").tolist() == [0.0] * 4
    with pytest.raises(InputError, match="life"):
        reactor_power_w(plant, years, "forever")  # type: ignore[arg-type]


def test_element_adds_its_generators_and_copies():
    element = Element(
        id="x", name="X", owner="a", kind="power", mission="m", maturity="new", count=3, source="test",
        confidence="C",
        generators=(
            array("two-axis", mast_m=10.0),
            Radioisotope(kind="radioisotope", electric_w=10.0, thermal_w=200.0, half_life_years=10.0),
            Reactor(kind="reactor", electric_w=50.0),
        ),
    )  # fmt: skip
    supply = element_supply_w(element, sun([0, 0], 1.0), {2.0: [0, 0], 10.0: [1, 0.5]}, [0.0, 10.0], RULES)
    assert supply == pytest.approx([3 * 1060.0, 3 * (500.0 + 5.0)])
    assert len(supply_statements(element)) == 2


def test_missing_mast_is_an_error_that_names_the_masts_given():
    element = Element(
        id="x", name="X", owner="a", kind="power", mission="m", maturity="new", source="test", confidence="C",
        generators=(array("two-axis", mast_m=5.0),),
    )  # fmt: skip
    with pytest.raises(InputError, match="given: 2, 10"):
        element_supply_w(element, sun(0, 1.0), {2.0: [1.0], 10.0: [1.0]}, 0.0, RULES)


def test_heat_and_power_decay_together():
    source = Radioisotope(kind="radioisotope", electric_w=2.5, thermal_w=120.0)
    electric, thermal = radioisotope_power_w(source, np.linspace(0, 30, 7))
    assert electric / thermal == pytest.approx(2.5 / 120.0, rel=1e-12)
    with pytest.raises(InputError, match="service_years"):
        radioisotope_power_w(source, [-0.1])
