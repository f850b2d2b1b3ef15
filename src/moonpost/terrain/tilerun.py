"""Tiles of a map computed by threads here or by a Dask cluster, in any order, with the time that is left."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from moonpost.errors import InputError, MissingExtraError, ModelError, MoonpostError
from moonpost.terrain.tilestore import MapStore, Tile

__all__ = ["Compute", "Progress", "Target", "TileProgress", "run_tiles"]

Compute = Callable[[slice, slice], Mapping[str, NDArray[Any]]]
"""Gives the values of each array of a map for the rows and columns of a tile."""

_WAIT_S = 10.0


class Target(Protocol):
    """Where tiles go: a `MapStore` or a `MemoryMaps`."""

    def pending(self) -> list[Tile]:
        """Tiles that are still to be computed."""

    def write(self, tile: Tile, values: Mapping[str, NDArray[Any]]) -> None:
        """Take the values of a tile."""


@dataclass(frozen=True)
class TileProgress:
    """How far a map is.

    Parameters
    ----------
    done : int
        Tiles done, those of earlier runs included.
    total : int
        All tiles of the map.
    reused : int
        Tiles that an earlier run had done.
    elapsed_s : float
        Time since this run began [s].
    left_s : float or None
        Time that is left at the pace of this run [s]; None before its first tile.

    Examples
    --------
    >>> TileProgress.at(done=6, total=10, reused=2, elapsed_s=20.0).left_s
    20.0
    """

    done: int
    total: int
    reused: int
    elapsed_s: float
    left_s: float | None

    @classmethod
    def at(cls, done: int, total: int, reused: int, elapsed_s: float) -> TileProgress:
        """Make the record of an instant.

        Parameters
        ----------
        done, total, reused : int
            Tiles done, all tiles, and tiles done by earlier runs.
        elapsed_s : float
            Time since this run began [s].

        Returns
        -------
        TileProgress
            With the time that is left.
        """
        new = done - reused
        return cls(done, total, reused, elapsed_s, elapsed_s / new * (total - done) if new > 0 else None)


Progress = Callable[[TileProgress], None]


def run_tiles(
    compute: Compute,
    target: Target,
    total: int,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Compute the tiles that a map still lacks.

    Parameters
    ----------
    compute : callable
        Called with the rows and columns of a tile; for a cluster it has to be picklable.
    target : MapStore or MemoryMaps
        Where the values go.
    total : int
        Number of all tiles of the map.
    workers : int, default 1
        Threads in this process; each holds one tile in memory.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``, or ``local:N`` for a cluster of N processes on this
        machine that lives as long as the call. Takes the place of `workers`.
    progress : callable, optional
        Called with a `TileProgress` at the start and after each tile.

    Raises
    ------
    InputError
        If `workers` or `scheduler` is of no use, or a worker of the cluster does not see the folder.
    OutputError
        If the folder cannot be written; what is done is kept.
    ModelError
        If the cluster loses a tile.

    Notes
    -----
    Each tile is a pure function of its rows and columns, so the result depends neither on the number of workers
    nor on the order. Workers of a cluster write into the folder themselves; they need the same terrain files and
    the same folder at the same paths.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.terrain.tilestore import MapArray, MapLayout, MemoryMaps
    >>> tiles = [(slice(0, 2), slice(0, 2)), (slice(0, 2), slice(2, 3))]
    >>> coords = {"y": (np.arange(2.0), {}), "x": (np.arange(3.0), {})}
    >>> maps = MemoryMaps(MapLayout([MapArray("a", ("y", "x"), "float32", np.nan, {})], coords, tiles, 2, {}))
    >>> run_tiles(lambda rows, cols: {"a": np.full((2, cols.stop - cols.start), cols.start)}, maps, 2)
    >>> maps.dataset()["a"].values.tolist()
    [[0.0, 0.0, 2.0], [0.0, 0.0, 2.0]]
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1024:
        raise InputError(f"{workers!r} workers", where="workers", advice="give a whole number from 1 to 1024")
    todo = target.pending()
    clock = _Clock(total, total - len(todo), progress)
    if not todo:
        return
    if scheduler is None:
        _run_threads(compute, target, todo, workers, clock)
    else:
        _run_cluster(compute, target, todo, scheduler, clock)


class _Clock:
    """Counts tiles and tells the time that is left."""

    def __init__(self, total: int, reused: int, progress: Progress | None) -> None:
        self._total, self._reused, self._done = total, reused, reused
        self._progress = progress
        self._begin = time.monotonic()
        self._tell()

    def step(self) -> None:
        self._done += 1
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            elapsed = time.monotonic() - self._begin
            self._progress(TileProgress.at(self._done, self._total, self._reused, elapsed))


def _run_threads(compute: Compute, target: Target, todo: list[Tile], workers: int, clock: _Clock) -> None:
    """Work in threads that end with the process, so that an interrupt need not wait for a tile."""
    jobs: queue.SimpleQueue[Tile] = queue.SimpleQueue()
    results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()
    for tile in todo:
        jobs.put(tile)
    one = (compute, target, jobs, results, stop)
    threads = [threading.Thread(target=_work, args=one, daemon=True) for _ in range(min(workers, len(todo)))]
    with _steady_warnings():
        for thread in threads:
            thread.start()
        try:
            for _ in todo:
                error = results.get()
                if error is not None:
                    raise error
                clock.step()
        finally:
            stop.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def _steady_warnings() -> Iterator[None]:
    """Keep one known warning quiet in all threads, as the filters that each of them sets are those of all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You will likely lose important projection information", UserWarning)
        yield


