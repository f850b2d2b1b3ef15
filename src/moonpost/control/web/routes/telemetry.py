"""Routes of telemetry: the station, its channels, their history and latest values, gaps, events, the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from moonpost.control.users import User
from moonpost.control.web.security import CurrentUser, RefusalError
from moonpost.errors import UnknownNameError

if TYPE_CHECKING:
    from moonpost.control.archive import Gap, Series
    from moonpost.control.mission import MissionControl

__all__ = ["router"]

MOST_SAMPLES = 200_000
MOST_BINS = 10_000
_LATEST_MS = 7_258_118_400_000  # 2200-01-01
_NO_CHANNEL = "no such channel, or none that you may read"

StartMs = Annotated[int, Query(ge=0, le=_LATEST_MS, description="UTC, milliseconds since 1970.")]
StopMs = Annotated[int, Query(ge=1, le=_LATEST_MS, description="UTC, milliseconds since 1970, not included.")]


def router(mission: MissionControl) -> APIRouter:
    """Routes of telemetry.

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
    >>> sorted(route.path for route in router(SimpleNamespace()).routes)[0]
    '/api/channels'
    """
    routes = APIRouter(prefix="/api", tags=["telemetry"])

    @routes.get("/station")
    def station(user: CurrentUser) -> dict[str, Any]:
        """The plan, its partners and machines, and the span that is simulated."""
        return _station(mission, user)

    @routes.get("/channels")
    def channels(user: CurrentUser) -> dict[str, Any]:
        """The channels that the user may read."""
        return {"channels": [mission.channels[key].to_dict() for key in mission.readable(user)]}

    @routes.get("/channels/{key}/history")
    def history(
        key: str,
        user: CurrentUser,
        start_ms: StartMs,
        stop_ms: StopMs,
        bins: Annotated[
            int | None, Query(ge=1, le=MOST_BINS, description="Most bins; all samples if absent.")
        ] = None,
    ) -> dict[str, Any]:
        """Samples of a channel, or mean, least and greatest in bins, with the gaps."""
        _seen(mission, user, key)
        return _history(mission, key, *_period(start_ms, stop_ms), bins)

    @routes.get("/latest")
    def latest(
        user: CurrentUser,
        keys: Annotated[
            str | None, Query(max_length=50_000, description="Keys with commas; all if absent.")
        ] = None,
    ) -> dict[str, Any]:
        """The newest value of each channel; channels that cannot be read are left out."""
        readable = mission.readable(user)
        wanted = readable if keys is None else sorted(set(keys.split(",")) & set(readable))
        found = mission.ground.latest(list(wanted))
        return {"values": {key: _sample(*sample) for key, sample in found.items()}}

    @routes.get("/gaps")
    def gaps(user: CurrentUser, start_ms: StartMs, stop_ms: StopMs) -> dict[str, Any]:
        """Where packets that the user may read are missing."""
        found = mission.ground.archive.gaps(*_period(start_ms, stop_ms))
        return {"gaps": [row for gap in found for row in [_gap_row(mission, user, gap)] if row is not None]}

    @routes.get("/events")
    def events(
        user: CurrentUser,
        start_ms: StartMs,
        stop_ms: StopMs,
        limit: Annotated[int, Query(ge=1, le=10_000, description="Most events, the newest.")] = 1000,
    ) -> dict[str, Any]:
        """Events that the station reported in a period, oldest first."""
        found = [
            event for event in mission.events(*_period(start_ms, stop_ms)) if mission.sees(user, event["element"])
        ]
        return {"events": found[-limit:], "of": len(found)}

    @routes.get("/report", response_class=FileResponse)
    def report(_: CurrentUser) -> FileResponse:
        """The report of a study that was written into the folder, if there is one."""
        file = mission.folder / "report.html"
        if not file.is_file():
            raise RefusalError(
                404,
                "holds no report",
                where=str(mission.folder.name),
                advice="run 'moonpost study PLAN --out DIR' with the server's folder",
            )
        policy = "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'self'"
        return FileResponse(file, media_type="text/html", headers={"Content-Security-Policy": policy})

    return routes


def _station(mission: MissionControl, user: User) -> dict[str, Any]:
    plan = mission.plan
    start, stop = mission.span
    elements = [
        {
            "id": element.id,
            "name": element.name,
            "owner": element.owner,
            "approvers": list(element.approvers),
            "bus": element.bus,
        }
        for element in plan.elements
        if mission.sees(user, element.id)
    ]
    return {
        "plan": plan.id,
        "name": plan.title,
        "site": mission.site or next((site.id for site in plan.station_sites()), None),
        "partners": [{"id": partner.id, "name": partner.name} for partner in plan.partners],
        "elements": elements,
        "span": {"start_ms": _ms(start), "stop_ms": _ms(stop)},
        "step_s": mission.step_s,
        "speed": mission.clock.speed,
    }


def _seen(mission: MissionControl, user: User, key: str) -> None:
    """Answer the same for a channel that is not there and one that may not be read."""
    if key not in mission.channels or not mission.sees(user, key):
        raise RefusalError(404, _NO_CHANNEL, where="key", advice="see /api/channels")


def _period(start_ms: int, stop_ms: int) -> tuple[np.datetime64, np.datetime64]:
    if stop_ms <= start_ms:
        raise RefusalError(422, "stop_ms is not after start_ms", where="stop_ms", advice="swap them")
    return np.datetime64(start_ms, "ms"), np.datetime64(stop_ms, "ms")


def _history(
    mission: MissionControl, key: str, start: np.datetime64, stop: np.datetime64, bins: int | None
) -> dict[str, Any]:
    archive = mission.ground.archive
    try:
        if bins is None and int(archive.query(key, start, stop, bins=16).count.sum()) > MOST_SAMPLES:
            raise RefusalError(
                422, f"the period holds more than {MOST_SAMPLES:,} samples", where="bins", advice="give bins"
            )
        return _series(archive.query(key, start, stop, bins=bins))
    except UnknownNameError:  # known to the dictionary, and no packet of it came yet
        empty: dict[str, Any] = {name: [] for name in ("time_ms", "value", "minimum", "maximum", "count", "gaps")}
        return {**empty, "step_s": 0.0}


def _series(series: Series) -> dict[str, Any]:
    return {
        "time_ms": series.time.astype("datetime64[ms]").astype(np.int64).tolist(),
        "value": numbers(series.value),
        "minimum": numbers(series.minimum),
        "maximum": numbers(series.maximum),
        "count": series.count.tolist(),
        "step_s": series.step_s,
        "gaps": [_gap(gap) for gap in series.gaps],
    }


def numbers(values: Any) -> list[Any]:
    """Values for JSON: exact, and None for what is no number."""
    found: list[Any] = np.asarray(values).tolist()
    if np.asarray(values).dtype.kind == "f" and not np.all(np.isfinite(values)):
        return [one if math.isfinite(one) else None for one in found]
    return found


def _sample(time: Any, value: Any, state: Any) -> list[Any]:
    return [_ms(time), numbers(np.atleast_1d(value))[0], int(state)]


def _gap(gap: Gap) -> dict[str, Any]:
    return {"after_ms": _ms(gap.after), "before_ms": _ms(gap.before), "missing": gap.missing}


def _gap_row(mission: MissionControl, user: User, gap: Gap) -> dict[str, Any] | None:
    name = mission.packet_names.get(gap.apid)
    if name is None or not mission.sees(user, name):
        return None
    return {"packet": name, **_gap(gap)}


def _ms(time: Any) -> int:
    return int(np.datetime64(time, "ms").astype(np.int64))
