"""``moonpost flight orbit``: states with leading minus, both scales, impacts, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky import Almanac
from moonpost.sky.kernelfiles import default_paths

STATE = "-380,-731,1642,1.5954,-0.213,0.27597"
SHORT = ("--start", "2030-01-01T00:00:00", "--scale", "TDB", "--days", "0.25", "--degree", "12", "--json")


@pytest.mark.parametrize("words", [(f"--state={STATE}",), ("--state", STATE)])
def test_states_with_a_leading_minus_are_flown(cli: Any, almanac: Almanac, words: tuple[str, ...]) -> None:
    run = cli("flight", "orbit", *words, *SHORT)
    assert run.code == 0, run.err
    found = json.loads(run.out)
    begin = 946728000.0
    env = Environment.make(almanac, begin, begin + 21600.0, degree=12)
    numbers = np.array([float(part) for part in STATE.split(",")]) * 1e3
    final = propagate(
        State(begin, numbers[:3], numbers[3:]), begin + 21600.0, env, rtol=1e-13, dense=False, method="rkn1210"
    ).final
    assert found["position_km"] == pytest.approx(final.position_m / 1e3, abs=1e-12)
    assert found["velocity_km_s"] == pytest.approx(final.velocity_m_s / 1e3, abs=1e-15)
    assert "impact" not in found
    assert (found["start_tdb_s"], found["elapsed_days"]) == (begin, 0.25)


def test_orbit_by_altitude_and_its_events(cli: Any) -> None:
    run = cli(
        "flight", "orbit", "--altitude-km", 100, "--inclination", 90, "--days", 0.1, "--degree", 4, "--events"
    )
    assert run.code == 0, run.err
    assert "umbra of the Moon ends" in run.out
    found = json.loads(
        cli("flight", "orbit", "--altitude-km", 100, "--days", 0.1, "--degree", 4, "--events", "--json").out
    )
    assert [row["event"] for row in found["events"]][:2] == ["umbra of the Moon ends", "penumbra of the Moon ends"]


def test_impact_is_told_with_time_and_place(cli: Any) -> None:
    words = ("--altitude-km", 1, "--apolune-km", 500, "--argument", 180, "--days", -10, "--degree", 30, "--json")
    found = json.loads(cli("flight", "orbit", *words).out)
    hit = found["impact"]
    assert np.linalg.norm(hit["position_km"]) == pytest.approx(1737.4, abs=1e-6)
    assert -10 < hit["elapsed_days"] < 0
    assert hit["position_km"] == found["position_km"]
    assert {"utc", "latitude_deg", "longitude_deg", "velocity_km_s"} <= set(hit)


def test_kernels_and_constants_of_ones_own(cli: Any) -> None:
    spk, pck = default_paths()
    words = ("flight", "orbit", f"--state={STATE}", *SHORT)
    plain = json.loads(cli(*words).out)
    own = json.loads(cli(*words, "--kernels", f"{spk},{pck}").out)
    assert own["position_km"] == plain["position_km"]
    other = json.loads(cli(*words, "--gm", "moon=4902.800066,earth=398600.4415").out)
    assert other["gm_km3_s2"]["moon"] == 4902.800066
    assert 1e-6 < np.linalg.norm(np.subtract(other["position_km"], plain["position_km"])) < 1e-2
    still = json.loads(cli(*words, "--no-rotate-field").out)
    assert 1e-7 < np.linalg.norm(np.subtract(still["position_km"], plain["position_km"])) < 1e-3
    alone = json.loads(cli(*words, "--bodies", "none").out)
    assert alone["bodies"] == []
    for extra in (("--tides",), ("--sunlight", "10,1000,1.3")):
        moved = json.loads(cli(*words, *extra).out)
        assert 1e-9 < np.linalg.norm(np.subtract(moved["position_km"], plain["position_km"])) < 1.0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--altitude-km", 100, f"--state={STATE}"),
        ("--state", "1,2,3"),
        ("--state", "a,b,c,d,e,f"),
        ("--state", "nan,0,0,0,0,0"),
        ("--state", "100,200,300,0,0,0"),
        ("--altitude-km", -5),
        ("--altitude-km", 100, "--start", "soon"),
        ("--altitude-km", 100, "--start", "2030-01-01Z", "--scale", "TDB"),
        ("--altitude-km", 100, "--scale", "TAI"),
        ("--altitude-km", 100, "--days", "nan"),
        ("--altitude-km", 100, "--days", 1e6),
        ("--altitude-km", 100, "--degree", 200),
        ("--altitude-km", 100, "--bodies", "vulcan"),
        ("--altitude-km", 100, "--gm", "moon=heavy"),
        ("--altitude-km", 100, "--sunlight", "1"),
        ("--altitude-km", 100, "--kernels", "nowhere.bsp"),
        ("--altitude-km", 100, "--rtol", 0),
    ],
)
def test_bad_input_ends_in_one_line(cli: Any, words: tuple[Any, ...]) -> None:
    run = cli("flight", "orbit", *words)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("moonpost: ")
    assert run.err.count("\n") == 1
