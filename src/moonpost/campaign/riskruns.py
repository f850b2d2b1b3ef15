"""Runs of a campaign: luck drawn by name, missions and elements by kernels, in parts of fixed size."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import Chance
from moonpost.campaign.riskmodel import RiskModel
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.terrain.tilerun import Progress

__all__ = ["PART", "Runs", "luck_of", "run_part", "run_parts"]

PART = 4096
"""Runs of one part; the luck of a part depends on the seed, the names and its number alone."""

_MOST_RUNS = 1_000_000
_FLOATS = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Runs:
    """What many runs of a campaign gave.

    Parameters
    ----------
    arrival, ready : ndarray, (n, m) and (n, e)
        Days since 2000 on which missions arrive and elements begin to work; infinity if never [d].
    mission_cause, element_cause : ndarray of int, (n, m) and (n, e)
        What decides on that, as kind times 1000 plus subject, see `moonpost.campaign.riskkernels`.
    element_lost_at : ndarray, (n, e)
        Day of the failure that keeps an element from working [d].
    left : ndarray of bool, (n, e)
        Whether an element stayed behind because its mission could not bring it.
    launches : ndarray of int, (n,)
        Launches made.
    power_w, mass_kg, data_bit_s : ndarray, (n, d)
        Power of the station's bus [W], mass of the elements that work [kg], rate to the Earth [bit/s] on each day.
    objectives : ndarray of bool, (n, o, d)
        Objectives served on each day.

    Examples
    --------
    >>> from moonpost.campaign.riskmodel import risk_model
    >>> from moonpost.plan import load_plan
    >>> run_part(risk_model(load_plan("ilrs")), np.array([13000.0]), 0, 0, 4).ready.shape[0]
    4
    """

    arrival: _FLOATS
    ready: _FLOATS
    mission_cause: npt.NDArray[np.int16]
    element_cause: npt.NDArray[np.int16]
    element_lost_at: npt.NDArray[np.float32]
    left: npt.NDArray[np.bool_]
    launches: npt.NDArray[np.int32]
    power_w: npt.NDArray[np.float32]
    mass_kg: npt.NDArray[np.float32]
    data_bit_s: npt.NDArray[np.float32]
    objectives: npt.NDArray[np.bool_]


def luck_of(seed: int, name: str, part: int, rows: int, runs: int = PART) -> _FLOATS:
    """Uniform numbers of a name in one part of the runs.

    Parameters
    ----------
    seed : int
        Of all runs.
    name : str
        Whose luck it is, such as ``mission:ilrs-1``: the same in every plan that has it.
    part : int
        Which part.
    rows : int
        How many numbers a run takes.
    runs : int
        How many runs of the part are wanted.

    Returns
    -------
    ndarray, (rows, runs)
        From 0 up to 1. More rows leave the first ones as they are.

    Notes
    -----
    A Philox counter generator, with its key from the seed and the name and its counter from the part.

    References
    ----------
    Salmon, J. K., Moraes, M. A., Dror, R. O. and Shaw, D. E. (2011), Parallel random numbers: as easy as 1, 2, 3,
    SC11, doi:10.1145/2063384.2063405.

    Examples
    --------
    >>> bool((luck_of(1, "a", 0, 3, 5)[:2] == luck_of(1, "a", 0, 2, 5)).all())
    True
    """
    return _stream(seed, name, part).random((rows, PART))[:, :runs]


def _stream(seed: int, name: str, part: int) -> np.random.Generator:
    """The stream of a name in one part."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.Generator(
        np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64), counter=part << 192)
    )


def run_part(model: RiskModel, days: _FLOATS, seed: int, part: int, runs: int) -> Runs:
    """Run one part.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    days : ndarray, (d,)
        When capability is told [d since 2000].
    seed, part, runs : int
        As in `luck_of`.

    Returns
    -------
    Runs
        Of so many runs.

    Examples
    --------
    >>> from moonpost.campaign.riskmodel import risk_model
    >>> from moonpost.plan import load_plan
    >>> bool((run_part(risk_model(load_plan("ilrs")), np.array([13000.0]), 0, 0, 2).launches > 5).all())
    True
    """
    from moonpost.campaign.riskkernels import fly, power_at, work

    m, e = model.mission_arrays, model.element_arrays
    given, missions, elements = model.assumptions, len(model.missions), len(model.elements)
    rows = 2 + 4 * (model.reflights + 2)
    luck = _table([luck_of(seed, f"mission:{name}", part, rows, runs) for name in model.missions], (rows, runs))
    own = _table([luck_of(seed, f"element:{name}", part, 2, runs) for name in model.elements], (2, runs))
    way = _table([luck_of(seed, f"way:{name}", part, 1, runs) for name in model.missions], (1, runs))[:, 0]
    names = (*model.launchers, "none")
    first = _table([luck_of(seed, f"launcher:{name}", part, 1, runs) for name in names], (1, runs))[:, 0]
    certain = not given.uncertain_rates
    launched = np.array([_rate(row, seed, part, runs, certain) for row in model.launches])
    arrived = np.array([_rate(row, seed, part, runs, certain) for row in model.arrivals]).reshape(-1, runs)
    arrival, in_orbit, failed_at = (np.empty((runs, missions)) for _ in range(3))
    root, launches = np.empty((runs, missions), np.int16), np.zeros((runs, missions), np.int32)
    dates = np.column_stack([m[name] for name in ("begin", "span", "transit_low", "transit_high")])
    fly(
        dates, m["slip"], m["state"], m["launcher"], m["land"], m["orbit"], m["needs"], model.launcher_days, luck,
        first, launched, arrived, model.reflights, given.reflight_days, arrival, in_orbit, root, failed_at,
        launches,
    )  # fmt: skip
    ready, lost_at = (np.empty((runs, elements)) for _ in range(2))
    cause, left = np.empty((runs, elements), np.int16), np.zeros((runs, elements), np.bool_)
    work(
        arrival, in_orbit, root, failed_at, launches, e["mission"], e["in_orbit"], e["carrier"], e["needs"],
        e["keep"], e["mass"], e["pause"], m["capacity"], m["launcher"], m["land"], luck,
        np.ascontiguousarray(own[:, 0]), way, launched, arrived, model.reflights, given.reflight_days, left, ready,
        cause, lost_at,
    )  # fmt: skip
    source = model.source_arrays
    power = np.zeros((runs, days.size))
    power_at(
        days, ready, e["life"], source["element"], source["power"], source["solar"], source["station"],
        np.array(model.dust), np.ascontiguousarray(own[:, 1]), model.array_loss_per_year, arrival, m["at_station"],
        luck, given.landing_dust, power,
    )  # fmt: skip
    works = (ready[:, :, None] <= days) & (days < (ready + e["life"])[:, :, None])
    return Runs(
        arrival=arrival,
        ready=ready,
        mission_cause=root,
        element_cause=cause,
        element_lost_at=lost_at.astype(np.float32),
        left=left,
        launches=launches.sum(axis=1, dtype=np.int32),
        power_w=power.astype(np.float32),
        mass_kg=np.einsum("ned,e->nd", works, e["best_kg"]).astype(np.float32),
        data_bit_s=_data(model, works),
        objectives=_served(model, works),
    )


