"""Numerical kernels of a map of ground: sunlight on many slopes, and conduction in many columns side by side.

Columns stand side by side in memory, `LANES` to a block, so that the processor works on several at once: depth by
depth the same arithmetic for all. SI units and radians.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["LANES", "settle", "sunlight"]

Floats = npt.NDArray[np.float64]

LANES = 32
"""Columns in a block."""

_LARGEST_SHIFT_K = 60.0
_SHARE = 0.85
_ROUGH = 100.0
_QUARTER, _HALF = math.pi / 4.0, math.pi / 2.0


@njit(cache=True, nogil=True, inline="always")
def _reflected(cosine: float, albedo: float, rise_45: float, rise_90: float) -> float:
    """Share of sunlight that is reflected at a cosine of incidence."""
    incidence = math.acos(min(cosine, 1.0))
    return min(albedo + rise_45 * (incidence / _QUARTER) ** 3 + rise_90 * (incidence / _HALF) ** 8, 1.0)


@njit(cache=True, nogil=True)
def _through(
    east: float,
    north: float,
    up: float,
    normal: Floats,
    horizon: Floats,
    radius: float,
) -> tuple[float, float]:
    """Share of the Sun's disc over horizon and slope, and the mean cosine of incidence of that part."""
    elevation, level = math.asin(min(max(up, -1.0), 1.0)), math.hypot(east, north)
    along = (normal[0] * east + normal[1] * north) / max(level, 1e-12)
    n = horizon.size
    place = (math.atan2(east, north) / (2.0 * math.pi)) % 1.0 * n
    i = int(place)
    share = place - i
    edge = horizon[i % n] * (1.0 - share) + horizon[(i + 1) % n] * share
    edge = max(edge, math.atan2(-along, normal[2]))
    cosine = normal[0] * east + normal[1] * north + normal[2] * up
    x = (edge - elevation) / radius
    if x >= 1.0:
        return 0.0, 0.0
    if x <= -1.0:
        return 1.0, max(cosine, 0.0)
    # Circle above a chord: its area, and how far its centroid lies above the centre of the disc.
    root = math.sqrt(1.0 - x * x)
    area = math.acos(x) - x * root
    rise = 2.0 / 3.0 * root**3 / area * radius
    return area / math.pi, max(cosine + rise * (normal[2] * level - along * up), 0.0)


