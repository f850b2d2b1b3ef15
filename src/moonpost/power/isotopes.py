"""Radioisotope generators: heat from the fuel's decay, power from thermocouples that age besides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Radioisotope
from moonpost.power.series import FloatSeries

__all__ = ["THERMOCOUPLE_LOSS_PER_YEAR", "radioisotope_power_w"]

THERMOCOUPLE_LOSS_PER_YEAR = 0.009
"""Output that thermocouples lose each year besides the decay of the fuel [1/year]: Voyager's from 470 W in 1977 to
315 and 319 W in 2001. Not applied unless asked for."""


def radioisotope_power_w(
    source: Radioisotope, service_years: npt.ArrayLike, thermocouple_loss_per_year: float = 0.0
) -> tuple[FloatSeries, FloatSeries]:
    """Electric output and heat of a radioisotope source as its fuel decays and its thermocouples age.

    Parameters
    ----------
    source : Radioisotope
        Electric output and heat at start of life, half-life.
    service_years : array-like
        Years since start of life, 0 or more [years].
    thermocouple_loss_per_year : float, default 0.0
        Part of the electric output lost each year besides the decay, compounding; `THERMOCOUPLE_LOSS_PER_YEAR` for
        generators like Voyager's [1/year].

    Returns
    -------
    electric_w, thermal_w : ndarray
        Of the shape of `service_years` [W]. The heat is all heat released, the electric part included.

    Raises
    ------
    InputError
        If a time is negative or not finite, or the loss is not from 0 to below 0.2.

    Notes
    -----
    P = P0 2^(-t / half-life) (1 - loss)^t; heat without the last factor. With a loss of zero the power is an upper
    bound: Voyager's fell to 67 percent in 23 years, where decay alone gives 83. With the loss that those years
    give, 0.9 percent, the 255 W of 2015 are met within 3 percent; thermocouples age less later, when they are
    cooler, so the loss errs on the safe side in the long run.

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
    if not 0.0 <= thermocouple_loss_per_year < 0.2:
        raise InputError(
            f"is {thermocouple_loss_per_year}", where="thermocouple_loss_per_year", advice="use 0 to below 0.2"
        )
    left = 0.5 ** (years / source.half_life_years)
    kept = (1.0 - thermocouple_loss_per_year) ** years
    return source.electric_w * left * kept, source.thermal_w * left
