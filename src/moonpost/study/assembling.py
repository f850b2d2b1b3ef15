"""The build order in steps: landing after landing, in the light and contact of the site."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from moonpost.campaign.assembly import open_slots
from moonpost.campaign.assemblycheck import assembly_faults
from moonpost.campaign.assemblyenergy import EnergyCheck, Shortfall, assemble_with_energy
from moonpost.campaign.assemblyrecord import Assembled, AssemblyStep, Yard
from moonpost.campaign.build import BuildOrder, build_order
from moonpost.campaign.errands import Errand, Point, able_crews, needed_by
from moonpost.errors import DateError, InputError, ModelError
from moonpost.operations.placements import Setting
from moonpost.plan import Plan
from moonpost.plan.elements import Element

__all__ = ["Built", "Stage", "build_in_steps"]

Instant = np.datetime64
Told = Callable[[str, int, int], None]
Case = Literal["earliest", "latest"]
Sky = Callable[[str, Instant, float], Setting]

_FIRST_DAYS, _MOST_DAYS, _MOST_ENERGY_DAYS = 60.0, 480.0, 120.0
_FACT = ("flown", "lost", "cancelled")
_DAY = np.timedelta64(86_400_000, "ms")


@dataclass(frozen=True)
class Stage:
    """What is put to work after a landing.

    Parameters
    ----------
    mission : str
        The landing with which it can begin.
    site : str
        Where.
    elements : tuple of str
        What is put to work.
    start, stop : datetime64[ms]
        From the landing to when the last of them works, UTC.
    optimal : bool
        Whether no order of its errands ends earlier, robots resting as they do.
    lower_bound_h : float
        No such order takes less from the landing [h]; 0 if none is known.
    energy : EnergyCheck
        What the simulation of its steps shows.
    delays : tuple of Shortfall
        What was put off because the energy did not bear it.
    faults : tuple of str
        What a check that shares no code with the planning finds wrong: nothing.
    dark, silent : tuple of (datetime64[ms], datetime64[ms])
        When no Sun is in view from the lowest mast, and when there is no contact, to one slot, UTC.

    Examples
    --------
    >>> from moonpost.study.assembling import build_in_steps  # see there
    """

    mission: str
    site: str
    elements: tuple[str, ...]
    start: Instant
    stop: Instant
    optimal: bool
    lower_bound_h: float
    energy: EnergyCheck
    delays: tuple[Shortfall, ...]
    faults: tuple[str, ...]
    dark: tuple[tuple[Instant, Instant], ...] = ()
    silent: tuple[tuple[Instant, Instant], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The stage as plain values for JSON.

        Returns
        -------
        dict
        """
        return {
            "mission": self.mission,
            "site": self.site,
            "elements": list(self.elements),
            "start": _text(self.start),
            "stop": _text(self.stop),
            "optimal": self.optimal,
            "lower_bound_h": self.lower_bound_h,
            "lowest_charge": dict(self.energy.lowest),
            "unsimulated": list(self.energy.unsimulated),
            "residual_relative": self.energy.residual_relative,
            "delays": [
                {"step": row.step, "machine": row.machine, "start": _text(row.start), "stop": _text(row.stop),
                 "text": row.text}
                for row in self.delays
            ],
            "faults": list(self.faults),
            "dark": [{"start": _text(start), "stop": _text(stop)} for start, stop in self.dark],
            "silent": [{"start": _text(start), "stop": _text(stop)} for start, stop in self.silent],
        }  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A build order with its steps.

    Parameters
    ----------
    order : BuildOrder
        Dates of missions and elements, those of assembled ones from their steps.
    steps : tuple of AssemblyStep
        By start.
    stages : tuple of Stage
        By landing.
    refused : mapping of str to str
        Elements that cannot be put to work, with the reason.
    case : str
        Whether missions fly as early or as late as they may.
    statements : tuple of str
        What it takes for granted.

    Examples
    --------
    >>> from moonpost.study.assembling import build_in_steps  # see there
    """

    order: BuildOrder
    steps: tuple[AssemblyStep, ...] = ()
    stages: tuple[Stage, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    case: str = "earliest"
    statements: tuple[str, ...] = ()


def build_in_steps(
    plan: Plan | str | os.PathLike[str],
    *,
    steps: bool = True,
    case: str = "earliest",
    contact: str = "earth",
    transit_days: float = 5.0,
    commissioning_days: float = 30.0,
    slot_s: float = 3600.0,
    seconds: float = 2.0,
    workers: int = 1,
    seed: int = 1,
    sky: Sky | None = None,
    progress: Told | None = None,
) -> Built:
    """Plan how a station is built: every landing unloaded, driven, set up, connected and tried out.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    steps : bool, default True
        Whether assembly is planned in steps; else every element works after `commissioning_days`.
    case : {"earliest", "latest"}
        Landings as early or as late as the plan allows.
    contact : {"earth", "relay"}
        Contact by the plan's ground stations over the terrain, or at all times over relays.
    transit_days, commissioning_days : float
        As in `moonpost.campaign.build_order`: for what has no landing date, and for elements without
        `assembly` [d].
    slot_s : float, default 3600
        Grid of steps, and of Sun and light [s].
    seconds : float, default 2
        How long to search for each way to share the work of a landing, if the shortest is not proved before [s].
    workers : int, default 1
        Threads.
    seed : int, default 1
        Start of the random numbers.
    sky : callable, optional
        Light and contact by site, start and days [d]; computed from ephemerides and terrain if not given.
    progress : callable, optional
        Told before each landing: its mission, its number and how many there are.

    Returns
    -------
    Built

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError
        If the case, the contact or a duration cannot be used.
    ModelError
        If elements require each other in a circle.

    Notes
    -----
    Elements with `assembly` whose mission lands at a site to come are put to work in stages: each begins with a
    landing and takes everything that has landed, whose predecessors work or land with it, and for which there are
    robots. A robot finishes the errands of one stage before those of the next. Within a stage the last element
    works as early as can be, see `moonpost.campaign.assembly.assemble`; every step is simulated, see
    `moonpost.campaign.assemblyenergy`; an independent check goes over the result. Elements without `assembly`
    work after `commissioning_days`. What cannot be put to work within 480 days, or for want of energy within 120,
    is tried again after the next landing; in the end it is told with its reason, and so is what needs it.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs-orbit")
    >>> len(build_in_steps(plan).steps)
    0
    """
    from moonpost.study.run import planned_context

    if case not in ("earliest", "latest"):
        raise InputError(f"is {case!r}", where="case", advice="give earliest or latest")
    if contact not in ("earth", "relay"):
        raise InputError(f"is {contact!r}", where="contact", advice="give earth or relay")
    checked = planned_context(plan).plan
    if not 60.0 <= slot_s <= 7200.0:
        raise InputError(f"is {slot_s:g}", where="slot_s", advice="give 60 to 7200 s")
    days: dict[str, Any] = {"transit_days": transit_days, "commissioning_days": commissioning_days}
    look = sky or _computed_sky(checked, contact, slot_s)
    site = _Site(checked, cast(Case, case), look, {"seconds": seconds, "workers": workers, "seed": seed}, days)
    if steps:
        site.build(progress)
    return site.built(contact, slot_s)


def _computed_sky(plan: Plan, contact: str, slot_s: float) -> Sky:
    """Light and contact from ephemerides, terrain and the plan's ground stations."""
    from moonpost.study.scheduling import schedule_setting

    def look(site: str, start: Instant, days: float) -> Setting:
        begin = str(start.astype("datetime64[s]")) + "Z"
        if contact == "earth":
            return schedule_setting(plan, begin, days, site=site, slot_s=slot_s)
        none = np.empty((0, 2), dtype="datetime64[ms]")
        found = schedule_setting(plan, begin, days, site=site, slot_s=slot_s, contacts=none)
        return replace(found, contacts=None)

    return look


