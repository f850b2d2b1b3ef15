"""Who may see a data product and from when, with the rule that decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.errors import DateError, UnknownNameError
from moonpost.partners.dates import Day, instant
from moonpost.plan.base import when_bounds
from moonpost.plan.check import Finding
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.science import DataProduct, Instrument

__all__ = [
    "PUBLIC",
    "Access",
    "Release",
    "product_access",
    "product_accesses",
    "release_findings",
    "releases",
]

PUBLIC = "public"
"""Stands for everybody where a partner's identifier is asked for."""

Rule = Literal["producer", "owner", "early-access", "published", "partners", "embargo", "no-data"]
Answer = Literal["yes", "not-yet", "unsure", "never"]
State = Literal["to-come", "embargoed", "partners", "public", "due", "never"]

_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Access:
    """Whether one party may see a product, and from when.

    Parameters
    ----------
    product, partner : str
        Which product, and for whom; `PUBLIC` for everybody.
    answer : {"yes", "not-yet", "unsure", "never"}
        On the day asked for; unsure while only the uncertain date of the data decides.
    since : str or None
        From when it surely may, UTC.
    earliest : str or None
        From when it may at the earliest, UTC, if the date of the data is uncertain.
    rule : str
        What decides: producer, owner, early-access, published, partners, embargo, or no-data.
    text : str
        The rule with its numbers.
    """

    product: str
    partner: str
    answer: Answer
    since: str | None
    earliest: str | None
    rule: Rule
    text: str

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Release:
    """A product's way from its instrument to everybody.

    Parameters
    ----------
    product, name, instrument, element, level : str
        From the plan.
    mission : str or None
        The mission that brings the instrument.
    producer, owner : str
        Who makes it, and whose instrument it is from.
    objectives : tuple of str
        What it is for.
    collected, collected_latest : str or None
        When the data are taken, at the earliest and at the latest, UTC.
    assumed : bool
        True if the plan does not say when, and the mission's arrival stands in for it.
    early_access : tuple of str
        Those who see it at once: producer, owner and whom they named.
    partners_from, public_from : str or None
        From when all partners and everybody surely may see it, UTC.
    published : str or None
        When it was published, as the plan gives it.
    state : {"to-come", "embargoed", "partners", "public", "due", "never"}
        On the day asked for; due: the embargo is over and no publication is on record.
    """

    product: str
    name: str
    instrument: str
    element: str
    mission: str | None
    level: str
    producer: str
    owner: str
    objectives: tuple[str, ...]
    collected: str | None
    collected_latest: str | None
    assumed: bool
    early_access: tuple[str, ...]
    partners_from: str | None
    public_from: str | None
    published: str | None
    state: State

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Way:
    """A product with everything that its dates hang on."""

    row: DataProduct
    instrument: Instrument
    element: Element | None
    mission: Mission | None
    taken: tuple[dt.datetime, dt.datetime] | None
    assumed: bool
    why_never: str

    @property
    def producer(self) -> str:
        return self.row.producer or self.instrument.owner

    @property
    def early(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.producer, self.instrument.owner, *self.row.early_access)))


def product_access(plan: Plan, product: str, partner: str, at: Day) -> Access:
    """Whether a party may see a product on a day, from when, and by which rule.

    Parameters
    ----------
    plan : Plan
        The plan.
    product : str
        Identifier of a row of ``products``.
    partner : str
        Identifier of a partner, or `PUBLIC` for everybody.
    at : str, datetime.date, datetime.datetime or None
        The day asked for; its last second counts. None for today.

    Returns
    -------
    Access
        By the rule that lets the party in first.

    Raises
    ------
    UnknownNameError
        If the plan has no such product or partner.
    DateError
        If the day cannot be read.

    Notes
    -----
    The producer, the owner of the instrument and those with early access see the data when they are taken; all
    partners of the plan after ``partners_after_days``; everybody after ``embargo_days``, or once published if
    that is sooner. Where the date of the data is a range, the answer is yes only from its end on. Data whose
    date the plan does not give are counted from the arrival of the mission that brings the instrument. There
    are no data if that mission is cancelled, or lost and the plan gives no date for them.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> found = product_access(plan, plan.products[0].id, plan.products[0].early_access[0], "2060-01-01")
    >>> found.answer
    'yes'
    """
    parties = {row.id for row in plan.partners} | {PUBLIC}
    if partner not in parties:
        raise UnknownNameError(partner, parties, kind="partner")
    return _access(_way(plan, _product(plan, product)), partner, _day(at))


