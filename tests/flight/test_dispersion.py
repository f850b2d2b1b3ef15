"""Dispersion: linear covariance beside random descents, and aims beside sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from moonpost.errors import InputError
from moonpost.flight.aiming import aim
from moonpost.flight.descent import descend
from moonpost.flight.dispersion import Dispersion, NavigationErrors, dispersion, sampled_landings
from moonpost.flight.poweredpath import Vehicle

PLAN = descend(Vehicle(3000.0, 7500.0, 308.0, 0.2))


@pytest.mark.parametrize(
    "errors",
    [
        NavigationErrors(),
        NavigationErrors(fix_height_m=1500.0, misalignment_deg=0.3),
        NavigationErrors(radar_height_m=0.0, misalignment_deg=0.5, bias_m_s2=2e-3),
    ],
    ids=["radar", "fix", "inertial"],
)
def test_linear_covariance_agrees_with_random_descents(errors):
    found = dispersion(PLAN, errors)
    drawn = sampled_landings(PLAN, errors, trials=1500)
    assert drawn.std(axis=0) == pytest.approx(np.sqrt(np.diag(found.covariance_m2)), rel=0.06)
    inverse = np.linalg.inv(found.covariance_m2)
    inside = np.einsum("ni,ij,nj->n", drawn, inverse, drawn) < -2.0 * np.log(0.1)
    assert inside.mean() == pytest.approx(0.9, abs=0.025)


def test_known_errors_come_through():
    none = dict.fromkeys(NavigationErrors.__dataclass_fields__, 0.0) | {
        "radar_m": 1.0, "radar_m_s": 1.0, "fix_m": 1.0
    }  # fmt: skip
    across = dispersion(PLAN, NavigationErrors(**none | {"cross_m_s": 0.5}))
    # Out of the plane the error swings about the orbit: v sin(n t) / n, no more than v t.
    sigma = float(np.sqrt(across.covariance_m2[1, 1]))
    assert 0.85 * 0.5 * PLAN.duration_s < sigma < 0.5 * PLAN.duration_s
    assert across.covariance_m2[0, 0] == pytest.approx(0.0, abs=1e-9)
    control = dispersion(PLAN, NavigationErrors(**none | {"control_m": 7.0}))
    assert control.covariance_m2 == pytest.approx(49.0 * np.eye(2))
    bias = dispersion(PLAN, NavigationErrors(**none | {"bias_m_s2": 1e-3}))
    assert np.sqrt(bias.covariance_m2[1, 1]) == pytest.approx(0.5e-3 * PLAN.duration_s**2, rel=0.06)


def test_a_fix_by_pictures_and_a_radar_help():
    plain = dispersion(PLAN, NavigationErrors(radar_height_m=0.0)).ellipse_m()
    radar = dispersion(PLAN).ellipse_m()
    fixed = dispersion(PLAN, NavigationErrors(fix_height_m=1500.0)).ellipse_m()
    assert plain > radar > fixed
    sigma = dispersion(PLAN).sigma_m
    assert sigma.shape == (len(dispersion(PLAN).elapsed_s), 3)
    assert sigma[0] == pytest.approx([300.0, 100.0, 50.0])


@settings(deadline=None)
@given(st.floats(0.01, 0.999), st.floats(1.0, 100.0), st.floats(0.0, 360.0))
def test_ellipses_hold_what_they_say_whatever_the_direction(probability, ratio, heading):
    spread = Dispersion(np.diag([ratio**2, 1.0]), np.zeros(1), np.zeros((1, 3)))
    long, short = spread.ellipse_m(probability)
    assert 1.0 - np.exp(-0.5 * short**2) == pytest.approx(probability, rel=1e-9)
    assert long == pytest.approx(ratio * short)
    turned = spread.on_map(heading)
    assert np.linalg.eigvalsh(turned) == pytest.approx([1.0, ratio**2], rel=1e-9)
    direction = np.array([np.sin(np.radians(heading)), np.cos(np.radians(heading))])
    assert direction @ turned @ direction == pytest.approx(ratio**2, rel=1e-9)


@pytest.mark.parametrize("tilt", [-0.6, 0.6])
def test_the_long_axis_points_where_landings_lie(tilt):
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((4000, 2)) * [50.0, 10.0]
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    found = Dispersion(np.cov((drawn @ turn.T).T), np.zeros(1), np.zeros((1, 3)))
    # Along and to the left is counter-clockwise; the axis is told clockwise.
    assert found.axis_from_track_deg == pytest.approx(-np.degrees(tilt), abs=1.5)


def test_chance_beside_a_straight_edge_is_that_of_the_normal_distribution():
    ground = np.zeros((61, 61))
    ground[:, 40:] = 1.0
    found = aim(ground, 10.0, np.diag([60.0**2, 20.0**2]))
    middle = found.chance[30]
    for col in (20, 30, 35):
        edge = (40 - col - 0.5) * 10.0
        expected = norm.cdf(edge / 60.0) - norm.cdf(-(col + 0.5) * 10.0 / 60.0)
        assert middle[col] == pytest.approx(expected, abs=2e-3)
    assert found.unknown[30, 0] == pytest.approx(norm.cdf(-5.0 / 60.0), abs=2e-3)
    assert (found.chance + found.unknown <= 1.0 + 1e-9).all()


def test_ground_that_is_not_known_is_not_safe():
    ground = np.zeros((31, 31))
    ground[:, :15] = np.nan
    found = aim(ground, 10.0, np.diag([20.0**2, 20.0**2]))
    assert found.col > 15
    assert found.chance[15, 5] < 0.01
    assert found.unknown[15, 5] > 0.95


def test_an_ellipse_lies_along_a_strip():
    ground = np.ones((81, 81))
    for k in range(81):
        ground[max(0, 78 - k) : 83 - k, k] = 0.0
    spread = Dispersion(np.diag([100.0**2, 10.0**2]), np.zeros(1), np.zeros((1, 3)))
    along, across = (aim(ground, 10.0, spread.on_map(heading)).best for heading in (45.0, 135.0))
    assert along > 0.75 > 0.4 > across


def test_going_aside_widens_what_is_safe():
    ground = np.ones((41, 41))
    ground[20, 20] = 0.0
    near = [aim(ground, 10.0, np.diag([15.0**2] * 2), divert_m=divert).best for divert in (0.0, 30.0, 80.0)]
    assert near[0] < near[1] < near[2]
    assert near[2] > 0.99


@pytest.mark.parametrize(
    "call",
    [
        lambda: NavigationErrors(along_m=-1.0),
        lambda: NavigationErrors(scale=float("nan")),
        lambda: NavigationErrors(radar_m=0.0),
        lambda: aim(np.full((5, 5), 2.0), 10.0, np.eye(2)),
        lambda: aim(np.zeros(5), 10.0, np.eye(2)),
        lambda: aim(np.zeros((5, 5)), -10.0, np.eye(2)),
        lambda: aim(np.zeros((5, 5)), 10.0, np.array([[1.0, 2.0], [2.0, 1.0]])),
        lambda: aim(np.zeros((5, 5)), 10.0, np.eye(3)),
        lambda: sampled_landings(PLAN, trials=0),
        lambda: Dispersion(np.eye(2), np.zeros(1), np.zeros((1, 3))).ellipse_m(1.0),
    ],
)
def test_numbers_of_no_use_are_refused(call):
    with pytest.raises(InputError):
        call()


def test_the_same_seed_gives_the_same_landings():
    assert (sampled_landings(PLAN, trials=5, seed=3) == sampled_landings(PLAN, trials=5, seed=3)).all()
    assert (sampled_landings(PLAN, trials=5, seed=4) != sampled_landings(PLAN, trials=5, seed=3)).any()
