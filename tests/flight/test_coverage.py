"""Contacts: closed forms, horizons, ground stations against the almanac, sets of intervals, what is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.coverage import (
    Contacts,
    EarthView,
    Path,
    SiteView,
    StationView,
    at_least,
    contacts,
    contacts_in_legs,
    fly_satellites,
    intersection,
    joined,
    union,
)
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac, GroundStation, Site
from moonpost.sky.site import MOON_RADIUS_M

START = "2030-01-01"


@pytest.fixture(scope="module")
def kepler(almanac: Almanac) -> Environment:
    """The Moon alone, as a point."""
    return Environment.make(almanac, START, "2030-01-08", degree=0, bodies=())


@pytest.fixture(scope="module")
def polar(kepler: Environment) -> Trajectory:
    return propagate(State.circling(kepler, START, 100e3, 90.0), "2030-01-03", kepler)


def turning(flown: Trajectory) -> float:
    """Angle a second of a circular flight."""
    return math.sqrt(flown.env.gm_m3_s2["moon"] / float(np.linalg.norm(flown.start.position_m)) ** 3)


@pytest.mark.parametrize("mask", [0.0, 5.0, 30.0, -2.0])
def test_passes_over_the_pole_are_as_long_as_the_arc(polar: Trajectory, mask: float) -> None:
    seen = contacts(polar, SiteView(Site(-90.0, 0.0), mask))
    low = math.radians(mask)
    arc = math.acos(MOON_RADIUS_M * math.cos(low) / (MOON_RADIUS_M + 100e3)) - low
    # The pole wanders by 0.1 deg of the inertial plane in two days.
    assert len(seen) == 24
    assert seen.duration_s == pytest.approx(2.0 * arc / turning(polar), abs=0.05)
    middle = 0.5 * (seen.start_tdb_s + seen.stop_tdb_s)
    assert np.diff(middle) == pytest.approx(2.0 * math.pi / turning(polar), abs=0.05)


def test_the_earth_is_hidden_for_the_arc_behind_the_moon(kepler: Environment) -> None:
    earth = kepler.body_m("earth", kepler.span_tdb_s[0])[0]
    distance = float(np.linalg.norm(earth))
    outward = earth / distance
    aside = np.cross(outward, [0.0, 0.0, 1.0])
    up = np.cross(aside / np.linalg.norm(aside), outward)
    radius = MOON_RADIUS_M + 300e3
    speed = math.sqrt(kepler.gm_m3_s2["moon"] / radius)
    flown = propagate(State(kepler.span_tdb_s[0], radius * outward, speed * up), dt.timedelta(hours=3), kepler)
    hidden = contacts(flown, EarthView()).gaps()
    arc = math.pi - math.acos(MOON_RADIUS_M / radius) - math.acos(MOON_RADIUS_M / distance)
    # The Earth moves by 0.5 deg an hour, nearly at right angles to the plane of the flight.
    assert len(hidden) == 1
    assert hidden.duration_s[0] == pytest.approx(2.0 * arc / turning(flown), abs=3.0)


def test_a_short_pass_between_the_samples_is_found(polar: Trajectory) -> None:
    """A pass whose highest elevation is hardly over the mask lasts seconds."""
    view = SiteView(Site(-90.0, 0.0), 89.0)
    seen = contacts(polar, view)
    assert len(seen) == 24
    assert seen.duration_s.max() < 4.0


@settings(max_examples=20, deadline=None)
@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0), st.floats(0.0, 30.0))
def test_ends_of_contacts_lie_on_the_horizon(polar, latitude: float, longitude: float, mask: float) -> None:
    view = SiteView(Site(latitude, longitude), mask)
    seen = contacts(polar, view)
    ends = np.concatenate([seen.start_tdb_s, seen.stop_tdb_s])
    ends = ends[(ends > seen.span_tdb_s[0]) & (ends < seen.span_tdb_s[1])]
    states = polar.at_elapsed(ends - polar.start.time_tdb_s)
    assert np.abs(view.margin_rad(polar.env, ends, states)).max(initial=0.0) < 1e-6
    for part, sign in ((seen, 1.0), (seen.gaps(), -1.0)):
        middle = 0.5 * (part.start_tdb_s + part.stop_tdb_s)[part.duration_s > 2.0]
        inside = view.margin_rad(polar.env, middle, polar.at_elapsed(middle - polar.start.time_tdb_s))
        assert (sign * inside > 0.0).all()


def test_a_terrain_horizon_cuts_the_azimuths_it_stands_on(polar: Trajectory) -> None:
    site = Site(-85.0, 0.0)
    azimuth = np.arange(0.0, 360.0, 10.0)
    wall = np.where((azimuth > 90.0) & (azimuth < 270.0), 40.0, 0.0)
    bare, walled = (
        contacts(polar, SiteView(site, 2.0)),
        contacts(polar, SiteView(site, 2.0, azimuth, wall)),
    )
    assert walled.share < bare.share
    assert intersection([bare, walled]).share == pytest.approx(walled.share, rel=1e-9)
    flat = contacts(polar, SiteView(site, 2.0, azimuth, np.full(36, -5.0)))
    assert flat.start_tdb_s == pytest.approx(bare.start_tdb_s)


@pytest.mark.parametrize("day", ["2030-01-02T03:00", "2030-01-05T18:00", "2030-01-07T23:00"])
def test_stations_stand_where_the_almanac_puts_them(almanac: Almanac, kepler: Environment, day: str) -> None:
    """A satellite at a site's place: light time is in both, aberration and refraction in neither or left out."""
    site, station = Site(0.0, 0.0), GroundStation("Kashi", 38.4214, 76.7144, 1300.0)
    tdb = kepler.tdb_s(day).ravel()
    place = kepler.rotation(tdb)[0].T @ site.position_m * 1.001
    margin = StationView(station, 0.0).margin_rad(kepler, tdb, np.concatenate([place, np.zeros(3)])[None])
    apparent = almanac.station(site, station, day).moon_elevation_deg[0]
    # 0.006 deg of aberration, 0.005 deg of the Earth's turn in the light time: one counts at the Moon.
    assert math.degrees(margin[0]) == pytest.approx(apparent, abs=0.015)


