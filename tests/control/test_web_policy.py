"""Who may do what, as a table: the package's own policy on the bundled plan."""

from __future__ import annotations

import pytest

from moonpost.control.policy import ACTIONS, Policy
from moonpost.control.users import User
from moonpost.errors import DataError, UnknownNameError
from moonpost.plan import load_plan

# survey-rover is Roscosmos's and ce7-rover CNSA's, each on a bus of its own; reactor is Roscosmos's on the bus of
# the station, which CNSA and Roscosmos approve; south-africa owns nothing.
PEOPLE = {
    "wang": User("wang", "cnsa", frozenset({"operator"})),
    "zhao": User("zhao", "cnsa", frozenset({"approver"})),
    "ivanov": User("ivanov", "roscosmos", frozenset({"operator", "approver"})),
    "petrova": User("petrova", "roscosmos", frozenset({"scientist"})),
    "naidoo": User("naidoo", "south-africa", frozenset({"operator", "approver"})),
    "office": User("office", "cnsa", frozenset({"programme"})),
    "root": User("root", "cnsa", frozenset({"admin"})),
    "nothing": User("nothing", "cnsa", frozenset()),
}
STATION: dict[str, object] = {}
TABLE = [
    # who, action, what, expected
    ("wang", "telemetry.read", "station.stored_wh", True),
    ("naidoo", "telemetry.read", "station.stored_wh", True),
    ("naidoo", "telemetry.read", "sky.sun_elevation_deg", True),
    ("naidoo", "telemetry.read", "mast-2.5m.light_fraction", True),
    ("naidoo", "telemetry.read", "reactor.element_supply_w", True),
    ("nothing", "telemetry.read", "station.stored_wh", True),
    ("wang", "telemetry.read", "ce7-rover.load_w", True),
    ("ivanov", "telemetry.read", "ce7-rover.load_w", False),
    ("wang", "telemetry.read", "survey-rover.load_w", False),
    ("zhao", "telemetry.read", "survey-rover.load_w", True),  # CNSA has to approve hazardous commands to it
    ("ivanov", "telemetry.read", "assembly-rover.load_w", True),
    ("naidoo", "telemetry.read", "survey-rover.load_w", False),
    ("office", "telemetry.read", "survey-rover.load_w", False),
    ("petrova", "telemetry.read", "survey-rover.load_w", True),
    ("root", "telemetry.read", "survey-rover.load_w", True),
    ("wang", "telemetry.read", "no-such-machine.load_w", False),
    ("root", "telemetry.read", "no-such-machine.load_w", True),
    ("wang", "timeline.read", {"element": "survey-rover"}, False),
    ("office", "timeline.read", STATION, True),
    ("petrova", "timeline.edit", {"element": "survey-rover"}, True),
    ("petrova", "timeline.edit", {"element": "ce7-rover"}, False),
    ("zhao", "timeline.edit", STATION, False),
    ("wang", "alarm.acknowledge", {"element": "reactor"}, True),
    ("wang", "alarm.acknowledge", {"element": "survey-rover"}, False),
    ("petrova", "alarm.acknowledge", {"element": "survey-rover"}, False),
    ("wang", "command.request", {"element": "ce7-rover", "significance": "routine"}, True),
    ("ivanov", "command.request", {"element": "ce7-rover", "significance": "routine"}, False),
    ("wang", "command.request", {"element": "reactor", "significance": "hazardous"}, True),
    ("naidoo", "command.request", {"element": "reactor", "significance": "routine"}, False),
    ("naidoo", "command.request", STATION, False),
    ("petrova", "command.request", {"element": "survey-rover"}, False),
    ("root", "command.request", {"element": "ce7-rover"}, False),
    ("zhao", "command.request", {"element": "ce7-rover"}, False),
    ("zhao", "command.approve", {"element": "ce7-rover", "requester": "wang"}, True),
    ("zhao", "command.approve", {"element": "survey-rover", "requester": "petrov"}, True),
    ("wang", "command.approve", {"element": "ce7-rover", "requester": "zhao"}, False),
    ("ivanov", "command.approve", {"element": "reactor", "requester": "wang"}, True),
    ("ivanov", "command.approve", {"element": "reactor", "requester": "ivanov"}, False),
    ("ivanov", "command.approve", {"element": "ce7-rover", "requester": "wang"}, False),
    ("naidoo", "command.approve", {"element": "reactor", "requester": "wang"}, False),
    ("root", "command.approve", {"element": "reactor", "requester": "wang"}, False),
    ("wang", "command.release", {"element": "ce7-rover"}, True),
    ("naidoo", "command.release", {"element": "ce7-rover"}, False),
    ("wang", "audit.read", STATION, True),
    ("wang", "audit.read", {"element": "survey-rover"}, False),
    ("office", "audit.read", {"element": "survey-rover"}, True),
    ("petrova", "audit.read", STATION, False),
    ("wang", "clock.set", STATION, True),
    ("petrova", "clock.set", STATION, False),
    ("root", "user.manage", STATION, True),
    ("wang", "user.manage", STATION, False),
]


