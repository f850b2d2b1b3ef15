"""The state of a spacecraft: when, where and how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment, Instant

__all__ = ["Centre", "Scale", "State", "tdb_seconds"]

Floats = npt.NDArray[np.float64]
Centre = Literal["moon", "earth"]
"""Body in whose centre positions start."""
Scale = Literal["UTC", "TDB"]
"""Time scale of a written date."""

_J2000 = np.datetime64("2000-01-01T12:00:00.000", "ms")
_AXES = "J2000"
_FARTHEST_M, _FASTEST_M_S = 3e9, 1e5


def tdb_seconds(t: TimeLike, scale: Scale = "UTC") -> Floats:
    """Seconds of TDB since J2000 of dates written in UTC or in TDB.

    Parameters
    ----------
    t : datetime64 array or other times
        Dates as `moonpost.sky.times.as_utc` reads them, to 1 ms.
    scale : {"UTC", "TDB"}, default "UTC"
        The scale they are written in. A date in TDB must not carry an offset or a Z.

    Returns
    -------
    ndarray
        TDB since 2000-01-01T12:00 TDB [s].

    Raises
    ------
    DateError
        If a date cannot be read, or carries an offset although it is meant as TDB.
    InputError
        If the scale is another.

    Examples
    --------
    >>> float(tdb_seconds("2030-01-01", "TDB")), round(float(tdb_seconds("2030-01-01")), 3)
    (946728000.0, 946728069.184)
    """
    if scale not in ("UTC", "TDB"):
        raise InputError(f"{scale!r} is no time scale", where="scale", advice="give UTC or TDB")
    if scale == "UTC":
        return default_timescale().tdb_s(as_utc(t))
    text = np.asarray(t)
    if text.dtype.kind in "US" and any(_has_offset(str(item)) for item in text.ravel().tolist()):
        raise DateError(
            f"{np.asarray(t)!s} carries an offset from UTC",
            where="t",
            advice="write a TDB date without Z or offset",
        )
    return np.asarray((as_utc(t) - _J2000) / np.timedelta64(1, "s"), dtype=np.float64)


def _has_offset(text: str) -> bool:
    """Whether a written date ends with Z or an offset."""
    clock = text.strip()[10:]
    return clock.endswith(("Z", "z")) or "+" in clock or "-" in clock


@dataclass(frozen=True, eq=False)
class State:
    """Position and velocity of a spacecraft at an instant.

    Parameters
    ----------
    time_tdb_s : float
        Instant, TDB since J2000 [s].
    position_m : ndarray, shape (3,)
        From the centre [m].
    velocity_m_s : ndarray, shape (3,)
        Relative to the centre [m/s].
    centre : {"moon", "earth"}, default "moon"
        Body in whose centre positions start.
    axes : str, default "J2000"
        Directions of the axes: those of J2000 (ICRF), the only ones here.
    mass_kg : float or None, default None
        Mass, needed for burns [kg].

    Raises
    ------
    InputError
        If a number is not finite, a shape is another or the centre or the axes are not known.

    Examples
    --------
    >>> state = State.at("2030-01-01", [1838e3, 0, 0], [0, 0, 1633.0], scale="TDB")
    >>> state.time_tdb_s, state.centre, state.axes
    (946728000.0, 'moon', 'J2000')
    """

    time_tdb_s: float
    position_m: Floats
    velocity_m_s: Floats
    centre: Centre = "moon"
    axes: str = _AXES
    mass_kg: float | None = None

    def __post_init__(self) -> None:
        if self.centre not in ("moon", "earth") or self.axes != _AXES:
            raise InputError(
                f"centre {self.centre!r}, axes {self.axes!r}",
                where="state",
                advice="give the centre moon or earth and axes J2000",
            )
        for name in ("position_m", "velocity_m_s"):
            object.__setattr__(self, name, _vector(getattr(self, name), name))
        if not math.isfinite(self.time_tdb_s):
            raise InputError(f"{self.time_tdb_s} is no instant", where="time_tdb_s", advice="give TDB seconds")
        object.__setattr__(self, "time_tdb_s", float(self.time_tdb_s))
        if self.mass_kg is not None and not (math.isfinite(self.mass_kg) and self.mass_kg > 0):
            raise InputError(f"{self.mass_kg} is no mass", where="mass_kg", advice="give kilograms above 0")

    @classmethod
    def at(
        cls,
        t: TimeLike,
        position_m: npt.ArrayLike,
        velocity_m_s: npt.ArrayLike,
        *,
        scale: Scale = "UTC",
        centre: Centre = "moon",
        mass_kg: float | None = None,
    ) -> Self:
        """A state at a written date.

        Parameters
        ----------
        t : str, datetime or datetime64
            The date.
        position_m, velocity_m_s : array_like, shape (3,)
            From the centre in J2000 axes [m], [m/s].
        scale : {"UTC", "TDB"}, default "UTC"
            Scale of the date.
        centre : {"moon", "earth"}, default "moon"
            Body in whose centre positions start.
        mass_kg : float, optional
            Mass [kg].

        Returns
        -------
        State

        Raises
        ------
        DateError
            If the date cannot be read.
        InputError
            If a number cannot be used.
        """
        seconds = tdb_seconds(t, scale)
        if seconds.size != 1:
            raise InputError(f"{seconds.size} dates where one is needed", where="t", advice="give one date")
        return cls(
            float(seconds.ravel()[0]),
            np.asarray(position_m, dtype=np.float64),
            np.asarray(velocity_m_s, dtype=np.float64),
            centre,
            mass_kg=mass_kg,
        )

    @classmethod
    def from_km(cls, time_tdb_s: float, position_km: npt.ArrayLike, velocity_km_s: npt.ArrayLike) -> Self:
        """A state about the Moon from numbers in km and km/s, such as people type them.

        Parameters
        ----------
        time_tdb_s : float
            TDB since J2000 [s].
        position_km, velocity_km_s : array_like, shape (3,)
            From the Moon's centre in J2000 axes [km], [km/s].

        Returns
        -------
        State

        Raises
        ------
        InputError
            If a number is not finite, or too large for a flight about Earth and Moon, as metres would be: over 3
            million km or 100 km/s.

        Examples
        --------
        >>> State.from_km(0.0, [1838.0, 0.0, 0.0], [0.0, 0.0, 1.63]).velocity_m_s.tolist()
        [0.0, 0.0, 1630.0]
        """
        made = cls(
            float(time_tdb_s),
            1e3 * np.asarray(position_km, dtype=np.float64),
            1e3 * np.asarray(velocity_km_s, dtype=np.float64),
        )
        distance, speed = (float(np.linalg.norm(part)) for part in (made.position_m, made.velocity_m_s))
        if distance > _FARTHEST_M or speed > _FASTEST_M_S:
            raise InputError(
                f"{distance / 1e3:,.0f} km from the Moon at {speed / 1e3:,.0f} km/s is too far or too fast",
                where="state",
                advice="give km and km/s, not m and m/s",
            )
        return made

    @classmethod
    def circling(
        cls,
        env: Environment,
        t: Instant,
        altitude_m: float,
        inclination_deg: float,
        *,
        apolune_altitude_m: float | None = None,
        node_deg: float = 0.0,
        argument_deg: float = 0.0,
        mass_kg: float | None = None,
    ) -> Self:
        """A state at perilune of an orbit round the Moon given by its elements.

        Parameters
        ----------
        env : Environment
            Orientation of the Moon and its gravitational parameter.
        t : Instant
            UTC, or TDB seconds since J2000, in the span of the environment.
        altitude_m : float
            Altitude of perilune above the 1737.4 km sphere [m].
        inclination_deg : float
            To the lunar equator of the instant [deg].
        apolune_altitude_m : float, optional
            Altitude of apolune [m]; a circle if not given.
        node_deg : float, default 0.0
            Longitude of the ascending node, east from the prime meridian of the instant [deg].
        argument_deg : float, default 0.0
            Argument of perilune, from the ascending node [deg].
        mass_kg : float, optional
            Mass [kg].

        Returns
        -------
        State
            With the Moon as centre.

        Raises
        ------
        DateError
            If the instant lies outside the environment.
        InputError
            If a number is not finite, perilune lies in the ground or above apolune, apolune lies 3 million km
            away, or the inclination is not 0 to 180 deg.

        Examples
        --------
        >>> from moonpost.flight.environment import Environment
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
        >>> round(float(np.linalg.norm(State.circling(env, "2030-01-01", 100e3, 90.0).velocity_m_s)), 1)
        1633.5
        """
        high = altitude_m if apolune_altitude_m is None else apolune_altitude_m
        numbers = (altitude_m, high, inclination_deg, node_deg, argument_deg)
        sound = all(math.isfinite(number) for number in numbers) and 0.0 <= inclination_deg <= 180.0
        if not (sound and 0 <= altitude_m <= high <= _FARTHEST_M):
            raise InputError(
                f"altitudes {altitude_m:g} and {high:g} m, angles {inclination_deg:g}, {node_deg:g}, "
                f"{argument_deg:g} deg make no orbit",
                where="orbit",
                advice="give 0 <= perilune <= apolune, above 1737.4 km, inclination 0 to 180 deg, finite angles",
            )
        tdb = float(env.tdb_s(t))
        i, node, argument = np.radians([inclination_deg, node_deg, argument_deg])
        to_node = np.array([np.cos(node), np.sin(node), 0.0])
        across = np.array([-np.sin(node) * np.cos(i), np.cos(node) * np.cos(i), np.sin(i)])
        low, far = MOON_RADIUS_M + altitude_m, MOON_RADIUS_M + high
        speed = math.sqrt(2.0 * env.gm_m3_s2["moon"] * far / (low * (low + far)))
        outward = np.cos(argument) * to_node + np.sin(argument) * across
        onward = np.cos(argument) * across - np.sin(argument) * to_node
        back = env.rotation(tdb)[0].T
        return cls(tdb, low * back @ outward, speed * back @ onward, "moon", mass_kg=mass_kg)

    @property
    def utc(self) -> np.datetime64:
        """The instant in UTC, to 1 ms.

        Returns
        -------
        numpy.datetime64
        """
        found: np.datetime64 = default_timescale().utc(np.array([self.time_tdb_s]))[0]
        return found

    @property
    def vector(self) -> Floats:
        """Position [m] and velocity [m/s] in one array.

        Returns
        -------
        ndarray, shape (6,)
        """
        return np.concatenate([self.position_m, self.velocity_m_s])

    def __repr__(self) -> str:
        x, y, z = 1e-3 * self.position_m
        u, v, w = 1e-3 * self.velocity_m_s
        return (
            f"State({iso(self.utc)}, {self.centre}, [{x:.3f} {y:.3f} {z:.3f}] km, [{u:.6f} {v:.6f} {w:.6f}] km/s)"
        )

    def with_velocity(self, velocity_m_s: npt.ArrayLike) -> Self:
        """The same place and instant with another velocity.

        Parameters
        ----------
        velocity_m_s : array_like, shape (3,)
            Relative to the centre [m/s].

        Returns
        -------
        State
        """
        return replace(self, velocity_m_s=np.asarray(velocity_m_s, dtype=np.float64))

    def from_centre(self, centre: Centre, env: Environment) -> Self:
        """The same state seen from another centre.

        Parameters
        ----------
        centre : {"moon", "earth"}
            The other centre.
        env : Environment
            Where Moon and Earth stand; its own centre may be either.

        Returns
        -------
        State

        Raises
        ------
        DateError
            If the instant lies outside the environment.

        Examples
        --------
        >>> from moonpost.flight.environment import Environment
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
        >>> there = State.circling(env, "2030-01-01", 100e3, 90.0).from_centre("earth", env)
        >>> there.centre, round(float(np.linalg.norm(there.position_m)) / 1e6)
        ('earth', 363)
        """
        if centre == self.centre:
            return self
        shift = (env.body_state(self.centre, self.time_tdb_s) - env.body_state(centre, self.time_tdb_s))[0]
        return replace(
            self, position_m=self.position_m + shift[:3], velocity_m_s=self.velocity_m_s + shift[3:], centre=centre
        )

    def apsides_m(self, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> tuple[float, float]:
        """Nearest and farthest distance of the two-body orbit through the state.

        Parameters
        ----------
        gm_m3_s2 : float
            Gravitational parameter of the centre [m3/s2]; by default that of the Moon.

        Returns
        -------
        tuple of float
            Distances from the centre [m]; the second is infinite on a parabola or hyperbola.

        Examples
        --------
        >>> state = State(0.0, np.array([2e6, 0, 0]), np.array([0, 1700.0, 0]))
        >>> [round(distance / 1e3) for distance in state.apsides_m()]
        [2000, 2872]
        """
        r, v = self.position_m, self.velocity_m_s
        distance = float(np.linalg.norm(r))
        energy = 0.5 * float(v @ v) - gm_m3_s2 / distance
        momentum = np.cross(r, v)
        parameter = float(momentum @ momentum) / gm_m3_s2
        eccentricity = math.sqrt(max(0.0, 1.0 + 2.0 * energy * parameter / gm_m3_s2))
        far = parameter / (1.0 - eccentricity) if energy < 0.0 and eccentricity < 1.0 else math.inf
        return parameter / (1.0 + eccentricity), far


def _vector(values: npt.ArrayLike, where: str) -> Floats:
    """Three finite numbers, which nobody changes later."""
    try:
        vector = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where=where, advice="give three numbers") from error
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"shape {vector.shape}, or not finite", where=where, advice="give three finite numbers")
    vector.setflags(write=False)
    return vector
