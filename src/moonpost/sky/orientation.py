"""Orientation of the Moon: binary PCK angles and the constant turn to the mean-Earth frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError
from moonpost.sky.daf import ChebyshevTable, read_summaries
from moonpost.sky.ephemeris import covered, merged
from moonpost.sky.textkernel import Value

__all__ = ["Orientation", "mean_earth_ties", "published_ties", "read_pck"]

Floats = npt.NDArray[np.float64]
_ARCSEC = np.deg2rad(1.0 / 3600.0)
_UNITS = {"ARCSECONDS": _ARCSEC, "DEGREES": np.deg2rad(1.0), "RADIANS": 1.0, "ARCMINUTES": 60.0 * _ARCSEC}
_PUBLISHED_ARCSEC = {31006: (67.92, 78.56, 0.30), 31008: (67.8526, 78.6944, 0.2785)}
_ADVICE = "load the .bpc of the same ephemeris, or its .tf frame kernel"


@dataclass(frozen=True)
class Orientation:
    """The turn from J2000 to the Moon's mean-Earth frame.

    Parameters
    ----------
    tables : tuple of ChebyshevTable
        Euler angles of the principal axes, the table with precedence first.
    tie : ndarray, shape (3, 3)
        Constant turn from the principal axes to the mean-Earth frame.

    Notes
    -----
    v_PA = R3(w) R1(d) R3(p) v_J2000 with the angles p, d, w of the PCK, and v_ME = tie v_PA. For DE440 the tie is
    R1(-0.2785") R2(-78.6944") R3(-67.8526"), for DE421 R1(-0.30") R2(-78.56") R3(-67.92").

    References
    ----------
    Park et al. (2021), The JPL Planetary and Lunar Ephemerides DE440 and DE441, Astron. J. 161, 105,
    doi:10.3847/1538-3881/abd414; Williams, Boggs and Folkner (2008), JPL IOM 335-JW,DB,WF-20080314-001.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> orientation = Orientation(tuple(read_pck(default_paths()[1])), published_ties()[31008])
    >>> orientation.matrices(np.zeros(5)).shape
    (3, 3, 5)
    """

    tables: tuple[ChebyshevTable, ...]
    tie: Floats

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Covered intervals in TDB seconds since J2000 [s].

        Returns
        -------
        list of (float, float)
            Ascending; intervals that touch are joined.
        """
        return merged((table.summary.start_s, table.summary.stop_s) for table in self.tables)

    def matrices(self, seconds: Floats) -> Floats:
        """Rotation matrices from J2000 to the mean-Earth frame.

        Parameters
        ----------
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].

        Returns
        -------
        ndarray, shape (3, 3, n)
            ``v_me[i] = sum_j m[i, j] v_j2000[j]``.

        Raises
        ------
        DateError
            If a time is not covered.
        """
        p, d, w = self._angles(seconds)
        sp, cp, sd, cd, sw, cw = np.sin(p), np.cos(p), np.sin(d), np.cos(d), np.sin(w), np.cos(w)
        axes = np.array(
            [
                [cw * cp - sw * cd * sp, cw * sp + sw * cd * cp, sw * sd],
                [-sw * cp - cw * cd * sp, -sw * sp + cw * cd * cp, cw * sd],
                [sd * sp, -sd * cp, cd],
            ]
        )
        return np.einsum("ij,jkn->ikn", self.tie, axes)

    def _angles(self, seconds: Floats) -> Floats:
        """Euler angles [rad], shape (3, n)."""
        angles = np.empty((3, seconds.size))
        left = np.arange(seconds.size)
        for table in self.tables:
            inside = covered(table.summary, seconds[left])
            rows, left = left[inside], left[~inside]
            if rows.size:
                angles[:, rows] = table.evaluate(seconds[rows], rates=False)
            if not left.size:
                return angles
        raise DateError(
            f"{left.size} of {seconds.size} times have no orientation of the Moon",
            where="the loaded PCK kernels",
            advice="load a binary PCK that covers them",
        )


def read_pck(path: Path) -> list[ChebyshevTable]:
    """Open the segments of a binary PCK.

    Parameters
    ----------
    path : pathlib.Path
        The kernel.

    Returns
    -------
    list of ChebyshevTable
        All its segments; of two that cover a date the later one counts.

    Raises
    ------
    DataError
        If the file is damaged or a segment is not of type 2 in J2000.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> len(read_pck(default_paths()[1]))
    2
    """
    tables = []
    for summary in read_summaries(path, integers=5):
        _, frame, kind = summary.integers
        if kind != 2 or frame != 1:
            raise DataError(
                f"type {kind} in frame {frame} is not supported", where=summary.where, advice="use type 2 in J2000"
            )
        table = ChebyshevTable(summary)
        _ = table.layout
        tables.append(table)
    return tables


