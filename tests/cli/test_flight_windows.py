"""``moonpost flight windows``: rows of exactly the promised keys, options, pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

KEYS = {"departure", "tof_d", "branch", "tli_km_s", "loi_km_s", "c3_km2_s2", "perilune_error_km", "converged"}
SHORT = ("flight", "windows", "--from", "2030-01-01", "--days", 2, "--tof-days", "4:5:2", "--parking-km", 200)


def rows(run: Any) -> Any:
    assert run.code == 0, run.err
    return json.loads(run.out)


def test_one_row_a_cell(cli: Any) -> None:
    found = rows(cli(*SHORT, "--json"))
    assert len(found) == 2 * 2 * 2
    assert all(set(row) == KEYS for row in found)
    assert all(row["converged"] is True for row in found)
    assert [row["departure"][:10] for row in found] == ["2030-01-01"] * 4 + ["2030-01-02"] * 4
    assert [row["tof_d"] for row in found[:4]] == [4.0, 4.0, 5.0, 5.0]
    assert {row["branch"] for row in found} == {"short", "long"}
    assert all(0.0 <= row["perilune_error_km"] < 0.1 for row in found)
    assert all(3.12 < row["tli_km_s"] < 3.16 and 0.78 < row["loi_km_s"] < 0.9 for row in found)
    assert all(-2.3 < row["c3_km2_s2"] < -1.5 for row in found)
    assert np.datetime64(found[0]["departure"].removesuffix("Z")) == np.datetime64("2030-01-01")


def test_cells_without_a_transfer_hold_nulls_and_a_reason(cli: Any) -> None:
    found = rows(cli(*SHORT, "--inclination", 3, "--json"))
    assert all(set(row) == KEYS | {"reason"} for row in found)
    assert all(row["tli_km_s"] is None and row["converged"] is False for row in found)
    assert all("declination" in row["reason"] for row in found)
    told = cli(*SHORT, "--inclination", 3)
    assert told.code == 0
    assert "0 of 8 cells have a transfer" in told.out
    assert "declination of the Moon exceeds the inclination" in told.out


def test_options(cli: Any, tmp_path: Path) -> None:
    low = rows(cli(*SHORT, "--json"))
    high = rows(cli(*SHORT, "--arrival-km", 5000, "--json"))
    assert all(a["loi_km_s"] > b["loi_km_s"] for a, b in zip(low, high, strict=True))
    best = rows(cli(*SHORT, "--best", 2, "--json"))
    sums = sorted(row["tli_km_s"] + row["loi_km_s"] for row in low)
    assert [row["tli_km_s"] + row["loi_km_s"] for row in best] == pytest.approx(sums[:2], abs=1e-9)
    one = rows(cli(*SHORT, "--branch", "long", "--arrival-inclination", 45, "--side", "north", "--json"))
    assert [row["branch"] for row in one] == ["long"] * 4
    picture, table = tmp_path / "w.png", tmp_path / "w.csv"
    run = cli(*SHORT, "--plot", picture, "--csv", table)
    assert run.code == 0, run.err
    assert "8 of 8 cells have a transfer" in run.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(table.read_text(encoding="utf-8").splitlines()) == 9


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tof-days", "4:5"), "tof-days"),
        (("--tof-days", "5:4:3"), "tof-days"),
        (("--tof-days", "nan:4:3"), "tof-days"),
        (("--tof-days", "4:5:2.5"), "tof-days"),
        (("--tof-days", "0.1:5:3"), "time_of_flight"),
        (("--days", "-3"), "--days"),
        (("--days", "nan"), "--days"),
        (("--days", "30000", "--step-d", "0.01"), "--days"),
        (("--from", "2030-02-30"), "2030-02-30"),
        (("--from", "2200-01-01"), "outside"),
        (("--parking-km", "nan"), "parking"),
        (("--parking-km", "-200"), "parking"),
        (("--inclination", "190"), "inclination"),
        (("--arrival-km", "-1"), "arrival"),
        (("--arrival-inclination", "nan"), "inclination"),
        (("--side", "east"), "side"),
        (("--branch", "middle"), "branch"),
        (("--best", "-1"), "--best"),
        (("--plot", "a.gif"), ".png"),
        (("--kernels", "none.bsp"), "none.bsp"),
    ],
)
def test_bad_input_is_told_in_one_line(cli: Any, words: tuple[str, ...], told: str) -> None:
    run = cli(*SHORT, *words)
    assert run.code == 2
    assert told in run.err
    assert "Traceback" not in run.err


def test_the_command_lists_lift_offs(cli: Any) -> None:
    run = cli(
        "flight",
        "windows",
        "--from",
        "2030-01-05",
        "--days",
        2,
        "--tof-days",
        "4.5",
        "--site",
        "Wenchang",
        "--json",
    )
    assert run.code == 0, run.err
    rows = json.loads(run.out)
    assert len(rows) == 4
    assert all(row["launch"] < row["departure"] for row in rows)
    assert "Wenchang" in cli("flight", "windows", "--from", "2030-01-05", "--site", "Mars").err
