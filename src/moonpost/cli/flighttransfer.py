"""``moonpost flight transfer``: one transfer to the Moon in detail, from the launch pad to lunar orbit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit
from moonpost.cli.places import almanac_of
from moonpost.errors import InputError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from moonpost.flight.capture import Insertion
    from moonpost.flight.environment import Environment
    from moonpost.flight.launch import Launch, LaunchSite
    from moonpost.flight.state import State
    from moonpost.sky.almanac import Almanac

__all__ = ["register"]

_DAY_S = 86400.0
_BACK_D, _SLACK_D = 10.0, 5.0
_COURSE_S = 1800.0
_MOON_KM, _EARTH_KM = 1737.4, 6378.137
_LOW_KM = 5.0


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost flight``."""
    app.command("transfer")(transfer)


@dataclass(frozen=True)
class _Ask:
    """What was asked for, in SI units."""

    depart: float
    tof_s: float
    parking_m: float
    inclination: float | None
    site: LaunchSite | None
    branch: str
    arrival_m: float
    arrival_inclination: float
    side: str
    apolune_m: float | None
    thrust_n: float | None
    isp_s: float
    mass_kg: float | None
    attitude: str


@dataclass
class _Start:
    """A launch, None without a site, and the injection after it."""

    launch: Launch | None
    injection: float
    tli_m_s: float = 0.0


@dataclass
class _Found:
    """A transfer of any kind."""

    kind: str
    env: Environment
    departure: State
    perilune: State
    tli_m_s: float
    extra: dict[str, Any]
    launches: list[_Start]
    home: State | None = None


def transfer(
    depart: str = typer.Option(
        ..., help="Departure from the parking orbit, UTC; with --site the start of the day of launch."
    ),
    tof_days: float = typer.Option(
        4.5, help="Time of flight from departure to perilune [d]; free with the options."
    ),
    parking_km: float = typer.Option(200.0, help="Altitude of the circular parking orbit [km]."),
    inclination: float | None = typer.Option(
        None, help="Of the parking orbit, to the equator of date [deg]; the least that works if not given."
    ),
    site: str = typer.Option("", help="Launch site: Wenchang, Xichang, Kennedy, ...; adds the times of launch."),
    branch: str = typer.Option("best", help="Coast in the parking orbit: short, long, or best for the cheaper."),
    arrival_km: float = typer.Option(100.0, help="Altitude of perilune [km]."),
    arrival_inclination: float = typer.Option(90.0, help="Of the orbit at the Moon, to its equator [deg]."),
    side: str = typer.Option("south", help="Side on which the Moon is passed first: south or north."),
    apolune_km: float | None = typer.Option(
        None, help="Altitude of apolune of the orbit into which the engine brakes [km]; a circle if not given."
    ),
    free_return: bool = typer.Option(False, "--free-return", help="Come back to the Earth if nothing is done."),
    low_energy: bool = typer.Option(
        False,
        "--low-energy",
        help="Go by way of the Sun's tide, in 3 to 4 months; departs up to 5 days off if it must.",
    ),
    thrust_n: float | None = typer.Option(None, help="Thrust of the engine that brakes [N]; needs a mass."),
    isp_s: float = typer.Option(315.0, help="Its specific impulse [s]."),
    mass_kg: float | None = typer.Option(None, help="Mass on the way to the Moon [kg]."),
    attitude: str = typer.Option("turning", help="Of the burn: inertial, velocity or turning."),
    plot: Path | None = typer.Option(None, help="Picture of the flight, .png."),
    kernels: str = typer.Option("", help="SPICE kernels instead of DE440s, files with commas between."),
    as_json: bool = JSON,
) -> None:
    """Work out one transfer to lunar orbit: launch, departure, way, arrival, braking by impulse or engine, masses.

    The way is flown in the full ephemeris of Earth, Moon and Sun, the braking through the Moon's field too.

    Example: moonpost flight transfer --depart 2030-01-10 --site Wenchang --mass-kg 8200 --thrust-n 3000
    """
    from moonpost.flight.launch import launch_site

    _check(free_return, low_energy, branch, plot, side)
    almanac = almanac_of(kernels)
    ask = _Ask(
        _seconds(depart), _positive(tof_days, "--tof-days") * _DAY_S, 1e3 * parking_km, inclination,
        launch_site(site) if site else None, branch, 1e3 * arrival_km, arrival_inclination, side,
        None if apolune_km is None else 1e3 * apolune_km, _above_0(thrust_n, "--thrust-n"),
        _positive(isp_s, "--isp-s"), _above_0(mass_kg, "--mass-kg"), attitude,
    )  # fmt: skip
    if apolune_km is not None and apolune_km < arrival_km:
        raise InputError(
            f"{apolune_km:g} km lies below perilune at {arrival_km:g} km",
            where="--apolune-km",
            advice="give an altitude above --arrival-km",
        )
    if thrust_n is not None and mass_kg is None:
        raise InputError("a burn needs the mass", where="--mass-kg", advice="give --mass-kg with --thrust-n")
    found = (
        _low_energy(ask, almanac) if low_energy else _free(ask, almanac) if free_return else _direct(ask, almanac)
    )
    impulsive, finite = _braked(found, ask, almanac)
    result = _result(found, ask, impulsive, finite)
    if plot is not None:
        _draw(found, finite or impulsive, almanac, plot)
    emit(result, as_json, lambda: _text(result))


