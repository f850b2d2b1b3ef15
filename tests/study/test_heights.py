"""Horizons between shipped heights against horizons that were marched for those heights."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.study.heights import horizon_between, shipped_between
from moonpost.terrain.profiles import shipped_profile


def ridge(mast_m):
    return shipped_profile("glaeser-spot-1", mast_m)


@pytest.mark.parametrize(("low", "high", "between"), [(2.0, 10.0, 2.5), (2.5, 20.0, 10.0)])
def test_near_the_marched_horizon(low, high, between):
    """Regression: 0.033 and 0.042 deg rms; the lower horizon alone is off by 0.14 and 0.53 deg."""
    made = horizon_between(ridge(low), ridge(high), between)
    off = made.elevation_deg - ridge(between).elevation_deg
    alone = ridge(low).elevation_deg - ridge(between).elevation_deg
    assert np.sqrt((off**2).mean()) < 0.05
    assert np.sqrt((alone**2).mean()) > 3 * np.sqrt((off**2).mean())


def test_at_the_ends_it_is_the_known_horizon():
    low, high = ridge(2.0), ridge(10.0)
    for end in (low, high):
        made = horizon_between(low, high, end.mast_m).elevation_deg
        assert (made >= end.elevation_deg - 1e-12).all()
        assert np.sqrt(((made - end.elevation_deg) ** 2).mean()) < 0.05


def test_heights_below_the_lowest_are_for_screening_and_above_the_highest_there_is_nothing():
    place = ridge(2.0).site
    assert shipped_between(place.latitude_deg, place.longitude_deg, 1.25).grade == "screening"
    assert shipped_between(place.latitude_deg, place.longitude_deg, 2.0).grade == "site"
    assert shipped_between(place.latitude_deg, place.longitude_deg, 30.0) is None
    assert shipped_between(0.0, 0.0, 5.0) is None


def test_other_places_and_heights_outside_are_refused():
    with pytest.raises(InputError, match="two places"):
        horizon_between(ridge(2.0), shipped_profile("connecting-ridge", 10.0), 5.0)
    with pytest.raises(InputError, match="mast_m"):
        horizon_between(ridge(2.0), ridge(10.0), 12.0)
