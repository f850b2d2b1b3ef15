"""Question 9: what relays round the Moon cover, the longest gap, and the data that come down."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.comms import (
    Coding,
    Contacts,
    Leg,
    LinkSeries,
    RatePlan,
    RelayRun,
    best_mode,
    carrier_to_noise_db_hz,
    from_flight,
    link_budget,
    modes_of_rates,
    run_relays,
    run_store,
    station_contacts,
    station_rates,
    union,
)
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.plan import GroundStation, Link, Plan, SurfaceStation
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.study.surroundings import has_terrain, site_horizon

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import RelayOrbit
    from moonpost.flight.trajectory import Trajectory
    from moonpost.sky import Almanac, Site
    from moonpost.terrain import HorizonProfile

__all__ = ["RelayService", "RelayServices", "relay_service"]

Floats = npt.NDArray[np.float64]

_STEP_S = 600.0
_MOST_DAYS = 120.0
_TRIED_DAYS = 60.0
_LADDER = 2.0 ** -np.arange(8)
_MOST_SATELLITES = 12


@dataclass(frozen=True, eq=False)
class RelayService:
    """What so many relays bring.

    Parameters
    ----------
    satellites : int
        How many; 0 for the direct way to the Earth.
    covered : Contacts
        When at least one is over the site's terrain; for the direct way, any antenna.
    through : Contacts
        When data can go on to the Earth at once: site, relay and an antenna in sight of one another.
    possible_bit : float
        What the links could carry if the site always had data [bit].
    made_bit, delivered_bit, lost_bit : float
        What the site made, what reached the Earth, what stores lost [bit].
    residual_relative : float
        Error of the balance [1].

    Examples
    --------
    >>> from moonpost.study.relays import relay_service  # see there
    """

    satellites: int
    covered: Contacts
    through: Contacts
    possible_bit: float
    made_bit: float
    delivered_bit: float
    lost_bit: float
    residual_relative: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: shares of the time, gaps, volumes by day."""
        first, last = self.through.span
        days = float((last - first) / np.timedelta64(1, "ms")) / 86_400e3
        return {
            "satellites": self.satellites,
            "covered": self.covered.share,
            "covered_longest_gap_h": self.covered.longest_gap_s / 3600.0,
            "through": self.through.share,
            "contacts": len(self.through),
            "longest_gap_h": self.through.longest_gap_s / 3600.0,
            "possible_mbit_per_day": self.possible_bit / 1e6 / days,
            "made_mbit_per_day": self.made_bit / 1e6 / days,
            "delivered_mbit_per_day": self.delivered_bit / 1e6 / days,
            "lost_mbit_per_day": self.lost_bit / 1e6 / days,
            "residual_relative": self.residual_relative,
        }


@dataclass(frozen=True, eq=False)
class RelayServices:
    """What one, two or more relays bring, beside the direct way.

    Parameters
    ----------
    site : Site
        The site.
    start, stop : datetime64
        The period, UTC.
    orbit : RelayOrbit
        Of the relays.
    up, down : str
        Links of the plan whose radios are taken.
    antennas : tuple of str
        Ground stations.
    store : bool
        Whether relays have stores; else data must go on at once.
    services : tuple of RelayService
        The direct way first, then by number.

    Examples
    --------
    >>> from moonpost.study.relays import relay_service  # see there
    """

    site: Site
    start: np.datetime64
    stop: np.datetime64
    orbit: RelayOrbit
    up: str
    down: str
    antennas: tuple[str, ...]
    store: bool
    services: tuple[RelayService, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "latitude_deg": self.site.latitude_deg,
            "longitude_deg": self.site.longitude_deg,
            "from_utc": self.start,
            "to_utc": self.stop,
            "orbit": self.orbit.name or None,
            "perilune_km": self.orbit.perilune_altitude_m / 1e3,
            "apolune_km": self.orbit.apolune_altitude_m / 1e3,
            "inclination_deg": self.orbit.inclination_deg,
            "node_deg": self.orbit.node_deg,
            "argument_deg": self.orbit.argument_deg,
            "plane": self.orbit.plane,
            "period_h": self.orbit.period_s / 3600.0,
            "link_up": self.up,
            "link_down": self.down,
            "antennas": list(self.antennas),
            "relay_store": self.store,
            "rows": [service.to_dict() for service in self.services],
            "assumptions": list(_ASSUMED),
        }


