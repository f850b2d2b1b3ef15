"""Mass against power: lines that rise, crossings where they cross, and windows shared between loads."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.design import catalogue, crossover, lightest_mix
from moonpost.design.crossover import CHART_FAMILIES
from moonpost.errors import InputError
from moonpost.plan.model import DesignRules

RULES = DesignRules(start="2035", system_margin=0.0, source="test", confidence="C")


def test_lines_rise_and_cross_where_told(stations):
    sun, light = stations.sky(370)
    chart = crossover(RULES, sun, light, power_w=np.geomspace(200.0, 60_000.0, 6))
    for line in chart.mass_kg.values():
        known = [mass for mass in line if np.isfinite(mass)]
        assert known == sorted(known)
    assert chart.mass_kg["radioisotope"][-1] == np.inf
    assert chart.lightest[-1] == "reactor"
    for row in chart.crossings:
        around = crossover(
            RULES, sun, light, power_w=(row.power_w / 1.03, row.power_w * 1.001),
            families=(row.lighter_below, row.lighter_above),
        )  # fmt: skip
        below, above = (around.mass_kg[name] for name in (row.lighter_below, row.lighter_above))
        assert below[0] <= above[0] * 1.002 or below[1] >= above[1] * 0.998
    json.dumps(chart.to_dict(), allow_nan=False)


def test_a_constant_load_is_that_of_a_plan_without_margins(stations):
    sun, light = stations.sky(40)
    plan = stations.plan_of(1000.0, 1000.0, system_margin=0.0)
    chart = crossover(plan.design, sun, light, power_w=(1100.0, 2000.0), families=CHART_FAMILIES)
    mixes = lightest_mix(plan, sun, light, families=CHART_FAMILIES).mixes
    for name, mix in mixes.items():
        mass_kg = np.inf if mix is None else mix.mass_kg
        assert chart.mass_kg[name][0] == pytest.approx(mass_kg, rel=2e-3)


def test_without_night_no_store_is_needed(stations):
    sun, light = stations.sky(20)
    always = {10.0: np.ones(light[10.0].size)}
    chart = crossover(RULES, sun, always, power_w=(1000.0, 9000.0), families=("solar-battery",))
    prices = catalogue()
    lossy = (1.0 - RULES.dust_loss) * RULES.bus_efficiency
    far = (
        (149_597_870_700.0 / 1.5e11) ** 2
        * np.cos(np.radians(1.0))
        * (1 - RULES.array_loss_per_year) ** (20 / 365.25)
    )
    panels = [np.ceil(power / (prices.panel_w * lossy * far)) for power in (1000.0, 9000.0)]
    each = prices.panel_w / prices.array_w_kg
    mast = prices.base_kg + 10.0 * prices.mast_kg_m
    expected = [n * each + mast * np.ceil(n / 10) for n in panels]
    assert chart.mass_kg["solar-battery"] == pytest.approx(expected, rel=2e-3)


def test_bad_input_is_refused(stations):
    sun, light = stations.sky(3)
    for power_w in ((2.0, 1.0), (0.0, 1.0), (1.0, np.nan)):
        with pytest.raises(InputError, match="power_w"):
            crossover(RULES, sun, light, power_w=power_w)
    with pytest.raises(InputError, match="families"):
        crossover(RULES, sun, light, families=("steam",))
    with pytest.raises(InputError):
        crossover(RULES, SimpleNamespace(**{**vars(sun), "distance_m": -sun.distance_m}), light)
