"""Contacts of a plan's sites with the Earth: windows, who has which antenna, and the data delivered."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.comms import (
    Coding,
    Contacts,
    HandoverPlan,
    HandoverRules,
    RatePlan,
    StoreRun,
    check_handover,
    link_budget,
    modes_of_rates,
    plan_handover,
    run_store,
    station_contacts,
    station_rates,
    union,
    windows_of,
)
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.plan import GroundStation, Link, Plan, SurfaceStation
from moonpost.study.surroundings import has_terrain, site_horizon

if TYPE_CHECKING:
    from moonpost.comms import LinkSeries
    from moonpost.sky import Almanac, Site
    from moonpost.terrain import HorizonProfile

__all__ = ["ContactPlan", "UserContacts", "contact_plan"]

_STEP_S = 600.0
_LADDER = 2.0 ** -np.arange(8)
_MOST_DAYS = 400.0


@dataclass(frozen=True)
class UserContacts:
    """What one site could have and gets.

    Parameters
    ----------
    site : str
        Site of the plan.
    horizon : str
        ``"terrain"``, or ``"level"`` where no terrain covers the site.
    windows : mapping of str to Contacts
        With each antenna, over terrain and mask, whether the antenna is free or not.
    given : Contacts
        Contacts in the plan, with any antenna.
    store : StoreRun
        Its data store.

    Examples
    --------
    >>> from moonpost.study.contactplan import contact_plan  # see there
    """

    site: str
    horizon: str
    windows: Mapping[str, Contacts]
    given: Contacts
    store: StoreRun

    @property
    def possible(self) -> Contacts:
        """Times with any of the antennas in view."""
        return union(list(self.windows.values()))


@dataclass(frozen=True)
class ContactPlan:
    """Contacts of several sites that share antennas.

    Parameters
    ----------
    link : str
        Link of the plan whose radio every site has.
    users : tuple of UserContacts
        By site, as asked for.
    handover : HandoverPlan
        Which antenna serves which site when.

    Examples
    --------
    >>> from moonpost.study.contactplan import contact_plan  # see there
    """

    link: str
    users: tuple[UserContacts, ...]
    handover: HandoverPlan

    def to_dict(self) -> dict[str, Any]:
        """Windows, contacts and volumes as plain values, for JSON."""
        first, last = self.handover.span
        days = float((last - first) / np.timedelta64(1, "ms")) / 86_400e3
        rows = []
        for user in self.users:
            kept = user.store.summary()
            rows.append(
                {
                    "site": user.site,
                    "horizon": user.horizon,
                    "windows": {name: found.to_rows() for name, found in user.windows.items()},
                    "possible": user.possible.summary(),
                    "given": user.given.summary(),
                    "delivered_mbit_per_day": kept["delivered_bit"] / 1e6 / days,
                    "store": kept,
                }
            )
        return {
            "link": self.link,
            "start": first,
            "stop": last,
            "users": rows,
            "contacts": self.handover.to_rows(),
            "value_h": self.handover.value_h,
            "bound_h": self.handover.bound_h,
            "optimal": self.handover.optimal,
        }


def contact_plan(
    plan: Plan | str | os.PathLike[str],
    start: str | None = None,
    days: float = 7.0,
    *,
    sites: Sequence[str] = (),
    antennas: Sequence[str] = (),
    link: str | None = None,
    made_bit_s: float = 1e5,
    capacity_bit: float = 1e11,
    margin_db: float = 3.0,
    rules: HandoverRules | None = None,
    effort: float = 1.0,
) -> ContactPlan:
    """Share the antennas of a plan among its sites and tell what each can send.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    start : str, optional
        First instant, UTC; the plan's design start if not given.
    days : float, default 7.0
        Length [d].
    sites : sequence of str, optional
        Sites of the plan that send; the station's if none is given. Each has one antenna.
    antennas : sequence of str, optional
        Ground stations of the plan; all if none is given.
    link : str, optional
        Link of the plan to a ground station whose radio the sites have; the first from an element of the station.
    made_bit_s : float, default 1e5
        Data that each site makes [bit/s].
    capacity_bit : float, default 1e11
        Store of each site [bit].
    margin_db : float, default 3.0
        Margin kept by the link [dB].
    rules : HandoverRules, optional
        Shortest contact, set-up, priorities of the sites.
    effort : float, default 1.0
        Of the search, see `moonpost.comms.plan_handover`.

    Returns
    -------
    ContactPlan

    Raises
    ------
    UnknownNameError
        If a site, an antenna or the link is not in the plan.
    InputError
        If a number cannot be used.
    ModelError
        If the station is in orbit, or the plan has no link to the Earth.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    The radio halves its rate from that of the link, seven times at most, so that the margin is kept; an antenna's
    dish takes the place of the link's. A contact with several rates carries, between samples 10 minutes apart, the
    lower one. An hour of an antenna is worth its mean rate over the highest of all. Where no terrain covers a
    site the horizon is level.

    Examples
    --------
    >>> found = contact_plan("ilrs", "2030-01-10", 1.0, antennas=["kashgar", "neuquen"])
    >>> found.handover.value_h <= found.handover.bound_h
    True
    """
    from moonpost.plan import load_plan
    from moonpost.sky import Almanac, as_utc, times

    found = plan if isinstance(plan, Plan) else load_plan(plan)
    for name, value, most in (("days", days, _MOST_DAYS), ("made_bit_s", made_bit_s, 1e12)):
        if not (math.isfinite(value) and 0.0 < value <= most):
            raise InputError(f"is {value:g}", where=name, advice=f"give a number above 0 and at most {most:g}")
    if not capacity_bit > 0.0:
        raise InputError(f"is {capacity_bit:g}", where="capacity_bit", advice="give a number above 0")
    first = as_utc(start or found.design.start[:10]).reshape(-1)[0]
    steps = max(math.ceil(days * 86_400.0 / _STEP_S), 2)
    t = times(first, first + np.timedelta64(round((steps + 0.5) * _STEP_S * 1e3), "ms"), _STEP_S)
    dishes = [found.row("ground_stations", name) for name in antennas] or list(found.ground_stations)
    if not dishes:
        raise ModelError("the plan has no ground stations", where=found.path, advice="add rows of ground_stations")
    radio = _radio(found, link)
    scheme = Coding("of the plan", 1.0, radio.required_ebn0_db, 1.0, f"links[{radio.id}].required_ebn0_db")
    modes = modes_of_rates(radio.rate_bit_s * _LADDER, scheme)
    almanac = Almanac.default()
    seen: dict[str, dict[str, tuple[Contacts, LinkSeries]]] = {}
    profiles: dict[str, HorizonProfile | None] = {}
    for name in _sites(found, sites):
        place, profiles[name] = _place(found, name)
        seen[name] = {
            dish.id: _seen(almanac, (place, profiles[name]), dish, radio, t, modes, margin_db) for dish in dishes
        }
    windows = []
    for user, rows in seen.items():
        for dish_id, (contacts, series) in rows.items():
            weight = _weight(series, contacts, radio.rate_bit_s)
            windows += windows_of(contacts, dish_id, user, weight=weight) if weight > 0.0 else []
    rules = rules or HandoverRules()
    handover = plan_handover(windows, (t[0], t[-1]), rules, effort=effort)
    faults = check_handover(handover, windows, rules)
    if faults:  # pragma: no cover - the check shares no code with the search
        raise ModelError(f"the contact plan is faulty: {faults[0]}", where=found.path, advice="report this")
    users = tuple(
        _user(user, "terrain" if profiles[user] else "level", rows, handover, (made_bit_s, capacity_bit))
        for user, rows in seen.items()
    )
    return ContactPlan(radio.id, users, handover)


def _sites(plan: Plan, names: Sequence[str]) -> list[str]:
    """Sites that send: those named, or the station's."""
    if names:
        return [plan.site(name).id for name in dict.fromkeys(names)]
    if not isinstance(plan.station, SurfaceStation):
        raise ModelError(
            "the station is in orbit", where=plan.path, advice="name sites, or use moonpost flight contacts"
        )
    return [plan.station.site]


