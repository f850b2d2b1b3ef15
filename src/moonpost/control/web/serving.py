"""Serving a mission: it listens at once, tells that it is starting, and opens when the station is ready."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from moonpost.errors import InputError

if TYPE_CHECKING:
    from types import FrameType

    from moonpost.control.mission import MissionControl
    from moonpost.control.settings import Settings

__all__ = ["listening", "serve_mission"]

_BACKLOG = 2048
_PATIENCE_S = 300.0
_GRACE_S = 3


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Parameters
    ----------
    host : str
        Name or address to bind to.
    port : int
        Port, 0 for any free one.

    Returns
    -------
    socket.socket

    Raises
    ------
    InputError
        If the address cannot be bound.

    Examples
    --------
    >>> found = listening("127.0.0.1", 0)
    >>> found.getsockname()[0]
    '127.0.0.1'
    >>> found.close()
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind)
    except (OSError, OverflowError, UnicodeError) as error:
        raise _cannot_listen(host, port, error) from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        raise _cannot_listen(host, port, error) from error
    return found


def _cannot_listen(host: str, port: int, error: Exception) -> InputError:
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"cannot listen there: {told}", where=f"{host}:{port}", advice="choose another --host or --port"
    )


def serve_mission(
    mission: MissionControl,
    settings: Settings,
    bound: socket.socket,
    *,
    listens: Callable[[str], object],
    ready: Callable[[], object],
) -> None:
    """Serve a mission until SIGINT or SIGTERM; then it is stopped, with everything on the disk.

    Parameters
    ----------
    mission : MissionControl
        Made by its class and not composed yet.
    settings : Settings
        How the server runs.
    bound : socket.socket
        As `listening` gives it.
    listens : callable
        Called with the address once requests are answered; ``/healthz`` then tells that it is starting.
    ready : callable
        Called once the mission runs.

    Raises
    ------
    InputError
        If certificate or key cannot be used.
    MoonpostError
        If the mission cannot be made; see `MissionControl.open`.

    Notes
    -----
    Until the mission is ready ``/healthz`` answers 503 with ``{"status": "starting"}``; other requests wait.
    """
    scheme = "https" if settings.is_tls else "http"
    host, port = bound.getsockname()[:2]
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
    door = _Door(mission, settings, ready)
    server = _Server(_config(door, settings), door.begin, lambda: listens(address), door.let_go)
    door.server = server
    try:
        with bound, server.stopped_by_signals():
            asyncio.run(_run(server, door, bound))
    finally:
        if door.is_composing:  # what is on the disk is whole
            _leave()
        mission.stop()
    if door.error is not None:
        raise door.error
    if threading.current_thread() is threading.main_thread() and threading.active_count() > 1:
        _leave()


def _leave() -> None:
    """End the process while threads are in compiled code, which cannot be told to stop and would abort an end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _config(door: _Door, settings: Settings) -> uvicorn.Config:
    try:
        config = uvicorn.Config(
            door, lifespan="off", log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            ws="websockets-sansio", ws_per_message_deflate=False, ws_max_size=1 << 20,
            timeout_graceful_shutdown=_GRACE_S, ssl_certfile=settings.tls_cert, ssl_keyfile=settings.tls_key,
        )  # fmt: skip
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise InputError(
            f"certificate or key cannot be used: {error}", where="TLS", advice="check --tls-cert and --tls-key"
        ) from error
    return config


async def _run(server: _Server, door: _Door, bound: socket.socket) -> None:
    logging.getLogger("uvicorn.error").addFilter(_is_told)
    await server.serve(sockets=[bound])
    await door.shut()


def _is_told(record: logging.LogRecord) -> bool:
    """False for requests that a stop has cut off: that is no error."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    """A server that tells when it listens, and ends well by a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        begin: Callable[[], object],
        listens: Callable[[], object],
        end: Callable[[], object],
    ) -> None:
        super().__init__(config)
        self._begin, self._listens, self._end = begin, listens, end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._begin()
            self._listens()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of requests that wait for the mission, then end."""
        self._end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stopped_by_signals`, which does not raise them again."""
        yield

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Have SIGINT and SIGTERM stop the server, from now on."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, _: FrameType | None) -> None:
            self.force_exit = self.should_exit and number == signal.SIGINT
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Door:
    """The application: closed until the mission is ready, then its own."""

    def __init__(self, mission: MissionControl, settings: Settings, ready: Callable[[], object]) -> None:
        self.server: _Server | None = None
        self.error: BaseException | None = None
        self.is_composing = False
        self._mission, self._settings, self._ready = mission, settings, ready
        self._app: Any = None
        self._opened: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or wait until it can be."""
        if self._app is None and scope["type"] == "http" and scope["path"] == "/healthz":
            await _answer(send, 503, {"status": "starting", "version": _version(), "troubles": []})
            return
        if self._app is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self._begun().wait()
        if self._app is None:
            if scope["type"] == "http":
                told = {"what": "the server is not ready", "where": "", "do": "ask /healthz, and try again"}
                await _answer(send, 503, told)
            return
        await self._app(scope, receive, send)

    def _begun(self) -> asyncio.Event:
        if self._opened is None:
            self._opened = asyncio.Event()
        return self._opened

    def begin(self) -> None:
        """Make the mission ready in a thread of its own."""
        loop = asyncio.get_running_loop()
        self._begun()
        self.is_composing = True

        def compose() -> None:
            try:
                self._mission.compose()
            except BaseException as error:
                self.error = error
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: self._keep(loop.create_task(self._open())))

        threading.Thread(target=compose, name="moonpost-compose", daemon=True).start()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._task = task

    async def _open(self) -> None:
        from moonpost.control.web.app import create_app

        try:
            if self.error is None:
                app = create_app(self._mission, self._settings)
                await self._stack.enter_async_context(app.router.lifespan_context(app))
                self._mission.start()
                self._app = app
                self._ready()
        except BaseException as error:
            self.error = error
        self.is_composing = False
        if self.error is not None and self.server is not None:
            self.server.should_exit = True
        self._begun().set()

    def let_go(self) -> None:
        """Answer those who wait, ready or not."""
        self._begun().set()

    async def shut(self) -> None:
        """End what the application began."""
        self.let_go()
        await self._stack.aclose()


async def _answer(send: Any, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"1"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _version() -> str:
    from importlib.metadata import version

    return version("moonpost")
