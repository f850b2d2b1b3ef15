"""Check a schedule against the sky, the plan and a simulation of it, without code of those who make schedules."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.operations.placements import Placement, Schedule, Setting, utc
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Activity, Element, SolarArray
from moonpost.plan.model import Plan
from moonpost.power.arrays import array_heights_m

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["KINDS", "CheckReport", "Violation", "check_schedule", "rule_violations", "simulated"]

KINDS: dict[str, str] = {
    "unknown": "the plan has no such activity, or the number is none of the period's",
    "twice": "the occurrence is placed twice",
    "changed": "element, partner, power, data or duration are not those of the plan",
    "period": "it runs outside the day in which it is due, or outside the period",
    "absent": "the element has not arrived, or is not at the site",
    "light": "it needs light and runs in the dark",
    "dark": "it needs darkness and runs in light",
    "contact": "it needs the Earth and runs out of contact",
    "busy": "the element does two things at once",
    "order": "it starts before what it comes after has ended, or that is not placed",
    "entitlement": "the partner gets more in a lunar day than it is entitled to",
    "asleep": "the element sleeps meanwhile",
    "temperature": "the element's box is too cold or too warm to work",
    "power": "power is short: loads are shed that were served without the schedule",
    "data": "the recorder overflows and data are lost that were kept without the schedule",
    "lost": "the machine is lost, and is not without the schedule",
    "balance": "the simulation does not keep its balances: report this",
}
"""Every kind of violation with its meaning."""

_MILLI = np.timedelta64(1, "ms")
_HOUR_S = 3600.0


@dataclass(frozen=True)
class Violation:
    """Something that a schedule must not do.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    id : str
        The occurrence to blame; the partner for an entitlement; empty if none.
    text : str
        What is wrong, with times and numbers.

    Examples
    --------
    >>> str(Violation("busy", "drive-2", "rover is busy with drive-1"))
    'drive-2: rover is busy with drive-1'
    """

    kind: str
    id: str
    text: str

    def __str__(self) -> str:
        return f"{self.id}: {self.text}" if self.id else self.text


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Parameters
    ----------
    violations : tuple of Violation
        Empty if the schedule keeps all rules.
    simulation, reference : Simulation or None
        The station with the schedule, and without it; None if they were not run.

    Examples
    --------
    >>> CheckReport(()).ok
    True
    """

    violations: tuple[Violation, ...]
    simulation: Simulation | None = field(default=None, repr=False)
    reference: Simulation | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values, for JSON."""
        found: dict[str, Any] = {
            "ok": self.ok,
            "violations": [{"kind": row.kind, "id": row.id, "text": row.text} for row in self.violations],
        }
        if self.simulation is not None:
            told = self.simulation.to_dict()
            found["simulation"] = {name: told[name] for name in told if name.endswith("_residual_relative")}
            found["simulation"]["events"] = told["events"]
        return found


def rule_violations(schedule: Schedule, setting: Setting) -> tuple[Violation, ...]:
    """Violations of windows, order and exclusion, without a simulation.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    setting : Setting
        The plan and the sky.

    Returns
    -------
    tuple of Violation

    Notes
    -----
    Every rule is tested on the run itself: light and darkness on the fractions of the disc from its start to its
    end, linear between samples; contact on the windows; times to a millisecond.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(97) * np.timedelta64(900, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(97), elevation_deg=np.ones(97),
    ...     distance_m=np.full(97, 1.5e11))
    >>> plan = load_plan("ilrs")
    >>> setting = Setting(plan, sun, {2.0: np.zeros(97), 10.0: np.zeros(97)})
    >>> drive = Placement("survey-drive-1", "survey-drive", "survey-rover", "roscosmos", time[0], time[32],
    ...     180.0, 3e9)
    >>> schedule = Schedule(plan.id, plan.sha256, setting.site, time[0], time[-1], 900.0, (drive,))
    >>> [str(row) for row in rule_violations(schedule, setting)]
    ['survey-drive-1: survey-rover is in the dark from 2038-01-01T00:00:00Z to 2038-01-01T08:00:00Z']
    """
    activities = {row.id: row for row in setting.plan.activities}
    elements = {row.id: row for row in setting.plan.elements}
    found: list[Violation] = []
    known: list[tuple[Placement, Activity, Element]] = []
    seen: set[str] = set()
    for placed in schedule.placements:
        if placed.id in seen:
            found.append(Violation("twice", placed.id, "is placed twice"))
            continue
        seen.add(placed.id)
        activity = activities.get(placed.activity)
        days = _due(setting, activity) if activity else []
        number = placed.id.removeprefix(f"{placed.activity}-")
        if activity is None or not (number.isdigit() and 1 <= int(number) <= len(days)):
            found.append(Violation("unknown", placed.id, "is not due: the plan has no such activity or number"))
            continue
        known.append((placed, activity, elements[activity.element]))
        found += _changed(placed, activity, elements[activity.element])
        found += _of_day(placed, schedule, days[int(number) - 1])
        found += _absent(placed, setting, elements[activity.element])
        found += _sky(placed, setting, activity, elements[activity.element])
    found += _busy([placed for placed, _, _ in known])
    found += _order([(placed, activity) for placed, activity, _ in known], setting)
    return tuple(found)


def _due(setting: Setting, activity: Activity) -> list[tuple[np.datetime64, np.datetime64]]:
    """Days in which an activity is due."""
    marks = [setting.start, setting.stop]
    if activity.every == "lunar-day":
        marks += [t for t in setting.lunar_days.astype("datetime64[ms]") if setting.start < t < setting.stop]
    elif activity.every == "earth-day":
        day = setting.start.astype("datetime64[D]") + np.timedelta64(1, "D")
        while day.astype("datetime64[ms]") < setting.stop:
            marks.append(day.astype("datetime64[ms]"))
            day += np.timedelta64(1, "D")
    return list(pairwise(sorted(marks)))


def _changed(placed: Placement, activity: Activity, element: Element) -> Iterator[Violation]:
    """A placement that is not what the plan says."""
    told = (
        ("element", placed.element, activity.element),
        ("partner", placed.partner, activity.partner or element.owner),
    )
    for name, has, should in told:
        if has != should:
            yield Violation("changed", placed.id, f"{name} is {has!r}, in the plan {should!r}")
    numbers = (
        ("power_w", placed.power_w, activity.power_w, 1e-9),
        ("data_bit", placed.data_bit, activity.data_bit, 1e-9),
        ("duration", placed.duration_s, activity.duration_h * _HOUR_S, 2e-3),
    )
    for name, has_number, should_number, slack in numbers:
        if not abs(has_number - should_number) <= slack * max(1.0, abs(should_number) * (name != "duration")):
            yield Violation("changed", placed.id, f"{name} is {has_number:g}, in the plan {should_number:g}")


def _of_day(
    placed: Placement, schedule: Schedule, day: tuple[np.datetime64, np.datetime64]
) -> Iterator[Violation]:
    """A run outside its day or the period."""
    if placed.start < day[0] or placed.stop > day[1]:
        text = f"is due from {utc(day[0])} to {utc(day[1])} and would run {_span(placed.start, placed.stop)}"
        yield Violation("period", placed.id, text)
    elif placed.start < schedule.start or placed.stop > schedule.stop:
        yield Violation("period", placed.id, f"the period ends at {utc(schedule.stop)}")


def _absent(placed: Placement, setting: Setting, element: Element) -> Iterator[Violation]:
    """An element that is not there."""
    plan = setting.plan
    host = element
    while host.powered_by:
        host = plan.element(host.powered_by)
    mission = plan.mission(element.mission)
    if mission.status in ("lost", "cancelled"):
        yield Violation("absent", placed.id, f"{element.id}: its mission is {mission.status}")
        return
    home = getattr(plan.station, "site", None)
    stands = home if host.bus == "station" else plan.mission(host.mission).site
    if stands != setting.site or (setting.site is None and host.bus != "station"):
        yield Violation("absent", placed.id, f"{element.id} is not at {setting.site or 'the station'}")
    there = np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")
    if placed.start < there:
        yield Violation("absent", placed.id, f"{element.id} arrives by {utc(there)}")


def _sky(placed: Placement, setting: Setting, activity: Activity, element: Element) -> Iterator[Violation]:
    """Light, darkness and contact while it runs."""
    for need, kind, told in (("light", "light", "is in the dark"), ("dark", "dark", "is in light")):
        if need in activity.needs:
            wrong = _without(placed, setting, _brightest(setting, element), lit=need == "light")
            if wrong is not None:
                yield Violation(kind, placed.id, f"{element.id} {told} {_span(*wrong)}")
    if "earth" in activity.needs:
        windows = setting.contacts_of(element.id)
        if windows is None:
            return
        gap = _gap(placed.start, placed.stop, windows)
        if gap is not None:
            yield Violation("contact", placed.id, f"{element.id} is not in contact {_span(*gap)}")


def _brightest(setting: Setting, element: Element) -> npt.NDArray[np.float64]:
    """Largest fraction of the disc at the element's arrays, or those of its bus, or the lowest mast."""
    plan = setting.plan

    def masts(members: list[Element]) -> list[float]:
        arrays = [g for m in members for g in m.generators if isinstance(g, SolarArray)]
        return [height_m for array in arrays for height_m in array_heights_m(array)]

    bus = _bus(plan, element.id)
    ridden = [m for m in plan.elements if _bus(plan, m.id) == bus and plan.mission(m.mission).status not in _GONE]
    heights = masts([element]) or masts(ridden) or [min(setting.light_by_mast)]
    return np.max([np.asarray(setting.light_by_mast[mast_m], dtype=np.float64) for mast_m in heights], axis=0)