def _place(plan: Plan, name: str) -> tuple[Site, HorizonProfile | None]:
    """A site with its horizon at the station's highest mast; the level one where no terrain covers it."""
    site = plan.site(name)
    mast_m = max(plan.station.masts_m) if isinstance(plan.station, SurfaceStation) else 2.0
    profile = site_horizon(plan, site, mast_m)
    return profile.site, profile if has_terrain(plan, site) else None


def _radio(plan: Plan, name: str | None) -> Link:
    """The link whose radio the sites have."""
    stations = {row.id for row in plan.ground_stations}
    elements = {element.id for element in plan.station_elements()}
    direct = [row for row in plan.links if row.receiver in stations]
    if name is not None:
        for row in direct:
            if row.id == name:
                return row
        raise UnknownNameError(name, [row.id for row in direct], kind="link to a ground station", where=plan.path)
    complete = [row for row in direct if link_budget(row).carrier_to_noise_db_hz is not None]
    ours = [row for row in complete if row.sender in elements] or complete
    if not ours:
        raise ModelError(
            "no link to a ground station has all figures", where=plan.path, advice="add a row of links, see check"
        )
    return ours[0]


def _seen(
    almanac: Almanac,
    place: tuple[Site, HorizonProfile | None],
    dish: GroundStation,
    radio: Link,
    t: Any,
    modes: Any,
    margin_db: float,
) -> tuple[Contacts, LinkSeries]:
    """Contacts of a site with an antenna, and the rate over time."""
    site, profile = place
    contacts = station_contacts(almanac, site, dish, t, profile=profile)
    series = station_rates(almanac, site, dish, radio, t, modes, margin_db=margin_db, dish_m=dish.antenna_m)
    return contacts, series


def _weight(series: LinkSeries, contacts: Contacts, best_bit_s: float) -> float:
    """Mean rate in contact over the best rate."""
    plan = series.plan(contacts)
    open_s = float(contacts.duration_s.sum())
    return float(plan.volume_bit) / open_s / best_bit_s if open_s > 0.0 else 0.0


def _user(
    site: str,
    horizon: str,
    rows: Mapping[str, tuple[Contacts, LinkSeries]],
    handover: HandoverPlan,
    data: tuple[float, float],
) -> UserContacts:
    """What a site gets: its contacts, and its store filled and drained over them."""
    plans = [series.plan(handover.of(user=site, antenna=name)) for name, (_, series) in rows.items()]
    edges = np.unique(np.concatenate([plan.edges for plan in plans]))
    rate = np.sum([plan.on(edges).rate_bit_s for plan in plans], axis=0)
    span = np.array(handover.span)
    store = run_store(RatePlan(span, np.array([data[0]])), RatePlan(edges, rate), data[1])
    return UserContacts(
        site, horizon, {name: found for name, (found, _) in rows.items()}, handover.of(user=site), store
    )
