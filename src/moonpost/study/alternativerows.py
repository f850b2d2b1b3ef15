"""The rows of a comparison: each quantity of each plan with its range and what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from moonpost.campaign.build import BuildOrder
from moonpost.plan import Plan
from moonpost.plan.base import when_bounds
from moonpost.power.loads import mode_in
from moonpost.study.alternativemodel import SharedLaunch, TradeObjective, TradeRow, TradeValue
from moonpost.study.alternativesky import MASKS_DEG, SkyRange, array_mast_m
from moonpost.study.results import LightRow, StorageRow

if TYPE_CHECKING:
    from moonpost.comms import Contacts
    from moonpost.study.run import Study

__all__ = ["Side", "all_rows", "compared"]

_CARRIERS = ("lander", "vehicle", "ascender")
_TO_COME = ("planned", "proposed")
_MASKS = f"all masks at {MASKS_DEG[1]:g} and at {MASKS_DEG[0]:g} deg"


@dataclass(frozen=True)
class Side:
    """A plan's study with all that is computed on it for the comparison.

    Parameters
    ----------
    study : Study
        The study.
    sky : SkyRange
        Ranges of light, darkness and sight of the Earth.
    carried_w, carried_range_w, carried_worst : float, tuple, str
        Mean load that it carries, its range [W], and the assumption that lowers it most.
    contacts : tuple of Contacts
        Contact with the antennas of all plans, with their own, high and low masks; empty without antennas.
    order : BuildOrder
        Its build order.
    """

    study: Study
    sky: SkyRange
    carried_w: float | None
    carried_range_w: tuple[float, float] | None
    carried_worst: str
    contacts: tuple[Contacts, ...]
    order: BuildOrder


def compared(
    identifier: str,
    topic: Any,
    question: str,
    unit: str,
    better: Literal["more", "less", "neither"],
    values: Sequence[TradeValue],
) -> TradeRow:
    """Make a row and say which plan leads: the one whose whole range is better than all others'.

    Parameters
    ----------
    identifier, topic, question, unit : str
        Of the row.
    better : {"more", "less", "neither"}
        Which way is better.
    values : sequence of TradeValue
        One for each plan.

    Returns
    -------
    TradeRow

    Examples
    --------
    >>> sure = TradeValue(value=3.0, low=2.0, high=4.0, rests_on="example")
    >>> loose = TradeValue(value=5.0, low=3.0, high=9.0, rests_on="example")
    >>> row = compared("x", "mass", "Mass?", "t", "more", (sure, loose))
    >>> row.ahead, row.why
    (None, 'ranges overlap')
    """
    ahead, why = _ahead(better, values)
    return TradeRow(
        id=identifier,
        topic=topic,
        question=question,
        unit=unit,
        better=better,
        values=tuple(values),
        ahead=ahead,
        why=why,
    )


def _ahead(better: str, values: Sequence[TradeValue]) -> tuple[int | None, str]:
    if better == "neither":
        return None, "neither way is better"
    ranges = [_range(value) for value in values]
    known = [pair for pair in ranges if pair is not None]
    if len(known) < len(ranges):
        return None, "not known for all"
    if len(set(known)) == 1:
        return None, "the same"
    sign = 1.0 if better == "more" else -1.0
    spans = [tuple(sorted((sign * low, sign * high))) for low, high in known]
    for at, span in enumerate(spans):
        if all(span[0] > other[1] for k, other in enumerate(spans) if k != at):
            bare = any(value.low is None for value in values)
            return at, "by values, a range is not known for all" if bare else "ranges do not overlap"
    return None, "ranges overlap"


def _range(value: TradeValue) -> tuple[float, float] | None:
    if value.value is None:
        return None
    low = value.value if value.low is None else min(value.low, value.value)
    high = value.value if value.high is None else max(value.high, value.value)
    return low, high


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
        *_darkness(sides),
        *_energy(sides),
        *_contact(sides),
        *_flight([row for row in launches if row.building]),
        *_mass(sides, [row for row in launches if row.building]),
        *_launches(sides, launches),
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
        plan, light = side.study.plan, _light(side)
        made = data_made_bit_day(plan, light) / 1e9
        found.append(
            TradeValue(
                value=made,
                low=_bare_bit_day(plan, light) / 1e9,
                high=made,
                text="with margins",
                range_of="without and with margins by maturity and system margin",
                rests_on=f"data rates of the modes of plan {plan.id}, estimates (C) unless sourced there",
            )
        )
    return found


def _bare_bit_day(plan: Plan, light: float) -> float:
    """Data that the station's machines make in a day without any margin [bit/d]."""
    made = 0.0
    for element in plan.station_elements():
        for name, share in (("light", light), ("dark", 1.0 - light)):
            mode = mode_in(element, name)  # type: ignore[arg-type]
            made += share * element.count * (mode.data_bit_s if mode else 0.0)
    return 86400.0 * made


