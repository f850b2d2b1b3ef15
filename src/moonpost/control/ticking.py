"""The thread that moves the station on with the clock, and never hides when it cannot keep up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from moonpost.control.clock import MissionClock
from moonpost.errors import MoonpostError

__all__ = ["Ticker"]

_LOG = logging.getLogger(__name__)
_US = np.timedelta64(1, "us")


class Ticker:
    """Moves a station on, twenty times a second, and does what is due now and then.

    Parameters
    ----------
    clock : MissionClock
        Simulated time.
    advance : callable
        From UTC to the octets that reached the ground by then.
    receive : callable
        Takes octets and the UTC of their receipt; tells whether they were taken, else they are offered again.
    reached : numpy.datetime64
        UTC from which on it moves.
    most : numpy.timedelta64
        Most simulated time moved at once, so that a station that is behind gives its telemetry in pieces.
    jobs : sequence of (float, str, callable)
        What else is done in this thread: the wall time between two times [s], what it is in words, and itself.
    tick_s : float
        Wall time between two moves [s].

    Notes
    -----
    A job or move that fails is counted, logged and told by `trouble`; the thread goes on. Only where the station
    itself fails, or telemetry is not taken, time stands still.

    Examples
    --------
    >>> wall_s, got = [0.0], []
    >>> clock = MissionClock(np.datetime64("2040-01-01"), 60.0, wall=lambda: wall_s[0])
    >>> ticker = Ticker(
    ...     clock,
    ...     lambda until: str(until)[11:16].encode(),
    ...     lambda octets, at: got.append(octets) is None,
    ...     reached=clock.now(),
    ...     most=np.timedelta64(1, "m"),
    ... )
    >>> wall_s[0] = 2.0
    >>> ticker.move(), ticker.behind_s
    (True, 60.0)
    >>> ticker.move(), ticker.behind_s, got
    (True, 0.0, [b'00:01', b'00:02'])
    """

    def __init__(
        self,
        clock: MissionClock,
        advance: Callable[[np.datetime64], bytes],
        receive: Callable[[bytes, np.datetime64], bool],
        *,
        reached: np.datetime64,
        most: np.timedelta64,
        jobs: Sequence[tuple[float, str, Callable[[], object]]] = (),
        tick_s: float = 0.05,
    ) -> None:
        self.reached = reached.astype("datetime64[us]")
        self.failures = 0
        self.moves = 0
        self._clock = clock
        self._advance, self._receive = advance, receive
        self._most = most.astype("timedelta64[us]")
        self._jobs = list(jobs)
        self._due_wall_s = [0.0] * len(self._jobs)
        self._tick_s = tick_s
        self._troubles: dict[str, str] = {}
        self._held: tuple[bytes, np.datetime64] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="moonpost-mission", daemon=True)

    @property
    def behind_s(self) -> float:
        """Simulated time by which telemetry lags the clock [s]."""
        return max(0.0, float((self._clock.now() - self.reached) / _US) / 1e6)

    @property
    def trouble(self) -> str:
        """What failed the last time that it was tried, and with what; empty if nothing did."""
        return "; ".join(tuple(self._troubles.values()))

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the move under way; a second call does nothing."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def move(self) -> bool:
        """Move once, up to the clock.

        Returns
        -------
        bool
            Whether what was moved was taken; False too if there was nothing to do.
        """
        if self._held is None:
            until = min(self._clock.now(), self.reached + self._most)
            if until <= self.reached:
                return False
            self._held = (self._advance(until), until)
        octets, until = self._held
        if not self._receive(octets, until):
            return False
        self._held = None
        self.reached = until
        self.moves += 1
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            began_s = time.monotonic()
            moved = self._try("the station", self.move)
            for place, (period_s, name, job) in enumerate(self._jobs):
                if began_s >= self._due_wall_s[place]:
                    self._due_wall_s[place] = began_s + period_s
                    self._try(name, job)
            behind = moved and self._clock.now() - self.reached > self._most
            spent_s = time.monotonic() - began_s
            self._stopped.wait(0.001 if behind else max(0.001, self._tick_s - spent_s))

    def _try(self, what: str, job: Callable[[], object]) -> bool:
        """Do something; a failure is told and waits a moment, and never ends the thread."""
        try:
            done = bool(job())
        except Exception as error:
            self.failures += 1
            told = f"{what} failed: {_cause(error)}"
            if self._troubles.get(what) != told:
                _LOG.warning("%s failed: %s: %s", what, type(error).__name__, error)
            self._troubles[what] = told
            self._stopped.wait(0.5)
            return False
        self._troubles.pop(what, None)
        return done


def _cause(error: Exception) -> str:
    """Why something failed, without paths, statements and values, for `trouble` is told to anybody who asks."""
    if isinstance(error, MoonpostError):
        return error.what
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    cause = getattr(error, "orig", None)  # what a database says
    if isinstance(cause, Exception):
        return str(cause)
    return f"{type(error).__name__}, see the log"
