"""What every row of a plan shares: strict fields, an identifier, a source and a confidence."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

__all__ = ["Confidence", "Frozen", "Identifier", "Row", "Sourced", "When", "when_bounds"]

Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48),
    Field(description="Name used by other rows: lower-case letters, digits and single hyphens."),
]

Confidence = Literal["A", "B", "C"]
"""A: agency or peer-reviewed text; B: press or encyclopaedia; C: estimate or assumption."""

_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z?)?)?)?"
_WHEN = re.compile(rf"({_DATE})(?:/({_DATE}))?")


def when_bounds(text: str) -> tuple[dt.datetime, dt.datetime]:
    """Earliest and latest instant that a plan's date allows.

    Parameters
    ----------
    text : str
        ``2030``, ``2030-06``, ``2030-06-01``, ``2030-06-01T12:00Z`` or two of these with a slash
        between them for a range.

    Returns
    -------
    earliest, latest : datetime.datetime
        UTC, without time zone. `latest` is the last second that the text covers.

    Raises
    ------
    ValueError
        If the text is not such a date or the range runs backwards.

    Examples
    --------
    >>> earliest, latest = when_bounds("2028/2029-06")
    >>> earliest.isoformat(), latest.isoformat()
    ('2028-01-01T00:00:00', '2029-06-30T23:59:59')
    """
    match = _WHEN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a date: write 2030, 2030-06, 2030-06-01, 2030-06-01T12:00Z or a range 2028/2029"
        )
    earliest = _span(match[1])[0]
    latest = _span(match[2] or match[1])[1]
    if latest < earliest:
        raise ValueError(f"the range {text!r} runs backwards: write the earlier date first")
    return earliest, latest


def _span(text: str) -> tuple[dt.datetime, dt.datetime]:
    """First and last second of one date of any precision."""
    text = text.rstrip("Z")
    if not "0001" <= text[:4] <= "9998":
        raise ValueError(f"the year {text[:4]} is out of range: use 0001 to 9998")
    if "T" in text:
        instant = dt.datetime.fromisoformat(text)
        return instant, instant
    parts = [int(part) for part in text.split("-")]
    year, month, day = (*parts, 1, 1)[:3]
    start = dt.datetime(year, month, day)
    if len(parts) == 1:
        following = dt.datetime(start.year + 1, 1, 1)
    elif len(parts) == 2:
        following = dt.datetime(start.year + start.month // 12, start.month % 12 + 1, 1)
    else:
        following = start + dt.timedelta(days=1)
    return start, following - dt.timedelta(seconds=1)


def _when_text(value: Any) -> Any:
    """TOML dates, times and years as the text that a plan stores."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return value.isoformat(timespec="seconds") + "Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _when_valid(text: str) -> str:
    when_bounds(text)
    return text


When = Annotated[
    str,
    BeforeValidator(_when_text),
    AfterValidator(_when_valid),
    Field(description="UTC date of any precision, or a range of two with a slash between: 2028/2029."),
]


class Frozen(BaseModel):
    """A part of a plan: frozen, without unknown keys, without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sourced(Frozen):
    """A fact with its source and how far it can be trusted."""

    source: str = Field(min_length=3, description="Where the row's facts come from.")
    confidence: Confidence = Field(
        description="A: agency or peer-reviewed text; B: press or encyclopaedia; C: estimate or assumption."
    )
    note: str = Field(default="", description="Anything a reader of the row should know.")


class Row(Sourced):
    """A sourced row that others refer to by its identifier."""

    id: Identifier
    name: str = Field(min_length=1, description="Name for people.")
