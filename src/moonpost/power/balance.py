"""A bus run through time: sources, loads and one store, with every watt-hour accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power.series import FloatSeries, as_series
from moonpost.power.storage import StoragePool, pool

__all__ = ["BusEvent", "BusRun", "bus_events", "run_bus"]


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

    Examples
    --------
    >>> BusEvent(1800.0, "storage-empty", 0).kind
    'storage-empty'
    """

    time_s: float
    kind: str
    step: int


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
        What the loads ask for [W].
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

    @property
    def served_w(self) -> FloatSeries:
        """What the loads got, (n,) [W]."""
        return self.load_w - self.shed_w

    @property
    def storage_loss_w(self) -> FloatSeries:
        """Lost on the way into and out of the store, (n,) [W]."""
        into = self.charged_w * (1.0 - self.storage.charge_efficiency)
        return into + self.discharged_w * (1.0 / self.storage.discharge_efficiency - 1.0)

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
            Times are exact for powers that are constant within each step.
        """
        return bus_events(
            self.step_s,
            flows=(self.charged_w, self.discharged_w, self.spilled_w, self.shed_w),
            stored_wh=(self.stored_wh[:-1], self.stored_wh[1:]),
            usable_wh=self.storage.usable_wh,
        )


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
    (BusEvent(time_s=0.0, kind='shed-begins', step=0),)
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


def run_bus(
    supply_w: npt.ArrayLike,
    load_w: npt.ArrayLike,
    step_s: float,
    storage: Storage | StoragePool | None = None,
    *,
    initial_fraction: float = 1.0,
    initial_wh: float | None = None,
    bus_efficiency: float = 1.0,
) -> BusRun:
    """Run a bus: sources feed loads, the rest charges the store, the store covers what lacks.

    Parameters
    ----------
    supply_w : array-like, (n,)
        What the sources can give [W].
    load_w : array-like, (n,) or scalar
        What the loads ask for [W].
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

    Returns
    -------
    BusRun

    Raises
    ------
    InputError
        If a series is not finite or negative, or a number is out of range.

    Notes
    -----
    In each step net = eta_b supply - load. Surplus charges the store up to its usable energy, and the
    rest is spilled; a deficit draws it down to zero, and the rest is shed from all loads alike. The store
    changes by eta_c charged dt - discharged dt / eta_d. Neglected: limits on charging power,
    self-discharge, ageing and temperature of the store.

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
    load = as_series(load_w, "load_w", length=supply.size, low=0.0)
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
    from moonpost.power.kernels import flows

    stored, charged, discharged, spilled, shed = flows(
        supply * bus_efficiency - load,
        step_s / 3600.0,
        store.usable_wh,
        min(held_wh, store.usable_wh),
        store.charge_efficiency,
        store.discharge_efficiency,
    )
    return BusRun(
        step_s=step_s,
        supply_w=supply,
        load_w=load,
        bus_loss_w=supply * (1.0 - bus_efficiency),
        charged_w=charged,
        discharged_w=discharged,
        spilled_w=spilled,
        shed_w=shed,
        stored_wh=stored,
        storage=store,
    )
