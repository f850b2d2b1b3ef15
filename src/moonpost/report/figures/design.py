"""The design of a station's power system: mixes, crossover, sensitivities and terrain errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    drawing,
    legend_above,
    row_names,
)

if TYPE_CHECKING:
    from moonpost.design import Crossover, MassEffect, MixChoice
    from moonpost.study.stationdesign import StationDesign

__all__ = ["crossover_figure", "design_figure", "mixes_figure"]

_LINES: Mapping[str, tuple[str, str, str]] = {
    "solar-battery": ("solar and battery", ORANGE, "o"),
    "solar-fuel-cell": ("solar and fuel cell", BLUE, "s"),
    "radioisotope": ("radioisotope", GREEN, "^"),
    "reactor": ("reactor", PURPLE, "D"),
    "any": ("any mix", INK, "v"),
}
_PARTS: Mapping[str, tuple[str, str]] = {
    "array": ("array", ORANGE),
    "mast": ("mast and base", "#F3CF8A"),
    "battery": ("battery", SKY),
    "tanks": ("tanks", BLUE),
    "fuel-cell": ("fuel cell", "#7A6A00"),
    "electrolyser": ("electrolyser", RED),
    "radioisotope": ("radioisotope", GREEN),
    "reactor": ("reactor", PURPLE),
}
_FIGURES: Mapping[str, str] = {
    "array_w_kg": "array, W/kg",
    "mast_kg_m": "mast, kg/m",
    "base_kg": "base of a mast, kg",
    "mast_w": "array per mast, W",
    "battery_wh_kg": "battery, Wh/kg",
    "battery_depth": "depth of discharge",
    "battery_efficiency": "battery efficiency",
    "fuel_kg_kwh": "gases and tanks, kg/kWh",
    "stack_kg_kw": "fuel cell, kg/kW",
    "electrolyser_kg_kw": "electrolyser, kg/kW",
    "stack_efficiency": "fuel cell efficiency",
    "electrolyser_efficiency": "electrolyser efficiency",
    "rtg_w_kg": "radioisotope, W/kg",
    "rtg_loss_per_year": "radioisotope, loss a year",
    "rtg_most": "most radioisotope units",
}
_MOST_ROWS = 10


@drawing
def design_figure(design: StationDesign, width_in: float) -> Figure:
    """Draw the design of a station: mixes, crossover, what the numbers do, and terrain errors.

    Parameters
    ----------
    design : StationDesign
        From `moonpost.study.stationdesign.design_station`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Four panels; the last only if there is an ensemble.
    """
    figure = Figure(figsize=(width_in, 0.72 * width_in), layout="constrained")
    axes = figure.subplots(2, 2)
    if design.choice is not None and design.carried:
        _mixes(axes[0, 0], design.choice, 0.5 * width_in)
    else:
        _nothing(axes[0, 0], "No mix carries the loads" if design.choice is not None else "Nothing draws power")
    mean_w = float(design.result.load_mean_w)
    _crossover(axes[0, 1], design.chart, mean_w, 0.5 * width_in)
    _effects(axes[1, 0], design.effects, 0.5 * width_in)
    _errors(axes[1, 1], design, 0.5 * width_in)
    return figure


@drawing
def crossover_figure(chart: Crossover, width_in: float, *, load_w: float | None = None) -> Figure:
    """Draw total mass against a constant load, with the powers at which the lightest family changes.

    Parameters
    ----------
    chart : Crossover
        From `moonpost.design.crossover`.
    width_in : float
        Width [inch].
    load_w : float, optional
        A load to mark [W].

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(width_in, 0.62 * width_in), layout="constrained")
    _crossover(figure.subplots(), chart, load_w, width_in)
    return figure


