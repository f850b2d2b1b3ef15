"""Windows to the Moon: what a cell costs beside the plain flight of five days, and what is found."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from measure import Table
from moonpost.flight.propagate import propagate_batch
from moonpost.flight.transferends import Arrival, Parking
from moonpost.flight.transfers import transfer_environment
from moonpost.flight.windows import scan_transfers
from moonpost.sky import Almanac

DAY_S = 86400.0
FAR = np.array([6578e3, 0.0, 0.0, 0.0, 10067.0, 4256.0])
FLIGHTS = 400
ALLOWED = 12.0 / 0.7
CASES = (
    ("January 2030, 3.5 to 6 d", "2030-01-01", (3.5, 6.0), Parking(200e3), Arrival()),
    ("January 2030, 3 to 7 d", "2030-01-01", (3.0, 7.0), Parking(200e3), Arrival()),
    ("March 2026, Moon to 28.4 deg, 3 to 7 d", "2026-03-01", (3.0, 7.0), Parking(180e3), Arrival()),
    ("June 2035, from 400 km, 3 to 7 d", "2035-06-01", (3.0, 7.0), Parking(400e3, 28.5), Arrival()),
    ("October 2032, 51.6 deg, to 200 km at 45 deg", "2032-10-01", (3.0, 7.0), Parking(300e3, 51.6),
     Arrival(200e3, 45.0, "north")),
)  # fmt: skip


def table() -> Table:
    """28 days by 12 times of flight by two branches in several months."""
    scan_transfers("2030-01-01", [4.0])
    rows = [row(*case) for case in CASES]
    return Table(
        topic="windows",
        title="Windows to the Moon in the full ephemeris",
        method=f"28 departures by 12 times of flight by two branches, 672 cells, one thread; the plain flight is "
        f"5 days from a translunar injection at 1e-12 with steps of order 8, the mean of {FLIGHTS}, measured just "
        "before each scan. Processor time, compiling not counted. The error of perilune is that of the flight "
        "integrated on to perilune at 1e-13.",
        head=["scan", "converged", "a cell", "plain flight", "cell / plain", "TLI (km/s)", "LOI (km/s)",
              "perilune error (m)"],
        rows=rows,
        reading=f"The project's own limit is {ALLOWED:.1f} plain flights a cell (12 ms where one costs 0.7 ms). A "
        "cell takes 8 flights on average, 5 of them with derivatives, at tolerances from 1e-6 to 1e-13.",
    )  # fmt: skip


def row(name: str, start: str, span: tuple[float, float], parking: Parking, arrival: Arrival) -> list[str]:
    """One scan."""
    plain = plain_s()
    begun = time.process_time()
    found = scan_transfers(departures(start), np.linspace(*span, 12), parking, arrival, threads=1)
    cell = (time.process_time() - begun) / len(found)
    return [
        name, f"{100.0 * found.converged.mean():.1f} %", f"{1e3 * cell:.2f} ms", f"{1e3 * plain:.3f} ms",
        f"{cell / plain:.1f}", between(found.tli_m_s), between(found.loi_m_s),
        f"{np.nanmax(np.abs(found.perilune_error_m)):.2f}",
    ]  # fmt: skip


def departures(start: str) -> Any:
    """28 days."""
    return np.datetime64(start, "ms") + np.arange(28) * np.timedelta64(1, "D")


def between(values_m_s: Any) -> str:
    """Least and most in km/s."""
    return f"{1e-3 * np.nanmin(values_m_s):.3f} to {1e-3 * np.nanmax(values_m_s):.3f}"


def plain_s() -> float:
    """Processor time of the plain flight [s]."""
    env = transfer_environment(Almanac.default(), "2030-01-01", "2030-01-07")
    start = float(env.tdb_s("2030-01-01"))
    propagate_batch(FAR[None], start, start + 60.0, env, threads=1)
    begun = time.process_time()
    propagate_batch(np.repeat(FAR[None], FLIGHTS, axis=0), start, start + 5 * DAY_S, env, rtol=1e-12, threads=1)
    return (time.process_time() - begun) / FLIGHTS
