"""The lightest mix by cuts: Moonpost beside the same program with the energy of every step as a variable."""

from __future__ import annotations

import numpy as np
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from measure import Table, best_s, once_s
from moonpost.design import crossover, lightest_mix, mix_effects, prove_mix
from moonpost.design.mixcuts import CutPool, lightest_units
from moonpost.plan import load_plan
from moonpost.sky import Almanac, times
from moonpost.terrain import illumination
from moonpost.terrain.profiles import shipped_profile

STEP_S = 3600.0
LIMIT_S = 60.0


def table() -> Table:
    """The bundled plan at its baseline, arrays at 10 m and batteries."""
    plan = load_plan("ilrs")
    place = plan.station_sites()[0].id
    start = np.datetime64("2035-01-01", "ms")
    t = times(start, start + np.timedelta64(round(19 * 365.25 * 86400e3), "ms"), STEP_S)
    sun = Almanac.default().sun(shipped_profile(place, 10.0).site, t)
    light = {mast_m: illumination(shipped_profile(place, mast_m), sun) for mast_m in (2.0, 10.0)}
    lightest_mix(plan, sun, light, families=("solar-battery",))
    whole_s, found = best_s(lambda: lightest_mix(plan, sun, light), 3)
    chart_s, _ = best_s(lambda: crossover(plan.design, sun, light), 1)
    effects_s, _ = best_s(lambda: mix_effects(found), 1)
    proof_s, proof = best_s(lambda: prove_mix(plan, found, found.mixes["solar-battery"]), 1)
    rows = []
    for days in (60, 365, 6939):
        pool = short(found, days)
        ours_s, ours = best_s(lambda pool=pool: lightest_units(fresh(pool)), 3)
        rows.append([f"{days} d by cuts", seconds(ours_s), "1 x", f"{ours.mass_kg:.1f}", f"{ours.cuts} windows"])
        theirs_s, mass_kg = once_s(lambda pool=pool: over_all_time(pool))
        told = "-" if mass_kg is None else f"{mass_kg:.1f}"
        limit = f", stopped after {LIMIT_S:g} s" if theirs_s >= LIMIT_S else ""
        rows.append(
            [f"{days} d, every step a variable", seconds(theirs_s), f"{theirs_s / ours_s:.0f} x", told,
             f"{3 * pool.hours.size:,} variables of time{limit}"]
        )  # fmt: skip
    rows += [
        [
            "all families at both masts",
            seconds(whole_s),
            "",
            f"{found.best.mass_kg:.1f}",
            "five families, two stores",
        ],
        ["crossover chart", seconds(chart_s), "", "", "4 lines, 13 powers, crossings to 1 %"],
        ["what the numbers do", seconds(effects_s), "", "", "a new design for both ends of each number"],
        ["proof", seconds(proof_s), "", "", f"two simulations of 19 years; one module fewer dips: {proof.tight}"],
    ]
    return Table(
        topic="design",
        title="The lightest mix of whole units for 19 years of real light",
        method=f"The bundled plan at its baseline, {t.size:,} hours from 2035-01-01. First the mix of arrays at "
        "10 m "
        "and batteries over a part of the period, by cuts from critical windows and as one integer program in "
        "which charge, discharge and energy of every step are variables; HiGHS solves both, the second for at "
        f"most {LIMIT_S:g} s.",
        head=["what", "time", "of the cuts'", "mass (kg)", "size"],
        rows=rows,
        reading="Where the large program ends both ways find the same mass. The search for all families is that "
        "of `moonpost design`.",
        packages=("moonpost", "numpy", "numba", "scipy"),
    )


def seconds(value: float) -> str:
    """A time in a few digits."""
    return f"{value:.2f} s" if value >= 0.1 else f"{1e3 * value:.0f} ms"


def short(found, days: int) -> CutPool:
    """The program of arrays at 10 m with batteries over the first days."""
    search = found._search
    pool = search.pool(10.0, "battery")
    steps = min(days * 24, pool.hours.size)
    sources = [
        type(unit)(unit.name, unit.supply_w[:steps], unit.mass_kg, unit.carrier_kg, unit.per_carrier, unit.most)
        for unit, option in zip(search.units, search.offered, strict=True)
        if option.mast_m == 10.0 and option.mount == "vertical-tracking"
    ]
    return CutPool(pool.hours[:steps], pool.load_w[:steps], sources, pool.store)


def fresh(pool: CutPool) -> CutPool:
    """The same program without windows."""
    return CutPool(pool.hours, pool.load_w, pool.sources, pool.store)


def over_all_time(pool: CutPool) -> float | None:
    """The program with charge, discharge and energy of every step as variables; its mass [kg]."""
    (source,), store = pool.sources, pool.store
    steps = pool.hours.size
    into, out, held = 3, 3 + steps, 3 + 2 * steps
    columns = 3 + 3 * steps
    k = np.arange(steps)
    one = np.ones(steps)
    entries = [
        (k, 0 * k, pool.first_w[0]), (k, into + k, -one), (k, out + k, one),
        (steps + k, held + k, one), (steps + k[1:], held + k[:-1], -one[1:]), (steps + k[:1], 2 + 0 * k[:1],
         -store.usable_wh * one[:1]),
        (steps + k, into + k, -store.charge_efficiency * pool.hours),
        (steps + k, out + k, pool.hours / store.discharge_efficiency),
        (2 * steps + k, held + k, one), (2 * steps + k, 2 + 0 * k, -store.usable_wh * one),
        (np.array([3 * steps]), np.array([1]), np.array([float(source.per_carrier)])),
        (np.array([3 * steps]), np.array([0]), np.array([-1.0])),
    ]  # fmt: skip
    rows, cols, values = (np.concatenate([entry[i] for entry in entries]) for i in range(3))
    matrix = coo_array((values, (rows, cols)), shape=(3 * steps + 1, columns)).tocsr()
    low = np.concatenate([pool.load_w, np.zeros(steps), np.full(steps, -np.inf), [0.0]])
    high = np.concatenate([np.full(steps, np.inf), np.zeros(2 * steps), [np.inf]])
    cost = np.zeros(columns)
    cost[:3] = source.mass_kg, source.carrier_kg, store.mass_kg
    whole = np.zeros(columns)
    whole[:3] = 1
    found = milp(
        cost, integrality=whole, bounds=(np.zeros(columns), np.full(columns, np.inf)),
        constraints=LinearConstraint(matrix, low, high), options={"mip_rel_gap": 0.0, "time_limit": LIMIT_S},
    )  # fmt: skip
    return None if found.x is None else float(found.fun)
