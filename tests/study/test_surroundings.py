"""What surrounds machines: ground that does not depend on how long is simulated, horizons without terrain."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.plan import ThermalBox, load_plan
from moonpost.sky import Almanac, times
from moonpost.study.surroundings import ground_k, has_terrain, site_horizon


@pytest.fixture(scope="module")
def grounded():
    """The bundled plan with one box that stands on the ground."""
    plan = load_plan("ilrs")
    box = ThermalBox(capacity_j_k=1e5, radiator_m2=0.2, ground_w_k=0.1)
    elements = tuple(e.model_copy(update={"thermal": box}) if e.id == "ce4-lander" else e for e in plan.elements)
    return plan.model_copy(update={"elements": elements})


def test_the_ground_of_a_day_is_that_of_the_year_round_it(grounded):
    almanac, site = Almanac.default(), grounded.site("ce4-site")
    horizon = site_horizon(grounded, site, 1.0)
    short = ground_k(grounded, almanac, horizon, times("2022-03-01", "2022-03-03", 3600.0))
    long = ground_k(grounded, almanac, horizon, times("2021-09-01", "2022-03-03", 3600.0))
    assert np.abs(short - long[-len(short) :]).max() < 1.0
    assert np.ptp(long) > 200.0


def test_nothing_is_computed_where_nothing_asks():
    plan = load_plan("ilrs")
    horizon = site_horizon(plan, plan.site("ce4-site"), 1.0)
    assert ground_k(plan, Almanac.default(), horizon, times("2022-03-01", "2022-03-03", 3600.0)) is None


def test_the_ground_is_told_up_to_the_ends_of_the_kernels(grounded):
    almanac = Almanac.default()
    horizon = site_horizon(grounded, grounded.site("ce4-site"), 1.0)
    first, last = (end.astype("datetime64[ms]") for end in almanac.span)
    day = np.timedelta64(1, "D")
    for start in (first + 2 * day, last - 5 * day):
        found = ground_k(grounded, almanac, horizon, times(start, start + 2 * day, 3600.0))
        assert np.isfinite(found).all()


def test_a_site_without_terrain_has_a_level_horizon():
    plan = load_plan("ilrs")
    assert not has_terrain(plan, plan.site("ce4-site"))
    assert has_terrain(plan, plan.site("glaeser-spot-1"))
    assert not site_horizon(plan, plan.site("ce4-site"), 2.0).elevation_deg.any()
    assert site_horizon(plan, plan.site("glaeser-spot-1"), 10.0).elevation_deg.any()
