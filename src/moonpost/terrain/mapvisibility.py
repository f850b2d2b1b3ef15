"""What a map's cells see of ground stations on the Earth and of relay satellites."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike, as_utc, times
from moonpost.terrain.area import MapArea

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.stations import EarthPlace

__all__ = ["Block", "Blocks", "RelayTrack", "StationTrack"]

Floats = NDArray[np.float64]
Value = TypeVar("Value")

_STATION_STEP_S = 900.0
_WINDOW_S = 12.0 * 3600.0
_DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class Block:
    """Part of a map that one table or one path of a body serves.

    Parameters
    ----------
    area : MapArea
        The map.
    rows, cols : slice
        The part.

    Examples
    --------
    >>> block = Block(MapArea.about(-89.0, 0.0, 2e3, cell_m=100.0), slice(0, 20), slice(0, 20))
    >>> round(block.site.latitude_deg, 1), block.lean_deg(block.rows, block.cols).shape
    (-89.0, (400, 2))
    """

    area: MapArea
    rows: slice
    cols: slice

    @property
    def site(self) -> Site:
        """The middle of the block, on the sphere."""
        return self.area.cut(self.rows, self.cols).centre

    @property
    def axes(self) -> Floats:
        """Unit vectors to the right and the top of the map, and up, at the middle: rows of (3, 3)."""
        site = self.site
        return map_axes(self.area, np.array([site.latitude_deg]), np.array([site.longitude_deg]))[0]

    def lean_deg(self, rows: slice, cols: slice) -> NDArray[np.float32]:
        """How far the verticals of cells lean from the block's to the top and the right of the map.

        Parameters
        ----------
        rows, cols : slice
            Cells of the map.

        Returns
        -------
        ndarray of float32, shape (cells, 2)
            Towards the top and the right [deg].
        """
        up = self.area.directions(rows, cols).reshape(-1, 3)
        right, top, _ = self.axes
        return np.degrees(np.stack([up @ top, up @ right], axis=-1)).astype(np.float32)


@dataclass(eq=False)
class Blocks(Generic[Value]):
    """Square parts of a map, and what has been made for each.

    Parameters
    ----------
    area : MapArea
        The map.
    half_diagonal_m : float
        Largest distance of a cell from the middle of its block [m].
    make : callable
        Makes the value of a block.
    kept : int, default 32
        Number of values kept in memory.

    Examples
    --------
    >>> area = MapArea.about(-89.0, 0.0, 20e3, cell_m=100.0)
    >>> blocks = Blocks(area, 5e3, lambda block: block.rows.start)
    >>> [(rows, cols, value) for rows, cols, block, value in blocks.parts(slice(60, 80), slice(0, 50))]
    [(slice(60, 70, None), slice(0, 50, None), 0), (slice(70, 80, None), slice(0, 50, None), 70)]
    """

    area: MapArea
    half_diagonal_m: float
    make: Callable[[Block], Value]
    kept: int = 32
    _values: dict[tuple[int, int], Value] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.area, self.half_diagonal_m, self.make, self.kept)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.area, self.half_diagonal_m, self.make, self.kept = state
        self._values, self._lock = {}, threading.Lock()

    @property
    def cells(self) -> int:
        """Rows and columns of a whole block."""
        return max(1, int(math.sqrt(2.0) * self.half_diagonal_m / self.area.cell_m))

    def parts(self, rows: slice, cols: slice) -> list[tuple[slice, slice, Block, Value]]:
        """Cut a tile along the blocks.

        Parameters
        ----------
        rows, cols : slice
            The tile.

        Returns
        -------
        list of tuple
            Rows, columns, block, and the value of the block.
        """
        found = []
        for i in _spans(rows, self.cells):
            for j in _spans(cols, self.cells):
                block = self._block(i.start // self.cells, j.start // self.cells)
                found.append((i, j, block, self._value(block)))
        return found

    def _block(self, i: int, j: int) -> Block:
        height, width = self.area.shape
        top, left = i * self.cells, j * self.cells
        return Block(
            self.area, slice(top, min(top + self.cells, height)), slice(left, min(left + self.cells, width))
        )

    def _value(self, block: Block) -> Value:
        key = (block.rows.start, block.cols.start)
        with self._lock:
            if key not in self._values:
                while len(self._values) >= self.kept:
                    del self._values[next(iter(self._values))]
                self._values[key] = self.make(block)
            return self._values[key]


def _spans(part: slice, step: int) -> list[slice]:
    """A range cut at the multiples of a step."""
    cuts = [part.start, *range((part.start // step + 1) * step, part.stop, step), part.stop]
    return [slice(low, high) for low, high in itertools.pairwise(cuts)]


def map_axes(area: MapArea, latitude_deg: Floats, longitude_deg: Floats) -> Floats:
    """Unit vectors to the right and the top of the map, and up, at places (n,): rows of (n, 3, 3)."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    turn = np.radians(area.convergence_deg(latitude_deg, longitude_deg))[:, None]
    right = np.cos(turn) * east + np.sin(turn) * north
    top = -np.sin(turn) * east + np.cos(turn) * north
    return np.stack([right, top, np.cross(right, top)], axis=1)


