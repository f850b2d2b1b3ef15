"""Powered descent: from the perilune of a low orbit to the ground with finite thrust, approach and hover."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.orbit import MOON_GM_M3_S2, LunarOrbit
from moonpost.flight.poweredpath import PoweredPath, Vehicle, checked, joined
from moonpost.flight.steering import Ends, SteeredFlight, steer
from moonpost.flight.terminal import Phase, Terminal, terminal_flight
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Descent", "best_perilune", "descend", "impulsive_descent_m_s"]

Floats = npt.NDArray[np.float64]

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_LOWEST_PERILUNE_M = 20.0


@dataclass(frozen=True, eq=False)
class Descent:
    """A descent from a low orbit to the ground.

    Parameters
    ----------
    vehicle : Vehicle
        The lander at ignition at perilune.
    perilune_altitude_m, apolune_altitude_m : float
        Orbit before ignition, altitudes above the 1737.4 km sphere [m].
    insertion_m_s : float
        Impulse that brings the lander from a circle at apolune into that orbit [m/s].
    phases : tuple of Phase
        Braking, and as far as there are any approach, hover and vertical descent.
    path : PoweredPath
        The flight from ignition to touchdown.
    braking : SteeredFlight
        The optimised part.
    gravity_loss_m_s, steering_loss_m_s : float
        Of all phases: what the path against gravity costs, and thrust across the motion [m/s].
    impulsive_m_s : float
        What impulses would need from the circle at apolune to rest on the ground [m/s].
    """

    vehicle: Vehicle
    perilune_altitude_m: float
    apolune_altitude_m: float
    insertion_m_s: float
    phases: tuple[Phase, ...]
    path: PoweredPath
    braking: SteeredFlight
    gravity_loss_m_s: float
    steering_loss_m_s: float
    impulsive_m_s: float

    @property
    def delta_v_m_s(self) -> float:
        """Velocity of the powered descent by the rocket equation [m/s].

        Returns
        -------
        float
        """
        return sum(phase.delta_v_m_s for phase in self.phases)

    @property
    def total_delta_v_m_s(self) -> float:
        """Powered descent and insertion into its orbit together [m/s].

        Returns
        -------
        float
        """
        return self.insertion_m_s + self.delta_v_m_s

    @property
    def duration_s(self) -> float:
        """Time from ignition to touchdown [s].

        Returns
        -------
        float
        """
        return float(self.path.elapsed_s[-1])

    @property
    def propellant_kg(self) -> float:
        """Propellant of the powered descent [kg].

        Returns
        -------
        float
        """
        return float(self.path.mass_kg[0] - self.path.mass_kg[-1])

    @property
    def landed_mass_kg(self) -> float:
        """Mass at touchdown [kg].

        Returns
        -------
        float
        """
        return float(self.path.mass_kg[-1])

    @property
    def range_m(self) -> float:
        """Distance along the ground's sphere from ignition to touchdown, in axes that do not turn [m].

        Returns
        -------
        float
        """
        return float(self.path.downrange_m[-1])

    @property
    def throttle_range(self) -> tuple[float, float]:
        """Least and greatest share of the full thrust that the descent asks for [1].

        Returns
        -------
        tuple of float
        """
        return float(self.path.throttle.min()), float(self.path.throttle.max())

    def to_dict(self) -> dict[str, object]:
        """Figures ready for JSON, the path thinned out.

        Returns
        -------
        dict
        """
        names = (
            "perilune_altitude_m", "apolune_altitude_m", "insertion_m_s", "delta_v_m_s", "total_delta_v_m_s",
            "impulsive_m_s", "gravity_loss_m_s", "steering_loss_m_s", "duration_s", "propellant_kg",
            "landed_mass_kg", "range_m", "throttle_range",
        )  # fmt: skip
        found: dict[str, object] = {name: getattr(self, name) for name in names}
        found["phases"] = [vars(phase) for phase in self.phases]
        found["path"] = self.path.rows()
        return found


def descend(
    vehicle: Vehicle,
    *,
    perilune_altitude_m: float = 15e3,
    apolune_altitude_m: float = 100e3,
    site_height_m: float = 0.0,
    ground_speed_m_s: float = 0.0,
    terminal: Terminal | None = None,
) -> Descent:
    r"""Land from the perilune of an orbit with the least propellant for a given terminal phase.

    Parameters
    ----------
    vehicle : Vehicle
        Mass at ignition and engine.
    perilune_altitude_m, apolune_altitude_m : float, default 15e3 and 100e3
        Orbit before ignition, altitudes above the 1737.4 km sphere [m].
    site_height_m : float, default 0.0
        Height of the site above the sphere [m].
    ground_speed_m_s : float, default 0.0
        Speed of the ground along the flight by the Moon's rotation, from `moonpost.flight.landing.ground_speed`;
        at most 4.6 m/s at the equator, 0 across a polar orbit [m/s].
    terminal : Terminal, optional
        Approach, hover and vertical descent; the default one if not given.

    Returns
    -------
    Descent

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the lander has too little thrust or would fly into the ground, or cannot hover.

    Notes
    -----
    Ignition at perilune, flight in the plane of the orbit, spherical Moon with a point mass, thrust and specific
    impulse constant but for the throttle. The braking phase is optimal, see `moonpost.flight.steering.steer`; the
    terminal phase is closed-form: constant acceleration :math:`\mathbf a` needs :math:`|\mathbf a - \mathbf g| t`.
    The Moon turns under the flight: the speed of the ground along it is in; that across it, at most 4.6 m/s, is
    left out and would cost 0.01 m/s if taken up while braking. Terrain on the way is not looked at here, only the
    level of the site; see `moonpost.flight.groundtrack.clearance`.

    Examples
    --------
    >>> found = descend(Vehicle(3000.0, 7500.0, 308.0, least_throttle=0.2))
    >>> round(found.delta_v_m_s), round(found.duration_s)
    (2085, 741)
    """
    last = terminal or Terminal()
    _check(perilune_altitude_m, apolune_altitude_m, site_height_m, ground_speed_m_s, last)
    orbit = LunarOrbit(perilune_altitude_m, apolune_altitude_m, 90.0)
    down, onward = last.entry_speeds_m_s
    ends = Ends(
        perilune_altitude_m,
        0.0,
        orbit.perilune_speed_m_s,
        site_height_m + last.approach_height_m,
        -down,
        ground_speed_m_s + onward,
    )
    braking = steer(vehicle, ends)
    lowest = float(braking.path.altitude_m.min()) + last.approach_height_m
    if lowest < -1.0:
        raise ModelError(
            f"the best flight dips {-lowest:.0f} m below the site at a thrust of "
            f"{vehicle.weight_ratio:.2f} weights",
            where="descent",
            advice="start from a higher perilune, or give more thrust",
        )
    ends_path, phases = terminal_flight(
        vehicle, last, float(braking.path.mass_kg[-1]), site_height_m, ground_speed_m_s
    )
    path = joined(_raised(braking.path, last.approach_height_m), ends_path) if len(ends_path) else braking.path
    first = Phase(
        "braking",
        perilune_altitude_m - site_height_m,
        braking.duration_s,
        braking.delta_v_m_s,
        braking.propellant_kg,
        float(braking.throttles.min()),
        float(braking.throttles.max()),
    )
    everything = (first, *phases)
    total = sum(phase.delta_v_m_s for phase in everything)
    gravity = braking.gravity_loss_m_s + _fallen(ends_path, site_height_m)
    change = orbit.perilune_speed_m_s - math.hypot(ground_speed_m_s, last.vertical_speed_m_s)
    return Descent(
        vehicle,
        perilune_altitude_m,
        apolune_altitude_m,
        LunarOrbit(apolune_altitude_m, apolune_altitude_m, 90.0).perilune_speed_m_s - orbit.apolune_speed_m_s,
        everything,
        path,
        braking,
        gravity,
        total - change - gravity,
        impulsive_descent_m_s(apolune_altitude_m, site_height_m, ground_speed_m_s),
    )


def impulsive_descent_m_s(
    apolune_altitude_m: float, site_height_m: float = 0.0, ground_speed_m_s: float = 0.0
) -> float:
    """What two impulses need from a circular orbit to rest on the ground: the floor of every descent.

    Parameters
    ----------
    apolune_altitude_m : float
        Altitude of the circle above the 1737.4 km sphere [m].
    site_height_m : float, default 0.0
        Height of the site [m].
    ground_speed_m_s : float, default 0.0
        Speed of the ground along the flight [m/s].

    Returns
    -------
    float
        [m/s]

    Examples
    --------
    >>> round(impulsive_descent_m_s(100e3), 1)
    1726.2
    """
    high, low = MOON_RADIUS_M + apolune_altitude_m, MOON_RADIUS_M + site_height_m
    circle = math.sqrt(MOON_GM_M3_S2 / high)
    far = math.sqrt(2.0 * MOON_GM_M3_S2 * low / (high * (high + low)))
    return circle - far + far * high / low - ground_speed_m_s


def best_perilune(
    vehicle: Vehicle,
    *,
    apolune_altitude_m: float = 100e3,
    site_height_m: float = 0.0,
    ground_speed_m_s: float = 0.0,
    terminal: Terminal | None = None,
) -> Descent:
    """The descent from the perilune altitude that needs the least in all.

    Parameters
    ----------
    vehicle : Vehicle
        Mass at ignition and engine.
    apolune_altitude_m : float, default 100e3
        Altitude of the circle from which the lander comes [m].
    site_height_m, ground_speed_m_s : float, default 0.0
        Height of the site [m]; speed of the ground along the flight [m/s].
    terminal : Terminal, optional
        Terminal phase.

    Returns
    -------
    Descent
        Its `perilune_altitude_m` is the best one, to 10 m. It mostly lies as low as the site allows, from where
        the flight rises a little at first; as the thrust grows, the sum goes to `impulsive_descent_m_s`. Real
        missions start at 15 km, for the terrain under the orbit: that costs some m/s.

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If no altitude below apolune allows a landing.

    Examples
    --------
    >>> strong = Vehicle(3000.0, 100e3, 308.0)
    >>> best = best_perilune(strong, terminal=Terminal.none())
    >>> round(best.total_delta_v_m_s - best.impulsive_m_s, 1)
    0.4
    """
    last = terminal or Terminal()

    def landed(altitude_m: float) -> Descent | None:
        try:
            return descend(
                vehicle,
                perilune_altitude_m=altitude_m,
                apolune_altitude_m=apolune_altitude_m,
                site_height_m=site_height_m,
                ground_speed_m_s=ground_speed_m_s,
                terminal=last,
            )
        except ModelError:
            return None

    def cost(altitude_m: float) -> float:
        found = landed(altitude_m)
        return math.inf if found is None else found.total_delta_v_m_s

    floor = site_height_m + last.approach_height_m + _LOWEST_PERILUNE_M
    if not floor < apolune_altitude_m:
        raise InputError(
            f"apolune at {apolune_altitude_m:g} m is too low", where="apolune_altitude_m", advice="give more"
        )
    tried = np.geomspace(max(floor, _LOWEST_PERILUNE_M), apolune_altitude_m, 25)
    costs = [cost(float(altitude_m)) for altitude_m in tried]
    k = int(np.argmin(costs))
    if not math.isfinite(costs[k]):
        raise ModelError(
            f"no perilune below {apolune_altitude_m / 1e3:g} km allows a landing with this engine",
            where="descent",
            advice="give more thrust or less mass",
        )
    low, high = float(tried[max(k - 1, 0)]), float(tried[min(k + 1, len(tried) - 1)])
    while high - low > 10.0:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if cost(left) <= cost(right):
            high = right
        else:
            low = left
    middle = 0.5 * (low + high)
    found = landed(middle if cost(middle) <= costs[k] else float(tried[k]))
    assert found is not None
    return found


def _check(perilune: float, apolune: float, height: float, ground: float, last: Terminal) -> None:
    """Refuse altitudes and speeds of no use."""
    checked(height, "site_height_m", -2e4, 2e4)
    checked(ground, "ground_speed_m_s", -10.0, 10.0)
    checked(perilune, "perilune_altitude_m", 1.0, 1e6)
    checked(apolune, "apolune_altitude_m", perilune, 1e6)
    if not perilune > height + last.approach_height_m:
        raise InputError(
            f"perilune at {perilune:g} m is not above the start of the terminal phase at "
            f"{height + last.approach_height_m:g} m",
            where="perilune_altitude_m",
            advice="start higher, or approach from lower",
        )


def _raised(path: PoweredPath, by_m: float) -> PoweredPath:
    """The same path with altitudes counted from lower down."""
    parts = {name: getattr(path, name) for name in PoweredPath.__dataclass_fields__}
    return PoweredPath(**parts | {"altitude_m": path.altitude_m + by_m})


def _fallen(path: PoweredPath, site_height_m: float) -> float:
    """What gravity gives in speed along a path, and thrust has to take away."""
    if not len(path):
        return 0.0
    gravity = MOON_GM_M3_S2 / (MOON_RADIUS_M + site_height_m) ** 2
    speed = np.maximum(path.speed_m_s, 1e-12)
    return float(np.trapezoid(-gravity * path.rise_m_s / speed, path.elapsed_s))
