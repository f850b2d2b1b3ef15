"""What sources deliver: solar arrays in the light they get, radioisotope generators, reactors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Element, Radioisotope, Reactor, SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power.series import FloatSeries, SunView, as_series
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M

__all__ = [
    "SOLAR_CONSTANT_W_M2",
    "ReactorLife",
    "array_power_w",
    "element_supply_w",
    "incidence",
    "irradiance_w_m2",
    "light_at_mast",
    "radioisotope_power_w",
    "reactor_power_w",
    "supply_statements",
]

SOLAR_CONSTANT_W_M2 = 1361.0
"""Total solar irradiance at 1 au [W/m2] (Kopp and Lean 2011, doi:10.1029/2010GL045777: 1360.8 +- 0.5)."""

ReactorLife = Literal["design-life", "replaced", "none"]
"""How reactors count: until their design life ends, as if replaced in time, or not at all."""


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


def array_power_w(
    array: SolarArray,
    sun: SunView,
    light_fraction: npt.ArrayLike,
    service_years: npt.ArrayLike,
    rules: DesignRules,
) -> FloatSeries:
    """Output of a solar array in the light that it gets.

    Parameters
    ----------
    array : SolarArray
        Rated power at 1361 W/m2, normal incidence, start of life, and its mount.
    sun : SunView
        The Sun from the array's place; (n,) fields.
    light_fraction : array-like, (n,) or scalar
        Fraction of the solar disc in view at the array's height, 0 to 1.
    service_years : array-like, (n,) or scalar
        Years since start of life, 0 or more [years].
    rules : DesignRules
        Loss to dust and loss per year.

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
    P = P_rated (E / 1361) cos(i) f (1 - dust) (1 - loss)^years. The loss compounds. Temperature of
    the cells, light from terrain and mutual shadowing are neglected.

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
    as_series(sun.elevation_deg, "sun.elevation_deg", low=-90.0, high=90.0)
    as_series(sun.azimuth_deg, "sun.azimuth_deg", length=count)
    light = as_series(light_fraction, "light_fraction", length=count, low=0.0, high=1.0)
    years = as_series(service_years, "service_years", length=count, low=0.0)
    relative = irradiance_w_m2(as_series(sun.distance_m, "sun.distance_m", length=count)) / SOLAR_CONSTANT_W_M2
    kept = (1.0 - rules.dust_loss) * (1.0 - rules.array_loss_per_year) ** years
    return array.rated_w * relative * incidence(array, sun) * light * kept


def radioisotope_power_w(source: Radioisotope, service_years: npt.ArrayLike) -> tuple[FloatSeries, FloatSeries]:
    """Electric output and heat of a radioisotope source as its fuel decays.

    Parameters
    ----------
    source : Radioisotope
        Electric output and heat at start of life, half-life.
    service_years : array-like
        Years since start of life, 0 or more [years].

    Returns
    -------
    electric_w, thermal_w : ndarray
        Of the shape of `service_years` [W]. The heat is all heat released, the electric part included.

    Raises
    ------
    InputError
        If a time is negative or not finite.

    Notes
    -----
    P = P0 2^(-t / half-life), for both. Thermocouples age besides: the electric output of real
    generators falls faster (Voyager's to 67 percent in 23 years, where decay alone gives 83), so for
    more than some years this is an upper bound. Give a shorter `half_life_years` to cover it.

    References
    ----------
    Bennett, G. L. (2006), Space nuclear power: opening the final frontier, AIAA 2006-4191,
    doi:10.2514/6.2006-4191.

    Examples
    --------
    >>> rtg = Radioisotope(kind="radioisotope", electric_w=70.0, thermal_w=1480.0)
    >>> electric_w, thermal_w = radioisotope_power_w(rtg, 87.7)
    >>> float(electric_w), float(thermal_w)
    (35.0, 740.0)
    """
    years = np.asarray(service_years, dtype=np.float64)
    if not (np.isfinite(years) & (years >= 0)).all():
        raise InputError(
            "is negative or not finite", where="service_years", advice="pass years since start of life"
        )
    left = 0.5 ** (years / source.half_life_years)
    return source.electric_w * left, source.thermal_w * left


