"""The circular restricted three-body problem: Lagrange points, Jacobi constant, coasting, periodic orbits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError, UnknownNameError

__all__ = [
    "EARTH_MOON_LENGTH_M",
    "EARTH_MOON_MU",
    "LagrangePoint",
    "coast",
    "distant_retrograde",
    "finite_number",
    "halo",
    "jacobi",
    "lagrange",
    "lagrange_state",
    "lyapunov",
    "mass_ratio",
    "time_unit_s",
    "transition",
]

Floats = npt.NDArray[np.float64]

EARTH_MOON_MU = 0.01215058560962404
"""Mass of the Moon over that of Earth and Moon (JPL's catalogue of three-body periodic orbits)."""

EARTH_MOON_LENGTH_M = 384_400_000.0
"""Unit of length of the Earth-Moon problem [m] unless another is given: a rounded mean distance."""

_EARTH_MOON_GM_M3_S2 = 403_503.235_625e9
_NAMES = ("L1", "L2", "L3", "L4", "L5")
_HEIGHT = math.sqrt(3.0) / 2.0


class LagrangePoint(NamedTuple):
    """Where a Lagrange point lies on the line of the two bodies, and its Jacobi constant.

    Parameters
    ----------
    x : float
        Distance from the barycentre towards the smaller body, in units of the bodies' distance [1].
    jacobi : float
        Jacobi constant of rest there [1].
    """

    x: float
    jacobi: float


def lagrange(name: str, mu: float = EARTH_MOON_MU) -> LagrangePoint:
    """Place a Lagrange point of two bodies on circular orbits.

    Parameters
    ----------
    name : str
        ``"L1"`` between the bodies, ``"L2"`` beyond the smaller, ``"L3"`` beyond the larger, ``"L4"`` 60 deg
        ahead of the smaller and ``"L5"`` behind it.
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    LagrangePoint
        x and Jacobi constant; `lagrange_state` gives the whole state.

    Raises
    ------
    UnknownNameError
        If the name is none of the five.
    InputError
        If `mu` is not a number above 0 and at most 0.5.

    Notes
    -----
    The collinear points are roots of Euler's quintic in the distance from the nearest body, found by Newton's
    method to rounding error. For the constant see `jacobi`.

    References
    ----------
    Szebehely (1967), Theory of Orbits, section 4.4, doi:10.1016/B978-0-12-395732-0.X5001-6.

    Examples
    --------
    >>> point = lagrange("L1", 0.01215058560962404)
    >>> f"{point.x:.12f} {point.jacobi:.12f}"
    '0.836915125772 3.188341117749'
    """
    state = lagrange_state(name, mu)
    return LagrangePoint(float(state[0]), float(jacobi(state, mu)))


def lagrange_state(name: str, mu: float = EARTH_MOON_MU) -> Floats:
    """State of rest at a Lagrange point.

    Parameters
    ----------
    name : str
        ``"L1"`` to ``"L5"``.
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    ndarray, shape (6,)
        Position and velocity in the turning axes [1].

    Raises
    ------
    UnknownNameError
        If the name is none of the five.
    InputError
        If `mu` is not a number above 0 and at most 0.5.

    Examples
    --------
    >>> lagrange_state("L4", 0.1).round(6).tolist()
    [0.4, 0.866025, 0.0, 0.0, 0.0, 0.0]
    """
    mu = mass_ratio(mu)
    label = str(name).strip().upper().removeprefix("EM")
    if label not in _NAMES:
        raise UnknownNameError(str(name), _NAMES, kind="Lagrange point")
    state = np.zeros(6)
    if label in ("L4", "L5"):
        state[:2] = 0.5 - mu, _HEIGHT if label == "L4" else -_HEIGHT
        return state
    small, large = 1.0 - mu, -mu
    if label == "L3":
        state[0] = large - _gap(label, mu)
    else:
        state[0] = small + (-1.0 if label == "L1" else 1.0) * _gap(label, mu)
    return state


def _gap(label: str, mu: float) -> float:
    """Distance of a collinear point from its nearest body, the larger for L3."""
    if label == "L1":
        terms = [1.0, mu - 3.0, 3.0 - 2.0 * mu, -mu, 2.0 * mu, -mu]
        gap = (mu / 3.0) ** (1.0 / 3.0)
    elif label == "L2":
        terms = [1.0, 3.0 - mu, 3.0 - 2.0 * mu, -mu, -2.0 * mu, -mu]
        gap = (mu / 3.0) ** (1.0 / 3.0)
    else:
        terms = [1.0, 2.0 + mu, 1.0 + 2.0 * mu, mu - 1.0, 2.0 * (mu - 1.0), mu - 1.0]
        gap = 1.0 - 7.0 * mu / 12.0
    slopes = np.polyder(terms)
    for _ in range(50):
        step = float(np.polyval(terms, gap) / np.polyval(slopes, gap))
        gap -= step
        if abs(step) < 1e-15 * gap:
            break
    return gap


def jacobi(state: npt.ArrayLike, mu: float = EARTH_MOON_MU) -> Floats:
    """Jacobi constant of states in the turning axes.

    Parameters
    ----------
    state : array_like, shape (..., 6)
        Position and velocity [1].
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    ndarray, shape (...)
        The constant [1].

    Raises
    ------
    InputError
        If the states are not finite, of another shape, or at a body's centre.

    Notes
    -----
    C = x^2 + y^2 + 2 (1 - mu) / r1 + 2 mu / r2 - v^2. Some authors add mu (1 - mu), which makes C of the
    triangular points 3 for any `mu`; that term is left out here, as in JPL's catalogue.

    Examples
    --------
    >>> round(float(jacobi(lagrange_state("L2"))), 6)
    3.17216
    """
    mu = mass_ratio(mu)
    values = _states(state, "state")
    x, y, z = (values[..., k] for k in range(3))
    first = np.sqrt((x + mu) ** 2 + y**2 + z**2)
    second = np.sqrt((x - 1.0 + mu) ** 2 + y**2 + z**2)
    if not (np.all(first > 1e-12) and np.all(second > 1e-12)):
        raise InputError("a state lies at a body's centre", where="state", advice="move it off the centre")
    speed = np.sum(values[..., 3:] ** 2, axis=-1)
    constant = x**2 + y**2 + 2.0 * (1.0 - mu) / first + 2.0 * mu / second - speed
    return np.asarray(constant)


def time_unit_s(length_m: float = EARTH_MOON_LENGTH_M, gm_m3_s2: float = _EARTH_MOON_GM_M3_S2) -> float:
    """Unit of time for a unit of length: a revolution of the bodies lasts 2 pi of it.

    Parameters
    ----------
    length_m : float
        Distance of the bodies [m].
    gm_m3_s2 : float
        Gravitational parameter of both together [m3/s2]; Earth and Moon of DE440 by default.

    Returns
    -------
    float
        Unit of time [s].

    Raises
    ------
    InputError
        If a number is not positive.

    Examples
    --------
    >>> round(time_unit_s() / 86400, 4)
    4.3425
    """
    length, gm = finite_number(length_m, "length_m"), finite_number(gm_m3_s2, "gm_m3_s2")
    if not (length > 0.0 and gm > 0.0):
        raise InputError("the length and gm are not both positive", where="time_unit_s", advice="give SI values")
    return math.sqrt(length**3 / gm)


def coast(state: npt.ArrayLike, times: npt.ArrayLike, mu: float = EARTH_MOON_MU) -> Floats:
    """Carry a state to times before or after.

    Parameters
    ----------
    state : array_like, shape (6,)
        Position and velocity at time 0 [1].
    times : float or array_like, shape (n,)
        Times in units of the problem [1], in any order and of either sign.
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    ndarray, shape (6,) or (n, 6)
        States at the times.

    Raises
    ------
    InputError
        If an input is not finite or of another shape.
    ModelError
        If the run meets the centre of a body.

    Notes
    -----
    Taylor series of order 22 whose step keeps the last terms at rounding error; the Jacobi constant of a near
    rectilinear halo orbit stays within 2e-14 over ten revolutions.

    References
    ----------
    Jorba and Zou (2005), A software package for the numerical integration of ODEs by means of high-order Taylor
    methods, Exp. Math. 14, 99, doi:10.1080/10586458.2005.10128904.

    Examples
    --------
    >>> start = halo("L2-southern", period=1.5111111)
    >>> bool(abs(coast(start, 1.5111111) - start).max() < 1e-11)
    True
    """
    from moonpost.flight.cr3bpkernels import sample

    mu = mass_ratio(mu)
    start = _single(state)
    moments = np.asarray(_array(times, "times"))
    if moments.ndim > 1:
        raise InputError(f"shape {moments.shape}", where="times", advice="give one time or a row of them")
    flat = np.atleast_1d(moments)
    states = np.empty((flat.size, 6))
    for chosen in (flat >= 0.0, flat < 0.0):
        rows = np.flatnonzero(chosen)
        if rows.size:
            order = rows[np.argsort(np.abs(flat[rows]), kind="stable")]
            found = np.empty((order.size, 6))
            _ended(sample(start, flat[order], mu, found))
            states[order] = found
    return states[0] if moments.ndim == 0 else states


def transition(state: npt.ArrayLike, duration: float, mu: float = EARTH_MOON_MU) -> tuple[Floats, Floats]:
    """Carry a state and its state transition matrix over a duration.

    Parameters
    ----------
    state : array_like, shape (6,)
        Position and velocity at the start [1].
    duration : float
        Time to go, of either sign [1].
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    state : ndarray, shape (6,)
        Position and velocity at the end [1].
    matrix : ndarray, shape (6, 6)
        Derivatives of the end to the start; over one period of an orbit, its monodromy matrix.

    Raises
    ------
    InputError
        If an input is not finite or of another shape.
    ModelError
        If the run meets the centre of a body.

    Examples
    --------
    >>> end, matrix = transition(halo("L2-southern", period=1.5111111), 1.5111111)
    >>> round(float(np.linalg.det(matrix)), 9)
    1.0
    """
    from moonpost.flight.cr3bpkernels import flow

    mu = mass_ratio(mu)
    end, matrix = np.empty(6), np.empty((6, 6))
    _ended(flow(_single(state), finite_number(duration, "duration"), mu, end, matrix, True))
    return end, matrix


def halo(family: str, *, period: float, mu: float = EARTH_MOON_MU, member: int = 0) -> Floats:
    """Initial state of the halo orbit of a family with a given period.

    Parameters
    ----------
    family : str
        ``"L1-northern"``, ``"L1-southern"``, ``"L2-northern"``, ``"L2-southern"`` (or L3); other spellings such as
        ``"southern L2"``, ``"EML2 southern halo"``, ``"halo-L2-S"`` or ``"L2S"`` are understood. ``"NRHO"``
        without a point means L2, and southern unless it says northern.
    period : float
        Period in units of the problem, of which the bodies need 2 pi for a revolution [1].
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].
    member : int
        Which one, counted from the flat end of the family, where several have that period (L1).

    Returns
    -------
    ndarray, shape (6,)
        State at the crossing of the xz plane that lies farther from the smaller body: (x, 0, z, 0, vy, 0).

    Raises
    ------
    UnknownNameError
        If the family is not known.
    InputError
        If the period is not one of the family's, or `mu` is not a number above 0 and at most 0.5.
    ModelError
        If the family cannot be followed for this `mu`.

    Notes
    -----
    Northern orbits spend most of their time at z > 0. The family is followed by pseudo-arclength from the place
    where it leaves the planar Lyapunov orbits (see `moonpost.flight.halos`), which takes about a fifth of a
    second once for each family and `mu`; a member of the exact period then takes a few milliseconds.

    References
    ----------
    Howell (1984), Three-dimensional, periodic, 'halo' orbits, Celest. Mech. 32, 53, doi:10.1007/BF01358403.

    Examples
    --------
    >>> state = halo("L2-southern", period=1.5111111, mu=0.01215058560962404)
    >>> state.round(10).tolist()
    [1.0220215111, 0.0, -0.1820967826, 0.0, -0.1032563519, 0.0]
    """
    from moonpost.flight.halos import halo_family

    return halo_family(family, mu).orbit(period, member=member).state


def lyapunov(point: str, *, period: float, mu: float = EARTH_MOON_MU, member: int = 0) -> Floats:
    """Initial state of the planar Lyapunov orbit of a collinear point with a given period.

    Parameters
    ----------
    point : str
        ``"L1"``, ``"L2"`` or ``"L3"``.
    period : float
        Period in units of the problem [1].
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].
    member : int
        Which one, counted from the point, where several have that period.

    Returns
    -------
    ndarray, shape (6,)
        State at the crossing of the x axis that lies farther from the smaller body: (x, 0, 0, 0, vy, 0).

    Raises
    ------
    UnknownNameError
        If the point is not known.
    InputError
        If the period is not one of the family's, or `mu` is not a number above 0 and at most 0.5.

    Examples
    --------
    >>> state = lyapunov("L1", period=3.0)
    >>> bool(abs(coast(state, 3.0) - state).max() < 1e-11)
    True
    """
    from moonpost.flight.halos import lyapunov_family

    return lyapunov_family(point, mu).orbit(period, member=member).state


def distant_retrograde(*, period: float, mu: float = EARTH_MOON_MU) -> Floats:
    """Initial state of the distant retrograde orbit round the smaller body with a given period.

    Parameters
    ----------
    period : float
        Period in units of the problem [1].
    mu : float
        Mass of the smaller body over that of both, above 0 and at most 0.5 [1].

    Returns
    -------
    ndarray, shape (6,)
        State at the crossing of the x axis on the far side of the smaller body: (x, 0, 0, 0, vy, 0), vy < 0.

    Raises
    ------
    InputError
        If the period is not one of the family's, or `mu` is not a number above 0 and at most 0.5.

    Examples
    --------
    >>> state = distant_retrograde(period=3.0)
    >>> bool(state[4] < 0.0)
    True
    """
    from moonpost.flight.halos import retrograde_family

    return retrograde_family(mu).orbit(period).state


def mass_ratio(mu: float) -> float:
    """Check a mass ratio.

    Parameters
    ----------
    mu : float
        Mass of the smaller body over that of both [1].

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    InputError
        If it is not a number above 0 and at most 0.5.

    Examples
    --------
    >>> mass_ratio(0.0121)
    0.0121
    """
    value = finite_number(mu, "mu")
    if not 0.0 < value <= 0.5:
        raise InputError(
            f"{value:g} is not a mass ratio",
            where="mu",
            advice="give the smaller mass over both, above 0 and at most 0.5",
        )
    return value


def finite_number(value: float, where: str) -> float:
    """Check one number.

    Parameters
    ----------
    value : float
        The number.
    where : str
        Name of the argument for the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputError
        If it is not a finite number.

    Examples
    --------
    >>> finite_number(2, "period")
    2.0
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{value!r} is not a number", where=where, advice="give one number") from error
    if not math.isfinite(number):
        raise InputError(f"{number} is not finite", where=where, advice="give a finite number")
    return number


def _array(values: npt.ArrayLike, where: str) -> Floats:
    """Finite numbers."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError("is not an array of numbers", where=where, advice="give numbers") from error
    if not np.isfinite(array).all():
        raise InputError("holds NaN or infinity", where=where, advice="give finite numbers")
    return array


def _states(values: npt.ArrayLike, where: str) -> Floats:
    """Finite states in the last axis."""
    array = _array(values, where)
    if array.ndim == 0 or array.shape[-1] != 6:
        raise InputError(f"shape {array.shape}", where=where, advice="give x, y, z, vx, vy, vz in the last axis")
    return array


def _single(values: npt.ArrayLike) -> Floats:
    """One finite state."""
    array = _states(values, "state")
    if array.shape != (6,):
        raise InputError(f"shape {array.shape}", where="state", advice="give one state of six numbers")
    return np.ascontiguousarray(array)


def _ended(status: int) -> None:
    """Raise if a run did not reach its end."""
    if status != 0:
        raise ModelError(
            "the run meets the centre of a body",
            where="cr3bp",
            advice="shorten it, or move the start off that path",
        )
