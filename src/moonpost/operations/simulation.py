"""Power and storage of a plan's elements through light and darkness, with every watt-hour accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.operations.balances import Balance
from moonpost.operations.buses import Arrival, BusFlows, arrival_of, groups_at, light_masts_m, station_site
from moonpost.operations.changes import QUANTITIES, Change
from moonpost.operations.channels import channels_of
from moonpost.operations.engine import run_station
from moonpost.operations.record import Simulation, SimulationEvent, balance_of, dataset_of
from moonpost.operations.station import Contacts, Run, StationModel, station_model
from moonpost.plan.elements import Element, Reactor
from moonpost.plan.model import Plan
from moonpost.power.arrays import light_at_mast
from moonpost.power.reactors import reactor_outages
from moonpost.power.series import FloatSeries, SunView, as_series, step_of
from moonpost.power.sources import reactor_stream

__all__ = [
    "Balance",
    "Change",
    "Run",
    "Simulation",
    "SimulationEvent",
    "light_heights_m",
    "simulate",
    "station_models",
]

_YEAR_MS = 365.25 * 86_400_000.0
_TEXTS = {
    "storage-full": "the store is full; sources are turned down",
    "storage-empty": "the store is empty",
    "shed-begins": "loads are shed: sources and store do not carry them",
    "shed-ends": "all loads are served again",
    "element-shed-begins": "does not get all the power that it asks for ({:.6g} W)",
    "element-shed-ends": "gets all its power again",
    "wake": "wakes",
    "sleep": "goes to sleep",
    "command-refused": "does not wake on command: too cold, too warm or too little energy",
    "heater-on": "heater on at {:.2f} K",
    "heater-off": "heater off at {:.2f} K",
    "too-cold": "too cold to work: {:.2f} K",
    "cold-ends": "warm enough to work: {:.2f} K",
    "too-warm": "too warm to work: {:.2f} K",
    "warm-ends": "cool enough to work: {:.2f} K",
    "machine-lost": "lost: its box is beyond the limits of survival at {:.2f} K",
    "recorder-full": "recorder full",
    "recorder-empty": "recorder empty",
    "data-lost": "data lost at {:.6g} bit/s",
    "data-loss-ends": "no more data lost",
    "tank-full": "tank full",
    "tank-empty": "tank empty",
    "run-refused": "activity does not start: the machine does not work",
    "run-stopped": "activity stops: the machine does not work any more",
    "charge-blocked": "store not charged at {:.2f} K",
    "charge-allowed": "store charged again at {:.2f} K",
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
    changes: Sequence[Change] = (),
    contacts: Contacts = None,
    surface_k: npt.ArrayLike | None = None,
    runs: Sequence[Run] = (),
    supply_scale: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    tolerance: float = 1e-4,
) -> Simulation:
    """Run a plan's machines at one site through a period: power, heat, data and mass, from event to event.

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
        Of what is drawn by chance: outages of reactors with `outage_days`. The same seed gives the same result.
    margins : bool
        Loads with margins by maturity and system margin, as the design counts them, instead of nominal ones.
    light_mode_above : float
        Elements run their light modes only while more than this fraction of the disc is in view [1].
    changes : sequence of Change
        Faults, repairs and commands. Those before the period hold from its start.
    contacts : ndarray of datetime64, (m, 2), or mapping of str to such, optional
        Windows with the Earth or a relay, for all machines or by element. A machine without windows is in contact
        at all times.
    surface_k : array-like, (n,), optional
        Temperature of the ground at the times [K]; needed where a box exchanges heat with the ground.
    runs : sequence of Run
        Activities that run.
    supply_scale : array-like, (n,), or mapping of str to such, optional
        Factor on the output of solar arrays, for all elements or by element [1].
    tolerance : float
        How far the straight lines that drive the run may be off their series, over the peak of each [1].

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If a series cannot be used, the light for a height is missing, or a change or run is for a machine that is
        not simulated.
    ModelError
        If nothing with power stands at the site in this period, or rules contradict one another.
    UnknownNameError
        If the plan has no such site, element or mode.

    Notes
    -----
    Elements on the station's bus share sources and stores; each other element lives on its own. An element is
    there from the latest landing (or launch) that its mission allows; its store arrives full; arrays, fuel and
    stores age from then. Surplus charges, deficit draws, the rest is spilled or shed, priority 9 first and in
    proportion within a priority. Series of light and supply are means of the steps, as for
    `moonpost.power.run_bus`, followed by straight lines; the Sun's elevation and the temperature of the ground
    are linear between samples. Each rule, and what is neglected, is told in the documentation's simulation page.

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
    models, absent, light = station_models(
        plan,
        sun,
        light_by_mast,
        site=site,
        step_s=step_s,
        seed=seed,
        margins=margins,
        light_mode_above=light_mode_above,
        changes=changes,
        contacts=contacts,
        surface_k=surface_k,
        runs=runs,
        supply_scale=supply_scale,
        tolerance=tolerance,
    )
    flows = [run_station(model) for model in models]
    place, step = station_site(plan, site), models[0].step_s
    events = [
        *_light_events(sun, light),
        *(event for flow in flows for event in _flow_events(flow, sun, step, seed)),
        *_change_events(changes, sun.time[0], models[0].span_s),
        *(event for model in models for event in _contact_events(model, contacts, sun.time[0])),
    ]
    return Simulation(
        series=dataset_of(plan, sun, light, flows, step, place, seed),
        events=tuple(sorted(events, key=lambda event: (event.time, event.subject, event.kind))),
        channels=_channels(flows, tuple(light)),
        balances=tuple(balance_of(flow) for flow in flows),
        absent=absent,
        site=place,
        seed=seed,
        heats=tuple(row for flow in flows for row in flow.heats),
        data=tuple(row for flow in flows for row in flow.data),
        masses=tuple(row for flow in flows for row in flow.masses),
        stretches=sum(flow.stretches for flow in flows),
        statements=_statements([arrival.element for model in models for arrival in model.arrivals], contacts),
    )


