"""``moonpost build order``: steps, dates alone, a picture, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEPT = ["element", "name", "owner", "kind", "start", "stop", "requires"]


def test_steps_capability_and_a_picture(cli: Callable[..., Any], tmp_path: Path) -> None:
    picture = tmp_path / "order.png"
    found = json.loads(
        cli("build", "order", "ilrs", "--contact", "relay", "--slot-h", "2", "--plot", picture, "--json").out
    )
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert all(list(bar) == KEPT for bar in found["gantt"])
    assert {
        "date",
        "cause",
        "elements",
        "station_power_w",
        "mass_kg",
        "objectives",
        "data_mbit_day",
        "payload_kg",
    } <= (set(found["capability"][0]))
    assert all(set(row) == {"severity", "place", "text"} for row in found["conflicts"])
    assert {"unload", "drive", "deploy", "connect", "commission"} <= {step["kind"] for step in found["steps"]}
    works = {bar["element"]: bar["start"] for bar in found["gantt"] if bar["kind"] == "operation"}
    for step in found["steps"]:
        assert step["stop"] <= works[step["element"]], step["id"]
    assert all(stage["faults"] == [] for stage in found["stages"])


def test_dates_alone(cli: Callable[..., Any]) -> None:
    found = json.loads(cli("build", "order", "ilrs", "--dates-only", "--json").out)
    assert found["steps"] == found["stages"] == []
    text = cli("build", "order", "ilrs", "--dates-only").out
    assert "Vertical solar array" in text
    assert "downlink (Mbit/d)" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--case", "soon"), "give earliest or latest"),
        (("--contact", "radio"), "give earth or relay"),
        (("--slot-h", "nan"), "give 60 to 7200 s"),
        (("--transit-days", "-3"), "is no duration"),
        (("--plot", "order.xyz"), "end it in .png"),
        (("--workers", "0"), "give 1 or more"),
    ],
)
def test_what_it_refuses(cli: Callable[..., Any], words: tuple[str, ...], told: str) -> None:
    run = cli("build", "order", "ilrs", *words)
    assert run.code == 2
    assert told in run.err
    assert run.err.strip().count("\n") == 0
