"""A flight as a script for NASA's GMAT: spacecraft, forces, burns, coasts between them and a report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from moonpost.errors import InputError
from moonpost.files import write_text
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.chain import STANDARD_GRAVITY_M_S2
from moonpost.flight.environment import Environment
from moonpost.flight.epochs import epoch_text
from moonpost.flight.gravityfield import GravityField
from moonpost.flight.trajectory import Firing, Trajectory

__all__ = ["gmat_script", "write_cof", "write_gmat"]

_BODIES = {"moon": "Luna", "earth": "Earth", "sun": "Sun"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_J2000_MODIFIED = 21545.0
_DAY_S = 86400.0
_DENSITY_KG_M3 = 1260.0
_SOLAR_CONSTANT_W_M2 = 1361.0
_ASTRONOMICAL_UNIT_KM = 149597870.7
_TAKEN = {"Luna", "Earth", "Sun", "Forces", "Fly", "CraftFrame", "count", "States", "Tank", "SolarSystem"}


def write_gmat(
    path: str | os.PathLike[str],
    flown: Trajectory,
    *,
    burns: Sequence[Burn | Impulse] = (),
    name: str = "Craft",
    field_file: str = "",
    report_file: str = "",
    step_s: float = 600.0,
) -> Path:
    """Write a flight as a GMAT script, with the gravity field it was flown in beside it.

    Parameters
    ----------
    path : path-like
        The file; what was there is replaced when all is written.
    flown : Trajectory
        The flight.
    burns, name, step_s
        As in `gmat_script`.
    field_file : str, optional
        Gravity field of the Moon in GMAT's form; if not given, that of the flight is written beside the script,
        with its name and the ending .cof.
    report_file : str, optional
        Where GMAT writes states; by default the name of the script with the ending .report.

    Returns
    -------
    pathlib.Path
        The script.

    Raises
    ------
    InputError
        If an argument cannot be used or the burns are not those of the flight.
    OutputError
        If a file cannot be written.
    """
    target = Path(path)
    field = field_file or f"{target.stem}.cof"
    report = report_file or f"{target.stem}.report"
    text = gmat_script(flown, burns=burns, name=name, field_file=field, report_file=report, step_s=step_s)
    if not field_file and flown.env.degree and flown.env.centre == "moon":
        write_cof(target.with_name(field), flown.env.field)
    return write_text(target, text)


def write_cof(path: str | os.PathLike[str], field: GravityField) -> Path:
    """Write a gravity field in the form that GMAT reads.

    Parameters
    ----------
    path : path-like
        The file; what was there is replaced when all is written.
    field : GravityField
        The field, up to degree 999.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Notes
    -----
    Columns as GMAT counts them: degree in 9 to 11, order in 12 to 14, coefficients from 18 and 39 on, 21 wide,
    4-pi normalised; in the first line GM [m3/s2] and radius [m].

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_cof(f"{folder}/a.cof", GravityField.default(2)).read_text().splitlines()[2])
    RECOEF    2  0   -9.08843393474243e-05 0.00000000000000e+00
    """
    head = (
        f"POTFIELD{field.degree:3d}{field.degree:3d}  0{field.gm_m3_s2:21.14e}{field.radius_m:21.14e}{1.0:21.14e}"
    )
    lines = [
        f"COMMENT   {field.name} cut at degree {field.degree}, written by Moonpost {version('moonpost')}",
        head,
    ]
    for n in range(2, field.degree + 1):
        pairs = zip(field.cosine[n, : n + 1].tolist(), field.sine[n, : n + 1].tolist(), strict=True)
        lines += [f"RECOEF  {n:3d}{m:3d}   {_short(c):21.14e}{_short(s):21.14e}" for m, (c, s) in enumerate(pairs)]
    return write_text(path, "\n".join([*lines, "END"]) + "\n")


def _short(value: float) -> float:
    """A number whose exponent takes two digits."""
    return value if abs(value) > 1e-99 else 0.0


def gmat_script(
    flown: Trajectory,
    *,
    burns: Sequence[Burn | Impulse] = (),
    name: str = "Craft",
    field_file: str = "grgm900c.cof",
    report_file: str = "moonpost.report",
    step_s: float = 600.0,
) -> str:
    """A script that flies the same in GMAT, as far as GMAT can.

    Parameters
    ----------
    flown : Trajectory
        The flight: its start, its environment, its duration and the times of its burns.
    burns : sequence of Burn or Impulse
        Those that the flight was flown with.
    name : str, default "Craft"
        Name of the spacecraft in the script.
    field_file : str, default "grgm900c.cof"
        Gravity field of the Moon in GMAT's form.
    report_file : str
        Where GMAT writes states: TDB (modified Julian, JD - 2430000), x, y, z [km], velocities [km/s].
    step_s : float, default 600.0
        Interval of the report [s]; the ends of coasts are reported too.

    Returns
    -------
    str
        The script.

    Raises
    ------
    InputError
        If the name is no identifier, or the burns are not those of the flight.

    Notes
    -----
    Written from GMAT's documentation and public scripts; GMAT was not at hand to run it. It needs DE440s, the
    lunar orientation and NAIF's frame kernel, which the head of the script names. What differs: GMAT takes GM and
    radius of the Moon from its field file (see `write_cof`), and applies the field in the principal axes of the
    kernel, as with ``rotate_field=False``; it knows no solid tide of the Moon; around the Earth the Moon is a
    point mass. GMAT's MJ2000Eq is the J2000 of SPICE.

    References
    ----------
    NASA Goddard Space Flight Center, GMAT User Guide.

    Examples
    --------
    >>> from moonpost.flight.propagate import propagate
    >>> from moonpost.flight.state import State
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), 946728000.0, 946731600.0, degree=8)
    >>> flown = propagate(State.circling(env, 946728000.0, 100e3, 90.0), 946731600.0, env)
    >>> [line for line in gmat_script(flown).splitlines() if "Epoch" in line]
    ["Craft.Epoch = '01 Jan 2030 00:00:00.000';"]
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", name) or name in _TAKEN:
        raise InputError(
            f"{name!r} is no name in GMAT", where="name", advice="give a letter, then letters, digits, _"
        )
    for label, text in (("field_file", field_file), ("report_file", report_file)):
        if not text or not text.isprintable() or not text.isascii() or "'" in text:
            raise InputError(f"{text!r} cannot be written", where=label, advice="give a plain file name")
    if not 0.0 < step_s < np.inf:
        raise InputError(f"{step_s} is no interval", where="step_s", advice="give seconds above 0")
    fired = _reached(flown, burns)
    made = [burn for burn, _ in fired]
    blocks = [
        _head(flown, field_file),
        _solar_system(flown.env),
        _frame(flown.env),
        _spacecraft(flown, made, name),
        _forces(flown.env, field_file),
        *(_burn(k, burn, flown) for k, burn in enumerate(made, 1)),
        _report(report_file),
        ["BeginMissionSequence;", *_sequence(flown, fired, name, step_s)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _reached(flown: Trajectory, burns: Sequence[Burn | Impulse]) -> list[tuple[Burn | Impulse, Firing | None]]:
    """Burns that the flight came to, with what it noted of the finite ones."""
    if not all(isinstance(burn, Burn | Impulse) for burn in burns):
        raise InputError("holds something else", where="burns", advice="give Burn and Impulse")
    firings = list(flown.firings)
    found: list[tuple[Burn | Impulse, Firing | None]] = []
    for burn in burns:
        begin = float(flown.env.tdb_s(burn.start)) - flown.start.time_tdb_s
        if flown.ended != "time" and begin > flown.duration_s:
            break
        found.append((burn, firings.pop(0) if isinstance(burn, Burn) and firings else None))
    wanted = sum(isinstance(burn, Burn) for burn, _ in found)
    if wanted != len(flown.firings):
        raise InputError(
            f"{wanted} burns are given, the flight made {len(flown.firings)}",
            where="burns",
            advice="give the burns that the flight was flown with",
        )
    return found


def _head(flown: Trajectory, field_file: str) -> list[str]:
    """What the script is and where it differs."""
    env = flown.env
    lines = [
        f"Written by Moonpost {version('moonpost')} from a flight of {abs(flown.duration_s) / _DAY_S:.6f} d.",
        "Not run in GMAT by who wrote it; checked for its structure only.",
        f"Flown in {env.field.name}, degree and order {env.degree}, GM {env.gm_m3_s2['moon'] / 1e9!r} km3/s2, "
        f"radius {env.field.radius_m / 1e3!r} km.",
        f"GMAT takes GM and radius of the Moon from {field_file}: put the file where GMAT finds it.",
        "Needed where GMAT finds them: the SPK and binary PCK named below, and NAIF's moon_de440_220930.tf.",
    ]
    if env.centre == "earth" and env.degree:
        lines.append("Left out: the field of the Moon beyond its point mass, in a flight around the Earth.")
    if env.degree and env.rotate_field:
        lines.append("The field is used in the kernel's principal axes here, not turned to them by 0.3 arcsecond.")
    if env.tides:
        lines.append("Left out: the solid tide of the Moon, which GMAT does not know.")
    final = flown.final
    place = " ".join(f"{value / 1e3:.9f}" for value in final.position_m)
    speed = " ".join(f"{value / 1e3:.12f}" for value in final.velocity_m_s)
    lines.append(f"End of the flight here ({flown.ended}): {place} km {speed} km/s")
    return [f"% {line}" for line in lines]


def _solar_system(env: Environment) -> list[str]:
    """Ephemerides, orientation of the Moon, gravitational parameters."""
    names = {
        kind: [kernel.name for kernel in env.kernels.kernels if kernel.kind == kind]
        for kind in ("spk", "pck", "fk")
    }
    lines = ["SolarSystem.EphemerisSource = 'SPICE';", f"SolarSystem.SPKFilename = '{names['spk'][0]}';"]
    lines += [f"{_BODIES[body]}.Mu = {env.gm_m3_s2[body] / 1e9!r};" for body in ("moon", "earth", "sun")]
    if env.degree and env.centre == "moon":
        frame = names["fk"][0] if names["fk"] else "moon_de440_220930.tf"
        lines += [
            f"Luna.PlanetarySpiceKernelName = {{'{names['pck'][0]}'}};",
            f"Luna.FrameSpiceKernelName = {{'{frame}'}};",
            "Luna.RotationDataSource = 'SPICE';",
            "Luna.SpiceFrameId = 'MOON_PA';",
        ]
    return lines


def _frame(env: Environment) -> list[str]:
    """Axes of J2000 from the centre of the flight."""
    return [
        "Create CoordinateSystem CraftFrame;",
        f"CraftFrame.Origin = {_BODIES[env.centre]};",
        "CraftFrame.Axes = MJ2000Eq;",
    ]


def _spacecraft(flown: Trajectory, burns: Sequence[Burn | Impulse], name: str) -> list[str]:
    """The spacecraft at the start, with a tank if burns use up mass."""
    start, sunlight = flown.start, flown.env.sunlight
    lines = [f"Create Spacecraft {name};", *_epoch(start.time_tdb_s, name)]
    lines += [f"{name}.CoordinateSystem = CraftFrame;", f"{name}.DisplayStateType = Cartesian;"]
    lines += [f"{name}.{axis} = {value / 1e3:.12f};" for axis, value in zip("XYZ", start.position_m, strict=True)]
    speeds = zip(("VX", "VY", "VZ"), start.velocity_m_s, strict=True)
    lines += [f"{name}.{axis} = {value / 1e3:.15f};" for axis, value in speeds]
    mass = start.mass_kg if start.mass_kg is not None else sunlight.mass_kg if sunlight else None
    fuel = _fuel_kg(flown) if _uses_mass(burns) else 0.0
    if mass is not None:
        lines.append(f"{name}.DryMass = {mass - fuel!r};")
    if sunlight:
        lines += [f"{name}.SRPArea = {sunlight.area_m2!r};", f"{name}.Cr = {sunlight.reflectivity!r};"]
    if fuel:
        volume = max(0.01, 1.2 * fuel / _DENSITY_KG_M3)
        lines += [
            f"{name}.Tanks = {{Tank}};",
            "Create ChemicalTank Tank;",
            f"Tank.FuelMass = {fuel!r};",
            f"Tank.FuelDensity = {_DENSITY_KG_M3!r};",
            f"Tank.Volume = {volume!r};",
            "Tank.PressureModel = PressureRegulated;",
        ]
    engines = [f"Engine{k}" for k, burn in enumerate(burns, 1) if isinstance(burn, Burn)]
    return lines + ([f"{name}.Thrusters = {{{', '.join(engines)}}};"] if engines else [])


def _epoch(tdb_s: float, name: str) -> list[str]:
    """Date of the start: written out where that is exact, else as a day number."""
    text = epoch_text(tdb_s)[0]
    if len(text) > len("2030-01-01T00:00:00.000"):
        days = _J2000_MODIFIED + tdb_s / _DAY_S
        return [f"{name}.DateFormat = TDBModJulian;", f"{name}.Epoch = '{days:.12f}';"]
    year, month, day = text[:10].split("-")
    date = f"{day} {_MONTHS[int(month) - 1]} {year} {text[11:]}"
    return [f"{name}.DateFormat = TDBGregorian;", f"{name}.Epoch = '{date}';"]


def _uses_mass(burns: Sequence[Burn | Impulse]) -> bool:
    """Whether any burn lets mass go."""
    return any(isinstance(burn, Burn) or burn.specific_impulse_s is not None for burn in burns)


def _fuel_kg(flown: Trajectory) -> float:
    """Mass that the burns use up, and a hundredth more."""
    if flown.start.mass_kg is None or flown.final.mass_kg is None:
        return 0.0
    used = flown.start.mass_kg - flown.final.mass_kg
    return min(1.01 * used, 0.5 * (used + flown.start.mass_kg))


def _forces(env: Environment, field_file: str) -> list[str]:
    """Force model and integrator."""
    centre = _BODIES[env.centre]
    others = [_BODIES[body] for body in env.bodies]
    lines = ["Create ForceModel Forces;", f"Forces.CentralBody = {centre};"]
    if env.centre == "moon" and env.degree:
        lines += [
            "Forces.PrimaryBodies = {Luna};",
            f"Forces.GravityField.Luna.Degree = {env.degree};",
            f"Forces.GravityField.Luna.Order = {env.degree};",
            f"Forces.GravityField.Luna.PotentialFile = '{field_file}';",
        ]
    else:
        others = [centre, *others]
    lines += [f"Forces.PointMasses = {{{', '.join(others)}}};"] if others else []
    lines += ["Forces.Drag = None;", f"Forces.SRP = {'On' if env.sunlight else 'Off'};"]
    if env.sunlight:
        lines += [
            "Forces.SRP.SRPModel = Spherical;",
            f"Forces.SRP.Flux = {_SOLAR_CONSTANT_W_M2!r};",
            f"Forces.SRP.Nominal_Sun = {_ASTRONOMICAL_UNIT_KM!r};",
        ]
    lines += ["Forces.RelativisticCorrection = Off;", "Forces.ErrorControl = RSSStep;"]
    return [
        *lines,
        "Create Propagator Fly;",
        "Fly.FM = Forces;",
        "Fly.Type = PrinceDormand78;",
        "Fly.Accuracy = 1e-13;",
        "Fly.InitialStepSize = 10;",
        "Fly.MinStep = 0;",
        "Fly.MaxStep = 2700;",
        "Fly.MaxStepAttempts = 50;",
    ]


def _burn(k: int, burn: Burn | Impulse, flown: Trajectory) -> list[str]:
    """One burn: an impulse, or an engine and the burn that uses it."""
    centre = _BODIES[flown.env.centre]
    axes = "VNB" if burn.axes == "motion" else "MJ2000Eq"
    if isinstance(burn, Impulse):
        change = zip((1, 2, 3), burn.change_m_s, strict=True)
        lines = [f"Create ImpulsiveBurn Burn{k};", f"Burn{k}.CoordinateSystem = Local;"]
        lines += [f"Burn{k}.Origin = {centre};", f"Burn{k}.Axes = {axes};"]
        lines += [f"Burn{k}.Element{axis} = {value / 1e3:.15f};" for axis, value in change]
        if burn.specific_impulse_s is None or flown.start.mass_kg is None:
            return [*lines, f"Burn{k}.DecrementMass = false;"]
        return [
            *lines,
            f"Burn{k}.DecrementMass = true;",
            f"Burn{k}.Tank = {{Tank}};",
            f"Burn{k}.Isp = {burn.specific_impulse_s!r};",
            f"Burn{k}.GravitationalAccel = {STANDARD_GRAVITY_M_S2!r};",
        ]
    unit = zip((1, 2, 3), burn.unit, strict=True)
    return [
        f"Create ChemicalThruster Engine{k};",
        f"Engine{k}.CoordinateSystem = Local;",
        f"Engine{k}.Origin = {centre};",
        f"Engine{k}.Axes = {axes};",
        *(f"Engine{k}.ThrustDirection{axis} = {value:.15f};" for axis, value in unit),
        f"Engine{k}.DecrementMass = true;",
        f"Engine{k}.Tank = {{Tank}};",
        f"Engine{k}.GravitationalAccel = {STANDARD_GRAVITY_M_S2!r};",
        f"Engine{k}.C1 = {burn.thrust_n!r};",
        f"Engine{k}.K1 = {burn.specific_impulse_s!r};",
        f"Create FiniteBurn Burn{k};",
        f"Burn{k}.Thrusters = {{Engine{k}}};",
    ]


def _report(report_file: str) -> list[str]:
    """The file of states."""
    return [
        "Create ReportFile States;",
        f"States.Filename = '{report_file}';",
        "States.Precision = 16;",
        "States.WriteHeaders = true;",
        "Create Variable count;",
    ]


def _sequence(
    flown: Trajectory, fired: list[tuple[Burn | Impulse, Firing | None]], name: str, step_s: float
) -> Iterator[str]:
    """Coasts and burns in the order of time."""
    yield _line(name)
    now = 0.0
    for k, (burn, firing) in enumerate(fired, 1):
        begin = firing.start_elapsed_s if firing else float(flown.env.tdb_s(burn.start)) - flown.start.time_tdb_s
        yield from _coast(begin - now, name, step_s)
        now = begin
        if firing is None:
            yield f"Maneuver Burn{k}({name});"
            continue
        yield f"BeginFiniteBurn Burn{k}({name});"
        yield from _coast(firing.stop_elapsed_s - begin, name, step_s)
        yield f"EndFiniteBurn Burn{k}({name});"
        now = firing.stop_elapsed_s
    yield from _coast(flown.duration_s - now, name, step_s)


def _coast(seconds: float, name: str, step_s: float) -> Iterator[str]:
    """Propagation over so many seconds, a report after each interval."""
    if seconds == 0.0:
        return
    back = "BackProp " if seconds < 0.0 else ""
    whole = int(abs(seconds) / step_s)
    step = step_s if seconds > 0.0 else -step_s
    if whole:
        yield f"For count = 1:1:{whole};"
        yield f"   Propagate {back}Fly({name}) {{{name}.ElapsedSecs = {step!r}}};"
        yield f"   {_line(name)}"
        yield "EndFor;"
    rest = seconds - whole * step
    if rest:
        yield f"Propagate {back}Fly({name}) {{{name}.ElapsedSecs = {rest!r}}};"
        yield _line(name)


def _line(name: str) -> str:
    """A line of the report."""
    columns = " ".join(f"{name}.CraftFrame.{axis}" for axis in ("X", "Y", "Z", "VX", "VY", "VZ"))
    return f"Report States {name}.TDBModJulian {columns};"
