"""Traverse planning in time: slopes, light and the Earth while the Sun moves and the rover drives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc
from moonpost.terrain.surface import Terrain
from moonpost.terrain.traverseground import Ground, traverse_area
from moonpost.terrain.traverselight import prepare_sky
from moonpost.terrain.traverselimits import Limits
from moonpost.terrain.traverseresult import Objective, Traverse
from moonpost.terrain.traverserover import Rover, rover_named
from moonpost.terrain.traverserun import Run

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["plan_traverse"]

Place = Site | tuple[float, float]
Progress = Callable[[str, float], None]
_LONGEST_D = 400.0
_MOST_STATES = 6_000_000_000


def plan_traverse(
    terrain: Terrain,
    almanac: Almanac,
    start: Place,
    goal: Place,
    depart: TimeLike,
    rover: Rover | str = "ilrs",
    limits: Limits | None = None,
    *,
    objective: Objective = "arrival",
    days: float = 14.0,
    cell_m: float | None = None,
    margin_m: float | None = None,
    moves: int = 16,
    step_s: float = 1800.0,
    azimuths: int = 720,
    horizon_margin_deg: float = 0.0,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    light_map: bool = False,
    tidy: bool = True,
    progress: Progress | None = None,
) -> Traverse:
    """Find the way between two places that a rover can drive while the Sun and the Earth move.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    almanac : Almanac
        Where the Sun and the Earth are.
    start, goal : Site or tuple of float
        The ends; latitude and longitude [deg].
    depart : time
        When the rover may leave, UTC.
    rover : Rover or str
        Who drives, or the name of one of `ROVERS`.
    limits : Limits, optional
        Light, Earth, darkness, charge and hours of work.
    objective : {"arrival", "energy", "light"}
        What is made least: the time of arrival, the energy of driving [Wh], or the hours in shade (time weighted
        by the share of the disc that is hidden).
    days : float, default 14.0
        The rover must have arrived this long after `depart` [d].
    cell_m, margin_m : float, optional
        Cells and margin of the area, see `traverse_area` [m].
    moves : {4, 8, 16}
        Neighbours to which a leg leads.
    step_s : float, default 1800.0
        Length of the steps of time in which light is taken as steady [s].
    azimuths : int, default 720
        Azimuths of the horizons.
    horizon_margin_deg : float, default 0.0
        Added to all horizons [deg], to plan on the safe side of errors of the terrain.
    device : {"auto", "cpu", "gpu"}
        Where horizons are computed.
    light_map : bool, default False
        Whether the result carries a map of the mean disc fraction on the way.
    tidy : bool, default True
        Whether departures are put off where that saves stops and changes neither way nor arrival (not for
        "light"); False drives on whenever it can, which leaves more time in hand.
    progress : callable, optional
        Called with what is being done and the share of it that is done, 0 to 1.

    Returns
    -------
    Traverse
        The way; if there is none, `found` is False and `reasons` tell why.

    Raises
    ------
    InputError
        If an argument is of no use.
    TerrainError
        If the terrain has no height at an end.
    DateError
        If the time lies outside the kernels.

    Notes
    -----
    A search over cells and time with waiting in place. Within a step of time (its ends are whole multiples of
    `step_s`, so runs that start at different times share them) a cell is open if at both ends of the step the disc
    and the Earth satisfy the limits there; a leg may be driven while all its cells are open. Power is that of the
    mean disc fraction of the step. Labels carry arrival, charge, length of darkness and cost, and one label drops
    another only if, having waited in the same cell, it is at least as good in every respect; so the optimum is
    exact for arrival under light, Earth, slope and hours of work on this grid. Where charge or darkness bind, a
    departure between steps other than at once on arrival is not tried, which costs at most one step. Headings are
    those of the grid: on a plane the way is at most 8 percent (8 moves) or 2.7 percent (16) longer than the
    straight line.

    References
    ----------
    Otten, N. D. (2018), Planning for Sun-synchronous lunar polar roving, Carnegie Mellon University,
    CMU-RI-TR-18-21. Phillips, M. and Likhachev, M. (2011), SIPP: safe interval path planning for dynamic
    environments, ICRA, 5628-5635, DOI 10.1109/ICRA.2011.5980306. Mazarico, E. et al. (2023), Sunlit pathways
    between south pole sites of interest for lunar exploration, Acta Astronautica 204, 49-57.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> terrain = Terrain.default("south")
    >>> found = plan_traverse(
    ...     terrain, Almanac.default(), (-88.8, -50.0), (-88.7, -47.0), "2030-01-03", "viper",
    ...     Limits(least_disc=0.0), azimuths=180, days=3)
    >>> found.found, found.totals["length_m"] > 3000.0
    (True, True)
    """
    who = rover_named(rover) if isinstance(rover, str) else rover
    bounds = limits or Limits()
    if objective not in ("arrival", "energy", "light"):
        raise InputError(f"unknown objective {objective!r}", where="objective", advice="arrival, energy or light")
    if not (math.isfinite(horizon_margin_deg) and -10.0 <= horizon_margin_deg <= 90.0):
        raise InputError(
            f"{horizon_margin_deg!r} deg", where="horizon_margin_deg", advice="give -10 to 90 degrees"
        )
    ends = [_on_ground(terrain, start), _on_ground(terrain, goal)]
    time, leaves_s = _steps(depart, days, step_s)
    tell = progress or _quiet
    area = traverse_area(terrain, *ends, cell_m=cell_m, margin_m=margin_m)
    if area.shape[0] * area.shape[1] * time.size > _MOST_STATES:
        raise InputError(
            f"{area.shape[0]} x {area.shape[1]} cells at {time.size} instants",
            where="plan_traverse",
            advice="give larger cells, longer steps or fewer days",
        )
    tell("slopes", 0.0)
    ground = Ground.measured(terrain, area, who, moves)
    options = {
        "days": float(days),
        "step_s": float(step_s),
        "moves": moves,
        "azimuths": azimuths,
        "horizon_margin_deg": float(horizon_margin_deg),
        "limits": bounds.record(),
        "area": area.record(),
    }
    run = Run(
        ground=ground,
        rover=who,
        limits=bounds,
        start=ground.cell(ends[0], "start"),
        goal=ground.cell(ends[1], "goal"),
        time=time,
        leaves_s=leaves_s,
        objective=objective,
        almanac=almanac,
        options=options,
        progress=tell,
        tidy=tidy,
    )
    blocked, horizons = run.blocked(), dict[str, Any]()
    if blocked is None:
        tell("horizons", 0.0)
        run.sky, made = prepare_sky(
            terrain,
            area,
            almanac,
            time,
            who,
            azimuths=azimuths,
            station=bounds.station,
            horizon_margin_deg=horizon_margin_deg,
            device=device,
            progress=lambda done: tell("horizons", done),
        )
        horizons.update(made)
    found = run.solve(blocked)
    if light_map and run.sky is not None:
        found.maps["light"] = run.light(found.arrive if found.found else time[-1])
    found.provenance.update(
        terrain=terrain.provenance(), kernels=[kernel.name for kernel in almanac.kernels], horizons=horizons
    )
    return found


def _quiet(_: str, __: float) -> None:
    """Tell nobody."""


def _on_ground(terrain: Terrain, place: Place) -> Site:
    """A place with the height of the terrain."""
    if isinstance(place, Site):
        return terrain.site(place.latitude_deg, place.longitude_deg)
    latitude_deg, longitude_deg = place
    return terrain.site(latitude_deg, longitude_deg)


def _steps(depart: TimeLike, days: float, step_s: float) -> tuple[NDArray[np.datetime64], float]:
    """Ends of the steps of time from the one before the departure on, and the departure since the first [s]."""
    if not (isinstance(step_s, int | float) and math.isfinite(step_s) and 10.0 <= step_s <= 86400.0):
        raise InputError(f"{step_s!r}", where="step_s", advice="give 10 to 86400 seconds")
    if not (isinstance(days, int | float) and math.isfinite(days) and 0.0 < days <= _LONGEST_D):
        raise InputError(f"{days!r}", where="days", advice=f"give a number above 0 and at most {_LONGEST_D:g}")
    instants = as_utc(depart).reshape(-1)
    if instants.size != 1:
        raise InputError(f"{instants.size} instants", where="depart", advice="give one")
    leave = int(instants[0].astype("datetime64[ms]").astype(np.int64))
    step = round(step_s * 1000.0)
    first = leave // step
    count = max(1, math.ceil((leave + days * 86_400_000.0) / step - 1e-9) - first)
    return ((first + np.arange(count + 1)) * step).astype("datetime64[ms]"), (leave - first * step) / 1000.0
