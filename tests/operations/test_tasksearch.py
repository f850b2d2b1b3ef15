"""Plans of tasks have no faults, are the best on small cases, and are never worth more than their bound."""

import itertools
import math
from dataclasses import replace
from random import Random

import pytest

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.tasks import Task, TaskProblem, TaskRecorder, TaskShare, TaskStore, task_faults
from moonpost.operations.tasksearch import plan_tasks


def random_problem(seed, count=None, slots=None):
    """A problem with some of everything, drawn by chance."""
    chance = Random(seed)
    slots = slots or chance.randint(20, 120)
    count = count or chance.randint(1, 25)
    names = [f"t{k}" for k in range(count)]

    def row(low, high):
        return [chance.uniform(low, high) for _ in range(slots)]

    def windows(length):
        if chance.random() < 0.4:
            return None
        starts = [chance.randint(0, slots - 1) for _ in range(chance.randint(0, 3))]
        return tuple((a, a + length + chance.randint(-1, 8)) for a in starts)

    stores = [
        TaskStore(f"s{k}", 100.0, chance.uniform(0, 100), row(-15, 20), chance.uniform(0, 30),
                  chance.choice([math.inf, 60.0, row(10, 90)]))
        for k in range(chance.randint(0, 2))
    ]  # fmt: skip
    recorders = [
        TaskRecorder(f"r{k}", 50.0, chance.uniform(0, 50), row(-3, 3)) for k in range(chance.randint(0, 2))
    ]
    tasks = []
    for k in range(count):
        length = chance.randint(1, max(1, min(8, slots // 3)))
        tasks.append(
            Task(
                names[k],
                length,
                value=chance.choice([float(chance.randint(0, 9)), chance.random()]),
                assets=tuple(chance.sample(["rover", "arm", "crew"], chance.randint(0, 2))),
                windows=windows(length),
                power_w=chance.choice([0.0, chance.uniform(0, 60)]),
                energy_wh=chance.choice([None, chance.uniform(0, 40)]),
                data_bit=chance.choice([0.0, chance.uniform(0, 30)]),
                downlink_bit=chance.choice([0.0, chance.uniform(0, 30)]),
                uses=chance.choice([{}, {"lane": 1.0}, {"lane": 0.7, "crane": 2.0}]),
                after=tuple(chance.sample(names[:k], min(k, chance.choice([0, 0, 1, 2])))),
                mandatory=chance.random() < 0.1,
                partner=chance.choice(["", "a", "b"]),
                store=chance.choice(stores).name if stores else "",
                recorder=chance.choice(recorders).name if recorders else "",
            )
        )
    shares = [TaskShare("a", "value", 0.0, 12.0), TaskShare("b", "slots", 2.0, 30.0)]
    return TaskProblem(
        slots,
        tasks,
        slot_s=chance.choice([900.0, 3600.0]),
        capacities={"lane": chance.choice([1.0, 2.0]), "crane": row(0, 6)},
        stores=stores,
        recorders=recorders,
        shares=chance.sample(shares, chance.randint(0, 2)),
        accounting=chance.choice(["slot", "bucket"]),
        bucket_slots=chance.randint(1, 9),
    )


def check(seed, seconds):
    """A plan of a random problem has no fault but what it tells, and keeps its bound."""
    problem = random_problem(seed)
    plan = plan_tasks(problem, seconds=seconds, seed=seed)
    assert tuple(task_faults(problem, plan)) == plan.missing, seed
    assert plan.value == pytest.approx(problem.value_of(plan.starts))
    assert plan.value <= plan.bound + 1e-6
    assert plan.first_value <= plan.value + 1e-6 or plan.missing or not math.isinf(plan.bound)


@pytest.mark.parametrize("part", range(6))
def test_plans_of_random_problems_have_no_fault(part):
    for seed in range(10 * part, 10 * part + 10):
        check(seed, 0.05)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_plans_of_a_thousand_random_problems_have_no_fault(part):
    for seed in range(1000 + 50 * part, 1050 + 50 * part):
        check(seed, 0.3)


def best_by_trying(problem):
    """Value of the best plan without faults, by trying all; -1 if every plan has some."""
    choices = [range(-1, problem.slots - task.duration_slots + 1) for task in problem.tasks]
    best = -1.0
    for starts in itertools.product(*choices):
        plan = {task.name: at for task, at in zip(problem.tasks, starts, strict=True) if at >= 0}
        if problem.value_of(plan) > best and not task_faults(problem, plan):
            best = problem.value_of(plan)
    return best


@pytest.mark.parametrize("seed", range(16))
def test_small_plans_are_the_best_of_all(seed):
    problem = random_problem(500 + seed, count=3, slots=8)
    best = best_by_trying(problem)
    plan = plan_tasks(problem, seconds=1.0, seed=seed)
    if best < 0:
        assert plan.missing
        return
    assert not plan.missing
    assert plan.bound >= best - 1e-6
    assert plan.value == pytest.approx(best, abs=1e-6)


def test_a_settled_start_stays_and_others_make_way():
    tasks = [Task("dig", 3, 5.0, ("rover",)), Task("look", 2, 3.0, ("rover",)), Task("send", 1, after=("dig",))]
    problem = TaskProblem(6, tasks)
    plan = plan_tasks(problem, seconds=1.0, fixed={"look": 1})
    assert plan.starts == {"look": 1, "dig": 3}
    assert plan.optimal
    with pytest.raises(InputError, match="taken by"):
        plan_tasks(problem, fixed={"look": 1, "dig": 2})
    with pytest.raises(UnknownNameError):
        plan_tasks(problem, fixed={"tow": 1})
    with pytest.raises(InputError):
        plan_tasks(problem, workers=0)


def test_a_plan_to_begin_with_is_not_made_worse():
    problem = random_problem(7, count=20, slots=60)
    problem = replace(problem, shares=(), tasks=[replace(task, mandatory=False) for task in problem.tasks])
    given = plan_tasks(problem, seconds=0.5)
    again = plan_tasks(problem, seconds=0.0, starts=given.starts)
    assert again.value >= given.value


def test_what_is_owed_is_met_or_told():
    tasks = [Task("dull", 4, 0.0, ("rover",), mandatory=True), Task("fine", 4, 9.0, ("rover",), partner="a")]
    plan = plan_tasks(TaskProblem(5, tasks), seconds=1.0)
    assert plan.starts == {"dull": 0}
    assert not plan.missing
    short = plan_tasks(TaskProblem(5, tasks, shares=[TaskShare("a", "count", 1)]), seconds=0.3)
    assert len(short.missing) == 1
    assert not short.optimal


def test_an_entitlement_outweighs_value():
    tasks = [Task(f"a{k}", 2, 1.0, ("dish",), partner="a") for k in range(3)]
    tasks += [Task(f"b{k}", 2, 5.0, ("dish",), partner="b") for k in range(3)]
    plan = plan_tasks(TaskProblem(6, tasks, shares=[TaskShare("a", "slots", 4.0)]), seconds=1.0)
    assert plan.value == 7.0
    assert plan.optimal


def test_progress_is_told_and_no_tasks_make_an_empty_plan():
    told = []
    problem = TaskProblem(4, [Task("a", 1)])
    plan_tasks(problem, seconds=0.5, progress=lambda *row: told.append(row))
    assert told[-1][1:] == (1.0, 1.0)
    assert plan_tasks(TaskProblem(4, [])).optimal
