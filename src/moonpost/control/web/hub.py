"""The hub of live values: from the thread that takes telemetry in to browsers, none of which slows the rest.

Values wait in a short list that the event loop empties ten times a second. Each parameter is written as text once
in a round, whoever asked for it, and each distinct set of parameters is joined once. A client that does not read
keeps a bounded number of values; beyond it they are thinned to the first, the last and each change of a limit
state, and the client is told.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from moonpost.control.users import User

__all__ = ["Client", "Hub"]

Columns = dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[np.int8]]]

_CHANGES = 32  # changes of state kept of each parameter when values are thinned
_ROUNDS = 50  # rounds that may wait for a client
_NOTES = 256  # events and commands that may wait for a client


@dataclass
class _Round:
    """Values of one round, and the texts made of them so far."""

    columns: Columns
    kind: str = "values"
    pieces: dict[str, str] = field(default_factory=dict)
    texts: dict[frozenset[str], tuple[str, int]] = field(default_factory=dict)

    def text(self, keys: frozenset[str]) -> tuple[str, int]:
        """The message for a set of parameters, and how many values it holds."""
        found = self.texts.get(keys)
        if found is None:
            there = [key for key in self.columns if key in keys]
            body = ",".join(self._piece(key) for key in there)
            found = (
                f'{{"type":"{self.kind}","values":{{{body}}}}}',
                sum(self.columns[key][0].size for key in there),
            )
            self.texts[keys] = found
        return found

    def _piece(self, key: str) -> str:
        piece = self.pieces.get(key)
        if piece is None:
            piece = self.pieces[key] = f"{json.dumps(key)}:{_rows(self.columns[key])}"
        return piece


@dataclass
class _Entry:
    """What waits for a client: a message of values, with the values as long as it may have to be thinned."""

    text: str
    size: int
    of: int
    columns: Columns
    kind: str


class Client:
    """One websocket as the hub sees it: what it asked for, and what waits for it.

    Parameters
    ----------
    sees : callable
        Whether a message about something may be sent to it: ``sees(subject)`` with the key of a parameter, or the
        id of an element.
    capacity : int
        Most values that wait for it.
    user : User, optional
        Whose it is.

    Examples
    --------
    >>> client = Client(lambda key: key.startswith("sky."))
    >>> sorted(client.subscribe(["sky.sun_elevation_deg", "rover.box_k"]))
    ['sky.sun_elevation_deg']
    """

    def __init__(self, sees: Callable[[str], bool], *, capacity: int = 20_000, user: User | None = None) -> None:
        self.sees = sees
        self.user = user
        self.keys: frozenset[str] = frozenset()
        self.sent_values = 0
        self.thinned_values = 0
        self._capacity = capacity
        self._values: deque[_Entry] = deque()
        self._waiting = 0
        self._notes: deque[str] = deque()
        self._lost_notes = 0
        self._latest: dict[str, str] = {}
        self._ready = asyncio.Event()

    def subscribe(self, keys: Iterable[str]) -> frozenset[str]:
        """Ask for parameters; those that it may not see are left out without a word.

        Parameters
        ----------
        keys : iterable of str
            Keys of parameters.

        Returns
        -------
        frozenset of str
            All that it now gets.
        """
        self.keys = self.keys | {key for key in keys if self.sees(key)}
        return self.keys

    def unsubscribe(self, keys: Iterable[str]) -> frozenset[str]:
        """Do without parameters.

        Parameters
        ----------
        keys : iterable of str
            Keys of parameters.

        Returns
        -------
        frozenset of str
            All that it still gets.
        """
        self.keys = self.keys - set(keys)
        return self.keys

    def offer(self, round_: _Round) -> None:
        """Put its values of a round behind what waits.

        Parameters
        ----------
        round_ : round of a hub
            Values of one round.
        """
        text, size = round_.text(self.keys)
        if not size:
            return
        mine = {key: round_.columns[key] for key in round_.columns if key in self.keys}
        self._values.append(_Entry(text, size, size, mine, round_.kind))
        self._waiting += size
        if self._waiting > self._capacity or len(self._values) > _ROUNDS:
            self._thin()
        self._ready.set()

    def note(self, text: str, *, slot: str | None = None) -> None:
        """Put a message before the values: each counts, or only the last of a slot.

        Parameters
        ----------
        text : str
            The message.
        slot : str, optional
            Of messages with the same slot only the last is kept.
        """
        if slot is not None:
            self._latest[slot] = text
        else:
            if len(self._notes) >= _NOTES:
                self._notes.popleft()
                self._lost_notes += 1
            self._notes.append(text)
        self._ready.set()

    async def next(self) -> str:
        """The next message to send, as soon as there is one.

        Returns
        -------
        str
        """
        while True:
            await self._ready.wait()
            found = self.take()
            if found is not None:
                return found
            self._ready.clear()

    def take(self) -> str | None:
        """The next message to send, or None.

        Returns
        -------
        str or None
            Notes first, then values in the order of their rounds; what was thinned is told before it.
        """
        if self._lost_notes:
            lost, self._lost_notes = self._lost_notes, 0
            return _thinned(len(self._notes), len(self._notes) + lost)
        if self._notes:
            return self._notes.popleft()
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        if not self._values:
            return None
        entry = self._values[0]
        if entry.size < entry.of:
            lost, entry.of = entry.of, entry.size
            return _thinned(entry.size, lost)
        self._values.popleft()
        self._waiting -= entry.size
        self.sent_values += entry.size
        return entry.text

    def _thin(self) -> None:
        """Make one message of all that waits: the first, the last and changes of state of each parameter."""
        before = self._waiting
        kinds: dict[str, list[_Entry]] = {}
        for entry in self._values:
            kinds.setdefault(entry.kind, []).append(entry)
        most = self._capacity // (2 * len(kinds))
        self._values = deque(_thin_entry(kind, entries, most) for kind, entries in kinds.items())
        self._waiting = sum(entry.size for entry in self._values)
        self.thinned_values += before - self._waiting


def _thin_entry(kind: str, entries: list[_Entry], most: int) -> _Entry:
    """One message of several of a kind, with about so many values."""
    parts: dict[str, list[Any]] = {}
    for entry in entries:
        for key, column in entry.columns.items():
            parts.setdefault(key, []).append(column)
    share = max(1, most // max(1, len(parts)))
    columns = {key: _kept(_joined(found), min(_CHANGES, share)) for key, found in parts.items()}
    text, size = _Round(columns, kind).text(frozenset(columns))
    return _Entry(text, size, sum(entry.of for entry in entries), columns, kind)


class Hub:
    """Hands values and messages to clients, off the thread that takes telemetry in.

    Parameters
    ----------
    round_s : float
        Time between two rounds [s].
    capacity : int
        Most values that wait for a client, and a hundredth of those that wait for a round.
    stalled_s : float
        After how long a client that takes nothing is let go [s].

    Notes
    -----
    `publish` and `tell` may be called from any thread and never wait; all else happens in one event loop.

    Examples
    --------
    >>> async def watch() -> list[str]:
    ...     hub, got = Hub(round_s=0.01), []
    ...     client = hub.join(lambda key: True)
    ...     client.subscribe(["rover.box_k"])
    ...     running = asyncio.create_task(hub.run())
    ...     time = np.array(["2040-01-01"], "M8[us]")
    ...     hub.publish({"rover.box_k": (time, np.array([270.5]), np.zeros(1, np.int8))})
    ...     got.append(await client.next())
    ...     running.cancel()
    ...     return got
    >>> asyncio.run(watch())
    ['{"type":"values","values":{"rover.box_k":[[2208988800000,270.5,0]]}}']
    """

    def __init__(self, *, round_s: float = 0.1, capacity: int = 20_000, stalled_s: float = 30.0) -> None:
        self.round_s = round_s
        self.capacity = capacity
        self.stalled_s = stalled_s
        self.clients: set[Client] = set()
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._columns: list[tuple[str, Mapping[str, tuple[Any, Any, Any]]]] = []
        self._size = 0
        self._notes: list[tuple[str, Callable[[Client], bool] | None, str | None]] = []

    def join(self, sees: Callable[[str], bool], user: User | None = None) -> Client:
        """Let a client in.

        Parameters
        ----------
        sees : callable
            Whether something may be told to it, as of `Client`.
        user : User, optional
            Whose it is.

        Returns
        -------
        Client
        """
        client = Client(sees, capacity=self.capacity, user=user)
        self.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Let a client go.

        Parameters
        ----------
        client : Client
            One that joined; others are passed over.
        """
        if client in self.clients:
            self.clients.discard(client)
            self.counts["thinned_values"] += client.thinned_values

    def publish(self, columns: Mapping[str, tuple[Any, Any, Any]], *, late: bool = False) -> None:
        """Take values for the next round.

        Parameters
        ----------
        columns : mapping of str to (ndarray of datetime64, ndarray, ndarray of int8), each (n,)
            Times in UTC, values and limit states by key of the parameter.
        late : bool
            Whether they are of before what was published: played back, or delayed.
        """
        if not self.clients or not columns:
            return
        size = sum(len(column[0]) for column in columns.values())
        with self._lock:
            if self._size > 100 * self.capacity:  # the loop stands still: keep what is newest
                self.counts["values_dropped"] += self._size
                self._columns.clear()
                self._size = 0
            self._columns.append(("late" if late else "values", columns))
            self._size += size

    def tell(
        self, message: Mapping[str, Any], *, to: Callable[[Client], bool] | None = None, slot: str | None = None
    ) -> None:
        """Take a message for all that may see it.

        Parameters
        ----------
        message : mapping
            What JSON can hold, with its ``type``.
        to : callable, optional
            Whether a client gets it; all do without.
        slot : str, optional
            Of messages with the same slot a client that is late gets the last one only.
        """
        if not self.clients:
            return
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        with self._lock:
            self._notes.append((text, to, slot))
            if len(self._notes) > 10_000:
                del self._notes[:5_000]
                self.counts["messages_dropped"] += 5_000

    async def run(self) -> None:
        """Make rounds until cancelled."""
        while True:
            await asyncio.sleep(self.round_s)
            self.hand_out()

    def hand_out(self) -> None:
        """Make one round: give each client what it asked for of all that came since the last one."""
        with self._lock:
            found, self._columns, self._size = self._columns, [], 0
            notes, self._notes = self._notes, []
        clients = list(self.clients)
        for text, to, slot in notes:
            for client in clients:
                if to is None or to(client):
                    client.note(text, slot=slot)
        if not found or not clients:
            return
        wanted = frozenset().union(*(client.keys for client in clients))
        for kind in ("late", "values"):
            columns = _merged([columns for one, columns in found if one == kind], wanted)
            round_ = _Round(columns, kind)
            for client in clients:
                client.offer(round_)
            self.counts["values"] += sum(column[0].size for column in columns.values())
        self.counts["rounds"] += 1

    async def serve(self, client: Client, send: Callable[[str], Awaitable[None]]) -> None:
        """Send a client its messages until it stalls or is cancelled.

        Parameters
        ----------
        client : Client
            One that joined.
        send : coroutine function
            Sends a text, and waits while the client reads nothing.

        Raises
        ------
        TimeoutError
            If the client took nothing for `stalled_s`.
        """
        while True:
            text = await client.next()
            with anyio.fail_after(self.stalled_s):
                await send(text)


