"""Whose approval each element and mission needs, and which are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.partners.dates import Day, end_of, instant
from moonpost.plan.model import Plan
from moonpost.plan.partners import Owned, Partner

__all__ = ["ApprovalStatus", "approval_status", "approvals", "missing_approvals"]

_SETTLED = ("flown", "lost", "cancelled")


@dataclass(frozen=True)
class ApprovalStatus:
    """Approvals of one element or mission.

    Parameters
    ----------
    table : str
        ``elements`` or ``missions``.
    id, name : str
        Its identifier and name.
    owner : str
        The partner that owns it.
    needed : tuple of str
        The owner, then the approvers.
    given : tuple of str
        Those of them whose approval is on record.
    missing : tuple of str
        Those whose approval is not.
    missing_names : tuple of str
        The same, by the partner's name.
    unasked : tuple of str
        Parties on record that the plan does not ask.
    sources : tuple of str
        Source of each approval in `given`.
    complete : bool
        True if nothing is missing.
    settled : bool
        True if the mission has flown, was lost or is cancelled: what is missing is no longer asked for.
    """

    table: str
    id: str
    name: str
    owner: str
    needed: tuple[str, ...]
    given: tuple[str, ...]
    missing: tuple[str, ...]
    missing_names: tuple[str, ...]
    unasked: tuple[str, ...]
    sources: tuple[str, ...]
    complete: bool
    settled: bool

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def approval_status(
    row: Owned, partners: Iterable[Partner] = (), *, table: str = "", settled: bool = False, at: Day = None
) -> ApprovalStatus:
    """Approvals that an element or mission needs, has and lacks.

    Parameters
    ----------
    row : Owned
        An element or mission of a plan.
    partners : iterable of Partner
        To give the missing by name; without it names are identifiers.
    table : str
        Table that the row belongs to.
    settled : bool
        Whether its mission has flown, was lost or is cancelled.
    at : str, datetime.date, datetime.datetime or None
        Count only approvals given by the end of that day.

    Returns
    -------
    ApprovalStatus

    Raises
    ------
    DateError
        If `at` is text that is no date.

    Notes
    -----
    The owner's own approval has to be on record like any other: owning a thing is not yet a decision
    to bring it.

    Examples
    --------
    >>> from moonpost.plan.partners import Owned
    >>> row = Owned(id="lander", name="Lander", owner="cn", approvers=("ru",), source="an example",
    ...             confidence="C", approvals=[dict(party="cn", date="2024-01-05", source="minutes")])
    >>> approval_status(row).missing
    ('ru',)
    >>> approval_status(row, at="2023-12-31").missing
    ('cn', 'ru')
    """
    limit = instant(at)
    names = {partner.id: partner.name for partner in partners}
    needed = tuple(dict.fromkeys((row.owner, *row.approvers)))
    recorded = {
        approval.party: approval.source
        for approval in row.approvals
        if limit is None or end_of(approval.date) <= limit
    }
    given = tuple(party for party in needed if party in recorded)
    missing = tuple(party for party in needed if party not in recorded)
    return ApprovalStatus(
        table=table,
        id=row.id,
        name=row.name,
        owner=row.owner,
        needed=needed,
        given=given,
        missing=missing,
        missing_names=tuple(names.get(party, party) for party in missing),
        unasked=tuple(party for party in recorded if party not in needed),
        sources=tuple(recorded[party] for party in given),
        complete=not missing,
        settled=settled,
    )


def approvals(plan: Plan, at: Day = None) -> tuple[ApprovalStatus, ...]:
    """Approvals of every mission and element of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    at : str, datetime.date, datetime.datetime or None
        Count only approvals given by the end of that day.

    Returns
    -------
    tuple of ApprovalStatus
        Missions, then elements, in the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = approvals(load_plan("ilrs"))
    >>> all(row.owner in row.needed for row in rows)
    True
    """
    settled = {row.id for row in plan.missions if row.status in _SETTLED}
    missions = [
        approval_status(row, plan.partners, table="missions", settled=row.id in settled, at=at)
        for row in plan.missions
    ]
    elements = [
        approval_status(row, plan.partners, table="elements", settled=row.mission in settled, at=at)
        for row in plan.elements
    ]
    return (*missions, *elements)


def missing_approvals(rows: Iterable[ApprovalStatus]) -> dict[str, tuple[str, ...]]:
    """What each party still has to approve.

    Parameters
    ----------
    rows : iterable of ApprovalStatus
        From `approvals`.

    Returns
    -------
    dict of str to tuple of str
        For each party that owes an approval, the places that wait for it, such as
        ``missions[ce7]``; the party that owes most comes first. What is settled is left out.

    Examples
    --------
    >>> from moonpost.plan.partners import Owned
    >>> row = Owned(id="lander", name="Lander", owner="cn", source="an example", confidence="C")
    >>> missing_approvals([approval_status(row, table="elements")])
    {'cn': ('elements[lander]',)}
    """
    owed: dict[str, list[str]] = {}
    for row in rows:
        for party in () if row.settled else row.missing:
            owed.setdefault(party, []).append(f"{row.table}[{row.id}]" if row.table else row.id)
    ordered = sorted(owed.items(), key=lambda item: (-len(item[1]), item[0]))
    return {party: tuple(places) for party, places in ordered}
