"""Groups of maps that are computed together from the horizons of a tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.terrain.area import MapArea
from moonpost.terrain.mapvisibility import Block, Blocks
from moonpost.terrain.tilestore import MapArray

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.terrain.surface import Terrain

__all__ = [
    "HorizonGroup",
    "LightGroup",
    "MapGroup",
    "Period",
    "ShadowGroup",
    "SpellGroup",
]

Shorts = NDArray[np.int16]
Values = dict[str, NDArray[Any]]

MISSING = -32768
NEVER_LIT_MISSING = 255
_TABLE_HALF_M = (30_000.0, 55_000.0)
_TABLE_HALF_CELLS = 200
_MOST_TURNED = 0.8
"""Turn of the map's frame within a block against that of its middle [azimuth steps]."""
_PATH_HALF_M = 55_000.0
_AZIMUTHS_A_CHUNK = 64
_CYCLE_YEARS = 18.61
_YEAR_MS = 365.25 * 86_400e3

LIGHT: dict[str, tuple[Literal["sun", "earth"], str, str]] = {
    "average_illumination": ("sun", "1", "time mean of the share of the Sun's disc in sight"),
    "percent_lit": ("sun", "1", "share of the time with any part of the Sun in sight"),
    "earth_visible": ("earth", "1", "share of the time with any part of the Earth in sight"),
    "average_earth_disc": ("earth", "1", "time mean of the share of the Earth's disc in sight"),
}
LONGEST = {
    "longest_dark_d": "longest time without any part of the Sun",
    "longest_light_d": "longest time with part of the Sun in sight",
    "longest_earth_outage_d": "longest time without any part of the Earth",
    "longest_dark_without_earth_d": "longest time without any part of the Sun and of the Earth",
}


class MapGroup(Protocol):
    """Maps that are computed together from the horizons of a tile."""

    needs_horizons: bool

    def arrays(self) -> list[MapArray]:
        """The arrays of the maps."""

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """Coordinates that the arrays have besides masts, y and x."""

    def inputs(self) -> dict[str, Any]:
        """All that the maps depend on besides the horizons, as plain data."""

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Compute the maps of a tile from horizons of shape (masts, azimuths, rows, cols)."""


@dataclass(frozen=True, eq=False)
class Period:
    """A period and where the Sun and the Earth are in it.

    Parameters
    ----------
    almanac : Almanac
        Where they are.
    start, stop : numpy.datetime64
        The period, UTC.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> Period.make(Almanac.default(), "2030-01-01", "2031-01-01").text
    '2030-01-01T00:00:00Z to 2031-01-01T00:00:00Z'
    """

    almanac: Almanac
    start: np.datetime64
    stop: np.datetime64

    @classmethod
    def make(cls, almanac: Almanac, start: TimeLike, stop: TimeLike) -> Period:
        """Check a period.

        Parameters
        ----------
        almanac : Almanac
            Where the Sun and the Earth are.
        start, stop : time
            The period, UTC.

        Returns
        -------
        Period
            The period.

        Raises
        ------
        InputError
            If it is shorter than an hour.
        DateError
            If it lies outside the kernels.
        """
        first, last = as_utc(start).reshape(-1)[0], as_utc(stop).reshape(-1)[0]
        if not last - first >= np.timedelta64(1, "h"):
            raise InputError(
                f"from {iso(first)} to {iso(last)}", where="start, stop", advice="give a period of an hour or more"
            )
        almanac.moon_fixed_m("sun", np.array([first, last]))
        return cls(almanac, first, last)

    @property
    def text(self) -> str:
        """The period for people."""
        return f"{iso(self.start)} to {iso(self.stop)}"

    def inputs(self) -> dict[str, Any]:
        """The period and the kernels as plain data.

        Returns
        -------
        dict
            Start, stop, and name and digest of each kernel.
        """
        kernels = [{"name": kernel.name, "sha256": kernel.sha256} for kernel in self.almanac.kernels]
        return {"from_utc": iso(self.start), "to_utc": iso(self.stop), "kernels": kernels}


def mast_array(name: str, units: str, long_name: str, source: str, **more: Any) -> MapArray:
    attributes = {"units": units, "long_name": long_name, "source": source, **more}
    return MapArray(name, ("mast", "y", "x"), "float32", float("nan"), attributes)


@dataclass(frozen=True, eq=False)
class HorizonGroup:
    """The horizons themselves.

    Parameters
    ----------
    azimuths : int
        Their number.

    Examples
    --------
    >>> HorizonGroup(720).arrays()[0].name
    'horizon_deg'
    """

    azimuths: int

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """The array of the horizons, hundredths of a degree in 16 bits."""
        attributes = {
            "units": "degree",
            "long_name": "elevation of the horizon",
            "source": "terrain",
            "scale_factor": 0.01,
            "_FillValue": MISSING,
        }
        dims = ("mast", "azimuth", "y", "x")
        return [MapArray("horizon_deg", dims, "int16", MISSING, attributes, {"azimuth": _AZIMUTHS_A_CHUNK})]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """Azimuths in the map's frame."""
        values = np.arange(self.azimuths) * 360.0 / self.azimuths
        return {
            "azimuth": (values, {"units": "degree", "long_name": "azimuth clockwise from the top of the map grid"})
        }

    def inputs(self) -> dict[str, Any]:
        """Nothing more than the horizons."""
        return {}

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:  # noqa: ARG002
        """Hand the horizons on."""
        return {"horizon_deg": horizons}


