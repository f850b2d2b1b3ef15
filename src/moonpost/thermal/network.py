"""A network of thermal nodes: what equipment is made of, how it holds heat and where it loses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = [
    "PLUTONIUM_HALF_LIFE_S",
    "Blanket",
    "HeatSource",
    "HeatSwitch",
    "Heater",
    "Network",
    "Node",
    "Surface",
    "ThermalLink",
]

Floats = npt.NDArray[np.float64]

PLUTONIUM_HALF_LIFE_S = 87.7 * 365.25 * 86400.0
"""Half-life of plutonium-238, 87.7 years [s]."""

GROUND = "ground"
"""Name of the boundary that is the lunar surface."""

_DUST_ABSORPTIVITY, _DUST_EMISSIVITY = 0.88, 0.95


def _check(good: bool, name: str, message: str, advice: str) -> None:
    """Refuse a part that cannot be."""
    if not good:
        raise InputError(message, where=name, advice=advice)


def _limits(pair: tuple[float, float] | None, name: str) -> None:
    """Check a pair of temperatures."""
    if pair is not None:
        _check(
            len(pair) == 2 and 0.0 <= pair[0] < pair[1] < np.inf,
            name,
            f"{pair!r} are no limits",
            "give the lower and the upper temperature [K]",
        )


@dataclass(frozen=True)
class Node:
    """Something of one temperature.

    Parameters
    ----------
    name : str
        Its name, unique in the network.
    capacity_j_k : float
        Heat capacity [J/K]; 0 for something that is always in balance, such as the outer layer of a blanket.
    operate_k, survive_k : tuple of two floats, optional
        Lower and upper limit while in use, and beyond which it is lost [K].

    Raises
    ------
    InputError
        If a value is out of range.

    Examples
    --------
    >>> Node("battery", 9000.0, operate_k=(273.0, 303.0)).capacity_j_k
    9000.0
    """

    name: str
    capacity_j_k: float
    operate_k: tuple[float, float] | None = None
    survive_k: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check(bool(self.name), "node", "has no name", "name it")
        _check(0.0 <= self.capacity_j_k < np.inf, self.name, "capacity is not 0 or more", "give J/K")
        _limits(self.operate_k, f"{self.name}.operate_k")
        _limits(self.survive_k, f"{self.name}.survive_k")


@dataclass(frozen=True)
class ThermalLink:
    """A way for heat between two nodes, or a node and a boundary.

    Parameters
    ----------
    first, second : str
        Names; `"ground"` is the lunar surface.
    conductance_w_k : float
        By conduction [W/K].
    radiative_m2 : float
        By radiation: emittance times area times view factor [m2].
    """

    first: str
    second: str
    conductance_w_k: float = 0.0
    radiative_m2: float = 0.0

    def __post_init__(self) -> None:
        where = f"{self.first} - {self.second}"
        _check(self.first != self.second, where, "joins a node to itself", "name two nodes")
        good = 0.0 <= self.conductance_w_k < np.inf and 0.0 <= self.radiative_m2 < np.inf
        _check(good, where, "is not 0 or more", "give W/K and m2")


@dataclass(frozen=True)
class HeatSwitch:
    """A link that conducts when a node is warm and insulates when it is cold.

    Parameters
    ----------
    first, second : str
        Names of what it joins.
    closed_w_k, open_w_k : float
        Conductance closed and open [W/K].
    sensor : str
        Node whose temperature moves it.
    close_above_k, open_below_k : float
        Temperatures at which it closes and opens [K].

    Notes
    -----
    As a thermal switch, a variable loop heat pipe or a paraffin actuator does. A name is not needed: it is called
    after what it joins.
    """

    first: str
    second: str
    closed_w_k: float
    open_w_k: float
    sensor: str
    close_above_k: float
    open_below_k: float

    def __post_init__(self) -> None:
        good = 0.0 <= self.open_w_k < self.closed_w_k < np.inf
        _check(good, self.name, "conducts no more closed than open", "give W/K")
        good = 0.0 < self.open_below_k < self.close_above_k < np.inf
        _check(good, self.name, "thresholds without hysteresis", "open below the temperature at which it closes")

    @property
    def name(self) -> str:
        """What events call it."""
        return f"switch {self.first} - {self.second}"


@dataclass(frozen=True)
class Heater:
    """An electric heater with a thermostat.

    Parameters
    ----------
    node : str
        Node that it heats and whose temperature it senses.
    power_w : float
        Power when on [W].
    on_below_k, off_above_k : float
        Temperatures at which it comes on and goes off [K].
    """

    node: str
    power_w: float
    on_below_k: float
    off_above_k: float

    def __post_init__(self) -> None:
        _check(0.0 < self.power_w < np.inf, self.name, "power is not above 0", "give W")
        good = 0.0 < self.on_below_k < self.off_above_k < np.inf
        _check(
            good, self.name, "thresholds without hysteresis", "switch on below the temperature of switching off"
        )

    @property
    def name(self) -> str:
        """What events call it."""
        return f"heater {self.node}"


@dataclass(frozen=True)
class HeatSource:
    """A radioisotope heater unit, or anything whose heat decays.

    Parameters
    ----------
    node : str
        Node that it heats.
    power_w : float
        At the start [W].
    half_life_s : float
        Half-life [s]; that of plutonium-238 by default, infinite for a constant source.
    """

    node: str
    power_w: float
    half_life_s: float = PLUTONIUM_HALF_LIFE_S

    def __post_init__(self) -> None:
        good = 0.0 <= self.power_w < np.inf and self.half_life_s > 0.0
        _check(good, f"source {self.node}", "power or half-life out of range", "give W and s")

    def mean_w(self, start_s: npt.ArrayLike, step_s: float) -> Floats:
        """Mean power over steps.

        Parameters
        ----------
        start_s : array_like
            Starts of the steps [s].
        step_s : float
            Their length [s].

        Returns
        -------
        ndarray
            [W].
        """
        rate = np.log(2.0) / self.half_life_s
        share = -np.expm1(-rate * step_s) / (rate * step_s) if rate > 0.0 else 1.0
        return np.asarray(self.power_w * np.exp(-rate * np.asarray(start_s, dtype=float)) * share)


@dataclass(frozen=True)
class Surface:
    """An outer surface that sends heat to sky and ground and takes in sunlight: a radiator or a wall.

    Parameters
    ----------
    name, node : str
        Its name, by which sunlight is given, and the node it belongs to.
    area_m2 : float
        Area [m2].
    emissivity, absorptivity : float
        Infrared emissivity and solar absorptivity when clean.
    sky_view, ground_view : float
        Shares of its view; what is left sees other parts of equipment, by links.
    dust : float
        Share covered by lunar dust, 0 to 1.

    Notes
    -----
    Dust has the optics of regolith, absorptivity 0.88 and emissivity 0.95, and covers its share. A full monolayer
    raised absorptivity over emissivity of white paint and silver Teflon 3 to 4 times (Gaier et al.); for white
    paint of 0.15 and 0.91 that is a share of about one half. Neglected: the resistance of a thick layer.

    References
    ----------
    Gaier, J. R. et al. (2009), Effect of illumination angle on the performance of dusted thermal control surfaces
    in a simulated lunar environment, SAE 2009-01-2420 (its abstract was read).

    Examples
    --------
    >>> clean = Surface("radiator", "box", 0.5, emissivity=0.91, absorptivity=0.15)
    >>> dusty = Surface("radiator", "box", 0.5, emissivity=0.91, absorptivity=0.15, dust=0.5)
    >>> ratio = dusty.optics[0] / dusty.optics[1] / (clean.optics[0] / clean.optics[1])
    >>> round(ratio, 1)
    3.4
    """

    name: str
    node: str
    area_m2: float
    emissivity: float
    absorptivity: float = 0.0
    sky_view: float = 1.0
    ground_view: float = 0.0
    dust: float = 0.0

    def __post_init__(self) -> None:
        _check(bool(self.name), "surface", "has no name", "name it")
        _check(0.0 < self.area_m2 < np.inf, self.name, "area is not above 0", "give m2")
        shares = (self.emissivity, self.absorptivity, self.sky_view, self.ground_view, self.dust)
        _check(all(0.0 <= share <= 1.0 for share in shares), self.name, "a share outside 0 to 1", "check it")
        _check(self.sky_view + self.ground_view <= 1.0 + 1e-9, self.name, "sees more than all", "check the views")

    @property
    def optics(self) -> tuple[float, float]:
        """Absorptivity and emissivity with the dust on it."""
        return (
            self.absorptivity + self.dust * (_DUST_ABSORPTIVITY - self.absorptivity),
            self.emissivity + self.dust * (_DUST_EMISSIVITY - self.emissivity),
        )


@dataclass(frozen=True)
class Blanket:
    """Multi-layer insulation round a node.

    Parameters
    ----------
    name, node : str
        Its name, by which sunlight is given, and the node that it wraps.
    area_m2 : float
        Area [m2].
    emittance : float
        Effective emittance between the node and the outer layer; 0.01 to 0.05 with seams.
    emissivity, absorptivity : float
        Of the outer layer.
    sky_view, ground_view, dust : float
        As for `Surface`.
    """

    name: str
    node: str
    area_m2: float
    emittance: float = 0.03
    emissivity: float = 0.8
    absorptivity: float = 0.4
    sky_view: float = 0.5
    ground_view: float = 0.5
    dust: float = 0.0

    def __post_init__(self) -> None:
        _check(0.0 <= self.emittance <= 1.0, self.name, "emittance outside 0 to 1", "give 0.01 to 0.05")
        self.parts()

    def parts(self) -> tuple[Node, ThermalLink, Surface]:
        """Outer layer as a node without capacity, the link to it, and its surface.

        Returns
        -------
        Node, ThermalLink, Surface
            Parts of a network.
        """
        layer = Node(f"{self.name} outer layer", 0.0)
        link = ThermalLink(self.node, layer.name, radiative_m2=self.emittance * self.area_m2)
        surface = Surface(
            self.name,
            layer.name,
            self.area_m2,
            self.emissivity,
            self.absorptivity,
            self.sky_view,
            self.ground_view,
            self.dust,
        )
        return layer, link, surface


@dataclass(frozen=True)
class Network:
    """Equipment as nodes, ways for heat, surfaces, heaters and sources.

    Parameters
    ----------
    nodes : sequence of Node
        At least one.
    links : sequence of ThermalLink
        Ways for heat.
    surfaces : sequence of Surface
        Radiators and walls.
    blankets : sequence of Blanket
        Insulation.
    switches : sequence of HeatSwitch
        Heat switches.
    heaters : sequence of Heater
        With thermostats, on nodes that have a capacity.
    sources : sequence of HeatSource
        Radioisotope heaters.
    ground_emissivity : float
        Infrared emissivity of the ground.

    Raises
    ------
    InputError
        If names are used twice or not known, a thermostat sits on a node without capacity, or a node is joined to
        nothing.

    Examples
    --------
    >>> box = Network([Node("box", 5e4)], surfaces=[Surface("lid", "box", 0.3, 0.85)])
    >>> box.names
    ('box',)
    """

    nodes: Sequence[Node]
    links: Sequence[ThermalLink] = ()
    surfaces: Sequence[Surface] = ()
    blankets: Sequence[Blanket] = ()
    switches: Sequence[HeatSwitch] = ()
    heaters: Sequence[Heater] = ()
    sources: Sequence[HeatSource] = ()
    ground_emissivity: float = 0.95
    all_nodes: tuple[Node, ...] = field(init=False, repr=False)
    all_links: tuple[ThermalLink, ...] = field(init=False, repr=False)
    all_surfaces: tuple[Surface, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = [blanket.parts() for blanket in self.blankets]
        object.__setattr__(self, "all_nodes", (*self.nodes, *(part[0] for part in parts)))
        object.__setattr__(self, "all_links", (*self.links, *(part[1] for part in parts)))
        object.__setattr__(self, "all_surfaces", (*self.surfaces, *(part[2] for part in parts)))
        _check(bool(self.nodes), "nodes", "there is none", "give at least one")
        _check(0.0 <= self.ground_emissivity <= 1.0, "ground_emissivity", "outside 0 to 1", "give 0.95")
        self._check_names()
        self._check_joined()

    def _check_names(self) -> None:
        """Refuse names that are used twice or not known."""
        for kind, names in (
            ("nodes", [node.name for node in self.all_nodes]),
            ("surfaces", [surface.name for surface in self.all_surfaces]),
            ("heaters", [heater.name for heater in self.heaters]),
            ("switches", [switch.name for switch in self.switches]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            _check(not twice, kind, f"used twice: {', '.join(twice)}", "give each its own name")
        known, capacity = set(self.names), {node.name: node.capacity_j_k for node in self.all_nodes}
        _check(GROUND not in known, "nodes", "a node is called ground", "it is the name of the lunar surface")
        used = [(surface.name, surface.node) for surface in self.all_surfaces]
        used += [(f"source {source.node}", source.node) for source in self.sources]
        used += [(heater.name, heater.node) for heater in self.heaters]
        used += [(switch.name, switch.sensor) for switch in self.switches]
        for name, node in used:
            _check(node in known, name, f"there is no node {node!r}", f"name one of {', '.join(sorted(known))}")
        things: tuple[ThermalLink | HeatSwitch, ...] = (*self.all_links, *self.switches)
        for thing in things:
            for node in (thing.first, thing.second):
                where = f"{thing.first} - {thing.second}"
                _check(node in known | {GROUND}, where, f"there is no node {node!r}", "name a node or ground")
        for name, node in [(h.name, h.node) for h in self.heaters] + [(s.name, s.sensor) for s in self.switches]:
            _check(capacity[node] > 0.0, name, f"{node} has no capacity", "give the node of a thermostat J/K")

    def _check_joined(self) -> None:
        """Refuse nodes that nothing joins to ground or sky: their heat has nowhere to go."""
        reached = {GROUND} | {
            s.node for s in self.all_surfaces if (s.sky_view + s.ground_view) * s.emissivity > 0.0
        }
        joined = [(link.first, link.second) for link in self.all_links if link.conductance_w_k + link.radiative_m2]
        joined += [(switch.first, switch.second) for switch in self.switches]
        for _ in range(len(self.all_nodes)):
            for first, second in joined:
                if {first, second} & reached:
                    reached |= {first, second}
        alone = [name for name in self.names if name not in reached]
        _check(not alone, "nodes", f"heat cannot leave {', '.join(alone)}", "add a link or a surface")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all nodes, those of blankets' outer layers last.

        Returns
        -------
        tuple of str
            In the order of results.
        """
        return tuple(node.name for node in self.all_nodes)
