"""Constellations round the Moon: satellites spread over planes and along each orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moonpost.errors import InputError
from moonpost.flight.relays import RelayOrbit

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment, Instant
    from moonpost.flight.state import State

__all__ = ["constellation"]


def constellation(
    orbit: RelayOrbit,
    env: Environment,
    t: Instant,
    satellites: int,
    *,
    planes: int = 1,
    phasing: float = 0.0,
    anomaly_deg: float = 0.0,
) -> list[State]:
    """States of satellites on equal orbits whose nodes are spread evenly round the circle.

    Parameters
    ----------
    orbit : RelayOrbit
        Shape, inclination, argument and first node of the orbits.
    env : Environment
        Orientation and gravitational parameter.
    t : Instant
        When.
    satellites : int
        How many in all, a multiple of `planes`.
    planes : int, default 1
        In how many planes, nodes 360 deg over their number apart.
    phasing : float, default 0.0
        By how many of the satellites' 360th parts of mean anomaly each plane is ahead of the one before: Walker's
        phasing parameter for circles [1].
    anomaly_deg : float, default 0.0
        Mean anomaly of the first satellite, from perilune [deg].

    Returns
    -------
    list of State
        Plane by plane.

    Raises
    ------
    InputError
        If the numbers do not fit.
    DateError
        If the instant lies outside the environment.

    References
    ----------
    Walker (1984), Satellite constellations, J. Brit. Interplanet. Soc. 37, 559.

    Examples
    --------
    >>> from moonpost.flight.environment import Environment
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> high = RelayOrbit("", 3000e3, 3000e3, 60.0, plane="equator")
    >>> len(constellation(high, env, "2030-01-01", 6, planes=3, phasing=1.0))
    6
    """
    if not 1 <= planes <= satellites <= 100 or satellites % planes:
        raise InputError(
            f"{satellites} satellites in {planes} planes",
            where="constellation",
            advice="give 1 to 100 satellites, as many in each plane",
        )
    made: list[State] = []
    for k in range(planes):
        plane = orbit.changed(node_deg=(orbit.node_deg + 360.0 * k / planes) % 360.0)
        ahead = anomaly_deg + 360.0 * phasing * k / satellites
        made += plane.states(env, t, satellites // planes, ahead)
    return made
