"""The cargo of a plan on the launches that could bring it, beside what the plan itself has fly."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from moonpost.campaign.cargo import CargoList, CargoRow, plan_cargo
from moonpost.campaign.conflictwords import conflict_words
from moonpost.campaign.launchdates import Departure, granted, launch_dates
from moonpost.campaign.launches import FlightKinds, LeftOut, flight_kinds, station_missions
from moonpost.campaign.loading import Aim, Cargo, Flight, Loading, conflicts, load_flights
from moonpost.campaign.ownloading import Measures, measured, own_loading
from moonpost.errors import InputError, ModelError
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

__all__ = ["LoadedFlight", "PlanLoading", "campaign_start", "plan_loading"]

_UNITS = {"launches": "launches", "cost": "cost", "earliest": "days", "robust": "days"}


@dataclass(frozen=True)
class LoadedFlight:
    """A launch with what it brings.

    Parameters
    ----------
    id, launcher, transfer : str
        The flight, and how it flies.
    launch, arrival : str
        UTC.
    cargo : tuple of str
        What of the cargo list it brings.
    cargo_kg, capacity_kg : float
        What it brings, with margins, and could bring [kg].
    cargo_m3, capacity_m3 : float or None
        The same as room [m3]; volumes that are not known count as nothing.
    cost : float or None
        Of the launch.
    slack_days : float
        From its arrival until the first of its cargo is needed [d].
    tli_m_s, loi_m_s : float or None
        Impulses of the transfer of that day [m/s].

    Examples
    --------
    >>> LoadedFlight("x", "x", "land", "2031-01-01", "2031-01-06", ("a",), 1.0, 2.0, 0.0, None, None, 9.0, None,
    ...              None).filled
    0.5
    """

    id: str
    launcher: str
    transfer: str
    launch: str
    arrival: str
    cargo: tuple[str, ...]
    cargo_kg: float
    capacity_kg: float
    cargo_m3: float
    capacity_m3: float | None
    cost: float | None
    slack_days: float
    tli_m_s: float | None
    loi_m_s: float | None

    @property
    def filled(self) -> float:
        """Part of the capacity that is used [1]."""
        return self.cargo_kg / self.capacity_kg


@dataclass(frozen=True)
class PlanLoading:
    """Which launch brings what.

    Parameters
    ----------
    aim : {"launches", "cost", "earliest", "robust"}
        What was sought.
    start, stop : str
        First launch and last arrival that were allowed, UTC.
    flights : tuple of LoadedFlight
        By arrival; empty if it cannot be done.
    value, bound : float or None
        What the aim came to, and no loading has a better value; days are counted from `start`.
    unit : str
        Of both.
    optimal : bool
        Whether that is proved.
    gap : float or None
        Distance of value and bound over the value [1].
    if_low, if_high : int or None
        Fewest launches if each brought the low or the high end of its range; None if there is no way, or none was
        proved in the time.
    if_held : int or None
        Fewest launches if no cargo came before the plan's own date; None as above.
    measures : Measures or None
        Of this loading.
    own : Measures or None
        Of the plan's own missions at the last day that their dates allow; None if there is no cargo.
    own_faults : tuple of str
        What of the plan's own assignment does not fit.
    conflict : tuple of str
        Demands that cannot all be met, and what stands against them; empty if there is a loading.
    candidates : int
        Days of launch that were considered.
    kinds : FlightKinds
        Launchers with what they bring, and those left out.
    cargo : CargoList
        Cargo, and elements left out.
    assumptions : tuple of str
        What was taken for granted.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = plan_loading(load_plan("ilrs-orbit"), windows=False)
    >>> found.measures.launches, found.own.launches, found.optimal
    (3, 5, True)
    """

    aim: str
    start: str
    stop: str
    flights: tuple[LoadedFlight, ...]
    value: float | None
    bound: float | None
    unit: str
    optimal: bool
    gap: float | None
    if_low: int | None
    if_high: int | None
    if_held: int | None
    measures: Measures | None
    own: Measures | None
    own_faults: tuple[str, ...]
    conflict: tuple[str, ...]
    candidates: int
    kinds: FlightKinds
    cargo: CargoList
    assumptions: tuple[str, ...]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Launchers and elements that take no part."""
        return self.kinds.left_out + self.cargo.left_out

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def campaign_start(plan: Plan) -> dt.datetime:
    """First day on which a mission to the station may fly.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    datetime.datetime
        UTC without time zone.

    Raises
    ------
    InputError
        If no mission is still to fly.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> campaign_start(load_plan("ilrs")).isoformat()
    '2031-01-01T00:00:00'
    """
    dates = [when_bounds(row.launch)[0] for row in station_missions(plan)]
    dates = dates or [when_bounds(row.launch)[0] for row in plan.missions if row.status in ("planned", "proposed")]
    if not dates:
        raise InputError(
            "no mission is still to fly", where=plan.path, advice="say from when launches are possible"
        )
    return min(dates)


