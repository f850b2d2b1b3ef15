"""Keplerian orbits: the ellipse, its angles, and axes that do not turn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.flight import MOON_GM_M3_S2, LunarOrbit, bodies_m, eccentric_anomaly
from moonpost.plan.places import Orbit
from moonpost.sky import Almanac

R = 1737.4e3
orbits = st.builds(
    lambda low, more, inclination, argument, node: LunarOrbit(low, low + more, inclination, argument, node),
    st.floats(50e3, 5e6),
    st.floats(0.0, 3e7),
    st.floats(0.0, 180.0),
    st.floats(0.0, 359.0),
    st.floats(0.0, 359.0),
)


@given(st.floats(-50.0, 50.0), st.floats(0.0, 0.98))
def test_keplers_equation(mean, eccentricity):
    found = eccentric_anomaly([mean], eccentricity)
    assert found - eccentricity * np.sin(found) == pytest.approx(mean, abs=1e-11)


@settings(max_examples=30, deadline=None)
@given(orbits)
def test_energy_momentum_and_bounds(orbit):
    step_s = orbit.period_s * 1e-5
    t = orbit.epoch + np.linspace(0, orbit.period_s * 1000.0, 40).astype("timedelta64[ms]")
    near = np.array([np.timedelta64(round(1000.0 * step_s), "ms")])
    place = orbit.position_m(t)
    exact_s = near[0] / np.timedelta64(1, "ms") / 1000.0
    speed = (orbit.position_m(t + near) - orbit.position_m(t - near)) / (2.0 * exact_s)
    radius = np.linalg.norm(place, axis=1)
    assert radius.min() > R + orbit.perilune_altitude_m - 1.0
    assert radius.max() < R + orbit.apolune_altitude_m + 1.0
    energy = 0.5 * (speed**2).sum(axis=1) - MOON_GM_M3_S2 / radius
    assert energy == pytest.approx(-0.5 * MOON_GM_M3_S2 / orbit.semi_major_axis_m, abs=1e-5 * MOON_GM_M3_S2 / R)
    pole = np.cross(place, speed)
    pole /= np.linalg.norm(pole, axis=1)[:, None]
    assert pole @ orbit.axes()[2] == pytest.approx(1.0, abs=1e-6)


@given(orbits)
def test_one_revolution_returns(orbit):
    start = orbit.epoch + np.timedelta64(1234, "s")
    later = start + np.timedelta64(round(orbit.period_s * 1000.0), "ms")
    moved = orbit.position_m(start) - orbit.position_m(later)
    assert np.linalg.norm(moved) < 3.0, "half a millisecond of rounding at up to 2.4 km/s"


def test_perilune_at_the_epoch_and_the_angles():
    orbit = LunarOrbit(100e3, 4000e3, 90.0, argument_of_perilune_deg=270.0, node_deg=30.0)
    assert orbit.position_m(orbit.epoch)[0] == pytest.approx([0.0, 0.0, -(R + 100e3)], abs=1e-3)
    level = LunarOrbit(100e3, 4000e3, 0.0, argument_of_perilune_deg=20.0, node_deg=30.0)
    where = level.position_m(level.epoch)[0]
    assert np.degrees(np.arctan2(where[1], where[0])) == pytest.approx(50.0)
    east = LunarOrbit(100e3, 100e3, 90.0, argument_of_perilune_deg=0.0, node_deg=40.0)
    soon = east.position_m(east.epoch + np.timedelta64(10, "s"))[0]
    assert soon[2] > 0, "at the ascending node it goes north"


def test_the_axes_are_those_of_the_epoch():
    almanac = Almanac.default()
    epoch = np.datetime64("2031-05-06T07:08:09.000", "ms")
    for body in ("sun", "earth"):
        same = almanac.moon_fixed_m(body, epoch, apparent=True)
        assert bodies_m(almanac, body, epoch, epoch) == pytest.approx(same, rel=1e-12)
    month = epoch + np.timedelta64(round(27.321661 * 86400e3), "ms")
    earth, sun = (bodies_m(almanac, body, [epoch, month], epoch) for body in ("earth", "sun"))
    assert _angle_deg(*earth) < 6.0, "one sidereal month; the equation of the centre may differ"
    assert _angle_deg(*sun) == pytest.approx(26.9, abs=1.0)


def test_rows_of_a_plan():
    row = Orbit(
        perilune_altitude_km=200, apolune_altitude_km=16000, inclination_deg=62.4, source="test", confidence="C"
    )
    orbit = LunarOrbit.from_plan(row, epoch="2033-01-01")
    assert (orbit.perilune_altitude_m, orbit.epoch) == (200e3, np.datetime64("2033-01-01", "ms"))
    dated = LunarOrbit.from_plan(row.model_copy(update={"epoch": "2035/2036"}))
    assert dated.epoch == np.datetime64("2035-01-01", "ms")


@pytest.mark.parametrize(
    "arguments", [(0.0, 1e5, 0.0), (2e5, 1e5, 0.0), (float("nan"), 1e5, 0.0), (1e5, 1e5, float("inf"))]
)
def test_no_orbit(arguments):
    with pytest.raises(InputError, match="orbit"):
        LunarOrbit(*arguments)


def test_an_epoch_that_is_no_date():
    with pytest.raises(DateError):
        LunarOrbit(1e5, 1e5, 0.0, epoch="someday")


def test_an_altitude_out_of_reach():
    with pytest.raises(InputError, match="perilune and apolune"):
        LunarOrbit(1e5, 2e5, 0.0).speed_m_s(3e5)


def _angle_deg(one, other):
    return np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
