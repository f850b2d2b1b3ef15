"""Question 12: whether a guest payload fits its host, and if not, the number that decides."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.design.budgets import data_made_bit_day
from moonpost.design.masses import mass_budget
from moonpost.errors import InputError, ModelError
from moonpost.operations.buses import groups_at
from moonpost.partners.proposals import view_asked
from moonpost.plan import Cells, Element, MoonSite, Plan, SurfaceStation
from moonpost.power import (
    BusLoad,
    PowerGroup,
    cell_temperature_k,
    element_load_w,
    element_supply_w,
    group_lit,
    irradiance_w_m2,
    pool,
    run_bus,
)
from moonpost.study.guestpayload import Guest, GuestAnswer, GuestCheck
from moonpost.study.surroundings import site_horizon

if TYPE_CHECKING:
    from moonpost.sky import Apparent
    from moonpost.terrain import HorizonProfile

__all__ = ["Guest", "GuestAnswer", "GuestCheck", "GuestHost", "guest_fits", "guest_host"]

_STEP_S = 3600.0
_MARGIN = 0.20
_MOST_W = 1e5
_CONTACT_DAYS = 28.0


def guest_fits(
    plan: Plan | str | os.PathLike[str],
    host: str,
    guest: Guest,
    *,
    site: str | None = None,
    start: str | None = None,
    years: float = 1.0,
    height_m: float | None = None,
    downlink_bit_s: float | None = None,
    contact_share: float | None = None,
) -> GuestAnswer:
    """Tell whether a guest payload fits its host: mass, power, data, view and temperature.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    host : str
        The element that is to carry it.
    guest : Guest
        The payload.
    site : str, optional
        Site of the plan where the host stands; that of its mission if not given.
    start : str, optional
        First day, UTC; the plan's design start if not given.
    years : float, default 1.0
        Length of the period [years].
    height_m : float, optional
        Where the guest sits above ground; at the host's arrays, or 2 m, if not given [m].
    downlink_bit_s : float, optional
        Rate of the host's link; that of the plan if not given [bit/s].
    contact_share : float, optional
        Part of the time in contact; from terrain and masks of the plan's ground stations if not given [1].

    Returns
    -------
    GuestAnswer

    Raises
    ------
    UnknownNameError
        If the host or site is not in the plan.
    InputError
        If a number cannot be used.
    ModelError
        If the host stands at no site, or has no bus there.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    A margin of 20 % is added to what the guest asks for, as for new equipment. Mass is measured against the open
    call of the host's mission, or else against the mission's mass budget. Power is measured by running the host's
    bus through the period with the guest as its last priority: it fits if nothing of the guest is shed and of the
    others no more than without it. Most power by night is that which fits without any by day, most by day
    that which fits beside what is asked by night, or without any where that does not fit.

    Examples
    --------
    >>> small = Guest(5.0, day_w=5.0, view="earth:0.3")
    >>> guest_fits("ilrs", "ce8-lander", small, site="connecting-ridge", years=0.1).checks[0].fits
    True
    """
    place = guest_host(plan, host, site=site, start=start, years=years, height_m=height_m)
    return place.answer(guest, downlink_bit_s=downlink_bit_s, contact_share=contact_share)


class GuestHost:
    """A host at its site, asked about one guest after another; what they share is computed once.

    Parameters
    ----------
    scene : object
        The host in its light; use `guest_host`.

    Examples
    --------
    >>> place = guest_host("ilrs", "ce8-lander", site="connecting-ridge", years=0.1)
    >>> [place.answer(Guest(mass)).fits is False for mass in (50.0, 90.0)]
    [False, True]
    """

    def __init__(self, scene: _Scene) -> None:
        self._scene = scene
        self._bus = _bus(scene)
        self._kept: dict[Any, Any] = {}

    @property
    def site(self) -> MoonSite:
        """Where the host stands."""
        return self._scene.site

    @property
    def name(self) -> str:
        """Identifier of the host."""
        return self._scene.host.id

    @property
    def longest_dark_h(self) -> float:
        """Longest spell without light on the host's arrays in the period [h]."""
        ends = np.flatnonzero(np.diff(np.concatenate(([True], self._scene.lit, [True])).astype(int)))
        return float(np.diff(ends)[::2].max(initial=0)) * _STEP_S / 3600.0

    def answer(
        self, guest: Guest, *, downlink_bit_s: float | None = None, contact_share: float | None = None
    ) -> GuestAnswer:
        """Tell whether a guest fits, as `guest_fits` does.

        Parameters
        ----------
        guest : Guest
            The payload.
        downlink_bit_s : float, optional
            Rate of the host's link; that of the plan if not given [bit/s].
        contact_share : float, optional
            Part of the time in contact; from terrain and ground stations if not given [1].

        Returns
        -------
        GuestAnswer

        Raises
        ------
        InputError
            If a number cannot be used.
        """
        _in_range("downlink_bit_s", downlink_bit_s, 0.0, 1e12)
        _in_range("contact_share", contact_share, 0.0, 1.0)
        scene, kept = self._scene, self._keep
        day, night = (value * (1.0 + _MARGIN) for value in (guest.day_w, guest.night_w))
        views = (guest.view, guest.inside, guest.least_k, guest.operate_min_k, guest.operate_max_k, guest.most_k)
        checks = [
            _mass(scene, guest),
            *kept(("power", day, night), lambda: self._power(day, night)),
            *kept(("data", guest.bit_day, downlink_bit_s, contact_share),
                  lambda: [_data(scene, guest, downlink_bit_s, contact_share, self._contact)]),
            *kept(("view", guest.view), lambda: _views(scene, guest)),
            *kept(("kelvin", *views), lambda: _temperatures(scene, guest)),
        ]  # fmt: skip
        told = [check for check in checks if check.spare is not None]
        lacking = any(check.fits is False for check in checks)
        fits = False if lacking else None if any(check.fits is None for check in checks) else True
        decides = min(told, key=lambda check: (check.fits is not False, check.spare), default=None)
        return GuestAnswer(scene.host.id, scene.site.id, fits, decides, tuple(checks), _ASSUMED)

    def _keep(self, name: Any, compute: Callable[[], Any]) -> Any:
        """What was computed before under a name, or now."""
        if name not in self._kept:
            self._kept[name] = compute()
        return self._kept[name]

    def _contact(self) -> float:
        """Part of the time in contact."""
        return float(self._keep("contact", lambda: _contact(self._scene)))

    def _power(self, day: float, night: float) -> list[GuestCheck]:
        """By running the host's bus with the guest as the last priority."""
        scene, fits = self._scene, self._bus
        why = f"bus {scene.group.name} through {scene.sun.time.size} h, guest shed first"
        if not self._keep("alone", lambda: fits(0.0, 0.0)):
            why = f"bus {scene.group.name} sheds load without the guest already"
            return [
                _check(name, w, 0.0, "W", why) for name, w in (("power by day", day), ("power by night", night))
            ]
        most_night = self._keep("night", lambda: _largest(lambda w: fits(0.0, w)))
        held = night if night <= most_night else 0.0
        most_day = self._keep(("day", held), lambda: _largest(lambda w: fits(w, held)))
        return [
            _check("power by day", day, most_day, "W", why),
            _check("power by night", night, most_night, "W", why),
        ]


