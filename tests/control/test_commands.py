"""Commands from the request to their end, on a bench whose station only listens."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import text

from moonpost.control.commands import CommandRefusedError
from moonpost.control.commands.inserts import significance_of, time_tagged, true_ticks
from moonpost.control.commands.machine import Release, step
from moonpost.control.commands.model import digest_of
from moonpost.control.commands.stack import StackEntry
from moonpost.control.packets.telecommands import CommandLayout, decode_command, encode_command
from moonpost.control.users import User
from moonpost.errors import DataError, InputError, OutputError, UnknownNameError
from moonpost.partners.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent))
from commands_bench import COMPUTER, EVERYONE, STACK, START_US, Bench


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as made:
        yield made


def approved(bench, name="reactor.off", **more):
    command = bench.commanding.request("ivan", name, {}, **more)
    return bench.commanding.approve("wu", command.id, command.digest)


def test_routine_command_goes_up_and_is_verified(bench):
    command = bench.commanding.request("li", "ce7-rover.load", {"fraction": 0.5}, comment="dusk")
    assert (command.state, command.needed, command.owners) == ("approved", (), ("cnsa",))
    command = bench.commanding.release("li", command.id)
    assert (command.state, command.sent, bench.uplinked) == ("released", True, [command.octets])
    assert decode_command(STACK, command.octets).arguments == {"fraction": 0.5}
    for subservice, state in ((1, "accepted"), (3, "started"), (7, "completed")):
        bench.report(subservice, command.packets[0])
        assert bench.commanding.command(command.id).state == state
    stages = [one.state for one in bench.commanding.command(command.id).stages]
    assert stages == ["requested", "released", "sent", "accepted", "started", "completed"]


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("ivan", "who asked"),
        ("olga", "needs a person of cnsa"),
        ("amr", "needs a person of cnsa"),
        ("root", "no approver"),
        ("nobody", "unknown or disabled"),
    ],
)
def test_hazardous_command_needs_the_right_second_person(bench, who, why):
    command = bench.commanding.request("ivan", "reactor.off", {})
    assert (command.state, command.needed) == ("waiting", ("cnsa",))
    with pytest.raises(CommandRefusedError, match=why) as caught:
        bench.commanding.approve(who, command.id, command.digest)
    assert caught.value.forbidden
    with pytest.raises(CommandRefusedError, match="waits for approval"):
        bench.commanding.release("ivan", command.id)
    assert bench.uplinked == []


def test_own_machine_needs_another_person_of_its_owner(bench):
    command = bench.commanding.request("zhao", "ce7-rover.stow", {})
    assert command.needed == ("cnsa",)
    with pytest.raises(CommandRefusedError, match="who asked"):
        bench.commanding.approve("zhao", command.id, command.digest)
    assert bench.commanding.approve("li", command.id, command.digest).state == "approved"


def test_station_as_a_whole_needs_every_other_founder(bench):
    command = bench.commanding.request("li", "reset", {})
    assert (command.elements, command.needed) == (("*",), ("roscosmos",))
    assert bench.commanding.request("amr", "reset", {}).state == "refused"


def test_partner_without_authority_is_refused_with_the_reason(bench):
    command = bench.commanding.request("li", "reactor.on", {})
    assert command.state == "refused"
    assert command.reasons == ("cnsa may not command reactor; roscosmos may",)
    assert bench.commanding.request("wu", "ce7-rover.load", {"fraction": 0.1}).reasons == ("wu is no operator",)
    with pytest.raises(CommandRefusedError, match="it is refused"):
        bench.commanding.release("ivan", command.id)


def test_any_changed_bit_ends_the_approval(bench):
    command = approved(bench)
    grounds = bench.rules.grounds(command, ["ivan"], time_us=START_US)
    event = Release("ivan", bench.wall_s, START_US, START_US + 1)
    assert step(command, event, grounds).effects == ("uplink",)
    for bit in range(8 * len(command.octets)):
        octets = bytearray(command.octets)
        octets[bit // 8] ^= 1 << bit % 8
        changed = replace(command, octets=bytes(octets))
        assert step(changed, event, grounds).refusal == "its octets are not those that were asked for"
        changed = replace(changed, digest=digest_of(bytes(octets)))  # with the digest put right as well
        done = step(changed, event, grounds)
        assert (done.refusal, done.effects) == ("no approval of cnsa holds any more", ())
    with bench.database.write() as connection:
        connection.execute(text("update commands set octets = :o"), {"o": bytes(octets)})
    with pytest.raises(CommandRefusedError, match="not those that were asked for"):
        bench.commanding.release("ivan", command.id)
    assert bench.uplinked == []


def test_approval_names_the_digest_that_was_seen(bench):
    command = bench.commanding.request("ivan", "reactor.off", {})
    other = bench.commanding.request("ivan", "reactor.off", {})
    assert command.digest != other.digest
    for digest in ("", "00" * 32, other.digest, command.digest.upper()):
        with pytest.raises(CommandRefusedError, match="digest"):
            bench.commanding.approve("wu", command.id, digest)


def test_approval_expires_by_the_wall_and_at_release(bench):
    command = approved(bench)
    bench.wall_s += 899.0
    bench.commanding.tick()
    assert bench.commanding.command(command.id).state == "approved"
    bench.wall_s += 1.0
    with pytest.raises(CommandRefusedError, match="has expired"):
        bench.commanding.release("ivan", command.id)
    assert bench.commanding.command(command.id).state == "expired"
    second = approved(bench)
    bench.later(900.0)
    assert bench.commanding.command(second.id).state == "expired"
    assert bench.uplinked == []


@pytest.mark.parametrize("restarts", [False, True])
def test_a_wall_that_is_set_back_lengthens_no_approval(bench, restarts):
    command, spent = approved(bench), approved(bench)
    for _ in range(8):  # 100 s pass each time, and the wall is put back by as much
        bench.later(100.0)
        bench.wall_s -= 100.0
        if restarts:
            bench.again()
    assert bench.commanding.release("ivan", command.id).state == "released"
    bench.later(99.0)
    bench.wall_s -= 3600.0
    bench.commanding.tick()
    assert bench.commanding.command(spent.id).state == "approved"
    bench.steady_s += 1.0
    with pytest.raises(CommandRefusedError, match="has expired"):
        bench.commanding.release("ivan", spent.id)
    assert bench.uplinked == [command.octets]


def test_a_machine_that_was_off_and_set_back_goes_on_from_what_it_kept(bench):
    command = approved(bench)
    bench.later(600.0)
    bench.wall_s, bench.steady_s = bench.wall_s - 86_400.0, 5.0  # started anew, a day back
    bench.again()
    bench.later(290.0)
    assert bench.commanding.command(command.id).state == "approved"
    bench.later(10.0)
    assert bench.commanding.command(command.id).state == "expired"


def test_a_wall_that_was_ahead_is_followed_again_once_nothing_waits(bench):
    bench.wall_s += 86_400.0
    command = bench.commanding.request("ivan", "reactor.off", {})
    bench.wall_s -= 86_400.0
    assert bench.commanding.request("li", "reactor.on", {}).requested_wall_s == command.requested_wall_s
    bench.commanding.withdraw("ivan", command.id)
    bench.later(1.0)
    assert bench.commanding.request("li", "reactor.on", {}).requested_wall_s == bench.wall_s


@pytest.mark.parametrize(
    ("name", "now", "why"),
    [
        ("wu", None, "no approval of cnsa holds"),
        ("wu", User("wu", "cnsa", frozenset({"operator"})), "no approval of cnsa holds"),
        ("wu", User("wu", "egypt", frozenset({"approver"})), "no approval of cnsa holds"),
        ("ivan", None, "may no longer command"),
        ("ivan", User("ivan", "roscosmos", frozenset({"scientist"})), "may no longer command"),
        ("ivan", User("ivan", "egypt", frozenset({"operator"})), "may no longer command"),
    ],
)
def test_people_are_looked_at_again_at_release(bench, name, now, why):
    command = approved(bench)
    if now is None:
        del bench.people[name]
    else:
        bench.people[name] = now
    with pytest.raises(CommandRefusedError, match=why):
        bench.commanding.release("olga", command.id)
    assert bench.uplinked == []


def test_obstacles_keep_it_back_and_leave_it_approved(bench):
    command = approved(bench)
    for name, value in (("forbids", ("ce7-rover would be lost",)), ("no_contact", "out of contact")):
        before = getattr(bench, name)
        setattr(bench, name, value)
        with pytest.raises(CommandRefusedError):
            bench.commanding.release("ivan", command.id)
        setattr(bench, name, before)
    bench.commanding.set_queue("olga", "held", "eclipse")
    with pytest.raises(CommandRefusedError, match="the queue is held by olga: eclipse"):
        bench.commanding.release("ivan", command.id)
    with pytest.raises(CommandRefusedError, match="founder"):
        bench.commanding.set_queue("amr", "enabled")
    bench.commanding.set_queue("li", "disabled")
    assert bench.commanding.request("li", "ping", {}).state == "refused"
    bench.commanding.set_queue("li", "enabled")
    assert bench.commanding.release("ivan", command.id).state == "released"
    bench.forbids = ("the store of station would be empty on 2036-01-03",)
    assert bench.commanding.request("li", "ping", {}).reasons == bench.forbids


def test_rejected_and_withdrawn_commands_are_over(bench):
    one, two = (bench.commanding.request("ivan", "reactor.off", {}) for _ in range(2))
    with pytest.raises(CommandRefusedError, match="only an approver"):
        bench.commanding.reject("olga", one.id)
    assert bench.commanding.reject("wu", one.id, "not now").reasons == ("rejected by wu of cnsa: not now",)
    with pytest.raises(CommandRefusedError, match="only roscosmos"):
        bench.commanding.withdraw("wu", two.id)
    assert bench.commanding.withdraw("olga", two.id).state == "withdrawn"
    for command in (one, two):
        with pytest.raises(CommandRefusedError):
            bench.commanding.approve("wu", command.id, command.digest)


def test_hazard_inside_a_time_tagged_request_is_a_hazard(bench):
    for depth in range(3):
        wrapped = inner = encode_command(STACK, "reactor.off", {}, 70 + depth)
        for level in range(depth + 1):
            wrapped = time_tagged(STACK, wrapped, true_ticks(START_US + 10**9), 200 + 10 * depth + level)
        command = bench.commanding.receive(wrapped, "ivan")
        assert (command.state, command.significance, command.elements) == ("waiting", "hazardous", ("reactor",))
    for level in range(5):
        wrapped = time_tagged(STACK, wrapped, true_ticks(START_US + 10**9), 300 + level)
    with pytest.raises(DataError, match="too deep"):
        bench.commanding.receive(wrapped, "ivan")
    inner = encode_command(STACK, "reactor.off", {}, 80)
    assert bench.commanding.receive(time_tagged(STACK, inner, 5, 400), "li").state == "refused"
    with pytest.raises(DataError, match="is no command"):
        bench.commanding.receive(time_tagged(STACK, inner + b"\x18\x00", 5, 401), "ivan")
    assert bench.uplinked == []


def test_time_tagged_command_is_followed_on_board(bench):
    at = np.datetime64(START_US, "us") + np.timedelta64(2, "h")
    command = bench.commanding.request("ivan", "reactor.on", {}, at=at)
    command = bench.commanding.release("ivan", command.id)
    outer, inner = command.packets
    assert (outer[0], inner[0]) == (COMPUTER, 8)
    bench.report(1, outer)
    bench.report(7, outer)
    assert bench.commanding.command(command.id).state == "accepted"
    assert [one.id for one in bench.commanding.onboard()] == [command.id]
    bench.time_us += 2 * 3600 * 10**6
    bench.report(5, inner, progress_step=1)
    bench.report(3, inner)
    assert bench.commanding.command(command.id).state == "started"
    bench.report(7, inner)
    assert bench.commanding.command(command.id).state == "completed"
    assert bench.commanding.onboard() == ()
    late = np.datetime64(START_US, "us")
    assert "has passed" in bench.commanding.request("ivan", "reactor.on", {}, at=late).reasons[0]


def test_reports_move_a_command_on_and_never_back(bench):
    command = bench.commanding.request("li", "ping", {})
    bench.report(7, command.packets[0])
    assert bench.commanding.command(command.id).state == "approved"
    command = bench.commanding.release("li", command.id)
    packet = command.packets[0]
    bench.time_us -= 3600 * 10**6
    bench.report(7, packet)  # of another packet with this count, long ago
    bench.time_us += 3600 * 10**6
    assert bench.commanding.command(command.id).state == "released"
    bench.report(3, packet)
    bench.report(1, packet)
    bench.report(1, packet)
    assert bench.commanding.command(command.id).state == "started"
    bench.later(7 * 3600.0)
    assert bench.commanding.command(command.id).state == "timed-out"
    bench.report(8, packet, failure_text="machine-lost\x00\x00")
    command = bench.commanding.command(command.id)
    assert (command.state, command.stages[-1].text) == ("failed", "at completion: machine-lost")
    bench.report(7, packet)
    assert bench.commanding.command(command.id).state == "failed"


def test_port_sends_what_needs_no_approval_once(bench):
    octets = encode_command(STACK, "ping", {}, 9)
    first, again = (bench.commanding.receive(octets, "li") for _ in range(2))
    assert (first.state, again.id, bench.uplinked) == ("released", first.id, [octets])
    with pytest.raises(CommandRefusedError, match="sequence count"):
        bench.commanding.receive(encode_command(STACK, "ping", {}, 9, source=4), "li")
    off = encode_command(STACK, "reactor.off", {}, 9)
    assert bench.commanding.receive(off, "ivan").state == "waiting"
    assert bench.commanding.receive(off, "ivan").state == "waiting"
    assert len(bench.commanding.commands()) == 2
    for octets in (b"", off[:-1], off[:-1] + bytes([off[-1] ^ 1])):
        with pytest.raises(DataError):
            bench.commanding.receive(octets, "ivan")
    with pytest.raises(CommandRefusedError):
        bench.commanding.receive(encode_command(STACK, "ping", {}, 10), "nobody")


def test_what_was_released_and_not_taken_is_sent_again(bench):
    command = approved(bench)
    bench.uplink_fails = True
    command = bench.commanding.release("ivan", command.id)
    assert (command.state, command.sent, bench.uplinked) == ("released", False, [])
    bench.again()
    assert bench.uplinked == []
    bench.uplink_fails = False
    bench.again()
    assert bench.uplinked == [command.octets]
    bench.again()
    bench.later(1.0)
    assert bench.uplinked == [command.octets]
    assert bench.commanding.command(command.id).sent


def test_nothing_leaves_before_it_is_on_record(bench, monkeypatch):
    command = approved(bench)

    def full(*_, **__):
        raise OutputError("the disk is full", where="ledger")

    bench.audit.flush()
    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(OutputError):
        bench.commanding.release("ivan", command.id)
    for _ in range(3):
        bench.later(1.0)
    assert (bench.uplinked, bench.audit.waiting) == ([], 1)
    monkeypatch.undo()
    bench.audit.flush()
    bench.later(1.0)
    assert bench.uplinked == [command.octets]


def test_reports_wait_for_room_on_the_disk(bench, monkeypatch):
    command = bench.commanding.request("li", "ping", {})
    command = bench.commanding.release("li", command.id)
    write = bench.database.write

    def full():
        raise OutputError("the disk is full", where="control.sqlite")

    monkeypatch.setattr(bench.database, "write", full)
    for subservice in (1, 3, 7):
        bench.report(subservice, command.packets[0])
    bench.later(1.0)
    monkeypatch.setattr(bench.database, "write", write)
    assert bench.commanding.command(command.id).state == "released"
    bench.later(1.0)
    done = bench.commanding.command(command.id)
    assert [one.state for one in done.stages][-3:] == ["accepted", "started", "completed"]


def test_many_approve_and_release_at_once(bench):
    """Eight people at once: one release, each approval on record once."""
    people = {f"wu{n}": User(f"wu{n}", "cnsa", frozenset({"approver", "operator"})) for n in range(8)}
    bench.people.update(people)
    command = bench.commanding.request("ivan", "reactor.off", {})
    gate, answers = threading.Barrier(len(people)), []

    def act(name: str) -> None:
        gate.wait()
        for deed in (
            lambda: bench.commanding.approve(name, command.id, command.digest),
            lambda: bench.commanding.release(name, command.id),
        ):
            try:
                answers.append(deed().state)
            except CommandRefusedError as error:
                answers.append(str(error.what))

    threads = [threading.Thread(target=act, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("approved") == 1
    assert bench.uplinked == [command.octets]
    bench.audit.flush()
    actions = [one.action for one in bench.audit.entries(limit=1000)]
    assert (actions.count("approve"), actions.count("release")) == (1, 1)
    assert bench.audit.waiting == 0


def test_counts_are_used_once(bench):
    with bench.database.write() as connection:
        connection.execute(text("insert into command_counts values (:a, 16383)"), {"a": COMPUTER})
    counts = [bench.commanding.request("li", "ping", {}).packets[0][1] for _ in range(3)]
    assert counts == [16383, 0, 1]
    octets = encode_command(STACK, "ping", {}, 2, acknowledge=13)
    bench.commanding.receive(octets, "li")
    assert bench.commanding.request("li", "ping", {}).packets[0][1] == 3


def test_what_cannot_be_a_request_is_none(bench):
    for name, arguments, error in (
        ("off", {}, UnknownNameError),
        ("ce7-rover.load", {}, InputError),
        ("ce7-rover.load", {"fraction": 1.5}, InputError),
        ("ce7-rover.load", {"fraction": float("nan")}, InputError),
        ("ce7-rover.load", {"fraction": 10**400}, InputError),
        ("ce7-rover.load", {"fraction": 0.5, "more": 1}, UnknownNameError),
    ):
        with pytest.raises(error):
            bench.commanding.request("li", name, arguments)
    with pytest.raises(InputError):
        bench.commanding.request("li", "ping", {}, at=np.datetime64("NaT"))
    with pytest.raises(CommandRefusedError, match="unknown or disabled"):
        bench.commanding.request("nobody", "ping", {})
    with pytest.raises(UnknownNameError):
        bench.commanding.command("12")
    assert bench.commanding.commands() == ()


def test_who_sees_what(bench):
    reactor, rover, ping = (
        bench.commanding.request(who, name, {})
        for who, name in (("ivan", "reactor.off"), ("li", "ce7-rover.stow"), ("li", "ping"))
    )
    sees = bench.rules.sees
    seen = {
        name: [sees(EVERYONE[name], one) for one in (reactor, rover, ping)]
        for name in ("li", "ivan", "amr", "root")
    }
    assert seen == {
        "li": [True, True, True],
        "ivan": [True, False, True],
        "amr": [False, False, True],
        "root": [True, True, True],
    }


def test_listeners_are_told_and_harm_nobody(bench):
    told: list[str] = []
    bench.commanding.listen(lambda command: 1 / 0)
    stop = bench.commanding.listen(lambda command: told.append(command.state))
    command = bench.commanding.request("li", "ping", {})
    bench.commanding.release("li", command.id)
    stop()
    bench.report(1, command.packets[0])
    assert told == ["approved", "released", "released"]


def test_counts_come_round_again(bench, monkeypatch):
    monkeypatch.setattr("moonpost.control.commands.store.COUNTS_IN_ALL", 8)
    monkeypatch.setattr("moonpost.control.commands.requests.COUNTS_IN_ALL", 8)
    monkeypatch.setattr("moonpost.control.commands.requests._REMEMBERED", 6)
    for _ in range(20):
        command = bench.commanding.release("li", bench.commanding.request("li", "ping", {}).id)
        for subservice in (1, 7):
            bench.report(subservice, command.packets[0])
    assert len(bench.uplinked) == 20
    assert all(bench.uplinked[k] not in bench.uplinked[k + 1 : k + 7] for k in range(20))
    monkeypatch.setattr("moonpost.control.commands.requests._REMEMBERED", 9)
    with pytest.raises(OutputError, match="counts are in use"):
        bench.commanding.request("li", "ping", {})


def test_each_release_looks_ahead_with_what_the_one_before_has_sent(bench):
    desk, first = bench.commanding, threading.Event()
    asked = [desk.request("li", "ce7-rover.load", {"fraction": fraction}).id for fraction in (0.25, 0.5)]

    def forbids(octets: bytes, now: int) -> tuple[str, ...]:
        sent = bool(bench.uplinked)
        first.wait(0.2)  # meanwhile the other one looks, too
        return ("one of the two is enough to be lost",) if sent else ()

    bench.rules._forbids = forbids
    refused: list[str] = []

    def release(identifier: str) -> None:
        try:
            desk.release("li", identifier)
        except CommandRefusedError as error:
            refused.append(error.what)

    threads = [threading.Thread(target=release, args=(one,)) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(bench.uplinked), refused) == (1, ["one of the two is enough to be lost"])


def test_a_changed_record_releases_nothing(bench):
    command = bench.commanding.request("ivan", "reactor.off", {})
    with bench.database.write() as connection:
        connection.execute(text("UPDATE commands SET state = 'approved', significance = 'routine'"))
    with pytest.raises(CommandRefusedError, match="not what is on record"):
        bench.commanding.release("ivan", command.id)
    assert bench.uplinked == []


def _unanswered(bench, many: int):
    """Pings that were sent and of which nothing was ever heard."""
    sent = [bench.commanding.release("li", bench.commanding.request("li", "ping", {}).id) for _ in range(many)]
    bench.later(6 * 3600.0)
    assert {bench.commanding.command(one.id).state for one in sent} == {"timed-out"}
    return sent


def test_counts_of_what_was_never_answered_are_given_again_after_a_guard(bench, monkeypatch):
    for module in ("store", "requests"):
        monkeypatch.setattr(f"moonpost.control.commands.{module}.COUNTS_IN_ALL", 8)
    monkeypatch.setattr("moonpost.control.commands.requests._REMEMBERED", 6)
    first = _unanswered(bench, 4)
    bench.time_us += 86_400 * 10**6
    second = _unanswered(bench, 4)
    with pytest.raises(OutputError, match="never answered"):
        bench.commanding.request("li", "ping", {})
    with pytest.raises(CommandRefusedError, match="sequence count is that of a command under way"):
        bench.commanding.receive(encode_command(STACK, "reset", {}, first[0].packets[0][1]), "li")
    bench.time_us = START_US + (30 * 86_400 + 6 * 3600) * 10**6  # the guard of the first four, not of the others
    bench.again()
    told = np.datetime64(bench.time_us, "us") - np.timedelta64(29, "D")
    fresh = [bench.commanding.release("li", bench.commanding.request("li", "ping", {}).id) for _ in range(4)]
    assert [one.packets for one in fresh] == [one.packets for one in first]
    with pytest.raises(OutputError, match="never answered"):
        bench.commanding.request("li", "ping", {})
    packet = first[1].packets[0]
    fields = {"request_apid": packet[0], "request_count": packet[1]}
    bench.commanding.report(SimpleNamespace(service=1, subservice=7, time=told, fields=fields))  # played back late
    states = [bench.commanding.command(one[1].id).state for one in (first, second, fresh)]
    assert states == ["completed", "timed-out", "released"]
    bench.report(7, packet)
    assert bench.commanding.command(fresh[1].id).state == "completed"
    bench.report(7, first[2].packets[0])
    assert [bench.commanding.command(one[2].id).state for one in (first, fresh)] == ["timed-out", "completed"]


def test_no_approval_passes_to_a_later_command_of_the_same_octets(bench, monkeypatch):
    for module in ("store", "requests"):
        monkeypatch.setattr(f"moonpost.control.commands.{module}.COUNTS_IN_ALL", 2)
    monkeypatch.setattr("moonpost.control.commands.requests._REMEMBERED", 1)
    old = approved(bench)
    bench.commanding.release("ivan", old.id)
    other = bench.commanding.release("ivan", approved(bench).id)
    bench.later(6 * 3600.0)
    bench.later(31 * 86_400.0)
    new = bench.commanding.request("ivan", "reactor.off", {})
    assert (new.digest, new.state, new.approvals) == (old.digest, "waiting", ())
    assert other.digest != old.digest
    with pytest.raises(CommandRefusedError, match="timed-out and waits for no approval"):
        bench.commanding.approve("wu", old.id, old.digest)
    for command in (old, new):
        with pytest.raises(CommandRefusedError, match=r"cannot be released|waits for approval"):
            bench.commanding.release("ivan", command.id)
    assert bench.uplinked == [old.octets, other.octets]


def test_what_is_approved_while_it_is_looked_at_is_not_released_unseen(bench, monkeypatch):
    command = bench.commanding.request("ivan", "reactor.off", {})
    bench.forbids = ("the reactor would be lost",)
    look = bench.commanding._obstacles

    def meanwhile(*given):
        found = look(*given)
        bench.commanding.approve("wu", command.id, command.digest)
        return found

    monkeypatch.setattr(bench.commanding, "_obstacles", meanwhile)
    with pytest.raises(CommandRefusedError, match="changed while it was looked at"):
        bench.commanding.release("ivan", command.id)
    monkeypatch.undo()
    with pytest.raises(CommandRefusedError, match="the reactor would be lost"):
        bench.commanding.release("ivan", command.id)
    assert bench.uplinked == []


def test_what_leaves_late_is_looked_at_again(bench):
    harmful, late, blind = (bench.commanding.request("li", "ping", {}) for _ in range(3))
    bench.uplink_fails = True
    for command in (harmful, late):
        bench.commanding.release("li", command.id)
    bench.uplink_fails, bench.no_contact = False, "out of contact"
    bench.later(3600.0)
    assert bench.uplinked == []
    bench.no_contact = ""
    bench.audit.flush()
    bench.rules._forbids = lambda octets, now: ("a machine would be lost",) if octets == harmful.octets else ()
    bench.later(1.0)
    found = bench.commanding.command(harmful.id)
    assert (found.state, bench.uplinked) == ("failed", [late.octets])
    assert found.reasons == ("was not taken by the uplink in time, and now: a machine would be lost",)
    bench.uplink_fails = True
    bench.commanding.release("li", blind.id)
    bench.later(6 * 3600.0)
    bench.uplink_fails = False
    bench.audit.flush()
    bench.later(1.0)
    assert bench.commanding.command(blind.id).state == "failed"
    assert bench.uplinked == [late.octets]


def test_time_that_runs_on_during_a_look_is_looked_at_too(bench):
    command = bench.commanding.request("ivan", "reactor.on", {})
    looked: list[int] = []

    def forbids(octets: bytes, now: int) -> tuple[str, ...]:
        looked.append(now - START_US)
        bench.time_us += speed
        return ("it would sleep for good",) if now > START_US + harm else ()

    bench.rules._forbids = forbids
    speed, harm = 600 * 10**6, 10**9
    with pytest.raises(CommandRefusedError, match="sleep for good"):
        bench.commanding.release("ivan", command.id)
    assert looked == [0, 1_800_000_000]
    harm = 10**15
    assert bench.commanding.release("ivan", command.id).state == "released"
    second = bench.commanding.request("ivan", "reactor.on", {})
    growing = [10**9]

    def faster(octets: bytes, now: int) -> tuple[str, ...]:
        growing[0] *= 10
        bench.time_us += growing[0]
        return ()

    bench.rules._forbids = faster
    with pytest.raises(CommandRefusedError, match="slow it down"):
        bench.commanding.release("ivan", second.id)


def test_who_may_not_ask_is_shown_no_future(bench):
    bench.forbids = ("ce7-rover would be lost on 2036-01-14",)
    assert bench.commanding.request("amr", "ce7-rover.stow", {}).reasons == (
        "egypt may not command ce7-rover; cnsa may",
    )


def test_packets_for_later_from_outside_are_followed_to_their_time(bench):
    inner = encode_command(STACK, "ce7-rover.load", {"fraction": 0.5}, 11)
    due_us = START_US + 3 * 86_400 * 10**6
    command = bench.commanding.receive(time_tagged(STACK, inner, true_ticks(due_us), 12), "li")
    assert command.state == "released"
    assert abs(command.at_us - due_us) <= 20
    bench.later(2 * 86_400.0)
    assert bench.commanding.command(command.id).state == "released"
    bench.later(86_400.0 + 6 * 3600.0 + 1.0)
    assert bench.commanding.command(command.id).state == "timed-out"
    assert bench.commanding.onboard() == ()
    inner = encode_command(STACK, "ce7-rover.load", {"fraction": 0.5}, 14)
    past = bench.commanding.receive(time_tagged(STACK, inner, true_ticks(START_US), 13), "li")
    assert past.reasons == ("the time at which it is to be carried out has passed",)


def test_stacks_of_people_with_long_names_are_told_apart(bench):
    names = ["l" * 60 + end for end in ("aa", "bb")]
    bench.people.update({name: User(name, "cnsa", frozenset({"operator"})) for name in names})
    stacks = bench.commanding.stacks
    for name in names:
        stacks.put(name, [StackEntry("ping")])
        stacks.execute(name)
    assert [one.requester for one in bench.commanding.commands()] == names[::-1]
    with pytest.raises(InputError, match="changed meanwhile"):
        stacks.execute(names[0], number=stacks.of(names[0]).number - 1)


def test_whatever_takes_from_the_schedule_is_hazardous():
    harmless = {1, 4, 9, 11, 14, 16, 17, 18, 20, 22, 24, 26}
    for subservice in range(1, 30):
        found = significance_of(CommandLayout("x", 1, 11, subservice))
        assert found == ("routine" if subservice in harmless else "hazardous")
