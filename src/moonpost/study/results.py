"""What a study finds, phase by phase, as typed rows that become ``study.json``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BuildResult",
    "Comparison",
    "DesignResult",
    "FlightResult",
    "OperateResult",
    "ProvenanceRow",
    "SiteResult",
    "StudyRecord",
    "Verdict",
    "study_schema",
]

Grade = Literal["site", "screening", "orbit"]


class Result(BaseModel):
    """A part of a study's record: frozen, without unknown keys; unknown numbers are null."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PublishedValue(Result):
    """A number from the literature beside which ours is shown."""

    quantity: str
    value: float
    unit: str
    place: str = Field(description="The published point.")
    distance_km: float = Field(description="From the site of the study [km].")
    source: str


class LightRow(Result):
    """Light and darkness at one site and height above ground."""

    site: str
    name: str
    latitude_deg: float
    longitude_deg: float
    height_m: float
    slope_deg: float | None
    mast_m: float
    grade: Grade
    terrain: str = Field(description="The heights behind it, finest first.")
    resolution_m: float
    average_illumination: float = Field(description="Time-mean fraction of the solar disc in view [1].")
    percent_lit: float = Field(description="Fraction of time with any part of the disc in view [1].")
    longest_dark_d: float
    longest_dark_start_utc: str | None
    longest_dark_stop_utc: str | None
    longest_light_d: float
    earth_visible: float = Field(description="Fraction of time with any part of the Earth in view [1].")
    longest_earth_outage_d: float
    longest_dark_without_earth_d: float
    published: tuple[PublishedValue, ...] = ()


class OrbitRow(Result):
    """Light and darkness in a lunar orbit."""

    perilune_altitude_km: float
    apolune_altitude_km: float
    inclination_deg: float
    period_h: float
    average_illumination: float
    longest_dark_h: float
    longest_dark_start_utc: str | None
    dark_per_orbit_max_min: float
    earth_visible: float
    longest_earth_outage_h: float
    source: str


class RankRow(Result):
    """A site's place in the comparison."""

    site: str
    score: float
    parts: dict[str, float]
    weights: dict[str, float] = Field(default_factory=dict, description="Weights of the criteria, summing to 1.")
    first_share: float = Field(description="Fraction of the tried weights with which it comes first [1].")
    place_5: int | None = Field(default=None, description="Its place with random weights, 5th percentile.")
    place_95: int | None = Field(default=None, description="Its place with random weights, 95th percentile.")
    dominated_by: tuple[str, ...] = Field(
        default=(), description="Sites that are as good or better in everything; empty on the Pareto front."
    )
    overtakes: dict[str, float | None] = Field(
        default_factory=dict,
        description="Weight of each criterion at which it draws level with the first, others in proportion.",
    )


class MonthRow(Result):
    """One lunar month at the baseline, from local solar midnight to midnight; in orbit a mean lunation."""

    start_utc: str
    stop_utc: str
    average_illumination: float
    longest_dark_d: float


class EclipseSummary(Result):
    """Eclipses of the Sun by the Earth in the period."""

    count: int
    longest_h: float
    next_utc: str | None


class SiteResult(Result):
    """Phase "site": light, darkness and Earth of the baseline and the candidates, or of the orbit."""

    kind: Literal["surface", "orbit"]
    baseline: str
    grade: Grade
    start_utc: str
    stop_utc: str
    step_s: float
    rows: tuple[LightRow, ...] = ()
    orbit: OrbitRow | None = None
    ranking: tuple[RankRow, ...] = ()
    worst_month: MonthRow
    eclipses: EclipseSummary


class LegRow(Result):
    """One velocity change of a chain."""

    leg: str
    delta_v_m_s: float
    mass_after_kg: float
    method: str
    source: str


class ChainRow(Result):
    """A mission's chain from trans-lunar injection to where it ends."""

    mission: str
    name: str
    launcher: str | None
    transfer: str | None
    status: str
    start_mass_kg: float | None
    start_mass_basis: str
    legs: tuple[LegRow, ...]
    delta_v_m_s: float | None
    end_mass_kg: float | None
    end_mass_low_kg: float | None
    end_mass_high_kg: float | None
    published_end_mass_kg: float | None
    payload_bound_kg: float | None
    note: str = ""


class FlightResult(Result):
    """Phase "flight": the velocity changes and landed mass of each mission."""

    chains: tuple[ChainRow, ...]


