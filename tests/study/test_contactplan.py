"""Contacts of sites that share antennas."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.comms import check_handover, windows_of
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.plan import load_plan
from moonpost.study.contactplan import contact_plan


@pytest.fixture(scope="module")
def shared():
    return contact_plan(
        "ilrs", "2030-01-10", 3.0, sites=["ce7-target", "glaeser-spot-1"], antennas=["kashgar", "neuquen"]
    )


def test_no_antenna_serves_two_sites_at_once(shared):
    windows = [
        window
        for user in shared.users
        for name, seen in user.windows.items()
        for window in windows_of(seen, name, user.site)
    ]
    assert check_handover(shared.handover, windows) == []
    assert {row.user for row in shared.handover.contacts} == {"ce7-target", "glaeser-spot-1"}


def test_a_site_alone_gets_no_less_than_one_that_shares(shared):
    alone = contact_plan("ilrs", "2030-01-10", 3.0, sites=["ce7-target"], antennas=["kashgar", "neuquen"])
    assert alone.users[0].given.share >= shared.users[0].given.share
    assert alone.users[0].possible.share >= alone.users[0].given.share


def test_data_are_sent_lost_or_kept(shared):
    for row in shared.to_dict()["users"]:
        store = row["store"]
        whole = store["delivered_bit"] + store["lost_bit"] + store["kept_bit"]
        assert whole == pytest.approx(store["made_bit"], rel=1e-9)
        assert store["made_bit"] == pytest.approx(1e5 * 3 * 86400.0, rel=1e-6)


def test_delivery_does_not_exceed_time_times_the_links_rate(shared):
    rate_bit_s = next(row.rate_bit_s for row in load_plan("ilrs").links if row.id == shared.link)
    for user in shared.users:
        most = rate_bit_s * user.given.duration_s.sum()
        assert 0 < user.store.summary()["delivered_bit"] <= most


def test_a_small_store_overflows_and_says_so():
    found = contact_plan("ilrs", "2030-01-10", 2.0, antennas=["neuquen"], made_bit_s=1e6, capacity_bit=1e9)
    store = found.to_dict()["users"][0]["store"]
    assert store["lost_bit"] > 0
    assert store["overflows"] >= 1
    assert store["fullest_bit"] <= 1e9


def test_the_period_is_the_one_asked_for(shared):
    assert shared.handover.span == (np.datetime64("2030-01-10", "ms"), np.datetime64("2030-01-13", "ms"))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"days": 0.0}, InputError),
        ({"days": float("nan")}, InputError),
        ({"made_bit_s": -1.0}, InputError),
        ({"capacity_bit": 0.0}, InputError),
        ({"sites": ["nowhere"]}, UnknownNameError),
        ({"antennas": ["nowhere"]}, UnknownNameError),
        ({"link": "nowhere"}, UnknownNameError),
        ({"sites": ["ce4-site"]}, None),
    ],
)
def test_bad_input_is_named(options, error):
    if error is None:
        far = contact_plan("ilrs", "2030-01-10", 1.0, antennas=["kashgar"], **options)
        assert far.users[0].given.share == 0.0
        return
    with pytest.raises(error):
        contact_plan("ilrs", "2030-01-10", **{"days": 1.0, **options})


def test_a_plan_without_antennas_says_so():
    plan = load_plan("ilrs").model_copy(update={"ground_stations": ()})
    with pytest.raises(ModelError, match="ground_stations"):
        contact_plan(plan, "2030-01-10", 1.0)


def test_the_command_prints_json_and_draws(tmp_path):
    picture = tmp_path / "contacts.png"
    args = ["operate", "contacts", "ilrs", "--from", "2030-01-10", "--days", "1", "--antenna", "kashgar"]
    done = CliRunner().invoke(app, [*args, "--plot", str(picture), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["contacts"]
    assert picture.stat().st_size > 5000
