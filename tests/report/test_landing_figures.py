"""Figures of landings: axes with units, and what they show."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.flight.aiming import aim
from moonpost.flight.descent import descend
from moonpost.flight.dispersion import dispersion
from moonpost.flight.landing import LandingCriteria, landing_opportunities
from moonpost.flight.poweredpath import Vehicle
from moonpost.report.figures.landing import (
    descent_profile,
    ellipse_on_hazards,
    opportunity_calendar,
)
from moonpost.report.figures.style import save_figure
from moonpost.sky import Almanac, Site

PLAN = descend(Vehicle(3000.0, 7500.0, 308.0, 0.2))


def test_the_descent_ends_on_the_ground_in_every_panel() -> None:
    figure = descent_profile(PLAN)
    height, speed, pitch, thrust = figure.axes
    assert height.get_ylabel() == "Height above the site [km]"
    assert height.get_lines()[0].get_ydata()[-1] == pytest.approx(0.0, abs=1e-6)
    assert height.xaxis_inverted()
    assert [axes.get_xlabel() for axes in (speed, pitch, thrust)] == ["Time from ignition [s]"] * 3
    assert thrust.get_lines()[0].get_ydata().max() == pytest.approx(7.5)
    assert pitch.get_lines()[0].get_ydata()[-1] == pytest.approx(90.0)


@pytest.mark.parametrize("sun", [(5.0, 20.0), (80.0, 85.0)])
def test_the_calendar_has_a_row_for_each_criterion(almanac: Almanac, sun: tuple[float, float], tmp_path) -> None:
    asked = LandingCriteria(sun_deg=sun, earth_days=3.0)
    found = landing_opportunities(almanac, Site(43.06, -51.92), "2030-01-01", "2030-02-01", asked, step_s=3600.0)
    figure = opportunity_calendar(found)
    upper, lower = figure.axes
    assert [label.get_text() for label in lower.get_yticklabels()] == ["plane", "Sun", "Earth or relay", "all"]
    assert upper.get_ylabel() == "Sun elevation [deg]"
    bars = [len(bar.get_paths()) for bar in lower.collections]
    assert bars == [1, 2, 1, 2] if found.windows else [1, 0, 1, 0]
    assert save_figure(figure, tmp_path / "calendar.svg").read_text().startswith("<?xml")


def test_the_ellipse_stands_where_the_aim_is() -> None:
    hazard = np.ones((40, 60))
    hazard[5:20, 35:55] = 0.0
    hazard[:, 0] = np.nan
    spread = dispersion(PLAN)
    found = aim(hazard, 50.0, spread.on_map(30.0))
    left, right = ellipse_on_hazards(hazard, 50.0, found, spread, 30.0).axes[:2]
    for axes in (left, right):
        (ellipse,) = axes.patches
        x, y = ellipse.center
        assert (x, y) == pytest.approx(((found.col + 0.5 - 30) * 0.05, (20 - found.row - 0.5) * 0.05))
        assert ellipse.width == pytest.approx(2 * spread.ellipse_m(0.99)[0] / 1e3)
        # The long axis lies along the flight, 30 deg clockwise from up.
        assert ellipse.angle == pytest.approx(60.0, abs=1e-6)
    assert left.get_ylabel() == "Up the map from its middle [km]"
