"""Changes of a plan: missions slipped, moved to a date or cancelled, and the new version that this makes."""

from __future__ import annotations

import datetime as dt
import math
import re
from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from moonpost.campaign.build import BuildOrder
from moonpost.errors import InputError
from moonpost.plan.base import when_bounds
from moonpost.plan.missions import Mission
from moonpost.plan.model import Assumption, Plan

__all__ = ["Slip", "changed_plan", "redated", "version_of"]

_PART = re.compile(r"(\d+(?:\.\d+)?)([ymwd])")
_MOST_DAYS = 36_525.0
_OVER = ("flown", "lost", "cancelled")


@dataclass(frozen=True)
class Slip:
    """A delay in months of the calendar and days.

    Parameters
    ----------
    months : int
        Whole months; the day of the month is kept, or is the last one of a shorter month.
    days : float
        Days on top [d].
    """

    months: int
    days: float = 0.0

    @classmethod
    def of(cls, value: Slip | float | str, where: str = "slip") -> Slip:
        """Read a delay.

        Parameters
        ----------
        value : Slip, float or str
            Years as a number; or text such as ``2y``, ``6m``, ``3w``, ``90d`` or ``1y6m``; a number as text is
            years.
        where : str
            For messages.

        Returns
        -------
        Slip

        Raises
        ------
        InputError
            If it is no delay above zero and up to 100 years.

        Examples
        --------
        >>> Slip.of("1y6m"), Slip.of(2.0), Slip.of("90d")
        (Slip(months=18, days=0.0), Slip(months=24, days=0.0), Slip(months=0, days=90.0))
        """
        if isinstance(value, Slip):
            return value
        amounts = _amounts(value, where)
        days = 365.25 * amounts["y"] + 30.4375 * amounts["m"] + 7.0 * amounts["w"] + amounts["d"]
        if not (math.isfinite(days) and 0 < days <= _MOST_DAYS):
            raise InputError(f"{value} is no slip", where=where, advice="give more than 0 and at most 100 years")
        years, months = int(amounts["y"]), int(amounts["m"])
        rest = 365.25 * (amounts["y"] - years) + 30.4375 * (amounts["m"] - months)
        return cls(12 * years + months, float(round(rest)) + 7.0 * amounts["w"] + amounts["d"])

    @property
    def years(self) -> float:
        """Its length [years]."""
        return self.months / 12.0 + self.days / 365.25

    def after(self, date: dt.datetime) -> dt.datetime:
        """The date so much later.

        Parameters
        ----------
        date : datetime.datetime
            A date.

        Returns
        -------
        datetime.datetime

        Examples
        --------
        >>> Slip(12).after(dt.datetime(2032, 2, 29)).isoformat()
        '2033-02-28T00:00:00'
        """
        index = 12 * date.year + date.month - 1 + self.months
        year, month = divmod(index, 12)
        day = min(date.day, monthrange(year, month + 1)[1])
        return date.replace(year=year, month=month + 1, day=day) + dt.timedelta(days=self.days)


def changed_plan(
    plan: Plan,
    *,
    slip: Mapping[str, Slip | float | str] | None = None,
    cancel: Collection[str] = (),
    date: Mapping[str, str] | None = None,
) -> Plan:
    """A copy of a plan with missions slipped, moved to a date or cancelled.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    slip : mapping of str to Slip, float or str, optional
        How much later missions come: years as a number, or text such as ``6m`` or ``90d``. Whole years and months
        keep the day of the month.
    cancel : collection of str
        Missions that do not come.
    date : mapping of str to str, optional
        Missions that are launched on another date, earlier or later, such as ``2024``.

    Returns
    -------
    Plan

    Raises
    ------
    UnknownNameError
        If the plan has no such mission.
    InputError
        If nothing is changed, a mission that is over is changed, a slip is not above zero, a date is none, or a
        mission is changed twice.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> changed_plan(plan, cancel=["ce8"]).mission("ce8").status, plan.mission("ce8").status
    ('cancelled', 'planned')
    >>> changed_plan(plan, slip={"ce7": "6m"}).mission("ce7").launch
    '2027-02-01T00:00:00Z/2027-02-28T23:59:59Z'
    """
    slips, dates = dict(slip or {}), dict(date or {})
    if not slips and not cancel and not dates:
        raise InputError("nothing to change", where="what-if", advice="slip, cancel or date a mission")
    for name in (*slips, *cancel, *dates):
        mission = plan.mission(name)
        if mission.status in _OVER:
            raise InputError(
                f"is {mission.status} already", where=f"missions[{name}]", advice="choose one to come"
            )
    for name in (*slips, *dates):
        if name in cancel or (name in slips and name in dates):
            raise InputError(
                "is slipped and cancelled, or changed twice",
                where=f"missions[{name}]",
                advice="choose one of them",
            )
    read = {name: Slip.of(value, f"missions[{name}]") for name, value in slips.items()}
    missions = tuple(_changed(mission, read, cancel, dates) for mission in plan.missions)
    changed = plan.model_copy(update={"missions": missions})
    if changed.sha256 == plan.sha256:
        raise InputError("nothing to change", where="what-if", advice="the mission has that date already")
    return changed


