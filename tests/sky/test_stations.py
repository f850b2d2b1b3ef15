"""Ground stations: coordinates, and that both ends see the same line."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.errors import DateError, InputError
from moonpost.sky import GroundStation, Site, times
from moonpost.sky.stations import earth_rotation

KASHI = GroundStation("Kashi", 38.4214, 76.7144, 1300.0)
SITE = Site(-88.8, 30.0)


def test_a_station_is_beside_the_earths_centre_and_rises_daily(almanac):
    t = times("2030-01-01", "2030-01-29", 600)
    seen, earth = almanac.station(SITE, KASHI, t), almanac.earth(SITE, t)
    apart = np.hypot(
        (seen.azimuth_deg - earth.azimuth_deg) * np.cos(np.deg2rad(earth.elevation_deg)),
        seen.elevation_deg - earth.elevation_deg,
    )
    assert 0.85 < apart.max() < 1.05
    assert np.abs(seen.distance_m - earth.distance_m).max() < 6.4e6
    up = seen.moon_elevation_deg > 0.0
    assert 26 <= np.count_nonzero(up[1:] & ~up[:-1]) <= 28
    assert (seen.angular_radius_deg == 0.0).all()


def test_the_nearer_the_station_the_higher_it_sees_the_moon(almanac):
    t = times("2030-01-01", "2030-01-29", 3600)
    seen, earth = almanac.station(SITE, KASHI, t), almanac.earth(SITE, t)
    nearer = earth.distance_m - seen.distance_m
    assert np.corrcoef(np.sin(np.deg2rad(seen.moon_elevation_deg)), nearer)[0, 1] > 0.999


def test_any_object_with_coordinates_will_do(almanac):
    plain = SimpleNamespace(latitude_deg=38.4214, longitude_deg=76.7144, height_m=1300.0)
    a, b = (almanac.station(SITE, place, "2030-01-01") for place in (KASHI, plain))
    assert a.moon_elevation_deg == b.moon_elevation_deg


@pytest.mark.parametrize(
    "coordinates",
    [
        (91.0, 0.0, 0.0),
        (0.0, 400.0, 0.0),
        (0.0, 0.0, float("nan")),
        (float("nan"), 0.0, 0.0),
        ("x", 0.0, 0.0),
        (0.0, 0.0, 1e5),
    ],
)
def test_a_station_off_the_earth_is_refused(coordinates):
    with pytest.raises(InputError, match="ground station"):
        GroundStation("bad", *coordinates)


def test_other_objects_and_dates_are_refused(almanac):
    with pytest.raises(InputError, match="latitude_deg"):
        almanac.station(SITE, object(), "2030-01-01")
    with pytest.raises(InputError, match="Site"):
        almanac.station(None, KASHI, "2030-01-01")
    with pytest.raises(DateError):
        almanac.station(SITE, KASHI, "2200-01-01")


def test_the_earth_turns_once_in_a_sidereal_day():
    turn = earth_rotation(np.array([0.0, 86164.0905]))
    np.testing.assert_allclose(turn[:, :, 0], turn[:, :, 1], atol=1e-6)
    quarter = earth_rotation(np.array([21541.0226]))[:, :, 0] @ earth_rotation(np.array([0.0]))[:, :, 0].T
    np.testing.assert_allclose(quarter, [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-6)