def _light(side: Side) -> float:
    """Average light where the arrays stand [1]."""
    site = side.study.record.site
    if site.orbit is not None:
        return site.orbit.average_illumination
    return _baseline(side).average_illumination


def _baseline(side: Side) -> LightRow:
    """The baseline site at the height of its arrays."""
    site, mast_m = side.study.record.site, array_mast_m(side.study.plan)
    rows = [row for row in site.rows if row.site == site.baseline]
    return min(rows, key=lambda row: abs(row.mast_m - mast_m))


def _where(side: Side) -> str:
    """What light at the station rests on."""
    site = side.study.record.site
    if site.orbit is not None:
        return f"JPL DE440; ellipse fixed in space, no terrain; orbit: {site.orbit.source}"
    row = _baseline(side)
    return f"JPL DE440; horizon from heights in cells of {row.resolution_m:.0f} m, grade {row.grade}"


def _value(
    side: Side, value: float | None, span: tuple[float, float] | None, text: str, scale: float = 1.0
) -> TradeValue:
    """A quantity of the sky with the range over terrain or nodes."""
    best = None if value is None else scale * value
    low, high = (None, None) if span is None else (scale * span[0], scale * span[1])
    if best is not None and low is not None and high is not None:
        low, high = min(low, best), max(high, best)
    covers = "" if span is None else side.sky.covers
    return TradeValue(value=best, low=low, high=high, text=text, range_of=covers, rests_on=_where(side))


