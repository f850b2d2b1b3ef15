"""Question 1: darkness by mast height, and the battery that bridges it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import InputError
from moonpost.power import run_bus
from moonpost.power.arrays import array_power_w
from moonpost.study.bridging import bridging

PLACE = (-89.4395, 222.8066)


@pytest.fixture(scope="module")
def ridge():
    return bridging(*PLACE, [10.0, 2.0], "2030-02-15", "2030-05-15", load_w=500.0, members=5, seed=2)


def test_a_higher_mast_is_dark_for_less_long(ridge):
    low, high = ridge.to_dict()["rows"]
    assert (low["mast_m"], high["mast_m"]) == (2.0, 10.0)
    assert high["longest_dark_d"] < low["longest_dark_d"]
    assert high["battery_wh"] < low["battery_wh"]


def test_the_battery_for_darkness_alone_is_its_energy(ridge):
    for row in ridge.to_dict()["rows"]:
        expected = 500.0 * 24.0 * row["longest_dark_d"] / 0.95 / 0.8
        assert row["dark_battery_wh"] == pytest.approx(expected, rel=1e-12)
        assert row["battery_wh"] > 0.98 * expected
        assert row["battery_kg"] == pytest.approx(row["battery_wh"] / 150.0)


def test_the_battery_told_carries_the_load_and_less_does_not(ridge):
    from moonpost.plan import DesignRules

    rules = DesignRules(start="2030", dust_loss=0.0, array_loss_per_year=0.0, source="test", confidence="C")
    for bridge in ridge.bridges:
        supply = array_power_w(ridge.array, ridge.sun, ridge.light_by_mast[bridge.profile.mast_m], 0.0, rules)

        def shed(size, supply=supply, bridge=bridge):
            store = ridge.storage.model_copy(update={"capacity_wh": bridge.need.nameplate_wh * size})
            return float(run_bus(supply, 500.0, 600.0, store, bus_efficiency=0.92).shed_w.sum())

        assert shed(1.0 + 1e-9) == 0.0
        assert shed(0.99) > 0.0


def test_terrain_errors_spread_and_repeat(ridge):
    again = bridging(*PLACE, [10.0], "2030-02-15", "2030-05-15", load_w=500.0, members=5, seed=2)
    high = ridge.bridges[1].spread
    assert again.bridges[0].spread.battery_wh == high.battery_wh
    assert high.method == "horizon"
    assert high.longest_dark_d.p05 <= high.longest_dark_d.p50 <= high.longest_dark_d.p95
    assert np.ptp(high.longest_dark_d.values) > 0.0
    assert high.longest_dark_d.nominal == pytest.approx(ridge.bridges[1].statistics.longest_dark_d, abs=2 / 1440)


def test_a_load_that_the_array_cannot_carry_is_told():
    weak = bridging(*PLACE, [10.0], "2030-02-15", "2030-05-15", load_w=500.0, array_w=300.0)
    (row,) = weak.to_dict()["rows"]
    assert row["battery_wh"] is None
    assert row["shortfall_w"] > 200.0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"masts_m": []}, "masts_m"),
        ({"masts_m": [-1.0]}, "masts_m"),
        ({"load_w": float("nan")}, "load_w"),
        ({"array_w": -1.0}, "array_w"),
        ({"members": -1}, "members"),
        ({"stop": "2030-02-15T01:00"}, "stop"),
    ],
)
def test_impossible_questions_are_refused(changes, named):
    asked = {"masts_m": [2.0], "start": "2030-02-15", "stop": "2030-03-15"} | changes
    with pytest.raises(InputError, match=named):
        bridging(*PLACE, **asked)


def test_one_command_answers(tmp_path):
    picture = tmp_path / "dark.png"
    found = CliRunner().invoke(
        app, ["site", "darkness", "--site=-89.4395,222.8066", "--mast", "10", "--from", "2030-03-01", "--years",
              "0.1", "--plot", str(picture), "--json"],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["rows"][0]["longest_dark_d"] > 0.0
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("extra", [["--depth", "0"], ["--efficiency", "2"], ["--plot", "x.txt"], ["--years", "0"],
                                   ["--seed", "-1"], ["--mast", "900"]])  # fmt: skip
def test_bad_input_is_one_line(extra):
    from moonpost.errors import MoonpostError

    found = CliRunner().invoke(app, ["site", "darkness", "--site=-89.4395,222.8066", *extra])
    assert isinstance(found.exception, MoonpostError)
