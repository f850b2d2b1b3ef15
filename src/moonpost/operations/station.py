"""A bus of a plan as the arrays that the compiled run takes: machines, what drives them, and the agenda."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.buses import Arrival
from moonpost.operations.changes import Change
from moonpost.operations.codes import AGENDA, PARAMETERS
from moonpost.operations.forcing import Forcing, thinned
from moonpost.plan.elements import Element, Radioisotope, SolarArray
from moonpost.plan.model import Plan
from moonpost.power.arrays import array_heights_m, irradiance_w_m2, light_at_mast, stopped_array
from moonpost.power.isotopes import radioisotope_power_w
from moonpost.power.loads import MATURITY_MARGIN, PowerGroup, group_lit, load_w, mode_in
from moonpost.power.series import FloatSeries, SunView
from moonpost.power.sources import element_sources_w

__all__ = ["Contacts", "Run", "StationModel", "station_model"]

Contacts = npt.NDArray[np.datetime64] | Mapping[str, npt.NDArray[np.datetime64]] | None
"""Windows of contact, (m, 2) UTC, for all machines or by element."""

_YEAR_S = 365.25 * 86_400.0
_STEFAN_W_M2_K4 = 5.670374419e-8
_FADE_S = 10.0 * 86_400.0
_DWELL_S = 600.0
_NONE = -1e18
_WARMER = 0.05


@dataclass(frozen=True)
class Run:
    """An activity that a machine carries out.

    Parameters
    ----------
    activity : str
        Identifier of the plan's activity, or any name.
    element : str
        The machine.
    start, stop : datetime64[ms]
        When it runs, UTC.
    power_w : float
        Drawn besides the mode's power [W].
    data_bit : float
        Made in all, evenly over the time [bit].

    Raises
    ------
    InputError
        If it does not end after its start, or a number is negative or not finite.

    Examples
    --------
    >>> Run("drive", "yutu-2", np.datetime64("2019-02-01", "ms"), np.datetime64("2019-02-02", "ms"), 40.0).data_bit
    0.0
    """

    activity: str
    element: str
    start: np.datetime64
    stop: np.datetime64
    power_w: float = 0.0
    data_bit: float = 0.0

    def __post_init__(self) -> None:
        if not self.start < self.stop:
            raise InputError(
                f"{self.activity} ends {self.stop}", where="Run.stop", advice=f"give a time after {self.start}"
            )
        for name in ("power_w", "data_bit"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"is {value}", where=f"Run.{name}", advice="give a finite number from 0")


@dataclass(frozen=True, eq=False)
class StationModel:
    """One bus as arrays, see `moonpost.operations.enginekernels.run_bus_events`.

    Parameters
    ----------
    name : str
        The bus.
    arrivals : tuple of Arrival
        Its elements that arrive in the period.
    forcing : Forcing
        What drives it, thinned.
    raw_means, raw_points : ndarray, (c, n) and (d, n)
        The same, not thinned.
    agenda : ndarray, (k, 5)
        Time [s], code, element, two values.
    par : ndarray, (e, p)
        Columns `moonpost.operations.codes.PARAMETERS`.
    bus : ndarray, (3,)
        Efficiency, column of the ground's temperature, shortest time between changes of sleep [s].
    tanks : ndarray, (q, 9)
        Element, capacity, first content [kg], flows [kg/s], and room for sums.
    tank_names : tuple of str
        Element and tank with a dot between.
    step_s : float
        Step of the sampling [s].
    span_s : float
        Length of the period [s].

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """

    name: str
    arrivals: tuple[Arrival, ...]
    forcing: Forcing
    raw_means: npt.NDArray[np.float64]
    raw_points: npt.NDArray[np.float64]
    agenda: npt.NDArray[np.float64]
    par: npt.NDArray[np.float64]
    bus: npt.NDArray[np.float64]
    tanks: npt.NDArray[np.float64]
    tank_names: tuple[str, ...]
    step_s: float
    span_s: float


def station_model(
    plan: Plan,
    group: PowerGroup,
    arrivals: tuple[Arrival, ...],
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    step_s: float,
    *,
    margins: bool = False,
    light_mode_above: float = 0.0,
    changes: Sequence[Change] = (),
    contacts: Contacts = None,
    surface_k: FloatSeries | None = None,
    runs: Sequence[Run] = (),
    supply_scale: Mapping[str, FloatSeries] | None = None,
    seed: int = 0,
    tolerance: float = 1e-4,
) -> StationModel:
    """Lay out one bus for the compiled run.

    Parameters
    ----------
    plan, group, arrivals, sun, light_by_mast, step_s
        The plan, the bus, its elements that arrive in the period, the Sun and the light from the site at even
        steps [s].
    margins, light_mode_above, changes, contacts, surface_k, runs, supply_scale, seed, tolerance
        As in `moonpost.operations.simulate`; changes and runs of other buses are passed over.

    Returns
    -------
    StationModel

    Raises
    ------
    InputError
        If a series cannot be used, or a box needs the temperature of the ground and it is not given.

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    count = sun.time.size
    ids = {arrival.element.id: e for e, arrival in enumerate(arrivals)}
    mine = [change for change in changes if change.subject in ids]
    means: list[FloatSeries] = []
    par = np.stack([_parameters(plan, a.element, margins) for a in arrivals])
    series = par[:, -4:]
    series[:] = -1.0
    for e, arrival in enumerate(arrivals):
        turns = [c for c in mine if c.subject == arrival.element.id and c.quantity == "array-turns"]
        scale = (supply_scale or {}).get(arrival.element.id)
        rows = _driven(plan, arrival, sun, light_by_mast, turns, scale, surface_k, seed)
        for column, row in enumerate(rows):
            if row is not None and bool(row.any()):
                series[e, column] = len(means)
                means.append(row)
    points: list[FloatSeries] = []
    peaks: list[float] = []
    ground = -1
    if any(a.element.thermal is not None and a.element.thermal.ground_w_k > 0.0 for a in arrivals):
        if surface_k is None:
            raise InputError(
                "is not given, but a warm box exchanges heat with the ground",
                where="surface_k",
                advice="compute it with moonpost.thermal.site_temperature, or set ground_w_k = 0",
            )
        ground = len(means)
        points.append(surface_k)
        peaks.append(float(np.abs(surface_k).max()))
    if not means and not points:
        means.append(np.zeros(count))
    forcing = thinned(means, points, step_s, tolerance, peaks=[*[None] * len(means), *peaks])
    lit = group_lit(group, light_by_mast, count, above=light_mode_above)
    span_s = count * step_s
    agenda = [
        *_arrivals(arrivals, sun.time[0], step_s),
        *_switches(lit, step_s),
        *_windows(arrivals, contacts, sun.time[0], span_s),
        *_runs(runs, ids, par, sun.time[0], span_s),
        *_changes(mine, ids, sun.time[0], span_s),
        *_sun_rules(par, np.asarray(sun.elevation_deg, dtype=np.float64), step_s),
        *_fades(par, span_s),
    ]
    tanks, names = _tanks(arrivals)
    order = sorted(range(len(agenda)), key=lambda k: agenda[k][:2])
    return StationModel(
        name=group.name,
        arrivals=arrivals,
        forcing=forcing,
        raw_means=np.stack(means) if means else np.zeros((0, count)),
        raw_points=np.stack(points) if points else np.zeros((0, count)),
        agenda=np.array([agenda[k] for k in order], dtype=np.float64).reshape(-1, 5),
        par=par,
        bus=np.array([plan.design.bus_efficiency, ground, _DWELL_S], dtype=np.float64),
        tanks=tanks,
        tank_names=names,
        step_s=step_s,
        span_s=span_s,
    )