def _darkness(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    dark, light = [], []
    for side in sides:
        orbit = side.study.record.site.orbit
        if orbit is not None:
            text = f"from {str(orbit.longest_dark_start_utc)[:10]}, no part of the Sun in view"
            dark.append(_value(side, orbit.longest_dark_h, side.sky.longest_dark_h, text))
        else:
            row = _baseline(side)
            text = f"at {row.mast_m:g} m, from {str(row.longest_dark_start_utc)[:10]}"
            dark.append(_value(side, 24.0 * row.longest_dark_d, side.sky.longest_dark_h, text))
        light.append(_value(side, _light(side), side.sky.average_light, "mean part of the Sun's disc", 100.0))
    return (
        compared("longest-darkness", "darkness", "Longest darkness", "h", "less", dark),
        compared("average-light", "darkness", "Average light", "%", "more", light),
    )


def _energy(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    need, load = [], []
    for side in sides:
        planned: StorageRow = side.study.record.design.storage[0]
        installed = f"{planned.installed_wh / 1e3:,.0f} kWh installed"
        text = installed if planned.sustainable else f"{installed}; the sources do not carry the load"
        required = planned.required_wh if planned.sustainable else None
        need.append(_value(side, required, side.sky.storage_wh, text, 1e-3))
        design = side.study.record.design
        span = side.carried_range_w
        load.append(
            TradeValue(
                value=None if side.carried_w is None else side.carried_w / 1e3,
                low=None if span is None else span[0] / 1e3,
                high=None if span is None else span[1] / 1e3,
                text=f"mean, margins included; {design.load_mean_w / 1e3:.1f} kW asked",
                range_of="single assumptions at their low and high values"
                + (f", worst: {side.carried_worst}" if side.carried_worst else ""),
                rests_on=f"sources, stores and design rules of plan {side.study.plan.id}; {_where(side)}",
            )
        )
    return (
        compared("storage", "energy", "Storage that the worst deficit asks for", "kWh", "less", need),
        compared("load-carried", "energy", "Load that sources and stores carry", "kW", "more", load),
    )


def _contact(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    seen, gap, hours, down = [], [], [], []
    for side in sides:
        orbit = side.study.record.site.orbit
        if orbit is not None:
            share, gap_h, text = orbit.earth_visible, orbit.longest_earth_outage_h, "any part of it"
        else:
            row = _baseline(side)
            share, gap_h, text = row.earth_visible, 24.0 * row.longest_earth_outage_d, f"at {row.mast_m:g} m"
        seen.append(_value(side, share, side.sky.earth_share, text, 100.0))
        gap.append(_value(side, gap_h, side.sky.earth_gap_h, "without a relay"))
        hours.append(_antennas(side))
        down.append(_downlink(side))
    return (
        compared("earth-in-view", "contact", "Earth in view", "% of time", "more", seen),
        compared("earth-gap", "contact", "Longest time without the Earth", "h", "less", gap),
        compared("antenna-contact", "contact", "Contact with the antennas of all plans", "h/d", "more", hours),
        compared("downlink", "contact", "Data that the direct link could bring down", "Gbit/d", "more", down),
    )


def _antennas(side: Side) -> TradeValue:
    """Contact with the antennas of all plans, at their masks and at others."""
    if not side.contacts:
        return TradeValue(value=None, text="no antenna in any plan", rests_on="ground_stations of the plans")
    own, low, high = side.contacts
    days = float((own.span[1] - own.span[0]) / np.timedelta64(1, "D"))
    return TradeValue(
        value=24.0 * own.share,
        low=24.0 * low.share,
        high=24.0 * high.share,
        text=f"longest gap {own.longest_gap_s / 3600.0:.0f} h in {days:.0f} days",
        range_of=_MASKS,
        rests_on=f"{_where(side)}; masks of the antennas, estimates (C)",
    )


def _downlink(side: Side) -> TradeValue:
    """What the best link from the station straight to an antenna brings down."""
    plan = side.study.plan
    mine = {row.id for row in plan.station_elements()}
    antennas = {row.id for row in plan.ground_stations}
    links = [row for row in plan.links if row.sender in mine and row.receiver in antennas]
    if not links or not side.contacts:
        return TradeValue(value=None, text="no link from the station to an antenna", rests_on="links of the plan")
    best = max(links, key=lambda row: row.rate_bit_s)
    own, low, high = (best.rate_bit_s * seen.share * 86400.0 / 1e9 for seen in side.contacts)
    return TradeValue(
        value=own,
        low=low,
        high=high,
        text=f"{best.rate_bit_s / 1e6:g} Mbit/s, {best.name}; relays not counted",
        range_of=_MASKS,
        rests_on=f"links[{best.id}] of plan {plan.id} (confidence {best.confidence}) in antenna contact",
    )


def _flight(building: Sequence[SharedLaunch]) -> tuple[TradeRow, ...]:
    if not building:
        return ()
    values = []
    for at in range(len(building[0].sides)):
        mine = [row.sides[at] for row in building]
        place = "to the ground" if mine[0].place == "surface" else "into its orbit"
        values.append(
            TradeValue(
                value=_mean([row.delta_v_m_s for row in mine]),
                low=_mean([row.delta_v_low_m_s for row in mine]),
                high=_mean([row.delta_v_high_m_s for row in mine]),
                text=f"after injection, {place}, {', '.join(sorted({str(row.transfer) for row in mine}))}",
                range_of="least and most in the literature that the plan cites",
                rests_on="delta_v and transfers of the plan, literature and estimates",
            )
        )
    return (compared("delta-v", "flight", "Velocity change of a building launch", "m/s", "less", values),)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _sum(values: Sequence[float | None], scale: float = 1.0) -> float | None:
    mean = _mean(values)
    return None if mean is None else mean * len(values) * scale


def _mass(sides: Sequence[Side], building: Sequence[SharedLaunch]) -> tuple[TradeRow, ...]:
    if not building:
        return ()
    names = {row.mission for row in building}
    sent_kg = sum(row.launch_mass_kg or 0.0 for row in building)
    arrives, machines, spare = [], [], []
    for at, side in enumerate(sides):
        mine = [row.sides[at] for row in building]
        place = "on the ground, landers included" if mine[0].place == "surface" else "in orbit"
        total = _sum([row.arrives_kg for row in mine], 1e-3)
        share = "" if total is None else f", {1e5 * total / sent_kg:.0f} % of {sent_kg / 1e3:,.1f} t sent"
        arrives.append(
            TradeValue(
                value=total,
                low=_sum([row.arrives_low_kg for row in mine], 1e-3),
                high=_sum([row.arrives_high_kg for row in mine], 1e-3),
                text=f"{place}{share}",
                range_of="most and least velocity change in the literature",
                rests_on="moonpost.flight.chain, rocket equation; launch masses assumed (C) unless published",
            )
        )
        machines.append(_machines(side.study.plan, names))
        margins = [(row.arrives_kg or 0.0) - row.elements_kg for row in mine]
        low = [None if row.arrives_low_kg is None else row.arrives_low_kg - row.elements_kg for row in mine]
        high = [None if row.arrives_high_kg is None else row.arrives_high_kg - row.elements_kg for row in mine]
        tight = building[margins.index(min(margins))].mission
        spare.append(
            TradeValue(
                value=_sum(margins, 1e-3),
                low=_sum(low, 1e-3),
                high=_sum(high, 1e-3),
                text=f"after margins by maturity; tightest {min(margins):+,.0f} kg on {tight}"
                + _unweighed(side.study.plan, names),
                range_of="most and least velocity change in the literature",
                rests_on="the same, and masses of the elements, mostly estimates (C)",
            )
        )
    many = f"{len(building)} shared building launches"
    return (
        compared("arriving-mass", "mass", f"Mass that {many} bring", "t", "more", arrives),
        compared("machine-mass", "mass", f"Machines that {many} bring, without landers", "t", "more", machines),
        compared("spare-mass", "mass", f"Mass to spare on {many}", "t", "more", spare),
    )


def _unweighed(plan: Plan, missions: set[str]) -> str:
    """Elements of some missions whose mass is not known, in words."""
    rows = [row.id for row in plan.elements if row.mission in missions and row.best_mass_kg is None]
    return f"; without a mass and left out: {', '.join(rows)}" if rows else ""


def _machines(plan: Plan, missions: set[str]) -> TradeValue:
    rows = [row for row in plan.elements if row.mission in missions and row.kind not in _CARRIERS]
    best = [None if row.best_mass_kg is None else row.count * row.best_mass_kg for row in rows]
    low = [row.count * (row.mass_low_kg or row.best_mass_kg or 0.0) for row in rows]
    high = [row.count * (row.mass_high_kg or row.best_mass_kg or 0.0) for row in rows]
    return TradeValue(
        value=_sum(best, 1e-3),
        low=sum(low) / 1e3,
        high=sum(high) / 1e3,
        text=f"{sum(row.count for row in rows)} machines",
        range_of="masses of the elements as the plan gives them",
        rests_on=f"elements of plan {plan.id}, mostly estimates (C)",
    )


def _launches(sides: Sequence[Side], launches: Sequence[SharedLaunch]) -> tuple[TradeRow, ...]:
    values = []
    for side in sides:
        plan = side.study.plan
        coming = [row for row in plan.missions if row.status in _TO_COME]
        unknown = [row.id for row in coming if row.launch_mass_kg is None]
        building = sum(row.building for row in launches)
        values.append(
            TradeValue(
                value=len(coming),
                text=f"{building} of them shared for building; {len(unknown)} without a known mass"
                + (f": {', '.join(unknown)}" if unknown else ""),
                rests_on=f"missions of plan {plan.id} that are planned or proposed",
            )
        )
    return (compared("launches", "launches", "Launches to come in the whole plan", "number", "neither", values),)


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
    rests = f"moonpost.campaign.build_order: dates of plan {plan.id}, 5 days of flight, 30 of commissioning, no steps"
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
