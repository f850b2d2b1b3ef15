"""What it takes to land a mass by a date: which launchers, how often, and the cheapest mix."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from moonpost.campaign.launchdates import Departure
from moonpost.campaign.launches import FlightKind, LeftOut
from moonpost.errors import InputError, ModelError
from moonpost.quiet import quiet

__all__ = ["LandingMix", "MixRow", "land_mass", "mix_faults"]

Count = Literal["cargo", "landed"]
_AIMS = ("launches", "cost", "earliest", "robust")
_UNITS = {"launches": "launches", "cost": "cost", "earliest": "date", "robust": "launches"}
_SCALE = 1e3


@dataclass(frozen=True)
class MixRow:
    """A launcher in a mix, and what it could do alone.

    Parameters
    ----------
    launcher, transfer : str
        Launcher and way.
    launches : int
        In the mix.
    most : int
        Launches that could arrive in time.
    each_kg, each_low_kg, each_high_kg : float or None
        What one brings [kg], with its range; None if the chain does not close.
    brought_kg : float
        By all of it in the mix [kg].
    cost : float or None
        Of one launch.
    alone : int or None
        Launches that would do without any other launcher; None if there are not enough.
    alone_cost : float or None
        Their cost.
    arrivals : tuple of str
        Of its launches in the mix, UTC.

    Examples
    --------
    >>> MixRow("a", "land", 2, 5, 1e3, 9e2, 1.1e3, 2e3, None, 2, None, ()).brought_kg
    2000.0
    """

    launcher: str
    transfer: str
    launches: int
    most: int
    each_kg: float
    each_low_kg: float | None
    each_high_kg: float
    brought_kg: float
    cost: float | None
    alone: int | None
    alone_cost: float | None
    arrivals: tuple[str, ...]


@dataclass(frozen=True)
class LandingMix:
    """A mix of launches that lands a mass.

    Parameters
    ----------
    aim : {"launches", "cost", "earliest", "robust"}
        What was sought.
    count : {"cargo", "landed"}
        Whether the mass is that of cargo, or landers count as well.
    asked_kg : float
        Mass to be landed [kg].
    start, by : str
        First launch and last arrival that are allowed, UTC.
    rows : tuple of MixRow
        Every launcher that can be used, the largest first.
    launches : int or None
        Launches of the mix; None if it cannot be done.
    landed_kg, landed_low_kg, landed_high_kg : float or None
        What they land [kg], with the range of the velocity changes and of the landers.
    cost : float or None
        Their cost; None if one of them has none.
    done : str or None
        Arrival of the last, UTC.
    value, bound : float or None
        What the aim came to (days from `start` for the earliest), and no mix has a better value.
    unit : str
        Of both; for the earliest `done` is the date.
    optimal : bool
        Whether that is proved.
    if_low, if_high : int or None
        Launches that would be needed if each brought the low or the high end of its range; None if too few
        can be made.
    most_kg : float
        What all launches together could land by then [kg].
    left_out : tuple of LeftOut
        Launchers that take no part.
    conflict : str
        Why it cannot be done; empty if it can.
    assumptions : tuple of str
        What was taken for granted.

    Examples
    --------
    >>> LandingMix("launches", "cargo", 1.0, "", "", (), None, None, None, None, None, None, None, None,
    ...            "launches", False, None, None, 0.0, (), "no launch arrives").launches is None
    True
    """

    aim: str
    count: str
    asked_kg: float
    start: str
    by: str
    rows: tuple[MixRow, ...]
    launches: int | None
    landed_kg: float | None
    landed_low_kg: float | None
    landed_high_kg: float | None
    cost: float | None
    done: str | None
    value: float | None
    bound: float | None
    unit: str
    optimal: bool
    if_low: int | None
    if_high: int | None
    most_kg: float
    left_out: tuple[LeftOut, ...]
    conflict: str
    assumptions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Supply:
    """Launches of one launcher: what each brings, and its arrivals in order."""

    kind: FlightKind
    each_kg: float
    days: tuple[dt.datetime, ...]


def land_mass(
    days: Sequence[Departure],
    mass_kg: float,
    start: dt.datetime,
    by: dt.datetime,
    *,
    aim: str = "launches",
    count: Count = "cargo",
    left_out: Sequence[LeftOut] = (),
    assumptions: Sequence[str] = (),
    seconds: float = 30.0,
) -> LandingMix:
    """Find the launches that land a mass by a date.

    Parameters
    ----------
    days : sequence of Departure
        Launches that could be made, from `moonpost.campaign.launchdates.launch_dates`.
    mass_kg : float
        To be landed, in any portions [kg].
    start, by : datetime.datetime
        First launch and last arrival, UTC without time zone.
    aim : {"launches", "cost", "earliest", "robust"}
        Fewest launches; least cost; all landed on the earliest day, then fewest launches; fewest launches of which
        any one may be lost.
    count : {"cargo", "landed"}
        Whether dry landers count.
    left_out : sequence of LeftOut
        Launchers that take no part, handed on.
    assumptions : sequence of str
        What was taken for granted, handed on.
    seconds : float, default 30.0
        Limit of each search [s].

    Returns
    -------
    LandingMix

    Raises
    ------
    InputError
        If an argument cannot be used, or the aim is cost and no launcher has one.
    ModelError
        If the time is up before a mix was found or shown not to exist.

    Notes
    -----
    Integers n of launches of each kind, no more than arrive in time, with the sum of what they bring at least the
    mass asked; for the robust aim still so without the largest that flies. HiGHS proves the least; ties go to the
    lower cost, then to more mass landed. Cargo is taken to be divisible at will: `plan_loading`
    packs elements as they are.

    Examples
    --------
    >>> import datetime as dt
    >>> from moonpost.campaign.launches import flight_kinds
    >>> from moonpost.campaign.launchdates import launch_dates
    >>> from moonpost.plan import load_plan
    >>> begin, end = dt.datetime(2031, 1, 1), dt.datetime(2035, 12, 31)
    >>> days = launch_dates(flight_kinds(load_plan("ilrs")).kinds, begin, end, windows=False)
    >>> found = land_mass(days, 30_000.0, begin, end)
    >>> found.launches, found.optimal, found.landed_kg > 30_000.0
    (3, True, True)
    """
    _check(mass_kg, aim, count, seconds)
    dropped = list(left_out)
    kept = [day for day in days if start <= day.launch and day.arrival <= by]
    if aim == "cost":
        unpriced = sorted({day.kind.launcher for day in kept if day.kind.cost is None})
        dropped += [LeftOut(name, "its cost is not known") for name in unpriced]
        if kept and len(unpriced) == len({day.kind.launcher for day in kept}):
            raise InputError("no launcher has a cost", where="launchers", advice="give some, as --cost cz-10=300")
        kept = [day for day in kept if day.kind.cost is not None]
    supplies = _supplies(kept, count)
    chosen, proved, bound = _best(supplies, mass_kg, aim, seconds)
    most = math.fsum(row.each_kg * len(row.days) for row in supplies)
    rows = tuple(_row(row, 0 if chosen is None else chosen[k], mass_kg, count) for k, row in enumerate(supplies))
    bare = LandingMix(
        aim=aim,
        count=count,
        asked_kg=mass_kg,
        start=start.isoformat() + "Z",
        by=by.isoformat() + "Z",
        rows=rows,
        launches=None,
        landed_kg=None,
        landed_low_kg=None,
        landed_high_kg=None,
        cost=None,
        done=None,
        value=None,
        bound=None,
        unit=_UNITS[aim],
        optimal=False,
        if_low=_fewest(supplies, count, mass_kg, "low", seconds),
        if_high=_fewest(supplies, count, mass_kg, "high", seconds),
        most_kg=most,
        left_out=tuple(dropped),
        conflict=_conflict(supplies, mass_kg, aim, by, most) if chosen is None else "",
        assumptions=tuple(assumptions),
    )
    return bare if chosen is None else _done(bare, supplies, chosen, proved, bound, start)


def _done(
    bare: LandingMix, supplies: Sequence[_Supply], chosen: Sequence[int], proved: bool, bound: float | None,
    start: dt.datetime,
) -> LandingMix:  # fmt: skip
    """A mix with what it lands, costs and when it is done."""
    flown = [(row, n) for row, n in zip(supplies, chosen, strict=True) if n]
    last = max(row.days[n - 1] for row, n in flown)
    known = [n * row.kind.cost for row, n in flown if row.kind.cost is not None]
    cost = math.fsum(known) if len(known) == len(flown) else None
    day = (last - start) / dt.timedelta(days=1)
    value = {"cost": cost, "earliest": day}.get(bare.aim, float(sum(chosen)))
    return replace(
        bare,
        launches=sum(chosen),
        landed_kg=_total(supplies, chosen, bare.count, "best"),
        landed_low_kg=_total(supplies, chosen, bare.count, "low"),
        landed_high_kg=_total(supplies, chosen, bare.count, "high"),
        cost=cost,
        done=last.isoformat() + "Z",
        value=value,
        bound=value if proved else bound,
        optimal=proved,
    )


def mix_faults(mix: LandingMix) -> list[str]:
    """Check a mix without regard to how it was made.

    Parameters
    ----------
    mix : LandingMix
        The mix.

    Returns
    -------
    list of str
        Faults; empty if there are none.

    Examples
    --------
    >>> row = MixRow("a", "land", 2, 1, 10.0, 9.0, 11.0, 20.0, None, 2, None, ())
    >>> mix = LandingMix("launches", "cargo", 30.0, "", "", (row,), 2, 20.0, 18.0, 22.0, None, "", 2.0, 2.0,
    ...                  "launches", True, 3, 2, 10.0, (), "")
    >>> mix_faults(mix)
    ['a flies 2 times of at most 1', '20 kg are landed of 30 kg']
    """
    if mix.launches is None:
        return []
    faults = [f"{row.launcher} flies {row.launches} times of at most {row.most}" for row in mix.rows
              if not 0 <= row.launches <= row.most]  # fmt: skip
    brought = math.fsum(row.launches * row.each_kg for row in mix.rows)
    if mix.aim == "robust":
        brought -= max((row.each_kg for row in mix.rows if row.launches), default=0.0)
    if brought < mix.asked_kg * (1.0 - 1e-9):
        faults.append(f"{brought:g} kg are landed of {mix.asked_kg:g} kg")
    return faults


def _check(mass_kg: float, aim: str, count: str, seconds: float) -> None:
    """Refuse what cannot be used."""
    if not 0.0 < mass_kg < math.inf:
        raise InputError(f"is {mass_kg!r} kg", where="mass to land", advice="give a mass above 0")
    if aim not in _AIMS:
        raise InputError(f"is {aim!r}", where="aim", advice=f"use one of {', '.join(_AIMS)}")
    if count not in ("cargo", "landed"):
        raise InputError(f"is {count!r}", where="count", advice="use cargo or landed")
    if not seconds > 0:
        raise InputError(f"is {seconds!r}", where="seconds", advice="give a time above 0")


def _supplies(days: Sequence[Departure], count: str) -> list[_Supply]:
    """Launches by launcher, the largest first."""
    kinds: dict[str, FlightKind] = {}
    arrivals: dict[str, list[dt.datetime]] = {}
    slots: set[tuple[str, int]] = set()
    for day in sorted(days, key=lambda day: day.arrival):
        if (day.kind.id, day.number) in slots:
            continue
        slots.add((day.kind.id, day.number))
        kinds.setdefault(day.kind.id, day.kind)
        arrivals.setdefault(day.kind.id, []).append(day.arrival)
    found = [_Supply(kind, _each(kind, count, "best") or 0.0, tuple(sorted(arrivals[name])))
             for name, kind in kinds.items()]  # fmt: skip
    return sorted(found, key=lambda row: (-row.each_kg, row.kind.launcher))


def _each(kind: FlightKind, count: str, end: str) -> float | None:
    """What one launch brings at one end of its range."""
    masses = {
        ("cargo", "best"): kind.cargo_kg,
        ("cargo", "low"): kind.cargo_low_kg,
        ("cargo", "high"): kind.cargo_high_kg,
        ("landed", "best"): kind.arrival_kg,
        ("landed", "low"): kind.arrival_low_kg,
        ("landed", "high"): kind.arrival_high_kg,
    }
    return masses[count, end]


def _best(
    supplies: Sequence[_Supply], mass_kg: float, aim: str, seconds: float
) -> tuple[list[int] | None, bool, float | None]:
    """Launches of each launcher, whether they are proved the best, and a bound of their number or cost."""
    each = [row.each_kg for row in supplies]
    known = [row.kind.cost for row in supplies if row.kind.cost is not None]
    costs = known if len(known) == len(supplies) else [1.0] * len(supplies)
    most = [len(row.days) for row in supplies]
    if aim == "earliest":
        for day in sorted({day for row in supplies for day in row.days}):
            able = [sum(one <= day for one in row.days) for row in supplies]
            if math.fsum(n * mass for n, mass in zip(able, each, strict=True)) >= mass_kg * (1.0 - 1e-9):
                found = _mix(each, able, mass_kg, [1.0] * len(each), costs, seconds)
                return found[0], found[0] is not None, None
        return None, False, None
    goal, ties = ([1.0] * len(each), costs) if aim != "cost" else (costs, [1.0] * len(each))
    return _mix(each, most, mass_kg, goal, ties, seconds, spare=aim == "robust")


def _mix(
    each: Sequence[float],
    most: Sequence[int],
    mass_kg: float,
    goal: Sequence[float],
    ties: Sequence[float],
    seconds: float,
    *,
    spare: bool = False,
) -> tuple[list[int] | None, bool, float | None]:
    """Whole numbers of launches that bring a mass, with the least goal, then the least of ties, then most mass."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(each)
    if not count:
        return None, False, None
    masses = _SCALE * np.asarray(each) / mass_kg
    rows = [np.concatenate([masses, np.zeros(count)])]
    low = [_SCALE]
    for k in range(count):
        used = np.zeros(2 * count)
        used[k], used[count + k] = -1.0, float(max(most[k], 1))
        rows.append(used)
        low.append(0.0)
        if spare:
            lost = rows[0].copy()
            lost[count + k] = -masses[k]
            rows.append(lost)
            low.append(_SCALE)
    upper = np.concatenate([np.asarray(most, dtype=float), np.ones(count)])
    high = [np.inf] * len(low)
    best, proved, bound = None, False, None
    for weights in (goal, ties, [-float(mass) for mass in masses]):
        largest = float(np.abs(weights).max())
        factor = 1e6 / largest if largest > 0.0 else 1.0
        objective = np.concatenate([factor * np.asarray(weights), np.zeros(count)])
        with quiet():
            found = milp(
                objective, constraints=LinearConstraint(np.array(rows), low, high), bounds=Bounds(0.0, upper),
                integrality=np.ones(2 * count), options={"time_limit": seconds, "mip_rel_gap": 1e-9},
            )  # fmt: skip
        if found.x is None:
            if best is None and found.status != 2:
                raise ModelError(
                    f"no mix was found in {seconds:g} s", where="landing", advice="allow more seconds"
                )
            break
        numbers = [round(float(value)) for value in found.x[:count]]
        reached = factor * float(np.dot(weights, numbers))
        if best is None:
            proved, bound = found.status == 0, float(found.mip_dual_bound) / factor
        best = numbers
        rows.append(objective)
        low.append(-np.inf)
        high.append(reached + 1e-9 * abs(reached))
    return best, proved, bound


