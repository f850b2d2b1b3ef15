"""Gravity fields of the Moon: spherical harmonics, the shipped GRGM1200A and fields of your own."""

from __future__ import annotations

import math
import os
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError

__all__ = ["GRGM1200A_GM_M3_S2", "GRGM1200A_LABEL_GM_M3_S2", "GravityField", "de430_tie"]

Floats = npt.NDArray[np.float64]

GRGM1200A_GM_M3_S2 = 4902.8001224453e9
"""Gravitational parameter of the Moon in the header of GRGM1200A's coefficients [m3/s2], used by default."""

GRGM1200A_LABEL_GM_M3_S2 = 4902.80011526323e9
"""Gravitational parameter in the label of the same product [m3/s2]: 7.2e-6 km3/s2 less than the header."""

_SHIPPED = "grgm1200a_165.npz"
_MOST_DEGREE = 1200
_ARCSEC = math.pi / 648000.0
_DE430_TIE_ARCSEC = (67.573, 78.580, 0.285)
_COLUMNS = 6


@dataclass(frozen=True, eq=False)
class GravityField:
    r"""A lunar gravity field in fully normalised spherical harmonics.

    Parameters
    ----------
    name : str
        What the field is called.
    gm_m3_s2 : float
        Gravitational parameter that goes with the coefficients [m3/s2].
    radius_m : float
        Reference radius that goes with the coefficients [m].
    cosine, sine : ndarray, shape (degree + 1, degree + 1)
        Coefficients by degree and order, 4-pi normalised, without Condon-Shortley phase [1]. The central term
        is left out: element (0, 0) is 0.
    tie : ndarray, shape (3, 3)
        Turn from the axes of the field to the mean-Earth axes: ``v_me = tie @ v_field``.

    Raises
    ------
    InputError
        If shapes differ, a number is not finite, or GM or radius is not positive.

    Notes
    -----
    :math:`V = (\mu/r) [1 + \sum_n (R/r)^n \sum_m \bar P_{nm} (C_{nm} \cos m\lambda + S_{nm} \sin m\lambda)]`.

    References
    ----------
    Lemoine et al. (2014), GRGM900C: a degree 900 lunar gravity model from GRAIL primary and extended mission
    data, Geophys. Res. Lett. 41, 3382, doi:10.1002/2014GL060027.

    Examples
    --------
    >>> field = GravityField.default(50)
    >>> field.name, field.degree, field.gm_m3_s2 == GRGM1200A_GM_M3_S2, field.radius_m
    ('GRGM1200A', 50, True, 1738000.0)
    """

    name: str
    gm_m3_s2: float
    radius_m: float
    cosine: Floats
    sine: Floats
    tie: Floats = field(default_factory=lambda: de430_tie())

    def __post_init__(self) -> None:
        shape = np.shape(self.cosine)
        square = len(shape) == 2 and shape[0] == shape[1] >= 1
        if not square or np.shape(self.sine) != shape or np.shape(self.tie) != (3, 3):
            raise InputError("coefficients are not two equal squares", where="gravity field", advice=_SHAPES)
        sound = all(np.isfinite(part).all() for part in (self.cosine, self.sine, self.tie))
        if not (sound and 0 < self.gm_m3_s2 < math.inf and 0 < self.radius_m < math.inf):
            raise InputError("a number is not finite or not positive", where="gravity field", advice=_SHAPES)

    def __repr__(self) -> str:
        return f"GravityField({self.name}, degree {self.degree})"

    @property
    def degree(self) -> int:
        """Highest degree and order.

        Returns
        -------
        int
        """
        return len(self.cosine) - 1

    @classmethod
    def default(cls, degree: int = 165) -> Self:
        """The shipped field: GRGM1200A, cut off at a degree.

        Parameters
        ----------
        degree : int, default 165
            Highest degree and order, 0 to 165.

        Returns
        -------
        GravityField
            Coefficients exactly as published, with the GM and the radius of their header.

        Raises
        ------
        InputError
            If the degree is not 0 to 165.
        DataError
            If the shipped file is damaged.

        Notes
        -----
        GRGM1200A was computed by NASA's Goddard Space Flight Center from all GRAIL data and is in the public
        domain (NASA PDS, GRAIL-L-LGRS-5-RDR-V1.0). The label of the product names another GM; see
        `GRGM1200A_LABEL_GM_M3_S2`. To fly with it use ``dataclasses.replace(field, gm_m3_s2=...)``.

        Examples
        --------
        >>> GravityField.default(2).cosine[2, 0]
        np.float64(-9.08843393474243e-05)
        """
        return cls(*_shipped()).truncated(degree)

    @classmethod
    def read(cls, path: str | os.PathLike[str], degree: int, *, name: str = "") -> Self:
        """Read a field in the form of the GRAIL archive (SHADR, ASCII).

        Parameters
        ----------
        path : path-like
            A ``*_sha.tab`` file: a header of radius [km], GM [km3/s2], ..., then degree, order, C, S and their
            uncertainties in each line, ordered by degree.
        degree : int
            Highest degree and order to keep, at most that of the file.
        name : str, default ''
            What to call the field; the file's name if not given.

        Returns
        -------
        GravityField
            With the tie of DE430's principal axes; for a field in other axes replace `tie`.

        Raises
        ------
        InputError
            If the degree is not 0 to 1200.
        DataError
            If the file cannot be read, is of another form or ends before the degree asked for.
        """
        _check_degree(degree, _MOST_DEGREE)
        try:
            with open(path, encoding="ascii") as lines:
                header = [float(part) for part in lines.readline().split(",")]
                if len(header) != 8 or int(header[5]) != 1 or int(header[3]) < degree:
                    raise ValueError("its header names no normalised field of that degree")
                cosine, sine = _table(lines, degree)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
        except ValueError as error:
            raise DataError(f"is no table of harmonics ({error})", where=str(path), advice=_SHADR) from error
        called = name or os.path.basename(os.fspath(path))
        return cls(called, 1e9 * header[1], 1e3 * header[0], cosine, sine)

    def truncated(self, degree: int) -> Self:
        """The same field without its high degrees.

        Parameters
        ----------
        degree : int
            Highest degree and order to keep.

        Returns
        -------
        GravityField

        Raises
        ------
        InputError
            If the degree is not 0 to that of this field.
        """
        _check_degree(degree, self.degree)
        if degree == self.degree:
            return self
        keep = slice(0, degree + 1)
        cosine, sine = (np.ascontiguousarray(part[keep, keep]) for part in (self.cosine, self.sine))
        return type(self)(self.name, self.gm_m3_s2, self.radius_m, cosine, sine, self.tie)

    def acceleration_m_s2(self, position_m: npt.ArrayLike) -> Floats:
        """Attraction at points given in the axes of the field.

        Parameters
        ----------
        position_m : array_like, shape (3,) or (n, 3)
            From the Moon's centre, in the principal axes of the field [m].

        Returns
        -------
        ndarray, shape (3,) or (n, 3)
            Acceleration in the same axes, central term included [m/s2].

        Raises
        ------
        InputError
            If a position is not finite or lies in the Moon's centre.

        Notes
        -----
        Pines' formulation, which has no singularity at the poles. Inside the reference sphere the series is
        no longer sure to converge; nothing is refused here.

        References
        ----------
        Pines (1973), Uniform representation of the gravitational potential and its derivatives, AIAA J. 11,
        1508, doi:10.2514/3.50619.

        Examples
        --------
        >>> field = GravityField.default(50)
        >>> pull = field.acceleration_m_s2([0.0, 0.0, 1838e3])
        >>> round(float(pull[2]), 4)
        -1.4505
        """
        return self._evaluate(position_m, gradient=False)[0]

    def gradient_s2(self, position_m: npt.ArrayLike) -> Floats:
        """Change of the attraction from place to place, in the axes of the field.

        Parameters
        ----------
        position_m : array_like, shape (3,) or (n, 3)
            From the Moon's centre, in the principal axes of the field [m].

        Returns
        -------
        ndarray, shape (3, 3) or (n, 3, 3)
            Symmetric, without trace [1/s2].

        Raises
        ------
        InputError
            If a position is not finite or lies in the Moon's centre.

        Examples
        --------
        >>> gradient = GravityField.default(20).gradient_s2([1838e3, 0.0, 0.0])
        >>> bool(abs(np.trace(gradient)) < 1e-15), round(float(gradient[0, 0]) * 1e6, 3)
        (True, 1.581)
        """
        return self._evaluate(position_m, gradient=True)[1]

    def _evaluate(self, position_m: npt.ArrayLike, gradient: bool) -> tuple[Floats, Floats]:
        from moonpost.flight.gravitykernels import attractions, packed

        places = _places(position_m)
        table = packed(self.cosine, self.sine, gradient)
        flat = np.ascontiguousarray(places.reshape(-1, 3))
        pull, change = attractions(flat, self.gm_m3_s2, self.radius_m, self.degree, table, gradient)
        return pull.reshape(places.shape), change.reshape(*places.shape, 3)


