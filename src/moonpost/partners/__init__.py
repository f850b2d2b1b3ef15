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
from moonpost.partners.calls import Allocation, Calls, CallState, Screening
from moonpost.partners.callterms import CallTerms, call_terms
from moonpost.partners.proposals import Letter, Person, Proposal, read_letters
from moonpost.partners.records import Record, Step, read_record, write_steps
from moonpost.partners.releases import (
    PUBLIC,
    Access,
    Release,
    product_access,
    product_accesses,
    release_findings,
    releases,
)
from moonpost.partners.reviews import Ranked, Review, assign_reviewers, conflicts_of, ranking
from moonpost.partners.samplerequests import SampleRequest, agree_by
from moonpost.partners.sampleround import SampleRound, replay_round
from moonpost.partners.samples import Custody, Loan, Piece, custody_of, milligrams
from moonpost.partners.selection import Candidate, Limits, Selection, select
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
    "Allocation",
    "ApprovalStatus",
    "Borrowing",
    "CallState",
    "CallTerms",
    "Calls",
    "Candidate",
    "Contribution",
    "Custody",
    "Letter",
    "Limits",
    "Loan",
    "PartyStanding",
    "Person",
    "Piece",
    "Proposal",
    "Ranked",
    "Record",
    "Release",
    "Review",
    "SampleRequest",
    "SampleRound",
    "Screening",
    "Selection",
    "Share",
    "Shares",
    "Step",
    "StepTaken",
    "agree_by",
    "agreement_state",
    "agreement_states",
    "approval_status",
    "approvals",
    "assign_reviewers",
    "call_terms",
    "conflicts_of",
    "custody_of",
    "element_contributions",
    "launch_contributions",
    "milligrams",
    "missing_approvals",
    "product_access",
    "product_accesses",
    "ranking",
    "read_letters",
    "read_record",
    "release_findings",
    "releases",
    "replay_round",
    "sample_access",
    "sample_accesses",
    "select",
    "shares",
    "write_steps",
]
