"""The heritage catalogue against the record of missions in the shared data, row by row.

luna_programme.csv lists the 24 Soviet probes, events.csv dated events and landing_sites.csv places, with sources.
Dates are compared to the precision that the record gives and places to 0.02 deg, since the record has several
determinations of some sites (Chang'e 4: 0.0124 deg apart).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from moonpost.campaign.riskrecord import LANDING_RECORD, ORBIT_RECORD
from moonpost.plan.heritage import load_heritage

DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "missions" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_luna_probe_as_recorded(moonpost_data: Path) -> None:
    catalogue = load_heritage()
    found = rows(moonpost_data, "luna_programme.csv")
    assert len(found) == 24
    for k, row in enumerate(found, 1):
        mission = catalogue.mission(f"luna-{k}")
        assert mission.name == row["name"]
        assert mission.launch.rstrip("Z") == row["launch"]
        arrival = DATE.match(row["outcome_utc"])
        assert arrival is not None
        assert mission.reached is not None
        assert mission.reached.rstrip("Z") == arrival[0]
        assert (mission.sample_g is None) == (not row["sample_g"])
        if row["sample_g"]:
            assert mission.sample_g == float(row["sample_g"])
        assert (mission.latitude_deg is None) == (not row["lat"])
        if row["lat"]:
            assert mission.latitude_deg == float(row["lat"])
            assert mission.longitude_deg == float(row["lon_e"])
        if "NOT VERIFIED" in row["source"]:
            assert "launch" in mission.not_verified, "marked in the record, so marked here"
        if row["source"].startswith("NOT VERIFIED"):
            assert mission.source.startswith("NOT VERIFIED")
            assert "outcome" in mission.not_verified


@pytest.mark.parametrize(
    ("name", "mission", "event", "field"),
    [
        ("Chang'e 3", "ce3", "launch", "launch"),
        ("Chang'e 3", "ce3", "landing", "reached"),
        ("Chang'e 4", "ce4", "launch", "launch"),
        ("Chang'e 4", "ce4", "landing", "reached"),
        ("Chang'e 5", "ce5", "launch", "launch"),
        ("Chang'e 5", "ce5", "landing", "reached"),
        ("Chang'e 6", "ce6", "launch", "launch"),
        ("Chang'e 6", "ce6", "landing", "reached"),
        ("Queqiao-1", "queqiao", "launch", "launch"),
        ("Queqiao-1", "queqiao", "halo_insertion", "reached"),
        ("Queqiao-2", "queqiao-2", "launch", "launch"),
        ("Queqiao-2", "queqiao-2", "LOI", "reached"),
        ("LRO", "lro", "launch", "launch"),
        ("LRO", "lro", "LOI_end", "reached"),
        ("Apollo 11", "apollo-11", "landing", "reached"),
        ("Apollo 12", "apollo-12", "landing", "reached"),
        ("Artemis II", "artemis-2", "launch", "launch"),
    ],
)
def test_dated_events(moonpost_data: Path, name: str, mission: str, event: str, field: str) -> None:
    wanted = next(
        row["utc"] for row in rows(moonpost_data, "events.csv") if row["mission"] == name and row["event"] == event
    )
    assert getattr(load_heritage().mission(mission), field).rstrip("Z") == wanted


def test_places_of_landing(moonpost_data: Path) -> None:
    ids = {
        "Lunokhod 1": "luna-17", "Lunokhod 2": "luna-21", "Luna 16": "luna-16", "Luna 24": "luna-24",
        "Chang'e 3": "ce3", "Chang'e 4": "ce4", "Chang'e 5": "ce5", "Chang'e 6": "ce6", "SLIM": "slim",
        "Chandrayaan-3": "chandrayaan-3", "IM-1 Odysseus": "im-1", "Blue Ghost M1": "blue-ghost-1",
        "LCROSS impact": "lcross", "Apollo 12": "apollo-12", "Apollo 14": "apollo-14", "Apollo 15": "apollo-15",
        "Apollo 16": "apollo-16", "Apollo 17": "apollo-17",
    }  # fmt: skip
    compared = 0
    for row in rows(moonpost_data, "landing_sites.csv"):
        if row["name"] not in ids:
            continue
        mission = load_heritage().mission(ids[row["name"]])
        assert mission.latitude_deg == pytest.approx(float(row["lat"]), abs=0.02)
        assert mission.longitude_deg == pytest.approx(float(row["lon_e"]), abs=0.02)
        compared += 1
    assert compared == len(ids)


def test_records_that_the_risk_uses_are_those_of_the_catalogue() -> None:
    """Landings since Luna 9, the first soft one, and arrivals in orbit of orbiters, counted here once more."""
    catalogue = load_heritage()
    russian, chinese = ["ussr", "roscosmos"], ["cnsa"]
    for country, operators in (("RU", russian), ("CN", chinese)):
        landings = catalogue.attempts("soft-landing", operators=operators, since=1966)
        assert (landings.successes, landings.trials) == (
            LANDING_RECORD[country].successes,
            LANDING_RECORD[country].trials,
        )
    orbits = catalogue.attempts("orbit", operators=russian)
    assert (orbits.successes, orbits.trials) == (ORBIT_RECORD["RU"].successes, ORBIT_RECORD["RU"].trials)
