"""``moonpost flight windows``: transfers to the Moon for every day and time of flight of a period."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.cli.places import almanac_of
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.flight.windows import Windows

__all__ = ["register"]

_SHOWN = 10
_MOST_CELLS = 200_000


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost flight``."""
    app.command("windows")(windows)


def windows(
    begin: str = typer.Option(..., "--from", help="First departure, UTC: 2030-01-01 or with a time."),
    days: float = typer.Option(28.0, help="Departures on so many days from the first on."),
    step_d: float = typer.Option(1.0, help="Days from one departure to the next."),
    tof_days: str = typer.Option("3.5:6:12", help="Times of flight, FIRST:LAST:COUNT, or one [d]."),
    parking_km: float = typer.Option(200.0, help="Altitude of the circular parking orbit [km]."),
    inclination: float | None = typer.Option(
        None, help="Of the parking orbit, to the equator of date [deg]; 28.5, or more where needed, if not given."
    ),
    arrival_km: float = typer.Option(100.0, help="Altitude of perilune, and of the orbit there [km]."),
    arrival_inclination: float = typer.Option(90.0, help="Of the orbit at the Moon, to its equator [deg]."),
    side: str = typer.Option("either", help="Side on which the Moon is passed first: south, north or either."),
    branch: str = typer.Option("both", help="Coast in the parking orbit: short, long or both."),
    site: str = typer.Option(
        "",
        help="Launch site, such as Wenchang: finds for each day the lift-off that fits; --from is the first day.",
    ),
    best: int = typer.Option(0, help="Print only so many, with the least sum of both impulses first; 0 for all."),
    plot: Path | None = typer.Option(None, help="Picture of the windows, .png."),
    csv: Path | None = typer.Option(None, help="Table of all cells, .csv."),
    kernels: str = typer.Option("", help="SPICE kernels instead of DE440s, files with commas between."),
    as_json: bool = JSON,
) -> None:
    """Find transfers to lunar orbit, flown in the full ephemeris of Earth, Moon and Sun.

    For each departure and time of flight there are two planes of the parking orbit, with a short and a long coast
    to the departure. tli and loi are the impulses from the parking orbit and into a circle at perilune; cells
    without a transfer say why. With --site rows also hold lift-off, azimuth over ground and coast.

    Example: moonpost flight windows --from 2030-01-01 --days 28 --tof-days 3.5:6:12 --parking-km 200
    """
    from moonpost.flight.transferends import BRANCHES, Arrival, Parking

    if branch not in ("both", *BRANCHES):
        raise InputError(f"{branch!r} is no branch", where="--branch", advice="give short, long or both")
    if best < 0:
        raise InputError(f"{best} cells", where="--best", advice="give 0 or more")
    flights = _flights(tof_days)
    departures = _departures(begin, days, step_d, len(flights))
    if plot is not None:
        _check_plot(plot, len(departures), len(flights))
    found = _scanned(
        site,
        departures,
        flights,
        Parking(1e3 * parking_km, inclination_deg=inclination),
        Arrival(1e3 * arrival_km, arrival_inclination, cast("Any", side)),
        almanac=almanac_of(kernels),
        branches=[name for name in BRANCHES if branch in ("both", name)],
    )
    chosen = found.best(best) if best else range(len(found))
    rows = [found.row(index) for index in chosen]
    emit(rows, as_json, lambda: _text(found, best or _SHOWN))
    if csv is not None:
        found.to_csv(csv)
    if plot is not None:
        _draw(found, plot)


