"""``/api/users``: an administrator adds users, shuts them out and gives them new passwords."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from moonpost.control.users import User
from moonpost.control.web.security import RefusalError, require

__all__ = ["router"]

_Name = Annotated[str, InPath(max_length=64, description="Name of a user.")]


class NewUser(BaseModel):
    """A user to put on record."""

    name: str = Field(max_length=64, description="For logging in.")
    partner: str = Field(max_length=64, description="Identifier of a partner of the plan.")
    roles: list[str] = Field(min_length=1, max_length=5, description="What the user is.")
    sso: bool = Field(default=False, description="No password: by single sign-on only.")


class UserOnRecord(BaseModel):
    """A user on record."""

    name: str
    partner: str
    roles: list[str]
    disabled: bool
    has_password: bool


class FirstPassword(BaseModel):
    """A password that the server made; it is told this once."""

    name: str
    password: str


def router(mission: Any) -> APIRouter:
    """Routes for managing users.

    Parameters
    ----------
    mission : MissionControl
        Whose users they are.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(prefix="/api/users", tags=["users"])
    manager = Depends(require("user.manage"))

    @routes.get("", response_model=list[UserOnRecord])
    def listed(user: User = manager) -> list[UserOnRecord]:  # noqa: ARG001
        """List the users on record."""
        return [
            UserOnRecord(
                name=row.user.name,
                partner=row.user.partner,
                roles=sorted(row.user.roles),
                disabled=row.disabled,
                has_password=row.has_password,
            )
            for row in mission.users.list()
        ]

    @routes.post("", response_model=FirstPassword, status_code=201)
    def add(body: NewUser, user: User = manager) -> FirstPassword:
        """Put a user on record; the answer holds the first password."""
        partners = [partner.id for partner in mission.plan.partners]
        if body.partner not in partners:
            raise RefusalError(
                422, f"the plan has no partner {body.partner!r}", where="partner", advice=", ".join(partners)
            )
        made = mission.users.add(body.name, body.partner, body.roles, sso=body.sso)
        _record(mission, "user-added", user, body.name, roles=sorted(set(body.roles)))
        return FirstPassword(name=body.name, password=made)

    @routes.post("/{name}/disable", status_code=204)
    def disable(name: _Name, user: User = manager) -> None:
        """Shut a user out; all sessions end."""
        if name == user.name:
            raise RefusalError(409, "nobody shuts out himself or herself", advice="ask another administrator")
        mission.users.disable(name)
        _record(mission, "user-disabled", user, name)

    @routes.post("/{name}/enable", status_code=204)
    def enable(name: _Name, user: User = manager) -> None:
        """Let a user in again."""
        mission.users.disable(name, False)
        _record(mission, "user-enabled", user, name)

    @routes.post("/{name}/password", response_model=FirstPassword)
    def password(name: _Name, user: User = manager) -> FirstPassword:
        """Give a user a new password; all sessions end."""
        made = FirstPassword(name=name, password=mission.users.set_password(name))
        _record(mission, "user-password", user, name)
        return made

    return routes


def _record(mission: Any, action: str, user: User, name: str, **more: Any) -> None:
    """Put what an administrator did on record: who can give passwords could act as anybody."""
    found = next((row.user for row in mission.users.list() if row.user.name == name), None)
    partner = found.partner if found is not None else ""
    mission.audit.record(action, user.name, user.partner, data={"user": name, "partner": partner, **more})
