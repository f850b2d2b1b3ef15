"""The ledger in a real PostgreSQL server, which the test starts on loopback and stops again."""

from __future__ import annotations

import contextlib
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
from moonpost.partners.ledger import (
    Ledger,
    compare_ledgers,
    import_ledger,
    new_key,
    save_key,
    update_ledger,
    verify_ledger,
)
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


class Server:
    """A PostgreSQL server of our own on loopback, that can be started, stopped and killed."""

    def __init__(self, folder):
        self.initdb, self.postgres = _program("initdb"), _program("postgres")
        if not (self.initdb and self.postgres):
            pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
        self.folder, self.who = folder, _as_postgres()
        if self.who:
            os.chown(folder, self.who["user"], self.who["group"])
        make = [self.initdb, "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **self.who)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}"

    def start(self):
        run = [
            self.postgres,
            "-D",
            f"{self.folder}/data",
            "-p",
            str(self.port),
            "-h",
            "127.0.0.1",
            "-k",
            self.folder,
        ]
        self.process = subprocess.Popen(run, stderr=subprocess.PIPE, text=True, cwd=self.folder, **self.who)
        for line in self.process.stderr:
            if "ready to accept connections" in line:
                return
        pytest.fail("the server did not start")

    def end(self, how):
        """Stop it, or kill it with every process that it started."""
        begun = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.send_signal(how)
        for child in begun if how == signal.SIGKILL else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self.process.stderr.read()
        self.process.wait()
        self.process.stderr.close()

    def database(self):
        """A new empty database."""
        name = f"book_{next(_NUMBERS)}"
        with contextlib.closing(_link(self.port, "postgres")) as link:
            link.autocommit = True
            link.cursor().execute(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"


def _link(port, database):
    import pg8000.dbapi

    return pg8000.dbapi.connect(user="postgres", host="127.0.0.1", port=port, database=database)


def _opened(place):
    """A connection of our own to the database of a ledger."""
    return _link(int(place.rpartition(":")[2].partition("/")[0]), place.rpartition("/")[2])


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as folder:
        made = Server(folder)
        made.start()
        try:
            yield made
        finally:
            made.end(signal.SIGQUIT)


@pytest.fixture
def place(server):
    return server.database()


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


def _writer(place, key):
    """A process that writes until it is killed."""
    run = [sys.executable, "-c", _WRITER, place, str(key)]
    return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _killed(place, keys, folder, after):
    """Kill a writer without warning; return the last entry that it was told is safe."""
    key = save_key(keys["cnsa"], folder)
    with _writer(place, key) as writer:
        told = [int(next(writer.stdout)) for _ in range(after)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.strip()]
    return told[-1]


def _nothing_lost(place, last):
    found = verify_ledger(place)
    assert found.sound
    assert found.entries >= last + 1


@pytest.mark.parametrize("after", [1, 23])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(place, keys, tmp_path, after):
    Ledger.begin(place, load_plan("ilrs"), keys).__exit__()
    _nothing_lost(place, _killed(place, keys, tmp_path, after))
    with Ledger.open(place) as ledger:
        ledger.append(keys["cnsa"], "record", {"topic": "goes on"})


@pytest.mark.soak
def test_two_hundred_killed_writers(place, keys, tmp_path):
    Ledger.begin(place, load_plan("ilrs"), keys).__exit__()
    for turn in range(200):
        _nothing_lost(place, _killed(place, keys, tmp_path / str(turn), turn % 7 + 1))


def _server_killed(keys, folder, times):
    """Kill the server with all that it started while a writer writes; it loses nothing that it acknowledged."""
    with tempfile.TemporaryDirectory(prefix="moonpost-pg-") as where:
        server = Server(where)
        server.start()
        place = server.database()
        Ledger.begin(place, load_plan("ilrs"), keys).__exit__()
        key = save_key(keys["cnsa"], folder)
        for turn in range(times):
            with _writer(place, key) as writer:
                told = [int(next(writer.stdout)) for _ in range(turn % 9 + 5)]
                server.end(signal.SIGKILL)
                told += [int(line) for line in writer.stdout if line.strip()]
            server.start()
            _nothing_lost(place, told[-1])
        server.end(signal.SIGQUIT)


def test_a_killed_server_loses_nothing_that_it_acknowledged(keys, tmp_path):
    _server_killed(keys, tmp_path, 1)


@pytest.mark.soak
def test_a_server_killed_thirty_times(keys, tmp_path):
    _server_killed(keys, tmp_path, 30)


@pytest.fixture(scope="module")
def smallest():
    """Two founders and one element: every bit of it can be tried."""
    whole = load_plan("ilrs")
    return whole.model_copy(
        update={
            "partners": tuple(p for p in whole.partners if p.id in ("cnsa", "roscosmos")),
            "elements": tuple(e for e in whole.elements if e.id == "reactor"),
            "missions": (),
            "agreements": (),
        }
    )


def _of_columns(place, plan, keys, every):
    """Flip bits of every column of every row; give how many the server stored, and how many it refused."""
    import pg8000.dbapi

    held = {party: keys[party] for party in ("cnsa", "roscosmos")}
    stored = refused = 0
    with Ledger.begin(place, plan, held) as ledger, contextlib.closing(_opened(place)) as link:
        ledger.append(keys["cnsa"], "propose", {"change": "c", "title": "t", "touches": ["elements[reactor]"]})
        ledger.append(keys["roscosmos"], "consent", {"change": "c"})
        link.autocommit = True
        cursor = link.cursor()
        cursor.execute("SET synchronous_commit = off")
        cells = [
            ("about", "name"),
            ("about", "value"),
            ("entries", "hash"),
            ("entries", "line"),
            ("entries", "entry"),
        ]
        for table, column in cells:
            key = "entry" if table == "entries" else "value"
            cursor.execute(f"SELECT {key}, {column} FROM {table}")
            for row, value in cursor.fetchall():
                for where, old, changed in _variants(row, value, every):
                    try:
                        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", (changed, where))
                    except pg8000.dbapi.Error:
                        refused += 1
                        continue
                    assert not ledger.verify().sound, (table, column, row, changed)
                    back = changed if key == column else where
                    cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", (old, back))
                    stored += 1
        assert ledger.verify().sound
    return stored, refused


def _variants(row, value, every):
    """A value with single bits turned, where it stands, and the value itself."""
    if isinstance(value, int):
        for bit in range(0, 64, 7 if every > 1 else 1):
            turned = (value & (2**64 - 1)) ^ (1 << bit)
            yield row, value, turned - 2**64 if turned >= 2**63 else turned
        return
    data = value.encode()
    for bit in range(0, 8 * len(data), every):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << (bit % 8)
        with contextlib.suppress(UnicodeDecodeError):
            yield row, value, changed.decode()


def test_bits_of_every_stored_column(place, smallest, keys):
    assert _of_columns(place, smallest, keys, 61)[0] > 100


@pytest.mark.soak
def test_every_bit_of_every_stored_column(place, smallest, keys):
    assert _of_columns(place, smallest, keys, 1)[0] > 10_000


def test_a_copy_on_the_server_and_one_in_a_file_are_compared(server, place, keys, tmp_path):
    with Ledger.begin(place, load_plan("ilrs"), keys) as ledger:
        ledger.append(keys["cnsa"], "record", {"topic": "t"})
        ledger.export(tmp_path / "a.jsonl")
        copy, other = str(tmp_path / "copy.db"), server.database()
        import_ledger(tmp_path / "a.jsonl", copy)
        import_ledger(tmp_path / "a.jsonl", other)
        assert compare_ledgers(place, copy).status == "same"
        ledger.append(keys["egypt"], "record", {"topic": "more"})
        assert compare_ledgers(place, copy).status == "second-behind"
        assert update_ledger(copy, place) == 1
        assert update_ledger(other, copy) == 1
        assert compare_ledgers(other, place).status == "same"
        with Ledger.open(other) as own:
            own.append(keys["egypt"], "record", {"topic": "one story"})
        ledger.append(keys["egypt"], "record", {"topic": "another"})
    found = compare_ledgers(place, other)
    assert (found.status, found.common, found.on_both_sides) == ("fork", 3, ("egypt",))
    with pytest.raises(DataError, match="another history"):
        update_ledger(place, other)
