"""Shadows of lunar orbits: events against closed forms and against fine sampling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError
from moonpost.flight import (
    LunarOrbit,
    beta_deg,
    contact_share,
    darkness,
    earth_in_view,
    earth_outages,
    longest_umbra_s,
    orbit_light,
)
from moonpost.flight.occultation import Track
from moonpost.flight.orbit import bodies_m
from moonpost.sky import Almanac, times

ALMANAC = Almanac.default()
R = 1737.4e3


def test_a_limb_through_the_centre_leaves_half():
    """The Moon's limb is an arc of 65 deg radius; it cuts the Sun nearly straight."""
    orbit = LunarOrbit(100e3, 100e3, 0.0)
    umbra = darkness(orbit, ALMANAC, "2031-01-01", "2031-01-02")
    penumbra = darkness(orbit, ALMANAC, "2031-01-01", "2031-01-02", edge="penumbra")
    halfway = umbra.start[1:] - (umbra.start[1:] - penumbra.start[1:]) // 2
    assert orbit_light(orbit, ALMANAC, halfway) == pytest.approx(0.5, abs=5e-3)


@settings(max_examples=12, deadline=None)
@given(
    st.floats(80e3, 500e3),
    st.floats(0.0, 8e6),
    st.floats(0.0, 180.0),
    st.floats(0.0, 359.0),
    st.floats(0.0, 359.0),
    st.integers(0, 6900),
)
def test_events_agree_with_sampling(low, more, inclination, argument, node, day):
    """Every minute that is sampled dark lies in an interval, and no lit one does."""
    orbit = LunarOrbit(low, low + more, inclination, argument, node)
    start = np.datetime64("2030-01-01", "ms") + np.timedelta64(day, "D")
    stop = start + np.timedelta64(5, "D")
    t = times(start, stop, step_s=61.0)
    light = orbit_light(orbit, ALMANAC, t)
    found = darkness(orbit, ALMANAC, start, stop)
    index = np.searchsorted(found.start, t, side="right") - 1
    inside = (index >= 0) & (t < found.stop[index]) if len(found) else np.zeros(len(t), bool)
    wrong = inside != (light == 0.0)
    edges = np.concatenate([found.start, found.stop])
    for moment in t[wrong]:
        off_s = np.abs((edges - moment) / np.timedelta64(1, "s")).min() if edges.size else math.inf
        assert off_s < 2.0, f"{moment} is wrong by {off_s} s"


def test_circular_orbit_in_closed_form():
    """Umbra of T/pi acos(cos(asin(R/a) - rho) / cos(beta)), beta at the middle of each shadow.

    The formula holds the Sun still; it moves 0.03 deg in 46 min, which is worth up to 5e-4 of the duration.
    """
    orbit = LunarOrbit(100e3, 100e3, 60.0, node_deg=75.0)
    found = darkness(orbit, ALMANAC, "2031-03-01", "2031-06-01")
    whole = (found.start > found.span[0]) & (found.stop < found.span[1]) & (np.array(found.cause) == "moon")
    middle = found.start[whole] + (found.stop[whole] - found.start[whole]) // 2
    sun = bodies_m(ALMANAC, "sun", middle, orbit.epoch)
    rho = np.arcsin(6.957e8 / np.linalg.norm(sun, axis=1))
    beta = np.radians(beta_deg(orbit, ALMANAC, middle))
    arc = np.arccos(np.cos(math.asin(R / orbit.semi_major_axis_m) - rho) / np.cos(beta))
    assert whole.sum() > 1000
    assert found.duration_s[whole] == pytest.approx(orbit.period_s / math.pi * arc, rel=1e-3)


def test_longest_umbra_bounds_what_happens():
    for orbit in (LunarOrbit(100e3, 100e3, 60.0), LunarOrbit(200e3, 16000e3, 62.4)):
        found = darkness(orbit, ALMANAC, "2030-01-01", "2032-01-01")
        behind_moon = found.duration_s[np.array(found.cause) == "moon"]
        assert behind_moon.max() <= longest_umbra_s(orbit)
    circular = LunarOrbit(300e3, 300e3, 0.0)
    rho = math.asin(6.957e8 / (1.0167 * 149597870700.0))
    arc = math.asin(R / circular.semi_major_axis_m) - rho
    rate = 2.0 * math.pi / circular.period_s - math.radians(1.06) / 86400.0
    assert longest_umbra_s(circular) == pytest.approx(2.0 * arc / rate, rel=1e-9)


