"""Terrain errors: the field of heights, the horizons on it, and quantiles of the need."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.power import HeightErrors, NeedSpread, height_errors, need_over_members, perturbed_horizons_deg


def test_errors_of_a_far_ridge_are_height_over_distance():
    """A ridge far beyond the correlation length and the mast err apart: sigma sqrt(2) / d."""
    found = perturbed_horizons_deg([0.0], [0.0], [2000.0], HeightErrors(3.0, 50.0), members=4000, seed=3)
    expected = np.degrees(3.0 * np.sqrt(2.0) / 2000.0)
    assert found.std() == pytest.approx(expected, rel=0.04)
    assert abs(found.mean()) < 4 * expected / np.sqrt(4000)


def test_errors_shared_with_the_mast_cancel():
    """A ridge much nearer than the correlation length moves with the mast: sigma sqrt(2 (1 - exp(-(d/L)^2)))."""
    found = perturbed_horizons_deg([0.0], [0.0], [100.0], HeightErrors(3.0, 500.0), members=4000)
    expected = np.degrees(3.0 * np.sqrt(2.0 * (1.0 - np.exp(-0.04))) / 100.0)
    assert found.std() == pytest.approx(expected, rel=0.04)


def test_neighbours_are_correlated_as_told():
    azimuth, far = np.array([0.0, 1.0]), 2000.0
    found = perturbed_horizons_deg(azimuth, [0.0, 0.0], [far, far], HeightErrors(3.0, 50.0), members=6000)
    apart = 2.0 * far * np.sin(np.radians(0.5))
    expected = (np.exp(-((apart / 50.0) ** 2)) + 1.0) / 2.0
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(expected, abs=0.03)


def test_same_seed_same_horizons_and_more_members_keep_the_first():
    few = perturbed_horizons_deg([0.0, 90.0], [1.0, 2.0], [1e3, 5e3], height_errors(40.0), members=3, seed=5)
    more = perturbed_horizons_deg([0.0, 90.0], [1.0, 2.0], [1e3, 5e3], height_errors(40.0), members=5, seed=5)
    assert (few == more[:3]).all()
    other = perturbed_horizons_deg([0.0, 90.0], [1.0, 2.0], [1e3, 5e3], height_errors(40.0), members=3, seed=6)
    assert not (few == other).any()


def test_without_errors_nothing_moves():
    found = perturbed_horizons_deg([0.0, 90.0], [1.0, -2.0], [1e3, 5e3], HeightErrors(0.0, 40.0), members=2)
    assert found == pytest.approx(np.array([[1.0, -2.0]] * 2), abs=1e-12)


def test_quantiles_tell_when_no_store_is_enough():
    spread = NeedSpread.of(1.0, [*range(90), *[np.inf] * 10])
    assert spread.unsustainable == 10
    assert spread.p50 == 49.0
    assert spread.p95 == np.inf
    assert spread.to_dict()["p95"] is None


def test_a_member_is_the_same_terrain_at_every_height():
    seen = []

    def need(light):
        seen.append((light[2.0][0], light[10.0][0]))
        return 1.0

    members = [{2.0: [0.1], 10.0: [0.3]}, {2.0: [0.2], 10.0: [0.4]}]
    need_over_members({2.0: [0.0], 10.0: [1.0]}, members, need)
    assert seen == [(0.1, 0.3), (0.2, 0.4), (0.0, 1.0)]


@pytest.mark.parametrize(
    "call",
    [
        lambda: height_errors(-1.0),
        lambda: height_errors(40.0, "guess"),
        lambda: perturbed_horizons_deg([0.0], [np.nan], [1.0], HeightErrors(1.0, 1.0), members=1),
        lambda: perturbed_horizons_deg([0.0], [0.0], [0.0], HeightErrors(1.0, 1.0), members=1),
        lambda: perturbed_horizons_deg([0.0], [0.0], [1.0], HeightErrors(1.0, 1.0), members=0),
        lambda: perturbed_horizons_deg([0.0], [0.0], [1.0], [], members=1),
        lambda: need_over_members({2.0: [1.0]}, [{3.0: [1.0]}], lambda light: 0.0),
        lambda: need_over_members({2.0: [1.0]}, [{2.0: [1.0, 0.0]}], lambda light: 0.0),
        lambda: need_over_members({2.0: [1.0]}, [{2.0: [np.nan]}], lambda light: 0.0),
        lambda: need_over_members({2.0: [1.0]}, [], lambda light: 0.0),
        lambda: NeedSpread.of(1.0, []),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(InputError):
        call()
