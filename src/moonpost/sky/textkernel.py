"""Text kernels: the variables of frame (.tf) and leap-second (.tls) files."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from pathlib import Path

import numpy as np

from moonpost.errors import DataError
from moonpost.sky.timescale import TimeScale

__all__ = ["Value", "leap_seconds", "read_variables"]

Value = list[float | str]
_ASSIGNMENT = re.compile(r"([A-Za-z0-9_/.\-]+)\s*(\+?=)\s*(\([^)]*\)|'(?:[^']|'')*'|\S+)", re.DOTALL)
_ITEM = re.compile(r"'((?:[^']|'')*)'|([^\s,()]+)")
_DATE = re.compile(r"@(\d{4})-([A-Za-z]{3})-(\d{1,2})$")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def read_variables(path: Path) -> dict[str, Value]:
    r"""Read the variables of a text kernel from its ``\begindata`` blocks.

    Parameters
    ----------
    path : pathlib.Path
        The kernel.

    Returns
    -------
    dict of str to list
        Variable names in capitals, and their values as numbers or text.

    Raises
    ------
    DataError
        If the file cannot be read or no block holds a variable.

    Notes
    -----
    Assignments with ``=`` and ``+=``, quoted text, lists in brackets, Fortran exponents (``1.6D-3``) and dates
    after ``@`` are read; keywords outside data blocks are comments.

    References
    ----------
    NAIF, Kernel Required Reading.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.tf"
    ...     _ = path.write_text("\\begindata\nFRAME_31008_CLASS = 2\n")
    ...     read_variables(path)
    {'FRAME_31008_CLASS': [2.0]}
    """
    try:
        text = path.read_text(encoding="utf-8", errors="strict")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read as text: {error}", where=str(path)) from error
    variables: dict[str, Value] = {}
    for name, sign, body in _ASSIGNMENT.findall(_data_lines(text)):
        value = [_item(quoted, plain) for quoted, plain in _ITEM.findall(body)]
        key = name.upper()
        variables[key] = variables.get(key, []) + value if sign == "+=" else value
    if not variables:
        raise DataError(
            "no variable in any \\begindata block",
            where=str(path),
            advice="the file is cut short or not a text kernel",
        )
    return variables


def leap_seconds(variables: dict[str, Value], where: str) -> TimeScale:
    """Make the time scale of a leap-second kernel.

    Parameters
    ----------
    variables : dict
        Variables of the kernel.
    where : str
        Its file name, for messages.

    Returns
    -------
    TimeScale
        Leap seconds as in the file.

    Raises
    ------
    DataError
        If ``DELTET/DELTA_AT`` is missing or is not an ascending list of offsets and dates.

    Examples
    --------
    >>> leap_seconds({"DELTET/DELTA_AT": [37.0, "@2017-JAN-1"]}, "a.tls").tai_minus_utc_s
    (37.0,)
    """
    rows = variables.get("DELTET/DELTA_AT", [])
    try:
        offsets = [float(value) for value in rows[0::2]]
        dates = [_date(str(value)) for value in rows[1::2]]
    except ValueError as error:
        raise DataError(f"DELTET/DELTA_AT: {error}", where=where, advice="get the file again") from error
    ascending = all(a < b for a, b in itertools.pairwise(dates))
    if not dates or len(dates) != len(offsets) or not ascending or not np.isfinite(offsets).all():
        raise DataError(
            "DELTET/DELTA_AT is not a list of offsets and dates", where=where, advice="get the file again"
        )
    return TimeScale(tuple(dates), tuple(offsets))


def _data_lines(text: str) -> str:
    """Keep only the lines between begindata and begintext."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        word = line.strip().lower()
        if word in ("\\begindata", "\\begintext"):
            inside = word == "\\begindata"
        elif inside:
            kept.append(line)
    return "\n".join(kept)


def _item(quoted: str, plain: str) -> float | str:
    """One value: a number if it reads as one, else text."""
    if not plain:
        return quoted.replace("''", "'").strip()
    try:
        return float(plain.upper().replace("D", "E")) if not plain.startswith("@") else plain
    except ValueError:
        return plain


def _date(text: str) -> np.datetime64:
    """Read a date such as @1972-JAN-1."""
    match = _DATE.match(text)
    if not match or match[2].upper() not in _MONTHS:
        raise ValueError(f"{text!r} is not a date")
    day = dt.date(int(match[1]), _MONTHS.index(match[2].upper()) + 1, int(match[3]))
    return np.datetime64(day, "ms")
