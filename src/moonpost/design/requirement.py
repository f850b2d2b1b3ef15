"""The storage that a period of surplus and deficit asks for, as rated energy, mass and dates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import SolarArray, Storage
from moonpost.plan.model import DesignRules
from moonpost.power.series import FloatSeries, SunView, as_series, step_of
from moonpost.power.sources import array_power_w
from moonpost.power.storage import StoragePool, longest_gap, nameplate_wh, pool, sequent_peak

__all__ = ["StorageRequirement", "requirement_of", "storage_for_load"]

_YEAR_S = 365.25 * 86_400.0


@dataclass(frozen=True)
class StorageRequirement:
    """The storage that a period asks for, and what the longest darkness alone would have said.

    Parameters
    ----------
    usable_wh, nameplate_wh, mass_kg : float
        Energy to be held, rated energy of the store for it, and its mass [Wh, Wh, kg].
    start, deepest, recovered : datetime64 or None
        When the critical drawdown begins, is deepest, and when the store is full again; None if nothing is
        needed or, for the last, if that does not happen in the period.
    sustainable : bool
        False if the sources do not carry the load on average; the energies then grow with the period.
    shortfall_w : float
        Mean power then missing [W].
    longest_dark_s : float
        Longest darkness [s].
    dark_start, dark_stop : datetime64 or None
        When that is.
    dark_alone_wh : float
        Rated energy that the longest darkness alone would ask for; where loads or steady sources change over
        the period, the darkness that takes most [Wh].

    Examples
    --------
    >>> StorageRequirement(8.0, 10.0, 0.1, None, None, None, True, 0.0, 0.0, None, None, 5.0).beyond_darkness
    2.0
    """

    usable_wh: float
    nameplate_wh: float
    mass_kg: float
    start: np.datetime64 | None
    deepest: np.datetime64 | None
    recovered: np.datetime64 | None
    sustainable: bool
    shortfall_w: float
    longest_dark_s: float
    dark_start: np.datetime64 | None
    dark_stop: np.datetime64 | None
    dark_alone_wh: float

    @property
    def beyond_darkness(self) -> float | None:
        """Need over what the longest darkness alone would ask for [1]; None if that is nothing."""
        return self.nameplate_wh / self.dark_alone_wh if self.dark_alone_wh > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, times as text, for JSON."""
        plain = {name: _plain(value) for name, value in asdict(self).items()}
        return plain | {"beyond_darkness": self.beyond_darkness}


def _plain(value: Any) -> Any:
    return str(value.astype("datetime64[s]")) + "Z" if isinstance(value, np.datetime64) else value


def requirement_of(
    time: npt.NDArray[np.datetime64],
    step_s: float,
    surplus_w: FloatSeries,
    dark: npt.NDArray[np.bool_],
    store: StoragePool,
) -> StorageRequirement:
    """The storage that a series of surplus asks for, beside that of one darkness alone.

    Parameters
    ----------
    time : ndarray of datetime64, (n,)
        UTC, at even steps.
    step_s : float
        Step [s].
    surplus_w : ndarray, (n,)
        Supply less load on the bus [W].
    dark : ndarray of bool, (n,)
        Where no part of the Sun is in view.
    store : StoragePool
        Depth of discharge, efficiencies and specific energy, whatever its size above zero.

    Returns
    -------
    StorageRequirement
        Limits of charging power, self-discharge and fade count: the rated energy is that of the store when new. A
        store that is gone before the period ends is not sustainable.

    Examples
    --------
    >>> hours = np.datetime64("2035-01-01", "ms") + np.arange(3) * np.timedelta64(3600, "s")
    >>> dark = np.array([False, True, False])
    >>> requirement_of(hours, 3600.0, np.array([9.0, -2.0, 9.0]), dark, StoragePool(10.0, 5.0)).nameplate_wh
    4.0
    """
    need = sequent_peak(
        surplus_w,
        step_s,
        store.charge_efficiency,
        store.discharge_efficiency,
        charge_w=store.charge_w,
        self_discharge_per_day=store.self_discharge_per_day,
    )
    gap = longest_gap(dark, step_s, surplus_w, store.discharge_efficiency)
    depth = store.usable_wh / store.nameplate_wh
    rated_wh = nameplate_wh(need.usable_wh, depth)
    lasts = True
    if (store.fade_per_year > 0.0 or store.fade_per_cycle > 0.0) and rated_wh > 0.0:
        new_wh = _when_new_wh(surplus_w, step_s, store, rated_wh, depth)
        lasts, rated_wh = np.isfinite(new_wh), new_wh if np.isfinite(new_wh) else rated_wh
    step = np.timedelta64(round(step_s * 1000), "ms")

    def start_of(index: int) -> np.datetime64:
        return time[0].astype("datetime64[ms]") + index * step

    return StorageRequirement(
        usable_wh=need.usable_wh,
        nameplate_wh=rated_wh,
        mass_kg=rated_wh * store.mass_kg / store.nameplate_wh,
        start=start_of(need.start) if need.start >= 0 else None,
        deepest=start_of(need.peak + 1) if need.peak >= 0 else None,
        recovered=start_of(need.recovered + 1) if need.recovered >= 0 else None,
        sustainable=bool(need.sustainable and lasts),
        shortfall_w=need.shortfall_w,
        longest_dark_s=gap.duration_s,
        dark_start=start_of(gap.start) if gap.stop > gap.start else None,
        dark_stop=start_of(gap.stop) if gap.stop > gap.start else None,
        dark_alone_wh=nameplate_wh(gap.energy_wh, depth),
    )


