"""Averaged theory of lunar orbits: where the zonal field and the Earth leave perilune in its place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.environment import EARTH_GM_M3_S2
from moonpost.flight.gravityfield import GravityField
from moonpost.sky.site import MOON_RADIUS_M

__all__ = [
    "averaged_frozen_eccentricity",
    "averaged_frozen_map",
    "averaged_perturbation_m2_s2",
    "circular_frozen_inclinations_deg",
    "perilune_rate_rad_s",
]

Floats = npt.NDArray[np.float64]

_EARTH_DISTANCE_M = 384_399e3
_POINTS = 256
_STEP = 1e-5
_SCAN = 120


def averaged_perturbation_m2_s2(
    semi_major_axis_m: float,
    eccentricity: npt.ArrayLike,
    inclination_deg: npt.ArrayLike,
    argument_deg: float = 90.0,
    *,
    field: GravityField | None = None,
    earth: bool = True,
) -> Floats:
    r"""Perturbing potential averaged over a revolution, over a turn of the node and over a month.

    Parameters
    ----------
    semi_major_axis_m : float
        Half the long axis [m].
    eccentricity : array_like
        Eccentricity; a negative one stands for the opposite argument [1].
    inclination_deg : array_like
        To the lunar equator [deg].
    argument_deg : float, default 90.0
        Argument of perilune [deg].
    field : GravityField, optional
        Field of the Moon, of which the zonal terms count; GRGM1200A to degree 50 if not given.
    earth : bool, default True
        Whether the Earth pulls.

    Returns
    -------
    ndarray
        Positive where the orbit is bound more tightly [m2/s2].

    Raises
    ------
    InputError
        If the orbit is no ellipse outside the Moon.

    Notes
    -----
    Zonal terms: the mean over the mean anomaly, by the trapezoidal rule in 256 true anomalies, exact for these
    degrees. Earth: :math:`\frac{\mu' a^2}{16 r'^3} [(2 + 3 e^2)(3 \cos^2 i - 1) + 15 e^2 \sin^2 i \cos
    2\omega]` on a circle in the equator of the Moon (it is 6.7 deg from it). Left out: tesseral terms, which turn
    with the Moon and average out within a month but for their squares, and the Sun.

    References
    ----------
    Abad, Elipe and Tresaco (2009), Analytical model to find frozen orbits for a lunar orbiter, J. Guid. Control
    Dyn. 32, 888, doi:10.2514/1.38350.

    Examples
    --------
    >>> bool(averaged_perturbation_m2_s2(1837.4e3, 0.0, 0.0) > averaged_perturbation_m2_s2(1837.4e3, 0.0, 90.0))
    True
    """
    e, tilt = np.broadcast_arrays(np.asarray(eccentricity, float), np.radians(np.asarray(inclination_deg, float)))
    _check(semi_major_axis_m, e, tilt)
    zonal = _zonal(semi_major_axis_m, e, tilt, math.radians(argument_deg), _field(field))
    return zonal + _pull(semi_major_axis_m, e, tilt, math.radians(argument_deg)) if earth else zonal


def perilune_rate_rad_s(
    semi_major_axis_m: float,
    eccentricity: npt.ArrayLike,
    inclination_deg: float,
    *,
    field: GravityField | None = None,
    earth: bool = True,
) -> Floats:
    r"""Averaged rate of perilune times the eccentricity, with perilune at its northernmost.

    Parameters
    ----------
    semi_major_axis_m : float
        Half the long axis [m].
    eccentricity : array_like
        Negative for perilune at its southernmost, argument 270 deg [1].
    inclination_deg : float
        To the lunar equator, above 0 and below 180 [deg].
    field : GravityField, optional
        Field of the Moon; GRGM1200A to degree 50 if not given.
    earth : bool, default True
        Whether the Earth pulls.

    Returns
    -------
    ndarray
        :math:`e \dot\omega` [rad/s]; zero on a frozen orbit.

    Raises
    ------
    InputError
        If the orbit is no ellipse outside the Moon, or lies in the equator.

    Notes
    -----
    :math:`e\dot\omega = \frac{\sqrt{1-e^2}}{n a^2} R_e - \frac{e \cot i}{n a^2 \sqrt{1-e^2}} R_i`. At 90 and
    270 deg eccentricity and inclination stay by symmetry.

    Examples
    --------
    >>> still = averaged_frozen_eccentricity(1860.4e3, 90.0)[0]
    >>> bool(abs(perilune_rate_rad_s(1860.4e3, still, 90.0)) < 1e-12)
    True
    """
    e = np.asarray(eccentricity, dtype=np.float64)
    if not 0.0 < inclination_deg < 180.0:
        raise InputError(f"{inclination_deg} deg", where="inclination_deg", advice="give above 0 and below 180")
    chosen, tilt = _field(field), math.radians(inclination_deg)

    def whole(size: Floats, angle: float) -> Floats:
        angles = np.full(size.shape, angle)
        _check(semi_major_axis_m, size, angles)
        found = _zonal(semi_major_axis_m, size, angles, math.pi / 2, chosen)
        return found + _pull(semi_major_axis_m, size, angles, math.pi / 2) if earth else found

    by_e = (whole(e + _STEP, tilt) - whole(e - _STEP, tilt)) / (2.0 * _STEP)
    by_i = (whole(e, tilt + _STEP) - whole(e, tilt - _STEP)) / (2.0 * _STEP)
    scale = math.sqrt(chosen.gm_m3_s2 * semi_major_axis_m)
    root = np.sqrt(1.0 - e * e)
    return np.asarray(root / scale * by_e - e / math.tan(tilt) / (scale * root) * by_i)


def averaged_frozen_eccentricity(
    semi_major_axis_m: float,
    inclination_deg: float,
    *,
    field: GravityField | None = None,
    earth: bool = True,
) -> Floats:
    """Eccentricities at which perilune stays, of orbits above the ground.

    Parameters
    ----------
    semi_major_axis_m : float
        Half the long axis [m].
    inclination_deg : float
        To the lunar equator [deg].
    field : GravityField, optional
        Field of the Moon; GRGM1200A to degree 50 if not given.
    earth : bool, default True
        Whether the Earth pulls.

    Returns
    -------
    ndarray, shape (k,)
        Ascending by size: positive with perilune in the north (argument 90 deg), negative in the south (270 deg);
        empty if there is none [1].

    Raises
    ------
    InputError
        If the orbit lies inside the Moon or in the equator.

    Examples
    --------
    >>> bool(-0.06 < averaged_frozen_eccentricity(1860.4e3, 90.0)[0] < -0.03)
    True
    """
    if not semi_major_axis_m > MOON_RADIUS_M:
        raise InputError(f"{semi_major_axis_m} m", where="semi_major_axis_m", advice="give more than 1737.4 km")
    most = min(1.0 - MOON_RADIUS_M / semi_major_axis_m, 0.98) - 2.0 * _STEP
    if most <= 0.0:
        return np.array([])
    tried = np.linspace(-most, most, _SCAN)

    def rate(sizes: Floats) -> Floats:
        return perilune_rate_rad_s(semi_major_axis_m, sizes, inclination_deg, field=field, earth=earth)

    values = rate(tried)
    rows = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    low, high, sign = tried[rows], tried[rows + 1], np.sign(values[rows])
    for _ in range(40 if rows.size else 0):
        middle = 0.5 * (low + high)
        same = np.sign(rate(middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    found = 0.5 * (low + high)
    return found[np.argsort(np.abs(found))]


def averaged_frozen_map(
    semi_major_axes_m: Sequence[float] | Floats,
    inclinations_deg: Sequence[float] | Floats,
    *,
    field: GravityField | None = None,
) -> Floats:
    """Smallest frozen eccentricity for many sizes and inclinations, to choose from before `frozen_orbit`.

    Parameters
    ----------
    semi_major_axes_m : sequence of float, k of them
        Half the long axes [m].
    inclinations_deg : sequence of float, m of them
        To the lunar equator [deg].
    field : GravityField, optional
        Field of the Moon; GRGM1200A to degree 50 if not given.

    Returns
    -------
    ndarray, shape (k, m)
        Positive with perilune in the north, negative in the south, NaN where none stays above the ground [1].

    Raises
    ------
    InputError
        If an orbit lies inside the Moon or in the equator.

    Examples
    --------
    >>> averaged_frozen_map([1837.4e3, 1860.4e3], [50.0, 90.0]).round(3).tolist()
    [[0.006, nan], [0.003, -0.039]]
    """
    found = [
        [averaged_frozen_eccentricity(float(axis), float(tilt), field=field) for tilt in inclinations_deg]
        for axis in semi_major_axes_m
    ]
    return np.array([[float(cell[0]) if cell.size else np.nan for cell in row] for row in found])


def circular_frozen_inclinations_deg(semi_major_axis_m: float, *, field: GravityField | None = None) -> Floats:
    """Inclinations at which a circle is frozen on average: those at which the odd zonal terms cancel.

    Parameters
    ----------
    semi_major_axis_m : float
        Half the long axis [m].
    field : GravityField, optional
        Field of the Moon; GRGM1200A to degree 50 if not given.

    Returns
    -------
    ndarray, shape (k,)
        Ascending, between 1 and 179 [deg].

    Raises
    ------
    InputError
        If the orbit lies inside the Moon.

    Notes
    -----
    Near these inclinations the frozen eccentricity passes through zero. The even zonal terms and the Earth have no
    part in it: their averages are even in the eccentricity.

    Examples
    --------
    >>> circular_frozen_inclinations_deg(1837.4e3)[:4].round().tolist()
    [28.0, 49.0, 76.0, 85.0]
    """
    if not (math.isfinite(semi_major_axis_m) and semi_major_axis_m > MOON_RADIUS_M):
        raise InputError(f"{semi_major_axis_m} m", where="semi_major_axis_m", advice="give more than 1737.4 km")
    chosen, tried = _field(field), np.linspace(1.0, 179.0, 357)

    def slope(tilt_deg: Floats) -> Floats:
        tilt, e = np.radians(tilt_deg), np.full(tilt_deg.shape, _STEP)
        ends = [_zonal(semi_major_axis_m, sign * e, tilt, math.pi / 2, chosen) for sign in (1.0, -1.0)]
        return ends[0] - ends[1]

    values = slope(tried)
    rows = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    low, high, sign = tried[rows], tried[rows + 1], np.sign(values[rows])
    for _ in range(30):
        middle = 0.5 * (low + high)
        same = np.sign(slope(middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * (low + high)


def _field(field: GravityField | None) -> GravityField:
    """The field given, or the default one."""
    return GravityField.default(50) if field is None else field


def _check(axis: float, e: Floats, tilt: Floats) -> None:
    """Refuse what is no ellipse outside the Moon."""
    sound = np.isfinite(e).all() and np.isfinite(tilt).all() and (np.abs(e) < 1.0).all()
    if not sound or not (axis * (1.0 - np.abs(e)) > 0.99 * MOON_RADIUS_M).all():
        raise InputError("no ellipse outside the Moon", where="averaged orbit", advice="give a lower eccentricity")


def _zonal(axis: float, e: Floats, tilt: Floats, argument: float, field: GravityField) -> Floats:
    """Mean over the mean anomaly of the zonal terms [m2/s2]."""
    anomaly = 2.0 * np.pi * np.arange(_POINTS) / _POINTS
    size = e[..., None]
    ratio = (1.0 - size**2) / (1.0 + size * np.cos(anomaly))
    sine = np.sin(tilt)[..., None] * np.sin(argument + anomaly)
    weight = ratio**2 / np.sqrt(1.0 - size**2)
    closer = field.radius_m / (axis * ratio)
    before, now = np.ones_like(sine), sine
    total, power = np.zeros_like(sine), closer.copy()
    for n in range(2, field.degree + 1):
        before, now = now, ((2 * n - 1) * sine * now - (n - 1) * before) / n
        power = power * closer
        total += math.sqrt(2 * n + 1) * field.cosine[n, 0] * power * now
    return np.asarray((total / ratio * weight).mean(axis=-1) * field.gm_m3_s2 / axis)


def _pull(axis: float, e: Floats, tilt: Floats, argument: float) -> Floats:
    """Mean over both motions of the pull of the Earth, to second degree [m2/s2]."""
    rate = EARTH_GM_M3_S2 / _EARTH_DISTANCE_M**3
    shape = (2.0 + 3.0 * e**2) * (3.0 * np.cos(tilt) ** 2 - 1.0)
    lean = 15.0 * e**2 * np.sin(tilt) ** 2 * math.cos(2.0 * argument)
    return np.asarray(rate * axis**2 / 16.0 * (shape + lean))
