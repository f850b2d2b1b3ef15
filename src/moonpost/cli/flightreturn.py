"""``moonpost flight return``: windows for the flight from lunar orbit to a landing place on the Earth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from moonpost.flight.entryaims import EntryAim
    from moonpost.flight.returns import ReturnWindows

__all__ = ["register"]

_MOST_DAYS = 400.0
_SHOWN = 40


def register(app: typer.Typer) -> None:
    """Add the verb to the flight verbs."""
    app.command("return")(back)


def back(
    start: str = typer.Option("", "--from", help="First day of a window, UTC."),
    days: float = typer.Option(28.0, help="With --from: how many days."),
    step_days: float = typer.Option(1.0, help="With --from: from one departure to the next [d]."),
    depart: str = typer.Option("", help="Instead of --from: one departure, UTC."),
    tof_days: str = typer.Option(
        "3:6:4", help="Flight times to the entry interface, A:B:COUNT or one number [d]."
    ),
    orbit_km: float = typer.Option(200.0, help="Altitude of the circular lunar orbit [km]."),
    inclination: float = typer.Option(90.0, help="Its inclination to the lunar equator [deg]."),
    node: float | None = typer.Option(
        None, help="Longitude of its ascending node at the first departure [deg]; the cheapest if not given."
    ),
    landing: str = typer.Option(
        "siziwang", help="siziwang, utah, pacific, kazakhstan, woomera, LAT,LON, or none for no place."
    ),
    range_km: float = typer.Option(6600.0, help="Range from the interface to the place [km]."),
    keep_time: bool = typer.Option(
        False, "--keep-time", help="Keep flight times and move the range instead; else times move by half a day."
    ),
    entry_inclination: float = typer.Option(45.0, help="With --landing none: to the Earth's equator [deg]."),
    southbound: bool | None = typer.Option(
        None,
        "--southbound/--northbound",
        help="With --landing none: enter going south or north; both if not given.",
    ),
    entry_km: float = typer.Option(120.0, help="Altitude of the entry interface [km]."),
    entry_angle: float = typer.Option(-6.0, help="Flight path angle there, negative for down [deg]."),
    revolution_h: float | None = typer.Option(
        None, help="Leave in two burns, with an ellipse of this period between [h]."
    ),
    plot: Path | None = typer.Option(None, help="Draw burn and landing over departures, .png."),
    as_json: bool = JSON,
) -> None:
    """Find when and how to leave a lunar orbit for a landing place on the Earth.

    Each departure and flight time is solved with Moon, Sun and Earth, in two branches, moving north and south as
    the orbit is left. Speeds and angles at entry are against stars unless they say ground.

    Example: moonpost flight return --depart 2020-12-13T02:02 --tof-days 3.65 --inclination 44 --keep-time
    """
    from moonpost.flight.departures import LunarCircle
    from moonpost.flight.returns import scan_returns
    from moonpost.flight.twoburns import split_burn
    from moonpost.sky.almanac import Almanac

    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice="name it .png")
    numbers = (range_km, entry_km, entry_angle, entry_inclination)
    aims = [_aim(landing, numbers, keep_time, way) for way in _ways(landing, southbound)]
    aim = aims[0]
    circle = LunarCircle(1e3 * orbit_km, inclination, node)
    halves = None if revolution_h is None else split_burn(circle, 3600.0 * revolution_h)
    departures, times = _departures(start, days, step_days, depart), _times(tof_days)
    scans = [scan_returns(Almanac.default(), departures, times, circle, wanted) for wanted in aims]
    found = scans[0] if len(scans) == 1 else scans[0].joined(scans[1])
    result: dict[str, Any] = {
        "orbit_km": orbit_km,
        "inclination_deg": inclination,
        "node_deg": node,
        "landing": None if aim.place is None else _place(aim),
        "entry_km": entry_km,
        "entry_angle_deg": entry_angle,
        "cells": len(found),
        "converged": int(found.converged.sum()),
        "reached": int(found.reached.sum()),
        "rows": found.rows(),
    }
    if halves is not None:
        for row in result["rows"]:
            whole = row["tei_km_s"]
            row["tei_1_km_s"] = None if whole is None else halves / 1e3
            row["tei_2_km_s"] = None if whole is None else whole - halves / 1e3
    if plot is not None:
        result["plot"] = str(_draw(found, plot))
    emit(result, as_json, lambda: _text(result))


def _aim(landing: str, numbers: tuple[float, float, float, float], keep_time: bool, southbound: bool) -> EntryAim:
    """What the return is to reach."""
    from moonpost.flight.entry import Interface, landing_place
    from moonpost.flight.entryaims import EntryAim

    range_km, entry_km, entry_angle, entry_inclination = numbers
    return EntryAim(
        place=None if landing.strip().lower() == "none" else landing_place(landing),
        interface=Interface(1e3 * entry_km, entry_angle),
        range_m=1e3 * range_km,
        free="range" if keep_time else "time",
        inclination_deg=entry_inclination,
        northbound=not southbound,
    )


def _ways(landing: str, southbound: bool | None) -> tuple[bool, ...]:
    """Whether to enter going south: as asked, both without a landing place."""
    if landing.strip().lower() != "none":
        if southbound is not None:
            raise InputError(
                "a landing place decides itself whether the entry goes north or south",
                where="--southbound",
                advice="leave it out, or give --landing none",
            )
        return (False,)
    return (False, True) if southbound is None else (southbound,)


def _place(aim: EntryAim) -> dict[str, Any]:
    """The landing place for people who read JSON."""
    place = aim.place
    if place is None:
        return {}
    return {
        "name": place.name,
        "latitude_deg": place.latitude_deg,
        "longitude_deg": place.longitude_deg,
        "source": place.source,
    }


def _departures(start: str, days: float, step_days: float, depart: str) -> npt.NDArray[np.datetime64]:
    """Dates of departure."""
    import numpy as np

    from moonpost.sky.times import as_utc

    if bool(start) == bool(depart):
        raise InputError(
            "give --from with --days, or --depart, and not both",
            where="flight return",
            advice="for example --from 2030-01-01 --days 28",
        )
    if depart:
        return np.atleast_1d(as_utc(depart))
    if not (0.0 <= days <= _MOST_DAYS and 0.01 <= step_days <= _MOST_DAYS):
        raise InputError(
            f"{days} d in steps of {step_days} d",
            where="--days",
            advice=f"give 0 to {_MOST_DAYS:g} d, in steps of 0.01 d or more",
        )
    count = max(1, math.ceil(days / step_days))
    return np.atleast_1d(as_utc(start)) + (np.arange(count) * step_days * 86400e3).astype("timedelta64[ms]")


def _times(text: str) -> npt.NDArray[np.float64]:
    """Flight times in seconds from ``A:B:COUNT`` in days."""
    import numpy as np

    parts = text.split(":")
    try:
        if len(parts) == 1:
            return np.array([86400.0 * float(parts[0])])
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError) as error:
        raise InputError(f"{text!r}", where="--tof-days", advice="give A:B:COUNT, such as 3:6:7") from error
    if len(parts) != 3 or not 1 <= count <= 1000 or not (math.isfinite(last) and first <= last):
        raise InputError(f"{text!r}", where="--tof-days", advice="give A:B:COUNT, such as 3:6:7")
    return 86400.0 * np.linspace(first, last, count)


def _draw(found: ReturnWindows, path: Path) -> Path:
    """Draw the windows."""
    from moonpost.files import atomic_path
    from moonpost.report.figures.returns import returns_figure
    from moonpost.report.figures.style import FULL_IN

    with atomic_path(path) as part:
        returns_figure(found, FULL_IN).savefig(part, format="png", dpi=120)
    return path


def _text(result: dict[str, Any]) -> str:
    """The rows for people, cheapest first."""
    good = [row for row in result["rows"] if row["converged"]]
    good.sort(key=lambda row: (not row["landing_reached"], row["tei_km_s"]))
    head = [
        "departure", "flight (d)", "branch", "TEI (km/s)", "entry (km/s)", "lat", "lon", "heading", "range (km)",
        "lands",
    ]  # fmt: skip
    lines = [
        [
            row["departure"][:16],
            f"{row['tof_d']:.3f}",
            row["branch"],
            f"{row['tei_km_s']:.3f}",
            f"{row['entry_speed_km_s']:.3f}",
            f"{row['entry_latitude_deg']:.1f}",
            f"{row['entry_longitude_deg']:.1f}",
            f"{row['entry_heading_deg']:.0f}",
            "-" if row["downrange_km"] is None else f"{row['downrange_km']:.0f}",
            "yes" if row["landing_reached"] else "no",
        ]
        for row in good[:_SHOWN]
    ]
    shown = f", the {_SHOWN} cheapest" if len(good) > _SHOWN else ""
    counts = (
        f"{result['converged']} of {result['cells']} cells converged, {result['reached']} reach the place{shown}"
    )
    tail = [f"wrote {result['plot']}"] if "plot" in result else []
    reasons = [row["reason"] for row in result["rows"] if not row["converged"]]
    if reasons:
        tail.append(f"not converged: {max(set(reasons), key=reasons.count)}")
    if result.get("rows") and "tei_1_km_s" in result["rows"][0] and good:
        tail.append(f"two burns: {good[0]['tei_1_km_s']:.3f} km/s, then the rest of each row")
    return "\n".join([counts, table(head, lines) if lines else "", *tail])
