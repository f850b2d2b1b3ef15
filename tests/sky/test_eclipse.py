"""Overlap of the discs, contacts, and lists of eclipses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, ModelError
from moonpost.sky import (
    Site,
    earth_shadow,
    eclipse_contacts,
    eclipses,
    nearside_totality,
    refracted_light,
    times,
    uncovered_fraction,
)
from moonpost.sky.eclipse import eclipse_discs

CENTRE = Site(0.0, 0.0)
SECOND = np.timedelta64(1, "s")


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1.6), st.floats(0.2, 0.5), st.floats(0.2, 1.1))
def test_the_overlap_against_counting_points(separation, sun, earth):
    x = np.linspace(-1.0, 1.0, 1201)
    across, along = np.meshgrid(sun * x, sun * x)
    disc = across**2 + along**2 <= sun**2
    covered = (across - separation) ** 2 + along**2 <= earth**2
    counted = 1.0 - np.count_nonzero(disc & covered) / np.count_nonzero(disc)
    assert uncovered_fraction(separation, sun, earth) == pytest.approx(counted, abs=2e-3)


@given(st.floats(0.0, 2.0), st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(0.0, 0.5))
def test_the_fraction_is_a_fraction_and_grows_with_separation(separation, sun, earth, more):
    near, far = uncovered_fraction(separation, sun, earth), uncovered_fraction(separation + more, sun, earth)
    assert 0.0 <= near <= far + 1e-9 <= 1.0 + 2e-9


def test_limits_of_the_overlap():
    assert uncovered_fraction(1.25, 0.25, 1.0) == 1.0
    assert uncovered_fraction(0.75, 0.25, 1.0) == 0.0
    assert uncovered_fraction(0.0, 0.5, 0.25) == pytest.approx(0.75)


def test_contacts_are_where_the_fraction_changes(almanac):
    eclipse = eclipse_contacts(almanac, CENTRE, "2025-03-14", 1.0)
    assert eclipse.total
    contacts = np.array([eclipse.partial_start, eclipse.total_start, eclipse.total_stop, eclipse.partial_stop])
    assert (np.diff(contacts) > np.timedelta64(0)).all()
    before, after = (earth_shadow(almanac, CENTRE, contacts + 2 * side * SECOND, 1.0) for side in (-1, 1))
    assert before[0] == 1.0 > after[0]
    assert before[1] > 0.0 == after[1]
    assert before[2] == 0.0 < after[2]
    assert before[3] < 1.0 == after[3]
    assert eclipse.duration_s > eclipse.total_s > 0.0


def test_a_larger_earth_lengthens_the_dark(almanac):
    small, large = (eclipse_contacts(almanac, CENTRE, "2025-03-14", scale) for scale in (1.0, 1.01))
    assert large.total_start < small.total_start
    assert large.total_stop > small.total_stop
    assert large.total_s == pytest.approx(small.total_s + 170.0, abs=60.0)


def test_no_eclipse_is_missed_in_ten_years(almanac):
    """Sampling every ten minutes finds the same eclipses."""
    t = times("2030-01-01", "2035-01-01", 600)
    for site in (CENTRE, Site(-89.5, 10.0)):
        shadow = earth_shadow(almanac, site, t, 1.0) < 1.0
        starts = t[1:][shadow[1:] & ~shadow[:-1]]
        found = eclipses(almanac, site, t[0], t[-1], 1.0, lowest_sun_deg=-90.0)
        assert len(found) == len(starts) >= 5
        late = np.array([eclipse.partial_start for eclipse in found]) - starts
        assert (np.abs(late) <= np.timedelta64(600, "s")).all()


def test_partial_eclipses_have_no_totality(almanac):
    partial = [e for e in eclipses(almanac, CENTRE, "2026-01-01", "2032-01-01", 1.0) if not e.total]
    assert partial
    for eclipse in partial:
        assert np.isnat(eclipse.total_stop)
        assert eclipse.total_s == 0.0
        assert 0.0 < eclipse.least_uncovered < 1.0


def test_the_far_side_has_none(almanac):
    assert eclipses(almanac, Site(-41.6, -154.0), "2025-01-01", "2030-01-01", 1.0) == ()
    with pytest.raises(ModelError, match="within 15 days"):
        eclipse_contacts(almanac, Site(-41.6, -154.0), "2025-03-14", 1.0)


def test_an_eclipse_across_the_end_of_the_period_is_listed(almanac):
    whole = eclipse_contacts(almanac, CENTRE, "2025-03-14", 1.0)
    for start, stop in (("2025-03-10", whole.partial_start + SECOND), (whole.partial_stop - SECOND, "2025-03-20")):
        found = eclipses(almanac, CENTRE, start, stop, 1.0)
        assert len(found) == 1
        assert abs(found[0].greatest - whole.greatest) < SECOND


def test_inside_totality_every_place_is_dark_and_outside_some_is_not(almanac):
    shadow = nearside_totality(almanac, "2025-03-14", 1.0)
    rng = np.random.default_rng(5)
    limb = np.deg2rad(rng.uniform(0.0, 360.0, 60))
    sites = [Site(np.rad2deg(np.arcsin(np.sin(a))), np.rad2deg(np.arctan2(np.cos(a), 0.02))) for a in limb]
    inside = shadow.total_start + 2 * SECOND, shadow.total_stop - 2 * SECOND
    outside = shadow.total_start - 60 * SECOND, shadow.total_stop + 60 * SECOND
    assert all((earth_shadow(almanac, site, inside, 1.0) == 0.0).all() for site in sites)
    lit = np.array([earth_shadow(almanac, site, outside, 1.0) > 0.0 for site in sites])
    assert lit.any(axis=0).all()


def test_penumbral_and_partial_lunar_eclipses(almanac):
    with pytest.raises(ModelError, match="umbra"):
        nearside_totality(almanac, "2024-03-25", 1.01)
    partial = nearside_totality(almanac, "2024-09-18", 1.01)
    assert np.isnat(partial.total_start)
    assert partial.umbra_start < partial.umbra_stop


@pytest.mark.parametrize("scale", [0.0, float("nan"), 6378.137, "1.01x", None])
def test_the_scale_is_checked(almanac, scale):
    for call in (
        lambda: earth_shadow(almanac, CENTRE, "2025-03-14", scale),
        lambda: eclipse_contacts(almanac, CENTRE, "2025-03-14", scale),
        lambda: nearside_totality(almanac, "2025-03-14", scale),
    ):
        with pytest.raises(InputError, match="earth_radius_scale"):
            call()


def test_the_scale_has_no_default(almanac):
    with pytest.raises(TypeError):
        earth_shadow(almanac, CENTRE, "2025-03-14")


def test_dates_are_checked(almanac):
    with pytest.raises(DateError, match="outside the kernels"):
        eclipses(almanac, CENTRE, "2149-01-01", "2151-01-01", 1.0)
    with pytest.raises(DateError, match="not after"):
        eclipses(almanac, CENTRE, "2031-01-01", "2030-01-01", 1.0)
    _, stop = almanac.span
    assert eclipses(almanac, CENTRE, stop - np.timedelta64(400, "D"), stop, 1.0)


def test_refracted_light_rises_through_the_air_towards_third_contact(almanac):
    site = Site(18.56, 61.81)
    t = times("2025-03-14T07:30", "2025-03-14T08:34:20", 60)
    light = refracted_light(almanac, site, t)
    assert (np.diff(light.hidden_deg) < 0.0).all()
    assert (np.diff(light.height_m) > 0.0).all()
    assert (np.diff(light.brightness) > 0.0).all()
    separation, sun, earth = eclipse_discs(almanac, site, t, 1.0)
    np.testing.assert_allclose(light.hidden_deg, earth - sun - separation)
    outside = refracted_light(almanac, site, ["2025-03-14T08:35", "2030-01-01"])
    assert np.isnan(outside.height_m).all()
    assert np.isnan(outside.brightness).all()
