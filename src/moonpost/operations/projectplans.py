"""Short plans of projects: a first plan at once, a genetic search on all processors, bounds by CP-SAT."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.projectclocks import project_clock
from moonpost.operations.projects import Project

__all__ = ["ProjectPlan", "plan_project"]

Whole = npt.NDArray[np.int64]
Told = Callable[[float, int, int], None]

_SEARCH_SHARE = 0.35
_CALENDAR_SEARCH_S = 0.15
_PROOF_SHARE = 0.25
_CALENDAR_PROOF_SHARE = 0.6
_ROUNDS = 400
_MEMBERS_A_SECOND = 70
_FEWEST_MEMBERS, _MOST_MEMBERS = 80, 1200


@dataclass(frozen=True, eq=False)
class ProjectPlan:
    """When each activity of a project starts.

    Parameters
    ----------
    starts : ndarray of int, shape (n,)
        Starts in the units of the durations.
    makespan : int
        When the last activity ends.
    lower_bound : int
        No plan ends before.
    first_makespan : int
        That of the first plan, which is there within milliseconds.
    plans : int
        Plans made in the search.
    """

    starts: Whole
    makespan: int
    lower_bound: int
    first_makespan: int
    plans: int

    @property
    def optimal(self) -> bool:
        """Whether no shorter plan exists.

        Returns
        -------
        bool
        """
        return self.makespan == self.lower_bound

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        Returns
        -------
        dict
        """
        return {
            "makespan": self.makespan,
            "lower_bound": self.lower_bound,
            "optimal": self.optimal,
            "first_makespan": self.first_makespan,
            "plans": self.plans,
            "starts": self.starts.tolist(),
        }


def plan_project(
    project: Project,
    *,
    seconds: float = 15.0,
    workers: int = 1,
    seed: int = 1,
    progress: Told | None = None,
) -> ProjectPlan:
    """Plan a project so that it ends early.

    Parameters
    ----------
    project : Project
        The activities.
    seconds : float, default 15
        How long to search [s]; ends at once when the plan is proved to be the shortest.
    workers : int, default 1
        Threads.
    seed : int, default 1
        Start of the random numbers; where a plan ends up also depends on how far the search gets in its time.
    progress : callable, optional
        Told after each stretch: the share of the time that has passed [1], makespan and bound.

    Returns
    -------
    ProjectPlan

    Raises
    ------
    InputError
        If the time is not positive or there is no worker.
    ModelError
        If the activities do not fit into their calendars, or no plan that does is found in the time.

    Notes
    -----
    Serial schedule generation with forward and backward justification inside a genetic search on activity lists,
    one population a worker. Between its two stretches CP-SAT, with the best plan as its complete hint, tightens
    the bound and proves small projects, and the populations exchange their best. Where activities keep calendars,
    generation and justification step from one open unit to the next, and CP-SAT is told the pairs of start and end
    that a calendar allows.

    References
    ----------
    Kreter, Rieck, Zimmermann (2016), Eur. J. Oper. Res. 251, 387-403, doi:10.1016/j.ejor.2015.11.021 (calendars);
    Hartmann (1998), Naval Res. Logistics 45, 733-750; Valls, Ballestin and Quintanilla (2005), Eur. J. Oper. Res.
    165, 375-386, doi:10.1016/j.ejor.2004.04.008.

    Examples
    --------
    >>> plan = plan_project(Project([2, 3, 2], [[1], [1], [1]], [2], [(), (), ()]), seconds=1)
    >>> plan.makespan, plan.optimal
    (4, True)
    """
    if not (math.isfinite(seconds) and seconds > 0.0):
        raise InputError(f"{seconds!r} s", where="seconds", advice="give a positive number of seconds")
    if workers < 1:
        raise InputError(f"{workers!r} workers", where="workers", advice="give 1 or more")
    members = int(np.clip(_MEMBERS_A_SECOND * seconds, _FEWEST_MEMBERS, _MOST_MEMBERS))
    islands = [_Island(project, members, seed + 7919 * number) for number in range(workers)]
    if islands[0].bound > islands[0].beyond:
        raise _unfit(project, islands[0])
    islands[0].search(1)
    race = _Race(project, islands, seconds, progress)
    race.search(min(_SEARCH_SHARE, _CALENDAR_SEARCH_S / seconds) if project.scheduled else _SEARCH_SHARE)
    if not race.done:
        race.prove(_CALENDAR_PROOF_SHARE if project.scheduled else _PROOF_SHARE)
        race.exchange()
        race.search(1.0)
    if race.best.makespan > race.best.beyond:
        raise _unfit(project, race.best)
    return race.plan()


def _unfit(project: Project, island: _Island) -> ModelError:
    """An activity for which the calendars leave no room."""
    late = island.late()
    return ModelError(
        f"activity {late} finds no room in its calendar of {project.calendars.shape[1]} units",
        where=f"calendar[{late}]",
        advice="give longer calendars, or more open units in them",
    )


