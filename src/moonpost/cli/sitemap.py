"""``moonpost site map``: maps of light, darkness, shadow and sight over an area."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from moonpost.cli.area import AREA_HELP
from moonpost.cli.output import JSON, emit, plain, table

if TYPE_CHECKING:
    from moonpost.terrain.tilerun import Progress

__all__ = ["register"]

_FORMATS = ("tif", "png", "gpkg")
_YEAR_MS = 365.25 * 86400e3
_NEGATIVE_PLACE = re.compile(r"-[\d.]+,")


class AreaCommand(TyperCommand):
    """A verb whose first word may be a place with a leading minus sign, as southern latitudes have."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Mark such words, so that they are not taken for options."""
        return super().parse_args(ctx, [f" {word}" if _NEGATIVE_PLACE.match(word) else word for word in args])


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost site``."""
    app.command("map", cls=AreaCommand)(site_map)


def site_map(
    area: str = typer.Argument(help=AREA_HELP),
    terrain: str = typer.Option(
        "",
        help="GeoTIFFs of heights or names from 'data list', finest first, commas between; built-in if not given.",
    ),
    cell: float | None = typer.Option(None, help="Size of a cell [m]; that of the finest file if not given."),
    mast: str = typer.Option("2", help="Heights above ground [m], with commas between."),
    azimuths: int = typer.Option(720, help="Number of azimuths of the horizons."),
    start: str = typer.Option("2030-01-01", "--from", help="Start of the period, UTC."),
    years: float = typer.Option(18.6, help="Length of the period [years of 365.25 days]."),
    maps: str = typer.Option(
        "illumination,lit,earth,psr",
        help="Which maps, with commas between: illumination, lit, earth, earth-disc, dark, light, earth-outage, "
        "dark-no-earth, psr, stations, relay, height, slope, roughness, horizon (in Zarr only); and, made from "
        "finished maps, hazard (ground too steep or rough to land on), gain (what higher masts add to the maps of "
        "light and sight asked for, or to illumination; needs two masts), haven (way to the nearest safe haven).",
    ),
    slope_limit: float | None = typer.Option(
        None, help="hazard: steepest ground to land on [deg]; 7 if not given."
    ),
    roughness_limit: float | None = typer.Option(
        None, help="hazard: greatest roughness [m]; 0.3 m over 10 m, carried to the baseline, if not given."
    ),
    baseline: float | None = typer.Option(
        None, help="hazard: length over which slope and roughness are taken [m]; two cells if not given."
    ),
    haven_dark: float | None = typer.Option(None, help="haven: longest darkness of a safe haven [d]."),
    haven_light: float | None = typer.Option(
        None, help="haven: least average illumination of a safe haven, 0 to 1; this or --haven-dark, or both."
    ),
    rover_speed: float | None = typer.Option(
        None, help="haven: mean speed of the rover, stops included [m/s]; 0.05 if not given."
    ),
    drive_slope: float | None = typer.Option(
        None, help="haven: steepest ground that is driven on [deg]; 15 if not given."
    ),
    psr_minimum_cells: int | None = typer.Option(
        None,
        help="psr: fewest cells of a region in the GeoPackage; all if not given, 9 in Mazarico et al. (2011).",
    ),
    plan: str = typer.Option("ilrs", help="Plan whose ground stations are mapped, if AREA names no plan."),
    relay: Path | None = typer.Option(
        None, help="CSV of a relay's orbit: utc,x_m,y_m,z_m from the Moon's centre in MOON_ME."
    ),
    out: Path | None = typer.Option(None, help="Folder for the maps; maps/AREA if not given."),
    formats: str = typer.Option(
        "tif,png,gpkg",
        help="Files besides Zarr, with commas between: tif, png, gpkg (outlines of permanent shadow), or none.",
    ),
    workers: int = typer.Option(1, help="Threads."),
    scheduler: str | None = typer.Option(
        None, help="Dask scheduler tcp://HOST:PORT, or local:N for N processes here; instead of --workers."
    ),
    device: str = typer.Option("auto", help="Where horizons are computed: auto, cpu or gpu."),
    fresh: bool = typer.Option(False, "--fresh", help="Start anew, whatever an earlier run left in the folder."),
    as_json: bool = JSON,
) -> None:
    """Map light, darkness, permanent shadow and the sight of the Earth over an area.

    The folder gets a Zarr store (maps.zarr), a cloud-optimised GeoTIFF for each map, a picture for each mast,
    outlines of permanent shadow for each mast (psr-2m.gpkg), and summary.json. A stopped run goes on where it was
    when the same command is given again. hazard, gain and haven are made anew from the finished maps each time and
    are not in the Zarr store; their limits can be changed without computing anything else again.

    Example: moonpost site map -89.45,222.8,10 --terrain ridge_20m.tif --mast 2,10 --maps illumination,dark,psr

    Example: moonpost site map -89.45,222.8,10 --terrain ridge_20m.tif --maps haven,hazard --haven-dark 5
    """
    from moonpost.cli.area import map_request
    from moonpost.cli.mapderived import DerivedMaps
    from moonpost.cli.mapfiles import summaries, write_files
    from moonpost.cli.places import terrain_files
    from moonpost.files import write_json
    from moonpost.sky import Almanac
    from moonpost.terrain.maps import site_maps

    kinds, masts = _formats(formats), _masts(mast)
    derived = DerivedMaps(
        names=tuple(_words(maps)),
        masts=len(masts),
        slope_limit_deg=slope_limit,
        roughness_limit_m=roughness_limit,
        baseline_m=baseline,
        haven_dark_d=haven_dark,
        haven_light=haven_light,
        rover_speed_m_s=rover_speed,
        drive_slope_deg=drive_slope,
        psr_minimum_cells=psr_minimum_cells,
    )
    names = derived.needed()
    first, last = _period(start, years)
    request = map_request(area, terrain_files(terrain), cell)
    derived.check_area(request.area)
    folder = out if out is not None else Path("maps") / request.name
    with _stoppable(folder), _bar(sys.stderr.isatty()) as progress:
        data = site_maps(
            request.terrain,
            request.area,
            Almanac.default(),
            first,
            last,
            maps=names,
            stations=_stations(request.plan, plan) if "stations" in names else (),
            relay=_relay(relay) if "relay" in names else None,
            mast_m=masts,
            azimuths=azimuths,
            out=folder / "maps.zarr",
            workers=workers,
            scheduler=scheduler,
            progress=progress,
            device=_device(device),
            fresh=fresh,
        )
        all_maps = [*data.data_vars.values(), *derived.make(data, request.terrain, request.area).values()]
        regions = derived.regions(data)
        grade = str(data.attrs.get("grade") or "")
        files = [folder / "maps.zarr", *write_files(all_maps, request, folder, kinds, regions, grade)]
    found = summaries(all_maps, request.area, regions, psr_minimum_cells or 1)
    result = _result(request, data, found, (first, last))
    written = [path.name for path in files]
    if fresh:
        _remove_earlier(folder, written)
    files.append(write_json(folder / "summary.json", plain({**result, "files": written})))
    result["files"] = [str(path) for path in files]
    emit(result, as_json, lambda: _text(result))


def _remove_earlier(folder: Path, names: list[str]) -> None:
    """Remove what an earlier run wrote in the folder, by its own summary, and this one did not."""
    import json

    try:
        earlier = json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("files", ())
    except (OSError, ValueError, AttributeError):
        return
    for name in earlier:
        if isinstance(name, str) and Path(name).name == name and name not in names and (folder / name).is_file():
            (folder / name).unlink()


@contextlib.contextmanager
def _stoppable(folder: Path) -> Iterator[None]:
    """End an interrupted run with a line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"moonpost: stopped; the same command goes on from what is done in {folder}", err=True)
        raise typer.Exit(130) from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _formats(text: str) -> list[str]:
    from moonpost.errors import InputError

    kinds = [word.lower() for word in _words(text) if word.lower() != "none"]
    for kind in kinds:
        if kind not in _FORMATS:
            raise InputError(f"unknown format {kind!r}", where="--formats", advice="give tif, png, gpkg or none")
    return kinds


