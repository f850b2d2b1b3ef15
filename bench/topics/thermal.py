"""A lunar day of a map of ground: cells side by side, against loops over cells with the same scheme."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from measure import Table
from moonpost.thermal import HAYNE_2017, LUNAR_DAY_S, Grid, SunPath, absorbed_sunlight_w_m2, conduct, regolith_map

CELLS, STEPS, SAMPLE, COMPILED_SAMPLE = 10_000, 720, 4, 64
SIGMA = 5.670374419e-8
PLACES = 32


def table() -> Table:
    """The map at once, a compiled column at a time, and a plain loop in Python."""
    random = np.random.default_rng(3)
    latitude, slope = random.uniform(-88.0, 88.0, CELLS), random.uniform(0.0, 25.0, CELLS)
    aspect, albedo = random.uniform(0.0, 360.0, CELLS), random.uniform(0.07, 0.16, CELLS)
    horizon = random.uniform(0.0, 10.0, (CELLS, 1)) * np.ones(72)
    day = SunPath.lunar_day(STEPS)
    tilted = {
        "horizon_deg": horizon,
        "slope_deg": slope,
        "aspect_deg": aspect,
        "albedo": albedo,
        "background_w_m2": 0.3,
    }
    regolith_map(day, latitude[:PLACES], workers=1)
    maps = {}
    for name, workers in (("map, one thread", 1), ("map, two threads", 2)):
        maps[name] = timed(lambda workers=workers: regolith_map(day, latitude, workers=workers, **tilted))
    level, flux = (
        regolith_map(day, latitude[:COMPILED_SAMPLE], background_w_m2=0.3),
        day_flux(latitude[:COMPILED_SAMPLE]),
    )
    compiled = timed(lambda: [conduct(row, LUNAR_DAY_S / STEPS) for row in flux])
    plain = timed(lambda: [loop(row) for row in flux[:SAMPLE]])
    off_compiled = max(abs(c.surface_k.min() - k) for c, k in zip(compiled[2], level.surface_min_k, strict=True))
    off_plain = max(np.abs(p - c.surface_k[0]).max() for p, c in zip(plain[2], compiled[2], strict=False))
    each = {name: (wall / CELLS, spent / CELLS) for name, (wall, spent, _) in maps.items()}
    each["compiled column, one cell at a time"] = tuple(s / COMPILED_SAMPLE for s in compiled[:2])
    each["Python loop over cells, NumPy over depth"] = tuple(s / SAMPLE for s in plain[:2])
    base = each["map, one thread"]
    return Table(
        topic="thermal",
        title="A lunar day of 10,000 cells of ground, in balance",
        method=f"{STEPS} steps of a mean lunar day, {len(Grid.growing().centre_m)} cells in depth, repeated until "
        "the mean flux is within 1e-4 W/m2 of the geothermal flux at every depth. The map has a slope, an albedo "
        f"and a horizon of 72 azimuths for each of its {CELLS} cells, and computes their sunlight; the loops are "
        f"handed the absorbed flux of level ground. The loops ran on {COMPILED_SAMPLE} and {SAMPLE} of the cells.",
        head=["what", "wall, a cell", "processor, a cell", "10,000 cells", "map is faster by (processor)"],
        rows=[
            [
                name,
                f"{1e3 * wall:.3g} ms",
                f"{1e3 * spent:.3g} ms",
                f"{wall * CELLS:.3g} s",
                f"{spent / base[1]:,.0f} x",
            ]
            for name, (wall, spent) in each.items()
        ],
        reading="The Python loop and the compiled column are the same scheme with the same tolerances and differ "
        f"by {off_plain:.1g} K at most; the map takes the Sun as a disc instead of a point, which moves the "
        f"night's minimum by up to {off_compiled:.2g} K. The loops start as `conduct` does; the map starts nearer "
        "to the balance, goes most of the way in steps of eight, and swings over less.",
    )


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and processor time of one call [s], and what it gave."""
    wall, spent = time.perf_counter(), time.process_time()
    found = call()
    return time.perf_counter() - wall, time.process_time() - spent, found


def day_flux(latitude_deg: np.ndarray) -> np.ndarray:
    """Sunlight that level ground absorbs through a day [W/m2]."""
    angle = 2.0 * np.pi * (np.arange(STEPS) + 0.5) / STEPS - np.pi
    return absorbed_sunlight_w_m2(np.cos(np.deg2rad(latitude_deg))[:, None] * np.cos(angle)) + 0.3


def loop(absorbed: np.ndarray) -> np.ndarray:
    """One column in Python: time, iterations and repetitions in loops, depth in NumPy and LAPACK."""
    from scipy.linalg import solve_banded

    ground, grid, step_s = HAYNE_2017, Grid.growing(), LUNAR_DAY_S / STEPS
    edge, n = grid.edge_m, len(grid.centre_m)
    scale, deep, top = ground.scale_height_m, ground.deep_density_kg_m3, ground.surface_density_kg_m3
    mass = deep * np.diff(edge) + (deep - top) * scale * np.diff(np.exp(-edge / scale))
    node = np.concatenate([[0.0], grid.centre_m])
    between = node[:-1, None] + np.diff(node)[:, None] * (np.arange(32) + 0.5) / 32
    contact = 1.0 / np.mean(1.0 / ground.contact_conductivity_w_m_k(between), axis=1) / np.diff(node)
    radiative, emitted = ground.radiative_ratio / 350.0**3, ground.emissivity * SIGMA
    capacity = np.array(ground.heat_capacity)
    stored = np.concatenate([[0.0], capacity / np.arange(1, 6)])
    polyval = np.polynomial.polynomial.polyval
    state = np.full(n + 1, max(((absorbed.mean() + ground.geothermal_w_m2) / emitted) ** 0.25, 25.0))
    surface, bands, right = np.empty(STEPS), np.zeros((3, n + 1)), np.empty(n + 1)
    for cycle in range(60):
        mean, mean_flux = np.zeros(n), np.zeros(n)
        for j in range(STEPS):
            before = polyval(state[1:], stored)
            for _ in range(100):
                passing = contact * (1.0 + radiative * (0.5 * (state[1:] + state[:-1])) ** 3)
                heat, held = polyval(state[1:], capacity), polyval(state[1:], stored)
                bands[0, 1:], bands[2, :-1] = -passing, -passing
                bands[1, 0] = 4.0 * emitted * state[0] ** 3 + passing[0]
                bands[1, 1:] = mass / step_s * heat + passing
                bands[1, 1:-1] += passing[1:]
                right[0] = absorbed[j] + 3.0 * emitted * state[0] ** 4
                right[1:] = mass / step_s * (before - held + heat * state[1:])
                right[-1] += ground.geothermal_w_m2
                new = solve_banded((1, 1), bands, right, check_finite=False)
                new[0] = max(new[0], 0.5 * state[0])
                change = np.abs(new - state).max()
                state = new
                if change < 1e-6:
                    break
            surface[j] = state[0]
            passing = contact * (1.0 + radiative * (0.5 * (state[1:] + state[:-1])) ** 3)
            mean += state[1:] / STEPS
            mean_flux += passing * (state[1:] - state[:-1]) / STEPS
        if cycle > 0:
            if np.abs(mean_flux - ground.geothermal_w_m2).max() < 1e-4:
                break
            lacking = (ground.geothermal_w_m2 - mean_flux) / (contact * (1.0 + radiative * mean**3))
            state[1:] = np.maximum(state[1:] + np.clip(np.cumsum(lacking), -25.0, 25.0), 0.5 * state[1:])
    return surface
