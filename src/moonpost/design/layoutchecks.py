"""The findings of a layout: each check with its number, its limit and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from moonpost.design.arrayshading import ArrayShading
from moonpost.design.cables import Cable
from moonpost.design.layout import Landing, LayoutFinding, State, Suggestion, bus_cable
from moonpost.design.plume import ejecta_at, keep_out_m
from moonpost.design.siteplan import Place, arrivals
from moonpost.design.standoff import ReactorDose, reactor_distance_m, reactor_dose
from moonpost.plan import Reactor

__all__: list[str] = []

PEOPLE = {"habitat", "laboratory", "command"}
_ROBOTS = {"rover", "hopper"}
_DETOUR = 1.3
_HEAT = 4.0
_LIFE_YEARS = 10.0
_NEUTRONS_M2 = 1.0e16
_WORTH_KG = 10.0


def landers_of(state: State) -> list[tuple[str, float]]:
    """Elements whose landing blows soil, with the mass that lands [kg]; 0 if it is not known."""
    found = []
    for name, place in state.places.items():
        element = state.machines[name]
        if place.kind == "lander":
            mission = next((row for row in state.plan.missions if row.id == element.mission), None)
            together = sum(
                row.count * (row.best_mass_kg or 0.0)
                for row in state.machines.values()
                if row.mission == element.mission
            )
            told = (mission.landed_mass_kg if mission else None) or together
            found.append((name, float(told or 0.0)))
        elif place.kind == "hopper":
            found.append((name, float(element.best_mass_kg or 0.0)))
    return found


def landings_of(state: State) -> tuple[Landing, ...]:
    """The landing that strikes each machine hardest."""
    when = arrivals(state.plan, list(state.machines.values()))
    worst: dict[str, Landing] = {}
    for lander, mass in landers_of(state):
        if mass <= 0.0:
            continue
        away = keep_out_m(mass, pitted=max(state.rules.pitted_warning, 1e-6), pad=state.rules.pad)
        for name, place in state.places.items():
            if not exposed(state, name, lander, when):
                continue
            distance = max(place.distance_m(state.places[lander]), 1.0)
            thrown = ejecta_at(distance, mass, face_m=max(place.top_m, 0.5), pad=state.rules.pad)
            found = Landing(lander, name, mass, away, thrown)
            if name not in worst or thrown.pitted > worst[name].ejecta.pitted:
                worst[name] = found
    return tuple(worst.values())


def exposed(state: State, name: str, lander: str, when: dict[str, float]) -> bool:
    """Whether a machine stands there, alive, while another lands: it came earlier, or what lands hops about."""
    machine, other = state.machines[name], state.machines[lander]
    alive = bool(machine.modes or machine.generators or machine.storage)
    return name != lander and alive and (other.kind == "hopper" or when[name] < when[lander])


def reactors_of(state: State) -> dict[str, dict[str, ReactorDose]]:
    """Dose from each reactor at each machine."""
    return {
        name: {
            other: reactor_dose(
                thermal_w(reactor), max(place.distance_m(state.places[name]), 1.0), shield=state.rules.shield
            )
            for other, place in state.places.items()
            if other != name
        }
        for name, reactor in reactor_rows(state)
    }


def reactor_rows(state: State) -> list[tuple[str, Reactor]]:
    """Elements with a reactor."""
    return [
        (name, source)
        for name in state.places
        for source in state.machines[name].generators
        if isinstance(source, Reactor)
    ]


def thermal_w(reactor: Reactor) -> float:
    """Heat of its core [W]."""
    return reactor.thermal_w or _HEAT * reactor.electric_w


def robot_ways(state: State) -> dict[str, float]:
    """Way from the nearest robot to each machine [m]; empty without robots."""
    robots = [place for place in state.places.values() if place.kind in _ROBOTS]
    return {
        name: _DETOUR * min(place.distance_m(robot) for robot in robots)
        for name, place in state.places.items()
        if robots and place.kind not in _ROBOTS
    }


def all_findings(
    state: State,
    shading: Sequence[ArrayShading],
    cables: dict[str, Cable],
    landings: Sequence[Landing],
    reactors: dict[str, dict[str, ReactorDose]],
    robots: dict[str, float],
    missing: Sequence[Suggestion],
) -> list[LayoutFinding]:
    """Everything that a check has to say."""
    return [
        *_places(missing),
        *_clearances(state),
        *_shadows(state, shading),
        *_cables(state, cables),
        *_plumes(state, landings),
        *_reactors(state, reactors),
        *_robots(state, robots),
    ]


def _places(missing: Sequence[Suggestion]) -> Iterator[LayoutFinding]:
    for row in missing:
        yield LayoutFinding(
            "warning",
            "place",
            row.element,
            "",
            math.nan,
            math.nan,
            "",
            f"{row.element} has no position; east {row.east_m:.0f} m, north {row.north_m:.0f} m is taken",
            "give it a position table, with its width and top",
        )


def _clearances(state: State) -> Iterator[LayoutFinding]:
    rows = list(state.places.values())
    limit = state.rules.clearance_m
    for i, one in enumerate(rows):
        for two in rows[i + 1 :]:
            gap = one.gap_m(two)
            if gap >= limit:
                continue
            yield LayoutFinding(
                "error" if gap < 0.0 else "warning",
                "clearance",
                one.element,
                two.element,
                gap,
                limit,
                "m",
                f"{one.element} and {two.element} overlap by {-gap:.1f} m"
                if gap < 0.0
                else f"{gap:.1f} m between {one.element} and {two.element}, robots need {limit:g} m",
                f"move one of them by {limit - gap:.1f} m or more",
            )


def _shadows(state: State, shading: Sequence[ArrayShading]) -> Iterator[LayoutFinding]:
    rules = state.rules
    for row in shading:
        lost = row.lost_fraction
        if lost < rules.loss_warning:
            continue
        cause = max(row.by, key=lambda name: row.by[name], default="")
        place, other = state.places[row.element], state.places.get(cause)
        where = ""
        if other is not None:
            azimuth = math.degrees(math.atan2(other.east_m - place.east_m, other.north_m - place.north_m)) % 360.0
            where = f", most to {cause} {other.distance_m(place):.0f} m away in azimuth {azimuth:.0f} deg"
        yield LayoutFinding(
            "error" if lost >= rules.loss_error else "warning",
            "shadow",
            row.element,
            cause,
            lost,
            rules.loss_warning,
            "1",
            f"the array of {row.element} at {row.mast_m:g} m loses {100 * lost:.1f} % of its energy "
            f"({row.lost_wh / 1e3:.0f} kWh) to shadows{where}; "
            f"{100 * row.worst_day_fraction:.0f} % on {row.worst_day}",
            "raise it above its neighbours, or move one of the two: see suggestions",
        )


def _cables(state: State, cables: dict[str, Cable]) -> Iterator[LayoutFinding]:
    for name, found in cables.items():
        plain = bus_cable(state, found)
        if plain is not None and plain.loss_fraction <= state.rules.cable_loss:
            continue
        if plain is None:
            share = "more than it delivers"
            value = math.inf
        else:
            value = plain.loss_fraction
            share = f"{100 * value:.1f} % and weighs {plain.mass_kg:.0f} kg"
        best = f"{found.voltage_v:g} V in {found.metal}: {100 * found.loss_fraction:.1f} %, {found.mass_kg:.0f} kg"
        worth = plain is None or plain.whole_kg - found.whole_kg > _WORTH_KG
        yield LayoutFinding(
            "warning" if worth else "note",
            "cable",
            name,
            state.hub,
            value,
            state.rules.cable_loss,
            "1",
            f"{found.length_m:.0f} m of cable for {found.power_w:.0f} W at {state.rules.bus_v:g} V loses {share}",
            f"use {best} with converters"
            if found.voltage_v > state.rules.bus_v
            else f"a heavier cable or a nearer place; the lightest whole is {best}",
        )


def _plumes(state: State, landings: Sequence[Landing]) -> Iterator[LayoutFinding]:
    rules = state.rules
    for lander in dict.fromkeys(row.lander for row in landings):
        struck = [row for row in landings if row.lander == lander and row.ejecta.pitted >= rules.pitted_warning]
        if not struck:
            continue
        row = max(struck, key=lambda one: one.ejecta.pitted)
        thrown = row.ejecta
        others = f" and {len(struck) - 1} more" if len(struck) > 1 else ""
        yield LayoutFinding(
            "error" if thrown.pitted >= rules.pitted_error else "warning",
            "plume",
            row.element,
            lander,
            thrown.pitted,
            rules.pitted_warning,
            "1",
            f"the landing of {lander} ({row.landed_kg:.0f} kg) strikes {100 * thrown.pitted:.0f} % of "
            f"{row.element} {thrown.distance_m:.0f} m away{others}, grains to {1e3 * thrown.largest_m:.2f} mm at "
            f"{thrown.slowest_m_s:.0f} to {thrown.fastest_m_s:.0f} m/s",
            f"land {row.keep_out_m:.0f} m away or behind a ridge, or prepare a pad with a berm",
        )
    for name, mass in landers_of(state):
        if mass <= 0.0:
            yield LayoutFinding(
                "warning",
                "plume",
                name,
                "",
                math.nan,
                math.nan,
                "",
                f"the mass of {name} is not known, so what its landing throws is not told",
                "give mass_kg or the mission's landed_mass_kg",
            )
    there = {state.machines[name].mission for name, place in state.places.items() if place.kind == "lander"}
    for mission in sorted({row.mission for row in state.machines.values()} - there):
        yield LayoutFinding(
            "note",
            "plume",
            mission,
            "",
            math.nan,
            math.nan,
            "",
            f"no lander of mission {mission} is in the plan, so its landing is in no check",
            "add its lander with a position",
        )


def _reactors(state: State, reactors: dict[str, dict[str, ReactorDose]]) -> Iterator[LayoutFinding]:
    for name, reactor in reactor_rows(state):
        for other, dose in reactors[name].items():
            yield from _near_reactor(state, name, reactor, other, dose)


def _near_reactor(
    state: State, name: str, reactor: Reactor, other: str, dose: ReactorDose
) -> Iterator[LayoutFinding]:
    rules = state.rules
    kind = state.places[other].kind
    life = state.machines[other].life_years or _LIFE_YEARS
    years = min(life, reactor.life_years)
    if dose.distance_m < reactor.standoff_m:
        yield LayoutFinding(
            "error",
            "reactor",
            other,
            name,
            dose.distance_m,
            reactor.standoff_m,
            "m",
            f"{other} stands {dose.distance_m:.0f} m from {name}, which asks for {reactor.standoff_m:.0f} m",
            f"move {name} or {other} by {reactor.standoff_m - dose.distance_m:.0f} m",
        )
    if kind in PEOPLE and dose.equivalent_sv_year > rules.people_sv_year:
        away = reactor_distance_m(thermal_w(reactor), rules.people_sv_year, shield=rules.shield)
        yield LayoutFinding(
            "error" if kind == "habitat" else "warning",
            "reactor",
            other,
            name,
            dose.equivalent_sv_year,
            rules.people_sv_year,
            "Sv/year",
            f"people at {other} would get {1e3 * dose.equivalent_sv_year:.0f} mSv a year from {name}",
            f"keep {away:.0f} m, or put soil between: 1 m of it cuts neutrons 600 times",
        )
    total = dose.absorbed_gy_year * years
    neutrons = dose.neutrons_m2_year * years
    if total > rules.electronics_gy or neutrons > _NEUTRONS_M2:
        yield LayoutFinding(
            "error",
            "reactor",
            other,
            name,
            total,
            rules.electronics_gy,
            "Gy",
            f"{other} gets {total:.0f} Gy and {neutrons:.1e} neutrons/m2 from {name} in {years:g} years",
            "move it away or shield it with soil",
        )


def _robots(state: State, robots: dict[str, float]) -> Iterator[LayoutFinding]:
    rules = state.rules
    if not robots:
        yield LayoutFinding(
            "note",
            "robot",
            "",
            "",
            math.nan,
            rules.robot_reach_m,
            "m",
            "no rover stands at the station, so nobody reaches its machines",
            "add a rover with a position",
        )
    for name, way in robots.items():
        if way > rules.robot_reach_m:
            yield LayoutFinding(
                "warning",
                "robot",
                name,
                "",
                way,
                rules.robot_reach_m,
                "m",
                f"the nearest robot drives {way:.0f} m to {name}: {way / rules.robot_m_s / 3600:.1f} h at "
                f"{rules.robot_m_s:g} m/s",
                "park a robot nearer, or clear a way",
            )


def clear_of(state: State, name: str, place: Place) -> bool:
    """Whether a place leaves robots room to all others."""
    return all(place.gap_m(other) >= state.rules.clearance_m for key, other in state.places.items() if key != name)
