"""Routes of the clock: simulated time, the lunar day, and the speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from moonpost.control.users import User
from moonpost.control.web.security import CurrentUser, require

if TYPE_CHECKING:
    from moonpost.control.mission import MissionControl

__all__ = ["Speed", "router"]


class Speed(BaseModel):
    """The speed that is asked for.

    Examples
    --------
    >>> Speed(speed=1000).speed
    1000.0
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    speed: float = Field(ge=0.01, le=100_000.0, description="Simulated seconds for each second of wall time.")
    until_ms: int | None = Field(
        default=None,
        ge=0,
        le=4_102_444_800_000,
        description="UTC since 1970 from which time runs as on the wall again [ms].",
    )


def router(mission: MissionControl) -> APIRouter:
    """Routes of the clock.

    Parameters
    ----------
    mission : MissionControl
        The mission.

    Returns
    -------
    fastapi.APIRouter

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> [route.path for route in router(SimpleNamespace()).routes]
    ['/api/clock', '/api/clock']
    """
    routes = APIRouter(prefix="/api/clock", tags=["clock"])

    @routes.get("")
    def clock(_: CurrentUser) -> dict[str, Any]:
        """Simulated time, how far telemetry is behind it, the lunar day, Sun, contact and light time."""
        return mission.moment()

    @routes.post("")
    def set_speed(wanted: Speed, user: Annotated[User, Depends(require("clock.set"))]) -> dict[str, Any]:
        """Run faster or slower from now on, or until a time of the mission."""
        until = None if wanted.until_ms is None else np.datetime64(wanted.until_ms, "ms")
        mission.set_speed(wanted.speed, user, until)
        return mission.moment()

    return routes
