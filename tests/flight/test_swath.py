"""Surface coverage: closed forms on a sphere, what light and field of view change, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.swath import half_swath_rad, surface_coverage
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac

START = "2030-01-01"


@pytest.fixture(scope="module")
def kepler(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, "2030-02-01", degree=0, bodies=())


@pytest.fixture(scope="module")
def day(kepler: Environment) -> Trajectory:
    return propagate(State.circling(kepler, START, 100e3, 90.0), "2030-01-02", kepler)


@pytest.mark.parametrize(("altitude", "field"), [(100e3, 20.0), (50e3, 1.0), (1000e3, 40.0)])
def test_the_edge_of_the_swath_lies_where_the_ray_meets_the_sphere(altitude: float, field: float) -> None:
    angle, radius = float(half_swath_rad(altitude, field)), 1737.4e3
    seen = math.atan2(radius * math.sin(angle), altitude + radius * (1.0 - math.cos(angle)))
    assert math.degrees(seen) == pytest.approx(0.5 * field, rel=1e-9)


def test_a_field_wider_than_the_moon_ends_at_its_limb() -> None:
    assert half_swath_rad(100e3, 179.0) == pytest.approx(math.acos(1737.4 / 1837.4))


def test_one_revolution_covers_a_band_of_the_sphere(kepler: Environment) -> None:
    """A great circle with a half-width covers the sine of it, here but for the turning of the Moon."""
    state = State.circling(kepler, START, 100e3, 90.0)
    period = 2.0 * math.pi * math.sqrt(1837.4e3**3 / kepler.gm_m3_s2["moon"])
    flown = propagate(state, state.time_tdb_s + period, kepler)
    seen = surface_coverage([flown], 70.0, cell_deg=0.5)
    half = float(half_swath_rad(100e3, 70.0))
    assert seen.share(1.0)[0] == pytest.approx(math.sin(half), rel=0.05)
    assert seen.share(0.0)[0] < 0.01 * seen.share(1.0)[0]
    fine = surface_coverage([flown], 70.0, cell_deg=0.125)
    assert fine.share(1.0)[0] == pytest.approx(math.sin(half), rel=0.005)


def test_an_inclined_orbit_sees_up_to_its_latitude(kepler: Environment) -> None:
    flown = propagate(State.circling(kepler, START, 100e3, 40.0), "2030-01-04", kepler)
    seen = surface_coverage([flown], 10.0, cell_deg=1.0)
    reach = 40.0 + math.degrees(float(half_swath_rad(100e3, 10.0)))
    covered = seen.latitude_deg[np.isfinite(seen.first_day).any(axis=1)]
    assert np.abs(covered).max() == pytest.approx(reach, abs=1.0)
    assert seen.share(3.0, 45.0, 90.0)[0] == 0.0


def test_coverage_grows_and_two_satellites_see_more(kepler: Environment, day: Trajectory) -> None:
    other = propagate(State.circling(kepler, START, 100e3, 90.0, node_deg=90.0), "2030-01-02", kepler)
    one, two = (surface_coverage(flights, 30.0, cell_deg=1.0) for flights in ([day], [day, other]))
    course = one.share(np.linspace(0.0, 1.0, 20))
    assert (np.diff(course) >= 0.0).all()
    assert two.share(1.0)[0] > 1.8 * one.share(1.0)[0]
    assert one.to_dataset().first_day.shape == (180, 360)


def test_a_camera_needs_the_sun(day: Trajectory) -> None:
    free, lit = (surface_coverage([day], 20.0, cell_deg=1.0, least_sun_elevation_deg=sun) for sun in (None, 0.0))
    assert lit.share(1.0)[0] == pytest.approx(0.5 * free.share(1.0)[0], rel=0.1)
    assert surface_coverage([day], 20.0, least_sun_elevation_deg=90.0).share(1.0)[0] == 0.0


def test_what_cannot_be_covered_is_refused(day: Trajectory) -> None:
    with pytest.raises(InputError):
        surface_coverage([], 20.0)
    for field in (0.0, 180.0, math.nan):
        with pytest.raises(InputError):
            surface_coverage([day], field)
    with pytest.raises(InputError):
        surface_coverage([day], 20.0, cell_deg=0.0)
    with pytest.raises(InputError):
        surface_coverage([day], 20.0, cell_deg=5.0).share(1.0, 10.1, 10.2)
