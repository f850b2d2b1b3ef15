"""What a ledger begins with: parties and keys, agreements, owners and baselines of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moonpost.errors import InputError, UnknownNameError
from moonpost.partners.agreements import RULES
from moonpost.partners.ledger.baselines import owned_rows
from moonpost.plan.model import Plan

__all__ = ["genesis_body"]


def genesis_body(plan: Plan, public: Mapping[str, str], rules: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a ledger begins with.

    Parameters
    ----------
    plan : Plan
        The plan.
    public : mapping of str to str
        Public key of every partner.
    rules : mapping of str to str, optional
        By agreement, ``majority`` or ``founders`` instead of ``consensus``.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If a partner has no key, or a rule is none or that of no agreement.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> body = genesis_body(plan, {partner.id: "00" * 32 for partner in plan.partners})
    >>> body["plan"]["id"]
    'ilrs'
    """
    without = [partner.id for partner in plan.partners if partner.id not in public]
    if without:
        raise InputError(
            f"no key for {', '.join(without)}", where="keys", advice="make or name a public key for each partner"
        )
    given = dict(rules or {})
    for name in sorted(set(given) - {row.id for row in plan.agreements}):
        raise UnknownNameError(name, [row.id for row in plan.agreements], kind="agreement", where="rules")
    for rule in sorted(set(given.values()) - set(RULES)):
        raise InputError(f"unknown rule {rule!r}", where="rules", advice=f"use {', '.join(RULES)}")
    return {
        "plan": {"id": plan.id, "version": plan.version, "sha256": plan.sha256, "title": plan.title},
        "parties": [{"id": p.id, "role": p.role, "public": public[p.id]} for p in plan.partners],
        "agreements": [
            {
                "id": a.id,
                "name": a.name,
                "parties": list(a.parties),
                "requires": list(a.requires),
                "rule": given.get(a.id, a.rule),
            }
            for a in plan.agreements
        ],
        "owned": owned_rows(plan),
    }
