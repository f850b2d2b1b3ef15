"""What a PDS4 label says of a product besides its files: names, dates, mission, instrument, history."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from moonpost.errors import DateError, InputError
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["AUTHORITIES", "LEVELS", "MODEL_VERSION", "About", "Change", "Component"]

MODEL_VERSION = "1.20.0.0"
"""Version of the PDS4 Information Model that labels follow."""

AUTHORITIES = ("urn:nasa:pds", "urn:esa:psa", "urn:jaxa:darts", "urn:ros:rssa", "urn:isro:isda")
"""Beginnings of identifiers that this version of the model permits, one for each archive."""

LEVELS = {
    "raw": "Raw",
    "partially-processed": "Partially Processed",
    "calibrated": "Calibrated",
    "derived": "Derived",
}
"""Processing levels of plans, and the words of PDS4."""

MOON = "urn:nasa:pds:context:target:satellite.earth.moon"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True)
class Change:
    """One version of a product.

    Parameters
    ----------
    date : str
        Day, UTC.
    version : str
        Such as ``1.0``.
    text : str
        What was new.

    Examples
    --------
    >>> Change("2031-05-01", "1.0", "First release.").version
    '1.0'
    """

    date: str
    version: str
    text: str


@dataclass(frozen=True)
class Component:
    """A part of what took the data.

    Parameters
    ----------
    name : str
        Its name.
    kind : {"Host", "Instrument"}
        What it is.
    lid : str or None
        Its logical identifier.
    description : str
        What to know of it.

    Examples
    --------
    >>> Component("Seismometer", "Instrument", None, "").kind
    'Instrument'
    """

    name: str
    kind: Literal["Host", "Instrument"]
    lid: str | None
    description: str = ""


@dataclass(frozen=True)
class About:
    """What a label says of a product besides its files.

    Parameters
    ----------
    lid : str
        Logical identifier, ``urn:AGENCY:ARCHIVE:BUNDLE:COLLECTION:PRODUCT``.
    version : str
        Version of the product, such as ``1.0``.
    title : str
        One line.
    start, stop : str
        First and last instant of the data, UTC, to the millisecond.
    level : str
        One of `LEVELS`.
    purpose : str
        Science, Engineering or another word of PDS4.
    investigations : tuple of (str, str, str)
        Name, kind and logical identifier of the missions and programmes.
    system : str
        Name of what took the data.
    components : tuple of Component
        Its parts.
    description : str
        What the data are.
    comment : str
        What else to know, such as who may see them when.
    authors : str
        Who is cited; with `year`.
    year : int or None
        Year of publication; no citation if None.
    keywords : tuple of str
        Words to be found by.
    history : tuple of Change
        All versions, oldest first.
    sources : tuple of str
        What the data were made from.
    """

    lid: str
    version: str
    title: str
    start: str
    stop: str
    level: str
    purpose: str
    investigations: tuple[tuple[str, str, str], ...]
    system: str
    components: tuple[Component, ...]
    description: str
    comment: str = ""
    authors: str = ""
    year: int | None = None
    keywords: tuple[str, ...] = ()
    history: tuple[Change, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the logical identifier."""
        return self.lid.rsplit(":", 1)[-1]

    def after(self, earlier: Iterable[Change]) -> About:
        """The same with the versions that came before.

        Parameters
        ----------
        earlier : iterable of Change
            Older versions.

        Returns
        -------
        About

        Raises
        ------
        InputError
            If one of them is not older than this version.
        """
        before = tuple(earlier)
        for change in before:
            if version_key(change.version) >= version_key(self.version):
                raise InputError(
                    f"version {self.version} of {self.name} is not after {change.version}",
                    where="version",
                    advice=f"give a later one, such as {_next(change.version)}",
                )
        return replace(self, history=(*before, *self.history))


def version_key(version: str) -> tuple[int, int]:
    """Numbers of a version, to be compared."""
    match = _VERSION.fullmatch(version)
    if match is None or match[0] == "0.0":
        raise InputError(f"{version!r} is no version", where="version", advice="write two numbers, such as 1.0")
    return int(match[1]), int(match[2])


def _next(version: str) -> str:
    return f"{version_key(version)[0] + 1}.0"


def checked(about: About) -> About:
    """Refuse what cannot stand in a label."""
    version_key(about.version)
    if about.stop < about.start:
        raise DateError(
            f"the data end ({about.stop}) before they begin ({about.start})", where="stop", advice="exchange them"
        )
    if about.level not in LEVELS:
        raise InputError(f"{about.level!r}", where="level", advice=f"give one of {', '.join(LEVELS)}")
    if len(about.lid) > 250:
        raise InputError(f"has {len(about.lid)} characters", where=about.lid, advice="shorten the names")
    return about


def checked_authority(text: str) -> str:
    parts = text.split(":")
    if len(parts) != 3 or parts[0] != "urn" or not all(_NAME.fullmatch(part) for part in parts[1:]):
        raise InputError(f"{text!r} is no beginning of identifiers", where="authority", advice="write urn:esa:psa")
    return text


def checked_word(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InputError(
            f"{text!r} cannot be part of an identifier",
            where="name",
            advice="use lower-case letters, digits, hyphens, points and underscores",
        )
    return text


def instant_text(when: TimeLike) -> str:
    """UTC to the millisecond, as PDS4 writes it."""
    found = as_utc(when)
    if found.size != 1:
        raise DateError(f"{found.size} instants", where="start or stop", advice="give one")
    return f"{found.ravel()[0].astype('datetime64[ms]')}Z"


def checked_day(text: str) -> str:
    """A day; today if empty."""
    if not text:
        return dt.datetime.now(dt.UTC).date().isoformat()
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise DateError(f"{text!r} is no day", where="date", advice="write it as 2031-05-01") from error


def ascii_text(text: str, where: str) -> str:
    """A text in the letters that PDS4 takes everywhere, with white space joined.

    Parameters
    ----------
    text : str
        Anything.
    where : str
        What it is, for messages.

    Returns
    -------
    str
        Accents dropped, typographic marks made plain.

    Raises
    ------
    InputError
        If it is empty or has letters without a counterpart.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_MARKS))
    plain = " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
    odd = next((letter for letter in plain if not 32 <= ord(letter) < 127), None)
    if odd is not None or not plain:
        raise InputError(
            f"{text[:40]!r} has the letter {odd!r}" if odd else "is empty",
            where=where,
            advice="write it in the letters of ASCII",
        )
    return plain


_MARKS = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
    | {"\u00b0": " deg", "\u00b5": "micro", "\u03bc": "micro", "\u00b7": "*", "\u00d7": "x", "\u00df": "ss"}
    | {"\u0131": "i", "\u0142": "l", "\u00f8": "o", "\u00e6": "ae", "\u2080": "0", "\u2082": "2"}
)
