"""The orbital alternative runs through all phases too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.flight import Darkness
from moonpost.plan import load_plan, with_number
from moonpost.study import study
from moonpost.study.phases.orbit import covered_share


def test_orbital_station_is_studied() -> None:
    record = study(with_number(load_plan("ilrs-orbit"), "design.years", 0.3)).record
    assert record.site.kind == "orbit"
    assert record.site.orbit is not None
    assert 0.8 < record.site.orbit.average_illumination <= 1.0
    assert record.site.rows == ()
    assert max(row.residual_relative for row in record.operate.balances) < 1e-9


@settings(max_examples=50)
@given(st.lists(st.floats(0, 5000), min_size=2, max_size=12, unique=True).map(sorted))
def test_share_of_steps_adds_up_to_the_intervals(edges: list[float]) -> None:
    edges = edges[: len(edges) // 2 * 2]
    origin = np.datetime64("2030-01-01", "ms")
    instants = origin + (np.round(np.array(edges) * 1000)).astype("timedelta64[ms]")
    span = (origin, origin + np.timedelta64(5000, "s"))
    hidden = Darkness("sun", "umbra", span, instants[::2], instants[1::2], ("moon",) * (len(edges) // 2))
    t = origin + np.arange(50) * np.timedelta64(100, "s")
    share = covered_share(t, 100.0, hidden)
    lengths = (hidden.stop - hidden.start) / np.timedelta64(1, "s")
    assert share.sum() * 100.0 == pytest.approx(lengths.sum(), abs=1e-6)
    assert ((share >= 0) & (share <= 1)).all()
