"""Arrival at the Earth: the entry interface, speeds against stars and ground, the way on to a landing place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.flight.environment import EARTH_GM_M3_S2
from moonpost.sky.apparent import EARTH_RADIUS_M

if TYPE_CHECKING:
    from moonpost.flight.state import State

__all__ = [
    "EARTH_RATE_RAD_S",
    "LANDING_PLACES",
    "Entry",
    "Interface",
    "LandingPlace",
    "compass",
    "earth_turn",
    "landing_place",
]

Floats = npt.NDArray[np.float64]

EARTH_RATE_RAD_S = 7.292115e-5
"""Angular velocity of the Earth (WGS 84) [rad/s]."""

_ECCENTRICITY_SQUARED = 6.69437999014e-3


@dataclass(frozen=True)
class Interface:
    """Where the atmosphere is said to begin, and how steeply it is met.

    Parameters
    ----------
    altitude_m : float, default 120e3
        Altitude above the sphere of 6378.137 km [m].
    flight_path_deg : float, default -6.0
        Angle of the velocity against stars above the horizon, negative for down [deg].

    Raises
    ------
    InputError
        If the altitude is not 0 to 1000 km, or the angle not between -90 and 0 deg.

    Examples
    --------
    >>> round(Interface().perigee_m(10_980.0) / 1e3 - 6378.1)
    48
    """

    altitude_m: float = 120e3
    flight_path_deg: float = -6.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.altitude_m <= 1e6:
            raise InputError(
                f"{self.altitude_m} m is no altitude of entry", where="altitude_m", advice="give 0 to 1e6 m"
            )
        if not -90.0 < self.flight_path_deg < 0.0:
            raise InputError(
                f"{self.flight_path_deg} deg leads to no entry",
                where="flight_path_deg",
                advice="give an angle between -90 and 0, such as -6",
            )

    @property
    def radius_m(self) -> float:
        """Distance from the centre of the Earth [m].

        Returns
        -------
        float
        """
        return EARTH_RADIUS_M + self.altitude_m

    def perigee_m(self, speed_m_s: float) -> float:
        """Distance of the perigee that would follow without an atmosphere.

        Parameters
        ----------
        speed_m_s : float
            Speed at the interface against stars [m/s].

        Returns
        -------
        float
            From the centre of the Earth [m].

        Raises
        ------
        InputError
            If the speed is not above zero.

        Notes
        -----
        Two bodies: momentum r v cos(angle) and energy give semilatus rectum and eccentricity.
        """
        if not (math.isfinite(speed_m_s) and speed_m_s > 0.0):
            raise InputError(f"{speed_m_s} m/s is no speed", where="speed_m_s", advice="give m/s above 0")
        momentum = self.radius_m * speed_m_s * math.cos(math.radians(self.flight_path_deg))
        energy = 0.5 * speed_m_s**2 - EARTH_GM_M3_S2 / self.radius_m
        parameter = momentum**2 / EARTH_GM_M3_S2
        eccentricity = math.sqrt(max(0.0, 1.0 + 2.0 * energy * parameter / EARTH_GM_M3_S2))
        return parameter / (1.0 + eccentricity)


@dataclass(frozen=True)
class LandingPlace:
    """Where a capsule is to come down.

    Parameters
    ----------
    name : str
        Its name.
    latitude_deg : float
        Geodetic latitude (WGS 84), -89 to 89 [deg].
    longitude_deg : float
        East longitude, -180 to 360 [deg].
    source : str, default ""
        Where the coordinates are from.

    Raises
    ------
    InputError
        If a coordinate is not finite or out of range.

    Examples
    --------
    >>> LandingPlace("mine", 42.0, 111.0).unit.round(3).tolist()
    [-0.267, 0.696, 0.667]
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    source: str = ""

    def __post_init__(self) -> None:
        if not (-89.0 <= self.latitude_deg <= 89.0 and -180.0 <= self.longitude_deg <= 360.0):
            raise InputError(
                f"{self.latitude_deg}, {self.longitude_deg} is no landing place",
                where="landing place",
                advice="give a latitude of -89 to 89 and a longitude of -180 to 360 deg",
            )

    @property
    def unit(self) -> Floats:
        """Direction from the centre of the Earth, in axes fixed in it.

        Returns
        -------
        ndarray, shape (3,)
        """
        return _unit(self.latitude_deg, self.longitude_deg)


_STATED = (
    LandingPlace(
        "siziwang", 42.35, 111.43, "Siziwang Banner, field of the Shenzhou and Chang'e capsules, to 0.1 deg"
    ),
    LandingPlace("utah", 40.365, -113.521, "Utah Test and Training Range, where Stardust landed (NASA, 2006)"),
    LandingPlace("pacific", 13.30, -169.15, "splashdown of Apollo 11 (Orloff 2000, NASA SP-4029)"),
    LandingPlace("kazakhstan", 47.4, 68.6, "80 km south-east of Dzhezkazgan, where Luna 16 landed (NSSDC)"),
    LandingPlace("woomera", -31.2, 136.8, "Woomera village beside the range where Hayabusa2's capsule landed"),
)

