"""Power budget: loads by mode with margins, against what the sources of each bus are rated for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moonpost.plan.elements import Element, Radioisotope, Reactor, SolarArray
from moonpost.plan.model import Plan
from moonpost.power.loads import MATURITY_MARGIN, PowerGroup, load_w, mode_in, power_groups

__all__ = ["PowerBudget", "PowerRow", "PowerTotal", "power_budget"]


@dataclass(frozen=True)
class PowerRow:
    """What an element draws in light and in the dark, all its copies together.

    Parameters
    ----------
    element, owner, mission, bus : str
        The element and the bus it is on.
    light_mode, dark_mode : str
        Names of the modes counted; empty if it is off.
    light_w, dark_w : float
        Without margin [W].
    margin_fraction : float
        Margin by maturity [1].
    light_margined_w, dark_margined_w : float
        With that margin [W].

    Examples
    --------
    >>> PowerRow("r", "a", "m", "station", "drive", "sleep", 100.0, 5.0, 0.2, 120.0, 6.0).dark_margined_w
    6.0
    """

    element: str
    owner: str
    mission: str
    bus: str
    light_mode: str
    dark_mode: str
    light_w: float
    dark_w: float
    margin_fraction: float
    light_margined_w: float
    dark_margined_w: float


@dataclass(frozen=True)
class PowerTotal:
    """The power budget of one bus.

    Parameters
    ----------
    bus : str
        ``"station"`` or the element that lives on its own sources.
    light_w, dark_w : float
        Loads with all margins [W].
    steady_w : float
        What radioisotope sources and reactors bring to the bus at start of life [W].
    rated_w : float
        That, and solar arrays at 1361 W/m2 and normal incidence at start of life [W].
    light_margin_w, dark_margin_w : float
        `rated_w` less the load in light; `steady_w` less the load in the dark. A negative one in the dark is
        what storage has to cover [W].

    Examples
    --------
    >>> PowerTotal("station", 100.0, 50.0, 10.0, 210.0, 110.0, -40.0).dark_margin_w
    -40.0
    """

    bus: str
    light_w: float
    dark_w: float
    steady_w: float
    rated_w: float
    light_margin_w: float
    dark_margin_w: float


@dataclass(frozen=True)
class PowerBudget:
    """Power by element, bus and owner.

    Parameters
    ----------
    rows : tuple of PowerRow
        One per element on a bus.
    totals : tuple of PowerTotal
        One per bus.
    owner_light_w, owner_dark_w : mapping of str to float
        Loads with margin by maturity, by owner [W].
    mission_light_w, mission_dark_w : mapping of str to float
        The same by mission [W].
    system_margin : float
        Added to the sums [1].

    Examples
    --------
    >>> PowerBudget((), (), {}, {}, {}, {}, 0.2).totals
    ()
    """

    rows: tuple[PowerRow, ...]
    totals: tuple[PowerTotal, ...]
    owner_light_w: Mapping[str, float]
    owner_dark_w: Mapping[str, float]
    mission_light_w: Mapping[str, float]
    mission_dark_w: Mapping[str, float]
    system_margin: float


def power_budget(plan: Plan) -> PowerBudget:
    """Loads by mode with margins, against what the sources of each bus are rated for.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    PowerBudget

    Notes
    -----
    Load = sum of P (1 + maturity margin), times (1 + system margin); sources times bus efficiency. It is a
    budget of peaks: whether the energy suffices through darkness is for `size_storage`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> power_budget(load_plan("ilrs")).totals[0].bus
    'station'
    """
    groups = power_groups(plan)
    rows = tuple(_power_row(element, group.name) for group in groups for element in group.elements)
    return PowerBudget(
        rows=rows,
        totals=tuple(_power_total(plan, group) for group in groups),
        owner_light_w=_sums((row.owner, row.light_margined_w) for row in rows),
        owner_dark_w=_sums((row.owner, row.dark_margined_w) for row in rows),
        mission_light_w=_sums((row.mission, row.light_margined_w) for row in rows),
        mission_dark_w=_sums((row.mission, row.dark_margined_w) for row in rows),
        system_margin=plan.design.system_margin,
    )


def _power_row(element: Element, bus: str) -> PowerRow:
    light, dark = mode_in(element, "light"), mode_in(element, "dark")
    return PowerRow(
        element=element.id,
        owner=element.owner,
        mission=element.mission,
        bus=bus,
        light_mode=light.name if light else "",
        dark_mode=dark.name if dark else "",
        light_w=load_w(element, "light"),
        dark_w=load_w(element, "dark"),
        margin_fraction=MATURITY_MARGIN[element.maturity],
        light_margined_w=load_w(element, "light", with_margin=True),
        dark_margined_w=load_w(element, "dark", with_margin=True),
    )


def _power_total(plan: Plan, group: PowerGroup) -> PowerTotal:
    rules = plan.design
    light_w = sum(load_w(e, "light", with_margin=True) for e in group.elements) * (1.0 + rules.system_margin)
    dark_w = sum(load_w(e, "dark", with_margin=True) for e in group.elements) * (1.0 + rules.system_margin)
    steady_w = array_w = 0.0
    for element in group.elements:
        for generator in element.generators:
            if isinstance(generator, SolarArray):
                array_w += element.count * generator.rated_w * rules.bus_efficiency
            elif isinstance(generator, Radioisotope):
                steady_w += element.count * generator.electric_w * rules.bus_efficiency
            elif isinstance(generator, Reactor):
                steady_w += element.count * generator.electric_w * generator.availability * rules.bus_efficiency
    rated_w = steady_w + array_w
    return PowerTotal(group.name, light_w, dark_w, steady_w, rated_w, rated_w - light_w, steady_w - dark_w)


def _sums(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Sum of the numbers under each name, in order of appearance."""
    sums: dict[str, float] = {}
    for name, value in pairs:
        sums[name] = sums.get(name, 0.0) + value
    return sums
