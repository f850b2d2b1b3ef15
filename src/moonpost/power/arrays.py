"""Solar arrays: the light that they get over their height, how they turn, what they give."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power.cells import cell_output_factor, cell_temperature_k, ground_balance_k
from moonpost.power.series import FloatSeries, SunView, as_series
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M

__all__ = [
    "SOLAR_CONSTANT_W_M2",
    "STRIP_M",
    "array_heights_m",
    "array_light",
    "array_power_w",
    "incidence",
    "irradiance_w_m2",
    "light_at_mast",
    "stopped_array",
]

SOLAR_CONSTANT_W_M2 = 1361.0
"""Total solar irradiance at 1 au [W/m2] (Kopp and Lean 2011, doi:10.1029/2010GL045777: 1360.8 +- 0.5)."""

STRIP_M = 2.5
"""Tallest strip of an array that one horizon stands for [m]."""


def array_heights_m(array: SolarArray, strip_m: float = STRIP_M) -> tuple[float, ...]:
    """Heights at which an array needs light: the middles of equal strips of its vertical extent.

    Parameters
    ----------
    array : SolarArray
        `mast_m` is its middle and `height_m` its extent.
    strip_m : float, default 2.5
        Tallest strip [m].

    Returns
    -------
    tuple of float
        Lowest first, to the millimetre; only `mast_m` for an array without extent [m].

    Raises
    ------
    InputError
        If `strip_m` is not positive.

    Notes
    -----
    On a ridge the horizon of an eye 1 m and one 10 m above the ground differ by up to some tenths of a degree
    where the terrain near by stands in the way, as much as the Sun's disc is wide: the foot of a tall array
    is dark while its top is in full light.

    Examples
    --------
    >>> tall = SolarArray(kind="solar", rated_w=1e4, mount="vertical-tracking", mast_m=7.0, height_m=10.0)
    >>> array_heights_m(tall)
    (3.25, 5.75, 8.25, 10.75)
    """
    if not (math.isfinite(strip_m) and strip_m > 0.0):
        raise InputError(f"is {strip_m}", where="strip_m", advice="use metres above 0")
    strips = max(math.ceil(array.height_m / strip_m - 1e-9), 1)
    if strips == 1:
        return (array.mast_m,)
    low = array.mast_m - 0.5 * array.height_m
    return tuple(round(low + (k + 0.5) * array.height_m / strips, 3) for k in range(strips))


def light_at_mast(light_by_mast: Mapping[float, npt.ArrayLike], mast_m: float, count: int) -> FloatSeries:
    """The light series computed for one mast height.

    Parameters
    ----------
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    mast_m : float
        The height wanted [m].
    count : int
        The length it must have.

    Returns
    -------
    ndarray, (n,)

    Raises
    ------
    InputError
        If no light was computed for that height. Nothing is interpolated: horizons do not change
        evenly with height.

    Examples
    --------
    >>> light_at_mast({2.0: [0.0, 1.0]}, 2.0, 2)
    array([0., 1.])
    """
    for height_m, light in light_by_mast.items():
        if abs(float(height_m) - mast_m) < 1e-6:
            return as_series(light, f"light_by_mast[{height_m:g}]", length=count, low=0.0, high=1.0)
    given = ", ".join(f"{height:g}" for height in sorted(light_by_mast)) or "none"
    raise InputError(
        f"no light is given for a mast of {mast_m:g} m (given: {given})",
        where="light_by_mast",
        advice=f"compute the illumination at {mast_m:g} m and add it",
    )


def array_light(array: SolarArray, light_by_mast: Mapping[float, npt.ArrayLike], count: int) -> FloatSeries:
    """Light on an array: the mean over its strips.

    Parameters
    ----------
    array : SolarArray
        The array.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height [m], one for each of `array_heights_m`.
    count : int
        The number of times.

    Returns
    -------
    ndarray, (n,)
        Fraction of what the array would get with all of the disc in view all over it, 0 to 1.

    Raises
    ------
    InputError
        If the light for a height is missing or out of range.

    Notes
    -----
    Strips in the dark cost their share and no more: each is taken to be a string of its own. Cells in series
    across strips would lose more.

    Examples
    --------
    >>> tall = SolarArray(kind="solar", rated_w=1e4, mount="vertical-tracking", mast_m=7.0, height_m=5.0)
    >>> array_light(tall, {5.75: [0.0, 0.5], 8.25: [1.0, 1.0]}, 2)
    array([0.5 , 0.75])
    """
    heights_m = array_heights_m(array)
    parts = [light_at_mast(light_by_mast, height_m, count) for height_m in heights_m]
    return parts[0] if len(parts) == 1 else np.minimum(np.mean(parts, axis=0), 1.0)


def irradiance_w_m2(distance_m: npt.ArrayLike) -> FloatSeries:
    """Solar irradiance on a surface that faces the Sun at a distance.

    Parameters
    ----------
    distance_m : array-like, (n,) or scalar
        Distance to the Sun [m].

    Returns
    -------
    ndarray
        Irradiance of the whole disc, of the shape of `distance_m` [W/m2].

    Raises
    ------
    InputError
        If a distance is not finite and positive.

    Notes
    -----
    E = 1361 (1 au / d)^2. The solar cycle (0.1 percent) is neglected.

    References
    ----------
    Kopp, G., and J. L. Lean (2011), doi:10.1029/2010GL045777.

    Examples
    --------
    >>> float(irradiance_w_m2(149_597_870_700.0))
    1361.0
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    if not (np.isfinite(distance) & (distance > 0)).all():
        raise InputError("is not finite and positive", where="distance_m", advice="pass metres from the Sun")
    return np.asarray(SOLAR_CONSTANT_W_M2 * (ASTRONOMICAL_UNIT_M / distance) ** 2)


