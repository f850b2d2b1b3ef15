"""A station run many times with faults drawn by chance: what it serves, what it loses, how available it is."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.balances import Balance
from moonpost.operations.buses import BusFlows
from moonpost.operations.changes import Change
from moonpost.operations.codes import AGENDA
from moonpost.operations.engine import run_station
from moonpost.operations.faultrates import FaultRate, drawn_faults
from moonpost.operations.faults import MachineFault
from moonpost.operations.record import balance_of
from moonpost.operations.recovery import Course, changes_of, courses_of, windows_ms
from moonpost.operations.simulation import station_models
from moonpost.operations.spread import Spread, growth, share_bounds
from moonpost.operations.station import StationModel
from moonpost.plan.elements import Reactor
from moonpost.plan.model import Plan
from moonpost.power.series import SunView
from moonpost.terrain.tilerun import Progress, run_tiles

__all__ = ["RISK_NUMBERS", "Risk", "RiskCase", "awake_contacts", "run_risk"]

RISK_NUMBERS: dict[str, tuple[str, str, float]] = {
    "served_wh": ("kWh", "energy served", 1e-3),
    "shed_wh": ("kWh", "energy shed", 1e-3),
    "served_fraction": ("%", "energy served over asked for", 100.0),
    "availability": ("%", "availability of machines", 100.0),
    "lost_machines": ("1", "machines lost", 1.0),
    "data_bit": ("Gbit", "data sent", 1e-9),
    "data_lost_bit": ("Gbit", "data lost", 1e-9),
    "awake_h": ("h", "hours awake of machines that sleep", 1.0),
    "faults": ("1", "faults", 1.0),
    "open_faults": ("1", "faults that stay", 1.0),
}
"""Numbers of a run, with the unit, the words and the scale in which they are told."""

_CHUNK = 8
_MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class RiskCase:
    """What is run many times.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    rates : tuple of FaultRate
        Faults drawn by chance.
    faults : tuple of MachineFault
        Faults of every run.
    site : str, optional
        A site of the plan; the station's if absent.
    contacts : array-like or mapping, optional
        Windows of contact, as in `moonpost.operations.simulate`.
    surface_k : array-like, (n,), optional
        Temperature of the ground [K].
    options : mapping
        Further arguments of `moonpost.operations.simulate`.

    Examples
    --------
    >>> from moonpost.operations.montecarlo import run_risk  # see there
    """

    plan: Plan
    sun: SunView
    light_by_mast: Mapping[float, npt.ArrayLike]
    rates: tuple[FaultRate, ...] = ()
    faults: tuple[MachineFault, ...] = ()
    site: str | None = None
    contacts: Any = None
    surface_k: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def period(self) -> tuple[np.datetime64, np.datetime64]:
        """First instant and end of the period, UTC."""
        time = np.asarray(self.sun.time).astype("datetime64[ms]")
        return time[0], time[-1] + (time[1] - time[0])


@dataclass(frozen=True)
class Risk:
    """What many runs come to.

    Parameters
    ----------
    values : mapping of str to ndarray, (n,)
        By the names of `RISK_NUMBERS`, a number of each run.
    lost : ndarray of bool, (n, e)
        Whether a run lost a machine.
    machines : tuple of str
        The machines.
    seed : int
        Of the first run; run k draws its faults with seed + k.
    residual_relative : float
        Largest energy, heat, data or mass unaccounted for in any run [1].
    basis : str
        Where the rates come from.
    without : mapping of str to float
        The same numbers without any fault.

    Examples
    --------
    >>> found = Risk({"served_wh": np.array([1.0, 3.0])}, np.zeros((2, 1), bool), ("rover",), 0, 0.0)
    >>> found.spreads()["served_wh"].mean
    2.0
    """

    values: Mapping[str, npt.NDArray[np.float64]]
    lost: npt.NDArray[np.bool_]
    machines: tuple[str, ...]
    seed: int
    residual_relative: float
    basis: str = ""
    without: Mapping[str, float] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.lost.shape[0])

    def spreads(self) -> dict[str, Spread]:
        """Each number with its mean, deviation and quantiles."""
        return {name: Spread.of(numbers) for name, numbers in self.values.items()}

    def losses(self) -> list[dict[str, Any]]:
        """For each machine the runs that lose it, their share and its bounds at 95 percent."""
        rows = []
        for machine, count in zip(self.machines, self.lost.sum(axis=0).tolist(), strict=True):
            low, high = share_bounds(count, self.runs)
            rows.append({"machine": machine, "count": count, "share": count / self.runs, "low": low, "high": high})
        return rows

    def growth(self) -> list[dict[str, Any]]:
        """How the means of energy served and availability settle as runs are added."""
        names = ("served_wh", "availability", "data_bit")
        return growth({name: self.values[name] for name in names if name in self.values})

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single runs, as plain values, for JSON."""
        return {
            "runs": self.runs,
            "seed": self.seed,
            "basis": self.basis,
            "without_faults": dict(self.without),
            "numbers": {name: spread.to_dict() for name, spread in self.spreads().items()},
            "machines_lost": self.losses(),
            "growth": self.growth(),
            "residual_relative": self.residual_relative,
        }


