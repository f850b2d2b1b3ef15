"""What is wrong with the steps of an assembly; it shares no code with those who plan them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.plan.elements import Element, SolarArray
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.campaign.assemblyrecord import AssemblyStep, Yard
    from moonpost.operations.placements import Setting

__all__ = ["assembly_faults"]

_ORDER = ("come", "unload", "drive", "deploy", "connect", "commission")
_TICK = np.timedelta64(1, "s")
_HOUR = np.timedelta64(3_600_000, "ms")


def assembly_faults(plan: Plan, yard: Yard, steps: Sequence[AssemblyStep], setting: Setting) -> list[str]:
    """What is wrong with the steps of an assembly.

    Parameters
    ----------
    plan : Plan
        The plan.
    yard : Yard
        What was there and what had landed.
    steps : sequence of AssemblyStep
        The steps, in any order.
    setting : Setting
        Light and contact.

    Returns
    -------
    list of str
        A line for each fault; empty if every step is there, long enough, in order, in light and contact where it
        needs them, done by robots that can and are there, and nothing is used twice at once.

    Notes
    -----
    Everything is reckoned again from the plan: hours, ways from where each robot really comes from, masses and
    reaches, what requires what. Energy is checked by simulation, see `moonpost.campaign.assemblyenergy`.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # whose result it checks
    """
    check = _Check(plan, yard, steps, setting)
    return [
        *check.spells(), *check.complete(), *check.sequence(), *check.requirements(), *check.crews(),
        *check.exclusive(), *check.surroundings(), *check.ways(),
    ]  # fmt: skip


class _Check:
    """The steps by element, and the sky by slot."""

    def __init__(self, plan: Plan, yard: Yard, steps: Sequence[AssemblyStep], setting: Setting) -> None:
        self.plan, self.yard, self.setting = plan, yard, setting
        self.steps = sorted(steps, key=lambda step: (step.start, step.stop))
        self.by_element = {name: [s for s in self.steps if s.element == name] for name in yard.landed}
        self.strangers = [step for step in self.steps if step.element not in yard.landed]

    def spells(self) -> Iterator[str]:
        """Spells of a step follow one another, and hold its work."""
        for step in self.steps:
            edges = [instant for spell in step.spells for instant in spell]
            if not edges or any(b < a for a, b in pairwise(edges)):
                yield f"{step.id} has spells that run backwards, or none"
                continue
            if edges[0] != step.start or edges[-1] != step.stop:
                yield f"{step.id} does not begin and end with its spells"
            held_h = sum(float((stop - start) / _HOUR) for start, stop in step.spells)
            if held_h < step.work_h - 0.01:
                yield f"{step.id} takes {step.work_h:g} h and has {held_h:g} h"

    def complete(self) -> Iterator[str]:
        """Every element has the hours that its assembly asks for."""
        yield from (f"{step.id} is for {step.element}, which has not landed" for step in self.strangers)
        for name, steps in self.by_element.items():
            element = self.plan.element(name)
            work = element.assembly
            if work is None:
                yield f"{name} has no assembly"
                continue
            for kind in ("unload", "deploy", "connect", "commission"):
                wanted = element.count * float(getattr(work, f"{kind}_h"))
                got = sum(step.work_h for step in steps if step.kind == kind)
                if abs(got - wanted) > 0.01:
                    yield f"{name}: {kind} takes {wanted:g} h and has {got:g} h"

    def sequence(self) -> Iterator[str]:
        """Nothing begins before the landing; an element's steps follow one another."""
        for name, steps in self.by_element.items():
            if steps and steps[0].start < self.yard.landed[name]:
                yield f"{steps[0].id} begins before {name} has landed"
            done = [step for step in steps if step.kind != "come"]
            for one, two in pairwise(done):
                if _ORDER.index(two.kind) < _ORDER.index(one.kind):
                    yield f"{two.id} comes after {one.id}"
                if two.start < one.stop - _TICK:
                    yield f"{two.id} begins before {one.id} has ended"

    def requirements(self) -> Iterator[str]:
        """Nothing is connected before what it requires stands, or tried out or at work before that works."""
        for name, steps in self.by_element.items():
            element = self.plan.element(name)
            needs = {*element.requires, *([element.powered_by] if element.powered_by else [])} - {name}
            for step in steps:
                for other in needs:
                    stands, works = self._dates(other)
                    if step.kind == "connect" and (stands is None or step.start < stands - _TICK):
                        yield f"{step.id} begins before {other} stands"
                    if step.kind == "commission" and (works is None or step.start < works - _TICK):
                        yield f"{step.id} begins before {other} works"
            works = self._dates(name)[1]
            late = [other for other in needs if self._later(self._dates(other)[1], works)]
            yield from (f"{name} works before {other}, which it requires" for other in late)

    def _dates(self, name: str) -> tuple[np.datetime64 | None, np.datetime64 | None]:
        """When an element stands and when it works."""
        if name in self.by_element:
            hands = [step.stop for step in self.by_element[name] if step.kind != "commission"]
            ends = [step.stop for step in self.by_element[name]]
            landed = self.yard.landed[name]
            return max(hands, default=landed), max(ends, default=landed)
        ready = self.yard.ready.get(name)
        return ready, ready

    @staticmethod
    def _later(one: np.datetime64 | None, two: np.datetime64 | None) -> bool:
        return one is None or (two is not None and bool(one > two + _TICK))

    def crews(self) -> Iterator[str]:
        """Robots are enough, strong enough, reach high enough, and work before they are put to work."""
        for step in self.steps:
            element = self.plan.element(step.element)
            work = element.assembly
            if work is None or step.kind == "commission":
                continue
            own = work.self_moving and set(step.robots) <= {step.element}
            cranes = [name for name in step.robots if self.plan.element(name).kind == "lander"]
            if not own and not cranes and len(step.robots) != work.robots:
                yield f"{step.id} needs {work.robots} robots and has {len(step.robots)}"
            yield from self._able(step, element, own)

    def _able(self, step: AssemblyStep, element: Element, own: bool) -> Iterator[str]:
        assert element.assembly is not None
        hands = [robot for name in step.robots if (robot := self.plan.element(name).robot) is not None]
        if own or not step.robots:
            return
        if sum(robot.payload_kg for robot in hands) < (element.best_mass_kg or 0.0):
            yield f"{step.id}: its robots do not carry {element.best_mass_kg:g} kg"
        if any(robot.reach_m < element.assembly.reach_m for robot in hands):
            yield f"{step.id}: not all of its robots reach {element.assembly.reach_m:g} m"
        for name in step.robots:
            lander = self.plan.element(name).kind == "lander"
            if lander and self.plan.element(name).mission != element.mission:
                yield f"{step.id}: {name} is not the lander of {element.id}"
            if not lander and name not in self.yard.robots and name not in self.yard.landed:
                yield f"{step.id}: {name} is not a robot that is there"
            works = self._dates(name)[1]
            if not lander and (works is None or step.start < works - _TICK):
                yield f"{step.id} begins before {name} works"
            if name in self.yard.free and step.start < self.yard.free[name] - _TICK:
                yield f"{step.id} begins before {name} is free"

    def exclusive(self) -> Iterator[str]:
        """A robot, a deck and a power bus serve one errand at a time, from its first step to its last."""
        errands: dict[str, list[AssemblyStep]] = {}
        for step in self.steps:
            errands.setdefault(step.errand, []).append(step)
        holds: dict[str, list[tuple[np.datetime64, np.datetime64, str]]] = {}
        for name, steps in errands.items():
            span = min(s.start for s in steps), max(s.stop for s in steps)
            for held in {held for step in steps for held in self._held(step)}:
                holds.setdefault(held, []).append((*span, name))
        for held, rows in holds.items():
            rows.sort()
            for one, two in pairwise(rows):
                if two[0] < one[1] - _TICK:
                    yield f"{held} is used by {one[2]} and {two[2]} at once"

    def _held(self, step: AssemblyStep) -> Iterator[str]:
        element = self.plan.element(step.element)
        yield from (f"robot {name}" for name in step.robots)
        if step.kind == "unload":
            yield f"deck of {element.mission}"
        if step.kind == "connect":
            bus = "station" if element.bus == "station" else element.powered_by
            if bus:
                yield f"bus {bus}"

    def surroundings(self) -> Iterator[str]:
        """Light and contact hold through every spell, slot by slot."""
        lit = {step.id: self._lit(step) for step in self.steps}
        for step in self.steps:
            work = self.plan.element(step.element).assembly
            if work is None:
                continue
            needs = work.commission_needs if step.kind == "commission" else work.needs
            for start, stop in step.spells:
                first = int((start - self.setting.start) / np.timedelta64(1, "ms") / 1000.0 // self.setting.slot_s)
                last = math.ceil(
                    (stop - self.setting.start) / np.timedelta64(1, "ms") / 1000.0 / self.setting.slot_s - 1e-6
                )
                if first < 0 or last > self.setting.slots:
                    yield f"{step.id} is worked on outside the period that is known"
                elif "light" in needs and not lit[step.id][first:last].all():
                    yield f"{step.id} is worked on in the dark"
                elif "earth" in needs and not self._heard(step.element, start, stop):
                    yield f"{step.id} is worked on out of contact"

    def _lit(self, step: AssemblyStep) -> npt.NDArray[np.bool_]:
        """Slots at both ends of which all of a step's machines have Sun."""
        flags = np.ones(self.setting.slots, dtype=np.bool_)
        low = min(self.setting.light_by_mast)
        for name in step.robots or (None,):
            element = self.plan.element(name) if name else None
            seen = np.zeros(self.setting.slots + 1, dtype=np.bool_)
            arrays = [s for s in element.generators if isinstance(s, SolarArray)] if element else []
            heights = (
                [h for h in self.setting.light_by_mast if any(_covers(s, h) for s in arrays)] if arrays else [low]
            )
            for height in heights:
                seen |= np.asarray(self.setting.light_by_mast[height]) > 0
            flags &= seen[:-1] & seen[1:]
        return flags

    def _heard(self, element: str, start: np.datetime64, stop: np.datetime64) -> bool:
        windows = self.setting.contacts_of(element)
        if windows is None:
            return True
        return bool(((windows[:, 0] <= start + _TICK) & (windows[:, 1] >= stop - _TICK)).any())

    def ways(self) -> Iterator[str]:
        """Robots have the time for their ways, from where they really come."""
        at: dict[str, tuple[float, float] | None] = {}
        for name in {name for step in self.steps for name in step.robots}:
            at[name] = self.yard.places.get(name) or _stand(self.plan.element(name))
        errands: dict[str, list[AssemblyStep]] = {}
        for step in self.steps:
            errands.setdefault(step.errand, []).append(step)
        for name, steps in sorted(errands.items(), key=lambda row: row[1][0].start):
            if len({step.robots for step in steps}) > 1:
                yield f"{name} is not done by the same robots throughout"
            yield from self._way(steps, at)

    def _way(self, steps: list[AssemblyStep], at: dict[str, tuple[float, float] | None]) -> Iterator[str]:
        element = self.plan.element(steps[0].element)
        lander = next(
            (_stand(e) for e in self.plan.elements if e.mission == element.mission and e.kind == "lander"
             and e.id != element.id), None,
        )  # fmt: skip
        place = _stand(element)
        moved = any(step.kind in ("unload", "drive") for step in steps)
        for name in steps[0].robots:
            robot = self.plan.element(name).robot
            if robot is None or self.plan.element(name).kind == "lander":
                continue
            here = lander if moved else place
            own = name == element.id
            way = math.dist(at[name], here) if at[name] and here and not own else 0.0  # type: ignore[arg-type]
            way += (2 * element.count - 1) * math.dist(here, place) if moved and here and place else 0.0
            had_m = 3600.0 * robot.speed_m_s * sum(s.work_h for s in steps if s.kind in ("come", "drive"))
            if had_m < way - 0.5:
                yield f"{steps[0].errand}: {name} has {way:.0f} m to go and time for {had_m:.0f} m"
            at[name] = place or at[name]


def _stand(element: Element) -> tuple[float, float] | None:
    return (element.position.east_m, element.position.north_m) if element.position else None


def _covers(source: SolarArray, height_m: float) -> bool:
    """Whether a height is one at which an array takes light."""
    return abs(height_m - source.mast_m) <= 0.5 * source.height_m + 1e-6
