"""Equipment from files: what is read, what it means, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DataError, InputError
from moonpost.thermal import read_case, simulate_network

ROVER = """
[place]
latitude_deg = -45.5
days = 30

[[node]]
name = "box"
capacity_j_k = 3e4
operate_k = [253, 323]

[[node]]
name = "radiator"
capacity_j_k = 2000

[[switch]]
first = "box"
second = "radiator"
closed_w_k = 2.0
open_w_k = 0.01
sensor = "box"
close_above_k = 295
open_below_k = 288

[[surface]]
name = "lid"
node = "radiator"
area_m2 = 0.4
emissivity = 0.85
absorptivity = 0.12
slope_deg = 0

[[blanket]]
name = "mli"
node = "box"
area_m2 = 1.5

[[heater]]
node = "box"
power_w = 15
on_below_k = 258
off_above_k = 262

[[source]]
node = "box"
power_w = 4

[dissipation_w]
box = [30, 2]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "equipment.toml"
    path.write_text(text)
    return path


def test_a_rover_is_read_and_run(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, ROVER))
    assert case.network.names == ("box", "radiator", "mli outer layer")
    assert case.network.surfaces[0].sky_view == 1.0
    assert case.network.blankets[0].ground_view == 0.5
    ground, light, power = case.surroundings()
    assert len(ground) == 720
    assert ground.max() > 330.0
    assert ground.min() < 110.0
    # Level: the sine of the Sun's elevation; all round: a quarter, and half of what the ground scatters.
    assert light["lid"].max() == pytest.approx(1361.0 * np.cos(np.deg2rad(45.5)), rel=1e-3)
    assert light["mli"].max() > 0.25 * 1361.0
    night = light["lid"] == 0.0
    assert night.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(power["box"][night], 2.0)
    found = case.simulate()
    same = simulate_network(case.network, 3600.0, ground, sunlight_w_m2=light, dissipation_w=power)
    np.testing.assert_array_equal(found.temperature_k, same.temperature_k)
    assert found.of("box")[24:].min() > 257.0
    assert found.total_residual_relative < 1e-9


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[place]", "[plaice]", "unknown plaice"),
        ("days = 30", "dayz = 30", "unknown dayz"),
        ("days = 30", "days = -1", "above 0"),
        ("power_w = 15", "powr_w = 15", "unknown 'powr_w'"),
        ("power_w = 15", "power_w = nan", "not a number"),
        ("power_w = 15", 'power_w = "15"', "not a number"),
        ("power_w = 15\n", "", "lacks a value"),
        ('name = "lid"', "name = 3", "not a text"),
        ('node = "radiator"', 'node = "radiatr"', "no node 'radiatr'"),
        ("[[source]]", "[source]", "list of tables"),
        ("box = [30, 2]", "box = [30, 2, 1]", "nor two"),
        ("box = [30, 2]", "bx = 3", "no node 'bx'"),
        ("slope_deg = 0", "slope_deg = 100", "slope"),
        ("latitude_deg = -45.5", "latitude_deg = 95", "latitude"),
    ],
)
def test_refusals(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in ROVER
    with pytest.raises(InputError, match=said):
        read_case(written(tmp_path, ROVER.replace(old, new))).simulate()


def test_files_that_are_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_case(tmp_path / "none.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_case(written(tmp_path, "[[["))
