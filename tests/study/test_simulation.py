"""A plan whose machines have boxes, recorders and rules of sleep, under the sky that the study computes."""

from __future__ import annotations

import numpy as np

from moonpost.plan import Dormancy, Recorder, ThermalBox, load_plan
from moonpost.study import simulate_plan


def test_contacts_and_ground_come_from_the_site():
    """On the ridge the Earth sets: a recorder waits for it; the ground takes heat from the box all the while."""
    plan = load_plan("ilrs")
    rover = plan.element("survey-rover").model_copy(
        update={
            "thermal": ThermalBox(capacity_j_k=60_000, radiator_m2=0.5, ground_w_k=0.1, heater_w=40.0),
            "recorder": Recorder(capacity_bit=1e11, downlink_bit_s=1e6, downlink_w=20.0),
            "dormancy": Dormancy(wake_supply_w=200.0, sleep_supply_w=100.0),
        }
    )
    plan = plan.model_copy(update={"elements": tuple(rover if e.id == rover.id else e for e in plan.elements)})
    run = simulate_plan(plan, "2040-05-10", 40.0)
    for name in ("energy", "heat", "data", "mass"):
        assert getattr(run, f"{name}_residual_relative") < 1e-12
    assert run.heats[0].element == "survey-rover"
    assert run.heats[0].ground_wh < 0.0
    assert run.event_counts["contact-ends"] >= 1
    held = run.series["held_bit"].sel(recorder="survey-rover").values
    assert held.max() > 0.0
    assert {"sleep", "wake"} <= set(run.event_counts)
    assert np.isfinite(run.series["box_k"].values).all()
