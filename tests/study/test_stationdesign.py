"""A station's design where there is nothing to design, or no answer."""

from __future__ import annotations

import json

import pytest

from moonpost.cli.designplan import _text
from moonpost.errors import InputError, ModelError
from moonpost.plan import load_plan
from moonpost.report.figures.design import design_figure
from moonpost.study import design_station


@pytest.fixture(scope="module")
def plan():
    found = load_plan("ilrs")
    rules = found.design.model_copy(update={"years": 0.12, "start": "2044-05-15"})
    station = found.station.model_copy(update={"candidates": ()})
    return found.model_copy(update={"design": rules, "station": station})


def test_a_bus_on_which_nothing_draws_power(plan):
    silent = tuple(e.model_copy(update={"modes": ()}) if e.bus == "station" else e for e in plan.elements)
    found = design_station(plan.model_copy(update={"elements": silent, "assumptions": ()}), members=2, prove=True)
    plain = found.to_dict()
    json.dumps(plain, allow_nan=False)
    assert plain["mix"] is None
    assert plain["p95"] is None
    assert "proof" not in plain
    assert plain["budgets"]
    assert "no mix" in _text(found)
    design_figure(found, 8.0)
    with pytest.raises(ModelError, match="draws power"):
        found.mixed_plan()


def test_what_no_family_carries(plan):
    found = design_station(plan, families=("radioisotope",), changed={"rtg_most": 0.0 + 1}, members=0)
    assert not found.carried or found.mix.family == "radioisotope"
    json.dumps(found.to_dict(), allow_nan=False)
    _text(found)
    if found.carried:
        assert all(element.bus == "station" for element in found.mixed_plan().elements)
    with pytest.raises(InputError, match="members"):
        design_station(plan, members=-1)
