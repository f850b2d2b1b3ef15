"""Maps: ``GET /api/map``, ``/api/map/{layer}.png``, ``/api/map/machines``, ``/api/globe``."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from moonpost.control.maps import MapSet
from moonpost.control.timeline.missions import timeline_of
from moonpost.control.timeline.windows import instant
from moonpost.control.users import User
from moonpost.control.web.security import CurrentUser, permit

__all__ = ["router"]

_MOST_MS = 8.64e15
_KEPT = "_maps_made"
_LOCK = threading.Lock()
When = Annotated[
    float | None, Query(ge=-_MOST_MS, le=_MOST_MS, description="Since 1970 UTC; mission time if absent [ms].")
]  # fmt: skip


def router(mission: Any) -> APIRouter:
    """Routes of maps.

    Parameters
    ----------
    mission : MissionControl
        Needs ``plan``, ``folder``, ``clock`` and ``policy``.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(tags=["maps"], prefix="/api")

    @routes.get("/map")
    def describe(request: Request, user: CurrentUser, time_ms: When = None) -> dict[str, Any]:
        """System, extents and layers of the polar map."""
        permit(request, user, "timeline.read")
        return _maps(mission).describe(_time(mission, time_ms))

    @routes.get("/map/machines")
    def machines(request: Request, user: CurrentUser, time_ms: When = None) -> dict[str, Any]:
        """Where machines stand, or are by what is planned, and ways that are known of them."""
        permit(request, user, "timeline.read")
        line = timeline_of(mission)
        schedule = line.book.schedule
        placements = () if schedule is None else schedule.placements
        found = _maps(mission).machines(_time(mission, time_ms), placements, line.evidence())
        return {
            "machines": [row for row in found["machines"] if _sees(mission, user, row["id"])],
            "tracks": [row for row in found["tracks"] if _sees(mission, user, row["element"])],
        }

    @routes.get(
        "/map/{layer}.png",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, 304: {"description": "Not changed."}},
    )
    def picture(
        layer: Annotated[str, Path(pattern="^[a-z][a-z-]{0,31}$")],
        request: Request,
        user: CurrentUser,
        time_ms: When = None,
    ) -> Response:
        """A layer as a picture: relief, light, the same with -near, or globe."""
        permit(request, user, "timeline.read")
        found = _maps(mission).picture(layer, _time(mission, time_ms))
        tag = f'"{found.tag}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.octets, media_type="image/png", headers=headers)

    @routes.get("/globe")
    def globe(request: Request, user: CurrentUser, time_ms: When = None) -> dict[str, Any]:
        """Sun and Earth overhead, orbits of the plan's orbiters and relays, and its sites."""
        permit(request, user, "timeline.read")
        found = _maps(mission).globe(_time(mission, time_ms))
        home = mission.plan.station.id
        mine = [row for row in found["orbits"] if row["id"] == home or _sees(mission, user, row["id"])]
        return {**found, "orbits": mine}

    return routes


def _maps(mission: Any) -> MapSet:
    """The mission's maps, made once."""
    with _LOCK:
        found: MapSet | None = vars(mission).get(_KEPT)
        if found is None:
            line = timeline_of(mission)
            found = MapSet(mission.plan, line.folder, site=line.site, almanac=line.lunar.almanac)
            setattr(mission, _KEPT, found)
        return found


def _time(mission: Any, time_ms: float | None) -> np.datetime64:
    """The time asked for, or mission time."""
    return timeline_of(mission).now() if time_ms is None else instant(time_ms, "time_ms")


def _sees(mission: Any, user: User, element: str) -> bool:
    """Whether a user may know of a machine's doings."""
    return bool(mission.policy.allowed(user, "timeline.read", {"element": element}).allowed)
