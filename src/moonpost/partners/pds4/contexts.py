"""What labels say of a plan's data products and of results that Moonpost computed."""

from __future__ import annotations

import datetime as dt
import math
from importlib.metadata import version as package_version

from moonpost.errors import UnknownNameError
from moonpost.partners.pds4.about import (
    About,
    Change,
    Component,
    checked,
    checked_authority,
    checked_day,
    checked_word,
    instant_text,
)
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan
from moonpost.plan.science import DataProduct
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["about_product", "about_result"]


def about_product(
    plan: Plan,
    product: str,
    start: TimeLike,
    stop: TimeLike,
    *,
    version: str = "1.0",
    authority: str = "urn:ros:rssa",
    title: str = "",
    change: str = "First version.",
    date: str = "",
    comment: str = "",
    sources: tuple[str, ...] = (),
) -> About:
    """What the label of a plan's data product says.

    Parameters
    ----------
    plan : Plan
        The plan.
    product : str
        Identifier of a row of ``products``.
    start, stop : str, datetime or datetime64
        First and last instant of the data, UTC.
    version : str
        Version of the product.
    authority : str
        Beginning of all identifiers; one of `AUTHORITIES` for an archive of these.
    title : str
        One line; the product's name if empty.
    change : str
        What is new in this version.
    date : str
        Day of this version, UTC; today if empty.
    comment : str
        What else to know.
    sources : tuple of str
        What the data were made from.

    Returns
    -------
    About
        With the product's instrument, its carrier, its mission and the programme.

    Raises
    ------
    UnknownNameError
        If the plan has no such product.
    InputError
        If a name, a version or a text cannot stand in a label.
    DateError
        If the dates cannot be read or run backwards.

    Notes
    -----
    Identifiers of missions, carriers and instruments are made from the plan's; an archive gives its own when it
    registers them. The comment ends with who may see these data and from when, counted from `stop`; the producer
    is cited once the plan says that the product is published.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> about = about_product(plan, "moonquake-series", "2027-01-01", "2027-01-02", date="2027-06-01")
    >>> about.lid, about.level
    ('urn:ros:rssa:ilrs:data-calibrated:moonquake-series', 'calibrated')
    """
    row = next((item for item in plan.products if item.id == product), None)
    if row is None:
        raise UnknownNameError(product, (item.id for item in plan.products), kind="data product")
    instrument = next((item for item in plan.instruments if item.id == row.instrument), None)
    if instrument is None:
        raise UnknownNameError(row.instrument, (item.id for item in plan.instruments), kind="instrument")
    element = next((item for item in plan.elements if item.id == instrument.element), None)
    mission = next((item for item in plan.missions if element is not None and item.id == element.mission), None)
    names = {item.id: item.name for item in plan.partners}
    producer = row.producer or instrument.owner
    context = f"{authority}:context"
    parts = [
        Component(instrument.name, "Instrument", f"{context}:instrument:{instrument.element}.{instrument.id}")
    ]
    if element is not None:
        host = f"{context}:instrument_host:spacecraft.{element.id}"
        parts.insert(0, Component(element.name, "Host", host))
    missions = (
        [] if mission is None else [(mission.name, "Mission", f"{context}:investigation:mission.{mission.id}")]
    )
    served = [item for item in plan.objectives if item.id in instrument.objectives]
    early = dict.fromkeys((producer, instrument.owner, *row.early_access))
    return checked(
        About(
            lid=f"{checked_authority(authority)}:{checked_word(plan.id)}:data-{row.level}:{checked_word(row.id)}",
            version=version,
            title=title or f"{row.name}: {instrument.name}",
            start=instant_text(start),
            stop=instant_text(stop),
            level=row.level,
            purpose="Science",
            investigations=(*missions, _programme(plan, context)),
            system=f"{instrument.name} on {element.name}" if element is not None else instrument.name,
            components=tuple(parts),
            description=f"{row.name}, {row.level} data for: "
            f"{', '.join(item.name for item in served) or 'no objective of the plan'}.",
            comment=" ".join(filter(None, (comment, _released(row, stop, [names.get(p, p) for p in early])))),
            authors=names.get(producer, producer),
            year=None if row.published is None else when_bounds(row.published)[0].year,
            keywords=tuple(dict.fromkeys(item.area for item in served)),
            history=(Change(checked_day(date), version, change),),
            sources=sources,
        )
    )


def about_result(
    plan: Plan,
    name: str,
    start: TimeLike,
    stop: TimeLike,
    *,
    title: str,
    version: str = "1.0",
    authority: str = "urn:ros:rssa",
    change: str = "First version.",
    date: str = "",
    comment: str = "",
    sources: tuple[str, ...] = (),
) -> About:
    """What the label of a result that Moonpost computed says: a map of light, a simulated series.

    Parameters
    ----------
    plan : Plan
        The plan.
    name : str
        Name of the product: lower-case letters, digits, hyphens, points, underscores.
    start, stop : str, datetime or datetime64
        First and last instant of what was computed, UTC.
    title : str
        One line.
    version : str
        Version of the product.
    authority : str
        Beginning of all identifiers.
    change : str
        What is new in this version.
    date : str
        Day of this version, UTC; today if empty.
    comment : str
        What else to know.
    sources : tuple of str
        What it was computed from.

    Returns
    -------
    About
        Of level derived and purpose Engineering; no instrument took the data, and the label says so.

    Raises
    ------
    InputError
        If a name, a version or a text cannot stand in a label.
    DateError
        If the dates cannot be read or run backwards.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> about = about_result(load_plan("ilrs"), "light-map", "2030-01-01", "2031-01-01", title="Light")
    >>> about.purpose, about.components[0].kind
    ('Engineering', 'Host')
    """
    context = f"{authority}:context"
    made = f"Computed by Moonpost {package_version('moonpost')}; no instrument took these data."
    station = Component(plan.station.name, "Host", f"{context}:instrument_host:spacecraft.{plan.station.id}", made)
    return checked(
        About(
            lid=f"{checked_authority(authority)}:{checked_word(plan.id)}:data-derived:{checked_word(name)}",
            version=version,
            title=title,
            start=instant_text(start),
            stop=instant_text(stop),
            level="derived",
            purpose="Engineering",
            investigations=(_programme(plan, context),),
            system=plan.station.name,
            components=(station,),
            description=f"{title}. {made}",
            comment=comment,
            history=(Change(checked_day(date), version, change),),
            sources=(f"Plan {plan.id}, version {plan.version}, SHA-256 {plan.sha256}", *sources),
        )
    )


def _released(row: DataProduct, stop: TimeLike, early: list[str]) -> str:
    """Who may see the data, and from when, counted from their last instant."""
    last = as_utc(stop).ravel()[0].astype("datetime64[ms]").item()

    def day(days: float) -> str:
        return (last + dt.timedelta(days=math.ceil(days))).date().isoformat()

    if row.published is not None:
        return f"Published {row.published}."
    shared = "" if row.partners_after_days is None else f", all partners from {day(row.partners_after_days)}"
    return f"{', '.join(early)} at once{shared}, everybody from {day(row.embargo_days)}."


def _programme(plan: Plan, context: str) -> tuple[str, str, str]:
    return plan.title, "Other Investigation", f"{context}:investigation:other_investigation.{plan.id}"
