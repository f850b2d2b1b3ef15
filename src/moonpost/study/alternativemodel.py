"""What a comparison of plans holds: rows with a value, a range and a basis for each plan."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from moonpost.study.results import Result

__all__ = [
    "CurvePoint",
    "LaunchSide",
    "ObjectiveSide",
    "PlanComparison",
    "PlanSide",
    "RiskCurve",
    "SharedLaunch",
    "TradeObjective",
    "TradeRow",
    "TradeValue",
    "comparison_schema",
]

Topic = Literal["science", "darkness", "energy", "contact", "flight", "mass", "launches", "schedule", "risk"]


class TradeValue(Result):
    """A quantity of one plan, with its range and what it rests on."""

    value: float | None = Field(description="Best value; null where it is not known.")
    low: float | None = Field(default=None, description="Low end of its range; null where none is known.")
    high: float | None = Field(default=None, description="High end of its range.")
    text: str = Field(default="", description="What a reader should know of the value.")
    range_of: str = Field(default="", description="What the range covers.")
    rests_on: str = Field(description="Model, inputs and their confidence.")


class TradeRow(Result):
    """One quantity for all plans."""

    id: str
    topic: Topic
    question: str
    unit: str
    better: Literal["more", "less", "neither"] = Field(description="Which way is better.")
    values: tuple[TradeValue, ...] = Field(description="In the order of the plans.")
    ahead: int | None = Field(description="Place of the plan that leads; null if ranges overlap or none leads.")
    why: str = Field(description="Why one leads or none does.")


class ObjectiveSide(Result):
    """How one plan serves an objective."""

    status: Literal["served", "planned", "proposed", "orphaned", "open", "absent"]
    shared: bool = Field(description="Whether an instrument that serves it comes on a shared building launch.")
    alone: bool = Field(description="The same if launches to come that are not shared do not come.")
    published: bool = Field(description="Whether an instrument, its element and mission have published sources.")
    instruments: tuple[str, ...]
    missions: tuple[str, ...]


class TradeObjective(Result):
    """A science objective and how each plan serves it."""

    objective: str
    name: str
    area: str
    sides: tuple[ObjectiveSide, ...]


class LaunchSide(Result):
    """What one plan makes of a launch."""

    launch: str
    transfer: str | None
    place: Literal["surface", "orbit", "unknown"]
    delta_v_m_s: float | None
    delta_v_low_m_s: float | None
    delta_v_high_m_s: float | None
    arrives_kg: float | None
    arrives_low_kg: float | None
    arrives_high_kg: float | None
    elements_kg: float = Field(description="Elements with margins by maturity and system margin [kg].")


class SharedLaunch(Result):
    """A launch that all plans have: same mission, launcher and mass."""

    mission: str
    name: str
    launcher: str | None
    launch_mass_kg: float | None
    building: bool = Field(description="Whether it brings station machines in every plan and its mass is known.")
    sides: tuple[LaunchSide, ...]
    differs: tuple[str, ...] = Field(description="What is not the same, in words.")


class CurvePoint(Result):
    """What a station can do from a date on."""

    date: str
    station_power_w: float
    objectives: int
    mass_kg: float


class PlanSide(Result):
    """One of the plans compared."""

    id: str
    title: str
    version: str
    sha256: str
    station: Literal["surface", "orbit"]
    station_name: str
    folder: str = Field(default="", description="Where its study lies, relative to this file.")
    start_utc: str
    stop_utc: str
    curve: tuple[CurvePoint, ...]
    limits: tuple[str, ...] = Field(description="What its numbers leave out.")


class RiskCurve(Result):
    """Probability over time of one capability of one plan."""

    plan: int
    name: str
    dates: tuple[str, ...]
    probability: tuple[float, ...]
    objectives: tuple[float, ...] = Field(description="Mean number of objectives served.")


class PlanComparison(Result):
    """Plans side by side, the content of ``alternative.json``."""

    format: Literal["moonpost-alternative/1"] = "moonpost-alternative/1"
    created_utc: str
    versions: dict[str, str]
    plans: tuple[PlanSide, ...]
    summary: tuple[str, ...]
    rows: tuple[TradeRow, ...]
    objectives: tuple[TradeObjective, ...]
    launches: tuple[SharedLaunch, ...]
    not_shared: tuple[str, ...] = Field(description="Launches to come that not all plans have, or not alike.")
    risks: tuple[RiskCurve, ...] = ()

    def row(self, name: str) -> TradeRow:
        """The row with this identifier.

        Parameters
        ----------
        name : str
            Such as ``"delta-v"``.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        from moonpost.errors import UnknownNameError

        for row in self.rows:
            if row.id == name:
                return row
        raise UnknownNameError(name, [row.id for row in self.rows], kind="row", where="comparison")


def comparison_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of ``alternative.json``.

    Examples
    --------
    >>> comparison_schema()["properties"]["format"]["const"]
    'moonpost-alternative/1'
    """
    schema = PlanComparison.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Moonpost comparison"}
