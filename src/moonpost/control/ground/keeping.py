"""The dictionary beside its archive, so that the archive can be read with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce
from moonpost.errors import DataError, MoonpostError, OutputError

__all__ = ["DICTIONARY_FILE", "archive_folder", "keep_dictionary", "kept_dictionary"]

DICTIONARY_FILE = "dictionary.xml"
"""Name of the file in the folder of an archive that says what its packets hold."""


def keep_dictionary(folder: str | os.PathLike[str], dictionary: Dictionary) -> Path:
    """Keep a dictionary in the folder of an archive, unless the same is there.

    Parameters
    ----------
    folder : path-like
        Folder of the archive; it is made if it is not there.
    dictionary : Dictionary
        What packets hold.

    Returns
    -------
    pathlib.Path
        The file. What another one said before is kept beside it under the next free number.

    Raises
    ------
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.packets import station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = keep_dictionary(folder, dictionary)
    ...     kept_dictionary(folder) == dictionary
    True
    """
    path = Path(folder) / DICTIONARY_FILE
    try:
        if path.is_file():
            if _is_same(path, dictionary):
                return path
            number = 1
            while (older := path.with_name(f"dictionary-{number}.xml")).exists():
                number += 1
            path.rename(older)
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror or error}", where=str(path), advice="choose another folder"
        ) from error
    write_xtce(dictionary, path)
    return path


def _is_same(path: Path, dictionary: Dictionary) -> bool:
    """Whether a file holds a dictionary; one that cannot be read is another."""
    try:
        return read_xtce(path) == dictionary
    except MoonpostError:
        return False


def kept_dictionary(folder: str | os.PathLike[str]) -> Dictionary:
    """The dictionary of an archive.

    Parameters
    ----------
    folder : path-like
        Folder of the archive.

    Returns
    -------
    Dictionary

    Raises
    ------
    DataError
        If there is none, or it cannot be read.
    """
    path = Path(folder) / DICTIONARY_FILE
    if not path.is_file():
        raise DataError(
            "holds no dictionary of its packets", where=str(folder), advice="give one with --xtce FILE"
        )
    return read_xtce(path)


def archive_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder of an archive: the one given, or ``archive`` in it.

    Parameters
    ----------
    folder : path-like
        Folder of an archive or of mission control.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        If neither is an archive.
    """
    for place in (Path(folder), Path(folder) / "archive"):
        if (place / "raw").is_dir():
            return place
    raise DataError(
        "holds no archive",
        where=str(folder),
        advice="name the folder that 'moonpost serve --data' was given, or the archive in it",
    )