def guest_host(
    plan: Plan | str | os.PathLike[str],
    host: str,
    *,
    site: str | None = None,
    start: str | None = None,
    years: float = 1.0,
    height_m: float | None = None,
) -> GuestHost:
    """Put a host at its site, to ask about many guests.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    host : str
        The element that is to carry them.
    site, start, years, height_m
        As in `guest_fits`.

    Returns
    -------
    GuestHost

    Raises
    ------
    UnknownNameError
        If the host or site is not in the plan.
    InputError
        If a number cannot be used.
    ModelError
        If the host stands at no site, or has no bus there.
    DateError
        If the period lies outside the kernels.

    Examples
    --------
    >>> guest_host("ilrs", "ce8-lander", site="connecting-ridge", years=0.1).site.id
    'connecting-ridge'
    """
    from moonpost.plan import load_plan

    found = plan if isinstance(plan, Plan) else load_plan(plan)
    _in_range("years", years, 0.01, 20.0)
    _in_range("height_m", height_m, 0.0, 200.0)
    return GuestHost(_Scene.make(found, found.element(host), site, start, years, height_m))


def _in_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"{value}", where=name, advice=f"give {low:g} to {high:g}")


_ASSUMED = (
    "20 % are added to what the guest asks for; loads of the host carry their margins too.",
    "The host is new at the start of the period, and its store is full.",
    "The guest is shed first; it fits if it is never shed and costs the others nothing.",
    "The horizon is level where the plan has no terrain and the site is outside the built-in grids.",
    "Data: means over the period; what a recorder has to bridge is not looked at.",
)


