"""CZML for CesiumJS: flights round the Moon's globe, with sites, a clock and the time of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.files import write_text
from moonpost.flight.courses import Course, Piece, opened
from moonpost.flight.epochs import tt_seconds, whole_seconds
from moonpost.flight.frames import Frames
from moonpost.flight.spk import Written
from moonpost.flight.statetables import tabulated
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.kernelfiles import KernelSet
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import iso
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Axes", "czml_packets", "write_czml"]

Floats = npt.NDArray[np.float64]
Axes = Literal["MOON_ME", "J2000"]
"""Axes of the positions: fixed in the Moon's globe, or at rest."""

_WINDOW = 8
_DECIMALS_M = 3
_DECIMALS_S = 6
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
_FRAMES = {"MOON_ME": "FIXED", "J2000": "INERTIAL"}
_ENDS = {f"{side}ExtrapolationType": "HOLD" for side in ("forward", "backward")} | {
    f"{side}ExtrapolationDuration": 1 for side in ("forward", "backward")
}
_AXES_TEXT = {
    "MOON_ME": "Positions are fixed in the Moon: mean-Earth axes (MOON_ME), for a scene on Ellipsoid.MOON.",
    "J2000": "Positions are in axes at rest (J2000). Cesium turns them as it turns the ICRF against its globe: "
    "set Transforms.computeIcrfToCentralBodyFixedMatrix = (date, result) => axes.evaluate(date, result), "
    "with axes = new IauOrientationAxes().",
}
Flights = Trajectory | Course | Mapping[str, Trajectory | Course]


def write_czml(
    path: str | os.PathLike[str],
    flown: Flights,
    almanac: Almanac | KernelSet,
    *,
    sites: Mapping[str, Site] | None = None,
    axes: Axes = "MOON_ME",
    tolerance_m: float = 1.0,
    speed: float = 300.0,
    trail_s: float = 7200.0,
) -> Written:
    """Write flights round the Moon as a CZML file.

    Parameters
    ----------
    path : path-like
        The file; what was there is replaced when all is written.
    flown : Trajectory, Course, or mapping of name to them
        Flights with dense output, or courses read from files.
    almanac : Almanac or KernelSet
        Orientation of the Moon.
    sites : mapping of str to Site, optional
        Places on the ground, by name.
    axes : {"MOON_ME", "J2000"}, default "MOON_ME"
        Whether positions are fixed in the Moon's globe or at rest.
    tolerance_m : float, default 1.0
        Largest error of the interpolated position [m]; checked between all rows.
    speed : float, default 300.0
        How much faster than in truth the clock runs [1].
    trail_s : float, default 7200.0
        How much of the way behind and ahead is drawn [s].

    Returns
    -------
    Written
        With the error that was found.

    Raises
    ------
    InputError
        If no flight is given or an argument cannot be used.
    DateError
        If a flight leaves the kernels.
    ModelError
        If the tolerance cannot be reached.
    OutputError
        If the file cannot be written.

    Notes
    -----
    CZML knows no central body: ``FIXED`` are the axes of the globe in the scene, which must be `Ellipsoid.MOON`;
    ``INERTIAL`` are those of the ICRF turned as the Earth turns, unless the scene says otherwise. So positions are
    turned here, by the kernels, and written as ``FIXED``. With axes at rest it is Cesium that turns: its
    `IauOrientationAxes` come within 150 m of the kernels; `Transforms.computeIcrfToMoonFixedMatrix` of version
    1.140 was found to be thousands of kilometres off. Interpolation is Lagrange's of degree 7, each smooth piece
    by itself. Times are seconds from a whole second of UTC, which pass as those of TAI do.

    References
    ----------
    CZML Guide, CesiumJS.

    Examples
    --------
    >>> import json, tempfile
    >>> from moonpost.sky import Almanac
    >>> from moonpost.flight.statetables import StateTable
    >>> t = np.linspace(0.0, 600.0, 50)
    >>> rows = np.stack([2e6 + 0 * t, 10 * t, 0 * t, 0 * t, 10 + 0 * t, 0 * t], axis=1)
    >>> course = Course((Piece(0.0, 600.0, StateTable(t, rows).at),), name="RELAY")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_czml(f"{folder}/a.czml", course, Almanac.default(), sites={"pole": Site(-90.0, 0.0)})
    ...     [packet["id"] for packet in json.loads(written.path.read_text())]
    ['document', 'central-body', 'RELAY', 'pole']
    """
    import json

    packets, rows, error_m = _packets(flown, almanac, sites or {}, axes, tolerance_m, speed, trail_s)
    lines = ",\n".join(json.dumps(packet, allow_nan=False, separators=(",", ":")) for packet in packets)
    write_text(path, f"[\n{lines}\n]\n")
    flights = sum("availability" in packet for packet in packets)
    return Written(Path(path), flights, rows, os.path.getsize(path), error_m)


