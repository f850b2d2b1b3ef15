"""The command line for temperatures of ground and of equipment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moonpost.sky import Site
from moonpost.terrain import HorizonProfile

FIXED = {
    "surface_noon_k",
    "surface_midnight_k",
    "surface_min_k",
    "surface_max_k",
    "surface_mean_k",
    "mean_at_depth_k",
}
BOX = """
[place]
latitude_deg = 60
days = 20
[[node]]
name = "box"
capacity_j_k = 2e4
survive_k = [250, 330]
[[surface]]
name = "lid"
node = "box"
area_m2 = 0.05
emissivity = 0.8
slope_deg = 0
[[heater]]
node = "box"
power_w = 2
on_below_k = 270
off_above_k = 275
"""


def test_regolith_keeps_its_keys(cli) -> None:
    run = cli("design", "regolith", "--lat", 26, "--depth", 0.83, "--depth", 0.13, "--json")
    found = json.loads(run.out)
    assert run.code == 0
    assert set(found) == FIXED
    assert set(found["mean_at_depth_k"]) == {"0.83", "0.13"}


def test_regolith_on_a_slope(cli) -> None:
    run = cli("design", "regolith", "--lat", 26, "--slope", 20, "--aspect", 180, "--json")
    found = json.loads(run.out)
    assert set(found) == FIXED | {"sky_view"}
    level = json.loads(cli("design", "regolith", "--lat", 26, "--json").out)
    assert found["surface_noon_k"] > level["surface_noon_k"] + 3.0


def test_regolith_under_a_profile(cli, tmp_path: Path) -> None:
    path = tmp_path / "pit.json"
    HorizonProfile.flat(Site(-89.5, 0.0), elevation_deg=20.0).save(path)
    words = ("design", "regolith", "--profile", path, "--days", 60, "--json")
    refused = cli(*words)
    assert refused.code == 2
    assert "permanent shadow" in refused.err
    found = json.loads(cli(*words, "--background", 0.3, "--depth", 0.5).out)
    assert found["permanent_shadow"] is True
    assert found["surface_mean_k"] == pytest.approx((0.318 / (0.95 * 5.670374419e-8)) ** 0.25, rel=1e-3)


def test_permanent_shadow_with_the_terrain_around(cli) -> None:
    words = ("design", "regolith", "--site=-89.67,129.78", "--around", 20, "--days", 60, "--json")
    found = json.loads(cli(*words).out)
    assert found["permanent_shadow"] is True
    assert found["sunlight_mean_w_m2"] == 0.0
    assert found["infrared_mean_w_m2"] > found["scattered_mean_w_m2"] > 0.0
    assert 30.0 < found["surface_mean_k"] < 110.0
    refused = cli("design", "regolith", "--lat", 3, "--around", 20)
    assert refused.code == 2
    assert "--site alone" in refused.err


def test_one_place_at_a_time(cli, tmp_path: Path) -> None:
    for words in ((), ("--lat", 3, "--site", "-89,0")):
        run = cli("design", "regolith", *words)
        assert run.code == 2
        assert "one of --lat, --site and --profile" in run.err


def test_equipment(cli, tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    path.write_text(BOX)
    found = json.loads(cli("design", "thermal", path, "--json").out)
    assert found["total_residual_relative"] < 1e-9
    assert found["limits_broken"][0]["node"] == "box"
    text = cli("design", "thermal", path).out
    assert "survive" in text
    assert "box" in text
    missing = cli("design", "thermal", tmp_path / "none.toml")
    assert missing.code == 2
    assert "cannot be read" in missing.err
