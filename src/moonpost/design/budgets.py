"""Budgets of mass, power, energy, data and link in one form: what is asked, what there is, whether it closes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from moonpost.design.masses import MassBudget
from moonpost.design.powers import PowerBudget
from moonpost.design.sizing import StorageSizing
from moonpost.errors import InputError
from moonpost.power.loads import MATURITY_MARGIN, mode_in, power_groups

if TYPE_CHECKING:
    from moonpost.plan.model import Plan

__all__ = [
    "LINK_MARGIN_DB",
    "BudgetLine",
    "data_line",
    "data_made_bit_day",
    "energy_line",
    "link_lines",
    "mass_lines",
    "power_lines",
]

LINK_MARGIN_DB = 3.0
"""Margin that a link has to keep besides its losses [dB] (ECSS-E-ST-50-05C asks for 3 dB on the nominal case)."""

_DAY_S = 86_400.0


@dataclass(frozen=True)
class BudgetLine:
    """One line of a budget.

    Parameters
    ----------
    budget : {"mass", "power", "energy", "data", "link"}
        Which budget.
    subject : str
        The mission, bus or link.
    what : str
        What is compared.
    unit : str
        Of the next three numbers.
    asked, available : float
        What is asked with all margins, and what there is.
    margin : float
        Available less asked.
    margin_fraction : float or None
        Margin over what is asked [1]; None for links, whose numbers are logarithms, and where nothing is asked.
    margins : str
        Margins that `asked` carries.

    Examples
    --------
    >>> BudgetLine("power", "station", "load in light", "W", 100.0, 90.0, -10.0, -0.1, "").closes
    False
    """

    budget: str
    subject: str
    what: str
    unit: str
    asked: float
    available: float
    margin: float
    margin_fraction: float | None
    margins: str

    @property
    def closes(self) -> bool:
        """Whether the margin is not negative."""
        return self.margin >= 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        return asdict(self) | {"closes": self.closes}


def _line(
    budget: str, subject: str, what: str, unit: str, asked: float, available: float, margins: str
) -> BudgetLine:
    fraction = (available - asked) / asked if asked > 0 and unit != "dB" else None
    return BudgetLine(budget, subject, what, unit, asked, available, available - asked, fraction, margins)


def _margins(system_margin: float) -> str:
    shares = ", ".join(f"{100 * share:g} % {name}" for name, share in MATURITY_MARGIN.items())
    return f"{shares}; {100 * system_margin:g} % on the sum"


def mass_lines(budget: MassBudget) -> tuple[BudgetLine, ...]:
    """The mass budget line by line.

    Parameters
    ----------
    budget : MassBudget
        From `mass_budget`.

    Returns
    -------
    tuple of BudgetLine
        For every mission still to fly whose launcher or transfer is known.

    Examples
    --------
    >>> from moonpost.design.masses import mass_budget
    >>> from moonpost.plan import load_plan
    >>> {line.unit for line in mass_lines(mass_budget(load_plan("ilrs")))}
    {'kg'}
    """
    found = []
    text = _margins(budget.system_margin)
    for row in budget.missions:
        if row.status not in ("planned", "proposed"):
            continue
        if row.launch_mass_kg is not None and row.launch_capacity_kg is not None:
            found.append(
                _line("mass", row.mission, "launch mass", "kg", row.launch_mass_kg, row.launch_capacity_kg, "")
            )
        if row.delivered_margin_kg is not None and row.delivered_capability_kg is not None:
            found.append(
                _line(
                    "mass",
                    row.mission,
                    "elements delivered",
                    "kg",
                    row.budget_kg,
                    row.delivered_capability_kg,
                    text,
                )
            )
    return tuple(found)


def power_lines(budget: PowerBudget) -> tuple[BudgetLine, ...]:
    """The power budget line by line: loads in light against rated sources.

    Parameters
    ----------
    budget : PowerBudget
        From `power_budget`.

    Returns
    -------
    tuple of BudgetLine
        One for each bus with loads in light. What sources lack in the dark is for storage: `energy_line`.

    Examples
    --------
    >>> from moonpost.design.powers import power_budget
    >>> from moonpost.plan import load_plan
    >>> power_lines(power_budget(load_plan("ilrs")))[0].subject
    'station'
    """
    text = _margins(budget.system_margin)
    return tuple(
        _line(
            "power",
            total.bus,
            "largest load in light beside rated sources",
            "W",
            total.light_w,
            total.rated_w,
            text,
        )
        for total in budget.totals
        if total.light_w > 0
    )


def energy_line(sizing: StorageSizing) -> BudgetLine:
    """The energy budget of a bus: storage for the worst cumulative deficit against storage installed.

    Parameters
    ----------
    sizing : StorageSizing
        From `size_storage`.

    Returns
    -------
    BudgetLine

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> required = SimpleNamespace(nameplate_wh=90.0)
    >>> energy_line(SimpleNamespace(bus="station", required=required, installed_wh=100.0)).margin
    10.0
    """
    return _line(
        "energy",
        sizing.bus,
        "storage for the worst cumulative deficit",
        "Wh",
        sizing.required.nameplate_wh,
        sizing.installed_wh,
        "loads carry those of power",
    )


def data_made_bit_day(plan: Plan, lit_share: float, bus: str = "station") -> float:
    """Data that the elements of a bus make in a day, with margins by maturity and system margin.

    Parameters
    ----------
    plan : Plan
        The plan.
    lit_share : float
        Part of the time in light modes [1].
    bus : str
        Which bus.

    Returns
    -------
    float
        [bit/d]

    Raises
    ------
    InputError
        If the share is not from 0 to 1.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> data_made_bit_day(load_plan("ilrs"), 1.0) > data_made_bit_day(load_plan("ilrs"), 0.0) > 0
    True
    """
    if not 0.0 <= lit_share <= 1.0:
        raise InputError(f"is {lit_share}", where="lit_share", advice="use a part from 0 to 1")
    made = 0.0
    for group in power_groups(plan):
        if group.name != bus:
            continue
        for element in group.elements:
            light, dark = mode_in(element, "light"), mode_in(element, "dark")
            rate = lit_share * (light.data_bit_s if light else 0.0)
            rate += (1.0 - lit_share) * (dark.data_bit_s if dark else 0.0)
            made += element.count * rate * (1.0 + MATURITY_MARGIN[element.maturity])
    return made * (1.0 + plan.design.system_margin) * _DAY_S


def data_line(
    plan: Plan, lit_share: float, contact_share: float, downlink_bit_s: float, bus: str = "station"
) -> BudgetLine:
    """The data budget of a bus: what is made in a day against what its link brings down.

    Parameters
    ----------
    plan : Plan
        The plan.
    lit_share : float
        Part of the time in light modes [1].
    contact_share : float
        Part of the time in contact [1].
    downlink_bit_s : float
        Rate in contact [bit/s].
    bus : str
        Which bus.

    Returns
    -------
    BudgetLine
        Means over the period: what a recorder has to bridge between contacts is for the simulation.

    Raises
    ------
    InputError
        If a share is not from 0 to 1 or the rate is negative.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> data_line(load_plan("ilrs"), 0.8, 0.5, 2e6).unit
    'bit/d'
    """
    if not 0.0 <= contact_share <= 1.0 or not downlink_bit_s >= 0.0:
        raise InputError(
            f"{contact_share} of the time at {downlink_bit_s} bit/s", where="contact_share", advice="check both"
        )
    asked = data_made_bit_day(plan, lit_share, bus)
    available = contact_share * downlink_bit_s * _DAY_S
    text = _margins(plan.design.system_margin)
    return _line("data", bus, "data made in a day beside what comes down", "bit/d", asked, available, text)


def link_lines(rows: Iterable[Any]) -> tuple[BudgetLine, ...]:
    """The link budget line by line.

    Parameters
    ----------
    rows : iterable
        With ``link`` and ``margin_db``, such as `moonpost.comms.LinkBudget`; those without a margin are left out.

    Returns
    -------
    tuple of BudgetLine

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> link_lines([SimpleNamespace(link="dte", margin_db=5.0)])[0].margin
    2.0
    """
    return tuple(
        _line("link", row.link, "margin at the longest distance", "dB", LINK_MARGIN_DB, row.margin_db,
              f"{LINK_MARGIN_DB:g} dB besides losses")
        for row in rows
        if row.margin_db is not None
    )  # fmt: skip
