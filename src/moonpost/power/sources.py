"""What sources deliver: solar arrays in the light they get, radioisotope generators, reactors."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from moonpost.plan.elements import Element, Radioisotope, Reactor, SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power.arrays import (
    SOLAR_CONSTANT_W_M2,
    array_light,
    array_power_w,
    incidence,
    irradiance_w_m2,
    light_at_mast,
)
from moonpost.power.isotopes import radioisotope_power_w
from moonpost.power.reactors import ReactorLife, reactor_power_w, reactor_runs_w
from moonpost.power.series import FloatSeries, SunView, as_series

__all__ = [
    "SOLAR_CONSTANT_W_M2",
    "ReactorLife",
    "array_power_w",
    "element_sources_w",
    "element_supply_w",
    "incidence",
    "irradiance_w_m2",
    "light_at_mast",
    "radioisotope_power_w",
    "reactor_power_w",
    "reactor_stream",
    "supply_statements",
]


def element_sources_w(
    element: Element,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    service_years: npt.ArrayLike,
    rules: DesignRules,
    *,
    reactors: ReactorLife = "design-life",
    surface_k: npt.ArrayLike | None = None,
    thermocouple_loss_per_year: float = 0.0,
    outages: bool = False,
    seed: int = 0,
) -> tuple[FloatSeries, FloatSeries]:
    """Output of an element's solar arrays and of its other generators, of all its copies.

    Parameters
    ----------
    element : Element
        The element; its `count` multiplies the output.
    sun : SunView
        The Sun from its place; (n,) fields.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height [m], one for each of `array_heights_m` of its arrays.
    service_years : array-like, (n,) or scalar
        Years since start of life [years].
    rules : DesignRules
        Losses of arrays.
    reactors : {"design-life", "replaced", "none"}
        See `reactor_power_w`.
    surface_k : array-like, (n,) or scalar, optional
        Temperature of the ground, for arrays with cells, see `array_power_w` [K].
    thermocouple_loss_per_year : float, default 0.0
        See `radioisotope_power_w` [1/year].
    outages : bool, default False
        Whether reactors stop for outages, see `reactor_runs_w`, or give their expected power.
    seed : int, default 0
        Which outages.

    Returns
    -------
    arrays_w, others_w : ndarray, (n,)
        Electric output before the bus [W].

    Raises
    ------
    InputError
        If a series is unusable or the light for a height is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> sun = SimpleNamespace(time=np.zeros(1, "datetime64[ms]"), azimuth_deg=np.array([0.0]),
    ...     elevation_deg=np.array([2.0]), distance_m=np.array([149_597_870_700.0]))
    >>> rules = DesignRules(start="2035", source="example", confidence="C")
    >>> plant = Element(id="p", name="Plant", owner="a", kind="power", mission="m", maturity="new",
    ...     generators=(Reactor(kind="reactor", electric_w=5000.0),), source="example", confidence="C")
    >>> element_sources_w(plant, sun, {}, 0.0, rules)
    (array([0.]), array([5000.]))
    """
    count = np.asarray(sun.elevation_deg).size
    years = as_series(service_years, "service_years", length=count, low=0.0)
    arrays, others = np.zeros(count), np.zeros(count)
    for index, generator in enumerate(element.generators):
        if isinstance(generator, SolarArray):
            light = array_light(generator, light_by_mast, count)
            arrays += element.count * array_power_w(generator, sun, light, years, rules, surface_k=surface_k)
        elif isinstance(generator, Radioisotope):
            others += element.count * radioisotope_power_w(generator, years, thermocouple_loss_per_year)[0]
        elif outages and generator.outage_days > 0.0:
            for copy in range(element.count):
                stream = reactor_stream(element, index, copy)
                others += reactor_runs_w(generator, years, reactors, seed=seed, stream=stream)
        else:
            others += element.count * reactor_power_w(generator, years, reactors)
    return arrays, others


def reactor_stream(element: Element, index: int, copy: int = 0) -> int:
    """The number that tells a reactor's outages apart from those of others with the same seed.

    Parameters
    ----------
    element : Element
        Its element.
    index : int
        Which of the element's generators.
    copy : int, default 0
        Which of the element's copies.

    Returns
    -------
    int
        For `reactor_outages`; the same on every machine.

    Examples
    --------
    >>> plant = Element(id="p", name="Plant", owner="a", kind="power", mission="m", maturity="new",
    ...     source="example", confidence="C")
    >>> reactor_stream(plant, 0, 0) != reactor_stream(plant, 0, 1)
    True
    """
    return zlib.crc32(f"{element.id}/{index}/{copy}".encode())


def element_supply_w(
    element: Element,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    service_years: npt.ArrayLike,
    rules: DesignRules,
    *,
    reactors: ReactorLife = "design-life",
    surface_k: npt.ArrayLike | None = None,
    thermocouple_loss_per_year: float = 0.0,
    outages: bool = False,
    seed: int = 0,
) -> FloatSeries:
    """Output of all generators of an element, of all its copies.

    Parameters
    ----------
    element : Element
        The element; its `count` multiplies the output.
    sun : SunView
        The Sun from its place; (n,) fields.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height [m], one for each of `array_heights_m` of its arrays.
    service_years : array-like, (n,) or scalar
        Years since start of life [years].
    rules : DesignRules
        Losses of arrays.
    reactors : {"design-life", "replaced", "none"}
        See `reactor_power_w`.
    surface_k, thermocouple_loss_per_year, outages, seed
        As in `element_sources_w`.

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
    arrays, others = element_sources_w(
        element,
        sun,
        light_by_mast,
        service_years,
        rules,
        reactors=reactors,
        surface_k=surface_k,
        thermocouple_loss_per_year=thermocouple_loss_per_year,
        outages=outages,
        seed=seed,
    )
    return arrays + others


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
