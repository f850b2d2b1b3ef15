"""Plans and bounds of tasks by CP-SAT: intervals on capacities, energy and data by periods, a complete hint."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from moonpost.operations.taskbounds import Spans, TaskRows
from moonpost.operations.taskmodel import TaskArrays

__all__ = ["Proved", "prove_plan"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


class Proved(NamedTuple):
    """What CP-SAT found.

    Parameters
    ----------
    starts : ndarray of int, shape (n,)
        Starts, -1 for what is not done [slot]; to be checked where levels are not exact.
    found : bool
        Whether there are such starts.
    bound : float
        No plan is worth more [1].
    feasible : bool
        False if no plan meets all that is owed.
    """

    starts: Whole
    found: bool
    bound: float
    feasible: bool


def prove_plan(
    arrays: TaskArrays,
    when: Spans,
    fixed: Mapping[int, int],
    starts: Whole,
    *,
    bound: float,
    seconds: float,
    workers: int,
    seed: int,
    owed: bool = True,
    chosen: npt.NDArray[np.bool_] | None = None,
    found: Callable[[Whole], None] | None = None,
) -> Proved:
    """Look for a better plan, and for a proof that there is none.

    Parameters
    ----------
    arrays : TaskArrays
        The problem.
    when : Spans
        When tasks can start, and the periods by which energy and data are counted.
    fixed : mapping of int to int
        Starts that are settled [slot].
    starts : ndarray of int, shape (n,)
        A plan, -1 for what is not in it [slot].
    bound : float
        No plan is known to be worth more [1].
    seconds : float
        How long to search [s].
    workers : int
        Threads.
    seed : int
        Start of the random numbers.
    owed : bool, default True
        Whether plans have to hold what is mandatory and what partners are entitled to.
    chosen : ndarray of bool, shape (n,), optional
        Look for a plan of these tasks and no others, from nothing: without an objective, plans as hints and
        linear programmes only slow that down. The bound then is of such plans.
    found : callable, optional
        Told the starts of each better plan.

    Returns
    -------
    Proved

    Notes
    -----
    Numbers that are not whole in any handy unit are rounded so that no plan is lost: the bound holds, and a plan
    may need to be mended.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    rows = TaskRows(arrays, when, set(fixed), owed=owed, cuts=False)
    columns = _columns(model, rows, starts)
    for row, low, high in rows.rows():
        _add(model, columns, row, low, high)
    begins, present, runs = _intervals(model, arrays, when, rows, columns, starts)
    _precedence(model, arrays, begins, present)
    _capacities(model, arrays, runs)
    scale = _scale(arrays.worth)
    if chosen is None:
        _worth(model, arrays, present, scale, bound)
    else:
        for flag, wanted in zip(present, chosen.tolist(), strict=True):
            model.add(flag == int(wanted))
        model.clear_hints()  # type: ignore[no-untyped-call]
    solver = cp_model.CpSolver()
    if chosen is not None:
        solver.parameters.subsolvers.append("no_lp")
        solver.parameters.num_violation_ls = 1
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed
    listener = _listener(cp_model, begins, present, found)
    status = solver.solve(model, listener)
    got = listener.last if listener.last is not None else np.full(arrays.length.size, -1, dtype=np.int64)
    if status == cp_model.INFEASIBLE:
        return Proved(got, False, bound, False)
    told = (
        solver.best_objective_bound / scale if status != cp_model.UNKNOWN or listener.last is not None else bound
    )
    if status == cp_model.UNKNOWN and solver.best_objective_bound > 0:
        told = solver.best_objective_bound / scale
    return Proved(got, listener.last is not None, min(bound, told), True)


def _worth(model: Any, arrays: TaskArrays, present: list[Any], scale: float, bound: float) -> None:
    """What the plan is worth is to be greatest."""
    worth = np.ceil(arrays.worth * scale - 1e-9).astype(np.int64)
    total = sum(int(much) * flag for much, flag in zip(worth, present, strict=True) if much > 0)
    if math.isfinite(bound):
        model.add(total <= math.floor(bound * scale + 1e-6) + (0 if scale <= 1 else arrays.length.size))
    model.maximize(total)


def _columns(model: Any, rows: TaskRows, starts: Whole) -> list[Any]:
    """Variables of the rows, with the plan as hint."""
    columns = [model.new_bool_var("") for _ in range(rows.many)]
    columns += [model.new_int_var(0, math.ceil(top + 1e-9), "") for top in rows.top[rows.many :]]
    borders = rows.when.borders
    for k, places in enumerate(rows.starts):
        g = int(np.searchsorted(borders, starts[k], side="right")) - 1 if starts[k] >= 0 else -1
        for h, column in places.items():
            model.add_hint(columns[column], int(h == g))
    for column, much in rows.levels(starts).items():
        model.add_hint(columns[column], round(much))
    return columns