def incidence(array: SolarArray, sun: SunView) -> FloatSeries:
    """Cosine of the angle between the Sun and the array's normal, zero where the Sun is behind it.

    Parameters
    ----------
    array : SolarArray
        Its `mount` decides how it turns.
    sun : SunView
        Azimuth and elevation of the Sun [deg].

    Returns
    -------
    ndarray, (n,)
        From 0 to 1.

    Notes
    -----
    With elevation h and azimuth A: horizontal, sin h; vertical and turning in azimuth, cos h; two-axis, 1;
    fixed with tilt b and facing F, cos b sin h + sin b cos h cos(A - F). The Sun is taken at its
    centre: where terrain hides part of the disc the centre of the visible part lies up to 0.13 deg
    elsewhere, which is neglected.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> low = SimpleNamespace(azimuth_deg=np.array([90.0]), elevation_deg=np.array([0.0]))
    >>> incidence(SolarArray(kind="solar", rated_w=100.0, mount="vertical-tracking"), low)
    array([1.])
    """
    elevation = np.radians(np.asarray(sun.elevation_deg, dtype=np.float64))
    if array.mount == "two-axis":
        return np.ones_like(elevation)
    if array.mount == "vertical-tracking":
        return np.cos(elevation)
    if array.mount == "horizontal":
        return np.maximum(np.sin(elevation), 0.0)
    tilt = np.radians(array.tilt_deg)
    off = np.radians(np.asarray(sun.azimuth_deg, dtype=np.float64) - array.azimuth_deg)
    cosine = np.cos(tilt) * np.sin(elevation) + np.sin(tilt) * np.cos(elevation) * np.cos(off)
    return np.maximum(cosine, 0.0)


