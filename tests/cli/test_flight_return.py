"""``moonpost flight return``: rows, places, two burns, pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ONE = ("flight", "return", "--depart", "2020-12-13T02:02", "--tof-days", "3.65", "--inclination", "44")
KEYS = {
    "departure", "tof_d", "branch", "tei_km_s", "entry_speed_km_s", "entry_latitude_deg", "entry_longitude_deg",
    "landing_reached", "downrange_km", "converged",
}  # fmt: skip


def test_rows_of_one_departure(cli: Any) -> None:
    run = cli(*ONE, "--orbit-km", 230, "--keep-time", "--revolution-h", 12, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["cells"] == found["converged"] == found["reached"] == 2
    for row in found["rows"]:
        assert row.keys() >= KEYS
        assert row["converged"] is True
        assert row["landing_reached"] is True
        assert 0.825 < row["tei_km_s"] < 0.885
        assert row["tei_1_km_s"] + row["tei_2_km_s"] == pytest.approx(row["tei_km_s"])
        assert row["tof_d"] == pytest.approx(3.65)
    assert {row["branch"] for row in found["rows"]} == {"ascending", "descending"}


def test_a_window_as_text_with_a_picture(cli: Any, tmp_path: Path) -> None:
    picture = tmp_path / "returns.png"
    run = cli(
        "flight", "return", "--from", "2030-01-01", "--days", 6, "--step-days", 3, "--tof-days", "4:5:2",
        "--landing", "47.4,68.6", "--plot", picture,
    )  # fmt: skip
    assert run.code == 0, run.err
    assert "8 of 8 cells converged" in run.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000


def test_without_a_landing_place(cli: Any) -> None:
    run = cli(
        *ONE, "--landing", "none", "--entry-inclination", 42, "--southbound", "--entry-angle", -5.5, "--json"
    )
    assert run.code == 0, run.err
    row = json.loads(run.out)["rows"][0]
    assert row["downrange_km"] is None
    assert row["landing_reached"] is False
    assert row["entry_angle_deg"] == pytest.approx(-5.5, abs=1e-6)
    assert row["return_inclination_deg"] == pytest.approx(42.0, abs=1e-3)


def test_without_a_landing_place_both_ways_are_shown(cli: Any) -> None:
    run = cli(*ONE, "--landing", "none", "--json")
    assert run.code == 0, run.err
    rows = json.loads(run.out)["rows"]
    assert [row["entry_way"] for row in rows] == ["northbound"] * 2 + ["southbound"] * 2
    assert all(row["converged"] for row in rows)
    assert rows[2]["entry_latitude_deg"] > 20.0 > rows[0]["entry_latitude_deg"]
    one = cli(*ONE, "--landing", "none", "--northbound", "--json")
    assert json.loads(one.out)["rows"] == rows[:2]


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (("--from", "2030-01-01"), "not both"),
        (("--landing", "nowhere"), "nowhere"),
        (("--landing", "95,10"), "latitude"),
        (("--tof-days", "3:6"), "--tof-days"),
        (("--tof-days", "nan"), "flight_time_s"),
        (("--tof-days", "30"), "1 to 8 days"),
        (("--orbit-km", "nan"), "altitude_m"),
        (("--inclination", "200"), "inclination_deg"),
        (("--node", "inf"), "node_deg"),
        (("--entry-angle", "6"), "flight_path_deg"),
        (("--entry-km", "-1"), "altitude_m"),
        (("--range-km", "nan"), "range_m"),
        (("--revolution-h", "1"), "period"),
        (("--revolution-h", "nan"), "period"),
        (("--plot", "x.gif"), ".png"),
        (("--southbound",), "--landing none"),
        (("--landing", "none", "--entry-inclination", "nan"), "inclination_deg"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(cli: Any, words: tuple[str, ...], say: str) -> None:
    run = cli(*ONE, *words)
    assert run.code == 2
    assert say in run.err
    assert len(run.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("--days", "nan"), ("--days", "-3"), ("--step-days", "0"), ("--step-days", "nan")]
)
def test_windows_without_length_are_refused(cli: Any, words: tuple[str, ...]) -> None:
    run = cli("flight", "return", "--from", "2030-01-01", *words)
    assert run.code == 2
    assert "--days" in run.err


def test_dates_outside_the_kernels_are_refused(cli: Any) -> None:
    for day in ("2160-01-01", "1700-01-01", "soon"):
        run = cli("flight", "return", "--depart", day)
        assert run.code == 2, run.err
        assert len(run.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (("--inclination", "0"), "never holds the way home"),
        (("--landing", "none", "--entry-inclination", "10"), "an entry of 10 deg"),
        (("--entry-angle", "-89"), "no flight was found"),
    ],
)
def test_windows_without_a_return_say_why(cli: Any, words: tuple[str, ...], say: str) -> None:
    run = cli(*ONE, *words)
    assert run.code == 0, run.err
    assert run.out.startswith("0 of ")
    assert say in run.out
