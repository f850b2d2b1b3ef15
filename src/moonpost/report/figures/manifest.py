"""Launches with what they bring, and mixes of launches that land a mass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from moonpost.report.figures.style import (
    GREY,
    INK,
    ORANGE,
    dates,
    drawing,
    legend_above,
    owner_colours,
    row_names,
)

if TYPE_CHECKING:
    from moonpost.campaign.landing import LandingMix
    from moonpost.campaign.planloading import PlanLoading

__all__ = ["landing_figure", "loading_figure"]

_LETTER_IN = 0.075


@drawing
def loading_figure(loading: PlanLoading, width_in: float) -> Figure:
    """Draw what each launch brings, in the colour of its owner, against what it could bring.

    Parameters
    ----------
    loading : PlanLoading
        From `moonpost.campaign.planloading.plan_loading`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        One row a launch.
    """
    flights = loading.flights
    cargo = {row.id: row for row in loading.cargo.rows}
    figure = Figure(figsize=(width_in, 1.3 + 0.55 * max(len(flights), 1)), layout="constrained")
    axes: Any = figure.subplots()
    owners = owner_colours([cargo[name].owner for flight in flights for name in flight.cargo])
    most = max((flight.capacity_kg for flight in flights), default=1.0)
    tall = 0.62 if width_in >= 5.0 else 0.48
    for k, flight in enumerate(flights):
        axes.barh(
            k, 1e-3 * flight.capacity_kg, height=tall, color="#EDEFF2", edgecolor=GREY, linewidth=0.8, zorder=1
        )
        left = 0.0
        for name in flight.cargo:
            mass = 1e-3 * cargo[name].mass_kg
            axes.barh(
                k, mass, left=left, height=tall, color=owners[cargo[name].owner], edgecolor="white", zorder=2
            )
            room = int((width_in - 2.3) * cargo[name].mass_kg / most / _LETTER_IN)
            if room > 5:
                text = name if len(name) <= room else name[: room - 1].rstrip() + "…"
                axes.text(
                    left + 0.5 * mass, k, text, ha="center", va="center", fontsize=7.5, color="white", zorder=3
                )
            left += mass
    row_names(axes, [f"{flight.launcher} {flight.launch[:10]}" for flight in flights], width_in)
    axes.set_xlabel("Cargo with margins [t]")
    handles = [Patch(color=colour, label=owner) for owner, colour in owners.items()]
    handles.append(Patch(facecolor="#EDEFF2", edgecolor=GREY, label="still free"))
    legend_above(axes, width_in, handles)
    return figure


@drawing
def landing_figure(mix: LandingMix, width_in: float) -> Figure:
    """Draw the mass on the Moon against time for a mix of launches.

    Parameters
    ----------
    mix : LandingMix
        From `moonpost.campaign.landing.land_mass`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Steps at the arrivals, with the range, and the mass that is asked.
    """
    figure = Figure(figsize=(width_in, 3.2), layout="constrained")
    axes: Any = figure.subplots()
    flights = sorted(((day, row) for row in mix.rows for day in row.arrivals), key=lambda pair: pair[0])
    times = np.array([mix.start[:19], *(day[:19] for day, _ in flights), mix.by[:19]], dtype="datetime64[s]")
    ends = [(row.each_kg, row.each_low_kg or 0.0, row.each_high_kg) for _, row in flights]
    sums = 1e-3 * np.cumsum([(0.0, 0.0, 0.0), *ends, (0.0, 0.0, 0.0)], axis=0).T
    axes.fill_between(times, sums[1], sums[2], step="post", color=GREY, alpha=0.18, linewidth=0, label="range")
    axes.step(times, sums[0], where="post", color=INK, label="landed")
    axes.axhline(1e-3 * mix.asked_kg, color=ORANGE, linestyle="--", label="asked")
    used = [row for row in mix.rows if row.launches]
    colours = owner_colours([row.launcher for row in used])
    for row in used:
        places = [k + 1 for k, (_, other) in enumerate(flights) if other is row]
        axes.plot(
            times[places], sums[0][places], "o", color=colours[row.launcher], zorder=4,
            label=f"{row.launcher} ({row.launches})",
        )  # fmt: skip
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(times[0], times[-1])
    axes.set_ylabel("Cargo [t]" if mix.count == "cargo" else "Landed, landers included [t]")
    dates(axes.xaxis, width_in)
    legend_above(axes, width_in)
    return figure