_GONE = ("lost", "cancelled")


def _bus(plan: Plan, name: str) -> str:
    """The bus that an element is on."""
    element = plan.element(name)
    while element.powered_by:
        element = plan.element(element.powered_by)
    return "station" if element.bus == "station" else element.id


def _without(
    placed: Placement, setting: Setting, light: npt.NDArray[np.float64], *, lit: bool
) -> tuple[np.datetime64, np.datetime64] | None:
    """First span of a run in which light (or darkness) is missing, at the samples and at its own ends."""
    time = np.asarray(setting.sun.time).astype("datetime64[ms]").astype(np.int64)
    begin, end = (int(t.astype("datetime64[ms]").astype(np.int64)) for t in (placed.start, placed.stop))
    inner = time[(time > begin) & (time < end)]
    knots = np.concatenate([[begin], inner, [end]])
    level = np.interp(knots, time, light)
    # Linear between knots: a stretch is dark only if both its ends are.
    dark = np.maximum(level[1:], level[:-1]) <= 0.0
    wrong = dark if lit else ~dark
    if not wrong.any():
        return None
    first = int(np.argmax(wrong))
    last = first
    while last + 1 < wrong.size and wrong[last + 1]:
        last += 1
    return np.datetime64(int(knots[first]), "ms"), np.datetime64(int(knots[last + 1]), "ms")


