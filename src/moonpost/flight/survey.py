"""Many orbits flown side by side and looked at in steps: how long each lasts and how its elements move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.elements import Elements, Plane, elements
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.propagate import propagate_batch

__all__ = ["Progress", "Survey", "survey"]

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""

_DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class Survey:
    """Courses of many orbits.

    Parameters
    ----------
    env : Environment
        What they were flown in.
    tdb_s : ndarray, shape (m,)
        Instants looked at, the start included, TDB since J2000 [s].
    states : ndarray, shape (m, n, 6)
        Positions [m] and velocities [m/s]; NaN after the end of a flight.
    survived_s : ndarray, shape (n,)
        How long each lasted [s].
    ended : ndarray of str, shape (n,)
        ``"time"`` or why it ended, as in `moonpost.flight.Trajectory`.

    Examples
    --------
    >>> import moonpost.sky
    >>> env = Environment.make(moonpost.sky.Almanac.default(), "2030-01-01", "2030-01-03", degree=8)
    >>> from moonpost.flight.state import State
    >>> found = survey([State.circling(env, "2030-01-01", 100e3, 90.0).vector], "2030-01-01", 1.0, env)
    >>> found.survived_days.tolist(), found.ended.tolist()
    ([1.0], ['time'])
    """

    env: Environment
    tdb_s: Floats
    states: Floats
    survived_s: Floats
    ended: npt.NDArray[np.str_]

    @property
    def survived_days(self) -> Floats:
        """How long each lasted.

        Returns
        -------
        ndarray, shape (n,)
            [d]
        """
        return self.survived_s / _DAY_S

    @property
    def lasted(self) -> npt.NDArray[np.bool_]:
        """Which were still flying at the end.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return self.ended == "time"

    def elements(self, plane: Plane = "equator") -> Elements:
        """Osculating elements at the instants looked at.

        Parameters
        ----------
        plane : {"equator", "orbit"}, default "equator"
            Plane of reference.

        Returns
        -------
        Elements
            Arrays of shape (m, n).
        """
        times, count, _ = self.states.shape
        flat = elements(self.env, np.repeat(self.tdb_s, count), self.states.reshape(-1, 6), plane)
        shaped = (getattr(flat, name).reshape(times, count) for name in flat.__dataclass_fields__)
        return Elements(*shaped)


def survey(
    states: npt.ArrayLike,
    start: Instant,
    days: float,
    env: Environment,
    *,
    step_s: float = 43200.0,
    rtol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Fly many orbits until they impact or for some days.

    Parameters
    ----------
    states : array_like, shape (n, 6)
        Positions [m] and velocities [m/s] from the Moon's centre in J2000 axes.
    start : Instant
        When all of them start.
    days : float
        How long to fly at most [d].
    env : Environment
        Forces; must cover the flights.
    step_s : float, default 43200.0
        Interval of the looks [s].
    rtol : float, default 1e-10
        Error allowed in a step [1]; a low orbit moves by 20 mm in 60 days against 1e-12.
    threads : int, optional
        Threads; as many as there are processors if not given.
    progress : callable, optional
        Told the share that is done.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If a state or a number cannot be used.
    DateError
        If the flights leave the environment.
    """
    if not (math.isfinite(days) and days > 0.0 and math.isfinite(step_s) and step_s > 0.0):
        raise InputError(f"{days} days in steps of {step_s} s", where="survey", advice="give numbers above 0")
    flying = np.array(states, dtype=np.float64)
    begin = float(np.ravel(env.tdb_s(start))[0])
    env.check(np.array([begin, begin + days * _DAY_S]))
    tdb = begin + np.append(np.arange(0.0, days * _DAY_S - 1e-6 * step_s, step_s), days * _DAY_S)
    # The first leg also checks the states.
    course = np.full((len(tdb), *flying.shape), np.nan)
    course[0] = flying
    survived = np.full(len(flying), days * _DAY_S)
    ended = np.full(len(flying), "time", dtype="<U24")
    alive = np.arange(len(flying))
    for k in range(1, len(tdb)):
        leg = propagate_batch(
            course[k - 1, alive], tdb[k - 1], tdb[k], env, rtol=rtol, method="rkn1210", threads=threads
        )
        lost = ~leg.arrived
        survived[alive[lost]] = tdb[k - 1] - begin + leg.elapsed_s[lost]
        ended[alive[lost]] = leg.ended[lost]
        alive = alive[~lost]
        course[k, alive] = leg.states[~lost]
        if progress is not None:
            progress(k / (len(tdb) - 1))
        if not alive.size:
            break
    return Survey(env, tdb, course, survived, ended)
