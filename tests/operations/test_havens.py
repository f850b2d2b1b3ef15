"""Havens: their light against single horizons, outages against the Earth, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import InputError, ModelError
from moonpost.operations.havens import Havens, find_havens
from moonpost.sky import Almanac
from moonpost.terrain import Terrain, horizon, illumination

PLACE = (-89.45, 222.8)
OPTIONS = {"reach_m": 8000.0, "cell_m": 1600.0, "slope_deg": 30.0}


@pytest.fixture(scope="module")
def terrain() -> Terrain:
    return Terrain.default("south")


@pytest.fixture(scope="module")
def found(terrain: Terrain, almanac: Almanac) -> Havens:
    return find_havens(terrain, almanac, terrain.site(*PLACE), "2030-02-01", 120.0, bears_h=60.0, **OPTIONS)


def test_every_outage_is_told_with_a_haven_or_what_lacks(found: Havens) -> None:
    assert len(found.rows) >= 4
    for row in found.rows:
        assert row["safe"] == (row["longest_dark_h"] <= 60.0)
        assert row["safe"] == (row["havens"] > 0)
        assert row["lacks_h"] == pytest.approx(max(0.0, row["longest_dark_h"] - 60.0))
        assert row["leave_by_utc"] <= row["start_utc"]
        assert 200.0 < row["outage_h"] < 420.0 or row["cut"]
    assert found.safe == all(row["safe"] for row in found.rows)
    assert found.verdict.startswith("yes" if found.safe else "no")


def test_darkness_of_the_chosen_cell_is_that_of_its_own_horizon(
    found: Havens, terrain: Terrain, almanac: Almanac
) -> None:
    for row in found.rows[1:3]:
        site = terrain.site(row["latitude_deg"], row["longitude_deg"])
        first, last = (np.datetime64(row[key].rstrip("Z"), "ms") for key in ("start_utc", "stop_utc"))
        time = np.arange(first, last, np.timedelta64(30, "m"))
        seen = illumination(horizon(terrain, site, 1.5, 360), almanac.sun(site, time)) > 0.1
        run = longest = 0
        for lit in seen:
            run = 0 if lit else run + 1
            longest = max(longest, run)
        # Both follow the same ground; cells read it at their middle, to a metre.
        assert row["longest_dark_h"] == pytest.approx(longest / 2.0, abs=2.0)
        assert row["lit_share"] == pytest.approx(float(seen.mean()), abs=0.02)


def test_more_darkness_borne_makes_more_havens_nearer(terrain: Terrain, almanac: Almanac) -> None:
    site = terrain.site(*PLACE)
    few, many = (
        find_havens(terrain, almanac, site, "2030-02-01", 60.0, bears_h=hours, **OPTIONS)
        for hours in (10.0, 120.0)
    )
    for less, more in zip(few.rows, many.rows, strict=True):
        assert less["havens"] <= more["havens"]
        assert less["drive_h"] >= more["drive_h"] or not less["safe"]
    known = np.isfinite(few.served)
    assert (few.served[known] <= many.served[known]).all()


def test_nothing_can_be_reached_from_a_cliff(terrain: Terrain, almanac: Almanac) -> None:
    with pytest.raises(ModelError, match="steeper"):
        find_havens(
            terrain, almanac, terrain.site(-89.6, 135.0), "2030-02-01", 5.0, bears_h=10.0, reach_m=8000.0,
            cell_m=1600.0, slope_deg=1.0,
        )  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"bears_h": float("nan")}, {"bears_h": -1.0}, {"days": 0.1}, {"lit_above": 1.0}, {"speed_m_s": 0.0}]
)
def test_bad_numbers_are_refused(terrain: Terrain, almanac: Almanac, wrong: dict[str, float]) -> None:
    options = {"days": 30.0, "bears_h": 10.0, **OPTIONS, **wrong}
    with pytest.raises(InputError):
        find_havens(terrain, almanac, terrain.site(*PLACE), "2030-02-01", **options)  # type: ignore[arg-type]


def test_the_command(tmp_path: Path) -> None:
    picture = tmp_path / "haven.png"
    base = [
        "operate",
        "haven",
        "--site=-89.45,222.8",
        "--days",
        "30",
        "--reach",
        "8",
        "--cell",
        "1600",
        "--slope",
        "30",
    ]
    result = CliRunner().invoke(
        app, [*base, "--battery", "900", "--sleep-w", "15", "--plot", str(picture), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert '"verdict"' in result.output
    assert picture.stat().st_size > 10_000
    for wrong, told in (([], "--bears or --battery"), (["--battery", "900"], "--sleep-w")):
        bad = CliRunner().invoke(app, [*base, *wrong])
        assert bad.exit_code != 0
        assert told in str(bad.exception)
