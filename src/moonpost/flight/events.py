"""What happens on the way: apsides, nodes, altitudes, eclipses, a site's horizon, found to a millisecond."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.state import Centre
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment

__all__ = [
    "Crossing",
    "Event",
    "altitude",
    "apsides",
    "eclipses",
    "elevation",
    "find_events",
    "flat_crossings",
    "nodes",
]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Measure = Callable[["Environment", Floats, Floats], Floats]

_RADII = {"moon": MOON_RADIUS_M, "earth": EARTH_RADIUS_M}
_SAMPLE_S = 60.0
_LEAST_SAMPLES = 2
_HALVINGS = 40
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_SAME_S = 1e-4


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened in a flight.

    Parameters
    ----------
    name : str
        What, such as ``"perilune"``.
    elapsed_s : float
        Time since the start of the flight, negative in a flight back in time [s].
    time_tdb_s : float
        Instant, TDB since J2000 [s].
    state : ndarray, shape (6,)
        Position [m] and velocity [m/s] from the centre of the flight.
    """

    name: str
    elapsed_s: float
    time_tdb_s: float
    state: Floats

    @property
    def utc(self) -> np.datetime64:
        """The instant in UTC, to 1 ms.

        Returns
        -------
        numpy.datetime64
        """
        found: np.datetime64 = default_timescale().utc(np.array([self.time_tdb_s]))[0]
        return found

    def __repr__(self) -> str:
        return f"Event({self.name}, {self.utc}Z)"


@dataclass(frozen=True, eq=False)
class Crossing:
    """A quantity whose change of sign is an event.

    Parameters
    ----------
    measure : callable
        ``measure(env, tdb_s, states)`` gives the quantity, shape (n,), at instants (n,) and states (n, 6).
    rising, falling : str
        Names of the event where the quantity turns positive, in the order of time, and where it turns negative; an
        empty name leaves it out.
    ends : bool, default False
        Whether the first such event ends the flight.

    Examples
    --------
    >>> speed = Crossing(lambda env, t, s: np.linalg.norm(s[:, 3:], axis=1) - 1700.0, "fast", "slow")
    >>> speed.ending().ends
    True
    """

    measure: Measure
    rising: str
    falling: str
    ends: bool = False

    def ending(self) -> Self:
        """The same crossing, ending the flight.

        Returns
        -------
        Crossing
        """
        return replace(self, ends=True)

    def only(self, name: str) -> Self:
        """One of its two events alone.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Crossing

        Raises
        ------
        InputError
            If neither event has that name.

        Examples
        --------
        >>> apsides().only("perilune").falling
        ''
        """
        if name not in (self.rising, self.falling) or not name:
            known = " or ".join(filter(None, (self.rising, self.falling)))
            raise InputError(f"no event {name!r} here", where="name", advice=f"give {known}")
        return replace(
            self,
            rising=name if name == self.rising else "",
            falling=name if name == self.falling else "",
        )


def apsides(body: Centre = "moon") -> Crossing:
    """Nearest and farthest points from a body.

    Parameters
    ----------
    body : {"moon", "earth"}, default "moon"
        The body.

    Returns
    -------
    Crossing
        ``"perilune"`` and ``"apolune"``, or ``"perigee"`` and ``"apogee"``.

    Examples
    --------
    >>> apsides("earth").rising
    'perigee'
    """

    def measure(env: Environment, tdb: Floats, states: Floats) -> Floats:
        apart = _apart(env, body, tdb, states)
        return np.einsum("ni,ni->n", apart[:, :3], apart[:, 3:])

    near, far = {"moon": ("perilune", "apolune"), "earth": ("perigee", "apogee")}[_known(body)]
    return Crossing(measure, near, far)


