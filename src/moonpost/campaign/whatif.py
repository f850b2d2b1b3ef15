"""What a slip or a cancelled mission moves, breaks and leaves without an instrument, and the cheapest repair."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from moonpost.campaign.build import BuildOrder
from moonpost.campaign.changes import Slip, changed_plan, redated, version_of
from moonpost.campaign.demonstrations import DemonstrationStatus, demonstration_status, worse_shown
from moonpost.campaign.launches import LeftOut
from moonpost.campaign.repair import Repair, RepairChoice, find_repairs, late_elements, lost_with
from moonpost.campaign.science import orphaned
from moonpost.campaign.sharechanges import ShareChange, mass_shares, rule_shares, share_changes
from moonpost.campaign.support import Standing, SupportStatus, build_with_support
from moonpost.errors import InputError
from moonpost.partners.dates import Day
from moonpost.plan.model import Plan

__all__ = ["Broken", "Moved", "Repair", "ShareChange", "WhatIf", "changed_plan", "what_if"]

Table = Literal["missions", "elements"]

_DAY = dt.timedelta(days=1)
_SUPPORT = ("holds", "at risk", "partly", "broken", "gone")


@dataclass(frozen=True)
class Moved:
    """A mission or element that comes at another time.

    Parameters
    ----------
    table, id : str
        ``missions`` or ``elements``, and its identifier.
    before, after : str
        Launch of a mission or first day of work of an element, earliest case, UTC.
    days : float
        Difference, later is positive [d].
    """

    table: Table
    id: str
    before: str
    after: str
    days: float


@dataclass(frozen=True)
class Broken:
    """A mission or element that was possible and is no longer, or comes too late for what needs it.

    Parameters
    ----------
    table, id : str
        ``missions`` or ``elements``, and its identifier.
    reason : str
        Why.
    """

    table: Table
    id: str
    reason: str


@dataclass(frozen=True)
class WhatIf:
    """What a change of the plan does.

    Parameters
    ----------
    plan : dict of str to str
        ``id``, ``version`` and ``sha256`` of the plan that was asked about.
    what : str
        The change in words.
    slipped : dict of str to float
        Years by mission.
    cancelled : tuple of str
        Missions.
    dated : dict of str to str
        New dates by mission.
    moved : tuple of Moved
        What comes at another time.
    broken : tuple of Broken
        What no longer comes or works, or comes too late.
    orphaned_objectives : tuple of str
        Objectives that lose their last instrument.
    supports : tuple of SupportStatus
        Support between missions that is worse than before.
    demonstrations : tuple of DemonstrationStatus
        Demonstrations that are later for what needs them than before, or never.
    warnings : tuple of str
        Further findings of the build order that were not there before.
    shares_before, shares_after : dict of str to float
        Each partner's share of the mass of elements that come [1].
    share_changes : tuple of ShareChange
        Partners whose share of that mass changes, the largest change first.
    entitlement_changes : tuple of ShareChange
        Partners whose entitlement by the plan's rule changes, all that comes counted; by mass alone where there is
        no rule, and before barter.
    at : str
        A day.
    entitlement_changes_at : tuple of ShareChange
        The same, with what has come by that day: here slips count as well.
    repair : tuple of Repair
        Steps of the best repair; empty if nothing broke and no date has to move.
    repaired : bool or None
        Whether the plan with all steps was built again without anything broken; None if nothing is broken and no
        date has to move.
    repairs : tuple of RepairChoice
        All repairs looked at, the best first, each with its cost.
    left_out : tuple of LeftOut
        What took no part in the choice of repairs, with the reason.
    origin, changed : Plan
        The plan, and the changed one with dates moved where they have to.
    order_before : BuildOrder
        The plan as it is built.
    """

    plan: dict[str, str]
    what: str
    slipped: dict[str, float]
    cancelled: tuple[str, ...]
    dated: dict[str, str]
    moved: tuple[Moved, ...]
    broken: tuple[Broken, ...]
    orphaned_objectives: tuple[str, ...]
    supports: tuple[SupportStatus, ...]
    demonstrations: tuple[DemonstrationStatus, ...]
    warnings: tuple[str, ...]
    shares_before: dict[str, float]
    shares_after: dict[str, float]
    share_changes: tuple[ShareChange, ...]
    entitlement_changes: tuple[ShareChange, ...]
    at: str
    entitlement_changes_at: tuple[ShareChange, ...]
    repair: tuple[Repair, ...]
    repaired: bool | None
    repairs: tuple[RepairChoice, ...]
    left_out: tuple[LeftOut, ...]
    origin: Plan = field(repr=False, compare=False)
    changed: Plan = field(repr=False, compare=False)
    order_before: BuildOrder = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON, without the plans."""
        left = ("origin", "changed", "order_before", "repairs")
        row = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in left}
        told = {name: _told(value) for name, value in row.items()}
        return {**told, "repairs": [choice.to_dict() for choice in self.repairs]}

    def new_version(self, *, repaired: bool = False, version: str | None = None) -> Plan:
        """The changed plan as a new version of the plan it came from.

        Parameters
        ----------
        repaired : bool, default False
            Whether with the steps of the best repair; without them only dates that have to move are moved.
        version : str, optional
            Its version; one more than that of the plan if absent.

        Returns
        -------
        Plan
            `moonpost.plan.save_plan` writes it.

        Raises
        ------
        InputError
            If there is no repair to apply, or the version is that of the plan.

        Examples
        --------
        >>> from moonpost.plan import load_plan
        >>> what_if(load_plan("ilrs"), slip={"ilrs-1": "6m"}).new_version().version
        '2026.11+1'
        """
        if not repaired:
            return version_of(self.origin, self.changed, self.what, version=version)
        if not self.repairs:
            raise InputError("there is nothing to repair", where="what-if", advice="save it without the repair")
        best = self.repairs[0]
        what = f"{self.what}; repair: {'; '.join(step.text for step in best.steps)}"
        return version_of(self.origin, best.plan, what, version=version)