def czml_packets(
    flown: Flights,
    almanac: Almanac | KernelSet,
    *,
    sites: Mapping[str, Site] | None = None,
    axes: Axes = "MOON_ME",
    tolerance_m: float = 1.0,
    speed: float = 300.0,
    trail_s: float = 7200.0,
) -> list[dict[str, Any]]:
    """Packets of CZML, to be changed or joined with others before they are written.

    Parameters
    ----------
    flown, almanac, sites, axes, tolerance_m, speed, trail_s
        As in `write_czml`.

    Returns
    -------
    list of dict
        The document, the central body, the flights, the sites.

    Raises
    ------
    InputError
        If no flight is given or an argument cannot be used.
    DateError
        If a flight leaves the kernels.
    ModelError
        If the tolerance cannot be reached.
    """
    return _packets(flown, almanac, sites or {}, axes, tolerance_m, speed, trail_s)[0]


def _packets(
    flown: Flights,
    almanac: Almanac | KernelSet,
    sites: Mapping[str, Site],
    axes: Axes,
    tolerance_m: float,
    speed: float,
    trail_s: float,
) -> tuple[list[dict[str, Any]], int, float]:
    """Packets, rows of positions and the largest error [m]."""
    courses = _courses(flown, almanac)
    _check(courses, sites, axes, speed, trail_s)
    kernels = opened(almanac)
    begin = min(course.span_tdb_s[0] for course in courses)
    end = max(course.span_tdb_s[1] for course in courses)
    packets = [_document(begin, end, speed), _central_body(axes, kernels)]
    rows, worst = 0, 0.0
    for k, course in enumerate(courses):
        parts = [_position(piece, kernels, axes, tolerance_m) for piece in course.pieces]
        rows += sum(count for _, count, _ in parts)
        worst = max(worst, *(error for _, _, error in parts))
        packets.append(_flight(course, [part for part, _, _ in parts], _COLOURS[k % len(_COLOURS)], trail_s))
    return packets + [_place(name, site) for name, site in sites.items()], rows, worst


def _courses(flown: Flights, almanac: Almanac | KernelSet) -> list[Course]:
    """Named courses from the Moon's centre."""
    named = flown.items() if isinstance(flown, Mapping) else [("", flown)]
    courses = [Course.of(flight, name) for name, flight in named]
    if any(course.centre != "moon" for course in courses):
        courses = [course.from_centre("moon", almanac) for course in courses]
    return courses


def _check(courses: list[Course], sites: Mapping[str, Site], axes: str, speed: float, trail_s: float) -> None:
    """Refuse what cannot be shown."""
    if axes not in _FRAMES:
        raise InputError(f"{axes!r} are no axes", where="axes", advice="give MOON_ME or J2000")
    if not (0.0 < speed < 1e9 and 0.0 < trail_s < 1e9):
        raise InputError(f"speed {speed:g}, trail_s {trail_s:g}", where="CZML", advice="give numbers above 0")
    names = [*(course.name for course in courses), *sites]
    twice = sorted({name for name in names if names.count(name) > 1 or name in ("document", "central-body", "")})
    if twice or not courses:
        raise InputError(
            f"names must differ and {twice} cannot be used" if twice else "no flight",
            where="CZML",
            advice="give flights and sites names of their own",
        )
    wrong = [name for name, site in sites.items() if not isinstance(site, Site)]
    if wrong:
        raise InputError(f"{wrong[0]!r} is no Site", where="sites", advice="make it with Site(...)")


