"""Link budgets against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.comms import achievable_rate_bit_s, dish_gain_dbi, free_space_loss_db, link_budget
from moonpost.errors import InputError
from moonpost.plan import Link

FIGURES = {
    "id": "test",
    "name": "Test",
    "source": "made up",
    "confidence": "C",
    "sender": "a",
    "receiver": "b",
    "frequency_hz": 8.4e9,
    "rate_bit_s": 1.0e6,
    "transmit_power_w": 20.0,
    "transmit_gain_dbi": 18.0,
    "receive_gain_dbi": 44.0,
    "system_temperature_k": 400.0,
    "range_m": 7.9e7,
}


def link(**changes: object) -> Link:
    return Link.model_validate({**FIGURES, **changes})


def test_terms_add_up() -> None:
    budget = link_budget(link())
    eirp = 10 * math.log10(20.0) + 18.0
    loss = 20 * math.log10(4 * math.pi * 7.9e7 * 8.4e9 / 299_792_458.0)
    density = eirp - loss + 44.0 - 10 * math.log10(400.0) - 3.0 - 10 * math.log10(1.380649e-23)
    assert budget.eirp_dbw == pytest.approx(eirp)
    assert budget.carrier_to_noise_db_hz == pytest.approx(density)
    assert budget.ebn0_db == pytest.approx(density - 60.0)
    assert budget.margin_db == pytest.approx(density - 60.0 - 4.5)
    assert budget.received_dbw == pytest.approx(eirp - loss + 44.0 - 3.0)
    assert budget.closes is True
    assert budget.to_dict()["closes"] is True


@given(rate=st.floats(1e3, 1e9), distance=st.floats(1e6, 4e8))
def test_at_the_achievable_rate_the_margin_is_zero(rate: float, distance: float) -> None:
    best = link_budget(link(rate_bit_s=rate, range_m=distance)).achievable_rate_bit_s
    assert best is not None
    assert link_budget(link(rate_bit_s=best, range_m=distance)).margin_db == pytest.approx(0.0, abs=1e-9)
    with_margin = achievable_rate_bit_s(link(rate_bit_s=rate), distance, margin_db=3.0)
    assert link_budget(link(rate_bit_s=float(with_margin), range_m=distance)).margin_db == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("absent", "named"),
    [
        ("transmit_power_w", "transmit_power_w"),
        ("transmit_gain_dbi", "transmit_gain_dbi or transmit_dish_m"),
        ("receive_gain_dbi", "receive_gain_dbi or receive_dish_m"),
        ("system_temperature_k", "system_temperature_k"),
    ],
)
def test_what_is_missing_is_named_and_never_guessed(absent: str, named: str) -> None:
    broken = link(**{absent: None})
    budget = link_budget(broken)
    assert budget.missing == (named,)
    assert (budget.margin_db, budget.closes, budget.achievable_rate_bit_s) == (None, None, None)
    with pytest.raises(InputError, match=named):
        achievable_rate_bit_s(broken, 1e8)


def test_a_dish_stands_in_for_a_gain_and_says_so() -> None:
    budget = link_budget(link(receive_gain_dbi=None, receive_dish_m=4.2), efficiency=0.5)
    assert budget.receive_gain_dbi == pytest.approx(float(dish_gain_dbi(4.2, 8.4e9, 0.5)))
    assert budget.assumptions == ("receive dish of 4.2 m with aperture efficiency 0.5",)
    assert link_budget(link(receive_dish_m=4.2)).receive_gain_dbi == 44.0


def test_half_the_distance_is_6_decibels() -> None:
    far, near = link_budget(link()).margin_db, link_budget(link(), range_m=7.9e7 / 2).margin_db
    assert far is not None
    assert near is not None
    assert near - far == pytest.approx(20 * math.log10(2))


def test_bad_numbers() -> None:
    for call in (
        lambda: free_space_loss_db(0.0, 1.0),
        lambda: free_space_loss_db(1e9, np.nan),
        lambda: dish_gain_dbi(-1.0, 1e9),
        lambda: dish_gain_dbi(1.0, 1e9, 1.5),
        lambda: free_space_loss_db("far", 1.0),
        lambda: link_budget(link(), range_m=-1.0),
    ):
        with pytest.raises(InputError):
            call()
