"""Ways into shadow and back: by hops or by driving, with their time, energy and propellant."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.chain import propellant_fraction
from moonpost.flight.hop import Hop, hop
from moonpost.sky.site import MOON_RADIUS_M, Site

if TYPE_CHECKING:
    from moonpost.terrain.surface import Terrain
    from moonpost.terrain.traverserover import Rover

__all__ = ["HopEngine", "Way", "arc_m", "drive_path", "drive_way", "hop_way"]

Floats = npt.NDArray[np.float64]

_GRAVITY = 1.622
_ANGLES_DEG = (None, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0)
_MOST_HOPS = 200
_END_SHARE = 0.04


@dataclass(frozen=True)
class HopEngine:
    """What a hopper flies with.

    Parameters
    ----------
    propellant_kg : float
        Propellant on board at the start [kg].
    specific_impulse_s : float
        Specific impulse [s].
    losses : float
        Velocity over that of the impulses: finite thrust, rise, hovering over the landing place [1].
    reserve_kg : float
        Propellant that must be left at the end [kg].
    hop_m : float
        Longest single hop [m].
    pause_s : float
        Time on the ground between two hops [s].
    clearance_m : float
        Least height of the flight above the ground between start and landing [m].

    Raises
    ------
    InputError
        If a number is of no use.

    Examples
    --------
    >>> HopEngine(30.0).losses
    1.2
    """

    propellant_kg: float
    specific_impulse_s: float = 225.0
    losses: float = 1.2
    reserve_kg: float = 0.0
    hop_m: float = 10_000.0
    pause_s: float = 1800.0
    clearance_m: float = 20.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("propellant_kg", 0.0, 1e6),
            ("specific_impulse_s", 20.0, 5000.0),
            ("losses", 1.0, 5.0),
            ("reserve_kg", 0.0, 1e6),
            ("hop_m", 1.0, 5e6),
            ("pause_s", 0.0, 1e7),
            ("clearance_m", 0.0, 1e5),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{value!r}", where=name, advice=f"give {low:g} to {high:g}")


@dataclass(frozen=True)
class Way:
    """One way, out or back.

    Parameters
    ----------
    by : str
        ``"hop"`` or ``"drive"``.
    distance_m : float
        Length over the ground [m].
    duration_s : float
        Time that it takes [s].
    power_w : float
        Mean electric power while it lasts, on top of what the machine draws when awake [W].
    propellant_kg : float
        Propellant burnt [kg].
    delta_v_m_s : float
        Velocity by the rocket equation [m/s]; 0 for driving.
    hops : int
        Number of hops; 0 for driving.
    climb_m : float
        Height gained less height lost [m].
    notes : tuple of str
        What was assumed.
    """

    by: Literal["hop", "drive"]
    distance_m: float
    duration_s: float
    power_w: float
    propellant_kg: float
    delta_v_m_s: float
    hops: int
    climb_m: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON.

        Returns
        -------
        dict
            Rounded, and `energy_wh` on the way besides what the machine draws when awake.
        """
        return {
            "by": self.by,
            "distance_m": round(self.distance_m, 1),
            "duration_s": round(self.duration_s, 1),
            "energy_wh": round(self.power_w * self.duration_s / 3600.0, 3),
            "propellant_kg": round(self.propellant_kg, 3),
            "delta_v_m_s": round(self.delta_v_m_s, 2),
            "hops": self.hops,
            "climb_m": round(self.climb_m, 1),
            "notes": list(self.notes),
        }


def arc_m(start: Site, stop: Site) -> float:
    """Distance between two places along the sphere of 1737.4 km.

    Parameters
    ----------
    start, stop : Site
        The places.

    Returns
    -------
    float
        [m]

    Examples
    --------
    >>> round(arc_m(Site(0.0, 0.0), Site(0.0, 1.0)))
    30323
    """
    a, b = start.basis[2], stop.basis[2]
    return float(MOON_RADIUS_M * math.atan2(float(np.linalg.norm(np.cross(a, b))), float(np.dot(a, b))))