def _add(model: Any, columns: list[Any], row: Mapping[int, float], low: float, high: float) -> None:
    """One row in whole numbers, rounded so that nothing is lost."""
    least = [math.floor(much + 1e-6) for much in row.values()]
    most = [math.ceil(much - 1e-6) for much in row.values()]
    names = [columns[column] for column in row]
    if high < math.inf:
        model.add(sum(c * x for c, x in zip(least, names, strict=True)) <= math.ceil(high - 1e-6))
    if low > -math.inf:
        model.add(sum(c * x for c, x in zip(most, names, strict=True)) >= math.floor(low + 1e-6))


def _intervals(
    model: Any, arrays: TaskArrays, when: Spans, rows: TaskRows, columns: list[Any], starts: Whole
) -> tuple[list[Any], list[Any], list[Any]]:
    """Start, presence and interval of each task."""
    from ortools.sat.python import cp_model

    begins, present, runs = [], [], []
    for k in range(arrays.length.size):
        places = rows.starts[k]
        spans = [
            [max(int(arrays.window_from[w]), int(when.early[k])), int(arrays.window_to[w] - arrays.length[k])]
            for w in range(arrays.window_at[k], arrays.window_at[k + 1])
        ]
        spans = [[a, min(b, int(when.late[k]))] for a, b in spans if a <= min(b, int(when.late[k]))]
        if not places:
            flag, begin = model.new_constant(0), model.new_constant(0)
        else:
            if when.early[k] == when.late[k]:
                spans = [[int(when.early[k]), int(when.early[k])]]
            begin = model.new_int_var_from_domain(cp_model.Domain.from_intervals(spans), "")
            flag = model.new_bool_var("")
            model.add(sum(columns[column] for column in places.values()) == flag)
            first = sum(int(when.first[k, g]) * columns[column] for g, column in places.items())
            last = sum(int(when.last[k, g]) * columns[column] for g, column in places.items())
            model.add(begin >= first)
            model.add(begin <= last + spans[-1][1] * (1 - flag))
            model.add_hint(flag, int(starts[k] >= 0))
            model.add_hint(begin, int(starts[k]) if starts[k] >= 0 else spans[0][0])
        begins.append(begin)
        present.append(flag)
        runs.append(model.new_optional_fixed_size_interval_var(begin, int(arrays.length[k]), flag, ""))
    return begins, present, runs


def _precedence(model: Any, arrays: TaskArrays, begins: list[Any], present: list[Any]) -> None:
    """Tasks that come after others."""
    for k in range(arrays.length.size):
        for j in arrays.before[arrays.before_at[k] : arrays.before_at[k + 1]].tolist():
            model.add_implication(present[k], present[j])
            model.add(begins[k] >= begins[j] + int(arrays.length[j])).only_enforce_if(present[k])


def _capacities(model: Any, arrays: TaskArrays, runs: list[Any]) -> None:
    """No two tasks on one asset, and no more taken of a capacity than there is."""
    for row in range(arrays.room.shape[0]):
        room = arrays.room[row]
        takers = [
            (k, float(arrays.use_much[u]))
            for k in range(arrays.length.size)
            for u in range(arrays.use_at[k], arrays.use_at[k + 1])
            if arrays.use_of[u] == row
        ]
        if not takers or sum(much for _, much in takers) <= room.min():
            continue
        top = float(np.where(np.isfinite(room), room, sum(much for _, much in takers)).max())
        steady = bool((room >= top).all())
        if steady and all(much > top / 2 for _, much in takers):
            model.add_no_overlap([runs[k] for k, _ in takers])
            continue
        scale = _scale(np.array([much for _, much in takers] + room[np.isfinite(room)].tolist()))
        lanes = [runs[k] for k, _ in takers]
        much_of = [math.floor(much * scale + 1e-6) for _, much in takers]
        whole = math.ceil(top * scale - 1e-6)
        for a, b, level in [] if steady else _steps(np.minimum(room, top)):
            lack = whole - math.ceil(level * scale - 1e-6)
            if lack > 0:
                lanes.append(model.new_fixed_size_interval_var(a, b - a, ""))
                much_of.append(lack)
        model.add_cumulative(lanes, much_of, whole)


def _steps(row: Floats) -> list[tuple[int, int, float]]:
    """Stretches of one level."""
    turns = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), row.size]
    return [(a, b, float(row[a])) for a, b in pairwise(turns)]


def _scale(numbers: Floats) -> float:
    """A factor that makes numbers whole, or fine enough."""
    top = float(np.abs(numbers).max(initial=0.0))
    for scale in (1.0, 10.0, 100.0, 1000.0):
        if np.abs(numbers * scale - np.round(numbers * scale)).max(initial=0.0) < 1e-9 and top * scale < 1e9:
            return scale
    return 1e6 / top if top > 0 else 1.0


def _listener(cp_model: Any, begins: list[Any], present: list[Any], found: Callable[[Whole], None] | None) -> Any:
    """Keeps the starts of the last plan."""

    class Listener(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        last: Whole | None = None

        def on_solution_callback(self) -> None:
            self.last = np.array(
                [
                    self.value(begin) if self.value(flag) else -1
                    for begin, flag in zip(begins, present, strict=True)
                ],
                dtype=np.int64,
            )
            if found is not None:
                found(self.last)

    return Listener()
