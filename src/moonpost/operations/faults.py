"""What can fail on a machine: kinds of faults, what their size means, and which machines can have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.changes import Quantity
from moonpost.plan.elements import Element, SolarArray
from moonpost.plan.model import Plan

__all__ = ["FAULT_KINDS", "PROCEDURES", "FaultKind", "MachineFault", "Procedure", "affected", "possible"]

_FIXED_MOUNTS = ("fixed", "horizontal")


@dataclass(frozen=True)
class Procedure:
    """What is commanded once a fault is known.

    Parameters
    ----------
    name : str
        Its name in fault files.
    text : str
        What is done, for people.
    takes_h : float
        From the command until it has worked [h]. Assumed; no published value is behind it.
    strength : float or None
        What it achieves unless the fault says otherwise; None where there is nothing to choose [1].
    strength_text : str
        What the strength means.
    clears : bool
        Whether the fault is over when it has worked; if not, it only makes the fault bearable.

    Examples
    --------
    >>> PROCEDURES["clean"].strength
    0.7
    """

    name: str
    text: str
    takes_h: float
    strength: float | None = None
    strength_text: str = ""
    clears: bool = True


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Parameters
    ----------
    name : str
        Its name in fault files.
    text : str
        What happens, for people; ``{size}`` is where the size goes.
    quantity : Quantity
        What it sets.
    size : float or None
        Size unless told; None for kinds that have none.
    smallest, largest : float
        Range of sizes.
    size_text : str
        What the size means, with its unit.
    needs : str
        What the machine must have.
    procedures : tuple of str
        Recovery procedures that fit, the usual one first.

    Examples
    --------
    >>> FAULT_KINDS["dust"].procedures[0]
    'clean'
    """

    name: str
    text: str
    quantity: Quantity
    size: float | None
    smallest: float
    largest: float
    size_text: str
    needs: str
    procedures: tuple[str, ...]


_DRAWN = "power drawn over what it would be [1]"
_PROCEDURES = (
    Procedure("clean", "clean the surface", 24.0, 0.7, "part of what was lost that comes back [1]"),
    Procedure("save-power", "draw less power", 0.0, 0.6, _DRAWN, clears=False),
    Procedure("warm-by-work", "keep it warm by work", 0.0, 1.5, _DRAWN, clears=False),
    Procedure("spare-heater", "switch to the spare heater circuit", 0.5),
    Procedure("heater-cycles", "open the line and run the heater in cycles by command", 0.5),
    Procedure("wake-command", "wake it by command", 0.0),
    Procedure("other-relay", "turn to the other relay", 6.0),
    Procedure("direct-contact", "turn the antenna to the Earth", 2.0),
    Procedure("free-drive", "free the drive with the spare motor winding", 4.0),
    Procedure("spare-string", "switch to the spare string", 0.5),
    Procedure("restart", "start the source again", 12.0),
    Procedure("spare-recorder", "switch to the spare recorder", 0.5),
    Procedure("send-again", "send the command again", 0.0),
)  # fmt: skip

PROCEDURES: dict[str, Procedure] = {row.name: row for row in _PROCEDURES}
"""Every recovery procedure by name."""

_PART = "part lost [1]"
_KINDS = (
    FaultKind("dust", "dust takes {size:.0%} of the arrays' output", "array-factor",
              0.2, 0.0, 1.0, _PART, "a solar array", ("clean", "save-power")),
    FaultKind("dead-heater", "the heater stays off", "heater-works",
              None, 0.0, 0.0, "", "a heater", ("spare-heater", "warm-by-work")),
    FaultKind("stuck-heater", "the heater stays on", "heater-stuck",
              None, 0.0, 0.0, "", "a heater", ("heater-cycles",)),
    FaultKind("no-wake", "it does not wake", "can-wake",
              None, 0.0, 0.0, "", "a mode that sleeps", ("wake-command",)),
    FaultKind("lost-relay", "its relay is silent", "contact",
              None, 0.0, 0.0, "", "nothing", ("other-relay", "direct-contact")),
    FaultKind("stuck-array", "the array drive is stuck", "array-turns",
              None, 0.0, 0.0, "", "an array that turns", ("free-drive", "save-power")),
    FaultKind("failed-string", "{size:.0f} battery string(s) failed", "battery-modules",
              1.0, 1.0, 1000.0, "strings lost", "a battery", ("save-power", "spare-string")),
    FaultKind("late-command", "commands come {size:g} h late", "can-wake",
              24.0, 0.01, 8766.0, "delay [h]", "nothing", ("send-again",)),
    FaultKind("failed-source", "the source gives {size:.0%} less", "source-factor",
              1.0, 0.0, 1.0, _PART, "a source other than the Sun", ("restart", "save-power")),
    FaultKind("failed-recorder", "the data store fails", "recorder-works",
              None, 0.0, 0.0, "", "a recorder", ("spare-recorder",)),
    FaultKind("blocked-radiator", "the radiator gives off {size:.0%} less", "radiator-factor",
              0.3, 0.0, 1.0, _PART, "a warm box", ("save-power", "clean")),
)  # fmt: skip

