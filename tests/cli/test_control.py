"""``moonpost control``: upkeep of an archive, while a server runs and while none does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.archive import Archive
from moonpost.control.database import Database
from moonpost.control.ground import Ground
from moonpost.control.packets import read_xtce, write_xtce

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from ground_samples import LAYOUT, at, dictionary, framed, rover, sky

Cli = Callable[..., Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "mission"
    with Ground.open(folder / "archive", dictionary(), layout=LAYOUT) as ground:
        ground.receive(framed(rover(range(50))), at=at(50))
        ground.receive(framed(rover(range(80, 100))), "b", at=at(100))
        ground.receive(framed(sky(range(100))), "c", at=at(100))
    return folder


def test_verify_tells_what_is_wrong(cli: Cli, data: Path) -> None:
    run = cli("control", "verify", data)
    assert (run.code, "170 packets in 1 segment, 2 parts of parameters: sound" in run.out) == (0, True), run.out
    value = json.loads(cli("control", "verify", data / "archive", "--json").out)
    assert (value["sound"], value["packets"], value["findings"]) == (True, 170, [])
    segment = next((data / "archive" / "raw").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    content[1000] ^= 1
    segment.write_bytes(content)
    run = cli("control", "verify", data)
    assert (run.code, "NOT sound" in run.out, segment.name in run.out) == (1, True, True)


def test_verify_looks_at_what_lies_beside_the_archive(cli: Cli, data: Path) -> None:
    with Database.open(data / "control.sqlite") as database:
        database.create()
    assert cli("control", "verify", data).code == 0
    content = bytearray((data / "control.sqlite").read_bytes())
    content[100:4000] = bytes(3900)
    (data / "control.sqlite").write_bytes(content)
    (data / "ledger.sqlite").write_bytes(b"no ledger")
    value = json.loads(cli("control", "verify", data, "--json").out)
    assert not value["sound"]
    assert {finding["place"] for finding in value["findings"]} == {"control.sqlite", "ledger.sqlite"}


def test_rebuild_makes_the_same_parameters_again(cli: Cli, data: Path) -> None:
    for part in (data / "archive" / "parameters").iterdir():
        part.unlink()
    value = json.loads(cli("control", "rebuild", data, "--json").out)
    assert (value["packets"], value["undecoded"], value["rejects"]) == (170, 0, {})
    run = cli("control", "gaps", data, "--json")
    (gap,) = json.loads(run.out)["gaps"]
    assert (gap["packet"], gap["missing"], gap["after"]) == ("rover", 30, f"{at(49)}Z")
    assert "rover" in cli("control", "gaps", data).out
    assert cli("control", "gaps", data, "--stop", "2040-01-01T00:00:20Z").out == "no packet is missing\n"


def test_rebuild_by_another_dictionary_keeps_it(cli: Cli, data: Path, tmp_path: Path) -> None:
    own = dictionary()
    write_xtce(type(own)(own.name, own.parameters, own.packets[:1]), tmp_path / "sky.xml")
    value = json.loads(cli("control", "rebuild", data, "--xtce", tmp_path / "sky.xml", "--json").out)
    assert value["rejects"] == {"unknown packet": 70}
    assert len(read_xtce(data / "archive" / "dictionary.xml").packets) == 1
    assert len(read_xtce(data / "archive" / "dictionary-1.xml").packets) == 2


def test_a_running_server_may_be_verified_and_not_rebuilt(cli: Cli, data: Path) -> None:
    with Ground.open(data / "archive", dictionary(), layout=LAYOUT) as ground:
        ground.receive(framed(rover(range(200, 210))), at=at(300))
        assert cli("control", "verify", data).code == 0
        assert json.loads(cli("control", "gaps", data, "--json").out)["gaps"][-1]["missing"] == 100
        run = cli("control", "rebuild", data)
        assert (run.code, "another process writes this archive" in run.err, run.err.count("\n")) == (2, True, 1)
        ground.receive(framed(rover(range(210, 220))), "b", at=at(300))
    with Archive.open(data / "archive") as archive:
        assert sum(segment.records for segment in archive.segments) == 190


@pytest.mark.parametrize("ending", ["csv", "parquet", "nc"])
def test_export_in_every_form(cli: Cli, data: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"all.{ending}"
    value = json.loads(cli("control", "export", data, "--out", out, "--json").out)
    assert (value["rows"], len(value["parameters"]), out.stat().st_size > 500) == (240, 3, True)
    run = cli("control", "export", data, "--out", out, "--parameter", "rover.number",
              "--start", "2040-01-01T00:00:10Z", "--stop", "2040-01-01T00:00:20Z")  # fmt: skip
    assert (run.code, "10 rows of 1 parameter\n" in run.out) == (0, True)
    if ending == "csv":
        rows = out.read_text().splitlines()[1:]
        assert [float(row.split(",")[2]) for row in rows] == list(np.arange(10.0, 20.0))


def test_bad_input_is_told_in_one_line(cli: Cli, data: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_text("no XTCE")
    for words, part in (
        (("verify", tmp_path / "nothing"), "holds no archive"),
        (("export", data, "--out", tmp_path / "a.csv", "--stop", "nan"), "--stop: cannot read"),
        (("rebuild", tmp_path), "holds no archive"),
        (("gaps", data, "--start", "yesterday"), "--start: cannot read 'yesterday'"),
        (("gaps", data, "--start", "2040-01-02", "--stop", "2040-01-01"), "--stop"),
        (("export", data, "--out", tmp_path / "a.txt"), "ending"),
        (("export", data, "--out", tmp_path / "a.csv", "--parameter", "rover.numer"), "rover.number"),
        (("rebuild", data, "--xtce", tmp_path / "bad.xml"), "bad.xml"),
        (("dictionary", "no-such-plan", "--out", tmp_path / "a.xml"), "no-such-plan"),
    ):
        run = cli("control", *words)
        assert (run.code, run.err.count("\n"), part in run.err) == (2, 1, True), run.err
    (data / "archive" / "dictionary.xml").unlink()
    run = cli("control", "gaps", data)
    assert (run.code, "--xtce" in run.err) == (2, True)


def test_the_dictionary_of_a_station_with_its_commands(cli: Cli, tmp_path: Path) -> None:
    value = json.loads(cli("control", "dictionary", "ilrs", "--out", tmp_path / "ilrs.xml", "--json").out)
    found = read_xtce(tmp_path / "ilrs.xml")
    assert (len(found.packets), len(found.parameters)) == (value["packets"], value["parameters"])
    assert value["commands"] > 20
