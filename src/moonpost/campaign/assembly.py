"""The steps in which machines are put to work after a landing, planned by the engine of projects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.assemblyrecord import Assembled, AssemblyStep, Yard
from moonpost.campaign.errands import Errand, Point, able_crews, errands_of, needed_by, place_of
from moonpost.errors import InputError, ModelError
from moonpost.operations.placements import Setting
from moonpost.operations.projectplans import ProjectPlan, plan_project
from moonpost.operations.projects import Project
from moonpost.plan.elements import Element, SolarArray
from moonpost.plan.model import Plan
from moonpost.power.arrays import array_heights_m

__all__ = ["assemble", "open_slots"]

Flags = npt.NDArray[np.bool_]
Instant = np.datetime64

_MOST_CREWS = 48
_EPS = 1e-9


def assemble(
    plan: Plan, yard: Yard, setting: Setting, *, seconds: float = 2.0, workers: int = 1, seed: int = 1
) -> Assembled:
    """Plan the steps that put machines to work, so that the last of them works early.

    Parameters
    ----------
    plan : Plan
        The plan: elements with `assembly`, robots with `robot`.
    yard : Yard
        What is there, and what is to be put to work.
    setting : Setting
        Light and contact at the site; its slots are the grid.
    seconds : float, default 2
        How long to search for each way to share the work, if the shortest is not proved before [s].
    workers : int, default 1
        Threads.
    seed : int, default 1
        Start of the random numbers.

    Returns
    -------
    Assembled

    Raises
    ------
    ModelError
        If no robots can do some of it, or the period of the setting is too short.
    InputError
        If an element has no assembly.

    Notes
    -----
    Errands are the activities of a project, see `moonpost.operations.projectplans.plan_project`: robots, the deck
    of a lander, its crane and each power bus serve one errand at a time; each errand has a calendar of the slots
    with the light and the contact that it needs, in which its robots have the energy; it pauses where the calendar
    is closed. The way to an errand counts from the farthest place where its robots may be. Each way to share the
    work among robots is tried, the best bound first, up to 48; beyond, one element is given to others at a time,
    and nothing is proved.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> time = np.datetime64("2031-01-06", "ms") + np.arange(2000) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(2000), elevation_deg=np.ones(2000),
    ...     distance_m=np.full(2000, 1.5e11))
    >>> setting = Setting(plan, sun, dict.fromkeys((2.0, 2.5, 10.0), np.ones(2000)))
    >>> assemble(plan, Yard({}), setting).steps
    ()
    """
    work = _Work(plan, yard, setting)
    options = {"seconds": seconds, "workers": workers, "seed": seed}
    best: tuple[tuple[int, float], _Case, ProjectPlan] | None = None
    tried, least, unfit = 0, math.inf, None
    for case in work.cases():
        if best is not None and case.bound >= best[0][0]:
            least = min(least, case.bound)
            continue
        tried += 1
        try:
            found = plan_project(case.project, **options)  # type: ignore[arg-type]
        except ModelError as error:
            unfit = unfit or work.unfit(case, error)
            continue
        least = min(least, found.lower_bound)
        key = (found.makespan, float(case.project.ends(found.starts).sum()))
        if best is None or key < best[0]:
            best = key, case, found
    if best is not None:
        return work.result(best[1], best[2], int(least) if work.few else 0, tried)
    if unfit is not None:
        raise unfit
    return Assembled((), {}, {}, dict(yard.places), dict(yard.free), 0, 0, 0)


def open_slots(plan: Plan, setting: Setting, errand: Errand) -> Flags:
    """Slots with the light and contact that an errand needs.

    Parameters
    ----------
    plan : Plan
        The plan.
    setting : Setting
        The sky.
    errand : Errand
        The errand.

    Returns
    -------
    ndarray of bool, shape (slots,)

    Notes
    -----
    Light is any part of the Sun in view at both ends of a slot, at one of the arrays of each robot; at the lowest
    mast for work without robots. Contact is a window around the whole slot.

    Examples
    --------
    >>> from moonpost.campaign.assembly import assemble  # which uses it
    """
    flags = np.ones(setting.slots, dtype=np.bool_)
    if "light" in errand.needs:
        for name in errand.robots or (None,):
            element = None if name is None else plan.element(name)
            flags &= _lit(setting, element)
    if "earth" in errand.needs:
        flags &= _heard(setting, errand.element)
    return flags


def _lit(setting: Setting, element: Element | None) -> Flags:
    """Slots that are in light at an element's arrays, or at the lowest mast."""
    arrays = [source for source in element.generators if isinstance(source, SolarArray)] if element else []
    masts_m = [mast_m for array in arrays for mast_m in array_heights_m(array)] or [min(setting.light_by_mast)]
    lit = np.any([np.asarray(setting.light_by_mast[mast_m]) > 0.0 for mast_m in masts_m], axis=0)
    return np.asarray(lit[:-1] & lit[1:])