class LoadRow(Result):
    """One consumer on the station's bus."""

    element: str
    name: str
    owner: str
    light_w: float
    dark_w: float
    margin: float
    light_with_margin_w: float
    dark_with_margin_w: float


class StorageRow(Result):
    """Storage for the worst cumulative deficit of energy in one variant."""

    variant: str
    mast_m: float
    load_light_w: float
    load_dark_w: float
    required_wh: float = Field(description="Nameplate that survives the worst cumulative deficit [Wh].")
    installed_wh: float
    margin_wh: float
    margin: float | None = Field(description="Margin over requirement [1].")
    longest_dark_d: float
    longest_dark_only_wh: float = Field(
        description="Nameplate that the longest darkness alone would ask for [Wh]."
    )
    deficit_start_utc: str | None
    deficit_stop_utc: str | None
    mass_kg: float
    sustainable: bool = Field(description="False where sources do not carry the load even on average.")


class MassRow(Result):
    """An element in the mass budget."""

    element: str
    name: str
    owner: str
    mission: str
    count: int
    maturity: str
    mass_kg: float | None
    margin: float
    mass_with_margin_kg: float | None
    low_kg: float | None
    high_kg: float | None
    confidence: str


class MassCheckRow(Result):
    """A mission's elements with margins against what its launcher and its chain can bring."""

    mission: str
    name: str
    elements_with_margin_kg: float
    delivered_kg: float | None
    delivered_margin_kg: float | None
    launch_mass_kg: float | None
    launch_capacity_kg: float | None
    launch_margin_kg: float | None


class SensitivityRow(Result):
    """What one assumption does to the storage margin."""

    assumption: str
    text: str
    confidence: str
    source: str
    parameter: str | None
    value: float | None
    low: float | None
    high: float | None
    margin_low_wh: float | None = Field(description="Storage margin with the low value [Wh].")
    margin_high_wh: float | None = Field(description="Storage margin with the high value [Wh].")
    effect_wh: float | None = Field(description="Largest change of the storage margin [Wh].")


class DesignResult(Result):
    """Phase "design": loads, storage, masses, and what the assumptions do to them."""

    statements: tuple[str, ...] = Field(description="What the sizing takes for granted.")
    carried_load_w: float | None = Field(description="Mean load that the installed storage could carry [W].")
    load_mean_w: float = Field(description="Mean load with margins over the period [W].")
    loads: tuple[LoadRow, ...]
    load_light_w: float
    load_dark_w: float
    storage: tuple[StorageRow, ...]
    masses: tuple[MassRow, ...]
    mass_checks: tuple[MassCheckRow, ...]
    sensitivity: tuple[SensitivityRow, ...]


class LaunchRow(Result):
    """A launch in the manifest."""

    mission: str
    name: str
    owner: str
    status: str
    launcher: str | None
    launch: str
    year: int
    launch_mass_kg: float | None
    capacity_kg: float | None
    margin_kg: float | None
    landed_mass_kg: float | None
    landed_basis: str
    payload_mass_kg: float | None
    payload_basis: str
    note: str = ""


class YearRow(Result):
    """Launches and masses of a year."""

    year: int
    launches: int
    launched_kg: float
    landed_kg: float
    payload_kg: float
    unknown: int = Field(description="Launches of which some mass is not known.")


class GanttRow(Result):
    """A bar of the build order."""

    element: str
    name: str
    owner: str
    kind: Literal["transit", "waiting", "commissioning", "operation"]
    start: str
    stop: str | None = Field(description="Null where no end is stated.")
    requires: tuple[str, ...]


class CapabilityRow(Result):
    """What the station can do from a date on."""

    date: str
    cause: tuple[str, ...]
    elements: int
    station_power_w: float
    mass_kg: float
    objectives: int


class IssueRow(Result):
    """Something that does not fit: where and why."""

    severity: Literal["error", "warning", "note"]
    place: str
    text: str


class BuildResult(Result):
    """Phase "build": manifest, build order, capability by date, and what conflicts."""

    launches: tuple[LaunchRow, ...]
    years: tuple[YearRow, ...]
    gantt: tuple[GanttRow, ...]
    capability: tuple[CapabilityRow, ...]
    conflicts: tuple[IssueRow, ...]


class ApprovalRow(Result):
    """What approvals an element or mission has, and which are missing."""

    kind: Literal["element", "mission"]
    id: str
    name: str
    owner: str
    needed: tuple[str, ...]
    given: tuple[str, ...]
    missing: tuple[str, ...]


