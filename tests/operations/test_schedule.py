"""Schedules keep every window, balance and order, whatever the plan; what is not placed says why."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, ModelError, UnknownNameError
from moonpost.operations.checker import check_schedule, simulated
from moonpost.operations.entitlements import entitled_to, limits_of, usage_of
from moonpost.operations.placements import Schedule
from moonpost.operations.schedule import schedule
from moonpost.operations.windows import occurrences

HOUR_MS = 3_600_000
SLOTS_A_DAY = 48


def hours(row, start):
    return tuple(float((t - start) / np.timedelta64(1, "ms")) / HOUR_MS for t in (row.start, row.stop))


@st.composite
def cases(draw):
    """A plan of one to three machines, up to six activities, and two to four days of sky."""
    days = draw(st.integers(2, 4))
    machines = []
    for k in range(draw(st.integers(1, 3))):
        recorder = draw(st.booleans())
        machines.append(
            {
                "name": f"m{k}",
                "load_w": (draw(st.integers(0, 60)), draw(st.integers(0, 30))),
                "rated_w": draw(st.sampled_from([50.0, 150.0, 500.0])),
                "battery_wh": draw(st.sampled_from([100.0, 600.0, 3000.0])),
                "data_bit_s": (draw(st.sampled_from([0.0, 1e3])), 0.0),
                "recorder": {"capacity_bit": 1e9, "downlink_bit_s": draw(st.sampled_from([0.0, 1e4, 1e6]))}
                if recorder
                else None,
                "mission": draw(st.sampled_from(["first", "first", "late"])),
                "bus": draw(st.sampled_from(["own", "own", "station"])),
            }
        )
    activities = [
        {
            "name": f"a{k}",
            "element": f"m{draw(st.integers(0, len(machines) - 1))}",
            "duration_h": draw(st.sampled_from([0.5, 1.0, 2.25, 5.0, 11.0])),
            "power_w": draw(st.sampled_from([0.0, 20.0, 100.0, 300.0])),
            "data_bit": draw(st.sampled_from([0.0, 1e8, 6e8])),
            "needs": draw(st.sampled_from([[], ["light"], ["dark"], ["earth"], ["light", "earth"]])),
            "every": draw(st.sampled_from(["once", "lunar-day", "earth-day"])),
            "priority": draw(st.integers(1, 9)),
            "value": draw(st.sampled_from([0.0, 1.0, 3.0])),
            "after": [f"a{draw(st.integers(0, k - 1))}"] if k and draw(st.booleans()) else [],
            "partner": draw(st.sampled_from([None, "a", "b"])),
        }
        for k in range(draw(st.integers(1, 6)))
    ]
    size = days * SLOTS_A_DAY + 1
    edges = sorted(draw(st.lists(st.integers(1, size - 1), max_size=6, unique=True)))
    light = np.zeros(size)
    bright = draw(st.booleans())
    for a, b in zip([0, *edges], [*edges, size], strict=True):
        light[a:b] = draw(st.sampled_from([0.2, 1.0])) if bright else 0.0
        bright = not bright
    contacts = [
        (first := draw(st.floats(0, 24.0 * days)), first + draw(st.floats(0.1, 20.0)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    share = draw(st.sampled_from([None, 0.1, 0.5]))
    return machines, activities, light, contacts, [24.0 * days * 0.4], share


def made(stage, case):
    machines, activities, light, contacts, lunar_days, share = case
    elements = [
        stage.machine(**{key: value for key, value in row.items() if value is not None}) for row in machines
    ]
    rows = [stage.activity(**row) for row in activities]
    setting = stage.setting(stage.plan(elements, rows), light, contacts=contacts, lunar_days=lunar_days)
    return setting, entitled_to({"a": share, "b": 1.0 - share}) if share is not None else ()


def sound(stage, case, seconds=0.0):
    """Make a schedule of a case and test it with code of this test alone."""
    setting, entitlements = made(stage, case)
    found = schedule(setting, seconds=seconds, entitlements=entitlements)
    light, contacts = case[2], np.asarray(case[3]).reshape(-1, 2)
    due = {row.id: row for row in occurrences(setting)}
    rows = {row.id: row for row in found.placements}
    assert len(rows) == len(found.placements)
    assert set(rows) | {row.id for row in found.refusals} == set(due)
    assert not set(rows) & {row.id for row in found.refusals}
    assert all(row.reason for row in found.refusals)
    for name, row in rows.items():
        first, last = hours(row, setting.start)
        activity = due[name].activity
        assert last - first == pytest.approx(activity.duration_h, abs=1e-6)
        assert due[name].start <= row.start < row.stop <= due[name].stop
        inside = light[int(2 * first) : int(np.ceil(2 * last - 1e-9)) + 1]
        assert "light" not in activity.needs or (inside > 0.0).all()
        assert "dark" not in activity.needs or (inside <= 0.0).all()
        if "earth" in activity.needs:
            minutes = np.linspace(first, last, 400)
            assert (
                ((minutes[:, None] >= contacts[:, 0] - 1e-6) & (minutes[:, None] <= contacts[:, 1] + 1e-6))
                .any(axis=1)
                .all()
            )
        for other in due[name].after:
            assert rows[other].stop <= row.start
        if setting.plan.element(row.element).mission == "late":
            assert first >= 48.0 - 1e-6
        for twin in found.placements:
            assert twin is row or twin.element != row.element or twin.stop <= row.start or twin.start >= row.stop
    _balanced(setting, found)
    for limit in limits_of(setting, entitlements, simulated(setting, ())):
        assert usage_of(limit, found.placements) <= limit.most + 1e-6
    return found


def _balanced(setting, found):
    """Energy and data: nothing is shed, dropped or unaccounted for that would not be without the schedule."""
    without, simulation = simulated(setting, ()), simulated(setting, found.placements)
    told = simulation.to_dict()
    assert all(told[name] <= 1e-6 for name in told if name.endswith("_residual_relative"))
    assert sum(row.shed_wh for row in simulation.balances) <= sum(row.shed_wh for row in without.balances) + 1e-3
    for kind in ("data-lost", "machine-lost", "run-refused", "run-stopped"):
        assert simulation.event_counts.get(kind, 0) <= without.event_counts.get(kind, 0), kind


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_no_plan_breaks_a_window_a_balance_or_an_order(stage, case):
    sound(stage, case)


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_a_thousand_plans_break_nothing(stage, case):
    sound(stage, case)


@pytest.fixture(scope="module")
def scene(stage):
    elements = [stage.machine("rover", battery_wh=1500.0), stage.machine("lab", rated_w=60.0, battery_wh=400.0)]
    activities = [
        stage.activity("drive", "rover", 3.0, needs=["light"]),
        stage.activity("talk", "rover", 1.0, 20.0, needs=["earth"], after=["drive"]),
        stage.activity("bake", "lab", 6.0, 200.0, priority=1),
        stage.activity("long", "rover", 30.0),
        stage.activity("stare", "rover", 13.0, needs=["dark"]),
    ]
    light = np.r_[np.tile(np.r_[np.ones(24), np.zeros(24)], 3), 1.0]
    return stage.setting(stage.plan(elements, activities), light, contacts=[(4, 9), (30, 33), (50, 56)])


def test_everything_that_is_due_is_placed_or_refused_with_its_reason(scene):
    found = schedule(scene, seconds=0.0)
    reasons = {row.id: row.reason for row in found.refusals}
    assert {row.id for row in found.placements} >= {"drive-1", "talk-1", "drive-2", "drive-3", "talk-3"}
    assert reasons["long-1"].startswith("takes 30 h, and its day in this period has less")
    assert reasons["stare-1"].startswith("needs 13 h in the dark; the longest time in its day is 11.5 h")
    assert "store of lab would be at" in reasons["bake-1"]


def test_search_is_never_worth_less_than_the_first_schedule_and_tells_both(scene):
    told = []
    found = schedule(scene, seconds=1.0, progress=lambda stage, part: told.append((stage, part.value)))
    assert [stage for stage, _ in told] == ["first", "better"]
    assert told[0][1] == found.first_value <= found.value <= found.bound + 1e-9
    assert check_schedule(found, scene).ok


def test_priority_wins_where_two_compete(stage):
    rover = stage.machine("rover", rated_w=1000.0, battery_wh=5000.0)
    twins = [
        stage.activity("dull", "rover", 20.0, 10.0, priority=6, value=1.0),
        stage.activity("keen", "rover", 20.0, 10.0, priority=2, value=1.0),
    ]
    setting = stage.setting(stage.plan([rover], twins), np.ones(49))
    found = schedule(setting, seconds=1.0)
    assert [row.id for row in found.placements] == ["keen-1"]
    assert found.refusals[0].reason.startswith("rover is busy with keen-1")


def test_partners_get_no_more_than_their_share_of_each_lunar_day(stage):
    rover = stage.machine("rover", rated_w=1000.0, battery_wh=5000.0)
    activities = [stage.activity(f"{p}{k}", "rover", 5.0, 10.0, partner=p) for p in "ab" for k in range(2)]
    setting = stage.setting(stage.plan([rover], activities), np.ones(4 * 48 + 1), lunar_days=[48.0])
    free = schedule(setting, seconds=0.0)
    assert len(free.placements) == 16
    found = schedule(setting, seconds=0.5, entitlements=entitled_to({"a": 0.25, "b": 0.3}))
    for partner, most in (("a", 12.0), ("b", 14.4)):
        for day in (0, 48):
            used = [
                row
                for row in found.placements
                if row.partner == partner and day <= hours(row, setting.start)[0] < day + 48
            ]
            assert 0 < 5.0 * len(used) <= most
    reasons = [row.reason for row in found.refusals]
    assert any("entitlement in lunar day" in reason for reason in reasons), reasons
    left_out = schedule(setting, seconds=0.0, entitlements=entitled_to({"b": 0.5}, "energy"))
    assert {row.partner for row in left_out.placements} == {"b"}


def test_the_same_seed_gives_the_same_first_schedule(scene):
    one, two = (schedule(scene, seconds=0.0).to_dict() for _ in range(2))
    for row in (one, two):
        row.pop("seconds")
    assert one == two


def test_a_schedule_survives_json(scene):
    found = schedule(scene, seconds=0.0, entitlements=entitled_to({"a": 0.5}))
    assert Schedule.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("change", [{"format": "other"}, {"placements": [{}]}, {"start": "soon"}, {"value": "x"}])
def test_a_damaged_schedule_is_refused(scene, change):
    with pytest.raises(DataError, match="schedule"):
        Schedule.from_dict({**schedule(scene, seconds=0.0).to_dict(), **change})


def test_what_cannot_be_used_is_refused(scene, stage):
    with pytest.raises(InputError, match="seconds"):
        schedule(scene, seconds=float("nan"))
    with pytest.raises(InputError, match="reserve"):
        schedule(scene, reserve=1.0)
    with pytest.raises(InputError, match="add up to"):
        entitled_to({"a": 0.7, "b": 0.6})
    with pytest.raises(UnknownNameError, match="partner"):
        schedule(scene, seconds=0.0, entitlements=entitled_to({"nobody": 0.5}))
    with pytest.raises(ModelError, match="no activities"):
        schedule(stage.setting(stage.plan([stage.machine("rover")], []), np.ones(49)))
    with pytest.raises(InputError, match="windows"):
        stage.setting(scene.plan, np.ones(49), contacts=[(5, 2)])
