"""The simulation's models by fixed steps, to compare the event-driven run with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.buses import BusEvent
from moonpost.operations.codes import (
    C_ASKED,
    C_LOSS,
    C_SHED,
    C_SPILLED,
    C_SUPPLY,
    DROPPED,
    EVENTS,
    H_HELD,
    H_REMOVED,
    MADE,
    SENT,
    T_DRAWN,
    T_GAINED,
)
from moonpost.operations.engine import arguments
from moonpost.operations.station import StationModel

__all__ = ["SteppedRun", "run_stepped"]

_WH = 1.0 / 3600.0


@dataclass(frozen=True)
class SteppedRun:
    """What a bus did by fixed steps, in sums.

    Parameters
    ----------
    energy_wh : mapping of str to float
        Supply, load, shed, spilled, storage loss and stored energy [Wh].
    heat_wh : mapping of str to tuple of three float
        By machine with a box: what the heater gave, all that came in but from the ground, all that went out [Wh].
    data_bit : mapping of str to tuple of three float
        By machine: made, sent, lost [bit].
    mass_kg : mapping of str to tuple of two float
        By tank: gained, drawn [kg].
    events : tuple of BusEvent
        What happened, at the starts of the steps in which it was noticed.

    Examples
    --------
    >>> SteppedRun({"supply": 1.0}, {}, {}, {}, ()).energy_wh["supply"]
    1.0
    """

    energy_wh: dict[str, float]
    heat_wh: dict[str, tuple[float, ...]]
    data_bit: dict[str, tuple[float, ...]]
    mass_kg: dict[str, tuple[float, ...]]
    events: tuple[BusEvent, ...]


def run_stepped(model: StationModel, step_s: float = 60.0) -> SteppedRun:
    """Run one bus by fixed steps.

    Parameters
    ----------
    model : StationModel
        The bus, from `moonpost.operations.simulation.station_models`.
    step_s : float
        Length of a step; a sample of what drives the bus has to hold a whole number of them [s].

    Returns
    -------
    SteppedRun

    Raises
    ------
    InputError
        If the step does not divide the samples.

    Notes
    -----
    Rules are looked at once in each step; the store is clipped, boxes step by Heun's method. What drives it is
    not thinned.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.simulation import station_models
    >>> from moonpost.plan import load_plan
    >>> sun = SimpleNamespace(time=np.datetime64("2019-02-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.full(4, 30.0), distance_m=np.full(4, 1.5e11))
    >>> models, _, _ = station_models(load_plan("ilrs"), sun, {1.0: np.ones(4), 2.0: np.ones(4)},
    ...     site="ce4-site")
    >>> run_stepped(models[0]).energy_wh["shed"]
    0.0
    """
    parts = model.step_s / step_s if step_s > 0 else 0.0
    if not (parts >= 1.0 and abs(parts - round(parts)) < 1e-9):
        raise InputError(
            f"is {step_s}", where="step_s", advice=f"use a step that divides the sample of {model.step_s:g} s"
        )
    from moonpost.operations.steppedkernels import run_bus_steps

    given = arguments(model)
    boxed, talks = given[9], given[11]
    means = model.raw_means if len(model.raw_means) else np.zeros((1, round(model.span_s / model.step_s)))
    now, state, heat, tanks, events = run_bus_steps(
        model.span_s, step_s, model.step_s, means, model.raw_points, model.agenda, model.par, model.bus,
        model.tanks.copy(), boxed, talks,
    )  # fmt: skip
    ids = [arrival.element.id for arrival in model.arrivals]
    columns = {"supply": C_SUPPLY, "load": C_ASKED, "shed": C_SHED, "spilled": C_SPILLED, "stored": H_HELD}
    energy = {name: float(now[column]) * _WH for name, column in columns.items()}
    energy["storage_loss"] = float(now[C_LOSS] + now[H_REMOVED]) * _WH
    return SteppedRun(
        energy_wh=energy,
        heat_wh={ids[e]: tuple((heat[b] * _WH).tolist()) for b, e in enumerate(boxed)},
        data_bit={ids[e]: tuple(state[e, [MADE, SENT, DROPPED]].tolist()) for e in talks},
        mass_kg={
            name: (float(row[T_GAINED]), float(row[T_DRAWN]))
            for name, row in zip(model.tank_names, tanks, strict=True)
        },
        events=_told(model, events, ids),
    )


def _told(model: StationModel, events: npt.NDArray[np.float64], ids: list[str]) -> tuple[BusEvent, ...]:
    found = []
    for time, code, who, value in events:
        kind = EVENTS[int(code)]
        tank = kind.startswith("tank")
        subject = model.name if who < 0 else model.tank_names[int(who)] if tank else ids[int(who)]
        found.append(BusEvent(float(time), subject.split(".")[0], kind, float(value), subject if tank else ""))
    return tuple(found)