def _seen_from(axes: Floats, position_m: Floats, place_m: Floats) -> tuple[Floats, Floats]:
    """Map azimuth [turns] and elevation [deg] of positions (n, 3) from a place."""
    right, top, up = axes @ (position_m - place_m).T
    return np.arctan2(right, top) / (2.0 * math.pi) % 1.0, np.degrees(np.arctan2(up, np.hypot(right, top)))


@dataclass(frozen=True, eq=False)
class StationTrack:
    """A ground station in the Moon's sky over a period, while it has the Moon in its own.

    Parameters
    ----------
    position_m : ndarray, shape (n, 3)
        Where the station appears, fixed to the Moon (MOON_ME) [m].
    second_s : ndarray, shape (n,)
        Time since the start of the period [s].
    windows : ndarray of int, shape (w, 2)
        First and last sample of each window in which it can be used.
    length_s : float
        Length of the period [s].

    Notes
    -----
    Windows begin and end where the Moon, at the middle of the map, passes the least elevation above the station's
    horizon, found on a straight line between quarters of an hour: right to 10 s. Windows are cut every 12 hours.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.sky.stations import GroundStation
    >>> kashi = GroundStation("Kashi", 38.4214, 76.7144)
    >>> site = Site(-89.0, 0.0)
    >>> track = StationTrack.over(Almanac.default(), site, kashi, "2030-01-01", "2030-01-08", 5.0)
    >>> len(track.windows), track.position_m.shape[1]
    (7, 3)
    """

    position_m: Floats
    second_s: Floats
    windows: NDArray[np.int64]
    length_s: float

    @classmethod
    def over(
        cls,
        almanac: Almanac,
        site: Site,
        station: EarthPlace,
        start: TimeLike,
        stop: TimeLike,
        min_elevation_deg: float,
    ) -> StationTrack:
        """Follow a station over a period.

        Parameters
        ----------
        almanac : Almanac
            Where the Earth is.
        site : Site
            The middle of the map.
        station : EarthPlace
            The station.
        start, stop : time
            The period, UTC.
        min_elevation_deg : float
            Least elevation of the Moon above the station's horizon [deg].

        Returns
        -------
        StationTrack
            For any block of the map.

        Raises
        ------
        InputError
            If the least elevation is not from -5 to below 90 deg.
        """
        if not -5.0 <= min_elevation_deg < 90.0:
            raise InputError(
                f"{min_elevation_deg!r} deg", where="min_elevation_deg", advice="give -5 to below 90, such as 5"
            )
        first, last = as_utc(start).reshape(-1)[0], as_utc(stop).reshape(-1)[0]
        moments = np.append(times(first, last, _STATION_STEP_S), last)
        seen = almanac.station(site, station, moments)
        position = _positions(site, seen.azimuth_deg, seen.elevation_deg, seen.distance_m)
        second = (moments - first) / np.timedelta64(1, "ms") / 1000.0
        return cls._cut(position, second, seen.moon_elevation_deg - min_elevation_deg)

    @classmethod
    def _cut(cls, position: Floats, second: Floats, margin: Floats) -> StationTrack:
        """Keep the samples within windows, with samples at the windows' own ends."""
        moments: list[Floats] = []
        windows, count = [], 0
        for begin, end in _positive_spans(second, margin):
            edges = np.linspace(begin, end, 1 + math.ceil((end - begin) / _WINDOW_S))
            for low, high in itertools.pairwise(edges):
                inside = second[np.searchsorted(second, low, "right") : np.searchsorted(second, high, "left")]
                part = np.concatenate([[low], inside, [high]])
                moments.append(part)
                windows.append((count, count + part.size - 1))
                count += part.size
        at = np.concatenate(moments) if moments else np.zeros(0)
        found = np.stack([np.interp(at, second, position[:, i]) for i in range(3)], axis=-1)
        return cls(found, at, np.array(windows, dtype=np.int64).reshape(-1, 2), float(second[-1]))

    def over_block(self, block: Block, azimuths: int) -> tuple[NDArray[Any], ...]:
        """Place the station over a block.

        Parameters
        ----------
        block : Block
            Part of the map.
        azimuths : int
            Azimuths of the horizons.

        Returns
        -------
        tuple of ndarray
            Place [bins], elevation [deg], windows, times [s] and bounds, as `mapkernels.passes` takes them.
        """
        turn, elevation = _seen_from(block.axes, self.position_m, block.site.position_m)
        place = turn * azimuths
        bounds = np.empty((len(self.windows), 4))
        for w, (first, last) in enumerate(self.windows):
            part = place[first : last + 1]
            whole = part[0] + (part - part[0] + 0.5 * azimuths) % azimuths - 0.5 * azimuths
            heights = elevation[first : last + 1]
            bounds[w] = heights.min(), heights.max(), math.floor(whole.min()), math.floor(whole.max())
        return place, elevation, self.windows, self.second_s, bounds

    def look(self, horizons: NDArray[np.int16], lean: NDArray[np.float32], made: Any) -> Floats:
        """Fraction of the period in sight and longest gap over horizons.

        Parameters
        ----------
        horizons : ndarray of int16, shape (azimuths, cells)
            Horizons in the map's frame [0.01 deg].
        lean : ndarray, shape (cells, 2)
            From `Block.lean_deg`.
        made : tuple of ndarray
            From `over_block`.

        Returns
        -------
        ndarray, shape (cells, 2)
            Fraction, and longest gap [d]; NaN where there is no height.
        """
        from moonpost.terrain.mapkernels import passes

        out = np.empty((horizons.shape[1], 2))
        passes(horizons, lean, *made, self.length_s, out)
        out[:, 1] /= _DAY_S
        return out