def _check(free_return: bool, low_energy: bool, branch: str, plot: Path | None, side: str) -> None:
    """Refuse choices that exclude one another."""
    if free_return and low_energy:
        raise InputError("both --free-return and --low-energy", where="flight transfer", advice="give one of them")
    if branch not in ("best", "short", "long"):
        raise InputError(f"{branch!r} is no branch", where="--branch", advice="give short, long or best")
    if side not in ("south", "north"):
        raise InputError(f"{side!r} is no side", where="--side", advice="give south or north")
    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"{plot.name}", where="--plot", advice="give a file name that ends in .png")


def _direct(ask: _Ask, almanac: Almanac) -> _Found:
    """The direct transfer, from the pad if a site is given."""
    from moonpost.flight.transfers import Transfer, transfer_environment

    env = transfer_environment(almanac, ask.depart - _DAY_S, ask.depart + ask.tof_s + 4.0 * _DAY_S)
    made: dict[float, Transfer] = {}
    launches: list[_Start] = []
    faults: list[ModelError] = []
    for name in ("short", "long") if ask.branch == "best" else (ask.branch,):

        def leave(tdb_s: float, name: str = name) -> State:
            made[tdb_s] = _targeted(ask, env, tdb_s, name)
            return made[tdb_s].departure

        try:
            launches += _started(ask, leave, env)
        except ModelError as error:
            faults.append(error)
    if not launches:
        raise faults[0] if faults else _no_launch(ask)
    launches.sort(key=lambda start: start.injection)
    chosen = made[min(launches, key=lambda start: made[start.injection].tli_m_s).injection]
    for start in launches:
        start.tli_m_s = made[start.injection].tli_m_s
    extra = {
        "node_deg": chosen.node_deg, "argument_deg": chosen.argument_deg, "b_t_km": 1e-3 * chosen.b_t_m,
        "b_r_km": 1e-3 * chosen.b_r_m, "perilune_error_km": 1e-3 * chosen.perilune_error_m,
    }  # fmt: skip
    return _Found("direct", env, chosen.departure, chosen.perilune, chosen.tli_m_s, extra, launches)


def _started(ask: _Ask, leave: Callable[[float], State], env: Environment) -> list[_Start]:
    """Injections of the day: at the instant given, or after each launch from the site."""
    from moonpost.flight.launch import launch_day

    if ask.site is None:
        leave(ask.depart)
        return [_Start(None, ask.depart)]
    day = launch_day(leave, ask.site, env.utc(ask.depart))
    return [_Start(launch, state.time_tdb_s) for launch, state in day]


