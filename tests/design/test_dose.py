"""Radiation on the surface: the integral over the spectrum done again, limits and order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from moonpost.design.dose import cosmic_ray_dose, solar_event_dose, surface_dose
from moonpost.errors import InputError


@pytest.mark.parametrize("shield_kg_m2", [5.0, 10.0, 27.0, 100.0, 300.0])
def test_the_solar_dose_is_the_integral_over_energy(shield_kg_m2) -> None:
    depth, a, p = 0.1 * shield_kg_m2, 2.91e-3, 1.768
    cut = (depth / a) ** (1 / p)

    def per_range(left):
        # Over the range that is left [g/cm2]: dose is fluence per energy times dE/dR at entry, times dE' as
        # stopped.
        energy = ((depth + left) / a) ** (1 / p)
        fluence = 7.9e9 / 26.5 * math.exp((30.0 - energy) / 26.5)
        entry = energy / (p * (depth + left))
        stopping = (left / a) ** (1 / p) / (p * left)
        return fluence * entry * stopping

    # The stopping power goes as R^(1/p - 1): substitute R = s^2.
    found, _ = quad(lambda s: per_range(s * s) * 2 * s, 0.0, math.sqrt(2000.0), limit=400, epsabs=0.0, epsrel=1e-9)
    assert solar_event_dose(shield_kg_m2)[0] == pytest.approx(0.5 * 1.602e-10 * found, rel=2e-3)
    assert cut > 10.0


@given(st.floats(1.0, 1000.0), st.floats(1.01, 5.0))
def test_more_shield_never_lets_more_of_an_event_through(shield_kg_m2, factor) -> None:
    assert solar_event_dose(shield_kg_m2 * factor)[0] < solar_event_dose(shield_kg_m2)[0]


def test_the_open_sky_gives_twice_the_dose_and_tissue_takes_more() -> None:
    half, whole = solar_event_dose(20.0), solar_event_dose(20.0, half_sky=False)
    assert whole[0] == pytest.approx(2 * half[0])
    assert half[1] / half[0] == pytest.approx(1.28)
    assert solar_event_dose(20.0, scale=0.0) == (0.0, 0.0)


def test_cosmic_rays_rise_a_little_below_ground_and_then_fall() -> None:
    depth_m = np.linspace(0.0, 3.0, 301)
    dose = np.array([cosmic_ray_dose(1800.0 * z)[1] for z in depth_m])
    top = int(np.argmax(dose))
    assert 0.05 < depth_m[top] < 0.6
    assert 1.0 < dose[top] / dose[0] < 1.2
    assert dose[-1] < 0.06 * dose[0]


def test_the_sum_over_years_and_its_margin() -> None:
    found = surface_dose(10.0, 27.0, events=2.0, activity=0.0, tolerance_gy=50.0)
    assert found.cosmic_gy == pytest.approx(10 * cosmic_ray_dose(27.0)[0])
    assert found.solar_gy == pytest.approx(2 * solar_event_dose(27.0)[0])
    assert found.margin == pytest.approx(50.0 / found.total_gy)
    assert set(found.to_dict()) >= {"total_gy", "margin", "cosmic_sv"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: cosmic_ray_dose(-1.0),
        lambda: cosmic_ray_dose(0.0, activity=2.0),
        lambda: solar_event_dose(0.0),
        lambda: solar_event_dose(1.0, scale=math.nan),
        lambda: surface_dose(math.inf),
        lambda: surface_dose(1.0, tolerance_gy=-1.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call) -> None:
    with pytest.raises(InputError):
        call()
