"""Wear of mechanisms, dust on surfaces, and how long robots take to mend."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError

__all__ = ["RepairTimes", "dust_cover", "mechanism_life_years", "repair_times", "wear_depth_m"]

_GRAIN_KG_M3 = 3100.0
_TURNS_A_YEAR = 365.25 / 29.530588861


@dataclass(frozen=True)
class RepairTimes:
    """How long a failure lasts until robots have mended it.

    Parameters
    ----------
    mean_h, p95_h, longest_h : float
        Over all instants at which it may fail [h].
    never : float
        Part of those instants after which the series ends before it is mended [1].
    """

    mean_h: float
    p95_h: float
    longest_h: float
    never: float

    def availability(self, failures_per_year: float) -> float:
        """Part of the time that a unit works if it fails so often and spares do not run out [1]."""
        down = failures_per_year * self.mean_h / 8766.0
        return 1.0 / (1.0 + down)


def dust_cover(
    years: float, *, dust_kg_m2_year: float = 2.14e-4, grain_m: float = 1.0e-5, upright: bool = False
) -> float:
    """Part of a surface that settling dust covers.

    Parameters
    ----------
    years : float
        Without cleaning [years].
    dust_kg_m2_year : float, default 2.14e-4
        What settles on a level surface [kg/m2/year].
    grain_m : float, default 1e-5
        Diameter of grains [m] (assumption).
    upright : bool, default False
        Whether the surface stands upright; a tenth then settles (assumption).

    Returns
    -------
    float
        [1].

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    1 - exp(-3 m / (2 rho D)), grains at random. The default is what Chang'e 3 measured 1.9 m above ground, 21.4
    ug/cm2 a year; Apollo's detectors gave up to 100 (Hollick and O'Brien 2013, from memory). Landings and rovers
    add to it.

    References
    ----------
    Li, D., et al. (2019), In situ measurements of lunar dust at the Chang'E-3 landing site in the northern Mare
    Imbrium, J. Geophys. Res. Planets 124, 2168-2177, doi:10.1029/2019JE006054.

    Examples
    --------
    >>> round(dust_cover(1.0), 4), round(dust_cover(10.0, dust_kg_m2_year=1e-3), 3)
    (0.0103, 0.384)
    """
    for name, value in (("years", years), ("dust_kg_m2_year", dust_kg_m2_year), ("grain_m", grain_m)):
        if not (math.isfinite(value) and value >= 0.0) or (name == "grain_m" and value == 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number of 0 or more")
    mass = years * dust_kg_m2_year * (0.1 if upright else 1.0)
    return -math.expm1(-1.5 * mass / (_GRAIN_KG_M3 * grain_m))


def mechanism_life_years(
    rated_turns: float, *, turns_per_year: float = _TURNS_A_YEAR, dust_factor: float = 1.0
) -> float:
    """Years until a mechanism has made the turns that it was tested for.

    Parameters
    ----------
    rated_turns : float
        Turns shown in test, already divided by the margin of the standard [1].
    turns_per_year : float
        Turns it makes; once a lunar day if not given, as an array that follows the Sun [1/year].
    dust_factor : float, default 1.0
        How many times faster it wears in dust [1].

    Returns
    -------
    float
        [years].

    Raises
    ------
    InputError
        If a number is not finite and positive.

    Examples
    --------
    >>> round(mechanism_life_years(500.0, dust_factor=2.0), 1)
    20.2
    """
    for name, value in (
        ("rated_turns", rated_turns),
        ("turns_per_year", turns_per_year),
        ("dust_factor", dust_factor),
    ):
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number above 0")
    return rated_turns / (turns_per_year * dust_factor)


def wear_depth_m(pressure_pa: float, slide_m: float, hardness_pa: float, coefficient: float) -> float:
    """Depth that sliding takes off a surface.

    Parameters
    ----------
    pressure_pa : float
        Pressure of contact [Pa].
    slide_m : float
        Way that is slid [m].
    hardness_pa : float
        Hardness of the softer side [Pa].
    coefficient : float
        Of wear: about 1e-6 lubricated, 1e-4 dry, 1e-2 with abrasive grains between [1].

    Returns
    -------
    float
        [m].

    Raises
    ------
    InputError
        If a number is not finite and positive.

    Notes
    -----
    Archard's law, h = k p s / H.

    References
    ----------
    Archard, J. F. (1953), Contact and rubbing of flat surfaces, J. Appl. Phys. 24, 981-988, doi:10.1063/1.1721448.

    Examples
    --------
    >>> round(1e6 * wear_depth_m(1e6, 1e4, 1e9, 1e-6), 6)
    10.0
    """
    for name, value in (
        ("pressure_pa", pressure_pa),
        ("slide_m", slide_m),
        ("hardness_pa", hardness_pa),
        ("coefficient", coefficient),
    ):
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number above 0")
    return coefficient * pressure_pa * slide_m / hardness_pa


def repair_times(
    lit: npt.ArrayLike,
    step_h: float,
    work_h: float,
    *,
    way_m: float = 100.0,
    robot_m_s: float = 0.05,
    command_h: float = 24.0,
) -> RepairTimes:
    """How long it takes robots that work in the light alone to mend a failure.

    Parameters
    ----------
    lit : array_like of bool, shape (n,)
        Whether there is light to work by, at equal steps.
    step_h : float
        Length of a step [h].
    work_h : float
        Work at the place [h].
    way_m : float, default 100.0
        Way to the place, one way [m].
    robot_m_s : float, default 0.05
        Speed [m/s].
    command_h : float, default 24.0
        Until people on Earth have understood it and sent a plan [h].

    Returns
    -------
    RepairTimes

    Raises
    ------
    InputError
        If a number is out of range.
    ModelError
        If no failure is ever mended within the series.

    Notes
    -----
    For a failure at each step: after `command_h`, lit hours are counted until work and way are done; both wait
    through the dark. The way back is not part of it.

    Examples
    --------
    >>> import numpy as np
    >>> night_and_day = np.tile(np.repeat([False, True], 354), 13)
    >>> 110.0 < repair_times(night_and_day, 1.0, 8.0).mean_h < 140.0
    True
    """
    series = np.asarray(lit, dtype=bool)
    if series.ndim != 1 or series.size < 2:
        raise InputError("is not a series", where="lit", advice="give one value for each step")
    for name, value in (
        ("step_h", step_h),
        ("work_h", work_h),
        ("way_m", way_m),
        ("robot_m_s", robot_m_s),
        ("command_h", command_h),
    ):
        positive = name in {"step_h", "robot_m_s"}
        if not (math.isfinite(value) and value >= 0.0) or (positive and value == 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number, 0 or more")
    need = work_h + way_m / robot_m_s / 3600.0
    done = np.concatenate([[0.0], np.cumsum(series) * step_h])
    start = np.arange(series.size) * step_h
    edges = np.arange(series.size + 1) * step_h
    begun = np.interp(start + command_h, edges, done)
    target = begun + need
    in_series = (start + command_h <= edges[-1]) & (target <= done[-1])
    if not in_series.any():
        raise ModelError("nothing is mended in this series", where="lit", advice="give a longer one with light")
    # The first instant at which so many lit hours have passed: the series of hours is flat in the dark.
    k = np.searchsorted(done, target[in_series], side="left")
    ended = edges[k] - (done[k] - target[in_series])
    ended = np.maximum(ended, start[in_series] + command_h)
    took = ended - start[in_series]
    return RepairTimes(
        float(took.mean()), float(np.quantile(took, 0.95)), float(took.max()), float(1.0 - in_series.mean())
    )
