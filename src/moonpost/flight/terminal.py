"""The terminal phase of a descent: approach, hover and vertical descent, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from moonpost.errors import InputError, ModelError
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import PoweredPath, Vehicle, checked, joined
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Phase", "Terminal", "terminal_flight"]

_ROWS = 60


@dataclass(frozen=True)
class Terminal:
    """The last part of a descent, flown for sight and safety and not for propellant.

    Parameters
    ----------
    approach_height_m : float, default 2400.0
        Height above the site at which the approach begins, not below the gate; equal to it for none [m].
    approach_angle_deg : float, default 45.0
        Angle of the line from the site's gate to the start of the approach above the horizontal [deg].
    approach_s : float, default 120.0
        Duration of the approach, with constant acceleration [s].
    gate_height_m : float, default 100.0
        Height at which the lander hovers [m].
    hover_s : float, default 20.0
        Time at that height, for finding and avoiding hazards [s].
    vertical_speed_m_s : float, default 2.0
        Speed of the last, vertical descent [m/s].

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    The default heights, the 45 deg and the hover are those told of Chang'e 3 and 5 (2.4 to 2.5 km, 100 m); the
    durations are estimates.

    Examples
    --------
    >>> Terminal.none().hover_s
    0.0
    """

    approach_height_m: float = 2400.0
    approach_angle_deg: float = 45.0
    approach_s: float = 120.0
    gate_height_m: float = 100.0
    hover_s: float = 20.0
    vertical_speed_m_s: float = 2.0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("gate_height_m", 0.0, 1e4),
            ("approach_height_m", self.gate_height_m, 1e4),
            ("approach_angle_deg", 5.0, 90.0),
            ("approach_s", 1.0, 1e4),
            ("hover_s", 0.0, 1e4),
            ("vertical_speed_m_s", 0.1, 50.0),
        ):
            checked(getattr(self, name), name, least, most)
        if self.approaches and 2.0 * self._drop_m / self.approach_s < self.vertical_speed_m_s:
            raise InputError(
                f"{self.approach_s:g} s are too long for an approach of {self._drop_m:g} m",
                where="approach_s",
                advice="give a shorter approach, or a slower vertical descent",
            )

    @classmethod
    def none(cls, vertical_speed_m_s: float = 1.0) -> Terminal:
        """No approach, no hover: powered flight to the ground.

        Parameters
        ----------
        vertical_speed_m_s : float, default 1.0
            Speed at touchdown [m/s].

        Returns
        -------
        Terminal
        """
        return cls(0.0, 45.0, 1.0, 0.0, 0.0, vertical_speed_m_s)

    @property
    def approaches(self) -> bool:
        """Whether there is an approach.

        Returns
        -------
        bool
        """
        return self.approach_height_m > self.gate_height_m

    @property
    def _drop_m(self) -> float:
        return self.approach_height_m - self.gate_height_m

    @property
    def entry_speeds_m_s(self) -> tuple[float, float]:
        """Downward and horizontal speed over the ground at the start [m/s].

        Returns
        -------
        tuple of float
        """
        if not self.approaches:
            return self.vertical_speed_m_s, 0.0
        onward = 2.0 * self._drop_m / math.tan(math.radians(self.approach_angle_deg)) / self.approach_s
        return 2.0 * self._drop_m / self.approach_s - self.vertical_speed_m_s, onward


@dataclass(frozen=True)
class Phase:
    """A part of a powered flight.

    Parameters
    ----------
    name : str
        What is done.
    start_height_m : float
        Height above the site at its start [m].
    duration_s : float
        Duration [s].
    delta_v_m_s : float
        Velocity by the rocket equation [m/s].
    propellant_kg : float
        Propellant [kg].
    least_throttle, most_throttle : float
        Range of the thrust as a share of the full one [1].
    """

    name: str
    start_height_m: float
    duration_s: float
    delta_v_m_s: float
    propellant_kg: float
    least_throttle: float
    most_throttle: float


def terminal_flight(
    vehicle: Vehicle, terminal: Terminal, mass_kg: float, site_height_m: float, ground_speed_m_s: float
) -> tuple[PoweredPath, list[Phase]]:
    r"""Fly approach, hover and vertical descent.

    Parameters
    ----------
    vehicle : Vehicle
        The engine.
    terminal : Terminal
        What is flown.
    mass_kg : float
        Mass at its start [kg].
    site_height_m : float
        Height of the site above the 1737.4 km sphere [m].
    ground_speed_m_s : float
        Speed of the ground along the flight [m/s].

    Returns
    -------
    tuple of PoweredPath and list of Phase
        The path, without rows if there is no terminal phase, and its parts.

    Raises
    ------
    ModelError
        If a part needs more than the full thrust.

    Notes
    -----
    Constant acceleration :math:`\mathbf a` over a flat ground turning with the Moon: the thrust gives
    :math:`|\mathbf a - \mathbf g|`, and the mass falls exponentially.

    Examples
    --------
    >>> path, phases = terminal_flight(Vehicle(1500.0, 7500.0, 308.0), Terminal(), 1700.0, 0.0, 0.0)
    >>> [phase.name for phase in phases], round(sum(phase.delta_v_m_s for phase in phases))
    (['approach', 'hover', 'vertical descent'], 346)
    """
    gravity = MOON_GM_M3_S2 / (MOON_RADIUS_M + site_height_m) ** 2
    gravity -= ground_speed_m_s**2 / (MOON_RADIUS_M + site_height_m)
    down, onward = terminal.entry_speeds_m_s
    steps = []
    if terminal.approaches:
        slowing = np.array([-onward, down - terminal.vertical_speed_m_s]) / terminal.approach_s
        steps.append(("approach", terminal.approach_s, terminal.approach_height_m, (onward, -down), slowing))
    if terminal.hover_s > 0.0 and terminal.gate_height_m > 0.0:
        steps.append(("hover", terminal.hover_s, terminal.gate_height_m, (0.0, 0.0), np.zeros(2)))
    if terminal.gate_height_m > 0.0:
        time = terminal.gate_height_m / terminal.vertical_speed_m_s
        speeds = (0.0, -terminal.vertical_speed_m_s)
        steps.append(("vertical descent", time, terminal.gate_height_m, speeds, np.zeros(2)))
    mass, path, phases = mass_kg, empty_path(), []
    for name, duration, height, speeds, rate in steps:
        force = rate + np.array([0.0, gravity])
        size = float(np.hypot(*force))
        t = np.linspace(0.0, duration, _ROWS)
        masses = mass * np.exp(-size * t / vehicle.exhaust_m_s)
        thrust = masses * size
        level, up = (speeds[k] + rate[k] * t for k in (0, 1))
        part = PoweredPath(
            t,
            height + speeds[1] * t + 0.5 * rate[1] * t * t,
            (ground_speed_m_s + speeds[0]) * t + 0.5 * rate[0] * t * t,
            up,
            level + ground_speed_m_s,
            np.full(_ROWS, math.degrees(math.atan2(force[1], force[0]))),
            thrust / vehicle.thrust_n,
            thrust,
            masses,
        )
        if part.throttle.max() > 1.0:
            raise ModelError(
                f"{name} needs {part.throttle.max():.2f} of the full thrust",
                where="descent",
                advice="give more thrust, or a longer approach",
            )
        spent = mass - float(masses[-1])
        phases.append(
            Phase(
                name,
                height,
                duration,
                size * duration,
                spent,
                *(float(end(part.throttle)) for end in (np.min, np.max)),
            )
        )
        path, mass = joined(path, part) if len(path) else part, float(masses[-1])
    return path, phases


def empty_path() -> PoweredPath:
    """A path without rows."""
    return PoweredPath(*(np.empty(0) for _ in PoweredPath.__dataclass_fields__))
