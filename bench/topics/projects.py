"""Projects of PSPLIB: plan_project beside plain CP-SAT, with the same seconds and workers, in one run.

A sample by default; ``MOONPOST_BENCH_ALL=1`` takes every file, ``MOONPOST_BENCH_SECONDS`` other than 15 s.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from measure import Table, data_folder
from moonpost.operations.projectplans import plan_project
from moonpost.operations.projects import Project, project_faults, read_patterson

WORKERS = 2
SAMPLE = {"j30": 4, "j60": 3, "j120": 4}


def table() -> Table:
    """Gap to the best known makespan, by size."""
    seconds = float(os.environ.get("MOONPOST_BENCH_SECONDS", "15"))
    rows = []
    data = data_folder()
    for size, paths in chosen(data / "psplib") if data else []:
        known = best_known(paths[0].parent)
        ours, plain, optimal, plain_optimal = [], [], 0, 0
        for path in paths:
            project = read_patterson(path)
            best = known[path.stem]
            plan = plan_project(project, seconds=seconds, workers=WORKERS)
            assert not project_faults(project, plan.starts)
            ours.append(plan.makespan / best - 1.0)
            optimal += plan.optimal
            makespan, proved = by_cp_sat(project, seconds)
            plain.append(makespan / best - 1.0)
            plain_optimal += proved
        rows.append([
            size, f"{len(paths)}", f"{100 * sum(ours) / len(ours):.2f} %", f"{100 * max(ours):.2f} "
        f"%", f"{optimal}",
            f"{100 * sum(plain) / len(plain):.2f} %", f"{100 * max(plain):.2f} %", f"{plain_optimal}",
        ])  # fmt: skip
    return Table(
        topic="projects",
        title="Projects of PSPLIB: plan_project beside plain CP-SAT",
        method=f"Files of PSPLIB (Kolisch and Sprecher 1997), {seconds:g} s each and {WORKERS} "
        f"workers for both, one "
        "after the other in one run; gaps to the best known makespan. Plain CP-SAT: one "
        "interval for each activity, "
        "one cumulative for each capacity, the makespan to be least. Every plan of `plan_project` passes "
        "`project_faults`.",
        head=["size", "files", "mean gap", "largest gap", "proved best", "CP-SAT's mean gap", "its largest",
              "its proved best"],
        rows=rows,
        reading="A gap below 0 would be a plan shorter than the best known. "
        "`MOONPOST_BENCH_ALL=1` takes every file. "
        "The machine was shared with other work.",
        packages=("moonpost", "numba", "ortools"),
    )  # fmt: skip


def chosen(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Files by size: evenly spread ones, or all."""
    for size, many in SAMPLE.items():
        paths = sorted(folder.glob(f"{size}_*.rcp"))
        if not os.environ.get("MOONPOST_BENCH_ALL"):
            paths = paths[:: max(1, len(paths) // many)][:many]
        if paths:
            yield size, paths


def best_known(folder: Path) -> dict[str, int]:
    """Best known makespans by file."""
    with (folder / "best_known.csv").open(encoding="utf-8") as file:
        return {row["instance"]: int(row["upper_bound"]) for row in csv.DictReader(file) if row["upper_bound"]}


def by_cp_sat(project: Project, seconds: float) -> tuple[int, bool]:
    """Makespan of a plain model, and whether it is proved to be the least."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    horizon = int(project.durations.sum())
    starts = [model.new_int_var(0, horizon, "") for _ in range(len(project))]
    lengths = [int(length) for length in project.durations]
    runs = [
        model.new_fixed_size_interval_var(start, length, "") for start, length in zip(starts, lengths, strict=True)
    ]
    for job, row in enumerate(project.followers):
        for follower in row:
            model.add(starts[follower] >= starts[job] + lengths[job])
    for kind, capacity in enumerate(project.capacities.tolist()):
        model.add_cumulative(runs, project.demands[:, kind].tolist(), capacity)
    makespan = model.new_int_var(0, horizon, "")
    model.add_max_equality(makespan, [start + length for start, length in zip(starts, lengths, strict=True)])
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    return round(solver.objective_value), status == cp_model.OPTIMAL
