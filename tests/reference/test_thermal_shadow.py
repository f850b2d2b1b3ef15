"""Temperatures in permanent shadow that others published.

Haruyama et al. (2008, Science 322, 938, doi:10.1126/science.1164020) found, with a shape of Shackleton from stereo
images, a floor of less than about 90 K. Mahanti et al. (2023, J. Astron. Space Sci. 40, 131) state of its floor
that temperatures are always below 110 K (Diviner). Paige et al. (2010, Science 330, 479) state 38 K below the
surface of the coldest shadows. Ingersoll et al. (1992, Icarus 100, 40) state less than 102 K for shadow in polar
craters a fifth as deep as wide. Read were the papers' abstracts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.sky import Almanac
from moonpost.terrain import MapArea, Terrain
from moonpost.thermal import PatchGround, SunPath, TerrainPatch, bowl_shadow, patch_ground


@pytest.fixture(scope="module")
def shackleton(moonpost_data: Path, almanac: Almanac) -> PatchGround:
    coarse = Terrain.default("south").layers[0].path
    terrain = Terrain.open(moonpost_data / "dem" / "shackleton_51km_200m.tif", coarse)
    area = MapArea.about(-89.67, 129.78, 38.4e3, cell_m=400.0)
    patch = TerrainPatch.of_terrain(terrain, area, block=4)
    return patch_ground(patch, SunPath.of(almanac, "2030-01-01", "2030-12-21", 12 * 3600.0))


def test_the_floor_of_shackleton(shackleton: PatchGround) -> None:
    floor = (slice(10, 14), slice(10, 14))
    assert shackleton.permanent_shadow[floor].all()
    warmest = shackleton.ground.surface_max_k[floor]
    assert warmest.max() < 90.0
    # A shape model alone gives about 90 K in balance at the highest Sun; a year of ground under it lies lower, not
    # at the 24 K of geothermal heat.
    assert warmest.mean() > 65.0
    assert 38.0 < shackleton.ground.surface_mean_k[floor].mean() < 65.0


def test_no_permanent_shadow_in_shackleton_reaches_110_k(shackleton: PatchGround) -> None:
    shadow = shackleton.permanent_shadow
    assert shadow.sum() > 40
    assert shackleton.ground.surface_max_k[shadow].max() < 110.0
    assert shackleton.ground.surface_min_k[shadow].min() > 24.0


def test_the_coldest_shadow_is_above_geothermal_heat(shackleton: PatchGround) -> None:
    assert shackleton.ground.mean_at_k(1.0)[shackleton.permanent_shadow].min() > 38.0


def test_polar_bowls_stay_below_102_k() -> None:
    # At the poles the Sun reaches 1.54 deg, and the disc's upper limb 1.8 deg.
    warmest = [bowl_shadow(e, 0.2).temperature_k for e in np.linspace(0.1, 1.8, 18)]
    assert 90.0 < max(warmest) < 102.0
