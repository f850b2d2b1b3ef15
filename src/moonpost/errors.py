"""The exception tree. Every error says what went wrong, where, and what to do.

::

    MoonpostError
    ├── PlanError          (ValueError)    a plan file with faults, all of them listed
    ├── InputError         (ValueError)    an argument that cannot be used (NaN, wrong shape, bad text)
    ├── DateError          (ValueError)    a date that cannot be read or lies outside the kernels
    ├── DataError          (ValueError)    a data file that is missing, corrupt or of the wrong kind
    ├── TerrainError       (LookupError)   a place where the terrain has no height
    ├── UnknownNameError   (LookupError)   a name that is not in the plan or the catalogue
    ├── ModelError         (RuntimeError)  a model that has no answer for this input
    ├── MissingExtraError  (RuntimeError)  an optional package that is not installed
    └── OutputError        (RuntimeError)  a file or folder that cannot be written
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = [
    "DataError",
    "DateError",
    "Fault",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "MoonpostError",
    "OutputError",
    "PlanError",
    "TerrainError",
    "UnknownNameError",
]


class MoonpostError(Exception):
    """Base of every error that Moonpost raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, in one clause.
    where : str, optional
        The file, key, argument or place it concerns.
    advice : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", advice: str = "") -> None:
        self.what = what
        self.where = where
        self.advice = advice
        super().__init__(what, where, advice)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}; {self.advice}" if self.advice else head


@dataclass(frozen=True)
class Fault:
    """One fault of a plan file.

    Parameters
    ----------
    place : str
        Path of the faulty key in the file, such as ``elements[ce7-rover].modes[0].power_w``.
    text : str
        What is wrong there and what to do.
    """

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class PlanError(MoonpostError, ValueError):
    """A plan file with faults; `faults` lists all of them, each with its place."""

    def __init__(self, path: str, faults: Sequence[Fault]) -> None:
        self.path = path
        self.faults = tuple(faults)
        count = len(self.faults)
        super().__init__(
            f"{count} fault{'s' if count != 1 else ''} in the plan",
            where=path,
            advice="correct each line listed and run 'moonpost check' again",
        )
        self.args = (path, self.faults)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {fault}" for fault in self.faults)])


class InputError(MoonpostError, ValueError):
    """An argument that cannot be used: NaN, out of range, wrong shape or unreadable text."""


class DateError(MoonpostError, ValueError):
    """A date that cannot be read or that lies outside the kernels."""


class DataError(MoonpostError, ValueError):
    """A data file that is missing, corrupt or of the wrong kind."""


class TerrainError(MoonpostError, LookupError):
    """A place where the terrain has no height."""


class UnknownNameError(MoonpostError, LookupError):
    """A name that is not known; the message offers the nearest known names.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    kind : str
        The noun for the name, such as ``"plan"`` or ``"site"``.
    """

    def __init__(self, name: str, known: Iterable[str], *, kind: str, where: str = "") -> None:
        self.name = name
        self.known = tuple(sorted(known))
        self.kind = kind
        super().__init__(f"unknown {kind} {name!r}", where=where, advice=suggestion(name, self.known))
        self.args = (name, self.known, kind, where)

    def __reduce__(self) -> tuple[object, ...]:
        return (_unknown_name, (self.name, self.known, self.kind, self.where))


def _unknown_name(name: str, known: tuple[str, ...], kind: str, where: str) -> UnknownNameError:
    return UnknownNameError(name, known, kind=kind, where=where)


class ModelError(MoonpostError, RuntimeError):
    """A model that has no answer for this input, such as a fit without examples."""


class MissingExtraError(MoonpostError, RuntimeError):
    """An optional package that is not installed; the advice names the extra to install."""


class OutputError(MoonpostError, RuntimeError):
    """A file or folder that cannot be written; what was there before is untouched."""


def suggestion(name: str, known: Sequence[str]) -> str:
    """Advice that names the nearest known names, or lists a few of them."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    if not known:
        return "none is defined"
    listed = ", ".join(known[:8])
    return f"known: {listed}" + (", ..." if len(known) > 8 else "")
