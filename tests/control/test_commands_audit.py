"""The record of actions: signed, written once, whole after any stop."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from moonpost.control.commands import Audit, CommandRefusedError
from moonpost.control.commands.audit import TOPIC
from moonpost.control.commands.stack import StackEntry
from moonpost.control.database import Database
from moonpost.errors import DataError, OutputError
from moonpost.partners.ledger import Ledger, new_key, proof_message, save_key

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "partners"))
from commands_bench import PLAN, Bench
from test_ledger_postgres import Server


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder / "ledger.sqlite")

    def __enter__(self):
        self.database = Database.open(self.folder / "control.sqlite")
        try:
            self.audit = Audit.open(self.database, self.place, PLAN, keys=self.folder / "keys")
        except BaseException:
            self.database.close()
            raise
        return self

    def __exit__(self, *_):
        self.audit.close()
        self.database.close()

    def numbers(self) -> list[int]:
        with Ledger.open(self.place) as ledger:
            assert ledger.verify().sound
            return [data["number"] for _, _, topic, data in ledger.state().records if topic == TOPIC]


def test_entries_hold_who_what_and_when(tmp_path):
    with Desk(tmp_path) as desk:
        desk.audit.record("clock-set", "li", "cnsa", data={"speed": 2.5}, time_us=2_082_758_400_000_000)
        (entry,) = desk.audit.entries()
        with Ledger.open(desk.place) as ledger:
            signed = list(ledger.entries())[entry.entry]
    assert signed.hash == entry.hash
    assert signed.party == "mission-control"
    told = signed.body["data"]
    assert (told["user"], told["partner"], told["action"], told["data"]) == (
        "li",
        "cnsa",
        "clock-set",
        '{"speed": 2.5}',
    )
    assert told["time"] == "2036-01-01T00:00:00.000000Z"
    (key,) = (tmp_path / "keys").glob("mission-control-*.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_a_crash_left_is_written_once(tmp_path):
    with Desk(tmp_path) as desk:
        for number in range(5):
            desk.audit.record(f"deed {number}", "li", "cnsa")
    with Database.open(tmp_path / "control.sqlite") as database, database.write() as connection:
        # two that reached the ledger and were not marked, and one that did not reach it
        connection.execute(text("update audit set entry = null, hash = null where number in (4, 5)"))
        connection.execute(
            text(
                "insert into audit (wall_s, user, partner, action, data) values (1.0, 'wu', 'cnsa', 'late', '{}')"
            )
        )
    with Desk(tmp_path) as desk:
        assert [one.entry for one in desk.audit.entries()] == [1, 2, 3, 4, 5, 6]
        assert desk.audit.waiting == 0
    assert desk.numbers() == [1, 2, 3, 4, 5, 6]


def test_a_mark_that_fails_leads_to_no_second_entry(tmp_path, monkeypatch):
    from moonpost.control.commands import audit as module

    with Desk(tmp_path) as desk:
        mark = module._mark

        def fail(*_):
            raise OutputError("the disk is full", where="control.sqlite")

        monkeypatch.setattr(module, "_mark", fail)
        with pytest.raises(OutputError):
            desk.audit.record("deed", "li", "cnsa")
        monkeypatch.setattr(module, "_mark", mark)
        desk.audit.flush()
        assert desk.audit.waiting == 0
    assert desk.numbers() == [1]


def test_many_at_once_are_all_there_in_order(tmp_path):
    with Desk(tmp_path) as desk:
        threads = [
            threading.Thread(target=lambda n=n: [desk.audit.record(f"{n}.{i}", "li", "cnsa") for i in range(5)])
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(desk.audit.entries(limit=1000)) == 30
        assert [one.number for one in desk.audit.entries(after=10, limit=3)] == [11, 12, 13]
        assert [one.number for one in desk.audit.entries(before=10, limit=2, newest=True)] == [8, 9]
    assert desk.numbers() == list(range(1, 31))


def test_a_ledger_that_was_changed_cut_or_taken_away_is_refused(tmp_path):
    with Desk(tmp_path) as desk:
        for number in range(3):
            desk.audit.record(f"deed {number}", "li", "cnsa")
    place = Path(desk.place)
    good = place.read_bytes()
    place.write_bytes(good.replace(b"deed 1", b"deed 7"))
    with pytest.raises(DataError, match="hash"), desk:
        pass
    place.unlink()
    with pytest.raises(DataError, match="is not there"), desk:
        pass
    (tmp_path / "other").mkdir()
    with Desk(tmp_path / "other") as other:
        other.audit.record("deed", "li", "cnsa")
    place.write_bytes(Path(other.place).read_bytes())
    with pytest.raises(DataError, match="key of mission control is none"), desk:
        pass
    place.write_bytes(good)
    import sqlite3

    link = sqlite3.connect(place)
    link.execute("delete from entries where entry = 3")
    link.commit()
    link.close()
    with pytest.raises(DataError, match="entry 3 is missing"), desk:
        pass
    place.write_bytes(good)
    with desk:
        assert desk.audit.entries()[2].action == "deed 2"


WRITER = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[2])
    from pathlib import Path
    from commands_bench import Bench
    heard = open(Path(sys.argv[1]) / "heard", "ab", buffering=0)
    Bench.uplink = lambda self, octets, at: heard.write(octets.hex().encode() + b"\\n")
    bench = Bench(Path(sys.argv[1]))
    print("ready", flush=True)
    while True:
        command = bench.commanding.request("ivan", "reactor.off", {})
        print("asked", command.id, flush=True)
        command = bench.commanding.approve("wu", command.id, command.digest)
        print("approved", command.id, flush=True)
        command = bench.commanding.release("ivan", command.id)
        print("released", command.id, flush=True)
    """
)


