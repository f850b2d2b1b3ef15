"""Lunar regolith: density, conductivity, heat capacity and albedo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["HAYNE_2017", "RegolithProperties"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RegolithProperties:
    """Thermal properties of regolith that compacts with depth.

    Parameters
    ----------
    surface_density_kg_m3, deep_density_kg_m3 : float
        Density at the surface and far below [kg/m3].
    scale_height_m : float
        Depth over which the density rises [m].
    surface_conductivity_w_m_k, deep_conductivity_w_m_k : float
        Contact (phonon) conductivity at the surface and far below [W/m/K].
    radiative_ratio : float
        Radiative over contact conductivity at 350 K.
    heat_capacity : tuple of float
        Coefficients of a polynomial in temperature [J/kg/K], constant first.
    albedo : float
        Bond albedo for the Sun in the zenith.
    albedo_45, albedo_90 : float
        Coefficients of its rise with incidence angle.
    emissivity : float
        Infrared emissivity.
    geothermal_w_m2 : float
        Flux from the interior [W/m2].

    Notes
    -----
    Density rho = rho_d - (rho_d - rho_s) exp(-z/H); contact conductivity linear in density between its two values;
    conductivity K = K_c (1 + chi (T/350 K)^3); albedo A = A_0 + a (theta/45 deg)^3 + b (theta/90 deg)^8.
    Valid for 20 to 400 K; the heat capacity is not measured below 90 K.

    References
    ----------
    Hayne et al. (2017), Global regolith thermophysical properties of the Moon from the Diviner Lunar Radiometer
    Experiment, J. Geophys. Res. Planets 122, 2371-2400, Table A1, doi:10.1002/2017JE005387.

    Examples
    --------
    >>> round(float(HAYNE_2017.density_kg_m3(0.06)), 1)
    1542.5
    >>> round(float(HAYNE_2017.heat_capacity_j_kg_k(250.0)), 0)
    672.0
    """

    surface_density_kg_m3: float = 1100.0
    deep_density_kg_m3: float = 1800.0
    scale_height_m: float = 0.06
    surface_conductivity_w_m_k: float = 7.4e-4
    deep_conductivity_w_m_k: float = 3.4e-3
    radiative_ratio: float = 2.7
    heat_capacity: tuple[float, ...] = (-3.6125, 2.7431, 2.3616e-3, -1.2340e-5, 8.9093e-9)
    albedo: float = 0.12
    albedo_45: float = 0.06
    albedo_90: float = 0.25
    emissivity: float = 0.95
    geothermal_w_m2: float = 0.018

    def density_kg_m3(self, depth_m: npt.ArrayLike) -> Floats:
        """Density at depth.

        Parameters
        ----------
        depth_m : array_like
            Depth [m].

        Returns
        -------
        ndarray
            [kg/m3].
        """
        deep, top = self.deep_density_kg_m3, self.surface_density_kg_m3
        return deep - (deep - top) * np.exp(-np.asarray(depth_m, dtype=float) / self.scale_height_m)

    def contact_conductivity_w_m_k(self, depth_m: npt.ArrayLike) -> Floats:
        """Conductivity through the contacts of the grains, without radiation between them.

        Parameters
        ----------
        depth_m : array_like
            Depth [m].

        Returns
        -------
        ndarray
            [W/m/K].
        """
        deep, top = self.deep_density_kg_m3, self.surface_density_kg_m3
        share = (deep - self.density_kg_m3(depth_m)) / (deep - top)
        rise = self.deep_conductivity_w_m_k - self.surface_conductivity_w_m_k
        return self.deep_conductivity_w_m_k - rise * share

    def heat_capacity_j_kg_k(self, temperature_k: npt.ArrayLike) -> Floats:
        """Specific heat capacity.

        Parameters
        ----------
        temperature_k : array_like
            Temperature [K].

        Returns
        -------
        ndarray
            [J/kg/K].
        """
        return np.asarray(
            np.polynomial.polynomial.polyval(np.asarray(temperature_k, dtype=float), self.heat_capacity)
        )

    def incidence_albedo(self, sine_of_elevation: npt.ArrayLike) -> Floats:
        """Albedo for sunlight at an angle.

        Parameters
        ----------
        sine_of_elevation : array_like
            Sine of the Sun's elevation above the surface, 0 to 1.

        Returns
        -------
        ndarray
            Share of the sunlight that is reflected.
        """
        incidence_deg = np.rad2deg(np.arccos(np.clip(sine_of_elevation, 0.0, 1.0)))
        return (
            self.albedo
            + self.albedo_45 * (incidence_deg / 45.0) ** 3
            + self.albedo_90 * (incidence_deg / 90.0) ** 8
        )


HAYNE_2017 = RegolithProperties()
"""Global mean regolith of Hayne et al. (2017), Table A1."""
