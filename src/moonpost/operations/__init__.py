"""Operations: machines that sleep and wake, and the station simulated through light and darkness."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from moonpost.operations import dormancy
from moonpost.operations.days import LunarDate, day

if TYPE_CHECKING:
    from moonpost.operations.faultfile import read_faults
    from moonpost.operations.faults import MachineFault
    from moonpost.operations.montecarlo import Risk, RiskCase, run_risk
    from moonpost.operations.recovery import fault_changes
    from moonpost.operations.simulation import Change, Run, Simulation, simulate

__all__ = [
    "Change",
    "LunarDate",
    "MachineFault",
    "Risk",
    "RiskCase",
    "Run",
    "Simulation",
    "day",
    "dormancy",
    "fault_changes",
    "read_faults",
    "run_risk",
    "simulate",
]

_LAZY = {
    **dict.fromkeys(("Change", "Run", "Simulation", "simulate"), "moonpost.operations.simulation"),
    **dict.fromkeys(("Risk", "RiskCase", "run_risk"), "moonpost.operations.montecarlo"),
    "MachineFault": "moonpost.operations.faults",
    "fault_changes": "moonpost.operations.recovery",
    "read_faults": "moonpost.operations.faultfile",
}


def __getattr__(name: str) -> Any:
    """Load simulator and faults only when they are asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
