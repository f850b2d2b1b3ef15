"""The station in the loop: the simulation of a plan, heard and commanded over packets."""

from __future__ import annotations

import os
from pathlib import Path
from threading import RLock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.frames import FrameLayout
from moonpost.control.packets.telecommands import CommandDictionary, Telecommand, decode_command
from moonpost.control.station.catalogue import station_commands
from moonpost.control.station.clock import OnBoardClock
from moonpost.control.station.computer import Computer
from moonpost.control.station.downlink import MOST_RELAYS, Downlink, Switches
from moonpost.control.station.housekeeping import housekeeping
from moonpost.control.station.instants import SECOND_US, microseconds, utc
from moonpost.control.station.journal import Entry, Journal
from moonpost.control.station.legs import Legs, RelayStore
from moonpost.control.station.reports import Report, report_layouts, report_parameters
from moonpost.control.station.rows import Rows
from moonpost.control.station.ways import ContactWindow, Ways, find_ways
from moonpost.control.station.world import Future, World, digest_of, span_of
from moonpost.errors import InputError
from moonpost.operations.changes import Change
from moonpost.operations.record import Simulation, SimulationEvent
from moonpost.operations.simulation import Run
from moonpost.plan import Plan
from moonpost.sky.times import TimeLike

__all__ = ["Station"]

Course: TypeAlias = tuple[list[Change], list[Run]]
_SPACECRAFT = 171
_REPORT_EVERY_US = 600 * SECOND_US
_LONGEST_OCTETS, _SHORTEST_OCTETS = 4096, 7
_REMEMBERED = 8192
_ROOM_OCTETS = 64 * 1024 * 1024
_PLAYBACK_BIT_S = 256_000.0
_SEVERITY = {
    "machine-lost": "high",
    **dict.fromkeys(("storage-empty", "shed-begins", "too-cold", "too-warm", "fault-begins", "reactor-end",
                     "outage-begins"), "medium"),
    **dict.fromkeys(("command-refused", "run-refused", "run-stopped", "data-lost", "recorder-full",
                     "charge-blocked", "element-shed-begins"), "low"),
}  # fmt: skip


