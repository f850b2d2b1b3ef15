"""Run all phases of a plan, with progress, and resume where an earlier run stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import Fault, PlanError, UnknownNameError
from moonpost.plan import Plan, load_plan
from moonpost.study.context import Context, Phase
from moonpost.study.findings import check
from moonpost.study.phases import PHASES
from moonpost.study.progress import Progress, bars
from moonpost.study.results import StudyRecord
from moonpost.study.store import Store, open_store
from moonpost.study.summary import summarise
from moonpost.study.tables import write_outputs

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Study", "planned_context", "run_phase", "study"]


@dataclass(frozen=True)
class Study:
    """All that a study of a plan found.

    Parameters
    ----------
    plan : Plan
        The plan.
    record : StudyRecord
        Results, verdicts, findings and their origin; what ``study.json`` holds.
    series : dict of str to xarray.Dataset
        Series by name, such as ``"site-light"``, each variable with units, long_name and source.
    """

    plan: Plan
    record: StudyRecord
    series: dict[str, xr.Dataset] = field(default_factory=dict)


Finish = Callable[["Study", Path], object]


def study(
    plan: Plan | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    progress: bool = False,
    finish: Finish | None = None,
) -> Study:
    """Run all phases of a plan: site, flight, design, build, partners, operate.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    out : path-like, optional
        Folder for ``study.json``, tables (CSV) and series (NetCDF). It is replaced as a whole when the
        study is complete; a stopped study goes on from its last complete phase.
    progress : bool
        Show bars on the terminal.
    finish : callable, optional
        Called with the study and the folder before it is put in place; the report is written so.

    Returns
    -------
    Study
        The results.

    Raises
    ------
    PlanError
        If the plan has errors within rooms or across them.
    OutputError
        If `out` cannot be written.

    Examples
    --------
    >>> import moonpost
    >>> record = moonpost.study("ilrs").record  # doctest: +SKIP
    """
    context = planned_context(plan)
    with bars(progress) as display:
        context.progress = display
        if out is None:
            return _finish(context, None)
        with open_store(out) as store:
            done = _finish(context, store)
            write_outputs(done.record, store.folder)
            if finish is not None:
                finish(done, store.folder)
            return done


def run_phase(plan: Plan | str | os.PathLike[str], name: str, *, progress: bool = False) -> Any:
    """Run one phase of a plan and those that it needs.

    Parameters
    ----------
    plan : Plan, str or path-like
        As in `study`.
    name : str
        ``"site"``, ``"flight"``, ``"design"``, ``"build"``, ``"partners"`` or ``"operate"``.
    progress : bool
        Show bars on the terminal.

    Returns
    -------
    Result
        The phase's result, such as `moonpost.study.results.DesignResult`.

    Raises
    ------
    PlanError
        As in `study`.
    UnknownNameError
        If there is no such phase.

    Examples
    --------
    >>> run_phase("ilrs", "partners").agreements[0].in_force
    True
    """
    if name not in PHASES:
        raise UnknownNameError(name, PHASES, kind="phase")
    context = planned_context(plan)
    with bars(progress) as display:
        context.progress = display
        for needed in (*PHASES[name].needs, name):
            context.phases[needed] = PHASES[needed].compute(context)
    return context.result(name)


def planned_context(plan: Plan | str | os.PathLike[str]) -> Context:
    """Load a plan, refuse it if it has errors, and make it ready for its phases.

    Parameters
    ----------
    plan : Plan, str or path-like
        As in `study`.

    Raises
    ------
    PlanError
        If the plan has errors within rooms or across them.
    """
    if not isinstance(plan, Plan):
        plan = load_plan(plan)
    errors = [Fault(finding.place, finding.text) for finding in check(plan) if finding.severity == "error"]
    if errors:
        raise PlanError(plan.path, errors)
    return Context(plan)


def _finish(context: Context, store: Store | None) -> Study:
    for name, phase in PHASES.items():
        context.phases[name] = _once(context, store, name, phase.model, phase.compute, context.progress)
    record = summarise(context)
    series = {
        f"{name}-{key}": data for name, phase in context.phases.items() for key, data in phase.series.items()
    }
    return Study(context.plan, record, series)


def _once(
    context: Context,
    store: Store | None,
    name: str,
    model: Any,
    compute: Callable[[Context], Phase],
    progress: Progress,
) -> Phase:
    """A phase's result: an earlier one if its inputs are the same, else a new one, kept for the next run."""
    key = context.key(name)
    if store is not None and (earlier := store.load(name, key)) is not None:
        progress.reuse(name)
        phase = Phase(model.model_validate(earlier[0]), earlier[1])
    else:
        phase = compute(context)
    if store is not None:
        store.save(name, key, phase.result.model_dump(mode="json"), phase.series)
    return phase
