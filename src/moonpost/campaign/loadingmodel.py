"""The mixed-integer programme behind the loading of flights."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.errors import ModelError
from moonpost.quiet import quiet

if TYPE_CHECKING:
    from moonpost.campaign.loading import Cargo, Flight

__all__ = ["LoadingModel"]

_DAYS = 1e5
_TIE_SECONDS = 10.0
_MOST_TERMS = 1_000_000
_SCALE = 1e3


class LoadingModel:
    """Cargo on flights as a mixed-integer programme.

    Parameters
    ----------
    cargo : sequence of Cargo
        All has to fly.
    flights : sequence of Flight
        By day, then kind, then name.
    aim : {"launches", "cost", "earliest", "robust"}
        As in `moonpost.campaign.loading.load_flights`, which says what is asked for.

    Examples
    --------
    >>> from moonpost.campaign.loading import Cargo, Flight
    >>> LoadingModel([Cargo("a", 5.0)], [Flight("f", "k", 0.0, 9.0)], "launches").feasible(9.0)
    True
    """

    def __init__(self, cargo: Sequence[Cargo], flights: Sequence[Flight], aim: str) -> None:
        self.cargo, self.flights, self.aim = cargo, flights, aim
        self.n, self.m = len(cargo), len(flights)
        self.width = self.n * self.m + self.m + 1
        self.rows: list[tuple[list[int], list[float], float, float]] = []
        self.upper = np.ones(self.width)
        self.upper[-1] = 2 * _DAYS
        self._place()
        self._fit()
        self._follow()
        self._alike()
        self._exchange()
        self._share()
        if aim == "robust":
            self._slack()
        else:
            self.upper[-1] = 0.0

    def _x(self, i: int, f: int) -> int:
        return i * self.m + f

    def _y(self, f: int) -> int:
        return self.n * self.m + f

    def _place(self) -> None:
        """Each cargo flies once, on a flight that suits it and comes in time."""
        for i, row in enumerate(self.cargo):
            self.rows.append(([self._x(i, f) for f in range(self.m)], [1.0] * self.m, 1.0, 1.0))
            for f, flight in enumerate(self.flights):
                suits = row.flights is None or flight.kind in row.flights
                fits = row.mass_kg <= flight.mass_kg and row.volume_m3 <= flight.volume_m3
                if not (suits and fits and row.ready_day <= flight.day <= row.need_day):
                    self.upper[self._x(i, f)] = 0.0

    def _fit(self) -> None:
        """Mass and volume within those of a flight that is made."""
        for f, flight in enumerate(self.flights):
            for limit, name in ((flight.mass_kg, "mass_kg"), (flight.volume_m3, "volume_m3")):
                if math.isinf(limit) or limit == 0.0:
                    continue
                index = [self._x(i, f) for i in range(self.n)]
                amounts = [_SCALE * getattr(row, name) / limit for row in self.cargo]
                self.rows.append(([*index, self._y(f)], [*amounts, -_SCALE], -np.inf, 0.0))
            for i in range(self.n):
                self.rows.append(([self._x(i, f), self._y(f)], [1.0, -1.0], -np.inf, 0.0))

    def _follow(self) -> None:
        """Nothing comes before what it comes after."""
        place = {row.id: i for i, row in enumerate(self.cargo)}
        days = sorted({flight.day for flight in self.flights})[:-1]
        pairs = sum(len(row.after) for row in self.cargo)
        if pairs * len(days) * self.m > _MOST_TERMS:
            self._follow_days(place)
            return
        for i, row in enumerate(self.cargo):
            for before in row.after:
                for day in days:
                    early = [f for f, flight in enumerate(self.flights) if flight.day <= day]
                    index = [self._x(i, f) for f in early] + [self._x(place[before], f) for f in early]
                    self.rows.append((index, [1.0] * len(early) + [-1.0] * len(early), -np.inf, 0.0))

    def _follow_days(self, place: dict[str, int]) -> None:
        """The same by one row for each pair, weaker for the search, where the programme would grow too large."""
        first = self.flights[0].day
        days = [flight.day - first for flight in self.flights]
        for i, row in enumerate(self.cargo):
            for before in row.after:
                index = [self._x(place[before], f) for f in range(self.m)] + [self._x(i, f) for f in range(self.m)]
                self.rows.append((index, [*days, *(-day for day in days)], -np.inf, 0.0))

    def _alike(self) -> None:
        """Of flights alike but for their name the first are used."""
        for f in range(self.m - 1):
            one, two = self.flights[f], self.flights[f + 1]
            if _shape(one) == _shape(two) and not one.slot and not two.slot:
                self.rows.append(([self._y(f + 1), self._y(f)], [1.0, -1.0], -np.inf, 0.0))

    def _exchange(self) -> None:
        """Cargo alike but for its name flies in its order."""
        behind: dict[str, list[str]] = {row.id: [] for row in self.cargo}
        for row in self.cargo:
            for before in row.after:
                behind[before].append(row.id)
        last: dict[tuple[object, ...], int] = {}
        places = [float(f) for f in range(self.m)]
        for i, row in enumerate(self.cargo):
            same = (row.mass_kg, row.volume_m3, frozenset(row.after), row.need_day, row.flights, row.ready_day)
            key = (*same, frozenset(behind[row.id]))
            if key in last:
                index = [self._x(last[key], f) for f in range(self.m)] + [self._x(i, f) for f in range(self.m)]
                self.rows.append((index, [*places, *(-place for place in places)], -np.inf, 0.0))
            last[key] = i

    def _share(self) -> None:
        """Of flights of one slot at most one is made."""
        slots: dict[str, list[int]] = {}
        for f, flight in enumerate(self.flights):
            if flight.slot:
                slots.setdefault(flight.slot, []).append(self._y(f))
        self.rows += [(index, [1.0] * len(index), -np.inf, 1.0) for index in slots.values() if len(index) > 1]

    def _slack(self) -> None:
        """The least slack to the days of need."""
        for i, row in enumerate(self.cargo):
            if math.isfinite(row.need_day):
                index = [self._x(i, f) for f in range(self.m)]
                days = [flight.day for flight in self.flights]
                self.rows.append(([*index, self.width - 1], [*days, 1.0], -np.inf, row.need_day))

    def objective(self) -> Any:
        """What is made least.

        Returns
        -------
        ndarray
            Weight of each unknown.
        """
        goal = np.zeros(self.width)
        made = slice(self.n * self.m, self.n * self.m + self.m)
        if self.aim == "launches":
            goal[made] = 1.0
        elif self.aim == "cost":
            goal[made] = self._cost_scale() * np.array([flight.cost for flight in self.flights])
        elif self.aim == "earliest":
            goal[: self.n * self.m] = self._late()
        else:
            goal[-1] = -1.0
        return goal

    def _cost_scale(self) -> float:
        """What brings the largest cost to a million, so that the solver's absolute gap counts for nothing."""
        most = max(flight.cost for flight in self.flights)
        return 1e6 / most if most > 0.0 else 1.0

    def _late(self) -> Any:
        """Mean arrival after the first flight, by mass, of each cargo on each flight [d]."""
        mass = np.array([row.mass_kg for row in self.cargo])
        days = np.array([flight.day - self.flights[0].day for flight in self.flights])
        return np.outer(mass / mass.sum(), days).ravel()

    def _ties(self) -> Any:
        """What is made least among equals: launches, then lateness and size, which never outweigh a launch."""
        goal = np.zeros(self.width)
        sizes = np.array([flight.mass_kg for flight in self.flights])
        goal[self.n * self.m : -1] = 1.0 + 0.4 * sizes / max(float(sizes.max()), 1e-9) / min(self.n, self.m)
        goal[: self.n * self.m] = 0.5 * self._late() / max(self.flights[-1].day - self.flights[0].day, 1.0)
        return goal

    def solve(self, seconds: float, *, ties: bool = True) -> tuple[Any, float, bool] | None:
        """Find the best loading.

        Parameters
        ----------
        seconds : float
            Limit of the search [s]; ties may take up to 10 s of what is left of it.
        ties : bool, default True
            Whether to look for the best among equals.

        Returns
        -------
        tuple or None
            Place of the flight of each cargo, a bound of the value, whether it is proved; None if there is none.

        Raises
        ------
        ModelError
            If the time is up before one was found or shown not to exist.
        """
        begin, goal = time.monotonic(), self.objective()
        found = self._milp(goal, seconds, 1e-9)
        if found is None:
            return None
        best = self._tied(goal, found.x, seconds - (time.monotonic() - begin)) if ties else found.x
        chosen = best[: self.n * self.m].reshape(self.n, self.m).argmax(axis=1)
        return chosen, self._bound(float(found.mip_dual_bound)), found.status == 0

    def _tied(self, goal: Any, best: Any, seconds: float) -> Any:
        """The best among those as good as one by the aim, as far as the time allows."""
        reached = float(goal @ best)
        self.rows.append(([*np.flatnonzero(goal)], [*goal[goal != 0]], -np.inf, reached + 1e-9 * abs(reached)))
        try:
            tied = self._milp(self._ties(), min(max(seconds, 0.1), _TIE_SECONDS), 1e-4)
        except ModelError:
            tied = None
        self.rows.pop()
        if tied is not None and goal @ tied.x <= reached + 1e-9 * abs(reached):
            return tied.x
        return best

    def feasible(self, seconds: float) -> bool:
        """Tell whether there is any loading.

        Parameters
        ----------
        seconds : float
            Limit of the search [s].

        Returns
        -------
        bool

        Raises
        ------
        ModelError
            If the time is up before that is known.
        """
        return self._milp(np.zeros(self.width), seconds, 1e-9) is not None

    def _milp(self, goal: Any, seconds: float, gap: float) -> Any:
        """What HiGHS finds; None if there is nothing to be found."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        lengths = [len(index) for index, _, _, _ in self.rows]
        columns = np.concatenate([index for index, _, _, _ in self.rows]).astype(np.int64)
        values = np.concatenate([factor for _, factor, _, _ in self.rows])
        pointer = np.concatenate([[0], np.cumsum(lengths)])
        matrix = csr_array((values, columns, pointer), shape=(len(self.rows), self.width))
        low = np.array([row[2] for row in self.rows])
        high = np.array([row[3] for row in self.rows])
        least = np.zeros(self.width)
        least[-1] = -2 * _DAYS if self.aim == "robust" else 0.0
        kind = np.ones(self.width)
        kind[-1] = 0.0
        with quiet():
            found = milp(
                goal,
                constraints=LinearConstraint(matrix, low, high),
                bounds=Bounds(least, self.upper),
                integrality=kind,
                options={"time_limit": seconds, "mip_rel_gap": gap},
            )
        if found.x is None and found.status != 2:
            raise ModelError(
                f"no loading was found in {seconds:g} s, nor shown that there is none",
                where=f"{self.n} cargoes on {self.m} flights",
                advice="allow more seconds, or fewer launchers or years",
            )
        return None if found.x is None else found

    def _bound(self, bound: float) -> float:
        """Bound of the objective as a bound of the value."""
        if self.aim == "launches":
            return float(math.ceil(bound - 1e-6))
        if self.aim == "earliest":
            return bound + self.flights[0].day
        if self.aim == "cost":
            return bound / self._cost_scale()
        return -bound if self.aim == "robust" else bound


def _shape(flight: Flight) -> tuple[float | str, ...]:
    return (flight.kind, flight.day, flight.mass_kg, flight.volume_m3, flight.cost, flight.chance)