def _fewest(supplies: Sequence[_Supply], count: str, mass_kg: float, end: str, seconds: float) -> int | None:
    """Fewest launches if each brought one end of its range."""
    each = [_each(row.kind, count, end) or 0.0 for row in supplies]
    ones = [1.0] * len(each)
    found, _, _ = _mix(each, [len(row.days) for row in supplies], mass_kg, ones, ones, seconds)
    return None if found is None else sum(found)


def _total(supplies: Sequence[_Supply], chosen: Sequence[int], count: str, end: str) -> float | None:
    """What a mix lands at one end of the range."""
    parts = [(n, _each(row.kind, count, end)) for row, n in zip(supplies, chosen, strict=True) if n]
    if any(mass is None for _, mass in parts):
        return None
    return math.fsum(n * (mass or 0.0) for n, mass in parts)


def _row(row: _Supply, launches: int, mass_kg: float, count: str) -> MixRow:
    """A launcher's part."""
    alone = math.ceil(mass_kg / row.each_kg * (1.0 - 1e-9)) if row.each_kg > 0 else len(row.days) + 1
    enough = alone <= len(row.days)
    return MixRow(
        launcher=row.kind.launcher,
        transfer=row.kind.transfer,
        launches=launches,
        most=len(row.days),
        each_kg=row.each_kg,
        each_low_kg=_each(row.kind, count, "low"),
        each_high_kg=_each(row.kind, count, "high") or row.each_kg,
        brought_kg=launches * row.each_kg,
        cost=row.kind.cost,
        alone=alone if enough else None,
        alone_cost=alone * row.kind.cost if enough and row.kind.cost is not None else None,
        arrivals=tuple(day.isoformat() + "Z" for day in row.days[:launches]),
    )


def _conflict(supplies: Sequence[_Supply], mass_kg: float, aim: str, by: dt.datetime, most: float) -> str:
    """Why it cannot be done."""
    if not supplies:
        return f"no launch arrives by {by:%Y-%m-%d}"
    launches = sum(len(row.days) for row in supplies)
    spared = " if one is lost" if aim == "robust" else ""
    most -= supplies[0].each_kg if aim == "robust" else 0.0
    return (
        f"the {launches} launches that can arrive by {by:%Y-%m-%d} bring {most:,.0f} kg{spared}, "
        f"{mass_kg - most:,.0f} kg too little"
    )
