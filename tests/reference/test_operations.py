"""The simulation against numbers from outside the project."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.operations.simulation import simulate

_PATH = Path(__file__).parents[1] / "operations" / "stations.py"
_SPEC = importlib.util.spec_from_file_location("stations", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
stations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stations)

START = np.datetime64("2035-01-01", "ms")
BOX = {"capacity_j_k": 20_000.0, "electric_fraction": 1.0, "operate_min_k": 3.0, "survive_min_k": 2.0,
       "operate_max_k": 900.0, "survive_max_k": 1000.0}  # fmt: skip


def settled(light, **box):
    """Temperature of a box after 2,000 h under steady light [K]."""
    count = 2000
    sun = SimpleNamespace(
        time=START + np.arange(count) * np.timedelta64(3600, "s"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.full(count, 45.0),
        distance_m=np.full(count, 149_597_870_700.0),
    )
    machine = stations.element(
        "machine", modes=stations.modes(0.0, 0.0, heat=(box.pop("heat_w", 0.0),) * 2),
        generators=[stations.solar(1.0)], thermal=BOX | box,
    )  # fmt: skip
    run = simulate(stations.plan_of([machine]), sun, {2.0: np.full(count, light)})
    return float(run.series["box_k"].sel(box="machine").values[-1])


def test_a_black_square_metre_at_300_k_radiates_459_3_w():
    """Stefan-Boltzmann constant of CODATA 2018, 5.670374419e-8 W/m2/K4: 459.30 W hold 300 K.

    Tiesinga et al. (2021), doi:10.1103/RevModPhys.93.025010. Tolerance 1 mK: what 0.01 W of rounding makes.
    """
    assert settled(0.0, radiator_m2=1.0, emissivity=1.0, heat_w=459.3003) == pytest.approx(300.0, abs=1e-3)


def test_a_flat_black_plate_in_the_sun_at_1_au_has_394_k():
    """Subsolar black body at 1 au: 393.6 to 394 K (1360.8 W/m2: 393.6 K).

    Kopp and Lean (2011), doi:10.1029/2010GL045777, give 1360.8 +- 0.5 W/m2; this package takes 1361, 0.015 K more.
    """
    found = settled(1.0, radiator_m2=1.0, emissivity=1.0, sunlit_m2=1.0)
    assert found == pytest.approx((1360.8 / 5.670374419e-8) ** 0.25, abs=0.06)
    assert found == pytest.approx(393.6, abs=0.1)


def test_plutonium_gives_half_its_heat_after_87_7_years():
    """Half-life of Pu-238 87.7 years (Bennett 2006, doi:10.2514/6.2006-4191): a heater unit of 120 W, brought in
    1947, gives 60 W in 2035. Tolerance 0.3 percent: 1947 to 2035 is 88 years, not 87.7.
    """
    count = 48
    sun = SimpleNamespace(
        time=START + np.arange(count) * np.timedelta64(3600, "s"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.zeros(count),
        distance_m=np.full(count, 149_597_870_700.0),
    )
    unit = {"kind": "radioisotope", "thermal_w": 120.0, "half_life_years": 87.7}
    machine = stations.element(
        "machine", "old", modes=stations.modes(1.0, 1.0), generators=[stations.solar(1.0), unit],
        thermal=BOX | {"radiator_m2": 0.3},
    )  # fmt: skip
    plan = stations.plan_of([machine], [{"id": "old", "launch": "1947-01-01"}])
    heat = simulate(plan, sun, {2.0: np.zeros(count)}).heats[0]
    assert heat.radioisotope_wh / count == pytest.approx(60.0, rel=3e-3)
