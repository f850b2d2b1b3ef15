"""Maps of what is in sight: ground stations on the Earth and relay satellites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.times import iso
from moonpost.terrain.area import MapArea
from moonpost.terrain.mapgroups import Period, Shorts, Values, empty_maps, ground_m, mast_array, within
from moonpost.terrain.mapvisibility import Block, Blocks, RelayTrack, StationTrack
from moonpost.terrain.tilestore import MapArray

if TYPE_CHECKING:
    from moonpost.terrain.surface import Terrain

__all__ = ["RelayGroup", "StationGroup"]

_TRACK_HALF_M = 8_000.0


@dataclass(eq=False)
class StationGroup:
    """Ground stations on the Earth in sight.

    Parameters
    ----------
    area : MapArea
        The map.
    period : Period
        The period.
    azimuths : int
        Azimuths of the horizons.
    stations : sequence of EarthPlace
        The stations, each with an `id` or a `name`.
    min_elevation_deg : float, optional
        Least elevation of the Moon above a station's horizon [deg]; each station's own `mask_deg` if not given,
        and 5 if it has none.

    Raises
    ------
    InputError
        If there is no station, or two have the same name.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.sky.stations import GroundStation
    >>> area = MapArea.about(-89.0, 0.0, 2e3, cell_m=1000.0)
    >>> period = Period.make(Almanac.default(), "2030-01-01", "2030-02-01")
    >>> group = StationGroup(area, period, 72, [GroundStation("Kashi", 38.4214, 76.7144)])
    >>> level = np.full((1, 72, 2, 2), -9000, np.int16)
    >>> group.tile(slice(0, 2), slice(0, 2), level)["station_visible"].shape
    (1, 1, 2, 2)
    """

    area: MapArea
    period: Period
    azimuths: int
    stations: Sequence[Any]
    min_elevation_deg: float | None = None
    _tracks: dict[str, StationTrack] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) < len(names):
            raise InputError(
                f"{len(names)} stations named {', '.join(names) or 'nothing'}",
                where="stations",
                advice="give one or more ground stations with different names",
            )
        self._masks()

    @property
    def names(self) -> list[str]:
        """Identifiers of the stations."""
        return [str(getattr(item, "id", None) or getattr(item, "name", "station")) for item in self.stations]

    def _masks(self) -> list[float]:
        """Least elevation of the Moon at each station."""
        given = self.min_elevation_deg
        masks = [float(getattr(item, "mask_deg", 5.0) if given is None else given) for item in self.stations]
        if not all(-5.0 <= mask < 90.0 for mask in masks):
            raise InputError(f"{masks} deg", where="min_elevation_deg", advice="give -5 to below 90, such as 5")
        return masks

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """Share of the time in sight and longest gap, by station."""
        source = f"ground stations from {self.period.text}"
        dims = ("station", "mast", "y", "x")
        told = {
            "station_visible": ("1", "share of the time with the ground station in sight and the Moon in its own"),
            "longest_station_gap_d": ("d", "longest time without the ground station"),
        }
        return [
            MapArray(name, dims, "float32", float("nan"), {"units": unit, "long_name": text, "source": source})
            for name, (unit, text) in told.items()
        ]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """Names of the stations."""
        return {"station": (np.array(self.names), {"long_name": "ground station on the Earth"})}

    def inputs(self) -> dict[str, Any]:
        """Period, places and masks."""
        rows = [
            {
                "name": name,
                "latitude_deg": float(item.latitude_deg),
                "longitude_deg": float(item.longitude_deg),
                "height_m": float(item.height_m),
                "mask_deg": mask,
            }
            for name, item, mask in zip(self.names, self.stations, self._masks(), strict=True)
        ]
        return {"stations": {**self.period.inputs(), "stations": rows}}

    @cached_property
    def _blocks(self) -> Blocks[list[Any]]:
        return Blocks(self.area, _TRACK_HALF_M, self._make)

    def __getstate__(self) -> dict[str, Any]:
        return {key: {} if key == "_tracks" else value for key, value in self.__dict__.items() if key != "_blocks"}

    def _make(self, block: Block) -> list[Any]:
        for name, station, mask in zip(self.names, self.stations, self._masks(), strict=True):
            if name not in self._tracks:
                self._tracks[name] = StationTrack.over(
                    self.period.almanac, self.area.centre, station, self.period.start, self.period.stop, mask
                )
        return [self._tracks[name].over_block(block, self.azimuths) for name in self.names]

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Follow each station."""
        seen = np.stack([empty_maps(rows, cols, horizons) for _ in self.stations])
        gaps = seen.copy()
        for i, j, block, made in self._blocks.parts(rows, cols):
            here = (within(rows, i), within(cols, j))
            lean = block.lean_deg(i, j)
            for m, layer in enumerate(horizons):
                flat = flat_horizons(layer, here)
                for s, name in enumerate(self.names):
                    found = self._tracks[name].look(flat, lean, made[s])
                    seen[s, m][here], gaps[s, m][here] = two_maps(found, i, j)
        return {"station_visible": seen, "longest_station_gap_d": gaps}


@dataclass(eq=False)
class RelayGroup:
    """Relay satellites in sight.

    Parameters
    ----------
    area : MapArea
        The map.
    terrain : Terrain
        For the heights of the eyes.
    mast_m : sequence of float
        Heights of the eyes above ground [m].
    track : RelayTrack
        The orbits.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> area = MapArea.about(-89.0, 0.0, 2e3, cell_m=1000.0)
    >>> time = np.datetime64("2030-01-01") + np.arange(3) * np.timedelta64(1, "h")
    >>> track = RelayTrack(time, np.array([[0.0, 0.0, -5e6]] * 3))
    >>> group = RelayGroup(area, Terrain.default("south"), [2.0], track)
    >>> level = np.full((1, 72, 2, 2), 0, np.int16)
    >>> group.tile(slice(0, 2), slice(0, 2), level)["relay_visible"].tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """

    area: MapArea
    terrain: Terrain
    mast_m: Sequence[float]
    track: RelayTrack

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """Share of the time in sight and longest gap."""
        ends = f"{iso(self.track.time[0])} to {iso(self.track.time[-1])}"
        source = f"{self.track.name} from {ends}"
        return [
            mast_array("relay_visible", "1", f"share of the time with {self.track.name} in sight", source),
            mast_array("longest_relay_gap_d", "d", f"longest time without {self.track.name}", source),
        ]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """None."""
        return {}

    def inputs(self) -> dict[str, Any]:
        """The orbits' digest."""
        return {"relay": self.track.record()}

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Follow the satellites."""
        ground = ground_m(self.terrain, self.area, rows, cols)
        seen, gaps = empty_maps(rows, cols, horizons), empty_maps(rows, cols, horizons)
        for m, mast in enumerate(self.mast_m):
            flat = horizons[m].reshape(horizons.shape[1], -1)
            found = self.track.look(flat, self.area, rows, cols, ground + mast)
            seen[m], gaps[m] = two_maps(found, rows, cols)
        return {"relay_visible": seen, "longest_relay_gap_d": gaps}


def flat_horizons(layer: Shorts, here: tuple[slice, slice]) -> Shorts:
    """Horizons of a part of a tile as (azimuths, cells)."""
    return np.ascontiguousarray(layer[(slice(None), *here)]).reshape(layer.shape[0], -1)


def two_maps(found: NDArray[np.float64], rows: slice, cols: slice) -> NDArray[np.float64]:
    """Two columns of cells as two maps."""
    return found.T.reshape(2, rows.stop - rows.start, cols.stop - cols.start)