_ASSUMED = (
    "Relays follow one another in one plane at equal times, flown in the Moon's field with Earth and Sun.",
    "The site has one antenna: it stays with a relay until that sets, then goes to the one that stays longest.",
    "Every relay has its own antenna on the Earth, any of those named that sees it over its mask.",
    "Rates follow the distance in steps of two below the link's, with the margin; no air, Moon or Sun in the beam "
    "of the relay's link to the Earth.",
)


def relay_service(
    plan: Plan | str | os.PathLike[str],
    start: str | None = None,
    days: float = 15.0,
    *,
    satellites: Sequence[int] = (1, 2, 3),
    orbit: str | RelayOrbit = "queqiao-2",
    site: str | None = None,
    antennas: Sequence[str] = (),
    up: str | None = None,
    down: str | None = None,
    made_bit_s: float = 1e6,
    capacity_bit: float = 1e11,
    relay_capacity_bit: float | None = None,
    mask_deg: float = 0.0,
    margin_db: float = 3.0,
    degree: int = 20,
) -> RelayServices:
    """What relays in lunar orbit cover, their longest gap, and the data that come down.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes: its site, ground stations and links.
    start : str, optional
        First instant, UTC; the plan's design start if not given.
    days : float, default 15.0
        Length, up to 120 [d].
    satellites : sequence of int, default (1, 2, 3)
        Numbers of relays to compare, each 1 to 12.
    orbit : str or RelayOrbit, default "queqiao-2"
        A published relay orbit by name, or one. If its node is not published, the one that lasts longest is taken.
    site : str, optional
        A site of the plan; the station's if not given.
    antennas : sequence of str, optional
        Ground stations of the plan; all if not given.
    up, down : str, optional
        Links of the plan from a machine to a relay, and from a relay to a ground station; the first complete ones
        if not given, the station's own before others.
    made_bit_s : float, default 1e6
        What the site makes [bit/s].
    capacity_bit : float, default 1e11
        Store of the site [bit].
    relay_capacity_bit : float, optional
        Store of each relay [bit]; without one data go on at once or not at all.
    mask_deg : float, default 0.0
        Least elevation of a relay at the site, besides its terrain [deg].
    margin_db : float, default 3.0
        Margin kept by both links [dB].
    degree : int, default 20
        Degree of the Moon's field.

    Returns
    -------
    RelayServices
        The direct way to the Earth, then each number of relays.

    Raises
    ------
    UnknownNameError
        If a site, antenna, orbit or link is not known.
    InputError
        If a number cannot be used.
    ModelError
        If the plan lacks links, or a relay comes down.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    Contacts are found to a millisecond over the site's terrain, each antenna's mask and the Moon's limb. Of a
    relay that is a bent pipe the slower of its two halves counts.

    Examples
    --------
    >>> found = relay_service("ilrs", "2030-01-10", 2.0, satellites=[1], antennas=["kashgar"], degree=8)
    >>> [row["satellites"] for row in found.to_dict()["rows"]]
    [0, 1]
    """
    from moonpost.flight.environment import Environment
    from moonpost.plan import load_plan
    from moonpost.sky import Almanac, as_utc, times

    found = plan if isinstance(plan, Plan) else load_plan(plan)
    numbers = _checked(satellites, days, made_bit_s, capacity_bit, relay_capacity_bit)
    first = as_utc(start or found.design.start[:10]).reshape(-1)[0].astype("datetime64[ms]")
    steps = max(math.ceil(days * 86_400.0 / _STEP_S), 2)
    t = times(first, first + np.timedelta64(round((steps + 0.5) * _STEP_S * 1e3), "ms"), _STEP_S)
    almanac = Almanac.default()
    place, profile = _place(found, site)
    dishes = [found.row("ground_stations", name) for name in antennas] or list(found.ground_stations)
    if not dishes:
        raise ModelError("the plan has no ground stations", where=found.path, advice="add rows of ground_stations")
    radios = _link(found, up, "up"), _link(found, down, "down")
    env = Environment.make(almanac, t[0], t[-1], degree=degree)
    ring = _orbit(orbit, almanac, t, degree)
    made = RatePlan(np.array([t[0], t[-1]]), np.array([made_bit_s]))
    services = [_direct(almanac, (place, profile), dishes, found, t, made, capacity_bit, margin_db)]
    for number in numbers:
        parts = _fly(ring, env, t, number, (place, profile), dishes, mask_deg)
        ways = [_rates(part.flown, place, radios, t, margin_db) for part in parts]
        services.append(_service(number, parts, ways, made, (capacity_bit, relay_capacity_bit)))
    return RelayServices(
        place, t[0], t[-1], ring, radios[0].id, radios[1].id, tuple(dish.id for dish in dishes),
        relay_capacity_bit is not None, tuple(services),
    )  # fmt: skip


