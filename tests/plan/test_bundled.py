"""The bundled plans hold the published facts of the ILRS, each with its source and confidence.

The values are typed here from the publications that the rows name, not read from the plans.
"""

from __future__ import annotations

import csv
import itertools
import math
from datetime import datetime
from pathlib import Path

import pytest

from moonpost.plan import Plan, check, load_plan, number_at, when_bounds, with_number

PLANS = ("ilrs", "ilrs-orbit")
TABLES = (
    "phases", "partners", "agreements", "calls", "sites", "launchers", "delta_v", "transfers", "missions",
    "elements", "ground_stations", "links", "objectives", "instruments", "activities", "samples", "assumptions",
)  # fmt: skip
SCIENCE_AREAS = {
    "lunar geology", "Moon-based astronomy", "Sun-Earth-Moon environment", "basic experiments", "resource use",
}  # fmt: skip

# mission: (status, launch, landing or arrival, kg after injection, confidence)
MISSIONS = {
    "queqiao": ("flown", "2018-05-20", "2018-06-14T03:06Z", 448.7, "A"),
    "ce4": ("flown", "2018-12-07T18:23:34Z", "2019-01-03T02:26Z", 3780.0, "B"),
    "ce5": ("flown", "2020-11-23T20:30:12Z", "2020-12-01T15:11Z", 8200.0, "A"),
    "ce6": ("flown", "2024-05-03T09:27:29Z", "2024-06-01T22:23:16Z", 8350.0, "B"),
    "queqiao-2": ("flown", "2024-03-20T00:31:28Z", "2024-03-24T17:05Z", 1200.0, "B"),
    "ce7": ("planned", "2026-08", None, 8200.0, "B"),
    "ce8": ("planned", "2028/2029", None, 8200.0, "C"),
    "luna-25": ("lost", "2023-08-10T23:10Z", None, None, "B"),
    "luna-26": ("planned", "2028", None, None, "B"),
    "luna-27a": ("planned", "2029/2030", None, None, "B"),
    "luna-27b": ("planned", "2029/2030", None, None, "B"),
    "luna-28": ("planned", "2033/2034", None, None, "B"),
    "luna-30": ("planned", "2035/2036", None, None, "B"),
    "power-plant": ("planned", "2035/2036", None, None, "B"),
    "ilrs-1": ("planned", "2031", None, 24300.0, "C"),
    "ilrs-2": ("planned", "2032", None, 24300.0, "C"),
    "ilrs-3": ("planned", "2033", None, 24300.0, "C"),
    "ilrs-4": ("planned", "2034", None, 24300.0, "C"),
    "ilrs-5": ("planned", "2035", None, 24300.0, "C"),
}

# element: (mass in kg where one is published, confidence)
ELEMENTS = {
    "queqiao": (448.7, "A"),
    "ce4-lander": (1200.0, "B"),
    "yutu-2": (140.0, "B"),
    "ce5": (None, "A"),
    "ce6": (None, "B"),
    "queqiao-2": (1200.0, "B"),
    "ce7-orbiter": (None, "B"),
    "ce7-lander": (None, "B"),
    "ce7-rover": (None, "B"),
    "ce7-hopper": (None, "B"),
    "ce8-lander": (None, "C"),
    "luna-25": (800.0, "B"),
    "luna-26": (None, "B"),
    "luna-27a": (None, "B"),
    "luna-27b": (None, "B"),
    "luna-28": (None, "B"),
    "luna-30": (None, "B"),
    "reactor": (None, "B"),
    "vertical-array": (None, "B"),
    "ilrs-1": (None, "C"),
    "ilrs-2": (None, "C"),
    "ilrs-3": (None, "C"),
    "ilrs-4": (None, "C"),
    "ilrs-5": (None, "C"),
}

PARTNER_COUNTRIES = {"CN", "RU", "VE", "BY", "PK", "AZ", "ZA", "EG", "NI", "TH", "RS", "KZ", "SN", "TR"}


@pytest.fixture(scope="module")
def ilrs() -> Plan:
    return load_plan("ilrs")


