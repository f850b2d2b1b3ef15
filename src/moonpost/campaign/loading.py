"""Which cargo flies on which launch: the fewest, cheapest, earliest or most robust, proved by HiGHS."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from moonpost.campaign.loadingmodel import LoadingModel
from moonpost.errors import InputError

__all__ = ["Cargo", "Conflict", "Flight", "Loading", "conflicts", "load_flights", "loading_faults"]

Aim = Literal["launches", "cost", "earliest", "robust"]
_AIMS = ("launches", "cost", "earliest", "robust")
_DAYS = 1e5


@dataclass(frozen=True)
class Cargo:
    """Something that has to be brought.

    Parameters
    ----------
    id : str
        Its name.
    mass_kg : float
        With margin [kg].
    volume_m3 : float
        Packed [m3].
    after : tuple of str
        Cargo that must come on the same flight or an earlier one.
    need_day : float
        Day by which it has to be there, from any common origin; infinity if it does not matter [d].
    flights : frozenset of str or None
        Kinds of flight that can carry it; None for all.
    ready_day : float
        Day before which it cannot arrive; minus infinity if it does not matter [d].

    Examples
    --------
    >>> Cargo("mast", 800.0).need_day
    inf
    """

    id: str
    mass_kg: float
    volume_m3: float = 0.0
    after: tuple[str, ...] = ()
    need_day: float = math.inf
    flights: frozenset[str] | None = None
    ready_day: float = -math.inf


@dataclass(frozen=True)
class Flight:
    """A launch that could be made.

    Parameters
    ----------
    id, kind : str
        Its name, and its kind, such as launcher and transfer.
    day : float
        When it arrives [d].
    mass_kg : float
        Cargo that it brings at most [kg].
    volume_m3 : float
        Room [m3].
    cost : float
        In any unit.
    chance : float
        Probability that launch and landing succeed [1].
    slot : str
        Of flights with the same slot at most one is made: days of one launch; empty for none.

    Examples
    --------
    >>> Flight("cz-10-1", "cz-10", 400.0, 7290.0).chance
    1.0
    """

    id: str
    kind: str
    day: float
    mass_kg: float
    volume_m3: float = math.inf
    cost: float = 1.0
    chance: float = 1.0
    slot: str = ""


@dataclass(frozen=True)
class Loading:
    """What flies on what.

    Parameters
    ----------
    aim : str
        What was sought.
    flown : dict of str to tuple of str
        Cargo by flight, in order of arrival; flights that stay on the ground are left out.
    value : float
        Number of launches, their cost, mean day of arrival weighted by mass [d], or least slack [d].
    bound : float
        No loading has a better value.
    optimal : bool
        Whether the value is proved to be the best; among equal values the tie may not be.

    Examples
    --------
    >>> load_flights([Cargo("a", 5.0)], [Flight("f", "k", 0.0, 9.0)]).flown
    {'f': ('a',)}
    """

    aim: str
    flown: dict[str, tuple[str, ...]]
    value: float
    bound: float
    optimal: bool

    @property
    def gap(self) -> float:
        """How far the value may be from the best, over the value [1]."""
        return abs(self.value - self.bound) / max(abs(self.value), 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        flown = {name: list(cargo) for name, cargo in self.flown.items()}
        names = ("aim", "value", "bound", "optimal", "gap")
        return {name: getattr(self, name) for name in names} | {"flights": flown}


@dataclass(frozen=True)
class Conflict:
    """Demands that cannot all be met; without any one of them the others can.

    Parameters
    ----------
    demands : tuple of str
        In words.
    parts : tuple of tuple of str
        The same as cargo and one of ``flies``, ``need``, ``ready``, ``kinds`` and ``after NAME``.

    Examples
    --------
    >>> Conflict(("a has to be there by day 5",)).demands
    ('a has to be there by day 5',)
    """

    demands: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()


def load_flights(
    cargo: Sequence[Cargo],
    flights: Sequence[Flight],
    *,
    aim: Aim = "launches",
    seconds: float = 60.0,
    ties: bool = True,
) -> Loading | None:
    """Put all cargo on flights in the best way.

    Parameters
    ----------
    cargo : sequence of Cargo
        All has to fly.
    flights : sequence of Flight
        Launches that could be made.
    aim : {"launches", "cost", "earliest", "robust"}
        Fewest launches; least cost; earliest mean arrival by mass; largest least slack to the days of need. Ties
        go to fewer launches, then to earlier arrival and smaller flights, weighed against each other.
    seconds : float, default 60.0
        Limit of the search.
    ties : bool, default True
        Whether to look for the best among equals.

    Returns
    -------
    Loading or None
        None if it cannot be done: ask `conflicts` why.

    Raises
    ------
    InputError
        If a number cannot be used, a name stands twice or is unknown, or the aim is.
    ModelError
        If the time is up before a loading was found or shown not to exist.

    Notes
    -----
    Binary x (cargo on flight) and y (flight is made): each cargo on one flight; mass and volume within those of a
    flight that is made; on each day no more of a cargo has come than of what it comes after. For the robust aim
    slack s <= need - day for every cargo with a day of need. One flight a slot. Flights alike but for their name
    are used in order. Solved by HiGHS through scipy, first for the aim alone, then for the ties among loadings as
    good as that.

    References
    ----------
    Huangfu, Q., and J. A. J. Hall (2018), Parallelizing the dual revised simplex method, Mathematical
    Programming Computation 10, 119-142, doi:10.1007/s12532-017-0130-5.

    Examples
    --------
    >>> rows = [Cargo("a", 5.0), Cargo("b", 5.0, after=("a",)), Cargo("c", 3.0)]
    >>> found = load_flights(rows, [Flight("1", "k", 0.0, 8.0), Flight("2", "k", 9.0, 8.0)])
    >>> found.value, found.optimal
    (2.0, True)
    """
    _check(cargo, flights, aim, seconds)
    ordered = sorted(flights, key=lambda flight: (flight.day, flight.kind, flight.id))
    if not cargo:
        return Loading(aim, {}, 0.0, 0.0, True)
    if not ordered:
        return None
    model = LoadingModel(cargo, ordered, aim)
    found = model.solve(seconds, ties=ties)
    if found is None:
        return None
    chosen, bound, proved = found
    flown = {
        flight.id: tuple(row.id for i, row in enumerate(cargo) if chosen[i] == f)
        for f, flight in enumerate(ordered)
        if (chosen == f).any()
    }
    value = _value(cargo, ordered, chosen, aim)
    proved = proved or abs(value - bound) <= 1e-9 * max(abs(value), 1.0)
    return Loading(aim, flown, value, value if proved else bound, proved)


def _check(cargo: Sequence[Cargo], flights: Sequence[Flight], aim: str, seconds: float) -> None:
    """Refuse what cannot be used."""
    if aim not in _AIMS:
        raise InputError(f"is {aim!r}", where="aim", advice=f"use one of {', '.join(_AIMS)}")
    if not seconds > 0:
        raise InputError(f"is {seconds!r}", where="seconds", advice="give a time above 0")
    for rows, where in ((cargo, "cargo"), (flights, "flights")):
        names = [row.id for row in rows]
        if len(set(names)) < len(names):
            raise InputError("a name stands twice", where=where, advice="give each its own")
    known = {row.id for row in cargo}
    for item in cargo:
        undated = math.isnan(item.need_day) or math.isnan(item.ready_day)
        if undated or not (0 < item.mass_kg < math.inf and 0 <= item.volume_m3 < math.inf):
            raise InputError("mass, volume or day cannot be used", where=f"cargo {item.id}", advice="correct it")
        if not set(item.after) <= known:
            raise InputError("comes after something unknown", where=f"cargo {item.id}", advice="name cargo")
    for flight in flights:
        good = 0 <= flight.mass_kg < math.inf and flight.volume_m3 >= 0 and 0 <= flight.cost < math.inf
        if not (good and abs(flight.day) < _DAYS and 0 < flight.chance <= 1):
            raise InputError("a number cannot be used", where=f"flight {flight.id}", advice="correct it")


def _value(cargo: Sequence[Cargo], flights: Sequence[Flight], chosen: Any, aim: str) -> float:
    """What a loading is worth by its aim."""
    used = sorted(set(chosen.tolist()))
    if aim == "launches":
        return float(len(used))
    if aim == "cost":
        return float(sum(flights[f].cost for f in used))
    days = np.array([flights[f].day for f in chosen])
    if aim == "earliest":
        mass = np.array([row.mass_kg for row in cargo])
        return float(days @ mass / mass.sum())
    return float(min((row.need_day - day for row, day in zip(cargo, days, strict=True)), default=math.inf))


def loading_faults(cargo: Sequence[Cargo], flights: Sequence[Flight], loading: Loading) -> list[str]:
    """Check a loading without regard to how it was made.

    Parameters
    ----------
    cargo : sequence of Cargo
        What has to fly.
    flights : sequence of Flight
        What could fly.
    loading : Loading
        What flies on what.

    Returns
    -------
    list of str
        Faults; empty if there are none.

    Examples
    --------
    >>> loading_faults([Cargo("a", 5.0)], [], Loading("launches", {}, 0.0, 0.0, True))
    ['a flies 0 times']
    """
    known, rows = {flight.id: flight for flight in flights}, {row.id: row for row in cargo}
    days: dict[str, float] = {}
    faults = [f"there is no flight {name}" for name in loading.flown if name not in known]
    for name, brought in loading.flown.items():
        strangers = [item for item in brought if item not in rows]
        faults += [f"there is no cargo {item}" for item in strangers]
        if name in known and not strangers:
            days |= dict.fromkeys(brought, known[name].day)
            faults += _flight_faults(known[name], [rows[item] for item in brought])
    slots = [known[name].slot for name in loading.flown if name in known and known[name].slot]
    faults += [f"slot {slot} is used {slots.count(slot)} times" for slot in dict.fromkeys(slots)
               if slots.count(slot) > 1]  # fmt: skip
    for row in cargo:
        times = sum(brought.count(row.id) for brought in loading.flown.values())
        if times != 1:
            faults.append(f"{row.id} flies {times} times")
        faults += [f"{row.id} comes before {other}" for other in row.after
                   if row.id in days and other in days and days[row.id] < days[other]]  # fmt: skip
    return faults


def _flight_faults(flight: Flight, brought: Sequence[Cargo]) -> list[str]:
    """Faults of what one flight brings."""
    faults = []
    for what, limit in (("mass_kg", flight.mass_kg), ("volume_m3", flight.volume_m3)):
        total = math.fsum(getattr(row, what) for row in brought)
        if total > limit * (1 + 1e-9) + 1e-9:
            faults.append(f"{flight.id} carries {total:g} of at most {limit:g} {what}")
    for row in brought:
        if flight.day > row.need_day:
            faults.append(f"{row.id} comes after its day of need")
        if flight.day < row.ready_day:
            faults.append(f"{row.id} comes before it is ready")
        if row.flights is not None and flight.kind not in row.flights:
            faults.append(f"{row.id} cannot fly on {flight.kind}")
    return faults


def conflicts(cargo: Sequence[Cargo], flights: Sequence[Flight], *, seconds: float = 20.0) -> Conflict:
    """Why cargo cannot all fly: demands of which none can be left out of the explanation.

    Parameters
    ----------
    cargo : sequence of Cargo
        What has to fly.
    flights : sequence of Flight
        What could fly.
    seconds : float, default 20.0
        Limit of each of the searches.

    Returns
    -------
    Conflict
        Empty if all can fly.

    Raises
    ------
    InputError
        As `load_flights`.
    ModelError
        If a search does not end in its time.

    Notes
    -----
    Demands (that a cargo flies at all, its days, what it comes after, which flights suit it) are left out
    one by one; those without which the rest can still not be met stay out. What remains is irreducible.

    Examples
    --------
    >>> rows = [Cargo("a", 5.0, need_day=3.0), Cargo("b", 2.0)]
    >>> conflicts(rows, [Flight("f", "k", 9.0, 8.0)]).demands
    ('a flies', 'a is there by day 3')
    """
    _check(cargo, flights, "launches", seconds)
    if _can_fly(cargo, flights, seconds):
        return Conflict(())
    demands: list[tuple[str, str, str]] = []
    for row in cargo:
        demands.append((row.id, "flies", f"{row.id} flies"))
        if math.isfinite(row.need_day):
            demands.append((row.id, "need", f"{row.id} is there by day {row.need_day:g}"))
        if math.isfinite(row.ready_day):
            demands.append((row.id, "ready", f"{row.id} is not there before day {row.ready_day:g}"))
        demands += [(row.id, f"after {other}", f"{row.id} does not come before {other}") for other in row.after]
        if row.flights is not None:
            demands.append((row.id, "kinds", f"{row.id} flies on {', '.join(sorted(row.flights))}"))
    kept = list(demands)
    for demand in demands:
        fewer = [other for other in kept if other is not demand]
        if not _can_fly(_with(cargo, fewer), flights, seconds):
            kept = fewer
    return Conflict(tuple(text for _, _, text in kept), tuple((name, what) for name, what, _ in kept))


def _can_fly(cargo: Sequence[Cargo], flights: Sequence[Flight], seconds: float) -> bool:
    """Whether all cargo can fly."""
    if not cargo or not flights:
        return not cargo
    ordered = sorted(flights, key=lambda flight: (flight.day, flight.kind, flight.id))
    return LoadingModel(cargo, ordered, "launches").feasible(seconds)


def _with(cargo: Sequence[Cargo], demands: Sequence[tuple[str, str, str]]) -> list[Cargo]:
    """Cargo with only some of its demands."""
    asked: Mapping[str, set[str]] = {row.id: {what for who, what, _ in demands if who == row.id} for row in cargo}
    flying = {row.id for row in cargo if "flies" in asked[row.id]}
    return [
        Cargo(
            row.id,
            row.mass_kg,
            row.volume_m3,
            tuple(o for o in row.after if f"after {o}" in asked[row.id] and o in flying),
            row.need_day if "need" in asked[row.id] else math.inf,
            row.flights if "kinds" in asked[row.id] else None,
            row.ready_day if "ready" in asked[row.id] else -math.inf,
        )
        for row in cargo
        if row.id in flying
    ]
