"""Figures of long life: spares against availability, and oxygen plants beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import (
    BLUE,
    FULL_IN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    drawing,
    legend_above,
)

if TYPE_CHECKING:
    from moonpost.design.isru import Plant
    from moonpost.design.spares import SparesPlan

__all__ = ["plants_figure", "spares_figure"]

_MOST_BARS = 14
_COLOURS = (ORANGE, SKY, BLUE, GREEN, PURPLE, RED, GREY, INK, "#7A6A00")


@drawing
def spares_figure(found: SparesPlan, width_in: float = FULL_IN) -> Figure:
    """Draw availability against the mass of spares, and the spares by unit.

    Parameters
    ----------
    found : SparesPlan
        The stock.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The efficient stocks on the left, masses by unit on the right.
    """
    shown = [(row, n, w) for row, n, w in zip(found.items, found.counts, found.worn, strict=True) if n + w]
    shown.sort(key=lambda item: -item[0].mass_kg * (item[1] + item[2]))
    rest = shown[_MOST_BARS:]
    shown = shown[:_MOST_BARS]
    figure = Figure(figsize=(width_in, max(0.36 * width_in, 1.3 + 0.24 * len(shown))), layout="constrained")
    curve, bars = figure.subplots(1, 2)
    mass, share = np.array(found.curve).T
    curve.plot(mass, share, ".-", color=BLUE, label="marginal analysis")
    curve.plot([found.mass_kg], [found.availability], "D", color=ORANGE, label="chosen")
    curve.axhline(found.target, color=GREY, linestyle=(0, (4, 3)), label="wanted")
    curve.set(
        xlabel="Mass of spares [kg]", ylabel=f"No unit runs out in {found.years:g} years [1]", ylim=(0, 1.03)
    )
    legend_above(curve, 0.5 * width_in)
    y = np.arange(len(shown))
    failures = [row.mass_kg * n for row, n, _ in shown]
    bars.barh(y, failures, color=BLUE, label="against failures")
    bars.barh(y, [row.mass_kg * w for row, _, w in shown], left=failures, color=SKY, label="against wear")
    bars.set_yticks(
        y,
        [
            f"{n + w} × {row.name}, {row.element}" if row.element else f"{n + w} × {row.name}"
            for row, n, w in shown
        ],
    )
    if rest:
        mass_kg = sum(row.mass_kg * (n + w) for row, n, w in rest)
        bars.annotate(
            f"and {len(rest)} lighter kinds, {mass_kg:.0f} kg together",
            (0.98, 0.03),
            xycoords="axes fraction",
            ha="right",
        )
    bars.invert_yaxis()
    bars.grid(visible=False, axis="y")
    bars.set_xlabel("Mass [kg]")
    legend_above(bars, 0.5 * width_in)
    return figure


@drawing
def plants_figure(plants: Sequence[Plant], width_in: float = FULL_IN) -> Figure:
    """Draw energy by step and mass by part of plants beside each other.

    Parameters
    ----------
    plants : sequence of Plant
        The plants.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Energy on the left, mass on the right.
    """
    figure = Figure(figsize=(width_in, 0.4 * width_in), layout="constrained")
    panels: Any = figure.subplots(1, 2)
    names = [f"{row.process}\n({row.product})" for row in plants]
    for axes, rows, scale, label in (
        (panels[0], [row.energy_wh_kg for row in plants], 1e-3, "Energy [kWh per kg of product]"),
        (panels[1], [row.parts_kg for row in plants], 1.0, "Mass of the plant [kg]"),
    ):
        steps = list(dict.fromkeys(step for row in rows for step in row if row[step] > 0.0))
        floor = np.zeros(len(plants))
        for step, colour in zip(steps, _COLOURS, strict=False):
            values = scale * np.array([row.get(step, 0.0) for row in rows])
            axes.bar(names, values, bottom=floor, color=colour, width=0.6, label=step)
            floor += values
        for k, top in enumerate(floor):
            axes.annotate(
                f"{top:,.0f}" if top >= 100.0 else f"{top:.1f}", (k, top), ha="center", va="bottom", fontsize=8.5
            )
        axes.grid(visible=False, axis="x")
        axes.set_ylabel(label)
        axes.set_ylim(0, 1.1 * floor.max())
        legend_above(axes, 0.5 * width_in)
    return figure
