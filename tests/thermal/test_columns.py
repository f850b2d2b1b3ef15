"""Conduction in columns: closed forms, conservation, refinement and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.thermal import HAYNE_2017, LUNAR_DAY_S, Grid, RegolithProperties, absorbed_sunlight_w_m2, conduct

SIGMA = 5.670374419e-8
STEPS = 360


def day_flux(latitude_deg: float, steps: int = STEPS) -> np.ndarray:
    angle = 2 * np.pi * (np.arange(steps) + 0.5) / steps
    return absorbed_sunlight_w_m2(np.cos(np.deg2rad(latitude_deg)) * np.cos(angle))


def test_heat_that_enters_is_heat_that_is_stored() -> None:
    columns = conduct(np.stack([day_flux(lat) for lat in (0.0, 45.0, 85.0)]), LUNAR_DAY_S / STEPS)
    mean_absorbed = day_flux(85.0).mean()
    assert columns.heat_residual_w_m2 < 1e-6 * mean_absorbed
    assert columns.flux_error_w_m2 < 1e-4


@settings(max_examples=10, deadline=None)
@given(flux=st.floats(1.0, 1300.0))
def test_constant_flux_gives_the_radiative_balance_and_the_geothermal_gradient(flux: float) -> None:
    columns = conduct(np.full(48, flux), LUNAR_DAY_S / 48)
    balance_k = ((flux + HAYNE_2017.geothermal_w_m2) / (HAYNE_2017.emissivity * SIGMA)) ** 0.25
    np.testing.assert_allclose(columns.surface_k, balance_k, rtol=1e-4)
    assert (np.diff(columns.mean_k[0]) > 0).all()


def test_linear_ground_follows_the_damped_wave() -> None:
    # Constant properties and a small wave about 250 K: amplitude falls by exp(-z / skin depth).
    ground = RegolithProperties(
        surface_density_kg_m3=1500.0 - 1e-9,
        deep_density_kg_m3=1500.0,
        surface_conductivity_w_m_k=2e-3,
        deep_conductivity_w_m_k=2e-3,
        radiative_ratio=0.0,
        heat_capacity=(600.0, 0.0, 0.0, 0.0, 0.0),
        geothermal_w_m2=0.0,
    )
    steps = 2880
    base = ground.emissivity * SIGMA * 250.0**4
    flux = base * (1.0 + 0.02 * np.sin(2 * np.pi * (np.arange(steps) + 0.5) / steps))
    omega = 2 * np.pi / LUNAR_DAY_S
    columns = conduct(flux, LUNAR_DAY_S / steps, properties=ground, grid=Grid.growing(0.002, 0.1, 2.0))
    inertia = np.sqrt(2e-3 * 1500.0 * 600.0)
    radiative = 4 * ground.emissivity * SIGMA * 250.0**3
    expected = 0.02 * base / abs(radiative + inertia * np.sqrt(omega) * np.exp(0.25j * np.pi))
    amplitude = 0.5 * (columns.surface_k.max() - columns.surface_k.min())
    assert amplitude == pytest.approx(expected, rel=0.01)


def test_many_columns_give_what_each_gives_alone() -> None:
    fluxes = np.stack([day_flux(lat) for lat in (10.0, 70.0)])
    together = conduct(fluxes, LUNAR_DAY_S / STEPS)
    for flux, surface in zip(fluxes, together.surface_k, strict=True):
        alone = conduct(flux, LUNAR_DAY_S / STEPS)
        np.testing.assert_allclose(alone.surface_k[0], surface, atol=0.02)


def test_step_and_grid_refinement_converge() -> None:
    def key(steps: int, grid: Grid) -> np.ndarray:
        columns = conduct(day_flux(0.0, steps), LUNAR_DAY_S / steps, grid=grid)
        surface = columns.surface_k[0]
        return np.array([surface.max(), surface.min(), surface.mean(), columns.mean_at_k(0.83)[0]])

    fine = key(2880, Grid.growing(0.001, 0.05))
    steps = [np.abs(key(n, Grid.growing(0.001, 0.05)) - fine).max() for n in (180, 360, 720)]
    assert steps[0] > steps[1] > steps[2]
    assert steps[2] < 0.15
    cells = [
        np.abs(key(2880, Grid.growing(first, growth)) - fine).max()
        for first, growth in ((0.016, 0.4), (0.004, 0.2))
    ]
    assert cells[0] > cells[1]
    assert cells[1] < 0.15


def test_warm_start_does_not_matter() -> None:
    coarse = conduct(day_flux(30.0), LUNAR_DAY_S / STEPS, flux_tolerance_w_m2=1e-3)
    strict = conduct(day_flux(30.0), LUNAR_DAY_S / STEPS, flux_tolerance_w_m2=1e-6)
    assert strict.cycles > coarse.cycles
    np.testing.assert_allclose(coarse.surface_k, strict.surface_k, atol=0.05)
    np.testing.assert_allclose(coarse.mean_k, strict.mean_k, atol=0.5)


@pytest.mark.parametrize(
    ("flux", "said"),
    [
        ([np.nan, 1.0], "NaN or negative"),
        ([-1.0, 1.0], "NaN or negative"),
        ([0.0, 0.0], "absorbs nothing"),
        ([], "not \\(columns, steps\\)"),
        (np.ones((2, 2, 2)), "not \\(columns, steps\\)"),
        (["a"], "not an array"),
    ],
)
def test_flux_that_cannot_be_used(flux: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        conduct(flux, 3600.0)  # type: ignore[arg-type]


def test_other_refusals() -> None:
    with pytest.raises(InputError, match="step"):
        conduct([1.0], -1.0)
    with pytest.raises(InputError, match="no grid"):
        Grid.growing(0.0)
    with pytest.raises(InputError, match="deeper grid"):
        conduct([1.0, 2.0], 3600.0).mean_at_k(99.0)
    with pytest.raises(ModelError, match="not in balance"):
        conduct(day_flux(0.0), LUNAR_DAY_S / STEPS, most_cycles=2)