def hop_way(
    engine: HopEngine,
    mass_kg: float,
    distance_m: float,
    *,
    start_height_m: float = 0.0,
    stop_height_m: float = 0.0,
    ground_m: Callable[[Floats], npt.ArrayLike] | None = None,
    flight_w: float = 0.0,
) -> Way:
    """A way in equal hops, each as flat as the ground lets it.

    Parameters
    ----------
    engine : HopEngine
        Propellant, engine and limits.
    mass_kg : float
        Mass at the start of the way, propellant included [kg].
    distance_m : float
        Length [m].
    start_height_m, stop_height_m : float
        Heights of the ends above the 1737.4 km sphere [m].
    ground_m : callable, optional
        Heights of the ground at distances from the start [m]; a straight slope between the ends if not given.
    flight_w : float
        Power in flight on top of that when awake [W].

    Returns
    -------
    Way
        Time, propellant and mean power, pauses between hops included.

    Raises
    ------
    InputError
        If a number is of no use.
    ModelError
        If there are too many hops, or no hop of up to 80 deg clears the ground.

    Notes
    -----
    Each hop is ballistic with the least speed, or steeper in steps of 5 deg from 50 until its flight stays
    `clearance_m` above the ground (4 percent of the hop at each end apart, where it rises and lands). Its two
    impulses count `losses` times.

    Examples
    --------
    >>> way = hop_way(HopEngine(30.0), 100.0, 5000.0, stop_height_m=-800.0)
    >>> way.hops, round(way.propellant_kg, 1)
    (1, 9.4)
    """
    for name, value in (("mass_kg", mass_kg), ("distance_m", distance_m)):
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"{value!r}", where=name, advice="give a number above 0")
    count = math.ceil(distance_m / engine.hop_m - 1e-9)
    if count > _MOST_HOPS:
        raise ModelError(f"{count} hops", where="hop_way", advice="allow longer hops (hop_m)")
    edges = np.linspace(0.0, distance_m, count + 1)
    heights = np.interp(edges, [0.0, distance_m], [start_height_m, stop_height_m])
    if ground_m is not None:
        heights[1:-1] = np.asarray(ground_m(edges[1:-1]), dtype=float)
    if not np.isfinite(heights).all():
        raise ModelError(
            "the ground is not known on the way", where="hop_way", advice="give terrain that holds it"
        )
    left_kg, flight_s, delta_v, notes = mass_kg, 0.0, 0.0, []
    for k in range(count):
        flown = _clear_hop(engine, edges[k], edges[k + 1], (float(heights[k]), float(heights[k + 1])), ground_m)
        spent = engine.losses * flown.delta_v_m_s
        left_kg *= 1.0 - propellant_fraction(spent, engine.specific_impulse_s)
        flight_s += flown.duration_s
        delta_v += spent
    total_s = flight_s + (count - 1) * engine.pause_s
    notes.append(f"velocity of the impulses times {engine.losses:g} for finite thrust and hovering")
    return Way(
        "hop",
        distance_m,
        total_s,
        flight_w * flight_s / total_s,
        mass_kg - left_kg,
        delta_v,
        count,
        stop_height_m - start_height_m,
        tuple(notes),
    )


def _clear_hop(
    engine: HopEngine,
    start_m: float,
    stop_m: float,
    heights_m: tuple[float, float],
    ground_m: Callable[[Floats], npt.ArrayLike] | None,
) -> Hop:
    """The flattest hop that clears the ground."""
    span = stop_m - start_m
    along = np.linspace(_END_SHARE, 1.0 - _END_SHARE, 47) * span
    ground = None if ground_m is None else np.asarray(ground_m(start_m + along), dtype=float)
    for angle_deg in _ANGLES_DEG:
        try:
            flown = hop(span, start_height_m=heights_m[0], stop_height_m=heights_m[1], launch_angle_deg=angle_deg)
        except ModelError:
            continue
        if ground is None or np.nanmin(flown.height_m(along) - ground) >= engine.clearance_m:
            return flown
    raise ModelError(
        f"no hop from {start_m / 1e3:.2f} to {stop_m / 1e3:.2f} km clears the ground by {engine.clearance_m:g} m",
        where="hop_way",
        advice="hop another way round, or allow longer hops (hop_m)",
    )


def drive_way(
    rover: Rover,
    distance_m: float,
    *,
    climb_m: float = 0.0,
    slope_deg: float | None = None,
    detour: float = 1.0,
    notes: tuple[str, ...] = (),
) -> Way:
    """A way on wheels.

    Parameters
    ----------
    rover : Rover
        Speed, slopes and power of driving.
    distance_m : float
        Length [m].
    climb_m : float
        Height at the end less height at the start [m].
    slope_deg : float, optional
        Mean slope along it for the speed [deg]; that of the climb if not given.
    detour : float
        Length over `distance_m`, where that is a straight line.
    notes : tuple of str
        Passed on.

    Returns
    -------
    Way
        Time and mean power. Downhill nothing comes back.

    Raises
    ------
    InputError
        If a number is of no use.
    ModelError
        If it is steeper than the rover can drive.

    Examples
    --------
    >>> from moonpost.terrain import Rover
    >>> way = drive_way(Rover("plain", speed_m_s=0.1), 3600.0, climb_m=-100.0)
    >>> round(way.duration_s / 3600.0, 1), round(way.power_w)
    (10.4, 60)
    """
    for name, value, low in (("distance_m", distance_m, 1e-3), ("detour", detour, 1.0)):
        if not (math.isfinite(value) and value >= low):
            raise InputError(f"{value!r}", where=name, advice=f"give {low:g} or more")
    if not math.isfinite(climb_m):
        raise InputError(f"{climb_m!r}", where="climb_m", advice="give metres")
    length = distance_m * detour
    steep = math.degrees(math.atan2(abs(climb_m), length)) if slope_deg is None else abs(slope_deg)
    speed = rover.speed_on(steep)
    if speed <= 0.0:
        raise ModelError(
            f"{steep:.1f} deg is steeper than {rover.name} drives ({rover.max_slope_deg:g} deg)",
            where="drive_way",
            advice="hop, or find another way",
        )
    duration = length / speed
    lift_w = rover.mass_kg * _GRAVITY * max(climb_m, 0.0) / rover.drive_efficiency / duration
    return Way("drive", length, duration, rover.drive_power_w + lift_w, 0.0, 0.0, 0, climb_m, notes)


