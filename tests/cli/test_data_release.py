"""``moonpost data-release`` and ``moonpost partner objectives``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "quakes.csv"
    path.write_text("time,velocity_m_s\n2027-03-01T00:00:00Z,1e-9\n2027-03-01T00:00:01Z,-2.5e-9\n")
    return path


def test_list_tells_dates_and_states(cli: Cli, tmp_path: Path) -> None:
    done = cli("data-release", "list", "ilrs", "--at", "2027-03-15", "--json", "--plot", tmp_path / "r.svg")
    rows = {row["product"]: row for row in json.loads(done.out)}
    assert (rows["moonquake-series"]["state"], rows["oxygen-yields"]["state"]) == ("due", "to-come")
    assert "Maps of minerals" in (tmp_path / "r.svg").read_text()
    some = cli("data-release", "list", "ilrs", "--at", "2027-03-15", "--state", "due")
    assert "moonquake-series" in some.out
    assert "oxygen-yields" not in some.out


def test_list_for_one_partner_names_the_rule(cli: Cli) -> None:
    done = cli("data-release", "list", "ilrs", "--at", "2027-03-15", "--partner", "egypt", "--json")
    rows = {row["product"]: row for row in json.loads(done.out)}
    assert (rows["mineral-cubes"]["answer"], rows["mineral-cubes"]["rule"]) == ("yes", "producer")
    assert rows["oxygen-yields"]["answer"] == "not-yet"


def test_show_answers_for_products_and_samples(cli: Cli) -> None:
    done = cli("data-release", "show", "ilrs", "mineral-maps", "--at", "2027-06-01", "--json")
    rows = {row["partner"]: row for row in json.loads(done.out)}
    assert rows["public"]["since"] > rows["venezuela"]["since"] > rows["cnsa"]["since"]
    one = cli(
        "data-release", "show", "ilrs", "mineral-maps", "--partner", "public", "--at", "2027-06-01", "--json"
    )
    assert [row["partner"] for row in json.loads(one.out)] == ["public"]
    sample = cli(
        "data-release", "show", "ilrs", "ce5-sample", "--partner", "egypt", "--at", "2027-03-01", "--json"
    )
    (row,) = json.loads(sample.out)
    assert (row["answer"], row["soonest"]) == ("apply", "2027-03-15")


def test_label_and_check(cli: Cli, tmp_path: Path, series: Path) -> None:
    out = tmp_path / "archive"
    words = ("data-release", "label", "ilrs", "moonquake-series", series, "--out", out, "--form", "delimited")
    first = json.loads(cli(*words, "--date", "2027-06-01", "--json").out)
    assert first["lid"] == "urn:ros:rssa:ilrs:data-calibrated:moonquake-series"
    again = cli(*words)
    assert again.code == 2
    assert "later one" in again.err
    assert cli(*words, "--version", "1.1", "--change", "More.").code == 0
    sound = cli("data-release", "check", out)
    assert sound.code == 0
    assert "2 labels" in sound.out
    data = Path(first["data"])
    data.write_bytes(data.read_bytes().replace(b"-09", b"-08"))
    found = cli("data-release", "check", out, "--json")
    assert found.code == 1
    bad = {Path(row["label"]).name: row for row in json.loads(found.out)}
    assert [fault["kind"] for fault in bad["moonquake-series_v1.0.xml"]["faults"]] == ["checksum"]
    assert bad["moonquake-series_v1.1.xml"]["sound"]


def test_releases_are_recorded_and_held_against_the_ledger(cli: Cli, tmp_path: Path, series: Path) -> None:
    place, keys, out = tmp_path / "station.db", tmp_path / "keys", tmp_path / "archive"
    assert cli("ledger", "init", "ilrs", place, "--keys", keys).code == 0
    (key,) = keys.glob("cnsa-*.pem")
    for name in ("moonquake-series", "water-spectra"):
        assert cli("data-release", "label", "ilrs", name, series, "--out", out).code == 0
    first, second = sorted(out.glob("*.xml"))
    done = cli("data-release", "record", place, first, "--key", key, "--json")
    (row,) = json.loads(done.out)
    assert (row["party"], row["version"], len(row["label_sha256"])) == ("cnsa", "1.0", 64)
    assert cli("data-release", "check", first, "--ledger", place).code == 0
    lacking = cli("data-release", "check", out, "--ledger", place)
    assert lacking.code == 1
    assert "no party has recorded" in lacking.out
    again = cli("data-release", "record", place, second, first, "--key", key)
    assert (again.code, "cnsa recorded" in again.err) == (2, True)
    assert cli("data-release", "record", place, second, second, "--key", key).code == 2
    assert cli("data-release", "check", second, "--ledger", place).code == 1

    label = first.read_text()
    first.write_text(label.replace("First version.", "First release."))
    changed = cli("data-release", "check", first, "--ledger", place, "--json")
    assert changed.code == 1
    assert [fault["kind"] for fault in json.loads(changed.out)[0]["faults"]] == ["ledger"]
    first.write_text(label)
    export = tmp_path / "station.jsonl"
    assert cli("ledger", "export", place, export).code == 0
    assert cli("data-release", "check", first, "--ledger", export).code == 0
    export.write_bytes(export.read_bytes().replace(b"moonquake", b"moonquage"))
    assert cli("data-release", "check", first, "--ledger", export).code == 2
    data = next(out.glob("moonquake*.dat"))
    data.write_bytes(bytes(len(data.read_bytes())))
    kinds = json.loads(cli("data-release", "check", first, "--ledger", place, "--json").out)[0]["faults"]
    assert {fault["kind"] for fault in kinds} == {"checksum", "ledger"}
    assert cli("data-release", "record", place, second, first, "--key", key).code == 2


def test_computed_results_are_labelled_as_such(cli: Cli, tmp_path: Path, series: Path) -> None:
    words = ("data-release", "label", "ilrs", "velocity-model", series, "--out", tmp_path)
    assert cli(*words).code == 2
    done = cli(*words, "--computed", "--json")
    text = Path(json.loads(done.out)["label"]).read_text()
    assert "no instrument took these data" in text
    assert cli("data-release", "label", "ilrs", "moonquake-series", series, "--computed").code == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("list", "ilrs", "--partner", "nobody"), "unknown partner"),
        (("list", "ilrs", "--state", "secret"), "unknown state"),
        (("list", "ilrs", "--at", "soon"), "soon"),
        (("show", "ilrs", "nothing"), "unknown data product or sample"),
        (("label", "ilrs", "nothing", "{csv}"), "unknown data product"),
        (("label", "ilrs", "moonquake-series", "none.nc"), "no file"),
        (("label", "ilrs", "moonquake-series", "{csv}", "--variables", "height"), "unknown column"),
        (("label", "ilrs", "moonquake-series", "{csv}", "--version", "one"), "version"),
        (("label", "ilrs", "moonquake-series", "{csv}", "--form", "fits"), "unknown form"),
        (("label", "ilrs", "moonquake-series", "{csv}", "--to", "2020-01-01"), "before they begin"),
        (("label", "ilrs", "moonquake-series", "{csv}", "--date", "today"), "no day"),
        (("check", "none.xml"), "no file"),
        (("check", "{csv}", "--schema", "none.xsd"), "cannot be read"),
        (("check", "{folder}"), "no label"),
    ],
)
def test_bad_words_end_in_one_line(
    cli: Cli, tmp_path: Path, series: Path, words: tuple[str, ...], text: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    given = [str(word).format(csv=series, folder=empty) for word in words]
    if given[0] == "label":
        given += ["--out", str(tmp_path / "out")]
    done = cli("data-release", *given)
    assert (done.code, done.out) == (2, "")
    assert text in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_objectives_tell_dates_data_and_options(cli: Cli) -> None:
    rows = {row["objective"]: row for row in json.loads(cli("partner", "objectives", "ilrs", "--json").out)}
    assert set(rows["deep-structure"]["instruments"]) == {"seismometer", "ground-radar"}
    assert rows["deep-structure"]["served_from"] < rows["sample-chronology"]["served_from"]
    assert rows["lava-tubes"]["options"]
    only = json.loads(cli("partner", "objectives", "ilrs", "--missing", "--json").out)
    assert {row["objective"] for row in only} == {name for name, row in rows.items() if row["options"]}
    text = cli("partner", "objectives", "ilrs", "--missing").out
    assert "what could serve it" in text
    assert "seismometer" not in text
