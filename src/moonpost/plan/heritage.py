"""The heritage catalogue: lunar missions that have flown, what they showed, what they tried and did not reach."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from moonpost.errors import DataError, UnknownNameError
from moonpost.files import read_toml
from moonpost.plan.base import Frozen, Identifier, Row, When, when_bounds

__all__ = [
    "TECHNOLOGIES",
    "Attempts",
    "Heritage",
    "HeritageMission",
    "Operator",
    "Technology",
    "load_heritage",
]

Technology = Literal[
    "flyby", "impact", "orbit", "halo-orbit", "soft-landing", "roving", "ascent", "docking", "sample-return",
    "relay", "night-survival", "radioisotope-power", "surface-station", "crew-landing",
]  # fmt: skip

TECHNOLOGIES: tuple[str, ...] = get_args(Technology)
"""Everything that a mission of the catalogue can have shown or tried."""


class Operator(Frozen):
    """Who flew missions, and who carries that on."""

    id: Identifier
    name: str = Field(min_length=1)
    country: str = Field(min_length=2, max_length=2, description="ISO 3166 code; SU for the Soviet Union.")
    successor: Identifier | None = Field(default=None, description="Operator that carries its work on.")


class HeritageMission(Row):
    """A mission that has flown, with what it showed in flight."""

    operator: Identifier
    kind: Literal["flyby", "impact", "orbiter", "lander", "rover", "sample-return", "relay", "crew", "station"] = (
        Field(description="What it was.")
    )
    outcome: Literal["success", "partial", "failure", "unknown"]
    launch: When
    reached: When | None = Field(
        default=None, description="Arrival at the Moon: landing, orbit, passage or impact."
    )
    shows: tuple[Technology, ...] = Field(default=(), description="Technologies that worked in flight.")
    tried: tuple[Technology, ...] = Field(default=(), description="Technologies tried and not reached.")
    latitude_deg: float | None = Field(default=None, ge=-90, le=90, description="Where it came down [deg].")
    longitude_deg: float | None = Field(default=None, ge=-180, le=360, description="East positive [deg].")
    sample_g: float | None = Field(default=None, gt=0, description="Returned [g].")
    not_verified: tuple[Literal["launch", "reached", "outcome", "shows", "tried"], ...] = Field(
        default=(), description="Fields that were not checked against a text."
    )

    @model_validator(mode="after")
    def _sound(self) -> HeritageMission:
        if self.reached and when_bounds(self.reached)[1] < when_bounds(self.launch)[0]:
            raise ValueError("reached is before launch: correct one of them")
        if both := set(self.shows) & set(self.tried):
            raise ValueError(f"{', '.join(sorted(both))} both shown and tried without success: keep one")
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise ValueError("latitude_deg and longitude_deg come together: give both or neither")
        if self.outcome == "failure" and self.shows:
            raise ValueError("a failure shows nothing here: call it partial, or move shows to tried")
        return self

    @property
    def verified(self) -> bool:
        """Whether every field was checked against a text."""
        return not self.not_verified

    @property
    def year(self) -> int:
        """Year of the launch; the last that its date allows."""
        return when_bounds(self.launch)[1].year


@dataclass(frozen=True)
class Attempts:
    """How often a technology worked, of how many attempts.

    Parameters
    ----------
    technology : str
        One of `TECHNOLOGIES`.
    successes, trials : int
        Attempts that worked, and all of them.
    missions : tuple of str
        All of them, in order of launch.
    not_verified : tuple of str
        Those that count by a field that was not checked.

    Examples
    --------
    >>> Attempts("orbit", 3, 4, ("a", "b", "c", "d"), ()).chance
    0.7
    """

    technology: str
    successes: int
    trials: int
    missions: tuple[str, ...]
    not_verified: tuple[str, ...]

    @property
    def chance(self) -> float:
        """Chance of the next attempt: mean of the Beta law after them with half a success and half a failure [1].

        Jeffreys, H. (1946), Proc. R. Soc. A 186, 453-461, doi:10.1098/rspa.1946.0056.
        """
        return (self.successes + 0.5) / (self.trials + 1.0)

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self) | {"chance": self.chance}


class Heritage(Frozen):
    """The catalogue: operators and missions.

    `load_heritage` reads one from TOML and reports all faults at once.
    """

    schema_version: Literal[1]
    operators: tuple[Operator, ...] = Field(min_length=1)
    missions: tuple[HeritageMission, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _joined(self) -> Heritage:
        operators = {row.id for row in self.operators}
        faults = [
            f"{row.id} names the operator {row.operator!r}, which is not listed"
            for row in self.missions
            if row.operator not in operators
        ]
        faults += [
            f"{row.id} names the successor {row.successor!r}, which is not listed"
            for row in self.operators
            if row.successor is not None and row.successor not in operators
        ]
        for found in ([row.id for row in self.missions], [row.id for row in self.operators]):
            faults += [f"{name} stands twice" for name in sorted({n for n in found if found.count(n) > 1})]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def mission(self, identifier: str) -> HeritageMission:
        """The mission with this identifier.

        Parameters
        ----------
        identifier : str
            Such as ``"luna-16"``.

        Raises
        ------
        UnknownNameError
            If the catalogue has none.

        Examples
        --------
        >>> load_heritage().mission("luna-16").sample_g
        101.0
        """
        for row in self.missions:
            if row.id == identifier:
                return row
        raise UnknownNameError(identifier, [row.id for row in self.missions], kind="heritage mission")

    def carries_on(self, owner: str, operator: str) -> bool:
        """Whether an owner is an operator or carries its work on.

        Examples
        --------
        >>> load_heritage().carries_on("roscosmos", "ussr"), load_heritage().carries_on("cnsa", "ussr")
        (True, False)
        """
        known = {row.id: row.successor for row in self.operators}
        seen: set[str] = set()
        at: str | None = operator
        while at is not None and at not in seen:
            if at == owner:
                return True
            seen.add(at)
            at = known.get(at)
        return False

    def attempts(
        self, technology: str, *, operators: Iterable[str] = (), since: int | None = None, until: int | None = None
    ) -> Attempts:
        """How often a technology worked.

        Parameters
        ----------
        technology : str
            One of `TECHNOLOGIES`.
        operators : iterable of str
            Only theirs; all if none are given.
        since, until : int, optional
            First and last year of launch.

        Returns
        -------
        Attempts

        Raises
        ------
        UnknownNameError
            If there is no such technology or operator.

        Examples
        --------
        >>> record = load_heritage().attempts("soft-landing", operators=["ussr", "roscosmos"], since=1966)
        >>> record.successes, record.trials
        (7, 11)
        """
        if technology not in TECHNOLOGIES:
            raise UnknownNameError(technology, TECHNOLOGIES, kind="technology")
        wanted = set(operators)
        for name in wanted - {row.id for row in self.operators}:
            raise UnknownNameError(name, [row.id for row in self.operators], kind="operator")
        rows = [
            row
            for row in sorted(self.missions, key=lambda row: when_bounds(row.launch)[0])
            if technology in (*row.shows, *row.tried)
            and (not wanted or row.operator in wanted)
            and (since is None or row.year >= since)
            and (until is None or row.year <= until)
        ]
        return Attempts(
            technology=technology,
            successes=sum(technology in row.shows for row in rows),
            trials=len(rows),
            missions=tuple(row.id for row in rows),
            not_verified=tuple(row.id for row in rows if _doubtful(row, technology)),
        )


def _doubtful(row: HeritageMission, technology: str) -> bool:
    """Whether a mission counts for a technology by a field that was not checked."""
    field = "shows" if technology in row.shows else "tried"
    return bool({field, "outcome"} & set(row.not_verified))


def load_heritage(path: str | os.PathLike[str] | None = None) -> Heritage:
    """Read a heritage catalogue.

    Parameters
    ----------
    path : path-like, optional
        A TOML file; the catalogue that comes with Moonpost if none is given.

    Returns
    -------
    Heritage

    Raises
    ------
    DataError
        If the file cannot be read, is not TOML, or has faults; the first ten are listed.

    Examples
    --------
    >>> catalogue = load_heritage()
    >>> sum(row.id.startswith("luna-") and row.operator == "ussr" for row in catalogue.missions)
    24
    """
    place = Path(path) if path is not None else Path(str(resources.files("moonpost.plan"))) / _BUNDLED
    raw = read_toml(place, "heritage catalogue")
    try:
        return Heritage.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(raw, row) for row in error.errors(include_url=False)]
        raise DataError(
            f"has {len(faults)} fault{'s' * (len(faults) != 1)}: {'; '.join(faults[:_TOLD])}",
            where=str(place),
            advice="correct each, see docs/heritage.md",
        ) from error


_BUNDLED = Path("catalogues") / "heritage.toml"
_TOLD = 10


def _fault(raw: dict[str, Any], error: Any) -> str:
    """A fault with the row's identifier instead of its number."""
    place = ""
    for part in error["loc"]:
        if isinstance(part, int):
            place += f"[{_name(raw, place, part)}]"
        else:
            place += f".{part}" if place else str(part)
    return f"{place or 'catalogue'}: {str(error['msg']).removeprefix('Value error, ')}"


def _name(raw: dict[str, Any], table: str, at: int) -> str:
    rows: Any = raw.get(table)
    if isinstance(rows, Sequence) and at < len(rows) and isinstance(rows[at], dict):
        return str(rows[at].get("id", at))
    return str(at)
