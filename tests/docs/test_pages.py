"""The documentation runs: every page's code, the output it promises, and the links between pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, NEEDS, blocks, run_page

PAGES = sorted(
    path for path in DOCS.glob("*.md") if {b.language for b in blocks(path.read_text())} & {"python", "bash"}
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_runs_and_prints_what_it_promises(path: Path, tmp_path, monkeypatch, request) -> None:
    if NEEDS in path.read_text():
        monkeypatch.setenv("MOONPOST_DATA", str(request.getfixturevalue("moonpost_data")))
    monkeypatch.chdir(tmp_path)
    assert run_page(path, tmp_path) > 0


def test_a_page_with_a_wrong_promise_fails(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(2 + 2)\n```\n\n```text\n5\n```\n")
    with pytest.raises(AssertionError, match=r"promised\n5"):
        run_page(page, tmp_path)


def test_the_tutorial_and_the_pages_with_numbers_are_among_them() -> None:
    assert {"tutorial", "light", "dormancy", "eclipse", "errors"} <= {path.stem for path in PAGES}


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "doi:")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_every_page_is_on_the_map() -> None:
    listed = (DOCS / "index.md").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        name = str(path.relative_to(DOCS))
        assert name == "index.md" or f"({name})" in listed, f"docs/index.md does not list {name}"
