"""``moonpost flight orbit``: where a spacecraft is after some days in the full field of the Moon."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import typer

from moonpost.cli.flightfiles import Files, compared, given_course, in_frame, written
from moonpost.cli.output import JSON, emit
from moonpost.cli.places import almanac_of
from moonpost.errors import InputError, ModelError

if TYPE_CHECKING:
    from moonpost.flight.courses import Course
    from moonpost.flight.environment import Environment
    from moonpost.flight.state import Scale, State
    from moonpost.flight.trajectory import Trajectory

__all__ = ["register"]

_DAY_S = 86400.0
_MOST_FILE_DAYS = 3660.0
_START = "2030-01-01T00:00:00"


def register(app: typer.Typer) -> None:
    """Add the verb to the flight verbs."""
    app.command("orbit")(orbit)


def orbit(
    state: str = typer.Option(
        "", help="X,Y,Z,VX,VY,VZ in km and km/s, J2000 axes, from the Moon's centre: --state=-1838,0,..."
    ),
    altitude_km: float = typer.Option(
        None, help="Instead of a state: altitude above 1737.4 km, of perilune if there is an apolune [km]."
    ),
    inclination: float = typer.Option(90.0, help="With an altitude: inclination to the lunar equator [deg]."),
    apolune_km: float = typer.Option(
        None, help="With an altitude: altitude of apolune [km]; a circle if not given."
    ),
    node: float = typer.Option(0.0, help="With an altitude: longitude of the ascending node [deg]."),
    argument: float = typer.Option(0.0, help="With an altitude: argument of perilune [deg]."),
    from_oem: str = typer.Option(
        "", help="OEM file: its state at the start, or, beside a state, what to compare the flight with."
    ),
    from_spk: str = typer.Option("", help="The same from an SPK file of a mission; name its body with --body."),
    start: str = typer.Option(
        "", help=f"Date of the state; if not given {_START}, or where the file begins (backwards: ends)."
    ),
    scale: str = typer.Option("UTC", help="Time scale of the date: UTC or TDB."),
    days: float = typer.Option(30.0, help="How long to fly, negative for back in time [d]."),
    degree: int = typer.Option(50, help="Degree and order of the Moon's field, 0 to 165."),
    bodies: str = typer.Option("sun,earth", help="Bodies that pull beside the Moon; 'none' for none."),
    rotate_field: bool = typer.Option(
        True, help="Turn the field from its own principal axes (DE430) to those of the kernel."
    ),
    gm: str = typer.Option(
        "", help="Other gravitational parameters, as moon=4902.8,earth=398600.44,sun=... [km3/s2]."
    ),
    tides: bool = typer.Option(False, "--tides", help="Add the solid tide of the Moon."),
    sunlight: str = typer.Option(
        "", help="Add the pressure of sunlight: area [m2], mass [kg], coefficient, as 10,1000,1.3."
    ),
    rtol: float = typer.Option(1e-13, help="Error allowed in a step, relative."),
    events: bool = typer.Option(False, "--events", help="List apsides, nodes and shadows on the way."),
    frame: str = typer.Option(
        "J2000", help="Further axes of the end, and those of the CSV: J2000, MOON_ME, MOON_PA, SYNODIC."
    ),
    spk: str = typer.Option("", help="Write the flight as an SPK file."),
    spk_type: int = typer.Option(13, help="Its type: 13 (SPICE), 3 (skyfield and jplephem too)."),
    body: int = typer.Option(None, help="NAIF identifier: to read from an SPK, to write (-301001 if not given)."),
    oem: str = typer.Option("", help="Write the flight as an orbit ephemeris message (CCSDS OEM 2.0)."),
    oem_scale: str = typer.Option("TDB", help="Time scale of its dates: TDB or UTC."),
    czml: str = typer.Option("", help="Write the flight for CesiumJS, in the axes of the Moon's globe."),
    site: str = typer.Option("", help="With --czml: a site to show, LAT,LON[,HEIGHT_M]."),
    gmat: str = typer.Option("", help="Write a script for GMAT, and its gravity field beside it (.cof)."),
    csv: str = typer.Option("", help="Write states as a table."),
    plot: str = typer.Option("", help="Draw the ground track and the altitude: .png, .svg or .pdf."),
    step_s: float = typer.Option(60.0, help="Interval of the table, the picture and the comparison [s]."),
    name: str = typer.Option("spacecraft", help="Name of the spacecraft in the files."),
    kernels: str = typer.Option("", help="SPICE kernels instead of DE440s, files with commas between."),
    as_json: bool = JSON,
) -> None:
    """Fly a lunar orbit through GRGM1200A with Sun and Earth, and say where it ends.

    Position and velocity are in J2000 axes from the Moon's centre. An impact ends the flight.

    Example: moonpost flight orbit --altitude-km 100 --inclination 90 --days 30
    """
    from moonpost.flight.environment import Environment
    from moonpost.flight.sunlight import Sunlight

    _check_choice(state, altitude_km, days, bool(from_oem or from_spk))
    files = Files(spk, spk_type, oem, oem_scale, czml, gmat, csv, plot, step_s, frame, body, name, site)
    files.check()
    _check_files(files, days)
    almanac = almanac_of(kernels)
    given = given_course(from_oem, from_spk, body, almanac)
    begin = _begin(start, scale, given, days)
    env = Environment.make(
        almanac,
        begin,
        begin + days * _DAY_S,
        degree=degree,
        bodies=() if bodies.strip().lower() == "none" else [part.strip() for part in bodies.lower().split(",")],
        rotate_field=rotate_field,
        gm_m3_s2=_strengths(gm),
        tides=tides,
        sunlight=Sunlight(*_numbers(sunlight, "--sunlight", (2, 3), "area, mass, coefficient"))
        if sunlight
        else None,
    )
    if given and not state and altitude_km is None:
        first = given[1].state(begin)
    else:
        first = _first(env, begin, state, (altitude_km, inclination, apolune_km, node, argument))
    flown = _flown(first, begin + days * _DAY_S, env, rtol, events, files.any or given is not None)
    found = _result(flown, env, events)
    if given:
        found["compared"] = compared(flown, given, step_s)
    if frame.upper() != "J2000":
        found |= _turned(flown, frame.upper())
    if files.any:
        found["files"] = written(flown, files)
    emit(found, as_json, lambda: _text(flown, events, found))


def _check_choice(state: str, altitude_km: float | None, days: float, file: bool) -> None:
    """Refuse both or neither of the ways to give a state; a file may stand beside a state."""
    given = bool(state) + (altitude_km is not None)
    if given > 1 or not (given or file):
        raise InputError(
            "give a state or an altitude, and not both",
            where="flight orbit",
            advice="for example --altitude-km 100 --inclination 90, or --state=X,Y,Z,VX,VY,VZ",
        )
    if not math.isfinite(days):
        raise InputError(f"{days} is no duration", where="--days", advice="give days")


def _check_files(files: Files, days: float) -> None:
    """Refuse a site that nothing shows, and files of flights so long that they would not fit into memory."""
    if files.site and not files.czml:
        raise InputError("only --czml shows a site", where="--site", advice="give --czml FILE too")
    if files.any and abs(days) > _MOST_FILE_DAYS:
        raise InputError(
            f"states in between for {abs(days):g} days are too many to keep",
            where="--days",
            advice=f"write files of {_MOST_FILE_DAYS:g} days at most",
        )


def _begin(start: str, scale: str, given: tuple[str, Course] | None, days: float) -> float:
    """TDB seconds of the start: the date, or the end of the file from which the flight goes on."""
    if given and not start:
        return given[1].span_tdb_s[0 if days >= 0.0 else 1]
    return _seconds(start or _START, scale)


def _turned(flown: Trajectory, frame: str) -> dict[str, Any]:
    """The end of a flight in other axes."""
    import numpy as np

    final = flown.final
    state = 1e-3 * in_frame(final.vector[None], np.array([final.time_tdb_s]), flown, frame)[0]
    return {
        "frame": frame,
        "frame_position_km": state[:3].tolist(),
        "frame_velocity_km_s": state[3:].tolist(),
    }


def _seconds(start: str, scale: str) -> float:
    """TDB seconds of the start."""
    from moonpost.flight.state import tdb_seconds

    name = scale.upper()
    if name not in ("UTC", "TDB"):
        raise InputError(f"{scale!r} is no time scale", where="--scale", advice="give UTC or TDB")
    return float(tdb_seconds(start, cast("Scale", name)).ravel()[0])


def _first(env: Environment, begin: float, state: str, elements: tuple[Any, ...]) -> State:
    """The state at the start, from its numbers or from an orbit."""
    from moonpost.flight.state import State

    if state:
        numbers = _numbers(state, "--state", (6,), "X,Y,Z,VX,VY,VZ in km and km/s")
        return State.from_km(begin, numbers[:3], numbers[3:])
    altitude_km, inclination, apolune_km, node, argument = elements
    return State.circling(
        env,
        begin,
        1e3 * altitude_km,
        inclination,
        apolune_altitude_m=None if apolune_km is None else 1e3 * apolune_km,
        node_deg=node,
        argument_deg=argument,
    )


def _flown(
    first: State, stop: float, env: Environment, rtol: float, events: bool, dense: bool = False
) -> Trajectory:
    """The flight, with states in between if they are wanted; one that breaks off is an error."""
    from moonpost.flight.events import apsides, eclipses, nodes
    from moonpost.flight.propagate import propagate

    if events or dense:
        wanted = [apsides(), nodes(), eclipses("moon"), eclipses("earth")] if events else []
        flown = propagate(first, stop, env, rtol=rtol, events=wanted, dense=dense)
    else:
        flown = propagate(first, stop, env, rtol=rtol, dense=False, method="rkn1210")
    if flown.failed:
        raise ModelError(
            f"the flight broke off at {flown.final!r}: {flown.ended}",
            where="flight orbit",
            advice="start from another state, or loosen --rtol",
        )
    return flown


def _strengths(text: str) -> dict[str, float]:
    """Gravitational parameters in m3/s2 from ``BODY=KM3_S2,...``."""
    found = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        strength = _numbers(number, "--gm", (1,), "BODY=NUMBER,...")[0]
        if not strength > 0.0:
            raise InputError(f"{part!r} does not pull", where="--gm", advice="leave bodies out with --bodies")
        found[name.strip().lower()] = 1e9 * strength
    return found


def _numbers(text: str, where: str, counts: tuple[int, ...], form: str) -> list[float]:
    """Numbers with commas between."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{text!r} is not made of numbers", where=where, advice=f"give {form}") from error
    if len(numbers) not in counts:
        raise InputError(f"{text!r} holds {len(numbers)} numbers", where=where, advice=f"give {form}")
    if not all(math.isfinite(number) for number in numbers):
        raise InputError(f"{text!r} is not finite", where=where, advice=f"give {form}")
    return numbers


