"""The lightest whole units that carry a load: a small integer program with an exact storage condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.power.series import FloatSeries, as_series
from moonpost.quiet import quiet

__all__ = ["CutPool", "Need", "SourceUnit", "StoreUnit", "UnitMix", "lightest_units", "unit_need"]

_ROUNDS = 400
_EACH = 6
_TOLERANCE = 1e-9
_KILO = 1e-3
_YEAR_H = 8766.0
"""In each year sources bring what loads take, and no store holds more than the largest load takes in one [h]."""
_SLACK = 0.5
"""What a solution with any numbers may lack, and whole units are given more if the solver's rounding asks for it
[Wh, W]."""


@dataclass(frozen=True)
class SourceUnit:
    """One unit of a source: what it brings to the bus over time, and its mass.

    Parameters
    ----------
    name : str
        What it is called.
    supply_w : ndarray, (n,) or (n + 1,)
        At the bus: mean of each interval, or at the instants between which intervals lie, then straight between
        them [W].
    mass_kg : float
        Of one unit [kg].
    carrier_kg : float
        Of what carries units, such as a mast [kg].
    per_carrier : int
        How many units one carrier takes; with `carrier_kg` 0 none is needed.
    most : int
        Most units.

    Examples
    --------
    >>> SourceUnit("panel", np.array([0.0, 900.0]), 10.0, 250.0, 10).most
    100000
    """

    name: str
    supply_w: FloatSeries = field(repr=False, compare=False)
    mass_kg: float
    carrier_kg: float = 0.0
    per_carrier: int = 1
    most: int = 100_000


@dataclass(frozen=True)
class StoreUnit:
    """One unit of a store: energy, and where they are separate its power in and out.

    Parameters
    ----------
    name : str
        What it is called.
    usable_wh, mass_kg : float
        Energy that one module gives, counted inside the store, and its mass [Wh, kg].
    charge_efficiency, discharge_efficiency : float
        Stored over supplied, delivered over drawn [1].
    charge_w, charge_kg : float or None, float
        Most power in of one charging unit, at the bus, and its mass; None: no limit [W, kg].
    discharge_w, discharge_kg : float or None, float
        The same out [W, kg].

    Examples
    --------
    >>> StoreUnit("battery", 4000.0, 33.0, 0.96, 0.96).charge_w is None
    True
    """

    name: str
    usable_wh: float
    mass_kg: float
    charge_efficiency: float
    discharge_efficiency: float
    charge_w: float | None = None
    charge_kg: float = 0.0
    discharge_w: float | None = None
    discharge_kg: float = 0.0


@dataclass(frozen=True)
class Need:
    """What given units leave to the store.

    Parameters
    ----------
    usable_wh : float
        Deepest drawdown, counted inside the store [Wh].
    discharge_w : float
        Largest deficit at the bus [W].
    start, deepest : int
        Interval in which the drawdown begins, and that at whose end it is deepest; -1 if there is none.
    final_wh : float
        Missing at the end of the period [Wh].

    Examples
    --------
    >>> Need(5.0, 1.0, 0, 4, 0.0).usable_wh
    5.0
    """

    usable_wh: float
    discharge_w: float
    start: int
    deepest: int
    final_wh: float


@dataclass(frozen=True)
class UnitMix:
    """The lightest units, and how they were found.

    Parameters
    ----------
    mass_kg : float
        All together [kg].
    bound_kg : float
        What the integer program proves no mix can be lighter than [kg].
    sources, carriers : tuple of int
        Units and carriers of each source.
    modules, charge_units, discharge_units : int
        Of the store.
    need : Need
        Of these units, exactly.
    rounds, cuts : int
        Solutions tried, and windows that became constraints.

    Examples
    --------
    >>> UnitMix(1.0, 1.0, (1,), (0,), 0, 0, 0, Need(0.0, 0.0, -1, -1, 0.0), 1, 0).modules
    0
    """

    mass_kg: float
    bound_kg: float
    sources: tuple[int, ...]
    carriers: tuple[int, ...]
    modules: int
    charge_units: int
    discharge_units: int
    need: Need
    rounds: int
    cuts: int


class CutPool:
    """Windows that became constraints; they hold for every load of the same shape.

    Parameters
    ----------
    hours : array-like, (n,)
        Length of the intervals [h].
    load_w : array-like, (n,)
        Load in each interval [W].
    sources : sequence of SourceUnit
        What can be had.
    store : StoreUnit or None
        The store; None: sources alone have to carry the load.
    reserve : float
        Part of the usable energy that is never touched [1].

    Raises
    ------
    InputError
        If a series or number cannot be used.

    Examples
    --------
    >>> pool = CutPool([1.0, 1.0], [1.0, 1.0], [SourceUnit("lamp", np.ones(3), 1.0)], None)
    >>> lightest_units(pool).sources
    (1,)
    """

    def __init__(
        self,
        hours: npt.ArrayLike,
        load_w: npt.ArrayLike,
        sources: Sequence[SourceUnit],
        store: StoreUnit | None,
        reserve: float = 0.0,
    ) -> None:
        self.hours = as_series(hours, "hours", low=0.0)
        self.load_w = as_series(load_w, "load_w", length=self.hours.size, low=0.0)
        self.sources = tuple(sources)
        self.store = store
        if not 0.0 <= reserve < 1.0:
            raise InputError(f"is {reserve}", where="reserve", advice="use a part from 0 to below 1")
        self.reserve = reserve
        count = self.hours.size
        rows = [as_series(s.supply_w, s.name, low=0.0) for s in self.sources]
        wrong = [s.name for s, row in zip(self.sources, rows, strict=True) if row.size not in (count, count + 1)]
        if wrong or len({row.size for row in rows}) > 1:
            raise InputError(
                "has another length", where=(wrong or ["sources"])[0], advice="use the same intervals"
            )
        values = np.array(rows).reshape(len(rows), rows[0].size if rows else count)
        self.steps = values.shape[1] == count
        self.first_w = values[:, :count]
        self.last_w = values if self.steps else values[:, 1:]
        if store is not None and not (store.usable_wh > 0 and store.mass_kg >= 0):
            raise InputError(f"gives {store.usable_wh} Wh", where=store.name, advice="give modules some energy")
        self.rows: list[tuple[FloatSeries, float, float, float, float]] = []
        self._years()

    def _years(self) -> None:
        """The constraints that sources bring in each year what the loads take: a store is no source."""
        ends = np.cumsum(self.hours)
        total = float(ends[-1]) if ends.size else 0.0
        for stop in np.append(np.arange(_YEAR_H, total, _YEAR_H), total if total >= _YEAR_H else []):
            low, high = np.searchsorted(ends, (stop - _YEAR_H + 1e-6, stop - 1e-6))
            hours, part = self.hours[low : high + 1], slice(low, high + 1)
            mean = 0.5 * (self.first_w[:, part] + self.last_w[:, part])
            self.rows.append((mean @ hours, 0.0, 0.0, 0.0, float(self.load_w[part] @ hours)))

    def surplus_w(self, units: npt.ArrayLike, load_factor: float = 1.0) -> tuple[FloatSeries, FloatSeries]:
        """Surplus at the two ends of every interval.

        Parameters
        ----------
        units : array-like, (sources,)
            How many of each source.
        load_factor : float
            All loads times this [1].

        Returns
        -------
        first_w, last_w : ndarray, (n,)
            [W]
        """
        number = np.asarray(units, dtype=np.float64)
        load = load_factor * self.load_w
        first = number @ self.first_w - load
        return first, first if self.steps else number @ self.last_w - load

    def separate(
        self,
        units: FloatSeries,
        capacity_wh: float,
        charge_w: float,
        discharge_w: float,
        load_factor: float = 1.0,
        *,
        slack: float = 0.0,
    ) -> int:
        """Add the windows that a solution does not bridge.

        Parameters
        ----------
        units : ndarray, (sources,)
            How many of each source.
        capacity_wh : float
            What the store may give [Wh].
        charge_w, discharge_w : float
            Most power in and out [W].
        load_factor : float
            All loads times this [1].
        slack : float
            What may be missing [Wh, W].

        Returns
        -------
        int
            How many were added; 0: the solution holds.
        """
        first, last = self.surplus_w(units, load_factor)
        scale = 1.0 + float(np.max(self.load_w, initial=0.0)) * load_factor
        added = 0
        lowest = np.minimum(first, last)
        worst = int(np.argmin(lowest))
        if -lowest[worst] > discharge_w + _TOLERANCE * scale + slack:
            added += self._point(worst, last[worst] < first[worst])
        if self.store is None:
            return added
        return added + self._windows(first, last, capacity_wh * (1.0 + _TOLERANCE) + slack, charge_w)

    def _point(self, interval: int, at_end: bool) -> int:
        """The constraint that sources and discharge carry the load at one end of an interval."""
        supply = (self.last_w if at_end else self.first_w)[:, interval]
        self.rows.append((supply.copy(), 0.0, 0.0, 1.0, float(self.load_w[interval])))
        return 1

    def _windows(self, first: FloatSeries, last: FloatSeries, limit_wh: float, charge_w: float) -> int:
        from moonpost.design.kernels import episodes, window_weights

        store = self.store
        assert store is not None
        starts, peaks = np.zeros(4096, np.int64), np.zeros(4096, np.int64)
        depths = np.zeros(4096)
        rates = (store.charge_efficiency, store.discharge_efficiency, charge_w)
        found = episodes(first, last, self.hours, *rates, limit_wh + 1e-6, starts, peaks, depths)
        kept = min(found, starts.size)
        order = np.argsort(-depths[:kept])[:_EACH]
        for item in order:
            start, peak = int(starts[item]), int(peaks[item])
            low, high = start // 2, peak // 2 + 1
            left, right = np.zeros(high - low), np.zeros(high - low)
            at_most = window_weights(first, last, self.hours, *rates, start, peak, left, right)
            gains = self.first_w[:, low:high] @ left + self.last_w[:, low:high] @ right
            asked = float((left + right) @ self.load_w[low:high])
            self.rows.append((gains, 1.0, at_most, 0.0, asked))
        return len(order)


def unit_need(pool: CutPool, units: npt.ArrayLike, *, charge_w: float = np.inf, load_factor: float = 1.0) -> Need:
    """What given numbers of sources leave to the store, exactly.

    Parameters
    ----------
    pool : CutPool
        Load, sources and store.
    units : array-like, (sources,)
        How many of each source.
    charge_w : float
        Most power that charges the store, at the bus [W].
    load_factor : float
        All loads times this [1].

    Returns
    -------
    Need

    Examples
    --------
    >>> night = SourceUnit("array", np.array([4.0, 4.0, 0.0, 0.0]), 1.0)
    >>> pool = CutPool(np.ones(3), np.ones(3), [night], StoreUnit("cell", 1.0, 1.0, 1.0, 1.0))
    >>> round(unit_need(pool, [1]).usable_wh, 6)
    1.125
    """
    from moonpost.design.kernels import deepest

    first, last = pool.surplus_w(units, load_factor)
    store = pool.store
    rates = (1.0, 1.0) if store is None else (store.charge_efficiency, store.discharge_efficiency)
    depth, start, peak, final = deepest(first, last, pool.hours, *rates, charge_w)
    power = max(0.0, -float(min(first.min(), last.min())))
    return Need(depth, power, start // 2 if start >= 0 else -1, peak // 2 if peak >= 0 else -1, final)


class _Program:
    """The integer program of one pool: its columns, and its rows from the pool's windows."""

    def __init__(self, pool: CutPool, load_factor: float, most: Sequence[int] | None) -> None:
        self.pool, self.load_factor = pool, load_factor
        self.slack = self.gap = 0.0
        limits = [source.most for source in pool.sources] if most is None else most
        self.count = count = len(pool.sources)
        self.carried = [i for i, s in enumerate(pool.sources) if s.carrier_kg > 0]
        store = pool.store
        self.columns = count + len(self.carried) + 3
        self.mass = np.zeros(self.columns)
        self.upper = np.zeros(self.columns)
        for i, source in enumerate(pool.sources):
            self.mass[i], self.upper[i] = source.mass_kg, limits[i]
        for j, i in enumerate(self.carried):
            self.mass[count + j] = pool.sources[i].carrier_kg
            self.upper[count + j] = np.ceil(limits[i] / pool.sources[i].per_carrier)
        if store is not None:
            self.mass[-3:] = store.mass_kg, store.charge_kg, store.discharge_kg
            modules = load_factor * float(pool.load_w.max(initial=0.0)) * _YEAR_H / store.usable_wh
            self.upper[-3:] = (
                np.ceil(modules),
                0.0 if store.charge_w is None else 1e6,
                0.0 if store.discharge_w is None else 1e6,
            )

    def limits(self, x: FloatSeries) -> tuple[float, float, float]:
        """Usable energy less the reserve, and most power in and out, of a solution."""
        store = self.pool.store
        if store is None:
            return 0.0, 0.0, 0.0
        usable_wh = store.usable_wh * x[-3] * (1.0 - self.pool.reserve)
        charge = np.inf if store.charge_w is None else store.charge_w * x[-2]
        discharge = np.inf if store.discharge_w is None else store.discharge_w * x[-1]
        return float(usable_wh), float(charge), float(discharge)

    def matrix(self) -> tuple[Any, Any]:
        """Rows a x >= b."""
        rows, asked = [], []
        for j, i in enumerate(self.carried):
            row = np.zeros(self.columns)
            row[self.count + j], row[i] = self.pool.sources[i].per_carrier, -1.0
            rows.append(row)
            asked.append(0.0)
        store = self.pool.store
        for gains, energy, charge, discharge, load in self.pool.rows:
            row = np.zeros(self.columns)
            row[: self.count] = gains
            if store is not None:
                row[-3] = energy * store.usable_wh * (1.0 - self.pool.reserve)
                row[-2] = charge * (store.charge_w or 0.0)
                row[-1] = discharge * (store.discharge_w or 0.0)
            scale = min(_KILO, 1e3 / float(np.abs(row).max(initial=1e-9)))
            rows.append(row * scale)
            asked.append((load * self.load_factor + self.slack) * scale)
        return np.array(rows).reshape(len(rows), self.columns), np.array(asked)

    def solve(self, whole: bool) -> tuple[FloatSeries, float]:
        """The lightest solution of the rows so far, and what it is proven not to fall below."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, asked = self.matrix()
        rows = [LinearConstraint(matrix, asked, np.inf)] if len(matrix) else []
        with quiet():
            found = milp(
                self.mass,
                integrality=np.full(self.columns, int(whole)),
                bounds=Bounds(0.0, self.upper),
                constraints=rows,
                options={"mip_rel_gap": self.gap, "time_limit": 60.0},
            )
        if found.x is None:
            raise ModelError(
                "no number of the offered units carries the load",
                where=", ".join(source.name for source in self.pool.sources) or "no source",
                advice="offer a source that works in the dark, or a store",
            )
        bound = found.mip_dual_bound if whole and found.mip_dual_bound is not None else found.fun
        return np.asarray(found.x), float(bound)


def lightest_units(
    pool: CutPool,
    *,
    load_factor: float = 1.0,
    whole: bool = True,
    cutoff_kg: float = np.inf,
    most: Sequence[int] | None = None,
    gap: float = 0.0,
) -> UnitMix | None:
    """The lightest numbers of units that carry a load through a period.

    Parameters
    ----------
    pool : CutPool
        Load, sources, store, and windows already known, to which this adds.
    load_factor : float
        All loads times this [1].
    whole : bool
        Whole units; else any number, which bounds the whole ones from below. Counts are then rounded up in the
        result and only `mass_kg` is meant.
    cutoff_kg : float
        Give up as soon as no mix can be lighter than this [kg].
    most : sequence of int, optional
        Most units of each source, instead of their own limits; 0 leaves one out.
    gap : float
        How far above the bound the mass may stay, over the mass [1].

    Returns
    -------
    UnitMix or None
        None if the cutoff was reached.

    Raises
    ------
    ModelError
        If no number of units carries the load, or it was not found in 400 rounds.

    Notes
    -----
    Minimise the mass of units subject to one condition: the store, full at the start, never falls below its
    reserve. In every year the sources bring what the loads take: a store bridges, it is no source. With surplus
    s, efficiencies c and d and a charging limit q, the drawdown of a window is the integral of
    max(-s/d, -c min(s, q)): convex in the numbers of units. So each window of a solution's drawdown that is too
    deep gives one linear constraint that every solution meets and this one breaks. The program is solved again
    with it until the exact run through every interval finds no such window: the storage condition is exact, not
    sampled. Rows are found first without whole numbers, then with them.

    References
    ----------
    Kelley, J. E. (1960), The cutting-plane method for solving convex programs, J. SIAM 8, 703,
    doi:10.1137/0108053. Thomas and Burden (1963), the sequent peak. Huangfu, Q., and J. A. J. Hall (2018),
    Parallelizing the dual revised simplex method, doi:10.1007/s12532-017-0130-5 (HiGHS).

    Examples
    --------
    >>> array = SourceUnit("array", np.array([4.0, 4.0, 0.0, 0.0, 4.0]), 1.0)
    >>> cells = StoreUnit("cell", 0.5, 1.0, 1.0, 1.0)
    >>> found = lightest_units(CutPool(np.ones(4), np.ones(4), [array], cells))
    >>> found.sources, found.modules, found.mass_kg
    ((1,), 3, 4.0)
    """
    program = _Program(pool, load_factor, most)
    program.gap = gap
    rounds = 0
    for stage in (False, True) if whole else (False,):
        x = np.full(program.columns, -1.0)
        while True:
            rounds += 1
            if rounds > _ROUNDS:
                raise ModelError("not found in 400 rounds", where="mix", advice="offer fewer kinds of units")
            before = x
            x, bound = program.solve(stage)
            if bound >= cutoff_kg:
                return None
            if stage:
                x = np.round(x)
                program.slack += 0.1 * _SLACK if np.array_equal(x, before) else 0.0
            slack = 0.0 if stage else _SLACK
            if not pool.separate(x[: program.count], *program.limits(x), load_factor, slack=slack):
                break
    return _mix(program, x, bound, rounds)


def _mix(program: _Program, x: FloatSeries, bound: float, rounds: int) -> UnitMix:
    """A solution as numbers of units."""
    pool = program.pool
    units = x[: program.count]
    _, charge_w, _ = program.limits(x)
    carriers = [0] * program.count
    for j, i in enumerate(program.carried):
        carriers[i] = int(np.ceil(x[program.count + j] - 1e-6))
    numbers = np.ceil(x - 1e-6).astype(int)
    return UnitMix(
        mass_kg=float(program.mass @ x),
        bound_kg=bound,
        sources=tuple(int(n) for n in numbers[: program.count]),
        carriers=tuple(carriers),
        modules=int(numbers[-3]),
        charge_units=int(numbers[-2]),
        discharge_units=int(numbers[-1]),
        need=unit_need(pool, units, charge_w=charge_w, load_factor=program.load_factor),
        rounds=rounds,
        cuts=len(pool.rows),
    )
