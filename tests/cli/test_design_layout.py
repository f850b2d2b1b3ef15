"""The command line of layout, spares and oxygen plants."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import rasterio
from pyproj import CRS

from moonpost.plan import load_plan, plan_path

SHORT = ("--days", 40, "--minutes", 120)


def test_layout_tells_findings_and_draws_its_map(cli, tmp_path) -> None:
    picture = tmp_path / "map.png"
    run = cli("design", "layout", "ilrs", *SHORT, "--json", "--plot", picture)
    found = json.loads(run.out)
    assert run.code == 0
    assert found["ok"] is True
    assert {row["element"] for row in found["shading"]} >= {"vertical-array", "luna-30"}
    assert {row["severity"] for row in found["findings"]} <= {"error", "warning", "note"}
    assert all(row["text"] and row["advice"] for row in found["findings"])
    assert found["cables"]["reactor"]["length_m"] > 400.0
    assert picture.stat().st_size > 20_000


def test_layout_tells_the_same_in_words(cli) -> None:
    run = cli("design", "layout", "ilrs", *SHORT, "--no-suggest")
    assert run.code == 0
    for word in ("warning ", "array of", "cable to", "vertical-array", "level"):
        assert word in run.out


def test_a_pad_ends_the_warnings_of_landings(cli) -> None:
    bare = json.loads(cli("design", "layout", "ilrs", *SHORT, "--no-suggest", "--json").out)
    padded = json.loads(cli("design", "layout", "ilrs", *SHORT, "--no-suggest", "--pad", 0.01, "--json").out)

    def struck(found):
        return [row for row in found["findings"] if row["kind"] == "plume" and row["value"] is not None]

    assert struck(bare)
    assert not struck(padded)


def test_layout_on_own_terrain_knows_the_ground_at_each_place(cli, tmp_path) -> None:
    site = load_plan("ilrs").site("glaeser-spot-1")
    crs = (
        f"+proj=aeqd +lat_0={site.latitude_deg} +lon_0={site.longitude_deg} +R=1737400 +units=m +no_defs +type=crs"
    )
    cell, half = 40.0, 4000.0
    n = int(2 * half / cell)
    x = (np.arange(n) + 0.5) * cell - half
    # A plane that rises by 50 m for each kilometre to the east.
    heights = np.broadcast_to((0.05 * x).astype("float32"), (n, n)).copy()
    path = tmp_path / "slope.tif"
    with (
        warnings.catch_warnings(),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=n,
            height=n,
            count=1,
            dtype="float32",
            crs=CRS(crs).to_wkt(),
            transform=rasterio.Affine(cell, 0, -half, 0, -cell, half),
        ) as file,
    ):
        warnings.simplefilter("ignore")
        file.write(heights, 1)
    run = cli("design", "layout", "ilrs", *SHORT, "--no-suggest", "--terrain", path, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    ground = {row["element"]: row["ground_m"] for row in found["places"]}
    east = {row["element"]: row["east_m"] for row in found["places"]}
    for name in ("luna-30", "reactor", "resource-plant"):
        assert ground[name] == pytest.approx(0.05 * east[name], abs=0.2)
    assert not any("level" in text for text in found["statements"])


def test_spares_tell_stock_repair_dust_and_dose(cli, tmp_path) -> None:
    picture = tmp_path / "spares.png"
    run = cli("design", "spares", "ilrs", "--years", 5, "--availability", 0.9, "--json", "--plot", picture)
    found = json.loads(run.out)
    assert run.code == 0
    assert found["availability"] >= 0.9
    assert found["failure_kg"] <= found["marginal_kg"]
    assert found["rates"] == "assumed"
    assert all(row["mean_h"] >= 24.0 for row in found["repair"].values())
    assert 0 < found["dose"]["cosmic_gy"] < 5 * 0.116 * 1.2
    assert picture.exists()
    assert "assumed by this package" in cli("design", "spares", "ilrs").out


@pytest.fixture
def equator(tmp_path):
    """The bundled plan at a place that no built-in terrain covers."""
    text = plan_path("ilrs").read_text()
    site = load_plan("ilrs").site("glaeser-spot-1")
    path = tmp_path / "equator.toml"
    path.write_text(
        text.replace(f"latitude_deg = {site.latitude_deg}", "latitude_deg = 8.0").replace(
            f"longitude_deg = {site.longitude_deg}", "longitude_deg = 31.0"
        )
    )
    return path


def test_without_terrain_the_horizon_is_level_and_said_so(cli, equator) -> None:
    found = json.loads(cli("design", "layout", equator, *SHORT, "--no-suggest", "--json").out)
    assert any("no terrain" in text for text in found["statements"])
    # Under a high Sun shadows are short, and an upright array gets most when it is low.
    assert all(row["lost_fraction"] < 0.03 for row in found["shading"])
    spares = json.loads(cli("design", "spares", equator, "--json").out)
    polar = json.loads(cli("design", "spares", "ilrs", "--json").out)
    name = "resource-plant: furnace valve"
    assert spares["repair"][name]["mean_h"] > 1.5 * polar["repair"][name]["mean_h"]


def test_spares_from_a_file_of_units(cli, tmp_path) -> None:
    units = tmp_path / "units.toml"
    units.write_text('[[unit]]\nname = "pump"\nelement = "resource-plant"\nmass_kg = 4\nfailures_per_year = 0.2\n')
    found = json.loads(cli("design", "spares", "ilrs", "--units", units, "--json").out)
    assert [row["name"] for row in found["items"]] == ["pump"]
    assert found["rates"] == "file"


def test_common_units_save_mass(cli) -> None:
    own, shared = (
        json.loads(cli("design", "spares", "ilrs", *more, "--json").out) for more in ((), ("--shared",))
    )
    assert len(shared["items"]) < len(own["items"])
    assert shared["failure_kg"] < own["failure_kg"]
    assert set(shared["repair"]) >= {"wheel drive", "resource-plant: furnace valve"}


def test_isru_tells_plants_that_close(cli, tmp_path) -> None:
    picture = tmp_path / "isru.png"
    run = cli("design", "isru", "--kg", 500, "--lat", "-85", "--json", "--plot", picture)
    found = json.loads(run.out)
    assert run.code == 0
    assert [row["process"] for row in found["plants"]] == ["hydrogen", "carbothermal", "electrolysis", "ice"]
    assert all(row["mass_residual_relative"] < 1e-9 for row in found["plants"])
    assert picture.exists()
    powered = json.loads(cli("design", "isru", "--process", "electrolysis", "--power", 1200, "--json").out)
    assert powered["plants"][0]["power_w"] == pytest.approx(1200.0)
    planned = json.loads(cli("design", "isru", "--process", "electrolysis", "--plan", "ilrs", "--json").out)
    # The bundled plan's plant draws 1.2 kW; the ground of its polar site is colder than 200 K.
    (told,) = planned["plants"]
    assert told["power_w"] == pytest.approx(1200.0)
    assert 50.0 < told["options"]["ground_k"] < 120.0
    assert told["kwh_kg"] > powered["plants"][0]["kwh_kg"]
    assert "kWh/kg" in cli("design", "isru", "--process", "ice", "--product", "water").out


@pytest.mark.parametrize(
    "words",
    [
        ("layout", "nothing.toml"),
        ("layout", "ilrs-orbit"),
        ("layout", "ilrs", "--from", "1200-01-01"),
        ("layout", "ilrs", "--from", "soon"),
        ("layout", "ilrs", "--days", 0),
        ("layout", "ilrs", "--pad", "nan"),
        ("layout", "ilrs", "--plot", "map.txt"),
        ("layout", "ilrs", "--terrain", "none.tif"),
        ("spares", "ilrs", "--years", 0),
        ("spares", "ilrs", "--years", "nan"),
        ("spares", "ilrs", "--availability", 1),
        ("spares", "ilrs", "--method", "guess"),
        ("spares", "ilrs", "--units", "none.toml"),
        ("spares", "ilrs", "--shield", 0),
        ("spares", "ilrs", "--robot-m-s", 0),
        ("spares", "ilrs", "--plot", "a.doc"),
        ("isru", "--process", "magic"),
        ("isru", "--soil", "martian"),
        ("isru", "--kg", 0),
        ("isru", "--power", -5),
        ("isru", "--power", 5, "--plan", "ilrs"),
        ("isru", "--plan", "ilrs-orbit"),
        ("isru", "--ground-k", "nan"),
        ("isru", "--ground-k", 100, "--lat", 10),
        ("isru", "--lat", 95),
        ("isru", "--product", "water"),
        ("isru", "--plot", "a.xlsx"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_bad_input_ends_in_one_line(cli, words) -> None:
    run = cli("design", *words)
    assert run.code == 2
    assert run.out == ""
    assert len(run.err.strip().splitlines()) == 1, run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("verb", ["layout", "spares", "isru"])
def test_help_has_an_example(cli, verb) -> None:
    assert f"Example: moonpost design {verb}" in cli("design", verb, "--help").out