def _statements(elements: Sequence[Element], contacts: Contacts) -> tuple[str, ...]:
    """What the run takes for granted."""
    found = []
    if contacts is None and any(e.recorder or (e.dormancy and e.dormancy.command) for e in elements):
        found.append("Contact counts as permanent: no windows are known, as over relays.")
    direct = [e.id for e in elements if e.recorder is None and any(mode.data_bit_s > 0 for mode in e.modes)]
    if direct:
        found.append(
            f"Sends what it makes at once, in contact or not, for it has no recorder: {', '.join(direct)}."
        )
    bare = [e.id for e in elements if e.thermal is None]
    if bare:
        found.append(f"Has no warm box, so no temperature is told and none stops it: {', '.join(bare)}.")
    plain = [e.id for e in elements if e.dormancy is None and any(mode.when != "always" for mode in e.modes)]
    if plain:
        found.append(
            f"Runs its light modes while any of the Sun is in view, without rules of sleep: {', '.join(plain)}."
        )
    return tuple(found)


def station_models(
    plan: Plan,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    site: str | None = None,
    step_s: float | None = None,
    seed: int = 0,
    margins: bool = False,
    light_mode_above: float = 0.0,
    changes: Sequence[Change] = (),
    contacts: Contacts = None,
    surface_k: npt.ArrayLike | None = None,
    runs: Sequence[Run] = (),
    supply_scale: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    tolerance: float = 1e-4,
) -> tuple[list[StationModel], dict[str, str], dict[float, FloatSeries]]:
    """Check what `simulate` is given and lay out each bus as arrays.

    Parameters
    ----------
    plan, sun, light_by_mast, site, step_s, seed, margins, light_mode_above
        As in `simulate`.
    changes, contacts, surface_k, runs, supply_scale, tolerance
        As in `simulate`.

    Returns
    -------
    models : list of StationModel
        One for each bus.
    absent : dict of str to str
        Elements left out, with the reason.
    light : dict of float to ndarray, (n,)
        Light at the heights used.

    Raises
    ------
    InputError, ModelError, UnknownNameError
        As in `simulate`.

    Examples
    --------
    >>> from moonpost.operations.simulation import simulate  # see there
    """
    step = _checked_step(sun, step_s)
    groups, absent = groups_at(plan, station_site(plan, site))
    count = sun.time.size
    light = {mast_m: light_at_mast(light_by_mast, mast_m, count) for mast_m in light_masts_m(groups, plan)}
    ground = None if surface_k is None else as_series(surface_k, "surface_k", length=count, low=0.0, high=2000.0)
    there = []
    for group in groups:
        arrivals = tuple(arrival_of(plan, element, sun.time[0], step, count) for element in group.elements)
        for arrival in arrivals:
            if arrival.step >= count:
                absent[arrival.element.id] = f"arrives after the period, by {str(arrival.time)[:10]}"
        present = tuple(arrival for arrival in arrivals if arrival.step < count)
        if present:
            there.append((group, present))
    if not there:
        raise ModelError(
            "nothing with power stands here in this period",
            where=station_site(plan, site) or plan.id,
            advice="choose a later period or a site at which a mission has landed",
        )
    names = [arrival.element.id for _, present in there for arrival in present]
    _checked_names(plan, names, absent, changes, runs)
    scale = _scales(supply_scale, names, count)
    models = [
        station_model(
            plan,
            group,
            present,
            sun,
            light,
            step,
            margins=margins,
            light_mode_above=light_mode_above,
            changes=changes,
            contacts=contacts,
            surface_k=ground,
            runs=runs,
            supply_scale=scale,
            seed=seed,
            tolerance=tolerance,
        )
        for group, present in there
    ]
    return models, absent, light


def _checked_names(
    plan: Plan, names: Sequence[str], absent: Mapping[str, str], changes: Sequence[Change], runs: Sequence[Run]
) -> None:
    """Raise unless every change and run is for a machine that is simulated."""
    known = [element.id for element in plan.elements]
    for name, where in [*((c.subject, "changes") for c in changes), *((r.element, "runs") for r in runs)]:
        if name in names:
            continue
        if name not in known:
            raise UnknownNameError(name, known, kind="element", where=where)
        raise InputError(
            f"{name} is not in this simulation: {absent.get(name, 'it has no part in it')}",
            where=where,
            advice="leave it out, or simulate the site and period in which it is there",
        )