_Row = tuple[float, float, float, float, float]
_CODE = {name: float(code) for code, name in enumerate(AGENDA)}


def _driven(
    plan: Plan,
    arrival: Arrival,
    sun: SunView,
    light: Mapping[float, npt.ArrayLike],
    turns: Sequence[Change],
    scale: FloatSeries | None,
    surface_k: FloatSeries | None,
    seed: int,
) -> tuple[FloatSeries | None, ...]:
    """Means of the steps: output of arrays and of other sources, sunlight and radioisotope heat on one box [W]."""
    element = arrival.element
    count = sun.time.size
    years = np.maximum((sun.time - arrival.time) / np.timedelta64(1, "ms") / 1000.0 / _YEAR_S, 0.0)
    cells = (
        surface_k if any(isinstance(g, SolarArray) and g.cells is not None for g in element.generators) else None
    )

    def sources(machine: Element) -> tuple[FloatSeries, FloatSeries]:
        return element_sources_w(machine, sun, light, years, plan.design, surface_k=cells, outages=True, seed=seed)

    arrays, others = sources(element)
    for change in sorted(turns, key=lambda change: change.time):
        first = int(np.searchsorted(sun.time, change.time))
        if first >= count:
            continue
        kept = element
        if change.value == 0.0:
            stand = [
                stopped_array(g, float(sun.azimuth_deg[first]), float(sun.elevation_deg[first]))
                if isinstance(g, SolarArray)
                else g
                for g in element.generators
            ]
            kept = element.model_copy(update={"generators": tuple(stand)})
        arrays = np.where(np.arange(count) >= first, sources(kept)[0], arrays)
    if scale is not None:
        arrays = arrays * scale
    box = element.thermal
    if box is None:
        return arrays, others, None, None
    heights = [h for g in element.generators if isinstance(g, SolarArray) for h in array_heights_m(g)]
    seen = light_at_mast(light, min(heights or [float(h) for h in light]), count)
    sunlight = box.sunlit_m2 * irradiance_w_m2(sun.distance_m) * seen if box.sunlit_m2 > 0.0 else None
    fuel = np.zeros(count)
    for source in element.generators:
        if isinstance(source, Radioisotope):
            electric_w, thermal_w = radioisotope_power_w(source, years)
            fuel += box.radioisotope_fraction * (thermal_w - electric_w)
    return arrays, others, sunlight, fuel