def _scanned(site: str, *grid: Any, **options: Any) -> Windows:
    """The windows, for a launch site if one is named."""
    from moonpost.flight.launchsites import launch_site
    from moonpost.flight.launchwindows import scan_launches
    from moonpost.flight.windows import scan_transfers

    where = launch_site(site) if site else None
    with _bar() as tell:
        if where is not None:
            return scan_launches(where, *grid, progress=tell, **options)
        return scan_transfers(*grid, progress=tell, **options)


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[float], None] | None]:
    """Give a bar on the error stream if that is a terminal, or nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("transfers", total=1.0)
        yield lambda share: shown.update(task, completed=share)


def _departures(begin: str, days: float, step_d: float, flights: int) -> Any:
    """Departures, so many days from the first on."""
    import numpy as np

    from moonpost.sky.times import as_utc

    if not 0.0 < step_d <= 366.0 or not 0.0 < days <= 36600.0:
        raise InputError(
            f"{days:g} days in steps of {step_d:g}",
            where="--days",
            advice="give days above 0 and up to 36600, in steps of up to 366",
        )
    count = int(np.ceil(days / step_d - 1e-9))
    if count * flights > _MOST_CELLS:
        raise InputError(
            f"{count} departures by {flights} times of flight",
            where="--days",
            advice=f"give no more than {_MOST_CELLS:,} together",
        )
    first = as_utc(begin)
    if first.size != 1:
        raise InputError(f"{first.size} dates", where="--from", advice="give one date")
    return first.ravel()[0] + np.round(np.arange(count) * step_d * 86400e3).astype("timedelta64[ms]")


def _flights(text: str) -> Any:
    """Times of flight from ``FIRST:LAST:COUNT`` or one number."""
    import numpy as np

    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError as error:
        raise InputError(f"{text!r}", where="--tof-days", advice="give FIRST:LAST:COUNT, as 3.5:6:12") from error
    if not np.isfinite(numbers).all():
        raise InputError(
            f"{text!r} is not finite", where="--tof-days", advice="give FIRST:LAST:COUNT, as 3.5:6:12"
        )
    if len(numbers) == 1:
        return np.array(numbers)
    count = int(numbers[2]) if len(numbers) == 3 else 0
    if len(numbers) != 3 or count != numbers[2] or not 1 <= count <= 10_000 or not numbers[0] <= numbers[1]:
        raise InputError(
            f"{text!r}", where="--tof-days", advice="give FIRST:LAST:COUNT with a whole count, as 3.5:6:12"
        )
    return np.linspace(numbers[0], numbers[1], count)


def _check_plot(path: Path, departures: int, flights: int) -> None:
    """Refuse what cannot be drawn before the work is done."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path.name}", where="--plot", advice="give a file name that ends in .png")
    if min(departures, flights) < 2:
        raise InputError(
            f"{departures} departures by {flights} times of flight cannot be drawn",
            where="--plot",
            advice="give at least two of each with --days and --tof-days",
        )


def _draw(found: Windows, path: Path) -> None:
    """Draw the windows."""
    from moonpost.report.figures.porkchop import save_porkchop

    save_porkchop(found, path)


def _text(found: Windows, count: int) -> str:
    """The cheapest cells, and what was found in all, for people."""
    head = ["departure (UTC)", "flight (d)", "branch", "inclination (deg)", "TLI (km/s)", "LOI (km/s)",
            "both (km/s)", "C3 (km2/s2)"]  # fmt: skip
    launched = found.launches is not None
    if launched:
        head = ["lift-off (UTC)", "azimuth (deg)", "coast (min)", *head]
    good = found.converged
    lines = [f"{int(good.sum()):,} of {len(found):,} cells have a transfer"]
    if good.any():
        lines[0] += "; the cheapest:"
        lines += ["", table(head, [_line(found, index, launched) for index in found.best(count)])]
    missing = Counter(found.reasons[~good].ravel().tolist()).most_common(_SHOWN)
    if missing:
        lines += ["", "no transfer:", *(f"  {cells:,} x {reason}" for reason, cells in missing)]
    return "\n".join(lines)


def _line(found: Windows, index: int, launched: bool) -> list[Any]:
    """One cell for people."""
    row = found.row(index)
    lift = [row["launch"][:16], f"{row['azimuth_deg']:.1f}", f"{row['coast_min']:.1f}"] if launched else []
    spent = row["tli_km_s"] + row["loi_km_s"]
    return [
        *lift, row["departure"][:16], row["tof_d"], row["branch"], f"{found.inclinations_deg.ravel()[index]:.2f}",
        f"{row['tli_km_s']:.4f}", f"{row['loi_km_s']:.4f}", f"{spent:.4f}", f"{row['c3_km2_s2']:.4f}",
    ]  # fmt: skip