def plan_loading(
    plan: Plan,
    *,
    aim: Aim = "launches",
    start: str | None = None,
    early: bool = True,
    also: Collection[str] = (),
    kinds: FlightKinds | None = None,
    windows: bool = True,
    seconds: float = 30.0,
    progress: Callable[[float], None] | None = None,
) -> PlanLoading:
    """Put the cargo that a plan still has to bring on launches, in the best way by an aim.

    Parameters
    ----------
    plan : Plan
        The plan.
    aim : {"launches", "cost", "earliest", "robust"}
        As in `moonpost.campaign.loading.load_flights`.
    start : str, optional
        First launch, UTC; the first day of the missions to the station if not given.
    early : bool, default True
        Whether cargo may come before the plan's own date.
    also : collection of str
        Elements to bring besides, as in `moonpost.campaign.cargo.plan_cargo`.
    kinds : FlightKinds, optional
        Launchers; those of `moonpost.campaign.launches.flight_kinds` if not given.
    windows : bool, default True
        Whether to compute transfers for the days of launch.
    seconds : float, default 30.0
        Limit of the search [s].
    progress : callable, optional
        Called with the share of the transfers that are done.

    Returns
    -------
    PlanLoading

    Raises
    ------
    InputError
        If an argument cannot be used, or the aim is cost and no launcher has one.
    UnknownNameError
        If `also` names an element that the plan lacks.
    ModelError
        If the time is up before a loading was found or shown not to exist.

    Notes
    -----
    The candidates are all launches that the launchers' intervals allow until the last day of need, so that the
    optimum is one among these. Launchers too small for the lightest cargo are left out; under the aim cost
    also those without a cost.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = plan_loading(load_plan("ilrs"), windows=False)
    >>> [sorted(flight.cargo)[0] for flight in found.flights][0]
    'assembly-rover'
    >>> found.optimal
    True
    """
    cargo = plan_cargo(plan, early=early, also=also)
    kinds = _usable(kinds or flight_kinds(plan), cargo.rows, aim)
    begin = _begin(plan, cargo.rows) if start is None else _instant(start)
    end = max((row.need for row in cargo.rows), default=begin)
    held = plan_cargo(plan, early=False, also=also).rows
    days = () if end <= begin else launch_dates(
        kinds.kinds, begin, end, needs={row.need for row in cargo.rows}, windows=windows, progress=progress,
        readies={row.ready for row in (*cargo.rows, *held) if row.ready is not None},
    )  # fmt: skip
    rows, flights = _as_cargo(cargo.rows, begin), [_as_flight(day, begin) for day in days]
    found = load_flights(rows, flights, aim=aim, seconds=seconds)
    conflict: tuple[str, ...] = ()
    if found is None and not kinds.kinds:
        conflict = ("no launcher can bring any of it: see what is left out",)
    elif found is None and not flights:
        conflict = (f"no launch from {begin:%Y-%m-%d} on arrives by {end:%Y-%m-%d}, the last day of need",)
    elif found is None:
        conflict = conflict_words(conflicts(rows, flights, seconds=seconds), cargo.rows, days)
    loaded = () if found is None else _loaded(found, cargo.rows, days)
    own, faults = own_loading(plan, cargo.rows, kinds)
    return PlanLoading(
        aim=aim,
        start=begin.isoformat() + "Z",
        stop=end.isoformat() + "Z",
        flights=loaded,
        value=None if found is None else found.value,
        bound=None if found is None else found.bound,
        unit=_UNITS[aim],
        optimal=found is not None and found.optimal,
        gap=None if found is None or not math.isfinite(found.value) else found.gap,
        if_low=_fewest(rows, days, begin, "low", seconds),
        if_high=_fewest(rows, days, begin, "high", seconds),
        if_held=_fewest(_as_cargo(held, begin), days, begin, "best", seconds),
        measures=_measures(loaded, cargo.rows),
        own=own,
        own_faults=faults,
        conflict=conflict,
        candidates=len(flights),
        kinds=kinds,
        cargo=cargo,
        assumptions=_assumptions(kinds, cargo, days, early),
    )


def _begin(plan: Plan, rows: Sequence[CargoRow]) -> dt.datetime:
    """First launch: of the missions to the station, and of those whose cargo is to be brought."""
    if not rows:
        return when_bounds(plan.design.start)[0]
    own = [when_bounds(plan.mission(row.mission).launch)[0] for row in rows]
    return min([*own, campaign_start(plan)] if station_missions(plan) else own)


def _instant(text: str) -> dt.datetime:
    """First instant of a date."""
    try:
        return when_bounds(text)[0]
    except ValueError as error:
        raise InputError(str(error), where="start", advice="write 2031 or 2031-01-01") from error


