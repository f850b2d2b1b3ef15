"""Havens for Earth outages: lit ground in reach where a rover can wait while nobody can help it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.surface import Terrain

__all__ = ["Havens", "find_havens"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]

_STEP_S = 1800.0
_HOUR = np.timedelta64(3_600_000, "ms")
_MOST_CELLS = 40_000
_AZIMUTHS = 360


@dataclass(frozen=True, eq=False)
class Havens:
    """Every Earth outage of a period with its haven, or with what lacks.

    Parameters
    ----------
    rows : tuple of dict
        For each outage `start_utc`, `stop_utc`, `outage_h`, `safe`, `latitude_deg`, `longitude_deg`, `distance_m`,
        `drive_h`, `leave_by_utc`, `longest_dark_h`, `lit_share`, `havens` (number of cells in reach), and
        `lacks_h` and `lacks_wh`: darkness beyond what it bears, 0 where it is safe.
    bears_h : float
        Longest darkness that the rover bears [h].
    area : MapArea
        Grid of the maps.
    served : ndarray, shape (rows, cols)
        Share of the outages for which a cell is a haven; NaN where it cannot be reached.
    drive_h : ndarray, shape (rows, cols)
        Drive from the station [h]; NaN where there is no way.
    height_m : ndarray, shape (rows, cols)
        Heights [m].
    station : Site
        Where the rover starts from.
    notes : tuple of str
        What was assumed.
    """

    rows: tuple[dict[str, Any], ...]
    bears_h: float
    area: MapArea
    served: Floats
    drive_h: Floats
    height_m: Floats
    station: Site
    notes: tuple[str, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether there is a haven for every outage.

        Returns
        -------
        bool
        """
        return all(row["safe"] for row in self.rows)

    @property
    def verdict(self) -> str:
        """Yes or no with the number that decides.

        Returns
        -------
        str
            One line.
        """
        if not self.rows:
            return "yes: the Earth is never out of sight in this period"
        missed = [row for row in self.rows if not row["safe"]]
        worst = max(self.rows, key=lambda row: row["longest_dark_h"])
        dark = f"{worst['longest_dark_h']:.1f} h of darkness in the outage of {worst['start_utc'][:10]}"
        if missed:
            return (
                f"no: {len(missed)} of {len(self.rows)} outages have no haven; the best place has {dark}, "
                f"{self.bears_h:g} h are borne"
            )
        return f"yes: all {len(self.rows)} outages; at most {dark}, {self.bears_h:g} h are borne"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON.

        Returns
        -------
        dict
            Verdict, outages and notes; no maps.
        """
        return {
            "safe": self.safe,
            "verdict": self.verdict,
            "outages": list(self.rows),
            "safe_outages": sum(row["safe"] for row in self.rows),
            "bears_h": round(self.bears_h, 3),
            "cells": int(np.isfinite(self.drive_h).sum()),
            "notes": list(self.notes),
        }


def find_havens(
    terrain: Terrain,
    almanac: Almanac,
    station: Site,
    start: TimeLike,
    days: float,
    *,
    bears_h: float,
    reach_m: float = 3000.0,
    cell_m: float | None = None,
    array_m: float = 1.5,
    antenna_m: float = 2.0,
    slope_deg: float = 15.0,
    speed_m_s: float = 0.05,
    sleep_w: float = 0.0,
    lit_above: float = 0.1,
    least_outage_h: float = 6.0,
) -> Havens:
    """Find a haven in reach for every Earth outage of a period.

    Parameters
    ----------
    terrain : Terrain
        Heights.
    almanac : Almanac
        Sun and Earth.
    station : Site
        Where the rover is before an outage; the Earth counts as seen from here.
    start : date-like
        Begin, UTC.
    days : float
        Length [d].
    bears_h : float
        Longest darkness that the rover bears [h], such as its usable energy over what it draws asleep.
    reach_m : float
        Half the width of the map [m].
    cell_m : float, optional
        Cells [m]; those of the terrain, or coarser so that there are 1600 of them, if not given.
    array_m, antenna_m : float
        Heights of the rover's array and of the station's antenna [m].
    slope_deg : float
        Steepest ground that is driven on [deg].
    speed_m_s : float
        Mean speed [m/s].
    sleep_w : float
        Drawn asleep, to tell what lacks as energy [Wh].
    lit_above : float
        Share of the Sun's disc above which a place counts as lit [1].
    least_outage_h : float
        Shorter outages are left aside [h].

    Returns
    -------
    Havens
        Outages with havens, and maps.

    Raises
    ------
    InputError
        If a number is of no use.
    ModelError
        If the station is not on drivable ground.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    A cell is a haven for an outage if it is never dark for longer than `bears_h` in it; the nearest by the way is
    taken, so that the station itself serves where it can. Light is followed in steps of half an hour over the
    horizon of each cell, with the Sun's place in the sky of the cell. The rover leaves while the Earth is still
    seen: `leave_by_utc` is the outage less the drive. Light and slopes on the way there are those of
    `moonpost site path`, and not looked at here.

    References
    ----------
    Shirley, M., and Balaban, E. (2022), An overview of mission planning for the VIPER rover, LPSC 53.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.terrain import Terrain
    >>> terrain = Terrain.default("south")
    >>> found = find_havens(
    ...     terrain, Almanac.default(), terrain.site(-89.45, 222.8), "2030-01-01", 40.0, bears_h=50.0,
    ...     reach_m=8000.0, cell_m=1600.0, slope_deg=25.0,
    ... )
    >>> len(found.rows)
    2
    """
    _check(days, bears_h, reach_m, lit_above, (array_m, antenna_m, slope_deg, speed_m_s, sleep_w, least_outage_h))
    first = as_utc(start).reshape(-1)[0]
    time = first + np.arange(round(days * 86400.0 / _STEP_S)) * np.timedelta64(round(_STEP_S * 1e3), "ms")
    spans = _outages(terrain, almanac, station, time, antenna_m, least_outage_h)
    area = _area(terrain, station, reach_m, cell_m)
    height, drive_h = _drives(terrain, station, area, slope_deg, speed_m_s)
    cells = np.flatnonzero(np.isfinite(drive_h))
    sky = _Cells(terrain, area, cells, array_m, lit_above)
    rows, served = [], np.zeros(len(cells))
    drives = drive_h.ravel()[cells]
    for begin, end in spans:
        dark_h, lit = sky.darkness_h(almanac, time[begin:end])
        safe = dark_h <= bears_h
        served += safe
        rows.append(_row(time, (begin, end), area, cells, drives, dark_h, lit, bears_h, sleep_w, speed_m_s))
    share = np.full(area.shape, np.nan)
    share.ravel()[cells] = served / max(len(spans), 1)
    return Havens(
        tuple(rows),
        bears_h,
        area,
        share,
        drive_h,
        height,
        station,
        (
            f"the Earth as seen over the horizon of the station, {antenna_m:g} m above ground; outages under "
            f"{least_outage_h:g} h left aside",
            f"{len(cells)} cells of {area.cell_m:g} m that can be reached on slopes up to {slope_deg:g} deg at "
            f"{speed_m_s:g} m/s; light on the way is not looked at",
            f"lit: more than {lit_above:.0%} of the disc {array_m:g} m above ground",
        ),
    )


def _check(days: float, bears_h: float, reach_m: float, lit_above: float, others: tuple[float, ...]) -> None:
    named = ("array_m", "antenna_m", "slope_deg", "speed_m_s", "sleep_w", "least_outage_h")
    limits = ((0.0, 100.0), (0.0, 100.0), (0.1, 60.0), (1e-4, 10.0), (0.0, 1e5), (0.5, 400.0))
    checks = [
        ("days", days, 1.0, 3660.0),
        ("bears_h", bears_h, 0.0, 1e4),
        ("reach_m", reach_m, 50.0, 50_000.0),
        ("lit_above", lit_above, 0.0, 0.99),
        *((name, value, *limit) for name, value, limit in zip(named, others, limits, strict=True)),
    ]
    for name, value, low, high in checks:
        if not (math.isfinite(value) and low <= value <= high):
            raise InputError(f"{value!r}", where=name, advice=f"give {low:g} to {high:g}")


def _outages(
    terrain: Terrain, almanac: Almanac, station: Site, time: Times, antenna_m: float, least_h: float
) -> list[tuple[int, int]]:
    """First step of each outage, and the first after it."""
    from moonpost.terrain.light import earth_visibility
    from moonpost.terrain.skyline import horizon

    profile = horizon(terrain, station, antenna_m, _AZIMUTHS)
    hidden = earth_visibility(profile, almanac.earth(station, time)) < 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hidden, [False]]).astype(int)))
    spans = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, b) for a, b in spans if (b - a) * _STEP_S / 3600.0 >= least_h]


def _area(terrain: Terrain, station: Site, reach_m: float, cell_m: float | None) -> MapArea:
    """The map about the station."""
    from moonpost.terrain.area import MapArea

    near = float(terrain.resolution_m(station.latitude_deg, station.longitude_deg))
    cell = max(near, 2.0 * reach_m / 40.0) if cell_m is None else cell_m
    if not (math.isfinite(cell) and cell > 0.0) or (2.0 * reach_m / cell) ** 2 > _MOST_CELLS:
        raise InputError(f"{cell!r} m", where="cell_m", advice=f"give cells so that {_MOST_CELLS} cover the map")
    side = (2 * math.floor(reach_m / cell) + 1) * cell
    return MapArea.about(station.latitude_deg, station.longitude_deg, side, cell_m=cell)


def _drives(
    terrain: Terrain, station: Site, area: MapArea, slope_deg: float, speed_m_s: float
) -> tuple[Floats, Floats]:
    """Heights, and the drive of each cell from the station [h]."""
    from moonpost.terrain.haven import haven_distance
    from moonpost.terrain.rasters import height_map

    height = height_map(terrain, area)
    latitude, longitude = (np.deg2rad(values) for values in area.places())
    up = station.basis[2]
    level = np.cos(latitude)
    cosine = level * np.cos(longitude) * up[0] + level * np.sin(longitude) * up[1] + np.sin(latitude) * up[2]
    spot = np.zeros(area.shape)
    spot.ravel()[int(np.argmax(cosine))] = 1.0
    goal = area.array(spot, name="haven", units="1", long_name="station", source="given")
    found = haven_distance(height, goal, slope_limit_deg=slope_deg, speed_m_s=speed_m_s)
    drive = found["haven_time_h"].values.astype(float)
    if not np.isfinite(drive.ravel()[int(np.argmax(cosine))]) or np.isfinite(drive).sum() < 2:
        raise ModelError(
            f"the station's cell is steeper than {slope_deg:g} deg, or nothing round it can be driven on",
            where="find_havens",
            advice="allow more slope, or smaller cells",
        )
    return height.values.astype(float), drive


class _Cells:
    """Light of many cells over their own horizons."""

    def __init__(self, terrain: Terrain, area: MapArea, cells: npt.NDArray[np.int64], mast_m: float, share: float):
        from moonpost.terrain.maps import horizon_map

        found = horizon_map(terrain, area, mast_m=(mast_m,), azimuths=_AZIMUTHS, device="cpu")
        self.horizon = found["horizon_deg"].values[0].reshape(_AZIMUTHS, -1)[:, cells].astype(float)
        latitude, longitude = area.places()
        self.convergence = np.ravel(area.convergence_deg(latitude, longitude))[cells]
        lat, lon = np.deg2rad(latitude.ravel()[cells]), np.deg2rad(longitude.ravel()[cells])
        nothing = np.zeros_like(lat)
        self.up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
        self.north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=1)
        self.east = np.stack([-np.sin(lon), np.cos(lon), nothing], axis=1)
        # Height of the middle of the disc, in radii, at which this share of it is seen.
        heights = np.linspace(-1.0, 1.0, 2001)
        seen = 0.5 + (np.arcsin(heights) + heights * np.sqrt(1.0 - heights**2)) / np.pi
        self.lowest = float(np.interp(share, seen, heights))

    def darkness_h(self, almanac: Almanac, time: Times) -> tuple[Floats, Floats]:
        """Longest darkness [h] and share of lit time of each cell."""
        direction = almanac.moon_fixed_m("sun", time, apparent=True)
        distance = np.linalg.norm(direction, axis=1)
        radius_deg = np.rad2deg(np.arcsin(6.957e8 / distance))
        unit = (direction / distance[:, None]).T
        run, longest, lit = (np.zeros(len(self.up)) for _ in range(3))
        at = np.arange(len(self.up))
        for k in range(len(time)):
            s = unit[:, k]
            elevation = np.rad2deg(np.arcsin(self.up @ s))
            azimuth = np.rad2deg(np.arctan2(self.east @ s, self.north @ s)) + self.convergence
            place = (azimuth % 360.0) * (_AZIMUTHS / 360.0)
            low = np.floor(place).astype(int) % _AZIMUTHS
            part = place - np.floor(place)
            skyline = (1.0 - part) * self.horizon[low, at] + part * self.horizon[(low + 1) % _AZIMUTHS, at]
            seen = elevation - skyline > self.lowest * radius_deg[k]
            lit += seen
            run = np.where(seen, 0.0, run + 1.0)
            longest = np.maximum(longest, run)
        return longest * _STEP_S / 3600.0, lit / len(time)


def _row(
    time: Times,
    span: tuple[int, int],
    area: MapArea,
    cells: npt.NDArray[np.int64],
    drives_h: Floats,
    dark_h: Floats,
    lit: Floats,
    bears_h: float,
    sleep_w: float,
    speed_m_s: float,
) -> dict[str, Any]:
    """One outage with its haven, or the best place there is."""
    safe = dark_h <= bears_h
    order = (
        np.lexsort((drives_h, dark_h)) if not safe.any() else np.lexsort((dark_h, np.where(safe, drives_h, 1e9)))
    )
    best = int(order[0])
    latitude, longitude = (values.ravel()[cells[best]] for values in area.places())
    begin, end = time[span[0]], time[min(span[1], len(time) - 1)]
    drive_h = float(drives_h[best])
    lacks_h = max(0.0, float(dark_h[best]) - bears_h)
    return {
        "start_utc": _text(begin),
        "stop_utc": _text(end),
        "outage_h": (span[1] - span[0]) * _STEP_S / 3600.0,
        "cut": bool(span[0] == 0 or span[1] == len(time)),
        "safe": bool(safe.any()),
        "latitude_deg": round(float(latitude), 5),
        "longitude_deg": round(float(longitude), 5),
        "distance_m": round(drive_h * 3600.0 * speed_m_s, 1),
        "drive_h": round(drive_h, 2),
        "leave_by_utc": _text(begin - np.timedelta64(round(drive_h * 3600e3), "ms")),
        "longest_dark_h": float(dark_h[best]),
        "lit_share": round(float(lit[best]), 4),
        "havens": int(safe.sum()),
        "lacks_h": lacks_h,
        "lacks_wh": round(lacks_h * sleep_w, 1),
    }


def _text(t: np.datetime64) -> str:
    return str((t.astype("datetime64[ms]") + np.timedelta64(500, "ms")).astype("datetime64[s]")) + "Z"
