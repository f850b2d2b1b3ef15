"""Where machines stand, and the ways that are known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.maps.motion import arc_lengths_m
from moonpost.control.maps.polar import map_of_unit
from moonpost.plan import Element, MoonSite, OrbitStation, Plan
from moonpost.plan.base import when_bounds
from moonpost.sky import Site
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["machines_on", "place_of", "read_tracks"]

Floats = npt.NDArray[np.float64]

_GONE = ("lost", "cancelled")
_MOST_POINTS = 20_000
_MOST_OCTETS = 20_000_000
_FLYING = ("orbiter", "relay", "module", "vehicle")


def machines_on(plan: Plan, pole: str, t: np.datetime64, site: str | None = None) -> list[dict[str, Any]]:
    """Machines on the ground about a pole.

    Parameters
    ----------
    plan : Plan
        The plan.
    pole : str
        ``south`` or ``north``.
    t : datetime64
        UTC: what has not arrived for certain is told as ``planned``.
    site : str, optional
        Where machines on the station's bus stand; the station's site if not given.

    Returns
    -------
    list of dict
        With ``id``, ``name``, ``owner``, ``x_m``, ``y_m``, ``latitude_deg``, ``longitude_deg``, ``width_m``,
        ``top_m``, ``there``, ``assumed`` (no position is in the plan, so the site's point counts) and ``site``.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = machines_on(load_plan("ilrs"), "south", np.datetime64("2035-01-10"))
    >>> next(row["there"] for row in rows if row["id"] == "survey-rover")
    True
    """
    found = []
    for element in plan.elements:
        row = _machine(plan, element, pole, t, site)
        if row is not None:
            found.append(row)
    return found


def _machine(plan: Plan, element: Element, pole: str, t: np.datetime64, home: str | None) -> dict[str, Any] | None:
    """One machine; None if it does not stand about the pole."""
    mission = plan.mission(element.mission)
    if mission.status in _GONE or element.kind in _FLYING:
        return None
    host = element
    while host.powered_by:
        host = plan.element(host.powered_by)
    stands = mission.site
    if host.bus == "station":
        stands = None if isinstance(plan.station, OrbitStation) else home or plan.station.site
    if stands is None:
        return None
    row = plan.site(stands)
    if (row.latitude_deg < 0) != (pole == "south"):
        return None
    unit = _unit(row, element.position.east_m if element.position else 0.0,
                 element.position.north_m if element.position else 0.0)  # fmt: skip
    x, y = map_of_unit(unit, pole)
    there = np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")
    return {
        "id": element.id,
        "name": element.name,
        "kind": element.kind,
        "owner": element.owner,
        "shared": element.bus == "station",
        "site": stands,
        "x_m": round(float(x[0]), 3),
        "y_m": round(float(y[0]), 3),
        "latitude_deg": round(float(np.degrees(np.arcsin(unit[2]))), 6),
        "longitude_deg": round(float(np.degrees(np.arctan2(unit[1], unit[0]))), 6),
        "width_m": element.position.width_m if element.position else None,
        "top_m": element.position.top_m if element.position else None,
        "there": bool(t >= there),
        "arrives_ms": int(there.astype(np.int64)),
        "assumed": element.position is None,
    }


def _unit(site: MoonSite, east_m: float, north_m: float) -> Floats:
    """Direction of a place beside a site, along the ground."""
    east, north, up = Site(site.latitude_deg, site.longitude_deg).basis
    point = MOON_RADIUS_M * np.asarray(up) + east_m * np.asarray(east) + north_m * np.asarray(north)
    unit: Floats = point / np.linalg.norm(point)
    return unit


def place_of(x_m: float, y_m: float, pole: str) -> tuple[float, float]:
    """Latitude and longitude of a point of a polar map.

    Parameters
    ----------
    x_m, y_m : float
        Map coordinates [m].
    pole : str
        ``south`` or ``north``.

    Returns
    -------
    latitude_deg, longitude_deg : float
        [deg], longitude east, -180 to 180.

    Examples
    --------
    >>> x, y = map_of_unit(np.array([[np.cos(1.5), np.sin(1.5), -40.0]]), "south")
    >>> latitude, longitude = place_of(x[0], y[0], "south")
    >>> round(float(np.radians(longitude)), 9), round(1.0 / float(np.tan(np.radians(latitude))), 9)
    (1.5, -0.025)
    """
    sign = 1.0 if pole == "south" else -1.0
    colatitude = 2.0 * np.arctan(np.hypot(x_m, y_m) / (2.0 * MOON_RADIUS_M))
    return float(-sign * (90.0 - np.degrees(colatitude))), float(np.degrees(np.arctan2(x_m, sign * y_m)))


def read_tracks(folder: Path, plan: Plan, pole: str) -> list[dict[str, Any]]:
    """Ways of machines from files: ``tracks/MACHINE.geojson`` in the mission's folder, in degrees.

    Parameters
    ----------
    folder : Path
        The mission's folder.
    plan : Plan
        The plan: files are named by its elements, with what follows a dot left aside.
    pole : str
        ``south`` or ``north``.

    Returns
    -------
    list of dict
        With ``element``, ``name``, ``points`` (map coordinates, [m]), ``along_m`` (length of the way up to each),
        ``speed_m_s`` and ``activity``, both None where neither the file nor its name tells. Files that cannot be
        read are left out.

    Notes
    -----
    ``moonpost site path ... --out NAME.geojson`` writes such files. The speed is the way's length over the
    ``drive_h`` of its line, or the line's ``speed_m_s``. ``MACHINE.ACTIVITY.geojson`` names the activity of the
    plan that drives this way.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> read_tracks(Path("nowhere"), load_plan("ilrs"), "south")
    []
    """
    names = {element.id for element in plan.elements}
    activities = {(row.element, row.id) for row in plan.activities}
    found: list[dict[str, Any]] = []
    for path in sorted(Path(folder).joinpath("tracks").glob("*.geojson")):
        element = path.name.split(".")[0]
        if element not in names or path.stat().st_size > _MOST_OCTETS:
            continue
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            lines = list(_lines(data))
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
        name = path.name.removesuffix(".geojson")
        activity = name.partition(".")[2]
        for line, told in lines:
            along = arc_lengths_m(*line.T)
            found.append(
                {"element": element, "name": name, "points": _on_map(line, pole), "along_m": along.tolist(),
                 "speed_m_s": _speed(told, float(along[-1])),
                 "activity": activity if (element, activity) in activities else None}
            )  # fmt: skip
    return found


def _lines(data: Mapping[str, Any]) -> Iterator[tuple[Floats, Mapping[str, Any]]]:
    """Lines of a GeoJSON document as longitude and latitude, with what is told of them."""
    for feature in data.get("features", [data]):
        shape, told = feature.get("geometry", feature), feature.get("properties") or {}
        parts = {"LineString": [shape.get("coordinates")], "MultiLineString": shape.get("coordinates")}
        for part in parts.get(shape.get("type"), []):
            line = np.array([row[:2] for row in part], dtype=np.float64)[:_MOST_POINTS]
            if line.ndim == 2 and line.shape[0] > 1 and np.isfinite(line).all():
                yield line, dict(told)


def _speed(told: Mapping[str, Any], length_m: float) -> float | None:
    """Mean speed of driving on a way [m/s], if what is told of it says so."""
    drive_h, speed_m_s = (told.get(name) for name in ("drive_h", "speed_m_s"))
    if isinstance(drive_h, int | float) and 0.0 < drive_h < np.inf:
        return length_m / (3600.0 * drive_h)
    if isinstance(speed_m_s, int | float) and 0.0 < speed_m_s < np.inf:
        return float(speed_m_s)
    return None


def _on_map(line: Floats, pole: str) -> list[list[float]]:
    """Map coordinates of a line."""
    longitude, latitude = np.radians(line).T
    unit = np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )
    x, y = map_of_unit(unit, pole)
    return [[round(a, 2), round(b, 2)] for a, b in zip(x.tolist(), y.tolist(), strict=True)]
