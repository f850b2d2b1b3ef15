"""``moonpost site``: light, darkness and Earth at a point, and candidate sites compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli import sitemap, siterank
from moonpost.cli.output import JSON, emit, table, utc_text

if TYPE_CHECKING:
    from moonpost.terrain import HorizonProfile, LightStatistics

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Light, darkness and Earth at sites.")
_YEAR_MS = 365.25 * 86400e3


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="site")


@_app.command("point")
def point(
    site: str = typer.Option(..., "--site", help="LAT,LON in degrees, east positive: --site=-89.5,222.8."),
    terrain: str = typer.Option(
        "",
        help="GeoTIFFs of heights or names from 'data list', finest first, commas between; built-in if not given.",
    ),
    mast: float = typer.Option(2.0, min=0.0, help="Height above ground [m]."),
    start: str = typer.Option("2030-01-01", "--from", help="Start of the period, UTC."),
    years: float = typer.Option(1.0, help="Length of the period [years of 365.25 days]."),
    azimuths: int = typer.Option(720, min=4, help="Number of azimuths of the horizon."),
    eclipses: bool = typer.Option(False, help="Count eclipses by the Earth as darkness."),
    profile: bool = typer.Option(False, "--profile", help="Print the horizon too."),
    as_json: bool = JSON,
) -> None:
    """Tell how much Sun and Earth a point sees, and its longest darkness.

    Without files a shipped horizon is used where there is one for this very point and mast, else the built-in
    1600 m grid. Round the files that are given lies the built-in polar grid; it never fills holes within them.

    Example: moonpost site point --site=-89.4395,222.8066 --terrain ridge_20m.tif --mast 10 --years 19 --json
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.sky import Almanac
    from moonpost.terrain import horizon_from_files, light_statistics
    from moonpost.terrain.profiles import shipped_near

    latitude_deg, longitude_deg = latitude_longitude(site)
    first, last = _period(start, years)
    names = terrain_files(terrain)
    shipped = None if names else shipped_near(latitude_deg, longitude_deg, mast)
    if shipped is not None and azimuths == len(shipped.azimuth_deg):
        seen = shipped
    else:
        seen = horizon_from_files(names, latitude_deg, longitude_deg, mast, azimuths)
    found = light_statistics(seen, Almanac.default(), first, last, eclipses=eclipses)
    result = _result(seen, found, profile)
    emit(result, as_json, lambda: _text(result))


def _period(start: str, years: float) -> tuple[Any, Any]:
    """First and last instant; the whole period has to be given."""
    import math

    import numpy as np

    from moonpost.errors import InputError
    from moonpost.sky import as_utc

    if not (math.isfinite(years) and 0 < years <= 1000):
        raise InputError(f"{years:g} years", where="--years", advice="give a number above 0 and at most 1000")
    first = as_utc(start).reshape(-1)[0]
    return first, first + np.timedelta64(round(years * _YEAR_MS), "ms")


def _result(seen: HorizonProfile, found: LightStatistics, with_profile: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "latitude_deg": seen.site.latitude_deg,
        "longitude_deg": seen.site.longitude_deg,
        "height_m": round(seen.site.height_m, 2),
        "mast_m": seen.mast_m,
        "from_utc": utc_text(found.start),
        "to_utc": utc_text(found.stop),
        "average_illumination": found.average_illumination,
        "percent_lit": found.percent_lit,
        "longest_dark_d": found.longest_dark_d,
        "longest_light_d": found.longest_light_d,
        "earth_visible": found.earth_visible,
        "average_earth_disc": found.average_earth_disc,
        "longest_earth_outage_d": found.longest_earth_outage_d,
        "longest_dark_without_earth_d": found.longest_dark_without_earth_d,
        "spells": {
            name: _spell(getattr(found, name))
            for name in ("longest_dark", "longest_light", "longest_earth_outage", "longest_dark_without_earth")
        },
        "grade": found.grade,
        "provenance": seen.provenance,
    }
    if with_profile:
        result["azimuth_deg"] = seen.azimuth_deg
        result["elevation_deg"] = seen.elevation_deg
        result["distance_m"] = seen.distance_m
    return result


def _spell(spell: Any) -> dict[str, Any] | None:
    """A spell's ends, and whether the period cuts it."""
    if spell is None:
        return None
    return {
        "start_utc": utc_text(spell.start),
        "stop_utc": utc_text(spell.stop),
        "began_before_period": spell.open_start,
        "goes_on_after_period": spell.open_stop,
    }


def _text(result: dict[str, Any]) -> str:
    units = {"_d": " d", "_m": " m", "_deg": " deg"}
    rows = []
    for name, value in result.items():
        if isinstance(value, float):
            unit = next((unit for end, unit in units.items() if name.endswith(end)), "")
            rows.append([name, f"{value:.4f}{unit}"])
        elif isinstance(value, str):
            rows.append([name, value])
    return table(["quantity", "value"], rows)


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
    from moonpost.cli.places import surface_site
    from moonpost.sky import Almanac
    from moonpost.sky import eclipses as find

    first, last = _period(start, years)
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


siterank.register(_app)
sitemap.register(_app)
