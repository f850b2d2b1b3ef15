"""``moonpost site point``: the spread over terrain errors, and the course by the hour."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

POINT = ("site", "point", "--site=-89.5,30", "--years", "0.1", "--azimuths", "72")


def test_members_give_percentiles_and_repeat(cli: Callable[..., Any]) -> None:
    words = (*POINT, "--members", "8", "--height-error-m", "30", "--json")
    first, again = cli(*words), cli(*words)
    assert first.code == 0, first.err
    assert first.out == again.out
    spread = json.loads(first.out)["uncertainty"]
    assert spread["noise"]["height_error_m"] == [30.0]
    dark = spread["longest_dark_d"]
    assert dark["p05"] <= dark["p50"] <= dark["p95"]
    text = cli(*POINT, "--members", "8").out
    assert "P95" in text


def test_hours_as_table_and_netcdf(cli: Callable[..., Any], tmp_path: Path) -> None:
    done = cli(*POINT, "--hourly", tmp_path / "h.csv", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    with open(result["hourly"], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == pytest.approx(36.525 * 24, abs=2)
    mean = sum(float(row["light"]) for row in rows) / len(rows)
    assert mean == pytest.approx(result["average_illumination"], abs=0.01)
    assert all(0.0 <= float(row["power_w[two-axis]"]) < 1100.0 for row in rows)
    assert cli(*POINT, "--hourly", tmp_path / "h.nc").code == 0
    with xr.open_dataset(tmp_path / "h.nc", engine="h5netcdf") as found:
        assert found["power_w"].attrs["units"] == "W"


@pytest.mark.parametrize(
    "words",
    [
        ("--members", "8", "--height-error-m", "-1"),
        ("--members", "8", "--height-error-m", "nan"),
        ("--members", "8", "--correlation-m", "0"),
        ("--hourly", "/proc/x.csv"),
        ("--hourly", "h.docx"),
    ],
)
def test_bad_words_end_in_one_line(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    done = cli(*POINT, *words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
