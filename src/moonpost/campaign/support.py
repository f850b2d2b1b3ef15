"""What missions do for one another: whether it is there when it is needed, and what falls if it is not."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from moonpost.campaign.build import BuildOrder, MissionStep, build_order
from moonpost.campaign.science import orphaned
from moonpost.partners.agreements import agreement_state
from moonpost.plan.missions import Support
from moonpost.plan.model import Plan

__all__ = ["Standing", "SupportStatus", "build_with_support", "support_status"]

State = Literal["holds", "at risk", "partly", "broken", "gone", "idle"]

_DAY = dt.timedelta(days=1)
_STAYS = ("flown", "lost", "cancelled")


@dataclass(frozen=True)
class SupportStatus:
    """Whether one mission's support for another is there when it is needed.

    Parameters
    ----------
    support, name, kind : str
        From the plan.
    provider, provider_owner, user, user_owner : str
        The mission that gives it, the mission that needs it, and whose they are.
    essential : bool
        Whether the user fails without it.
    agreement : str or None
        The agreement that promises it.
    promised : bool or None
        Whether that agreement is in force; None if no agreement is named.
    needed_from, needed_until : str or None
        When it is needed if the user comes at its earliest, UTC; None until its unknown end, or if it never comes.
    given_from, given_until : str or None
        When it is given if the provider comes at its earliest, UTC; None until its unknown end, or if it never
        comes.
    status : {"holds", "at risk", "partly", "broken", "gone", "idle"}
        holds: all of the need, for all dates that the plan allows; at risk: for some of them, or the need has no
        known end and the provider's design life has; partly: part of the need at best; broken: nothing of it;
        gone: the provider never comes; idle: the user never comes.
    late_days, late_least_days : float or None
        How long after the begin of the need the provider comes, in the worst and the best case; zero or less if
        it is there before [d]. None if either never comes.
    short_days : float or None
        How long before the end of the need the provider's design life ends, in the worst case; zero or less if it
        lasts [d]. None if either end is not known.
    covered_by : tuple of str
        Other supports of the same kind for the same user that are there from the begin of the need.
    fails : bool
        Whether the user fails: it is essential, not there at the begin whatever the dates, and nothing stands in.
    breaks : tuple of str
        What falls with it, as places in the plan, if it is essential and lacking.
    remedy : str
        Which date would have to move by how much; empty if none has to.
    """

    support: str
    name: str
    kind: str
    provider: str
    provider_owner: str
    user: str
    user_owner: str
    essential: bool
    agreement: str | None
    promised: bool | None
    needed_from: str | None
    needed_until: str | None
    given_from: str | None
    given_until: str | None
    status: State
    late_days: float | None
    late_least_days: float | None
    short_days: float | None
    covered_by: tuple[str, ...] = ()
    fails: bool = False
    breaks: tuple[str, ...] = ()
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)

    def reason(self) -> str:
        """Why the user fails, in words.

        Returns
        -------
        str
        """
        lack = f"cannot do without {self.kind} from {self.provider}, "
        if self.status == "gone":
            return lack + "which never comes"
        if self.late_least_days is not None and self.late_least_days > 0:
            return lack + f"which comes {_days(self.late_least_days)} late"
        return lack + "whose life is over by then"


@dataclass(frozen=True)
class Standing:
    """A plan built with regard to what missions do for one another.

    Parameters
    ----------
    order : BuildOrder
        The order, with missions that lack essential support counted as lost.
    supports : tuple of SupportStatus
        All supports, in the plan's order.
    fallen : dict of str to str
        Missions that lack essential support, with the reason.
    """

    order: BuildOrder
    supports: tuple[SupportStatus, ...]
    fallen: dict[str, str]

    def never(self) -> frozenset[str]:
        """Elements that never work.

        Returns
        -------
        frozenset of str
        """
        return frozenset(step.element for step in self.order.steps if step.never is not None)

    def blocked(self) -> dict[str, str]:
        """Missions that do not fly or bring nothing, with the reason.

        Returns
        -------
        dict of str to str
        """
        return {
            row.mission: self.fallen.get(row.mission, row.blocked_by)
            for row in self.order.missions
            if row.blocked_by is not None
        }


def support_status(plan: Plan, order: BuildOrder | None = None) -> tuple[SupportStatus, ...]:
    """Whether missions get the support of others when they need it, and what falls where they do not.

    Parameters
    ----------
    plan : Plan
        The plan.
    order : BuildOrder, optional
        Its build order; computed if absent.

    Returns
    -------
    tuple of SupportStatus
        In the order of the plan.

    Notes
    -----
    A mission gives support from its arrival to the end of the longest design life among its elements, and needs
    it from and until stated times after its own arrival. Any pair of dates that the plan allows can come together,
    but for those on which a mission would come before one that it requires. A design life that the plan does not
    give has no end here. An essential support that is there at the begin of the need and ends before it does not
    make the user fail: that is told as ``short_days``.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = support_status(load_plan("ilrs"))
    >>> {row.provider for row in rows if row.user == "ce7"} >= {"queqiao-2", "luna-26"}
    True
    """
    order = build_order(plan) if order is None else order
    steps = {row.mission: row for row in order.missions}
    waits = _waits(plan)
    met = [_status(plan, row, steps, waits) for row in plan.supports]
    rows = []
    for row, begins in met:
        alike = [other for other, there in met if there and (other.user, other.kind) == (row.user, row.kind)]
        others = tuple(other.support for other in alike if other is not row)
        to_come = row.status != "idle" and plan.mission(row.user).status not in _STAYS
        lacking = row.essential and to_come and not begins
        breaks = _falls(plan, row.user) if lacking else ()
        rows.append(replace(row, covered_by=others, fails=lacking and not others, breaks=breaks))
    return tuple(rows)


def build_with_support(plan: Plan) -> Standing:
    """Build a plan and let fall what lacks essential support, and then what relied on that.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.

    Returns
    -------
    Standing

    Raises
    ------
    ModelError
        As `moonpost.campaign.build_order`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> build_with_support(load_plan("ilrs")).fallen
    {}
    """
    fallen: dict[str, str] = {}
    kept: dict[str, SupportStatus] = {}
    current = plan
    while True:
        order = build_order(current)
        rows = support_status(current, order)
        new = {row.user: row.reason() for row in rows if row.fails and row.user not in fallen}
        kept |= {row.support: row for row in rows if row.fails}
        if not new:
            return Standing(order, tuple(kept.get(row.support, row) for row in rows), fallen)
        fallen |= new
        missions = [
            row.model_copy(update={"status": "lost"}) if row.id in new else row for row in current.missions
        ]
        current = current.model_copy(update={"missions": tuple(missions)})


def _status(
    plan: Plan, row: Support, steps: Mapping[str, MissionStep], waits: Mapping[str, frozenset[str]]
) -> tuple[SupportStatus, bool]:
    """One support by itself, and whether it may be there at the begin of the need."""
    provider, user = plan.mission(row.provider), plan.mission(row.user)
    gives, needs = _arrivals(steps.get(row.provider)), _arrivals(steps.get(row.user))
    life_given, life_needed = _life(plan, row.provider), _life(plan, row.user)
    bare = SupportStatus(
        support=row.id,
        name=row.name,
        kind=row.kind,
        provider=row.provider,
        provider_owner=provider.owner,
        user=row.user,
        user_owner=user.owner,
        essential=row.essential,
        agreement=row.agreement,
        promised=_promised(plan, row),
        needed_from=None if needs is None else _text(needs[0] + row.from_days * _DAY),
        needed_until=None if needs is None else _text(_plus(needs[0], _until(row, life_needed))),
        given_from=None if gives is None else _text(gives[0]),
        given_until=None if gives is None else _text(_plus(gives[0], life_given)),
        status="holds",
        late_days=None,
        late_least_days=None,
        short_days=None,
    )
    if needs is None:
        return replace(bare, status="idle"), False
    if gives is None:
        return replace(bare, status="gone", remedy=f"another mission would have to give {row.kind}"), False
    least, most = _lead(gives, needs, row, waits)
    need_days = _until(row, life_needed)
    life = math.inf if life_given is None else life_given
    length = math.inf if need_days is None else need_days - row.from_days
    begins = _Range(0.0, life)
    whole = _Range(0.0, life - length if math.isfinite(life) else math.inf)
    meets = _Range(-length, life)
    open_end = need_days is None and begins.holds(least, most)
    status: State = (
        "holds" if whole.holds(least, most)
        else "at risk" if whole.meets(least, most) or open_end
        else "partly" if meets.meets(least, most)
        else "broken"
    )  # fmt: skip
    known = need_days is not None and life_given is not None
    found = replace(
        bare,
        status=status,
        late_days=-least,
        late_least_days=-most,
        short_days=most + length - life if known else None,
    )
    return replace(found, remedy=_remedy(found)), begins.meets(least, most)


@dataclass(frozen=True)
class _Range:
    """Times from the provider's arrival to the begin of the need for which something is so [d]."""

    low: float
    high: float

    def holds(self, least: float, most: float) -> bool:
        """Whether it is so for all times from `least` to `most`."""
        return self.low <= least and most <= self.high

    def meets(self, least: float, most: float) -> bool:
        """Whether it is so for any of them."""
        return self.low <= self.high and least <= self.high and most >= self.low


