"""The machines: modes, power sources, storage, links, instruments and activities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from moonpost.plan.base import Frozen, Identifier, Row, When
from moonpost.plan.partners import Owned
from moonpost.plan.places import Orbit

__all__ = [
    "Activity",
    "Assembly",
    "Cells",
    "Dormancy",
    "Element",
    "Generator",
    "Link",
    "Mode",
    "Position",
    "Radioisotope",
    "Reactor",
    "Recorder",
    "Robot",
    "SolarArray",
    "Storage",
    "Tank",
    "ThermalBox",
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


class Cells(Frozen):
    """Solar cells that lose output as they warm."""

    efficiency: float = Field(default=0.30, gt=0, lt=1, description="At the reference temperature [1].")
    temperature_coefficient_per_k: float = Field(
        default=-0.0022, ge=-0.01, le=0, description="Relative change of output with cell temperature [1/K]."
    )
    reference_k: float = Field(default=301.15, gt=0, le=500, description="Where the rated power holds [K].")
    absorptance: float = Field(default=0.9, gt=0, le=1, description="Of sunlight [1].")
    emittance: float = Field(default=0.85, gt=0, le=1, description="Of each side in the infrared [1].")


class SolarArray(Frozen):
    """Photovoltaic array."""

    kind: Literal["solar"]
    rated_w: float = Field(gt=0, description="Output at 1361 W/m2, normal incidence, start of life [W].")
    mount: Literal["horizontal", "vertical-tracking", "two-axis", "fixed"]
    mast_m: float = Field(default=2.0, ge=0, le=200, description="Height of the array's middle above ground [m].")
    tilt_deg: float = Field(default=0.0, ge=0, le=90, description="Of a fixed array, from horizontal [deg].")
    azimuth_deg: float = Field(default=0.0, ge=0, lt=360, description="A fixed array faces this azimuth [deg].")
    height_m: float = Field(
        default=0.0,
        ge=0,
        le=200,
        description="Vertical extent about the middle; light is averaged over it, part by part [m].",
    )
    cells: Cells | None = Field(default=None, description="How the cells lose output with warmth; none if absent.")

    @model_validator(mode="after")
    def _above_ground(self) -> SolarArray:
        if 0.5 * self.height_m > self.mast_m + 1e-9:
            raise ValueError("half of height_m is above mast_m: the array would reach into the ground")
        return self


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
    thermal_w: float | None = Field(default=None, gt=0, description="Heat that the core makes [W].")
    standoff_m: float = Field(
        default=0.0, ge=0, le=20_000, description="Distance that radiation asks other machines to keep [m]."
    )
    outage_days: float = Field(
        default=0.0, ge=0, le=365, description="Length of one outage; 0: unavailability is spread evenly [d]."
    )


Generator = Annotated[SolarArray | Radioisotope | Reactor, Field(discriminator="kind")]


class Storage(Frozen):
    """Battery or regenerative fuel cell."""

    kind: Literal["battery", "fuel-cell"] = "battery"
    capacity_wh: float = Field(gt=0, description="Nameplate energy [Wh].")
    depth_of_discharge: float = Field(default=0.8, gt=0, le=1, description="Usable fraction of nameplate [1].")
    charge_efficiency: float = Field(default=0.95, gt=0, le=1, description="Stored over supplied [1].")
    discharge_efficiency: float = Field(default=0.95, gt=0, le=1, description="Delivered over drawn [1].")
    specific_energy_wh_kg: float = Field(default=150.0, gt=0, description="Nameplate energy over mass [Wh/kg].")
    modules: int = Field(default=1, ge=1, le=1000, description="Equal strings that can fail one by one.")
    charge_w: float | None = Field(default=None, gt=0, description="Most power that goes in, at the bus [W].")
    discharge_w: float | None = Field(default=None, gt=0, description="Most power that comes out, at the bus [W].")
    self_discharge_per_day: float = Field(
        default=0.0, ge=0, lt=0.1, description="Part of what is held that is lost in a day [1/d]."
    )
    fade_per_year: float = Field(default=0.0, ge=0, lt=0.2, description="Capacity lost per year [1/year].")
    fade_per_cycle: float = Field(
        default=0.0, ge=0, lt=0.01, description="Capacity lost per full charge and discharge [1]."
    )
    charge_min_k: float | None = Field(default=None, gt=0, description="Not charged when colder [K].")
    charge_max_k: float | None = Field(default=None, gt=0, description="Not charged when warmer [K].")

    @model_validator(mode="after")
    def _charge_range(self) -> Storage:
        low, high = self.charge_min_k, self.charge_max_k
        if low is not None and high is not None and low >= high:
            raise ValueError("charge_min_k is not below charge_max_k: exchange them")
        return self


class ThermalBox(Frozen):
    """The warm box of a machine as one node with a radiator, a heater and limits."""

    capacity_j_k: float = Field(gt=0, description="Heat capacity [J/K].")
    radiator_m2: float = Field(ge=0, description="Area that radiates to space [m2].")
    emissivity: float = Field(default=0.85, gt=0, le=1, description="Of the radiator [1].")
    closed_fraction: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Part of the radiator that still works while it sleeps: heat switches and louvres [1].",
    )
    sunlit_m2: float = Field(
        default=0.0, ge=0, description="Absorptance times area that faces the Sun while it is in view [m2]."
    )
    ground_w_k: float = Field(default=0.0, ge=0, description="Conductance to the ground [W/K].")
    electric_fraction: float = Field(
        default=1.0, ge=0, le=1, description="Part of the electric power that ends as heat in the box [1]."
    )
    radioisotope_fraction: float = Field(
        default=1.0, ge=0, le=1, description="Part of its radioisotope heat that reaches the box [1]."
    )
    heater_w: float = Field(default=0.0, ge=0, description="Electric heater [W].")
    heater_on_k: float = Field(default=263.15, gt=0, description="Heater goes on when colder [K].")
    heater_off_k: float = Field(default=273.15, gt=0, description="Heater goes off when warmer [K].")
    survive_min_k: float = Field(default=213.15, gt=0, description="Below this the machine is lost [K].")
    survive_max_k: float = Field(default=343.15, gt=0, description="Above this the machine is lost [K].")
    operate_min_k: float = Field(default=253.15, gt=0, description="Below this it does not work [K].")
    operate_max_k: float = Field(default=323.15, gt=0, description="Above this it does not work [K].")
    initial_k: float = Field(default=293.15, gt=0, description="When it arrives [K].")

    @model_validator(mode="after")
    def _limits(self) -> ThermalBox:
        if not self.survive_min_k <= self.operate_min_k < self.operate_max_k <= self.survive_max_k:
            raise ValueError("the limits do not nest: survive_min <= operate_min < operate_max <= survive_max")
        if not self.heater_on_k < self.heater_off_k:
            raise ValueError("heater_on_k is not below heater_off_k: exchange them")
        if not self.survive_min_k < self.initial_k < self.survive_max_k:
            raise ValueError("initial_k lies outside the limits of survival")
        return self


class Dormancy(Frozen):
    """When a machine sleeps (runs its dark mode) and wakes: all conditions hold to wake, any one to sleep."""

    wake_sun_deg: float | None = Field(
        default=None, ge=-2, le=90, description="Wakes when the Sun rises above this elevation [deg]."
    )
    sleep_sun_deg: float | None = Field(
        default=None, ge=-2, le=90, description="Sleeps when the Sun sinks below this elevation [deg]."
    )
    wake_supply_w: float | None = Field(
        default=None, ge=0, description="Wakes when its sources can give more than this [W]."
    )
    sleep_supply_w: float | None = Field(
        default=None, ge=0, description="Sleeps when its sources can give less than this [W]."
    )
    wake_stored: float | None = Field(
        default=None, ge=0, le=1, description="Wakes only with more than this part of its usable energy [1]."
    )
    sleep_stored: float | None = Field(
        default=None, ge=0, le=1, description="Sleeps when its store holds less than this part [1]."
    )
    wake_min_k: float | None = Field(default=None, gt=0, description="Wakes only when its box is warmer [K].")
    command: bool = Field(
        default=False, description="Wakes on command only, in contact with the Earth, once the rest holds."
    )

    @model_validator(mode="after")
    def _apart(self) -> Dormancy:
        for name in ("supply_w", "stored"):
            wake, sleep = getattr(self, f"wake_{name}"), getattr(self, f"sleep_{name}")
            if wake is not None and sleep is not None and wake < sleep:
                raise ValueError(f"wake_{name} is below sleep_{name}: it would wake and sleep at once")
        return self


class Recorder(Frozen):
    """Onboard store for data, and the rate at which it empties in contact."""

    capacity_bit: float = Field(gt=0, description="What it holds [bit].")
    downlink_bit_s: float = Field(ge=0, description="Sent while in contact [bit/s].")
    downlink_w: float = Field(default=0.0, ge=0, description="Drawn besides the mode's power while sending [W].")


class Tank(Frozen):
    """A consumable or product of a machine, by mass."""

    name: Identifier
    capacity_kg: float = Field(gt=0, description="What it holds [kg].")
    initial_kg: float = Field(default=0.0, ge=0, description="Held on arrival [kg].")
    flows_kg_s: dict[str, float] = Field(
        default_factory=dict, description="By mode: positive fills, negative draws [kg/s]."
    )

    @model_validator(mode="after")
    def _fits(self) -> Tank:
        if self.initial_kg > self.capacity_kg:
            raise ValueError("initial_kg is above capacity_kg: check both")
        return self


class Position(Frozen):
    """Where a machine stands at the station, from the site's point, and its bulk."""

    east_m: float = Field(ge=-100_000, le=100_000, description="East of the site's point [m].")
    north_m: float = Field(ge=-100_000, le=100_000, description="North of the site's point [m].")
    width_m: float = Field(default=3.0, gt=0, le=500, description="Across [m].")
    top_m: float = Field(default=3.0, ge=0, le=300, description="Its highest part above ground [m].")


