"""The report: one self-contained HTML page of a study, with its figures.

The room can be called: ``moonpost.report(study, path)`` runs `moonpost.report.write.report`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moonpost.report.render import page
    from moonpost.report.write import report

__all__ = ["page", "report"]

_HOME = {"page": "render", "report": "write"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


class _Room(ModuleType):
    """A room that runs its main verb when it is called."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.report(*args, **options)


sys.modules[__name__].__class__ = _Room
