"""Ground stations on the Earth as seen from the Moon, and the Moon as seen from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.apparent import LIGHT_SPEED_M_S, StationApparent, aberrated, looked_at
from moonpost.sky.kernelfiles import KernelSet
from moonpost.sky.site import Site
from moonpost.sky.views import EARTH, MOON

__all__ = ["EarthPlace", "GroundStation", "earth_rotation", "station_apparent"]

Floats = npt.NDArray[np.float64]

_EARTH_RATE_RAD_S = 7.292115e-5
_EARTH_A_M, _EARTH_F = 6_378_137.0, 1.0 / 298.257223563
_NODE_S = 86400.0
_J2000_JD = 2451545.0


class EarthPlace(Protocol):
    """Anything with WGS 84 coordinates, such as a ground station of a plan.

    Examples
    --------
    >>> isinstance(GroundStation("Kashi", 38.4214, 76.7144).latitude_deg, float)
    True
    """

    @property
    def latitude_deg(self) -> float:
        """Geodetic latitude [deg].

        Returns
        -------
        float
            North positive.
        """

    @property
    def longitude_deg(self) -> float:
        """East longitude [deg].

        Returns
        -------
        float
            East positive.
        """

    @property
    def height_m(self) -> float:
        """Height above the ellipsoid [m].

        Returns
        -------
        float
            Metres.
        """


@dataclass(frozen=True)
class GroundStation:
    """An antenna on the Earth.

    Parameters
    ----------
    name : str
        Its name.
    latitude_deg : float
        Geodetic latitude (WGS 84) [deg], -90 to 90.
    longitude_deg : float
        East longitude [deg], -180 to 360.
    height_m : float, default 0.0
        Height above the ellipsoid [m].

    Raises
    ------
    InputError
        If a coordinate is not finite or out of range.

    Examples
    --------
    >>> GroundStation("Jiamusi", 46.4939, 130.7706).height_m
    0.0
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        _coordinates(self)


def station_apparent(
    kernels: KernelSet, site: Site, place: EarthPlace, time: npt.NDArray[np.datetime64]
) -> StationApparent:
    """Place a ground station in the sky of a lunar site, and the site in the sky of the station.

    Parameters
    ----------
    kernels : KernelSet
        The kernels.
    site : Site
        The observer on the Moon.
    place : EarthPlace
        The station.
    time : ndarray of datetime64[ms], shape (n,)
        UTC inside the kernels.

    Returns
    -------
    StationApparent
        Arrays of shape (n,).

    Raises
    ------
    InputError
        If `site` is not a Site or the station's coordinates are not usable.

    Notes
    -----
    Both directions include light time and aberration, and both are for an observer who looks at `time`; neither
    includes refraction (0.5 deg at the horizon, 0.1 deg at 10 deg of elevation) or the station's terrain. The
    Earth turns by IAU 2000A nutation and sidereal time from skyfield, without polar motion (below 0.0002 deg).
    UT1 is predicted beyond the tables: a second of error turns the Earth, and moves the Moon in the station's
    sky, by 0.004 deg.

    References
    ----------
    Rhodes (2019), Skyfield, Astrophysics Source Code Library 1907.024.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths, read_kernels
    >>> day = np.array(["2030-01-15T18:00"], dtype="datetime64[ms]")
    >>> kashi = GroundStation("Kashi", 38.4214, 76.7144, 1300.0)
    >>> seen = station_apparent(read_kernels(default_paths()), Site(-88.8, 30.0), kashi, day)
    >>> seen.moon_elevation_deg.round(1).tolist()
    [57.6]
    """
    if not isinstance(site, Site):
        raise InputError(f"{type(site).__name__} is not a Site", where="site", advice="make one with Site(...)")
    fixed, up = _fixed(place)
    scale, ephemeris = kernels.timescale, kernels.ephemeris
    seconds, tt = scale.tdb_s(time), scale.tt_s(time)
    turn = kernels.orientation.matrices(seconds)
    now = earth_rotation(tt)
    moon = 1000.0 * ephemeris.state_km(MOON, seconds, rates=True)
    earth = 1000.0 * ephemeris.state_km(EARTH, seconds, rates=True)
    on_moon, on_earth = _back(turn, site.position_m), _back(now, fixed)

    def station(light: Floats) -> Floats:
        earlier = _back(now, _spun(fixed, -_EARTH_RATE_RAD_S * light))
        return 1000.0 * ephemeris.state_km(EARTH, seconds - light) + earlier

    def lander(light: Floats) -> Floats:
        then = kernels.orientation.matrices(seconds - light)
        return 1000.0 * ephemeris.state_km(MOON, seconds - light) + _back(then, site.position_m)

    from_moon = aberrated(_towards(moon[:3] + on_moon, station), moon[3:])
    azimuth, elevation, distance = looked_at(site, np.einsum("ijn,jn->in", turn, from_moon))
    spin = _EARTH_RATE_RAD_S * np.cross(now[2], on_earth, axis=0)
    from_earth = aberrated(_towards(earth[:3] + on_earth, lander), earth[3:] + spin)
    back = np.einsum("ijn,jn->in", now, from_earth)
    height = np.rad2deg(np.arcsin(np.clip(up @ back / np.sqrt(np.einsum("in,in->n", back, back)), -1.0, 1.0)))
    return StationApparent(time, azimuth, elevation, distance, np.zeros(len(time)), height)


