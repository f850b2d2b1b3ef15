"""Machines sleep in the dark and wake with the light."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from moonpost.plan import load_plan
from moonpost.study.context import Context, site_profile
from moonpost.study.phases.dormancy import LONG_DARK, dormancy_rows
from moonpost.terrain import illumination


def test_asleep_means_dark_and_awake_means_light() -> None:
    plan = load_plan("ilrs")
    context = Context(plan)
    first, last = np.datetime64("2036-01-01", "ms"), np.datetime64("2037-01-01", "ms")
    rows, notes = dormancy_rows(context, first, last)
    assert any("design life" in note for note in notes)
    site = plan.station_sites()[0]
    profile = site_profile(plan, site, plan.station.masts_m[0])
    mine = [row for row in rows if row.vehicle == "survey-rover"]
    assert mine
    for row, following in pairwise(mine):
        assert (row.event, following.event) in {("sleep", "wake"), ("wake", "sleep")}
        start, stop = (np.datetime64(item.utc.rstrip("Z"), "ms") for item in (row, following))
        middle = start + (stop - start) * np.array([0.25, 0.5, 0.75])
        light = illumination(profile, context.almanac.sun(profile.site, middle.astype("datetime64[ms]")))
        if row.event == "sleep":
            assert stop - start > LONG_DARK
            assert (light == 0.0).all()
        else:
            assert light.max() > 0.0
