"""Who must agree, who has agreed, and what each partner puts in."""

from moonpost.partners.agreements import (
    AgreementStanding,
    PartyStanding,
    StepTaken,
    agreement_state,
    agreement_states,
)
from moonpost.partners.approvals import ApprovalStatus, approval_status, approvals, missing_approvals
from moonpost.partners.borrowing import Borrowing, sample_access, sample_accesses
from moonpost.partners.releases import (
    PUBLIC,
    Access,
    Release,
    product_access,
    product_accesses,
    release_findings,
    releases,
)
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
    "PUBLIC",
    "Access",
    "AgreementStanding",
    "ApprovalStatus",
    "Borrowing",
    "Contribution",
    "PartyStanding",
    "Release",
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
    "product_access",
    "product_accesses",
    "release_findings",
    "releases",
    "sample_access",
    "sample_accesses",
    "shares",
]
