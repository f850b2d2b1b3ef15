"""Repairs of a changed plan: what it takes to bring after all what was lost, proved and built again."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from moonpost.campaign.changes import redated
from moonpost.campaign.demonstrations import DemonstrationStatus, demonstration_status, worse_shown
from moonpost.campaign.launches import LeftOut
from moonpost.campaign.loading import Cargo, Flight, Loading, load_flights
from moonpost.campaign.repairflights import CARRIERS, FlightOptions, Option, day_number
from moonpost.campaign.repairsteps import Repair, applied, date_steps, margined_kg, waited
from moonpost.campaign.science import orphaned
from moonpost.campaign.support import Standing, build_with_support
from moonpost.errors import InputError, ModelError
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["Lost", "Repair", "RepairChoice", "Repairs", "find_repairs", "late_elements", "lost_with"]

_DAY = dt.timedelta(days=1)
_AIMS: dict[str, Literal["cost", "earliest"]] = {"cheapest": "cost", "earliest": "earliest"}


@dataclass(frozen=True)
class RepairChoice:
    """One way to repair a plan, tried by building the plan again.

    Parameters
    ----------
    name : str
        ``cheapest``, ``earliest``, ``again`` (each cancelled mission flies again), ``without`` (what was cancelled
        is given up) or ``dates`` (later dates are all that it takes).
    steps : tuple of Repair
        What to do.
    launches : int
        Further launches.
    cost : float
        Of these, in `cost_unit`.
    cost_unit : str
        ``launches``, or ``cost of the plan`` where launchers have costs.
    added_kg : float
        Mass of what is carried anew, with margin, where known [kg].
    proved : bool or None
        Whether HiGHS proved that no choice among those looked at is better by its aim; None where there is
        nothing to choose.
    gap : float or None
        How far it may be from the best, over its value [1].
    repaired : bool
        Whether the plan, built again with all steps, has nothing left of what was broken.
    left : tuple of str
        What stays broken, as places in the plan.
    orphaned_objectives : tuple of str
        Objectives that stay without an instrument that they had before.
    late_demonstrations : tuple of str
        Demonstrations that come later for what needs them than before the change, or never. They do not count as
        broken: what relies on them flies with what is known.
    consents : tuple of str
        Owners and approvers of the missions and elements that its steps change: those whose consent it needs.
    done : str or None
        Day on which the last element of the repaired plan that was broken or late works, UTC; None if there is
        none.
    delay_days : float or None
        Largest delay of these elements against the plan as it was [d].
    """

    name: str
    steps: tuple[Repair, ...]
    launches: int
    cost: float
    cost_unit: str
    added_kg: float
    proved: bool | None
    gap: float | None
    repaired: bool
    left: tuple[str, ...]
    orphaned_objectives: tuple[str, ...]
    late_demonstrations: tuple[str, ...]
    consents: tuple[str, ...]
    done: str | None
    delay_days: float | None
    plan: Plan = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON, without the plan."""
        row = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "plan"}
        return {**row, "steps": [vars(step) for step in self.steps]}