def _checked(
    satellites: Sequence[int], days: float, made_bit_s: float, capacity_bit: float, relay_bit: float | None
) -> list[int]:
    """Numbers of relays without repeats; raise for what cannot be used."""
    numbers = sorted(set(satellites))
    if not numbers or not all(isinstance(n, int) and 1 <= n <= _MOST_SATELLITES for n in numbers):
        raise InputError(f"{list(satellites)}", where="satellites", advice=f"give 1 to {_MOST_SATELLITES}")
    if not (math.isfinite(days) and 0.1 <= days <= _MOST_DAYS):
        raise InputError(f"{days:g} days", where="days", advice=f"give 0.1 to {_MOST_DAYS:g}")
    for name, value in (
        ("made_bit_s", made_bit_s), ("capacity_bit", capacity_bit), ("relay_capacity_bit", relay_bit)
    ):  # fmt: skip
        if value is not None and not (math.isfinite(value) and value > 0.0):
            raise InputError(f"{value:g}", where=name, advice="give a number above 0")
    return numbers


def _place(plan: Plan, name: str | None) -> tuple[Site, HorizonProfile | None]:
    """The site with its horizon at the station's highest mast; the level one where no terrain covers it."""
    if name is None and not isinstance(plan.station, SurfaceStation):
        raise ModelError("the station is in orbit", where=plan.path, advice="name a site of the plan")
    site = plan.station_sites()[0] if name is None else plan.site(name)
    mast_m = max(plan.station.masts_m) if isinstance(plan.station, SurfaceStation) else 2.0
    profile = site_horizon(plan, site, mast_m)
    return profile.site, profile if has_terrain(plan, site) else None


def _link(plan: Plan, name: str | None, way: str) -> Link:
    """A link to or from a relay with all figures of its budget."""
    relays = {element.id for element in plan.elements if element.kind == "relay"}
    stations = {row.id for row in plan.ground_stations}
    if way == "up":
        rows = [row for row in plan.links if row.receiver in relays]
    else:
        rows = [row for row in plan.links if row.sender in relays and row.receiver in stations]
    if name is not None:
        for row in rows:
            if row.id == name:
                return row
        kind = "link to a relay" if way == "up" else "link from a relay to the Earth"
        raise UnknownNameError(name, [row.id for row in rows], kind=kind, where=f"--{way}")
    ours = {element.id for element in plan.station_elements()}
    whole = [row for row in rows if link_budget(row).carrier_to_noise_db_hz is not None]
    heard = {row.receiver for row in plan.links if row.sender in ours}
    near = [row for row in whole if (row.sender in ours if way == "up" else row.sender in heard)]
    if not (near or whole):
        raise ModelError(
            f"no link {'to a relay' if way == 'up' else 'from a relay to the Earth'} has all figures",
            where=plan.path,
            advice="add a row of links",
        )
    return (near or whole)[0]


