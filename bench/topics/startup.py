"""What ``moonpost --help`` costs: modules imported, and the time as information."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from measure import Table, once_s

RUNS = 7
COUNT = """
import sys
from moonpost.cli.main import main
sys.argv = {words!r}
try:
    main()
except SystemExit:
    pass
print(len(sys.modules), sum(name.split(".")[0] == "moonpost" for name in sys.modules), file=sys.stderr)
print(*(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""
HEAVY = ("numpy", "numba", "xarray", "matplotlib", "rasterio", "pyproj", "skyfield", "pydantic")
COMMANDS = (["moonpost", "--help"], ["moonpost", "--version"], ["moonpost", "check", "ilrs-orbit"])


def table() -> Table:
    """Start-up of three commands."""
    rows = []
    bare_s = statistics.median(once_s(lambda: run("pass"))[0] for _ in range(RUNS))
    rows.append(["Python alone", "", "", "", f"{bare_s:.2f} s"])
    for words in COMMANDS:
        code = COUNT.format(words=words, heavy=HEAVY)
        counted, heavy = run(code).stderr.splitlines()[-2:]
        spent = statistics.median(once_s(lambda code=code: run(code))[0] for _ in range(RUNS))
        total, own = counted.split()
        rows.append([f"`{' '.join(words)}`", total, own, heavy or "none", f"{spent:.2f} s"])
    return Table(
        topic="startup",
        title="Start-up of the command line",
        method=f"Modules in memory when a command has ended, in a new process; the median time of {RUNS} runs.",
        head=["command", "modules", "of Moonpost", "heavy packages among them", "time"],
        rows=rows,
        reading="The count is what the tests hold; the time is for information. The goal for `--help` is 0.3 s.",
        packages=("moonpost", "typer"),
    )


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program text in a new process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    )
