"""Heat of regolith and of the reactions of oxygen plants: enthalpies, capacities, compositions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.thermal import HAYNE_2017

__all__ = ["FORMATION_J_MOL", "MOLAR_KG", "SOILS", "Soil", "regolith_heat_j_kg"]

MOLAR_KG = {
    "H2": 2.01588e-3,
    "O2": 31.9988e-3,
    "H2O": 18.01528e-3,
    "CO": 28.0101e-3,
    "CO2": 44.0095e-3,
    "CH4": 16.04246e-3,
    "C": 12.0107e-3,
    "Fe": 55.845e-3,
    "Si": 28.0855e-3,
    "Ti": 47.867e-3,
    "Mg": 24.305e-3,
    "Al": 26.9815386e-3,
    "Ca": 40.078e-3,
    "Na": 22.98976928e-3,
    "SiO2": 60.0843e-3,
    "TiO2": 79.8658e-3,
    "Al2O3": 101.9612772e-3,
    "FeO": 71.8444e-3,
    "MgO": 40.3044e-3,
    "CaO": 56.0774e-3,
    "Na2O": 61.97893856e-3,
}
"""Molar masses from the standard atomic weights, each oxide the sum of its elements [kg/mol]."""

FORMATION_J_MOL = {
    "H2O": -285.83e3,
    "H2O gas": -241.83e3,
    "CO": -110.53e3,
    "CO2": -393.51e3,
    "CH4": -74.87e3,
    "SiO2": -910.7e3,
    "TiO2": -944.0e3,
    "Al2O3": -1675.7e3,
    "FeO": -272.0e3,
    "FeTiO3": -1235.5e3,
    "MgO": -601.6e3,
    "CaO": -635.1e3,
    "Na2O": -414.2e3,
}
"""Standard enthalpies of formation at 298 K [J/mol] (NIST-JANAF and CRC tables, from memory)."""

OXYGEN_ATOMS = {"SiO2": 2, "TiO2": 2, "Al2O3": 3, "FeO": 1, "MgO": 1, "CaO": 1, "Na2O": 1}
METAL_ATOMS = {
    "SiO2": ("Si", 1),
    "TiO2": ("Ti", 1),
    "Al2O3": ("Al", 2),
    "FeO": ("Fe", 1),
    "MgO": ("Mg", 1),
    "CaO": ("Ca", 1),
    "Na2O": ("Na", 2),
}

_MEETS_K = 350.0
_SOLIDUS_K, _LIQUIDUS_K = 1373.0, 1653.0
_FUSION_J_KG = 4.786e5
_NODES = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Soil:
    """A regolith by its oxides.

    Parameters
    ----------
    name : str
        What it is.
    oxides : dict of str to float
        Parts by mass, together 1 [1].

    Examples
    --------
    >>> 0.40 < SOILS["highland"].oxygen < 0.46
    True
    """

    name: str
    oxides: dict[str, float]

    @property
    def oxygen(self) -> float:
        """Part of its mass that is oxygen [1]."""
        return sum(
            part * OXYGEN_ATOMS[name] * 0.5 * MOLAR_KG["O2"] / MOLAR_KG[name] for name, part in self.oxides.items()
        )

    @property
    def iron(self) -> float:
        """Part of its mass that is iron [1]."""
        return self.oxides.get("FeO", 0.0) * MOLAR_KG["Fe"] / MOLAR_KG["FeO"]


def _soil(name: str, **percent: float) -> Soil:
    whole = sum(percent.values())
    return Soil(name, {key: value / whole for key, value in percent.items()})


SOILS = {
    "highland": _soil("highland", SiO2=45.0, TiO2=0.6, Al2O3=27.0, FeO=5.2, MgO=5.7, CaO=15.7, Na2O=0.5),
    "mare": _soil("mare", SiO2=42.2, TiO2=7.5, Al2O3=13.6, FeO=15.9, MgO=7.9, CaO=11.9, Na2O=0.5),
}
"""Apollo 16 and Apollo 11 soils, rounded (Heiken et al. 1991, Lunar Sourcebook, table 7.15, from memory)."""


def heat_capacity_j_kg_k(temperature_k: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Heat capacity of solid regolith: Hayne et al. below 350 K, Colozza's fit above, joined there [J/kg/K]."""
    t = np.asarray(temperature_k, dtype=np.float64)
    cold = HAYNE_2017.heat_capacity_j_kg_k(np.minimum(t, _MEETS_K))
    step = float(HAYNE_2017.heat_capacity_j_kg_k(_MEETS_K)) - _hot(np.asarray(_MEETS_K))
    # The two fits differ by a few percent where they meet; the difference fades over 150 K.
    blend = step * np.clip(1.0 - (t - _MEETS_K) / 150.0, 0.0, 1.0)
    return np.where(t <= _MEETS_K, np.maximum(cold, 0.0), _hot(np.maximum(t, _MEETS_K)) + blend)


def _hot(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(-1848.5 + 1047.41 * np.log10(t))


def regolith_heat_j_kg(cold_k: float, hot_k: float) -> float:
    """Heat that takes regolith from one temperature to another, melting included.

    Parameters
    ----------
    cold_k, hot_k : float
        Temperatures, 20 to 2300 [K].

    Returns
    -------
    float
        [J/kg]; negative if it cools.

    Raises
    ------
    InputError
        If a temperature is out of range.

    Notes
    -----
    Integral of the heat capacity (Hayne et al. 2017 below 350 K; -1848.5 + 1047.41 log10 T above, Colozza 1991
    after measurements of basalt, from memory) by Gauss-Legendre rules on each side of 350, 500, 1373 and 1653 K,
    and 478.6 kJ/kg of melting, evenly from 1373 to 1653 K (the same, from memory).

    References
    ----------
    Colozza, A. J. (1991), Analysis of lunar regolith thermal energy storage, NASA CR-189073.

    Examples
    --------
    >>> 1.1e6 < regolith_heat_j_kg(250.0, 1273.0) < 1.2e6
    True
    """
    for name, value in (("cold_k", cold_k), ("hot_k", hot_k)):
        if not (np.isfinite(value) and 20.0 <= value <= 2300.0):
            raise InputError(f"is {value!r}", where=name, advice="give a temperature of 20 to 2300 K")
    return _enthalpy(hot_k) - _enthalpy(cold_k)


def _enthalpy(temperature_k: float) -> float:
    """Heat from 20 K on [J/kg]."""
    x, w = _NODES
    edges = [20.0, 100.0, _MEETS_K, _MEETS_K + 150.0, _SOLIDUS_K, _LIQUIDUS_K, 2300.0]
    total = 0.0
    for low, high in pairwise(edges):
        top = min(high, temperature_k)
        if top <= low:
            break
        half = 0.5 * (top - low)
        total += half * float(w @ heat_capacity_j_kg_k(low + half * (x + 1.0)))
    melted = min(max((temperature_k - _SOLIDUS_K) / (_LIQUIDUS_K - _SOLIDUS_K), 0.0), 1.0)
    return total + melted * _FUSION_J_KG


def soil_named(name: str) -> Soil:
    """The soil of a name."""
    if name not in SOILS:
        raise UnknownNameError(name, SOILS, kind="soil")
    return SOILS[name]