def _gap(
    start: np.datetime64, stop: np.datetime64, windows: npt.NDArray[np.datetime64]
) -> tuple[np.datetime64, np.datetime64] | None:
    """First span of a run that lies in none of the windows, which may touch or overlap."""
    reached = start
    for a, b in sorted((w[0], w[1]) for w in windows.astype("datetime64[ms]")):
        if a > reached or reached >= stop:
            break
        reached = max(reached, b)
    if reached >= stop:
        return None
    later = [a for a in windows[:, 0].astype("datetime64[ms]") if a > reached]
    return reached, min([stop, *later])


def _busy(rows: list[Placement]) -> Iterator[Violation]:
    """Two things at once on one element."""
    running: dict[str, Placement] = {}
    for row in sorted(rows, key=lambda row: (row.start, row.stop, row.id)):
        other = running.get(row.element)
        if other is not None and row.start < other.stop:
            for one, two in ((row, other), (other, row)):
                text = f"{two.element} is busy with {two.id} {_span(two.start, two.stop)}"
                yield Violation("busy", one.id, text)
        if other is None or row.stop > other.stop:
            running[row.element] = row


def _order(rows: list[tuple[Placement, Activity]], setting: Setting) -> Iterator[Violation]:
    """Runs that start before what they come after has ended."""
    placed = {row.id: row for row, _ in rows}
    activities = {row.id: row for row in setting.plan.activities}
    for row, activity in rows:
        number = int(row.id.removeprefix(f"{row.activity}-"))
        begins = _due(setting, activity)[number - 1][0]
        for name in activity.after:
            starts = [day[0] for day in _due(setting, activities[name])]
            wanted = f"{name}-{max(1, bisect.bisect_right(starts, begins))}"
            if wanted not in placed:
                yield Violation("order", row.id, f"comes after {wanted}, which is not placed")
            elif row.start < placed[wanted].stop:
                yield Violation("order", row.id, f"comes after {wanted}, which ends at {utc(placed[wanted].stop)}")


