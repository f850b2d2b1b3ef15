"""Kernels of the search for plans of tasks: what fits where, plans made in time order, and their improvement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.operations.taskmodel import TaskArrays

__all__ = ["TaskState", "forward_plan", "improve_plan", "near_plan", "new_state", "plan_score"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Dice = npt.NDArray[np.uint64]
_EPS = 1e-9


class TaskState(NamedTuple):
    """A plan in the making.

    Parameters
    ----------
    begin : ndarray of int, shape (n,)
        Starts, -1 for what is not in the plan [slot].
    used : ndarray, shape (r, slots)
        What is taken of each capacity.
    taken, level : ndarray, shape (stores, bins), (stores, bins + 1)
        Energy taken and levels [Wh].
    made, sent, fill : ndarray, shape (recorders, bins), fill (recorders, bins + 1)
        Data made, sent and levels [bit].
    got : ndarray, shape (shares,)
        What each share has.
    """

    begin: Whole
    used: Floats
    taken: Floats
    level: Floats
    made: Floats
    sent: Floats
    fill: Floats
    got: Floats


@njit(cache=True, nogil=True)
def new_state(a: TaskArrays) -> TaskState:
    """An empty plan."""
    stores, bins = a.charge.shape
    tapes, bins_d = a.kept.shape
    s = TaskState(
        np.full(a.length.size, -1, np.int64),
        np.zeros(a.room.shape),
        np.zeros((stores, bins)),
        np.zeros((stores, bins + 1)),
        np.zeros((tapes, bins_d)),
        np.zeros((tapes, bins_d)),
        np.zeros((tapes, bins_d + 1)),
        np.zeros(a.least.size),
    )
    for row in range(stores):
        s.level[row, 0] = a.first[row]
        _relevel(a, s, row, 0)
    for row in range(tapes):
        s.fill[row, 0] = a.filled[row]
        _refill(a, s, row, 0)
    return s


@njit(cache=True, nogil=True)
def _relevel(a: TaskArrays, s: TaskState, row: int, at: int) -> None:
    """Levels of a store from an interval on."""
    for b in range(at, a.charge.shape[1]):
        s.level[row, b + 1] = min(a.full[row], s.level[row, b] + a.charge[row, b] - s.taken[row, b])


@njit(cache=True, nogil=True)
def _refill(a: TaskArrays, s: TaskState, row: int, at: int) -> None:
    """Levels of a recorder from an interval on."""
    for b in range(at, a.kept.shape[1]):
        s.fill[row, b + 1] = max(0.0, s.fill[row, b] + a.kept[row, b] + s.made[row, b] - s.sent[row, b])


@njit(cache=True, nogil=True)
def book(a: TaskArrays, s: TaskState, k: int, at: int, sign: int) -> None:
    """Put a task into the plan, or with sign -1 take it out."""
    s.begin[k] = at if sign > 0 else -1
    for u in range(a.use_at[k], a.use_at[k + 1]):
        for t in range(at, at + a.length[k]):
            s.used[a.use_of[u], t] += sign * a.use_much[u]
    for p in range(a.least.size):
        s.got[p] += sign * a.share[p, k]
    first = at // a.bin_slots
    many = 1 if a.whole else a.length[k]
    row = a.store[k]
    if row >= 0 and a.energy[k] > 0:
        for b in range(first, first + many):
            s.taken[row, b] += sign * a.energy[k] / many
        _relevel(a, s, row, first)
    row = a.recorder[k]
    if row >= 0 and a.made[k] + a.sent[k] > 0:
        for b in range(first, first + many):
            s.made[row, b] += sign * a.made[k] / many
            s.sent[row, b] += sign * a.sent[k] / many
        _refill(a, s, row, first)


@njit(cache=True, nogil=True)
def _clear_from(a: TaskArrays, s: TaskState, k: int, at: int) -> int:
    """The start itself if capacities allow it, else the next that is not known to fail."""
    after = at
    for u in range(a.use_at[k], a.use_at[k + 1]):
        row, much = a.use_of[u], a.use_much[u]
        for t in range(at + a.length[k] - 1, after - 1, -1):
            if s.used[row, t] + much > a.room[row, t] + _EPS * (1.0 + much):
                after = t + 1
                break
    return after


@njit(cache=True, nogil=True)
def _energy_fits(a: TaskArrays, s: TaskState, k: int, at: int) -> bool:
    """Whether the store stays above its lowest levels."""
    row = a.store[k]
    if row < 0 or a.energy[k] <= 0:
        return True
    slack = _EPS * (1.0 + a.full[row])
    first, many = at // a.bin_slots, 1 if a.whole else a.length[k]
    level, each = s.level[row, first], a.energy[k] / many
    for b in range(first, a.charge.shape[1]):
        if b >= first + many and level >= s.level[row, b] - 1e-3 * slack:
            return True
        take = s.taken[row, b] + (each if b < first + many else 0.0)
        end = level - take + a.charge[row, b]
        if end < a.lowest[row, b] - slack or (a.whole and level - take < a.lowest[row, b] - slack):
            return False
        level = min(a.full[row], end)
    return True


@njit(cache=True, nogil=True)
def _data_fit(a: TaskArrays, s: TaskState, k: int, at: int) -> bool:
    """Whether the recorder has room."""
    row = a.recorder[k]
    if row < 0 or a.made[k] <= 0:
        return True
    most = a.size[row] * (1.0 + _EPS) + _EPS
    first, many = at // a.bin_slots, 1 if a.whole else a.length[k]
    fill = s.fill[row, first]
    for b in range(first, a.kept.shape[1]):
        inside = b < first + many
        if not inside and fill <= s.fill[row, b] + 1e-12 * a.size[row]:
            return True
        come = fill + a.kept[row, b] + s.made[row, b] + (a.made[k] / many if inside else 0.0)
        fill = max(0.0, come - s.sent[row, b] - (a.sent[k] / many if inside else 0.0))
        if (come if a.whole else fill) > most:
            return False
    return True


@njit(cache=True, nogil=True)
def _useful(a: TaskArrays, s: TaskState, k: int, at: int) -> float:
    """Share of what a task can send that is there to be sent."""
    row = a.recorder[k]
    if row < 0 or a.sent[k] <= 0:
        return 1.0
    b = at // a.bin_slots
    there = s.fill[row, b] + a.made[k] + (a.kept[row, b] + s.made[row, b] - s.sent[row, b] if a.whole else 0.0)
    return min(1.0, there / a.sent[k])


@njit(cache=True, nogil=True)
def _shares_allow(a: TaskArrays, s: TaskState, k: int) -> bool:
    """Whether no partner would get more than its most."""
    for p in range(a.least.size):
        if a.share[p, k] > 0 and s.got[p] + a.share[p, k] > a.most[p] * (1.0 + _EPS) + _EPS:
            return False
    return True


@njit(cache=True, nogil=True)
def _earliest(a: TaskArrays, s: TaskState, k: int, low: int, high: int, wanted: float) -> int:
    """First start that fits, or -1; sending waits until the wanted share of it is of use, if that comes."""
    best, best_share = -1, -1.0
    for w in range(a.window_at[k], a.window_at[k + 1]):
        at = max(low, a.window_from[w])
        last = min(high, a.window_to[w] - a.length[k])
        while at <= last:
            clear = _clear_from(a, s, k, at)
            if clear > at:
                at = clear
                continue
            if _energy_fits(a, s, k, at) and _data_fit(a, s, k, at):
                share = _useful(a, s, k, at)
                if share >= wanted:
                    return at
                if share > best_share:
                    best, best_share = at, share
            at = (at // a.bin_slots + 1) * a.bin_slots if a.whole else at + 1
    return best


@njit(cache=True, nogil=True)
def _low(a: TaskArrays, s: TaskState, k: int) -> int:
    """When all that come before have ended, or -1 if one is not in the plan."""
    low = 0
    for u in range(a.before_at[k], a.before_at[k + 1]):
        j = a.before[u]
        if s.begin[j] < 0:
            return -1
        low = max(low, s.begin[j] + a.length[j])
    return low


@njit(cache=True, nogil=True)
def _high(a: TaskArrays, s: TaskState, k: int) -> int:
    """Latest start that lets those behind it stay."""
    high = a.room.shape[1] if a.room.shape[0] > 0 else 1 << 40
    for u in range(a.behind_at[k], a.behind_at[k + 1]):
        j = a.behind[u]
        if s.begin[j] >= 0:
            high = min(high, s.begin[j] - a.length[k])
    return high


@njit(cache=True, nogil=True)
def _fill_in(a: TaskArrays, s: TaskState, order: Whole, allowed: Whole, wanted: float) -> None:
    """Put in what still fits, in the order given, until nothing more does."""
    again = True
    while again:
        again = False
        for i in range(order.size):
            k = order[i]
            if s.begin[k] >= 0 or allowed[k] == 0 or not _shares_allow(a, s, k):
                continue
            low = _low(a, s, k)
            if low < 0:
                continue
            at = _earliest(a, s, k, low, _high(a, s, k), wanted)
            if at >= 0:
                book(a, s, k, at, 1)
                again = True


@njit(cache=True, nogil=True)
def score(a: TaskArrays, s: TaskState) -> float:
    """Value, with what the plan owes as a heavy loss."""
    heavy = 10.0 * (1.0 + a.worth.sum())
    total = 0.0
    for k in range(a.length.size):
        if s.begin[k] >= 0:
            total += a.worth[k]
        elif a.must[k] > 0:
            total -= heavy
    for p in range(a.least.size):
        if s.got[p] < a.least[p] * (1.0 - _EPS) - _EPS:
            total -= heavy * (1.0 + (a.least[p] - s.got[p]) / max(a.least[p], _EPS))
    return total


@njit(cache=True, nogil=True)
def forward_plan(
    a: TaskArrays, order: Whole, allowed: Whole, fixed: Whole, latest: Floats, wanted: float, slots: int
) -> TaskState:
    """A plan made slot by slot: of what may start, the first in the order that fits; then what still fits."""
    s = new_state(a)
    _back_to(a, s, fixed)
    rest = order[(allowed[order] > 0) & (s.begin[order] < 0)]
    next_try = np.zeros(a.length.size, np.int64)
    for t in range(slots):
        placed = False
        for k in rest:
            if next_try[k] > t:
                continue
            next_try[k] = _when(a, s, k, t, latest[k], wanted)
            if next_try[k] == t:
                book(a, s, k, t, 1)
                placed = True
        if placed:
            rest = rest[s.begin[rest] < 0]
    _fill_in(a, s, order, allowed, 0.0)
    return s


@njit(cache=True, nogil=True)
def _when(a: TaskArrays, s: TaskState, k: int, t: int, latest: float, wanted: float) -> int:
    """The slot itself if a task can start in it, else the next in which to try."""
    low = _low(a, s, k)
    if low < 0 or low > t:
        return max(low, t + 1)
    inside = False
    after = 1 << 40
    for w in range(a.window_at[k], a.window_at[k + 1]):
        if a.window_from[w] <= t <= a.window_to[w] - a.length[k]:
            inside = True
            break
        if a.window_from[w] > t:
            after = min(after, a.window_from[w])
    if not inside:
        return after
    if t > _high(a, s, k) or not _shares_allow(a, s, k):
        return t + 1
    clear = _clear_from(a, s, k, t)
    if clear > t:
        return clear
    if t < latest and _useful(a, s, k, t) < wanted:
        return t + 1
    if not _data_fit(a, s, k, t) or not _energy_fits(a, s, k, t):
        return t + 1
    return t


@njit(cache=True, nogil=True)
def _drop(a: TaskArrays, s: TaskState, k: int, fixed: Whole) -> None:
    """Take out a task and all in the plan that come after it; fixed ones stay."""
    if s.begin[k] < 0 or fixed[k] >= 0:
        return
    book(a, s, k, s.begin[k], -1)
    for u in range(a.behind_at[k], a.behind_at[k + 1]):
        _drop(a, s, a.behind[u], fixed)


@njit(cache=True, nogil=True)
def _orphans(a: TaskArrays, s: TaskState, fixed: Whole) -> None:
    """Take out what comes after something that is not in the plan."""
    again = True
    while again:
        again = False
        for k in range(a.length.size):
            if s.begin[k] >= 0 and fixed[k] < 0 and _low(a, s, k) < 0:
                book(a, s, k, s.begin[k], -1)
                again = True


@njit(cache=True, nogil=True)
def _mend(a: TaskArrays, s: TaskState, fixed: Whole) -> bool:
    """Take out tasks that make data until no recorder runs over; False if fixed ones alone overfill it."""
    for row in range(a.size.size):
        b = 0
        while b < a.kept.shape[1]:
            come = s.fill[row, b] + a.kept[row, b] + s.made[row, b]
            if (come if a.whole else s.fill[row, b + 1]) <= a.size[row] * (1.0 + _EPS) + _EPS:
                b += 1
                continue
            last = -1
            for k in range(a.length.size):
                at = s.begin[k]
                ours = a.recorder[k] == row and a.made[k] > 0 and fixed[k] < 0 and 0 <= at < (b + 1) * a.bin_slots
                if ours and (last < 0 or at > s.begin[last]):
                    last = k
            if last < 0:
                return False
            _drop(a, s, last, fixed)
            b = 0
    return True


@njit(cache=True, nogil=True)
def _draw(dice: Dice) -> float:
    """A number from 0 to 1 by a generator of Marsaglia's xorshift kind."""
    x = dice[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    dice[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _tear(a: TaskArrays, s: TaskState, fixed: Whole, slots: int, loose: Whole, dice: Dice) -> None:
    """Take a part of the plan out: a stretch of time, one capacity in a longer stretch, or some by chance."""
    way = int(3 * _draw(dice))
    span = slots if way == 2 else int(slots * (0.03 + (0.12 if way == 0 else 0.5) * _draw(dice)))
    begin = int(_draw(dice) * max(1, slots - span + 1))
    row = int(_draw(dice) * max(1, a.room.shape[0]))
    part = 1.0 if way < 2 else 0.02 + 0.1 * _draw(dice)
    for k in range(a.length.size):
        loose[k] = 0
        if s.begin[k] < begin or s.begin[k] >= begin + span or fixed[k] >= 0 or _draw(dice) > part:
            continue
        ours = way != 1
        for u in range(a.use_at[k], a.use_at[k + 1]):
            ours = ours or a.use_of[u] == row
        if ours:
            loose[k] = 1
    for k in range(a.length.size):
        if loose[k] > 0:
            book(a, s, k, s.begin[k], -1)


@njit(cache=True, nogil=True)
def _back_to(a: TaskArrays, s: TaskState, starts: Whole) -> None:
    """Make the plan in the making another."""
    for k in range(starts.size):
        if s.begin[k] >= 0 and s.begin[k] != starts[k]:
            book(a, s, k, s.begin[k], -1)
    for k in range(starts.size):
        if s.begin[k] < 0 and starts[k] >= 0:
            book(a, s, k, starts[k], 1)


@njit(cache=True, nogil=True)
def improve_plan(
    a: TaskArrays, starts: Whole, fixed: Whole, key: Floats, rounds: int, seed: int, slots: int, noise: float
) -> tuple[Whole, float, Whole, float]:
    """Tear parts of a plan out and fill them again; the best plan, its score, the last plan and its score."""
    dice = np.array([np.uint64(seed) * np.uint64(2) + np.uint64(88172645463325253)], np.uint64)
    n = a.length.size
    s = new_state(a)
    _back_to(a, s, starts)
    now, best_score = s.begin.copy(), score(a, s)
    best, now_score = now.copy(), best_score
    loose, everything, rank = np.zeros(n, np.int64), np.ones(n, np.int64), np.zeros(n)
    scale = 1e-3 * (1.0 + a.worth.sum())
    for at in range(rounds):
        _tear(a, s, fixed, slots, loose, dice)
        _mend(a, s, fixed)
        for k in range(n):
            rank[k] = key[k] * (1.0 + noise * (_draw(dice) - 0.5))
        order = np.argsort(rank)
        _fill_in(a, s, order, everything, _draw(dice))
        _orphans(a, s, fixed)
        fine = _mend(a, s, fixed)
        got = score(a, s) if fine else -1e300
        if got >= now_score or _draw(dice) < np.exp((got - now_score) / (scale * (1.0 - at / rounds) + 1e-9)):
            now[:] = s.begin
            now_score = got
            if got > best_score:
                best[:] = now
                best_score = got
        else:
            _back_to(a, s, now)
    return best, best_score, now, now_score


@njit(cache=True, nogil=True)
def plan_score(a: TaskArrays, starts: Whole) -> float:
    """Score of a plan."""
    s = new_state(a)
    _back_to(a, s, starts)
    return score(a, s)


@njit(cache=True, nogil=True)
def near_plan(a: TaskArrays, starts: Whole, fixed: Whole) -> tuple[Whole, float]:
    """A plan that fits, near to one that may not, made in the order of its starts."""
    n = a.length.size
    s = new_state(a)
    _back_to(a, s, fixed)
    chosen = np.zeros(n, np.int64)
    for k in range(n):
        chosen[k] = 1 if starts[k] >= 0 else 0
    order = np.argsort(starts)
    for i in range(n):
        k = order[i]
        if chosen[k] == 0 or s.begin[k] >= 0 or not _shares_allow(a, s, k):
            continue
        low = _low(a, s, k)
        if low >= 0:
            at = _earliest(a, s, k, max(low, starts[k]), _high(a, s, k), 0.0)
            if at >= 0:
                book(a, s, k, at, 1)
    _fill_in(a, s, order, chosen, 0.0)
    _fill_in(a, s, order, np.ones(n, np.int64), 0.0)
    return s.begin, score(a, s)
