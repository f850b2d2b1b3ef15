"""The surroundings of a flight: where bodies stand, how the Moon is turned, what pulls, ready for the kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.flight.bodyseries import fitted
from moonpost.flight.gravityfield import GravityField
from moonpost.flight.sunlight import Sunlight
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.kernelfiles import KernelSet, read_kernels
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["EARTH_GM_M3_S2", "SUN_GM_M3_S2", "Environment", "Instant"]

Floats = npt.NDArray[np.float64]
Instant = TimeLike | float
"""An instant: UTC as `moonpost.sky.times.as_utc` reads it, or TDB seconds since J2000 as a float."""

EARTH_GM_M3_S2 = 398600.435507e9
"""Gravitational parameter of the Earth [m3/s2] (DE440; Park et al. 2021, doi:10.3847/1538-3881/abd414)."""

SUN_GM_M3_S2 = 132712440041.279419e9
"""Gravitational parameter of the Sun [m3/s2] (DE440)."""

_LOVE_K2 = 0.024133
_SPEED_OF_LIGHT_M_S = 299792458.0
_NUMBERS = {"moon": 301, "earth": 399, "sun": 10}
_OTHER = {"moon": "earth", "earth": "moon"}
_SPANS = 1e-6


@dataclass(frozen=True, eq=False)
class Environment:
    """Forces and frames of a flight over a span of time; make one with `Environment.make`.

    Parameters
    ----------
    kernels : KernelSet
        Where positions and orientation come from.
    span_tdb_s : tuple of float
        First and last instant of a flight, TDB since J2000 [s].
    centre : {"moon", "earth"}
        Body in whose centre positions start.
    bodies : tuple of str
        Bodies beside the centre that pull.
    field : GravityField
        Field of the Moon.
    gm_m3_s2 : mapping
        Gravitational parameters by body [m3/s2]; that of the Moon goes with its field.
    sunlight : Sunlight or None
        What sunlight pushes on.
    tides : bool
        Whether the solid tide of the Moon is in.
    rotate_field : bool
        Whether the field is turned from its own principal axes to those of the kernel.
    impact_radius_m : mapping
        Radius of the sphere that ends a flight, by body; 0 for none [m].

    Notes
    -----
    Positions are in J2000 (ICRF) axes. Left out: relativity (about 1 cm a day in a low orbit), the figure of the
    Earth, planets, the Moon's albedo.
    """

    kernels: KernelSet
    span_tdb_s: tuple[float, float]
    centre: Literal["moon", "earth"]
    bodies: tuple[str, ...]
    field: GravityField
    gm_m3_s2: Mapping[str, float]
    sunlight: Sunlight | None
    tides: bool
    rotate_field: bool
    impact_radius_m: Mapping[str, float]

    @classmethod
    def make(
        cls,
        almanac: Almanac,
        start: Instant,
        stop: Instant,
        *,
        degree: int = 50,
        bodies: Sequence[str] = ("sun", "earth"),
        centre: Literal["moon", "earth"] = "moon",
        field: GravityField | None = None,
        gm_m3_s2: Mapping[str, float] | None = None,
        sunlight: Sunlight | None = None,
        tides: bool = False,
        rotate_field: bool = True,
        impact_radius_m: Mapping[str, float] | None = None,
    ) -> Self:
        """Take what a flight needs from an almanac.

        Parameters
        ----------
        almanac : Almanac
            Ephemerides and lunar orientation.
        start, stop : Instant
            First and last instant, UTC or TDB seconds since J2000; either may come first.
        degree : int, default 50
            Degree and order of the Moon's field, 0 for a point mass.
        bodies : sequence of {"sun", "earth", "moon"}, default ("sun", "earth")
            What pulls beside the centre. About the Earth give ``("sun", "moon")``.
        centre : {"moon", "earth"}, default "moon"
            Body in whose centre positions start.
        field : GravityField, optional
            Field of the Moon; GRGM1200A if not given.
        gm_m3_s2 : mapping, optional
            Gravitational parameters of ``"sun"``, ``"earth"``, ``"moon"`` other than the default ones [m3/s2].
        sunlight : Sunlight, optional
            Adds the pressure of sunlight, with the shadows of the Moon and the Earth.
        tides : bool, default False
            Adds the solid tide of the Moon by the Earth and the Sun, k2 = 0.024133.
        rotate_field : bool, default True
            Turn the field from its own principal axes (DE430 for GRGM1200A) to those of the kernel.
        impact_radius_m : mapping, optional
            Radii at which a flight ends, by ``"moon"`` and ``"earth"``, 0 for none [m]; by default 1737.4 km
            and 6378.137 km.

        Returns
        -------
        Environment

        Raises
        ------
        DateError
            If an instant cannot be read or lies outside the kernels.
        InputError
            If a body, a centre, a degree or a number cannot be used.
        DataError
            If the kernels are damaged, or too rough to be put into series.

        Notes
        -----
        Default constants: GM of the Moon and radius from the header of GRGM1200A (4902.8001224453 km3/s2,
        1738.0 km), GM of the Earth and of the Sun from DE440. The rotation of the field is
        ``tie_field.T @ tie_kernel``: both principal axes are tied to the same mean-Earth axes. The whole answer of
        the Moon to the tide is added, its constant part included.

        Examples
        --------
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
        >>> env.centre, env.degree, env.bodies
        ('moon', 8, ('sun', 'earth'))
        """
        kernels = read_kernels([kernel.path for kernel in almanac.kernels])
        names = _checked_bodies(bodies, centre)
        chosen = GravityField.default(degree) if field is None else field.truncated(degree)
        ends = sorted(_seconds(kernels, moment, where) for moment, where in ((start, "start"), (stop, "stop")))
        strengths = {"moon": chosen.gm_m3_s2, "earth": EARTH_GM_M3_S2, "sun": SUN_GM_M3_S2}
        strengths |= _checked_numbers(gm_m3_s2 or {}, strengths, "gm_m3_s2")
        radii = {"moon": MOON_RADIUS_M, "earth": EARTH_RADIUS_M}
        radii |= _checked_numbers(impact_radius_m or {}, radii, "impact_radius_m")
        span = (ends[0], ends[1])
        made = cls(
            kernels, span, centre, names, chosen, strengths, sunlight, bool(tides), bool(rotate_field), radii
        )
        _ = made.series
        return made

    def __repr__(self) -> str:
        start, stop = (iso(moment) for moment in self.kernels.timescale.utc(np.array(self.span_tdb_s)))
        return f"Environment({self.centre}, {self.field!r}, {', '.join(self.bodies)}; {start} to {stop})"

    @property
    def degree(self) -> int:
        """Degree and order of the Moon's field.

        Returns
        -------
        int
        """
        return self.field.degree

    @cached_property
    def field_turn(self) -> Floats:
        """Turn from the principal axes of the kernel to those of the field.

        Returns
        -------
        ndarray, shape (3, 3)
            The identity if the field is not to be rotated.
        """
        return self.field.tie.T @ self.kernels.orientation.tie if self.rotate_field else np.eye(3)

    @cached_property
    def series(self) -> tuple[float, float, Floats]:
        """Series of the places of bodies and the angles of the Moon.

        Returns
        -------
        tuple
            Start of the first record, TDB since J2000 [s]; length of a record [s]; coefficients, shape
            (records, terms, 9): the other of Moon and Earth and the Sun from the centre [m], Euler angles [rad].
        """
        return fitted(self.kernels, self.centre, self.span_tdb_s)

    def tdb_s(self, t: Instant) -> Floats:
        """TDB seconds since J2000 of instants.

        Parameters
        ----------
        t : Instant
            UTC, or TDB seconds since J2000, which come back as they are.

        Returns
        -------
        ndarray
            Of the shape of `t` [s].

        Raises
        ------
        DateError
            If a date cannot be read.

        Examples
        --------
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
        >>> round(float(env.tdb_s("2030-01-01")), 3)
        946728069.184
        """
        return _tdb_s(self.kernels, t)

    def utc(self, tdb_s: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
        """UTC of TDB seconds since J2000, to 1 ms.

        Parameters
        ----------
        tdb_s : array_like
            TDB since J2000 [s].

        Returns
        -------
        ndarray of datetime64[ms]
        """
        return self.kernels.timescale.utc(np.asarray(tdb_s, dtype=np.float64))

    def body_m(self, body: str, tdb_s: npt.ArrayLike) -> Floats:
        """Where a body stands from the centre, in J2000 axes.

        Parameters
        ----------
        body : {"sun", "earth", "moon"}
            The body.
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s], inside the span.

        Returns
        -------
        ndarray, shape (n, 3)
            Geometric positions [m].

        Raises
        ------
        DateError
            If an instant lies outside the span.
        InputError
            If the body is none of these.

        Examples
        --------
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), 0.0, 86400.0, degree=0)
        >>> float(np.linalg.norm(env.body_m("earth", 0.0)).round(-6))
        402000000.0
        """
        return self.body_state(body, tdb_s)[..., :3]

    def body_state(self, body: str, tdb_s: npt.ArrayLike) -> Floats:
        """Where a body stands and how it moves from the centre, in J2000 axes.

        Parameters
        ----------
        body : {"sun", "earth", "moon"}
            The body.
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s], inside the span.

        Returns
        -------
        ndarray, shape (n, 6)
            Position [m] and velocity [m/s]; zero for the centre.

        Raises
        ------
        DateError
            If an instant lies outside the span.
        InputError
            If the body is none of these.
        """
        seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
        if body not in _NUMBERS:
            raise InputError(f"{body!r} is not known here", where="body", advice="give sun, earth or moon")
        self.check(seconds)
        if body == self.centre:
            return np.zeros((seconds.size, 6))
        columns = slice(3, 6) if body == "sun" else slice(0, 3)
        values, rates = self._evaluate(seconds)
        return np.concatenate([values[:, columns], rates[:, columns]], axis=1)

    def apparent_m(self, body: str, tdb_s: npt.ArrayLike) -> Floats:
        """Where a body appears from the centre: with the light time and the aberration by the centre's motion.

        Parameters
        ----------
        body : {"sun", "earth", "moon"}
            The body.
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s], inside the span.

        Returns
        -------
        ndarray, shape (n, 3)
            Positions in J2000 axes [m].

        Notes
        -----
        Light time and aberration together put a body where it was, from the centre, when the light left it, but
        for the centre's acceleration in between: 0.001 arcsecond for the Sun.
        """
        seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
        place = self.body_m(body, seconds)
        if body == self.centre:
            return place
        columns = slice(3, 6) if body == "sun" else slice(0, 3)
        for _ in range(2):
            light_s = np.linalg.norm(place, axis=1) / _SPEED_OF_LIGHT_M_S
            place = self._evaluate(seconds - light_s)[0][:, columns]
        return place

    def rotation(self, tdb_s: npt.ArrayLike, frame: Literal["ME", "PA"] = "ME") -> Floats:
        """Rotation from J2000 axes to axes fixed in the Moon.

        Parameters
        ----------
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s], inside the span.
        frame : {"ME", "PA"}, default "ME"
            Mean-Earth axes, those of maps, or the principal axes of the kernel.

        Returns
        -------
        ndarray, shape (n, 3, 3)
            ``v_fixed = m @ v_j2000``.

        Raises
        ------
        DateError
            If an instant lies outside the span.
        """
        seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
        self.check(seconds)
        turn = _turn(self._evaluate(seconds)[0][:, 6:])
        return turn if frame == "PA" else self.kernels.orientation.tie @ turn

    def spin_rad_s(self, tdb_s: npt.ArrayLike) -> Floats:
        """Angular velocity of the Moon in J2000 axes.

        Parameters
        ----------
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s], inside the span.

        Returns
        -------
        ndarray, shape (n, 3)
            [rad/s]

        Raises
        ------
        DateError
            If an instant lies outside the span.

        Examples
        --------
        >>> from moonpost.sky import Almanac
        >>> env = Environment.make(Almanac.default(), 0.0, 86400.0, degree=0)
        >>> round(float(2 * np.pi / np.linalg.norm(env.spin_rad_s(0.0)) / 86400), 1)
        27.3
        """
        seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
        self.check(seconds)
        angles, rates = (part[:, 6:] for part in self._evaluate(seconds))
        p, d = angles[:, 0], angles[:, 1]
        node = np.stack([np.cos(p), np.sin(p), np.zeros(p.size)], axis=1)
        axis = np.stack([np.sin(d) * np.sin(p), -np.sin(d) * np.cos(p), np.cos(d)], axis=1)
        pole = np.array([0.0, 0.0, 1.0])
        return rates[:, :1] * pole + rates[:, 1:2] * node + rates[:, 2:] * axis

    def acceleration_m_s2(
        self, tdb_s: float, position_m: npt.ArrayLike, velocity_m_s: npt.ArrayLike = (0.0, 0.0, 0.0)
    ) -> Floats:
        """Acceleration of a spacecraft by everything in the environment.

        Parameters
        ----------
        tdb_s : float
            TDB since J2000 [s], inside the span.
        position_m, velocity_m_s : array_like, shape (3,)
            From the centre in J2000 axes [m], [m/s]; no force here depends on the velocity.

        Returns
        -------
        ndarray, shape (3,)
            [m/s2]

        Raises
        ------
        DateError
            If the instant lies outside the span.
        InputError
            If a number is not finite.
        """
        from moonpost.flight.forcekernels import accelerations

        q, w, out = np.zeros((1, 4)), np.zeros((1, 4)), np.zeros((1, 4))
        self.check(np.array([tdb_s]))
        q[0, :3], w[0, :3] = np.asarray(position_m, dtype=np.float64), np.asarray(velocity_m_s, dtype=np.float64)
        if not (np.isfinite(q).all() and np.isfinite(w).all()):
            raise InputError("is not finite", where="position_m", advice="give metres")
        numbers, options, places, table, work = self.arrays()
        accelerations(tdb_s - self.series[0], q, w, out, numbers, options, places, table, work)
        return out[0, :3]

    def check(self, tdb_s: Floats) -> None:
        """Refuse instants outside the span.

        Parameters
        ----------
        tdb_s : ndarray
            TDB since J2000 [s].

        Raises
        ------
        DateError
            If one lies outside or is not finite.
        """
        start, stop = self.span_tdb_s
        inside = (tdb_s >= start - _SPANS) & (tdb_s <= stop + _SPANS)
        if inside.all():
            return
        outside = float(np.asarray(tdb_s)[~inside].ravel()[0])
        named = iso(self.utc(outside)) if math.isfinite(outside) else str(outside)
        raise DateError(
            f"{named} lies outside the environment, which covers {iso(self.utc(start))} to {iso(self.utc(stop))}",
            where="environment",
            advice="make it with Environment.make for a longer span",
        )

    def arrays(self, gradient: bool = False) -> tuple[Any, ...]:
        """What the kernels read.

        Parameters
        ----------
        gradient : bool, default False
            Whether the state transition is wanted.

        Returns
        -------
        tuple of ndarray
            Numbers, whole numbers, series, harmonics and scratch; the first two are copies that a run may change.
        """
        from moonpost.flight.forcekernels import WORK
        from moonpost.flight.gravitykernels import scratch_size

        numbers, options = self._constants
        table = self._table_with_gradient if gradient else self._table
        work = np.zeros(WORK + scratch_size(self.degree))
        return numbers.copy(), options.copy(), self.series[2], table, work

    @cached_property
    def _constants(self) -> tuple[Floats, npt.NDArray[np.int64]]:
        from moonpost.flight.forcekernels import NUMBERS, OPTIONS

        numbers, options = np.zeros(NUMBERS["count"]), np.zeros(OPTIONS["count"], dtype=np.int64)
        moon = self.centre == "moon" or "moon" in self.bodies
        values = {
            "start_s": 0.0,
            "length_s": self.series[1],
            "gm_moon": self.gm_m3_s2["moon"] if moon else 0.0,
            "gm_earth": self.gm_m3_s2["earth"],
            "gm_sun": self.gm_m3_s2["sun"],
            "field_radius": self.field.radius_m,
            "pressure": self.sunlight.strength_m3_s2 if self.sunlight else 0.0,
            "tide": _LOVE_K2 * self.field.radius_m**5,
            "sun_radius": SUN_RADIUS_M,
            "moon_radius": MOON_RADIUS_M,
            "earth_radius": EARTH_RADIUS_M,
            "moon_impact": self.impact_radius_m["moon"],
            "earth_impact": self.impact_radius_m["earth"],
        }
        for key, value in values.items():
            numbers[NUMBERS[key]] = value
        numbers[NUMBERS["field_turn"] : NUMBERS["field_turn"] + 9] = self.field_turn.ravel()
        flags = {
            "degree": self.degree,
            "centre": self.centre == "earth",
            "other": _OTHER[self.centre] in self.bodies,
            "sun": "sun" in self.bodies,
            "pressure": self.sunlight is not None,
            "tides": self.tides,
        }
        for key, flag in flags.items():
            options[OPTIONS[key]] = int(flag)
        return numbers, options

    @cached_property
    def _table(self) -> Floats:
        from moonpost.flight.gravitykernels import packed

        return packed(self.field.cosine, self.field.sine)

    @cached_property
    def _table_with_gradient(self) -> Floats:
        from moonpost.flight.gravitykernels import packed

        return packed(self.field.cosine, self.field.sine, gradient=True)

    def _evaluate(self, seconds: Floats) -> tuple[Floats, Floats]:
        """Values and rates of the nine series, shape (n, 9) each."""
        from moonpost.flight.placekernels import evaluated

        start, length, table = self.series
        return evaluated(seconds - start, length, table)


def _seconds(kernels: KernelSet, moment: Instant, where: str) -> float:
    """One instant in TDB seconds."""
    seconds = _tdb_s(kernels, moment)
    if seconds.size != 1:
        raise InputError(f"{seconds.size} instants where one is needed", where=where, advice="give one date")
    return float(seconds.ravel()[0])


def _tdb_s(kernels: KernelSet, t: Instant) -> Floats:
    """TDB seconds of UTC, or of numbers that are such seconds already."""
    if isinstance(t, float | int | np.floating | np.integer) and not isinstance(t, bool):
        if not math.isfinite(t):
            raise DateError(f"{t} is no instant", where="t", advice="give UTC or TDB seconds since J2000")
        return np.asarray(t, dtype=np.float64)
    return kernels.timescale.tdb_s(as_utc(t))


def _checked_bodies(bodies: Sequence[str], centre: str) -> tuple[str, ...]:
    """Names of the bodies that pull, each once."""
    if centre not in _OTHER:
        raise InputError(f"{centre!r} is no centre", where="centre", advice="give moon or earth")
    names = tuple(dict.fromkeys([bodies] if isinstance(bodies, str) else bodies))
    unknown = [name for name in names if name not in _NUMBERS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is not known here", where="bodies", advice="give sun, earth or moon")
    return tuple(name for name in names if name != centre)


def _checked_numbers(given: Mapping[str, float], known: Mapping[str, float], where: str) -> dict[str, float]:
    """Numbers by body, finite and not negative."""
    for name, value in given.items():
        if name not in known or not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"{name!r}: {value!r}", where=where, advice=f"give numbers for {', '.join(known)}")
    return {name: float(value) for name, value in given.items()}


def _turn(angles: Floats) -> Floats:
    """Rotations R3(w) R1(d) R3(p), shape (n, 3, 3)."""
    p, d, w = angles.T
    sp, cp, sd, cd, sw, cw = np.sin(p), np.cos(p), np.sin(d), np.cos(d), np.sin(w), np.cos(w)
    rows = [
        [cw * cp - sw * cd * sp, cw * sp + sw * cd * cp, sw * sd],
        [-sw * cp - cw * cd * sp, -sw * sp + cw * cd * cp, cw * sd],
        [sd * sp, -sd * cp, cd],
    ]
    return np.ascontiguousarray(np.array(rows).transpose(2, 0, 1))
