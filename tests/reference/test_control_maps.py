"""Polar maps against PROJ, which has the Moon's systems of the IAU from its own database."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Transformer

from moonpost.control.maps import MapSet
from moonpost.control.maps.kernels import unit_of_map
from moonpost.control.maps.polar import SYSTEMS, map_of_unit
from moonpost.plan import load_plan


@pytest.mark.parametrize(("pole", "sign"), [("south", -1.0), ("north", 1.0)])
def test_map_coordinates_are_those_of_proj(pole: str, sign: float) -> None:
    """IAU_2015:30135 and 30130 of PROJ's database: within a micrometre, for both are closed forms in doubles."""
    rng = np.random.default_rng(7)
    latitude, longitude = sign * rng.uniform(60.0, 90.0, 200), rng.uniform(-180.0, 180.0, 200)
    x, y = Transformer.from_crs("IAU_2015:30100", SYSTEMS[pole], always_xy=True).transform(longitude, latitude)
    a, b = np.radians(latitude), np.radians(longitude)
    unit = np.stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], axis=1)
    found = map_of_unit(unit, pole)
    assert np.abs(found[0] - x).max() < 1e-6
    assert np.abs(found[1] - y).max() < 1e-6
    back = np.array([unit_of_map(px, py, 1737400.0, pole == "south") for px, py in zip(x, y, strict=True)])
    assert np.abs(back - unit).max() < 1e-12


def test_the_text_that_browsers_get_is_the_same_system(tmp_path) -> None:
    told = MapSet(load_plan("ilrs"), tmp_path).describe(np.datetime64("2035-01-10"))
    ours, theirs = CRS.from_proj4(told["proj4"]), CRS(told["system"])
    x, y = Transformer.from_crs(theirs, ours, always_xy=True).transform(12345.0, -54321.0)
    assert (x, y) == pytest.approx((12345.0, -54321.0), abs=1e-6)
