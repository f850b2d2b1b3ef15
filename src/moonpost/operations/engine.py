"""A bus run from event to event, and what comes of it as series, events and balances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.operations.balances import DataBalance, HeatBalance, MassBalance
from moonpost.operations.buses import BusEvent, BusFlows
from moonpost.operations.codes import (
    B_FIRST_K,
    B_SUMS,
    BOX,
    BOX_K,
    C_SUPPLY,
    CAPACITY,
    DATA_DARK,
    DATA_LIGHT,
    DO_RUN,
    DROPPED,
    EVENTS,
    H_BROUGHT,
    H_HELD,
    H_REMOVED,
    HELD_BIT,
    HERE,
    MADE,
    N_LAST,
    N_STRETCHES,
    N_WORST,
    RECORDER,
    SENT,
    T_DRAWN,
    T_ELEMENT,
    T_GAINED,
    T_INITIAL,
    T_KG,
    Result,
)
from moonpost.operations.station import StationModel

__all__ = ["arguments", "flows_of", "run_station"]

_Floats = npt.NDArray[np.float64]

_ERROR_K = 1e-3
_WH = 1.0 / 3600.0
_HEATS = ("electric_wh", "heater_wh", "sun_wh", "radioisotope_wh", "mode_wh", "ground_wh", "radiated_wh")
_POWERS = ("supply", "load", "shed", "charged", "discharged", "spilled", "storage_loss")


def run_station(model: StationModel, *, error_k: float = _ERROR_K) -> BusFlows:
    """Run one bus through its period, from event to event.

    Parameters
    ----------
    model : StationModel
        The bus.
    error_k : float
        Estimated error of a box's temperature allowed in a step; the real one is far smaller [K].

    Returns
    -------
    BusFlows

    Raises
    ------
    ModelError
        If rules contradict one another so that events follow without end at one instant.

    Notes
    -----
    The next instant at which anything changes is found in closed form where it follows from straight lines (net
    power, loads shed, data, mass, elevation of the Sun, supply) and from the quadratic of the stored energy (with
    leak: its exponential form, by a bracketed Newton search), and by Newton on the collocation for box
    temperatures. Between two instants everything is integrated exactly or by that collocation.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.buses import arrival_of, groups_at
    >>> from moonpost.operations.station import station_model
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> sun = SimpleNamespace(time=np.datetime64("2019-02-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.full(4, 30.0), distance_m=np.full(4, 1.5e11))
    >>> group = groups_at(plan, "ce4-site")[0][1]
    >>> there = (arrival_of(plan, group.elements[0], sun.time[0], 3600.0, 4),)
    >>> model = station_model(plan, group, there, sun, {1.0: np.ones(4)}, 3600.0)
    >>> run_station(model).shed_w
    array([0., 0., 0., 0.])
    """
    from moonpost.operations.enginekernels import run_bus_events

    found = Result(*run_bus_events(*arguments(model, error_k)))
    if found.now[N_LAST] == 0.0:
        who = ", ".join(arrival.element.id for arrival in model.arrivals)
        raise ModelError(
            f"events follow one another without end at one instant on bus {model.name} ({who})",
            where=model.name,
            advice="look for rules that contradict one another, such as limits that are equal",
        )
    return flows_of(model, found)


def arguments(model: StationModel, error_k: float = _ERROR_K) -> tuple[Any, ...]:
    """What `moonpost.operations.enginekernels.run_bus_events` takes for a bus.

    Parameters
    ----------
    model : StationModel
        The bus.
    error_k : float
        As in `run_station` [K].

    Returns
    -------
    tuple

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    par, forcing = model.par, model.forcing
    talks = par[:, DATA_LIGHT] + par[:, DATA_DARK] + par[:, RECORDER] > 0.0
    talks[model.agenda[model.agenda[:, 1] == DO_RUN, 2].astype(np.int64)] = True
    return (
        model.span_s,
        forcing.edges_s,
        forcing.start,
        forcing.per_s,
        model.agenda,
        par,
        model.bus,
        model.tanks.copy(),
        np.arange(round(model.span_s / model.step_s) + 1) * model.step_s,
        np.flatnonzero(par[:, BOX] > 0.0),
        np.flatnonzero(par[:, RECORDER] > 0.0),
        np.flatnonzero(talks),
        error_k,
    )


def flows_of(model: StationModel, found: Result) -> BusFlows:
    """What a compiled run gave, by name and in units of people.

    Parameters
    ----------
    model : StationModel
        The bus.
    found : Result
        What the run left.

    Returns
    -------
    BusFlows

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    ids = [arrival.element.id for arrival in model.arrivals]
    named = dict(zip(_POWERS, _means(found.bus[:, :7], model.step_s).T, strict=True))
    efficiency = float(model.bus[0])
    whole = {
        name: float(total) * _WH for name, total in zip(_POWERS, found.now[C_SUPPLY : C_SUPPLY + 7], strict=True)
    }
    whole["bus_loss"] = whole["supply"] * (1.0 - efficiency)
    whole["storage_loss"] += float(found.now[H_REMOVED]) * _WH
    element = found.element
    own = _means(element[:, :, :3].reshape(len(element), -1), model.step_s).reshape(-1, len(ids), 3)
    boxed = [ids[e] for e in np.flatnonzero(model.par[:, BOX] > 0.0)]
    recording = [ids[e] for e in np.flatnonzero(model.par[:, RECORDER] > 0.0)]
    return BusFlows(
        name=model.name,
        arrivals=model.arrivals,
        element_supply_w={name: own[:, e, 0] for e, name in enumerate(ids)},
        element_load_w={name: own[:, e, 1] for e, name in enumerate(ids)},
        element_served_w={name: own[:, e, 2] for e, name in enumerate(ids)},
        working={name: element[:-1, e, 3] for e, name in enumerate(ids)},
        supply_w=named["supply"],
        load_w=named["load"],
        shed_w=named["shed"],
        charged_w=named["charged"],
        discharged_w=named["discharged"],
        spilled_w=named["spilled"],
        bus_loss_w=named["supply"] * (1.0 - efficiency),
        storage_loss_w=named["storage_loss"],
        stored_wh=found.bus[:-1, 7] * _WH,
        usable_wh=found.bus[:-1, 8] * _WH,
        final_wh=float(found.now[H_HELD]) * _WH,
        imported_wh=float(found.now[H_BROUGHT]) * _WH,
        total_wh=whole,
        residual_relative=float(found.now[N_WORST]),
        events=_events(model, found.events, ids),
        in_light=found.bus[:-1, 9] > 0.0,
        boxes={
            name: {"box_k": found.box[:-1, b, 0], "heater_w": _means(found.box[:, b, 1:], model.step_s)[:, 0]}
            for b, name in enumerate(boxed)
        },
        recorders={name: _recorder(found.recorder[:, i], model.step_s) for i, name in enumerate(recording)},
        tanks={name: found.tank[:-1, q] for q, name in enumerate(model.tank_names)},
        heats=_heats(model, boxed, found),
        data=_data(ids, found.st),
        masses=_masses(model, found),
        stretches=int(found.now[N_STRETCHES]),
    )


def _means(sums: _Floats, step_s: float) -> _Floats:
    """Means of the steps from sums at their ends."""
    return np.maximum(np.diff(sums, axis=0) / step_s, 0.0)


def _recorder(rows: _Floats, step_s: float) -> Mapping[str, _Floats]:
    rates = _means(rows[:, 1:], step_s)
    return {
        "held_bit": rows[:-1, 0],
        "made_bit_s": rates[:, 0],
        "sent_bit_s": rates[:, 1],
        "lost_bit_s": rates[:, 2],
    }


def _events(model: StationModel, events: _Floats, ids: list[str]) -> tuple[BusEvent, ...]:
    found = []
    for time, code, who, value in events:
        kind = EVENTS[int(code)]
        if kind.startswith("tank"):
            element, _, tank = model.tank_names[int(who)].partition(".")
            found.append(BusEvent(float(time), element, kind, float(value), tank))
        else:
            subject = model.name if who < 0 else ids[int(who)]
            found.append(BusEvent(float(time), subject, kind, float(value)))
    return tuple(found)


def _heats(model: StationModel, boxed: list[str], found: Result) -> tuple[HeatBalance, ...]:
    ids = [arrival.element.id for arrival in model.arrivals]
    rows = []
    for name, box in zip(boxed, found.boxes, strict=False):
        e = ids.index(name)
        first_k, last_k = float(box[B_FIRST_K]), float(found.st[e, BOX_K])
        content = float(model.par[e, CAPACITY]) * last_k * _WH if first_k > 0.0 else 0.0
        parts = dict(zip(_HEATS, (box[B_SUMS : B_SUMS + 7] * _WH).tolist(), strict=True))
        stored = content * (1.0 - first_k / last_k) if content > 0.0 else 0.0
        rows.append(HeatBalance(element=name, stored_wh=stored, content_wh=content, **parts))
    return tuple(rows)


def _data(ids: list[str], state: _Floats) -> tuple[DataBalance, ...]:
    rows = state[:, [MADE, SENT, DROPPED, HELD_BIT]]
    return tuple(DataBalance(name, *map(float, rows[e])) for e, name in enumerate(ids) if rows[e].any())


def _masses(model: StationModel, found: Result) -> tuple[MassBalance, ...]:
    rows = []
    for name, tank in zip(model.tank_names, found.tanks, strict=True):
        element, _, what = name.partition(".")
        brought = float(tank[T_INITIAL]) if found.st[int(tank[T_ELEMENT]), HERE] > 0.0 else 0.0
        rows.append(MassBalance(element, what, brought, *(float(tank[k]) for k in (T_GAINED, T_DRAWN, T_KG))))
    return tuple(rows)
