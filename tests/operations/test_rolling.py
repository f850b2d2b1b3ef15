"""Long periods go lunar day by lunar day: parts join, state is carried on, nothing is placed twice."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.operations import rolling
from moonpost.operations.checker import check_schedule
from moonpost.operations.rolling import horizons
from moonpost.operations.schedule import schedule


@pytest.fixture
def scene(stage):
    """Ten days, a lunar day of three, energy for one long run at a time."""
    rover = stage.machine("rover", load_w=(20.0, 10.0), rated_w=120.0, battery_wh=1000.0)
    activities = [
        stage.activity("drive", "rover", 3.0, 80.0, needs=["light"]),
        stage.activity("survey", "rover", 8.0, 60.0, every="lunar-day"),
        stage.activity("set-up", "rover", 5.0, 50.0, every="once"),
        stage.activity("use", "rover", 2.0, 20.0, every="lunar-day", after=["set-up"]),
    ]
    light = np.r_[np.tile(np.r_[np.ones(24), np.zeros(24)], 10), 1.0]
    return stage.setting(stage.plan([rover], activities), light, lunar_days=[72.0, 144.0, 216.0])


def test_parts_cover_the_period_once(scene):
    parts = horizons(scene, by_day=True, ahead_s=86_400.0)
    assert [(part.first, part.keep) for part in parts] == [(0, 144), (144, 288), (288, 432), (432, 480)]
    assert [part.last for part in parts] == [192, 336, 480, 480]
    assert len(horizons(scene)) == 1


def test_a_period_without_lunar_days_is_cut_too(stage, monkeypatch, scene):
    monkeypatch.setattr(rolling, "MOST_SLOTS", 100)
    parts = horizons(stage.setting(scene.plan, np.ones(481)), ahead_s=0.0)
    assert [part.first for part in parts] == [0, 96, 192, 288, 384]
    assert parts[-1].keep == 480


def test_rolled_and_whole_schedules_are_both_sound(scene, monkeypatch):
    whole = schedule(scene, seconds=0.0)
    monkeypatch.setattr(rolling, "MOST_SLOTS", 100)
    rolled = schedule(scene, seconds=0.0)
    for found in (whole, rolled):
        assert check_schedule(found, scene).ok
        names = [row.id for row in found.placements]
        assert len(set(names)) == len(names)
    assert rolled.value >= 0.8 * whole.value
    assert any("parts" in note for note in rolled.notes)
    assert not whole.notes


def test_what_comes_once_is_there_for_all_that_come_after_it(scene, monkeypatch):
    monkeypatch.setattr(rolling, "MOST_SLOTS", 100)
    found = schedule(scene, seconds=0.0)
    first = found.placement("set-up-1")
    uses = [row for row in found.placements if row.activity == "use"]
    assert len(uses) >= 3
    assert all(row.start >= first.stop for row in uses)
