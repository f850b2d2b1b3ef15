"""``moonpost operate haven``: whether there is a safe haven for every Earth outage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.operations.havens import Havens

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost operate``."""
    app.command("haven")(haven)


def haven(
    site: str = typer.Option(..., "--site", help="The station, LAT,LON in degrees: --site=-89.4395,222.8066."),
    start: str = typer.Option("2030-01-01", "--from", help="First day, UTC."),
    days: float = typer.Option(365.0, help="Length of the period [d]."),
    bears: float | None = typer.Option(None, help="Longest darkness that the rover bears [h]."),
    battery: float | None = typer.Option(None, help="Instead: its usable energy [Wh], with --sleep-w."),
    sleep_w: float | None = typer.Option(None, "--sleep-w", help="What it draws asleep in the dark [W]."),
    reach: float = typer.Option(3.0, help="Half the width of the ground that is searched [km]."),
    cell: float | None = typer.Option(None, help="Size of a cell [m]; chosen by the terrain if not given."),
    slope: float = typer.Option(15.0, help="Steepest ground that it drives on [deg]."),
    speed: float = typer.Option(0.05, help="Mean speed [m/s]."),
    array: float = typer.Option(1.5, help="Height of its array above ground [m]."),
    antenna: float = typer.Option(2.0, help="Height of the station's antenna above ground [m]."),
    lit: float = typer.Option(0.1, help="Share of the Sun's disc above which a place counts as lit [1]."),
    least: float = typer.Option(6.0, help="Shorter outages are left aside [h]."),
    terrain: str = typer.Option("", help="Terrain files, finest first, with commas between; or built in."),
    plot: str = typer.Option("", help="Draw the havens and the outages: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell for every outage of the Earth whether lit ground is in reach where a rover can wait.

    Example: moonpost operate haven --site=-89.4395,222.8066 --days 60 --bears 50 --reach 8 --slope 25
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.operations.havens import find_havens
    from moonpost.sky import Almanac
    from moonpost.terrain import terrain_from_files

    place = latitude_longitude(site)
    borne_h = _borne_h(bears, battery, sleep_w)
    ground = terrain_from_files(terrain_files(terrain), place[0])
    found = find_havens(
        ground,
        Almanac.default(),
        ground.site(*place),
        start,
        days,
        bears_h=borne_h,
        reach_m=1e3 * reach,
        cell_m=cell,
        array_m=array,
        antenna_m=antenna,
        slope_deg=slope,
        speed_m_s=speed,
        sleep_w=sleep_w or 0.0,
        lit_above=lit,
        least_outage_h=least,
    )
    result = found.to_dict()
    if plot:
        from moonpost.report.figures.haven import haven_figure
        from moonpost.report.figures.style import save_figure

        result["plot"] = str(save_figure(haven_figure(found), plot))
    emit(result, as_json, lambda: _text(found))


def _borne_h(bears: float | None, battery: float | None, sleep_w: float | None) -> float:
    """Longest darkness that is borne."""
    if (bears is None) == (battery is None):
        raise InputError("how much darkness is borne?", where="operate haven", advice="give --bears or --battery")
    if bears is not None:
        return bears
    assert battery is not None
    if sleep_w is None or not sleep_w > 0.0 or not battery > 0.0:
        raise InputError("needs energy and power above 0", where="--battery", advice="--battery 900 --sleep-w 15")
    return battery / sleep_w


def _text(found: Havens) -> str:
    """The answer for people."""
    head = ["outage from (UTC)", "to", "hours", "safe", "dark (h)", "lacks (h)", "drive (h)", "leave by"]
    head += ["latitude", "longitude"]
    rows = [
        [row["start_utc"][:16], row["stop_utc"][:16], row["outage_h"], row["safe"], row["longest_dark_h"],
         row["lacks_h"], row["drive_h"], row["leave_by_utc"][:16], f"{row['latitude_deg']:.4f}",
         f"{row['longitude_deg']:.3f}"]
        for row in found.rows
    ]  # fmt: skip
    return "\n".join([found.verdict, "", table(head, rows), *(f"- {note}" for note in found.notes)])
