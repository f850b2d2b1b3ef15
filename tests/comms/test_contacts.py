"""Contacts as sets of intervals, and with stations on the Earth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moonpost.comms import Contacts, intersection, station_contacts, union
from moonpost.errors import InputError
from moonpost.plan import GroundStation
from moonpost.sky import Almanac, Site, times

T = np.datetime64("2030-01-01T00:00", "ms") + np.arange(40) * np.timedelta64(600_000, "ms")
MARGINS = arrays(np.float64, len(T), elements=st.floats(-5, 5).map(lambda x: round(x, 3) + 0.0005))


def held(contacts: Contacts, at: np.ndarray) -> np.ndarray:
    return ((contacts.start[None] <= at[:, None]) & (at[:, None] < contacts.stop[None])).any(axis=1)


@given(MARGINS, MARGINS)
def test_union_and_intersection_are_those_of_sets(first: np.ndarray, second: np.ndarray) -> None:
    a, b = Contacts.where(T, first), Contacts.where(T, second)
    at = T[0] + np.arange(1, 3900, 7) * np.timedelta64(6_011, "ms")
    np.testing.assert_array_equal(held(union([a, b]), at), held(a, at) | held(b, at))
    np.testing.assert_array_equal(held(intersection([a, b]), at), held(a, at) & held(b, at))
    total = a.duration_s.sum() + b.duration_s.sum()
    assert union([a, b]).duration_s.sum() + intersection([a, b]).duration_s.sum() == pytest.approx(total)


@given(MARGINS)
def test_contacts_and_gaps_fill_the_span(margin: np.ndarray) -> None:
    contacts = Contacts.where(T, margin)
    span_s = 39 * 600.0
    assert contacts.duration_s.sum() + contacts.gap_s.sum() == pytest.approx(span_s)
    assert contacts.share == pytest.approx(contacts.duration_s.sum() / span_s)
    days, hours = contacts.hours_per_day()
    assert hours.sum() == pytest.approx(contacts.duration_s.sum() / 3600.0)
    assert len(days) == 1


def test_hours_per_day_are_cut_at_midnight() -> None:
    t = np.datetime64("2030-01-01T12:00", "ms") + np.arange(145) * np.timedelta64(600_000, "ms")
    days, hours = Contacts.where(t, np.ones(len(t))).hours_per_day()
    assert days.astype(str).tolist() == ["2030-01-01", "2030-01-02"]
    assert hours.tolist() == [12.0, 12.0]


def test_never_and_always() -> None:
    never, always = Contacts.where(T, -np.ones(len(T))), Contacts.where(T, np.ones(len(T)))
    assert (never.share, never.longest_gap_s, len(never)) == (0.0, 39 * 600.0, 0)
    assert (always.share, always.longest_gap_s, len(always)) == (1.0, 0.0, 1)
    assert always.summary()["hours_per_day"] == 24.0
    assert never.summary()["longest_contact_s"] == 0.0
    assert always.to_rows() == [
        {"start_utc": "2030-01-01T00:00:00Z", "stop_utc": "2030-01-01T06:30:00Z", "duration_s": 23400.0}
    ]


@settings(max_examples=5, deadline=None)
@given(step_s=st.sampled_from([300, 600, 900, 1200]))
def test_the_step_hardly_matters(step_s: int) -> None:
    almanac, site = Almanac.default(), Site(-45.0, 10.0)
    station = GroundStation.model_validate(
        {
            "id": "s",
            "name": "S",
            "source": "made up",
            "confidence": "C",
            "owner": "a",
            "latitude_deg": 46.5,
            "longitude_deg": 130.8,
            "antenna_m": 35.0,
            "mask_deg": 12.0,
        }
    )
    fine = station_contacts(almanac, site, station, times("2030-01-01", "2030-01-06T00:01", 60))
    coarse = station_contacts(almanac, site, station, times("2030-01-01", "2030-01-06T00:01", step_s))
    assert len(fine) == len(coarse) == 5
    inner = slice(1, -1)
    for name in ("start", "stop"):
        gap_s = np.abs((getattr(fine, name) - getattr(coarse, name))[inner] / np.timedelta64(1, "s"))
        assert gap_s.max() < 60


def test_terrain_and_far_side_hide_the_earth(almanac: Almanac) -> None:
    class Wall:
        def at(self, azimuth_deg: np.ndarray) -> np.ndarray:
            return np.full_like(azimuth_deg, 80.0)

    t = times("2030-01-01", "2030-01-03", 600)
    station = GroundStation.model_construct(latitude_deg=0.0, longitude_deg=0.0, height_m=0.0, mask_deg=5.0)
    near, far = Site(-45.0, 0.0), Site(-45.0, 180.0)
    assert station_contacts(almanac, near, station, t).share > 0.3
    assert station_contacts(almanac, near, station, t, profile=Wall()).share == 0.0  # type: ignore[arg-type]
    assert station_contacts(almanac, far, station, t).share == 0.0
    lower = station_contacts(almanac, near, station, t, mask_deg=0.0)
    assert lower.share > station_contacts(almanac, near, station, t, mask_deg=20.0).share


def test_bad_samples(almanac: Almanac) -> None:
    good = Contacts.where(T, np.ones(len(T)))
    for call in (
        lambda: Contacts.where(T, np.full(len(T), np.nan)),
        lambda: Contacts.where(T[::-1], np.ones(len(T))),
        lambda: Contacts.where(T[::6], np.ones(len(T[::6]))),
        lambda: Contacts.where(T, np.ones(3)),
        lambda: union([]),
        lambda: union([good, Contacts.where(T[:5], np.ones(5))]),
        lambda: station_contacts(
            almanac,
            Site(0, 0),
            GroundStation.model_construct(latitude_deg=0.0, longitude_deg=0.0),
            T,
            mask_deg=95.0,
        ),
    ):
        with pytest.raises(InputError):
            call()
