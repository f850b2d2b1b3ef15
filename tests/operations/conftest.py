"""A small station with rovers, made to order, and a sky to schedule it in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.operations.placements import Setting
from moonpost.operations.simulation import light_heights_m
from moonpost.plan.model import Plan

SOURCED = {"source": "test", "confidence": "C"}
START = np.datetime64("2035-01-01", "ms")


def _element(name, bus="own", **fields):
    row = {"id": name, "name": name, "owner": "a", "kind": "rover", "mission": "first", "maturity": "flown"}
    return row | {"bus": bus} | SOURCED | fields


def _machine(name, *, load_w=(40.0, 10.0), rated_w=400.0, battery_wh=2000.0, data_bit_s=(0.0, 0.0), **fields):
    modes = [
        {"name": "day", "when": "light", "power_w": load_w[0], "data_bit_s": data_bit_s[0]},
        {"name": "night", "when": "dark", "power_w": load_w[1], "data_bit_s": data_bit_s[1]},
    ]
    array = {"kind": "solar", "rated_w": rated_w, "mount": "two-axis", "mast_m": 2.0}
    store = {"capacity_wh": battery_wh, "depth_of_discharge": 0.8}
    return _element(name, modes=modes, generators=[array], storage=store, **fields)


def _activity(name, element, duration_h=2.0, power_w=100.0, **fields):
    row = {"id": name, "name": name, "element": element, "duration_h": duration_h, "power_w": power_w}
    return row | {"every": "earth-day"} | SOURCED | fields


def _plan(elements, activities, **design):
    rules = {"start": "2035", "dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0}
    mission = {"name": "First", "kind": "cargo", "status": "planned", "owner": "a", "site": "ridge"} | SOURCED
    partner = {"kind": "agency", "role": "founder"} | SOURCED
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": rules | SOURCED | design,
            "partners": [{"id": name, "name": name.upper()} | partner for name in ("a", "b")],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.0, "longitude_deg": 0.0} | SOURCED],
            "missions": [
                {"id": "first", "launch": "2030"} | mission,
                {"id": "late", "launch": "2035-01-02"} | mission,
            ],
            "elements": elements,
            "activities": activities,
        }
    )


def _setting(plan, light, *, slot_s=1800.0, contacts=None, lunar_days=()):
    light = np.asarray(light, dtype=np.float64)
    time = START + np.arange(light.size) * np.timedelta64(int(slot_s), "s")
    sun = SimpleNamespace(
        time=time,
        azimuth_deg=np.zeros(light.size),
        elevation_deg=np.where(light > 0.0, 5.0, -5.0),
        distance_m=np.full(light.size, 149_597_870_700.0),
    )
    windows = None
    if contacts is not None:
        hours = np.asarray(contacts, dtype=np.float64).reshape(-1, 2)
        windows = START + (hours * 3.6e6).astype("timedelta64[ms]")
    edges = START + (np.asarray(lunar_days, dtype=np.float64) * 3.6e6).astype("timedelta64[ms]")
    return Setting(
        plan=plan,
        sun=sun,
        light_by_mast=dict.fromkeys(light_heights_m(plan), light),
        contacts=windows,
        lunar_days=edges,
    )


@pytest.fixture(scope="session")
def stage():
    """Makers of machines, activities, plans and settings for schedules."""
    return SimpleNamespace(machine=_machine, activity=_activity, plan=_plan, setting=_setting, start=START)
