"""``moonpost study --alternative`` and ``moonpost design heritage`` from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from moonpost.cli.study import _comparison_text
from moonpost.plan import plan_path
from moonpost.study.alternative import compare_plans


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Both bundled plans over two weeks, the base without candidates."""
    folder = tmp_path_factory.mktemp("plans")
    found = []
    for name in ("ilrs", "ilrs-orbit"):
        text = plan_path(name).read_text(encoding="utf-8").replace("years = 19.0", "years = 0.04")
        lines = ["candidates = []" if line.startswith("candidates = [") else line for line in text.splitlines()]
        path = folder / f"{name}.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        found.append(path)
    return found[0], found[1]


def test_one_table_one_page_and_json(cli, plans, tmp_path, monkeypatch):
    """The two studies' own reports, tested elsewhere, are stood in for by a line each."""
    monkeypatch.setattr("moonpost.report.write.report", lambda found, path: path.write_text(found.plan.id))
    out = tmp_path / "out"
    words = ["study", plans[0], "--alternative", plans[1], "--out", out, "--quiet", "--members", 2, "--nodes", 2]
    done = cli(*words, "--runs", 50, "--json", "--plot", tmp_path / "trade.png")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [side["id"] for side in told["plans"]] == ["ilrs", "ilrs-orbit"]
    assert json.loads((out / "alternative.json").read_text()) == told
    assert (tmp_path / "trade.png").read_bytes().startswith(b"\x89PNG")
    assert "ILRS orbital station" in (out / "alternative.html").read_text()
    assert (out / "report.html").read_text() == "ilrs"
    assert (out / "alternative-ilrs-orbit" / "report.html").read_text() == "ilrs-orbit"
    with (out / "alternative.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(told["rows"])
    again = compare_plans(list(plans), out, members=0, nodes=0, runs=0)
    assert (out / "alternative-ilrs-orbit" / "study.json").exists(), "what lay in the folder is kept"
    text = _comparison_text(again.record, out, "")
    assert "Longest darkness" in text
    assert "ce8" in text
    assert "alternative.html" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--alternative", "ilrs-orbitt"], "ilrs-orbit"),
        (["--alternative", "ilrs"], "the same plan twice"),
        (["--alternative", "ilrs-orbit", "--members", "-3"], "members"),
        (["--alternative", "ilrs-orbit", "--plot", "trade.txt"], "--plot"),
        (["--plot", "trade.png"], "--alternative"),
    ],
)
def test_what_cannot_be_compared_ends_in_one_line(cli, tmp_path, words, told):
    done = cli("study", "ilrs", "--out", tmp_path / "out", "--quiet", *words)
    assert done.code == 2
    assert told in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_broken_alternative_tells_all_its_faults(cli, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(plan_path("ilrs-orbit").read_text().replace("years = 19.0", "years = -1.0"))
    done = cli("study", "ilrs", "--alternative", bad, "--out", tmp_path / "out", "--quiet")
    assert done.code == 2
    assert "design.years" in done.err
    assert not (tmp_path / "out").exists()


def test_heritage_of_a_plan(cli):
    done = cli("design", "heritage", "ilrs", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert {row["element"] for row in told["findings"]} == {"station-battery", "station-battery-2"}
    text = cli("design", "heritage", "ilrs")
    assert "claims modified" in text.out
    assert "still fits" in text.out


def test_the_catalogue_and_its_records(cli, tmp_path):
    listed = json.loads(cli("design", "heritage", "--operator", "ussr", "--json").out)["missions"]
    assert len(listed) == 24
    text = cli("design", "heritage", "--until", 1976, "--plot", tmp_path / "heritage.svg")
    assert "NOT VERIFIED" in text.out
    assert (tmp_path / "heritage.svg").read_text().lstrip().startswith("<?xml")
    record = cli("design", "heritage", "--technology", "soft-landing", "--operator", "cnsa")
    assert "4 of 4 worked" in record.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--technology", "soft-landng"], "soft-landing"),
        (["--operator", "nobody"], "nobody"),
        (["--catalogue", "missing.toml"], "missing.toml"),
        (["ilrs", "--lapse-years", "-2"], "lapse_years"),
        (["ilrs", "--plot", "a.doc"], "a.doc"),
        (["nowhere"], "nowhere"),
    ],
)
def test_bad_words_about_heritage_end_in_one_line(cli, words, told):
    done = cli("design", "heritage", *words)
    assert done.code == 2
    assert told in done.err
    assert len(done.err.strip().splitlines()) == 1
