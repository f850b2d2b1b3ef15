"""Kernels of project schedules: serial generation, justification, and a steady-state genetic search.

Activities are numbered in an order in which each comes after those that it waits for. Times are whole units.

Calendars come as one tuple, see `moonpost.operations.projectclocks`: for each activity the calendar that it keeps
(-1: none) and whether it may pause; for each calendar the open units before a time, the open units themselves, and
the begin and end of the run of open units that holds each. The tuple's first array is empty where there are none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["ended", "evolve", "generate", "generate_within", "justify", "justify_within", "opened"]

_MUTATION = 0.05
_RESTART_AFTER = 4000


@njit(cache=True, nogil=True)
def generate(
    order: Any, durations: Any, demands: Any, capacities: Any, first: Any, waits: Any, free: Any, starts: Any
) -> int:
    """Start activities in turn as early as those before them and the capacities allow; the makespan."""
    resources, makespan = capacities.size, 0
    free[:, :] = capacities
    for place in range(order.size):
        job = order[place]
        length, at = durations[job], 0
        for k in range(first[job], first[job + 1]):
            at = max(at, starts[waits[k]] + durations[waits[k]])
        now = at + length - 1
        while now >= at:
            fits = True
            for q in range(resources):
                if free[now, q] < demands[job, q]:
                    fits = False
                    break
            if fits:
                now -= 1
            else:
                at = now + 1
                now = at + length - 1
        starts[job] = at
        for now in range(at, at + length):
            for q in range(resources):
                free[now, q] -= demands[job, q]
        makespan = max(makespan, at + length)
    return makespan


@njit(cache=True, nogil=True)
def _by(keys: Any, bound: int, counts: Any, order: Any) -> None:
    """Numbers of activities in the order of their keys, the lower number first where they are equal."""
    counts[: bound + 2] = 0
    for job in range(keys.size):
        counts[keys[job] + 1] += 1
    for key in range(bound + 1):
        counts[key + 1] += counts[key]
    for job in range(keys.size):
        order[counts[keys[job]]] = job
        counts[keys[job]] += 1


@njit(cache=True, nogil=True)
def justify(
    starts: Any, makespan: int, durations: Any, demands: Any, capacities: Any, before: Any, after: Any, work: Any
) -> int:
    """Push all activities to the right in the order of their ends, then back to the left; the new makespan.

    Valls, Ballestin and Quintanilla (2005), doi:10.1016/j.ejor.2004.04.008.
    """
    free, keys, counts, order, turned = work
    count = starts.size
    for job in range(count):
        keys[count - 1 - job] = makespan - starts[job] - durations[job]
    _by(keys, makespan, counts, order)
    for place in range(count):
        order[place] = count - 1 - order[place]
    far = generate(order, durations, demands, capacities, after[0], after[1], free, turned)
    for job in range(count):
        keys[job] = far - turned[job] - durations[job]
    _by(keys, far, counts, order)
    return generate(order, durations, demands, capacities, before[0], before[1], free, starts)


@njit(cache=True, nogil=True)
def opened(job: int, at: int, length: int, clock: Any) -> int:
    """First start from a time on at which an activity finds its calendar open."""
    kept, pauses, done, units, _, stops = clock
    row = kept[job]
    if row < 0 or length == 0:
        return at
    at = units[row, done[row, at]]
    while not pauses[job] and stops[row, at] - at < length:
        at = units[row, done[row, stops[row, at]]]
    return at


@njit(cache=True, nogil=True)
def ended(job: int, at: int, length: int, clock: Any) -> int:
    """When an activity ends that starts at a time at which it can."""
    kept, pauses, done, units, _, _ = clock
    row = kept[job]
    if row < 0 or length == 0 or not pauses[job]:
        return at + length
    return int(units[row, done[row, at] + length - 1] + 1)


@njit(cache=True, nogil=True)
def _begun(job: int, end: int, length: int, clock: Any, span: Any) -> None:
    """Latest start and end up to a time."""
    kept, pauses, done, units, firsts, _ = clock
    row = kept[job]
    if row < 0 or length == 0:
        span[0], span[1] = end - length, end
        return
    last = done[row, end] - 1
    if pauses[job]:
        span[0], span[1] = units[row, last - length + 1], units[row, last] + 1
        return
    while units[row, last] + 1 - firsts[row, units[row, last]] < length:
        last = done[row, firsts[row, units[row, last]]] - 1
    span[0], span[1] = units[row, last] + 1 - length, units[row, last] + 1


@njit(cache=True, nogil=True)
def _blocked(job: int, at: int, end: int, demands: Any, free: Any, forward: bool) -> int:
    """The last unit of a span, or the first going backward, in which a capacity lacks; -1 if there is none."""
    for step in range(end - at):
        now = end - 1 - step if forward else at + step
        for q in range(demands.shape[1]):
            if free[now, q] < demands[job, q]:
                return now
    return -1


@njit(cache=True, nogil=True)
def generate_within(
    order: Any, durations: Any, demands: Any, capacities: Any, waits: Any, free: Any, starts: Any, clock: Any
) -> int:
    """Start activities in turn as early as those before them, capacities and calendars allow; the makespan."""
    makespan = 0
    free[:, :] = capacities
    for place in range(order.size):
        job = order[place]
        length, at = durations[job], 0
        for k in range(waits[0][job], waits[0][job + 1]):
            other = waits[1][k]
            at = max(at, ended(other, starts[other], durations[other], clock))
        at = opened(job, at, length, clock)
        end = ended(job, at, length, clock)
        blocked = _blocked(job, at, end, demands, free, True)
        while blocked >= 0:
            at = opened(job, blocked + 1, length, clock)
            end = ended(job, at, length, clock)
            blocked = _blocked(job, at, end, demands, free, True)
        starts[job] = at
        for now in range(at, end):
            for q in range(demands.shape[1]):
                free[now, q] -= demands[job, q]
        makespan = max(makespan, end)
    return makespan


@njit(cache=True, nogil=True)
def justify_within(
    starts: Any,
    makespan: int,
    durations: Any,
    demands: Any,
    capacities: Any,
    before: Any,
    after: Any,
    work: Any,
    clock: Any,
) -> int:
    """As `justify`, with calendars: to the right within the makespan, and back to the left."""
    free, keys, counts, order, turned = work
    count, span = starts.size, np.empty(2, np.int64)
    for job in range(count):
        keys[job] = ended(job, starts[job], durations[job], clock)
    _by(keys, makespan, counts, order)
    free[:, :] = capacities
    for place in range(count - 1, -1, -1):
        job = order[place]
        end = makespan
        for k in range(after[0][job], after[0][job + 1]):
            end = min(end, turned[after[1][k]])
        _begun(job, end, durations[job], clock, span)
        blocked = _blocked(job, span[0], span[1], demands, free, False)
        while blocked >= 0:
            _begun(job, blocked, durations[job], clock, span)
            blocked = _blocked(job, span[0], span[1], demands, free, False)
        turned[job] = span[0]
        for now in range(span[0], span[1]):
            for q in range(demands.shape[1]):
                free[now, q] -= demands[job, q]
    for job in range(count):
        keys[job] = turned[job]
    _by(keys, makespan, counts, order)
    return generate_within(order, durations, demands, capacities, before, free, starts, clock)


@njit(cache=True, nogil=True)
def _random(state: Any) -> float:
    """A number from 0 to 1 of the generator xorshift64*."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _sampled(tails: Any, before: Any, bias: float, seed: Any, left: Any, ready: Any, order: Any) -> None:
    """A random order in which activities with much behind them come early."""
    count, waiting = order.size, 0
    for job in range(count):
        left[job] = before[0][job + 1] - before[0][job]
        if left[job] == 0:
            ready[waiting] = job
            waiting += 1
    for place in range(count):
        chosen, best = 0, -1.0
        for k in range(waiting):
            score = (tails[ready[k]] + 1.0) * (1.0 - bias * _random(seed))
            if score > best:
                chosen, best = k, score
        job = ready[chosen]
        waiting -= 1
        ready[chosen] = ready[waiting]
        order[place] = job
        for k in range(before[2][job], before[2][job + 1]):
            follower = before[3][k]
            left[follower] -= 1
            if left[follower] == 0:
                ready[waiting] = follower
                waiting += 1


