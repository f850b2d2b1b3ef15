"""``moonpost flight land``: when a lander can come down on a site, and what the descent takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table, utc_text
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.flight.descent import Descent
    from moonpost.flight.landing import LandingCriteria, Opportunities
    from moonpost.flight.landinglight import Sight
    from moonpost.flight.passes import Passes
    from moonpost.flight.trajectory import Trajectory
    from moonpost.sky import Site
    from moonpost.sky.almanac import Almanac
    from moonpost.terrain.surface import Terrain

__all__ = ["register"]

_SHOWN = 24
_PLOTS = (".png", ".svg", ".pdf")
_RIM = 3
_TRACK_M = 200.0
_RELAY_DEGREE = 20
_MORE_DAYS = 1.1


def register(app: typer.Typer) -> None:
    """Add the verb to the flight verbs."""
    app.command("land")(land)


def land(
    site: str = typer.Option(..., help="LAT,LON in degrees, east positive: --site=-89.53,219."),
    start: str = typer.Option(..., "--from", help="First day of the landing, UTC."),
    days: float = typer.Option(60.0, help="How long after it a landing may be [d]."),
    inclination: float = typer.Option(
        None, help="Inclination of the orbit [deg]; 90 with a node, any without if not given."
    ),
    node: float = typer.Option(
        None, help="Longitude of the ascending node on the first day [deg]; any plane if not given."
    ),
    altitude_km: float = typer.Option(100.0, help="Altitude of the circular orbit [km]."),
    plane_change: float = typer.Option(2.5, help="Greatest turn of the plane before landing [deg]."),
    sun: str = typer.Option("", help="Elevation of the Sun at landing, MIN:MAX [deg]."),
    slope: str = typer.Option(
        "", help="Count the Sun over a slope, STEEPNESS:AZIMUTH it faces [deg], as 8:0 for one facing north."
    ),
    earth_days: float = typer.Option(0.0, help="Earth or relay in view for so long after landing [d]."),
    lit_days: float = typer.Option(0.0, help="Half the Sun's disc in sight for so long after landing [d]."),
    relay: str = typer.Option(
        "",
        help="Relay: perilune km, apolune km, inclination, node, argument [deg] at perilune on the first day, to "
        "the equator and prime meridian of then. It is flown in the pull of the Moon, the Earth and the Sun; "
        "if it comes down, that is told.",
    ),
    gap_h: float = typer.Option(0.0, help="Longest gap of Earth and relay that does no harm [h]."),
    profile: Path = typer.Option(None, help="Horizon of the site, as saved by HorizonProfile.save."),
    degree: int = typer.Option(20, help="Degree of the Moon's field for the orbit; at most 20 for a relay."),
    thrust_n: float = typer.Option(7500.0, help="Full thrust of the lander [N]."),
    isp_s: float = typer.Option(308.0, help="Specific impulse [s]."),
    mass_kg: float = typer.Option(3000.0, help="Mass at ignition [kg]."),
    throttle: float = typer.Option(0.2, help="Least thrust as a share of the full one."),
    perilune_km: float = typer.Option(15.0, help="Altitude of ignition, the perilune of the descent orbit [km]."),
    hover_s: float = typer.Option(20.0, help="Time of hovering at 100 m [s]."),
    height_m: float = typer.Option(
        None, help="Height of the site above the 1737.4 km sphere [m]; that of the terrain, or 0, if not given."
    ),
    terrain: str = typer.Option(
        "", help="GeoTIFFs of heights about the site, commas between: where to aim on their hazards."
    ),
    area_km: float = typer.Option(2.0, help="Side of the square about the site in which to aim [km]."),
    fix_height_m: float = typer.Option(
        0.0, help="Height at which the lander finds its place by pictures; 0 never [m]."
    ),
    divert_m: float = typer.Option(0.0, help="How far it can go aside while it hovers [m]."),
    plot: Path = typer.Option(None, help="Picture of the calendar; beside it -descent and -hazards."),
    as_json: bool = JSON,
) -> None:
    """List when a lander can come down on a site, and what its descent takes.

    Without --node the plane is free, as before the transfer is flown, and the table tells which nodes on the first
    day would bring it over the site, northbound or southbound. With one, the orbit is flown through the field of
    the Moon and its passes over the site are tried. A relay is flown as well, for as long as contact is followed;
    after an impact it counts no more. Where there is no opportunity, the reasons are told.

    Example: moonpost flight land --site 43.06,-51.92 --from 2030-01-01 --days 60 --sun 5:20 --earth-days 3
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.flight.landing import LandingCriteria, landing_opportunities
    from moonpost.flight.landinglight import flown_positions
    from moonpost.flight.passes import orbit_passes
    from moonpost.sky import Almanac, Site
    from moonpost.terrain.skyline import terrain_from_files

    _check_plot(plot)
    _check_sizes({"--area-km": area_km, "--fix-height-m": fix_height_m, "--divert-m": divert_m}, degree)
    low, high = _pair(slope, "--slope", "STEEPNESS:AZIMUTH") if slope else (0.0, 0.0)
    asked = LandingCriteria(
        sun_deg=_pair(sun, "--sun", "MIN:MAX") if sun else None,
        earth_days=earth_days,
        lit_days=lit_days,
        gap_h=gap_h,
        slope_deg=low,
        slope_azimuth_deg=high,
        most_plane_change_deg=plane_change,
    )
    place, ground = latitude_longitude(site), None
    if terrain:
        ground = terrain_from_files(terrain_files(terrain), place[0], where="--terrain")
    if height_m is None:
        height_m = 0.0 if ground is None else float(ground.height_m(*place))
    where = Site(*place, height_m)
    almanac = Almanac.default()
    first, last = _period(start, days)
    passes = None
    if node is not None:
        passes = orbit_passes(
            almanac,
            where,
            first,
            last,
            altitude_m=1e3 * altitude_km,
            inclination_deg=90.0 if inclination is None else inclination,
            node_deg=node,
            degree=degree,
        )
    course = _relay(almanac, relay, first, last, asked.ahead_days, degree)
    found = landing_opportunities(
        almanac,
        where,
        first,
        last,
        asked,
        passes=passes,
        inclination_deg=inclination,
        sight=_sight(profile, where),
        relay=None if course is None else flown_positions(course),
    )
    heading = _heading(found, where, inclination)
    result = _result(found, where, first, days, passes, asked)
    _add_relay(result, course)
    if passes is None:
        _add_nodes(result, where, first, 90.0 if inclination is None else inclination, 1e3 * altitude_km)
    fallen = _descent(
        where, heading, thrust_n, isp_s, mass_kg, throttle, perilune_km, altitude_km, hover_s, result
    )
    target = None
    if ground is not None and fallen is not None:
        target = _aimed(ground, where, area_km, fallen, heading or 0.0, fix_height_m, divert_m, result)
        _clear(ground, where, fallen, heading, result)
    result["files"] = _draw(plot, found, fallen, target)
    emit(result, as_json, lambda: _text(found, fallen, result))


