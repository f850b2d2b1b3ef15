"""Windows to the Moon: transfers for every departure, time of flight and branch of a period."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.flight.environment import Environment
from moonpost.flight.launchsites import LaunchSite
from moonpost.flight.targeting import Progress, Targeted, target_batch
from moonpost.flight.transferends import BRANCHES, Arrival, Branch, Parking, equator_axes
from moonpost.flight.transfers import transfer_environment
from moonpost.sky.almanac import Almanac
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["LAUNCH_ROW", "ROW", "Grid", "Launches", "Windows", "scan_transfers", "solve_grid", "windows_grid"]

Floats = npt.NDArray[np.float64]

ROW = ("departure", "tof_d", "branch", "tli_km_s", "loi_km_s", "c3_km2_s2", "perilune_error_km", "converged")
"""Names of the fields of a row."""

LAUNCH_ROW = ("launch", "azimuth_deg", "coast_min", "inclination_deg")
"""Names of the fields that a row for a launch site has besides."""

_DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of a scan.

    Parameters
    ----------
    departures : ndarray of datetime64[ms], shape (n,)
        Departures, or starts of the days of departure, UTC.
    time_of_flight_d : ndarray, shape (m,)
        From departure to perilune [d].
    branches : tuple of str, shape (k,)
        Planes.
    starts : ndarray, shape (n, m, k)
        The departures for each cell, TDB since J2000 [s].
    axes : ndarray, shape (3, 3)
        From J2000 to the mean equator of the middle of the scan.
    """

    departures: npt.NDArray[np.datetime64]
    time_of_flight_d: Floats
    branches: tuple[Branch, ...]
    starts: Floats
    axes: Floats


@dataclass(frozen=True, eq=False)
class Launches:
    """Lift-offs that lead to the departures of a scan.

    Parameters
    ----------
    site : LaunchSite
        The site.
    utc : ndarray of datetime64[ms], shape (n, m, k)
        Lift-off; NaT where there is none.
    azimuth_deg : ndarray, shape (n, m, k)
        Over ground, clockwise from north [deg].
    coast_s : ndarray, shape (n, m, k)
        Coast in the parking orbit, between ascent and departure [s].
    southbound : ndarray of bool, shape (n, m, k)
        Whether the orbit goes south over the site.
    allowed : ndarray of bool, shape (n, m, k)
        Whether the range allows the azimuth, as far as its limits are known.
    ascent_s : float
        From lift-off to the parking orbit [s].
    """

    site: LaunchSite
    utc: npt.NDArray[np.datetime64]
    azimuth_deg: Floats
    coast_s: Floats
    southbound: npt.NDArray[np.bool_]
    allowed: npt.NDArray[np.bool_]
    ascent_s: float


