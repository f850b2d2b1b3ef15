"""One run of traverse planning: the searches, the way that comes out, and the reasons if none does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.times import iso
from moonpost.terrain.traverseground import Ground
from moonpost.terrain.traverselimits import DARK_DISC, Limits
from moonpost.terrain.traverseresult import COLUMNS, Objective, Traverse
from moonpost.terrain.traverserover import Rover

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.terrain.traversesearch import Memory
    from moonpost.terrain.traversesky import Rules, Sky

__all__ = ["Run", "Stop"]

Floats = NDArray[np.float64]
_BUCKET_S = 60.0
_PARTS = 40
_GROWTH = (1.02, 1.1, 1.3, 1.7, 2.5, math.inf)
_SHADE_H = (0.5, 2.0, 8.0, 32.0, 128.0, math.inf)
_ROOM = 1 << 14
_ROUGH = 0.2
_INSTANTS = 48


@dataclass(frozen=True)
class Stop:
    """A cell on the way.

    Parameters
    ----------
    cell : int
        Its index.
    arrived_s : float
        When the rover comes there [s].
    left_s : float
        When it leaves [s]; the arrival at the goal.
    move : int
        The move by which it leaves, -1 at the goal.
    """

    cell: int
    arrived_s: float
    left_s: float
    move: int


@dataclass(eq=False)
class Run:
    """State of one run.

    Parameters
    ----------
    ground : Ground
        Heights and legs.
    rover : Rover
        Who drives.
    limits : Limits
        What binds it in time.
    start, goal : int
        Cells.
    time : ndarray of datetime64, shape (steps + 1,)
        Ends of the steps of time, UTC; seconds count from the first.
    leaves_s : float
        When the rover may leave [s].
    objective : {"arrival", "energy", "light"}
        What is made least.
    almanac : Almanac or None
        For what is seen at the waypoints; None leaves it out.
    options : dict
        Kept in the result.
    progress : callable
        Told what is done and how much of it.
    sky : Sky, optional
        Light and Earth, once they are prepared.
    labels : int
        Labels that the last search made.
    tidy : bool
        Whether departures are put off to save stops.
    slack : float
        Costs that differ by less count as equal.
    charge_slack : float
        Charges that differ by less count as equal, over that of the full battery.
    """

    ground: Ground
    rover: Rover
    limits: Limits
    start: int
    goal: int
    time: NDArray[np.datetime64]
    leaves_s: float
    objective: Objective
    almanac: Almanac | None
    options: dict[str, Any]
    progress: Callable[[str, float], None]
    sky: Sky | None = None
    labels: int = 0
    tidy: bool = True
    slack: float = 1e-6
    charge_slack: float = 0.01

    def blocked(self) -> str | None:
        """Why no way leads to the goal even if the sky never stopped the rover; None if one does."""
        from moonpost.terrain.traversekernels import least_costs

        self.to_goal_s = least_costs(self.ground.leg_s, self.ground.leg_s, self.ground.area.shape[1], self.goal)
        least_h = float(self.to_goal_s[self.start]) / 3600.0
        if math.isfinite(least_h):
            span_h = (
                float((self.time[-1] - self.time[0]) / np.timedelta64(1, "ms")) / 3.6e6 - self.leaves_s / 3600.0
            )
            if least_h <= span_h:
                return None
            return f"too slow: driving alone takes {least_h:.1f} h, and {span_h:.1f} h are given"
        needed = self.ground.gentlest(self.rover, self.start, self.goal)
        if needed is None:
            return "holes in the terrain part the start from the goal"
        return (
            f"too steep: every way in the area needs limits of {needed['along_deg']:.1f} deg along and "
            f"{needed['across_deg']:.1f} deg across, the rover has {self.rover.max_slope_deg:g} and "
            f"{self.rover.max_cross_deg:g}; the steepest leg of the gentlest way is at "
            f"{needed['latitude_deg']:.4f}, {needed['longitude_deg']:.4f}"
        )

    def rules(self, limits: Limits, *, battery: bool = True, by_cost: bool = False) -> Rules:
        """Numbers for the search."""
        from moonpost.terrain.traversesky import Rules

        rover = self.rover
        earth = 0.0 if limits.earth_deg is None else limits.earth_deg
        return Rules(
            step_s=float((self.time[1] - self.time[0]) / np.timedelta64(1, "ms")) / 1000.0,
            least_disc=limits.least_disc,
            least_earth_deg=earth if limits.needs_earth else -math.inf,
            dark_disc=DARK_DISC,
            longest_dark_s=math.inf if limits.longest_dark_h is None else limits.longest_dark_h * 3600.0,
            array_w=rover.array_power_w if battery else 0.0,
            idle_w=rover.idle_power_w if battery else 0.0,
            sleep_w=rover.sleep_power_w if battery else 0.0,
            battery_wh=rover.battery_wh,
            least_wh=rover.least_charge * rover.battery_wh if battery else 0.0,
            sleeps=limits.sleeps,
            shade_counts=self.objective == "light" and by_cost,
            by_cost=by_cost,
            charge_slack_wh=self.charge_slack * rover.battery_wh,
        )

    def search(
        self, rules: Rules, limits: Limits, to_goal_cost: Floats, bound: float, tell: str
    ) -> tuple[Memory, int]:
        """Search once; returns the labels and the best that ends at the goal, -1 for none."""
        from moonpost.terrain.traversesearch import Way, grown, new_memory, search

        sky = self.fresh(limits)
        ground, start = self.ground, self.start
        leg_wh = ground.leg_wh if rules.array_w > 0.0 or rules.least_wh > 0.0 else np.zeros_like(ground.leg_wh)
        way = Way(ground.area.shape[1], self.goal, ground.leg_s, leg_wh, self.to_goal_s, to_goal_cost, _BUCKET_S)
        buckets = int(sky.allowed.size * rules.step_s / _BUCKET_S) + 2
        memory = new_memory(_ROOM, ground.leg_s.shape[0], buckets)
        charge = rules.battery_wh * limits.start_charge
        state = (1, -1, bound)
        if charge >= rules.least_wh:
            memory.whole[0] = (start, -1, -1, -1, -1, 1, 0, 0)
            memory.part[0] = (self.leaves_s, self.leaves_s, self.leaves_s, charge, 0.0, 0.0, self.leaves_s)
            memory.heads[start] = 0
            first = int((self.leaves_s + self.to_goal_s[start]) / _BUCKET_S)
            memory.queue[first] = 0
            slack = self.slack if rules.by_cost else math.inf
            part = max(1, (buckets - first) // _PARTS)
            bucket = first
            while bucket < buckets and (state[1] < 0 or rules.by_cost):
                last = min(bucket + part, buckets)
                *found, bucket = search(sky, rules, way, memory, state, (bucket, last), slack)
                state = (found[0], found[1], found[2])
                if bucket < last:
                    memory = grown(memory)
                self.progress(tell, (bucket - first) / (buckets - first))
        self.labels = state[0]
        return memory, state[1]

    def solve(self, blocked: str | None) -> Traverse:
        """Search by the objective, and make the result."""
        if blocked is not None:
            return self._result((blocked,), [])
        from moonpost.terrain.traversetidy import tidied

        stops = self.find()
        if stops and self.tidy and self.objective != "light":
            stops = tidied(self, stops)
        return self._result(() if stops else self.why(), stops)

    def find(self) -> list[Stop]:
        """The best way as its stops; empty if there is none."""
        zero = np.zeros(self.ground.leg_s.shape[0])
        if self.objective == "arrival":
            memory, best = self.search(self.rules(self.limits), self.limits, zero, math.inf, "search")
            return self._stops(memory, best)
        from moonpost.terrain.traversekernels import least_costs

        rules = self.rules(self.limits, by_cost=True)
        bounds: tuple[float, ...] = _SHADE_H
        costs = zero
        if self.objective == "energy":
            ground = self.ground
            costs = least_costs(ground.leg_wh, ground.leg_s, ground.area.shape[1], self.goal)
            bounds = tuple(float(costs[self.start]) * factor for factor in _GROWTH)
        for bound in bounds:
            memory, best = self.search(rules, self.limits, costs, bound, "search")
            if best >= 0:
                return self._stops(memory, best)
        return []

    def _stops(self, memory: Memory, best: int) -> list[Stop]:
        """Follow a label back to the start."""
        from moonpost.terrain.traversesearch import ARRIVED, CELL, LEFT, MOVE, PARENT

        stops: list[Stop] = []
        left, move, i = math.nan, -1, best
        while i >= 0:
            arrived = float(memory.part[i, ARRIVED])
            stops.append(Stop(int(memory.whole[i, CELL]), arrived, arrived if move < 0 else left, move))
            left, move, i = float(memory.part[i, LEFT]), int(memory.whole[i, MOVE]), int(memory.whole[i, PARENT])
        return stops[::-1]

    def why(self) -> tuple[str, ...]:
        """Reasons why no way was found, by lifting one limit at a time."""
        limits, span = self.limits, f"between {iso(self.time[0])} and {iso(self.time[-1])}"
        reasons = []
        for name, cell in (("goal", self.goal), ("start", self.start)):
            shut = self._shut(cell)
            if shut:
                reasons.append(f"the {name} {shut} {span}")
        if reasons:
            return tuple(reasons)
        lifted: list[tuple[str, Limits, bool]] = [
            ("light when driving", replace(limits, least_disc=0.0), True),
            ("battery", limits, False),
        ]
        if limits.needs_earth:
            lifted.append(("Earth in sight", replace(limits, earth_deg=None, station=None), True))
        if limits.longest_dark_h is not None:
            lifted.append(("time in the dark", replace(limits, longest_dark_h=None), True))
        if limits.work_utc_h is not None:
            lifted.append(("hours of work", replace(limits, work_utc_h=None), True))
        zero = np.zeros(self.ground.leg_s.shape[0])
        for name, other, battery in lifted:
            rules = self.rules(other, battery=battery)._replace(charge_slack_wh=_ROUGH * self.rover.battery_wh)
            memory, best = self.search(rules, other, zero, math.inf, f"why: {name}")
            if best >= 0:
                arrived = self.time[0] + np.timedelta64(1000 * round(float(memory.part[best, 0])), "ms")
                reasons.append(
                    f"none {span} with the limit on {name}; without it the goal is reached at {iso(arrived)}"
                )
        return tuple(reasons) or (f"none {span}, and lifting any one limit opens none",)

    def light(self, until: np.datetime64) -> NDArray[np.float32]:
        """Mean disc fraction of all cells from the departure to an instant, from 48 instants at most."""
        from moonpost.terrain.traversesky import mean_light

        assert self.sky is not None
        last = int(np.searchsorted(self.time, until))
        chosen = np.unique(np.linspace(0, max(last, 1), min(last + 1, _INSTANTS) + 1).astype(np.int64))
        out = np.empty(self.ground.area.shape, dtype=np.float32)
        mean_light(self.sky, chosen, out.reshape(-1))
        return out

    def _shut(self, cell: int) -> str:
        """What keeps a cell shut in all steps; empty if it is open in one."""
        from moonpost.terrain.traversesky import is_open

        rules = self.rules(self.limits)

        def opens(rules: Rules) -> bool:
            sky = self.fresh(self.limits)
            return any(is_open(sky, rules, cell, int(k)) for k in np.flatnonzero(sky.allowed))

        if not self.fresh(self.limits).allowed.any():
            return "is shut: no step of time lies within the hours of work and contact"
        if opens(rules):
            return ""
        if not opens(rules._replace(least_earth_deg=-math.inf)):
            return f"never has {self.limits.least_disc:.0%} of the Sun's disc in sight"
        if not opens(rules._replace(least_disc=0.0)):
            return f"never has the Earth {rules.least_earth_deg:g} deg over its horizon"
        return "never has Sun and Earth in sight at the same time"

    def fresh(self, limits: Limits) -> Sky:
        """The sky with the steps allowed by limits, and nothing known of where they hold."""
        assert self.sky is not None
        allowed = limits.at_work(self.time)
        if limits.station is not None or self.limits.station is None:
            allowed = allowed & self.sky.allowed
        return self.sky._replace(allowed=allowed, known=np.zeros(self.sky.known.shape, dtype=np.uint8))

    def _result(self, reasons: tuple[str, ...], stops: list[Stop]) -> Traverse:
        from moonpost.terrain.traverselog import log

        columns: dict[str, Any] = {name: [] for name in COLUMNS}
        totals: dict[str, float] = {}
        if stops:
            columns, totals = log(self, stops)
        origin = self.time[0]
        depart = origin + np.timedelta64(round(1000.0 * self.leaves_s), "ms")
        arrive = columns["time_utc"][-1] if stops else np.datetime64("NaT", "ms")
        return Traverse(
            found=bool(stops),
            reasons=reasons,
            start=self.ground.site(self.start),
            goal=self.ground.site(self.goal),
            depart=depart,
            arrive=arrive,
            objective=self.objective,
            rover=self.rover,
            options=self.options,
            waypoints={name: np.asarray(column) for name, column in columns.items()},
            totals=totals,
            area=self.ground.area,
            cells=np.array([stop.cell for stop in stops], dtype=np.int64),
            provenance={"labels": self.labels},
            maps={"height_m": self.ground.height_m},
        )
