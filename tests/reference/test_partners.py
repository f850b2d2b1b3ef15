"""The agreement of two governments, the call for Chang'e 8 and the sample round of 2022, against their records."""

import pytest

from moonpost.partners import agreement_state
from moonpost.partners.sampleround import replay_round
from moonpost.partners.samples import milligrams
from moonpost.plan import load_plan
from moonpost.plan.partners import Agreement
from moonpost.study.callreplay import replay_call

RECORD = "IGA record: signed 2022-11-25, decree 303 of 2024-03-15, Duma 2024-05-28, law published 2024-06-12"


def iga():
    """Typed from the record, not from the bundled plan."""
    cited = {"source": RECORD, "confidence": "B"}
    steps = [
        {"party": "china", "state": "signed", "date": "2022-11-25", **cited},
        {"party": "russia", "state": "signed", "date": "2022-11-25", **cited},
        {"party": "russia", "state": "ratified", "date": "2024-06-12", "text": "federal law published", **cited},
    ]
    parties = ("china", "russia")
    return Agreement(id="iga", name="IGA", parties=parties, requires=("signed", "ratified"), steps=steps, **cited)


def test_before_anything():
    standing = agreement_state(iga(), "2022-11-24")
    assert [party.state for party in standing.parties] == ["draft", "draft"]


def test_not_in_force_for_russia_before_its_law_is_published():
    for day in ("2022-11-25", "2024-03-15", "2024-05-28", "2024-06-05", "2024-06-11"):
        china, russia = agreement_state(iga(), day).parties
        assert (china.state, russia.state) == ("signed", "signed"), day
        assert not russia.in_force
        assert russia.missing == ("ratified",)


def test_in_force_for_russia_only_after_it():
    standing = agreement_state(iga(), "2024-06-12")
    china, russia = standing.parties
    assert russia.in_force
    assert russia.since == "2024-06-12"
    assert not china.in_force
    assert not standing.in_force


def test_the_chinese_step_that_was_not_found_is_missing():
    assert agreement_state(iga()).missing == ("china: ratified",)


def test_the_bundled_plan_says_the_same():
    bundled = load_plan("ilrs").row("agreements", "intergovernmental-agreement")
    assert agreement_state(bundled, "2024-06-11").missing == ("cnsa: ratified", "roscosmos: ratified")
    assert agreement_state(bundled, "2024-06-12").missing == ("cnsa: ratified",)
    assert not agreement_state(bundled).in_force


# ---------------------------------------------------------------- calls and samples
# Typed from the programme record, not from the bundled plan: call for Chang'e 8 payloads (CNSA, opened 2023-10-02,
# letters until 2023-12-31; announced 2025-04-24: 10 of 41 proposals, 14 short-listed, 200 kg in all, 100 kg each).

CALL = {
    "opened": "2023-10-02", "letters_due": "2023-12-31", "selection_planned": "2024-09", "announced": "2025-04-24",
    "proposals": 41, "short_listed": 14, "chosen": 10, "payload_total_kg": 200.0, "payload_each_kg": 100.0,
}  # fmt: skip


def test_the_bundled_call_is_the_published_one():
    row = load_plan("ilrs").row("calls", "ce8-call")
    assert {name: getattr(row, name) for name in CALL} == CALL


def test_the_call_for_change_8_ends_with_ten_of_41_and_200_kg():
    """Counts and masses are published and exact: no tolerance. Who was chosen was not published: proposals,
    reviewers and scores are synthetic, so that the rules are tested, not the choice. The announcement came 206
    days after the last of September 2024, counted by hand: 31 + 30 + 31 + 31 + 28 + 31 + 24."""
    found = replay_call(load_plan("ilrs"), "ce8-call", years=0.25)
    assert all(row.synthetic for row in found.state.proposals)
    assert (found.obtained["proposals"], found.obtained["short_listed"], found.obtained["chosen"]) == (41, 14, 10)
    assert found.obtained["payload_total_kg"] == 200.0
    assert found.obtained["payload_each_kg"] <= 100.0
    assert found.selection.proved
    assert sum(row.mass_kg for row in found.state.allocations.values()) == pytest.approx(200.0, abs=1e-9)
    assert (found.state.selected, found.state.announced) == ("2024-09", "2025-04-24")
    assert found.state.findings() == ("announced 206 days after the selection was planned",)
    assert found.refused == ()


def test_the_sample_round_of_april_2022_lends_8768_mg():
    """37 applications, 18 investigators, 11 institutes, 8.768 g (CNSA, April 2022): exact. Requests and the
    verdicts on them are synthetic; that the grants add up to the published mass comes from how they were made."""
    found = replay_round(load_plan("ilrs"))
    assert (found.applications, found.investigators, found.institutes) == (37, 18, 11)
    assert found.lent_mg == 8768
    assert found.custody.received_mg == 1_731_000
    assert found.custody.residual_mg == 0
    turned_down = [row for row in found.custody.requests.values() if row.state == "turned down"]
    assert len(turned_down) == 37 - 18
    assert {row.agreed for row in found.custody.requests.values() if row.agreed} == {"2022-04-29"}


def test_the_mass_of_change_5_is_the_published_one():
    """1,731 g (CNSA) and 1,935.3 g of Chang'e 6, to the milligram."""
    assert {row.id: milligrams(row.mass_g) for row in load_plan("ilrs").samples} == {
        "ce5-sample": 1_731_000,
        "ce6-sample": 1_935_300,
    }
