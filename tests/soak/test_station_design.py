"""A designed station through 19 years at its real site: it never dips below its reserve, one module fewer does."""

from __future__ import annotations

import dataclasses
import json

import pytest

from moonpost.design import lightest_mix, prove_mix
from moonpost.design.mixplan import storage_needed_wh
from moonpost.design.mixscene import scene_of
from moonpost.plan import load_plan
from moonpost.sky import Almanac, times
from moonpost.study import design_station
from moonpost.terrain import illumination
from moonpost.terrain.profiles import shipped_profile

pytestmark = pytest.mark.soak


def test_nineteen_years_at_the_ridge_for_every_family() -> None:
    found = design_station("ilrs", members=0, prove=True)
    assert found.proof is not None
    assert found.proof.years > 18.99
    for name, mix in found.choice.mixes.items():
        if mix is None:
            continue
        proof = prove_mix(found.plan, found.choice, mix)
        assert proof.holds, name
        assert proof.energy_residual_relative < 1e-6
        if mix.modules:
            assert proof.fewer is not None
            assert proof.tight, name
            assert proof.fewer.dips is not None
            lowest = mix.rated_wh - mix.needed_wh
            assert proof.design.lowest_wh == pytest.approx(lowest, abs=1e-3 * mix.rated_wh)
    json.dumps(found.to_dict(), allow_nan=False)


def test_nineteen_years_with_a_reserve_and_tall_arrays() -> None:
    found = design_station("ilrs", members=0, masts_m=(2.0, 10.0), extent_m=7.0, reserve=0.1, prove=True)
    assert found.proof is not None
    assert found.proof.holds
    assert found.proof.tight


def test_steps_of_ten_minutes_change_the_need_by_a_percent() -> None:
    plan, almanac = load_plan("ilrs"), Almanac.default()
    horizon = shipped_profile(plan.station_sites()[0].id, 10.0)

    def sky(step_s: float):  # type: ignore[no-untyped-def]
        sun = almanac.sun(horizon.site, times("2035-01-01", "2054-01-01", step_s))
        return sun, {10.0: illumination(horizon, sun)}

    found = lightest_mix(plan, *sky(3600.0), families=("solar-battery", "solar-fuel-cell"))
    sun, light = sky(600.0)
    fine = dataclasses.replace(found, scene=scene_of(plan, sun, light))
    for mix in found.mixes.values():
        assert mix is not None
        assert storage_needed_wh(fine, mix, light) == pytest.approx(mix.needed_wh, rel=0.015)
