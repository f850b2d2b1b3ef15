"""The world of a station: its plan and sky, simulated under what was commanded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.station.waking import wakings
from moonpost.errors import InputError
from moonpost.operations.simulation import Change, Run, Simulation, SimulationEvent, simulate
from moonpost.plan import Plan

if TYPE_CHECKING:
    from moonpost.control.station.ways import Ways

__all__: list[str] = []

_MOST_STEPS = 600_000
_LEAST_STEP_S, _MOST_STEP_S = 1.0, 3600.0


def digest_of(plan: Plan) -> str:
    """Hash of all that a plan says, however it was made.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        Hexadecimal SHA-256.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> len(digest_of(load_plan("ilrs")))
    64
    """
    return hashlib.sha256(plan.model_dump_json().encode()).hexdigest()


def span_of(plan: Plan, start: str | None, days: float, step_s: float, site: str | None) -> tuple[Plan, Any]:
    """A checked plan and its sky over a period.

    Parameters
    ----------
    plan : Plan
        The plan.
    start : str or None
        First instant, UTC; the plan's design start if None.
    days, step_s : float
        Length [d] and step [s].
    site : str or None
        A site of the plan; the station's if None.

    Returns
    -------
    plan : Plan
    sky : dict
        What `moonpost.operations.simulation.simulate` takes.

    Raises
    ------
    InputError
        If the step is not 1 to 3600 s, or the period has more than 600,000 steps.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> span_of(load_plan("ilrs"), "2040-01-01", 1.0, 3600.0, None)[1]["sun"].time.size
    24
    """
    from moonpost.plan import SurfaceStation
    from moonpost.study.simulation import orbit_sky, period_context, surface_sky

    if not _LEAST_STEP_S <= step_s <= _MOST_STEP_S:
        raise InputError(f"is {step_s:g}", where="step_s", advice=f"give {_LEAST_STEP_S:g} to {_MOST_STEP_S:g} s")
    if days * 86_400.0 / step_s > _MOST_STEPS:
        raise InputError(
            f"{days:g} days by {step_s:g} s are {days * 86_400.0 / step_s:,.0f} steps",
            where="days",
            advice=f"give at most {_MOST_STEPS:,} steps: fewer days or a longer step",
        )
    context = period_context(plan, start, days, step_s)
    if site is None and not isinstance(context.plan.station, SurfaceStation):
        return context.plan, orbit_sky(context, step_s)
    return context.plan, surface_sky(context, site, step_s)


@dataclass(frozen=True, eq=False)
class Future:
    """A simulation of the whole span with its events as the station tells them.

    Parameters
    ----------
    simulation : Simulation
        What was simulated.
    events : tuple of SimulationEvent
        Its events, and the waking and sleeping of machines without rules of sleep.
    event_us : ndarray of int64, (n,)
        Their times [us of UTC].
    audible : ndarray of bool, (steps,)
        Whether the station can send in each step.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    simulation: Simulation
    events: tuple[SimulationEvent, ...]
    event_us: npt.NDArray[np.int64]
    audible: npt.NDArray[np.bool_]

    @cached_property
    def _by_subject(self) -> dict[str, list[tuple[int, SimulationEvent]]]:
        found: dict[str, list[tuple[int, SimulationEvent]]] = {}
        for time, event in zip(self.event_us.tolist(), self.events, strict=True):
            found.setdefault(event.subject, []).append((time, event))
        return found

    def of(self, subject: str) -> list[tuple[int, SimulationEvent]]:
        """Events of a subject with their times [us of UTC]."""
        return self._by_subject.get(subject, [])


class World:
    """A plan under its sky.

    Parameters
    ----------
    plan : Plan
        The plan with its period.
    sky : dict
        Sun, light, contacts and ground.
    site : str or None
        Where.
    seed : int
        Of what is drawn by chance.
    ways : Ways
        Contacts.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    def __init__(self, plan: Plan, sky: dict[str, Any], site: str | None, seed: int, ways: Ways) -> None:
        from moonpost.study.surroundings import asks_for_contact

        self.plan, self.site, self.seed, self._ways = plan, site, seed, ways
        self._sky = dict(sky)
        if asks_for_contact(plan):
            spells = np.array(ways.open_spells(), np.int64).reshape(-1, 2)
            self._sky["contacts"] = (spells // 1000).astype("datetime64[ms]")
        t = sky["sun"].time.astype("datetime64[us]").astype(np.int64)
        self.step_us = int(t[1] - t[0])
        self.start_us, self.steps = int(t[0]), int(t.size)
        self.stop_us = self.start_us + self.steps * self.step_us

    def simulate(self, changes: Sequence[Change] = (), runs: Sequence[Run] = ()) -> Future:
        """The span under changes and activities."""
        found = simulate(
            self.plan, site=self.site, seed=self.seed, changes=tuple(changes), runs=tuple(runs), **self._sky
        )
        turns = wakings(self.plan, found, changes)
        events = tuple(sorted((*found.events, *turns), key=lambda event: (event.time, event.subject, event.kind)))
        event_us = np.array([event.time for event in events], "datetime64[us]").astype(np.int64)
        return Future(found, events, event_us, self._audible(found))

    def step_at(self, t_us: int) -> int:
        """The step in which an instant lies."""
        return min(max((t_us - self.start_us) // self.step_us, 0), self.steps - 1)

    def step_of_time(self, k: int) -> int:
        """When a step begins [us]."""
        return self.start_us + k * self.step_us

    def in_light(self, subject: str, t_us: int, future: Future) -> bool:
        """Whether the bus of an element is in light."""
        series = future.simulation.series["in_light"]
        own = subject in series["bus"].values
        bus = subject if own else "station"
        return bool(series.sel(bus=bus).values[self.step_at(t_us)])

    def in_contact(self, t_us: int) -> bool:
        """Whether a way to the ground is open."""
        return self._ways.way_at(t_us) >= 0

    def lit_at_start(self, subject: str, future: Future) -> bool:
        """Whether the bus of an element is in light as the span begins."""
        return self.in_light(subject, self.start_us, future)

    def _audible(self, found: Simulation) -> npt.NDArray[np.bool_]:
        """Steps in which a machine for communications works, or has not come yet; all if the plan has none."""
        names = found.series["element"].values.tolist()
        speakers = [e.id for e in self.plan.elements if e.kind == "communications" and e.id in names]
        if not speakers:
            return np.ones(self.steps, bool)
        works = found.series["element_working"].sel(element=speakers).transpose("time", "element").values
        some: npt.NDArray[np.bool_] = np.asarray((works > 0.0).any(axis=1))
        some[: int(np.argmax(some)) if some.any() else self.steps] = True
        return some
