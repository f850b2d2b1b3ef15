"""Files written so that a stop, a crash or a full disk never harms what was there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, OutputError

__all__ = ["atomic_folder", "atomic_path", "digest", "read_toml", "write_json", "write_text"]


def _output_error(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot write: {reason}",
        where=str(path),
        advice="choose a folder you may write to, with free space; what was there before is untouched",
    )


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path` that replaces it when the block ends well.

    Parameters
    ----------
    path : path-like
        The file to be written; missing parent folders are made.

    Yields
    ------
    pathlib.Path
        The temporary path to write to. It has the same suffix as `path`.

    Raises
    ------
    OutputError
        If the file cannot be written; `path` then is what it was before.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("done")
    ...     (Path(folder) / "a.txt").read_text()
    'done'
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        raise OutputError("is not a regular file", where=str(target), advice="name another file")
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside `path` that replaces it when the block ends well.

    Parameters
    ----------
    path : path-like
        The folder to be written. If it exists it is replaced as a whole.

    Yields
    ------
    pathlib.Path
        The temporary folder to fill.

    Raises
    ------
    OutputError
        If the folder cannot be written; `path` then is what it was before.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}.part")
    retired = target.with_name(f".{target.name}-{secrets.token_hex(4)}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        if target.exists():
            os.replace(target, retired)
        try:
            os.replace(temporary, target)
        except OSError:
            if retired.exists():
                os.replace(retired, target)
            raise
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if target.exists():
            shutil.rmtree(retired, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush a file to the disk, so that the rename cannot outrun its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write UTF-8 text atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | os.PathLike[str], value: Any) -> Path:
    """Write a value as indented JSON atomically; NaN and infinity are refused."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_toml(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Read the tables of a TOML file.

    Parameters
    ----------
    path : path-like
        The file, UTF-8.
    what : str
        What it is, for messages, such as ``plan file``.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If it cannot be read, is no UTF-8 text or no valid TOML.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.toml").write_text("mass_kg = 5")
    ...     read_toml(Path(folder) / "a.toml", "example file")
    {'mass_kg': 5}
    """
    try:
        return tomllib.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror or error}",
            where=str(path),
            advice=f"check the path of the {what}",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "is not UTF-8 text", where=f"{path}, byte {error.start}", advice=f"save the {what} as UTF-8"
        ) from error
    except RecursionError as error:
        raise DataError("is nested too deeply", where=str(path), advice="write tables as in the guide") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            f"is not valid TOML: {error}", where=str(path), advice="correct it at that line"
        ) from error
