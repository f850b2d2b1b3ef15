"""When machines work, run their dark modes or sleep: as simulated, and as received."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from moonpost.control.timeline.items import Item, Row, turns
from moonpost.control.timeline.windows import milliseconds
from moonpost.errors import MoonpostError
from moonpost.plan import Element, Plan
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["Samples", "machine_rows", "predicted_states", "received_states", "simulated_machines"]

Times = npt.NDArray[np.datetime64]

_KINDS = {2: ("works", "Works"), 1: ("dark-mode", "Dark mode"), 0: ("asleep", "Asleep")}
_BINS = 4000
_LEAST_GAP = np.timedelta64(10, "m")


class Samples(Protocol):
    """What has the values of channels by time: an archive."""

    def query(self, parameter: str, start: TimeLike, stop: TimeLike, *, bins: int | None = None) -> Any:
        """Samples of a parameter."""


def bus_of(plan: Plan, element: Element) -> str:
    """The bus that an element is on."""
    host = element
    while host.powered_by:
        host = plan.element(host.powered_by)
    return "station" if host.bus == "station" else host.id


def simulated_machines(simulation: Simulation) -> tuple[str, ...]:
    """Name the machines of a simulation.

    Parameters
    ----------
    simulation : Simulation
        What was simulated.

    Returns
    -------
    tuple of str
        Elements of the plan, in its order.

    Examples
    --------
    >>> from moonpost.study.simulation import simulate_plan
    >>> simulated_machines(simulate_plan("ilrs", "2040-01-01", 1.0))[:2]
    ('vertical-array', 'station-battery')
    """
    return tuple(str(name) for name in simulation.series["element"].values.tolist())


def machine_rows(plan: Plan, names: Sequence[str]) -> tuple[Row, ...]:
    """The rows of machines, the station's bus first.

    Parameters
    ----------
    plan : Plan
        The plan.
    names : sequence of str
        Its elements.

    Returns
    -------
    tuple of Row

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> machine_rows(load_plan("ilrs"), ["survey-rover"])[0].partner
    'roscosmos'
    """
    there = [plan.element(name) for name in dict.fromkeys(names)]
    there.sort(key=lambda element: element.bus != "station")
    return tuple(Row(f"machine.{e.id}", "machines", e.name, e.id, e.owner) for e in there)


def predicted_states(
    plan: Plan, simulation: Simulation, start: np.datetime64, stop: np.datetime64, elements: Sequence[str]
) -> Iterator[Item]:
    """When machines will work, run dark modes and sleep, as a simulation says.

    Parameters
    ----------
    plan : Plan
        The plan.
    simulation : Simulation
        Of the station.
    start, stop : datetime64
        The period, UTC.
    elements : sequence of str
        Machines to tell.

    Yields
    ------
    Item
        In the layer ``plan``.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.study.simulation import simulate_plan
    >>> run, day = simulate_plan("ilrs", "2040-01-01", 2.0), np.datetime64("2040-01-01", "ms")
    >>> [row.kind for row in predicted_states(load_plan("ilrs"), run, day, day + np.timedelta64(1, "D"),
    ...     ["survey-rover"])]
    ['works']
    """
    series = simulation.series
    time = series["time"].values.astype("datetime64[ms]")
    step = np.timedelta64(round(1000.0 * float(series.attrs["step_s"])), "ms")
    known = {name: index for index, name in enumerate(series["element"].values.tolist())}
    buses = {name: index for index, name in enumerate(series["bus"].values.tolist())}
    first, last = int(np.searchsorted(time, start - step)), int(np.searchsorted(time, stop))
    cut = slice(first, last)
    for name in elements:
        if name not in known or time[cut].size == 0:
            continue
        element = plan.element(name)
        works = series["element_working"].values[known[name], cut]
        lit = series["in_light"].values[buses[bus_of(plan, element)], cut]
        yield from _states(element, "plan", time[cut], _codes(element, works, lit), step, start, stop)


def received_states(
    plan: Plan, archive: Samples, start: np.datetime64, stop: np.datetime64, elements: Sequence[str]
) -> Iterator[Item]:
    """When machines worked, ran dark modes and slept, as telemetry says.

    Parameters
    ----------
    plan : Plan
        The plan.
    archive : Samples
        Values of channels, such as an archive.
    start, stop : datetime64
        The period, UTC.
    elements : sequence of str
        Machines to tell.

    Yields
    ------
    Item
        In the layer ``actual``; what is missing for more than ten minutes is told as ``no-telemetry``. In periods
        of more than 4,000 samples turns are told to the width of a bin.

    Examples
    --------
    >>> from moonpost.control.timeline.machines import predicted_states  # see there
    """
    lights: dict[str, Any] = {}
    for name in elements:
        element = plan.element(name)
        bus = bus_of(plan, element)
        works = _samples(archive, f"{name}.element_working", start, stop)
        if works is None or len(works) == 0:
            continue
        if bus not in lights:
            lights[bus] = _samples(archive, f"{bus}.in_light", start, stop)
        time = works.time.astype("datetime64[ms]")
        lit = _at(lights[bus], works.time)
        step = _step(time, works.step_s)
        codes = _codes(element, np.asarray(works.value, dtype=np.float64), lit)
        yield from _broken(element, time, codes, step, start, stop)


def _samples(archive: Samples, key: str, start: np.datetime64, stop: np.datetime64) -> Any:
    """A channel's samples, in bins where there are many; None if it was never received."""
    try:
        return archive.query(key, start, stop, bins=_BINS)
    except MoonpostError:
        return None