def product_accesses(plan: Plan, product: str, at: Day) -> tuple[Access, ...]:
    """The answer for every partner of a plan and for everybody.

    Parameters
    ----------
    plan : Plan
        The plan.
    product : str
        Identifier of a row of ``products``.
    at : str, datetime.date, datetime.datetime or None
        The day asked for; None for today.

    Returns
    -------
    tuple of Access
        In the plan's order, `PUBLIC` last.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> len(product_accesses(plan, plan.products[0].id, "2030")) == len(plan.partners) + 1
    True
    """
    way, day = _way(plan, _product(plan, product)), _day(at)
    return tuple(_access(way, partner, day) for partner in [*(row.id for row in plan.partners), PUBLIC])


def releases(plan: Plan, at: Day) -> tuple[Release, ...]:
    """Every product of a plan with its dates, and where it stands on a day.

    Parameters
    ----------
    plan : Plan
        The plan.
    at : str, datetime.date, datetime.datetime or None
        The day asked for; None for today.

    Returns
    -------
    tuple of Release
        In the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {row.state for row in releases(load_plan("ilrs"), "2026-01-01")}
    {'to-come'}
    """
    day = _day(at)
    return tuple(_release(_way(plan, row), day) for row in plan.products)


def release_findings(plan: Plan) -> tuple[Finding, ...]:
    """What is odd about a plan's rules for its data.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    tuple of Finding
        Warnings: products published before they are taken, rules that never decide, instruments without a product.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> release_findings(load_plan("ilrs"))
    ()
    """
    return tuple(_findings(plan))


def _findings(plan: Plan) -> Iterator[Finding]:
    for row in plan.products:
        way, place = _way(plan, row), f"products[{row.id}]"
        if row.published and way.taken and when_bounds(row.published)[1] < way.taken[0]:
            yield Finding("warning", "published-before-taken", place, "is published before its data are taken")
        if row.partners_after_days is not None and row.partners_after_days > row.embargo_days:
            text = "partners_after_days is above embargo_days, so it never decides: everybody sees it sooner"
            yield Finding("warning", "partners-after-public", place, text)
        if row.early_access and row.embargo_days == 0:
            text = "early_access never decides: there is no embargo"
            yield Finding("warning", "early-access-idle", place, text)
    served = {row.instrument for row in plan.products}
    for instrument in plan.instruments if plan.products else ():
        if instrument.id not in served:
            text = "gives no data product: add one, so that partners know when they see its data"
            yield Finding("warning", "instrument-without-product", f"instruments[{instrument.id}]", text)


def _product(plan: Plan, product: str) -> DataProduct:
    found = next((row for row in plan.products if row.id == product), None)
    if found is None:
        raise UnknownNameError(product, (row.id for row in plan.products), kind="data product")
    return found


def _way(plan: Plan, row: DataProduct) -> _Way:
    """Instrument, element, mission and date of a product."""
    instrument = next((item for item in plan.instruments if item.id == row.instrument), None)
    if instrument is None:
        raise UnknownNameError(row.instrument, (item.id for item in plan.instruments), kind="instrument")
    element = next((item for item in plan.elements if item.id == instrument.element), None)
    mission = next((item for item in plan.missions if element is not None and item.id == element.mission), None)
    never = ""
    if row.published is None and mission is not None:
        if mission.status == "cancelled":
            never = f"{mission.name} is cancelled: there are no data"
        elif mission.status == "lost" and row.collected is None:
            never = f"{mission.name} was lost: there are no data"
    text = row.collected or (mission and (mission.landing or mission.launch))
    taken = None if never or not text else when_bounds(text)
    if taken is None and not never and row.published is None:
        never = "the plan has no date for the data, nor a mission that brings the instrument"
    return _Way(row, instrument, element, mission, taken, row.collected is None, never)


def _day(at: Day) -> dt.datetime:
    found = instant(dt.datetime.now(dt.UTC) if at is None else at)
    assert found is not None
    return found