def what_if(
    plan: Plan,
    *,
    slip: Mapping[str, Slip | float | str] | None = None,
    cancel: Collection[str] = (),
    date: Mapping[str, str] | None = None,
    costs: Mapping[str, float] | None = None,
    relaunch_days: float = 731.0,
    at: Day = None,
) -> WhatIf:
    """What slips and cancelled missions move, break and orphan, whose share changes, and the cheapest repair.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    slip : mapping of str to Slip, float or str, optional
        How much later missions come: years as a number, or text such as ``6m`` or ``90d``.
    cancel : collection of str
        Missions that do not come.
    date : mapping of str to str, optional
        Missions that are launched on another date.
    costs : mapping of str to float, optional
        Cost of a launch by launcher, before those of the plan; launches are counted where there are none.
    relaunch_days : float
        A further launch flies no earlier than so long after the first date of the mission that it replaces [d]: an
        assumption.
    at : str, datetime.date, datetime.datetime or None
        Day on which entitlements are compared; the first day of the plan's design period if not given.

    Returns
    -------
    WhatIf

    Raises
    ------
    UnknownNameError
        If the plan has no such mission or launcher.
    DateError
        If `at` is no date.
    InputError
        If nothing is changed, a mission that is over is changed, a slip is not above zero, a date is none, or a
        mission is changed twice.

    Notes
    -----
    The plan is changed, built again with regard to support between missions and compared, all in the earliest
    case. `moonpost.campaign.repair.find_repairs` tells what repairs are looked at and how the cheapest is proved.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> result = what_if(load_plan("ilrs"), slip={"ilrs-1": 2.0})
    >>> result.moved[0].id, round(result.moved[0].days)
    ('ilrs-1', 731)
    """
    cancelled = tuple(dict.fromkeys(cancel))
    slips = {name: Slip.of(value, f"missions[{name}]") for name, value in (slip or {}).items()}
    changed = changed_plan(plan, slip=slips, cancel=cancelled, date=date)
    before, after = build_with_support(plan), build_with_support(changed)
    never = after.never()
    lost = set(orphaned(changed, never)) - set(orphaned(plan, before.never()))
    found = find_repairs(
        plan,
        changed,
        before,
        after,
        lost_with(changed, before, after, cancelled),
        costs=costs,
        relaunch_days=relaunch_days,
    )
    best = found.choices[0] if found.choices else None
    broken = _broken(plan, changed, before, after)
    was, now = mass_shares(plan, before.never()), mass_shares(changed, never)
    on = plan.design.start if at is None else at
    return WhatIf(
        plan={"id": plan.id, "version": plan.version, "sha256": plan.sha256},
        what=_words(plan, slips, cancelled, date or {}),
        slipped={name: row.years for name, row in slips.items()},
        cancelled=cancelled,
        dated=dict(date or {}),
        moved=_moved(before.order, after.order),
        broken=broken,
        orphaned_objectives=tuple(row.id for row in plan.objectives if row.id in lost),
        supports=_weaker(before, after),
        demonstrations=worse_shown(
            demonstration_status(plan, before.order), demonstration_status(changed, after.order)
        ),
        warnings=_warnings(before.order, after.order),
        shares_before=was,
        shares_after=now,
        share_changes=share_changes(was, now),
        entitlement_changes=share_changes(rule_shares(plan, before), rule_shares(changed, after)),
        at=str(on),
        entitlement_changes_at=share_changes(rule_shares(plan, before, on), rule_shares(changed, after, on)),
        repair=best.steps if best else (),
        repaired=best.repaired if best else False if broken else None,
        repairs=found.choices,
        left_out=found.left_out,
        origin=plan,
        changed=redated(changed, after.order),
        order_before=before.order,
    )


