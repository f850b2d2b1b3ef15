"""The lunar-day benchmark: activities in light and contact with shared machines, power, energy and data."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import numpy as np

from measure import Table
from moonpost.operations.taskcases import lunar_day_tasks
from moonpost.operations.tasks import Task, TaskProblem, TaskStore, task_faults
from moonpost.operations.tasksearch import plan_tasks

SECONDS, WORKERS = 60.0, 2
COUNTS, SEEDS = (120, 200, 300), (1, 2, 3)
NIGHT_S = 20.0


def table() -> Table:
    """First and last plan and the bound, for each size and seed."""
    plan_tasks(lunar_day_tasks(20), seconds=2.0)
    plan_tasks(TaskProblem(4, [Task("once", 1)]), seconds=0.5)
    rows = [
        measured("lunar day", count, seed, lunar_day_tasks(count, seed=seed), SECONDS)
        for count in COUNTS
        for seed in SEEDS
    ]
    rows += [measured("long night", count, 3, long_night(count, 3), NIGHT_S) for count in COUNTS]
    return Table(
        topic="schedule",
        title="Activities through one lunar day and night: first plans, last plans, bounds",
        method=f"`lunar_day_tasks(count, seed=seed)`, 1,416 slots of 15 min, energy and data "
        f"counted in buckets of 4 h "
        f"(what a bucket takes is in the store when it begins); at most {SECONDS:g} s and "
        f"{WORKERS} workers, ended "
        "by a proof. First plans: by rules in time order; processor time of the whole "
        "call, without the compilation "
        "of the kernels (about 20 s, once for each machine). Every plan passes `task_faults`.",
        head=["problem", "activities", "seed", "first plan", "its processor time", "value", "bound", "gap",
              "proved best", "time in all"],
        rows=rows,
        reading="The gap is the part of the bound that the plan lacks. The bound is HiGHS's "
        "choice of the activities "
        "for which energy, data and machines suffice over the whole time; the data to be "
        "sent are what is scarce in "
        "this benchmark, and a plan of that very choice is found, so the proof takes "
        "less than a second. "
        f"The long night (two machines, one lane, light in the first half, by slot, {NIGHT_S:g} s) is scarce "
        "of energy and machine time as well. The machine was shared with other work.",
        packages=("moonpost", "numba", "scipy", "ortools"),
    )  # fmt: skip


def measured(name: str, count: int, seed: int, problem: TaskProblem, seconds: float) -> list[str]:
    """A row of the table."""
    begun = time.process_time()
    first = plan_tasks(problem, seconds=0.0)
    first_cpu_s = time.process_time() - begun
    plan = plan_tasks(problem, seconds=seconds, workers=WORKERS)
    assert not task_faults(problem, first)
    assert not task_faults(problem, plan)
    return [
        name, f"{count}", f"{seed}", f"{first.value:,.0f}", f"{first_cpu_s:.2f} s", f"{plan.value:,.0f}",
        f"{plan.bound:,.0f}", f"{100 * plan.gap:.2f} %", "yes" if plan.optimal else "no", f"{plan.seconds:.2f} s",
    ]  # fmt: skip


def long_night(count: int, seed: int) -> TaskProblem:
    """The same activities on two machines and one lane, counted by slot, with light in the first half only."""
    day = lunar_day_tasks(count, seed=seed)
    chance, half = Random(seed), day.slots // 2
    charge = np.where(np.arange(day.slots) < half, 30.0, -4.0)
    tasks = []
    for task in day.tasks:
        windows = ((0, half),) if task.kind == "drive" else task.windows
        if task.kind == "sci" and chance.random() < 0.5:
            start = chance.randrange(day.slots - 200)
            windows = ((start, start + chance.randrange(40, 200)),)
        machine = f"machine-{int(task.assets[0][-1]) % 2}"
        tasks.append(replace(task, assets=(machine,), windows=windows, energy_wh=None))
    store = TaskStore("store", 4500.0, 2250.0, charge, 450.0, 200.0)
    return replace(day, tasks=tasks, capacities={"lane": 1}, stores=[store], accounting="slot")
