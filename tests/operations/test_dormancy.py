"""Dormancy rules learnt from synthetic events whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, ModelError, UnknownNameError
from moonpost.operations import day
from moonpost.operations.crossings import level_crossings
from moonpost.operations.dormancy import Event, EventTable, calendar, fit, residuals
from moonpost.operations.estimates import level
from moonpost.sky import Almanac, Site

SITE = Site(-45.457, 177.589)
LANDED = np.datetime64("2019-01-03T02:26", "ms")
ALMANAC = Almanac.default()
LANDING = Event("lander", "landing", utc=LANDED, earliest=LANDED, latest=LANDED, lunar_day=1)


def planted(
    kind: str, trigger: Callable[..., np.ndarray], start: str, stop: str, vehicle: str = "rover"
) -> list[Event]:
    """Events at the exact instants at which a planted trigger passes."""
    found = level_crossings(ALMANAC, SITE, trigger, start, stop)
    return [Event(vehicle, kind, utc=t, earliest=t, latest=t) for t in found.utc[found.rising == (kind == "wake")]]


def at_elevation(degrees: float) -> Callable[..., np.ndarray]:
    return lambda sun: sun.elevation_deg - degrees


@settings(max_examples=15, deadline=None)
@given(wake=st.floats(0.5, 30.0), sleep=st.floats(0.5, 30.0))
def test_planted_thresholds_are_recovered(wake: float, sleep: float) -> None:
    table = EventTable.of(
        [
            LANDING,
            *planted("wake", at_elevation(wake), "2019-02-01", "2019-06-01"),
            *planted("sleep", at_elevation(sleep), "2019-02-01", "2019-06-01"),
        ]
    )
    rules = fit(table, SITE, ALMANAC)
    assert rules.rule("rover", "wake").sun_elevation_deg == pytest.approx(wake, abs=1e-3)
    assert rules.rule("rover", "sleep").sun_elevation_deg == pytest.approx(sleep, abs=1e-3)
    rows = calendar(rules, SITE, ALMANAC, "2020-01-01", "2020-03-01")
    assert 3 <= len(rows) <= 6
    assert {row["basis"] for row in rows} == {"fitted"}
    for row in rows:
        truth = wake if row["event"] == "wake" else sleep
        assert row["sun_elevation_deg"] == pytest.approx(truth, abs=2e-3)


def test_order_of_events_does_not_matter() -> None:
    noise = random.Random(7)
    events = [
        replace(event, utc=event.utc + np.timedelta64(noise.randrange(-200, 200), "m"))
        for event in planted("wake", at_elevation(8.0), "2019-02-01", "2019-09-01")
        if event.utc is not None
    ]
    first = fit(EventTable.of([LANDING, *events]), SITE, ALMANAC)
    noise.shuffle(events)
    assert fit(EventTable.of([*events, LANDING]), SITE, ALMANAC) == first


def test_one_wrong_row_has_little_hold() -> None:
    events = planted("wake", at_elevation(8.0), "2019-02-01", "2019-09-01")
    assert events[2].utc is not None
    events[2] = replace(events[2], utc=events[2].utc + np.timedelta64(24, "h"))
    rule = fit(EventTable.of([LANDING, *events]), SITE, ALMANAC).rule("rover", "wake")
    assert rule.sun_elevation_deg == pytest.approx(8.0, abs=0.3)


def test_a_tilted_panel_is_found_where_the_events_show_one() -> None:
    truth = level("panel", 0.2, 25.0)
    table = EventTable.of([LANDING, *planted("wake", truth, "2019-02-01", "2020-06-01")])
    rule = fit(table, SITE, ALMANAC).rule("rover", "wake")
    assert rule.model == "panel"
    assert rule.panel_tilt_north_deg == pytest.approx(25.0, abs=0.1)
    assert rule.panel_share == pytest.approx(0.2, abs=1e-3)
    plain = fit(table, SITE, ALMANAC, model="elevation").rule("rover", "wake")
    assert rule.leave_one_out_h is not None
    assert plain.leave_one_out_h is not None
    assert rule.leave_one_out_h < 0.01 < plain.leave_one_out_h
    late = EventTable.of([LANDING, *planted("wake", truth, "2021-01-01", "2021-06-01")])
    rules = fit(table, SITE, ALMANAC)
    assert max(abs(row.residual_h) for row in residuals(rules, late, SITE, ALMANAC)) < 0.05


def test_noise_alone_does_not_buy_a_panel() -> None:
    chosen = []
    for seed in range(12):
        noise = np.random.default_rng(seed)
        events = [
            replace(event, utc=event.utc + np.timedelta64(round(noise.normal(0, 120)), "m"))
            for event in planted("wake", at_elevation(8.0), "2019-02-01", "2019-09-01")
            if event.utc is not None
        ]
        chosen.append(fit(EventTable.of([LANDING, *events]), SITE, ALMANAC).rule("rover", "wake").model)
    assert chosen.count("panel") <= 2


def test_dates_alone_give_an_interval_that_holds_the_truth() -> None:
    days = [
        Event("rover", "sleep", earliest=t.astype("datetime64[D]"), latest=t.astype("datetime64[D]") + 1)
        for event in planted("sleep", at_elevation(7.5), "2019-02-01", "2019-08-01")
        if (t := event.utc) is not None
    ]
    days = [
        replace(event, earliest=np.datetime64(event.earliest, "ms"), latest=np.datetime64(event.latest, "ms"))
        for event in days
    ]
    rules = fit(EventTable.of([LANDING, *days]), SITE, ALMANAC)
    rule = rules.rule("rover", "sleep")
    assert rule.basis == "interval"
    assert rule.sun_elevation_lowest_deg is not None
    assert rule.sun_elevation_highest_deg is not None
    assert rule.sun_elevation_lowest_deg <= 7.5 <= rule.sun_elevation_highest_deg
    assert "interval, not a fit" in rule.note
    truth = [event.utc for event in planted("sleep", at_elevation(7.5), "2020-02-01", "2020-06-01")]
    rows = calendar(rules, SITE, ALMANAC, "2020-02-01", "2020-06-01").rows
    assert len(rows) == len(truth)
    for row, t in zip(rows, truth, strict=True):
        assert row["basis"] == "interval"
        assert np.datetime64(row["utc_earliest"][:-1]) <= t <= np.datetime64(row["utc_latest"][:-1])
        assert row["utc_earliest"] < row["utc"] < row["utc_latest"]
        assert "not a fit" in row["label"]


def test_dates_that_disagree_are_reported() -> None:
    early, late = (
        planted("sleep", at_elevation(deg), "2019-02-01", "2019-04-15")[i] for i, deg in ((0, 20.0), (1, 3.0))
    )
    rows = [
        Event("rover", "sleep", earliest=event.utc - np.timedelta64(3, "h"), latest=event.utc)
        for event in (early, late)
        if event.utc is not None
    ]
    rule = fit(EventTable.of([LANDING, *rows]), SITE, ALMANAC).rule("rover", "sleep")
    assert "do not agree" in rule.note
    assert rule.sun_elevation_lowest_deg == pytest.approx(4.0, abs=0.5)
    assert rule.sun_elevation_highest_deg == pytest.approx(20.0, abs=0.5)


def test_a_kind_without_example_is_named_not_guessed() -> None:
    table = EventTable.of([LANDING, *planted("wake", at_elevation(8.0), "2019-02-01", "2019-05-01")])
    rules = fit(table, SITE, ALMANAC)
    assert rules.rule("rover", "sleep").basis == "none"
    rows = calendar(rules, SITE, ALMANAC, "2020-01-01", "2020-03-01")
    assert {row["event"] for row in rows} == {"wake"}
    assert any(note.startswith("rover, sleep: no dated sleep event") for note in rows.notes)


def test_a_single_event_has_no_known_spread() -> None:
    rules = fit(
        EventTable.of([LANDING, *planted("wake", at_elevation(8.0), "2019-02-01", "2019-03-01")]), SITE, ALMANAC
    )
    (row, *_) = calendar(rules, SITE, ALMANAC, "2020-01-01", "2020-03-01")
    assert (row["sigma_h"], row["utc_earliest"]) == (None, None)
    assert "single event" in row["label"]


def test_sun_that_does_not_reach_the_threshold() -> None:
    pole = Site(-89.0, 0.0)
    found = level_crossings(ALMANAC, pole, at_elevation(1.0), "2019-01-05", "2019-12-31")
    assert len(found.utc) > 4
    events = [Event("rover", "wake", utc=found.utc[found.rising][0]), LANDING]
    rules = fit(EventTable.of(events), pole, ALMANAC)
    rows = calendar(rules, pole, ALMANAC, "2019-01-05", "2019-12-31")
    assert len(rows) == int(found.rising.sum())
    assert any("does not pass the threshold on lunar day" in note for note in rows.notes)


def test_nothing_is_predicted_before_the_landing() -> None:
    rules = fit(
        EventTable.of([LANDING, *planted("wake", at_elevation(8.0), "2019-02-01", "2019-05-01")]), SITE, ALMANAC
    )
    rows = calendar(rules, SITE, ALMANAC, "2018-06-01", "2019-02-15").rows
    assert [row["lunar_day"] for row in rows] == [2]
    assert len(calendar(rules, SITE, ALMANAC, "2018-06-01", "2018-12-01")) == 0


def test_lunar_days_without_a_landing() -> None:
    wakes = planted("wake", at_elevation(8.0), "2019-03-15", "2019-06-01")
    counted = [replace(event, lunar_day=4 + i) for i, event in enumerate(wakes)]
    rules = fit(EventTable.of(counted), SITE, ALMANAC)
    rows = calendar(rules, SITE, ALMANAC, "2019-08-01", "2019-08-30").rows
    whole = fit(EventTable.of([LANDING, *wakes]), SITE, ALMANAC)
    assert [row["lunar_day"] for row in rows] == [
        row["lunar_day"] for row in calendar(whole, SITE, ALMANAC, "2019-08-01", "2019-08-30")
    ]
    with pytest.raises(InputError, match="give the landing time"):
        calendar(fit(EventTable.of(wakes), SITE, ALMANAC), SITE, ALMANAC, "2019-08-01", "2019-08-30")


def test_a_wrong_lunar_day_in_the_table_is_noted() -> None:
    (wake,) = planted("wake", at_elevation(8.0), "2019-03-15", "2019-04-10")
    rules = fit(EventTable.of([LANDING, replace(wake, lunar_day=9, line=5)]), SITE, ALMANAC)
    assert any("line 5: the table says lunar day 9" in note for note in rules.notes)


def test_bad_calls() -> None:
    table = EventTable.of([LANDING])
    with pytest.raises(ModelError, match="no wake or sleep event"):
        fit(table, SITE, ALMANAC)
    one = EventTable.of([LANDING, *planted("wake", at_elevation(8.0), "2019-02-01", "2019-03-01")])
    with pytest.raises(ModelError, match="too few for the panel"):
        fit(one, SITE, ALMANAC, model="panel")
    with pytest.raises(InputError, match="unknown model"):
        fit(one, SITE, ALMANAC, model="magic")  # type: ignore[arg-type]
    rules = fit(one, SITE, ALMANAC)
    with pytest.raises(UnknownNameError):
        rules.rule("hopper", "wake")
    with pytest.raises(InputError, match="not after"):
        calendar(rules, SITE, ALMANAC, "2020-01-01", "2019-01-01")
    with pytest.raises(DateError):
        calendar(rules, SITE, ALMANAC, "2199-01-01", "2200-02-01")


def test_noon_and_midnight_cannot_teach_a_threshold() -> None:
    grid = np.arange(np.datetime64("2019-02-01", "ms"), np.datetime64("2019-03-01"), np.timedelta64(1, "m"))
    noon = grid[np.argmax(ALMANAC.sun(SITE, grid).elevation_deg)]
    with pytest.raises(ModelError, match="hardly changes"):
        fit(EventTable.of([LANDING, Event("rover", "wake", utc=noon)]), SITE, ALMANAC)


def test_day_of_a_machine() -> None:
    landed = "2019-01-03T02:26Z"
    today = day(ALMANAC, SITE, landed, "2021-03-08T12:00Z").to_dict()
    assert (today["lunar_day"], today["earth_day"]) == (28, 795)
    assert today["sun_elevation_deg"] > 0
    assert 6 < today["local_solar_time_h"] < 12
    assert today["next_sunset_utc"] < today["next_sunrise_utc"]
    with pytest.raises(DateError, match="before the landing"):
        day(ALMANAC, SITE, landed, "2018-12-31")


def test_day_in_the_polar_night_looks_months_ahead() -> None:
    pole = Site(-89.9, 0.0)
    tonight = day(ALMANAC, pole, "2030-01-01", "2030-12-15")
    assert tonight.sun_elevation_deg < 0
    assert tonight.next_sunrise_utc is not None
    rise = np.datetime64(tonight.next_sunrise_utc[:-1])
    assert rise - np.datetime64("2030-12-15") > np.timedelta64(31, "D")
    assert abs(float(ALMANAC.sun(pole, np.array([rise])).elevation_deg[0])) < 1e-3
