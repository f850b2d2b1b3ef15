"""What each partner puts in, as a share of the whole with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.errors import InputError, ModelError
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission

__all__ = [
    "LANDING_KINDS",
    "Contribution",
    "Share",
    "Shares",
    "element_contributions",
    "launch_contributions",
    "shares",
]

LANDING_KINDS = ("lander", "cargo", "crew", "sample-return")
"""Kinds of mission that bring their elements to the ground."""

_LOST = ("lost", "cancelled")


@dataclass(frozen=True)
class Contribution:
    """One thing that a partner puts in.

    Parameters
    ----------
    owner : str
        The partner that puts it in.
    amount : float or None
        How much, such as a mass [kg] or a count [1]; None if it is not known.
    low, high : float or None
        Range of the amount; None takes the amount itself.
    subject : str
        What it is, such as ``elements[ce7-rover]``.
    status : str
        Status of the mission that brings it.
    """

    owner: str
    amount: float | None
    low: float | None = None
    high: float | None = None
    subject: str = ""
    status: str = "planned"


@dataclass(frozen=True)
class Share:
    """One partner's share.

    Parameters
    ----------
    owner : str
        The partner.
    amount, low, high : float
        Sum of its contributions and the range of that sum.
    share, share_low, share_high : float
        Part of the whole [1]. The low share has its own contributions at their low and all others at
        their high ends.
    items : int
        How many contributions are counted.
    unknown : tuple of str
        Subjects of contributions without an amount: they count as nothing here.
    """

    owner: str
    amount: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    items: int
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Shares:
    """Shares of all partners; the shares add up to one.

    Parameters
    ----------
    basis : str
        What is shared, such as ``landed mass``.
    unit : str
        Unit of the amounts.
    total, low, high : float
        Sum over all partners and its range.
    rows : tuple of Share
        Largest first.
    """

    basis: str
    unit: str
    total: float
    low: float
    high: float
    rows: tuple[Share, ...]

    def of(self, owner: str) -> float:
        """Share of one partner [1]; zero if it puts nothing in.

        Parameters
        ----------
        owner : str
            Identifier of the partner.

        Returns
        -------
        float
        """
        return next((row.share for row in self.rows if row.owner == owner), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def shares(contributions: Iterable[Contribution], basis: str = "landed mass", unit: str = "kg") -> Shares:
    r"""Each partner's share of what all put in.

    Parameters
    ----------
    contributions : iterable of Contribution
        One row for each thing put in.
    basis, unit : str
        What the amounts are and their unit, for the reader.

    Returns
    -------
    Shares

    Raises
    ------
    InputError
        If an amount is negative, not finite, or outside its own range, or their sum is too large.
    ModelError
        If no contribution has an amount above zero.

    Notes
    -----
    :math:`s_i = a_i / \sum_j a_j`; the low end is
    :math:`a_i^{low} / (a_i^{low} + \sum_{j \ne i} a_j^{high})` and the high end the reverse. These
    ends are bounds, not a confidence interval.

    Examples
    --------
    >>> table = shares([Contribution("cn", 300.0), Contribution("ru", 100.0, low=50.0, high=200.0)])
    >>> [(row.owner, round(row.share, 3), round(row.share_low, 3)) for row in table.rows]
    [('cn', 0.75, 0.6), ('ru', 0.25, 0.143)]
    """
    sums: dict[str, list[float]] = {}
    counted: dict[str, int] = {}
    unknown: dict[str, list[str]] = {}
    for row in contributions:
        amounts = sums.setdefault(row.owner, [0.0, 0.0, 0.0])
        counted.setdefault(row.owner, 0)
        if row.amount is None:
            unknown.setdefault(row.owner, []).append(row.subject or "unnamed")
            continue
        counted[row.owner] += 1
        for column, value in enumerate(_range(row)):
            amounts[column] += value
    if not math.isfinite(sum(most for _, _, most in sums.values())):
        raise InputError(f"the sum of {basis} is too large", where="contributions", advice="correct the amounts")
    total, low, high = (math.fsum(amounts[column] for amounts in sums.values()) for column in range(3))
    if not total > 0:
        raise ModelError(
            f"no share of {basis}: no contribution has an amount above zero",
            where="contributions",
            advice="give the masses, or a low and a high mass, of the elements",
        )
    rows = [
        Share(
            owner=owner,
            amount=best,
            low=least,
            high=most,
            share=best / total,
            share_low=_ratio(least, math.fsum((high, -most))),
            share_high=_ratio(most, math.fsum((low, -least))),
            items=counted[owner],
            unknown=tuple(unknown.get(owner, ())),
        )
        for owner, (best, least, most) in sums.items()
    ]
    rows.sort(key=lambda share: (-share.share, share.owner))
    return Shares(basis=basis, unit=unit, total=total, low=low, high=high, rows=tuple(rows))


def element_contributions(
    elements: Iterable[Element],
    missions: Iterable[Mission],
    *,
    destination: Iterable[str] | None = None,
) -> tuple[Contribution, ...]:
    """Mass of each element as its owner's contribution.

    Parameters
    ----------
    elements : iterable of Element
        Such as ``plan.elements``.
    missions : iterable of Mission
        The missions that bring them; elements of lost and cancelled missions are left out.
    destination : iterable of str, optional
        Keep only elements of missions of these kinds, such as `LANDING_KINDS`.

    Returns
    -------
    tuple of Contribution
        Masses [kg], all units of an element together. An element without a mass is kept with an
        amount of None, so that it is named among the unknown.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> table = shares(element_contributions(plan.elements, plan.missions, destination=LANDING_KINDS))
    >>> round(sum(row.share for row in table.rows), 12)
    1.0
    """
    kinds = None if destination is None else frozenset(destination)
    by_id = {mission.id: mission for mission in missions}
    rows = []
    for element in elements:
        mission = by_id.get(element.mission)
        if mission is None or mission.status in _LOST or (kinds is not None and mission.kind not in kinds):
            continue
        rows.append(
            Contribution(
                owner=element.owner,
                amount=_times(element.best_mass_kg, element.count),
                low=_times(element.mass_low_kg, element.count),
                high=_times(element.mass_high_kg, element.count),
                subject=f"elements[{element.id}]",
                status=mission.status,
            )
        )
    return tuple(rows)


def launch_contributions(missions: Iterable[Mission]) -> tuple[Contribution, ...]:
    """Each launch as one contribution of the mission's owner.

    Parameters
    ----------
    missions : iterable of Mission
        Such as ``plan.missions``. Cancelled missions are left out; a lost mission was launched and counts.

    Returns
    -------
    tuple of Contribution
        Counts [1].

    Examples
    --------
    >>> launch_contributions(())
    ()
    """
    return tuple(
        Contribution(owner=mission.owner, amount=1.0, subject=f"missions[{mission.id}]", status=mission.status)
        for mission in missions
        if mission.status != "cancelled"
    )


def _range(row: Contribution) -> tuple[float, float, float]:
    """Best, low and high amount of a contribution, checked."""
    best = 0.0 if row.amount is None else row.amount
    low = best if row.low is None else row.low
    high = best if row.high is None else row.high
    if not all(math.isfinite(value) and value >= 0 for value in (best, low, high)) or not low <= best <= high:
        raise InputError(
            f"amount {best:g} with range {low:g} to {high:g} cannot be shared",
            where=f"contribution {row.subject or row.owner}",
            advice="give finite amounts of zero or more, with low <= amount <= high",
        )
    return best, low, high


def _ratio(own: float, others: float) -> float:
    """Own part of the whole, zero where both are nothing."""
    whole = own + max(others, 0.0)
    return own / whole if whole > 0 else 0.0


def _times(mass_kg: float | None, count: int) -> float | None:
    """Mass of all units, if one is known."""
    return None if mass_kg is None else mass_kg * count
