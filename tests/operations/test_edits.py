"""Edits by hand: each is checked again, refused with its reasons, and never loses the schedule before."""

from __future__ import annotations

import json

import numpy as np
import pytest

from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.operations.edits import edit, edited, shift_seconds
from moonpost.operations.schedule import BY_HAND, schedule
from moonpost.operations.schedulefile import load_schedule, save_schedule, schedule_versions


@pytest.fixture(scope="module")
def scene(stage):
    """A rover and a lab, three days of light and dark by half days, contact now and then."""
    elements = [stage.machine("rover", battery_wh=1500.0), stage.machine("lab", rated_w=300.0, battery_wh=400.0)]
    activities = [
        stage.activity("drive", "rover", 3.0, needs=["light"]),
        stage.activity("talk", "rover", 1.0, 20.0, needs=["earth"], after=["drive"]),
        stage.activity("bake", "lab", 4.0, 150.0),
    ]
    light = np.r_[np.tile(np.r_[np.ones(24), np.zeros(24)], 3), 1.0]
    return stage.setting(stage.plan(elements, activities), light, contacts=[(4, 14), (28, 36), (50, 60)])


@pytest.fixture(scope="module")
def plan(scene):
    return schedule(scene, seconds=0.0)


def tried(plan, scene, *edits, **options):
    return edited(plan, scene, edits, **options)


def why(found):
    return {row.kind: row.text for row in found.reasons}


def test_a_shift_that_breaks_nothing_is_accepted_and_locked(plan, scene):
    found = tried(plan, scene, "shift drive-2 +30m")
    assert found.accepted
    assert not found.reasons
    before, after = plan.placement("drive-2"), found.schedule.placement("drive-2")
    assert (after.start - before.start) / np.timedelta64(1, "m") == 30.0
    assert after.locked


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("move drive-1 2035-01-01T10:30Z", "light", "rover is in the dark from 2035-01-01T12:00"),
        ("move talk-1 2035-01-01T15:00Z", "contact", "rover is not in contact from 2035-01-01T15:00:00Z to"),
        ("move talk-1 2035-01-01T00:00Z", "order", "comes after drive-1, which ends at"),
        ("move drive-1 2035-01-02T05:00Z", "period", "is due from 2035-01-01T00:00:00Z to 2035-01-02"),
        ("move bake-1 2035-01-01T13:00Z", "power", "store of lab would be at -"),
    ],
)
def test_an_edit_that_breaks_a_rule_is_refused_with_the_reason(plan, scene, text, kind, words):
    found = tried(plan, scene, text)
    assert not found.accepted
    assert found.schedule is plan
    assert words in why(found)[kind], why(found)


def test_a_busy_rover_is_told_with_what_it_does(plan, scene):
    start = str(plan.placement("drive-3").start)
    found = tried(plan, scene, f"move talk-3 {start}Z")
    texts = [row.text for row in found.reasons if (row.kind, row.id) == ("busy", "talk-3")]
    assert any(text.startswith("rover is busy with drive-3 from") for text in texts)


def test_force_takes_an_edit_with_its_reasons(plan, scene):
    found = tried(plan, scene, "move drive-1 2035-01-01T10:30Z", force=True)
    assert found.accepted
    assert "light" in why(found)
    again = tried(found.schedule, scene, "shift bake-2 +15m")
    assert again.accepted, "what was wrong before is not held against a new edit"


def test_groups_are_shifted_together_and_locks_hold_when_made_anew(plan, scene):
    found = tried(plan, scene, "group morning drive-2 talk-2", "shift morning +30m")
    assert found.accepted, why(found)
    moved = found.schedule
    assert {row.id for row in moved.placements if row.locked} == {"drive-2", "talk-2"}
    again = schedule(scene, seconds=0.5, former=moved)
    assert again.placement("drive-2") == moved.placement("drive-2")
    assert again.groups == moved.groups == {"morning": ("drive-2", "talk-2")}


def test_what_is_removed_stays_out_until_it_is_added(plan, scene):
    removed = tried(plan, scene, "remove bake-2").schedule
    assert removed.value == plan.value - 1.0
    assert [row.reason for row in removed.refusals if row.id == "bake-2"] == [BY_HAND]
    again = schedule(scene, seconds=0.0, former=removed)
    assert "bake-2" not in {row.id for row in again.placements}
    back = tried(removed, scene, f"add bake-2 {plan.placement('bake-2').start}Z")
    assert back.accepted
    assert back.schedule.value == plan.value
    assert "bake-2" not in {row.id for row in back.schedule.refusals}


def test_removing_what_others_wait_for_is_refused(plan, scene):
    assert "comes after drive-1, which is not placed" in why(tried(plan, scene, "remove drive-1"))["order"]


def test_unlock_and_ungroup_undo(plan, scene):
    found = edit(edit(plan, scene, "lock drive-1 bake-1"), scene, "unlock bake-1")
    assert {row.id for row in found.placements if row.locked} == {"drive-1"}
    assert edit(edit(plan, scene, "group g drive-1"), scene, "ungroup g").groups == {}


@pytest.mark.parametrize("text", ["", "dance drive-1", "shift drive-9 +2h", "add drive-9 2035-01-01", "ungroup x"])
def test_unknown_names_are_told(plan, scene, text):
    with pytest.raises(UnknownNameError):
        edit(plan, scene, text)


@pytest.mark.parametrize(
    "text",
    ["shift drive-1", "shift drive-1 soon", "shift drive-1 +2", "group drive-1 bake-1", "add drive-1 2035-01-01"],
)
def test_what_cannot_be_read_is_told(plan, scene, text):
    with pytest.raises(InputError):
        edit(plan, scene, text)


@pytest.mark.parametrize(("text", "seconds"), [("+2h", 7200.0), ("-30min", -1800.0), ("1d6h", 108_000.0)])
def test_lengths_of_time_are_read(text, seconds):
    assert shift_seconds(text) == seconds


def test_the_file_keeps_every_version(plan, scene, tmp_path):
    path = tmp_path / "plan.json"
    assert save_schedule(path, plan) == 1
    found = tried(plan, scene, "shift drive-2 +30m").schedule
    assert save_schedule(path, found, "shift drive-2 +30m") == 2
    assert [row.text for row in schedule_versions(path)] == ["scheduled", "shift drive-2 +30m"]
    assert load_schedule(path) == found
    assert load_schedule(path, 1) == plan
    with pytest.raises(InputError, match="version 3"):
        load_schedule(path, 3)


def test_another_plans_file_is_not_written_over(plan, scene, tmp_path, stage):
    path = tmp_path / "plan.json"
    save_schedule(path, plan)
    other = schedule(stage.setting(scene.plan, np.ones(49)), seconds=0.0)
    text = path.read_text()
    with pytest.raises(DataError, match="another plan, site or period"):
        save_schedule(path, other)
    assert path.read_text() == text


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"versions": []}', '{"versions": [{"number": 1}]}'])
def test_a_damaged_file_is_told(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"plan\.json"):
        load_schedule(path)


def test_a_damaged_version_is_told(plan, tmp_path):
    path = tmp_path / "plan.json"
    save_schedule(path, plan)
    data = json.loads(path.read_text())
    data["versions"][0]["schedule"]["placements"][0]["start"] = "never"
    path.write_text(json.dumps(data))
    with pytest.raises(DataError, match="version 1"):
        schedule_versions(path)
