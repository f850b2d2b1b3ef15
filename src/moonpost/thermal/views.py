"""What a surface sees of the sky, and patches of terrain that see themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.thermal.sunpath import SunPath

if TYPE_CHECKING:
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.surface import Terrain

__all__ = ["TerrainPatch", "sky_view"]

Floats = npt.NDArray[np.float64]

_MOST_CELLS = 12_000
_AZIMUTHS = 180
_PLANE_RADIUS_M = 1e12


def sky_view(
    horizon_deg: npt.ArrayLike, slope_deg: npt.ArrayLike = 0.0, aspect_deg: npt.ArrayLike = 0.0
) -> Floats:
    """Share of the sky in the view of a flat surface; terrain takes the rest.

    Parameters
    ----------
    horizon_deg : array_like, shape (..., azimuths)
        Elevation of the horizon, clockwise from north, equally spaced [deg].
    slope_deg : array_like, shape (...)
        Tilt of the surface [deg], 0 (it looks up) to 90 (a wall).
    aspect_deg : array_like, shape (...)
        Azimuth towards which it looks [deg].

    Returns
    -------
    ndarray, shape (...)
        View factor to the sky, 0 to 1.

    Raises
    ------
    InputError
        If shapes do not fit, or a value is NaN or out of range.

    Notes
    -----
    The integral of the cosine over the sky above both horizon and the surface's own plane, over pi: in closed form
    over elevation, as a sum over azimuth.

    Examples
    --------
    >>> import numpy as np
    >>> sky_view(np.zeros(360), [0.0, 90.0]).round(3).tolist()
    [1.0, 0.5]
    >>> float(sky_view(np.full(360, 30.0)).round(3))
    0.75
    """
    horizon = np.deg2rad(np.asarray(horizon_deg, dtype=float))
    slope, aspect = np.deg2rad(np.asarray(slope_deg, dtype=float)), np.deg2rad(np.asarray(aspect_deg, dtype=float))
    if horizon.ndim < 1 or horizon.shape[-1] < 4 or not (np.abs(horizon) <= np.pi / 2.0).all():
        raise InputError(
            "not elevations within 90 deg at 4 azimuths or more", where="horizon_deg", advice="check the horizon"
        )
    if not ((slope >= 0.0) & (slope <= np.pi / 2.0 + 1e-12)).all() or not np.isfinite(aspect).all():
        raise InputError("out of range", where="slope_deg", advice="give slopes of 0 to 90 deg")
    azimuth = 2.0 * np.pi * np.arange(horizon.shape[-1]) / horizon.shape[-1]
    try:
        along = np.sin(slope)[..., None] * np.cos(azimuth - aspect[..., None])
        up = np.maximum(np.cos(slope), 0.0)[..., None]
        edge = np.maximum(horizon, np.arctan2(-along, up))
    except ValueError as error:
        raise InputError("shapes do not fit", where="slope_deg", advice="give one for each horizon") from error
    part = up * np.cos(edge) ** 2 + along * (np.pi / 2.0 - edge - 0.5 * np.sin(2.0 * edge))
    return np.asarray(np.clip(part.mean(axis=-1), 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class TerrainPatch:
    """A grid of ground whose cells shade, light and warm each other.

    Parameters
    ----------
    height_m : ndarray, shape (rows, cols)
        Heights above a plane [m], in which the curvature of the body is included.
    cell_m : float
        Spacing of rows and columns [m].
    axes : ndarray, shape (3, 3), optional
        Unit vectors in the axes of the Moon: along the columns, against the rows, up. East, north and up of the
        South Pole, with the prime meridian along falling rows, if not given.
    block : int
        Cells on a side that are joined to one where the patch sees itself. Direct sunlight is found cell by cell
        and averaged: at a pole only the top of a rim is lit, which joined cells alone would miss.

    Raises
    ------
    InputError
        If heights are not finite, the joined grid is smaller than 3 by 3 or has more than 12,000 cells, the block
        does not divide rows and columns, or the axes are not at right angles.

    Notes
    -----
    Each cell is a flat piece with the slope of its neighbours. View factors take the middles of the cells, so they
    are rough between neighbours (a few per cent in a bowl of 40 cells across) and right at a distance. Ground
    outside the patch is not known: neither its shadow nor its light.

    Examples
    --------
    >>> import numpy as np
    >>> flat = TerrainPatch(np.zeros((8, 8)), 100.0)
    >>> float(flat.sky_view.min())
    1.0
    """

    height_m: Floats
    cell_m: float
    axes: Floats | None = None
    block: int = 1

    def __post_init__(self) -> None:
        height = np.ascontiguousarray(self.height_m, dtype=np.float64)
        axes = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]) if self.axes is None else self.axes
        axes = np.asarray(axes, dtype=np.float64)
        object.__setattr__(self, "height_m", height)
        object.__setattr__(self, "axes", axes)
        if self.block < 1 or height.ndim != 2 or any(side % self.block for side in height.shape):
            raise InputError(
                f"block {self.block} on shape {height.shape}",
                where="block",
                advice="give a divisor of rows and columns",
            )
        if min(height.shape) < 3 * self.block or height.size > _MOST_CELLS * self.block**2:
            raise InputError(
                f"shape {height.shape} in blocks of {self.block}",
                where="height_m",
                advice=f"give 3 by 3 to {_MOST_CELLS} joined cells",
            )
        if not np.isfinite(height).all():
            raise InputError("holds NaN or infinity", where="height_m", advice="fill or cut holes first")
        if not (np.isfinite(self.cell_m) and self.cell_m > 0.0):
            raise InputError(f"{self.cell_m!r}", where="cell_m", advice="give metres above 0")
        if axes.shape != (3, 3) or not np.allclose(axes @ axes.T, np.eye(3), atol=1e-9):
            raise InputError("not three unit vectors at right angles", where="axes", advice="give (3, 3)")

    @classmethod
    def from_positions(cls, position_m: npt.ArrayLike, block: int = 1) -> TerrainPatch:
        """Make a patch from the places of a map's cells.

        Parameters
        ----------
        position_m : array_like, shape (rows, cols, 3)
            Places in the axes of the Moon [m], evenly spaced over the ground.
        block : int
            As for the class.

        Returns
        -------
        TerrainPatch
            With heights over the plane at right angles to the vertical of the middle, so that curvature and the
            turn of north over the map need no more care.

        Raises
        ------
        InputError
            If the places are not finite or not evenly spaced to 5 %.
        """
        place = np.asarray(position_m, dtype=np.float64)
        if place.ndim != 3 or place.shape[2] != 3 or min(place.shape[:2]) < 3 or not np.isfinite(place).all():
            raise InputError("not finite places (rows, cols, 3)", where="position_m", advice="check the map")
        up = place.mean(axis=(0, 1))
        up /= np.linalg.norm(up)
        along = (place[:, -1] - place[:, 0]).mean(axis=0)
        along -= up * (along @ up)
        along /= np.linalg.norm(along)
        axes = np.stack([along, np.cross(up, along), up])
        x, y, z = np.moveaxis(place @ axes.T, 2, 0)
        cells = np.diff(x, axis=1), -np.diff(y, axis=0)
        cell = float(np.mean([cells[0].mean(), cells[1].mean()]))
        skew = max(float(np.abs(np.diff(x, axis=0)).max()), float(np.abs(np.diff(y, axis=1)).max()))
        worst = max(*(float(np.abs(c / cell - 1.0).max()) for c in cells), skew / cell)
        if not (cell > 0.0 and worst < 0.05):
            raise InputError(
                f"spacing is uneven by {100 * worst:.0f} %, or rows run south to north",
                where="position_m",
                advice="give a small map with rows from top to bottom and columns from left to right",
            )
        return cls(z - z.min(), cell, axes, block)

    @classmethod
    def of_terrain(cls, terrain: Terrain, area: MapArea, block: int = 1) -> TerrainPatch:
        """Cut a patch out of terrain.

        Parameters
        ----------
        terrain : Terrain
            Heights.
        area : MapArea
            Grid of the single cells; its rows and columns must be multiples of the block.
        block : int
            As for the class.

        Returns
        -------
        TerrainPatch
            With the axes of the area's middle.

        Raises
        ------
        InputError
            If the terrain has no height somewhere in the area.
        """
        from moonpost.terrain.rasters import height_map

        height = np.asarray(height_map(terrain, area).values, dtype=np.float64)
        return cls.from_positions(area.directions() * (MOON_RADIUS_M + height)[..., None], block)

    @cached_property
    def joined(self) -> TerrainPatch:
        """The patch with its blocks joined to cells.

        Returns
        -------
        TerrainPatch
            Of mean heights; the patch itself where a block is one cell.
        """
        if self.block == 1:
            return self
        return TerrainPatch(self._block_sum(self.height_m) / self.block**2, self.cell_m * self.block, self.axes)

    @property
    def area_m2(self) -> Floats:
        """Area of the cells along their slope [m2].

        Returns
        -------
        ndarray, shape (rows, cols)
            [m2].
        """
        right, top = self._gradient
        return np.asarray(np.sqrt(1.0 + right**2 + top**2) * self.cell_m**2)

    @cached_property
    def _gradient(self) -> tuple[Floats, Floats]:
        """Rise along the columns and against the rows."""
        down, right = np.gradient(self.height_m, self.cell_m)
        return np.asarray(right), -np.asarray(down)

    @property
    def slope_deg(self) -> Floats:
        """Steepness of the cells [deg].

        Returns
        -------
        ndarray, shape (rows, cols)
            [deg].
        """
        return np.asarray(np.rad2deg(np.arctan(np.hypot(*self._gradient))))

    @property
    def aspect_deg(self) -> Floats:
        """Direction to which the cells fall [deg].

        Returns
        -------
        ndarray, shape (rows, cols)
            Clockwise from the direction of falling row number [deg].
        """
        right, top = self._gradient
        return np.asarray(np.rad2deg(np.arctan2(-right, -top)))

    @cached_property
    def horizon_deg(self) -> npt.NDArray[np.float32]:
        """Horizon of each cell within the patch.

        Returns
        -------
        ndarray, shape (rows, cols, 180)
            Clockwise from the direction of falling row number [deg].
        """
        from moonpost.terrain.gridhorizon import horizon

        azimuths = 2.0 * np.pi * np.arange(_AZIMUTHS) / _AZIMUTHS
        found = horizon(self.height_m, float(self.cell_m), azimuths, radius_m=_PLANE_RADIUS_M, observer_m=0.0)
        # Where nothing is known, beyond the patch, the sphere goes on at the patch's mean height.
        over = np.maximum(self.height_m - self.height_m.mean(), 0.0)
        dip = np.sqrt(2.0 * over / MOON_RADIUS_M)
        return np.asarray(np.moveaxis(np.rad2deg(np.maximum(found, -dip.astype(np.float32))), 0, -1))

    @cached_property
    def view_factor(self) -> npt.NDArray[np.float32]:
        """Share of the view of each cell that each other cell takes.

        Returns
        -------
        ndarray, shape (cells, cells)
            Joined cells row by row; a row sums to what is not sky.
        """
        return self.view_factor_of(np.ones_like(self.height_m))

    def view_factor_of(self, light: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """View factors of ground that sends unevenly within a joined cell.

        Parameters
        ----------
        light : array_like, shape (rows, cols) of the single cells
            What each sends, on any scale, 0 or more; of even spread where a joined cell sends nothing.

        Returns
        -------
        ndarray, shape (cells, cells)
            As `view_factor`, with each joined cell seen as its parts that send. On a rim of which only the inside
            is lit, that is what reaches the floor.
        """
        from moonpost.thermal.viewkernels import view_factors

        given = np.asarray(light, dtype=np.float64)
        if given.shape != self.height_m.shape or not (np.isfinite(given).all() and (given >= 0.0).all()):
            raise InputError("not one value of 0 or more per cell", where="light", advice="give (rows, cols)")
        sent = self._block_sum(given * self.area_m2)
        even = np.where(self._spread(sent) > 0.0, given, 1.0) * self.area_m2
        weight = even * self._spread(self.joined.area_m2 / self._block_sum(even))
        count = self.joined.height_m.size
        out = np.empty((count, count), np.float32)
        view_factors(
            self.joined.height_m,
            float(self.cell_m * self.block),
            self.joined._normals(),
            self.height_m,
            self._normals(),
            weight,
            self.block,
            out,
        )
        # Sums over 1 can only come from neighbours at close range; heat must not be made.
        total = out.sum(axis=1, dtype=np.float64)
        out /= np.maximum(total, 1.0).astype(np.float32)[:, None]
        return out

    def _normals(self) -> Floats:
        """Unit normals of the single cells, shape (rows, cols, 3)."""
        right, top = self._gradient
        normal = np.stack([-right, -top, np.ones_like(right)], axis=-1)
        return np.asarray(normal / np.linalg.norm(normal, axis=-1)[..., None])

    def _block_sum(self, values: Floats) -> Floats:
        """Sums over the blocks."""
        rows, cols = (side // self.block for side in self.height_m.shape)
        return np.asarray(values.reshape(rows, self.block, cols, self.block).sum(axis=(1, 3)))

    def _spread(self, values: Floats) -> Floats:
        """Values of joined cells at their single cells."""
        return np.repeat(np.repeat(values, self.block, axis=0), self.block, axis=1)

    @property
    def sky_view(self) -> Floats:
        """Share of the sky in the view of each cell.

        Returns
        -------
        ndarray, shape (rows, cols)
            Of the joined cells, one less the sum of the view factors.
        """
        total = self.view_factor.sum(axis=1, dtype=np.float64)
        return np.asarray(1.0 - total.reshape(self.joined.height_m.shape))

    def turned(self, sun: SunPath) -> SunPath:
        """The Sun's path in axes in which the patch lies at the north pole, rows towards longitude 0 rising.

        Parameters
        ----------
        sun : SunPath
            In the axes of the Moon.

        Returns
        -------
        SunPath
            For `regolith_map` at latitude 90 and longitude 0, where azimuths are those of the patch.
        """
        along, against, up = np.asarray(self.axes) @ sun.direction.T
        return SunPath(np.stack([-against, along, up], axis=1), sun.distance_factor, sun.step_s, sun.start)
