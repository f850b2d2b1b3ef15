"""The study: all phases of a plan, resumable, with findings across rooms.

The room can be called: ``moonpost.study(plan)`` runs `moonpost.study.study`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moonpost.study.assembling import Built, build_in_steps
    from moonpost.study.findings import check, check_file
    from moonpost.study.reading import load_study
    from moonpost.study.results import StudyRecord, study_schema
    from moonpost.study.run import Study, run_phase, study
    from moonpost.study.simulation import simulate_plan
    from moonpost.study.stationdesign import StationDesign, design_station

__all__ = [
    "Built",
    "StationDesign",
    "Study",
    "StudyRecord",
    "build_in_steps",
    "check",
    "check_file",
    "design_station",
    "load_study",
    "run_phase",
    "simulate_plan",
    "study",
    "study_schema",
]

_HOME = {
    "Built": "assembling",
    "StationDesign": "stationdesign",
    "Study": "run",
    "StudyRecord": "results",
    "build_in_steps": "assembling",
    "check": "findings",
    "check_file": "findings",
    "design_station": "stationdesign",
    "load_study": "reading",
    "run_phase": "run",
    "simulate_plan": "simulation",
    "study": "run",
    "study_schema": "results",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


class _Room(ModuleType):
    """A room that runs its main verb when it is called."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.study(*args, **options)


sys.modules[__name__].__class__ = _Room
