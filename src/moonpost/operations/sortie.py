"""Sorties into permanent shadow and back: whether a machine comes back charged, and when it must start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.sortiemachines import SortieMachine, SortieSky
from moonpost.operations.ways import Way
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["Criterion", "Sortie", "sortie"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_FINE_S = 120.0
_STAYS = 33
_MOST_TRIPS = 25_000
_TRACE_H = 720.0


@dataclass(frozen=True)
class Criterion:
    """One thing that a sortie must keep to.

    Parameters
    ----------
    name : str
        ``energy``, ``energy after``, ``power``, ``cold``, ``warm``, ``cold after``, ``propellant``, ``charged`` or
        ``contact``.
    value : float
        What comes out; NaN if it does not happen.
    limit : float
        What it is held against.
    margin : float
        How far it is on the safe side, in `unit`; negative if it is not.
    unit : str
        Unit of the three.
    relative : float
        Margin over the scale of the machine, so that criteria compare.
    text : str
        For people.
    """

    name: str
    value: float
    limit: float
    margin: float
    unit: str
    relative: float
    text: str

    @property
    def kept(self) -> bool:
        """Whether it is kept to.

        Returns
        -------
        bool
        """
        return self.margin >= 0.0


@dataclass(frozen=True, eq=False)
class Sortie:
    """Whether a machine can go into shadow and come back charged, and when.

    Parameters
    ----------
    feasible : bool
        Whether the trip told in `criteria` keeps to all of them.
    machine : SortieMachine
        Who goes.
    out, back : Way
        The ways.
    stay_s : float
        Time at the goal [s].
    depart : datetime64[ms]
        Start of the trip told.
    criteria : tuple of Criterion
        Of that trip, the one that decides first.
    trip : dict
        Energies, temperatures and times of that trip.
    windows : tuple of dict
        `start_utc` and `latest_start_utc` of spans in which every start is feasible, with `longest_stay_h`.
    starts : ndarray of datetime64, shape (m,)
        Starts that were tried.
    relative : ndarray, shape (m,)
        Margin of the criterion that decides at each start.
    longest_stay_h : ndarray, shape (m,)
        Longest stay that is feasible at each start [h]; NaN if none is.
    stays_h : ndarray, shape (p,)
        Stays that were tried [h].
    trace_s : ndarray, shape (q,)
        Seconds from departure of the series below.
    trace_stored_wh, trace_box_k, trace_load_w, trace_supply_w : ndarray, shape (q,)
        Stored energy, box, load and output of the sources of the trip told.
    sky : SortieSky
        Light, ground and contact.
    notes : tuple of str
        What was assumed.
    """

    feasible: bool
    machine: SortieMachine
    out: Way
    back: Way
    stay_s: float
    depart: np.datetime64
    criteria: tuple[Criterion, ...]
    trip: dict[str, Any]
    windows: tuple[dict[str, Any], ...]
    starts: npt.NDArray[np.datetime64]
    relative: Floats
    longest_stay_h: Floats
    stays_h: Floats
    trace_s: Floats
    trace_stored_wh: Floats
    trace_box_k: Floats
    trace_load_w: Floats
    trace_supply_w: Floats
    sky: SortieSky
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Yes or no with the number that decides.

        Returns
        -------
        str
            One line.
        """
        first = self.criteria[0]
        return f"{'yes' if self.feasible else 'no'}: {first.text}"

    @property
    def latest_start(self) -> np.datetime64 | None:
        """Last feasible start of the first window.

        Returns
        -------
        datetime64[ms] or None
            None if no start is feasible.
        """
        return None if not self.windows else np.datetime64(self.windows[0]["latest_start_utc"].rstrip("Z"), "ms")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON.

        Returns
        -------
        dict
            Verdict, criteria, trip, ways, windows, longest stays and notes.
        """
        known = self.longest_stay_h[np.isfinite(self.longest_stay_h)]
        return {
            "feasible": self.feasible,
            "verdict": self.verdict,
            "decides": self.criteria[0].name,
            "machine": self.machine.name,
            "depart_utc": _text(self.depart),
            "stay_h": round(self.stay_s / 3600.0, 3),
            "criteria": [
                {
                    "name": row.name,
                    "value": row.value,
                    "limit": row.limit,
                    "margin": row.margin,
                    "unit": row.unit,
                    "kept": row.kept,
                    "text": row.text,
                }
                for row in self.criteria
            ],
            "trip": self.trip,
            "out": self.out.to_dict(),
            "back": self.back.to_dict(),
            "windows": list(self.windows),
            "latest_start_utc": None if self.latest_start is None else _text(self.latest_start),
            "feasible_share_of_starts": round(float(np.mean(self.relative >= 0.0)), 4),
            "longest_stay_h": round(float(known.max()), 3) if known.size else None,
            "longest_stay_is_bound": bool(known.size and known.max() >= self.stays_h[-1] - 1e-9),
            "notes": list(self.notes),
        }


def sortie(
    machine: SortieMachine,
    sky: SortieSky,
    out: Way,
    back: Way,
    stay_h: float,
    *,
    depart: TimeLike | None = None,
    last_start: TimeLike | None = None,
    reserve: float = 0.1,
    recharge_h: float = 336.0,
    charged: float = 0.95,
    contact: bool = False,
    longest_h: float | None = None,
) -> Sortie:
    """Find out whether a machine can go into shadow, stay, and come back charged.

    Parameters
    ----------
    machine : SortieMachine
        Power, store, box and engine.
    sky : SortieSky
        Output of its sources, ground and light at the start and at the goal, and contact.
    out, back : Way
        The ways.
    stay_h : float
        Time at the goal [h].
    depart : date-like, optional
        Start; the feasible start with the widest margins if not given.
    last_start : date-like, optional
        Starts up to here are tried, so that series may go on until it is charged; all of them if not given.
    reserve : float
        Part of the usable energy that must stay in the store [1].
    recharge_h : float
        Within this time after it is back it must be charged again [h].
    charged : float
        Part of the usable energy at which it counts as charged [1].
    contact : bool
        Whether both ways need contact from beginning to end.
    longest_h : float, optional
        Longest stay that is tried [h]; four times `stay_h`, and a day at least, if not given.

    Returns
    -------
    Sortie
        Verdict with the number that decides, windows of feasible starts, longest stays, the trip through time.

    Raises
    ------
    InputError
        If a number is of no use, or contact is asked for and not given.
    ModelError
        If the series are too short for one trip.

    Notes
    -----
    The machine first waits at the start over the whole period, awake in light and asleep in the dark; each trip
    begins with the store and the box as they then are. Way, stay and way back follow in steps of two minutes at
    most, then it waits and charges, in steps of ten. Box and store are those of the station's simulation: one node
    with a radiator to the sky, a conductance to the ground (on the ways that of the goal), a thermostat.
    In shadow the radiator stays open while it is awake. On the ways no sunlight is counted. Propellant and way are
    the same for every start.

    Examples
    --------
    >>> from moonpost.operations.sortiemachines import example_machine
    >>> from moonpost.operations.ways import HopEngine, hop_way
    >>> engine, hopper = HopEngine(25.0), example_machine()
    >>> sky = SortieSky.steady("2030-01-01", 240.0, supply_w=150.0, home_k=220.0, away_k=45.0)
    >>> there = hop_way(engine, hopper.mass_kg, 5000.0, stop_height_m=-500.0)
    >>> again = hop_way(engine, hopper.mass_kg - there.propellant_kg, 5000.0, start_height_m=-500.0)
    >>> found = sortie(hopper, sky, there, again, 6.0)
    >>> found.feasible, found.criteria[0].name
    (True, 'cold')
    """
    _check(stay_h, reserve, recharge_h, charged)
    if contact and sky.contact is None:
        raise InputError("contact is asked for, but not given", where="contact", advice="give windows of contact")
    from moonpost.operations.sortiekernels import trips, wait

    top_h = max(24.0, 4.0 * stay_h) if longest_h is None else float(longest_h)
    stays_h = np.unique(np.append(np.linspace(0.0, max(top_h, stay_h), _STAYS), stay_h))
    begun = np.empty((sky.count + 1, 3))
    numbers, loads = machine.numbers(), machine.loads_w()
    home, away = sky.home(), sky.away()
    wait(numbers, machine.start_state(sky.home_ground_k[0]), sky.step_s, _FINE_S, *home, loads[:2], begun)
    starts = _starts(sky, out, back, stay_h, len(stays_h), depart)
    if depart is None and last_start is not None:
        starts = starts[sky.time[starts] <= as_utc(last_start).reshape(-1)[0]]
        if not len(starts):
            raise InputError("no start before it", where="last_start", advice="give a later one")
    told = np.empty((len(starts), len(stays_h), 11))
    way_s = np.array([out.duration_s, back.duration_s])
    usable = machine.usable_wh
    loads[2:] = machine.trip_loads_w(out, back)
    empty = np.empty((0, 6))
    fixed = (sky.step_s, _FINE_S, home, away, loads, way_s, charged * usable, recharge_h * 3600.0)
    trips(numbers, begun, starts, stays_h * 3600.0, *fixed, told, empty)
    judge = _Judge(machine, sky, out, back, stays_h, reserve, recharge_h, charged, contact)
    relative = judge.relative(told, starts)
    wanted = int(np.searchsorted(stays_h, stay_h - 1e-9))
    best = int(np.nanargmax(np.where(np.isnan(relative[:, wanted]), -np.inf, relative[:, wanted])))
    one = np.empty((1, 1, 11))
    trace = np.empty((int(min(_TRACE_H, sky.count * sky.step_s / 3600.0) * 3600.0 / _FINE_S) + 16, 6))
    rows = trips(
        numbers, begun, starts[best : best + 1], stays_h[wanted : wanted + 1] * 3600.0, *fixed, one, trace
    )
    criteria = judge.criteria(told[best, wanted], int(starts[best]), stay_h)
    kept = np.cumprod(relative >= 0.0, axis=1).astype(bool)
    longest = np.where(kept.any(axis=1), stays_h[np.maximum(kept.sum(axis=1) - 1, 0)], np.nan)
    series = trace[:rows]
    return Sortie(
        feasible=all(row.kept for row in criteria),
        machine=machine,
        out=out,
        back=back,
        stay_s=stay_h * 3600.0,
        depart=sky.time[starts[best]],
        criteria=criteria,
        trip=_trip(told[best, wanted], sky, int(starts[best]), out, back, stay_h),
        windows=_windows(sky, starts, relative[:, wanted], longest) if depart is None else (),
        starts=sky.time[starts],
        relative=relative[:, wanted],
        longest_stay_h=longest,
        stays_h=stays_h,
        trace_s=series[:, 0],
        trace_stored_wh=series[:, 1],
        trace_box_k=series[:, 2],
        trace_load_w=series[:, 3],
        trace_supply_w=series[:, 4],
        sky=sky,
        notes=(*machine.notes, *sky.notes, *out.notes),
    )


def _check(stay_h: float, reserve: float, recharge_h: float, charged: float) -> None:
    for name, value, low, high in (
        ("stay_h", stay_h, 0.0, 8760.0),
        ("reserve", reserve, 0.0, 0.95),
        ("recharge_h", recharge_h, 0.1, 87_600.0),
        ("charged", charged, 0.05, 1.0),
    ):
        if not (math.isfinite(value) and low <= value <= high):
            raise InputError(f"{value!r}", where=name, advice=f"give {low:g} to {high:g}")


def _starts(
    sky: SortieSky, out: Way, back: Way, stay_h: float, stays: int, depart: TimeLike | None
) -> npt.NDArray[np.int64]:
    """Steps at which trips begin: all that can be finished, thinned so that there are not too many."""
    length_s = out.duration_s + back.duration_s + stay_h * 3600.0
    last = sky.count - math.ceil(length_s / sky.step_s) - 1
    if last < 0:
        raise ModelError(
            f"one trip takes {length_s / 3600.0:.1f} h, the period is {sky.count * sky.step_s / 3600.0:.1f} h",
            where="sortie",
            advice="give a longer period or a shorter stay",
        )
    if depart is None:
        stride = max(1, math.ceil((last + 1) * stays / _MOST_TRIPS))
        return np.arange(0, last + 1, stride)
    wanted = as_utc(depart).reshape(-1)[0]
    k = int(np.searchsorted(sky.time, wanted, side="right")) - 1
    if not 0 <= k <= last:
        raise InputError(
            f"{_text(wanted)} leaves no time for the trip in the period",
            where="depart",
            advice="give another start or a longer period",
        )
    return np.array([k])


@dataclass(frozen=True, eq=False)
class _Judge:
    """Holds trips against what they must keep to."""

    machine: SortieMachine
    sky: SortieSky
    out: Way
    back: Way
    stays_h: Floats
    reserve: float
    recharge_h: float
    charged: float
    contact: bool

    def relative(self, told: Floats, starts: npt.NDArray[np.int64]) -> Floats:
        """Margin of the criterion that decides, for each start and stay."""
        box, usable = self.machine.box, self.machine.usable_wh
        span_k = box.operate_max_k - box.operate_min_k
        held = self.reserve * usable
        rows = [
            (told[..., 1] - held) / usable,
            (told[..., 3] - held) / usable,
            (told[..., 4] - box.operate_min_k) / span_k,
            (box.operate_max_k - told[..., 5]) / span_k,
            (told[..., 6] - box.survive_min_k) / span_k,
            np.nan_to_num(1.0 - told[..., 9] / 3600.0 / self.recharge_h, nan=-1.0),
            np.where(told[..., 10] > 0.0, -1.0, np.inf),
        ]
        if self.out.by == "hop":
            rows.append(np.full(told.shape[:2], self._propellant().relative))
        if self.contact:
            share = [[self._contact(int(k), float(stay)) for stay in self.stays_h] for k in starts]
            rows.append(np.array(share) - 1.0)
        return np.asarray(np.min(rows, axis=0))

    def _propellant(self) -> Criterion:
        engine = self.machine.engine
        assert engine is not None
        left = engine.propellant_kg - self.out.propellant_kg - self.back.propellant_kg
        text = f"{left:.1f} kg of propellant are left of {engine.propellant_kg:g}, {engine.reserve_kg:g} must be"
        margin = left - engine.reserve_kg
        scale = max(engine.propellant_kg, 1e-9)
        return Criterion("propellant", left, engine.reserve_kg, margin, "kg", margin / scale, text)

    def _contact(self, k: int, stay_h: float) -> float:
        """Share of both ways with contact."""
        assert self.sky.contact is not None
        step, total, seen = self.sky.step_s, 0, 0
        begin = k * step
        turn = begin + self.out.duration_s + stay_h * 3600.0
        for first, last in ((begin, begin + self.out.duration_s), (turn, turn + self.back.duration_s)):
            low = int(first // step)
            part = self.sky.contact[low : max(low + 1, math.ceil(last / step))]
            total += max(part.size, 1)
            seen += int(part.sum())
        return seen / total

    def criteria(self, row: Floats, k: int, stay_h: float) -> tuple[Criterion, ...]:
        """All criteria of one trip, the one that decides first."""
        box, usable = self.machine.box, self.machine.usable_wh
        held, span_k = self.reserve * usable, box.operate_max_k - box.operate_min_k
        hours = float(row[9]) / 3600.0
        late = math.isnan(hours)
        told = f"charged to {self.charged:.0%} {hours:.1f} h after it is back, {self.recharge_h:g} h allowed"
        found = [
            _floor(
                "energy", float(row[1]), held, "Wh", usable, "in the store at least on the trip, {1:.0f} Wh asked"
            ),
            _floor("energy after", float(row[3]), held, "Wh", usable, "in the store after it, {1:.0f} Wh asked"),
            _floor(
                "cold", float(row[4]), box.operate_min_k, "K", span_k, "in the box at least, works from {1:.0f} K"
            ),
            _ceiling("warm", float(row[5]), box.operate_max_k, span_k),
            _floor("cold after", float(row[6]), box.survive_min_k, "K", span_k, "after it, survives {1:.0f} K"),
            Criterion(
                "charged",
                hours,
                self.recharge_h,
                -self.recharge_h if late else self.recharge_h - hours,
                "h",
                -1.0 if late else 1.0 - hours / self.recharge_h,
                f"not charged to {self.charged:.0%} again in the time allowed" if late else told,
            ),
        ]
        if row[10] > 0.0:
            text = f"{row[10]:.1f} Wh of the loads cannot be served: the store is empty"
            found.append(Criterion("power", float(row[10]), 0.0, -float(row[10]), "Wh", -1.0, text))
        if self.out.by == "hop":
            found.append(self._propellant())
        if self.contact:
            share = self._contact(k, stay_h)
            text = f"{share:.0%} of both ways in contact"
            found.append(Criterion("contact", share, 1.0, share - 1.0, "1", share - 1.0, text))
        return tuple(sorted(found, key=lambda item: item.relative))


def _floor(name: str, value: float, limit: float, unit: str, scale: float, text: str) -> Criterion:
    """A number that must not be below a limit."""
    told = f"{value:.0f} {unit} " + text.format(value, limit)
    return Criterion(name, value, limit, value - limit, unit, (value - limit) / scale, told)


def _ceiling(name: str, value: float, limit: float, scale: float) -> Criterion:
    """A temperature that must not be above a limit."""
    text = f"{value:.0f} K in the box at most, works to {limit:.0f} K"
    return Criterion(name, value, limit, limit - value, "K", (limit - value) / scale, text)


def _trip(row: Floats, sky: SortieSky, k: int, out: Way, back: Way, stay_h: float) -> dict[str, Any]:
    """One trip in plain numbers."""
    home = out.duration_s + stay_h * 3600.0 + back.duration_s
    landed = sky.time[k] + np.timedelta64(round(home * 1e3), "ms")
    charged = None if math.isnan(row[9]) else landed + np.timedelta64(round(float(row[9]) * 1e3), "ms")
    return {
        "depart_utc": _text(sky.time[k]),
        "back_utc": _text(landed),
        "charged_utc": None if charged is None else _text(charged),
        "stored_start_wh": round(float(row[0]), 2),
        "stored_lowest_wh": round(float(row[1]), 2),
        "stored_back_wh": round(float(row[2]), 2),
        "energy_used_wh": round(float(row[7]), 2),
        "heater_wh": round(float(row[8]), 2),
        "unserved_wh": round(float(row[10]), 3),
        "box_lowest_k": round(float(row[4]), 2),
        "box_highest_k": round(float(row[5]), 2),
        "in_light_at_start": bool(sky.home_sunlight_w_m2[k] > 0.0),
    }


def _windows(
    sky: SortieSky, starts: npt.NDArray[np.int64], relative: Floats, longest_h: Floats
) -> tuple[dict[str, Any], ...]:
    """Spans of starts that are all feasible."""
    good = np.concatenate([[False], relative >= 0.0, [False]])
    edges = np.flatnonzero(good[1:] != good[:-1])
    found = []
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        part = slice(first, stop)
        found.append(
            {
                "start_utc": _text(sky.time[starts[first]]),
                "latest_start_utc": _text(sky.time[starts[stop - 1]]),
                "open_end": bool(stop == len(starts)),
                "longest_stay_h": round(float(np.nanmax(longest_h[part])), 3),
            }
        )
    return tuple(found)


def _text(t: np.datetime64) -> str:
    return str((t.astype("datetime64[ms]") + np.timedelta64(500, "ms")).astype("datetime64[s]")) + "Z"


def criteria_rows(criteria: Sequence[Criterion]) -> list[list[Any]]:
    """Criteria as rows of a table."""
    return [[row.name, "yes" if row.kept else "NO", row.margin, row.unit, row.text] for row in criteria]