def _after(bounds: tuple[dt.datetime, dt.datetime], days: float) -> tuple[dt.datetime, dt.datetime]:
    """Earliest and sure instant so many days after a date; a range counts to its end."""
    first, last = bounds
    try:
        sure = last if first == last else last + _SECOND
        return first + dt.timedelta(days=days), sure + dt.timedelta(days=days)
    except OverflowError:
        raise DateError(
            f"{_text(last)} and {days:g} days lead past the year 9999",
            where="products",
            advice="correct the dates",
        ) from None


def _grounds(way: _Way, partner: str) -> Iterator[tuple[tuple[dt.datetime, dt.datetime], Rule, str]]:
    """Every rule that lets a party in: when, which, and its words."""
    row, taken = way.row, way.taken
    when = f"from the arrival of {way.mission.name}" if way.assumed and way.mission else f"of {row.collected}"
    if taken is not None:
        named: tuple[tuple[bool, Rule, str], ...] = (
            (partner == way.producer, "producer", "makes it"),
            (partner == way.instrument.owner, "owner", "owns the instrument"),
            (partner in row.early_access, "early-access", "has early access"),
        )
        for applies, rule, words in named:
            if applies:
                yield _after(taken, 0.0), rule, f"{words}: at once, data {when}"
        if partner != PUBLIC and row.partners_after_days is not None:
            days = row.partners_after_days
            yield _after(taken, days), "partners", f"all partners {days:g} d after the data {when}"
        days = row.embargo_days
        yield _after(taken, days), "embargo", f"everybody {days:g} d after the data {when}"
    if row.published is not None:
        yield _after(when_bounds(row.published), 0.0), "published", f"published {row.published}"


def _access(way: _Way, partner: str, day: dt.datetime) -> Access:
    """By the rule that surely lets a party in first."""
    if way.why_never:
        return Access(way.row.id, partner, "never", None, None, "no-data", way.why_never)
    (earliest, sure), rule, words = min(_grounds(way, partner), key=lambda ground: ground[0][1])
    answer: Answer = "yes" if sure <= day else "unsure" if earliest <= day else "not-yet"
    return Access(way.row.id, partner, answer, _text(sure), _text(earliest), rule, words)


def _release(way: _Way, day: dt.datetime) -> Release:
    """Dates of a product and where it stands."""
    row, taken = way.row, way.taken
    opened = _opened(way, PUBLIC)
    shared = (
        None if row.partners_after_days is None or taken is None else _after(taken, row.partners_after_days)[1]
    )
    shared = opened if shared is None or (opened is not None and opened < shared) else shared
    return Release(
        product=row.id,
        name=row.name,
        instrument=row.instrument,
        element=way.instrument.element,
        mission=None if way.mission is None else way.mission.id,
        level=row.level,
        producer=way.producer,
        owner=way.instrument.owner,
        objectives=way.instrument.objectives,
        collected=None if taken is None else _text(taken[0]),
        collected_latest=None if taken is None else _text(taken[1]),
        assumed=way.assumed,
        early_access=way.early,
        partners_from=_text(shared),
        public_from=_text(opened),
        published=row.published,
        state=_state(way, day, shared, opened),
    )


def _opened(way: _Way, partner: str) -> dt.datetime | None:
    """From when a party surely may see a product."""
    if way.why_never:
        return None
    return min(sure for (_, sure), _, _ in _grounds(way, partner))


def _state(way: _Way, day: dt.datetime, shared: dt.datetime | None, opened: dt.datetime | None) -> State:
    """Where a product stands on a day."""
    if opened is None:
        return "never"
    if way.row.published is not None and _after(when_bounds(way.row.published), 0.0)[1] <= day:
        return "public"
    if opened <= day:
        return "due"
    if way.taken is not None and day < way.taken[1]:
        return "to-come"
    return "partners" if shared is not None and shared <= day else "embargoed"


def _text(when: dt.datetime | None) -> str | None:
    """A day, or a day with its time of day if that is not midnight."""
    if when is None:
        return None
    if when.time() == dt.time():
        return when.date().isoformat()
    return when.isoformat(timespec="seconds") + "Z"