def test_paths_are_what_all_their_views_share(polar: Trajectory) -> None:
    views = SiteView(Site(-89.5, 10.0)), EarthView(), StationView(GroundStation("Kashi", 38.42, 76.71))
    whole = contacts(polar, Path(views))
    parts = intersection([contacts(polar, view) for view in views])
    assert len(whole) > 3
    assert whole.start_tdb_s == pytest.approx(parts.start_tdb_s, abs=1e-3)
    assert whole.stop_tdb_s == pytest.approx(parts.stop_tdb_s, abs=1e-3)


def test_legs_join_to_the_whole(kepler: Environment, polar: Trajectory) -> None:
    views = [SiteView(Site(-90.0, 0.0)), EarthView()]
    stop = polar.final.time_tdb_s
    parts = contacts_in_legs(polar.start, stop, kepler, views, leg_days=0.13, rtol=1e-12)
    for part, view in zip(parts, views, strict=True):
        whole = contacts(polar, view)
        assert part.start_tdb_s == pytest.approx(whole.start_tdb_s, abs=1e-3)
        assert part.stop_tdb_s == pytest.approx(whole.stop_tdb_s, abs=1e-3)
        assert part.span_tdb_s == pytest.approx(whole.span_tdb_s)
    with pytest.raises(InputError):
        contacts_in_legs(polar.start, stop, kepler, [])
    with pytest.raises(InputError):
        contacts_in_legs(polar.start, stop, kepler, views, leg_days=math.nan)
    with pytest.raises(InputError):
        contacts_in_legs(polar.final, polar.start.time_tdb_s, kepler, views)
    with pytest.raises(InputError):
        joined([parts[0], parts[0]])
    none = Contacts(np.array([]), np.array([]), (0.0, 1.0))
    assert len(joined([none])) == 0
    falling = State.circling(kepler, START, 0.0, 90.0, apolune_altitude_m=50e3)
    with pytest.raises(ModelError, match="impact"):
        contacts_in_legs(falling.with_velocity(0.99 * falling.velocity_m_s), stop, kepler, views)


def test_contacts_of_a_flight_that_came_down_are_refused(kepler: Environment) -> None:
    falling = State.circling(kepler, START, 0.0, 90.0, apolune_altitude_m=50e3)
    falling = falling.with_velocity(0.99 * falling.velocity_m_s)
    flown = propagate(falling, "2030-01-02", kepler)
    assert flown.impact is not None
    with pytest.raises(ModelError, match=r"ends after 0\.\d+ d: impact on the Moon"):
        contacts(flown, EarthView())
    broken = dataclasses.replace(flown, ended="step too short")
    with pytest.raises(ModelError, match="step too short"):
        contacts(broken, EarthView())


def test_a_flight_that_an_event_ended_keeps_its_span(kepler: Environment, polar: Trajectory) -> None:
    ended = propagate(polar.start, "2030-01-02", kepler, events=[apsides().only("apolune").ending()])
    assert ended.ended == "apolune"
    assert contacts(ended, EarthView()).span_tdb_s == (ended.start.time_tdb_s, ended.final.time_tdb_s)


