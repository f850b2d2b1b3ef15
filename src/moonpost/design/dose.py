"""Radiation on the lunar surface: cosmic rays and solar particles, behind shields, against tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from moonpost.errors import InputError

__all__ = [
    "LND_EQUIVALENT_SV_H",
    "LND_SILICON_GY_H",
    "SurfaceDose",
    "cosmic_ray_dose",
    "solar_event_dose",
    "surface_dose",
]

LND_SILICON_GY_H = 13.2e-6
"""Absorbed dose in silicon that LND measured on Chang'e 4's lander at solar minimum [Gy/h], +- 1e-6."""
LND_EQUIVALENT_SV_H = 57.1e-6
"""Dose equivalent of the same [Sv/h], +- 10.6e-6."""

_YEAR_H = 8766.0
_RELAX_KG_M2 = 1000.0
_BUILD_UP = 1.5
_QUIET = 0.6
# August 1972: J(>E) = 7.9e9 exp((30 MeV - E) / 26.5 MeV) protons/cm2 (King 1974).
_FLUENCE_CM2, _FLUENCE_AT_MEV, _FOLD_MEV = 7.9e9, 30.0, 26.5
# Bragg and Kleeman in aluminium, through the ranges at 10 and 200 MeV [g/cm2].
_RANGE, _POWER = 2.91e-3, 1.768
_TISSUE = 1.28
_GY_G_MEV = 1.602e-10
_PART_GY = 100.0


@dataclass(frozen=True)
class SurfaceDose:
    """Dose over a stay on the surface.

    Parameters
    ----------
    years : float
        How long [years].
    shield_kg_m2 : float
        Matter above and around [kg/m2].
    cosmic_gy, cosmic_sv : float
        From galactic cosmic rays, in silicon [Gy] and to people [Sv].
    solar_gy, solar_sv : float
        From the solar event that was asked for [Gy], [Sv].
    tolerance_gy : float
        What the electronics bear [Gy].
    """

    years: float
    shield_kg_m2: float
    cosmic_gy: float
    cosmic_sv: float
    solar_gy: float
    solar_sv: float
    tolerance_gy: float

    @property
    def total_gy(self) -> float:
        """In silicon [Gy]."""
        return self.cosmic_gy + self.solar_gy

    @property
    def margin(self) -> float:
        """Tolerance over the dose [1]."""
        return self.tolerance_gy / self.total_gy if self.total_gy > 0.0 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "total_gy": self.total_gy, "margin": self.margin}


def cosmic_ray_dose(shield_kg_m2: float = 0.0, *, activity: float = 0.0) -> tuple[float, float]:
    """Dose from galactic cosmic rays on the surface or under regolith, per year.

    Parameters
    ----------
    shield_kg_m2 : float, default 0.0
        Regolith above [kg/m2].
    activity : float, default 0.0
        Of the Sun, 0 at minimum (most cosmic rays) to 1 at maximum [1].

    Returns
    -------
    silicon_gy_year, equivalent_sv_year : float
        [Gy/year], [Sv/year].

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    At the surface what LND measured, neutrals from the ground included. Below, (1 + 1.5 x) exp(-x) with x = depth
    over 1000 kg/m2: a shape chosen to rise a little to 0.2 m and to be negligible at 3 m, as Dobynde and Guo
    (2024) find; at depth it is good to a factor of two. At solar maximum 0.4 of it (assumption; Reitz et al. 2012
    have 0.29, 110 against 380 mSv a year).

    References
    ----------
    Zhang, S., et al. (2020), First measurements of the radiation dose on the lunar surface, Science Advances 6,
    eaaz1334, doi:10.1126/sciadv.aaz1334. Dobynde, M., and J. Guo (2024), Guidelines for radiation-safe human
    activities on the Moon, Nature Astronomy 8, 991-999, doi:10.1038/s41550-024-02287-8. Reitz, G., T. Berger, and
    D. Matthiae (2012), Radiation exposure in the moon environment, Planet. Space Sci. 74, 78-83.

    Examples
    --------
    >>> gray, sievert = cosmic_ray_dose()
    >>> round(gray, 3), round(sievert, 2)
    (0.116, 0.5)
    """
    if not (math.isfinite(shield_kg_m2) and shield_kg_m2 >= 0.0):
        raise InputError(f"is {shield_kg_m2!r}", where="shield_kg_m2", advice="give 0 or more")
    if not 0.0 <= activity <= 1.0:
        raise InputError(f"is {activity!r}", where="activity", advice="give 0 (minimum) to 1 (maximum)")
    x = shield_kg_m2 / _RELAX_KG_M2
    part = (1.0 + _BUILD_UP * x) * math.exp(-x) * (1.0 - _QUIET * activity) * _YEAR_H
    return LND_SILICON_GY_H * part, LND_EQUIVALENT_SV_H * part


def solar_event_dose(shield_kg_m2: float, *, scale: float = 1.0, half_sky: bool = True) -> tuple[float, float]:
    """Dose from one large solar particle event behind a shield.

    Parameters
    ----------
    shield_kg_m2 : float
        Matter all round, counted as aluminium [kg/m2].
    scale : float, default 1.0
        Times the event of August 1972.
    half_sky : bool, default True
        Whether the Moon covers half of the sky.

    Returns
    -------
    silicon_gy, tissue_gy : float
        [Gy].

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    Protons with J(>E) = 7.9e9 exp((30 - E) / 26.5) /cm2, E in MeV, slow down in the shield by R = 2.91e-3 E^1.768
    g/cm2 (aluminium); dose = integral of fluence times stopping power of what is left. Tissue takes 1.28 times as
    much as silicon. Neglected: nuclear reactions and secondaries (behind more than 300 kg/m2 they are most of what
    is left), heavier ions, the body's own depth: it is the dose of a chip or of skin, not of organs.

    References
    ----------
    King, J. H. (1974), Solar proton fluences for 1977-1983 space missions, J. Spacecraft 11, 401-408,
    doi:10.2514/3.62088.

    Examples
    --------
    >>> thin, thick = solar_event_dose(10.0)[0], solar_event_dose(100.0)[0]
    >>> thin > 10.0 * thick
    True
    """
    if not (math.isfinite(shield_kg_m2) and shield_kg_m2 > 0.0):
        raise InputError(f"is {shield_kg_m2!r}", where="shield_kg_m2", advice="give more than 0: a box at least")
    if not (math.isfinite(scale) and scale >= 0.0):
        raise InputError(f"is {scale!r}", where="scale", advice="give 0 or more")
    depth = 0.1 * shield_kg_m2
    # Over the energy that is left, so that no grid meets the pole of the stopping power.
    left = np.geomspace(1e-4, 2000.0, 4001)
    energy = ((depth + _RANGE * left**_POWER) / _RANGE) ** (1.0 / _POWER)
    fluence = _FLUENCE_CM2 / _FOLD_MEV * np.exp((_FLUENCE_AT_MEV - energy) / _FOLD_MEV)
    # Fluence at E times dE/dR at what is left, dE = (left / E)^(p - 1) d left.
    stopping = 1.0 / (_RANGE * _POWER * left ** (_POWER - 1.0))
    inner = fluence * stopping * (left / energy) ** (_POWER - 1.0)
    dose = float(np.trapezoid(inner, left)) * _GY_G_MEV * scale * (0.5 if half_sky else 1.0)
    return dose, _TISSUE * dose


def surface_dose(
    years: float,
    shield_kg_m2: float = 27.0,
    *,
    events: float = 1.0,
    activity: float = 0.5,
    tolerance_gy: float = _PART_GY,
) -> SurfaceDose:
    """Dose to electronics and people over years on the surface, against what parts bear.

    Parameters
    ----------
    years : float
        How long [years].
    shield_kg_m2 : float, default 27.0
        Box and machine around: 10 mm of aluminium [kg/m2].
    events : float, default 1.0
        Events as large as that of August 1972 within the time [1].
    activity : float, default 0.5
        Mean activity of the Sun [1].
    tolerance_gy : float, default 100.0
        Dose that the weakest part bears: 100 Gy (10 krad) for chosen commercial parts, 1000 Gy for hardened [Gy].

    Returns
    -------
    SurfaceDose

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> surface_dose(10.0).margin > 1.0
    True
    """
    for name, value in (("years", years), ("events", events), ("tolerance_gy", tolerance_gy)):
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number of 0 or more")
    gray, sievert = cosmic_ray_dose(shield_kg_m2, activity=activity)
    chip, skin = solar_event_dose(shield_kg_m2, scale=events)
    # Protons of these events have a quality factor of about 1.4 (ICRP 60, from memory).
    return SurfaceDose(years, shield_kg_m2, years * gray, years * sievert, chip, 1.4 * skin, tolerance_gy)
