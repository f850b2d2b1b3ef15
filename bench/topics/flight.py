"""Flights: Moonpost's propagation beside brahe on the same kernels, field and constants."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from measure import Table
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GravityField
from moonpost.flight.propagate import propagate, propagate_batch
from moonpost.flight.state import State
from moonpost.sky import Almanac
from moonpost.sky.kernelfiles import default_paths

START_TDB_S, DAY_S = 946728000.0, 86400.0
LOW = np.array([1838e3, 0.0, 0.0, 0.0, 0.0, 1633.2])
FAR = np.array([6578e3, 0.0, 0.0, 0.0, 10067.0, 4256.0])
SAMPLES = 10_000
THEIR_SAMPLES = 40


def table() -> Table:
    """A low orbit for 30 days and translunar flights of 5 days."""
    with tempfile.TemporaryDirectory() as folder:
        bh = brahe(Path(folder))
        rows = [*low_rows(bh, Path(folder)), *far_rows(bh)]
    return Table(
        topic="flight",
        title="Flights through the field of the Moon and to the Moon",
        method="Low orbit: 100 km, 30 days from 2030-01-01 TDB, GRGM1200A 50x50, Sun and Earth. Translunar: 5 "
        f"days, three point masses, {SAMPLES:,} flights of Moonpost on all processors beside {THEIR_SAMPLES} of "
        "brahe's own parallel call. Processor time, compiling not counted; the error is the distance at the end "
        "from the same program at its tightest tolerance, and 'apart' that from brahe at its tightest. brahe "
        "reads the same DE440s, lunar orientation and coefficients; Moonpost is given its constants. Without "
        "brahe its rows are left out.",
        head=["what", "tolerance", "processor time a flight", "of Moonpost's best", "error (m)", "apart (m)"],
        rows=rows,
        reading="Ratios at equal error are what counts. The Nystrom method of order 12 has no dense output; with "
        "events or states in between the pair of order 8 flies.",
        packages=("moonpost", "numpy", "numba", *(["brahe"] if bh else [])),
    )


def brahe(folder: Path) -> Any:
    """The module, offline, with our kernels in its cache; None if it is not installed."""
    (folder / "naif").mkdir()
    for path in default_paths():
        shutil.copy(path, folder / "naif" / path.name)
    os.environ |= {"BRAHE_CACHE": str(folder), "BRAHE_NETWORK_MODE": "offline"}
    try:
        import brahe as bh
    except ModuleNotFoundError:
        return None
    bh.initialize_eop()
    return bh


def low_rows(bh: Any, folder: Path) -> list[list[str]]:
    """Low orbit for 30 days at several tolerances."""
    stop = START_TDB_S + 30 * DAY_S
    env = Environment.make(Almanac.default(), START_TDB_S, stop, rotate_field=False, gm_m3_s2=constants(bh))
    state = State(START_TDB_S, LOW[:3], LOW[3:])
    forces = lunar(bh, field_file(folder)) if bh else None

    def ours(method: Any, rtol: float, until: float = stop) -> Any:
        return propagate(state, until, env, dense=False, method=method, rtol=rtol).final.vector

    def theirs(method: str, rtol: float) -> Callable[[], Any]:
        flight, epoch = prepared(bh, LOW, forces, method, rtol)

        def fly() -> Any:
            flight.propagate_to(epoch + 30 * DAY_S)
            return np.asarray(flight.current_state())

        return fly

    for method in ("dop853", "rkn1210"):
        ours(method, 1e-12, START_TDB_S + 60.0)
    best = ours("rkn1210", 1e-15)
    their_best = theirs("RKN1210", 1e-13)() if bh else best
    runs = [
        (f"Moonpost, low orbit, {method}", rtol, *cpu(lambda m=method, r=rtol: ours(m, r)), best)
        for method, rtol in (("rkn1210", 1e-12), ("rkn1210", 1e-11), ("dop853", 1e-13), ("dop853", 1e-12))
    ]
    runs += [
        (f"brahe, low orbit, {method}", rtol, *cpu(theirs(method, rtol)), their_best)
        for method, rtol in (("RKN1210", 1e-12), ("RKN1210", 1e-11), ("RKF78", 1e-12))
        if bh
    ]
    return written(runs, their_best)


def far_rows(bh: Any) -> list[list[str]]:
    """Many translunar flights."""
    stop = START_TDB_S + 5 * DAY_S
    env = Environment.make(
        Almanac.default(), START_TDB_S, stop, degree=0, centre="earth", bodies=("sun", "moon"),
        gm_m3_s2=constants(bh, moon=True),
    )  # fmt: skip
    forces = earthly(bh) if bh else None
    spread = np.random.default_rng(7).normal(size=(SAMPLES, 6)) * [0, 0, 0, 1.0, 1.0, 1.0]
    spread[0] = 0.0
    propagate_batch(FAR[None], START_TDB_S, START_TDB_S + 60.0, env)

    def ours(method: Any, rtol: float) -> Any:
        return propagate_batch(FAR + spread, START_TDB_S, stop, env, method=method, rtol=rtol).states[0]

    def theirs(method: str, rtol: float) -> Callable[[], Any]:
        made = [prepared(bh, FAR + shift, forces, method, rtol) for shift in spread[:THEIR_SAMPLES]]

        def fly() -> Any:
            bh.par_propagate_to([flight for flight, _ in made], made[0][1] + 5 * DAY_S)
            return np.asarray(made[0][0].current_state())

        return fly

    best = ours("rkn1210", 1e-15)
    their_best = theirs("RKN1210", 1e-13)() if bh else best
    runs = [
        (f"Moonpost, translunar batch, {method}", rtol, *cpu(lambda m=method, r=rtol: ours(m, r), SAMPLES), best)
        for method, rtol in (("dop853", 1e-10), ("dop853", 1e-12), ("rkn1210", 1e-12))
    ]
    runs += [
        (f"brahe, translunar batch, {method}", rtol, *cpu(theirs(method, rtol), THEIR_SAMPLES), their_best)
        for method, rtol in (("DP54", 1e-10), ("RKF78", 1e-10), ("RKN1210", 1e-10))
        if bh
    ]
    return written(runs, their_best)


def cpu(call: Callable[[], Any], flights: int = 1) -> tuple[float, Any]:
    """Processor time a flight [s], and what the call gave."""
    begun = time.process_time()
    found = call()
    return (time.process_time() - begun) / flights, found


def written(runs: list[tuple[Any, ...]], their_best: Any) -> list[list[str]]:
    """Rows of the table."""
    least = min(run[2] for run in runs)
    rows = []
    for name, rtol, spent, end, best in runs:
        error, apart = (np.linalg.norm(end[:3] - other[:3]) for other in (best, their_best))
        text = f"{spent:.2f} s" if spent > 0.05 else f"{1e3 * spent:.3f} ms"
        times = f"{spent / least:,.2g} x" if spent < 100 * least else f"{spent / least:,.0f} x"
        rows.append([name, f"{rtol:.0e}", text, times, f"{error:.4f}", f"{apart:.4f}"])
    return rows


def constants(bh: Any, moon: bool = False) -> dict[str, float]:
    """Gravitational parameters that brahe has built in; none without it."""
    names = ("earth", "sun", "moon") if moon else ("earth", "sun")
    return {name: float(getattr(bh, f"GM_{name.upper()}")) for name in names} if bh else {}


def prepared(bh: Any, state: Any, forces: Any, method: str, rtol: float) -> tuple[Any, Any]:
    """A flight of brahe and its start."""
    config = bh.NumericalPropagationConfig.with_method(getattr(bh.IntegrationMethod, method))
    epoch = bh.Epoch.from_datetime(2030, 1, 1, 0, 0, 0.0, 0.0, bh.TimeSystem.TDB)
    flight = bh.NumericalOrbitPropagator(epoch, state, config.with_rel_tol(rtol).with_abs_tol(1e-7), forces)
    flight.set_trajectory_mode(bh.TrajectoryMode.DISABLED)
    return flight, epoch


def lunar(bh: Any, path: Path) -> Any:
    """Forces of the low orbit."""
    return bh.ForceModelConfig.for_body(
        bh.CentralBody.Moon,
        bh.GravityConfiguration.spherical_harmonic(
            50, 50, model_type=bh.GravityModelType.from_file(str(path)), parallel=bh.ParallelMode.Never
        ),
        third_body=[
            bh.ThirdBodyConfiguration(body, ephemeris_source=bh.EphemerisSource.DE440s)
            for body in (bh.ThirdBody.SUN, bh.ThirdBody.EARTH)
        ],
    )


def earthly(bh: Any) -> Any:
    """Forces of the translunar flights."""
    return bh.ForceModelConfig.for_body(
        bh.CentralBody.Earth,
        bh.GravityConfiguration.point_mass(),
        third_body=[
            bh.ThirdBodyConfiguration(body, ephemeris_source=bh.EphemerisSource.DE440s)
            for body in (bh.ThirdBody.SUN, bh.ThirdBody.MOON)
        ],
    )


def field_file(folder: Path) -> Path:
    """GRGM1200A to degree 50 in the form of the ICGEM."""
    field = GravityField.default(50)
    lines = [
        "product_type gravity_field", "modelname GRGM1200A", f"earth_gravity_constant {field.gm_m3_s2!r}",
        f"radius {field.radius_m!r}", "max_degree 50", "errors no", "norm fully_normalized",
        "tide_system tide_free", "key L M C S", "end_of_head ===", "gfc 0 0 1.0 0.0",
    ]  # fmt: skip
    for n in range(1, 51):
        pairs = zip(field.cosine[n, : n + 1].tolist(), field.sine[n, : n + 1].tolist(), strict=True)
        lines += [f"gfc {n} {m} {cosine!r} {sine!r}" for m, (cosine, sine) in enumerate(pairs)]
    path = folder / "grgm1200a.gfc"
    path.write_text("\n".join(lines) + "\n")
    return path
