"""The manifest: which parts count, and up to which packet they reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from moonpost.control.archive.parts import Part
from moonpost.errors import DataError
from moonpost.files import write_json

__all__ = ["Manifest", "read_manifest", "write_manifest"]

_FORMAT = 1
_NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a folder of parts holds.

    Parameters
    ----------
    watermark : (int, int)
        Segment and octet up to which packets are in the parts.
    serial : int
        Number of the last part that was written.
    retained_us : int or None
        Time before which nothing is shown [us of UTC since 1970], if packets were ever retired.
    parts : tuple of Part
        The parts.
    """

    watermark: tuple[int, int] = (0, 0)
    serial: int = 0
    retained_us: int | None = None
    parts: tuple[Part, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder; an empty one if there is none.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of parts.

    Returns
    -------
    Manifest

    Raises
    ------
    DataError
        If it cannot be read.
    """
    path = folder / _NAME
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields["format"] != _FORMAT:
            raise ValueError(f"format {fields['format']}")
        retained = fields["retained_us"]
        return Manifest(
            (int(fields["watermark"][0]), int(fields["watermark"][1])),
            int(fields["serial"]),
            None if retained is None else int(retained),
            tuple(Part.from_dict(part) for part in fields["parts"]),
        )
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise DataError(
            f"is no manifest of parameters: {error}", where=str(path), advice="rebuild the archive"
        ) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder; it replaces the one before as a whole.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of parts.
    manifest : Manifest
        What it holds.

    Raises
    ------
    OutputError
        If it cannot be written; the one before stays.
    """
    write_json(folder / _NAME, {"format": _FORMAT, **asdict(manifest)})
