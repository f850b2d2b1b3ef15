"""Binary SPICE kernels (DAF): their segments, checked for damage, and Chebyshev evaluation."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError

__all__ = ["ChebyshevTable", "Summary", "read_summaries"]

Floats = npt.NDArray[np.float64]
_CHUNK = 8192
_RECORD = 1024
_ORDERS = {b"LTL-IEEE": "<", b"BIG-IEEE": ">"}
_TRANSFER_MARK = b"FTPSTR:\r:\n:\r\n:\r\x00:\x81:\x10\xce:ENDFTP"
_ADVICE = "the file is damaged or incomplete; get it again"


@dataclass(frozen=True)
class Summary:
    """One segment of a binary kernel, as its file describes it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    number : int
        Place of the segment in the file, from 0.
    name : str
        Name of the segment.
    integers : tuple of int
        Identifiers of the descriptor without the two addresses: SPK target, centre, frame, type; PCK body,
        frame, type.
    start_s, stop_s : float
        Coverage in TDB seconds since J2000 [s].
    first, last : int
        Addresses of the first and last double, counted from 1.
    byte_order : str
        ``"<"`` or ``">"``.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> read_summaries(default_paths()[1], integers=5)[0].integers
    (31008, 1, 2)
    """

    path: Path
    number: int
    name: str
    integers: tuple[int, ...]
    start_s: float
    stop_s: float
    first: int
    last: int
    byte_order: str

    @property
    def where(self) -> str:
        """The file and segment, for messages.

        Returns
        -------
        str
            Text such as ``de440s.bsp, segment 3``.
        """
        return f"{self.path}, segment {self.number + 1}"

    def doubles(self, first: int, last: int) -> Floats:
        """Map doubles `first` to `last` (addresses from 1, both included) of the file.

        Parameters
        ----------
        first, last : int
            Addresses.

        Returns
        -------
        ndarray
            A read-only view on the file.
        """
        return np.memmap(
            self.path, dtype=f"{self.byte_order}f8", mode="r", offset=8 * (first - 1), shape=(last - first + 1,)
        )


def read_summaries(path: Path, integers: int) -> list[Summary]:
    """Read the segment descriptors of a binary kernel and check that their data are all there.

    Parameters
    ----------
    path : pathlib.Path
        The kernel.
    integers : int
        Integers in a descriptor: 6 for SPK, 5 for PCK.

    Returns
    -------
    list of Summary
        The segments in the order of the file.

    Raises
    ------
    DataError
        If the file is damaged, cut short or holds no segment.

    Notes
    -----
    The layout: records of 1024 bytes; the first says how descriptors are built, a chain of records holds them
    (next, previous and count as doubles, then the descriptors), each followed by a record of names.

    References
    ----------
    NAIF, DAF Required Reading.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> len(read_summaries(default_paths()[0], integers=6))
    14
    """
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            order, first_record = _header(file.read(_RECORD), integers)
            rows = list(_descriptors(file, order, first_record, integers))
    except (ValueError, struct.error) as error:
        raise DataError(f"not a readable binary kernel ({error})", where=str(path), advice=_ADVICE) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    if not rows:
        raise DataError("no segment in it", where=str(path), advice=_ADVICE)
    return [_summary(path, number, row, size, order) for number, row in enumerate(rows)]


def _header(record: bytes, integers: int) -> tuple[str, int]:
    """Byte order and number of the first record of descriptors."""
    if len(record) < _RECORD:
        raise ValueError("it ends within its first record")
    written = _ORDERS.get(record[88:96])
    for order in (written,) if written else ("<", ">"):
        doubles, whole = struct.unpack(f"{order}2i", record[8:16])
        if (doubles, whole) == (2, integers):
            break
    else:
        raise ValueError(f"its descriptors do not hold 2 doubles and {integers} integers")
    if written and record[699:727] != _TRANSFER_MARK:
        raise ValueError("its first record was changed in transfer")
    return order, struct.unpack(f"{order}i", record[76:80])[0]


def _descriptors(
    file: BinaryIO, order: str, number: int, integers: int
) -> Iterator[tuple[bytes, tuple[float, ...]]]:
    """Names and descriptors of all segments, from a chain of records that must not bite its tail."""
    layout = struct.Struct(f"{order}2d{integers}i")
    step = layout.size + (-layout.size % 8)
    seen: set[int] = set()
    while number:
        file.seek((number - 1) * _RECORD if number > 0 else -1)
        data, names = file.read(_RECORD), file.read(_RECORD)
        following, _, count = struct.unpack(f"{order}3d", data[:24])
        seen.add(number)
        if not 0 <= count <= (_RECORD - 24) // step or not 0 <= following < 2**31 or int(following) in seen:
            raise ValueError("the list of segments is damaged")
        for i in range(int(count)):
            start = i * step
            yield names[start : start + step].strip(), layout.unpack(data[24 + start : 24 + start + layout.size])
        number = int(following)


def _summary(path: Path, number: int, row: tuple[bytes, tuple[float, ...]], size: int, order: str) -> Summary:
    """Make one checked summary from a name and a descriptor."""
    name, values = row
    start_s, stop_s = float(values[0]), float(values[1])
    numbers = tuple(int(value) for value in values[2:])
    text = name.decode("ascii", "replace").strip(" \0")
    first, last = numbers[-2:]
    summary = Summary(path, number, text, numbers[:-2], start_s, stop_s, first, last, order)
    if not 0 < summary.first <= summary.last or not start_s <= stop_s:
        raise DataError("a descriptor makes no sense", where=summary.where, advice=_ADVICE)
    if 8 * summary.last > size:
        raise DataError(
            f"the file ends at {size} bytes, before the {8 * summary.last} that its segments need",
            where=summary.where,
            advice=_ADVICE,
        )
    return summary


@dataclass(frozen=True)
class ChebyshevTable:
    """Equal intervals of Chebyshev polynomials: SPK types 2 and 3, PCK type 2.

    Parameters
    ----------
    summary : Summary
        The segment.
    with_rates : bool
        Whether records hold separate polynomials for the rates (SPK type 3).

    Notes
    -----
    Values by Clenshaw's recurrence, rates by its derivative. Every record read carries its own midpoint and
    radius, which are compared with what the directory says, so that a damaged record is noticed.

    References
    ----------
    NAIF, SPK Required Reading, types 2 and 3; PCK Required Reading, type 2.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> table = ChebyshevTable(read_summaries(default_paths()[1], integers=5)[0])
    >>> table.evaluate(np.zeros(2), rates=True).shape
    (6, 2)
    """

    summary: Summary
    with_rates: bool = False

    @cached_property
    def layout(self) -> tuple[float, float, int, int]:
        """Start [s], length of an interval [s], doubles in a record, number of records.

        Returns
        -------
        tuple
            As named.

        Raises
        ------
        DataError
            If the directory contradicts the size of the segment.
        """
        last = self.summary.last
        start_s, length_s, size, count = (float(value) for value in self.summary.doubles(last - 3, last))
        sets = 6 if self.with_rates else 3
        sound = (
            np.isfinite([start_s, length_s, size, count]).all()
            and length_s > 0
            and count >= 1
            and size >= 2 + sets
        )
        if not sound or (size - 2) % sets or count * size + 4 != last - self.summary.first + 1:
            raise DataError(
                "the directory of the segment makes no sense", where=self.summary.where, advice=_ADVICE
            )
        return start_s, length_s, int(size), int(count)

    @cached_property
    def records(self) -> Floats:
        """All records, shape (count, size), mapped from the file.

        Returns
        -------
        ndarray
            Midpoint, radius, coefficients.
        """
        _, _, size, count = self.layout
        return self.summary.doubles(self.summary.first, self.summary.last - 4).reshape(count, size)

    def evaluate(self, seconds: Floats, rates: bool) -> Floats:
        """Values and, if asked, rates at times inside the coverage.

        Parameters
        ----------
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].
        rates : bool
            Whether to compute the rates.

        Returns
        -------
        ndarray, shape (3, n) or (6, n)
            Values in the units of the file, then, if asked, rates per second.

        Raises
        ------
        DataError
            If a record is damaged.
        """
        found = np.empty((6 if rates else 3, seconds.size))
        for start in range(0, seconds.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            found[:, part] = self._evaluate_chunk(seconds[part], rates)
        return found

    def _evaluate_chunk(self, seconds: Floats, rates: bool) -> Floats:
        start_s, length_s, _, count = self.layout
        row = np.clip(np.floor((seconds - start_s) / length_s).astype(np.int64), 0, count - 1)
        used, inverse = np.unique(row, return_inverse=True)
        records = np.asarray(self.records[used], dtype=np.float64)
        middle_s = start_s + (used + 0.5) * length_s
        sound = np.isfinite(records).all() and np.allclose(records[:, 0], middle_s, rtol=0.0, atol=1.0)
        if not sound or not np.allclose(records[:, 1], 0.5 * length_s, rtol=1e-9):
            raise DataError("a record of coefficients is damaged", where=self.summary.where, advice=_ADVICE)
        s = (seconds - middle_s[inverse]) / (0.5 * length_s)
        sets = 6 if self.with_rates else 3
        terms = np.ascontiguousarray(records[:, 2:].reshape(len(used), sets, -1).transpose(2, 1, 0))
        if self.with_rates and not rates:
            terms = terms[:, :3]
        values, slopes = _clenshaw(terms[:, :, inverse], s, rates and not self.with_rates)
        return values if slopes is None else np.concatenate([values, slopes / (0.5 * length_s)])


def _clenshaw(coefficients: Floats, s: Floats, slope: bool) -> tuple[Floats, Floats | None]:
    """Sum Chebyshev series of shape (terms, sets, n) at s in [-1, 1], and their slopes by s."""
    zero = np.zeros(coefficients.shape[1:])
    b1, b2, d1, d2 = zero, zero, zero, zero
    twice = 2.0 * s
    for term in coefficients[:0:-1]:
        if slope:
            d1, d2 = 2.0 * b1 + twice * d1 - d2, d1
        b1, b2 = term + twice * b1 - b2, b1
    values = coefficients[0] + s * b1 - b2
    return values, (b1 + s * d1 - d2 if slope else None)
