"""One number at a time, ranked by what it does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.design import one_at_a_time, size_storage, storage_sensitivity
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import Assumption, load_plan


def assume(name, parameter, low=None, high=None):
    return Assumption(
        id=name, text=f"About {name}.", parameter=parameter, low=low, high=high, source="test", confidence="C"
    )


def test_ranked_by_effect_with_base_and_both_ends():
    plan = load_plan("ilrs")
    rows = [
        assume("little", "design.dust_loss", 0.04, 0.06),
        assume("much", "design.system_margin", 0.0, 0.5),
        assume("nothing", None),
        assume("one-end", "design.years", high=20.0),
    ]
    effects = one_at_a_time(
        plan, rows, lambda p: 100 * p.design.system_margin + p.design.dust_loss + p.design.years
    )
    assert [effect.assumption for effect in effects] == ["much", "one-end", "little"]
    much, one_end, little = effects
    assert much.effect == pytest.approx(100 * (0.5 - plan.design.system_margin))
    assert (one_end.low, one_end.low_result) == (None, None)
    assert one_end.effect == pytest.approx(20.0 - plan.design.years)
    assert little.value == plan.design.dust_loss
    assert all(effect.base_result == much.base_result for effect in effects)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("design.nonsense", UnknownNameError),
        ("elements[nobody].count", UnknownNameError),
        ("design.start", InputError),
        ("design..years", InputError),
    ],
)
def test_a_bad_path_is_named(path, error):
    with pytest.raises(error, match=r"design|elements"):
        one_at_a_time(load_plan("ilrs"), [assume("bad", path, 1.0, 2.0)], lambda _: 0.0)


def test_a_value_that_the_plan_refuses_is_an_error():
    with pytest.raises(InputError, match="system_margin"):
        one_at_a_time(load_plan("ilrs"), [assume("bad", "design.system_margin", -1.0)], lambda _: 0.0)


def test_storage_effects_equal_sizing_the_changed_plan():
    plan = load_plan("ilrs")
    count = 2000
    sun = SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + np.arange(count) * np.timedelta64(3600, "s"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.full(count, 1.0),
        distance_m=np.full(count, 1.5e11),
    )
    asked = []

    def light_at(mast_m):
        asked.append(mast_m)
        return (np.sin(2 * np.pi * np.arange(count) / 708.7) + 0.02 * mast_m > 0.0).astype(float)

    rows = [
        assume("mast", "elements[vertical-array].generators[0].mast_m", 2.0, 20.0),
        assume("battery", "elements[station-battery].storage.capacity_wh", 1e5, 4e5),
    ]
    found = storage_sensitivity(plan, sun, light_at, assumptions=rows, reactors="none")
    effects = {effect.assumption: effect for effect in found}
    assert sorted(asked) == [2.0, 10.0, 20.0]
    assert effects["mast"].low_result < effects["mast"].base_result < effects["mast"].high_result
    base = size_storage(plan, sun, {10.0: light_at(10.0)}, reactors="none")
    assert effects["mast"].base_result == base.margin_wh
    assert effects["battery"].high_result - effects["battery"].low_result == pytest.approx(3e5)
