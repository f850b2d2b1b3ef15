"""Links over time: distance, elevation, the Moon and the Sun in the beam."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.comms import (
    carrier_to_noise_db_hz,
    coding,
    link_budget,
    modes_of_rates,
    modes_of_symbol_rate,
    station_contacts,
    station_rates,
)
from moonpost.errors import InputError
from moonpost.plan import load_plan
from moonpost.sky import Almanac, Site, times

PLAN = load_plan("ilrs")
LINK = next(row for row in PLAN.links if row.id == "station-earth")
DISH = next(row for row in PLAN.ground_stations if row.id == "bear-lakes")


def test_the_same_as_the_budget() -> None:
    budget = link_budget(LINK)
    assert float(carrier_to_noise_db_hz(LINK, LINK.range_m)) == pytest.approx(budget.carrier_to_noise_db_hz)
    twice = carrier_to_noise_db_hz(LINK, 2.0 * LINK.range_m, temperature_k=160.0, loss_db=1.0)
    assert budget.carrier_to_noise_db_hz is not None
    assert float(twice) == pytest.approx(budget.carrier_to_noise_db_hz - 6.0206 - 3.0103 - 1.0, abs=1e-3)


def test_low_is_slower_than_high_and_the_moon_warms_the_beam(almanac: Almanac) -> None:
    t = times("2030-01-08", "2030-01-09", 600)
    modes = modes_of_symbol_rate(200e6)
    mid = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes)
    rim = station_rates(almanac, Site(-88.0, 0.0), DISH, LINK, t, modes)
    up = mid.moon_elevation_deg > 1.0
    assert np.isneginf(mid.carrier_to_noise_db_hz[~up]).all()
    assert (mid.rate_bit_s[~up] == 0.0).all()
    high, low = np.argmax(mid.moon_elevation_deg), np.flatnonzero(up)[0]
    assert mid.carrier_to_noise_db_hz[high] > mid.carrier_to_noise_db_hz[low] + 0.3
    assert mid.rate_bit_s[high] > mid.rate_bit_s[low]
    # On the middle of the disc the whole main beam is on the Moon, at the rim half of it.
    assert mid.temperature_k[high] - 80.0 == pytest.approx(180.0, abs=5.0)
    assert rim.temperature_k[high] - 80.0 == pytest.approx(90.0, abs=20.0)
    worked = mid.index >= 0
    assert (mid.margin_db[worked] >= 3.0 - 1e-9).all()
    assert np.isnan(mid.margin_db[~worked]).all()


def test_the_sun_in_the_beam_breaks_the_link(almanac: Almanac) -> None:
    # Eclipse of 2030-06-01: the new Moon crosses the Sun, greatest at 06:28 UTC, in sight of Bear Lakes.
    t = times("2030-06-01T03:00", "2030-06-01T12:00", 120)
    seen = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes_of_rates(20e6, coding("concatenated")))
    hottest = seen.time[np.argmax(seen.temperature_k)]
    assert seen.temperature_k.max() > 5000.0
    assert abs(hottest - np.datetime64("2030-06-01T06:28")) < np.timedelta64(45, "m")
    assert seen.rate_bit_s[np.argmax(seen.temperature_k)] == 0.0
    assert seen.rate_bit_s[-1] == 20e6


def test_the_plan_holds_rates_within_contacts_only(almanac: Almanac) -> None:
    t = times("2030-01-08", "2030-01-10", 600)
    series = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes_of_symbol_rate(200e6))
    contacts = station_contacts(almanac, Site(0.0, 0.0), DISH, t)
    plan = series.plan(contacts)
    inside = np.array([((contacts.start <= a) & (a < contacts.stop)).any() for a in plan.edges[:-1]])
    assert (plan.rate_bit_s[~inside] == 0.0).all()
    assert (plan.rate_bit_s[inside] > 0.0).all()
    most = contacts.duration_s.sum() * series.rate_bit_s.max()
    assert 0.7 * most < plan.volume_bit < most
    with pytest.raises(InputError):
        series.plan(station_contacts(almanac, Site(0.0, 0.0), DISH, t[:20]))


def test_a_bigger_dish_brings_more(almanac: Almanac) -> None:
    t = times("2030-01-08", "2030-01-09", 1800)
    modes = modes_of_symbol_rate(200e6)
    small = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes, dish_m=13.0)
    large = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes)
    aimed_off = station_rates(almanac, Site(0.0, 0.0), DISH, LINK, t, modes, error_deg=0.01)
    assert small.rate_bit_s.sum() < large.rate_bit_s.sum()
    assert np.nanmax(aimed_off.carrier_to_noise_db_hz) < np.nanmax(large.carrier_to_noise_db_hz)


def test_what_is_missing_is_said(almanac: Almanac) -> None:
    t = times("2030-01-08", "2030-01-09", 1800)
    modes = modes_of_rates(1e6, coding("concatenated"))
    for changed in ({"receive_dish_m": None, "receive_gain_dbi": 60.0}, {"system_temperature_k": None}):
        with pytest.raises(InputError, match=next(iter(changed))):
            station_rates(almanac, Site(0.0, 0.0), DISH, LINK.model_copy(update=changed), t, modes)
    with pytest.raises(InputError):
        carrier_to_noise_db_hz(LINK, 4e8, temperature_k=-1.0)
    with pytest.raises(InputError, match="transmit_power_w"):
        carrier_to_noise_db_hz(LINK.model_copy(update={"transmit_power_w": None}), 4e8)