@njit(cache=True, nogil=True)
def sunlight(
    direction: Floats,
    irradiance: Floats,
    radius: float,
    place: Floats,
    tilt: Floats,
    horizon: Floats,
    albedo: Floats,
    out: Floats,
) -> None:
    """Add the sunlight that places absorb.

    Parameters
    ----------
    direction : ndarray, shape (steps, 3)
        Unit vectors to the Sun in the axes of the body.
    irradiance : ndarray, shape (steps,)
        At right angles to the Sun [W/m2].
    radius : float
        Angular radius of the Sun [rad].
    place : ndarray, shape (2, lanes)
        Latitude and longitude [rad].
    tilt : ndarray, shape (2, lanes)
        Slope and its aspect, the azimuth to which it falls [rad].
    horizon : ndarray, shape (lanes, azimuths)
        Elevation of the horizon, clockwise from north [rad].
    albedo : ndarray, shape (3, lanes)
        With the Sun overhead, and the two coefficients of its rise.
    out : ndarray, shape (steps, lanes)
        Flux to which is added [W/m2].
    """
    normal = np.empty(3)
    for lane in range(out.shape[1]):
        sin_lat, cos_lat = math.sin(place[0, lane]), math.cos(place[0, lane])
        sin_lon, cos_lon = math.sin(place[1, lane]), math.cos(place[1, lane])
        normal[0] = math.sin(tilt[0, lane]) * math.sin(tilt[1, lane])
        normal[1] = math.sin(tilt[0, lane]) * math.cos(tilt[1, lane])
        normal[2] = math.cos(tilt[0, lane])
        row = horizon[lane]
        lowest = math.sin(max(row.min() - radius, -_HALF))
        for j in range(direction.shape[0]):
            x, y, z = direction[j, 0], direction[j, 1], direction[j, 2]
            outward = cos_lon * x + sin_lon * y
            up = cos_lat * outward + sin_lat * z
            if up <= lowest:
                continue
            east, north = cos_lon * y - sin_lon * x, cos_lat * z - sin_lat * outward
            share, cosine = _through(east, north, up, normal, row, radius)
            if cosine > 0.0:
                kept = 1.0 - _reflected(cosine, albedo[0, lane], albedo[1, lane], albedo[2, lane])
                out[j, lane] += irradiance[j] * share * cosine * kept


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _heat(cells: Floats, rate: Floats, capacity: Floats, out: Floats) -> None:
    """Fill `out` with rate times the integral of the heat capacity from 0 K, for each cell and lane."""
    c0, c1, c2 = capacity[0], capacity[1] / 2.0, capacity[2] / 3.0
    c3, c4 = capacity[3] / 4.0, capacity[4] / 5.0
    for i in range(cells.shape[0]):
        t, m, o = cells[i], rate[i], out[i]
        for lane in range(LANES):
            x = t[lane]
            o[lane] = m[lane] * (x * (c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _forecast(top: Floats, cells: Floats, last_top: Floats, last: Floats) -> None:
    """Move the state on by its change in the last step, as a first guess, and keep it in `last`."""
    for i in range(cells.shape[0]):
        t, q = cells[i], last[i]
        for lane in range(LANES):
            x = t[lane]
            t[lane] = max(2.0 * x - q[lane], 0.5 * x)
            q[lane] = x
    for lane in range(LANES):
        x = top[lane]
        top[lane] = max(2.0 * x - last_top[lane], 0.5 * x)
        last_top[lane] = x


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _down(
    absorbed: Floats,
    inner: Floats,
    top: Floats,
    cells: Floats,
    rate: Floats,
    capacity: Floats,
    contact: Floats,
    radiative: Floats,
    emitted: Floats,
    before: Floats,
    passing: Floats,
    upper: Floats,
    right: Floats,
) -> None:
    """Elimination from the surface down, linearised at the present guess."""
    n = cells.shape[0]
    c0, c1, c2, c3, c4 = capacity[0], capacity[1], capacity[2], capacity[3], capacity[4]
    for i in range(n):
        above = top if i == 0 else cells[i - 1]
        t, o, k = cells[i], passing[i], contact[i]
        for lane in range(LANES):
            x = 0.5 * (above[lane] + t[lane])
            o[lane] = k[lane] * (1.0 + radiative[lane] * (x * x * x))
    u, r, o = upper[0], right[0], passing[0]
    for lane in range(LANES):
        x = top[lane]
        cubed = emitted[lane] * (x * x * x)
        d = 1.0 / (4.0 * cubed + o[lane])
        u[lane] = o[lane] * d
        r[lane] = (absorbed[lane] + 3.0 * cubed * x) * d
    for i in range(n):
        t, m, b, o, below = cells[i], rate[i], before[i], passing[i], passing[i + 1]
        u, r, u_next, r_next = upper[i], right[i], upper[i + 1], right[i + 1]
        for lane in range(LANES):
            x = t[lane]
            heat = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
            stored = x * (c0 + x * (c1 / 2.0 + x * (c2 / 3.0 + x * (c3 / 4.0 + x * c4 / 5.0))))
            source = b[lane] - m[lane] * (stored - heat * x)
            if i + 1 == n:
                source += inner[lane]
            d = 1.0 / (m[lane] * heat + below[lane] + o[lane] * (1.0 - u[lane]))
            u_next[lane] = below[lane] * d
            r_next[lane] = (source + o[lane] * r[lane]) * d


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _up(top: Floats, cells: Floats, upper: Floats, right: Floats, change: Floats, following: Floats) -> float:
    """Back substitution; gives the largest change of any lane [K]."""
    change[:] = 0.0
    following[:] = 0.0
    for i in range(cells.shape[0] - 1, -1, -1):
        t, u, r = cells[i], upper[i + 1], right[i + 1]
        for lane in range(LANES):
            value = r[lane] + u[lane] * following[lane]
            moved = abs(value - t[lane])
            change[lane] = moved if moved > change[lane] else change[lane]
            t[lane] = value
            following[lane] = value
    u, r = upper[0], right[0]
    for lane in range(LANES):
        value = r[lane] + u[lane] * following[lane]
        least = 0.5 * top[lane]
        value = value if value > least else least
        moved = abs(value - top[lane])
        change[lane] = moved if moved > change[lane] else change[lane]
        top[lane] = value
    worst = 0.0
    for lane in range(LANES):
        # Written so that NaN is kept.
        worst = worst if change[lane] <= worst else change[lane]
    return worst


@njit(cache=True, nogil=True, error_model="numpy")
def _march(
    absorbed: Floats,
    inner: Floats,
    top: Floats,
    cells: Floats,
    rate: Floats,
    capacity: Floats,
    contact: Floats,
    radiative: Floats,
    emitted: Floats,
    tolerance: float,
    most: int,
    series: Floats,
    mean: Floats,
    mean_flux: Floats,
) -> float:
    """Run a block through one series of absorbed flux; gives the worst unconverged change [K]."""
    steps, n = absorbed.shape[0], cells.shape[0]
    last, last_top = cells.copy(), top.copy()
    change, following = np.empty(LANES), np.empty(LANES)
    before, passing = np.empty((n, LANES)), np.zeros((n + 1, LANES))
    upper, right = np.empty((n + 1, LANES)), np.empty((n + 1, LANES))
    mean[:] = 0.0
    mean_flux[:] = 0.0
    worst = 0.0
    for j in range(steps):
        _heat(cells, rate, capacity, before)
        _forecast(top, cells, last_top, last)
        moved = math.inf
        for _ in range(most):
            _down(
                absorbed[j],
                inner,
                top,
                cells,
                rate,
                capacity,
                contact,
                radiative,
                emitted,
                before,
                passing,
                upper,
                right,
            )
            moved = _up(top, cells, upper, right, change, following)
            if moved < tolerance:
                break
        worst = worst if moved <= worst else moved
        series[j] = top
        for i in range(n):
            above = top if i == 0 else cells[i - 1]
            t, o, a, f = cells[i], passing[i], mean[i], mean_flux[i]
            for lane in range(LANES):
                a[lane] += t[lane]
                f[lane] += o[lane] * (t[lane] - above[lane])
    mean /= steps
    mean_flux /= steps
    return worst


@njit(cache=True, nogil=True)
def _shift(inner: Floats, cells: Floats, contact: Floats, radiative: Floats, mean: Floats, flux: Floats) -> None:
    """Shift the profiles most of the way to those that carry the geothermal flux; the whole way swings over."""
    for lane in range(LANES):
        total = 0.0
        for i in range(cells.shape[0]):
            passing = contact[i, lane] * (1.0 + radiative[lane] * mean[i, lane] ** 3)
            total += _SHARE * (inner[lane] - flux[i, lane]) / passing
            moved = min(max(total, -_LARGEST_SHIFT_K), _LARGEST_SHIFT_K)
            cells[i, lane] = max(cells[i, lane] + moved, 0.5 * cells[i, lane])


@njit(cache=True, nogil=True)
def settle(
    absorbed: Floats,
    step_s: float,
    coarse: int,
    inner: Floats,
    mass: Floats,
    capacity: Floats,
    contact: Floats,
    radiative: Floats,
    emitted: Floats,
    tolerance: float,
    most: int,
    flux_tolerance: float,
    most_cycles: int,
    top: Floats,
    cells: Floats,
    series: Floats,
    mean: Floats,
    mean_flux: Floats,
) -> tuple[int, float, float, float]:
    """Repeat a series of absorbed flux until a block of columns is in balance.

    Parameters
    ----------
    absorbed : ndarray, shape (steps, LANES)
        Flux absorbed during each step [W/m2].
    step_s : float
        Step [s].
    coarse : int
        Steps that are joined to one while the balance is far; a divisor of the steps, 1 for none.
    inner : ndarray, shape (LANES,)
        Flux from below [W/m2].
    mass, contact : ndarray, shape (cells, LANES)
        Mass of the cells [kg/m2]; contact conductivity above each over the distance of the nodes [W/m2/K].
    capacity : ndarray, shape (5,)
        Heat capacity polynomial.
    radiative, emitted : ndarray, shape (LANES,)
        Radiative over contact conductivity per temperature cubed [K-3]; emissivity times
        Stefan-Boltzmann constant.
    tolerance, most : float, int
        Largest change in the last iteration of a step [K]; most iterations.
    flux_tolerance, most_cycles : float, int
        Largest difference of mean flux and geothermal flux [W/m2]; most repetitions.
    top, cells : ndarray, shape (LANES,) and (cells, LANES)
        Start [K]; overwritten by the end.
    series : ndarray, shape (steps, LANES)
        Filled with the surface at the end of each step [K].
    mean, mean_flux : ndarray, shape (cells, LANES)
        Filled with means over the series [K, W/m2].

    Returns
    -------
    cycles : int
        Repetitions, those of joined steps included.
    error, residual, change : float
        Flux error and mean heat that the scheme loses [W/m2]; largest unconverged change [K].

    Notes
    -----
    The scheme is that of `moonpost.thermal.kernels.march`, with the last step's change as the first guess.
    """
    steps, n = absorbed.shape[0], cells.shape[0]
    before, after = np.empty((n, LANES)), np.empty((n, LANES))
    cycles, error, change = 0, math.inf, 0.0
    for level in range(2):
        joined = coarse if level == 0 else 1
        if level == 0 and coarse == 1:
            continue
        flux = absorbed
        if joined > 1:
            flux = absorbed.copy().reshape((steps // joined, joined, LANES)).sum(axis=1) / joined
        rate = mass / (step_s * joined)
        wanted = _ROUGH * flux_tolerance if level == 0 else flux_tolerance
        for repeat in range(most_cycles):
            _heat(cells, mass, capacity, before)
            change = _march(
                flux, inner, top, cells, rate, capacity, contact, radiative, emitted, tolerance, most,
                series[: flux.shape[0]], mean, mean_flux,
            )  # fmt: skip
            _heat(cells, mass, capacity, after)
            cycles += 1
            error = np.abs(mean_flux - inner).max()
            if not change < tolerance or (repeat > 0 and error < wanted):
                break
            _shift(inner, cells, contact, radiative, mean, mean_flux)
    span_s = steps * step_s
    residual = 0.0
    for lane in range(LANES):
        left = 0.0
        for j in range(steps):
            left += absorbed[j, lane] - emitted[lane] * series[j, lane] ** 4
        stored = (after[:, lane] - before[:, lane]).sum() / span_s
        residual = max(residual, abs(left / steps + inner[lane] - stored))
    return cycles, error, residual, change
