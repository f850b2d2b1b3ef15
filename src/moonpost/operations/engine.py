"""A bus run from event to event, and what comes of it as series, events and balances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.operations.balances import DataBalance, HeatBalance, MassBalance
from moonpost.operations.buses import BusEvent, BusFlows
from moonpost.operations.codes import EVENTS, PARAMETERS, STATES
from moonpost.operations.station import StationModel

__all__ = ["flows_of", "run_station"]

_ERROR_K = 1e-3
_WH = 1.0 / 3600.0
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

    count = round(model.span_s / model.step_s)
    found = run_bus_events(
        model.span_s,
        model.forcing.edges_s,
        model.forcing.start,
        model.forcing.per_s,
        model.agenda,
        model.par,
        model.chan,
        model.bus,
        model.tanks,
        np.arange(count + 1) * model.step_s,
        error_k,
    )
    if found[10] != 0:
        who = ", ".join(arrival.element.id for arrival in model.arrivals)
        raise ModelError(
            f"events follow one another without end at one instant on bus {model.name} ({who})",
            where=model.name,
            advice="look for rules that contradict one another, such as limits that are equal",
        )
    return flows_of(model, found)


def flows_of(model: StationModel, found: Any) -> BusFlows:
    """What a compiled run gave, by name and in units of people.

    Parameters
    ----------
    model : StationModel
        The bus.
    found : tuple
        What `moonpost.operations.enginekernels.run_bus_events` returned.

    Returns
    -------
    BusFlows

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    bus, elements, boxes, recorders, tanks, events, totals, heat, state, mass, _, stretches = found
    ids = [arrival.element.id for arrival in model.arrivals]
    powers = _means(bus[:, :7], model.step_s)
    named = dict(zip(_POWERS, powers.T, strict=True))
    efficiency = float(model.bus[0])
    whole = {name: float(total) * _WH for name, total in zip(_POWERS, totals[:7], strict=True)}
    whole["bus_loss"] = whole["supply"] * (1.0 - efficiency)
    whole["storage_loss"] += float(totals[9]) * _WH
    own = _means(elements[:, :, :3].reshape(len(elements), -1), model.step_s).reshape(-1, len(ids), 3)
    column = {name: k for k, name in enumerate(PARAMETERS)}
    boxed = [ids[e] for e in np.flatnonzero(model.par[:, column["box"]] > 0.0)]
    recording = [ids[e] for e in np.flatnonzero(model.par[:, column["recorder"]] > 0.0)]
    return BusFlows(
        name=model.name,
        arrivals=model.arrivals,
        element_supply_w={name: own[:, e, 0] for e, name in enumerate(ids)},
        element_load_w={name: own[:, e, 1] for e, name in enumerate(ids)},
        element_served_w={name: own[:, e, 2] for e, name in enumerate(ids)},
        working={name: elements[:-1, e, 3] for e, name in enumerate(ids)},
        supply_w=named["supply"],
        load_w=named["load"],
        shed_w=named["shed"],
        charged_w=named["charged"],
        discharged_w=named["discharged"],
        spilled_w=named["spilled"],
        bus_loss_w=named["supply"] * (1.0 - efficiency),
        storage_loss_w=named["storage_loss"],
        stored_wh=bus[:-1, 7] * _WH,
        usable_wh=bus[:-1, 8] * _WH,
        final_wh=float(totals[7]) * _WH,
        imported_wh=float(totals[8]) * _WH,
        total_wh=whole,
        residual_relative=float(totals[10]),
        events=_events(model, events, ids),
        in_light=bus[:-1, 9] > 0.0,
        boxes={
            name: {"box_k": boxes[:-1, b, 0], "heater_w": _means(boxes[:, b, 1:], model.step_s)[:, 0]}
            for b, name in enumerate(boxed)
        },
        recorders={name: _recorder(recorders[:, i], model.step_s) for i, name in enumerate(recording)},
        tanks={name: tanks[:-1, q] for q, name in enumerate(model.tank_names)},
        heats=_heats(model, boxed, heat, state),
        data=_data(ids, state),
        masses=_masses(model, mass, state),
        stretches=int(stretches),
    )


def _means(sums: npt.NDArray[np.float64], step_s: float) -> npt.NDArray[np.float64]:
    """Means of the steps from sums at their ends."""
    return np.maximum(np.diff(sums, axis=0) / step_s, 0.0)


def _recorder(rows: npt.NDArray[np.float64], step_s: float) -> Mapping[str, npt.NDArray[np.float64]]:
    rates = _means(rows[:, 1:], step_s)
    return {
        "held_bit": rows[:-1, 0],
        "made_bit_s": rates[:, 0],
        "sent_bit_s": rates[:, 1],
        "lost_bit_s": rates[:, 2],
    }


def _events(model: StationModel, events: npt.NDArray[np.float64], ids: list[str]) -> tuple[BusEvent, ...]:
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


def _heats(
    model: StationModel, boxed: list[str], heat: npt.NDArray[np.float64], state: npt.NDArray[np.float64]
) -> tuple[HeatBalance, ...]:
    ids = [arrival.element.id for arrival in model.arrivals]
    found = []
    for b, name in enumerate(boxed):
        e = ids.index(name)
        end_k, capacity = state[e, STATES.index("box_k")], model.par[e, PARAMETERS.index("capacity")]
        stored = capacity * (end_k - heat[b, 7]) if heat[b, 7] > 0.0 else 0.0
        found.append(HeatBalance(name, *(float(part) * _WH for part in heat[b, :7]), float(stored) * _WH))
    return tuple(found)


def _data(ids: list[str], state: npt.NDArray[np.float64]) -> tuple[DataBalance, ...]:
    columns = [STATES.index(name) for name in ("made", "sent", "dropped", "held_bit")]
    rows = state[:, columns]
    return tuple(DataBalance(name, *map(float, rows[e])) for e, name in enumerate(ids) if rows[e].any())


def _masses(
    model: StationModel, mass: npt.NDArray[np.float64], state: npt.NDArray[np.float64]
) -> tuple[MassBalance, ...]:
    found = []
    for q, name in enumerate(model.tank_names):
        element, _, tank = name.partition(".")
        here = state[int(model.tanks[q, 0]), STATES.index("here")] > 0.0
        brought = float(model.tanks[q, 2]) if here else 0.0
        found.append(MassBalance(element, tank, brought, *(float(part) for part in mass[q])))
    return tuple(found)
