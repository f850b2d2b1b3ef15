"""``moonpost call``: a small call from its opening to the allocation, and what is refused on the way."""

from __future__ import annotations

import json

import pytest

LEAD = 'lead = {{ name = "Lead {0}", institute = "Institute {0}", country = "Land {0}" }}\n'
_MADE: list[bytes] = []
SITE = ("--site", "connecting-ridge", "--years", "0.1")


@pytest.fixture
def letters(tmp_path):
    rows = [("a", 90.0), ("b", 99.0), ("c", 101.0), ("d", 11.0)]
    text = "".join(
        f'[[proposals]]\nid = "{name}"\ntitle = "Payload {name}"\nmass_kg = {mass}\nreceived = 2023-12-{10 + k}\n'
        + LEAD.format(name)
        for k, (name, mass) in enumerate(rows)
    )
    late = '[[proposals]]\nid = "late"\ntitle = "Late"\nmass_kg = 1\nreceived = 2024-01-01\n' + LEAD.format("late")
    (tmp_path / "letters.toml").write_text(text + late)
    return tmp_path / "letters.toml"


@pytest.fixture
def record(cli, tmp_path, letters):
    """A call with four letters of which three fit, reviewed by two."""
    place = tmp_path / "call.jsonl"
    if _MADE:
        place.write_bytes(_MADE[0])
        return place
    opened = cli(
        "call", "open", place, "ilrs", "ce8-call", "--reviews", 2, "--choose", 2, "--criterion", "merit=1"
    )
    assert opened.code == 0
    taken = cli("call", "letter", place, letters, "--json")
    assert taken.code == 1
    assert json.loads(taken.out)["refused"] == [
        {"proposal": "late", "why": "late came on 2024-01-01: letters were due on 2023-12-31"}
    ]
    found = cli("call", "screen", "ilrs", "ce8-call", "--record", place, "--date", "2024-01-05", *SITE)
    assert found.code == 0
    assert "3 of 4 fit ce8-lander at connecting-ridge" in found.out
    for name in ("r1", "r2"):
        done = cli("call", "reviewer", place, name, "--name", f"Rev {name}", "--institute", f"Academy {name}",
                   "--country", "Elsewhere")  # fmt: skip
        assert done.code == 0
    for proposal, points in (("a", 80), ("b", 90), ("d", 70)):
        for name in ("r1", "r2"):
            done = cli("call", "review", place, proposal, "--reviewer", name, "--score", f"merit={points}",
                       "--date", "2024-03-01")  # fmt: skip
            assert done.code == 0
    _MADE.append(place.read_bytes())
    return place


def test_a_call_goes_its_whole_way(cli, record):
    assert json.loads(cli("call", "assign", record, "--json").out)["a"] == ["r1", "r2"]
    ranks = json.loads(cli("call", "rank", record, "--json").out)
    assert [(row["proposal"], row["score"]) for row in ranks] == [("b", 90.0), ("a", 80.0), ("d", 70.0)]
    assert "3 on the short list: b, a, d" in cli("call", "shortlist", record, "--best", "--date", "2024-04-01").out
    found = json.loads(cli("call", "select", record, "--best", "--date", "2024-09-01", "--json").out)
    assert (found["chosen"], found["proved"], found["mass_kg"]) == (["b", "a"], True, 189.0)
    assert cli("call", "announce", record, "--date", "2025-04-24").code == 0
    given = cli("call", "allocate", record, "--date", "2025-05-01", "--row", "b:mass_kg=98.5,place=deck", "--json")
    assert json.loads(given.out)["mass_kg"] == 98.5
    assert (
        "188.5 kg allocated"
        in cli("call", "allocate", record, "--date", "2025-05-02", "--row", "a:mass_kg=90").out
    )
    shown = json.loads(cli("call", "show", record, "--json").out)
    assert shown["status"] == "allocated"
    assert {row["proposal"]: row["standing"] for row in shown["proposals"]} == {
        "a": "allocated", "b": "allocated", "c": "screened out", "d": "not chosen"}  # fmt: skip
    assert "mass: 101 kg asked, 100 there" in shown["proposals"][2]["decides"]
    assert cli("call", "withdraw", record, "b", "--date", "2025-06-01").code == 0
    assert cli("call", "select", record, "a", "d", "--date", "2025-07-01").code == 0
    audit = cli("call", "audit", record)
    assert audit.code == 0
    assert "announced 206 days after the selection was planned" in audit.out
    assert "nothing was written past the rules" in audit.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("select", "a", "b", "d", "--date", "2024-09-01"), "3 are more than 2"),
        (("select", "c", "--date", "2024-09-01"), "fewer than 2 reviews"),
        (("select", "a", "--best", "--date", "2024-09-01"), "a list or --best"),
        (("shortlist", "c", "--date", "2024-04-01"), "did not pass the screening"),
        (("shortlist", "--date", "2024-04-01"), "a list or --best"),
        (
            ("review", "a", "--reviewer", "r1", "--score", "merit=80", "--date", "2024-03-02"),
            "has reviewed a already",
        ),
        (("review", "a", "--reviewer", "r1", "--score", "merit=x", "--date", "2024-03-02"), "no whole number"),
        (("review", "a", "--reviewer", "r1", "--score", "merit", "--date", "2024-03-02"), "NAME=VALUE"),
        (("reviewer", "r3", "--name", "rev  R1", "--institute", "X", "--country", "Y"), "is a reviewer already"),
        (("announce", "--date", "2024-09-01"), "nothing is chosen"),
        (("allocate", "--date", "2024-09-01", "--row", "a:weight=3"), "mass_kg=60"),
        (("allocate", "--date", "2024-09-01", "--row", "a:mass_kg=nan"), "nan"),
        (("withdraw", "z", "--date", "2024-09-01"), "no proposal z"),
        (("show", "--call", "other"), "other"),
    ],
)
def test_what_is_refused_ends_in_one_line_and_changes_nothing(cli, record, words, told):
    before = record.read_bytes()
    run = cli("call", words[0], record, *words[1:])
    assert run.code == 2
    assert told in run.err
    assert run.err.count("\n") == 1
    assert record.read_bytes() == before


