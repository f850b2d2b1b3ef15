"""When the machines sleep and wake in the year that a study shows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from moonpost.plan import Element, Mission, MoonSite, SurfaceStation, when_bounds
from moonpost.study.context import Context, site_profile
from moonpost.study.phases.common import text
from moonpost.study.results import DormancyRow

__all__ = ["LONG_DARK", "dormancy_rows"]

LONG_DARK = np.timedelta64(24, "h")
"""Darkness up to this length is bridged awake; a longer one is slept through."""

_UNKNOWN_LIFE_YEARS = 10.0
_KINDS = {"lander", "rover", "hopper"}


def dormancy_rows(
    context: Context, first: np.datetime64, last: np.datetime64
) -> tuple[tuple[DormancyRow, ...], tuple[str, ...]]:
    """Wake and sleep times of the machines that live on their own power.

    Parameters
    ----------
    context : Context
        With the plan and the almanac.
    first, last : datetime64
        The span, UTC.

    Returns
    -------
    rows, notes : tuple of DormancyRow, tuple of str
        In order of time, and which machines are left out, and why.
    """
    rows: list[DormancyRow] = []
    hours = LONG_DARK // np.timedelta64(1, "h")
    notes = [
        f"A machine sleeps through darkness of more than {hours} h and wakes with the light; rules learnt from a "
        "machine's own record come from 'moonpost operate calendar'."
    ]
    for element in context.plan.elements:
        if element.bus != "own" or element.kind not in _KINDS or len({mode.when for mode in element.modes}) < 2:
            continue
        mission = context.plan.mission(element.mission)
        reason = _absent(element, mission, first)
        if reason or mission.site is None:
            notes.append(f"{element.name}: {reason or 'the plan gives no site'}")
            continue
        rows += _rows(context, element, mission, context.plan.site(mission.site), first, last)
    return tuple(sorted(rows, key=lambda row: (row.utc, row.vehicle))), tuple(notes)


def _absent(element: Element, mission: Mission, first: np.datetime64) -> str:
    """Why a machine is not at work at a date; empty if it may be."""
    if mission.status in {"lost", "cancelled"}:
        return f"its mission is {mission.status}"
    landed = np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")
    if landed > first:
        return f"lands after {str(first)[:10]}"
    life_years = element.life_years or _UNKNOWN_LIFE_YEARS
    if landed + np.timedelta64(round(life_years * 365.25), "D") < first:
        stated = f"design life of {life_years:g} years" if element.life_years else "design life is not stated"
        return f"landed in {str(landed)[:4]}, {stated}"
    return ""


def _rows(
    context: Context, element: Element, mission: Mission, site: MoonSite, first: np.datetime64, last: np.datetime64
) -> list[DormancyRow]:
    from moonpost.sky import Site, lunar_day, times
    from moonpost.terrain import HorizonProfile, spells

    station = context.plan.station
    if isinstance(station, SurfaceStation) and site.id == station.site:
        profile = site_profile(context.plan, site, station.masts_m[0])
        basis = f"light over terrain at {station.masts_m[0]:g} m"
    else:
        profile = HorizonProfile.flat(Site(site.latitude_deg, site.longitude_deg, site.height_m or 0.0))
        basis = "level horizon, no terrain"
    t = times(first, last, 3600.0)
    lit = spells(profile, context.almanac.sun(profile.site, t))
    found = [
        pair
        for before, after in pairwise(lit)
        if after.start - before.stop > LONG_DARK
        for pair in (("sleep", before.stop), ("wake", after.start))
    ]
    landing = np.datetime64(when_bounds(mission.landing or mission.launch)[0], "ms")
    if not found:
        return []
    instants = np.array([instant for _, instant in found]).astype("datetime64[ms]")
    days = lunar_day(context.almanac, profile.site, landing, instants)
    elevations = context.almanac.sun(profile.site, instants).elevation_deg
    return [
        DormancyRow(
            vehicle=element.id,
            name=element.name,
            lunar_day=int(days[k]),
            event=event,  # type: ignore[arg-type]
            utc=str(text(instant)),
            sun_elevation_deg=round(float(elevations[k]), 3),
            basis=basis,
        )
        for k, (event, instant) in enumerate(found)
    ]
