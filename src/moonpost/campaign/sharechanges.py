"""Whose share changes when missions slip or are cancelled: of the mass that comes, and by the plan's rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from moonpost.campaign.changes import redated
from moonpost.campaign.support import Standing
from moonpost.errors import ModelError
from moonpost.partners.dates import Day
from moonpost.partners.rights import rights
from moonpost.partners.shares import element_contributions, shares
from moonpost.plan.model import Plan

__all__ = ["ShareChange", "mass_shares", "rule_shares", "share_changes"]


@dataclass(frozen=True)
class ShareChange:
    """A partner whose share changes.

    Parameters
    ----------
    partner : str
        From the plan.
    before, after, change : float
        Its share, and the difference [1].
    """

    partner: str
    before: float
    after: float
    change: float


def mass_shares(plan: Plan, never: Collection[str]) -> dict[str, float]:
    """Each partner's share of the mass of elements that come.

    Parameters
    ----------
    plan : Plan
        The plan.
    never : collection of str
        Elements that never work.

    Returns
    -------
    dict of str to float
        They add up to one [1]; empty if nothing with a known mass comes.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> round(sum(mass_shares(load_plan("ilrs"), ["reactor"]).values()), 12)
    1.0
    """
    coming = [element for element in plan.elements if element.id not in never]
    try:
        table = shares(element_contributions(coming, plan.missions))
    except ModelError:
        return {}
    return {row.owner: row.share for row in table.rows}


def rule_shares(plan: Plan, standing: Standing, at: Day = None) -> dict[str, float]:
    """Each partner's entitlement by the plan's rule, counting only what comes.

    Parameters
    ----------
    plan : Plan
        The plan.
    standing : Standing
        The plan as it is built.
    at : str, datetime.date, datetime.datetime or None
        Count only what is there on that day; None counts all that comes.

    Returns
    -------
    dict of str to float
        They add up to one [1]; empty if nobody has put in anything by then.

    Raises
    ------
    DateError
        If `at` is no date.

    Examples
    --------
    >>> from moonpost.campaign.support import build_with_support
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> round(sum(rule_shares(plan, build_with_support(plan), "2036").values()), 12)
    1.0
    """
    blocked, never = standing.blocked(), standing.never()
    missions = tuple(
        row.model_copy(update={"status": "cancelled"}) if row.id in blocked and row.status != "lost" else row
        for row in redated(plan, standing.order).missions
    )
    elements = tuple(row for row in plan.elements if row.id not in never)
    try:
        return rights(plan.model_copy(update={"missions": missions, "elements": elements}), at=at).shares
    except ModelError:
        return {}


def share_changes(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[ShareChange, ...]:
    """Partners whose share changes.

    Parameters
    ----------
    before, after : mapping of str to float
        Share by partner [1].

    Returns
    -------
    tuple of ShareChange
        The largest change first.

    Examples
    --------
    >>> [(row.partner, row.change) for row in share_changes({"cn": 0.75, "ru": 0.25}, {"cn": 1.0})]
    [('cn', 0.25), ('ru', -0.25)]
    """
    rows = [
        ShareChange(
            name, before.get(name, 0.0), after.get(name, 0.0), after.get(name, 0.0) - before.get(name, 0.0)
        )
        for name in dict.fromkeys((*before, *after))
    ]
    return tuple(sorted((row for row in rows if abs(row.change) > 1e-12), key=lambda row: -abs(row.change)))