@pytest.mark.parametrize("name", PLANS)
def test_no_error_and_only_announced_warnings(name: str) -> None:
    findings = check(load_plan(name))
    assert [str(f) for f in findings if f.severity == "error"] == []
    assert {f.code for f in findings} <= {"launcher-figure", "objective-open"}


@pytest.mark.parametrize("name", PLANS)
def test_every_row_names_a_publication_and_a_confidence(name: str) -> None:
    plan = load_plan(name)
    rows = [row for table in TABLES for row in getattr(plan, table)] + [plan.station, plan.design]
    assert len(rows) > 60
    for row in rows:
        assert row.confidence in {"A", "B", "C"}, row
        assert len(row.source) > 10, row
        assert ".md" not in row.source, row


@pytest.mark.parametrize("name", PLANS)
def test_what_is_taken_from_nobody_has_confidence_c(name: str) -> None:
    plan = load_plan(name)
    for table in TABLES:
        for row in getattr(plan, table):
            guessed = row.source.startswith(("Assumption of this plan", "Estimate of this plan"))
            if guessed or "every number" in row.note.partition("Estimates (C):")[2]:
                assert row.confidence == "C", f"{table}[{row.id}]"


@pytest.mark.parametrize("identifier", MISSIONS)
def test_missions(ilrs: Plan, identifier: str) -> None:
    status, launch, landing, mass_kg, confidence = MISSIONS[identifier]
    mission = ilrs.mission(identifier)
    assert mission.status == status
    assert when_bounds(mission.launch) == when_bounds(launch)
    assert (mission.landing and when_bounds(mission.landing)) == (landing and when_bounds(landing))
    assert mission.launch_mass_kg == mass_kg
    assert mission.confidence == confidence
    assert mission.source


def test_no_mission_beyond_the_record(ilrs: Plan) -> None:
    assert {row.id for row in ilrs.missions} == set(MISSIONS)


@pytest.mark.parametrize("identifier", ELEMENTS)
def test_elements(ilrs: Plan, identifier: str) -> None:
    mass_kg, confidence = ELEMENTS[identifier]
    element = ilrs.element(identifier)
    assert element.mass_kg == mass_kg
    assert element.confidence == confidence


@pytest.mark.parametrize("number", range(1, 6))
def test_unpublished_masses_are_a_range(ilrs: Plan, number: int) -> None:
    element = ilrs.element(f"ilrs-{number}")
    assert element.mass_low_kg is not None
    assert element.mass_high_kg is not None
    assert element.mass_low_kg < element.mass_high_kg
    assumption = ilrs.row("assumptions", "ilrs-masses")
    assert (assumption.low, assumption.high) == (8200.0, 27000.0)


def test_masses_and_payloads_of_landers(ilrs: Plan) -> None:
    assert ilrs.mission("ce4").landed_mass_kg == 1200.0
    assert ilrs.mission("ce7").payload_mass_kg == 415.0
    assert ilrs.mission("ce8").payload_mass_kg == 200.0
    assert ilrs.mission("luna-25").payload_mass_kg == 30.0


def test_luna_25_is_lost_and_nothing_waits_for_it(ilrs: Plan) -> None:
    assert ilrs.mission("luna-25").status == "lost"
    assert ilrs.mission("luna-25").landing is None
    assert "2023-08-19" in ilrs.mission("luna-25").note
    assert [m.id for m in ilrs.missions if "luna-25" in m.requires] == []


def test_launchers(ilrs: Plan) -> None:
    rows = {row.id: row for row in ilrs.launchers}
    assert rows["cz-5"].tli_mass_kg == 8200.0
    assert rows["cz-5"].capacity_kg == 8350.0
    assert rows["cz-10"].capacity_kg == 27000.0
    assert rows["cz-9"].capacity_kg == 50000.0
    assert rows["angara-a5"].capacity_kg is None
    assert rows["soyuz-2-1b"].capacity_kg is None


