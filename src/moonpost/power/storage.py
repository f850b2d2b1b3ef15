"""How much storage a series of surplus and deficit needs, and stores pooled on one bus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power.series import as_series

__all__ = ["Gap", "StorageNeed", "StoragePool", "longest_gap", "nameplate_wh", "pool", "sequent_peak"]

_YEAR_S = 365.25 * 86_400.0
_MOST_ROUNDS = 400


@dataclass(frozen=True)
class StorageNeed:
    """The storage that a period asks for.

    Parameters
    ----------
    usable_wh : float
        Energy that must be held, counted inside the store [Wh].
    start, peak : int
        First step of the critical drawdown and the step at whose end it is deepest; -1 if nothing is needed.
    recovered : int
        Step at whose end the store is full again; -1 if that does not happen in the period.
    final_wh : float
        What is missing from a full store at the end of the period [Wh].
    sustainable : bool
        False if the sources do not carry the load: over the whole period the store would lose energy,
        or it is not full again within the last year or more.
    shortfall_w : float
        If not sustainable: mean power that is missing since the store was last full, counted inside the
        store [W]; else 0.

    Examples
    --------
    >>> sequent_peak([1.0, -2.0, 5.0], 3600.0).sustainable
    True
    """

    usable_wh: float
    start: int
    peak: int
    recovered: int
    final_wh: float
    sustainable: bool
    shortfall_w: float


@dataclass(frozen=True)
class Gap:
    """The longest stretch without light, and the most energy that one stretch takes.

    Parameters
    ----------
    start, stop : int
        First step of it and the first step after it.
    duration_s : float
        Its length [s].
    energy_wh : float
        Largest energy drawn from the store in any one stretch; that of the longest where nothing else
        changes [Wh].

    Examples
    --------
    >>> Gap(2, 5, 10_800.0, 30.0).duration_s
    10800.0
    """

    start: int
    stop: int
    duration_s: float
    energy_wh: float


@dataclass(frozen=True)
class StoragePool:
    """Stores on one bus that are charged and drawn in proportion to their size, as one.

    Parameters
    ----------
    nameplate_wh, usable_wh : float
        Rated energy, and the part that depth of discharge leaves for use [Wh].
    charge_efficiency, discharge_efficiency : float
        Stored over supplied, delivered over drawn [1].
    mass_kg : float
        Mass [kg].
    charge_w, discharge_w : float or None
        Most power in and out, at the bus [W]; None where a store has no limit.
    self_discharge_per_day : float
        Part of what is held that is lost in a day [1/d].
    fade_per_year, fade_per_cycle : float
        Capacity lost in a year, and with a full cycle of the rated energy [1].

    Examples
    --------
    >>> pool([(Storage(capacity_wh=1000.0), 2)]).usable_wh
    1600.0
    """

    nameplate_wh: float = 0.0
    usable_wh: float = 0.0
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    mass_kg: float = 0.0
    charge_w: float | None = None
    discharge_w: float | None = None
    self_discharge_per_day: float = 0.0
    fade_per_year: float = 0.0
    fade_per_cycle: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether it has no limits of power, no self-discharge and no fade."""
        lossless = self.self_discharge_per_day == self.fade_per_year == self.fade_per_cycle == 0.0
        return lossless and self.charge_w is None and self.discharge_w is None


def pool(stores: Iterable[tuple[Storage, int]]) -> StoragePool:
    """Several stores on one bus as one.

    Parameters
    ----------
    stores : iterable of (Storage, int)
        Each store with the number of its copies.

    Returns
    -------
    StoragePool
        Of size zero if there are none.

    Notes
    -----
    Every store gets and gives energy in proportion to its usable energy, so that all stay equally full.
    Then 1 / charge efficiency and the discharge efficiency of the pool are means weighted by usable energy, and so
    are self-discharge and fade. Limits of power are those of the store that reaches its own first.

    Examples
    --------
    >>> cells = Storage(kind="fuel-cell", capacity_wh=1000.0, depth_of_discharge=1.0, charge_efficiency=0.5,
    ...     discharge_efficiency=0.5)
    >>> pool([(cells, 1)]).discharge_efficiency
    0.5
    """
    rows = list(stores)
    usable = [count * store.capacity_wh * store.depth_of_discharge for store, count in rows]
    total = sum(usable)
    if total == 0.0:
        return StoragePool()
    filled = sum(part / store.charge_efficiency for part, (store, _) in zip(usable, rows, strict=True))
    emptied = sum(part * store.discharge_efficiency for part, (store, _) in zip(usable, rows, strict=True))
    share = [part / total for part in usable]
    return StoragePool(
        nameplate_wh=sum(count * store.capacity_wh for store, count in rows),
        usable_wh=total,
        charge_efficiency=_mean([store.charge_efficiency for store, _ in rows], total / filled),
        discharge_efficiency=_mean([store.discharge_efficiency for store, _ in rows], emptied / total),
        mass_kg=sum(count * store.capacity_wh / store.specific_energy_wh_kg for store, count in rows),
        charge_w=_least([(store.charge_w, count) for store, count in rows], share),
        discharge_w=_least([(store.discharge_w, count) for store, count in rows], share),
        self_discharge_per_day=_blend([store.self_discharge_per_day for store, _ in rows], share),
        fade_per_year=_blend([store.fade_per_year for store, _ in rows], share),
        fade_per_cycle=_blend([store.fade_per_cycle for store, _ in rows], share),
    )


