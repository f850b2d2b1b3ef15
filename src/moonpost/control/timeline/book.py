"""The schedule of a plan's activities: made in the background, better with time, kept in the folder."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.timeline.windows import Times
from moonpost.errors import MoonpostError
from moonpost.plan import Plan

if TYPE_CHECKING:
    from moonpost.operations.placements import Schedule, Setting
    from moonpost.operations.record import Simulation

__all__ = ["MOST_DAYS", "ScheduleBook"]

MOST_DAYS = 400.0
"""Longest period that is scheduled [d]."""

_SEARCH_S = 10.0


class ScheduleBook:
    """The schedule of a period, made by rules first and searched for in the background.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : path-like
        Where schedules are kept; they are taken up again from there.
    start : datetime64
        Begin of the period, UTC.
    days : float
        Its length [d]; of more than `MOST_DAYS` the first part is scheduled.
    site : str, optional
        A site of the plan; the station's if not given.
    contacts : ndarray of datetime64, (m, 2), optional
        Windows of contact.
    seconds : float
        How long to search after the first schedule [s].

    Notes
    -----
    Nothing is computed before `begin` or `wait`. A schedule on disk counts for the same plan, period, site and
    contacts only; one that was never searched is improved after the next start.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.plan import load_plan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = ScheduleBook(load_plan("ilrs"), folder, np.datetime64("2038-01-01"), 3.0, seconds=0.0)
    ...     found = book.wait()
    ...     again = ScheduleBook(load_plan("ilrs"), folder, np.datetime64("2038-01-01"), 3.0).path.exists()
    >>> len(found.placements) > 5, again
    (True, True)
    """

    def __init__(
        self,
        plan: Plan,
        folder: Any,
        start: np.datetime64,
        days: float,
        *,
        site: str | None = None,
        contacts: Times | None = None,
        seconds: float = _SEARCH_S,
    ) -> None:
        self.plan, self.site, self.seconds = plan, site, seconds
        self.start, self.days = start.astype("datetime64[ms]"), min(days, MOST_DAYS)
        self._contacts = None if contacts is None else np.asarray(contacts).astype("datetime64[ms]").reshape(-1, 2)
        self.path = Path(folder) / f"schedule-{self._key()}.json"
        self.state = "waiting"
        self.error = ""
        self._schedule: Schedule | None = None
        self._setting: Setting | None = None
        self._reference: Simulation | None = None
        self._lock = threading.Lock()
        self._sky = threading.Lock()
        self._first = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def schedule(self) -> Schedule | None:
        """The best schedule so far; None while there is none."""
        return self._schedule

    def begin(self) -> None:
        """Start to compute in the background, once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
                self._thread.start()

    def wait(self, seconds: float = 120.0) -> Schedule | None:
        """Wait for the first schedule.

        Parameters
        ----------
        seconds : float
            How long at most [s].

        Returns
        -------
        Schedule or None
            None if there is none, see `error`.
        """
        self.begin()
        self._first.wait(seconds)
        return self._schedule

    def join(self, seconds: float) -> None:
        """Wait until nothing is computed any more.

        Parameters
        ----------
        seconds : float
            How long at most [s].
        """
        if self._thread is not None:
            self._thread.join(seconds)

    def setting(self) -> Setting:
        """The sky of the period; computed at the first call.

        Returns
        -------
        Setting

        Raises
        ------
        MoonpostError
            If it cannot be computed.
        """
        from moonpost.sky import iso
        from moonpost.study.scheduling import schedule_setting

        with self._sky:
            if self._setting is None:
                self._setting = schedule_setting(
                    self.plan, iso(self.start), self.days, site=self.site, contacts=self._contacts
                )
            return self._setting

    def reference(self) -> Simulation:
        """The station without activities in the period; computed at the first call.

        Returns
        -------
        Simulation

        Raises
        ------
        MoonpostError
            If it cannot be simulated.
        """
        from moonpost.operations.checker import simulated

        setting = self.setting()
        with self._sky:
            if self._reference is None:
                self._reference = simulated(setting, ())
            return self._reference

    def to_dict(self) -> dict[str, Any]:
        """State of the schedule as plain values, for JSON."""
        found = self._schedule
        told: dict[str, Any] = {"state": self.state, "error": self.error}
        if found is not None:
            told |= {
                "placed": len(found.placements), "value": found.value, "bound": found.bound,
                "refused": [
                    {"id": row.id, "activity": row.activity, "element": row.element, "reason": row.reason}
                    for row in found.refusals
                ],
                "notes": list(found.notes),
            }  # fmt: skip
        return told

    def _key(self) -> str:
        """What a kept schedule depends on."""
        told = [self.plan.sha256, str(self.start), f"{self.days:.6f}", str(self.site)]
        rows = b"" if self._contacts is None else self._contacts.astype(np.int64).tobytes()
        return hashlib.sha256("|".join(told).encode() + rows).hexdigest()[:16]

    def _run(self) -> None:
        """Take up what is kept, else schedule; then search."""
        try:
            self._compute()
        except MoonpostError as error:
            self.error = str(error)
        except Exception as error:  # a thread of its own: what went wrong is told, the server goes on
            self.error = f"{type(error).__name__}: {error}"
        if self.error:
            self.state = "failed" if self._schedule is None else "ready"
        self._first.set()

    def _compute(self) -> None:
        from moonpost.operations.schedule import schedule

        if not self.plan.activities:
            self.state, self.error = "none", ""
            return
        searched = self._kept()
        if self._schedule is None:
            self.state = "computing"
            self._keep(schedule(self.setting(), seconds=0.0), "first")
        self._first.set()
        found = self._schedule
        if not searched and self.seconds > 0.0 and found is not None and found.value < found.bound - 1e-9:
            self.state = "improving"
            self._keep(schedule(self.setting(), seconds=self.seconds, former=found), "searched")
        self.state = "ready"

    def _kept(self) -> bool:
        """Take up a schedule from the folder; whether it has been searched for."""
        from moonpost.operations.schedulefile import schedule_versions

        if not self.path.exists():
            return False
        try:
            last = schedule_versions(self.path)[-1]
        except MoonpostError:  # made again: it holds nothing that cannot be computed
            self.path.unlink(missing_ok=True)
            return False
        self._schedule = last.schedule
        return last.text == "searched"

    def _keep(self, found: Schedule, text: str) -> None:
        from moonpost.operations.schedulefile import save_schedule

        self._schedule = found
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_schedule(self.path, found, text)
