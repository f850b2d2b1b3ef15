"""A study's folder: written beside its target phase by phase, resumed after a stop, put in place as a whole."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import DataError, OutputError
from moonpost.files import write_json

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Store", "open_store"]

_MARK = "study.json"


class Store:
    """The folder in which a study collects its phases.

    Parameters
    ----------
    folder : pathlib.Path
        Where the phases are written.
    earlier : pathlib.Path
        The finished study of an earlier run, whose phases are used again where they fit.
    """

    def __init__(self, folder: Path, earlier: Path) -> None:
        self.folder = folder
        self.earlier = earlier

    def load(self, phase: str, key: str) -> tuple[dict[str, Any], dict[str, xr.Dataset]] | None:
        """Read what an earlier run found for a phase with the same inputs; None if there is none.

        Parameters
        ----------
        phase : str
            The phase's name.
        key : str
            Hash of everything that the phase depends on.
        """
        for folder in (self.folder, self.earlier):
            with contextlib.suppress(OSError, ValueError, KeyError):
                record = json.loads((folder / "phases" / f"{phase}.json").read_text(encoding="utf-8"))
                if record["key"] != key:
                    continue
                return record["result"], {
                    name: _read_series(folder / "series" / f"{phase}-{name}.nc") for name in record["series"]
                }
        return None

    def save(self, phase: str, key: str, result: Mapping[str, Any], series: Mapping[str, xr.Dataset]) -> None:
        """Write what a phase found; the record comes last, so a half-written phase never counts."""
        for name, dataset in series.items():
            _write_series(self.folder / "series" / f"{phase}-{name}.nc", dataset)
        record = {"key": key, "result": result, "series": sorted(series)}
        write_json(self.folder / "phases" / f"{phase}.json", record)


def _write_series(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset by way of memory: HDF5 on a full disk would end the process."""
    from moonpost.files import atomic_path

    encoding = {name: {"zlib": True, "complevel": 4} for name, item in dataset.data_vars.items() if item.size > 64}
    with atomic_path(path) as temporary:
        temporary.write_bytes(bytes(dataset.to_netcdf(None, engine="h5netcdf", encoding=encoding)))


def _read_series(path: Path) -> xr.Dataset:
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


@contextlib.contextmanager
def open_store(target: str | os.PathLike[str]) -> Iterator[Store]:
    """Give a working folder beside `target` that takes its place when the block ends well.

    Parameters
    ----------
    target : path-like
        The study's folder. It may exist if it holds an earlier study or is empty.

    Yields
    ------
    Store
        To be filled. After a stop the working folder stays, and the next run goes on from it.

    Raises
    ------
    OutputError
        If the folder cannot be written, holds something else, or another run is writing it.
    """
    path = Path(target)
    _check_target(path)
    work = path.with_name(f".{path.name}.part")
    _restore(path)
    try:
        work.mkdir(parents=True, exist_ok=True)
        with _lock(work):
            yield Store(work, path)
            _replace(path, work)
    except OSError as error:
        raise OutputError(
            f"cannot write the study: {error.strerror or error}",
            where=str(path),
            advice="choose a folder you may write to, with free space; what was there before is untouched",
        ) from error


def _restore(path: Path) -> None:
    """Put back what an earlier run had moved aside when it was killed before the new folder took its place."""
    retired = path.with_name(f".{path.name}.old")
    if retired.exists() and not path.exists():
        os.replace(retired, path)


def _check_target(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise OutputError("is a file, not a folder", where=str(path), advice="name another folder with --out")
    if path.is_mount():
        raise OutputError(
            "is a mount point, which cannot be replaced", where=str(path), advice="name a folder in it"
        )
    if path.is_dir() and any(path.iterdir()) and not (path / _MARK).exists():
        raise OutputError(
            "is a folder that holds something else than a study", where=str(path), advice="name another with --out"
        )


@contextlib.contextmanager
def _lock(work: Path) -> Iterator[None]:
    """Hold the working folder for this process alone."""
    descriptor = os.open(work / ".lock", os.O_CREAT | os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                "another run is writing this study", where=str(work), advice="wait for it or name another --out"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, work: Path) -> None:
    """Put the finished folder in place; files that are not the study's own move along."""
    if not (work / _MARK).exists():
        raise DataError("the study has no record", where=str(work), advice="run it again")
    (work / ".lock").unlink(missing_ok=True)
    retired = path.with_name(f".{path.name}.old")
    shutil.rmtree(retired, ignore_errors=True)
    if path.exists():
        for item in path.iterdir():
            if not (work / item.name).exists():
                if item.is_dir():
                    shutil.copytree(item, work / item.name)
                else:
                    shutil.copy2(item, work / item.name)
        os.replace(path, retired)
    try:
        os.replace(work, path)
    except OSError:
        if retired.exists():
            os.replace(retired, path)
        raise
    shutil.rmtree(retired, ignore_errors=True)
