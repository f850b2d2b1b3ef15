"""The ground station: telemetry in, archived before all else, then live values, limits, alarms and reports."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive import Archive
from moonpost.control.archive import Packets as Batch
from moonpost.control.archive.spacepackets import archive_packets
from moonpost.control.ground.alarms import AlarmRules, Alarms
from moonpost.control.ground.archivewatch import ArchiveWatch
from moonpost.control.ground.intake import Intake, rejects_of
from moonpost.control.ground.keeping import keep_dictionary
from moonpost.control.ground.live import Decoded, LiveBatch, columns_of
from moonpost.control.ground.playback import Playback, PlaybackChannels
from moonpost.control.ground.values import LiveValues
from moonpost.control.packets.decoding import Decoder
from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.frames import FrameLayout
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.receiving import Received as Read
from moonpost.control.packets.tally import Gap
from moonpost.errors import MoonpostError, OutputError

if TYPE_CHECKING:
    from moonpost.control.database import Database

__all__ = ["Ground", "Received"]

_RETRY_S = 1.0
_LOOK_S = 1.0
_GAP_QUIET = np.timedelta64(300, "s")
Listener = Callable[[LiveBatch], object]


@dataclass(frozen=True)
class Received:
    """What became of one piece of telemetry.

    Parameters
    ----------
    packets : int
        Packets that the archive took, those that came again among them.
    rejected : int
        Frames and packets rejected, whatever the cause; packets refused because the disk is full among them.
    gaps : tuple of Gap
        What is missing by the counts of frames and packets.
    acknowledged : bool
        Whether all that was taken so far is on the disk.

    Examples
    --------
    >>> Received(2, 0, (), True).packets
    2
    """

    packets: int
    rejected: int
    gaps: tuple[Gap, ...]
    acknowledged: bool


class Ground:
    """Takes telemetry of one station from any number of sources; `Ground.open` opens it.

    Notes
    -----
    One piece is taken at a time. It is archived first: whatever else fails, packets are kept. Live values, limits
    and listeners see each packet once, even if it is received again. Packets of the virtual channels `playback`,
    and those older than what is there, are late: they stand in the history, do not replace newer values, and raise
    no alarm as if they were of now. A packet whose time lies over `ahead_s` after its receipt is archived and
    never live, so that one wrong clock cannot hide all that follows.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.packets import FrameWriter, encode_packets, station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> layout = FrameLayout(spacecraft=171)
    >>> writer = FrameWriter(layout)
    >>> sent = encode_packets(dictionary, "station", {"station.shed_w": [0.0, 7.5]}, ["2030-01-01", "2030-01-02"])
    >>> with tempfile.TemporaryDirectory() as folder, Ground.open(folder, dictionary, layout=layout) as ground:
    ...     received = ground.receive(writer.write(sent) + writer.flush(), at=np.datetime64("2030-01-02"))
    ...     _, value, state = ground.latest(["station.shed_w"])["station.shed_w"]
    ...     alarm = ground.alarms.active()[0]
    >>> received.packets, value, state, alarm.key, alarm.severity
    (2, 7.5, 1, 'station.shed_w', 'warning')
    """

    def __init__(
        self,
        folder: Path,
        dictionary: Dictionary,
        layout: FrameLayout,
        alarms: Alarms,
        *,
        sync_s: float = 0.2,
        playback: PlaybackChannels = None,
        ahead_s: float = 3600.0,
        clock: Callable[[], np.datetime64] | None = None,
    ) -> None:
        self.folder = folder
        self.dictionary = dictionary
        self.layout = layout
        self.alarms = alarms
        self._playback = Playback(playback)
        self._clock = clock
        self._sync_s = sync_s
        self._decoder = Decoder(dictionary)
        self._intake = Intake(layout)
        self._values = LiveValues(dictionary, alarms, ahead_s)
        self._captured: list[Decoded] | None = None
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ("taken", "decoded", "duplicates", "refused", "undecoded", "unusable", "faults", "listeners_failed"), 0
        )
        self._trouble = ""
        self._listener_trouble = ""
        self._save_wall_s = 0.0
        self._now: np.datetime64 | None = None
        self._refused: dict[str, tuple[bytes, Read, int, str]] = {}
        self._refusals: Counter[str] = Counter()
        self._gap_at: dict[str, np.datetime64] = {}
        self._due: dict[str, tuple[Callable[[np.datetime64], bool], np.timedelta64]] = {}
        self._heard: dict[str, np.datetime64] = {}
        self._ahead = 0
        self._stopped = threading.Event()
        keep_dictionary(folder, dictionary)
        self.archive = Archive.open(folder, self._decode, sync_s=sync_s)
        try:
            self._values.seed(self.archive, clock() if clock is not None else None)
            self._watch = ArchiveWatch(self.archive, alarms, self._last_instant)
        except BaseException:
            self.archive.close()
            raise
        self._keeper = threading.Thread(target=self._keep, name="moonpost-ground", daemon=True)
        self._keeper.start()

    @property
    def full_since(self) -> np.datetime64 | None:
        """UTC since when the archive takes nothing, for whatever cause; None while it does."""
        return self._watch.full_since

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        dictionary: Dictionary,
        *,
        layout: FrameLayout,
        database: Database | None = None,
        sync_s: float = 0.2,
        playback: PlaybackChannels = None,
        ahead_s: float = 3600.0,
        clock: Callable[[], np.datetime64] | None = None,
        rules: AlarmRules | None = None,
    ) -> Ground:
        """Open the archive of a ground station, or begin one.

        Parameters
        ----------
        folder : path-like
            Folder of the archive. The dictionary is kept there, so that it can be rebuilt without anything else.
        dictionary : Dictionary
            What packets hold.
        layout : FrameLayout
            What frames look like.
        database : Database, optional
            Where alarms are kept; in memory if None.
        sync_s : float
            Longest time until packets are on the disk for certain [s]; 0 waits for the disk in each call.
        playback : iterable of int or mapping of str to iterable of int, optional
            Virtual channels that carry what was stored on board, of all sources or of sources by name. What is
            not told is 1 to 6 for the source ``"station"`` and 1 for others.
        ahead_s : float
            How far a packet's time may lie after its receipt [s].
        clock : callable, optional
            Gives UTC of the mission; where it is not given and `at` neither, the receipt is UTC of this machine.
        rules : AlarmRules, optional
            How quickly alarms are raised and cleared.

        Returns
        -------
        Ground

        Raises
        ------
        OutputError
            If another process writes this archive, or the folder cannot be written.
        DataError
            If a file of the archive cannot be read.
        InputError
            If a setting cannot be used.
        """
        store = None
        if database is not None:
            from moonpost.control.ground.alarmstore import AlarmStore

            store = AlarmStore(database)
        alarms = Alarms(rules, store, clock)
        place = Path(folder)
        return cls(
            place, dictionary, layout, alarms, sync_s=sync_s, playback=playback, ahead_s=ahead_s, clock=clock
        )

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def receive(self, octets: bytes, source: str = "station", at: np.datetime64 | None = None) -> Received:
        """Take a piece of a stream of frames with sync markers, cut anywhere.

        Parameters
        ----------
        octets : bytes
            What came; nothing is a look at the time, which tells lost links. A piece whose packets were refused
            because the disk is full can be given again: it is known again, and nothing of it is counted twice.
        source : str
            Whom it came from; each source has its own stream.
        at : datetime64, optional
            UTC of the receipt.

        Returns
        -------
        Received

        Raises
        ------
        OutputError
            If the ground is closed. Nothing else is raised, whatever comes.
        """
        return self._take(source, at, lambda: self._intake.stream(source, octets), octets)

    def receive_frames(self, datagrams: Sequence[bytes], source: str, at: np.datetime64 | None = None) -> Received:
        """Take datagrams of one frame each, with or without sync marker, with one wait for the disk for all."""
        return self._take(source, at, lambda: self._intake.frames(source, datagrams))

    def receive_packets(
        self, octets: bytes, source: str, at: np.datetime64 | None = None, *, whole: bool = False,
        late: bool = False,
    ) -> Received:  # fmt: skip
        """Take space packets without frames; else as `receive`.

        Parameters
        ----------
        octets : bytes
            A piece of a stream or, if `whole`, whole packets.
        source : str
            Whom it came from.
        at : datetime64, optional
            UTC of the receipt.
        whole : bool
            Whether nothing of it waits for more.
        late : bool
            Whether it was stored on board and played back.

        Returns
        -------
        Received
        """
        return self._take(source, at, lambda: self._intake.packets(source, octets, whole=whole), late=late)

    def end(self, source: str) -> None:
        """The end of a source's stream, such as a connection that closed."""
        with self._lock:
            self._refused.pop(source, None)
            self._intake.forget(source)

    def expect(self, source: str, is_due: Callable[[np.datetime64], bool], after_s: float = 600.0) -> None:
        """Raise an alarm when a source that should be heard is not.

        Parameters
        ----------
        source : str
            The source.
        is_due : callable
            Tells whether it should be heard at an instant, as contacts have it.
        after_s : float
            How long it may be silent while it is due [s].
        """
        self._due[source] = (is_due, np.timedelta64(round(after_s * 1e6), "us"))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have a callable called with each `LiveBatch`, in the thread that took it, after it was archived.

        Parameters
        ----------
        listener : callable
            What is called. If it fails, that is counted and told by `status`; nothing else is disturbed.

        Returns
        -------
        callable
            Ends it.
        """
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return stop

    def latest(self, keys: Iterable[str] | None = None) -> dict[str, tuple[np.datetime64, Any, int]]:
        """Newest value of parameters with its time and state.

        Parameters
        ----------
        keys : iterable of str, optional
            The parameters; all that are known if None. Those without a value are left out.

        Returns
        -------
        dict of str to (numpy.datetime64, number, int)
        """
        return self._values.latest(keys)

    def status(self) -> dict[str, Any]:
        """What was received, rejected by cause, acknowledged by source and APID, and what is wrong.

        Returns
        -------
        dict
            Plain values, ready for JSON. Packets that readers told are those decoded, duplicates, refused and
            those rejected by the dictionary.
        """
        with self._lock:
            self._intake.acknowledge(self.archive.acknowledged)
            received, counts = self._intake.tally(), dict(self._counts)
            rejects = rejects_of((received, self._decoder.tally))
            sources = {name: source.to_dict() for name, source in self._intake.sources.items()}
            gaps = [{"source": name, **vars(gap)} for name, gap in self._intake.gaps]
            acknowledged = self.archive.acknowledged
            refused = dict(self._refusals)
        for cause, number in (*refused.items(), ("unusable", counts["unusable"])):
            if number:
                rejects[cause] = number
        return {
            **counts, "acknowledged": acknowledged, "late": self._values.late, "ahead": self._values.ahead,
            "octets": received.octets, "lost_octets": received.lost_octets, "frames": received.frames,
            "idle_frames": received.idle_frames, "packets": received.packets,
            "idle_packets": received.idle_packets, "missing": dict(received.missing),
            "repeated": dict(received.repeated), "rejects": rejects, "rejected": sum(rejects.values()),
            **self._watch.status(),
            "gaps": gaps, "sources": sources,
            "trouble": self._watch.trouble or self._trouble or self.alarms.trouble,
            "listener_trouble": self._listener_trouble,
        }  # fmt: skip

    def close(self) -> None:
        """Put everything on the disk and close; a second call does nothing.

        Raises
        ------
        OutputError
            If the disk is full; what was acknowledged is kept, and parameters are made again at the next opening.
        """
        with self._lock:
            if self._stopped.is_set():
                return
            self._stopped.set()
        self._keeper.join()
        self._watch.close()
        with self._lock:
            self._intake.close()
            self.alarms.save()
            self.archive.close()

    def _take(
        self, source: str, at: np.datetime64 | None, read: Callable[[], Read], piece: bytes = b"",
        late: bool = False,
    ) -> Received:  # fmt: skip
        """Read, archive, and tell."""
        with self._lock:
            if self._stopped.is_set():
                raise OutputError("is closed", where=str(self.folder), advice="open it again")
            now = self._instant(at)
            held = self._again(source, piece)
            before = self._rejected()
            found = held or read()
            refused = self._counts["refused"]
            taken = 0
            decoded: list[Decoded] = []
            played: list[Decoded] = []
            is_late = self._playback.late(source, found.channel) | late
            for rows, kept in ((is_late, played), (~is_late, decoded)):
                if rows.any():
                    packets = found.packets if rows.all() else found.packets.select(rows)
                    count, fresh = self._archive(packets, source, now)
                    taken += count
                    kept += fresh
            if piece and self._counts["refused"] > refused:
                self._refused[source] = piece, found, self._counts["refused"] - refused, self._watch.cause
            self._follow(source, found, decoded, played, now)
            acknowledged = self.archive.acknowledged == self.archive.appended
            return Received(taken, self._rejected() - before, found.gaps, acknowledged)

    def _follow(
        self, source: str, found: Read, decoded: list[Decoded], played: list[Decoded], now: np.datetime64
    ) -> None:
        """Live values, alarms and listeners; packets are archived by now, whatever fails here."""
        try:
            batch = self._values.take(decoded, played, now, wanted=bool(self._listeners))
            self._look(source, found, now)
            self._save_alarms()
        except Exception as error:
            self._counts["faults"] += 1
            self._trouble = f"live values failed: {type(error).__name__}: {error}"
            return
        if batch is not None:
            self._tell(batch)

    def _again(self, source: str, piece: bytes) -> Read | None:
        """What was read of a piece that was refused before and comes again."""
        held = self._refused.pop(source, None)
        if held is None or not piece or held[0] != piece:
            return None
        self._counts["refused"] -= held[2]
        self._refusals[held[3]] -= held[2]
        self._intake.source(source).refused -= held[2]
        return held[1]

    def _archive(self, packets: Packets, source: str, now: np.datetime64) -> tuple[int, list[Decoded]]:
        """Archive packets; give how many were taken and what is new of them, decoded."""
        if self._watch.is_full:
            return self._refuse(len(packets), source), []
        try:
            batch = archive_packets(packets, self._decoder, now)
        except MoonpostError as error:
            self._trouble = str(error)
            self._counts["unusable"] += len(packets)
            return 0, []
        self._captured = []
        try:
            receipt = self.archive.append(batch)
        except OutputError as error:
            self._watch.stop(error, now)
            self._intake.withdraw(self.archive.appended)
            return self._refuse(len(packets), source), []
        finally:
            captured, self._captured = self._captured, None
        self._watch.go_on(now)
        self._counts["taken"] += len(packets)
        self._counts["duplicates"] += receipt.duplicates
        self._counts["decoded"] += sum(len(one.table) for one in captured)
        self._intake.source(source).duplicates += receipt.duplicates
        self._intake.took(source, batch.apid, batch.sequence, self.archive.appended)
        self._intake.acknowledge(self.archive.acknowledged)
        return len(packets), captured

    def _decode(self, _: int, packets: Batch) -> Mapping[str, npt.NDArray[Any]]:
        """Columns for the archive; what is decoded while packets are taken is kept for live values."""
        sizes = np.diff(packets.offsets)
        space = Packets(packets.data, packets.offsets[:-1], sizes)
        try:
            decoded = [Decoded.of(table, packets.time) for table in self._decoder.decode(space)]
        except Exception:
            if self._captured is not None:
                self._counts["undecoded"] += len(packets)
            raise
        if self._captured is not None:
            self._captured += decoded
        return columns_of(decoded, len(packets))

    def _refuse(self, number: int, source: str) -> int:
        """Count packets that are not taken; none is."""
        self._counts["refused"] += number
        self._refusals[self._watch.cause] += number
        self._intake.source(source).refused += number
        return 0

    def _look(self, source: str, found: Read, now: np.datetime64) -> None:
        """Alarms of gaps and of sources that fell silent."""
        missing = sum(gap.missing for gap in found.gaps if gap.kind == "packet")
        key = f"ground.gap.{source}"
        if source not in self._gap_at and self.alarms.is_up(key):  # raised before a restart
            self._gap_at[source] = now
        if missing:
            self._gap_at[source] = now
            self.alarms.tell(key, 1, now, f"packets are missing from {source}", float(missing))
        elif source in self._gap_at and now - self._gap_at[source] > _GAP_QUIET:
            del self._gap_at[source]
            self.alarms.settle(key, now)
        if len(found.packets):
            self._heard[source] = now
            self._look_at_clocks(now)
        for name, (is_due, after) in self._due.items():
            self._listen_for(name, is_due(now), after, now)

    def _look_at_clocks(self, now: np.datetime64) -> None:
        """An alarm while packets come whose time lies far ahead."""
        more = self._values.ahead - self._ahead
        self._ahead = self._values.ahead
        if more:
            text = "packets bear times far ahead of their receipt: they are archived and not live"
            self.alarms.tell("ground.clock", 1, now, text, float(more))
        elif self.alarms.is_up("ground.clock"):
            self.alarms.settle("ground.clock", now)

    def _listen_for(self, name: str, is_due: bool, after: np.timedelta64, now: np.datetime64) -> None:
        """Tell of a source that should be heard and is not."""
        key = f"ground.link.{name}"
        last = self._heard.setdefault(name, now)
        if not is_due:
            self._heard[name] = max(now, last)
            self.alarms.settle(key, now)
        elif now - last > after:
            if not self.alarms.is_up(key):
                self.alarms.tell(key, 2, now, f"nothing was heard of {name} since {str(last)[:19]}Z")
        else:
            self.alarms.settle(key, now)

    def _tell(self, batch: LiveBatch) -> None:
        """Call listeners; one that fails harms nobody."""
        for listener in self._listeners:
            try:
                listener(batch)
            except Exception as error:
                self._counts["listeners_failed"] += 1
                self._listener_trouble = f"{type(error).__name__}: {error}"

    def _instant(self, at: np.datetime64 | None) -> np.datetime64:
        """UTC of a receipt."""
        if at is None:
            at = self._clock() if self._clock is not None else np.datetime64(time.time_ns() // 1000, "us")
        self._now = at.astype("datetime64[us]")
        return self._now

    def _last_instant(self) -> np.datetime64:
        """UTC of the last receipt; now if there was none."""
        return self._instant(None) if self._now is None else self._now

    def _rejected(self) -> int:
        """All rejects so far."""
        refused = self._counts["refused"] + self._counts["unusable"]
        return self._intake.rejected + self._decoder.tally.rejected + refused

    def _save_alarms(self) -> None:
        """Write alarms that changed, at once; if that fails again each second."""
        if time.monotonic() >= self._save_wall_s and not self.alarms.save():
            self._save_wall_s = time.monotonic() + _RETRY_S

    def _keep(self) -> None:
        """Until closed: put packets on the disk in time, and write alarms that could not be written."""
        look_wall_s = 0.0
        while not self._stopped.wait(max(0.05, min(self._sync_s, 1.0))):
            if self.archive.acknowledged < self.archive.appended or time.monotonic() >= look_wall_s:
                look_wall_s = time.monotonic() + _LOOK_S
                try:
                    self.archive.sync()  # tells, too, if the folder is gone
                except OutputError as error:
                    with self._lock:
                        self._intake.withdraw(self.archive.appended)
                        self._watch.stop(error, self._last_instant())
            self._save_alarms()
