"""Relays: bent pipes, stores that forward, and the balance from site to Earth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moonpost.comms import Leg, RatePlan, bent_pipe, bent_pipe_db_hz, from_flight, run_relays
from moonpost.errors import InputError
from moonpost.flight.coverage import Contacts as Flown

EDGES = np.datetime64("2030-01-01T00:00", "ms") + np.arange(13) * np.timedelta64(3_600_000, "ms")
RATES = arrays(np.float64, 12, elements=st.sampled_from([0.0, 0.0, 1e3, 3e3, 1e4]))


@settings(max_examples=150, deadline=None)
@given(
    RATES, RATES, RATES, arrays(np.int8, 12, elements=st.integers(0, 2)), st.floats(1e5, 1e8), st.floats(1e5, 1e8)
)
def test_every_bit_is_somewhere(made, way, down, turn, size: float, relay: float) -> None:
    legs = {
        "store": Leg(RatePlan(EDGES, np.where(turn == 0, way, 0.0)), RatePlan(EDGES, down), relay),
        "pipe": Leg(RatePlan(EDGES, np.where(turn == 1, way, 0.0)), RatePlan(EDGES, down)),
        "direct": Leg(RatePlan(EDGES, np.where(turn == 2, way, 0.0))),
    }
    run = run_relays(RatePlan(EDGES, made), legs, size)
    assert run.residual_relative < 1e-9
    assert run.summary()["residual_relative"] < 1e-9
    assert all(part.residual_relative < 1e-9 for part in (run.site, *run.relays.values()))
    assert list(run.relays) == ["store"]
    # A relay cannot send what it has not had.
    got = np.cumsum(run.relays["store"].made_bit_s[0] * run.relays["store"].length_s)
    assert (np.cumsum(run.relays["store"].delivered_bit[0]) <= got + 1e-3).all()


def test_a_pipe_needs_both_halves_and_a_store_does_not() -> None:
    first, second = np.zeros(12), np.zeros(12)
    first[:6], second[6:] = 100.0, 100.0
    up, down, made = RatePlan(EDGES, first), RatePlan(EDGES, second), RatePlan(EDGES, np.full(12, 10.0))
    pipe = run_relays(made, {"r": Leg(up, down)}, 1e9)
    kept = run_relays(made, {"r": Leg(up, down, 1e9)}, 1e9)
    assert pipe.delivered_bit["r"] == 0.0
    assert kept.delivered_bit["r"] == pytest.approx(6 * 3600 * 10.0)
    # A relay too small for what comes loses the rest, and says so.
    small = run_relays(made, {"r": Leg(up, down, 1e5)}, 1e9)
    assert small.delivered_bit["r"] == pytest.approx(1e5)
    (event,) = [e for e in small.relays["r"].events() if e.kind == "overflow"]
    assert event.lost_bit == pytest.approx(6 * 3600 * 10.0 - 1e5)


def test_noise_of_two_halves() -> None:
    assert float(bent_pipe_db_hz(60.0, 120.0)) == pytest.approx(60.0, abs=1e-5)
    assert float(bent_pipe_db_hz(60.0, -np.inf)) == -np.inf


def test_contacts_of_a_flight() -> None:
    found = Flown(np.array([1e9, 1e9 + 600.0]), np.array([1e9 + 300.0, 1e9 + 900.0]), (1e9 - 60.0, 1e9 + 900.0))
    whole = from_flight(found)
    assert whole.duration_s.tolist() == [300.0, 300.0]
    assert whole.share == pytest.approx(found.share, abs=1e-6)
    cut = from_flight(found, (whole.start[0], whole.start[0] + np.timedelta64(100_000, "ms")))
    assert cut.duration_s.tolist() == [100.0]
    with pytest.raises(InputError):
        from_flight(found, (whole.start[0], whole.start[0] + np.timedelta64(9_000_000, "ms")))


def test_bad_relays() -> None:
    plan, short = RatePlan(EDGES, np.ones(12)), RatePlan(EDGES[:3], np.ones(2))
    for call in (
        lambda: run_relays(plan, {}, 1e6),
        lambda: run_relays(plan, {"a": Leg(plan), "b": Leg(plan)}, 1e6),
        lambda: run_relays(plan, {"a": Leg(short)}, 1e6),
        lambda: bent_pipe(plan, short),
        lambda: bent_pipe_db_hz(np.nan, 1.0),
    ):
        with pytest.raises(InputError):
            call()
