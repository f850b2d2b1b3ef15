"""From contributions to what each partner is entitled to: a stated rule, then barter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.errors import InputError, ModelError
from moonpost.partners.bases import BASES, Basis, contributions
from moonpost.partners.dates import Day, end_of, instant
from moonpost.partners.shares import Shares, shares
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan
from moonpost.plan.partners import Barter, ShareRule

__all__ = ["Right", "Rights", "after_barter", "rights"]

_ROUND = 1e-12


@dataclass(frozen=True)
class Right:
    """What one partner puts in and is entitled to.

    Parameters
    ----------
    partner : str
        The partner.
    amounts : dict of str to float
        What it puts in on each basis, in the units of `moonpost.partners.bases.UNITS`.
    parts : dict of str to float
        Its part of the whole on each basis [1].
    share : float
        Weighted by the rule [1].
    share_low, share_high : float
        Bounds over the ranges of what is put in [1].
    unknown : tuple of str
        What it puts in without a known amount: it counts as nothing.
    """

    partner: str
    amounts: dict[str, float]
    parts: dict[str, float]
    share: float
    share_low: float
    share_high: float
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Rights:
    """Entitlements of all partners; the shares add up to one.

    Parameters
    ----------
    at : str or None
        The day; None for the whole plan.
    weights : dict of str to float
        Weight of each basis that counts; they add up to one.
    idle : tuple of str
        Bases with a weight to which nobody has put in anything yet: the others take their weight.
    rows : tuple of Right
        Largest share first; partners that put in nothing are there with a share of zero.
    """

    at: str | None
    weights: dict[str, float]
    idle: tuple[str, ...]
    rows: tuple[Right, ...]

    @property
    def shares(self) -> dict[str, float]:
        """Share of each partner [1]."""
        return {row.partner: row.share for row in self.rows}

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def rights(plan: Plan, *, at: Day = None, rule: ShareRule | None = None) -> Rights:
    r"""What each partner is entitled to by what it puts in, before any barter.

    Parameters
    ----------
    plan : Plan
        The plan.
    at : str, datetime.date, datetime.datetime or None
        Count only what is there on that day; None counts the whole plan.
    rule : ShareRule, optional
        Weights; the plan's own if not given, and mass alone if it has none.

    Returns
    -------
    Rights

    Raises
    ------
    ModelError
        If nobody has put in anything that the rule weighs.

    Notes
    -----
    :math:`s_i = \sum_b w_b a_{ib} / \sum_j a_{jb}` over the bases b to which somebody has put in something; the
    weights of these are divided by their sum. The bounds take each basis at its own worst, so they are wider
    than any single case.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = rights(load_plan("ilrs"), at="2036")
    >>> round(sum(found.shares.values()), 12), found.rows[0].partner
    (1.0, 'cnsa')
    """
    weighed = rule or plan.share_rule
    asked: dict[Basis, float] = {basis: getattr(weighed, basis) if weighed else 0.0 for basis in BASES}
    if weighed is None:
        asked["mass"] = 1.0
    tables: dict[Basis, Shares] = {}
    idle: list[str] = []
    for basis, weight in asked.items():
        if weight <= 0:
            continue
        rows = contributions(plan, basis, at)
        if any(row.amount for row in rows):
            tables[basis] = shares(rows, basis=basis)
        else:
            idle.append(basis)
    if not tables:
        raise ModelError(
            f"nobody has put in anything by {at or 'its end'} on the bases {', '.join(idle)}",
            where=f"{plan.path}: share_rule",
            advice="take a later day, or weigh another basis",
        )
    most = max(asked[basis] for basis in tables)
    whole = sum(asked[basis] / most for basis in tables)
    weights = {basis: asked[basis] / most / whole for basis in tables}
    limit = instant(at)
    partners = list(
        dict.fromkeys([*(p.id for p in plan.partners), *(r.owner for t in tables.values() for r in t.rows)])
    )
    found = [_right(partner, tables, weights) for partner in partners]
    found.sort(key=lambda row: (-row.share, row.partner))
    stamp = None if limit is None else limit.isoformat(timespec="seconds") + "Z"
    return Rights(stamp, {str(basis): weight for basis, weight in weights.items()}, tuple(idle), tuple(found))


def _right(partner: str, tables: Mapping[Basis, Shares], weights: Mapping[Basis, float]) -> Right:
    """One partner's row."""
    rows = {basis: next((r for r in table.rows if r.owner == partner), None) for basis, table in tables.items()}
    known = {basis: row for basis, row in rows.items() if row is not None}
    return Right(
        partner=partner,
        amounts={basis: known[basis].amount if basis in known else 0.0 for basis in tables},
        parts={basis: known[basis].share if basis in known else 0.0 for basis in tables},
        share=sum(weights[basis] * row.share for basis, row in known.items()),
        share_low=sum(weights[basis] * row.share_low for basis, row in known.items()),
        share_high=min(1.0, sum(weights[basis] * row.share_high for basis, row in known.items())),
        unknown=tuple(subject for row in known.values() for subject in row.unknown),
    )


def after_barter(
    table: Mapping[str, float], barters: Iterable[Barter], resource: str, at: Day = None
) -> dict[str, float]:
    """Shares of a resource once barters have been carried out.

    Parameters
    ----------
    table : mapping of str to float
        Share of each partner before [1].
    barters : iterable of Barter
        Such as ``plan.barters``; those of other resources and of other times are left out.
    resource : str
        Such as ``energy``.
    at : str, datetime.date, datetime.datetime or None
        The day; None takes all barters, whenever they are.

    Returns
    -------
    dict of str to float
        With the same sum.

    Raises
    ------
    InputError
        If a partner gives more than it has left.

    Notes
    -----
    All barters of a day are carried out together: what a partner receives it may give on.

    Examples
    --------
    >>> row = Barter(id="b", name="b", giver="cn", receiver="ru", resource="energy", share=0.1, start="2035",
    ...              back="tracking", source="an example", confidence="C")
    >>> after_barter({"cn": 0.7, "ru": 0.3}, [row], "energy", "2036")["ru"]
    0.4
    >>> after_barter({"cn": 0.7, "ru": 0.3}, [row], "energy", "2034")["ru"]
    0.3
    """
    limit = instant(at)
    found = dict(table)
    changed: dict[str, list[str]] = {}
    for row in barters:
        if row.resource != resource:
            continue
        if limit is not None and (
            when_bounds(row.start)[0] > limit or (row.end is not None and end_of(row.end) < limit)
        ):
            continue
        found[row.giver] = found.get(row.giver, 0.0) - row.share
        found[row.receiver] = found.get(row.receiver, 0.0) + row.share
        changed.setdefault(row.giver, []).append(row.id)
    for partner, names in changed.items():
        if found[partner] < -_ROUND:
            raise InputError(
                f"{partner} gives {-found[partner]:.3g} of {resource} more than it has",
                where=", ".join(f"barters[{name}]" for name in names),
                advice="lower the share or let it receive more",
            )
    return {partner: max(share, 0.0) for partner, share in found.items()}