def _work(compute: Compute, target: Target, jobs: Any, results: Any, stop: threading.Event) -> None:
    """Take tiles until there are none or the run ends; after that nothing more is written."""
    while not stop.is_set():
        try:
            tile = jobs.get_nowait()
        except queue.Empty:
            return
        try:
            values = compute(*tile)
            if stop.is_set():
                return
            target.write(tile, values)
        except BaseException as error:
            results.put(error)
            return
        del values
        results.put(None)


def _run_cluster(compute: Compute, target: Target, todo: list[Tile], scheduler: str, clock: _Clock) -> None:
    try:
        from distributed import as_completed
    except ImportError as error:
        raise MissingExtraError(
            "the Dask scheduler needs the package distributed",
            where="scheduler",
            advice="pip install 'moonpost[cluster]', or leave --scheduler out and use --workers",
        ) from error
    with _client(scheduler) as client:
        shared = target if isinstance(target, MapStore) else None
        if shared is not None:
            _check_workers(client, shared)
        sent = client.scatter(_Job(compute, shared), broadcast=True, hash=False)
        futures = {client.submit(_call, sent, tile, pure=False): tile for tile in todo}
        try:
            for future in as_completed(futures, loop=client.loop):
                tile = futures[future]
                values = _outcome(future, tile)
                if values is not None:
                    target.write(tile, values)
                future.release()
                clock.step()
        except BaseException:
            client.cancel(list(futures), force=True)
            raise


@dataclass(frozen=True, eq=False)
class _Job:
    """What a worker has to know, sent once."""

    compute: Compute
    store: Target | None


def _call(job: _Job, tile: Tile) -> Mapping[str, NDArray[Any]] | None:
    """Compute a tile on a worker, and write it if the worker shares the folder."""
    values = job.compute(*tile)
    if job.store is None:
        return values
    job.store.write(tile, values)
    return None


def _outcome(future: Any, tile: Tile) -> Mapping[str, NDArray[Any]] | None:
    from distributed import KilledWorker

    try:
        return future.result()
    except (MoonpostError, KeyboardInterrupt):
        raise
    except KilledWorker as error:
        raise ModelError(
            f"the cluster lost the tile at row {tile[0].start}, column {tile[1].start} with several workers",
            where="scheduler",
            advice="give its workers more memory or fewer threads; the same command goes on from here",
        ) from error


@cache
def code_digest() -> str:
    """Digest of the code of this room, the same wherever the same version is installed."""
    folder = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".py", ".cu")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _check_workers(client: Any, store: MapStore) -> None:
    """Make sure that every worker sees the same folder and runs the same code."""
    wanted = (store.manifest["digest"], code_digest())
    for address, (digest, code) in client.run(_look, str(store.folder.absolute())).items():
        if digest != wanted[0]:
            raise InputError(
                f"the worker {address} does not see {store.folder}",
                where="scheduler",
                advice="name an --out on a disk that all workers share, by the same path",
            )
        if code != wanted[1]:
            raise InputError(
                f"the worker {address} runs another version of moonpost",
                where="scheduler",
                advice="install the same version there",
            )


def _look(folder: str) -> tuple[str | None, str]:
    """What a worker sees of a folder, and the code that it runs."""
    try:
        return MapStore(Path(folder)).manifest["digest"], code_digest()
    except InputError:
        return None, code_digest()


@contextlib.contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler, or to a cluster of our own."""
    kind, _, rest = scheduler.partition(":")
    if kind == "local":
        with _local_cluster(rest) as cluster, _connected(cluster) as client:
            yield client
    else:
        with _connected(scheduler) as client:
            if not client.scheduler_info().get("workers"):
                _wait(client, scheduler)
            yield client


@contextlib.contextmanager
def _connected(address: Any) -> Iterator[Any]:
    from distributed import Client

    try:
        if isinstance(address, str):
            _knock(address)
        client = Client(address, timeout=_WAIT_S, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address}",
            where="scheduler",
            advice="give tcp://HOST:PORT of a running scheduler, or local:N",
        ) from error
    with client:
        yield client


def _knock(address: str) -> None:
    """Make sure that a scheduler listens and speaks, since a client that cannot connect complains on its own."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from distributed.core import rpc

    async def ask() -> None:
        scheduler = rpc(address, timeout=_WAIT_S)
        try:
            await asyncio.wait_for(scheduler.identity(), _WAIT_S)
        finally:
            await scheduler.close_rpc()

    with ThreadPoolExecutor(1) as apart:
        apart.submit(lambda: asyncio.run(ask())).result()


def _wait(client: Any, scheduler: str) -> None:
    from distributed import TimeoutError as LateError

    try:
        client.wait_for_workers(1, timeout=_WAIT_S)
    except (LateError, TimeoutError) as error:
        raise InputError(
            f"the scheduler {scheduler} has no workers",
            where="scheduler",
            advice="start some ('dask worker ADDRESS')",
        ) from error


@contextlib.contextmanager
def _local_cluster(text: str) -> Iterator[Any]:
    """Start processes on this machine, without the memory trimming that costs a third of the speed."""
    import logging

    import dask
    from distributed import LocalCluster

    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise InputError(f"local:{text}", where="scheduler", advice="write local:N with N from 1 to 1024")
    environment = dask.config.get("distributed.nanny.pre-spawn-environ")
    trimming = environment.pop("MALLOC_TRIM_THRESHOLD_", None)
    try:
        with LocalCluster(
            n_workers=int(text),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster:
            yield cluster
    finally:
        if trimming is not None:
            environment["MALLOC_TRIM_THRESHOLD_"] = trimming
