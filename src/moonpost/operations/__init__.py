"""Operations: machines that sleep and wake, and the station simulated through light and darkness."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from moonpost.operations import dormancy
from moonpost.operations.days import LunarDate, day

if TYPE_CHECKING:
    from moonpost.operations.simulation import Change, Run, Simulation, simulate

__all__ = ["Change", "LunarDate", "Run", "Simulation", "day", "dormancy", "simulate"]

_LAZY = dict.fromkeys(("Change", "Run", "Simulation", "simulate"), "moonpost.operations.simulation")


def __getattr__(name: str) -> Any:
    """Load the simulator only when it is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
