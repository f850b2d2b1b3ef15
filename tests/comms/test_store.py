"""The store: balance, events, and the scan against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moonpost.comms import Contacts, RatePlan, run_store
from moonpost.errors import InputError

START = np.datetime64("2030-01-01T00:00", "ms")
RATES = st.floats(0.0, 1e6).map(lambda x: 0.0 if x < 1e3 else x)


def times(steps: int, seed: int) -> np.ndarray:
    gaps = np.random.default_rng(seed).integers(1, 7_200_000, steps)
    return START + np.concatenate([[0], np.cumsum(gaps)]).astype("timedelta64[ms]")


@st.composite
def stores(draw):
    steps, cases = draw(st.integers(1, 40)), draw(st.integers(1, 3))
    edges = times(steps, draw(st.integers(0, 99)))
    made = RatePlan(edges, draw(arrays(np.float64, (cases, steps), elements=RATES)))
    sent = RatePlan(edges, draw(arrays(np.float64, (cases, steps), elements=RATES)))
    size = draw(st.floats(1e3, 1e10))
    return run_store(made, sent, size, initial_bit=draw(st.floats(0.0, 1.0)) * size)


@settings(max_examples=150, deadline=None)
@given(stores())
def test_the_balance_closes(run) -> None:
    assert run.residual_relative < 1e-9
    assert (run.fill_bit >= 0.0).all()
    assert (run.fill_bit <= run.capacity_bit[:, None]).all()
    assert (run.lost_bit >= 0.0).all()
    assert (run.delivered_bit >= 0.0).all()
    assert (run.delivered_bit <= run.sent_bit_s * run.length_s * (1.0 + 1e-12)).all()
    days, volume = run.delivered_per_day_bit()
    assert volume.shape == (len(run.capacity_bit), len(days))
    np.testing.assert_allclose(volume.sum(axis=1), run.delivered_bit.sum(axis=1), rtol=1e-9, atol=1e-3)


@settings(max_examples=100, deadline=None)
@given(stores())
def test_the_scan_is_the_loop(run) -> None:
    fill = run.fill_bit[:, 0].copy()
    scale = run.fill_bit[:, 0] + (run.made_bit_s + run.sent_bit_s) @ run.length_s + 1.0
    for k in range(len(run.length_s)):
        moved = fill + (run.made_bit_s[:, k] - run.sent_bit_s[:, k]) * run.length_s[k]
        fill = np.clip(moved, 0.0, run.capacity_bit)
        np.testing.assert_allclose(run.fill_bit[:, k + 1] / scale, fill / scale, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(stores())
def test_overflows_hold_all_that_is_lost(run) -> None:
    events = run.events()
    for case in range(len(run.capacity_bit)):
        lost = [event.lost_bit for event in events if event.kind == "overflow" and event.case == case]
        assert sum(lost) == pytest.approx(run.lost_bit[case].sum())
        assert run.summary(case)["overflows"] == len(lost)
    assert all(run.edges[0] <= event.start <= event.stop <= run.edges[-1] for event in events)


@settings(max_examples=100, deadline=None)
@given(stores())
def test_what_is_sent_on_is_what_was_delivered(run) -> None:
    sent = run.sent_plan()
    np.testing.assert_allclose(sent.volume_bit, run.delivered_bit.sum(axis=1), rtol=1e-9, atol=1e-6)
    most = RatePlan(run.edges, run.sent_bit_s).at(sent.edges[:-1])
    assert (sent.rate_bit_s <= most * (1.0 + 1e-9) + 1e-9).all()


def test_events_stand_where_they_must() -> None:
    edges = START + np.array([0, 3_600_000, 7_200_000, 10_800_000]).astype("timedelta64[ms]")
    run = run_store(
        RatePlan(edges, np.array([100.0, 0.0, 10.0])), RatePlan(edges, np.array([0.0, 200.0, 10.0])), 180e3
    )
    full, empty = run.events()
    assert (full.kind, str(full.start)[11:16], str(full.stop)[11:16]) == ("overflow", "00:30", "01:00")
    assert full.lost_bit == pytest.approx(180e3)
    assert (empty.kind, str(empty.start)[11:16]) == ("empty", "01:15")
    assert empty.to_row()["start_utc"] == "2030-01-01T01:15:00Z"
    sent = run.sent_plan()
    assert sent.rate_bit_s[0].tolist() == [0.0, 200.0, 0.0, 10.0]
    assert run.summary()["fullest_bit"] == 180e3


def test_a_store_without_end_loses_nothing() -> None:
    edges = times(5, 1)
    run = run_store(RatePlan(edges, np.full(5, 1e9)), RatePlan(edges, np.zeros(5)), np.inf)
    assert run.lost_bit.sum() == 0.0
    assert run.residual_relative < 1e-12


def test_rates_in_contacts() -> None:
    at = START + (np.arange(6) * 600_000).astype("timedelta64[ms]")
    two = Contacts.where(at, np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0]))
    plan = RatePlan.of(two, [100.0, 50.0])
    assert plan.volume_bit == pytest.approx(100.0 * 300.0 + 50.0 * 1200.0)
    assert plan.at(at[[0, 2, 4, 5]]).tolist() == [100.0, 0.0, 50.0, 0.0]
    assert RatePlan.of(Contacts.where(at, -np.ones(6)), 5.0).volume_bit == 0.0


def test_bad_stores() -> None:
    edges, other = times(3, 1), times(3, 2)
    plan = RatePlan(edges, np.ones(3))
    always = Contacts.where(START + np.arange(3) * np.timedelta64(600_000, "ms"), np.ones(3))
    for call in (
        lambda: RatePlan(edges, np.ones(4)),
        lambda: RatePlan(edges[::-1], np.ones(3)),
        lambda: RatePlan(edges, -np.ones(3)),
        lambda: RatePlan(edges, np.full(3, np.nan)),
        lambda: run_store(plan, RatePlan(other, np.ones(3)), 1e6),
        lambda: run_store(plan, plan, 0.0),
        lambda: run_store(plan, plan, np.nan),
        lambda: run_store(plan, plan, 1e6, initial_bit=2e6),
        lambda: run_store(plan, plan, [1e6, 1e6], initial_bit=[1.0, 1.0, 1.0]),
        lambda: RatePlan.of(always, [1.0, 2.0]),
    ):
        with pytest.raises(InputError):
            call()