def nodes() -> Crossing:
    """Passages through the plane of the lunar equator.

    Returns
    -------
    Crossing
        ``"ascending node"`` and ``"descending node"``; the plane is that of the mean-Earth axes of the instant.

    Examples
    --------
    >>> nodes().falling
    'descending node'
    """

    def measure(env: Environment, tdb: Floats, states: Floats) -> Floats:
        apart = _apart(env, "moon", tdb, states)
        return np.einsum("ni,ni->n", env.rotation(tdb)[:, 2], apart[:, :3])

    return Crossing(measure, "ascending node", "descending node")


def altitude(height_m: float, body: Centre = "moon") -> Crossing:
    """Passages through an altitude.

    Parameters
    ----------
    height_m : float
        Above the sphere of 1737.4 km (Moon) or 6378.137 km (Earth) [m].
    body : {"moon", "earth"}, default "moon"
        The body.

    Returns
    -------
    Crossing
        ``"above N km"`` and ``"below N km"``.

    Raises
    ------
    InputError
        If the height is not finite.

    Examples
    --------
    >>> altitude(50e3).falling
    'below 50 km'
    """
    if not math.isfinite(height_m):
        raise InputError(f"{height_m} is no height", where="height_m", advice="give metres")
    radius = _RADII[_known(body)] + height_m

    def measure(env: Environment, tdb: Floats, states: Floats) -> Floats:
        return np.linalg.norm(_apart(env, body, tdb, states)[:, :3], axis=1) - radius

    return Crossing(measure, f"above {height_m / 1e3:g} km", f"below {height_m / 1e3:g} km")


def elevation(site: Site, elevation_deg: float = 0.0) -> Crossing:
    """Risings and settings of the spacecraft over a site on the Moon.

    Parameters
    ----------
    site : Site
        The site.
    elevation_deg : float, default 0.0
        Elevation above the level plane of the site that counts [deg]; the terrain is not looked at.

    Returns
    -------
    Crossing
        ``"rise"`` and ``"set"``; geometric, without light time.

    Raises
    ------
    InputError
        If `site` is not a Site or the elevation is not -90 to 90.

    Examples
    --------
    >>> elevation(Site(-89.5, 0.0), 5.0).rising
    'rise'
    """
    if not isinstance(site, Site):
        raise InputError(f"{type(site).__name__} is not a Site", where="site", advice="make one with Site(...)")
    if not -90.0 <= elevation_deg <= 90.0:
        raise InputError(f"{elevation_deg} is no elevation", where="elevation_deg", advice="give -90 to 90")
    up, place, least = site.basis[2], site.position_m, math.sin(math.radians(elevation_deg))

    def measure(env: Environment, tdb: Floats, states: Floats) -> Floats:
        fixed = np.einsum("nij,nj->ni", env.rotation(tdb), _apart(env, "moon", tdb, states)[:, :3])
        sight = fixed - place
        return sight @ up / np.linalg.norm(sight, axis=1) - least

    return Crossing(measure, "rise", "set")


def eclipses(
    body: Centre = "moon", parts: Iterable[Literal["penumbra", "umbra"]] = ("penumbra", "umbra")
) -> tuple[Crossing, ...]:
    """Entries into and exits from the shadow of a body.

    Parameters
    ----------
    body : {"moon", "earth"}, default "moon"
        What stands before the Sun.
    parts : iterable of {"penumbra", "umbra"}
        Which edges count: of any darkening, of full darkness.

    Returns
    -------
    tuple of Crossing
        Named such as ``"umbra of the Moon begins"`` and ``"umbra of the Moon ends"``.

    Raises
    ------
    InputError
        If the body or a part is not known.

    Notes
    -----
    Conical shadow of a sphere (1737.4 km, 6378.137 km) in the light of a Sun of 695,700 km, where it appears:
    light time and aberration are in, as they shift the shadow of the Moon by up to 0.2 s.

    Examples
    --------
    >>> [crossing.falling for crossing in eclipses("earth", ["umbra"])]
    ['umbra of the Earth begins']
    """
    made = []
    for part in [parts] if isinstance(parts, str) else parts:
        if part not in ("penumbra", "umbra"):
            raise InputError(f"{part!r} is no part of a shadow", where="parts", advice="give penumbra or umbra")
        name = f"{part} of the {_known(body).capitalize()}"
        made.append(Crossing(_shadow(body, part == "umbra"), f"{name} ends", f"{name} begins"))
    return tuple(made)


