"""Who takes part, under which agreements, and who has to approve what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moonpost.plan.base import Frozen, Identifier, Row, Sourced, When

__all__ = ["Agreement", "AgreementStep", "Approval", "Call", "Owned", "Partner"]

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
