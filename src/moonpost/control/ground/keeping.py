"""The dictionary beside its archive, and dictionaries joined."""

from __future__ import annotations

import os
from pathlib import Path

from moonpost.control.packets.dictionary import Dictionary, Parameter
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce
from moonpost.errors import DataError, InputError, MoonpostError

__all__ = ["DICTIONARY_FILE", "archive_folder", "join_dictionaries", "keep_dictionary", "kept_dictionary"]

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
    if path.is_file():
        try:
            if read_xtce(path) == dictionary:
                return path
        except MoonpostError:
            pass
        number = 1
        while (older := path.with_name(f"dictionary-{number}.xml")).exists():
            number += 1
        path.rename(older)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_xtce(dictionary, path)
    return path


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


def join_dictionaries(first: Dictionary, *others: Dictionary) -> Dictionary:
    """Dictionaries of several sources as one.

    Parameters
    ----------
    first : Dictionary
        The one that gives the name.
    *others : Dictionary
        Further ones. What is the same in both is taken once.

    Returns
    -------
    Dictionary

    Raises
    ------
    InputError
        If a name stands for different things, or an APID is told by both.

    Examples
    --------
    >>> from moonpost.control.packets import station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> one = station_dictionary([Channel("a.x", "W", None, None, "")])
    >>> other = station_dictionary([Channel("b.x", "W", None, None, "")], first_apid=9)
    >>> [packet.apid for packet in join_dictionaries(one, other).packets]
    [1, 9]
    """
    parameters: dict[str, Parameter] = {parameter.name: parameter for parameter in first.parameters}
    packets = {packet.name: packet for packet in first.packets}
    notes = first.notes
    for other in others:
        taken = {packet.apid for packet in packets.values() if packet.apid is not None}
        for parameter in other.parameters:
            if parameters.setdefault(parameter.name, parameter) != parameter:
                raise _differs("parameter", parameter.name, other)
        for packet in other.packets:
            if packet.name in packets and packets[packet.name] != packet:
                raise _differs("packet", packet.name, other)
            if packet.name not in packets and packet.apid in taken:
                raise _differs("APID", str(packet.apid), other)
            packets[packet.name] = packet
        notes += tuple(note for note in other.notes if note not in notes)
    return Dictionary(first.name, tuple(parameters.values()), tuple(packets.values()), notes)


def _differs(kind: str, name: str, other: Dictionary) -> InputError:
    """Two dictionaries say different things."""
    return InputError(
        f"{kind} {name!r} stands for something else in the other dictionary",
        where=other.name,
        advice="rename it in one of the two files",
    )