def _check_sizes(sizes: dict[str, float], degree: int) -> None:
    """Refuse sizes that are none, also where nothing asks for them."""
    for name, size in sizes.items():
        if not 0.0 <= size < math.inf:
            raise InputError(f"{size}", where=name, advice="give a number from 0 on")
    if not 0 <= degree <= 165:
        raise InputError(f"{degree} is no degree", where="--degree", advice="give a whole number from 0 to 165")


def _check_plot(plot: Path | None) -> None:
    """Refuse a picture that could not be written before anything is worked out."""
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where="--plot", advice=f"name it {', '.join(_PLOTS)}")


def _pair(text: str, option: str, form: str) -> tuple[float, float]:
    """Two numbers with a colon between."""
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(
            f"{text!r} is not {form}", where=option, advice=f"write it as {form}, like 5:20"
        ) from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"{text!r} is not finite", where=option, advice=f"write it as {form}, like 5:20")
    return low, high


def _period(start: str, days: float) -> tuple[Any, Any]:
    """First and last instant."""
    import numpy as np

    from moonpost.sky import as_utc

    if not (math.isfinite(days) and 0.0 < days <= 3700.0):
        raise InputError(f"{days:g} days", where="--days", advice="give a number above 0 and at most 3700")
    first = as_utc(start).reshape(-1)
    if first.size != 1:
        raise InputError(f"{start!r} is no single date", where="--from", advice="give one date")
    return first[0], first[0] + np.timedelta64(round(days * 86_400_000), "ms")