@dataclass(eq=False)
class LightGroup:
    """Averages over the period by tables: shares of the Sun's and the Earth's disc, and of the time in sight.

    Parameters
    ----------
    area : MapArea
        The map.
    period : Period
        The period.
    azimuths : int
        Azimuths of the horizons.
    names : sequence of str
        Some of `average_illumination`, `percent_lit`, `earth_visible`, `average_earth_disc`.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-89.0, 0.0, 2e3, cell_m=1000.0)
    >>> period = Period.make(Almanac.default(), "2030-01-01", "2030-02-01")
    >>> group = LightGroup(area, period, 72, ["average_illumination"])
    >>> level = np.full((1, 72, 2, 2), -9000, np.int16)
    >>> group.tile(slice(0, 2), slice(0, 2), level)["average_illumination"].round(3).tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """

    area: MapArea
    period: Period
    azimuths: int
    names: Sequence[str]

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """One array for each name."""
        source = f"Sun and Earth from {self.period.text}"
        return [mast_array(name, LIGHT[name][1], LIGHT[name][2], source) for name in self.names]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """None."""
        return {}

    def inputs(self) -> dict[str, Any]:
        """The period."""
        return {"light": {**self.period.inputs(), "maps": list(self.names)}}

    @cached_property
    def _tables(self) -> Blocks[dict[str, Any]]:
        half = float(np.clip(_TABLE_HALF_CELLS * self.area.cell_m, *_TABLE_HALF_M))
        turned = _MOST_TURNED * 2.0 * np.pi / self.azimuths / max(self.area.bend, 1e-12)
        return Blocks(self.area, min(half, turned), self._make)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_tables"}

    def _make(self, block: Block) -> dict[str, Any]:
        from moonpost.terrain.residence import residence

        site, period = block.site, self.period
        origin = -float(self.area.convergence_deg(site.latitude_deg, site.longitude_deg))
        return {
            body: residence(
                period.almanac,
                site,
                period.start,
                period.stop,
                body=body,
                azimuths=self.azimuths,
                origin_deg=origin,
            )
            for body in dict.fromkeys(LIGHT[name][0] for name in self.names)
        }

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Look the maps up."""
        out = {name: empty_maps(rows, cols, horizons) for name in self.names}
        for i, j, _, tables in self._tables.parts(rows, cols):
            here = (within(rows, i), within(cols, j))
            latitude, longitude = self.area.places(i, j)
            origin = -self.area.convergence_deg(latitude, longitude)
            for m, layer in enumerate(horizons):
                part = layer[(slice(None), *here)]
                for name in self.names:
                    table = tables[LIGHT[name][0]]
                    look = table.average_map if name.startswith("average") else table.visible_map
                    out[name][m][here] = look(part, latitude, longitude, origin_deg=origin)
        for any_part, mean in (("percent_lit", "average_illumination"), ("earth_visible", "average_earth_disc")):
            if any_part in out and mean in out:  # any part is the rougher look-up and cannot be the smaller share
                np.maximum(out[any_part], out[mean], out=out[any_part])
        return dict(out)


@dataclass(eq=False)
class SpellGroup:
    """Longest darkness, light, Earth outage and darkness without the Earth, right to a minute.

    Parameters
    ----------
    area : MapArea
        The map.
    terrain : Terrain
        For the heights of the eyes, which move the Earth a little.
    period : Period
        The period.
    mast_m : sequence of float
        Heights of the eyes above ground [m].
    names : sequence of str
        Some of `longest_dark_d`, `longest_light_d`, `longest_earth_outage_d`, `longest_dark_without_earth_d`.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.terrain import Terrain
    >>> area = MapArea.about(-89.0, 0.0, 2e3, cell_m=1000.0)
    >>> period = Period.make(Almanac.default(), "2030-01-01", "2030-02-01")
    >>> group = SpellGroup(area, Terrain.default("south"), period, [2.0], ["longest_light_d"])
    >>> level = np.full((1, 72, 2, 2), -9000, np.int16)
    >>> group.tile(slice(0, 2), slice(0, 2), level)["longest_light_d"][0, 0].tolist()
    [31.0, 31.0]
    """

    area: MapArea
    terrain: Terrain
    period: Period
    mast_m: Sequence[float]
    names: Sequence[str]

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """One array for each name."""
        source = f"Sun and Earth from {self.period.text}"
        return [mast_array(name, "d", LONGEST[name], source) for name in self.names]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """None."""
        return {}

    def inputs(self) -> dict[str, Any]:
        """The period."""
        return {"spells": {**self.period.inputs(), "maps": list(self.names)}}

    @cached_property
    def _paths(self) -> Blocks[Any]:
        return Blocks(self.area, _PATH_HALF_M, self._make, kept=8)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_paths"}

    def _make(self, block: Block) -> Any:
        from moonpost.terrain.spellmaps import body_paths

        return body_paths(self.period.almanac, block.site, self.period.start, self.period.stop)

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Search the spells of each cell."""
        from moonpost.terrain.spellmaps import longest_spells

        out = {name: empty_maps(rows, cols, horizons) for name in self.names}
        for i, j, _, paths in self._paths.parts(rows, cols):
            here = (within(rows, i), within(cols, j))
            latitude, longitude = self.area.places(i, j)
            ground = ground_m(self.terrain, self.area, i, j)
            origin = -self.area.convergence_deg(latitude, longitude)
            for m, mast in enumerate(self.mast_m):
                found = longest_spells(
                    paths,
                    horizons[m][(slice(None), *here)],
                    latitude,
                    longitude,
                    height_m=ground + mast,
                    origin_deg=origin,
                    spells=self.names,
                )
                for name in self.names:
                    out[name][m][here] = found[name]
        return dict(out)


