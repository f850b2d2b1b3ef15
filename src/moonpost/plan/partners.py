"""Who takes part, under which agreements, and who has to approve what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from moonpost.plan.base import Frozen, Identifier, Row, Sourced, When

__all__ = [
    "Agreement",
    "AgreementStep",
    "Approval",
    "Barter",
    "Call",
    "Owned",
    "Partner",
    "Service",
    "ShareRule",
]

AgreementState = Literal["draft", "signed", "ratified", "in-force"]


class Partner(Row):
    """An agency, state, organisation or institute that takes part in the station."""

    kind: Literal["agency", "state", "organisation", "institute"]
    role: Literal["founder", "member"] = Field(description="Founders approve what concerns the whole station.")
    country: str = Field(default="", max_length=2, description="ISO 3166 code of the country, if it is one.")
    joined: When | None = Field(default=None, description="When it joined the programme.")


class AgreementStep(Sourced):
    """One dated step of one party: signed, ratified or in force."""

    party: Identifier
    state: AgreementState
    date: When
    text: str = Field(default="", description="The act that made the step.")


class Agreement(Row):
    """An agreement between parties, with the steps each has taken."""

    parties: tuple[Identifier, ...] = Field(min_length=2)
    requires: tuple[AgreementState, ...] = Field(
        default=("signed",), description="The steps that every party must take before it is in force."
    )
    rule: Literal["consensus", "majority", "founders"] = Field(
        default="consensus", description="Whose steps bring it into force: all, more than half, or the founders."
    )
    steps: tuple[AgreementStep, ...] = ()


class Approval(Frozen):
    """A party's recorded consent to an element or mission."""

    party: Identifier
    date: When
    source: str = Field(min_length=3)


class Owned(Row):
    """Something with an owner, whose consent and that of the approvers it needs."""

    owner: Identifier
    approvers: tuple[Identifier, ...] = Field(default=(), description="Partners whose approval it needs.")
    approvals: tuple[Approval, ...] = Field(default=(), description="Approvals given so far.")


class Call(Row):
    """An open call to other nations for payloads on a mission."""

    mission: Identifier
    opened: When
    letters_due: When | None = None
    selection_planned: When | None = None
    announced: When | None = None
    proposals: int | None = Field(default=None, ge=0)
    short_listed: int | None = Field(default=None, ge=0)
    chosen: int | None = Field(default=None, ge=0)
    payload_total_kg: float | None = Field(default=None, gt=0, description="Mass offered in all [kg].")
    payload_each_kg: float | None = Field(default=None, gt=0, description="Largest mass of one payload [kg].")
    host: Identifier | None = Field(default=None, description="The element that carries the payloads.")
    power_total_w: float | None = Field(default=None, gt=0, description="Power offered in all [W].")
    data_total_bit: float | None = Field(default=None, gt=0, description="Data offered per Earth day [bit].")


class ShareRule(Sourced):
    """How contributions become entitlements: weights that are divided by their sum."""

    mass: float = Field(default=1.0, ge=0, description="Weight of the mass that arrives.")
    energy: float = Field(default=0.0, ge=0, description="Weight of the energy that its sources give.")
    data: float = Field(default=0.0, ge=0, description="Weight of the data that its links bring down.")
    launches: float = Field(default=0.0, ge=0, description="Weight of the mass that its launchers send.")
    services: float = Field(default=0.0, ge=0, description="Weight of the services, by their value.")

    @model_validator(mode="after")
    def _weighs(self) -> ShareRule:
        if self.mass + self.energy + self.data + self.launches + self.services <= 0:
            raise ValueError("all weights are 0: give one above 0")
        return self


class Service(Row):
    """Something a partner contributes that no element carries: ground stations, operations, training."""

    partner: Identifier
    value: float = Field(gt=0, description="What it is worth, in any unit that all services of the plan share.")
    start: When | None = Field(default=None, description="From when; always if absent.")
    end: When | None = Field(default=None, description="Until when; to the end if absent.")


class Barter(Row):
    """One partner gives another part of its entitlement for something else; no money moves."""

    giver: Identifier
    receiver: Identifier
    resource: Literal["energy", "data", "time", "mass", "crew-time", "service"]
    share: float = Field(gt=0, le=1, description="Part of the whole station's amount that changes hands [1].")
    start: When
    end: When | None = None
    back: str = Field(min_length=3, description="What is given for it.")
    agreement: Identifier | None = Field(default=None, description="The agreement it rests on.")

    @model_validator(mode="after")
    def _between(self) -> Barter:
        if self.giver == self.receiver:
            raise ValueError("giver and receiver are the same: a barter has two sides")
        return self
