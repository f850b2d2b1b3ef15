"""Run all benchmarks, or those named, such as ``python bench/run.py sky flight``; `TOPICS` lists them."""

from __future__ import annotations

import importlib
import sys

from measure import write

TOPICS = (
    "sky", "horizon", "maps", "terrain", "light", "storage", "startup", "flight", "thermal", "windows", "design",
    "schedule", "projects", "risk", "simulation", "campaign", "ledger", "archive",
    "ingest",
)  # fmt: skip


def main() -> int:
    """Print and keep the table of each topic."""
    names = sys.argv[1:] or TOPICS
    unknown = [name for name in names if name not in TOPICS]
    if unknown:
        print(f"unknown topic {unknown[0]!r}; known: {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    for name in names:
        print(write(importlib.import_module(f"topics.{name}").table()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
