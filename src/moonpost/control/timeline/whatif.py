"""What if: edits of the schedule and changes to machines, checked by rules and by simulation, kept nowhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from moonpost.control.timeline.windows import instant, milliseconds
from moonpost.errors import InputError
from moonpost.operations.changes import QUANTITIES, Change

if TYPE_CHECKING:
    from moonpost.control.timeline.book import ScheduleBook
    from moonpost.operations.placements import Placement, Schedule, Setting
    from moonpost.operations.record import Simulation

__all__ = ["Edit", "Finding", "Tried", "compare", "try_edits"]

_MOST_EDITS = 50
_VERBS = ("move", "shift", "remove", "add", "change")
_SEVERE = ("machine-lost", "storage-empty")
_TOLD = ("machine-lost", "storage-empty", "element-shed-begins", "command-refused", "run-refused", "run-stopped",
         "data-lost", "too-cold", "too-warm", "recorder-full")  # fmt: skip
_DROP = 0.01


@dataclass(frozen=True)
class Edit:
    """One thing that is tried.

    Parameters
    ----------
    do : str
        ``move``, ``shift``, ``remove`` or ``add`` an occurrence of the schedule, or ``change`` a machine.
    id : str
        The occurrence, such as ``survey-drive-3``, or the machine to change.
    to_ms : float or None
        Where it is moved, added or changed, milliseconds since 1970 UTC.
    by_s : float or None
        By how much it is shifted [s].
    quantity : str
        What is changed, of `moonpost.operations.changes.QUANTITIES`.
    value : float or None
        To what.

    Raises
    ------
    InputError
        If something that it needs is missing or cannot be used.

    Examples
    --------
    >>> Edit("shift", "survey-drive-3", by_s=-7200.0).text
    'shift survey-drive-3 -7200s'
    """

    do: str
    id: str
    to_ms: float | None = None
    by_s: float | None = None
    quantity: str = ""
    value: float | None = None

    def __post_init__(self) -> None:
        if self.do not in _VERBS:
            raise InputError(f"is {self.do!r}", where="edit.do", advice=f"use one of {', '.join(_VERBS)}")
        if not self.id or len(self.id.split()) != 1:
            raise InputError(f"is {self.id!r}", where="edit.id", advice="name an occurrence or a machine")
        needed = {"move": ("to_ms",), "add": ("to_ms",), "shift": ("by_s",), "change": ("to_ms", "value")}
        for name in needed.get(self.do, ()):
            number = getattr(self, name)
            if number is None or not math.isfinite(number):
                raise InputError("is missing or no number", where=f"edit.{name}", advice=f"{self.do} needs it")
        if self.do == "change" and self.quantity not in QUANTITIES:
            raise InputError(
                f"is {self.quantity!r}", where="edit.quantity", advice=f"use one of {', '.join(QUANTITIES)}"
            )

    @property
    def text(self) -> str:
        """The edit as `moonpost.operations.edits` reads it; of a change, for people."""
        if self.do == "shift":
            return f"shift {self.id} {'-' if (self.by_s or 0.0) < 0 else '+'}{abs(round(self.by_s or 0.0))}s"
        if self.do == "remove":
            return f"remove {self.id}"
        when = f"{instant(self.to_ms or 0.0, 'edit.to_ms')!s}Z"
        if self.do == "change":
            return f"set {self.quantity} of {self.id} to {self.value:g} at {when}"
        return f"{self.do} {self.id} {when}"

    @property
    def change(self) -> Change | None:
        """The change of a machine; None for an edit of the schedule."""
        if self.do != "change":
            return None
        at = instant(self.to_ms or 0.0, "edit.to_ms")
        return Change(at, self.id, self.quantity, float(self.value or 0.0), text=self.text)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Finding:
    """Something that edits would bring about.

    Parameters
    ----------
    severity : {"critical", "warning", "note"}
        How much it matters.
    kind : str
        A kind of `moonpost.operations.checker.KINDS`, of an event of the simulation, or ``store``.
    subject : str
        The occurrence, machine or bus.
    text : str
        What, with times and numbers.
    time : datetime64 or None
        When, UTC.

    Examples
    --------
    >>> Finding("warning", "light", "drive-1", "is in the dark").to_dict()["time_ms"] is None
    True
    """

    severity: Literal["critical", "warning", "note"]
    kind: str
    subject: str
    text: str
    time: np.datetime64 | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain values, for JSON."""
        return {
            "severity": self.severity, "kind": self.kind, "subject": self.subject, "text": self.text,
            "time_ms": None if self.time is None else milliseconds(self.time),
        }  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """What became of edits that were tried.

    Parameters
    ----------
    accepted : bool
        Whether the rules of schedules, and the simulation, let them pass: nothing critical was found.
    findings : tuple of Finding
        The gravest first.
    placements : tuple of Placement
        The schedule with the edits.
    simulation : Simulation
        The station with them.
    value, former_value : float
        Worth of the schedule with them, and without.

    Examples
    --------
    >>> from moonpost.control.timeline.whatif import try_edits  # see there
    """

    accepted: bool
    findings: tuple[Finding, ...]
    placements: tuple[Placement, ...]
    simulation: Simulation = field(repr=False)
    value: float = 0.0
    former_value: float = 0.0


