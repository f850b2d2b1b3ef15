"""Light and Earth over the area of a traverse, step by step of time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import Site

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.stations import EarthPlace
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.surface import Terrain
    from moonpost.terrain.traverserover import Rover
    from moonpost.terrain.traversesky import Sky

__all__ = ["LEAST_STATION_DEG", "cell_axes", "directions", "prepare_sky"]

LEAST_STATION_DEG = 10.0
"""Elevation of the Moon over a ground station's horizon from which on there is contact [deg]."""

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
Progress = Callable[[float], None]
_MARGIN_BINS = 3


def prepare_sky(
    terrain: Terrain,
    area: MapArea,
    almanac: Almanac,
    time: Times,
    rover: Rover,
    *,
    azimuths: int = 720,
    station: EarthPlace | None = None,
    horizon_margin_deg: float = 0.0,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    progress: Progress | None = None,
) -> tuple[Sky, dict[str, Any]]:
    """Work out horizons of an area and where the Sun and the Earth stand at instants.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    area : MapArea
        The cells.
    almanac : Almanac
        Where the Sun and the Earth are.
    time : ndarray of datetime64, shape (instants,)
        Ends of the steps of time, UTC.
    rover : Rover
        Whose array and antenna look.
    azimuths : int, default 720
        Number of azimuths of a full horizon; only those at which the Sun or the Earth stands are worked out.
    station : GroundStation, optional
        Look at this station instead of the middle of the Earth's disc; there is contact only while the Moon stands
        10 degrees or more over its horizon.
    horizon_margin_deg : float, default 0.0
        Added to all horizons [deg], for planning on the safe side.
    device : {"auto", "cpu", "gpu"}
        Where horizons are computed.
    progress : callable, optional
        Called with the share of the horizons that is done.

    Returns
    -------
    tuple
        A `Sky` of which nothing of light is worked out yet, and how the horizons were computed.

    Raises
    ------
    DateError
        If an instant lies outside the kernels.
    """
    from moonpost.terrain.tilehorizon import TileHorizons
    from moonpost.terrain.traversehorizons import some_horizons
    from moonpost.terrain.traversesky import Sky

    middle = area.centre
    sun, earth = almanac.sun(middle, time), almanac.earth(middle, time)
    allowed = np.ones(time.size - 1, dtype=np.bool_)
    if station is not None:
        seen = almanac.station(middle, station, time)
        earth = seen
        up = seen.moon_elevation_deg >= LEAST_STATION_DEG
        allowed = up[:-1] & up[1:]
    axes = cell_axes(area)
    towards = [directions(middle, body.azimuth_deg, body.elevation_deg) for body in (sun, earth)]
    masts = (rover.array_height_m, rover.antenna_height_m)
    source = TileHorizons.prepare(terrain, area, masts, azimuths, device=device)
    kept = [
        _azimuths_visited(area, axes, way, body.angular_radius_deg, azimuths)
        for way, body in zip(towards, (sun, earth), strict=True)
    ]
    begun, whole, parts = 0, sum(some.size for some in kept), []
    for some, mast in zip(kept, masts, strict=True):
        slot = np.full(azimuths, -1, dtype=np.int64)
        slot[some] = np.arange(some.size)
        horizons = some_horizons(source, mast, some, _part(progress, begun / whole, some.size / whole))
        parts.append((slot, horizons + np.int16(round(100.0 * horizon_margin_deg))))
        begun += some.size
    cells = area.shape[0] * area.shape[1]
    sky = Sky(
        horizon=parts[0][1],
        earth_horizon=parts[1][1],
        slot=parts[0][0],
        earth_slot=parts[1][0],
        axes=axes,
        sun=towards[0],
        earth=towards[1],
        sun_radius_deg=sun.angular_radius_deg,
        sunshine=sun.distance_factor,
        allowed=allowed,
        sun_seen=np.zeros((cells, time.size), dtype=np.uint8),
        known=np.zeros((cells, time.size), dtype=np.uint8),
    )
    return sky, source.record()


def _part(progress: Progress | None, begun: float, share: float) -> Progress:
    """Progress of a part of the work."""

    def tell(done: float) -> None:
        if progress is not None:
            progress(begun + share * done)

    return tell


def directions(site: Site, azimuth_deg: Floats, elevation_deg: Floats) -> Floats:
    """Unit vectors of places in the sky of a site.

    Parameters
    ----------
    site : Site
        The observer.
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Where in the sky [deg].

    Returns
    -------
    ndarray, shape (n, 3)
        In MOON_ME.

    Examples
    --------
    >>> directions(Site(0.0, 0.0), np.array([90.0]), np.array([0.0])).round(9).tolist()
    [[0.0, 1.0, 0.0]]
    """
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.cos(elevation)
    return np.stack([np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(elevation)], axis=-1) @ site.basis


def cell_axes(area: MapArea) -> NDArray[np.float32]:
    """Directions to the right of the map, to its top, and up, for each cell.

    Parameters
    ----------
    area : MapArea
        The cells.

    Returns
    -------
    ndarray of float32, shape (cells, 9)
        Three unit vectors in MOON_ME for each cell.
    """
    latitude, longitude = (part.ravel() for part in area.places())
    turn = np.radians(area.convergence_deg(latitude, longitude))
    lat, lon = np.radians(latitude), np.radians(longitude)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    return np.concatenate([cos * east + sin * north, cos * north - sin * east, up], axis=-1).astype(np.float32)


def _azimuths_visited(
    area: MapArea, axes: NDArray[np.float32], towards: Floats, radius_deg: Floats, azimuths: int
) -> NDArray[np.intp]:
    """Numbers of the azimuths of the map at which a disc stands as seen from the corners of an area."""
    rows, cols = area.shape
    corners = axes[[0, cols - 1, (rows - 1) * cols, rows * cols - 1]].reshape(4, 3, 3).astype(np.float64)
    x, y, z = np.moveaxis(np.einsum("cij,tj->cti", corners, towards), -1, 0)
    level = np.hypot(x, y)
    if float((z / np.maximum(level, 1e-9)).max()) > math.tan(math.radians(60.0)):
        return np.arange(azimuths)
    place = np.arctan2(x, y) / (2.0 * np.pi) * azimuths
    jump = np.abs(np.diff(place, axis=1))
    jump = np.minimum(jump, azimuths - jump)
    reach = radius_deg / (level / np.hypot(level, z)) * azimuths / 360.0
    room = math.ceil(float(reach.max()) + float(jump.max(initial=0.0))) + _MARGIN_BINS
    if 2 * room >= azimuths:
        return np.arange(azimuths)
    marks = np.zeros(azimuths, dtype=bool)
    marks[np.unique(np.floor(place).astype(np.int64)) % azimuths] = True
    return np.flatnonzero(
        np.convolve(np.tile(marks, 3), np.ones(2 * room + 1), "same")[azimuths : 2 * azimuths] > 0
    )