@dataclass(frozen=True, eq=False)
class Windows:
    """Transfers over a grid of departures, times of flight and branches.

    Parameters
    ----------
    departures : ndarray of datetime64[ms], shape (n,)
        Departures, or starts of the days of departure, UTC.
    time_of_flight_d : ndarray, shape (m,)
        From there to perilune [d].
    branches : tuple of str, shape (k,)
        Planes, as in `moonpost.flight.transferends.BRANCHES`.
    tli_m_s, loi_m_s, c3_m2_s2 : ndarray, shape (n, m, k)
        Impulse from the circular parking orbit and into the circular orbit at perilune [m/s], twice the energy at
        departure [m2/s2]; NaN where nothing was found.
    perilune_error_m : ndarray, shape (n, m, k)
        Distance at perilune, flown to, less the one aimed at [m].
    inclinations_deg, nodes_deg, arguments_deg : ndarray, shape (n, m, k)
        Of the parking orbit, to the mean equator of date, and the argument of the place of departure [deg].
    reasons : ndarray of str, shape (n, m, k)
        Why nothing was found; empty where something was.
    targeted : Targeted
        The solutions with their states, one row a cell in the order of the grid.
    parking : Parking
        The parking orbit.
    arrival : Arrival
        The passage.
    cell_departures : ndarray of datetime64[ms], shape (n, m, k)
        When each flight leaves the parking orbit, UTC.
    launches : Launches or None
        Lift-offs, if the scan was made for a site.
    """

    departures: npt.NDArray[np.datetime64]
    time_of_flight_d: Floats
    branches: tuple[Branch, ...]
    tli_m_s: Floats
    loi_m_s: Floats
    c3_m2_s2: Floats
    perilune_error_m: Floats
    inclinations_deg: Floats
    nodes_deg: Floats
    arguments_deg: Floats
    reasons: npt.NDArray[np.str_]
    targeted: Targeted
    parking: Parking
    arrival: Arrival
    cell_departures: npt.NDArray[np.datetime64]
    launches: Launches | None = None

    def __len__(self) -> int:
        return int(self.reasons.size)

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Where a transfer was found.

        Returns
        -------
        ndarray of bool, shape (n, m, k)
        """
        return self.reasons == ""

    @property
    def total_m_s(self) -> Floats:
        """Both impulses together.

        Returns
        -------
        ndarray, shape (n, m, k)
            [m/s]; NaN where nothing was found.
        """
        return self.tli_m_s + self.loi_m_s

    def row(self, index: int) -> dict[str, Any]:
        """One cell in km and km/s.

        Parameters
        ----------
        index : int
            Its place in the grid, the branch changing fastest.

        Returns
        -------
        dict
            The fields of `ROW`; None and a `reason` where nothing was found. For a site also `launch`,
            `azimuth_deg`, `coast_min` and `inclination_deg`.
        """
        day, flight, branch = np.unravel_index(index, self.reasons.shape)
        place = (day, flight, branch)
        found = not self.reasons[place]
        values = [
            1e-3 * self.tli_m_s[place],
            1e-3 * self.loi_m_s[place],
            1e-6 * self.c3_m2_s2[place],
            1e-3 * abs(self.perilune_error_m[place]),
        ]
        fields = [
            f"{self.cell_departures[place]}Z",
            float(self.time_of_flight_d[flight]),
            self.branches[branch],
            *(float(value) if found else None for value in values),
            bool(found),
        ]
        made = dict(zip(ROW, fields, strict=True))
        if self.launches is not None:
            made |= self._launch(place, bool(found))
        return made if found else made | {"reason": str(self.reasons[place])}

    def _launch(self, place: tuple[Any, ...], found: bool) -> dict[str, Any]:
        """Lift-off of a cell."""
        made = self.launches
        if made is None or not found:
            return dict.fromkeys(LAUNCH_ROW)
        values = (
            f"{made.utc[place]}Z",
            float(made.azimuth_deg[place]),
            float(made.coast_s[place]) / 60.0,
            float(self.inclinations_deg[place]),
        )
        return dict(zip(LAUNCH_ROW, values, strict=True))

    def rows(self) -> Iterator[dict[str, Any]]:
        """All cells, as `row` gives them.

        Yields
        ------
        dict
        """
        for index in range(len(self)):
            yield self.row(index)

    def best(self, count: int = 1) -> list[int]:
        """Cells with the least sum of both impulses.

        Parameters
        ----------
        count : int, default 1
            How many.

        Returns
        -------
        list of int
            Their places, cheapest first; fewer if fewer were found.

        Raises
        ------
        InputError
            If the number is less than one.
        """
        if count < 1:
            raise InputError(f"{count} cells", where="count", advice="give 1 or more")
        total = self.total_m_s.ravel()
        order = np.argsort(np.where(np.isnan(total), math.inf, total), kind="stable")
        return [int(index) for index in order[:count] if math.isfinite(total[index])]

    def to_csv(self, path: str | Path) -> None:
        """Write all cells as a table.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        with (
            atomic_path(Path(path)) as unfinished,
            unfinished.open("w", newline="", encoding="utf-8") as file,
        ):
            extra = LAUNCH_ROW if self.launches is not None else ()
            writer = csv.DictWriter(file, [*ROW, *extra, "reason"], restval="")
            writer.writeheader()
            writer.writerows(self.rows())


