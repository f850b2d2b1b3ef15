"""Why an archive takes no packets: a full disk, a folder that is gone, a missing right, or a failing disk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NamedTuple

from moonpost.errors import OutputError

__all__ = ["StoppedError", "stopped"]


class _Cause(NamedTuple):
    """A kind of fault of the system."""

    name: str
    text: str
    advice: str
    numbers: frozenset[int]


_FAILING = _Cause("disk failing", "the disk fails", "mend the disk, then append again", frozenset())
_CAUSES = (
    _Cause(
        "disk full", "the disk is full", "make space, then append again",
        frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}),
    ),
    _Cause(
        "folder gone", "its files are gone", "put the same folder back, or start again with another copy",
        frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ENXIO}),
    ),
    _Cause(
        "read-only", "the file system is read-only", "mount it to write, then append again",
        frozenset({errno.EROFS}),
    ),
    _Cause(
        "not permitted", "the folder may not be written", "give this user the right to write there",
        frozenset({errno.EACCES, errno.EPERM}),
    ),
)  # fmt: skip


class StoppedError(OutputError):
    """The archive takes no packets now.

    Parameters
    ----------
    what, where, advice : str
        As of every error.
    cause : str
        ``"disk full"``, ``"folder gone"``, ``"read-only"``, ``"not permitted"`` or ``"disk failing"``.
    text : str
        The same as a clause.
    """

    def __init__(self, what: str, *, where: str = "", advice: str = "", cause: str = "", text: str = "") -> None:
        super().__init__(what, where=where, advice=advice)
        self.cause = cause
        self.text = text


def stopped(folder: Path, error: BaseException, advice: str = "") -> StoppedError:
    """The one error of an archive that cannot be written.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    error : OSError or OutputError
        What the system said, or an error that came of it.
    advice : str
        What to do; that of the cause if empty.

    Returns
    -------
    StoppedError
    """
    if isinstance(error, StoppedError):
        return error
    said = error if isinstance(error, OSError) else error.__cause__
    number = said.errno if isinstance(said, OSError) else None
    cause = next((one for one in _CAUSES if number in one.numbers), _FAILING)
    detail = (said.strerror if isinstance(said, OSError) else None) or str(error)
    return StoppedError(
        f"the archive takes no packets, {cause.text}: {detail}",
        where=str(folder),
        advice=advice or f"{cause.advice}; what was acknowledged is not touched",
        cause=cause.name,
        text=cause.text,
    )