def _masts(text: str) -> list[float]:
    from moonpost.errors import InputError

    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise InputError(f"{text!r}", where="--mast", advice="give heights in metres, like 2 or 0,2,10") from None


def _device(text: str) -> Any:
    from moonpost.errors import InputError

    if text not in ("auto", "cpu", "gpu"):
        raise InputError(f"{text!r}", where="--device", advice="give auto, cpu or gpu")
    return text


def _period(start: str, years: float) -> tuple[Any, Any]:
    """First and last instant."""
    import math

    import numpy as np

    from moonpost.errors import InputError
    from moonpost.sky import as_utc

    if not (math.isfinite(years) and 0 < years <= 1000):
        raise InputError(f"{years:g} years", where="--years", advice="give a number above 0 and at most 1000")
    first = as_utc(start).reshape(-1)[0]
    return first, first + np.timedelta64(round(years * _YEAR_MS), "ms")


def _stations(own: Any, name: str) -> tuple[Any, ...]:
    """Ground stations of the area's plan, else of the one that is named."""
    from moonpost.errors import InputError
    from moonpost.plan import load_plan

    plan = own if own is not None else load_plan(name)
    if not plan.ground_stations:
        raise InputError("has no ground stations", where=f"plan {plan.id}", advice="name another with --plan")
    return tuple(plan.ground_stations)


