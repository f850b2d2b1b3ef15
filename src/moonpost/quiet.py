"""Keep what a solver writes to the terminal by itself off the standard output."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

__all__ = ["quiet"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what compiled code writes to the standard output nowhere, for a while.

    HiGHS notes some of its steps there whatever its options say, which would end up in the middle of JSON. What
    Python writes meanwhile is lost as well; nothing is done where the standard output is closed.

    Examples
    --------
    >>> with quiet():
    ...     pass
    """
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except (OSError, ValueError):
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        _flush()
        os.dup2(nowhere, 1)
        os.close(nowhere)
        yield
    finally:
        _flush()
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    """Let the C library write what it holds back."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
