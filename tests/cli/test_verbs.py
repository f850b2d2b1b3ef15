"""Each verb answers, as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moonpost.cli.output import plain, table

HEAVY = {
    "numpy", "numba", "pydantic", "matplotlib", "rich", "xarray", "rasterio", "pyproj", "skyfield", "jinja2",
    "scipy", "pandas", "h5py", "http.server",
}  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; sys.argv=['moonpost','--help']\nfrom moonpost.cli.main import main\n"
    code += "try:\n main()\nexcept SystemExit: pass\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "study" in run.stdout
    assert not HEAVY & set(run.stderr.split())


def test_day_of_change_4(cli: Callable[..., Any]) -> None:
    """CNSA counted 2021-03-08 to lunar day 28, Earth day 795 of Chang'e 4."""
    run = cli(
        "operate", "day", "--site", "-45.457,177.589", "--landed", "2019-01-03T02:26Z",
        "--at", "2021-03-08T12:00Z", "--json",
    )  # fmt: skip
    found = json.loads(run.out)
    assert (found["lunar_day"], found["earth_day"]) == (28, 795)


def test_calendar_lists_wake_and_sleep(cli: Callable[..., Any], moonpost_data: Path) -> None:
    events = moonpost_data / "missions" / "change4_events_2019_2020.csv"
    run = cli(
        "operate", "calendar", "--events", events, "--site", "-45.457,177.589", "--from", "2020-06-01",
        "--to", "2022-08-01", "--json",
    )  # fmt: skip
    rows = json.loads(run.out)
    assert {"vehicle", "lunar_day", "event", "utc", "sun_elevation_deg"} <= rows[0].keys()
    for vehicle in ("rover", "lander"):
        days = [row["lunar_day"] for row in rows if (row["vehicle"], row["event"]) == (vehicle, "wake")]
        assert days == list(range(days[0], days[0] + 26)) or days == list(range(days[0], days[0] + 27))
        assert days[0] == 19
    sleeps = [row for row in rows if row["event"] == "sleep"]
    assert {row["basis"] for row in sleeps} == {"interval"}
    assert "note:" in run.err


def test_site_point_in_the_polar_night(cli: Callable[..., Any]) -> None:
    """At 89.5 S on the built-in grid: the keys that others script against, all within their bounds."""
    run = cli(
        "site",
        "point",
        "--site=-89.5,0",
        "--mast",
        "2",
        "--from",
        "2030-01-01",
        "--years",
        "1",
        "--json",
        "--profile",
    )
    found = json.loads(run.out)
    keys = {
        "average_illumination", "percent_lit", "longest_dark_d", "longest_light_d", "earth_visible",
        "longest_earth_outage_d", "grade", "azimuth_deg", "elevation_deg",
    }  # fmt: skip
    assert keys <= found.keys()
    assert len(found["azimuth_deg"]) == len(found["elevation_deg"]) == 720
    assert found["grade"] == "screening"
    assert 0 <= found["average_illumination"] <= found["percent_lit"] <= 1


@pytest.mark.parametrize(
    "words",
    [
        ("check", "ilrs"),
        ("flight", "ilrs"),
        ("build", "manifest", "ilrs", "--no-windows"),
        ("build", "order", "ilrs", "--dates-only"),
        ("build", "whatif", "ilrs", "--slip", "ilrs-1=2y", "--cancel", "ce8"),
        ("partner", "agreements", "ilrs"),
        ("partner", "approvals", "ilrs"),
        ("partner", "shares", "ilrs"),
        ("partner", "objectives", "ilrs"),
        ("design", "regolith", "--lat", "0", "--depth", "0.83"),
        ("operate", "simulate", "ilrs", "--from", "2040-01-01", "--days", "3"),
    ],
    ids=" ".join,
)
def test_verbs_answer_both_ways(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    as_text, as_json = cli(*words), cli(*words, "--json")
    assert (as_text.code, as_json.code) == (0, 0)
    assert as_text.out.strip()
    assert json.loads(as_json.out)


def test_schema_is_printed(cli: Callable[..., Any]) -> None:
    assert json.loads(cli("check", "ilrs", "--schema").out)["title"] == "Moonpost plan"


def test_every_command_has_an_example() -> None:
    from typer.main import get_command

    from moonpost.cli.main import app

    def leaves(command: Any, words: tuple[str, ...]) -> Any:
        children = getattr(command, "commands", None)
        if children is None:
            yield words, command
        for name, child in (children or {}).items():
            yield from leaves(child, (*words, name))

    lacking = [
        words for words, command in leaves(get_command(app), ()) if "Example: moonpost" not in (command.help or "")
    ]
    assert lacking == []


def test_usage_errors_exit_2(cli: Callable[..., Any]) -> None:
    for words in (("fly",), ("study",), ("site", "point"), ("study", "ilrs", "--colour", "red")):
        run = cli(*words)
        assert run.code == 2
        assert "Traceback" not in run.err


def test_plain_values_and_tables() -> None:
    import numpy as np

    assert plain({1: np.float32(0.5), "t": np.datetime64("2030-01-01", "ms")}) == {
        "1": 0.5,
        "t": "2030-01-01T00:00:00Z",
    }
    assert plain(float("inf")) is None
    assert table(["a"], []) == "a\n-"
