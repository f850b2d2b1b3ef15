"""Equal intervals of Chebyshev polynomials through a smooth part of a course, as SPK type 3 keeps them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.courses import Piece

__all__ = ["Series", "series"]

Floats = npt.NDArray[np.float64]
_DEGREE = 15
_GRID_S = 2.0**-20
_CHUNK = 4000
_MOST = 4_000_000
_NODES, _CHECKS = 40, 61
_SHARE = 0.7


@dataclass(frozen=True, eq=False)
class Series:
    """Polynomials of position and velocity over equal intervals.

    Parameters
    ----------
    start_s : float
        Start of the first interval, TDB since J2000 [s].
    length_s : float
        Length of an interval [s].
    coefficients : ndarray, shape (k, 6, m)
        Of Chebyshev's polynomials: positions [m], velocities [m/s].
    error_m : float
        Largest difference of the position from the piece that was found [m].

    Examples
    --------
    >>> line = Piece(0.0, 8.0, lambda t: np.outer(t, [1.0, 0, 0, 0, 0, 0]) + [0, 0, 0, 1.0, 0, 0])
    >>> series(line).length_s
    8.0
    """

    start_s: float
    length_s: float
    coefficients: Floats
    error_m: float

    @property
    def middles(self) -> Floats:
        """Middles of the intervals, TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (k,)
        """
        middles: Floats = (
            self.start_s + (np.arange(len(self.coefficients), dtype=np.float64) + 0.5) * self.length_s
        )
        return middles

    @property
    def directory(self) -> Floats:
        """The four numbers at the end of a segment.

        Returns
        -------
        ndarray, shape (4,)
            Start, length, doubles in a record, records.
        """
        count, _, terms = self.coefficients.shape
        return np.array([self.start_s, self.length_s, 2.0 + 6 * terms, count])

    def records(self, scale: float = 1.0) -> Floats:
        """Records of a segment.

        Parameters
        ----------
        scale : float, default 1.0
            Factor of positions and velocities.

        Returns
        -------
        ndarray, shape (k, 2 + 6 m)
            Middle, radius, coefficients.
        """
        count = len(self.coefficients)
        radii = np.full(count, 0.5 * self.length_s)
        return np.column_stack([self.middles, radii, scale * self.coefficients.reshape(count, -1)])


def series(piece: Piece, tolerance_m: float = 1e-3) -> Series:
    """Fit polynomials of degree 15 over intervals as long as the wanted accuracy allows.

    Parameters
    ----------
    piece : Piece
        A smooth part of a course.
    tolerance_m : float, default 1e-3
        Largest error of the position [m].

    Returns
    -------
    Series

    Raises
    ------
    InputError
        If the tolerance is not positive.
    ModelError
        If it is not reached with four million intervals.

    Notes
    -----
    Least squares at 40 Chebyshev nodes, so that the seams of a flight's dense output are not magnified; checked at
    61 other times in each interval. Lengths are whole multiples of 2^-20 s, so that readers that count from the
    start find the same intervals as those that use the middle of a record.
    """
    if not 0.0 < tolerance_m < math.inf:
        raise InputError(f"{tolerance_m} is no tolerance", where="tolerance_m", advice="give metres above 0")
    duration = piece.stop_tdb_s - piece.start_tdb_s
    count = 1
    while count <= _MOST:
        length = max(math.ceil(duration / count / _GRID_S), 1) * _GRID_S
        fitted = _fitted(piece, length, max(1, math.ceil(duration / length)), tolerance_m)
        if fitted is not None:
            return fitted
        # Errors fall with the sixteenth power of the length, so steps of a quarter waste little.
        count = max(count + 1, math.ceil(1.25 * count))
    raise ModelError(
        f"{tolerance_m:g} m is not reached by polynomials",
        where="flight",
        advice="allow a larger tolerance_m, or fly with a smaller rtol",
    )


def _fitted(piece: Piece, length_s: float, count: int, tolerance_m: float) -> Series | None:
    """Polynomials over so many intervals, or None where one is not good enough."""
    nodes, checks = _zeros(_NODES, 0.5), _zeros(_CHECKS, 0.25)
    fit = np.asarray(np.linalg.pinv(np.polynomial.chebyshev.chebvander(nodes, _DEGREE)), dtype=np.float64)
    look = np.asarray(np.polynomial.chebyshev.chebvander(checks, _DEGREE), dtype=np.float64)
    parts, worst = [], 0.0
    for low in range(0, count, _CHUNK):
        rows = np.arange(low, min(low + _CHUNK, count))
        starts = np.asarray(piece.start_tdb_s + rows * length_s, dtype=np.float64)
        shares: Floats = np.ones(len(rows))
        shares[-1] = min(1.0, (piece.stop_tdb_s - starts[-1]) / length_s)
        found = np.swapaxes(_at(piece, starts, length_s * shares, nodes), 1, 2) @ fit.T
        true = _at(piece, starts, length_s * shares, checks)[..., :3]
        error = np.linalg.norm(found[:, :3] @ look.T - np.swapaxes(true, 1, 2), axis=1)
        worst = max(worst, float(error.max()))
        if not worst <= _SHARE * tolerance_m:
            return None
        if shares[-1] < 1.0:
            found[-1] = _stretched(found[-1], float(shares[-1]))
        parts.append(found)
    return Series(piece.start_tdb_s, length_s, np.concatenate(parts), worst)


def _zeros(count: int, shift: float) -> Floats:
    """Points in [-1, 1] that lie densest at the ends; the zeros of a Chebyshev polynomial for a shift of 1/2."""
    points: Floats = np.cos(np.pi * (np.arange(count, dtype=np.float64) + shift) / count)
    return points


def _at(piece: Piece, starts: Floats, lengths: Floats, x: Floats) -> Floats:
    """States at points of intervals, shape (n, j, 6)."""
    since = 0.5 * lengths[:, None] * (1.0 + x)
    times = np.minimum(starts[:, None] + since, piece.stop_tdb_s)
    states = piece.states_at(times.ravel()).reshape(len(starts), len(x), 6)
    # Doubles are 1.2e-7 s coarse: at 11 km/s that is a millimetre, which the velocity takes back.
    late = times - starts[:, None] - since
    states[..., :3] -= late[..., None] * states[..., 3:]
    return states


def _stretched(coefficients: Floats, share: float) -> Floats:
    """Coefficients over a whole interval of polynomials fitted to the first share of it."""
    from numpy.polynomial import chebyshev

    nodes = _zeros(_DEGREE + 1, 0.5)
    inside = (1.0 + nodes) / share - 1.0
    values = np.stack([chebyshev.chebval(inside, row) for row in coefficients])
    found: Floats = np.linalg.solve(chebyshev.chebvander(nodes, _DEGREE), values.T).T
    return found