def test_backward_flights_see_the_same(kepler: Environment, polar: Trajectory) -> None:
    back = propagate(polar.final, polar.start.time_tdb_s, kepler)
    view = SiteView(Site(-70.0, 20.0))
    ahead, behind = contacts(polar, view), contacts(back, view)
    assert behind.start_tdb_s == pytest.approx(ahead.start_tdb_s, abs=1e-3)


def test_several_satellites_leave_shorter_gaps(kepler: Environment) -> None:
    one = State.circling(kepler, START, 500e3, 90.0)
    other = State(one.time_tdb_s, -one.position_m, -one.velocity_m_s)
    flown = fly_satellites([one, other], "2030-01-02", kepler)
    parts = [contacts(flight, SiteView(Site(-90.0, 0.0))) for flight in flown]
    assert union(parts).share == pytest.approx(sum(part.share for part in parts), rel=1e-6)
    assert union(parts).longest_gap_s < 0.5 * parts[0].longest_gap_s
    assert at_least(parts, 2).share == 0.0


@given(st.lists(st.lists(st.integers(0, 100), max_size=8).map(sorted), min_size=1, max_size=5), st.integers(1, 5))
def test_sets_of_intervals_count_as_seconds_do(edges: list[list[int]], count: int) -> None:
    parts = []
    for row in edges:
        row = sorted(set(row))
        row = row[: len(row) // 2 * 2]
        parts.append(Contacts(np.array(row[::2], float), np.array(row[1::2], float), (0.0, 100.0)))
    count = min(count, len(parts))
    inside = np.zeros(100, dtype=int)
    for part in parts:
        for start, stop in zip(part.start_tdb_s, part.stop_tdb_s, strict=True):
            inside[int(start) : int(stop)] += 1
    found = at_least(parts, count)
    assert found.duration_s.sum() == (inside >= count).sum()
    assert (found.stop_tdb_s > found.start_tdb_s).all()
    assert (found.start_tdb_s[1:] > found.stop_tdb_s[:-1]).all()
    assert found.gaps().duration_s.sum() == pytest.approx(100.0 - found.duration_s.sum())


def test_the_summary_of_no_contact_and_of_no_gap() -> None:
    none = Contacts(np.array([]), np.array([]), (0.0, 86400.0))
    assert none.summary()["share"] == 0.0
    assert none.longest_gap_s == 86400.0
    assert none.mean_wait_s == 43200.0
    whole = none.gaps()
    assert whole.share == 1.0
    assert whole.summary()["longest_gap_s"] == 0.0


def test_what_cannot_be_seen_is_refused(kepler: Environment, polar: Trajectory) -> None:
    site = Site(-89.5, 0.0)
    for options in (
        {"mask_deg": math.nan}, {"mask_deg": 90.0}, {"azimuth_deg": [0.0, 90.0]},
        {"azimuth_deg": [0.0, 90.0], "elevation_deg": [1.0]},
        {"azimuth_deg": [90.0, 0.0], "elevation_deg": [1.0, 1.0]},
        {"azimuth_deg": [0.0, math.nan], "elevation_deg": [1.0, 1.0]},
        {"azimuth_deg": [0.0, 360.0], "elevation_deg": [1.0, 1.0]},
        {"azimuth_deg": [0.0, 90.0], "elevation_deg": [1.0, 91.0]},
    ):  # fmt: skip
        with pytest.raises(InputError):
            SiteView(site, **options)
    with pytest.raises(InputError):
        SiteView((-89.5, 0.0))  # type: ignore[arg-type]
    with pytest.raises(InputError):
        EarthView(math.inf)
    with pytest.raises(InputError):
        StationView(GroundStation("x", 0.0, 0.0), math.nan)
    with pytest.raises(InputError):
        StationView(dataclasses.make_dataclass("Place", ["latitude_deg", "longitude_deg", "height_m"])(99, 0, 0))
    with pytest.raises(InputError):
        Path(())
    with pytest.raises(InputError, match="dense"):
        contacts(propagate(polar.start, "2030-01-01T01:00", kepler, dense=False), EarthView())
    one = Contacts(np.array([0.0]), np.array([1.0]), (0.0, 10.0))
    with pytest.raises(DateError):
        union([one, Contacts(np.array([0.0]), np.array([1.0]), (0.0, 11.0))])
    with pytest.raises(InputError):
        at_least([one], 2)
    with pytest.raises(InputError):
        fly_satellites([], START, kepler)
