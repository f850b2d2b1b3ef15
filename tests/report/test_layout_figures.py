"""Figures of layout, spares and plants: what they show, with units on every axis."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.design.isru import PROCESSES, resource_plant
from moonpost.design.layout import check_layout
from moonpost.design.spares import SpareItem, lightest_spares
from moonpost.plan import load_plan
from moonpost.report.figures.layout import core_m, layout_figure
from moonpost.report.figures.longlife import plants_figure, spares_figure
from moonpost.sky import Almanac, Site, times
from moonpost.terrain import HorizonProfile


@pytest.fixture(scope="module")
def found():
    site = Site(-89.4395, 222.8066)
    sun = Almanac.default().sun(site, times("2035-01-01", "2035-01-10", 3600))
    return check_layout(load_plan("ilrs"), sun, lambda place, mast_m: HorizonProfile.flat(site), suggest=False)


def labelled(figure):
    return [axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes]


def test_the_map_names_each_machine_and_shades_the_middle(found) -> None:
    line = np.linspace(-core_m(found), core_m(found), 5)
    figure = layout_figure(found, (line, line, np.full((5, 5), 0.1)), title="a map")
    whole, near, *_ = figure.axes
    assert whole.get_title(loc="left") == "a map"
    names = {text.get_text() for axes in (whole, near) for text in axes.texts}
    assert names >= set(found.places)
    assert all("[m]" in text or "%" in text for text in labelled(figure))
    # Every machine within the panels has its disc; circles of landings and the reactor come on top.
    assert len(whole.patches) >= len(found.places)


def test_spares_are_drawn_with_the_heaviest_first() -> None:
    items = [SpareItem(f"unit {k}", "m", 1.0 + k, 0.1, life_years=4.0 if k % 2 else None) for k in range(20)]
    figure = spares_figure(lightest_spares(items, 5.0, 0.9))
    curve, bars = figure.axes
    assert "[kg]" in curve.get_xlabel()
    widths = [patch.get_width() for patch in bars.patches]
    kinds = len(widths) // 2
    whole = np.array(widths[:kinds]) + np.array(widths[kinds:])
    assert kinds <= 14
    assert (np.diff(whole) <= 1e-9).all()
    assert any("lighter kinds" in text.get_text() for text in bars.texts)


def test_plants_stand_as_high_as_their_sums() -> None:
    plants = [resource_plant(name) for name in PROCESSES]
    figure = plants_figure(plants)
    energy, mass = figure.axes
    tops = [
        max(p.get_y() + p.get_height() for p in energy.patches if abs(p.get_x() + 0.3 - k) < 0.1) for k in range(4)
    ]
    assert tops == pytest.approx([plant.kwh_kg for plant in plants])
    assert "[kWh" in energy.get_ylabel()
    assert "[kg]" in mass.get_ylabel()
