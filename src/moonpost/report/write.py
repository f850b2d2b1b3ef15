"""Write the report of a study as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import DataError, InputError, MoonpostError
from moonpost.files import write_text
from moonpost.plan import Plan, SurfaceStation
from moonpost.study.reading import load_series, load_study
from moonpost.study.results import StudyRecord
from moonpost.study.run import Study

if TYPE_CHECKING:
    from moonpost.terrain import Terrain

__all__ = ["report"]


def report(study: Study | str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Write the report of a study as one self-contained HTML file.

    Parameters
    ----------
    study : Study or path-like
        What `moonpost.study` returned, or a folder that it wrote.
    path : path-like
        The file to write, such as ``"out/report.html"``. Missing folders are made; an older file is
        replaced only when the new one is complete.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataError
        If the folder holds no study, or one that is not complete.
    InputError
        If `study` is neither a study nor a folder.
    OutputError
        If the file cannot be written.

    Notes
    -----
    The file holds its styles and figures in itself, runs no script and asks no network for anything.

    Examples
    --------
    >>> import moonpost
    >>> moonpost.report(moonpost.study("ilrs"), "out/report.html")  # doctest: +SKIP
    """
    from moonpost.report.render import page

    if isinstance(study, Study):
        text = page(study.record, study.series, terrain=_terrain(study.plan))
    elif isinstance(study, str | os.PathLike):
        record = load_study(study)
        series = load_series(study)
        _complete(record, series, study)
        text = page(record, series)
    else:
        raise InputError(
            f"cannot report on {type(study).__name__}", where="study", advice="give a Study or the folder of one"
        )
    return write_text(path, text)


def _complete(record: StudyRecord, series: Mapping[str, Any], folder: str | os.PathLike[str]) -> None:
    """Refuse a study from which something has been taken that every study has."""
    surface = record.site.kind == "surface"
    needed = {"site-light", "operate-year"} | ({"site-horizons"} if surface else set())
    lacking = [f"series/{name}.nc" for name in sorted(needed - series.keys())]
    lacking += ["design.storage"] * (not record.design.storage) + ["site.rows"] * (
        surface and not record.site.rows
    )
    lacking += ["site.orbit"] * (not surface and record.site.orbit is None)
    if lacking:
        raise DataError(f"the study lacks {', '.join(lacking)}", where=str(folder), advice="run it again")


def _terrain(plan: Plan) -> Terrain | None:
    """The terrain that the plan names for its baseline, for the map; None for the built-in one."""
    if not isinstance(plan.station, SurfaceStation):
        return None
    paths = plan.terrain_paths(plan.site(plan.station.site))
    if not paths:
        return None
    from moonpost.terrain import Terrain

    try:
        return Terrain.open(*paths)
    except MoonpostError:
        return None