def stopped_array(array: SolarArray, azimuth_deg: float, elevation_deg: float) -> SolarArray:
    """The fixed array that a turning one becomes when its drive stops.

    Parameters
    ----------
    array : SolarArray
        The array.
    azimuth_deg, elevation_deg : float
        Where the Sun stands at that instant [deg].

    Returns
    -------
    SolarArray
        Facing as it did then; an array that does not turn comes back unchanged.

    Raises
    ------
    InputError
        If an angle is not finite.

    Examples
    --------
    >>> mast = SolarArray(kind="solar", rated_w=100.0, mount="two-axis")
    >>> stuck = stopped_array(mast, 380.0, 2.0)
    >>> stuck.mount, stuck.azimuth_deg, stuck.tilt_deg
    ('fixed', 20.0, 88.0)
    """
    if not (math.isfinite(azimuth_deg) and math.isfinite(elevation_deg)):
        raise InputError(f"{azimuth_deg}, {elevation_deg}", where="azimuth_deg", advice="give the Sun's place")
    if array.mount in ("horizontal", "fixed"):
        return array
    tilt_deg = 90.0 if array.mount == "vertical-tracking" else 90.0 - min(max(elevation_deg, 0.0), 90.0)
    return array.model_copy(
        update={"mount": "fixed", "azimuth_deg": math.fmod(math.fmod(azimuth_deg, 360.0) + 360.0, 360.0),
                "tilt_deg": tilt_deg}
    )  # fmt: skip


def array_power_w(
    array: SolarArray,
    sun: SunView,
    light_fraction: npt.ArrayLike,
    service_years: npt.ArrayLike,
    rules: DesignRules,
    *,
    surface_k: npt.ArrayLike | None = None,
) -> FloatSeries:
    """Output of a solar array in the light that it gets.

    Parameters
    ----------
    array : SolarArray
        Rated power at 1361 W/m2, normal incidence, start of life, its mount and its cells.
    sun : SunView
        The Sun from the array's place; (n,) fields.
    light_fraction : array-like, (n,) or scalar
        Fraction of the solar disc in view, 0 to 1: the mean over its strips, see `array_light`.
    service_years : array-like, (n,) or scalar
        Years since start of life, 0 or more [years].
    rules : DesignRules
        Loss to dust and loss per year.
    surface_k : array-like, (n,) or scalar, optional
        Temperature of the ground, for arrays with `cells` [K]; if not given, ground in balance with the
        sunlight on it, see `ground_balance_k`.

    Returns
    -------
    ndarray, (n,)
        Electric output [W].

    Raises
    ------
    InputError
        If a series is not finite, out of range or of another length.

    Notes
    -----
    P = P_rated (E / 1361) cos(i) f k(T) (1 - dust) (1 - loss)^years. The loss compounds. k(T) is the factor of
    `cell_output_factor` at the temperature of `cell_temperature_k`, dust taken off the light that the cells
    get, and 1 for an array without `cells`. Light from terrain and shadows of other machines are neglected.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> sun = SimpleNamespace(time=np.zeros(1, "datetime64[ms]"), azimuth_deg=np.array([0.0]),
    ...     elevation_deg=np.array([60.0]), distance_m=np.array([149_597_870_700.0]))
    >>> rules = DesignRules(start="2035", dust_loss=0.1, source="example", confidence="C")
    >>> array = SolarArray(kind="solar", rated_w=1000.0, mount="vertical-tracking")
    >>> array_power_w(array, sun, 0.5, 0.0, rules).round(6)
    array([225.])
    """
    count = np.asarray(sun.elevation_deg).size
    elevation = as_series(sun.elevation_deg, "sun.elevation_deg", low=-90.0, high=90.0)
    as_series(sun.azimuth_deg, "sun.azimuth_deg", length=count)
    light = as_series(light_fraction, "light_fraction", length=count, low=0.0, high=1.0)
    years = as_series(service_years, "service_years", length=count, low=0.0)
    full_w_m2 = irradiance_w_m2(as_series(sun.distance_m, "sun.distance_m", length=count))
    facing = incidence(array, sun)
    kept = (1.0 - rules.dust_loss) * (1.0 - rules.array_loss_per_year) ** years
    output = array.rated_w * (full_w_m2 / SOLAR_CONSTANT_W_M2) * facing * light * kept
    if array.cells is None:
        return output
    if surface_k is None:
        ground = ground_balance_k(full_w_m2 * np.maximum(np.sin(np.radians(elevation)), 0.0) * light)
    else:
        ground = as_series(surface_k, "surface_k", length=count, low=0.0)
    warm = cell_temperature_k(array.cells, full_w_m2 * facing * light * (1.0 - rules.dust_loss), ground)
    return output * cell_output_factor(array.cells, np.maximum(warm, 1.0))
