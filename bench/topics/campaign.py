"""A campaign flown many times with drawn luck: growth with the runs, and two workers against one."""

from __future__ import annotations

import importlib.util
import math
import os
import time
from pathlib import Path
from typing import Any

from measure import Table
from moonpost.campaign.risk import campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.plan import Plan, load_plan

LOOP = 40
GATED_RUNS = 40_960
GATED_S = 120.0
REPEATS = 15
PLAIN = Path(__file__).parents[2] / "tests" / "campaign" / "plainrisk.py"


def table() -> Table:
    """The bundled plan from 1,000 to 1,000,000 runs, on threads and on processes."""
    plan = load_plan("ilrs")
    flown(plan, 10)
    rows = [["plain Python, one run at a time", f"{LOOP}", *plain(plan), "", ""]]
    for runs in (1_000, 10_000, 100_000, 1_000_000):
        two = runs >= 100_000
        (one_s, found), *others = least_s(plan, runs, [{}, {"workers": 2}] if two else [{}])
        reached = found.reached()
        rows.append(
            ["`campaign_risk`, 1 thread", *times(one_s, runs), f"{100 * reached.share:.2f}",
             f"{50 * (reached.high - reached.low):.2f}"]
        )  # fmt: skip
        if runs == 100_000:
            others += least_s(plan, runs, [{"scheduler": "local:2"}], 1)
        for name, (other_s, other) in zip(("2 threads", "2 processes"), others, strict=False):
            same = "the same" if other.reached() == reached else "DIFFERENT"
            rows.append(
                [
                    f"`campaign_risk`, {name}",
                    *times(other_s, runs),
                    same,
                    f"ratio to 1 thread {one_s / other_s:.2f}",
                ]
            )
    rows += while_idle(plan)
    load = os.getloadavg()[0]
    return Table(
        topic="campaign",
        title="A campaign with drawn slips, failures, masses and dust, many times",
        method=f"The bundled plan, {len(plan.missions)} missions and {len(plan.elements)} elements; odds that its "
        "command centre works by 2036, as asked by `moonpost build risk`. Shortest of several times, one thread "
        "and two in turn (one time for a million). They hold everything: laying the plan out, drawing, counting; "
        "those of processes also their start. The plain program, `tests/campaign/plainrisk.py`, works straight on "
        "the rows of the plan and comes to the same dates.",
        head=["what", "runs", "time", "for one run", "odds (%)", "bounds at 95 % (+-)"],
        rows=rows,
        reading="Time grows with the runs and the bounds fall with their root; 10,000 runs know the odds to one "
        "percent. Same seed, same odds, whoever computes. Luck is drawn in parts of 4,096 runs; compiled loops, "
        "drawing and array work run beside other threads, the rest of a part does not. Processes cost seconds to "
        "start and send every date back, so they pay only where machines are many. Load during the measurement: "
        f"{load:.1f} on {os.cpu_count()} processors, so ratios of two workers are lower bounds; rows of "
        "an idle machine, where there are any, hold the shortest of times begun while nothing else ran.",
    )


def flown(plan: Plan, runs: int, **more: Any) -> Any:
    """The experiment."""
    return campaign_risk(plan, runs=runs, target=["command-centre"], by="2036", **more)


def times(taken_s: float, runs: int) -> list[str]:
    """Runs, their time, and the time for one."""
    return [f"{runs:,}", f"{taken_s:.2f} s", f"{1e6 * taken_s / runs:.1f} us"]


def least_s(plan: Plan, runs: int, ways: list[dict[str, Any]], repeats: int = REPEATS) -> list[tuple[float, Any]]:
    """Shortest time of some experiments in each of several ways, in turn [s], and the last of each."""
    taken: list[list[float]] = [[] for _ in ways]
    found: list[Any] = [None for _ in ways]
    for _ in range(1 if runs > 100_000 else repeats):
        for k, more in enumerate(ways):
            begun = time.perf_counter()
            found[k] = flown(plan, runs, **more)
            taken[k].append(time.perf_counter() - begun)
    return [(min(one), last) for one, last in zip(taken, found, strict=True)]


def while_idle(plan: Plan) -> list[list[str]]:
    """One thread and two, begun only while the processors are idle; nothing where that never was."""
    least = {1: math.inf, 2: math.inf}
    end = time.monotonic() + GATED_S
    turn = 0
    while time.monotonic() < end:
        before = processor_times()
        time.sleep(0.05)
        spent = [late - soon for soon, late in zip(before, processor_times(), strict=True)]
        if sum(spent) == 0 or spent[3] / sum(spent) < 0.85:
            continue
        turn += 1
        for workers in (1, 2) if turn % 2 else (2, 1):
            begun = time.perf_counter()
            flown(plan, GATED_RUNS, workers=workers)
            least[workers] = min(least[workers], time.perf_counter() - begun)
    if turn == 0:
        return []
    one, both = least[1], least[2]
    return [
        [f"`campaign_risk`, 1 thread, idle machine, least of {turn}", *times(one, GATED_RUNS), "", ""],
        [f"`campaign_risk`, 2 threads, idle machine, least of {turn}", *times(both, GATED_RUNS), "the same",
         f"ratio to 1 thread {one / both:.2f}"],
    ]  # fmt: skip


def processor_times() -> list[int]:
    """Ticks of all processors: user, nice, system, idle and others."""
    return [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]]


def plain(plan: Plan) -> tuple[str, str]:
    """Time of the plain program, and for one run."""
    spec = importlib.util.spec_from_file_location("campaign_plainrisk", PLAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = RiskAssumptions(uncertain_rates=False)
    begun = time.perf_counter()
    for run in range(LOOP):
        module.plain_run(plan, given, 0, 0, run)
    taken_s = time.perf_counter() - begun
    return f"{taken_s:.2f} s", f"{1e3 * taken_s / LOOP:.1f} ms"