def scan_transfers(
    window: TimeLike,
    time_of_flight_d: npt.ArrayLike,
    parking: Parking | None = None,
    arrival: Arrival | None = None,
    *,
    almanac: Almanac | None = None,
    env: Environment | None = None,
    branches: Sequence[Branch] = BRANCHES,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Windows:
    """Find the transfers of a period, each integrated in the full ephemeris.

    Parameters
    ----------
    window : str, datetime, datetime64, or array-like of them, shape (n,)
        Departures, UTC, such as `moonpost.sky.times` gives.
    time_of_flight_d : array_like, shape (m,)
        From departure to perilune [d].
    parking : Parking, optional
        The parking orbit: 200 km and the least inclination that works if not given.
    arrival : Arrival, optional
        The passage: 100 km over the poles if not given.
    almanac : Almanac, optional
        Ephemerides; the default ones if not given.
    env : Environment, optional
        Forces in place of the point masses of Earth, Moon and Sun; must cover all flights.
    branches : sequence of {"short", "long"}, default both
        Planes to look at.
    threads : int, optional
        Threads; as many as there are processors if not given.
    progress : callable, optional
        Called with the share of the cells that are done.

    Returns
    -------
    Windows

    Raises
    ------
    DateError
        If a date cannot be read or a flight lies outside the kernels.
    InputError
        If a number or a name cannot be used.

    Notes
    -----
    See `moonpost.flight.transfers.target_batch` for the method. The impulses are instant changes
    of speed along the motion; the orbit at the Moon is a circle at the altitude of perilune.

    Examples
    --------
    >>> found = scan_transfers(["2030-01-01", "2030-01-02"], [4.0, 5.0])
    >>> found.converged.shape, bool(found.converged.all()), found.row(0)["departure"]
    ((2, 2, 2), True, '2030-01-01T00:00:00.000Z')
    """
    grid, made = windows_grid(window, time_of_flight_d, branches, almanac, env=env)
    still = np.zeros(grid.starts.shape)
    return solve_grid(grid, still, made, parking or Parking(), arrival or Arrival(), threads, progress)


def windows_grid(
    window: TimeLike,
    time_of_flight_d: npt.ArrayLike,
    branches: Sequence[Branch],
    almanac: Almanac | None,
    *,
    env: Environment | None = None,
    spare_d: float = 0.0,
) -> tuple[Grid, Environment]:
    """Cells of a scan, and an environment for them.

    Parameters
    ----------
    window : str, datetime, datetime64, or array-like of them, shape (n,)
        Departures, UTC.
    time_of_flight_d : array_like, shape (m,)
        From departure to perilune [d].
    branches : sequence of {"short", "long"}
        Planes.
    almanac : Almanac or None
        Ephemerides; None for the default ones.
    env : Environment, optional
        Taken as it is if given.
    spare_d : float, default 0.0
        Days that the environment covers beyond both ends [d].

    Returns
    -------
    tuple of Grid and Environment

    Raises
    ------
    DateError
        If a date cannot be read or a flight lies outside the kernels.
    InputError
        If a number or a name cannot be used.
    """
    days, flights, names = _grid(window, time_of_flight_d, branches)
    if env is None:
        longest, spare = (
            np.timedelta64(math.ceil(length * _DAY_S), "s") for length in (float(flights.max()), spare_d)
        )
        known = almanac or Almanac.default()
        env = transfer_environment(known, days.min() - spare, days.max() + longest + spare)
    starts = np.atleast_1d(env.tdb_s(days))
    shape = (len(days), len(flights), len(names))
    cells = np.broadcast_to(starts[:, None, None], shape)
    return Grid(days, flights, names, cells, equator_axes(float(starts.mean()))), env


def solve_grid(
    grid: Grid,
    shifts_s: Floats,
    env: Environment,
    parking: Parking,
    arrival: Arrival,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Windows:
    """Find the transfers of a grid whose departures are shifted cell by cell.

    Parameters
    ----------
    grid : Grid
        The cells.
    shifts_s : ndarray, shape (n, m, k)
        From the departures of the grid to those meant [s].
    env : Environment
        Forces; must cover all flights.
    parking : Parking
        The parking orbit.
    arrival : Arrival
        The passage.
    threads : int, optional
        Threads; as many as there are processors if not given.
    progress : callable, optional
        Called with the share of the cells that are done.

    Returns
    -------
    Windows

    Raises
    ------
    DateError
        If a flight leaves the span of the environment.
    """
    shape = grid.starts.shape
    begin = grid.starts + shifts_s
    passage = begin + _DAY_S * grid.time_of_flight_d[None, :, None]
    planes = [grid.branches[k] for k in np.broadcast_to(np.arange(shape[2]), shape).ravel()]
    found = target_batch(
        begin.ravel(), passage.ravel(), env, parking=parking, arrival=arrival, branches=planes, axes=grid.axes,
        threads=threads, progress=progress,
    )  # fmt: skip
    return _windows(grid, begin, found, parking, arrival, env)


def _grid(
    window: TimeLike, time_of_flight_d: npt.ArrayLike, branches: Sequence[Branch]
) -> tuple[npt.NDArray[np.datetime64], Floats, tuple[Branch, ...]]:
    """Departures, times of flight and branches, checked."""
    days = np.atleast_1d(as_utc(window))
    try:
        flights = np.atleast_1d(np.asarray(time_of_flight_d, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where="time_of_flight_d", advice="give days") from error
    if days.ndim != 1 or flights.ndim != 1 or not days.size or not flights.size:
        raise InputError("no departure or no time of flight", where="window", advice="give one or more of each")
    if not ((flights >= 1.0) & (flights <= 30.0)).all():
        raise InputError(
            f"{flights[~((flights >= 1.0) & (flights <= 30.0))][0]} d",
            where="time_of_flight_d",
            advice="give 1 to 30 days; direct transfers last 2 to 8",
        )
    names = tuple(branches)
    unknown = [name for name in names if name not in BRANCHES]
    if unknown or not names:
        raise InputError(f"{unknown or names}", where="branches", advice="give short, long or both")
    return days, flights, names


def _windows(
    grid: Grid, begin: Floats, found: Targeted, parking: Parking, arrival: Arrival, env: Environment
) -> Windows:
    """The grid of what was found."""
    shape = begin.shape
    moon_gm, earth_gm = env.gm_m3_s2["moon"], env.gm_m3_s2["earth"]
    good = found.converged
    place = np.where(good, parking.radius_m, np.nan)
    speed = np.where(good, np.linalg.norm(found.departures[:, 3:], axis=1), np.nan)
    radius = np.where(good, found.perilune_radius_m, np.nan)
    passing = np.linalg.norm(found.perilunes[:, 3:], axis=1)
    angles = np.degrees(found.controls[:, :2]) % 360.0
    reasons = np.array([found.reason(k) for k in range(len(found))], dtype=np.str_)
    return Windows(
        grid.departures,
        grid.time_of_flight_d,
        grid.branches,
        (speed - np.sqrt(earth_gm / place)).reshape(shape),
        (passing - np.sqrt(moon_gm / radius)).reshape(shape),
        (speed**2 - 2.0 * earth_gm / place).reshape(shape),
        (radius - arrival.radius_m).reshape(shape),
        found.inclinations_deg.reshape(shape),
        np.where(good, angles[:, 0], np.nan).reshape(shape),
        np.where(good, angles[:, 1], np.nan).reshape(shape),
        reasons.reshape(shape),
        found,
        parking,
        arrival,
        env.utc(begin.ravel()).reshape(shape),
    )
