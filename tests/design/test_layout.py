"""A station's layout: each check with its number, places by search, cables, landings and doses by closed forms."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.design.arrayshading import shadow_scale
from moonpost.design.cables import CONDUCTORS, best_cable, cable, kelvin_section_m2
from moonpost.design.layout import LayoutRules, check_layout
from moonpost.design.plume import ballistic_range_m, ejecta_at, ejecta_speed_m_s, keep_out_m
from moonpost.design.shadowing import Body, Panel, hidden_by_bodies
from moonpost.design.siteplan import given_places, ground_machines, place_on_moon, seen_from_site
from moonpost.design.standoff import reactor_distance_m, reactor_dose
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.operations import simulate
from moonpost.plan import Plan, load_plan
from moonpost.power import array_power_w, dose_sv_year
from moonpost.sky import MOON_RADIUS_M, Almanac, Apparent, Site, times
from moonpost.terrain import HorizonProfile, illumination

SITE = Site(-89.4395, 222.8066)
SOURCED = {"source": "test", "confidence": "C"}
ARRAY = {"kind": "solar", "rated_w": 10_000.0, "mount": "vertical-tracking", "mast_m": 10.0}


def at(east_m, north_m, width_m=3.0, top_m=3.0):
    return {"east_m": east_m, "north_m": north_m, "width_m": width_m, "top_m": top_m}


def machine(name, kind="laboratory", mission="first", **more):
    row = {"id": name, "name": name, "owner": "a", "kind": kind, "mission": mission, "maturity": "new"} | SOURCED
    modes = [{"name": "on", "when": "always", "power_w": 100.0}]
    return row | {"bus": "station", "mass_kg": 1000.0, "modes": modes} | more


def plan_of(*machines):
    mission = {"kind": "cargo", "status": "planned", "owner": "a", "site": "ridge"} | SOURCED
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": {"start": "2035", "dust_loss": 0.0, "array_loss_per_year": 0.0} | SOURCED,
            "partners": [{"id": "a", "name": "A", "kind": "agency", "role": "founder"} | SOURCED],
            "sites": [
                {
                    "id": "ridge",
                    "name": "R",
                    "latitude_deg": SITE.latitude_deg,
                    "longitude_deg": SITE.longitude_deg,
                }
                | SOURCED
            ],
            "missions": [
                {"id": "first", "name": "First", "launch": "2030"} | mission,
                {"id": "second", "name": "Second", "launch": "2032"} | mission,
            ],
            "elements": list(machines),
        }
    )


BATTERY = machine("battery", "power", storage={"capacity_wh": 1e5}, position=at(0, 0, 2, 2))


@pytest.fixture(scope="module")
def sun():
    return Almanac.default().sun(SITE, times("2035-01-01", "2035-03-01", 3600))


def flat(_place, mast_m):
    return HorizonProfile.flat(SITE, mast_m=mast_m, elevation_deg=-4.0)


def checked(sun, *machines, **options):
    return check_layout(plan_of(BATTERY, *machines), sun, flat, **options)


def kinds(found, severity=None):
    return {row.kind for row in found.findings if severity in (None, row.severity)}


# ------------------------------------------------------------------------------------------- shadows


def test_a_tower_beside_an_array_costs_energy_and_moving_it_is_suggested(sun) -> None:
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14))
    tower = machine("tower", position=at(0, 40, 6, 15))
    found = checked(sun, array, tower)
    (row,) = found.shading
    # A body 6 m wide 20 m away covers 2 asin(3 / 20) of the Sun's round.
    assert row.lost_fraction == pytest.approx(2 * math.degrees(math.asin(0.15)) / 360, rel=0.15)
    assert row.by["tower"] == pytest.approx(row.lost_wh, rel=0.01)
    assert row.lost_wh <= row.lost_strings_wh <= row.energy_wh
    (told,) = [f for f in found.findings if f.kind == "shadow"]
    assert (told.element, told.other, told.severity) == ("array", "tower", "warning")
    assert told.value == pytest.approx(row.lost_fraction)
    better = {s.element: s for s in found.suggestions}
    assert better["tower"].cost_kg < better["tower"].present_kg
    moved = {"tower": at(better["tower"].east_m, better["tower"].north_m, 6, 15)}
    if "array" in better:
        moved["array"] = at(better["array"].east_m, better["array"].north_m, 3, 14)
    again = checked(
        sun,
        machine("array", "power", generators=[ARRAY], position=moved.get("array", at(0, 60, 3, 14))),
        machine("tower", position=moved["tower"]),
        suggest=False,
    )
    assert again.shading[0].lost_fraction < 0.5 * row.lost_fraction


def test_losses_by_parts_are_no_less_than_together_and_far_things_take_nothing(sun) -> None:
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14))
    near = machine("near", position=at(5, 30, 4, 12))
    behind = machine("behind", position=at(5, 20, 4, 12))
    both = checked(sun, array, near, behind, suggest=False).shading[0]
    assert both.lost_wh <= sum(both.by.values()) + 1e-6
    assert both.lost_wh >= max(both.by.values()) - 1e-6
    far = checked(sun, array, machine("far", position=at(0, 50_000, 4, 12)), suggest=False).shading[0]
    assert far.by.get("far", 0.0) < 1e-5 * far.energy_wh


def test_ground_that_rises_under_a_neighbour_shades_more(sun) -> None:
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14))
    low = machine("low", position=at(0, 20, 5, 4))
    level = checked(sun, array, low, suggest=False)
    hill = checked(sun, array, low, suggest=False, ground=lambda east, north: 8.0 if north < 40 else 0.0)
    assert level.shading[0].lost_wh < 0.2 * hill.shading[0].lost_wh
    assert hill.places["low"].ground_m == 8.0
    assert any("level" in row for row in level.statements)
    assert not any("level" in row for row in hill.statements)


def test_a_tall_array_is_taken_strip_by_strip(sun) -> None:
    tower = machine("tower", position=at(0, 40, 6, 9))
    tall = ARRAY | {"height_m": 8.0}
    heights = set()

    def seen(_place, height_m):
        heights.add(height_m)
        return HorizonProfile.flat(SITE, elevation_deg=-4.0)

    arrays = [machine("array", "power", generators=[row], position=at(0, 60, 3, 14)) for row in (ARRAY, tall)]
    told, strips = (
        check_layout(plan_of(BATTERY, row, tower), sun, seen, suggest=False).shading[0] for row in arrays
    )
    assert len(heights) > 2
    # The same panel, from 6 to 14 m: 5 points of it against 4 strips of 2.
    assert strips.energy_wh == pytest.approx(told.energy_wh)
    assert strips.lost_wh == pytest.approx(told.lost_wh, rel=0.2)


def test_the_factor_for_simulations_takes_off_what_the_check_tells(sun) -> None:
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14))
    plan = plan_of(BATTERY, array, machine("tower", position=at(0, 40, 6, 15)))
    told = check_layout(plan, sun, flat, suggest=False).shading[0]
    scale = shadow_scale(plan, sun, flat)
    assert set(scale) == {"array"}
    assert scale["array"].min() >= 0.0
    assert scale["array"].max() <= 1.0
    power = array_power_w(
        plan.element("array").generators[0], sun, illumination(flat(None, 10.0), sun), 0.0, plan.design
    )
    assert float((power * (1.0 - scale["array"])).sum()) == pytest.approx(told.lost_wh, rel=1e-9)


def test_a_simulated_station_gets_less_for_its_shadows(sun) -> None:
    modes = [{"name": "on", "when": "always", "power_w": 100.0}]
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14), modes=modes)
    plan = plan_of(BATTERY, array, machine("tower", position=at(0, 40, 6, 15)))
    light = {10.0: illumination(flat(None, 10.0), sun)}
    plain = simulate(plan, sun, light)
    shaded = simulate(plan, sun, light, supply_scale=shadow_scale(plan, sun, flat))
    given = [float(np.sum([row.supplied_wh for row in run.balances])) for run in (plain, shaded)]
    told = check_layout(plan, sun, flat, suggest=False).shading[0]
    assert given[1] / given[0] == pytest.approx(1.0 - told.lost_fraction, rel=2e-3)


def test_a_horizon_above_the_sun_leaves_nothing_to_lose(sun) -> None:
    array = machine("array", "power", generators=[ARRAY], position=at(0, 60, 3, 14))
    tower = machine("tower", position=at(0, 40, 6, 15))
    found = check_layout(
        plan_of(BATTERY, array, tower),
        sun,
        lambda place, mast_m: HorizonProfile.flat(SITE, elevation_deg=5.0),
        suggest=False,
    )
    assert found.shading[0].energy_wh == 0.0
    assert found.shading[0].lost_fraction == 0.0
    assert "shadow" not in kinds(found)


# ------------------------------------------------------------------------------------------- other checks


def test_room_overlap_and_ways_are_told(sun) -> None:
    rover = {"kind": "rover", "bus": "own", "position": at(0, -30, 2, 2)}
    found = checked(
        sun,
        machine("one", position=at(50, 0, 6, 4)),
        machine("two", position=at(53, 0, 6, 4)),
        machine("three", position=at(62, 0, 6, 4)),
        machine("off", position=at(0, 5000, 4, 4)),
        machine("rover", **rover),
        suggest=False,
    )
    rooms = {(f.element, f.other): f for f in found.findings if f.kind == "clearance"}
    assert rooms["one", "two"].severity == "error"
    assert rooms["one", "two"].value == pytest.approx(-3.0)
    assert rooms["two", "three"].severity == "warning"
    assert rooms["two", "three"].value == pytest.approx(3.0)
    assert found.robot_m["off"] == pytest.approx(1.3 * 5030.0)
    assert [f.element for f in found.findings if f.kind == "robot"] == ["off"]


def test_a_long_cable_is_told_with_its_better_voltage(sun) -> None:
    far = {"position": at(0, 900, 4, 4), "modes": [{"name": "on", "when": "always", "power_w": 5000.0}]}
    small = {"position": at(900, 0, 4, 4), "modes": [{"name": "on", "when": "always", "power_w": 20.0}]}
    near = {"position": at(-30, 0, 4, 4)}
    found = checked(sun, machine("far", **far), machine("small", **small), machine("near", **near), suggest=False)
    told = {row.element: row for row in found.findings if row.kind == "cable"}
    assert told["far"].severity == "warning"
    assert f"{found.cables['far'].voltage_v:g} V" in told["far"].advice
    assert told["far"].value > 0.05
    assert told["small"].severity == "note"
    assert "near" not in told


def test_a_landing_strikes_what_came_before_and_lives(sun) -> None:
    dead = {"modes": [], "bus": "own"}
    found = checked(
        sun,
        machine("lab", position=at(100, 0, 5, 4)),
        machine("late", mission="second", position=at(0, 100, 5, 4)),
        machine("carrier", "lander", position=at(-300, 0, 5, 5), **dead),
        machine("lander", "lander", "second", position=at(300, 0, 5, 5), mass_kg=4000.0, **dead),
        suggest=False,
    )
    struck = {row.element: row for row in found.landings}
    assert set(struck) == {"battery", "lab"}
    # What a mission brings lands together.
    assert struck["lab"].landed_kg == 5000.0
    told = {f.element: f for f in found.findings if f.kind == "plume" and f.other}
    assert told["lab"].severity == "error"
    assert "1 more" in told["lab"].text
    away = struck["lab"].keep_out_m
    assert ejecta_at(away, 5000.0, face_m=3.0).pitted == pytest.approx(0.1, rel=1e-6)


def test_a_reactor_keeps_its_distance_and_a_better_place_obeys(sun) -> None:
    plant = {"kind": "reactor", "electric_w": 10_000.0, "thermal_w": 40_000.0, "standoff_m": 500.0}
    reactor = machine("reactor", "power", generators=[plant], position=at(80, 0, 5, 6))
    home = machine("home", "habitat", position=at(40, 0, 6, 5))
    found = checked(sun, reactor, home)
    told = {(f.element, f.unit): f for f in found.findings if f.kind == "reactor"}
    assert told["home", "m"].value == pytest.approx(40.0)
    assert told["home", "Sv/year"].value == pytest.approx(
        reactor_dose(40_000.0, 40.0).equivalent_sv_year, rel=1e-12
    )
    assert not found.ok
    (place,) = [s for s in found.suggestions if s.element == "reactor"]
    assert math.hypot(place.east_m - 40.0, place.north_m) >= 500.0


def test_places_are_found_for_machines_without_one_and_said(sun) -> None:
    array = machine("array", "power", generators=[ARRAY])
    found = checked(sun, array, machine("lab"), machine("rover", "rover", bus="own"))
    told = {f.element for f in found.findings if f.kind == "place"}
    assert told == {"array", "lab", "rover"}
    assert not any(row.given for name, row in found.places.items() if name != "battery")
    rows = list(found.places.values())
    assert all(one.gap_m(two) >= 5.0 for k, one in enumerate(rows) for two in rows[k + 1 :])
    assert "clearance" not in kinds(found)
    again = checked(sun, array, machine("lab"), machine("rover", "rover", bus="own"))
    assert again.places == found.places


def test_a_layout_is_plain_data_and_the_same_each_time(sun) -> None:
    plan, profile = load_plan("ilrs"), HorizonProfile.flat(SITE)
    one = check_layout(plan, sun, lambda place, mast_m: profile, suggest=False)
    two = check_layout(plan, sun, lambda place, mast_m: profile, suggest=False)
    assert json.dumps(one.to_dict(), allow_nan=False) == json.dumps(two.to_dict())
    assert one.ok
    tall = {row["element"]: row["shadow_at_1_5_deg_m"] for row in one.to_dict()["places"]}
    assert tall["station-communications"] == 381.9
    assert any("for screening" in row for row in one.statements)
    assert all(row.given for row in one.places.values())
    assert {row.id for row in ground_machines(plan)} == set(one.places)
    assert "ce4-lander" not in one.places


PLACES = st.lists(
    st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000), st.floats(0.5, 40), st.floats(0.0, 60)),
    min_size=3,
    max_size=6,
)


@given(PLACES)
@settings(max_examples=15, deadline=None)
def test_any_places_give_numbers_that_make_sense(places) -> None:
    few = Almanac.default().sun(SITE, times("2035-09-01", "2035-09-12", 7200))
    shapes = [
        {"generators": [ARRAY]},
        {"kind": "lander", "mission": "second", "bus": "own"},
        {"kind": "rover", "bus": "own"},
        {"generators": [{"kind": "reactor", "electric_w": 5000.0, "standoff_m": 300.0}]},
    ]
    rows = [
        machine(f"m{k}", **({"kind": "power"} | shapes[k % 4]), position=at(e, n, w, top))
        for k, (e, n, w, top) in enumerate(places)
    ]
    found = checked(few, *rows)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert text
    for row in found.shading:
        assert 0.0 <= row.lost_wh <= row.energy_wh * (1 + 1e-12)
        assert row.lost_wh <= row.lost_strings_wh * (1 + 1e-9) + 1e-9
    order = [("error", "warning", "note").index(row.severity) for row in found.findings]
    assert order == sorted(order)
    assert all(row.cost_kg < row.present_kg for row in found.suggestions)
    assert all(row.text and row.advice for row in found.findings)


def test_an_orbital_station_has_no_ground(sun) -> None:
    with pytest.raises(ModelError, match="no ground"):
        check_layout(load_plan("ilrs-orbit"), sun, flat)


@pytest.mark.parametrize(
    "wrong", [{"loss_warning": math.nan}, {"pad": 1.5}, {"bus_v": 0.0}, {"robot_m_s": -1.0}, {"shield": 2.0}]
)
def test_rules_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(InputError):
        LayoutRules(**wrong)


@given(st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_a_place_beside_the_site_is_as_far_as_it_says(east_m, north_m) -> None:
    latitude, longitude = place_on_moon(SITE, east_m, north_m)
    there = Site(latitude, longitude).position_m - SITE.position_m
    east, north, _ = SITE.basis
    far = math.hypot(east_m, north_m)
    # The plane that touches the sphere and the sphere differ by d^3 / 2 R^2.
    assert float(there @ east) == pytest.approx(east_m, abs=1e-6 + far**3 / MOON_RADIUS_M**2)
    assert float(there @ north) == pytest.approx(north_m, abs=1e-6 + far**3 / MOON_RADIUS_M**2)


def test_a_horizon_beside_the_site_gives_the_light_of_its_own_place() -> None:
    beside = Site(*place_on_moon(SITE, 900.0, -700.0))
    azimuth = np.arange(720) * 0.5
    ridge = 1.2 * np.sin(np.radians(9.0 * azimuth))
    own = replace(HorizonProfile.flat(beside), elevation_deg=ridge)
    t, almanac = times("2035-09-01", "2035-10-01", 1800), Almanac.default()
    there = illumination(own, almanac.sun(beside, t))
    here = illumination(seen_from_site(own, SITE), almanac.sun(SITE, t))
    plain = illumination(own, almanac.sun(SITE, t))
    assert np.abs(there - here).max() < 0.02
    assert np.abs(there - plain).max() > 0.3


@given(st.floats(0.0, 360.0), st.floats(0.2, 2.5))
@settings(max_examples=30, deadline=None)
def test_shadows_turn_with_the_map(turn_deg, elevation_deg) -> None:
    bodies = [("a", 30.0, 40.0, 9.0, 5.0), ("b", -20.0, 60.0, 12.0, 1.0), ("c", 31.0, 80.0, 20.0, 6.0)]
    azimuth = np.arange(0.0, 360.0, 1.0)

    def hidden(turn):
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        placed = [Body(n, x * c + y * s, y * c - x * s, 0.0, top, width) for n, x, y, top, width in bodies]
        one = np.ones(azimuth.size)
        sun = Apparent(
            np.zeros(azimuth.size, "datetime64[ms]"),
            (azimuth + turn) % 360.0,
            elevation_deg * one,
            one,
            0.267 * one,
        )
        return hidden_by_bodies(Panel("p", 0.0, 0.0, 5.0, 3.0, 4.0), placed, sun, flat(None, 5.0))

    assert hidden(turn_deg) == pytest.approx(hidden(0.0), abs=1e-9)


def test_the_bundled_layout_holds_the_places_of_its_file() -> None:
    places = given_places(load_plan("ilrs"))
    assert places["vertical-array"].top_m == 14.0
    assert places["reactor"].distance_m(places["station-battery"]) > 400.0


# ------------------------------------------------------------------------------------------- cables


@given(st.floats(1.0, 500.0), st.floats(0.01, 2.0), st.floats(1.0, 5000.0))
@settings(deadline=None)
def test_kelvins_rule_is_the_least_of_all_sections(current_a, price, length_m) -> None:
    wire = CONDUCTORS["aluminium"]
    rho = wire.at_ohm_m(250.0)
    best = kelvin_section_m2(current_a, rho, wire.density_kg_m3, price)

    def whole(section):
        return wire.density_kg_m3 * section * length_m + price * current_a**2 * rho * length_m / section

    trial = best * np.geomspace(0.05, 20.0, 2001)
    assert whole(best) <= whole(trial).min() * (1 + 1e-12)
    # At the best section conductor and lost power weigh the same.
    assert wire.density_kg_m3 * best * length_m == pytest.approx(0.5 * whole(best), rel=1e-12)


def test_a_cable_loses_by_ohm_and_weighs_by_volume() -> None:
    found = cable(1200.0, 100.0, 120.0, metal="copper", section_m2=10e-6, conductor_k=293.0)
    resistance = 2 * 1.678e-8 * 100.0 / 10e-6
    assert found.loss_w == pytest.approx(10.0**2 * resistance, rel=1e-12)
    assert found.conductor_kg == pytest.approx(2 * 10e-6 * 100.0 * 8960.0)
    assert found.mass_kg == pytest.approx(1.5 * found.conductor_kg)
    assert found.converter_loss_w == 0.0
    high = cable(1200.0, 100.0, 1200.0, metal="copper", section_m2=10e-6, conductor_k=293.0)
    assert high.loss_w == pytest.approx((1200 / 0.97 / 1200) ** 2 * resistance, rel=1e-12)
    assert high.converters_kg > 0.0
    assert high.converter_loss_w == pytest.approx(
        1200 * (1 / 0.97 - 1) + (1200 / 0.97 + high.loss_w) * (1 / 0.97 - 1), rel=1e-12
    )


def test_the_best_cable_is_the_lightest_of_all_and_cold_metal_carries_more() -> None:
    best = best_cable(5000.0, 400.0, power_kg_w=0.3)
    for volts in (120.0, 300.0, 1000.0, 3000.0):
        for metal in CONDUCTORS:
            assert best.whole_kg <= cable(5000.0, 400.0, volts, metal=metal, power_kg_w=0.3).whole_kg
    warm, cold = (cable(500.0, 50.0, 120.0, section_m2=5e-6, conductor_k=k) for k in (300.0, 100.0))
    assert cold.loss_w < 0.2 * warm.loss_w


def test_a_low_bus_may_stay_low() -> None:
    assert best_cable(20.0, 5.0, bus_v=28.0).voltage_v == 28.0
    assert best_cable(20.0, 5.0, voltages_v=(300.0,)).voltage_v == 300.0


def test_bad_cables_are_refused() -> None:
    with pytest.raises(ModelError, match="would lose"):
        cable(5000.0, 5000.0, 28.0, section_m2=1e-6, bus_v=28.0)
    with pytest.raises(UnknownNameError):
        cable(1.0, 1.0, 120.0, metal="silver")
    with pytest.raises(InputError):
        cable(math.nan, 1.0, 120.0)
    with pytest.raises(InputError):
        cable(1.0, 1.0, 120.0, conductor_k=20.0)


# ------------------------------------------------------------------------------------------- landings, reactor


def test_soil_thins_with_the_square_of_the_distance_while_grains_are_fast() -> None:
    near, far = ejecta_at(500.0, 5000.0, face_m=1.0), ejecta_at(1000.0, 5000.0, face_m=1.0)
    # Slow grains fall short, so it thins a little faster than the square.
    assert 4.0 <= near.fluence_kg_m2 / far.fluence_kg_m2 < 5.0
    assert far.slowest_m_s > near.slowest_m_s
    assert far.largest_m < near.largest_m


def test_the_slowest_grain_that_arrives_flies_at_three_degrees() -> None:
    thrown = ejecta_at(1000.0, 5000.0)
    slowest = math.sqrt(1.6242 * 1000.0 / math.sin(math.radians(6.0)))
    # Sizes are in steps of 12 percent, speeds in steps of 8.
    assert slowest < thrown.slowest_m_s < 1.1 * slowest


def test_mass_is_kept_by_a_ring_that_catches_all() -> None:
    # A face as tall as the sheet catches every grain that flies so far: near by, all of them.
    height = 10.0 * math.tan(math.radians(3.0)) * 1.2
    thrown = ejecta_at(10.0, 1000.0, face_m=height)
    caught = thrown.fluence_kg_m2 * 2 * math.pi * 10.0 * height
    assert caught == pytest.approx(1600.0, rel=0.02)


@given(st.floats(100.0, 30_000.0), st.floats(0.001, 0.9), st.floats(0.01, 1.0))
@settings(max_examples=25, deadline=None)
def test_the_keep_out_is_where_the_limit_is_met(mass, pitted, pad) -> None:
    away = keep_out_m(mass, pitted=pitted, pad=pad)
    assert ejecta_at(away, mass, pad=pad).pitted <= pitted
    if away > 1.001:
        assert ejecta_at(0.999 * away, mass, pad=pad).pitted > pitted


def test_short_throws_are_those_of_a_plane() -> None:
    assert ballistic_range_m(10.0, 30.0) == pytest.approx(
        10.0**2 * math.sin(math.radians(60.0)) / 1.6242, rel=2e-4
    )
    assert ballistic_range_m(2400.0, 3.0) == math.inf


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e4), st.floats(1e-6, 1.0), st.floats(0.0, 5000.0))
def test_dose_falls_with_the_square_and_the_distance_gives_it_back(heat, distance, shield, soil) -> None:
    one = reactor_dose(heat, distance, shield=shield, soil_kg_m2=soil)
    two = reactor_dose(heat, 2 * distance, shield=shield, soil_kg_m2=soil)
    assert one.equivalent_sv_year == pytest.approx(4 * two.equivalent_sv_year, rel=1e-12)
    if one.equivalent_sv_year > 1e-200:
        back = reactor_distance_m(heat, one.equivalent_sv_year, shield=shield, soil_kg_m2=soil)
        assert back == pytest.approx(distance, rel=1e-9)


def test_the_dose_is_that_which_power_scales_from_a_reference() -> None:
    ours = reactor_dose(20e3, 470.0).equivalent_sv_year
    scaled = dose_sv_year(470.0, reference_sv_year=0.05, reference_m=1000.0, thermal_ratio=20 / 160)
    # The default shield meets the reference to 4 percent.
    assert ours == pytest.approx(float(scaled), rel=0.05)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ejecta_at(0.0, 1.0),
        lambda: ejecta_at(math.nan, 1.0),
        lambda: ejecta_at(1.0, 1.0, pad=2.0),
        lambda: ejecta_speed_m_s(-1.0),
        lambda: keep_out_m(1.0, pitted=1.0),
        lambda: ballistic_range_m(1.0, 90.0),
        lambda: reactor_dose(1.0, 0.0),
        lambda: reactor_dose(1.0, 1.0, shield=2.0),
        lambda: reactor_distance_m(1.0, 0.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call) -> None:
    with pytest.raises(InputError):
        call()