class _Race:
    """The best plan and bound so far, and the time that is left."""

    def __init__(self, project: Project, islands: list[_Island], seconds: float, progress: Told | None) -> None:
        self.project, self.islands, self.seconds, self.progress = project, islands, seconds, progress
        self.started = time.monotonic()
        self.bound = islands[0].bound
        self.first = islands[0].makespan

    @property
    def best(self) -> _Island:
        return min(self.islands, key=lambda island: island.makespan)

    @property
    def done(self) -> bool:
        return self.best.makespan <= self.bound or self.passed >= 1.0

    @property
    def passed(self) -> float:
        """Share of the time that has passed."""
        return (time.monotonic() - self.started) / self.seconds

    def tell(self) -> None:
        if self.progress:
            self.progress(min(self.passed, 1.0), self.best.makespan, self.bound)

    def search(self, until: float) -> None:
        """Let all islands search until a share of the time has passed."""
        with ThreadPoolExecutor(len(self.islands)) as pool:
            while self.passed < until and not self.done:
                list(pool.map(lambda island: island.search(_ROUNDS), self.islands))
                self.tell()

    def exchange(self) -> None:
        """Give the best plan to all populations."""
        best = self.best
        for island in self.islands:
            if island.makespan > best.makespan:
                island.adopt(best.plan())

    def prove(self, share: float) -> None:
        """Let CP-SAT tighten the bound, and shorten the plan if it can."""
        best = self.best
        limit = min(share * self.seconds, (1.0 - self.passed) * self.seconds)
        hint = best.plan() if best.makespan <= best.beyond else None
        starts, bound = _by_constraints(self.project, hint, self.bound, limit, len(self.islands))
        self.bound = max(self.bound, bound)
        if starts is not None:
            best.adopt(starts)
        self.tell()

    def plan(self) -> ProjectPlan:
        best = self.best
        made = sum(island.made for island in self.islands)
        return ProjectPlan(best.plan(), best.makespan, min(self.bound, best.makespan), self.first, made)


class _Island:
    """One population of the genetic search, its activities in an order that keeps all waits."""

    def __init__(self, project: Project, members: int, seed: int) -> None:
        count = len(project)
        self.project = project
        self.order = np.array(project.order, dtype=np.int64)
        place = np.empty(count, dtype=np.int64)
        place[self.order] = np.arange(count)
        after: list[list[int]] = [[int(place[k]) for k in project.followers[job]] for job in self.order]
        before: list[list[int]] = [[] for _ in range(count)]
        self.links = np.zeros((count, count), dtype=np.bool_)
        for job, row in enumerate(after):
            for follower in row:
                before[follower].append(job)
                self.links[job, follower] = True
        self.durations = project.durations[self.order]
        self.demands = np.ascontiguousarray(project.demands[self.order])
        clock = project_clock(project, self.order)
        self.clock, self.beyond = clock.arrays, clock.beyond
        self.capacities, self.bound = project.capacities, project.bound
        self.tails = _tails(self.durations, after)
        ahead, behind = _packed(before), _packed(after)
        self.before, self.after = (*ahead, *behind), (*behind, *ahead)
        if project.scheduled:
            self.bound = max(self.bound, int(self._earliest().max(initial=0)))
        horizon = clock.horizon
        self.work = (
            np.empty((horizon + 1, project.capacities.size), np.int64), np.empty(count, np.int64),
            np.empty(horizon + 3, np.int64), np.empty(count, np.int64), np.empty(count, np.int64),
        )  # fmt: skip
        self.orders, self.spans = np.empty((members, count), np.int64), np.full(members, horizon + 1, np.int64)
        self.starts, self.marks = np.zeros(count, np.int64), np.array([0, horizon + 1, 0], np.int64)
        self.seed = np.array([(seed * 2654435761 + 88172645463325252) % 2**64], dtype=np.uint64)
        self.made = 0

    @property
    def makespan(self) -> int:
        return int(self.marks[1])

    def search(self, rounds: int) -> None:
        """Make some plans."""
        from moonpost.operations.projectkernels import evolve

        evolve(
            rounds, self.orders, self.spans, self.starts, self.marks, self.seed, self.bound, self.durations,
            self.demands, self.capacities, self.before, self.after, self.links, self.tails, self.work,
            self.clock,
        )  # fmt: skip
        self.made += rounds

    def _earliest(self) -> Whole:
        """Ends of the activities if capacities did not limit them."""
        from moonpost.operations.projectkernels import ended, opened

        ends = np.zeros(self.order.size, dtype=np.int64)
        for job, length in enumerate(self.durations.tolist()):
            before = self.before[1][self.before[0][job] : self.before[0][job + 1]]
            at = min(int(ends[before].max(initial=0)), self.beyond)
            ends[job] = ended(job, opened(job, at, length, self.clock), length, self.clock)
        return ends

    def late(self) -> int:
        """The first activity that does not fit into its calendar, by its number in the project."""
        ends = self._earliest()
        if (ends <= self.beyond).all():
            from moonpost.operations.projectkernels import ended

            pairs = zip(self.starts.tolist(), self.durations.tolist(), strict=True)
            ends = np.array([ended(job, at, length, self.clock) for job, (at, length) in enumerate(pairs)])
        return int(self.order[int(np.argmax(ends > self.beyond))])

    def adopt(self, starts: Whole) -> None:
        """Take a plan made elsewhere as the best and into the population."""
        mine = starts[self.order]
        self.starts[:], self.marks[1] = mine, int(self.project.ends(starts).max(initial=0))
        worst = int(np.argmax(self.spans))
        self.orders[worst], self.spans[worst] = np.argsort(mine, kind="stable"), self.marks[1]

    def plan(self) -> Whole:
        """Starts of the best plan in the order of the project."""
        starts = np.empty_like(self.starts)
        starts[self.order] = self.starts
        return starts


