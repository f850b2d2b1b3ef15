"""The parts of a page: tables, pictures, notes, and the sections that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from moonpost.errors import InputError

__all__ = ["Cell", "Column", "Note", "Picture", "Section", "Table", "cell", "mark", "signed", "table"]

Kind = Literal["text", "number", "when", "mark"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    title : str
        What it holds.
    unit : str
        Unit shown under the title; every column of numbers has one.
    kind : {"text", "number", "when", "mark"}
        How it is set.
    """

    title: str
    unit: str = ""
    kind: Kind = "text"

    def __post_init__(self) -> None:
        if self.kind in {"number", "when"} and not self.unit:
            raise InputError("a column of numbers or times has no unit", where=self.title, advice="give the unit")


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a style, and a second line in small print."""

    text: str
    style: str = ""
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; `folded` says that it opens on demand.

    Parameters
    ----------
    name : str
        Identifier on the page.
    caption : str
        What it shows.
    columns : tuple of Column
        Its columns.
    rows : tuple of tuple of Cell
        One cell for each column.
    note : str
        A line under it.
    folded : bool
        Whether it is closed at first.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False

    kind = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(f"a row of {len(row)} cells for {len(self.columns)} columns", where=self.name)


@dataclass(frozen=True)
class Picture:
    """A figure, drawn when it is put on the page.

    Parameters
    ----------
    name : str
        Identifier on the page.
    title, alt, caption : str
        Its heading, what it shows in words, and what to read from it.
    draw : callable
        Takes a width [inch] and returns a matplotlib Figure.
    width_in : float
        Width on a desktop [inch of 96 CSS pixels].
    dense : bool
        Whether it is stored as a raster.
    """

    name: str
    title: str
    alt: str
    caption: str
    draw: Callable[[float], object]
    width_in: float
    dense: bool = False

    kind = "picture"


@dataclass(frozen=True)
class Note:
    """A paragraph, or a list where there are several lines."""

    lines: tuple[str, ...]
    title: str = ""

    kind = "note"


Part = Table | Picture | Note


@dataclass(frozen=True)
class Section:
    """A titled part of the page."""

    name: str
    title: str
    lead: str = ""
    parts: tuple[Part | None, ...] = field(default=())

    @property
    def shown(self) -> tuple[Part, ...]:
        """The parts that there are: empty tables and figures without data are left out."""
        return tuple(
            part for part in self.parts if part is not None and not (isinstance(part, Table) and not part.rows)
        )


def cell(value: str | Cell) -> Cell:
    """Make a cell of a text."""
    return value if isinstance(value, Cell) else Cell(value)


def signed(value: float | None, text: str, small: str = "") -> Cell:
    """Make a cell of a margin: in the style for negative numbers where it is negative."""
    return Cell(text, "negative" if value is not None and value < 0 else "", small)


def mark(closes: bool | None) -> Cell:
    """Make a cell that says yes, no, or that the question is not of that kind."""
    if closes is None:
        return Cell("–", "neutral")
    return Cell("yes", "good") if closes else Cell("no", "bad")


def table(
    name: str,
    caption: str,
    columns: Iterable[Column],
    rows: Iterable[Iterable[str | Cell]],
    *,
    note: str = "",
    folded: bool = False,
) -> Table:
    """Make a table of texts and cells."""
    return Table(
        name=name,
        caption=caption,
        columns=tuple(columns),
        rows=tuple(tuple(cell(value) for value in row) for row in rows),
        note=note,
        folded=folded,
    )
