"""The pictures of a design say what the numbers say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.design import crossover, lightest_mix
from moonpost.plan import load_plan
from moonpost.report.figures.design import crossover_figure, mixes_figure


@pytest.fixture(scope="module")
def winter():
    hours = np.arange(24 * 40)
    sun = SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + hours * np.timedelta64(3600, "s"),
        azimuth_deg=np.zeros(hours.size),
        elevation_deg=np.ones(hours.size),
        distance_m=np.full(hours.size, 1.5e11),
    )
    return sun, {10.0: np.clip(0.5 + np.sin(2 * np.pi * hours / 200.0), 0, 1)}


def test_lines_and_their_crossings(winter):
    sun, light = winter
    chart = crossover(load_plan("ilrs").design, sun, light, power_w=np.geomspace(500.0, 5e4, 5))
    (axes,) = crossover_figure(chart, 6.0, load_w=2000.0).axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert "[kW]" in axes.get_xlabel()
    assert "[kg]" in axes.get_ylabel()
    drawn = axes.lines[0].get_ydata()
    assert drawn == pytest.approx(chart.mass_kg["solar-battery"])
    marked = {round(line.get_xdata()[0], 6) for line in axes.lines if line.get_linestyle() == "--"}
    assert marked <= {round(row.power_w / 1e3, 6) for row in chart.crossings if row.lightest}


def test_bars_add_up(winter):
    sun, light = winter
    choice = lightest_mix(load_plan("ilrs"), sun, light, families=("solar-battery", "reactor"))
    (axes,) = mixes_figure(choice, 6.0).axes
    widths = [0.0, 0.0]
    for bar in axes.patches:
        widths[round(bar.get_y() + bar.get_height() / 2)] += bar.get_width()
    assert widths == pytest.approx([mix.mass_kg for mix in choice.mixes.values()])
