"""Custody of samples: no milligram appears or is lost."""

from __future__ import annotations

import copy
import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, ModelError, UnknownNameError
from moonpost.partners.samplerequests import agree_by, working_day_after
from moonpost.partners.sampleround import bundled_round, replay_round
from moonpost.partners.samples import ACTIONS, Custody, custody_of, milligrams
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


@pytest.mark.parametrize(
    "mass_g",
    [0.0, -1.0, float("nan"), float("inf"), 0.0005, 1e300, 1731.0005, 1e9 + 0.0001, "", "x", "1e99", "NaN", "1,5"],
)
def test_masses_are_whole_milligrams(mass_g):
    with pytest.raises(InputError):
        milligrams(mass_g)


@pytest.mark.parametrize(
    "text", ["1e400000000", "1e-400000000", "0.1230000000000000000000000000000000001", "sNaN"]
)
def test_no_text_is_rounded_to_milligrams_or_runs_over(text):
    with pytest.raises(InputError, match="whole milligrams"):
        milligrams(text)


def test_texts_give_the_same_milligrams_as_numbers():
    for mass_mg in (1, 7, 8768, 1_731_000, 2**40 + 1):
        assert milligrams(f"{mass_mg // 1000}.{mass_mg % 1000:03d}") == mass_mg
        assert milligrams(mass_mg / 1000) == mass_mg


# ---------------------------------------------------------------- requests

WHO = {"name": "A. Example", "institute": "Dust Institute", "country": "X"}
EXPERT = {"name": "B. Example", "institute": "Academy", "country": "Y"}


def _do(book, do, **fields):
    return book.apply({"do": do, **fields})


def _asked(votes=("approve",), mass_mg=400):
    book = _received()
    assert (
        _do(book, "request", request="q", investigator=WHO, sample="ce5", mass_mg=mass_mg, date="2022-03-01") == ""
    )
    for number, verdict in enumerate(votes):
        expert = {**EXPERT, "name": f"expert {number}"}
        assert _do(book, "review", request="q", reviewer=expert, verdict=verdict, date="2022-04-01") == ""
    return book


def _granted():
    book = _asked()
    assert _do(book, "grant", request="q", mass_mg=400, date="2022-04-15") == ""
    return book


def _agreed():
    book = _granted()
    assert _do(book, "agree", request="q", date="2022-04-29") == ""
    parts = [{"sample": "lot", "mass_mg": 300}, {"sample": "lot-2", "mass_mg": 100},
             {"sample": "rest", "mass_mg": 1_731_000 - 400}]  # fmt: skip
    assert _do(book, "split", sample="ce5", parts=parts, date="2022-05-01") == ""
    return book


@pytest.mark.parametrize(
    ("votes", "why"),
    [
        ((), "no review"),
        (("reject",), "0 experts approve and 1 reject"),
        (("approve", "reject"), "1 experts approve and 1 reject"),
        (("approve", "reject", "approve"), ""),
    ],
)
def test_more_experts_have_to_approve_than_reject(votes, why):
    refusal = _do(_asked(votes), "grant", request="q", mass_mg=400, date="2022-04-15")
    assert (refusal == "") == (why == "")
    assert why in refusal


@pytest.mark.parametrize(
    ("expert", "why"),
    [
        ({"name": "a. example", "institute": "elsewhere", "country": "Z"}, "asks for it"),
        ({"name": "C", "institute": " DUST  institute", "country": "Z"}, "same institute"),
        ({"name": "EXPERT 0", "institute": "Other", "country": "Z"}, "reviewed it already"),
        ({"name": "", "institute": "Other", "country": "Z"}, "lacks something"),
        ("expert", "no table"),
    ],
)
def test_experts_have_no_part_in_a_request(expert, why):
    book = _asked()
    assert why in _do(book, "review", request="q", reviewer=expert, verdict="approve", date="2022-04-01")
    assert len(book.requests["q"].reviews) == 1