def test_power_sources(ilrs: Plan) -> None:
    (array,) = ilrs.element("vertical-array").generators
    assert (array.kind, array.rated_w, array.mast_m) == ("solar", 10000.0, 10.0)
    (reactor,) = ilrs.element("reactor").generators
    assert reactor.kind == "reactor"
    assert 5000.0 <= reactor.electric_w <= 10000.0
    assert reactor.life_years == 10.0
    assumption = ilrs.row("assumptions", "reactor-power")
    assert (assumption.low, assumption.high) == (5000.0, 10000.0)
    generator = next(g for g in ilrs.element("ce4-lander").generators if g.kind == "radioisotope")
    assert (generator.electric_w, generator.thermal_w) == (2.5, 120.0)
    heater = next(g for g in ilrs.element("yutu-2").generators if g.kind == "radioisotope")
    assert (heater.electric_w, heater.thermal_w) == (0.0, 120.0)
    assert ilrs.element("queqiao").generators[0].rated_w == 780.0
    assert ilrs.element("queqiao-2").generators[0].rated_w == 1350.0


def test_queqiao_2_carries_both_orbits(ilrs: Plan) -> None:
    planned, later = ilrs.element("queqiao-2").orbits
    assert (planned.perilune_altitude_km, planned.apolune_altitude_km) == (200.0, 16000.0)
    assert (planned.inclination_deg, planned.period_h) == (62.4, 24.0)
    assert (later.perilune_altitude_km, later.apolune_altitude_km) == (255.0, 16940.0)
    assert (later.inclination_deg, later.period_h) == (119.2, 26.18)
    # 1,992 x 18,679 km are radii: less the 1,737.4 km sphere they are the altitudes to 3 km
    assert later.perilune_altitude_km + 1737.4 == pytest.approx(1992, abs=3)
    assert later.apolune_altitude_km + 1737.4 == pytest.approx(18679, abs=3)


def test_links_of_the_relays(ilrs: Plan) -> None:
    rows = {row.id: row for row in ilrs.links}
    assert rows["ce4-queqiao"].rate_bit_s == 555e3
    assert rows["ce4-queqiao"].receive_dish_m == 4.2
    assert rows["queqiao-earth"].rate_bit_s == 10e6
    assert rows["queqiao-2-earth"].rate_bit_s == 100e6
    assert 7e9 < rows["ce4-queqiao"].frequency_hz < 11.2e9
    assert 2e9 < rows["queqiao-earth"].frequency_hz < 4e9
    assert 26e9 <= rows["queqiao-2-earth"].frequency_hz < 40e9


@pytest.mark.parametrize("name", PLANS)
def test_partners(name: str) -> None:
    plan = load_plan(name)
    assert {row.country for row in plan.partners} >= PARTNER_COUNTRIES
    assert {row.id for row in plan.partners if row.role == "founder"} == {"cnsa", "roscosmos"}
    assert "apsco" in {row.id for row in plan.partners if row.kind == "organisation"}


def test_agreement_in_dates(ilrs: Plan) -> None:
    signed = {
        "memorandum": datetime(2021, 3, 9),
        "joint-declaration": datetime(2021, 4, 23),
        "guide-for-partnership": datetime(2021, 6, 16),
        "intergovernmental-agreement": datetime(2022, 11, 25),
    }
    for identifier, date in signed.items():
        agreement = ilrs.row("agreements", identifier)
        assert set(agreement.parties) == {"cnsa", "roscosmos"}
        for party in agreement.parties:
            steps = [s for s in agreement.steps if s.party == party and s.state == "signed"]
            assert when_bounds(steps[0].date)[0] == date


@pytest.mark.parametrize("name", PLANS)
def test_intergovernmental_agreement_lacks_the_chinese_ratification(name: str) -> None:
    agreement = load_plan(name).row("agreements", "intergovernmental-agreement")
    assert set(agreement.requires) == {"signed", "ratified"}
    taken = {(step.party, step.state) for step in agreement.steps}
    missing = set(itertools.product(agreement.parties, agreement.requires)) - taken
    assert missing == {("cnsa", "ratified")}
    assert not any(step.state == "in-force" for step in agreement.steps)


def test_russian_steps_to_the_law(ilrs: Plan) -> None:
    steps = ilrs.row("agreements", "intergovernmental-agreement").steps
    dates = [step.date for step in steps if step.party == "roscosmos"]
    assert dates == ["2022-11-25", "2024-03-15", "2024-05-28", "2024-06-05", "2024-06-12"]


