"""Question 12 from the command line: whether a guest payload fits, and why not."""

from __future__ import annotations

import json

import pytest

ASK = ("design", "guest", "ilrs", "--host", "ce8-lander", "--site", "glaeser-spot-1", "--years", "0.3")


@pytest.mark.parametrize(("mass_kg", "fits"), [(20, True), (120, False)])
def test_a_light_guest_fits_and_one_over_the_call_does_not(cli, mass_kg, fits):
    told = cli(*ASK, "--mass-kg", mass_kg, "--json")
    assert told.code == 0
    found = json.loads(told.out)
    assert found["fits"] is fits


def test_a_link_that_the_plan_does_not_have_is_told_not_assumed(cli):
    words = (*ASK, "--mass-kg", 20, "--bit-day", "1e8", "--json")
    assert json.loads(cli(*words).out)["fits"] is None
    assert json.loads(cli(*words, "--downlink-bit-s", "1e6").out)["fits"] is True
    assert json.loads(cli(*words, "--downlink-bit-s", "100").out)["fits"] is False


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--host", "nobody", "--mass-kg", 3), "nobody"),
        (("--host", "ce8-lander", "--mass-kg", -1), "mass_kg"),
        (("--host", "ce8-lander", "--mass-kg", 3, "--view", "mars"), "mars"),
    ],
)
def test_a_wrong_question_ends_in_one_line(cli, words, named):
    wrong = cli("design", "guest", "ilrs", *words)
    assert wrong.code == 2
    assert named in wrong.err
    assert len(wrong.err.strip().splitlines()) == 1
