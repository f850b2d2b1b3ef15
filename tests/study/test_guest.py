"""Question 12: a guest payload and its host."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import InputError, ModelError, MoonpostError, UnknownNameError
from moonpost.plan import ThermalBox, load_plan
from moonpost.study.guest import Guest, guest_fits

PLACE = {"site": "connecting-ridge", "years": 0.25, "start": "2030-02-01"}


def ask(guest, host="ce8-lander", plan="ilrs", **changes):
    return guest_fits(plan, host, guest, **(PLACE | changes))


def check(answer, what):
    return next(row for row in answer.checks if row.what == what)


def test_a_small_guest_fits_and_says_what_decides():
    answer = ask(Guest(12.0, day_w=10.0, night_w=1.0, view="earth:0.2"))
    assert answer.fits is True
    assert all(row.fits for row in answer.checks)
    assert answer.decides.spare == min(row.spare for row in answer.checks)


@pytest.mark.parametrize(
    ("guest", "what"),
    [
        (Guest(90.0), "mass"),
        (Guest(5.0, day_w=2000.0), "power by day"),
        (Guest(5.0, night_w=300.0), "power by night"),
        (Guest(5.0, view="earth:0.95"), "view of the Earth"),
        (Guest(5.0, view="sky:0"), "view of the sky"),
        (Guest(5.0, survive_min_k=200.0, inside=False), "cold"),
    ],
)
def test_each_thing_can_decide(guest, what):
    answer = ask(guest)
    assert answer.fits is False
    assert answer.decides.what == what
    assert answer.decides.spare < 0.0
    assert [row.what for row in answer.checks if row.fits is False] == [what]


def test_power_that_is_told_to_fit_fits_and_a_watt_more_does_not():
    free = check(ask(Guest(1.0)), "power by night").available
    assert check(ask(Guest(1.0, night_w=free / 1.2)), "power by night").fits
    assert not check(ask(Guest(1.0, night_w=(free + 1.0) / 1.2)), "power by night").fits


def test_taken_mass_leaves_less():
    """Two guests of 60 and 70 kg of the call's 200 leave 70, below the 100 kg that one may have."""
    plan = load_plan("ilrs")
    made = [
        plan.instruments[0].model_copy(
            update={"id": f"guest-{k}", "element": "ce8-lander", "owner": "esa", "mass_kg": mass}
        )
        for k, mass in enumerate((60.0, 70.0))
    ]
    crowded = plan.model_copy(update={"instruments": (*plan.instruments, *made)})
    found = check(ask(Guest(59.0), plan=crowded), "mass")
    assert found.available == pytest.approx(70.0)
    assert not found.fits


def test_data_is_the_link_less_the_hosts_own():
    guest = Guest(5.0, bit_day=1e9)
    unknown = ask(guest)
    assert unknown.fits is None
    assert "--downlink-bit-s" in check(unknown, "data").why
    found = check(ask(guest, downlink_bit_s=2e5, contact_share=0.5), "data")
    lit = check(ask(Guest(1.0, view="sun:0.1")), "view of the Sun").available
    own = 1e5 * lit * 1.1 * 1.2 * 86_400.0
    assert found.available == pytest.approx(max(2e5 * 0.5 * 86_400.0 - own, 0.0), rel=0.02)


def test_temperatures_inside_are_those_of_the_box():
    plan = load_plan("ilrs")
    host = plan.element("ce8-lander").model_copy(update={"thermal": ThermalBox(capacity_j_k=1e5, radiator_m2=1.0)})
    boxed = plan.model_copy(update={"elements": tuple(host if e.id == host.id else e for e in plan.elements)})
    guest = Guest(5.0, operate_min_k=260.0, operate_max_k=330.0, survive_min_k=200.0, survive_max_k=350.0)
    answer = ask(guest, plan=boxed)
    assert not check(answer, "cold at work").fits
    assert check(answer, "warmth at work").fits
    assert check(answer, "cold asleep").fits
    assert answer.decides.what == "cold at work"
    assert ask(guest).fits is None


def test_outside_is_between_the_night_and_a_plate_in_the_sun():
    answer = ask(Guest(5.0, survive_min_k=20.0, survive_max_k=400.0, inside=False))
    assert 20.0 < check(answer, "cold").available < 120.0
    assert 330.0 < check(answer, "warmth").available < 350.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Guest(0.0),
        lambda: Guest(float("nan")),
        lambda: Guest(1.0, day_w=-1.0),
        lambda: Guest(1.0, view="moon"),
        lambda: Guest(1.0, view="earth:2"),
        lambda: Guest(1.0, operate_min_k=300.0, operate_max_k=200.0),
    ],
)
def test_impossible_guests_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_impossible_questions_are_refused():
    with pytest.raises(UnknownNameError):
        ask(Guest(1.0), host="nobody")
    with pytest.raises(ModelError, match="--site"):
        guest_fits("ilrs", "ce8-lander", Guest(1.0))
    with pytest.raises(ModelError, match="choose another"):
        ask(Guest(1.0), host="ilrs-1")
    for changes in ({"years": 0.0}, {"height_m": np.nan}, {"contact_share": 2.0}, {"downlink_bit_s": -1.0}):
        with pytest.raises(InputError):
            ask(Guest(1.0), **changes)


def test_one_command_answers(tmp_path):
    picture = tmp_path / "guest.png"
    found = CliRunner().invoke(
        app,
        ["design", "guest", "ilrs", "--host", "ce8-lander", "--site", "connecting-ridge", "--mass-kg", "12",
         "--years", "0.1", "--plot", str(picture), "--json"],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["fits"] is True
    assert {row["what"] for row in told["checks"]} >= {"mass", "power by day", "power by night", "data"}
    assert picture.stat().st_size > 5_000


@pytest.mark.parametrize("extra", [["--mass-kg", "-1"], ["--mass-kg", "1", "--plot", "x.txt"]])
def test_bad_input_is_one_line(extra):
    found = CliRunner().invoke(app, ["design", "guest", "ilrs", "--host", "ce8-lander", *extra])
    assert isinstance(found.exception, MoonpostError)