def _least(limits: list[tuple[float | None, int]], share: list[float]) -> float | None:
    """Power of the pool at which the first of its stores is at its limit; None without limits."""
    found = [c * w / part for (w, c), part in zip(limits, share, strict=True) if w is not None and part > 0.0]
    return min(found, default=None)


def _blend(values: list[float], share: list[float]) -> float:
    """Mean weighted by usable energy, exact where all are equal."""
    if len(set(values)) == 1:
        return values[0]
    return sum(value * part for value, part in zip(values, share, strict=True))


def _mean(values: list[float], mean: float) -> float:
    """A mean kept within its values, whatever rounding did to it."""
    return min(max(mean, min(values)), max(values))


def nameplate_wh(usable_wh: float, depth_of_discharge: float) -> float:
    """Rated energy of a store that has to give a usable energy.

    Parameters
    ----------
    usable_wh : float
        Energy to be used [Wh].
    depth_of_discharge : float
        Usable fraction of the rated energy [1].

    Returns
    -------
    float
        [Wh]

    Raises
    ------
    InputError
        If the depth of discharge is not above 0 and at most 1, or the energy is negative.

    Examples
    --------
    >>> nameplate_wh(800.0, 0.8)
    1000.0
    """
    if not 0.0 < depth_of_discharge <= 1.0:
        raise InputError(
            f"is {depth_of_discharge}", where="depth_of_discharge", advice="use more than 0, at most 1"
        )
    if not 0.0 <= usable_wh < np.inf:
        raise InputError(f"is {usable_wh}", where="usable_wh", advice="use a finite energy that is not negative")
    return usable_wh / depth_of_discharge


def sequent_peak(
    surplus_w: npt.ArrayLike,
    step_s: float,
    charge_efficiency: float = 1.0,
    discharge_efficiency: float = 1.0,
    *,
    charge_w: float | None = None,
    self_discharge_per_day: float = 0.0,
) -> StorageNeed:
    """Storage that bridges the worst cumulative energy deficit of a period.

    Parameters
    ----------
    surplus_w : array-like, (n,)
        Supply less load on the bus, constant within each step [W].
    step_s : float
        Step [s].
    charge_efficiency, discharge_efficiency : float
        Stored over supplied, delivered over drawn; above 0, at most 1 [1].
    charge_w : float, optional
        Most power that goes in [W].
    self_discharge_per_day : float, default 0.0
        Part of what is held that is lost in a day, below 0.1 [1/d].

    Returns
    -------
    StorageNeed
        The need, when it arises, and whether the sources carry the load at all.

    Raises
    ------
    InputError
        If the series is not finite, the step not positive or an efficiency out of range.

    Notes
    -----
    With d_0 = 0, d_k = max(0, d_{k-1} - eta_c s_k dt) in surplus and d_{k-1} - s_k dt / eta_d in deficit,
    the need is max d_k. The store starts full. Darkness that follows before the store is full again adds
    up, so the need can exceed what the longest darkness alone takes. With self-discharge the need depends on the
    store's own size, C = max d(C), which is found by repeating to 1e-12; a store that leaks more than the sources
    can make up is not sustainable. Exact for series constant within each step; light that changes within a step is
    represented by its sample.

    References
    ----------
    Thomas, H. A., and R. P. Burden (1963), Operations research in water quality management, Harvard
    (sequent peak); Loucks, D. P., and E. van Beek (2017), Water Resource Systems Planning and Management,
    doi:10.1007/978-3-319-44234-1.

    Examples
    --------
    Two nights of 3 Wh with only 1 Wh of surplus between them need 5 Wh, not 3:

    >>> sequent_peak([5.0, -3.0, 1.0, -3.0, 9.0], 3600.0).usable_wh
    5.0
    """
    surplus = as_series(surplus_w, "surplus_w")
    _check_rates(step_s, charge_efficiency, discharge_efficiency)
    if charge_w is not None:
        if not charge_w > 0.0:
            raise InputError(f"is {charge_w}", where="charge_w", advice="use a power above 0")
        surplus = np.minimum(surplus, charge_w)
    if not 0.0 <= self_discharge_per_day < 0.1:
        raise InputError(
            f"is {self_discharge_per_day}", where="self_discharge_per_day", advice="use 0 to below 0.1"
        )
    from moonpost.power.kernels import drawdown

    step_h = step_s / 3600.0
    rates = (step_h, charge_efficiency, discharge_efficiency)
    need, start, peak, recovered, open_start, final = drawdown(surplus, *rates)
    settled = True
    if self_discharge_per_day > 0.0:
        found, settled = _with_leak(surplus, rates, self_discharge_per_day / 24.0, need)
        need, start, peak, recovered, open_start, final = found
    gained = np.where(surplus >= 0, surplus * charge_efficiency, surplus / discharge_efficiency)
    open_s = (surplus.size - open_start) * step_s if open_start >= 0 else 0.0
    losing = float(gained.sum()) * step_h < -1e-12 * float(np.abs(gained).sum()) * step_h
    sustainable = settled and not (open_start >= 0 and (losing or open_s >= _YEAR_S))
    return StorageNeed(
        usable_wh=need,
        start=start,
        peak=peak,
        recovered=recovered,
        final_wh=final,
        sustainable=sustainable,
        shortfall_w=0.0 if sustainable or open_s == 0.0 else final * 3600.0 / open_s,
    )


