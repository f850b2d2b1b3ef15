"""Limits of values: warning and critical, and other limits in a context such as the lunar night."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = [
    "CRITICAL", "NOMINAL", "NO_VALUE", "WARNING", "Comparison", "ContextLimits", "Limits", "limit_states",
]  # fmt: skip

NOMINAL, WARNING, CRITICAL, NO_VALUE = 0, 1, 2, 127
"""States of a value; negative ones lie below a lower limit. A value that is no number has `NO_VALUE`."""

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A parameter compared with a number or a label.

    Parameters
    ----------
    parameter : str
        Name of the parameter.
    operator : {"==", "!=", "<", "<=", ">", ">="}
        Relation that has to hold.
    value : float, int or str
        What it is compared with.
    calibrated : bool
        Whether the meaning is compared, else the raw number.

    Examples
    --------
    >>> Comparison("sky.sun_elevation_deg", "<", 0.0).holds(np.array([-1.0, 2.0]))
    array([ True, False])
    """

    parameter: str
    operator: str
    value: float | int | str
    calibrated: bool = True

    def __post_init__(self) -> None:
        if self.operator not in _OPERATORS:
            raise InputError(
                f"no relation {self.operator!r}", where=self.parameter, advice=f"one of {', '.join(_OPERATORS)}"
            )
        if isinstance(self.value, str) and self.operator not in ("==", "!="):
            raise InputError(
                f"{self.value!r} is no number",
                where=self.parameter,
                advice="labels are compared with == and != only",
            )

    def holds(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Where the relation holds; nowhere if a label is compared with numbers."""
        if isinstance(self.value, str) != (values.dtype.kind in "UOS"):
            return np.full(values.shape, self.operator == "!=")
        return np.asarray(_OPERATORS[self.operator](values, self.value), bool)


@dataclass(frozen=True)
class Limits:
    """Bounds beyond which a value calls for attention; values on a bound are still good.

    Parameters
    ----------
    warning_low, warning_high : float or None
        Bounds of what is usual.
    critical_low, critical_high : float or None
        Bounds beyond which harm is near.

    Examples
    --------
    >>> Limits(warning_low=0.2, critical_low=0.1).states(np.array([0.5, 0.15, 0.05])).tolist()
    [0, -1, -2]
    """

    warning_low: float | None = None
    warning_high: float | None = None
    critical_low: float | None = None
    critical_high: float | None = None

    def __post_init__(self) -> None:
        rising = [
            bound
            for bound in (self.critical_low, self.warning_low, self.warning_high, self.critical_high)
            if bound is not None
        ]
        if rising != sorted(rising) or np.any(np.isnan(np.array(rising, float))):
            raise InputError(
                f"limits {rising} are not in order",
                where="limits",
                advice="critical_low <= warning_low <= warning_high <= critical_high",
            )

    def states(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """State of each value: -2, -1, 0, 1, 2, or `NO_VALUE` for one that is no number."""
        states = np.zeros(values.shape, np.int8)
        bounds = (
            (self.warning_low, operator.lt, -WARNING), (self.warning_high, operator.gt, WARNING),
            (self.critical_low, operator.lt, -CRITICAL), (self.critical_high, operator.gt, CRITICAL),
        )  # fmt: skip
        for bound, beyond, state in bounds:
            if bound is not None:
                states[beyond(values, bound)] = state
        if values.dtype.kind == "f":
            states[np.isnan(values)] = NO_VALUE
        return states


@dataclass(frozen=True)
class ContextLimits:
    """Limits that hold instead of the usual ones while comparisons hold.

    Parameters
    ----------
    when : tuple of Comparison
        All of them have to hold.
    limits : Limits
        What then holds.

    Examples
    --------
    >>> night = Comparison("sky.sun_elevation_deg", "<", 0.0)
    >>> ContextLimits((night,), Limits(warning_low=230.0)).limits.warning_low
    230.0
    """

    when: tuple[Comparison, ...]
    limits: Limits


def limit_states(
    values: npt.NDArray[Any],
    limits: Limits | None,
    contexts: tuple[ContextLimits, ...] = (),
    known: Mapping[str, npt.NDArray[Any]] | None = None,
) -> npt.NDArray[np.int8]:
    """State of each value of a parameter.

    Parameters
    ----------
    values : ndarray, (n,)
        Values, calibrated.
    limits : Limits or None
        The usual limits.
    contexts : tuple of ContextLimits
        The first whose comparisons hold replaces the usual limits.
    known : mapping of str to ndarray, (n,), optional
        Values of the parameters that contexts compare, at the same times; a context whose parameter is not known
        does not hold.

    Returns
    -------
    ndarray of int8, (n,)
        -2 critical low, -1 warning low, 0 good, 1 warning high, 2 critical high, 127 no number.

    Examples
    --------
    >>> night = ContextLimits((Comparison("sun", "<", 0.0),), Limits(warning_low=230.0))
    >>> box_k, sun = np.array([250.0, 250.0]), np.array([5.0, -5.0])
    >>> limit_states(box_k, Limits(warning_low=263.0), (night,), {"sun": sun}).tolist()
    [-1, 0]
    """
    known = known or {}
    states = (limits or Limits()).states(values)
    left = np.ones(values.shape, bool)
    for context in contexts:
        if not all(comparison.parameter in known for comparison in context.when):
            continue
        holds = left.copy()
        for comparison in context.when:
            holds &= comparison.holds(known[comparison.parameter])
        states[holds] = context.limits.states(values)[holds]
        left &= ~holds
    return states
