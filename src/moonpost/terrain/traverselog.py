"""The log of a way: what happens at each waypoint, and the sums over all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.traverselight import directions
from moonpost.terrain.traverseresult import COLUMNS

if TYPE_CHECKING:
    from moonpost.terrain.traverserun import Run, Stop
    from moonpost.terrain.traversesky import Rules, Sky

__all__ = ["log"]

_SAME_S = 1e-3


@dataclass(eq=False)
class _Diary:
    """Rows written so far, and the state of the rover."""

    run: Run
    sky: Sky
    rules: Rules
    charge: float
    dark_s: float = 0.0
    distance_m: float = 0.0
    cells: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    rows: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)

    def note(self, cell: int, t: float, mode: str, along: float = math.nan, cross: float = math.nan) -> None:
        """Write a row, unless the rover merely goes on waiting as before."""
        self.cells.append(cell)
        self.times_s.append(t)
        self.rows.append((self.distance_m, along, cross, self.charge / self.rules.battery_wh, mode))

    def add(self, name: str, value: float) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + value

    def pieces(self, start: float, stop: float) -> Iterator[tuple[float, float, int]]:
        """Parts of a time between the ends of steps, with the step."""
        t = start
        while t < stop - _SAME_S:
            k = int((t + 1e-6) / self.rules.step_s)
            end = min(stop, (k + 1) * self.rules.step_s)
            yield t, end, k
            t = end

    def disc(self, cells: tuple[int, ...], k: int) -> float:
        """Disc fraction of a step as the search has it."""
        from moonpost.terrain.traversesky import disc as known_disc

        shares = [known_disc(self.sky, cell, at) for cell in cells for at in (k, k + 1)]
        return sum(shares) / len(shares)

    def stay(self, cell: int, start: float, stop: float) -> None:
        """Wait or sleep in place."""
        from moonpost.terrain.traversesky import wait

        before = ""
        for t, end, k in self.pieces(start, stop):
            disc = self.disc((cell,), k)
            sun_w = self.rules.array_w * disc * 0.5 * float(self.sky.sunshine[k] + self.sky.sunshine[k + 1])
            mode = "sleep" if self.rules.sleeps and sun_w < self.rules.idle_w else "wait"
            if mode != before:
                self.note(cell, t, mode)
            before = mode
            self.charge, self.dark_s, _ = wait(self.sky, self.rules, cell, t, end, self.charge, self.dark_s, 0.0)
            load = self.rules.sleep_w if mode == "sleep" else self.rules.idle_w
            self.account(mode, end - t, load * (end - t) / 3600.0, disc)

    def go(self, stop: Stop, other: int) -> None:
        """Drive a leg."""
        from moonpost.terrain.traversesky import drive

        ground = self.run.ground
        length, along, cross = ground.leg(stop.cell, stop.move)
        span, energy = float(ground.leg_s[stop.cell, stop.move]), float(ground.leg_wh[stop.cell, stop.move])
        self.note(stop.cell, stop.left_s, "drive", along, cross)
        for t, end, k in self.pieces(stop.left_s, stop.left_s + span):
            part = energy * (end - t) / span
            cells = (stop.cell, other)
            self.charge, _, _ = drive(self.sky, self.rules, cells, t, end - t, part, self.charge, 0.0, 0.0)
            self.account("drive", end - t, part, self.disc((stop.cell, other), k))
        self.distance_m += length
        self.add("drive_energy_wh", energy)

    def account(self, mode: str, span_s: float, energy_wh: float, disc: float) -> None:
        """Add a part of the way to the sums."""
        self.add(f"{mode}_h", span_s / 3600.0)
        self.add("energy_wh", energy_wh)
        self.add("shade_h", (1.0 - disc) * span_s / 3600.0)
        self.dark_s = self.dark_s + span_s if disc < self.rules.dark_disc else 0.0
        self.sums["longest_dark_h"] = max(self.sums.get("longest_dark_h", 0.0), self.dark_s / 3600.0)
        share = self.charge / self.rules.battery_wh
        self.sums["least_charge"] = min(self.sums.get("least_charge", 1.0), share)


def log(run: Run, stops: list[Stop]) -> tuple[dict[str, Any], dict[str, float]]:
    """Drive a way again, as the search had it, and write down what happens.

    Parameters
    ----------
    run : Run
        The run that found it.
    stops : list of Stop
        The way.

    Returns
    -------
    tuple
        Columns of the waypoints and totals, see `Traverse`.
    """
    assert run.sky is not None
    rules = run.rules(run.limits)
    diary = _Diary(run, run.sky, rules, charge=rules.battery_wh * run.limits.start_charge)
    for stop, following in zip(stops, [*stops[1:], None], strict=True):
        if stop.left_s > stop.arrived_s + _SAME_S:
            diary.stay(stop.cell, stop.arrived_s, stop.left_s)
        if following is not None:
            diary.go(stop, following.cell)
    diary.note(stops[-1].cell, stops[-1].arrived_s, "end")
    columns = _columns(run, diary)
    return columns, _totals(run, diary, columns)


def _columns(run: Run, diary: _Diary) -> dict[str, Any]:
    """Columns of the waypoints."""
    sites = [run.ground.site(cell) for cell in diary.cells]
    time = run.time[0] + np.round(1000.0 * np.array(diary.times_s)).astype("timedelta64[ms]")
    rows = list(zip(*diary.rows, strict=True))
    disc, earth = _seen(run, diary.cells, time)
    values = [
        time,
        np.array([site.latitude_deg for site in sites]),
        np.array([site.longitude_deg for site in sites]),
        np.array([site.height_m for site in sites]),
        *(np.array(column, dtype=np.float64) for column in rows[:3]),
        disc,
        earth,
        np.array(rows[3], dtype=np.float64),
        np.array(rows[4]),
    ]
    return dict(zip(COLUMNS, values, strict=True))


def _seen(
    run: Run, cells: list[int], time: NDArray[np.datetime64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Disc fractions and elevations of the Earth over the horizon at cells and the very instants."""
    from moonpost.terrain.traversesky import disc_share, earth_height_deg

    if run.almanac is None:
        return np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    assert run.sky is not None
    sky, middle = run.sky, run.ground.area.centre
    sun = run.almanac.sun(middle, time)
    station = run.limits.station
    earth = run.almanac.earth(middle, time) if station is None else run.almanac.station(middle, station, time)
    suns, earths = (directions(middle, body.azimuth_deg, body.elevation_deg) for body in (sun, earth))
    shares = [
        disc_share(sky.horizon, sky.slot, sky.axes, cell, suns[i], float(sun.angular_radius_deg[i]))
        for i, cell in enumerate(cells)
    ]
    heights = [
        earth_height_deg(sky.earth_horizon, sky.earth_slot, sky.axes, cell, earths[i])
        for i, cell in enumerate(cells)
    ]
    return np.array(shares), np.array(heights)


