"""The figures of a report, one topic a file; each function takes results and a width and returns a Figure."""

from __future__ import annotations

__all__: list[str] = []
