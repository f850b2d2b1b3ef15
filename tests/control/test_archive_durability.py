"""Killed writers, torn ends, full disks and damaged files: what was acknowledged stays, what is wrong is told."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.archive import Archive, rebuild, verify
from moonpost.control.archive import writer as writing
from moonpost.control.archive.stops import stopped
from moonpost.errors import DataError, OutputError

sys.path.insert(0, str(Path(__file__).parent))
from archive_samples import EPOCH, LATER, decode, make


def counts(archive: Archive) -> list[int]:
    return archive.query("c5/count", EPOCH, LATER).value.tolist()


def kill(folder: Path, rounds: int, sync_s: float) -> int:
    script = Path(__file__).with_name("archive_samples.py")
    command = [sys.executable, str(script), str(folder), str(rounds), "7", str(sync_s)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 4 * rounds, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("sync_s", [0.0, 0.05])
def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path, sync_s: float) -> None:
    last = kill(tmp_path, 2, sync_s)
    assert last > 0
    with Archive.open(tmp_path, decode):
        pass
    assert verify(tmp_path).is_sound


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path) -> None:
    assert kill(tmp_path, 200, 0.0) > 10_000
    with Archive.open(tmp_path, decode) as archive:
        before = counts(archive)
    assert verify(tmp_path).is_sound
    rebuild(tmp_path, decode)
    with Archive.open(tmp_path, decode) as archive:
        assert counts(archive) == before


def test_it_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync

    def noted(file: int) -> None:
        real(file)
        synced.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fdatasync", noted)
    with Archive.open(tmp_path) as archive:
        for number in range(3):
            assert archive.append(make([number])).acknowledged
            assert synced[-1] == 64 + 48 * (number + 1)
    synced.clear()
    with Archive.open(tmp_path, sync_s=3600.0) as archive:
        archive.append(make([3]))
        assert [archive.append(make([n])).acknowledged for n in (4, 5)] == [False, False]
        assert archive.status.acknowledged < archive.status.packets == 3
        assert archive.sync() == 3
        assert synced[-1] == 64 + 3 * 48


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_torn_end_is_cut_and_told(
    tmp_path_factory: pytest.TempPathFactory, first: int, second: int, data: st.DataObject
) -> None:
    folder, copy = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b") / "copy"
    with Archive.open(folder, decode) as archive:
        archive.append(make(np.arange(first)))
        (path,) = (folder / "raw").glob("*.seg")
        promised = path.stat().st_size
        archive.append(make(np.arange(first, first + second)))
        shutil.copytree(folder, copy)
    torn = copy / "raw" / path.name
    end = data.draw(st.integers(promised, path.stat().st_size - 1))
    os.truncate(torn, end)
    if data.draw(st.booleans()):
        with open(torn, "ab") as file:
            file.write(bytes(data.draw(st.integers(0, 300))))
    length = torn.stat().st_size
    whole = first + (end - promised) // 48
    with Archive.open(copy, decode, read_only=True) as archive:
        assert counts(archive) == list(range(whole))
    with Archive.open(copy, decode) as archive:
        assert counts(archive) == list(range(whole))
        assert archive.status.cut_bytes == length - 64 - 48 * whole
        assert archive.status.damage == 0
        archive.append(make(np.arange(whole, 90)))
        assert counts(archive) == list(range(90))
        assert archive.gaps(EPOCH, LATER) == ()
    assert verify(copy).is_sound


@settings(max_examples=10, deadline=None)
@given(st.integers(64, 64 + 48 * 39), st.integers(0, 7), st.booleans())
def test_a_flipped_bit_costs_one_packet_and_is_told(
    tmp_path_factory: pytest.TempPathFactory, octet: int, bit: int, closed: bool
) -> None:
    folder, copy = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b") / "copy"
    with Archive.open(folder) as archive:
        archive.append(make(np.arange(40)))
        if not closed:
            shutil.copytree(folder, copy)
    if closed:
        shutil.copytree(folder, copy)
    path = copy / "raw" / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[octet] ^= 1 << bit
    path.write_bytes(content)
    hit = (octet - 64) // 48
    last = hit == 39
    with Archive.open(copy, decode) as archive:
        assert counts(archive) == [n for n in range(40) if n != hit]
        if not last and hit:
            assert [gap.missing for gap in archive.gaps(EPOCH, LATER)] == [1]
        if not closed:
            assert (archive.status.damage, archive.status.cut_bytes) == ((0, 48) if last else (1, 0))
    found = verify(copy)
    if closed or not last:
        assert f"octet {64 + 48 * hit}" in str(found.findings[0])
    else:
        assert found.is_sound


def test_a_full_disk_stops_with_one_error_and_goes_on(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Archive.open(tmp_path, decode, hot_values=500) as archive:
        archive.append(make(np.arange(100)))
        assert archive.status.full_since is None
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
        try:
            kept = 100
            while (tmp_path / "raw" / "0000000001.seg").stat().st_size + 48 * 100 <= 30_000:
                archive.append(make(np.arange(kept, kept + 100)))
                kept += 100
            with pytest.raises(OutputError, match="takes no packets"):
                archive.append(make(np.arange(kept, kept + 100)))
            assert archive.status.full_since is not None
            with pytest.raises(OutputError, match="takes no packets"):
                archive.append(make(np.arange(kept, kept + 100)))
            assert counts(archive) == list(range(kept))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        archive.append(make(np.arange(kept, 2000)))
        assert archive.status.full_since is None
        assert counts(archive) == list(range(2000))
        assert archive.status.packets == 2000
        assert (tmp_path / "raw" / "0000000001.seg").stat().st_size == 64 + 48 * 2000
    assert verify(tmp_path).is_sound
    with Archive.open(tmp_path, decode) as archive:
        assert counts(archive) == list(range(2000))


def test_too_little_free_space_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make([0]))
        monkeypatch.setattr(writing, "RESERVE_BYTES", 1 << 60)
        with pytest.raises(OutputError, match="reserve"):
            archive.append(make([1]))
        monkeypatch.undo()
        archive.append(make([1]))
        assert counts(archive) == [0, 1]


def test_a_disk_that_fails_to_sync_gets_no_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: int) -> None:
        raise OSError(5, "Input/output error")

    with Archive.open(tmp_path, decode) as archive:
        archive.append(make([0]))
        monkeypatch.setattr(os, "fdatasync", fails)
        with pytest.raises(OutputError, match="Input/output error"):
            archive.append(make([1]))
        monkeypatch.undo()
        assert archive.append(make([2])).acknowledged
        assert counts(archive) == [0, 2]
        assert [segment.number for segment in archive.segments] == [1, 2]
    assert verify(tmp_path).is_sound


def test_parameters_wait_in_memory_while_they_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("cannot write: No space left on device")

    with Archive.open(tmp_path, decode, hot_values=10) as archive:
        monkeypatch.setattr("moonpost.control.archive.parts.np.save", full)
        for number in range(20):
            assert archive.append(make([number])).acknowledged
        assert "No space" in archive.status.trouble
        assert counts(archive) == list(range(20))
        monkeypatch.undo()
        archive.flush()
        assert counts(archive) == list(range(20))
    assert len(list((tmp_path / "parameters").glob("*.parquet"))) == 1
    assert verify(tmp_path).is_sound


def test_rebuilt_parameters_are_the_same_to_the_bit(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    with Archive.open(tmp_path, decode, segment_bytes=8192, hot_values=3000) as archive:
        for _ in range(30):
            archive.append(make(draw.integers(0, 5000, 200)))
        live = [archive.query("c5/value_v", EPOCH, LATER, bins=bins) for bins in (None, 50)]
        duplicates = archive.status.duplicates
    for file in (tmp_path / "parameters").glob("*.parquet"):
        file.write_bytes(b"lost")
    assert any("hash" in finding.text for finding in verify(tmp_path).findings)
    made = rebuild(tmp_path, decode)
    assert (made.packets, made.duplicates, made.parameters) == (6000, duplicates, 3)
    assert verify(tmp_path).is_sound
    with Archive.open(tmp_path, decode) as archive:
        for before, bins in zip(live, (None, 50), strict=True):
            after = archive.query("c5/value_v", EPOCH, LATER, bins=bins)
            assert after.time.tobytes() == before.time.tobytes()
            assert after.value.tobytes() == before.value.tobytes()
            assert after.minimum.tobytes() == before.minimum.tobytes()
            assert after.gaps == before.gaps


def test_a_check_finds_what_was_taken_away(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a", decode, segment_bytes=4096) as archive:
        for number in range(0, 600, 60):
            archive.append(make(np.arange(number, number + 60)))
    found = verify(tmp_path / "a")
    assert (found.is_sound, found.packets, found.parts) == (True, 600, 1)
    assert found.segments > 3
    for victim, word in (("0000000002.seg", "another"), ("0000000001.seg", "another")):
        shutil.rmtree(tmp_path / "b", ignore_errors=True)
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        (tmp_path / "b" / "raw" / victim).unlink()
        assert word in str(verify(tmp_path / "b").findings[0])
    for path in sorted((tmp_path / "b" / "raw").glob("*.seg"))[-3:]:
        path.unlink()
    assert any("are missing" in str(finding) for finding in verify(tmp_path / "b").findings)
    with pytest.raises(DataError, match="holds no archive"):
        verify(tmp_path / "c")


def test_retention_removes_what_is_old_and_nothing_else(tmp_path: Path) -> None:
    limit = EPOCH + np.timedelta64(300, "s")
    with Archive.open(tmp_path, decode, segment_bytes=4096) as archive:
        for number in range(0, 600, 60):
            archive.append(make(np.arange(number, number + 60)))
            if number == 180:
                archive.flush()
        segments, _ = archive.retire(limit)
        assert segments == 2
        assert counts(archive) == list(range(300, 600))
        archive.append(make(np.arange(600, 650)))
    assert verify(tmp_path).is_sound
    rebuild(tmp_path, decode)
    with Archive.open(tmp_path, decode) as archive:
        assert counts(archive) == list(range(300, 650))
        assert verify(tmp_path).is_sound


def sealed(folder: Path) -> Path:
    """An archive of several closed segments."""
    with Archive.open(folder, decode, segment_bytes=4096) as archive:
        for number in range(0, 600, 60):
            archive.append(make(np.arange(number, number + 60)))
    return folder


@pytest.mark.parametrize("fault", ["short", "head", "gone", "last", "seal", "part"])
def test_the_opening_tells_what_a_moment_shows_and_goes_on(tmp_path: Path, fault: str) -> None:
    raw = sealed(tmp_path) / "raw"
    victim = raw / "0000000002.seg"
    place = {"short": "0000000002.seg, octet 100", "head": "0000000002.seg, octet 0", "gone": "0000000002.seg",
             "last": "raw", "seal": "0000000003.seg, octet 0", "part": ".parquet"}[fault]  # fmt: skip
    if fault == "short":
        os.truncate(victim, 100)
    elif fault == "head":
        victim.write_bytes(b"X" + victim.read_bytes()[1:])
    elif fault == "gone":
        victim.unlink()
    elif fault == "last":
        last = max(raw.glob("*.seg"))
        last.unlink()
        last.with_suffix(".json").unlink()
    elif fault == "seal":
        seal = victim.with_suffix(".json")
        seal.write_text(seal.read_text().replace('"sha256": "', '"sha256": "0')[:-1])
    else:
        next((tmp_path / "parameters").glob("*.parquet")).unlink()
    with Archive.open(tmp_path, decode) as archive:
        assert any(place in finding.place for finding in archive.findings), archive.findings
        assert archive.append(make(np.arange(700, 760), apid=6)).acknowledged
        assert archive.query("c6/count", EPOCH, LATER).value.tolist() == list(range(700, 760))
        kept = sum(len(packets) for packets in archive.packets(EPOCH, LATER))
        assert kept == (540 if fault in ("short", "gone", "last") else 660)
    with Archive.open(tmp_path, decode) as archive:  # numbers of lost segments are not given again
        assert archive.query("c6/count", EPOCH, LATER).value.tolist() == list(range(700, 760))


def test_a_sound_archive_is_opened_without_findings(tmp_path: Path) -> None:
    sealed(tmp_path)
    with Archive.open(tmp_path, decode) as archive:
        assert archive.findings == ()


def test_a_folder_that_is_gone_is_told_and_taken_up_when_it_is_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "a", tmp_path / "b"
    with Archive.open(folder, decode, sync_s=3600.0) as archive:
        archive.append(make(np.arange(10)))
        archive.append(make(np.arange(10, 20)))
        folder.rename(away)
        for call in (archive.sync, archive.flush, lambda: archive.append(make([20]))):
            with pytest.raises(OutputError, match="its files are gone"):
                call()
        assert archive.status.acknowledged == 10
        assert not folder.exists()
        (folder / "raw").mkdir(parents=True)
        (folder / "lock").touch()
        with pytest.raises(OutputError, match="another folder lies in its place"):
            archive.append(make([20]))
        shutil.rmtree(folder)
        away.rename(folder)
        archive.append(make([20]))
        assert archive.sync() == 21
    with Archive.open(folder, decode) as archive:
        assert counts(archive) == list(range(21))
    assert verify(folder).is_sound


def test_closing_without_its_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    folder, away = tmp_path / "a", tmp_path / "b"
    archive = Archive.open(folder, decode)
    archive.append(make(np.arange(10)))
    folder.rename(away)
    with pytest.raises(OutputError, match="its files are gone"):
        archive.close()
    assert not folder.exists()
    away.rename(folder)
    with Archive.open(folder, decode) as again:
        assert counts(again) == list(range(10))


@pytest.mark.parametrize("said", [[28, "disk full"], [122, "disk full"], [2, "folder gone"], [30, "read-only"],
                                  [13, "not permitted"], [5, "disk failing"]])  # fmt: skip
def test_causes_are_told_apart(tmp_path: Path, said: list[object]) -> None:
    error = OSError(said[0], os.strerror(int(str(said[0]))))
    told = stopped(tmp_path, error)
    assert (told.cause, str(error.strerror) in told.what) == (said[1], True)
    wrapped = OutputError("cannot write")
    wrapped.__cause__ = error
    assert stopped(tmp_path, wrapped).cause == said[1]
