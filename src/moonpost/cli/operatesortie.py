"""``moonpost operate sortie``: whether a machine can go into permanent shadow and come back charged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.operations.sortie import Sortie
    from moonpost.operations.sortiemachines import SortieMachine
    from moonpost.operations.ways import Way
    from moonpost.plan import Plan
    from moonpost.plan.elements import Element
    from moonpost.sky import Site
    from moonpost.terrain import Terrain

__all__ = ["register"]

_TAIL_D = 5.0


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost operate``."""
    app.command("sortie")(sortie)


def sortie(
    plan: str = typer.Argument("ilrs", help="A bundled plan or the path of a TOML file."),
    element: str = typer.Option("ce7-hopper", help="The machine, by its id in the plan."),
    to: str = typer.Option(..., "--to", help="Goal in shadow, LAT,LON in degrees: --to=-89.67,129.8."),
    site: str = typer.Option("", "--site", help="Start, LAT,LON; the station of the plan if not given."),
    start: str = typer.Option("2030-01-01", "--from", help="First day, UTC."),
    days: float = typer.Option(30.0, help="Length of the period [d]."),
    depart: str = typer.Option("", help="One start only, UTC; all of the period if not given."),
    stay: float = typer.Option(6.0, help="Time at the goal [h]."),
    by: str = typer.Option("", help="hop or drive; by the kind of machine if not given."),
    mass: float | None = typer.Option(None, help="Mass at the start, propellant included [kg]; that of the plan."),
    propellant: float | None = typer.Option(None, help="Propellant on board [kg]; its tank in the plan."),
    reserve_kg: float = typer.Option(0.0, "--reserve", help="Propellant that must be left [kg]."),
    impulse: float = typer.Option(225.0, help="Specific impulse [s]."),
    losses: float = typer.Option(1.2, help="Velocity over that of the impulses of ballistic hops [1]."),
    hop_km: float = typer.Option(10.0, help="Longest single hop [km]."),
    rover: str = typer.Option("ilrs", help="Who drives: ilrs, yutu-2, viper, or a TOML file."),
    work: float | None = typer.Option(None, help="Drawn at the goal, all in all [W]; from the plan."),
    flight: float = typer.Option(100.0, help="Drawn in flight besides what it draws when awake [W]."),
    least: float = typer.Option(0.1, help="Part of the usable energy that must stay in the store [1]."),
    recharge: float = typer.Option(336.0, help="It must be charged again within this time [h]."),
    contact: bool = typer.Option(False, "--contact", help="Both ways need the Earth in sight of the start."),
    contacts: str = typer.Option("", help="CSV of windows of contact, start,stop in UTC, instead of the Earth."),
    shadow_k: float | None = typer.Option(None, help="Ground at the goal [K]; computed if not given."),
    reach: float = typer.Option(2.0, help="Terrain within this distance lights and warms the goal [km]."),
    terrain: str = typer.Option("", help="Terrain files, finest first, with commas between; or built in."),
    plot: str = typer.Option("", help="Draw the trip and the starts: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell whether a machine can go into permanent shadow and come back charged, and when it must start.

    Example: moonpost operate sortie ilrs --to=-89.455,221.35 --mass 120 --propellant 30 --shadow-k 60
    """
    import numpy as np

    from moonpost.operations.sortie import sortie as answer
    from moonpost.operations.sortiesite import sortie_sky
    from moonpost.plan import load_plan
    from moonpost.sky import Almanac, as_utc

    loaded = load_plan(plan)
    item = _element(loaded, element)
    ground, home, away = _places(loaded, terrain, site, to)
    way = by or ("drive" if item.kind == "rover" else "hop")
    engine = {"propellant": propellant, "reserve": reserve_kg, "impulse": impulse, "losses": losses, "km": hop_km}
    machine = _machine(loaded, item, way, mass, work, engine)
    ways = _ways(machine, way, ground, (home, away), flight, rover)
    if ways[0].by == "hop":
        machine.check_propellant(ways[0].propellant_kg)
    first = as_utc(start).reshape(-1)[0]
    _check_days(days, stay, recharge)
    sky = sortie_sky(
        item,
        loaded.design,
        ground,
        home,
        away,
        Almanac.default(),
        first,
        days + _TAIL_D + min(recharge, 480.0) / 24.0 + stay / 24.0,
        shadow_k=shadow_k,
        reach_m=1e3 * reach,
        contacts=_windows(contacts) if contacts else None,
    )
    found = answer(
        machine,
        sky,
        *ways,
        stay,
        depart=as_utc(depart) if depart else None,
        last_start=first + np.timedelta64(round(days * 86400e3), "ms"),
        reserve=least,
        recharge_h=recharge,
        contact=contact or bool(contacts),
    )
    result = {**found.to_dict(), "distance_m": round(ways[0].distance_m, 1)}
    result["start_height_m"], result["goal_height_m"] = (
        round(float(np.ravel(s.height_m)[0]), 1) for s in (home, away)
    )
    if plot:
        from moonpost.report.figures.sortie import sortie_figure
        from moonpost.report.figures.style import save_figure

        result["plot"] = str(save_figure(sortie_figure(found), plot))
    emit(result, as_json, lambda: _text(found))


def _check_days(days: float, stay: float, recharge: float) -> None:
    """Refuse lengths of time that are of no use."""
    for option, value, most in (
        ("--days", days, 3650.0),
        ("--stay", stay, 8760.0),
        ("--recharge", recharge, 8760.0),
    ):
        if not 0.0 <= value <= most or (option == "--days" and value < 0.05):
            raise InputError(f"{value:g}", where=option, advice=f"give a number up to {most:g}")


def _element(plan: Plan, name: str) -> Element:
    """The machine."""
    from moonpost.errors import UnknownNameError

    for item in plan.elements:
        if item.id == name:
            return item
    raise UnknownNameError(name, [item.id for item in plan.elements], kind="element", where="--element")


def _places(plan: Plan, terrain: str, site: str, to: str) -> tuple[Terrain, Site, Site]:
    """Terrain, start and goal."""
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.plan import SurfaceStation
    from moonpost.terrain import terrain_from_files

    goal = latitude_longitude(to, "--to")
    if site:
        begin = latitude_longitude(site)
    elif isinstance(plan.station, SurfaceStation):
        first = plan.station_sites()[0]
        begin = first.latitude_deg, first.longitude_deg
    else:
        raise InputError("the plan's station is in orbit", where="--site", advice="give the start as LAT,LON")
    ground = terrain_from_files(terrain_files(terrain), begin[0])
    return ground, ground.site(*begin), ground.site(*goal)


def _machine(
    plan: Plan, item: Element, way: str, mass: float | None, work: float | None, numbers: dict[str, float | None]
) -> SortieMachine:
    """The machine with its engine."""
    from moonpost.operations.sortiemachines import SortieMachine
    from moonpost.operations.ways import HopEngine

    if way not in ("hop", "drive"):
        raise InputError(f"{way!r}", where="--by", advice="give hop or drive")
    engine = None
    if way == "hop":
        held = numbers["propellant"]
        if held is None and item.tanks:
            held = item.tanks[0].initial_kg
        if held is None:
            raise InputError(
                "is not in the plan", where="--propellant", advice="give it, and the mass with --mass"
            )
        engine = HopEngine(
            held,
            specific_impulse_s=cast(float, numbers["impulse"]),
            losses=cast(float, numbers["losses"]),
            reserve_kg=cast(float, numbers["reserve"]),
            hop_m=1e3 * cast(float, numbers["km"]),
        )
    return SortieMachine.of_element(
        item,
        activities=plan.activities,
        engine=engine,
        mass_kg=mass,
        work_w=work,
        bus_efficiency=plan.design.bus_efficiency,
    )


def _ways(
    machine: SortieMachine, way: str, terrain: Terrain, ends: tuple[Site, Site], flight_w: float, rover: str
) -> tuple[Way, Way]:
    """The way out and the way back."""
    from dataclasses import replace

    from moonpost.operations.ways import arc_m, drive_path, ground_along, hop_way
    from moonpost.terrain.traverserover import rover_named

    home, away = ends
    distance = arc_m(home, away)
    if way == "drive":
        driver = replace(rover_named(rover), mass_kg=machine.mass_kg)
        return drive_path(terrain, home, away, driver), drive_path(terrain, away, home, driver)
    engine, heights = machine.engine, (float(home.height_m), float(away.height_m))
    assert engine is not None
    ahead, behind = ground_along(terrain, home, away), ground_along(terrain, away, home)
    out = hop_way(
        engine, machine.mass_kg, distance, start_height_m=heights[0], stop_height_m=heights[1], ground_m=ahead,
        flight_w=flight_w,
    )  # fmt: skip
    back = hop_way(
        engine, machine.mass_kg - out.propellant_kg, distance, start_height_m=heights[1], stop_height_m=heights[0],
        ground_m=behind, flight_w=flight_w,
    )  # fmt: skip
    return out, back


def _windows(path: str) -> Any:
    """Windows of contact from a file."""
    import csv

    import numpy as np

    from moonpost.errors import DataError
    from moonpost.sky import as_utc

    try:
        lines = [row for row in csv.reader(Path(path).read_text(encoding="utf-8").splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read ({error})", where=path, advice="give a CSV of start,stop") from error
    rows = [row for row in lines if not row[0].lower().startswith("start")]
    if not rows or any(len(row) < 2 for row in rows):
        raise DataError("no rows of start,stop", where=path, advice="give two dates on each line")
    return np.array([[as_utc(row[0]).ravel()[0], as_utc(row[1]).ravel()[0]] for row in rows])


def _text(found: Sortie) -> str:
    """The answer for people."""
    trip, out = found.trip, found.out
    known = found.to_dict()
    lines = [
        found.verdict,
        f"{found.machine.name}: {out.distance_m / 1e3:.2f} km by "
        + (f"{out.hops} hop{'s' if out.hops > 1 else ''}" if out.by == "hop" else "driving")
        + f", {out.duration_s / 60.0:.0f} min out and {found.back.duration_s / 60.0:.0f} min back, "
        f"{found.stay_s / 3600.0:g} h there"
        + (f", {out.propellant_kg + found.back.propellant_kg:.1f} kg of propellant" if out.by == "hop" else ""),
        f"told: start {trip['depart_utc']}, back {trip['back_utc']}, charged {trip['charged_utc'] or 'never'}",
        "",
        table(
            ["criterion", "kept", "margin", "unit", ""],
            [[row.name, row.kept, row.margin, row.unit, row.text] for row in found.criteria],
        ),
        "",
    ]
    if found.windows:
        head = ["start from (UTC)", "latest start (UTC)", "longest stay (h)"]
        keys = ["start_utc", "latest_start_utc", "longest_stay_h"]
        lines += [table(head, [[row[key] for key in keys] for row in found.windows])]
    elif len(found.starts) > 1:
        lines += ["no start in this period is feasible"]
    if known["longest_stay_h"] is not None:
        bound = " (the longest tried)" if known["longest_stay_is_bound"] else ""
        lines += [f"longest stay in the period: {known['longest_stay_h']:.1f} h{bound}"]
    return "\n".join([*lines, *(f"- {note}" for note in found.notes)])
