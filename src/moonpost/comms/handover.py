"""Handover: which antenna serves whom when, so that no antenna has two contacts at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.comms.contacts import Contacts, union
from moonpost.errors import InputError
from moonpost.sky.times import iso

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

__all__ = ["Contact", "HandoverPlan", "HandoverRules", "Window", "check_handover", "plan_handover", "windows_of"]

_MILLI = np.timedelta64(1, "ms")
_NEXT = 12


@dataclass(frozen=True)
class Window:
    """A time in which an antenna could serve a user.

    Parameters
    ----------
    antenna : str
        Dish on the Earth, or relay, that can serve one user at a time.
    user : str
        Site or spacecraft.
    start, stop : datetime64[ms]
        UTC.
    weight : float, default 1.0
        What an hour is worth besides the user's priority, such as the rate over the usual rate.

    Raises
    ------
    InputError
        If it does not end after it starts, or the weight is not above zero.
    """

    antenna: str
    user: str
    start: np.datetime64
    stop: np.datetime64
    weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("start", "stop"):
            object.__setattr__(self, name, np.datetime64(getattr(self, name)).astype("datetime64[ms]"))
        if not self.stop > self.start or not (math.isfinite(self.weight) and self.weight > 0.0):
            raise InputError(
                f"{self.antenna} for {self.user}: {self.start} to {self.stop}, weight {self.weight}",
                where="Window",
                advice="give an end after the start and a weight above zero",
            )


@dataclass(frozen=True)
class HandoverRules:
    """What every plan keeps to.

    Parameters
    ----------
    least_s : float, default 600.0
        Shortest contact [s].
    setup_s : float, default 300.0
        Time that an antenna needs before a contact, to slew and lock; it may lie before the window [s].
    priority : mapping of str to float
        Of users, such as by their partner's share; 1 where not given.
    gap_weight : float, default 1.0
        How many hours of contact a user gives for an hour less of its longest gap.
    pieces : int, default 1
        Into how many contacts a window may be cut.
    step_s : float, default 300.0
        Contacts begin and end on a grid of this step from the start of the period [s].

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> HandoverRules(least_s=900.0).setup_s
    300.0
    """

    least_s: float = 600.0
    setup_s: float = 300.0
    priority: Mapping[str, float] = field(default_factory=dict)
    gap_weight: float = 1.0
    pieces: int = 1
    step_s: float = 300.0

    def __post_init__(self) -> None:
        values = (self.least_s, self.setup_s, self.gap_weight, *self.priority.values())
        if not all(math.isfinite(value) and 0.0 <= value <= 1e6 for value in values) or not (
            1 <= self.pieces <= 5 and self.step_s >= 1.0 and math.isfinite(self.step_s)
        ):
            raise InputError(
                "negative, too large or not finite",
                where="HandoverRules",
                advice="give times, weights and priorities from 0, 1 to 5 pieces, and a step from 1 s",
            )


@dataclass(frozen=True)
class Contact:
    """One contact of a plan.

    Parameters
    ----------
    antenna, user : str
        Who serves whom.
    start, stop : datetime64[ms]
        UTC; the antenna is also taken for the set-up before it.
    """

    antenna: str
    user: str
    start: np.datetime64
    stop: np.datetime64


@dataclass(frozen=True)
class HandoverPlan:
    """Contacts that share antennas.

    Parameters
    ----------
    contacts : tuple of Contact
        By start.
    span : tuple of datetime64[ms]
        Period that was planned.
    value_h : float
        Hours of contact times weights and priorities, less those for the longest gaps.
    bound_h : float
        No plan has a higher value.
    optimal : bool
        Whether that is proven of this plan, on its grid.
    """

    contacts: tuple[Contact, ...]
    span: tuple[np.datetime64, np.datetime64]
    value_h: float
    bound_h: float
    optimal: bool

    def of(self, *, user: str | None = None, antenna: str | None = None) -> Contacts:
        """Contacts of a user, of an antenna, or of a user with an antenna.

        Parameters
        ----------
        user, antenna : str, optional
            Whose; of all if not given.

        Returns
        -------
        Contacts
            Those of several antennas are merged.
        """
        rows = [
            Contacts(np.array([row.start]), np.array([row.stop]), self.span)
            for row in self.contacts
            if user in (None, row.user) and antenna in (None, row.antenna)
        ]
        none = np.array([], dtype="datetime64[ms]")
        return union(rows) if rows else Contacts(none, none.copy(), self.span)

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain rows, for JSON and CSV.

        Returns
        -------
        list of dict
            `antenna`, `user`, `start_utc`, `stop_utc` and `duration_s`.
        """
        return [
            {
                "antenna": row.antenna,
                "user": row.user,
                "start_utc": iso(row.start),
                "stop_utc": iso(row.stop),
                "duration_s": float((row.stop - row.start) / _MILLI) / 1000.0,
            }
            for row in self.contacts
        ]


