"""Calendars of a project as arrays in which the next open unit of time is found at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.operations.projects import Project

__all__ = ["Clock", "project_clock"]

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clock:
    """The calendars of a project's activities, in the order in which a search numbers them.

    Parameters
    ----------
    arrays : tuple of ndarray
        For each activity its calendar (-1: none) and whether it may pause; for each calendar the open units
        before each time, the open units, and begin and end of the run of open units around each. The first is
        empty if no activity keeps a calendar.
    horizon : int
        No plan that a search makes ends later.
    beyond : int
        Where time begins that no calendar has: a plan that ends later does not fit.

    Examples
    --------
    >>> project_clock(Project([2], [[1]], [1], [()]), np.array([0])).horizon
    3
    """

    arrays: tuple[Any, ...]
    horizon: int
    beyond: int


def project_clock(project: Project, order: Whole) -> Clock:
    """Lay out the calendars of a project.

    Parameters
    ----------
    project : Project
        The activities.
    order : ndarray of int, shape (n,)
        Their numbers in the order that a search uses.

    Returns
    -------
    Clock

    Notes
    -----
    Far behind the last unit of the calendars all of them are open again, so that a search can always put an
    activity somewhere. Whoever lands there does not fit: every plan that fits ends before.

    Examples
    --------
    >>> late = Project([2], [[1]], [1], [()], calendars=[[False, True, True]], calendar=[0])
    >>> clock = project_clock(late, np.array([0]))
    >>> clock.arrays[3][0, :2].tolist(), clock.beyond
    ([1, 2], 6)
    """
    work = int(project.durations.sum())
    if not project.scheduled:
        whole, flags = np.zeros((0, 0), np.int64), np.zeros(0, np.bool_)
        return Clock((np.zeros(0, np.int64), flags, whole, whole, whole, whole), work + 1, work + 1)
    rows, length = project.calendars.shape
    beyond = length + work + 1
    horizon = beyond + 2 * work + 2
    open_units = np.zeros((rows, horizon + 1), dtype=np.bool_)
    open_units[:, :length] = project.calendars
    open_units[:, beyond:] = True
    done = np.zeros((rows, horizon + 2), dtype=np.int64)
    done[:, 1:] = np.cumsum(open_units, axis=1)
    units = np.full((rows, int(done[:, -1].max())), horizon, dtype=np.int64)
    firsts, stops = np.zeros_like(done), np.zeros_like(done)
    for row in range(rows):
        found = np.flatnonzero(open_units[row])
        units[row, : found.size] = found
        edges = np.flatnonzero(np.diff(np.concatenate([[0], open_units[row].astype(np.int8), [0]])))
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            firsts[row, first:stop], stops[row, first:stop] = first, stop
    arrays = (project.calendar[order], project.pauses[order], done, units, firsts, stops)
    return Clock(arrays, horizon, beyond)
