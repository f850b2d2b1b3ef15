"""Relays of a plan as ways to the ground: flown in the Moon's field, or at the point behind the Moon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.comms import Contacts
from moonpost.errors import MoonpostError
from moonpost.plan import Element, Plan
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from moonpost.flight.relays import RelayOrbit
    from moonpost.sky import Almanac
    from moonpost.terrain import HorizonProfile

__all__: list[str] = []

_Floats = npt.NDArray[np.float64]
_Times = npt.NDArray[np.datetime64]
_LIGHT_M_S = 299_792_458.0
_BEHIND_M = 64_500e3
_DEGREE = 8
_FINE_S = 60
_TRIED = np.timedelta64(60 * 86_400, "s")


@dataclass(frozen=True, eq=False)
class RelayWay:
    """A relay that a site talks through.

    Parameters
    ----------
    name : str
        Element of the plan.
    contacts : Contacts
        When site, relay and Earth see one another.
    light_s : ndarray, (n,)
        Light time from the site through the relay to the Earth's centre at the times asked for [s].
    seen, earth : Contacts
        When site and relay, and when relay and Earth see one another.
    up_s : ndarray, (n,)
        Light time from the site to the relay [s].

    Examples
    --------
    >>> from moonpost.control.station.ways import find_ways  # see there
    """

    name: str
    contacts: Contacts
    light_s: _Floats
    seen: Contacts
    earth: Contacts
    up_s: _Floats


def relay_ways(
    plan: Plan, site: str, almanac: Almanac, profile: HorizonProfile, t: _Times
) -> tuple[RelayWay, ...]:
    """The relays to which machines at a site have links.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str
        The site.
    almanac : Almanac
        Where the Earth is.
    profile : HorizonProfile
        Horizon of the site.
    t : ndarray of datetime64, (n,)
        The period, by even steps.

    Returns
    -------
    tuple of RelayWay
        None for a plan without such links.

    Notes
    -----
    A relay with a published frozen orbit, or else with the first orbit that the plan carries for it, is flown in
    the Moon's field of degree 8 with Earth and Sun, its node such that it lasts where none is published. One
    without an orbit stands 64,500 km behind the Moon, where a halo orbit is wound, and is taken to see the Earth
    past the limb. A relay that comes down, or cannot be flown, is left out from then on.

    Examples
    --------
    >>> from moonpost.control.station.ways import find_ways  # see there
    """
    here = {element.id for element in _elements_at(plan, site)}
    linked = {row.receiver for row in plan.links if row.sender in here}
    found = []
    for relay in plan.elements:
        if relay.kind == "relay" and relay.id in linked:
            orbit = _orbit(relay)
            way = (
                _behind(relay, almanac, profile, t) if orbit is None else _flown(relay, orbit, almanac, profile, t)
            )
            if way is not None:
                found.append(way)
    return tuple(found)


def _elements_at(plan: Plan, site: str) -> list[Element]:
    """What stands at a site."""
    from moonpost.operations.buses import groups_at

    try:
        return [element for group in groups_at(plan, site)[0] for element in group.elements]
    except MoonpostError:
        return []


def _orbit(relay: Element) -> RelayOrbit | None:
    """The orbit of a relay; None for one behind the Moon."""
    from moonpost.flight.relays import RELAY_ORBITS, RelayOrbit, relay_orbit

    if relay.id in {orbit.name for orbit in RELAY_ORBITS}:
        return relay_orbit(relay.id)
    if not relay.orbits:
        return None
    row = relay.orbits[0]
    return RelayOrbit(
        relay.id, row.perilune_altitude_km * 1e3, row.apolune_altitude_km * 1e3, row.inclination_deg,
        row.node_deg, row.argument_of_perilune_deg, plane="equator", source=row.source or "",
    )  # fmt: skip


def _behind(relay: Element, almanac: Almanac, profile: HorizonProfile, t: _Times) -> RelayWay:
    """A relay that stays behind the Moon."""
    earth_m = almanac.moon_fixed_m("earth", t)
    far_m = -earth_m / np.linalg.norm(earth_m, axis=1)[:, None] * _BEHIND_M
    margin, up_m = _over_horizon(profile, far_m)
    seen, always = Contacts.where(t, margin), Contacts.where(t, np.ones(t.size))
    light_s = (up_m + np.linalg.norm(earth_m - far_m, axis=1)) / _LIGHT_M_S
    return RelayWay(relay.id, seen, light_s, seen, always, up_m / _LIGHT_M_S)


def _flown(
    relay: Element, orbit: RelayOrbit, almanac: Almanac, profile: HorizonProfile, t: _Times
) -> RelayWay | None:
    """A relay in an orbit of its own."""
    from moonpost.flight.coverage import fly_satellites
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import lasting_node

    env = Environment.make(almanac, t[0], t[-1], degree=_DEGREE)
    try:
        if not orbit.node_published:
            tried = Environment.make(almanac, t[0], t[0] + max(t[-1] - t[0], _TRIED), degree=_DEGREE)
            orbit = lasting_node(orbit, tried)
        (flight,) = fly_satellites(orbit.states(env, t[0], 1), t[-1], env)
    except MoonpostError:
        return None
    seconds = (t - t[0]) / np.timedelta64(1, "s")
    past = np.arange(0.0, seconds[-1] + 1.0, _FINE_S)
    until = flight.final.time_tdb_s - flight.start.time_tdb_s
    held = np.minimum(past, until)
    tdb = flight.start.time_tdb_s + held
    own = flight.at_elapsed(held)[:, :3]
    turned = env.rotation(tdb)
    fixed_m = np.einsum("nij,nj->ni", turned, own)
    earth_m = np.einsum("nij,nj->ni", turned, env.body_m("earth", tdb))
    margin, up_m = _over_horizon(profile, fixed_m)
    limb = _past_limb(fixed_m, earth_m)
    margin[past > until + 1.0] = limb[past > until + 1.0] = -1.0
    fine = t[0] + (past * 1e3).astype("timedelta64[ms]")
    light_s = (up_m + np.linalg.norm(earth_m - fixed_m, axis=1)) / _LIGHT_M_S
    both, seen, earth = (Contacts.where(fine, part) for part in (np.minimum(margin, limb), margin, limb))
    light_s, up_s = (np.interp(seconds, past, part) for part in (light_s, up_m / _LIGHT_M_S))
    return RelayWay(relay.id, both, light_s, seen, earth, up_s)


def _over_horizon(profile: HorizonProfile, fixed_m: _Floats) -> tuple[_Floats, _Floats]:
    """Degrees over the horizon of a site, and the distance [m], of places fixed to the Moon."""
    site = profile.site
    local = (fixed_m - site.position_m) @ site.basis.T
    east, north, up = local.T
    range_m = np.linalg.norm(local, axis=1)
    azimuth = np.degrees(np.arctan2(east, north)) % 360.0
    return np.degrees(np.arcsin(up / range_m)) - profile.at(azimuth), range_m


def _past_limb(fixed_m: _Floats, earth_m: _Floats) -> _Floats:
    """Degrees between the Earth and the Moon's limb as a satellite sees them; negative behind the Moon."""
    height_m = np.linalg.norm(fixed_m, axis=1)
    to_earth = earth_m - fixed_m
    cosine = np.einsum("ni,ni->n", -fixed_m, to_earth) / (height_m * np.linalg.norm(to_earth, axis=1))
    limb = np.arcsin(np.clip(MOON_RADIUS_M / height_m, -1.0, 1.0))
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)) - limb)
