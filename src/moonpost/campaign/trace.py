"""Objectives traced to dates and data: from when each is served, which products it gets, who sees them when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.campaign.build import BuildOrder, BuildStep, build_order
from moonpost.campaign.science import (
    InstrumentPath,
    ObjectiveStatus,
    Serving,
    ServingOption,
    objective_status,
    serving_options,
)
from moonpost.partners.dates import Day
from moonpost.partners.releases import Release, releases
from moonpost.plan.model import Plan

__all__ = ["DataTrace", "ObjectiveTrace", "science_trace"]


@dataclass(frozen=True)
class DataTrace:
    """A data product on an objective's way.

    Parameters
    ----------
    product, instrument, level : str
        From the plan.
    partners_from, public_from : str or None
        From when all partners and everybody surely see it, UTC; None if it never comes.
    state : str
        See `moonpost.partners.Release`.
    """

    product: str
    instrument: str
    level: str
    partners_from: str | None
    public_from: str | None
    state: str


@dataclass(frozen=True)
class ObjectiveTrace:
    """An objective with all that serves it.

    Parameters
    ----------
    objective, name, area : str
        From the plan.
    status : {"served", "planned", "proposed", "orphaned", "open"}
        See `ObjectiveStatus`.
    served_from, served_from_latest : str or None
        When the first element with an instrument for it works, in the build order's earliest and latest case.
    instruments, missions : tuple of str
        All that serve it, arriving or not.
    arriving : tuple of str
        Instruments that arrive.
    data : tuple of DataTrace
        What its instruments give.
    options : tuple of ServingOption
        What could serve it; empty unless it is open or orphaned.
    """

    objective: str
    name: str
    area: str
    status: Serving
    served_from: str | None
    served_from_latest: str | None
    instruments: tuple[str, ...]
    missions: tuple[str, ...]
    arriving: tuple[str, ...]
    data: tuple[DataTrace, ...]
    options: tuple[ServingOption, ...]

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def science_trace(plan: Plan, order: BuildOrder | None = None, at: Day = None) -> tuple[ObjectiveTrace, ...]:
    """Trace every objective of a plan to instruments, dates and data.

    Parameters
    ----------
    plan : Plan
        The plan.
    order : BuildOrder, optional
        Its build order; computed if not given. Elements that never work there serve nothing.
    at : str, datetime.date, datetime.datetime or None
        Day for the state of the data; None for today.

    Returns
    -------
    tuple of ObjectiveTrace
        In the plan's order.

    Raises
    ------
    DateError
        If the day cannot be read.

    Notes
    -----
    An element in the build order works when it, its power and all that it requires are commissioned. Orbiters and
    other elements with power of their own work from their commissioning. Dates of data do not wait for it: they
    follow the plan's own dates, so a late element shows as a product that is due before its instrument works.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = science_trace(load_plan("ilrs"), at="2026-06-01")
    >>> [row.objective for row in rows if row.status == "open"]
    ['lava-tubes', 'low-frequency-sky', 'low-gravity-physics', 'regolith-building']
    """
    found = build_order(plan) if order is None else order
    steps = {step.element: step for step in found.steps}
    never = [step.element for step in found.steps if step.never is not None]
    data = releases(plan, at)
    return tuple(_trace(plan, row, steps, data, never) for row in objective_status(plan, never))


def _trace(
    plan: Plan, row: ObjectiveStatus, steps: dict[str, BuildStep], data: Iterable[Release], never: list[str]
) -> ObjectiveTrace:
    """One objective."""
    arriving = [path for path in row.instruments if path.arrives]
    names = {path.instrument for path in row.instruments}
    bare = row.status in ("open", "orphaned")
    return ObjectiveTrace(
        objective=row.objective,
        name=row.name,
        area=row.area,
        status=row.status,
        served_from=_first(step.ready for step in _steps(arriving, steps)),
        served_from_latest=_first(step.ready_latest for step in _steps(arriving, steps)),
        instruments=tuple(path.instrument for path in row.instruments),
        missions=tuple(dict.fromkeys(path.mission for path in row.instruments if path.mission)),
        arriving=tuple(path.instrument for path in arriving),
        data=tuple(
            _data(item, item.instrument in {path.instrument for path in arriving})
            for item in data
            if item.instrument in names
        ),
        options=serving_options(plan, row.objective, never) if bare else (),
    )


def _data(item: Release, arrives: bool) -> DataTrace:
    """A product; it never comes if its instrument does not, unless it is published."""
    if arrives or item.published is not None:
        dates = item.partners_from, item.public_from, item.state
        return DataTrace(item.product, item.instrument, item.level, *dates)
    return DataTrace(item.product, item.instrument, item.level, None, None, "never")


def _steps(paths: Iterable[InstrumentPath], steps: dict[str, BuildStep]) -> list[BuildStep]:
    return [steps[path.element] for path in paths if path.element in steps]


def _first(dates: Iterable[str | None]) -> str | None:
    """The earliest of ISO dates; None if there is none."""
    return min((date for date in dates if date is not None), default=None)
