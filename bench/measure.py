"""What the benchmarks share: timing, and tables with the date, the machine and the versions."""

from __future__ import annotations

import datetime as dt
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Table", "best_s", "data_folder", "machine", "once_s", "write"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """One topic's table: what was measured, in words, and the rows."""

    topic: str
    title: str
    method: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    reading: str
    packages: Sequence[str] = ("moonpost", "numpy", "numba")

    def text(self) -> str:
        """The table as Markdown."""
        lines = [f"# {self.title}", "", self.method, ""]
        lines += ["| " + " | ".join(self.head) + " |", "|" + "---|" * len(self.head)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.reading, "", machine(self.packages), ""])


def machine(packages: Sequence[str]) -> str:
    """Date, machine and versions in one line."""
    day = dt.datetime.now(dt.UTC).date().isoformat()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"Measured {day} on {_processor()}, {os.cpu_count()} CPUs, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}. One process; other work on the "
        "machine shifts the times, ratios less."
    )


def _processor() -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def once_s(call: Callable[[], Any]) -> tuple[float, Any]:
    """Time of one call [s], and what it gave."""
    begun = time.perf_counter()
    found = call()
    return time.perf_counter() - begun, found


def best_s(call: Callable[[], Any], repeats: int = 5) -> tuple[float, Any]:
    """Shortest time of several calls [s], after one that is not counted, and what the last gave."""
    found = call()
    times = []
    for _ in range(repeats):
        spent, found = once_s(call)
        times.append(spent)
    return min(times), found


def data_folder() -> Path | None:
    """Folder of the real data, if there is one."""
    named = os.environ.get("MOONPOST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


def write(table: Table) -> str:
    """Keep a table under ``bench/results`` and give its text."""
    RESULTS.mkdir(exist_ok=True)
    text = table.text()
    (RESULTS / f"{table.topic}.md").write_text(text, encoding="utf-8")
    return text
