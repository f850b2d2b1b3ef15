"""Files of a flight: what ``moonpost flight orbit`` writes for other programs, or reads to begin with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from moonpost.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from moonpost.flight.courses import Course
    from moonpost.flight.spk import Kind, Written
    from moonpost.flight.state import Scale
    from moonpost.flight.trajectory import Trajectory
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site

__all__ = ["FRAMES", "Files", "compared", "given_course", "in_frame", "written"]

FRAMES = ("J2000", "MOON_ME", "MOON_PA", "SYNODIC")
_BODY = -301001
_PICTURES = (".png", ".svg", ".pdf")
_MOST_ROWS = 5_000_000


@dataclass(frozen=True)
class Files:
    """What is asked to be written."""

    spk: str = ""
    spk_type: int = 13
    oem: str = ""
    oem_scale: str = "TDB"
    czml: str = ""
    gmat: str = ""
    csv: str = ""
    plot: str = ""
    step_s: float = 60.0
    frame: str = "J2000"
    body: int | None = None
    name: str = "spacecraft"
    site: str = ""

    @property
    def any(self) -> bool:
        """Whether a file is asked for."""
        return any((self.spk, self.oem, self.czml, self.gmat, self.csv, self.plot))

    def check(self) -> None:
        """Refuse before the flight what cannot be written after it."""
        if self.frame.upper() not in FRAMES:
            from moonpost.errors import UnknownNameError

            raise UnknownNameError(self.frame, FRAMES, kind="frame", where="--frame")
        if self.spk_type not in (3, 13):
            raise InputError(f"type {self.spk_type} is not written", where="--spk-type", advice="give 13 or 3")
        if self.oem_scale.upper() not in ("TDB", "UTC"):
            raise InputError(f"{self.oem_scale!r} is no scale", where="--oem-scale", advice="give TDB or UTC")
        if not 0.0 < self.step_s < math.inf:
            raise InputError(f"{self.step_s} is no interval", where="--step-s", advice="give seconds above 0")
        if self.body is not None and self.body >= 0 and self.spk:
            raise InputError(f"{self.body} is no spacecraft", where="--body", advice="give a number below 0")
        if self.plot and Path(self.plot).suffix.lower() not in _PICTURES:
            raise InputError(
                f"{self.plot!r} is no picture", where="--plot", advice="end it with .png, .svg or .pdf"
            )
        paths = [
            Path(path).absolute()
            for path in (self.spk, self.oem, self.czml, self.gmat, self.csv, self.plot)
            if path
        ]
        if len(set(paths)) < len(paths):
            raise InputError("two files have one name", where="flight orbit", advice="give each a name of its own")
        if not self.name.isascii() or not self.name.isprintable() or not self.name.strip():
            raise InputError(f"{self.name!r} cannot be written", where="--name", advice="give plain ASCII text")
        if self.site:
            _site(self.site)


def given_course(oem: str, spk: str, body: int | None, almanac: Almanac) -> tuple[str, Course] | None:
    """The file to begin with or to compare with, and what it holds, from the Moon's centre."""
    if oem and spk:
        raise InputError("two files to begin with", where="flight orbit", advice="give --from-oem or --from-spk")
    if oem:
        from moonpost.flight.oem import read_oem

        return oem, read_oem(oem, centre="moon", almanac=almanac)
    if spk:
        from moonpost.flight.spk import read_spk_course

        return spk, read_spk_course(spk, body=body, almanac=almanac)
    return None


def compared(flown: Trajectory, given: tuple[str, Course], step_s: float) -> dict[str, Any] | None:
    """How far a flight is from a file while both last; None if they share no time."""
    import numpy as np

    from moonpost.flight.courses import Course

    course = Course.of(flown)
    start = max(course.span_tdb_s[0], given[1].span_tdb_s[0])
    stop = min(course.span_tdb_s[1], given[1].span_tdb_s[1])
    if start > stop:
        return None
    times, away = course.away_m(given[1], step_s)
    return {
        "file": given[0],
        "points": len(times),
        "largest_m": float(away.max()),
        "rms_m": float(np.sqrt(np.mean(away**2))),
        "end_m": float(away[-1] if flown.duration_s >= 0.0 else away[0]),
    }


def in_frame(
    states: npt.NDArray[np.float64], tdb_s: npt.NDArray[np.float64], flown: Trajectory, frame: str
) -> npt.NDArray[np.float64]:
    """States of a flight in other axes."""
    from moonpost.flight.frames import Frames

    return Frames.at(flown.env.kernels, tdb_s, frame).from_j2000(states)


def written(flown: Trajectory, files: Files) -> dict[str, Any]:
    """Write all files that are asked for; give what each holds."""
    writers: dict[str, Callable[[Trajectory, Files], dict[str, Any]]] = {
        "spk": _spk,
        "oem": _oem,
        "czml": _czml,
        "gmat": _gmat,
        "csv": _csv,
        "plot": _plot,
    }
    return {kind: write(flown, files) for kind, write in writers.items() if getattr(files, kind)}