def kill_and_look(folder: Path, times: int) -> None:
    """Kill a writer again and again; whatever it was told is there, and nothing is there twice."""
    told: dict[str, str] = {}
    for turn in range(times):
        arguments = [sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parent)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            for _ in range(2 + turn % 7):
                deed, number = writer.stdout.readline().split()
                told[number] = deed
            os.kill(writer.pid, signal.SIGKILL)
            for line in writer.stdout.read().splitlines():
                deed, number = line.split()
                told[number] = deed
    heard = [bytes.fromhex(line) for line in (folder / "heard").read_text().splitlines()]
    with Bench(folder, uplink_fails=True) as bench:
        rank = {"asked": 0, "approved": 1, "released": 2}
        states = {"waiting": 0, "approved": 1, "released": 2}
        commands = {one.id: one for one in bench.commanding.commands(limit=10**6)}
        for number, deed in told.items():
            assert states[commands[number].state] >= rank[deed]
        bench.audit.flush()
        assert bench.audit.waiting == 0
        released = {one.octets for one in commands.values() if one.state == "released"}
        assert set(heard) <= released
        unsent = {one.octets for one in commands.values() if one.state == "released" and not one.sent}
        assert released <= set(heard) | unsent
        entries = bench.audit.entries(limit=10**6)
        for number in told:
            actions = [one.action for one in entries if one.command == number]
            assert actions.count("request") == 1
            assert actions.count("release") == (commands[number].state == "released")
    desk = Desk(folder)
    assert desk.numbers() == [one.number for one in entries] + list(
        range(len(entries) + 1, len(desk.numbers()) + 1)
    )


def test_the_partners_own_ledger_can_serve_once_mission_control_has_joined(tmp_path):
    desk = Desk(tmp_path)
    keys = {partner.id: new_key(partner.id) for partner in PLAN.partners}
    own = new_key("mission-control")
    save_key(own, tmp_path / "keys")
    with Ledger.begin(desk.place, PLAN, keys) as ledger:
        with pytest.raises(DataError, match="moonpost ledger join"), desk:
            pass
        proof = own.sign(proof_message(ledger.state().ledger, own.party, own.public))
        body = {"change": "control", "party": own.party, "public": own.public, "proof": proof, "role": "member"}
        ledger.append(keys["cnsa"], "propose-key", body)
        for founder in ("cnsa", "roscosmos"):
            ledger.append(keys[founder], "consent", {"change": "control"})
        with desk:
            desk.audit.record("deed", "li", "cnsa")
            ledger.append(keys["egypt"], "record", {"topic": "note", "data": "between"})
            desk.audit.record("deed", "li", "cnsa")
        with desk:
            assert desk.audit.waiting == 0
    assert desk.numbers() == [1, 2]


def test_commands_and_their_record_in_postgresql(tmp_path):
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as folder:
        server = Server(folder)
        server.start()
        try:
            with Bench(tmp_path, url=server.database()) as bench:
                command = bench.commanding.request("ivan", "reactor.off", {})
                with pytest.raises(CommandRefusedError):
                    bench.commanding.approve("ivan", command.id, command.digest)
                bench.commanding.approve("wu", command.id, command.digest)
                bench.again()
                bench.commanding.release("ivan", command.id)
                bench.commanding.set_queue("li", "held")
                bench.report(7, command.packets[0])
                bench.commanding.stacks.put("li", [StackEntry("ping")])
                assert "the queue is held by li" in bench.commanding.stacks.execute("li").note
                bench.audit.flush()
                assert bench.commanding.command(command.id).state == "completed"
                assert all(one.entry for one in bench.audit.entries())
        finally:
            server.end(15)


def test_a_killed_server_loses_nothing_it_answered(tmp_path):
    kill_and_look(tmp_path, 2)


@pytest.mark.soak
def test_a_server_killed_200_times_loses_nothing_it_answered(tmp_path):
    kill_and_look(tmp_path, 200)
