"""``moonpost site path``: answers both ways, writes files, and tells bad input in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

START, GOAL = "--start=-89.529,218.97", "--goal=-89.54,217.5"


@pytest.fixture(scope="module")
def rim(moonpost_data: Path) -> str:
    return str(moonpost_data / "dem" / "shackleton_rim_10km_40m.tif")


def words(rim: str, *more: str) -> tuple[str, ...]:
    quick = ("--azimuths", "180", "--margin", "0.3", "--days", "4")
    return ("site", "path", START, GOAL, "--depart", "2030-07-03T06:00Z", "--terrain", rim, *quick, *more)


def test_a_way_as_json_with_files(cli: Callable[..., Any], rim: str, tmp_path: Path) -> None:
    out, png = tmp_path / "way.gpkg", tmp_path / "way.png"
    run = cli(*words(rim, "--out", str(out), "--png", str(png), "--json"))
    assert (run.code, run.err) == (0, "")
    found = json.loads(run.out)
    assert found["found"]
    assert found["totals"]["length_m"] > found["totals"]["straight_m"] > 100.0
    assert found["waypoints"][0]["time_utc"] == "2030-07-03T06:00:00Z"
    assert found["arrive_utc"] == found["waypoints"][-1]["time_utc"]
    assert found["rover"]["name"] == "ilrs"
    assert found["files"] == [str(out), str(png)]
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert out.stat().st_size > 10_000


def test_a_way_as_text(cli: Callable[..., Any], rim: str, tmp_path: Path) -> None:
    run = cli(*words(rim, "--rover", "viper", "--objective", "energy", "--out", str(tmp_path / "way.csv")))
    assert run.code == 0
    assert "longest dark" in run.out
    assert run.out.rstrip().endswith("way.csv")
    assert (tmp_path / "way.csv").read_text().startswith("time_utc,latitude_deg,")


def test_options_reach_the_plan(cli: Callable[..., Any], rim: str) -> None:
    more = (
        "--max-slope", "18", "--max-cross", "18", "--speed", "0.1", "--battery", "800", "--charge", "0.9",
        "--least-disc", "0.4", "--earth", "-3", "--max-dark", "60", "--hours", "6-22", "--step", "20",
        "--moves", "8", "--horizon-margin", "0.05", "--awake", "--objective", "light", "--json",
    )  # fmt: skip
    found = json.loads(cli(*words(rim, *more)).out)
    rover, limits = found["rover"], found["options"]["limits"]
    assert (rover["max_slope_deg"], rover["max_cross_deg"], rover["speed_m_s"], rover["battery_wh"]) == (
        18.0, 18.0, 0.1, 800.0,
    )  # fmt: skip
    assert limits == {
        "least_disc": 0.4, "earth_deg": -3.0, "station": None, "longest_dark_h": 60.0, "sleeps": False,
        "work_utc_h": [6.0, 22.0], "start_charge": 0.9,
    }  # fmt: skip
    assert (found["options"]["step_s"], found["options"]["moves"]) == (1200.0, 8)
    assert found["options"]["horizon_margin_deg"] == 0.05


def test_no_way_is_a_result_with_its_reason(cli: Callable[..., Any], rim: str, tmp_path: Path) -> None:
    out = tmp_path / "way.gpkg"
    run = cli(*words(rim, "--max-slope", "1", "--out", str(out), "--json"))
    assert run.code == 2
    found = json.loads(run.out)
    assert not found["found"]
    assert found["reasons"][0].startswith("too steep: every way in the area needs limits of ")
    assert run.err.startswith("moonpost: no way: too steep")
    assert run.err.count("\n") == 1
    assert not out.exists()
    text = cli(*words(rim, "--max-slope", "1"))
    assert (text.code, text.out) == (2, "")


def test_a_station_that_must_be_in_sight(cli: Callable[..., Any], rim: str) -> None:
    """Kashgar sees the Moon for half a day at most: with it in sight the drive cannot start before it rises."""
    run = cli(*words(rim, "--station", "kashgar", "--least-disc", "0", "--days", "20", "--json"))
    found = json.loads(run.out)
    assert found["options"]["limits"]["station"] == "Kashgar 35 m"
    driving = [row["earth_over_horizon_deg"] for row in found["waypoints"] if row["mode"] == "drive"]
    assert min(driving) > -0.1
    free = json.loads(cli(*words(rim, "--least-disc", "0", "--json")).out)
    assert found["arrive_utc"] > free["arrive_utc"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--start": "-80,0"}, "outside the terrain"),
        ({"--goal": "-80,0"}, "outside the terrain"),
        ({"--start": "north"}, "is not a latitude and a longitude"),
        ({"--depart": "1700-01-01"}, "1700"),
        ({"--depart": "tomorrow"}, "tomorrow"),
        ({"--rover": "viber"}, "did you mean viper?"),
        ({"--objective": "fun"}, "unknown objective"),
        ({"--hours": "8"}, "is no span of hours"),
        ({"--station": "atlantis"}, "unknown ground station"),
        ({"--out": "way.doc"}, "cannot write .doc"),
        ({"--png": "way.jpg"}, "name it .png"),
        ({"--terrain": "none.tif"}, "none.tif"),
        ({"--least-disc": "2"}, "least_disc"),
        ({"--max-slope": "-3"}, "max_slope_deg"),
        ({"--days": "nan"}, "days"),
        ({"--moves": "7"}, "7 moves"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_bad_input_is_one_line(cli: Callable[..., Any], rim: str, change: dict[str, str], said: str) -> None:
    options = {
        "--start": "-89.529,218.97", "--goal": "-89.54,217.5", "--depart": "2030-07-03", "--terrain": rim,
        "--azimuths": "72", "--margin": "0.3", **change,
    }  # fmt: skip
    run = cli("site", "path", *(f"{name}={value}" for name, value in options.items()))
    assert run.code == 2
    assert said in run.err
    assert run.err.startswith("moonpost: ")
    assert run.err.count("\n") == 1
    assert run.out == ""


def test_help_has_an_example(cli: Callable[..., Any]) -> None:
    assert "Example: moonpost site path --start=" in " ".join(cli("site", "path", "--help").out.split())
