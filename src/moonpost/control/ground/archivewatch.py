"""How an archive fares: whether it takes packets, and what of it is damaged; one alarm tells of both."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from moonpost.control.archive import Archive, Finding
from moonpost.control.archive.checking import check_all
from moonpost.control.archive.stops import stopped
from moonpost.control.ground.alarms import Alarms
from moonpost.errors import MoonpostError, OutputError

__all__ = ["ArchiveWatch"]

_KEY = "ground.archive"
_RETRY_S = 1.0
_REST = 2.0
_TOLD = 20


class ArchiveWatch:
    """Keeps the alarm ``ground.archive``, and reads once in the background all that is closed.

    Parameters
    ----------
    archive : Archive
        Open to write.
    alarms : Alarms
        Where it is told.
    now : callable
        UTC by the mission's clock.

    Notes
    -----
    The check of all checksums runs in a thread of the lowest priority, which rests twice as long as it reads. It
    stops nothing: sound packets of a damaged segment are read on.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Archive.open(folder) as archive:
    ...     watch = ArchiveWatch(archive, Alarms(), lambda: np.datetime64("2040-01-01", "us"))
    ...     watch.close()
    ...     watch.status()["full_since"], watch.damage
    (None, [])
    """

    def __init__(self, archive: Archive, alarms: Alarms, now: Callable[[], np.datetime64]) -> None:
        self.full_since: np.datetime64 | None = None
        self.cause = ""
        self.trouble = ""
        self.damage: list[Finding] = list(archive.findings)
        self.is_checked = False
        self._folder, self._alarms, self._now = archive.folder, alarms, now
        self._text = ""
        self._retry_wall_s = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        if self.damage:
            self._tell(now())
        self._thread = threading.Thread(target=self._check, name="moonpost-check", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether the archive took nothing less than a second ago."""
        return self.full_since is not None and time.monotonic() < self._retry_wall_s

    def stop(self, error: OutputError, at: np.datetime64) -> None:
        """The archive takes nothing any more."""
        found = stopped(self._folder, error)
        with self._lock:
            self._retry_wall_s = time.monotonic() + _RETRY_S
            self.full_since = at if self.full_since is None else self.full_since
            self.cause, self._text, self.trouble = found.cause, found.text, str(error)
            self._tell(at)

    def go_on(self, at: np.datetime64) -> None:
        """The archive took packets."""
        if self.full_since is None:
            return
        with self._lock:
            self.full_since, self.cause, self._text, self.trouble = None, "", "", ""
            self._tell(at)

    def status(self) -> dict[str, Any]:
        """Since when and why nothing is taken, and what is damaged, as plain values."""
        found = list(self.damage)
        return {
            "full_since": None if self.full_since is None else f"{self.full_since}Z", "stopped": self.cause,
            "damage": {
                "places": len(found), "checked": self.is_checked, "findings": [str(one) for one in found[:_TOLD]],
            },
        }  # fmt: skip

    def close(self) -> None:
        """End the check."""
        self._ended.set()
        self._thread.join()

    def _tell(self, at: np.datetime64) -> None:
        """One alarm: that nothing is taken, else what is damaged, else none."""
        if self.full_since is not None:
            text = f"the archive takes no packets, {self._text}: telemetry is refused"
            self._alarms.tell(_KEY, 2, at, text)
        elif self.damage:
            more = len(self.damage) - 1
            others = f" and {more} more {'place' if more == 1 else 'places'}" if more else ""
            text = f"the archive is damaged: {self.damage[0]}{others}; see moonpost control verify DIR"
            self._alarms.tell(_KEY, 1, at, text, float(len(self.damage)))
        else:
            self._alarms.settle(_KEY, at)

    def _check(self) -> None:
        """Read all that is closed, slowly, and tell what is not as it was written."""
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        steps = check_all(self._folder, deep=False)
        while not self.is_checked:
            began_s = time.monotonic()
            try:
                step = next(steps, None)
                found = step.findings if step is not None else ()
            except MoonpostError as error:
                step, found = None, (Finding(Path(error.where).name, error.what),)
            with self._lock:
                new = [finding for finding in found if finding not in self.damage]
                self.damage += new
                self.is_checked = step is None
                if new or self.is_checked:
                    self._tell(self._now())
            if self._ended.wait(_REST * (time.monotonic() - began_s)):
                return
