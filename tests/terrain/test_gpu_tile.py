"""Tile horizons on a graphics card, or on its kernels compiled for the processor: those of the processor."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.terrain import gpu, gputile, tilekernels

ROUGHLY = 1e-5


@pytest.fixture(scope="module", params=["emulated", pytest.param("card", marks=pytest.mark.gpu)])
def sight(request, tmp_path_factory):
    """The module, on a card or on the processor in its stead."""
    if request.param == "card":
        if not gpu.available():
            pytest.skip("no CuPy or no NVIDIA card on this machine")
        yield gputile
        return
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed, which compiles the graphics kernel for the processor")
    spec = importlib.util.spec_from_file_location("terrain_gpu_host", Path(__file__).with_name("gpu_host.py"))
    host = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(host)
    card, kernels = host.Card(), host.Kernels(compiler, tmp_path_factory.mktemp("gpu"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (gpu, gputile):
            patch.setattr(module, "card", lambda: card)
            patch.setattr(module, "kernel", kernels.kernel)
        yield gputile


class Made:
    """Arrays of a tile, made up so that every argument of the kernels matters."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.rng, self.lattice, self.spacing, self.first = rng, (6, 8), 3, (2, 1)
        self.shape, points = (11, 17), 48
        self.heights_m = (100.0 * rng.normal(size=(40, 45))).astype(np.float32)
        self.window = (12, 23, 14, 31)
        self.missing = rng.random(self.shape) < 0.1
        self.pixel_m = 20.0
        self.nodes_m = np.array([-7.0, 5.0, 16.0], np.float32)
        self.above_m = self.single(0.0, 4.0, self.shape)
        self.stretch = self.single(0.0, 0.01, self.shape)
        self.eyes_m = self.single(500.0, 800.0, (3, points))
        self.place = self.single(0.0, 0.02, (2, points))
        self.turn = (np.eye(2).ravel() + 0.1 * rng.normal(size=(points, 4))).astype(np.float32).T
        self.views = (self.view(), self.view())

    def single(self, middle, spread, shape):
        return (middle + spread * self.rng.normal(size=shape)).astype(np.float32)

    def view(self):
        rng, points, made = self.rng, 48, type("View", (), {})()
        made.ground_m = (300.0 * rng.normal(size=(30, 33))).astype(np.float32)
        made.window, made.observers_m = (10, 17, 12, 21), (-40.0, 0.0, 60.0, 90.0)
        made.level = type("Level", (), {"cell_m": 150.0, "nearest_m": 600.0, "farthest_m": 2500.0})()
        made.corner = (rng.integers(0, 6, points) * 9 + rng.integers(0, 8, points)).astype(np.int32)
        made.part, made.share = (rng.random((n, points)).astype(np.float32) for n in (2, 3))
        made.below = rng.integers(0, 3, (3, points)).astype(np.int8)
        return made

    def aim(self, azimuths):
        return self.rng.normal(size=(azimuths, 6)).astype(np.float32) * np.float32(0.3)


def test_lattice_as_on_the_processor(sight):
    made, azimuths = Made(3), np.array([0.1, 0.4, 1.9])
    aims = [(azimuths + 0.01, made.aim(3)) for _ in made.views]
    device = sight.TileSight(made, near_m=200.0, spacing=made.spacing)
    ours = device.far(3, aims).get()
    best = np.full((3, 3, 48), -1e3, np.float32)
    for view, held, (angles, aim) in zip(made.views, device._views, aims, strict=True):
        slopes = np.ascontiguousarray(held.slopes(angles).get().transpose(1, 0, 2, 3)).reshape(3, 4, -1)
        assert slopes.min() > -1e3
        tilekernels.raise_lattice(
            slopes,
            9,
            view.corner,
            view.part,
            view.below,
            view.share,
            made.eyes_m,
            made.place,
            made.turn,
            aim,
            best,
        )
    assert np.abs(ours - np.arctan(best).reshape(3, 3, 6, 8)).max() < ROUGHLY


@pytest.mark.parametrize("masts_m", [(2.0,), (0.0, 2.0, 10.0)])
def test_joined_as_on_the_processor(sight, masts_m):
    made = Made(4)
    device = sight.TileSight(made, near_m=200.0, spacing=made.spacing)
    near = 0.1 * made.rng.normal(size=(len(masts_m), 5, *made.shape)).astype(np.float32)
    far = made.single(0.0, 0.1, (5, 3, *made.lattice))
    near[:, 1], far[1] = -math.pi / 2, -math.pi / 2  # no ground at all
    near[:, :, made.missing] = np.nan
    dips = np.array([-0.01 * (k + 1) for k in range(len(masts_m))], np.float32)
    cupy = gputile.card()
    ours = device.join(cupy.asarray(near), cupy.asarray(far), masts_m, dips).get()
    theirs = np.empty(near.shape, np.int16)
    masts = np.array(masts_m, np.float32)
    ground = (made.above_m, masts, made.nodes_m, made.stretch, made.missing, dips)
    tilekernels.combine(near, far, made.spacing, *made.first, *ground, theirs)
    assert (ours[:, :, made.missing] == -32768).all()
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert np.mean(ours != theirs) < 0.01


def test_blocks_are_all_azimuths(sight, monkeypatch):
    made, azimuths = Made(5), np.linspace(0.0, 6.0, 11)
    aim = made.aim(11)
    aim[:, 5] = 0.0  # the slope between azimuths ends with each block
    settings = {"near_m": 200.0, "spacing": made.spacing, "dips_rad": (-0.001, -0.002)}

    def aims(angles):
        return [(angles, aim[np.searchsorted(azimuths, angles)]) for _ in made.views]

    def whole():
        result = np.full((2, 11, *made.shape), 99, np.int16)
        for part, block in sight.tile_blocks(made, azimuths, (2.0, 5.0), aims=aims, **settings):
            result[:, part] = block
        return result

    at_once = whole()
    monkeypatch.setattr(gputile.TileSight, "at_once", lambda *_: 3)
    assert np.array_equal(whole(), at_once)
    assert not (at_once == 99).all(axis=(2, 3)).any()


def test_refuses_nothing_to_do(sight):
    settings = {"near_m": 200.0, "spacing": 3, "aims": lambda _: []}
    with pytest.raises(InputError):
        next(sight.tile_blocks(Made(1), np.empty(0), (2.0,), dips_rad=(0.0,), **settings))
    with pytest.raises(InputError):
        next(sight.tile_blocks(Made(1), np.zeros(2), (2.0,), dips_rad=(), **settings))


def test_map_as_on_the_processor(sight, monkeypatch):
    """The whole chain on shipped terrain; marches differ in their samples, by the error stated for either."""
    for name in ("rasterio", "pyproj"):
        pytest.importorskip(name)
    from moonpost.terrain import Terrain
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.tilehorizon import TileHorizons

    monkeypatch.setattr(gpu, "available", lambda: True)
    terrain, area = Terrain.default("south"), MapArea.about(-88.5, 40.0, 64e3, 48e3, cell_m=1600.0)
    whole, options = (slice(0, area.shape[0]), slice(0, area.shape[1])), {"mast_m": (2.0, 30.0), "azimuths": 12}
    here = TileHorizons.prepare(terrain, area, device="cpu", **options).horizons(*whole)
    there = TileHorizons.prepare(terrain, area, device="gpu", **options).horizons(*whole)
    away = np.abs(here.astype(int) - there) / 100.0
    assert np.median(away) <= 0.02
    assert np.percentile(away, 95) < 0.25
    assert (np.diff(there.astype(int), axis=0) <= 1).all()  # a higher mast never sees a higher horizon
