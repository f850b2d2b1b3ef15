"""Single sign-on by OpenID Connect: code flow with PKCE, for users who are on record here."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from moonpost.control.settings import Oidc, Settings
from moonpost.control.web.security import RefusalError
from moonpost.errors import MissingExtraError

__all__ = ["router"]

_COOKIE = "moonpost_oidc"
_MINUTES_S = 600
_MOST = 1000
_SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")


class _Started:
    """What was sent to the provider, by a random name that the browser holds, until it comes back."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, data: dict[str, Any]) -> str:
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._held[name] = (time.monotonic(), data)
            while len(self._held) > _MOST:
                self._held.popitem(last=False)
        return name

    def take(self, name: str | None) -> dict[str, Any] | None:
        with self._lock:
            at, data = self._held.pop(name or "", (0.0, {}))
        return data if data and time.monotonic() - at < _MINUTES_S else None


def router(settings: Settings, *, transport: Any = None) -> APIRouter:
    """Routes of single sign-on.

    Parameters
    ----------
    settings : Settings
        With ``oidc``.
    transport : httpx2.AsyncBaseTransport, optional
        How the provider is reached.

    Returns
    -------
    fastapi.APIRouter
        ``/login/oidc`` and ``/login/oidc/callback``.

    Raises
    ------
    MissingExtraError
        If Authlib is not installed.
    """
    oidc = settings.oidc
    assert oidc is not None
    provider = _provider(oidc, transport)
    started = _Started()
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login/oidc")
    async def go(request: Request) -> Response:
        """Send the browser to the provider."""
        request.scope["session"] = {}
        try:
            await _load(provider, oidc)
            answer = await provider.authorize_redirect(request, str(request.url_for("come_back")))
        except RefusalError:
            raise
        except Exception as error:  # whatever goes wrong on the way to the provider
            raise RefusalError(
                424, f"the provider does not answer: {type(error).__name__}", advice="log in by password"
            ) from error
        name = started.keep(request.scope["session"])
        answer.set_cookie(
            _COOKIE, name, max_age=_MINUTES_S, path="/login/oidc", httponly=True, samesite="lax",
            secure=settings.is_tls,
        )  # fmt: skip
        return answer

    @routes.get("/login/oidc/callback")
    async def come_back(request: Request) -> Response:
        """Begin a session, if the provider vouches for somebody who is on record."""
        data = started.take(request.cookies.get(_COOKIE))
        if data is None:
            raise RefusalError(400, "this browser did not begin a login, or too long ago", advice="begin again")
        request.scope["session"] = data
        name = await _vouched(provider, oidc, request)
        from moonpost.control.web.routes.session import begin

        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(_COOKIE, path="/login/oidc")
        await run_in_threadpool(_begin, begin, request, answer, name)
        return answer

    return routes


def _begin(begin: Any, request: Request, answer: Response, name: str) -> None:
    user = request.app.state.mission.users.find(name)
    if user is None:
        raise RefusalError(
            403, "the provider knows you, but you are not on record here", advice="ask an administrator"
        )
    begin(request, answer, user.name)


async def _load(provider: Any, oidc: Oidc) -> None:
    """Read what the provider says of itself, and hold it to what was configured."""
    metadata = await provider.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != oidc.issuer.rstrip("/"):
        raise RefusalError(424, "the provider gives another issuer than the one configured", advice="check --oidc")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in _SIGNED]


async def _vouched(provider: Any, oidc: Oidc, request: Request) -> str:
    """The name on record that the provider vouches for."""
    try:
        await _load(provider, oidc)
        token = await provider.authorize_access_token(request)
        claims = dict(token.get("userinfo") or {})
    except Exception as error:  # a forged, late or broken answer, or a provider that does not answer
        raise RefusalError(
            403, f"the provider's answer cannot be used: {type(error).__name__}", advice="begin again"
        ) from error
    if oidc.claim == "email" and claims.get("email_verified") is not True:
        raise RefusalError(403, "the provider did not verify the address", advice="verify it there")
    return str(claims.get(oidc.claim) or "").lower()


def _provider(oidc: Oidc, transport: Any) -> Any:
    try:
        from authlib.integrations.starlette_client import OAuth
    except ImportError as error:
        raise MissingExtraError(
            "single sign-on needs the packages authlib and httpx2", advice="pip install 'moonpost[oidc]'"
        ) from error
    client: dict[str, Any] = {"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10.0}
    if transport is not None:
        client["transport"] = transport
    return OAuth().register(
        "oidc",
        client_id=oidc.client_id,
        client_secret=oidc.client_secret or None,
        server_metadata_url=oidc.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs=client,
    )
