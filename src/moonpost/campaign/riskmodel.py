"""A plan as the arrays that a campaign with drawn luck runs on, and what each of its chances rests on."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import Basis, Chance, RiskAssumptions
from moonpost.campaign.riskrecord import FIRST_FLIGHTS, LANDING_RECORD, ORBIT_RECORD, Record, record_of
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight.missions import landed_mass_kg
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element, Reactor, SolarArray
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.power.loads import MATURITY_MARGIN

__all__ = ["RiskAssumptions", "RiskModel", "risk_model"]

_ORIGIN = dt.datetime(2000, 1, 1)
_DAY = dt.timedelta(days=1)
_FLOATS = npt.NDArray[np.float64]
_INTS = npt.NDArray[np.int64]
_MOST_ROWS = 999
_IN_ORBIT = ("orbiter", "relay")
_CARRIERS = ("lander", "vehicle", "ascender")


@dataclass(frozen=True, eq=False)
class RiskModel:
    """A plan as arrays: what is certain, what is drawn, and what needs what.

    Parameters
    ----------
    missions, owners, elements, launchers, sources : tuple of str
        Names, elements with those they need first; `owners` are those of the missions, `sources` the elements of
        the sources of power.
    mission_arrays, element_arrays, source_arrays : dict of str to ndarray
        Dates [d since 2000], masses [kg], power [W], indices and flags.
    launcher_days : ndarray, (l, 4)
        First flight or minus infinity, its mean delay, mean stand-down and least time between flights [d].
    launches, arrivals : tuple of Chance
        Chances of launch by launcher (the last for missions without one), and of arrival by family.
    dust : tuple of float
        Low, likely and high part of an array's output that dust takes [1].
    array_loss_per_year : float
        Output lost in a year [1/year].
    paths : tuple
        Ways of data: elements that have to work, and bits per second; by the element that sends.
    objectives : dict of str to tuple of int
        Elements that serve each objective.
    reflights : int
        Most times that a failed mission is repeated.
    assumptions : RiskAssumptions
        What stood in.
    basis : tuple of Basis
        What each figure rests on.
    notes : tuple of str
        What is not judged, and why.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> model = risk_model(load_plan("ilrs"))
    >>> model.missions[0], len(model.elements) == len(load_plan("ilrs").elements)
    ('queqiao', True)
    """

    missions: tuple[str, ...]
    owners: tuple[str, ...]
    elements: tuple[str, ...]
    launchers: tuple[str, ...]
    sources: tuple[str, ...]
    mission_arrays: dict[str, npt.NDArray[Any]]
    element_arrays: dict[str, npt.NDArray[Any]]
    source_arrays: dict[str, npt.NDArray[Any]]
    launcher_days: _FLOATS
    launches: tuple[Chance, ...]
    arrivals: tuple[Chance, ...]
    dust: tuple[float, float, float]
    array_loss_per_year: float
    paths: tuple[tuple[int, tuple[int, ...], float], ...]
    objectives: dict[str, tuple[int, ...]]
    reflights: int
    assumptions: RiskAssumptions
    basis: tuple[Basis, ...]
    notes: tuple[str, ...]


def risk_model(plan: Plan, *, reflights: int = 0, assumptions: RiskAssumptions | None = None) -> RiskModel:
    """Lay a plan out for runs with drawn luck.

    Parameters
    ----------
    plan : Plan
        The plan.
    reflights : int
        Most times that a mission which failed is flown again.
    assumptions : RiskAssumptions, optional
        What stands in where the plan says nothing.

    Returns
    -------
    RiskModel

    Raises
    ------
    InputError
        If `reflights` is out of range.
    UnknownNameError
        If a record is given for what the plan does not use.
    ModelError
        If missions or elements require each other in a circle, or are more than 999.

    Notes
    -----
    Chance of a launch: the launcher's `reliability`; else its flights in the plan after Jeffreys, lost missions
    left out as the plan does not say where they were lost; else `FIRST_FLIGHTS`. Chance of arrival: the mission's
    `arrival_reliability`, else the record of its owner's country, landings and orbits apart.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {row.factor for row in risk_model(load_plan("ilrs")).basis} >= {"launch:cz-10", "landing:CN", "dust"}
    True
    """
    if isinstance(reflights, bool) or not isinstance(reflights, int) or not 0 <= reflights <= 5:
        raise InputError(f"is {reflights!r}", where="reflights", advice="give a whole number from 0 to 5")
    if max(len(plan.missions), len(plan.launchers)) > _MOST_ROWS:
        raise ModelError(
            f"it has more than {_MOST_ROWS} missions or launchers", where=plan.id, advice="fly a part of it"
        )
    layout = _Layout(plan, assumptions or RiskAssumptions())
    found = layout.model(reflights)
    for name in layout.given.records:
        if name not in layout.basis:
            known = [row for row in layout.basis if row.partition(":")[0] in ("launch", "landing", "orbit")]
            raise UnknownNameError(name, known, kind="record", where="records")
    return found


class _Layout:
    """Collects the arrays of a plan, and what they rest on."""

    def __init__(self, plan: Plan, assumptions: RiskAssumptions) -> None:
        self.plan, self.given = plan, assumptions
        self.basis: dict[str, Basis] = {}
        self.notes: list[str] = []
        self.missions = list(plan.missions)
        self.place = {row.id: k for k, row in enumerate(self.missions)}
        elements = {row.id: row for row in plan.elements}
        names = _sorted("elements", {key: _needs(row) for key, row in elements.items()})
        self.elements = [elements[name] for name in names]
        self.at = {name: k for k, name in enumerate(names)}
        _sorted("missions", {row.id: row.requires for row in self.missions})
        self.launchers = [row.id for row in plan.launchers]
        self.countries = {row.id: row.country for row in plan.partners}
        self.arrivals: list[Chance] = []
        self.families: dict[str, int] = {}

    def model(self, reflights: int) -> RiskModel:
        """Everything together."""
        launches = tuple(self._launch(name) for name in (*self.launchers, None))
        missions = self._missions()
        elements = self._elements()
        sources, names = self._sources()
        rules = self.plan.design
        return RiskModel(
            missions=tuple(row.id for row in self.missions),
            owners=tuple(row.owner for row in self.missions),
            elements=tuple(row.id for row in self.elements),
            launchers=tuple(self.launchers),
            sources=names,
            mission_arrays=missions,
            element_arrays=elements,
            source_arrays=sources,
            launcher_days=self._launcher_days(),
            launches=launches,
            arrivals=tuple(self.arrivals),
            dust=self._dust(),
            array_loss_per_year=rules.array_loss_per_year,
            paths=self._paths(),
            objectives=self._objectives(),
            reflights=reflights,
            assumptions=self.given,
            basis=tuple(self.basis.values()),
            notes=tuple(self.notes),
        )

    def _tell(self, factor: str, value: float, text: str, *, assumed: bool = False, bounds: Any = None) -> None:
        """Keep what a figure rests on."""
        low, high = bounds or (None, None)
        self.basis[factor] = Basis(factor, float(value), low, high, text, assumed)

    def _launch(self, launcher: str | None) -> Chance:
        """Chance that a launcher works."""
        name = f"launch:{launcher or 'none'}"
        used = [row for row in self.missions if row.launcher == launcher]
        to_come = any(_to_come(row) for row in used)
        if to_come and name in self.given.records:
            return self._recorded(name, self.given.records[name])
        if launcher is not None:
            given = self.plan.row("launchers", launcher).reliability
            if given is not None:
                if to_come:
                    self._tell(name, given, "reliability of the plan")
                return Chance(name, given)
        flown = sum(row.status == "flown" for row in used) if launcher is not None else 0
        record = (
            Record(flown, flown, f"{flown} flights in the plan, none lost at launch") if flown else FIRST_FLIGHTS
        )
        if to_come:
            self._tell(name, record.mean, record.source, bounds=record.bounds())
        return Chance(name, record.mean, record)

    def _recorded(self, name: str, record: Record) -> Chance:
        """A chance from a record."""
        self._tell(name, record.mean, record.source, bounds=record.bounds())
        return Chance(name, record.mean, record)

    def _launcher_days(self) -> _FLOATS:
        """First flights, delays, stand-downs and pace of the launchers."""
        rows = []
        for name in (*self.launchers, None):
            row = None if name is None else self.plan.row("launchers", name)
            used = [mission for mission in self.missions if mission.launcher == name]
            flown = any(mission.status in ("flown", "lost") for mission in used)
            first, slip, gap = -math.inf, 0.0, 0.0
            if row is not None and row.available is not None:
                first = _days(when_bounds(row.available)[0])
                slip = 0.0 if flown else self.given.launcher_slip_days
            if row is not None and row.per_year is not None:
                gap = 365.25 / row.per_year
                if any(_to_come(mission) for mission in used):
                    self._tell(f"pace:{name}", gap, "least time between launches, from per_year of the plan")
            if slip > 0.0 and any(_to_come(mission) for mission in used):
                self._tell(f"launcher:{name}", slip, "mean delay of its first flight", assumed=True)
            rows.append((first, slip, 0.0 if name is None else self.given.stand_down_days, gap))
        self._tell("stand-down", self.given.stand_down_days, "mean pause after a failed launch", assumed=True)
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def _arrival(self, mission: Mission, family: str) -> int:
        """Number of the chance that a mission lands, or comes into orbit."""
        given, asked = mission.arrival_reliability, family == self._way(mission)
        country = self.countries.get(mission.owner)
        records = LANDING_RECORD if family == "landing" else ORBIT_RECORD
        name = f"{family}:{country if country in records else 'all'}"
        if given is not None and asked and name not in self.given.records:
            name = f"{family}:{mission.id}"
            found = Chance(name, given)
            self._tell(name, given, "arrival_reliability of the plan")
        else:
            record = self.given.records.get(name) or record_of(records, country)
            found = Chance(name, record.mean, record)
            if asked:
                self._recorded(name, record)
        if name not in self.families:
            self.families[name] = len(self.arrivals)
            self.arrivals.append(found)
        return self.families[name]

    def _way(self, mission: Mission) -> str:
        """Whether a mission has to land or only to come into orbit."""
        if mission.transfer is not None:
            return "landing" if self.plan.row("transfers", mission.transfer).destination in _GROUND else "orbit"
        return "orbit" if mission.kind in ("orbiter", "relay", "flyby") else "landing"

    def _slip(self, mission: Mission) -> float:
        """Mean delay of a mission."""
        if mission.slip_days is not None:
            self._tell(f"slip:{mission.id}", mission.slip_days, "slip_days of the plan")
            return mission.slip_days
        text = "mean delay of seven missions of the roadmap of 2021 by 2026"
        changed = self.given.slip_days != RiskAssumptions.slip_days
        self._tell(f"slip:{mission.id}", self.given.slip_days, "given" if changed else text, assumed=True)
        return self.given.slip_days

    def _missions(self) -> dict[str, npt.NDArray[Any]]:
        """Dates, chances and needs of the missions."""
        rows = []
        for mission in self.missions:
            begin, end = (_days(date) for date in when_bounds(mission.launch))
            transit = (self.given.transit_days, self.given.transit_days)
            if mission.landing is not None:
                low, high = (_days(date) for date in when_bounds(mission.landing))
                transit = (low - begin, high - end)
            to_come = _to_come(mission)
            state = 0 if to_come else 1 if mission.status == "flown" else 2
            launcher = len(self.launchers) if mission.launcher is None else self.launchers.index(mission.launcher)
            slip = self._slip(mission) if to_come else 0.0
            land = self._arrival(mission, self._way(mission)) if to_come else -1
            orbit = self._arrival(mission, "orbit") if to_come else -1
            capacity = self._capacity(mission) if to_come else (math.nan,) * 3
            rows.append((begin, end - begin, *transit, slip, state, launcher, land, orbit, *capacity))
        table = np.array(rows, dtype=np.float64).reshape(-1, 12)
        dated = ("begin", "span", "transit_low", "transit_high", "slip")
        found: dict[str, npt.NDArray[Any]] = {name: table[:, k].copy() for k, name in enumerate(dated)}
        for k, name in enumerate(("state", "launcher", "land", "orbit"), start=5):
            found[name] = table[:, k].astype(np.int64)
        found["capacity"] = table[:, 9:12].copy()
        found["needs"] = _padded([[self.place.get(n, -2) for n in row.requires] for row in self.missions])
        site = getattr(self.plan.station, "site", None)
        bringing = {row.mission for row in self.elements if row.bus == "station"}
        found["at_station"] = np.array(
            [row.id in bringing or (row.site is not None and row.site == site) for row in self.missions],
            dtype=bool,
        )
        return found

    def _capacity(self, mission: Mission) -> tuple[float, float, float]:
        """Mass that a mission brings at least, likely and at most [kg]; NaN where it is not judged."""
        brought = [row for row in self.elements if row.mission == mission.id]
        cargo = [row for row in brought if self._way(mission) == "orbit" or row.kind not in _IN_ORBIT]
        if not cargo:
            return (math.nan,) * 3
        unknown = [row.id for row in cargo if row.best_mass_kg is None]
        if unknown:
            self.notes.append(f"{mission.id}: whether its cargo fits is not judged: mass of {unknown[0]} unknown")
            return (math.nan,) * 3
        if mission.landed_mass_kg is not None:
            return (mission.landed_mass_kg,) * 3
        try:
            found = landed_mass_kg(self.plan, mission)
        except ModelError as error:
            self.notes.append(f"{mission.id}: whether its cargo fits is not judged: {error.what}")
            return (math.nan,) * 3
        text = "chain with the highest, the likely and the lowest velocity changes"
        low = found.arrival_low_kg or 0.0
        self._tell(f"performance:{mission.id}", found.arrival_kg, text, bounds=(low, found.arrival_high_kg))
        return low, found.arrival_kg, found.arrival_high_kg

    def _elements(self) -> dict[str, npt.NDArray[Any]]:
        """Masses, needs and lives of the elements, in an order in which needs come first."""
        flown = {row.id for row in self.missions if row.status == "flown"}
        rows = []
        for row in self.elements:
            best = row.best_mass_kg or 0.0
            low, high = (row.mass_low_kg, row.mass_high_kg)
            if low is None or high is None:
                low, high = best, best * (1.0 + MATURITY_MARGIN[row.maturity])
                best = 0.5 * (low + high)
            pause = 0.0 if row.mission in flown else self.given.commissioning_days
            life = math.inf if row.life_years is None else 365.25 * row.life_years
            rows.append((row.count * low, row.count * best, row.count * high, pause, life))
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
        ways = {row.id: self._way(row) for row in self.missions}
        return {
            "mass": table[:, :3].copy(),
            "pause": table[:, 3].copy(),
            "life": table[:, 4].copy(),
            "best_kg": np.array(
                [(row.best_mass_kg or 0.0) * row.count for row in self.elements], dtype=np.float64
            ),
            "mission": np.array([self.place.get(row.mission, -1) for row in self.elements], dtype=np.int64),
            "in_orbit": np.array(
                [row.kind in _IN_ORBIT and ways.get(row.mission) == "landing" for row in self.elements], dtype=bool
            ),
            "carrier": np.array([row.kind in _CARRIERS for row in self.elements], dtype=bool),
            "needs": _padded([[self.at.get(name, -2) for name in _needs(row)] for row in self.elements]),
            "keep": np.array(sorted(range(len(self.elements)), key=self._keep), dtype=np.int64),
        }

    def _keep(self, k: int) -> tuple[bool, int, float, str]:
        """What stays aboard first: what carries the rest, then by priority, then the heavier."""
        row = self.elements[k]
        return row.kind not in _CARRIERS, row.priority, -(row.best_mass_kg or 0.0), row.id

    def _sources(self) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...]]:
        """Sources of power: element, output, whether it is an array, whether on the station's bus."""
        rows, names = [], []
        for k, row in enumerate(self.elements):
            for source in row.generators:
                solar = isinstance(source, SolarArray)
                rated = source.rated_w if isinstance(source, SolarArray) else source.electric_w
                share = source.availability if isinstance(source, Reactor) else 1.0
                rows.append((k, row.count * rated * share, solar, row.bus == "station"))
                names.append(row.id)
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        return {
            "element": table[:, 0].astype(np.int64),
            "power": table[:, 1].copy(),
            "solar": table[:, 2].astype(bool),
            "station": table[:, 3].astype(bool),
        }, tuple(names)

    def _dust(self) -> tuple[float, float, float]:
        """Low, likely and high part of the output lost to dust, from the plan's rule and its range."""
        likely = self.plan.design.dust_loss
        low, high, text = 0.0, min(2.0 * likely, 0.99), "from none to twice the plan's dust_loss"
        for row in self.plan.assumptions:
            if row.parameter == "design.dust_loss" and row.low is not None and row.high is not None:
                low, high, text = row.low, row.high, "dust_loss of the plan with the range of its assumption"
        low, high = min(low, likely), max(high, likely)
        self._tell("dust", likely, text, assumed=True, bounds=(low, high))
        self._tell("landing-dust", self.given.landing_dust, "lost with each later landing there", assumed=True)
        return low, likely, high

    def _paths(self) -> tuple[tuple[int, tuple[int, ...], float], ...]:
        """Ways to the Earth of the elements on the station's bus: what has to work, and bits per second."""
        onward = {row.sender: row.rate_bit_s for row in self.plan.links if row.receiver not in self.at}
        found: list[tuple[int, tuple[int, ...], float]] = []
        for row in self.plan.links:
            sender = self.at.get(row.sender)
            if sender is None or self.elements[sender].bus != "station":
                continue
            if row.receiver not in self.at:
                found.append((sender, (sender,), row.rate_bit_s))
            elif row.receiver in onward:
                rate = min(row.rate_bit_s, onward[row.receiver])
                found.append((sender, (sender, self.at[row.receiver]), rate))
        return tuple(found)

    def _objectives(self) -> dict[str, tuple[int, ...]]:
        """Elements that serve each objective."""
        found: dict[str, tuple[int, ...]] = {}
        for objective in self.plan.objectives:
            serving = [row.element for row in self.plan.instruments if objective.id in row.objectives]
            found[objective.id] = tuple(sorted({self.at[name] for name in serving if name in self.at}))
        return found