def reactor_power_w(
    reactor: Reactor, service_years: npt.ArrayLike, life: ReactorLife = "design-life"
) -> FloatSeries:
    """Expected output of a reactor.

    Parameters
    ----------
    reactor : Reactor
        Net output, availability, design life.
    service_years : array-like
        Years since start of life, 0 or more [years].
    life : {"design-life", "replaced", "none"}
        ``"design-life"``: nothing after the design life; ``"replaced"``: a new one in time;
        ``"none"``: nothing at all, to see the station without it.

    Returns
    -------
    ndarray
        Of the shape of `service_years` [W].

    Raises
    ------
    InputError
        If a time is negative or not finite, or `life` is not one of the three.

    Notes
    -----
    P = P_net x availability while in life. Availability enters as a derating, the expected value:
    outages as such, which storage would have to bridge, are not in this number.

    Examples
    --------
    >>> plant = Reactor(kind="reactor", electric_w=10_000.0, availability=0.9, life_years=10.0)
    >>> reactor_power_w(plant, [0.0, 9.9, 10.0])
    array([9000., 9000.,    0.])
    """
    years = np.asarray(service_years, dtype=np.float64)
    if not (np.isfinite(years) & (years >= 0)).all():
        raise InputError(
            "is negative or not finite", where="service_years", advice="pass years since start of life"
        )
    if life == "design-life":
        runs = years < reactor.life_years
    elif life in ("replaced", "none"):
        runs = np.full(years.shape, life == "replaced")
    else:
        raise InputError(f"is {life!r}", where="life", advice="use design-life, replaced or none")
    return np.where(runs, reactor.electric_w * reactor.availability, 0.0)


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


def element_supply_w(
    element: Element,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    service_years: npt.ArrayLike,
    rules: DesignRules,
    *,
    reactors: ReactorLife = "design-life",
) -> FloatSeries:
    """Output of all generators of an element, of all its copies.

    Parameters
    ----------
    element : Element
        The element; its `count` multiplies the output.
    sun : SunView
        The Sun from its place; (n,) fields.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by mast height [m].
    service_years : array-like, (n,) or scalar
        Years since start of life [years].
    rules : DesignRules
        Losses of arrays.
    reactors : {"design-life", "replaced", "none"}
        See `reactor_power_w`.

    Returns
    -------
    ndarray, (n,)
        Electric output before the bus [W].

    Raises
    ------
    InputError
        If a series is unusable or the light for a mast is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> sun = SimpleNamespace(time=np.zeros(1, "datetime64[ms]"), azimuth_deg=np.array([0.0]),
    ...     elevation_deg=np.array([2.0]), distance_m=np.array([149_597_870_700.0]))
    >>> rules = DesignRules(start="2035", source="example", confidence="C")
    >>> plant = Element(id="p", name="Plant", owner="a", kind="power", mission="m", maturity="new", count=2,
    ...     generators=(Reactor(kind="reactor", electric_w=5000.0),), source="example", confidence="C")
    >>> element_supply_w(plant, sun, {}, 0.0, rules)
    array([10000.])
    """
    count = np.asarray(sun.elevation_deg).size
    years = as_series(service_years, "service_years", length=count, low=0.0)
    total = np.zeros(count)
    for generator in element.generators:
        if isinstance(generator, SolarArray):
            light = light_at_mast(light_by_mast, generator.mast_m, count)
            total += array_power_w(generator, sun, light, years, rules)
        elif isinstance(generator, Radioisotope):
            total += radioisotope_power_w(generator, years)[0]
        else:
            total += reactor_power_w(generator, years, reactors)
    return element.count * total


def supply_statements(element: Element, reactors: ReactorLife = "design-life") -> tuple[str, ...]:
    """What the output of an element's generators takes for granted, in sentences for a report.

    Parameters
    ----------
    element : Element
        The element.
    reactors : {"design-life", "replaced", "none"}
        See `reactor_power_w`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> plant = Element(id="p", name="Plant", owner="a", kind="power", mission="m", maturity="new",
    ...     generators=(Reactor(kind="reactor", electric_w=5000.0, availability=0.9),), source="example",
    ...     confidence="C")
    >>> print(supply_statements(plant)[0])
    Plant: 5000 W reactor counted at 90 % of its power (expected value); outages are not bridged.
    """
    said = []
    for generator in element.generators:
        if isinstance(generator, Radioisotope) and generator.electric_w > 0:
            said.append(f"{element.name}: radioisotope power falls with the fuel's decay alone (upper bound).")
        if not isinstance(generator, Reactor):
            continue
        if reactors == "none":
            said.append(f"{element.name}: {generator.electric_w:g} W reactor left out.")
            continue
        if generator.availability < 1:
            said.append(
                f"{element.name}: {generator.electric_w:g} W reactor counted at "
                f"{100 * generator.availability:g} % of its power (expected value); outages are not bridged."
            )
        if reactors == "design-life":
            said.append(
                f"{element.name}: reactor gives nothing after its design life of {generator.life_years:g} years."
            )
        else:
            said.append(
                f"{element.name}: reactor replaced whenever its life of {generator.life_years:g} years ends."
            )
    return tuple(said)
