"""The clock of a mission: simulated time that runs at a multiple of wall time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from moonpost.errors import InputError

__all__ = ["MissionClock"]

_LEAST_SPEED, _MOST_SPEED = 0.01, 100_000.0
_REAL = 1.0


class MissionClock:
    """Simulated time that runs at a multiple of wall time, and stops at the end of its span.

    Parameters
    ----------
    start : numpy.datetime64
        UTC at which it begins to run.
    speed : float
        Simulated seconds for each second of wall time, 0.01 to 100,000.
    stop : numpy.datetime64, optional
        UTC at which it stops; it runs on without.
    wall : callable
        Gives wall time that never goes back [s].

    Raises
    ------
    InputError
        If the speed is no number of 0.01 to 100,000, or `stop` lies before `start`.

    Examples
    --------
    >>> wall_s = [0.0]
    >>> start, stop = np.datetime64("2040-01-01"), np.datetime64("2040-01-02")
    >>> clock = MissionClock(start, 3600.0, stop=stop, wall=lambda: wall_s[0])
    >>> wall_s[0] = 2.0
    >>> str(clock.now())
    '2040-01-01T02:00:00.000000'
    >>> clock.set_speed(86400.0)
    >>> wall_s[0] = 5.0
    >>> str(clock.now()), clock.has_ended
    ('2040-01-02T00:00:00.000000', True)

    It can be told where to slow down to real time:

    >>> clock = MissionClock(start, 1.0, wall=lambda: wall_s[0])
    >>> clock.set_speed(3600.0, until=np.datetime64("2040-01-01T12:00"))
    >>> wall_s[0] += 22.0
    >>> str(clock.now()), clock.speed
    ('2040-01-01T12:00:10.000000', 1.0)
    """

    def __init__(
        self,
        start: np.datetime64,
        speed: float = 1.0,
        *,
        stop: np.datetime64 | None = None,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._wall = wall
        self._speed = checked_speed(speed)
        self._base_us = _us(start)
        self._stop_us = None if stop is None else _us(stop)
        self._until_us: int | None = None
        if self._stop_us is not None and self._stop_us < self._base_us:
            raise InputError("ends before it begins", where="clock", advice="give a later end")
        self._wall_base = wall()

    def now(self) -> np.datetime64:
        """Simulated UTC.

        Returns
        -------
        numpy.datetime64
            To the microsecond; the end of the span once it is reached.
        """
        with self._lock:
            return np.datetime64(self._now_us(), "us")

    def set_speed(self, speed: float, until: np.datetime64 | None = None) -> None:
        """Run at another speed from now on; time does not jump.

        Parameters
        ----------
        speed : float
            Simulated seconds for each second of wall time, 0.01 to 100,000.
        until : numpy.datetime64, optional
            UTC from which it runs at real time again; on at that speed without.

        Raises
        ------
        InputError
            If it is no such number, or `until` is not later than now.
        """
        checked = checked_speed(speed)
        until_us = None if until is None else _us(until)
        with self._lock:
            now_us = self._now_us()
            if until_us is not None and until_us <= now_us:
                now = np.datetime64(now_us, "us").astype("datetime64[s]")
                raise InputError(f"{until}Z is past", where="until", advice=f"give a time after {now}Z")
            self._rebase(now_us, checked, until_us)

    def restart(self, at: np.datetime64) -> None:
        """Run on from another time, as after a wait before the first tick.

        Parameters
        ----------
        at : numpy.datetime64
            UTC that it is now.
        """
        with self._lock:
            self._rebase(_us(at), self._speed, self._until_us)

    @property
    def speed(self) -> float:
        """Simulated seconds for each second of wall time."""
        with self._lock:
            self._now_us()
            return self._speed

    @property
    def until(self) -> np.datetime64 | None:
        """UTC at which it slows down to real time; None if it does not."""
        with self._lock:
            self._now_us()
            return None if self._until_us is None else np.datetime64(self._until_us, "us")

    @property
    def stop(self) -> np.datetime64 | None:
        """UTC at which it stops."""
        return None if self._stop_us is None else np.datetime64(self._stop_us, "us")

    @property
    def has_ended(self) -> bool:
        """Whether it stands at the end of its span."""
        with self._lock:
            return self._stop_us is not None and self._now_us() >= self._stop_us

    def _now_us(self) -> int:
        """Simulated time by the wall; behind `until` it has run at real time since."""
        found = self._at(self._wall())
        if self._until_us is not None and found >= self._until_us:
            self._wall_base += (self._until_us - self._base_us) / 1e6 / self._speed
            self._base_us, self._speed, self._until_us = self._until_us, _REAL, None
            found = self._at(self._wall())
        return found if self._stop_us is None else min(found, self._stop_us)

    def _at(self, wall: float) -> int:
        return self._base_us + max(0, round((wall - self._wall_base) * self._speed * 1e6))

    def _rebase(self, now_us: int, speed: float, until_us: int | None) -> None:
        self._base_us, self._wall_base, self._speed, self._until_us = now_us, self._wall(), speed, until_us


def _us(t: np.datetime64) -> int:
    return int(t.astype("datetime64[us]").astype(np.int64))


def checked_speed(speed: float) -> float:
    """A speed that can be used, or an error."""
    if isinstance(speed, bool) or not (math.isfinite(speed) and _LEAST_SPEED <= speed <= _MOST_SPEED):
        raise InputError(
            f"is {speed}", where="speed", advice=f"give {_LEAST_SPEED:g} to {_MOST_SPEED:,.0f} times wall time"
        )
    return float(speed)
