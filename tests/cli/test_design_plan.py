"""``moonpost design PLAN``: its keys, its picture, its proof, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import moonpost.plan

BUNDLED = Path(moonpost.plan.__file__).parent / "bundled"
EARLIER = {
    "statements", "carried_load_w", "load_mean_w", "loads", "load_light_w", "load_dark_w", "storage", "masses",
    "mass_checks", "sensitivity",
}  # fmt: skip


@pytest.fixture
def short(tmp_path):
    """The bundled plan for four months of winter at its baseline alone."""
    text = (BUNDLED / "ilrs.toml").read_text(encoding="utf-8")
    start = text.index("candidates = [")
    stop = text.index("\n", start)
    text = text[:start] + "candidates = []" + text[stop:]
    path = tmp_path / "short.toml"
    path.write_text(
        text.replace("\nyears = 19.0\n", "\nyears = 0.35\n").replace('"2035-01-01"', '"2044-04-15"', 1)
    )
    return path


def test_everything_in_json(cli, short, tmp_path):
    picture = tmp_path / "design.png"
    run = cli("design", short, "--members", 3, "--prove", "--plot", picture, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found.keys() >= EARLIER
    assert picture.read_bytes()[:4] == b"\x89PNG"
    mix = found["mix"]
    assert mix["mass_kg"] == pytest.approx(sum(part["mass_kg"] for part in mix["parts"]))
    assert set(mix["families"]) == {"solar-battery", "solar-fuel-cell", "radioisotope", "reactor", "any"}
    assert mix["mass_kg"] == min(row["mass_kg"] for row in mix["families"].values() if row)
    assert found["proof"]["holds"] is True
    assert found["proof"]["tight"] is True
    assert found["proof"]["fewer"]["dips"].startswith("2044")
    assert {line["budget"] for line in found["budgets"]} == {"mass", "power", "energy", "data", "link"}
    short_ones = {(line["budget"], line["subject"]) for line in found["budgets"] if not line["closes"]}
    assert {(way["budget"], way["subject"]) for way in found["closing"]} == short_ones
    assert found["p50"]["modules"] <= found["p95"]["modules"]
    assert len(found["crossover"]["power_w"]) == len(found["crossover"]["mass_kg"]["reactor"])
    assert found["mass_effects"][0]["effect_kg"] >= found["mass_effects"][-1]["effect_kg"]


def test_other_masts_families_and_numbers(cli, short):
    words = ("design", short, "--members", 0, "--family", "solar-battery", "--masts", "2", "--json")
    low = json.loads(cli(*words).out)["mix"]
    assert low["mast_m"] == 2.0
    assert set(low["families"]) == {"solar-battery"}
    other = json.loads(cli(*words, "--set", "battery_wh_kg=300", "--reserve", 0.05).out)["mix"]
    assert other["mass_kg"] < low["mass_kg"]
    assert other["reserve_wh"] / other["rated_wh"] == pytest.approx(1 - 0.8 * 0.95)


def test_text_and_table(cli, short):
    run = cli("design", short, "--members", 0)
    assert run.code == 0
    for words in ("lightest mix", "lines cross at (kW)", "to close", "as planned"):
        assert words in run.out
    rows = json.loads(cli("design", "ilrs", "--table", "--json").out)
    assert {"battery_wh_kg", "reactor-40"} <= {row["name"] for row in rows}


def test_a_station_in_orbit(cli, tmp_path):
    text = (BUNDLED / "ilrs-orbit.toml").read_text(encoding="utf-8")
    path = tmp_path / "orbit.toml"
    path.write_text(text.replace("\nyears = 19.0\n", "\nyears = 0.2\n"))
    run = cli("design", path, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["p95"] is None
    assert not any(part["item"] == "mast" for part in found["mix"]["parts"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--masts", "2,high"), "--masts"),
        (("--masts", "-2"), "--masts"),
        (("--family", "steam"), "steam"),
        (("--set", "battery_wh_kg"), "--set"),
        (("--set", "batery_wh_kg=1"), "batery_wh_kg"),
        (("--set", "battery_depth=2"), "battery_depth"),
        (("--plot", "design.gif"), "--plot"),
    ],
)
def test_what_cannot_be_done_is_one_line(cli, short, words, told):
    run = cli("design", short, "--members", 0, *words)
    assert run.code == 2
    assert told in run.err
    assert len(run.err.strip().splitlines()) == 1


def test_heritage_sets_the_margins_when_asked(cli, short):
    words = ("design", short, "--members", 0, "--family", "solar-battery", "--json")
    claimed, borne = (json.loads(cli(*words, *more).out) for more in ((), ("--heritage",)))
    masses = [
        {(row["subject"], row["what"]): row["asked"] for row in found["budgets"] if row["budget"] == "mass"}
        for found in (claimed, borne)
    ]
    assert all(masses[1][name] >= mass for name, mass in masses[0].items())
    assert any(masses[1][name] > mass for name, mass in masses[0].items() if name[0] == "ilrs-1")
