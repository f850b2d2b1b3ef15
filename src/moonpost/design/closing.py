"""What would close a budget that does not: several ways, each computed, with what it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy.typing as npt

from moonpost.design.budgets import BudgetLine
from moonpost.design.catalogue import Catalogue, catalogue
from moonpost.design.masses import MassBudget
from moonpost.design.sizing import StorageSizing, carried_load, size_storage
from moonpost.errors import ModelError
from moonpost.plan.elements import Element, Generator, Radioisotope, SolarArray, Storage
from moonpost.plan.model import Plan
from moonpost.power.loads import PowerGroup, power_groups
from moonpost.power.reactors import ReactorLife
from moonpost.power.series import SunView

__all__ = ["Way", "close_data", "close_energy", "close_link", "close_mass", "close_power", "raised_arrays"]

_HALF_DISC = 0.5
_MOST_FACTOR = 16.0


@dataclass(frozen=True)
class Way:
    """One way to close a budget.

    Parameters
    ----------
    budget, subject : str
        The line that it closes, see `BudgetLine`.
    way : str
        ``"more-modules"``, ``"less-load"``, ``"higher-mast"``, ``"more-array"``, ``"wait-for-sun"``,
        ``"radioisotope"``, ``"less-mass"``, ``"move-element"``, ``"other-launcher"``, ``"less-data"``,
        ``"more-contact"``, ``"more-rate"``, ``"lower-rate"``, ``"larger-dish"`` or ``"more-power"``.
    text : str
        What to do, in a sentence.
    value, unit : float or None, str
        How much.
    closes : bool
        Whether that closes the budget.

    Examples
    --------
    >>> Way("energy", "station", "more-modules", "4 modules more", 4.0, "1", True).closes
    True
    """

    budget: str
    subject: str
    way: str
    text: str
    value: float | None
    unit: str
    closes: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        return asdict(self)


def _changed(plan: Plan, bus: str, change: Callable[[Element], Element]) -> Plan:
    """The plan with the elements of one bus changed."""
    members = next(group for group in power_groups(plan) if group.name == bus).elements
    names = {element.id for element in members}
    elements = tuple(change(element) if element.id in names else element for element in plan.elements)
    return plan.model_copy(update={"elements": elements})


def _with_arrays(plan: Plan, bus: str, change: Callable[[SolarArray], SolarArray]) -> Plan:
    def each(element: Element) -> Element:
        rows: tuple[Generator, ...] = tuple(
            change(row) if isinstance(row, SolarArray) else row for row in element.generators
        )
        return element.model_copy(update={"generators": rows})

    return _changed(plan, bus, each)


def raised_arrays(plan: Plan, mast_m: float, bus: str = "station") -> Plan:
    """The plan with all arrays of a bus at one height.

    Parameters
    ----------
    plan : Plan
        The plan.
    mast_m : float
        Height of the middle of the arrays above ground [m].
    bus : str
        Which bus.

    Returns
    -------
    Plan
        Arrays too tall for the height are cut down to reach the ground.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> raised_arrays(load_plan("ilrs"), 20.0).element("vertical-array").generators[0].mast_m
    20.0
    """

    def raised(array: SolarArray) -> SolarArray:
        return array.model_copy(update={"mast_m": mast_m, "height_m": min(array.height_m, 2.0 * mast_m)})

    return _with_arrays(plan, bus, raised)


def close_energy(
    plan: Plan,
    sizing: StorageSizing,
    sun: SunView,
    light_at: Callable[[float], npt.ArrayLike],
    *,
    masts_m: tuple[float, ...] = (),
    prices: Catalogue | None = None,
    reactors: ReactorLife = "design-life",
) -> tuple[Way, ...]:
    """Ways to close the energy budget of a bus, each sized anew over the whole period.

    Parameters
    ----------
    plan : Plan
        The plan.
    sizing : StorageSizing
        That does not close.
    sun : SunView
        The Sun from the site, (n,).
    light_at : callable
        Takes a height above ground [m] and gives the fraction of the solar disc in view, (n,).
    masts_m : tuple of float
        Other heights to try [m].
    prices : Catalogue, optional
        Masses of what is added; `catalogue()` if absent.
    reactors : {"design-life", "replaced", "none"}
        As in `size_storage`.

    Returns
    -------
    tuple of Way
        Empty if the budget closes.

    Raises
    ------
    InputError
        As `size_storage`.

    Examples
    --------
    >>> from moonpost.design import close_energy  # see docs/design.md
    """
    if sizing.closes:
        return ()
    tools = _Energy(plan, sizing, sun, light_at, prices or catalogue(), reactors)
    ways = [tools.modules(), tools.load(), tools.arrays(), *(tools.mast(h) for h in masts_m if tools.other(h))]
    return tuple(way for way in (*ways, tools.wait(), tools.radioisotope()) if way is not None)


class _Energy:
    """Ways to close one energy budget."""

    def __init__(
        self,
        plan: Plan,
        sizing: StorageSizing,
        sun: SunView,
        light_at: Callable[[float], npt.ArrayLike],
        prices: Catalogue,
        reactors: ReactorLife,
    ) -> None:
        self.plan, self.sizing, self.sun, self.light_at = plan, sizing, sun, light_at
        self.prices, self.reactors = prices, reactors
        self.group = next(group for group in power_groups(plan) if group.name == sizing.bus)

    def sized(self, plan: Plan, **more: Any) -> StorageSizing:
        """The sizing of a changed plan."""
        group = next(group for group in power_groups(plan) if group.name == self.sizing.bus)
        light: Mapping[float, npt.ArrayLike] = {h: self.light_at(h) for h in _heights_m(group, self.group)}
        return size_storage(plan, self.sun, light, bus=self.sizing.bus, reactors=self.reactors, **more)

    def way(self, way: str, text: str, value: float | None, unit: str, closes: bool) -> Way:
        """One way of this budget."""
        return Way("energy", self.sizing.bus, way, text, value, unit, closes)

    def modules(self) -> Way:
        """More storage of the kind installed."""
        stores = [(e.storage, e) for e in self.group.elements if e.storage is not None]
        if stores:
            store, element = max(stores, key=lambda pair: pair[0].capacity_wh)
            name = element.name
        else:
            store, name = Storage(capacity_wh=self.prices.battery_module_wh), "Battery"
        each_wh = store.capacity_wh / store.modules
        if not self.sizing.required.sustainable:
            missing = self.sizing.required.shortfall_w
            text = f"No storage is enough: the sources lack {missing:,.0f} W on the mean since the store was full."
            return self.way("more-modules", text, None, "1", False)
        asked_wh = self.sizing.required.usable_wh / store.depth_of_discharge
        have_wh = self.sizing.installed_usable_wh / store.depth_of_discharge
        count = max(1, math.ceil((asked_wh - have_wh) / each_wh - 1e-9))
        mass_kg = count * each_wh / store.specific_energy_wh_kg
        word = "modules" if count > 1 else "module"
        text = f"{count} more {word} of {each_wh / 1e3:,.1f} kWh like {name}, {mass_kg:,.0f} kg."
        return self.way("more-modules", text, float(count), "1", True)

    def load(self) -> Way | None:
        """Less load."""
        try:
            carried = carried_load(self.sizing)
        except ModelError:
            return None
        less_w = float(self.sizing.load_w.mean()) - carried.mean_w
        text = (
            f"All loads at {100 * carried.factor:.1f} % of what they are: {less_w:,.0f} W less on the mean, with "
            "margins."
        )
        return self.way("less-load", text, less_w, "W", carried.factor > 0.0)

    def arrays(self) -> Way | None:
        """Larger arrays."""
        rated_w = sum(
            e.count * g.rated_w for e in self.group.elements for g in e.generators if isinstance(g, SolarArray)
        )
        if rated_w == 0.0:
            return None

        def closes(factor: float) -> bool:
            def grown(array: SolarArray) -> SolarArray:
                return array.model_copy(update={"rated_w": factor * array.rated_w})

            return self.sized(_with_arrays(self.plan, self.sizing.bus, grown)).closes

        factor = _smallest(closes, 1.0, _MOST_FACTOR)
        if factor is None:
            text = f"No array is large enough: {_MOST_FACTOR:g} times as much does not close it."
            return self.way("more-array", text, None, "W", False)
        more_w = (factor - 1.0) * rated_w
        mass_kg = more_w / self.prices.array_w_kg
        text = f"{more_w / 1e3:,.2f} kW more array at the same places, {mass_kg:,.0f} kg without masts."
        return self.way("more-array", text, more_w, "W", True)

    def other(self, mast_m: float) -> bool:
        """Whether a height is above all arrays of the bus."""
        heights = [g.mast_m for e in self.group.elements for g in e.generators if isinstance(g, SolarArray)]
        return bool(heights) and mast_m > max(heights) + 1e-6

    def mast(self, mast_m: float) -> Way:
        """Higher masts."""
        found = self.sized(raised_arrays(self.plan, mast_m, self.sizing.bus))
        text = f"Arrays at {mast_m:g} m: {_told(found)}."
        return self.way("higher-mast", text, mast_m, "m", found.closes)

    def wait(self) -> Way:
        """Light modes only with half of the disc in view."""
        found = self.sized(self.plan, light_mode_above=_HALF_DISC)
        text = f"Light modes only while more than half of the Sun is in view: {_told(found)}."
        return self.way("wait-for-sun", text, _HALF_DISC, "1", found.closes)

    def radioisotope(self) -> Way:
        """Radioisotope generators on the bus."""
        prices = self.prices
        half_life = math.log(0.5) / math.log(1.0 - prices.rtg_loss_per_year)
        host = self.group.elements[0].id

        def closes(count: float) -> bool:
            unit = Radioisotope(
                kind="radioisotope",
                electric_w=math.ceil(count) * prices.rtg_unit_w,
                thermal_w=math.ceil(count) * prices.rtg_unit_w * 15.4,
                half_life_years=half_life,
            )

            def fed(element: Element) -> Element:
                if element.id != host:
                    return element
                unit_of = unit.model_copy(
                    update={
                        "electric_w": unit.electric_w / element.count,
                        "thermal_w": unit.thermal_w / element.count,
                    }
                )
                return element.model_copy(update={"generators": (*element.generators, unit_of)})

            return self.sized(_changed(self.plan, self.sizing.bus, fed)).closes

        count = _smallest(closes, 0.0, 64.0, within=0.5)
        if count is None:
            return self.way("radioisotope", "64 radioisotope generators are not enough.", None, "1", False)
        units = math.ceil(count)
        text = (
            f"{units} radioisotope generator{'s' if units > 1 else ''} of {prices.rtg_unit_w:g} W, "
            f"{units * prices.rtg_unit_w / prices.rtg_w_kg:,.0f} kg."
        )
        return self.way("radioisotope", text, float(units), "1", True)


def _heights_m(group: PowerGroup, first: PowerGroup) -> tuple[float, ...]:
    """Heights at which a bus needs light; the lowest known where it has no arrays."""
    return group.masts_m or first.masts_m or (2.0,)


def _told(found: StorageSizing) -> str:
    if not found.required.sustainable:
        return "the sources still do not carry the load"
    word = "left" if found.margin_wh >= 0 else "missing"
    return f"{found.required.nameplate_wh / 1e3:,.0f} kWh needed, {abs(found.margin_wh) / 1e3:,.0f} kWh {word}"


def _smallest(closes: Callable[[float], bool], low: float, high: float, *, within: float = 0.0) -> float | None:
    """The smallest amount that closes, by bisection to 1 % or `within`; None if the largest does not."""
    if not closes(high):
        return None
    while high - low > max(0.01 * high, within):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if closes(middle) else (middle, high)
    return high


def close_power(line: BudgetLine, prices: Catalogue | None = None) -> tuple[Way, ...]:
    """Ways to close a power budget.

    Parameters
    ----------
    line : BudgetLine
        From `power_lines`.
    prices : Catalogue, optional
        Masses; `catalogue()` if absent.

    Returns
    -------
    tuple of Way
        Empty if it closes.

    Examples
    --------
    >>> from moonpost.design.budgets import BudgetLine
    >>> [way.value for way in close_power(BudgetLine("power", "station", "", "W", 120.0, 100.0, -20.0, None, ""))]
    [20.0, 20.0]
    """
    if line.closes:
        return ()
    prices = prices or catalogue()
    short_w = -line.margin
    return (
        Way(
            "power", line.subject, "less-load",
            f"{short_w:,.0f} W less load in light, {100 * short_w / line.asked:.0f} % of it.", short_w, "W", True,
        ),
        Way(
            "power", line.subject, "more-array",
            f"{short_w:,.0f} W more at the bus: {short_w / prices.array_w_kg:,.0f} kg of array facing the Sun, "
            "without masts and losses.", short_w, "W", True,
        ),
    )  # fmt: skip


def close_mass(plan: Plan, line: BudgetLine, budget: MassBudget) -> tuple[Way, ...]:
    """Ways to close the mass budget of a mission.

    Parameters
    ----------
    plan : Plan
        The plan.
    line : BudgetLine
        From `mass_lines`.
    budget : MassBudget
        The budget that it is from.

    Returns
    -------
    tuple of Way
        Empty if it closes.

    Examples
    --------
    >>> from moonpost.design.masses import mass_budget
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> line = BudgetLine("mass", "ilrs-1", "elements delivered", "kg", 120.0, 100.0, -20.0, None, "")
    >>> close_mass(plan, line, mass_budget(plan))[0].way
    'less-mass'
    """
    if line.closes:
        return ()
    short_kg = -line.margin
    subject = line.subject
    text = f"{short_kg:,.0f} kg less, {100 * short_kg / line.asked:.0f} % of what is asked, margins included."
    ways = [Way("mass", subject, "less-mass", text, short_kg, "kg", True)]
    system = 1.0 + budget.system_margin
    rows = [(row.margined_kg or 0.0, row) for row in budget.rows if row.mission == subject and row.lands]
    fit = sorted((pair for pair in rows if pair[0] * system >= short_kg), key=lambda pair: pair[0])
    room = {row.mission: row.delivered_margin_kg for row in budget.missions if row.delivered_margin_kg is not None}
    if line.what.startswith("elements") and fit:
        takes_kg, row = fit[0][0] * system, fit[0][1]
        hosts = [name for name, kg in room.items() if name != subject and kg >= takes_kg]
        place = f"to {hosts[0]}, which has room" if hosts else "to a mission of its own: no other has room"
        text = f"Move {row.name} ({takes_kg:,.0f} kg with margins) {place}."
        ways.append(Way("mass", subject, "move-element", text, takes_kg, "kg", True))
    ways += _launchers(plan, line)
    return tuple(ways)


def _launchers(plan: Plan, line: BudgetLine) -> list[Way]:
    """Another launcher that sends enough more."""
    mission = next((row for row in plan.missions if row.id == line.subject), None)
    if mission is None or mission.launcher is None:
        return []
    now_kg = plan.row("launchers", mission.launcher).capacity_kg
    need_kg = (
        line.asked if line.what.startswith("launch") else (now_kg or 0.0) * line.asked / max(line.available, 1e-9)
    )
    stronger = [row for row in plan.launchers if (row.capacity_kg or 0.0) >= need_kg]
    if not stronger or now_kg is None:
        text = f"No launcher of the plan sends the {need_kg:,.0f} kg to the Moon that this takes."
        return [Way("mass", line.subject, "other-launcher", text, need_kg, "kg", False)]
    best = min(stronger, key=lambda row: row.capacity_kg or 0.0)
    text = (
        f"{best.name} sends {best.capacity_kg:,.0f} kg, {need_kg:,.0f} kg are enough at the same landed fraction."
    )
    return [Way("mass", line.subject, "other-launcher", text, best.capacity_kg, "kg", True)]


def close_data(line: BudgetLine, spare_db: float = 0.0) -> tuple[Way, ...]:
    """Ways to close a data budget.

    Parameters
    ----------
    line : BudgetLine
        From `data_line`.
    spare_db : float
        Margin that the link has besides what it has to keep [dB].

    Returns
    -------
    tuple of Way
        Empty if it closes.

    Examples
    --------
    >>> [way.way for way in close_data(BudgetLine("data", "station", "", "bit/d", 3e9, 2e9, -1e9, None, ""))]
    ['less-data', 'more-rate', 'more-contact']
    """
    if line.closes:
        return ()
    factor = line.asked / line.available if line.available > 0 else math.inf
    less = f"{-line.margin / 1e6:,.0f} Mbit a day less, {100 * (1 - 1 / factor):.0f} % of what is made."
    ways = [Way("data", line.subject, "less-data", less, -line.margin, "bit/d", True)]
    if math.isfinite(factor):
        more_db = 10.0 * math.log10(factor)
        word = "has" if spare_db >= more_db else "has only"
        rate = f"{factor:.2f} times the rate: {more_db:.1f} dB, and the link {word} {spare_db:.1f} to spare."
        contact = f"{factor:.2f} times the hours of contact: more ground stations or a relay."
        ways.append(Way("data", line.subject, "more-rate", rate, factor, "1", spare_db >= more_db))
        ways.append(Way("data", line.subject, "more-contact", contact, factor, "1", True))
    return tuple(ways)


def close_link(line: BudgetLine, rate_bit_s: float) -> tuple[Way, ...]:
    """Ways to close a link budget.

    Parameters
    ----------
    line : BudgetLine
        From `link_lines`.
    rate_bit_s : float
        Rate of the link [bit/s].

    Returns
    -------
    tuple of Way
        Empty if it closes.

    Examples
    --------
    >>> line = BudgetLine("link", "dte", "", "dB", 3.0, 0.0, -3.0, None, "")
    >>> [round(way.value, 2) for way in close_link(line, 1e6)]
    [501187.23, 1.41, 2.0]
    """
    if line.closes:
        return ()
    short = 10.0 ** (-line.margin / 10.0)
    rate = rate_bit_s / short
    dish = math.sqrt(short)
    rows = (
        ("lower-rate", f"{rate / 1e3:,.0f} kbit/s instead of {rate_bit_s / 1e3:,.0f}.", rate, "bit/s"),
        ("larger-dish", f"A dish {dish:.2f} times as wide at one end.", dish, "1"),
        ("more-power", f"{short:.2f} times the radiated power.", short, "1"),
    )
    return tuple(Way("link", line.subject, way, text, value, unit, True) for way, text, value, unit in rows)
