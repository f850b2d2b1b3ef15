"""``moonpost operate risk``: answers, pictures, and one clear line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Risk = Callable[..., Any]


@pytest.fixture
def risk(cli: Callable[..., Any]) -> Risk:
    short = ("operate", "risk", "ilrs", "--at", "ce4-site", "--from", "2022-01-01", "--days", "40")
    return lambda *words: cli(*short, *words)


def test_numbers_come_with_their_errors(risk: Risk, tmp_path: Path) -> None:
    picture = tmp_path / "risk.png"
    found = risk("--runs", "12", "--json", "--plot", picture)
    assert found.code == 0, found.err
    told = json.loads(found.out)
    served = told["numbers"]["served_wh"]
    assert served["p05"]["value"] <= served["p50"]["value"] <= served["p95"]["value"]
    assert served["mean_error"] > 0.0
    assert told["residual_relative"] < 1e-6
    assert [row["machine"] for row in told["machines_lost"]] == ["ce4-lander", "yutu-2"]
    assert told["without_faults"]["faults"] == 0.0
    assert "assumed" in told["basis"]
    assert picture.stat().st_size > 10_000


def test_the_same_seed_gives_the_same_bytes(risk: Risk) -> None:
    one, two = risk("--runs", "9", "--workers", "1", "--json"), risk("--runs", "9", "--workers", "3", "--json")
    assert one.out == two.out
    assert risk("--runs", "9", "--seed", "77", "--json").out != one.out


def test_a_fault_with_a_date_is_in_every_risk(risk: Risk) -> None:
    found = risk("--runs", "3", "--fault", "kind=dust,subject=yutu-2,at=2022-01-20,size=0.5")
    assert found.code == 0, found.err
    assert "no machine lost in 3 runs" in found.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "kind=dust,subject=yutu-2,at=2023-01-20"], "outside the period"),
        (["--fault", "kind=dst,subject=yutu-2,at=2022-01-20"], "did you mean dust"),
        (["--fault", "kind=dust,subject=ce7-lander,at=2030-01-20"], "outside the period"),
        (["--runs", "0"], "runs: is 0"),
        (["--seed", "-1"], "seed: is -1"),
        (["--days", "nan"], "days"),
        (["--faults", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--workers", "0"], "workers"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(risk: Risk, arguments: list[str], said: str) -> None:
    found = risk("--runs", "2", *arguments)
    assert found.code == 2, found.err
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1
