"""The folder of a mission: gone under the server, and its database lost or older than what lies beside it."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from sqlalchemy import insert, text, update
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "partners"))
from test_ledger_postgres import Server

from moonpost.cli import control
from moonpost.control.commands import Audit
from moonpost.control.commands.store import COMMANDS, next_count
from moonpost.control.database import TABLES, Database
from moonpost.control.ground.alarmstore import AlarmStore
from moonpost.control.mission import MissionControl
from moonpost.control.missionfolder import Flown, MissionFolder
from moonpost.control.options import Options
from moonpost.control.outside import Outside
from moonpost.control.packets import FrameLayout, make_packets
from moonpost.control.together import follow_record, renew, require_database
from moonpost.errors import DataError, InputError, OutputError
from moonpost.partners.ledger import verify_ledger
from moonpost.plan import load_plan

PLAN = load_plan("ilrs")


def test_a_folder_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    place, away = tmp_path / "a", tmp_path / "b"
    folder = MissionFolder(place, Flown.of(load_plan("ilrs"), None, 60.0, 60.0, None, 0))
    folder.note(np.datetime64("2040-01-01"))
    place.rename(away)
    with pytest.raises(OutputError, match="is gone"):
        folder.note(np.datetime64("2040-01-02"))
    assert not place.exists()
    away.rename(place)
    folder.note(np.datetime64("2040-01-03"))
    assert folder.reached == np.datetime64("2040-01-03")
    folder.close()


def request(database: Database, audit: Audit, count: int) -> int:
    """Put a command down as commanding does, as far as numbers go."""
    octets = make_packets(7, [b"ping"], first_count=count, telecommand=True)[0]
    row = {"name": "ping", "octets": octets, "digest": "0" * 64, "significance": "routine", "requester": "li",
           "partner": "cnsa", "state": "requested", "requested_wall_s": 0.0, "sent": False, "version": 0,
           "body": "{}"}  # fmt: skip
    with database.write() as connection:
        key = connection.execute(insert(COMMANDS).values(row)).inserted_primary_key
        assert key is not None
        audit.add(connection, "request", "li", "cnsa", command=str(key[0]), data={"octets": octets}, time_us=1)
    audit.flush()
    return int(key[0])


def opened(folder: Path, database: Database) -> Audit:
    return Audit.open(database, str(folder / "ledger.sqlite"), PLAN, keys=folder / "keys")


def numbers(folder: Path) -> list[tuple[int, str]]:
    """Numbers of notes and commands on record."""
    from moonpost.partners.ledger import Ledger

    with Ledger.open(str(folder / "ledger.sqlite")) as ledger:
        return [(body["number"], body["command"]) for _, _, _, body in ledger.state().records]


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    """A folder after three commands, with a copy of its database of after the first."""
    with Database.open(tmp_path / "control.sqlite") as database, opened(tmp_path, database) as audit:
        assert request(database, audit, 0) == 1
    shutil.copy(tmp_path / "control.sqlite", tmp_path / "copy.sqlite")
    with Database.open(tmp_path / "control.sqlite") as database, opened(tmp_path, database) as audit:
        assert [request(database, audit, count) for count in (1, 2)] == [2, 3]
        audit.record("alarm-acknowledged", "li", "cnsa", data={"alarm": 40, "key": "a"})
    return tmp_path


def cli(*words: Any) -> Any:
    app = typer.Typer()
    control.register(app)
    app.command("nothing")(lambda: None)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_lost_database_is_missed_and_begun_anew_only_if_asked(mission: Path) -> None:
    with Database.open(mission / "control.sqlite") as database:
        require_database(mission, database)
        with pytest.raises(InputError, match="its database is there"):
            renew(mission, database)
    (mission / "control.sqlite").unlink()
    (mission / "reached.json").write_text('{"time_us": 2208988800000000}')
    for _ in range(2):  # an empty file does not make it there
        told = cli("control", "user", "add", "li", "--partner", "cnsa", "--role", "admin", "--data", mission)
        assert isinstance(told.exception, DataError)
        assert "the database of this mission is missing beside a record of actions" in str(told.exception)
        assert f"put it back from the newest backup; to begin anew with numbers after those on record: moonpost "\
               f"control renew {mission}" in str(told.exception)  # fmt: skip
    assert json.loads(cli("control", "renew", mission, "--json").output)["notes"] == 4
    assert (
        cli("control", "user", "add", "li", "--partner", "cnsa", "--role", "admin", "--data", mission).exit_code
        == 0
    )
    with Database.open(mission / "control.sqlite") as database:
        require_database(mission, database)
        assert follow_record(mission, database) == 0
        (alarm,) = AlarmStore(database).listed()
        assert (alarm.id, alarm.key, "begun anew" in alarm.text) == (41, "ground.database", True)
        assert alarm.since == np.datetime64("2040-01-01")  # by the mission's clock
        with database.write() as connection:
            assert next_count(connection, 7, ()) == 2 + 1 + 256
        with opened(mission, database) as audit:
            assert request(database, audit, 300) == 4
            assert [entry.action for entry in audit.entries()] == ["user-added", "request"]
    commands = [command for _, command in numbers(mission) if command]
    assert commands == ["1", "2", "3", "4"]
    assert not verify_ledger(str(mission / "ledger.sqlite")).faults


def test_an_older_copy_goes_on_after_the_record(mission: Path) -> None:
    shutil.copy(mission / "copy.sqlite", mission / "control.sqlite")
    assert (
        cli("control", "user", "add", "li", "--partner", "cnsa", "--role", "admin", "--data", mission).exit_code
        == 0
    )
    with Database.open(mission / "control.sqlite") as database:
        require_database(mission, database)
        assert follow_record(mission, database) == 0  # done when the user was added
        with opened(mission, database) as audit:
            assert request(database, audit, 300) == 4
            assert audit.waiting == 0
        (alarm,) = AlarmStore(database).listed()
        assert (alarm.id, "it lacks 3 notes" in alarm.text) == (41, True)
    assert numbers(mission) == [(1, "1"), (2, "2"), (3, "3"), (4, ""), (5, ""), (6, "4")]
    assert not verify_ledger(str(mission / "ledger.sqlite")).faults


def test_an_older_copy_is_told_once(mission: Path) -> None:
    shutil.copy(mission / "copy.sqlite", mission / "control.sqlite")
    for lacking in (3, 0, 0):
        with Database.open(mission / "control.sqlite") as database:
            assert follow_record(mission, database) == lacking
            assert len(AlarmStore(database).listed()) == 1


def test_what_was_noted_in_an_older_copy_stands_behind_what_it_lacks(mission: Path) -> None:
    shutil.copy(mission / "copy.sqlite", mission / "control.sqlite")
    with Database.open(mission / "control.sqlite") as database:
        with database.write() as connection:
            for name in ("naidoo", "wang"):
                Audit.add(connection, "user-disabled", f"console:{name}", "")
        assert follow_record(mission, database) == 3
        with opened(mission, database) as audit:
            assert [(one.number, one.user) for one in audit.entries()] == [
                (1, "li"), (5, "console:naidoo"), (6, "console:wang"),
            ]  # fmt: skip
            assert request(database, audit, 300) == 4
    assert numbers(mission) == [(1, "1"), (2, "2"), (3, "3"), (4, ""), (5, ""), (6, ""), (7, "4")]


def test_what_was_written_just_before_a_crash_is_not_lacking(mission: Path) -> None:
    with Database.open(mission / "control.sqlite") as database:
        with database.write() as connection:
            connection.execute(
                update(TABLES.tables["audit"]).where(text("number > 2")).values(entry=None, hash=None)
            )
        assert follow_record(mission, database) == 0
        with opened(mission, database) as audit:
            assert audit.waiting == 0
    assert numbers(mission) == [(1, "1"), (2, "2"), (3, "3"), (4, "")]


def test_numbers_go_on_in_postgresql_too(mission: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as folder:
        server = Server(folder)
        server.start()
        try:
            with Database.open(server.database()) as database:
                with pytest.raises(DataError, match="is missing"):
                    require_database(mission, database)
                assert renew(mission, database) == 4
                require_database(mission, database)
                with opened(mission, database) as audit:
                    assert request(database, audit, 300) == 4
        finally:
            server.end(15)


def test_a_server_does_not_start_without_its_database(mission: Path) -> None:
    options: dict[str, Any] = {"start": "2040-01-01", "days": 1.0, "step_s": 3600.0}
    (mission / "control.sqlite").unlink()
    with pytest.raises(DataError, match="the database of this mission is missing"):
        MissionControl.open("ilrs", mission, **options)
    with Database.open(mission / "control.sqlite") as database:
        assert renew(mission, database) == 4
    flown = MissionControl(PLAN, mission, Options(**options))  # opened by `compose`, which takes seconds
    assert flown.users.list() == ()
    flown.stop()


def test_what_cannot_be_sent_on_is_told() -> None:
    layout = FrameLayout(octets=64)
    outside = Outside(None, lambda octets, sender: None, Options(telemetry_to="127.0.0.1:9"), layout)  # type: ignore[arg-type]
    outside.send(bytes(2 * layout.sent_octets))
    assert outside.status()["telemetry_to"]["datagrams"] + outside.status()["telemetry_to"]["failed"] == 2
    assert outside._datagrams is not None
    outside._datagrams.close()
    outside.send(bytes(layout.sent_octets))
    assert outside.status()["telemetry_to"]["failed"] >= 1
    assert outside.status()["telemetry_to"]["trouble"]
    outside.close()
