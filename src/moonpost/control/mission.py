"""A mission: the simulated station, the ground that hears it, commands, and what browsers are told."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.channels import DisplayChannel, display_channels
from moonpost.control.clock import MissionClock
from moonpost.control.eventbook import EventBook, archived_reports
from moonpost.control.missionfolder import MissionFolder
from moonpost.control.options import Options, settled
from moonpost.control.outside import Outside, joined_dictionary
from moonpost.control.ticking import Ticker
from moonpost.errors import InputError, ModelError
from moonpost.plan import Plan, load_plan

if TYPE_CHECKING:
    from moonpost.control.commands import Audit, Command, Commanding
    from moonpost.control.database import Database
    from moonpost.control.ground import Ground
    from moonpost.control.ground.alarms import Alarm
    from moonpost.control.ground.live import LiveBatch
    from moonpost.control.policy import Policy
    from moonpost.control.station import Station
    from moonpost.control.timeline import LunarClock, Timeline
    from moonpost.control.users import User, Users

__all__ = ["MissionControl"]

_AT_ONCE = 400
_STAMPS = 200


class MissionControl:
    """Everything of a mission but the web server; `open` makes it.

    Attributes
    ----------
    plan : Plan
        What is flown.
    clock : MissionClock
        Simulated time.
    station : Station
        The simulated station.
    ground : Ground
        What hears it: archive, live values, alarms.
    commanding : Commanding
        Its commands.
    audit : Audit
        The record of actions.
    database, users, policy
        Tables, who may log in, who may do what.
    lunar : LunarClock
        Its lunar day.
    timeline : Timeline or None
        What was, is and will be; `moonpost.control.timeline.missions.timeline_of` makes it when it is asked for.
    hub : Hub
        What websockets are told.
    channels : dict of str to DisplayChannel
        Channels by key.

    Notes
    -----
    The station's state is a function of plan, seed and journal of telecommands. After a stop or a kill it runs on
    from the time that was noted last; packets that come again are shown once.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with MissionControl.open("ilrs", folder, start="2040-01-01", days=2.0, step_s=600.0) as mission:
    ...         "station.stored_wh" in mission.channels, str(mission.clock.now())[:10]
    (True, '2040-01-01')
    """

    database: Database
    users: Users
    policy: Policy
    clock: MissionClock
    station: Station
    ground: Ground
    audit: Audit
    commanding: Commanding
    lunar: LunarClock
    timeline: Timeline | None

    def __init__(self, plan: Plan, folder: str | os.PathLike[str], options: Options) -> None:
        from moonpost.control.database import Database
        from moonpost.control.policy import Policy
        from moonpost.control.together import follow_record, require_database
        from moonpost.control.users import Users
        from moonpost.control.web.hub import Hub

        options.check(plan)
        self.plan, self.options = plan, options
        self.folder = Path(folder)
        self._folder = MissionFolder(self.folder, options.flown(plan))
        self._folder.flown = settled(self._folder.flown, plan)
        self.site = self._folder.flown.site
        self._closing = contextlib.ExitStack()
        self._closing.callback(self._folder.close)
        self._alarms_seen = -1
        self.timeline = None
        self.ticker: Ticker | None = None
        self.outside: Outside | None = None
        self.hub = Hub()
        try:
            self.database = Database.open(options.database or self.folder / "control.sqlite")
            self._closing.callback(self.database.close)
            require_database(self.folder, self.database)
            follow_record(self.folder, self.database)
            self.users = Users(self.database)
            self.policy = Policy.open(self.folder / "policy.cedar", plan)
            if options.command_port is not None and options.command_user is not None:
                self._known(options.command_user)
        except BaseException:
            self._closing.close()
            raise

    @classmethod
    def open(
        cls, plan: Plan | str | os.PathLike[str], folder: str | os.PathLike[str], **options: Any
    ) -> MissionControl:
        """Open a mission in a folder, or begin one; `start` sets it going.

        Parameters
        ----------
        plan : Plan, str or path-like
            A plan, or what `moonpost.plan.load_plan` takes.
        folder : path-like
            Where everything of the mission is kept; it is made if it is not there.
        **options
            As of `Options`.

        Returns
        -------
        MissionControl

        Raises
        ------
        PlanError
            If the plan has faults.
        InputError
            If an option cannot be used, or something else was flown in the folder.
        DateError
            If the period lies outside the kernels.
        UnknownNameError
            If the plan has no such site.
        DataError
            If a file of the folder cannot be read.
        OutputError
            If another server runs in the folder, or it cannot be written.
        """
        found = plan if isinstance(plan, Plan) else load_plan(plan)
        mission = cls(found, folder, Options(**options))
        mission.compose()
        return mission

    def compose(self) -> None:
        """Make what takes seconds: station, ground, commands and timeline; `open` has done so already.

        Raises
        ------
        MoonpostError
            As `open`; everything is closed then.
        """
        try:
            self._compose()
        except BaseException:
            self._closing.close()
            raise

    def _compose(self) -> None:
        from moonpost.control.ground import Ground
        from moonpost.control.station import Station
        from moonpost.control.timeline import LunarClock
        from moonpost.control.timeline.timeline import contact_windows
        from moonpost.partners.ledger import Ledger

        reached = self._folder.reached
        options = self.options
        if options.ledger is not None:  # one that cannot be used is found now, not at the first command
            with Ledger.open(options.ledger) as ledger:
                ledger.state()
        flown = self._folder.flown
        self.station = Station.open(
            self.plan, self.folder / "station", start=flown.start, days=flown.days or 0.0,
            step_s=flown.step_s or 0.0, site=flown.site, seed=flown.seed, resume=reached,
        )  # fmt: skip
        self._closing.callback(self.station.close)
        self._folder.keep()
        self.step_s = _step_s(self.station)
        first, last = self.span
        begin = first if reached is None else min(max(reached, first), last)
        self.clock = MissionClock(begin, options.speed, stop=last)
        dictionary = joined_dictionary(self.station.dictionary, options.xtce)
        self.channels = display_channels(dictionary, self.plan)
        self.packet_names = {packet.apid: packet.name for packet in dictionary.packets if packet.apid is not None}
        self.ground = Ground.open(
            self.folder / "archive",
            dictionary,
            layout=self.station.layout,
            database=self.database,
            clock=self.clock.now,
        )
        self._closing.callback(self.ground.close)
        self._command()
        self._recall()
        self.lunar = LunarClock(self.plan, self.site, contacts=contact_windows(self.station), known=self.span[1])
        self.ground.listen(self._heard)
        self.ground.expect("station", self._in_contact(), max(600.0, 4.0 * self.step_s))
        self.outside = Outside(self.ground, self._command_came, options, self.station.layout)
        self._closing.callback(self.outside.close)
        self.ticker = Ticker(
            self.clock, self._advance, self._receive, reached=begin,
            most=np.timedelta64(round(self.step_s * _AT_ONCE), "s"),
            jobs=(
                (0.5, "the sending of commands", self.commanding.tick),
                (0.5, "the news of alarms", self._tell_alarms),
                (1.0, "the news of the clock", self._tell_clock),
                (1.0, "the note of the time that was reached", self._note),
                (5.0, "the writing of the record", self.audit.nudge),
            ),
        )  # fmt: skip
        self._closing.callback(self._finish)

    def _in_contact(self) -> Callable[[np.datetime64], bool]:
        """Whether the station can be heard at an instant."""
        windows = self.station.contacts
        begins = np.array([window.start for window in windows], "datetime64[us]")
        ends = np.array([window.stop for window in windows], "datetime64[us]")

        def is_due(at: np.datetime64) -> bool:
            row = int(np.searchsorted(begins, at, side="right")) - 1
            return row >= 0 and bool(at < ends[row])

        return is_due

    def _command(self) -> None:
        """Make what takes commands."""
        from moonpost.control.commands import Audit, Commanding, Rules
        from moonpost.control.commands.hazards import StationWatch

        self.audit = Audit.open(
            self.database, str(self.folder / "ledger.sqlite"), self.plan, keys=self.folder / "keys"
        )
        self._closing.callback(self.audit.close)
        watch = None if self.options.uplink_to is not None else StationWatch(self.station)
        rules = Rules(
            self.plan, self.users.find, ledger=self.options.ledger,
            forbids=watch.forbids if watch else None, contact=watch.contact if watch else None,
            arrival=watch.arrival_us if watch else None,
        )  # fmt: skip
        self.commanding = Commanding.open(
            self.database, self.station.commands, self.plan, uplink=self._uplink, clock=self.clock.now,
            audit=self.audit, rules=rules, time_tag=self._time_tag,
        )  # fmt: skip
        self.commanding.listen(self._tell_command)

    def _recall(self) -> None:
        """Take up what reports of before told: events, and stages of commands that were not written down."""
        known = archived_reports(self.ground.archive, self.ground.dictionary)
        self.book = EventBook(known)
        for report in known:
            self.commanding.report(report)

    def __enter__(self) -> MissionControl:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Let time run."""
        ticker = self._ticking()
        self.clock.restart(ticker.reached)
        ticker.start()

    def stop(self) -> None:
        """Stop time, put everything on the disk and close; a second call does nothing.

        Raises
        ------
        OutputError
            If the disk is full; what was acknowledged is kept.
        """
        self._closing.close()

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last instant of the simulation, UTC."""
        first, last = self.station.span
        return first.astype("datetime64[us]"), last.astype("datetime64[us]")

    @property
    def reached(self) -> np.datetime64:
        """UTC up to which telemetry was taken in."""
        return self._ticking().reached

    @property
    def behind_s(self) -> float:
        """Simulated time by which telemetry lags the clock [s]."""
        return self._ticking().behind_s

    @property
    def trouble(self) -> str:
        """What of the mission fails, and with what; empty if nothing does."""
        ticker = self.ticker
        return ticker.trouble if ticker is not None else ""

    def resource(self, about: str) -> Mapping[str, Any]:
        """What the policy is asked about.

        Parameters
        ----------
        about : str
            Key of a channel, identifier of an element, or anything else for the station as a whole.

        Returns
        -------
        mapping
        """
        return self.policy.channel(about) if about in self.channels else self.policy.element(about)

    def sees(self, user: User, about: str) -> bool:
        """Whether a user may read about something.

        Parameters
        ----------
        user : User
            Who reads.
        about : str
            As of `resource`.

        Returns
        -------
        bool
        """
        return self.policy.allowed(user, "telemetry.read", self.resource(about)).allowed

    def readable(self, user: User) -> tuple[str, ...]:
        """Channels that a user may read, in the order of the dictionary.

        Parameters
        ----------
        user : User
            Who reads.

        Returns
        -------
        tuple of str
        """
        return self.policy.readable(user, self.channels)

    def events(self, start: np.datetime64, stop: np.datetime64) -> list[dict[str, Any]]:
        """Events that the station reported.

        Parameters
        ----------
        start, stop : datetime64
            The period, UTC, its end not included.

        Returns
        -------
        list of dict
            As of `EventBook.between`.
        """
        return self.book.between(start, stop)

    def alarms(
        self, user: User, start: np.datetime64 | None = None, stop: np.datetime64 | None = None
    ) -> list[dict[str, Any]]:
        """Alarms about what a user may read: those that call for attention, or those of a period.

        Parameters
        ----------
        user : User
            Who reads.
        start, stop : datetime64, optional
            The period, UTC.

        Returns
        -------
        list of dict
        """
        alarms = self.ground.alarms
        found = alarms.active() if start is None or stop is None else alarms.history(start, stop)
        return [_alarm(alarm, self.channels) for alarm in found if self.sees(user, alarm.key)]

    def acknowledge(self, alarm: int, user: User, comment: str) -> None:
        """Say that somebody saw an alarm, on record.

        Parameters
        ----------
        alarm : int
            Its number.
        user : User
            Who saw it.
        comment : str
            What they say.

        Raises
        ------
        UnknownNameError
            If there is no such alarm.
        """
        found = self.ground.alarms.acknowledge(alarm, user.name, comment)
        self._record("alarm-acknowledged", user, {"alarm": alarm, "key": found.key, "comment": comment})
        self._tell_alarms()

    def set_speed(self, speed: float, user: User, until: np.datetime64 | None = None) -> None:
        """Run faster or slower, on record.

        Parameters
        ----------
        speed : float
            Simulated seconds for each second of wall time.
        user : User
            Who asks for it.
        until : numpy.datetime64, optional
            UTC from which time runs as on the wall again.

        Raises
        ------
        InputError
            If it cannot be used.
        """
        before = self.clock.speed
        self.clock.set_speed(speed, until)
        told = {} if until is None else {"until": f"{until.astype('datetime64[s]')}Z"}
        self._record("speed-set", user, {"before": before, "speed": speed, **told})
        self._tell_clock()

    def clock_message(self) -> dict[str, Any]:
        """The clock as websockets are told it.

        Returns
        -------
        dict
            ``time_ms``, ``speed``, ``until_ms`` (from when it runs as on the wall, or None), ``behind_s``,
            ``end_ms``, whether it has ended, and whether telemetry keeps up: whether it is behind by less than
            the time that passes in a second.
        """
        now, until, behind_s = self.clock.now(), self.clock.until, self.behind_s
        return {
            "type": "clock", "time_ms": _ms(now), "speed": self.clock.speed,
            "until_ms": None if until is None else _ms(until), "behind_s": round(behind_s, 3),
            "keeps_up": behind_s <= self.clock.speed, "end_ms": _ms(self.span[1]), "ended": self.clock.has_ended,
        }  # fmt: skip

    def moment(self) -> dict[str, Any]:
        """The clock, the lunar day, the Sun, contact and light time.

        Returns
        -------
        dict
        """
        told = {name: value for name, value in self.clock_message().items() if name != "type"}
        told["start_ms"], told["reached_ms"], told["trouble"] = _ms(self.span[0]), _ms(self.reached), self.trouble
        return {**self.lunar.at(self.clock.now()).to_dict(), **told}

    def _ticking(self) -> Ticker:
        if self.ticker is None:
            raise ModelError("is still being made ready", where="mission", advice="wait a moment")
        return self.ticker

    def _known(self, name: str) -> None:
        if self.users.find(name) is None:
            raise InputError(
                f"no user {name!r}",
                where="--command-user",
                advice=f"moonpost control user add {name} --data {self.folder} --partner P --role operator",
            )

    def _advance(self, until: np.datetime64) -> bytes:
        return self.station.advance(until)

    def _receive(self, octets: bytes, at: np.datetime64) -> bool:
        """Take in what the station sent; a disk that is full is tried again with the same octets."""
        self.ground.receive(octets, "station", at)
        if self.ground.full_since is not None and octets:
            return False
        if self.outside is not None:
            self.outside.send(octets)
        return True

    def _uplink(self, octets: bytes, at: np.datetime64) -> None:
        if self.outside is not None and self.outside.takes_commands:
            self.outside.command(octets)
            return
        self.station.uplink(octets, at)

    def _time_tag(self, time_us: int) -> int:
        """What the clock on board will show at an instant, as its time reports tell so far [1/65536 s]."""
        from moonpost.control.packets import CucClock
        from moonpost.control.station import correlate

        t = np.atleast_1d(np.datetime64(time_us, "us"))
        received, shown, light_s = self.station.stamps()
        if len(received) < 2:
            return int(CucClock().ticks(t)[0])
        found = correlate(received[-_STAMPS:], shown[-_STAMPS:], light_s[-_STAMPS:])
        return int(found.clock_ticks(t)[0])

    def _command_came(self, octets: bytes, sender: str) -> bytes | None:
        if self.options.command_user is not None:
            self.commanding.receive(octets, self.options.command_user, comment=f"command port, {sender}")
        return None

    def _heard(self, batch: LiveBatch) -> None:
        """What telemetry brought, to websockets, the book and the commands."""
        self.hub.publish(batch.columns)
        self.hub.publish(batch.late, late=True)
        for report in batch.reports:
            event = self.book.add(report)
            if event is not None:
                self.hub.tell({"type": "event", **event}, to=self._seen_by(str(event["element"])))
            self.commanding.report(report)

    def _seen_by(self, about: str) -> Callable[[Any], bool]:
        return lambda client: client.sees(about)

    def _tell_alarms(self) -> None:
        changes = self.ground.alarms.changes
        if changes != self._alarms_seen:
            self._alarms_seen = changes
            self.hub.tell({"type": "alarms", "changes": changes}, slot="alarms")

    def _tell_clock(self) -> None:
        self.hub.tell(self.clock_message(), slot="clock")

    def _tell_command(self, command: Command) -> None:
        rules = self.commanding.rules
        message = {"type": "command", "command": command.to_dict()}
        self.hub.tell(message, to=lambda client: client.user is not None and rules.sees(client.user, command))

    def _note(self) -> None:
        """Keep the time that was reached, once all of before it is on the disk."""
        reached = self._ticking().reached
        if reached != self._folder.reached and self.ground.full_since is None:
            self.ground.archive.sync()
            self._folder.note(reached)

    def _finish(self) -> None:
        """The last that is done before everything closes."""
        ticker = self._ticking()
        ticker.stop()
        with contextlib.suppress(Exception):
            self._note()

    def _record(self, action: str, user: User, data: Mapping[str, Any]) -> None:
        now_us = int(self.clock.now().astype(np.int64))
        self.audit.record(action, user.name, user.partner, data=dict(data), time_us=now_us)


def _step_s(station: Station) -> float:
    """Step between two values of a channel, which in orbit is finer than that of the sky."""
    time = station.simulation().series["time"].values[:2].astype("datetime64[ms]")
    return float((time[1] - time[0]) / np.timedelta64(1, "s"))


def _alarm(alarm: Alarm, channels: Mapping[str, DisplayChannel]) -> dict[str, Any]:
    channel = channels.get(alarm.key)
    return {
        "id": alarm.id, "key": alarm.key, "text": alarm.text or (channel.description if channel else ""),
        "unit": channel.unit if channel else "", "owner": channel.owner if channel else None,
        "state": alarm.state, "worst": alarm.worst, "severity": alarm.severity,
        "value": alarm.value if np.isfinite(alarm.value) else None, "since_ms": _ms(alarm.since),
        "cleared_ms": None if alarm.cleared is None else _ms(alarm.cleared),
        "acknowledged_by": alarm.acknowledged_by or None,
        "acknowledged_ms": None if alarm.acknowledged_at is None else _ms(alarm.acknowledged_at),
        "comment": alarm.comment, "count": alarm.count, "late": alarm.late,
    }  # fmt: skip


def _ms(time: np.datetime64) -> int:
    return int(time.astype("datetime64[ms]").astype(np.int64))
