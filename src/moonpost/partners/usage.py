"""Use against entitlement, lunar day by lunar day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.errors import InputError

__all__ = ["Use", "UseRow", "use_against_entitlement"]


@dataclass(frozen=True)
class Use:
    """What a partner used in a lunar day.

    Parameters
    ----------
    partner : str
        The partner.
    lunar_day : int
        Number of the lunar day, from 1.
    amount : float
        In any unit, the same for all.
    """

    partner: str
    lunar_day: int
    amount: float


@dataclass(frozen=True)
class UseRow:
    """One partner in one lunar day.

    Parameters
    ----------
    partner : str
        The partner.
    lunar_day : int
        Number of the lunar day.
    used : float
        What it used.
    part : float
        Its part of all that was used that day [1]; zero if nothing was.
    share : float
        What it is entitled to [1].
    over : float
        Used beyond its share of all that was used that day; negative if it used less.
    balance : float
        Sum of `over` so far: positive means that it owes the others.
    """

    partner: str
    lunar_day: int
    used: float
    part: float
    share: float
    over: float
    balance: float

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def use_against_entitlement(uses: Iterable[Use], shares: Mapping[str, float]) -> tuple[UseRow, ...]:
    """Set what partners used against what they are entitled to.

    Parameters
    ----------
    uses : iterable of Use
        In any order; several of one partner and day add up.
    shares : mapping of str to float
        Entitlement of each partner [1].

    Returns
    -------
    tuple of UseRow
        By lunar day, every day from the first to the last that has any use, partners as in `shares`.

    Raises
    ------
    InputError
        If an amount is negative or not finite, or the shares add up to more than one.

    Notes
    -----
    The whole of a day is what was used, not what could have been: a day on which little is used gives nobody a
    debt. The balances of all partners that are entitled to anything add up to zero where the shares add up to one.

    Examples
    --------
    >>> rows = use_against_entitlement([Use("cn", 1, 6.0), Use("ru", 1, 4.0)], {"cn": 0.5, "ru": 0.5})
    >>> [(row.partner, row.over) for row in rows]
    [('cn', 1.0), ('ru', -1.0)]
    """
    if any(not 0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise InputError("do not add up to one", where="shares", advice="give shares from 0 to 1")
    used: dict[tuple[int, str], float] = {}
    for row in uses:
        if not (math.isfinite(row.amount) and row.amount >= 0):
            raise InputError(
                f"{row.amount} cannot be used", where=f"use of {row.partner}", advice="give 0 or more"
            )
        key = (row.lunar_day, row.partner)
        used[key] = used.get(key, 0.0) + row.amount
    partners = list(dict.fromkeys([*shares, *(partner for _, partner in used)]))
    days = [day for day, _ in used]
    balance = dict.fromkeys(partners, 0.0)
    found = []
    for day in range(min(days, default=1), max(days, default=0) + 1):
        whole = math.fsum(used.get((day, partner), 0.0) for partner in partners)
        for partner in partners:
            amount, share = used.get((day, partner), 0.0), shares.get(partner, 0.0)
            over = amount - share * whole
            balance[partner] += over
            part = amount / whole if whole > 0 else 0.0
            found.append(UseRow(partner, day, amount, part, share, over, balance[partner]))
    return tuple(found)
