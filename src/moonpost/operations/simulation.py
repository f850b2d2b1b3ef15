"""Power and storage of a plan's elements through light and darkness, with every watt-hour accounted for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.buses import BusFlows, arrival_of, groups_at, light_masts_m, run_group, station_site
from moonpost.operations.channels import channels_of
from moonpost.operations.record import Balance, Simulation, SimulationEvent, balance_of, dataset_of
from moonpost.plan.elements import Reactor
from moonpost.plan.model import Plan
from moonpost.power.series import SunView, as_series, step_of
from moonpost.power.sources import light_at_mast

__all__ = ["Balance", "Simulation", "SimulationEvent", "light_heights_m", "simulate"]

_YEAR_MS = 365.25 * 86_400_000.0
_TEXTS = {
    "storage-full": "the store is full; sources are turned down",
    "storage-empty": "the store is empty",
    "shed-begins": "loads are shed in proportion: sources and store do not carry them",
    "shed-ends": "all loads are served again",
}


def light_heights_m(plan: Plan, site: str | None = None) -> tuple[float, ...]:
    """Heights above ground at which `simulate` needs the light of a site.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str, optional
        A site of the plan; the station's if absent.

    Returns
    -------
    tuple of float
        Lowest first [m].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> 10.0 in light_heights_m(load_plan("ilrs"))
    True
    """
    return light_masts_m(groups_at(plan, station_site(plan, site))[0], plan)


def simulate(
    plan: Plan,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    site: str | None = None,
    step_s: float | None = None,
    seed: int = 0,
    margins: bool = False,
    light_mode_above: float = 0.0,
) -> Simulation:
    """Run the power and storage of a plan's elements at one site through a period.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site at even steps, (n,); its times are the period.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m], for every height in `light_heights_m`.
    site : str, optional
        A site of the plan; the station's if absent. Only what stands there is simulated.
    step_s : float, optional
        Step [s]; if given it must be that of the times.
    seed : int
        Recorded. Nothing is drawn by chance in this model, so that every seed gives the same.
    margins : bool
        Loads with margins by maturity and system margin, as the design counts them, instead of nominal ones.
    light_mode_above : float
        Elements run their light modes only while more than this fraction of the disc is in view [1].

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If a series cannot be used, or the light for a height is missing.
    ModelError
        If nothing with power stands at the site in this period.
    UnknownNameError
        If the plan has no such site.

    Notes
    -----
    Elements on the station's bus share sources and stores; each other element lives on its own. An element is
    there from the latest landing (or launch) that its mission allows; its store arrives full; arrays and fuel
    age from then. Per step: surplus charges, deficit draws, the rest is spilled or shed in proportion, see
    `moonpost.power.run_bus`. Reactors give their expected power until the end of their design life. Other
    elements go on after their design life, which is an event. Neglected: temperature, faults, activities, data,
    and dormancy rules other than light and darkness.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(48) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(48), elevation_deg=np.ones(48),
    ...     distance_m=np.full(48, 1.5e11))
    >>> plan = load_plan("ilrs")
    >>> light = {mast_m: (np.arange(48) < 24).astype(float) for mast_m in light_heights_m(plan)}
    >>> simulate(plan, sun, light).energy_residual_relative < 1e-9
    True
    """
    step = _checked_step(sun, step_s)
    place = station_site(plan, site)
    groups, absent = groups_at(plan, place)
    count = sun.time.size
    masts_m = light_masts_m(groups, plan)
    light = {mast_m: light_at_mast(light_by_mast, mast_m, count) for mast_m in masts_m}
    runs = []
    for group in groups:
        arrivals = tuple(arrival_of(plan, element, sun.time[0], step, count) for element in group.elements)
        for arrival in arrivals:
            if arrival.step >= count:
                absent[arrival.element.id] = f"arrives after the period, by {str(arrival.time)[:10]}"
        there = tuple(arrival for arrival in arrivals if arrival.step < count)
        if there:
            runs.append(
                run_group(plan, group, there, sun, light, step, margins=margins, light_mode_above=light_mode_above)
            )
    if not runs:
        raise ModelError(
            "nothing with power stands here in this period",
            where=place or plan.id,
            advice="choose a later period or a site at which a mission has landed",
        )
    events = [*_light_events(sun, light), *(event for run in runs for event in _run_events(run, sun, step))]
    return Simulation(
        series=dataset_of(plan, sun, light, runs, step, place, seed),
        events=tuple(sorted(events, key=lambda event: (event.time, event.subject, event.kind))),
        channels=channels_of(
            {run.name: float(run.usable_wh.max()) for run in runs},
            {name: float(load.max()) for run in runs for name, load in run.element_load_w.items()},
            masts_m,
        ),
        balances=tuple(balance_of(run, step) for run in runs),
        absent=absent,
        site=place,
        seed=seed,
    )


def _checked_step(sun: SunView, step_s: float | None) -> float:
    """The step of the times; raises if the Sun's fields or the step asked for do not fit."""
    step = step_of(sun.time)
    if step_s is not None and abs(step_s - step) > 0.002:
        raise InputError(f"is {step_s}, but the times step by {step:g} s", where="step_s", advice="leave it out")
    for name in ("azimuth_deg", "elevation_deg", "distance_m"):
        as_series(getattr(sun, name), f"sun.{name}", length=sun.time.size)
    return step


def _at(start: np.datetime64, seconds: float) -> np.datetime64:
    return start.astype("datetime64[ms]") + np.timedelta64(round(seconds * 1000), "ms")


def _light_events(sun: SunView, light: Mapping[float, npt.NDArray[np.float64]]) -> list[SimulationEvent]:
    """Sunrise and sunset at each mast, to one step."""
    found = []
    for mast_m, fraction in light.items():
        lit = fraction > 0.0
        for k in np.flatnonzero(lit[1:] != lit[:-1]) + 1:
            kind, part = ("sunrise", "first part of the Sun in view") if lit[k] else ("sunset", "Sun out of view")
            text = f"{part} at {mast_m:g} m (to one step)"
            data = {"mast_m": mast_m, "sun_azimuth_deg": round(float(sun.azimuth_deg[k]), 4)}
            found.append(
                SimulationEvent(sun.time[k].astype("datetime64[ms]"), f"mast-{mast_m:g}m", kind, text, data)
            )
    return found


def _run_events(run: BusFlows, sun: SunView, step_s: float) -> list[SimulationEvent]:
    """Events of a bus and of its elements."""
    found = [
        SimulationEvent(
            _at(sun.time[0], event.time_s),
            run.name,
            event.kind,
            _TEXTS[event.kind],
            {"step": event.step, "shed_w": float(run.shed_w[event.step])},
        )
        for event in run.events
    ]
    start, stop = sun.time[0], _at(sun.time[-1], step_s)
    for arrival in run.arrivals:
        element = arrival.element
        dated = [(0.0, "arrival", f"{element.name} is there")]
        if element.life_years is not None:
            dated.append((element.life_years, "design-life-end", f"{element.name}: design life over"))
        lives = {g.life_years for g in element.generators if isinstance(g, Reactor)}
        dated += [(years, "reactor-end", f"{element.name}: reactor out of life, no more power") for years in lives]
        for years, kind, text in dated:
            time = arrival.time + np.timedelta64(round(years * _YEAR_MS), "ms")
            if start < time < stop:
                found.append(SimulationEvent(time, element.id, kind, text, {"bus": run.name}))
    return found
