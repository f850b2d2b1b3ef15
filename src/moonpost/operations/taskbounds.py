"""What no plan of tasks can be worth more than: a linear relaxation by periods, solved with HiGHS."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from moonpost.operations.taskmodel import TaskArrays, latest_starts
from moonpost.quiet import quiet

__all__ = ["Relaxed", "Spans", "TaskRows", "period_borders", "relaxed_plan", "spans"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spans:
    """When tasks can start at all, and in which periods.

    Parameters
    ----------
    early, late : ndarray of int, shape (n,)
        First and last start by windows and order; early beyond late where there is none [slot].
    borders : ndarray of int, shape (g + 1,)
        Where periods begin, and the end of the last [slot].
    first, last : ndarray of int, shape (n, g)
        First and last start in each period; first beyond last where there is none [slot].
    """

    early: Whole
    late: Whole
    borders: Whole
    first: Whole
    last: Whole

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """In which periods each task can start.

        Returns
        -------
        ndarray of bool, shape (n, g)
        """
        return self.first <= self.last


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The best choice of tasks when they need to fit period by period only.

    Parameters
    ----------
    bound : float
        No plan is worth more; infinite if none was found in time [1].
    chosen : ndarray of bool, shape (n,)
        Tasks of the choice; none if there was no time for one.
    period : ndarray of int, shape (n,)
        In which period each of them starts, -1 for the others.
    feasible : bool
        False if no plan holds all that is mandatory and all that partners are entitled to.
    """

    bound: float
    chosen: npt.NDArray[np.bool_]
    period: Whole
    feasible: bool = True


