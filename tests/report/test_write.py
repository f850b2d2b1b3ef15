"""Writing the report: from a study or its folder, whole or not at all, and lazily imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

import moonpost
from moonpost.errors import DataError, InputError, OutputError
from moonpost.report.render import Drawn
from moonpost.study.store import Store
from moonpost.study.tables import write_outputs


@pytest.fixture
def folder(surface, tmp_path):
    """The surface study as a folder."""
    write_outputs(surface.record, tmp_path)
    for name, dataset in surface.series.items():
        phase, key = name.split("-", 1)
        Store(tmp_path, tmp_path).save(phase, "test", {}, {key: dataset})
    return tmp_path


def test_a_study_and_its_folder_give_the_same_report(surface, folder, surface_page, monkeypatch):
    monkeypatch.setattr("moonpost.report.render.draw", lambda picture: Drawn(picture, "", "", 100, 100))
    path = moonpost.report(surface, folder / "deep" / "report.html")
    assert path == folder / "deep" / "report.html"
    again = moonpost.report(folder, folder / "again.html")
    assert again.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    assert again.read_text(encoding="utf-8").count("<figure") == surface_page.count("<figure")
    assert not list(folder.glob("**/*.part*"))


def test_no_study_no_report_and_the_old_one_stays(surface, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(DataError, match="name a folder that 'moonpost study' wrote"):
        moonpost.report(tmp_path, path)
    with pytest.raises(InputError, match="cannot report on int"):
        moonpost.report(3, path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("moonpost.report.render.page", lambda *_, **__: "new")
    with pytest.raises(OutputError, match="cannot write"):
        moonpost.report(surface, tmp_path / "file" / "report.html")
    assert path.read_text() == "old"


def test_the_room_costs_no_plotting_library_until_it_is_called():
    code = (
        "import sys, moonpost.report; print([m for m in ('matplotlib', 'jinja2', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