@dataclass(eq=False)
class ShadowGroup:
    """Permanent shadow: no part of the Sun's disc in sight, ever.

    Parameters
    ----------
    area : MapArea
        The map.
    period : Period
        Lengthened to 18.61 years, a cycle of the lunar node, where it is shorter.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-89.0, 0.0, 2e3, cell_m=1000.0)
    >>> group = ShadowGroup(area, Period.make(Almanac.default(), "2030-01-01", "2031-01-01"))
    >>> deep = np.full((1, 72, 2, 2), 900, np.int16)
    >>> group.tile(slice(0, 2), slice(0, 2), deep)["psr"].tolist()
    [[[1, 1], [1, 1]]]
    """

    area: MapArea
    period: Period

    def __post_init__(self) -> None:
        span = self.period.almanac.span
        cycle = np.timedelta64(round(_CYCLE_YEARS * _YEAR_MS), "ms")
        stop = max(self.period.stop, min(self.period.start + cycle, span[1]))
        start = min(self.period.start, stop - cycle)
        if start < span[0]:
            raise InputError(
                f"the kernels hold less than {_CYCLE_YEARS} years",
                where="psr",
                advice="load longer kernels, or leave this map out",
            )
        self.start, self.stop = start, stop

    needs_horizons = True

    def arrays(self) -> list[MapArray]:
        """The mask."""
        attributes = {
            "units": "1",
            "long_name": "permanent shadow: no part of the Sun's disc ever in sight",
            "source": f"highest Sun from {iso(self.start)} to {iso(self.stop)}",
            "flag_values": [0, 1, NEVER_LIT_MISSING],
            "flag_meanings": "lit_at_times never_lit no_height",
        }
        return [MapArray("psr", ("mast", "y", "x"), "uint8", NEVER_LIT_MISSING, attributes)]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """None."""
        return {}

    def inputs(self) -> dict[str, Any]:
        """The period of the highest Sun."""
        own = {**self.period.inputs(), "from_utc": iso(self.start), "to_utc": iso(self.stop)}
        return {"psr": own}

    @cached_property
    def _ceiling(self) -> Any:
        from moonpost.terrain.shadow import sun_ceiling

        return sun_ceiling(self.period.almanac, self.start, self.stop)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_ceiling"}

    def tile(self, rows: slice, cols: slice, horizons: Shorts) -> Values:
        """Compare the horizons with the highest Sun."""
        from moonpost.terrain.shadow import sun_margin

        part = self.area.cut(rows, cols)
        out = np.empty((horizons.shape[0], *part.shape), np.uint8)
        for m, layer in enumerate(horizons):
            margin = sun_margin(layer, part, self._ceiling).values
            out[m] = np.where(np.isnan(margin), NEVER_LIT_MISSING, margin <= 0.0)
        return {"psr": out}


def empty_maps(rows: slice, cols: slice, horizons: Shorts) -> NDArray[np.float32]:
    shape = (horizons.shape[0], rows.stop - rows.start, cols.stop - cols.start)
    return np.full(shape, np.nan, np.float32)


def within(tile: slice, part: slice) -> slice:
    """A part of the map within its tile."""
    return slice(part.start - tile.start, part.stop - tile.start)


def ground_m(terrain: Terrain, area: MapArea, rows: slice, cols: slice) -> NDArray[np.float64]:
    """Heights of the ground, 0 where there is none (the horizons say so there)."""
    from moonpost.terrain.rasters import height_map

    return np.nan_to_num(height_map(terrain, area.cut(rows, cols)).values.astype(np.float64), nan=0.0)
