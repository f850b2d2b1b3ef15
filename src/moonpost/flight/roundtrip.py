"""A sample return flown from launch to capsule: every event with its date, change of velocity, burn and mass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.flight.ascent import Ascent, ascend
from moonpost.flight.burns import Burn, motion_axes
from moonpost.flight.capture import finite_insertion
from moonpost.flight.departures import LunarCircle
from moonpost.flight.descent import Descent, descend
from moonpost.flight.entryaims import EntryAim
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.insertion import Insertion
from moonpost.flight.launch import Launch, launch_times
from moonpost.flight.launchsites import launch_site
from moonpost.flight.phasing import hohmann
from moonpost.flight.propagate import propagate
from moonpost.flight.rendezvous import Rendezvous, rendezvous
from moonpost.flight.returns import ReturnWindows, scan_returns
from moonpost.flight.samplereturn import Engine, SampleReturn
from moonpost.flight.state import State
from moonpost.flight.steering import Vehicle
from moonpost.flight.transferends import Arrival, Parking
from moonpost.flight.transfers import Transfer, target_bplane, transfer_environment
from moonpost.flight.twoburns import TwoBurns, ellipse_speed_m_s, two_burns
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["ChainEvent", "RoundTrip", "fly_round_trip"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_PARKING_M = 200e3
_FROM_LAUNCH_S = 2000.0
_SIDES = ("south", "north")


@dataclass(frozen=True)
class ChainEvent:
    """An event of the mission beside what was published of it.

    Parameters
    ----------
    name : str
        The event.
    utc, published_utc : numpy.datetime64
        Ours, for a burn its ignition, and the published instant.
    delta_v_m_s : float or None
        Change of velocity [m/s].
    burn_s, published_burn_s : float or None
        Duration of the burn, ours and published [s].
    mass_before_kg, mass_after_kg : float
        Mass of what flies it [kg].
    note : str
        What else there is to compare.
    """

    name: str
    utc: np.datetime64
    published_utc: np.datetime64
    delta_v_m_s: float | None
    burn_s: float | None
    published_burn_s: float | None
    mass_before_kg: float
    mass_after_kg: float
    note: str


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A sample return as it was flown here.

    Parameters
    ----------
    mission : SampleReturn
        What was asked.
    events : tuple of ChainEvent
        In the order of time.
    outbound : Transfer
        From the parking orbit to perilune.
    lift_off : Launch
        Launch whose plane leads there.
    capture, circularisation : Insertion
        The two burns into orbit.
    orbit : State
        In the circle, after the second.
    off_plane_deg : tuple of float
        Angle of the site from the plane of the orbit at landing and at ascent [deg].
    descent : Descent
        Powered descent.
    sun_elevation_deg : float
        At the site at landing [deg].
    ascent : Ascent
        Powered ascent.
    meeting : Rendezvous
        From the end of the ascent to docking.
    departure : TwoBurns
        The ellipse between the two burns home; its own sizes are those of burns along the motion.
    tei_m_s : tuple of float
        First and second burn, both also turning the plane, and the single one that they replace [m/s].
    tei_loss_m_s : float
        What the second loses as the small engines take their time [m/s].
    home : ReturnWindows
        The return, one row.
    """

    mission: SampleReturn
    events: tuple[ChainEvent, ...]
    outbound: Transfer
    lift_off: Launch
    capture: Insertion
    circularisation: Insertion
    orbit: State
    off_plane_deg: tuple[float, float]
    descent: Descent
    sun_elevation_deg: float
    ascent: Ascent
    meeting: Rendezvous
    departure: TwoBurns
    tei_m_s: tuple[float, float, float]
    tei_loss_m_s: float
    home: ReturnWindows

    def rows(self) -> list[dict[str, Any]]:
        """Events with units in their names, for tables and JSON.

        Returns
        -------
        list of dict
        """
        return [vars(event) for event in self.events]


