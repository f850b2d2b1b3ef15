"""Regenerative fuel cells: stacks that set the power and reactants that set the energy, apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moonpost.errors import InputError
from moonpost.plan.elements import Storage

__all__ = ["THERMONEUTRAL_V", "WATER_WH_KG", "FuelCell"]

THERMONEUTRAL_V = 1.481
"""Cell voltage at which electrolysis of liquid water takes no heat: 285.83 kJ/mol over 2 x 96,485 C/mol [V]."""

WATER_WH_KG = 285_830.0 / 3600.0 / 0.01801528
"""Heat of formation of liquid water: what a kilogram of hydrogen and oxygen holds [Wh/kg]."""


@dataclass(frozen=True)
class FuelCell:
    """A regenerative fuel cell of hydrogen and oxygen: power and energy are sized apart.

    Parameters
    ----------
    discharge_w, charge_w : float
        Output of the fuel cell and input of the electrolyser, at the bus [W].
    energy_wh : float
        Held by the reactants, as heat of formation of the water [Wh].
    cell_v, electrolyser_v : float
        Voltage of a cell when it gives and when it takes [V].
    auxiliary_fraction : float
        Part of the power, each way, that pumps, valves, drying and control take [1].
    stack_w_kg, electrolyser_w_kg : float
        Power over mass of fuel cell and electrolyser with their equipment [W/kg].
    tank_fraction : float
        Mass of tanks and lines over that of the reactants [1].
    unused_fraction : float
        Reactants that stay in tanks when empty, over all [1].

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    Efficiency out is V / 1.481 and in 1.481 / V, each times 1 - auxiliaries; the round trip is the ratio of the
    voltages times both. Reactants hold 4,407 Wh/kg; at 0.9 V and 1.6 V half of what goes in comes out, the rest is
    heat at 60 to 80 deg C, which warms a station at night. The defaults of masses are assumptions in the range of
    published studies, which differ by a factor of two: change them.

    References
    ----------
    Garcia, C. P., et al. (2006), Round trip energy efficiency of NASA Glenn regenerative fuel cell system,
    NASA/TM-2006-214054; Bents, D. J., et al. (2006), Hydrogen-oxygen PEM regenerative fuel cell development at
    NASA Glenn Research Center, NTRS 20070010455 (round trips up to 52 %).

    Examples
    --------
    >>> cell = FuelCell(discharge_w=1000.0, charge_w=2000.0, energy_wh=400_000.0)
    >>> round(cell.round_trip, 3)
    0.508
    """

    discharge_w: float
    charge_w: float
    energy_wh: float
    cell_v: float = 0.9
    electrolyser_v: float = 1.6
    auxiliary_fraction: float = 0.05
    stack_w_kg: float = 100.0
    electrolyser_w_kg: float = 100.0
    tank_fraction: float = 1.5
    unused_fraction: float = 0.05

    def __post_init__(self) -> None:
        limits = {
            "discharge_w": (0.0, np.inf),
            "charge_w": (0.0, np.inf),
            "energy_wh": (0.0, np.inf),
            "cell_v": (0.0, 1.229),
            "electrolyser_v": (1.229, 3.0),
            "stack_w_kg": (0.0, np.inf),
            "electrolyser_w_kg": (0.0, np.inf),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low < value < high:
                raise InputError(f"is {value}", where=name, advice=f"use a number between {low:g} and {high:g}")
        for name in ("auxiliary_fraction", "unused_fraction"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise InputError(
                    f"is {getattr(self, name)}", where=name, advice="use a fraction from 0 to below 1"
                )
        if not 0.0 <= self.tank_fraction < np.inf:
            raise InputError(f"is {self.tank_fraction}", where="tank_fraction", advice="use a number from 0")

    @property
    def discharge_efficiency(self) -> float:
        """Delivered over the reactants' heat of formation [1]."""
        return self.cell_v / THERMONEUTRAL_V * (1.0 - self.auxiliary_fraction)

    @property
    def charge_efficiency(self) -> float:
        """Heat of formation of the reactants made over what is taken, at most 1 [1]."""
        return min(THERMONEUTRAL_V / self.electrolyser_v, 1.0) * (1.0 - self.auxiliary_fraction)

    @property
    def round_trip(self) -> float:
        """Delivered over taken [1]."""
        return self.charge_efficiency * self.discharge_efficiency

    @property
    def power_kg(self) -> float:
        """Mass of stacks: what grows with power [kg]."""
        return self.discharge_w / self.stack_w_kg + self.charge_w / self.electrolyser_w_kg

    @property
    def energy_kg(self) -> float:
        """Mass of reactants and tanks: what grows with energy [kg]."""
        reactants_kg = self.energy_wh / WATER_WH_KG / (1.0 - self.unused_fraction)
        return reactants_kg * (1.0 + self.tank_fraction)

    @property
    def mass_kg(self) -> float:
        """Of all of it [kg]."""
        return self.power_kg + self.energy_kg

    def storage(self) -> Storage:
        """The same as a plan's store.

        Returns
        -------
        Storage
            All of `energy_wh` usable, with the efficiencies and limits of the stacks.
        """
        return Storage(
            kind="fuel-cell",
            capacity_wh=self.energy_wh,
            depth_of_discharge=1.0,
            charge_efficiency=self.charge_efficiency,
            discharge_efficiency=self.discharge_efficiency,
            specific_energy_wh_kg=self.energy_wh / self.mass_kg,
            charge_w=self.charge_w,
            discharge_w=self.discharge_w,
        )