class Station:
    """A simulated station that is heard and commanded like a real one. Make one with `Station.open`.

    Parameters
    ----------
    world : World
        The plan under its sky.
    ways : Ways
        Contacts and light times.
    journal : Journal
        What reached it.
    clock : OnBoardClock
        Its clock.
    store_octets : int
        What its store of telemetry holds [octets].
    playback_bit_s : float
        Rate of playback [bit/s].

    Notes
    -----
    What it does is a pure function of the plan, the seed and the journal: after each command the span is simulated
    again with what the command changes, and all that lies before stays equal to the bit. Calls may come from
    several threads.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     station = Station.open("ilrs", folder, start="2040-06-22", days=0.5)
    ...     len(station.advance("2040-06-22T00:10")) % station.layout.sent_octets
    0
    """

    def __init__(
        self, world: World, ways: Ways, journal: Journal, clock: OnBoardClock, store_octets: int,
        playback_bit_s: float,
    ) -> None:  # fmt: skip
        self.plan, self.site = world.plan, world.site
        self._world, self._ways, self._journal, self.clock = world, ways, journal, clock
        self._lock = RLock()
        self._future = world.simulate()
        own = housekeeping(world.plan, self._future.simulation)
        self.dictionary = Dictionary(
            "station", (*own.parameters, *report_parameters()), (*own.packets, *report_layouts())
        )
        apids = {packet.name: packet.apid for packet in own.packets if packet.apid is not None}
        self.commands: CommandDictionary = station_commands(world.plan, apids)
        self.layout = FrameLayout(spacecraft=_SPACECRAFT)
        self._computer = Computer(self.commands, world, clock)
        self._rows = Rows(own, world, self._future)
        self._down = Downlink(
            self._rows, self.dictionary, self.layout, lambda k: world.step_of_time(k + 1), world.steps,
            store_octets, playback_bit_s, [self._relay(legs, store_octets, playback_bit_s) for legs in
            ways.legs[:MOST_RELAYS]],
        )  # fmt: skip
        self._held = [row for row in ways.held_spells() if row[2] < MOST_RELAYS]
        self._switches = self._edges()
        self._planned: tuple[list[Change], list[Run], Future] | None = None
        self._done_us = world.start_us
        self._reached_us = world.start_us
        self._stamps: list[tuple[int, int, int]] = []
        self._counts = {"received": 0, "duplicates": 0, "refused": 0, "lost": 0}
        self._known: dict[bytes, int] = {}
        self._sent_before_us = max((entry.sent_us for entry in journal.entries), default=0)
        for entry in journal.entries:
            self._remember(entry)
            self._computer.expect(entry)

    @classmethod
    def open(
        cls,
        plan: Plan | str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        start: str | None = None,
        days: float = 60.0,
        step_s: float = 60.0,
        site: str | None = None,
        seed: int = 0,
        resume: TimeLike | None = None,
        store_octets: int = _ROOM_OCTETS,
        playback_bit_s: float = _PLAYBACK_BIT_S,
    ) -> Station:
        """Open the station of a plan, new or as it was left.

        Parameters
        ----------
        plan : Plan, str or path-like
            A plan, or what `moonpost.plan.load_plan` takes.
        folder : path-like
            Where its journal lies.
        start : str, optional
            First instant, UTC; the plan's design start if not given.
        days : float
            Length [d].
        step_s : float
            Step of telemetry, 1 to 3600 [s]. At most 600,000 steps. For a station in orbit give 3600; its
            step then is that of its light.
        site : str, optional
            A site of the plan; the station's if not given.
        seed : int
            Of what is drawn by chance: outages of reactors, faults of the clock.
        resume : datetime64, str or datetime, optional
            Time up to which its telemetry was received before; what lies before is not sent again.
        store_octets : int
            What its store of telemetry holds [octets].
        playback_bit_s : float
            Rate of playback [bit/s].

        Returns
        -------
        Station

        Raises
        ------
        PlanError, InputError, DateError, UnknownNameError
            If plan, site, dates or numbers cannot be used, or the journal belongs to another flight.
        DataError, OutputError
            If the journal is damaged or cannot be written.
        """
        from moonpost.plan import load_plan

        found = plan if isinstance(plan, Plan) else load_plan(plan)
        if not (store_octets > 0 and 1.0 <= playback_bit_s < 1e12):
            raise InputError(
                "is not above zero", where="store_octets, playback_bit_s", advice="give a size and a rate"
            )
        digest = digest_of(found)
        narrowed, sky = span_of(found, start, days, step_s, site)
        t = sky["sun"].time
        first = utc(microseconds(t[0]))
        stop_us = microseconds(t[0]) + t.size * (microseconds(t[1]) - microseconds(t[0]))
        flight = {
            "plan": digest, "start": str(first), "steps": int(t.size), "step_s": float(step_s),
            "site": site or "", "seed": seed, "store_octets": store_octets,
            "playback_bit_s": float(playback_bit_s),
        }  # fmt: skip
        path = Path(folder)
        journal = Journal(path / "journal.jsonl", flight)
        try:
            ways = find_ways(found, site, (microseconds(t[0]), stop_us), path, digest)
            world = World(narrowed, sky, site, seed, ways)
            clock = OnBoardClock.drawn(first, seed)
            station = cls(world, ways, journal, clock, int(store_octets), playback_bit_s)
        except BaseException:
            journal.close()
            raise
        if resume is not None:
            station._advance(microseconds(resume), send=False)
        return station

    def close(self) -> None:
        """Close its journal."""
        with self._lock:
            self._journal.close()

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last instant, UTC."""
        return utc(self._world.start_us), utc(self._world.stop_us)

    @property
    def contacts(self) -> tuple[ContactWindow, ...]:
        """Times in which station and ground hear each other, by way."""
        return self._ways.windows()

    @property
    def reached(self) -> np.datetime64:
        """Time up to which its telemetry has reached the ground, UTC."""
        return utc(self._reached_us)

    def light_time_s(self, t: TimeLike) -> float:
        """Light time one way at an instant, over a relay where that serves [s].

        Parameters
        ----------
        t : datetime64, str or datetime
            UTC.

        Returns
        -------
        float
            [s]
        """
        return self._ways.light_us(microseconds(t)) / SECOND_US

    def arrival(self, at: TimeLike) -> np.datetime64 | None:
        """When what leaves the ground at an instant arrives; None if it never does in the span.

        Parameters
        ----------
        at : datetime64, str or datetime
            UTC; one before what has been reached counts as now.

        Returns
        -------
        datetime64[us] or None
            UTC on board: after the light time, or when a relay that keeps it sees the station.
        """
        flight = self._flight(microseconds(at))
        return None if flight is None else utc(flight[1])

    def advance(self, until: TimeLike) -> bytes:
        """Go on until an instant of the ground.

        Parameters
        ----------
        until : datetime64, str or datetime
            UTC on the ground; one that was reached before gives nothing.

        Returns
        -------
        bytes
            Frames that reached the ground since the last call, with sync markers: channel 0 live, channel 1
            playback, from channel 2 on what relays kept, a channel for each.

        Raises
        ------
        DateError
            If it is no instant.
        """
        with self._lock:
            return self._advance(microseconds(until), send=True)

    def uplink(self, octets: bytes, at: TimeLike) -> None:
        """Send a telecommand to the station.

        Parameters
        ----------
        octets : bytes
            One packet. The same packet again is not taken twice; what is no telecommand is counted and dropped.
        at : datetime64, str or datetime
            When it leaves the ground, UTC; one before what has been reached counts as now.

        Raises
        ------
        InputError
            If `octets` are not octets.
        DateError
            If `at` is no instant.
        OutputError
            If the journal cannot be written: nothing was sent, and the station goes on.

        Notes
        -----
        When this returns the telecommand is on the disk. It arrives after the light time; without contact the
        relay keeps it until it sees the station; without a relay it is lost, as one sent to a real station is,
        and so is what would arrive after the end of the span.
        """
        if not isinstance(octets, (bytes, bytearray, memoryview)):
            raise InputError(f"{type(octets).__name__} are no octets", where="octets", advice="give bytes")
        packet, sent_us = bytes(octets), microseconds(at)
        with self._lock:
            self._counts["received"] += 1
            if not _is_command(packet):
                self._counts["refused"] += 1
                return
            if packet in self._known:
                self._counts["duplicates"] += 1
                return
            flight = self._flight(sent_us)
            if flight is None:
                self._counts["lost"] += 1
                return
            entry = Entry(*flight, packet)
            self._journal.append(entry)
            self._remember(entry)
            self._computer.expect(entry)

    def simulation(self) -> Simulation:
        """The whole span under what is on board now, telecommands on their way and in the queue included.

        Returns
        -------
        Simulation
        """
        return self._with_ahead().simulation

    def predict(self, octets: bytes, at: TimeLike) -> Simulation:
        """The whole span as it would be if a telecommand were executed at an instant; nothing is changed.

        Parameters
        ----------
        octets : bytes
            One packet. Of one for the queue the telecommand within counts, at its time of release; of one that
            empties, thins or holds the queue, what then is not released.
        at : datetime64, str or datetime
            UTC on board; one before what has been reached counts as now.

        Returns
        -------
        Simulation

        Raises
        ------
        CommandError
            If it is no telecommand of the station.
        """
        before, after = self.courses(octets, at)
        if after == before:
            return self._with_ahead().simulation
        return self._world.simulate(*after).simulation

    def courses(self, octets: bytes, at: TimeLike) -> tuple[Course, Course]:
        """What will be changed and done on board without a telecommand and with it; nothing is changed.

        Parameters
        ----------
        octets, at
            As for `predict`.

        Returns
        -------
        tuple of (list of Change, list of Run)
            Without it, and with it; what is queued or on its way is in both, past the end of the span, too.

        Raises
        ------
        CommandError
            If it is no telecommand of the station.
        """
        command = decode_command(self.commands, bytes(octets))
        with self._lock:
            t_us = max(-(-microseconds(at) // 1000) * 1000, self._reached_us)
            return self._ahead(), self._ahead(((command, t_us),))

    def events(self, start: TimeLike, stop: TimeLike) -> tuple[SimulationEvent, ...]:
        """Events on board from one instant up to before another, as they are or will be under what is on board.

        Parameters
        ----------
        start, stop : datetime64, str or datetime
            UTC.

        Returns
        -------
        tuple of SimulationEvent
            Those of the simulation, and the waking and sleeping of machines without rules of sleep.
        """
        future = self._with_ahead()
        first, last = np.searchsorted(future.event_us, [microseconds(start), microseconds(stop)])
        return future.events[first:last]

    def stamps(self) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
        """Time reports that came live, as an antenna stamps them: what `correlate` takes.

        Returns
        -------
        received : ndarray of datetime64[us], (n,)
            When each reached the ground, UTC.
        clock_ticks : ndarray of uint64, (n,)
            What the clock on board showed [1/65536 s].
        light_time_s : ndarray, (n,)
            Light time [s].
        """
        with self._lock:
            rows = np.array(self._stamps, np.int64).reshape(-1, 3)
        return rows[:, 0].astype("datetime64[us]"), rows[:, 1].astype(np.uint64), rows[:, 2] / SECOND_US

    def status(self) -> dict[str, int]:
        """Counts of what was sent to it and of its store.

        Returns
        -------
        dict of str to int
            Packets received, duplicates, refused before and on board, lost without contact; queued; stored octets
            and packets; packets that the store lost; octets and packets that relays keep; lines of the journal
            from before its lines were chained.
        """
        with self._lock:
            stored = dict(zip(("stored_octets", "stored_packets", "lost_packets"), self._down.stored, strict=True))
            kept = dict(zip(("relay_octets", "relay_packets"), self._down.relayed(self._done_us), strict=True))
            on_board = sum(self._computer.refused.values())
            return {
                **self._counts,
                "refused": self._counts["refused"] + on_board,
                "queued": len(self._computer.queue),
                **stored,
                **kept,
                "unchained_lines": self._journal.unchained,
            }

    def _remember(self, entry: Entry) -> None:
        """Know a packet again."""
        self._known[entry.octets] = entry.arrived_us
        if len(self._known) > _REMEMBERED:
            self._known.pop(next(iter(self._known)))

    def _flight(self, at_us: int) -> tuple[int, int] | None:
        """When it leaves, not before what was, and arrives, to the next millisecond; None if never in the span."""
        sent_us = max(at_us, self._reached_us, self._sent_before_us)
        arrived_us = -(-(self._ways.arrival_us(sent_us) or self._world.stop_us) // 1000) * 1000
        return (sent_us, arrived_us) if arrived_us < self._world.stop_us else None

    def _relay(self, legs: Legs, room_octets: int, rate_bit_s: float) -> RelayStore[Any]:
        """What a relay keeps: as much, and sent as fast, as its recorder says, or else as the station's store."""
        recorder = self.plan.element(legs.name).recorder
        if recorder is not None:
            room_octets, rate_bit_s = int(recorder.capacity_bit / 8), recorder.downlink_bit_s
        return RelayStore(legs, room_octets, max(round(rate_bit_s), 1))

    def _advance(self, until_us: int, *, send: bool) -> bytes:
        """Go on until an instant of the ground."""
        until_us = min(until_us, self._world.stop_us + 60 * SECOND_US)
        if until_us <= self._reached_us:
            return b""
        self._reached_us = until_us
        stop_us = min(self._ways.left_us(until_us), self._world.stop_us) + 1
        if stop_us > self._done_us:
            self._live(stop_us)
            self._down.go(self._done_us, stop_us, self._switches)
            self._done_us = stop_us
        return self._down.take(until_us, send=send)

    def _live(self, stop_us: int) -> None:
        """Let everything happen on board up to before an instant."""
        computer, since_us = self._computer, self._done_us
        before = len(computer.changes), computer.runs, len(computer.playing)
        computer.act(stop_us - 1, self._future)
        after = len(computer.changes), computer.runs, len(computer.playing)
        after_all = computer.changes, computer.runs
        if after[:2] != before[:2]:
            planned = self._planned
            known = planned is not None and planned[:2] == after_all
            self._future = planned[2] if planned and known else self._world.simulate(*after_all)
            self._rows.take(self._future)
        if after != before:
            self._switches = self._edges()
        computer.verify(stop_us - 1, self._future)
        reports = [*computer.reports, *self._told(since_us, stop_us), *self._times(since_us, stop_us)]
        computer.reports = []
        self._down.report(reports)
        self._down.ask(computer.asked_status())

    def _told(self, since_us: int, stop_us: int) -> list[Report]:
        """Events of a time as reports."""
        future = self._future
        first, last = np.searchsorted(future.event_us, [since_us, stop_us])
        return [
            _event_report(
                int(future.event_us[k]),
                future.events[k],
                int(k - np.searchsorted(future.event_us, future.event_us[k])),
            )
            for k in range(int(first), int(last))
        ]

    def _times(self, since_us: int, stop_us: int) -> list[Report]:
        """Regular reports of the clock, with the stamps of the ground on those that go out at once."""
        due = range(-(-since_us // _REPORT_EVERY_US) * _REPORT_EVERY_US, stop_us, _REPORT_EVERY_US)
        if not due:
            return []
        ticks = self.clock.ticks(np.array(due, "datetime64[us]")).tolist()
        for t_us, shown in zip(due, ticks, strict=True):
            if self._switches.at(t_us)[0]:
                light_us = self._ways.light_us(t_us)
                self._stamps.append((t_us + light_us, shown, light_us))
        return [
            Report(t_us, "time-report", {"clock_ticks": shown}, (0,))
            for t_us, shown in zip(due, ticks, strict=True)
        ]

    def _edges(self) -> Switches:
        """When the station can be heard and may play back."""
        world, turns = self._world, self._transmitter()
        audible = self._future.audible
        marks: list[tuple[int, str, int]] = [(world.start_us, "play", True), (world.start_us, "way", False)]
        for start, stop in self._ways.open_spells():
            marks += [(start, "way", True), (stop, "way", False)]
        for start, stop, relay in self._held:
            marks += [(start, "relay", relay), (stop, "relay", -1)]
        marks.append((world.start_us, "works", bool(audible[0])))
        marks += [
            (world.step_of_time(int(k) + 1), "works", bool(audible[k + 1]))
            for k in np.flatnonzero(np.diff(audible))
        ]
        marks += [(t, "send", on) for t, on in turns]
        marks += [(t, "play", on) for t, on in self._computer.playing]
        marks.sort(key=lambda mark: mark[0])
        state: dict[str, int] = {"way": False, "works": True, "send": True, "play": True, "relay": -1}
        edges: dict[int, tuple[bool, bool, int]] = {}
        for t_us, what, on in marks:
            state[what] = on
            sends = bool(state["works"] and state["send"])
            heard = bool(state["way"]) and sends
            edges[t_us] = (heard, bool(state["play"]), state["relay"] if sends and not heard else -1)
        heard_, playing, relays = (list(part) for part in zip(*edges.values(), strict=True))
        return Switches(list(edges), heard_, playing, relays)

    def _transmitter(self) -> list[tuple[int, bool]]:
        """When transmitters are switched: the station is silent only while all are off."""
        speakers = [element.id for element in self.plan.elements if element.kind == "communications"]
        there = [name for name in speakers if name in self._future.simulation.series["element"].values]
        sends = dict.fromkeys(there, (True, True))
        found = []
        for change in self._computer.changes:
            if change.subject in sends and change.quantity in ("contact", "load-factor"):
                on, fed = sends[change.subject]
                turned = change.value > 0.0
                sends[change.subject] = (turned, fed) if change.quantity == "contact" else (on, turned)
                found.append((microseconds(change.time), any(all(pair) for pair in sends.values())))
        return found

    def _ahead(self, more: tuple[tuple[Telecommand, int], ...] = ()) -> Course:
        """Changes and activities, those of telecommands that are on their way or queued, and of more, included."""
        changes, runs = self._computer.changes, self._computer.runs
        for command, t_us in self._computer.ahead(more):
            changes, runs = self._computer.effect(command, t_us, runs, changes)
        return changes, runs

    def _with_ahead(self) -> Future:
        """The future with what is on its way and queued; others may go on while it is simulated."""
        with self._lock:
            changes, runs = self._ahead()
            if changes is self._computer.changes and runs is self._computer.runs:
                return self._future
            planned = self._planned
        if planned is None or planned[:2] != (changes, runs):
            planned = (changes, runs, self._world.simulate(changes, runs))
            with self._lock:
                self._planned = planned
        return planned[2]


def _is_command(packet: bytes) -> bool:
    """Whether octets may be a telecommand, so that the station can answer."""
    return _SHORTEST_OCTETS <= len(packet) <= _LONGEST_OCTETS and packet[0] >> 4 == 1


def _event_report(t_us: int, event: SimulationEvent, place: int) -> Report:
    """An event as a report."""
    from moonpost.control.station.reports import EVENT_KINDS

    kind = event.kind if event.kind in EVENT_KINDS else "other"
    value: Any = event.data.get("value", 0.0)
    fields = {
        "event_kind": EVENT_KINDS.index(kind), "event_subject": event.subject,
        "event_value": float(value) if isinstance(value, (int, float)) else 0.0, "event_text": event.text,
    }  # fmt: skip
    return Report(t_us, f"event-{_SEVERITY.get(event.kind, 'info')}", fields, (1, place))
