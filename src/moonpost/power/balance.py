"""A bus run through time: sources, loads and one store, with every watt-hour accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power.series import FloatSeries, as_series
from moonpost.power.storage import StoragePool, pool

__all__ = ["BusEvent", "BusLoad", "BusRun", "bus_events", "run_bus"]

_YEAR_H = 365.25 * 24.0


@dataclass(frozen=True)
class BusEvent:
    """Something that happened on the bus.

    Parameters
    ----------
    time_s : float
        Seconds since the start of the run [s].
    kind : {"storage-full", "storage-empty", "shed-begins", "shed-ends"}
        What happened.
    step : int
        The step it falls in.
    load : str
        Which load is shed or served again; empty for the bus as a whole.
    power_w : float
        Shed in that step, as a mean over it [W].
    why : str
        Why load is shed: the store is empty, its power limit is reached, or there is none.

    Examples
    --------
    >>> BusEvent(1800.0, "storage-empty", 0).kind
    'storage-empty'
    """

    time_s: float
    kind: str
    step: int
    load: str = ""
    power_w: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class BusLoad:
    """A load on a bus, with its place in the order of shedding.

    Parameters
    ----------
    name : str
        What it is.
    power_w : array-like, (n,) or scalar
        What it asks for, at the machine [W].
    priority : int
        1 is served first, 9 is shed first.
    converter_efficiency : float
        Power at the machine over power from the bus [1].

    Examples
    --------
    >>> BusLoad("oven", 100.0, priority=9).priority
    9
    """

    name: str
    power_w: npt.ArrayLike
    priority: int = 5
    converter_efficiency: float = 1.0


@dataclass(frozen=True)
class BusRun:
    """What flowed on a bus. Powers are means of each step, at the bus [W].

    Parameters
    ----------
    step_s : float
        Step [s].
    supply_w : ndarray, (n,)
        What the sources could give, before the bus [W].
    load_w : ndarray, (n,)
        What the loads ask for at the bus, their converters included [W].
    bus_loss_w : ndarray, (n,)
        Lost between sources and bus [W].
    charged_w, discharged_w : ndarray, (n,)
        Into and out of the store, at the bus [W].
    spilled_w : ndarray, (n,)
        Not used because the store is full: arrays are turned down [W].
    shed_w : ndarray, (n,)
        Asked for and not given [W].
    stored_wh : ndarray, (n + 1,)
        Held in the store at the start of each step and at the end [Wh].
    storage : StoragePool
        The store.
    usable_wh : ndarray, (n,)
        What the store can hold, as it fades [Wh].
    leaked_w, faded_w : ndarray, (n,)
        Lost inside the store by self-discharge, and with capacity that fades away under it [W].
    limit_from, shed_from : ndarray, (n,)
        Part of each step after which the store is full or empty, and after which load is shed; 2 if not.
    loads : tuple of BusLoad
        The loads as given, by priority; empty if only their sum was.
    load_shed_w : mapping of str to ndarray, (n,)
        Shed by load, at the bus: priority 9 first, and those of one priority in proportion [W].

    Examples
    --------
    >>> run = run_bus([5.0, 0.0], [1.0, 1.0], 3600.0, Storage(capacity_wh=10.0))
    >>> run.shed_w
    array([0., 0.])
    """

    step_s: float
    supply_w: FloatSeries
    load_w: FloatSeries
    bus_loss_w: FloatSeries
    charged_w: FloatSeries
    discharged_w: FloatSeries
    spilled_w: FloatSeries
    shed_w: FloatSeries
    stored_wh: FloatSeries
    storage: StoragePool
    usable_wh: FloatSeries
    leaked_w: FloatSeries
    faded_w: FloatSeries
    limit_from: FloatSeries
    shed_from: FloatSeries
    loads: tuple[BusLoad, ...] = ()
    load_shed_w: Mapping[str, FloatSeries] = field(default_factory=dict)

    @property
    def served_w(self) -> FloatSeries:
        """What the loads got, (n,) [W]."""
        return self.load_w - self.shed_w

    @property
    def storage_loss_w(self) -> FloatSeries:
        """Lost on the way into and out of the store, and within it, (n,) [W]."""
        into = self.charged_w * (1.0 - self.storage.charge_efficiency)
        out = self.discharged_w * (1.0 / self.storage.discharge_efficiency - 1.0)
        return into + out + self.leaked_w + self.faded_w

    @property
    def converter_loss_w(self) -> FloatSeries:
        """Lost in the converters of the loads that are served, part of `served_w`, (n,) [W]."""
        lost = np.zeros_like(self.load_w)
        for load in self.loads:
            asked = as_series(load.power_w, load.name, length=lost.size) / load.converter_efficiency
            lost += (asked - self.load_shed_w[load.name]) * (1.0 - load.converter_efficiency)
        return lost

    @property
    def residual_wh(self) -> float:
        """Energy that the run cannot account for [Wh]; rounding only."""
        out_w = self.served_w + self.bus_loss_w + self.storage_loss_w + self.spilled_w
        flowed_wh = float(np.sum(self.supply_w - out_w)) * self.step_s / 3600.0
        return flowed_wh - float(self.stored_wh[-1] - self.stored_wh[0])

    @property
    def residual_relative(self) -> float:
        """Largest unaccounted energy, of any step or of the whole, over the energy in play [1]."""
        step_h = self.step_s / 3600.0
        out_w = self.served_w + self.bus_loss_w + self.storage_loss_w + self.spilled_w
        each_wh = np.abs((self.supply_w - out_w) * step_h - np.diff(self.stored_wh))
        scale_wh = (self.supply_w + self.load_w) * step_h + self.stored_wh[:-1] + self.storage.usable_wh
        each = np.divide(each_wh, scale_wh, out=np.zeros_like(each_wh), where=scale_wh > 0)
        whole = float(np.sum(self.supply_w + self.load_w)) * step_h + self.storage.usable_wh
        return max(float(each.max()), abs(self.residual_wh) / whole if whole > 0 else 0.0)

    def events(self) -> tuple[BusEvent, ...]:
        """Every time the store becomes full or empty, and shedding begins or ends, in order of time.

        Returns
        -------
        tuple of BusEvent
            Times are exact for powers that are constant within each step. With loads given one by one, shedding is
            told of each.
        """
        if self.storage.plain and not self.loads:
            return bus_events(
                self.step_s,
                flows=(self.charged_w, self.discharged_w, self.spilled_w, self.shed_w),
                stored_wh=(self.stored_wh[:-1], self.stored_wh[1:]),
                usable_wh=self.storage.usable_wh,
            )
        return tuple(sorted(self._found(), key=lambda event: (event.time_s, event.kind, event.load)))

    def shed_table(self) -> tuple[dict[str, Any], ...]:
        """What was shed, when and why: one row for each stretch of shedding of a load.

        Returns
        -------
        tuple of dict
            `load`, `priority`, `start_s`, `stop_s` (None if it goes on), `energy_wh` at the bus and `why`.
        """
        rows = []
        for load in self.loads:
            shed = self.load_shed_w[load.name]
            for start, stop in _stretches(shed > 0.0):
                rows.append(
                    {
                        "load": load.name,
                        "priority": load.priority,
                        "start_s": (start + self._shed_part(start)) * self.step_s,
                        "stop_s": stop * self.step_s if stop < shed.size else None,
                        "energy_wh": float(shed[start:stop].sum()) * self.step_s / 3600.0,
                        "why": self._why(start),
                    }
                )
        return tuple(sorted(rows, key=lambda row: (row["start_s"], row["load"])))

    def _found(self) -> Iterator[BusEvent]:
        """Events of the store and of each load."""
        before, after, usable = self.stored_wh[:-1], self.stored_wh[1:], self.usable_wh
        full = (usable > 0.0) & (after >= usable) & (before < usable)
        empty = (after <= 0.0) & (before > 0.0)
        for kind, when in (("storage-full", full), ("storage-empty", empty)):
            for step in np.flatnonzero(when):
                at = float(min(max(self.limit_from[step], 0.0), 1.0))
                yield BusEvent((int(step) + at) * self.step_s, kind, int(step))
        shed_by = self.load_shed_w or {"": self.shed_w}
        for name, shed in shed_by.items():
            for start, stop in _stretches(shed > 0.0):
                begun_s = (start + self._shed_part(start)) * self.step_s
                yield BusEvent(begun_s, "shed-begins", start, name, float(shed[start]), self._why(start))
                if stop < shed.size:
                    yield BusEvent(stop * self.step_s, "shed-ends", stop, name)

    def _shed_part(self, step: int) -> float:
        """Part of a step after which load is shed."""
        return min(max(float(self.shed_from[step]), 0.0), 1.0)

    def _why(self, step: int) -> str:
        """Why load is shed in a step."""
        if self.storage.usable_wh == 0.0:
            return "no store"
        return "store empty" if self.stored_wh[step + 1] <= 0.0 else "power limit of the store"


def bus_events(
    step_s: float,
    *,
    flows: tuple[FloatSeries, FloatSeries, FloatSeries, FloatSeries],
    stored_wh: tuple[FloatSeries, FloatSeries],
    usable_wh: float | FloatSeries,
) -> tuple[BusEvent, ...]:
    """Every time a store becomes full or empty, and shedding begins or ends, in order of time.

    Parameters
    ----------
    step_s : float
        Step [s].
    flows : tuple of four ndarray, (n,)
        Charged, discharged, spilled and shed power [W].
    stored_wh : tuple of two ndarray, (n,)
        Energy held at the start and at the end of each step [Wh].
    usable_wh : float or ndarray, (n,)
        What the store can hold [Wh].

    Returns
    -------
    tuple of BusEvent
        Times are exact for powers that are constant within each step.

    Examples
    --------
    >>> zero = np.zeros(1)
    >>> bus_events(60.0, flows=(zero, zero, zero, np.ones(1)), stored_wh=(zero, zero), usable_wh=0.0)
    (BusEvent(time_s=0.0, kind='shed-begins', step=0, load='', power_w=0.0, why=''),)
    """
    charged, discharged, spilled, shed = flows
    before, after = stored_wh
    there = np.broadcast_to(np.asarray(usable_wh) > 0.0, before.shape)
    shedding = np.concatenate(([False], shed > 0.0))
    filled = there & (after >= usable_wh) & (before < usable_wh)
    emptied = there & (after <= 0.0) & (before > 0.0)
    found = [
        *_within(step_s, "storage-full", filled, charged, spilled),
        *_within(step_s, "storage-empty", emptied, discharged, shed),
        *_within(step_s, "shed-begins", shedding[1:] & ~shedding[:-1], discharged, shed),
        *(BusEvent(int(k) * step_s, "shed-ends", int(k)) for k in np.flatnonzero(~shedding[1:] & shedding[:-1])),
    ]
    return tuple(sorted(found, key=lambda event: (event.time_s, event.kind)))


def _within(
    step_s: float, kind: str, when: npt.NDArray[np.bool_], first_w: FloatSeries, then_w: FloatSeries
) -> list[BusEvent]:
    """Events at the instant of their step at which one flow gives way to another."""
    steps = np.flatnonzero(when)
    fractions = first_w[steps] / (first_w[steps] + then_w[steps])
    return [BusEvent((int(k) + float(f)) * step_s, kind, int(k)) for k, f in zip(steps, fractions, strict=True)]


def _stretches(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First step of each stretch that is true, and the first after it."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def run_bus(
    supply_w: npt.ArrayLike,
    load_w: npt.ArrayLike | Sequence[BusLoad],
    step_s: float,
    storage: Storage | StoragePool | None = None,
    *,
    initial_fraction: float = 1.0,
    initial_wh: float | None = None,
    bus_efficiency: float = 1.0,
    charge_allowed: npt.ArrayLike = True,
) -> BusRun:
    """Run a bus: sources feed loads, the rest charges the store, the store covers what lacks.

    Parameters
    ----------
    supply_w : array-like, (n,)
        What the sources can give [W].
    load_w : array-like, (n,) or scalar, or sequence of BusLoad
        What the loads ask for at the bus, as a sum [W], or load by load with priorities and converters.
    step_s : float
        Step [s].
    storage : Storage or StoragePool, optional
        The store; none means that only sources feed the loads.
    initial_fraction : float
        How full the usable part of the store is at the start, 0 to 1 [1].
    initial_wh : float, optional
        The same as energy; it takes precedence [Wh].
    bus_efficiency : float
        Delivered to the bus over given by the sources, above 0, at most 1 [1].
    charge_allowed : array-like of bool, (n,) or scalar
        Whether the store may be charged: false while it is too cold or warm, see `can_charge`.

    Returns
    -------
    BusRun

    Raises
    ------
    InputError
        If a series is not finite or negative, a number is out of range, or two loads have one name.

    Notes
    -----
    In each step net = eta_b supply - load. Surplus charges the store up to its usable energy, at most at its limit
    of power, and the rest is spilled; a deficit draws it down to zero, at most at its limit, and the rest is shed:
    from priority 9 first and from loads of one priority in proportion, or from all alike if only their sum is
    given. Loads can be shed in part, and what a step has goes to the first priorities of the whole step; shedding
    is dated to the instant at which the bus first lacks power. The store changes by dE/dt = eta_c charged -
    discharged / eta_d - k E with self-discharge k, solved exactly in each step, with the instants at which it is
    full or empty; a full store is kept full. Its capacity fades from step to step with time and with what was
    drawn; energy that it can no longer hold is lost and counted.

    Examples
    --------
    >>> run = run_bus([0.0, 0.0, 9.0], 2.0, 3600.0, Storage(capacity_wh=4.0, depth_of_discharge=0.75,
    ...     charge_efficiency=1.0, discharge_efficiency=1.0))
    >>> run.stored_wh
    array([3., 1., 0., 3.])
    >>> [(event.time_s, event.kind) for event in run.events()][:2]
    [(5400.0, 'shed-begins'), (5400.0, 'storage-empty')]
    """
    supply = as_series(supply_w, "supply_w", low=0.0)
    loads, load = _loads(load_w, supply.size)
    allowed = np.broadcast_to(np.asarray(charge_allowed, dtype=np.bool_), supply.shape)
    store = storage if isinstance(storage, StoragePool) else pool([(storage, 1)] if storage else [])
    held_wh = store.usable_wh * initial_fraction if initial_wh is None else initial_wh
    if not 0.0 < step_s < np.inf:
        raise InputError(f"is {step_s}", where="step_s", advice="use a positive number of seconds")
    if not 0.0 < bus_efficiency <= 1.0:
        raise InputError(f"is {bus_efficiency}", where="bus_efficiency", advice="use more than 0, at most 1")
    if not 0.0 <= held_wh <= store.usable_wh * (1.0 + 1e-12):
        raise InputError(
            f"the store would start with {held_wh} of {store.usable_wh} Wh",
            where="initial_fraction",
            advice="use a fraction from 0 to 1",
        )
    net = supply * bus_efficiency - load
    held_wh = min(held_wh, store.usable_wh)
    if store.plain and allowed.all():
        series = _plain_flows(net, step_s / 3600.0, store, held_wh)
    else:
        series = _limited_flows(net, step_s / 3600.0, store, held_wh, allowed)
    return BusRun(
        step_s=step_s,
        supply_w=supply,
        load_w=load,
        bus_loss_w=supply * (1.0 - bus_efficiency),
        storage=store,
        loads=loads,
        load_shed_w=_shares(loads, series["shed_w"]),
        **series,
    )


def _loads(load_w: npt.ArrayLike | Sequence[BusLoad], count: int) -> tuple[tuple[BusLoad, ...], FloatSeries]:
    """Loads by priority, if given one by one, and their sum at the bus."""
    given = [item for item in load_w if isinstance(item, BusLoad)] if isinstance(load_w, list | tuple) else []
    if not given:
        return (), as_series(load_w, "load_w", length=count, low=0.0)
    total = np.zeros(count)
    for load in given:
        if not 1 <= load.priority <= 9:
            raise InputError(f"is {load.priority}", where=f"priority of {load.name}", advice="use 1 to 9")
        if not 0.0 < load.converter_efficiency <= 1.0:
            raise InputError(
                f"is {load.converter_efficiency}",
                where=f"converter_efficiency of {load.name}",
                advice="use more than 0, at most 1",
            )
        total += (
            as_series(load.power_w, f"power_w of {load.name}", length=count, low=0.0) / load.converter_efficiency
        )
    if len({load.name for load in given}) < len(given):
        raise InputError("has a name twice", where="load_w", advice="give each load a name of its own")
    return tuple(sorted(given, key=lambda load: (load.priority, load.name))), total


def _shares(loads: tuple[BusLoad, ...], shed: FloatSeries) -> dict[str, FloatSeries]:
    """What each load loses of what is shed: the last priority first, in proportion within one."""
    left = shed.copy()
    found: dict[str, FloatSeries] = {}
    for priority in sorted({load.priority for load in loads}, reverse=True):
        group = [load for load in loads if load.priority == priority]
        asked = [as_series(x.power_w, x.name, length=shed.size) / x.converter_efficiency for x in group]
        total = np.sum(asked, axis=0)
        part = np.divide(np.minimum(left, total), total, out=np.zeros_like(left), where=total > 0.0)
        found.update({load.name: part * power for load, power in zip(group, asked, strict=True)})
        left = np.maximum(left - total, 0.0)
    return found


def _plain_flows(net: FloatSeries, step_h: float, store: StoragePool, held_wh: float) -> dict[str, FloatSeries]:
    """Flows of a store without limits."""
    from moonpost.power.kernels import flows

    stored, charged, discharged, spilled, shed = flows(
        net, step_h, store.usable_wh, held_wh, store.charge_efficiency, store.discharge_efficiency
    )
    zero = np.zeros(net.size)
    drawn = discharged + shed
    part = np.divide(discharged, drawn, out=zero.copy(), where=drawn > 0.0)
    given = charged + spilled
    filled = np.divide(charged, given, out=zero.copy(), where=given > 0.0)
    full = (stored[1:] >= store.usable_wh) & (net >= 0.0)
    empty = (stored[1:] <= 0.0) & (net < 0.0)
    return {
        "stored_wh": stored,
        "charged_w": charged,
        "discharged_w": discharged,
        "spilled_w": spilled,
        "shed_w": shed,
        "usable_wh": np.full(net.size, store.usable_wh),
        "leaked_w": zero,
        "faded_w": zero,
        "limit_from": np.where(full, filled, np.where(empty, part, 2.0)),
        "shed_from": np.where(shed > 0.0, part, 2.0),
    }


_FLOWS = ("charged_w", "discharged_w", "spilled_w", "shed_w", "leaked_w", "faded_w", "usable_wh")


def _limited_flows(
    net: FloatSeries, step_h: float, store: StoragePool, held_wh: float, allowed: npt.NDArray[np.bool_]
) -> dict[str, FloatSeries]:
    """Flows of a store with limits, self-discharge and fade."""
    from moonpost.power.kernels import limited_flows

    rated_wh = store.nameplate_wh if store.nameplate_wh > 0.0 else 1.0
    limits = np.array(
        [
            store.usable_wh,
            held_wh,
            store.charge_efficiency,
            store.discharge_efficiency,
            np.inf if store.discharge_w is None else store.discharge_w,
            store.self_discharge_per_day / 24.0,
            store.fade_per_year / _YEAR_H,
            store.fade_per_cycle / rated_wh,
        ]
    )
    most = np.where(allowed, np.inf if store.charge_w is None else store.charge_w, 0.0)
    stored, found = limited_flows(net, step_h, limits, most)
    series = {name: np.ascontiguousarray(found[:, k]) for k, name in enumerate(_FLOWS)}
    ends = {"limit_from": np.ascontiguousarray(found[:, 7]), "shed_from": np.ascontiguousarray(found[:, 8])}
    return {"stored_wh": stored, **series, **ends}
