"""When a plan's activities can run: how often each is due, and the slots that hold what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.operations.buses import arrival_of, groups_at
from moonpost.operations.placements import Setting, utc
from moonpost.plan.elements import Activity, SolarArray
from moonpost.power.arrays import array_heights_m

__all__ = ["Occurrence", "Possible", "conditions", "occurrences", "possible_windows", "runs_of", "worth"]

Flags = npt.NDArray[np.bool_]

_DAY = np.timedelta64(1, "D")
_MILLI = np.timedelta64(1, "ms")
_EPS = 1e-9


@dataclass(frozen=True)
class Occurrence:
    """One time that an activity is due.

    Parameters
    ----------
    id : str
        The activity and the number of the occurrence, from 1.
    activity : Activity
        What is due.
    number : int
        From 1.
    start, stop : datetime64[ms]
        It is due between these, UTC.
    after : tuple of str
        Occurrences that come before it.
    partner : str
        On whose time.

    Examples
    --------
    >>> from moonpost.operations.windows import occurrences  # see there
    """

    id: str
    activity: Activity
    number: int
    start: np.datetime64
    stop: np.datetime64
    after: tuple[str, ...]
    partner: str


@dataclass(frozen=True)
class Possible:
    """Where an occurrence could run, by what it needs alone.

    Parameters
    ----------
    occurrence : Occurrence
        What is due.
    slots : int
        Slots that it takes.
    windows : tuple of (int, int)
        Runs of slots that are long enough: the first, and the one after the last.
    reason : str
        Why there are none; empty if there are.

    Examples
    --------
    >>> from moonpost.operations.windows import possible_windows  # see there
    """

    occurrence: Occurrence
    slots: int
    windows: tuple[tuple[int, int], ...]
    reason: str = ""


def worth(activity: Activity) -> float:
    """What one occurrence counts in a schedule: its value, doubled with each step of priority.

    Parameters
    ----------
    activity : Activity
        The activity.

    Returns
    -------
    float
        The value itself at priority 5, 16 times as much at priority 1.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> worth(load_plan("ilrs").activities[0])
    1.0
    """
    return activity.value * 2.0 ** (5 - activity.priority)


def occurrences(setting: Setting) -> tuple[Occurrence, ...]:
    """Everything that is due in the period.

    Parameters
    ----------
    setting : Setting
        The plan, and the period.

    Returns
    -------
    tuple of Occurrence
        By activity, then by time.

    Notes
    -----
    Once: in the whole period. Each lunar day: from one solar midnight at the site to the next. Each Earth day: of
    UTC. Days cut by the ends of the period count. An occurrence that comes after another activity waits for that
    one's occurrence of the same day; where the two are due by different days, for the one due when its own day
    begins, or the first.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(193) * np.timedelta64(900, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(193), elevation_deg=np.ones(193),
    ...     distance_m=np.full(193, 1.5e11))
    >>> due = occurrences(Setting(load_plan("ilrs"), sun, {2.0: np.ones(193)}))
    >>> [row.id for row in due if row.activity.every == "earth-day"][:3]
    ['survey-drive-1', 'survey-drive-2', 'sample-analysis-1']
    """
    plan = setting.plan
    days = {activity.id: _days(setting, activity) for activity in plan.activities}
    owners = {element.id: element.owner for element in plan.elements}
    found = []
    for activity in plan.activities:
        for number, (start, stop) in enumerate(days[activity.id], start=1):
            after = tuple(f"{name}-{_matching(start, days[name])}" for name in activity.after)
            partner = activity.partner or owners[activity.element]
            found.append(Occurrence(f"{activity.id}-{number}", activity, number, start, stop, after, partner))
    return tuple(found)


def _days(setting: Setting, activity: Activity) -> list[tuple[np.datetime64, np.datetime64]]:
    """Periods in which an activity is due once each."""
    if activity.every == "once":
        edges = np.array([setting.start, setting.stop])
    elif activity.every == "lunar-day":
        edges = setting.day_edges
    else:
        first = setting.start.astype("datetime64[D]").astype("datetime64[ms]") + _DAY
        inner = np.arange(first, setting.stop, _DAY)
        edges = np.concatenate([[setting.start], inner, [setting.stop]])
    return list(pairwise(edges))


def _matching(start: np.datetime64, days: list[tuple[np.datetime64, np.datetime64]]) -> int:
    """Number of the day that holds an instant."""
    return next((k for k, (first, stop) in enumerate(days, start=1) if first <= start < stop), 1)


def conditions(
    setting: Setting, activity: Activity, machine: Mapping[str, Flags] | None = None
) -> list[tuple[str, Flags]]:
    """What an activity needs besides its day, slot by slot.

    Parameters
    ----------
    setting : Setting
        The plan and the sky.
    activity : Activity
        The activity.
    machine : mapping of str to ndarray of bool, (slots,), optional
        What else must hold for its element, by a name such as ``awake``.

    Returns
    -------
    list of (str, ndarray of bool)
        The name of each condition, and the slots that meet it throughout.

    Raises
    ------
    ModelError
        If the element is not at the site in this period; the message says where it is.

    Notes
    -----
    Light is any part of the Sun in view at one of the element's own arrays, or at those of its bus, or at the
    lowest mast if there are none, as for modes; between two samples it counts if both have it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> plan, light = load_plan("ilrs"), np.array([0.0, 1.0, 1.0])
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(3) * np.timedelta64(900, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(3), elevation_deg=np.ones(3),
    ...     distance_m=np.full(3, 1.5e11))
    >>> setting = Setting(plan, sun, {2.0: light, 10.0: light})
    >>> drive = next(row for row in plan.activities if row.id == "survey-drive")
    >>> [(name, flags.tolist()) for name, flags in conditions(setting, drive)]
    [('there', [True, True]), ('in light', [False, True])]
    """
    plan, count = setting.plan, setting.slots
    element = plan.element(activity.element)
    groups, absent = groups_at(plan, setting.site)
    if element.id in absent:
        raise ModelError(f"{element.id} {absent[element.id]}", where=activity.id)
    group = next(group for group in groups if any(member.id == element.id for member in group.elements))
    arrival = arrival_of(plan, element, setting.start, setting.slot_s, count).time
    found = [("there", np.asarray(setting.sun.time[:-1]) >= arrival)]
    if not found[0][1].any():
        raise ModelError(f"{element.id} arrives by {utc(arrival)}, after the period", where=activity.id)
    own = [h for array in element.generators if isinstance(array, SolarArray) for h in array_heights_m(array)]
    masts_m = own or list(group.masts_m) or [min(setting.light_by_mast)]
    lit = np.any([np.asarray(setting.light_by_mast[mast_m]) > 0.0 for mast_m in masts_m], axis=0)
    if "light" in activity.needs:
        found.append(("in light", lit[:-1] & lit[1:]))
    if "dark" in activity.needs:
        found.append(("in the dark", ~lit[:-1] & ~lit[1:]))
    if "earth" in activity.needs:
        windows = setting.contacts_of(element.id)
        seen = np.ones(count, dtype=np.bool_) if windows is None else _inside(setting, windows)
        found.append(("in contact", seen))
    return found + list((machine or {}).items())


def _inside(setting: Setting, windows: npt.NDArray[np.datetime64]) -> Flags:
    """Slots that lie within one of the windows throughout."""
    flags = np.zeros(setting.slots, dtype=np.bool_)
    step_ms = setting.slot_s * 1000.0
    offset = (windows.astype("datetime64[ms]") - setting.start) / _MILLI / step_ms
    for first, last in zip(np.ceil(offset[:, 0] - _EPS), np.floor(offset[:, 1] + _EPS), strict=True):
        if last > first and last > 0:
            flags[max(int(first), 0) : int(last)] = True
    return flags


def runs_of(flags: Flags) -> list[tuple[int, int]]:
    """Runs of true values.

    Parameters
    ----------
    flags : ndarray of bool
        Values.

    Returns
    -------
    list of (int, int)
        First place of each run, and the place after its last.

    Examples
    --------
    >>> runs_of(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def possible_windows(setting: Setting, due: Occurrence, needs: Iterable[tuple[str, Flags]]) -> Possible:
    """Runs of slots in which an occurrence could run.

    Parameters
    ----------
    setting : Setting
        The period.
    due : Occurrence
        What is due.
    needs : iterable of (str, ndarray of bool)
        What `conditions` gave.

    Returns
    -------
    Possible
        With the first need that leaves no room, if there is none.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(97) * np.timedelta64(900, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(97), elevation_deg=np.ones(97),
    ...     distance_m=np.full(97, 1.5e11))
    >>> setting = Setting(load_plan("ilrs"), sun, {2.0: np.ones(97)})
    >>> due = next(row for row in occurrences(setting) if row.id == "survey-drive-1")
    >>> possible_windows(setting, due, [("in light", np.arange(96) < 8)]).reason
    'needs 8 h in light; the longest time in its day is 2 h, from 2038-01-01T00:00:00Z to 2038-01-01T02:00:00Z'
    """
    slots = int(np.ceil(due.activity.duration_h * 3600.0 / setting.slot_s - _EPS))
    flags = np.zeros(setting.slots, dtype=np.bool_)
    first = int(np.ceil((due.start - setting.start) / _MILLI / 1000.0 / setting.slot_s - _EPS))
    last = int(np.floor((due.stop - setting.start) / _MILLI / 1000.0 / setting.slot_s + _EPS))
    flags[max(first, 0) : max(last, 0)] = True
    told: list[str] = []
    for name, mask in [("", np.ones_like(flags)), *needs]:
        flags &= mask
        told += [name] if name else []
        if max((b - a for a, b in runs_of(flags)), default=0) < slots:
            return Possible(due, slots, (), _reason(setting, due, flags, told))
    return Possible(due, slots, tuple((a, b) for a, b in runs_of(flags) if b - a >= slots))


def _reason(setting: Setting, due: Occurrence, flags: Flags, told: list[str]) -> str:
    """Which need leaves no room, and how much it leaves."""
    wanted = f"{due.activity.duration_h:g} h"
    runs = runs_of(flags)
    if not told:
        return f"takes {wanted}, and its day in this period has less: {utc(due.start)} to {utc(due.stop)}"
    others = [name for name in told[:-1] if name != "there"]
    needs = f"needs {wanted} {told[-1]}" + (f" while {' and '.join(others)}" if others else "")
    if not runs:
        return f"{needs}; there is no such time from {utc(due.start)} to {utc(due.stop)}"
    a, b = max(runs, key=lambda run: run[1] - run[0])
    begin, end = (setting.start + np.timedelta64(round(k * setting.slot_s * 1000.0), "ms") for k in (a, b))
    length = f"{(b - a) * setting.slot_s / 3600.0:.4g} h"
    return f"{needs}; the longest time in its day is {length}, from {utc(begin)} to {utc(end)}"
