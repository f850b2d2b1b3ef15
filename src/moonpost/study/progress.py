"""Progress of a study: bars for people, nothing for programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Progress", "Silent", "bars"]


class Progress(Protocol):
    """What a phase calls to say how far it is."""

    def start(self, phase: str, total: int) -> None:
        """Begin a phase of `total` steps."""

    def step(self, text: str = "") -> None:
        """Finish one step of the current phase."""

    def reuse(self, phase: str) -> None:
        """Say that a phase's earlier result is used again."""


class Silent:
    """Progress that nobody sees."""

    def start(self, phase: str, total: int) -> None:
        """Ignore it."""

    def step(self, text: str = "") -> None:
        """Ignore it."""

    def reuse(self, phase: str) -> None:
        """Ignore it."""


class _Bars:
    """Bars on the terminal's error stream, one per phase."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._task: Any = None

    def start(self, phase: str, total: int) -> None:
        self._task = self._display.add_task(phase, total=total, text="")

    def step(self, text: str = "") -> None:
        self._display.update(self._task, advance=1, text=text)

    def reuse(self, phase: str) -> None:
        self._display.add_task(phase, total=1, completed=1, text="done before, used again")


@contextlib.contextmanager
def bars(show: bool) -> Iterator[Progress]:
    """Give progress bars while the block runs, or silence.

    Examples
    --------
    >>> with bars(False) as progress:
    ...     progress.start("site", 1)
    ...     progress.step()
    """
    if not show:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=28),
        TextColumn("{task.completed:>3.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Display(*columns, console=Console(stderr=True)) as display:
        yield _Bars(display)
