"""The computer on board: takes telecommands, holds the time-tagged queue, and reports what came of each."""

from __future__ import annotations

from bisect import insort
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from moonpost.control.packets.telecommands import (
    CommandDictionary,
    CommandError,
    CommandLayout,
    Telecommand,
    decode_command,
)
from moonpost.control.station.catalogue import Verb, verb_of
from moonpost.control.station.clock import OnBoardClock
from moonpost.control.station.instants import microseconds, utc
from moonpost.control.station.journal import Entry
from moonpost.control.station.reports import FAILURES, Report
from moonpost.control.station.verifying import Check, verdict
from moonpost.control.station.world import Future, World
from moonpost.errors import InputError
from moonpost.operations.simulation import Change, Run

__all__: list[str] = []

_MOST_QUEUED = 1000
_RANK_COMMAND = 2


@dataclass(frozen=True, order=True)
class Queued:
    """A telecommand in the time-tagged queue.

    Parameters
    ----------
    release_us : int
        When the clock on board shows its time tag, up to a millisecond [us of UTC].
    order : int
        Its number among all telecommands on board.
    ticks : int
        Its time tag: a count of the clock on board.
    command : Telecommand
        What is released.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    release_us: int
    order: int
    ticks: int = field(compare=False)
    command: Telecommand = field(compare=False)


class Computer:
    """What is on board: queue, switches, and what commands changed.

    Parameters
    ----------
    commands : CommandDictionary
        What it understands.
    world : World
        The plan under its sky.
    clock : OnBoardClock
        Its clock.

    Notes
    -----
    What it does follows from the telecommands that arrived and from nothing else, in the order of time; only
    whether a telecommand was carried out is seen from the simulation, and only from what lies before.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    def __init__(self, commands: CommandDictionary, world: World, clock: OnBoardClock) -> None:
        self.commands, self.world, self.clock = commands, world, clock
        self.changes: list[Change] = []
        self.runs: list[Run] = []
        self.queue: list[Queued] = []
        self.queue_enabled = True
        self.playing: list[tuple[int, bool]] = []
        self.reports: list[Report] = []
        self.refused: Counter[str] = Counter()
        self._arrivals: deque[Entry] = deque()
        self._pending: list[Check] = []
        self._order = 0
        self._status_asked: list[int] = []

    def expect(self, entry: Entry) -> None:
        """Take note of a telecommand on its way; of those that arrive together the first sent comes first."""
        insort(self._arrivals, entry, key=lambda one: one.arrived_us)

    def act(self, until_us: int, future: Future) -> None:
        """Do all that is due until an instant; `future` serves for the light alone, which no command changes."""
        while True:
            arrival = self._arrivals[0].arrived_us if self._arrivals else None
            release = self.queue[0].release_us if self.queue else None
            due = min((t for t in (arrival, release) if t is not None), default=None)
            if due is None or due > until_us:
                return
            if release == due:
                self._release(self.queue.pop(0), future)
            else:
                entry = self._arrivals.popleft()
                self._receive(entry.octets, entry.arrived_us, future)

    def verify(self, until_us: int, future: Future) -> None:
        """See which telecommands were carried out until an instant."""
        waiting = []
        for check in self._pending:
            found = verdict(check, self.world, future, self.runs, until_us)
            if found is None:
                waiting.append(check)
            elif found.cause is None:
                self._tell(check.command, 7, found.time_us, check.order)
            else:
                self._tell(check.command, 8, found.time_us, check.order, found.cause, found.text)
        self._pending = waiting

    def asked_status(self) -> list[int]:
        """Instants at which commands asked for the state of the store; they are forgotten."""
        found, self._status_asked = self._status_asked, []
        return found

    def ahead(self, more: tuple[tuple[Telecommand, int], ...] = ()) -> list[tuple[Telecommand, int]]:
        """Telecommands that will be executed, with when: on their way, `more`, and what the queue releases."""
        coming = sorted([*self._on_their_way(), *more], key=lambda row: row[1])
        queue, enabled = list(self.queue), self.queue_enabled
        found: list[tuple[Telecommand, int]] = []
        while coming or queue:
            if queue and (not coming or queue[0].release_us <= coming[0][1]):
                row = queue.pop(0)
                if not enabled:
                    continue
                command, t_us = row.command, row.release_us
            else:
                command, t_us = coming.pop(0)
            if command.name in ("queue-enable", "queue-disable"):
                enabled = command.name == "queue-enable"
            elif command.name in ("queue-reset", "queue-delete"):
                gone = _queued(queue, command)
                queue = [] if command.name == "queue-reset" else [row for row in queue if row is not gone]
            elif command.name == "queue-insert":
                self._insert_ahead(queue, command, t_us)
            else:
                found.append((command, t_us))
        return found

    def _on_their_way(self) -> Iterator[tuple[Telecommand, int]]:
        for entry in self._arrivals:
            with suppress(CommandError):
                yield decode_command(self.commands, entry.octets), entry.arrived_us

    def _insert_ahead(self, queue: list[Queued], command: Telecommand, t_us: int) -> None:
        """Put into a queue what a telecommand will put there, if it is accepted then and not too late."""
        try:
            inner = decode_command(self.commands, _octets(command.arguments["packet"]))
        except CommandError:
            return
        ticks = _whole(command.arguments["release_time"])
        release_us = self._release_us(ticks)
        if inner.name != "queue-insert" and len(queue) < _MOST_QUEUED and release_us > t_us:
            insort(queue, Queued(release_us, self._order + len(queue) + 1, ticks, inner))

    def effect(
        self, command: Telecommand, t_us: int, runs: list[Run], changes: list[Change]
    ) -> tuple[list[Change], list[Run]]:
        """Changes and activities after a telecommand is executed at an instant, without doing it."""
        layout = self.commands.command(command.name)
        verb = verb_of(layout)
        if verb is None or layout.element is None:
            return changes, runs
        if verb.check == "run":
            busy = any(self._is(run, command, t_us) for run in runs)
            return changes, runs if busy else [*runs, self._run(command, t_us)]
        if verb.check == "stop":
            return changes, [self._cut(run, t_us) if self._is(run, command, t_us) else run for run in runs]
        return [*changes, _change(verb, layout.element, command, t_us)], runs

    def _receive(self, octets: bytes, t_us: int, future: Future) -> None:
        """Look at what arrived, and execute it if it is a telecommand."""
        self._order += 1
        try:
            command = decode_command(self.commands, octets)
        except CommandError as error:
            self.refused[error.cause] += 1
            self._tell(octets, 2, t_us, self._order, error.cause, f"{error.where}: {error.what}")
            return
        self._take(command, t_us, future)

    def _take(self, command: Telecommand, t_us: int, future: Future) -> None:
        """Accept and execute a telecommand."""
        order, layout = self._order, self.commands.command(command.name)
        fault = self._unacceptable(command)
        if fault:
            self.refused[fault[0]] += 1
            self._tell(command, 2, t_us, order, *fault)
            return
        if command.acknowledge & 8:
            self._tell(command, 1, t_us, order)
        verb = verb_of(layout)
        fault = self._cannot_start(command, layout, verb, t_us, future)
        if fault:
            self._tell(command, 4, t_us, order, *fault)
            return
        if command.acknowledge & 4:
            self._tell(command, 3, t_us, order)
        if verb is None or layout.element is None:
            self._own(command, t_us)
            self._finish(command, t_us)
            return
        self.changes, self.runs = self.effect(command, t_us, self.runs, self.changes)
        run = self.runs[-1] if verb.check == "run" else None
        self._pending.append(Check(command, verb, layout.element, t_us, order, run))

    def _unacceptable(self, command: Telecommand) -> tuple[str, str] | None:
        """Why a telecommand is not accepted."""
        if command.name != "queue-insert":
            return None
        try:
            inner = decode_command(self.commands, _octets(command.arguments["packet"]))
        except CommandError as error:
            return error.cause, f"queued telecommand: {error.what}"
        if inner.name == "queue-insert":
            return "argument", "a telecommand for the queue cannot be queued itself"
        return ("queue-full", f"holds {_MOST_QUEUED}") if len(self.queue) >= _MOST_QUEUED else None

    def _cannot_start(
        self, command: Telecommand, layout: CommandLayout, verb: Verb | None, t_us: int, future: Future
    ) -> tuple[str, str] | None:
        """Why a telecommand cannot be executed now."""
        if command.name == "queue-insert":
            tag = _whole(command.arguments["release_time"])
            late = self._release_us(tag) <= t_us
            return ("too-late", "its time of release is over") if late else None
        if command.name == "queue-delete":
            return None if self._found(command) else ("not-queued", "no such telecommand in the queue")
        if verb is None or layout.element is None:
            return None
        arrived = [time for time, event in future.of(layout.element) if event.kind == "arrival"]
        if arrived and t_us < arrived[0]:
            return "not-there", f"{layout.element} has not arrived"
        if not verb.name.startswith("activity-"):
            return None
        runs = any(self._is(run, command, t_us) for run in self.runs)
        if verb.check == "stop":
            return None if runs else ("not-running", "no such activity runs")
        if runs:
            return "busy", "this activity runs already"
        return self._unmet(command, layout.element, t_us, future)

    def _unmet(self, command: Telecommand, element: str, t_us: int, future: Future) -> tuple[str, str] | None:
        """What an activity needs and lacks."""
        activity = next(a for a in self.world.plan.activities if a.id == command.arguments["activity"])
        lit = self.world.in_light(element, t_us, future)
        if ("light" in activity.needs and not lit) or ("dark" in activity.needs and lit):
            return "no-light", f"{activity.id} needs {'light' if not lit else 'darkness'}"
        if "earth" in activity.needs and not self.world.in_contact(t_us):
            return "no-contact", f"{activity.id} needs contact with the Earth"
        return None

    def _own(self, command: Telecommand, t_us: int) -> None:
        """Execute a telecommand for the computer itself."""
        rank = (_RANK_COMMAND, self._order, 20)
        if command.name == "ping":
            self.reports.append(Report(t_us, "ping-answer", {}, rank))
        elif command.name == "time-report":
            self.reports.append(self.time_report(t_us, rank))
        elif command.name == "store-report":
            self._status_asked.append(t_us)
        elif command.name.startswith("playback-"):
            self.playing.append((t_us, command.name == "playback-start"))
            self._status_asked.append(t_us)
        else:
            self._queue(command, t_us)

    def _queue(self, command: Telecommand, t_us: int) -> None:
        """Execute a telecommand for the time-tagged queue."""
        if command.name in ("queue-enable", "queue-disable"):
            self.queue_enabled = command.name == "queue-enable"
        elif command.name == "queue-reset":
            self.queue = []
        elif command.name == "queue-delete":
            gone = self._found(command)
            self.queue = [row for row in self.queue if row is not gone]
        elif command.name == "queue-insert":
            ticks = _whole(command.arguments["release_time"])
            inner = decode_command(self.commands, _octets(command.arguments["packet"]))
            insort(self.queue, Queued(self._release_us(ticks), self._order, ticks, inner))
        else:
            self._report_queue(t_us)

    def _release(self, row: Queued, future: Future) -> None:
        """Release a queued telecommand at its time."""
        self._order += 1
        if not self.queue_enabled:
            self._tell(row.command, 4, row.release_us, self._order, "queue-disabled", "fell due while it was held")
            return
        self._take(row.command, row.release_us, future)

    def _found(self, command: Telecommand) -> Queued | None:
        return _queued(self.queue, command)

    def _report_queue(self, t_us: int) -> None:
        """One report for each that is queued, or one that says that none is."""
        rows: list[Queued | None] = list(self.queue) or [None]
        for number, row in enumerate(rows, 1):
            fields = {
                "queue_enabled": int(self.queue_enabled),
                "queue_position": 0 if row is None else number,
                "queue_total": len(self.queue),
                "queued_time": 0 if row is None else row.ticks,
                "queued_apid": 0 if row is None else row.command.apid,
                "queued_count": 0 if row is None else row.command.count,
            }
            rank = (_RANK_COMMAND, self._order, 20, number)
            self.reports.append(Report(t_us, "queue-report", fields, rank))

    def _release_us(self, ticks: int) -> int:
        """When the clock on board shows a count, up to the next millisecond."""
        return -(-microseconds(self.clock.utc(ticks)) // 1000) * 1000

    def time_report(self, t_us: int, rank: tuple[int, ...]) -> Report:
        """What the clock shows."""
        return Report(t_us, "time-report", {"clock_ticks": int(self.clock.ticks(utc(t_us))[0])}, rank)

    def _run(self, command: Telecommand, t_us: int) -> Run:
        """The activity that a telecommand starts."""
        activity = next(a for a in self.world.plan.activities if a.id == command.arguments["activity"])
        start = utc(t_us).astype("datetime64[ms]")
        stop = start + np.timedelta64(round(activity.duration_h * 3.6e6), "ms")
        return Run(activity.id, activity.element, start, stop, activity.power_w, activity.data_bit)

    def _is(self, run: Run, command: Telecommand, t_us: int) -> bool:
        """Whether an activity is the one that a telecommand names, and runs."""
        element = self.commands.command(command.name).element
        named = run.element == element and run.activity == command.arguments["activity"]
        return named and bool(run.start <= utc(t_us) < run.stop)

    def _cut(self, run: Run, t_us: int) -> Run:
        """An activity stopped early, at the same power and the same rate of data to the last bit."""
        stop = max(utc(t_us).astype("datetime64[ms]"), run.start + np.timedelta64(1, "ms"))
        start = utc(self.world.start_us).astype("datetime64[ms]")
        begin, end, early = (
            float((t - start) / np.timedelta64(1, "ms")) / 1000.0 for t in (run.start, run.stop, stop)
        )
        rate, length = run.data_bit / (end - begin), early - begin
        data_bit = rate * length
        for tried in (data_bit, np.nextafter(data_bit, 0.0), np.nextafter(data_bit, np.inf)):
            if float(tried) / length == rate:
                data_bit = float(tried)
                break
        return replace(run, stop=stop, data_bit=data_bit)

    def _finish(self, command: Telecommand, t_us: int) -> None:
        if command.acknowledge & 1:
            self._tell(command, 7, t_us, self._order)

    def _tell(
        self, command: Telecommand | bytes, stage: int, t_us: int, order: int, cause: str = "", text: str = ""
    ) -> None:
        """Report a stage of a telecommand; success of completion only where it was asked for."""
        if stage == 7 and isinstance(command, Telecommand) and not command.acknowledge & 1:
            return
        octets = command.octets if isinstance(command, Telecommand) else command
        name = _STAGES[stage]
        fields: dict[str, Any] = dict(_request(octets))
        if cause:
            fields |= {"failure_code": FAILURES.index(cause) + 1, "failure_text": text}
        self.reports.append(Report(t_us, name, fields, (_RANK_COMMAND, order, stage)))


_STAGES = {
    1: "acceptance", 2: "acceptance-failure", 3: "start", 4: "start-failure", 7: "completion",
    8: "completion-failure",
}  # fmt: skip


def _request(octets: bytes) -> Mapping[str, int]:
    """Fields of a telecommand's header that name it."""
    first, second = int.from_bytes(octets[:2], "big"), int.from_bytes(octets[2:4], "big")
    return {
        "request_version": first >> 13, "request_type": first >> 12 & 1, "request_secondary": first >> 11 & 1,
        "request_apid": first & 0x7FF, "request_flags": second >> 14, "request_count": second & 0x3FFF,
    }  # fmt: skip


def _change(verb: Verb, element: str, command: Telecommand, t_us: int) -> Change:
    """What a telecommand sets."""
    value = command.arguments.get("fraction", verb.value)
    text = f"command: {verb.text}"
    return Change(utc(t_us).astype("datetime64[ms]"), element, verb.quantity, float(value), "command", text)  # type: ignore[arg-type]


def _queued(queue: list[Queued], command: Telecommand) -> Queued | None:
    """The one in a queue that a telecommand names; None if there is none, or it names none."""
    wanted = (command.arguments.get("queued_apid"), command.arguments.get("queued_count"))
    return next((row for row in queue if (row.command.apid, row.command.count) == wanted), None)


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise InputError("are no octets", where="packet", advice="give the telecommand's octets")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise InputError("is no whole number", where="release_time", advice="give a count of the clock on board")
    return value