def _shadow(body: Centre, whole: bool) -> Measure:
    """Angle by which the Sun's disc is clear of that of a body, or of being covered wholly."""

    def measure(env: Environment, tdb: Floats, states: Floats) -> Floats:
        to_sun = env.apparent_m("sun", tdb) - states[:, :3]
        to_body = env.apparent_m(body, tdb) - states[:, :3]
        far, near = np.linalg.norm(to_sun, axis=1), np.linalg.norm(to_body, axis=1)
        across = np.linalg.norm(np.cross(to_sun, to_body), axis=1)
        apart = np.arctan2(across, np.einsum("ni,ni->n", to_sun, to_body))
        sun = np.arcsin(SUN_RADIUS_M / far)
        disc = np.arcsin(np.minimum(1.0, _RADII[body] / near))
        return apart - (disc - sun if whole else disc + sun)

    return measure


def _apart(env: Environment, body: Centre, tdb: Floats, states: Floats) -> Floats:
    """States from a body."""
    return states if body == env.centre else states - env.body_state(body, tdb)


def _known(body: str) -> Centre:
    """The body, if it is one of the two."""
    if body not in _RADII:
        raise InputError(f"{body!r} is not known here", where="body", advice="give moon or earth")
    return body  # type: ignore[return-value]


def flat_crossings(events: Crossing | Iterable[Any]) -> tuple[Crossing, ...]:
    """Crossings from a nested list of them.

    Parameters
    ----------
    events : Crossing or iterable
        Crossings, or lists of them, as `eclipses` gives.

    Returns
    -------
    tuple of Crossing

    Raises
    ------
    InputError
        If something else is among them.

    Examples
    --------
    >>> len(flat_crossings([apsides(), eclipses()]))
    3
    """
    if isinstance(events, Crossing):
        return (events,)
    if isinstance(events, str) or not isinstance(events, Iterable):
        raise InputError(f"{events!r} is no crossing", where="events", advice="give apsides(), nodes(), ...")
    return tuple(crossing for item in events for crossing in flat_crossings(item))


def find_events(
    crossings: Iterable[Crossing],
    env: Environment,
    start_tdb_s: float,
    stop_elapsed_s: float,
    steps: Floats,
    coefficients: Floats,
) -> list[tuple[Event, bool]]:
    """Events within steps of a flight, in the order of the flight.

    Parameters
    ----------
    crossings : iterable of Crossing
        What to look for.
    env : Environment
        The environment.
    start_tdb_s : float
        Start of the flight, TDB since J2000 [s].
    stop_elapsed_s : float
        Where the last step is left, from the start of the flight [s].
    steps, coefficients : ndarray, shapes (k, 2) and (k, 8, 6)
        Steps and their dense output.

    Returns
    -------
    list of (Event, bool)
        Events, each with whether it ends the flight.

    Notes
    -----
    Quantities are sampled at least twice a step and every minute; where three samples come near zero without a
    change of sign, their extremum is sought, so that short events between samples are found too. Roots are halved
    in until they are known to 1e-6 s.
    """
    found: list[tuple[Event, bool]] = []
    if not len(steps):
        return found
    elapsed, rows = _samples(steps, stop_elapsed_s)
    track = _Track(env, start_tdb_s, steps, coefficients)
    forward = bool(steps[0, 1] > 0)
    states = track.states(elapsed, rows)
    for crossing in crossings:
        values = crossing.measure(env, start_tdb_s + elapsed, states)
        for time, rises in track.roots(crossing.measure, elapsed, values):
            name = crossing.rising if rises == forward else crossing.falling
            if name:
                row = track.rows(np.array([time]))
                state = track.states(np.array([time]), row)[0]
                found.append((Event(name, time, start_tdb_s + time, state), crossing.ends))
    return sorted(found, key=lambda pair: pair[0].elapsed_s if forward else -pair[0].elapsed_s)