def _relay(path: Path | None) -> Any:
    """Orbit of a relay from a CSV file."""
    import csv

    import numpy as np

    from moonpost.errors import DataError, InputError
    from moonpost.sky import as_utc
    from moonpost.terrain.mapvisibility import RelayTrack

    if path is None:
        raise InputError("no orbit given", where="--relay", advice="name a CSV file with utc,x_m,y_m,z_m")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        moments = np.concatenate([as_utc(row["utc"]).reshape(-1) for row in rows])
        places = np.array([[float(row[key]) for key in ("x_m", "y_m", "z_m")] for row in rows])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"is not an orbit ({error})",
            where=str(path),
            advice="give a CSV file with the head utc,x_m,y_m,z_m, positions from the Moon's centre in MOON_ME",
        ) from error
    return RelayTrack(moments, places, path.stem)


@contextlib.contextmanager
def _bar(show: bool) -> Iterator[Progress | None]:
    """Give a progress bar on the error stream with the time that is left, or nothing."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("tiles"),
        BarColumn(bar_width=28),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Display(*columns, console=Console(stderr=True)) as display:
        task: Any = None

        def tell(at: Any) -> None:
            nonlocal task
            left = "preparing" if at.left_s is None else f"{_duration(at.left_s)} left"
            words = f"{left}, {at.reused} done before" if at.reused else left
            if task is None:
                task = display.add_task("tiles", total=at.total, left=words)
            display.update(task, completed=at.done, left=words)

        yield tell


def _duration(seconds: float) -> str:
    """Time for people.

    Examples
    --------
    >>> _duration(75.0), _duration(7300.0)
    ('1:15', '2:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _result(request: Any, data: Any, found: dict[str, Any], period: tuple[Any, Any]) -> dict[str, Any]:
    import json

    from moonpost.cli.output import utc_text

    centre = request.area.centre
    rows, cols = request.area.shape
    return {
        "area": {
            "latitude_deg": centre.latitude_deg,
            "longitude_deg": centre.longitude_deg,
            "rows": rows,
            "cols": cols,
            "cell_m": request.area.cell_m,
            "crs_wkt": request.area.wkt,
        },
        "from_utc": utc_text(period[0]),
        "to_utc": utc_text(period[1]),
        "grade": data.attrs.get("grade"),
        "limits": data.attrs.get("limits", ""),
        "maps": found,
        "terrain": json.loads(data.attrs["terrain"]),
        "kernels": json.loads(data.attrs["kernels"]),
    }


def _text(result: dict[str, Any]) -> str:
    rows: list[list[Any]] = []
    for name, item in result["maps"].items():
        for one in item["maps"]:
            label = [name, item["units"], one.get("mast_m"), one.get("station", "")]
            if "area_km2" in one:
                rows.append([*label, None, one["share"], None, _total(one)])
            else:
                rows.append([*label, one["min"], one["mean"], one["max"], _place(one)])
    head = ["map", "unit", "mast (m)", "station", "min", "mean", "max", "best place or total"]
    area = result["area"]
    period = f"{result['from_utc']} to {result['to_utc']}"
    lines = [
        f"{area['rows']} x {area['cols']} cells of {area['cell_m']:g} m, {period}",
        table(head, rows),
    ]
    if result["grade"]:
        lines.append(f"grade: {result['grade']}" + (f" ({result['limits']})" if result["limits"] else ""))
    lines += result["files"]
    return "\n".join(lines)


def _total(one: dict[str, Any]) -> str:
    """Area of a truth, and what else sums it up."""
    words = f"{one['area_km2']:,.2f} km2"
    if one.get("minimum_cells", 1) > 1:
        words += f", {one['regions_area_km2']:,.2f} km2 of it in regions of {one['minimum_cells']} cells or more"
    if "landable_share" in one:
        words += f", {100.0 * one['landable_share']:.1f} % landable"
    return words


def _place(one: dict[str, Any]) -> str:
    if one.get("reachable_share") is not None:
        return f"{100.0 * one['reachable_share']:.1f} % reach a haven"
    best = one.get("best")
    return f"{best[0]['latitude_deg']:.4f}, {best[0]['longitude_deg']:.4f}" if best else ""