def _table(rows: list[_FLOATS], shape: tuple[int, int]) -> _FLOATS:
    """Rows of several names as one array, also where there are none."""
    return np.stack(rows) if rows else np.empty((0, *shape))


def _rate(chance: Chance, seed: int, part: int, runs: int, certain: bool) -> _FLOATS:
    """The rate behind a chance in each run."""
    if chance.record is None or certain:
        return np.full(runs, chance.mean)
    return _stream(seed, f"rate:{chance.name}", part).beta(chance.record.alpha, chance.record.beta, PART)[:runs]


def _data(model: RiskModel, works: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Rate to the Earth: the best way of each element that sends, summed."""
    best: dict[int, npt.NDArray[np.float32]] = {}
    for sender, needed, rate in model.paths:
        open_way = np.where(works[:, list(needed)].all(axis=1), np.float32(rate), np.float32(0.0))
        best[sender] = np.maximum(best[sender], open_way) if sender in best else open_way
    total = np.zeros((works.shape[0], works.shape[2]), dtype=np.float32)
    for rates in best.values():
        total += rates
    return total


def _served(model: RiskModel, works: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Objectives of which an element works that carries an instrument."""
    found = np.zeros((works.shape[0], len(model.objectives), works.shape[2]), dtype=np.bool_)
    for k, serving in enumerate(model.objectives.values()):
        if serving:
            found[:, k] = works[:, list(serving)].any(axis=1)
    return found


def run_parts(
    model: RiskModel,
    days: _FLOATS,
    runs: int,
    *,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Runs:
    """Run a campaign many times.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    days : ndarray, (d,)
        When capability is told [d since 2000].
    runs : int
        How many times.
    seed : int
        Of all runs; the first runs of a longer experiment are those of a shorter one.
    workers : int
        Threads in this process.
    scheduler : str, optional
        A Dask scheduler instead, ``tcp://HOST:PORT``, or ``local:N`` for N processes on this machine.
    progress : callable, optional
        Told how far it is after every part.

    Returns
    -------
    Runs
        The same for any number of workers.

    Raises
    ------
    InputError
        If a number is out of range, or no scheduler answers.
    MissingExtraError
        If a scheduler is asked for and the package distributed is not installed.

    Examples
    --------
    >>> from moonpost.campaign.riskmodel import risk_model
    >>> from moonpost.plan import load_plan
    >>> model, days = risk_model(load_plan("ilrs")), np.array([13000.0])
    >>> few, many = run_parts(model, days, 3), run_parts(model, days, 5, workers=2)
    >>> bool((few.ready == many.ready[:3]).all())
    True
    """
    from moonpost.terrain.tilerun import run_tiles

    if isinstance(runs, bool) or not isinstance(runs, int) or not 1 <= runs <= _MOST_RUNS:
        raise InputError(f"is {runs!r}", where="runs", advice=f"give a whole number from 1 to {_MOST_RUNS:,}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"is {seed!r}", where="seed", advice="give a whole number from 0")
    kept = _Kept(runs)
    run_tiles(
        _Job(model, days, seed), kept, len(kept.tiles), workers=workers, scheduler=scheduler, progress=progress
    )
    return Runs(**{name: kept.arrays[name] for name in Runs.__dataclass_fields__})


@dataclass(frozen=True)
class _Job:
    """Parts by their first and last run."""

    model: RiskModel
    days: _FLOATS
    seed: int

    def __call__(self, rows: slice, _: slice) -> dict[str, npt.NDArray[Any]]:
        """Everything of one part."""
        found = run_part(self.model, self.days, self.seed, rows.start // PART, rows.stop - rows.start)
        return {name: getattr(found, name) for name in Runs.__dataclass_fields__}


class _Kept:
    """Where the parts go."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.tiles = [(slice(k, min(k + PART, runs)), slice(0, 1)) for k in range(0, runs, PART)]
        self.arrays: dict[str, npt.NDArray[Any]] = {}

    def pending(self) -> list[tuple[slice, slice]]:
        """All parts."""
        return self.tiles

    def write(self, tile: tuple[slice, slice], values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take a part."""
        for name, array in values.items():
            kept = self.arrays.setdefault(name, np.empty((self.runs, *array.shape[1:]), array.dtype))
            kept[tile[0]] = array
