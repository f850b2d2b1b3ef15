"""The checker of schedules: a sound one passes, and each kind of seeded violation is caught."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from moonpost.operations.checker import KINDS, check_schedule, rule_violations
from moonpost.operations.edits import edit
from moonpost.operations.entitlements import entitled_to
from moonpost.operations.schedule import schedule

HOUR = np.timedelta64(3_600_000, "ms")


@pytest.fixture(scope="module")
def scene(stage):
    """Two rovers and a late one, four days of light and dark by half days, contact by night and by day."""
    box = {
        "capacity_j_k": 20_000.0, "radiator_m2": 0.2, "heater_w": 30.0, "operate_min_k": 253.15,
        "survive_min_k": 150.0, "heater_on_k": 240.0, "heater_off_k": 245.0, "initial_k": 290.0,
    }  # fmt: skip
    elements = [
        stage.machine("alpha", recorder={"capacity_bit": 4e9, "downlink_bit_s": 2e5}),
        stage.machine("beta", battery_wh=500.0),
        stage.machine("late", mission="late"),
        stage.machine("cold", thermal=box),
        stage.machine("sleepy", dormancy={"wake_sun_deg": 1.0, "sleep_sun_deg": 1.0}),
    ]
    activities = [
        stage.activity("drive", "alpha", needs=["light"], data_bit=1e9),
        stage.activity("send", "alpha", needs=["earth"], after=["drive"], power_w=30.0, partner="b"),
        stage.activity("stare", "alpha", needs=["dark"], power_w=20.0),
        stage.activity("dig", "beta", 3.0, 150.0),
        stage.activity("late-dig", "late", 3.0, 50.0),
        stage.activity("chill", "cold", 2.0, 10.0),
        stage.activity("watch", "sleepy", 2.0, 10.0),
    ]
    plan = stage.plan(elements, activities)
    light = np.tile(np.r_[np.ones(24), np.zeros(24)], 4)
    light = np.r_[light, 1.0]
    return stage.setting(plan, light, contacts=[(6, 14), (30, 40), (54, 60), (80, 90)])


@pytest.fixture(scope="module")
def sound(scene):
    return schedule(scene, seconds=0.0, entitlements=entitled_to({"a": 0.8, "b": 0.2}))


def put(schedule, name, **changes):
    """The schedule with one placement changed."""
    row = replace(schedule.placement(name), **changes)
    return replace(schedule, placements=tuple(row if r.id == name else r for r in schedule.placements))


def at(stage_start, hours):
    return stage_start + np.timedelta64(round(hours * 3.6e6), "ms")


def moved(schedule, name, hours):
    row = schedule.placement(name)
    start = at(schedule.start, hours)
    return put(schedule, name, start=start, stop=start + (row.stop - row.start))


def kinds(schedule, scene):
    return {row.kind for row in check_schedule(schedule, scene).violations}


def test_a_schedule_made_by_the_solver_is_sound(sound, scene):
    report = check_schedule(sound, scene)
    assert report.ok, [str(row) for row in report.violations]
    assert {row.activity for row in sound.placements} >= {"drive", "send", "stare", "dig", "late-dig", "watch"}
    assert report.to_dict()["simulation"]["energy_residual_relative"] < 1e-6


SEEDS = {
    "unknown": lambda s: put(s, "dig-1", id="dig-9"),
    "twice": lambda s: replace(s, placements=(*s.placements, s.placement("dig-1"))),
    "changed": lambda s: put(s, "dig-1", power_w=1.0),
    "period": lambda s: moved(s, "dig-1", 30.0),
    "absent": lambda s: moved(put(s, "late-dig-3", id="late-dig-1"), "late-dig-1", 3.0),
    "light": lambda s: moved(s, "drive-1", 11.0),
    "dark": lambda s: moved(s, "stare-1", 11.0),
    "contact": lambda s: moved(s, "send-1", 13.0),
    "busy": lambda s: put(
        s, "stare-1", start=s.placement("send-1").start, stop=s.placement("send-1").start + 2 * HOUR
    ),
    "order": lambda s: moved(s, "send-1", 0.0),
    "entitlement": lambda s: replace(s, entitlements=entitled_to({"a": 0.0001, "b": 0.2})),
    "asleep": lambda s: moved(s, "watch-1", 15.0),
    "temperature": lambda s: moved(s, "chill-1", 20.0),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_the_checker_catches_a_seeded_violation(kind, sound, scene):
    assert kind in kinds(SEEDS[kind](sound), scene)


def test_a_run_that_drains_the_store_is_told_with_time_and_energy(scene, sound):
    found = moved(sound, "dig-1", 20.0)
    rows = [row for row in check_schedule(found, scene).violations if row.kind == "power"]
    assert rows
    assert rows[0].id == "dig-1"
    assert "store" in rows[0].text
    assert "-" in rows[0].text
    assert re.search(r"at -\d+ Wh at 2035-01-0[12]T", rows[0].text)


def one(stage, machine, activity, hours, light, **sky):
    """A schedule with one machine and its runs put in by hand, and its setting."""
    setting = stage.setting(stage.plan([machine], [activity]), light, **sky)
    found = replace(schedule(setting, seconds=0.0), placements=())
    for k, hour in enumerate(hours, start=1):
        found = edit(found, setting, f"add {activity['id']}-{k} {at(setting.start, hour)}")
    return found, setting


def test_data_that_overflow_the_recorder_are_told(stage):
    rover = stage.machine("rover", recorder={"capacity_bit": 1e9, "downlink_bit_s": 0.0})
    look = stage.activity("look", "rover", data_bit=6e8, power_w=1.0)
    found, setting = one(stage, rover, look, [1.0, 26.0], np.ones(97), contacts=[(0, 1)])
    rows = check_schedule(found, setting).violations
    assert [(row.kind, row.id) for row in rows] == [("data", "look-2")]
    assert "recorder of rover would overflow and lose 200 Mbit" in rows[0].text


def test_a_machine_that_is_lost_is_told(stage):
    box = {
        "capacity_j_k": 20_000.0, "radiator_m2": 0.2, "heater_w": 60.0, "operate_min_k": 233.15,
        "survive_min_k": 228.15, "heater_on_k": 240.0, "heater_off_k": 245.0, "initial_k": 290.0,
        "electric_fraction": 0.0,
    }  # fmt: skip
    rover = stage.machine("rover", load_w=(40.0, 5.0), battery_wh=1500.0, thermal=box)
    burn = stage.activity("burn", "rover", 3.0, 350.0)
    found, setting = one(stage, rover, burn, [13.0], np.r_[np.ones(24), np.zeros(25)])
    rows = {row.kind: row for row in check_schedule(found, setting).violations}
    assert rows["lost"].id == "burn-1"
    assert "rover is lost at 2035-01-01T" in rows["lost"].text


def test_a_balance_that_does_not_close_is_told(sound, scene, monkeypatch):
    from moonpost.operations.record import Simulation

    plain = Simulation.to_dict
    monkeypatch.setattr(Simulation, "to_dict", lambda self: plain(self) | {"heat_residual_relative": 1e-3})
    assert "balance" in kinds(sound, scene)


def test_every_kind_of_violation_is_seeded():
    assert set(KINDS) == set(SEEDS) | {"power", "data", "lost", "balance"}


def test_numbers_and_times_that_cannot_run_are_told_and_not_simulated(sound, scene):
    for change in ({"power_w": float("nan")}, {"data_bit": -1.0}, {"stop": sound.start}):
        assert "changed" in kinds(put(sound, "dig-1", **change), scene)


def test_a_run_under_light_that_ends_between_samples_is_told(scene, sound):
    found = moved(sound, "drive-1", 10.1)
    rows = [row for row in rule_violations(found, scene) if row.kind == "light"]
    assert "in the dark from 2035-01-01T12:00:00Z to 2035-01-01T12:06:00Z" in rows[0].text
