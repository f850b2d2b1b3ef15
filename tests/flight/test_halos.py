"""Families of periodic orbits: closure, symmetry, stability, names, ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight import cr3bp
from moonpost.flight.halos import (
    halo_family,
    lyapunov_family,
    near_rectilinear,
    retrograde_family,
    stability_of,
)

MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


@given(st.sampled_from(["L1-northern", "L1-southern", "L2-northern", "L2-southern"]), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_halos_of_any_period_close(family: str, share: float) -> None:
    low, high = halo_family(family).period_range
    period = low + share * (high - low)
    orbit = halo_family(family).orbit(period)
    assert orbit.period == period
    assert np.abs(cr3bp.coast(orbit.state, period) - orbit.state).max() < 1e-11
    assert orbit.state[1] == orbit.state[3] == orbit.state[5] == 0.0


@pytest.mark.parametrize("mu", [3.04042e-6, 1e-8, 2.366e-4, 0.04, 0.1085, 0.3, 0.5])
def test_halos_of_other_systems_close(mu: float) -> None:
    for family in ("L1-northern", "L2-southern"):
        low, high = halo_family(family, mu).period_range
        for share in (0.03, 0.5, 0.97):
            period = low + share * (high - low)
            state = cr3bp.halo(family, period=period, mu=mu)
            assert np.abs(cr3bp.coast(state, period, mu) - state).max() < 1e-11


def test_every_member_of_a_period_is_found() -> None:
    family = halo_family("L1-northern")
    orbits = [family.orbit(2.76, member=k) for k in range(3)]
    assert orbits[0].state[2] < orbits[1].state[2] < orbits[2].state[2]
    assert all(np.abs(cr3bp.coast(o.state, 2.76) - o.state).max() < 1e-11 for o in orbits)
    with pytest.raises(InputError, match="give 0 to 2"):
        family.orbit(2.76, member=3)
    with pytest.raises(InputError, match="member"):
        cr3bp.halo("L1-northern", period=2.76, member=-1)


def test_orbits_beside_a_fold_of_the_period() -> None:
    family = halo_family("L1-northern")
    for period in (family.periods.min() + 1e-12, family.periods.min(), family.periods.max()):
        orbit = family.orbit(float(period))
        assert np.abs(cr3bp.coast(orbit.state, orbit.period) - orbit.state).max() < 1e-11


def test_north_and_south_mirror_each_other() -> None:
    north, south = (cr3bp.halo(f"L2-{side}", period=2.0) for side in ("northern", "southern"))
    assert np.array_equal(north * [1, 1, -1, 1, 1, 1], south)
    assert north[2] > 0.0 > south[2]
    orbit = halo_family("L1-northern").orbit(2.0)
    assert np.mean(orbit.states(721)[:, 2]) > 0.0


def test_an_orbit_is_its_own_mirror_image() -> None:
    orbit = halo_family("L2-southern").orbit(1.5)
    times = np.linspace(0.0, 1.5, 31)
    ahead, back = cr3bp.coast(orbit.state, times), cr3bp.coast(orbit.state, -times)
    assert np.abs(back * MIRROR - ahead).max() < 1e-12


@pytest.mark.parametrize(("family", "period"), [("L1-n", 2.75), ("L2-s", 3.3), ("L2-s", 1.5111111), ("L1-s", 1.9)])
def test_multipliers_come_in_reciprocal_pairs(family: str, period: float) -> None:
    orbit = halo_family(family).orbit(period)
    values = np.linalg.eigvals(orbit.monodromy)
    for value in values:
        assert np.abs(values - 1.0 / value).min() < 1e-4
    assert np.linalg.det(orbit.monodromy) == pytest.approx(1.0, abs=1e-6)
    halves = 0.5 * (values + 1.0 / values)
    for index in orbit.stability:
        assert np.abs(halves - index).min() < 1e-5 * abs(index)


def test_half_an_orbit_tells_the_stability_of_the_whole() -> None:
    family = halo_family("L2-northern")
    for k in (3, 20, 40):
        whole = family.orbit(float(family.periods[k])).stability
        assert np.abs(np.sort_complex(whole) - np.sort_complex(family.stability[k])).max() < 1e-6


def test_families_run_without_jumps() -> None:
    for family in (halo_family("L1-n"), halo_family("L2-n"), lyapunov_family("L2"), retrograde_family()):
        steps = np.abs(np.diff(family.states, axis=0)).max(axis=1)
        assert steps.max() < 0.12
        assert np.ptp(family.jacobi) > 0.0
        for k in (1, len(family.members) // 2, len(family.members) - 1):
            end = cr3bp.coast(family.states[k], family.periods[k])
            assert np.abs(end - family.states[k]).max() < 1e-9


def test_the_smallest_lyapunov_orbit_has_the_linear_period() -> None:
    x = cr3bp.lagrange("L1").x
    mu = cr3bp.EARTH_MOON_MU
    pull = mu / abs(x - 1 + mu) ** 3 + (1 - mu) / abs(x + mu) ** 3
    rates = np.roots([1.0, 0.0, 2.0 - pull, 0.0, 1.0 + pull - 2.0 * pull**2])
    linear = 2.0 * np.pi / max(rates.imag)
    assert lyapunov_family("L1").periods[0] == pytest.approx(linear, abs=1e-4)


def test_small_retrograde_orbits_are_circles() -> None:
    orbit = retrograde_family().orbit(0.05)
    radius = orbit.state[0] - 1.0 + orbit.mu
    rate = np.sqrt(orbit.mu / radius**3) + 1.0
    assert orbit.period == pytest.approx(2.0 * np.pi / rate, rel=1e-3)
    assert orbit.farthest / orbit.closest < 1.002
    assert np.abs(orbit.stability.imag).max() < 1e-6
    assert np.abs(orbit.stability.real).max() <= 1.0 + 1e-9


def test_near_rectilinear_orbits_lie_between_stability_changes() -> None:
    for name in ("L1-southern", "L2-southern"):
        upper, lower = near_rectilinear(halo_family(name))
        assert upper.stability.real.max() == pytest.approx(1.0, abs=1e-6)
        assert lower.stability.real.min() == pytest.approx(-1.0, abs=1e-6)
        assert upper.closest > lower.closest
    with pytest.raises(ModelError, match="plane"):
        near_rectilinear(lyapunov_family("L2"))


@pytest.mark.parametrize(
    "name",
    [
        "L2-southern",
        "L2 southern NRHO",
        "halo-L2-S",
        "l2s",
        "L2_south",
        "NRHO L2 South",
        "Southern L2 halo",
        "EML2 southern",
        "Earth-Moon L2 (S)",
        "SouthernL2",
        "L2Southern",
        "sL2",
        "L-2 southern",
        "L\u2082 south",
        "NRHO",
        "9:2 NRHO",
        "near rectilinear halo orbits",
    ],
)
def test_spellings_of_one_family(name: str) -> None:
    assert halo_family(name).name == "L2-southern"


def test_near_rectilinear_orbits_may_be_northern() -> None:
    assert halo_family("northern NRHO").name == "L2-northern"
    assert halo_family("L1 southern NRHO").name == "L1-southern"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "L2",
        "northern",
        "L4-northern",
        "L2-west",
        "L1 L2 south",
        "L2 north south",
        3,
        "L22 south",
        "L2 butterfly S",
    ],
)
def test_families_that_are_not_known(name: str) -> None:
    with pytest.raises(UnknownNameError, match="halo family"):
        cr3bp.halo(name, period=1.5)


@pytest.mark.parametrize("period", [np.nan, np.inf, 0.0, -1.5, 0.5, 3.5, 10.0, "long"])
def test_periods_that_no_orbit_has(period: float) -> None:
    with pytest.raises(InputError, match="period"):
        cr3bp.halo("L2-southern", period=period)


def test_other_inputs_that_cannot_be_used() -> None:
    with pytest.raises(UnknownNameError, match="collinear"):
        cr3bp.lyapunov("L4", period=3.0)
    with pytest.raises(InputError, match="period"):
        cr3bp.distant_retrograde(period=9.0)
    with pytest.raises(InputError, match="monodromy"):
        stability_of(np.full((6, 6), np.nan))
    with pytest.raises(InputError, match="count"):
        halo_family("L2-s").orbit(1.5).states(1)
