"""``moonpost build risk``: answers, pictures, and one clear line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Risk = Callable[..., Any]


@pytest.fixture
def risk(cli: Callable[..., Any]) -> Risk:
    return lambda *words: cli("build", "risk", "ilrs", "--runs", "400", *words)


def test_answers_as_json_and_as_a_picture(risk: Risk, tmp_path: Path) -> None:
    picture = tmp_path / "risk.png"
    found = risk("--target", "command-centre", "--by", "2036", "--power-kw", "5", "--data-mbit-s", "2", "--json",
                 "--plot", picture)  # fmt: skip
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["target"]["elements"] == ["command-centre"]
    missed = told["runs"] - told["target"]["probability"]["count"]
    assert sum(row["probability"]["count"] for row in told["causes"]) == missed
    shares = [row["target"]["share"] for row in told["capability"]]
    assert shares == sorted(shares)
    last = told["capability"][-1]
    assert 0.0 < last["power_at_least"]["5000"]["share"] < 1.0
    assert 0.0 < last["data_at_least"]["2e+06"]["share"] < 1.0
    assert {row["factor"] for row in told["swings"]} >= {"launch:cz-10", "dust"}
    assert picture.stat().st_size > 20_000


def test_text_tells_the_odds_first(risk: Risk) -> None:
    found = risk("--target", "reactor", "--by", "2040", "--reflights", "1")
    assert found.code == 0, found.err
    assert found.out.startswith("reactor at work by 2040: ")
    assert "first cause of missing the target" in found.out
    assert "launches of cz-10" in found.out
    assert "assumed:" in found.out


def test_same_seed_same_bytes(risk: Risk) -> None:
    one, two = risk("--workers", "1", "--no-swings", "--json"), risk("--workers", "3", "--no-swings", "--json")
    assert one.out == two.out
    assert risk("--seed", "9", "--no-swings", "--json").out != one.out


def test_records_and_delays_move_the_odds(risk: Risk) -> None:
    words = ("--target", "command-centre", "--by", "2040", "--no-swings", "--json")

    def share(*more: str) -> float:
        return float(json.loads(risk(*words, *more).out)["target"]["probability"]["share"])

    assert share("--record", "launch:cz-10=50/50") > share() > share("--record", "landing:CN=0/9")
    assert share("--slip-days", "0") > share("--slip-days", "3000")


def test_the_orbital_plan_too(cli: Callable[..., Any], tmp_path: Path) -> None:
    picture = tmp_path / "risk.svg"
    found = cli("build", "risk", "ilrs-orbit", "--runs", "200", "--no-swings", "--json", "--plot", picture)
    assert found.code == 0, found.err
    assert "core-module" in json.loads(found.out)["target"]["elements"]
    assert "<svg" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--runs", "0"), "runs"),
        (("--target", "nothing"), "nothing"),
        (("--by", "soon"), "by"),
        (("--by", "2036/2035"), "backwards"),
        (("--date", "2036", "--date", "2035"), "dates"),
        (("--power-kw", "nan"), "power_w"),
        (("--data-mbit-s", "-1"), "data_bit_s"),
        (("--reflights", "77"), "reflights"),
        (("--record", "launch:cz-10"), "--record"),
        (("--record", "launch:cz-10=5/4"), "record"),
        (("--record", "launch:nothing=1/1"), "nothing"),
        (("--slip-days", "-3"), "slip_days"),
        (("--slip-days", "nan"), "slip_days"),
        (("--workers", "0"), "workers"),
        (("--scheduler", "local:x"), "local"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(risk: Risk, words: tuple[str, ...], told: str) -> None:
    found = risk(*words)
    assert found.code == 2
    assert told in found.err
    assert len(found.err.strip().splitlines()) == 1
