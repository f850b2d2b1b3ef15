"""Timed changes to a simulated machine: the common form of faults, repairs and commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from moonpost.errors import InputError

__all__ = ["QUANTITIES", "Change", "Quantity"]

Quantity = Literal[
    "array-factor",
    "array-turns",
    "source-factor",
    "battery-modules",
    "heater-works",
    "heater-stuck",
    "radiator-factor",
    "can-wake",
    "asleep",
    "contact",
    "load-factor",
    "recorder-works",
]
"""What a change can set."""

QUANTITIES: dict[str, str] = {
    "array-factor": "output of the element's solar arrays over what they would give [0 to 1]",
    "array-turns": "1: tracking arrays follow the Sun; 0: they stand where they are at that instant",
    "source-factor": "output of the element's other sources over what they would give [0 to 1]",
    "battery-modules": "number of battery strings that still work",
    "heater-works": "1: the heater answers its thermostat; 0: it stays off",
    "heater-stuck": "1: the heater stays on whatever the temperature",
    "radiator-factor": "emission of the radiator over what it would be [0 to 1]",
    "can-wake": "1: the machine may wake by its rules; 0: it does not",
    "asleep": "1: put to sleep now; 0: woken now by command, if it has the energy and the temperature",
    "contact": "1: windows of contact count for the element; 0: they do not",
    "load-factor": "power drawn in its modes over what it would be [0 or more]",
    "recorder-works": "1: the data store takes and gives; 0: data made are lost",
}
"""Every quantity with its meaning and unit."""


@dataclass(frozen=True)
class Change:
    """One quantity of one machine set to a value at an instant; it stays so until the next change.

    Parameters
    ----------
    time : datetime64[ms]
        UTC.
    subject : str
        The element.
    quantity : Quantity
        What is set, see `QUANTITIES`.
    value : float
        To what.
    kind : str
        Kind of the event that tells it, such as ``fault-begins`` or ``fault-ends``.
    text : str
        What happened, for people.

    Raises
    ------
    InputError
        If the quantity is unknown, the value not finite or negative, or the time not an instant.

    Examples
    --------
    >>> Change(np.datetime64("2040-01-01", "ms"), "yutu-2", "can-wake", 0.0).kind
    'command'
    """

    time: np.datetime64
    subject: str
    quantity: Quantity
    value: float
    kind: str = "command"
    text: str = ""

    def __post_init__(self) -> None:
        known = get_args(Quantity)
        if self.quantity not in known:
            raise InputError(
                f"is {self.quantity!r}", where="Change.quantity", advice=f"use one of {', '.join(known)}"
            )
        if not (np.isfinite(self.value) and self.value >= 0.0):
            raise InputError(f"is {self.value!r}", where="Change.value", advice="give a finite number from 0")
        if np.isnat(self.time):
            raise InputError("is not an instant", where="Change.time", advice="give a UTC date and time")
