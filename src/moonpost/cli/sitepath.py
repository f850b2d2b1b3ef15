"""``moonpost site path``: the way of a rover between two places while the Sun moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from moonpost.terrain.traverselimits import Limits
    from moonpost.terrain.traverseresult import Traverse

__all__ = ["register"]

_SHOWN = 14


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost site``."""
    app.command("path")(path)


def path(
    start: str = typer.Option(..., help="LAT,LON in degrees, east positive: --start=-89.53,219."),
    goal: str = typer.Option(..., help="LAT,LON of the goal."),
    depart: str = typer.Option(..., help="When the rover may leave, UTC."),
    terrain: str = typer.Option(
        "",
        help="GeoTIFFs of heights or names from 'data list', finest first, commas between; built-in if not given.",
    ),
    rover: str = typer.Option("ilrs", help="ilrs, yutu-2, viper, or a TOML file of a rover's numbers."),
    objective: str = typer.Option("arrival", help="What is made least: arrival, energy or (shade:) light."),
    days: float = typer.Option(14.0, help="It must have arrived this long after the departure [d]."),
    max_slope: float | None = typer.Option(None, help="Steepest ground along the way [deg]; else the rover's."),
    max_cross: float | None = typer.Option(None, help="Steepest ground across the way [deg]; else the rover's."),
    speed: float | None = typer.Option(None, help="Speed on the level [m/s]; else the rover's."),
    battery: float | None = typer.Option(None, help="Energy of the battery [Wh]; else the rover's."),
    charge: float = typer.Option(1.0, help="Charge at the start, 0 to 1."),
    least_disc: float = typer.Option(0.5, help="Least share of the Sun's disc in sight when driving; 0 for none."),
    earth: float | None = typer.Option(
        None, help="Least elevation of the Earth over the horizon when driving [deg]; no matter if not given."
    ),
    station: str | None = typer.Option(
        None, help="Ground station of the plan that must be in sight when driving."
    ),
    plan: str = typer.Option("ilrs", help="Plan whose ground stations are meant."),
    max_dark: float | None = typer.Option(None, help="Longest time on end in the dark [h]."),
    awake: bool = typer.Option(False, "--awake", help="Never sleep in the dark, draw on the battery."),
    hours: str | None = typer.Option(None, help="Hours of the UTC day for driving, such as 8-18."),
    cell: float | None = typer.Option(None, help="Size of a cell [m]; that of the terrain if not given."),
    margin: float | None = typer.Option(None, help="How far to look beyond the ends [km]."),
    moves: int = typer.Option(16, help="Neighbours of a cell: 4, 8 or 16."),
    step: float = typer.Option(30.0, help="Step of time in which light is steady [min]."),
    azimuths: int = typer.Option(720, min=4, help="Number of azimuths of the horizons."),
    horizon_margin: float = typer.Option(0.0, help="Raise all horizons by this, to be on the safe side [deg]."),
    eager: bool = typer.Option(
        False, "--eager", help="Drive on whenever it can, with more stops and time in hand."
    ),
    device: str = typer.Option("auto", help="Where horizons are computed: auto, cpu or gpu."),
    out: Path | None = typer.Option(None, help="File for the way: .gpkg, .geojson, .csv, .json or .nc."),
    png: Path | None = typer.Option(None, help="Picture of the way over relief and light."),
    as_json: bool = JSON,
) -> None:
    """Plan the way of a rover in time: slopes, sunlight, battery and the Earth in sight.

    The Sun moves while the rover drives; where the way is dark, it waits or sleeps until it is lit. The rover
    drives only where the terrain is known in cells of its own size; what lies beyond still casts shadows.

    Example: moonpost site path --start=-89.53,219 --goal=-89.566,212 --depart 2030-07-03 --terrain rim_40m.tif
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.sky import Almanac
    from moonpost.terrain.skyline import terrain_from_files
    from moonpost.terrain.traverse import plan_traverse
    from moonpost.terrain.traverserover import rover_named

    ends = latitude_longitude(start, "--start"), latitude_longitude(goal, "--goal")
    _check_files(out, png)
    limits = _limits(least_disc, earth, station, plan, max_dark, awake, hours, charge)
    names = terrain_files(terrain)
    nest = terrain_from_files(names, ends[0][0], where="--terrain")
    _inside(names, ends)
    who = rover_named(rover).changed(
        max_slope_deg=max_slope, max_cross_deg=max_cross, speed_m_s=speed, battery_wh=battery
    )
    with _progress() as tell:
        found = plan_traverse(
            nest,
            Almanac.default(),
            *ends,
            depart,
            who,
            limits,
            objective=_word(objective, ("arrival", "energy", "light"), "--objective"),
            days=days,
            cell_m=cell,
            margin_m=None if margin is None else 1000.0 * margin,
            moves=moves,
            step_s=60.0 * step,
            azimuths=azimuths,
            horizon_margin_deg=horizon_margin,
            device=_word(device, ("auto", "cpu", "gpu"), "--device"),
            light_map=png is not None,
            tidy=not eager,
            progress=tell,
        )
    result = found.to_dict()
    result["files"] = [str(name) for name in _write(found, out, png)] if found.found else []
    if found.found or as_json:
        emit(result, as_json, lambda: _text(found, result))
    if not found.found:
        typer.echo("moonpost: no way: " + "; ".join(found.reasons), err=True)
        raise typer.Exit(2)


def _word(text: str, known: tuple[str, ...], option: str) -> Any:
    from moonpost.errors import UnknownNameError

    if text not in known:
        raise UnknownNameError(text, known, kind=option.strip("-"), where=option)
    return text


def _check_files(out: Path | None, png: Path | None) -> None:
    """Refuse names that could not be written before anything is worked out."""
    from moonpost.errors import InputError
    from moonpost.terrain.traverseresult import checked_format

    if out is not None:
        checked_format(out)
    if png is not None and png.suffix.lower() != ".png":
        raise InputError(f"ending {png.suffix!r}", where=str(png), advice="name it .png")


def _limits(
    least_disc: float,
    earth: float | None,
    station: str | None,
    plan: str,
    max_dark: float | None,
    awake: bool,
    hours: str | None,
    charge: float,
) -> Limits:
    """What binds the way in time."""
    from moonpost.terrain.traverselimits import Limits

    return Limits(
        least_disc=least_disc,
        earth_deg=earth,
        station=None if station is None else _station(station, plan),
        longest_dark_h=max_dark,
        sleeps=not awake,
        work_utc_h=None if hours is None else _hours(hours),
        start_charge=charge,
    )


def _hours(text: str) -> tuple[float, float]:
    from moonpost.errors import InputError

    try:
        first, last = (float(part) for part in text.split("-"))
    except ValueError:
        raise InputError(f"{text!r} is no span of hours", where="--hours", advice="write it like 8-18") from None
    return first, last


def _station(name: str, plan: str) -> Any:
    """Ground station of a plan by its identifier or name."""
    from moonpost.errors import UnknownNameError
    from moonpost.plan import load_plan

    stations = load_plan(plan).ground_stations
    for one in stations:
        if name.lower() in (one.id.lower(), one.name.lower()):
            return one
    raise UnknownNameError(name, [one.id for one in stations], kind="ground station", where="--station")


def _inside(names: tuple[str, ...], ends: tuple[tuple[float, float], ...]) -> None:
    """Refuse ends that only the built-in grid knows, if the user gave terrain."""
    from moonpost.terrain import Terrain

    if names:
        own = Terrain.open(*names)
        for end in ends:
            own.height_m(*end)


def _progress() -> Any:
    """Tell what is being done and how far it is, on a terminal."""
    import contextlib
    import sys

    @contextlib.contextmanager
    def silent() -> Iterator[None]:
        yield None

    return _bar() if sys.stderr.isatty() else silent()


def _bar() -> Any:
    import contextlib

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    @contextlib.contextmanager
    def bar() -> Iterator[Callable[[str, float], None]]:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("slopes", total=1.0)
            now = ["slopes"]

            def tell(what: str, share: float) -> None:
                if what != now[0]:
                    now[0] = what
                    shown.reset(task, description=what, total=1.0)
                shown.update(task, completed=share)

            yield tell

    return bar()


def _write(found: Traverse, out: Path | None, png: Path | None) -> list[Path]:
    """Write the files that were asked for."""
    files = [] if out is None else [found.save(out)]
    if png is not None:
        files.append(_draw(found, png))
    return files


def _draw(found: Traverse, png: Path) -> Path:
    """The way over relief, coloured by light."""
    import numpy as np

    from moonpost.report.mapfigure import save_map

    source = ", ".join(layer["name"] for layer in found.provenance["terrain"])
    span = f"{_minute(found.depart)} to {_minute(found.arrive)} UTC"
    made: dict[str, Any] = {"source": source, "period": span, "missing": "known too coarsely to drive on"}
    made |= {key: value for key, value in found.provenance["horizons"].items() if key == "grade"}
    light = found.area.array(
        np.where(np.isnan(found.maps["height_m"]), np.nan, found.maps["light"]),
        name="light",
        units="1",
        long_name="Mean share of the Sun's disc on the way",
        **made,
    )
    relief = found.area.array(
        found.maps["height_m"], name="height_m", units="m", long_name="height", source=source
    )
    ends = {
        "start": (found.start.latitude_deg, found.start.longitude_deg),
        "goal": (found.goal.latitude_deg, found.goal.longitude_deg),
    }
    totals = found.totals
    title = f"{found.rover.name}: {totals['length_m'] / 1000.0:.1f} km in {totals['duration_h']:.0f} h, {span}"
    line = (found.waypoints["latitude_deg"], found.waypoints["longitude_deg"])
    return save_map(png, light, title=title, places=ends, routes={"way": line}, relief=relief)


def _minute(instant: Any) -> str:
    return str(instant.astype("datetime64[m]")).replace("T", " ")


def _text(found: Traverse, result: dict[str, Any]) -> str:
    """Totals, and the rows where the rover changes what it does."""
    totals = found.totals
    units = {"_m": "m", "_h": "h", "_wh": "Wh"}
    rows: list[list[Any]] = [["depart", _minute(found.depart)], ["arrive", _minute(found.arrive)]]
    for name, value in totals.items():
        head, _, unit = name.rpartition("_")
        known = units.get(f"_{unit}")
        rows.append([(head if known else name).replace("_", " "), f"{value:,.2f} {known or ''}".rstrip()])
    sums = table(["quantity", "value"], rows)
    waypoints = result["waypoints"]
    last, shown = "", []
    for one in waypoints:
        if one["mode"] != last:
            shown.append(one)
        last = one["mode"]
    cut = shown if len(shown) <= _SHOWN else [*shown[: _SHOWN - 1], shown[-1]]
    columns = ["UTC", "latitude", "longitude", "km", "disc", "charge", "mode"]
    log = table(
        columns,
        [
            [
                row["time_utc"][:16].replace("T", " "),
                f"{row['latitude_deg']:.4f}",
                f"{row['longitude_deg']:.4f}",
                row["distance_m"] / 1000.0,
                row["disc_fraction"],
                row["charge"],
                row["mode"],
            ]
            for row in cut
        ],
    )
    left = f"\n({len(shown) - len(cut)} more changes left out)" if len(shown) > len(cut) else ""
    files = "".join(f"\nwrote {name}" for name in result["files"])
    return f"{sums}\n\n{log}{left}{files}"
