"""Where machines are along their ways by what is planned: driven time so far, speed, arc length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.plan import Plan
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from moonpost.operations.placements import Placement

__all__ = ["arc_lengths_m", "driven_s", "drives_of", "split_at"]

Floats = npt.NDArray[np.float64]
Window = tuple[np.datetime64, np.datetime64]

_NEAR_M = 1e-6


def arc_lengths_m(longitude_deg: npt.ArrayLike, latitude_deg: npt.ArrayLike) -> Floats:
    """Length of a way from its begin to each of its points, along great circles of the Moon's sphere.

    Parameters
    ----------
    longitude_deg, latitude_deg : array-like, (n,)
        The points [deg].

    Returns
    -------
    ndarray, (n,)
        [m], 0 at the first point; heights are neglected.

    Examples
    --------
    >>> arc_lengths_m([0.0, 0.0, 0.0], [-90.0, -89.0, -88.0]).round(1).tolist()  # 1737400 m times pi / 180
    [0.0, 30323.4, 60646.7]
    """
    longitude, latitude = np.radians(longitude_deg), np.radians(latitude_deg)
    east, north = np.diff(longitude), np.diff(latitude)
    half = np.sin(north / 2) ** 2 + np.cos(latitude[:-1]) * np.cos(latitude[1:]) * np.sin(east / 2) ** 2
    legs = 2.0 * MOON_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return np.concatenate([[0.0], np.cumsum(legs)])


def driven_s(windows: Iterable[Window], t: np.datetime64) -> float:
    """How long has been driven by an instant.

    Parameters
    ----------
    windows : iterable of pairs of datetime64
        Begin and end of each drive, UTC; none overlap.
    t : datetime64
        UTC.

    Returns
    -------
    float
        [s]

    Examples
    --------
    >>> day, hour = np.datetime64("2035-01-01", "ms"), np.timedelta64(1, "h")
    >>> drives = [(day, day + 2 * hour), (day + 10 * hour, day + 12 * hour)]
    >>> [driven_s(drives, day + k * hour) / 3600.0 for k in (-1, 1, 5, 11, 20)]
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    spent = (min(b, t) - a for a, b in windows if t > a)
    return float(sum(one / np.timedelta64(1, "ms") for one in spent)) / 1000.0


def split_at(
    points: npt.ArrayLike, along_m: npt.ArrayLike, distance_m: float
) -> tuple[list[list[float]], list[list[float]]]:
    """Divide a way at a distance from its begin.

    Parameters
    ----------
    points : array-like, (n, 2)
        The way on the map [m].
    along_m : array-like, (n,)
        Length of the way up to each point, none less than the one before [m].
    distance_m : float
        Where to divide [m]; before the begin and past the end it counts as those.

    Returns
    -------
    behind, ahead : list of [x, y]
        Both hold the dividing point, which is the last of the one and the first of the other.

    Examples
    --------
    >>> split_at([[0, 0], [100, 0], [100, 50]], [0, 100, 150], 120.0)
    ([[0.0, 0.0], [100.0, 0.0], [100.0, 20.0]], [[100.0, 20.0], [100.0, 50.0]])
    """
    spots, lengths = np.asarray(points, dtype=np.float64), np.asarray(along_m, dtype=np.float64)
    at = float(np.clip(distance_m, lengths[0], lengths[-1]))
    here = [round(float(np.interp(at, lengths, column)), 2) for column in spots.T]
    behind = spots[lengths < at - _NEAR_M].tolist()
    ahead = spots[lengths > at + _NEAR_M].tolist()
    return [*behind, here], [here, *ahead]


def drives_of(
    plan: Plan, placements: Sequence[Placement], element: str, activity: str | None = None
) -> tuple[Placement, ...]:
    """Find the drives of a machine in a schedule.

    Parameters
    ----------
    plan : Plan
        The plan.
    placements : sequence of Placement
        The schedule.
    element : str
        The machine.
    activity : str, optional
        The activity that drives; those that draw at least the machine's `drive_w` if not given.

    Returns
    -------
    tuple of Placement
        In order of time; none if the plan does not say what driving takes.

    Examples
    --------
    >>> from moonpost.operations.placements import Placement
    >>> from moonpost.plan import load_plan
    >>> day, late = np.array(["2035-01-01T00", "2035-01-01T08"], "datetime64[ms]")
    >>> rows = [Placement(f"{name}-1", name, "survey-rover", "roscosmos", day, late, w, 0.0)
    ...     for name, w in (("survey-drive", 180.0), ("look", 20.0))]
    >>> [row.id for row in drives_of(load_plan("ilrs"), rows, "survey-rover")]
    ['survey-drive-1']
    """
    mine = [row for row in placements if row.element == element]
    if activity is not None:
        found = [row for row in mine if row.activity == activity]
    else:
        robot = plan.element(element).robot
        least_w = robot.drive_w if robot is not None and robot.drive_w > 0.0 else np.inf
        found = [row for row in mine if row.power_w >= least_w]
    return tuple(sorted(found, key=lambda row: row.start))


def moved(
    track: Mapping[str, Any], speed_m_s: float, drives: Sequence[Placement], t: np.datetime64
) -> dict[str, Any]:
    """How far a machine is along its way by what is planned, and the way's two parts."""
    length_m = float(track["along_m"][-1])
    distance_m = min(speed_m_s * driven_s([(row.start, row.stop) for row in drives], t), length_m)
    behind, ahead = split_at(track["points"], track["along_m"], distance_m)
    coming = next((row.start for row in drives if row.start > t), None)
    drives_now = any(bool(row.start <= t < row.stop) for row in drives) and distance_m < length_m
    return {
        "track": track["name"],
        "distance_m": round(distance_m, 1),
        "length_m": round(length_m, 1),
        "speed_m_s": round(speed_m_s, 5),
        "driving": drives_now,
        "next_ms": None if coming is None or distance_m >= length_m else int(coming.astype(np.int64)),
        "behind": behind,
        "ahead": ahead,
    }
