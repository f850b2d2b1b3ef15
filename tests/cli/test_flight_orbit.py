"""``moonpost flight orbit``: states with leading minus, both scales, impacts, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
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


def test_files_of_a_flight_are_written_and_begin_the_next(cli: Any, tmp_path: Path) -> None:
    names = {kind: tmp_path / f"a.{kind}" for kind in ("spk", "oem", "czml", "gmat", "csv", "plot")}
    names["plot"] = tmp_path / "a.png"
    words = ["flight", "orbit", "--altitude-km", 100, "--days", 0.2, "--degree", 10, "--name", "Tug 1", "--json"]
    files = [word for kind, path in names.items() for word in (f"--{kind}", path)]
    plain = json.loads(cli(*words).out)
    run = cli(*words, *files, "--site=-89.9,0", "--step-s", 120, "--frame", "moon_me")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["position_km"] == pytest.approx(plain["position_km"], abs=1e-5)
    assert set(found["files"]) == set(names)
    assert all(path.stat().st_size > 500 for path in names.values())
    assert (found["files"]["spk"]["body"], found["files"]["spk"]["type"]) == (-301001, 13)
    assert 0 < found["files"]["spk"]["error_m"] < 1e-3
    assert "TIME_SYSTEM = TDB\n" in names["oem"].read_text()
    assert found["frame"] == "MOON_ME"
    assert np.linalg.norm(found["frame_position_km"]) == pytest.approx(np.linalg.norm(found["position_km"]))
    rows = names["csv"].read_text().splitlines()
    assert len(rows) == 2 + 17280 // 120
    last = rows[-1].split(",")
    assert [float(value) for value in last[2:5]] == pytest.approx(found["frame_position_km"], abs=1e-8)
    assert [float(value) for value in last[5:8]] == pytest.approx(found["frame_velocity_km_s"], abs=1e-11)
    for source in ("spk", "oem"):
        again = json.loads(
            cli("flight", "orbit", f"--from-{source}", names[source], "--days", 0.2, "--degree", 10, "--json").out
        )
        assert again["start_utc"] == found["start_utc"]
        assert again["compared"]["largest_m"] < 5e-3
        assert again["position_km"] == pytest.approx(found["position_km"], abs=5e-6)
    other = cli("flight", "orbit", "--from-spk", names["spk"], "--altitude-km", 100, "--days", 0.2, "--degree", 4)
    assert other.code == 0, other.err
    assert "compared  with" in other.out
    back = json.loads(
        cli("flight", "orbit", "--from-oem", names["oem"], "--days", -0.1, "--degree", 10, "--json").out
    )
    assert back["start_utc"] == found["end_utc"]
    assert back["compared"]["end_m"] < 5e-3


def test_a_file_from_the_earths_centre_is_brought_to_the_moon(cli: Any, tmp_path: Path) -> None:
    oem = tmp_path / "a.oem"
    cli("flight", "orbit", "--altitude-km", 100, "--days", 0.05, "--degree", 2, "--oem", oem)
    text = oem.read_text()
    assert "CENTER_NAME = MOON" in text
    oem.write_text(text.replace("CENTER_NAME = MOON", "CENTER_NAME = EARTH"))
    refused = cli("flight", "orbit", "--from-oem", oem, "--days", 0.01, "--degree", 2)
    assert refused.code == 2
    assert "inside the Earth" in refused.err
    rows = []
    for line in oem.read_text().splitlines():
        date, *numbers = line.split(" ")
        far = date[:2] == "20" and len(numbers) == 6
        rows.append(" ".join([date, *(f"1{word.lstrip('-').zfill(14)}" for word in numbers)]) if far else line)
    oem.write_text("\n".join(rows) + "\n")
    found = json.loads(cli("flight", "orbit", "--from-oem", oem, "--days", 0.001, "--degree", 2, "--json").out)
    first = [float(word) for word in next(row for row in rows if row.startswith("20")).split()[1:4]]
    earth = -Almanac.default().inertial_m("earth", found["start_utc"])[0] / 1e3
    assert np.subtract(first, found["start_position_km"]) == pytest.approx(earth, abs=0.1)


def test_frames_stand_beside_the_fixed_keys(cli: Any) -> None:
    words = ("flight", "orbit", "--altitude-km", 100, "--days", 0.05, "--degree", 2)
    plain = json.loads(cli(*words, "--json").out)
    for frame in ("MOON_ME", "MOON_PA", "SYNODIC"):
        turned = json.loads(cli(*words, "--frame", frame, "--json").out)
        assert turned["position_km"] == plain["position_km"]
        assert turned["velocity_km_s"] == plain["velocity_km_s"]
        assert turned["frame"] == frame
        assert f"in {frame}" in cli(*words, "--frame", frame).out


@pytest.mark.parametrize(
    "words",
    [
        ("--from-oem", "nowhere.oem"),
        ("--from-spk", "nowhere.bsp"),
        ("--from-oem", "a.oem", "--from-spk", "a.bsp"),
        ("--altitude-km", 100, "--frame", "ITRF"),
        ("--altitude-km", 100, "--spk", "a.bsp", "--spk-type", 2),
        ("--altitude-km", 100, "--spk", "a.bsp", "--body", 5),
        ("--altitude-km", 100, "--spk", "a.x", "--oem", "a.x"),
        ("--altitude-km", 100, "--plot", "a.txt"),
        ("--altitude-km", 100, "--csv", "a.csv", "--step-s", 0),
        ("--altitude-km", 100, "--csv", "a.csv", "--step-s", "nan"),
        ("--altitude-km", 100, "--csv", "a.csv", "--step-s", 1e-3),
        ("--altitude-km", 100, "--czml", "a.czml", "--site", "north"),
        ("--altitude-km", 100, "--czml", "a.czml", "--site", "-95,0"),
        ("--altitude-km", 100, "--oem", "a.oem", "--name", "two\nlines"),
        ("--altitude-km", 100, "--oem", "a.oem", "--oem-scale", "GPS"),
        ("--altitude-km", 100, "--days", 0, "--spk", "a.bsp"),
    ],
)
def test_bad_files_end_in_one_line(
    cli: Any, words: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = cli("flight", "orbit", "--degree", 2, *words)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("moonpost: ")
    assert run.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
