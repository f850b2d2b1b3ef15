"""Bad input ends in one clear line and exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

MOON = "+proj=stere +lat_0=-90 +lon_0=0 +k=1 +x_0=0 +y_0=0 +R=1737400 +units=m +no_defs"
EARTH = "EPSG:3031"


def raster(path: Path, crs: str | None = MOON, fill: float = 100.0) -> Path:
    heights = np.full((1, 64, 64), fill, np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", height=64, width=64, count=1, dtype="float32", crs=crs,
        transform=rasterio.Affine(1000, 0, -32_000, 0, -1000, 32_000), nodata=-9999.0,
    ) as file:  # fmt: skip
        file.write(heights)
    return path


def one_clear_line(run: Any, *words: str) -> None:
    assert run.code == 2
    assert run.out == ""
    lines = run.err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("moonpost: ")
    assert "Traceback" not in run.err
    for word in words:
        assert word in lines[0], lines[0]


def site_point(cli: Callable[..., Any], terrain: Path | str, *more: str, site: str = "-89.7,10") -> Any:
    return cli("site", "point", f"--site={site}", "--terrain", terrain, "--years", "0.05", "--json", *more)


def test_truncated_raster(cli: Callable[..., Any], tmp_path: Path) -> None:
    whole = raster(tmp_path / "whole.tif").read_bytes()
    for share in (0, 0.02, 0.5, 0.95):
        path = tmp_path / "cut.tif"
        path.write_bytes(whole[: int(len(whole) * share)])
        one_clear_line(site_point(cli, path), "cut.tif")


def test_not_a_raster_and_missing(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("heights")
    one_clear_line(site_point(cli, tmp_path / "text.tif"), "text.tif")
    one_clear_line(site_point(cli, tmp_path / "none.tif"), "none.tif")


def test_nan_cells_are_named_with_their_place(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Undeclared NaN always; declared holes where the site or a ray needs them, and no other grid fills them."""
    path = raster(tmp_path / "holes.tif")
    with rasterio.open(path, "r+") as file:
        heights = file.read()
        heights[0, 20:24, 30:36] = np.nan
        file.write(heights)
    one_clear_line(site_point(cli, path), "holes.tif", "row 20, column 30")
    with rasterio.open(path, "r+") as file:
        file.nodata = np.nan
    at_the_site = site_point(cli, path)
    one_clear_line(at_the_site, "-89.7")
    beside_it = site_point(cli, path, site="-89.7856,8")
    one_clear_line(beside_it, "holes.tif")
    assert re.search(r"-89\.\d+", beside_it.err), beside_it.err


@pytest.mark.parametrize("crs", [EARTH, None])
def test_wrong_reference_system(cli: Callable[..., Any], tmp_path: Path, crs: str | None) -> None:
    path = raster(tmp_path / "wrong.tif", crs)
    one_clear_line(site_point(cli, path), "wrong.tif")


def test_date_outside_the_kernels_names_the_range(cli: Callable[..., Any]) -> None:
    found = cli("site", "point", "--site=-89.5,210", "--from", "2200-01-01", "--json")
    one_clear_line(found, "2200", "1849", "2150")
    found = cli("operate", "day", "--site=-45,177", "--landed", "2019-01-03", "--at", "2200-01-01")
    one_clear_line(found, "2200", "2150")


@pytest.mark.parametrize("text", ["soon", "2030-13-01", "", "nan"])
def test_unreadable_date(cli: Callable[..., Any], text: str) -> None:
    one_clear_line(cli("operate", "day", "--site=-45,177", "--landed", "2019-01-03", "--at", text))


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "nan,1", "91,0", "0,400", "a,b", "inf,0"])
def test_unreadable_place(cli: Callable[..., Any], text: str) -> None:
    one_clear_line(
        cli("operate", "day", f"--site={text}", "--landed", "2019-01-03", "--at", "2020-01-01"), "--site"
    )


@pytest.mark.parametrize("years", ["nan", "-1", "0", "inf", "1e9"])
def test_unusable_length(cli: Callable[..., Any], years: str) -> None:
    one_clear_line(cli("site", "point", "--site=-89.5,210", "--years", years), "years")


