"""How faults run their course: seen at the next contact, commanded after a latency, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.changes import Change, Quantity
from moonpost.operations.faults import FAULT_KINDS, PROCEDURES, MachineFault, affected
from moonpost.plan.model import Plan

__all__ = ["Course", "Mark", "changes_of", "courses_of", "fault_changes", "unreported", "windows_ms"]

_Windows = npt.NDArray[np.int64]
_EVER = 2**61
_HOUR_MS = 3_600_000.0
_NEVER = np.datetime64("NaT", "ms")
_FIRST = {"lost-relay": 0, "late-command": 1}


@dataclass(frozen=True)
class _Effect:
    """A fault or a remedy that holds on one quantity of a machine for a time [ms since 1970]."""

    subject: str
    quantity: Quantity
    start: int
    stop: int
    value: float


@dataclass(frozen=True)
class Mark:
    """A step in the course of a fault.

    Parameters
    ----------
    time : datetime64[ms]
        When, UTC.
    kind : str
        ``fault-begins``, ``fault-detected``, ``recovery-begins`` or ``fault-ends``.
    text : str
        What happened, for people.

    Examples
    --------
    >>> Mark(np.datetime64("2040-02-01", "ms"), "fault-begins", "dust").kind
    'fault-begins'
    """

    time: np.datetime64
    kind: str
    text: str


@dataclass(frozen=True)
class Course:
    """What becomes of one fault on one machine.

    Parameters
    ----------
    fault : MachineFault
        The fault.
    subject : str
        The machine touched.
    procedure : str
        What was commanded, or ``"none"``.
    marks : tuple of Mark
        From its begin to its end, as far as they come.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> dust = MachineFault("dust", "yutu-2", np.datetime64("2040-02-01", "ms"), 0.3)
    >>> [mark.kind for mark in courses_of(load_plan("ilrs"), [dust])[0].marks]
    ['fault-begins', 'fault-detected', 'recovery-begins', 'fault-ends']
    """

    fault: MachineFault
    subject: str
    procedure: str
    marks: tuple[Mark, ...]
    effects: tuple[Any, ...] = ()

    def time_of(self, kind: str) -> np.datetime64:
        """When a step came, UTC; NaT if it did not."""
        return next((mark.time for mark in self.marks if mark.kind == kind), _NEVER)

    def to_dict(self) -> dict[str, Any]:
        """The course as plain values, times as text, for JSON."""
        times = {mark.kind: str(mark.time) + "Z" for mark in self.marks}
        return {
            "kind": self.fault.kind,
            "subject": self.subject,
            "size": self.fault.amount,
            "procedure": self.procedure,
            "begins": times.get("fault-begins"),
            "detected": times.get("fault-detected"),
            "recovery": times.get("recovery-begins"),
            "ends": times.get("fault-ends"),
        }


def courses_of(plan: Plan, faults: Iterable[MachineFault], contacts: Any = None) -> tuple[Course, ...]:
    """Follow faults from their begin over detection and command to their end.

    Parameters
    ----------
    plan : Plan
        The plan.
    faults : iterable of MachineFault
        In any order.
    contacts : array-like (m, 2) of datetime64, or mapping of str to such, optional
        Windows in which machines are heard and commanded, by element or for all; always if not given.

    Returns
    -------
    tuple of Course
        In the order of their begins; one for each machine that a fault touches.

    Raises
    ------
    UnknownNameError
        If the plan has no such machine.
    InputError
        If a machine cannot have the fault, or windows cannot be used.

    Notes
    -----
    A fault is seen at the first instant of contact from its begin on. The command goes out in the first contact
    after the latency, and works after the time that its procedure takes. While a relay is silent, other faults of
    the machines that it serves are neither seen nor answered; while commands come late, they are seen only.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> dust = MachineFault("dust", "yutu-2", np.datetime64("2040-02-01", "ms"), 0.3)
    >>> windows = np.array([["2040-02-03", "2040-02-04"], ["2040-02-09", "2040-02-10"]], dtype="datetime64[ms]")
    >>> [str(mark.time)[:13] for mark in courses_of(load_plan("ilrs"), [dust], windows)[0].marks]
    ['2040-02-01T00', '2040-02-03T00', '2040-02-04T00', '2040-02-05T00']
    """
    pairs = [(fault, subject) for fault in faults for subject in affected(plan, fault)]
    pairs.sort(key=lambda pair: (_FIRST.get(pair[0].kind, 2), _ms(pair[0].time), pair[1], pair[0].kind))
    heard: dict[str, _Windows] = {}
    answered: dict[str, _Windows] = {}
    found = []
    for fault, subject in pairs:
        if subject not in heard:
            heard[subject] = answered[subject] = _windows(contacts, subject)
        own = FAULT_KINDS[fault.kind].quantity == "contact" or fault.kind == "late-command"
        raw = _windows(contacts, subject) if own else None
        course = _course(
            plan, fault, subject, heard[subject] if raw is None else raw, answered[subject] if raw is None else raw
        )
        found.append(course)
        if own:
            stop = course.time_of("fault-ends")
            gap = (_ms(fault.time), _EVER if np.isnat(stop) else _ms(stop))
            answered[subject] = _without(answered[subject], *gap)
            if fault.kind == "lost-relay":
                heard[subject] = _without(heard[subject], *gap)
    return tuple(sorted(found, key=lambda course: (_ms(course.fault.time), course.subject, course.fault.kind)))


def changes_of(plan: Plan, courses: Sequence[Course]) -> tuple[Change, ...]:
    """What the courses of faults set on machines, with every step as an event.

    Parameters
    ----------
    plan : Plan
        The plan.
    courses : sequence of Course
        From `courses_of`; all that concern a period, since faults on one machine add up.

    Returns
    -------
    tuple of Change
        In order of time. Losses of several faults multiply; lost battery strings add up.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan, day = load_plan("ilrs"), np.datetime64("2040-02-01", "ms")
    >>> two = [MachineFault("dust", "yutu-2", day + np.timedelta64(k, "D"), 0.5, "none") for k in (0, 1)]
    >>> [c.value for c in changes_of(plan, courses_of(plan, two)) if c.quantity == "array-factor"]
    [0.5, 0.25]
    """
    effects: dict[tuple[str, str], list[_Effect]] = {}
    for course in courses:
        for effect in course.effects:
            effects.setdefault((effect.subject, effect.quantity), []).append(effect)
    modules = {element.id: element.storage.modules for element in plan.elements if element.storage}
    steps = [(mark, course) for course in courses for mark in course.marks]
    steps.sort(key=lambda step: (_ms(step[0].time), _ORDER[step[0].kind]))
    found: list[Change] = []
    last: dict[tuple[str, str], float] = {}
    for mark, course in steps:
        found.extend(_changes_at(mark, course, effects, modules, last))
    return tuple(found)


def fault_changes(plan: Plan, faults: Iterable[MachineFault], contacts: Any = None) -> tuple[Change, ...]:
    """What faults and the recovery from them set on machines: `courses_of` and `changes_of` in one.

    Parameters
    ----------
    plan : Plan
        The plan.
    faults : iterable of MachineFault
        In any order.
    contacts : array-like (m, 2) of datetime64, or mapping of str to such, optional
        Windows of contact, as in `courses_of`.

    Returns
    -------
    tuple of Change
        For ``simulate(..., changes=...)``.

    Raises
    ------
    UnknownNameError, InputError
        As in `courses_of`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> stuck = MachineFault("stuck-array", "ce7-lander", np.datetime64("2040-02-01", "ms"))
    >>> [(c.kind, c.quantity, c.value) for c in fault_changes(load_plan("ilrs"), [stuck])][::3]
    [('fault-begins', 'array-turns', 0.0), ('fault-ends', 'array-turns', 1.0)]
    """
    return changes_of(plan, courses_of(plan, faults, contacts))


def unreported(courses: Iterable[Course], events: Iterable[Any], stop: Any = None) -> list[str]:
    """Steps of faults that a simulation's events do not tell.

    Parameters
    ----------
    courses : iterable of Course
        The faults.
    events : iterable of SimulationEvent
        What was told: rows with ``time``, ``subject`` and ``kind``.
    stop : datetime64, optional
        End of the period; later steps are not asked for.

    Returns
    -------
    list of str
        One line for each step that is missing; empty if all is told.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> dust = MachineFault("dust", "yutu-2", np.datetime64("2040-02-01", "ms"), 0.3, "none")
    >>> unreported(courses_of(plan, [dust]), [])[0]
    'yutu-2: dust: fault-begins at 2040-02-01T00:00:00.000'
    """
    told: dict[tuple[int, str, str], int] = {}
    for event in events:
        key = (_ms(event.time), event.subject, event.kind)
        told[key] = told.get(key, 0) + 1
    missing = []
    for course in courses:
        for mark in course.marks:
            if stop is not None and mark.time >= stop:
                continue
            key = (_ms(mark.time), course.subject, mark.kind)
            told[key] = told.get(key, 0) - 1
            if told[key] < 0:
                missing.append(f"{course.subject}: {course.fault.kind}: {mark.kind} at {mark.time}")
    return missing


_ORDER = {"fault-begins": 0, "fault-detected": 1, "recovery-begins": 2, "fault-ends": 3}


def windows_ms(contacts: Any, subjects: Iterable[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Windows of contact by machine, checked, in order and joined where they meet.

    Parameters
    ----------
    contacts : array-like (m, 2) of datetime64, or mapping of str to such, or None
        Windows for all machines or by machine; None is contact at all times.
    subjects : iterable of str
        The machines.

    Returns
    -------
    dict of str to ndarray, (m, 2)
        First and last instant [ms since 1970]; `courses_of` takes it as it takes windows.

    Raises
    ------
    InputError
        If windows cannot be used.

    Examples
    --------
    >>> rows = np.array([["2040-01-02", "2040-01-04"], ["2040-01-01", "2040-01-02"]], dtype="datetime64[ms]")
    >>> windows_ms(rows, ["rover"])["rover"].astype("datetime64[ms]").astype("datetime64[D]").astype(str).tolist()
    [['2040-01-01', '2040-01-04']]
    """
    return {subject: _windows(contacts, subject) for subject in subjects}


