"""What spans the fields of a plan, where a change of the plan decides."""

from __future__ import annotations

import pytest

from moonpost.plan import check, load_plan


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_a_mission_before_what_it_requires_is_told_unless_it_is_cancelled(status):
    plan = load_plan("ilrs")
    missions = tuple(
        row.model_copy(update={"launch": "2029", "landing": None, "status": status}) if row.id == "ilrs-2" else row
        for row in plan.missions
    )
    assert "ilrs-1" in plan.mission("ilrs-2").requires
    found = [row for row in check(plan.model_copy(update={"missions": missions})) if row.code == "order"]
    assert [row.place for row in found] == ([] if status == "cancelled" else ["missions[ilrs-2].requires"])
