"""Plans with machines of every kind, and light to run them in, for the tests of the simulation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from moonpost.plan.model import Plan

SOURCED = {"source": "test", "confidence": "C"}
LUNAR_DAY_S = 29.530589 * 86_400.0


def element(name, mission="first", **fields):
    return {"id": name, "name": name, "owner": "a", "kind": "power", "mission": mission, "maturity": "flown"} | (
        SOURCED | fields
    )


def modes(light_w, dark_w, *, data=(0.0, 0.0), heat=(0.0, 0.0)):
    return [
        {"name": "on", "when": "light", "power_w": light_w, "data_bit_s": data[0], "heat_w": heat[0]},
        {"name": "off", "when": "dark", "power_w": dark_w, "data_bit_s": data[1], "heat_w": heat[1]},
    ]


def solar(rated_w, mount="two-axis", mast_m=2.0, **fields):
    return {"kind": "solar", "rated_w": rated_w, "mount": mount, "mast_m": mast_m} | fields


def battery(capacity_wh, **fields):
    plain = {"depth_of_discharge": 1.0, "charge_efficiency": 1.0, "discharge_efficiency": 1.0}
    return plain | {"capacity_wh": capacity_wh} | fields


def plan_of(elements, missions=(), **design):
    rules = {"start": "2035", "dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0}
    mission = {"kind": "cargo", "status": "planned", "owner": "a", "site": "plain"} | SOURCED
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "plain", "masts_m": [2.0]}
            | SOURCED,
            "design": rules | SOURCED | design,
            "partners": [{"id": "a", "name": "A", "kind": "agency", "role": "founder"} | SOURCED],
            "sites": [{"id": "plain", "name": "Plain", "latitude_deg": -45.0, "longitude_deg": 0.0} | SOURCED],
            "missions": [
                {"id": "first", "name": "First", "launch": "2030"} | mission,
                *({"name": m["id"]} | mission | m for m in missions),
            ],
            "elements": elements,
        }
    )


def sun_at(days, step_s=3600.0, start="2035-01-01", latitude_deg=-45.0):
    """The Sun over a plain: a circle round the pole of the sky once in a lunar day."""
    count = round(days * 86_400.0 / step_s)
    seconds = np.arange(count) * step_s
    angle = 2.0 * np.pi * seconds / LUNAR_DAY_S
    lat = np.radians(latitude_deg)
    elevation = np.degrees(np.arcsin(np.clip(np.cos(lat) * np.sin(angle), -1.0, 1.0)))
    return SimpleNamespace(
        time=np.datetime64(start, "ms") + (np.arange(count) * round(1000 * step_s)).astype("timedelta64[ms]"),
        azimuth_deg=np.degrees(angle) % 360.0,
        elevation_deg=elevation,
        distance_m=np.full(count, 149_597_870_700.0),
    )


def light_of(sun, mast_m=2.0):
    return {mast_m: np.clip(sun.elevation_deg / 0.53 + 0.5, 0.0, 1.0)}


def ground_of(sun):
    """Ground between 95 and 330 K."""
    height = np.maximum(np.sin(np.radians(sun.elevation_deg)), 0.0)
    return 95.0 + 235.0 * height**0.25


def daily_windows(sun, hours=(2.0, 8.0)):
    days = np.arange(sun.time[0].astype("datetime64[D]"), sun.time[-1].astype("datetime64[D]") + 1)
    begin, end = (np.timedelta64(round(3600 * h), "s") for h in hours)
    return np.stack([days.astype("datetime64[ms]") + begin, days.astype("datetime64[ms]") + end], axis=1)


ROVER = element(
    "rover",
    modes=modes(90.0, 6.0, data=(20_000.0, 50.0), heat=(5.0, 0.0)),
    generators=[solar(260.0), {"kind": "radioisotope", "electric_w": 2.5, "thermal_w": 20.0}],
    storage=battery(900.0, charge_efficiency=0.95, discharge_efficiency=0.93, charge_w=120.0, modules=4,
                    charge_min_k=263.0, self_discharge_per_day=0.001),
    thermal={"capacity_j_k": 60_000.0, "radiator_m2": 0.35, "closed_fraction": 0.2, "sunlit_m2": 0.02,
             "ground_w_k": 0.05, "electric_fraction": 0.8, "heater_w": 12.0},
    dormancy={"wake_sun_deg": 8.0, "sleep_sun_deg": 5.0, "wake_stored": 0.2, "sleep_stored": 0.1},
    recorder={"capacity_bit": 4e9, "downlink_bit_s": 60_000.0, "downlink_w": 15.0},
)  # fmt: skip
STATION = (
    element("plant", bus="station", priority=1, modes=modes(150.0, 120.0),
            generators=[solar(2500.0, "vertical-tracking")],
            storage=battery(80_000.0, charge_efficiency=0.9, discharge_efficiency=0.9, fade_per_year=0.02,
                            fade_per_cycle=0.0001, modules=6, discharge_w=400.0)),
    element("lab", bus="station", priority=5, count=2, converter_efficiency=0.9,
            modes=modes(180.0, 60.0, data=(1e5, 1e4)),
            thermal={"capacity_j_k": 200_000.0, "radiator_m2": 0.7, "closed_fraction": 0.2, "heater_w": 90.0,
                     "sunlit_m2": 0.05},
            recorder={"capacity_bit": 2e10, "downlink_bit_s": 1e6}),
    element("isru", bus="station", priority=9, modes=modes(700.0, 40.0), tanks=[
        {"name": "oxygen", "capacity_kg": 40.0, "flows_kg_s": {"on": 1.2e-5, "off": -6e-6}},
        {"name": "hydrogen", "capacity_kg": 9.0, "initial_kg": 9.0, "flows_kg_s": {"on": -2e-6}},
    ]),
)  # fmt: skip


def whole_plan(**design):
    """A rover on its own and a station with a plant, laboratories and an oxygen plant."""
    return plan_of([*STATION, ROVER], bus_efficiency=0.92, **design)
