"""Where to aim a landing on a map of hazards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.poweredpath import checked

__all__ = ["AimMap", "aim"]

Floats = npt.NDArray[np.float64]

_CUT = 5.0
_FINE = 8
_SAME = 1e-3


@dataclass(frozen=True, eq=False)
class AimMap:
    """Chance of coming down on safe ground, for each place that may be aimed at.

    Parameters
    ----------
    chance : ndarray, shape (rows, cols)
        Probability of a landing on ground known to be safe [1].
    unknown : ndarray, shape (rows, cols)
        Probability of one on ground that is not known, or beyond the map [1].
    row, col : int
        The best place to aim at: of those within 0.001 of the greatest chance the one nearest to the middle.
    """

    chance: Floats
    unknown: Floats
    row: int
    col: int

    @property
    def best(self) -> float:
        """Chance at the best place [1].

        Returns
        -------
        float
        """
        return float(self.chance[self.row, self.col])


def aim(hazard: npt.ArrayLike, cell_m: float, covariance_m2: npt.ArrayLike, *, divert_m: float = 0.0) -> AimMap:
    """Find where to aim on a map of hazards.

    Parameters
    ----------
    hazard : array_like, shape (rows, cols)
        1 where a landing fails, 0 where it is safe, NaN where that is not known; the first row at the top.
    cell_m : float
        Side of a cell [m].
    covariance_m2 : array_like, shape (2, 2)
        Of landings about the aim, x to the right and y to the top, see `Dispersion.on_map` [m2].
    divert_m : float, default 0.0
        How far the lander can go aside to the nearest safe ground that it sees while it hovers [m].

    Returns
    -------
    AimMap

    Raises
    ------
    InputError
        If the map is empty or holds other values, or the covariance is none.

    Notes
    -----
    The normal distribution is summed over cells. Ground that is not known counts as not safe.

    Examples
    --------
    >>> ground = np.ones((41, 41))
    >>> ground[5:16, 20:31] = 0
    >>> found = aim(ground, 20.0, np.diag([30.0**2, 30.0**2]))
    >>> found.row, found.col, round(found.best, 3)
    (10, 25, 1.0)
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.signal import oaconvolve

    cells = np.asarray(hazard, dtype=np.float64)
    unknown = np.isnan(cells)
    if cells.ndim != 2 or not cells.size or not np.isin(cells[~unknown], (0.0, 1.0)).all():
        raise InputError(
            f"shape {cells.shape}, or other values", where="hazard", advice="give 1, 0 and NaN on a map"
        )
    checked(cell_m, "cell_m", 1e-3, 1e6)
    checked(divert_m, "divert_m", 0.0, 1e6)
    weights = _normal(np.asarray(covariance_m2, dtype=np.float64), cell_m, max(cells.shape))
    safe = cells == 0.0
    if divert_m > 0.0 and safe.any():
        safe = distance_transform_edt(~safe) * cell_m <= divert_m
    rim = [(n // 2, n // 2) for n in weights.shape]

    def spread(flags: Any, beyond: float) -> Floats:
        padded = np.pad(flags.astype(np.float64), rim, constant_values=beyond)
        return np.clip(oaconvolve(padded, weights[::-1, ::-1], mode="valid"), 0.0, 1.0)

    chance = spread(safe, 0.0)
    away = [np.arange(n) - 0.5 * (n - 1) for n in chance.shape]
    far = np.hypot(away[0][:, None], away[1])
    far = np.where(chance >= chance.max() - _SAME, far, np.inf)
    row, col = np.unravel_index(int(np.argmin(far)), chance.shape)
    return AimMap(chance, spread(unknown & ~safe, 1.0), int(row), int(col))


def _normal(covariance: Floats, cell_m: float, widest: int) -> Floats:
    """Weights of cells about the aim under a normal distribution, the first row at the top."""
    if (
        covariance.shape != (2, 2)
        or not np.isfinite(covariance).all()
        or not np.allclose(covariance, covariance.T)
    ):
        raise InputError("is no covariance", where="covariance_m2", advice="give a symmetric 2 x 2 array in m2")
    if not (np.linalg.eigvalsh(covariance) > 0.0).all():
        raise InputError("is not positive", where="covariance_m2", advice="give variances above 0")
    reach = [min(widest, math.ceil(_CUT * math.sqrt(covariance[k, k]) / cell_m + 0.5)) for k in (0, 1)]
    fine = [(np.arange((2 * n + 1) * _FINE) + 0.5) / _FINE - n - 0.5 for n in reach]
    x, y = np.meshgrid(fine[0] * cell_m, -fine[1] * cell_m)
    (a, b), (_, c) = np.linalg.inv(covariance)
    density = np.exp(-0.5 * (a * x * x + 2.0 * b * x * y + c * y * y))
    rows, cols = 2 * reach[1] + 1, 2 * reach[0] + 1
    whole = 2.0 * math.pi * math.sqrt(np.linalg.det(covariance)) / (cell_m / _FINE) ** 2
    sums = density.reshape(rows, _FINE, cols, _FINE).sum(axis=(1, 3))
    return np.asarray(sums / max(whole, float(sums.sum())))
