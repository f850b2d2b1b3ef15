"""Lifetime maps: rows, checkpoints, what stops and resumes; the cost of holding an orbit."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DataError, DateError, InputError, ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.lifetime import lifetime_map
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.upkeep import hold_altitude
from moonpost.sky import Almanac

START = "2030-01-01"
HEIGHTS, TILTS, NODES = [15e3, 25e3, 60e3], [30.0, 65.0, 90.0], [0.0, 120.0]


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, "2030-04-01", degree=12)


def test_a_map_holds_what_single_flights_give(env: Environment) -> None:
    shares: list[float] = []
    found = lifetime_map(HEIGHTS, TILTS, START, 20.0, env, nodes_deg=NODES, progress=shares.append)
    assert found.survived_days.shape == (3, 3, 2)
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert (found.survived_days[2] == 20.0).all()
    assert (found.survived_days[0] < 20.0).any()
    for i, j, k in ((0, 0, 0), (0, 1, 1), (1, 1, 0)):
        state = State.circling(env, START, HEIGHTS[i], TILTS[j], node_deg=NODES[k])
        alone = propagate(state, state.time_tdb_s + 20 * 86400.0, env, dense=False).duration_s / 86400.0
        assert found.survived_days[i, j, k] == pytest.approx(alone, abs=1e-4)
    data = found.to_dataset()
    assert data.survived_days.sel(altitude_m=15e3).shape == (3, 2)
    assert data.attrs["degree"] == "12"


def test_a_stopped_map_goes_on_where_it_was(env: Environment, tmp_path: Path) -> None:
    path = tmp_path / "map.json"

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lifetime_map(HEIGHTS, TILTS, START, 5.0, env, checkpoint=path, progress=stop)
    assert len(json.loads(path.read_text())["survived_days"]) == 2
    shares: list[float] = []
    found = lifetime_map(HEIGHTS, TILTS, START, 5.0, env, checkpoint=path, progress=shares.append)
    assert shares == [1.0]
    again = lifetime_map(HEIGHTS, TILTS, START, 5.0, env, threads=1)
    assert (found.survived_days == again.survived_days).all()
    assert not list(tmp_path.glob("*.part*"))


def test_a_checkpoint_of_another_map_is_refused(env: Environment, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    lifetime_map([60e3], [90.0], START, 1.0, env, checkpoint=path)
    with pytest.raises(DataError, match="limit_days"):
        lifetime_map([60e3], [90.0], START, 2.0, env, checkpoint=path)
    with pytest.raises(DataError, match="inclination"):
        lifetime_map([60e3], [80.0], START, 1.0, env, checkpoint=path)
    for text in ("", "[]", "{}", '{"survived_days": 3}'):
        path.write_text(text)
        with pytest.raises(DataError, match=r"map\.json"):
            lifetime_map([60e3], [90.0], START, 1.0, env, checkpoint=path)


def test_what_makes_no_map_is_refused(env: Environment) -> None:
    for options in (
        ([], [90.0], 1.0), ([math.nan], [90.0], 1.0), ([100e3], [[90.0]], 1.0), ([100e3], [90.0], 0.0),
        ([100e3], [90.0], math.nan), ([-1e3], [90.0], 1.0),
    ):  # fmt: skip
        heights, tilts, days = options
        with pytest.raises(InputError):
            lifetime_map(heights, tilts, START, days, env)
    with pytest.raises(DateError):
        lifetime_map([100e3], [90.0], START, 999.0, env)


def test_a_held_orbit_keeps_its_band_at_a_steady_cost(env: Environment) -> None:
    held = hold_altitude(env, START, 100e3, 90.0, 2)
    assert np.diff(held.day) == pytest.approx(27.3, abs=0.2)
    assert np.ptp(held.delta_v_m_s) < 0.3 * held.delta_v_m_s.mean()
    assert (held.lowest_m > 60e3).all()
    assert (held.highest_m < 140e3).all()
    middle = 0.5 * (held.lowest_m + held.highest_m)
    assert middle == pytest.approx(100e3, abs=5e3)
    assert held.delta_v_m_s_per_year == pytest.approx(held.delta_v_m_s.mean() * 365.25 / 27.3, rel=0.02)
    fuel = held.fuel_kg_per_year(1000.0, 300.0)
    assert fuel == pytest.approx(1000.0 * (1.0 - math.exp(-held.delta_v_m_s_per_year / 300.0 / 9.80665)), rel=1e-9)


def test_an_orbit_that_cannot_be_held_is_told(env: Environment) -> None:
    with pytest.raises(InputError):
        hold_altitude(env, START, 100e3, 90.0, 0)
    with pytest.raises(InputError):
        hold_altitude(env, START, math.nan, 90.0, 1)
    with pytest.raises(ModelError):
        hold_altitude(env, START, 8e3, 30.0, 1)
    with pytest.raises(DateError):
        hold_altitude(env, START, 100e3, 90.0, 99)
