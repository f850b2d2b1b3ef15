"""Maps made from finished maps: landing hazard, gain of masts, ways to havens, and outlines of shadow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.terrain.area import MapArea
    from moonpost.terrain.regions import ShadowRegion
    from moonpost.terrain.surface import Terrain

__all__ = ["DERIVED", "DerivedMaps"]

DERIVED = ("hazard", "gain", "haven")
"""Maps that are made from others once those are finished."""

_GAINS = (
    "illumination", "lit", "earth", "earth-disc", "dark", "light", "earth-outage", "dark-no-earth",
)  # fmt: skip
_MOST_CELLS = 25_000_000
_UNKNOWN = 255
_FLAGS = {"hazard": "landable hazardous no_height", "haven": "no_haven haven no_height"}


@dataclass(frozen=True)
class DerivedMaps:
    """Which maps to make from others, and the limits that they follow; None stands for the usual value.

    Parameters
    ----------
    names : tuple of str
        All maps asked for, those of `moonpost.terrain.maps.MAPS` and of `DERIVED`.
    masts : int
        Number of masts.
    slope_limit_deg, roughness_limit_m, baseline_m : float, optional
        Limits of landing, and the length over which slope and roughness are taken.
    haven_dark_d, haven_light : float, optional
        Longest darkness [d] and least average illumination (0 to 1) of a safe haven.
    rover_speed_m_s, drive_slope_deg : float, optional
        Mean speed of a rover, and the steepest ground that it drives on.
    psr_minimum_cells : int, optional
        Fewest cells of a region of permanent shadow.

    Examples
    --------
    >>> DerivedMaps(("psr", "haven"), 1, haven_dark_d=3.0).needed()
    ['psr', 'dark']
    """

    names: tuple[str, ...]
    masts: int
    slope_limit_deg: float | None = None
    roughness_limit_m: float | None = None
    baseline_m: float | None = None
    haven_dark_d: float | None = None
    haven_light: float | None = None
    rover_speed_m_s: float | None = None
    drive_slope_deg: float | None = None
    psr_minimum_cells: int | None = None

    def __post_init__(self) -> None:
        from moonpost.terrain.maps import MAPS

        for name in self.names:
            if name not in (*MAPS, *DERIVED):
                raise UnknownNameError(name, (*MAPS, *DERIVED), kind="map", where="--maps")
        for owner, option, value, least, most in (
            ("hazard", "--slope-limit", self.slope_limit_deg, None, 90.0),
            ("hazard", "--roughness-limit", self.roughness_limit_m, None, 1e5),
            ("hazard", "--baseline", self.baseline_m, None, 1e6),
            ("haven", "--haven-dark", self.haven_dark_d, 0.0, 1e6),
            ("haven", "--haven-light", self.haven_light, 0.0, 1.0),
            ("haven", "--rover-speed", self.rover_speed_m_s, None, 100.0),
            ("haven", "--drive-slope", self.drive_slope_deg, None, 90.0),
            ("psr", "--psr-minimum-cells", self.psr_minimum_cells, 1, 10**9),
        ):
            if value is not None:
                self._check(owner, option, value, least, most)
        if "haven" in self.names and self.haven_dark_d is None and self.haven_light is None:
            raise InputError(
                "no word on what a safe haven is",
                where="--maps",
                advice="give its longest darkness [d] with --haven-dark, or its least light with --haven-light",
            )
        if "gain" in self.names and self.masts < 2:
            raise InputError(
                "gain compares masts", where="--mast", advice="give two heights or more, like --mast 2,10"
            )

    def _check(self, owner: str, option: str, value: float, least: float | None, most: float) -> None:
        if owner not in self.names:
            raise InputError(
                f"no {owner} map is asked for", where=option, advice=f"add {owner} to --maps, or leave it out"
            )
        low = value > 0.0 if least is None else value >= least
        if not (math.isfinite(value) and low and value <= most):
            from_ = "above 0" if least is None else f"from {least:g}"
            raise InputError(f"{value:g}", where=option, advice=f"give a number {from_} and up to {most:g}")

    def needed(self) -> list[str]:
        """Maps of the tiles that have to be there.

        Returns
        -------
        list of str
            Names in `moonpost.terrain.maps.MAPS`; only what has to be, so that a map that is added to a command
            asks for as little new work as can be.
        """
        found = [name for name in self.names if name not in DERIVED]
        if "haven" in self.names:
            found += ["dark"] if self.haven_dark_d is not None else []
            found += ["illumination"] if self.haven_light is not None else []
        if "gain" in self.names and not set(found) & set(_GAINS):
            found.append("illumination")
        if not found and self.names:
            found.append("height")
        return list(dict.fromkeys(found))

    def check_area(self, area: MapArea) -> None:
        """Refuse areas on which the maps cannot be made, before the tiles are computed.

        Parameters
        ----------
        area : MapArea
            The map.

        Raises
        ------
        InputError
            If it is too large for hazard or haven, or the baseline does not fit.
        """
        rows, cols = area.shape
        both = [name for name in ("hazard", "haven") if name in self.names]
        if both and rows * cols > _MOST_CELLS:
            raise InputError(
                f"{both[0]} on {rows} x {cols} cells (at most {_MOST_CELLS / 1e6:g} million)",
                where="--maps",
                advice="give a smaller area, larger cells with --cell, or leave it out",
            )
        cell = _middle_cell_m(area)
        if self.baseline_m is not None and not 3 <= self._window(area) <= max(3, *area.shape):
            raise InputError(
                f"{self.baseline_m:g} m on cells of {cell:.4g} m",
                where="--baseline",
                advice=f"give from {2 * cell:.4g} m to {max(2, *(n - 1 for n in area.shape)) * cell:.4g} m",
            )

    def _window(self, area: MapArea) -> int:
        """Cells of a side of the square for slope and roughness."""
        return 3 if self.baseline_m is None else 2 * round(self.baseline_m / _middle_cell_m(area) / 2.0) + 1

    def make(self, data: xr.Dataset, terrain: Terrain, area: MapArea) -> dict[str, xr.DataArray]:
        """Make the maps.

        Parameters
        ----------
        data : xarray.Dataset
            The finished maps of `needed`.
        terrain : Terrain
            Heights.
        area : MapArea
            The map.

        Returns
        -------
        dict of xarray.DataArray
            By name of the variable.
        """
        found: dict[str, xr.DataArray] = {}
        if "hazard" in self.names:
            found["hazard"] = self._hazard(terrain, area)
        if "gain" in self.names:
            found.update(self._gains(data))
        if "haven" in self.names:
            found.update(self._havens(data, terrain, area))
        return found

    def _hazard(self, terrain: Terrain, area: MapArea) -> xr.DataArray:
        """Landing hazard, with heights beyond the edge so that the rim of the map is known as well."""
        from moonpost.terrain.hazard import LANDING_SLOPE_DEG, landing_hazard

        rim = self._window(area) // 2
        limit = LANDING_SLOPE_DEG if self.slope_limit_deg is None else self.slope_limit_deg
        found = landing_hazard(
            _heights(terrain, area, rim),
            baseline_m=self.baseline_m,
            slope_limit_deg=limit,
            roughness_limit_m=self.roughness_limit_m,
        )
        wide = found["hazard"].assign_attrs(baseline_m=found["roughness_m"].attrs["baseline_m"])
        told = {key: value for key, value in wide.attrs.items() if key not in ("crs_wkt", "transform")}
        return _truth(area, "hazard", wide.values[rim:-rim, rim:-rim], told)

    def _gains(self, data: xr.Dataset) -> dict[str, xr.DataArray]:
        from moonpost.terrain.haven import mast_gain
        from moonpost.terrain.maps import MAPS

        wanted = [MAPS[name] for name in _GAINS if name in self.needed()]
        return {f"{name}_gain": mast_gain(data[name]) for name in wanted}

    def _havens(self, data: xr.Dataset, terrain: Terrain, area: MapArea) -> dict[str, xr.DataArray]:
        """Havens of each mast, and the way to them over the cells of the map."""
        from moonpost.terrain.haven import DRIVE_SLOPE_DEG, haven_distance, safe_haven

        heights = _heights(terrain, area, 1)
        given = {"slope_limit_deg": self.drive_slope_deg or DRIVE_SLOPE_DEG}
        if self.rover_speed_m_s is not None:
            given["speed_m_s"] = self.rover_speed_m_s
        rows: dict[str, list[xr.DataArray]] = {"haven": [], "haven_distance_m": [], "haven_time_h": []}
        for k in range(data.sizes["mast"]):
            safe = safe_haven(
                longest_dark_d=data["longest_dark_d"].isel(mast=k) if self.haven_dark_d is not None else None,
                average_illumination=(
                    data["average_illumination"].isel(mast=k) if self.haven_light is not None else None
                ),
                longest_dark_limit_d=self.haven_dark_d,
                average_illumination_limit=self.haven_light,
            )
            rows["haven"].append(safe)
            wide = heights.copy(data=np.pad(safe.values, 1, constant_values=np.nan))
            wide.attrs.update(safe.attrs | {key: heights.attrs[key] for key in ("crs_wkt", "transform")})
            ways = haven_distance(heights, wide, **given)
            for name in ("haven_distance_m", "haven_time_h"):
                rows[name].append(ways[name][1:-1, 1:-1])
        return {name: _stacked(area, name, parts, data["mast"]) for name, parts in rows.items()}

    def regions(self, data: xr.Dataset) -> dict[float, tuple[ShadowRegion, ...]]:
        """Outlines of permanent shadow.

        Parameters
        ----------
        data : xarray.Dataset
            The finished maps.

        Returns
        -------
        dict of tuple of ShadowRegion
            By height of the mast [m]; empty if permanent shadow is not among the maps.
        """
        from moonpost.terrain.regions import shadow_regions

        if "psr" not in self.names:
            return {}
        return {
            float(part["mast"]): shadow_regions(part, minimum_cells=self.psr_minimum_cells or 1)
            for part in (data["psr"].isel(mast=k) for k in range(data.sizes["mast"]))
        }


def _middle_cell_m(area: MapArea) -> float:
    """Ground length of a cell in the middle of the map [m]."""
    rows, cols = (slice(n // 2, n // 2 + 1) for n in area.shape)
    return area.cell_m / float(area.scale(*area.places(rows, cols))[0, 0])


def _heights(terrain: Terrain, area: MapArea, rim: int) -> xr.DataArray:
    """Heights of a map with a rim of cells about it."""
    from moonpost.terrain.area import MapArea as Area
    from moonpost.terrain.rasters import height_map

    rows, cols = area.shape
    x = area.x_m[0] + area.cell_m * np.arange(-rim, cols + rim)
    y = area.y_m[0] - area.cell_m * np.arange(-rim, rows + rim)
    return height_map(terrain, Area(area.wkt, x, y, area.cell_m))


def _truth(area: MapArea, name: str, values: NDArray[Any], told: dict[str, Any], **more: Any) -> xr.DataArray:
    """A truth as bytes, 255 where it is not known."""
    known = np.where(np.isnan(values), _UNKNOWN, values).astype(np.uint8)
    flags = {"flag_values": [0, 1, _UNKNOWN], "flag_meanings": _FLAGS[name]}
    return area.array(known, **more, **{**told, "name": name, **flags})


def _stacked(area: MapArea, name: str, parts: Sequence[xr.DataArray], masts: xr.DataArray) -> xr.DataArray:
    """Maps of all masts as one."""
    values = np.stack([part.values for part in parts])
    told = {key: value for key, value in parts[0].attrs.items() if key not in ("crs_wkt", "transform")}
    axes: dict[str, Any] = {"dims": ("mast", "y", "x"), "coords": {"mast": ("mast", masts.values, masts.attrs)}}
    if name == "haven":
        return _truth(area, name, values, told, **axes)
    return area.array(values, name=name, **axes, **told)