def try_edits(
    book: ScheduleBook, edits: Sequence[Edit], *, changes: Sequence[Change] = (), now: np.datetime64 | None = None
) -> Tried:
    """Try edits on the schedule of a book; neither the schedule nor the station is changed.

    Parameters
    ----------
    book : ScheduleBook
        The schedule and its sky.
    edits : sequence of Edit
        What is tried, together.
    changes : sequence of Change, optional
        What has been commanded already.
    now : datetime64, optional
        Mission time: what is moved or added before it, or changed, is refused.

    Returns
    -------
    Tried

    Raises
    ------
    InputError
        If edits are missing, too many, in the past, or cannot be read.
    UnknownNameError
        If they name what is not there.
    ModelError
        If nothing with power stands at the site in this period.

    Notes
    -----
    The schedule is checked by `moonpost.operations.checker`; what was wrong before is not held against an edit.
    Then the station is simulated with the activities and changes before and after, and what comes on top is told.

    Examples
    --------
    >>> from moonpost.control.timeline.timeline import Timeline  # see there
    """
    from moonpost.operations.edits import edit, edited

    if not 1 <= len(edits) <= _MOST_EDITS:
        raise InputError(f"{len(edits)} edits", where="edits", advice=f"give 1 to {_MOST_EDITS}")
    _not_before(edits, now)
    schedule = _schedule_of(book)
    setting, reference = book.setting(), book.reference()
    texts = [row.text for row in edits if row.do != "change"]
    wanted = [row.change for row in edits if row.change is not None]
    after: Schedule = schedule
    for text in texts:
        after = edit(after, setting, text)
    findings: list[Finding] = []
    if texts:
        reasons = edited(schedule, setting, texts, reference=reference).reasons
        findings += [Finding("critical", row.kind, row.id, row.text) for row in reasons]
    before = simulated_with(setting, schedule.placements, changes)
    tried = simulated_with(setting, after.placements, [*changes, *wanted])
    known = {row.kind for row in findings}
    findings += [row for row in compare(before, tried) if row.kind not in known or row.severity == "critical"]
    order = ("critical", "warning", "note")
    findings.sort(key=lambda row: order.index(row.severity))
    accepted = not any(row.severity == "critical" for row in findings)
    return Tried(accepted, tuple(findings), after.placements, tried, after.value, schedule.value)


def commanded(simulation: Simulation | None) -> tuple[Change, ...]:
    """What has been changed on machines in a simulation, as its events tell."""
    if simulation is None:
        return ()
    return tuple(
        Change(
            event.time, event.subject, event.data["quantity"], float(event.data["value"]), event.kind, event.text
        )
        for event in simulation.events
        if "quantity" in event.data
    )


