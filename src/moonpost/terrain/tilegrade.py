"""What the horizons of a map are good for, asked at some spots of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from moonpost.errors import TerrainError
from moonpost.terrain.area import MapArea
from moonpost.terrain.nestgrid import place_heights
from moonpost.terrain.skyline import horizon
from moonpost.terrain.surface import Terrain

__all__ = ["MapGrade"]

_SPOTS = 3
_AZIMUTHS = 36
_CELLS = 64


@dataclass(frozen=True)
class MapGrade:
    """Grade of the horizons of a map by that of horizons at some spots of it.

    Parameters
    ----------
    grade : {"site", "screening"}
        "site" if the horizon of every spot has that grade, see `moonpost.terrain.horizon`.
    limits : tuple of str
        What keeps it from "site".
    spots : int
        How many spots were asked.
    complete : bool
        Whether the terrain is known as far out as it matters, without a hole, from all spots.

    Examples
    --------
    >>> area = MapArea.about(-89.0, 0.0, 16e3, cell_m=1600.0)
    >>> found = MapGrade.of(Terrain.default("south"), area, 2.0)
    >>> found.grade, found.complete
    ('screening', True)
    """

    grade: Literal["site", "screening"]
    limits: tuple[str, ...]
    spots: int
    complete: bool

    @classmethod
    def of(cls, terrain: Terrain, area: MapArea, mast_m: float) -> MapGrade:
        """Ask at up to nine spots that have a height.

        Parameters
        ----------
        terrain : Terrain
            Nested terrain files.
        area : MapArea
            The map.
        mast_m : float
            Height of the eye above the ground [m].

        Returns
        -------
        MapGrade
            What was found.

        Raises
        ------
        TerrainError
            If the terrain has no height anywhere on the map.
        """
        places = _spots(terrain, area)
        limits: dict[str, None] = {}
        ends: list[float] = []
        fine = complete = True
        for latitude, longitude in places:
            try:
                profile = horizon(terrain, terrain.site(latitude, longitude), mast_m, _AZIMUTHS)
            except TerrainError as error:
                fine = complete = False
                limits[f"seen from {latitude:.4f}, {longitude:.4f}: {error.what} at {error.where}"] = None
                continue
            fine &= profile.grade == "site"
            if not profile.complete and profile.reach_m is not None:
                ends.append(float(np.min(profile.reach_m)))
                complete = False
            limits.update(
                dict.fromkeys(text for text in profile.provenance["limits"] if "terrain ends" not in text)
            )
        if ends:
            limits[
                f"the terrain ends before it stops mattering from {len(ends)} of {len(places)} spots of the map, "
                f"nearest at {min(ends) / 1000.0:.1f} km"
            ] = None
        return cls("site" if fine else "screening", tuple(limits), len(places), complete)

    def record(self) -> dict[str, Any]:
        """Grade and limits as plain data for provenance.

        Returns
        -------
        dict
            JSON types only.
        """
        return {"grade": self.grade, "limits": list(self.limits), "spots": self.spots}


def _spots(terrain: Terrain, area: MapArea) -> list[tuple[float, float]]:
    """Latitude and longitude [deg] of spots of a map that have a height, spread over it."""
    rows, cols = (np.unique(np.linspace(0, count - 1, _CELLS).astype(np.int64)) for count in area.shape)
    known = np.argwhere(~np.isnan(place_heights(terrain, area.beyond(rows, cols))))
    if not known.size:
        centre = area.centre
        error = terrain.missing(centre.latitude_deg, centre.longitude_deg)
        raise TerrainError(f"no height anywhere on the map: {error.what}", where=error.where, advice=error.advice)
    wanted = (np.arange(_SPOTS) + 0.5) / _SPOTS
    chosen = {
        tuple(known[np.abs(known - np.array([r * rows.size, c * cols.size])).sum(axis=1).argmin()].tolist())
        for r in wanted
        for c in wanted
    }
    return sorted(_place(area, int(rows[r]), int(cols[c])) for r, c in chosen)


def _place(area: MapArea, row: int, col: int) -> tuple[float, float]:
    """Latitude and longitude [deg] of a cell."""
    lat, lon = area.places(slice(row, row + 1), slice(col, col + 1))
    return float(lat[0, 0]), float(lon[0, 0])
