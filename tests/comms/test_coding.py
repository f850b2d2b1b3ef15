"""Modes and thresholds: bounds of information theory, and the choice of the fastest mode."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.comms import CCSDS, DVB_S2, Mode, best_mode, coding, modes_of_rates, modes_of_symbol_rate
from moonpost.errors import InputError, UnknownNameError


def binary_limit_db(rate: float) -> float:
    """Least energy per bit at which any code of a rate works on two-phase signals, by bisection."""
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()

    def capacity(ebn0_db: float) -> float:
        snr = 2.0 * rate * 10.0 ** (ebn0_db / 10.0)
        return float(1.0 - weight @ np.log2(1.0 + np.exp(-2.0 * (snr + math.sqrt(snr) * node))))

    low, high = -2.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if capacity(middle) < rate else (low, middle)
    return high


def test_the_bound_itself() -> None:
    # Known limits of two-phase signals (Lin and Costello 2004, Error control coding, table 1.4): 0.187 dB at 1/2.
    assert binary_limit_db(0.5) == pytest.approx(0.187, abs=0.01)
    assert binary_limit_db(1.0 / 3.0) == pytest.approx(-0.496, abs=0.01)


@pytest.mark.parametrize("row", [row for row in CCSDS if row.name != "uncoded"], ids=lambda row: row.name)
def test_no_code_beats_the_channel(row) -> None:
    above = row.required_ebn0_db - binary_limit_db(row.efficiency_bit_symbol / 2.0)
    assert 0.5 < above < (4.6 if row.name == "convolutional" else 2.7)


def test_without_a_code() -> None:
    need = 10.0 ** (coding("uncoded").required_ebn0_db / 10.0)
    assert 0.5 * math.erfc(math.sqrt(need)) == pytest.approx(1e-5, rel=0.1)


@pytest.mark.parametrize("row", DVB_S2, ids=lambda row: row.name)
def test_dvb_s2_keeps_off_the_bound_of_shannon(row) -> None:
    bound_db = 10.0 * math.log10(2.0**row.efficiency_bit_symbol - 1.0)
    # The bound is for signals of any shape; phases alone near their full rate (8PSK 9/10) stand 3.7 dB off it.
    assert 0.6 < row.required_esn0_db - bound_db < 3.8


def test_the_fastest_mode_that_works_is_taken() -> None:
    modes = modes_of_symbol_rate(1e6)
    density = np.linspace(50.0, 80.0, 301)
    rate, index = best_mode(density, modes, margin_db=1.0)
    for value, got, k in zip(density, rate, index, strict=True):
        working = [mode.rate_bit_s for mode in modes if mode.required_db_hz + 1.0 <= value]
        assert got == max(working, default=0.0)
        assert (k == -1) == (not working)
        assert not working or modes[k].rate_bit_s == got


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(1e3, 1e8), st.sampled_from(CCSDS + DVB_S2)), min_size=1, max_size=8),
    st.floats(20.0, 110.0),
    st.floats(0.0, 6.0),
)
def test_any_set_of_modes(rows, density: float, margin: float) -> None:
    modes = [Mode(rate, scheme) for rate, scheme in rows]
    rate, index = best_mode(density, modes, margin_db=margin)
    working = [mode.rate_bit_s for mode in modes if mode.required_db_hz + margin <= density]
    assert float(rate) == max(working, default=0.0)
    assert (int(index) >= 0) == bool(working)


def test_bad_modes() -> None:
    for call in (
        lambda: best_mode(50.0, []),
        lambda: best_mode(np.nan, modes_of_rates(1e3, CCSDS[0])),
        lambda: modes_of_rates([], CCSDS[0]),
        lambda: modes_of_rates([-1.0], CCSDS[0]),
        lambda: modes_of_symbol_rate(1e6, ()),
        lambda: modes_of_symbol_rate(np.nan),
    ):
        with pytest.raises(InputError):
            call()
    with pytest.raises(UnknownNameError, match="turbo 1/2"):
        coding("turbo 1/22")
