"""``moonpost flight contacts``: when satellites round the Moon see a site, the Earth or ground stations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.cli.places import almanac_of
from moonpost.errors import DataError, InputError, UnknownNameError

if TYPE_CHECKING:
    from moonpost.flight.coverage import Contacts, SiteView, StationView, View
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import RelayOrbit
    from moonpost.flight.state import State

__all__ = ["register"]

_DAY_S = 86400.0
_SHOWN = 30
_WIDTH_IN = 9.0
_TRIED_DAYS = 60.0


def register(app: typer.Typer) -> None:
    """Add the verb to the flight verbs."""
    app.command("contacts")(contacts)


def contacts(
    site: str = typer.Option("", help="LAT,LON of a lunar site in degrees: --site=-89.5,222.7."),
    height_m: float = typer.Option(0.0, help="Height of the site above 1737.4 km [m]."),
    profile: Path = typer.Option(
        None, help="Horizon of the site: JSON of 'site point --profile --json' or a saved profile."
    ),
    mask_deg: float = typer.Option(0.0, help="Least elevation of a satellite at the site [deg]."),
    earth: bool = typer.Option(False, "--earth", help="The Earth must be in sight of the satellite too."),
    station: str = typer.Option(
        "", help="Ground stations of the plan, commas between; any of them must have the satellite over its mask."
    ),
    plan: str = typer.Option("ilrs", help="Plan whose ground stations are meant."),
    orbit: str = typer.Option("", help="Published relay orbit: queqiao-2 or ely-2005."),
    state: str = typer.Option(
        "", help="X,Y,Z,VX,VY,VZ in km and km/s, J2000 axes, from the Moon's centre: --state=-1838,0,..."
    ),
    altitude_km: float = typer.Option(
        None, help="Instead: altitude above 1737.4 km, of perilune if there is an apolune [km]."
    ),
    inclination: float = typer.Option(None, help="Inclination [deg]; 90 with an altitude, else the published."),
    apolune_km: float = typer.Option(
        None, help="With an altitude: altitude of apolune [km]; a circle if not given."
    ),
    node: float = typer.Option(None, help="Longitude of the ascending node [deg]."),
    argument: float = typer.Option(
        None, help="Argument of perilune, 0 if not published [deg]; 90 puts apolune over the south."
    ),
    plane: str = typer.Option("", help="Plane of inclination and node: equator, or orbit for that of the Moon."),
    satellites: int = typer.Option(1, help="Satellites in all, which follow one another at equal times."),
    planes: int = typer.Option(1, help="Planes over which they are spread, with nodes at equal angles."),
    phasing: float = typer.Option(0.0, help="Walker's phasing between neighbouring planes."),
    at_least: int = typer.Option(1, help="How many of them must be in contact at once."),
    start: str = typer.Option("2030-01-01", "--from", help="Start, UTC."),
    days: float = typer.Option(30.0, help="How long to look [d]."),
    degree: int = typer.Option(50, help="Degree and order of the Moon's field, 0 to 165."),
    kernels: str = typer.Option("", help="SPICE kernels instead of DE440s, files with commas between."),
    plot: Path = typer.Option(None, help="Picture of contacts and gaps, .png."),
    as_json: bool = JSON,
) -> None:
    """List contacts of lunar satellites with a site, the Earth or ground stations, and the gaps between.

    With a site and --earth or --station a contact is one of a relay: both ends in sight at once. Times are those
    at the satellite. An orbit by its altitude starts at perilune, a published one at apolune; if its
    node is not published, the one that lasts longest from this date is taken.

    Example: moonpost flight contacts --site=-89.5,222.7 --orbit ely-2005 --satellites 3 --earth --days 10
    """
    from moonpost.flight.constellations import constellation
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import lasting_node

    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice="name it .png")
    _check(orbit, state, altitude_km, days)
    _check_count(satellites, planes, phasing, at_least)
    views = _site_view(site, height_m, profile, mask_deg), _station_views(station, plan)
    if views[0] is None and not earth and not views[1]:
        raise InputError("nothing to see", where="flight contacts", advice="give --site, --earth or --station")
    almanac = almanac_of(kernels)
    begin = float(Environment.make(almanac, start, start, degree=0).span_tdb_s[0])
    env = Environment.make(almanac, begin, begin + days * _DAY_S, degree=degree)
    if state:
        states, told = _given(state, begin, satellites), {"state": state}
    else:
        chosen = _orbit(orbit, (altitude_km, apolune_km), (inclination, node, argument), plane)
        if orbit and node is None and not chosen.node_published:
            longer = max(days, _TRIED_DAYS) * _DAY_S
            chosen = lasting_node(chosen, Environment.make(almanac, begin, begin + longer, degree=min(degree, 20)))
        first = 180.0 if orbit else 0.0
        states = constellation(chosen, env, begin, satellites, planes=planes, phasing=phasing, anomaly_deg=first)
        told = _told(chosen) | {"planes": planes}
    parts = _seen(states, begin + days * _DAY_S, env, views[0], earth, views[1])
    _emit(parts, at_least, told | {"days": days, "degree": degree}, plot, as_json)


def _check(orbit: str, state: str, altitude_km: float | None, days: float) -> None:
    """Refuse none or several of the ways to give an orbit."""
    if sum((bool(orbit), bool(state), altitude_km is not None)) != 1:
        raise InputError(
            "give an orbit in one way",
            where="flight contacts",
            advice="for example --altitude-km 100, --orbit queqiao-2 or --state=X,Y,Z,VX,VY,VZ",
        )
    if not (math.isfinite(days) and 0.0 < days <= 3660.0):
        raise InputError(f"{days} is no duration", where="--days", advice="give days above 0, at most 3660")


def _check_count(satellites: int, planes: int, phasing: float, at_least: int) -> None:
    """Refuse numbers of satellites that make no sense."""
    if not 1 <= satellites <= 100:
        raise InputError(f"{satellites} satellites", where="--satellites", advice="give 1 to 100")
    if not 1 <= planes <= satellites or satellites % planes:
        raise InputError(f"{satellites} in {planes} planes", where="--planes", advice="give as many in each plane")
    if not math.isfinite(phasing):
        raise InputError(f"{phasing}", where="--phasing", advice="give a number")
    if not 1 <= at_least <= satellites:
        raise InputError(f"{at_least} of {satellites}", where="--at-least", advice=f"give 1 to {satellites}")


def _site_view(site: str, height_m: float, profile: Path | None, mask_deg: float) -> SiteView | None:
    """The site with its horizon, if there is one."""
    from moonpost.cli.places import latitude_longitude
    from moonpost.flight.coverage import SiteView
    from moonpost.sky import Site

    if profile is not None:
        place, azimuth_deg, elevation_deg = _profile(profile)
        if site and not _near(latitude_longitude(site), place):
            raise InputError(
                f"the profile is for {place.latitude_deg:.4f},{place.longitude_deg:.4f}",
                where="--site",
                advice="leave the site out, or give that of the profile",
            )
        return SiteView(place, mask_deg, azimuth_deg, elevation_deg)
    return SiteView(Site(*latitude_longitude(site), height_m), mask_deg) if site else None


def _near(wanted: tuple[float, float], place: Any) -> bool:
    """Whether two places are within 0.01 deg (300 m) of each other."""
    east = abs((wanted[1] - place.longitude_deg + 180.0) % 360.0 - 180.0)
    return abs(wanted[0] - place.latitude_deg) < 0.01 and east * math.cos(math.radians(wanted[0])) < 0.01


def _profile(path: Path) -> tuple[Any, Any, Any]:
    """Place of the eye, azimuths and elevations from a file."""
    import json

    import numpy as np

    from moonpost.sky import Site

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        elevation = np.asarray(data["elevation_deg"], dtype=np.float64)
        azimuth = np.asarray(data.get("azimuth_deg", np.arange(elevation.size) * 360.0 / elevation.size))
        eye = float(data["height_m"]) + float(data.get("mast_m", 0.0))
        place = Site(float(data["latitude_deg"]), float(data["longitude_deg"]), eye)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read", where=str(path), advice="name a JSON file") from error
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise DataError(
            "holds no horizon", where=str(path), advice="make it with: moonpost site point ... --profile --json"
        ) from error
    return place, azimuth, elevation


def _station_views(names: str, plan: str) -> list[StationView]:
    """Ground stations of a plan by their names."""
    if not names.strip():
        return []
    from moonpost.flight.coverage import StationView
    from moonpost.plan import load_plan

    known = {item.id: item for item in load_plan(plan).ground_stations}
    known |= {item.name: item for item in known.values()}
    found = []
    for name in (part.strip() for part in names.split(",")):
        item = next((row for key, row in known.items() if key.lower() == name.lower()), None)
        if item is None:
            raise UnknownNameError(name, list(known), kind="ground station", where="--station")
        found.append(StationView(item, item.mask_deg))
    return found


def _given(text: str, begin: float, satellites: int) -> list[State]:
    """The one satellite whose state is given."""
    from moonpost.flight.state import State

    if satellites != 1:
        raise InputError(
            "a state is that of one satellite", where="--satellites", advice="give an altitude instead"
        )
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{text!r} is not made of numbers", where="--state", advice="give six, in km") from error
    if len(numbers) != 6:
        raise InputError(f"{len(numbers)} numbers", where="--state", advice="give X,Y,Z,VX,VY,VZ in km and km/s")
    return [State.from_km(begin, numbers[:3], numbers[3:])]


def _orbit(
    name: str,
    altitudes_km: tuple[float | None, float | None],
    angles: tuple[float | None, float | None, float | None],
    plane: str,
) -> RelayOrbit:
    """The orbit by name or by numbers."""
    from moonpost.flight.relays import RelayOrbit, relay_orbit

    inclination, node, argument = angles
    if plane not in ("", "equator", "orbit"):
        raise UnknownNameError(plane, ("equator", "orbit"), kind="plane", where="--plane")
    changes: dict[str, Any] = {"inclination_deg": inclination, "node_deg": node, "argument_deg": argument}
    changes = {key: value for key, value in changes.items() if value is not None}
    if plane:
        changes["plane"] = plane
    if not name:
        low, high = altitudes_km
        assert low is not None
        base = RelayOrbit(
            "", 1e3 * low, 1e3 * (low if high is None else high), 90.0, argument_deg=0.0, plane="equator"
        )
        return base.changed(**changes)
    return relay_orbit(name).changed(**changes)


def _told(orbit: RelayOrbit) -> dict[str, Any]:
    """The orbit for the result."""
    return {
        "orbit": orbit.name or None,
        "perilune_km": orbit.perilune_altitude_m / 1e3,
        "apolune_km": orbit.apolune_altitude_m / 1e3,
        "inclination_deg": orbit.inclination_deg,
        "node_deg": orbit.node_deg,
        "argument_deg": orbit.argument_deg,
        "plane": orbit.plane,
        "period_h": orbit.period_s / 3600.0,
    }


def _seen(
    states: list[State],
    stop_tdb_s: float,
    env: Environment,
    site: SiteView | None,
    earth: bool,
    stations: list[StationView],
) -> list[Contacts]:
    """Contacts of each satellite with all that is wanted at once."""
    from moonpost.flight.coverage import EarthView, contacts_in_legs, intersection, union
    from moonpost.flight.parallel import in_threads

    ends: list[View] = [site] if site is not None else []
    if earth:
        ends.append(EarthView())

    def one(state: State) -> Contacts:
        found = contacts_in_legs(state, stop_tdb_s, env, [*ends, *stations])
        over = [union(found[len(ends) :])] if stations else []
        return intersection(found[: len(ends)] + over)

    return in_threads(one, states, 8)


def _emit(parts: list[Contacts], count: int, told: dict[str, Any], plot: Path | None, as_json: bool) -> None:
    """Print what was found, and draw it."""
    from moonpost.flight.coverage import at_least

    whole = at_least(parts, count)
    result = told | {
        "satellites": len(parts),
        "at_least": count,
        **whole.summary(),
        "contact_list": _rows(whole),
        "gap_list": _rows(whole.gaps()),
    }
    if len(parts) > 1:
        result["each"] = [part.summary() for part in parts]
    if plot is not None:
        result["plot"] = str(_draw(parts, whole, count, plot))
    emit(result, as_json, lambda: _text(result))


def _rows(part: Contacts) -> list[dict[str, Any]]:
    """Intervals as rows."""
    return [
        {"start_utc": f"{start}Z", "stop_utc": f"{stop}Z", "duration_s": round(float(length), 3)}
        for start, stop, length in zip(part.start_utc, part.stop_utc, part.duration_s, strict=True)
    ]


def _draw(parts: list[Contacts], whole: Contacts, count: int, path: Path) -> Path:
    """Write the picture."""
    from moonpost.files import atomic_path
    from moonpost.report.figures.coverage import contacts_figure

    rows = {f"satellite {k + 1}": part for k, part in enumerate(parts)}
    if len(parts) > 1:
        rows[f"{count} at once"] = whole
    figure = contacts_figure(rows, _WIDTH_IN)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return path


def _text(result: dict[str, Any]) -> str:
    """The result for people."""
    rows = result["contact_list"]
    lines = []
    if "period_h" in result:
        lines.append(
            f"orbit {result['perilune_km']:.1f} x {result['apolune_km']:.1f} km, inclination "
            f"{result['inclination_deg']:.2f} deg and node {result['node_deg']:.1f} deg to the {result['plane']}, "
            f"period {result['period_h']:.2f} h"
        )
    many = f", {result['at_least']} of {result['satellites']} satellites" if result["satellites"] > 1 else ""
    lines += [
        f"in contact {100.0 * result['share']:.2f} % of {result['days']:g} d{many}",
        f"{result['contacts']} contacts, mean {result['mean_contact_s'] / 60.0:.1f} min, longest "
        f"{result['longest_contact_s'] / 60.0:.1f} min",
        f"{result['gaps']} gaps, median {result['median_gap_s'] / 3600.0:.2f} h, longest "
        f"{result['longest_gap_s'] / 3600.0:.2f} h, mean wait {result['mean_wait_s'] / 60.0:.1f} min",
        "",
        table(
            ["contact from (UTC)", "to (UTC)", "minutes"],
            [[row["start_utc"], row["stop_utc"], row["duration_s"] / 60.0] for row in rows[:_SHOWN]],
        )
        if rows
        else "no contact",
    ]
    if len(rows) > _SHOWN:
        lines.append(f"... {len(rows) - _SHOWN} more (--json lists all)")
    if "plot" in result:
        lines.append(f"wrote {result['plot']}")
    return "\n".join(lines)
