"""Ingest and archive in separate processes, with NATS JetStream between: nothing is lost when either stops."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from moonpost.control.ground.ground import Ground, Received
from moonpost.control.ground.intake import Intake
from moonpost.control.ground.playback import Playback, PlaybackChannels
from moonpost.control.packets.frames import FrameLayout
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.receiving import Received as Read
from moonpost.errors import InputError, MissingExtraError, OutputError

__all__ = ["NatsFeed", "NatsIngest"]

_PIECE_OCTETS = 1 << 19
_WAIT_S = 10.0
_BATCH = 64
_T = TypeVar("_T")


class _Link:
    """A connection to a NATS server, with its own loop in its own thread.

    Parameters
    ----------
    url : str
        Address of the server.
    stream : str
        Name of the stream; its subject is that name with ``.packets``.
    """

    def __init__(self, url: str, stream: str) -> None:
        try:
            import nats
        except ImportError as error:
            raise MissingExtraError(
                "NATS needs the package nats-py", where=url, advice="pip install 'moonpost[nats]'"
            ) from error
        if not stream or not stream.replace("-", "").replace("_", "").isalnum():
            raise InputError(f"{stream!r} is no name", where="stream", advice="letters, digits, - and _")
        self.stream = stream
        self.subject = f"{stream}.packets"
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="moonpost-nats", daemon=True)
        self._thread.start()
        try:
            self.client: Any = self.wait(nats.connect(
                url, connect_timeout=2, max_reconnect_attempts=-1, allow_reconnect=True, error_cb=_quiet,
                reconnect_time_wait=0.2,
            ), 3.0)  # fmt: skip
            self.jetstream: Any = self.client.jetstream(timeout=_WAIT_S)
            self.wait(self._begin())
        except OutputError:
            self._end()
            raise

    def wait(self, coroutine: Coroutine[Any, Any, _T], timeout_s: float = _WAIT_S) -> _T:
        """Have the loop do something, and wait for it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        except Exception as error:
            future.cancel()
            raise OutputError(
                f"NATS does not answer: {type(error).__name__} {error}".strip(),
                where=self._url,
                advice="check that nats-server runs there with --jetstream",
            ) from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(OutputError):
            self.wait(self.client.close(), 3.0)
        self._end()

    async def _begin(self) -> None:
        """Make the stream, unless it is there."""
        from nats.js.api import StorageType, StreamConfig
        from nats.js.errors import NotFoundError

        try:
            await self.jetstream.stream_info(self.stream)
        except NotFoundError:
            config = StreamConfig(name=self.stream, subjects=[self.subject], storage=StorageType.FILE)
            await self.jetstream.add_stream(config)

    def _end(self) -> None:
        """End the loop and its thread."""

        async def last() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(last(), self._loop).result(3.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class NatsIngest:
    """Takes telemetry as `Ground` does and puts its packets into a stream; a `TelemetryPort` can feed it.

    Parameters
    ----------
    url : str
        Address of the server, ``nats://127.0.0.1:4222``.
    layout : FrameLayout
        What frames look like.
    stream : str
        Name of the stream; made with storage on the disk if it is not there.
    playback : iterable of int or mapping of str to iterable of int, optional
        Virtual channels that carry what was stored on board, as of `Ground.open`.

    Raises
    ------
    OutputError
        If no server with JetStream answers.
    MissingExtraError
        If nats-py is not installed.

    Notes
    -----
    A call returns once the server has acknowledged the packets. What it does not acknowledge is refused and
    counted by `refused`; the source has to send it again.

    Examples
    --------
    >>> try:
    ...     NatsIngest("nats://127.0.0.1:4222", layout=FrameLayout(), stream="two words")
    ... except InputError as error:
    ...     print(error)
    stream: 'two words' is no name; letters, digits, - and _
    """

    def __init__(
        self, url: str, *, layout: FrameLayout, stream: str = "moonpost", playback: PlaybackChannels = None
    ) -> None:
        self.refused = 0
        self._intake = Intake(layout)
        self._playback = Playback(playback)
        self._lock = threading.Lock()
        self._link = _Link(url, stream)

    def __enter__(self) -> NatsIngest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def receive(self, octets: bytes, source: str = "station", at: np.datetime64 | None = None) -> Received:
        """Take a piece of a stream of frames, as `Ground.receive`."""
        return self._take(source, at, lambda: self._intake.stream(source, octets))

    def receive_frames(self, datagrams: Sequence[bytes], source: str, at: np.datetime64 | None = None) -> Received:
        """Take datagrams of one frame each, as `Ground.receive_frames`."""
        return self._take(source, at, lambda: self._intake.frames(source, datagrams))

    def receive_packets(
        self, octets: bytes, source: str, at: np.datetime64 | None = None, *, whole: bool = False
    ) -> Received:
        """Take packets without frames, as `Ground.receive_packets`."""
        return self._take(source, at, lambda: self._intake.packets(source, octets, whole=whole))

    def end(self, source: str) -> None:
        """The end of a source's stream."""
        with self._lock:
            self._intake.forget(source)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._link.close()

    def _take(self, source: str, at: np.datetime64 | None, read: Callable[[], Read]) -> Received:
        """Read, and publish."""
        with self._lock:
            before = self._intake.rejected
            found = read()
            rejected, refused = self._intake.rejected - before, self.refused
            is_late = self._playback.late(source, found.channel)
            taken = 0
            for late in (True, False):
                packets = found.packets.select(is_late if late else ~is_late)
                try:
                    self._publish(packets, source, at, late)
                    taken += len(packets)
                except OutputError:
                    self.refused += len(packets)
            refused = self.refused - refused
            return Received(taken, rejected + refused, found.gaps, refused == 0)

    def _publish(self, packets: Packets, source: str, at: np.datetime64 | None, late: bool) -> None:
        """Put packets into the stream, in pieces that the server takes, and wait for its word."""
        told = {"Source": source, "Late": str(int(late))}
        if at is not None:
            told["At-Us"] = str(int(at.astype("datetime64[us]").astype(np.int64)))
        part = np.cumsum(packets.length) // _PIECE_OCTETS
        for number in np.unique(part).tolist():
            piece = b"".join(packets.select(part == number))
            self._link.wait(self._link.jetstream.publish(self._link.subject, piece, headers=told))


class NatsFeed:
    """Feeds a ground from a stream; what its archive has on the disk is acknowledged to the server, no sooner.

    Parameters
    ----------
    url : str
        Address of the server.
    ground : Ground
        What takes the packets.
    stream : str
        Name of the stream.
    durable : str
        Name under which the server remembers how far this ground is, over stops of either.

    Raises
    ------
    OutputError
        If no server with JetStream answers.
    MissingExtraError
        If nats-py is not installed.

    Notes
    -----
    Packets whose acknowledgement was lost come again; the archive shows them once. While the disk is full nothing
    is acknowledged, and all comes again when there is space.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.packets import station_dictionary
    >>> dictionary, layout = station_dictionary([]), FrameLayout()
    >>> with tempfile.TemporaryDirectory() as folder, Ground.open(folder, dictionary, layout=layout) as ground:
    ...     try:
    ...         NatsFeed("nats://127.0.0.1:4222", ground, stream="two words")
    ...     except InputError as error:
    ...         print(error.where)
    stream
    """

    def __init__(self, url: str, ground: Ground, *, stream: str = "moonpost", durable: str = "archive") -> None:
        self.ground = ground
        self.pieces = 0
        self.trouble = ""
        self._durable = durable
        self._stopped = threading.Event()
        self._link = _Link(url, stream)
        try:
            self._link.wait(self._subscribe())
        except OutputError:
            self._link.close()
            raise
        self._thread = threading.Thread(target=self._run, name="moonpost-feed", daemon=True)
        self._thread.start()

    def __enter__(self) -> NatsFeed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop after the piece under way; a second call does nothing."""
        self._stopped.set()
        self._thread.join()
        self._link.close()

    async def _subscribe(self) -> None:
        """Ask for what comes."""
        from nats.js.api import ConsumerConfig

        config = ConsumerConfig(ack_wait=30, max_ack_pending=1000)
        self._messages = await self._link.jetstream.pull_subscribe(
            self._link.subject, self._durable, stream=self._link.stream, config=config
        )

    def _run(self) -> None:
        """Until stopped: fetch, archive, wait for the disk, acknowledge."""
        while not self._stopped.is_set():
            try:
                messages = self._link.wait(self._fetch())
                if messages:
                    self._feed(messages)
                self.trouble = ""
            except OutputError as error:
                self.trouble = str(error)
                self._stopped.wait(0.5)

    async def _fetch(self) -> list[Any]:
        """Some messages, none if none came for a moment."""
        try:
            found: list[Any] = await self._messages.fetch(_BATCH, timeout=0.2)
        except TimeoutError:
            return []
        return found

    def _feed(self, messages: list[Any]) -> None:
        """Packets of some messages into the ground."""
        taken = []
        for message in messages:
            told = message.headers or {}
            at = np.datetime64(int(told["At-Us"]), "us") if "At-Us" in told else None
            source, late = told.get("Source", "stream"), told.get("Late") == "1"
            self.ground.receive_packets(message.data, source, at, whole=True, late=late)
            taken.append(self.ground.full_since is None)
        self.ground.archive.sync()
        for message, is_taken in zip(messages, taken, strict=True):
            self._link.wait(message.ack() if is_taken else message.nak(delay=1))
        self.pieces += sum(taken)


async def _quiet(_: Exception) -> None:
    """Say nothing of a lost connection: the next call tells."""
