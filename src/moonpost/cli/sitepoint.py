"""``moonpost site point``: light, darkness and Earth at one place, with their spread and their course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table, utc_text
from moonpost.cli.places import period_of

if TYPE_CHECKING:
    from moonpost.terrain import HorizonProfile, LightStatistics
    from moonpost.terrain.ensemble import LightUncertainty

__all__ = ["register"]

_SPREADS = (
    "average_illumination",
    "percent_lit",
    "longest_dark_d",
    "longest_light_d",
    "earth_visible",
    "longest_earth_outage_d",
    "longest_dark_without_earth_d",
)


def register(app: typer.Typer) -> None:
    """Add the verb to the site verbs."""
    app.command("point")(point)


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
    members: int = typer.Option(
        0, min=0, help="Horizons in an ensemble of terrain errors; 0 for none, 100 is usual."
    ),
    height_error: float = typer.Option(
        None,
        "--height-error-m",
        help="Standard error of heights in the ensemble [m]; from the cells if not given.",
    ),
    correlation: float = typer.Option(
        None, "--correlation-m", help="Distance over which height errors hang together [m]; a cell if not given."
    ),
    seed: int = typer.Option(0, help="Which random numbers the ensemble takes."),
    hourly: Path = typer.Option(
        None, help="Write Sun, Earth, light and array power by the hour to FILE.csv or .nc."
    ),
    as_json: bool = JSON,
) -> None:
    """Tell how much Sun and Earth a point sees, and its longest darkness.

    Without files a shipped horizon is used where there is one for this very point and mast, else the built-in
    1600 m grid. Round the files that are given lies the built-in polar grid; it never fills holes within them.
    With --members the figures come with P5, P50 and P95 over an ensemble of terrain errors.

    Example: moonpost site point --site=-89.4395,222.8066 --terrain ridge_20m.tif --mast 10 --years 19 --json
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.sky import Almanac
    from moonpost.terrain import horizon_from_files, light_statistics
    from moonpost.terrain.profiles import shipped_near

    latitude_deg, longitude_deg = latitude_longitude(site)
    period = period_of(start, years)
    names = terrain_files(terrain)
    shipped = None if names or members else shipped_near(latitude_deg, longitude_deg, mast)
    if shipped is not None and azimuths == len(shipped.azimuth_deg):
        seen = shipped
    else:
        seen = horizon_from_files(names, latitude_deg, longitude_deg, mast, azimuths)
    almanac = Almanac.default()
    found = light_statistics(seen, almanac, *period, eclipses=eclipses)
    result = _result(seen, found, profile)
    spread = None
    if members:
        spread = _spread(names, seen, almanac, period, (members, height_error, correlation, seed))
        result["uncertainty"] = spread.to_dict()
    if hourly is not None:
        result["hourly"] = str(_write_hours(hourly, seen, almanac, period))
    emit(result, as_json, lambda: _text(result, spread))


def _spread(
    names: tuple[str, ...],
    seen: HorizonProfile,
    almanac: Any,
    period: tuple[Any, Any],
    ensemble: tuple[int, float | None, float | None, int],
) -> LightUncertainty:
    """Spread of the figures over terrain errors."""
    from moonpost.terrain.ensemble import light_uncertainty
    from moonpost.terrain.skyline import terrain_from_files

    members, height_error_m, correlation_m, seed = ensemble
    return light_uncertainty(
        terrain_from_files(names, seen.site.latitude_deg),
        seen.site,
        almanac,
        *period,
        seen.mast_m,
        members=members,
        height_error_m=height_error_m,
        correlation_m=correlation_m,
        seed=seed,
        azimuths=len(seen.azimuth_deg),
    )


def _write_hours(path: Path, seen: HorizonProfile, almanac: Any, period: tuple[Any, Any]) -> Path:
    """Write the course of Sun, Earth, light and the power of three arrays of 1 kW."""
    from moonpost.power.profile import power_profile
    from moonpost.terrain.hourly import light_profile, write_series

    course = light_profile(seen, almanac, *period)
    power = power_profile(course)
    course["power_w"] = power["power_w"]
    course["power_w"].attrs["source"] = "arrays of 1 kW at 1361 W/m2 and normal incidence, moonpost.power"
    return write_series(path, course)


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


def _text(result: dict[str, Any], spread: LightUncertainty | None) -> str:
    units = {"_d": " d", "_m": " m", "_deg": " deg"}
    rows = []
    for name, value in result.items():
        if isinstance(value, float):
            unit = next((unit for end, unit in units.items() if name.endswith(end)), "")
            rows.append([name, f"{value:.4f}{unit}"])
        elif isinstance(value, str):
            rows.append([name, value])
    text = table(["quantity", "value"], rows)
    if spread is None:
        return text
    found = {name: getattr(spread, name) for name in _SPREADS}
    body = [
        [name, *(f"{getattr(item, key):.4f}" for key in ("p05", "p50", "p95"))] for name, item in found.items()
    ]
    head = ["terrain errors", "P5", "P50", "P95"]
    return f"{text}\n\n{table(head, body)}\n{spread.members} horizons; heights err by {_metres(spread)}"


def _metres(spread: LightUncertainty) -> str:
    """Errors assumed of each layer."""
    noise = spread.noise
    pairs = zip(noise.height_error_m, noise.correlation_m, strict=True)
    return ", ".join(f"{error:.2g} m over {length:.0f} m" for error, length in pairs)
