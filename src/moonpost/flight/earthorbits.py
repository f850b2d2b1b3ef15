"""Orbits round the Earth through many states at once, for flights that come from or go to the Moon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["EarthOrbits"]

Floats = npt.NDArray[np.float64]


class EarthOrbits:
    """Two-body orbits round the Earth through many states.

    Parameters
    ----------
    states : ndarray, shape (n, 6)
        From the centre of the Earth, J2000 [m], [m/s].
    gm_m3_s2 : float
        Of the Earth [m3/s2].

    Notes
    -----
    `momentum` is negative for orbits against the rotation of the Earth, so that it passes through zero evenly;
    `since_s` and `until_s` tell the time since and until perigee, `perigee_m` its distance.

    Examples
    --------
    >>> orbit = EarthOrbits(np.array([[6578e3, 0, 0, 0, 10900.0, 0]]), 398600.4355e9)
    >>> round(float(orbit.perigee_m[0]) / 1e3), bool(abs(orbit.until_s[0]) < 1.0)
    (6578, True)
    """

    def __init__(self, states: Floats, gm_m3_s2: float) -> None:
        gm = gm_m3_s2
        r, v = states[:, :3], states[:, 3:]
        distance = np.linalg.norm(r, axis=1)
        momentum = np.cross(r, v)
        size = np.linalg.norm(momentum, axis=1)
        self.pole = momentum / size[:, None]
        self.momentum = np.where(momentum[:, 2] >= 0.0, size, -size)
        self.energy = 0.5 * np.einsum("ni,ni->n", v, v) - gm / distance
        self.eccentricity = np.sqrt(np.maximum(0.0, 1.0 + 2.0 * self.energy * size**2 / gm**2))
        self.perigee_m = size**2 / (gm * (1.0 + self.eccentricity))
        away = _from_perigee_s(distance, self.energy, self.eccentricity, gm)
        inward = np.einsum("ni,ni->n", r, v) < 0.0
        self.since_s, self.until_s = np.where(inward, -away, away), np.where(inward, away, -away)


def _from_perigee_s(distance: Floats, energy: Floats, eccentricity: Floats, gm: float) -> Floats:
    """Time between perigee and a distance on an ellipse or a hyperbola [s]."""
    axis = -gm / (2.0 * np.where(np.abs(energy) < 1.0, -1.0, energy))
    ratio = (1.0 - distance / axis) / np.maximum(eccentricity, 1e-9)
    rate = np.sqrt(gm / np.abs(axis) ** 3)
    bound = np.arccos(np.clip(ratio, -1.0, 1.0))
    free = np.arccosh(np.maximum(ratio, 1.0))
    return np.where(
        axis > 0.0, bound - eccentricity * np.sin(bound), eccentricity * np.sinh(np.minimum(free, 50.0)) - free
    ) / rate  # fmt: skip
