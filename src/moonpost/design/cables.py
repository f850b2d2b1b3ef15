"""Cables: loss, mass, the section that costs least by Kelvin's rule, and the voltage that suits a distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from moonpost.errors import InputError, ModelError, UnknownNameError

__all__ = ["CONDUCTORS", "Cable", "Conductor", "best_cable", "cable", "kelvin_section_m2"]


_VOLTAGES_V = (120.0, 300.0, 1000.0, 3000.0)


@dataclass(frozen=True)
class Conductor:
    """A metal for cables.

    Parameters
    ----------
    name : str
        What it is.
    density_kg_m3 : float
        [kg/m3].
    temperature_k : tuple of float
        Where its resistivity is tabulated [K].
    resistivity_ohm_m : tuple of float
        At those temperatures [ohm m].

    Examples
    --------
    >>> round(CONDUCTORS["copper"].at_ohm_m(293.0) * 1e8, 3)
    1.678
    """

    name: str
    density_kg_m3: float
    temperature_k: tuple[float, ...]
    resistivity_ohm_m: tuple[float, ...]

    def at_ohm_m(self, conductor_k: float) -> float:
        """Resistivity at a temperature, linear between those of the table [ohm m].

        Raises
        ------
        InputError
            If the table does not cover the temperature.
        """
        low, high = self.temperature_k[0], self.temperature_k[-1]
        if not low <= conductor_k <= high:
            raise InputError(
                f"{conductor_k!r} K is outside the table of {self.name}, {low:g} to {high:g} K",
                where="conductor_k",
                advice="give the temperature of the buried or shaded cable",
            )
        return float(np.interp(conductor_k, self.temperature_k, self.resistivity_ohm_m))


CONDUCTORS = {
    "copper": Conductor(
        "copper",
        8960.0,
        (60.0, 80.0, 100.0, 150.0, 200.0, 273.0, 293.0, 300.0, 400.0),
        tuple(1e-8 * v for v in (0.0971, 0.215, 0.348, 0.699, 1.046, 1.543, 1.678, 1.725, 2.402)),
    ),
    "aluminium": Conductor(
        "aluminium",
        2700.0,
        (60.0, 80.0, 100.0, 150.0, 200.0, 273.0, 293.0, 300.0, 400.0),
        tuple(1e-8 * v for v in (0.0959, 0.245, 0.442, 1.006, 1.587, 2.417, 2.650, 2.733, 3.87)),
    ),
}
"""Pure metals (Matula 1979, doi:10.1063/1.555614; Desai et al. 1984, doi:10.1063/1.555725; from memory of the CRC
Handbook, which carries both)."""


@dataclass(frozen=True)
class Cable:
    """A pair of conductors that carries power over a distance.

    Parameters
    ----------
    power_w : float
        Power delivered at its far end [W].
    length_m : float
        Length of the way, laid [m].
    voltage_v : float
        Between the conductors at the far end [V].
    metal : str
        Its conductor.
    section_m2 : float
        Of one conductor [m2].
    conductor_kg, insulation_kg, converters_kg : float
        Its masses [kg].
    loss_w : float
        Heat in the conductors at full power [W].
    converter_loss_w : float
        Loss of the converters at both ends at full power [W].
    power_kg_w : float
        Mass of power plant for a watt, that losses are charged with [kg/W].

    Examples
    --------
    >>> found = cable(5000.0, 1000.0, 1000.0, metal="aluminium", power_kg_w=0.3)
    >>> 0.0 < found.loss_fraction < 0.1
    True
    """

    power_w: float
    length_m: float
    voltage_v: float
    metal: str
    section_m2: float
    conductor_kg: float
    insulation_kg: float
    converters_kg: float
    loss_w: float
    converter_loss_w: float
    power_kg_w: float

    @property
    def mass_kg(self) -> float:
        """Conductors, insulation and converters [kg]."""
        return self.conductor_kg + self.insulation_kg + self.converters_kg

    @property
    def whole_kg(self) -> float:
        """Its mass and that of the power plant which makes up for its losses [kg]."""
        return self.mass_kg + self.power_kg_w * (self.loss_w + self.converter_loss_w)

    @property
    def loss_fraction(self) -> float:
        """Losses over the power delivered [1]."""
        return (self.loss_w + self.converter_loss_w) / self.power_w if self.power_w > 0.0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "power_w": self.power_w,
            "length_m": round(self.length_m, 2),
            "voltage_v": self.voltage_v,
            "metal": self.metal,
            "section_mm2": round(1e6 * self.section_m2, 3),
            "mass_kg": round(self.mass_kg, 2),
            "loss_w": round(self.loss_w + self.converter_loss_w, 2),
            "loss_fraction": round(self.loss_fraction, 5),
            "whole_kg": round(self.whole_kg, 2),
        }


def kelvin_section_m2(
    current_a: float, resistivity_ohm_m: float, density_kg_m3: float, power_kg_w: float
) -> float:
    """Section of a conductor at which conductor and lost power together weigh least.

    Parameters
    ----------
    current_a : float
        Root mean square of the current [A].
    resistivity_ohm_m : float
        [ohm m].
    density_kg_m3 : float
        [kg/m3].
    power_kg_w : float
        Mass of power plant for a watt [kg/W].

    Returns
    -------
    float
        [m2]; it does not depend on the length.

    Notes
    -----
    Kelvin's rule: of m(A) = rho_m A L + k I^2 rho L / A the least is where both terms are equal,
    A = I sqrt(k rho / rho_m).

    References
    ----------
    Thomson, W. (1881), On the economy of metal in conductors of electricity, Rep. Brit. Assoc., 526-528.

    Examples
    --------
    >>> round(1e6 * kelvin_section_m2(10.0, 2.65e-8, 2700.0, 0.1), 2)
    9.91
    """
    for name, value in (
        ("current_a", current_a),
        ("resistivity_ohm_m", resistivity_ohm_m),
        ("density_kg_m3", density_kg_m3),
        ("power_kg_w", power_kg_w),
    ):
        if not (math.isfinite(value) and value >= 0.0) or (name == "density_kg_m3" and value == 0.0):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number of 0 or more")
    return current_a * math.sqrt(power_kg_w * resistivity_ohm_m / density_kg_m3)


def cable(
    power_w: float,
    length_m: float,
    voltage_v: float,
    *,
    metal: str = "aluminium",
    power_kg_w: float = 0.3,
    conductor_k: float = 250.0,
    duty: float = 1.0,
    section_m2: float | None = None,
    bus_v: float = 120.0,
    converter_kg_w: float = 0.005,
    converter_efficiency: float = 0.97,
    insulation: float = 0.5,
    least_section_m2: float = 1.0e-6,
) -> Cable:
    """Size a cable between two machines.

    Parameters
    ----------
    power_w : float
        Most power delivered at its far end [W].
    length_m : float
        Length of the way [m].
    voltage_v : float
        Voltage at the far end [V]; above `bus_v` converters stand at both ends.
    metal : {"copper", "aluminium"}
        Conductor.
    power_kg_w : float, default 0.3
        Mass of power plant for a watt [kg/W].
    conductor_k : float, default 250.0
        Temperature of the conductor [K].
    duty : float, default 1.0
        Root mean square of the power over its most [1]; sets the section, losses are told at full power.
    section_m2 : float, optional
        Of one conductor; by Kelvin's rule if not given [m2].
    bus_v : float, default 120.0
        Voltage of the bus [V].
    converter_kg_w : float, default 0.005
        Mass of one converter for a watt [kg/W] (assumption).
    converter_efficiency : float, default 0.97
        Of one converter [1] (assumption).
    insulation : float, default 0.5
        Mass of insulation and shield over that of the conductors [1] (assumption).
    least_section_m2 : float, default 1e-6
        Thinnest conductor that a robot can lay [m2] (assumption).

    Returns
    -------
    Cable

    Raises
    ------
    InputError
        If a number is out of range.
    ModelError
        If the conductors would lose more than they deliver.

    Notes
    -----
    Two conductors: R = 2 rho(T) L / A, loss I^2 R with I = P / V, mass 2 A L rho_m (1 + insulation). Kelvin's rule
    counts insulation as conductor. Neglected: heating of the cable by its own loss, which at these sections is a
    few watts for a metre.

    Examples
    --------
    >>> low, high = cable(5000.0, 500.0, 120.0), cable(5000.0, 500.0, 1000.0)
    >>> low.mass_kg > high.mass_kg
    True
    """
    _check(locals())
    if metal not in CONDUCTORS:
        raise UnknownNameError(metal, CONDUCTORS, kind="conductor")
    wire = CONDUCTORS[metal]
    resistivity = wire.at_ohm_m(conductor_k)
    raised = voltage_v > bus_v * (1.0 + 1e-9)
    carried_w = power_w / converter_efficiency if raised else power_w
    current_a = carried_w / voltage_v
    density = wire.density_kg_m3 * (1.0 + insulation)
    chosen = section_m2 or max(
        kelvin_section_m2(duty * current_a, resistivity, density, power_kg_w), least_section_m2
    )
    loss_w = 2.0 * resistivity * length_m / chosen * current_a**2
    if loss_w > carried_w:
        raise ModelError(
            f"a cable of {length_m:.0f} m at {voltage_v:g} V would lose {loss_w:.0f} W to deliver {power_w:.0f} W",
            where="voltage_v",
            advice="raise the voltage, the section or the mass charged for a watt, or bring the source nearer",
        )
    conductor_kg = 2.0 * chosen * length_m * wire.density_kg_m3
    sent_w = carried_w + loss_w
    return Cable(
        power_w=power_w,
        length_m=length_m,
        voltage_v=voltage_v,
        metal=metal,
        section_m2=chosen,
        conductor_kg=conductor_kg,
        insulation_kg=insulation * conductor_kg,
        converters_kg=converter_kg_w * (power_w + sent_w) if raised else 0.0,
        loss_w=loss_w,
        converter_loss_w=(carried_w - power_w) + (sent_w / converter_efficiency - sent_w) if raised else 0.0,
        power_kg_w=power_kg_w,
    )


def best_cable(
    power_w: float, length_m: float, *, voltages_v: Sequence[float] = (), bus_v: float = 120.0, **options: Any
) -> Cable:
    """Lightest cable over metals and voltages, with the power plant that its losses take.

    Parameters
    ----------
    power_w : float
        Most power delivered [W].
    length_m : float
        Length of the way [m].
    voltages_v : sequence of float
        Voltages to choose from [V]; if none are given that of the bus and those of 120, 300, 1000 and 3000 above.
    bus_v : float, default 120.0
        Voltage of the bus [V].
    **options
        Further arguments of `cable`, but not its metal.

    Returns
    -------
    Cable
        With the least `whole_kg`.

    Raises
    ------
    ModelError
        If no voltage will do.

    Examples
    --------
    >>> best_cable(500.0, 20.0).voltage_v, best_cable(20_000.0, 1000.0).voltage_v > 300.0
    (120.0, True)
    """
    found = []
    for voltage_v in voltages_v or [bus_v, *(volts for volts in _VOLTAGES_V if volts > bus_v)]:
        for metal in CONDUCTORS:
            try:
                found.append(cable(power_w, length_m, float(voltage_v), metal=metal, bus_v=bus_v, **options))
            except ModelError:
                continue
    if not found:
        raise ModelError("no voltage carries this power so far", where="voltages_v", advice="add a higher one")
    return min(found, key=lambda row: (row.whole_kg, row.voltage_v))


def _check(values: dict[str, Any]) -> None:
    """Refuse numbers that no cable has."""
    positive = ("voltage_v", "bus_v", "duty", "converter_efficiency", "conductor_k", "least_section_m2")
    for name in (*positive, "power_w", "length_m", "power_kg_w", "converter_kg_w", "insulation", "section_m2"):
        value = values[name]
        if value is None:
            continue
        good = isinstance(value, int | float) and math.isfinite(value) and value >= 0.0
        if not good or (value == 0.0 and name in (*positive, "section_m2")):
            raise InputError(f"is {value!r}", where=name, advice="give a finite number above 0")
    for name in ("duty", "converter_efficiency"):
        if values[name] > 1.0:
            raise InputError(f"is {values[name]!r}", where=name, advice="give a part of 1")
