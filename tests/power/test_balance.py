"""A bus keeps its energy, whatever happens on it, and says what happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power import StoragePool, run_bus

power = st.floats(0, 1e6)


@settings(max_examples=300, deadline=None)
@given(
    flows=st.lists(st.tuples(power, power), min_size=1, max_size=60),
    step_s=st.floats(1, 86_400),
    usable=st.floats(0, 1e7),
    charge=st.floats(0.2, 1),
    discharge=st.floats(0.2, 1),
    bus=st.floats(0.5, 1),
    initial=st.floats(0, 1),
)
def test_energy_is_conserved(flows, step_s, usable, charge, discharge, bus, initial):
    supply, load = map(np.array, zip(*flows, strict=True))
    store = StoragePool(usable, usable, charge, discharge)
    run = run_bus(supply, load, step_s, store, initial_fraction=initial, bus_efficiency=bus)
    assert run.residual_relative < 1e-9
    assert run.stored_wh.min() >= 0.0
    assert run.stored_wh.max() <= usable
    for flow in (run.charged_w, run.discharged_w, run.spilled_w, run.shed_w):
        assert flow.min() >= 0.0
    assert not ((run.charged_w > 0) & (run.discharged_w > 0)).any()
    assert not ((run.spilled_w > 0) & (run.shed_w > 0)).any()
    assert (run.shed_w <= load).all()


def test_a_broken_account_would_be_seen():
    """The residual is computed from the flows, not assumed: change one and it shows."""
    run = run_bus([100.0, 0.0], [50.0, 50.0], 3600.0, Storage(capacity_wh=100.0), initial_fraction=0.0)
    assert run.residual_relative < 1e-12
    run.charged_w[0] *= 1.001
    assert run.residual_relative > 1e-6


def test_losses_are_where_they_belong():
    store = Storage(capacity_wh=1000.0, depth_of_discharge=1.0, charge_efficiency=0.9, discharge_efficiency=0.8)
    run = run_bus([200.0, 0.0], [80.0, 72.0], 3600.0, store, initial_fraction=0.0, bus_efficiency=0.9)
    assert run.bus_loss_w == pytest.approx([20.0, 0.0])
    assert run.charged_w == pytest.approx([100.0, 0.0])
    assert run.stored_wh == pytest.approx([0.0, 90.0, 0.0])
    assert run.discharged_w == pytest.approx([0.0, 72.0])
    assert run.storage_loss_w == pytest.approx([10.0, 18.0])
    assert run.shed_w == pytest.approx([0.0, 0.0])


def test_without_storage_everything_is_served_or_shed():
    run = run_bus([5.0, 1.0], 3.0, 3600.0)
    assert run.served_w.tolist() == [3.0, 1.0]
    assert run.spilled_w.tolist() == [2.0, 0.0]
    assert [(event.time_s, event.kind) for event in run.events()] == [(3600.0, "shed-begins")]


def test_events_fall_within_the_step():
    store = Storage(capacity_wh=10.0, depth_of_discharge=1.0, charge_efficiency=1.0, discharge_efficiency=1.0)
    run = run_bus([0.0, 0.0, 40.0, 0.0], [8.0, 8.0, 0.0, 5.0], 3600.0, store)
    assert [(event.time_s, event.kind) for event in run.events()] == [
        (3600.0 * 1.25, "shed-begins"),
        (3600.0 * 1.25, "storage-empty"),
        (7200.0, "shed-ends"),
        (7200.0 + 900.0, "storage-full"),
    ]


def test_capacity_zero_and_load_zero():
    run = run_bus(0.0 * np.ones(3), 0.0, 60.0, StoragePool())
    assert run.residual_relative == 0.0
    assert run.events() == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"supply_w": [-1.0]}, "supply_w"),
        ({"supply_w": [np.nan]}, "supply_w"),
        ({"load_w": [1.0, 2.0]}, "load_w"),
        ({"load_w": -3.0}, "load_w"),
        ({"step_s": 0.0}, "step_s"),
        ({"initial_fraction": 1.5}, "initial_fraction"),
        ({"initial_fraction": float("nan")}, "initial_fraction"),
        ({"bus_efficiency": 0.0}, "bus_efficiency"),
    ],
)
def test_bad_input_is_refused(changes, named):
    good = {"supply_w": [1.0], "load_w": 1.0, "step_s": 60.0, "storage": Storage(capacity_wh=10.0)}
    with pytest.raises(InputError, match=named):
        run_bus(**(good | changes))
