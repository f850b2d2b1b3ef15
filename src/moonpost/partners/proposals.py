"""Proposals for guest payloads as their owners hand them in: who, how much mass, power, data, view, where."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from moonpost.errors import DataError, InputError, suggestion
from moonpost.files import read_toml
from moonpost.plan.base import when_bounds

__all__ = [
    "Letter",
    "Person",
    "Proposal",
    "plain_number",
    "proposal_from",
    "read_letters",
    "same_name",
    "view_asked",
]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 48
_NUMBERS = ("mass_kg", "day_w", "night_w", "bit_day")
_KELVINS = ("survive_min_k", "operate_min_k", "operate_max_k", "survive_max_k")
_BESIDE = ("merits", "reviewers", "setting")
_LATITUDES = ("latitude_min_deg", "latitude_max_deg")


def same_name(text: str) -> str:
    """A name as it is compared: without regard to case, width of letters, spaces and signs that nobody sees.

    Parameters
    ----------
    text : str
        Name of a person, institute or country.

    Returns
    -------
    str

    Examples
    --------
    >>> same_name(" Space  Institute") == same_name("space institute")
    True
    """
    return _plain(text)


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split())


def _one_line(text: str) -> bool:
    """Whether a text has neither line ends nor control signs, which would spoil tables and terminals."""
    return not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text)


@dataclass(frozen=True)
class Person:
    """Someone who proposes or reviews.

    Parameters
    ----------
    name : str
        Name, the same wherever the person appears.
    institute : str
        Where the person works.
    country : str
        Country or organisation of the institute.

    Raises
    ------
    InputError
        If one of them is empty, no text, or has control signs.

    Examples
    --------
    >>> Person("A. Example", "Institute of Dust", "Utopia").institute
    'Institute of Dust'
    """

    name: str
    institute: str
    country: str

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, str) or not same_name(value) or not _one_line(value):
                raise InputError(f"{value!r}", where=item.name, advice="give a name, an institute and a country")

    def to_record(self) -> dict[str, Any]:
        """Plain texts for a record."""
        return {"name": self.name, "institute": self.institute, "country": self.country}


@dataclass(frozen=True)
class Proposal:
    """One guest payload that somebody proposes.

    Parameters
    ----------
    id : str
        Identifier: lower-case letters, digits and single hyphens.
    title : str
        What it is.
    lead : Person
        Who answers for it.
    mass_kg : float
        Mass to be allocated, the proposer's own margins included [kg].
    team : tuple of Person
        Co-proposers.
    day_w, night_w : float
        Power in the host's light and in its dark, without margin [W].
    bit_day : float
        Data made in a day [bit/d].
    view : str
        What it has to see: ``earth:PART``, ``sun:PART`` of the time, ``sky:DEGREES``, or nothing.
    operate_min_k, operate_max_k, survive_min_k, survive_max_k : float or None
        Temperatures at work and asleep [K].
    inside : bool
        Whether it is in the host's warm box, or outside.
    latitude_min_deg, latitude_max_deg : float or None
        Between which latitudes it is of use [deg].
    sites : tuple of str
        Sites of the plan at which alone it is of use; none given means all.
    synthetic : bool
        Whether it was made up, for an example or a trial.

    Raises
    ------
    InputError
        If a number is negative, not finite or too large, a name is missing, or ranges run backwards.

    Examples
    --------
    >>> Proposal("dust", "Dust counter", Person("A. Example", "Institute of Dust", "Utopia"), 2.5).mass_kg
    2.5
    """

    id: str
    title: str
    lead: Person
    mass_kg: float
    team: tuple[Person, ...] = ()
    day_w: float = 0.0
    night_w: float = 0.0
    bit_day: float = 0.0
    view: str = ""
    operate_min_k: float | None = None
    operate_max_k: float | None = None
    survive_min_k: float | None = None
    survive_max_k: float | None = None
    inside: bool = True
    latitude_min_deg: float | None = None
    latitude_max_deg: float | None = None
    sites: tuple[str, ...] = ()
    synthetic: bool = False

    def __post_init__(self) -> None:
        where = f"proposal {self.id!r}"
        if not isinstance(self.id, str) or not _NAME.fullmatch(self.id) or len(self.id) > _LONGEST:
            raise InputError("is no identifier", where=where, advice="use lower-case letters, digits and hyphens")
        if not isinstance(self.title, str) or not self.title.strip():
            raise InputError("has no title", where=where, advice="say in a few words what it is")
        if not _one_line(self.title):
            raise InputError(
                f"title is {self.title!r}", where=where, advice="write one line without control signs"
            )
        if not all(isinstance(flag, bool) for flag in (self.inside, self.synthetic)):
            raise InputError("inside or synthetic is not true or false", where=where, advice="correct it")
        for name in _NUMBERS:
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 <= value <= 1e15) or (name == "mass_kg" and value == 0.0):
                raise InputError(
                    f"{name} is {value}", where=where, advice="give a finite number from 0, a mass above 0"
                )
        try:
            view_asked(str(self.view))
        except InputError as error:
            raise InputError(f"view is {error.what}", where=where, advice=error.advice) from error
        _ordered(self, _KELVINS, 1.0, 2000.0, where)
        _ordered(self, _LATITUDES, -90.0, 90.0, where)

    @property
    def people(self) -> tuple[Person, ...]:
        """The lead and the co-proposers."""
        return (self.lead, *self.team)

    def to_record(self) -> dict[str, Any]:
        """Texts, whole numbers and truth values only, as a record or ledger takes them.

        Returns
        -------
        dict
            Numbers with a fraction are decimal texts; what is at its default is left out.
        """
        out: dict[str, Any] = {"id": self.id, "title": self.title, "lead": self.lead.to_record()}
        for item in fields(self)[3:]:
            value = getattr(self, item.name)
            if value == item.default:
                continue
            if item.name == "team":
                value = [person.to_record() for person in value]
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, float):
                value = plain_number(value)
            out[item.name] = value
        return out


@dataclass(frozen=True)
class Letter:
    """A letter of intent: a proposal and when it came.

    Parameters
    ----------
    proposal : Proposal
        What is proposed.
    received : str
        When it came, UTC.

    Examples
    --------
    >>> dust = Proposal("dust", "Dust counter", Person("A. Example", "Institute of Dust", "Utopia"), 2.5)
    >>> Letter(dust, "2023-12-30").received
    '2023-12-30'
    """

    proposal: Proposal
    received: str


def plain_number(value: float) -> int | str:
    """A number as records carry it: whole, or decimal text that gives the same number again.

    Parameters
    ----------
    value : float
        Any finite number.

    Returns
    -------
    int or str

    Raises
    ------
    InputError
        If it is not finite.

    Examples
    --------
    >>> plain_number(12.0), plain_number(0.1)
    (12, '0.1')
    """
    if not math.isfinite(value):
        raise InputError(f"{value}", where="number", advice="give a finite number")
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def proposal_from(record: Mapping[str, Any]) -> Proposal:
    """Read a proposal from a table, such as one of a record or of a TOML file.

    Parameters
    ----------
    record : mapping
        Fields of `Proposal` by name; persons are tables; numbers may be decimal texts.

    Returns
    -------
    Proposal

    Raises
    ------
    InputError
        If a field is unknown, missing or of the wrong kind.

    Examples
    --------
    >>> who = {"name": "A. Example", "institute": "Institute of Dust", "country": "Utopia"}
    >>> proposal_from({"id": "dust", "title": "Dust counter", "lead": who, "mass_kg": "2.5"}).mass_kg
    2.5
    """
    if not isinstance(record, Mapping):
        raise InputError(
            "is no table", where="proposal", advice="write [[proposals]] with id, title, lead, mass_kg"
        )
    where = f"proposal {record.get('id', '')!s}".strip()
    known = {item.name for item in fields(Proposal)}
    for name in record:
        if name not in known:
            raise InputError(f"unknown field {name!r}", where=where, advice=suggestion(str(name), sorted(known)))
    lacking = [name for name in ("id", "title", "lead", "mass_kg") if name not in record]
    if lacking:
        raise InputError(f"lacks {', '.join(lacking)}", where=where, advice="add what is missing")
    values: dict[str, Any] = dict(record)
    values["lead"] = _person(record["lead"], where)
    values["team"] = tuple(_person(row, where) for row in _rows(record.get("team", []), "team", where))
    values["sites"] = tuple(str(name) for name in _rows(record.get("sites", []), "sites", where))
    for name in (*_NUMBERS, *_KELVINS, *_LATITUDES):
        if name in values:
            values[name] = _number(values[name], name, where)
    return Proposal(**values)


def read_letters(path: str | os.PathLike[str], received: str | None = None) -> tuple[Letter, ...]:
    """Read letters of intent from a TOML file.

    Parameters
    ----------
    path : path-like
        Tables ``[[proposals]]`` with the fields of `Proposal`, and ``received`` where no date is given here.
    received : str, optional
        When those came that name no date of their own, UTC.

    Returns
    -------
    tuple of Letter

    Raises
    ------
    DataError
        If the file cannot be read, holds no proposals, or one stands twice or cannot be used.

    Examples
    --------
    >>> read_letters("nowhere.toml")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.toml: cannot be read: No such file or directory; check the path of the ...
    """
    tables = read_toml(path, "file of proposals")
    common = tables.get("common", {})
    rows = tables.get("proposals")
    unknown = sorted(set(tables) - {"common", "proposals", *_BESIDE})
    if not isinstance(rows, list) or not rows or unknown or not isinstance(common, dict):
        told = f"has the tables {', '.join(unknown)}" if unknown else "holds no [[proposals]]"
        raise DataError(told, where=str(path), advice="write one table [[proposals]] for each, [common] for all")
    found: list[Letter] = []
    for number, row in enumerate(rows):
        try:
            found.append(_letter({**common, **row} if isinstance(row, dict) else row, received))
        except InputError as error:
            raise DataError(
                f"{error.where}: {error.what}", where=f"{path}, proposals[{number}]", advice=error.advice
            ) from error
    names = [letter.proposal.id for letter in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{', '.join(twice)} stands twice", where=str(path), advice="give each its own identifier")
    return tuple(found)


def view_asked(text: str) -> tuple[str, float] | None:
    """What has to be seen, and how much.

    Parameters
    ----------
    text : str
        ``earth:PART``, ``sun:PART``, ``sky:DEGREES`` or empty.

    Returns
    -------
    tuple of str and float, or None
        None if nothing has to be seen.

    Raises
    ------
    InputError
        If the text is none of these.

    Examples
    --------
    >>> view_asked("earth:0.5")
    ('earth', 0.5)
    """
    if not text:
        return None
    kind, _, number = text.partition(":")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    most = {"earth": 1.0, "sun": 1.0, "sky": 90.0}.get(kind, math.nan)
    if not 0.0 <= value <= most:
        raise InputError(f"{text!r}", where="view", advice="give earth:PART, sun:PART or sky:DEGREES")
    return kind, value


def _letter(row: Any, received: str | None) -> Letter:
    """A proposal with its date."""
    if not isinstance(row, dict):
        raise InputError("is no table", where="proposal", advice="write [[proposals]]")
    values = dict(row)
    when = values.pop("received", received)
    where = f"proposal {values.get('id', '')!s}"
    if when is None:
        raise InputError("has no date of receipt", where=where, advice="add received, or give it for all")
    try:
        when_bounds(str(when))
    except ValueError as error:
        raise InputError(str(error), where=where, advice="write 2023-12-31") from error
    return Letter(proposal_from(values), str(when))


def _person(row: Any, where: str) -> Person:
    """A person from a table."""
    if not isinstance(row, Mapping) or set(row) != {"name", "institute", "country"}:
        raise InputError("a person is not described", where=where, advice="give name, institute and country")
    return Person(**row)


def _rows(value: Any, name: str, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} is no list", where=where, advice="write it in square brackets")
    return list(value)


def _number(value: Any, name: str, where: str) -> float | None:
    """A number, or its decimal text."""
    if value is None and name not in _NUMBERS:
        return None
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} is no number ({value!r})", where=where, advice="give a number") from error


def _ordered(proposal: Proposal, names: tuple[str, ...], low: float, high: float, where: str) -> None:
    """Refuse limits that are out of range or run backwards."""
    known = [value for value in (getattr(proposal, name) for name in names) if value is not None]
    if not all(math.isfinite(value) and low <= value <= high for value in known) or known != sorted(known):
        raise InputError(
            f"{known} is out of {low:g} to {high:g} or runs backwards",
            where=where,
            advice=f"give {' <= '.join(names)}",
        )
