"""Places for machines by search: rings about the hub, priced in kilograms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from moonpost.design.cables import best_cable
from moonpost.design.layout import LayoutFinding, State, Suggestion, carried_w
from moonpost.design.layoutchecks import PEOPLE, clear_of, exposed, landers_of, reactor_rows, thermal_w
from moonpost.design.plume import keep_out_m
from moonpost.design.shadowing import Body, Panel, hidden_by_bodies
from moonpost.design.siteplan import Place, arrivals, assumed_place, bodies_of, panels_of
from moonpost.design.standoff import reactor_distance_m
from moonpost.plan import SolarArray
from moonpost.sky import Apparent
from moonpost.terrain import HorizonProfile

__all__: list[str] = []

_RADII_M = (
    12.0,
    18.0,
    26.0,
    38.0,
    55.0,
    80.0,
    115.0,
    165.0,
    240.0,
    350.0,
    500.0,
    720.0,
    1000.0,
    1400.0,
    2000.0,
    2800.0,
)
_AZIMUTHS = 24
_COARSE_S = 6 * 3600.0
_FINE_KG = 2000.0
_WAY_KG_M = 0.02
_ORDER = (
    "power",
    "command",
    "communications",
    "habitat",
    "laboratory",
    "isru",
    "telescope",
    "rover",
    "hopper",
    "lander",
)
_MOST_MOVES = 8


def place_missing(state: State) -> tuple[Suggestion, ...]:
    """Give machines without a place one, in turn; the state is changed."""
    coarse = _coarse(state)
    rows = [row for row in state.machines.values() if row.id not in state.places]
    rows.sort(key=lambda row: (row.id != state.hub, _is_reactor(state, row.id), _rank(row.kind)))
    found = []
    for row in rows:
        if row.id == state.hub or state.hub not in state.places:
            middle = (0.0, 0.0) if not state.places else _middle(state)
            place = assumed_place(row, *middle, state.ground)
            if state.places and not clear_of(state, row.id, place):
                place = next((p for p in _ring(state, row.id, place, middle) if clear_of(state, row.id, p)), place)
            cost = 0.0
        else:
            place, cost = _best(coarse, row.id, assumed_place(row, 0.0, 0.0))
        state.places[row.id] = place
        coarse.places[row.id] = place
        found.append(Suggestion(row.id, place.east_m, place.north_m, "has no position", cost, math.nan))
    return tuple(found)


def better_places(state: State, findings: Sequence[LayoutFinding]) -> tuple[Suggestion, ...]:
    """A better place for what breaks limits, one machine after another, those before it taken as moved."""
    coarse = _coarse(state)
    wanted: dict[str, str] = {}
    for row in sorted(findings, key=lambda row: row.severity != "error"):
        both = row.kind in {"shadow", "clearance"}
        for name in (row.element, row.other) if both else (row.other or row.element,):
            moves = row.severity != "note" and row.kind not in {"place", "robot", "cable"}
            if moves and name in state.places and name != state.hub:
                wanted.setdefault(name, row.text)
    found = []
    for name, reason in list(wanted.items())[:_MOST_MOVES]:
        present = coarse.places[name]
        before = _base(coarse, name, present, _distances(coarse, name)) + _shade_kg(coarse, name, present)
        place, cost = _best(coarse, name, present)
        if cost < 0.98 * before - 1.0:
            found.append(Suggestion(name, place.east_m, place.north_m, reason, cost, before))
            coarse.places[name] = place
    return tuple(found)


def _coarse(state: State) -> State:
    """The same with fewer instants of the Sun."""
    step = float((state.sun.time[1] - state.sun.time[0]) / np.timedelta64(1, "s"))
    every = max(1, round(_COARSE_S / step))
    sun = state.sun
    if len(sun) // every < 2:
        every = 1
    picked = Apparent(
        sun.time[::every],
        sun.azimuth_deg[::every],
        sun.elevation_deg[::every],
        sun.distance_m[::every],
        sun.angular_radius_deg[::every],
    )
    return replace(state, sun=picked, places=dict(state.places))


def _best(state: State, name: str, like: Place) -> tuple[Place, float]:
    """The place that costs least, exact among those tried: shadows only add to what the rest costs."""
    hub = state.places.get(state.hub)
    middle = (hub.east_m, hub.north_m) if hub else _middle(state)
    tried = [place for place in _ring(state, name, like, middle) if clear_of(state, name, place)]
    if name in state.places:
        tried.append(state.places[name])
    if not tried:
        return like, math.inf
    away = _distances(state, name)
    priced = sorted((_base(state, name, place, away), k) for k, place in enumerate(tried))
    best, least = tried[priced[0][1]], math.inf
    for base, k in priced:
        if base >= least:
            break
        cost = base + _shade_kg(state, name, tried[k])
        if cost < least:
            best, least = tried[k], cost
    return best, least


def _ring(state: State, name: str, like: Place, middle: tuple[float, float]) -> Iterator[Place]:
    """Places on rings about a point."""
    for k, radius in enumerate(_RADII_M):
        for j in range(_AZIMUTHS):
            angle = 2.0 * math.pi * (j + 0.5 * (k % 2)) / _AZIMUTHS
            east = round(middle[0] + radius * math.sin(angle), 1)
            north = round(middle[1] + radius * math.cos(angle), 1)
            up = state.ground(east, north) if state.ground else 0.0
            yield replace(like, element=name, east_m=east, north_m=north, given=False, ground_m=up)


def _base(state: State, name: str, place: Place, away: dict[str, float]) -> float:
    """What a place costs without shadows: cable, its losses, ways, and fines for limits [kg]."""
    element = state.machines[name]
    hub = state.places[state.hub]
    distance = place.distance_m(hub)
    cost = _WAY_KG_M * distance
    if place.kind == "lander":
        zone = [place.distance_m(row) for key, row in state.places.items() if row.kind == "lander" and key != name]
        cost += _WAY_KG_M * min(zone, default=0.0)
    power = carried_w(element, state.machines)
    if element.bus == "station" and power > 0.0 and name != state.hub:
        cost += best_cable(
            power, max(1.1 * distance, 1.0), power_kg_w=state.price_kg_w, bus_v=state.rules.bus_v
        ).whole_kg
    for other, least in away.items():
        gap = place.distance_m(state.places[other])
        if gap < least:
            cost += _FINE_KG * (1.2 - gap / least)
    if not clear_of(state, name, place):
        cost += _FINE_KG
    return cost


def _distances(state: State, name: str) -> dict[str, float]:
    """Least distances to others that landings and reactors ask for [m].

    A lander keeps the distance of a warning; other machines that of an error, so that one landing place moves and
    not the station about it.
    """
    found: dict[str, float] = {}
    when = arrivals(state.plan, list(state.machines.values()))
    there = replace(state, places={**state.places, name: _like(state, name)})
    for lander, mass in landers_of(there):
        if mass <= 0.0:
            continue
        limit = state.rules.pitted_warning if lander == name else state.rules.pitted_error
        least = keep_out_m(mass, pitted=min(max(limit, 1e-6), 1.0 - 1e-6), pad=state.rules.pad)
        for other in state.places:
            struck = name if other == lander else other
            if other != name and name in (lander, struck) and exposed(there, struck, lander, when):
                found[other] = max(found.get(other, 0.0), least)
    for plant, reactor in reactor_rows(there):
        people = reactor_distance_m(thermal_w(reactor), state.rules.people_sv_year, shield=state.rules.shield)
        for other in state.places:
            if other != name and plant in (name, other):
                met = PEOPLE & {state.machines[other].kind, state.machines[name].kind}
                least = max(reactor.standoff_m, people if met else 0.1 * people)
                found[other] = max(found.get(other, 0.0), least)
    return found


def _like(state: State, name: str) -> Place:
    return state.places.get(name) or assumed_place(state.machines[name], 0.0, 0.0)


def _shade_kg(state: State, name: str, place: Place) -> float:
    """Mean power lost to shadows on its arrays and by it on those of others, as mass [kg]."""
    others = state.bodies(without=name)
    lost = sum(_lost_w(state, name, *pair, others) for pair in _arrays(state, name, place))
    own = bodies_of(state.machines[name], place)
    for other, seat in state.places.items():
        if other != name:
            lost += sum(_lost_w(state, other, *pair, own) for pair in _arrays(state, other, seat))
    return state.price_kg_w * lost


def _arrays(state: State, name: str, place: Place) -> list[tuple[SolarArray, Panel, HorizonProfile]]:
    """Arrays at a place with their horizons."""
    return [
        (array, panel, state.profile_at(place, array.mast_m))
        for array, panel in panels_of(state.machines[name], place)
    ]


def _lost_w(
    state: State, name: str, array: SolarArray, panel: Panel, profile: HorizonProfile, bodies: list[Body]
) -> float:
    """Mean power that bodies take from an array, as if it faced the Sun [W]."""
    rows = 3 if panel.height_m > 0.0 else 1
    hidden = hidden_by_bodies(panel, bodies, state.sun, profile, columns=1, rows=rows)
    return state.machines[name].count * array.rated_w * float(hidden.mean())


def _middle(state: State) -> tuple[float, float]:
    rows = list(state.places.values())
    return float(np.mean([row.east_m for row in rows])), float(np.mean([row.north_m for row in rows]))


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _is_reactor(state: State, name: str) -> bool:
    return any(source.kind == "reactor" for source in state.machines[name].generators)