def _merged(batches: list[Mapping[str, tuple[Any, Any, Any]]], wanted: frozenset[str]) -> Columns:
    """Columns of several batches, of the parameters that are wanted."""
    parts: dict[str, list[Any]] = {}
    for columns in batches:
        for key in columns.keys() & wanted:
            time, value, state = columns[key]
            time_ms = np.asarray(time, "datetime64[us]").astype("datetime64[ms]").astype(np.int64)
            parts.setdefault(key, []).append((time_ms, np.asarray(value), np.asarray(state, np.int8)))
    return {key: _joined(found) for key, found in parts.items()}


def _joined(parts: list[Any]) -> Any:
    """Columns of one parameter, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return tuple(np.concatenate([part[place] for part in parts]) for place in range(3))


def _kept(column: Any, most: int) -> Any:
    """The first and the last value of a parameter, and the last changes of its state."""
    state = column[2]
    changes = np.flatnonzero(np.diff(state)) + 1
    rows = np.unique(np.concatenate([[0], changes[-most:], [state.size - 1]]))
    return tuple(part[rows] for part in column)


def _rows(column: Any) -> str:
    """Values of a parameter as JSON: time in ms, value, state; what is no number is null."""
    time_ms, value, state = column
    values: list[Any] = value.tolist()
    if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
        values = [one if np.isfinite(one) else None for one in values]
    rows = list(zip(time_ms.tolist(), values, state.tolist(), strict=True))
    return json.dumps(rows, separators=(",", ":"), allow_nan=False)


def _thinned(kept: int, of: int) -> str:
    return f'{{"type":"thinned","kept":{kept},"of":{of}}}'
