"""Plans of tasks: one at once by rules, better ones by a relaxation and a search, with a bound on all plans."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.taskbounds import Relaxed, Spans, period_borders, relaxed_plan, spans
from moonpost.operations.taskmodel import TaskArrays, latest_starts, task_arrays
from moonpost.operations.tasks import TaskPlan, TaskProblem, task_faults

if TYPE_CHECKING:
    from moonpost.operations.taskproof import Proved

__all__ = ["plan_tasks"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Told = Callable[[float, float, float], None]

_RULES_S = 0.3
_MOST_STARTS = 40_000
_COARSE = 6_000
_ROUNDS = 40


@dataclass(eq=False)
class _Search:
    """A search under way."""

    problem: TaskProblem
    arrays: TaskArrays
    fixed: dict[int, int]
    seconds: float
    workers: int
    seed: int
    progress: Told | None
    began: float = field(default_factory=time.monotonic)
    best: Whole = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    score: float = -math.inf
    bound: float = math.inf
    owed: bool = True
    told: dict[str, float] = field(default_factory=dict)
    choice: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n = len(self.problem)
        self.settled = np.full(n, -1, dtype=np.int64)
        for k, at in self.fixed.items():
            self.settled[k] = at
        self.latest = latest_starts(self.arrays, self.problem.order, np.ones(n, dtype=bool))
        self.bound = float(self.arrays.worth.sum())
        self.chance = np.random.default_rng(self.seed)

    @property
    def passed(self) -> float:
        """Time since the search began [s]."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Time that is left [s]."""
        return self.seconds - self.passed

    @property
    def value(self) -> float:
        """What the best plan is worth."""
        return float(self.arrays.worth[self.best >= 0].sum())

    @property
    def done(self) -> bool:
        """Whether the best plan is proved to be the best of all."""
        return self.score >= self.bound - 1e-6 * max(1.0, abs(self.bound))

    def keep(self, starts: Whole, score: float) -> bool:
        """Keep a plan if it is better than all before."""
        if score <= self.score:
            return False
        self.best, self.score = starts.copy(), score
        return True

    def tighten(self, name: str, bound: float) -> None:
        """Note a bound."""
        self.told[name] = bound
        self.bound = min(self.bound, bound)

    def tell(self) -> None:
        """Tell how far the search is."""
        if self.progress is not None:
            self.progress(min(1.0, self.passed / max(self.seconds, 1e-9)), self.value, self.bound)

    def spans(self, many: int) -> Spans:
        """When tasks can start, in about so many periods."""
        borders = period_borders(self.arrays, many)
        return spans(self.arrays, self.problem.order, borders, self.fixed, owed=self.owed)

    def forward(self, order: Whole, allowed: Whole, wanted: float) -> bool:
        """Make a plan in time order and keep it if it is better."""
        from moonpost.operations.taskkernels import forward_plan, score

        state = forward_plan(self.arrays, order, allowed, self.settled, self.latest, wanted, self.problem.slots)
        return self.keep(state.begin, float(score(self.arrays, state)))


