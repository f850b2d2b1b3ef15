"""Pages of the documentation as what can be run: files they show, Python, commands and the output they promise."""

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
