"""Balances of a simulation: energy of buses, heat of boxes, data of recorders, mass in tanks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Balance", "DataBalance", "HeatBalance", "MassBalance"]


@dataclass(frozen=True)
class Balance:
    """The energy of one bus over the whole period. All energies [Wh].

    Parameters
    ----------
    bus : str
        The bus.
    supplied_wh, imported_wh : float
        What sources could give, and what stores held when they came.
    served_wh, spilled_wh, bus_loss_wh, storage_loss_wh, stored_wh : float
        Where it went: loads, unused, lost on the bus, lost in the store, still in the store.
    shed_wh : float
        Asked for and not given.
    residual_relative : float
        Largest energy unaccounted for between two events or in all, over the energy in play [1].

    Examples
    --------
    >>> Balance("station", 10.0, 0.0, 8.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0).served_fraction
    1.0
    """

    bus: str
    supplied_wh: float
    imported_wh: float
    served_wh: float
    spilled_wh: float
    bus_loss_wh: float
    storage_loss_wh: float
    stored_wh: float
    shed_wh: float
    residual_relative: float

    @property
    def served_fraction(self) -> float:
        """Energy served over energy asked for [1]; 1 if nothing was asked for."""
        asked_wh = self.served_wh + self.shed_wh
        return self.served_wh / asked_wh if asked_wh > 0 else 1.0


@dataclass(frozen=True)
class HeatBalance:
    """The heat of one box (of one copy of its machine) over the whole period. All energies [Wh].

    Parameters
    ----------
    element : str
        The machine.
    electric_wh, heater_wh, sun_wh, radioisotope_wh, mode_wh, ground_wh : float
        What came in: from its electric power, its heater, sunlight, radioisotopes, other heat of its modes, and
        the ground (negative if it went there).
    radiated_wh, stored_wh : float
        What it radiated, and what its warming holds.
    content_wh : float
        Heat that it holds at the end, from absolute zero.

    Examples
    --------
    >>> HeatBalance("rover", 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 1.0, 80.0).residual_relative
    0.0
    """

    element: str
    electric_wh: float
    heater_wh: float
    sun_wh: float
    radioisotope_wh: float
    mode_wh: float
    ground_wh: float
    radiated_wh: float
    stored_wh: float
    content_wh: float

    @property
    def residual_relative(self) -> float:
        """Heat unaccounted for over heat in play: what flowed and what it holds [1]."""
        parts = (self.electric_wh, self.heater_wh, self.sun_wh, self.radioisotope_wh, self.mode_wh, self.ground_wh)
        play = sum(abs(part) for part in parts) + abs(self.radiated_wh) + abs(self.stored_wh) + self.content_wh
        return abs(sum(parts) - self.radiated_wh - self.stored_wh) / play if play > 0 else 0.0


@dataclass(frozen=True)
class DataBalance:
    """The data of one machine, of all its copies, over the whole period [bit].

    Parameters
    ----------
    element : str
        The machine.
    made_bit, sent_bit, lost_bit, held_bit : float
        What it made, sent, lost because its recorder was full or broken, and holds at the end.

    Examples
    --------
    >>> DataBalance("rover", 10.0, 6.0, 1.0, 3.0).residual_relative
    0.0
    """

    element: str
    made_bit: float
    sent_bit: float
    lost_bit: float
    held_bit: float

    @property
    def residual_relative(self) -> float:
        """Data unaccounted for over data in play [1]."""
        play = self.made_bit + self.held_bit
        return abs(self.made_bit - self.sent_bit - self.lost_bit - self.held_bit) / play if play > 0 else 0.0


@dataclass(frozen=True)
class MassBalance:
    """The content of one tank, of all copies of its machine, over the whole period [kg].

    Parameters
    ----------
    element, tank : str
        The machine and its tank.
    brought_kg, gained_kg, drawn_kg, held_kg : float
        What it came with, what flowed in and out, and what it holds at the end.

    Examples
    --------
    >>> MassBalance("plant", "oxygen", 1.0, 5.0, 2.0, 4.0).residual_relative
    0.0
    """

    element: str
    tank: str
    brought_kg: float
    gained_kg: float
    drawn_kg: float
    held_kg: float

    @property
    def residual_relative(self) -> float:
        """Mass unaccounted for over mass in play [1]."""
        play = self.brought_kg + self.gained_kg + self.drawn_kg + self.held_kg
        left = self.brought_kg + self.gained_kg - self.drawn_kg - self.held_kg
        return abs(left) / play if play > 0 else 0.0