def test_ten_working_days_to_agree():
    """Friday 15 April 2022 and ten working days end on Friday 29 April; a holiday between moves that to Monday."""
    assert agree_by("2022-04-15") == dt.date(2022, 4, 29)
    for date, why in [("2022-04-29", ""), ("2022-04-30", "after 2022-04-29"), ("2022-05-02", "10 working days")]:
        refusal = _do(_granted(), "agree", request="q", date=date)
        assert (refusal == "") == (why == "")
        assert why in refusal
    assert _do(_granted(), "agree", request="q", date="2022-05-02", holidays=["2022-04-25"]) == ""
    assert "after 2022-04-29" in _do(_granted(), "agree", request="q", date="2022-05-02", holidays=["2022-04-24"])
    assert "before the grant" in _do(_granted(), "agree", request="q", date="2022-04-14")
    assert _granted().findings("2022-04-29") == ()
    assert "not agreed by 2022-04-29" in _granted().findings("2022-04-30")[0]


@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), st.integers(0, 40))
def test_working_days_count_weekdays_only(start, days):
    end = working_day_after(start, days)
    between = [start + dt.timedelta(days=k) for k in range(1, (end - start).days + 1)]
    assert sum(day.weekday() < 5 for day in between) == days
    assert days == 0 or end.weekday() < 5


@pytest.mark.parametrize("days", [-1, 1.5, True, 10**9])
def test_working_days_are_whole(days):
    with pytest.raises(InputError):
        working_day_after(dt.date(2022, 1, 1), days)


def test_a_loan_keeps_to_what_was_granted_and_agreed():
    loan = {
        "sample": "lot",
        "borrower": "dust institute",
        "request": "q",
        "date": "2022-05-10",
        "due": "2023-05-09",
    }
    for changes, why in [
        ({"borrower": "Academy"}, "did not ask"),
        ({"sample": "rest"}, "400 mg of the grant are left"),
        ({"date": "2022-04-28"}, "before"),
        ({"due": "2022-05-09"}, "before the loan"),
        ({"request": "other"}, "no request"),
        ({"date": None}, "no text"),
    ]:
        book = _agreed()
        before = copy.deepcopy(book.to_rows())
        assert why in _do(book, "lend", **{**loan, **changes})
        assert (book.to_rows(), book.lent_mg()) == (before, 0)
    book = _agreed()
    assert _do(book, "lend", **loan) == ""
    assert _do(book, "lend", **{**loan, "sample": "lot-2"}) == ""
    assert (book.requests["q"].lent_mg, book.requests["q"].state) == (400, "lent")
    assert "no agreement" in _do(_split_only(_granted()), "lend", **loan)


def _split_only(book):
    parts = [{"sample": "lot", "mass_mg": 300}, {"sample": "rest", "mass_mg": 1_731_000 - 300}]
    assert _do(book, "split", sample="ce5", parts=parts, date="2022-05-01") == ""
    return book


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"do": "move", "sample": "lot", "store": "x", "date": "2022-04-30"}, "before the last action"),
        ({"do": "extend", "sample": "lot", "due": "2024"}, "not lent"),
        ({"do": "grant", "request": "q", "mass_mg": 1, "date": "2022-06-01"}, "was decided"),
        ({"do": "turn-down", "request": "q", "date": "2022-06-01"}, "was decided"),
        ({"do": "agree", "request": "q", "date": "2022-04-29"}, "was agreed"),
        ({"do": "request", "request": "q", "investigator": WHO, "sample": "ce5", "mass_mg": 1, "date": "2022"},
         "made already"),
        ({"do": "request", "request": "z", "investigator": WHO, "sample": "mars", "mass_mg": 1, "date": "2022"},
         "no sample mars"),
        ({"do": "request", "request": "z", "investigator": WHO, "sample": "ce5", "mass_mg": 0, "date": "2022"},
         "whole number"),
        ({"do": "request", "request": "z", "investigator": WHO, "sample": "ce5", "mass_mg": 1, "use": "backup",
          "date": "2022"}, "neither"),
        ({"do": "review", "request": "q", "reviewer": EXPERT, "verdict": "maybe", "date": "2022-04-01"},
         "none of"),
        ({"do": "return", "sample": "lot", "mass_mg": 300}, "not lent"),
    ],
)  # fmt: skip
def test_requests_and_loans_that_are_refused_change_nothing(action, why):
    book = _agreed()
    before = (copy.deepcopy(book.to_rows()), dict(book.requests), len(book.log))
    assert why in book.apply(action)
    assert (book.to_rows(), book.requests, len(book.log)) == before