def _document(begin: float, end: float, speed: float) -> dict[str, Any]:
    """The first packet, with the clock."""
    return {
        "id": "document",
        "name": "Moonpost",
        "version": "1.0",
        "clock": {
            "interval": _interval(begin, end),
            "currentTime": _text(begin),
            "multiplier": speed,
            "range": "LOOP_STOP",
            "step": "SYSTEM_CLOCK_MULTIPLIER",
        },
    }


def _central_body(axes: str, kernels: KernelSet) -> dict[str, Any]:
    """A packet that says round which body all is, for people and programs."""
    return {
        "id": "central-body",
        "name": "Moon",
        "description": _AXES_TEXT[axes],
        "properties": {
            "central_body": {"string": "Moon"},
            "radius_m": {"number": MOON_RADIUS_M},
            "axes": {"string": axes},
            "kernels": {"string": ", ".join(kernel.name for kernel in kernels.kernels)},
        },
    }


def _position(
    piece: Piece, kernels: KernelSet, axes: str, tolerance_m: float
) -> tuple[dict[str, Any], int, float]:
    """Positions of a smooth piece, how many, and the error between them [m]."""

    def turned(seconds: Floats) -> Floats:
        return Frames.at(kernels, seconds, axes).from_j2000(piece.states_at(seconds))

    table, error_m = tabulated(
        replace(piece, states_at=turned),
        tolerance_m,
        window=_WINDOW,
        method="lagrange",
        snap=partial(whole_seconds, scale="UTC"),
    )
    epoch = whole_seconds(table.epochs_tdb_s[:1] - 0.5, "UTC")
    since = np.round(tt_seconds(table.epochs_tdb_s) - tt_seconds(epoch), _DECIMALS_S)
    flat = np.column_stack([since, np.round(table.states[:, :3], _DECIMALS_M)]).ravel()
    position = {
        "interval": _interval(piece.start_tdb_s, piece.stop_tdb_s),
        "epoch": _text(float(epoch[0])),
        "referenceFrame": _FRAMES[axes],
        "interpolationAlgorithm": "LAGRANGE",
        "interpolationDegree": min(_WINDOW, len(since)) - 1,
        **_ENDS,
        "cartesian": flat.tolist(),
    }
    return position, len(since), error_m


def _flight(
    course: Course, positions: list[dict[str, Any]], colour: tuple[int, int, int], trail_s: float
) -> dict[str, Any]:
    """The packet of a flight: a point with its name, and the way behind and ahead of it."""
    if len(positions) == 1:
        del positions[0]["interval"]
    return {
        "id": course.name,
        "name": course.name,
        "description": "; ".join(course.provenance),
        "availability": _interval(*course.span_tdb_s),
        "position": positions if len(positions) > 1 else positions[0],
        "path": {
            "width": 2,
            "leadTime": trail_s,
            "trailTime": trail_s,
            "resolution": 30,
            "material": {"solidColor": {"color": {"rgba": [*colour, 220]}}},
        },
        "point": {"pixelSize": 9, "color": {"rgba": [*colour, 255]}, "outlineWidth": 1},
        "label": _label(course.name),
    }


def _place(name: str, site: Site) -> dict[str, Any]:
    """The packet of a site on the ground."""
    return {
        "id": name,
        "name": name,
        "position": {"referenceFrame": "FIXED", "cartesian": site.position_m.round(_DECIMALS_M).tolist()},
        "point": {"pixelSize": 7, "color": {"rgba": [255, 255, 255, 255]}, "outlineWidth": 1},
        "label": _label(name),
    }


def _label(text: str) -> dict[str, Any]:
    """A name beside a point."""
    return {
        "text": text,
        "font": "14px sans-serif",
        "pixelOffset": {"cartesian2": [12, -12]},
        "horizontalOrigin": "LEFT",
        "outlineWidth": 2,
        "style": "FILL_AND_OUTLINE",
    }


def _interval(begin: float, end: float) -> str:
    """An ISO 8601 interval in UTC."""
    return f"{_text(begin)}/{_text(end)}"


def _text(tdb_s: float) -> str:
    """An instant in UTC."""
    return iso(default_timescale().utc(tdb_s)[()])