def _no_launch(ask: _Ask) -> ModelError:
    """Told where no launch reaches a transfer."""
    return ModelError(
        f"no launch from {ask.site.name if ask.site else 'here'} on that day reaches the transfer",
        where="flight transfer",
        advice="give another day, time of flight or inclination",
    )


def _targeted(ask: _Ask, env: Environment, depart: float, branch: str) -> Any:
    """The transfer of a branch."""
    from moonpost.flight.launch import lowest_inclination_deg
    from moonpost.flight.transfers import Arrival, Parking, target_bplane

    least = 28.5 if ask.site is None else lowest_inclination_deg(ask.site) + 0.1
    parking = Parking(ask.parking_m, ask.inclination, least_inclination_deg=least)
    arrival = Arrival(ask.arrival_m, ask.arrival_inclination, ask.side)  # type: ignore[arg-type]
    plane: Any = branch
    return target_bplane(depart, depart + ask.tof_s, env, parking=parking, arrival=arrival, branch=plane)


def _free(ask: _Ask, almanac: Almanac) -> _Found:
    """The free return."""
    from moonpost.flight.freereturn import FreeReturn, free_return
    from moonpost.flight.launch import lowest_inclination_deg
    from moonpost.flight.transfers import transfer_environment

    env = transfer_environment(almanac, ask.depart - 6.0 * _DAY_S, ask.depart + 2.0 * _BACK_D * _DAY_S)
    angle = ask.inclination
    if angle is None and ask.site is not None:
        angle = max(28.5, lowest_inclination_deg(ask.site) + 0.1)
    made: dict[float, FreeReturn] = {}

    def leave(tdb_s: float) -> State:
        made[tdb_s] = free_return(
            env, departure=tdb_s, perilune_altitude_m=ask.arrival_m, parking_altitude_m=ask.parking_m,
            inclination_deg=angle,
        )  # fmt: skip
        return made[tdb_s].departure

    launches = _started(ask, leave, env)
    if not launches:
        raise _no_launch(ask)
    keys = {start.injection: min(made, key=lambda key: abs(key - start.injection)) for start in launches}
    for start in launches:
        start.tli_m_s = made[keys[start.injection]].tli_m_s
    found = made[keys[min(launches, key=lambda start: start.tli_m_s).injection]]
    extra = {
        "return": {
            "entry_utc": _utc(found.entry), "days": found.return_s / _DAY_S,
            "entry_speed_km_s": 1e-3 * found.entry_speed_m_s, "entry_angle_deg": found.entry_angle_deg,
            "inclination_deg": found.return_inclination_deg,
        }
    }  # fmt: skip
    return _Found("free return", env, found.departure, found.perilune, found.tli_m_s, extra, launches, found.entry)


def _low_energy(ask: _Ask, almanac: Almanac) -> _Found:
    """The low-energy transfer."""
    from moonpost.flight.launch import launch_times, lowest_inclination_deg
    from moonpost.flight.lowenergy import low_energy, low_energy_span_d
    from moonpost.flight.transfers import transfer_environment

    env = transfer_environment(almanac, ask.depart - 12.0 * _DAY_S, ask.depart + low_energy_span_d()[1] * _DAY_S)
    least = 28.5 if ask.site is None else max(28.5, lowest_inclination_deg(ask.site) + 0.1)
    found = low_energy(
        env, departure=ask.depart, perilune_altitude_m=ask.arrival_m, parking_altitude_m=ask.parking_m,
        arrival_inclination_deg=ask.arrival_inclination, inclination_deg=ask.inclination or least,
        slack_d=_SLACK_D,
    )  # fmt: skip
    extra = {"farthest_km": 1e-3 * found.farthest_m, "arrival_c3_km2_s2": 1e-6 * found.arrival_c3_m2_s2}
    launches = [_Start(None, found.departure.time_tdb_s, found.tli_m_s)]
    if ask.site is not None:
        times = launch_times(found.departure, ask.site)
        launches = [_Start(launch, found.departure.time_tdb_s, found.tli_m_s) for launch in times]
    return _Found("low energy", env, found.departure, found.perilune, found.tli_m_s, extra, launches)


