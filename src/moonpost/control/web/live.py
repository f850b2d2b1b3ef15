"""The websocket of live values: ``/api/live``."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser

from moonpost.control.users import User
from moonpost.control.web.gate import cookie_name
from moonpost.control.web.hub import Client
from moonpost.control.web.security import CurrentUser

if TYPE_CHECKING:
    from moonpost.control.mission import MissionControl

__all__ = ["router"]

_MOST_KEYS = 10_000
_LONGEST = 1_000_000
_EACH = 60
_CHECK_S = 5.0


def router(mission: MissionControl) -> APIRouter:
    """The websocket of live values.

    Parameters
    ----------
    mission : MissionControl
        The mission, with its hub.

    Returns
    -------
    fastapi.APIRouter

    Notes
    -----
    The client sends ``{"subscribe": [keys]}`` and ``{"unsubscribe": [keys]}``. It is sent ``values`` and ``late``
    (played back, or older than what was there), ``clock``, ``alarms``, ``command``, ``event``, and ``thinned``
    when it does not read fast enough. Close codes: 4400 for a message that cannot be used, 4401 when the session
    ends, 4408 when nothing was read for too long, 4429 for too many sockets of one user.
    """

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        rounds = asyncio.create_task(mission.hub.run())
        try:
            yield
        finally:
            rounds.cancel()

    routes = APIRouter(lifespan=running)

    @routes.websocket("/api/live")
    async def live(socket: WebSocket, user: CurrentUser) -> None:
        """Serve one client."""
        await socket.accept()
        if sum(1 for client in mission.hub.clients if client.user and client.user.name == user.name) >= _EACH:
            await socket.close(4429, "too many sockets of one user")
            return
        client = mission.hub.join(lambda about: mission.sees(user, about), user)
        client.note(json.dumps(mission.clock_message()), slot="clock")
        try:
            await _serve(mission, socket, client, user)
        finally:
            mission.hub.leave(client)

    return routes


async def _serve(mission: MissionControl, socket: WebSocket, client: Client, user: User) -> None:
    """Read, send and look after the session, until one of the three ends."""
    ended: list[tuple[int, str]] = []

    async def run(job: Callable[[], Awaitable[tuple[int, str] | None]]) -> None:
        try:
            told = await job()
        except TimeoutError:
            mission.hub.counts["stalled_clients"] += 1
            told = (4408, "nothing was read")
        except (WebSocketDisconnect, RuntimeError, OSError):  # gone, or going
            told = None
        if told is not None:
            ended.append(told)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(run, lambda: _listen(socket, client, mission.channels))
        group.start_soon(run, lambda: mission.hub.serve(client, socket.send_text))
        group.start_soon(run, lambda: _watch(socket, user))
    if ended:
        with contextlib.suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect), anyio.fail_after(2.0):
            await socket.close(*ended[0])


async def _listen(socket: WebSocket, client: Client, channels: Container[str]) -> tuple[int, str]:
    """Take what the client asks for, until it cannot be used."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        asked = _asked(message.get("text"))
        if asked is None:
            return 4400, 'send {"subscribe": [keys]} or {"unsubscribe": [keys]}'
        client.unsubscribe(asked.get("unsubscribe", []))
        known = [key for key in asked.get("subscribe", []) if key in channels]  # the policy is asked of no others
        if len(client.subscribe(known)) > _MOST_KEYS:
            return 4400, "too many keys"


def _asked(text: str | None) -> dict[str, Any] | None:
    """A message of a client, None if it cannot be used."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= {"subscribe", "unsubscribe"}:
        return None
    lists = all(isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in found.values())
    return found if lists else None


async def _watch(socket: WebSocket, user: User) -> tuple[int, str]:
    """Look whether the session still holds, until it does not."""
    state = socket.app.state
    token = cookie_parser(socket.headers.get("cookie", "")).get(cookie_name(state.settings))
    while True:
        await asyncio.sleep(_CHECK_S)
        session = await run_in_threadpool(state.sessions.check, token)
        if session is None or session.user != user:
            return 4401, "the session has ended"
