"""Custody of samples: no milligram appears or is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.partners.samples import Custody, custody_of, milligrams
from moonpost.plan import load_plan


def _received(mass_mg=1_731_000, use="research"):
    book = Custody()
    action = {"do": "receive", "sample": "ce5", "mass_mg": mass_mg, "store": "beijing", "use": use}
    assert book.apply(action) == ""
    return book


def test_the_chinese_round_of_2022_lends_8768_mg_and_gets_them_back():
    # 37 applications, 18 investigators of 11 institutes, 8.768 g lent (CNSA, April 2022). How it was divided is
    # not published: the parts here are made up and add up to what was lent.
    book = _received()
    each = [8768 // 18 + (number < 8768 % 18) for number in range(18)]
    parts = [{"sample": f"ce5-{n:02d}", "mass_mg": mass} for n, mass in enumerate(each)]
    parts.append({"sample": "ce5-rest", "mass_mg": 1_731_000 - 8768, "use": "permanent"})
    assert book.apply({"do": "split", "sample": "ce5", "parts": parts}) == ""
    for number in range(18):
        lend = {
            "do": "lend",
            "sample": f"ce5-{number:02d}",
            "borrower": f"institute {number % 11}",
            "due": "2023-04",
        }
        assert book.apply(lend) == ""
    assert book.lent_mg() == 8768
    assert len({piece.loan.borrower for piece in book.pieces.values() if piece.loan}) == 11
    assert len(book.overdue("2023-05-01")) == 18
    assert book.overdue("2023-04-30") == ()
    for number, mass_mg in enumerate(each):
        back = {"do": "return", "sample": f"ce5-{number:02d}", "mass_mg": mass_mg - 100, "consumed_mg": 100}
        assert book.apply(back) == ""
    assert (book.lent_mg(), book.consumed_mg, book.residual_mg) == (0, 1800, 0)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"do": "split", "sample": "ce5", "parts": [{"sample": "a", "mass_mg": 1}]}, "weigh 1 mg"),
        ({"do": "split", "sample": "ce5", "parts": [{"sample": "ce5", "mass_mg": 1_731_000}]}, "used already"),
        ({"do": "split", "sample": "ce5", "parts": []}, "no parts"),
        ({"do": "lend", "sample": "x", "borrower": "b", "due": "2030"}, "no piece x"),
        ({"do": "lend", "sample": "ce5", "borrower": "b", "due": "soon"}, "not a date"),
        ({"do": "lend", "sample": "ce5", "borrower": " ", "due": "2030"}, "no text"),
        ({"do": "return", "sample": "ce5", "mass_mg": 1}, "not lent"),
        ({"do": "receive", "sample": "ce5", "mass_mg": 1, "store": "s", "use": "permanent"}, "used as a name"),
        ({"do": "receive", "sample": "y", "mass_mg": 1.5, "store": "s", "use": "permanent"}, "whole number"),
        ({"do": "receive", "sample": "y", "mass_mg": True, "store": "s", "use": "permanent"}, "whole number"),
        ({"do": "receive", "sample": "y", "mass_mg": 5, "store": "s", "use": "sale"}, "none of"),
        ({"do": "sell", "sample": "ce5"}, "none of"),
        ({"do": "move", "sample": "ce5"}, "lacks something"),
    ],
)
def test_what_custody_does_not_allow_changes_nothing(action, reason):
    book = _received()
    before = (book.to_rows(), book.received_mg)
    assert reason in book.apply(action)
    assert (book.to_rows(), book.received_mg) == before


def test_a_permanent_piece_is_not_lent():
    book = _received(use="permanent")
    assert "not lent" in book.apply({"do": "lend", "sample": "ce5", "borrower": "b", "due": "2030"})


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_no_order_of_actions_loses_a_milligram(data):
    book = _received(data.draw(st.integers(1, 5000)))
    for number in range(data.draw(st.integers(1, 25))):
        name = data.draw(st.sampled_from([*sorted(book.pieces), "ce5"]))
        mass_mg = book.pieces[name].mass_mg if name in book.pieces else 5
        cut = data.draw(st.integers(0, mass_mg))
        do = data.draw(st.sampled_from(["split", "lend", "return", "move", "receive"]))
        action = {"do": do, "sample": name, "store": "s", "borrower": "b", "due": "2030", "use": "research"}
        if do == "split":
            action["parts"] = [{"sample": f"{number}-a", "mass_mg": cut}, {"sample": f"{number}-b", "mass_mg": 1}]
            action["loss_mg"] = data.draw(st.integers(0, mass_mg))
        if do == "return":
            action |= {"mass_mg": cut, "consumed_mg": mass_mg - cut}
        if do == "receive":
            action |= {"sample": f"new-{number}", "mass_mg": cut}
        book.apply(action)
        assert book.residual_mg == 0
        assert all(piece.mass_mg > 0 for piece in book.pieces.values())


def test_the_plans_samples_come_in_whole():
    book = custody_of(load_plan("ilrs").samples)
    assert book.pieces["ce5-sample"].mass_mg == 1_731_000
    with pytest.raises(InputError, match="used as a name"):
        custody_of([*load_plan("ilrs").samples, load_plan("ilrs").samples[0]])


@pytest.mark.parametrize("mass_g", [0.0, -1.0, float("nan"), 0.0005, 1e300])
def test_masses_are_whole_milligrams(mass_g):
    with pytest.raises(InputError):
        milligrams(mass_g)
