"""Temperatures of a map of ground: each cell with its own place, slope, horizon, light and properties."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.thermal.columns import Grid
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties
from moonpost.thermal.regolith import SOLAR_CONSTANT_W_M2
from moonpost.thermal.sunpath import SunPath

__all__ = ["GroundMap", "regolith_map"]

Floats = npt.NDArray[np.float64]

_TOLERANCE_K = 1e-4
_ITERATIONS = 60
_COLDEST_START_K = 25.0
_COARSE = 8


@dataclass(frozen=True, eq=False)
class GroundMap:
    """Temperatures of many places over one repeated span.

    Parameters
    ----------
    surface_min_k, surface_max_k, surface_mean_k : ndarray, shape of the map
        Of the surface over the span [K].
    coldest_step, warmest_step : ndarray, shape of the map
        Number of the step at whose end the surface is coldest and warmest.
    depth_m : ndarray, shape (cells,)
        Depth of the cell centres [m].
    mean_k : ndarray, shape of the map + (cells,)
        Mean temperature at depth [K].
    absorbed_w_m2 : ndarray, shape of the map
        Mean flux absorbed, sunlight and background [W/m2].
    surface_k : ndarray, shape of the map + (steps,), or None
        Surface at the end of each step [K], if it was asked for; single precision.
    cycles : int
        Most repetitions that a block of columns took.
    flux_error_w_m2, heat_residual_w_m2 : float
        As in `Columns`, the largest of all.
    """

    surface_min_k: Floats
    surface_max_k: Floats
    surface_mean_k: Floats
    coldest_step: npt.NDArray[np.int64]
    warmest_step: npt.NDArray[np.int64]
    depth_m: Floats
    mean_k: Floats
    absorbed_w_m2: Floats
    surface_k: npt.NDArray[np.float32] | None
    cycles: int
    flux_error_w_m2: float
    heat_residual_w_m2: float

    def mean_at_k(self, depth_m: float) -> Floats:
        """Mean temperature at a depth, as a map.

        Parameters
        ----------
        depth_m : float
            Depth [m], 0 (the surface) to the deepest cell centre.

        Returns
        -------
        ndarray, shape of the map
            Linear between the cell centres [K].

        Raises
        ------
        InputError
            If the depth lies below the grid.
        """
        node = np.concatenate([[0.0], self.depth_m])
        if not 0.0 <= depth_m <= node[-1]:
            raise InputError(
                f"depth {depth_m} m is not within the grid",
                where="depth_m",
                advice=f"use 0 to {node[-1]:.2f} m, or a deeper grid",
            )
        i = min(int(np.searchsorted(node, depth_m, side="right")) - 1, len(node) - 2)
        share = (depth_m - node[i]) / (node[i + 1] - node[i])
        above = self.surface_mean_k if i == 0 else self.mean_k[..., i - 1]
        return np.asarray(above * (1.0 - share) + self.mean_k[..., i] * share)


def regolith_map(
    sun: SunPath,
    latitude_deg: npt.ArrayLike,
    longitude_deg: npt.ArrayLike = 0.0,
    *,
    horizon_deg: npt.ArrayLike | None = None,
    slope_deg: npt.ArrayLike = 0.0,
    aspect_deg: npt.ArrayLike = 0.0,
    background_w_m2: npt.ArrayLike = 0.0,
    albedo: npt.ArrayLike | None = None,
    emissivity: npt.ArrayLike | None = None,
    scale_height_m: npt.ArrayLike | None = None,
    geothermal_w_m2: npt.ArrayLike | None = None,
    conductivity_factor: npt.ArrayLike = 1.0,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
    series: bool = False,
    flux_tolerance_w_m2: float = 1e-4,
    most_cycles: int = 60,
    workers: int | None = None,
) -> GroundMap:
    """Find the periodic temperatures of a map of ground under its own horizons and slopes.

    Parameters
    ----------
    sun : SunPath
        Directions of the Sun over the span that is repeated.
    latitude_deg, longitude_deg : array_like, shape of the map
        Places [deg]; all arrays of the map are broadcast to one shape.
    horizon_deg : array_like, shape of the map + (azimuths,), optional
        Elevation of the horizon, clockwise from north, equally spaced [deg]; level if not given.
    slope_deg, aspect_deg : array_like, shape of the map
        Steepness [deg], and the azimuth to which the ground falls, clockwise from north [deg].
    background_w_m2 : array_like, shape of the map, or of the map + (steps,)
        Flux absorbed besides direct sunlight: scattered light, infrared of terrain, Earthshine [W/m2]. Must not be
        zero where the Sun is never seen.
    albedo, emissivity, scale_height_m, geothermal_w_m2 : array_like, shape of the map, optional
        As in `RegolithProperties`, from which they are taken if not given.
    conductivity_factor : array_like, shape of the map
        Factor on both contact conductivities.
    properties : RegolithProperties
        All that has no map of its own.
    grid : Grid, optional
        Cells in depth; `Grid.growing()` by default.
    series : bool
        Whether to keep the surface temperature of each step.
    flux_tolerance_w_m2 : float
        Largest difference of the mean upward flux from the geothermal flux that is accepted [W/m2].
    most_cycles : int
        Largest number of repetitions.
    workers : int, optional
        Threads; as many as processors if not given. The result does not depend on it.

    Returns
    -------
    GroundMap
        Extremes, means, means at depth, and what is left of error.

    Raises
    ------
    InputError
        If arrays do not fit or hold NaN or values out of range, or a place is lit neither by the Sun nor by a
        background: geothermal heat alone would give 24 K, colder than any shadow that was measured.
    ModelError
        If the balance is not reached.

    Notes
    -----
    The scheme is that of `conduct`, for 32 columns side by side in a vector; eight steps are joined to one until
    the balance is near, and at least two repetitions follow in the given steps. Sunlight follows the disc over the
    horizon, which is taken as straight across the disc at the height it has under its centre, and over the plane
    of the slope; the angle of incidence is that of the centroid of what is seen. The Sun stands at the same place
    for all of the Moon (its parallax is 0.0007 deg). Neglected: lateral conduction.

    References
    ----------
    Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, doi:10.1002/2017JE005387.

    Examples
    --------
    >>> day = SunPath.lunar_day(steps=240)
    >>> found = regolith_map(day, [0.0, 0.0, 0.0], slope_deg=[0, 20, 20], aspect_deg=[0, 90, 270])
    >>> found.surface_max_k.round().tolist(), (found.warmest_step / 10.0).tolist()
    ([385.0, 385.0, 385.0], [12.0, 10.6, 13.3])
    """
    cells = _Cells(
        sun,
        grid or Grid.growing(),
        properties,
        {
            "latitude_deg": latitude_deg,
            "longitude_deg": longitude_deg,
            "slope_deg": slope_deg,
            "aspect_deg": aspect_deg,
            "albedo": properties.albedo if albedo is None else albedo,
            "emissivity": properties.emissivity if emissivity is None else emissivity,
            "scale_height_m": properties.scale_height_m if scale_height_m is None else scale_height_m,
            "geothermal_w_m2": properties.geothermal_w_m2 if geothermal_w_m2 is None else geothermal_w_m2,
            "conductivity_factor": conductivity_factor,
        },
        horizon_deg,
        background_w_m2,
    )
    return cells.solve(series, flux_tolerance_w_m2, most_cycles, workers)


_LIMITS = {
    "latitude_deg": (-90.0, 90.0),
    "longitude_deg": (-360.0, 360.0),
    "slope_deg": (0.0, 89.0),
    "aspect_deg": (-720.0, 720.0),
    "albedo": (0.0, 0.6),
    "emissivity": (0.1, 1.0),
    "scale_height_m": (1e-4, 10.0),
    "geothermal_w_m2": (0.0, 1.0),
    "conductivity_factor": (1e-3, 1e4),
}


def _map_shape(given: dict[str, npt.ArrayLike], horizon: Any) -> tuple[dict[str, Floats], tuple[int, ...]]:
    """Arrays of the map as numbers, checked, and their common shape."""
    arrays = {}
    for name, value in given.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("not numbers", where=name, advice="give one value per cell") from error
        low, high = _LIMITS[name]
        bad = ~((array >= low) & (array <= high))
        if bad.any():
            raise InputError(
                f"{int(bad.sum())} values are NaN or outside {low:g} to {high:g}", where=name, advice="check units"
            )
        arrays[name] = array
    shapes = [array.shape for array in arrays.values()] + ([] if horizon is None else [horizon.shape[:-1]])
    try:
        return arrays, np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise InputError(
            f"shapes {sorted(set(shapes))} do not fit", where="latitude_deg", advice="give one shape for the map"
        ) from error


class _Cells:
    """The cells of a map in a row, block by block."""

    def __init__(
        self,
        sun: SunPath,
        grid: Grid,
        properties: RegolithProperties,
        given: dict[str, npt.ArrayLike],
        horizon_deg: npt.ArrayLike | None,
        background_w_m2: npt.ArrayLike,
    ) -> None:
        self.sun, self.grid, self.properties = sun, grid, properties
        horizon = None if horizon_deg is None else np.asarray(horizon_deg)
        if horizon is not None and (horizon.ndim < 1 or horizon.shape[-1] < 4):
            raise InputError("fewer than 4 azimuths", where="horizon_deg", advice="give (..., azimuths)")
        arrays, self.shape = _map_shape(given, horizon)
        self.count = int(np.prod(self.shape))
        if not self.count:
            raise InputError("no cells", where="latitude_deg", advice="give at least one place")
        self.maps = {name: np.broadcast_to(array, self.shape).reshape(-1) for name, array in arrays.items()}
        self.horizon = None
        if horizon is not None:
            full = np.broadcast_to(horizon, (*self.shape, horizon.shape[-1]))
            self.horizon = full.reshape(self.count, horizon.shape[-1])
        self.background = self._background(np.asarray(background_w_m2, dtype=np.float64))

    def _background(self, given: Floats) -> Floats:
        """Background as (cells, 1) or (cells, steps)."""
        if not np.isfinite(given).all() or (given < 0.0).any():
            raise InputError("NaN or negative flux", where="background_w_m2", advice="give 0 or more")
        steps = len(self.sun.direction)
        full = (*self.shape, steps)
        if given.ndim == len(full) and given.shape[-1] == steps:
            return np.broadcast_to(given, full).reshape(self.count, steps)
        try:
            return np.broadcast_to(given, self.shape).reshape(self.count, 1)
        except ValueError as error:
            raise InputError(
                f"shape {given.shape} fits neither {self.shape} nor {full}",
                where="background_w_m2",
                advice="give one value per cell, or one per cell and step",
            ) from error

    def solve(self, series: bool, flux_tolerance: float, most_cycles: int, workers: int | None) -> GroundMap:
        """All blocks, in threads."""
        from moonpost.thermal.mapkernels import LANES

        steps, n = len(self.sun.direction), len(self.grid.centre_m)
        out = _Results(self.count, steps, n, series)
        blocks = range(0, self.count, LANES)
        threads = max(1, min(workers or os.cpu_count() or 1, len(blocks)))

        def work(first: int) -> None:
            self._block(first, out, flux_tolerance, most_cycles)

        if threads == 1:
            for first in blocks:
                work(first)
        else:
            with ThreadPoolExecutor(threads) as pool:
                _drain(pool, work, blocks)
        return out.done(self.shape, self.grid.centre_m)

    def _block(self, first: int, out: _Results, flux_tolerance: float, most_cycles: int) -> None:
        from moonpost.thermal.kernels import STEFAN_BOLTZMANN_W_M2_K4
        from moonpost.thermal.mapkernels import LANES, settle

        # The last block is filled up with copies of the last cell.
        at = np.minimum(np.arange(first, first + LANES), self.count - 1)
        maps = {name: np.ascontiguousarray(values[at]) for name, values in self.maps.items()}
        absorbed = self._absorbed(at, maps)
        self._check_lit(absorbed, at)
        mass, contact = _lanes_discretised(self.properties, self.grid, maps)
        emitted = maps["emissivity"] * STEFAN_BOLTZMANN_W_M2_K4
        inner = maps["geothermal_w_m2"]
        top = np.maximum(_first_guess_k(absorbed + inner, emitted), _COLDEST_START_K)
        n, steps = len(mass), len(absorbed)
        cells = np.repeat(top[None], n, axis=0)
        series, mean, flux = np.empty((steps, LANES)), np.empty((n, LANES)), np.empty((n, LANES))
        cycles, error, residual, change = settle(
            absorbed,
            self.sun.step_s,
            _COARSE if steps % _COARSE == 0 and steps >= 90 * _COARSE else 1,
            inner,
            mass,
            np.array(self.properties.heat_capacity),
            contact,
            np.full(LANES, self.properties.radiative_ratio / 350.0**3),
            emitted,
            _TOLERANCE_K,
            _ITERATIONS,
            flux_tolerance,
            most_cycles,
            top,
            cells,
            series,
            mean,
            flux,
        )
        if not (change < _TOLERANCE_K and np.isfinite(mean).all()):
            raise ModelError(
                f"a step did not converge ({change:.2g} K)", where="regolith_map", advice="use a shorter step"
            )
        if not error < flux_tolerance:
            raise ModelError(
                f"ground not in balance after {cycles} cycles: {error:.2g} W/m2 left",
                where="regolith_map",
                advice="allow more cycles, or a larger flux_tolerance_w_m2",
            )
        out.keep(first, absorbed, series, mean, (cycles, error, residual))

    def _absorbed(self, at: npt.NDArray[np.int64], maps: dict[str, Floats]) -> Floats:
        """Flux that a block absorbs, shape (steps, lanes)."""
        from moonpost.thermal.mapkernels import sunlight

        steps, lanes = len(self.sun.direction), len(at)
        absorbed = np.empty((steps, lanes))
        absorbed[:] = self.background[at].T
        if self.horizon is None:
            horizon = np.zeros((lanes, 4))
        else:
            horizon = np.deg2rad(np.ascontiguousarray(self.horizon[at], dtype=np.float64))
            if not (np.abs(horizon) <= np.pi / 2.0).all():
                raise InputError(
                    f"a horizon of cells {at[0]} to {at[-1]} is NaN or beyond 90 deg",
                    where="horizon_deg",
                    advice="leave such cells out",
                )
        properties = self.properties
        sunlight(
            self.sun.direction,
            SOLAR_CONSTANT_W_M2 * self.sun.distance_factor,
            self.sun.angular_radius_rad,
            np.deg2rad(np.stack([maps["latitude_deg"], maps["longitude_deg"]])),
            np.deg2rad(np.stack([maps["slope_deg"], maps["aspect_deg"]])),
            horizon,
            np.stack([maps["albedo"], np.full(lanes, properties.albedo_45), np.full(lanes, properties.albedo_90)]),
            absorbed,
        )
        return absorbed

    def _check_lit(self, absorbed: Floats, at: npt.NDArray[np.int64]) -> None:
        """Refuse places that would be left to geothermal heat."""
        dark = np.flatnonzero(absorbed.max(axis=0) <= 0.0)
        if len(dark):
            place = np.unravel_index(int(at[dark[0]]), self.shape) if self.shape else ()
            raise InputError(
                f"the cell {tuple(int(k) for k in place)} absorbs nothing at all",
                where="background_w_m2",
                advice="permanent shadow still gets scattered light and terrain infrared: add that background",
            )


def _drain(pool: ThreadPoolExecutor, work: Callable[[int], None], blocks: range) -> None:
    """Run all, and stop early at the first failure."""
    jobs = [pool.submit(work, first) for first in blocks]
    try:
        for job in jobs:
            job.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


class _Results:
    """Arrays that the blocks fill."""

    def __init__(self, count: int, steps: int, cells: int, series: bool) -> None:
        self.count = count
        self.minimum, self.maximum, self.mean = np.empty(count), np.empty(count), np.empty(count)
        self.coldest, self.warmest = np.empty(count, np.int64), np.empty(count, np.int64)
        self.depth, self.absorbed = np.empty((count, cells)), np.empty(count)
        self.series = np.empty((count, steps), np.float32) if series else None
        self.left: list[tuple[int, float, float]] = []

    def keep(
        self, first: int, absorbed: Floats, series: Floats, mean: Floats, left: tuple[int, float, float]
    ) -> None:
        """What one block found."""
        used = slice(first, min(first + series.shape[1], self.count))
        lanes = slice(0, used.stop - first)
        surface = series[:, lanes]
        self.minimum[used], self.maximum[used] = surface.min(axis=0), surface.max(axis=0)
        self.coldest[used], self.warmest[used] = surface.argmin(axis=0), surface.argmax(axis=0)
        self.mean[used], self.depth[used] = surface.mean(axis=0), mean[:, lanes].T
        self.absorbed[used] = absorbed[:, lanes].mean(axis=0)
        if self.series is not None:
            self.series[used] = surface.T
        self.left.append(left)

    def done(self, shape: tuple[int, ...], depth_m: Floats) -> GroundMap:
        """The map in its own shape."""
        return GroundMap(
            surface_min_k=self.minimum.reshape(shape),
            surface_max_k=self.maximum.reshape(shape),
            surface_mean_k=self.mean.reshape(shape),
            coldest_step=self.coldest.reshape(shape),
            warmest_step=self.warmest.reshape(shape),
            depth_m=depth_m,
            mean_k=self.depth.reshape(*shape, -1),
            absorbed_w_m2=self.absorbed.reshape(shape),
            surface_k=None if self.series is None else self.series.reshape(*shape, -1),
            cycles=max(left[0] for left in self.left),
            flux_error_w_m2=max(left[1] for left in self.left),
            heat_residual_w_m2=max(left[2] for left in self.left),
        )


def _first_guess_k(absorbed: Floats, emitted: Floats) -> Floats:
    """Mean temperature to start from: that of the mean flux, less where the flux varies."""
    steady = absorbed.mean(axis=0) ** 0.25
    return np.asarray((0.7 * steady + 0.3 * (absorbed**0.25).mean(axis=0)) / emitted**0.25)


def _lanes_discretised(
    properties: RegolithProperties, grid: Grid, maps: dict[str, Floats]
) -> tuple[Floats, Floats]:
    """Mass per area of the cells and conductance above each by contact, shape (cells, lanes)."""
    edge, scale = grid.edge_m[:, None], maps["scale_height_m"]
    deep, top = properties.deep_density_kg_m3, properties.surface_density_kg_m3
    mass = deep * np.diff(edge, axis=0) + (deep - top) * scale * np.diff(np.exp(-edge / scale), axis=0)
    node = np.concatenate([[0.0], grid.centre_m])
    share = (np.arange(32) + 0.5) / 32
    between = node[:-1, None] + np.diff(node)[:, None] * share
    solid, loose = properties.deep_conductivity_w_m_k, properties.surface_conductivity_w_m_k
    # As in RegolithProperties: linear in density, hence exponential in depth.
    contact = solid - (solid - loose) * np.exp(-between[:, :, None] / scale)
    mean = 1.0 / np.mean(1.0 / contact, axis=1) * maps["conductivity_factor"]
    return mass, np.ascontiguousarray(mean / np.diff(node)[:, None])
