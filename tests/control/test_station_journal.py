"""The journal: on the disk before it counts, whole after a kill, and the station goes on when the disk is full."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from moonpost.control.station.journal import Entry, Journal
from moonpost.errors import DataError, InputError, OutputError

sys.path.insert(0, str(Path(__file__).parent))
from station_samples import at, command, opened, stages

FLIGHT = {"plan": "a", "seed": 1}


def filled(path: Path, number: int = 3) -> list[Entry]:
    entries = [Entry(k, k + 1000, bytes([24, k])) for k in range(number)]
    with Journal(path, FLIGHT) as journal:
        for entry in entries:
            journal.append(entry)
    return entries


def test_entries_come_back(tmp_path) -> None:
    entries = filled(tmp_path / "j")
    with Journal(tmp_path / "j", FLIGHT) as journal:
        assert journal.entries == entries


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_half_line_at_the_end_is_cut(tmp_path, cut) -> None:
    path = tmp_path / "j"
    entries = filled(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, FLIGHT) as journal:
        kept = len(journal.entries)
        assert journal.entries == entries[:kept]
        journal.append(Entry(9, 10, b"\x18"))
    assert kept in (1, 2)
    with Journal(path, FLIGHT) as journal:
        assert journal.entries == [*entries[:kept], Entry(9, 10, b"\x18")]


def test_a_kill_at_odd_octets_leaves_the_whole_lines(tmp_path) -> None:
    path = tmp_path / "j"
    entries = filled(path, 6)
    octets = path.read_bytes()
    for length in range(octets.index(b"\n") + 1, len(octets), 11):
        path.write_bytes(octets[:length])
        with Journal(path, FLIGHT) as journal:
            assert journal.entries == entries[: octets[:length].count(b"\n") - 1]
            assert journal.unchained == 0
        assert path.read_bytes() == octets[:length][: octets[:length].rfind(b"\n") + 1]


@pytest.mark.parametrize("what", ["out", "twice", "swapped", "changed", "unchained", "empty"])
def test_a_line_taken_out_moved_or_changed_is_told_with_its_place(tmp_path, what) -> None:
    path = tmp_path / "j"
    filled(path, 7)
    whole = path.read_bytes().splitlines(keepends=True)
    for row in range(1, 7):
        lines = list(whole)
        if what == "out":
            del lines[row]
        elif what == "twice":
            lines.insert(row, lines[row])
        elif what == "swapped":
            lines[row], lines[row + 1] = lines[row + 1], lines[row]
        elif what == "changed":
            lines[row] = lines[row].replace(b'"arrived_us":1', b'"arrived_us":2')
        elif what == "unchained":
            lines[row] = lines[row][: lines[row].index(b',"chain"')] + b"}\n"
        else:
            lines.insert(row, b"\n")
        path.write_bytes(b"".join(lines))
        with pytest.raises(DataError) as told:
            Journal(path, FLIGHT)
        assert told.value.where == f"{path}, line {row + 1 + (what == 'twice')}"
        assert "does not follow" in told.value.what
        assert "restore" in str(told.value)
        assert path.read_bytes() == b"".join(lines)  # nothing was put right behind anyone's back


def test_a_journal_from_before_the_chain_goes_on_and_is_covered_from_then(tmp_path) -> None:
    path = tmp_path / "j"
    entries = filled(path)
    lines = [line[: line.index(b',"chain"')] + b"}\n" for line in path.read_bytes().splitlines(keepends=True)]
    path.write_bytes(b"".join(lines))
    more = Entry(9, 2000, b"\x18")
    with Journal(path, FLIGHT) as journal:
        assert (journal.entries, journal.unchained) == (entries, 4)
        journal.append(more)
    with Journal(path, FLIGHT) as journal:
        assert (journal.entries, journal.unchained) == ([*entries, more], 4)
    octets = path.read_bytes()
    for line in lines:
        path.write_bytes(octets.replace(line, b""))
        with pytest.raises(DataError, match="line 4"):
            Journal(path, FLIGHT)


def test_a_kill_within_the_first_line_begins_anew(tmp_path) -> None:
    (tmp_path / "j").write_bytes(b'{"flight": {"pl')
    assert filled(tmp_path / "j", 1)


@pytest.mark.parametrize("line", [b"{}\n", b"noise\n", b"[1]\n", b'{"sent_us":1,"arrived_us":2,"octets":"zz"}\n'])
def test_damage_elsewhere_is_told_with_its_line(tmp_path, line) -> None:
    path = tmp_path / "j"
    filled(path)
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(first + b"\n" + line + rest)
    with pytest.raises(DataError, match="line 2"):
        Journal(path, FLIGHT)


def test_a_journal_of_another_flight_is_refused(tmp_path) -> None:
    filled(tmp_path / "j")
    with pytest.raises(InputError, match="another flight"):
        Journal(tmp_path / "j", {"plan": "b"})
    with pytest.raises(OutputError):
        Journal(tmp_path / "j" / "k", FLIGHT)


def test_a_full_disk_refuses_the_command_and_the_station_goes_on(tmp_path, monkeypatch) -> None:
    station = opened(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_bytes()
    octets, real = command(station, "ping", 1), os.pwrite
    monkeypatch.setattr(os, "pwrite", _half_then_full(real))
    with pytest.raises(OutputError, match="No space left"):
        station.uplink(octets, at(0.0))
    monkeypatch.setattr(os, "pwrite", real)
    assert (tmp_path / "journal.jsonl").read_bytes() == lines
    assert station.advance(at(0.2))
    station.uplink(octets, at(0.2))
    assert stages(station, station.advance(at(0.4))) == [("acceptance", 1), ("start", 1), ("completion", 1)]


def _half_then_full(real: Callable[[int, bytes, int], int]) -> Callable[[int, bytes, int], int]:
    """Write a few octets, then have no more room."""
    calls: list[bytes] = []

    def write(number: int, what: bytes, place: int) -> int:
        calls.append(what)
        if len(calls) == 1:
            return real(number, what[:20], place)
        raise OSError(errno.ENOSPC, "No space left on device")

    return write
