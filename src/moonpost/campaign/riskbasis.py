"""What a campaign's odds rest on: assumptions where a plan says nothing, chances, and where figures are from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from moonpost.campaign.riskrecord import Record
from moonpost.errors import InputError

__all__ = ["CAUSES", "Basis", "Chance", "RiskAssumptions"]

CAUSES = (
    "plan", "slip", "launcher", "stand-down", "pace", "launch", "arrival", "performance", "life", "dust", "open",
)  # fmt: skip
"""Why something does not work or works late, in the order of the codes of `moonpost.campaign.riskkernels`. Lives
that end, dust, and objectives without an instrument are told of power and objectives only."""


@dataclass(frozen=True)
class RiskAssumptions:
    """What stands in where a plan says nothing.

    Parameters
    ----------
    slip_days : float
        Mean delay of a mission without its own figure [d]: the mean of seven missions of the roadmap of 2021
        against the dates of 2026, see docs/campaign-risk.md.
    launcher_slip_days : float
        Mean delay of the first flight of a launcher that has not flown in the plan [d]. Assumed.
    stand_down_days : float
        Mean time that a launcher stays on the ground after a failure [d]. Assumed; Long March 5 stood down for 908
        days from 2017-07-02.
    reflight_days : float
        From a failure to the date of the mission that repeats it, before that slips [d]. Assumed.
    transit_days, commissioning_days : float
        As in `moonpost.campaign.build_order` [d].
    landing_dust : float
        Mean part of the output of the station's arrays that each later landing at the station takes [1]. Assumed.
    uncertain_rates : bool
        Whether rates that come from a record are drawn for each run; False takes their mean in all.
    records : mapping of str to Record
        Records that stand before the plan's figures, by factor: ``launch:cz-10``, ``landing:RU``, ``orbit:CN``.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> RiskAssumptions(slip_days=0.0).transit_days
    5.0
    """

    slip_days: float = 528.0
    launcher_slip_days: float = 365.0
    stand_down_days: float = 365.0
    reflight_days: float = 1095.0
    transit_days: float = 5.0
    commissioning_days: float = 30.0
    landing_dust: float = 0.01
    uncertain_rates: bool = True
    records: Mapping[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("uncertain_rates", "records"):
                continue
            most = 0.5 if item.name == "landing_dust" else 20_000.0
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and 0.0 <= value <= most):
                raise InputError(f"is {value!r}", where=item.name, advice=f"give a number from 0 to {most:g}")


@dataclass(frozen=True)
class Chance:
    """A chance of success, known or drawn with its uncertainty.

    Parameters
    ----------
    name : str
        What it is of, such as ``launch:cz-5``.
    mean : float
        Its mean [1].
    record : Record or None
        The record that it comes from; None for a figure of the plan.

    Examples
    --------
    >>> Chance("launch:x", 0.9).record is None
    True
    """

    name: str
    mean: float
    record: Record | None = None


@dataclass(frozen=True)
class Basis:
    """What one figure of a campaign rests on.

    Parameters
    ----------
    factor : str
        What it is of, such as ``launch:cz-5`` or ``slip:ilrs-1``.
    value : float
        The figure: a probability [1], days [d] or a part of the output [1].
    low, high : float or None
        Where it lies with 90 percent, where that is known.
    text : str
        Where it comes from.
    assumed : bool
        Whether it is an assumption, not a figure of the plan, a record or a paper.

    Examples
    --------
    >>> Basis("slip:x", 200.0, None, None, "plan", False).value
    200.0
    """

    factor: str
    value: float
    low: float | None
    high: float | None
    text: str
    assumed: bool

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)