def redated(plan: Plan, order: BuildOrder) -> Plan:
    """Put launches that have to wait on the dates on which they can fly.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    order : BuildOrder
        Its build order.

    Returns
    -------
    Plan

    Examples
    --------
    >>> from moonpost.campaign import build_order
    >>> from moonpost.plan import load_plan
    >>> plan = changed_plan(load_plan("ilrs"), slip={"ilrs-1": 2.0})
    >>> redated(plan, build_order(plan)).mission("ilrs-2").launch[:10]
    '2033-01-06'
    """
    moved = {row.mission: row for row in order.missions if row.moved and row.launch is not None}
    missions: dict[str, Mission] = {}
    for mission in _in_order(plan):
        if mission.id in moved:
            row = moved[mission.id]
            landing = None if mission.landing is None else _range(row.arrival, row.arrival_latest)
            mission = _moved(mission, _range(row.launch, row.launch_latest), landing)
        missions[mission.id] = _behind(mission, missions)
    return plan.model_copy(update={"missions": tuple(missions[row.id] for row in plan.missions)})


def _in_order(plan: Plan) -> list[Mission]:
    """Missions with those that they require first."""
    by_id = {row.id: row for row in plan.missions}
    graph = {row.id: [name for name in row.requires if name in by_id] for row in plan.missions}
    return [by_id[name] for name in TopologicalSorter(graph).static_order()]


def _behind(mission: Mission, before: Mapping[str, Mission]) -> Mission:
    """A mission that cannot fly, with its date not before those of what it requires: plans hold no such order."""
    first, last = when_bounds(mission.launch)
    needed = max(
        (when_bounds(before[name].launch)[0] for name in mission.requires if name in before), default=first
    )
    if mission.status in ("flown", "lost") or needed <= last:
        return mission
    by = needed - first
    launch, landing = (
        None if text is None else _range(*(_text(date + by) for date in when_bounds(text)))
        for text in (mission.launch, mission.landing)
    )
    return _moved(mission, str(launch), landing)


def _moved(mission: Mission, launch: str, landing: str | None) -> Mission:
    note = _noted(mission, f"Launch moved from {mission.launch} to after what it requires")
    return mission.model_copy(update={"launch": launch, "landing": landing, "note": note})


def version_of(before: Plan, after: Plan, what: str, *, version: str | None = None) -> Plan:
    """A changed plan as a new version that says what it was made from.

    Parameters
    ----------
    before, after : Plan
        The plan, and the changed one.
    what : str
        The change in words.
    version : str, optional
        Its version; that of the plan with ``+1``, or one more, if absent.

    Returns
    -------
    Plan
        With an assumption that names the change, and the version and hash that it was made from.

    Raises
    ------
    InputError
        If the version is empty or that of the plan.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> new = version_of(plan, changed_plan(plan, cancel=["ce8"]), "Chang'e 8 is cancelled")
    >>> new.version, new.assumptions[0].text
    ('2026.11+1', "Chang'e 8 is cancelled")
    """
    new = _next(before.version) if version is None else version.strip()
    if not new or new == before.version:
        raise InputError(f"{version!r} is no new version", where="version", advice=f"it is {before.version!r} now")
    taken = {row.id for row in after.assumptions}
    name = next(f"what-if-{k}" for k in range(1, len(taken) + 2) if f"what-if-{k}" not in taken)
    row = Assumption(
        id=name,
        text=what,
        source=f"What-if on version {before.version} of plan {before.id}, sha256 {before.sha256}",
        confidence="C",
    )
    old = {mission.id: mission for mission in before.missions}
    missions = tuple(_told(mission, old.get(mission.id), before.version) for mission in after.missions)
    update = {"version": new, "assumptions": (row, *after.assumptions), "missions": missions}
    return after.model_copy(update=update)


