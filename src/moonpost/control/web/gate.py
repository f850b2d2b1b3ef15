"""The gate in front of all routes: login, forgery, floods and headers are dealt with before anything else."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser

from moonpost.control.settings import Settings
from moonpost.control.web.limits import Buckets
from moonpost.control.web.metrics import Metrics
from moonpost.control.web.sessions import Session, Sessions

__all__ = ["Gate", "cookie_name"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_THREADS = 8  # of their own, so that routes at work never keep the gate waiting
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def cookie_name(settings: Settings) -> str:
    """The name of the cookie; with TLS one that browsers take from this host over TLS alone.

    Parameters
    ----------
    settings : Settings
        How the server runs.

    Returns
    -------
    str

    Examples
    --------
    >>> cookie_name(Settings())
    'moonpost_session'
    """
    return "__Host-moonpost_session" if settings.is_tls else "moonpost_session"


class Gate:
    """Middleware of ASGI in front of the whole server.

    Parameters
    ----------
    app : callable
        What lies behind it.
    sessions : Sessions
        Who is logged in.
    settings : Settings
        How the server runs.
    metrics : Metrics
        Where requests are counted.

    Notes
    -----
    Everything whose path is ``/api`` or begins with ``/api/`` needs a session, whether the path exists or not, and
    so do websockets anywhere. Requests that may change something need the session's token in ``X-CSRF-Token``.
    Websockets and logins from pages of other hosts are refused by their ``Origin``.
    """

    def __init__(self, app: Any, sessions: Sessions, settings: Settings, metrics: Metrics) -> None:
        self._app, self._sessions, self._settings, self._metrics = app, sessions, settings, metrics
        self._cookie = cookie_name(settings)
        self._few = CapacityLimiter(_THREADS)
        self._rates = Buckets(settings.rate_s, 10.0 * settings.rate_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        kind = scope["type"]
        if kind not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope.pop("moonpost_session", None)
        if kind == "http":
            send = self._with_headers(scope, send)
        refusal = await self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, receive, send, *refusal)
            return
        if kind == "http":
            receive = _bounded(receive, self._settings.body_bytes)
            await self._app(scope, receive, send)
            return
        self._metrics.socket(1)
        try:
            await self._app(scope, receive, send)
        finally:
            self._metrics.socket(-1)

    async def _refusal(self, scope: Scope) -> tuple[int, str, str, dict[str, str]] | None:
        headers = Headers(scope=scope)
        wait_s = self._rates.take(_address(scope))
        if wait_s:
            return 429, "too many requests", "wait", {"Retry-After": str(int(wait_s) + 1)}
        if _length(headers) > self._settings.body_bytes:
            return 413, "the body is too large", "send less at once", {"Connection": "close"}
        path, socket = str(scope["path"]), scope["type"] == "websocket"
        private = socket or path == "/api" or path.startswith("/api/")
        if (socket or scope.get("method") in _UNSAFE) and not _same_host(headers):
            return 403, "the request comes from a page of another host", "open this server's own page", {}
        if not private:
            return None
        session = await run_sync(self._sessions.check, self._token(headers), limiter=self._few)
        if session is None:
            return 401, "nobody is logged in", "POST name and password to /login", {}
        if not socket and scope["method"] in _UNSAFE and not _shown(headers, session):
            return 403, "X-CSRF-Token is missing or of another session", "send csrf as /api/me gives it", {}
        scope["moonpost_session"] = session
        return None

    def _token(self, headers: Headers) -> str | None:
        return cookie_parser(headers.get("cookie", "")).get(self._cookie)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        """Add what keeps pages to themselves to each answer."""
        private = str(scope["path"]).startswith(("/api", "/login"))
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered(scope["method"], message["status"], time.perf_counter() - began)
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _POLICY)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                if private:
                    headers["Cache-Control"] = "no-store"
                if self._settings.is_tls:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return sending


def _bounded(receive: Receive, most: int) -> Receive:
    """Count the octets of a body that did not tell its length."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, "the body is too large")
        return message

    return receiving


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "local"


def _length(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def _same_host(headers: Headers) -> bool:
    """Whether a page of this host asks; programs that are no browsers tell no origin."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False


def _shown(headers: Headers, session: Session) -> bool:
    return hmac.compare_digest(headers.get("x-csrf-token", "").encode(), session.csrf.encode())


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, what: str, do: str, more: dict[str, str]
) -> None:
    """Answer with an error: to a websocket before its handshake, with status or close code 4000 + status."""
    body = json.dumps({"what": what, "where": "", "do": do}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **more}
    raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    start = {"status": status, "headers": raw}
    if scope["type"] == "http":
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})
        return
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": 4000 + status, "reason": what})
