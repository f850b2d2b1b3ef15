"""The machines: modes, power sources, storage, links, instruments and activities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from moonpost.plan.base import Frozen, Identifier, Row
from moonpost.plan.partners import Owned
from moonpost.plan.places import Orbit

__all__ = [
    "Activity",
    "Element",
    "Generator",
    "Instrument",
    "Link",
    "Mode",
    "Objective",
    "Radioisotope",
    "Reactor",
    "SolarArray",
    "Storage",
]


class Mode(Frozen):
    """A way of running: what it draws, gives off and sends, and when it is used."""

    name: Identifier
    when: Literal["always", "light", "dark"] = Field(
        description="light: while any part of the Sun is in view; dark: while none is; always: both."
    )
    power_w: float = Field(ge=0, description="Electric power drawn [W].")
    heat_w: float = Field(default=0.0, ge=0, description="Heat given off besides the electric power [W].")
    data_bit_s: float = Field(default=0.0, ge=0, description="Data produced [bit/s].")


class SolarArray(Frozen):
    """Photovoltaic array."""

    kind: Literal["solar"]
    rated_w: float = Field(gt=0, description="Output at 1361 W/m2, normal incidence, start of life [W].")
    mount: Literal["horizontal", "vertical-tracking", "two-axis", "fixed"]
    mast_m: float = Field(default=2.0, ge=0, le=200, description="Height of the array's middle above ground [m].")
    tilt_deg: float = Field(default=0.0, ge=0, le=90, description="Of a fixed array, from horizontal [deg].")
    azimuth_deg: float = Field(default=0.0, ge=0, lt=360, description="A fixed array faces this azimuth [deg].")


class Radioisotope(Frozen):
    """Radioisotope generator or heater unit."""

    kind: Literal["radioisotope"]
    electric_w: float = Field(default=0.0, ge=0, description="Electric output at start of life [W].")
    thermal_w: float = Field(gt=0, description="Heat at start of life [W].")
    half_life_years: float = Field(default=87.7, gt=0, description="Pu-238 unless stated [years].")

    @model_validator(mode="after")
    def _converts(self) -> Radioisotope:
        if self.electric_w >= self.thermal_w:
            raise ValueError("electric_w is not below thermal_w: a generator cannot turn all heat into power")
        return self


class Reactor(Frozen):
    """Fission reactor."""

    kind: Literal["reactor"]
    electric_w: float = Field(gt=0, description="Net electric output [W].")
    availability: float = Field(default=1.0, gt=0, le=1, description="Fraction of time that it delivers [1].")
    life_years: float = Field(default=10.0, gt=0, description="Design life [years].")


Generator = Annotated[SolarArray | Radioisotope | Reactor, Field(discriminator="kind")]


class Storage(Frozen):
    """Battery or regenerative fuel cell."""

    kind: Literal["battery", "fuel-cell"] = "battery"
    capacity_wh: float = Field(gt=0, description="Nameplate energy [Wh].")
    depth_of_discharge: float = Field(default=0.8, gt=0, le=1, description="Usable fraction of nameplate [1].")
    charge_efficiency: float = Field(default=0.95, gt=0, le=1, description="Stored over supplied [1].")
    discharge_efficiency: float = Field(default=0.95, gt=0, le=1, description="Delivered over drawn [1].")
    specific_energy_wh_kg: float = Field(default=150.0, gt=0, description="Nameplate energy over mass [Wh/kg].")


class Element(Owned):
    """A machine that a mission brings."""

    kind: Literal[
        "lander", "rover", "hopper", "orbiter", "relay", "power", "command", "habitat", "laboratory",
        "telescope", "isru", "communications", "ascender", "module", "vehicle",
    ]  # fmt: skip
    mission: Identifier = Field(description="The mission that brings it.")
    bus: Literal["station", "own"] = Field(
        default="own", description="station: it shares the station's power; own: it lives on its own sources."
    )
    maturity: Literal["flown", "modified", "new"] = Field(
        description="Sets the design margin: 5, 10 or 20 percent (ECSS-E-ST-10C style)."
    )
    mass_kg: float | None = Field(default=None, gt=0, description="Mass without propellant [kg].")
    mass_low_kg: float | None = Field(default=None, gt=0, description="Low end where only a range is known [kg].")
    mass_high_kg: float | None = Field(
        default=None, gt=0, description="High end where only a range is known [kg]."
    )
    modes: tuple[Mode, ...] = ()
    generators: tuple[Generator, ...] = ()
    storage: Storage | None = None
    powered_by: Identifier | None = Field(
        default=None, description="Element that supplies its power, if another does."
    )
    orbits: tuple[Orbit, ...] = Field(
        default=(), description="Its orbit; where sources differ, each as an option."
    )
    requires: tuple[Identifier, ...] = Field(default=(), description="Elements that must work before it.")
    life_years: float | None = Field(default=None, gt=0, description="Design life [years].")
    count: int = Field(default=1, ge=1, le=1000, description="How many of it.")

    @model_validator(mode="after")
    def _mass_range(self) -> Element:
        low, high = self.mass_low_kg, self.mass_high_kg
        if (low is None) != (high is None):
            raise ValueError("mass_low_kg and mass_high_kg come together: give both or neither")
        if low is not None and high is not None and low > high:
            raise ValueError("mass_low_kg is above mass_high_kg: exchange them")
        return self

    @property
    def best_mass_kg(self) -> float | None:
        """The mass, or the middle of its range [kg]; None if neither is known."""
        if self.mass_kg is not None:
            return self.mass_kg
        if self.mass_low_kg is not None and self.mass_high_kg is not None:
            return 0.5 * (self.mass_low_kg + self.mass_high_kg)
        return None


class Link(Row):
    """A radio link between elements or to Earth."""

    sender: str = Field(min_length=1, description="Element that sends.")
    receiver: str = Field(min_length=1, description="Element or ground station that receives.")
    frequency_hz: float = Field(gt=0, description="Carrier [Hz].")
    rate_bit_s: float = Field(gt=0, description="Published data rate [bit/s].")
    transmit_power_w: float | None = Field(default=None, gt=0, description="Radiated power into the antenna [W].")
    transmit_gain_dbi: float | None = Field(default=None, description="[dBi]")
    receive_gain_dbi: float | None = Field(default=None, description="[dBi]")
    transmit_dish_m: float | None = Field(default=None, gt=0, description="[m]")
    receive_dish_m: float | None = Field(default=None, gt=0, description="[m]")
    system_temperature_k: float | None = Field(default=None, gt=0, description="Of the receiver [K].")
    range_m: float = Field(gt=0, description="Longest distance [m].")
    required_ebn0_db: float = Field(default=4.5, description="Needed energy per bit over noise density [dB].")
    losses_db: float = Field(default=3.0, ge=0, description="Pointing, polarisation, implementation [dB].")


class Objective(Row):
    """A question that the station is to answer."""

    area: str = Field(min_length=1, description="Science area.")
    status: Literal["served", "open"] = Field(
        default="served", description="served: an instrument serves it; open: declared to have none yet."
    )


class Instrument(Row):
    """A payload that serves objectives."""

    owner: Identifier
    element: Identifier = Field(description="The element that carries it.")
    objectives: tuple[Identifier, ...] = Field(min_length=1)
    mass_kg: float | None = Field(default=None, gt=0, description="[kg]")
    power_w: float | None = Field(default=None, ge=0, description="[W]")
    data_bit_s: float | None = Field(default=None, ge=0, description="[bit/s]")


class Activity(Row):
    """Something that an element does, again and again or once."""

    element: Identifier
    duration_h: float = Field(gt=0, description="[h]")
    power_w: float = Field(ge=0, description="Drawn besides the mode's power [W].")
    data_bit: float = Field(default=0.0, ge=0, description="Data produced each time [bit].")
    needs: tuple[Literal["light", "earth", "dark"], ...] = ()
    every: Literal["once", "lunar-day", "earth-day"] = "lunar-day"
