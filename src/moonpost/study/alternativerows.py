"""The rows of a comparison: each quantity of each plan with its range and what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from moonpost.plan import Plan
from moonpost.plan.base import when_bounds
from moonpost.power.loads import mode_in
from moonpost.study.alternativeflight import flight_rows
from moonpost.study.alternativemodel import SharedLaunch, TradeObjective, TradeRow, TradeValue
from moonpost.study.alternativeplace import place_rows
from moonpost.study.alternativeside import Side, compared, light

__all__ = ["all_rows"]


def all_rows(
    sides: Sequence[Side], launches: Sequence[SharedLaunch], objectives: Sequence[TradeObjective]
) -> tuple[TradeRow, ...]:
    """All rows but those of risk, topic by topic.

    Parameters
    ----------
    sides : sequence of Side
        The plans.
    launches : sequence of SharedLaunch
        What they share.
    objectives : sequence of TradeObjective
        What each serves.

    Returns
    -------
    tuple of TradeRow
    """
    return (
        *_science(sides, objectives),
        *place_rows(sides),
        *flight_rows(sides, launches),
        *_schedule(sides, launches),
    )


def _science(sides: Sequence[Side], objectives: Sequence[TradeObjective]) -> tuple[TradeRow, ...]:
    whole = len(objectives)
    shared, every = [], []
    for at, side in enumerate(sides):
        mine = [row.sides[at] for row in objectives]
        counted = sum(row.shared for row in mine)
        alone = sum(row.alone and row.shared for row in mine)
        shared.append(
            TradeValue(
                value=counted,
                low=alone,
                high=counted,
                text=f"of {whole} objectives of either plan",
                range_of="without and with the launches that are not shared",
                rests_on=f"objectives, instruments and build order of plan {side.study.plan.id}",
            )
        )
        served = [row for row in mine if row.instruments]
        every.append(
            TradeValue(
                value=len(served),
                low=sum(row.published for row in served),
                high=len(served),
                text=f"of {whole}, with all launches of the plan",
                range_of="what has published sources alone, and with this plan's own assumptions",
                rests_on=f"confidence A or B against C of the rows of plan {side.study.plan.id}",
            )
        )
    question = "Science objectives served"
    return (
        compared("objectives", "science", f"{question} by the shared building launches", "number", "more", shared),
        compared("objectives-whole-plan", "science", f"{question} by the whole plan", "number", "more", every),
        compared("data-made", "science", "Data made by the station's machines", "Gbit/d", "more", _made(sides)),
    )


def _made(sides: Sequence[Side]) -> list[TradeValue]:
    """Data that the machines make, with and without margins."""
    from moonpost.design.budgets import data_made_bit_day

    found = []
    for side in sides:
        plan, lit = side.study.plan, light(side)
        made = data_made_bit_day(plan, lit) / 1e9
        found.append(
            TradeValue(
                value=made,
                low=_bare_bit_day(plan, lit) / 1e9,
                high=made,
                text="with margins",
                range_of="without and with margins by maturity and system margin",
                rests_on=f"data rates of the modes of plan {plan.id}, estimates (C) unless sourced there",
            )
        )
    return found


def _bare_bit_day(plan: Plan, lit: float) -> float:
    """Data that the station's machines make in a day without any margin [bit/d]."""
    made = 0.0
    for element in plan.station_elements():
        for name, share in (("light", lit), ("dark", 1.0 - lit)):
            mode = mode_in(element, name)  # type: ignore[arg-type]
            made += share * element.count * (mode.data_bit_s if mode else 0.0)
    return 86400.0 * made


def _schedule(sides: Sequence[Side], launches: Sequence[SharedLaunch]) -> tuple[TradeRow, ...]:
    building = {row.mission for row in launches if row.building}
    first, complete = [], []
    for side in sides:
        plan = side.study.plan
        mine = {e.id for e in plan.station_elements() if not building or e.mission in building}
        steps = [row for row in side.order.steps if row.element in mine]
        ready = [(row.ready, row.ready_latest or row.ready) for row in steps if row.ready is not None]
        never = [row.element for row in steps if row.ready is None]
        powered = {e.id for e in plan.station_elements() if e.generators}
        sources = [pair for row, pair in zip(_works(steps), ready, strict=True) if row in powered]
        first.append(_dated(plan, sources, min, "the first source of the station works"))
        text = f"never: {', '.join(never)}" if never else f"{len(steps)} machines work"
        complete.append(_dated(plan, ready if not never else [], max, text))
    return (
        compared("first-power", "schedule", "First power of the station", "year", "less", first),
        compared("complete", "schedule", "All shared building launches at work", "year", "less", complete),
    )


def _works(steps: Sequence[Any]) -> list[str]:
    return [row.element for row in steps if row.ready is not None]


def _dated(plan: Plan, pairs: Sequence[tuple[Any, Any]], pick: Callable[..., Any], text: str) -> TradeValue:
    rests = (
        f"moonpost.campaign.build_order: dates of plan {plan.id}, 5 days of flight, 30 of commissioning, no steps"
    )
    if not pairs:
        return TradeValue(value=None, text=text, rests_on=rests)
    early, late = pick(pair[0] for pair in pairs), pick(pair[1] for pair in pairs)
    return TradeValue(
        value=_year(early),
        low=_year(early),
        high=_year(late),
        text=f"{early[:10]} to {late[:10]}, {text}",
        range_of="all dates at their earliest and at their latest",
        rests_on=rests,
    )


def _year(text: str) -> float:
    """A date as a year with decimals."""
    when = when_bounds(text)[0]
    start = dt.datetime(when.year, 1, 1)
    return when.year + (when - start) / (dt.datetime(when.year + 1, 1, 1) - start)
