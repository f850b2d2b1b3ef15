"""How things get there: launchers, transfers with their velocity changes, and missions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from moonpost.plan.base import Frozen, Identifier, Row, When
from moonpost.plan.partners import Owned

__all__ = [
    "DeltaV",
    "Demonstration",
    "Launcher",
    "Mission",
    "Phase",
    "Sample",
    "Support",
    "Transfer",
    "TransferStage",
]


class Phase(Row):
    """A phase of the programme."""

    start: When
    end: When | None = None


class Launcher(Row):
    """A launch vehicle with the mass it sends towards the Moon."""

    owner: Identifier
    tli_mass_kg: float | None = Field(
        default=None, gt=0, description="Rated mass after trans-lunar injection [kg]."
    )
    tli_demonstrated_kg: float | None = Field(
        default=None, gt=0, description="Largest mass that it has sent to the Moon in flight [kg]."
    )
    reliability: float | None = Field(
        default=None, gt=0, le=1, description="Probability that a launch succeeds [1]."
    )
    available: When | None = Field(default=None, description="First date it can fly.")
    fairing_m3: float | None = Field(default=None, gt=0, description="Room for cargo under the fairing [m3].")
    cost: float | None = Field(
        default=None, ge=0, description="Cost of one launch, in any unit that all launchers of the plan share."
    )
    per_year: float | None = Field(default=None, gt=0, le=100, description="Most launches in a year [1/year].")

    @property
    def capacity_kg(self) -> float | None:
        """The rated or the demonstrated mass, whichever is larger [kg]; None if neither is known."""
        known = [mass for mass in (self.tli_mass_kg, self.tli_demonstrated_kg) if mass is not None]
        return max(known, default=None)


class DeltaV(Row):
    """A velocity change that missions have in common."""

    delta_v_m_s: float = Field(gt=0, description="Velocity change [m/s].")
    low_m_s: float | None = Field(default=None, gt=0, description="Lowest value in the literature [m/s].")
    high_m_s: float | None = Field(default=None, gt=0, description="Highest value in the literature [m/s].")
    method: Literal["literature", "flight"] = Field(
        default="literature", description="literature: a cited input; flight: computed by moonpost.flight."
    )


class TransferStage(Frozen):
    """One vehicle of a chain: the legs it flies and what it leaves behind."""

    name: str = Field(min_length=1)
    legs: tuple[Identifier, ...] = Field(min_length=1, description="Velocity changes in order, from delta_v.")
    isp_s: float = Field(gt=0, le=20_000, description="Specific impulse [s].")
    dry_fraction: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Dry mass of this stage over its propellant mass, dropped after its last leg [1].",
    )


class Transfer(Row):
    """A way from trans-lunar injection to where the mission ends."""

    destination: Literal["surface", "orbit", "earth", "halo"]
    stages: tuple[TransferStage, ...] = Field(min_length=1)
    payload_fraction: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Published payload over mass after injection, as an upper bound [1].",
    )
    cargo_m3: float | None = Field(default=None, gt=0, description="Room for cargo on what arrives [m3].")


class Mission(Owned):
    """A launch and what it does."""

    kind: Literal["lander", "orbiter", "relay", "sample-return", "cargo", "crew", "flyby"]
    status: Literal["flown", "lost", "planned", "proposed", "cancelled"]
    launch: When
    landing: When | None = Field(default=None, description="Landing, or arrival in its orbit.")
    phase: Identifier | None = None
    launcher: Identifier | None = None
    transfer: Identifier | None = None
    site: Identifier | None = None
    partners: tuple[Identifier, ...] = Field(default=(), description="Partners besides the owner.")
    launch_mass_kg: float | None = Field(default=None, gt=0, description="Mass after trans-lunar injection [kg].")
    landed_mass_kg: float | None = Field(default=None, gt=0, description="Mass on the ground, dry [kg].")
    payload_mass_kg: float | None = Field(default=None, ge=0, description="Payload within the landed mass [kg].")
    requires: tuple[Identifier, ...] = Field(default=(), description="Missions that must have succeeded before.")
    slip_days: float | None = Field(
        default=None, ge=0, le=10_000, description="Mean delay against its date, as its programme has shown [d]."
    )
    arrival_reliability: float | None = Field(
        default=None, gt=0, le=1, description="Probability that it arrives or lands once it is launched [1]."
    )

    @model_validator(mode="after")
    def _masses(self) -> Mission:
        if self.launch_mass_kg and self.landed_mass_kg and self.landed_mass_kg >= self.launch_mass_kg:
            raise ValueError("landed_mass_kg is not below launch_mass_kg: check both")
        if self.landed_mass_kg and self.payload_mass_kg and self.payload_mass_kg > self.landed_mass_kg:
            raise ValueError("payload_mass_kg is above landed_mass_kg: check both")
        return self


class Support(Row):
    """What one mission does for another: pictures of its landing site, a relay, tracking."""

    kind: Literal["images", "relay", "tracking", "navigation", "data", "samples", "power", "transport"]
    provider: Identifier = Field(description="The mission that gives it.")
    user: Identifier = Field(description="The mission that needs it.")
    from_days: float = Field(
        default=0.0,
        ge=-20_000,
        le=20_000,
        description="Needed from this long after the user's landing or arrival; negative is before [d].",
    )
    until_days: float | None = Field(
        default=None, ge=-20_000, le=20_000, description="Needed until this long after it; None to its end [d]."
    )
    essential: bool = Field(default=False, description="Whether the user fails without it.")
    agreement: Identifier | None = Field(default=None, description="The agreement that promises it.")

    @model_validator(mode="after")
    def _forwards(self) -> Support:
        if self.until_days is not None and self.until_days < self.from_days:
            raise ValueError("until_days is before from_days: exchange them")
        return self


class Demonstration(Row):
    """A technology that a mission tries out, with what shows that it works."""

    mission: Identifier
    element: Identifier | None = Field(default=None, description="The element that tries it.")
    trl_now: int = Field(ge=1, le=9, description="Technology readiness level before (ISO 16290).")
    trl_goal: int = Field(ge=1, le=9, description="Level that it is to reach.")
    objective: str = Field(min_length=8, description="What is to be shown.")
    exit_criterion: str = Field(min_length=8, description="What has to be measured for it to count as shown.")
    needed_by: tuple[Identifier, ...] = Field(default=(), description="Elements that rely on the technology.")

    @model_validator(mode="after")
    def _rises(self) -> Demonstration:
        if self.trl_goal < self.trl_now:
            raise ValueError("trl_goal is below trl_now: a demonstration does not lower readiness")
        return self


class Sample(Row):
    """Lunar material brought to Earth."""

    mission: Identifier
    mass_g: float = Field(gt=0, description="Mass returned [g].")
    returned: When | None = None
