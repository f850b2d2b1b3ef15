"""The ground of a traverse: its cells, their heights, and what each leg between them takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError, TerrainError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.area import MapArea
from moonpost.terrain.surface import Terrain

if TYPE_CHECKING:
    from moonpost.terrain.traverserover import Rover

__all__ = ["MOON_GRAVITY_M_S2", "Ground", "traverse_area"]

MOON_GRAVITY_M_S2 = 1.62
"""Acceleration of gravity on the Moon [m/s2]."""

Floats = NDArray[np.float64]
_MOST_CELLS = 2_000_000
_LEAST_MARGIN_M = 1000.0
_FEWEST_CELLS = 16
_COARSER = 2.5


@dataclass(frozen=True, eq=False)
class Ground:
    """Heights of the cells of an area and the legs between them for one rover.

    Parameters
    ----------
    area : MapArea
        The cells.
    height_m : ndarray, shape (rows, cols)
        Heights [m]; NaN where there is none.
    ground_m : ndarray, shape (rows, cols)
        Size of each cell on the ground at its height [m].
    tilt : ndarray, shape (rows, cols, 2)
        Rise to the right and to the top.
    leg_s, leg_wh : ndarray of float32, shape (cells, moves)
        Time [s] and energy [Wh] of each leg; infinite time where the rover may not go.

    Examples
    --------
    >>> from moonpost.terrain.traverserover import rover_named
    >>> area = MapArea.about(-89.67, 129.78, 16e3, cell_m=1600.0)
    >>> ground = Ground.measured(Terrain.default("south"), area, rover_named("ilrs"))
    >>> ground.height_m.shape, ground.leg_s.shape
    ((10, 10), (100, 16))
    """

    area: MapArea
    height_m: Floats
    ground_m: Floats
    tilt: Floats
    leg_s: NDArray[np.float32]
    leg_wh: NDArray[np.float32]

    @classmethod
    def measured(cls, terrain: Terrain, area: MapArea, rover: Rover, moves: int = 16) -> Ground:
        """Take heights from terrain and work out the legs.

        Parameters
        ----------
        terrain : Terrain
            Nested terrain files.
        area : MapArea
            The cells.
        rover : Rover
            Who drives.
        moves : {4, 8, 16}
            Neighbours to which a leg leads.

        Returns
        -------
        Ground
            The ground. Where the terrain is known to no better than two and a half cells of the area it counts as
            unknown: it would look smoother than it is.
        """
        latitude, longitude = area.places()
        heights, source = terrain._look_up(latitude.ravel(), longitude.ravel())
        coarse = np.array([layer.resolution_m > _COARSER * area.cell_m for layer in terrain.layers] + [True])
        heights[coarse[source]] = np.nan
        return cls.of_heights(area, heights.reshape(area.shape), rover, moves)

    @classmethod
    def of_heights(cls, area: MapArea, height_m: Floats, rover: Rover, moves: int = 16) -> Ground:
        """Work out the legs over given heights.

        Parameters
        ----------
        area : MapArea
            The cells.
        height_m : ndarray, shape (rows, cols)
            Heights [m]; NaN where there is none.
        rover : Rover
            Who drives.
        moves : {4, 8, 16}
            Neighbours to which a leg leads.

        Returns
        -------
        Ground
            The ground.

        Notes
        -----
        A leg is two straight halves. In the middle of a diagonal leg the height is the mean of the four cells
        round it, in the middle of a knight's leg that of the two cells it passes between. Both halves must be
        within the limit along the way, and the mean tilt of both ends within that across it. Lengths are those of
        the ground at its height, not of the map.
        """
        from moonpost.terrain.traversekernels import gradients, leg_costs

        if moves not in (4, 8, 16):
            raise InputError(f"{moves!r} moves", where="moves", advice="give 4, 8 or 16")
        latitude, longitude = area.places()
        height = np.ascontiguousarray(height_m, dtype=np.float64)
        ground = area.cell_m / area.scale(latitude, longitude)
        ground = ground * (1.0 + np.nan_to_num(height) / MOON_RADIUS_M)
        tilt = gradients(height, ground)
        power = (
            rover.idle_power_w + rover.drive_power_w,
            rover.mass_kg * MOON_GRAVITY_M_S2 / rover.drive_efficiency,
        )
        speed = np.array([rover.speed_m_s, rover.speed_at_limit])
        times, energies = leg_costs(height, ground, tilt, moves, slope_limits(rover), speed, np.array(power))
        return cls(area, height, ground, tilt, times, energies)

    def cell(self, place: Site, name: str) -> int:
        """Index of the cell in which a place lies.

        Parameters
        ----------
        place : Site
            The place.
        name : str
            What it is, for the message.

        Returns
        -------
        int
            Row times columns plus column.

        Raises
        ------
        InputError
            If the place is off the grid.
        TerrainError
            If its cell has no height, or only one from cells much coarser than those of the area.
        """
        row, col = (round(float(part)) for part in self.area.locate(place.latitude_deg, place.longitude_deg))
        rows, cols = self.area.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise InputError(
                f"{place.latitude_deg:.5f}, {place.longitude_deg:.5f} lies outside the area of the traverse",
                where=name,
                advice="give an area that holds both ends",
            )
        if math.isnan(self.height_m[row, col]):
            raise TerrainError(
                f"the terrain has no height in cells of {_COARSER * self.area.cell_m:g} m or less there",
                where=f"{name} {place.latitude_deg:.5f}, {place.longitude_deg:.5f}",
                advice="move it, list finer terrain, or take larger cells",
            )
        return row * cols + col

    def site(self, cell: int) -> Site:
        """Middle of a cell.

        Parameters
        ----------
        cell : int
            Its index.

        Returns
        -------
        Site
            With its height.
        """
        row, col = divmod(int(cell), self.area.shape[1])
        latitude, longitude = self.area.places(slice(row, row + 1), slice(col, col + 1))
        return Site(float(latitude[0, 0]), float(longitude[0, 0]), float(self.height_m[row, col]))

    def leg(self, cell: int, move: int) -> tuple[float, float, float]:
        """Length and slopes of a leg.

        Parameters
        ----------
        cell : int
            Where it begins.
        move : int
            Which move.

        Returns
        -------
        tuple of float
            Length over ground [m], slope along (positive uphill) and across (positive if the left side is higher)
            [deg].
        """
        from moonpost.terrain.traversekernels import MOVES, leg

        row, col = divmod(int(cell), self.area.shape[1])
        length, _, along, across, _ = leg(
            self.height_m, self.ground_m, self.tilt, row, col, MOVES[move, 0], MOVES[move, 1]
        )
        return length, math.degrees(math.atan(along)), math.degrees(math.atan(across))

    def gentlest(self, rover: Rover, start: int, goal: int) -> dict[str, Any] | None:
        """Way on which the worst slope is least, for telling why there is none within the limits.

        Parameters
        ----------
        rover : Rover
            Whose limits count.
        start, goal : int
            Cells.

        Returns
        -------
        dict or None
            `along_deg` and `across_deg`, the limits that would do, and the place of the leg that needs them; None
            where only holes in the terrain stop the rover.
        """
        from moonpost.terrain.traversekernels import gentlest

        limits = slope_limits(rover)
        share, cell, _ = gentlest(
            self.height_m, self.ground_m, self.tilt, self.leg_s.shape[1], limits, start, goal
        )
        if not math.isfinite(share):
            return None
        site = self.site(cell)
        along, across = (math.degrees(math.atan(share * limit)) for limit in limits)
        return {
            "along_deg": along,
            "across_deg": across,
            "latitude_deg": site.latitude_deg,
            "longitude_deg": site.longitude_deg,
        }


def slope_limits(rover: Rover) -> Floats:
    """Tangents of the steepest slopes along and across."""
    return np.tan(np.radians([rover.max_slope_deg, rover.max_cross_deg]))


def traverse_area(
    terrain: Terrain, start: Site, goal: Site, *, cell_m: float | None = None, margin_m: float | None = None
) -> MapArea:
    """Area in which the way between two places is looked for.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    start, goal : Site
        The ends.
    cell_m : float, optional
        Size of the cells [m]; those of the terrain at the start if not stated.
    margin_m : float, optional
        How far the area reaches beyond the ends [m]; the larger of 1 km, 16 cells and half their distance if not
        stated.

    Returns
    -------
    MapArea
        On the terrain's own lattice where that is a stereographic map and no size of cells was given.

    Raises
    ------
    InputError
        If a length is of no use or the area would have more than 2 million cells.
    TerrainError
        If the terrain has no height at the start.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> traverse_area(terrain, terrain.site(-89.0, 0.0), terrain.site(-89.0, 20.0)).cell_m
    1600.0
    """
    for name, value in (("cell_m", cell_m), ("margin_m", margin_m)):
        if value is not None and not (math.isfinite(value) and value > 0.0):
            raise InputError(f"{value!r}", where=name, advice="give a positive number of metres")
    cell = terrain.resolution_m(start.latitude_deg, start.longitude_deg) if cell_m is None else float(cell_m)
    way = start.basis[2] + goal.basis[2]
    if float(np.linalg.norm(way)) < 1.0:
        raise InputError("the ends lie on opposite sides of the Moon", where="goal", advice="give a nearer goal")
    x, y, z = way
    middle = (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))
    probe = MapArea.about(*middle, cell, cell_m=cell)
    ends = [probe.locate(end.latitude_deg, end.longitude_deg) for end in (start, goal)]
    down, across = (abs(float(ends[0][axis] - ends[1][axis])) * cell for axis in (0, 1))
    margin = max(_LEAST_MARGIN_M, _FEWEST_CELLS * cell, 0.5 * math.hypot(down, across))
    margin = margin if margin_m is None else max(float(margin_m), 2.0 * cell)
    size = (across + 2.0 * margin, down + 2.0 * margin)
    if size[0] / cell * (size[1] / cell) > _MOST_CELLS:
        raise InputError(
            f"an area of {size[0] / 1000.0:.0f} x {size[1] / 1000.0:.0f} km has over {_MOST_CELLS:,} cells of "
            f"{cell:g} m",
            where="traverse",
            advice="give larger cells or a smaller margin",
        )
    if cell_m is None:
        layer = _layer_at(terrain, start)
        try:
            return MapArea.aligned(layer, *middle, *size)
        except InputError:
            pass
    return MapArea.about(*middle, *size, cell_m=cell)


def _layer_at(terrain: Terrain, place: Site) -> Any:
    """The file that gives the height at a place."""
    _, source = terrain._look_up(np.array([place.latitude_deg]), np.array([place.longitude_deg]))
    return terrain.layers[int(source[0])]
