"""Ensembles of terrain errors: the random fields, the horizons made of them, and what comes of both."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.sky import Site
from moonpost.terrain import HorizonProfile, Terrain, horizon, light_statistics
from moonpost.terrain.ensemble import Spread, light_uncertainty, shifted
from moonpost.terrain.ensemblehorizons import HeightNoise, height_noise, horizon_members
from moonpost.terrain.ensemblekernels import add_field

SPAN = ("2030-01-01", "2031-01-01")


@pytest.fixture(scope="module")
def coarse() -> Terrain:
    return Terrain.default("south")


@pytest.fixture(scope="module")
def ridge(coarse) -> Site:
    return coarse.site(-89.45, 222.7)


def fields(
    x_m: np.ndarray, y_m: np.ndarray, correlation_m: float, seed: int, member: int, layer: int
) -> np.ndarray:
    """Values of one field at places on a plane, through the kernel that perturbs a march."""
    reach = np.hypot(x_m, y_m)
    heights = np.zeros((x_m.size, 1))
    error, length = np.zeros(layer + 1), np.full(layer + 1, correlation_m)
    error[layer] = 1.0
    source = np.full((x_m.size, 1), layer)
    add_field(heights, source, x_m / reach, y_m / reach, reach[:, None], 1.0, error, length, seed, member)
    return heights[:, 0]


def test_fields_are_normal_and_correlated_as_stated():
    random = np.random.default_rng(3)
    x, y = random.uniform(-1e5, 1e5, (2, 100_000))
    here = fields(x, y, 100.0, 1, 0, 0)
    assert abs(here.mean()) < 0.02
    assert here.std() == pytest.approx(1.0, abs=0.02)
    assert np.mean(np.abs(here) > 1.96) == pytest.approx(0.05, abs=0.005)
    turn = random.uniform(0.0, 2.0 * np.pi, x.size)
    for share in (0.1, 0.5, 1.0, 1.5, 3.0):
        there = fields(x + 100.0 * share * np.cos(turn), y + 100.0 * share * np.sin(turn), 100.0, 1, 0, 0)
        assert np.mean(here * there) == pytest.approx(math.exp(-(share**2)), abs=0.04)


def test_fields_of_members_layers_and_seeds_have_nothing_in_common():
    x, y = np.random.default_rng(4).uniform(-1e5, 1e5, (2, 50_000))
    first = fields(x, y, 100.0, 1, 0, 0)
    assert np.array_equal(first, fields(x, y, 100.0, 1, 0, 0))
    for other in ((2, 0, 0), (1, 1, 0), (1, 0, 1)):
        assert abs(np.mean(first * fields(x, y, 100.0, *other))) < 0.02
    assert abs(np.mean(first * fields(-x, y, 100.0, 1, 0, 0))) < 0.02


def test_points_give_the_horizon_of_the_march_through_the_same_errors(coarse, ridge):
    noise = height_noise(coarse, ridge)
    points = horizon_members(coarse, ridge, 10.0, 180, members=3, noise=noise, seed=9)
    march = horizon_members(coarse, ridge, 10.0, 180, members=3, noise=noise, seed=9, march=True)
    assert np.array_equal(points[:, 0], horizon(coarse, ridge, 10.0, 180).elevation_deg)
    assert np.std(points[:, 1:] - points[:, :1]) > 0.2, "the errors must matter"
    difference = np.abs(points - march)
    assert np.median(difference) < 0.002
    assert np.percentile(difference, 95) < 0.02


def test_members_depend_on_their_number_and_the_seed_alone(coarse, ridge):
    noise = height_noise(coarse, ridge)
    five = horizon_members(coarse, ridge, 2.0, 36, members=5, noise=noise, seed=1)
    three = horizon_members(coarse, ridge, 2.0, 36, members=3, noise=noise, seed=1)
    assert np.array_equal(five[:, :4], three)
    other = horizon_members(coarse, ridge, 2.0, 36, members=3, noise=noise, seed=2)
    assert np.array_equal(other[:, 0], three[:, 0])
    assert not np.any(other[:, 1:] == three[:, 1:])


def test_no_error_changes_nothing_and_nor_does_one_shared_by_all(coarse, ridge):
    still = horizon_members(coarse, ridge, 2.0, 36, members=2, noise=HeightNoise((0.0,), (1600.0,)))
    assert np.abs(still - still[:, :1]).max() < 1e-9
    shared = horizon_members(coarse, ridge, 2.0, 36, members=2, noise=HeightNoise((50.0,), (1e9,)))
    assert np.abs(shared - shared[:, :1]).max() < 1e-3
    own = horizon_members(coarse, ridge, 2.0, 36, members=2, noise=HeightNoise((50.0,), (1600.0,)))
    assert np.abs(own - own[:, :1]).max() > 0.5


def test_the_estimate_follows_cells_and_slope(coarse, ridge, dems, tmp_path):
    usual = height_noise(coarse, ridge)
    assert usual.correlation_m[0] == pytest.approx(1600.0, rel=0.06)
    assert 30.0 < usual.height_error_m[0] < 100.0, (
        "heights of 25 to 200 m less those of 1600 m differ by 50 to 65 m"
    )
    place = Site(-89.0, 10.0)
    for slope in (0.1, 0.3):
        path = dems.shaped(
            tmp_path / f"{slope}.tif",
            place,
            lambda distance, azimuth, slope=slope: slope * distance * np.cos(np.radians(azimuth)),
            crs=dems.SOUTH,
            half_width=8000.0,
            cell=100.0,
        )
        found = height_noise(Terrain.open(path), place)
        assert found.height_error_m[0] == pytest.approx(0.15 * 100.0 * slope, rel=0.1)
    both = height_noise(coarse, ridge, 3.0, [200.0])
    assert both == HeightNoise((3.0,), (200.0,))


def test_without_errors_the_figures_are_those_of_the_statistics(almanac, coarse, ridge):
    found = light_uncertainty(coarse, ridge, almanac, *SPAN, 10.0, members=12, azimuths=360)
    plain = light_statistics(horizon(coarse, ridge, 10.0, 360), almanac, *SPAN)
    for name in ("longest_dark_d", "longest_light_d", "longest_earth_outage_d", "longest_dark_without_earth_d"):
        assert getattr(found, name).nominal == pytest.approx(getattr(plain, name), abs=1.0 / 1440.0)
    for name in ("average_illumination", "percent_lit", "earth_visible"):
        spread = getattr(found, name)
        assert spread.nominal == pytest.approx(getattr(plain, name), abs=5e-4)
        assert 0.0 <= spread.p05 <= spread.p50 <= spread.p95 <= 1.0
        assert spread.p95 > spread.p05
    again = light_uncertainty(coarse, ridge, almanac, *SPAN, 10.0, members=12, azimuths=360)
    assert json.dumps(again.to_dict()) == json.dumps(found.to_dict())


def test_twice_the_error_is_twice_the_spread_of_the_horizon(coarse, ridge):
    one, two = (
        horizon_members(coarse, ridge, 10.0, 90, members=30, noise=HeightNoise((error,), (1600.0,)))
        for error in (10.0, 20.0)
    )
    assert np.std(two[:, 1:] - two[:, :1]) == pytest.approx(2.0 * np.std(one[:, 1:] - one[:, :1]), rel=0.2)


def test_spread_of_known_values():
    spread = Spread.of(7.0, np.arange(101.0))
    assert (spread.nominal, spread.mean, spread.p05, spread.p50, spread.p95) == (7.0, 50.0, 5.0, 50.0, 95.0)
    assert set(spread.to_dict()) == {"nominal", "mean", "p05", "p50", "p95"}


def test_a_shifted_horizon_says_so():
    flat = dataclasses.replace(HorizonProfile.flat(Site(-89.5, 0.0)), grade="site")
    raised = shifted(flat, -0.25)
    assert raised.grade == "screening"
    assert raised.provenance["shift_deg"] == -0.25
    assert np.all(raised.elevation_deg == -0.25)


def test_bad_input_is_refused(almanac, coarse, ridge):
    noise = HeightNoise((50.0,), (1600.0,))
    for members in (0, True, 1_000_000):
        with pytest.raises(InputError, match="members"):
            horizon_members(coarse, ridge, members=members, noise=noise)
    with pytest.raises(InputError, match="seed"):
        horizon_members(coarse, ridge, members=1, noise=noise, seed=-1)
    with pytest.raises(InputError, match="one value a layer"):
        horizon_members(coarse, ridge, members=1, noise=HeightNoise((1.0, 2.0), (1.0, 2.0)))
    for error in (-1.0, math.nan, [1.0, 2.0]):
        with pytest.raises(InputError, match="height_error_m"):
            light_uncertainty(coarse, ridge, almanac, *SPAN, members=1, height_error_m=error)
    with pytest.raises(InputError, match="correlation_m"):
        height_noise(coarse, ridge, 1.0, 0.0)
    with pytest.raises(InputError):
        shifted(HorizonProfile.flat(ridge), math.inf)
