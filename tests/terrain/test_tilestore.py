"""A map's folder keeps what is done, refuses what does not belong to it, and reads back as it was written."""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

from moonpost.errors import InputError, OutputError
from moonpost.terrain.tilerun import run_tiles
from moonpost.terrain.tilestore import MapStore, open_store, stored_tile_cells

JOBS = Path(__file__).with_name("tilejobs.py")


@pytest.fixture(scope="module")
def jobs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terrain_tilejobs", JOBS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected(jobs: ModuleType) -> dict[str, np.ndarray]:
    return jobs.Slow()(slice(0, jobs.CELLS), slice(0, jobs.CELLS))


def test_reads_back_as_written_by_any_zarr_reader(jobs: ModuleType, tmp_path: Path) -> None:
    jobs.fill(tmp_path / "m.zarr", 0.0, 1)
    data = xr.open_zarr(tmp_path / "m.zarr", chunks=None)
    np.testing.assert_array_equal(data["light"], expected(jobs)["light"])
    np.testing.assert_allclose(data["horizon"], 0.01 * expected(jobs)["horizon"], atol=1e-5)
    assert data["horizon"].dims == ("azimuth", "y", "x")
    assert data["horizon"].attrs["units"] == "degree"
    assert data["x"].values[1] == 20.0
    assert "spatial_ref" in data.coords or "spatial_ref" in data.data_vars
    raw = xr.open_zarr(tmp_path / "m.zarr", chunks=None, mask_and_scale=False)
    assert raw["horizon"].dtype == np.int16
    assert raw["horizon"].encoding["chunks"] == (3, jobs.TILE, jobs.TILE)


def test_missing_heights_are_nan(jobs: ModuleType, tmp_path: Path) -> None:
    plan = jobs.layout()
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        values = jobs.Slow()(*plan.tiles[0])
        values["horizon"][:, 0, 0] = -32768
        store.write(plan.tiles[0], values)
        data = store.dataset()
    assert np.isnan(data["horizon"][:, 0, 0]).all()
    assert not np.isnan(data["horizon"][:, 0, 1]).any()
    assert np.isnan(data["light"][-1, -1]), "a tile that is not there yet"


def test_goes_on_from_what_is_there(jobs: ModuleType, tmp_path: Path) -> None:
    plan, calls = jobs.layout(), []

    def compute(rows: slice, cols: slice) -> dict[str, np.ndarray]:
        calls.append((rows, cols))
        if len(calls) == 5:
            raise RuntimeError("stopped")
        return jobs.Slow()(rows, cols)

    with pytest.raises(RuntimeError), open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        run_tiles(compute, store, len(plan.tiles))
    assert calls == plan.tiles[:5]
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        assert store.pending() == plan.tiles[4:]
        run_tiles(compute, store, len(plan.tiles))
    assert calls[5:] == plan.tiles[4:]


def test_a_lost_or_cut_chunk_is_computed_again(jobs: ModuleType, tmp_path: Path) -> None:
    jobs.fill(tmp_path / "m", 0.0, 1)
    before = jobs.files(tmp_path / "m")
    (tmp_path / "m" / "light" / "c" / "2" / "3").unlink()
    cut = tmp_path / "m" / "horizon" / "c" / "1" / "4" / "0"
    cut.write_bytes(cut.read_bytes()[:-1])
    (tmp_path / "m" / ".moonpost" / "tiles" / "0-0.json").write_text("{")
    with open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS) as store:
        assert [(rows.start, cols.start) for rows, cols in store.pending()] == [(0, 0), (16, 24), (32, 0)]
    jobs.fill(tmp_path / "m", 0.0, 1)
    assert jobs.files(tmp_path / "m") == before


def test_other_inputs_are_refused_by_name(jobs: ModuleType, tmp_path: Path) -> None:
    jobs.fill(tmp_path / "m", 0.0, 1)
    before = jobs.files(tmp_path / "m")
    other = {**jobs.INPUTS, "mast_m": [2.0, 10.0], "files": [{"name": "a.tif", "sha256": "ff"}]}
    with pytest.raises(InputError) as caught, open_store(tmp_path / "m", jobs.layout(), other):
        pass
    text = str(caught.value)
    assert 'files[0].sha256 is "00" there, "ff" now' in text
    assert "mast_m is [2.0] there, [2.0, 10.0] now" in text
    assert "--out" in text
    assert "--fresh" in text
    assert "\n" not in text
    assert jobs.files(tmp_path / "m") == before
    assert stored_tile_cells(tmp_path / "m", jobs.INPUTS) == jobs.TILE
    assert stored_tile_cells(tmp_path / "m", other) is None
    with open_store(tmp_path / "m", jobs.layout(), other, fresh=True) as store:
        assert len(store.pending()) == len(store.tiles())