def _braked(found: _Found, ask: _Ask, almanac: Almanac) -> tuple[Insertion, Insertion | str | None]:
    """The braking by one impulse, and by the engine if there is one, or why it cannot."""
    from dataclasses import replace

    from moonpost.flight.capture import impulsive_insertion
    from moonpost.flight.environment import Environment

    near = replace(found.perilune, mass_kg=ask.mass_kg)
    env = Environment.make(almanac, near.time_tdb_s - 0.5 * _DAY_S, near.time_tdb_s + 2.0 * _DAY_S, degree=8)
    impulse = impulsive_insertion(near, env, apolune_altitude_m=ask.apolune_m, specific_impulse_s=ask.isp_s)
    if ask.thrust_n is None:
        return impulse, None
    return impulse, _engine(near, env, ask, impulse)


def _engine(near: State, env: Environment, ask: _Ask, impulse: Insertion) -> Insertion | str:
    """The burn that reaches the orbit, or at least its period, or why there is none."""
    from moonpost.flight.capture import finite_insertion

    engine: tuple[Any, ...] = (near, env, ask.thrust_n, ask.isp_s)
    law: Any = ask.attitude
    if ask.apolune_m is None and law == "turning":
        try:
            return finite_insertion(
                *engine, apolune_altitude_m=ask.arrival_m, perilune_altitude_m=ask.arrival_m, attitude=law
            )
        except ModelError:
            pass
    try:
        return finite_insertion(*engine, period_s=impulse.period_s, attitude=law)
    except ModelError as error:
        return str(error)


def _result(found: _Found, ask: _Ask, impulse: Insertion, finite: Insertion | str | None) -> dict[str, Any]:
    """What the command prints as JSON."""
    from moonpost.flight.launch import c3_m2_s2, earth_inclination_deg

    leave, near = found.departure, found.perilune
    flown = near.time_tdb_s - leave.time_tdb_s
    result: dict[str, Any] = {
        "kind": found.kind,
        "tli_km_s": 1e-3 * found.tli_m_s,
        "loi_km_s": 1e-3 * impulse.delta_v_m_s,
        "c3_km2_s2": 1e-6 * c3_m2_s2(leave),
        "tof_d": flown / _DAY_S,
        "launches": [_launch(start, start.launch) for start in found.launches if start.launch is not None],
        "departure": {
            "utc": _utc(leave), "altitude_km": _altitude_km(leave, _EARTH_KM),
            "inclination_deg": earth_inclination_deg(leave), "tli_km_s": 1e-3 * found.tli_m_s,
            "c3_km2_s2": 1e-6 * c3_m2_s2(leave), **_vectors(leave),
        },
        "flight_days": flown / _DAY_S,
        "midcourse": _midcourse(found),
        "perilune": {
            "utc": _utc(near), "altitude_km": _altitude_km(near, _MOON_KM), **_lunar(near), **_vectors(near),
        },
        "braking": {"impulse": _insertion(impulse)},
        **found.extra,
    }  # fmt: skip
    if isinstance(finite, str):
        result["braking"]["engine_fault"] = finite
    elif finite is not None:
        result["braking"]["engine"] = {
            "thrust_n": ask.thrust_n, "specific_impulse_s": ask.isp_s, "attitude": ask.attitude,
            **_insertion(finite),
        }  # fmt: skip
    return result


def _launch(start: _Start, launch: Launch) -> dict[str, Any]:
    """A time of launch, what its departure costs, and what it waits beyond the first passage of the place."""
    from moonpost.cli.output import utc_text
    from moonpost.flight.state import tdb_seconds

    first = float(tdb_seconds(launch.utc).ravel()[0]) + launch.injection_s
    return {
        "utc": utc_text(launch.utc), "passing": launch.passing, "azimuth_deg": launch.azimuth_deg,
        "ground_azimuth_deg": launch.ground_azimuth_deg, "allowed": launch.allowed,
        "off_plane_deg": launch.off_plane_deg, "coast_s": launch.coast_s, "injection_s": launch.injection_s,
        "wait_h": max(0.0, (start.injection - first) / 3600.0), "tli_km_s": 1e-3 * start.tli_m_s,
    }  # fmt: skip


