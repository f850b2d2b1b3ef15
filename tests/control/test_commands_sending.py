"""What left and what did not: uplink, disk or clock fail between the release of a command and the note of it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from moonpost.errors import OutputError
from moonpost.partners.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent))
from commands_bench import START_US, Bench

HOUR_S = 3600.0


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as made:
        yield made


def asked(bench):
    return bench.commanding.request("li", "ping", {})


def stages(bench, command):
    return [one.state for one in bench.commanding.command(command.id).stages]


def verify(bench, command):
    for subservice in (1, 3, 7):
        bench.report(subservice, command.packets[0])
    return bench.commanding.command(command.id)


def full(*_, **__):
    raise OutputError("the disk is full", where="control.sqlite")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_time_that_passes_while_it_leaves_does_not_make_it_fail(bench, monkeypatch, elsewhere):
    """The ticker may come round between the release and the note that the uplink took it."""
    command, take = asked(bench), bench.uplink

    def slow(octets, at):
        take(octets, at)
        if elsewhere:
            thread = threading.Thread(target=bench.later, args=(7 * HOUR_S,))
            thread.start()
            thread.join()
        else:
            bench.later(7 * HOUR_S)

    monkeypatch.setattr(bench, "uplink", slow)
    bench.commanding.release("li", command.id)
    assert stages(bench, command) == ["requested", "released", "sent"]
    bench.later(1.0)
    assert bench.commanding.command(command.id).state == "timed-out"
    assert verify(bench, command).state == "completed"
    assert bench.uplinked == [command.octets]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_left_and_could_not_be_noted_is_not_said_to_have_stayed(bench, monkeypatch, restarts):
    command, take = asked(bench), bench.uplink

    def and_then_full(octets, at):
        take(octets, at)
        monkeypatch.setattr(bench.database, "write", full)

    with monkeypatch.context() as patch:
        patch.setattr(bench, "uplink", and_then_full)
        with pytest.raises(OutputError):
            bench.commanding.release("li", command.id)
    monkeypatch.undo()
    bench.forbids = ("the reactor would be lost",)
    if restarts:
        bench.time_us += 120 * 10**6
        bench.again()
    bench.later(120.0)
    found = bench.commanding.command(command.id)
    assert (found.state, found.sent) == (("timed-out", False) if restarts else ("released", True))
    if restarts:
        assert found.stages[-1].text.startswith("it is not known whether it left; was not taken")
    bench.later(7 * HOUR_S)
    assert bench.commanding.command(command.id).state == "timed-out"
    if restarts:
        bench.again()
    assert verify(bench, command).state == "completed"
    assert bench.uplinked == [command.octets]  # and nothing leaves twice


def test_what_never_left_fails_and_is_followed_if_it_did_leave(bench, monkeypatch):
    command = asked(bench)
    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(OutputError):
        bench.commanding.release("li", command.id)
    bench.later(5.9 * HOUR_S)
    assert bench.commanding.command(command.id).state == "released"
    bench.later(0.2 * HOUR_S)
    monkeypatch.undo()
    found = bench.commanding.command(command.id)
    assert (found.state, found.reasons) == ("failed", ("the uplink did not take it in time",))
    bench.audit.flush()
    bench.again()
    assert bench.uplinked == []
    packet = command.packets[0]
    assert asked(bench).packets[0] != packet
    bench.report(1, packet)  # against all that is known
    assert bench.commanding.command(command.id).state == "accepted"
    assert verify(bench, command).state == "completed"


def test_a_count_of_what_never_left_is_held_as_long_as_that_of_what_was_never_answered(bench, monkeypatch):
    command = asked(bench)
    bench.uplink_fails = True
    bench.commanding.release("li", command.id)
    bench.later(6 * HOUR_S)
    assert bench.commanding.command(command.id).state == "failed"
    desk = bench.commanding._desk
    assert desk.holding(command.packets) is not None
    bench.later(31 * 24 * HOUR_S)
    assert desk.holding(command.packets) is None
    assert verify(bench, command).state == "failed"


def test_what_is_kept_back_after_its_release_is_looked_at_before_it_leaves(bench, monkeypatch):
    """Time passes while the release is put on record, up to where it does harm."""
    harmful, late = asked(bench), asked(bench)
    flush = bench.audit.flush

    def slow():
        flush()
        bench.time_us += 7200 * 10**6

    monkeypatch.setattr(bench.audit, "flush", slow)
    bench.rules._forbids = lambda octets, now: (
        ("a machine would be lost",) if now > START_US + 3600 * 10**6 else ()
    )
    found = bench.commanding.release("li", harmful.id)
    assert (found.state, bench.uplinked) == ("failed", [])
    assert found.reasons == ("was not taken by the uplink in time, and now: a machine would be lost",)
    bench.rules._forbids = lambda octets, now: ()
    assert bench.commanding.release("li", late.id).sent
    assert bench.uplinked == [late.octets]


def test_reports_are_waited_for_from_when_it_arrives(tmp_path):
    """A relay keeps it for three hours."""
    with Bench(tmp_path, more={"arrival": lambda now: now + 3 * 3600 * 10**6}) as bench:
        command = bench.commanding.release("li", asked(bench).id)
        assert command.deadline_us == START_US + 9 * 3600 * 10**6
        bench.later(8.9 * HOUR_S)
        assert bench.commanding.command(command.id).state == "released"
        bench.later(0.2 * HOUR_S)
        assert bench.commanding.command(command.id).state == "timed-out"
    with Bench(tmp_path / "other", more={"arrival": lambda now: None}) as bench:
        assert bench.rules.arrival_us(5) == 5
