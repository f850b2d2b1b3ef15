"""``moonpost sample``: in, split, moved, lent, back, and what is refused."""

from __future__ import annotations

import json

import pytest

from moonpost.partners.ledger import Ledger, new_key, save_key
from moonpost.plan import load_plan

_MADE: list[bytes] = []


@pytest.fixture
def record(cli, tmp_path):
    place = tmp_path / "samples.jsonl"
    if _MADE:
        place.write_bytes(_MADE[0])
        return place
    steps = [
        ("receive", place, "ce5", "--mass-g", "1731", "--store", "main", "--date", "2020-12-19"),
        ("split", place, "ce5", "--part", "keep=1481:permanent", "--part", "copy=150:backup:other",
         "--part", "work=99.999:research", "--loss-g", "0.001", "--date", "2021-01-10"),
        ("request", place, "q1", "--investigator", "A. Example;Dust Institute;X", "--sample", "ce5",
         "--mass-g", "0.4", "--date", "2022-03-01"),
        ("review", place, "q1", "--reviewer", "B. Example;Academy;X", "--verdict", "approve",
         "--date", "2022-04-01"),
        ("grant", place, "q1", "--mass-g", "0.4", "--date", "2022-04-15"),
        ("agree", place, "q1", "--date", "2022-04-29"),
        ("split", place, "work", "--part", "lot=0.4", "--part", "rest=99.599", "--date", "2022-05-01"),
        ("lend", place, "lot", "--borrower", "Dust Institute", "--request", "q1", "--date", "2022-05-10",
         "--due", "2023-05-09"),
    ]  # fmt: skip
    for words in steps:
        run = cli("sample", *words)
        assert run.code == 0, run.err
    _MADE.append(place.read_bytes())
    return place


def test_every_milligram_is_somewhere(cli, record):
    found = json.loads(cli("sample", "list", record, "--on", "2023-05-10", "--json").out)
    assert (found["received_mg"], found["kept_mg"], found["lent_mg"], found["lost_mg"]) == (
        1_731_000,
        1_730_999,
        400,
        1,
    )
    assert found["residual_mg"] == 0
    assert found["stores_mg"] == {"main": 1_580_999, "other": 150_000}
    assert found["overdue"] == ["lot"]
    assert json.loads(cli("sample", "list", record, "--on", "2023-05-09", "--json").out)["overdue"] == []
    assert cli("sample", "extend", record, "lot", "--due", "2024-05-09", "--date", "2023-05-01").code == 0
    assert cli("sample", "return", record, "lot", "--mass-g", "0.3", "--consumed-g", "0.1",
               "--date", "2024-05-01").code == 0  # fmt: skip
    text = cli("sample", "list", record, "--on", "2025").out
    assert "1731.000 g received = 1730.899 g kept, of which 0.000 g lent, + 0.100 g used up + 0.001 g lost" in text
    assert cli("sample", "move", record, "rest", "--store", "third").code == 0
    traced = cli("sample", "trace", record, "lot").out
    assert traced.startswith("lot < work < ce5")
    assert "to Dust Institute until 2023-05-09" in traced


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("split", "rest", "--part", "a=1", "--part", "b=98.598"), "the piece 99599 mg"),
        (("split", "rest", "--part", "a=0.0005"), "whole milligrams"),
        (("split", "rest", "--part", "a"), "ID=GRAMS"),
        (("split", "rest", "--part", "a=99.599:sale"), "use is none of"),
        (("move", "lot", "--store", "x"), "is lent"),
        (("lend", "keep", "--borrower", "b", "--due", "2030"), "not lent"),
        (("lend", "rest", "--borrower", "b", "--due", "soon"), "not a date"),
        (("return", "lot", "--mass-g", "0.5"), "not the 400 mg lent"),
        (("return", "lot", "--mass-g", "nan"), "nan"),
        (("receive", "ce5", "--mass-g", "1", "--store", "s"), "used as a name"),
        (("receive", "", "--mass-g", "1", "--store", "s"), "sample is no text"),
        (("receive", "x", "--mass-g", "-1", "--store", "s"), "above zero"),
        (
            ("request", "q2", "--investigator", "A;B", "--sample", "ce5", "--mass-g", "1", "--date", "2022"),
            "NAME;INST",
        ),
        (("agree", "q1", "--date", "2022-05-30"), "was agreed"),
        (("trace", "nothing"), "nothing"),
    ],
)
def test_what_is_refused_ends_in_one_line_and_changes_nothing(cli, record, words, told):
    before = record.read_bytes()
    run = cli("sample", words[0], record, *words[1:])
    assert run.code == 2
    assert told in run.err
    assert run.err.count("\n") == 1
    assert record.read_bytes() == before


def test_agreements_come_in_ten_working_days(cli, record):
    words = ("--investigator", "C;Other;X", "--sample", "ce5", "--mass-g", "1", "--date", "2022-03-01")
    assert cli("sample", "request", record, "q2", *words).code == 0
    assert "no review" in cli("sample", "grant", record, "q2", "--mass-g", "1", "--date", "2022-04-15").err
    cli(
        "sample",
        "review",
        record,
        "q2",
        "--reviewer",
        "B;Academy;X",
        "--verdict",
        "approve",
        "--date",
        "2022-04-01",
    )
    granted = cli("sample", "grant", record, "q2", "--mass-g", "1", "--date", "2022-04-15")
    assert "by 2022-04-29" in granted.out
    assert "after 2022-04-29" in cli("sample", "agree", record, "q2", "--date", "2022-05-02").err
    assert "not agreed by 2022-04-29" in cli("sample", "list", record, "--on", "2022-05-02").out
    done = cli("sample", "agree", record, "q2", "--date", "2022-05-02", "--holiday", "2022-04-25")
    assert done.code == 0


def test_the_round_is_kept_as_a_record(cli, tmp_path):
    place = tmp_path / "round.jsonl"
    run = cli("sample", "replay", "--record", place)
    assert "37 applications, 18 investigators of 11 institutes" in run.out
    assert "8.768 g lent of 1731.000 g" in run.out
    found = json.loads(cli("sample", "list", place, "--json").out)
    assert (found["lent_mg"], found["residual_mg"], found["faults"]) == (8768, 0, [])
    assert cli("sample", "replay", "--record", place).code == 2


def test_samples_in_the_ledger_are_signed(cli, tmp_path):
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    place = tmp_path / "l.db"
    with Ledger.begin(str(place), plan, keys):
        pass
    words = ("sample", "receive", place, "ce5", "--mass-g", "1731", "--store", "main")
    assert "--key" in cli(*words).err
    path = save_key(keys["cnsa"], tmp_path / "keys")
    assert cli(*words, "--key", path).code == 0
    assert json.loads(cli("sample", "list", place, "--json").out)["kept_mg"] == 1_731_000
    assert cli("ledger", "verify", place).code == 0
