"""Arrays and tables as the bytes of a PDS4 data file, and what a label has to say of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.partners.pds4.about import ascii_text

__all__ = ["ArrayPart", "TablePart"]

Number = float | int
_MISSING = (-9999.0, -(2.0**30), -(2.0**100))
_TYPES = {
    "u1": "UnsignedByte",
    "i1": "SignedByte",
    "u2": "UnsignedLSB2",
    "i2": "SignedLSB2",
    "u4": "UnsignedLSB4",
    "i4": "SignedLSB4",
    "u8": "UnsignedLSB8",
    "i8": "SignedLSB8",
    "f4": "IEEE754LSBSingle",
    "f8": "IEEE754LSBDouble",
    "c8": "ComplexLSB8",
    "c16": "ComplexLSB16",
}
_AXES = {"Array": 0} | {f"Array_2D{end}": 2 for end in ("", "_Image", "_Map", "_Spectrum")}
_AXES |= {f"Array_3D{end}": 3 for end in ("", "_Image", "_Movie", "_Spectrum")}
_IMAGE = {"Line", "Sample"}
_TIME_BYTES = len("2030-01-01T00:00:00.000Z")


@dataclass(frozen=True)
class ArrayPart:
    """An array for a data file.

    Parameters
    ----------
    name : str
        What it is.
    values : array_like, (n, m) or more dimensions
        Numbers; NaN is stored as a number that the label names, infinity is refused.
    unit : str
        Unit of the values; none if empty.
    axes : sequence of str
        Names of the axes, slowest first; the last two are Line and Sample if not given.
    kind : str
        Class of PDS4, such as ``Array_2D_Map``; from the axes if empty.
    description : str
        What to know of it, such as its map projection.
    scaling_factor, value_offset : float or None
        A stored number times the first plus the second is the value.
    missing : float, int or None
        Stored number that already stands for no data.

    Examples
    --------
    >>> part = ArrayPart("light", np.zeros((2, 3), dtype=np.float32), "1")
    >>> part.tag, part.data_type, part.size_bytes
    ('Array_2D_Image', 'IEEE754LSBSingle', 24)
    """

    name: str
    values: npt.ArrayLike
    unit: str = ""
    axes: Sequence[str] = ()
    kind: str = ""
    description: str = ""
    scaling_factor: float | None = None
    value_offset: float | None = None
    missing: Number | None = None
    stored: npt.NDArray[Any] = field(init=False, repr=False, compare=False)
    constant: Number | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if np.ma.is_masked(self.values):
            raise InputError("has masked values", where=self.name, advice="fill them with NaN, or name missing")
        array = np.asarray(self.values)
        if array.ndim < 2 or array.ndim > 16 or array.size == 0:
            raise InputError(
                f"has the shape {array.shape}",
                where=self.name,
                advice="give an array of 2 to 16 axes with values; a single row is a table",
            )
        if self.axes and (len(self.axes) != array.ndim or len(set(self.axes)) != array.ndim):
            raise InputError(f"has {array.ndim} axes", where=self.name, advice="name each of them once")
        stored, constant = numbers(array, self.name, self.missing)
        object.__setattr__(self, "stored", stored)
        object.__setattr__(self, "constant", constant)
        if self.tag not in _AXES:
            raise InputError(f"{self.tag!r}", where=f"{self.name}, kind", advice=f"give one of {', '.join(_AXES)}")
        if _AXES[self.tag] not in (0, array.ndim):
            number = {2: "two", 3: "three"}[_AXES[self.tag]]
            raise InputError(f"{self.tag} has {number} axes, and the array {array.ndim}", where=self.name)
        if self.tag == "Array_2D_Image" and set(self.axis_names) != _IMAGE:
            raise InputError(
                f"an image with the axes {' and '.join(self.axis_names)}",
                where=self.name,
                advice="call them Line and Sample, or give the kind Array_2D",
            )

    @property
    def tag(self) -> str:
        """Its class of PDS4."""
        flat = "Array_2D_Image" if set(self.axis_names) == _IMAGE else "Array_2D"
        return self.kind or {2: flat, 3: "Array_3D"}.get(np.ndim(self.stored), "Array")

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes, slowest first."""
        if self.axes:
            return tuple(self.axes)
        extra = self.stored.ndim - 2
        return (*(("Band",) if extra == 1 else tuple(f"Axis {k + 1}" for k in range(extra))), "Line", "Sample")

    @property
    def data_type(self) -> str:
        """Type of an element in the words of PDS4."""
        return _TYPES[self.stored.dtype.str[1:]]

    @property
    def size_bytes(self) -> int:
        """Bytes in the file."""
        return int(self.stored.nbytes)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, row by row of the slowest axis."""
        for row in self.stored:
            yield np.ascontiguousarray(row).tobytes()

    def real(self) -> npt.NDArray[Any]:
        """Stored numbers that are data, in one row; none for complex ones."""
        if self.stored.dtype.kind == "c":
            return np.empty(0)
        flat = self.stored.ravel()
        return flat if self.constant is None else flat[flat != self.stored.dtype.type(self.constant)]


def numbers(array: npt.NDArray[Any], name: str, missing: Number | None) -> tuple[npt.NDArray[Any], Number | None]:
    """Little-endian numbers without NaN, and the number that stands for it.

    Parameters
    ----------
    array : ndarray
        Numbers or truths.
    name : str
        What it is, for messages.
    missing : float, int or None
        Number that already stands for no data.

    Returns
    -------
    stored : ndarray
    constant : float, int or None
        None if no value is missing.

    Raises
    ------
    InputError
        If there are values that PDS4 cannot hold.
    """
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype.str[1:] not in _TYPES:
        raise InputError(f"has values of type {array.dtype}", where=name, advice="give numbers or truths")
    stored = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if stored.dtype.kind in "iu":
        return stored, _fitting(missing, stored, name)
    if np.isinf(stored).any():
        raise InputError("holds infinite values", where=name, advice="give NaN where there is no value")
    gaps = np.isnan(stored)
    if not gaps.any():
        return stored, _fitting(missing, stored, name)
    if stored.dtype.kind == "c":
        raise InputError("holds complex values that are NaN", where=name, advice="fill the gaps")
    taken = stored[~gaps]
    choices = _MISSING if missing is None else (missing,)
    low = float(taken.min()) if taken.size else 0.0
    constant = next((value for value in choices if missing is not None or value < low), None)
    if constant is None:
        raise InputError("has no number left to stand for NaN", where=name, advice="fill the gaps")
    return np.where(gaps, stored.dtype.type(constant), stored), constant


def _fitting(missing: Number | None, stored: npt.NDArray[Any], name: str) -> Number | None:
    """The missing number if the array's type holds it."""
    if missing is None:
        return None
    if stored.dtype.kind in "iu":
        bounds = np.iinfo(stored.dtype)
        if missing != int(missing) or not bounds.min <= int(missing) <= bounds.max:
            raise InputError(f"{missing} is no {stored.dtype.name}", where=f"{name}, missing", advice="give one")
        return int(missing)
    return missing


