"""``POST /login``, ``POST /api/logout``, ``GET /api/me``, ``POST /api/password``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from moonpost.control.settings import Settings
from moonpost.control.web.gate import cookie_name
from moonpost.control.web.limits import Tries
from moonpost.control.web.security import RefusalError, current_session
from moonpost.control.web.sessions import Session

__all__ = ["begin", "router"]


class Ways(BaseModel):
    """How one can log in."""

    password: bool = Field(default=True, description="By name and password.")
    oidc: str | None = Field(description="Where single sign-on begins, if there is any.")


class Login(BaseModel):
    """What to log in with."""

    name: str = Field(max_length=256)
    password: str = Field(max_length=1024)


class Me(BaseModel):
    """Who is logged in."""

    name: str
    partner: str
    roles: list[str]
    csrf: str = Field(description="To be sent as X-CSRF-Token with every request that changes something.")
    expires_wall_ms: int = Field(description="When the session ends whatever happens, in ms since 1970.")


class Password(BaseModel):
    """A new password, and the old one."""

    old: str = Field(max_length=1024)
    new: str = Field(min_length=12, max_length=1024)


def router(mission: Any) -> APIRouter:
    """Routes for logging in and out.

    Parameters
    ----------
    mission : MissionControl
        Whose users log in.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(tags=["session"])
    guard = _Guard()

    @routes.get("/login", response_model=Ways)
    def ways(request: Request) -> Ways:
        """Tell how one can log in."""
        return Ways(oidc="/login/oidc" if request.app.state.settings.oidc else None)

    @routes.post("/login", response_model=Me)
    def login(body: Login, request: Request, response: Response) -> Me:
        """Log in by name and password; the answer sets the cookie."""
        settings: Settings = request.app.state.settings
        try:
            guard.check(request, body.name, settings)
        except RefusalError:
            request.app.state.metrics.login("refused")
            raise
        user = mission.users.check(body.name, body.password)
        guard.tell(request, body.name, user is not None)
        request.app.state.metrics.login("wrong" if user is None else "right")
        if user is None:
            raise RefusalError(401, "name or password is wrong", advice="try again, or ask for a new password")
        return begin(request, response, user.name)

    @routes.post("/api/logout", status_code=204)
    def logout(request: Request, response: Response) -> None:
        """End this session."""
        name = cookie_name(request.app.state.settings)
        request.app.state.sessions.end(request.cookies[name])
        response.delete_cookie(name, path="/")

    @routes.get("/api/me", response_model=Me)
    def me(session: Session = Depends(current_session)) -> Me:  # noqa: B008
        """Tell who is logged in."""
        return _me(session)

    @routes.post("/api/password", status_code=204)
    def password(body: Password, request: Request, session: Session = Depends(current_session)) -> None:  # noqa: B008
        """Change one's own password; all sessions end, this one as well."""
        settings: Settings = request.app.state.settings
        name = session.user.name
        guard.check(request, name, settings)
        user = mission.users.check(name, body.old)
        guard.tell(request, name, user is not None)
        if user is None:
            raise RefusalError(403, "the old password is wrong", where="old", advice="type it again")
        mission.users.set_password(name, body.new)

    return routes


def begin(request: Request, response: Response, name: str) -> Me:
    """Begin a session: make its token, set the cookie, tell who it is.

    Parameters
    ----------
    request : starlette.requests.Request
        What asks for it.
    response : starlette.responses.Response
        What takes the cookie.
    name : str
        The user, who has been found to be who it is.

    Returns
    -------
    Me

    Raises
    ------
    RefusalError
        If the user is disabled meanwhile.
    """
    settings: Settings = request.app.state.settings
    cookie = cookie_name(settings)
    sessions = request.app.state.sessions
    old = request.cookies.get(cookie)
    if old:
        sessions.end(old)
    token = sessions.begin(name)
    response.set_cookie(
        cookie,
        token,
        max_age=int(settings.age_s),
        path="/",
        httponly=True,
        samesite="strict",
        secure=settings.is_tls,
    )
    session = sessions.check(token)
    if session is None:
        raise RefusalError(401, "name or password is wrong", advice="try again, or ask for a new password")
    return _me(session)


def _me(session: Session) -> Me:
    user = session.user
    return Me(
        name=user.name,
        partner=user.partner,
        roles=sorted(user.roles),
        csrf=session.csrf,
        expires_wall_ms=int(1000 * session.expires_wall_s),
    )


class _Guard:
    """Waits between wrong passwords, by account and by address."""

    def __init__(self) -> None:
        self._accounts: Tries | None = None
        self._addresses: Tries | None = None

    def check(self, request: Request, name: str, settings: Settings) -> None:
        """Refuse a try that comes too soon."""
        if self._accounts is None or self._addresses is None:
            self._accounts, self._addresses = Tries(settings.login_tries), Tries(4 * settings.login_tries)
        wait_s = max(self._accounts.wait(name), self._addresses.wait(_address(request)))
        if wait_s:
            raise RefusalError(
                429,
                "too many wrong passwords",
                advice=f"wait {int(wait_s) + 1} s",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )

    def tell(self, request: Request, name: str, right: bool) -> None:
        """Remember how a try ended."""
        if self._accounts is None or self._addresses is None:
            return
        if right:
            self._accounts.right(name)
            return
        self._accounts.wrong(name)
        self._addresses.wrong(_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else "local"
