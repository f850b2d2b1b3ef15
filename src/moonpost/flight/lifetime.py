"""Maps of how long lunar orbits last, by altitude, inclination and node, with a checkpoint after each altitude."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError, ModelError
from moonpost.files import write_json
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.propagate import propagate_batch
from moonpost.flight.state import State
from moonpost.flight.survey import Progress
from moonpost.sky.times import iso

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LifetimeMap", "lifetime_map"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_KIND = "moonpost lifetime map"
_BROKEN = ("not finite", "step too short", "steps")


@dataclass(frozen=True, eq=False)
class LifetimeMap:
    """How long circular orbits last.

    Parameters
    ----------
    altitude_m : ndarray, shape (k,)
        Altitudes at the start [m].
    inclination_deg : ndarray, shape (m,)
        Inclinations to the lunar equator [deg].
    node_deg : ndarray, shape (p,)
        Longitudes of the ascending node at the start [deg].
    survived_days : ndarray, shape (k, m, p)
        Until the impact, or the limit [d].
    limit_days : float
        How long was flown at most [d].
    provenance : dict
        Start, field, degree, bodies, kernels, tolerance.
    """

    altitude_m: Floats
    inclination_deg: Floats
    node_deg: Floats
    survived_days: Floats
    limit_days: float
    provenance: dict[str, Any]

    def to_dataset(self) -> xr.Dataset:
        """The map as an xarray data set.

        Returns
        -------
        xarray.Dataset
            ``survived_days`` over altitude, inclination and node.
        """
        import xarray as xr

        return xr.Dataset(
            {
                "survived_days": (
                    ("altitude_m", "inclination_deg", "node_deg"),
                    self.survived_days,
                    {"units": "d", "long_name": "time to impact", "source": "moonpost.flight.lifetime"},
                )
            },
            coords={
                "altitude_m": self.altitude_m,
                "inclination_deg": self.inclination_deg,
                "node_deg": self.node_deg,
            },
            attrs={"limit_days": self.limit_days, **{key: str(part) for key, part in self.provenance.items()}},
        )


def lifetime_map(
    altitudes_m: Sequence[float] | Floats,
    inclinations_deg: Sequence[float] | Floats,
    start: Instant,
    days: float,
    env: Environment,
    *,
    nodes_deg: Sequence[float] | Floats = (0.0,),
    checkpoint: str | os.PathLike[str] | None = None,
    rtol: float = 1e-9,
    threads: int | None = None,
    progress: Progress | None = None,
) -> LifetimeMap:
    """Fly circular orbits of many altitudes, inclinations and nodes until they impact.

    Parameters
    ----------
    altitudes_m : sequence of float
        Above 1737.4 km [m].
    inclinations_deg : sequence of float
        To the lunar equator [deg].
    start : Instant
        When the orbits start.
    days : float
        How long to fly at most [d].
    env : Environment
        Forces; must cover the flights.
    nodes_deg : sequence of float, default (0.0,)
        Longitudes of the ascending node [deg].
    checkpoint : path-like, optional
        File that keeps what is done after each altitude, and from which a run that was stopped goes on.
    rtol : float, default 1e-9
        Error allowed in a step [1]; a low orbit moves by 5 m in 60 days against 1e-12.
    threads : int, optional
        Threads; as many as there are processors if not given.
    progress : callable, optional
        Told the share that is done, after each altitude.

    Returns
    -------
    LifetimeMap

    Raises
    ------
    InputError
        If a number cannot be used.
    DateError
        If the flights leave the environment.
    DataError
        If the checkpoint belongs to another map or is damaged.
    OutputError
        If the checkpoint cannot be written.

    Notes
    -----
    A flight ends at the sphere of 1737.4 km; mountains (10.8 km) end it earlier. A polar orbit of 100 km lasts 143
    to 198 days by its node, 175 on average; degree 100 against 50 moves that by 0 to 2 days, at two nodes in
    twelve by 5.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-02-01", degree=10)
    >>> found = lifetime_map([20e3, 200e3], [65.0, 90.0], "2030-01-01", 30.0, env)
    >>> (found.survived_days[1, :, 0] == 30.0).tolist(), bool(found.survived_days[0, 0, 0] < 30.0)
    ([True, True], True)
    """
    heights, tilts = _grid(altitudes_m, "altitudes_m"), _grid(inclinations_deg, "inclinations_deg")
    nodes = _grid(nodes_deg, "nodes_deg")
    if not days > 0.0:
        raise InputError(f"{days} days", where="days", advice="give a number above 0")
    begin = float(np.ravel(env.tdb_s(start))[0])
    env.check(np.array([begin, begin + days * _DAY_S]))
    provenance = _provenance(env, begin, rtol)
    label = {
        "kind": _KIND, "altitude_m": heights.tolist(), "inclination_deg": tilts.tolist(),
        "node_deg": nodes.tolist(), "limit_days": days, **provenance,
    }  # fmt: skip
    path = None if checkpoint is None else Path(checkpoint)
    done = _resumed(path, label)
    for k in range(len(done), heights.size):
        done.append(_row(float(heights[k]), tilts, nodes, begin, days, env, rtol, threads))
        if path is not None:
            write_json(path, {**label, "survived_days": done})
        if progress is not None:
            progress((k + 1) / heights.size)
    survived = np.array(done).reshape(heights.size, tilts.size, nodes.size)
    return LifetimeMap(heights, tilts, nodes, survived, days, provenance)


def _grid(values: Sequence[float] | Floats, where: str) -> Floats:
    """Finite numbers of one axis."""
    found = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise InputError(f"shape {found.shape}, or not finite", where=where, advice="give a list of numbers")
    return found


def _provenance(env: Environment, begin: float, rtol: float) -> dict[str, Any]:
    """What a map depends on beside its axes."""
    return {
        "start_utc": iso(env.utc(begin)),
        "field": env.field.name,
        "degree": env.degree,
        "bodies": list(env.bodies),
        "kernels": [kernel.sha256 for kernel in env.kernels.kernels],
        "rtol": rtol,
    }


def _row(
    height: float,
    tilts: Floats,
    nodes: Floats,
    begin: float,
    days: float,
    env: Environment,
    rtol: float,
    threads: int | None,
) -> list[list[float]]:
    """Lifetimes at one altitude, in days."""
    states = [
        State.circling(env, begin, height, float(tilt), node_deg=float(node)).vector
        for tilt in tilts
        for node in nodes
    ]
    flown = propagate_batch(
        states, begin, begin + days * _DAY_S, env, rtol=rtol, method="rkn1210", threads=threads
    )
    broken = np.isin(flown.ended, _BROKEN)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise ModelError(
            f"orbit {row} at {height / 1e3:g} km broke off: {flown.ended[row]}",
            where="lifetime map",
            advice="loosen rtol, or leave this orbit out",
        )
    found: list[list[float]] = (flown.elapsed_s / _DAY_S).reshape(tilts.size, nodes.size).tolist()
    return found


def _resumed(path: Path | None, label: dict[str, Any]) -> list[list[list[float]]]:
    """Rows that an earlier run left, if it was for the same map."""
    if path is None or not path.exists():
        return []
    advice = "delete it, or name another file"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        rows: list[list[list[float]]] = kept.pop("survived_days")
        shape = (len(label["inclination_deg"]), len(label["node_deg"]))
        sound = all(np.shape(row) == shape for row in rows) and len(rows) <= len(label["altitude_m"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError("is no checkpoint of a lifetime map", where=str(path), advice=advice) from error
    other = [key for key in label if kept.get(key) != label[key]]
    if other or not sound:
        raise DataError(
            f"belongs to another map ({', '.join(other) or 'its rows do not fit'})", where=str(path), advice=advice
        )
    return rows
