"""The word about compiling: on a terminal, once, and only when kernels are compiled."""

from __future__ import annotations

import io
import subprocess
import sys

from moonpost.cli.compiling import tell_of_compiling

PROGRAM = """
import sys, time
import moonpost.cli.compiling as compiling
compiling._LOOK_S, compiling._PATIENCE_S = 0.01, 0.02
class Terminal:
    text = ""
    def isatty(self): return True
    def write(self, text): self.text += text
    def flush(self): pass
out = Terminal()
watcher = compiling.tell_of_compiling(out)
import numba
if "compile" in sys.argv:
    @numba.njit
    def total(n):
        s = 0.0
        for k in range(n):
            s += k ** 0.5
        return s
    while watcher.is_alive():
        total.recompile() if total.signatures else total(3)
else:
    time.sleep(0.3)
print(out.text, end="")
"""


def words(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_it_speaks_once_when_kernels_are_compiled() -> None:
    assert words("compile").count("compiling kernels") == 1


def test_it_is_silent_without_compiling() -> None:
    assert words() == ""


def test_it_does_nothing_where_there_is_no_terminal() -> None:
    assert tell_of_compiling(io.StringIO()) is None