class AgreementRow(Result):
    """The state of an agreement on the study's date."""

    agreement: str
    name: str
    in_force: bool
    missing: tuple[str, ...] = Field(description="The steps that are missing, by party.")


class ShareRow(Result):
    """A partner's share of the landed mass."""

    partner: str
    name: str
    mass_kg: float
    share: float
    share_low: float | None
    share_high: float | None


class ObjectiveRow(Result):
    """A science objective and what serves it."""

    objective: str
    name: str
    area: str
    status: Literal["served", "planned", "proposed", "orphaned", "open"]
    instruments: tuple[str, ...]
    missions: tuple[str, ...]


class PartnersResult(Result):
    """Phase "partners": agreements, approvals, shares and objectives."""

    as_of_utc: str
    agreements: tuple[AgreementRow, ...]
    approvals: tuple[ApprovalRow, ...]
    shares: tuple[ShareRow, ...]
    objectives: tuple[ObjectiveRow, ...]


class BalanceRow(Result):
    """The energy of one power system over the simulated period."""

    subject: str
    supplied_wh: float
    used_wh: float
    spilled_wh: float
    shed_wh: float
    lost_wh: float
    residual_relative: float
    lowest_charge: float | None = Field(description="Lowest state of charge [1].")
    lowest_charge_utc: str | None


class DormancyRow(Result):
    """A machine's wake or sleep on one lunar day."""

    vehicle: str
    name: str
    lunar_day: int
    event: Literal["wake", "sleep"]
    utc: str
    sun_elevation_deg: float
    basis: str


class ContactRow(Result):
    """Contact of the station with one antenna on Earth in the simulated period."""

    station: str
    name: str
    hours_per_day: float
    share: float
    longest_gap_h: float


class LinkRow(Result):
    """A link of the plan and its margin."""

    link: str
    name: str
    rate_bit_s: float
    margin_db: float | None
    missing: tuple[str, ...]


class OperateResult(Result):
    """Phase "operate": the station simulated, the sleep of its machines, and its contacts."""

    start_utc: str
    stop_utc: str
    year_start_utc: str = Field(description="The year that is shown in detail: that of the worst deficit.")
    year_stop_utc: str
    balances: tuple[BalanceRow, ...]
    events: dict[str, int] = Field(description="Events counted by kind.")
    dormancy: tuple[DormancyRow, ...]
    dormancy_notes: tuple[str, ...]
    contacts: tuple[ContactRow, ...]
    links: tuple[LinkRow, ...]
    coldest_surface_k: float | None
    warmest_surface_k: float | None


class Verdict(Result):
    """The answer to one question, in a line."""

    id: str
    question: str
    answer: str
    closes: bool | None = Field(description="Whether it closes; null where the question is not of that kind.")
    margin: str = Field(default="", description="By how much.")
    limit: str = Field(default="", description="What limits it.")
    grade: Grade


class Comparison(Result):
    """One case of the self-test against a number from outside."""

    case: str
    expected: str
    obtained: str
    tolerance: str
    passes: bool
    source: str


class ProvenanceRow(Result):
    """Where a number comes from."""

    quantity: str
    model: str
    inputs: str
    source: str


class KernelRow(Result):
    """A kernel file that was read."""

    name: str
    kind: str
    sha256: str


class PlanRecord(Result):
    """The plan that was studied."""

    id: str
    title: str
    summary: str
    version: str
    sha256: str
    station: str


class FindingRow(Result):
    """A finding across rooms."""

    severity: Literal["error", "warning", "note"]
    code: str
    place: str
    text: str


class StudyRecord(Result):
    """The whole record of a study, the content of ``study.json``."""

    format: Literal["moonpost-study/1"] = "moonpost-study/1"
    created_utc: str
    versions: dict[str, str]
    plan: PlanRecord
    kernels: tuple[KernelRow, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[FindingRow, ...]
    site: SiteResult
    flight: FlightResult
    design: DesignResult
    build: BuildResult
    partners: PartnersResult
    operate: OperateResult
    self_test: tuple[Comparison, ...]
    provenance: tuple[ProvenanceRow, ...]


def study_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of ``study.json``.

    Examples
    --------
    >>> study_schema()["properties"]["format"]["const"]
    'moonpost-study/1'
    """
    schema = StudyRecord.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Moonpost study"}
