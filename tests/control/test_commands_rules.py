"""Who may command and approve by plan and ledger, and what the look ahead forbids."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.control.commands import CommandRefusedError, Rules, StationWatch, lending_record
from moonpost.control.commands.hazards import losses
from moonpost.control.commands.inserts import time_tagged, true_ticks
from moonpost.control.commands.machine import (
    Approve,
    Dropped,
    Grounds,
    Reject,
    Release,
    Reported,
    Sent,
    Tick,
    Withdraw,
    is_dropped,
    step,
)
from moonpost.control.commands.model import ENDED, STATES, Command, digest_of, same_person
from moonpost.control.packets.telecommands import encode_command
from moonpost.control.users import User
from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.partners.ledger import Ledger, new_key

sys.path.insert(0, str(Path(__file__).parent))
from commands_bench import EVERYONE, PLAN, STACK, START_US, Bench


@pytest.fixture
def ledger(tmp_path):
    keys = {partner.id: new_key(partner.id) for partner in PLAN.partners}
    place = str(tmp_path / "partners.sqlite")
    with Ledger.begin(place, PLAN, keys) as made:
        yield SimpleNamespace(place=place, keys=keys, book=made)


def test_the_plan_says_who(tmp_path):
    rules = Rules(PLAN, EVERYONE.get)
    founders = {"cnsa", "roscosmos"}
    assert rules.parties("reactor") == ("roscosmos", "cnsa")
    assert rules.commanders(["reactor"]) == {"roscosmos"}
    assert rules.commanders(["reactor", "ce7-rover"]) == frozenset()
    assert rules.commanders(["*"]) == founders
    assert rules.commanders(["*", "reactor"]) == {"roscosmos"}
    assert rules.commanders([]) == frozenset()
    assert rules.needed(["reactor"], "roscosmos", "important") == frozenset()
    assert rules.needed(["reactor"], "egypt", "hazardous") == founders
    assert rules.needed(["ce7-rover", "luna-26"], "cnsa", "hazardous") == founders
    with pytest.raises(UnknownNameError):
        rules.parties("nothing")
    with pytest.raises(InputError):
        Rules(PLAN, EVERYONE.get, approval_s=float("nan"))


def test_an_owner_lends_the_command_and_takes_it_back(ledger):
    rules = Rules(PLAN, EVERYONE.get, ledger=ledger.place)
    at = START_US
    assert rules.commanders(["ce7-rover"], at) == {"cnsa"}
    lend = lending_record("ce7-rover", "egypt", start="2036", until="2036-06")
    ledger.book.append(ledger.keys["roscosmos"], "record", lend)  # not its owner's to lend
    assert rules.commanders(["ce7-rover"], at) == {"cnsa"}
    ledger.book.append(ledger.keys["cnsa"], "record", lend)
    assert rules.commanders(["ce7-rover"], at) == {"cnsa", "egypt"}
    later = int(np.datetime64("2036-07-01", "us").astype(np.int64))
    assert rules.commanders(["ce7-rover"], later) == {"cnsa"}
    assert rules.needed(["ce7-rover"], "egypt", "hazardous") == {"cnsa"}
    ledger.book.append(ledger.keys["cnsa"], "record", lending_record("ce7-rover", "egypt", ends=True))
    assert rules.commanders(["ce7-rover"], at) == {"cnsa"}


def test_a_loan_has_to_last_until_the_command_is_carried_out(ledger, tmp_path):
    lend = lending_record("ce7-rover", "egypt", start="2036", until="2036-01-10", agreement="")
    ledger.book.append(ledger.keys["cnsa"], "record", lend)
    day = 86_400 * 10**6
    with Bench(tmp_path / "bench", ledger=ledger.place) as bench:
        desk = bench.commanding
        late = desk.request("amr", "ce7-rover.load", {"fraction": 0.5}, at=bench.now() + np.timedelta64(20, "D"))
        assert late.reasons == ("egypt may not command ce7-rover until then; cnsa may",)
        packet = encode_command(STACK, "ce7-rover.load", {"fraction": 0.5}, 7)
        outside = time_tagged(STACK, packet, true_ticks(START_US + 20 * day), 8)
        assert desk.receive(outside, "amr").reasons == late.reasons
        soon = desk.request("amr", "ce7-rover.load", {"fraction": 0.5}, at=bench.now() + np.timedelta64(5, "D"))
        assert soon.state == "approved"
        back = lending_record("ce7-rover", "egypt", ends=True)
        ledger.book.append(ledger.keys["cnsa"], "record", back)
        with pytest.raises(CommandRefusedError, match="egypt may not release it; cnsa may"):
            desk.release("amr", soon.id)
        assert bench.uplinked == []


def test_a_loan_under_an_agreement_counts_while_that_is_in_force(ledger):
    rules = Rules(PLAN, EVERYONE.get, ledger=ledger.place)
    lend = lending_record("ce7-rover", "roscosmos", agreement="memorandum")
    ledger.book.append(ledger.keys["cnsa"], "record", lend)
    assert rules.commanders(["ce7-rover"], START_US) == {"cnsa"}
    for party in ("cnsa", "roscosmos"):
        body = {"agreement": "memorandum", "state": "signed", "date": "2021-03-09", "source": "a test"}
        ledger.book.append(ledger.keys[party], "step", body)
    assert rules.commanders(["ce7-rover"], START_US) == {"cnsa", "roscosmos"}
    for data in (1, {"place": 1}, {"place": "elements[ce7-rover]", "partner": "nobody", "ends": False}):
        ledger.book.append(ledger.keys["cnsa"], "record", {"topic": "command-authority", "data": data})
    assert rules.commanders(["ce7-rover"], START_US) == {"cnsa", "roscosmos"}


def test_a_change_of_owner_in_force_counts_before_the_plan(ledger, tmp_path):
    with Bench(tmp_path / "bench", ledger=ledger.place) as bench:
        command = bench.commanding.request("li", "ce7-rover.stow", {})
        command = bench.commanding.approve("wu", command.id, command.digest)
        place = "elements[ce7-rover]"
        owned = [{"place": place, "owner": "egypt", "approvers": []}]
        body = {"change": "sold", "title": "To Egypt", "touches": [place], "owned": owned}
        ledger.book.append(ledger.keys["egypt"], "propose", body)
        for party in ("cnsa", "egypt"):
            assert bench.rules.commanders(["ce7-rover"]) == {"cnsa"}
            ledger.book.append(ledger.keys[party], "consent", {"change": "sold"})
        assert bench.rules.commanders(["ce7-rover"]) == {"egypt"}
        with pytest.raises(CommandRefusedError, match="cnsa may not release it; egypt may"):
            bench.commanding.release("li", command.id)
        assert bench.uplinked == []


def test_a_ledger_that_is_not_sound_lets_nobody_command(ledger):
    rules = Rules(PLAN, EVERYONE.get, ledger=ledger.place)
    assert rules.commanders(["ce7-rover"])
    path = Path(ledger.place)
    path.write_bytes(path.read_bytes().replace(b"roscosmos", b"roscosmoz", 3))
    with pytest.raises(DataError):
        rules.commanders(["ce7-rover"])


def test_names_that_differ_in_case_and_width_are_one_person():
    assert same_person("li", "LI")
    assert same_person("li", "\uff4ci ")
    assert not same_person("li", "liu")


def _simulation(hours: int = 96, **more):
    """A small simulation made by hand: one store, a rover, a machine for communications."""
    import xarray as xr

    time = np.datetime64("2036-01-01", "ms") + np.arange(hours) * np.timedelta64(1, "h")
    ones = np.ones((2, hours))
    given = {"stored": np.full((1, hours), 0.5), "works": ones.copy(), "served": ones * 5.0} | more
    series = xr.Dataset(
        {
            "stored_fraction": (("bus", "time"), given["stored"]),
            "usable_wh": (("bus", "time"), np.full((1, hours), 100.0)),
            "element_working": (("element", "time"), given["works"]),
            "element_load_w": (("element", "time"), ones * 5.0),
            "element_served_w": (("element", "time"), given["served"]),
        },
        coords={"time": time, "bus": ["station"], "element": ["ce7-rover", "station-communications"]},
        attrs={"step_s": 3600.0},
    )
    return SimpleNamespace(series=series, events=given.get("events", ()))


SINCE = np.datetime64("2036-01-02", "us")


def changed(name: str, row: int, start: int, stop: int, value: float):
    whole = np.ones((2, 96)) * (5.0 if name == "served" else 1.0)
    if name == "stored":
        whole = np.full((1, 96), 0.5)
    whole[row, start:stop] = value
    return _simulation(**{name: whole})


def event(subject: str, kind: str, when: str, **data):
    return SimpleNamespace(subject=subject, kind=kind, time=np.datetime64(when, "ms"), text="told", data=data)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (_simulation(), []),
        (
            _simulation(events=(event("ce7-rover", "machine-lost", "2036-01-03T04:00"),)),
            ["ce7-rover would be lost on 2036-01-03 04:00 UTC: told"],
        ),
        (changed("stored", 0, 50, 54, 0.0), ["the store of station would be empty on 2036-01-03 02:00 UTC"]),
        (
            changed("served", 1, 60, 70, 4.0),
            ["station-communications, which is essential, would lack power on 2036-01-03 12:00 UTC"],
        ),
        (changed("served", 0, 60, 70, 4.0), []),
        (changed("works", 0, 30, 90, 0.0), []),
        (changed("works", 0, 30, 96, 0.0), ["ce7-rover would not work again from 2036-01-02 05:00 UTC"]),
        (
            changed("works", 1, 30, 96, 0.0),
            [
                "station-communications would not work again",
                "the station would be silent from 2036-01-02 05:00 UTC",
            ],
        ),
        (
            _simulation(
                events=(
                    event("station-communications", "command", "2036-01-02T06:00", quantity="contact", value=0.0),
                )
            ),
            ["the station would be silent from 2036-01-02 05:00 UTC on, with no way back"],
        ),
        (
            _simulation(
                events=(
                    event("station-communications", "command", "2036-01-02T06:00", quantity="contact", value=0.0),
                    event("station-communications", "command", "2036-01-02T09:00", quantity="contact", value=1.0),
                )
            ),
            [],
        ),
    ],
)
def test_what_a_command_would_lose_is_named_with_its_date(after, said):
    plan = PLAN.model_copy(
        update={
            "elements": tuple(
                one.model_copy(update={"priority": 1 if one.id == "station-communications" else 6})
                for one in PLAN.elements
            )
        }
    )
    found = losses(_simulation(), after, plan, SINCE)
    assert len(found) == len(said), found
    for one, begins in zip(found, said, strict=True):
        assert one.startswith(begins)
    assert losses(after, after, plan, SINCE) == ()


def test_contact_is_looked_at_where_the_packet_arrives():
    day = np.datetime64("2036-01-01", "us")

    def watch(way: str) -> StationWatch:
        spells = ((0, 3600, "direct"), (7200, 9999, way))
        second = np.timedelta64(1, "s")
        windows = tuple(
            SimpleNamespace(start=day + a * second, stop=day + b * second, way=w) for a, b, w in spells
        )

        def arrival(at: np.datetime64) -> np.datetime64 | None:
            came = at + np.timedelta64(1_300, "ms")
            if any(one.start <= came < one.stop for one in windows):
                return came
            return next((one.start for one in windows if one.way != "direct" and one.start > at), None)

        return StationWatch(SimpleNamespace(contacts=windows, arrival=arrival))

    direct, relayed = watch("direct"), watch("queqiao-2")
    assert direct.contact(START_US) == ""
    assert direct.contact(START_US + 3_598_000_000) == ""
    assert direct.contact(START_US + 3_599_000_000).endswith("the next contact begins 2036-01-01 02:00 UTC")
    assert relayed.contact(START_US + 3_599_000_000) == ""
    assert relayed.arrival_us(START_US + 3_599_000_000) == START_US + 7_200_000_000
    assert direct.arrival_us(START_US + 3_599_000_000) is None
    (why,) = direct.forbids(b"", START_US + 10**11)
    assert why.startswith("it would never arrive")
    assert direct.contact(START_US + 10**11).endswith("no contact is left in the span")


OCTETS = b"octets of a packet"
PEOPLE = {**EVERYONE, "LI": User("LI", "cnsa", frozenset({"operator", "approver"}))}
NAMES = st.sampled_from([*PEOPLE, "nobody"])
WALL = st.floats(0.0, 3000.0)
EVENTS = st.lists(
    st.one_of(
        st.builds(Approve, NAMES, st.sampled_from([digest_of(OCTETS), "00"]), WALL),
        st.builds(Reject, NAMES, WALL),
        st.builds(Withdraw, NAMES, WALL),
        st.builds(Release, NAMES, WALL, st.just(0), st.just(10**9)),
        st.builds(Sent, WALL, st.just(0)),
        st.builds(Dropped, WALL, st.just(0), st.just("too late"), st.sampled_from(["failed", "timed-out"])),
        st.builds(
            Reported,
            st.sampled_from(["accepted", "started", "progress", "completed", "failed"]),
            WALL,
            st.integers(0, 3),
            st.booleans(),
        ),
        st.builds(Tick, WALL, st.sampled_from([0, 10**9, 10**10])),
    ),
    max_size=12,
)
RANKS = {name: rank for rank, name in enumerate(("released", "accepted", "started", "completed"))}


@given(EVENTS)
def test_steps_are_pure_and_never_go_back(events):
    command = Command(
        "1", "off", {}, OCTETS, digest_of(OCTETS), "hazardous", ("reactor",), "ivan", "roscosmos", (), ("cnsa",)
    )
    grounds = Grounds(frozenset({"roscosmos"}), frozenset({"cnsa"}), PEOPLE)
    releases = 0
    for one in events:
        done = step(command, one, grounds)
        assert step(command, one, grounds) == done
        after = done.command
        assert after.state in STATES
        assert (after.octets, after.digest, after.requester) == (OCTETS, command.digest, "ivan")
        assert after.stages[: len(command.stages)] == command.stages
        if command.state in ENDED and not (is_dropped(command) and isinstance(one, Reported)):
            assert after.state == command.state
        if command.state in RANKS and after.state in RANKS:
            assert RANKS[after.state] >= RANKS[command.state]
        if done.effects:
            releases += 1
            assert {one.partner for one in after.approvals} == {"cnsa"}
        command = after
    assert releases <= 1
