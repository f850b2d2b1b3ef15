"""Alarms: raised after long enough, cleared well within limits, kept until seen, bounded when a value flaps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.database import Database
from moonpost.control.ground import Alarm, AlarmRules, Alarms, Ground
from moonpost.control.ground.alarmstore import AlarmStore
from moonpost.control.packets import Limits
from moonpost.errors import InputError, OutputError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))
from ground_samples import EPOCH, LATER, LAYOUT, at, dictionary, framed, rover

LIMITS = Limits(10.0, 90.0, 0.0, 100.0)
NARROW = Limits(11.0, 89.0, 1.0, 99.0)


def watch(alarms: Alarms, values: npt.ArrayLike, first: int = 0, step: int = 1) -> None:
    value = np.asarray(values, float)
    time = at(first + step * np.arange(value.size))
    alarms.watch("x", time, value, LIMITS.states(value), lambda: NARROW.states(value))


def only(alarms: Alarms) -> Alarm:
    (alarm,) = alarms.active()
    return alarm


def test_raised_worsened_eased_cleared() -> None:
    alarms = Alarms(AlarmRules(clearing=2))
    watch(alarms, [50, 50, 95, 50.0])
    alarm = only(alarms)
    assert (alarm.state, alarm.since, alarm.value, alarm.cleared) == (1, at(2), 95.0, None)
    watch(alarms, [120, 120], 4)
    assert (only(alarms).state, only(alarms).worst, only(alarms).severity) == (2, 2, "critical")
    watch(alarms, [95, 95, 95], 6)
    assert (only(alarms).state, only(alarms).worst, only(alarms).id) == (1, 2, alarm.id)
    watch(alarms, [50, 50], 9)
    assert (only(alarms).state, only(alarms).cleared) == (0, at(9))
    alarms.acknowledge(alarm.id, "li", "seen")
    assert alarms.active() == ()
    (kept,) = alarms.history(EPOCH, LATER)
    assert (kept.acknowledged_by, kept.comment, kept.worst, kept.since) == ("li", "seen", 2, at(2))
    watch(alarms, [5, 5], 20)
    assert only(alarms).id == alarm.id + 1
    assert only(alarms).state == -1


def test_acknowledged_alarms_stay_until_they_are_cleared_and_call_again_when_worse() -> None:
    alarms = Alarms()
    watch(alarms, [95, 95])
    alarms.acknowledge(only(alarms).id, "li")
    assert only(alarms).acknowledged_by == "li"
    assert alarms.acknowledge(only(alarms).id, "anna").acknowledged_by == "li"
    watch(alarms, [95, 105], 2)
    assert (only(alarms).acknowledged_by, only(alarms).worst) == ("", 2)
    alarms.acknowledge(only(alarms).id, "anna")
    watch(alarms, [50, 50, 50], 4)
    assert alarms.active() == ()


def test_a_single_sample_raises_nothing_if_two_are_asked_for() -> None:
    alarms = Alarms(AlarmRules(persistence=2))
    watch(alarms, [50, 95, 50, 120, 50, 95])
    assert alarms.active() == ()
    watch(alarms, [96], 6)
    assert (only(alarms).since, only(alarms).state) == (at(5), 1)
    watch(alarms, [101, 95, 101, 101], 7)
    assert (only(alarms).worst, only(alarms).count) == (2, 1)


def test_a_value_on_a_bound_does_not_chatter() -> None:
    alarms = Alarms()
    watch(alarms, np.tile([90.0, 90.5], 500))
    assert (only(alarms).count, only(alarms).cleared) == (1, None)
    watch(alarms, [89.5] * 10, 1000)
    assert only(alarms).cleared is None
    watch(alarms, [88.0] * 2, 1010)
    assert only(alarms).cleared == at(1010)


def test_a_flapping_value_makes_few_alarms() -> None:
    alarms = Alarms()
    for cycle in range(2000):
        watch(alarms, [95.0, 50.0, 50.0], 3 * cycle)
        for alarm in alarms.active():
            alarms.acknowledge(alarm.id, "li")
    assert len(alarms.history(EPOCH, LATER)) == 5
    assert alarms.changes < 30
    watch(alarms, [50.0] * 50, 10_000, 100)
    assert alarms.active() == ()
    watch(alarms, [95.0], 20_000)
    assert only(alarms).cleared is None


def test_a_jump_from_too_low_to_too_high_is_told() -> None:
    alarms = Alarms()
    watch(alarms, [5.0, 95.0])
    assert (only(alarms).state, only(alarms).since, only(alarms).count) == (1, at(0), 1)
    watch(alarms, [-5.0, 95.0, 95.0], 2)
    assert (only(alarms).state, only(alarms).worst) == (1, -2)


def test_values_that_are_no_numbers_tell_nothing() -> None:
    alarms = Alarms()
    watch(alarms, [np.nan, np.nan])
    assert alarms.active() == ()
    watch(alarms, [95.0, np.nan, np.nan, np.nan], 2)
    assert only(alarms).cleared is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([-5.0, 5.0, 10.5, 50.0, 89.5, 95.0, 105.0]), min_size=1, max_size=60), st.data())
def test_it_does_not_matter_how_samples_are_cut(values: list[float], data: st.DataObject) -> None:
    whole, parts = Alarms(AlarmRules(2, 3)), Alarms(AlarmRules(2, 3))
    watch(whole, values)
    begin = 0
    while begin < len(values):
        size = data.draw(st.integers(1, 10))
        watch(parts, values[begin : begin + size], begin)
        begin += size
    told = [[(a.state, a.since, a.worst, a.cleared, a.count) for a in one.active()] for one in (whole, parts)]
    assert told[0] == told[1]


def test_alarms_survive_a_restart(tmp_path: Path) -> None:
    with Database.open(tmp_path / "control.sqlite") as database:
        with Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT, database=database) as ground:
            ground.receive(framed(rover(range(5), [290, 290, 240, 240, 240])), at=at(5))
            first = only(ground.alarms)
        with Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT, database=database) as ground:
            assert only(ground.alarms) == first
            ground.alarms.acknowledge(first.id, "li", "known")
            ground.receive(framed(rover(range(5, 9), 290.0)), at=at(9))
            assert ground.alarms.active() == ()
            ground.receive(framed(rover([9], 400.0)), "b", at=at(10))
        with Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT, database=database) as ground:
            assert only(ground.alarms).id == first.id + 1
            kept = ground.alarms.history(EPOCH, LATER)
            assert [(one.id, one.comment, one.cleared) for one in kept] == [
                (first.id, "known", at(5)), (first.id + 1, "", None),
            ]  # fmt: skip
            assert ground.alarms.alarm(first.id).acknowledged_by == "li"
            assert ground.alarms.history(EPOCH, at(1)) == ()


def test_alarms_wait_in_memory_while_the_database_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("the database cannot be used: disk full")

    with Database.open(tmp_path / "control.sqlite") as database:
        store = AlarmStore(database)
        alarms = Alarms(None, store)
        monkeypatch.setattr(store, "write", full)
        alarms.tell("ground.archive", 2, "2040-01-01", "full")
        assert not alarms.save()
        assert "disk full" in alarms.trouble
        assert alarms.acknowledge(only(alarms).id, "li").acknowledged_by == "li"
        monkeypatch.undo()
        assert store.listed() == ()
        assert alarms.save()
        assert [alarm.acknowledged_by for alarm in store.listed()] == ["li"]


def test_what_cannot_be_acknowledged() -> None:
    alarms = Alarms()
    alarms.tell("ground.archive", 2, "2040-01-01", "full")
    with pytest.raises(UnknownNameError):
        alarms.acknowledge(77, "li")
    with pytest.raises(InputError):
        alarms.acknowledge(only(alarms).id, "")
    with pytest.raises(InputError):
        alarms.acknowledge(only(alarms).id, "li", "x" * 2001)
    with pytest.raises(InputError):
        AlarmRules(persistence=0)