def _parameters(plan: Plan, element: Element, margins: bool) -> npt.NDArray[np.float64]:
    """One row of what does not change."""
    row = dict.fromkeys(PARAMETERS, 0.0)
    factor = 1.0 + plan.design.system_margin if margins else 1.0
    extra = factor * (1.0 + MATURITY_MARGIN[element.maturity]) if margins else 1.0
    count = float(element.count)
    bright, dim = mode_in(element, "light"), mode_in(element, "dark")
    row |= {
        "light_w": load_w(element, "light", with_margin=margins) * factor,
        "dark_w": load_w(element, "dark", with_margin=margins) * factor,
        "converter": element.converter_efficiency,
        "count": count,
        "priority": float(element.priority),
        "data_light": count * bright.data_bit_s if bright else 0.0,
        "data_dark": count * dim.data_bit_s if dim else 0.0,
        "heat_light": bright.heat_w if bright else 0.0,
        "heat_dark": dim.heat_w if dim else 0.0,
        "margin": extra,
        "charge": 1.0,
        "discharge": 1.0,
        "modules": 1.0,
        "charge_min": 0.0,
        "charge_max": 1e9,
        "nameplate": 1.0,
    }
    row |= _sleep_row(element) | _box_row(element) | _store_row(element)
    if element.recorder is not None:
        row |= {
            "recorder": 1.0,
            "recorder_bit": count * element.recorder.capacity_bit,
            "downlink": count * element.recorder.downlink_bit_s,
            "downlink_w": count * element.recorder.downlink_w * extra / element.converter_efficiency,
        }
    return np.array([row[name] for name in PARAMETERS])


def _sleep_row(element: Element) -> dict[str, float]:
    """Rules of sleep; a side that is not given follows from the other."""
    names = ("wake_sun", "sleep_sun", "wake_supply", "sleep_supply", "wake_stored", "sleep_stored")
    found: dict[str, float] = dict.fromkeys(names, _NONE)
    rule = element.dormancy
    if rule is None:
        return found
    given = {
        "wake_sun": rule.wake_sun_deg,
        "sleep_sun": rule.sleep_sun_deg,
        "wake_supply": rule.wake_supply_w,
        "sleep_supply": rule.sleep_supply_w,
        "wake_stored": rule.wake_stored,
        "sleep_stored": rule.sleep_stored,
    }
    if all(given[name] is None for name in ("sleep_sun", "sleep_supply", "sleep_stored")):
        given["sleep_sun"], given["sleep_supply"] = given["wake_sun"], given["wake_supply"]
        if given["sleep_sun"] is None and given["sleep_supply"] is None:
            found["dark_sleep"] = 1.0
    if rule.sleep_stored is not None and rule.wake_stored is None:
        given["wake_stored"] = min(rule.sleep_stored + _WARMER, 1.0)
    found |= {name: value for name, value in given.items() if value is not None}
    found |= {"sleeps": 1.0, "wake_k": rule.wake_min_k or 0.0, "command": float(rule.command)}
    return found


