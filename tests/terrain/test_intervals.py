"""Light and darkness over a period, against plain loops over time."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import DateError, InputError
from moonpost.sky import Apparent, Site, times
from moonpost.terrain import (
    HorizonProfile,
    darkness_intervals,
    earth_visibility,
    illumination,
    light_statistics,
    spells,
)
from moonpost.terrain.profiles import shipped_profile

MINUTE = np.timedelta64(60, "s")
RIDGE = Site(-89.53432, 209.94767, 1651.0)


def rough(site: Site, seed: int, spread: float = 0.4, middle: float = 0.3) -> HorizonProfile:
    """Horizon with spikes and notches at every azimuth."""
    values = np.random.default_rng(seed).normal(middle, spread, 720)
    return HorizonProfile(np.arange(720) * 0.5, values, np.zeros(720), site, 2.0, "site", {})


def runs(seen: np.ndarray) -> list[tuple[int, int]]:
    """First and one-past-last index of each run of True."""
    edge = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(int)))
    return list(zip(edge[::2], edge[1::2], strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_against_a_loop_over_minutes(almanac, seed):
    profile = rough(RIDGE, seed)
    start, stop = "2030-04-20", "2030-06-01"
    t = times(start, stop, 60.0)
    share = illumination(profile, almanac.sun(RIDGE, t))
    found = light_statistics(profile, almanac, start, stop)
    dark = runs(share == 0.0)
    assert len(dark) > 3, "the case must have several nights"
    spans = [spell for spell in darkness_intervals(profile, almanac, start, stop) if spell.duration_d > 0.01]
    loop = [(t[a], t[b - 1]) for a, b in dark if b - a > 15]
    assert len(spans) == len(loop)
    for spell, (first, last) in zip(spans, loop, strict=True):
        assert abs(spell.start - first) <= MINUTE
        assert abs(spell.stop - last) <= MINUTE
    assert found.average_illumination == pytest.approx(share.mean(), abs=2e-4)
    assert found.percent_lit == pytest.approx((share > 0).mean(), abs=2e-4)
    assert found.average_illumination < found.percent_lit
    assert found.longest_dark_d == pytest.approx(max(b - a for a, b in dark) / 1440.0, abs=2.5 / 1440.0)
    seen = earth_visibility(profile, almanac.earth(RIDGE, t))
    assert found.earth_visible == pytest.approx((seen > 0).mean(), abs=2e-4)
    assert found.average_earth_disc == pytest.approx(seen.mean(), abs=2e-4)
    both = runs((seen == 0) & (share == 0))
    longest = max((b - a for a, b in both), default=0) / 1440.0
    assert found.longest_dark_without_earth_d == pytest.approx(longest, abs=2.5 / 1440.0)


def test_a_glimpse_between_samples_is_not_missed(almanac):
    """One notch in a wall lets the Sun's rim through for minutes, far from any hourly sample."""
    t = times("2030-02-10", "2030-02-20", 10.0)
    sun = almanac.sun(RIDGE, t)
    middle = len(t) // 2 + 173
    azimuth = round(float(sun.azimuth_deg[middle]) * 2) / 2
    level = float(sun.elevation_deg[middle])

    def notched(depth: float) -> HorizonProfile:
        values = np.full(720, 10.0)
        values[int(azimuth * 2) % 720] = level + depth
        return HorizonProfile(np.arange(720) * 0.5, values, np.zeros(720), RIDGE, 2.0, "site", {})

    low, high = -1.0, 1.0
    for _ in range(30):
        depth = 0.5 * (low + high)
        seen = illumination(notched(depth), sun) > 0
        low, high = (depth, high) if seen.sum() > 24 else (low, depth)
    profile = notched(low)
    seen = runs(illumination(profile, sun) > 0)
    assert len(seen) == 1
    assert 12 <= seen[0][1] - seen[0][0] < 60, "minutes of light at most"
    dark = darkness_intervals(profile, almanac, "2030-02-10", "2030-02-20")
    assert len(dark) == 2
    assert abs(dark[0].stop - t[seen[0][0]]) <= MINUTE
    assert abs(dark[1].start - t[seen[0][1]]) <= MINUTE


