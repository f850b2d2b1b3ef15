"""Who must agree, who has agreed, and what each partner puts in."""

from moonpost.partners.agreements import (
    AgreementStanding,
    PartyStanding,
    StepTaken,
    agreement_state,
    agreement_states,
)
from moonpost.partners.approvals import ApprovalStatus, approval_status, approvals, missing_approvals
from moonpost.partners.shares import (
    LANDING_KINDS,
    Contribution,
    Share,
    Shares,
    element_contributions,
    launch_contributions,
    shares,
)

__all__ = [
    "LANDING_KINDS",
    "AgreementStanding",
    "ApprovalStatus",
    "Contribution",
    "PartyStanding",
    "Share",
    "Shares",
    "StepTaken",
    "agreement_state",
    "agreement_states",
    "approval_status",
    "approvals",
    "element_contributions",
    "launch_contributions",
    "missing_approvals",
    "shares",
]
