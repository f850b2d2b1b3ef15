"""Faults written down: a TOML file, or a line of the form ``kind=dust,subject=yutu-2,at=2040-02-01,size=0.3``."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.files import read_toml
from moonpost.operations.faultrates import FaultRate, arrived, drawn_faults
from moonpost.operations.faults import MachineFault, affected
from moonpost.plan.model import Plan

__all__ = ["FaultFile", "fault_of_text", "faults_of", "faults_within", "read_faults"]

_FAULT_KEYS = ("kind", "subject", "at", "size", "recovery", "strength", "latency_h", "days")
_RATE_KEYS = ("kind", "subject", "per_year", "wear", "size", "once", "recovery", "strength", "latency_h", "days")
_SHARED = ("recovery", "strength", "latency_h", "days")


@dataclass(frozen=True)
class FaultFile:
    """Faults with their dates, and rates of others.

    Parameters
    ----------
    faults : tuple of MachineFault
        With dates.
    rates : tuple of FaultRate
        Drawn by chance.

    Examples
    --------
    >>> FaultFile().faults
    ()
    """

    faults: tuple[MachineFault, ...] = ()
    rates: tuple[FaultRate, ...] = ()

    def for_seed(
        self, plan: Plan, start: np.datetime64, stop: np.datetime64, seed: int
    ) -> tuple[MachineFault, ...]:
        """The faults with dates and those drawn for a seed, of a period [UTC], in order of time.

        Raises
        ------
        InputError, UnknownNameError, DateError
            If a fault does not fit the plan or the period.
        """
        dated = faults_within(plan, self.faults, start, stop)
        return tuple(sorted((*dated, *drawn_faults(plan, self.rates, start, stop, seed)), key=lambda f: f.time))


def read_faults(path: str | os.PathLike[str]) -> FaultFile:
    r"""Read faults and rates from a TOML file.

    Parameters
    ----------
    path : str or path-like
        Tables ``[[fault]]`` with ``kind``, ``subject``, ``at`` and, if wanted, ``size``, ``recovery``,
        ``strength``, ``latency_h``, ``days``; tables ``[[rate]]`` with ``per_year``, ``wear`` and ``once`` instead
        of ``at``; and ``latency_h`` at the top for all.

    Returns
    -------
    FaultFile

    Raises
    ------
    DataError
        If the file cannot be read or is not TOML.
    InputError, UnknownNameError, DateError
        If something in it is wrong; the message names file, table and key.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "faults.toml"
    ...     _ = path.write_text('[[fault]]\nkind = "dust"\nsubject = "yutu-2"\nat = 2040-02-01\nsize = 0.3\n')
    ...     read_faults(path).faults[0].amount
    0.3
    """
    raw = read_toml(path, "fault file")
    name = str(path)
    for key in raw:
        if key not in ("fault", "rate", "latency_h"):
            raise UnknownNameError(key, ("fault", "rate", "latency_h"), kind="key", where=name)
    shared = {"latency_h": raw["latency_h"]} if "latency_h" in raw else {}
    if shared:
        value = shared["latency_h"]
        sound = isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 87_660.0
        if not sound:
            raise InputError(f"is {value!r}", where=f"{name}: latency_h", advice="give hours from 0 to 87660")
    faults = [_fault(shared | row, where) for where, row in _rows(raw, "fault", name)]
    rates = [_rate(shared | row, where) for where, row in _rows(raw, "rate", name)]
    if not faults and not rates:
        raise InputError("has no fault and no rate", where=name, advice="write [[fault]] or [[rate]] above each")
    return FaultFile(tuple(faults), tuple(rates))


def fault_of_text(text: str) -> MachineFault:
    """Read a fault from one line.

    Parameters
    ----------
    text : str
        ``key=value`` parted by commas, with the keys of a ``[[fault]]`` table.

    Returns
    -------
    MachineFault

    Raises
    ------
    InputError, UnknownNameError, DateError
        If it cannot be read.

    Examples
    --------
    >>> fault_of_text("kind=dust,subject=yutu-2,at=2040-02-01,size=0.3").size
    0.3
    """
    where = f"--fault {text!r}"
    row: dict[str, Any] = {}
    for part in text.split(","):
        key, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or not key or not value:
            raise InputError(
                f"{part.strip()!r} is not key=value",
                where=where,
                advice="write kind=dust,subject=yutu-2,at=2040-02-01,size=0.3",
            )
        if key in row:
            raise InputError(f"gives {key} twice", where=where, advice="give it once")
        row[key] = value
    for key in ("size", "strength", "latency_h", "days"):
        if key in row:
            row[key] = _number(row[key], f"{where}: {key}")
    return _fault(row, f"{where}: fault")


def faults_of(
    plan: Plan,
    start: np.datetime64,
    stop: np.datetime64,
    seed: int = 0,
    *,
    path: str | os.PathLike[str] | None = None,
    lines: Sequence[str] = (),
) -> tuple[MachineFault, ...]:
    """Faults of a period from a file and from single lines, with those drawn for a seed.

    Parameters
    ----------
    plan : Plan
        The plan.
    start, stop : datetime64
        The period, UTC.
    seed : int
        For the rates of the file.
    path : str or path-like, optional
        A file as in `read_faults`.
    lines : sequence of str
        Faults as in `fault_of_text`.

    Returns
    -------
    tuple of MachineFault
        In order of time; empty if nothing is given.

    Raises
    ------
    DataError, InputError, UnknownNameError, DateError
        If something is wrong with the file, a line, or how a fault fits the plan and the period.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> span = np.datetime64("2040-01-01", "ms"), np.datetime64("2041-01-01", "ms")
    >>> [f.kind for f in faults_of(load_plan("ilrs"), *span, lines=["kind=no-wake,subject=yutu-2,at=2040-02-01"])]
    ['no-wake']
    """
    written = read_faults(path) if path is not None else FaultFile()
    single = tuple(fault_of_text(line) for line in lines)
    return replace(written, faults=written.faults + single).for_seed(plan, start, stop, seed)


def faults_within(
    plan: Plan, faults: Iterable[MachineFault], start: np.datetime64, stop: np.datetime64
) -> tuple[MachineFault, ...]:
    """Check that faults fit a plan and a period.

    Parameters
    ----------
    plan : Plan
        The plan.
    faults : iterable of MachineFault
        The faults.
    start, stop : datetime64
        The period, UTC.

    Returns
    -------
    tuple of MachineFault
        The same, in order of time.

    Raises
    ------
    UnknownNameError
        If the plan has no such machine.
    InputError
        If a machine cannot have its fault.
    DateError
        If a fault begins outside the period, or before its machine is there.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> dust = fault_of_text("kind=dust,subject=yutu-2,at=2040-02-01")
    >>> faults_within(load_plan("ilrs"), [dust], np.datetime64("2041-01-01"), np.datetime64("2042-01-01"))
    Traceback (most recent call last):
    ...
    moonpost.errors.DateError: --fault ...
    """
    kept = tuple(faults)
    for fault in kept:
        touched = affected(plan, fault)
        where = f"{fault.where}.at" if fault.where else "MachineFault.at"
        if not start <= fault.time < stop:
            raise DateError(
                f"{_day(fault.time)} is outside the period",
                where=where,
                advice=f"use {_day(start)} to {_day(stop)}",
            )
        for subject in touched:
            born = arrived(plan, subject)
            if fault.time < born:
                raise DateError(
                    f"{_day(fault.time)} is before {subject} is there",
                    where=where,
                    advice=f"by the plan it arrives by {_day(born)}",
                )
    return tuple(sorted(kept, key=lambda fault: (fault.time, fault.subject, fault.kind)))


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")) + "Z"


def _rows(raw: Mapping[str, Any], table: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a table, each with its place."""
    rows = raw.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(
            "is not a list of tables", where=f"{name}: {table}", advice=f"write [[{table}]] above each"
        )
    return [(f"{name}: {table}[{k}]", row) for k, row in enumerate(rows, 1)]


