"""The Moon as a globe: relief, Sun and Earth overhead, and the plan's orbiters on their ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.maps.polar import relief_pixels
from moonpost.errors import MoonpostError
from moonpost.plan import Orbit, OrbitStation, Plan
from moonpost.plan.base import when_bounds
from moonpost.sky import Almanac
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from moonpost.flight import Environment
    from moonpost.flight.trajectory import Trajectory

__all__ = ["GLOBE_CELL_DEG", "GLOBE_SOURCE", "globe_relief", "orbits_at", "overhead"]

Floats = npt.NDArray[np.float64]

GLOBE_CELL_DEG = 0.25
"""Size of a cell of the globe's relief [deg]."""
GLOBE_SOURCE = "LOLA heights in means of 0.25 deg, 7.6 km at the equator (lola_dem_global.tif)"
"""Where the globe's relief comes from."""

_GONE = ("lost", "cancelled")
_POINTS = 289
_STRETCH = 2.4
_DEGREE = 12
_ALONG_UNKNOWN = "where it is along its orbit is not published: it is assumed"


def globe_relief() -> npt.NDArray[np.uint8]:
    """Shaded relief of the whole Moon, longitude -180 to 180 from the left, north up.

    Returns
    -------
    ndarray of uint8, (720, 1440)

    Raises
    ------
    DataError
        If the heights are missing.

    Notes
    -----
    Heights are stretched 2.4 times for the shading, since over 7.6 km the Moon is rather flat.

    Examples
    --------
    >>> globe_relief().shape
    (720, 1440)
    """
    from moonpost.terrain import Terrain
    from moonpost.terrain.layer import Layer

    path = Terrain.default("south").layers[0].path.with_name("lola_dem_global.tif")
    layer = Layer.open(path)
    latitude = 90.0 - GLOBE_CELL_DEG * (np.arange(720) + 0.5)
    longitude = -180.0 + GLOBE_CELL_DEG * (np.arange(1440) + 0.5)
    heights = np.asarray(
        layer.heights(*(part.ravel() for part in np.meshgrid(latitude, longitude, indexing="ij")))
    )
    cell_m = np.radians(GLOBE_CELL_DEG) * MOON_RADIUS_M * np.maximum(np.cos(np.radians(latitude)), 0.05)[:, None]
    return relief_pixels(heights.reshape(720, 1440), cell_m, stretch=_STRETCH)


def overhead(almanac: Almanac, t: np.datetime64) -> dict[str, Any]:
    """Directions of the Sun and the Earth from the Moon's centre, and the places under them.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    t : datetime64
        UTC.

    Returns
    -------
    dict
        ``sun`` and ``earth``, each with ``latitude_deg``, ``longitude_deg`` and ``unit``, in the mean-Earth frame.

    Raises
    ------
    DateError
        If the date lies outside the kernels.

    Examples
    --------
    >>> abs(overhead(Almanac.default(), np.datetime64("2035-01-10"))["sun"]["latitude_deg"]) < 1.6
    True
    """
    found = {}
    for body in ("sun", "earth"):
        x, y, z = almanac.moon_fixed_m(body, t, apparent=True)[0]
        unit = np.array([x, y, z]) / np.sqrt(x * x + y * y + z * z)
        found[body] = {
            "latitude_deg": round(float(np.degrees(np.arcsin(unit[2]))), 4),
            "longitude_deg": round(float(np.degrees(np.arctan2(unit[1], unit[0]))), 4),
            "unit": [round(float(part), 7) for part in unit],
        }
    return found


