"""Spare parts for years without people: Poisson demand, the lightest stock for a wanted availability."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError

__all__ = ["SpareItem", "SparesPlan", "enough_probability", "lightest_spares", "shared_units"]

_MOST_EACH = 400
_MOST_STATES = 400_000


@dataclass(frozen=True)
class SpareItem:
    """A unit that fails and is exchanged.

    Parameters
    ----------
    name : str
        What it is.
    element : str
        The machine that carries it.
    mass_kg : float
        Of one [kg].
    failures_per_year : float
        Of one at work [1/year].
    count : int
        How many are at work.
    life_years : float or None
        It wears out and is exchanged each time this has passed [years]; None if it does not wear.
    work_h : float
        Robot hours that one exchange takes [h].

    Examples
    --------
    >>> SpareItem("pump", "plant", 5.0, 0.1, count=2).mean_demand(10.0)
    2.0
    """

    name: str
    element: str
    mass_kg: float
    failures_per_year: float
    count: int = 1
    life_years: float | None = None
    work_h: float = 8.0

    def __post_init__(self) -> None:
        for name in ("mass_kg", "failures_per_year", "work_h"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0) or (name == "mass_kg" and value == 0.0):
                raise InputError(f"is {value!r}", where=f"{self.name}.{name}", advice="give a number of 0 or more")
        if not isinstance(self.count, int) or self.count < 1:
            raise InputError(f"is {self.count!r}", where=f"{self.name}.count", advice="give 1 or more")
        if self.life_years is not None and not (math.isfinite(self.life_years) and self.life_years > 0.0):
            raise InputError(f"is {self.life_years!r}", where=f"{self.name}.life_years", advice="give years")

    def mean_demand(self, years: float) -> float:
        """Failures to be expected in a number of years [1]."""
        return self.count * self.failures_per_year * years

    def worn(self, years: float) -> int:
        """Exchanges because of wear in a number of years, known beforehand."""
        if self.life_years is None:
            return 0
        return self.count * max(0, math.ceil(years / self.life_years - 1e-9) - 1)


@dataclass(frozen=True)
class SparesPlan:
    """A stock of spares.

    Parameters
    ----------
    items : tuple of SpareItem
        The units.
    counts : tuple of int
        Spares of each against failures.
    worn : tuple of int
        Spares of each against wear.
    years : float
        How long they must do [years].
    target, availability : float
        Wanted and reached probability that no unit runs out [1].
    curve : tuple of (float, float)
        Mass [kg] and availability along the efficient stocks.
    method : {"exact", "marginal"}
        How it was found.
    marginal_kg : float
        Mass of the first stock of the marginal analysis that reaches the target [kg].
    """

    items: tuple[SpareItem, ...]
    counts: tuple[int, ...]
    worn: tuple[int, ...]
    years: float
    target: float
    availability: float
    curve: tuple[tuple[float, float], ...]
    method: Literal["exact", "marginal"]
    marginal_kg: float

    @property
    def failure_kg(self) -> float:
        """Mass of the spares against failures [kg]."""
        return sum(row.mass_kg * n for row, n in zip(self.items, self.counts, strict=True))

    @property
    def mass_kg(self) -> float:
        """Mass of all spares [kg]."""
        return self.failure_kg + sum(row.mass_kg * n for row, n in zip(self.items, self.worn, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "years": self.years,
            "target": self.target,
            "availability": self.availability,
            "mass_kg": self.mass_kg,
            "failure_kg": self.failure_kg,
            "marginal_kg": self.marginal_kg,
            "method": self.method,
            "items": [
                {
                    "name": row.name,
                    "element": row.element,
                    "mass_kg": row.mass_kg,
                    "count": row.count,
                    "mean_demand": row.mean_demand(self.years),
                    "spares": n,
                    "worn": w,
                    "enough_probability": enough_probability(n, row.mean_demand(self.years)),
                }
                for row, n, w in zip(self.items, self.counts, self.worn, strict=True)
            ],
            "curve": [list(point) for point in self.curve],
        }


def shared_units(items: Sequence[SpareItem]) -> tuple[SpareItem, ...]:
    """Units of the same name as one kind that fits all machines, to see what common parts save.

    Parameters
    ----------
    items : sequence of SpareItem
        The units.

    Returns
    -------
    tuple of SpareItem
        One for each name: all that are at work, mean rate, largest mass, shortest life, longest work.

    Examples
    --------
    >>> shared_units([SpareItem("pump", "a", 5.0, 0.1), SpareItem("pump", "b", 4.0, 0.3, count=3)])[0].count
    4
    """
    found = []
    for name in dict.fromkeys(row.name for row in items):
        same = [row for row in items if row.name == name]
        count = sum(row.count for row in same)
        lives = [row.life_years for row in same if row.life_years is not None]
        found.append(
            SpareItem(
                name,
                same[0].element if len(same) == 1 else "",
                max(row.mass_kg for row in same),
                sum(row.count * row.failures_per_year for row in same) / count,
                count,
                min(lives) if lives else None,
                max(row.work_h for row in same),
            )
        )
    return tuple(found)


def enough_probability(spares: int, mean_demand: float) -> float:
    """Probability that a number of spares is enough.

    Parameters
    ----------
    spares : int
        How many there are.
    mean_demand : float
        Failures to be expected [1].

    Returns
    -------
    float
        [1].

    Raises
    ------
    InputError
        If a number is negative or not finite.

    Notes
    -----
    P(N <= s) of a Poisson distribution: failures at a constant rate, each mended at once from the stock.

    Examples
    --------
    >>> round(enough_probability(8, 4.32), 3)
    0.968
    """
    if spares < 0 or not (math.isfinite(mean_demand) and mean_demand >= 0.0):
        raise InputError("is negative or not finite", where="enough_probability", advice="give 0 or more")
    return float(np.exp(_log_enough(mean_demand, spares)[spares]))


def _log_enough(mean: float, most: int) -> npt.NDArray[np.float64]:
    """Logarithm of P(N <= s) for s from 0 to `most`."""
    from scipy.special import gammaln

    s = np.arange(most + 1, dtype=np.float64)
    if mean == 0.0:
        return np.zeros(most + 1)
    found = np.logaddexp.accumulate(s * math.log(mean) - mean - gammaln(s + 1.0))
    return np.asarray(np.minimum(found, 0.0))


def lightest_spares(
    items: Sequence[SpareItem],
    years: float,
    availability: float,
    *,
    method: Literal["exact", "marginal"] = "exact",
) -> SparesPlan:
    """Lightest stock with which no unit runs out, with a wanted probability.

    Parameters
    ----------
    items : sequence of SpareItem
        The units.
    years : float
        How long they must do [years].
    availability : float
        Wanted probability, between 0 and 1 [1].
    method : {"exact", "marginal"}
        ``marginal`` takes the spare with the largest gain for its mass again and again; ``exact`` then searches
        the lighter stocks that this can jump over.

    Returns
    -------
    SparesPlan

    Raises
    ------
    InputError
        If there are no units or a number is out of range.
    ModelError
        If the exact search would be too large; use ``marginal``.

    Notes
    -----
    The availability is the product of P(N_i <= s_i). Its logarithm is a sum of concave functions of the s_i, so
    every stock of the marginal analysis is the lightest of its availability; between two of them a lighter one for
    the target may lie. The exact search keeps undominated stocks unit by unit and drops those that a Lagrangian
    bound, at the multiplier where the marginal analysis stops, rules out. Units that wear out are exchanged
    beforehand, each a spare more. Neglected: failures on the shelf, common causes, time out of work while mended
    (see `repair`).

    References
    ----------
    Fox, B. (1966), Discrete optimization via marginal analysis, Management Science 13, 210-216,
    doi:10.1287/mnsc.13.3.210. Sherbrooke, C. C. (2004), Optimal inventory modeling of systems, 2nd edition.

    Examples
    --------
    >>> units = [SpareItem("pump", "a", 5.0, 0.1), SpareItem("valve", "a", 1.0, 0.1)]
    >>> found = lightest_spares(units, 10.0, 0.9)
    >>> found.counts, found.mass_kg
    ((2, 3), 13.0)
    """
    rows = tuple(items)
    if not rows:
        raise InputError("there are no units", where="items", advice="name the units that may fail")
    if not (math.isfinite(years) and 0.0 < years <= 100.0):
        raise InputError(f"is {years!r}", where="years", advice="give a number above 0 and at most 100")
    if not 0.0 < availability < 1.0:
        raise InputError(f"is {availability!r}", where="availability", advice="give a probability between 0 and 1")
    if method not in ("exact", "marginal"):
        raise InputError(f"is {method!r}", where="method", advice="use exact or marginal")
    tables = [_log_enough(row.mean_demand(years), _most(row.mean_demand(years), availability)) for row in rows]
    goal = math.log(availability)
    counts, curve, price = _marginal(rows, tables, goal)
    mass = np.array([row.mass_kg for row in rows])
    marginal_kg = float(mass @ counts)
    if method == "exact":
        counts = _exact(mass, tables, goal, counts, price)
    reached = math.exp(sum(float(table[n]) for table, n in zip(tables, counts, strict=True)))
    worn = tuple(row.worn(years) for row in rows)
    plan = SparesPlan(
        rows, tuple(int(n) for n in counts), worn, years, availability, reached, tuple(curve), method, marginal_kg
    )
    fixed = sum(row.mass_kg * n for row, n in zip(rows, worn, strict=True))
    return replace(plan, curve=tuple((m + fixed, a) for m, a in curve))


def _most(mean: float, availability: float) -> int:
    """More spares than any sensible stock holds of one unit."""
    return int(min(_MOST_EACH, 12 + 2.0 * mean + 10.0 * math.sqrt(mean) - 2.0 * math.log10(1.0 - availability)))


def _marginal(
    rows: Sequence[SpareItem], tables: list[npt.NDArray[np.float64]], goal: float
) -> tuple[npt.NDArray[np.int64], list[tuple[float, float]], float]:
    """Add the spare of the largest gain for its mass until the goal is reached; the last gain's price [kg]."""
    counts = np.zeros(len(rows), np.int64)
    total = sum(float(table[0]) for table in tables)
    mass = 0.0
    curve = [(0.0, math.exp(total))]
    heap: list[tuple[float, int]] = []

    def push(k: int) -> None:
        n = int(counts[k])
        if n + 1 < len(tables[k]):
            heapq.heappush(heap, (-float(tables[k][n + 1] - tables[k][n]) / rows[k].mass_kg, k))

    for k in range(len(rows)):
        push(k)
    price = 0.0
    while total < goal:
        if not heap:
            raise ModelError(
                "no stock reaches this availability", where="availability", advice="lower it or the failure rates"
            )
        gain, k = heapq.heappop(heap)
        counts[k] += 1
        total = sum(float(table[n]) for table, n in zip(tables, counts, strict=True))
        mass += rows[k].mass_kg
        price = 1.0 / max(-gain, 1e-300)
        curve.append((mass, math.exp(total)))
        push(k)
    return counts, curve, price


