"""Sorties into shadow: energy and heat against other ways of computing them, windows, and bad input."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import InputError, ModelError
from moonpost.flight.hop import hop
from moonpost.operations.sortie import Sortie, sortie
from moonpost.operations.sortiemachines import SortieMachine, SortieSky, example_machine
from moonpost.operations.ways import HopEngine, Way, arc_m, drive_way, hop_way
from moonpost.plan import load_plan
from moonpost.sky import Site
from moonpost.terrain import Rover

START = "2030-01-01"


def ways(machine: SortieMachine, distance_m: float = 4000.0, drop_m: float = 400.0) -> tuple[Way, Way]:
    assert machine.engine is not None
    out = hop_way(machine.engine, machine.mass_kg, distance_m, stop_height_m=-drop_m, flight_w=100.0)
    left_kg = machine.mass_kg - out.propellant_kg
    return out, hop_way(machine.engine, left_kg, distance_m, start_height_m=-drop_m, flight_w=100.0)


def bright(hours: float = 200.0, **options: float) -> SortieSky:
    options = {"step_s": 1200.0, **options}
    return SortieSky.steady(START, hours, supply_w=150.0, home_k=220.0, away_k=45.0, **options)


def run(machine: SortieMachine, stay_h: float = 6.0, sky: SortieSky | None = None, **options: object) -> Sortie:
    return sortie(machine, sky or bright(), *ways(machine), stay_h, **options)  # type: ignore[arg-type]


def test_energy_is_that_of_a_sum_by_hand() -> None:
    machine = replace(example_machine(), bus_efficiency=0.9)
    machine = replace(machine, box=machine.box.model_copy(update={"heater_w": 0.0}))
    out, back = ways(machine)
    found = run(machine, depart=START)
    drawn_wh = (
        (20.0 * out.duration_s + 80.0 * 6.0 * 3600.0 + 20.0 * back.duration_s) / 3600.0
        + (out.power_w * out.duration_s + back.power_w * back.duration_s) / 3600.0
    )  # fmt: skip
    assert found.trip["energy_used_wh"] == pytest.approx(drawn_wh, abs=0.01)
    lost_wh = drawn_wh / 0.9 / machine.storage.discharge_efficiency
    assert found.trip["stored_back_wh"] == pytest.approx(machine.usable_wh - lost_wh, abs=0.02)
    # Charging: what the sources give over the load, times the efficiency, until 95 percent.
    missing_wh = 0.95 * machine.usable_wh - found.trip["stored_back_wh"]
    hours = missing_wh / ((150.0 - 20.0 / 0.9) * machine.storage.charge_efficiency)
    (charged,) = [row for row in found.criteria if row.name == "charged"]
    assert charged.value == pytest.approx(hours, abs=0.2)


def test_the_box_follows_an_independent_integration() -> None:
    machine = replace(example_machine(), work_w=15.0, isotope_w=4.0)
    machine = replace(machine, box=machine.box.model_copy(update={"heater_w": 0.0}))
    found = run(machine, stay_h=30.0, depart=START, sky=bright(400.0))
    box = machine.box
    first_k = float(machine.start_state(220.0)[1])

    def slope(t_s: float, t_k: np.ndarray) -> np.ndarray:
        on_way = t_s < found.out.duration_s or t_s > found.out.duration_s + 108_000.0
        power = 20.0 + found.out.power_w if on_way else 15.0
        gone = box.emissivity * 5.670374419e-8 * box.radiator_m2 * t_k**4 + box.ground_w_k * (t_k - 45.0)
        return np.asarray((power + 4.0 - gone) / box.capacity_j_k)

    edges = [0.0, found.out.duration_s, found.out.duration_s + 108_000.0]
    y = np.array([first_k])
    for begin, end in pairwise(edges):
        y = solve_ivp(slope, (begin + 1e-6, end), y, rtol=1e-9, atol=1e-9).y[:, -1]
    at = int(np.argmin(np.abs(found.trace_s - edges[-1])))
    assert found.trace_box_k[at] == pytest.approx(float(y[0]), abs=0.02)
    assert found.criteria[0].name == "cold"
    assert not found.feasible


def test_propellant_is_that_of_the_rocket_equation() -> None:
    way = hop_way(HopEngine(30.0, losses=1.5), 100.0, 3000.0)
    delta_v = 1.5 * hop(3000.0).delta_v_m_s
    assert way.delta_v_m_s == pytest.approx(delta_v)
    assert way.propellant_kg == pytest.approx(100.0 * (1.0 - np.exp(-delta_v / (225.0 * 9.80665))))


def test_a_hill_makes_the_hop_steeper_and_a_wall_forbids_it() -> None:
    def hill(height_m: float):  # type: ignore[no-untyped-def]
        return lambda x: height_m * np.exp(-(((np.asarray(x) - 2000.0) / 500.0) ** 2))

    flat, over = (hop_way(HopEngine(30.0), 100.0, 4000.0, ground_m=hill(h)) for h in (0.0, 1500.0))
    assert over.propellant_kg > 1.05 * flat.propellant_kg
    with pytest.raises(ModelError, match="clears the ground"):
        hop_way(HopEngine(30.0), 100.0, 4000.0, ground_m=hill(8000.0))
    many = hop_way(HopEngine(30.0, hop_m=1000.0, pause_s=600.0), 100.0, 4000.0)
    assert (many.hops, flat.hops) == (4, 1)
    assert many.duration_s > 1800.0


def test_the_latest_start_comes_before_the_dark_at_the_start() -> None:
    sky = bright(300.0, dark_after_h=100.0)
    found = run(example_machine(), stay_h=10.0, sky=sky)
    assert len(found.windows) == 1
    dark = np.datetime64(START) + np.timedelta64(100, "h")
    latest = found.latest_start
    assert latest is not None
    back = latest + np.timedelta64(10, "h")
    # One has to be back with time to charge to 95 percent before it gets dark.
    assert back < dark - np.timedelta64(2, "h")
    again = run(example_machine(), stay_h=10.0, sky=sky, depart=latest)
    assert again.feasible
    late = run(example_machine(), stay_h=10.0, sky=sky, depart=latest + np.timedelta64(60, "m"))
    assert not late.feasible
    assert late.verdict.startswith("no: ")


def test_the_longest_stay_is_a_limit() -> None:
    found = run(example_machine(), stay_h=2.0)
    longest_h = float(found.longest_stay_h[0])
    assert run(example_machine(), stay_h=longest_h, depart=START, longest_h=found.stays_h[-1]).feasible
    step_h = found.stays_h[-1] / 32.0
    longer = run(example_machine(), stay_h=longest_h + step_h, depart=START, longest_h=found.stays_h[-1])
    assert not longer.feasible


@settings(max_examples=8, deadline=None)
@given(work_w=st.floats(10.0, 200.0), stay_h=st.floats(0.5, 30.0), supply_w=st.floats(30.0, 300.0))
def test_what_is_told_as_feasible_keeps_every_limit(work_w: float, stay_h: float, supply_w: float) -> None:
    machine = replace(example_machine(), work_w=work_w)
    sky = SortieSky.steady(START, 300.0, supply_w=supply_w, home_k=220.0, away_k=45.0, step_s=7200.0)
    found = run(machine, stay_h=stay_h, sky=sky)
    assert found.feasible == all(row.margin >= 0.0 for row in found.criteria)
    assert np.isfinite(found.trace_stored_wh).all()
    assert found.trace_stored_wh.min() >= -1e-9
    assert found.trace_stored_wh.max() <= machine.usable_wh + 1e-9
    if found.feasible:
        trip = found.trace_s <= (found.out.duration_s + found.back.duration_s + found.stay_s)
        assert found.trace_stored_wh[trip].min() >= 0.1 * machine.usable_wh - 1e-6
        assert found.trace_box_k[trip].min() >= machine.box.operate_min_k - 1e-6


def test_contact_is_asked_for_on_both_ways() -> None:
    machine, sky = example_machine(), bright()
    some = np.arange(sky.count) < 15
    with pytest.raises(InputError, match="contact"):
        run(machine, sky=sky, contact=True)
    first = run(machine, stay_h=2.0, sky=replace(sky, contact=some), contact=True, depart=START)
    assert first.feasible
    longer = run(machine, stay_h=8.0, sky=replace(sky, contact=some), contact=True, depart=START)
    assert not longer.feasible
    assert longer.criteria[0].name == "contact"


def test_driving_takes_its_time_and_climbs_at_a_price() -> None:
    rover = Rover("plain", speed_m_s=0.1, max_slope_deg=20.0)
    down, up = (drive_way(rover, 3000.0, climb_m=climb) for climb in (-300.0, 300.0))
    assert down.duration_s == up.duration_s
    lift_j = (up.power_w - down.power_w) * up.duration_s
    assert lift_j == pytest.approx(140.0 * 1.622 * 300.0 / 0.3, rel=1e-6)
    with pytest.raises(ModelError, match="steeper"):
        drive_way(rover, 1000.0, climb_m=800.0)
    assert arc_m(Site(-90.0, 0.0), Site(-89.0, 0.0)) == pytest.approx(30323.3, abs=0.1)


def test_bad_numbers_are_refused() -> None:
    machine = example_machine()
    for options in ({"stay_h": float("nan")}, {"stay_h": -1.0}, {"reserve": 2.0}, {"recharge_h": 0.0}):
        with pytest.raises(InputError):
            run(machine, **options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="longer period"):
        run(machine, stay_h=500.0)
    with pytest.raises(InputError):
        HopEngine(float("nan"))
    with pytest.raises(InputError):
        SortieSky.steady(START, 10.0, supply_w=float("nan"), home_k=200.0, away_k=40.0)
    hopper = next(item for item in load_plan("ilrs").elements if item.id == "ce7-hopper")
    with pytest.raises(ModelError, match="mass"):
        SortieMachine.of_element(hopper)


def test_the_command(tmp_path: Path) -> None:
    picture = tmp_path / "sortie.png"
    options = ["--to=-89.455,221.35", "--mass", "120", "--propellant", "30", "--shadow-k", "60", "--days", "3"]
    result = CliRunner().invoke(app, ["operate", "sortie", "ilrs", *options, "--plot", str(picture), "--json"])
    assert result.exit_code == 0, result.output
    assert '"verdict"' in result.output
    assert picture.stat().st_size > 10_000
    bad = CliRunner().invoke(app, ["operate", "sortie", "ilrs", "--to=-89.455,221.35"])
    assert bad.exit_code != 0
    assert "--propellant" in str(bad.exception)
    bad = CliRunner().invoke(app, ["operate", "sortie", "ilrs", *options, "--element", "nobody"])
    assert bad.exit_code != 0
    assert "nobody" in str(bad.exception)