@dataclass(frozen=True)
class _Scene:
    """The host at its site, in its light."""

    plan: Plan
    host: Element
    site: MoonSite
    group: PowerGroup
    profile: HorizonProfile
    sun: Apparent
    light: dict[float, npt.NDArray[np.float64]]
    lit: npt.NDArray[np.bool_]

    @classmethod
    def make(
        cls, plan: Plan, host: Element, site: str | None, start: str | None, years: float, height_m: float | None
    ) -> _Scene:
        from moonpost.power import power_groups
        from moonpost.sky import Almanac, as_utc, times
        from moonpost.terrain import illumination

        place = _place(plan, host, site)
        group = next((g for g in power_groups(plan) if host.id in {e.id for e in g.elements}), None)
        if group is None:
            raise ModelError(
                f"{host.id} has no modes, sources or storage", where=plan.path, advice="choose another host"
            )
        if group.name == "station":
            here = next((g for g in groups_at(plan, place.id)[0] if g.name == "station"), group)
            group = here
        heights = group.masts_m or (2.0,)
        own_m = max(heights) if height_m is None else height_m
        first = as_utc(start or plan.design.start[:10]).reshape(-1)[0]
        t = times(first, first + np.timedelta64(round(years * 365.25 * 86_400e3), "ms"), _STEP_S)
        profiles = {h: site_horizon(plan, place, h) for h in sorted({*heights, own_m})}
        profile = profiles[own_m]
        sun = Almanac.default().sun(profile.site, t)
        light = {h: illumination(profiles[h], sun) for h in heights}
        return cls(plan, host, place, group, profile, sun, light, group_lit(group, light, t.size))


def _place(plan: Plan, host: Element, site: str | None) -> MoonSite:
    """Where the host stands."""
    name = site or plan.mission(host.mission).site
    if name is None and host.bus == "station" and isinstance(plan.station, SurfaceStation):
        name = plan.station.site
    if name is None:
        raise ModelError(
            f"{host.id} stands at no site of the plan", where=plan.path, advice="name one with --site"
        )
    return plan.site(name)


def _check(what: str, asked: float, available: float | None, unit: str, why: str) -> GuestCheck:
    if available is None:
        return GuestCheck(what, asked, None, unit, None, None, why)
    spare = (available - asked) / asked if asked > 0.0 else math.inf
    fits = available >= asked * (1.0 - 1e-9)
    return GuestCheck(what, asked, available, unit, fits, min(spare, 1e3), why)


def _mass(scene: _Scene, guest: Guest) -> GuestCheck:
    """Against the open call of the host's mission, or its mass budget."""
    asked = guest.mass_kg * (1.0 + _MARGIN)
    mission = scene.host.mission
    call = next((c for c in scene.plan.calls if c.mission == mission and c.payload_total_kg), None)
    if call is not None and call.payload_total_kg is not None:
        taken = sum(
            row.mass_kg or 0.0
            for row in scene.plan.instruments
            if scene.plan.element(row.element).mission == mission and row.owner != scene.host.owner
        )
        left = call.payload_total_kg - taken
        each = call.payload_each_kg or left
        why = f"{call.name}: {call.payload_total_kg:g} kg in all, {taken:g} taken, {each:g} each at most"
        return _check("mass", asked, max(min(left, each), 0.0), "kg", why)
    budget = next((row for row in mass_budget(scene.plan).missions if row.mission == mission), None)
    known = [m for m in (budget.launch_margin_kg, budget.delivered_margin_kg) if m is not None] if budget else []
    if not known or (budget is not None and budget.unknown):
        return _check("mass", asked, None, "kg", f"no open call, and the mass budget of {mission} is not complete")
    return _check("mass", asked, max(min(known), 0.0), "kg", f"what the mass budget of {mission} leaves")