def fly_round_trip(mission: SampleReturn, almanac: Almanac, *, degree: int = 20) -> RoundTrip:
    """Fly a sample return through the full field, in one plane round the Moon from capture to departure.

    Parameters
    ----------
    mission : SampleReturn
        Dates, masses and engines.
    almanac : Almanac
        Ephemerides and lunar orientation.
    degree : int, default 20
        Degree and order of the Moon's field.

    Returns
    -------
    RoundTrip

    Raises
    ------
    DateError
        If a date lies outside the kernels.
    ModelError
        If a part of the mission cannot be flown.

    Notes
    -----
    The dates are those of the mission; what is solved for: inclination of the parking orbit and instant of
    injection, so that the site of launch lies in the plane at lift-off; the transfer in the ephemeris; the
    inclination of the lunar orbit, so that its plane passes the landing site at landing and at ascent; the period
    of the first ellipse from the time between the burns into orbit; descent and ascent of least propellant; the
    rendezvous; the return in the plane of the orbiter and its split in two. The phase of the orbiter at ascent is
    left as it comes. Masses run down from launch and, for the ascender, up from its mass at docking; midcourse
    corrections are left out.

    Examples
    --------
    >>> from moonpost.flight.samplereturn import CHANGE_5
    >>> CHANGE_5.name, len(CHANGE_5.dates)
    ("Chang'e 5", 12)
    """
    return _Flight(mission, almanac, degree).whole()