def _sight(profile: Path | None, where: Site) -> Sight:
    """What the horizon leaves of a disc: level, or from a file."""
    from moonpost.flight.landinglight import level_sight

    if profile is None:
        return level_sight
    from moonpost.terrain import HorizonProfile, illumination

    horizon = HorizonProfile.load(profile)
    apart = 1737.4 * _apart_rad(horizon.site, where)
    if apart > 1.0:
        raise InputError(
            f"is the horizon of a place {apart:.1f} km from the site",
            where=str(profile),
            advice="give the horizon of the site, from moonpost.terrain.horizon",
        )
    return lambda body: illumination(horizon, body)


def _apart_rad(one: Site, other: Site) -> float:
    """Angle between two places."""
    a, b = one.basis[2], other.basis[2]
    return 2.0 * math.asin(min(1.0, 0.5 * math.dist(a, b)))


def _relay(
    almanac: Almanac, text: str, first: Any, last: Any, ahead_days: float, degree: int
) -> Trajectory | None:
    """A relay on its way, from the first day to as long after the last as light and contact are followed."""
    if not text:
        return None
    import numpy as np

    from moonpost.flight.environment import Environment
    from moonpost.flight.propagate import propagate
    from moonpost.flight.relays import RelayOrbit

    form = "perilune km, apolune km, inclination, node, argument with commas between"
    try:
        near, far, inclined, node, argument = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{text!r} is no orbit", where="--relay", advice=f"give {form}") from None
    orbit = RelayOrbit("--relay", 1e3 * near, 1e3 * far, inclined, node, argument, plane="equator")
    stop = last + np.timedelta64(round((ahead_days + _MORE_DAYS) * 86_400_000), "ms")
    env = Environment.make(almanac, first, stop, degree=min(degree, _RELAY_DEGREE))
    (start,) = orbit.states(env, first, anomaly_deg=0.0)
    return propagate(start, stop, env)


def _add_relay(result: dict[str, Any], course: Trajectory | None) -> None:
    """How long the relay lasts, with a word if it comes down."""
    if course is None:
        return
    days = course.duration_s / 86400.0
    result["relay"] = {"flown_days": days, "ended": course.ended}
    if course.impact is not None:
        result["reasons"] = [
            *result["reasons"],
            f"the relay comes down after {days:.1f} d, on {str(course.final.utc)[:10]}: from then on only the "
            "Earth counts; give another node or inclination, or a shorter period",
        ]


def _heading(found: Opportunities, where: Site, inclination: float | None) -> float | None:
    """Direction of flight over the site, where it is known."""
    for window in found.windows:
        if math.isfinite(window.heading_deg):
            return window.heading_deg
    if inclination is None:
        return None
    share = math.cos(math.radians(inclination)) / max(1e-9, math.cos(math.radians(where.latitude_deg)))
    return math.degrees(math.asin(max(-1.0, min(1.0, share))))


def _result(
    found: Opportunities, where: Site, first: Any, days: float, passes: Passes | None, asked: LandingCriteria
) -> dict[str, Any]:
    """What the command prints as JSON, but for the descent."""
    result: dict[str, Any] = {
        "latitude_deg": where.latitude_deg,
        "longitude_deg": where.longitude_deg,
        "from": utc_text(first),
        "days": days,
        "criteria": vars(asked),
        "orbit": None,
    }
    if passes is not None:
        result["orbit"] = {
            "altitude_km": passes.altitude_m / 1e3,
            "inclination_deg": passes.inclination_deg,
            "node_deg": passes.node_deg,
            "passes": len(passes),
            "plane_crossings": [
                {"utc": utc_text(moment), "deg_a_day": rate} for moment, rate in passes.crossings()
            ],
        }
    return result | found.to_dict()


def _add_nodes(result: dict[str, Any], where: Site, first: Any, inclination: float, altitude_m: float) -> None:
    """Nodes on the first day whose planes hold the site at the best instants."""
    from moonpost.flight.passes import nodes_over

    rows = []
    for window in result["windows"]:
        try:
            nodes: list[float] | None = list(
                nodes_over(where, window["best"], first, inclination_deg=inclination, altitude_m=altitude_m)
            )
        except InputError:
            nodes = None
        rows.append({**window, "nodes_deg": nodes})
    result["windows"] = rows


