"""Ports for the outside: telemetry in and out by TCP and UDP, telecommand packets in by TCP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol

from moonpost.control.packets.receiving import PacketReader
from moonpost.errors import InputError

__all__ = ["CommandPort", "TelemetryPort"]

_PIECE = 1 << 21
_COMMAND_PIECE = 1 << 16
_MOST_CLIENTS = 64
_WAITING_OCTETS = 8 << 20
_WAITING_DATAGRAMS = 4096
_CLOSING_S = 5.0
_FORMS = ("frames", "packets")
_MOST_CAUSES = 100
_LOG = logging.getLogger(__name__)


class _Taker(Protocol):
    """What takes telemetry: a `Ground`, or what hands it on."""

    def receive(self, octets: bytes, source: str) -> object:
        """A piece of a stream of frames."""

    def receive_frames(self, datagrams: Sequence[bytes], source: str) -> object:
        """Datagrams of one frame each."""

    def receive_packets(self, octets: bytes, source: str, *, whole: bool = False) -> object:
        """Packets without frames."""

    def end(self, source: str) -> None:
        """The end of a stream."""


class _Port(ABC):
    """A server of TCP in a thread of its own; what it takes is handled by one worker, in order.

    Parameters
    ----------
    host : str
        Address to bind to, of version 4 or 6.
    port : int
        Port, 0 for any free one.
    name : str
        Name of its thread.
    """

    def __init__(self, host: str, port: int, name: str) -> None:
        self.host = host.strip("[]")
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self._causes: set[str] = set()
        self._clients: dict[asyncio.StreamWriter, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = _bound(self.host, port)
        self._name, self._family = self._socket.getsockname(), self._socket.family
        self.port = int(self._name[1])
        self._loop = asyncio.new_event_loop()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._is_open = True
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name=name, daemon=True)
        self._thread.start()
        ready.wait()

    @property
    def address(self) -> str:
        """Where others find it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def status(self) -> dict[str, int | str]:
        """Counts of clients, of what came and what was lost, and why something failed last."""
        return {"clients": self.clients, **self.counts, "trouble": self.trouble}

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all clients and of the port; a second call does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()
        self._worker.shutdown()

    def _run(self, ready: threading.Event) -> None:
        """The thread's work."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(ready))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        """Serve until the end is asked for."""
        self._ending = asyncio.Event()
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=_PIECE, backlog=_MOST_CLIENTS
        )
        extra = await self._begin()
        ready.set()
        await self._ending.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_CLOSING_S)
        for writer in list(self._clients):
            writer.transport.abort()
        if extra is not None:
            extra.close()
        await asyncio.sleep(0)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(server.wait_closed(), _CLOSING_S)

    async def _begin(self) -> asyncio.BaseTransport | None:
        """What else is opened."""
        return None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it goes."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._clients) >= _MOST_CLIENTS:
                self.counts["turned_away"] += 1
                return
            self.counts["connected"] += 1
            peer = writer.get_extra_info("peername")
            self._clients[writer] = f"tcp {_peer(peer)}"
            _keep_alive(writer)
            await self._attend(reader, writer, self._clients[writer])
        except (OSError, asyncio.CancelledError, EOFError):
            pass
        except Exception as error:
            self._failed(error)
        finally:
            self._clients.pop(writer, None)
            self._tasks.discard(task)
            writer.transport.abort()

    @abstractmethod
    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str) -> None:
        """Read a client."""

    def _failed(self, error: Exception) -> None:
        """Count what could not be handled, and keep why; each cause is logged once, however often it comes."""
        self.counts["failed"] += 1
        self.trouble = f"{type(error).__name__}: {getattr(error, 'what', error)}"
        if self.trouble not in self._causes and len(self._causes) < _MOST_CAUSES:
            self._causes.add(self.trouble)
            _LOG.warning("%s port %s: cannot handle what came: %s", self._thread.name, self.address, self.trouble)

    async def _work(self, call: Callable[[], Any]) -> Any:
        """Have the worker do something, and wait; a client is not read meanwhile, so it waits, too."""
        return await self._loop.run_in_executor(self._worker, call)


class TelemetryPort(_Port):
    """Telemetry in by TCP and UDP on one port, and frames of the station out to every client of TCP.

    Parameters
    ----------
    host : str
        Address to bind to, of version 4 or 6.
    port : int
        Port, 0 for any free one that both TCP and UDP have.
    ground : Ground or NatsIngest
        What takes the telemetry. Each client is a source of its own: ``"tcp 127.0.0.1:40000"``, ``"udp ..."``.
    outgoing : bool
        Whether clients are sent what `send` is given.
    form : {"frames", "packets"}
        What clients send: frames with sync markers (one to a datagram by UDP), or space packets.

    Raises
    ------
    InputError
        If the address cannot be bound, or the form is another.

    Notes
    -----
    A client that sends faster than the archive takes has to wait: nothing piles up. One that does not read what
    it is sent is dropped once 8 MiB wait for it. Datagrams beyond 4,096 that wait are lost and counted. Half-open
    connections end by keep-alive. 64 clients at most; further ones are turned away.

    Examples
    --------
    >>> import socket, tempfile, time
    >>> from moonpost.control.ground import Ground
    >>> from moonpost.control.packets import FrameLayout, station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> layout = FrameLayout()
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> with tempfile.TemporaryDirectory() as folder, Ground.open(folder, dictionary, layout=layout) as ground:
    ...     with TelemetryPort("127.0.0.1", 0, ground) as port:
    ...         with socket.create_connection((port.host, port.port)) as client:
    ...             client.sendall(b"no frames at all" * 100)
    ...         for _ in range(500):
    ...             if ground.status()["octets"] == 1600: break
    ...             time.sleep(0.01)
    >>> ground.status()["octets"]
    1600
    """

    def __init__(
        self, host: str, port: int, ground: _Taker, outgoing: bool = True, *, form: str = "frames"
    ) -> None:
        if form not in _FORMS:
            raise InputError(f"no form {form!r}", where="telemetry", advice="frames or packets")
        self.ground = ground
        self._outgoing = outgoing
        self._form = form
        self._datagrams: asyncio.Queue[tuple[bytes, str]] | None = None
        super().__init__(host, port, "moonpost-telemetry")

    def send(self, octets: bytes) -> None:
        """Send frames to every client; one that does not keep up is dropped.

        Parameters
        ----------
        octets : bytes
            Whole frames with sync markers.
        """
        if octets and self._outgoing and self._clients and self._is_open:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._send, octets)

    def _send(self, octets: bytes) -> None:
        """Send in the loop."""
        self.counts["octets_out"] += len(octets)
        for writer in list(self._clients):
            if writer.transport.get_write_buffer_size() > _WAITING_OCTETS:
                self.counts["dropped"] += 1
                self._clients.pop(writer, None)
                writer.transport.abort()
            elif not writer.transport.is_closing():
                writer.write(octets)

    async def _begin(self) -> asyncio.BaseTransport | None:
        """Open the same port for datagrams."""
        self._datagrams = asyncio.Queue(_WAITING_DATAGRAMS)
        task = asyncio.create_task(self._drain(self._datagrams))
        self._tasks.add(task)
        bound = socket.socket(self._family, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        try:
            bound.setblocking(False)
            bound.bind(self._name)
            transport, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=bound)
        except OSError:
            bound.close()
            self.counts["no_datagrams"] += 1
            return None
        return transport

    async def _attend(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter, source: str) -> None:
        """Hand on what a client sends."""
        take = self.ground.receive if self._form == "frames" else self.ground.receive_packets
        try:
            while octets := await reader.read(_PIECE):
                self.counts["octets_in"] += len(octets)
                await self._work(lambda piece=octets: take(piece, source))  # type: ignore[misc]
        finally:
            self._worker.submit(self.ground.end, source)

    async def _drain(self, waiting: asyncio.Queue[tuple[bytes, str]]) -> None:
        """Hand on datagrams, as many at once as wait."""
        while True:
            some = [await waiting.get()]
            while not waiting.empty():
                some.append(waiting.get_nowait())
            try:
                await self._work(lambda pieces=some: self._take(pieces))  # type: ignore[misc]
            except Exception as error:
                self._failed(error)

    def _take(self, pieces: list[tuple[bytes, str]]) -> None:
        """Datagrams to the ground; frames of one sender go together, for one wait for the disk."""
        if self._form == "packets":
            for datagram, source in pieces:
                self.ground.receive_packets(datagram, source, whole=True)
            return
        for source in dict.fromkeys(source for _, source in pieces):
            self.ground.receive_frames([datagram for datagram, sender in pieces if sender == source], source)

    def _datagram(self, octets: bytes, address: Any) -> None:
        """One datagram that came."""
        assert self._datagrams is not None
        self.counts["datagrams"] += 1
        try:
            self._datagrams.put_nowait((octets, f"udp {_peer(address)}"))
        except asyncio.QueueFull:
            self.counts["datagrams_lost"] += 1


class CommandPort(_Port):
    """Telecommand packets in by TCP: each is handed to a callback, and what that answers is sent back.

    Parameters
    ----------
    host : str
        Address to bind to, of version 4 or 6.
    port : int
        Port, 0 for any free one.
    callback : callable
        Called with each whole telecommand packet and its sender, one at a time, in order. Octets that it returns
        are sent to that client.
    longest : int
        Longest packet that is believed [octet].

    Raises
    ------
    InputError
        If the address cannot be bound.

    Notes
    -----
    Packets of telemetry and what is no packet are rejected and counted by `status`, with callbacks that failed.

    Examples
    --------
    >>> import socket
    >>> from moonpost.control.packets import make_packets
    >>> ping = make_packets(5, [b"ping"], telecommand=True)[0]
    >>> with CommandPort("127.0.0.1", 0, lambda octets, sender: b"taken") as port:
    ...     with socket.create_connection((port.host, port.port)) as client:
    ...         client.sendall(ping)
    ...         client.recv(5)
    b'taken'
    """

    def __init__(
        self, host: str, port: int, callback: Callable[[bytes, str], bytes | None], *, longest: int = 4096
    ) -> None:
        self._callback = callback
        self._longest = longest
        super().__init__(host, port, "moonpost-commands")

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str) -> None:
        """Take the packets of a client."""
        packets = PacketReader(self._longest)
        while octets := await reader.read(_COMMAND_PIECE):
            before = packets.tally.rejected
            found = packets.read(octets).packets
            self.counts["rejected"] += packets.tally.rejected - before
            commands = found.telecommand.tolist() if len(found) else []
            for packet, is_command in zip(found, commands, strict=True):
                if not is_command:
                    self.counts["rejected"] += 1
                    continue
                self.counts["packets"] += 1
                answer = await self._work(lambda one=packet: self._handle(one, source))  # type: ignore[misc]
                if answer:
                    writer.write(answer)
                    await writer.drain()

    def _handle(self, packet: bytes, source: str) -> bytes | None:
        """Call back; what fails is counted and ends nothing."""
        try:
            return self._callback(packet, source)
        except Exception as error:
            self._failed(error)
            return None


class _Datagrams(asyncio.DatagramProtocol):
    """Hands datagrams to a port."""

    def __init__(self, port: TelemetryPort) -> None:
        self._port = port

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """A datagram came."""
        self._port._datagram(data, addr)

    def error_received(self, _: Exception) -> None:
        """A datagram could not be read."""
        self._port.counts["datagrams_lost"] += 1


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    listening = None
    if not 0 <= port <= 65535:
        raise InputError(f"{port} is no port: cannot listen there", where=where, advice="give 0 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_MOST_CLIENTS)
        listening.setblocking(False)
    except (OSError, UnicodeError) as error:
        if listening is not None:
            listening.close()
        raise InputError(
            f"cannot listen there: {error}", where=where, advice="choose another address or port"
        ) from error
    return listening


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have a connection end some minutes after its other end is gone."""
    connected = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _peer(address: Any) -> str:
    """A peer's address as text."""
    if not isinstance(address, tuple):
        return "unknown"
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