def test_the_chain_of_custody_goes_back_to_the_sample():
    book = _agreed()
    assert _do(book, "lend", sample="lot", borrower="b", due="2023", date="2022-06-01") == ""
    assert _do(book, "extend", sample="lot", due="2024", date="2023-01-01") == ""
    assert "not later" in _do(book, "extend", sample="lot", due="2023", date="2023-02-01")
    assert _do(book, "return", sample="lot", mass_mg=0, consumed_mg=299, loss_mg=1, date="2023-06-01") == ""
    assert book.line_of("lot") == ("lot", "ce5")
    assert [row["do"] for row in book.trace("lot")] == ["receive", "split", "lend", "extend", "return"]
    assert (book.consumed_mg, book.lost_mg, book.residual_mg) == (299, 1, 0)
    assert book.line_of("nothing") == ()


def test_a_backup_beside_what_it_backs_up_is_told():
    book = _received(use="permanent")
    parts = [{"sample": "a", "mass_mg": 1_000_000}, {"sample": "b", "mass_mg": 731_000, "use": "backup"}]
    assert _do(book, "split", sample="ce5", parts=parts) == ""
    assert book.findings() == ("ce5: backup and permanent pieces are both in beijing",)
    assert _do(book, "move", sample="b", store="shaoshan") == ""
    assert book.findings() == ()
    assert book.stores() == {"beijing": 1_000_000, "shaoshan": 731_000}


def test_only_the_keeper_splits_lends_and_grants_and_anyone_asks():
    book = Custody()
    sample = {"do": "receive", "sample": "ce5", "mass_mg": 1000, "store": "s", "use": "research"}
    assert book.apply(sample, "cnsa") == ""
    ask = {
        "do": "request",
        "request": "q",
        "investigator": WHO,
        "sample": "ce5",
        "mass_mg": 10,
        "date": "2022-03-01",
    }
    assert book.apply(ask, "esa") == ""
    parts = [{"sample": "a", "mass_mg": 10}, {"sample": "b", "mass_mg": 990}]
    steps = [
        {"do": "review", "request": "q", "reviewer": EXPERT, "verdict": "approve", "date": "2022-04-01"},
        {"do": "grant", "request": "q", "mass_mg": 10, "date": "2022-04-15"},
        {"do": "agree", "request": "q", "date": "2022-04-20"},
        {"do": "split", "sample": "ce5", "parts": parts, "date": "2022-04-21"},
        {"do": "move", "sample": "a", "store": "t", "date": "2022-04-22"},
        {
            "do": "lend",
            "sample": "a",
            "borrower": "Dust Institute",
            "request": "q",
            "due": "2023",
            "date": "2022-05-01",
        },
        {"do": "extend", "sample": "a", "due": "2024", "date": "2022-06-01"},
        {"do": "return", "sample": "a", "mass_mg": 10, "date": "2022-07-01"},
    ]
    for row in steps:
        assert book.apply(row, "esa") == "esa does not keep it, cnsa does"
        assert book.apply(row, "cnsa") == ""
    assert book.residual_mg == 0


def test_a_loan_without_a_request_is_told():
    book = _agreed()
    assert _do(book, "lend", sample="rest", borrower="museum", due="2030") == ""
    loan = {
        "sample": "lot",
        "borrower": "Dust Institute",
        "request": "q",
        "date": "2022-05-10",
        "due": "2023-05-09",
    }
    assert _do(book, "lend", **loan) == ""
    assert book.findings() == ("rest: lent to museum without a request on record",)