def test_fresh_keeps_files_that_are_not_the_maps(jobs: ModuleType, tmp_path: Path) -> None:
    jobs.fill(tmp_path / "m", 0.0, 1)
    (tmp_path / "m" / "notes.txt").write_text("mine")
    with open_store(tmp_path / "m", jobs.layout(16), jobs.INPUTS, fresh=True) as store:
        assert store.dataset()["light"].shape == (16, 16)
    assert (tmp_path / "m" / "notes.txt").read_text() == "mine"


def test_a_stop_while_the_store_is_made_leaves_no_half_map(
    jobs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zarr

    jobs.fill(tmp_path / "whole", 0.0, 1)

    def stop(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(zarr, "consolidate_metadata", stop)
        with pytest.raises(KeyboardInterrupt), open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS):
            pass
    assert not (tmp_path / "m" / ".moonpost" / "manifest.json").exists()
    jobs.fill(tmp_path / "m", 0.0, 1)
    assert jobs.files(tmp_path / "m") == jobs.files(tmp_path / "whole")


def test_a_folder_of_something_else_and_a_file_are_refused(jobs: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("x")
    (tmp_path / "file").write_text("x")
    for name, word in (("photos", "something else"), ("file", "not a folder")):
        for fresh in (False, True):
            with (
                pytest.raises(OutputError, match=word),
                open_store(tmp_path / name, jobs.layout(), jobs.INPUTS, fresh=fresh),
            ):
                pass
    assert (tmp_path / "photos" / "a.jpg").read_text() == "x"


def test_one_writer_at_a_time(jobs: ModuleType, tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS),
        pytest.raises(OutputError, match="another run is writing"),
        open_store(tmp_path / "m", jobs.layout(), jobs.INPUTS, fresh=True),
    ):
        pass
    jobs.fill(tmp_path / "m", 0.0, 1)


def test_a_full_disk_keeps_what_is_done(jobs: ModuleType, tmp_path: Path) -> None:
    """The limit on a file's size fails writes in the kernel, as a full disk does."""
    plan = jobs.layout()
    with open_store(tmp_path / "m", plan, jobs.INPUTS) as store:
        run_tiles(jobs.Slow(), _Only(store, 7), 7)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
        try:
            with pytest.raises(OutputError, match="what is done is kept") as caught:
                run_tiles(jobs.Slow(), store, len(plan.tiles))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert len(store.pending()) == len(plan.tiles) - 7
    assert "\n" not in str(caught.value)
    jobs.fill(tmp_path / "m", 0.0, 1)
    jobs.fill(tmp_path / "whole", 0.0, 1)
    assert jobs.files(tmp_path / "m") == jobs.files(tmp_path / "whole")


class _Only:
    """The first tiles of a store."""

    def __init__(self, store: MapStore, count: int) -> None:
        self._store, self._count = store, count

    def pending(self) -> list:
        return self._store.pending()[: self._count]

    def write(self, tile, values) -> None:
        self._store.write(tile, values)


def test_a_folder_without_rights(jobs: ModuleType, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:
        locked = Path("/proc")  # root may write everywhere else
    with pytest.raises(OutputError, match="cannot write"), open_store(locked / "m", jobs.layout(), {}):
        pass


def test_a_parent_that_is_a_file(jobs: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"), open_store(tmp_path / "file" / "m", jobs.layout(), {}):
        pass


def _kills(jobs: ModuleType, tmp_path: Path, count: int, seed: int) -> None:
    """Kill a run at random moments, let the last one end, and compare every byte with a run left alone."""
    random = np.random.default_rng(seed)
    stops = 0
    while stops < count:
        with subprocess.Popen(
            [sys.executable, str(JOBS), str(tmp_path / "m"), "0.02", "2"], stdout=subprocess.PIPE
        ) as run:
            run.stdout.readline()
            try:
                run.wait(timeout=float(random.uniform(0.0, 0.5)))
                raise AssertionError("the run ended before it was killed")
            except subprocess.TimeoutExpired:
                run.kill()
                stops += 1
    subprocess.run([sys.executable, str(JOBS), str(tmp_path / "m"), "0", "2"], check=True, stdout=subprocess.PIPE)
    jobs.fill(tmp_path / "whole", 0.0, 1)
    assert jobs.files(tmp_path / "m") == jobs.files(tmp_path / "whole")


def test_killed_at_random_moments(jobs: ModuleType, tmp_path: Path) -> None:
    _kills(jobs, tmp_path, 2, 20)
