"""Landing opportunities: passes and planes, criteria met beside plain loops, reasons where there are none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.elements import placed
from moonpost.flight.environment import Environment
from moonpost.flight.landing import LandingCriteria, landing_opportunities
from moonpost.flight.landinglight import (
    SiteSky,
    flown_positions,
    level_sight,
    relay_positions,
    slope_elevation_deg,
)
from moonpost.flight.orbit import LunarOrbit
from moonpost.flight.passes import ground_speed, nodes_over, orbit_passes, plane_change_m_s
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky import Almanac, Site
from moonpost.sky.events import sun_crossings
from moonpost.sky.site import MOON_RADIUS_M

MARE = Site(43.06, -51.92)
POLE = Site(-88.8, 123.4)
MONTH = ("2030-01-01", "2030-01-29")
HOUR = np.timedelta64(3600, "s")


def days(apart) -> float:
    return float(apart / np.timedelta64(1, "ms")) / 86400e3


@pytest.fixture(scope="module")
def polar(almanac: Almanac):
    return orbit_passes(almanac, MARE, *MONTH, node_deg=20.0)


def test_a_plane_meets_a_site_twice_a_month(almanac, polar):
    crossings = polar.crossings()
    assert len(crossings) == 2
    assert days(crossings[1][0] - crossings[0][0]) == pytest.approx(27.32 / 2, abs=0.8)
    equator = orbit_passes(almanac, Site(0.0, 10.0), *MONTH, node_deg=100.0, degree=8)
    for _, rate in equator.crossings():
        assert abs(rate) == pytest.approx(13.2, abs=0.25)
    for _, rate in crossings:
        assert abs(rate) == pytest.approx(13.2 * np.cos(np.radians(43.06)), abs=0.4)


def test_passes_follow_the_period_and_lie_abeam(polar):
    apart = np.diff(polar.time) / np.timedelta64(1, "ms") / 1e3
    period = LunarOrbit(100e3, 100e3, 90.0).period_s
    assert np.median(apart) == pytest.approx(period, abs=15.0)
    assert apart.max() - apart.min() < 0.02 * period
    near = np.abs(polar.cross_deg) < 5.0
    north = np.abs((polar.heading_deg[near] + 90.0) % 180.0 - 90.0)
    assert north.max() < 8.0
    assert polar.plane_change_m_s == pytest.approx(plane_change_m_s(polar.cross_deg, 100e3))


def test_passes_are_the_nearest_points_of_the_orbit(almanac):
    passes = orbit_passes(almanac, MARE, "2030-01-01", "2030-01-02", node_deg=-60.0, degree=10)
    env = Environment.make(almanac, "2030-01-01", "2030-01-02", degree=10)
    flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0, node_deg=-60.0), "2030-01-02", env)
    elapsed, states = flown.sampled(5.0)
    up = np.einsum("nji,j->ni", env.rotation(flown.start.time_tdb_s + elapsed), MARE.basis[2])
    away = np.degrees(np.arccos(np.einsum("ni,ni->n", up, states[:, :3]) / np.linalg.norm(states[:, :3], axis=1)))
    least = np.flatnonzero((away[1:-1] < away[:-2]) & (away[1:-1] < away[2:])) + 1
    assert len(least) == len(passes)
    told = (passes.time - np.datetime64("2030-01-01", "ms")) / np.timedelta64(1, "s")
    # The site moves by 0.5 deg an hour, so the nearest instant is not to the second that at which it lies abeam.
    assert told == pytest.approx(elapsed[least], abs=12.0)
    assert np.abs(passes.cross_deg) == pytest.approx(away[least], abs=0.02)


def test_a_degree_of_plane_costs_what_is_published():
    assert float(plane_change_m_s(1.0, 100e3)) == pytest.approx(28.5, abs=0.05)
    assert plane_change_m_s([-1.0, 1.0], 100e3).tolist() == pytest.approx([28.51, 28.51], abs=0.01)


@pytest.mark.parametrize("inclination", [90.0, 60.0, 130.0])
@pytest.mark.parametrize("way", [0, 1])
def test_a_node_told_brings_the_plane_over_the_site_on_the_day(almanac, inclination, way):
    wanted = np.datetime64("2030-01-12T09:00", "ms")
    node = nodes_over(MARE, wanted, "2030-01-01", inclination_deg=inclination)[way]
    passes = orbit_passes(almanac, MARE, *MONTH, node_deg=node, inclination_deg=inclination)
    nearest = np.argmin(np.abs(passes.time - wanted))
    assert abs(passes.cross_deg[nearest]) < 1.0
    # North or south: over the site the heading says which.
    assert (np.cos(np.radians(passes.heading_deg[nearest])) > 0.0) == (way == 0)


def test_nodes_of_an_inclination_below_the_latitude_are_refused():
    with pytest.raises(InputError, match="below the latitude"):
        nodes_over(MARE, "2030-01-12", "2030-01-01", inclination_deg=40.0)
    edge = nodes_over(Site(40.0, 10.0), "2030-01-01", "2030-01-01", inclination_deg=40.0)
    assert edge == pytest.approx((-80.0, -80.0), abs=1e-3)


def test_the_ground_moves_east():
    assert ground_speed(Site(0.0, 0.0), 90.0) == pytest.approx(4.62, abs=0.01)
    assert ground_speed(Site(60.0, 0.0), 270.0) == pytest.approx(-2.31, abs=0.01)
    assert ground_speed(POLE, 0.0) == 0.0


def test_a_low_inclination_never_reaches_the_site(almanac):
    passes = orbit_passes(almanac, MARE, *MONTH, inclination_deg=20.0, degree=4)
    assert np.abs(passes.cross_deg).min() > 22.0
    found = landing_opportunities(almanac, MARE, *MONTH, LandingCriteria(), passes=passes)
    assert not found.windows
    assert any("never passes over latitude 43.06" in reason for reason in found.reasons)
    assert any("comes no nearer than 2" in reason for reason in found.reasons)
    free = landing_opportunities(almanac, MARE, *MONTH, LandingCriteria(), inclination_deg=20.0)
    assert not free.windows
    assert landing_opportunities(almanac, MARE, *MONTH, LandingCriteria(), inclination_deg=139.5).windows == ()
    steep = landing_opportunities(almanac, MARE, *MONTH, LandingCriteria(), inclination_deg=139.4)
    assert len(steep.windows) == 1
    assert steep.windows[0].plane_change_deg == pytest.approx(43.06 - 40.6)


def test_windows_of_the_sun_end_where_it_crosses_the_limits(almanac):
    span = ("2030-01-01", "2030-01-31")
    found = landing_opportunities(almanac, MARE, *span, LandingCriteria(sun_deg=(5.0, 20.0)))
    edges = sorted(time for limit in (5.0, 20.0) for time in sun_crossings(almanac, MARE, *span, limit).time)
    told = [edge for window in found.windows for edge in (window.start, window.stop)]
    assert len(told) == len(edges) == 4
    for mine, exact in zip(told, edges, strict=True):
        assert abs(days(mine - exact)) <= 600.0 / 86400.0
    assert all(5.0 <= window.sun_elevation_deg <= 20.0 for window in found.windows)


def test_each_accepted_pass_meets_every_criterion_and_the_others_do_not(almanac, polar):
    asked = LandingCriteria(sun_deg=(2.0, 40.0), lit_days=4.0, earth_days=3.0, most_plane_change_deg=20.0)
    found = landing_opportunities(almanac, MARE, *MONTH, asked, passes=polar)
    for k in range(0, len(polar), 7):
        time = polar.time[k]
        after = time + HOUR * np.arange(0, 4 * 24)
        meets = (
            2.0 <= almanac.sun(MARE, time).elevation_deg[0] <= 40.0
            and (almanac.sun(MARE, after).elevation_deg > 0.0).all()
            and (almanac.earth(MARE, after[:72]).elevation_deg > 0.0).all()
            and abs(polar.cross_deg[k]) <= 20.0
        )
        assert bool(found.accepted[k]) == bool(meets), str(time)
    assert found.accepted.any()
    assert sum(window.passes for window in found.windows) == found.accepted.sum()
    best = found.windows[0]
    rows = (polar.time >= best.start) & (polar.time <= best.stop)
    assert best.plane_change_deg == pytest.approx(np.abs(polar.cross_deg[rows]).min())


def test_light_lasts_until_the_sun_sets(almanac):
    sky = SiteSky.make(almanac, MARE, "2030-01-20", "2030-02-10")
    sets = sun_crossings(almanac, MARE, "2030-01-20", "2030-02-10").sets[0]
    assert sky.lit_days()[0] == pytest.approx(days(sets - sky.time[0]), abs=2e-4)
    assert sky.lit_days()[np.searchsorted(sky.time, sets) + 1] == 0.0
    assert sky.earth_days()[0] == pytest.approx(days(sky.time[-1] - sky.time[0]))
    between = sky.time[:1] + 90 * (HOUR // 60)
    assert sky.left_days(sky.lit_days(), between)[0] == pytest.approx(days(sets - between[0]), abs=2e-4)


def test_near_a_pole_the_sun_is_never_high_and_the_reasons_say_what_to_ask(almanac):
    found = landing_opportunities(almanac, POLE, *MONTH, LandingCriteria(sun_deg=(5.0, 20.0), earth_days=3.0))
    assert not found.windows
    assert 2.4 < found.highest_sun_deg < 2.85
    told = found.reasons[0]
    assert "never reaches 5 deg" in told
    assert "days of light" in told
    assert "a slope that faces it" in told
    assert "_deg" not in told
    lit = landing_opportunities(almanac, POLE, *MONTH, LandingCriteria(lit_days=3.0))
    assert lit.windows
    assert all(window.lit_days >= 3.0 for window in lit.windows)
    slope = LandingCriteria(sun_deg=(5.0, 20.0), slope_deg=8.0, slope_azimuth_deg=0.0)
    sloped = landing_opportunities(almanac, POLE, *MONTH, slope)
    assert sloped.windows
    assert all(5.0 <= window.slope_sun_deg <= 20.0 and window.lit_days > 0 for window in sloped.windows)


def test_slopes_turn_the_sun_by_vectors(almanac):
    sun = almanac.sun(POLE, np.datetime64("2030-01-05", "ms") + HOUR * np.arange(0, 700, 7))
    up, off = np.radians(sun.elevation_deg), np.radians(sun.azimuth_deg)
    towards = np.stack([np.cos(up) * np.sin(off), np.cos(up) * np.cos(off), np.sin(up)], axis=1)
    steep, faces = np.radians([15.0, 200.0])
    normal = np.array([np.sin(steep) * np.sin(faces), np.sin(steep) * np.cos(faces), np.cos(steep)])
    assert slope_elevation_deg(sun, 15.0, 200.0) == pytest.approx(np.degrees(np.arcsin(towards @ normal)))
    assert slope_elevation_deg(sun, 0.0, 77.0) == pytest.approx(sun.elevation_deg)


def test_a_horizon_hides_the_sun_and_the_earth(almanac):
    def hills(body):
        return level_sight(dataclasses.replace(body, elevation_deg=body.elevation_deg - 1.0))

    plain, behind = (
        landing_opportunities(almanac, POLE, *MONTH, LandingCriteria(earth_days=3.0), sight=sight)
        for sight in (level_sight, hills)
    )
    assert 0 < behind.accepted.sum() < plain.accepted.sum()


def test_a_relay_fills_the_earths_absence_if_gaps_are_allowed(almanac):
    far = Site(-41.64, -153.99)
    orbit = LunarOrbit(200e3, 16000e3, 62.4, 90.0, 0.0, np.datetime64("2030-01-01", "ms"))
    relay = relay_positions(almanac, orbit)
    for gap, expected in ((0.0, False), (12.0, True)):
        asked = LandingCriteria(earth_days=3.0, gap_h=gap)
        found = landing_opportunities(almanac, far, *MONTH, asked, relay=relay)
        assert bool(found.windows) is expected
    alone = landing_opportunities(almanac, far, *MONTH, LandingCriteria(earth_days=3.0, gap_h=12.0))
    assert not alone.windows
    assert any("the longest lasts 0.00 d" in reason for reason in alone.reasons)
    assert any("Earth or relay: met by 0" in reason for reason in alone.reasons)
    sky = SiteSky.make(almanac, far, *MONTH, relay=relay)
    assert 0.4 < sky.relay.mean() < 0.95


def test_a_flown_relay_is_the_ellipse_for_days_and_another_after_weeks(almanac):
    orbit = LunarOrbit(200e3, 16000e3, 62.4, 90.0, 120.0, np.datetime64("2030-01-01", "ms"))
    env = Environment.make(almanac, "2030-01-01", "2030-03-01", degree=8)
    start = placed(
        env, "2030-01-01", orbit.semi_major_axis_m, orbit.eccentricity, 62.4, 120.0, 90.0, 0.0, "equator"
    )
    flown = propagate(start, "2030-03-01", env)
    assert flown.ended == "time"
    time = np.array(["2030-01-01T00:00", "2030-01-01T12:00", "2030-02-25T00:00"], "datetime64[ms]")
    apart = relay_positions(almanac, orbit)(time) - flown_positions(flown)(time)
    apart_m = np.linalg.norm(apart, axis=1)
    assert apart_m[0] < 1.0
    assert apart_m[1] < 100e3
    assert apart_m[2] > 1000e3
    with pytest.raises(DateError):
        flown_positions(flown)(np.array(["2030-03-02"], "datetime64[ms]"))
    bare = propagate(start, "2030-01-02", env, dense=False)
    with pytest.raises(InputError, match="dense"):
        flown_positions(bare)
    with pytest.raises(ModelError, match="breaks off"):
        flown_positions(dataclasses.replace(flown, ended="not finite"))


def test_a_relay_is_out_of_sight_from_its_impact_on(almanac):
    env = Environment.make(almanac, "2030-01-01", "2030-01-11", degree=8)
    low = placed(env, "2030-01-01", MOON_RADIUS_M + 8100e3, 0.8031, 62.4, 0.0, 90.0, 0.0, "equator")
    flown = propagate(low, "2030-01-11", env)
    assert flown.impact is not None
    sky = SiteSky.make(almanac, Site(-80.0, 0.0), "2030-01-01", "2030-01-10", relay=flown_positions(flown))
    before = sky.time <= flown.final.utc
    assert 0.3 < sky.relay[before].mean() < 1.0
    assert (~before).sum() > 500
    assert not sky.relay[~before].any()


def test_gaps_are_counted_by_their_whole_length(almanac):
    sky = SiteSky.make(almanac, POLE, *MONTH)
    earth = np.ones(len(sky.time))
    earth[100:130] = 0.0
    cut = dataclasses.replace(sky, earth=earth)
    assert cut.contact_days(4.9)[90] == pytest.approx(10 * 600 / 86400, abs=600 / 86400)
    assert cut.contact_days(5.0)[90] > 20.0
    assert cut.contact_days(4.9)[110] == 0.0


def test_criteria_that_exclude_each_other_are_told(almanac, polar):
    noon = LandingCriteria(sun_deg=(44.0, 60.0), most_plane_change_deg=1.0)
    found = landing_opportunities(almanac, MARE, *MONTH, noon, passes=polar)
    assert not found.windows
    assert any(reason.startswith("Sun: met by") for reason in found.reasons)
    assert any("never all at once" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    "words",
    [
        {"sun_deg": (20.0, 5.0)},
        {"sun_deg": (5.0, float("nan"))},
        {"sun_deg": (5.0,)},
        {"earth_days": -1.0},
        {"lit_days": float("inf")},
        {"slope_deg": 90.0},
        {"most_plane_change_deg": -1.0},
    ],
)
def test_criteria_of_no_use_are_refused(words):
    with pytest.raises(InputError):
        LandingCriteria(**words)


def test_dates_and_orbits_of_no_use_are_refused(almanac):
    with pytest.raises(DateError):
        landing_opportunities(almanac, MARE, "2030-02-01", "2030-01-01", LandingCriteria())
    with pytest.raises(DateError):
        landing_opportunities(almanac, MARE, "2199-01-01", "2199-02-01", LandingCriteria())
    with pytest.raises(DateError):
        orbit_passes(almanac, MARE, "2030-02-01", "2030-01-01")
    with pytest.raises(InputError):
        orbit_passes(almanac, MARE, *MONTH, inclination_deg=200.0)
    with pytest.raises(InputError):
        orbit_passes(almanac, "mare", *MONTH)
    with pytest.raises(InputError):
        SiteSky.make(almanac, MARE, *MONTH, sight=lambda body: np.zeros(3))
    with pytest.raises(InputError):
        SiteSky.make(almanac, MARE, *MONTH, relay=lambda time: np.zeros((2, 3)))
    with pytest.raises(ModelError, match="impact"):
        orbit_passes(almanac, MARE, *MONTH, altitude_m=8e3, hold_days=20.0)
