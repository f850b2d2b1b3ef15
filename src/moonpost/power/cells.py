"""Solar cells in the Sun: how warm they get when both sides radiate, and what warmth costs them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.elements import Cells
from moonpost.power.series import FloatSeries

__all__ = [
    "COLDEST_GAIN_K",
    "STEFAN_BOLTZMANN_W_M2_K4",
    "cell_output_factor",
    "cell_temperature_k",
    "ground_balance_k",
]

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8
"""CODATA 2018 [W/m2/K4]."""

COLDEST_GAIN_K = 173.15
"""Cells are not credited with more output when colder: coefficients are measured down to here [K]."""

_GROUND_ALBEDO = 0.12
_GROUND_EMITTANCE = 0.95
_MOST_ROUNDS = 150


def cell_output_factor(cells: Cells, temperature_k: npt.ArrayLike) -> FloatSeries:
    """Output of cells over their output at the reference temperature.

    Parameters
    ----------
    cells : Cells
        Coefficient and reference temperature.
    temperature_k : array-like
        Of the cells [K].

    Returns
    -------
    ndarray
        Of the shape of `temperature_k`, never below 0 [1].

    Raises
    ------
    InputError
        If a temperature is not finite and positive.

    Notes
    -----
    1 + beta (T - T_ref), held at its value of 173 K below that: cells at little light and in the cold do not
    go on gaining, and their coefficients are not measured there. Zero where the line would fall below zero.

    References
    ----------
    Landis, G. A. (1994), Review of solar cell temperature coefficients for space, NASA CP-3278, 385-399.

    Examples
    --------
    >>> cell_output_factor(Cells(), [301.15, 351.15]).round(3)
    array([1.  , 0.89])
    """
    warm = np.asarray(temperature_k, dtype=np.float64)
    if not (np.isfinite(warm) & (warm > 0.0)).all():
        raise InputError("is not finite and positive", where="temperature_k", advice="pass kelvins")
    return _factor(cells, warm)


def _factor(cells: Cells, warm: FloatSeries) -> FloatSeries:
    line = 1.0 + cells.temperature_coefficient_per_k * (np.maximum(warm, COLDEST_GAIN_K) - cells.reference_k)
    return np.maximum(line, 0.0)


def ground_balance_k(sunlight_w_m2: npt.ArrayLike) -> FloatSeries:
    """Temperature of ground in balance with the sunlight on it, with no heat from below.

    Parameters
    ----------
    sunlight_w_m2 : array-like
        Sunlight on level ground [W/m2].

    Returns
    -------
    ndarray
        Of the shape of `sunlight_w_m2`; 0 in the dark [K].

    Raises
    ------
    InputError
        If a value is not finite or negative.

    Notes
    -----
    ((1 - 0.12) S / (0.95 sigma))^(1/4). Right to some kelvins by day and meaningless by night, when arrays
    give nothing; `moonpost.thermal` has the ground as it is.

    Examples
    --------
    >>> float(ground_balance_k(1361.0).round(1))
    386.1
    """
    light = np.asarray(sunlight_w_m2, dtype=np.float64)
    if not (np.isfinite(light) & (light >= 0.0)).all():
        raise InputError("is negative or not finite", where="sunlight_w_m2", advice="pass W/m2 from 0")
    held: FloatSeries = ((1.0 - _GROUND_ALBEDO) * light / (_GROUND_EMITTANCE * STEFAN_BOLTZMANN_W_M2_K4)) ** 0.25
    return held


def cell_temperature_k(cells: Cells, sunlight_w_m2: npt.ArrayLike, ground_k: npt.ArrayLike = 0.0) -> FloatSeries:
    """Temperature of a solar panel whose two sides radiate.

    Parameters
    ----------
    cells : Cells
        Efficiency, absorptance, emittance, temperature coefficient.
    sunlight_w_m2 : array-like
        Sunlight on the panel, incidence and shade included [W/m2].
    ground_k : array-like, default 0.0
        Temperature of the ground [K]; of the shape of `sunlight_w_m2`, or one for all.

    Returns
    -------
    ndarray
        Of the shape of `sunlight_w_m2` [K]. 0 without light over ground of 0 K.

    Raises
    ------
    InputError
        If a value is negative or not finite.

    Notes
    -----
    (a - eta(T)) S + e 0.95 sigma T_g^4 = 2 e sigma T^4 with absorptance a, efficiency eta, emittance e of each
    side. Over a plane the views of the ground from both sides add to one whatever the tilt, so the ground's
    warmth enters once. Solved to 1e-9 K by Newton's method from the warm side, halving the bracket where a step
    leaves it, and in every third; with a coefficient of zero it is the closed form
    ((a - eta) S / (2 e sigma))^(1/4).
    Neglected: sunlight reflected by the ground, heat led away by the mast, the panel's heat capacity (minutes).

    Examples
    --------
    >>> flat = Cells(efficiency=0.3, temperature_coefficient_per_k=0.0, absorptance=0.9, emittance=0.85)
    >>> float(cell_temperature_k(flat, 1361.0).round(2))
    303.38
    """
    light, ground = np.asarray(sunlight_w_m2, dtype=np.float64), np.asarray(ground_k, dtype=np.float64)
    for values, name in ((light, "sunlight_w_m2"), (ground, "ground_k")):
        if not (np.isfinite(values) & (values >= 0.0)).all():
            raise InputError("is negative or not finite", where=name, advice="pass values from 0")
    out = 2.0 * cells.emittance * STEFAN_BOLTZMANN_W_M2_K4
    gained = cells.emittance * _GROUND_EMITTANCE * STEFAN_BOLTZMANN_W_M2_K4 * ground**4
    warm: FloatSeries = np.asarray(((cells.absorptance * light + gained) / out) ** 0.25)
    cold = np.zeros_like(warm)
    top = warm.copy()
    slope_least = -cells.efficiency * cells.temperature_coefficient_per_k
    for turn in range(_MOST_ROUNDS):
        kept = np.maximum(cells.absorptance - cells.efficiency * _factor(cells, warm), 0.0)
        over = out * warm**4 - gained - kept * light
        top, cold = np.where(over >= 0.0, warm, top), np.where(over < 0.0, warm, cold)
        steep = np.maximum(4.0 * out * warm**3 - slope_least * light * (warm > COLDEST_GAIN_K), out * warm**3)
        step = np.divide(over, steep, out=np.zeros_like(over), where=steep > 0.0)
        found = warm - step
        good = (np.abs(step) < 1e-9) | ((turn % 3 < 2) & (found >= cold) & (found <= top))
        found = np.where(good, found, 0.5 * (cold + top))
        moved = float(np.max(np.abs(found - warm), initial=0.0))
        warm = found
        if moved < 1e-9:
            break
    return warm
