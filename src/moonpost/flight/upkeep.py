"""What it costs to hold a low lunar orbit: its eccentricity vector put back once in each turn of the node."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.elements import elements, placed
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.frozen import node_cycle_s
from moonpost.flight.state import State
from moonpost.flight.survey import Survey, survey
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Upkeep", "hold_altitude"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_YEAR_D = 365.25
_STEP_S = 3600.0


@dataclass(frozen=True, eq=False)
class Upkeep:
    """Corrections of a low orbit over time.

    Parameters
    ----------
    altitude_m, inclination_deg : float
        The orbit held [m], [deg].
    day : ndarray, shape (k,)
        When each pair of burns is made, from the start [d].
    delta_v_m_s : ndarray, shape (k,)
        Velocity change of each pair [m/s].
    lowest_m, highest_m : ndarray, shape (k,)
        Altitudes of the lowest perilune and the highest apolune before each pair [m].
    inclination_range_deg : tuple of float
        Range over which the inclination moves uncorrected [deg].
    """

    altitude_m: float
    inclination_deg: float
    day: Floats
    delta_v_m_s: Floats
    lowest_m: Floats
    highest_m: Floats
    inclination_range_deg: tuple[float, float]

    @property
    def delta_v_m_s_per_year(self) -> float:
        """Velocity change in a year of 365.25 days.

        Returns
        -------
        float
            [m/s]
        """
        return float(self.delta_v_m_s.sum() / self.day[-1] * _YEAR_D)

    def fuel_kg_per_year(self, mass_kg: float, specific_impulse_s: float) -> float:
        """Propellant of the first year.

        Parameters
        ----------
        mass_kg : float
            Mass at the start [kg].
        specific_impulse_s : float
            Specific impulse of the engine [s].

        Returns
        -------
        float
            [kg]

        Raises
        ------
        InputError
            If a number is not positive.
        """
        from moonpost.flight.chain import propellant_fraction

        if not 0.0 < mass_kg < math.inf:
            raise InputError(f"{mass_kg} kg", where="mass_kg", advice="give a mass above 0")
        return mass_kg * float(propellant_fraction(self.delta_v_m_s_per_year, specific_impulse_s))


def hold_altitude(
    env: Environment,
    start: Instant,
    altitude_m: float,
    inclination_deg: float,
    cycles: int,
    *,
    node_deg: float = 0.0,
    rtol: float = 1e-10,
) -> Upkeep:
    r"""Hold a near-circular orbit by one pair of burns in each turn of the node.

    Parameters
    ----------
    env : Environment
        Forces; must cover the cycles, 27.3 days each for a polar orbit, and 46 days.
    start : Instant
        When it starts, at the ascending node.
    altitude_m : float
        Mean altitude: semi-major axis less 1737.4 km [m].
    inclination_deg : float
        To the lunar equator at the start [deg].
    cycles : int
        How many turns of the node.
    node_deg : float, default 0.0
        Longitude of the node at the start [deg].
    rtol : float, default 1e-10
        Error allowed in a step [1].

    Returns
    -------
    Upkeep

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the orbit comes down within a cycle.
    DateError
        If the environment is too short.

    Notes
    -----
    Within a cycle the eccentricity vector runs through a figure that hardly hangs on where it starts; each cycle
    is begun so that the figure of the one before would have its centre at zero, which keeps the altitude within
    the narrowest band. Two burns along the motion half a revolution apart change it at a cost of
    :math:`\tfrac{v}{2} \max(|\Delta e|, |\Delta a| / a)`. Inclination and node are let drift. Errors of navigation
    and burns, other reasons to burn and the thrusters' efficiency are not in it.

    References
    ----------
    Beckman and Lamb (2007), Stationkeeping for the Lunar Reconnaissance Orbiter (LRO), 20th Int. Symp. Space
    Flight Dynamics, NTRS 20080012683: pairs of burns each sidereal month.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-03-15", degree=8)
    >>> held = hold_altitude(env, "2030-01-01", 200e3, 90.0, 1)
    >>> bool(0.5 < held.delta_v_m_s[0] < 20.0)
    True
    """
    if not (isinstance(cycles, int) and cycles >= 1):
        raise InputError(f"{cycles} cycles", where="cycles", advice="give a whole number above 0")
    if not 0.0 < altitude_m < math.inf:
        raise InputError(f"{altitude_m} m", where="altitude_m", advice="give metres above 0")
    axis = MOON_RADIUS_M + altitude_m
    begin = float(np.ravel(env.tdb_s(start))[0])
    free = placed(env, begin, axis, 0.0, inclination_deg, node_deg)
    cycle = node_cycle_s(free, env)
    figure = _vectors(_month(free, cycle, env, rtol))
    vector = figure[0] - figure.mean()
    state = _placed(env, free, axis, vector)
    rows: list[tuple[float, float, float, float]] = []
    tilts: list[float] = []
    for _ in range(cycles):
        flown = _month(state, cycle, env, rtol)
        found, figure = flown.elements(), _vectors(flown)
        last = State(float(flown.tdb_s[-1]), flown.states[-1, 0, :3], flown.states[-1, 0, 3:])
        target = figure[0] - figure.mean()
        state = _placed(env, last, axis, target)
        cost = _cost(env, last, figure[-1] - target, axis)
        band = float(found.perilune_altitude_m.min()), float(found.apolune_altitude_m.max())
        rows.append(((last.time_tdb_s - begin) / _DAY_S, cost, *band))
        tilts += [float(found.inclination_deg.min()), float(found.inclination_deg.max())]
    day, cost_m_s, low, high = np.array(rows).T
    return Upkeep(altitude_m, inclination_deg, day, cost_m_s, low, high, (min(tilts), max(tilts)))


def _month(state: State, cycle: float, env: Environment, rtol: float) -> Survey:
    """One cycle, looked at each hour."""
    flown = survey([state.vector], state.time_tdb_s, cycle / _DAY_S, env, step_s=_STEP_S, rtol=rtol)
    if not flown.lasted[0]:
        raise ModelError(
            f"comes down after {flown.survived_days[0]:.1f} d",
            where="hold altitude",
            advice="hold a higher orbit",
        )
    return flown


def _vectors(flown: Survey) -> npt.NDArray[np.complex128]:
    """Eccentricity vectors from the ascending node, as complex numbers."""
    found = flown.elements()
    return np.asarray(found.eccentricity[:, 0] * np.exp(1j * np.radians(found.argument_deg[:, 0])))


def _placed(env: Environment, state: State, axis: float, vector: complex) -> State:
    """The orbit of a state, in its plane and direction, with another size and eccentricity vector."""
    found = elements(env, state.time_tdb_s, state.vector)
    ahead = float(found.argument_deg[0] + found.true_anomaly_deg[0])
    argument = math.degrees(math.atan2(vector.imag, vector.real))
    return placed(
        env, state.time_tdb_s, axis, abs(vector), float(found.inclination_deg[0]), float(found.node_deg[0]),
        argument, ahead - argument,
    )  # fmt: skip


def _cost(env: Environment, state: State, change: complex, axis: float) -> float:
    """Velocity change of two burns along the motion [m/s]."""
    found = elements(env, state.time_tdb_s, state.vector)
    speed = math.sqrt(env.gm_m3_s2["moon"] / axis)
    return 0.5 * speed * max(abs(change), abs(float(found.semi_major_axis_m[0]) - axis) / axis)
