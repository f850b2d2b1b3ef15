"""Temperatures of equipment through time, with thermostats, heat switches and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.thermal.network import GROUND, Network
from moonpost.thermal.networkarrays import LIMIT, Floats, NetworkArrays, Series
from moonpost.thermal.networkbalance import settled

__all__ = ["NetworkRun", "ThermalEvent", "simulate_network"]


@dataclass(frozen=True)
class ThermalEvent:
    """Something that happened at an instant.

    Parameters
    ----------
    time_s : float
        Seconds from the start.
    kind : str
        `heater`, `switch`, `operate` or `survive`.
    name : str
        Of the heater or switch, or of the node whose limit it is.
    what : str
        `on`, `off`, `closed`, `open`; `too cold`, `too warm`, `within`.
    """

    time_s: float
    kind: str
    name: str
    what: str


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """Temperatures of a network through time.

    Parameters
    ----------
    time_s : ndarray, shape (steps,)
        Ends of the steps from the start [s].
    nodes : tuple of str
        Names of the nodes.
    temperature_k : ndarray, shape (steps, nodes)
        At the ends of the steps [K].
    heaters : tuple of str
        Nodes with heaters.
    heater_w : ndarray, shape (steps, heaters)
        Mean power of the heaters [W].
    given_w : ndarray, shape (steps,)
        Mean heat that came in besides heaters: sunlight, infrared of the ground and sky, dissipation, sources [W].
    emitted_w, linked_w : ndarray, shape (steps,)
        Mean heat sent out by surfaces, and led to the ground by links [W].
    stored_w : ndarray, shape (steps,)
        Mean rate of storage [W].
    residual_relative : float
        Largest heat that a step loses or makes, over what came in during it.
    total_residual_relative : float
        The same for the whole run.
    events : tuple of ThermalEvent
        In order of time.
    """

    time_s: Floats
    nodes: tuple[str, ...]
    temperature_k: Floats
    heaters: tuple[str, ...]
    heater_w: Floats
    given_w: Floats
    emitted_w: Floats
    linked_w: Floats
    stored_w: Floats
    residual_relative: float
    total_residual_relative: float
    events: tuple[ThermalEvent, ...]

    def of(self, node: str) -> Floats:
        """Temperatures of one node.

        Parameters
        ----------
        node : str
            Its name.

        Returns
        -------
        ndarray, shape (steps,)
            [K].

        Raises
        ------
        InputError
            If there is no such node.
        """
        if node not in self.nodes:
            raise InputError(
                f"there is no node {node!r}", where="node", advice=f"name one of {', '.join(self.nodes)}"
            )
        return np.asarray(self.temperature_k[:, self.nodes.index(node)])

    def to_dict(self) -> dict[str, Any]:
        """Key numbers, for JSON.

        Returns
        -------
        dict
            Extremes and means of nodes, energy and duty of heaters, events counted, limits broken, residual.
        """
        step_s = float(self.time_s[0])
        broken = [e for e in self.events if e.kind in ("operate", "survive") and e.what != "within"]
        counted: dict[str, int] = {}
        for event in self.events:
            counted[event.kind] = counted.get(event.kind, 0) + 1
        return {
            "nodes": {
                name: {
                    "min_k": round(float(values.min()), 3),
                    "max_k": round(float(values.max()), 3),
                    "mean_k": round(float(values.mean()), 3),
                }
                for name, values in zip(self.nodes, self.temperature_k.T, strict=True)
            },
            "heaters": {
                name: {"energy_wh": round(float(values.sum()) * step_s / 3600.0, 3), "peak_w": float(values.max())}
                for name, values in zip(self.heaters, self.heater_w.T, strict=True)
            },
            "events": counted,
            "limits_broken": [
                {"time_s": round(e.time_s, 1), "limit": e.kind, "node": e.name, "what": e.what} for e in broken
            ],
            "residual_relative": self.residual_relative,
            "total_residual_relative": self.total_residual_relative,
        }


def simulate_network(
    network: Network,
    step_s: float,
    ground_k: npt.ArrayLike,
    *,
    sunlight_w_m2: Series | None = None,
    dissipation_w: Series | None = None,
    start_k: float | Mapping[str, float] | None = None,
    longest_s: float = 300.0,
    most_events: int = 200_000,
) -> NetworkRun:
    """Follow the temperatures of equipment through time.

    Parameters
    ----------
    network : Network
        The equipment.
    step_s : float
        Spacing of the input [s], which is constant within a step.
    ground_k : array_like, shape (steps,)
        Temperature of the lunar surface [K].
    sunlight_w_m2 : mapping of str to array_like, optional
        Sunlight on surfaces and blankets by name, the incidence included [W/m2]; a number or one per step.
    dissipation_w : mapping of str to array_like, optional
        Heat of devices by node [W].
    start_k : float or mapping of str to float, optional
        Temperatures at the start [K]; the steady balance under the mean input, with thermostats holding, if not
        given.
    longest_s : float
        Longest step of the method [s]; steps are cut short at each switching.
    most_events : int
        Largest number of events.

    Returns
    -------
    NetworkRun
        Temperatures, powers, heat balance, events.

    Raises
    ------
    InputError
        If a series does not fit, holds NaN, or a name is not known.
    ModelError
        If a step does not converge, or there are more events than allowed.

    Notes
    -----
    C dT/dt = given - emissivity sigma area T^4 (sky and ground) - links, by a method of two implicit stages, of
    second order and stable for nodes of any size (Alexander). A node without capacity is in balance in each
    stage. Thermostats, heat switches and limits are crossed within 0.01 s. What surfaces get from the ground is
    its emissivity times sigma T^4; light that the ground scatters is to be added to their sunlight.

    References
    ----------
    Alexander, R. (1977), Diagonally implicit Runge-Kutta methods for stiff O.D.E.'s, SIAM J. Numer. Anal. 14,
    1006-1021, doi:10.1137/0714068.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.thermal.network import Heater, Node, Surface
    >>> box = Network(
    ...     [Node("box", 2e4, operate_k=(263.0, 313.0))],
    ...     surfaces=[Surface("lid", "box", 0.02, 0.8)],
    ...     heaters=[Heater("box", 10.0, on_below_k=268.0, off_above_k=273.0)],
    ... )
    >>> night = simulate_network(box, 3600.0, np.full(240, 100.0), start_k=290.0)
    >>> bool(267.9 < night.of("box").min() < 268.6), night.residual_relative < 1e-9
    (True, True)
    """
    from moonpost.thermal.networkkernels import run

    arrays = NetworkArrays(network)
    ground = np.atleast_1d(np.asarray(ground_k, dtype=np.float64))
    if ground.ndim != 1 or not np.isfinite(ground).all() or (ground < 0.0).any() or not ground.size:
        raise InputError("not a series of temperatures", where="ground_k", advice="give one per step [K]")
    for name, value in (("step_s", step_s), ("longest_s", longest_s)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"{value!r}", where=name, advice="give seconds above 0")
    steps, n = len(ground), len(arrays.names)
    given = arrays.given(ground, sunlight_w_m2 or {}, dissipation_w or {}, step_s, steps)
    start = _start(arrays, ground, given, start_k)
    state = arrays.states(start)
    first = [(0.0, k) for k in np.flatnonzero(state) if arrays.watch[k, 2] == LIMIT]
    series, heaters = np.empty((steps, n)), np.empty((steps, len(state)))
    fluxes, events = np.empty((steps, 3)), np.empty((most_events, 3))
    count, fault = run(
        float(step_s),
        float(longest_s),
        start,
        arrays.capacity,
        ground[:, None].copy(),
        given,
        arrays.emitted,
        arrays.ends,
        arrays.linear,
        arrays.radiative,
        arrays.watch,
        arrays.low,
        arrays.high,
        arrays.effect,
        state,
        series,
        heaters,
        fluxes,
        events,
    )
    if fault == 1:
        raise ModelError("a step did not converge", where="simulate_network", advice="shorten longest_s")
    if fault == 2:
        raise ModelError(
            f"more than {most_events} events",
            where="simulate_network",
            advice="widen the hysteresis of thermostats, or allow more",
        )
    powered = len(network.heaters)
    told = [(time, arrays.told[k], 1) for time, k in first]
    told += [(float(time), arrays.told[int(k)], int(on)) for time, k, on in events[:count]]
    came = given.sum(axis=1) + heaters[:, :powered].sum(axis=1)
    stored = came - fluxes[:, 0] - fluxes[:, 1] - fluxes[:, 2]
    passed = fluxes[:, 0] + np.abs(fluxes[:, 1])
    scale = np.maximum(np.abs(given).sum(axis=1) + heaters[:, :powered].sum(axis=1), passed) + 1e-9
    return NetworkRun(
        time_s=np.asarray((np.arange(steps) + 1.0) * step_s, dtype=np.float64),
        nodes=arrays.names,
        temperature_k=series,
        heaters=tuple(heater.node for heater in network.heaters),
        heater_w=heaters[:, :powered].copy(),
        given_w=given.sum(axis=1),
        emitted_w=fluxes[:, 0].copy(),
        linked_w=fluxes[:, 1].copy(),
        stored_w=stored,
        residual_relative=float((np.abs(fluxes[:, 2]) / scale).max()),
        total_residual_relative=_total_residual(arrays, start, series[-1], came, fluxes, scale, step_s),
        events=tuple(ThermalEvent(time, t[0], t[1], t[3] if on else t[2]) for time, t, on in told),
    )


def _total_residual(
    arrays: NetworkArrays, start: Floats, end: Floats, came: Floats, fluxes: Floats, scale: Floats, step_s: float
) -> float:
    """Heat lost over the run by contents at its two ends, over what came in."""
    kept = float((arrays.capacity * (end - start)).sum())
    passed = float((came - fluxes[:, 0] - fluxes[:, 1]).sum()) * step_s
    return abs(passed - kept) / (float(scale.sum()) * step_s)


def _start(
    arrays: NetworkArrays, ground: Floats, given: Floats, start_k: float | Mapping[str, float] | None
) -> Floats:
    """Temperatures at the start."""
    n = len(arrays.names)
    if start_k is None or isinstance(start_k, Mapping):
        # Where a switch cycles no state agrees; any of those it passes through will do.
        off = np.zeros(len(arrays.network.heaters))
        start = settled(arrays, np.array([ground.mean()]), given.mean(axis=0), off, True).t.copy()
    else:
        start = np.full(n, float(start_k))
    for name, value in (start_k if isinstance(start_k, Mapping) else {}).items():
        if name not in arrays.index or name == GROUND:
            raise InputError(
                f"there is no node {name!r}", where="start_k", advice=f"name {', '.join(arrays.names)}"
            )
        start[arrays.index[name]] = float(value)
    if not (np.isfinite(start).all() and (start > 0.0).all()):
        raise InputError("not temperatures above 0 K", where="start_k", advice="give K")
    return start
