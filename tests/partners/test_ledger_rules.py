"""What agreements and changes may do in a ledger, against rules written down a second time here."""

from __future__ import annotations

import copy
import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.partners import agreement_state
from moonpost.partners.agreements import agreed
from moonpost.partners.ledger import (
    Ledger,
    baseline_of,
    change_request,
    departures,
    genesis_body,
    new_key,
    proof_message,
)
from moonpost.partners.ledger.rules import KINDS
from moonpost.plan import with_number

PARTIES = ("cnsa", "roscosmos", "venezuela", "egypt")
FOUNDERS = frozenset({"cnsa", "roscosmos"})
PLACES = ("elements[reactor]", "elements[ce8-lander]", "elements[yutu-2]", "elements[mast]")
STEPS = ("signed", "ratified")


def _pact(rule, leaving="consent", days=0, parties=PARTIES, requires=STEPS):
    row = {"id": "pact", "parties": list(parties), "requires": list(requires), "rule": rule}
    return {**row, "leaving": leaving, **({"notice_days": days} if days else {})}


# --------------------------------------------------------------------------------------------- agreements

_steps = [(party, "step", step, day) for party in PARTIES for step, day in (("signed", 90), ("ratified", 200))]
_events = st.builds(
    lambda first, later: [*first, *later],
    st.permutations(_steps),
    st.lists(
        st.tuples(
            st.sampled_from(PARTIES),
            st.sampled_from(("step", "retract")),
            st.sampled_from(STEPS),
            st.sampled_from((50, 150, 250, 400)),
        ),
        max_size=8,
    ),
).flatmap(
    lambda rows: st.integers(1, len(rows)).flatmap(
        lambda n: st.permutations(rows[-n:]).map(lambda end: rows[:-n] + end)
    )
)


def _day(number):
    return (dt.date(2025, 1, 1) + dt.timedelta(days=number)).isoformat()


def _enough(rule, standing):
    """The three rules, in other words than the program's."""
    done = {party for party in PARTIES if all((party, step) in standing for step in STEPS)}
    return {
        "consensus": len(done) == len(PARTIES),
        "majority": len(done) >= len(PARTIES) // 2 + 1,
        "founders": all(party in done for party in FOUNDERS),
    }[rule]


@pytest.mark.parametrize("rule", ["consensus", "majority", "founders"])
@given(events=_events, leaving=st.sampled_from(("consent", "notice")))
@settings(max_examples=80, deadline=None)
def test_agreements_come_into_force_by_their_rule_and_leave_it_by_no_other(begun, say, rule, leaving, events):
    state = begun([_pact(rule, leaving, 30 if leaving == "notice" else 0)])
    agreement, standing, reached = state.agreements["pact"], set(), False
    for number, (party, kind, step, day) in enumerate(events, start=1):
        before = copy.deepcopy(agreement.steps)
        body = {"agreement": "pact", "state": step, "date": _day(day), "source": "made up"}
        refusal = say(state, number, party, kind, body, "2026-06-01T00:00:00Z")
        for other in PARTIES:
            if other != party or refusal:
                assert agreement.steps.get(other, {}) == before.get(other, {}), "a step is its party's own"
        if not refusal:
            (standing.add if kind == "step" else standing.discard)((party, step))
        assert agreement.in_force(FOUNDERS) == _enough(rule, standing)
        if reached and leaving == "consent":
            assert agreement.in_force(FOUNDERS), "what is in force ended without the rule that allows it"
        reached = reached or agreement.in_force(FOUNDERS)


