"""Projects: activities with durations, demands on capacities, an order and calendars; read, and checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError

__all__ = ["Project", "project_faults", "read_patterson"]

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Project:
    """Activities that share capacities, some of which wait for others.

    Parameters
    ----------
    durations : ndarray of int, shape (n,)
        Durations in whole units of time, 0 or more.
    demands : ndarray of int, shape (n, r)
        What each activity takes of each capacity while it runs.
    capacities : ndarray of int, shape (r,)
        What there is of each.
    followers : tuple of tuple of int
        For each activity those that may start when it has ended.
    calendars : ndarray of bool, shape (k, h), optional
        Units of time in which work can be done; none can after the last of them.
    calendar : ndarray of int, shape (n,), optional
        The calendar that each activity keeps; -1 for none.
    pauses : ndarray of bool, shape (n,), optional
        Whether an activity may pause where its calendar is closed and go on afterwards. It keeps what it has
        taken while it pauses.

    Raises
    ------
    InputError
        If shapes do not fit, a number is negative, an activity asks for more than there is, there is no such
        calendar, or activities wait for each other in a circle.

    Examples
    --------
    >>> Project([2, 3], [[1], [1]], [1], [(1,), ()]).order
    (0, 1)
    >>> days = Project([2, 3], [[1], [1]], [1], [(1,), ()], calendars=[[1, 1, 0, 0, 1, 1, 1]], calendar=[-1, 0])
    >>> days.ends([0, 4]).tolist()
    [2, 7]
    """

    durations: Whole
    demands: Whole
    capacities: Whole
    followers: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for name in ("durations", "demands", "capacities"):
            given = np.asarray(getattr(self, name))
            if given.size and not (
                np.issubdtype(given.dtype, np.number) and np.array_equal(given, np.round(given))
            ):
                raise InputError("holds what is no whole number", where=name, advice="give whole numbers")
            object.__setattr__(self, name, given.astype(np.int64))
        object.__setattr__(self, "followers", tuple(tuple(int(k) for k in row) for row in self.followers))
        count, kinds = self.durations.size, self.capacities.size
        if (
            self.durations.shape != (count,)
            or self.demands.shape != (count, kinds)
            or len(self.followers) != count
        ):
            raise InputError(
                f"{count} durations, demands of shape {self.demands.shape}, {kinds} capacities and "
                f"{len(self.followers)} rows of followers do not fit",
                where="project",
                advice="give one row for each activity, and one column for each capacity",
            )
        self._check_numbers()
        self._take_calendars(count)
        object.__setattr__(self, "order", _order(self.followers))

    order: tuple[int, ...] = ()
    calendars: Flags = field(default_factory=lambda: np.zeros((0, 0), dtype=np.bool_))
    calendar: Whole = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pauses: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        return int(self.durations.size)

    def _take_calendars(self, count: int) -> None:
        """Bring calendars to their types, and check that they fit."""
        calendars = np.asarray(self.calendars).astype(np.bool_)
        kept, pauses = np.asarray(self.calendar), np.asarray(self.pauses)
        kept = kept if kept.size else np.full(count, -1)
        pauses = pauses if pauses.size else np.zeros(count, dtype=np.bool_)
        if calendars.ndim != 2 or kept.shape != (count,) or pauses.shape != (count,):
            raise InputError(
                f"calendars of shape {calendars.shape}, {kept.size} numbers of calendars and {pauses.size} pauses "
                f"do not fit {count} activities",
                where="project",
                advice="give calendars as rows, and one number and one flag for each activity",
            )
        wrong = [k for k in kept.tolist() if k not in range(-1, len(calendars))]
        if wrong:
            raise InputError(f"there is no calendar {wrong[0]}", where="calendar", advice="count from 0; -1: none")
        object.__setattr__(self, "calendars", calendars)
        object.__setattr__(self, "calendar", kept.astype(np.int64))
        object.__setattr__(self, "pauses", pauses.astype(np.bool_))

    def _check_numbers(self) -> None:
        for name in ("durations", "demands", "capacities"):
            if (getattr(self, name) < 0).any():
                raise InputError("holds a negative number", where=name, advice="give 0 or more")
        over = np.argwhere(self.demands > self.capacities[None, :])
        if over.size:
            job, kind = (int(value) for value in over[0])
            raise InputError(
                f"activity {job} asks for {self.demands[job, kind]} of capacity {kind}, which is "
                f"{self.capacities[kind]}",
                where="project",
                advice="raise the capacity or lower the demand",
            )
        wrong = [k for row in self.followers for k in row if not 0 <= k < len(self)]
        if wrong:
            raise InputError(f"there is no activity {wrong[0]}", where="followers", advice="count from 0")

    @property
    def scheduled(self) -> bool:
        """Whether any activity keeps a calendar.

        Returns
        -------
        bool
        """
        return bool(((self.calendar >= 0) & (self.durations > 0)).any())

    def ends(self, starts: Sequence[int] | Whole) -> Whole:
        """When activities that start at given times end.

        Parameters
        ----------
        starts : sequence of int, shape (n,)
            When each starts.

        Returns
        -------
        ndarray of int, shape (n,)
            The start and the duration, longer where an activity pauses.

        Raises
        ------
        InputError
            If an activity that pauses does not come to its end within its calendar.
        """
        ends = np.asarray(starts, dtype=np.int64) + self.durations
        for job in np.flatnonzero(self.pauses & (self.calendar >= 0) & (self.durations > 0)).tolist():
            open_units = np.flatnonzero(self.calendars[self.calendar[job]])
            last = int(np.searchsorted(open_units, starts[job])) + int(self.durations[job]) - 1
            if last >= open_units.size:
                raise InputError(
                    f"activity {job} does not end within its calendar", where="starts", advice="start it earlier"
                )
            ends[job] = open_units[last] + 1
        return ends

    @property
    def longest_chain(self) -> int:
        """Length of the longest chain of activities that wait for each other, calendars left out.

        Returns
        -------
        int
        """
        ends = np.zeros(len(self), dtype=np.int64)
        for job in self.order:
            ends[job] += self.durations[job]
            for follower in self.followers[job]:
                ends[follower] = max(ends[follower], ends[job])
        return int(ends.max(initial=0))

    @property
    def bound(self) -> int:
        """No plan is shorter: the longest chain, or the work on a capacity divided by what there is of it.

        Calendars are left out; a plan's own bound counts them.

        Returns
        -------
        int
        """
        work = self.durations @ self.demands
        shares = -(-work // np.maximum(self.capacities, 1))
        return max(self.longest_chain, int(shares.max(initial=0)))


def project_faults(project: Project, starts: Sequence[int] | Whole) -> list[str]:
    """What is wrong with a plan; it shares no code with those who make plans.

    Parameters
    ----------
    project : Project
        The activities.
    starts : sequence of int, shape (n,)
        When each starts.

    Returns
    -------
    list of str
        A line for each fault; empty if the plan keeps every order and capacity.

    Examples
    --------
    >>> project_faults(Project([2, 3], [[1], [1]], [1], [(1,), ()]), [0, 1])
    ['activity 1 starts at 1, before activity 0 has ended at 2', 'capacity 0 is 1 and 2 are taken at 1']
    """
    begin = np.asarray(starts)
    if begin.shape != (len(project),):
        return [f"{begin.size} starts for {len(project)} activities"]
    found = [f"activity {job} starts at {at}, before 0" for job, at in enumerate(begin.tolist()) if at < 0]
    walked = [_walk(project, job, at) for job, at in enumerate(begin.tolist())]
    end = np.array([at for at, _ in walked], dtype=np.int64)
    found += [fault for _, fault in walked if fault]
    found += [
        f"activity {follower} starts at {begin[follower]}, before activity {job} has ended at {end[job]}"
        for job, row in enumerate(project.followers)
        for follower in row
        if begin[follower] < end[job]
    ]
    running = project.durations > 0
    for moment in np.unique(begin[running]).tolist():
        at_work = running & (begin <= moment) & (end > moment)
        taken = project.demands[at_work].sum(axis=0)
        found += [
            f"capacity {kind} is {project.capacities[kind]} and {taken[kind]} are taken at {moment}"
            for kind in np.flatnonzero(taken > project.capacities).tolist()
        ]
    return found


def _walk(project: Project, job: int, start: int) -> tuple[int, str]:
    """When an activity ends, unit by unit through its calendar, and what is wrong with that."""
    left, now = int(project.durations[job]), start
    number = int(project.calendar[job])
    if number < 0 or left == 0:
        return start + left, ""
    open_units = {unit for unit, flag in enumerate(project.calendars[number].tolist()) if flag}
    last = max(open_units, default=-1)
    if start not in open_units:
        return start + left, f"activity {job} starts at {start}, where its calendar is closed"
    while left > 0:
        if now > last:
            return now, f"activity {job} has {left} left to do when its calendar ends"
        if now in open_units:
            left -= 1
        elif not project.pauses[job]:
            return now, f"activity {job} may not pause and its calendar is closed at {now}"
        now += 1
    return now, ""


def read_patterson(path: str | os.PathLike[str]) -> Project:
    """Read a project in the format of Patterson, as in the library PSPLIB (``*.rcp``).

    Parameters
    ----------
    path : path-like
        The file: number of activities and of capacities; the capacities; for each activity its duration, its
        demands, the number of its followers and their numbers, counted from 1.

    Returns
    -------
    Project
        Activities in the order of the file, counted from 0.

    Raises
    ------
    DataError
        If the file cannot be read or does not hold such a project.

    References
    ----------
    Kolisch and Sprecher (1997), Eur. J. Oper. Res. 96, 205-216, doi:10.1016/S0377-2217(96)00170-1.
    """
    where, advice = str(path), "give a file of whole numbers in the format of Patterson (.rcp)"
    try:
        numbers = [int(word) for word in Path(path).read_text(encoding="ascii").split()]
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read ({error})", where=where, advice=advice) from error
    try:
        return _project(numbers)
    except (IndexError, InputError) as error:
        told = "ends before its last activity" if isinstance(error, IndexError) else error.what
        raise DataError(f"is not a project: {told}", where=where, advice=advice) from error


def _project(numbers: list[int]) -> Project:
    """A project from the numbers of a file."""
    count, kinds = numbers[0], numbers[1]
    if count < 1 or kinds < 0:
        raise InputError(f"it has {count} activities and {kinds} capacities", where="project")
    at = 2 + kinds
    durations, demands, followers = [], [], []
    for _ in range(count):
        many = numbers[at + 1 + kinds]
        if many < 0:
            raise InputError(f"an activity has {many} followers", where="project")
        durations.append(numbers[at])
        demands.append(numbers[at + 1 : at + 1 + kinds])
        row = numbers[at + 2 + kinds : at + 2 + kinds + many]
        if len(row) < many:
            raise IndexError
        followers.append(tuple(k - 1 for k in row))
        at += 2 + kinds + many
    if at != len(numbers):
        raise InputError(f"{len(numbers) - at} numbers are left over after the last activity", where="project")
    table = np.array(demands, dtype=np.int64).reshape(count, kinds)
    return Project(np.array(durations), table, np.array(numbers[2 : 2 + kinds]), tuple(followers))


def _order(followers: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """Activities in an order in which each comes after those it waits for."""
    waits = [0] * len(followers)
    for row in followers:
        for follower in row:
            waits[follower] += 1
    ready = [job for job, left in enumerate(waits) if left == 0]
    order: list[int] = []
    for job in ready:
        order.append(job)
        for follower in followers[job]:
            waits[follower] -= 1
            if waits[follower] == 0:
                ready.append(follower)
    if len(order) < len(followers):
        circle = next(job for job, left in enumerate(waits) if left > 0)
        raise InputError(
            f"activity {circle} waits for itself through others", where="followers", advice="break the circle"
        )
    return tuple(order)
