"""Storage for 19 years of real light: Moonpost beside a sequent peak in plain Python."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from measure import Table, best_s, once_s
from moonpost.design import size_storage
from moonpost.plan import load_plan
from moonpost.power import array_heights_m, run_bus, sequent_peak
from moonpost.sky import Almanac, times
from moonpost.terrain import illumination
from moonpost.terrain.profiles import shipped_profile

STEP_S = 3600.0


def table() -> Table:
    """The bundled plan at its baseline, hour by hour."""
    plan = load_plan("ilrs")
    start = np.datetime64("2035-01-01", "ms")
    t = times(start, start + np.timedelta64(round(19 * 365.25 * 86400e3), "ms"), STEP_S)
    place = plan.station_sites()[0]
    sun = Almanac.default().sun(shipped_profile(place.id, 10.0).site, t)
    arrays = [g for e in plan.station_elements() for g in e.generators if g.kind == "solar"]
    masts = {2.0, 10.0} | {height_m for array in arrays for height_m in array_heights_m(array)}
    light = {mast_m: illumination(shipped_profile(place.id, mast_m), sun) for mast_m in masts}
    whole_s, sizing = best_s(lambda: size_storage(plan, sun, light), 3)
    surplus = sizing.supply_w - sizing.load_w
    store = sizing.storage
    charge, discharge = store.charge_efficiency, store.discharge_efficiency
    ours_s, need = best_s(lambda: sequent_peak(surplus, STEP_S, charge, discharge))
    values = [float(value) for value in surplus]
    plain_s, plain_wh = once_s(lambda: plain(values, STEP_S, charge, discharge))
    leaky = replace(store, charge_w=0.4 * float(surplus.max()), self_discharge_per_day=0.001, fade_per_year=0.01)
    bus_s, run = best_s(lambda: run_bus(sizing.supply_w, sizing.load_w, STEP_S, leaky), 3)
    return Table(
        topic="storage",
        title="Storage for the worst cumulative deficit of 19 years",
        method=f"The bundled plan at its baseline, {t.size:,} hours from 2035-01-01. The plain loop gets "
        "the finished series of surplus as Python floats; `size_storage` makes that series first: arrays, "
        "reactors and loads with margins.",
        head=["what", "time", "of Moonpost's", "usable energy (kWh)", "relative difference"],
        rows=[
            ["`sequent_peak`", f"{1e3 * ours_s:.2f} ms", "1 x", f"{need.usable_wh / 1e3:,.3f}", ""],
            ["plain Python", f"{1e3 * plain_s:.1f} ms", f"{plain_s / ours_s:.0f} x", f"{plain_wh / 1e3:,.3f}",
             f"{abs(plain_wh - need.usable_wh) / need.usable_wh:.1g}"],
            ["`run_bus` with limits of power, leak and fade", f"{1e3 * bus_s:.1f} ms", f"{bus_s / ours_s:.0f} x",
             "", f"{run.residual_relative:.0e} unaccounted"],
            ["`size_storage`, the whole sizing", f"{1e3 * whole_s:.0f} ms", f"{whole_s / ours_s:.0f} x",
             f"{sizing.required.usable_wh / 1e3:,.3f}", ""],
        ],
        reading="`size_storage` also finds the longest darkness and when the store is full again; it is timed "
        "with its series, which take most of it.",
    )  # fmt: skip


def plain(surplus_w: list[float], step_s: float, charge: float, discharge: float) -> float:
    """Deepest deficit of a full store [Wh], as one would first write it."""
    hours, deficit, worst = step_s / 3600.0, 0.0, 0.0
    for power in surplus_w:
        deficit -= power * hours * (charge if power > 0.0 else 1.0 / discharge)
        deficit = max(deficit, 0.0)
        worst = max(worst, deficit)
    return worst
