"""Heat conduction in columns of regolith under any absorbed flux, repeated until the ground is in balance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties

__all__ = ["Columns", "Grid", "conduct"]

Floats = npt.NDArray[np.float64]

_TOLERANCE_K = 1e-6
_ITERATIONS = 100
_LARGEST_SHIFT_K = 25.0
_COLDEST_START_K = 25.0


@dataclass(frozen=True)
class Grid:
    """Cells of ground that grow with depth.

    Parameters
    ----------
    edge_m : ndarray, shape (n + 1,)
        Depth of the cell edges [m], the surface first.

    Examples
    --------
    >>> grid = Grid.growing(first_m=0.004, growth=0.2, depth_m=2.5)
    >>> len(grid.centre_m), round(float(grid.edge_m[-1]), 2)
    (27, 2.73)
    """

    edge_m: Floats

    @classmethod
    def growing(cls, first_m: float = 0.004, growth: float = 0.2, depth_m: float = 2.5) -> Grid:
        """Make cells of which each is thicker than the one above.

        Parameters
        ----------
        first_m : float
            Thickness of the top cell [m]; a tenth of the skin depth of a lunar day by default.
        growth : float
            Relative growth from cell to cell.
        depth_m : float
            Depth that is reached at least [m].

        Returns
        -------
        Grid
            The cells.
        """
        if not (0.0 < first_m < depth_m <= 1000.0 and 0.0 <= growth <= 1.0):
            raise InputError(
                f"first_m={first_m}, growth={growth}, depth_m={depth_m} make no grid",
                where="Grid.growing",
                advice="use 0 < first_m < depth_m and a growth from 0 to 1",
            )
        edges = [0.0]
        thickness = first_m
        while edges[-1] < depth_m:
            edges.append(edges[-1] + thickness)
            thickness *= 1.0 + growth
        return cls(np.array(edges))

    @property
    def centre_m(self) -> Floats:
        """Depth of the cell centres [m].

        Returns
        -------
        ndarray, shape (n,)
            In order of depth.
        """
        return 0.5 * (self.edge_m[1:] + self.edge_m[:-1])


@dataclass(frozen=True, eq=False)
class Columns:
    """Temperatures of columns in periodic balance.

    Parameters
    ----------
    surface_k : ndarray, shape (columns, steps)
        Surface temperature at the end of each step [K].
    depth_m : ndarray, shape (cells,)
        Depth of the cell centres [m].
    mean_k : ndarray, shape (columns, cells)
        Mean temperature over the last cycle [K].
    cycles : int
        Number of times that the series was run through.
    flux_error_w_m2 : float
        Largest difference of the mean upward flux from the geothermal flux at any depth [W/m2]: what is left of
        the start.
    heat_residual_w_m2 : float
        Largest mean of absorbed + geothermal - emitted - stored of any column in the last cycle [W/m2]: what the
        scheme loses.
    """

    surface_k: Floats
    depth_m: Floats
    mean_k: Floats
    cycles: int
    flux_error_w_m2: float
    heat_residual_w_m2: float

    def mean_at_k(self, depth_m: float) -> Floats:
        """Mean temperature at a depth.

        Parameters
        ----------
        depth_m : float
            Depth [m], 0 (the surface) to the deepest cell centre.

        Returns
        -------
        ndarray, shape (columns,)
            Linear between the cell centres [K].

        Raises
        ------
        InputError
            If the depth lies below the grid.
        """
        if not 0.0 <= depth_m <= self.depth_m[-1]:
            raise InputError(
                f"depth {depth_m} m is not within the grid",
                where="depth_m",
                advice=f"use 0 to {self.depth_m[-1]:.2f} m, or a deeper grid",
            )
        nodes = np.concatenate([[0.0], self.depth_m])
        means = np.concatenate([self.surface_k.mean(axis=1)[:, None], self.mean_k], axis=1)
        return np.array([np.interp(depth_m, nodes, column) for column in means])


def conduct(
    absorbed_w_m2: npt.ArrayLike,
    step_s: float,
    *,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
    flux_tolerance_w_m2: float = 1e-4,
    most_cycles: int = 60,
) -> Columns:
    """Find the periodic temperatures of columns of ground that absorb a given flux again and again.

    Parameters
    ----------
    absorbed_w_m2 : array_like, shape (steps,) or (columns, steps)
        Flux absorbed by the surface during each step: sunlight after albedo, and infrared [W/m2].
    step_s : float
        Step [s]; an hour or less for a lunar day.
    properties : RegolithProperties
        Of the ground.
    grid : Grid, optional
        Cells; `Grid.growing()` by default.
    flux_tolerance_w_m2 : float
        Largest difference of the mean upward flux from the geothermal flux that is accepted [W/m2].
    most_cycles : int
        Largest number of cycles.

    Returns
    -------
    Columns
        Surface temperatures of the last cycle, means at depth and what is left of error.

    Raises
    ------
    InputError
        If the flux is negative, not finite or has no steps, or a column absorbs nothing and would be left to
        geothermal heat.
    ModelError
        If the balance is not reached.

    Notes
    -----
    rho c dT/dt = d/dz (K dT/dz), with emissivity sigma T^4 = absorbed + K dT/dz at the surface and the geothermal
    flux at the bottom. Backward Euler on the enthalpy, in finite volumes: exact in heat, of first order in the
    step. In balance, the mean flux equals the geothermal flux at each depth; after each cycle the column is
    shifted by what the mean flux lacks, which replaces decades of spin-up. Neglected: lateral conduction, and
    change of the properties with the site.

    References
    ----------
    Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, Appendix A, doi:10.1002/2017JE005387.

    Examples
    --------
    >>> import numpy as np
    >>> steady = conduct(np.full(24, 300.0), 3600.0 * 29.53)
    >>> bool(abs(0.95 * 5.670374419e-8 * steady.surface_k[0, -1] ** 4 - 300.018) < 1e-3)
    True
    """
    absorbed = _checked(absorbed_w_m2, step_s)
    cells = grid or Grid.growing()
    mass, contact, distance = _discretised(properties, cells)
    solver = _Solver(absorbed, step_s, properties, mass, contact, distance)
    for cycle in range(1, most_cycles + 1):
        solver.run()
        error = solver.flux_error()
        if cycle > 1 and error < flux_tolerance_w_m2:
            return Columns(
                surface_k=solver.series_k,
                depth_m=cells.centre_m,
                mean_k=solver.mean_k,
                cycles=cycle,
                flux_error_w_m2=error,
                heat_residual_w_m2=solver.heat_residual(),
            )
        if cycle > 1:
            solver.shift()
    raise ModelError(
        f"ground not in balance after {most_cycles} cycles: {error:.2g} W/m2 left",
        where="conduct",
        advice="allow more cycles, or a larger flux_tolerance_w_m2",
    )


class _Solver:
    """State of the columns between cycles."""

    def __init__(
        self,
        absorbed: Floats,
        step_s: float,
        properties: RegolithProperties,
        mass: Floats,
        contact: Floats,
        distance: Floats,
    ) -> None:
        from moonpost.thermal.kernels import STEFAN_BOLTZMANN_W_M2_K4

        self.absorbed, self.step_s, self.properties = absorbed, step_s, properties
        self.mass, self.contact, self.distance = mass, contact, distance
        self.capacity = np.array(properties.heat_capacity)
        self.radiative = properties.radiative_ratio / 350.0**3
        self.emitted = properties.emissivity * STEFAN_BOLTZMANN_W_M2_K4
        columns, steps = absorbed.shape
        start_k = ((absorbed.mean(axis=1) + properties.geothermal_w_m2) / self.emitted) ** 0.25
        self.surface_k = np.maximum(start_k, _COLDEST_START_K)
        self.cells_k = np.repeat(self.surface_k[:, None], len(mass), axis=1)
        self.series_k = np.empty((columns, steps))
        self.mean_k = np.empty((columns, len(mass)))
        self.mean_flux = np.empty((columns, len(mass)))
        self.before_j_m2 = self.stored_j_m2()

    def stored_j_m2(self) -> Floats:
        """Heat content of each column above 0 K."""
        powers = np.arange(1, len(self.capacity) + 1)
        enthalpy = np.polynomial.polynomial.polyval(self.cells_k, np.concatenate([[0.0], self.capacity / powers]))
        return np.asarray(enthalpy @ self.mass)

    def run(self) -> None:
        """One cycle."""
        from moonpost.thermal.kernels import march

        self.before_j_m2 = self.stored_j_m2()
        change = march(
            self.absorbed,
            self.properties.geothermal_w_m2,
            self.step_s,
            self.surface_k,
            self.cells_k,
            self.mass,
            self.capacity,
            self.contact,
            self.radiative,
            self.distance,
            self.properties.emissivity,
            _TOLERANCE_K,
            _ITERATIONS,
            self.series_k,
            self.mean_k,
            self.mean_flux,
        )
        if not (change < _TOLERANCE_K and np.isfinite(self.cells_k).all()):
            raise ModelError(
                f"a step did not converge ({change:.2g} K)", where="conduct", advice="use a shorter step_s"
            )

    def flux_error(self) -> float:
        """Largest difference of the mean flux from the geothermal flux."""
        return float(np.abs(self.mean_flux - self.properties.geothermal_w_m2).max())

    def shift(self) -> None:
        """Shift the mean profile towards the one that carries the geothermal flux."""
        conductance = self.contact * (1.0 + self.radiative * self.mean_k**3) / self.distance
        lacking = (self.properties.geothermal_w_m2 - self.mean_flux) / conductance
        step_k = np.clip(np.cumsum(lacking, axis=1), -_LARGEST_SHIFT_K, _LARGEST_SHIFT_K)
        self.cells_k = np.maximum(self.cells_k + step_k, 0.5 * self.cells_k)

    def heat_residual(self) -> float:
        """Largest mean of what enters less what leaves and what is stored."""
        span_s = self.absorbed.shape[1] * self.step_s
        stored = (self.stored_j_m2() - self.before_j_m2) / span_s
        left = self.emitted * np.mean(self.series_k**4, axis=1)
        return float(np.abs(self.absorbed.mean(axis=1) + self.properties.geothermal_w_m2 - left - stored).max())


def _checked(absorbed_w_m2: npt.ArrayLike, step_s: float) -> Floats:
    """Absorbed flux as a (columns, steps) array that the kernel can use."""
    try:
        absorbed = np.atleast_2d(np.asarray(absorbed_w_m2, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError("not an array of numbers", where="absorbed_w_m2", advice="give W/m2 per step") from error
    if absorbed.ndim != 2 or absorbed.size == 0:
        raise InputError(
            f"shape {absorbed.shape} is not (columns, steps)",
            where="absorbed_w_m2",
            advice="give one row per place",
        )
    if not np.isfinite(absorbed).all() or (absorbed < 0).any():
        raise InputError("NaN or negative flux", where="absorbed_w_m2", advice="give absorbed flux of 0 or more")
    if not (np.isfinite(step_s) and step_s > 0):
        raise InputError(f"{step_s!r} is not a step", where="step_s", advice="give seconds above 0")
    dark = np.flatnonzero(absorbed.max(axis=1) <= 0)
    if len(dark):
        raise InputError(
            f"column {int(dark[0])} absorbs nothing at all",
            where="absorbed_w_m2",
            advice="permanent shadow still gets scattered light and terrain infrared: add that background",
        )
    return np.ascontiguousarray(absorbed)


def _discretised(properties: RegolithProperties, grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Mass per area of the cells, contact conductivity and distance between the nodes, the surface first."""
    edge, centre = grid.edge_m, grid.centre_m
    deep, top, scale = properties.deep_density_kg_m3, properties.surface_density_kg_m3, properties.scale_height_m
    mass = deep * np.diff(edge) + (deep - top) * scale * np.diff(np.exp(-edge / scale))
    node = np.concatenate([[0.0], centre])
    share = (np.arange(32) + 0.5) / 32
    between = node[:-1, None] + np.diff(node)[:, None] * share
    contact = 1.0 / np.mean(1.0 / properties.contact_conductivity_w_m_k(between), axis=1)
    return mass, contact, np.diff(node)
