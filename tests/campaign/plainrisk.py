"""A campaign with drawn luck in plain Python, one run at a time, straight from the rows of a plan.

Slow, and apart from the arrays and kernels of the program. It shares the luck, so it must come to the same dates.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskrecord import FIRST_FLIGHTS, LANDING_RECORD, ORBIT_RECORD, Record, record_of
from moonpost.campaign.riskruns import PART, luck_of
from moonpost.errors import ModelError
from moonpost.flight.missions import landed_mass_kg
from moonpost.plan import Plan
from moonpost.plan.base import when_bounds

MARGIN = {"flown": 0.05, "modified": 0.10, "new": 0.20}
NEVER = math.inf


def day_of(date: dt.datetime) -> float:
    return (date - dt.datetime(2000, 1, 1)).total_seconds() / 86400.0


def triangle(low: float, likely: float, high: float, u: float) -> float:
    if high <= low:
        return low
    if u * (high - low) < likely - low:
        return low + math.sqrt(u * (high - low) * (likely - low))
    return high - math.sqrt((1.0 - u) * (high - low) * (high - likely))


def exponential(mean: float, u: float) -> float:
    return -mean * math.log1p(-u)


class Mission:
    """One mission through one run."""

    def __init__(self, plan: Plan, row: Any, given: RiskAssumptions, luck: Any) -> None:
        self.row, self.luck, self.given, self.attempt = row, luck, given, 0
        self.to_come = row.status in ("planned", "proposed")
        self.way = "landing" if row.kind not in ("orbiter", "relay", "flyby") else "orbit"
        if row.transfer is not None:
            self.way = (
                "landing" if plan.row("transfers", row.transfer).destination in ("surface", "earth") else "orbit"
            )
        first, last = (day_of(date) for date in when_bounds(row.launch))
        low = high = given.transit_days
        if row.landing is not None:
            landing = [day_of(date) for date in when_bounds(row.landing)]
            low, high = landing[0] - first, landing[1] - last
        self.slip = given.slip_days if row.slip_days is None else row.slip_days
        self.ready = first + (last - first) * luck[0] + exponential(self.slip, luck[2])
        self.transit = low + (high - low) * luck[0]
        self.arrival = self.orbit = NEVER
        self.lost = not self.to_come and row.status != "flown"
        if row.status == "flown":
            self.arrival = self.orbit = first + low
        country = next((party.country for party in plan.partners if party.id == row.owner), None)
        lands = row.arrival_reliability or record_of(LANDING_RECORD, country).mean
        orbits = record_of(ORBIT_RECORD, country).mean
        self.chance = lands if self.way == "landing" else (row.arrival_reliability or orbits)
        self.chance_orbit = max(orbits, self.chance)

    @property
    def pending(self) -> bool:
        return self.to_come and not self.lost and self.arrival == NEVER


def launch_chance(plan: Plan, name: str | None) -> float:
    if name is None:
        return FIRST_FLIGHTS.mean
    given = plan.row("launchers", name).reliability
    if given is not None:
        return float(given)
    flown = sum(row.status == "flown" for row in plan.missions if row.launcher == name)
    return Record(flown, flown, "").mean if flown else FIRST_FLIGHTS.mean


def free_days(plan: Plan, given: RiskAssumptions, seed: int, part: int, k: int) -> dict[str | None, float]:
    """From when each launcher can fly."""
    found: dict[str | None, float] = {None: -math.inf}
    for row in plan.launchers:
        found[row.id] = -math.inf
        if row.available is not None:
            flown = any(m.status in ("flown", "lost") for m in plan.missions if m.launcher == row.id)
            mean = 0.0 if flown else given.launcher_slip_days
            luck = float(luck_of(seed, f"launcher:{row.id}", part, 1)[0, k])
            found[row.id] = day_of(when_bounds(row.available)[0]) + exponential(mean, luck)
    return found


def plain_run(
    plan: Plan, given: RiskAssumptions, reflights: int, seed: int, run: int
) -> tuple[dict[str, float], int]:
    """First day of work of each element, and the number of launches."""
    part, k = divmod(run, PART)
    rows = 2 + 4 * (reflights + 2)
    flights = {
        row.id: Mission(plan, row, given, luck_of(seed, f"mission:{row.id}", part, rows)[:, k].tolist())
        for row in plan.missions
    }
    free = free_days(plan, given, seed, part, k)
    launches = 0
    while True:
        for one in flights.values():
            missing = any(name not in flights or flights[name].lost for name in one.row.requires)
            one.lost = one.lost or (one.pending and missing)
        if any(one.pending and any(name not in flights or flights[name].lost for name in one.row.requires)
               for one in flights.values()):  # fmt: skip
            continue
        able = [
            one for one in flights.values()
            if one.pending and all(flights[name].arrival < NEVER for name in one.row.requires)
        ]  # fmt: skip
        if not able:
            break
        dated = [
            (max([one.ready, free[one.row.launcher], *(flights[name].arrival for name in one.row.requires)]), one)
            for one in able
        ]
        day, one = min(dated, key=lambda pair: (pair[0], pair[1].ready))
        launches += 1
        _fly(plan, one, day, given, reflights, free)
    elements, more = _works(plan, flights, given, reflights, seed, part, k)
    return elements, launches + more


def _fly(plan: Plan, one: Mission, day: float, given: RiskAssumptions, reflights: int, free: Any) -> None:
    _, launch, arrive, pause = one.luck[2 + 4 * one.attempt : 6 + 4 * one.attempt]
    name = one.row.launcher
    if launch < launch_chance(plan, name):
        pace = None if name is None else plan.row("launchers", name).per_year
        free[name] = max(free[name], day + (365.25 / pace if pace else 0.0))
        if arrive < one.chance_orbit:
            one.orbit = min(one.orbit, day + one.transit)
        if arrive < one.chance:
            one.arrival = day + one.transit
            return
    elif name is not None:
        free[name] = max(free[name], day + exponential(given.stand_down_days, pause))
    if one.attempt == reflights:
        one.lost = True
        return
    one.attempt += 1
    one.ready = day + given.reflight_days + exponential(one.slip, one.luck[2 + 4 * one.attempt])


def _capacity(plan: Plan, mission: Any, cargo: list[Any]) -> tuple[float, float, float] | None:
    if not cargo or any(row.best_mass_kg is None for row in cargo):
        return None
    if mission.landed_mass_kg is not None:
        return (mission.landed_mass_kg,) * 3
    try:
        found = landed_mass_kg(plan, mission)
    except ModelError:
        return None
    return found.arrival_low_kg or 0.0, found.arrival_kg, found.arrival_high_kg


def _arrivals(
    plan: Plan, flights: dict[str, Mission], given: RiskAssumptions, reflights: int, seed: int, part: int, k: int
) -> tuple[dict[str, float], int]:
    """Days on which the elements arrive, cargo that stays behind coming later or never."""
    days: dict[str, float] = {}
    launches = 0
    for one in flights.values():
        brought = [row for row in plan.elements if row.mission == one.row.id]
        aside = [row for row in brought if one.way == "landing" and row.kind in ("orbiter", "relay")]
        days |= {row.id: one.orbit for row in aside}
        cargo = [row for row in brought if row not in aside]
        room = math.inf
        limits = _capacity(plan, one.row, cargo) if one.to_come else None
        if limits is not None:
            room = triangle(*limits, float(luck_of(seed, f"way:{one.row.id}", part, 1)[0, k]))
        carriers = ("lander", "vehicle", "ascender")
        for row in sorted(
            cargo, key=lambda r: (r.kind not in carriers, r.priority, -(r.best_mass_kg or 0.0), r.id)
        ):
            best = row.best_mass_kg or 0.0
            low, likely, high = row.mass_low_kg, best, row.mass_high_kg
            if low is None:
                low, likely, high = best, best * (1 + MARGIN[row.maturity] / 2), best * (1 + MARGIN[row.maturity])
            needed = row.count * triangle(
                low, likely, high, float(luck_of(seed, f"element:{row.id}", part, 2)[0, k])
            )
            days[row.id] = one.arrival
            if limits is None or one.arrival == NEVER:
                continue
            if needed <= room:
                room -= needed
                continue
            room = -1.0 if row.kind in carriers else room
            launch, arrive = one.luck[-3:-1]
            good = reflights > 0 and launch < launch_chance(plan, one.row.launcher) and arrive < one.chance
            days[row.id] = one.arrival + given.reflight_days if good else NEVER
            launches += reflights > 0
    return days, launches


def _works(
    plan: Plan, flights: dict[str, Mission], given: RiskAssumptions, reflights: int, seed: int, part: int, k: int
) -> tuple[dict[str, float], int]:
    arrivals, launches = _arrivals(plan, flights, given, reflights, seed, part, k)
    elements = {row.id: row for row in plan.elements}
    ready: dict[str, float] = {}

    def works(name: str) -> float:
        if name not in ready:
            row = elements[name]
            needs = {*row.requires, *([row.powered_by] if row.powered_by not in (None, name) else [])}
            flown = row.mission in flights and flights[row.mission].row.status == "flown"
            days = [works(need) if need in elements else NEVER for need in needs]
            ready[name] = max([arrivals.get(name, NEVER), *days]) + (0.0 if flown else given.commissioning_days)
        return ready[name]

    return {name: works(name) for name in elements}, launches
