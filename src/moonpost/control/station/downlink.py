"""From what the station makes to what reaches the ground: live frames, the store of outages, its playback."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.frames import FrameLayout, FrameWriter
from moonpost.control.packets.headers import Packets
from moonpost.control.station.instants import SECOND_US, utc
from moonpost.control.station.legs import RelayStore
from moonpost.control.station.reports import Report, encode_reports, report_octets
from moonpost.control.station.rows import Rows

__all__: list[str] = []

LIVE, PLAYBACK, RELAYED = 0, 1, 2
MOST_RELAYS = 5
_RANK_STORE = 4


@dataclass(frozen=True)
class Switches:
    """When the station can be heard, and when it may play back, as edges in time.

    Parameters
    ----------
    edges_us : list of int
        Instants of change, rising [us of UTC].
    heard, playing : list of bool
        What holds from each edge on.
    relays : list of int
        The relay that keeps what is sent from each edge on; -1 if none.

    Examples
    --------
    >>> Switches([0, 10], [True, False], [True, True], [-1, 0]).at(5)
    (True, True, -1)
    """

    edges_us: list[int]
    heard: list[bool]
    playing: list[bool]
    relays: list[int]

    def at(self, t_us: int) -> tuple[bool, bool, int]:
        """What holds at an instant."""
        k = max(bisect_right(self.edges_us, t_us) - 1, 0)
        return self.heard[k], self.playing[k], self.relays[k]

    def next(self, t_us: int) -> int | None:
        """The next change after an instant."""
        k = bisect_right(self.edges_us, t_us)
        return self.edges_us[k] if k < len(self.edges_us) else None


@dataclass
class _Counted:
    """A report with its counts."""

    report: Report
    count: int
    message: int


_Piece = tuple[int, int] | _Counted
"""Steps from one up to before another, or a report."""


@dataclass
class _Store:
    """Telemetry that waits for playback, oldest first."""

    room_octets: int
    pieces: deque[_Piece] = field(default_factory=deque)
    octets: int = 0
    packets: int = 0
    lost: int = 0


@dataclass
class _Pass:
    """A pass of a relay that does not see the Earth."""

    relay: int
    free_us: int
    packets: int = 0
    full: bool = False


class Downlink:
    """The sender of the station with its store.

    Parameters
    ----------
    rows : Rows
        Housekeeping.
    dictionary : Dictionary
        With the reports.
    layout : FrameLayout
        What frames look like.
    step_times : callable
        When the packets of a step are made, from its number [us of UTC].
    room_octets : int
        What the store holds.
    playback_bit_s : float
        Rate of playback [bit/s].
    relays : sequence of RelayStore
        What relays keep.

    Notes
    -----
    What is made in contact goes out at once on channel 0. The rest is stored, the oldest given up when there is no
    room, and goes out on channel 1 in contact, oldest first, at the rate of playback. A packet that is not out
    when contact ends is sent again from its start. To a relay that does not see the Earth all goes through the
    store, oldest first, at the same rate; the relay sends it on in that order on a channel of its own, from 2 on.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    def __init__(
        self, rows: Rows, dictionary: Dictionary, layout: FrameLayout, step_times: Callable[[int], int],
        steps: int, room_octets: int, playback_bit_s: float, relays: Sequence[RelayStore[_Piece]] = (),
    ) -> None:  # fmt: skip
        self._rows, self._dictionary, self._writer = rows, dictionary, FrameWriter(layout)
        self._made_at, self._steps = step_times, steps
        self._store = _Store(room_octets)
        self._rate_bit_s = round(playback_bit_s)
        self._sizes = report_octets()
        self._reports: list[tuple[tuple[int, ...], int, Report]] = []
        self._given = 0
        self._count = 0
        self._messages: Counter[str] = Counter()
        self._step = 0
        self._was: tuple[bool, bool] = (True, True)
        self._relays = tuple(relays)
        self._pass: _Pass | None = None
        self._drain: tuple[int, int] | None = None
        self._lost_told = 0
        self._asked: deque[int] = deque()
        self._out: tuple[list[_Piece], list[_Piece]] = ([], [])

    @property
    def stored(self) -> tuple[int, int, int]:
        """Octets and packets that wait, and packets lost."""
        return self._store.octets, self._store.packets, self._store.lost

    def relayed(self, t_us: int) -> tuple[int, int]:
        """Octets and packets that relays keep at an instant not before the last."""
        held = [relay.held(t_us) for relay in self._relays]
        return sum(octets for octets, _ in held), sum(packets for _, packets in held)

    def report(self, reports: Sequence[Report]) -> None:
        """Take reports that are to be sent, in any order."""
        for report in reports:
            self._given += 1
            heapq.heappush(self._reports, (report.order, self._given, report))

    def ask(self, times_us: Sequence[int]) -> None:
        """Report the state of the store at instants that lie ahead."""
        self._asked.extend(sorted(times_us))

    def go(self, since_us: int, until_us: int, switches: Switches) -> None:
        """Handle what is made from one instant up to before another."""
        now = since_us
        while now < until_us:
            heard, playing, relay = switches.at(now)
            self._turn(now, (heard, playing))
            self._turn_relay(now, relay if playing else -1, playing)
            asked = self._asked[0] if self._asked else None
            ends = [until_us, switches.next(now), self._drained_at(now), asked]
            stop = min(end for end in ends if end is not None and end > now)
            self._spend(stop)
            now = stop

    def take(self, until_us: int, *, send: bool) -> bytes:
        """Frames of what came since the last call; nothing is encoded if it is not to be sent.

        `until_us` is the instant on the ground up to which relays were heard.
        """
        came = [*self._out, *(relay.came(until_us) for relay in self._relays)]
        self._out = ([], [])
        if not send:
            return b""
        parts = []
        for channel, pieces in enumerate(came):
            if pieces:
                parts.append(self._writer.write(self._packets(pieces), channel))
                parts.append(self._writer.flush(channel))
        return b"".join(parts)

    def status(self, t_us: int, rank: tuple[int, ...], playing: bool) -> Report:
        """What the store holds."""
        store = self._store
        fields = {
            "store_playing": int(playing), "store_held_octets": store.octets, "store_held_packets": store.packets,
            "store_lost_packets": store.lost, "store_oldest_time": self._oldest(), "store_room_octets":
            store.room_octets,
        }  # fmt: skip
        return Report(t_us, "store-status", fields, rank)

    def _oldest(self) -> int:
        """Clock count of the oldest packet that waits."""
        from moonpost.control.packets.clock import CucClock

        if not self._store.pieces:
            return 0
        piece = self._store.pieces[0]
        t_us = piece.report.time_us if isinstance(piece, _Counted) else self._made_at(piece[0] - 1)
        return int(CucClock().ticks(np.atleast_1d(utc(t_us)))[0])

    def _turn(self, now: int, state: tuple[bool, bool]) -> None:
        """Take note of contact and playback as they are from now on."""
        heard, playing = state
        if heard and not self._was[0] and (self._store.pieces or self._store.lost > self._lost_told):
            self._lost_told = self._store.lost
            self.report([self.status(now, (_RANK_STORE, 0), playing)])
        drains = heard and playing and self._store.octets > 0
        if drains and (self._drain is None or not (self._was[0] and self._was[1])):
            self._drain = (now, 0)
        elif not drains:
            if self._drain is not None and heard and self._store.octets == 0:
                self.report([self.status(now, (_RANK_STORE, 1), playing)])
            self._drain = None
        self._was = state
        while self._asked and self._asked[0] <= now:
            self._asked.popleft()
            self.report([self.status(now, (_RANK_STORE, 2), playing)])

    def _turn_relay(self, now: int, relay: int, playing: bool) -> None:
        """Begin or end a pass of a relay, and tell at its end what came of it."""
        before = self._pass
        if before is not None and before.relay != relay:
            if before.packets or before.full:
                self.report([self._relay_status(now, before, playing)])
            self._pass = None
        if relay >= 0 and self._pass is None:
            self._pass = _Pass(relay, now)

    def _relay_status(self, t_us: int, over: _Pass, playing: bool) -> Report:
        """What a relay took in a pass and keeps."""
        relay, store = self._relays[over.relay], self._store
        octets, packets = relay.held(t_us)
        fields = {
            "relay_name": relay.legs.name, "relay_full": int(over.full), "relay_taken_packets": over.packets,
            "relay_held_octets": octets, "relay_held_packets": packets, "relay_room_octets": relay.room_octets,
            "store_playing": int(playing), "store_held_packets": store.packets, "store_lost_packets": store.lost,
        }  # fmt: skip
        return Report(t_us, "relay-status", fields, (_RANK_STORE, 3))

    def _drained_at(self, now: int) -> int | None:
        """When the store will be empty if playback goes on."""
        if self._drain is None:
            return None
        begun, sent = self._drain
        total = sent + self._store.octets
        return max(begun - (-total * 8 * SECOND_US // self._rate_bit_s), now + 1)

    def _spend(self, until_us: int) -> None:
        """Handle what is made while nothing changes."""
        pieces = self._made(until_us)
        if self._pass is not None:
            for piece in self._single(pieces):
                self._hand_over(self._pass, self._made_us(piece))
                self._keep(piece)
            self._hand_over(self._pass, until_us)
        elif self._was[0]:
            self._out[LIVE].extend(pieces)
            self._play(until_us)
        else:
            for piece in pieces:
                self._keep(piece)

    def _made_us(self, piece: _Piece) -> int:
        """When the oldest of a piece was made."""
        return piece.report.time_us if isinstance(piece, _Counted) else self._made_at(piece[0])

    def _single(self, pieces: Sequence[_Piece]) -> Iterator[_Piece]:
        """Pieces of one step each."""
        for piece in pieces:
            if isinstance(piece, _Counted):
                yield piece
            else:
                yield from ((k, k + 1) for k in range(*piece))

    def _hand_over(self, over: _Pass, until_us: int) -> None:
        """Send to a relay what is out until an instant, as long as the relay has room."""
        while self._store.pieces and not over.full:
            oldest = self._store.pieces[0]
            piece = oldest if isinstance(oldest, _Counted) else (oldest[0], oldest[0] + 1)
            octets, packets = self._size(piece)
            sent_us = max(over.free_us, self._made_us(piece)) - (-octets * 8 * SECOND_US // self._rate_bit_s)
            if sent_us > until_us:
                return
            if not self._relays[over.relay].take(piece, sent_us, octets, packets):
                over.full = True
                return
            self._take_oldest(1)
            over.free_us = sent_us
            over.packets += packets

    def _made(self, until_us: int) -> list[_Piece]:
        """Steps and reports made before an instant, in the order of time."""
        found: list[_Piece] = []
        while self._reports and self._reports[0][0][0] < until_us:
            _, _, report = heapq.heappop(self._reports)
            self._steps_before(report.time_us + 1, found)
            found.append(_Counted(report, self._count % 16384, self._messages[report.name]))
            self._count += 1
            self._messages[report.name] += 1
        self._steps_before(until_us, found)
        return found

    def _steps_before(self, until_us: int, found: list[_Piece]) -> None:
        """Add the steps whose packets are made before an instant."""
        first = self._step
        low, high = first, self._steps
        while low < high:
            middle = (low + high) // 2
            if self._made_at(middle) < until_us:
                low = middle + 1
            else:
                high = middle
        if low > first:
            found.append((first, low))
            self._step = low

    def _size(self, piece: _Piece) -> tuple[int, int]:
        """Octets and packets."""
        if isinstance(piece, _Counted):
            return self._sizes[piece.report.name], 1
        steps = piece[1] - piece[0]
        return steps * self._rows.octets, steps * self._rows.packets

    def _keep(self, piece: _Piece) -> None:
        """Store a piece, and give up the oldest for it where there is no room."""
        store = self._store
        octets, packets = self._size(piece)
        store.pieces.append(piece)
        store.octets += octets
        store.packets += packets
        while store.octets > store.room_octets:
            over = store.octets - store.room_octets
            oldest = self._take_oldest(-(-over // self._rows.octets))
            store.lost += self._size(oldest)[1]

    def _take_oldest(self, steps: int) -> _Piece:
        """Take the oldest piece out of the store; of steps only so many."""
        store = self._store
        piece = store.pieces.popleft()
        if not isinstance(piece, _Counted) and piece[1] - piece[0] > steps:
            store.pieces.appendleft((piece[0] + steps, piece[1]))
            piece = (piece[0], piece[0] + steps)
        octets, packets = self._size(piece)
        store.octets -= octets
        store.packets -= packets
        return piece

    def _play(self, until_us: int) -> None:
        """Play back what the rate allows until an instant."""
        if self._drain is None:
            return
        begun, sent = self._drain
        allowed = self._rate_bit_s * (until_us - begun) // (8 * SECOND_US)
        while self._store.pieces:
            oldest = self._store.pieces[0]
            each = self._size(oldest)[0] if isinstance(oldest, _Counted) else self._rows.octets
            fits = (allowed - sent) // each
            if fits < 1:
                break
            piece = self._take_oldest(fits)
            sent += self._size(piece)[0]
            self._out[PLAYBACK].append(piece)
        self._drain = (begun, sent)

    def _packets(self, pieces: Sequence[_Piece]) -> Packets:
        """Packets of pieces, one after the other."""
        told = [piece for piece in pieces if isinstance(piece, _Counted)]
        encoded = iter(
            encode_reports(
                self._dictionary,
                [one.report for one in told],
                [one.count for one in told],
                [one.message for one in told],
            )
        )
        data, length = [], []
        for piece in pieces:
            if isinstance(piece, _Counted):
                octets = np.frombuffer(next(encoded), np.uint8)
                data.append(octets)
                length.append(np.array([octets.size]))
            else:
                data.append(self._rows.of(*piece))
                length.append(np.tile(self._rows.lengths, piece[1] - piece[0]))
        sizes = np.concatenate(length).astype(np.int64)
        return Packets(np.concatenate(data), np.cumsum(sizes) - sizes, sizes)
