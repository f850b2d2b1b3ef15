"""What routes need to know who asks and whether it is permitted; what they answer when it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from moonpost.control.users import User
from moonpost.control.web.sessions import Session
from moonpost.errors import MoonpostError

__all__ = ["CurrentUser", "Problem", "RefusalError", "current_session", "current_user", "permit", "require"]


class Problem(BaseModel):
    """What every error answers with.

    Examples
    --------
    >>> Problem(what="no such channel", where="key", do="see /api/channels").model_dump()
    {'what': 'no such channel', 'where': 'key', 'do': 'see /api/channels'}
    """

    what: str = Field(description="What is wrong.")
    where: str = Field(default="", description="The field, place or thing that it concerns.")
    do: str = Field(default="", description="What can be done about it.")


class RefusalError(MoonpostError):
    """An answer that refuses a request.

    Parameters
    ----------
    status : int
        Status of HTTP, 400 to 499.
    what, where, advice : str
        As in every error of Moonpost.
    headers : mapping, optional
        More headers of the answer.

    Examples
    --------
    >>> raise RefusalError(403, "no rule permits it", where="clock.set")
    Traceback (most recent call last):
    moonpost.control.web.security.RefusalError: clock.set: no rule permits it
    """

    def __init__(
        self,
        status: int,
        what: str,
        *,
        where: str = "",
        advice: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, where=where, advice=advice)
        self.status, self.headers = status, dict(headers or {})


def current_session(connection: HTTPConnection) -> Session:
    """The session of a request or websocket, as the gate in front of all routes found it.

    Parameters
    ----------
    connection : starlette.requests.HTTPConnection
        The request or websocket.

    Returns
    -------
    Session

    Raises
    ------
    RefusalError
        With status 401, if nobody is logged in.
    """
    session = connection.scope.get("moonpost_session")
    if not isinstance(session, Session):
        raise RefusalError(401, "nobody is logged in", advice="POST name and password to /login")
    return session


def current_user(session: Annotated[Session, Depends(current_session)]) -> User:
    """The user who asks; for ``Depends`` in routes and websockets.

    Parameters
    ----------
    session : Session
        As `current_session` finds it.

    Returns
    -------
    User
    """
    return session.user


CurrentUser = Annotated[User, Depends(current_user)]
"""The type of a route's argument that is the user who asks."""


def permit(connection: HTTPConnection, user: User, action: str, resource: Mapping[str, Any] | None = None) -> None:
    """Go on only if the policy permits it.

    Parameters
    ----------
    connection : starlette.requests.HTTPConnection
        The request or websocket.
    user : User
        Who asks.
    action : str
        Of `moonpost.control.policy.ACTIONS`.
    resource : mapping, optional
        As `moonpost.control.policy.Policy.allowed` takes it; the station as a whole if absent.

    Raises
    ------
    RefusalError
        With status 403 and the reason.
    """
    decision = connection.app.state.mission.policy.allowed(user, action, resource)
    if not decision.allowed:
        raise RefusalError(
            403,
            f"{user.name} of {user.partner} may not do this: {decision.reason}",
            where=action,
            advice="ask someone whom the policy permits it",
        )


def require(action: str, resource: Mapping[str, Any] | None = None) -> Callable[..., User]:
    """A dependency that gives the user who asks, if the policy permits an action.

    Parameters
    ----------
    action : str
        Of `moonpost.control.policy.ACTIONS`.
    resource : mapping, optional
        What it is done to, if that is known beforehand; otherwise call `permit` in the route.

    Returns
    -------
    callable
        For ``Depends``.

    Examples
    --------
    >>> require("audit.read").__name__
    'permitted'
    """

    def permitted(connection: HTTPConnection, user: CurrentUser) -> User:
        permit(connection, user, action, resource)
        return user

    return permitted
