"""Whether the energy bears the steps of an assembly: each is simulated on the buses of robots and station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.assembly import assemble
from moonpost.campaign.assemblyrecord import Assembled, AssemblyStep, Yard
from moonpost.errors import ModelError
from moonpost.operations.buses import groups_at
from moonpost.operations.placements import Setting
from moonpost.operations.simulation import light_heights_m, simulate
from moonpost.operations.station import Run
from moonpost.plan.elements import Element
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["EnergyCheck", "Shortfall", "assemble_with_energy", "check_energy", "staged_plan"]

Flags = npt.NDArray[np.bool_]
Instant = np.datetime64

_MOST_ROUNDS = 40
_LEAST_S, _FEWER = 0.1, 0.6
_STOPS = ("run-refused", "run-stopped", "machine-lost")


@dataclass(frozen=True)
class Shortfall:
    """A time at which the energy does not bear a step.

    Parameters
    ----------
    step : str
        The step, or the errand of an element that is tried out.
    machine : str
        The machine that does not get its power, or stops.
    start, stop : datetime64[ms]
        From when to when, UTC.
    text : str
        What happens, for people.

    Examples
    --------
    >>> at = np.datetime64("2031-01-05", "ms")
    >>> Shortfall("mast.deploy", "rover", at, at + np.timedelta64(1, "h"), "the store is empty").machine
    'rover'
    """

    step: str
    machine: str
    start: Instant
    stop: Instant
    text: str


@dataclass(frozen=True)
class EnergyCheck:
    """What a simulation of an assembly shows.

    Parameters
    ----------
    shortfalls : tuple of Shortfall
        In order of time; none if the energy bears every step.
    lowest : mapping of str to float
        Lowest state of charge of each bus that has a store [1].
    unsimulated : tuple of str
        Machines at work whose energy cannot be simulated: the plan gives them no modes, sources or storage.
    residual_relative : float
        Largest energy unaccounted for, relative [1].

    Examples
    --------
    >>> EnergyCheck((), {"rover": 0.4}, (), 1e-12).borne
    True
    """

    shortfalls: tuple[Shortfall, ...]
    lowest: Mapping[str, float] = field(default_factory=dict)
    unsimulated: tuple[str, ...] = ()
    residual_relative: float = 0.0

    @property
    def borne(self) -> bool:
        """Whether the energy bears every step."""
        return not self.shortfalls


def staged_plan(plan: Plan, present: Mapping[str, Instant], site: str) -> Plan:
    """A plan as it stands while it is built: each element is there from its own date.

    Parameters
    ----------
    plan : Plan
        The plan.
    present : mapping of str to datetime64
        When each element begins to draw or to give power, UTC; the others are left out.
    site : str
        Where they stand.

    Returns
    -------
    Plan

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> at = {"vertical-array": np.datetime64("2031-02-01", "ms")}
    >>> staged_plan(load_plan("ilrs"), at, "glaeser-spot-1").missions[0].launch
    '2031-02-01T00:00:00Z'
    """
    missions, elements = [], []
    for element in plan.elements:
        if element.id not in present:
            continue
        date = str(present[element.id].astype("datetime64[s]")) + "Z"
        own = plan.mission(element.mission).model_copy(
            update={"id": f"{element.id}-there", "status": "planned", "launch": date, "landing": date,
                    "site": site, "requires": ()}
        )  # fmt: skip
        missions.append(own)
        powered = element.powered_by if element.powered_by in present else None
        elements.append(element.model_copy(update={"mission": own.id, "powered_by": powered}))
    return plan.model_copy(update={"missions": tuple(missions), "elements": tuple(elements)})


def check_energy(plan: Plan, yard: Yard, found: Assembled, setting: Setting) -> EnergyCheck:
    """Simulate the steps of an assembly, and tell where the energy does not bear them.

    Parameters
    ----------
    plan : Plan
        The plan.
    yard : Yard
        What was there.
    found : Assembled
        The steps.
    setting : Setting
        Light, contact and ground.

    Returns
    -------
    EnergyCheck

    Notes
    -----
    Robots draw the power of each step besides that of their mode. Sources and stores of the station give and take
    from when they are connected, other elements draw from when they are tried out. The same period is simulated
    without the steps: what robots lack in both is no fault of a step, unless it is at work.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # see there
    """
    assert setting.site is not None
    staged = staged_plan(plan, _present(plan, yard, found, setting.stop, setting.site), setting.site)
    powered = {element.id for group in groups_at(staged, setting.site)[0] for element in group.elements}
    machines = {name for step in found.steps for name in step.robots}
    missing = tuple(sorted(machines - powered))
    if not powered:
        return EnergyCheck((), {}, missing)
    runs = [
        Run(step.id, name, start, stop, _drawn_w(plan, step, name))
        for step in found.steps
        for name in step.robots
        for start, stop in step.spells
        if name in powered and stop > start
    ]
    options: dict[str, Any] = {"contacts": setting.contacts, "surface_k": setting.surface_k, "site": setting.site}
    light = _light(staged, setting)
    busy = simulate(staged, setting.sun, light, runs=runs, **options)
    idle = simulate(staged, setting.sun, light, **options)
    buses = {row.id: group.name for group in groups_at(staged, setting.site)[0] for row in group.elements}
    rest = _Rest(busy, idle, buses)
    shortfalls = [
        *_at_work(found.steps, busy, rest),
        *_afterwards(found.steps, busy, idle),
        *_on_trial(found.steps, busy, rest),
    ]
    lowest = _lowest(busy)
    return EnergyCheck(
        tuple(sorted(dict.fromkeys(shortfalls), key=lambda row: (row.start, row.step))),
        lowest,
        missing,
        busy.energy_residual_relative,
    )


def _lowest(run: Simulation) -> dict[str, float]:
    """Lowest state of charge of each bus, from when its store is there [1]."""
    found = {}
    for name in run.series["bus"].values:
        held = run.series["stored_fraction"].sel(bus=name).values
        there = held[np.flatnonzero(held > 0.0)[:1].sum() :] if (held > 0.0).any() else held[:0]
        if there.size:
            found[str(name)] = float(there.min())
    return found


def _drawn_w(plan: Plan, step: AssemblyStep, name: str) -> float:
    """What a robot draws for a step [W]."""
    robot = plan.element(name).robot
    if robot is None:
        return 0.0
    return robot.drive_w if step.kind in ("come", "drive") else robot.work_w


def _present(plan: Plan, yard: Yard, found: Assembled, stop: Instant, site: str) -> dict[str, Instant]:
    """From when each element gives or draws power, as far as the period goes."""
    there = {name: date for name, date in yard.ready.items() if date < stop and _at(plan, name, site)}
    for name, landed in yard.landed.items():
        element = plan.element(name)
        steps = [step for step in found.steps if step.element == name]
        there[name] = _joins(element, steps, landed)
    return there


def _at(plan: Plan, name: str, site: str) -> bool:
    """Whether an element stands at a site."""
    element = plan.element(name)
    return plan.mission(element.mission).site == site and not element.orbits


def _light(plan: Plan, setting: Setting) -> dict[float, npt.NDArray[np.float64]]:
    """Light at the heights that the simulation asks for; where one is not known, that of the nearest."""
    known = dict(setting.light_by_mast)
    for mast_m in light_heights_m(plan, setting.site):
        known.setdefault(mast_m, setting.light_by_mast[min(setting.light_by_mast, key=lambda h: abs(h - mast_m))])
    return known


def _joins(element: Element, steps: Sequence[AssemblyStep], landed: Instant) -> Instant:
    """When an element begins to give or draw power."""
    own = element.bus == "own" and element.powered_by is None
    if own or not steps:
        return landed
    trials = [step.start for step in steps if step.kind == "commission"]
    hands = [step.stop for step in steps if step.kind != "commission"]
    gives = bool(element.generators) or element.storage is not None
    if trials and not gives:
        return min(trials)
    return max(hands, default=landed)


def _short_times(run: Simulation, machine: str, bus: str = "") -> list[tuple[Instant, Instant, str]]:
    """When a machine, or any on a bus, lacks power; and when the machine stops."""
    last = run.series["time"].values[-1].astype("datetime64[ms]")
    found: list[tuple[Instant, Instant, str]] = []
    begun: dict[str, tuple[Instant, str]] = {}
    watched = {(machine, "element-shed"), (bus, "shed")}
    for event in run.events:
        kind, _, edge = event.kind.rpartition("-")
        if (event.subject, kind) in watched and edge == "begins":
            begun[kind] = event.time, event.text
        elif (event.subject, kind) in watched and kind in begun:
            start, text = begun.pop(kind)
            found.append((start, event.time, text))
        elif event.subject == machine and event.kind in _STOPS:
            found.append((event.time, event.time, event.text))
    found += [(start, last, text) for start, text in begun.values()]
    return sorted(found)


class _Rest:
    """How long a machine has to rest from when its power fails, until its store holds what it lacks."""

    def __init__(self, busy: Simulation, idle: Simulation, buses: Mapping[str, str]) -> None:
        self.busy, self.idle, self.buses = busy.series, idle.series, buses
        self.time = self.busy["time"].values.astype("datetime64[ms]")
        self.step_h = float(self.busy.attrs["step_s"]) / 3600.0

    def until(self, machine: str, first: Instant, last: Instant) -> Instant:
        """When it may go on, at the latest when the failure ends."""
        bus = self.buses[machine]
        usable = float(self.busy["usable_wh"].sel(bus=bus).max()) if "usable_wh" in self.busy else 0.0
        begin, end = np.searchsorted(self.time, [first, last], side="right") - 1
        lacked = float(self.busy["shed_w"].sel(bus=bus).values[begin : end + 1].sum()) * self.step_h
        surplus = (self.idle["charged_w"] + self.idle["spilled_w"]).sel(bus=bus).values[begin:] * self.step_h
        held = np.cumsum(np.maximum(surplus, 0.0))
        enough = int(np.searchsorted(held, min(lacked, usable)))
        if usable <= 0.0 or enough >= held.size:
            return last
        return min(last, self.time[begin] + (enough + 1) * np.timedelta64(round(3.6e6 * self.step_h), "ms"))


def _at_work(steps: Sequence[AssemblyStep], run: Simulation, rest: _Rest) -> Iterable[Shortfall]:
    """Times at which a robot at work lacks power or does not work."""
    for machine in sorted({name for step in steps for name in step.robots}):
        short = _short_times(run, machine)
        for step in steps:
            if machine not in step.robots:
                continue
            for start, stop in step.spells:
                for first, last, text in short:
                    if first < stop and (last > start or start <= first):
                        until = stop if last == first else rest.until(machine, max(first, start), min(last, stop))
                        yield Shortfall(step.id, machine, max(first, start), until, text)


def _afterwards(steps: Sequence[AssemblyStep], busy: Simulation, idle: Simulation) -> Iterable[Shortfall]:
    """Work after which a robot lacks power that it would not lack without it: its last spell is at fault."""
    for machine in sorted({name for step in steps for name in step.robots}):
        spells = [
            (stop, start, step.id) for step in steps if machine in step.robots for start, stop in step.spells
        ]
        before = _short_times(idle, machine)
        for first, _, text in _short_times(busy, machine):
            if any(start <= first < stop for stop, start, _ in spells):
                continue
            if any(begin <= first <= end for begin, end, _ in before):
                continue
            earlier = [row for row in spells if row[0] <= first]
            if earlier:
                stop, start, name = max(earlier)
                yield Shortfall(name, machine, start + (stop - start) // 2, stop, f"afterwards {text}")


def _on_trial(steps: Sequence[AssemblyStep], run: Simulation, rest: _Rest) -> Iterable[Shortfall]:
    """Times at which an element that is tried out lacks power."""
    for step in steps:
        if step.kind != "commission":
            continue
        for first, last, text in _short_times(run, step.element, rest.buses.get(step.element, "")):
            for start, stop in step.spells:
                if first < stop and (last > start or start <= first):
                    until = rest.until(step.element, max(first, start), max(last, first))
                    yield Shortfall(step.errand, step.element, max(first, start), until, text)


def assemble_with_energy(
    plan: Plan, yard: Yard, setting: Setting, *, seconds: float = 2.0, workers: int = 1, seed: int = 1
) -> tuple[Assembled, EnergyCheck, tuple[Shortfall, ...]]:
    """Plan the steps of an assembly so that the energy bears them: what it does not bear is put off.

    Parameters
    ----------
    plan, yard, setting, seconds, workers, seed
        As in `moonpost.campaign.assembly.assemble`.

    Returns
    -------
    found : Assembled
        The steps.
    check : EnergyCheck
        Their simulation; it bears every one.
    delays : tuple of Shortfall
        What was put off on the way there.

    Raises
    ------
    ModelError
        As in `assemble`, or if the energy never bears some of the work.

    Notes
    -----
    Steps are planned by light and contact, then simulated. Slots in which a robot lacks power are closed to it
    until its store holds what it lacked, and those in which the bus of a trial sheds load to the trial; then it is
    planned again, each time with less of a search, so that all of them take a few times `seconds`.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # see there
    """
    closed = {name: flags.copy() for name, flags in yard.closed.items()}
    delays: list[Shortfall] = []
    for number in range(_MOST_ROUNDS):
        search_s = min(max(seconds * _FEWER**number, _LEAST_S), seconds)
        now = Yard(yard.landed, yard.ready, yard.robots, yard.free, yard.places, closed)
        try:
            found = assemble(plan, now, setting, seconds=search_s, workers=workers, seed=seed)
        except ModelError as error:
            if not delays:
                raise
            raise _unbearable(delays[-1], error) from error
        check = check_energy(plan, now, found, setting)
        if check.borne:
            return found, check, tuple(delays)
        for row in check.shortfalls:
            name = row.step if row.step.endswith(".commission") else row.machine
            _close(closed.setdefault(name, np.zeros(setting.slots, dtype=np.bool_)), row, setting)
        delays += check.shortfalls
    raise _unbearable(delays[-1], None)


def _close(flags: Flags, row: Shortfall, setting: Setting) -> None:
    """Close the slots of a shortfall, one at least."""
    first = int(np.floor((row.start - setting.start) / np.timedelta64(1, "ms") / (1000.0 * setting.slot_s)))
    last = int(np.ceil((row.stop - setting.start) / np.timedelta64(1, "ms") / (1000.0 * setting.slot_s)))
    first = min(max(first, 0), flags.size - 1)
    flags[first : max(last, first + 1)] = True


def _unbearable(row: Shortfall, error: ModelError | None) -> ModelError:
    """The step that the energy does not bear, or not in this period."""
    more = "" if error is None else f" ({error.what})"
    return ModelError(
        f"the energy of {row.machine} does not bear it: {row.text}{more}",
        where=row.step,
        advice="give the machine more storage or power, or the step less work",
    )
