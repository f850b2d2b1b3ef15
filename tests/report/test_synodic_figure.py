"""The picture of orbits in axes that turn with the Moon."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.flight import Environment, State, propagate
from moonpost.flight.events import eclipses
from moonpost.report.figures.synodic import synodic_figure
from moonpost.sky import Almanac


def test_the_moon_stands_still_and_distances_are_kept() -> None:
    env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-05", degree=4)
    low = State.circling(env, "2030-01-01", 1000e3, 0.0)
    flown = propagate(low, "2030-01-02", env, events=eclipses("moon"))
    figure = synodic_figure({"a": flown}, 8.0)
    left, right = figure.axes
    (along, _), (across, height) = (axes.lines[0].get_data() for axes in (left, right))
    radius = np.sqrt(np.square(along) + np.square(across) + np.square(height))
    assert radius == pytest.approx(np.full(radius.size, 2.7374), abs=0.02)
    assert len(left.lines[1].get_xdata()) == len(flown.events) > 0
    assert "[1000 km]" in left.get_xlabel()


def test_nothing_to_draw_is_told() -> None:
    with pytest.raises(InputError, match="Moon"):
        synodic_figure({}, 8.0)