def plan_tasks(
    problem: TaskProblem,
    *,
    seconds: float = 10.0,
    workers: int = 1,
    seed: int = 1,
    fixed: Mapping[str, int] | None = None,
    starts: Mapping[str, int] | None = None,
    progress: Told | None = None,
) -> TaskPlan:
    """Choose and place tasks so that their value is greatest.

    Parameters
    ----------
    problem : TaskProblem
        The tasks and what they share.
    seconds : float, default 10
        How long to search [s]; ends at once when the plan is proved to be the best. 0 gives the first plan.
    workers : int, default 1
        Threads.
    seed : int, default 1
        Start of the random numbers; where a plan ends up also depends on how far the search gets in its time.
    fixed : mapping of str to int, optional
        Starts that are settled: these tasks are in the plan, then and only then [slot].
    starts : mapping of str to int, optional
        A plan to begin with [slot]; of no account if it has faults.
    progress : callable, optional
        Told now and then: the share of the time that has passed [1], value and bound.

    Returns
    -------
    TaskPlan
        A plan without faults but those that ``missing`` tells: mandatory tasks and entitlements that it lacks.

    Raises
    ------
    InputError
        If settled starts contradict each other, or a number is out of range.
    UnknownNameError
        If a settled task is not there.

    Notes
    -----
    First the best of a few plans made in time order by simple rules. Then HiGHS chooses tasks whose energy, data
    and machines suffice over the whole time; its value bounds all plans, and a plan made in time order of that
    choice is often as good, hence the best. If not, CP-SAT tries to place the choice; then the plan is torn and
    filled again in many ways, the choice is made again by periods, and CP-SAT takes over with the plan as a
    complete hint.

    Examples
    --------
    >>> from moonpost.operations.tasks import Task
    >>> problem = TaskProblem(4, [Task("dig", 3, 5.0, ("rover",)), Task("look", 2, 3.0, ("rover",))])
    >>> plan = plan_tasks(problem, seconds=1.0)
    >>> plan.starts, plan.value, plan.optimal
    ({'dig': 0}, 5.0, True)
    """
    if not (math.isfinite(seconds) and seconds >= 0) or workers < 1:
        raise InputError(
            f"{seconds} s with {workers} workers", where="plan_tasks", advice="give 0 s or more and 1 or more"
        )
    settled = _settled(problem, fixed or {})
    if not problem.tasks:
        return TaskPlan({}, 0.0, 0.0, missing=_missing(problem, {}))
    search = _Search(problem, task_arrays(problem), settled, seconds, workers, seed, progress)
    _by_rules(search, starts or {})
    first_value, first_s = search.value, search.passed
    search.tell()
    if seconds > 0:
        _by_choice(search)
        search.tell()
        if not search.done and search.left > 0:
            _by_placing(search)
        if not search.done and search.left > 0:
            _by_tearing(search, until=search.passed + 0.3 * search.left)
        if not search.done and search.left > 0:
            _by_periods(search)
        if not search.done and search.left > 0:
            _by_proof(search)
        if not search.done and search.left > 0:
            _by_tearing(search, until=seconds)
    found = _named(search)
    faults = [line for line in task_faults(problem, found) if not _owed(line)]
    if faults:
        raise RuntimeError(f"the search made a faulty plan: {faults[0]}")
    return TaskPlan(
        dict(sorted(found.items(), key=lambda pair: pair[1])),
        problem.value_of(found),
        max(search.bound, problem.value_of(found)),
        first_value,
        first_s,
        search.passed,
        _missing(problem, found),
        search.told,
    )


def _owed(line: str) -> bool:
    """Whether a fault is something that the plan lacks."""
    return line.endswith("is mandatory and not in the plan") or line.startswith("partner ")


def _missing(problem: TaskProblem, starts: Mapping[str, int]) -> tuple[str, ...]:
    """What a plan owes."""
    return tuple(line for line in task_faults(problem, starts) if _owed(line))


def _settled(problem: TaskProblem, fixed: Mapping[str, int]) -> dict[int, int]:
    """Settled starts by place, checked against each other."""
    for name in fixed:
        if name not in problem.index:
            raise UnknownNameError(name, problem.index, kind="task", where="fixed")
    tasks = [replace(task, mandatory=False) for task in problem.tasks]
    alone = replace(problem, tasks=tasks, shares=[replace(row, least=0.0) for row in problem.shares])
    faults = [line for line in task_faults(alone, fixed) if not line.endswith("which is not in the plan")]
    if faults:
        raise InputError(faults[0], where="fixed", advice="settle starts that do not contradict each other")
    return {problem.index[name]: int(at) for name, at in fixed.items()}


