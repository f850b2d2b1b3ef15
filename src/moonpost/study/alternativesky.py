"""How far light, darkness and contact of a station may lie from what its study says; its contact with antennas."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError, TerrainError, UnknownNameError
from moonpost.plan import GroundStation, OrbitStation, Plan, SurfaceStation, with_number
from moonpost.power import power_groups
from moonpost.study.context import Context, Phase, site_profile
from moonpost.study.phases.common import longest_run
from moonpost.study.phases.design import LightAt, apparent_sun, sun_view
from moonpost.study.phases.orbit import lunar_orbit, orbit_phase

if TYPE_CHECKING:
    from moonpost.comms import Contacts
    from moonpost.sky import Apparent
    from moonpost.study.relays import RelayService
    from moonpost.study.run import Study
    from moonpost.terrain import HorizonProfile

__all__ = [
    "MASKS_DEG",
    "SkyRange",
    "antenna_contact",
    "array_mast_m",
    "carried_range_w",
    "sky_range",
    "study_context",
]

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]

_EARTH_STEP = 2
_LOW, _HIGH = 5.0, 95.0
_CONTACT_STEP_S = 600.0
MASKS_DEG = (5.0, 15.0)
"""Masks of antennas that give the range of contact with them [deg]."""

RELAY_MASKS_DEG = (0.0, 5.0)
"""Least elevations of a relay at the station, besides terrain, that give the range of contact over it [deg]."""

_DEGREE = 8
_DAY = np.timedelta64(86_400_000, "ms")


@dataclass(frozen=True)
class SkyRange:
    """Ranges of what a station sees of Sun and Earth.

    Parameters
    ----------
    longest_dark_h, average_light, storage_wh, earth_share, earth_gap_h : tuple of float or None
        Low and high value; None where none was found.
    covers : str
        What the ranges cover.

    Examples
    --------
    >>> SkyRange((80.0, 95.0), None, None, None, None, "terrain").longest_dark_h
    (80.0, 95.0)
    """

    longest_dark_h: Range | None
    average_light: Range | None
    storage_wh: Range | None
    earth_share: Range | None
    earth_gap_h: Range | None
    covers: str


@dataclass
class _Sample:
    """Values of the members, quantity by quantity."""

    longest_dark_h: list[float] = field(default_factory=list)
    average_light: list[float] = field(default_factory=list)
    storage_wh: list[float] = field(default_factory=list)
    earth_share: list[float] = field(default_factory=list)
    earth_gap_h: list[float] = field(default_factory=list)


def study_context(study: Study) -> Context:
    """The context of a finished study with its site phase, for what is computed on its light.

    Parameters
    ----------
    study : Study
        A study with its series.

    Raises
    ------
    InputError
        If the study has no series of light.

    Examples
    --------
    >>> from moonpost.study import study
    >>> study_context(study("ilrs")).plan.id  # doctest: +SKIP
    'ilrs'
    """
    if "site-light" not in study.series:
        raise InputError("has no series of light", where=study.plan.id, advice="run its study again")
    context = Context(study.plan)
    context.phases["site"] = Phase(study.record.site, {"light": study.series["site-light"]})
    return context


def array_mast_m(plan: Plan) -> float:
    """Height of the tallest array of the station, or the tallest mast of the plan [m].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> array_mast_m(load_plan("ilrs"))
    10.0
    """
    masts = [m for group in power_groups(plan) if group.name == "station" for m in group.masts_m]
    if isinstance(plan.station, SurfaceStation):
        return max(masts, default=max(plan.station.masts_m))
    return max(masts, default=0.0)


def carried_range_w(study: Study) -> tuple[float | None, Range | None, str]:
    """Mean load that sources and stores of a station carry, and what single assumptions make of it.

    Parameters
    ----------
    study : Study
        A study with its series.

    Returns
    -------
    value, range, worst : float or None, tuple of float or None, str
        [W], and the assumption that lowers it most; None where nothing draws power.

    Notes
    -----
    Each assumption of the plan that has a low and a high value is changed by itself.

    Examples
    --------
    >>> from moonpost.study import study
    >>> carried_range_w(study("ilrs"))[0]  # doctest: +SKIP
    4515.53
    """
    from moonpost.design import carried_load, size_storage
    from moonpost.design.sensitivity import one_at_a_time

    context = study_context(study)
    sun, light_at = sun_view(context), LightAt(context)

    def carried_w(plan: Plan) -> float:
        masts = {m for group in power_groups(plan) for m in group.masts_m}
        return carried_load(size_storage(plan, sun, {m: light_at(m) for m in masts})).mean_w

    try:
        value = carried_w(study.plan)
    except (ModelError, InputError):
        return None, None, ""
    effects = one_at_a_time(study.plan, study.plan.assumptions, carried_w)
    found = [
        (w, e.assumption) for e in effects for w in (e.base_result, e.low_result, e.high_result) if w is not None
    ]
    if not found:
        return value, None, ""
    worst = min(found)
    return value, (worst[0], max(found)[0]), worst[1] if worst[0] < value else ""


def sky_range(
    study: Study, *, members: int = 20, nodes: int = 6, tell: Callable[[str], None] | None = None
) -> SkyRange:
    """Ranges of light, darkness and sight of the Earth: over errors of the terrain, or over the node of the orbit.

    Parameters
    ----------
    study : Study
        A study with its series.
    members : int
        Horizons with errors, for a station on the ground; 0 for none.
    nodes : int
        Nodes round the equator, for a station in orbit; 0 for none.
    tell : callable, optional
        Called after each member or node with its name.

    Returns
    -------
    SkyRange

    Raises
    ------
    InputError
        If a number is negative or above 1000.

    Notes
    -----
    On the ground the 5th and 95th percentile over horizons whose ridges move by the errors of the heights
    (`moonpost.power.ensembles.perturbed_horizons_deg`), in hourly light; in orbit the least and the most over the
    nodes, since no node is announced. Both are widened to hold the study's own value.

    Examples
    --------
    >>> from moonpost.study import study
    >>> sky_range(study("ilrs"), members=5).covers  # doctest: +SKIP
    'errors of the terrain, P5 to P95 of 5 horizons'
    """
    for name, count in (("members", members), ("nodes", nodes)):
        if not 0 <= count <= 1000:
            raise InputError(f"is {count}", where=name, advice="give 0 to 1000")
    context = study_context(study)
    say = tell or (lambda _: None)
    if isinstance(study.plan.station, OrbitStation):
        return _over_nodes(context, nodes, say) if nodes else _none()
    return _over_terrain(context, members, say) if members else _none()


def _none() -> SkyRange:
    return SkyRange(None, None, None, None, None, "")


def _over_terrain(context: Context, members: int, say: Callable[[str], None]) -> SkyRange:
    """Light and Earth over horizons with errors."""
    from moonpost.power.ensembles import perturbed_horizons_deg
    from moonpost.study.lightmembers import errors_of
    from moonpost.terrain import earth_visibility, illumination

    plan = context.plan
    mast_m = array_mast_m(plan)
    masts = {m for group in power_groups(plan) if group.name == "station" for m in group.masts_m} | {mast_m}
    try:
        profiles = {m: site_profile(plan, plan.station_sites()[0], m) for m in masts}
        models = {m: errors_of(p) for m, p in profiles.items()}
    except (TerrainError, InputError):
        return _none()
    horizons = {
        m: perturbed_horizons_deg(p.azimuth_deg, p.elevation_deg, p.distance_m, models[m], members=members)
        for m, p in profiles.items()
    }
    sun, free = apparent_sun(context), LightAt(context).uncovered
    earth = context.almanac.earth(profiles[mast_m].site, sun.time[::_EARTH_STEP])
    step_h = _step_h(sun)
    found = _Sample()
    for k in range(members):
        moved = {m: dataclasses.replace(p, elevation_deg=horizons[m][k]) for m, p in profiles.items()}
        light = {m: np.asarray(illumination(p, sun)) * free for m, p in moved.items()}
        seen = np.asarray(earth_visibility(moved[mast_m], earth))
        _collect(found, light[mast_m], step_h)
        found.storage_wh += _need_wh(context, light)
        found.earth_share.append(float(np.mean(seen > 0.0)))
        found.earth_gap_h.append(longest_run(seen <= 0.0) * _EARTH_STEP * step_h)
        say(f"terrain {k + 1}")
    covers = f"errors of the terrain, P{_LOW:.0f} to P{_HIGH:.0f} of {members} horizons"
    return _spread(found, covers, lambda values: _percentiles(values))


def _over_nodes(context: Context, nodes: int, say: Callable[[str], None]) -> SkyRange:
    """Light and Earth over nodes of the orbit, all else the same."""
    from moonpost.study.results import SiteResult

    found = _Sample()
    for k in range(nodes):
        plan = with_number(context.plan, "station.orbit.node_deg", 360.0 * k / nodes)
        turned = Context(plan)
        turned.phases["site"] = orbit_phase(turned)
        site: SiteResult = turned.result("site")
        assert site.orbit is not None
        light = LightAt(turned)(0.0)
        found.longest_dark_h.append(site.orbit.longest_dark_h)
        found.average_light.append(site.orbit.average_illumination)
        found.storage_wh += _need_wh(turned, {m: light for g in power_groups(plan) for m in g.masts_m})
        found.earth_share.append(site.orbit.earth_visible)
        found.earth_gap_h.append(site.orbit.longest_earth_outage_h)
        say(f"node {360.0 * k / nodes:.0f} deg")
    return _spread(found, f"the node of the orbit, least to most of {nodes}", lambda v: (min(v), max(v)))


def _collect(found: _Sample, light: Floats, step_h: float) -> None:
    found.longest_dark_h.append(longest_run(light <= 0.0) * step_h)
    found.average_light.append(float(light.mean()))


def _need_wh(context: Context, light: dict[float, Floats]) -> list[float]:
    """Storage that the station needs in a light; nothing where the bus cannot be sized."""
    from moonpost.design import size_storage

    try:
        need = size_storage(context.plan, sun_view(context), light).required
    except (InputError, ModelError, LookupError):
        return []
    return [need.nameplate_wh] if need.sustainable else []


def _step_h(sun: Apparent) -> float:
    return float((sun.time[1] - sun.time[0]) / np.timedelta64(3_600_000, "ms"))


def _percentiles(values: Sequence[float]) -> Range:
    low, high = np.percentile(values, [_LOW, _HIGH])
    return float(low), float(high)


def _spread(found: _Sample, covers: str, reduce: Callable[[list[float]], Range]) -> SkyRange:
    parts: dict[str, Any] = {
        name: reduce(values) if values else None for name, values in dataclasses.asdict(found).items()
    }
    return SkyRange(**parts, covers=covers)


def antenna_contact(study: Study, stations: Sequence[GroundStation], days: float = 60.0) -> tuple[Contacts, ...]:
    """Contact of a station with any of several antennas, over terrain or round the Moon.

    Parameters
    ----------
    study : Study
        A study with its series.
    stations : sequence of GroundStation
        Antennas on Earth.
    days : float
        Length, from the first day of the study's period [d].

    Returns
    -------
    tuple of Contacts
        With the antennas' own masks, with high and with low ones (`MASKS_DEG`); empty without antennas.

    Raises
    ------
    InputError
        If the time is not 2 to 400 days.

    Notes
    -----
    For a station in orbit the antennas look at the middle of the Moon's near side instead of the station, which
    is at most 3 deg away from it for orbits inside 20,000 km; the Moon hides the station when it hides the Earth.

    Examples
    --------
    >>> from moonpost.study import study
    >>> antenna_contact(study("ilrs"), study("ilrs").plan.ground_stations)[0].share  # doctest: +SKIP
    0.54
    """
    from moonpost.comms import Contacts, intersection, union
    from moonpost.sky import Site, times

    if not 2.0 <= days <= 400.0:
        raise InputError(f"is {days:g}", where="days", advice="give 2 to 400 days")
    if not stations:
        return ()
    context = study_context(study)
    start, end = context.period
    t = times(start, min(end, start + np.timedelta64(round(days * 86_400e3), "ms")), _CONTACT_STEP_S)
    orbital = isinstance(study.plan.station, OrbitStation)
    profile = None if orbital else _horizon(study.plan, context)
    front = _in_front(context, t) if orbital else None
    parts: list[list[Contacts]] = [[], [], []]
    for row in stations:
        seen = context.almanac.station(Site(0.0, 0.0) if profile is None else profile.site, row, t)
        floor_deg = 0.0 if profile is None else profile.at(seen.azimuth_deg)
        at_moon = Contacts.where(seen.time, seen.elevation_deg - floor_deg) if front is None else front
        for part, mask_deg in zip(parts, (row.mask_deg, MASKS_DEG[1], MASKS_DEG[0]), strict=True):
            at_earth = Contacts.where(seen.time, seen.moon_elevation_deg - mask_deg)
            part.append(intersection([at_moon, at_earth]))
    return tuple(union(part) for part in parts)


def relayed_contact(
    study: Study, stations: Sequence[GroundStation], days: float = 14.0
) -> tuple[RelayService, ...]:
    """What one relay of the plan brings a station on the ground, over its own links.

    Parameters
    ----------
    study : Study
        A study.
    stations : sequence of GroundStation
        Antennas on Earth.
    days : float
        Length, from the first day of the study's period [d].

    Returns
    -------
    tuple of RelayService
        For each least elevation of the relay in `RELAY_MASKS_DEG`; empty for a station in orbit, and where a plan
        has no relay or no links for it.

    Examples
    --------
    >>> from moonpost.study import study
    >>> relayed_contact(study("ilrs"), study("ilrs").plan.ground_stations)[0].through.share  # doctest: +SKIP
    0.87
    """
    from moonpost.study.relays import relay_service

    plan = study.plan.model_copy(update={"ground_stations": tuple(stations)})
    relays = [row for row in plan.elements if row.kind == "relay" and row.orbits]
    if isinstance(plan.station, OrbitStation) or not relays or not stations:
        return ()
    start = str(plan.design.start)[:10]
    try:
        found = [
            relay_service(plan, start, days, satellites=[1], degree=_DEGREE, mask_deg=mask_deg)
            for mask_deg in RELAY_MASKS_DEG
        ]
    except (ModelError, InputError, UnknownNameError):
        return ()
    return tuple(row.services[1] for row in found)


def _horizon(plan: Plan, context: Context) -> HorizonProfile:
    from moonpost.study.surroundings import site_horizon

    return site_horizon(plan, context.plan.station_sites()[0], array_mast_m(plan))


def _in_front(context: Context, t: npt.NDArray[np.datetime64]) -> Contacts:
    """When the Moon does not hide the Earth from the orbit."""
    from moonpost.comms import Contacts
    from moonpost.flight import earth_outages

    assert isinstance(context.plan.station, OrbitStation)
    orbit = lunar_orbit(context.plan.station.orbit, context.period[0])
    hidden = earth_outages(orbit, context.almanac, t[0], t[-1])
    begins = np.concatenate([t[:1], hidden.stop]).astype("datetime64[ms]")
    ends = np.concatenate([hidden.start, t[-1:]]).astype("datetime64[ms]")
    kept = ends > begins
    return Contacts(begins[kept], ends[kept], (t[0], t[-1]))