def _lead(
    gives: tuple[dt.datetime, dt.datetime],
    needs: tuple[dt.datetime, dt.datetime],
    row: Support,
    waits: Mapping[str, frozenset[str]],
) -> tuple[float, float]:
    """Least and most time from the provider's arrival to the begin of the need [d]."""
    least, most = (needs[0] - gives[1]) / _DAY, (needs[1] - gives[0]) / _DAY
    if row.provider in waits[row.user]:
        least, most = max(least, 0.0), max(most, 0.0)
    elif row.user in waits[row.provider]:
        least, most = min(least, 0.0), min(most, 0.0)
    return least + row.from_days, most + row.from_days


def _remedy(row: SupportStatus) -> str:
    """Which date would have to move."""
    least, most, short = row.late_least_days or 0.0, row.late_days or 0.0, row.short_days or 0.0
    if row.status == "holds":
        return ""
    if most > 0:
        days = f"{_days(least, most)} to {_days(most)}" if 0 < least < most else f"up to {_days(most)}"
        return f"{row.provider} {days} earlier, or {row.user} as much later"
    if short > 0:
        return f"{row.provider} to last {_days(short)} beyond its design life"
    if row.given_until is not None and row.needed_until is None:
        return (
            f"{row.provider} to last beyond {row.given_until[:10]}, the end of its design life, as long as needed"
        )
    return f"{row.user} to come within the design life of {row.provider}"


