"""Elliptical frozen orbits for relays: where perilune stays by the Earth's pull alone, and which nodes last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.flight.elements import Plane, placed
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2
from moonpost.flight.orbit import eccentric_anomaly
from moonpost.flight.state import State
from moonpost.flight.survey import Progress, Survey, survey
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "RELAY_ORBITS",
    "RelayOrbit",
    "RelaySweep",
    "frozen_eccentricity",
    "frozen_inclination_deg",
    "lasting_node",
    "relay_orbit",
    "sweep_relays",
]

Floats = npt.NDArray[np.float64]
_DAY_S = 86400.0


def frozen_inclination_deg(eccentricity: npt.ArrayLike) -> Floats:
    r"""Inclination to the lunar orbit plane at which the Earth's pull leaves perilune in its place.

    Parameters
    ----------
    eccentricity : array_like
        0 to below 1 [1].

    Returns
    -------
    ndarray
        Prograde inclination [deg]; the retrograde one is 180 less this.

    Raises
    ------
    InputError
        If an eccentricity is not 0 to below 1.

    Notes
    -----
    :math:`e^2 + \tfrac53 \cos^2 i = 1` with perilune 90 or 270 deg from the node: the pull of a distant body on a
    circular path, to second degree and averaged over both motions. Left out: the field of the Moon, the Sun, and
    the eccentricity of the Moon's orbit.

    References
    ----------
    Ely (2005), Stable constellations of frozen elliptical inclined lunar orbits, J. Astronaut. Sci. 53, 301,
    doi:10.1007/BF03546355.

    Examples
    --------
    >>> frozen_inclination_deg([0.6, 0.8031]).round(2).tolist()
    [51.71, 62.51]
    """
    e = np.asarray(eccentricity, dtype=np.float64)
    if not ((e >= 0.0) & (e < 1.0)).all():
        raise InputError("is not 0 to below 1", where="eccentricity", advice="give that of an ellipse")
    return np.degrees(np.arccos(np.sqrt(0.6 * (1.0 - e * e))))


def frozen_eccentricity(inclination_deg: npt.ArrayLike) -> Floats:
    """Eccentricity at which the Earth's pull leaves perilune in its place, from the inclination.

    Parameters
    ----------
    inclination_deg : array_like
        To the lunar orbit plane, 39.23 to 140.77 [deg].

    Returns
    -------
    ndarray
        [1]

    Raises
    ------
    InputError
        If there is none at an inclination.

    Examples
    --------
    >>> frozen_eccentricity([62.5, 180.0 - 62.5]).round(3).tolist()
    [0.803, 0.803]
    """
    i = np.radians(np.asarray(inclination_deg, dtype=np.float64))
    rest = 1.0 - 5.0 / 3.0 * np.cos(i) ** 2
    if not (rest >= -1e-12).all():
        raise InputError(
            "no ellipse is frozen by the Earth alone at this inclination",
            where="inclination_deg",
            advice="give 39.24 to 140.76 deg",
        )
    return np.sqrt(np.maximum(rest, 0.0))


@dataclass(frozen=True)
class RelayOrbit:
    """An elliptical orbit of one or several relays.

    Parameters
    ----------
    name : str
        What it is called.
    perilune_altitude_m, apolune_altitude_m : float
        Above 1737.4 km [m].
    inclination_deg, node_deg, argument_deg : float
        To the plane of reference [deg]; an argument of 90 deg puts apolune over the south.
    plane : {"equator", "orbit"}
        Plane of reference, see `moonpost.flight.elements.plane_axes`.
    source : str
        Where the numbers come from.
    node_published : bool, default True
        Whether the node is one of them.

    Raises
    ------
    InputError
        If a number is not finite or perilune lies in the ground or above apolune.

    Examples
    --------
    >>> relay = relay_orbit("queqiao-2")
    >>> round(relay.eccentricity, 4), round(relay.period_s / 3600, 1)
    (0.8031, 24.3)
    """

    name: str
    perilune_altitude_m: float
    apolune_altitude_m: float
    inclination_deg: float
    node_deg: float = 0.0
    argument_deg: float = 90.0
    plane: Plane = "orbit"
    source: str = ""
    node_published: bool = True

    def __post_init__(self) -> None:
        numbers = (
            self.perilune_altitude_m, self.apolune_altitude_m, self.inclination_deg, self.node_deg,
            self.argument_deg,
        )  # fmt: skip
        if not all(map(math.isfinite, numbers)) or not 0 <= self.perilune_altitude_m <= self.apolune_altitude_m:
            raise InputError(
                f"{numbers} make no orbit", where=self.name or "relay", advice="give 0 <= perilune <= apolune"
            )

    @property
    def semi_major_axis_m(self) -> float:
        """Half the long axis.

        Returns
        -------
        float
            [m]
        """
        return MOON_RADIUS_M + 0.5 * (self.perilune_altitude_m + self.apolune_altitude_m)

    @property
    def eccentricity(self) -> float:
        """Eccentricity.

        Returns
        -------
        float
            [1]
        """
        return 0.5 * (self.apolune_altitude_m - self.perilune_altitude_m) / self.semi_major_axis_m

    @property
    def period_s(self) -> float:
        """Time of one revolution round a point mass.

        Returns
        -------
        float
            [s]
        """
        return 2.0 * math.pi * math.sqrt(self.semi_major_axis_m**3 / GRGM1200A_GM_M3_S2)

    def changed(self, **fields: Any) -> Self:
        """The same orbit with other numbers.

        Parameters
        ----------
        **fields
            Fields of the orbit.

        Returns
        -------
        RelayOrbit
        """
        return replace(self, **fields)

    def states(self, env: Environment, t: Instant, satellites: int = 1, anomaly_deg: float = 180.0) -> list[State]:
        """States of satellites that follow one another at equal intervals of time.

        Parameters
        ----------
        env : Environment
            Orientation and gravitational parameter.
        t : Instant
            When.
        satellites : int, default 1
            How many.
        anomaly_deg : float, default 180.0
            Mean anomaly of the first, from perilune [deg].

        Returns
        -------
        list of State

        Raises
        ------
        InputError
            If the number of satellites is not 1 to 100.
        DateError
            If the instant lies outside the environment.
        """
        if not 1 <= satellites <= 100:
            raise InputError(f"{satellites} satellites", where="satellites", advice="give 1 to 100")
        made = []
        for k in range(satellites):
            mean = math.radians((anomaly_deg + 360.0 * k / satellites) % 360.0)
            half = 0.5 * float(eccentric_anomaly(np.array(mean), self.eccentricity))
            e = self.eccentricity
            true = 2.0 * math.atan2(math.sqrt(1.0 + e) * math.sin(half), math.sqrt(1.0 - e) * math.cos(half))
            made.append(
                placed(
                    env,
                    t,
                    self.semi_major_axis_m,
                    e,
                    self.inclination_deg,
                    self.node_deg,
                    self.argument_deg,
                    math.degrees(true),
                    self.plane,
                )
            )
        return made


RELAY_ORBITS = (
    RelayOrbit(
        "queqiao-2",
        200e3,
        16000e3,
        62.4,
        0.0,
        source="CNSA via people.cn and en.wikipedia: 200 x 16,000 km, 62.4 deg, 24 h; the node is not published",
        node_published=False,
    ),
    RelayOrbit(
        "ely-2005",
        6541.4e3 * 0.4 - MOON_RADIUS_M,
        6541.4e3 * 1.6 - MOON_RADIUS_M,
        56.2,
        0.0,
        source="Ely (2005), doi:10.1007/BF03546355: a 6541.4 km, e 0.6, i 56.2 deg, three satellites",
    ),
)
"""Published elliptical frozen orbits."""


def relay_orbit(name: str) -> RelayOrbit:
    """A published elliptical frozen orbit by its name.

    Parameters
    ----------
    name : str
        ``"queqiao-2"`` or ``"ely-2005"``.

    Returns
    -------
    RelayOrbit

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> round(relay_orbit("ely-2005").period_s / 3600, 1)
    13.2
    """
    for orbit in RELAY_ORBITS:
        if orbit.name == name.lower():
            return orbit
    raise UnknownNameError(name, [orbit.name for orbit in RELAY_ORBITS], kind="relay orbit", where="relays")


@dataclass(frozen=True, eq=False)
class RelaySweep:
    """How long an elliptical orbit lasts by inclination and node.

    Parameters
    ----------
    orbit : RelayOrbit
        Shape and argument.
    inclination_deg : ndarray, shape (k,)
        Inclinations [deg].
    node_deg : ndarray, shape (m,)
        Nodes [deg].
    days : float
        How long was flown at most [d].
    survived_days : ndarray, shape (k, m)
        How long each lasted [d].
    lowest_m, highest_m : ndarray, shape (k, m)
        Range of the altitude of the osculating perilune, 0 for the lowest after an impact [m].
    argument_low_deg, argument_high_deg : ndarray, shape (k, m)
        Range of the argument of perilune, counted on over 360 deg [deg].
    """

    orbit: RelayOrbit
    inclination_deg: Floats
    node_deg: Floats
    days: float
    survived_days: Floats
    lowest_m: Floats
    highest_m: Floats
    argument_low_deg: Floats
    argument_high_deg: Floats

    def best(self) -> RelayOrbit:
        """The orbit that lasts longest, and among those that last the one whose perilune moves least.

        Returns
        -------
        RelayOrbit
        """
        spread = self.highest_m - self.lowest_m
        longest = self.survived_days >= self.survived_days.max() - 1e-9
        row, column = np.unravel_index(np.argmin(np.where(longest, spread, np.inf)), spread.shape)
        return self.orbit.changed(
            inclination_deg=float(self.inclination_deg[row]), node_deg=float(self.node_deg[column])
        )

    def to_dataset(self) -> xr.Dataset:
        """The sweep as an xarray data set over inclination and node.

        Returns
        -------
        xarray.Dataset
        """
        import xarray as xr

        units = {"survived_days": "d", "lowest_m": "m", "highest_m": "m"}
        units |= {"argument_low_deg": "deg", "argument_high_deg": "deg"}
        return xr.Dataset(
            {
                name: (("inclination_deg", "node_deg"), getattr(self, name), {"units": unit})
                for name, unit in units.items()
            },
            coords={"inclination_deg": self.inclination_deg, "node_deg": self.node_deg},
            attrs={"orbit": self.orbit.name, "plane": self.orbit.plane, "days": self.days},
        )


def sweep_relays(
    orbit: RelayOrbit,
    inclinations_deg: Sequence[float] | Floats,
    nodes_deg: Sequence[float] | Floats,
    start: Instant,
    days: float,
    env: Environment,
    *,
    rtol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> RelaySweep:
    """Fly an elliptical orbit from many nodes and inclinations, and see which last.

    Parameters
    ----------
    orbit : RelayOrbit
        Shape, argument of perilune and plane of reference.
    inclinations_deg, nodes_deg : sequence of float
        What to try [deg].
    start : Instant
        When the flights start, at apolune.
    days : float
        How long to fly at most [d].
    env : Environment
        Forces; must cover the flights. Degree 20 is enough where perilune stays over 100 km.
    rtol : float, default 1e-10
        Error allowed in a step [1].
    threads : int, optional
        Threads.
    progress : callable, optional
        Told the share that is done.

    Returns
    -------
    RelaySweep

    Raises
    ------
    InputError
        If a number cannot be used.
    DateError
        If the flights leave the environment.

    Notes
    -----
    The analytic condition holds on average; over months the eccentricity of the Moon's orbit, the Sun and the
    6.7 deg between equator and orbit plane move perilune, and whether it reaches the ground hangs on the node.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-02-01", degree=4)
    >>> found = sweep_relays(relay_orbit("ely-2005"), [56.2], [0.0, 120.0], "2030-01-01", 20.0, env)
    >>> found.survived_days.tolist()
    [[20.0, 20.0]]
    """
    tilts, nodes = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (inclinations_deg, nodes_deg))
    if not tilts.size or not nodes.size:
        raise InputError("nothing to try", where="sweep", advice="give inclinations and nodes")
    states = [
        orbit.changed(inclination_deg=float(tilt), node_deg=float(node)).states(env, start)[0].vector
        for tilt in tilts
        for node in nodes
    ]
    flown = survey(states, start, days, env, rtol=rtol, threads=threads, progress=progress)
    return _summary(orbit, tilts, nodes, days, flown)


def lasting_node(
    orbit: RelayOrbit, env: Environment, *, start: Instant | None = None, nodes: int = 24
) -> RelayOrbit:
    """The same orbit with the node from which it lasts longest, from an instant to the end of an environment.

    Parameters
    ----------
    orbit : RelayOrbit
        The orbit.
    env : Environment
        Forces; the flights end where its span ends.
    start : Instant, optional
        When the flights start, at apolune; where the span of the environment starts if not given. Give the instant
        from which the orbit will be flown: the same node lasts from one day and impacts from another.
    nodes : int, default 24
        How many nodes to try, evenly round the circle.

    Returns
    -------
    RelayOrbit
        Of the nodes that last, the one whose perilune moves least.

    Raises
    ------
    InputError
        If the number of nodes is not 1 to 720, or the start is not one instant before the end.
    DateError
        If the start lies outside the environment.

    Notes
    -----
    A node is good for its day only. To the equator it counts from the prime meridian of the instant, which turns
    by 13.2 deg a day against the stars; to the orbit plane it stays, but another day finds the Earth elsewhere.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-21", degree=4)
    >>> 0.0 <= lasting_node(relay_orbit("queqiao-2"), env, nodes=8).node_deg < 360.0
    True
    """
    if not 1 <= nodes <= 720:
        raise InputError(f"{nodes} nodes", where="nodes", advice="give 1 to 720")
    begin, stop = env.span_tdb_s
    if start is not None:
        found = np.ravel(env.tdb_s(start))
        if found.size != 1 or not found[0] < stop:
            raise InputError(
                f"{start} is not one instant before the end of the environment",
                where="start",
                advice="give one instant, or an environment that ends later",
            )
        begin = float(found[0])
        env.check(found)
    tried = np.arange(nodes) * 360.0 / nodes
    return sweep_relays(orbit, [orbit.inclination_deg], tried, begin, (stop - begin) / _DAY_S, env).best()


def _summary(orbit: RelayOrbit, tilts: Floats, nodes: Floats, days: float, flown: Survey) -> RelaySweep:
    """Ranges over the courses of a sweep."""
    shape = (tilts.size, nodes.size)
    found = flown.elements(orbit.plane)
    lowest = np.where(flown.lasted, np.nanmin(found.perilune_altitude_m, axis=0), 0.0)
    turned = np.degrees(_unwrapped(np.radians(found.argument_deg)))
    parts = (
        flown.survived_days,
        lowest,
        np.nanmax(found.perilune_altitude_m, axis=0),
        np.nanmin(turned, axis=0),
        np.nanmax(turned, axis=0),
    )
    return RelaySweep(orbit, tilts, nodes, days, *(part.reshape(shape) for part in parts))


def _unwrapped(angles: Floats) -> Floats:
    """Angles counted on over whole turns along the first axis, NaN left where it is."""
    known = np.isfinite(angles)
    return np.where(known, np.unwrap(np.where(known, angles, 0.0), axis=0), np.nan)