FAULT_KINDS: dict[str, FaultKind] = {row.name: row for row in _KINDS}
"""Every kind of fault by name."""


def _arrays(element: Element) -> list[SolarArray]:
    return [source for source in element.generators if isinstance(source, SolarArray)]


def _sleeps(element: Element) -> bool:
    return element.dormancy is not None or {mode.when for mode in element.modes} >= {"light", "dark"}


_HAS: dict[str, Callable[[Element], bool]] = {
    "a solar array": lambda element: bool(_arrays(element)),
    "a heater": lambda element: element.thermal is not None and element.thermal.heater_w > 0,
    "a mode that sleeps": _sleeps,
    "nothing": lambda element: bool(element.modes),
    "an array that turns": lambda element: any(a.mount not in _FIXED_MOUNTS for a in _arrays(element)),
    "a battery": lambda element: element.storage is not None,
    "a source other than the Sun": lambda element: any(
        getattr(source, "electric_w", 0.0) > 0 for source in element.generators
    ),
    "a recorder": lambda element: element.recorder is not None,
    "a warm box": lambda element: element.thermal is not None and element.thermal.radiator_m2 > 0,
}


def possible(element: Element) -> tuple[str, ...]:
    """Kinds of faults that a machine can have, by what the plan gives it.

    Parameters
    ----------
    element : Element
        The machine.

    Returns
    -------
    tuple of str
        Names of kinds, in the order of `FAULT_KINDS`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> "dust" in possible(load_plan("ilrs").element("yutu-2"))
    True
    """
    return tuple(name for name, kind in FAULT_KINDS.items() if _HAS[kind.needs](element))