def test_a_short_shadow_between_samples_is_not_missed(almanac):
    t = times("2030-02-10", "2030-02-20", 10.0)
    sun = almanac.sun(RIDGE, t)
    values = np.full(720, -10.0)
    k = round(float(sun.azimuth_deg[len(t) // 2 + 173]) * 2)
    values[k - 1 : k + 2] = 10.0
    profile = HorizonProfile(np.arange(720) * 0.5, values, np.zeros(720), RIDGE, 2.0, "site", {})
    loop = runs(illumination(profile, sun) == 0)
    dark = darkness_intervals(profile, almanac, "2030-02-10", "2030-02-20")
    assert len(dark) == len(loop) == 1
    assert abs(dark[0].start - t[loop[0][0]]) <= MINUTE
    assert dark[0].duration_d == pytest.approx((loop[0][1] - loop[0][0]) / 8640.0, abs=1.0 / 1440.0)


@pytest.mark.parametrize("latitude", [-89.5, 89.5])
def test_polar_night_without_a_sun_for_months(almanac, latitude):
    site = Site(latitude, 30.0)
    profile = HorizonProfile.flat(site, elevation_deg=0.5)
    whole = light_statistics(profile, almanac, "2030-01-01", "2033-01-01")
    t = times("2030-01-01", "2033-01-01", 600.0)
    sun = almanac.sun(site, t)
    dark = runs(sun.elevation_deg + sun.angular_radius_deg <= 0.5)
    assert whole.longest_dark_d > 100.0
    inner = [(a, b) for a, b in dark if a > 0 and b < len(t)]
    longest = max((b - a for a, b in inner), default=0) * 600.0 / 86400.0
    assert whole.longest_dark is not None
    if not whole.longest_dark.open:
        assert whole.longest_dark_d == pytest.approx(longest, abs=0.02)
    assert whole.percent_lit == pytest.approx((sun.elevation_deg + sun.angular_radius_deg > 0.5).mean(), abs=1e-3)


def test_a_night_over_new_year_is_one_night(almanac):
    profile = HorizonProfile.flat(Site(-89.5, 30.0))
    whole = darkness_intervals(profile, almanac, "2029-10-01", "2030-06-01")
    over = [spell for spell in whole if spell.start < np.datetime64("2030-01-01") < spell.stop]
    assert len(over) == 1
    assert not over[0].open
    before = darkness_intervals(profile, almanac, "2029-10-01", "2030-01-01")
    after = darkness_intervals(profile, almanac, "2030-01-01", "2030-06-01")
    assert before[-1].open_stop
    assert after[0].open_start
    assert len(before) + len(after) == len(whole) + 1
    total = sum(spell.duration_d for spell in whole)
    assert sum(spell.duration_d for spell in (*before, *after)) == pytest.approx(total, abs=1e-4)


def test_a_period_shorter_than_a_night(almanac):
    profile = HorizonProfile.flat(Site(0.0, 0.0))
    night = darkness_intervals(profile, almanac, "2030-01-28T00:00", "2030-01-28T00:30")
    assert [spell.open_start and spell.open_stop for spell in night] == [True]
    found = light_statistics(profile, almanac, "2030-01-28T00:00", "2030-01-28T00:30")
    assert found.longest_dark_d == pytest.approx(0.5 / 24.0)
    assert found.longest_dark is not None
    assert found.longest_dark.open
    assert (found.longest_light, found.percent_lit, found.average_illumination) == (None, 0.0, 0.0)
    day = light_statistics(profile, almanac, "2030-01-15", "2030-01-16")
    assert (day.longest_dark, day.longest_dark_d, day.percent_lit) == (None, 0.0, 1.0)
    assert day.average_illumination == pytest.approx(1.0)


def test_dark_fraction_makes_nights_longer(almanac):
    profile = shipped_profile("connecting-ridge", 10.0)
    spans = [
        light_statistics(profile, almanac, "2030-01-01", "2031-01-01", dark_fraction=share)
        for share in (0.0, 0.2, 0.8)
    ]
    lengths = [found.longest_dark_d for found in spans]
    lit = [found.percent_lit for found in spans]
    assert lengths == sorted(lengths)
    assert lit == sorted(lit, reverse=True)
    assert lit[2] < spans[0].average_illumination < lit[0]
    t = times("2030-01-01", "2030-03-01", 120.0)
    share = illumination(profile, almanac.sun(profile.site, t))
    found = light_statistics(profile, almanac, "2030-01-01", "2030-03-01", dark_fraction=0.5)
    assert found.percent_lit == pytest.approx((share > 0.5).mean(), abs=1e-3)


def test_longest_light_and_dark_fill_the_period(almanac):
    profile = shipped_profile("connecting-ridge", 2.0)
    found = light_statistics(profile, almanac, "2030-01-01", "2032-01-01")
    dark = darkness_intervals(profile, almanac, "2030-01-01", "2032-01-01")
    assert sum(spell.duration_d for spell in dark) == pytest.approx(730.0 * (1.0 - found.percent_lit), abs=1e-3)
    assert found.longest_dark_d == max(spell.duration_d for spell in dark)
    assert found.to_dict()["longest_dark"]["start"].endswith("Z")
    assert found.grade == "site"


def test_eclipse_by_the_earth_is_dark_when_asked_for(almanac):
    """Total for the whole near side from 06:26:06 to 07:31:26 UTC on 2025-03-14 (published U2 and U3)."""
    span = ("2025-03-14T03:00", "2025-03-14T12:00")
    starts, stops = [], []
    for turn in np.radians(np.arange(0.0, 360.0, 15.0)):
        latitude = np.degrees(np.arcsin(np.sin(np.radians(89.0)) * np.sin(turn)))
        longitude = np.degrees(np.arctan2(np.sin(np.radians(89.0)) * np.cos(turn), np.cos(np.radians(89.0))))
        profile = HorizonProfile.flat(Site(latitude, longitude), elevation_deg=-5.0)
        assert darkness_intervals(profile, almanac, *span) == ()
        (spell,) = darkness_intervals(profile, almanac, *span, eclipses=True)
        starts.append(spell.start)
        stops.append(spell.stop)
    assert abs(max(starts) - np.datetime64("2025-03-14T06:26:06")) < MINUTE
    assert abs(min(stops) - np.datetime64("2025-03-14T07:31:26")) < MINUTE


def test_spells_of_samples(almanac):
    profile = shipped_profile("connecting-ridge", 2.0)
    t = times("2030-01-01", "2030-04-01T01:00", 3600.0)
    assert t[-1] == np.datetime64("2030-04-01")
    lit = spells(profile, almanac.sun(profile.site, t))
    dark = darkness_intervals(profile, almanac, "2030-01-01", "2030-04-01")
    assert sum(s.duration_d for s in (*lit, *dark)) == pytest.approx(90.0, abs=1e-4)


def test_faulty_input(almanac):
    profile = HorizonProfile.flat(Site(0.0, 0.0))
    with pytest.raises(InputError, match="period is empty"):
        light_statistics(profile, almanac, "2030-01-01", "2030-01-01")
    with pytest.raises(DateError):
        light_statistics(profile, almanac, "2199-12-01", "2200-01-01")
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(InputError, match="dark_fraction"):
            darkness_intervals(profile, almanac, "2030-01-01", "2030-01-02", dark_fraction=share)
    t = times("2030-01-01", "2030-01-05", 3600.0)
    sun = almanac.sun(profile.site, t)
    holed = Apparent(t, sun.azimuth_deg.copy(), sun.elevation_deg.copy(), sun.distance_m, sun.angular_radius_deg)
    holed.elevation_deg[7] = np.nan
    with pytest.raises(InputError, match="number 7"):
        spells(profile, holed)
    keep = np.arange(len(t)) != 7
    gappy = Apparent(
        *(part[keep] for part in (t, sun.azimuth_deg, sun.elevation_deg, sun.distance_m, sun.angular_radius_deg))
    )
    with pytest.raises(InputError, match="equally spaced"):
        spells(profile, gappy)
