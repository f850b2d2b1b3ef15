"""Where a lander really comes down: errors of navigation carried through the descent, against a map of hazards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.flight.descent import Descent
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import checked
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Dispersion", "NavigationErrors", "dispersion", "sampled_landings"]

Floats = npt.NDArray[np.float64]

_STEP_S = 2.0
_STATES = 13


@dataclass(frozen=True)
class NavigationErrors:
    """Standard errors (one sigma) of what a lander knows and does.

    Parameters
    ----------
    along_m, cross_m, up_m : float, default 300.0, 100.0 and 50.0
        Position at ignition: along the flight, across it, in height [m].
    along_m_s, cross_m_s, up_m_s : float, default 0.05, 0.1 and 0.3
        Velocity at ignition [m/s].
    misalignment_deg : float, default 0.02
        Attitude, about each axis [deg].
    bias_m_s2 : float, default 5e-4
        Bias of each accelerometer [m/s2].
    scale : float, default 1e-4
        Error of the accelerometers' scale [1].
    radar_height_m : float, default 10e3
        Height below which a radar measures height and velocity every second; 0 for no radar [m].
    radar_m, radar_m_s : float, default 20.0 and 0.3
        One such measurement of height, and of each component of velocity [m], [m/s].
    fix_height_m : float, default 0.0
        Height at which the place is found from pictures of the terrain; 0 for never [m].
    fix_m : float, default 30.0
        Each horizontal component of that place [m].
    control_m : float, default 5.0
        What the flight to the wished place misses by, each horizontal component [m].

    Raises
    ------
    InputError
        If a number is negative or not finite.

    Notes
    -----
    The default values are estimates for an orbit determined from the Earth and sensors of the class of present
    landers; they are not those of a mission.
    """

    along_m: float = 300.0
    cross_m: float = 100.0
    up_m: float = 50.0
    along_m_s: float = 0.05
    cross_m_s: float = 0.1
    up_m_s: float = 0.3
    misalignment_deg: float = 0.02
    bias_m_s2: float = 5e-4
    scale: float = 1e-4
    radar_height_m: float = 10e3
    radar_m: float = 20.0
    radar_m_s: float = 0.3
    fix_height_m: float = 0.0
    fix_m: float = 30.0
    control_m: float = 5.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            checked(getattr(self, name), name, 1e-3 if name in ("radar_m", "radar_m_s", "fix_m") else 0.0, 1e7)

    @property
    def first(self) -> Floats:
        """Standard errors of the 13 states at ignition: position, velocity, attitude [rad], biases, scale.

        Returns
        -------
        ndarray, shape (13,)
            Axes along the flight, across it to the left, and up at ignition.
        """
        turn = math.radians(self.misalignment_deg)
        return np.array(
            [
                self.along_m, self.cross_m, self.up_m, self.along_m_s, self.cross_m_s, self.up_m_s,
                turn, turn, turn, self.bias_m_s2, self.bias_m_s2, self.bias_m_s2, self.scale,
            ]
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dispersion:
    """How far from the aim a lander comes down.

    Parameters
    ----------
    covariance_m2 : ndarray, shape (2, 2)
        Of the distance along the flight and across it to the left [m2].
    elapsed_s : ndarray, shape (n,)
        Times from ignition [s].
    sigma_m : ndarray, shape (n, 3)
        Standard errors of the known position along, across and up on the way [m].
    """

    covariance_m2: Floats
    elapsed_s: Floats
    sigma_m: Floats

    @property
    def sigma_axes_m(self) -> tuple[float, float]:
        """Standard errors along the long and the short axis of the ellipse [m].

        Returns
        -------
        tuple of float
        """
        small, large = np.sqrt(np.linalg.eigvalsh(self.covariance_m2))
        return float(large), float(small)

    @property
    def axis_from_track_deg(self) -> float:
        """Direction of the long axis, clockwise from the direction of flight, -90 to 90 [deg].

        Returns
        -------
        float
        """
        (a, b), (_, c) = self.covariance_m2
        return -0.5 * math.degrees(math.atan2(2.0 * b, a - c))

    def ellipse_m(self, probability: float = 0.99) -> tuple[float, float]:
        """Half axes of the ellipse that holds a landing with a probability.

        Parameters
        ----------
        probability : float, default 0.99
            Probability, above 0 and below 1 [1].

        Returns
        -------
        tuple of float
            Long and short half axis [m].

        Examples
        --------
        >>> round(Dispersion(np.eye(2), np.zeros(1), np.zeros((1, 3))).ellipse_m(0.99)[0], 3)
        3.035
        """
        checked(probability, "probability", 1e-9, 1.0 - 1e-9)
        size = math.sqrt(-2.0 * math.log1p(-probability))
        large, small = self.sigma_axes_m
        return size * large, size * small

    def on_map(self, heading_deg: float) -> Floats:
        """Covariance on a map.

        Parameters
        ----------
        heading_deg : float
            Direction of flight on the map, clockwise from its top [deg].

        Returns
        -------
        ndarray, shape (2, 2)
            Of x to the right and y to the top [m2].

        Examples
        --------
        >>> found = Dispersion(np.diag([4.0, 1.0]), np.zeros(1), np.zeros((1, 3)))
        >>> found.on_map(0.0).round(9).tolist(), found.on_map(90.0).round(9).tolist()
        ([[1.0, 0.0], [0.0, 4.0]], [[4.0, 0.0], [0.0, 1.0]])
        """
        turn = math.radians(checked(heading_deg, "heading_deg", -720.0, 720.0))
        axes = np.array([[math.sin(turn), -math.cos(turn)], [math.cos(turn), math.sin(turn)]])
        return axes @ self.covariance_m2 @ axes.T + 0.0


def dispersion(descent: Descent, errors: NavigationErrors | None = None) -> Dispersion:
    r"""Carry errors of navigation through a descent by linear covariance.

    Parameters
    ----------
    descent : Descent
        The descent as planned.
    errors : NavigationErrors, optional
        Standard errors; the default ones if not given.

    Returns
    -------
    Dispersion

    Notes
    -----
    Guidance is taken to bring the lander to where it believes the aim is, so it misses by the error of its
    navigation at touchdown, and by `control_m`. That error :math:`e` of position and velocity follows
    :math:`\ddot e = G e + f \times \psi + b + s f` with the gradient of gravity *G*, the thrust acceleration *f*,
    and errors of attitude, bias and scale that do not change; the radar's and the picture's measurements enter by
    a Kalman filter. Engine errors are corrected by guidance and only cost propellant. The terrain under the radar
    is taken to be level.

    Examples
    --------
    >>> from moonpost.flight.descent import descend
    >>> from moonpost.flight.poweredpath import Vehicle
    >>> plan = descend(Vehicle(3000.0, 7500.0, 308.0, least_throttle=0.2))
    >>> found = dispersion(plan, NavigationErrors(fix_height_m=1500.0))
    >>> found.ellipse_m()[0] < 150.0 < dispersion(plan).ellipse_m()[0]
    True
    """
    given = errors or NavigationErrors()
    grid = _Grid(descent)
    spread, sigma = np.diag(given.first**2), [given.first[:3]]
    for k in range(len(grid.time) - 1):
        step = grid.transition(k)
        spread = step @ spread @ step.T
        for rows, noise in grid.measurements(k + 1, given):
            gain = _gain(spread, rows, noise)
            keep = np.eye(_STATES) - gain @ rows
            spread = keep @ spread @ keep.T + gain @ noise @ gain.T
        turned = grid.axes(k + 1) @ spread[:3, :3] @ grid.axes(k + 1).T
        sigma.append(np.sqrt(np.maximum(0.0, np.diag(turned))))
    level = grid.axes(-1)[:2]
    covariance = level @ spread[:3, :3] @ level.T + given.control_m**2 * np.eye(2)
    return Dispersion(covariance, grid.time, np.array(sigma))


def sampled_landings(
    descent: Descent, errors: NavigationErrors | None = None, *, trials: int = 2000, seed: int = 0
) -> Floats:
    """Fly descents with errors drawn at random, without linearising.

    Parameters
    ----------
    descent : Descent
        The descent as planned.
    errors : NavigationErrors, optional
        Standard errors; the default ones if not given.
    trials : int, default 2000
        How many.
    seed : int, default 0
        Start of the random numbers; the same gives the same landings.

    Returns
    -------
    ndarray, shape (trials, 2)
        Where each comes down: along the flight and across it to the left, from the aim [m].

    Raises
    ------
    InputError
        If the number of trials is not 2 to 1,000,000.

    Notes
    -----
    The lander's computer believes in the planned path. The true one is flown with the true gravity at the true
    place and with the thrust turned, scaled and biased as the sensors are; measurements move the belief by the
    gains of the filter, and guidance then takes the lander back to the plan as believed.
    """
    given = errors or NavigationErrors()
    count = int(checked(trials, "trials", 2, 1_000_000))
    grid, rng = _Grid(descent), np.random.default_rng(seed)
    drawn = rng.standard_normal((count, _STATES)) * given.first
    away, constants = drawn[:, :6].copy(), drawn[:, 6:]
    spread = np.diag(given.first**2)
    for k in range(len(grid.time) - 1):
        away = grid.flown(k, away, constants)
        step = grid.transition(k)
        spread = step @ spread @ step.T
        for rows, noise in grid.measurements(k + 1, given):
            gain = _gain(spread, rows, noise)
            keep = np.eye(_STATES) - gain @ rows
            spread = keep @ spread @ keep.T + gain @ noise @ gain.T
            seen = np.concatenate([away, constants], axis=1) @ rows.T
            seen += rng.standard_normal(seen.shape) * np.sqrt(np.diag(noise))
            fixed = np.concatenate([away, constants], axis=1) - seen @ gain.T
            away, constants = fixed[:, :6], fixed[:, 6:]
    missed = -away[:, :3] @ grid.axes(-1)[:2].T
    return missed + given.control_m * rng.standard_normal(missed.shape)


def _gain(spread: Floats, rows: Floats, noise: Floats) -> Floats:
    """Gain of the filter."""
    return np.asarray(np.linalg.solve(rows @ spread @ rows.T + noise, rows @ spread).T)


class _Grid:
    """A descent on an even grid, in axes that do not turn: along, across to the left and up at ignition."""

    def __init__(self, descent: Descent) -> None:
        path = descent.path
        count = max(2, round(float(path.elapsed_s[-1]) / _STEP_S) + 1)
        self.time = np.linspace(0.0, float(path.elapsed_s[-1]), count)
        self.step = float(self.time[1])
        middle = self.time[:-1] + 0.5 * self.step
        ground = MOON_RADIUS_M + descent.perilune_altitude_m - float(path.altitude_m[0])
        self.angle = np.interp(self.time, path.elapsed_s, path.downrange_m) / ground
        self.height = np.interp(self.time, path.elapsed_s, path.altitude_m)
        times = np.stack([self.time[:-1], middle, self.time[1:]], axis=1)
        angle = np.interp(times, path.elapsed_s, path.downrange_m) / ground
        radius = ground + np.interp(times, path.elapsed_s, path.altitude_m)
        zero = np.zeros_like(angle)
        self.place = radius[..., None] * np.stack([np.sin(angle), zero, np.cos(angle)], axis=-1)
        force = np.interp(times, path.elapsed_s, path.thrust_n) / np.interp(times, path.elapsed_s, path.mass_kg)
        pitch = np.radians(np.interp(times, path.elapsed_s, np.unwrap(path.pitch_deg, period=360.0))) - angle
        self.force = force[..., None] * np.stack([np.cos(pitch), zero, np.sin(pitch)], axis=-1)

    def axes(self, k: int) -> Floats:
        """Along, across and up at a grid point, one a row."""
        s, c = math.sin(self.angle[k]), math.cos(self.angle[k])
        return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])

    def transition(self, k: int) -> Floats:
        """Transition of the errors over a step, by the middle of it to fourth order."""
        r, f = self.place[k, 1], self.force[k, 1]
        distance = float(np.linalg.norm(r))
        rates = np.zeros((_STATES, _STATES))
        rates[:3, 3:6] = np.eye(3)
        rates[3:6, :3] = MOON_GM_M3_S2 / distance**3 * (3.0 * np.outer(r, r) / distance**2 - np.eye(3))
        rates[3:6, 6:9] = np.array([[0.0, -f[2], f[1]], [f[2], 0.0, -f[0]], [-f[1], f[0], 0.0]])
        rates[3:6, 9:12] = np.eye(3)
        rates[3:6, 12] = f
        step = rates * self.step
        square = step @ step
        return np.eye(_STATES) + step + square / 2.0 + square @ step / 6.0 + square @ square / 24.0

    def measurements(self, k: int, errors: NavigationErrors) -> list[tuple[Floats, Floats]]:
        """What is measured between the grid point before and this one: rows and noise."""
        axes, found = self.axes(k), []
        if self.height[k] < errors.radar_height_m:
            rows = np.zeros((4, _STATES))
            rows[0, :3], rows[1:, 3:6] = axes[2], axes
            noise = np.diag([errors.radar_m**2, *[errors.radar_m_s**2] * 3]) / self.step
            found.append((rows, noise))
        if self.height[k] < errors.fix_height_m <= self.height[k - 1]:
            rows = np.zeros((2, _STATES))
            rows[:, :3] = axes[:2]
            found.append((rows, errors.fix_m**2 * np.eye(2)))
        return found

    def flown(self, k: int, away: Floats, constants: Floats) -> Floats:
        """Errors after a step of the true equations of motion, by the classical method of order 4."""
        h = self.step

        def rates(errors: Floats, stage: int) -> Floats:
            place, force = self.place[k, stage], self.force[k, stage]
            # Errors are belief less truth, so the truth is what is believed less the errors.
            true = place - errors[:, :3]
            pull = -MOON_GM_M3_S2 * true / np.linalg.norm(true, axis=1)[:, None] ** 3
            believed = -MOON_GM_M3_S2 * place / np.linalg.norm(place) ** 3
            turned = _turned(force, constants[:, :3])
            push = (turned - constants[:, 3:6]) * (1.0 - constants[:, 6:7])
            return np.concatenate([errors[:, 3:], believed + force - pull - push], axis=1)

        first = rates(away, 0)
        second = rates(away + 0.5 * h * first, 1)
        third = rates(away + 0.5 * h * second, 1)
        fourth = rates(away + h * third, 2)
        return away + h * (first + 2.0 * second + 2.0 * third + fourth) / 6.0


def _turned(vector: Floats, turns: Floats) -> Floats:
    """A vector turned by small rotation vectors, whole and not only to first order."""
    size = np.linalg.norm(turns, axis=1)[:, None]
    across = np.cross(turns, vector)
    half = np.sinc(size / (2.0 * np.pi)) ** 2
    return vector + np.sinc(size / np.pi) * across + 0.5 * half * np.cross(turns, across)