def _result(flown: Trajectory, env: Environment, events: bool) -> dict[str, Any]:
    """What the command prints as JSON."""
    final = flown.final
    near, far = (1e-3 * distance for distance in final.apsides_m(env.gm_m3_s2["moon"]))
    found: dict[str, Any] = {
        "start_utc": _utc(flown.start),
        "end_utc": _utc(final),
        "start_tdb_s": flown.start.time_tdb_s,
        "end_tdb_s": final.time_tdb_s,
        "elapsed_days": flown.duration_s / _DAY_S,
        "start_position_km": (1e-3 * flown.start.position_m).tolist(),
        "start_velocity_km_s": (1e-3 * flown.start.velocity_m_s).tolist(),
        "position_km": (1e-3 * final.position_m).tolist(),
        "velocity_km_s": (1e-3 * final.velocity_m_s).tolist(),
        "perilune_km": near,
        "apolune_km": far,
        "ended": flown.ended,
        "field": env.field.name,
        "degree": env.degree,
        "bodies": list(env.bodies),
        "gm_km3_s2": {name: value / 1e9 for name, value in env.gm_m3_s2.items()},
        "kernels": [kernel.name for kernel in env.kernels.kernels],
    }
    if flown.impact is not None:
        found["impact"] = {
            "utc": _utc(final),
            "elapsed_days": found["elapsed_days"],
            "body": flown.ended.rpartition(" ")[2],
            "position_km": found["position_km"],
            "velocity_km_s": found["velocity_km_s"],
        } | _place(flown, env)
    if events:
        found["events"] = [
            {"utc": f"{event.utc}Z", "elapsed_days": event.elapsed_s / _DAY_S, "event": event.name}
            for event in flown.events
        ]
    return found


