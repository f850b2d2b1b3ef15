"""What is launched when, in which order it is built, and what a slip or a cancellation breaks."""

from moonpost.campaign.build import BuildOrder, BuildStep, MissionStep, build_order
from moonpost.campaign.capability import CapabilityPoint, capability
from moonpost.campaign.manifest import Manifest, ManifestRow, Mass, YearRow, manifest
from moonpost.campaign.risk import CampaignRisk, Cause, Probability, campaign_risk
from moonpost.campaign.riskmodel import RiskAssumptions
from moonpost.campaign.science import InstrumentPath, ObjectiveStatus, objective_status, orphaned
from moonpost.campaign.whatif import Broken, Moved, Repair, WhatIf, changed_plan, what_if

__all__ = [
    "Broken",
    "BuildOrder",
    "BuildStep",
    "CampaignRisk",
    "CapabilityPoint",
    "Cause",
    "InstrumentPath",
    "Manifest",
    "ManifestRow",
    "Mass",
    "MissionStep",
    "Moved",
    "ObjectiveStatus",
    "Probability",
    "Repair",
    "RiskAssumptions",
    "WhatIf",
    "YearRow",
    "build_order",
    "campaign_risk",
    "capability",
    "changed_plan",
    "manifest",
    "objective_status",
    "orphaned",
    "what_if",
]