def _when_new_wh(
    surplus_w: FloatSeries, step_s: float, store: StoragePool, rated_wh: float, depth: float
) -> float:
    """Rated energy of a new store that fades and yet holds what each step asks for; infinite if none does [Wh]."""
    from moonpost.power.kernels import flows

    limited = surplus_w if store.charge_w is None else np.minimum(surplus_w, store.charge_w)
    room_wh = 2.0 * rated_wh * depth + 1.0
    rates = (store.charge_efficiency, store.discharge_efficiency)
    stored, _, out_w, _, _ = flows(limited, step_s / 3600.0, room_wh, room_wh, *rates)
    drawn_wh = np.cumsum(out_w) * step_s / 3600.0 / store.discharge_efficiency
    years = np.arange(1, surplus_w.size + 1) * (step_s / _YEAR_S)
    asked_wh = np.maximum((room_wh - stored[1:]) / depth, 0.0)
    for _ in range(50):
        kept = 1.0 - store.fade_per_year * years - store.fade_per_cycle * drawn_wh / rated_wh
        if kept[-1] <= 0.0:
            return float("inf")
        found = float(np.max(asked_wh / kept))
        if abs(found - rated_wh) <= 1e-12 * found:
            break
        rated_wh = found
    return found


def storage_for_load(
    load_w: float,
    light_fraction: npt.ArrayLike,
    array: SolarArray,
    sun: SunView,
    rules: DesignRules,
    *,
    storage: Storage | None = None,
    count: int = 1,
) -> StorageRequirement:
    """Storage that keeps a constant load alive on a solar array in the light of one mast height.

    Parameters
    ----------
    load_w : float
        Constant load on the bus, taken as stated, without margins [W].
    light_fraction : array-like, (n,)
        Fraction of the solar disc in view at the array's height, 0 to 1.
    array : SolarArray
        The array.
    sun : SunView
        The Sun from the site at even steps, (n,).
    rules : DesignRules
        Losses of array and bus; margins are not used.
    storage : Storage, optional
        Depth of discharge, efficiencies and specific energy; the plan schema's default battery if absent. Its
        capacity is not used.
    count : int
        Number of arrays.

    Returns
    -------
    StorageRequirement
        With the longest darkness and what that alone would ask for.

    Raises
    ------
    InputError
        If a series or number cannot be used.

    Notes
    -----
    As in `size_storage`. Whether short lit gaps recharge depends on the size of the array: with a large one
    the need approaches that of the longest darkness.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(10) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(10), elevation_deg=np.ones(10),
    ...     distance_m=np.full(10, 1.5e11))
    >>> rules = DesignRules(start="2035", source="example", confidence="C")
    >>> array = SolarArray(kind="solar", rated_w=10_000.0, mount="vertical-tracking", mast_m=10.0)
    >>> store = Storage(capacity_wh=1.0, depth_of_discharge=0.5, discharge_efficiency=1.0)
    >>> storage_for_load(100.0, [1, 1, 0, 0, 0, 1, 1, 1, 1, 1], array, sun, rules, storage=store).nameplate_wh
    600.0
    """
    if not 0.0 <= load_w < np.inf:
        raise InputError(f"is {load_w}", where="load_w", advice="use a finite power that is not negative")
    if count < 1:
        raise InputError(f"is {count}", where="count", advice="use at least one array")
    step_s = step_of(sun.time)
    light = as_series(light_fraction, "light_fraction", length=sun.time.size, low=0.0, high=1.0)
    years = np.arange(light.size) * (step_s / _YEAR_S)
    supply = count * rules.bus_efficiency * array_power_w(array, sun, light, years, rules)
    store = pool([(storage or Storage(capacity_wh=1.0), 1)])
    return requirement_of(sun.time, step_s, supply - load_w, light <= 0.0, store)
