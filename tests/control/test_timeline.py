"""The lunar day, schedules in the background, execution against plan, and what-if."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.control.station.catalogue import station_commands
from moonpost.control.timeline import Edit, LunarClock, Timeline
from moonpost.control.timeline.book import ScheduleBook
from moonpost.control.timeline.execution import Evidence, executed_items, status_of
from moonpost.control.timeline.items import turns
from moonpost.control.timeline.machines import received_states
from moonpost.control.timeline.missions import command_items, evidence_of
from moonpost.control.timeline.sequences import command_steps
from moonpost.control.timeline.skies import days_counted
from moonpost.control.timeline.windows import cut, milliseconds
from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.operations.placements import Placement
from moonpost.plan import Plan, load_plan
from moonpost.sky import times
from moonpost.terrain import illumination

sys.path.insert(0, str(Path(__file__).parent))
from timeline_samples import HOUR, START, Clock, Values, command, stage

DAYS = 3.0


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan("ilrs")


@pytest.fixture(scope="module")
def lunar(plan: Plan) -> LunarClock:
    return LunarClock(plan)


@pytest.fixture(scope="module")
def line(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    clock = Clock(START + 12 * HOUR)
    made = Timeline(
        plan,
        tmp_path_factory.mktemp("line"),
        now=clock.now,
        span=(START, START + 24 * int(DAYS) * HOUR),
        seconds=0.0,
    )
    assert made.book.wait() is not None, made.book.error
    made.book.join(60.0)
    return made


# ---------------------------------------------------------------------------------------------- the lunar day


def test_sunset_and_sunrise_are_where_light_over_the_terrain_ends_and_begins(lunar: LunarClock) -> None:
    moment = lunar.at(START)
    assert moment.lit
    assert moment.next_sunset is not None
    assert moment.next_sunrise is not None
    second = np.timedelta64(2, "s")
    for turn, before in ((moment.next_sunset, True), (moment.next_sunrise, False)):
        assert lunar.at(turn - second).lit is before
        assert lunar.at(turn + second).lit is not before


def test_windows_of_light_are_those_of_the_hourly_light_of_the_same_horizon(lunar: LunarClock) -> None:
    stop = START + 24 * 40 * HOUR
    t = times(START, stop, 3600.0)
    sky = lunar._sky
    share = np.asarray(illumination(sky.profile, sky.almanac.sun(lunar.place, t)))  # type: ignore[union-attr, arg-type]
    inside = np.zeros(t.size, dtype=bool)
    for begin, end in lunar.sunlight(START, stop):
        inside |= (t >= begin) & (t < end)
    assert 0.05 < np.mean(~inside) < 0.95
    assert np.count_nonzero(inside != (share > 0.0)) <= 1


def test_eclipses_are_those_of_the_sky(plan: Plan, lunar: LunarClock) -> None:
    from moonpost.sky.eclipse import eclipses

    start, stop = np.datetime64("2035-07-15", "ms"), np.datetime64("2035-09-10", "ms")
    found = lunar.eclipses(start, stop)
    assert lunar.place is not None
    expected = eclipses(lunar.almanac, lunar.place, start, stop, 1.01)
    assert [str(row.greatest)[:16] for row in found] == [str(row.greatest)[:16] for row in expected]
    assert [str(row.greatest)[:10] for row in found] == ["2035-08-19"]


def test_lunar_days_count_from_the_first_landing_and_none_before(plan: Plan, lunar: LunarClock) -> None:
    assert str(lunar.landing)[:4] in ("2031", "2032")
    early = lunar.at(lunar.landing - HOUR)
    assert (early.lunar_day, early.earth_day) == (None, None)
    assert "landed" in early.note
    assert (lunar.at(lunar.landing).lunar_day, lunar.at(lunar.landing).earth_day) == (1, 0)
    change4 = LunarClock(plan, "ce4-site").at("2021-03-08T12:00Z")  # CNSA: 28th lunar day of Chang'e 4
    assert change4.lunar_day == 28
    assert not change4.contact  # the far side


def test_a_station_in_orbit_has_no_lunar_day() -> None:
    clock = LunarClock(load_plan("ilrs-orbit"))
    moment = clock.at("2036-01-10T03:00Z")
    assert clock.in_orbit
    assert clock.place is None
    assert moment.lunar_day is None
    assert moment.sun_elevation_deg is None
    assert "orbit" in moment.note
    assert 1.1 < moment.light_time_s < 1.5
    told = moment.to_dict()
    assert told["sun_elevation_deg"] is None
    turn = moment.next_sunset if moment.lit else moment.next_sunrise
    assert turn is not None
    assert clock.at(turn + np.timedelta64(120, "s")).lit is not moment.lit


def test_contact_that_lasts_beyond_what_is_known_has_no_end(plan: Plan) -> None:
    windows = np.array([[START, START + HOUR], [START + 2 * HOUR, START + 5 * HOUR]])
    for known in (None, START + 5 * HOUR):
        clock = LunarClock(plan, contacts=windows, known=known)
        first, last = clock.at(START), clock.at(START + 3 * HOUR)
        assert (first.contact, first.next_contact) == (True, START + HOUR)
        assert (last.contact, last.next_contact, last.contact_known) == (True, None, START + 5 * HOUR)
        assert last.to_dict()["next_contact_change_ms"] is None
        end = clock.at(START + 5 * HOUR)  # where a mission's clock stands still
        assert (end.contact, end.next_contact) == (True, None)
        assert clock.at(START + HOUR).next_contact == START + 2 * HOUR
    later = LunarClock(plan, contacts=windows, known=START + 6 * HOUR).at(START + 3 * HOUR)
    assert later.next_contact == START + 5 * HOUR


def test_from_when_days_count_is_told_with_whether_it_is_assumed(plan: Plan) -> None:
    moment = LunarClock(plan).at(START)
    told = moment.counted
    assert moment.to_dict()["counted_assumed"] is True
    assert "2031-12-31" in told
    assert "ILRS-1" in told
    assert "assumption" in told
    assert days_counted(plan, "ce4-site") == ("Days count from 2019-01-03, when Chang'e 4 landed.", False)
    assert days_counted(load_plan("ilrs-orbit"), None)[1]
    assert days_counted(plan, "luna25-target") == ("", False)  # lost


def test_given_contacts_count_and_dates_beyond_the_ephemerides_are_refused(plan: Plan) -> None:
    windows = np.array([[START, START + HOUR]])
    clock = LunarClock(plan, contacts=windows)
    assert clock.at(START).contact
    assert not clock.at(START + 2 * HOUR).contact
    with pytest.raises(DateError):
        clock.at("2250-01-01")
    with pytest.raises(DateError):
        clock.sunlight(START, START)


instants = st.integers(0, 10_000).map(lambda minute: START + minute * np.timedelta64(60_000, "ms"))


@given(st.lists(st.tuples(instants, st.integers(1, 500)), max_size=8), instants, st.integers(1, 3000))
def test_cut_windows_are_apart_inside_and_cover_the_same(
    rows: list[tuple[np.datetime64, int]], first: np.datetime64, minutes: int
) -> None:
    minute = np.timedelta64(60_000, "ms")
    windows = [(begin, begin + length * minute) for begin, length in rows]
    last = first + minutes * minute
    found = cut(windows, first, last)
    assert all(first <= begin < end <= last for begin, end in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    for t in [first + k * minute * max(minutes // 50, 1) for k in range(50)]:
        if first <= t < last:
            assert any(a <= t < b for a, b in windows) == any(a <= t < b for a, b in found)


@given(st.lists(st.integers(0, 2), max_size=60))
def test_turns_put_together_are_the_values(values: list[int]) -> None:
    found = turns(values)
    assert [value for a, b, value in found for _ in range(a, b)] == values
    assert all(found[k][2] != found[k + 1][2] for k in range(len(found) - 1))


# ---------------------------------------------------------------------------------------------- the schedule


def test_a_schedule_is_taken_up_again_and_a_damaged_one_made_anew(line: Timeline, plan: Plan) -> None:
    book = line.book
    schedule = book.schedule
    assert schedule is not None
    again = ScheduleBook(plan, book.path.parent, START, DAYS, seconds=0.0)
    assert again.path == book.path
    found = again.wait()
    assert found is not None
    assert found.placements == schedule.placements
    assert again._setting is None  # nothing was computed for it
    other = ScheduleBook(plan, book.path.parent, START + HOUR, DAYS)
    assert other.path != book.path


def test_what_keeps_a_schedule_from_being_made_is_told(plan: Plan, tmp_path: Path) -> None:
    early = ScheduleBook(plan, tmp_path, np.datetime64("2028-01-01"), 3.0, seconds=0.0)
    assert early.wait() is None
    early.join(30.0)
    assert early.state == "failed"
    assert "nothing" in early.error
    bare = plan.model_copy(update={"activities": ()})
    none = ScheduleBook(bare, tmp_path, START, 3.0)
    assert none.wait() is None
    assert none.state == "none"


def test_a_damaged_file_is_no_schedule(line: Timeline, plan: Plan, tmp_path: Path) -> None:
    book = ScheduleBook(plan, tmp_path, START, DAYS, seconds=0.0)
    book._setting = line.book.setting()  # saves the time of computing it again
    book.path.write_text("{half", encoding="utf-8")
    assert book.wait() is not None, book.error
    book.join(30.0)
    assert book.path.read_text(encoding="utf-8").startswith("{")


# ---------------------------------------------------------------------------------------------- execution


def test_status_follows_clock_and_evidence() -> None:
    drive = Placement("drive-1", "drive", "rover", "a", START, START + 8 * HOUR, 1.0, 0.0)

    def status(hours: float, *states: str) -> str:
        rows = [Evidence("rover", "drive", state, START + HOUR) for state in states]
        rows += [Evidence("rover", "other", "done", START), Evidence("rover", "drive", "done", START + 20 * HOUR)]
        return status_of(drive, rows, START + np.timedelta64(round(hours * 60), "m"))[0]

    assert [status(h) for h in (-1, 0.1, 1, 9)] == ["planned", "planned", "late", "missed"]
    assert status(1, "commanded") == "commanded"
    assert status(9, "commanded") == "missed"
    assert status(3, "running", "commanded") == "running"
    assert status(9, "done", "refused") == "done"
    assert status(3, "refused") == "refused"


def test_commands_and_their_reports_are_evidence() -> None:
    hours = [START + k * HOUR for k in range(10)]
    name = "survey-rover.activity-start"
    begun = command(1, name, "survey-drive", "completed", stage("started", START), stage("completed", hours[8]))
    runs = command(6, name, "survey-drive", "timed-out", stage("started", hours[1]))
    cut_off = command(7, name, "survey-drive", "failed", stage("started", hours[2]), stage("failed", hours[3]))
    ended = command(
        2, "survey-rover.activity-stop", "survey-drive", "completed", stage("completed", START + 8 * HOUR)
    )
    waits = command(3, "survey-rover.activity-start", "survey-drive", "approved", at=START + 24 * HOUR)
    wrong = command(4, "survey-rover.activity-start", "survey-drive", "refused", at=START + 48 * HOUR)
    other = command(5, "survey-rover.wake", "", "completed", stage("completed", START))
    found = evidence_of([wrong, waits, ended, begun, other, cut_off, runs])
    assert [(row.state, row.start, row.stop) for row in found] == [
        ("done", START, START + 8 * HOUR),
        ("running", hours[1], None),
        ("stopped", hours[2], hours[3]),
        ("commanded", START + 24 * HOUR, None),
        ("refused", START + 48 * HOUR, None),
    ]
    drive = Placement("survey-drive-1", "survey-drive", "survey-rover", "a", hours[2], hours[9], 1.0, 0.0)
    status, text = status_of(drive, evidence_of([cut_off]), hours[9])
    assert (status, "1.00 h of 7 h" in text) == ("refused", True)
    assert [row.status for row in executed_items(load_plan("ilrs"), found, hours[9], (START, hours[9]))] == [
        "done", "running", "done",
    ]  # fmt: skip
    marks = command_items([begun, ended, waits, wrong, other], START, START + 9 * HOUR)
    assert [row.id for row in marks] == [
        "command.1.survey-rover", "command.2.survey-rover", "command.5.survey-rover",
    ]  # fmt: skip


def test_received_states_turn_with_the_samples_and_gaps_are_told(plan: Plan) -> None:
    minute = np.timedelta64(60_000, "ms")
    time = START + np.concatenate([np.arange(120), np.arange(300, 420)]) * minute
    works = np.where(np.arange(240) < 60, 1, 0)
    lit = np.where(np.arange(240) < 30, 1, 0)
    values = Values({"survey-rover.element_working": (time, works), "survey-rover.in_light": (time, lit)})
    found = list(received_states(plan, values, START, START + 24 * HOUR, ["survey-rover", "assembly-rover"]))
    told = [(row.kind, int((row.start - START) / minute), int((row.stop - START) / minute)) for row in found]
    assert told == [
        ("works", 0, 30), ("dark-mode", 30, 60), ("asleep", 60, 120), ("no-telemetry", 120, 300),
        ("asleep", 300, 420),
    ]  # fmt: skip
    assert {row.layer for row in found} == {"actual"}


def test_the_timeline_holds_sky_plan_and_what_was_received(line: Timeline) -> None:
    found = line.items(*line.span)
    kinds = {(row.layer, row.kind) for row in found}
    assert {("sky", "sun"), ("sky", "lunar-day"), ("plan", "activity"), ("plan", "works")} <= kinds
    assert all(line.span[0] <= row.start <= row.stop <= line.span[1] for row in found if row.kind != "activity")
    rows = {row.id for row in line.rows()}
    assert {row.row for row in found} <= rows
    schedule = line.book.schedule
    assert schedule is not None
    assert {row.id for row in found if row.kind == "activity"} == {row.id for row in schedule.placements}
    few = line.items(*line.span, elements=["survey-rover"])
    assert {row.row for row in few if row.row.startswith("machine.")} == {"machine.survey-rover"}
    with pytest.raises(InputError):
        line.items("2000-01-01", "2035-01-01")


# ---------------------------------------------------------------------------------------------- what if


def later(line: Timeline) -> Placement:
    schedule = line.book.schedule
    assert schedule is not None
    return next(row for row in schedule.placements if row.start > line.now() + 4 * HOUR)


def test_a_bad_edit_is_found_and_nothing_is_kept(line: Timeline) -> None:
    row, before = later(line), line.book.path.read_bytes()
    schedule = line.book.schedule
    tried, items = line.what_if([Edit("shift", row.id, by_s=40 * 3600.0)])
    assert not tried.accepted
    assert tried.findings[0].severity == "critical"
    assert next(item for item in items if item.id == row.id).start == row.start + 40 * HOUR
    assert line.book.schedule is schedule
    assert line.book.path.read_bytes() == before


def test_an_edit_that_breaks_no_rule_passes(line: Timeline) -> None:
    row = later(line)
    tried, _ = line.what_if([Edit("remove", row.id)])
    assert tried.accepted
    assert tried.value == tried.former_value - 1.0
    assert row.id not in {one.id for one in tried.placements}


def test_a_machine_that_would_sleep_on_is_found(line: Timeline) -> None:
    at = milliseconds(line.now() + HOUR)
    edits = [
        Edit("change", "survey-rover", to_ms=at, quantity="can-wake", value=0.0),
        Edit("change", "survey-rover", to_ms=at, quantity="asleep", value=1.0),
    ]
    tried, items = line.what_if(edits)
    assert not tried.accepted
    assert ("asleep", "survey-rover") in {(row.kind, row.subject) for row in tried.findings}
    assert "asleep" in {row.kind for row in items if row.row == "machine.survey-rover"}


def test_edits_that_cannot_be_used_are_refused(line: Timeline) -> None:
    row = later(line)
    with pytest.raises(InputError, match="before mission time"):
        line.what_if([Edit("move", row.id, to_ms=milliseconds(line.span[0]))])
    with pytest.raises(UnknownNameError):
        line.what_if([Edit("remove", "no-such-thing-1")])
    with pytest.raises(InputError):
        line.what_if([])
    for wrong in (
        {"do": "fly", "id": "a"},
        {"do": "move", "id": "a"},
        {"do": "shift", "id": "a", "by_s": float("nan")},
        {"do": "change", "id": "a", "to_ms": 0.0, "value": 1.0, "quantity": "colour"},
        {"do": "remove", "id": "a b"},
    ):
        with pytest.raises(InputError):
            Edit(**wrong)  # type: ignore[arg-type]


def test_an_activity_becomes_commands_at_its_times(line: Timeline, plan: Plan) -> None:
    from types import SimpleNamespace

    schedule = line.book.schedule
    assert schedule is not None
    row = next(
        one for one in schedule.placements if one.element == "research-laboratory" and one.start > line.now()
    )
    mission = SimpleNamespace(station=SimpleNamespace(commands=station_commands(plan, {"research-laboratory": 7})))
    steps = command_steps(mission, line, row)
    assert [(step.name, step.at) for step in steps][-1:] == [("research-laboratory.activity-start", row.start)]
    assert steps[-1].arguments == {"activity": row.activity}
    with pytest.raises(InputError, match="takes no commands"):
        command_steps(SimpleNamespace(station=SimpleNamespace(commands=station_commands(plan, {}))), line, row)
    past = next(one for one in schedule.placements if one.stop <= line.now())
    with pytest.raises(InputError, match="over already"):
        command_steps(mission, line, past)
