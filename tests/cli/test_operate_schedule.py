"""``moonpost operate schedule`` and ``check-schedule``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLI = Callable[..., Any]
SMALL = ("operate", "schedule", "ilrs", "--from", "2038-07-10", "--days", "5", "--seconds", "0")


def test_a_schedule_is_made_edited_checked_and_restored(cli: CLI, tmp_path: Path) -> None:
    path, picture = tmp_path / "plan.json", tmp_path / "gantt.png"
    made = json.loads(cli(*SMALL, "--out", path, "--plot", picture, "--json").out)
    assert made["check"]["ok"]
    assert made["files"]["version"] == 1
    assert picture.stat().st_size > 10_000
    assert {row["id"] for row in made["placements"]} >= {"survey-drive-1", "sample-analysis-1"}
    reasons = {row["id"]: row["reason"] for row in made["refusals"]}
    assert "ce7-target" in reasons["hop-into-shadow-1"]
    assert reasons["unload-cargo-1"].startswith("needs 60 h in contact")

    edit = ("operate", "schedule", "ilrs", "--out", path)
    shifted = cli(*edit, "--edit", "shift survey-drive-1 +2h", "--lock", "sample-analysis-1")
    assert shifted.code == 0
    refused = cli(*edit, "--shift", "survey-drive-1=+23h", "--json")
    assert refused.code == 1
    told = json.loads(refused.out)
    assert not told["accepted"]
    assert {row["kind"] for row in told["reasons"]} >= {"period"}
    assert json.loads(path.read_text())["version"] == 2

    checked = cli("operate", "check-schedule", path, "ilrs")
    assert (checked.code, "no rule is broken" in checked.out) == (0, True)
    again = json.loads(cli(*edit, "--resume", "--seconds", "0", "--json").out)
    starts = {row["id"]: row["start"] for row in again["placements"]}
    before = {row["id"]: row["start"] for row in made["placements"]}
    assert starts["survey-drive-1"] == before["survey-drive-1"].replace("T00", "T02")
    assert cli(*edit, "--restore", "1").code == 0
    kept = json.loads(path.read_text())
    assert [row["text"] for row in kept["versions"]][1:3] == [
        "shift survey-drive-1 +2h; lock sample-analysis-1",
        "searched 0 s",
    ]
    assert kept["placements"] == made["placements"]


def test_a_schedule_that_breaks_a_rule_is_refused_by_the_check(cli: CLI, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    cli(*SMALL, "--out", path)
    data = json.loads(path.read_text())
    rows = data["versions"][0]["schedule"]["placements"]
    drive = next(row for row in rows if row["id"] == "survey-drive-1")
    drive["power_w"] = 1.0
    path.write_text(json.dumps(data))
    found = cli("operate", "check-schedule", path, "ilrs", "--json")
    assert found.code == 1
    assert [row["kind"] for row in json.loads(found.out)["violations"]] == ["changed"]


def test_shares_limit_partners(cli: CLI) -> None:
    found = json.loads(cli(*SMALL, "--share", "cnsa=0.9", "--share", "roscosmos=0.01", "--json").out)
    used = sum(1 for row in found["placements"] if row["partner"] == "roscosmos")
    assert used == 0
    assert any("entitlement in lunar day 1" in row["reason"] for row in found["refusals"])
    by_mass = json.loads(cli(*SMALL, "--shares-by", "mass", "--share-of", "energy", "--json").out)
    assert sum(row["share"] for row in by_mass["entitlements"]) == pytest.approx(1.0)


def test_contacts_of_a_relay_take_the_place_of_ground_stations(cli: CLI, tmp_path: Path) -> None:
    path = tmp_path / "relay.json"
    path.write_text('[["2038-07-10T00:00Z", "2038-07-15T00:00Z"]]')
    found = json.loads(cli(*SMALL, "--contacts", path, "--json").out)
    assert "unload-cargo-1" in {row["id"] for row in found["placements"]}


def test_an_orbital_station_is_scheduled(cli: CLI) -> None:
    words = (
        "operate",
        "schedule",
        "ilrs-orbit",
        "--from",
        "2038-07-10",
        "--days",
        "2",
        "--seconds",
        "0",
        "--json",
    )
    found = json.loads(cli(*words).out)
    assert found["site"] is None
    assert found["check"]["ok"]
    assert [row["id"] for row in found["placements"]] == ["downlink-1", "downlink-2"]


@pytest.mark.parametrize(
    "words",
    [
        ("--days", "nan"),
        ("--days", "0"),
        ("--seconds", "-1"),
        ("--workers", "0"),
        ("--seed", "-1"),
        ("--slot", "0"),
        ("--reserve", "2"),
        ("--site", "nowhere"),
        ("--share", "cnsa"),
        ("--share", "cnsa=2"),
        ("--share", "nobody=0.5"),
        ("--shares-by", "luck"),
        ("--share-of", "luck", "--share", "cnsa=1"),
        ("--edit", "shift survey-drive-1 +2h"),
        ("--resume",),
        ("--contacts", "none.json"),
        ("--from", "1200-01-01"),
    ],
)
def test_bad_input_ends_in_one_line(cli: CLI, words: tuple[str, ...]) -> None:
    done = cli("operate", "schedule", "ilrs", "--from", "2038-07-10", "--days", "2", "--seconds", "0", *words)
    assert done.code == 2, done.out
    assert done.err.strip().count("\n") == 0


def test_a_file_of_another_period_is_not_written_over(cli: CLI, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    cli(*SMALL, "--out", path)
    text = path.read_text()
    done = cli(
        "operate", "schedule", "ilrs", "--from", "2038-08-10", "--days", "2", "--seconds", "0", "--out", path
    )
    assert done.code == 2
    assert path.read_text() == text
    path.write_text("{")
    for words in (("operate", "check-schedule", path, "ilrs"), (*SMALL, "--out", path)):
        assert cli(*words).code == 2