def _with_leak(
    surplus: npt.NDArray[np.float64], rates: tuple[float, float, float], leak_per_h: float, first_wh: float
) -> tuple[tuple[float, int, int, int, int, float], bool]:
    """The drawdown of a leaking store that is just large enough for itself, and whether there is one."""
    from moonpost.power.kernels import leaky_drawdown

    size_wh = first_wh
    for _ in range(_MOST_ROUNDS):
        found = leaky_drawdown(surplus, *rates, leak_per_h, size_wh)
        if found[0] <= size_wh * (1.0 + 1e-12):
            return found, True
        size_wh = found[0]
    return found, False


def _check_rates(step_s: float, charge_efficiency: float, discharge_efficiency: float) -> None:
    """Raise unless the step is positive and the efficiencies are fractions."""
    if not 0.0 < step_s < np.inf:
        raise InputError(f"is {step_s}", where="step_s", advice="use a positive number of seconds")
    for name, value in (("charge_efficiency", charge_efficiency), ("discharge_efficiency", discharge_efficiency)):
        if not 0.0 < value <= 1.0:
            raise InputError(f"is {value}", where=name, advice="use more than 0, at most 1")


def longest_gap(
    dark: npt.ArrayLike, step_s: float, surplus_w: npt.ArrayLike | None = None, discharge_efficiency: float = 1.0
) -> Gap:
    """The longest darkness of a period, and what one darkness alone would take from the store at most.

    Parameters
    ----------
    dark : array-like of bool, (n,)
        True where no part of the Sun is in view.
    step_s : float
        Step [s].
    surplus_w : array-like, (n,), optional
        Supply less load [W]; without it the energy is 0.
    discharge_efficiency : float
        Delivered over drawn [1].

    Returns
    -------
    Gap
        The first of the longest stretches; empty (0, 0) if there is none.

    Raises
    ------
    InputError
        If a series or number cannot be used.

    Notes
    -----
    For comparison with `sequent_peak` only: storage sized by it is too small wherever lit gaps are too
    short to recharge. Lengths are whole steps.

    Examples
    --------
    >>> longest_gap([True, False, True, True], 3600.0, [-1.0, 5.0, -2.0, -2.0]).energy_wh
    4.0
    """
    mask = np.asarray(dark)
    if mask.ndim != 1 or mask.dtype != np.bool_ or mask.size == 0:
        raise InputError("is not a series of true and false", where="dark", advice="pass light_fraction == 0")
    _check_rates(step_s, 1.0, discharge_efficiency)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if starts.size == 0:
        return Gap(0, 0, 0.0, 0.0)
    longest = int(np.argmax(stops - starts))
    start, stop = int(starts[longest]), int(stops[longest])
    energy_wh = 0.0
    if surplus_w is not None:
        surplus = as_series(surplus_w, "surplus_w", length=mask.size)
        drawn = np.where(mask, np.maximum(-surplus, 0.0), 0.0)
        energy_wh = float(np.add.reduceat(drawn, starts).max()) * step_s / 3600.0 / discharge_efficiency
    return Gap(start, stop, (stop - start) * step_s, energy_wh)