def _scales(given: Any, names: Sequence[str], count: int) -> dict[str, FloatSeries] | None:
    """Factors on arrays by element."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {
            name: as_series(row, f"supply_scale[{name}]", length=count, low=0.0) for name, row in given.items()
        }
    return dict.fromkeys(names, as_series(given, "supply_scale", length=count, low=0.0))


def _checked_step(sun: SunView, step_s: float | None) -> float:
    """The step of the times; raises if the Sun's fields or the step asked for do not fit."""
    step = step_of(sun.time)
    if step_s is not None and abs(step_s - step) > 0.002:
        raise InputError(f"is {step_s}, but the times step by {step:g} s", where="step_s", advice="leave it out")
    for name in ("azimuth_deg", "elevation_deg", "distance_m"):
        as_series(getattr(sun, name), f"sun.{name}", length=sun.time.size)
    return step


def _channels(flows: Sequence[BusFlows], masts_m: tuple[float, ...]) -> Any:
    elements: list[Element] = [arrival.element for flow in flows for arrival in flow.arrivals]
    return channels_of(
        {flow.name: float(flow.usable_wh.max()) for flow in flows},
        {name: float(load.max()) for flow in flows for name, load in flow.element_load_w.items()},
        masts_m,
        boxes={e.id: (e.thermal.operate_min_k, e.thermal.operate_max_k) for e in elements if e.thermal},
        recorders={e.id: e.count * e.recorder.capacity_bit for e in elements if e.recorder},
        tanks={f"{e.id}.{tank.name}": e.count * tank.capacity_kg for e in elements for tank in e.tanks},
    )


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


def _flow_events(flow: BusFlows, sun: SunView, step_s: float, seed: int) -> Iterator[SimulationEvent]:
    """Events of a bus and of its elements."""
    for event in flow.events:
        data: dict[str, Any] = {"bus": flow.name, "value": event.value}
        if event.part:
            data["tank"] = event.part
        text = _TEXTS[event.kind].format(event.value)
        yield SimulationEvent(_at(sun.time[0], event.time_s), event.subject, event.kind, text, data)
    start, stop = sun.time[0], _at(sun.time[-1], step_s)
    for arrival in flow.arrivals:
        for time, kind, text in _life(arrival, stop, seed):
            if start < time < stop:
                yield SimulationEvent(time, arrival.element.id, kind, text, {"bus": flow.name})


def _life(arrival: Arrival, stop: np.datetime64, seed: int) -> Iterator[tuple[np.datetime64, str, str]]:
    """Arrival, outages and ends of life of an element."""
    element = arrival.element
    dated = [(0.0, "arrival", f"{element.name} is there")]
    if element.life_years is not None:
        dated.append((element.life_years, "design-life-end", f"{element.name}: design life over"))
    lives = {g.life_years for g in element.generators if isinstance(g, Reactor)}
    dated += [(years, "reactor-end", f"{element.name}: reactor out of life, no more power") for years in lives]
    served = max(float((stop - arrival.time) / np.timedelta64(1, "ms")) / _YEAR_MS, 0.0)
    for index, source in enumerate(element.generators):
        if not isinstance(source, Reactor) or source.outage_days == 0.0 or served == 0.0:
            continue
        for copy in range(element.count):
            stream = reactor_stream(element, index, copy)
            for begin, end in reactor_outages(source, min(served, source.life_years), seed=seed, stream=stream):
                dated.append((float(begin), "outage-begins", f"{element.name}: reactor out (to one step)"))
                dated.append((float(end), "outage-ends", f"{element.name}: reactor runs again (to one step)"))
    for years, kind, text in dated:
        yield arrival.time + np.timedelta64(round(years * _YEAR_MS), "ms"), kind, text


def _change_events(changes: Sequence[Change], start: np.datetime64, span_s: float) -> Iterator[SimulationEvent]:
    """Faults, repairs and commands of the period."""
    for change in changes:
        if start <= change.time < _at(start, span_s):
            text = change.text or f"{change.quantity} set to {change.value:g}: {QUANTITIES[change.quantity]}"
            data = {"quantity": change.quantity, "value": change.value}
            yield SimulationEvent(change.time.astype("datetime64[ms]"), change.subject, change.kind, text, data)


def _contact_events(model: StationModel, contacts: Contacts, start: np.datetime64) -> Iterator[SimulationEvent]:
    """Begin and end of contact of the machines that have windows."""
    if contacts is None:
        return
    for time, code, who, value, _ in model.agenda:
        if int(code) == 2 and 0.0 < time < model.span_s:
            element = model.arrivals[int(who)].element
            kind, text = ("contact-begins", "in contact") if value > 0 else ("contact-ends", "out of contact")
            yield SimulationEvent(_at(start, float(time)), element.id, kind, f"{element.name}: {text}", {})