def _bus(scene: _Scene) -> Callable[[float, float], bool]:
    """Whether a guest of so much power by day and night is served, and nobody loses by it."""
    rules = scene.plan.design
    years = np.arange(scene.sun.time.size) * (_STEP_S / (365.25 * 86_400.0))
    supply = np.zeros(scene.sun.time.size)
    loads = []
    for element in scene.group.elements:
        supply += element_supply_w(element, scene.sun, scene.light, years, rules)
        asked = element_load_w(element, scene.lit, with_margin=True) * (1.0 + rules.system_margin)
        loads.append(BusLoad(element.id, asked, min(element.priority, 8)))
    store = pool((e.storage, e.count) for e in scene.group.elements if e.storage)

    def run(day_w: float, night_w: float) -> tuple[float, float]:
        own = BusLoad("the guest", np.where(scene.lit, day_w, night_w), 9)
        found = run_bus(supply, [*loads, own], _STEP_S, store, bus_efficiency=rules.bus_efficiency)
        mine = float(found.load_shed_w["the guest"].sum())
        return mine, float(found.shed_w.sum()) - mine

    before = run(0.0, 0.0)[1]

    def fits(day_w: float, night_w: float) -> bool:
        mine, others = run(day_w, night_w)
        if before > 0.0 and day_w == night_w == 0.0:
            return False
        return mine <= 1e-6 and others <= before + 1e-6

    return fits


def _largest(fits: Callable[[float], bool]) -> float:
    """Largest power that fits, to a tenth of a watt below."""
    low, high = 0.0, 1.0
    if not fits(low):
        return 0.0
    while high < _MOST_W and fits(high):
        low, high = high, 2.0 * high
    while high - low > 0.1:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _data(
    scene: _Scene,
    guest: Guest,
    downlink_bit_s: float | None,
    contact_share: float | None,
    contact: Callable[[], float],
) -> GuestCheck:
    """What the link brings down less what the host makes."""
    asked = guest.bit_day * (1.0 + _MARGIN)
    dishes = {row.id for row in scene.plan.ground_stations}
    own = {element.id for element in scene.group.elements}
    links = [link for link in scene.plan.links if link.sender in own]
    direct = [link for link in links if link.receiver in dishes]
    if downlink_bit_s is None and contact_share is None:
        links = direct
    best = max(links, key=lambda link: link.rate_bit_s, default=None)
    if asked == 0.0:
        return _check("data", 0.0, 0.0, "bit/d", "it sends nothing")
    if downlink_bit_s is None and best is None:
        why = f"{scene.host.id} has no link to a ground station in the plan: give --downlink-bit-s"
        return _check("data", asked, None, "bit/d", why)
    rate = best.rate_bit_s if downlink_bit_s is None and best is not None else float(downlink_bit_s or 0.0)
    share = contact() if contact_share is None else contact_share
    made = data_made_bit_day(scene.plan, float(scene.lit.mean()), scene.group.name)
    left = max(rate * share * 86_400.0 - made, 0.0)
    name = best.id if downlink_bit_s is None and best is not None else "as given"
    why = f"{rate:g} bit/s (link {name}) in contact {100 * share:.0f} % of the time, less {made:.3g} of its own"
    return _check("data", asked, left, "bit/d", why)


