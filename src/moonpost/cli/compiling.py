"""A word on the terminal while numerical kernels are compiled, which happens once after installing."""

from __future__ import annotations

import sys
import threading
import time
from typing import IO, Any

__all__ = ["tell_of_compiling"]

_LOOK_S = 0.5
_PATIENCE_S = 1.5
_WORDS = "moonpost: compiling kernels for this machine, once after installing; this takes up to a minute"


def tell_of_compiling(stream: IO[str] | None = None) -> threading.Thread | None:
    """Watch in the background and say so, once, if compiling takes more than a moment.

    Parameters
    ----------
    stream : file, optional
        Where to write; the error stream if not given. Nothing is done where it is no terminal.

    Returns
    -------
    threading.Thread or None
        The watcher, which ends when it has spoken or the program does.

    Examples
    --------
    >>> import io
    >>> tell_of_compiling(io.StringIO()) is None
    True
    """
    out = stream or sys.stderr
    if not out.isatty():
        return None
    watcher = threading.Thread(target=_watch, args=(out,), daemon=True, name="compiling")
    watcher.start()
    return watcher


def _watch(out: IO[str]) -> None:
    """Wait until numba is there, listen to it, and speak when it has compiled for a while."""
    while (events := sys.modules.get("numba.core.event")) is None or not hasattr(events, "install_listener"):
        time.sleep(_LOOK_S)
    heard = _listener(events)
    with events.install_listener("numba:compile", heard):
        while heard.began is None or time.monotonic() - heard.began < _PATIENCE_S:
            time.sleep(_LOOK_S)
    out.write(f"{_WORDS}\n")
    out.flush()


def _listener(events: Any) -> Any:
    """Remember when the outermost compilation that still runs began."""

    class Listener(events.Listener):  # type: ignore[misc]
        began: float | None = None
        depth = 0

        def on_start(self, *_: Any) -> None:
            self.depth += 1
            if self.depth == 1:
                self.began = time.monotonic()

        def on_end(self, *_: Any) -> None:
            self.depth -= 1
            if self.depth == 0:
                self.began = None

    return Listener()