def _midcourse(found: _Found) -> list[dict[str, Any]]:
    """States on the way from the Earth, a day apart."""
    from moonpost.flight.propagate import propagate

    stop = found.perilune.time_tdb_s
    step = _DAY_S * max(1.0, math.ceil((stop - found.departure.time_tdb_s) / _DAY_S / 20.0))
    way = propagate(found.departure, stop - 60.0, found.env, rtol=1e-13)
    rows = []
    for count in range(1, int((stop - found.departure.time_tdb_s) / step) + 1):
        elapsed = min(count * step, way.duration_s)
        row = way.at_elapsed([elapsed])[0]
        rows.append({
            "utc": f"{found.env.utc(found.departure.time_tdb_s + elapsed)}Z", "days": elapsed / _DAY_S,
            "position_km": (1e-3 * row[:3]).tolist(), "velocity_km_s": (1e-3 * row[3:]).tolist(),
            "earth_distance_km": 1e-3 * float((row[:3] @ row[:3]) ** 0.5),
        })  # fmt: skip
    return rows


def _insertion(done: Insertion) -> dict[str, Any]:
    """A braking and its orbit."""
    return {
        "delta_v_km_s": 1e-3 * done.delta_v_m_s, "impulsive_km_s": 1e-3 * done.impulsive_m_s,
        "gravity_loss_m_s": done.gravity_loss_m_s, "burn_s": done.burn_s, "ignition_utc": _utc(done.before),
        "cutoff_utc": _utc(done.after), "pitch_deg": done.pitch_deg,
        "perilune_km": 1e-3 * done.perilune_altitude_m, "apolune_km": 1e-3 * done.apolune_altitude_m,
        "period_h": done.period_s / 3600.0, "inclination_deg": done.inclination_deg,
        "mass_before_kg": done.before.mass_kg, "mass_after_kg": done.after.mass_kg,
        "propellant_kg": done.propellant_kg,
    }  # fmt: skip


def _lunar(near: State) -> dict[str, Any]:
    """Speed at perilune and far from the Moon."""
    speed = float((near.velocity_m_s @ near.velocity_m_s) ** 0.5)
    from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2

    energy = speed**2 - 2.0 * GRGM1200A_GM_M3_S2 / float((near.position_m @ near.position_m) ** 0.5)
    return {"speed_km_s": 1e-3 * speed, "c3_km2_s2": 1e-6 * energy}


def _vectors(state: State) -> dict[str, Any]:
    """Position and velocity from the state's centre."""
    return {
        "centre": state.centre,
        "position_km": (1e-3 * state.position_m).tolist(),
        "velocity_km_s": (1e-3 * state.velocity_m_s).tolist(),
    }


def _draw(found: _Found, done: Insertion | str, almanac: Almanac, path: Path) -> None:
    """Draw the way and the capture."""
    import numpy as np

    from moonpost.flight.environment import Environment
    from moonpost.flight.propagate import propagate
    from moonpost.report.figures.transfer import save_transfer

    stop = found.perilune.time_tdb_s if found.home is None else found.home.time_tdb_s
    way = propagate(found.departure, stop, found.env, rtol=1e-13)
    close = found.perilune.time_tdb_s - found.departure.time_tdb_s + np.arange(-0.5, 0.5, 1e-4) * _DAY_S
    coarse = np.arange(0.0, way.duration_s, 300.0)
    times = np.unique(np.concatenate([coarse, close[(close > 0.0) & (close < way.duration_s)], [way.duration_s]]))
    states = way.at_elapsed(times)
    ring = None
    if found.home is None and not isinstance(done, str):
        after = done.after
        env = Environment.make(almanac, after.time_tdb_s, after.time_tdb_s + 10.0 * _DAY_S, degree=0)
        orbit = propagate(after, after.time_tdb_s + min(1.02 * done.period_s, 9.9 * _DAY_S), env)
        ring = orbit.sampled(max(10.0, done.period_s / 500.0))[1][:, :3]
    title = f"{found.kind.capitalize()} transfer, {_utc(found.departure)[:16]} UTC"
    save_transfer(path, found.env, np.asarray(found.departure.time_tdb_s + times), states, ring, title)