def _tails(durations: Whole, after: list[list[int]]) -> npt.NDArray[np.float64]:
    """Longest chain from the start of each activity to the end."""
    tails = durations.astype(np.float64)
    for job in range(durations.size - 1, -1, -1):
        tails[job] += max((tails[follower] for follower in after[job]), default=0.0)
    return tails


def _packed(rows: list[list[int]]) -> tuple[Whole, Whole]:
    """Rows of numbers as one array with the place where each row begins."""
    first = np.zeros(len(rows) + 1, dtype=np.int64)
    first[1:] = np.cumsum([len(row) for row in rows])
    return first, np.array([k for row in rows for k in row], dtype=np.int64)


def _by_constraints(
    project: Project, hint: Whole | None, bound: int, seconds: float, workers: int
) -> tuple[Whole | None, int]:
    """A shorter plan than the hint, or none, and the bound that CP-SAT proves from a complete hint."""
    from ortools.sat.python import cp_model

    model, longest = cp_model.CpModel(), _longest(project, hint)
    spans = [_span(model, project, job, longest) for job in range(len(project))]
    starts, ends = [span.start_expr() for span in spans], [span.end_expr() for span in spans]
    end = model.new_int_var(min(bound, longest), longest, "")
    for job, row in enumerate(project.followers):
        model.add(end >= ends[job])
        for follower in row:
            model.add(starts[follower] >= ends[job])
    for kind, capacity in enumerate(project.capacities):
        users = np.flatnonzero((project.demands[:, kind] > 0) & (project.durations > 0))
        taken = [int(project.demands[job, kind]) for job in users]
        model.add_cumulative([spans[job] for job in users], taken, int(capacity))
    model.minimize(end)
    if hint is not None:
        _hint(model, [*starts, *ends, end], [*hint.tolist(), *project.ends(hint).tolist(), longest])
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(seconds, 0.01)
    solver.parameters.num_workers = workers
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, bound
    proved = math.ceil(solver.best_objective_bound - 1e-6)
    if hint is not None and solver.objective_value >= longest:
        return None, proved
    return np.array([solver.value(start) for start in starts], dtype=np.int64), proved


def _longest(project: Project, hint: Whole | None) -> int:
    """No plan that is looked for is longer."""
    if hint is not None:
        return int(project.ends(hint).max(initial=0))
    return int(project.calendars.shape[1] + project.durations.sum())


def _hint(model: Any, expressions: list[Any], values: list[int]) -> None:
    """Give values of variables; expressions that are none need no hint."""
    from ortools.sat.python import cp_model

    seen: set[int] = set()
    for expression, value in zip(expressions, values, strict=True):
        if isinstance(expression, cp_model.IntVar) and expression.index not in seen:
            seen.add(expression.index)
            model.add_hint(expression, value)


def _span(model: Any, project: Project, job: int, longest: int) -> Any:
    """An activity's interval, within its calendar."""
    from ortools.sat.python import cp_model

    length, row = int(project.durations[job]), int(project.calendar[job])
    if row < 0 or length == 0:
        return model.new_fixed_size_interval_var(model.new_int_var(0, longest - length, ""), length, "")
    begins, ends = _allowed(project.calendars[row], length, bool(project.pauses[job]))
    kept = ends <= longest
    begins, ends = begins[kept], ends[kept]
    start = model.new_int_var_from_domain(cp_model.Domain.from_values(begins.tolist()), "")
    if not project.pauses[job]:
        return model.new_fixed_size_interval_var(start, length, "")
    end = model.new_int_var_from_domain(cp_model.Domain.from_values(ends.tolist()), "")
    size = model.new_int_var(length, max(length, int((ends - begins).max(initial=0))), "")
    model.add_allowed_assignments([start, end], np.column_stack([begins, ends]).tolist())
    return model.new_interval_var(start, size, end, "")


def _allowed(calendar: npt.NDArray[np.bool_], length: int, pauses: bool) -> tuple[Whole, Whole]:
    """Starts that a calendar allows, and the ends that belong to them."""
    units = np.flatnonzero(calendar)
    begins, ends = units[: max(units.size - length + 1, 0)], units[length - 1 :] + 1
    whole = np.ones(begins.size, dtype=np.bool_) if pauses else ends - begins == length
    return begins[whole], ends[whole]
