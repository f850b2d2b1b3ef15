"""Equipment in steady balance: temperatures, and the power that thermostats need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.thermal.network import Network
from moonpost.thermal.networkarrays import Floats, NetworkArrays, steps_of

__all__ = ["NetworkBalance", "network_balance"]


@dataclass(frozen=True)
class NetworkBalance:
    """A network in steady balance.

    Parameters
    ----------
    temperature_k : dict of str to float
        By node [K].
    heater_w : dict of str to float
        Mean power that the thermostats need, by node [W].
    closed : tuple of str
        Heat switches that are closed.
    short : tuple of str
        Nodes whose heater is too weak to hold its threshold.
    """

    temperature_k: dict[str, float]
    heater_w: dict[str, float]
    closed: tuple[str, ...]
    short: tuple[str, ...]


def network_balance(
    network: Network,
    ground_k: float,
    *,
    sunlight_w_m2: Mapping[str, float] | None = None,
    dissipation_w: Mapping[str, float] | None = None,
    heaters: Literal["hold", "off", "on"] = "hold",
) -> NetworkBalance:
    """Find the steady temperatures of equipment.

    Parameters
    ----------
    network : Network
        The equipment.
    ground_k : float
        Temperature of the lunar surface [K].
    sunlight_w_m2 : mapping of str to float, optional
        Sunlight on surfaces and blankets by name, the incidence included [W/m2].
    dissipation_w : mapping of str to float, optional
        Heat of devices by node [W].
    heaters : {"hold", "off", "on"}
        Whether thermostats hold their lower threshold with the mean power that this takes, or heaters stay off or
        on.

    Returns
    -------
    NetworkBalance
        Temperatures, heater power, states.

    Raises
    ------
    InputError
        If a name is not known or a value out of range.
    ModelError
        If there is no balance, as with a heat switch that neither state can hold.

    Notes
    -----
    Newton's method on the heat into each node. A switch between its thresholds stays as it was in the iteration,
    which begins with all open.

    Examples
    --------
    >>> from moonpost.thermal.network import Node, Surface
    >>> plate = Network([Node("plate", 1e3)], surfaces=[Surface("face", "plate", 1.0, 1.0)])
    >>> found = network_balance(plate, 100.0, dissipation_w={"plate": 5.670374419})
    >>> round(found.temperature_k["plate"], 3)
    100.0
    """
    arrays = NetworkArrays(network)
    ground = steps_of(ground_k, 1, "ground_k", lowest=0.0)
    given = arrays.given(ground, sunlight_w_m2 or {}, dissipation_w or {}, 1.0, 1)[0]
    power = np.array([h.power_w if heaters == "on" else 0.0 for h in network.heaters])
    found = settled(arrays, ground, given, power, heaters == "hold")
    if not found.agreed:
        raise ModelError(
            "no state of heaters and switches holds", where="network_balance", advice="simulate it through time"
        )
    t, needed, power, closed = found.t, found.needed, found.power, found.closed
    watts = [needed.get(k, power[k]) for k in range(len(network.heaters))]
    return NetworkBalance(
        temperature_k={name: float(value) for name, value in zip(arrays.names, t, strict=True)},
        heater_w={heater.node: float(watts[k]) for k, heater in enumerate(network.heaters)},
        closed=tuple(s.name for s, shut in zip(network.switches, closed, strict=True) if shut),
        short=tuple(
            h.node
            for k, h in enumerate(network.heaters)
            if heaters == "hold" and t[arrays.index[h.node]] < h.on_below_k - 1e-6
        ),
    )


@dataclass(frozen=True, eq=False)
class Settled:
    """A balance with the states that it was found with, and whether they agree with it."""

    t: Floats
    needed: dict[int, float]
    power: Floats
    closed: npt.NDArray[np.bool_]
    agreed: bool


def settled(arrays: NetworkArrays, ground: Floats, given: Floats, power: Floats, hold: bool) -> Settled:
    """Change states until they agree with the temperatures, or come round again."""
    held: dict[int, float] = {}
    closed = np.zeros(len(arrays.network.switches), dtype=bool)
    seen: set[tuple[Any, ...]] = set()
    while True:
        seen.add((tuple(held), tuple(power), tuple(closed)))
        t, needed = newton(arrays, ground, given, held, power, closed)
        following = _next_state(arrays, t, needed, held, power, closed, hold)
        if following is None:
            return Settled(t, needed, power, closed, True)
        held, power, closed = following
        if (tuple(held), tuple(power), tuple(closed)) in seen:
            # A switch that cycles keeps its sensor between its thresholds.
            switches = arrays.network.switches
            middle = {arrays.index[s.sensor]: 0.5 * (s.open_below_k + s.close_above_k) for s in switches}
            t, needed = newton(arrays, ground, given, {}, power, closed, middle)
            return Settled(t, needed, power, closed, False)


def _next_state(
    arrays: NetworkArrays,
    t: Floats,
    needed: dict[int, float],
    held: dict[int, float],
    power: Floats,
    closed: npt.NDArray[np.bool_],
    hold: bool,
) -> tuple[dict[int, float], Floats, npt.NDArray[np.bool_]] | None:
    """What has to change for thermostats and switches to agree with the temperatures; None if nothing."""
    network, index = arrays.network, arrays.index
    for k, switch in enumerate(network.switches):
        value = t[index[switch.sensor]]
        wanted = value > switch.close_above_k if not closed[k] else value >= switch.open_below_k
        if wanted != closed[k]:
            changed = closed.copy()
            changed[k] = wanted
            return held, power, changed
    for k, heater in enumerate(network.heaters) if hold else ():
        value = t[index[heater.node]]
        if k in held and needed[k] > heater.power_w:
            full = power.copy()
            full[k] = heater.power_w
            return {i: v for i, v in held.items() if i != k}, full, closed
        if k in held and needed[k] < 0.0:
            return {i: v for i, v in held.items() if i != k}, power, closed
        if k not in held and power[k] == 0.0 and value < heater.on_below_k - 1e-9:
            return {**held, k: heater.on_below_k}, power, closed
    return None


def newton(
    arrays: NetworkArrays,
    ground: Floats,
    given: Floats,
    held: dict[int, float],
    power: Floats,
    closed: npt.NDArray[np.bool_],
    fixed: Mapping[int, float] | None = None,
) -> tuple[Floats, dict[int, float]]:
    """Balance with some nodes held at a temperature by heaters, or fixed; the power that heaters take for it."""
    from moonpost.thermal.networkkernels import balance

    network, n = arrays.network, len(arrays.names)
    total, linear = given.copy(), arrays.linear.copy()
    for k, heater in enumerate(network.heaters):
        total[arrays.index[heater.node]] += power[k]
    for k, switch in enumerate(network.switches):
        linear[len(network.all_links) + k] = switch.closed_w_k if closed[k] else switch.open_w_k
    nodes = {**(fixed or {}), **{arrays.index[network.heaters[k].node]: value for k, value in held.items()}}
    t, net, slope = np.full(n, 280.0), np.empty(n), np.empty((n, n))
    for i, value in nodes.items():
        t[i] = value
    for _ in range(400):
        balance(t, ground, total, arrays.emitted, arrays.ends, linear, arrays.radiative, net, slope)
        right, matrix = net.copy(), -slope
        for i in nodes:
            right[i], matrix[i] = 0.0, np.eye(n)[i]
        try:
            moved = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError as error:
            raise ModelError(
                "heat has nowhere to go", where="network_balance", advice="check the links"
            ) from error
        moved = np.clip(moved, -0.5 * t, np.maximum(t, 50.0))
        t += moved
        if np.abs(moved).max() < 1e-10 * max(1.0, float(t.max())):
            break
    else:
        raise ModelError("no balance found", where="network_balance", advice="check heat and conductances")
    balance(t, ground, total, arrays.emitted, arrays.ends, linear, arrays.radiative, net, slope)
    return t, {k: float(-net[arrays.index[network.heaters[k].node]]) for k in held}
