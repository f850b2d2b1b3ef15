"""Figures of heat: axes with units, and what they show."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.report.figures.thermal import equipment_figure, ground_figure, shadow_figure
from moonpost.thermal import (
    Heater,
    Network,
    Node,
    SunPath,
    Surface,
    TerrainPatch,
    patch_ground,
    simulate_network,
)


def test_ground_is_shown_by_day_and_by_night() -> None:
    hour = np.linspace(0, 24, 49)
    figure = ground_figure(hour, {"a": hour + 100, "b": hour + 90}, {"a": ([1.0, 13.0], [100.0, 110.0])})
    whole, night = figure.axes
    assert whole.get_ylabel() == "Surface temperature [K]"
    assert night.get_xlabel() == "Time after noon [h]"
    assert len(whole.get_lines()) == 3
    np.testing.assert_allclose(night.get_lines()[1].get_xdata(), [13.0, 1.0])


def test_shadow_is_outlined() -> None:
    x, y = np.meshgrid(np.arange(12.0), np.arange(12.0))
    patch = TerrainPatch(0.03 * ((x - 5.5) ** 2 + (y - 5.5) ** 2), 1.0)
    found = patch_ground(patch, SunPath.lunar_day(steps=24, declination_deg=-1.5))
    figure = shadow_figure(found, 1000.0)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Warmest of the year",
        "Mean",
        "Coldest of the year",
    ]
    image = panels[0].get_images()[0]
    assert tuple(image.get_extent()) == (-6.0, 6.0, -6.0, 6.0)
    np.testing.assert_array_equal(image.get_array(), found.ground.surface_max_k)
    assert len(panels[0].collections) == 1


def test_equipment_is_shown_with_its_limits() -> None:
    network = Network(
        [Node("box", 2e4, operate_k=(260.0, 310.0))],
        surfaces=[Surface("lid", "box", 0.05, 0.8)],
        heaters=[Heater("box", 20.0, 265.0, 270.0)],
    )
    run = simulate_network(network, 3600.0, np.full(60, 100.0), start_k=280.0)
    upper, lower = equipment_figure(run, network, ground_k=np.full(60, 100.0)).axes
    assert upper.get_ylabel() == "Temperature [K]"
    assert {line.get_ydata()[0] for line in upper.get_lines()[1:3]} == {260.0, 310.0}
    (stairs,) = lower.patches
    # Days of 24 steps, the last one shorter; the energy is that of the run.
    values, edges, _ = stairs.get_data()
    assert (values * np.diff(edges)).sum() * 24 == pytest.approx(run.heater_w.sum())
    assert lower.get_xlabel() == "Time from the start [d]"
