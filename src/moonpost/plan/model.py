"""The plan: one frozen, validated description of a station and its programme."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr

from moonpost.errors import UnknownNameError
from moonpost.plan.base import Frozen, Identifier, Row, Sourced, When
from moonpost.plan.elements import Activity, Element, Link
from moonpost.plan.missions import DeltaV, Demonstration, Launcher, Mission, Phase, Sample, Support, Transfer
from moonpost.plan.partners import Agreement, Barter, Call, Partner, Service, ShareRule
from moonpost.plan.places import GroundStation, MoonSite, Station, SurfaceStation
from moonpost.plan.science import DataProduct, Instrument, Objective

__all__ = ["SCHEMA_VERSION", "Assumption", "DesignRules", "Plan"]

SCHEMA_VERSION = 1


class DesignRules(Sourced):
    """The rules by which the station is sized."""

    start: When = Field(description="First day of the period that storage is sized for.")
    years: float = Field(default=19.0, gt=0, le=60, description="Length of that period [years].")
    system_margin: float = Field(default=0.2, ge=0, le=1, description="Added to the sum of margined loads [1].")
    dust_loss: float = Field(default=0.05, ge=0, lt=1, description="Array output lost to dust [1].")
    array_loss_per_year: float = Field(
        default=0.01, ge=0, lt=0.2, description="Array output lost per year [1/year]."
    )
    bus_efficiency: float = Field(default=0.92, gt=0, le=1, description="From source to load [1].")


class Assumption(Sourced):
    """Something taken as true that the answers depend on."""

    id: Identifier
    text: str = Field(min_length=8, description="The assumption in one sentence.")
    parameter: str | None = Field(
        default=None,
        description="Path of a number in the plan: design.system_margin or elements[x].storage.capacity_wh.",
    )
    low: float | None = Field(default=None, description="Low value of that number, to see what it changes.")
    high: float | None = Field(default=None, description="High value of that number.")


class Plan(Frozen):
    """A station's plan, frozen once loaded.

    Rows refer to each other by identifier. `moonpost.plan.load_plan` reads one from TOML and
    reports all faults at once.
    """

    schema_version: Literal[1]
    id: Identifier
    title: str = Field(min_length=1)
    summary: str = ""
    version: str = Field(default="1", description="Version of the plan itself; change it when facts change.")
    station: Station
    design: DesignRules
    phases: tuple[Phase, ...] = ()
    partners: tuple[Partner, ...] = Field(min_length=1)
    agreements: tuple[Agreement, ...] = ()
    calls: tuple[Call, ...] = ()
    sites: tuple[MoonSite, ...] = ()
    launchers: tuple[Launcher, ...] = ()
    delta_v: tuple[DeltaV, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    missions: tuple[Mission, ...] = ()
    elements: tuple[Element, ...] = ()
    ground_stations: tuple[GroundStation, ...] = ()
    links: tuple[Link, ...] = ()
    objectives: tuple[Objective, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    activities: tuple[Activity, ...] = ()
    samples: tuple[Sample, ...] = ()
    supports: tuple[Support, ...] = ()
    demonstrations: tuple[Demonstration, ...] = ()
    products: tuple[DataProduct, ...] = ()
    share_rule: ShareRule | None = None
    services: tuple[Service, ...] = ()
    barters: tuple[Barter, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    _path: Path | None = PrivateAttr(default=None)

    @property
    def path(self) -> str:
        """The file it was read from, or its identifier if it was built in memory."""
        return str(self._path or self.id)

    @property
    def located_path(self) -> Path | None:
        """The file it was read from; None if it was built in memory."""
        return self._path

    def located_at(self, path: Path | None) -> Self:
        """The same plan, knowing the file it came from (relative terrain paths start there)."""
        located = self.model_copy()
        located._path = path
        return located

    def terrain_paths(self, site: MoonSite) -> tuple[Path, ...]:
        """The site's terrain files, finest first, relative ones taken from the plan's folder."""
        folder = self._path.parent if self._path is not None else Path()
        return tuple(folder / name for name in site.terrain)

    @property
    def sha256(self) -> str:
        """Hash of the plan's content (canonical JSON), the same on every machine."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def row(self, table: str, identifier: str) -> Any:
        """The row of a table by identifier.

        Parameters
        ----------
        table : str
            A table of the plan, such as ``"sites"``.
        identifier : str
            The row's ``id``.

        Raises
        ------
        UnknownNameError
            If the table has no such row.

        Examples
        --------
        >>> from moonpost.plan import load_plan
        >>> load_plan("ilrs").row("missions", "ce5").kind
        'sample-return'
        """
        rows: tuple[Row, ...] = getattr(self, table)
        for row in rows:
            if row.id == identifier:
                return row
        raise UnknownNameError(identifier, [row.id for row in rows], kind=table.rstrip("s"), where=self.path)

    def site(self, identifier: str) -> MoonSite:
        """The site with this identifier."""
        found: MoonSite = self.row("sites", identifier)
        return found

    def mission(self, identifier: str) -> Mission:
        """The mission with this identifier."""
        found: Mission = self.row("missions", identifier)
        return found

    def element(self, identifier: str) -> Element:
        """The element with this identifier."""
        found: Element = self.row("elements", identifier)
        return found

    def station_elements(self) -> tuple[Element, ...]:
        """Elements on the station's power bus."""
        return tuple(element for element in self.elements if element.bus == "station")

    def station_sites(self) -> tuple[MoonSite, ...]:
        """The baseline site, then the candidates; empty for a station in orbit."""
        if not isinstance(self.station, SurfaceStation):
            return ()
        names = dict.fromkeys((self.station.site, *self.station.candidates))
        return tuple(self.site(name) for name in names)