@drawing
def mixes_figure(choice: MixChoice, width_in: float) -> Figure:
    """Draw what the lightest mix of each family weighs, part by part.

    Parameters
    ----------
    choice : MixChoice
        From `moonpost.design.lightest_mix`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(width_in, 0.45 * width_in), layout="constrained")
    _mixes(figure.subplots(), choice, width_in)
    return figure


def _nothing(axes: Any, why: str) -> None:
    """An empty panel that says why."""
    axes.text(0.5, 0.5, why, ha="center", transform=axes.transAxes)
    axes.set_axis_off()


def _mixes(axes: Any, choice: MixChoice, width_in: float) -> None:
    """Stacked bars of mass by family."""
    rows = [(name, mix) for name, mix in choice.mixes.items() if mix is not None]
    longest = max(mix.mass_kg for _, mix in rows)
    used: dict[str, Any] = {}
    for k, (_, mix) in enumerate(rows):
        left = 0.0
        for item, (label, colour) in _PARTS.items():
            mass_kg = sum(part.mass_kg for part in mix.parts if part.item == item)
            if mass_kg > 0:
                bar = axes.barh(k, mass_kg, left=left, height=0.5, color=colour, label=label, linewidth=0)
                used.setdefault(label, bar)
                left += mass_kg
        axes.annotate(
            f"{mix.mass_kg:,.0f} kg",
            (left, k),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    row_names(axes, [_LINES[name][0] for name, _ in rows], 2 * width_in)
    axes.set_xlim(0, 1.18 * longest)
    axes.set_xlabel("Mass without margin [kg]")
    axes.set_ylabel("Lightest mix of")
    legend_above(axes, width_in, list(used.values()))


def _crossover(axes: Any, chart: Crossover, load_w: float | None, width_in: float) -> None:
    """Mass against power, with the crossings of the lightest lines."""
    power_kw = np.array(chart.power_w) / 1e3
    for name, masses in chart.mass_kg.items():
        label, colour, marker = _LINES.get(name, (name, GREY, "."))
        mass_kg = np.array([mass if np.isfinite(mass) else np.nan for mass in masses])
        axes.plot(power_kw, mass_kg, color=colour, marker=marker, markersize=4, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    drawn: list[float] = []
    for crossing in chart.crossings:
        if not crossing.lightest or any(abs(np.log(crossing.power_w / other)) < 0.1 for other in drawn):
            continue
        drawn.append(crossing.power_w)
        axes.axvline(crossing.power_w / 1e3, color=INK, linewidth=0.9, linestyle="--")
        axes.annotate(
            f"{crossing.power_w / 1e3:.3g} kW",
            (crossing.power_w / 1e3, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8.5,
        )
    if load_w:
        axes.axvline(load_w / 1e3, color=RED, linewidth=0.9, linestyle=":")
        axes.annotate(
            "mean load\nof the plan",
            (load_w / 1e3, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8,
            color=RED,
            va="top",
        )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("Constant load at the bus [kW]")
    axes.set_ylabel("Mass without margin [kg]")
    legend_above(axes, width_in)


def _effects(axes: Any, effects: tuple[MassEffect, ...], width_in: float) -> None:
    """A tornado: the mass with each end of each number's range."""
    rows = [effect for effect in effects if effect.effect_kg > 0][:_MOST_ROWS]
    if not rows:
        _nothing(axes, "No number of the table changes it")
        return
    base = rows[0].mass_kg
    for k, row in enumerate(rows):
        ends = ((row.mass_light_kg, row.light, GREEN), (row.mass_heavy_kg, row.heavy, RED))
        for mass_kg, value, colour in ends:
            if mass_kg is None or mass_kg == base:
                continue
            axes.barh(k, mass_kg - base, left=base, height=0.5, color=colour, linewidth=0)
            right = mass_kg > base
            axes.annotate(
                f"{value:g}",
                (mass_kg, k),
                xytext=(3 if right else -3, 0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=8,
            )
    axes.axvline(base, color=INK, linewidth=1.0)
    row_names(axes, [_FIGURES.get(row.figure, row.figure) for row in rows], 2 * width_in)
    axes.margins(x=0.12)
    axes.set_xlabel("Mass of the lightest mix, designed anew [kg]")
    axes.set_ylabel("Number, with the ends of its range")


def _errors(axes: Any, design: StationDesign, width_in: float) -> None:
    """The need of the store over terrain errors, beside what is installed."""
    spread = design.spread
    if spread is None:
        _nothing(axes, "No ensemble of terrain errors")
        return
    mix = design.mix
    values = np.sort(np.array([value for value in spread.values if np.isfinite(value)])) / 1e3
    share = 100.0 * np.arange(1, values.size + 1) / len(spread.values)
    axes.step(values, share, where="post", color=BLUE, label=f"{len(spread.values)} horizons with terrain errors")
    axes.axvline(mix.usable_wh / 1e3, color=INK, linewidth=1.0, label="usable energy of the mix")
    for name, colour in (("p50", GREEN), ("p95", RED)):
        value = getattr(spread, name)
        if np.isfinite(value):
            axes.axvline(
                value / 1e3, color=colour, linestyle="--", linewidth=1.0, label=f"{name.upper()} of the need"
            )
    axes.set_ylim(0, 102)
    axes.set_xlabel("Usable energy that the store needs [kWh]")
    axes.set_ylabel("Horizons that need no more [%]")
    legend_above(axes, width_in)
