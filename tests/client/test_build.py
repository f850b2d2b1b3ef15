"""What the build of the displays makes, and what it says where it cannot be made."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_licences_of_all_that_is_bundled_are_there(built: Path) -> None:
    told = (built / "THIRD-PARTY.txt").read_text()
    wanted: dict[str, str] = json.loads((ROOT / "client/package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert re.search(rf"^{re.escape(name)} {re.escape(version)} - \S", told, re.MULTILINE), name
    assert all(version[0].isdigit() for version in wanted.values())


def test_nothing_is_asked_of_another_host_and_no_page_holds_a_script(built: Path) -> None:
    page = (built / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", page)
    for sheet in built.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?\s*(url\()?['\"]?https?:", sheet.read_text()), sheet
    assert not list(built.rglob("*.map"))


def test_templates_are_compiled_beforehand(built: Path) -> None:
    script = (built / "openmct/openmct.js").read_text()
    templates = (built / "openmct/templates.js").read_text()
    assert script.count("globalThis.moonpostTemplates[") == 1
    assert templates.count("function(Vue)") > 40


def test_make_tells_that_node_is_needed(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "client").mkdir()
    shutil.copy(ROOT / "client/package.json", tmp_path / "client")
    done = subprocess.run(
        [make, "client"], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "The displays need Node 18.14 or later" in done.stdout


def hook(monkeypatch: pytest.MonkeyPatch, root: Path) -> tuple[Any, list[str]]:
    """The package's build hook for a folder, and what it warns of; its base class does nothing that matters."""
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made, told = module.ClientBuild(), []
    made.root, made.app = str(root), SimpleNamespace(display_warning=told.append)
    return made, told


def test_a_wheel_without_node_is_made_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "client").mkdir()
    (tmp_path / "client/package.json").write_text("{}")
    monkeypatch.setenv("PATH", str(tmp_path))
    made, told = hook(monkeypatch, tmp_path)
    made.initialize("standard", {})
    assert len(told) == 1
    assert "make client" in told[0]


def test_an_editable_install_builds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, told = hook(monkeypatch, tmp_path)
    made.initialize("editable", {})
    assert told == []
    assert list(tmp_path.iterdir()) == []
