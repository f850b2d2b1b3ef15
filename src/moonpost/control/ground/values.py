"""Newest values of all parameters, and what each piece of telemetry means for alarms and listeners."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive import Archive
from moonpost.control.ground.alarms import Alarms
from moonpost.control.ground.live import Decoded, Judge, LiveBatch, Report, Samples, report_keys, reports_of
from moonpost.control.packets.dictionary import Dictionary
from moonpost.errors import DataError

__all__ = ["LiveValues"]

_Mask = npt.NDArray[np.bool_]
Newest = tuple[np.datetime64, Any, int]
"""Time, value and state."""


class LiveValues:
    """Newest values, kept apart from what is late.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold.
    alarms : Alarms
        Where values out of limits are told.
    ahead_s : float
        How far a packet's time may lie after its receipt [s].

    Examples
    --------
    >>> from moonpost.control.packets import Decoder, encode_packets, station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> sent = encode_packets(dictionary, "station", {"station.shed_w": [7.5]}, "2030-01-01")
    >>> decoded = [Decoded.of(table) for table in Decoder(dictionary).decode(sent)]
    >>> values = LiveValues(dictionary, Alarms(), 60.0)
    >>> values.take(decoded, [], np.datetime64("2030-01-01"), wanted=True).columns["station.shed_w"][1].tolist()
    [7.5]
    >>> values.latest(["station.shed_w"])["station.shed_w"][1:]
    (7.5, 1)
    """

    def __init__(self, dictionary: Dictionary, alarms: Alarms, ahead_s: float) -> None:
        self.late = 0
        self.ahead = 0
        self._alarms = alarms
        self._ahead = np.timedelta64(round(ahead_s * 1e6), "us")
        self._judge = Judge(dictionary)
        self._newest: dict[str, Newest] = {}
        self._live_since: dict[str, np.datetime64] = {}
        self._reports = {packet.name: report_keys(packet) for packet in dictionary.packets}
        self._packet_of = {item.parameter: packet.name for packet in dictionary.packets for item in packet.items}

    def seed(self, archive: Archive, now: np.datetime64 | None) -> None:
        """Newest values of an archive that was there before."""
        limit = None if now is None else now + self._ahead
        for name in archive.parameters:
            try:
                found = archive.last(name, limit)
            except DataError:  # a part that is damaged: told by its own alarm, and no reason to refuse what comes
                continue
            if found is not None and name in self._packet_of:
                time, value = found
                column = np.array([value])
                state = self._judge.states(name, column, np.array([time]))
                self._newest[name] = (time, value, int(state[0]))
                packet = self._packet_of[name]
                self._live_since[packet] = max(time, self._live_since.get(packet, time))

    def latest(self, keys: Iterable[str] | None) -> dict[str, Newest]:
        """Newest value of parameters, those without one left out."""
        newest = self._newest
        return dict(newest) if keys is None else {key: newest[key] for key in keys if key in newest}

    def take(
        self, live: list[Decoded], played: list[Decoded], now: np.datetime64, *, wanted: bool
    ) -> LiveBatch | None:
        """Take what the archive took; give what listeners are told, None if nobody wants it.

        Parameters
        ----------
        live : list of Decoded
            What came as it was made.
        played : list of Decoded
            What was stored on board.
        now : numpy.datetime64
            UTC of the receipt.
        wanted : bool
            Whether there are listeners.

        Returns
        -------
        LiveBatch or None
        """
        self._judge.learn([*live, *played])
        columns: dict[str, Samples] = {}
        late: dict[str, Samples] = {}
        reports: list[Report] = []
        for one, is_played in [*((d, True) for d in played), *((d, False) for d in live)]:
            sound = self._sound(one, now)
            mask = self._of_now(one, sound, is_played)
            self._judge_all(one, mask, sound, wanted, columns, late)
            keys = self._reports.get(one.table.packet)
            if keys is not None and wanted:
                reports += reports_of(one, keys, ~mask)
        self._judge.settle()
        if not wanted or not (columns or late or reports):
            return None
        return LiveBatch(now, columns, tuple(sorted(reports, key=lambda report: report.time)), late)

    def _sound(self, one: Decoded, now: np.datetime64) -> _Mask:
        """Which packets have a time that is not far ahead of their receipt."""
        time = one.time
        sound = time <= now + self._ahead
        self.ahead += int(np.sum(~sound))
        return np.asarray(sound)

    def _of_now(self, one: Decoded, sound: _Mask, is_played: bool) -> _Mask:
        """Which packets are of now: sound and not late."""
        time, name = one.time, one.table.packet
        mask = np.zeros_like(sound) if is_played else sound.copy()
        if name in self._live_since:
            mask &= time >= self._live_since[name]
        self.late += int(np.sum(sound & ~mask))
        if mask.any():
            self._live_since[name] = time[mask].max()
        return mask

    def _judge_all(
        self, one: Decoded, mask: _Mask, sound: _Mask, wanted: bool, columns: dict[str, Samples],
        late: dict[str, Samples],
    ) -> None:  # fmt: skip
        """Newest values, alarms and columns of one table."""
        time, whole, nothing = one.time, bool(mask.all()), not mask.any()
        for name, values in one.values.items():
            limited = name in self._judge.limited
            states = self._judge.states(name, values, time) if limited or wanted else None
            self._refresh(name, time, values, states, None if whole else sound)
            if limited and states is not None:
                self._alarm(name, one, mask, states)
            if wanted and states is not None:
                if not nothing:
                    _put(columns, name, _some((time, values, states), mask, whole))
                if not whole:
                    _put(late, name, _some((time, values, states), ~mask, nothing))

    def _refresh(self, name: str, time: Any, values: Any, states: Any, sound: _Mask | None) -> None:
        """The newest value, the last one that is a number."""
        row = values.size - 1
        if sound is not None or (values.dtype.kind == "f" and values[-1] != values[-1]):
            candidates = np.ones(values.shape, bool) if sound is None else sound
            rows = np.flatnonzero(candidates & (values == values))
            rows = rows if rows.size else np.flatnonzero(candidates)
            if not rows.size:
                return
            row = int(rows[-1])
        before = self._newest.get(name)
        if before is None or time[row] >= before[0]:
            self._newest[name] = (time[row], values[row].item(), 0 if states is None else int(states[row]))

    def _alarm(self, name: str, one: Decoded, mask: _Mask, states: npt.NDArray[np.int8]) -> None:
        """Alarms of one parameter."""
        time, values, band = one.time, one.values[name], self._alarms.rules.deadband
        if mask.any():
            at, some, state = (time, values, states) if mask.all() else (time[mask], values[mask], states[mask])
            self._alarms.watch(name, at, some, state, lambda: self._judge.states(name, some, at, deadband=band))
        if not mask.all():
            self._alarms.tell_late(name, time[~mask], values[~mask], states[~mask])


def _some(samples: Samples, mask: _Mask, whole: bool) -> Samples:
    """Samples of some rows."""
    return samples if whole else (samples[0][mask], samples[1][mask], samples[2][mask])


def _put(columns: dict[str, Samples], name: str, samples: Samples) -> None:
    """Add samples of a parameter, behind those of another layout that carries it."""
    if name in columns:
        before = columns[name]
        samples = (np.concatenate((before[0], samples[0])), np.concatenate((before[1], samples[1])),
                   np.concatenate((before[2], samples[2])))  # fmt: skip
    columns[name] = samples
