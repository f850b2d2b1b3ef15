"""Noise in the beam and loss by aim, against integrals and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.comms.noise import (
    air_loss_db,
    air_noise_k,
    beam_width_deg,
    disc_noise_k,
    disc_share,
    pointing_loss_db,
    sun_brightness_k,
)
from moonpost.errors import InputError


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.05, 0.6), st.floats(0.05, 2.0))
def test_the_share_is_the_integral_over_the_disc(offset: float, radius: float, width: float) -> None:
    edge = np.linspace(-radius, radius, 802)
    middle = (edge[1:] + edge[:-1]) / 2.0
    x, y = np.meshgrid(middle, middle)
    beam = np.exp(-4.0 * np.log(2.0) * ((x - offset) ** 2 + y**2) / width**2)
    whole = np.pi * width**2 / (4.0 * np.log(2.0))
    direct = beam[x**2 + y**2 <= radius**2].sum() * (edge[1] - edge[0]) ** 2 / whole
    assert float(disc_share(offset, radius, width)) == pytest.approx(direct, abs=4e-3)


def test_limits() -> None:
    assert disc_share(0.0, 0.26, 1e-3) == 1.0
    assert disc_share(5.0, 0.26, 1e-3) == 0.0
    # A beam far wider than the disc takes the ratio of their areas.
    assert float(disc_share(0.0, 0.26, 20.0)) == pytest.approx(4.0 * np.log(2.0) * (0.26 / 20.0) ** 2, rel=1e-3)
    # A narrow beam on the rim sees the disc with a half.
    assert float(disc_share(0.26, 0.26, 0.01)) == pytest.approx(0.5, abs=0.02)
    assert float(disc_noise_k(250.0, 0.0, 0.26, 1e-3, 1.0)) == 250.0
    assert float(pointing_loss_db(0.0, 1.0)) == 0.0
    assert air_noise_k(0.0) == 0.0
    assert float(air_noise_k(100.0)) == pytest.approx(275.0)


def test_bad_numbers() -> None:
    for call in (
        lambda: beam_width_deg(0.0, 1e9),
        lambda: beam_width_deg(1.0, np.nan),
        lambda: pointing_loss_db(0.3, 0.2),
        lambda: disc_share(-1.0, 0.2, 0.1),
        lambda: disc_share("wide", 0.2, 0.1),
        lambda: disc_noise_k(250.0, 0.0, 0.2, 0.1, 1.5),
        lambda: sun_brightness_k(0.4e9),
        lambda: sun_brightness_k(90e9),
        lambda: air_loss_db(0.2),
        lambda: air_loss_db(91.0),
        lambda: air_noise_k(-1.0),
    ):
        with pytest.raises(InputError):
            call()