@dataclass(frozen=True)
class Repairs:
    """Ways to repair a plan.

    Parameters
    ----------
    choices : tuple of RepairChoice
        The best first: those that repair all before the others, then by cost, then by delay.
    left_out : tuple of LeftOut
        Launchers, missions and elements that took no part in the choice, with the reason.
    """

    choices: tuple[RepairChoice, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Lost:
    """What a change takes away or makes late.

    Parameters
    ----------
    missions : tuple of str
        Cancelled missions.
    elements : tuple of str
        Elements that a repair has to bring.
    given_up : tuple of str
        Carriers of cancelled missions that nothing needs without their cargo.
    late : tuple of str
        Elements that come after the day on which they are needed.
    """

    missions: tuple[str, ...]
    elements: tuple[str, ...]
    given_up: tuple[str, ...]
    late: tuple[str, ...]


def late_elements(plan: Plan, standing: Standing) -> dict[str, float]:
    """Elements that arrive after the day by which the plan needs them, in the earliest case.

    Parameters
    ----------
    plan : Plan
        The plan.
    standing : Standing
        The plan as it is built.

    Returns
    -------
    dict of str to float
        Days late, by element [d].

    Examples
    --------
    >>> from moonpost.campaign.support import build_with_support
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> all(days > 0 for days in late_elements(plan, build_with_support(plan)).values())
    True
    """
    found = {}
    for step in standing.order.steps:
        needed = plan.element(step.element).needed
        if needed is not None and step.landing is not None:
            days = (_instant(step.landing) - when_bounds(needed)[1]) / _DAY
            if days > 0:
                found[step.element] = days
    return found


def lost_with(changed: Plan, before: Standing, after: Standing, cancelled: Collection[str]) -> Lost:
    """What a repair of a changed plan has to bring.

    Parameters
    ----------
    changed : Plan
        The plan after the change.
    before, after : Standing
        The plan as it is built before and after.
    cancelled : collection of str
        Missions that were cancelled.

    Returns
    -------
    Lost

    Examples
    --------
    >>> from moonpost.campaign import changed_plan
    >>> from moonpost.campaign.support import build_with_support
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> changed = changed_plan(plan, cancel=["ilrs-5"])
    >>> lost = lost_with(changed, build_with_support(plan), build_with_support(changed), ["ilrs-5"])
    >>> lost.elements, lost.given_up
    (('observatory',), ('ilrs-5',))
    """
    gone = [
        row for row in changed.elements if row.mission in cancelled and row.id in after.never() - before.never()
    ]
    wanted = _wanted(changed, {row.id for row in gone})
    late = late_elements(changed, after).keys() - late_elements(changed, before).keys()
    idle = tuple(row.id for row in gone if row.kind in CARRIERS and row.id not in wanted)
    return Lost(
        missions=tuple(cancelled),
        elements=tuple(row.id for row in gone if row.id not in idle),
        given_up=idle,
        late=tuple(row.id for row in changed.elements if row.id in late),
    )


def find_repairs(
    plan: Plan,
    changed: Plan,
    before: Standing,
    after: Standing,
    lost: Lost,
    *,
    costs: Mapping[str, float] | None = None,
    relaunch_days: float = 731.0,
    seconds: float = 20.0,
) -> Repairs:
    """Find ways to repair a changed plan, and try each by building the plan again.

    Parameters
    ----------
    plan, changed : Plan
        The plan before and after the change; neither is touched.
    before, after : Standing
        Both as they are built.
    lost : Lost
        What has to be brought, from `lost_with`.
    costs : mapping of str to float, optional
        Cost of a launch by launcher, before those of the plan.
    relaunch_days : float
        A further launch flies no earlier than so long after the first date of the first mission that it replaces
        [d]: an assumption.
    seconds : float
        Limit of each search.

    Returns
    -------
    Repairs
        Without choices if nothing is broken and no date has to move.

    Raises
    ------
    InputError
        If a number cannot be used.
    UnknownNameError
        If a cost names no launcher.

    Notes
    -----
    What was lost is cargo with the margin of its maturity (5, 10 or 20 %). It may ride on missions to come that
    end in the same place, have room for it by mass and volume and do not depend on what was cancelled, at no cost;
    or on further launches: the cancelled mission once more, or up to four of any launcher of known capacity by the
    way of the cancelled mission, as often as its rate allows. HiGHS finds the loading (`load_flights`). Costs are
    those of launches alone; where launchers have none, launches are counted. What waits for a cancelled mission
    then waits for those that bring its elements.

    Examples
    --------
    >>> from moonpost.campaign import changed_plan
    >>> from moonpost.campaign.support import build_with_support
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> changed = changed_plan(plan, cancel=["ilrs-5"])
    >>> before, after = build_with_support(plan), build_with_support(changed)
    >>> found = find_repairs(plan, changed, before, after, lost_with(changed, before, after, ["ilrs-5"]))
    >>> found.choices[0].repaired, found.choices[0].launches, found.choices[0].proved
    (True, 0, True)
    """
    if not (math.isfinite(relaunch_days) and 0 <= relaunch_days <= 20_000):
        raise InputError(f"{relaunch_days} is no time", where="relaunch_days", advice="give 0 to 20,000 days")
    options = FlightOptions(plan, changed, after, lost.missions, costs, relaunch_days)
    case = _Case(plan, changed, (before, after), lost, options)
    if not case.broken:
        only = case.choice("dates", {}, (), None)
        return Repairs((only,) if only.steps else (), ())
    choices = []
    if lost.elements or lost.late:
        for name, aim in _AIMS.items():
            found = case.loaded(aim, seconds)
            if found is not None:
                choices.append(case.choice(name, *_carriers(case, found), found))
    if lost.missions:
        choices.append(case.again())
    choices.append(case.choice("without", {}, (), None))
    return Repairs(_best_first(choices), tuple(options.left_out))


def _best_first(choices: Sequence[RepairChoice]) -> tuple[RepairChoice, ...]:
    """Without repetitions, the best first."""
    kept: list[RepairChoice] = []
    for choice in choices:
        if choice.steps and not any(other.steps == choice.steps for other in kept):
            kept.append(choice)
    return tuple(sorted(kept, key=lambda row: (not row.repaired, len(row.left), row.cost, row.delay_days or 0.0)))


class _Case:
    """One change, with the flights that could make it good."""

    def __init__(
        self,
        plan: Plan,
        changed: Plan,
        standings: tuple[Standing, Standing],
        lost: Lost,
        options: FlightOptions,
    ) -> None:
        self.plan, self.changed, self.lost = plan, changed, lost
        self.before, self.after = standings
        self.flights = options
        self.elements = [changed.element(name) for name in dict.fromkeys((*lost.elements, *lost.late))]
        homes: dict[str, list[Element]] = {}
        for element in self.elements:
            homes.setdefault(element.mission, []).append(element)
        self.options = options.of(homes)
        blocked = self.after.blocked().keys() - self.before.blocked().keys()
        self.broken = bool(blocked or self.after.never() - self.before.never() or lost.late)

    def loaded(self, aim: Literal["cost", "earliest"], seconds: float) -> Loading | None:
        """The best loading by an aim; without days of need if they cannot be kept."""
        flights: dict[str, Flight] = {}
        allowed: dict[str, frozenset[str]] = {}
        for element in self.elements:
            options = [row for row in self.options[element.mission] if self._suits(element, row)]
            allowed[element.id] = frozenset(row.flight.kind for row in options)
            flights |= {row.flight.id: row.flight for row in options}
        names = {element.id for element in self.elements}
        for keeps in (True, False):
            cargo = [_cargo(element, allowed[element.id], names, keeps) for element in self.elements]
            try:
                found = load_flights(cargo, list(flights.values()), aim=aim, seconds=seconds)
            except ModelError:
                return None
            if found is not None:
                return found
        for element in self.elements:
            if not allowed[element.id]:
                self.flights.left_out.append(LeftOut(element.id, "no launch can bring it"))
        return None

    def again(self) -> RepairChoice:
        """Each cancelled mission flies once more with all that it had."""
        carriers: dict[str, str] = {}
        new = []
        for name in self.lost.missions:
            if name in self.before.blocked():
                continue
            option = self.flights.again(self.plan.mission(name))
            new.append(option.mission)
            carriers |= {row.id: option.mission.id for row in self.changed.elements if row.mission == name}
        return self.choice("again", carriers, tuple(new), None)

    def choice(
        self, name: str, carriers: Mapping[str, str], new: tuple[Mission, ...], loading: Loading | None
    ) -> RepairChoice:
        """Apply carriers and new missions, build the plan again and judge it."""
        given_up = self.lost.elements if name == "without" else ()
        plan, steps = applied(self.changed, self.lost.missions, carriers, new, given_up=given_up)
        plan, moved = waited(plan, self.before.fallen)
        standing = build_with_support(plan)
        final = redated(plan, standing.order)
        steps = [*steps, *moved, *date_steps(standing)]
        left = self._left(final, standing, carriers)
        objectives = set(orphaned(plan, standing.never())) - set(orphaned(self.plan, self.before.never()))
        done, delay = self._done(standing)
        masses = [margined_kg(self.changed.element(row)) for row in carriers]
        return RepairChoice(
            name=name,
            steps=tuple(steps),
            launches=len(new),
            cost=math.fsum(self.flights.cost(row.launcher) for row in new),
            cost_unit="cost of the plan" if self.flights.priced else "launches",
            added_kg=math.fsum(mass for mass in masses if mass is not None),
            proved=None if loading is None else loading.optimal,
            gap=None if loading is None else loading.gap,
            repaired=not left and not objectives,
            left=left,
            orphaned_objectives=tuple(row.id for row in plan.objectives if row.id in objectives),
            late_demonstrations=tuple(row.demonstration for row in self._late(plan, standing)),
            consents=_consents(self.changed, final),
            done=done,
            delay_days=delay,
            plan=final,
        )

    def _left(self, plan: Plan, standing: Standing, carriers: Mapping[str, str]) -> tuple[str, ...]:
        """What worked before and still does not; cancelled missions and their empty carriers do not count."""
        blocked = standing.blocked().keys() - self.before.blocked().keys() - set(self.lost.missions)
        idle = {name for name in self.lost.given_up if name not in carriers}
        never = standing.never() - self.before.never() - idle
        late = late_elements(plan, standing).keys() - late_elements(self.plan, self.before).keys() - never
        return (
            *(f"missions[{row.id}]" for row in plan.missions if row.id in blocked),
            *(f"elements[{row.id}]" for row in plan.elements if row.id in never | late),
        )

    def _late(self, plan: Plan, standing: Standing) -> tuple[DemonstrationStatus, ...]:
        """Demonstrations that are later for what needs them than before the change."""
        return worse_shown(
            demonstration_status(self.plan, self.before.order), demonstration_status(plan, standing.order)
        )

    def _done(self, standing: Standing) -> tuple[str | None, float | None]:
        """When the last of what was broken or late works, and the largest delay."""
        hurt = (self.after.never() - self.before.never()) | set(self.lost.late)
        was = {step.element: step.ready for step in self.before.order.steps}
        ready = [(step.ready, was[step.element]) for step in standing.order.steps
                 if step.element in hurt and step.ready is not None]  # fmt: skip
        delays = [(_instant(new) - _instant(old)) / _DAY for new, old in ready if new and old]
        return max((new for new, _ in ready if new), default=None), max(delays, default=None)

    def _suits(self, element: Element, option: Option) -> bool:
        """Whether a flight may bring an element: with an unknown mass only its own mission, once more."""
        if option.flight.kind in (f"again {element.mission}", f"stay {element.mission}"):
            return True
        return margined_kg(element) is not None


def _carriers(case: _Case, loading: Loading) -> tuple[dict[str, str], tuple[Mission, ...]]:
    """Carrier of each element, and the missions that do not exist yet."""
    by_id = {row.flight.id: row for rows in case.options.values() for row in rows}
    carriers = {name: by_id[flight].mission.id for flight, brought in loading.flown.items() for name in brought}
    for flight in loading.flown:
        option = by_id[flight]
        own = [row.id for row in case.changed.elements if option.flight.kind == f"again {row.mission}"]
        carriers |= {name: option.mission.id for name in own if name in case.lost.given_up}
    return carriers, tuple(by_id[flight].mission for flight in loading.flown if by_id[flight].new)


def _consents(changed: Plan, final: Plan) -> tuple[str, ...]:
    """Owners and approvers of missions and elements in which two plans differ, in the order of the partners."""
    touched: set[str] = set()
    for table in ("missions", "elements"):
        before = {row.id: row for row in getattr(changed, table)}
        for row in getattr(final, table):
            if before.get(row.id) != row:
                touched |= {row.owner, *row.approvers}
    return tuple(row.id for row in final.partners if row.id in touched)


def _wanted(plan: Plan, among: Collection[str]) -> set[str]:
    """Elements that something in the plan needs."""
    named = {name for row in plan.elements for name in (*row.requires, row.powered_by) if name and name != row.id}
    named |= {row.element for row in plan.instruments}
    named |= {row.element for row in plan.activities}
    named |= {row.element for row in plan.demonstrations if row.element is not None}
    named |= {row.host for row in plan.calls if row.host is not None}
    named |= {name for link in plan.links for name in (link.sender, link.receiver)}
    return named & set(among)


def _cargo(element: Element, flights: frozenset[str], names: Collection[str], keeps: bool) -> Cargo:
    """An element as cargo."""
    needs = (*element.requires, *((element.powered_by,) if element.powered_by else ()))
    need = when_bounds(element.needed)[1] if element.needed is not None and keeps else None
    return Cargo(
        id=element.id,
        mass_kg=margined_kg(element) or 1.0,
        volume_m3=(element.volume_m3 or 0.0) * element.count,
        after=tuple(dict.fromkeys(name for name in needs if name in names and name != element.id)),
        need_day=math.inf if need is None else day_number(need),
        flights=flights,
    )


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.rstrip("Z"))
