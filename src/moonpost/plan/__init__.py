"""The plan: what a station is, who takes part, and what each row is taken from."""

from moonpost.plan.base import when_bounds
from moonpost.plan.check import Finding, check
from moonpost.plan.elements import (
    Activity,
    Cells,
    Dormancy,
    Element,
    Instrument,
    Link,
    Mode,
    Objective,
    Position,
    Radioisotope,
    Reactor,
    Recorder,
    SolarArray,
    Storage,
    Tank,
    ThermalBox,
)
from moonpost.plan.load import Reading, bundled_plans, load_plan, plan_path, read_plan
from moonpost.plan.missions import DeltaV, Launcher, Mission, Phase, Sample, Transfer, TransferStage
from moonpost.plan.model import SCHEMA_VERSION, Assumption, DesignRules, Plan
from moonpost.plan.partners import Agreement, AgreementStep, Approval, Call, Partner
from moonpost.plan.paths import number_at, with_number
from moonpost.plan.places import GroundStation, MoonSite, Orbit, OrbitStation, Station, SurfaceStation
from moonpost.plan.schema import json_schema

__all__ = [
    "SCHEMA_VERSION",
    "Activity",
    "Agreement",
    "AgreementStep",
    "Approval",
    "Assumption",
    "Call",
    "Cells",
    "DeltaV",
    "DesignRules",
    "Dormancy",
    "Element",
    "Finding",
    "GroundStation",
    "Instrument",
    "Launcher",
    "Link",
    "Mission",
    "Mode",
    "MoonSite",
    "Objective",
    "Orbit",
    "OrbitStation",
    "Partner",
    "Phase",
    "Plan",
    "Position",
    "Radioisotope",
    "Reactor",
    "Reading",
    "Recorder",
    "Sample",
    "SolarArray",
    "Station",
    "Storage",
    "SurfaceStation",
    "Tank",
    "ThermalBox",
    "Transfer",
    "TransferStage",
    "bundled_plans",
    "check",
    "json_schema",
    "load_plan",
    "number_at",
    "plan_path",
    "read_plan",
    "when_bounds",
    "with_number",
]
