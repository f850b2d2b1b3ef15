"""``moonpost site``: candidate sites compared, eclipses, and the verbs for points, maps, ranks and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from moonpost.cli import sitedarkness, sitemap, sitepath, sitepoint, siterank
from moonpost.cli.output import JSON, emit, table, utc_text

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Light, darkness and Earth at sites.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="site")


@_app.command("compare")
def compare(
    plan: Path = typer.Argument(help="A bundled plan or the path of a TOML file."),
    as_json: bool = JSON,
) -> None:
    """Compare a plan's baseline site with its candidates.

    Example: moonpost site compare ilrs
    """
    from moonpost.cli.output import phase

    found = phase(str(plan), "site")
    head = ["site", "mast (m)", "light", "lit", "dark (d)", "Earth", "outage (d)", "grade"]
    emit(
        found,
        as_json,
        lambda: table(
            head,
            [
                [
                    row.name, row.mast_m, row.average_illumination, row.percent_lit, row.longest_dark_d,
                    row.earth_visible, row.longest_earth_outage_d, row.grade,
                ]
                for row in found.rows
            ],
        ),
    )  # fmt: skip


@_app.command("eclipses")
def eclipses(
    site: str = typer.Option(..., "--site", help="LAT,LON in degrees, east positive."),
    start: str = typer.Option("2030-01-01", "--from", help="Start of the period, UTC."),
    years: float = typer.Option(1.0, help="Length of the period [years of 365.25 days]."),
    earth_radius_scale: float = typer.Option(
        ..., help="Radius of the opaque Earth over its equatorial radius: 1.0 solid, 1.01 with its air (Danjon)."
    ),
    as_json: bool = JSON,
) -> None:
    """List the eclipses of the Sun by the Earth as seen from a site, with the contacts of the whole near side.

    Example: moonpost site eclipses --site=18.56,61.81 --from 2025-03-01 --years 0.1 --earth-radius-scale 1.0
    """
    from moonpost.cli.places import period_of, surface_site
    from moonpost.sky import Almanac
    from moonpost.sky import eclipses as find

    first, last = period_of(start, years)
    almanac = Almanac.default()
    found = find(almanac, surface_site(site), first, last, earth_radius_scale)
    rows = [_eclipse(almanac, row, earth_radius_scale) for row in found]
    head = ["greatest (UTC)", "partial from", "total from", "total to", "partial to", "least Sun", "Sun (deg)"]
    keys = ["greatest", "partial_start", "total_start", "total_stop", "partial_stop"]
    emit(
        rows,
        as_json,
        lambda: table(
            head,
            [
                [*(row[f"{key}_utc"] or "-" for key in keys), row["least_uncovered"], row["sun_elevation_deg"]]
                for row in rows
            ],
        ),
    )


def _eclipse(almanac: Any, row: Any, scale: float) -> dict[str, Any]:
    """One eclipse at the site, and when the whole near side is in shadow."""
    from moonpost.sky import nearside_totality

    whole = nearside_totality(almanac, row.greatest, scale)
    return {
        "greatest_utc": utc_text(row.greatest),
        "partial_start_utc": utc_text(row.partial_start),
        "total_start_utc": utc_text(row.total_start),
        "total_stop_utc": utc_text(row.total_stop),
        "partial_stop_utc": utc_text(row.partial_stop),
        "least_uncovered": row.least_uncovered,
        "sun_elevation_deg": row.sun_elevation_deg,
        "near_side_total_start_utc": utc_text(whole.total_start),
        "near_side_total_stop_utc": utc_text(whole.total_stop),
        "earth_radius_scale": scale,
    }


sitepoint.register(_app)
sitedarkness.register(_app)
siterank.register(_app)
sitemap.register(_app)
sitepath.register(_app)