@dataclass(frozen=True, eq=False)
class RelayTrack:
    """Orbits of one or more relay satellites, fixed to the Moon.

    Parameters
    ----------
    time : array of datetime64, shape (n,)
        UTC, growing.
    position_m : array_like, shape (n, 3) or (relays, n, 3)
        Positions from the Moon's centre in MOON_ME [m].
    name : str, default "relay"
        What they are called.

    Raises
    ------
    InputError
        If times do not grow, shapes differ, or a position is not finite or lies inside the Moon.

    Notes
    -----
    Margins above the horizon are taken as straight between samples: give at least a hundred for each orbit, so
    that a pass is right to a few seconds.

    Examples
    --------
    >>> time = np.datetime64("2030-01-01") + np.arange(3) * np.timedelta64(1, "h")
    >>> RelayTrack(time, np.full((3, 3), 3e6)).position_m.shape
    (1, 3, 3)
    """

    time: NDArray[np.datetime64]
    position_m: Floats
    name: str = "relay"

    def __post_init__(self) -> None:
        moments = as_utc(self.time).reshape(-1)
        positions = np.array(self.position_m, dtype=np.float64)
        if positions.ndim == 2:
            positions = positions[None]
        if positions.ndim != 3 or positions.shape[1:] != (moments.size, 3) or not positions.shape[0]:
            raise InputError(
                f"positions of shape {np.shape(self.position_m)} at {moments.size} times",
                where="RelayTrack",
                advice="give (n, 3) or (relays, n, 3) for n times",
            )
        if moments.size < 2 or not np.all(np.diff(moments) > np.timedelta64(0, "ms")):
            raise InputError("its times do not grow", where="RelayTrack", advice="give two or more, in order")
        radius = np.linalg.norm(positions, axis=-1)
        if not (np.isfinite(radius).all() and radius.min() > MOON_RADIUS_M):
            raise InputError(
                "a position is not finite or not above the Moon's surface",
                where="RelayTrack",
                advice="give metres from the Moon's centre in MOON_ME",
            )
        object.__setattr__(self, "time", moments)
        object.__setattr__(self, "position_m", np.ascontiguousarray(positions))

    def record(self) -> dict[str, Any]:
        """What identifies the orbits, as plain data.

        Returns
        -------
        dict
            Name, ends, number of samples and a digest.
        """
        import hashlib

        digest = hashlib.sha256(self.position_m.tobytes())
        digest.update(self.time.astype("datetime64[ms]").astype("<i8").tobytes())
        ends = (str(self.time[0]), str(self.time[-1]))
        return {"name": self.name, "from": ends[0], "to": ends[1], "sha256": digest.hexdigest()}

    def look(
        self, horizons: NDArray[np.int16], area: MapArea, rows: slice, cols: slice, eye_m: ArrayLike
    ) -> Floats:
        """Fraction of the time in sight and longest gap over horizons.

        Parameters
        ----------
        horizons : ndarray of int16, shape (azimuths, cells)
            Horizons in the map's frame [0.01 deg].
        area : MapArea
            The map.
        rows, cols : slice
            The cells.
        eye_m : array_like, shape (cells,)
            Heights of the eyes above the 1737.4 km sphere [m].

        Returns
        -------
        ndarray, shape (cells, 2)
            Fraction, and longest gap [d]; NaN where there is no height.
        """
        from moonpost.terrain.mapkernels import tracked

        up = area.directions(rows, cols).reshape(-1, 3)
        lat, lon = area.places(rows, cols)
        places = (MOON_RADIUS_M + np.asarray(eye_m, dtype=np.float64).reshape(-1, 1)) * up
        second = (self.time - self.time[0]) / np.timedelta64(1, "ms") / 1000.0
        out = np.empty((horizons.shape[1], 2))
        tracked(horizons, places, map_axes(area, lat.ravel(), lon.ravel()), self.position_m, second, out)
        out[:, 1] /= _DAY_S
        return out


def _positions(site: Site, azimuth_deg: Floats, elevation_deg: Floats, distance_m: Floats) -> Floats:
    """Positions fixed to the Moon of what a site sees, shape (n, 3)."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.cos(elevation)
    local = np.stack([np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(elevation)], axis=-1)
    return np.asarray(site.position_m + distance_m[:, None] * (local @ site.basis))


def _positive_spans(second: Floats, margin: Floats) -> Sequence[tuple[float, float]]:
    """Times during which a margin is positive, straight between samples."""
    up = margin > 0.0
    change = np.flatnonzero(up[1:] != up[:-1])
    share = margin[change] / (margin[change] - margin[change + 1])
    cross = second[change] + share * (second[change + 1] - second[change])
    ends = np.concatenate([[second[0]] if up[0] else [], cross, [second[-1]] if up[-1] else []])
    return [(float(a), float(b)) for a, b in zip(ends[::2], ends[1::2], strict=True) if b > a]
