"""A station's energy, data and machines slot by slot, and what is still free for activities as a task problem."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.operations.buses import arrival_of, groups_at
from moonpost.operations.entitlements import Limit, usage_of
from moonpost.operations.machines import machine_flags, recorder_rates
from moonpost.operations.placements import Placement, Setting
from moonpost.operations.taskparts import Task, TaskRecorder, TaskShare, TaskStore
from moonpost.operations.tasks import TaskProblem
from moonpost.operations.windows import Possible, runs_of, worth
from moonpost.plan.elements import Element
from moonpost.power.storage import pool

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["Booking", "BusSlots", "RecorderSlots", "StationSlots", "book", "station_slots"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_MILLI = np.timedelta64(1, "ms")
_HOUR_S = 3600.0
_EPS = 1e-9


@dataclass(frozen=True, eq=False)
class BusSlots:
    """A bus and its store without activities, slot by slot.

    Parameters
    ----------
    name : str
        The bus.
    capacity_wh : float
        Smallest usable energy that fits in, once there is a store [Wh].
    level_wh : ndarray, (slots + 1,)
        Held at the ends of the slots [Wh].
    charge_wh : ndarray, (slots,)
        What comes into the store, or leaves it, before it is full or empty [Wh].
    limit_w : ndarray, (slots,)
        Most power that activities could draw at the bus [W].
    discharge_efficiency : float
        Delivered over drawn [1].

    Examples
    --------
    >>> from moonpost.operations.bookings import station_slots  # see there
    """

    name: str
    capacity_wh: float
    level_wh: Floats
    charge_wh: Floats
    limit_w: Floats
    discharge_efficiency: float


@dataclass(frozen=True, eq=False)
class RecorderSlots:
    """A recorder without activities, slot by slot.

    Parameters
    ----------
    capacity_bit : float
        What it holds [bit].
    level_bit : ndarray, (slots + 1,)
        Held at the ends of the slots [bit].
    made_bit : ndarray, (slots,)
        Made less what can be sent [bit].

    Examples
    --------
    >>> from moonpost.operations.bookings import station_slots  # see there
    """

    capacity_bit: float
    level_bit: Floats
    made_bit: Floats


@dataclass(frozen=True, eq=False)
class StationSlots:
    """Everything that activities share at a site, without them.

    Parameters
    ----------
    buses : mapping of str to BusSlots
        By name.
    bus_of : mapping of str to str
        The bus of each element.
    converter : mapping of str to float
        Efficiency from the bus to each element [1].
    recorders : mapping of str to RecorderSlots
        By element.
    machines : mapping of str to mapping of str to ndarray of bool
        What must hold for each element to work, by name, slot by slot.
    sending_wh_bit : mapping of str to float
        What it takes at the bus to send data to the Earth, by element [Wh/bit].

    Examples
    --------
    >>> from moonpost.operations.bookings import station_slots  # see there
    """

    buses: Mapping[str, BusSlots]
    bus_of: Mapping[str, str]
    converter: Mapping[str, float]
    recorders: Mapping[str, RecorderSlots] = field(default_factory=dict)
    machines: Mapping[str, Mapping[str, Flags]] = field(default_factory=dict)
    sending_wh_bit: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Booking:
    """A task problem made of what is due in a span, and what was left out of it.

    Parameters
    ----------
    problem : TaskProblem or None
        None if nothing is left to place.
    first : int
        Slot of the setting at which the problem begins.
    left_out : mapping of str to str
        Occurrences that cannot be placed, with the reason.

    Examples
    --------
    >>> Booking(None, 0, {}).left_out
    {}
    """

    problem: TaskProblem | None
    first: int
    left_out: Mapping[str, str]


def station_slots(setting: Setting, reference: Simulation) -> StationSlots:
    """What buses, recorders and machines of a site do without activities.

    Parameters
    ----------
    setting : Setting
        The plan and the sky.
    reference : Simulation
        The station simulated without activities.

    Returns
    -------
    StationSlots

    Notes
    -----
    Energy of a slot: sources less loads, times the efficiency of charging where positive, over that of discharging
    where negative. What an activity draws is always counted over the efficiency of discharging, so that it is
    never counted too low.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.simulation import light_heights_m, simulate
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(49) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(49), elevation_deg=np.ones(49),
    ...     distance_m=np.full(49, 1.5e11))
    >>> plan = load_plan("ilrs")
    >>> light = {mast_m: np.ones(49) for mast_m in light_heights_m(plan)}
    >>> slots = station_slots(Setting(plan, sun, light), simulate(plan, sun, light))
    >>> slots.bus_of["research-laboratory"], slots.buses["station"].charge_wh.shape
    ('station', (48,))
    """
    plan, count, step_h = setting.plan, setting.slots, setting.slot_s / _HOUR_S
    series = reference.series
    buses: dict[str, BusSlots] = {}
    bus_of: dict[str, str] = {}
    converter: dict[str, float] = {}
    for group in groups_at(plan, setting.site)[0]:
        bus_of |= {element.id: group.name for element in group.elements}
        converter |= {element.id: element.converter_efficiency for element in group.elements}
        if group.name not in series["bus"].values:
            continue
        row = series.sel(bus=group.name)
        there = [
            element
            for element in group.elements
            if arrival_of(plan, element, setting.start, setting.slot_s, count).step < count
        ]
        stores = [(element.storage, element.count) for element in there if element.storage is not None]
        store = pool(stores)
        net_w = (row["supply_w"].values * plan.design.bus_efficiency - row["load_w"].values)[:count]
        most_in = _limit([s.charge_w for s, _ in stores], [n for _, n in stores])
        most_out = _limit([s.discharge_w for s, _ in stores], [n for _, n in stores]) if stores else 0.0
        gain = np.minimum(net_w, most_in) * store.charge_efficiency
        usable = row["usable_wh"].values
        capacity_wh = float(usable[usable > 0.0].min()) if (usable > 0.0).any() else 0.0
        stands = usable[:count] > 0.0
        charge_wh = np.where(net_w > 0.0, gain, net_w / store.discharge_efficiency) * step_h
        if not stands[0] and stands.any():
            charge_wh[int(np.argmax(stands))] += capacity_wh
        buses[group.name] = BusSlots(
            name=group.name,
            capacity_wh=capacity_wh,
            level_wh=np.minimum(row["stored_wh"].values[: count + 1], capacity_wh),
            charge_wh=charge_wh,
            limit_w=np.maximum(net_w + np.where(stands, most_out, 0.0), 0.0),
            discharge_efficiency=store.discharge_efficiency,
        )
    present = {name: bus for name, bus in bus_of.items() if bus in buses}
    recorders = {
        name: RecorderSlots(*rates)
        for name in present
        if (rates := recorder_rates(setting, plan.element(name), reference)) is not None
    }
    machines = {name: machine_flags(setting, plan.element(name), reference) for name in present}
    sending = {name: _sending_wh_bit(plan.element(name)) for name in recorders}
    return StationSlots(buses, present, converter, recorders, machines, sending)


def _sending_wh_bit(element: Element) -> float:
    """Energy at the bus that sending a bit takes [Wh/bit]."""
    recorder = element.recorder
    if recorder is None or recorder.downlink_bit_s == 0.0:
        return 0.0
    return recorder.downlink_w / recorder.downlink_bit_s / element.converter_efficiency / _HOUR_S


def _limit(limits_w: Sequence[float | None], counts: Sequence[int]) -> float:
    """What several stores take or give together; endless if one has no limit."""
    if not limits_w or any(limit is None for limit in limits_w):
        return math.inf
    return float(sum(limit * count for limit, count in zip(limits_w, counts, strict=True) if limit is not None))


def book(
    setting: Setting,
    station: StationSlots,
    due: Iterable[Possible],
    fixed: Sequence[Placement],
    *,
    after: Mapping[str, tuple[str, ...]],
    span: tuple[int, int] | None = None,
    limits: Sequence[Limit] = (),
    reserve: float = 0.05,
) -> Booking:
    """Turn what is due into a task problem around what is fixed already.

    Parameters
    ----------
    setting : Setting
        The plan and the sky.
    station : StationSlots
        What is shared.
    due : iterable of Possible
        What is to be placed, those that come first before those that come after.
    fixed : sequence of Placement
        What is placed already: it takes its machines, energy and data, and its entitlement.
    after : mapping of str to tuple of str
        What each occurrence comes after.
    span : tuple of int, optional
        First slot and end of the problem; the whole period if not given.
    limits : sequence of Limit
        What partners may use in each lunar day.
    reserve : float
        Part of every store that activities never use [1].

    Returns
    -------
    Booking

    Examples
    --------
    >>> from moonpost.operations.schedule import schedule  # see there
    """
    first, last = span or (0, setting.slots)
    taken = _taken(setting, fixed)
    ends = {row.id: _slot(setting, row.stop, up=True) for row in fixed}
    tasks: dict[str, Task] = {}
    left_out: dict[str, str] = {}
    for possible in due:
        activity, name = possible.occurrence.activity, possible.occurrence.id
        waits = [other for other in possible.occurrence.after if other not in ends]
        missing = [other for other in waits if other not in tasks]
        if missing:
            left_out[name] = f"comes after {missing[0]}, which is not placed"
            continue
        flags = np.zeros(setting.slots, dtype=np.bool_)
        for a, b in possible.windows:
            flags[a:b] = True
        flags &= ~taken.get(activity.element, np.zeros_like(flags))
        flags[:first] = flags[last:] = False
        for other in possible.occurrence.after:
            flags[: ends.get(other, 0)] = False
        for row in fixed:
            if name in after.get(row.id, ()):
                flags[_slot(setting, row.start, up=False) :] = False
        entitled = _entitled(setting, limits, possible, flags)
        windows = [(a, b) for a, b in runs_of(flags) if b - a >= possible.slots]
        if not windows:
            left_out[name] = _full(setting, possible, fixed)
            continue
        tasks[name] = _task(station, possible, windows, (first, tuple(waits), entitled))
    shares = _shares(setting, limits, fixed, {task.partner for task in tasks.values()})
    if not tasks:
        return Booking(None, first, left_out)
    problem = TaskProblem(
        slots=last - first,
        tasks=tuple(tasks.values()),
        slot_s=setting.slot_s,
        stores=_stores(setting, station, fixed, (first, last), reserve),
        recorders=_recorders(setting, station, fixed, (first, last), {task.recorder for task in tasks.values()}),
        shares=shares,
    )
    return Booking(problem, first, left_out)


def _slot(setting: Setting, instant: np.datetime64, *, up: bool) -> int:
    """Slot of an instant, the next one or the one it lies in."""
    at = float((instant - setting.start) / _MILLI) / 1000.0 / setting.slot_s
    return math.ceil(at - _EPS) if up else math.floor(at + _EPS)


def _taken(setting: Setting, fixed: Iterable[Placement]) -> dict[str, Flags]:
    """Slots in which elements are busy with what is fixed."""
    found: dict[str, Flags] = {}
    for row in fixed:
        flags = found.setdefault(row.element, np.zeros(setting.slots, dtype=np.bool_))
        flags[max(_slot(setting, row.start, up=False), 0) : max(_slot(setting, row.stop, up=True), 0)] = True
    return found


def _full(setting: Setting, possible: Possible, fixed: Sequence[Placement]) -> str:
    """Why nothing is left of windows that there were."""
    element = possible.occurrence.activity.element
    a, b = possible.windows[0][0], possible.windows[-1][1]
    start, stop = (setting.start + np.timedelta64(round(k * setting.slot_s * 1000.0), "ms") for k in (a, b))
    others = [row.id for row in fixed if row.element == element and row.start < stop and row.stop > start]
    if others:
        return f"{element} is busy with {', '.join(others[:4])}{' and more' if len(others) > 4 else ''}"
    return "no time is left for it between what comes before and after it"


def _entitled(setting: Setting, limits: Sequence[Limit], possible: Possible, flags: Flags) -> str:
    """Narrow the slots to the first lunar day that has room; the name under which the entitlement counts."""
    due = possible.occurrence
    rows = [limit for limit in limits if limit.counts(due.partner, due.activity.element)]
    if not rows:
        return ""
    for limit in rows:
        a, b = (_slot(setting, instant, up=True) for instant in (limit.start, limit.stop))
        inside = np.zeros_like(flags)
        inside[max(a, 0) : max(b, 0)] = True
        if any(stop - start >= possible.slots for start, stop in runs_of(flags & inside)):
            flags &= inside
            return _key(limit)
    flags[:] = False
    return ""


def _key(limit: Limit) -> str:
    return f"{limit.partner} {limit.element or '*'} {limit.lunar_day}"


def _task(
    station: StationSlots,
    possible: Possible,
    windows: Iterable[tuple[int, int]],
    told: tuple[int, tuple[str, ...], str],
) -> Task:
    """One task of the problem; powers and energies at the bus and the store."""
    first, waits, entitled = told
    activity = possible.occurrence.activity
    bus = station.buses[station.bus_of[activity.element]]
    power_w = activity.power_w / station.converter[activity.element]
    sending_wh = station.sending_wh_bit.get(activity.element, 0.0) * activity.data_bit
    return Task(
        name=possible.occurrence.id,
        duration_slots=possible.slots,
        value=worth(activity),
        assets=(activity.element,),
        windows=tuple((a - first, b - first) for a, b in windows),
        power_w=power_w,
        energy_wh=(power_w * activity.duration_h + sending_wh) / bus.discharge_efficiency,
        data_bit=activity.data_bit if activity.element in station.recorders else 0.0,
        after=waits,
        partner=entitled,
        kind=activity.id,
        store=bus.name,
        recorder=_recorder_of(station, activity.element),
    )


def _recorder_of(station: StationSlots, element: str) -> str:
    """Name of an element's recorder in a problem; a name that stands for none if others have one."""
    if element in station.recorders:
        return f"recorder of {element}"
    return _NO_RECORDER if station.recorders else ""


