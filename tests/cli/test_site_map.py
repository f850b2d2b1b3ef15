"""``moonpost site map``: every form of AREA, the files it leaves, resuming, interrupts and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr

from moonpost.cli.area import map_request
from moonpost.errors import InputError, MoonpostError, TerrainError

MOON = "+proj=stere +lat_0=-90 +lon_0=0 +k=1 +x_0=0 +y_0=0 +R=1737400 +units=m +no_defs"
PLACE = "-89.67,129.78,8"
QUICK = ("--azimuths", "24", "--years", "0.2")


def raster(path: Path, cell: float = 100.0, left: float = 20_000.0) -> Path:
    y, x = np.mgrid[0:30, 0:40]
    heights = (50.0 * np.sin(x / 5.0) * np.cos(y / 7.0)).astype(np.float32)[None]
    with rasterio.open(
        path, "w", driver="GTiff", height=30, width=40, count=1, dtype="float32", crs=MOON,
        transform=rasterio.Affine(cell, 0, left, 0, -cell, 3_000.0),
    ) as file:  # fmt: skip
        file.write(heights)
    return path


class TestArea:
    """Areas as they are typed."""

    def test_place_and_width(self) -> None:
        found = map_request("-89.5,210,16x32", [], None)
        assert found.area.shape == (20, 10)
        assert found.area.cell_m == 1600.0
        assert found.area.centre.latitude_deg == pytest.approx(-89.5, abs=0.03)
        assert found.area.transform[2] % 1600.0 == 0.0, "on the cells of the built-in grid"
        assert map_request(" -89.5,-150,16 ", [], None).area.shape == (10, 10)

    def test_cell(self) -> None:
        assert map_request("85.5,20,10", [], 250.0).area.shape == (40, 40)

    def test_a_file_gives_its_own_grid(self, tmp_path: Path) -> None:
        found = map_request(str(raster(tmp_path / "fine.tif")), [], None)
        assert found.area.shape == (30, 40)
        assert found.area.transform == (100.0, 0.0, 20_000.0, 0.0, -100.0, 3_000.0)
        assert [layer.name for layer in found.terrain.layers] == ["fine.tif", "lola_dem_south.tif"]
        assert found.name == "fine"

    def test_cells_of_the_file_that_holds_the_middle(self, tmp_path: Path) -> None:
        near, far = raster(tmp_path / "near.tif"), raster(tmp_path / "far.tif", 50.0, -90_000.0)
        found = map_request("-89.25,85,2", [str(far), str(near)], None)
        assert found.area.cell_m == 100.0

    def test_a_place_of_a_plan(self) -> None:
        found = map_request("ilrs:connecting-ridge,5", [], 500.0)
        assert found.name == "connecting-ridge"
        assert found.plan.id == "ilrs"
        assert found.area.shape == (10, 10)

    @pytest.mark.parametrize(("word", "latitude"), [("south", -90.0), ("North", 90.0)])
    def test_the_squares_about_the_poles(self, word: str, latitude: float) -> None:
        found = map_request(word, [], None)
        assert found.area.shape == (330, 330)
        assert found.area.centre.latitude_deg == pytest.approx(latitude)
        assert found.area.x_m[-1] - found.area.x_m[0] + 1600.0 == 528_000.0

    def test_away_from_the_poles(self, tmp_path: Path) -> None:
        path = tmp_path / "equator.tif"
        with rasterio.open(
            path, "w", driver="GTiff", height=40, width=40, count=1, dtype="float32",
            crs="+proj=eqc +lat_ts=0 +lon_0=0 +R=1737400 +units=m +no_defs",
            transform=rasterio.Affine(200, 0, -4_000, 0, -200, 4_000),
        ) as file:  # fmt: skip
            file.write(np.zeros((1, 40, 40), np.float32))
        found = map_request("0,0,2", [str(path)], None)
        assert found.area.shape == (10, 10)
        assert [layer.name for layer in found.terrain.layers] == ["equator.tif"]

    @pytest.mark.parametrize(
        "text",
        [
            "", " ", "nothing", "-89.5,210", "-89.5,210,8,9", "a,b,c", "-89.5,210,-3", "-89.5,210,0", "nan,1,2",
            "-89.5,210,nan", "-89.5,210,inf", "-89.5,210,1x2x3", "-89.5,210,x", "-91,0,8", "-89,361,8",
            "-89,0,99999", "ilrs:", ":place,3", "ilrs:connecting-ridge", "ilrs:connecting-ridge,wide", "southeast",
        ],
    )  # fmt: skip
    def test_what_cannot_be_read(self, text: str) -> None:
        with pytest.raises(InputError, match="AREA"):
            map_request(text, [], None)

    @pytest.mark.parametrize(
        ("text", "terrain", "cell", "word"),
        [
            ("ilrs:nowhere,5", [], None, "nowhere"),
            ("nope:place,5", [], None, "nope"),
            ("none.tif", [], None, "none.tif"),
            (PLACE, ["none.tif"], None, "none.tif"),
            (PLACE, [], 0.0, "--cell"),
            (PLACE, [], -5.0, "--cell"),
            (PLACE, [], float("nan"), "--cell"),
            ("-89.5,210,200", [], 1.0, "--cell"),
            ("-89.5,210,2000", [], 0.001, "larger cells"),
        ],
    )
    def test_what_cannot_be_used(self, text: str, terrain: list[str], cell: float | None, word: str) -> None:
        with pytest.raises(MoonpostError, match=word):
            map_request(text, terrain, cell)

    def test_no_terrain(self) -> None:
        with pytest.raises(TerrainError, match="70 deg"):
            map_request("10,20,30", [], None)

    def test_a_file_has_its_own_cells(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="--cell"):
            map_request(str(raster(tmp_path / "fine.tif")), [], 50.0)


def test_files_of_a_map(cli: Callable[..., Any], tmp_path: Path) -> None:
    run = cli(
        "site", "map", PLACE, *QUICK, "--mast", "2,10", "--maps", "illumination,psr,slope,dark",
        "--out", tmp_path / "m", "--json",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert run.err == ""
    result = json.loads(run.out)
    assert result["area"]["rows"] == result["area"]["cols"] == 5
    assert result["grade"] == "screening"
    assert result["terrain"][0]["sha256"]
    light = result["maps"]["average_illumination"]
    assert [row["mast_m"] for row in light["maps"]] == [2.0, 10.0]
    data = xr.open_zarr(tmp_path / "m" / "maps.zarr", chunks=None)
    for row in light["maps"]:
        values = data["average_illumination"].sel(mast=row["mast_m"]).values
        assert row["min"] == pytest.approx(values.min())
        assert row["max"] == pytest.approx(values.max())
        assert row["best"][0]["value"] == pytest.approx(values.max())
        assert values[row["best"][0]["row"], row["best"][0]["col"]] == pytest.approx(values.max())
        assert row["no_height"] == 0.0
    dark = result["maps"]["longest_dark_d"]["maps"][0]
    assert dark["best"][0]["value"] == dark["min"], "the best darkness is the shortest"
    shadow = result["maps"]["psr"]["maps"][0]
    assert shadow["area_km2"] == pytest.approx(shadow["share"] * 64.0, rel=1e-3)
    for path in result["files"]:
        assert Path(path).exists(), path
    names = {Path(path).name for path in result["files"]}
    assert {"maps.zarr", "average_illumination.tif", "psr-10m.png", "slope_deg.png", "summary.json"} <= names
    with rasterio.open(tmp_path / "m" / "average_illumination.tif") as file:
        assert file.count == 2
        np.testing.assert_array_equal(file.read(1), data["average_illumination"].values[0])
        left, top = data["x"].values[0] - 800.0, data["y"].values[0] + 800.0
        assert file.transform.to_gdal() == (left, 1600.0, 0.0, top, 0.0, -1600.0)
    with rasterio.open(tmp_path / "m" / "psr.tif") as file:
        assert file.dtypes[0] == "uint8"
        assert file.nodata == 255
    saved = json.loads((tmp_path / "m" / "summary.json").read_text())
    assert saved.pop("files") == [Path(path).name for path in result.pop("files")][:-1]
    assert saved == result
    (tmp_path / "m" / "mine.png").write_bytes(b"kept")
    again = cli(
        "site", "map", PLACE, *QUICK, "--mast", "5", "--maps", "psr", "--formats", "png", "--fresh",
        "--out", tmp_path / "m",
    )  # fmt: skip
    assert again.code == 0, again.err
    left = {path.name for path in (tmp_path / "m").iterdir() if not path.name.startswith(".")}
    assert left == {"maps.zarr", "psr-5m.png", "summary.json", "mine.png"}, "earlier files go, others stay"


def test_text_and_the_best_cell(cli: Callable[..., Any], tmp_path: Path) -> None:
    run = cli("site", "map", PLACE, *QUICK, "--formats", "none", "--maps", "lit,height", "--out", tmp_path / "m")
    assert run.code == 0, run.err
    lines = run.out.splitlines()
    assert lines[0].startswith("5 x 5 cells of 1600 m, 2030-01-01T00:00:00Z to 2030-03-")
    assert any(line.startswith("percent_lit") and "-89." in line for line in lines)
    assert "grade: screening" in run.out
    assert not list((tmp_path / "m").glob("*.tif"))


def test_the_folder_is_named_after_the_area(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("site", "map", PLACE, "--maps", "height", "--formats", "none").code == 0
    assert (tmp_path / "maps" / "89.67S-129.78E" / "maps.zarr" / "zarr.json").exists()


def test_the_same_command_again_computes_nothing(cli: Callable[..., Any], tmp_path: Path) -> None:
    words = ("site", "map", PLACE, *QUICK, "--maps", "lit", "--out", tmp_path / "m", "--formats", "none", "--json")
    first = cli(*words)
    killed = tmp_path / "m" / ".percent_lit-0a1b2c3d.part.plain.tif"
    killed.write_bytes(b"half")
    chunk = tmp_path / "m" / "maps.zarr" / "percent_lit" / "c" / "0" / "0" / "0"
    before = chunk.stat().st_mtime_ns
    again = cli(*words)
    assert again.out == first.out
    assert not killed.exists(), "what a killed run left is swept away"
    assert chunk.stat().st_mtime_ns == before
    other = cli(*words[:-1], "--mast", "3")
    assert other.code == 2
    assert other.out == ""
    assert len(other.err.strip().splitlines()) == 1
    assert "mast_m is [2.0] there, [3.0] now" in other.err
    assert "--fresh" in other.err
    assert cli(*words, "--mast", "3", "--fresh").code == 0
    assert chunk.stat().st_mtime_ns != before


def test_ground_stations_of_the_plan(cli: Callable[..., Any], tmp_path: Path) -> None:
    run = cli(
        "site", "map", "ilrs:connecting-ridge,4", *QUICK, "--maps", "stations", "--formats", "none", "--json",
        "--out", tmp_path / "m",
    )  # fmt: skip
    assert run.code == 0, run.err
    rows = json.loads(run.out)["maps"]["station_visible"]["maps"]
    assert {"jiamusi", "bear-lakes"} < {row["station"] for row in rows}


def test_a_relay_from_a_file(cli: Callable[..., Any], tmp_path: Path) -> None:
    orbit = tmp_path / "above.csv"
    orbit.write_text("utc,x_m,y_m,z_m\n2030-01-01,0,0,-9e6\n2030-01-02,0,0,-9e6\n2030-01-03,0,0,-9e6\n")
    words = ("site", "map", PLACE, *QUICK, "--maps", "relay", "--formats", "none", "--json")
    run = cli(*words, "--out", tmp_path / "m", "--relay", orbit)
    assert run.code == 0, run.err
    assert json.loads(run.out)["maps"]["relay_visible"]["maps"][0]["min"] == 1.0
    for text in (
        "",
        "utc,x_m\n2030-01-01,3\n",
        "utc,x_m,y_m,z_m\n2030-01-01,a,b,c\n",
        "utc,x_m,y_m,z_m\nsoon,1,2,3\n",
    ):
        orbit.write_text(text)
        bad = cli(*words, "--out", tmp_path / "n", "--relay", orbit)
        assert bad.code == 2
        assert len(bad.err.strip().splitlines()) == 1, bad.err
        assert "above.csv" in bad.err
    assert cli(*words, "--out", tmp_path / "n").code == 2


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--maps", "moon"), "moon"),
        (("--maps", ","), "no map"),
        (("--mast", "high"), "--mast"),
        (("--mast", "-1"), "mast_m"),
        (("--mast", ""), "mast_m"),
        (("--azimuths", "2"), "azimuths"),
        (("--from", "never"), "never"),
        (("--from", "2400-01-01"), "kernels"),
        (("--years", "0"), "--years"),
        (("--years", "nan"), "--years"),
        (("--workers", "0"), "workers"),
        (("--scheduler", "local:0"), "local:N"),
        (("--scheduler", "nonsense"), "nonsense"),
        (("--device", "tpu"), "--device"),
        (("--formats", "jpg"), "--formats"),
        (("--cell", "0"), "--cell"),
        (("--terrain", "none.tif"), "none.tif"),
        (("--maps", "stations", "--plan", "nope"), "nope"),
        (("--out", "/dev/null"), "/dev/null"),
    ],
)
def test_bad_input_is_one_line(cli: Callable[..., Any], tmp_path: Path, words: tuple[str, ...], word: str) -> None:
    run = cli("site", "map", PLACE, *QUICK, "--out", tmp_path / "m", *words)
    assert run.code == 2
    assert run.out == ""
    lines = run.err.strip().splitlines()
    assert len(lines) == 1, run.err
    assert lines[0].startswith("moonpost: ")
    assert word in lines[0]


def test_an_unknown_option_is_still_one(cli: Callable[..., Any]) -> None:
    run = cli("site", "map", PLACE, "--nonsense")
    assert run.code == 2
    assert "--nonsense" in run.err


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    words = [
        sys.executable, "-m", "moonpost", "site", "map", "-89,0,400", "--cell", "400", "--azimuths", "90",
        "--maps", "horizon", "--out", str(tmp_path / "m"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
    ) as run:
        limit = time.monotonic() + 60
        while not (tmp_path / "m" / "maps.zarr" / ".moonpost" / "manifest.json").exists():
            assert run.poll() is None, run.stderr.read()
            assert time.monotonic() < limit
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 130, err
    assert out == ""
    assert err.strip().splitlines() == [
        f"moonpost: stopped; the same command goes on from what is done in {tmp_path / 'm'}"
    ]


def test_holes_of_the_users_file_are_refused(cli, tmp_path: Path) -> None:
    heights = np.full((80, 80), 100.0, np.float32)
    heights[38:42, 38:42] = np.nan
    file = _south(tmp_path / "holes.tif", heights)
    done = cli("site", "map", "-89.0672,45,1", "--terrain", file, "--out", tmp_path / "m")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "16 cells lie in holes of holes.tif" in done.err
    assert not (tmp_path / "m").exists()


def test_terrain_that_lies_elsewhere_is_refused(cli, tmp_path: Path) -> None:
    file = _south(tmp_path / "here.tif", np.full((20, 20), 100.0, np.float32))
    done = cli("site", "map", "-88,200,1", "--terrain", file, "--out", tmp_path / "m")
    assert done.code == 2
    assert "none of it lies on the given terrain (here.tif)" in done.err


def _south(path: Path, heights: np.ndarray) -> Path:
    """A south polar file of 40 m cells about 89.0672 S, 45 E."""
    half = 20.0 * heights.shape[0]
    moon = "+proj=stere +lat_0=-90 +lon_0=0 +k=1 +x_0=0 +y_0=0 +R=1737400 +units=m +no_defs"
    profile = {
        "driver": "GTiff",
        "height": heights.shape[0],
        "width": heights.shape[1],
        "count": 1,
        "dtype": "float32",
    }
    place = rasterio.Affine(40.0, 0.0, 20_000.0 - half, 0.0, -40.0, 20_000.0 + half)
    with rasterio.open(path, "w", crs=moon, transform=place, nodata=np.nan, **profile) as file:
        file.write(heights, 1)
    return path
