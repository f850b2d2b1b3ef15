"""Schedule a plan's activities: windows, a first schedule at once, a better one, each checked by simulation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from moonpost.errors import InputError, ModelError
from moonpost.operations.bookings import StationSlots, station_slots
from moonpost.operations.checker import CheckReport, check_schedule, simulated
from moonpost.operations.entitlements import Limit, limits_of
from moonpost.operations.placements import Entitlement, Placement, Refusal, Schedule, Setting
from moonpost.operations.rolling import Horizon, Rolled, horizons, roll
from moonpost.operations.taskparts import TaskPlan
from moonpost.operations.tasks import TaskProblem
from moonpost.operations.windows import Occurrence, Possible, conditions, occurrences, possible_windows, worth

__all__ = ["BY_HAND", "Progress", "schedule"]

BY_HAND = "removed by hand"
"""Reason of an occurrence that someone took out; it stays out until it is added again."""

Progress = Callable[[str, Schedule], None]
"""Told ``first`` or ``better`` with the schedule so far."""

_ROUNDS = 60


def schedule(
    setting: Setting,
    *,
    seconds: float = 10.0,
    workers: int = 1,
    seed: int = 1,
    entitlements: Sequence[Entitlement] = (),
    former: Schedule | None = None,
    reserve: float = 0.05,
    progress: Progress | None = None,
) -> Schedule:
    """Place what a plan's machines have to do in a period.

    Parameters
    ----------
    setting : Setting
        The plan, the Sun, light, contacts and lunar days.
    seconds : float
        How long to search for a better schedule after the first; 0 keeps the first [s].
    workers : int
        Threads of the search.
    seed : int
        Start of the random numbers.
    entitlements : sequence of Entitlement
        What partners may use in each lunar day, see `moonpost.operations.entitlements`.
    former : Schedule, optional
        A schedule of the same period: what is locked in it stays where it is, what was removed by hand stays out,
        and it is kept if the search finds nothing worth more.
    reserve : float
        Part of every store that activities never use [0 to 1].
    progress : callable, optional
        Told the first schedule at once, then the better one.

    Returns
    -------
    Schedule
        It has passed `check_schedule`; what is not placed is listed with the reason.

    Raises
    ------
    InputError
        If a number cannot be used, or the former schedule is of another period.
    UnknownNameError
        If an entitlement names a partner or element that is not in the plan.
    ModelError
        If nothing with power stands at the site in this period.

    Notes
    -----
    1. The station is simulated without activities: what energy and room for data are free, when machines are awake
       and warm.
    2. Each occurrence gets the slots that hold what it needs; those without are refused with the need that is
       missing.
    3. The task problem (see `moonpost.operations.tasks`) is solved at once by rules, then by search. Periods of
       more than 32 days at 15 minutes, and those with entitlements, go lunar day by lunar day with three days of
       look ahead.
    4. The whole is simulated with the activities running. What makes the station shed loads or lose data that it
       does not without activities is taken out, with that as its reason, until nothing is left to object to.

    Value counts as in `moonpost.operations.windows.worth`: a step of priority doubles it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from moonpost.operations.simulation import light_heights_m
    >>> from moonpost.plan import load_plan
    >>> at = np.datetime64("2038-01-01", "ms") + np.arange(97) * np.timedelta64(1800, "s")
    >>> sun = SimpleNamespace(time=at, azimuth_deg=np.zeros(97), elevation_deg=np.ones(97),
    ...     distance_m=np.full(97, 1.5e11))
    >>> plan = load_plan("ilrs")
    >>> light = {mast_m: np.ones(97) for mast_m in light_heights_m(plan)}
    >>> found = schedule(Setting(plan, sun, light), seconds=0.0)
    >>> [row.id for row in found.placements if row.activity == "survey-drive"]
    ['survey-drive-1', 'survey-drive-2']
    """
    _check(setting, seconds, workers, seed, reserve, former)
    begun = time.perf_counter()
    reference = simulated(setting, ())
    station = station_slots(setting, reference)
    limits = limits_of(setting, entitlements, reference)
    due, refused = _due(setting, station, former)
    fixed = [row for row in former.placements if row.locked] if former else []
    work = _Work(setting, station, limits, tuple(entitlements), fixed, due, refused, former, reserve)
    parts = horizons(setting, by_day=bool(entitlements))
    best = work.checked(work.rolled(parts, 0.0, workers, seed), reference, begun)
    if progress is not None:
        progress("first", best)
    first_value = best.value
    if seconds > 0.0:
        found = work.checked(work.rolled(parts, seconds, workers, seed), reference, begun)
        best = found if found.value >= best.value else replace(best, bound=found.bound, seconds=found.seconds)
    if (
        former is not None
        and former.value > best.value
        and check_schedule(former, setting, reference=reference).ok
    ):
        notes = (*former.notes, "The search found nothing worth more than the schedule before.")
        best = replace(former, notes=tuple(dict.fromkeys(notes)))
    best = replace(best, first_value=first_value)
    if progress is not None:
        progress("better", best)
    return best


def _check(
    setting: Setting, seconds: float, workers: int, seed: int, reserve: float, former: Schedule | None
) -> None:
    """Refuse what cannot be used."""
    if not (math.isfinite(seconds) and 0.0 <= seconds <= 86_400.0):
        raise InputError(f"is {seconds}", where="seconds", advice="give 0 to 86400")
    if not 1 <= workers <= 256:
        raise InputError(f"is {workers}", where="workers", advice="give 1 to 256")
    if seed < 0:
        raise InputError(f"is {seed}", where="seed", advice="give a whole number from 0")
    if not 0.0 <= reserve < 1.0:
        raise InputError(f"is {reserve}", where="reserve", advice="give a part of the store from 0 to below 1")
    if not setting.plan.activities:
        raise ModelError("has no activities", where=setting.plan.path, advice="add rows of activities")
    if former is not None and (former.start, former.stop, former.site) != (
        setting.start,
        setting.stop,
        setting.site,
    ):
        raise InputError(
            f"is of {former.site} from {former.start} to {former.stop}",
            where="former schedule",
            advice="schedule the same site and period, or begin a new file",
        )


def _due(
    setting: Setting, station: StationSlots, former: Schedule | None
) -> tuple[list[Possible], dict[str, tuple[Occurrence, str]]]:
    """What is due with its windows, and what cannot be done at all."""
    out = {row.id for row in former.refusals if row.reason.startswith(BY_HAND)} if former else set()
    placed = {row.id for row in former.placements if row.locked} if former else set()
    found: list[Possible] = []
    refused: dict[str, tuple[Occurrence, str]] = {}
    needs: dict[str, object] = {}
    for row in occurrences(setting):
        activity = row.activity
        if activity.id not in needs:
            try:
                needs[activity.id] = conditions(setting, activity, station.machines.get(activity.element))
            except ModelError as error:
                needs[activity.id] = error.what
        need = needs[activity.id]
        if row.id in placed:
            continue
        if row.id in out:
            refused[row.id] = (row, BY_HAND)
        elif isinstance(need, str):
            refused[row.id] = (row, need)
        elif activity.element not in station.bus_of:
            refused[row.id] = (row, f"{activity.element} is not there in this period")
        else:
            possible = possible_windows(setting, row, need)  # type: ignore[arg-type]
            if possible.reason:
                refused[row.id] = (row, possible.reason)
            else:
                found.append(possible)
    return found, refused


class _Work:
    """All that stays the same while schedules are made."""

    def __init__(
        self,
        setting: Setting,
        station: StationSlots,
        limits: Sequence[Limit],
        entitlements: tuple[Entitlement, ...],
        fixed: Sequence[Placement],
        due: Sequence[Possible],
        refused: Mapping[str, tuple[Occurrence, str]],
        former: Schedule | None,
        reserve: float,
    ) -> None:
        self.setting, self.station, self.limits, self.entitlements = setting, station, limits, entitlements
        self.fixed, self.due, self.refused, self.former = fixed, due, refused, former
        self.reserve = reserve

    def rolled(self, parts: Sequence[Horizon], seconds: float, workers: int, seed: int) -> Rolled:
        """Place what is due, in all the time given."""

        def solve(problem: TaskProblem, share: float) -> TaskPlan:
            return _solve(problem, seconds * share, workers, seed)

        return roll(
            self.setting,
            self.station,
            self.due,
            self.fixed,
            solve,
            parts=parts,
            limits=self.limits,
            reserve=self.reserve,
        )

    def checked(self, rolled: Rolled, reference: object, begun: float) -> Schedule:
        """A schedule from which everything that the simulation objects to is taken out."""
        reasons = {
            row.occurrence.id: (row.occurrence, rolled.reasons.get(row.occurrence.id, "")) for row in self.due
        }
        placements = list(rolled.placements)
        taken_out: dict[str, str] = {}
        notes: list[str] = []
        for _ in range(_ROUNDS):
            found = self._schedule(placements, {**dict(rolled.reasons), **taken_out}, reasons)
            report = check_schedule(found, self.setting, reference=reference)  # type: ignore[arg-type]
            blamed = self._blamed(report, placements)
            if not blamed:
                notes += [f"fixed by hand, but {row}" for row in report.violations]
                break
            taken_out |= blamed
            placements = [row for row in placements if row.id not in blamed]
        if len(horizons(self.setting, by_day=bool(self.entitlements))) > 1:
            notes.append(
                f"Planned in {rolled.parts} parts: the bound is the sum of theirs, not one of the whole period."
            )
        return replace(found, bound=max(rolled.bound, found.value), seconds=time.perf_counter() - begun,
                       notes=tuple(notes))  # fmt: skip

    def _blamed(self, report: CheckReport, placements: Sequence[Placement]) -> dict[str, str]:
        """What to take out, with the reason; what is locked stays."""
        free = {row.id: row for row in placements if not row.locked}
        blamed: dict[str, str] = {}
        for row in report.violations:
            if row.id in free:
                blamed.setdefault(row.id, row.text)
        return blamed

    def _schedule(
        self,
        placements: Sequence[Placement],
        reasons: Mapping[str, str],
        known: Mapping[str, tuple[Occurrence, str]],
    ) -> Schedule:
        """The schedule as it stands."""
        setting, plan = self.setting, self.setting.plan
        names = {row.id for row in placements}
        refusals = [
            Refusal(name, due.activity.id, due.activity.element, reason)
            for name, (due, reason) in self.refused.items()
        ]
        refusals += [
            Refusal(name, due.activity.id, due.activity.element, reasons.get(name) or "nothing was left for it")
            for name, (due, _) in known.items()
            if name not in names
        ]
        order = {row.id: k for k, row in enumerate(occurrences(setting))}
        return Schedule(
            plan_id=plan.id,
            plan_sha256=plan.sha256,
            site=setting.site,
            start=setting.start,
            stop=setting.stop,
            slot_s=setting.slot_s,
            placements=tuple(placements),
            refusals=tuple(sorted(refusals, key=lambda row: order[row.id])),
            groups=dict(self.former.groups) if self.former else {},
            entitlements=self.entitlements,
            value=float(sum(worth(plan.row("activities", row.activity)) for row in placements)),
        )


def _solve(problem: TaskProblem, seconds: float, workers: int, seed: int) -> TaskPlan:
    """Solve a task problem: by rules alone where there is no time, else by search."""
    from moonpost.operations.tasksearch import plan_tasks

    return plan_tasks(problem, seconds=seconds, workers=workers, seed=seed)