class _Flight:
    """The parts of a round trip, one after the other."""

    def __init__(self, mission: SampleReturn, almanac: Almanac, degree: int) -> None:
        self.mission, self.almanac = mission, almanac
        dates = mission.dates
        self.out = transfer_environment(almanac, dates["launch"], self._later(dates["loi_1"], 1.0))
        self.env = Environment.make(
            almanac, self._later(dates["loi_1"], -1.0), self._later(dates["tei_2"], 1.0), degree=degree
        )
        self.events: list[ChainEvent] = []
        self.turns = {name: float(self.env.tdb_s(date)) for name, date in dates.items()}
        self.site = mission.site.position_m / np.linalg.norm(mission.site.position_m)

    @staticmethod
    def _later(date: str, days: float) -> np.datetime64:
        """A date some days later."""
        return np.datetime64(date, "ms") + np.timedelta64(round(days * _DAY_S * 1e3), "ms")

    def whole(self) -> RoundTrip:
        """Everything, in order."""
        mission = self.mission
        tilt = self._tilt_guess()
        captured = self._captured(tilt)
        north = math.copysign(1.0, mission.site.latitude_deg)
        for _ in range(2):
            tilt += 0.5 * north * sum(self._off_plane(captured[3]))
            captured = self._captured(tilt)
        outbound, lift_off, (capture, circle), orbit = captured
        self._arrive(outbound, lift_off, capture, circle)
        mass = circle.after.mass_kg or mission.launch_mass_kg
        descent, ascent, sun = self._land(mass - mission.orbiter_kg)
        meeting = self._meet(orbit, ascent)
        home, departure, sizes, loss = self._leave(orbit)
        return RoundTrip(
            mission, tuple(self.events), outbound, lift_off, capture, circle, orbit, self._off_plane(orbit),
            descent, sun, ascent, meeting, departure, sizes, loss, home,
        )  # fmt: skip

    def _tilt_guess(self) -> float:
        """Inclination of the plane that passes the site at landing and at ascent, the Moon being round."""
        from moonpost.flight.phasing import plane_inclination_deg

        stay = self.turns["ascent"] - self.turns["landing"]
        return plane_inclination_deg(self.mission.site.latitude_deg, stay)

    def _captured(self, tilt: float) -> tuple[Transfer, Launch, tuple[Insertion, Insertion], State]:
        """Transfer, launch, both burns into orbit and the orbit, on the side that comes nearer to the site."""
        best: tuple[Any, ...] | None = None
        for side in _SIDES:
            arrival = Arrival(self.mission.orbit_altitude_m, tilt, side)  # type: ignore[arg-type]
            try:
                outbound, lift_off = self._launched(arrival)
            except ModelError:
                continue
            orbit = self._state(outbound)
            off = max(abs(angle) for angle in self._off_plane(orbit))
            if best is None or off < best[0]:
                best = (off, outbound, lift_off)
        if best is None:
            raise ModelError("no transfer leads there", where="round trip", advice="give other dates")
        _, outbound, lift_off = best
        burns = self._braked(self._state(outbound))
        after = burns[1].after
        return outbound, lift_off, burns, State(after.time_tdb_s, after.position_m, after.velocity_m_s)

    def _state(self, outbound: Transfer) -> State:
        """The arrival at perilune, with the mass."""
        there = outbound.perilune
        return State(
            there.time_tdb_s, there.position_m, there.velocity_m_s, "moon", mass_kg=self.mission.launch_mass_kg
        )

    def _launched(self, arrival: Arrival) -> tuple[Transfer, Launch]:
        """Transfer and launch for which the site of launch lies in the plane at lift-off."""
        site = launch_site(self.mission.launch_site)
        launch, late = self.turns["launch"], _FROM_LAUNCH_S
        middle = self.turns["loi_1"] + 0.5 * self.mission.burns_s.get("loi_1", 0.0)
        found: list[tuple[float, float, Transfer, Launch]] = []
        tilt, step = site.latitude_deg + 1.0, 1.0
        for _ in range(12):
            transfer = target_bplane(
                launch + late, middle, self.out, parking=Parking(_PARKING_M, inclination_deg=tilt), arrival=arrival
            )
            times = launch_times(transfer.departure, site, self._later(self.mission.dates["launch"], -0.5))
            if not times:
                raise ModelError("the plane stays off the launch site", where="launch", advice="give another date")
            lapse = [float(self.out.tdb_s(time.utc)) - launch for time in times]
            near = int(np.argmin(np.abs(lapse)))
            found.append((tilt, lapse[near], transfer, times[near]))
            late = times[near].injection_s
            if abs(lapse[near]) < 1.0:
                break
            if len(found) > 1 and found[-1][1] != found[-2][1]:
                step = -found[-1][1] * (found[-1][0] - found[-2][0]) / (found[-1][1] - found[-2][1])
            tilt = min(max(tilt + float(np.clip(step, -2.0, 2.0)), site.latitude_deg + 0.05), 60.0)
        else:
            raise ModelError("no plane passes the site at launch", where="launch", advice="give another date")
        return found[-1][2], found[-1][3]

    def _braked(self, arrival: State) -> tuple[Insertion, Insertion]:
        """Two burns into orbit, the first into an ellipse with whole revolutions until the second."""
        mission, engine = self.mission, self.mission.main
        period = (self.turns["loi_2"] - self.turns["loi_1"]) / mission.loi_revolutions
        first = finite_insertion(arrival, self.env, engine.thrust_n, engine.specific_impulse_s, period_s=period)
        later = self.turns["loi_2"] + 0.5 * period
        perilunes = apsides().only("perilune")
        flown = propagate(first.after, later, self.env, rtol=1e-10, events=perilunes, dense=False)
        if not flown.events:
            raise ModelError("no perilune for the second burn", where="round trip", advice="give other dates")
        low = min(flown.events, key=lambda event: abs(event.time_tdb_s - self.turns["loi_2"]))
        near = State(low.time_tdb_s, low.state[:3], low.state[3:], "moon", mass_kg=first.after.mass_kg)
        second = finite_insertion(
            near, self.env, engine.thrust_n, engine.specific_impulse_s,
            apolune_altitude_m=float(np.linalg.norm(low.state[:3])) - MOON_RADIUS_M,
        )  # fmt: skip
        return first, second

    def _off_plane(self, orbit: State) -> tuple[float, float]:
        """Angles of the site from the plane of an orbit at landing and at ascent [deg]."""
        angles = []
        for name in ("landing", "ascent"):
            there = propagate(orbit, self.turns[name], self.env, rtol=1e-9, dense=False, method="rkn1210").final
            pole = np.cross(there.position_m, there.velocity_m_s)
            up = self.env.rotation(self.turns[name])[0].T @ self.site
            angles.append(math.degrees(math.asin(float(pole @ up) / float(np.linalg.norm(pole)))))
        return angles[0], angles[1]

    def _arrive(self, outbound: Transfer, lift_off: Launch, first: Insertion, second: Insertion) -> None:
        """Events up to the separation."""
        mission = self.mission
        mass = mission.launch_mass_kg
        self._add(
            "launch", self._tdb(lift_off.utc), None, None, mass, mass,
            f"azimuth {lift_off.ground_azimuth_deg:.1f} deg, orbit {outbound.inclination_deg:.1f} deg",
        )  # fmt: skip
        self._add(
            "tli", outbound.departure.time_tdb_s, outbound.tli_m_s, None, mass, mass,
            f"C3 {outbound.c3_m2_s2 / 1e6:.2f} km2/s2", published="launch",
        )  # fmt: skip
        for name, done in (("loi_1", first), ("loi_2", second)):
            height = float(np.linalg.norm(done.before.position_m)) - MOON_RADIUS_M
            note = (
                f"ignition at {height / 1e3:.0f} km, then {done.perilune_altitude_m / 1e3:.0f} x "
                f"{done.apolune_altitude_m / 1e3:.0f} km, loss {done.gravity_loss_m_s:.0f} m/s"
            )
            masses = (done.before.mass_kg or mass, done.after.mass_kg or mass)
            self._add(name, done.before.time_tdb_s, done.delta_v_m_s, done.burn_s, *masses, note)
        whole = second.after.mass_kg or mass
        rest = whole - mission.orbiter_kg
        self._add("separation", self.turns["separation"], None, None, whole, rest, "lander with ascender")

    def _land(self, mass_kg: float) -> tuple[Descent, Ascent, float]:
        """Events on the ground."""
        mission, lander = self.mission, self.mission.lander
        low, high = mission.descent_perilune_m, mission.orbit_altitude_m
        circle, near = MOON_RADIUS_M + high, MOON_RADIUS_M + low
        down = abs(hohmann(circle, near).first_m_s)
        mass = lander.mass_after_kg(down, mass_kg)
        descent = descend(
            Vehicle(mass, lander.thrust_n, lander.specific_impulse_s, least_throttle=0.2),
            perilune_altitude_m=low,
            apolune_altitude_m=high,
            site_height_m=mission.site.height_m,
        )
        begin = self.turns["landing"] - descent.duration_s
        self._add(
            "descent", begin, descent.delta_v_m_s, descent.duration_s, mass, descent.landed_mass_kg,
            f"{down:.0f} m/s before, from {high / 1e3:.0f} km",
        )  # fmt: skip
        sun = float(self.almanac.sun(mission.site, mission.dates["landing"]).elevation_deg[0])
        landed = descent.landed_mass_kg
        self._add("landing", self.turns["landing"], None, None, landed, landed, f"Sun at {sun:.1f} deg")
        ascent = self._ascent()
        self._add(
            "ascent", self.turns["ascent"], ascent.delta_v_m_s, ascent.duration_s, ascent.vehicle.mass_kg,
            float(ascent.path.mass_kg[-1]), f"to {mission.ascent_apsides_m[0] / 1e3:.0f} x "
            f"{mission.ascent_apsides_m[1] / 1e3:.0f} km",
        )  # fmt: skip
        return descent, ascent, sun

    def _ascent(self) -> Ascent:
        """Ascent of an ascender whose mass at docking is given."""
        mission, engine = self.mission, self.mission.ascender
        near, far = mission.ascent_apsides_m
        circle = MOON_RADIUS_M + mission.orbit_altitude_m
        later = hohmann(MOON_RADIUS_M + far, circle, other_radius_m=MOON_RADIUS_M + near).total_m_s
        at_cutoff = mission.ascender_kg * math.exp(later / engine.exhaust_m_s)
        mass = at_cutoff * math.exp(1850.0 / engine.exhaust_m_s)
        for _ in range(3):
            ascent = ascend(
                Vehicle(mass, engine.thrust_n, engine.specific_impulse_s),
                perilune_altitude_m=near,
                apolune_altitude_m=far,
                site_height_m=mission.site.height_m,
            )
            mass *= at_cutoff / float(ascent.path.mass_kg[-1])
        return ascent

    def _meet(self, orbit: State, ascent: Ascent) -> Rendezvous:
        """Rendezvous from the end of the ascent, in the plane through the site nearest to the orbiter's."""
        begin = self.turns["ascent"] + ascent.duration_s
        target = propagate(orbit, begin, self.env, rtol=1e-10, dense=False, method="rkn1210").final
        up = self.env.rotation(self.turns["ascent"])[0].T @ self.site
        pole = np.cross(target.position_m, target.velocity_m_s)
        onward = np.cross(pole, up)
        onward /= np.linalg.norm(onward)
        angle = float(ascent.path.downrange_m[-1]) / MOON_RADIUS_M
        outward = math.cos(angle) * up + math.sin(angle) * onward
        level = math.cos(angle) * onward - math.sin(angle) * up
        near, far = (MOON_RADIUS_M + height for height in self.mission.ascent_apsides_m)
        speed = math.sqrt(2.0 * self.env.gm_m3_s2["moon"] * far / (near * (near + far)))
        meeting = rendezvous(State(begin, near * outward, speed * level), target, self.turns["docking"], self.env)
        mass = float(ascent.path.mass_kg[-1])
        after = self.mission.ascender.mass_after_kg(meeting.total_m_s, mass)
        self._add(
            "docking", meeting.chaser.time_tdb_s, meeting.total_m_s, None, mass, after,
            f"{len(meeting.maneuvers)} impulses",
        )  # fmt: skip
        return meeting

    def _leave(self, orbit: State) -> tuple[ReturnWindows, TwoBurns, tuple[float, float, float], float]:
        """The two burns home and the entry."""
        mission = self.mission
        middle = self.turns["tei_2"] + 0.5 * mission.burns_s.get("tei_2", 0.0)
        there = propagate(orbit, middle, self.env, rtol=1e-10, dense=False, method="rkn1210").final
        pole = self.env.rotation(middle)[0] @ np.cross(there.position_m, there.velocity_m_s)
        tilt = math.degrees(math.acos(pole[2] / float(np.linalg.norm(pole))))
        node = math.degrees(math.atan2(pole[0], -pole[1]))
        aim = EntryAim(place=mission.place, interface=mission.interface, free="range")
        home = scan_returns(
            self.almanac, default_timescale().utc(np.array([middle])), [self.turns["entry"] - middle],
            LunarCircle(mission.tei_altitude_m, tilt, node), aim,
        )  # fmt: skip
        if not home.converged[0]:
            raise ModelError("no return was found", where="round trip", advice="give other dates of the return")
        out = home.state(0)
        circling = out.velocity_m_s - home.burns_m_s[0]
        radius = float(np.linalg.norm(out.position_m))
        period = (middle - self.turns["tei_1"]) / mission.tei_revolutions
        wanted = ellipse_speed_m_s(radius, period, self.env.gm_m3_s2["moon"])
        part = _zero(lambda x: float(np.linalg.norm(circling + x * home.burns_m_s[0])) - wanted, 0.3, 0.7)
        along = circling + part * home.burns_m_s[0]
        along *= float(np.linalg.norm(out.velocity_m_s)) / float(np.linalg.norm(along))
        split = two_burns(out.with_velocity(along), self.turns["tei_1"], self.env, mission.tei_revolutions)
        before = along * (1.0 - split.second_m_s / float(np.linalg.norm(along)))
        first = self._first_burn(orbit, split)
        change = out.velocity_m_s - before
        size, mass = float(np.linalg.norm(change)), mission.orbiter_kg
        left = mission.main.mass_after_kg(first, mass)
        self._add(
            "tei_1", split.first_s, first, mission.main.seconds(first, mass), mass, left,
            f"then {split.first_altitude_m / 1e3:.0f} x {split.apolune_altitude_m / 1e3:.0f} km", centred=True,
        )  # fmt: skip
        loss = _loss_m_s(out.with_velocity(before), change, mission.small, left, self.env)
        after = mission.small.mass_after_kg(size + loss, left)
        self._add(
            "tei_2", middle, size + loss, mission.small.seconds(size + loss, left), left, after,
            f"at {mission.tei_altitude_m / 1e3:.0f} km, loss {loss:.0f} m/s", centred=True,
        )  # fmt: skip
        entry = home.entry(0)
        self._add(
            "entry", entry.time_tdb_s, None, None, after, after,
            f"{entry.speed_m_s / 1e3:.3f} km/s at {entry.latitude_deg:.1f} N {entry.longitude_deg:.1f} E",
        )  # fmt: skip
        self._add(
            "capsule_landing", self.turns["capsule_landing"], None, None, after, after,
            f"{home.range_m[0] / 1e3:.0f} km from the interface",
        )  # fmt: skip
        return home, split, (first, size, float(home.tei_m_s[0])), loss

    def _first_burn(self, orbit: State, split: TwoBurns) -> float:
        """Change of velocity from a circle in the orbiter's plane into the ellipse [m/s]."""
        there = propagate(orbit, split.first_s, self.env, rtol=1e-10, dense=False, method="rkn1210").final
        ellipse = split.ellipse
        onward = np.cross(np.cross(there.position_m, there.velocity_m_s), ellipse.position_m)
        distance = float(np.linalg.norm(ellipse.position_m))
        circling = math.sqrt(self.env.gm_m3_s2["moon"] / distance) * onward / np.linalg.norm(onward)
        return float(np.linalg.norm(ellipse.velocity_m_s - circling))

    def _tdb(self, utc: np.datetime64) -> float:
        """TDB seconds of a date."""
        return float(self.env.tdb_s(utc))

    def _add(
        self,
        name: str,
        tdb_s: float,
        delta_v: float | None,
        burn_s: float | None,
        before: float,
        after: float,
        note: str,
        *,
        published: str | None = None,
        centred: bool = False,
    ) -> None:
        """Record an event; a burn that is centred on its instant is dated by its ignition."""
        begin = tdb_s - (0.5 * burn_s if centred and burn_s else 0.0)
        utc = default_timescale().utc(np.array([begin]))[0]
        stated = np.datetime64(self.mission.dates[published or name], "ms")
        told = self.mission.burns_s.get(name)
        self.events.append(ChainEvent(name, utc, stated, delta_v, burn_s, told, before, after, note))


