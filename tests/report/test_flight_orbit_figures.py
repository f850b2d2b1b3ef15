"""Figures of orbits: every axis labelled, and what is drawn is what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.flight.coverage import Contacts
from moonpost.flight.frozen import AltitudeRange
from moonpost.flight.lifetime import LifetimeMap
from moonpost.flight.swath import SurfaceCoverage
from moonpost.report.figures.coverage import contacts_figure, surface_figure
from moonpost.report.figures.lifetime import altitude_figure, lifetime_figure
from moonpost.report.figures.style import FULL_IN, PHONE_IN, png_uri

DAY_S = 86400.0


def labelled(figure: Any) -> bool:
    """Whether every axis that shows ticks says what it is, with a unit unless it names rows."""
    named = [axis.get_label_text() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    known = [label for label in named if label == "Satellite" or label.endswith("]")]
    shared = len(figure.axes) - 1 if not bars else 1
    return len(known) >= len(named) - shared


@pytest.mark.parametrize("width", [FULL_IN, PHONE_IN])
def test_contacts_and_gaps_are_drawn(width: float) -> None:
    one = Contacts(DAY_S * np.array([1.0, 3.0]), DAY_S * np.array([2.0, 4.0]), (0.0, 5 * DAY_S))
    whole = Contacts(np.array([0.0]), np.array([5 * DAY_S]), (0.0, 5 * DAY_S))
    for rows in ({"first": one}, {"first": one, "both": whole}):
        figure = contacts_figure(rows, width)
        assert labelled(figure)
        assert png_uri(figure).startswith("data:image/png")
    bars = contacts_figure({"first": one}, width).axes[1].patches
    assert [bar.get_height() for bar in bars] == pytest.approx([24.0, 24.0, 24.0])
    with pytest.raises(InputError):
        contacts_figure({}, width)


@pytest.mark.parametrize("width", [FULL_IN, PHONE_IN])
def test_lifetimes_and_altitudes_are_drawn(width: float) -> None:
    days = np.array([[[3.0, 5.0], [20.0, 20.0]], [[20.0, 12.0], [20.0, 20.0]]])
    found = LifetimeMap(np.array([2e4, 5e4]), np.array([30.0, 90.0]), np.array([0.0, 90.0]), days, 20.0, {})
    figure = lifetime_figure(found, width)
    assert labelled(figure)
    assert figure.axes[0].collections[0].get_array().ravel().tolist() == [3.0, 20.0, 12.0, 20.0]
    assert len(figure.axes[0].lines[0].get_xdata()) == 2
    ranges = AltitudeRange(27.3, np.array([90e3, 80e3]), np.array([110e3, 120e3]), 40.0)
    assert labelled(altitude_figure({"frozen": ranges, "circle": ranges}, width))
    with pytest.raises(InputError):
        altitude_figure({}, width)
    with pytest.raises(InputError):
        lifetime_figure(LifetimeMap(np.array([2e4]), np.array([9.0]), np.array([0.0]), days[:1], 20.0, {}), width)


def test_surface_coverage_is_drawn() -> None:
    seen = SurfaceCoverage(np.array([-45.0, 45.0]), np.array([0.0]), np.array([[1.0], [np.nan]]), 2.0)
    figure = surface_figure(seen, [(-90, 90), (-90, 0)], FULL_IN)
    assert labelled(figure)
    assert [line.get_ydata()[-1] for line in figure.axes[0].lines] == [50.0, 100.0]
    with pytest.raises(InputError):
        surface_figure(seen, [], FULL_IN)
