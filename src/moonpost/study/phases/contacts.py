"""Contacts of the station with antennas on Earth, and the margins of its links."""

from __future__ import annotations

import numpy as np

from moonpost.comms import Contacts, link_budget, station_contacts, union
from moonpost.plan import SurfaceStation
from moonpost.study.context import Context, site_profile
from moonpost.study.results import ContactRow, LinkRow

__all__ = ["contact_rows", "link_rows"]

_STEP_S = 600.0


def contact_rows(context: Context, first: np.datetime64, last: np.datetime64) -> tuple[ContactRow, ...]:
    """Contacts over terrain and mask with each antenna, then with any of them.

    Parameters
    ----------
    context : Context
        With the plan and the almanac.
    first, last : datetime64
        The span, UTC.

    Returns
    -------
    tuple of ContactRow
        Empty for a station in orbit, whose contacts are not computed yet.
    """
    from moonpost.sky import times

    station = context.plan.station
    if not isinstance(station, SurfaceStation) or not context.plan.ground_stations:
        return ()
    site = context.plan.site(station.site)
    profile = site_profile(context.plan, site, max(station.masts_m))
    t = times(first, last, _STEP_S)
    found = {
        row.id: (row.name, station_contacts(context.almanac, profile.site, row, t, profile=profile))
        for row in context.plan.ground_stations
    }
    rows = [_row(name, label, contacts) for name, (label, contacts) in found.items()]
    rows.append(_row("any", "any of them", union([contacts for _, contacts in found.values()])))
    return tuple(rows)


def _row(station: str, name: str, contacts: Contacts) -> ContactRow:
    return ContactRow(
        station=station,
        name=name,
        hours_per_day=24.0 * contacts.share,
        share=contacts.share,
        longest_gap_h=contacts.longest_gap_s / 3600.0,
    )


def link_rows(context: Context) -> tuple[LinkRow, ...]:
    """The margin of each link of the plan, or the figures that are missing for it."""
    rows = []
    for link in context.plan.links:
        budget = link_budget(link)
        rows.append(
            LinkRow(
                link=link.id,
                name=link.name,
                rate_bit_s=link.rate_bit_s,
                margin_db=budget.margin_db,
                missing=budget.missing,
            )
        )
    return tuple(rows)
