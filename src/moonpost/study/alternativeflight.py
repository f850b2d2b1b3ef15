"""Rows of a comparison that rest on flights: velocity change, mass and launches."""

from __future__ import annotations

from collections.abc import Sequence

from moonpost.plan import Plan
from moonpost.study.alternativemodel import SharedLaunch, TradeRow, TradeValue
from moonpost.study.alternativeside import Side, compared

__all__ = ["flight_rows"]

_CARRIERS = ("lander", "vehicle", "ascender")
_TO_COME = ("planned", "proposed")


def flight_rows(sides: Sequence[Side], launches: Sequence[SharedLaunch]) -> tuple[TradeRow, ...]:
    """Velocity change and mass of the shared building launches, and the launches of the whole plan.

    Parameters
    ----------
    sides : sequence of Side
        The plans.
    launches : sequence of SharedLaunch
        What they share.

    Returns
    -------
    tuple of TradeRow
        Without velocity change and mass if no building launch is shared.
    """
    building = [row for row in launches if row.building]
    return (*_flight(building), *_mass(sides, building), *_launches(sides, launches))


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