def drive_path(terrain: Terrain, start: Site, stop: Site, rover: Rover, *, cell_m: float | None = None) -> Way:
    """The shortest drivable way over terrain, whatever the light.

    Parameters
    ----------
    terrain : Terrain
        Heights.
    start, stop : Site
        The ends.
    rover : Rover
        Steepest ground, speed and power.
    cell_m : float, optional
        Cells [m]; those of the terrain at the start if not given, or coarser so that a map holds 400 of them.

    Returns
    -------
    Way
        At the speed of half the steepest slope.

    Raises
    ------
    ModelError
        If no way stays below the rover's steepest slope.

    Examples
    --------
    >>> from moonpost.terrain import Rover, Terrain
    >>> terrain = Terrain.default("south")
    >>> ends = terrain.site(-89.45, 222.0), terrain.site(-89.4, 215.0)
    >>> drive_path(terrain, *ends, Rover("any", max_slope_deg=40.0)).distance_m > arc_m(*ends)
    True
    """
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.haven import haven_distance
    from moonpost.terrain.rasters import height_map

    straight = arc_m(start, stop)
    side = 2.0 * straight + 8.0 * (cell_m or 0.0)
    cell = cell_m or max(float(terrain.resolution_m(start.latitude_deg, start.longitude_deg)), side / 400.0)
    area = MapArea.about(start.latitude_deg, start.longitude_deg, max(2.6 * straight, 24.0 * cell), cell_m=cell)
    height = height_map(terrain, area)
    latitude, longitude = area.places()
    goal = np.zeros(area.shape)
    goal[_nearest(latitude, longitude, stop)] = 1.0
    spot = area.array(goal, name="goal", units="1", long_name="goal", source="given")
    speed = rover.speed_on(0.5 * rover.max_slope_deg)
    found = haven_distance(height, spot, slope_limit_deg=rover.max_slope_deg, speed_m_s=speed)
    length = float(found["haven_distance_m"].values[_nearest(latitude, longitude, start)])
    if not math.isfinite(length):
        raise ModelError(
            f"no way of slopes up to {rover.max_slope_deg:g} deg on cells of {cell:g} m",
            where="drive_path",
            advice="hop, choose another goal, or give a rover that climbs more",
        )
    note = f"slopes up to {rover.max_slope_deg:g} deg on cells of {cell:g} m, at the speed of half of that"
    length = max(length, straight)
    climb = stop.height_m - start.height_m
    return drive_way(rover, length, climb_m=climb, slope_deg=0.5 * rover.max_slope_deg, notes=(note,))


def _nearest(latitude_deg: Floats, longitude_deg: Floats, site: Site) -> tuple[int, int]:
    """Row and column of the cell at a place."""
    lat, lon = np.deg2rad(latitude_deg), np.deg2rad(longitude_deg)
    up = site.basis[2]
    cosine = np.cos(lat) * (np.cos(lon) * up[0] + np.sin(lon) * up[1]) + np.sin(lat) * up[2]
    row, col = np.unravel_index(int(np.argmax(cosine)), cosine.shape)
    return int(row), int(col)


def ground_along(terrain: Terrain, start: Site, stop: Site) -> Callable[[Floats], Floats]:
    """Heights of the ground on the great circle between two places, by distance from the first."""
    a, b = start.basis[2], stop.basis[2]
    total = arc_m(start, stop)
    across = np.asarray(b) - float(np.dot(a, b)) * np.asarray(a)
    across = across / np.linalg.norm(across)

    def height_m(distance_m: Floats) -> Floats:
        turn = np.asarray(distance_m, dtype=float)[:, None] / MOON_RADIUS_M
        x, y, z = (np.cos(turn) * np.asarray(a) + np.sin(turn) * across).T
        latitude, longitude = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
        return np.asarray(terrain.height_m(latitude, longitude), dtype=float)

    if not total > 0.0:
        raise InputError("start and goal are the same place", where="to", advice="give another goal")
    return height_m