def _by_rules(search: _Search, starts: Mapping[str, int]) -> None:
    """The best of a few plans made in time order."""
    problem, arrays = search.problem, search.arrays
    n = len(problem)
    every = np.ones(n, dtype=np.int64)
    orders = [np.argsort(search.latest, kind="stable"), np.argsort(-_density(arrays), kind="stable")]
    search.forward(orders[0], every, 1.0)
    begun = {**starts, **{problem.tasks[k].name: at for k, at in search.fixed.items()}}
    if starts and not [line for line in task_faults(problem, begun) if not _owed(line)]:
        from moonpost.operations.taskkernels import plan_score

        given = np.array([begun.get(task.name, -1) for task in problem.tasks], dtype=np.int64)
        search.keep(given, float(plan_score(arrays, given)))
    began = time.monotonic()
    levels = np.quantile(_density(arrays), [0.0, 0.15, 0.3, 0.45])
    for level in levels:
        allowed = _with_those_before(arrays, problem.order, _density(arrays) >= level)
        for order in orders:
            for wanted in (1.0, 0.5):
                if time.monotonic() - began > _RULES_S:
                    return
                search.forward(order, allowed, wanted)


def _density(arrays: TaskArrays) -> Floats:
    """Value of each task and of a share of those behind it, over what it takes of what is scarce."""
    n = arrays.length.size
    worth = arrays.worth.copy()
    for k in range(n - 1, -1, -1):
        for j in arrays.behind[arrays.behind_at[k] : arrays.behind_at[k + 1]]:
            worth[k] += 0.3 * arrays.worth[j]
    cost = arrays.length / max(1.0, float(arrays.length.sum()))
    for owner, much in ((arrays.store, arrays.energy), (arrays.recorder, arrays.made)):
        taken = np.where(owner >= 0, much, 0.0)
        cost = cost + taken / max(1e-9, float(taken.sum()))
    return worth / cost


def _with_those_before(arrays: TaskArrays, order: tuple[int, ...], chosen: npt.NDArray[np.bool_]) -> Whole:
    """A choice with all that come before its tasks and all that is mandatory."""
    found = (chosen | (arrays.must > 0)).astype(np.int64)
    for k in reversed(order):
        for j in arrays.before[arrays.before_at[k] : arrays.before_at[k + 1]]:
            found[j] |= found[k]
    return found


def _by_choice(search: _Search) -> None:
    """Plans of the tasks that suffice over the whole time."""
    when = search.spans(1)
    limit = max(0.2, min(10.0, 0.3 * search.left))
    choice = relaxed_plan(search.arrays, when, search.fixed, seconds=limit)
    if not choice.feasible:
        search.owed = False
        when = search.spans(1)
        choice = relaxed_plan(search.arrays, when, search.fixed, seconds=limit, owed=False)
    search.tighten("bound_whole_time", choice.bound)
    search.told["met"] = float(search.owed)
    if choice.chosen.any():
        search.choice = choice.chosen
        _by_guide(search, choice, when, until=search.passed + max(0.3, 0.1 * search.left))


def _by_placing(search: _Search) -> None:
    """CP-SAT places the tasks that suffice over the whole time, no others: easier than to choose as well."""
    if search.choice is None:
        return
    _prove(search, seconds=0.35 * search.left, chosen=search.choice)


def _by_guide(search: _Search, choice: Relaxed, when: Spans, until: float) -> None:
    """Plans in time order of a choice, with some chance in the order."""
    allowed = _with_those_before(search.arrays, search.problem.order, choice.chosen)
    base = np.where(choice.period >= 0, when.borders[np.maximum(choice.period, 0)], 0.0) + 1e-3 * search.latest
    spread = float(np.ptp(search.latest[np.isfinite(search.latest)])) if np.isfinite(search.latest).any() else 1.0
    for turn in range(_ROUNDS):
        for key in (search.latest, base):
            noise = 0.05 * turn * spread * search.chance.random(len(search.problem)) if turn else 0.0
            search.forward(np.argsort(key + noise, kind="stable"), allowed, (1.0, 0.5, 0.8, 0.0)[turn % 4])
            if search.done or search.passed > until:
                return