def published_ties() -> dict[int, Floats]:
    """Turns from principal axes to the mean-Earth frame, by the identifier of the principal-axes frame.

    Returns
    -------
    dict of int to ndarray
        For DE421 (31006) and DE440 (31008), as published with the ephemerides.

    Examples
    --------
    >>> sorted(published_ties())
    [31006, 31008]
    """
    return {
        frame: _product(np.array(angles) * _ARCSEC, (3, 2, 1)).T.copy()
        for frame, angles in _PUBLISHED_ARCSEC.items()
    }


def mean_earth_ties(variables: dict[str, Value], where: str) -> dict[int, Floats]:
    """Find the mean-Earth frames of a frame kernel and their turns from principal axes.

    Parameters
    ----------
    variables : dict
        Variables of the frame kernel.
    where : str
        Its file name, for messages.

    Returns
    -------
    dict of int to ndarray
        Turn from the principal axes to the mean-Earth frame, by the identifier of the principal-axes frame.

    Raises
    ------
    DataError
        If the kernel defines no mean-Earth frame by angles, or defines one badly.

    Examples
    --------
    >>> frame = {"FRAME_31008_NAME": ["MOON_PA_DE440"], "FRAME_31009_NAME": ["MOON_ME_DE440_ME421"]}
    >>> turn = {"SPEC": ["ANGLES"], "RELATIVE": ["MOON_PA_DE440"], "UNITS": ["ARCSECONDS"]}
    >>> turn |= {"ANGLES": [67.8526, 78.6944, 0.2785], "AXES": [3.0, 2.0, 1.0]}
    >>> kernel = frame | {f"TKFRAME_31009_{key}": value for key, value in turn.items()}
    >>> bool((mean_earth_ties(kernel, "a.tf")[31008] == published_ties()[31008]).all())
    True
    """
    names = {
        str(value[0]).upper(): int(key.split("_")[1])
        for key, value in variables.items()
        if key.startswith("FRAME_") and key.endswith("_NAME") and key.split("_")[1].isdigit() and value
    }
    ties: dict[int, Floats] = {}
    for name, number in names.items():
        relative = _text(variables, f"TKFRAME_{number}_RELATIVE")
        if not name.startswith("MOON_ME") or _text(variables, f"TKFRAME_{number}_SPEC") != "ANGLES":
            continue
        if relative not in names:
            raise DataError(f"frame {name} hangs on an unknown frame {relative!r}", where=where, advice=_ADVICE)
        ties[_class_id(variables, names[relative])] = _tie(variables, number, name, where)
    if not ties:
        raise DataError("no mean-Earth frame of the Moon given by angles", where=where, advice=_ADVICE)
    return ties


def _tie(variables: dict[str, Value], number: int, name: str, where: str) -> Floats:
    """Turn from principal axes to a mean-Earth frame given by three angles."""
    unit = _UNITS.get(_text(variables, f"TKFRAME_{number}_UNITS"))
    angles, axes = variables.get(f"TKFRAME_{number}_ANGLES", []), variables.get(f"TKFRAME_{number}_AXES", [])
    try:
        radians = np.array([float(angle) for angle in angles]) * (unit or np.nan)
        order = tuple(int(axis) for axis in axes)
    except ValueError as error:
        raise DataError(f"the angles of frame {name} are not numbers", where=where, advice=_ADVICE) from error
    if len(order) != 3 or radians.shape != (3,) or not set(order) <= {1, 2, 3} or not np.isfinite(radians).all():
        raise DataError(f"frame {name} is not given by three angles", where=where, advice=_ADVICE)
    return _product(radians, order).T.copy()


def _product(radians: Floats, axes: Sequence[int]) -> Floats:
    """Product of frame rotations about the given axes, first on the left."""
    result = np.eye(3)
    for angle, axis in zip(radians, axes, strict=True):
        c, s = np.cos(angle), np.sin(angle)
        i, j = axis % 3, (axis + 1) % 3
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, s, -s, c
        result = result @ turn
    return result


def _text(variables: dict[str, Value], key: str) -> str:
    """First value of a variable as text in capitals."""
    value = variables.get(key, [""])
    return str(value[0]).upper() if value else ""


def _class_id(variables: dict[str, Value], number: int) -> int:
    """Identifier under which a PCK carries a frame."""
    value = variables.get(f"FRAME_{number}_CLASS_ID", [float(number)])
    return int(float(value[0])) if value else number