def _samples(steps: Floats, stop: float) -> tuple[Floats, Whole]:
    """Times to look at, and the steps they fall in; the end of a step belongs to the next."""
    lengths = steps[:, 1].copy()
    lengths[-1] = stop - steps[-1, 0]
    counts = np.maximum(_LEAST_SAMPLES, np.ceil(np.abs(lengths) / _SAMPLE_S)).astype(np.int64)
    rows = np.repeat(np.arange(len(steps)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    elapsed = steps[rows, 0] + lengths[rows] * place / counts[rows]
    return np.append(elapsed, stop), np.append(rows, len(steps) - 1)


class _Track:
    """Dense output of steps."""

    def __init__(self, env: Environment, start_tdb_s: float, steps: Floats, coefficients: Floats) -> None:
        self.env, self.start, self.steps, self.coefficients = env, start_tdb_s, steps, coefficients
        self.sign = 1.0 if steps[0, 1] > 0 else -1.0

    def rows(self, elapsed: Floats) -> Whole:
        """Steps that times fall in."""
        found = np.searchsorted(self.sign * self.steps[:, 0], self.sign * elapsed, side="right") - 1
        return np.clip(found, 0, len(self.steps) - 1)

    def states(self, elapsed: Floats, rows: Whole) -> Floats:
        """States at times."""
        from moonpost.flight.impactkernels import interpolate

        return interpolate(elapsed, rows, self.steps, self.coefficients)

    def values(self, measure: Measure, elapsed: Floats, rows: Whole) -> Floats:
        """A quantity at times."""
        return measure(self.env, self.start + elapsed, self.states(elapsed, rows))

    def roots(self, measure: Measure, elapsed: Floats, values: Floats) -> list[tuple[float, bool]]:
        """Times at which a quantity changes sign, and whether it grows on the way."""
        times, marks = self._with_extrema(measure, elapsed, values)
        positive = marks > 0.0
        change = np.flatnonzero(positive[1:] != positive[:-1])
        if not change.size:
            return []
        low, high, rises = times[change], times[change + 1], positive[change + 1]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            beyond = (self.values(measure, middle, self.rows(middle)) > 0.0) == rises
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return [(float(time), bool(up)) for time, up in zip(high, rises, strict=True)]

    def _with_extrema(self, measure: Measure, times: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Samples, with the extrema added that may reach over zero between them."""
        a, b, c = values[:-2], values[1:-1], values[2:]
        sign = np.where(b > 0.0, 1.0, -1.0)
        nearest = (sign * b <= sign * a) & (sign * b <= sign * c) & (sign * a > 0) & (sign * c > 0)
        bend = np.abs(a - 2.0 * b + c)
        sought = np.flatnonzero(nearest & (np.abs(b) <= 2.0 * bend))
        if not sought.size:
            return times, values
        low, high, side = times[sought], times[sought + 2], sign[sought]
        for _ in range(_HALVINGS):
            left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            at_left = side * self.values(measure, left, self.rows(left))
            at_right = side * self.values(measure, right, self.rows(right))
            low, high = np.where(at_left < at_right, low, left), np.where(at_left < at_right, right, high)
        extremum = 0.5 * (low + high)
        more = self.values(measure, extremum, self.rows(extremum))
        keep = side * more <= 0.0
        order = np.argsort(self.sign * np.concatenate([times, extremum[keep]]), kind="stable")
        return np.concatenate([times, extremum[keep]])[order], np.concatenate([values, more[keep]])[order]