def _by_tearing(search: _Search, until: float) -> None:
    """Tear parts of the plan out and fill them again, one trail a thread."""
    from moonpost.operations.taskkernels import improve_plan

    arrays, slots = search.arrays, search.problem.slots
    now = [search.best.copy() for _ in range(search.workers)]
    rank = np.argsort(np.argsort(search.latest)) + 1.0
    dense = np.argsort(np.argsort(-_density(arrays))) + 1.0
    turn = 0
    with ThreadPoolExecutor(search.workers) as pool:
        while search.passed < until and not search.done:
            jobs = []
            for i in range(search.workers):
                key = dense if (turn + i) % 2 else np.where(search.best >= 0, rank, rank + rank.size)
                seed = int(search.chance.integers(1 << 31))
                noise = float(search.chance.choice([0.2, 0.6, 1.2]))
                jobs.append(
                    pool.submit(improve_plan, arrays, now[i], search.settled, key, _ROUNDS, seed, slots, noise)
                )
            better = False
            for i, job in enumerate(jobs):
                best, score, last, _ = job.result()
                better |= search.keep(best, score)
                now[i] = last
            turn += 1
            if better or turn % 10 == 0:
                now = [search.best.copy() for _ in now]
                search.tell()
    search.told["rounds"] = search.told.get("rounds", 0.0) + turn * _ROUNDS * search.workers


def _by_periods(search: _Search) -> None:
    """The bound and the choice by periods, in parts of tasks."""
    many = max(2, min(24, _COARSE // len(search.problem)))
    when = search.spans(many)
    limit = max(0.2, 0.25 * search.left)
    choice = relaxed_plan(search.arrays, when, search.fixed, seconds=limit, owed=search.owed, integral=False)
    if not choice.feasible and search.owed:
        _give_up_owed(search)
        return
    search.tighten("bound_periods", choice.bound)
    if choice.chosen.any() and not search.done:
        _by_guide(search, choice, when, until=search.passed + 0.1 * max(0.0, search.left))
    search.tell()


def _by_proof(search: _Search) -> None:
    """CP-SAT with the plan as a complete hint, and its bound."""
    found = _prove(search, seconds=max(0.1, 0.9 * search.left))
    if found.feasible:
        search.tighten("bound_cp_sat", found.bound)
    elif search.owed:
        _give_up_owed(search)


def _prove(search: _Search, seconds: float, chosen: npt.NDArray[np.bool_] | None = None) -> Proved:
    """Run CP-SAT; what it finds is mended where levels are not exact."""
    from moonpost.operations.taskproof import prove_plan

    arrays = search.arrays
    bins = -(-search.problem.slots // arrays.bin_slots)
    many = bins if bins * len(search.problem) <= _MOST_STARTS else max(2, _COARSE // len(search.problem))

    def take(starts: Whole) -> None:
        from moonpost.operations.taskkernels import near_plan

        mended, score = near_plan(arrays, starts, search.settled)
        if search.keep(mended, score):
            search.tell()

    return prove_plan(
        arrays,
        search.spans(many),
        search.fixed,
        search.best,
        bound=search.bound,
        seconds=seconds,
        workers=search.workers,
        seed=search.seed,
        owed=search.owed,
        chosen=chosen,
        found=take,
    )


def _give_up_owed(search: _Search) -> None:
    """No plan meets all that is owed: bound those that do not."""
    search.owed, search.told["met"] = False, 0.0
    search.bound = float(search.arrays.worth.sum())
    when = search.spans(1)
    choice = relaxed_plan(search.arrays, when, search.fixed, seconds=max(0.2, min(5.0, search.left)), owed=False)
    search.tighten("bound_whole_time", choice.bound)


def _named(search: _Search) -> dict[str, int]:
    """The best plan by names."""
    places = np.flatnonzero(search.best >= 0).tolist()
    return {search.problem.tasks[k].name: int(search.best[k]) for k in places}
