"""What each partner puts in and gets back: contributions, entitlements after barter, use, instruments and data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError
from moonpost.partners.dates import Day, instant
from moonpost.partners.releases import product_access
from moonpost.partners.rights import Rights, after_barter, rights
from moonpost.partners.usage import Use, UseRow, use_against_entitlement
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.operations.placements import Schedule

__all__ = ["RESOURCES", "PartnerBalance", "partner_balances", "schedule_use"]

RESOURCES = ("energy", "data", "time")
"""What entitlements are told for; each has its own barters."""


@dataclass(frozen=True)
class PartnerBalance:
    """What one partner puts in and gets back.

    Parameters
    ----------
    partner, name : str
        The partner.
    amounts : dict of str to float
        What it puts in on each basis of the rule.
    share, share_low, share_high : float
        Its entitlement by the rule, before barter, with bounds [1].
    entitled : dict of str to float
        Its entitlement to energy, data and time after barter [1].
    instruments : tuple of str
        Its instruments that have arrived by the day, or of the whole plan.
    objectives : tuple of str
        Objectives that these serve.
    products : tuple of str
        Data products that it may see on that day.
    gives, receives : tuple of str
        Barters of the day in words.
    """

    partner: str
    name: str
    amounts: dict[str, float]
    share: float
    share_low: float
    share_high: float
    entitled: dict[str, float]
    instruments: tuple[str, ...]
    objectives: tuple[str, ...]
    products: tuple[str, ...]
    gives: tuple[str, ...]
    receives: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def partner_balances(plan: Plan, at: Day = None) -> tuple[Rights, tuple[PartnerBalance, ...]]:
    """What each partner puts in and gets back on a day.

    Parameters
    ----------
    plan : Plan
        The plan.
    at : str, datetime.date, datetime.datetime or None
        Count only what is there on that day; None counts the whole plan, with the data to be seen at its end.

    Returns
    -------
    found : Rights
        Contributions and shares by the plan's rule.
    rows : tuple of PartnerBalance
        Largest share first; partners that neither give nor get anything are left out.

    Raises
    ------
    ModelError
        If nobody has put in anything that the rule weighs.
    InputError
        If a partner barters away more than it has.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> _, rows = partner_balances(load_plan("ilrs"), "2036")
    >>> round(sum(row.entitled["energy"] for row in rows), 12)
    1.0
    """
    found = rights(plan, at=at)
    tables = {resource: after_barter(found.shares, plan.barters, resource, at) for resource in RESOURCES}
    names = {row.id: row.name for row in plan.partners}
    arrived = _arrived(plan, at)
    day = at or _last_day(plan)
    rows = []
    for right in found.rows:
        owned = [row for row in plan.instruments if row.owner == right.partner and row.id in arrived]
        row = PartnerBalance(
            partner=right.partner,
            name=names.get(right.partner, right.partner),
            amounts=right.amounts,
            share=right.share,
            share_low=right.share_low,
            share_high=right.share_high,
            entitled={resource: table.get(right.partner, 0.0) for resource, table in tables.items()},
            instruments=tuple(item.id for item in owned),
            objectives=tuple(dict.fromkeys(name for item in owned for name in item.objectives)),
            products=tuple(
                item.id
                for item in plan.products
                if product_access(plan, item.id, right.partner, day).answer == "yes"
            ),
            gives=_barters(plan, at, giver=right.partner),
            receives=_barters(plan, at, receiver=right.partner),
        )
        if row.share or any(row.entitled.values()) or row.instruments or row.products:
            rows.append(row)
    return found, tuple(rows)


def schedule_use(plan: Plan, schedule: Schedule, resource: str = "energy") -> tuple[UseRow, ...]:
    """Use of the station by partner and lunar day of a schedule, against the entitlements of its first day.

    Parameters
    ----------
    plan : Plan
        The plan of the schedule.
    schedule : Schedule
        Placed activities.
    resource : {"energy", "data", "time"}
        Energy at the machines' terminals [Wh], data made [bit] or hours of machines [h].

    Returns
    -------
    tuple of UseRow

    Raises
    ------
    InputError
        If the schedule is of another plan, or there is no such resource.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.operations.placements import Schedule
    >>> from moonpost.plan import load_plan
    >>> day = np.datetime64("2038-01-01", "ms")
    >>> schedule_use(load_plan("ilrs"), Schedule("ilrs", "0", None, day, day + np.timedelta64(1, "D"), 900.0))
    ()
    """
    if resource not in RESOURCES:
        raise InputError(f"is {resource!r}", where="resource", advice=f"use one of {', '.join(RESOURCES)}")
    if schedule.plan_id != plan.id:
        raise InputError(f"is of the plan {schedule.plan_id}", where="schedule", advice=f"name one of {plan.id}")
    at = str(schedule.start.astype("datetime64[s]")) + "Z"
    table = after_barter(rights(plan, at=at).shares, plan.barters, resource, at)
    entitled = {partner: share for partner, share in table.items() if share > 0}
    return use_against_entitlement(_uses(plan, schedule, resource), entitled)


def _uses(plan: Plan, schedule: Schedule, resource: str) -> Iterable[Use]:
    """What was used, by partner and lunar day."""
    import numpy as np

    if not schedule.placements:
        return ()
    edges = _midnights(plan, schedule)
    starts = np.array([row.start for row in schedule.placements]).astype("datetime64[ms]")
    days = np.searchsorted(edges, starts, side="right") + 1
    amounts = {
        "energy": [row.energy_wh for row in schedule.placements],
        "data": [row.data_bit for row in schedule.placements],
        "time": [row.duration_s / 3600.0 for row in schedule.placements],
    }[resource]
    rows = zip(schedule.placements, days.tolist(), amounts, strict=True)
    return [Use(row.partner, day, float(amount)) for row, day, amount in rows]


def _midnights(plan: Plan, schedule: Schedule) -> Any:
    """Begins of lunar days within a schedule; every synodic month for a station in orbit."""
    import numpy as np

    from moonpost.study.run import planned_context

    if schedule.site is None:
        return np.arange(schedule.start, schedule.stop, np.timedelta64(2_551_442_890, "ms"))[1:]
    from moonpost.sky import Site
    from moonpost.sky.days import solar_midnights

    place = plan.site(schedule.site)
    almanac = planned_context(plan).almanac
    site = Site(place.latitude_deg, place.longitude_deg)
    return solar_midnights(almanac, site, schedule.start, schedule.stop)


def _arrived(plan: Plan, at: Day) -> set[str]:
    """Instruments that have surely arrived by a day, or that arrive at all."""
    limit = instant(at)
    missions = {row.id: row for row in plan.missions}
    elements = {row.id: missions.get(row.mission) for row in plan.elements}
    found = set()
    for instrument in plan.instruments:
        mission = elements.get(instrument.element)
        if mission is None or mission.status in ("lost", "cancelled"):
            continue
        if limit is None or when_bounds(mission.landing or mission.launch)[1] <= limit:
            found.add(instrument.id)
    return found


def _last_day(plan: Plan) -> str:
    """The last day of the plan's missions."""
    return (
        max((when_bounds(row.launch)[1] for row in plan.missions), default=when_bounds("2036")[1])
        .date()
        .isoformat()
    )


def _barters(plan: Plan, at: Day, *, giver: str = "", receiver: str = "") -> tuple[str, ...]:
    """Barters of a day in words, of one side."""
    limit = instant(at)
    words: Sequence[str] = [
        f"{100 * row.share:g} % of {row.resource} to {row.receiver} for {row.back}"
        if giver
        else f"{100 * row.share:g} % of {row.resource} from {row.giver} for {row.back}"
        for row in plan.barters
        if (row.giver == giver or row.receiver == receiver)
        and (limit is None or when_bounds(row.start)[0] <= limit)
        and (limit is None or row.end is None or when_bounds(row.end)[1] >= limit)
    ]
    return tuple(words)
