"""Moonpost plans, designs, builds and runs a lunar research station.

The verbs: `load_plan`, `check`, `study`, `report`. Each room is a subpackage, such as `moonpost.terrain`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moonpost.plan import Plan, load_plan
    from moonpost.report.write import report
    from moonpost.study.findings import check
    from moonpost.study.reading import load_study
    from moonpost.study.run import Study, study

__all__ = ["Plan", "Study", "check", "load_plan", "load_study", "report", "study"]

_HOME = {
    "Plan": "moonpost.plan",
    "Study": "moonpost.study",
    "check": "moonpost.study",
    "load_plan": "moonpost.plan",
    "load_study": "moonpost.study",
}


def __getattr__(name: str) -> Any:
    """Load a public name, or a room, when it is first asked for."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in {"study", "report"}:
        return import_module(f"moonpost.{name}")
    raise AttributeError(f"module 'moonpost' has no attribute {name!r}")
