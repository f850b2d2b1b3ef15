"""A network of thermal nodes as arrays, for the kernels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.thermal.network import GROUND, HeatSwitch, Network, ThermalLink

__all__: list[str] = []

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Series = Mapping[str, npt.ArrayLike]

_SIGMA = 5.670374419e-8
_SKY_K = 2.725
HEATER, SWITCH, LIMIT = 0, 1, 2


class NetworkArrays:
    """A network as the kernel takes it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.names = network.names
        index = {name: i for i, name in enumerate(self.names)}
        index[GROUND] = len(self.names)
        self.index = index
        self.capacity = np.array([float(node.capacity_j_k) for node in network.all_nodes])
        links, switches = network.all_links, network.switches
        ways: tuple[ThermalLink | HeatSwitch, ...] = (*links, *switches)
        self.ends = np.array([(index[k.first], index[k.second]) for k in ways], dtype=np.int64).reshape(-1, 2)
        self.linear = np.array([float(k.conductance_w_k) for k in links] + [float(k.open_w_k) for k in switches])
        self.radiative = _SIGMA * np.array([float(k.radiative_m2) for k in links] + [0.0] * len(switches))
        self.emitted = np.zeros(len(self.names))
        for surface in network.all_surfaces:
            seen = (surface.sky_view + surface.ground_view) * surface.optics[1] * surface.area_m2
            self.emitted[index[surface.node]] += _SIGMA * seen
        self._watches()

    def _watches(self) -> None:
        """Thermostats, heat switches and limits."""
        network, index = self.network, self.index
        rows: list[tuple[int, int, int, int]] = []
        bounds: list[tuple[float, float, float]] = []
        self.told: list[tuple[str, str, str, str]] = []
        for heater in network.heaters:
            rows.append((index[heater.node], 1, HEATER, -1))
            bounds.append((heater.on_below_k, heater.off_above_k, heater.power_w))
            self.told.append(("heater", heater.node, "off", "on"))
        for k, switch in enumerate(network.switches):
            rows.append((index[switch.sensor], -1, SWITCH, len(network.all_links) + k))
            bounds.append((switch.open_below_k, switch.close_above_k, switch.closed_w_k - switch.open_w_k))
            self.told.append(("switch", switch.name, "open", "closed"))
        for node in network.all_nodes:
            for kind, pair in (("operate", node.operate_k), ("survive", node.survive_k)):
                for side, sense, what in ((0, 1, "too cold"), (1, -1, "too warm")) if pair else ():
                    assert pair is not None
                    rows.append((index[node.name], sense, LIMIT, -1))
                    bounds.append((pair[side], pair[side], 0.0))
                    self.told.append((kind, node.name, "within", what))
        self.watch = np.array(rows, dtype=np.int64).reshape(-1, 4)
        low, high, effect = np.array(bounds, dtype=float).reshape(-1, 3).T
        self.low, self.high, self.effect = (np.ascontiguousarray(part) for part in (low, high, effect))

    def states(self, t: Floats) -> Ints:
        """States of all watches at a start."""
        value = t[self.watch[:, 0]]
        cold = self.watch[:, 1] > 0
        return np.where(cold, value < self.low, value > self.high).astype(np.int64)

    def given(self, ground_k: Floats, sunlight: Series, dissipation: Series, step_s: float, steps: int) -> Floats:
        """Heat given to nodes in each step, shape (steps, nodes)."""
        out = np.zeros((steps, len(self.names)))
        warm = self.network.ground_emissivity * ground_k**4
        surfaces = {surface.name: surface for surface in self.network.all_surfaces}
        for surface in surfaces.values():
            received = surface.ground_view * warm + surface.sky_view * _SKY_K**4
            out[:, self.index[surface.node]] += _SIGMA * surface.optics[1] * surface.area_m2 * received
        for name, series in sunlight.items():
            if name not in surfaces:
                raise InputError(
                    f"there is no surface {name!r}",
                    where="sunlight_w_m2",
                    advice=f"name one of {', '.join(surfaces) or 'none'}",
                )
            surface = surfaces[name]
            flux = steps_of(series, steps, f"sunlight_w_m2[{name}]", lowest=0.0)
            out[:, self.index[surface.node]] += flux * surface.optics[0] * surface.area_m2
        for name, series in dissipation.items():
            if name not in self.index or name == GROUND:
                raise InputError(
                    f"there is no node {name!r}",
                    where="dissipation_w",
                    advice=f"name one of {', '.join(self.names)}",
                )
            out[:, self.index[name]] += steps_of(series, steps, f"dissipation_w[{name}]")
        for source in self.network.sources:
            out[:, self.index[source.node]] += source.mean_w(np.arange(steps) * step_s, step_s)
        return out


def steps_of(series: npt.ArrayLike, steps: int, where: str, lowest: float = -np.inf) -> Floats:
    """One number per step, checked."""
    try:
        values = np.broadcast_to(np.asarray(series, dtype=np.float64), (steps,))
    except (TypeError, ValueError) as error:
        raise InputError(f"not a number or {steps} numbers", where=where, advice="give one per step") from error
    if not np.isfinite(values).all() or (values < lowest).any():
        raise InputError("NaN, infinite or negative", where=where, advice="check the series")
    return values