def _span(start: np.datetime64, stop: np.datetime64) -> str:
    return f"from {utc(start)} to {utc(stop)}"


def simulated(setting: Setting, placements: Iterable[Placement]) -> Simulation:
    """Run the station with activities, or without any.

    Parameters
    ----------
    setting : Setting
        The plan and the sky.
    placements : iterable of Placement
        What runs.

    Returns
    -------
    Simulation

    Raises
    ------
    ModelError
        If nothing with power stands at the site in this period.

    Examples
    --------
    >>> from moonpost.operations.checker import rule_violations  # see there
    """
    from moonpost.operations.simulation import simulate
    from moonpost.operations.station import Run

    return simulate(
        setting.plan,
        setting.sun,
        setting.light_by_mast,
        site=setting.site,
        contacts=setting.contacts,
        surface_k=setting.surface_k,
        runs=[Run(row.id, row.element, row.start, row.stop, row.power_w, row.data_bit) for row in placements],
    )


def check_schedule(schedule: Schedule, setting: Setting, *, reference: Simulation | None = None) -> CheckReport:
    """Check a schedule against windows, order and entitlements, and by simulating the station with it.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    setting : Setting
        The plan and the sky.
    reference : Simulation, optional
        The station without activities; it is simulated if not given.

    Returns
    -------
    CheckReport
        What the station suffers without activities too is not held against the schedule.

    Raises
    ------
    ModelError
        If nothing with power stands at the site in this period.

    Examples
    --------
    >>> from moonpost.operations.checker import rule_violations  # see there
    """
    found = list(rule_violations(schedule, setting))
    reference = reference or simulated(setting, ())
    hopeless = {row.id for row in found if row.kind in ("unknown", "twice", "absent", "busy")}
    names = {element.id for element in setting.plan.elements}
    running = [
        row
        for row in schedule.placements
        if row.id not in hopeless and row.element in names and _runs(row, setting)
    ]
    simulation = simulated(setting, running)
    found += _short(running, setting, simulation, reference)
    found += _told(running, simulation, reference)
    found += _entitled(schedule, setting, reference)
    worst = {name: value for name, value in simulation.to_dict().items() if name.endswith("_residual_relative")}
    found += [
        Violation("balance", "", f"{name} is {value:.1e}")
        for name, value in worst.items()
        if not value <= _RESIDUAL
    ]
    return CheckReport(tuple(found), simulation, reference)


def _runs(row: Placement, setting: Setting) -> bool:
    """Whether a run can be simulated: it ends after its start, in the period, with numbers that are numbers."""
    numbers = np.isfinite([row.power_w, row.data_bit]).all() and min(row.power_w, row.data_bit) >= 0.0
    return bool(numbers) and bool(setting.start <= row.start < row.stop <= setting.stop)


_RESIDUAL = 1e-6
_SHORT_W = 1e-3
_SHORT_WH = 1e-3


def _short(
    running: list[Placement], setting: Setting, simulation: Simulation, reference: Simulation
) -> Iterator[Violation]:
    """Loads shed that are served without the schedule, with the energy that the store lacks."""
    time = simulation.series["time"].values.astype("datetime64[ms]")
    step = np.timedelta64(round(setting.slot_s * 1000.0), "ms")
    for bus in simulation.series["bus"].values.tolist():
        rows = [row for row in running if _bus(setting.plan, row.element) == bus]
        shed_w, without_w = (found.series["shed_w"].sel(bus=bus).values for found in (simulation, reference))
        more_w = np.where(shed_w > without_w + _SHORT_W, shed_w - without_w, 0.0)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (more_w > 0.0).astype(np.int8), [0]])))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            lacking_wh = float(more_w[first:last].sum() * setting.slot_s / _HOUR_S)
            if lacking_wh < _SHORT_WH:
                continue
            begin, end = time[first], time[last - 1] + step
            name = _blamed(rows, begin, end)
            usable = float(simulation.series["usable_wh"].sel(bus=bus).values[first])
            text = f"store of {bus} would be at {-lacking_wh:.4g} Wh at {utc(end)}, empty from {utc(begin)}"
            if usable <= 0.0:
                text = f"{bus} has no store and lacks {lacking_wh:.4g} Wh {_span(begin, end)}"
            yield Violation("power", name, f"{text}: loads that are served without it are shed")