@pytest.mark.soak
def test_a_hundred_thousand_actions_lose_no_milligram():
    luck, book, name = random.Random(5), _received(), "ce5"
    for number in range(100_000):
        if not book.pieces:
            assert _do(book, "receive", sample=f"n{number}", mass_mg=10**9, store="s", use="research") == ""
        name = luck.choice(list(book.pieces)) if number % 50 == 0 else name
        name = name if name in book.pieces else next(iter(book.pieces))
        piece = book.pieces[name]
        cut = luck.randint(0, piece.mass_mg)
        action = {"do": luck.choice(["split", "lend", "return", "move"]), "sample": name, "store": "s",
                  "borrower": "b", "due": "2030", "mass_mg": cut, "consumed_mg": luck.choice([0, 1])}  # fmt: skip
        action["loss_mg"] = piece.mass_mg - cut - action["consumed_mg"]
        if action["do"] == "split":
            action |= {"loss_mg": luck.choice([0, 1])}
            rest = piece.mass_mg - cut - action["loss_mg"]
            action["parts"] = [{"sample": f"{number}a", "mass_mg": cut}, {"sample": f"{number}b", "mass_mg": rest}]
        book.apply(action)
        if number % 1000 == 0:
            assert book.residual_mg == 0
    assert book.residual_mg == 0
    assert len(book.log) > 1000


junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.lists(st.integers(), max_size=2)
)


@given(
    st.sampled_from(sorted(ACTIONS)),
    st.dictionaries(
        st.sampled_from(["sample", "mass_mg", "date", "due", "request", "investigator", "reviewer", "verdict",
                         "parts", "store", "use", "borrower", "holidays", "loss_mg", "consumed_mg"]),
        junk | st.sampled_from(["ce5", "lot", "q", "2022-06-01", 5, WHO, EXPERT])),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_no_malformed_action_raises_or_loses_mass(do, fields):
    book = _agreed()
    before = copy.deepcopy(book.to_rows())
    refusal = book.apply({"do": do, **fields})
    assert book.residual_mg == 0
    assert not refusal or book.to_rows() == before


# ---------------------------------------------------------------- the round


def test_a_late_agreement_or_a_conflict_changes_the_round():
    plan, tables = load_plan("ilrs"), bundled_round()
    lent = [row for row in tables["requests"] if row["verdicts"].count("approve") > 1]
    late = copy.deepcopy(tables)
    name, mass = lent[0]["id"], lent[0]["mass_mg"]
    next(row for row in late["requests"] if row["id"] == name)["agreed"] = "2022-05-03"
    found = replay_round(plan, late)
    assert (found.investigators, found.lent_mg) == (17, 8768 - mass)
    assert "10 working days" in found.refused[0][1]
    assert found.custody.residual_mg == 0


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda t: t["parts_mg"].update(permanent=1), ModelError),
        (lambda t: t["round"].pop("due"), DataError),
        (lambda t: t.pop("requests"), DataError),
        (lambda t: t["requests"][0].pop("verdicts"), DataError),
        (lambda t: t["round"].update(sample="ce9"), UnknownNameError),
    ],
)
def test_rounds_that_cannot_be_played(change, kind):
    tables = bundled_round()
    change(tables)
    with pytest.raises(kind):
        replay_round(load_plan("ilrs"), tables)


def test_a_round_without_a_readable_date_lends_nothing_and_says_why():
    tables = bundled_round()
    tables["round"]["asked"] = "soon"
    found = replay_round(load_plan("ilrs"), tables)
    assert (found.applications, found.lent_mg) == (0, 0)
    assert "not a date" in found.refused[0][1]


def test_a_round_lends_in_order_until_the_research_part_is_used_up():
    tables = bundled_round()
    parts = {"permanent": 1_376_000, "backup": 331_000, "research": 4_000, "public": 20_000}
    found = replay_round(load_plan("ilrs"), {**tables, "parts_mg": parts})
    stock = found.custody
    assert 0 < found.lent_mg <= 4_000
    assert stock.residual_mg == 0
    left = sum(piece.mass_mg for piece in stock.pieces.values() if piece.use == "research" and not piece.loan)
    assert found.lent_mg + left == 4_000
    short = [why for what, why in found.refused if "of ce5-sample-research are left" in why]
    assert len(short) + found.investigators == 18