LANDING_PLACES: dict[str, LandingPlace] = {place.name: place for place in _STATED}
"""Landing places by name: siziwang, utah, pacific, kazakhstan, woomera."""


def landing_place(text: str | LandingPlace) -> LandingPlace:
    """A landing place by its name or its coordinates.

    Parameters
    ----------
    text : str or LandingPlace
        A name of `LANDING_PLACES`, or latitude and east longitude with a comma between [deg].

    Returns
    -------
    LandingPlace

    Raises
    ------
    UnknownNameError
        If there is no place of that name.
    InputError
        If a coordinate is out of range.

    Examples
    --------
    >>> landing_place("Siziwang").latitude_deg, landing_place("-31.2,136.8").longitude_deg
    (42.35, 136.8)
    """
    if isinstance(text, LandingPlace):
        return text
    parts = text.split(",")
    if len(parts) == 2:
        try:
            latitude, longitude = (float(part) for part in parts)
        except ValueError as error:
            raise InputError(
                f"{text!r} is not made of numbers", where="landing place", advice="give LATITUDE,LONGITUDE"
            ) from error
        return LandingPlace(text, latitude, longitude, "as given")
    name = text.strip().lower()
    if name not in LANDING_PLACES:
        raise UnknownNameError(text, LANDING_PLACES, kind="landing place", where="landing place")
    return LANDING_PLACES[name]


def earth_turn(tdb_s: npt.ArrayLike) -> Floats:
    """Rotations from J2000 axes to axes fixed in the Earth.

    Parameters
    ----------
    tdb_s : array_like, shape (n,)
        TDB since J2000 [s].

    Returns
    -------
    ndarray, shape (n, 3, 3)
        ``v_fixed = m @ v_j2000``.

    Notes
    -----
    IAU 2000A nutation and sidereal time as in `moonpost.sky.stations`, without polar motion. Terrestrial Time is
    taken as TDB: 2 ms, or 0.1 m on the ground.

    Examples
    --------
    >>> turn = earth_turn(0.0)[0]
    >>> bool(np.allclose(turn @ turn.T, np.eye(3), atol=1e-8))
    True
    """
    from moonpost.sky.stations import earth_rotation

    turned = earth_rotation(np.atleast_1d(np.asarray(tdb_s, dtype=np.float64)))
    return np.ascontiguousarray(np.moveaxis(turned, -1, 0))