def _box_row(element: Element) -> dict[str, float]:
    box = element.thermal
    if box is None:
        return {"heater_off": 1e9, "survive_max": 1e9, "operate_max": 1e9, "initial_k": 0.0}
    return {
        "box": 1.0,
        "capacity": box.capacity_j_k,
        "radiator": box.emissivity * _STEFAN_W_M2_K4 * box.radiator_m2,
        "closed": box.closed_fraction,
        "ground": box.ground_w_k,
        "electric": box.electric_fraction,
        "heater_w": box.heater_w,
        "heater_on": box.heater_on_k,
        "heater_off": box.heater_off_k,
        "survive_min": box.survive_min_k,
        "survive_max": box.survive_max_k,
        "operate_min": box.operate_min_k,
        "operate_max": box.operate_max_k,
        "initial_k": box.initial_k,
    }


def _store_row(element: Element) -> dict[str, float]:
    store, count = element.storage, element.count
    if store is None:
        return {}
    boxed = element.thermal is not None
    return {
        "usable": 3600.0 * (count * store.capacity_wh * store.depth_of_discharge),
        "nameplate": 3600.0 * count * store.capacity_wh,
        "charge": store.charge_efficiency,
        "discharge": store.discharge_efficiency,
        "charge_w": math.inf if store.charge_w is None else count * store.charge_w,
        "discharge_w": math.inf if store.discharge_w is None else count * store.discharge_w,
        "leak": -math.log1p(-store.self_discharge_per_day) / 86_400.0,
        "fade_year": store.fade_per_year,
        "fade_cycle": store.fade_per_cycle,
        "modules": float(store.modules),
        "charge_min": store.charge_min_k if boxed and store.charge_min_k is not None else 0.0,
        "charge_max": store.charge_max_k if boxed and store.charge_max_k is not None else 1e9,
    }


def _seconds(time: np.datetime64, start: np.datetime64) -> float:
    return float((time.astype("datetime64[ms]") - start) / np.timedelta64(1, "ms")) / 1000.0


def _arrivals(arrivals: Sequence[Arrival], start: np.datetime64, step_s: float) -> list[_Row]:
    code = _CODE["arrive"]
    return [(a.step * step_s, code, float(e), 0.0, _seconds(a.time, start)) for e, a in enumerate(arrivals)]


def _switches(lit: npt.NDArray[np.bool_], step_s: float) -> list[_Row]:
    code = _CODE["lit"]
    changes = np.flatnonzero(lit[1:] != lit[:-1]) + 1
    return [
        (0.0, code, -1.0, float(lit[0]), 0.0),
        *((k * step_s, code, -1.0, float(lit[k]), 0.0) for k in changes),
    ]


def _windows(arrivals: Sequence[Arrival], contacts: Contacts, start: np.datetime64, span_s: float) -> list[_Row]:
    """Begin and end of contacts of the machines that use them; without any given, contact is there always."""
    code = _CODE["contact-window"]
    rows: list[_Row] = []
    shared = None if contacts is None or isinstance(contacts, Mapping) else _window_s(contacts, start, "contacts")
    for e, arrival in enumerate(arrivals):
        element = arrival.element
        if element.recorder is None and element.dormancy is None:
            continue
        windows = shared
        if isinstance(contacts, Mapping) and element.id in contacts:
            windows = _window_s(contacts[element.id], start, f"contacts[{element.id}]")
        if windows is None:
            rows.append((0.0, code, float(e), 1.0, 0.0))
            continue
        for begin, end in windows:
            if end > 0.0 and begin < span_s:
                rows += [(max(begin, 0.0), code, float(e), 1.0, 0.0), (end, code, float(e), -1.0, 0.0)]
    return rows


def _window_s(windows: npt.ArrayLike, start: np.datetime64, where: str) -> list[tuple[float, float]]:
    found = np.asarray(windows)
    if found.size == 0:
        return []
    if not np.issubdtype(found.dtype, np.datetime64) or found.ndim != 2 or found.shape[1] != 2:
        raise InputError(
            f"has shape {found.shape} and type {found.dtype}", where=where, advice="give (m, 2) UTC times"
        )
    if np.isnat(found).any() or (found[:, 0] >= found[:, 1]).any():
        raise InputError("has a window that does not end after its start", where=where, advice="drop it")
    seconds = (found.astype("datetime64[ms]") - start) / np.timedelta64(1, "ms") / 1000.0
    return [(float(begin), float(end)) for begin, end in seconds]


