"""Routes by topic: each module gives ``router(mission)``."""

from __future__ import annotations

__all__: list[str] = []