@given(events=_events, day=st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_the_state_on_a_day_is_that_of_the_steps_taken_by_then(begun, say, events, day):
    state = begun([_pact("consensus")])
    taken = {}
    for number, (party, kind, step, at) in enumerate(events, start=1):
        body = {"agreement": "pact", "state": step, "date": _day(at), "source": "made up"}
        if not say(state, number, party, kind, body):
            if kind == "step":
                taken[(party, step, at)] = None
            else:
                open_ = next(key for key, end in taken.items() if key[:2] == (party, step) and end is None)
                taken[open_] = at
    found = state.agreements["pact"].standing("pact", FOUNDERS, _day(day))
    for row in found.parties:
        standing = {
            step
            for (party, step, at), end in taken.items()
            if party == row.party and at <= day and (end is None or end > day)
        }
        assert set(row.missing) == set(STEPS) - standing
        assert row.in_force == (not row.missing)


def test_notice_counts_from_its_writing_and_holds_until_it_ends(begun, say):
    state = begun([_pact("consensus", "notice", 365, ("cnsa", "roscosmos"), ("signed",))])
    for number, party in enumerate(("cnsa", "roscosmos"), start=1):
        body = {"agreement": "pact", "state": "signed", "date": "2025-01-01", "source": "act"}
        assert not say(state, number, party, "step", body)
    back = {"agreement": "pact", "state": "signed", "date": "2025-02-01", "source": "letter"}
    assert not say(state, 3, "cnsa", "retract", back, "2026-03-01T12:00:00Z")
    pact = state.agreements["pact"]
    assert pact.standing("pact", FOUNDERS, "2027-02-28").in_force, "a notice dated back ends nothing earlier"
    assert not pact.standing("pact", FOUNDERS, "2027-03-01").in_force
    assert not say(state, 4, "roscosmos", "retract", back, "2026-03-02T12:00:00Z")
    assert pact.standing("pact", FOUNDERS, "2026-12-31").in_force, "the other has to give notice too"


def test_all_parties_together_end_an_agreement(begun, say):
    state = begun([_pact("consensus", parties=("cnsa", "egypt"), requires=("signed",))])
    for number, party in enumerate(("cnsa", "egypt"), start=1):
        body = {"agreement": "pact", "state": "signed", "date": "2025-01-01", "source": "act"}
        assert not say(state, number, party, "step", body)
    back = {"agreement": "pact", "state": "signed", "date": "2026-01-01", "source": "letter"}
    assert "in force: propose to end it" in say(state, 3, "cnsa", "retract", back)
    ask = {"change": "end", "title": "End it", "touches": ["elements[yutu-2]"], "ends": "pact"}
    assert "does not touch agreements[pact]" in say(state, 3, "cnsa", "propose", ask)
    ask["touches"] = ["agreements[pact]"]
    assert not say(state, 3, "venezuela", "propose", ask)
    assert state.changes["end"].needed == {"cnsa", "egypt"}
    assert not say(state, 4, "cnsa", "consent", {"change": "end"})
    assert state.agreements["pact"].in_force(FOUNDERS)
    assert not say(state, 5, "egypt", "consent", {"change": "end"}, "2026-05-05T10:00:00Z")
    pact = state.agreements["pact"]
    assert not pact.in_force(FOUNDERS)
    assert pact.standing("pact", FOUNDERS, "2026-05-04").in_force
    assert pact.standing("pact", FOUNDERS, "2026-05-05").ended == "2026-05-05"
    late = "2026-05-06T00:00:00Z"
    assert "ended on" in say(state, 6, "cnsa", "step", {**back, "state": "ratified"}, late)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"parties": ["cnsa"]}, "a party is unknown"),
        ({"parties": ["cnsa", "cnsa"]}, "stands twice"),
        ({"parties": ["cnsa", "nasa"]}, "a party is unknown"),
        ({"parties": "cnsa"}, "no list"),
        ({"requires": ["draft"]}, "unknown steps"),
        ({"requires": ["signed", "approved"]}, "unknown steps"),
        ({"rule": "unanimity"}, "unknown rule"),
        ({"rule": "founders", "parties": ["egypt", "venezuela"]}, "no founder"),
        ({"leaving": "never"}, "neither consent nor notice"),
        ({"leaving": "notice"}, "belongs to leaving by notice"),
        ({"notice_days": 30}, "belongs to leaving by notice"),
        ({"leaving": "notice", "notice_days": -1}, "no number of days"),
        ({"leaving": "notice", "notice_days": True}, "no number of days"),
        ({"leaving": "notice", "notice_days": 10**9}, "no number of days"),
        ({"name": 5}, "no text"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused(begun, say, change, reason):
    assert reason in say(begun(), 1, "cnsa", "agreement", {**_pact("consensus"), **change})


def test_dates_that_run_backwards_are_refused(begun, say):
    state = begun([_pact("consensus")])
    body = {"agreement": "pact", "state": "ratified", "date": "2024-06", "source": "law"}
    assert not say(state, 1, "cnsa", "step", body)
    assert "run backwards" in say(state, 2, "cnsa", "step", {**body, "state": "signed", "date": "2024-07-01"})
    assert not say(state, 2, "cnsa", "step", {**body, "state": "signed", "date": "2024-06-30"})
    assert "dated before" in say(state, 3, "cnsa", "retract", {**body, "date": "2024-05"})
    for date in ("soon", "2024-13", "2024-02-30", "0000", 2024, None):
        assert say(state, 3, "egypt", "step", {**body, "date": date})


def test_rules_of_a_plan_are_given_at_the_beginning(small_plan, party_keys):
    public = {party: key.public for party, key in party_keys.items()}
    body = genesis_body(small_plan, public, {"intergovernmental-agreement": "founders"})
    assert body["agreements"][0]["rule"] == "founders"
    with pytest.raises(InputError, match="unknown rule"):
        genesis_body(small_plan, public, {"intergovernmental-agreement": "veto"})
    with pytest.raises(UnknownNameError):
        genesis_body(small_plan, public, {"treaty": "majority"})
    with pytest.raises(InputError, match="unknown rule"):
        agreed("veto", PARTIES, ())


def test_the_rules_hold_for_the_agreements_of_a_plan_too(small_plan):
    agreement = small_plan.agreements[0].model_copy(update={"parties": PARTIES})
    assert not agreement_state(agreement).in_force
    for rule in ("majority", "founders"):
        assert not agreement_state(agreement, rule=rule, founders=FOUNDERS).in_force
    alone = agreement_state(agreement, rule="founders", founders=("roscosmos",))
    assert (alone.in_force, alone.since) == (True, "2024-06-12")


# ------------------------------------------------------------------------------------------------ changes


def _meeting(seed):
    """What is said in a meeting: proposals first, then rounds of consents with other things in between."""
    chance = random.Random(seed)
    names = "abcd"[: chance.randint(2, 4)]
    places = (PLACES[:1], PLACES[:1], PLACES[1:2], PLACES[:2], PLACES[3:])

    def ask():
        owner = chance.choice((None, *PARTIES))
        return ("propose", chance.choice(PARTIES), chance.choice(names), chance.choice(places), owner)

    said = [ask() for _ in names]
    for _ in range(chance.randint(1, 9)):
        said.append(chance.choice((ask(), ("repeal", chance.choice(PARTIES), *chance.choices(names, k=2)))))
        name = chance.choice(names)
        round_ = chance.sample(PARTIES, chance.randint(2, 4)) * 2
        said += [(chance.choice(("consent", "consent", "consent", "refuse")), party, name) for party in round_]
        if chance.random() < 0.3:
            said.append(("withdraw", chance.choice(PARTIES), name))
    return said


_said = st.integers(0, 2**32).map(_meeting)


class Minutes:
    """Who owns what and who wants what, kept by hand."""

    def __init__(self, owned):
        self.owners = {place: set(names) for place, names in owned.items()}
        self.asked, self.willing, self.places, self.gives, self.undoes, self.old = {}, {}, {}, {}, {}, {}
        self.force, self.over = set(), set()

    def propose(self, name, places, new_owner):
        self.places[name], self.willing[name] = places, set()
        self.gives[name] = {place: {new_owner} for place in places} if new_owner else {}
        self.asked[name] = self._owners(name) | ({new_owner} if new_owner else set())

    def repeal(self, name, other):
        self.propose(name, self.places[other], None)
        self.asked[name] |= self.asked[other]
        self.undoes[name] = other

    def _owners(self, name):
        return set().union(*(self.owners.get(place, set(FOUNDERS)) for place in self.places[name]))

    def consent(self, name, party):
        """Which changes end with this consent."""
        self.willing[name].add(party)
        gone = set()
        if self.willing[name] >= self.asked[name]:
            self.force.add(name)
            if name in self.undoes:
                gone = {self.undoes[name]}
                self._give(self.old[self.undoes[name]])
            self.old[name] = {place: self.owners.get(place) for place in self.gives[name]}
            self._give(self.gives[name])
            self.force -= gone
            self.over |= gone | {name}
            for other in self.asked.keys() - self.over:
                self.asked[other] |= self._owners(other)
        return gone

    def _give(self, owners):
        for place, names in owners.items():
            if names:
                self.owners[place] = names
            else:
                self.owners.pop(place, None)


def _heard(state, minutes, said, before, after):
    """Write what was taken in into the minutes, and hold the outcome against them."""
    kind, party, name, *more = said
    moved = {known for known in after if before.get(known) != after[known]}
    if kind == "propose":
        minutes.propose(name, more[0], more[1])
    elif kind == "repeal":
        assert before[more[0]] == "in-force", "only what is in force can be repealed"
        minutes.repeal(name, more[0])
    elif kind == "consent":
        assert party in minutes.asked[name], "nobody consents who is not asked"
        gone = minutes.consent(name, party)
        assert moved == ({name} if name in minutes.force else set()) | gone
        assert all(after[other] == "repealed" for other in gone)
    elif kind == "refuse":
        minutes.willing[name].discard(party)
    else:
        assert before[name] == "pending", "what is in force is not withdrawn"
        assert state.changes[name].proposer == party
        minutes.over.add(name)
    assert kind == "consent" or moved == (set() if kind == "refuse" else {name})


@given(_said)
@settings(max_examples=200, deadline=None)
def test_no_change_takes_effect_without_all_consents_in_any_order(begun, say, events):
    """Consents, refusals, withdrawals, new owners and repeals in any order, against minutes kept by hand."""
    state = begun()
    minutes = Minutes(state.owned)
    for number, said in enumerate(events, start=1):
        kind, party, name, *more = said
        body = {"change": name, "title": "t"}
        if kind == "propose":
            body["touches"] = list(more[0])
            if more[1]:
                body["owned"] = [{"place": place, "owner": more[1], "approvers": []} for place in more[0]]
        elif kind == "repeal":
            touched = state.changes[more[0]].body["touches"] if more[0] in state.changes else [PLACES[0]]
            body |= {"repeals": more[0], "touches": touched}
        before = {known: change.status for known, change in state.changes.items()}
        refusal = say(state, number, party, "propose" if kind == "repeal" else kind, body)
        after = {known: change.status for known, change in state.changes.items()}
        if refusal:
            assert before == after
            continue
        _heard(state, minutes, said, before, after)
        for known, change in state.changes.items():
            assert (change.status == "in-force") == (known in minutes.force)
        assert {place: set(names) for place, names in state.owned.items()} == minutes.owners


def test_nobody_takes_a_place_without_its_owner(begun, say):
    """A proposal that touches a place of one's own and gives itself another's."""
    state = begun()
    steal = {"change": "c", "title": "t", "touches": ["elements[yutu-2]"],
             "owned": [{"place": "elements[reactor]", "owner": "venezuela", "approvers": []}]}  # fmt: skip
    assert "does not touch it" in say(state, 1, "venezuela", "propose", steal)
    steal["touches"].append("elements[reactor]")
    assert not say(state, 1, "venezuela", "propose", steal)
    assert {"cnsa", "roscosmos", "venezuela"} <= state.changes["c"].needed


def test_a_new_owner_is_asked_about_what_is_pending(begun, say):
    state = begun()
    touches = ["elements[yutu-2]"]
    assert not say(state, 1, "cnsa", "propose", {"change": "paint", "title": "t", "touches": touches})
    needed = sorted(state.changes["paint"].needed)
    give = [{"place": "elements[yutu-2]", "owner": "egypt", "approvers": []}]
    assert not say(
        state, 2, "cnsa", "propose", {"change": "give", "title": "t", "touches": touches, "owned": give}
    )
    for number, party in enumerate(sorted(state.changes["give"].needed), start=3):
        assert not say(state, number, party, "consent", {"change": "give"})
    assert state.owned["elements[yutu-2]"] == ("egypt",)
    for number, party in enumerate(needed, start=9):
        assert not say(state, number, party, "consent", {"change": "paint"})
    assert state.changes["paint"].waiting == ("egypt",)
    assert not say(state, 12, "egypt", "consent", {"change": "paint"})
    assert state.changes["paint"].status == "in-force"


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"touches": ["elements[reactor]", "elements[reactor]"]}, "stands twice"),
        ({"touches": "elements[reactor]"}, "no list"),
        ({"touches": [["elements[reactor]"]]}, "no list"),
        ({"touches": ["agreements[nothing]"]}, "unknown agreement"),
        ({"owned": {}}, "no list of tables"),
        ({"owned": [{}]}, "place is missing"),
        ({"owned": [{"place": "elements[reactor]", "owner": "nasa", "approvers": []}]}, "no party"),
        ({"owned": [{"place": "elements[reactor]", "owner": "cnsa", "approvers": "roscosmos"}]}, "no list"),
        ({"owned": [{"place": "elements[reactor]", "owner": "cnsa", "approvers": [], "baseline": "x"}]}, "in was"),
        ({"owned": [{"place": "elements[reactor]", "removed": 1}]}, "neither true nor false"),
        ({"owned": [{"place": "elements[reactor]", "removed": True, "owner": "cnsa"}]}, "no owner"),
        ({"owned": 2 * [{"place": "elements[reactor]", "removed": True}]}, "stands twice"),
        ({"set": [{"place": "elements[yutu-2]"}]}, "does not touch"),
        ({"repeals": "nothing"}, "no change nothing"),
        ({"ends": "nothing"}, "does not touch"),
        ({"public": "00" * 32}, "propose-key"),
        ({"title": ""}, "title is missing"),
        ({"title": None}, "title is missing"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(begun, say, part, reason):
    state = begun()
    before = copy.deepcopy(state)
    body = {"change": "c", "title": "t", "touches": ["elements[reactor]"], **part}
    assert reason in say(state, 1, "cnsa", "propose", body)
    assert state == before


_FIELDS = (
    *(
        "change",
        "title",
        "touches",
        "owned",
        "set",
        "repeals",
        "ends",
        "id",
        "parties",
        "requires",
        "rule",
        "state",
    ),
    *(
        "agreement",
        "date",
        "source",
        "party",
        "public",
        "proof",
        "role",
        "topic",
        "data",
        "leaving",
        "notice_days",
    ),
)


@given(
    st.dictionaries(
        st.sampled_from(_FIELDS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from((*PARTIES, *PLACES)),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=6,
    ),
    st.sampled_from((*KINDS, "wish", "")),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_an_entry_says_it_is_taken_in_or_refused_whole(begun, say, body, kind):
    state = begun()
    before = copy.deepcopy(state)
    if say(state, 1, "cnsa", kind, body):
        assert state == before


# --------------------------------------------------------------------------------------------------- keys


def _key_request(state, party, change, **more):
    fresh = new_key(party)
    proof = fresh.sign(proof_message(state.ledger, party, fresh.public))
    return fresh, {"change": change, "party": party, "public": fresh.public, "proof": proof, **more}


def test_one_key_does_not_become_that_of_two_parties(begun, say):
    state = begun()
    fresh, body = _key_request(state, "egypt", "one")
    proof = fresh.sign(proof_message(state.ledger, "venezuela", fresh.public))
    other = {**body, "change": "two", "party": "venezuela", "proof": proof}
    assert not say(state, 1, "cnsa", "propose-key", body)
    assert not say(state, 2, "cnsa", "propose-key", other)
    for number, party in enumerate(("cnsa", "roscosmos"), start=3):
        assert not say(state, number, party, "consent", {"change": "one"})
    assert "used already" in say(state, 5, "cnsa", "consent", {"change": "two"})


def test_a_lost_key_needs_more_than_half_of_the_others_as_they_are_then(begun, say):
    state = begun()
    _, lost = _key_request(state, "egypt", "lost")
    assert not say(state, 1, "cnsa", "propose-key", lost)
    assert state.changes["lost"].quorum == 2
    for number, name in enumerate(("serbia", "belarus"), start=2):
        _, body = _key_request(state, name, name, role="member")
        assert not say(state, number, "egypt", "propose-key", body)
        assert state.changes[name].needed == FOUNDERS
        for party in FOUNDERS:
            assert not say(state, number, party, "consent", {"change": name})
    assert state.changes["lost"].quorum == 3
    for party in FOUNDERS:
        assert not say(state, 8, party, "consent", {"change": "lost"})
    assert state.changes["lost"].status == "pending"
    assert "not asked" in say(state, 9, "egypt", "consent", {"change": "lost"})
    assert not say(state, 9, "serbia", "consent", {"change": "lost"})
    assert state.changes["lost"].status == "in-force"


def test_a_party_that_joined_is_not_joined_again(begun, say):
    state = begun()
    _, one = _key_request(state, "serbia", "one", role="member")
    _, two = _key_request(state, "serbia", "two", role="founder")
    for body in (one, two):
        assert not say(state, 1, "cnsa", "propose-key", body)
    for party in sorted(FOUNDERS):
        assert not say(state, 2, party, "consent", {"change": "one"})
    assert "is a party already" in say(state, 3, "cnsa", "consent", {"change": "two"})
    assert state.roles["serbia"] == "member"


# ---------------------------------------------------------------------------------------------- baselines


def test_a_plan_is_held_against_what_was_agreed(small_plan, party_keys, tmp_path):
    wanted = with_number(small_plan, "elements.reactor.life_years", 12.0)
    with Ledger.begin(str(tmp_path / "a.db"), small_plan, party_keys) as ledger:
        assert departures(ledger.state(), small_plan) == ()
        assert [row.place for row in departures(ledger.state(), wanted)] == ["elements[reactor]"]
        body = change_request(small_plan, wanted, "longer", "Two more years")
        assert body["touches"] == ["elements[reactor]"]
        ledger.append(party_keys["egypt"], "propose", body)
        for party in sorted(ledger.state().changes["longer"].needed):
            assert departures(ledger.state(), wanted) != ()
            ledger.append(party_keys[party], "consent", {"change": "longer"})
        assert departures(ledger.state(), wanted) == ()
        assert [row.kind for row in departures(ledger.state(), small_plan)] == ["changed"]
        undo = {"change": "undo", "title": "u", "touches": body["touches"], "repeals": "longer"}
        ledger.append(party_keys["egypt"], "propose", undo)
        for party in sorted(ledger.state().changes["undo"].needed):
            ledger.append(party_keys[party], "consent", {"change": "undo"})
        assert departures(ledger.state(), small_plan) == ()
        assert ledger.state().changes["longer"].status == "repealed"


def test_two_changes_of_one_baseline_do_not_both_take_effect(small_plan, party_keys, tmp_path):
    with Ledger.begin(str(tmp_path / "a.db"), small_plan, party_keys) as ledger:
        for name, years in (("one", 12.0), ("two", 15.0)):
            wanted = with_number(small_plan, "elements.reactor.life_years", years)
            ledger.append(party_keys["cnsa"], "propose", change_request(small_plan, wanted, name, "t"))
        needed = sorted(ledger.state().changes["one"].needed)
        ledger.append(party_keys[needed[0]], "consent", {"change": "two"})
        for party in needed:
            ledger.append(party_keys[party], "consent", {"change": "one"})
        with pytest.raises(ModelError, match="has changed since"):
            ledger.append(party_keys[needed[1]], "consent", {"change": "two"})


def test_a_change_touches_what_depends_on_it(small_plan):
    late = small_plan.model_copy(
        update={"missions": (small_plan.missions[0].model_copy(update={"launch": "2031"}),)}
    )
    assert change_request(small_plan, late, "late", "t")["touches"] == ["missions[ce8]", "elements[ce8-lander]"]
    lander = small_plan.element("ce8-lander")
    heavy = lander.model_copy(update={"mass_kg": 1234.5})
    others = tuple(row for row in small_plan.elements if row.id != "ce8-lander")
    heavier = small_plan.model_copy(update={"elements": (*others, heavy)})
    assert change_request(small_plan, heavier, "heavy", "t")["touches"] == [
        "elements[ce8-lander]",
        "missions[ce8]",
    ]
    without = small_plan.model_copy(update={"elements": others})
    body = change_request(small_plan, without, "less", "t")
    assert body["owned"] == [{"place": "elements[ce8-lander]", "removed": True, "was": baseline_of(lander)}]
    with pytest.raises(InputError, match="no mission or element differs"):
        change_request(small_plan, small_plan, "none", "t")


# ------------------------------------------------------------------------------------------------ samples


def test_a_sample_is_moved_and_lent_by_its_keeper_alone(begun, say):
    state = begun()

    def does(number, party, **data):
        return say(state, number, party, "record", {"topic": "sample", "data": data})

    got = {"do": "receive", "sample": "ce5", "mass_mg": 1_731_000, "store": "main", "use": "permanent"}
    assert not does(1, "cnsa", **got, date="2020-12-19")
    parts = [{"sample": "ce5-a", "mass_mg": 1000}, {"sample": "ce5-b", "mass_mg": 1_730_000}]
    cut = {"do": "split", "sample": "ce5", "parts": parts, "date": "2021-01-01"}
    assert "does not keep it, cnsa does" in does(2, "egypt", **cut)
    assert not does(2, "cnsa", **cut)
    before = copy.deepcopy(state)
    for move in (
        {"do": "move", "sample": "ce5-a", "store": "egypt"},
        {"do": "split", "sample": "ce5-b", "parts": parts[:1]},
        {"do": "return", "sample": "ce5-a", "mass_mg": 1},
    ):
        assert "does not keep it, cnsa does" in does(3, "egypt", **move, date="2021-02-01")
    assert state == before
    assert not does(3, "cnsa", do="move", sample="ce5-a", store="backup", date="2021-02-01")
    assert sum(piece.mass_mg for piece in state.custody.pieces.values()) == 1_731_000