def simulated_with(setting: Setting, placements: Sequence[Placement], changes: Sequence[Change]) -> Simulation:
    """The station with activities and changes; changes of machines that are not in the setting are left out."""
    from moonpost.operations.simulation import simulate
    from moonpost.operations.station import Run

    inside = [row for row in placements if setting.start <= row.start < row.stop <= setting.stop]
    return simulate(
        setting.plan,
        setting.sun,
        setting.light_by_mast,
        site=setting.site,
        contacts=setting.contacts,
        surface_k=setting.surface_k,
        runs=[Run(row.id, row.element, row.start, row.stop, row.power_w, row.data_bit) for row in inside],
        changes=changes,
    )


def compare(before: Simulation, after: Simulation) -> tuple[Finding, ...]:
    """What comes on top in one simulation of a station against another of the same period.

    Parameters
    ----------
    before, after : Simulation
        Without, and with what is tried.

    Returns
    -------
    tuple of Finding

    Examples
    --------
    >>> from moonpost.study.simulation import simulate_plan
    >>> run = simulate_plan("ilrs", "2040-01-01", 2.0)
    >>> compare(run, run)
    ()
    """
    return (*_events(before, after), *_stores(before, after), *_sleepers(before, after))


def _not_before(edits: Sequence[Edit], now: np.datetime64 | None) -> None:
    """Refuse what would change the past."""
    if now is None:
        return
    for row in edits:
        if row.to_ms is not None and row.to_ms < milliseconds(now):
            raise InputError(
                f"{row.text} lies before mission time", where="edit.to_ms", advice="what is past cannot be changed"
            )


def _schedule_of(book: ScheduleBook) -> Schedule:
    """The schedule of a book, or what keeps it from having one."""
    found = book.wait()
    if found is None:
        raise InputError(
            book.error or "no schedule is there yet", where="timeline", advice="wait until it is computed"
        )
    return found


def _events(before: Simulation, after: Simulation) -> Iterator[Finding]:
    """Bad events that come on top, the first of each kind and subject."""
    known = Counter((event.kind, event.subject) for event in before.events)
    times = {(event.kind, event.subject, event.time) for event in before.events}
    more = Counter((event.kind, event.subject) for event in after.events)
    told: set[tuple[str, str]] = set()
    for event in after.events:
        key = (event.kind, event.subject)
        if event.kind not in _TOLD or key in told or (*key, event.time) in times or more[key] <= known[key]:
            continue
        told.add(key)
        count = more[key] - known[key]
        times_text = f"{count} more times, first " if count > 1 else ""
        severity: Literal["critical", "warning"] = "critical" if event.kind in _SEVERE else "warning"
        when = str(event.time.astype("datetime64[s]"))
        yield Finding(severity, event.kind, event.subject, f"{event.text} ({times_text}{when}Z)", event.time)


def _stores(before: Simulation, after: Simulation) -> Iterator[Finding]:
    """Stores that run lower."""
    time = after.series["time"].values
    for name in after.series["bus"].values.tolist():
        if name not in before.series["bus"].values:
            continue
        old, new = (run.series["stored_fraction"].sel(bus=name).values for run in (before, after))
        at = int(np.argmin(new))
        if float(new[at]) < float(old.min()) - _DROP:
            text = f"store of {name} falls to {100 * float(new[at]):.0f} %, else to {100 * float(old.min()):.0f} %"
            yield Finding("warning" if new[at] < 0.2 else "note", "store", str(name), text, time[at])


def _sleepers(before: Simulation, after: Simulation) -> Iterator[Finding]:
    """Machines that sleep on at the end and would not."""
    for name in after.series["element"].values.tolist():
        if name not in before.series["element"].values:
            continue
        old, new = (run.series["element_working"].sel(element=name).values for run in (before, after))
        if new[-1] < 0.5 <= old[-1]:
            last = int(np.flatnonzero(new >= 0.5)[-1]) if (new >= 0.5).any() else 0
            when = after.series["time"].values[last]
            text = f"{name} does not work from {when.astype('datetime64[s]')!s}Z to the end of the period"
            yield Finding("critical", "asleep", str(name), text, when)
