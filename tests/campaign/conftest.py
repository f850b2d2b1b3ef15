"""A small plan whose dates and masses are easy to reckon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from moonpost.plan import Plan

CITED = {"source": "made for this test", "confidence": "B"}


def mission(name: str, launch: str, **more: Any) -> dict[str, Any]:
    """A cargo mission."""
    given = {"kind": "cargo", "status": "planned", "owner": "cn", "transfer": "land", "launcher": "big", **more}
    return {"id": name, "name": name.title(), "launch": launch, **given, **CITED}


def element(name: str, brought_by: str, mass_kg: float | None = 1000.0, **more: Any) -> dict[str, Any]:
    """An element on the station's bus."""
    given = {"kind": "power", "owner": "cn", "bus": "station", "maturity": "new", **more}
    return {"id": name, "name": name.title(), "mission": brought_by, "mass_kg": mass_kg, **given, **CITED}


BASE: dict[str, Any] = {
    "schema_version": 1,
    "id": "small",
    "title": "Small",
    "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge", **CITED},
    "design": {"start": "2035", **CITED},
    "partners": [
        {"id": "cn", "name": "China", "kind": "state", "role": "founder", **CITED},
        {"id": "ru", "name": "Russia", "kind": "state", "role": "founder", **CITED},
    ],
    "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.5, "longitude_deg": 220.0, **CITED}],
    "launchers": [{"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 10_000.0, **CITED}],
    "delta_v": [
        {"id": "loi", "name": "Insertion", "delta_v_m_s": 950.0, "low_m_s": 800.0, **CITED},
        {"id": "descent", "name": "Descent", "delta_v_m_s": 2030.0, "high_m_s": 2180.0, **CITED},
    ],
    "transfers": [
        {
            "id": "land",
            "name": "Landing",
            "destination": "surface",
            "payload_fraction": 0.3,
            "stages": [{"name": "lander", "legs": ["loi", "descent"], "isp_s": 311.0}],
            **CITED,
        }
    ],
    "objectives": [{"id": "water", "name": "Water", "area": "geology", **CITED}],
}


@pytest.fixture
def plan_of() -> Callable[..., Plan]:
    """Build a plan from missions, elements and anything else."""

    def build(missions: list[dict[str, Any]], elements: list[dict[str, Any]] = [], **more: Any) -> Plan:  # noqa: B006
        return Plan.model_validate({**BASE, "missions": missions, "elements": elements, **more})

    return build


@pytest.fixture
def a_mission() -> Callable[..., dict[str, Any]]:
    """Make a mission's row."""
    return mission


@pytest.fixture
def an_element() -> Callable[..., dict[str, Any]]:
    """Make an element's row."""
    return element
