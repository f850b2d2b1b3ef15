"""Screening of proposals on their host, and the replay of a call on inputs that were changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moonpost.errors import DataError, InputError, ModelError, UnknownNameError
from moonpost.partners.callterms import CallTerms, call_terms
from moonpost.partners.proposals import Letter, Person, Proposal
from moonpost.plan import load_plan
from moonpost.study.callreplay import bundled_submissions, read_submissions, replay_call
from moonpost.study.callscreening import call_host, host_offer, screen_proposals, screen_together
from moonpost.study.guest import Guest, guest_fits

LEAD = Person("A. Example", "Institute of Dust", "Utopia")
PLACE = {"site": "connecting-ridge", "years": 0.25, "start": "2030-02-01"}


def ask(mass_kg=5.0, name="one", **changes):
    return Proposal(name, "Payload", LEAD, mass_kg, **changes)


@pytest.fixture(scope="module")
def terms():
    return call_terms(load_plan("ilrs"), "ce8-call")


@pytest.fixture(scope="module")
def place(terms):
    return call_host("ilrs", terms, **PLACE)


def screen(place, terms, row, **options):
    return screen_proposals(place, terms, [row], **({"downlink_bit_s": 1e6, "contact_share": 0.5} | options))[0]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mass_kg": 201.0}, "mass"),
        ({"mass_kg": 100.001}, "mass"),
        ({"day_w": 2000.0}, "power by day"),
        ({"night_w": 300.0}, "power by night"),
        ({"bit_day": 1e13}, "data"),
        ({"view": "earth:0.95"}, "view of the Earth"),
        ({"view": "sky:0"}, "view of the sky"),
        ({"survive_min_k": 200.0, "inside": False}, "cold"),
        ({"latitude_min_deg": -30.0}, "location, south limit"),
        ({"sites": ("ce5-site",)}, "location"),
    ],
)
def test_each_thing_can_decide(place, terms, changes, what):
    found = screen(place, terms, replace(ask(), **changes))
    assert found.fits is False
    assert found.decides.what == what
    assert what in found.sentence


def test_what_fits_says_so_and_what_cannot_be_told_says_what(place, terms):
    assert screen(place, terms, ask(100.0)).fits is True
    unknown = screen(place, terms, ask(bit_day=1e6), downlink_bit_s=None)
    assert unknown.fits is None
    assert unknown.decides.what == "data"
    assert unknown.to_step("c", "2024-01-01")["fits"] is None


def test_energy_by_night_is_power_through_the_longest_dark(place, terms):
    found = {check.what: check for check in screen(place, terms, ask(night_w=2.0)).checks}
    assert place.longest_dark_h > 24.0
    assert found["energy by night"].asked == pytest.approx(2.4 * place.longest_dark_h)
    assert found["energy by night"].available / found["power by night"].available == pytest.approx(
        place.longest_dark_h
    )


def test_many_are_screened_as_each_alone_by_design_guest(place, terms):
    """The shared host gives the same numbers as one guest at a time."""
    rows = [
        ask(5.0, "a", day_w=30.0),
        ask(5.0, "b", night_w=4.0, view="sun:0.3"),
        ask(5.0, "c", day_w=30.0, night_w=4.0),
    ]
    for row in rows:
        alone = guest_fits("ilrs", "ce8-lander", Guest(5.0, row.day_w, row.night_w, 0.0, row.view), **PLACE)
        both = {check.what: check for check in screen(place, terms, row).checks}
        for check in alone.checks[1:]:
            if check.what != "data":
                assert both[check.what] == check


def test_an_offer_is_borne_by_the_host(place, terms):
    offer = host_offer(place)
    one = ask(day_w=offer.day_w, night_w=offer.night_w)
    assert screen(place, terms, one).fits is True
    assert screen(place, terms, replace(one, day_w=offer.day_w + 1.0)).fits is False
    halves = [ask(50.0, name, day_w=offer.day_w / 2, night_w=offer.night_w / 2) for name in ("a", "b")]
    assert screen_together(place, terms, halves, contact_share=0.5, downlink_bit_s=1e6).fits is True
    assert screen_together(place, terms, [*halves, ask(101.0, "c")]).decides.what == "mass"
    with pytest.raises(InputError):
        host_offer(place, 1.5)


def test_a_host_is_found_or_asked_for():
    plan = load_plan("ilrs")
    terms = call_terms(plan, "ce7-call")
    with pytest.raises(ModelError, match="name the host"):
        call_host(plan, terms)
    with pytest.raises(UnknownNameError):
        call_host(plan, terms, host="nobody")
    with pytest.raises(ModelError, match="no lander"):
        call_host(plan, CallTerms("x", "2023", mission="nothing"))


# ---------------------------------------------------------------- replay on changed inputs


@pytest.fixture(scope="module")
def plan():
    return load_plan("ilrs")


def test_a_letter_a_day_late_is_refused_and_changes_nothing(plan):
    late = Letter(ask(1.0, "late"), "2024-01-01")
    on_time = Letter(ask(1.0, "early"), "2023-12-31")
    found = replay_call(plan, "ce8-call", more=[late, on_time], years=0.1)
    assert found.refused == (("late", "late came on 2024-01-01: letters were due on 2023-12-31"),)
    assert found.obtained["proposals"] == 42


def test_a_heavier_winner_changes_who_is_chosen(plan):
    """The same call with the rover at 62 instead of 61 kg: another set of ten, below 200 kg."""
    given = bundled_submissions()
    letters = tuple(
        replace(row, proposal=replace(row.proposal, mass_kg=62.0)) if row.proposal.id == "p07" else row
        for row in given.letters
    )
    before = replay_call(plan, "ce8-call", years=0.1)
    after = replay_call(plan, "ce8-call", replace(given, letters=letters), years=0.1)
    assert before.selection.mass_kg == 200.0
    assert after.selection.proved
    assert after.selection.mass_kg <= 200.0
    assert set(after.state.chosen) != set(before.state.chosen)
    assert after.selection.score < before.selection.score


def test_conflicts_take_reviewers_away(plan):
    strict = replay_call(plan, "ce8-call", conflicts=("own", "co-proposer", "institute", "country"), years=0.1)
    reviewers = strict.state.reviewers
    for review in strict.state.reviews:
        people = strict.state.letters[review.proposal].proposal.people
        assert reviewers[review.reviewer].country not in {person.country for person in people}
    few = replace(bundled_submissions(), reviewers={"r": Person("R", "I", "C")})
    with pytest.raises(ModelError, match="without a conflict"):
        replay_call(plan, "ce8-call", few, years=0.1)


def test_calls_without_dates_and_broken_files(plan, tmp_path):
    call = plan.row("calls", "ce8-call").model_copy(update={"letters_due": None})
    other = plan.model_copy(update={"calls": (call,)})
    with pytest.raises(ModelError, match="letters are due"):
        replay_call(other, "ce8-call")
    path = tmp_path / "s.toml"
    lead = "lead={name='a',institute='b',country='c'}"
    letter = f"[[proposals]]\nid='a'\ntitle='t'\nmass_kg=1\nreceived=2023-11-01\n{lead}\n"
    for text, why in [
        ("[merits]\nvalues={a=101}\n", "merit"),
        ("[merits]\nvalues=3\n", "cannot be read"),
        ("[[reviewers]]\nid='r'\n", "cannot be read"),
        ("[setting]\nplace='x'\n", "unknown setting"),
    ]:
        path.write_text(letter + text)
        with pytest.raises(DataError, match=why):
            read_submissions(path)
