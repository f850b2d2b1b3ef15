"""The documentation runs: every page's code, the output it promises, and the links between pages."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NEEDS = "<!-- needs: MOONPOST_DATA -->"
_FENCE = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n+)?^```(?P<info>[^\n]*)\n(?P<code>.*?)^```$", re.M | re.S)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, text, line in the page, and the file that it shows, if any."""

    language: str
    code: str
    line: int
    file: str | None = None


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page in order."""
    return [
        Block(match["info"].strip(), match["code"], text.count("\n", 0, match.start("code")), match["file"])
        for match in _FENCE.finditer(text)
    ]


def run_page(path: Path, folder: Path) -> int:
    """Run a page's files, Python and commands in a folder; give how many blocks were run.

    A ``text`` block is the output that the block before it must print, with ``...`` for what may differ.
    """
    names: dict[str, object] = {"__name__": f"docs.{path.stem}"}
    found, count, printed = blocks(path.read_text(encoding="utf-8")), 0, None
    for block in found:
        where = f"{path.name}, line {block.line}"
        if block.file is not None:
            (folder / block.file).write_text(block.code, encoding="utf-8")
            printed = None
        elif block.language == "python":
            printed = _python(block, where, names)
            count += 1
        elif block.language == "bash":
            printed = _commands(block, where, folder)
            count += 1
        elif block.language == "text" and printed is not None:
            checker = doctest.OutputChecker()
            same = checker.check_output(block.code, printed, _OPTIONS)
            assert same, f"{where}: promised\n{block.code}\nobtained\n{printed}"
            printed = None
    return count


def _python(block: Block, where: str, names: dict[str, object]) -> str:
    """What a Python block prints; all blocks of a page share their names."""
    out = io.StringIO()
    program = compile("\n" * block.line + block.code, where, "exec")
    with contextlib.redirect_stdout(out):
        exec(program, names)
    return out.getvalue()


def _commands(block: Block, where: str, folder: Path) -> str:
    """What the ``moonpost`` commands of a block print; ``# exit N`` at the end of a line says how one ends."""
    out = ""
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "moonpost", f"{where}: only moonpost commands are run here, not {words[0]}"
        ended = re.search(r"# exit (\d+)", line)
        run = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
            timeout=120,
        )
        assert run.returncode == (int(ended[1]) if ended else 0), f"{where}: {line}\n{run.stdout}{run.stderr}"
        out += run.stdout if run.returncode == 0 else run.stdout + run.stderr
    return out


PAGES = sorted(
    path for path in DOCS.rglob("*.md") if {b.language for b in blocks(path.read_text())} & {"python", "bash"}
)


LONG = {  # their claims have tests of their own
    "change-5", "change-7", "hopper-sortie", "long-life", "luna-resurs-orbiter", "ridge-station",
    "thermal", "windows",
}  # fmt: skip


def page_case(path: Path):
    """A page as a case of a test."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.soak] if path.stem in LONG else [])


@pytest.mark.parametrize("path", [page_case(path) for path in PAGES])
def test_a_page_runs_and_prints_what_it_promises(path: Path, tmp_path, monkeypatch, request) -> None:
    if NEEDS in path.read_text():
        monkeypatch.setenv("MOONPOST_DATA", str(request.getfixturevalue("moonpost_data")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert run_page(path, tmp_path) > 0
    for drawn in tmp_path.glob("*.png"):
        kept = DOCS / "images" / drawn.name
        assert f"images/{drawn.name})" in path.read_text(), f"{path.name} draws {drawn.name} and does not show it"
        assert kept.exists(), f"{kept} is missing: run tools/docs_pictures.py {path.relative_to(DOCS)}"


def test_a_page_with_a_wrong_promise_fails(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(2 + 2)\n```\n\n```text\n5\n```\n")
    with pytest.raises(AssertionError, match=r"promised\s+5\s+obtained\s+4"):
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