class _Site:
    """A station that grows landing by landing."""

    def __init__(self, plan: Plan, case: Case, sky: Sky, search: dict[str, Any], days: dict[str, Any]) -> None:
        self.plan, self.case, self.sky, self.search, self.days = plan, case, sky, search, days
        self.dates: dict[str, tuple[dt.datetime, dt.datetime] | str] = {}
        self.done: dict[str, Instant] = {}
        self.free: dict[str, Instant] = {}
        self.places: dict[str, Point] = {}
        self.steps: list[AssemblyStep] = []
        self.stages: list[Stage] = []
        self.refused: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self.tried: dict[str, int] = {}
        self.first = build_order(plan, **days)
        self.arrivals = self._arrivals()

    def _arrivals(self) -> dict[str, Instant]:
        """When missions to come land, in this case."""
        late = self.case == "latest"
        found: dict[str, Instant] = {}
        for row in self.first.missions:
            arrival = row.arrival_latest if late else row.arrival
            if arrival is not None and row.status not in _FACT:
                found[row.mission] = np.datetime64(arrival.rstrip("Z"), "ms")
        return found

    def pending(self) -> list[Element]:
        """Elements that have an assembly and land at a site of the plan."""
        return [
            element
            for element in self.plan.elements
            if element.assembly is not None
            and element.mission in self.arrivals
            and self.plan.mission(element.mission).site is not None
        ]

    def build(self, progress: Told | None) -> None:
        """Plan stage after stage."""
        waiting = self.pending()
        sites = sorted({str(self.plan.mission(element.mission).site) for element in waiting})
        landings = sorted(self.arrivals, key=lambda name: (self.arrivals[name], name)) if waiting else []
        for number, mission in enumerate(landings):
            if progress:
                progress(mission, number, len(landings))
            for site in sites:
                chosen = self._chosen(waiting, site, self.arrivals[mission])
                if any(self.tried.get(element.id) != len(self.done) for element in chosen):
                    self._stage(mission, site, chosen, self.arrivals[mission])
                waiting = [e for e in waiting if e.id not in self.done]
        self.refused = {e.id: self._reason(e, {row.id for row in waiting}) for e in waiting}
        self.dates.update(self.refused)

    def _chosen(self, waiting: list[Element], site: str, now: Instant) -> list[Element]:
        """What can be put to work at a site now: landed, with its predecessors and with robots."""
        ready = self._ready(waiting)
        landed = [e for e in waiting if self.arrivals[e.mission] <= now
                  and str(self.plan.mission(e.mission).site) == site]  # fmt: skip
        while True:
            names = {element.id for element in landed}
            kept = [
                element
                for element in landed
                if all(
                    name in names or (name in ready and self._arrived(name, now)) for name in needed_by(element)
                )
                and not self._unable(element, site, landed, now)
            ]
            if len(kept) == len(landed):
                return kept
            landed = kept

    def _arrived(self, name: str, now: Instant) -> bool:
        """Whether an element has arrived."""
        mission = self.plan.element(name).mission
        return mission not in self.arrivals or bool(self.arrivals[mission] <= now)

    def _robots(self, site: str, now: Instant) -> list[Element]:
        """Robots that work at a site, or will, and are not worn out."""
        order = {row.element: row for row in build_order(self.plan, **self.days).steps}
        found = []
        for element in self.plan.elements:
            here = str(self.plan.mission(element.mission).site) == site and element.kind != "lander"
            if element.robot is None or not here or order[element.id].never is not None:
                continue
            end = order[element.id].end
            worn = end is not None and np.datetime64(end.rstrip("Z"), "ms") <= now
            plain = element.assembly is None or element.mission not in self.arrivals
            if not worn and (element.id in self.done or (plain and self._arrived(element.id, now))):
                found.append(element)
        return found

    def _unable(self, element: Element, site: str, landed: list[Element], now: Instant) -> str:
        """Why no robots that are there, or land as well, can put an element to work."""
        others = [row for row in landed if row.robot is not None and row.kind != "lander" and row.id != element.id]
        return able_crews(element, [*self._robots(site, now), *others])[1]

    def _reason(self, element: Element, waiting: set[str]) -> str:
        """Why an element was never put to work."""
        if element.id in self.held:
            return self.held[element.id]
        lost = [name for name in needed_by(element) if name in waiting or not self._comes(name)]
        if lost:
            return f"requires {lost[0]}, which never works"
        site, last = str(self.plan.mission(element.mission).site), max(self.arrivals.values())
        return self._unable(element, site, [], last) or "what it requires is not put to work"

    def _comes(self, name: str) -> bool:
        return next((row.never is None for row in self.first.steps if row.element == name), False)

    def _ready(self, waiting: Sequence[Element]) -> dict[str, Instant]:
        """When elements work, those put to work so far included and those that wait for it left out."""
        order = build_order(self.plan, **self.days, assembled=self.dates, assembled_case=self.case)
        late = self.case == "latest"
        found: dict[str, Instant] = {}
        for row in order.steps:
            date = row.ready_latest if late else row.ready
            if date is not None:
                found[row.element] = np.datetime64(date.rstrip("Z"), "ms")
        for element in waiting:
            found.pop(element.id, None)
        return {**found, **self.done}

    def _stage(self, mission: str, site: str, chosen: list[Element], now: Instant) -> None:
        """Put some elements to work; what energy, light or contact do not allow waits for the next landing."""
        ready = self._ready([row for row in self.pending() if row.id not in self.done])
        while chosen:
            yard = Yard(
                landed={element.id: self.arrivals[element.mission] for element in chosen},
                ready=ready,
                robots=tuple(row.id for row in self._robots(site, now)),
                free=dict(self.free),
                places=dict(self.places),
            )
            try:
                self._accept(mission, site, yard, now)
                return
            except (ModelError, DateError) as error:
                bad = self._blamed(error, chosen)
                self.held.update(dict.fromkeys(bad, error.what))
                self.tried.update(dict.fromkeys(bad, len(self.done)))
                chosen = self._without(chosen, bad)

    def _blamed(self, error: ModelError | DateError, chosen: list[Element]) -> set[str]:
        """The element that an error is about; all if it is not told."""
        names = {element.id for element in chosen}
        told = {name for name in names if error.where.startswith(f"{name}.") or f"[{name}]" in error.where}
        return told or names

    def _without(self, chosen: list[Element], bad: set[str]) -> list[Element]:
        """Elements that do not need the bad ones."""
        gone = set(bad)
        while True:
            more = {e.id for e in chosen if e.id not in gone and gone & set(needed_by(e))}
            if not more:
                return [element for element in chosen if element.id not in gone]
            gone |= more

    def _accept(self, mission: str, site: str, yard: Yard, now: Instant) -> None:
        """Plan a stage in a period that is long enough, and keep it."""
        found, check, delays, setting = self._planned(site, yard, now)
        faults = assembly_faults(self.plan, yard, found.steps, setting)
        self.steps += found.steps
        self.done.update(found.ready)
        self.free.update(found.free)
        self.places.update(found.places)
        for name, date in found.ready.items():
            self.dates[name] = (_moment(found.begins[name]), _moment(date))
        stop = max(found.ready.values())
        least_h = found.least_slots * setting.slot_s / 3600.0
        self.stages.append(
            Stage(
                mission,
                site,
                tuple(yard.landed),
                now,
                stop,
                found.optimal,
                least_h,
                check,
                delays,
                tuple(faults),
                _spells(setting, _dark(setting), now, stop),
                _spells(setting, _silent(setting), now, stop),
            )
        )

    def _planned(
        self, site: str, yard: Yard, now: Instant
    ) -> tuple[Assembled, EnergyCheck, tuple[Shortfall, ...], Setting]:
        """Plan a stage, in ever longer periods until it fits."""
        busy = max([self.free[name] for name in yard.robots if name in self.free], default=now)
        begin = now.astype("datetime64[h]").astype("datetime64[ms]")
        longer = float(max(busy - now, np.timedelta64(0, "ms")) / _DAY)
        days = _FIRST_DAYS
        while True:
            setting = self.sky(site, begin, longer + days)
            try:
                return *assemble_with_energy(self.plan, yard, setting, **self.search), setting
            except ModelError as error:
                most = _MOST_ENERGY_DAYS if error.what.startswith("the energy of") else _MOST_DAYS
                if "finds no room" not in error.what or days >= most:
                    raise
                days = min(2.0 * days, most)

    def built(self, contact: str, slot_s: float) -> Built:
        """The order with all its dates."""
        order = build_order(self.plan, **self.days, assembled=self.dates, assembled_case=self.case)
        steps = tuple(sorted(self.steps, key=lambda step: (step.start, step.stop, step.id)))
        statements: list[str] = []
        if self.stages:
            other = "earliest" if self.case == "latest" else "latest"
            over = "the plan's ground stations" if contact == "earth" else "relays, at all times"
            statements = [
                f"Contact by {over}; work in whole slots of {slot_s / 3600.0:g} h.",
                "Ways at the station are straight, and robots come from the farthest place where they may be.",
                f"In the {other} case, assembly takes as long from when it can begin.",
            ]
            landers = {row.mission for row in self.plan.elements if row.kind == "lander" and row.position}
            far = [name for name in self.done if self.plan.element(name).mission not in landers]
            if far:
                statements.append(f"Its lander has no position, so no way from there counts: {', '.join(far)}.")
            missing = sorted({name for stage in self.stages for name in stage.energy.unsimulated})
            if missing:
                statements.append(f"No power of their own in the plan, so not simulated: {', '.join(missing)}.")
        return Built(order, steps, tuple(self.stages), dict(self.refused), self.case, tuple(statements))


def _dark(setting: Setting) -> npt.NDArray[np.bool_]:
    """Slots in which no Sun is in view from the lowest mast, at one end at least."""
    lit = np.asarray(setting.light_by_mast[min(setting.light_by_mast)]) > 0.0
    return np.asarray(~(lit[:-1] & lit[1:]))


def _silent(setting: Setting) -> npt.NDArray[np.bool_]:
    """Slots that do not lie within contact."""
    errand = Errand("", "", (), (), (), ("earth",), ())
    return ~open_slots(setting.plan, setting, errand)


def _spells(setting: Setting, flags: npt.NDArray[np.bool_], start: Instant, stop: Instant) -> tuple[Any, ...]:
    """Runs of slots as times, as far as they lie between two instants."""
    times = np.asarray(setting.sun.time).astype("datetime64[ms]")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    runs = [(max(times[a], start), min(times[b], stop)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return tuple((begin, end) for begin, end in runs if begin < end)


def _moment(instant: Instant) -> dt.datetime:
    """A date of the build order, which is in UTC without saying so, to the second."""
    return instant.astype("datetime64[s]").item()


def _text(instant: Instant) -> str:
    return str(instant.astype("datetime64[s]")) + "Z"