def test_longest_umbra_of_an_ellipse_is_reached_through_apolune():
    orbit = LunarOrbit(200e3, 16000e3, 0.0, argument_of_perilune_deg=0.0)
    days = times("2030-01-01", "2031-01-01", step_s=86400.0)
    sun = bodies_m(ALMANAC, "sun", days, orbit.epoch)
    ahead = np.argmax(sun @ orbit.axes()[0] / np.linalg.norm(sun, axis=1))
    found = darkness(orbit, ALMANAC, days[ahead] - np.timedelta64(4, "D"), days[ahead] + np.timedelta64(4, "D"))
    longest = found.duration_s[np.array(found.cause) == "moon"].max()
    assert 0.95 * longest_umbra_s(orbit) < longest <= longest_umbra_s(orbit)


def test_no_shadow_season_of_a_polar_orbit():
    """A polar orbit has months without any shadow, when the Sun stands on its plane's side."""
    orbit = LunarOrbit(100e3, 100e3, 90.0)
    found = darkness(orbit, ALMANAC, "2031-01-01", "2032-01-01")
    behind_moon = found.start[np.array(found.cause) == "moon"]
    assert np.abs(beta_deg(orbit, ALMANAC, behind_moon)).max() < 71.2
    assert found.longest_gap_s() > 20 * 86400
    assert 0.2 < found.share < 0.35
    gap = np.argmax(np.diff(found.start))
    middle = found.start[gap] + (found.start[gap + 1] - found.start[gap]) // 2
    assert abs(beta_deg(orbit, ALMANAC, middle)[0]) > 71.0


def test_penumbra_holds_umbra_and_days_hold_together():
    orbit = LunarOrbit(100e3, 3000e3, 45.0)
    umbra = darkness(orbit, ALMANAC, "2031-01-01", "2031-03-01")
    penumbra = darkness(orbit, ALMANAC, "2031-01-01", "2031-03-01", edge="penumbra")
    assert penumbra.share > umbra.share
    parts = [darkness(orbit, ALMANAC, *ends).duration_s.sum() for ends in
             (("2031-01-01", "2031-02-01"), ("2031-02-01", "2031-03-01"))]  # fmt: skip
    assert sum(parts) == pytest.approx(umbra.duration_s.sum(), abs=0.1)
    assert umbra.to_dict()["intervals"] == len(umbra)
    assert sum(row["intervals"] for row in umbra.by_year()) == len(umbra)


def test_earth_outages_agree_with_sampling():
    orbit = LunarOrbit(100e3, 100e3, 90.0, node_deg=20.0)
    t = times("2031-01-01", "2031-01-29", step_s=97.0)
    seen = earth_in_view(orbit, ALMANAC, t)
    assert earth_outages(orbit, ALMANAC, "2031-01-01", "2031-01-29").share == pytest.approx(
        (seen == 0.0).mean(), abs=2e-3
    )
    assert contact_share(orbit, ALMANAC, "2031-01-01", "2031-01-29") == pytest.approx(
        (seen == 1.0).mean(), abs=2e-3
    )


def test_an_orbit_always_in_view():
    """Twice in a month the Earth stands above the plane of a polar orbit and is never hidden."""
    orbit = LunarOrbit(100e3, 100e3, 90.0)
    t = times("2031-01-01", "2031-01-29", step_s=3600.0)
    above = np.abs(bodies_m(ALMANAC, "earth", t, orbit.epoch) @ orbit.axes()[2])
    best = t[np.argmax(above)]
    day = np.timedelta64(6, "h")
    assert contact_share(orbit, ALMANAC, best - day, best + day) == 1.0
    assert earth_outages(orbit, ALMANAC, best - day, best + day).longest() is None


def test_the_track_is_the_almanac():
    orbit = LunarOrbit(100e3, 100e3, 0.0)
    t = times("2031-01-01", "2031-02-01", step_s=4321.0)
    seconds = (t - orbit.epoch) / np.timedelta64(1, "ms") / 1000.0
    for body, limit in (("sun", 1e-8), ("earth", 2e-6)):
        track = Track.of(ALMANAC, body, orbit, float(seconds[0]), float(seconds[-1]))
        exact = bodies_m(ALMANAC, body, t, orbit.epoch)
        off = np.linalg.norm(track.at(seconds) - exact, axis=1) / np.linalg.norm(exact, axis=1)
        assert off.max() < limit


def test_dates_that_cannot_be():
    orbit = LunarOrbit(100e3, 100e3, 0.0)
    with pytest.raises(DateError, match="not after"):
        darkness(orbit, ALMANAC, "2031-01-02", "2031-01-01")
    with pytest.raises(DateError):
        orbit_light(orbit, ALMANAC, "2200-01-01")
