"""``moonpost operate rcpsp``: a short plan of a project file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit

if TYPE_CHECKING:
    from moonpost.operations.projectplans import ProjectPlan
    from moonpost.operations.projects import Project

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the operate verbs."""
    app.command("rcpsp")(rcpsp)


def rcpsp(
    path: Path = typer.Argument(metavar="FILE", help="A project in the format of Patterson (.rcp)."),
    seconds: float = typer.Option(15.0, help="How long to search [s]; less if the plan is proved shortest."),
    workers: int = typer.Option(1, help="Threads."),
    seed: int = typer.Option(1, help="Start of the random numbers."),
    as_json: bool = JSON,
) -> None:
    """Plan activities that share capacities and wait for each other, so that the last ends early.

    Starts are in the order of the file. The lower bound says how far from the best the plan can be at most.

    Example: moonpost operate rcpsp station.rcp --seconds 15 --workers 2 --json
    """
    from moonpost.errors import ModelError
    from moonpost.operations.projectplans import plan_project
    from moonpost.operations.projects import project_faults, read_patterson

    project = read_patterson(path)
    with _bar(sys.stderr.isatty()) as progress:
        plan = plan_project(project, seconds=seconds, workers=workers, seed=seed, progress=progress)
    faults = project_faults(project, plan.starts)
    if faults:  # pragma: no cover - the check shares no code with the search
        raise ModelError(f"the plan is faulty: {faults[0]}", where=str(path), advice="report this with the file")
    emit(plan.to_dict(), as_json, lambda: _text(project, plan))


@contextlib.contextmanager
def _bar(show: bool) -> Iterator[Callable[[float, int, int], None] | None]:
    """Give a progress bar on the error stream, or nothing."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=28), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as display:
        task: Any = display.add_task("first plan", total=1.0)
        yield lambda share, makespan, bound: display.update(
            task, completed=share, description=f"{makespan}, not below {bound}"
        )


def _text(project: Project, plan: ProjectPlan) -> str:
    proof = "the shortest" if plan.optimal else f"none is shorter than {plan.lower_bound}"
    lines = [
        f"{len(project)} activities end at {plan.makespan}: {proof}; the first plan: {plan.first_makespan}",
        " activity    start      end",
    ]
    ends = plan.starts + project.durations
    rows = sorted(zip(plan.starts.tolist(), ends.tolist(), range(1, len(project) + 1), strict=True))
    lines += [f"{job:9d}{start:9d}{end:9d}" for start, end, job in rows]
    return "\n".join(lines)