def _told(found: Written) -> dict[str, Any]:
    """What is said of a file."""
    return {
        "path": str(found.path),
        "segments": found.segments,
        "rows": found.rows,
        "size_bytes": found.size_bytes,
        "error_m": found.error_m,
    }


def _spk(flown: Trajectory, files: Files) -> dict[str, Any]:
    from moonpost.flight.spk import write_spk

    body = _BODY if files.body is None else files.body
    kind = cast("Kind", files.spk_type)
    return _told(write_spk(files.spk, flown, body=body, name=files.name, kind=kind)) | {"body": body, "type": kind}


def _oem(flown: Trajectory, files: Files) -> dict[str, Any]:
    from moonpost.flight.oem import write_oem

    return _told(write_oem(files.oem, flown, name=files.name, scale=cast("Scale", files.oem_scale.upper())))


def _czml(flown: Trajectory, files: Files) -> dict[str, Any]:
    from moonpost.flight.czml import write_czml

    sites = {"site": _site(files.site)} if files.site else {}
    return _told(write_czml(files.czml, {files.name: flown}, flown.env.kernels, sites=sites))


def _gmat(flown: Trajectory, files: Files) -> dict[str, Any]:
    from moonpost.flight.gmat import write_gmat

    # Beside it, a field of the same name in GMAT's form.
    return {"path": str(write_gmat(files.gmat, flown, name="".join(_plain(files.name))))}


def _plain(name: str) -> Sequence[str]:
    """Letters of a name that GMAT takes."""
    kept = [letter if letter.isalnum() else "_" for letter in name[:30]]
    return kept if kept[0].isalpha() else ["S", *kept]


def _csv(flown: Trajectory, files: Files) -> dict[str, Any]:
    import csv

    import numpy as np

    from moonpost.files import atomic_path
    from moonpost.flight.epochs import epoch_text

    times, states = _sampled(flown, files.step_s)
    turned = 1e-3 * in_frame(states, times, flown, files.frame)
    latitude, longitude, altitude_m = _places(flown, times, states)
    head = ["utc", "tdb_s", "x_km", "y_km", "z_km", "vx_km_s", "vy_km_s", "vz_km_s"]
    head += ["latitude_deg", "longitude_deg", "altitude_km", "frame"]
    ground = np.column_stack([latitude, longitude, 1e-3 * altitude_m]).tolist()
    rows = zip(epoch_text(times, "UTC"), times.tolist(), turned.tolist(), ground, strict=True)
    with atomic_path(files.csv) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        for date, second, state, place in rows:
            numbers = [f"{value:.9f}" for value in state[:3]] + [f"{value:.12f}" for value in state[3:]]
            spots = [f"{place[0]:.8f}", f"{place[1]:.8f}", f"{place[2]:.6f}"]
            out.writerow([f"{date}Z", repr(second), *numbers, *spots, files.frame.upper()])
    return {"path": files.csv, "rows": len(times), "frame": files.frame.upper()}


def _plot(flown: Trajectory, files: Files) -> dict[str, Any]:
    from moonpost.files import atomic_path
    from moonpost.report.figures.orbit import orbit_figure
    from moonpost.report.figures.style import FULL_IN

    times, states = _sampled(flown, min(files.step_s, 60.0))
    latitude, longitude, altitude_m = _places(flown, times, states)
    figure = orbit_figure(flown.env.utc(times), latitude, longitude, altitude_m, FULL_IN)
    with atomic_path(files.plot) as temporary:
        figure.savefig(temporary, dpi=110)
    return {"path": files.plot}


def _sampled(flown: Trajectory, step_s: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """TDB and states at even intervals, in the order of time."""
    if abs(flown.duration_s) / step_s > _MOST_ROWS:
        raise InputError(
            f"{step_s:g} s makes over {_MOST_ROWS:,} rows", where="--step-s", advice="give a longer interval"
        )
    elapsed, states = flown.sampled(step_s)
    order = slice(None) if flown.duration_s >= 0.0 else slice(None, None, -1)
    return flown.start.time_tdb_s + elapsed[order], states[order]


def _places(
    flown: Trajectory, tdb_s: npt.NDArray[np.float64], states: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latitude and longitude below [deg], and altitude above 1737.4 km [m]."""
    import numpy as np

    from moonpost.sky.site import MOON_RADIUS_M

    x, y, z = in_frame(states, tdb_s, flown, "MOON_ME")[:, :3].T
    level = np.hypot(x, y)
    altitude_m = np.hypot(level, z) - MOON_RADIUS_M
    return np.degrees(np.arctan2(z, level)), np.degrees(np.arctan2(y, x)), altitude_m


def _site(text: str) -> Site:
    """A site from its latitude and longitude."""
    from moonpost.sky.site import Site

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{text!r} is not made of numbers", where="--site", advice="give LAT,LON") from error
    if len(numbers) not in (2, 3):
        raise InputError(
            f"{text!r} is no place", where="--site", advice="give LAT,LON or LAT,LON,HEIGHT in deg, m"
        )
    return Site(*numbers)
