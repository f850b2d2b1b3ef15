"""Limits in front of all routes: requests a second from an address, tries to log in, octets of a body."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Buckets", "Tries"]


class Buckets:
    """One bucket of permits for each key; it fills steadily and each request takes one.

    Parameters
    ----------
    rate_s : float
        Permits a second [1/s].
    burst : float
        Most permits that a bucket holds.
    most : int
        Keys that are remembered; the one that has been quiet longest is forgotten first.
    clock : callable
        Gives a time that never goes back [s].

    Examples
    --------
    >>> now = [0.0]
    >>> buckets = Buckets(1.0, 2.0, clock=lambda: now[0])
    >>> [buckets.take("a"), buckets.take("a"), buckets.take("a"), buckets.take("b")]
    [0.0, 0.0, 1.0, 0.0]
    >>> now[0] = 1.0
    >>> buckets.take("a")
    0.0
    """

    def __init__(
        self, rate_s: float, burst: float, *, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_s, self._burst, self._most, self._clock = rate_s, burst, most, clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """Take a permit.

        Parameters
        ----------
        key : str
            Such as an address.

        Returns
        -------
        float
            0 if there was one, else how long to wait for the next [s].
        """
        now = self._clock()
        with self._lock:
            held, at = self._held.pop(key, (self._burst, now))
            held = min(self._burst, held + (now - at) * self._rate_s)
            short = max(0.0, 1.0 - held)
            self._held[key] = (held - (0.0 if short else 1.0), now)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return short / self._rate_s


class Tries:
    """Wrong passwords: a few are free, then each further try has to wait, longer each time.

    Parameters
    ----------
    free : int
        Wrong passwords before the first wait.
    wait_s : float
        The first wait; each next is twice as long [s].
    longest_s : float
        The longest wait, after which a try is always possible: nobody is shut out for good [s].
    most : int
        Keys that are remembered.
    clock : callable
        Gives a time that never goes back [s].

    Examples
    --------
    >>> tries = Tries(free=2, clock=lambda: 0.0)
    >>> for _ in range(3):
    ...     tries.wrong("wang")
    >>> tries.wait("wang"), tries.wait("other")
    (2.0, 0.0)
    >>> tries.right("wang")
    >>> tries.wait("wang")
    0.0
    """

    def __init__(
        self,
        free: int,
        *,
        wait_s: float = 2.0,
        longest_s: float = 300.0,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._wait_s, self._longest_s = free, wait_s, longest_s
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """How long the next try has to wait.

        Parameters
        ----------
        key : str
            A name or an address.

        Returns
        -------
        float
            0 if it may be made now [s].
        """
        with self._lock:
            count, at = self._wrong.get(key, (0, 0.0))
        if count <= self._free:
            return 0.0
        due = min(self._longest_s, self._wait_s * 2.0 ** min(count - self._free - 1, 30))
        return max(0.0, at + due - self._clock())

    def wrong(self, key: str) -> None:
        """Count a wrong password.

        Parameters
        ----------
        key : str
            A name or an address.
        """
        with self._lock:
            count, at = self._wrong.pop(key, (0, 0.0))
            if count and self._clock() - at > 10.0 * self._longest_s:
                count = 0
            self._wrong[key] = (count + 1, self._clock())
            while len(self._wrong) > self._most:
                self._wrong.popitem(last=False)

    def right(self, key: str) -> None:
        """Forget what was wrong.

        Parameters
        ----------
        key : str
            A name or an address.
        """
        with self._lock:
            self._wrong.pop(key, None)
