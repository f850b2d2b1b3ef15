"""What years and cycles leave of a store, and what dust leaves of the light on an array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power.series import FloatSeries

__all__ = ["can_charge", "capacity_left", "cycles_of", "dust_left"]


def capacity_left(store: Storage, years: npt.ArrayLike, cycles: npt.ArrayLike = 0.0) -> FloatSeries:
    """Capacity of a store over its capacity when new.

    Parameters
    ----------
    store : Storage
        Its fade by year and by cycle.
    years : array-like
        Age [years].
    cycles : array-like, default 0.0
        Full charges and discharges so far; parts of cycles add up.

    Returns
    -------
    ndarray
        Of the shape of the two together, from 0 to 1.

    Raises
    ------
    InputError
        If a number is negative or not finite.

    Notes
    -----
    1 - a t - b N, not below zero. Real cells fade with the square root of time at first and faster near their end,
    when warm, and at deep discharge; give the mean over the design life for the temperature at which they are
    kept.

    References
    ----------
    Ali, H., et al. (2023), Assessment of the calendar aging of lithium-ion batteries for long-term space missions,
    Frontiers in Energy Research 11, doi:10.3389/fenrg.2023.1108269 (how fade depends on temperature and charge).

    Examples
    --------
    >>> store = Storage(capacity_wh=1000.0, fade_per_year=0.01, fade_per_cycle=0.0002)
    >>> float(capacity_left(store, 10.0, 130.0).round(6))
    0.874
    """
    age, used = np.asarray(years, dtype=np.float64), np.asarray(cycles, dtype=np.float64)
    for values, name in ((age, "years"), (used, "cycles")):
        if not (np.isfinite(values) & (values >= 0.0)).all():
            raise InputError("is negative or not finite", where=name, advice="pass numbers from 0")
    left: FloatSeries = np.maximum(1.0 - store.fade_per_year * age - store.fade_per_cycle * used, 0.0)
    return left


def cycles_of(discharged_wh: npt.ArrayLike, nameplate_wh: float) -> FloatSeries:
    """Full cycles that energy drawn from a store amounts to.

    Parameters
    ----------
    discharged_wh : array-like
        Energy drawn so far, inside the store [Wh].
    nameplate_wh : float
        Its rated energy [Wh].

    Returns
    -------
    ndarray
        Of the shape of `discharged_wh`.

    Raises
    ------
    InputError
        If the rated energy is not positive, or energy is negative or not finite.

    Examples
    --------
    >>> float(cycles_of(5000.0, 2000.0))
    2.5
    """
    drawn = np.asarray(discharged_wh, dtype=np.float64)
    if not 0.0 < nameplate_wh < np.inf:
        raise InputError(f"is {nameplate_wh}", where="nameplate_wh", advice="use an energy above 0")
    if not (np.isfinite(drawn) & (drawn >= 0.0)).all():
        raise InputError("is negative or not finite", where="discharged_wh", advice="pass energies from 0")
    return drawn / nameplate_wh


def can_charge(store: Storage, temperature_k: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether a store may be charged at a temperature.

    Parameters
    ----------
    store : Storage
        Its limits for charging.
    temperature_k : array-like
        Of the store [K].

    Returns
    -------
    ndarray of bool
        Of the shape of `temperature_k`; limits themselves are allowed.

    Raises
    ------
    InputError
        If a temperature is not finite or negative.

    Examples
    --------
    >>> can_charge(Storage(capacity_wh=1.0, charge_min_k=273.15), [263.15, 283.15])
    array([False,  True])
    """
    warm = np.asarray(temperature_k, dtype=np.float64)
    if not (np.isfinite(warm) & (warm >= 0.0)).all():
        raise InputError("is negative or not finite", where="temperature_k", advice="pass kelvins")
    low = -np.inf if store.charge_min_k is None else store.charge_min_k
    high = np.inf if store.charge_max_k is None else store.charge_max_k
    allowed: npt.NDArray[np.bool_] = (warm >= low) & (warm <= high)
    return allowed


def dust_left(
    years: npt.ArrayLike, *, dust_mg_cm2_year: float = 0.1, extinction_cm2_mg: float = 0.13
) -> FloatSeries:
    """Output of cells under settling dust over their output when clean.

    Parameters
    ----------
    years : array-like
        Since they were clean [years].
    dust_mg_cm2_year : float, default 0.1
        Dust that settles and stays in a year [mg/cm2/year].
    extinction_cm2_mg : float, default 0.13
        Loss of light by dust, at little of it: the rate of the exponential [cm2/mg].

    Returns
    -------
    ndarray
        Of the shape of `years`, from 0 to 1.

    Raises
    ------
    InputError
        If a number is negative or not finite.

    Notes
    -----
    exp(-k m): cells lose output exponentially with the dust on them. The Apollo dust detectors' covered cells,
    level and a metre above the ground, lost 4 to 10 % in 2000 days, of which dust can have been all: at most 0.1
    mg/cm2 a year. With these numbers that is 7 %. Landings and driving bring more at once: give it to
    `DesignRules.dust_loss`, which is a loss from the first day.

    References
    ----------
    Hollick, M., and B. J. O'Brien (2013), Lunar weather measurements at three Apollo sites 1969-1976, Space
    Weather 11, 651-660, doi:10.1002/2013SW000978.

    Examples
    --------
    >>> float(dust_left(2000.0 / 365.25).round(3))
    0.931
    """
    age = np.asarray(years, dtype=np.float64)
    numbers = {"dust_mg_cm2_year": dust_mg_cm2_year, "extinction_cm2_mg": extinction_cm2_mg}
    for name, value in numbers.items():
        if not 0.0 <= value < np.inf:
            raise InputError(f"is {value}", where=name, advice="use a number from 0")
    if not (np.isfinite(age) & (age >= 0.0)).all():
        raise InputError("is negative or not finite", where="years", advice="pass years from 0")
    left: FloatSeries = np.exp(-extinction_cm2_mg * dust_mg_cm2_year * age)
    return left
