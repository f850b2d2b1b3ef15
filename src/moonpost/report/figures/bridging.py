"""Light and charge round the worst days of a place, by mast height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.dates import date2num
from matplotlib.figure import Figure

from moonpost.power.arrays import array_power_w
from moonpost.power.balance import run_bus
from moonpost.report.figures.style import dates, drawing, legend_above, owner_colours

if TYPE_CHECKING:
    from moonpost.study.bridging import Bridging

__all__ = ["bridging_figure"]

_BEFORE_D, _AFTER_D = 12.0, 20.0


@drawing
def bridging_figure(found: Bridging, width_in: float) -> Figure:
    """Draw the light of each mast and the charge of its battery round the longest darkness.

    Parameters
    ----------
    found : Bridging
        What was found.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Light above, charge of the battery for the worst deficit below, over the same days.
    """
    from moonpost.plan import DesignRules

    rules = DesignRules(
        start="2030", dust_loss=0.0, array_loss_per_year=0.0, source="moonpost.study.bridging", confidence="C"
    )
    time, step_s = found.sun.time, 600.0
    names = [f"{bridge.profile.mast_m:g} m" for bridge in found.bridges]
    colours = owner_colours(names)
    figure = Figure(figsize=(width_in, 4.6), layout="constrained")
    light_axes: Any
    charge_axes: Any
    light_axes, charge_axes = figure.subplots(2, 1, sharex=True)
    for name, bridge in zip(names, found.bridges, strict=True):
        light = found.light_by_mast[bridge.profile.mast_m]
        light_axes.plot(date2num(time), 100.0 * light, color=colours[name], label=name, linewidth=1.2)
        if not bridge.need.sustainable or bridge.need.nameplate_wh <= 0.0:
            continue
        store = found.storage.model_copy(update={"capacity_wh": bridge.need.nameplate_wh * (1.0 + 1e-9)})
        supply = array_power_w(found.array, found.sun, light, 0.0, rules)
        run = run_bus(supply, found.load_w, step_s, store, bus_efficiency=rules.bus_efficiency)
        charge_axes.plot(date2num(time), run.stored_wh[:-1] / 1e3, color=colours[name], linewidth=1.2)
    light_axes.set_ylabel("Sun's disc in view (%)")
    charge_axes.set_ylabel("Usable energy held (kWh)")
    charge_axes.set_ylim(bottom=0.0)
    worst = max(found.bridges, key=lambda bridge: bridge.statistics.longest_dark_d)
    spell = worst.statistics.longest_dark
    begin, end = (time[0], time[-1]) if spell is None else (spell.start, spell.stop)
    charge_axes.set_xlim(
        max(date2num(time[0]), date2num(begin) - _BEFORE_D), min(date2num(time[-1]), date2num(end) + _AFTER_D)
    )
    dates(charge_axes.xaxis, width_in)
    legend_above(light_axes, width_in)
    figure.align_ylabels()
    return figure