def period_borders(arrays: TaskArrays, most: int) -> Whole:
    """Borders of periods: where stores turn from losing to gaining and back, and evenly between.

    Parameters
    ----------
    arrays : TaskArrays
        The problem.
    most : int
        About how many periods there may be.

    Returns
    -------
    ndarray of int, shape (g + 1,)
        From 0 to the number of slots, each at the end of an interval of counting [slot].
    """
    slots = arrays.room.shape[1]
    bins = -(-slots // arrays.bin_slots)
    most = max(1, min(most, bins))
    even = np.unique(np.round(np.linspace(0, bins, most + 1)).astype(np.int64))
    if most > 1:
        gains = arrays.charge > 0
        turns = np.unique(np.nonzero(gains[:, 1:] != gains[:, :-1])[1] + 1)
        if 0 < turns.size <= most:
            even = np.union1d(even[:: 2 if turns.size > most // 2 else 1], turns)
            even = np.union1d(even, [0, bins])
    return np.minimum(even * arrays.bin_slots, slots)


def spans(
    arrays: TaskArrays, order: tuple[int, ...], borders: Whole, fixed: Mapping[int, int], *, owed: bool = True
) -> Spans:
    """When tasks can start.

    Parameters
    ----------
    arrays : TaskArrays
        The problem.
    order : tuple of int
        Tasks, each behind those that come before it.
    borders : ndarray of int, shape (g + 1,)
        Borders of the periods [slot].
    fixed : mapping of int to int
        Starts that are settled [slot].
    owed : bool, default True
        Whether mandatory tasks are sure to be in the plan, so that those before them have to end in time.

    Returns
    -------
    Spans
    """
    n = arrays.length.size
    early = np.zeros(n, dtype=np.int64)
    never = 1 << 40
    for k in order:
        low = max((early[j] + arrays.length[j] for j in _of(arrays.before_at, arrays.before, k)), default=0)
        fits = [
            max(low, a)
            for a, b in _windows(arrays, k)
            if max(low, a) + arrays.length[k] <= b
        ]  # fmt: skip
        early[k] = min(fits, default=never)
    sure = (arrays.must > 0) if owed else np.zeros(n, dtype=bool)
    sure[list(fixed)] = True
    limits = latest_starts(arrays, order, sure)
    late = np.where(np.isfinite(limits), limits, -1).astype(np.int64)
    for k, at in fixed.items():
        early[k] = late[k] = at
    first = np.full((n, borders.size - 1), never, dtype=np.int64)
    last = np.full_like(first, -1)
    for k in range(n):
        for a, b in _windows(arrays, k) if k not in fixed else [(fixed[k], fixed[k] + int(arrays.length[k]))]:
            low = np.maximum(max(a, early[k]), borders[:-1])
            high = np.minimum(min(b - arrays.length[k], late[k]), borders[1:] - 1)
            first[k] = np.where(low <= high, np.minimum(first[k], low), first[k])
            last[k] = np.where(low <= high, np.maximum(last[k], high), last[k])
    return Spans(early, late, borders, first, last)


def relaxed_plan(
    arrays: TaskArrays,
    when: Spans,
    fixed: Mapping[int, int],
    *,
    seconds: float,
    owed: bool = True,
    integral: bool = True,
) -> Relaxed:
    """The best choice of tasks when energy, data and capacities need to suffice up to the end of each period only.

    Parameters
    ----------
    arrays : TaskArrays
        The problem.
    when : Spans
        When tasks can start.
    fixed : mapping of int to int
        Starts that are settled [slot].
    seconds : float
        How long HiGHS may take [s].
    owed : bool, default True
        Whether the choice has to hold what is mandatory and what partners are entitled to.
    integral : bool, default True
        Whether tasks are chosen wholly or not at all; with False in parts, which is quicker and bounds less.

    Returns
    -------
    Relaxed

    Notes
    -----
    For each task and period 0 or 1: whether it starts there. What is taken until the end of a period lies between
    what is taken at least and at most if each task starts last or first in its period. Every plan meets these
    conditions, so the bound holds for all plans; with one period it is the knapsack of the whole time.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = TaskRows(arrays, when, set(fixed), owed=owed, cuts=True)
    matrix, lows, highs = rows.matrix()
    n = arrays.length.size
    whole = np.arange(rows.count) < rows.many
    cost = np.zeros(rows.count)
    for k, columns in enumerate(rows.starts):
        cost[list(columns.values())] = -arrays.worth[k]
    with quiet():
        found = milp(
            cost,
            constraints=LinearConstraint(matrix, lows, highs),
            bounds=Bounds(0.0, np.array(rows.top)),
            integrality=whole if integral else None,
            options={"time_limit": max(0.05, seconds), "mip_rel_gap": 0.0},
        )
    chosen, period = np.zeros(n, dtype=bool), np.full(n, -1, dtype=np.int64)
    if found.status == 2:
        return Relaxed(math.inf, chosen, period, feasible=False)
    if found.x is not None:
        for k, columns in enumerate(rows.starts):
            shares = np.array([found.x[column] for column in columns.values()])
            if shares.sum() > 0.5:
                chosen[k], period[k] = True, list(columns)[int(np.argmax(np.cumsum(shares) > shares.sum() / 2))]
    told = found.mip_dual_bound if integral else (found.fun if found.status == 0 else None)
    return Relaxed(_rounded(arrays, told), chosen, period)


def _rounded(arrays: TaskArrays, told: float | None) -> float:
    """A bound from what HiGHS tells, with room for its tolerance; whole where all values are whole."""
    if told is None or not math.isfinite(told):
        return math.inf
    bound = -told + 1e-6 * max(1.0, abs(told))
    return float(math.floor(bound)) if np.array_equal(arrays.worth, np.round(arrays.worth)) else float(bound)


class TaskRows:
    """Rows and columns of the relaxation: for each task and period whether it starts there, and sums.

    Parameters
    ----------
    arrays : TaskArrays
        The problem.
    when : Spans
        When tasks can start; if every interval of counting is a period, levels are exact.
    fixed : set of int
        Tasks whose starts are settled.
    owed : bool
        Whether what is mandatory and what partners are entitled to has to be met.
    cuts : bool
        Whether order and capacities count by period; without them others have to see to these.
    """

    def __init__(self, arrays: TaskArrays, when: Spans, fixed: set[int], *, owed: bool, cuts: bool) -> None:
        self.arrays, self.when = arrays, when
        self.periods = when.borders.size - 1
        self.exact = self.periods == -(-arrays.room.shape[1] // arrays.bin_slots)
        self.top: list[float] = []
        self._told: list[Callable[[Whole], dict[int, float]]] = []
        self.starts: list[dict[int, int]] = []
        at = 0
        for row in when.open:
            self.starts.append({int(g): at + i for i, g in enumerate(np.flatnonzero(row))})
            at += int(row.sum())
        self.many = self.count = at
        self.top += [1.0] * at
        self._row: list[int] = []
        self._column: list[int] = []
        self._much: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        for columns in self.starts:
            if len(columns) > 1:
                self.add(dict.fromkeys(columns.values(), 1.0), high=1.0)
        for k, columns in enumerate(self.starts):
            if k in fixed or (owed and arrays.must[k] > 0):
                self.add(dict.fromkeys(columns.values(), 1.0), low=1.0)
        if cuts:
            self._order()
            self._capacities()
        self._stores()
        self._recorders()
        self._shares(owed)

    def new(self, count: int, top: float) -> list[int]:
        """Further columns, each a number from 0 to the top.

        Parameters
        ----------
        count : int
            How many.
        top : float
            The most that each can be.

        Returns
        -------
        list of int
        """
        self.count += count
        self.top += [top] * count
        return list(range(self.count - count, self.count))

    def add(self, row: Mapping[int, float], low: float = -math.inf, high: float = math.inf) -> None:
        """One row; one that can never be broken is left out.

        Parameters
        ----------
        row : mapping of int to float
            Factors by column.
        low, high : float
            Between which their sum lies.
        """
        binary = low == -math.inf and all(column < self.many for column in row)
        if binary and sum(max(0.0, much) for much in row.values()) <= high:
            return
        self._row += [len(self._low)] * len(row)
        self._column += row.keys()
        self._much += row.values()
        self._low.append(low)
        self._high.append(high)

    def rows(self) -> Iterator[tuple[dict[int, float], float, float]]:
        """Each row with the least and the most of its sum.

        Yields
        ------
        tuple
        """
        found: list[dict[int, float]] = [{} for _ in self._low]
        for row, column, much in zip(self._row, self._column, self._much, strict=True):
            found[row][column] = much
        yield from zip(found, self._low, self._high, strict=True)

    def levels(self, starts: Whole) -> dict[int, float]:
        """Values of the further columns under a plan.

        Parameters
        ----------
        starts : ndarray of int, shape (n,)
            Starts, -1 for what is not in the plan [slot].

        Returns
        -------
        dict of int to float
        """
        found: dict[int, float] = {}
        for told in self._told:
            found |= told(starts)
        return found

    def matrix(self) -> tuple[object, Floats, Floats]:
        """All rows as a sparse matrix, with the least and the most of their sums.

        Returns
        -------
        tuple
        """
        from scipy.sparse import csr_matrix

        shape = (len(self._low), self.count)
        sparse = csr_matrix((self._much, (self._row, self._column)), shape=shape)
        return sparse, np.array(self._low), np.array(self._high)

    def _order(self) -> None:
        """A task starts in no period before those it comes after."""
        for k, columns in enumerate(self.starts):
            for j in _of(self.arrays.before_at, self.arrays.before, k):
                others = self.starts[j]
                for g in columns:
                    row = {column: 1.0 for h, column in columns.items() if h <= g}
                    row |= {column: -1.0 for h, column in others.items() if h <= g}
                    self.add(row, high=0.0)

    def _done(self, k: int, g: int, h: int, most: bool = True) -> float:
        """Share of a task that is done by the end of period h, at most or at least, if it starts in period g."""
        if g > h:
            return 0.0
        if self.arrays.whole:
            return 1.0
        at = self.when.first[k, g] if most else self.when.last[k, g]
        return float(np.clip((self.when.borders[h + 1] - at) / self.arrays.length[k], 0.0, 1.0))

    def _just_done(self, h: int, k: int, g: int) -> float:
        """Share of a task that is done within period h."""
        return self._done(k, g, h) - self._done(k, g, h - 1)

    def _surely_done(self, h: int, k: int, g: int) -> float:
        """Share that is done by the end of period h at least."""
        return self._done(k, g, h, False)

    def _perhaps_done(self, h: int, k: int, g: int) -> float:
        """Share that is done by the end of period h at most."""
        return self._done(k, g, h)

    def _capacities(self) -> None:
        """Up to the end of each period, and from its begin on, no more is taken than there is."""
        a, borders = self.arrays, self.when.borders
        for row in range(a.room.shape[0]):
            takers = [
                (k, float(a.use_much[u]))
                for k in range(a.length.size)
                for u in range(a.use_at[k], a.use_at[k + 1])
                if a.use_of[u] == row
            ]
            usable = np.zeros(a.room.shape[1], dtype=bool)
            for k, _ in takers:
                for start, stop in _windows(a, k):
                    usable[start:stop] = True
            room = np.concatenate([[0.0], np.cumsum(np.where(usable, a.room[row], 0.0))])
            if not np.isfinite(room[-1]):
                continue
            for g in range(self.periods):
                until, since = self._areas(takers, g)
                self.add(until, high=float(room[borders[g + 1]]))
                self.add(since, high=float(room[-1] - room[borders[g]]))

    def _areas(self, takers: list[tuple[int, float]], g: int) -> tuple[dict[int, float], dict[int, float]]:
        """What tasks that share a capacity surely take up to the end of a period, and from its begin on."""
        until: dict[int, float] = {}
        since: dict[int, float] = {}
        for k, much in takers:
            length = int(self.arrays.length[k])
            for h, column in self.starts[k].items():
                over = min(length, int(self.when.borders[g + 1] - self.when.last[k, h]))
                if over > 0:
                    until[column] = much * over
                if h >= g:
                    since[column] = much * length
        return until, since

    def _sums(self, row: int, owner: Whole, much: Floats) -> list[int]:
        """Columns of what the tasks of a store or recorder have taken by the end of each period."""
        columns = self.new(self.periods, float(math.ceil(much[owner == row].sum())))
        tasks = [k for k in range(owner.size) if owner[k] == row and much[k] > 0]
        for h in range(self.periods):
            if self.exact:
                parts = self._part(tasks, much, partial(self._just_done, h))
                self.add({columns[h]: -1.0, **({columns[h - 1]: 1.0} if h else {}), **parts}, low=0.0, high=0.0)
                continue
            self.add(
                {columns[h]: 1.0, **self._part(tasks, -much, partial(self._surely_done, h))},
                low=0.0,
            )
            self.add({columns[h]: -1.0, **self._part(tasks, much, partial(self._perhaps_done, h))}, low=0.0)
            if h:
                self.add({columns[h]: 1.0, columns[h - 1]: -1.0}, low=0.0)
        return columns

    def _part(self, tasks: list[int], much: Floats, share: Callable[[int, int], float]) -> dict[int, float]:
        """What tasks that start in each period count, by column."""
        found = {column: share(k, g) * float(much[k]) for k in tasks for g, column in self.starts[k].items()}
        return {column: amount for column, amount in found.items() if amount}

    def _stores(self) -> None:
        """Levels of the stores at the end of each period."""
        a = self.arrays
        for row in range(a.full.size):
            unit = _unit(a.full[row], a.first[row], a.energy[a.store == row], a.charge[row], a.lowest[row])
            full, first, gained = a.full[row] / unit, a.first[row] / unit, np.cumsum(a.charge[row]) / unit
            top = math.ceil(first + np.maximum(a.charge[row], 0.0).sum() / unit)
            taken, lost = self._sums(row, a.store, a.energy / unit), self.new(self.periods, top)
            self._told.append(partial(self._store_levels, row, unit, taken, lost))
            for g in range(self.periods):
                end = -(-int(self.when.borders[g + 1]) // a.bin_slots)
                there, lowest = float(first + gained[end - 1]), float(a.lowest[row, end - 1] / unit)
                self.add({taken[g]: -1.0, lost[g]: -1.0}, low=lowest - there, high=float(full) - there)
                if g:
                    self.add({lost[g]: 1.0, lost[g - 1]: -1.0}, low=0.0)
                if self.exact and a.whole:
                    before = float(gained[g - 1]) if g else 0.0
                    self.add({taken[g]: -1.0, **({lost[g - 1]: -1.0} if g else {})}, low=lowest - first - before)

    def _recorders(self) -> None:
        """Levels of the recorders at the end of each period."""
        a = self.arrays
        for row in range(a.size.size):
            ours = a.recorder == row
            unit = _unit(a.size[row], a.filled[row], a.made[ours], a.sent[ours], a.kept[row])
            made, able = self._sums(row, a.recorder, a.made / unit), self._sums(row, a.recorder, a.sent / unit)
            come = np.cumsum(np.maximum(a.kept[row], 0.0)) / unit
            left = np.cumsum(np.maximum(-a.kept[row], 0.0)) / unit
            gone = self.new(self.periods, math.ceil(a.sent[ours].sum() / unit + left[-1]))
            self._told.append(partial(self._recorder_levels, row, unit, made, able, gone))
            left_before, size, filled = 0.0, float(a.size[row] / unit), float(a.filled[row] / unit)
            for g in range(self.periods):
                end = -(-int(self.when.borders[g + 1]) // a.bin_slots)
                there = filled + float(come[end - 1])
                self.add({made[g]: 1.0, gone[g]: -1.0}, low=-there, high=size - there)
                more = {gone[g]: 1.0, able[g]: -1.0}
                if g:
                    more |= {gone[g - 1]: -1.0, able[g - 1]: 1.0}
                    self.add({gone[g]: 1.0, gone[g - 1]: -1.0}, low=0.0)
                self.add(more, high=float(left[end - 1]) - left_before)
                if self.exact and a.whole and a.kept[row, g] >= 0:
                    self.add({made[g]: 1.0, **({gone[g - 1]: -1.0} if g else {})}, high=size - there)
                left_before = float(left[end - 1])

    def _booked(self, starts: Whole, owner: Whole, row: int, much: Floats) -> Floats:
        """What a plan takes, makes or sends in each interval of counting."""
        a = self.arrays
        found = np.zeros(-(-a.room.shape[1] // a.bin_slots))
        for k in np.flatnonzero((starts >= 0) & (owner == row) & (much > 0)):
            first, many = int(starts[k]) // a.bin_slots, 1 if a.whole else int(a.length[k])
            found[first : first + many] += much[k] / many
        return found

    def _ends(self) -> Whole:
        """The last interval of counting of each period."""
        return -(-self.when.borders[1:] // self.arrays.bin_slots) - 1

    def _store_levels(
        self, row: int, unit: float, taken: list[int], lost: list[int], starts: Whole
    ) -> dict[int, float]:
        """What is taken and lost by the end of each period under a plan."""
        a = self.arrays
        took = self._booked(starts, a.store, row, a.energy)
        level, waste = float(a.first[row]), np.zeros(took.size)
        for b in range(took.size):
            level += float(a.charge[row, b] - took[b])
            waste[b] = max(0.0, level - float(a.full[row]))
            level -= waste[b]
        found = dict(zip(taken, (np.cumsum(took) / unit)[self._ends()].tolist(), strict=True))
        return found | dict(zip(lost, (np.cumsum(waste) / unit)[self._ends()].tolist(), strict=True))

    def _recorder_levels(
        self, row: int, unit: float, made: list[int], able: list[int], gone: list[int], starts: Whole
    ) -> dict[int, float]:
        """What is made, could be sent and is sent by the end of each period under a plan."""
        a = self.arrays
        come = self._booked(starts, a.recorder, row, a.made)
        send = self._booked(starts, a.recorder, row, a.sent)
        fill, went = float(a.filled[row]), np.zeros(come.size)
        for b in range(come.size):
            fill += float(come[b] + max(0.0, a.kept[row, b]))
            went[b] = min(fill, float(send[b] - min(0.0, a.kept[row, b])))
            fill -= went[b]
        found: dict[int, float] = {}
        for columns, much in ((made, come), (able, send), (gone, went)):
            found |= dict(zip(columns, (np.cumsum(much) / unit)[self._ends()].tolist(), strict=True))
        return found

    def _shares(self, owed: bool) -> None:
        """What partners get."""
        a = self.arrays
        for p in range(a.least.size):
            row = {
                column: float(a.share[p, k])
                for k, columns in enumerate(self.starts)
                if a.share[p, k] > 0
                for column in columns.values()
            }
            if math.isfinite(a.most[p]):
                self.add(row, high=float(a.most[p]))
            if owed and a.least[p] > 0:
                self.add(row, low=float(a.least[p]) * (1.0 - 1e-9))


def _unit(much: float, *rows: float | Floats) -> float:
    """A unit in which all numbers are whole if there is one not too small, else a part of the first."""
    numbers = np.concatenate([np.ravel(row) for row in (much, *rows)])
    top = float(np.abs(numbers).max(initial=0.0))
    for power in range(12, -4, -1):
        parts = numbers / 10.0**power
        if top / 10.0**power > 1e6:
            break
        if np.abs(parts - np.round(parts)).max(initial=0.0) < 1e-9:
            return 10.0**power
    return max(float(much), top * 1e-3, 1e-9) / 1e5


def _of(at: Whole, rows: Whole, k: int) -> list[int]:
    """What stands in the rows of a task."""
    return [int(j) for j in rows[at[k] : at[k + 1]]]


def _windows(arrays: TaskArrays, k: int) -> list[tuple[int, int]]:
    """Windows of a task."""
    return [
        (int(arrays.window_from[w]), int(arrays.window_to[w]))
        for w in range(arrays.window_at[k], arrays.window_at[k + 1])
    ]
