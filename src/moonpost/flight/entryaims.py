"""States at the entry interface from a few unknowns: over a landing place, or in a plane of given inclination."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.entry import (
    EARTH_RATE_RAD_S,
    LANDING_PLACES,
    Interface,
    LandingPlace,
    compass,
    earth_turn,
)
from moonpost.flight.environment import EARTH_GM_M3_S2
from moonpost.sky.apparent import EARTH_RADIUS_M

__all__ = ["EntryAim"]

Floats = npt.NDArray[np.float64]
Free = Literal["time", "range"]

_STEEPEST_RAD = math.radians(1.5)
_HALVINGS = 50


@dataclass(frozen=True)
class EntryAim:
    """What a return is to reach at the Earth.

    Parameters
    ----------
    place : LandingPlace or None
        Where to land; None for a plane of given inclination without a landing place.
    interface : Interface
        Altitude and angle of entry.
    range_m : float, default 6600e3
        Down-range from below the interface to the landing place [m]; longer where the place cannot be met with it.
    least_range_m, most_range_m : float
        Ranges that the capsule can fly, 2,500 and 8,890 km by default [m].
    free : {"time", "range"}, default "time"
        What is moved to bring the track over the place: the time of entry by up to half a day, with the given
        range, or the range with the given time.
    inclination_deg : float, default 45.0
        Without a place: inclination of the return to the Earth's equator of date [deg].
    northbound : bool, default True
        Without a place: whether the entry goes north or south past the point opposite to the Moon.
    westward : bool, default False
        With a place: enter against the turn of the Earth.

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    Apollo capsules flew up to 2,800 km from the interface; with a skip Orion can fly up to 8,890 km (NASA, 2021,
    Orion spacecraft to test new entry technique on Artemis I mission).

    Examples
    --------
    >>> EntryAim().place.name, EntryAim(place=None, inclination_deg=43.0).interface.flight_path_deg
    ('siziwang', -6.0)
    """

    place: LandingPlace | None = LANDING_PLACES["siziwang"]
    interface: Interface = field(default_factory=Interface)
    range_m: float = 6600e3
    least_range_m: float = 2500e3
    most_range_m: float = 8890e3
    free: Free = "time"
    inclination_deg: float = 45.0
    northbound: bool = True
    westward: bool = False

    def __post_init__(self) -> None:
        ranges = (self.least_range_m, self.range_m, self.most_range_m)
        if not 0.0 < self.least_range_m <= self.range_m <= self.most_range_m < 1.9e7:
            raise InputError(
                f"ranges {ranges} m are not in order",
                where="range_m",
                advice="give 0 < least_range_m <= range_m <= most_range_m < 1.9e7 m",
            )
        if self.free not in ("time", "range"):
            raise InputError(f"{self.free!r}", where="free", advice="give time or range")
        if not 0.0 < self.inclination_deg < 180.0:
            raise InputError(f"{self.inclination_deg} deg", where="inclination_deg", advice="give 0 to 180 deg")


class Unknowns:
    """The three unknowns of each return, and the states at the interface that they stand for.

    With a place: time of entry or range, azimuth from the place back to the interface, speed. Without: node and
    argument of latitude of the interface, speed.
    """

    limits = np.array([0.15, 0.15, 50.0])
    steps = np.array([1e-6, 1e-6, 1e-2])

    def __init__(self, aim: EntryAim, departure_s: Floats, duration_s: Floats, moon_m: Floats) -> None:
        self.aim = aim
        self.entry_s = departure_s + duration_s
        self.turns = earth_turn(self.entry_s)
        self.range_rad = np.full(len(departure_s), aim.range_m / EARTH_RADIUS_M)
        self.first = self._guess(duration_s, moon_m)

    def states(self, rows: npt.NDArray[np.int64], unknowns: Floats) -> tuple[Floats, Floats]:
        """Times (n,) and states (n, 6) at the interface, J2000 from the Earth."""
        aim, radius = self.aim, self.aim.interface.radius_m
        path = math.radians(aim.interface.flight_path_deg)
        speed = unknowns[:, 2]
        if aim.place is None:
            return self.entry_s[rows], self._in_plane(rows, unknowns, radius, path)
        shift = unknowns[:, 0] / EARTH_RATE_RAD_S if aim.free == "time" else np.zeros(len(rows))
        span = self.range_rad[rows] if aim.free == "time" else unknowns[:, 0]
        unit, forward = self._before(aim.place.unit, span, unknowns[:, 1])
        level, ground = speed * math.cos(path), radius * EARTH_RATE_RAD_S
        spin = ground * np.stack([-unit[:, 1], unit[:, 0], np.zeros(len(unit))], axis=1)
        helped = np.einsum("ni,ni->n", forward, spin)
        with np.errstate(invalid="ignore"):
            over = -helped + np.sqrt(helped**2 - np.einsum("ni,ni->n", spin, spin) + level**2)
        velocity = over[:, None] * forward + spin + (speed * math.sin(path))[:, None] * unit
        angle = EARTH_RATE_RAD_S * shift
        fixed = np.stack([_spun(radius * unit, angle), _spun(velocity, angle)], axis=1)
        turned = np.einsum("nji,nkj->nki", self.turns[rows], fixed)
        return self.entry_s[rows] + shift, turned.reshape(-1, 6)

    def ranges_m(self, unknowns: Floats) -> Floats:
        """Down-range to the place [m]; NaN without one."""
        if self.aim.place is None:
            return np.full(len(unknowns), np.nan)
        return EARTH_RADIUS_M * (self.range_rad if self.aim.free == "time" else unknowns[:, 0])

    @staticmethod
    def _before(place: Floats, span: Floats, azimuth: Floats) -> tuple[Floats, Floats]:
        """Units a range before a place, seen from it in an azimuth, and directions there towards the place."""
        north, east = compass(place)
        back = np.cos(azimuth)[:, None] * north + np.sin(azimuth)[:, None] * east
        c, s = np.cos(span)[:, None], np.sin(span)[:, None]
        return c * place + s * back, s * place - c * back

    def _in_plane(self, rows: npt.NDArray[np.int64], unknowns: Floats, radius: float, path: float) -> Floats:
        """States in planes of given inclination to the equator of date."""
        node, argument, speed = unknowns.T
        tilt = math.radians(self.aim.inclination_deg)
        ahead = np.stack([np.cos(node), np.sin(node), np.zeros(len(rows))], axis=1)
        across = np.stack(
            [-np.sin(node) * math.cos(tilt), np.cos(node) * math.cos(tilt), np.full(len(rows), math.sin(tilt))],
            axis=1,
        )
        c, s = np.cos(argument)[:, None], np.sin(argument)[:, None]
        out, onward = c * ahead + s * across, c * across - s * ahead
        velocity = speed[:, None] * (math.cos(path) * onward + math.sin(path) * out)
        return np.einsum("nji,nkj->nki", self.turns[rows], np.stack([radius * out, velocity], axis=1)).reshape(
            -1, 6
        )

    def _guess(self, duration_s: Floats, moon_m: Floats) -> Floats:
        """First unknowns, from two bodies and a Moon without gravity."""
        distance = np.linalg.norm(moon_m, axis=1)
        speed, swept = _coast(self.aim.interface, duration_s, distance)
        opposite = np.einsum("nij,nj->ni", self.turns, -moon_m / distance[:, None])
        latitude, longitude = np.arcsin(opposite[:, 2]), np.arctan2(opposite[:, 1], opposite[:, 0])
        beyond = swept - math.pi
        if self.aim.place is None:
            return self._plane_guess(latitude, longitude, beyond, speed)
        first = self._place_guess(latitude, longitude, opposite, beyond, speed)
        if self.aim.free == "time":
            moved = duration_s + first[:, 0] / EARTH_RATE_RAD_S
            speed, swept = _coast(self.aim.interface, moved, distance)
            first = self._place_guess(latitude, longitude, opposite, swept - math.pi, speed)
        return first

    def _plane_guess(self, latitude: Floats, longitude: Floats, beyond: Floats, speed: Floats) -> Floats:
        tilt = math.radians(self.aim.inclination_deg)
        with np.errstate(invalid="ignore"):
            argument = np.arcsin(np.sin(latitude) / math.sin(tilt))
        argument = argument if self.aim.northbound else math.pi - argument
        ahead = np.arctan2(np.sin(argument) * math.cos(tilt), np.cos(argument))
        return np.stack([longitude - ahead, argument + beyond, speed], axis=1)

    def _place_guess(
        self, latitude: Floats, longitude: Floats, opposite: Floats, beyond: Floats, speed: Floats
    ) -> Floats:
        place = self.aim.place.unit if self.aim.place else np.zeros(3)
        high, east = math.asin(place[2]), math.atan2(place[1], place[0])
        way = -1.0 if self.aim.westward else 1.0
        if self.aim.free == "range":
            span = np.arccos(np.clip(opposite @ place, -1.0, 1.0))
            first = span - beyond
        else:
            nearest = np.abs(high - latitude) + _STEEPEST_RAD
            farthest = math.pi - np.abs(high + latitude) - _STEEPEST_RAD
            span = np.clip(beyond + self.aim.range_m / EARTH_RADIUS_M, nearest, farthest)
            self.range_rad = np.maximum(span - beyond, 0.02)
            cosine = (np.cos(span) - math.sin(high) * np.sin(latitude)) / (math.cos(high) * np.cos(latitude))
            aside = np.arccos(np.clip(cosine, -1.0, 1.0))
            first = (longitude + way * aside - east + math.pi) % (2.0 * math.pi) - math.pi
            opposite = _spun(opposite, -first)
        back = opposite - np.cos(span)[:, None] * place
        north, aside = compass(place)
        return np.stack([first, np.arctan2(back @ aside, back @ north), speed], axis=1)


def _spun(vectors: Floats, angle: Floats) -> Floats:
    """Vectors turned eastward about the third axis."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = vectors.T
    return np.stack([c * x - s * y, s * x + c * y, z], axis=1)


