"""The ledger in a real PostgreSQL server, which the test starts on loopback and stops again."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from moonpost.errors import DataError, OutputError
from moonpost.partners.ledger import Ledger, import_ledger, new_key, save_key, verify_ledger
from moonpost.plan import load_plan

_NUMBERS = itertools.count()


def _program(name):
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _as_postgres():
    """How to run as a user that PostgreSQL accepts: it refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server():
    initdb, postgres = _program("initdb"), _program("postgres")
    if not (initdb and postgres):
        pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
    who = _as_postgres()
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as folder:
        if who:
            os.chown(folder, who["user"], who["group"])
        data = f"{folder}/data"
        make = [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **who)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        run = [postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        with subprocess.Popen(run, stderr=subprocess.PIPE, text=True, cwd=folder, **who) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "ready to accept connections" in line:
                    break
            try:
                yield f"postgresql://postgres@127.0.0.1:{port}"
            finally:
                process.send_signal(signal.SIGINT)
                process.stderr.read()
                process.wait()


@pytest.fixture
def place(server):
    import pg8000.dbapi

    name = f"book_{next(_NUMBERS)}"
    port = int(server.rpartition(":")[2])
    link = pg8000.dbapi.connect(user="postgres", host="127.0.0.1", port=port, database="postgres")
    link.autocommit = True
    link.cursor().execute(f"CREATE DATABASE {name}")
    link.close()
    return f"{server}/{name}"


@pytest.fixture(scope="module")
def keys():
    return {partner.id: new_key(partner.id) for partner in load_plan("ilrs").partners}


def test_a_ledger_is_begun_written_checked_and_copied(place, keys, tmp_path):
    with Ledger.begin(place, load_plan("ilrs"), keys) as ledger:
        for number in range(3):
            ledger.append(keys["cnsa"], "record", {"topic": str(number)})
        assert "postgres@" not in ledger.place
        ledger.export(tmp_path / "a.jsonl")
    assert verify_ledger(place).sound
    assert import_ledger(tmp_path / "a.jsonl", str(tmp_path / "copy.db")) == 4
    with pytest.raises(OutputError, match="holds a ledger already"):
        Ledger.begin(place, load_plan("ilrs"), keys)


def test_an_empty_database_holds_no_ledger(place):
    with pytest.raises(DataError, match="holds no ledger"):
        Ledger.open(place)


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(DataError, match="cannot be reached"):
        Ledger.open("postgresql://postgres@127.0.0.1:1/nothing")


def test_changed_columns_are_seen(place, keys):
    import pg8000.dbapi

    with Ledger.begin(place, load_plan("ilrs"), keys) as ledger:
        ledger.append(keys["cnsa"], "record", {"topic": "t"})
    port, name = int(place.rpartition(":")[2].partition("/")[0]), place.rpartition("/")[2]
    link = pg8000.dbapi.connect(user="postgres", host="127.0.0.1", port=port, database=name)
    cursor = link.cursor()
    for change, back in (
        ("hash = replace(hash, '0', '1')", None),
        ("entry = 7", "entry = 1"),
        ("line = replace(line, 'record', 'recorf')", "line = replace(line, 'recorf', 'record')"),
    ):
        cursor.execute("SELECT hash FROM entries WHERE entry > 0")
        digest = cursor.fetchone()[0]
        cursor.execute(f"UPDATE entries SET {change} WHERE entry > 0")
        link.commit()
        assert not verify_ledger(place).sound
        cursor.execute(f"UPDATE entries SET {back or f'hash = {chr(39)}{digest}{chr(39)}'} WHERE entry > 0")
        link.commit()
    assert verify_ledger(place).sound
    link.close()


def test_two_writers_do_not_lose_each_others_entries(place, keys):
    with Ledger.begin(place, load_plan("ilrs"), keys) as one, Ledger.open(place) as two:
        for turn in range(6):
            (one, two)[turn % 2].append(keys["cnsa"], "record", {"topic": str(turn)})
        assert [row[2] for row in one.state().records] == list("012345")


_WRITER = """
import sys
from moonpost.partners.ledger import Ledger, load_key
key = load_key(sys.argv[2])
with Ledger.open(sys.argv[1]) as ledger:
    while True:
        print(ledger.append(key, "record", {"topic": "t"}).entry, flush=True)
"""


@pytest.mark.parametrize("after", [1, 23])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(place, keys, tmp_path, after):
    Ledger.begin(place, load_plan("ilrs"), keys).__exit__()
    key = save_key(keys["cnsa"], tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, place, str(key)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(next(writer.stdout)) for _ in range(after)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.strip()]
    found = verify_ledger(place)
    assert found.sound
    assert found.entries >= told[-1] + 1
