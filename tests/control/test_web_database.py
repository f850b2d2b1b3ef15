"""The database of mission control: durable, in turn, and the same in PostgreSQL."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

sys.path.insert(0, str(Path(__file__).parents[1] / "partners"))
from test_ledger_postgres import Server

from moonpost.control.database import Database
from moonpost.control.users import Users
from moonpost.control.web.sessions import Sessions
from moonpost.errors import DataError, InputError, OutputError


def hasher():
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def database(tmp_path):
    with Database.open(tmp_path / "control.sqlite") as opened:
        with opened.write() as connection:
            connection.execute(text("create table n (k integer primary key, v integer)"))
        yield opened


def count(database):
    with database.read() as connection:
        return connection.execute(text("select count(*) from n")).scalar()


def add(connection, key):
    connection.execute(text("insert into n values (:k, :k)"), {"k": key})


def put(database, *keys):
    with database.write() as connection:
        for key in keys:
            add(connection, key)


def nested(database):
    with database.write() as outer:
        add(outer, 1)
        with database.write() as inner:
            assert inner is outer
            add(inner, 2)
        with database.read() as reading:
            assert reading is outer
        raise KeyError


def fill(database, pages):
    with database.write() as connection:
        connection.execute(text(f"pragma max_page_count = {pages}"))
        for key in range(2, 20_000):
            add(connection, key)


def test_it_is_written_ahead_and_synced_in_full(database):
    with database.write() as connection:
        found = [connection.execute(text(f"pragma {name}")).scalar() for name in
                 ("journal_mode", "synchronous", "foreign_keys")]  # fmt: skip
    assert found == ["wal", 2, 1]


def test_a_block_that_fails_leaves_nothing(database):
    with pytest.raises(IntegrityError):
        put(database, 1, 1)
    assert count(database) == 0
    assert count(database) == 0


def test_a_block_within_a_block_is_part_of_it(database):
    with pytest.raises(KeyError):
        nested(database)
    assert count(database) == 0
    with database.write() as outer:
        add(outer, 1)
        with database.write() as inner:
            add(inner, 2)
    assert count(database) == 2


def test_many_threads_write_in_turn_and_readers_do_not_wait(database):
    def work(first):
        for key in range(first, first + 20):
            with database.write() as connection:
                add(connection, key)

    threads = [threading.Thread(target=work, args=(100 * row,)) for row in range(8)]
    for thread in threads:
        thread.start()
    with database.write() as connection:  # whoever writes, reading goes on
        add(connection, 10_000)
        done = threading.Event()
        reader = threading.Thread(target=lambda: (count(database), done.set()))
        reader.start()
        assert done.wait(10.0)
    for thread in [*threads, reader]:
        thread.join()
    assert count(database) == 161


def test_what_ended_before_a_kill_is_there_after_it(tmp_path):
    script = (
        "import os, sys\nfrom sqlalchemy import text\nfrom moonpost.control.database import Database\n"
        "database = Database.open(sys.argv[1])\n"
        "with database.write() as c: c.execute(text('create table n (k integer)'))\n"
        "with database.write() as c: c.execute(text('insert into n values (1)'))\n"
        "with database.write() as c:\n    c.execute(text('insert into n values (2)'))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    place = tmp_path / "control.sqlite"
    assert subprocess.run([sys.executable, "-c", script, place], check=False).returncode == -9
    with Database.open(place) as opened:
        assert count(opened) == 1


def test_places_that_cannot_be_used_are_told_without_passwords(tmp_path):
    (tmp_path / "text").write_text("this is no database at all, but a text of some length " * 20)
    with pytest.raises(DataError, match="cannot be opened"):
        Database.open(tmp_path / "text")
    with pytest.raises((DataError, OutputError)):
        Database.open(tmp_path)
    for place in ("mysql://a@b/c", "postgresql://a@b", "postgresql://a:s3cret@[::1/x"):
        with pytest.raises(InputError, match="is no URL") as stop:
            Database.open(place)
        assert "s3cret" not in str(stop.value)
    with pytest.raises(DataError, match="cannot be opened") as stop:
        Database.open("postgresql://a:s3cret@127.0.0.1:1/c")
    assert "s3cret" not in str(stop.value)


def test_a_full_disk_is_told_and_keeps_what_was(database):
    with database.write() as connection:
        add(connection, 1)
        pages = connection.execute(text("pragma page_count")).scalar()
    with pytest.raises(OutputError, match="database or disk is full"):
        fill(database, pages)
    assert count(database) == 1


def test_a_file_of_another_program_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("create table users (id integer)")
    other.close()
    with Database.open(tmp_path / "other.sqlite") as opened:
        users = Users(opened, hasher())
        with pytest.raises(OutputError):
            users.list()


def both_in_turn(one, other):
    """What two processes read and then write is never lost between them."""
    with one.write() as connection:
        connection.execute(text("create table n (k integer primary key, v integer)"))
        add(connection, 0)

    def count_up(database):
        for _ in range(20):
            with database.write() as connection:
                value = connection.execute(text("select v from n where k = 0")).scalar()
                connection.execute(text("update n set v = :v where k = 0"), {"v": value + 1})

    threads = [threading.Thread(target=count_up, args=(database,)) for database in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with one.read() as connection:
        assert connection.execute(text("select v from n where k = 0")).scalar() == 40


def test_users_and_sessions_in_postgresql():
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as folder:
        server = Server(folder)
        server.start()
        try:
            with Database.open(server.database()) as database:
                assert not database.is_sqlite
                users = Users(database, hasher())
                first = users.add("wang", "cnsa", ["operator"])
                sessions = Sessions(database, users)
                token = sessions.begin("wang")
                assert sessions.check(token).user == users.check("wang", first)
                with pytest.raises(InputError, match="is taken"):
                    users.add("wang", "cnsa", ["operator"])
                users.disable("wang")
                assert sessions.check(token) is None
                assert [row.disabled for row in users.list()] == [True]
                with Database.open(database._engine.url.render_as_string(False).replace("+pg8000", "")) as other:
                    both_in_turn(database, other)
                server.end(9)
                with pytest.raises(OutputError, match="cannot be used"):
                    users.list()
        finally:
            if server.process.returncode is None:
                server.end(15)


def test_a_file_with_holes_is_told_in_one_line(tmp_path):
    place = tmp_path / "control.sqlite"
    with Database.open(place) as database:
        users = Users(database, hasher())
        for number in range(200):
            users.add(f"wang{number}", "cnsa", ["operator"], sso=True)
    size = place.stat().st_size
    with place.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises((OutputError, DataError), match=r"damaged|malformed"), Database.open(place) as database:
        Users(database, hasher()).list()


def test_a_file_that_is_gone_is_told_and_never_begun_anew(tmp_path):
    place, away = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    with Database.open(place) as database:
        with database.write() as connection:
            connection.execute(text("create table n (k integer primary key, v integer)"))
        put(database, 1)
        with database.read():  # further connections are made while it is gone
            place.rename(away)
            with pytest.raises(OutputError, match="is gone"):
                put(database, 2)
            with pytest.raises(OutputError, match="unable to open"), ThreadPoolExecutor(1) as pool:
                pool.submit(count, database).result()
            assert not place.exists()
            place.touch()
            with pytest.raises(OutputError, match="another file"):
                put(database, 2)
        away.rename(place)
        put(database, 2)
        assert count(database) == 2
