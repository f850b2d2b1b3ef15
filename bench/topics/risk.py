"""A station run many times with drawn faults, beside a loop over whole simulations."""

from __future__ import annotations

from dataclasses import replace

from measure import Table, once_s
from moonpost.operations.faultrates import assumed_rates, drawn_faults
from moonpost.operations.montecarlo import RiskCase, run_risk
from moonpost.operations.recovery import fault_changes
from moonpost.operations.simulation import simulate, station_models
from moonpost.study.risk import risk_case

LOOP = 20


def table() -> Table:
    """A year of the bundled station with assumed rates, from 10 to 1,000 runs."""
    case = risk_case("ilrs", "2040-01-01", 365.25)
    models, _, _ = station_models(case.plan, case.sun, case.light_by_mast, surface_k=case.surface_k)
    machines = [arrival.element for model in models for arrival in model.arrivals]
    case = replace(case, rates=assumed_rates(case.plan, machines))
    run_risk(case, 1)
    plain(case, 1)
    loop_s, _ = once_s(lambda: plain(case, LOOP))
    rows = [["a loop over `simulate`", f"{LOOP}", f"{loop_s:.2f} s", f"{1e3 * loop_s / LOOP:.1f} ms", "", ""]]
    for runs, workers in ((10, 1), (100, 1), (1000, 1), (1000, 2)):
        taken_s, found = once_s(lambda runs=runs, workers=workers: run_risk(case, runs, workers=workers))
        spread = found.spreads()["served_wh"]
        rows.append(
            [f"`run_risk`, {workers} thread{'s' if workers > 1 else ''}", f"{runs:,}", f"{taken_s:.2f} s",
             f"{1e3 * taken_s / runs:.1f} ms", f"{spread.mean / 1e3:,.1f} +- {spread.mean_error / 1e3:.1f}",
             f"{found.residual_relative:.0e}"]
        )  # fmt: skip
    return Table(
        topic="risk",
        title="A year of a station with drawn faults, many times",
        method=f"The bundled plan at its baseline through 2040, {case.sun.time.size:,} hours, {len(machines)} "
        f"machines, {len(case.rates)} assumed rates. Times of `run_risk` include laying out the buses and the run "
        "without faults. The loop draws the same faults and makes all series of each run.",
        head=["what", "runs", "time", "for one run", "energy served (kWh)", "unaccounted"],
        rows=rows,
        reading="Time grows with the number of runs, the error of the mean falls with its root. Only the compiled "
        "loop, 40 % of a run of this size, works beside other threads; two gained nothing here, with other work "
        "on both processors. Longer periods and clusters of processes gain more.",
    )


def plain(case: RiskCase, runs: int) -> float:
    """Energy served by whole simulations [Wh]."""
    total = 0.0
    for seed in range(runs):
        drawn = drawn_faults(case.plan, case.rates, *case.period, seed)
        changes = fault_changes(case.plan, drawn, case.contacts)
        found = simulate(
            case.plan,
            case.sun,
            case.light_by_mast,
            contacts=case.contacts,
            surface_k=case.surface_k,
            changes=changes,
        )
        total += sum(balance.served_wh for balance in found.balances)
    return total