def _ms(time: Any) -> int:
    return int(np.datetime64(time, "ms").astype(np.int64))


def _utc(ms: int) -> np.datetime64:
    return np.datetime64(ms, "ms")


def _windows(contacts: Any, subject: str) -> _Windows:
    """Windows of a machine in order, joined where they meet [ms]; all time if none are given."""
    chosen = contacts.get(subject) if isinstance(contacts, Mapping) else contacts
    if isinstance(chosen, np.ndarray) and chosen.dtype == np.int64:
        return chosen
    if chosen is None:
        return np.array([[-_EVER, _EVER]], dtype=np.int64)
    rows = np.asarray(chosen, dtype="datetime64[ms]")
    if rows.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if rows.ndim != 2 or rows.shape[1] != 2 or np.isnat(rows).any() or (rows[:, 0] > rows[:, 1]).any():
        raise InputError(
            "are not rows of a first and a last instant", where="contacts", advice="give windows as (m, 2), UTC"
        )
    return _joined(rows.astype(np.int64))


def _joined(rows: _Windows) -> _Windows:
    """Windows in order, those that meet made one."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    reach = np.maximum.accumulate(rows[:, 1])
    first = np.concatenate([[True], rows[1:, 0] > reach[:-1]])
    return np.stack([rows[first, 0], reach[np.append(np.flatnonzero(first)[1:], len(rows)) - 1]], axis=1)


def _without(windows: _Windows, start: int, stop: int) -> _Windows:
    """Windows less a gap."""
    before = np.stack([windows[:, 0], np.minimum(windows[:, 1], start - 1)], axis=1)[windows[:, 0] < start]
    after = np.stack([np.maximum(windows[:, 0], stop), windows[:, 1]], axis=1)[windows[:, 1] >= stop]
    return np.concatenate([before, after])


def _next(windows: _Windows, ms: int) -> int | None:
    """First instant of contact from an instant on; None if there is none any more."""
    k = int(np.searchsorted(windows[:, 1], ms))
    return max(int(windows[k, 0]), ms) if k < len(windows) else None


def _procedure(plan: Plan, fault: MachineFault, subject: str) -> str:
    """What is commanded; from a lost relay to another one if the plan has one, else to the Earth."""
    if fault.kind != "lost-relay":
        return fault.procedure
    relays = {element.id for element in plan.elements if element.kind == "relay"}
    used = {fault.subject} if fault.subject in relays else _relays_of(plan, subject, relays)
    if fault.recovery is None:
        return "other-relay" if relays - used else "direct-contact"
    if fault.recovery == "other-relay" and not relays - used:
        raise InputError(
            "the plan has no other relay",
            where=f"{fault.where or 'MachineFault'}.recovery",
            advice="use direct-contact or none",
        )
    return fault.recovery


def _relays_of(plan: Plan, subject: str, relays: set[str]) -> set[str]:
    """The relays that a machine has links with."""
    ends = [(link.sender, link.receiver) for link in plan.links]
    return relays & ({b for a, b in ends if a == subject} | {a for a, b in ends if b == subject})


def _course(plan: Plan, fault: MachineFault, subject: str, heard: _Windows, answered: _Windows) -> Course:
    """Follow one fault on one machine."""
    begin = _ms(fault.time)
    stop = _EVER if fault.days is None else begin + round(fault.days * 24.0 * _HOUR_MS)
    if fault.kind == "late-command":
        stop = min(stop, begin + round(fault.amount * _HOUR_MS))
    name = _procedure(plan, fault, subject)
    procedure = PROCEDURES.get(name)
    marks = [Mark(fault.time.astype("datetime64[ms]"), "fault-begins", fault.text)]
    seen = _next(heard, begin)
    commanded = None
    if seen is not None and seen < stop:
        late = (seen - begin) / _HOUR_MS
        marks.append(Mark(_utc(seen), "fault-detected", f"{fault.kind} seen {late:.1f} h after it began"))
        if procedure is not None:
            commanded = _next(answered, seen + round(fault.latency_h * _HOUR_MS))
    worked = None
    if procedure is not None and commanded is not None and commanded < stop:
        text = f"{fault.kind}: {procedure.text}, commanded {(commanded - begin) / _HOUR_MS:.1f} h after it began"
        marks.append(Mark(_utc(commanded), "recovery-begins", text))
        worked = commanded + round(procedure.takes_h * _HOUR_MS)
    effects, left = _effects(fault, subject, name, begin, worked, stop)
    cleared = procedure is not None and procedure.clears and worked is not None
    end = min(worked, stop) if cleared and worked is not None else stop
    if end < _EVER:
        by_itself = not cleared or (worked is not None and worked > stop)
        text = f"{fault.kind} is over" + (" by itself" if by_itself else left)
        marks.append(Mark(_utc(end), "fault-ends", text))
    return Course(fault, subject, name if worked is not None else "none", tuple(marks), tuple(effects))


def _effects(
    fault: MachineFault, subject: str, name: str, begin: int, worked: int | None, stop: int
) -> tuple[list[_Effect], str]:
    """What holds from when to when, and what is left once the recovery has worked."""
    quantity = FAULT_KINDS[fault.kind].quantity
    value = _value(fault)
    if worked is None or worked >= stop:
        return [_Effect(subject, quantity, begin, stop, value)], ""
    procedure = PROCEDURES[name]
    strength = fault.strength if fault.strength is not None else procedure.strength
    if not procedure.clears:
        assert strength is not None
        eased = _Effect(subject, "load-factor", worked, stop, strength)
        return [_Effect(subject, quantity, begin, stop, value), eased], ""
    found = [_Effect(subject, quantity, begin, worked, value)]
    if name == "wake-command":
        found.append(_Effect(subject, "asleep", worked, worked, 0.0))
    if strength is None or strength >= 1.0:
        return found, ""
    lost = (1.0 - value) * (1.0 - strength)
    found.append(_Effect(subject, quantity, worked, stop, 1.0 - lost))
    return found, f"; {lost:.1%} stays lost"


def _value(fault: MachineFault) -> float:
    """What a fault makes of its quantity; of battery strings the number lost."""
    if fault.kind in ("dust", "failed-source", "blocked-radiator"):
        return 1.0 - fault.amount
    if fault.kind == "failed-string":
        return fault.amount
    return 1.0 if fault.kind == "stuck-heater" else 0.0


def _joint(quantity: str, values: list[float], modules: int) -> float:
    """One value of a quantity from all effects that hold."""
    if quantity == "battery-modules":
        return max(modules - sum(values), 0.0)
    if quantity == "heater-stuck":
        return max(values, default=0.0)
    return float(np.prod(values)) if values else 1.0


def _changes_at(
    mark: Mark,
    course: Course,
    effects: Mapping[tuple[str, str], list[_Effect]],
    modules: Mapping[str, int],
    last: dict[tuple[str, str], float],
) -> list[Change]:
    """Changes of one step; the first carries its event, and one that alters nothing if none is needed."""
    now, subject = _ms(mark.time), course.subject
    found: list[Change] = []
    for effect in course.effects:
        if now not in (effect.start, effect.stop) or any(change.quantity == effect.quantity for change in found):
            continue
        value = 0.0
        if effect.quantity != "asleep":
            key = (subject, effect.quantity)
            holding = [e.value for e in effects[key] if e.start <= now < e.stop]
            value = _joint(effect.quantity, holding, modules.get(subject, 1))
            if value == last.get(key, _joint(effect.quantity, [], modules.get(subject, 1))):
                continue
            last[key] = value
        elif mark.kind != "fault-ends":
            continue
        kind, text = (mark.kind, mark.text) if not found else ("command", f"{course.fault.kind}: wake")
        found.append(Change(mark.time, subject, effect.quantity, value, kind, text))
    if not found:
        held = [e.value for e in effects.get((subject, "load-factor"), []) if e.start <= now < e.stop]
        found.append(
            Change(mark.time, subject, "load-factor", _joint("load-factor", held, 1), mark.kind, mark.text)
        )
    return found