def _totals(run: Run, diary: _Diary, columns: dict[str, Any]) -> dict[str, float]:
    """Sums over the way."""
    sums = diary.sums
    start, goal = run.ground.site(run.start), run.ground.site(run.goal)
    angle = 2.0 * math.asin(min(1.0, 0.5 * float(np.linalg.norm(start.basis[2] - goal.basis[2]))))
    driving = columns["mode"] == "drive"
    rises = np.diff(columns["height_m"])
    hours = {name: sums.get(name, 0.0) for name in ("drive_h", "wait_h", "sleep_h")}
    return {
        "length_m": diary.distance_m,
        "straight_m": angle * (MOON_RADIUS_M + 0.5 * (start.height_m + goal.height_m)),
        "climb_m": float(rises[rises > 0.0].sum()),
        "duration_h": sum(hours.values()),
        **hours,
        "energy_wh": sums.get("energy_wh", 0.0),
        "drive_energy_wh": sums.get("drive_energy_wh", 0.0),
        "shade_h": sums.get("shade_h", 0.0),
        "longest_dark_h": sums.get("longest_dark_h", 0.0),
        "least_charge": sums.get("least_charge", run.limits.start_charge),
        "least_disc_fraction": float(columns["disc_fraction"][driving].min()) if driving.any() else math.nan,
    }