def _told(running: list[Placement], simulation: Simulation, reference: Simulation) -> Iterator[Violation]:
    """Events that the simulation tells with the schedule and not without it."""
    known = {(event.kind, event.subject) for event in reference.events}
    states: dict[str, str] = {}
    for event in simulation.events:
        rows = [row for row in running if row.element == event.subject]
        begin, end = event.time - _MILLI, event.time + _MILLI
        if event.kind in _STATES:
            states[event.subject] = event.kind
        if event.kind in ("run-refused", "run-stopped"):
            near = [row for row in rows if row.start - _MILLI <= event.time <= row.stop]
            kind = "asleep" if states.get(event.subject) in ("sleep", "wake", None) else "temperature"
            why = "sleeps" if kind == "asleep" else _WHY[states[event.subject]]
            yield Violation(kind, _blamed(near, begin, end), f"{event.subject} {why} at {utc(event.time)}")
        elif event.kind == "machine-lost" and (event.kind, event.subject) not in known:
            text = f"{event.subject} is lost at {utc(event.time)}: {event.text}"
            yield Violation("lost", _blamed(rows, begin, end), text)
    yield from _overflown(running, simulation, reference)


_STATES = ("sleep", "wake", "too-cold", "too-warm", "cold-ends", "warm-ends")
_WHY = {
    "too-cold": "is too cold to work",
    "too-warm": "is too warm to work",
    "cold-ends": "is too cold to work",
    "warm-ends": "is too warm to work",
}
_LOST_BIT = 1.0


def _overflown(running: list[Placement], simulation: Simulation, reference: Simulation) -> Iterator[Violation]:
    """Data lost that are kept without the schedule."""
    if "lost_bit_s" not in simulation.series:
        return
    time = simulation.series["time"].values.astype("datetime64[ms]")
    step_s = float(simulation.series.attrs["step_s"])
    for name in simulation.series["recorder"].values.tolist():
        with_bit, without_bit = (
            found.series["lost_bit_s"].sel(recorder=name).values * step_s for found in (simulation, reference)
        )
        more = np.maximum(with_bit - without_bit, 0.0)
        if more.sum() <= max(_LOST_BIT, 1e-9 * float(without_bit.sum())):
            continue
        at = time[int(np.argmax(more > 0.0))]
        rows = [row for row in running if row.element == name]
        text = f"recorder of {name} would overflow and lose {more.sum() / 1e6:.3g} Mbit from {utc(at)}"
        yield Violation("data", _blamed(rows, at, at + np.timedelta64(round(step_s * 1000.0), "ms")), text)


def _blamed(rows: list[Placement], begin: np.datetime64, end: np.datetime64) -> str:
    """The run that began last before something went wrong, those still running first."""
    active = [row for row in rows if row.start < end and row.stop > begin]
    before = [row for row in rows if row.start < end]
    found = max(active or before, key=lambda row: (row.start, row.id), default=None)
    return found.id if found else ""


def _entitled(schedule: Schedule, setting: Setting, reference: Simulation) -> Iterator[Violation]:
    """Partners that get more than they are entitled to."""
    from moonpost.operations.entitlements import limits_of

    for limit in limits_of(setting, schedule.entitlements, reference):
        used, last = 0.0, None
        for row in sorted(schedule.placements, key=lambda row: (row.start, row.id)):
            if row.partner != limit.partner or not limit.start <= row.start < limit.stop:
                continue
            if (limit.element and row.element != limit.element) or row.element in limit.others:
                continue
            used += row.energy_wh if limit.resource == "energy" else row.duration_s / _HOUR_S
            last = row
        if last is not None and used > limit.most * (1.0 + 1e-9) + 1e-6:
            unit = "Wh" if limit.resource == "energy" else "h"
            of = f" of {limit.element}" if limit.element else ""
            text = f"{limit.partner} would have {used:.4g} {unit}{of} in lunar day {limit.lunar_day}"
            yield Violation("entitlement", last.id, f"{text}, and is entitled to {limit.most:.4g} {unit}")
