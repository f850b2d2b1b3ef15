"""Routes of alarms: those that are active, those of before, and their acknowledgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from moonpost.control.web.routes.telemetry import StartMs, StopMs
from moonpost.control.web.security import CurrentUser, RefusalError, permit

if TYPE_CHECKING:
    from moonpost.control.mission import MissionControl

__all__ = ["Acknowledgement", "router"]


class Acknowledgement(BaseModel):
    """What an operator says who acknowledges an alarm.

    Examples
    --------
    >>> Acknowledgement(comment="battery is being charged").comment
    'battery is being charged'
    """

    model_config = ConfigDict(extra="forbid")
    comment: str = Field(default="", max_length=1000)


def router(mission: MissionControl) -> APIRouter:
    """Routes of alarms.

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
    ['/api/alarms', '/api/alarms/{alarm}/acknowledge']
    """
    routes = APIRouter(prefix="/api/alarms", tags=["alarms"])

    @routes.get("")
    def alarms(
        user: CurrentUser,
        active: Annotated[bool, Query(description="Only those that are active or not acknowledged.")] = True,
        start_ms: StartMs = 0,
        stop_ms: StopMs = 7_258_118_400_000,
    ) -> dict[str, Any]:
        """Alarms about what the user may read."""
        if active:
            return {"alarms": mission.alarms(user)}
        if stop_ms <= start_ms:
            raise RefusalError(422, "stop_ms is not after start_ms", where="stop_ms", advice="swap them")
        return {"alarms": mission.alarms(user, np.datetime64(start_ms, "ms"), np.datetime64(stop_ms, "ms"))}

    @routes.post("/{alarm}/acknowledge")
    def acknowledge(alarm: str, told: Acknowledgement, user: CurrentUser, request: Request) -> dict[str, Any]:
        """Acknowledge an alarm: it is known, and no longer calls."""
        row = next((row for row in mission.alarms(user) if str(row["id"]) == alarm), None)
        if row is None:
            raise RefusalError(404, "no such alarm is active, or none that you may read", where="alarm")
        permit(request, user, "alarm.acknowledge", mission.resource(row["key"]))
        mission.acknowledge(row["id"], user, told.comment)
        found = next((row for row in mission.alarms(user) if str(row["id"]) == alarm), None)
        return {"alarm": found or {**row, "acknowledged_by": user.name, "comment": told.comment}}

    return routes
