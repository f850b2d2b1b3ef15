"""Dated events of sleeping machines: the table from which dormancy rules are learnt."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from moonpost.errors import DataError, MoonpostError
from moonpost.sky.times import as_utc, iso

__all__ = ["Event", "EventTable", "read_events"]

_BEIJING = "+08:00"
_DATE_ONLY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_ABOUT_H = 0.5
_MINUTE_H = 1.0 / 60.0
_PARTS_OF_DAY_H = {
    "early": (0, 6),
    "morning": (0, 12),
    "noon": (9, 15),
    "afternoon": (12, 18),
    "evening": (18, 24),
    "late": (18, 24),
}
_PRECISIONS = ("", "min", "about", "day", "reported")
_SHOWN = 5


@dataclass(frozen=True)
class Event:
    """One dated event of one machine.

    Parameters
    ----------
    vehicle : str
        The machine, such as ``"rover"``; ``"both"`` stands for every machine of the table.
    event : str
        What happened: ``"wake"`` and ``"sleep"`` are learnt from, ``"landing"`` starts the count of days.
    utc : datetime64[ms] or None
        The instant, where the source gives one.
    earliest, latest : datetime64[ms] or None
        Bounds of the instant; `earliest` is None where the source is a report that only says "by then".
    spread_h : float
        Standard error of `utc` as published [h]; 0 for date-only events.
    lunar_day : int or None
        Lunar day as the source counts it.
    line : int
        Line in the file, for messages.
    """

    vehicle: str
    event: str
    utc: np.datetime64 | None = None
    earliest: np.datetime64 | None = None
    latest: np.datetime64 | None = None
    spread_h: float = _MINUTE_H
    lunar_day: int | None = None
    line: int = 0


@dataclass(frozen=True)
class EventTable:
    """The events of one file, `vehicles` named in it and `notes` on rows that could not be used.

    Parameters
    ----------
    events : tuple of Event
        One row per machine and event; ``"both"`` is already resolved.
    vehicles : tuple of str
        Every machine named, in alphabetical order.
    notes : tuple of str
        What was left out, and why.
    source : str
        Where the events come from, for messages.

    Examples
    --------
    >>> table = EventTable.of([Event("both", "sleep", utc=np.datetime64("2030-01-01T00:00"))])
    >>> table.vehicles
    ('lander', 'rover')
    """

    events: tuple[Event, ...]
    vehicles: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    source: str = "events"

    @classmethod
    def of(cls, events: Iterable[Event], *, notes: Iterable[str] = (), source: str = "events") -> EventTable:
        """Make a table in which ``"both"`` became one event for each machine.

        Parameters
        ----------
        events : iterable of Event
            In any order.
        notes : iterable of str, optional
            Remarks to carry along.
        source : str, optional
            Name for messages.

        Returns
        -------
        EventTable
            Sorted by machine and time, so that the order of rows does not matter.
        """
        rows = list(events)
        named = sorted({row.vehicle for row in rows if row.vehicle != "both"})
        if len(named) < 2 and any(row.vehicle == "both" for row in rows):
            named = sorted({*named, "lander", "rover"})
        spread = [
            replace(row, vehicle=vehicle)
            for row in rows
            for vehicle in (named if row.vehicle == "both" else (row.vehicle,))
        ]
        spread.sort(key=lambda row: (row.vehicle, row.event, str(row.utc or row.latest or ""), row.lunar_day or 0))
        return cls(tuple(spread), tuple(named), tuple(notes), source)

    def select(self, vehicle: str, event: str) -> tuple[Event, ...]:
        """Events of one kind of one machine.

        Parameters
        ----------
        vehicle, event : str
            Machine and kind.

        Returns
        -------
        tuple of Event
            In order of time.
        """
        return tuple(row for row in self.events if row.vehicle == vehicle and row.event == event)


def read_events(path: str | os.PathLike[str]) -> EventTable:
    r"""Read a table of dated wake, sleep and landing events.

    Parameters
    ----------
    path : path-like
        CSV with a header. Needed columns: `vehicle`, `event` and at least one of `utc` and `beijing_time`.
        Optional: `lunar_day` and `precision` (``min``, ``about``, ``day``, ``reported`` or nothing; a part of the
        day may follow, such as ``day(late BJT)``). Further columns, blank lines and lines that start with ``#``
        are left aside.

    Returns
    -------
    EventTable
        Events with their instants, or with the interval that a bare date allows.

    Raises
    ------
    DataError
        If the file is missing, is not such a table, or has rows that cannot be read: one error that names the
        file and each line.

    Notes
    -----
    A bare date covers 24 hours of Beijing time where `beijing_time` gives it, otherwise of UTC. ``late`` narrows
    it to 18-24 h, ``morning`` to 0-12 h local. ``reported`` says that the event had happened by the end of the
    day. ``about`` counts as a standard error of half an hour.

    Examples
    --------
    >>> import tempfile
    >>> text = "vehicle,event,utc,precision\nrover,wake,2019-09-22T12:30,min\nrover,sleep,2019-10-05,day\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text(text)
    ...     table = read_events(Path(folder) / "a.csv")
    >>> [(event.event, str(event.utc), str(event.latest)) for event in table.events]
    [('sleep', 'None', '2019-10-06T00:00:00.000'), ('wake', '2019-09-22T12:30:00.000', '2019-09-22T12:30:00.000')]
    """
    name = os.fspath(path)
    lines = _lines(Path(path))
    if not lines:
        raise DataError("no header and no rows", where=name, advice="give a CSV with vehicle, event and utc")
    numbers = [number for number, _ in lines]
    try:
        records = list(csv.reader(text for _, text in lines))
    except csv.Error as error:
        raise DataError(
            f"not a CSV table: {error}", where=name, advice="save it as comma-separated text"
        ) from error
    header = [cell.strip().lower() for cell in records[0]]
    _check_header(header, name)
    events, notes, faults = [], [], []
    for number, record in zip(numbers[1:], records[1:], strict=False):
        row = {key: cell.strip() for key, cell in zip(header, record, strict=False)}
        if not any(row.values()):
            continue
        try:
            event = _event(row, number)
        except MoonpostError as error:
            faults.append(f"line {number}: {error.what}")
            continue
        events.append(event)
        if event.utc is None and event.latest is None:
            notes.append(f"line {number}: {event.vehicle} {event.event} has no date and is not used")
    _check_rows(events, faults, name)
    return EventTable.of(events, notes=notes, source=name)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines without comments and blanks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"cannot read: {reason}", where=str(path), advice="check the path of the events file"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError("not text in UTF-8", where=str(path), advice="save the table as UTF-8 CSV") from error
    return [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _check_header(header: list[str], name: str) -> None:
    """Refuse a table without the columns that say who, what and when."""
    missing = [key for key in ("vehicle", "event") if key not in header]
    if "utc" not in header and "beijing_time" not in header:
        missing.append("utc (or beijing_time)")
    if missing:
        raise DataError(
            f"line 1: no column {', '.join(missing)}",
            where=name,
            advice="the header needs vehicle, event and utc or beijing_time",
        )


def _check_rows(events: list[Event], faults: list[str], name: str) -> None:
    """Raise one error for all faulty rows."""
    if faults:
        shown = "; ".join(faults[:_SHOWN])
        rest = len(faults) - _SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        raise DataError(
            f"{len(faults)} faulty row{'s' if len(faults) > 1 else ''}: {shown}{more}",
            where=name,
            advice="correct these lines or put # before them",
        )
    if not events:
        raise DataError("a header but no rows", where=name, advice="add dated wake and sleep events")


def _event(row: Mapping[str, str], line: int) -> Event:
    """One event from the cells of one row."""
    vehicle, kind = row.get("vehicle", "").lower(), row.get("event", "").lower()
    for key, value in (("vehicle", vehicle), ("event", kind)):
        if not value:
            raise DataError(f"{key} is empty")
    day = _lunar_day(row.get("lunar_day", ""))
    precision = row.get("precision", "").lower()
    word = re.split(r"[\s(]", precision, maxsplit=1)[0]
    if word not in _PRECISIONS:
        raise DataError(f"precision {precision!r} is none of min, about, day, reported")
    base = Event(vehicle, kind, lunar_day=day, line=line)
    utc, beijing = row.get("utc", ""), row.get("beijing_time", "")
    if not utc and not beijing:
        return base
    instant = _instant(utc, beijing)
    if instant is not None and word not in ("day", "reported"):
        spread = _MINUTE_H if word == "min" else _ABOUT_H
        return replace(base, utc=instant, earliest=instant, latest=instant, spread_h=spread)
    earliest, latest = _day_bounds(utc, beijing, precision)
    if word == "reported":
        return replace(base, latest=latest, spread_h=0.0)
    return replace(base, earliest=earliest, latest=latest, spread_h=0.0)


def _lunar_day(text: str) -> int | None:
    """Lunar day as a whole number from 1, or None where the cell is empty."""
    if not text:
        return None
    try:
        day = int(text)
    except ValueError:
        raise DataError(f"lunar_day {text!r} is not a whole number") from None
    if day < 1:
        raise DataError(f"lunar_day {day} is below 1")
    return day


def _instant(utc: str, beijing: str) -> np.datetime64 | None:
    """Return the instant, if either column gives a time of day; both must agree."""
    found = [
        as_utc(text.replace(" ", "T", 1) + zone).reshape(-1)[0]
        for text, zone in ((utc, ""), (beijing, _BEIJING))
        if text and not _DATE_ONLY.match(text)
    ]
    if len(found) == 2 and abs(found[0] - found[1]) > np.timedelta64(1, "m"):
        raise DataError(f"utc {iso(found[0])} and beijing_time {iso(found[1])} (in UTC) disagree")
    return found[0] if found else None


def _day_bounds(utc: str, beijing: str, precision: str) -> tuple[np.datetime64, np.datetime64]:
    """Bounds in UTC of a calendar day, or of the part of it that the precision names."""
    text, zone = (beijing, _BEIJING) if beijing else (utc, "")
    midnight = as_utc(text[:10] + "T00:00" + zone).reshape(-1)[0]
    first, last = next((span for part, span in _PARTS_OF_DAY_H.items() if part in precision), (0, 24))
    return midnight + np.timedelta64(first, "h"), midnight + np.timedelta64(last, "h")