@njit(cache=True, nogil=True)
def _cross(one: Any, two: Any, low: int, high: int, taken: Any, order: Any) -> None:
    """The first parent's order outside two places, the second's between them."""
    count, put = one.size, 0
    taken[:] = False
    for k in range(low):
        order[put] = one[k]
        taken[one[k]] = True
        put += 1
    for k in range(count):
        if put == high:
            break
        if not taken[two[k]]:
            order[put] = two[k]
            taken[two[k]] = True
            put += 1
    for k in range(count):
        if not taken[one[k]]:
            order[put] = one[k]
            put += 1


@njit(cache=True, nogil=True)
def _mutate(order: Any, links: Any, seed: Any) -> None:
    """Exchange neighbours that do not wait for each other."""
    for k in range(order.size - 1):
        if _random(seed) < _MUTATION and not links[order[k], order[k + 1]]:
            order[k], order[k + 1] = order[k + 1], order[k]


@njit(cache=True, nogil=True)
def evolve(
    rounds: int,
    orders: Any,
    spans: Any,
    best: Any,
    marks: Any,
    seed: Any,
    goal: int,
    durations: Any,
    demands: Any,
    capacities: Any,
    before: Any,
    after: Any,
    links: Any,
    tails: Any,
    work: Any,
    clock: Any,
) -> int:
    """Some rounds of the search; the best makespan.

    `orders` (members, activities) and `spans` are the population, `best` the starts of the best plan so far,
    `marks` the members made, the best makespan and the rounds since the population last improved.
    """
    free, keys, counts, order, _ = work
    members, count = orders.shape
    starts, left, ready = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    taken = np.empty(count, np.bool_)
    for _ in range(rounds):
        if marks[0] < members:
            _sampled(tails, before, 0.3 + 0.7 * _random(seed), seed, left, ready, order)
        else:
            one, two = _pick(spans, seed), _pick(spans, seed)
            low = int(_random(seed) * count)
            high = low + 1 + int(_random(seed) * (count - low))
            _cross(orders[one], orders[two], low, high, taken, order)
            _mutate(order, links, seed)
        if clock[0].size:
            span = generate_within(order, durations, demands, capacities, before, free, starts, clock)
            again = justify_within(starts, span, durations, demands, capacities, before, after, work, clock)
            while again < span:
                span = again
                again = justify_within(starts, span, durations, demands, capacities, before, after, work, clock)
        else:
            span = generate(order, durations, demands, capacities, before[0], before[1], free, starts)
            again = justify(starts, span, durations, demands, capacities, before, after, work)
            while again < span:
                span = again
                again = justify(starts, span, durations, demands, capacities, before, after, work)
        span = again
        for job in range(count):
            keys[job] = starts[job]
        _by(keys, span, counts, order)
        _keep(orders, spans, order, span, marks, seed)
        if span < marks[1]:
            marks[1], marks[2] = span, 0
            best[:] = starts
        if marks[1] <= goal:
            break
        if marks[2] > _RESTART_AFTER:
            marks[0], marks[2] = 0, 0
    return marks[1]


@njit(cache=True, nogil=True)
def _pick(spans: Any, seed: Any) -> int:
    """The better of two members."""
    one, two = int(_random(seed) * spans.size), int(_random(seed) * spans.size)
    return one if spans[one] <= spans[two] else two


@njit(cache=True, nogil=True)
def _keep(orders: Any, spans: Any, order: Any, span: int, marks: Any, seed: Any) -> None:
    """Put a plan into the population, in place of the worst of three, unless it is there or worse."""
    marks[2] += 1
    if marks[0] < spans.size:
        orders[marks[0]], spans[marks[0]] = order, span
        marks[0] += 1
        return
    for member in range(spans.size):
        if spans[member] == span and (orders[member] == order).all():
            return
    worst = int(_random(seed) * spans.size)
    for _ in range(2):
        member = int(_random(seed) * spans.size)
        if spans[member] > spans[worst]:
            worst = member
    if span <= spans[worst]:
        if span < spans[worst]:
            marks[2] = max(0, marks[2] - 50)
        orders[worst], spans[worst] = order, span