def test_call_for_change_8(ilrs: Plan) -> None:
    call = ilrs.row("calls", "ce8-call")
    assert (call.opened, call.letters_due, call.selection_planned, call.announced) == (
        "2023-10-02", "2023-12-31", "2024-09", "2025-04-24",
    )  # fmt: skip
    assert (call.proposals, call.short_listed, call.chosen) == (41, 14, 10)
    assert (call.payload_total_kg, call.payload_each_kg) == (200.0, 100.0)


def test_approvals_on_record(ilrs: Plan) -> None:
    missing = {
        row.id: sorted(set(row.approvers) - {a.party for a in row.approvals})
        for row in ilrs.missions
        if row.approvers
    }
    assert missing["ce7"] == missing["luna-26"] == []
    assert missing["ce8"] == ["roscosmos"]
    for identifier in ("ilrs-1", "ilrs-2", "ilrs-3", "ilrs-4", "ilrs-5", "power-plant", "luna-28"):
        assert missing[identifier] == ["cnsa", "roscosmos"]


def test_station_elements_need_both_founders(ilrs: Plan) -> None:
    assert len(ilrs.station_elements()) >= 6
    for element in ilrs.station_elements():
        assert set(element.approvers) == {"cnsa", "roscosmos"}


def test_sites(ilrs: Plan) -> None:
    baseline, *candidates = ilrs.station_sites()
    assert (baseline.latitude_deg, baseline.longitude_deg) == (-89.4395, 222.8066)
    points = {site.id: (site.latitude_deg, site.longitude_deg) for site in candidates}
    assert points == {
        "connecting-ridge": (-89.53432, 209.94767),
        "peak-near-shackleton": (-89.01701, 126.27302),
        "ce7-target": (-88.8, 123.4),
        "nobile-rim-2": (-84.20156, 60.69989),
    }
    ce4, ce6 = ilrs.site("ce4-site"), ilrs.site("ce6-site")
    assert (ce4.latitude_deg, ce4.longitude_deg) == (-45.457, 177.589)
    assert (ce6.latitude_deg, ce6.longitude_deg) == (-41.6385, -153.9852)


def test_points_with_published_light(ilrs: Plan) -> None:
    assert "88.12 %" in ilrs.site("glaeser-spot-1").note
    assert "92.55 %" in ilrs.site("glaeser-spot-3").note
    assert "89.01 %" in ilrs.site("mazarico-ridge").note
    assert {ilrs.site(name).confidence for name in ("glaeser-spot-1", "glaeser-spot-3", "mazarico-ridge")} == {"A"}


def test_samples(ilrs: Plan) -> None:
    assert {row.mission: row.mass_g for row in ilrs.samples} == {"ce5": 1731.0, "ce6": 1935.3}
    assert "8.768 g" in ilrs.row("samples", "ce5-sample").note


def test_velocity_chain(ilrs: Plan) -> None:
    rows = {row.id: row for row in ilrs.delta_v}
    chain = {name: rows[name].delta_v_m_s for name in ("tli", "loi", "descent", "ascent", "tei")}
    assert chain == {"tli": 3150.0, "loi": 950.0, "descent": 2030.0, "ascent": 1875.0, "tei": 1234.0}
    high = {name: rows[name].high_m_s for name in chain}
    assert high == {"tli": 3276.0, "loi": 952.0, "descent": 2180.0, "ascent": 1968.0, "tei": 1256.0}
    assert {row.method for row in ilrs.delta_v} == {"literature"}


@pytest.mark.parametrize("name", PLANS)
def test_ranges_hold_their_values(name: str) -> None:
    plan = load_plan(name)
    for row in plan.delta_v:
        assert (row.low_m_s or row.delta_v_m_s) <= row.delta_v_m_s <= (row.high_m_s or row.delta_v_m_s), row.id
    for row in plan.assumptions:
        if row.parameter is not None:
            assert row.low is not None
            assert row.high is not None
            assert row.low <= number_at(plan, row.parameter) <= row.high, row.id
            for value in (row.low, row.high):
                assert number_at(with_number(plan, row.parameter, value), row.parameter) == value


