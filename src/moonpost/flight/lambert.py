"""Lambert's problem: the orbit between two places in a given time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2

__all__ = ["lambert"]

Floats = npt.NDArray[np.float64]

_ITERATIONS = 40
_NEAR = 1e-13
_STRAIGHT = 1e-10
_MOST_REVOLUTIONS = 1000


def lambert(
    first_m: npt.ArrayLike,
    second_m: npt.ArrayLike,
    duration_s: float,
    *,
    gm_m3_s2: float = GRGM1200A_GM_M3_S2,
    pole: npt.ArrayLike | None = None,
    revolutions: int = 0,
    low_path: bool = True,
) -> tuple[Floats, Floats]:
    """Velocities at both ends of an orbit between two places.

    Parameters
    ----------
    first_m, second_m : array_like, shape (3,)
        Places from the centre [m], not on one line through it.
    duration_s : float
        Time between them [s].
    gm_m3_s2 : float
        Gravitational parameter of the centre [m3/s2]; by default the Moon's.
    pole : array_like, shape (3,), optional
        The motion goes round this direction in the positive sense; the short way if not given.
    revolutions : int, default 0
        Whole revolutions on the way.
    low_path : bool, default True
        Of the two orbits with whole revolutions the smaller one.

    Returns
    -------
    tuple of ndarray, shape (3,)
        Velocities at the first and the second place [m/s].

    Raises
    ------
    InputError
        If the places lie on one line through the centre, or a number cannot be used.
    ModelError
        If the time is too short for that many revolutions.

    Notes
    -----
    Time of flight in the variable x of Lancaster and Blanchard, with the first guesses and Householder steps of
    Izzo.

    References
    ----------
    Izzo (2015), Revisiting Lambert's problem, Celestial Mechanics and Dynamical Astronomy 121,
    doi:10.1007/s10569-014-9587-y.

    Examples
    --------
    >>> v1, v2 = lambert([2e6, 0, 0], [0, 2e6, 0], 0.5 * math.pi * math.sqrt(2e6**3 / GRGM1200A_GM_M3_S2))
    >>> v1.round(3).tolist(), v2.round(3).tolist()
    ([0.0, 1565.695, 0.0], [-1565.695, 0.0, 0.0])
    """
    r1, r2 = _place(first_m, "first_m"), _place(second_m, "second_m")
    if not (math.isfinite(duration_s) and duration_s > 0.0 and gm_m3_s2 > 0.0):
        raise InputError(f"{duration_s} s", where="duration_s", advice="give seconds above 0")
    if not 0 <= revolutions <= _MOST_REVOLUTIONS:
        raise InputError(f"{revolutions}", where="revolutions", advice=f"give 0 to {_MOST_REVOLUTIONS}")
    d1, d2 = float(np.linalg.norm(r1)), float(np.linalg.norm(r2))
    u1, u2 = r1 / d1, r2 / d2
    normal = np.cross(u1, u2)
    if float(np.linalg.norm(normal)) < _STRAIGHT:
        raise InputError(
            "the places lie on one line through the centre",
            where="lambert",
            advice="move one of them, or use a Hohmann transfer",
        )
    normal /= np.linalg.norm(normal)
    chord = float(np.linalg.norm(r2 - r1))
    half = 0.5 * (d1 + d2 + chord)
    lam = math.sqrt(max(0.0, 1.0 - chord / half))
    if pole is not None and float(normal @ _place(pole, "pole")) < 0.0:
        lam, normal = -lam, -normal
    x = _solved(lam, math.sqrt(2.0 * gm_m3_s2 / half**3) * duration_s, revolutions, low_path)
    y = math.sqrt(1.0 - lam * lam * (1.0 - x * x))
    size = math.sqrt(0.5 * gm_m3_s2 * half)
    ratio = (d1 - d2) / chord
    across = size * math.sqrt(max(0.0, 1.0 - ratio * ratio)) * (y + lam * x)
    out1 = size * ((lam * y - x) - ratio * (lam * y + x)) / d1
    out2 = -size * ((lam * y - x) + ratio * (lam * y + x)) / d2
    return out1 * u1 + across / d1 * np.cross(normal, u1), out2 * u2 + across / d2 * np.cross(normal, u2)


def _solved(lam: float, wanted: float, revolutions: int, low_path: bool) -> float:
    """The variable x whose time of flight is the wanted one."""
    x = _first(lam, wanted, revolutions, low_path)
    for _ in range(_ITERATIONS):
        value = _time(x, lam, revolutions)
        one, two, three = _slopes(x, lam, value)
        miss = value - wanted
        step = miss * (one * one - 0.5 * miss * two)
        step /= one * (one * one - miss * two) + three * miss * miss / 6.0
        x -= step
        if not math.isfinite(x) or x <= -1.0:
            break
        if abs(step) < _NEAR * max(1.0, abs(x)):
            return x
    if math.isfinite(x) and x > -1.0 and abs(_time(x, lam, revolutions) - wanted) < 1e-9 * wanted:
        return x
    raise ModelError(
        "no orbit was found", where="lambert", advice="give another time, or other numbers of revolutions"
    )


def _first(lam: float, wanted: float, revolutions: int, low_path: bool) -> float:
    """First guess of x; refuses times too short for the revolutions."""
    if revolutions > 0:
        least = _least(lam, revolutions)
        if wanted < least:
            raise ModelError(
                f"{revolutions} revolutions take {least / wanted:.4f} times the given time at least",
                where="lambert",
                advice="give fewer revolutions or more time",
            )
        turned = revolutions * math.pi
        root = (
            ((turned + math.pi) / (8.0 * wanted)) ** (2.0 / 3.0)
            if low_path
            else (8.0 * wanted / turned) ** (2.0 / 3.0)
        )
        return (root - 1.0) / (root + 1.0)
    flat = math.acos(lam) + lam * math.sqrt(1.0 - lam * lam)
    parabolic = 2.0 / 3.0 * (1.0 - lam**3)
    if wanted >= flat:
        return float((flat / wanted) ** (2.0 / 3.0) - 1.0)
    if wanted < parabolic:
        return 2.5 * parabolic * (parabolic - wanted) / (wanted * (1.0 - lam**5)) + 1.0
    return float((flat / wanted) ** math.log2(flat / parabolic) - 1.0) if flat > parabolic else 0.0


def _least(lam: float, revolutions: int) -> float:
    """Least time of flight with whole revolutions."""
    x = 0.0
    for _ in range(_ITERATIONS):
        value = _time(x, lam, revolutions)
        one, two, three = _slopes(x, lam, value)
        step = 2.0 * one * two / (2.0 * two * two - one * three)
        x = min(max(x - step, -0.999), 0.999)
        if abs(step) < _NEAR:
            break
    return _time(x, lam, revolutions)


def _time(x: float, lam: float, revolutions: int) -> float:
    """Time of flight, without unit."""
    apart = 1.0 - x * x
    y = math.sqrt(1.0 - lam * lam * apart)
    if revolutions == 0 and abs(apart) < 0.02:
        eta = y - lam * x
        z = 0.5 * (1.0 - lam - x * eta)
        return 0.5 * (eta**3 * 4.0 / 3.0 * _series(z) + 4.0 * lam * eta)
    if apart > 0.0:
        angle = math.acos(max(-1.0, min(1.0, x * y + lam * apart)))
    else:
        angle = math.asinh((y - x * lam) * math.sqrt(-apart))
    return ((angle + revolutions * math.pi) / math.sqrt(abs(apart)) - x + lam * y) / apart


def _series(z: float) -> float:
    """Hypergeometric function F(3, 1; 5/2; z) near zero."""
    total, term, k = 1.0, 1.0, 0
    while abs(term) > 1e-17 * abs(total) and k < 200:
        term *= (3.0 + k) / (2.5 + k) * z
        total += term
        k += 1
    return total


def _slopes(x: float, lam: float, value: float) -> tuple[float, float, float]:
    """Derivatives of the time of flight by x."""
    apart = 1.0 - x * x
    if abs(apart) < 1e-9:
        apart = math.copysign(1e-9, apart)
    y = math.sqrt(1.0 - lam * lam * apart)
    cubed = lam**3
    one = (3.0 * value * x - 2.0 + 2.0 * cubed * x / y) / apart
    two = (3.0 * value + 5.0 * x * one + 2.0 * (1.0 - lam * lam) * cubed / y**3) / apart
    three = (7.0 * x * two + 8.0 * one - 6.0 * (1.0 - lam * lam) * cubed * lam * lam * x / y**5) / apart
    return one, two, three


def _place(values: npt.ArrayLike, where: str) -> Floats:
    """Three finite numbers, not all zero."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all() or not vector.any():
        raise InputError(f"{values!r}", where=where, advice="give three finite numbers, not all zero")
    return vector