def _amounts(value: float | str, where: str) -> dict[str, float]:
    """Years, months, weeks and days of a delay."""
    amounts = {"y": 0.0, "m": 0.0, "w": 0.0, "d": 0.0}
    if isinstance(value, int | float) and not isinstance(value, bool):
        amounts["y"] = float(value) if math.isfinite(value) else math.nan
        if not 0 < amounts["y"] <= 100:
            raise InputError(f"{value} years is no slip", where=where, advice="give 0 to 100 years")
        return amounts
    text = str(value).strip().lower()
    parts = _PART.findall(text)
    if text and "".join(number + unit for number, unit in parts) == text and len(text) < 40:
        for number, unit in parts:
            amounts[unit] += float(number)
        return amounts
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return {**amounts, "y": float(text)}
    raise InputError(f"{value!r} is not a slip", where=where, advice="write it like 2y, 6m, 90d or 1y6m")


def _changed(
    mission: Mission, slips: Mapping[str, Slip], cancel: Collection[str], dates: Mapping[str, str]
) -> Mission:
    """A mission after the change."""
    if mission.id in cancel:
        return mission.model_copy(update={"status": "cancelled"})
    if mission.id in slips:
        slip = slips[mission.id]
        landing = None if mission.landing is None else _later(mission.landing, slip, mission.id)
        return mission.model_copy(update={"launch": _later(mission.launch, slip, mission.id), "landing": landing})
    if mission.id in dates:
        return _on(mission, dates[mission.id])
    return mission


def _on(mission: Mission, date: str) -> Mission:
    """A mission launched on another date; its landing moves along."""
    try:
        new = when_bounds(date)
    except ValueError as error:
        raise InputError(str(error), where=f"missions[{mission.id}].launch", advice="correct it") from error
    landing = mission.landing
    if landing is not None:
        old = when_bounds(mission.launch)
        dates = [b + (n - o) for b, n, o in zip(when_bounds(landing), new, old, strict=True)]
        landing = _range(*(_text(instant) for instant in dates))
    return mission.model_copy(update={"launch": date, "landing": landing})


def _later(text: str, slip: Slip, name: str) -> str:
    """A plan's date so much later, as an exact range."""
    try:
        return _range(*(_text(slip.after(date)) for date in when_bounds(text)))
    except (ValueError, OverflowError) as error:
        raise InputError("slips out of the calendar", where=f"missions[{name}]", advice="slip it less") from error


def _told(mission: Mission, old: Mission | None, version: str) -> Mission:
    """A mission whose note tells what it was before."""
    if old is None or mission.note != old.note:
        return mission
    told = []
    if mission.launch != old.launch:
        told.append(f"launch {old.launch}")
    if mission.status != old.status:
        told.append(f"status {old.status}")
    if mission.requires != old.requires:
        told.append(f"requires {', '.join(old.requires)}")
    if not told:
        return mission
    return mission.model_copy(update={"note": _noted(mission, f"Version {version} had: {'; '.join(told)}")})


def _noted(mission: Mission, text: str) -> str:
    return " ".join(filter(None, [mission.note, f"What-if: {text}."]))


def _next(version: str) -> str:
    """The version after a version."""
    head, plus, tail = version.rpartition("+")
    return f"{head}+{int(tail) + 1}" if plus and tail.isascii() and tail.isdigit() else f"{version}+1"


def _range(start: str | None, stop: str | None) -> str:
    return f"{start}/{stop or start}"


def _text(date: dt.datetime) -> str:
    return date.isoformat(timespec="seconds") + "Z"
