"""Wakings and sleeps of Chang'e 4 and Yutu-2 after lunar day 16, predicted from days 1 to 16 alone.

Beijing times of the lunar exploration centre (CLEP, CNSA) as Xinhua and others passed them on. Sources: day 20
China Daily 2020-07-15 (a microblog of the same day gives 13:09 and 05:30, with the machines exchanged); 21 Xinhua
2020-08-14 and CNSA in Parabolic Arc 2020-08-19; 22 Xinhua 2020-09-12 and 2020-09-24; 24 Shanghai Daily 2020-11-11;
26 Daily Asian Age, 2021-01 (Xinhua); 27 Shine 2021-02-07 and Xinhua 2021-02-20; 29 go-taikonauts 2021-04-07; sleep
of day 19 go-taikonauts 2020-06-28, of day 44 Xinhua 2022-07-07. None of them is in the file that is learnt from.

Tolerances: 2.5 h rms for the rover and 3.5 h for the lander, as the product asks. The record that is learnt from
scatters by 2.0 and 3.9 h.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.operations.dormancy import Event, EventTable, calendar, fit, read_events, residuals
from moonpost.operations.wakes import learnt_threshold, wake_rows
from moonpost.sky import Almanac, Site

SITE = Site(-45.457, 177.589)

WAKES = {
    20: ("2020-07-14T12:53", "2020-07-15T05:48"),
    21: ("2020-08-12T20:34", "2020-08-13T14:54"),
    22: ("2020-09-11T11:54", "2020-09-12T05:15"),
    24: ("2020-11-09T10:17", "2020-11-10T03:12"),
    26: ("2021-01-07T10:29", "2021-01-08T03:13"),
    27: ("2021-02-06T04:26", "2021-02-06T16:48"),
    29: ("2021-04-06T03:54", "2021-04-06T21:43"),
}
"""Beijing time by lunar day: rover, lander."""

SLEEPS = {
    19: ("2020-06-27T16:23", "2020-06-28T01:00"),
    22: ("2020-09-23T23:18", "2020-09-24T07:30"),
    27: ("2021-02-19T01:48", "2021-02-19T13:30"),
    44: ("2022-07-05T19:14", "2022-07-06T06:00"),
}
"""Beijing time by lunar day: rover, lander."""


def _utc(beijing: str) -> np.datetime64:
    return np.datetime64(beijing, "ms") - np.timedelta64(8, "h")


def _table(record: dict[int, tuple[str, str]], kind: str) -> EventTable:
    return EventTable.of(
        Event(vehicle, kind, utc=_utc(beijing), lunar_day=day)
        for day, pair in record.items()
        for vehicle, beijing in zip(("rover", "lander"), pair, strict=True)
    )


@pytest.fixture(scope="module")
def events(moonpost_data: Path) -> EventTable:
    return read_events(moonpost_data / "missions" / "change4_events_2019_2020.csv")


def _rms_h(events: EventTable, almanac: Almanac, vehicle: str, model: str) -> float:
    rules = fit(events, SITE, almanac, model=model)  # type: ignore[arg-type]
    rows = [row for row in residuals(rules, _table(WAKES, "wake"), SITE, almanac) if row.vehicle == vehicle]
    assert len(rows) == len(WAKES)
    return float(np.sqrt(np.mean([row.residual_h**2 for row in rows])))


@pytest.mark.parametrize(("vehicle", "rms_h"), [("rover", 2.5), ("lander", 3.5)])
@pytest.mark.parametrize("model", ["auto", "panel"])
def test_later_wakings(events: EventTable, almanac: Almanac, vehicle: str, rms_h: float, model: str) -> None:
    # Obtained: auto 2.39 and 1.91 h; panel 2.46 and 1.63 h.
    assert _rms_h(events, almanac, vehicle, model) < rms_h


def test_lunar_days_are_counted_as_they_were_announced(events: EventTable, almanac: Almanac) -> None:
    rows = calendar(fit(events, SITE, almanac), SITE, almanac, "2020-07-01", "2021-05-01").rows
    for day, pair in WAKES.items():
        for vehicle, beijing in zip(("rover", "lander"), pair, strict=True):
            found = [r for r in rows if (r["vehicle"], r["event"], r["lunar_day"]) == (vehicle, "wake", day)]
            assert len(found) == 1
            assert np.datetime64(found[0]["utc_earliest"][:-1]) < _utc(beijing)
            assert _utc(beijing) < np.datetime64(found[0]["utc_latest"][:-1])


def test_later_sleeps_lie_in_the_predicted_span(events: EventTable, almanac: Almanac) -> None:
    rows = calendar(fit(events, SITE, almanac), SITE, almanac, "2020-06-01", "2022-08-01").rows
    for day, pair in SLEEPS.items():
        for vehicle, beijing in zip(("rover", "lander"), pair, strict=True):
            (found,) = [r for r in rows if (r["vehicle"], r["event"], r["lunar_day"]) == (vehicle, "sleep", day)]
            assert np.datetime64(found["utc_earliest"][:-1]) <= _utc(beijing)
            assert _utc(beijing) <= np.datetime64(found["utc_latest"][:-1])


@pytest.mark.parametrize("vehicle", ["rover", "lander"])
def test_the_panel_explains_the_spread_at_least_as_well(
    events: EventTable, almanac: Almanac, vehicle: str
) -> None:
    # Obtained, elevation and panel: rover 1.80 and 1.46 h in the record, 2.11 and 1.98 h with each event left out
    # of its own fit; lander 3.593 and 3.591, 4.36 and 4.34 h.
    rule = fit(events, SITE, almanac).rule(vehicle, "wake")
    assert rule.rms_h is not None
    assert rule.panel_rms_h is not None
    assert rule.leave_one_out_h is not None
    assert rule.panel_leave_one_out_h is not None
    assert rule.panel_rms_h <= rule.rms_h
    assert rule.panel_leave_one_out_h <= rule.leave_one_out_h
    # The rms that is told is that of real wake times.
    panel = fit(events, SITE, almanac, model="panel")
    found = [row.residual_h for row in residuals(panel, events, SITE, almanac) if row.vehicle == vehicle]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(rule.panel_rms_h, rel=0.01)


@pytest.mark.parametrize(("vehicle", "rms_h"), [("rover", 2.5), ("lander", 3.5)])
def test_the_threshold_of_current_predicts_later_wakings(
    events: EventTable, almanac: Almanac, vehicle: str, rms_h: float
) -> None:
    threshold = learnt_threshold(events, vehicle, SITE, almanac)
    assert threshold.tilt_deg is not None
    assert threshold.azimuth_deg is not None
    wanted = [_utc(pair[("rover", "lander").index(vehicle)]) for pair in WAKES.values()]
    rows = wake_rows(SITE, almanac, threshold, threshold.tilt_deg, threshold.azimuth_deg, np.array(wanted))
    assert np.sqrt(np.mean([row["miss_h"] ** 2 for row in rows])) < rms_h
    for row in rows:
        assert abs(row["miss_h"]) < 2.5 * row["sigma_h"]
