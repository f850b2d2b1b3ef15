"""Dose from a reactor: inverse square, shield and soil between, and the distance that it asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from moonpost.errors import InputError

__all__ = ["ReactorDose", "reactor_distance_m", "reactor_dose"]

_YEAR_H = 8766.0
_FISSIONS_J = 3.12e10
_LEAK = 1.0
_NEUTRON_SV_M2 = 3.6e-14
_GAMMA_MEV = 5.0
_GAMMA_SV_M2_MEV = 4.5e-16
_NEUTRON_GY_SV = 0.01
_NEUTRON_KG_M2, _GAMMA_KG_M2 = 280.0, 250.0
_SHIELD = 1.0e-4


@dataclass(frozen=True)
class ReactorDose:
    """Dose from a running reactor at a place.

    Parameters
    ----------
    distance_m : float
        From the core [m].
    equivalent_sv_year : float
        To people [Sv/year].
    absorbed_gy_year : float
        In silicon [Gy/year].
    neutrons_m2_year : float
        Fast neutrons [1/m2/year].
    """

    distance_m: float
    equivalent_sv_year: float
    absorbed_gy_year: float
    neutrons_m2_year: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "distance_m": round(self.distance_m, 1),
            "equivalent_sv_year": float(f"{self.equivalent_sv_year:.4g}"),
            "absorbed_gy_year": float(f"{self.absorbed_gy_year:.4g}"),
            "neutrons_m2_year": float(f"{self.neutrons_m2_year:.4g}"),
        }


def reactor_dose(
    thermal_w: float, distance_m: float, *, shield: float = _SHIELD, soil_kg_m2: float = 0.0
) -> ReactorDose:
    """Dose at a distance from a running reactor.

    Parameters
    ----------
    thermal_w : float
        Heat of the core [W].
    distance_m : float
        From the core [m].
    shield : float, default 1e-4
        Part of neutrons and gamma rays that its own shield lets through on this side [1].
    soil_kg_m2 : float, default 0.0
        Soil between, density times length of the path through it [kg/m2].

    Returns
    -------
    ReactorDose

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    3.1e10 fissions a joule; one fast neutron of each leaves the core, and 5 MeV of gamma rays (assumed for a small
    fast core). H = N h / (4 pi d^2), with 360 pSv cm2 for fission neutrons and 4.5 pSv cm2 for each MeV of gamma
    rays (rounded from ICRP 74, from memory). Soil: removal of neutrons over 280 kg/m2, gamma rays over 250 kg/m2
    with the build-up 1 + x (assumptions near those of concrete). The default shield is what the requirement of
    NASA's 40 kWe plant asks for, below 5 rem a year at 1 km from about 160 kW of heat (from memory of the call of
    2021). Neglected: scattering from the ground beside the shield, which is what is left behind thick shields; the
    core after shutdown.

    References
    ----------
    ICRP (1996), Conversion coefficients for use in radiological protection against external radiation, Publication
    74.

    Examples
    --------
    >>> round(1e3 * reactor_dose(160e3, 1000.0).equivalent_sv_year)
    48
    """
    for name, value, least in (
        ("thermal_w", thermal_w, 0.0),
        ("distance_m", distance_m, 1e-9),
        ("soil_kg_m2", soil_kg_m2, 0.0),
    ):
        if not (math.isfinite(value) and value >= least):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number, 0 or more")
    if not (math.isfinite(shield) and 0.0 <= shield <= 1.0):
        raise InputError(f"is {shield!r}", where="shield", advice="give the part that passes, 0 to 1")
    fluence = thermal_w * _FISSIONS_J * _YEAR_H * 3600.0 * shield / (4.0 * math.pi * distance_m**2)
    neutrons = fluence * _LEAK * math.exp(-soil_kg_m2 / _NEUTRON_KG_M2)
    depth = soil_kg_m2 / _GAMMA_KG_M2
    gammas = fluence * _GAMMA_MEV * (1.0 + depth) * math.exp(-depth)
    neutron_sv, gamma_sv = neutrons * _NEUTRON_SV_M2, gammas * _GAMMA_SV_M2_MEV
    return ReactorDose(distance_m, neutron_sv + gamma_sv, gamma_sv + _NEUTRON_GY_SV * neutron_sv, neutrons)


def reactor_distance_m(
    thermal_w: float, limit_sv_year: float, *, shield: float = _SHIELD, soil_kg_m2: float = 0.0
) -> float:
    """Distance at which the dose from a reactor falls to a limit.

    Parameters
    ----------
    thermal_w : float
        Heat of the core [W].
    limit_sv_year : float
        Dose that is allowed [Sv/year].
    shield : float, default 1e-4
        Part that its shield lets through [1].
    soil_kg_m2 : float, default 0.0
        Soil between [kg/m2].

    Returns
    -------
    float
        [m].

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> bare = reactor_distance_m(20e3, 0.05)
    >>> banked = reactor_distance_m(20e3, 0.05, soil_kg_m2=1600.0)
    >>> banked < 0.1 * bare
    True
    """
    if not (math.isfinite(limit_sv_year) and limit_sv_year > 0.0):
        raise InputError(f"is {limit_sv_year!r}", where="limit_sv_year", advice="give a dose above 0")
    at_one = reactor_dose(thermal_w, 1.0, shield=shield, soil_kg_m2=soil_kg_m2).equivalent_sv_year
    return math.sqrt(at_one / limit_sv_year)
