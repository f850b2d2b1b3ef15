"""``moonpost design regolith`` and ``moonpost design thermal``: temperatures of ground and of equipment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.terrain import HorizonProfile

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs to ``moonpost design``."""
    app.command("regolith")(regolith)
    app.command("thermal")(thermal)


def regolith(
    lat: float | None = typer.Option(None, help="Latitude [deg]: a mean lunar day on an open plain."),
    site: str | None = typer.Option(
        None, help="LAT,LON [deg]: the real Sun over the site's horizon on the terrain; instead of --lat."
    ),
    profile: str | None = typer.Option(None, help="Horizon profile (JSON), as saved; instead of --lat or --site."),
    terrain: str = typer.Option("", help="Terrain files for --site, finest first, with commas; or built in."),
    around: float | None = typer.Option(
        None, min=0.1, max=200.0, help="Let terrain within KM shade, light and warm --site; for permanent shadow."
    ),
    slope: float = typer.Option(0.0, min=0.0, max=89.0, help="Steepness of the ground [deg]."),
    aspect: float = typer.Option(0.0, help="Azimuth to which it falls [deg], clockwise from north."),
    depth: list[float] = typer.Option([], help="Depth [m] for the mean temperature; may be repeated."),
    albedo: float | None = typer.Option(
        None, help="Bond albedo with the Sun overhead; 0.12 (highland) if not given."
    ),
    background: float = typer.Option(
        0.0, min=0.0, help="Absorbed flux besides sunlight [W/m2], such as Earthshine."
    ),
    start: str = typer.Option("2030-01-01", "--from", help="Start of the span for --site or --profile, UTC."),
    days: float = typer.Option(354.4, min=1.0, max=7000.0, help="Length of that span [d]; it is repeated."),
    as_json: bool = JSON,
) -> None:
    """Tell the temperatures of the ground at a latitude over a lunar day, or at a site over a year.

    Example: moonpost design regolith --lat 26 --depth 0.83 --json
    """
    from moonpost.errors import InputError

    if sum(given is not None for given in (lat, site, profile)) != 1:
        raise InputError("give one of --lat, --site and --profile", where="design regolith", advice="--lat 26")
    if around is not None and (site is None or slope or albedo is not None):
        raise InputError(
            "goes with --site alone, not with --slope or --albedo", where="--around", advice="leave those out"
        )
    found: dict[str, Any]
    if lat is not None and slope == 0.0:
        from moonpost.thermal import regolith as compute

        found = compute(lat, albedo=albedo, background_w_m2=background).to_dict(depths_m=depth)
    elif lat is not None:
        from moonpost.thermal import sloping_day

        found = sloping_day(lat, slope, aspect, albedo=albedo, background_w_m2=background, depths_m=depth)
    else:
        first = _utc(start)
        span = (first, first + _days(days))
        if around is not None and site is not None:
            found = _in_terrain(site, terrain, around * 1e3, span, background, depth)
        else:
            from moonpost.sky import Almanac
            from moonpost.thermal import site_ground

            found = site_ground(
                _profile(site, profile, terrain),
                Almanac.default(),
                *span,
                slope_deg=slope,
                aspect_deg=aspect,
                albedo=albedo,
                background_w_m2=background,
            ).to_dict(depths_m=depth)
    emit(found, as_json, lambda: table(["quantity", "value"], [[key, str(value)] for key, value in found.items()]))


def _in_terrain(
    site: str, terrain: str, reach_m: float, span: tuple[Any, Any], background_w_m2: float, depths_m: list[float]
) -> dict[str, Any]:
    """A site with what the terrain round it gives."""
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.sky import Almanac
    from moonpost.terrain import terrain_from_files
    from moonpost.thermal import SunPath, site_in_terrain

    place = latitude_longitude(site)
    return site_in_terrain(
        terrain_from_files(terrain_files(terrain), place[0]),
        *place,
        SunPath.of(Almanac.default(), *span, 6 * 3600.0),
        reach_m=reach_m,
        background_w_m2=background_w_m2,
        depths_m=depths_m,
    )


def _utc(text: str) -> Any:
    """An instant."""
    from moonpost.sky.times import as_utc

    return as_utc([text])[0]


def _days(days: float) -> Any:
    """A span of time."""
    import numpy as np

    return np.timedelta64(round(days * 86400e3), "ms")


def _profile(site: str | None, profile: str | None, terrain: str) -> HorizonProfile:
    """The horizon that was asked for."""
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.terrain import HorizonProfile, horizon_from_files

    if profile is not None:
        return HorizonProfile.load(profile)
    assert site is not None
    return horizon_from_files(terrain_files(terrain), *latitude_longitude(site), mast_m=0.0)


def thermal(
    file: str = typer.Argument(help="Equipment as a TOML file: nodes, links, surfaces, heaters."),
    as_json: bool = JSON,
) -> None:
    """Tell the temperatures of equipment through lunar days, its heaters' energy and the limits it breaks.

    Example: moonpost design thermal rover.toml
    """
    from moonpost.thermal import read_case

    found = read_case(file).simulate().to_dict()
    emit(found, as_json, lambda: _text(found))


def _text(found: dict[str, Any]) -> str:
    nodes = table(
        ["node", "min (K)", "max (K)", "mean (K)"],
        [[name, row["min_k"], row["max_k"], row["mean_k"]] for name, row in found["nodes"].items()],
    )
    heaters = table(
        ["heater", "energy (kWh)", "peak (W)"],
        [[name, row["energy_wh"] / 1e3, row["peak_w"]] for name, row in found["heaters"].items()],
    )
    broken = table(
        ["limit", "node", "what", "first (d)", "times"],
        [
            [limit, node, what, min(times) / 86400.0, len(times)]
            for (limit, node, what), times in _grouped(found["limits_broken"]).items()
        ],
    )
    told = broken if found["limits_broken"] else "no limit broken"
    residual = f"heat lost by the method: {found['total_residual_relative']:.0e} of what passes"
    return "\n\n".join([nodes, *([heaters] if found["heaters"] else []), told, residual])


def _grouped(broken: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[float]]:
    """Times of the same limit together."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in broken:
        found.setdefault((row["limit"], row["node"], row["what"]), []).append(row["time_s"])
    return found
