"""The folder of a mission: one server at a time, one plan for ever, and the time that was reached."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from moonpost.errors import DataError, InputError, OutputError
from moonpost.files import atomic_path
from moonpost.plan import Plan

__all__ = ["Flown", "MissionFolder"]

_RECORD = "mission.json"
_LOCK = "mission.lock"


@dataclass(frozen=True)
class Flown:
    """What a folder flies; it cannot change, because telemetry of before would no longer follow from it.

    Parameters
    ----------
    plan : str
        Identifier of the plan.
    digest : str
        SHA-256 of the plan's content, 64 hexadecimal digits.
    start : str or None
        First instant, UTC; None for the station's own, or as before.
    days : float or None
        Length of the simulation [d]; None as before.
    step_s : float or None
        Step of the simulation [s]; None as before.
    site : str or None
        Site of the plan; None for the station's own, or as before.
    seed : int
        Of what is drawn by chance.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> Flown.of(load_plan("ilrs"), None, 60.0, None, None, 0).days
    60.0
    """

    plan: str
    digest: str
    start: str | None
    days: float | None
    step_s: float | None
    site: str | None
    seed: int

    @classmethod
    def of(
        cls, plan: Plan, start: str | None, days: float | None, step_s: float | None, site: str | None, seed: int
    ) -> Flown:
        """What is asked for.

        Parameters
        ----------
        plan : Plan
            The plan.
        start, days, step_s, site, seed
            As of the class.

        Returns
        -------
        Flown
        """
        digest = hashlib.sha256(plan.model_dump_json().encode()).hexdigest()
        return cls(plan.id, digest, start, days, step_s, site, seed)


class MissionFolder:
    """A folder that is held by one server until it is closed.

    Parameters
    ----------
    folder : path-like
        The folder; it is made if it is not there.
    flown : Flown
        What is to be flown in it; its attribute of the same name tells what is, with what was left open as before.

    Raises
    ------
    OutputError
        If another server runs in it, or it cannot be written.
    InputError
        If something else was flown in it.
    DataError
        If its record cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.plan import load_plan
    >>> flown = Flown.of(load_plan("ilrs"), None, 60.0, None, None, 0)
    >>> with tempfile.TemporaryDirectory() as path:
    ...     folder = MissionFolder(path, flown)
    ...     folder.note(np.datetime64("2040-01-02T03:04:05"))
    ...     folder.close()
    ...     again = MissionFolder(path, flown)
    ...     reached = again.reached
    ...     again.close()
    >>> str(reached)
    '2040-01-02T03:04:05.000000'
    """

    def __init__(self, folder: str | os.PathLike[str], flown: Flown) -> None:
        self.path, self.flown = Path(folder), flown
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] | None = (self.path / _LOCK).open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror}", where=str(self.path), advice="choose another --data"
            ) from error
        try:
            self._hold()
            self._tidy()
            self._compare(flown)
        except BaseException:
            self.close()
            raise

    def _hold(self) -> None:
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                "another server runs in it", where=str(self.path), advice="stop it, or choose another --data"
            ) from error

    def _tidy(self) -> None:
        """Remove what a killed server left half written."""
        for left in self.path.glob(".reached-*.part.json"):
            left.unlink(missing_ok=True)

    def keep(self) -> None:
        """Put down what is flown, once it is known that it can be.

        Raises
        ------
        OutputError
            If the disk is full or fails.
        """
        file = self.path / _RECORD
        if not file.exists():
            _write(file, asdict(self.flown))

    def _compare(self, flown: Flown) -> None:
        file = self.path / _RECORD
        if not file.exists():
            return
        try:
            known = Flown(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                "cannot be read", where=str(file), advice="restore it from a copy, or choose another --data"
            ) from error
        mine, old = asdict(flown), asdict(known)
        other = [name for name in old if mine[name] is not None and old[name] != mine[name]]
        if other:
            name = "plan" if "digest" in other else other[0]
            raise InputError(
                f"another mission is flown in it: {name} was {_said(old[name])}, not {_said(mine[name])}"
                if name != "plan" or old["plan"] != mine["plan"]
                else f"plan {old['plan']!r} was flown in it as it was before it was edited",
                where=str(self.path),
                advice="choose another --data, or start as before",
            )
        self.flown = known

    @property
    def reached(self) -> np.datetime64 | None:
        """UTC that was reached when it was last noted, or None."""
        return reached_in(self.path)

    def note(self, reached: np.datetime64) -> None:
        """Keep the time that was reached.

        Parameters
        ----------
        reached : numpy.datetime64
            UTC.

        Raises
        ------
        OutputError
            If the disk is full or fails, or the folder is not there any more.
        """
        assert self._lock is not None
        try:
            is_there = os.path.samestat(os.fstat(self._lock.fileno()), os.stat(self.path / _LOCK))
        except OSError:
            is_there = False
        if not is_there:
            raise OutputError("is gone", where=str(self.path), advice="put the same folder back")
        _write(self.path / "reached.json", {"time_us": int(reached.astype("datetime64[us]").astype(np.int64))})

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def reached_in(folder: Path) -> np.datetime64 | None:
    """UTC that was reached when it was last noted in a folder, or None."""
    try:
        told = json.loads((folder / "reached.json").read_text(encoding="utf-8"))["time_us"]
        return np.datetime64(int(told), "us")
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(file: Path, value: object) -> None:
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _said(value: object) -> str:
    return "as the plan has it" if value is None else repr(value)