def _words(plan: Plan, slips: Mapping[str, Slip], cancelled: Collection[str], dates: Mapping[str, str]) -> str:
    """The change in words."""
    parts = [f"{plan.mission(name).name} slips by {_length(row)}" for name, row in slips.items()]
    parts += [f"{plan.mission(name).name} is cancelled" for name in cancelled]
    parts += [f"{plan.mission(name).name} flies on {text}" for name, text in dates.items()]
    return "; ".join(parts)


def _length(slip: Slip) -> str:
    """A delay in words."""
    years, months = divmod(slip.months, 12)
    amounts = ((years, "year"), (months, "month"), (slip.days, "day"))
    return " and ".join(f"{n:g} {unit}{'' if n == 1 else 's'}" for n, unit in amounts if n)


def _moved(before: BuildOrder, after: BuildOrder) -> tuple[Moved, ...]:
    """What comes at another time."""
    old: dict[tuple[Table, str], str | None] = {("missions", row.mission): row.launch for row in before.missions}
    old.update({("elements", step.element): step.ready for step in before.steps})
    new: dict[tuple[Table, str], str | None] = {
        ("missions", row.mission): row.launch for row in after.missions if row.blocked_by is None
    }
    new.update({("elements", step.element): step.ready for step in after.steps})
    rows = []
    for (table, name), date in new.items():
        was = old[table, name]
        if was is not None and date is not None and date != was:
            rows.append(Moved(table, name, was, date, (_instant(date) - _instant(was)) / _DAY))
    return tuple(rows)


def _broken(plan: Plan, changed: Plan, before: Standing, after: Standing) -> tuple[Broken, ...]:
    """What was possible and is no longer, and what has come too late."""
    gone = before.blocked()
    missions = [Broken("missions", name, why) for name, why in after.blocked().items() if name not in gone]
    worked = {step.element for step in before.order.steps if step.never is None}
    elements = [
        Broken("elements", step.element, _why(step.never, step.mission, after))
        for step in after.order.steps
        if step.never is not None and step.element in worked
    ]
    known = late_elements(plan, before)
    late = [
        Broken("elements", name, f"arrives {days:.0f} days after it is needed")
        for name, days in late_elements(changed, after).items()
        if name not in known
    ]
    return (*missions, *elements, *late)


def _why(reason: str, mission: str, after: Standing) -> str:
    """Why an element never works; a mission that lacks support is not lost."""
    if mission in after.fallen:
        return f"its mission {mission} {after.fallen[mission]}"
    return reason


def _weaker(before: Standing, after: Standing) -> tuple[SupportStatus, ...]:
    """Support that is worse than before."""
    was = {row.support: row.status for row in before.supports}
    return tuple(
        row
        for row in after.supports
        if row.status != "idle"
        and was[row.support] != "idle"
        and _SUPPORT.index(row.status) > _SUPPORT.index(was[row.support])
    )


def _warnings(before: BuildOrder, after: BuildOrder) -> tuple[str, ...]:
    """Findings that were not there before, errors left out: they are broken or moved."""
    known = {(finding.code, finding.place) for finding in before.findings}
    return tuple(
        f"{finding.place}: {finding.text}"
        for finding in after.findings
        if finding.severity != "error" and (finding.code, finding.place) not in known
    )


def _told(value: Any) -> Any:
    """Rows as plain values."""
    if isinstance(value, tuple) and value and hasattr(value[0], "__dataclass_fields__"):
        return [asdict(row) for row in value]
    return value


def _instant(text: str) -> dt.datetime:
    """A date of the build order."""
    return dt.datetime.fromisoformat(text.rstrip("Z"))