def windows_of(contacts: Contacts, antenna: str, user: str, *, weight: float = 1.0) -> list[Window]:
    """Windows from contacts over terrain and mask.

    Parameters
    ----------
    contacts : Contacts
        When the antenna and the user see each other.
    antenna, user : str
        Their names.
    weight : float, default 1.0
        What an hour is worth.

    Returns
    -------
    list of Window
    """
    return [Window(antenna, user, a, b, weight) for a, b in zip(contacts.start, contacts.stop, strict=True)]


def plan_handover(
    windows: Sequence[Window],
    span: tuple[np.datetime64, np.datetime64],
    rules: HandoverRules | None = None,
    *,
    effort: float = 1.0,
) -> HandoverPlan:
    """Share antennas among users: most time in contact by priority, and short longest gaps.

    Parameters
    ----------
    windows : sequence of Window
        Who could serve whom when.
    span : tuple of datetime64
        Period to plan; windows are cut to it.
    rules : HandoverRules, optional
        What the plan keeps to.
    effort : float, default 1.0
        Limit of the search in CP-SAT's deterministic seconds; the same input gives the same plan.

    Returns
    -------
    HandoverPlan
        With a bound on what any plan could be worth.

    Raises
    ------
    InputError
        If the period is empty or the effort is not above zero.

    Notes
    -----
    Intervals of free start and end in whole steps: none may overlap on an antenna, set-up included, nor for a
    user, who talks to one antenna at a time. The search (CP-SAT) starts from a greedy plan, first without regard
    to gaps. A gap is closed by
    one of the user's next 12 windows or counts as the whole period; with more than 12 windows at once the bound
    is that of this rule.

    Examples
    --------
    >>> day = np.datetime64("2030-01-01T00:00", "ms") + np.arange(5) * np.timedelta64(21600, "s")
    >>> rows = [Window("dish", "lander", day[0], day[2]), Window("dish", "rover", day[1], day[3])]
    >>> plan = plan_handover(rows, (day[0], day[4]), HandoverRules(gap_weight=0.0))
    >>> plan.optimal, round(plan.value_h, 2), check_handover(plan, rows)
    (True, 17.92, [])
    """
    from ortools.sat.python import cp_model

    rules = rules or HandoverRules()
    first, last = (np.datetime64(end).astype("datetime64[ms]") for end in span)
    if not last > first or not (math.isfinite(effort) and effort > 0.0):
        raise InputError("no period or no effort", where="plan_handover", advice="give an end after the start")
    pieces = _pieces(windows, first, last, rules)
    length = math.ceil(float((last - first) / _MILLI) / 1000.0 / rules.step_s)
    plans: list[HandoverPlan] = []
    known = None
    for stage in [replace(rules, gap_weight=0.0), rules] if rules.gap_weight else [rules]:
        model = _Model(cp_model.CpModel(), pieces, length, stage, known)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 2
        solver.parameters.max_deterministic_time = effort
        if solver.solve(model.model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            continue
        known = [
            (solver.value(a), solver.value(b), bool(solver.value(on)))
            for a, b, on in zip(model.start, model.stop, model.on, strict=True)
        ]
        bound = solver.best_objective_bound * rules.step_s / 3600.0 / _Model.SCALE
        plan = HandoverPlan(_contacts(pieces, known, first, rules.step_s), (first, last), 0.0, bound, False)
        plans.append(replace(plan, value_h=_worth(plan, windows, pieces, rules)))
    if not plans:
        raise InputError("no plan was found", where="plan_handover", advice="give more effort")
    best = max(plans, key=lambda plan: plan.value_h)
    bound = plans[-1].bound_h
    return replace(best, bound_h=bound, optimal=best.value_h >= bound - 1e-6)


def _contacts(
    pieces: list[_Piece], values: list[tuple[int, int, bool]], first: np.datetime64, step_s: float
) -> tuple[Contact, ...]:
    """Contacts from the values of a solution, by start."""
    step = np.timedelta64(round(1000.0 * step_s), "ms")
    found = [
        Contact(piece.window.antenna, piece.window.user, first + low * step, first + high * step)
        for piece, (low, high, on) in zip(pieces, values, strict=True)
        if on
    ]
    return tuple(sorted(found, key=lambda row: (row.start, row.antenna)))


def _worth(plan: HandoverPlan, windows: Sequence[Window], pieces: list[_Piece], rules: HandoverRules) -> float:
    """Value of a plan from its contacts [h]."""
    total = 0.0
    for row in plan.contacts:
        hours = float((row.stop - row.start) / _MILLI) / 3.6e6
        fits = [
            w.weight
            for w in windows
            if (w.antenna, w.user) == (row.antenna, row.user) and w.start <= row.start and row.stop <= w.stop
        ]
        total += hours * max(fits) * rules.priority.get(row.user, 1.0)
    for user in {piece.window.user for piece in pieces}:
        price = rules.gap_weight * rules.priority.get(user, 1.0)
        total -= price * plan.of(user=user).longest_gap_s / 3600.0
    return total


def check_handover(plan: HandoverPlan, windows: Sequence[Window], rules: HandoverRules | None = None) -> list[str]:
    """Check a plan without regard to how it was made.

    Parameters
    ----------
    plan : HandoverPlan
        What is planned.
    windows : sequence of Window
        Who could serve whom when.
    rules : HandoverRules, optional
        What the plan has to keep to.

    Returns
    -------
    list of str
        Faults: contacts outside windows, too short, or two at once; empty if there are none.
    """
    rules = rules or HandoverRules()
    faults = []
    for row in plan.contacts:
        name = f"{row.antenna} for {row.user} at {iso(row.start)}"
        inside = [w for w in windows if (w.antenna, w.user) == (row.antenna, row.user)]
        if not any(w.start <= row.start and row.stop <= w.stop for w in inside):
            faults.append(f"{name}: not in a window")
        if not plan.span[0] <= row.start < row.stop <= plan.span[1]:
            faults.append(f"{name}: not in the period")
        if (row.stop - row.start) / _MILLI < 1000.0 * rules.least_s:
            faults.append(f"{name}: shorter than {rules.least_s:g} s")
    setup = np.timedelta64(round(1000.0 * rules.setup_s), "ms")
    for key, gap in (("antenna", setup), ("user", 0 * _MILLI)):
        for which in sorted({getattr(row, key) for row in plan.contacts}):
            rows = sorted((row.start, row.stop) for row in plan.contacts if getattr(row, key) == which)
            for (_, stop), (start, _) in pairwise(rows):
                if start - gap < stop:
                    faults.append(f"{key} {which}: two contacts at {iso(start)}")
    return faults


@dataclass(frozen=True)
class _Piece:
    """A contact that may be: its window in whole steps of the period."""

    window: Window
    low: int
    high: int
    value: int


class _Model:
    """The plan as intervals for CP-SAT."""

    SCALE = 100

    def __init__(
        self,
        model: cp_model.CpModel,
        pieces: list[_Piece],
        length: int,
        rules: HandoverRules,
        known: list[tuple[int, int, bool]] | None,
    ) -> None:
        self.model, self.pieces, self.length, self.rules = model, pieces, length, rules
        least = max(1, math.ceil(rules.least_s / rules.step_s))
        self.start = [model.new_int_var(p.low, p.high, "") for p in pieces]
        self.stop = [model.new_int_var(p.low, p.high, "") for p in pieces]
        self.size = [model.new_int_var(0, p.high - p.low, "") for p in pieces]
        self.on = [model.new_bool_var("") for _ in pieces]
        for k in range(len(pieces)):
            model.add(self.size[k] >= least).only_enforce_if(self.on[k])
            model.add(self.size[k] == 0).only_enforce_if(~self.on[k])
        self._apart()
        total = [piece.value * size for piece, size in zip(pieces, self.size, strict=True)]
        gaps = (
            [self._longest_gap(user) for user in sorted({p.window.user for p in pieces})]
            if rules.gap_weight
            else []
        )
        model.maximize(sum(total) - sum(gaps))
        if known is None:
            self._hint(least)
        else:
            for k, (low, high, on) in enumerate(known):
                self._hint_one(k, low, high, on)

    def _apart(self) -> None:
        """No two at once on an antenna or for a user; pieces of a window in order."""
        setup = math.ceil(self.rules.setup_s / self.rules.step_s)
        served = [
            self.model.new_optional_interval_var(a, size, b, on, "")
            for a, size, b, on in zip(self.start, self.size, self.stop, self.on, strict=True)
        ]
        taken = [
            self.model.new_optional_interval_var(a - setup, size + setup, b, on, "")
            for a, size, b, on in zip(self.start, self.size, self.stop, self.on, strict=True)
        ]
        for key, intervals in (("user", served), ("antenna", taken)):
            for which in sorted({getattr(p.window, key) for p in self.pieces}):
                rows = [i for i, p in zip(intervals, self.pieces, strict=True) if getattr(p.window, key) == which]
                self.model.add_no_overlap(rows)
                self._room([k for k, p in enumerate(self.pieces) if getattr(p.window, key) == which])
        for k in range(len(self.pieces) - 1):
            if self.pieces[k].window is self.pieces[k + 1].window:
                self.model.add_implication(self.on[k + 1], self.on[k])
                self.model.add(self.stop[k] <= self.start[k + 1]).only_enforce_if(self.on[k + 1])

    def _room(self, own: list[int]) -> None:
        """What follows from no overlap: contacts in windows that hang together fit into their union."""
        group: list[int] = []
        end = -1
        for k in [*own, None]:
            if k is None or (group and self.pieces[k].low >= end):
                width = end - min(self.pieces[j].low for j in group)
                self.model.add(sum(self.size[j] for j in group) <= width)
                group = []
            if k is not None:
                group.append(k)
                end = max(end, self.pieces[k].high)

    def _longest_gap(self, user: str) -> Any:
        """What the longest gap of a user costs."""
        own = [k for k, piece in enumerate(self.pieces) if piece.window.user == user]
        gap = self.model.new_int_var(0, self.length, "")
        starts = self._followed([], [own[j] for j in range(min(_NEXT, len(own)))], gap, None)
        self.model.add_bool_or(starts)
        for place, k in enumerate(own):
            later = [j for j in own[:place] if self.pieces[j].high > self.pieces[k].low]
            later += own[place + 1 : place + 1 + _NEXT]
            ways = self._followed([], later, gap, k)
            ends = self.model.new_bool_var("")
            self.model.add(self.length - self.stop[k] <= gap).only_enforce_if(ends)
            self.model.add_bool_or([*ways, ends, ~self.on[k]])
        price = self.rules.priority.get(user, 1.0) * self.rules.gap_weight
        return round(self.SCALE * price) * gap

    def _followed(self, ways: list[Any], later: list[int], gap: Any, after: int | None) -> list[Any]:
        """Ways in which a gap that begins at a contact's end, or at the start, is closed in time."""
        for j in later:
            way = self.model.new_bool_var("")
            begin = 0 if after is None else self.stop[after]
            self.model.add_implication(way, self.on[j])
            self.model.add(self.start[j] - begin <= gap).only_enforce_if(way)
            if after is not None:
                self.model.add(self.start[j] >= begin).only_enforce_if(way)
            ways.append(way)
        none = self.model.new_bool_var("")
        self.model.add(gap >= self.length).only_enforce_if(none)
        return [*ways, none]

    def _hint_one(self, k: int, low: int, high: int, on: bool) -> None:
        """Where to begin with one contact."""
        self.model.add_hint(self.on[k], on)
        self.model.add_hint(self.start[k], low)
        self.model.add_hint(self.stop[k], high)
        self.model.add_hint(self.size[k], high - low if on else 0)

    def _hint(self, least: int) -> None:
        """A greedy plan to begin with: windows by value, cut to what is free."""
        setup = math.ceil(self.rules.setup_s / self.rules.step_s)
        taken: dict[tuple[str, str], list[tuple[int, int]]] = {}
        order = sorted(range(len(self.pieces)), key=lambda k: -self.pieces[k].value)
        for k in order:
            piece = self.pieces[k]
            dish, user = ("antenna", piece.window.antenna), ("user", piece.window.user)
            busy = [(a - setup, b + setup) for a, b in taken.get(dish, [])] + taken.get(user, [])
            low, high = _widest(piece.low, piece.high, busy)
            on = high - low >= least
            self._hint_one(k, low if on else piece.low, high if on else piece.low, on)
            if on:
                for key in (dish, user):
                    taken.setdefault(key, []).append((low, high))


def _widest(low: int, high: int, busy: list[tuple[int, int]]) -> tuple[int, int]:
    """The longest free part of a time."""
    best, at = (low, low), low
    for a, b in [*sorted(busy), (high, high)]:
        if min(a, high) - at > best[1] - best[0]:
            best = (at, min(a, high))
        at = max(at, b)
    return best


def _pieces(
    windows: Sequence[Window], first: np.datetime64, last: np.datetime64, rules: HandoverRules
) -> list[_Piece]:
    """Contacts that may be, by start; those that cannot be long enough are left out."""
    found = []
    for window in windows:
        low = math.ceil(float((max(window.start, first) - first) / _MILLI) / 1000.0 / rules.step_s)
        high = math.floor(float((min(window.stop, last) - first) / _MILLI) / 1000.0 / rules.step_s)
        value = round(_Model.SCALE * window.weight * rules.priority.get(window.user, 1.0))
        if high - low >= max(1.0, rules.least_s / rules.step_s):
            found += [_Piece(window, low, high, value)] * rules.pieces
    return sorted(found, key=lambda piece: (piece.low, piece.high, piece.window.antenna, piece.window.user))
