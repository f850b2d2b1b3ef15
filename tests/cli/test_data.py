"""``moonpost data`` and terrain named instead of given as a path."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.cli.places import terrain_files
from moonpost.errors import DataError

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOONPOST_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_import_list_and_use_by_name(moonpost_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "rim.tif"
    shutil.copy(moonpost_data / "dem" / "shackleton_rim_10km_40m.tif", file)
    kept = RUNNER.invoke(app, ["data", "import", str(file), "--name", "rim", "--json"])
    assert kept.exit_code == 0, kept.output
    path = json.loads(kept.stdout)["path"]
    listed = json.loads(RUNNER.invoke(app, ["data", "list", "--json"]).stdout)
    rows = {row["name"]: row for row in listed}
    assert rows["rim"]["path"] == path
    assert rows["ldem_80s_20m"]["path"] is None
    assert terrain_files("rim,other.tif") == (path, "other.tif")
    text = RUNNER.invoke(app, ["data", "list"]).stdout
    assert "ldem_875s_5m" in text
    assert "rim" in text


def test_a_known_product_that_is_not_here_is_said_so() -> None:
    with pytest.raises(DataError, match="data fetch ldem_80s_20m"):
        terrain_files("LDEM_80S_20M")


def test_unknown_names_stay_paths() -> None:
    assert terrain_files("nosuch") == ("nosuch",)
