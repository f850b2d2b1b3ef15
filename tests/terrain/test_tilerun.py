"""Tiles by threads, by a cluster, in any number: the same result; stops and failures end in one clear error."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.terrain.tilerun import TileProgress, run_tiles
from moonpost.terrain.tilestore import MemoryMaps, open_store

JOBS = Path(__file__).with_name("tilejobs.py")


@pytest.fixture(scope="module")
def jobs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terrain_tilejobs", JOBS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("workers", [1, 3, 100])
def test_any_number_of_workers_gives_the_same_bytes(jobs: ModuleType, tmp_path: Path, workers: int) -> None:
    jobs.fill(tmp_path / "one", 0.0, 1)
    jobs.fill(tmp_path / "many", 0.0, workers)
    assert jobs.files(tmp_path / "one") == jobs.files(tmp_path / "many")


def test_memory_and_folder_hold_the_same(jobs: ModuleType, tmp_path: Path) -> None:
    plan = jobs.layout()
    memory = MemoryMaps(plan)
    run_tiles(jobs.Slow(), memory, len(plan.tiles), workers=2)
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        run_tiles(jobs.Slow(), store, len(plan.tiles))
        stored = store.dataset()
    for name in ("light", "horizon"):
        np.testing.assert_array_equal(memory.dataset()[name], stored[name])
        assert memory.dataset()[name].attrs == stored[name].attrs
        assert memory.dataset()[name].dtype == stored[name].dtype


def test_workers_run_at_the_same_time(jobs: ModuleType) -> None:
    plan = jobs.layout()
    meeting = threading.Barrier(3, timeout=20)

    def compute(rows: slice, cols: slice) -> dict[str, np.ndarray]:
        meeting.wait()
        return jobs.Slow()(rows, cols)

    run_tiles(compute, MemoryMaps(plan), len(plan.tiles), workers=3)


def test_progress_counts_and_tells_the_time_left(jobs: ModuleType, tmp_path: Path) -> None:
    plan, told = jobs.layout(), []
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        for tile in plan.tiles[:6]:
            store.write(tile, jobs.Slow()(*tile))
        run_tiles(jobs.Slow(0.01), store, len(plan.tiles), progress=told.append)
    assert [item.done for item in told] == list(range(6, len(plan.tiles) + 1))
    assert {item.reused for item in told} == {6}
    assert told[0].left_s is None
    assert told[-1].left_s == 0.0
    middle = told[15]
    assert middle.left_s == pytest.approx(middle.elapsed_s / 15 * 15)


def test_progress_of_a_finished_map(jobs: ModuleType, tmp_path: Path) -> None:
    jobs.fill(tmp_path / "m", 0.0, 1)
    told: list[TileProgress] = []
    plan = jobs.layout()
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        run_tiles(jobs.Slow(), store, len(plan.tiles), progress=told.append)
    assert [(item.done, item.reused, item.left_s) for item in told] == [(36, 36, None)]


def test_the_first_failure_ends_the_run(jobs: ModuleType) -> None:
    plan, calls = jobs.layout(), []

    def compute(rows: slice, cols: slice) -> dict[str, np.ndarray]:
        calls.append(rows)
        if len(calls) == 4:
            raise InputError("too steep", where="here")
        time.sleep(0.01)
        return jobs.Slow()(rows, cols)

    with pytest.raises(InputError, match="too steep"):
        run_tiles(compute, MemoryMaps(plan), len(plan.tiles), workers=2)
    time.sleep(0.05)
    assert len(calls) <= 6


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, 5000])
def test_numbers_of_workers_that_make_no_sense(jobs: ModuleType, workers: int) -> None:
    with pytest.raises(InputError, match="workers"):
        run_tiles(jobs.Slow(), MemoryMaps(jobs.layout()), 36, workers=workers)


@pytest.mark.parametrize("scheduler", ["local:", "local:0", "local:two", "local:-1", "local:99999", "local:²"])
def test_local_clusters_that_make_no_sense(jobs: ModuleType, scheduler: str) -> None:
    with pytest.raises(InputError, match="local:N"):
        run_tiles(jobs.Slow(), MemoryMaps(jobs.layout()), 36, scheduler=scheduler)


def test_an_interrupt_ends_at_once_and_keeps_what_is_done(jobs: ModuleType, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(JOBS), str(tmp_path / "m"), "0.3", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        run.stdout.readline()
        tiles = tmp_path / "m" / ".moonpost" / "tiles"
        limit = time.monotonic() + 20
        while not (tiles.is_dir() and len(list(tiles.glob("*.json"))) >= 2) and time.monotonic() < limit:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=5) == 130
        assert run.stderr.read() == b""
    with open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS) as store:
        assert 2 <= 36 - len(store.pending()) < 36


CLUSTER = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import tilejobs

from moonpost.errors import MoonpostError
from moonpost.terrain.tilerun import run_tiles
from moonpost.terrain.tilestore import MemoryMaps, open_store


def environment(rows, cols):
    import os

    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        raise RuntimeError("trimmed")
    return tilejobs.Slow()(rows, cols)


if __name__ == "__main__":
    import os
    os.environ["PYTHONPATH"] = {folder!r}
    plan = tilejobs.layout()
    with open_store(Path({out!r}), plan, tilejobs.INPUTS) as store:
        run_tiles(tilejobs.Slow(), store, len(plan.tiles), scheduler="local:2")
    memory = MemoryMaps(plan)
    run_tiles(environment, memory, len(plan.tiles), scheduler="local:1")
    print(float(memory.dataset()["light"].sum()))
    import dask
    print("MALLOC_TRIM_THRESHOLD_" in dask.config.get("distributed.nanny.pre-spawn-environ"))
    from moonpost.terrain import tilerun

    tilerun._WAIT_S = 1.0
    try:
        run_tiles(tilejobs.Slow(), MemoryMaps(plan), len(plan.tiles), scheduler="tcp://127.0.0.1:1")
    except MoonpostError as error:
        print(error)
"""


def test_a_dask_cluster_gives_the_same_bytes(jobs: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER.format(folder=str(JOBS.parent), out=str(tmp_path / "m")))
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    whole = jobs.Slow()(slice(0, jobs.CELLS), slice(0, jobs.CELLS))["light"]
    assert float(lines[0]) == pytest.approx(float(whole.sum()), rel=1e-5)
    assert lines[1] == "True", "the settings of others are as they were"
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in lines[2]
    jobs.fill(tmp_path / "here", 0.0, 1)
    assert jobs.files(tmp_path / "m") == jobs.files(tmp_path / "here")


class _Client:
    """What the workers of a cluster answer."""

    def __init__(self, **answers: tuple[str | None, str]) -> None:
        self._answers = answers

    def run(self, function: object, folder: str) -> dict[str, tuple[str | None, str]]:
        assert Path(folder).is_absolute()
        return self._answers


def test_workers_that_do_not_fit_are_named(jobs: ModuleType, tmp_path: Path) -> None:
    from moonpost.terrain.tilerun import _check_workers, _look, code_digest

    with open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS) as store:
        good = _look(str(store.folder))
        assert good == (store.manifest["digest"], code_digest())
        assert _look(str(tmp_path / "none")) == (None, code_digest())
        _check_workers(_Client(a=good, b=good), store)
        with pytest.raises(InputError, match="worker b does not see"):
            _check_workers(_Client(a=good, b=(None, good[1])), store)
        with pytest.raises(InputError, match="worker b runs another version"):
            _check_workers(_Client(a=good, b=(good[0], "0")), store)