def _coast(interface: Interface, duration_s: Floats, distance_m: Floats) -> tuple[Floats, Floats]:
    """Speeds at the interface of two-body flights from a distance in given times, and the angles they sweep."""
    radius = interface.radius_m
    gm = EARTH_GM_M3_S2
    parabolic = math.sqrt(2.0 * gm / radius)
    low = np.sqrt(2.0 * gm * (1.0 / radius - 1.0 / (1.002 * distance_m + radius)))
    high = np.full(len(low), 1.02 * parabolic)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        late = ~(_fall(interface, middle, distance_m)[0] <= duration_s)
        low, high = np.where(late, middle, low), np.where(late, high, middle)
    return high, _fall(interface, high, distance_m)[1]


def _fall(interface: Interface, speed: Floats, distance_m: Floats) -> tuple[Floats, Floats]:
    """Time and angle of a two-body fall from a distance to the interface; NaN where it never was that far."""
    gm, radius = EARTH_GM_M3_S2, interface.radius_m
    momentum = radius * speed * math.cos(math.radians(interface.flight_path_deg))
    inverse = 2.0 / radius - speed**2 / gm
    eccentricity = np.sqrt(1.0 - inverse * momentum**2 / gm)
    parameter = momentum**2 / gm
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = []
        for distance in (distance_m, np.full(len(speed), radius)):
            anomaly = np.arccos((parameter / distance - 1.0) / eccentricity)
            ratio = np.sqrt(np.abs(1.0 - eccentricity) / (1.0 + eccentricity)) * np.tan(0.5 * anomaly)
            bound = inverse > 0.0
            angle = np.where(bound, 2.0 * np.arctan(ratio), 2.0 * np.arctanh(np.where(bound, 0.0, ratio)))
            mean = np.where(
                bound,
                angle - eccentricity * np.sin(angle),
                eccentricity * np.sinh(np.where(bound, 0, angle)) - angle,
            )
            ends.append((mean * np.abs(inverse) ** -1.5 / math.sqrt(gm), anomaly))
    (far_s, far), (near_s, near) = ends
    return far_s - near_s, far - near