def test_place_without_terrain(cli: Callable[..., Any]) -> None:
    one_clear_line(cli("site", "point", "--site=10,20"), "70 deg", "GeoTIFF")


def test_unwritable_folder_leaves_nothing(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    one_clear_line(cli("study", "ilrs", "--out", tmp_path / "file" / "out"), "file")
    one_clear_line(cli("study", "ilrs", "--out", tmp_path / "file"), "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_folder_of_something_else_is_left_alone(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("kept")
    one_clear_line(cli("study", "ilrs", "--out", tmp_path / "home"), "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_unknown_plan_and_study(cli: Callable[..., Any], tmp_path: Path) -> None:
    one_clear_line(cli("check", "ilsr"), "did you mean ilrs")
    one_clear_line(cli("report", tmp_path), "study.json")


def test_broken_events_file(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    span = ("--site=-45.457,177.589", "--from", "2020-06-01", "--to", "2020-07-01")
    for text in ("", "a,b\n1,2\n", "lunar_day,vehicle,event,utc,precision\n1,rover,wake,yesterday,min\n"):
        path.write_text(text)
        one_clear_line(cli("operate", "calendar", "--events", path, *span), "events.csv")
    one_clear_line(cli("operate", "calendar", "--events", tmp_path / "none.csv", *span), "none.csv")


def test_plan_with_faults_lists_each_in_a_line(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('schema_version = 2\nid = "X"\ncolour = 1\n')
    run = cli("check", path)
    assert run.code == 2
    lines = run.out.strip().splitlines()
    assert {line.split(": ")[1] for line in lines} == {
        "schema_version", "id", "colour", "title", "station", "design", "partners",
    }  # fmt: skip
    study = cli("study", path, "--out", tmp_path / "out")
    assert study.code == 2
    assert len(study.err.strip().splitlines()) == len(lines) + 1
    assert not (tmp_path / "out").exists()


def test_site_off_its_terrain(cli: Callable[..., Any], tmp_path: Path) -> None:
    from moonpost.plan import plan_path

    raster(tmp_path / "small.tif")
    text = plan_path("ilrs").read_text()
    text = text.replace('id = "nobile-rim-2"', 'id = "nobile-rim-2"\nterrain = ["small.tif"]')
    (tmp_path / "plan.toml").write_text(text.replace("latitude_deg = -84.20156", "latitude_deg = -60.0"))
    run = cli("check", tmp_path / "plan.toml")
    assert run.code == 2
    assert [line for line in run.out.splitlines() if line.startswith("error: sites[nobile-rim-2].terrain")]


def test_special_files_are_not_replaced(cli: Callable[..., Any], tmp_path: Path) -> None:
    import os

    from moonpost.errors import OutputError
    from moonpost.files import write_text

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="not a regular file"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("date", ["2200-01-01", "2149-12-31", "1800"])
def test_check_tells_dates_outside_the_kernels(cli: Callable[..., Any], tmp_path: Path, date: str) -> None:
    from moonpost.plan import plan_path

    (tmp_path / "plan.toml").write_text(
        plan_path("ilrs").read_text().replace('start = "2035-01-01"', f'start = "{date}"')
    )
    run = cli("check", tmp_path / "plan.toml")
    assert run.code == 2
    assert "design.start" in run.out


def test_unusable_length_of_a_simulation(cli: Callable[..., Any]) -> None:
    for days in ("nan", "0", "30000", "1e9"):
        one_clear_line(cli("operate", "simulate", "ilrs", "--days", days), "days")


def test_metres_taken_for_degrees(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = raster(tmp_path / "metres.tif", "+proj=longlat +R=1737400 +no_defs")
    one_clear_line(site_point(cli, path), "metres.tif", "latitude")


@pytest.mark.parametrize(
    "words",
    [
        ("site", "point"),
        ("site", "point", "--sit=1"),
        ("nosuch",),
        ("site", "point", "--site=1,2", "--mast", "x"),
        ("site", "point", "--site=1,2", "--mast", "-3"),
        ("data", "list", "--nosuch"),
    ],
)
def test_wrong_words_end_in_one_line(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    one_clear_line(cli(*words), "--help")