class Robot(Frozen):
    """What a machine can do for the building of the station."""

    speed_m_s: float = Field(gt=0, le=10, description="Over the ground, loaded [m/s].")
    drive_w: float = Field(ge=0, description="Drawn besides the mode's power while it drives [W].")
    work_w: float = Field(ge=0, description="Drawn besides the mode's power while it handles things [W].")
    payload_kg: float = Field(gt=0, description="Largest mass that it carries [kg].")
    reach_m: float = Field(default=2.0, gt=0, description="Largest height that its arm reaches [m].")


class Assembly(Frozen):
    """What it takes to put a machine to work after it has arrived."""

    unload_h: float = Field(default=0.0, ge=0, le=10_000, description="Taking it off the lander [h].")
    deploy_h: float = Field(default=0.0, ge=0, le=10_000, description="Setting it up at its place [h].")
    connect_h: float = Field(default=0.0, ge=0, le=10_000, description="Connecting it to what it requires [h].")
    commission_h: float = Field(default=0.0, ge=0, le=10_000, description="Trying it out [h].")
    self_moving: bool = Field(default=False, description="It needs no robot to leave the lander and get there.")
    robots: int = Field(default=1, ge=0, le=10, description="Robots at work on it at once; 0: it sets itself up.")
    reach_m: float = Field(default=0.0, ge=0, description="Height at which it is taken or mounted [m].")
    needs: tuple[Literal["light", "earth"], ...] = Field(default=("light",), description="While robots work.")
    commission_needs: tuple[Literal["light", "earth"], ...] = Field(
        default=("earth",), description="While it is tried out."
    )


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
    priority: int = Field(
        default=5, ge=1, le=9, description="1 is served first and 9 shed first when power is short."
    )
    converter_efficiency: float = Field(
        default=1.0, gt=0, le=1, description="From the bus to the machine: power drawn over this [1]."
    )
    thermal: ThermalBox | None = Field(
        default=None, description="Its warm box; without it no temperature is told."
    )
    dormancy: Dormancy | None = Field(
        default=None, description="When it sleeps and wakes; without it the light alone decides on modes."
    )
    recorder: Recorder | None = Field(default=None, description="Its data store; without it data leave at once.")
    tanks: tuple[Tank, ...] = ()
    position: Position | None = Field(
        default=None, description="Where it stands, for shadows, cables and distances."
    )
    volume_m3: float | None = Field(default=None, gt=0, description="Packed, each [m3].")
    needed: When | None = Field(default=None, description="Date by which it has to have arrived.")
    heritage: tuple[Identifier, ...] = Field(
        default=(), description="Missions of the heritage catalogue whose technology it builds on."
    )
    robot: Robot | None = Field(default=None, description="What it can do for the building of the station.")
    assembly: Assembly | None = Field(default=None, description="What it takes to put it to work.")

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


class Activity(Row):
    """Something that an element does, again and again or once."""

    element: Identifier
    duration_h: float = Field(gt=0, description="[h]")
    power_w: float = Field(ge=0, description="Drawn besides the mode's power [W].")
    data_bit: float = Field(default=0.0, ge=0, description="Data produced each time [bit].")
    needs: tuple[Literal["light", "earth", "dark"], ...] = ()
    every: Literal["once", "lunar-day", "earth-day"] = "lunar-day"
    priority: int = Field(default=5, ge=1, le=9, description="1 first, 9 last.")
    value: float = Field(default=1.0, ge=0, le=1e6, description="What it is worth each time it is done.")
    after: tuple[Identifier, ...] = Field(default=(), description="Activities that come before it.")
    partner: Identifier | None = Field(
        default=None, description="Whose time it uses; the element's owner if absent."
    )