@pytest.fixture(scope="module")
def plan():
    return load_plan("ilrs")


@pytest.fixture(scope="module")
def policy(plan):
    return Policy.default(plan)


@pytest.mark.parametrize(("who", "action", "what", "expected"), TABLE)
def test_the_policy_says(policy, who, action, what, expected):
    resource = policy.channel(what) if isinstance(what, str) else what
    decision = policy.allowed(PEOPLE[who], action, resource)
    assert decision.allowed is expected, decision.reason
    assert decision.reason


def test_the_table_has_a_yes_and_a_no_of_every_action():
    for action in set(ACTIONS) - {"telemetry.read"}:
        assert {row[3] for row in TABLE if row[1] == action} == {True, False}, action


def test_an_agreement_lends_a_machine(policy):
    naidoo = PEOPLE["naidoo"]
    lent = policy.element("survey-rover", partners=["south-africa"])
    assert lent["partners"] == ("roscosmos", "south-africa")
    assert policy.allowed(naidoo, "command.request", lent).allowed
    assert policy.allowed(naidoo, "telemetry.read", lent).allowed
    assert not policy.allowed(naidoo, "command.request", policy.element("survey-rover")).allowed


def test_what_is_not_permitted_says_so_and_what_is_names_its_rule(policy):
    refused = policy.allowed(PEOPLE["wang"], "user.manage")
    assert refused.reason == "no rule permits user.manage to this user"
    own = policy.allowed(PEOPLE["ivanov"], "command.approve", {"element": "reactor", "requester": "ivanov"})
    assert own.reason == "nobody approves what he or she asked for"
    with pytest.raises(UnknownNameError, match="unknown action"):
        policy.allowed(PEOPLE["wang"], "telemetry.write")


def test_names_that_look_like_policy_are_names(policy):
    odd = User('x"; permit(principal, action, resource); //', "cnsa\n\u2028", frozenset({"operator"}))
    assert not policy.allowed(odd, "user.manage").allowed
    assert not policy.allowed(odd, "telemetry.read", {"element": 'reactor" || true || "'}).allowed


def test_readable_keeps_the_order_and_hides_the_rest(policy):
    keys = ["survey-rover.load_w", "station.load_w", "ce7-rover.load_w", "sky.sun_elevation_deg"]
    assert policy.readable(PEOPLE["wang"], keys) == tuple(keys[1:])


def test_the_file_in_the_folder_counts(tmp_path, plan):
    file = tmp_path / "policy.cedar"
    Policy.open(file, plan)
    text = file.read_text()
    assert "// Who may do what in mission control." in text
    file.write_text(text + '\nforbid (principal == User::"wang", action, resource);\n')
    changed = Policy.open(file, plan)
    assert not changed.allowed(PEOPLE["wang"], "telemetry.read", changed.channel("station.load_w")).allowed
    assert changed.allowed(PEOPLE["zhao"], "telemetry.read", changed.channel("station.load_w")).allowed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no rule"),
        ("// nothing\n", "holds no rule"),
        ("permit (principal, action", "unexpected end of input"),
        ('permit (principal, action == Action::"telemetry.red", resource);', "telemetry.red"),
        ('@id("by color") permit (principal, action, resource) when { resource.color };', "by color: .*color"),
        ("permit (principal, action, resource) when { principal.partner == 3 };", "policy"),
    ],
)
def test_a_faulty_file_is_refused_in_one_line(tmp_path, plan, text, told):
    file = tmp_path / "policy.cedar"
    file.write_text(text)
    with pytest.raises(DataError, match=told) as stop:
        Policy.open(file, plan)
    assert str(file) in str(stop.value)
    assert "\n" not in str(stop.value)


def test_a_file_that_is_no_text_is_refused(tmp_path, plan):
    file = tmp_path / "policy.cedar"
    file.write_bytes(b"\xff\xfe\x00permit")
    with pytest.raises(DataError, match="cannot be read as text"):
        Policy.open(file, plan)


def test_ten_thousand_decisions_take_less_than_a_second(policy):
    import time

    keys = [f"survey-rover.c{row}" for row in range(10_000)]
    began = time.perf_counter()
    assert policy.readable(PEOPLE["petrova"], keys) == tuple(keys)
    assert time.perf_counter() - began < 1.0
