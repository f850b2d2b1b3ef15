"""The same way with the same arrival, driven with fewer stops."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moonpost.terrain.traverserun import Run, Stop
    from moonpost.terrain.traversesky import Rules, Sky

__all__ = ["tidied"]

_SAME_S = 1e-3


def tidied(run: Run, stops: list[Stop]) -> list[Stop]:
    """Leave each cell as late as the arrival allows, if that makes fewer stops and breaks no limit.

    Parameters
    ----------
    run : Run
        The run that found the way.
    stops : list of Stop
        The way with the earliest departures.

    Returns
    -------
    list of Stop
        The same cells and arrival; the way as it was if the later departures would break a limit on charge or
        darkness, add shade, or save no stop.

    Notes
    -----
    The search drives on whenever it can, so where a shadow recedes it stops at its edge again and again. Going
    back from the goal, each leg is put as late as its cells are open.
    """
    if len(stops) < 2:
        return stops
    assert run.sky is not None
    rules, sky = run.rules(run.limits), run.fresh(run.limits)
    late = _latest(run, sky, rules, stops)
    if _waits(late) >= _waits(stops):
        return stops
    before, after = _shade_h(run, sky, rules, stops), _shade_h(run, sky, rules, late)
    return late if after <= 1.05 * before + 1.0 else stops


def _latest(run: Run, sky: Sky, rules: Rules, stops: list[Stop]) -> list[Stop]:
    """The way with the latest departures."""
    due = stops[-1].arrived_s
    out = [stops[-1]]
    for stop in reversed(stops[:-1]):
        span = float(run.ground.leg_s[stop.cell, stop.move])
        leaves = _last_start(run, sky, rules, stop, due - span, span)
        out[-1] = dataclasses.replace(out[-1], arrived_s=leaves + span)
        out.append(dataclasses.replace(stop, left_s=leaves))
        due = leaves
    out[-1] = dataclasses.replace(out[-1], arrived_s=stops[0].arrived_s)
    return out[::-1]


def _last_start(run: Run, sky: Sky, rules: Rules, stop: Stop, start: float, span: float) -> float:
    """Last time not after another at which a leg can begin; when it began, if there is none."""
    from moonpost.terrain.traversesearch import passable
    from moonpost.terrain.traversesky import is_open

    cols = run.ground.area.shape[1]
    while start > stop.left_s + _SAME_S:
        first, last = (
            math.floor((start + 1e-6) / rules.step_s),
            math.floor((start + span - 1e-6) / rules.step_s),
        )
        shut = [
            k
            for k in range(first, last + 1)
            if not (is_open(sky, rules, stop.cell, k) and passable(sky, rules, cols, stop.cell, stop.move, k, k))
        ]
        if not shut:
            return start
        start = shut[0] * rules.step_s - span
    return stop.left_s


def _waits(stops: list[Stop]) -> int:
    """How often the rover stops on the way."""
    return sum(stop.left_s > stop.arrived_s + _SAME_S for stop in stops)


def _shade_h(run: Run, sky: Sky, rules: Rules, stops: list[Stop]) -> float:
    """Hours in shade, infinite if a limit on charge or darkness is broken."""
    from moonpost.terrain.traversesky import drive, wait

    rules = rules._replace(shade_counts=True)
    charge, dark, shade = rules.battery_wh * run.limits.start_charge, 0.0, 0.0
    for stop, following in pairwise(stops):
        charge, dark, shade = wait(sky, rules, stop.cell, stop.arrived_s, stop.left_s, charge, dark, shade)
        if charge >= 0.0:
            span, energy = (float(part[stop.cell, stop.move]) for part in (run.ground.leg_s, run.ground.leg_wh))
            cells = (stop.cell, following.cell)
            charge, dark, shade = drive(sky, rules, cells, stop.left_s, span, energy, charge, dark, shade)
        if charge < 0.0:
            return math.inf
    return shade