def _checked(row: Mapping[str, Any], where: str, keys: Sequence[str], needed: Sequence[str]) -> None:
    """Refuse unknown and missing keys, and names that are no text."""
    for key in row:
        if key not in keys:
            raise UnknownNameError(key, keys, kind="key", where=where)
    for key in needed:
        if key not in row:
            raise InputError(f"lacks {key}", where=where, advice=f"it needs {', '.join(needed)}")
    for key in ("kind", "subject", "recovery"):
        if key in row and not isinstance(row[key], str):
            raise InputError(f"is {row[key]!r}", where=f"{where}.{key}", advice="write it as text in quotes")


def _fault(row: Mapping[str, Any], where: str) -> MachineFault:
    """One fault with a date."""
    _checked(row, where, _FAULT_KEYS, ("kind", "subject", "at"))
    rest = {key: row[key] for key in ("size", *_SHARED) if key in row}
    return MachineFault(row["kind"], row["subject"], _instant(row["at"], f"{where}.at"), where=where, **rest)


def _rate(row: Mapping[str, Any], where: str) -> FaultRate:
    """One rate."""
    _checked(row, where, _RATE_KEYS, ("kind", "subject", "per_year"))
    size = row.get("size")
    if size is not None:
        ends = size if isinstance(size, list) else [size, size]
        if len(ends) != 2 or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
            raise InputError(f"is {size!r}", where=f"{where}.size", advice="give a number or [least, largest]")
        size = (float(ends[0]), float(ends[1]))
    rest = {key: row[key] for key in _SHARED if key in row}
    given = {key: row[key] for key in ("wear", "once") if key in row}
    return FaultRate(row["kind"], row["subject"], row["per_year"], size=size, fault=rest, where=where, **given)


def _instant(value: Any, where: str) -> np.datetime64:
    """A date of TOML or text as UTC."""
    from moonpost.sky.times import as_utc

    try:
        if isinstance(value, dt.datetime | dt.date | str):
            found = as_utc(value)
            if found.size == 1 and not np.isnat(found).any():
                return found.reshape(-1)[0]
    except (DateError, InputError, ValueError) as error:
        raise DateError(
            f"{value!s} is not a date", where=where, advice="write a UTC date, 2040-02-01 or 2040-02-01T12:00:00Z"
        ) from error
    raise DateError(f"{value!r} is not a date", where=where, advice="write a UTC date, 2040-02-01T12:00:00Z")


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"is {text!r}", where=where, advice="give a number") from error