def orbits_at(plan: Plan, almanac: Almanac, t: np.datetime64) -> list[dict[str, Any]]:
    """One revolution of each of the plan's orbiters and relays, and of a station in orbit, about an instant.

    Parameters
    ----------
    plan : Plan
        The plan.
    almanac : Almanac
        Ephemerides.
    t : datetime64
        UTC.

    Returns
    -------
    list of dict
        With ``id``, ``name``, ``owner``, ``there``, ``period_s``, ``points_km`` (the way round, in the mean-Earth
        frame as it stands at `t`), ``now_km``, ``ended`` and ``note``.

    Raises
    ------
    DateError
        If the date lies outside the kernels.

    Notes
    -----
    Of several published orbits the first is taken. The craft begins at the perilune before `t`, counted in
    revolutions from the orbit's epoch, and is flown for one revolution under the Moon's field to degree 12, the
    Earth and the Sun. Planes are those of the plan: what has turned them since the epoch is not known.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = orbits_at(load_plan("ilrs"), Almanac.default(), np.datetime64("2035-01-10"))
    >>> [row["id"] for row in rows][:2]
    ['queqiao-2', 'ce7-orbiter']
    """
    found = []
    moment = t.astype("datetime64[ms]")
    for name, label, owner, orbit, there in _orbits(plan, moment):
        row = {"id": name, "name": label, "owner": owner, "there": there, "note": _note(orbit)}
        try:
            found.append({**row, **_flown(almanac, orbit, moment)})
        except MoonpostError as error:
            found.append({**row, "points_km": [], "now_km": None, "ended": str(error), "period_s": None})
    return found


def _orbits(plan: Plan, t: np.datetime64) -> Iterator[tuple[str, str, str, Orbit, bool]]:
    """Who flies: identifier, name, owner, orbit, and whether it is there."""
    if isinstance(plan.station, OrbitStation):
        yield plan.station.id, plan.station.name, "", plan.station.orbit, True
    for element in plan.elements:
        mission = plan.mission(element.mission)
        if not element.orbits or mission.status in _GONE:
            continue
        arrives = np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")
        yield element.id, element.name, element.owner, element.orbits[0], bool(t >= arrives)


def _note(orbit: Orbit) -> str:
    """What to know of an orbit."""
    parts = [f"{orbit.perilune_altitude_km:g} x {orbit.apolune_altitude_km:g} km, {orbit.inclination_deg:g} deg"]
    parts.append(f"confidence {orbit.confidence}" if orbit.epoch else _ALONG_UNKNOWN)
    return "; ".join(parts)


def _flown(almanac: Almanac, orbit: Orbit, t: np.datetime64) -> dict[str, Any]:
    """A revolution about an instant."""
    from moonpost.flight import Environment, propagate
    from moonpost.flight.relays import RelayOrbit

    shape = RelayOrbit(
        "", 1e3 * orbit.perilune_altitude_km, 1e3 * orbit.apolune_altitude_km, orbit.inclination_deg,
        orbit.node_deg, orbit.argument_of_perilune_deg, plane="equator",
    )  # fmt: skip
    period = np.timedelta64(round(1000.0 * shape.period_s), "ms")
    epoch = np.datetime64(when_bounds(orbit.epoch)[0], "ms") if orbit.epoch else np.datetime64("2030-01-01", "ms")
    start = epoch + ((t - epoch) // period) * period
    day = np.timedelta64(1, "D")
    env: Environment = Environment.make(almanac, start - day, start + period + day, degree=_DEGREE)
    flown = propagate(shape.states(env, start, 1, 0.0)[0], start + period, env)
    turn = almanac.rotation(t)[0]
    anomaly = np.linspace(0.0, 2.0 * np.pi, _POINTS)
    elapsed = flown.duration_s * (anomaly - shape.eccentricity * np.sin(anomaly)) / (2.0 * np.pi)
    now_s = min(float((t - start) / np.timedelta64(1, "ms")) / 1000.0, flown.duration_s)
    return {
        "period_s": round(shape.period_s, 1),
        "points_km": _turned(flown, elapsed, turn),
        "now_km": _turned(flown, np.array([now_s]), turn)[0],
        "ended": flown.ended,
        "start_ms": int(start.astype(np.int64)),
    }


def _turned(flown: Trajectory, elapsed_s: Floats, turn: Floats) -> list[list[float]]:
    """Positions in the frame of an instant [km]."""
    rows = np.asarray(flown.at_elapsed(elapsed_s))[:, :3] @ turn.T
    found: list[list[float]] = (rows / 1000.0).round(2).tolist()
    return found
