"""Question 9: coverage, gaps and data of relays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.comms import Contacts
from moonpost.errors import InputError, MoonpostError, UnknownNameError
from moonpost.study.relays import _turns, relay_service

PERIOD = ("ilrs", "2030-01-10", 3.0)


@pytest.fixture(scope="module")
def services():
    return relay_service(*PERIOD, satellites=[2, 1], antennas=["kashgar", "neuquen"], degree=8)


def test_more_relays_cover_more(services):
    direct, one, two = services.services
    assert [row.satellites for row in services.services] == [0, 1, 2]
    assert 0.8 < one.covered.share < two.covered.share <= 1.0
    assert one.through.share <= two.through.share
    assert one.through.longest_gap_s >= two.through.longest_gap_s
    assert direct.through.share < 1.0


def test_nothing_goes_through_that_does_not_stand_over_the_site(services):
    for row in services.services[1:]:
        assert row.through.share <= row.covered.share
        assert row.possible_bit <= 5e6 * row.through.share * 3 * 86_400.0 * (1 + 1e-9)


def test_data_balance_closes(services):
    for row in services.services:
        assert row.residual_relative < 1e-9
        assert row.delivered_bit <= min(row.made_bit, row.possible_bit) * (1 + 1e-9)
        assert row.made_bit == pytest.approx(1e6 * 3 * 86_400.0, rel=0.01)


def test_a_store_on_the_relay_brings_data_that_a_bent_pipe_cannot():
    asked = {"satellites": [1], "antennas": ["kashgar"], "degree": 8, "capacity_bit": 2e10}
    pipe = relay_service(*PERIOD, **asked).services[1]
    store = relay_service(*PERIOD, **asked, relay_capacity_bit=1e12).services[1]
    assert store.delivered_bit > pipe.delivered_bit
    assert store.residual_relative < 1e-9


def test_one_antenna_follows_one_relay_at_a_time():
    t0 = np.datetime64("2030-01-01", "ms")

    def hours(*ends):
        return np.array([t0 + np.timedelta64(h, "h") for h in ends])

    span = (t0, t0 + np.timedelta64(20, "h"))
    a, b = Contacts(hours(0, 9), hours(6, 20), span), Contacts(hours(4), hours(12), span)
    first, second = _turns([a, b])
    assert (first.start.tolist(), first.stop.tolist()) == (hours(0, 12).tolist(), hours(6, 20).tolist())
    assert (second.start.tolist(), second.stop.tolist()) == (hours(6).tolist(), hours(12).tolist())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"satellites": []}, InputError),
        ({"satellites": [0]}, InputError),
        ({"days": float("nan")}, InputError),
        ({"made_bit_s": -1.0}, InputError),
        ({"relay_capacity_bit": 0.0}, InputError),
        ({"orbit": "elsewhere"}, UnknownNameError),
        ({"antennas": ["atlantis"]}, UnknownNameError),
        ({"up": "no-link"}, UnknownNameError),
        ({"site": "no-site"}, UnknownNameError),
        ({"start": "1200-01-01"}, MoonpostError),
    ],
)
def test_impossible_questions_are_refused(changes, error):
    with pytest.raises(error):
        relay_service(**({"plan": "ilrs", "start": "2030-01-10", "days": 1.0} | changes))


def test_one_command_answers(tmp_path):
    picture = tmp_path / "relays.png"
    found = CliRunner().invoke(
        app,
        ["operate", "relays", "ilrs", "--from", "2030-01-10", "--days", "1", "--satellites", "1", "--perilune-km",
         "100", "--antenna", "kashgar", "--plot", str(picture), "--json"],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)["rows"]
    assert rows[1]["covered"] < 0.2
    assert rows[1]["delivered_mbit_per_day"] > 0.0
    assert picture.stat().st_size > 5_000


@pytest.mark.parametrize("extra", [["--satellites", "two"], ["--plot", "x.txt"], ["--apolune-km", "300"]])
def test_bad_input_is_one_line(extra):
    assert isinstance(CliRunner().invoke(app, ["operate", "relays", "ilrs", *extra]).exception, MoonpostError)