def _text(result: dict[str, Any]) -> str:
    """The result for people."""
    leave, near = result["departure"], result["perilune"]
    lines = [
        f"launch     {row['utc']}  {row['passing']}, azimuth {row['azimuth_deg']:.1f} deg "
        f"({row['ground_azimuth_deg']:.1f} over ground{_range(row['allowed'])}), "
        f"injection {row['injection_s'] / 60.0:.1f} min later"
        f"{_wait(row['wait_h'])} with {row['tli_km_s']:.4f} km/s"
        for row in result["launches"]
    ]
    lines += [
        f"departure  {leave['utc']}  {leave['altitude_km']:.1f} km, {leave['inclination_deg']:.2f} deg, "
        f"TLI {leave['tli_km_s']:.4f} km/s, C3 {leave['c3_km2_s2']:.4f} km2/s2",
        f"way        {result['flight_days']:.3f} d, {result['kind']}",
        f"perilune   {near['utc']}  {near['altitude_km']:.1f} km, {near['speed_km_s']:.4f} km/s, "
        f"C3 {near['c3_km2_s2']:.4f} km2/s2",
    ]
    if "return" in result:
        home = result["return"]
        lines.append(
            f"entry      {home['entry_utc']}  {home['days']:.3f} d later, {home['entry_speed_km_s']:.3f} km/s at "
            f"{home['entry_angle_deg']:.2f} deg"
        )
    for name in ("impulse", "engine"):
        done = result["braking"].get(name)
        if done is None:
            continue
        burnt = "" if done["propellant_kg"] is None else f", {done['propellant_kg']:.0f} kg burnt"
        lasted = (
            "" if name == "impulse" else f" in {done['burn_s']:.0f} s (loss {done['gravity_loss_m_s']:.1f} m/s)"
        )
        lines.append(
            f"{name:9s}  {done['delta_v_km_s']:.4f} km/s{lasted} to {done['perilune_km']:.1f} x "
            f"{done['apolune_km']:.1f} km, {done['period_h']:.3f} h, {done['inclination_deg']:.2f} deg{burnt}"
        )
    done = result["braking"].get("engine")
    if done is not None and done["perilune_km"] < _LOW_KM:
        lines.append("note       the orbit after the burn meets the Moon: come in higher, or brake in stages")
    if "engine_fault" in result["braking"]:
        lines.append(f"engine     {result['braking']['engine_fault']}")
    return "\n".join(lines)


def _wait(hours: float) -> str:
    """How long the parking orbit is kept beyond the first passage, in words."""
    return f" at the earliest, {hours:.1f} h before departure," if hours > 0.01 else ""


def _range(allowed: bool | None) -> str:
    """Whether the range allows an azimuth, in words."""
    return "" if allowed is None else ", allowed" if allowed else ", outside the range"


def _altitude_km(state: State, radius_km: float) -> float:
    """Altitude above a sphere."""
    return 1e-3 * float((state.position_m @ state.position_m) ** 0.5) - radius_km


def _utc(state: State) -> str:
    """UTC of a state, to the millisecond."""
    return f"{state.utc}Z"


def _seconds(depart: str) -> float:
    """TDB seconds of the departure."""
    from moonpost.flight.state import tdb_seconds

    seconds = tdb_seconds(depart)
    if seconds.size != 1:
        raise InputError(f"{seconds.size} dates", where="--depart", advice="give one date")
    return float(seconds.ravel()[0])


def _above_0(number: float | None, where: str) -> float | None:
    """The number, if it is given."""
    return None if number is None else _positive(number, where)


def _positive(number: float, where: str) -> float:
    """The number, if it is finite and above 0."""
    if not 0.0 < number < math.inf:
        raise InputError(f"{number}", where=where, advice="give a number above 0")
    return number