def _runs(
    runs: Sequence[Run], ids: Mapping[str, int], par: npt.NDArray[np.float64], start: np.datetime64, span_s: float
) -> list[_Row]:
    code = _CODE["run"]
    rows: list[_Row] = []
    converter, margin = PARAMETERS.index("converter"), PARAMETERS.index("margin")
    for run in runs:
        if run.element not in ids:
            continue
        e = ids[run.element]
        begin, end = _seconds(run.start, start), _seconds(run.stop, start)
        if end <= 0.0 or begin >= span_s:
            continue
        power_w = float(run.power_w * par[e, margin] / par[e, converter])
        rate = run.data_bit / (end - begin)
        rows += [(max(begin, 0.0), code, float(e), power_w, rate), (end, code, float(e), -power_w, -rate)]
    return rows


def _changes(changes: Sequence[Change], ids: Mapping[str, int], start: np.datetime64, span_s: float) -> list[_Row]:
    rows: list[_Row] = []
    for change in changes:
        at = _seconds(change.time, start)
        if change.quantity == "array-turns" or at >= span_s:
            continue
        rows.append((max(at, 0.0), _CODE[change.quantity], float(ids[change.subject]), float(change.value), 0.0))
    return rows


def _sun_rules(par: npt.NDArray[np.float64], elevation_deg: FloatSeries, step_s: float) -> list[_Row]:
    """When the Sun lets machines wake and makes them sleep: at its elevations, linear between samples.

    A machine that sleeps by a higher Sun than it wakes by stays awake while the Sun climbs from one to the other.
    """
    rows: list[_Row] = []
    wakes, sleeps = (par[:, PARAMETERS.index(name)] for name in ("wake_sun", "sleep_sun"))
    for e in range(par.shape[0]):
        wake, sleep = (_passed(elevation_deg, float(level[e])) for level in (wakes, sleeps))
        rows += [(at * step_s, _CODE["sun-wake"], float(e), float(up), 0.0) for at, up in wake]
        if wake and sleep and sleeps[e] > wakes[e]:
            climbing = bool(wake[0][1]) and elevation_deg[1] > elevation_deg[0]
            upper = [(at, up) for at, up in sleep[1:] if not up]
            sleep = [(0.0, bool(sleep[0][1]) or climbing), *sorted([*wake[1:], *upper])]
        rows += [(at * step_s, _CODE["sun-sleep"], float(e), float(up), 0.0) for at, up in sleep]
    return rows


def _passed(elevation_deg: FloatSeries, level_deg: float) -> list[tuple[float, bool]]:
    """Whether the Sun is above a level at first, and each step at which that changes; nothing without a level."""
    if level_deg <= _NONE:
        return []
    off = elevation_deg - level_deg
    up = off > 0.0
    turns = np.flatnonzero(up[1:] != up[:-1])
    return [(0.0, bool(up[0])), *((float(k + off[k] / (off[k] - off[k + 1])), bool(up[k + 1])) for k in turns)]


def _fades(par: npt.NDArray[np.float64], span_s: float) -> list[_Row]:
    fading = par[:, PARAMETERS.index("fade_year")] + par[:, PARAMETERS.index("fade_cycle")]
    if not fading.any():
        return []
    return [(float(at), _CODE["age"], -1.0, 0.0, 0.0) for at in np.arange(_FADE_S, span_s, _FADE_S)]


def _tanks(arrivals: Sequence[Arrival]) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    rows, names = [], []
    for e, arrival in enumerate(arrivals):
        element, count = arrival.element, float(arrival.element.count)
        bright, dim = mode_in(element, "light"), mode_in(element, "dark")
        modes = {mode.name for mode in element.modes}
        for tank in element.tanks:
            unknown = set(tank.flows_kg_s) - modes
            if unknown:
                name = sorted(unknown)[0]
                raise UnknownNameError(
                    name, modes, kind="mode", where=f"elements[{element.id}].tanks[{tank.name}]"
                )
            flow = [tank.flows_kg_s.get(mode.name, 0.0) * count if mode else 0.0 for mode in (bright, dim)]
            rows.append((float(e), tank.capacity_kg * count, tank.initial_kg * count, *flow, 0.0, 0.0, 0.0, 0.0))
            names.append(f"{element.id}.{tank.name}")
    return np.array(rows, dtype=np.float64).reshape(-1, 9), tuple(names)
