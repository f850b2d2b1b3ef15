"""Fission reactors: their power, their outages, and how far away their radiation keeps others."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Reactor
from moonpost.power.series import FloatSeries

__all__ = [
    "ReactorLife",
    "dose_sv_year",
    "reactor_outages",
    "reactor_power_w",
    "reactor_runs_w",
    "shield_standoff_m",
]

ReactorLife = Literal["design-life", "replaced", "none"]
"""How reactors count: until their design life ends, as if replaced in time, or not at all."""

_DAYS_PER_YEAR = 365.25
_MOST_YEARS = 200.0


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


def reactor_outages(reactor: Reactor, years: float, *, seed: int = 0, stream: int = 0) -> npt.NDArray[np.float64]:
    """When a reactor is out, drawn once and for all by a seed.

    Parameters
    ----------
    reactor : Reactor
        Its availability and the length of one outage, `outage_days`.
    years : float
        Length of service that is looked at, up to 200 [years].
    seed : int, default 0
        Which random numbers; the same seed gives the same outages.
    stream : int, default 0
        Tells reactors with the same seed apart.

    Returns
    -------
    ndarray, (m, 2)
        Start and end of each outage in years of service, in order, those that begin before `years`; empty if
        availability is 1 or outages have no length.

    Raises
    ------
    InputError
        If the length is out of range or a seed negative.

    Notes
    -----
    Runs between outages are drawn from an exponential distribution with mean d A / (1 - A) for outages of d days
    and availability A, so that in the long run the reactor delivers a part A of the time. A longer period has the
    same outages as a shorter one, and more.

    Examples
    --------
    >>> plant = Reactor(kind="reactor", electric_w=10_000.0, availability=0.95, outage_days=5.0)
    >>> bool((reactor_outages(plant, 10.0) == reactor_outages(plant, 10.0)).all())
    True
    """
    if not 0.0 < years <= _MOST_YEARS:
        raise InputError(f"is {years}", where="years", advice=f"use more than 0, at most {_MOST_YEARS:g}")
    if seed < 0 or stream < 0:
        raise InputError(f"{seed}, {stream}", where="seed", advice="use whole numbers from 0")
    if reactor.outage_days == 0.0 or reactor.availability == 1.0:
        return np.zeros((0, 2))
    length = reactor.outage_days / _DAYS_PER_YEAR
    mean = length * reactor.availability / (1.0 - reactor.availability)
    draws = np.random.default_rng([seed, stream])
    starts: list[float] = []
    at = float(draws.exponential(mean))
    while at < years:
        starts.append(at)
        at += length + float(draws.exponential(mean))
    begun = np.array(starts)
    return np.column_stack((begun, begun + length))


def reactor_runs_w(
    reactor: Reactor,
    service_years: npt.ArrayLike,
    life: ReactorLife = "design-life",
    *,
    seed: int = 0,
    stream: int = 0,
) -> FloatSeries:
    """Output of a reactor with its outages as such.

    Parameters
    ----------
    reactor : Reactor
        Net output, availability, length of outages, design life.
    service_years : array-like
        Years since start of life, 0 or more [years].
    life : {"design-life", "replaced", "none"}
        As in `reactor_power_w`.
    seed, stream : int, default 0
        As in `reactor_outages`.

    Returns
    -------
    ndarray
        Of the shape of `service_years`: all of its power or none [W]. For a reactor whose outages have no length,
        the expected power of `reactor_power_w`.

    Raises
    ------
    InputError
        If a time is negative or not finite, or an argument is out of range.

    Examples
    --------
    >>> plant = Reactor(kind="reactor", electric_w=100.0, availability=0.5, outage_days=36.525)
    >>> power_w = reactor_runs_w(plant, np.linspace(0.0, 9.9, 1000))
    >>> sorted(set(power_w.tolist()))
    [0.0, 100.0]
    """
    expected = reactor_power_w(reactor, service_years, life)
    if reactor.outage_days == 0.0 or reactor.availability == 1.0:
        return expected
    years = np.asarray(service_years, dtype=np.float64)
    outages = reactor_outages(
        reactor, min(float(years.max(initial=0.0)) + 1.0, _MOST_YEARS), seed=seed, stream=stream
    )
    edges = outages.reshape(-1)
    out = np.searchsorted(edges, years, side="right") % 2 == 1
    return np.where(out, 0.0, expected / reactor.availability)


def dose_sv_year(
    distance_m: npt.ArrayLike,
    *,
    reference_sv_year: float,
    reference_m: float,
    thermal_ratio: float = 1.0,
    added_tenth_values: float = 0.0,
) -> FloatSeries:
    """Dose rate near a reactor, from its value at one distance.

    Parameters
    ----------
    distance_m : array-like
        Distance from the core [m].
    reference_sv_year : float
        Dose rate known at `reference_m` [Sv/year].
    reference_m : float
        Where it is known [m].
    thermal_ratio : float, default 1.0
        Thermal power over that of the reference [1].
    added_tenth_values : float, default 0.0
        Shield added to that of the reference, in layers that each let a tenth through; negative if taken away.

    Returns
    -------
    ndarray
        Of the shape of `distance_m` [Sv/year].

    Raises
    ------
    InputError
        If a number is not finite or not positive.

    Notes
    -----
    D = D_ref q (d_ref / d)^2 10^(-n). Inverse square holds in vacuum over flat ground; scatter from the ground
    behind a shadow shield is taken to be in the reference. Below some ten metres the core is no point.

    Examples
    --------
    >>> float(dose_sv_year(2000.0, reference_sv_year=0.05, reference_m=1000.0))
    0.0125
    """
    far = np.asarray(distance_m, dtype=np.float64)
    numbers = {"reference_sv_year": reference_sv_year, "reference_m": reference_m, "thermal_ratio": thermal_ratio}
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value}", where=name, advice="use a number above 0")
    if not math.isfinite(added_tenth_values):
        raise InputError(f"is {added_tenth_values}", where="added_tenth_values", advice="use a finite number")
    if not (np.isfinite(far) & (far > 0.0)).all():
        raise InputError("is not finite and positive", where="distance_m", advice="pass metres above 0")
    dose: FloatSeries = reference_sv_year * thermal_ratio * (reference_m / far) ** 2 * 10.0**-added_tenth_values
    return dose


def shield_standoff_m(
    limit_sv_year: float,
    *,
    reference_sv_year: float,
    reference_m: float,
    thermal_ratio: float = 1.0,
    shield_kg: float = 0.0,
    shield_m2: float = 1.0,
    tenth_value_kg_m2: float = 400.0,
) -> float:
    """Distance at which a reactor's dose rate falls to a limit, with shield added.

    Parameters
    ----------
    limit_sv_year : float
        Dose rate allowed [Sv/year].
    reference_sv_year, reference_m, thermal_ratio : float
        As in `dose_sv_year`.
    shield_kg : float, default 0.0
        Shield added to the reference's; negative if taken away [kg].
    shield_m2 : float, default 1.0
        Area that it covers: that of a shadow shield, or of a shell [m2].
    tenth_value_kg_m2 : float, default 400.0
        Shield per area that lets a tenth through [kg/m2].

    Returns
    -------
    float
        [m]

    Raises
    ------
    InputError
        If a number is not finite or not positive.

    Notes
    -----
    d = d_ref sqrt(q D_ref / D 10^(-n)) with n = mass / (area x tenth value). A tenth value of some 400 kg/m2 is
    an assumption, a mean of lithium hydride against neutrons and tungsten against gamma rays in layers; it
    depends on spectrum and order, for which a transport code is needed.

    Examples
    --------
    A tenfold stricter limit at the same shield needs sqrt(10) times the distance:

    >>> round(shield_standoff_m(0.005, reference_sv_year=0.05, reference_m=1000.0))
    3162
    """
    for name, value in (("limit_sv_year", limit_sv_year), ("shield_m2", shield_m2),
                        ("tenth_value_kg_m2", tenth_value_kg_m2)):  # fmt: skip
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value}", where=name, advice="use a number above 0")
    if not math.isfinite(shield_kg):
        raise InputError(f"is {shield_kg}", where="shield_kg", advice="use a finite mass")
    there = dose_sv_year(
        reference_m,
        reference_sv_year=reference_sv_year,
        reference_m=reference_m,
        thermal_ratio=thermal_ratio,
        added_tenth_values=shield_kg / (shield_m2 * tenth_value_kg_m2),
    )
    return reference_m * math.sqrt(float(there) / limit_sv_year)