def _place(flown: Trajectory, env: Environment) -> dict[str, float]:
    """Latitude and longitude of an impact on the Moon."""
    if flown.impact is None or not flown.ended.endswith("Moon"):
        return {}
    x, y, z = env.rotation(flown.final.time_tdb_s)[0] @ flown.final.position_m
    return {
        "latitude_deg": math.degrees(math.atan2(z, math.hypot(x, y))),
        "longitude_deg": math.degrees(math.atan2(y, x)),
    }


def _utc(state: State) -> str:
    """UTC of a state, to the millisecond."""
    return f"{state.utc}Z"


def _text(flown: Trajectory, events: bool, found: dict[str, Any]) -> str:
    """The result for people."""
    final = flown.final
    lines = [
        f"start     {_utc(flown.start)}",
        f"end       {_utc(final)}  ({flown.duration_s / _DAY_S:.6f} d, {flown.ended})",
        "position  " + "  ".join(f"{1e-3 * value:16.9f}" for value in final.position_m) + "  km",
        "velocity  " + "  ".join(f"{1e-3 * value:16.12f}" for value in final.velocity_m_s) + "  km/s",
    ]
    near, far = (1e-3 * distance - 1737.4 for distance in final.apsides_m(flown.env.gm_m3_s2["moon"]))
    lines.append(f"orbit     {near:.3f} x {far:.3f} km above 1737.4 km")
    if "frame" in found:
        lines.append(f"in {found['frame']}")
        lines.append("position  " + "  ".join(f"{value:16.9f}" for value in found["frame_position_km"]) + "  km")
        lines.append(
            "velocity  " + "  ".join(f"{value:16.12f}" for value in found["frame_velocity_km_s"]) + "  km/s"
        )
    if "compared" in found:
        lines.append(_comparison(found["compared"]))
    lines += [_file(kind, file) for kind, file in found.get("files", {}).items()]
    if events:
        lines += ["", *(f"{event.utc}Z  {event.name}" for event in flown.events)]
    return "\n".join(lines)


def _comparison(found: dict[str, Any] | None) -> str:
    """How far the flight is from a file, for people."""
    if found is None:
        return "compared  the file and the flight share no time"
    return (
        f"compared  with {found['file']} at {found['points']} times: largest {found['largest_m']:.4g} m, "
        f"rms {found['rms_m']:.4g} m, at the end {found['end_m']:.4g} m"
    )


def _file(kind: str, file: dict[str, Any]) -> str:
    """One file, for people."""
    rows = f"  {file['rows']} rows" if "rows" in file else ""
    error = f", within {1e3 * file['error_m']:.2f} mm of the flight" if "error_m" in file else ""
    return f"{kind:<8}  {file['path']}{rows}{error}"
