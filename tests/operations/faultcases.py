"""A lander that has everything that can fail, under a Sun that is easy to reason about."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from moonpost.operations.montecarlo import RiskCase
from moonpost.plan import load_plan
from moonpost.plan.elements import (
    Dormancy,
    Mode,
    Radioisotope,
    Reactor,
    Recorder,
    SolarArray,
    Storage,
    Tank,
    ThermalBox,
)

START = np.datetime64("2024-01-01", "ms")
DAY = np.timedelta64(1, "D")
SUBJECT = "ce4-lander"
LUNAR_DAY_H = 708.734


def sky(days: float, step_h: float = 1.0):
    """The Sun over a lunar equator, and whether it is up."""
    hours = np.arange(round(days * 24.0 / step_h)) * step_h
    turn = 2 * np.pi * hours / LUNAR_DAY_H
    elevation = np.rad2deg(np.arcsin(np.sin(turn) * np.cos(np.deg2rad(5.0))))
    sun = SimpleNamespace(
        time=START + np.round(hours * 3_600_000).astype("timedelta64[ms]"),
        azimuth_deg=np.where(np.cos(turn) > 0, 90.0, 270.0) + 0.0 * hours,
        elevation_deg=elevation,
        distance_m=np.full(hours.size, 1.496e11),
    )
    light = (elevation > 0.0).astype(float)
    return sun, light


def everything(**updates):
    """The bundled plan whose Chang'e 4 lander has arrays that turn, box, heater, recorder, tank, strings."""
    plan = load_plan("ilrs")
    lander = plan.element(SUBJECT).model_copy(
        update={
            "modes": (
                Mode(name="work", when="light", power_w=150.0, data_bit_s=20_000.0),
                Mode(name="sleep", when="dark", power_w=10.0),
            ),
            "generators": (
                SolarArray(kind="solar", rated_w=450.0, mount="two-axis", mast_m=2.0),
                Radioisotope(kind="radioisotope", electric_w=6.0, thermal_w=120.0),
            ),
            "storage": Storage(capacity_wh=11_000.0, modules=4, self_discharge_per_day=0.001, fade_per_year=0.01),
            "thermal": ThermalBox(
                capacity_j_k=60_000.0,
                radiator_m2=0.5,
                closed_fraction=0.25,
                sunlit_m2=0.02,
                heater_w=30.0,
                radioisotope_fraction=0.05,
                survive_min_k=233.15,
                survive_max_k=348.15,
                operate_max_k=333.15,
            ),
            "dormancy": Dormancy(wake_sun_deg=4.0, sleep_stored=0.75, wake_stored=0.76, sleep_sun_deg=-2.0),
            "recorder": Recorder(capacity_bit=2e9, downlink_bit_s=200_000.0, downlink_w=20.0),
            "tanks": (Tank(name="water", capacity_kg=50.0, initial_kg=20.0, flows_kg_s={"work": -1e-7}),),
        }
        | updates
    )
    elements = tuple(
        lander if element.id == SUBJECT else element for element in plan.elements if element.id != "yutu-2"
    )
    return plan.model_copy(update={"elements": elements})


def contacts(days: float, every_h: float = 24.0, lasts_h: float = 8.0):
    """A window every so often."""
    starts = START + np.round(np.arange(2.0, days * 24.0, every_h) * 3_600_000).astype("timedelta64[ms]")
    return np.stack([starts, starts + np.timedelta64(round(lasts_h * 3600), "s")], axis=1)


def case_of(days: float, plan=None, **rest) -> RiskCase:
    """The lander's case."""
    sun, light = sky(days)
    return RiskCase(plan or everything(), sun, {2.0: light}, site="ce4-site", contacts=contacts(days), **rest)


def steady(rated_w: float, years: float, sources, load_w: float = 1e6):
    """A machine without store, box or sleep under a constant Sun overhead, that asks for more than it can get."""
    plan = load_plan("ilrs")
    rules = plan.design.model_copy(update={"dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0})
    machine = plan.element(SUBJECT).model_copy(
        update={
            "modes": (Mode(name="work", when="always", power_w=load_w),),
            "generators": sources(rated_w),
            "storage": None,
        }
    )
    others = (element for element in plan.elements if element.id not in (SUBJECT, "yutu-2"))
    hours = np.arange(round(years * 365.25 * 4)) * 6.0
    sun = SimpleNamespace(
        time=START + np.round(hours * 3_600_000).astype("timedelta64[ms]"),
        azimuth_deg=np.zeros(hours.size),
        elevation_deg=np.full(hours.size, 90.0),
        distance_m=np.full(hours.size, 1.495978707e11),
    )
    return (
        plan.model_copy(update={"elements": (*others, machine), "design": rules}),
        sun,
        {2.0: np.ones(hours.size)},
    )


def array(rated_w: float):
    """A level array."""
    return (SolarArray(kind="solar", rated_w=rated_w, mount="horizontal"),)


def reactor(rated_w: float):
    """A reactor that outlives every run."""
    return (Reactor(kind="reactor", electric_w=rated_w, life_years=1000.0),)
