"""One plan of a comparison with all that is computed on it, and the rule by which a plan leads in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from moonpost.campaign.build import BuildOrder
from moonpost.study.alternativemodel import TradeRow, TradeValue
from moonpost.study.alternativesky import SkyRange, array_mast_m
from moonpost.study.results import LightRow

if TYPE_CHECKING:
    from moonpost.comms import Contacts
    from moonpost.study.relays import RelayService
    from moonpost.study.run import Study

__all__ = ["Side", "baseline", "compared", "light", "where"]


@dataclass(frozen=True)
class Side:
    """A plan's study with all that is computed on it for the comparison.

    Parameters
    ----------
    study : Study
        The study.
    sky : SkyRange
        Ranges of light, darkness and sight of the Earth.
    carried_w, carried_range_w, carried_worst : float, tuple, str
        Mean load that it carries, its range [W], and the assumption that lowers it most.
    contacts : tuple of Contacts
        Contact with the antennas of all plans, with their own, high and low masks; empty without antennas.
    relayed : tuple of RelayService
        What one relay of the plan brings, counted from a low and from a high elevation; empty if there is none.
    order : BuildOrder
        Its build order.
    """

    study: Study
    sky: SkyRange
    carried_w: float | None
    carried_range_w: tuple[float, float] | None
    carried_worst: str
    contacts: tuple[Contacts, ...]
    relayed: tuple[RelayService, ...]
    order: BuildOrder


def compared(
    identifier: str,
    topic: Any,
    question: str,
    unit: str,
    better: Literal["more", "less", "neither"],
    values: Sequence[TradeValue],
) -> TradeRow:
    """Make a row and say which plan leads: the one whose whole range is better than all others'.

    Parameters
    ----------
    identifier, topic, question, unit : str
        Of the row.
    better : {"more", "less", "neither"}
        Which way is better.
    values : sequence of TradeValue
        One for each plan.

    Returns
    -------
    TradeRow

    Examples
    --------
    >>> sure = TradeValue(value=3.0, low=2.0, high=4.0, rests_on="example")
    >>> loose = TradeValue(value=5.0, low=3.0, high=9.0, rests_on="example")
    >>> row = compared("x", "mass", "Mass?", "t", "more", (sure, loose))
    >>> row.ahead, row.why
    (None, 'ranges overlap')
    """
    ahead, why = _ahead(better, values)
    return TradeRow(
        id=identifier,
        topic=topic,
        question=question,
        unit=unit,
        better=better,
        values=tuple(values),
        ahead=ahead,
        why=why,
    )


def _ahead(better: str, values: Sequence[TradeValue]) -> tuple[int | None, str]:
    if better == "neither":
        return None, "neither way is better"
    ranges = [_range(value) for value in values]
    known = [pair for pair in ranges if pair is not None]
    if len(known) < len(ranges):
        return None, "not known for all"
    if len(set(known)) == 1:
        return None, "the same"
    sign = 1.0 if better == "more" else -1.0
    spans = [tuple(sorted((sign * low, sign * high))) for low, high in known]
    for at, span in enumerate(spans):
        if all(span[0] > other[1] for k, other in enumerate(spans) if k != at):
            bare = any(value.low is None for value in values)
            return at, "by values, a range is not known for all" if bare else "ranges do not overlap"
    return None, "ranges overlap"


def _range(value: TradeValue) -> tuple[float, float] | None:
    if value.value is None:
        return None
    low = value.value if value.low is None else min(value.low, value.value)
    high = value.value if value.high is None else max(value.high, value.value)
    return low, high


def light(side: Side) -> float:
    """Average light where the arrays stand [1].

    Parameters
    ----------
    side : Side
        A plan of the comparison.
    """
    site = side.study.record.site
    if site.orbit is not None:
        return site.orbit.average_illumination
    return baseline(side).average_illumination


def baseline(side: Side) -> LightRow:
    """The baseline site at the height of its arrays.

    Parameters
    ----------
    side : Side
        A plan of a station on the ground.
    """
    site, mast_m = side.study.record.site, array_mast_m(side.study.plan)
    rows = [row for row in site.rows if row.site == site.baseline]
    return min(rows, key=lambda row: abs(row.mast_m - mast_m))


def where(side: Side) -> str:
    """What light at the station rests on, in words.

    Parameters
    ----------
    side : Side
        A plan of the comparison.
    """
    site = side.study.record.site
    if site.orbit is not None:
        return f"JPL DE440; ellipse fixed in space, no terrain; orbit: {site.orbit.source}"
    row = baseline(side)
    return f"JPL DE440; horizon from heights in cells of {row.resolution_m:.0f} m, grade {row.grade}"
