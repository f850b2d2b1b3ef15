"""Flights that could bring what a change took away: missions to come with room, and further launches."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from moonpost.campaign.launches import FlightKind, LeftOut, flight_kinds
from moonpost.campaign.loading import Flight
from moonpost.campaign.repairsteps import margined_kg
from moonpost.campaign.support import Standing
from moonpost.errors import ModelError
from moonpost.flight.missions import landed_mass_kg
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation

__all__ = ["CARRIERS", "FlightOptions", "Option", "day_number"]

CARRIERS = ("lander", "vehicle", "ascender")
"""Kinds of element that carry others."""

_DAY = dt.timedelta(days=1)
_ORIGIN = dt.datetime(2000, 1, 1)
_COPIES = 4
_UNPRICED = "it has no cost, and others have: to fly a mission again counts as the dearest"


@dataclass(frozen=True)
class Option:
    """A flight that could bring something: the flight of the search, and its mission in the plan."""

    flight: Flight
    mission: Mission
    new: bool


class FlightOptions:
    """Flights that could bring the elements of a mission instead of it.

    Parameters
    ----------
    plan, changed : Plan
        The plan before and after the change.
    standing : Standing
        The changed plan as it is built.
    cancelled : collection of str
        Missions that do not come.
    costs : mapping of str to float or None
        Cost of a launch by launcher, before those of the plan.
    relaunch_days : float
        Wait of a further launch after the first date of the mission that it replaces [d].
    """

    def __init__(
        self,
        plan: Plan,
        changed: Plan,
        standing: Standing,
        cancelled: Collection[str],
        costs: Mapping[str, float] | None,
        relaunch_days: float,
    ) -> None:
        self.plan, self.changed, self.cancelled, self.costs = plan, changed, tuple(cancelled), costs
        self.wait = relaunch_days * _DAY
        self.left_out: list[LeftOut] = []
        self.cost_by = {row.id: row.cost for row in changed.launchers} | dict(costs or {})
        self.priced = any(cost is not None for cost in self.cost_by.values())
        self.arrivals = {row.mission: row.arrival for row in standing.order.missions if row.blocked_by is None}
        self.tied = {name for gone in self.cancelled for name in (gone, *_dependents(changed, gone))}

    def of(self, homes: Mapping[str, Sequence[Element]]) -> dict[str, list[Option]]:
        """Flights for the elements of some missions.

        Parameters
        ----------
        homes : mapping of str to sequence of Element
            What has to be brought, by the mission that was to bring it.

        Returns
        -------
        dict of str to list of Option
            Further launches serve all missions that end in the same place, and are the same options for each.
        """
        found: dict[str, list[Option]] = {}
        for index, group in enumerate(self._groups(homes)):
            pieces = sum(len(homes[name]) for name in group)
            rows = [self.plan.mission(name) for name in group]
            first = min(rows, key=lambda row: when_bounds(row.launch)[0])
            site = next((row.site for row in rows if row.site is not None), None)
            shared = self._further(
                first.model_copy(update={"site": site}), pieces, f"-{index + 1}" if index else ""
            )
            for row in rows:
                own = self.again(row) if row.id in self.cancelled else self._staying(row, homes[row.id])
                found[row.id] = [*self._riding(row), own, *shared]
        return found

    def _groups(self, homes: Collection[str]) -> list[list[str]]:
        """Missions that end in the same place; one without a site goes with the first that has the same end."""
        groups: dict[tuple[str | None, str | None], list[str]] = {}
        rows = [self.plan.mission(name) for name in homes]
        for row in sorted(rows, key=lambda row: row.site is None):
            end = _destination(self.plan, row)
            near = [key for key in groups if key[0] == end and row.site is None]
            groups.setdefault(near[0] if near else (end, row.site), []).append(row.id)
        return list(groups.values())

    def _staying(self, home: Mission, elements: Sequence[Element]) -> Option:
        """The mission itself, if it still flies: too late for what it should bring, but at no cost."""
        mass = math.fsum(margined_kg(row) or 1.0 for row in elements) + 1.0
        arrival = self.arrivals.get(home.id)
        day = _arrival(self.changed.mission(home.id)) if arrival is None else day_number(_instant(arrival))
        return Option(Flight(home.id, f"stay {home.id}", day, mass, math.inf, 0.0), home, False)

    def again(self, lost: Mission) -> Option:
        """A mission once more with all that it had, so much later as it takes to build it again.

        Parameters
        ----------
        lost : Mission
            The mission.

        Returns
        -------
        Option
        """
        own = [row for row in self.changed.elements if row.mission == lost.id]
        mass = math.fsum(margined_kg(row) or 1.0 for row in own) + 1.0
        name = f"{lost.id[:40].rstrip('-')}-again"
        mission = self._new(lost, name, f"{lost.name}, flown again", lost.launcher, 0.0, again=True)
        flight = Flight(
            mission.id, f"again {lost.id}", _arrival(mission), mass, math.inf, self.cost(lost.launcher)
        )
        return Option(flight, mission, True)

    def cost(self, launcher: str | None) -> float:
        """Cost of a launch; one where launches are counted, the dearest known where this one is not known.

        Parameters
        ----------
        launcher : str or None
            A launcher of the plan.

        Returns
        -------
        float
        """
        if not self.priced:
            return 1.0
        own = self.cost_by.get(launcher or "")
        if own is not None:
            return own
        if launcher is not None:
            self._leave(launcher, _UNPRICED)
        return max(cost for cost in self.cost_by.values() if cost is not None)

    def _riding(self, lost: Mission) -> list[Option]:
        """Missions to come that end in the same place and have room."""
        end, found = _destination(self.changed, lost), []
        for mission in self.changed.missions:
            arrival = self.arrivals.get(mission.id)
            same = lost.site is None or mission.site == lost.site
            if (
                mission.status not in ("planned", "proposed")
                or mission.id in (*self.tied, lost.id)
                or arrival is None
            ):
                continue
            if end is None or _destination(self.changed, mission) != end or not same:
                continue
            room = _room(self.changed, mission)
            if room is None:
                self._leave(mission.id, "its room for cargo is not known")
            elif room[0] > 0:
                flight = Flight(mission.id, mission.id, day_number(_instant(arrival)), room[0], room[1], 0.0)
                found.append(Option(flight, mission, False))
        return found

    def _further(self, lost: Mission, pieces: int, mark: str) -> list[Option]:
        """Launchers of known capacity by the way of the lost mission."""
        end = _destination(self.changed, lost)
        if end is None:
            return []
        if end != ("surface" if isinstance(self.changed.station, SurfaceStation) else "orbit"):
            self._leave(lost.id, f"ends at {end}: only the same mission once more is looked at")
            return []
        kinds = flight_kinds(self.changed, transfers=[str(lost.transfer)], costs=self.costs)
        for row in kinds.left_out:
            self._leave(row.id, row.reason)
        found: list[Option] = []
        for kind in kinds.kinds:
            if self.priced and self.cost_by.get(kind.launcher) is None:
                self._leave(kind.launcher, _UNPRICED)
                continue
            found += [self._kind(lost, kind, copy, mark) for copy in range(min(pieces, _COPIES))]
        return found

    def _kind(self, lost: Mission, kind: FlightKind, copy: int, mark: str) -> Option:
        """One further launch of a kind, the next one as long after it as its rate asks."""
        name = f"further-{kind.launcher[:30].rstrip('-')}-{copy + 1}{mark}"
        title = f"{kind.name}, further launch{f' {copy + 1}' if copy else ''}"
        mission = self._new(lost, name, title, kind.launcher, 365.25 * copy / kind.per_year)
        room = math.inf if kind.volume_m3 is None else kind.volume_m3
        cost = self.cost(kind.launcher)
        flight = Flight(mission.id, f"{kind.id}{mark}", _arrival(mission), kind.cargo_kg, room, cost)
        return Option(flight, mission, True)

    def _new(
        self, lost: Mission, name: str, title: str, launcher: str | None, later_days: float, *, again: bool = False
    ) -> Mission:
        """A mission that does not exist yet."""
        taken = {row.id for row in self.changed.missions}
        short = name[:44].rstrip("-")
        name = next(text for text in (name[:48], *(f"{short}-{k}" for k in range(2, 99))) if text not in taken)
        launch = when_bounds(lost.launch)[0] + self.wait + later_days * _DAY
        available = None if launcher is None else self.changed.row("launchers", launcher).available
        if available is not None:
            launch = max(launch, when_bounds(available)[0])
        without = self.cancelled if again else self.tied
        return Mission(
            id=name,
            name=title,
            owner=lost.owner,
            approvers=lost.approvers,
            partners=lost.partners,
            kind=lost.kind,
            status="proposed",
            launch=_text(launch) + "/" + _text(launch + 365 * _DAY),
            phase=lost.phase,
            launcher=launcher,
            transfer=lost.transfer,
            site=lost.site,
            launch_mass_kg=lost.launch_mass_kg if again else None,
            requires=tuple(row for row in lost.requires if row not in without),
            source=f"Repair of a what-if on version {self.plan.version} of plan {self.plan.id}",
            confidence="C",
            note="Estimates (C): every number.",
        )

    def _leave(self, name: str, reason: str) -> None:
        row = LeftOut(name, reason)
        if row not in self.left_out:
            self.left_out.append(row)


def _room(plan: Plan, mission: Mission) -> tuple[float, float] | None:
    """Mass [kg] and volume [m3] left on a mission, with margins on what it carries; None if not known."""
    aboard = [row for row in plan.elements if row.mission == mission.id]
    masses = [margined_kg(row) for row in aboard]
    try:
        found = landed_mass_kg(plan, mission)
    except ModelError:
        return None
    if any(mass is None for mass in masses):
        return None
    total = math.fsum(mass for mass in masses if mass is not None)
    cargo = math.fsum(
        mass for row, mass in zip(aboard, masses, strict=True) if mass is not None and row.kind not in CARRIERS
    )
    bound = math.inf if found.payload_bound_kg is None else found.payload_bound_kg - cargo
    way = plan.row("transfers", str(mission.transfer))
    launcher = None if mission.launcher is None else plan.row("launchers", mission.launcher)
    rooms = [
        room for room in (way.cargo_m3, None if launcher is None else launcher.fairing_m3) if room is not None
    ]
    used = math.fsum((row.volume_m3 or 0.0) * row.count for row in aboard if row.kind not in CARRIERS)
    return min(found.delivered_kg - total, bound), max(min(rooms, default=math.inf) - used, 0.0)


def _destination(plan: Plan, mission: Mission) -> str | None:
    """Where a mission's transfer ends."""
    return None if mission.transfer is None else str(plan.row("transfers", mission.transfer).destination)


def _dependents(plan: Plan, mission: str) -> set[str]:
    """Missions that require a mission, directly or through others."""
    found: set[str] = set()
    grown = True
    while grown:
        more = {row.id for row in plan.missions if {mission, *found} & set(row.requires)} - found
        found |= more
        grown = bool(more)
    return found


def day_number(date: dt.datetime) -> float:
    """Days since the begin of 2000 [d].

    Parameters
    ----------
    date : datetime.datetime
        UTC.

    Returns
    -------
    float

    Examples
    --------
    >>> day_number(dt.datetime(2000, 1, 2, 12))
    1.5
    """
    return (date - _ORIGIN) / _DAY


def _arrival(mission: Mission) -> float:
    """Arrival of a new mission [d]: five days after its launch."""
    return day_number(when_bounds(mission.launch)[0]) + 5.0


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.rstrip("Z"))


def _text(date: dt.datetime) -> str:
    return date.replace(microsecond=0).isoformat(timespec="seconds") + "Z"
