"""A designed station through 19 years at its real site: it never dips below its reserve, one module fewer does."""

from __future__ import annotations

import json

import pytest

from moonpost.design import prove_mix
from moonpost.study import design_station

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
