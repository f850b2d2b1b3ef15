"""Numerical kernel of heat conduction in many columns of ground, in SI units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["STEFAN_BOLTZMANN_W_M2_K4", "march"]

Floats = npt.NDArray[np.float64]

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8
"""Stefan-Boltzmann constant [W m-2 K-4], exact in the SI of 2019 to the digits given."""


@njit(cache=True, nogil=True, inline="always")
def _enthalpy(t: float, c: Floats) -> float:
    """Integral of the heat capacity from 0 K [J/kg]."""
    return t * (c[0] + t * (c[1] / 2.0 + t * (c[2] / 3.0 + t * (c[3] / 4.0 + t * c[4] / 5.0))))


@njit(cache=True, nogil=True, inline="always")
def _capacity(t: float, c: Floats) -> float:
    """Heat capacity [J/kg/K]."""
    return c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * c[4])))


@njit(cache=True, nogil=True)
def _conductances(
    surface_k: float, cells_k: Floats, contact: Floats, radiative: float, distance: Floats, out: Floats
) -> None:
    """Fill `out` with the conductance above each cell [W/m2/K]; the first is from the surface."""
    for i in range(cells_k.size):
        above = surface_k if i == 0 else cells_k[i - 1]
        mean = 0.5 * (above + cells_k[i])
        out[i] = contact[i] * (1.0 + radiative * mean**3) / distance[i]


@njit(cache=True, nogil=True)
def _step(
    surface_k: float,
    cells_k: Floats,
    absorbed: float,
    inner: float,
    step_s: float,
    mass: Floats,
    capacity: Floats,
    contact: Floats,
    radiative: float,
    distance: Floats,
    emitted: float,
    work: Floats,
    tolerance_k: float,
    most: int,
) -> tuple[float, float]:
    """One implicit step of one column; returns the surface temperature and the last change [K]."""
    n = cells_k.size
    before, conductance, upper, right = work[0], work[1], work[2], work[3]
    for i in range(n):
        before[i] = _enthalpy(cells_k[i], capacity)
    change = np.inf
    for _ in range(most):
        _conductances(surface_k, cells_k, contact, radiative, distance, conductance)
        # Surface: absorbed - emitted + conducted = 0, emission linearised at the last iterate.
        diagonal = 4.0 * emitted * surface_k**3 + conductance[0]
        upper[0] = -conductance[0] / diagonal
        right[0] = (absorbed + 3.0 * emitted * surface_k**4) / diagonal
        for i in range(n):
            below = conductance[i + 1] if i + 1 < n else 0.0
            rate = mass[i] / step_s
            heat = _capacity(cells_k[i], capacity)
            source = rate * (before[i] - _enthalpy(cells_k[i], capacity) + heat * cells_k[i])
            if i + 1 == n:
                source += inner
            diagonal = rate * heat + conductance[i] + below + conductance[i] * upper[i]
            upper[i + 1] = -below / diagonal
            right[i + 1] = (source + conductance[i] * right[i]) / diagonal
        change = 0.0
        following = 0.0
        for i in range(n - 1, -1, -1):
            value = right[i + 1] - upper[i + 1] * following
            change = max(change, abs(value - cells_k[i]))
            cells_k[i] = value
            following = value
        value = max(right[0] - upper[0] * following, 0.5 * surface_k)
        change = max(change, abs(value - surface_k))
        surface_k = value
        if change < tolerance_k:
            break
    return surface_k, change


@njit(cache=True, nogil=True)
def march(
    absorbed: Floats,
    inner: float,
    step_s: float,
    surface_k: Floats,
    cells_k: Floats,
    mass: Floats,
    capacity: Floats,
    contact: Floats,
    radiative: float,
    distance: Floats,
    emissivity: float,
    tolerance_k: float,
    most: int,
    series_k: Floats,
    mean_k: Floats,
    mean_flux: Floats,
) -> float:
    """Run every column through one series of absorbed flux; returns the worst unconverged change [K].

    Parameters
    ----------
    absorbed : ndarray, shape (columns, steps)
        Flux absorbed during each step [W/m2].
    inner : float
        Flux from below [W/m2].
    step_s : float
        Step [s].
    surface_k, cells_k : ndarray, shape (columns,) and (columns, cells)
        Temperatures at the start [K]; overwritten by those at the end.
    mass, distance, contact : ndarray, shape (cells,)
        Mass per area of each cell [kg/m2], distance to the node above [m], contact conductivity between [W/m/K].
    capacity : ndarray, shape (5,)
        Heat capacity polynomial in temperature.
    radiative : float
        Radiative conductivity over contact conductivity, per temperature cubed [K-3].
    emissivity, tolerance_k, most : float, float, int
        Of the surface; largest change of the last iteration [K]; most iterations.
    series_k : ndarray, shape (columns, steps)
        Filled with the surface temperature at the end of each step [K].
    mean_k, mean_flux : ndarray, shape (columns, cells)
        Filled with means over the series: temperature [K] and upward flux above each cell [W/m2].

    Returns
    -------
    float
        Largest change in the last iteration of any step [K].

    Notes
    -----
    Backward Euler on the enthalpy, so that the heat that enters is the heat that is stored, to the tolerance of
    the iteration; tridiagonal elimination per iteration, emission and enthalpy by Newton, conductivity by
    substitution.
    """
    columns, steps = absorbed.shape
    n = mass.size
    work = np.empty((4, n + 1))
    emitted = emissivity * STEFAN_BOLTZMANN_W_M2_K4
    worst = 0.0
    mean_k[:] = 0.0
    mean_flux[:] = 0.0
    for column in range(columns):
        cells = cells_k[column]
        top = surface_k[column]
        for j in range(steps):
            top, change = _step(
                top,
                cells,
                absorbed[column, j],
                inner,
                step_s,
                mass,
                capacity,
                contact,
                radiative,
                distance,
                emitted,
                work,
                tolerance_k,
                most,
            )
            worst = max(worst, change)
            series_k[column, j] = top
            _conductances(top, cells, contact, radiative, distance, work[1])
            for i in range(n):
                above = top if i == 0 else cells[i - 1]
                mean_k[column, i] += cells[i] / steps
                mean_flux[column, i] += work[1, i] * (cells[i] - above) / steps
        surface_k[column] = top
    return worst
