"""What a landing throws: soil blown by the exhaust, how fast, how far, and what it does to machines nearby."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["Ejecta", "ballistic_range_m", "ejecta_at", "ejecta_speed_m_s", "keep_out_m"]

Floats = npt.NDArray[np.float64]

GM_M3_S2 = 4.9028e12
RADIUS_M = 1_737_400.0
GRAVITY_M_S2 = GM_M3_S2 / RADIUS_M**2

# Flat sheet of 1 to 3 deg (NASA 2011, from Apollo films); here spread evenly from 0 to 3 deg, since ground is
# rough.
_SHEET_RAD = math.radians(3.0)
# Soil blown for a kilogram that lands: 11 t for an Apollo lunar module of 6.9 t (low end of Metzger 2024, memory).
_SOIL_KG_KG = 1.6
# Grains: log-normal by mass, median 70 um (Carrier 2003, from memory), density of grains.
_MEDIAN_M, _SPREAD, _GRAIN_KG_M3 = 70e-6, 1.8, 3100.0
_SIZES_M = np.geomspace(1e-6, 1e-2, 81)


@dataclass(frozen=True)
class Ejecta:
    """What one landing throws onto an upright face at a distance.

    Parameters
    ----------
    distance_m : float
        From the landing [m].
    fluence_kg_m2 : float
        Soil that strikes the face [kg/m2].
    pitted : float
        Part of the face that grains strike at least once [1].
    energy_j_m2 : float
        Their energy [J/m2].
    fastest_m_s, slowest_m_s : float
        Speeds of the grains that strike it [m/s].
    largest_m : float
        Diameter of the largest grain that reaches it [m].
    """

    distance_m: float
    fluence_kg_m2: float
    pitted: float
    energy_j_m2: float
    fastest_m_s: float
    slowest_m_s: float
    largest_m: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "distance_m": round(self.distance_m, 1),
            "fluence_kg_m2": round(self.fluence_kg_m2, 6),
            "pitted": round(self.pitted, 5),
            "energy_j_m2": round(self.energy_j_m2, 3),
            "fastest_m_s": round(self.fastest_m_s, 1),
            "slowest_m_s": round(self.slowest_m_s, 1),
            "largest_m": round(self.largest_m, 6),
        }


def ejecta_speed_m_s(grain_m: npt.ArrayLike) -> Floats:
    """Speed that the exhaust of a lander gives to a grain.

    Parameters
    ----------
    grain_m : array_like
        Diameter [m].

    Returns
    -------
    ndarray
        [m/s].

    Notes
    -----
    Power law through 2000 m/s at 10 um and 400 m/s at 100 um, no faster than 2000 m/s. Published: 300 to 2000 m/s
    with the smallest fastest (NASA 2011), 400 to 2500 m/s from Surveyor 3 (Immer et al. 2008), at least 70 m/s
    there (Jaffe 1971). The law between and beyond is an assumption; an engine's thrust is not in it.

    References
    ----------
    NASA (2011), Recommendations to space-faring entities: how to protect and preserve the historic and scientific
    value of U.S. government lunar artifacts. Immer, C. D., et al. (2008), Apollo video photogrammetry estimation
    of plume impingement effects, Earth and Space 2008. Jaffe, L. D. (1971), Blowing of lunar soil by Apollo 12:
    Surveyor 3 evidence, Science 171, 798-799, doi:10.1126/science.171.3973.798.

    Examples
    --------
    >>> ejecta_speed_m_s([1e-5, 1e-4]).round().tolist()
    [2000.0, 400.0]
    """
    grain = np.asarray(grain_m, dtype=np.float64)
    if not (np.isfinite(grain) & (grain > 0.0)).all():
        raise InputError("is not finite and positive", where="grain_m", advice="give diameters in metres")
    slope = math.log10(2000.0 / 400.0)
    return np.minimum(2000.0 * (grain / 1e-5) ** -slope, 2000.0)


def ballistic_range_m(speed_m_s: float, angle_deg: float) -> float:
    """Distance along the sphere at which something thrown comes down.

    Parameters
    ----------
    speed_m_s : float
        [m/s].
    angle_deg : float
        Above the horizontal, above 0 and below 90 [deg].

    Returns
    -------
    float
        [m]; infinite from the speed of escape on.

    Notes
    -----
    Two-body motion from the surface: with Q = v^2 R / GM, tan(phi / 2) = Q sin a cos a / (1 - Q cos^2 a), distance
    R phi. Beyond half a turn it goes the far way round.

    Examples
    --------
    >>> round(ballistic_range_m(100.0, 45.0))
    6168
    """
    if not (math.isfinite(speed_m_s) and speed_m_s >= 0.0 and 0.0 < angle_deg < 90.0):
        raise InputError("a speed or an angle is out of range", where="ballistic_range_m", advice="check both")
    q = speed_m_s**2 * RADIUS_M / GM_M3_S2
    if q >= 2.0:
        return math.inf
    a = math.radians(angle_deg)
    return RADIUS_M * 2.0 * math.atan2(q * math.sin(a) * math.cos(a), 1.0 - q * math.cos(a) ** 2)


def ejecta_at(
    distance_m: float, landed_kg: float, *, face_m: float = 3.0, soil_kg_kg: float = _SOIL_KG_KG, pad: float = 1.0
) -> Ejecta:
    """What a landing throws onto an upright face.

    Parameters
    ----------
    distance_m : float
        From the landing [m].
    landed_kg : float
        Mass of the lander at touchdown [kg].
    face_m : float, default 3.0
        Height of the face, from the ground [m].
    soil_kg_kg : float, default 1.6
        Soil blown for a kilogram that lands [1].
    pad : float, default 1.0
        Part of that soil still blown: 1 on bare ground, less on a prepared pad with a berm [1].

    Returns
    -------
    Ejecta

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    Soil leaves evenly to all sides and between 0 and 3 deg, grains of each size at the speed of
    `ejecta_speed_m_s`. A grain strikes the face if its path, z = d tan a - g d^2 / (2 v^2 cos^2 a), passes between
    ground and top: the share s(D) of the 3 deg. Fluence = M sum f(D) s(D) / (2 pi d H). Each grain marks its own
    cross-section, so with c = 3 / (2 rho D) times the fluence the part struck is 1 - exp(-c). For fast grains that
    is the inverse square of the distance. Neglected: terrain between (a ridge or a berm stops it all), gas, slope,
    engines higher up.

    References
    ----------
    Lane, J. E., and P. T. Metzger (2015), Estimation of Apollo lunar dust transport using optical extinction
    measurements, Acta Geophys. 63, 568-599, doi:10.1515/acgeo-2015-0005. Metzger, P. T. (2024), Erosion rate of
    lunar soil under a landing rocket, part 2, Icarus 417, 116135 (11 to 26 t at an Apollo landing: from memory).

    Examples
    --------
    >>> near, far = ejecta_at(200.0, 5000.0), ejecta_at(2000.0, 5000.0)
    >>> near.pitted > 0.9 > 0.5 > far.pitted
    True
    """
    for name, value in (("distance_m", distance_m), ("landed_kg", landed_kg), ("face_m", face_m)):
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number above 0")
    if not (math.isfinite(soil_kg_kg) and soil_kg_kg >= 0.0 and 0.0 <= pad <= 1.0):
        raise InputError("is out of range", where="soil_kg_kg, pad", advice="give 0 or more, and a part of 1")
    sizes, parts, speeds = _grains()
    share = _strike(distance_m, face_m, speeds)
    reach = share > 0.0
    struck = landed_kg * soil_kg_kg * pad * parts * share / (2.0 * math.pi * distance_m * face_m)
    cover = float((struck * 1.5 / (_GRAIN_KG_M3 * sizes)).sum())
    return Ejecta(
        distance_m=distance_m,
        fluence_kg_m2=float(struck.sum()),
        pitted=-math.expm1(-cover),
        energy_j_m2=float((0.5 * struck * speeds**2).sum()),
        fastest_m_s=float(speeds[reach].max()) if reach.any() else 0.0,
        slowest_m_s=float(speeds[reach].min()) if reach.any() else 0.0,
        largest_m=float(sizes[reach].max()) if reach.any() else 0.0,
    )


def keep_out_m(landed_kg: float, *, pitted: float = 0.1, **options: float) -> float:
    """Distance from which a landing marks no more than a part of a face.

    Parameters
    ----------
    landed_kg : float
        Mass of the lander at touchdown [kg].
    pitted : float, default 0.1
        Part of a face that may be struck in one landing [1].
    **options
        Further arguments of `ejecta_at`.

    Returns
    -------
    float
        [m].

    Examples
    --------
    >>> bare, padded = keep_out_m(5000.0), keep_out_m(5000.0, pad=0.01)
    >>> 8.0 < bare / padded < 12.0
    True
    """
    if not 0.0 < pitted < 1.0:
        raise InputError(f"is {pitted!r}", where="pitted", advice="give a part of 1")
    low, high = 1.0, 1.0e6
    if ejecta_at(low, landed_kg, **options).pitted <= pitted:
        return low
    while high / low > 1.0 + 1e-9:
        middle = math.sqrt(low * high)
        if ejecta_at(middle, landed_kg, **options).pitted > pitted:
            low = middle
        else:
            high = middle
    return high


def _grains() -> tuple[Floats, Floats, Floats]:
    """Sizes [m], their parts of the mass, and speeds [m/s]."""
    sizes = np.sqrt(_SIZES_M[1:] * _SIZES_M[:-1])
    score = np.log(sizes / _MEDIAN_M) / _SPREAD
    parts = np.exp(-0.5 * score**2)
    return sizes, parts / parts.sum(), ejecta_speed_m_s(sizes)


def _strike(distance_m: float, face_m: float, speeds: Floats) -> Floats:
    """Part of the sheet's angles at which grains of each speed pass between the ground and the top of a face."""
    # With t = tan a: z = d t - k (1 + t^2), k = g d^2 / 2 v^2; both bounds are roots of a quadratic in t.
    k = 0.5 * GRAVITY_M_S2 * distance_m**2 / speeds**2

    def root(z: float) -> Floats:
        inside = distance_m**2 - 4.0 * k * (k + z)
        return np.where(inside >= 0.0, (distance_m - np.sqrt(np.maximum(inside, 0.0))) / (2.0 * k), np.inf)

    low, high = np.arctan(root(0.0)), np.arctan(root(face_m))
    return np.asarray((np.minimum(high, _SHEET_RAD) - np.minimum(low, _SHEET_RAD)) / _SHEET_RAD)
