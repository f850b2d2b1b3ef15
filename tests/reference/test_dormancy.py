"""Wake times of Chang'e 4 and Yutu-2 as published, lunar days 1 to 16.

The events are press reports of CNSA announcements, one source per row of the file. Tolerances: the wake rule is
required to explain the file to 2 h rms (rover) and 4 h rms (lander); the file's Sun elevations at waking scatter
by 0.7 and 1.4 deg, which is 2.0 and 4.0 h at the site's 0.35 deg per hour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.operations import day
from moonpost.operations.dormancy import DormancyRules, EventTable, calendar, fit, read_events, residuals
from moonpost.sky import Almanac, Site

SITE = Site(-45.457, 177.589)


@pytest.fixture(scope="module")
def events(moonpost_data: Path) -> EventTable:
    return read_events(moonpost_data / "missions" / "change4_events_2019_2020.csv")


@pytest.fixture(scope="module")
def rules(events: EventTable, almanac: Almanac) -> DormancyRules:
    return fit(events, SITE, almanac)


@pytest.mark.parametrize(
    ("vehicle", "elevation_deg", "spread_deg", "rms_h"), [("rover", 6.8, 0.7, 2.0), ("lander", 13.6, 1.4, 4.0)]
)
def test_wake(
    rules: DormancyRules,
    events: EventTable,
    almanac: Almanac,
    vehicle: str,
    elevation_deg: float,
    spread_deg: float,
    rms_h: float,
) -> None:
    rule = rules.rule(vehicle, "wake")
    assert rule.examples == 6
    # Within the standard error of a mean of six.
    assert rule.sun_elevation_deg == pytest.approx(elevation_deg, abs=spread_deg / np.sqrt(6))
    found = [row.residual_h for row in residuals(rules, events, SITE, almanac) if row.vehicle == vehicle]
    assert len(found) == 6
    assert np.sqrt(np.mean(np.square(found))) < rms_h


@pytest.mark.parametrize("vehicle", ["rover", pytest.param("lander", marks=pytest.mark.soak)])
def test_the_panel_explains_the_record_but_not_so_much_better_that_it_is_taken(
    events: EventTable, almanac: Almanac, vehicle: str
) -> None:
    plain = fit(events, SITE, almanac, model="elevation").rule(vehicle, "wake")
    assert plain.rms_h is not None
    assert plain.panel_rms_h is not None
    assert plain.panel_rms_h <= plain.rms_h
    assert fit(events, SITE, almanac).rule(vehicle, "wake").model == "elevation"


def test_sleep_has_dates_only(rules: DormancyRules, almanac: Almanac) -> None:
    for vehicle in ("lander", "rover"):
        rule = rules.rule(vehicle, "sleep")
        assert (rule.basis, rule.examples) == ("interval", 5)
    rows = [row for row in calendar(rules, SITE, almanac, "2019-01-04", "2020-02-01") if row["event"] == "sleep"]
    # The published dates (Beijing) must lie within the bounds of the days they speak of.
    spans = {
        row["lunar_day"]: (np.datetime64(row["utc_earliest"][:-1]), np.datetime64(row["utc_latest"][:-1]))
        for row in rows
        if row["vehicle"] == "rover"
    }
    for lunar_day, date in ((4, "2019-04-12"), (6, "2019-06-09"), (7, "2019-07-09"), (13, "2020-01-02")):
        first = np.datetime64(date, "m") - np.timedelta64(8, "h")
        assert spans[lunar_day][0] < first + np.timedelta64(24, "h")
        assert spans[lunar_day][1] > first


def test_every_lunar_day_is_predicted_once_per_vehicle(rules: DormancyRules, almanac: Almanac) -> None:
    rows = calendar(rules, SITE, almanac, "2020-06-01", "2022-08-01").rows
    for vehicle in ("lander", "rover"):
        days = [row["lunar_day"] for row in rows if (row["vehicle"], row["event"]) == (vehicle, "wake")]
        assert days == list(range(19, 19 + len(days)))
        assert days[-1] == 45


def test_lunar_and_earth_day(almanac: Almanac) -> None:
    # CNSA announced the 28th lunar day on 2021-03-08; 795 Earth days since the landing.
    today = day(almanac, SITE, "2019-01-03T02:26Z", "2021-03-08T12:00Z")
    assert (today.lunar_day, today.earth_day) == (28, 795)