def earth_rotation(tt_s: Floats) -> Floats:
    """Rotation matrices from ICRF axes to the Earth-fixed frame (ITRF without polar motion).

    Parameters
    ----------
    tt_s : ndarray, shape (n,)
        Seconds of Terrestrial Time since J2000 [s].

    Returns
    -------
    ndarray, shape (3, 3, n)
        ``v_itrf[i] = sum_j m[i, j] v_icrf[j]``.

    Notes
    -----
    Precession and nutation (IAU 2000A) are evaluated at daily nodes and interpolated by cubics, with an error
    below 0.001 arcsecond; sidereal time is evaluated at every time.

    Examples
    --------
    >>> import numpy as np
    >>> m = earth_rotation(np.array([0.0]))[:, :, 0]
    >>> bool(np.allclose(m @ m.T, np.eye(3), atol=1e-8))
    True
    """
    table = _timescale()
    nodes, rows, weights = _cubic(tt_s)
    node_times = table.tt_jd(_J2000_JD, nodes / 86400.0)
    equinox = np.deg2rad(15.0 * _wrapped(node_times.gast - node_times.gmst, 24.0))
    tilt = np.asarray(node_times.M)
    matrices = sum(weight * tilt[:, :, row] for row, weight in zip(rows, weights, strict=True))
    turned = sum(weight * equinox[row] for row, weight in zip(rows, weights, strict=True))
    angle = np.deg2rad(15.0 * table.tt_jd(_J2000_JD, tt_s / 86400.0).gmst) + turned
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * matrices[0] + s * matrices[1], c * matrices[1] - s * matrices[0], matrices[2]])


@lru_cache(maxsize=1)
def _timescale() -> Any:
    """Skyfield's tables, read without the network."""
    from skyfield.api import load

    return load.timescale(builtin=True)


def _cubic(tt_s: Floats) -> tuple[Floats, list[npt.NDArray[np.int64]], list[Floats]]:
    """Daily nodes round the times, and rows and weights of cubic interpolation in them."""
    index = np.floor(tt_s / _NODE_S).astype(np.int64)
    used = np.unique(index[:, None] + np.arange(-1, 3))
    x = tt_s / _NODE_S - index
    weights = [
        -x * (x - 1.0) * (x - 2.0) / 6.0,
        (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0,
        -(x + 1.0) * x * (x - 2.0) / 2.0,
        (x + 1.0) * x * (x - 1.0) / 6.0,
    ]
    return used * _NODE_S, [np.searchsorted(used, index + k) for k in (-1, 0, 1, 2)], weights


def _wrapped(value: Floats, period: float) -> Floats:
    """Bring values into half a period round zero."""
    return (np.asarray(value) + 0.5 * period) % period - 0.5 * period


def _back(matrices: Floats, vector: Floats) -> Floats:
    """Turn body-fixed vectors, (3,) or (3, n), to ICRF axes, shape (3, n)."""
    return (
        np.einsum("ijn,i->jn", matrices, vector) if vector.ndim == 1 else np.einsum("ijn,in->jn", matrices, vector)
    )


def _spun(vector: Floats, angle: Floats) -> Floats:
    """Turn an Earth-fixed vector eastwards about the axis by angles, shape (3, n)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1], vector[2] + 0.0 * angle])


def _towards(observer_m: Floats, place: Callable[[Floats], Floats]) -> Floats:
    """Vectors from an observer to a place at the time the light left it."""
    light = np.zeros(observer_m.shape[1])
    for _ in range(3):
        vector = place(light) - observer_m
        light = np.sqrt(np.einsum("in,in->n", vector, vector)) / LIGHT_SPEED_M_S
    return vector


def _coordinates(place: EarthPlace) -> tuple[float, float, float]:
    """Checked geodetic coordinates."""
    limits = {"latitude_deg": (-90.0, 90.0), "longitude_deg": (-180.0, 360.0), "height_m": (-1000.0, 10_000.0)}
    values = []
    for name, (low, high) in limits.items():
        try:
            value = float(getattr(place, name))
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(
                f"has no usable {name}", where="ground station", advice="give WGS 84 numbers"
            ) from error
        if not low <= value <= high:
            raise InputError(
                f"{name} {value!r} is out of range", where="ground station", advice=f"give {low:g} to {high:g}"
            )
        values.append(value)
    return values[0], values[1], values[2]


def _fixed(place: EarthPlace) -> tuple[Floats, Floats]:
    """Earth-fixed position [m] and geodetic vertical of a station."""
    latitude, longitude, height = _coordinates(place)
    lat, lon = np.deg2rad(latitude), np.deg2rad(longitude)
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    squeeze = (1.0 - _EARTH_F) ** 2
    n = _EARTH_A_M / np.sqrt(1.0 - (1.0 - squeeze) * np.sin(lat) ** 2)
    return np.array([(n + height) * up[0], (n + height) * up[1], (n * squeeze + height) * up[2]]), up