def _falls(plan: Plan, user: str) -> tuple[str, ...]:
    """What never works if a mission fails."""
    lost = plan.model_copy(
        update={
            "missions": tuple(
                row.model_copy(update={"status": "lost"}) if row.id == user else row for row in plan.missions
            )
        }
    )
    before, after = build_order(plan), build_order(lost)
    gone_before = {row.mission for row in before.missions if row.blocked_by}
    missions = [f"missions[{row.mission}]" for row in after.missions
                if row.blocked_by and row.mission not in gone_before]  # fmt: skip
    never_before = {step.element for step in before.steps if step.never}
    never = {step.element for step in after.steps if step.never}
    elements = [f"elements[{step.element}]" for step in after.steps
                if step.never and step.element not in never_before]  # fmt: skip
    bare = set(orphaned(plan, never_before))
    objectives = [f"objectives[{name}]" for name in orphaned(lost, never) if name not in bare]
    return (*missions, *elements, *objectives)


def _waits(plan: Plan) -> dict[str, frozenset[str]]:
    """All missions that each waits for, directly or through others."""
    direct = {row.id: set(row.requires) for row in plan.missions}
    found: dict[str, frozenset[str]] = {}
    for name in direct:
        seen: set[str] = set()
        queue = list(direct[name])
        while queue:
            other = queue.pop()
            if other not in seen:
                seen.add(other)
                queue += direct.get(other, ())
        found[name] = frozenset(seen)
    return found


def _arrivals(step: MissionStep | None) -> tuple[dt.datetime, dt.datetime] | None:
    """Earliest and latest arrival of a mission that comes."""
    if step is None or step.arrival is None:
        return None
    return _instant(step.arrival), _instant(step.arrival_latest or step.arrival)


def _life(plan: Plan, mission: str) -> float | None:
    """Longest design life of what a mission brings [d]; None if one is not known."""
    lives = [element.life_years for element in plan.elements if element.mission == mission]
    known = [life for life in lives if life is not None]
    return None if not known or len(known) < len(lives) else 365.25 * max(known)


def _until(row: Support, life_days: float | None) -> float | None:
    """How long after the user's arrival the need ends [d]; None if it is not known."""
    return life_days if row.until_days is None else row.until_days


def _promised(plan: Plan, row: Support) -> bool | None:
    """Whether the agreement behind a support is in force."""
    if row.agreement is None:
        return None
    founders = [partner.id for partner in plan.partners if partner.role == "founder"]
    return agreement_state(plan.row("agreements", row.agreement), founders=founders).in_force


def _plus(date: dt.datetime, days: float | None) -> dt.datetime | None:
    return None if days is None else date + days * _DAY


def _days(days: float, other: float = 0.0) -> str:
    """A length of time in words, in years where it or another one beside it is long."""
    return f"{days:.0f} days" if max(days, other) < 730 else f"{days / 365.25:.1f} years"


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.rstrip("Z"))


def _text(date: dt.datetime | None) -> str | None:
    return None if date is None else date.isoformat(timespec="seconds") + "Z"