_NO_RECORDER = "none"


def _spread(setting: Setting, row: Placement) -> Floats:
    """Part of a fixed run that lies in each slot; its whole is 1 if it lies in the period."""
    begin, end = (float((t - setting.start) / _MILLI) / 1000.0 / setting.slot_s for t in (row.start, row.stop))
    edges = np.arange(setting.slots + 1)
    inside = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0.0, None)
    return np.asarray(inside / max(end - begin, _EPS))


def _stores(
    setting: Setting, station: StationSlots, fixed: Sequence[Placement], span: tuple[int, int], reserve: float
) -> tuple[TaskStore, ...]:
    """Every bus, less what fixed runs draw."""
    first, last = span
    found = []
    for bus in station.buses.values():
        charge_wh, limit_w = bus.charge_wh.copy(), bus.limit_w.copy()
        for row in fixed:
            if station.bus_of.get(row.element) == bus.name:
                part = _spread(setting, row)
                power_w = row.power_w / station.converter[row.element]
                charge_wh -= part * power_w * row.duration_s / _HOUR_S / bus.discharge_efficiency
                limit_w = np.maximum(limit_w - power_w * (part > 0.0), 0.0)
        level_wh = float(bus.level_wh[0])
        for amount in charge_wh[:first].tolist():
            level_wh = min(max(level_wh + amount, 0.0), bus.capacity_wh)
        row_wh = charge_wh[first:last]
        found.append(
            TaskStore(bus.name, bus.capacity_wh, level_wh, row_wh, reserve * bus.capacity_wh, limit_w[first:last])
        )
    return tuple(found)