def _descent(
    where: Site,
    heading: float | None,
    thrust_n: float,
    isp_s: float,
    mass_kg: float,
    throttle: float,
    perilune_km: float,
    altitude_km: float,
    hover_s: float,
    result: dict[str, Any],
) -> Descent | None:
    """The descent, or the reason why there is none."""
    from moonpost.errors import ModelError
    from moonpost.flight.descent import descend
    from moonpost.flight.passes import ground_speed
    from moonpost.flight.poweredpath import Vehicle
    from moonpost.flight.terminal import Terminal

    speed = 0.0 if heading is None else ground_speed(where, heading)
    try:
        found = descend(
            Vehicle(mass_kg, thrust_n, isp_s, throttle),
            perilune_altitude_m=1e3 * perilune_km,
            apolune_altitude_m=1e3 * altitude_km,
            site_height_m=where.height_m,
            ground_speed_m_s=speed,
            terminal=Terminal(hover_s=hover_s),
        )
    except ModelError as error:
        result["descent"], result["reasons"] = None, [*result["reasons"], str(error)]
        return None
    result["descent"] = found.to_dict()
    return found


def _clear(ground: Terrain, where: Site, fallen: Descent, heading: float | None, result: dict[str, Any]) -> None:
    """How high the descent passes above the terrain, where its direction is known."""
    import numpy as np

    from moonpost.flight.groundtrack import clearance, places_before

    if heading is None:
        return
    away = _TRACK_M * np.arange(int(fallen.range_m / _TRACK_M) + 2)
    latitude, longitude = places_before(where, heading, away)
    heights = np.full(away.shape, np.nan)
    for layer in ground.layers:
        lacking = np.isnan(heights)
        heights[lacking] = layer.sample(latitude[lacking], longitude[lacking])
    try:
        found = clearance(fallen, away, heights, where.height_m)
    except InputError as error:
        result["reasons"] = [*result["reasons"], str(error)]
        return
    result["clearance"] = vars(found)
    if found.least_m < 0.0:
        result["reasons"] = [
            *result["reasons"],
            f"the descent meets the ground {found.distance_m / 1e3:.0f} km before the site, where it would be "
            f"{-found.least_m:.0f} m below it; start from a higher perilune or come from another direction",
        ]


