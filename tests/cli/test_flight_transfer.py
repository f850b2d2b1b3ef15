"""``moonpost flight transfer``: direct from a pad, free return, braking by an engine, pictures, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.flight.propagate import propagate
from moonpost.flight.state import State, tdb_seconds
from moonpost.flight.transfers import target_bplane, transfer_environment
from moonpost.sky import Almanac


def test_a_direct_transfer_is_that_of_the_library_and_its_states_lie_on_the_way(
    cli: Any, almanac: Almanac
) -> None:
    run = cli("flight", "transfer", "--depart", "2030-01-10", "--tof-days", 4.5, "--branch", "short", "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    env = transfer_environment(almanac, "2030-01-09", "2030-01-17")
    way = target_bplane("2030-01-10", "2030-01-14T12:00", env)
    assert found["kind"] == "direct"
    assert (found["tli_km_s"], found["tof_d"]) == (found["departure"]["tli_km_s"], found["flight_days"])
    assert found["loi_km_s"] == found["braking"]["impulse"]["delta_v_km_s"]
    assert found["departure"]["tli_km_s"] == pytest.approx(way.tli_m_s / 1e3, abs=1e-6)
    assert found["departure"]["c3_km2_s2"] == pytest.approx(way.c3_m2_s2 / 1e6, abs=1e-5)
    assert found["braking"]["impulse"]["delta_v_km_s"] == pytest.approx(way.loi_m_s / 1e3, abs=1e-5)
    assert found["perilune"]["altitude_km"] == pytest.approx(100.0, abs=0.1)
    assert found["flight_days"] == pytest.approx(4.5, abs=1e-6)
    assert [row["days"] for row in found["midcourse"]] == [1.0, 2.0, 3.0, 4.0]
    leave = found["departure"]
    start = State(
        float(np.asarray(tdb_seconds(leave["utc"])).ravel()[0]),
        1e3 * np.array(leave["position_km"]),
        1e3 * np.array(leave["velocity_km_s"]),
        "earth",
    )
    third = found["midcourse"][2]
    flown = propagate(start, start.time_tdb_s + 3 * 86400.0, env)
    assert np.array(third["position_km"]) == pytest.approx(flown.final.position_m / 1e3, abs=0.5)  # dates to 1 ms


def test_a_site_gives_launches_that_lead_to_the_departure(cli: Any) -> None:
    words = (
        "--depart",
        "2030-01-10",
        "--tof-days",
        4.5,
        "--site",
        "Wenchang",
        "--mass-kg",
        8200,
        "--thrust-n",
        3000,
    )
    run = cli("flight", "transfer", *words, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    launches = found["launches"]
    assert {row["passing"] for row in launches} == {"ascending", "descending"}
    assert all(row["wait_h"] < 1e-3 for row in launches)
    cheapest = min(launches, key=lambda row: row["tli_km_s"])
    gap = np.datetime64(found["departure"]["utc"][:-1]) - np.datetime64(cheapest["utc"][:-1])
    assert gap / np.timedelta64(1, "s") == pytest.approx(cheapest["injection_s"], abs=2.0)
    engine = found["braking"]["engine"]
    assert engine["perilune_km"] == pytest.approx(100.0, abs=0.5)
    assert engine["apolune_km"] == pytest.approx(100.0, abs=0.5)
    assert engine["mass_after_kg"] == pytest.approx(
        8200.0 * np.exp(-1e3 * engine["delta_v_km_s"] / (315 * 9.80665))
    )
    assert engine["gravity_loss_m_s"] > 0.0
    text = cli("flight", "transfer", *words).out
    assert "launch     2030-01-1" in text
    assert "km/s in " in text


def test_an_ellipse_and_a_free_return(cli: Any, tmp_path: Path) -> None:
    words = ("--depart", "2030-01-10", "--arrival-km", 400, "--apolune-km", 5500)
    found = json.loads(cli("flight", "transfer", *words, "--mass-kg", 8200, "--thrust-n", 3000, "--json").out)
    assert found["braking"]["impulse"]["apolune_km"] == pytest.approx(5500.0, abs=1.0)
    assert 900.0 < found["braking"]["engine"]["burn_s"] < 1300.0
    picture = tmp_path / "round.png"
    run = cli(
        "flight", "transfer", "--depart", "2030-01-05", "--free-return", "--arrival-km", 250, "--plot", picture
    )
    assert run.code == 0, run.err
    assert "entry      2030-01-10" in run.out
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.soak
def test_a_low_energy_transfer_takes_months(cli: Any) -> None:
    run = cli("flight", "transfer", "--depart", "2030-01-16", "--low-energy", "--site", "Kennedy", "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["kind"] == "low energy"
    assert 70.0 < found["flight_days"] < 140.0
    assert found["braking"]["impulse"]["delta_v_km_s"] < 0.68
    assert found["arrival_c3_km2_s2"] < 0.0
    assert len(found["launches"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--depart", "yesterday"), "yesterday"),
        (("--depart", "2300-01-01"), "2300"),
        (("--depart", "2030-01-10", "--site", "Baikal"), "no launch site"),
        (("--depart", "2030-01-10", "--tof-days", "nan"), "--tof-days"),
        (("--depart", "2030-01-10", "--tof-days", "-2"), "--tof-days"),
        (("--depart", "2030-01-10", "--branch", "middle"), "no branch"),
        (("--depart", "2030-01-10", "--side", "east"), "no side"),
        (("--depart", "2030-01-10", "--plot", "way.txt"), "png"),
        (("--depart", "2030-01-10", "--thrust-n", "3000"), "--mass-kg"),
        (("--depart", "2030-01-10", "--free-return", "--low-energy"), "one of them"),
        (("--depart", "2030-01-10", "--parking-km", "-5"), "parking"),
        (("--depart", "2030-01-10", "--arrival-km", "nan"), "arrival"),
        (("--depart", "2030-01-10", "--inclination", "3"), "declination"),
        (("--depart", "2030-01-10", "--mass-kg", "-1", "--thrust-n", "10"), "mass"),
        (("--depart", "2030-01-10", "--mass-kg", "10", "--thrust-n", "10", "--attitude", "up"), "attitude"),
    ],
)
def test_bad_input_is_told_in_one_line(cli: Any, words: tuple[str, ...], told: str) -> None:
    run = cli("flight", "transfer", *words)
    assert run.code == 2, run.out
    assert told in run.err
    assert len(run.err.strip().splitlines()) == 1
    assert "Traceback" not in run.err