def _at(series: Any, time: Times) -> npt.NDArray[np.float64]:
    """Values of a series at times: the last before each; in light where nothing is known."""
    if series is None or len(series) == 0:
        return np.ones(time.size)
    place = np.searchsorted(series.time, time, side="right") - 1
    return np.where(place >= 0, np.asarray(series.value, dtype=np.float64)[np.maximum(place, 0)], 1.0)


def _step(time: Times, width_s: float) -> np.timedelta64:
    """How long a sample counts."""
    if time.size > 1:
        return np.timedelta64(max(int(np.median(np.diff(time).astype(np.int64))), 1), "ms")
    return np.timedelta64(max(round(width_s * 1000.0), 60_000), "ms")


def _codes(element: Element, works: npt.NDArray[Any], lit: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """2 works, 1 runs its dark mode, 0 sleeps or is out of its limits."""
    changes = any(mode.when != "always" for mode in element.modes) and element.dormancy is None
    dark = (np.asarray(lit) < 0.5) & changes
    return np.where(np.asarray(works) < 0.5, 0, np.where(dark, 1, 2)).astype(np.int64)


def _broken(
    element: Element, time: Times, codes: npt.NDArray[np.int64], step: np.timedelta64, start: Any, stop: Any
) -> Iterator[Item]:
    """States between gaps, and the gaps."""
    wide = np.flatnonzero(np.diff(time) > np.maximum(2 * step, _LEAST_GAP)) + 1
    parts = np.split(np.arange(time.size), wide)
    for number, part in enumerate(parts):
        yield from _states(element, "actual", time[part], codes[part], step, start, stop)
        if number + 1 < len(parts):
            begin, end = time[part[-1]] + step, time[parts[number + 1][0]]
            name = f"actual.{element.id}.none.{milliseconds(begin)}"
            row, begin, end = f"machine.{element.id}", max(begin, start), min(end, stop)
            yield Item(name, row, "no-telemetry", "actual", "No telemetry", begin, end, "none")


def _states(
    element: Element,
    layer: str,
    time: Times,
    codes: npt.NDArray[np.int64],
    step: np.timedelta64,
    start: np.datetime64,
    stop: np.datetime64,
) -> Iterator[Item]:
    """Items of stretches of one state."""
    for a, b, code in turns(codes):
        begin = time[a]
        end = time[b] if b < time.size else time[-1] + step
        if end <= start or begin >= stop:
            continue
        kind, label = _KINDS[code]
        yield Item(
            f"{layer}.{element.id}.{kind}.{milliseconds(begin)}",
            f"machine.{element.id}",
            kind,
            layer,
            label,
            max(begin, start),
            min(end, stop),
            "predicted" if layer == "plan" else "received",
        )