@pytest.mark.parametrize("name", PLANS)
def test_ten_assumptions_or_more(name: str) -> None:
    rows = load_plan(name).assumptions
    assert len(rows) >= 10
    assert sum(row.parameter is not None for row in rows) >= 6


@pytest.mark.parametrize("name", PLANS)
def test_objectives_cover_the_five_areas_and_some_are_open(name: str) -> None:
    plan = load_plan(name)
    assert {row.area for row in plan.objectives} == SCIENCE_AREAS
    served = {objective for row in plan.instruments for objective in row.objectives}
    assert {row.id for row in plan.objectives if row.status == "open"}.isdisjoint(served)
    assert {row.id for row in plan.objectives if row.status == "served"} == served
    assert any(row.status == "open" for row in plan.objectives)


def test_nineteen_years_from_2035(ilrs: Plan) -> None:
    assert ilrs.design.start == "2035-01-01"
    assert ilrs.design.years == 19.0


def test_orbit_meets_the_frozen_condition() -> None:
    plan = load_plan("ilrs-orbit")
    assert plan.station.kind == "orbit"
    orbit = plan.station.orbit
    perilune_km = orbit.perilune_altitude_km + 1737.4
    apolune_km = orbit.apolune_altitude_km + 1737.4
    eccentricity = (apolune_km - perilune_km) / (apolune_km + perilune_km)
    condition = eccentricity**2 + 5 / 3 * math.cos(math.radians(orbit.inclination_deg)) ** 2
    assert condition == pytest.approx(1.0, abs=0.01)  # rounded published altitudes and inclination
    axis_m = 500.0 * (apolune_km + perilune_km)
    period_h = 2 * math.pi * math.sqrt(axis_m**3 / 4.9028e12) / 3600
    assert period_h == pytest.approx(24.0, abs=0.5)  # "24 h" is published to the hour


def test_orbital_station_uses_the_same_launches(ilrs: Plan) -> None:
    orbit = load_plan("ilrs-orbit")
    for number in range(1, 6):
        surface, orbital = ilrs.mission(f"ilrs-{number}"), orbit.mission(f"ilrs-{number}")
        assert (surface.launcher, surface.launch_mass_kg) == (orbital.launcher, orbital.launch_mass_kg)
        assert surface.launch == orbital.launch
    assert {row.id for row in orbit.partners} == {row.id for row in ilrs.partners}


def test_antennas_are_those_of_the_record(ilrs: Plan, moonpost_data: Path) -> None:
    with (moonpost_data / "ground_stations.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] in {"China CDSN", "Russia"}]
    recorded = {(float(r["lat_deg"]), float(r["lon_deg"]), float(r["antenna_m"])) for r in rows}
    assert {(s.latitude_deg, s.longitude_deg, s.antenna_m) for s in ilrs.ground_stations} == recorded
    owners = {row.id for row in ilrs.partners}
    assert all(station.owner in owners for station in ilrs.ground_stations)


def test_sites_are_those_of_the_record(ilrs: Plan, moonpost_data: Path) -> None:
    with (moonpost_data / "missions" / "landing_sites.csv").open(newline="", encoding="utf-8") as file:
        recorded = {row["name"]: (float(row["lat"]), float(row["lon_e"])) for row in csv.DictReader(file)}
    pairs = {
        "ce3-site": "Chang'e 3", "ce4-site-lroc": "Chang'e 4", "ce5-site": "Chang'e 5", "ce6-site": "Chang'e 6",
        "luna16-site": "Luna 16", "luna24-site": "Luna 24", "lunokhod1-site": "Lunokhod 1",
        "lunokhod2-site": "Lunokhod 2", "nobile-rim-2": "Nobile Rim 2 site",
        "peak-near-shackleton": "Peak near Shackleton site", "connecting-ridge": "Connecting Ridge site",
    }  # fmt: skip
    for identifier, name in pairs.items():
        site = ilrs.site(identifier)
        assert site.latitude_deg == recorded[name][0], identifier
        assert site.longitude_deg % 360 == pytest.approx(recorded[name][1] % 360, abs=1e-9), identifier