def _exact(
    mass: npt.NDArray[np.float64],
    tables: list[npt.NDArray[np.float64]],
    goal: float,
    first: npt.NDArray[np.int64],
    price: float,
) -> npt.NDArray[np.int64]:
    """The lightest counts that reach the goal."""
    best = float(mass @ first)
    # The least of mass - price * log availability for each unit: a bound for what is still to come.
    least = [float((mass[k] * np.arange(len(t)) - price * t).min()) for k, t in enumerate(tables)]
    order = sorted(range(len(tables)), key=lambda k: -mass[k])
    rest = sum(least)
    states: list[tuple[float, float, tuple[int, ...]]] = [(0.0, 0.0, ())]
    for k in order:
        rest -= least[k]
        grown = [
            (m + mass[k] * n, a + float(tables[k][n]), (*picked, n))
            for m, a, picked in states
            for n in range(len(tables[k]))
            if m + mass[k] * n <= best + 1e-9
            and a + float(tables[k][n]) >= goal - 1e-12
            and m + mass[k] * n - price * (a + float(tables[k][n])) + rest + price * goal <= best + 1e-9
        ]
        states = _undominated(grown)
        if len(states) > _MOST_STATES:
            raise ModelError("too many stocks to compare", where="items", advice="use method='marginal'")
    reached = [row for row in states if row[1] >= goal - 1e-12]
    if not reached:
        return first
    picked = min(reached)[2]
    found = np.zeros(len(tables), np.int64)
    found[order] = picked
    return found if float(mass @ found) < best - 1e-9 else first


def _undominated(
    states: list[tuple[float, float, tuple[int, ...]]],
) -> list[tuple[float, float, tuple[int, ...]]]:
    """Stocks that no lighter one matches in availability."""
    states.sort(key=lambda row: (row[0], -row[1]))
    kept, highest = [], -math.inf
    for row in states:
        if row[1] > highest:
            kept.append(row)
            highest = row[1]
    return kept