def _orbit(orbit: str | RelayOrbit, almanac: Almanac, t: Any, degree: int) -> RelayOrbit:
    """The orbit, with a node that lasts where none is published."""
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import lasting_node, relay_orbit

    found = relay_orbit(orbit) if isinstance(orbit, str) else orbit
    if found.node_published:
        return found
    last = t[0] + max(t[-1] - t[0], np.timedelta64(round(_TRIED_DAYS * 86_400e3), "ms"))
    longer = Environment.make(almanac, t[0], last, degree=min(degree, 20))
    return lasting_node(found, longer)


@dataclass(frozen=True, eq=False)
class _Part:
    """A flight with its contacts: the site, any antenna, both at once."""

    flown: Trajectory
    above: Contacts
    heard: Contacts
    through: Contacts


def _fly(
    orbit: RelayOrbit,
    env: Environment,
    t: Any,
    number: int,
    place: tuple[Site, HorizonProfile | None],
    dishes: Sequence[GroundStation],
    mask_deg: float,
) -> list[_Part]:
    """Flights with their contacts: with the site, with any antenna, and with both at once."""
    from moonpost.flight.coverage import SiteView, StationView, contacts, fly_satellites
    from moonpost.flight.coverage import intersection as both
    from moonpost.flight.coverage import union as any_of

    site, profile = place
    if profile is None:
        view = SiteView(site, mask_deg)
    else:
        view = SiteView(site, mask_deg, profile.azimuth_deg, profile.elevation_deg)
    states = orbit.states(env, t[0], number)
    parts = []
    for flown in fly_satellites(states, t[-1], env):
        above = contacts(flown, view)
        heard = any_of([contacts(flown, StationView(dish, dish.mask_deg)) for dish in dishes])
        span = (t[0], t[-1])
        through = both([above, heard])
        parts.append(_Part(flown, *(from_flight(part, span) for part in (above, heard, through))))
    return parts


def _rates(flown: Trajectory, site: Site, radios: tuple[Link, Link], t: Any, margin_db: float) -> list[Floats]:
    """Rates up and down at each instant, by distance alone [bit/s]."""
    env = flown.env
    tdb = flown.start.time_tdb_s + (t - t[0]) / np.timedelta64(1, "ms") / 1e3
    tdb = np.minimum(tdb, flown.final.time_tdb_s)
    states = flown.at_elapsed(tdb - flown.start.time_tdb_s)[:, :3]
    here = np.einsum("nji,j->ni", env.rotation(tdb), (MOON_RADIUS_M + site.height_m) * _upward(site))
    ranges = (
        np.linalg.norm(states - here, axis=1),
        np.linalg.norm(states - env.body_m("earth", tdb), axis=1),
    )
    found = []
    for link, range_m in zip(radios, ranges, strict=True):
        scheme = Coding("of the plan", 1.0, link.required_ebn0_db, 1.0, f"links[{link.id}].required_ebn0_db")
        modes = modes_of_rates(link.rate_bit_s * _LADDER, scheme)
        found.append(best_mode(carrier_to_noise_db_hz(link, range_m), modes, margin_db=margin_db)[0])
    return found


def _upward(site: Site) -> Floats:
    """Unit vector of a site in MOON_ME."""
    north, east = np.radians([site.latitude_deg, site.longitude_deg])
    return np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def _stepped(t: Any, rate: Floats, windows: Contacts) -> RatePlan:
    """Rate within contacts; between samples the lower one."""
    edges = np.unique(np.concatenate([t, windows.start, windows.stop]))
    k = np.clip(np.searchsorted(t, edges[:-1], side="right") - 1, 0, t.size - 2)
    lower = np.minimum(rate[k], rate[k + 1])
    inside = RatePlan.of(windows, 1.0).at(edges[:-1]) > 0.0
    return RatePlan(edges, np.where(inside, lower, 0.0))


