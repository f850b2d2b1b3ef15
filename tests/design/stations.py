"""Made-up plans and skies for the tests of this room."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from moonpost.plan.model import Plan

SOURCED = {"source": "test", "confidence": "C"}
MISSION = {"kind": "cargo", "status": "planned", "launch": "2030"} | SOURCED


def plan_of(light_w=2000.0, dark_w=300.0, **more):
    modes = [
        {"name": "work", "when": "light", "power_w": light_w},
        {"name": "sleep", "when": "dark", "power_w": dark_w},
    ]
    element = {"owner": "a", "mission": "first", "maturity": "modified", "bus": "station"} | SOURCED
    battery = {"capacity_wh": 1000.0}
    heater = {"kind": "radioisotope", "electric_w": 0.0, "thermal_w": 100.0}
    elements = [
        {"id": "hut", "name": "Hut", "kind": "habitat", "modes": modes, "generators": [heater]} | element,
        {"id": "old", "name": "Old", "kind": "power", "modes": modes, "storage": battery} | element,
    ]
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": {"start": "2035", "system_margin": 0.2} | SOURCED | more,
            "partners": [{"id": "a", "name": "A", "kind": "agency", "role": "founder"} | SOURCED],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.0, "longitude_deg": 0.0} | SOURCED],
            "missions": [{"id": "first", "name": "First", "owner": "a", "site": "ridge"} | MISSION],
            "elements": elements,
        }
    )


def sky(days=30, seed=0):
    """A made-up polar sky: long dark stretches low down, short ones higher up."""
    hours = np.arange(24 * days)
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * hours / 708.0) + 0.6 * np.sin(2 * np.pi * hours / 97.0 + rng.uniform(0, 6))
    light = {2.0: np.clip(0.3 + wave, 0, 1), 10.0: np.clip(0.9 + wave, 0, 1)}
    sun = SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + hours * np.timedelta64(3600, "s"),
        azimuth_deg=(hours * 0.508) % 360,
        elevation_deg=np.full(hours.size, 1.0),
        distance_m=np.full(hours.size, 1.5e11),
    )
    return sun, light


def small_plan(capacity_wh=1000.0, rated_w=900.0):
    """A plant with an array at 10 m and a battery: 200 W in light, 100 W in the dark."""
    modes = [{"name": "on", "when": "light", "power_w": 200}, {"name": "off", "when": "dark", "power_w": 100}]
    array = {"kind": "solar", "rated_w": rated_w, "mount": "two-axis", "mast_m": 10.0}
    element = {"owner": "a", "kind": "power", "mission": "first", "maturity": "new", "bus": "station"} | SOURCED
    rows = (
        {"id": "plant", "name": "Plant", "modes": modes, "generators": [array]} | element,
        {"id": "battery", "name": "Battery", "storage": {"capacity_wh": capacity_wh}} | element,
    )
    plan = plan_of().model_dump(mode="json")
    return Plan.model_validate(plan | {"elements": rows})
