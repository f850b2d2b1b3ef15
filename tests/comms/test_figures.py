"""Figures of handover and store: what is drawn is what was planned."""

from __future__ import annotations

import numpy as np

from moonpost.comms import Contact, HandoverPlan, RatePlan, run_store
from moonpost.report.figures.comms import handover_figure, store_figure

START = np.datetime64("2030-01-01T00:00", "ms")


def at(hours: int) -> np.datetime64:
    return START + np.timedelta64(hours, "h")


def test_a_row_for_each_antenna_and_a_name_for_each_user() -> None:
    rows = (Contact("x", "a", at(0), at(5)), Contact("y", "b", at(2), at(9)), Contact("x", "b", at(10), at(12)))
    figure = handover_figure(HandoverPlan(rows, (at(0), at(24)), 14.0, 14.0, True), 6.0)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert sum(len(part.get_paths()) for part in axes.collections) == 3


def test_an_overflow_is_shaded() -> None:
    edges = START + np.arange(4) * np.timedelta64(12, "h")
    run = run_store(RatePlan(edges, np.full(3, 1e5)), RatePlan(edges, np.array([0.0, 0.0, 3e5])), [6e9, 9e9])
    small, large = store_figure(run, 6.0), store_figure(run, 6.0, case=1)
    assert len(small.axes[0].patches) == 1
    assert len(large.axes[0].patches) == 0
    assert small.axes[0].lines[0].get_ydata().max() == 6.0
