"""Launches: azimuths against inclinations, the site in the plane at the times found, ranges, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.flight.launch import (
    LAUNCH_SITES,
    LaunchSite,
    c3_m2_s2,
    earth_inclination_deg,
    inclination_deg,
    launch_azimuth_deg,
    launch_site,
    launch_times,
    lowest_inclination_deg,
)
from moonpost.flight.state import State, tdb_seconds
from moonpost.sky.stations import earth_rotation

TLI = State.at("2020-11-23T21:05", [6578e3, 0, 0], [0, 10020.0, 4300.0], centre="earth")


@settings(max_examples=60, deadline=None)
@given(latitude=st.floats(-85.0, 85.0), share=st.floats(0.001, 0.999), north=st.booleans())
def test_azimuths_lead_to_the_inclination_they_were_made_for(latitude: float, share: float, north: bool) -> None:
    wanted = abs(latitude) + share * (180.0 - 2.0 * abs(latitude))
    passing = "ascending" if north else "descending"
    azimuth = launch_azimuth_deg(latitude, wanted, passing=passing)
    assert inclination_deg(latitude, azimuth) == pytest.approx(wanted, abs=1e-6)
    assert (math.cos(math.radians(azimuth)) >= 0.0) == north


def test_over_ground_the_azimuth_lies_more_to_the_pole() -> None:
    # cos(44.98) 7784 m/s north, sin(44.98) 7784 - 408.7 m/s east: by hand
    east, north = 7784.26 * math.sin(math.radians(44.975)) - 465.1 * math.cos(math.radians(28.5)), 5506.5
    assert launch_azimuth_deg(28.5, 51.6, over_ground=True) == pytest.approx(
        math.degrees(math.atan2(east, north)), abs=0.02
    )
    assert launch_azimuth_deg(28.5, 90.0, over_ground=True) > 350.0


@settings(max_examples=25, deadline=None)
@given(node=st.floats(0.0, 6.28), tilt=st.floats(0.37, 2.7), name=st.sampled_from(["Wenchang", "Kourou"]))
def test_the_site_lies_in_the_plane_at_the_times_found(node: float, tilt: float, name: str) -> None:
    out = np.array([math.cos(node), math.sin(node), 0.0])
    across = np.array([-math.sin(node) * math.cos(tilt), math.cos(node) * math.cos(tilt), math.sin(tilt)])
    tli = State(8e8, 6578e3 * out, 10900.0 * across, "earth")
    site = launch_site(name)
    found = launch_times(tli, site)
    assert len(found) in (2, 3)  # three when the day of 24 h holds more than a turn of the stars
    pole = np.cross(out, across)
    for launch in found:
        turn = earth_rotation(np.atleast_1d(tdb_seconds(launch.utc)))[:, :, 0]
        assert abs(float(pole @ (turn.T @ site.fixed))) < 2e-7  # lift-off is told to 1 ms
        assert launch.off_plane_deg == pytest.approx(0.0, abs=1e-6)
        assert 0.0 <= launch.arc_deg < 360.0
        assert launch.inclination_deg == pytest.approx(math.degrees(tilt), abs=0.2)  # J2000 against date
    assert {launch.passing for launch in found} == {"ascending", "descending"}


def test_azimuths_of_a_launch_agree_with_the_formula() -> None:
    site = launch_site("Wenchang")
    for launch in launch_times(TLI, site):
        formula = launch_azimuth_deg(site.geocentric_deg, launch.inclination_deg, passing=launch.passing)
        assert launch.azimuth_deg == pytest.approx(formula, abs=1e-5)
        over = launch_azimuth_deg(
            site.geocentric_deg, launch.inclination_deg, passing=launch.passing, over_ground=True,
            altitude_m=6578e3 - 6378137.0,
        )  # fmt: skip
        assert launch.ground_azimuth_deg == pytest.approx(over, abs=1e-5)


def test_coast_and_ascent_make_up_the_arc() -> None:
    speed = math.sqrt(398600.435507e9 / 6578e3)
    for launch in launch_times(TLI, launch_site("Wenchang"), ascent_s=500.0, ascent_arc_deg=15.0):
        flown = 15.0 + math.degrees(launch.coast_s * speed / 6578e3)
        assert flown % 360.0 == pytest.approx(launch.arc_deg, abs=1e-9)
        assert launch.injection_s == 500.0 + launch.coast_s


def test_a_plane_that_misses_the_site_is_met_once_or_not_at_all() -> None:
    assert launch_times(TLI, launch_site("Plesetsk")) == ()
    near = launch_times(TLI, LaunchSite("near", 23.8, 110.0))
    assert len(near) == 1
    assert 0.2 < abs(near[0].off_plane_deg) < 0.6


def test_limits_of_the_range_are_told() -> None:
    kennedy = launch_site("kennedy")
    assert lowest_inclination_deg(kennedy) == pytest.approx(28.45, abs=0.02)  # geocentric
    assert (kennedy.allows(35.0), kennedy.allows(121.0), kennedy.allows(34.0)) == (True, False, False)
    assert launch_site("Kourou").allows(-5.0)
    assert launch_site("Kourou").allows(355.0)
    steep = LaunchSite("south only", 30.0, 0.0, (150.0, 200.0))
    assert lowest_inclination_deg(steep) == pytest.approx(inclination_deg(steep.geocentric_deg, 150.0))
    assert all(site.source for site in LAUNCH_SITES.values())


def test_energy_and_inclination_of_a_departure() -> None:
    assert c3_m2_s2(TLI) == pytest.approx(10020.0**2 + 4300.0**2 - 2 * 398600.435507e9 / 6578e3)
    assert earth_inclination_deg(TLI) == pytest.approx(math.degrees(math.atan2(4300.0, 10020.0)), abs=0.2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: launch_site("Mars"), "no launch site"),
        (lambda: launch_azimuth_deg(45.0, 30.0), "does not pass over"),
        (lambda: launch_azimuth_deg(math.nan, 30.0), "no latitude"),
        (lambda: launch_azimuth_deg(10.0, math.nan), "make no orbit"),
        (lambda: inclination_deg(10.0, math.inf), "no azimuth"),
        (lambda: LaunchSite("x", 91.0, 0.0), "no place"),
        (lambda: LaunchSite("x", 1.0, 0.0, (90.0, 80.0)), "azimuth_range_deg"),
        (lambda: c3_m2_s2(State(0.0, np.ones(3) * 2e6, np.ones(3))), "centre is the Moon"),
        (lambda: launch_times(TLI, launch_site("Wenchang"), ascent_s=-1.0), "launch_times"),
    ],
)
def test_what_cannot_be_used_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
