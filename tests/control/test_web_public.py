"""Who is awake, from telemetry: the same whether samples are few or too many to read all of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.control.archive import Archive, Packets
from moonpost.control.clock import MissionClock
from moonpost.control.web import publicfacts
from moonpost.control.web.publicfacts import PublicView
from moonpost.control.web.routes.public import _counted, _feed, _page
from moonpost.plan import load_plan

START = np.datetime64("2040-06-20", "us")
STEP = np.timedelta64(10, "s")
KEYS = ("survey-rover.element_working", "survey-rover.in_light")


def decode(_apid, packets):
    table = packets.data.reshape(len(packets), 2)
    return {KEYS[0]: table[:, 0].astype(float), KEYS[1]: table[:, 1].astype(float)}


def flown(folder, working, light):
    """A mission whose archive holds two channels, sample by sample."""
    archive = Archive.open(folder / "archive", decode)
    times = START + np.arange(len(working)) * STEP
    octets = [bytes(row) for row in zip(working.tolist(), light.tolist(), strict=True)]
    archive.append(Packets.of(octets, 7, times, np.arange(len(working)) % 16384, times))
    clock = MissionClock(times[-1], stop=times[-1])
    ground, station = SimpleNamespace(archive=archive), SimpleNamespace(span=(START,))
    return archive, SimpleNamespace(plan=load_plan("ilrs"), clock=clock, ground=ground, station=station)


@pytest.mark.parametrize("many", [10**9, 100])
def test_turns_are_those_of_all_samples(tmp_path, monkeypatch, many):
    monkeypatch.setattr(publicfacts, "_MANY", many)
    monkeypatch.setattr(publicfacts, "_MOST_NEWS", 1000)
    random = np.random.default_rng(7)
    edges = np.sort(random.choice(np.arange(1, 19_999), 40, replace=False))
    light = np.zeros(20_000, np.uint8)
    for first, last in edges.reshape(-1, 2):
        light[first:last] = 1
    light[15_000:15_400] = np.arange(400) // 20 % 2  # more often than there are bins
    working = np.ones(20_000, np.uint8)
    working[5000:9000] = 0
    awake = (light & working).astype(np.int8)
    archive, mission = flown(tmp_path, working, light)
    with archive:
        facts = PublicView(mission).facts()
    told = {(str(row.utc), "woken" in row.title) for row in facts.news if "survey" in row.title}
    turns = np.flatnonzero(np.diff(awake)) + 1
    due = {(str((START + row * STEP).astype("datetime64[ms]")), bool(awake[row])) for row in turns}
    assert told == due
    assert [machine.awake for machine in facts.machines] == [bool(awake[-1])]


def test_before_anything_is_heard_the_page_and_the_feed_say_so(tmp_path):
    with Archive.open(tmp_path / "archive", decode) as archive:
        clock = MissionClock(START, stop=START)
        ground = SimpleNamespace(archive=archive)
        facts = PublicView(SimpleNamespace(plan=load_plan("ilrs"), clock=clock, ground=ground)).facts()
    assert facts.machines == ()
    assert "Nothing has been heard yet." in _page(facts)
    assert _feed(facts, "ilrs", "http://127.0.0.1/").startswith(b"<?xml")


@pytest.mark.parametrize(("date", "words"), [("2019-01-01", "Nothing has landed there yet"), ("2035-01-10", "38")])
def test_days_count_from_the_first_landing(date, words):
    clock = MissionClock(np.datetime64(date), stop=np.datetime64(date))
    page = _page(PublicView(SimpleNamespace(plan=load_plan("ilrs"), clock=clock)).facts())
    assert words in page
    assert "None" not in page


def test_the_page_says_when_days_count_from_an_assumed_date():
    day = np.datetime64("2035-01-10")
    plan = load_plan("ilrs")
    facts = PublicView(SimpleNamespace(plan=plan, clock=MissionClock(day, stop=day))).facts()
    assert "an assumption: the latest landing of ILRS-1" in _page(facts, _counted(plan, None))
    assert "when Chang&#39;e 4 landed" in _page(facts, _counted(plan, "ce4-site"))
    assert "latest arrival" in _counted(load_plan("ilrs-orbit"), None)


def test_a_station_in_orbit_has_no_lunar_day():
    day = np.datetime64("2040-01-01")
    facts = PublicView(SimpleNamespace(plan=load_plan("ilrs-orbit"), clock=MissionClock(day, stop=day))).facts()
    assert facts.lunar_day is None
    assert "Lunar day" not in _page(facts)


def test_samples_of_the_future_are_not_back_yet():
    clock = MissionClock(np.datetime64("2022-01-01"), stop=np.datetime64("2022-01-01"))
    facts = PublicView(SimpleNamespace(plan=load_plan("ilrs"), clock=clock)).facts()
    assert [row.name for row in facts.returned] == ["Chang'e 5"]


def test_names_are_escaped():
    plan = load_plan("ilrs").model_copy(update={"title": '<script>alert(1)</script> & "Moon"'})
    clock = MissionClock(np.datetime64("2035-01-01"), stop=np.datetime64("2035-01-01"))
    facts = PublicView(SimpleNamespace(plan=plan, clock=clock)).facts()
    assert "<script" not in _page(facts)
    assert b"<script" not in _feed(facts, "ilrs", "http://127.0.0.1/")
