"""Invariant manifolds: growth, symmetry, sections."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight import cr3bp
from moonpost.flight.halos import halo_family, lyapunov_family, retrograde_family
from moonpost.flight.manifolds import Section, manifold

MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
HALO = halo_family("L1-northern").orbit(2.75)
MOON = 1.0 - cr3bp.EARTH_MOON_MU
PLANE = Section.plane("x", MOON)


def test_an_unstable_trajectory_leaves_at_the_rate_of_the_multiplier() -> None:
    tube = manifold(HALO, "unstable", "exterior", PLANE, count=5, offset=1e-9)
    for phase, start in zip(tube.phases, tube.starts, strict=True):
        beside = cr3bp.coast(HALO.state, phase)
        gone = cr3bp.coast(start, HALO.period) - cr3bp.coast(beside, HALO.period)
        assert np.linalg.norm(gone[:3]) / 1e-9 == pytest.approx(tube.multiplier, rel=0.01)
        assert tube.multiplier > 1000.0


def test_the_constant_is_that_of_the_orbit() -> None:
    tube = manifold(HALO, "stable", "exterior", PLANE, count=12)
    assert not np.isnan(tube.times).any()
    assert np.abs(cr3bp.jacobi(tube.states) - HALO.jacobi).max() < 1e-8
    assert (tube.times < 0.0).all()


def test_stable_and_unstable_mirror_each_other() -> None:
    out = manifold(HALO, "unstable", "exterior", PLANE, count=8)
    back = manifold(HALO, "stable", "exterior", PLANE, count=8)
    order = (-np.arange(8)) % 8
    assert np.abs(out.times + back.times[order]).max() < 1e-5
    assert np.abs(out.states - back.states[order] * MIRROR).max() < 1e-4
    assert back.multiplier == pytest.approx(1.0 / out.multiplier)


def test_branches_go_to_either_side() -> None:
    larger = manifold(HALO, "unstable", "interior", Section.plane("x", 0.6), count=10)
    smaller = manifold(HALO, "unstable", "exterior", Section.plane("x", 0.95), count=10)
    assert not np.isnan(larger.times).any()
    assert not np.isnan(smaller.times).any()
    beyond = manifold(
        halo_family("L2-southern").orbit(3.41), "unstable", "exterior", Section.plane("x", 1.22), count=10
    )
    assert not np.isnan(beyond.times).any()


def test_sections_are_met_where_they_say() -> None:
    lyapunov = lyapunov_family("L1").orbit(2.75)
    ball = manifold(lyapunov, "unstable", "exterior", Section.sphere("smaller", 0.05), count=6)
    seen = ~np.isnan(ball.times)
    assert seen.any()
    distances = np.linalg.norm(ball.states[seen, :3] - [MOON, 0, 0], axis=1)
    assert np.abs(distances - 0.05).max() < 1e-13
    near = manifold(HALO, "unstable", "exterior", Section.apsis("smaller"), count=6, way=1)
    rates = np.einsum("ni,ni->n", near.states[:, :3] - [MOON, 0, 0], near.states[:, 3:])
    assert np.abs(rates).max() < 1e-12
    second = manifold(HALO, "unstable", "exterior", Section.apsis("smaller"), count=6, way=1, crossing=2)
    assert (second.times > near.times).all()


def test_a_trajectory_runs_from_the_orbit_to_the_section() -> None:
    tube = manifold(HALO, "unstable", "exterior", PLANE, count=3)
    path = tube.trajectory(1, 50)
    assert np.array_equal(path[0], tube.starts[1])
    assert np.abs(path[-1] - tube.states[1]).max() < 1e-7
    missed = manifold(HALO, "unstable", "exterior", Section.plane("x", 30.0), count=2, longest=1.0)
    assert np.isnan(missed.times).all()
    with pytest.raises(InputError, match="does not reach"):
        missed.trajectory(0)


def test_a_band_that_turns_over_has_a_negative_multiplier() -> None:
    gateway = halo_family("L2-southern").orbit(1.5111111)
    band = manifold(gateway, "unstable", "exterior", Section.plane("y", 0.3), count=2, longest=30.0)
    assert band.multiplier < -1.0
    assert band.multiplier + 1.0 / band.multiplier == pytest.approx(2.0 * gateway.stability.real.min(), abs=1e-8)


def test_stable_orbits_have_no_manifold() -> None:
    with pytest.raises(ModelError, match="no such manifold"):
        manifold(retrograde_family().orbit(1.0), "unstable", "exterior", PLANE)


def test_inputs_that_cannot_be_used() -> None:
    for wrong in (
        {"count": 0},
        {"offset": np.nan},
        {"offset": -1.0},
        {"longest": 0.0},
        {"crossing": 0},
        {"way": 2},
    ):
        with pytest.raises(InputError):
            manifold(HALO, "unstable", "exterior", PLANE, **wrong)  # type: ignore[arg-type]
    for kind, branch in (("neutral", "exterior"), ("stable", "sideways")):
        with pytest.raises(UnknownNameError):
            manifold(HALO, kind, branch, PLANE)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        Section.plane("w", 0.0)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        Section.sphere("moon", 0.1)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        Section.sphere("smaller", 0.0)
    with pytest.raises(InputError):
        Section.plane("x", np.nan)
