"""Work in threads that an interrupt stops at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["in_threads", "processors"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_S = 0.2


def processors() -> int:
    """How many processors this process may use.

    Returns
    -------
    int

    Examples
    --------
    >>> processors() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Do work on items in threads.

    Parameters
    ----------
    work : callable
        Takes an item; should spend its time without the interpreter's lock.
    items : iterable
        What to work on.
    threads : int
        Threads at once; one does the work here.

    Returns
    -------
    list
        Results in the order of the items.

    Raises
    ------
    BaseException
        Whatever `work` raised first, or an interrupt, which does not wait for work in progress: its results are
        lost and it ends by itself, or with the process.

    Examples
    --------
    >>> in_threads(lambda x: x * x, [1, 2, 3], 2)
    [1, 4, 9]
    """
    queue = list(items)
    workers = min(threads, len(queue))
    if workers <= 1:
        return [work(item) for item in queue]
    crew = _Crew(work, queue)
    crew.run(workers)
    return crew.results


class _Crew(Generic[Item, Result]):
    """Threads that take items in order until none is left or one failed."""

    def __init__(self, work: Callable[[Item], Result], queue: list[Item]) -> None:
        self._work, self._queue, self._next = work, queue, 0
        self._found: dict[int, Result] = {}
        self._failed: BaseException | None = None
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def results(self) -> list[Result]:
        """Results in the order of the items."""
        return [self._found[k] for k in range(len(self._queue))]

    def run(self, workers: int) -> None:
        """Start the threads and wait for them, open to interrupts."""
        crew = [threading.Thread(target=self._labour, daemon=True) for _ in range(workers)]
        try:
            for thread in crew:
                thread.start()
            for thread in crew:
                while thread.is_alive() and self._failed is None:
                    thread.join(_LOOK_S)
        finally:
            self._stopped = True
        if self._failed is not None:
            raise self._failed

    def _labour(self) -> None:
        while not self._stopped and self._failed is None:
            with self._lock:
                place, self._next = self._next, self._next + 1
            if place >= len(self._queue):
                return
            try:
                self._found[place] = self._work(self._queue[place])
            except BaseException as error:
                self._failed = self._failed or error
                return