_SHAPES = "give two square arrays (degree + 1, degree + 1) of finite numbers, a positive GM and radius"
_SHADR = "give an ASCII table of the GRAIL archive, such as gggrx_1200a_sha.tab"


def de430_tie() -> Floats:
    """Turn from the principal axes of DE430, those of the GRAIL fields, to the mean-Earth axes.

    Returns
    -------
    ndarray, shape (3, 3)
        ``v_me = tie @ v_pa430``.

    Notes
    -----
    R1(-0.285") R2(-78.580") R3(-67.573"). The mean-Earth axes are those of DE421, to which DE440 is tied by its
    own three angles; the two together turn the principal axes of DE430 by 0.30 arcsecond against those of DE440.

    References
    ----------
    Folkner et al. (2014), The Planetary and Lunar Ephemerides DE430 and DE431, IPN Progress Report 42-196.

    Examples
    --------
    >>> from moonpost.sky.orientation import published_ties
    >>> turn = de430_tie().T @ published_ties()[31008]
    >>> round(float(np.rad2deg(np.arccos((np.trace(turn) - 1) / 2)) * 3600), 2)
    0.3
    """
    turn = np.eye(3)
    for angle, axis in zip(_DE430_TIE_ARCSEC, (3, 2, 1), strict=True):
        turn = _frame_turn(-angle * _ARCSEC, axis) @ turn
    return turn