@dataclass(frozen=True)
class TablePart:
    """A table for a data file.

    Parameters
    ----------
    columns : mapping of str to array_like, (n,)
        Numbers, truths, texts or UTC instants of equal length, by name.
    units : mapping of str to str
        Units by column.
    descriptions : mapping of str to str
        What columns are.
    form : {"binary", "delimited"}
        Binary keeps every bit; delimited is a CSV file with a head.
    name : str
        What it is.
    description : str
        What to know of it.

    Notes
    -----
    In a binary table NaN is stored as a number that the label names; in a delimited one it is an empty field. Real
    numbers are written with all digits that they need. Instants are kept to the millisecond.

    Examples
    --------
    >>> table = TablePart({"power_w": [1.5, 2.0], "works": [True, False]}, {"power_w": "W"})
    >>> table.records, table.size_bytes
    (2, 18)
    """

    columns: Mapping[str, npt.ArrayLike]
    units: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    form: Literal["binary", "delimited"] = "binary"
    name: str = "Table"
    description: str = ""
    fields: tuple[Field, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.form not in ("binary", "delimited"):
            raise InputError(f"{self.form!r}", where="form", advice="give binary or delimited")
        for names in (self.units, self.descriptions):
            if stray := sorted(set(names) - set(self.columns)):
                raise InputError(f"no column is called {stray[0]!r}", where=self.name, advice="correct the name")
        made = tuple(
            _field(name, np.asarray(values), self.units.get(name, ""), self.descriptions.get(name, ""), self.form)
            for name, values in self.columns.items()
        )
        lengths = {item.records for item in made}
        if len(lengths) != 1 or 0 in lengths:
            raise InputError(
                f"has columns of {', '.join(map(str, sorted(lengths))) or 'no'} rows",
                where=self.name,
                advice="give columns of one length, with at least one row",
            )
        if len({item.name.lower() for item in made}) != len(made):
            raise InputError("has two columns of one name", where=self.name, advice="rename one")
        object.__setattr__(self, "fields", made)

    @property
    def records(self) -> int:
        """Rows."""
        return self.fields[0].records

    @property
    def record_bytes(self) -> int:
        """Bytes of a row; of the longest in a delimited table."""
        if self.form == "binary":
            return sum(item.width for item in self.fields)
        return max(len(line) for line in self.chunks())

    @property
    def head(self) -> bytes:
        """First line of a delimited table."""
        return b"" if self.form == "binary" else (",".join(item.name for item in self.fields) + "\r\n").encode()

    @property
    def size_bytes(self) -> int:
        """Bytes in the file, without the head."""
        if self.form == "binary":
            return self.records * self.record_bytes
        return sum(len(line) for line in self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Its bytes: all rows of a binary table, line by line of a delimited one."""
        if self.form == "binary":
            rows = np.empty(
                self.records, dtype=[(f"f{k}", item.cells.dtype) for k, item in enumerate(self.fields)]
            )
            for k, item in enumerate(self.fields):
                rows[f"f{k}"] = item.cells
            yield rows.tobytes()
            return
        for cells in zip(*(item.cells for item in self.fields), strict=True):
            yield (",".join(cells) + "\r\n").encode("utf-8")


@dataclass(frozen=True)
class Field:
    """A column as it is stored.

    Parameters
    ----------
    name, unit, description : str
        For the label.
    data_type : str
        In the words of PDS4.
    width : int
        Bytes of its longest value.
    cells : ndarray, (n,)
        Stored numbers or bytes of a binary table, texts of a delimited one.
    constant : float, int or None
        Number that stands for no value.
    """

    name: str
    unit: str
    description: str
    data_type: str
    width: int
    cells: npt.NDArray[Any]
    constant: Number | None = None

    @property
    def records(self) -> int:
        """Rows."""
        return len(self.cells)


def _field(name: str, values: npt.NDArray[Any], unit: str, description: str, form: str) -> Field:
    """A column, stored."""
    label = ascii_text(name, "column")
    if len(label) > 200 or any(sign in label for sign in ',"'):
        raise InputError(
            f"{label[:40]!r} cannot head a column", where="column", advice="leave commas and quotes out"
        )
    if values.ndim != 1:
        raise InputError(f"has the shape {values.shape}", where=label, advice="give a column")
    if values.dtype.kind == "O":
        values = np.array([str(value) for value in values])
    if values.dtype.kind in "MUS":
        return _worded(label, values, unit, description, form)
    if form == "binary":
        stored, constant = numbers(values, label, None)
        return Field(
            label, unit, description, _TYPES[stored.dtype.str[1:]], stored.dtype.itemsize, stored, constant
        )
    cells, kind = _numerals(label, values)
    return Field(
        label, unit, description, kind, max(1, *(len(cell) for cell in cells)), np.array(cells, dtype=object)
    )


def _numerals(label: str, values: npt.NDArray[Any]) -> tuple[list[str], str]:
    """Numbers and truths as text."""
    if values.dtype.kind == "b":
        return ["true" if value else "false" for value in values], "ASCII_Boolean"
    if values.dtype.kind in "iu":
        kind = "ASCII_NonNegative_Integer" if values.dtype.kind == "u" else "ASCII_Integer"
        return [str(int(value)) for value in values], kind
    if values.dtype.kind != "f" or values.dtype.itemsize > 8:
        raise InputError(f"has values of type {values.dtype}", where=label, advice="give real numbers")
    if np.isinf(values).any():
        raise InputError("holds infinite values", where=label, advice="give NaN where there is no value")
    return ["" if value != value else repr(float(value)) for value in values], "ASCII_Real"


def _worded(label: str, values: npt.NDArray[Any], unit: str, description: str, form: str) -> Field:
    """Instants and texts."""
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise InputError("lacks an instant", where=label, advice="leave out rows without one")
        cells, kind = [f"{when}Z" for when in values.astype("datetime64[ms]")], "ASCII_Date_Time_YMD_UTC"
        if any(len(cell) != _TIME_BYTES for cell in cells):
            raise InputError("has a year that is not of four digits", where=label, advice="correct the instants")
    else:
        cells = [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]
        for cell in cells:
            if cell != cell.strip() or '"' in cell or any(ord(letter) < 32 for letter in cell):
                raise InputError(
                    f"{cell[:40]!r} cannot be stored as it is",
                    where=label,
                    advice="leave out quotes, line breaks and white space at the ends",
                )
        kind = "ASCII_String" if all(cell.isascii() for cell in cells) else "UTF8_String"
    if form == "delimited":
        quoted = [f'"{cell}"' if "," in cell else cell for cell in cells]
        width = max(1, *(len(cell.encode()) for cell in cells))
        return Field(label, unit, description, kind, width, np.array(quoted, dtype=object))
    coded = [cell.encode("utf-8") for cell in cells]
    width = max(1, *(len(cell) for cell in coded))
    stored = np.array([cell.ljust(width) for cell in coded], dtype=f"S{width}")
    return Field(label, unit, description, kind, width, stored)
