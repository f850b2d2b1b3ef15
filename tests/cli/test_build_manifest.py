"""``moonpost build manifest``: its keys, the loading, question 3, pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

QUESTION = ("build", "manifest", "ilrs", "--land-t", 30, "--by", 2035, "--no-windows")
COSTS = ("--cost", "cz-10=3", "--cost", "cz-9=5.5", "--cost", "cz-5=1")


def rows(run: Any) -> Any:
    assert run.code == 0, run.err
    return json.loads(run.out)


def test_the_keys_of_the_manifest_stay_and_the_loading_comes_besides(cli: Any) -> None:
    found = rows(cli("build", "manifest", "ilrs", "--no-windows", "--json"))
    assert set(found) == {"launches", "years", "loading"}
    launch = next(row for row in found["launches"] if row["mission"] == "ce6")
    assert (launch["launch_mass_kg"], launch["capacity_kg"], launch["margin_kg"]) == (8350.0, 8350.0, 0.0)
    assert {"year", "launches", "landed_kg", "payload_kg"} <= set(found["years"][0])
    loading = found["loading"]
    assert loading["optimal"] is True
    assert loading["gap"] == 0.0
    assert loading["value"] == loading["bound"] == len(loading["flights"])
    flown = [name for flight in loading["flights"] for name in flight["cargo"]]
    assert sorted(flown) == sorted(row["id"] for row in loading["cargo"]["rows"])
    assert {row["id"] for row in loading["kinds"]["left_out"]} >= {"angara-a5", "soyuz-2-1b"}


def test_the_text_says_that_it_is_proved_and_names_what_is_left_out(cli: Any) -> None:
    told = cli("build", "manifest", "ilrs", "--no-windows").out
    assert "3 launches, proved optimal" in told
    assert "the plan's own         7" in told
    assert "left out: angara-a5: its mass to the Moon is not known" in told


def test_launches_are_on_days_of_computed_transfers(cli: Any) -> None:
    found = rows(cli("build", "manifest", "ilrs-orbit", "--launcher", "cz-10", "--from", "2035-06", "--json"))
    assert found["loading"]["conflict"]
    found = rows(cli("build", "manifest", "ilrs-orbit", "--launcher", "cz-10", "--aim", "robust", "--json"))
    assert found["loading"]["optimal"]
    for flight in found["loading"]["flights"]:
        assert 3100.0 < flight["tli_m_s"] < 3180.0
        assert 780.0 < flight["loi_m_s"] < 900.0


def test_question_3_the_fewest_and_the_cheapest(cli: Any) -> None:
    fewest = rows(cli(*QUESTION, "--json"))["landing"]
    cheapest = rows(cli(*QUESTION, "--aim", "cost", *COSTS, "--json"))["landing"]
    assert fewest["optimal"]
    assert cheapest["optimal"]
    assert fewest["launches"] <= cheapest["launches"]
    costs = {"cz-10": 3.0, "cz-9": 5.5, "cz-5": 1.0}
    assert cheapest["cost"] == sum(row["launches"] * costs[row["launcher"]] for row in cheapest["rows"])
    assert min(fewest["landed_kg"], cheapest["landed_kg"]) >= 30_000.0
    assert {"cz-3b", "cz-8", "angara-a5"} <= {row["id"] for row in cheapest["left_out"]}
    assert cheapest["if_low"] > cheapest["if_high"]
    told = cli(*QUESTION, "--aim", "cost", *COSTS).out
    assert "30 t of cargo by 2035-12-31" in told
    assert "proved optimal" in told
    assert "left out: angara-a5" in told


def test_what_cannot_be_done_is_told(cli: Any) -> None:
    told = cli(*QUESTION[:4], 500, *QUESTION[5:])
    assert told.code == 0
    assert "cannot be done: the" in told.out
    assert "too little" in told.out
    told = cli("build", "manifest", "ilrs", "--launcher", "cz-5", "--no-windows")
    assert "reactor is too heavy for any launch" in told.out


@pytest.mark.parametrize(
    "words", [("build", "manifest", "ilrs-orbit", "--no-windows"), (*QUESTION, "--aim", "robust")]
)
def test_pictures(cli: Any, tmp_path: Path, words: tuple[object, ...]) -> None:
    run = cli(*words, "--plot", tmp_path / "out.png")
    assert run.code == 0, run.err
    assert (tmp_path / "out.png").stat().st_size > 5000


def test_no_picture_of_nothing(cli: Any, tmp_path: Path) -> None:
    run = cli(*QUESTION[:4], 500, *QUESTION[5:], "--plot", tmp_path / "out.png")
    assert run.code == 0
    assert "not written" in run.err
    assert not (tmp_path / "out.png").exists()
    run = cli(*QUESTION, "--plot", tmp_path / "nowhere" / "deeper" / "out.png")
    assert run.code in (0, 2)
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--aim", "luck"), "--aim"),
        (("--aim", "cost"), "no launcher has a cost"),
        (("--land-t", 5), "come together"),
        (("--by", 2035), "come together"),
        (("--land-t", "nan", "--by", 2035), "mass"),
        (("--land-t", -5, "--by", 2035), "mass"),
        (("--land-t", 5, "--by", 1999), "before the first launch"),
        (("--land-t", 5, "--by", "soon"), "not a date"),
        (("--land-t", 5, "--by", 2035, "--count", "all"), "count"),
        (("--cost", "cz-10"), "--cost"),
        (("--cost", "cz-11=3"), "cz-11"),
        (("--cost", "cz-10=-3"), "cz-10"),
        (("--per-year", "cz-10=0"), "cz-10"),
        (("--launcher", "cz-11"), "cz-11"),
        (("--transfer", "none"), "none"),
        (("--reserve", 2), "reserve"),
        (("--from", "soon"), "not a date"),
        (("--seconds", 0), "seconds"),
        (("--plot", "out.txt"), "--plot"),
    ],
)
def test_what_cannot_be_used_ends_in_one_line(cli: Any, words: tuple[object, ...], told: str) -> None:
    run = cli("build", "manifest", "ilrs", "--no-windows", *words)
    assert run.code == 2
    assert run.out == ""
    assert len(run.err.strip().splitlines()) == 1
    assert told in run.err