_GROUND = ("surface", "earth")


def _to_come(mission: Mission) -> bool:
    """Whether a mission has still to fly."""
    return mission.status in ("planned", "proposed")


def _needs(element: Element) -> tuple[str, ...]:
    """Elements that have to work before this one."""
    powered = () if element.powered_by in (None, element.id) else (str(element.powered_by),)
    return tuple(dict.fromkeys((*element.requires, *powered)))


def _sorted(table: str, needs: dict[str, tuple[str, ...]]) -> list[str]:
    """Names with those they need first, in the plan's order otherwise."""
    try:
        return list(
            TopologicalSorter(
                {name: [n for n in rows if n in needs] for name, rows in needs.items()}
            ).static_order()
        )
    except CycleError as error:
        raise ModelError(
            f"they require each other in a circle: {' -> '.join(error.args[1])}",
            where=table,
            advice="remove one of these requires",
        ) from error


def _padded(rows: Iterable[list[int]]) -> _INTS:
    """Lists of different length as a table, filled up with -1; -2 stands for what the plan lacks."""
    lists = list(rows)
    width = max((len(row) for row in lists), default=0)
    return np.array([row + [-1] * (width - len(row)) for row in lists], dtype=np.int64).reshape(len(lists), width)


def _days(date: dt.datetime) -> float:
    """Days since 2000."""
    return (date - _ORIGIN) / _DAY
