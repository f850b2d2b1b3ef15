"""Storage sized for the worst cumulative energy deficit of the real light at a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.design.requirement import StorageRequirement, requirement_of
from moonpost.errors import ModelError, UnknownNameError
from moonpost.plan.elements import Storage
from moonpost.plan.model import Plan
from moonpost.power.loads import PowerGroup, element_load_w, group_lit, power_groups
from moonpost.power.series import FloatSeries, SunView, step_of
from moonpost.power.sources import ReactorLife, element_supply_w, supply_statements
from moonpost.power.storage import StoragePool, pool, sequent_peak

__all__ = ["CarriedLoad", "StorageSizing", "carried_load", "size_storage"]

_YEAR_S = 365.25 * 86_400.0


@dataclass(frozen=True)
class StorageSizing:
    """Storage needed beside storage installed on a bus.

    Parameters
    ----------
    bus : str
        ``"station"`` or the element that lives on its own sources.
    reactors : str
        How reactors are counted.
    required : StorageRequirement
        What the period asks for.
    installed_wh, installed_usable_wh, installed_kg : float
        Rated and usable energy, and mass of the stores in the plan [Wh, Wh, kg].
    margin_wh : float
        Rated energy installed less needed; negative if it does not close [Wh].
    margin_fraction : float or None
        The same over what is needed [1]; None if nothing is needed.
    period_years : float
        Length of the period [years].
    statements : tuple of str
        What the result takes for granted.
    step_s : float
        Step of the series [s].
    supply_w, load_w : ndarray, (n,)
        Supply on the bus, and loads with all margins [W].
    storage : StoragePool
        The stores as one; their efficiencies are used also where nothing is installed.

    Examples
    --------
    >>> from moonpost.design import size_storage  # see there
    """

    bus: str
    reactors: str
    required: StorageRequirement
    installed_wh: float
    installed_usable_wh: float
    installed_kg: float
    margin_wh: float
    margin_fraction: float | None
    period_years: float
    statements: tuple[str, ...]
    step_s: float
    supply_w: FloatSeries = field(repr=False, compare=False)
    load_w: FloatSeries = field(repr=False, compare=False)
    storage: StoragePool = field(repr=False)

    @property
    def power_short_w(self) -> float:
        """By how much the largest deficit is above the power that the store gives [W]."""
        if self.storage.discharge_w is None:
            return 0.0
        return max(0.0, float(np.max(self.load_w - self.supply_w)) - self.storage.discharge_w)

    @property
    def closes(self) -> bool:
        """Whether the sources carry the load, and what is installed suffices in energy and power."""
        return self.required.sustainable and self.margin_wh >= 0.0 and self.power_short_w <= 1e-9

    def to_dict(self) -> dict[str, Any]:
        """The result without its series as plain values, times as text, for JSON."""
        names = ("bus", "reactors", "installed_wh", "installed_usable_wh", "installed_kg", "margin_wh")
        plain = {name: getattr(self, name) for name in (*names, "margin_fraction", "period_years", "closes")}
        plain["power_short_w"] = self.power_short_w
        means = {"mean_supply_w": float(self.supply_w.mean()), "mean_load_w": float(self.load_w.mean())}
        return plain | means | {"required": self.required.to_dict(), "statements": list(self.statements)}


@dataclass(frozen=True)
class CarriedLoad:
    """The load that the installed storage could carry through the period.

    Parameters
    ----------
    factor : float
        All loads could be multiplied by this [1]; below 1 means that the load has to shrink.
    mean_w, largest_w : float
        Mean and largest load then, margins included [W].

    Examples
    --------
    >>> CarriedLoad(0.5, 100.0, 200.0).factor
    0.5
    """

    factor: float
    mean_w: float
    largest_w: float


def size_storage(
    plan: Plan,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    bus: str = "station",
    reactors: ReactorLife = "design-life",
    light_mode_above: float = 0.0,
) -> StorageSizing:
    """Storage that carries a bus through the worst cumulative deficit of a period.

    Parameters
    ----------
    plan : Plan
        The plan; its elements are all there from the first instant, at age 0.
    sun : SunView
        The Sun from the site at even steps, (n,); its times are the period.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m]; one for each mast of the bus.
    bus : str
        ``"station"``, or an element that lives on its own sources.
    reactors : {"design-life", "replaced", "none"}
        Whether reactors end with their design life, are replaced in time, or are left out.
    light_mode_above : float
        Elements run their light modes only while more than this fraction of the disc is in view [1]. A plan's
        modes mean 0; more shows what waiting for a higher Sun saves.

    Returns
    -------
    StorageSizing

    Raises
    ------
    InputError
        If a series cannot be used or the light for a mast is missing.
    UnknownNameError
        If the plan has no such bus.

    Notes
    -----
    Surplus = eta_bus sum of sources - sum of loads (1 + maturity margin)(1 + system margin), per step; need by
    `sequent_peak`, over depth of discharge. Loads are in their light mode while any part of the Sun is in view
    from any array of the bus. Where the bus has no storage, the plan schema's default battery gives the
    efficiencies. One darkness alone takes its loads less its steady sources.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(48) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(48), elevation_deg=np.ones(48),
    ...     distance_m=np.full(48, 1.5e11))
    >>> dark = (np.arange(48) < 24).astype(float)
    >>> plan = load_plan("ilrs")
    >>> masts_m = {g.mast_m for e in plan.elements for g in e.generators if g.kind == "solar"} | {2.0}
    >>> size_storage(plan, sun, dict.fromkeys(masts_m, dark)).required.longest_dark_s
    86400.0
    """
    group = _group(plan, bus)
    step_s = step_of(sun.time)
    count = sun.time.size
    rules = plan.design
    lit = group_lit(group, light_by_mast, count)
    working = group_lit(group, light_by_mast, count, above=light_mode_above)
    years = np.arange(count) * (step_s / _YEAR_S)
    supply = np.zeros(count)
    load = np.zeros(count)
    for element in group.elements:
        supply += element_supply_w(element, sun, light_by_mast, years, rules, reactors=reactors)
        load += element_load_w(element, working, with_margin=True)
    supply *= rules.bus_efficiency
    load *= 1.0 + rules.system_margin
    installed = pool((e.storage, e.count) for e in group.elements if e.storage is not None)
    assumed = installed if installed.usable_wh > 0 else pool([(Storage(capacity_wh=1.0), 1)])
    required = requirement_of(sun.time, step_s, supply - load, ~lit, assumed)
    margin_wh = installed.nameplate_wh - required.nameplate_wh
    return StorageSizing(
        bus=bus,
        reactors=reactors,
        required=required,
        installed_wh=installed.nameplate_wh,
        installed_usable_wh=installed.usable_wh,
        installed_kg=installed.mass_kg,
        margin_wh=margin_wh,
        margin_fraction=margin_wh / required.nameplate_wh if required.nameplate_wh > 0 else None,
        period_years=count * step_s / _YEAR_S,
        statements=(
            *_statements(plan, group, reactors, count * step_s / _YEAR_S, installed),
            *_light_statement(light_mode_above),
        ),
        step_s=step_s,
        supply_w=supply,
        load_w=load,
        storage=assumed,
    )


def _group(plan: Plan, bus: str) -> PowerGroup:
    groups = {group.name: group for group in power_groups(plan)}
    if bus not in groups:
        raise UnknownNameError(bus, groups, kind="bus", where=plan.path)
    return groups[bus]


def _statements(
    plan: Plan, group: PowerGroup, reactors: ReactorLife, period_years: float, installed: StoragePool
) -> tuple[str, ...]:
    """What the sizing takes for granted."""
    rules = plan.design
    said = [
        f"All elements of the bus are there from the first instant, at age 0, for {period_years:.2f} years.",
        f"Loads carry margins by maturity and {100 * rules.system_margin:g} % on the sum; the store starts full.",
    ]
    if period_years < rules.years - 0.01:
        said.append(f"The period is shorter than the {rules.years:g} years that the plan asks for.")
    if installed.usable_wh == 0:
        said.append("No storage is installed: the default battery of the plan schema is assumed for the need.")
    for element in group.elements:
        said.extend(supply_statements(element, reactors))
    return tuple(said)


def _light_statement(above: float) -> tuple[str, ...]:
    """Which light the light modes need."""
    part = "any part" if above == 0 else f"more than {100 * above:g} %"
    return (f"Elements run their light modes while {part} of the solar disc is in view at an array of the bus.",)


def carried_load(sizing: StorageSizing) -> CarriedLoad:
    """The load that what is installed could carry, by bisection on a factor on all loads.

    Parameters
    ----------
    sizing : StorageSizing
        A sizing with its series.

    Returns
    -------
    CarriedLoad
        The factor is found to 1e-6, from below.

    Raises
    ------
    ModelError
        If nothing draws power.

    Notes
    -----
    The need does not fall as loads grow, so the largest factor with need at most the usable energy installed
    and sources that carry the load is unique.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from types import SimpleNamespace
    >>> sizing = SimpleNamespace(supply_w=np.array([9.0, 0.0, 9.0]), load_w=np.array([2.0, 2.0, 2.0]),
    ...     step_s=3600.0, installed_usable_wh=4.0, bus="station",
    ...     storage=SimpleNamespace(charge_efficiency=1.0, discharge_efficiency=1.0))
    >>> round(carried_load(sizing).factor, 5)
    2.0
    """
    if not sizing.load_w.any():
        raise ModelError("nothing draws power", where=sizing.bus, advice="give its elements modes with power_w")
    store = sizing.storage

    def carries(factor: float) -> bool:
        surplus = sizing.supply_w - factor * sizing.load_w
        need = sequent_peak(
            surplus,
            sizing.step_s,
            store.charge_efficiency,
            store.discharge_efficiency,
            charge_w=getattr(store, "charge_w", None),
            self_discharge_per_day=getattr(store, "self_discharge_per_day", 0.0),
        )
        return need.sustainable and need.usable_wh <= sizing.installed_usable_wh

    low, high = 0.0, 1.0
    while carries(high):
        low, high = high, 2.0 * high
    while high - low > 1e-6 * high and high > 1e-9:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if carries(middle) else (low, middle)
    return CarriedLoad(low, low * float(sizing.load_w.mean()), low * float(sizing.load_w.max()))