def _recorders(
    setting: Setting, station: StationSlots, fixed: Sequence[Placement], span: tuple[int, int], names: set[str]
) -> tuple[TaskRecorder, ...]:
    """Every recorder that a task fills, less what fixed runs put in."""
    first, last = span
    found = [TaskRecorder(_NO_RECORDER, 1.0)] if _NO_RECORDER in names else []
    for name in sorted(names - {_NO_RECORDER, ""}):
        element = name.removeprefix("recorder of ")
        recorder = station.recorders[element]
        made_bit = recorder.made_bit.copy()
        for row in fixed:
            if row.element == element:
                made_bit += _spread(setting, row) * row.data_bit
        level_bit = float(recorder.level_bit[0])
        for amount in made_bit[:first].tolist():
            level_bit = min(max(level_bit + amount, 0.0), recorder.capacity_bit)
        found.append(TaskRecorder(name, recorder.capacity_bit, level_bit, made_bit[first:last]))
    return tuple(found)


def _shares(
    setting: Setting, limits: Sequence[Limit], fixed: Sequence[Placement], used: set[str]
) -> tuple[TaskShare, ...]:
    """Entitlements that tasks of the problem count under, less what fixed runs use."""
    found = []
    for limit in limits:
        if _key(limit) in used:
            left = max(limit.most - usage_of(limit, fixed), 0.0)
            if limit.resource == "energy":
                found.append(TaskShare(_key(limit), "energy_wh", most=left))
            else:
                slots = math.floor(left * _HOUR_S / setting.slot_s + _EPS)
                found.append(TaskShare(_key(limit), "slots", most=float(slots)))
    return tuple(found)