def _heard(setting: Setting, element: str) -> Flags:
    """Slots that lie within a window of contact."""
    windows = setting.contacts_of(element)
    if windows is None:
        return np.ones(setting.slots, dtype=np.bool_)
    flags = np.zeros(setting.slots, dtype=np.bool_)
    offset = (windows - setting.start) / np.timedelta64(1, "ms") / (1000.0 * setting.slot_s)
    for first, last in zip(np.ceil(offset[:, 0] - _EPS), np.floor(offset[:, 1] + _EPS), strict=True):
        flags[max(int(first), 0) : max(int(last), 0)] = True
    return flags


@dataclass(frozen=True)
class _Case:
    """One way to share the work: errands and their project."""

    errands: tuple[Errand, ...]
    project: Project
    bound: int


class _Work:
    """The errands of a yard and what limits them."""

    def __init__(self, plan: Plan, yard: Yard, setting: Setting) -> None:
        self.plan, self.yard, self.setting = plan, yard, setting
        self.elements = [plan.element(name) for name in yard.landed]
        for element in self.elements:
            if element.assembly is None:
                raise InputError("has no assembly", where=f"elements[{element.id}]", advice="say what it takes")
        self.step = np.timedelta64(round(setting.slot_s * 1000.0), "ms")
        self.flags: dict[Any, Flags] = {}
        self.few = True

    def cases(self) -> Iterator[_Case]:
        """Ways to share the work, those first that may end first."""
        choices = [self._crews(element) for element in self.elements]
        if not choices:
            return
        self.few = math.prod(map(len, choices)) <= _MOST_CREWS
        if self.few:
            yield from sorted(map(self._case, product(*choices)), key=lambda case: case.bound)
            return
        chosen = [row[k % len(row)] for k, row in enumerate(choices)]
        yield self._case(tuple(chosen))
        for _ in range(2):
            for k, row in enumerate(choices):
                tries = [[*chosen[:k], crew, *chosen[k + 1 :]] for crew in row if crew != chosen[k]]
                for case, crews in sorted(((self._case(tuple(t)), t) for t in tries), key=lambda p: p[0].bound)[
                    :2
                ]:
                    yield case
                    if case.bound < self._case(tuple(chosen)).bound:
                        chosen = crews

    def _crews(self, element: Element) -> tuple[tuple[str, ...], ...]:
        """Groups of robots that may work on an element and do not wait for it."""
        names = [*self.yard.robots, *(row.id for row in self.elements if row.robot and row.kind != "lander")]
        there = [self.plan.element(name) for name in dict.fromkeys(names) if element.id not in self._before(name)]
        crews, reason = able_crews(element, there)
        if not crews:
            raise ModelError(reason, where=f"elements[{element.id}]", advice="bring a robot that can, before it")
        return crews

    def _before(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """Everything that has to work before an element, itself included."""
        needed = set(needed_by(self.plan.element(name))) & set(self.yard.landed) - seen
        return {name}.union(*(self._before(other, seen | {name}) for other in needed))

    def _case(self, crews: Sequence[Sequence[str]]) -> _Case:
        errands = self._errands(dict(zip([row.id for row in self.elements], crews, strict=True)))
        project = self._project(errands)
        return _Case(errands, project, _least(project))

    def _errands(self, crews: Mapping[str, Sequence[str]]) -> tuple[Errand, ...]:
        """The errands of all elements with these crews."""
        places = self._from_places(crews)
        plain = {e.id: errands_of(self.plan, e, crews[e.id], places, {}) for e in self.elements}
        last = {name: rows[-1].id for name, rows in plain.items() if rows}
        put = {name: [r.id for r in rows if not r.id.endswith(".commission")] for name, rows in plain.items()}
        found: list[Errand] = []
        for element in self.elements:
            needed = [name for name in needed_by(element) if name in last]
            waits = {
                "robots": [last[name] for name in crews[element.id] if name in last],
                "connect": [put[name][-1] for name in needed if put[name]],
                "commission": [last[name] for name in needed],
            }
            rows = list(errands_of(self.plan, element, crews[element.id], places, waits))
            if rows and needed and not rows[-1].id.endswith(".commission"):
                rows[-1] = replace(rows[-1], after=tuple(dict.fromkeys([*rows[-1].after, *waits["commission"]])))
            found += rows
        return tuple(found)

    def _from_places(self, crews: Mapping[str, Sequence[str]]) -> dict[str, list[Point]]:
        """Where each robot may be before an errand: where it stands, and at what it works on."""
        found: dict[str, list[Point]] = {}
        for name in {name for crew in crews.values() for name in crew}:
            own = self.yard.places.get(name) or place_of(self.plan.element(name))
            worked = [place_of(row) for row in self.elements if name in crews[row.id]]
            found[name] = [place for place in [own, *worked] if place is not None]
        return found

    def _project(self, errands: Sequence[Errand]) -> Project:
        """Errands as activities: what they use are capacities of 1, where they may run their calendars."""
        names = sorted({name for errand in errands for name in errand.uses})
        place = {errand.id: k for k, errand in enumerate(errands)}
        followers: list[list[int]] = [[] for _ in errands]
        for k, errand in enumerate(errands):
            for name in errand.after:
                followers[place[name]].append(k)
        rows: dict[bytes, tuple[int, Flags]] = {}
        calendar = []
        for errand in errands:
            flags = self._open(errand)
            calendar.append(rows.setdefault(flags.tobytes(), (len(rows), flags))[0])
        return Project(
            durations=np.array([self._slots(errand) for errand in errands], dtype=np.int64),
            demands=np.array([[int(name in errand.uses) for name in names] for errand in errands]).reshape(
                len(errands), len(names)
            ),
            capacities=np.ones(len(names), dtype=np.int64),
            followers=tuple(map(tuple, followers)),
            calendars=np.array([flags for _, flags in rows.values()]).reshape(len(rows), self.setting.slots),
            calendar=np.array(calendar, dtype=np.int64),
            pauses=np.ones(len(errands), dtype=np.bool_),
        )

    def unfit(self, case: _Case, error: ModelError) -> ModelError:
        """The errand for which there is no room, from what the engine says about an activity."""
        number = error.where.removeprefix("calendar[").removesuffix("]")
        if not number.isdigit():
            return error
        errand = case.errands[int(number)]
        flags = case.project.calendars[case.project.calendar[int(number)]]
        needs = " and ".join({"light": "in light", "earth": "in contact"}[need] for need in errand.needs)
        open_h = flags.sum() * self.setting.slot_s / 3600.0
        days = self.setting.slots * self.setting.slot_s / 86_400.0
        text = f"needs {errand.hours:.4g} h {needs}".rstrip()
        return ModelError(
            f"{text} and finds no room in {days:.4g} days, which have {open_h:.4g} h for it",
            where=errand.id,
            advice="give a longer period, more light or contact, or more robots",
        )

    def _slots(self, errand: Errand) -> int:
        return math.ceil(errand.hours * 3600.0 / self.setting.slot_s - 1e-6)

    def _open(self, errand: Errand) -> Flags:
        """Slots in which an errand can be worked on."""
        key = (errand.needs, errand.robots, "earth" in errand.needs and errand.element)
        if key not in self.flags:
            self.flags[key] = open_slots(self.plan, self.setting, errand)
        flags = self.flags[key].copy()
        flags[: self._first(errand)] = False
        for name in (*errand.robots, errand.id):
            if name in self.yard.closed:
                flags &= ~self.yard.closed[name]
        return flags

    def _first(self, errand: Errand) -> int:
        """First slot after what it needs is there."""
        times = [self.yard.landed[errand.element]]
        times += [self.yard.free[name] for name in errand.robots if name in self.yard.free]
        times += [self.yard.ready[name] for name in errand.robots if name in self.yard.ready]
        if errand.id.rpartition(".")[2] in ("connect", "commission"):
            needed = needed_by(self.plan.element(errand.element))
            times += [self.yard.ready[name] for name in needed if name in self.yard.ready]
        late = (max(times) - self.setting.start) / self.step
        return max(math.ceil(late - _EPS), 0)

    def result(self, case: _Case, found: ProjectPlan, least: int, tried: int) -> Assembled:
        """Steps, dates and whereabouts of a plan."""
        steps: list[AssemblyStep] = []
        for k, errand in enumerate(case.errands):
            flags = case.project.calendars[case.project.calendar[k]]
            units = np.flatnonzero(flags)
            units = units[units >= found.starts[k]][: int(case.project.durations[k])]
            steps += self._steps(errand, units)
        steps.sort(key=lambda step: (step.start, step.stop, step.id))
        begins = {name: min([s.start for s in steps if s.element == name], default=landed)
                  for name, landed in self.yard.landed.items()}  # fmt: skip
        ready = {name: max([s.stop for s in steps if s.element == name], default=self._early(name))
                 for name in self.yard.landed}  # fmt: skip
        places, free = dict(self.yard.places), dict(self.yard.free)
        for step in sorted(steps, key=lambda row: row.stop):
            for robot in step.robots:
                free[robot] = step.stop
                at = place_of(self.plan.element(step.element))
                if at is not None and self.plan.element(robot).kind != "lander":
                    places[robot] = at
        return Assembled(tuple(steps), begins, ready, places, free, found.makespan, least, tried)

    def _early(self, name: str) -> Instant:
        """When an element works that needs no work."""
        needed = [
            self.yard.ready[other] for other in needed_by(self.plan.element(name)) if other in self.yard.ready
        ]
        return max([self.yard.landed[name], *needed])

    def _steps(self, errand: Errand, units: npt.NDArray[np.int64]) -> Iterator[AssemblyStep]:
        """The legs of an errand, laid into its slots one after the other."""
        done_h = 0.0
        robots = [robot for name in errand.robots if (robot := self.plan.element(name).robot) is not None]
        for leg in errand.legs:
            spells = tuple(self._spells(units, done_h, done_h + leg.hours))
            done_h += leg.hours
            driving = leg.kind in ("come", "drive")
            drawn = [robot.drive_w if driving else robot.work_w for robot in robots]
            yield AssemblyStep(
                id=f"{errand.id}.{leg.kind}" if not errand.id.endswith(f".{leg.kind}") else errand.id,
                errand=errand.id,
                element=errand.element,
                kind=leg.kind,
                site=self.setting.site or "",
                robots=errand.robots,
                start=spells[0][0],
                stop=spells[-1][1],
                spells=spells,
                work_h=leg.hours,
                distance_m=leg.distance_m,
                power_w=max(drawn, default=0.0),
                energy_wh=sum(drawn) * leg.hours,
                uses=errand.uses,
                needs=errand.needs,
                after=errand.after,
            )

    def _spells(
        self, units: npt.NDArray[np.int64], first_h: float, last_h: float
    ) -> Iterator[tuple[Instant, Instant]]:
        """Times of work from one hour of work to another, through slots that need not follow one another."""
        slot_h = self.setting.slot_s / 3600.0
        breaks = np.flatnonzero(np.diff(units) > 1) + 1
        done = 0
        for run in np.split(units, breaks):
            low, high = max(first_h - done * slot_h, 0.0), min(last_h - done * slot_h, run.size * slot_h)
            if high - low > _EPS:
                yield self._at(int(run[0]), low), self._at(int(run[0]), high)
            done += run.size

    def _at(self, slot: int, hours: float) -> Instant:
        return self.setting.start + slot * self.step + np.timedelta64(round(hours * 3.6e6), "ms")


def _least(project: Project) -> int:
    """A length below which no plan is: by chains through calendars, and by the work of each capacity in them."""
    rows = [np.flatnonzero(row) for row in project.calendars]
    never = project.calendars.shape[1] + 1
    starts, ends = np.zeros(len(project), dtype=np.int64), np.zeros(len(project), dtype=np.int64)
    for job in project.order:
        units, length = rows[project.calendar[job]], int(project.durations[job])
        first = int(np.searchsorted(units, starts[job]))
        ends[job] = units[first + length - 1] + 1 if first + length <= units.size else never
        starts[job] = units[first] if first < units.size else never
        for follower in project.followers[job]:
            starts[follower] = max(starts[follower], ends[job])
    least = int(ends.max(initial=0))
    for kind in range(project.capacities.size):
        users = np.flatnonzero(project.demands[:, kind] > 0)
        open_units = np.flatnonzero(project.calendars[project.calendar[users]].any(axis=0))
        open_units = open_units[open_units >= starts[users].min(initial=never)]
        work = int(project.durations[users].sum())
        least = max(least, int(open_units[work - 1]) + 1 if 0 < work <= open_units.size else never * (work > 0))
    return least