@dataclass(frozen=True)
class Entry:
    """A passage through the entry interface; make one with `Entry.of`.

    Parameters
    ----------
    time_tdb_s : float
        Instant, TDB since J2000 [s].
    latitude_deg, longitude_deg : float
        Geodetic latitude and east longitude below it [deg].
    altitude_m : float
        Above the sphere of 6378.137 km [m].
    speed_m_s, flight_path_deg, heading_deg : float
        Velocity against stars [m/s], its angle above the horizon and its azimuth from north [deg].
    ground_speed_m_s, ground_path_deg, ground_heading_deg : float
        The same against the turning Earth.
    inclination_deg : float
        Inclination of the orbit to the Earth's equator of date [deg].
    perigee_altitude_m : float
        Altitude of the perigee without an atmosphere; negative in the ground [m].
    """

    time_tdb_s: float
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    speed_m_s: float
    flight_path_deg: float
    heading_deg: float
    ground_speed_m_s: float
    ground_path_deg: float
    ground_heading_deg: float
    inclination_deg: float
    perigee_altitude_m: float

    @classmethod
    def of(cls, state: State) -> Self:
        """Describe a state near the Earth.

        Parameters
        ----------
        state : State
            From the centre of the Earth; usually at the interface.

        Returns
        -------
        Entry

        Raises
        ------
        InputError
            If the state has another centre.

        Examples
        --------
        >>> from moonpost.flight.state import State
        >>> high = State(0.0, np.array([6498e3, 0, 0]), np.array([-1150.0, 0, 10930.0]), "earth")
        >>> entry = Entry.of(high)
        >>> round(entry.speed_m_s), round(entry.flight_path_deg, 1), round(entry.inclination_deg)
        (10990, -6.0, 90)
        """
        if state.centre != "earth":
            raise InputError(
                f"the state is from the centre of the {state.centre}",
                where="state",
                advice="use state.from_centre('earth', environment)",
            )
        turn = earth_turn(state.time_tdb_s)[0]
        r, v = turn @ state.position_m, turn @ state.velocity_m_s
        distance = float(np.linalg.norm(r))
        over_ground = v - EARTH_RATE_RAD_S * np.array([-r[1], r[0], 0.0])
        momentum = np.cross(r, v)
        speed, path, heading = _course(r, v)
        ground_speed, ground_path, ground_heading = _course(r, over_ground)
        level = math.hypot(r[0], r[1])
        perigee, _ = state.apsides_m(EARTH_GM_M3_S2)
        return cls(
            time_tdb_s=state.time_tdb_s,
            latitude_deg=math.degrees(math.atan2(r[2], (1.0 - _ECCENTRICITY_SQUARED) * level)),
            longitude_deg=math.degrees(math.atan2(r[1], r[0])),
            altitude_m=distance - EARTH_RADIUS_M,
            speed_m_s=speed,
            flight_path_deg=path,
            heading_deg=heading,
            ground_speed_m_s=ground_speed,
            ground_path_deg=ground_path,
            ground_heading_deg=ground_heading,
            inclination_deg=math.degrees(math.acos(momentum[2] / float(np.linalg.norm(momentum)))),
            perigee_altitude_m=perigee - EARTH_RADIUS_M,
        )

    def track_deg(self, range_m: float, count: int = 91) -> Floats:
        """Ground track from below the interface onwards.

        Parameters
        ----------
        range_m : float
            How far to follow it over ground [m].
        count : int, default 91
            How many points.

        Returns
        -------
        ndarray, shape (count, 2)
            Geodetic latitude and east longitude [deg].

        Raises
        ------
        InputError
            If the range or the count cannot be used.

        Notes
        -----
        The great circle of a sphere of 6378.137 km that leaves in the direction of the velocity over ground. Lift
        and the turn of the Earth under the skip bend a real track by up to some hundred kilometres, which the
        capsule has to steer out.
        """
        if not (0.0 < range_m < math.pi * EARTH_RADIUS_M and count >= 2):
            raise InputError(
                f"range {range_m} m, {count} points",
                where="track",
                advice="give a range under 20,000 km, 2 points",
            )
        from_centre, onward = self._axes()
        angles = np.linspace(0.0, range_m / EARTH_RADIUS_M, count)[:, None]
        points = np.cos(angles) * from_centre + np.sin(angles) * onward
        latitude = np.arctan2(points[:, 2], (1.0 - _ECCENTRICITY_SQUARED) * np.hypot(points[:, 0], points[:, 1]))
        return np.degrees(np.stack([latitude, np.arctan2(points[:, 1], points[:, 0])], axis=1))

    def ranges_m(self, place: LandingPlace) -> tuple[float, float]:
        """How far a landing place lies down the track and beside it.

        Parameters
        ----------
        place : LandingPlace
            The place.

        Returns
        -------
        tuple of float
            Down-range, 0 to 40,075 km, and cross-range, positive to the left of the track [m].

        Examples
        --------
        >>> from moonpost.flight.state import State
        >>> north = Entry.of(State(0.0, np.array([6498e3, 0, 0]), np.array([-1150.0, 473.8, 10930.0]), "earth"))
        >>> ahead = LandingPlace("ahead", 50.0, north.longitude_deg)
        >>> [round(distance / 1e3, -1) for distance in north.ranges_m(ahead)]
        [5550.0, 0.0]
        """
        from_centre, onward = self._axes()
        unit = place.unit
        across = np.cross(from_centre, onward)
        ahead = math.atan2(float(unit @ onward), float(unit @ from_centre)) % (2.0 * math.pi)
        return EARTH_RADIUS_M * ahead, EARTH_RADIUS_M * math.asin(float(np.clip(unit @ across, -1.0, 1.0)))

    def _axes(self) -> tuple[Floats, Floats]:
        """Directions, fixed in the Earth, from its centre and along the track."""
        unit = _unit(self.latitude_deg, self.longitude_deg)
        north, east = compass(unit)
        heading = math.radians(self.ground_heading_deg)
        return unit, math.cos(heading) * north + math.sin(heading) * east


def _unit(latitude_deg: float, longitude_deg: float) -> Floats:
    """Direction from the centre of the Earth to a geodetic latitude and a longitude."""
    geodetic, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    latitude = math.atan2((1.0 - _ECCENTRICITY_SQUARED) * math.sin(geodetic), math.cos(geodetic))
    level = math.cos(latitude)
    return np.array([level * math.cos(longitude), level * math.sin(longitude), math.sin(latitude)])


def compass(unit: Floats) -> tuple[Floats, Floats]:
    """Directions of north and east at places on a sphere.

    Parameters
    ----------
    unit : ndarray, shape (..., 3)
        Directions from the centre, in axes fixed in the Earth; not the poles.

    Returns
    -------
    tuple of ndarray, shape (..., 3)
        North and east.

    Examples
    --------
    >>> north, east = compass(np.array([1.0, 0.0, 0.0]))
    >>> (north + 0.0).tolist(), (east + 0.0).tolist()
    ([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    """
    level = np.hypot(unit[..., 0], unit[..., 1])[..., None]
    east = np.stack([-unit[..., 1], unit[..., 0], np.zeros_like(unit[..., 0])], axis=-1) / level
    return np.cross(unit, east), east


def _course(position: Floats, velocity: Floats) -> tuple[float, float, float]:
    """Speed, angle above the horizon and azimuth of a velocity [m/s, deg, deg]."""
    unit = position / np.linalg.norm(position)
    north, east = compass(unit)
    speed = float(np.linalg.norm(velocity))
    path = math.degrees(math.asin(float(np.clip(unit @ velocity / speed, -1.0, 1.0))))
    return speed, path, math.degrees(math.atan2(float(east @ velocity), float(north @ velocity))) % 360.0
