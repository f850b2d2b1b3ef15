"""What drives a bus, as few straight lines: sums kept, errors bounded, jumps where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.operations.forcing import thinned

STEP_S = 3600.0


def sums(found, column, step_s=STEP_S):
    length = np.diff(found.edges_s)
    return length * (found.start[:, column] + 0.5 * found.per_s[:, column] * length) / step_s


def means_of(found, column, count, step_s=STEP_S):
    """Mean of each step of the lines."""
    middles = (np.arange(count) + 0.5) * step_s
    k = np.searchsorted(found.edges_s, middles, side="right") - 1
    return found.start[k, column] + found.per_s[k, column] * (middles - found.edges_s[k])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e4), min_size=1, max_size=80),
    slow=st.floats(0, 1e4),
    tolerance=st.sampled_from([0.0, 1e-6, 1e-4, 1e-2]),
)
def test_sums_are_kept_and_errors_bounded(values, slow, tolerance):
    jumps = np.array(values)
    wave = slow * (1.0 + np.sin(np.arange(jumps.size) / 50.0))
    found = thinned([jumps, wave], [wave], STEP_S, tolerance)
    edges = np.rint(found.edges_s / STEP_S).astype(int)
    assert edges[0] == 0
    assert edges[-1] == jumps.size
    for column, row in enumerate((jumps, wave)):
        assert sums(found, column) == pytest.approx(np.add.reduceat(row, edges[:-1]), rel=1e-9, abs=1e-9)
        allowed = 2.0 * tolerance * row.max() + 1e-9 * (1.0 + row.max())
        assert np.abs(means_of(found, column, row.size) - row).max() <= allowed
    assert found.start.min() >= -1e-9 * (1.0 + max(jumps.max(), wave.max()))


def test_a_slow_wave_takes_few_lines_and_fewer_with_more_tolerance():
    wave = 100.0 * (1.0 + np.sin(2.0 * np.pi * np.arange(8766) / 708.7))
    counts = [thinned([wave], [], STEP_S, tolerance).stretches for tolerance in (1e-5, 1e-4, 1e-3, 1e-2)]
    assert counts == sorted(counts, reverse=True)
    assert counts[1] < 8766 / 6


def test_nothing_is_joined_across_a_jump_and_equal_steps_always():
    row = np.array([5.0] * 40 + [0.0] * 300 + [5.0] * 2)
    found = thinned([row], [], STEP_S, 0.0)
    assert (found.edges_s / STEP_S).tolist() == [0, 40, 340, 342]
    assert found.start[:, 0].tolist() == [5.0, 0.0, 5.0]
    assert not found.per_s.any()


def test_points_are_met_at_the_edges():
    height = 45.0 * np.sin(np.arange(500) / 80.0)
    found = thinned([], [height], STEP_S, 1e-4)
    at = np.rint(found.edges_s[:-1] / STEP_S).astype(int)
    assert found.start[:, 0].tolist() == height[at].tolist()
    k = np.searchsorted(found.edges_s, np.arange(500) * STEP_S, side="right") - 1
    there = found.start[k, 0] + found.per_s[k, 0] * (np.arange(500) * STEP_S - found.edges_s[k])
    assert np.abs(there - height).max() <= 2e-4 * 45.0


@pytest.mark.parametrize(
    ("rows", "tolerance"), [([], 1e-4), ([np.ones(3), np.ones(4)], 1e-4), ([np.ones(3)], -1.0)]
)
def test_bad_input_is_refused(rows, tolerance):
    with pytest.raises(InputError):
        thinned(rows, [], STEP_S, tolerance)