def run_risk(
    case: RiskCase,
    runs: int = 100,
    *,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    basis: str = "",
) -> Risk:
    """Run a station many times, each with its own faults.

    Parameters
    ----------
    case : RiskCase
        What is run.
    runs : int
        How many times.
    seed : int
        Run k draws its faults, and outages of reactors, with seed + k.
    workers : int
        Threads in this process; the compiled loops run at the same time.
    scheduler : str, optional
        A Dask scheduler instead, ``tcp://HOST:PORT``, or ``local:N`` for N processes on this machine.
    progress : callable, optional
        Called with a `moonpost.terrain.tilerun.TileProgress` after every few runs.
    basis : str
        Where the rates come from; kept with the result.

    Returns
    -------
    Risk
        The same for the same seed, whatever the number of workers.

    Raises
    ------
    InputError
        If a number is out of range, or a fault does not fit a machine that is run.
    MissingExtraError
        If a scheduler is asked for and the package distributed is not installed.
    ModelError, UnknownNameError
        As in `moonpost.operations.simulate`.

    Notes
    -----
    Buses are laid out once: what drives them is the same in every run, only the agenda differs. Each run is a
    pure function of its seed. Machines that sleep are heard while they are in contact and would be awake without
    faults.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2022-02-01", "ms") + np.arange(48) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(48), elevation_deg=np.full(48, 30.0),
    ...     distance_m=np.full(48, 1.5e11))
    >>> case = RiskCase(load_plan("ilrs"), sun, {1.0: np.ones(48), 2.0: np.ones(48)},
    ...     (FaultRate("dust", "yutu-2", 50.0),), site="ce4-site")
    >>> run_risk(case, 3).residual_relative < 1e-9
    True
    """
    if isinstance(runs, bool) or not isinstance(runs, int) or not 1 <= runs <= _MOST_RUNS:
        raise InputError(f"is {runs!r}", where="runs", advice=f"give a whole number from 1 to {_MOST_RUNS:,}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"is {seed!r}", where="seed", advice="give a whole number from 0")
    job = _Job(case, seed)
    names = job.prepared.machines
    quiet, _ = _numbers([run_station(model) for model in job.prepared.models], (), job.prepared)
    kept = _Kept(runs, len(names))
    run_tiles(job, kept, len(kept.tiles), workers=workers, scheduler=scheduler, progress=progress)
    return Risk(
        values={name: kept.numbers[:, k].copy() for k, name in enumerate(RISK_NUMBERS)},
        lost=kept.lost,
        machines=names,
        seed=seed,
        residual_relative=float(kept.numbers[:, -1].max()),
        basis=basis,
        without=dict(zip(RISK_NUMBERS, map(float, quiet[:-1]), strict=True)),
    )


def awake_contacts(
    flows: Iterable[BusFlows], contacts: Any, start: np.datetime64, span_s: float
) -> dict[str, npt.NDArray[np.int64]]:
    """Windows in which machines can be heard and commanded: in contact, and awake if they sleep.

    Parameters
    ----------
    flows : iterable of BusFlows
        A run without faults.
    contacts : array-like or mapping, optional
        Windows of contact, as in `moonpost.operations.simulate`.
    start : datetime64
        Start of the run, UTC.
    span_s : float
        Its length [s].

    Returns
    -------
    dict of str to ndarray, (m, 2)
        By machine [ms since 1970], as `moonpost.operations.recovery.courses_of` takes them.

    Examples
    --------
    >>> from moonpost.operations.montecarlo import run_risk  # see there
    """
    zero = int(start.astype("datetime64[ms]").astype(np.int64))
    found: dict[str, npt.NDArray[np.int64]] = {}
    for flow in flows:
        elements = {arrival.element.id: arrival.element for arrival in flow.arrivals}
        spans = _spans(flow, "wake", ("sleep", "machine-lost"), span_s)
        for name, element in elements.items():
            windows = windows_ms(contacts, [name])[name]
            if element.dormancy is not None:
                awake = np.array(spans.get(name, []), dtype=np.float64).reshape(-1, 2)
                windows = _both(windows, np.round(1000.0 * awake).astype(np.int64) + zero)
            found[name] = windows
    return found


@dataclass
class _Prepared:
    """What all runs share."""

    models: list[StationModel]
    machines: tuple[str, ...]
    windows: Mapping[str, npt.NDArray[np.int64]]
    start: np.datetime64
    stop: np.datetime64
    span_s: float
    there_s: Mapping[str, float]
    outages: bool


class _Job:
    """Runs of a case by their numbers; what they share is laid out once in each process."""

    def __init__(self, case: RiskCase, seed: int) -> None:
        self.case, self.seed = case, seed
        self._prepared: _Prepared | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> tuple[RiskCase, int]:
        return self.case, self.seed

    def __setstate__(self, state: tuple[RiskCase, int]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    @property
    def prepared(self) -> _Prepared:
        """What all runs share."""
        with self._lock:
            if self._prepared is None:
                self._prepared = _prepare(self.case)
            return self._prepared

    def __call__(self, rows: slice, _: slice) -> dict[str, npt.NDArray[Any]]:
        """Numbers of some runs, and machines that they lose."""
        found = [_run(self.case, self.prepared, self.seed + k) for k in range(rows.start, rows.stop)]
        return {"numbers": np.array([row for row, _ in found]), "lost": np.array([row for _, row in found])}


class _Kept:
    """Where the numbers of runs go."""

    def __init__(self, runs: int, machines: int) -> None:
        self.numbers = np.zeros((runs, len(RISK_NUMBERS) + 1))
        self.lost = np.zeros((runs, machines), dtype=np.bool_)
        self.tiles = [(slice(k, min(k + _CHUNK, runs)), slice(0, 1)) for k in range(0, runs, _CHUNK)]

    def pending(self) -> list[tuple[slice, slice]]:
        """All runs."""
        return self.tiles

    def write(self, tile: tuple[slice, slice], values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take some runs."""
        self.numbers[tile[0]] = values["numbers"]
        self.lost[tile[0]] = values["lost"]


def _laid_out(case: RiskCase, changes: Sequence[Change], contacts: Any, seed: int = 0) -> list[StationModel]:
    """The buses as arrays, sampled at both ends only."""
    models, _, _ = station_models(
        case.plan,
        case.sun,
        case.light_by_mast,
        site=case.site,
        changes=changes,
        contacts=contacts,
        surface_k=case.surface_k,
        seed=seed,
        **case.options,
    )
    return [replace(model, step_s=model.span_s) for model in models]


def _prepare(case: RiskCase) -> _Prepared:
    start, stop = case.period
    models = _laid_out(case, (), case.contacts)
    span_s = models[0].span_s
    machines = tuple(arrival.element.id for model in models for arrival in model.arrivals)
    there = {
        arrival.element.id: span_s - max(float((arrival.time - start) / np.timedelta64(1, "ms")) / 1e3, 0.0)
        for model in models
        for arrival in model.arrivals
    }
    windows = awake_contacts([run_station(model) for model in models], case.contacts, start, span_s)
    for subject in (*(f.subject for f in case.faults), *(rate.subject for rate in case.rates)):
        relay = case.plan.element(subject).kind == "relay"
        if subject not in machines and not relay:
            raise InputError(
                f"{subject} is not in this simulation", where="faults", advice=f"there are {', '.join(machines)}"
            )
    sources = [source for model in models for arrival in model.arrivals for source in arrival.element.generators]
    outages = any(isinstance(source, Reactor) and source.outage_days > 0 for source in sources)
    return _Prepared(models, machines, windows, start, stop, span_s, there, outages)


def _run(case: RiskCase, shared: _Prepared, seed: int) -> tuple[list[float], npt.NDArray[np.bool_]]:
    """One run: its numbers, the largest residual last, and the machines that it loses."""
    drawn = drawn_faults(case.plan, case.rates, shared.start, shared.stop, seed)
    windows = shared.windows
    if shared.outages:
        quiet = [run_station(model) for model in _laid_out(case, (), case.contacts, seed)]
        windows = awake_contacts(quiet, case.contacts, shared.start, shared.span_s)
    courses = courses_of(case.plan, (*case.faults, *drawn), windows)
    changes = changes_of(case.plan, courses)
    if shared.outages or any(change.quantity == "array-turns" for change in changes):
        models = _laid_out(case, changes, case.contacts, seed)
    else:
        models = [_with_changes(model, changes, shared.start) for model in shared.models]
    return _numbers([run_station(model) for model in models], courses, shared)


def _with_changes(model: StationModel, changes: Sequence[Change], start: np.datetime64) -> StationModel:
    """A bus with faults and commands on its agenda."""
    ids = {arrival.element.id: e for e, arrival in enumerate(model.arrivals)}
    rows = []
    for change in changes:
        at = float((change.time - start) / np.timedelta64(1, "ms")) / 1000.0
        if change.subject in ids and at < model.span_s:
            code = float(AGENDA.index(change.quantity))
            rows.append((max(at, 0.0), code, float(ids[change.subject]), float(change.value), 0.0))
    if not rows:
        return model
    agenda = np.concatenate([model.agenda, np.array(rows)])
    return replace(model, agenda=agenda[np.lexsort((agenda[:, 1], agenda[:, 0]))])


def _numbers(
    flows: Sequence[BusFlows], courses: Sequence[Course], shared: _Prepared
) -> tuple[list[float], npt.NDArray[np.bool_]]:
    """Numbers of a run in the order of `RISK_NUMBERS`, the largest residual last, and machines lost."""
    balances: list[Balance] = [balance_of(flow) for flow in flows]
    lost_s = {e.subject: e.time_s for flow in flows for e in flow.events if e.kind == "machine-lost"}
    down_s = dict.fromkeys(shared.machines, 0.0)
    awake_h = 0.0
    for flow in flows:
        for name, spans in _spans(flow, "element-shed-begins", ("element-shed-ends",), shared.span_s).items():
            end = lost_s.get(name, shared.span_s)
            down_s[name] = sum(max(min(b, end) - a, 0.0) for a, b in spans)
        awake_h += sum(
            b - a
            for spans in _spans(flow, "wake", ("sleep", "machine-lost"), shared.span_s).values()
            for a, b in spans
        )
    for name, at in lost_s.items():
        down_s[name] += shared.span_s - at
    served, shed = sum(row.served_wh for row in balances), sum(row.shed_wh for row in balances)
    data = [row for flow in flows for row in flow.data]
    parts = [1.0 - down_s[name] / shared.there_s[name] for name in shared.machines]
    stays = [np.isnat(c.time_of("fault-ends")) or c.time_of("fault-ends") >= shared.stop for c in courses]
    residuals = [row.residual_relative for row in balances]
    for flow in flows:
        residuals += [row.residual_relative for row in flow.heats]
        residuals += [row.residual_relative for row in flow.data]
        residuals += [row.residual_relative for row in flow.masses]
    found = {
        "served_wh": served,
        "shed_wh": shed,
        "served_fraction": served / (served + shed) if served + shed > 0 else 1.0,
        "availability": float(np.mean(parts)),
        "lost_machines": float(len(lost_s)),
        "data_bit": sum(row.sent_bit for row in data),
        "data_lost_bit": sum(row.lost_bit for row in data),
        "awake_h": awake_h / 3600.0,
        "faults": float(len(courses)),
        "open_faults": float(sum(stays)),
    }
    return [*(found[name] for name in RISK_NUMBERS), max(residuals)], np.array(
        [name in lost_s for name in shared.machines]
    )


def _spans(
    flow: BusFlows, begins: str, ends: tuple[str, ...], span_s: float
) -> dict[str, list[tuple[float, float]]]:
    """Times from one kind of event to another by machine [s]; one that does not end lasts to the end."""
    since: dict[str, float] = {}
    found: dict[str, list[tuple[float, float]]] = {}
    for event in flow.events:
        if event.kind == begins:
            since.setdefault(event.subject, event.time_s)
        elif event.kind in ends and event.subject in since:
            found.setdefault(event.subject, []).append((since.pop(event.subject), event.time_s))
    for name, at in since.items():
        found.setdefault(name, []).append((at, span_s))
    return found


def _both(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where windows of two kinds overlap; those of each kind are in order and apart."""
    rows = []
    for begin, end in second.tolist():
        low = int(np.searchsorted(first[:, 1], begin, side="right"))
        high = int(np.searchsorted(first[:, 0], end, side="left"))
        part = np.clip(first[low:high], begin, end)
        rows.append(part[part[:, 1] > part[:, 0]])
    return np.concatenate(rows) if rows else np.empty((0, 2), dtype=np.int64)