def _service(
    number: int,
    parts: Sequence[_Part],
    rates: Sequence[list[Floats]],
    made: RatePlan,
    stores: tuple[float, float | None],
) -> RelayService:
    """Data over so many relays."""
    capacity_bit, relay_bit = stores
    span = parts[0].above.span
    t = np.arange(span[0], span[1] + np.timedelta64(1, "ms"), np.timedelta64(round(_STEP_S * 1e3), "ms"))
    turns = _turns([part.above if relay_bit is not None else part.through for part in parts])
    legs = {}
    for k, (part, (up, down)) in enumerate(zip(parts, rates, strict=True)):
        sent, heard = _stepped(t, up, turns[k]), _stepped(t, down, part.heard)
        legs[f"relay {k + 1}"] = Leg(sent, heard, relay_bit)
    possible = sum(float(leg.way.volume_bit) for leg in legs.values())
    run: RelayRun = run_relays(made, legs, capacity_bit)
    lost = sum(float(store.lost_bit.sum()) for store in (run.site, *run.relays.values()))
    return RelayService(
        number,
        union([part.above for part in parts]),
        union([part.through for part in parts]),
        possible,
        float(made.volume_bit),
        sum(run.delivered_bit.values()),
        lost,
        run.residual_relative,
    )


def _turns(windows: Sequence[Contacts]) -> list[Contacts]:
    """Which relay the site's one antenna follows: until it sets, then the one that stays longest."""
    rows = [[(a, b) for a, b in zip(w.start, w.stop, strict=True)] for w in windows]
    starts: list[list[np.datetime64]] = [[] for _ in windows]
    stops: list[list[np.datetime64]] = [[] for _ in windows]
    now, last = windows[0].span
    while now < last:
        ahead = [(b, k) for k, part in enumerate(rows) for a, b in part if a <= now < b]
        if ahead:
            end, k = max(ahead)
            starts[k].append(now)
            stops[k].append(end)
            now = end
            continue
        coming = [a for part in rows for a, _ in part if a > now]
        now = min(coming, default=last)
    return [
        Contacts(np.array(a, dtype="datetime64[ms]"), np.array(b, dtype="datetime64[ms]"), windows[0].span)
        for a, b in zip(starts, stops, strict=True)
    ]


def _direct(
    almanac: Almanac,
    place: tuple[Site, HorizonProfile | None],
    dishes: Sequence[GroundStation],
    plan: Plan,
    t: Any,
    made: RatePlan,
    capacity_bit: float,
    margin_db: float,
) -> RelayService:
    """The direct way to the Earth, at the best antenna of each instant; no data if the plan has no such link."""
    site, profile = place
    seen = [station_contacts(almanac, site, dish, t, profile=profile) for dish in dishes]
    whole = union(seen)
    stations = {row.id for row in plan.ground_stations}
    ours = {element.id for element in plan.station_elements()}
    radio = next(
        (
            row
            for row in plan.links
            if row.sender in ours and row.receiver in stations and link_budget(row).carrier_to_noise_db_hz
        ),
        None,
    )
    rate = np.zeros(t.size)
    if radio is not None:
        scheme = Coding("of the plan", 1.0, radio.required_ebn0_db, 1.0, f"links[{radio.id}].required_ebn0_db")
        modes = modes_of_rates(radio.rate_bit_s * _LADDER, scheme)
        for dish, windows in zip(dishes, seen, strict=True):
            series: LinkSeries = station_rates(
                almanac, site, dish, radio, t, modes, margin_db=margin_db, dish_m=dish.antenna_m
            )
            inside = RatePlan.of(windows, 1.0).at(np.minimum(t, t[-1] - np.timedelta64(1, "ms"))) > 0.0
            rate = np.maximum(rate, np.where(inside, series.rate_bit_s, 0.0))
    way = _stepped(t, rate, whole)
    run = run_store(made, way, capacity_bit)
    return RelayService(
        0, whole, whole, float(way.volume_bit), float(made.volume_bit), float(run.delivered_bit.sum()),
        float(run.lost_bit.sum()), run.residual_relative,
    )  # fmt: skip
