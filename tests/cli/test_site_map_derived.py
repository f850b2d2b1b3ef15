"""``moonpost site map`` with maps made from finished maps: outlines of shadow, hazard, gains and havens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely

from moonpost.cli import mapderived

PLACE = "-89.67,129.78,40"
QUICK = ("--azimuths", "24", "--years", "0.2", "--formats", "tif")


def band(folder: Path, name: str, index: int = 1) -> np.ndarray:
    with rasterio.open(folder / f"{name}.tif") as file:
        return file.read(index)


def one(run: Any, name: str) -> dict[str, Any]:
    assert run.code == 0, run.err
    row: dict[str, Any] = json.loads(run.out)["maps"][name]["maps"][0]
    return row


def regions_of(mask: np.ndarray) -> list[int]:
    """Sizes of the regions of cells that share sides, by flooding."""
    left = {(int(i), int(j)) for i, j in np.argwhere(mask == 1)}
    sizes = []
    while left:
        stack, size = [left.pop()], 0
        while stack:
            i, j = stack.pop()
            size += 1
            for step in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if step in left:
                    left.remove(step)
                    stack.append(step)
        sizes.append(size)
    return sizes


def test_outlines_of_permanent_shadow(cli: Callable[..., Any], tmp_path: Path) -> None:
    plain = ("site", "map", PLACE, *QUICK, "--mast", "0,50", "--maps", "psr", "--out", tmp_path)
    words = (*plain, "--formats", "tif,gpkg", "--json")
    whole = one(cli(*words), "psr")
    assert whole["minimum_cells"] == 1
    assert whole["regions_area_km2"] == pytest.approx(whole["area_km2"], rel=1e-9)
    cells = regions_of(band(tmp_path, "psr"))
    assert whole["regions"] == len(cells) > 3
    meta, _, shapes, fields = pyogrio.raw.read(tmp_path / "psr-0m.gpkg")
    columns = dict(zip(meta["fields"], fields, strict=True))
    outlines = shapely.from_wkb(shapes)
    assert sorted(columns["cells"]) == sorted(cells)
    assert columns["area_km2"].sum() == pytest.approx(whole["area_km2"])
    assert shapely.area(outlines).sum() == pytest.approx(1600.0**2 * sum(cells))
    assert "1737400" in meta["crs"]
    assert (tmp_path / "psr-50m.gpkg").exists()
    run = cli(*words, "--psr-minimum-cells", "9")
    large = one(run, "psr")
    assert large["area_km2"] == whole["area_km2"]
    assert large["regions"] == sum(size >= 9 for size in cells) < len(cells)
    share = sum(size for size in cells if size >= 9) / sum(cells)
    assert large["regions_area_km2"] / large["area_km2"] == pytest.approx(share, rel=1e-3)
    assert pyogrio.read_info(tmp_path / "psr-0m.gpkg")["features"] == large["regions"]
    assert str(tmp_path / "psr-0m.gpkg") in json.loads(run.out)["files"]
    text = cli(*plain, "--psr-minimum-cells", "9")
    assert "km2 of it in regions of 9 cells or more" in text.out


def test_hazard_follows_slope_to_the_rim(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = ("site", "map", PLACE, *QUICK, "--maps", "slope,roughness,hazard", "--json", "--out", tmp_path)
    run = cli(*words, "--slope-limit", "9", "--roughness-limit", "90")
    row = one(run, "hazard")
    over = (band(tmp_path, "slope_deg") > 9.0) | (band(tmp_path, "roughness_m") > 90.0)
    assert 0 < np.count_nonzero(over) < over.size
    np.testing.assert_array_equal(band(tmp_path, "hazard"), over)
    assert row["landable_share"] == pytest.approx(1.0 - np.mean(over), rel=1e-3)
    assert row["area_km2"] == pytest.approx(2.56 * np.count_nonzero(over), rel=1e-3)
    settings = json.loads(run.out)["maps"]["hazard"]["settings"]
    assert (settings["slope_limit_deg"], settings["roughness_limit_m"]) == (9.0, 90.0)
    assert settings["baseline_m"] == pytest.approx(3200.0, rel=1e-3)
    usual = one(cli(*words), "hazard")
    assert usual["landable_share"] < row["landable_share"]
    long = cli(*words, "--baseline", "9600")
    assert json.loads(long.out)["maps"]["hazard"]["settings"]["baseline_m"] == pytest.approx(9600.0, rel=1e-3)
    assert one(long, "hazard")["no_height"] == 0.0


def test_hazard_asks_for_no_new_work(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = ("site", "map", PLACE, *QUICK, "--json", "--out", tmp_path, "--maps")
    assert cli(*words, "lit").code == 0
    more = cli(*words, "lit,hazard")
    assert more.code == 0, more.err
    assert set(json.loads(more.out)["maps"]) == {"percent_lit", "hazard"}
    alone = cli(*words, "hazard", "--fresh")
    assert set(json.loads(alone.out)["maps"]) == {"height_m", "hazard"}


def test_gain_is_the_difference_of_two_masts(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = (
        "site",
        "map",
        PLACE,
        *QUICK,
        "--mast",
        "50,0",
        "--maps",
        "lit,dark,gain",
        "--json",
        "--out",
        tmp_path,
    )
    row = one(cli(*words), "percent_lit_gain")
    high, low = band(tmp_path, "percent_lit", 1), band(tmp_path, "percent_lit", 2)
    np.testing.assert_array_equal(band(tmp_path, "percent_lit_gain"), high - low)
    assert row["mast_m"] == 50.0
    assert row["max"] == row["best"][0]["value"] > 0.0
    worse = one(cli(*words), "longest_dark_d_gain")
    assert worse["best"][0]["value"] == worse["min"], "a darkness that is shorter by most is the best"
    with rasterio.open(tmp_path / "percent_lit_gain.tif") as file:
        assert file.count == 1
    other = cli(
        "site", "map", PLACE, *QUICK, "--mast", "0,50", "--maps", "gain", "--json", "--out", tmp_path, "--fresh"
    )
    assert set(json.loads(other.out)["maps"]) == {"average_illumination", "average_illumination_gain"}


def test_way_to_a_haven(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = (
        "site", "map", PLACE, *QUICK, "--maps", "haven", "--json", "--out", tmp_path, "--haven-light", "0.4",
        "--drive-slope", "90", "--rover-speed", "0.1",
    )  # fmt: skip
    run = cli(*words)
    row = one(run, "haven_distance_m")
    light = band(tmp_path, "average_illumination")
    np.testing.assert_array_equal(band(tmp_path, "haven"), light >= 0.4)
    ways = band(tmp_path, "haven_distance_m")
    assert row["reachable_share"] == pytest.approx(1.0), "with any slope the rim is driven on as well"
    assert np.all((ways == 0.0) == (light >= 0.4))
    i, j = np.indices(light.shape)
    safe = np.argwhere(light >= 0.4)
    straight = 1600.0 * np.min([np.hypot(i - a, j - b) for a, b in safe], axis=0)
    assert np.all(ways >= 0.999 * straight)
    assert np.all(ways <= 1.2 * straight + 1.0)
    np.testing.assert_allclose(band(tmp_path, "haven_time_h"), ways / 0.1 / 3600.0, rtol=1e-6)
    settings = json.loads(run.out)["maps"]["haven_time_h"]["settings"]
    assert settings["speed_m_s"] == 0.1
    assert settings["rule"] == "average illumination of 0.4 or more"
    chunk = tmp_path / "maps.zarr" / "average_illumination" / "c" / "0" / "0" / "0"
    before = chunk.stat().st_mtime_ns
    level = cli(*words, "--drive-slope", "4")
    slower = one(level, "haven_distance_m")
    assert 0.0 < slower["reachable_share"] < 1.0
    assert chunk.stat().st_mtime_ns == before, "other limits compute no tile again"
    reached = np.isfinite(band(tmp_path, "haven_distance_m"))
    assert slower["reachable_share"] == pytest.approx(np.mean(reached), rel=1e-3)
    none = one(cli(*words, "--haven-light", "1"), "haven_distance_m")
    assert none["reachable_share"] == 0.0
    assert none["min"] is None


def test_pictures_and_the_same_bytes_again(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = (
        "site", "map", PLACE, *QUICK[:4], "--mast", "0,50", "--maps", "psr,hazard,gain,haven,dark",
        "--haven-dark", "20", "--json", "--out", tmp_path,
    )  # fmt: skip
    first = cli(*words)
    assert first.code == 0, first.err
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    wanted = {
        "hazard.png", "hazard.tif", "psr-0m.gpkg", "psr-50m.png", "longest_dark_d_gain-50m.png", "haven-0m.png",
        "haven_distance_m-50m.png", "haven_time_h-0m.png", "haven.tif", "summary.json",
    }  # fmt: skip
    assert wanted <= set(files)
    assert "longest_dark_d_gain-0m.png" not in files, "the lowest mast gains nothing"
    assert {Path(path).name for path in json.loads(first.out)["files"]} == {*files, "maps.zarr"}
    assert cli(*words).out == first.out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == files


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--maps", "hazards"), "hazard"),
        (("--maps", "gain"), "--mast"),
        (("--maps", "haven"), "--haven-dark"),
        (("--maps", "haven", "--haven-light", "1.5"), "--haven-light"),
        (("--maps", "haven", "--haven-light", "nan"), "--haven-light"),
        (("--maps", "haven", "--haven-dark", "-1"), "--haven-dark"),
        (("--maps", "haven", "--haven-dark", "3", "--rover-speed", "0"), "--rover-speed"),
        (("--maps", "haven", "--haven-dark", "3", "--drive-slope", "91"), "--drive-slope"),
        (("--maps", "lit", "--haven-dark", "3"), "add haven to --maps"),
        (("--maps", "lit", "--psr-minimum-cells", "9"), "add psr to --maps"),
        (("--maps", "psr", "--psr-minimum-cells", "0"), "--psr-minimum-cells"),
        (("--maps", "hazard", "--slope-limit", "0"), "--slope-limit"),
        (("--maps", "hazard", "--roughness-limit", "inf"), "--roughness-limit"),
        (("--maps", "hazard", "--baseline", "100"), "--baseline"),
        (("--maps", "hazard", "--baseline", "90000"), "--baseline"),
    ],
)
def test_bad_input_is_one_line(cli: Callable[..., Any], tmp_path: Path, words: tuple[str, ...], word: str) -> None:
    run = cli("site", "map", PLACE, *QUICK, "--out", tmp_path / "m", *words)
    assert (run.code, run.out) == (2, "")
    lines = run.err.strip().splitlines()
    assert len(lines) == 1, run.err
    assert lines[0].startswith("moonpost: ")
    assert word in lines[0]
    assert not (tmp_path / "m").exists(), "found before any tile is computed"


def test_too_large_for_whole_maps(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapderived, "_MOST_CELLS", 100)
    run = cli("site", "map", PLACE, *QUICK, "--maps", "hazard", "--out", tmp_path / "m")
    assert run.code == 2
    assert "larger cells" in run.err
