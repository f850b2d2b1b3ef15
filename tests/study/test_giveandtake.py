"""What partners put in and get back, on the bundled plan and from a schedule."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.operations.placements import Placement, Schedule
from moonpost.plan import load_plan
from moonpost.study.giveandtake import partner_balances, schedule_use


def _schedule(rows, site="glaeser-spot-1", days=60):
    start = np.datetime64("2038-01-01", "ms")
    placements = tuple(
        Placement(f"x-{k}", "x", "survey-rover", partner, start + np.timedelta64(hour, "h"),
                  start + np.timedelta64(hour + 2, "h"), 100.0, 1e6)
        for k, (partner, hour) in enumerate(rows)
    )  # fmt: skip
    return Schedule("ilrs", "0", site, start, start + np.timedelta64(days, "D"), 900.0, placements)


def test_every_resource_is_given_out_in_whole():
    found, rows = partner_balances(load_plan("ilrs"), "2037")
    assert sum(row.share for row in found.rows) == pytest.approx(1.0)
    for resource in ("energy", "data", "time"):
        assert sum(row.entitled[resource] for row in rows) == pytest.approx(1.0)


def test_a_barter_moves_energy_one_way_and_data_the_other():
    _, rows = partner_balances(load_plan("ilrs"), "2037")
    by = {row.partner: row for row in rows}
    assert by["cnsa"].entitled["energy"] - by["cnsa"].share == pytest.approx(0.05)
    assert by["roscosmos"].entitled["data"] - by["roscosmos"].share == pytest.approx(0.05)
    assert by["roscosmos"].entitled["time"] == by["roscosmos"].share
    _, early = partner_balances(load_plan("ilrs"), "2034")
    assert all(row.entitled["energy"] == row.share and not row.gives for row in early)


def test_instruments_count_once_they_have_arrived():
    plan = load_plan("ilrs")
    _, early = partner_balances(plan, "2019-06")
    _, late = partner_balances(plan, "2037")
    count = [sum(len(row.instruments) for row in rows) for rows in (early, late)]
    assert 0 <= count[0] < count[1] <= len(plan.instruments)


def test_use_of_a_schedule_goes_by_lunar_day_and_adds_up():
    plan = load_plan("ilrs")
    schedule = _schedule([("cnsa", 0), ("roscosmos", 10), ("cnsa", 24 * 31), ("cnsa", 24 * 45)])
    rows = schedule_use(plan, schedule, "time")
    assert sum(row.used for row in rows) == pytest.approx(8.0)
    assert len({row.lunar_day for row in rows}) >= 2
    energy = schedule_use(plan, schedule, "energy")
    assert sum(row.used for row in energy) == pytest.approx(800.0)
    last = max(row.lunar_day for row in rows)
    assert sum(row.balance for row in rows if row.lunar_day == last) == pytest.approx(0.0, abs=1e-9)


def test_a_schedule_of_another_plan_is_refused():
    with pytest.raises(InputError, match="is of the plan ilrs"):
        schedule_use(load_plan("ilrs-orbit"), _schedule([]))
    with pytest.raises(InputError, match="use one of"):
        schedule_use(load_plan("ilrs"), _schedule([]), "money")