@dataclass(frozen=True)
class MachineFault:
    """One fault of one machine.

    Parameters
    ----------
    kind : str
        One of `FAULT_KINDS`.
    subject : str
        The element; for ``lost-relay`` the machine that loses contact, or the relay itself.
    time : datetime64[ms]
        When it begins, UTC.
    size : float, optional
        How large, in the unit of its kind; the kind's usual size if not given.
    recovery : str, optional
        One of the kind's procedures, or ``"none"``; the usual one if not given.
    strength : float, optional
        What the procedure achieves; its usual strength if not given [1].
    latency_h : float
        From detection to the command [h].
    days : float, optional
        The fault ends by itself after this [d]; it stays until recovered if not given.
    where : str
        Where it was stated, for messages.

    Raises
    ------
    InputError
        If a number is not finite or out of range, or the procedure does not fit.
    UnknownNameError
        If the kind is unknown.

    Examples
    --------
    >>> MachineFault("dust", "yutu-2", np.datetime64("2040-02-01", "ms"), 0.3).procedure
    'clean'
    """

    kind: str
    subject: str
    time: np.datetime64
    size: float | None = None
    recovery: str | None = None
    strength: float | None = None
    latency_h: float = 24.0
    days: float | None = None
    where: str = ""

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise UnknownNameError(self.kind, FAULT_KINDS, kind="kind of fault", where=self._at("kind"))
        if not isinstance(self.time, np.datetime64) or np.isnat(self.time):
            raise InputError(
                "is not an instant", where=self._at("at"), advice="write a UTC date, 2040-02-01T12:00Z"
            )
        spec = FAULT_KINDS[self.kind]
        if spec.size is None and self.size is not None:
            raise InputError(f"{self.kind} has no size", where=self._at("size"), advice="leave it out")
        if self.size is not None:
            self._number("size", self.size, spec.smallest, spec.largest, spec.size_text)
        self._number("latency_h", self.latency_h, 0.0, 87_660.0, "hours")
        if self.days is not None:
            self._number("days", self.days, 1e-6, 36_525.0, "days")
        if self.recovery not in (None, "none", *spec.procedures):
            known = (*spec.procedures, "none")
            raise UnknownNameError(
                str(self.recovery), known, kind=f"recovery from {self.kind}", where=self._at("recovery")
            )
        self._strength()

    def _strength(self) -> None:
        """Check the strength against the procedure."""
        if self.strength is None:
            return
        procedure = PROCEDURES.get(self.procedure)
        if procedure is None or procedure.strength is None:
            raise InputError(
                f"{self.procedure} has no strength", where=self._at("strength"), advice="leave it out"
            )
        largest = 1.0 if procedure.name != "warm-by-work" else 10.0
        self._number("strength", self.strength, 0.0, largest, procedure.strength_text)

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else f"MachineFault.{name}"

    def _number(self, name: str, value: Any, low: float, high: float, text: str) -> None:
        sound = isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
        if not (sound and low <= value <= high):
            raise InputError(
                f"is {value!r}", where=self._at(name), advice=f"give a number from {low:g} to {high:g}: {text}"
            )
        if name == "size" and self.kind == "failed-string" and value != int(value):
            raise InputError(f"is {value!r}", where=self._at(name), advice="give a whole number of strings")

    @property
    def procedure(self) -> str:
        """The recovery procedure, or ``"none"``."""
        return self.recovery if self.recovery is not None else FAULT_KINDS[self.kind].procedures[0]

    @property
    def amount(self) -> float:
        """The size, given or usual; 0 for kinds that have none."""
        usual = FAULT_KINDS[self.kind].size
        return float(self.size) if self.size is not None else float(usual or 0.0)

    @property
    def text(self) -> str:
        """What happens, for people."""
        return FAULT_KINDS[self.kind].text.format(size=self.amount)


def affected(plan: Plan, fault: MachineFault) -> tuple[str, ...]:
    """Machines that a fault touches: its subject, or those that a lost relay serves.

    Parameters
    ----------
    plan : Plan
        The plan.
    fault : MachineFault
        The fault.

    Returns
    -------
    tuple of str
        Identifiers of elements.

    Raises
    ------
    UnknownNameError
        If the plan has no such element.
    InputError
        If the machine has not what the fault needs, or the relay serves none.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> affected(load_plan("ilrs"), MachineFault("dust", "yutu-2", np.datetime64("2040-02-01", "ms")))
    ('yutu-2',)
    """
    names = [element.id for element in plan.elements]
    where = f"{fault.where}.subject" if fault.where else "MachineFault.subject"
    if fault.subject not in names:
        raise UnknownNameError(fault.subject, names, kind="machine", where=where)
    element = plan.element(fault.subject)
    if fault.kind == "lost-relay" and element.kind == "relay":
        served = _served(plan, element.id)
        if not served:
            raise InputError(
                f"no link of the plan joins a machine to relay {element.id}",
                where=where,
                advice="name the machine that loses contact",
            )
        return served
    spec = FAULT_KINDS[fault.kind]
    if not _HAS[spec.needs](element):
        needs = spec.needs if spec.needs != "nothing" else "modes"
        raise InputError(
            f"{element.id} has not {needs}, so {fault.kind} cannot happen to it",
            where=where,
            advice=f"it can have: {', '.join(possible(element)) or 'none'}",
        )
    if fault.kind == "failed-string" and element.storage and fault.amount > element.storage.modules:
        place = f"{fault.where}.size" if fault.where else "MachineFault.size"
        raise InputError(
            f"{fault.amount:g} strings, but {element.id} has {element.storage.modules}",
            where=place,
            advice="give less",
        )
    return (element.id,)


def _served(plan: Plan, relay: str) -> tuple[str, ...]:
    """Machines that links of the plan join to a relay."""
    relays = {element.id for element in plan.elements if element.kind == "relay"}
    names = {element.id for element in plan.elements} - relays
    ends = [(link.sender, link.receiver) for link in plan.links]
    joined = {a for a, b in ends if b == relay} | {b for a, b in ends if a == relay}
    return tuple(sorted(joined & names))
