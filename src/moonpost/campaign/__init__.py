"""What is launched when, in which order it is built, and what a slip or a cancellation breaks."""

from moonpost.campaign.build import BuildOrder, BuildStep, MissionStep, build_order
from moonpost.campaign.capability import CapabilityPoint, capability
from moonpost.campaign.cargo import CargoList, CargoRow, plan_cargo
from moonpost.campaign.changes import Slip, changed_plan, version_of
from moonpost.campaign.demonstrations import DemonstrationStatus, Reliance, demonstration_status, unproven
from moonpost.campaign.landing import LandingMix, land_mass
from moonpost.campaign.launchdates import Departure, launch_dates
from moonpost.campaign.launches import FlightKind, FlightKinds, flight_kinds
from moonpost.campaign.loading import Cargo, Flight, Loading, conflicts, load_flights
from moonpost.campaign.manifest import Manifest, ManifestRow, Mass, YearRow, manifest
from moonpost.campaign.planlanding import plan_landing
from moonpost.campaign.planloading import PlanLoading, plan_loading
from moonpost.campaign.repair import Repair, RepairChoice, find_repairs
from moonpost.campaign.risk import CampaignRisk, campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskcauses import Cause, Probability
from moonpost.campaign.riskfactors import Swing, campaign_swings
from moonpost.campaign.riskrecord import Record
from moonpost.campaign.science import (
    InstrumentPath,
    ObjectiveStatus,
    ServingOption,
    objective_status,
    orphaned,
    serving_options,
)
from moonpost.campaign.sharechanges import ShareChange
from moonpost.campaign.support import Standing, SupportStatus, build_with_support, support_status
from moonpost.campaign.trace import DataTrace, ObjectiveTrace, science_trace
from moonpost.campaign.whatif import Broken, Moved, WhatIf, what_if

__all__ = [
    "Broken",
    "BuildOrder",
    "BuildStep",
    "CampaignRisk",
    "CapabilityPoint",
    "Cargo",
    "CargoList",
    "CargoRow",
    "Cause",
    "DataTrace",
    "DemonstrationStatus",
    "Departure",
    "Flight",
    "FlightKind",
    "FlightKinds",
    "InstrumentPath",
    "LandingMix",
    "Loading",
    "Manifest",
    "ManifestRow",
    "Mass",
    "MissionStep",
    "Moved",
    "ObjectiveStatus",
    "ObjectiveTrace",
    "PlanLoading",
    "Probability",
    "Record",
    "Reliance",
    "Repair",
    "RepairChoice",
    "RiskAssumptions",
    "ServingOption",
    "ShareChange",
    "Slip",
    "Standing",
    "SupportStatus",
    "Swing",
    "WhatIf",
    "YearRow",
    "build_order",
    "build_with_support",
    "campaign_risk",
    "campaign_swings",
    "capability",
    "changed_plan",
    "conflicts",
    "demonstration_status",
    "find_repairs",
    "flight_kinds",
    "land_mass",
    "launch_dates",
    "load_flights",
    "manifest",
    "objective_status",
    "orphaned",
    "plan_cargo",
    "plan_landing",
    "plan_loading",
    "science_trace",
    "serving_options",
    "support_status",
    "unproven",
    "version_of",
    "what_if",
]