def _frame_turn(angle_rad: float, axis: int) -> Floats:
    """Rotation of the axes about one of them."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    i, j = axis % 3, (axis + 1) % 3
    turn = np.eye(3)
    turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, s, -s, c
    return turn


@lru_cache(maxsize=1)
def _shipped() -> tuple[Any, ...]:
    """The parts of the shipped field, read once."""
    path = files("moonpost.flight").joinpath("data", _SHIPPED)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            degree = int(held["degree"])
            numbers = [float(held[key]) for key in ("gm_m3_s2", "radius_m")]
            cosine, sine = (_square(held[key], degree) for key in ("cosine", "sine"))
            return str(held["name"]), *numbers, cosine, sine
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"is damaged ({error})", where=str(path), advice="install Moonpost again") from error


def _square(packed: Floats, degree: int) -> Floats:
    """Coefficients from a list by degree and order."""
    full = np.zeros((degree + 1, degree + 1))
    full[np.tril_indices(degree + 1)] = packed
    full.setflags(write=False)
    return full


def _table(lines: Any, degree: int) -> tuple[Floats, Floats]:
    """Coefficients up to a degree from the lines of a SHADR table."""
    cosine, sine = np.zeros((degree + 1, degree + 1)), np.zeros((degree + 1, degree + 1))
    seen = np.zeros((degree + 1, degree + 1), dtype=bool)
    seen[0, 0] = True
    for line in lines:
        parts = line.split(",")
        if len(parts) != _COLUMNS:
            raise ValueError(f"a line has {len(parts)} columns instead of {_COLUMNS}")
        n, m = int(parts[0]), int(parts[1])
        if n > degree:
            break
        if not 0 <= m <= n:
            raise ValueError(f"order {m} with degree {n}")
        cosine[n, m], sine[n, m], seen[n, m] = float(parts[2]), float(parts[3]), True
    cosine[0, 0] = 0.0
    missing = int((~seen[np.tril_indices(degree + 1)]).sum())
    if missing:
        raise ValueError(f"{missing} coefficients up to degree {degree} are missing")
    return cosine, sine


def _places(position_m: npt.ArrayLike) -> Floats:
    """Positions, checked."""
    try:
        places = np.asarray(position_m, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not an array of numbers", where="position_m", advice="give metres") from error
    if places.ndim not in (1, 2) or places.shape[-1] != 3 or not np.isfinite(places).all():
        raise InputError("is not finite or not of shape (3,) or (n, 3)", where="position_m", advice="give metres")
    if places.size and not (np.linalg.norm(places, axis=-1) > 0).all():
        raise InputError("lies in the Moon's centre", where="position_m", advice="give a place outside")
    return places


def _check_degree(degree: int, most: int) -> None:
    """Refuse a degree that cannot be had."""
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer) or not 0 <= degree <= most:
        raise InputError(
            f"{degree!r} is no degree", where="degree", advice=f"give a whole number from 0 to {most}"
        )