def _contact(scene: _Scene) -> float:
    """Part of the time with any of the plan's ground stations, over the first lunar month."""
    from moonpost.comms import station_contacts, union
    from moonpost.sky import Almanac, times

    first = scene.sun.time[0]
    t = times(first, first + np.timedelta64(round(_CONTACT_DAYS * 86_400e3), "ms"), 900.0)
    dishes = scene.plan.ground_stations
    if not dishes:
        return 0.0
    almanac, place = Almanac.default(), scene.profile.site
    return union([station_contacts(almanac, place, dish, t, profile=scene.profile) for dish in dishes]).share


def _views(scene: _Scene, guest: Guest) -> list[GuestCheck]:
    """What it has to see, over the site's terrain at its height."""
    from moonpost.sky import Almanac
    from moonpost.terrain import earth_visibility, illumination

    wanted = view_asked(guest.view)
    if wanted is None:
        return []
    kind, asked = wanted
    profile = scene.profile
    why = f"over the terrain, {profile.mast_m:g} m above ground ({profile.grade})"
    if kind == "sky":
        top = float(profile.elevation_deg.max())
        spare = (asked - top) / max(asked, 1.0)
        return [GuestCheck("view of the sky", asked, top, "deg", top <= asked, spare, f"highest horizon {why}")]
    if kind == "sun":
        share = float((illumination(profile, scene.sun) > 0.0).mean())
    else:
        earth = Almanac.default().earth(profile.site, scene.sun.time)
        share = float((earth_visibility(profile, earth) > 0.5).mean())
    return [_check(f"view of the {kind.capitalize()}", asked, share, "of the time", why)]


def _temperatures(scene: _Scene, guest: Guest) -> list[GuestCheck]:
    """The guest's limits beside those of the host's box, or of the ground outside."""
    if guest.least_k is None and guest.most_k is None:
        return []
    box = scene.host.thermal
    if guest.inside and box is not None:
        where = f"the warm box of {scene.host.id}"
        pairs = [
            ("cold at work", guest.operate_min_k, box.operate_min_k, 1.0),
            ("warmth at work", guest.operate_max_k, box.operate_max_k, -1.0),
            ("cold asleep", guest.least_k, box.survive_min_k, 1.0),
            ("warmth asleep", guest.most_k, box.survive_max_k, -1.0),
        ]
    elif guest.inside:
        why = f"the plan gives no warm box for {scene.host.id}: put the guest outside, or add elements.thermal"
        return [GuestCheck("temperature", guest.least_k, None, "K", None, None, why)]
    else:
        try:
            coldest, warmest = _ground_k(scene)
        except InputError:
            why = "the ground there gets no sunlight in a year: thermal.shadow has its temperature"
            return [GuestCheck("temperature", guest.least_k, None, "K", None, None, why)]
        where = "outside: as cold as the ground, as warm as a dark plate that faces the Sun over it"
        pairs = [("cold", guest.least_k, coldest, 1.0), ("warmth", guest.most_k, warmest, -1.0)]
    checks = []
    for what, limit, there, sign in pairs:
        if limit is not None:
            spare = sign * (there - limit)
            checks.append(GuestCheck(what, limit, there, "K", spare >= 0.0, spare / 20.0, where))
    return checks


def _ground_k(scene: _Scene) -> tuple[float, float]:
    """Coldest ground of a year, and the warmest of the ground and a dark plate that faces the Sun over it."""
    from moonpost.sky import Almanac, times
    from moonpost.terrain import illumination
    from moonpost.thermal import site_temperature

    ground = site_horizon(scene.plan, scene.site, 2.0)
    first = scene.sun.time[0]
    sun = Almanac.default().sun(ground.site, times(first, first + np.timedelta64(365, "D"), _STEP_S))
    light = illumination(ground, sun)
    found = site_temperature(sun, light)
    idle = Cells(efficiency=1e-9, temperature_coefficient_per_k=0.0)
    plate = cell_temperature_k(idle, irradiance_w_m2(sun.distance_m) * light, found.surface_k)
    return float(np.min(found.surface_k)), float(max(np.max(found.surface_k), np.max(plate)))
