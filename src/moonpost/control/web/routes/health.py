"""``/healthz`` and ``/metrics``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from moonpost.control.web.security import RefusalError

__all__ = ["router"]

_LOOPBACK = ("127.0.0.1", "::1", "local", "testclient")


class Health(BaseModel):
    """Whether the server works."""

    status: str = Field(
        description="ok, or degraded while telemetry cannot be kept or is damaged, or part of the mission fails."
    )
    version: str = Field(description="Of Moonpost.")
    troubles: list[str] = Field(description="What is wrong, in words; empty if nothing is.")


def router(mission: Any) -> APIRouter:
    """Routes for those who watch over the server.

    Parameters
    ----------
    mission : MissionControl
        Whose ground is asked.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", response_model=Health)
    def health(request: Request) -> Health:
        """Tell whether the server works."""
        troubles = []
        with mission.database.read():
            pass
        ground = getattr(mission, "ground", None)
        status = ground.status() if ground is not None else {}
        if status.get("full_since"):
            troubles.append(f"{status.get('stopped') or 'the disk is full'}: telemetry is not kept")
        elif status.get("trouble"):
            troubles.append("telemetry cannot be kept")
        if status.get("damage", {}).get("places"):
            troubles.append("the archive is damaged: an alarm tells where")
        if trouble := getattr(mission, "trouble", ""):
            troubles.append(trouble)
        return Health(status="degraded" if troubles else "ok", version=request.app.version, troubles=troubles)

    @routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics(request: Request) -> Response:
        """Give the server's own counters for Prometheus."""
        client = request.client.host if request.client else "local"
        if not request.app.state.settings.metrics_public and client not in _LOOPBACK:
            raise RefusalError(403, "metrics are for this machine alone", advice="ask from the server itself")
        return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
