"""Schedules on disk: one file that keeps every former version."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, InputError
from moonpost.files import write_json
from moonpost.operations.placements import Schedule

__all__ = ["Version", "load_schedule", "save_schedule", "schedule_versions"]

_ADVICE = "give a file that 'moonpost operate schedule --out' wrote"


@dataclass(frozen=True)
class Version:
    """One version of a schedule in its file.

    Parameters
    ----------
    number : int
        From 1, the oldest.
    saved_utc : str
        When it was saved.
    text : str
        What was done to get it.
    schedule : Schedule
        The version.

    Examples
    --------
    >>> from moonpost.operations.schedulefile import save_schedule  # see there
    """

    number: int
    saved_utc: str
    text: str
    schedule: Schedule


def save_schedule(path: str | os.PathLike[str], schedule: Schedule, text: str = "scheduled") -> int:
    """Write a schedule; versions that the file holds already stay in it.

    Parameters
    ----------
    path : path-like
        The file. It is replaced as a whole, so that a stop leaves the former one.
    schedule : Schedule
        The new version.
    text : str
        What was done to get it.

    Returns
    -------
    int
        Number of the version.

    Raises
    ------
    DataError
        If the file is there and is not that of a schedule of the same plan, site and period.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> day = np.datetime64("2038-01-01", "ms")
    >>> plan = Schedule("p", "0", None, day, day + np.timedelta64(1, "D"), 900.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "plan.json"
    ...     save_schedule(path, plan), save_schedule(path, plan, "shift a-1 +2h")
    ...     [row.text for row in schedule_versions(path)]
    (1, 2)
    ['scheduled', 'shift a-1 +2h']
    """
    target = Path(path)
    rows: list[dict[str, Any]] = []
    if target.exists():
        former = schedule_versions(target)
        last = former[-1].schedule
        if (last.plan_id, last.site, last.start, last.stop) != (
            schedule.plan_id,
            schedule.site,
            schedule.start,
            schedule.stop,
        ):
            raise DataError(
                "holds the schedule of another plan, site or period", where=str(target), advice="name another file"
            )
        rows = _read(target)["versions"]
    number = len(rows) + 1
    saved = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    rows = [*rows, {"number": number, "saved_utc": saved, "text": text, "schedule": schedule.to_dict()}]
    write_json(target, {**schedule.to_dict(), "version": number, "versions": rows})
    return number


def load_schedule(path: str | os.PathLike[str], number: int | None = None) -> Schedule:
    """Read a schedule.

    Parameters
    ----------
    path : path-like
        The file.
    number : int, optional
        A version; the last if not given.

    Returns
    -------
    Schedule

    Raises
    ------
    DataError
        If the file is missing, damaged or no schedule.
    InputError
        If it has no such version.

    Examples
    --------
    >>> from moonpost.operations.schedulefile import save_schedule  # see there
    """
    rows = schedule_versions(path)
    if number is None:
        return rows[-1].schedule
    if not 1 <= number <= len(rows):
        raise InputError(f"has no version {number}", where=str(path), advice=f"give 1 to {len(rows)}")
    return rows[number - 1].schedule


def schedule_versions(path: str | os.PathLike[str]) -> tuple[Version, ...]:
    """Every version of a schedule in its file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    tuple of Version
        Oldest first.

    Raises
    ------
    DataError
        If the file is missing, damaged or no schedule.

    Examples
    --------
    >>> from moonpost.operations.schedulefile import save_schedule  # see there
    """
    data = _read(Path(path))
    found = []
    for k, row in enumerate(data["versions"], start=1):
        try:
            number, saved, text, part = row["number"], str(row["saved_utc"]), str(row["text"]), row["schedule"]
        except (KeyError, TypeError) as error:
            raise DataError(f"version {k} cannot be read: {error!r}", where=str(path), advice=_ADVICE) from error
        if number != k:
            raise DataError(f"version {k} is numbered {number!r}", where=str(path), advice=_ADVICE)
        found.append(Version(k, saved, text, Schedule.from_dict(part, f"{path}, version {k}")))
    return tuple(found)


def _read(path: Path) -> dict[str, Any]:
    """The file as plain values."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path), advice=_ADVICE) from error
    except ValueError as error:
        raise DataError(f"is no JSON: {error}", where=str(path), advice=_ADVICE) from error
    if not isinstance(data, dict) or not isinstance(data.get("versions"), list) or not data["versions"]:
        raise DataError("is not a schedule", where=str(path), advice=_ADVICE)
    return data
