"""What it takes to land a mass by a date with the launchers of a plan, in one call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from moonpost.campaign.landing import Count, LandingMix, land_mass
from moonpost.campaign.launchdates import granted, launch_dates
from moonpost.campaign.launches import FlightKind, FlightKinds, flight_kinds
from moonpost.campaign.planloading import campaign_start
from moonpost.errors import InputError
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

__all__ = ["plan_landing"]

_LATER_YEARS = (2, 5, 10, 20, 40)


def plan_landing(
    plan: Plan,
    mass_kg: float,
    by: str,
    *,
    aim: str = "launches",
    count: Count = "cargo",
    start: str | None = None,
    kinds: FlightKinds | None = None,
    windows: bool = True,
    seconds: float = 30.0,
    progress: Callable[[float], None] | None = None,
) -> LandingMix:
    """Find the launches of a plan's launchers that land a mass by a date.

    Parameters
    ----------
    plan : Plan
        The plan.
    mass_kg : float
        To be landed, in any portions [kg].
    by : str
        UTC date; the last instant that it covers counts.
    aim : {"launches", "cost", "earliest", "robust"}
        As in `moonpost.campaign.landing.land_mass`.
    count : {"cargo", "landed"}
        Whether dry landers count.
    start : str, optional
        First launch, UTC; the first day of the missions to the station if not given.
    kinds : FlightKinds, optional
        Launchers; those of `moonpost.campaign.launches.flight_kinds` if not given.
    windows : bool, default True
        Whether to compute transfers for the days of launch.
    seconds : float, default 30.0
        Limit of each search [s].
    progress : callable, optional
        Called with the share of the transfers that are done.

    Returns
    -------
    LandingMix
        If it cannot be done, its conflict also says by when it could, as far as 40 years or 500 launches reach.

    Raises
    ------
    InputError
        If an argument cannot be used, or the aim is cost and no launcher has one.
    ModelError
        If the time is up before a mix was found or shown not to exist.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = plan_landing(load_plan("ilrs"), 200_000.0, "2035", windows=False)
    >>> found.conflict.split("; ")[1]
    'all could be there by 2037-07-07'
    """
    kinds = kinds or flight_kinds(plan)
    begin = campaign_start(plan) if start is None else _bounds(start, "start")[0]
    end = _bounds(by, "by")[1]
    if not begin < end:
        raise InputError(
            f"{end:%Y-%m-%d} is before the first launch, {begin:%Y-%m-%d}", where="by", advice="give a later date"
        )
    days = launch_dates(kinds.kinds, begin, end, windows=windows, progress=progress)
    found = land_mass(
        days, mass_kg, begin, end, aim=aim, count=count, left_out=kinds.left_out, assumptions=granted(kinds, days),
        seconds=seconds,
    )  # fmt: skip
    if found.launches is not None:
        return found
    usable = [kind for kind in kinds.kinds if aim != "cost" or kind.cost is not None]
    return replace(found, conflict=f"{found.conflict}; {_later(usable, mass_kg, begin, end, aim, count)}")


def _later(
    kinds: Sequence[FlightKind], mass_kg: float, begin: dt.datetime, end: dt.datetime, aim: str, count: Count
) -> str:
    """By when the mass could be there, launches on the days that launchers are ready."""
    reach = end
    for years in _LATER_YEARS:
        last = end + dt.timedelta(days=365.25 * years)
        try:
            days = launch_dates(kinds, begin, last, windows=False)
        except InputError:
            break
        brought, largest, reach = 0.0, 0.0, last
        for day in days:
            each = day.kind.cargo_kg if count == "cargo" else day.kind.arrival_kg
            brought, largest = brought + each, max(largest, each)
            if brought - (largest if aim == "robust" else 0.0) >= mass_kg:
                return f"all could be there by {day.arrival:%Y-%m-%d}"
    return f"nor can it by {reach:%Y-%m-%d}"


def _bounds(text: str, where: str) -> tuple[dt.datetime, dt.datetime]:
    """First and last instant of a date."""
    try:
        return when_bounds(text)
    except ValueError as error:
        raise InputError(str(error), where=where, advice="write 2035 or 2035-06-30") from error
