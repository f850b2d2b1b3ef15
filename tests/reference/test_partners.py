"""The agreement of two governments on the station, against its dated record."""

from moonpost.partners import agreement_state
from moonpost.plan import load_plan
from moonpost.plan.partners import Agreement

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