def _usable(kinds: FlightKinds, rows: Sequence[CargoRow], aim: str) -> FlightKinds:
    """Launchers that can bring anything, with a cost if that counts."""
    lightest = min((row.mass_kg for row in rows), default=0.0)
    kept, left_out = [], list(kinds.left_out)
    for kind in kinds.kinds:
        if kind.cargo_kg < lightest:
            left_out.append(LeftOut(kind.launcher, f"{kind.cargo_kg:,.0f} kg is less than the lightest cargo"))
        elif aim == "cost" and kind.cost is None:
            left_out.append(LeftOut(kind.launcher, "its cost is not known"))
        else:
            kept.append(kind)
    if aim == "cost" and kinds.kinds and not any(kind.cost is not None for kind in kinds.kinds):
        raise InputError("no launcher has a cost", where="launchers", advice="give some, as --cost cz-10=300")
    return replace(kinds, kinds=tuple(kept), left_out=tuple(left_out))


def _day(instant: dt.datetime, begin: dt.datetime) -> float:
    """Days from the first launch."""
    return (instant - begin) / dt.timedelta(days=1)


def _as_cargo(rows: Sequence[CargoRow], begin: dt.datetime) -> list[Cargo]:
    """Cargo as the loading takes it."""
    return [
        Cargo(
            row.id,
            row.mass_kg,
            row.volume_m3 or 0.0,
            row.after,
            _day(row.need, begin),
            None,
            -math.inf if row.ready is None or row.ready <= begin else _day(row.ready, begin),
        )
        for row in rows
    ]


def _as_flight(row: Departure, begin: dt.datetime) -> Flight:
    """A launch as the loading takes it."""
    kind = row.kind
    room = math.inf if kind.volume_m3 is None else kind.volume_m3
    return Flight(row.id, kind.id, _day(row.arrival, begin), kind.cargo_kg, room, kind.cost or 0.0,
                  kind.reliability or 1.0, f"{kind.launcher} {row.number}")  # fmt: skip


def _loaded(found: Loading, rows: Sequence[CargoRow], days: Sequence[Departure]) -> tuple[LoadedFlight, ...]:
    """Launches that are made."""
    cargo = {row.id: row for row in rows}
    loaded = []
    for day in days:
        names = found.flown.get(day.id, ())
        if not names:
            continue
        brought = [cargo[name] for name in names]
        loaded.append(
            LoadedFlight(
                id=day.id,
                launcher=day.kind.launcher,
                transfer=day.kind.transfer,
                launch=day.launch.isoformat() + "Z",
                arrival=day.arrival.isoformat() + "Z",
                cargo=names,
                cargo_kg=math.fsum(row.mass_kg for row in brought),
                capacity_kg=day.kind.cargo_kg,
                cargo_m3=math.fsum(row.volume_m3 or 0.0 for row in brought),
                capacity_m3=day.kind.volume_m3,
                cost=day.kind.cost,
                slack_days=min(_day(row.need, day.arrival) for row in brought),
                tli_m_s=day.tli_m_s,
                loi_m_s=day.loi_m_s,
            )
        )
    return tuple(loaded)


def _measures(loaded: Sequence[LoadedFlight], rows: Sequence[CargoRow]) -> Measures | None:
    """What a loading comes to."""
    if not loaded:
        return None
    arrivals = {name: when_bounds(flight.arrival)[0] for flight in loaded for name in flight.cargo}
    costs = [flight.cost for flight in loaded]
    known = [cost for cost in costs if cost is not None]
    return measured(len(loaded), math.fsum(known) if len(known) == len(costs) else None, arrivals, rows)


def _assumptions(kinds: FlightKinds, cargo: CargoList, days: Sequence[Departure], early: bool) -> tuple[str, ...]:
    """What was taken for granted."""
    lines = list(granted(kinds, days))
    open_room = [kind.launcher for kind in kinds.kinds if kind.volume_m3 is None]
    if open_room:
        lines.append(f"no limit of room on {', '.join(open_room)}")
    unknown = list(dict.fromkeys(row.element for row in cargo.rows if row.volume_m3 is None))
    if unknown:
        lines.append(f"no room is counted for {', '.join(unknown)}")
    tied = {row.element: row.pieces for row in reversed(cargo.rows) if row.pieces > 1}
    lines += [f"{name} flies in lots of up to {pieces}, not one by one" for name, pieces in reversed(tied.items())]
    if early and cargo.rows:
        lines.append("cargo may come before the plan's own date")
    return tuple(lines)


def _fewest(
    rows: Sequence[Cargo], days: Sequence[Departure], begin: dt.datetime, end: str, seconds: float
) -> int | None:
    """Fewest launches if each brought its best or one end of its range; None if that fails or is not proved."""
    flights = []
    for day in days:
        kind = day.kind
        mass = {"low": kind.cargo_low_kg, "high": kind.cargo_high_kg}.get(end, kind.cargo_kg)
        flights.append(replace(_as_flight(day, begin), mass_kg=mass or 0.0))
    try:
        found = load_flights(rows, flights, seconds=seconds, ties=False)
    except ModelError:
        return None
    return None if found is None or not found.optimal else len(found.flown)
