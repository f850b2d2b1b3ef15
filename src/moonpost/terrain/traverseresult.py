"""A planned traverse: its waypoints, totals and reasons, and the files that carry it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.files import atomic_path, write_text
from moonpost.sky.site import Site

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.terrain.area import MapArea
    from moonpost.terrain.traverserover import Rover

__all__ = ["COLUMNS", "MODES", "Traverse"]

Objective = Literal["arrival", "energy", "light"]

MODES = ("drive", "wait", "sleep", "end")
"""What the rover does from a waypoint on: it drives, stands awake, sleeps, or has arrived."""

COLUMNS: dict[str, tuple[str, str]] = {
    "time_utc": ("UTC", "instant"),
    "latitude_deg": ("deg", "latitude"),
    "longitude_deg": ("deg", "east longitude"),
    "height_m": ("m", "height above the 1737.4 km sphere"),
    "distance_m": ("m", "length driven so far"),
    "slope_along_deg": ("deg", "slope of the leg that begins here, positive uphill"),
    "slope_cross_deg": ("deg", "slope across that leg, positive if its left side is higher"),
    "disc_fraction": ("1", "share of the Sun's disc above the horizon of the array"),
    "earth_over_horizon_deg": ("deg", "elevation of the Earth or the station over the horizon of the antenna"),
    "charge": ("1", "charge over that of the full battery"),
    "mode": ("", "what the rover does from here on"),
}
"""Columns of the waypoints: unit and meaning."""

_FORMATS = (".gpkg", ".geojson", ".json", ".csv", ".nc")


@dataclass(frozen=True, eq=False)
class Traverse:
    """A traverse in space and time, or why there is none.

    Parameters
    ----------
    found : bool
        Whether there is a way.
    reasons : tuple of str
        If there is none, why; each one line.
    start, goal : Site
        The ends, in the middle of their cells.
    depart, arrive : numpy.datetime64
        When the rover may leave and when it arrives, UTC; `arrive` is NaT if there is no way.
    objective : {"arrival", "energy", "light"}
        What was made least: the time of arrival, the energy of driving, or the hours of shade.
    rover : Rover
        Who drives.
    options : dict
        The limits and the grid, as plain data.
    waypoints : dict of ndarray
        Columns of equal length, see `COLUMNS`; a row where the rover changes its heading or what it does.
    totals : dict of float
        Sums over the way: `length_m`, `straight_m`, `climb_m`, `duration_h`, `drive_h`, `wait_h`, `sleep_h`,
        `energy_wh`, `drive_energy_wh`, `shade_h`, `longest_dark_h`, `least_charge`, `least_disc_fraction` (when
        driving).
    area : MapArea
        The cells.
    cells : ndarray of int64, shape (nodes,)
        Cells on the way, in order.
    provenance : dict
        Terrain files, kernels, and how many labels the search made.
    maps : dict of ndarray, shape (rows, cols)
        `height_m` of the cells (NaN where the rover cannot drive for want of heights), and if it was asked for
        `light`, the mean disc fraction between departure and arrival.

    Examples
    --------
    >>> sorted(COLUMNS)[:3]
    ['charge', 'disc_fraction', 'distance_m']
    """

    found: bool
    reasons: tuple[str, ...]
    start: Site
    goal: Site
    depart: np.datetime64
    arrive: np.datetime64
    objective: Objective
    rover: Rover
    options: dict[str, Any]
    waypoints: dict[str, NDArray[Any]]
    totals: dict[str, float]
    area: MapArea
    cells: NDArray[np.int64]
    provenance: dict[str, Any] = field(default_factory=dict)
    maps: dict[str, NDArray[Any]] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Waypoints as plain data, one mapping a row.

        Returns
        -------
        list of dict
            JSON types only; NaN becomes None.
        """
        columns = {name: [_plain(value) for value in self.waypoints[name]] for name in COLUMNS}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """The whole result as plain data.

        Returns
        -------
        dict
            JSON types only.
        """
        return {
            "found": self.found,
            "reasons": list(self.reasons),
            "depart_utc": _plain(self.depart),
            "arrive_utc": _plain(self.arrive),
            "objective": self.objective,
            "start": _place(self.start),
            "goal": _place(self.goal),
            "totals": {name: _plain(np.float64(value)) for name, value in self.totals.items()},
            "rover": {name: _plain(value) for name, value in vars(self.rover).items()},
            "options": self.options,
            "waypoints": self.rows(),
            "provenance": self.provenance,
        }

    def dataset(self) -> xr.Dataset:
        """Waypoints as a dataset along "waypoint", with totals and options among the attributes.

        Returns
        -------
        xarray.Dataset
            One variable for each of `COLUMNS`.
        """
        import xarray as xr

        data = {}
        for name, (units, meaning) in COLUMNS.items():
            attrs = (
                {"long_name": meaning} if name in ("time_utc", "mode") else {"units": units, "long_name": meaning}
            )
            values = self.waypoints[name]
            if name == "time_utc":
                values = values.astype("datetime64[ns]")
            data[name] = ("waypoint", values, attrs)
        sums: dict[str, Any] = {name: value for name, value in self.totals.items() if np.isfinite(value)}
        sums |= {"objective": self.objective, "rover": self.rover.name, "options": json.dumps(self.options)}
        return xr.Dataset(data, attrs=sums)

    def to_geojson(self) -> dict[str, Any]:
        """The way as a line and the waypoints as points, with longitude and latitude on the Moon.

        Returns
        -------
        dict
            A GeoJSON collection of features, its system named ``IAU_2015:30100``.
        """
        rows = self.rows()
        spots = [[row["longitude_deg"], row["latitude_deg"], row["height_m"]] for row in rows]
        line = spots if len(spots) > 1 else 2 * spots
        features = [
            _feature(
                "LineString", line, {"name": "traverse", "rover": self.rover.name, **self.to_dict()["totals"]}
            )
        ]
        features += [_feature("Point", spot, row) for spot, row in zip(spots, rows, strict=True)]
        system = {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU_2015::30100"}}
        return {"type": "FeatureCollection", "name": "traverse", "crs": system, "features": features}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the traverse in the format that the name's ending tells, atomically.

        Parameters
        ----------
        path : path-like
            Ends in ``.gpkg`` (GeoPackage: layers ``traverse`` and ``waypoints``), ``.geojson``, ``.json`` (all of
            it), ``.csv`` (waypoints) or ``.nc``.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        InputError
            If the ending is another, or there is no way to be written.
        OutputError
            If the file cannot be written.
        """
        target = Path(path)
        ending = checked_format(target)
        if not self.found and ending != ".json":
            raise InputError("there is no way to be written", where=str(target), advice="see the reasons")
        if ending in (".json", ".geojson"):
            data = self.to_dict() if ending == ".json" else self.to_geojson()
            return write_text(target, json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")
        if ending == ".csv":
            return write_text(target, self._csv())
        with atomic_path(target) as temporary:
            if ending == ".nc":
                self.dataset().to_netcdf(temporary, engine="h5netcdf")
            else:
                self._write_geopackage(temporary)
        return target

    def _csv(self) -> str:
        """Waypoints with a header line, numbers with as many digits as they deserve."""
        digits = {"latitude_deg": 7, "longitude_deg": 7, "height_m": 2, "distance_m": 2, "charge": 4}
        lines = [",".join(COLUMNS)]
        for row in self.rows():
            cells = [
                "" if value is None else f"{value:.{digits.get(name, 3)}f}" if isinstance(value, float) else value
                for name, value in row.items()
            ]
            lines.append(",".join(cells))
        return "\n".join(lines) + "\n"

    def _write_geopackage(self, path: Path) -> None:
        """Layers of the line and of the waypoints in latitude and longitude of the Moon."""
        import pyogrio
        import shapely
        from pyproj import CRS

        w = self.waypoints
        spots = np.column_stack([w["longitude_deg"], w["latitude_deg"], w["height_m"]])
        system = CRS("IAU_2015:30100").to_wkt()
        names = list(COLUMNS)
        columns = [
            w[name].astype("datetime64[ms]")
            if name == "time_utc"
            else np.asarray(w[name], dtype=object)
            if name == "mode"
            else np.asarray(w[name], dtype=np.float64)
            for name in names
        ]
        ends = spots if len(spots) > 1 else np.repeat(spots, 2, axis=0)
        line = np.array([shapely.to_wkb(shapely.linestrings(ends), output_dimension=3)], dtype=object)
        points = np.array(shapely.to_wkb(shapely.points(spots), output_dimension=3), dtype=object)
        keys = list(self.totals)
        values = [np.array([self.totals[key]]) for key in keys]
        for layer, shape, kind, fields, data in (
            (
                "traverse",
                line,
                "LineString Z",
                [*keys, "rover"],
                [*values, np.array([self.rover.name], dtype=object)],
            ),
            ("waypoints", points, "Point Z", names, columns),
        ):
            pyogrio.raw.write(
                path, shape, data, fields, layer=layer, driver="GPKG", geometry_type=kind, crs=system,
                append=layer != "traverse",
            )  # fmt: skip


def checked_format(path: Path) -> str:
    """Ending of a file name, if it is one that can be written."""
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise InputError(
            f"cannot write {ending or 'a file without ending'}",
            where=str(path),
            advice=f"end the name in {', '.join(_FORMATS)}",
        )
    return ending


def _feature(kind: str, spots: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": spots}, "properties": properties}


def _place(site: Site) -> dict[str, float]:
    return {
        "latitude_deg": round(site.latitude_deg, 7),
        "longitude_deg": round(site.longitude_deg, 7),
        "height_m": round(site.height_m, 2),
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value.astype("datetime64[s]")) + "Z"
    if isinstance(value, float | np.floating):
        return round(float(value), 9) if np.isfinite(value) else None
    return str(value)