def _aimed(
    ground: Terrain,
    where: Site,
    area_km: float,
    fallen: Descent,
    heading: float,
    fix_height_m: float,
    divert_m: float,
    result: dict[str, Any],
) -> tuple[Any, ...]:
    """Where to aim on the hazards of a terrain."""
    import numpy as np

    from moonpost.flight.aiming import aim
    from moonpost.flight.dispersion import NavigationErrors, dispersion
    from moonpost.terrain import MapArea

    if not 0.0 < area_km <= 50.0:
        raise InputError(f"{area_km:g} km", where="--area-km", advice="give above 0 and at most 50")
    cell_m = ground.resolution_m(where.latitude_deg, where.longitude_deg)
    area = MapArea.about(where.latitude_deg, where.longitude_deg, 1e3 * area_km, cell_m=float(cell_m))
    hazard = _hazard(ground, area)
    spread = dispersion(fallen, NavigationErrors(fix_height_m=fix_height_m))
    on_map = heading + float(area.convergence_deg(where.latitude_deg, where.longitude_deg))
    found = aim(hazard, area.cell_m, spread.on_map(on_map), divert_m=divert_m)
    latitude, longitude = area.places()
    long, short = spread.ellipse_m(0.99)
    result["aim"] = {
        "latitude_deg": float(latitude[found.row, found.col]),
        "longitude_deg": float(longitude[found.row, found.col]),
        "chance": found.best,
        "chance_at_site": float(found.chance[tuple(n // 2 for n in found.chance.shape)]),
        "unknown": float(found.unknown[found.row, found.col]),
        "safe_share": float(np.nanmean(hazard == 0)),
        "ellipse_99_m": [long, short],
        "cell_m": area.cell_m,
    }
    return hazard, area.cell_m, found, spread, on_map


def _draw(
    plot: Path | None, found: Opportunities, fallen: Descent | None, target: tuple[Any, ...] | None
) -> list[str]:
    """Write the pictures that were asked for."""
    if plot is None:
        return []
    from moonpost.report.figures import landing as figures
    from moonpost.report.figures.style import save_figure

    files = [save_figure(figures.opportunity_calendar(found), plot)]
    if fallen is not None:
        name = plot.with_stem(f"{plot.stem}-descent")
        files.append(save_figure(figures.descent_profile(fallen), name))
    if target is not None:
        name = plot.with_stem(f"{plot.stem}-hazards")
        files.append(save_figure(figures.ellipse_on_hazards(*target), name))
    return [str(name) for name in files]


def _text(found: Opportunities, fallen: Descent | None, result: dict[str, Any]) -> str:
    """Windows, descent and reasons for people."""
    parts = [_windows(found, result)] if found.windows else ["no opportunity"]
    parts += [f"- {reason}" for reason in result["reasons"]]
    if fallen is not None:
        parts += ["", _phases(fallen)]
    if "aim" in result:
        best = result["aim"]
        long, short = best["ellipse_99_m"]
        parts += [
            "",
            f"aim at {best['latitude_deg']:.5f}, {best['longitude_deg']:.5f}: {100 * best['chance']:.1f} % safe "
            f"({100 * best['chance_at_site']:.1f} % at the site), ellipse of 99 %: {long:.0f} x {short:.0f} m",
        ]
    if "clearance" in result:
        over = result["clearance"]
        parts.append(
            f"least height above the ground while braking: {over['least_m']:.0f} m, "
            f"{over['distance_m'] / 1e3:.0f} km before the site (known to {over['known_m'] / 1e3:.0f} km)"
        )
    return "\n".join(parts + [f"wrote {name}" for name in result["files"]])


def _windows(found: Opportunities, result: dict[str, Any]) -> str:
    """Table of the windows."""
    planes = any(window.passes for window in found.windows)
    head = ["from (UTC)", "to", "best", "Sun (deg)", "lit (d)", "Earth (d)", "contact (d)"]
    if planes:
        head += ["passes", "plane (deg)", "plane (m/s)", "heading"]
    elif all(row["nodes_deg"] for row in result["windows"]):
        head += ["node north (deg)", "or south"]
    rows = []
    for window, told in zip(found.windows[:_SHOWN], result["windows"], strict=False):
        times = [str(utc_text(moment))[:16] for moment in (window.start, window.stop, window.best)]
        lasting = (window.lit_days, window.earth_days, window.contact_days)
        row: list[Any] = [
            *times,
            window.sun_elevation_deg,
            *(f">{found.ahead_days:g}" if time >= found.ahead_days else time for time in lasting),
        ]
        if planes:
            row += [window.passes, window.plane_change_deg, window.plane_change_m_s, window.heading_deg]
        elif told["nodes_deg"]:
            row += told["nodes_deg"]
        rows.append(row)
    left = len(found.windows) - len(rows)
    return table(head, rows) + (f"\n({left} more windows left out)" if left else "")


def _phases(fallen: Descent) -> str:
    """Table of the descent's phases."""
    rows: list[list[Any]] = [
        ["insertion", fallen.apolune_altitude_m / 1e3, None, fallen.insertion_m_s, None, None]
    ]
    rows += [
        [
            phase.name, phase.start_height_m / 1e3, phase.duration_s, phase.delta_v_m_s, phase.propellant_kg,
            100.0 * phase.most_throttle,
        ]
        for phase in fallen.phases
    ]  # fmt: skip
    rows.append(["sum", None, fallen.duration_s, fallen.total_delta_v_m_s, fallen.propellant_kg, None])
    head = ["descent", "from (km)", "time (s)", "delta-v (m/s)", "propellant (kg)", "throttle (%)"]
    return table(head, rows)


def _hazard(ground: Any, area: Any) -> Any:
    """Hazards of a map: 1, 0 and NaN, with heights beyond the edge so that the rim is known as well."""
    import numpy as np

    from moonpost.terrain import MapArea, landing_hazard
    from moonpost.terrain.rasters import height_map

    rows, cols = area.shape
    x = area.x_m[0] + area.cell_m * np.arange(-_RIM, cols + _RIM)
    y = area.y_m[0] - area.cell_m * np.arange(-_RIM, rows + _RIM)
    wide = landing_hazard(height_map(ground, MapArea(area.wkt, x, y, area.cell_m)))
    return np.asarray(wide["hazard"].values[_RIM:-_RIM, _RIM:-_RIM], dtype=np.float64)
