"""The task problem refuses what cannot be used, and its check finds every kind of fault."""

import math

import pytest

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.tasks import (
    Task,
    TaskPlan,
    TaskProblem,
    TaskRecorder,
    TaskShare,
    TaskStore,
    task_faults,
    task_levels,
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_slots": 0},
        {"duration_slots": 1.5},
        {"value": math.nan},
        {"power_w": -1.0},
        {"energy_wh": math.inf},
        {"uses": {"lane": -1.0}},
        {"windows": ((5, 3),)},
        {"name": ""},
    ],
)
def test_a_task_refuses_what_cannot_be_used(wrong):
    with pytest.raises(InputError):
        Task(**{"name": "a", "duration_slots": 1, **wrong})


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (InputError, {"slots": 0}),
        (InputError, {"slot_s": math.nan}),
        (InputError, {"tasks": [Task("a", 1), Task("a", 1)]}),
        (InputError, {"tasks": [Task("a", 1, after=("b",)), Task("b", 1, after=("a",))]}),
        (InputError, {"capacities": {"lane": [1, 2]}}),
        (InputError, {"capacities": {"lane": math.nan}}),
        (InputError, {"stores": [TaskStore("s", 10.0, 11.0, 0.0)]}),
        (InputError, {"stores": [TaskStore("s", 10.0, 1.0, math.inf)]}),
        (InputError, {"recorders": [TaskRecorder("r", 10.0, -1.0)]}),
        (UnknownNameError, {"tasks": [Task("a", 1, after=("b",))]}),
        (UnknownNameError, {"tasks": [Task("a", 1, uses={"lane": 1})]}),
        (UnknownNameError, {"tasks": [Task("a", 1, store="s")]}),
        (UnknownNameError, {"accounting": "monthly"}),
    ],
)
def test_a_problem_refuses_what_cannot_be_used(error, wrong):
    with pytest.raises(error):
        TaskProblem(**{"slots": 4, "tasks": [Task("a", 1)], **wrong})


def test_each_kind_of_fault_is_told():
    tasks = [
        Task("dig", 4, power_w=100.0, assets=("rover",), windows=((0, 5),), data_bit=8.0, partner="x"),
        Task("send", 2, uses={"lane": 2}, downlink_bit=4.0, after=("dig",), mandatory=True),
        Task("look", 2, power_w=50.0, assets=("rover",), partner="x"),
    ]
    problem = TaskProblem(
        10,
        tasks,
        slot_s=3600.0,
        capacities={"lane": [2] * 8 + [1, 1]},
        stores=[TaskStore("battery", 400.0, 390.0, 0.0, 50.0, 120.0)],
        recorders=[TaskRecorder("disc", 7.0)],
        shares=[TaskShare("x", "count", 1, 1)],
    )
    found = "\n".join(task_faults(problem, {"dig": 3, "look": 5, "send": 8}))
    for told in (
        "'dig' from 3 to 7 is in none of its windows",
        "asset 'rover' is taken by 'dig' and 'look' at 5",
        "capacity 'lane' is 1 and 2 are taken at 8",
        "power of 'battery' is 120 and 150 are taken at 5",
        "store 'battery' falls to 40 Wh in slot 5",
        "recorder 'disc' would hold 8 bit in slot 6",
        "partner 'x' gets 2 of count, not 1 to 1",
    ):
        assert told in found
    told = task_faults(problem, {"send": 9})
    assert any("not within 0 to 10" in row for row in told)
    assert any("comes after 'dig', which is not in the plan" in row for row in told)
    assert task_faults(problem, {"tow": 1}) == ["there is no task 'tow'"]
    assert task_faults(problem, {"dig": 0, "send": 3})[0].endswith("before 'dig' has ended at 4")
    assert any("'send' is mandatory" in row for row in task_faults(problem, {}))


def test_levels_are_those_of_a_hand_calculation():
    tasks = [Task("dig", 2, power_w=30.0, data_bit=6.0), Task("send", 1, downlink_bit=5.0)]
    problem = TaskProblem(
        4,
        tasks,
        slot_s=3600.0,
        stores=[TaskStore("battery", 100.0, 90.0, [20.0, 20.0, -5.0, 0.0])],
        recorders=[TaskRecorder("disc", 10.0, 1.0)],
    )
    levels = task_levels(problem, {"dig": 1, "send": 2})
    assert levels["battery"].tolist() == [90.0, 100.0, 90.0, 55.0, 55.0]
    assert levels["disc"].tolist() == [1.0, 1.0, 4.0, 2.0, 2.0]


def test_a_bucket_books_everything_where_a_task_starts():
    tasks = [Task("dig", 3, energy_wh=60.0, data_bit=6.0), Task("send", 1, downlink_bit=5.0)]
    parts = {
        "stores": [TaskStore("battery", 100.0, 50.0, 10.0)],
        "recorders": [TaskRecorder("disc", 10.0, 6.0)],
        "accounting": "bucket",
        "bucket_slots": 2,
    }
    problem = TaskProblem(6, tasks, **parts)
    assert task_levels(problem, {"dig": 2})["battery"].tolist() == [50.0, 70.0, 30.0, 50.0]
    assert task_faults(problem, {"send": 0, "dig": 2}) == []
    assert task_faults(problem, {"send": 2, "dig": 2}) == ["recorder 'disc' would hold 12 bit in bucket 1"]
    assert task_faults(problem, {"send": 0, "dig": 0}) == [
        "store 'battery' falls to -10 Wh in bucket 0",
        "recorder 'disc' would hold 12 bit in bucket 0",
    ]


def test_what_runs_low_without_tasks_is_no_fault_of_a_plan():
    problem = TaskProblem(
        4,
        [Task("dig", 1, power_w=10.0)],
        slot_s=3600.0,
        stores=[TaskStore("battery", 100.0, 30.0, [-40.0, 0.0, 50.0, 0.0], 40.0)],
        recorders=[TaskRecorder("disc", 10.0, 9.0, [5.0, 0.0, 0.0, 0.0])],
    )
    assert task_faults(problem, {}) == []
    assert task_faults(problem, {"dig": 1}) == ["store 'battery' falls to -10 Wh in slot 1"]
    assert task_faults(problem, {"dig": 2}) == []


def test_a_plan_tells_its_gap():
    assert TaskPlan({}, 90.0, 100.0).gap == pytest.approx(0.1)
    assert TaskPlan({}, 100.0, 100.0).optimal
    assert not TaskPlan({}, 100.0, 100.0, missing=("a",)).optimal
    assert TaskPlan({}, 1.0).to_dict()["bound"] is None