def _loss_m_s(before: State, change: Floats, engine: Engine, mass_kg: float, env: Environment) -> float:
    """Velocity that a burn round an instant needs beyond the impulse there, to leave with the same energy.

    The thrust keeps the direction of the impulse in axes along the motion.
    """
    size = float(np.linalg.norm(change))
    direction = motion_axes(before.position_m, before.velocity_m_s) @ (change / size)
    wanted = _energy(before.with_velocity(before.velocity_m_s + change), env)

    def excess(speed: float) -> float:
        half = 0.5 * engine.seconds(speed, mass_kg)
        early = propagate(before, before.time_tdb_s - half, env, rtol=1e-10, dense=False, method="rkn1210").final
        start = State(early.time_tdb_s, early.position_m, early.velocity_m_s, mass_kg=mass_kg)
        burn = Burn(
            start.time_tdb_s, engine.thrust_n, engine.specific_impulse_s, delta_v_m_s=speed, direction=direction
        )
        end = propagate(start, start.time_tdb_s + 2.0 * half, env, rtol=1e-10, burns=[burn], dense=False).final
        return _energy(end, env) - wanted

    return _zero(excess, size, 1.1 * size) - size


def _energy(state: State, env: Environment) -> float:
    """Energy for its mass, round the Moon as a point."""
    speed = float(state.velocity_m_s @ state.velocity_m_s)
    return 0.5 * speed - env.gm_m3_s2["moon"] / float(np.linalg.norm(state.position_m))


def _zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function is zero, by secants."""
    one, two = function(low), function(high)
    for _ in range(20):
        if abs(high - low) < 1e-4 or two == one:
            break
        low, high, one = high, high - two * (high - low) / (two - one), two
        two = function(high)
    return high
