"""Read a finished study back from its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from moonpost.errors import DataError
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["load_series", "load_study"]

_ADVICE = "name a folder that 'moonpost study' wrote, or run it again"


def load_study(folder: str | os.PathLike[str]) -> StudyRecord:
    """Read the record of a study.

    Parameters
    ----------
    folder : path-like
        The study's folder.

    Returns
    -------
    StudyRecord
        As `moonpost.study.study` made it.

    Raises
    ------
    DataError
        If the folder holds no study, or one that is cut short or of another format.
    """
    path = Path(folder) / "study.json"
    try:
        return StudyRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path), advice=_ADVICE) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"is not a study ({place}: {first['msg']})", where=str(path), advice=_ADVICE) from error


def load_series(folder: str | os.PathLike[str]) -> dict[str, xr.Dataset]:
    """Read all series of a study as datasets by name.

    Parameters
    ----------
    folder : path-like
        The study's folder.

    Returns
    -------
    dict of str to xarray.Dataset
        Such as ``"site-light"``.

    Raises
    ------
    DataError
        If a file is cut short.
    """
    import xarray as xr

    found: dict[str, xr.Dataset] = {}
    for path in sorted((Path(folder) / "series").glob("*.nc")):
        try:
            with xr.open_dataset(path, engine="h5netcdf") as dataset:
                found[path.stem] = dataset.load()
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"cannot be read: {error}", where=str(path), advice=_ADVICE) from error
    return found