def test_a_reviewer_in_conflict_is_refused(cli, record):
    cli("call", "reviewer", record, "r9", "--name", "Someone", "--institute", "INSTITUTE A", "--country", "X")
    run = cli("call", "review", record, "a", "--reviewer", "r9", "--score", "merit=99", "--date", "2024-03-02")
    assert run.code == 2
    assert "conflict of interest with a: institute" in run.err


def test_screening_alone_names_the_number_that_decides(cli, letters):
    run = cli("call", "screen", "ilrs", "ce8-call", "--proposals", letters, *SITE, "--json")
    rows = json.loads(run.out)["proposals"]
    assert [row["fits"] for row in rows] == [True, True, False, True, True]
    assert rows[2]["sentence"] == "mass: 101 kg asked, 100 there"
    for words in ((), ("--proposals", letters, "--record", "x"), ("--proposals", letters, "--date", "2024")):
        assert cli("call", "screen", "ilrs", "ce8-call", *words).code == 2
    assert "name one with --site" in cli("call", "screen", "ilrs", "ce8-call", "--proposals", letters).err


def test_broken_records_and_names(cli, record, tmp_path):
    assert "no such record" in cli("call", "show", tmp_path / "none.jsonl").err
    record.write_bytes(record.read_bytes()[:-3])
    for verb in ("show", "audit", "rank"):
        run = cli("call", verb, record)
        assert run.code == 2
        assert "half written" in run.err
    assert cli("call", "open", tmp_path / "x.jsonl", "ilrs", "ce9-call").code == 2
    assert not (tmp_path / "x.jsonl").exists()


def test_the_replay_keeps_a_record_that_the_rules_allow(cli, tmp_path):
    place = tmp_path / "ce8.jsonl"
    run = cli("call", "replay", "--years", "0.1", "--record", place, "--json")
    found = json.loads(run.out)
    assert found["obtained"]["chosen"] == 10
    assert all(row["synthetic"] for row in found["proposals"])
    assert "nothing was written past the rules" in cli("call", "audit", place).out
    assert cli("call", "replay", "--record", place).code == 2
    assert "41 of 41 proposals are synthetic" in cli("call", "replay", "--years", "0.1").out


def test_two_calls_in_one_record_and_nothing_in_them(cli, tmp_path):
    place = tmp_path / "two.jsonl"
    for name in ("ce8-call", "ce7-call"):
        assert cli("call", "open", place, "ilrs", name).code == 0
    assert "name one with --call" in cli("call", "show", place).err
    words = (place, "--call", "ce8-call")
    assert "ce8-call: open" in cli("call", "show", *words).out
    assert "best set (proved): none" in cli("call", "select", *words).out
    assert json.loads(cli("call", "assign", *words, "--json").out) == {}
    assert json.loads(cli("call", "rank", *words, "--json").out) == []
    assert cli("call", "show", *words, "--plot", tmp_path / "empty.svg").code == 0
    assert "name it .png" in cli("call", "show", *words, "--plot", tmp_path / "empty.gif").err
    assert "no proposal to be screened" in cli("call", "screen", "ilrs", "ce8-call", "--record", place).err
    assert "nothing could be chosen" in cli("call", "replay", "ilrs", "ce7-call", "--years", "0.1").err
    assert "open already" in cli("call", "open", place, "ilrs", "ce8-call").err
    assert "unknown rule of conflict" in cli("call", "open", place, "ilrs", "ce8-call", "--conflict", "friend").err
    twice = cli("call", "open", tmp_path / "new", "ilrs", "ce8-call", "--criterion", "a=1", "--criterion", "a=2")
    assert (twice.code, "twice" in twice.err) == (2, True)
