"""The archive keeps every packet, shows it once, and tells history and live in the same words."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.archive import Archive, Packets, Series
from moonpost.errors import DataError, DateError, InputError, OutputError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))
from archive_samples import EPOCH, LATER, decode, make


def numbers_of(found: Series) -> list[int]:
    return ((found.time - EPOCH).astype(np.int64) // 1_000_000).tolist()


def same(one: Series, other: Series) -> None:
    for name in ("time", "value", "minimum", "maximum", "count"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), name
    assert one.gaps == other.gaps
    assert one.step_s == other.step_s


def test_values_come_back_exactly_from_memory_and_from_parts(tmp_path: Path) -> None:
    numbers = np.arange(3000)
    with Archive.open(tmp_path, decode) as archive:
        for batch in np.array_split(numbers, 7):
            receipt = archive.append(make(batch))
            assert receipt.acknowledged
            assert receipt.duplicates == 0
        live = archive.query("c5/value_v", EPOCH, LATER)
        archive.flush()
        history = archive.query("c5/value_v", EPOCH, LATER)
        assert live.value.dtype == np.float32
        assert numbers_of(live) == numbers.tolist()
        assert live.value.tobytes() == np.sin(numbers / 7.0).astype(np.float32).tobytes()
        same(live, history)
        assert archive.query("c5/on", EPOCH, LATER).value.dtype == np.bool_
        assert archive.query("c5/count", EPOCH, LATER).value.tolist() == numbers.tolist()
        cut = archive.query("c5/count", EPOCH + np.timedelta64(10, "s"), EPOCH + np.timedelta64(12, "s"))
        assert cut.value.tolist() == [10, 11]
    with Archive.open(tmp_path, decode, read_only=True) as again:
        same(live, again.query("c5/value_v", EPOCH, LATER))


@pytest.mark.parametrize("flushed", ["never", "half", "all"])
@pytest.mark.parametrize("bins", [1, 7, 100, 1000])
def test_bins_are_those_of_the_samples(tmp_path: Path, flushed: str, bins: int) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(4000)))
        if flushed != "never":
            archive.flush()
        archive.append(make(np.arange(4000, 5000)))
        if flushed == "all":
            archive.flush()
        begin, end = EPOCH + np.timedelta64(333, "s"), EPOCH + np.timedelta64(4700, "s")
        found = archive.query("c5/value_v", begin, end, bins=bins)
        assert 0 < len(found) <= bins
        every = archive.query("c5/value_v", "2000-01-01", LATER)
        width = np.timedelta64(round(found.step_s * 1e6), "us")
        assert found.time[0] <= begin < found.time[0] + width
        assert found.time[-1] < end <= found.time[-1] + width
        for row in range(len(found)):
            own = every.value[(every.time >= found.time[row]) & (every.time < found.time[row] + width)]
            assert found.count[row] == own.size
            assert found.minimum[row] == own.min()
            assert found.maximum[row] == own.max()
            assert found.value[row] == pytest.approx(own.astype(np.float64).mean(), rel=1e-14, abs=1e-15)


def test_gaps_are_shown_until_late_packets_fill_them(tmp_path: Path) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(100)))
        archive.append(make(np.arange(150, 200)))
        archive.flush()
        (gap,) = archive.query("c5/value_v", EPOCH, LATER).gaps
        assert (gap.apid, gap.missing) == (5, 50)
        assert gap.after == EPOCH + np.timedelta64(99, "s")
        assert gap.before == EPOCH + np.timedelta64(150, "s")
        time, value = archive.query("c5/value_v", EPOCH, LATER).broken()
        assert np.flatnonzero(np.isnan(value)).tolist() == [100]
        assert time[100] == EPOCH + np.timedelta64(124_500, "ms")
        assert not archive.query("c5/value_v", EPOCH, EPOCH + np.timedelta64(50, "s")).gaps
        archive.append(make(np.arange(120, 150)))
        assert [gap.missing for gap in archive.gaps(EPOCH, LATER)] == [20]
        archive.append(make(np.arange(90, 130)))
        assert archive.query("c5/value_v", EPOCH, LATER).gaps == ()
        assert numbers_of(archive.query("c5/value_v", EPOCH, LATER)) == list(range(200))
        archive.flush()
        assert archive.gaps(EPOCH, LATER) == ()


def test_the_counter_runs_over_without_a_gap(tmp_path: Path) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(16000, 17000)))
        assert archive.gaps(EPOCH, LATER) == ()


def test_duplicates_are_kept_as_received_and_shown_once(tmp_path: Path) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(50)))
        assert archive.append(make([3, 3, 60, 60], receive_s=9)).duplicates == 3
        archive.flush()
        assert archive.append(make(np.arange(61), receive_s=20)).duplicates == 51
        assert numbers_of(archive.query("c5/count", EPOCH, LATER)) == list(range(61))
        assert sum(map(len, archive.packets(EPOCH, LATER))) == 50 + 4 + 61
        assert archive.status.duplicates == 54
    with Archive.open(tmp_path, decode) as archive:
        assert archive.append(make(np.arange(61), receive_s=40)).duplicates == 61


def test_other_octets_under_the_same_count_and_time_are_both_shown(tmp_path: Path) -> None:
    other = make([4])
    other.data[7] = 1
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(9)))
        assert archive.append(other).duplicates == 0
        assert numbers_of(archive.query("c5/count", EPOCH, LATER)) == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
        assert archive.gaps(EPOCH, LATER) == ()


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_order_of_receipt_shows_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(0, 400), min_size=1, max_size=120, unique=True))
    again = data.draw(st.lists(st.sampled_from(numbers), max_size=30))
    mixed = data.draw(st.permutations(numbers + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=5)))
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with Archive.open(one, decode) as plain, Archive.open(other, decode, segment_bytes=4096) as archive:
        plain.append(make(sorted(numbers)))
        expected = plain.query("c5/value_v", EPOCH, LATER), plain.query("c5/value_v", EPOCH, LATER, bins=9)
        for begin, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True):
            archive.append(make(mixed[begin:end]))
            if data.draw(st.booleans()):
                archive.flush()
        same(archive.query("c5/value_v", EPOCH, LATER), expected[0])
        same(archive.query("c5/value_v", EPOCH, LATER, bins=9), expected[1])
        assert numbers_of(expected[0]) == sorted(numbers)
    with Archive.open(other, decode) as archive:
        same(archive.query("c5/value_v", EPOCH, LATER), expected[0])


def test_channels_are_told_apart_and_a_name_in_two_is_one_series(tmp_path: Path) -> None:
    def both(apid: int, packets: Packets) -> dict[str, npt.NDArray[np.generic]]:
        found = decode(5, packets)
        return {"c5/count": found["c5/count"], f"only{apid}": found["c5/value_v"]}

    with Archive.open(tmp_path, both) as archive:
        archive.append(make(np.arange(0, 20, 2), apid=1))
        archive.append(make(np.arange(1, 20, 2), apid=2))
        assert archive.parameters == {"c5/count": (1, 2), "only1": (1,), "only2": (2,)}
        assert archive.query("c5/count", EPOCH, LATER).value.tolist() == list(range(20))
        assert len(archive.query("c5/count", EPOCH, LATER).gaps) == 18


def test_names_that_differ_by_case_and_missing_values(tmp_path: Path) -> None:
    def cased(_: int, packets: Packets) -> dict[str, npt.NDArray[np.generic]]:
        value = np.arange(len(packets), dtype=float)
        return {"t": value, "T": np.where(value % 2, value, np.nan), "packet_time": -value, 'a"b': value * 2}

    with Archive.open(tmp_path, cased) as archive:
        archive.append(make(np.arange(6)))
        archive.flush()
        assert archive.query("t", EPOCH, LATER).value.tolist() == [0, 1, 2, 3, 4, 5]
        assert archive.query("T", EPOCH, LATER).value.tolist() == [1, 3, 5]
        assert archive.query("packet_time", EPOCH, LATER).value.tolist() == [0, -1, -2, -3, -4, -5]
        assert archive.query('a"b', EPOCH, LATER).value.tolist() == [0, 2, 4, 6, 8, 10]
        (one,) = archive.query("T", EPOCH, EPOCH + np.timedelta64(6, "s"), bins=1).count.tolist()
        assert one == 3


def test_packets_that_cannot_be_decoded_are_kept_and_told(tmp_path: Path) -> None:
    def partly(apid: int, packets: Packets) -> dict[str, npt.NDArray[np.generic]]:
        if np.any(packets.sequence == 13):
            raise ValueError("unlucky")
        return decode(apid, packets)

    with Archive.open(tmp_path, partly) as archive:
        archive.append(make(np.arange(10)))
        assert archive.append(make(np.arange(10, 20))).acknowledged
        archive.append(make(np.arange(20, 30)))
        assert archive.status.undecoded == 10
        assert "unlucky" in archive.status.trouble
        assert numbers_of(archive.query("c5/count", EPOCH, LATER)) == [*range(10), *range(20, 30)]
        assert archive.gaps(EPOCH, LATER) == ()


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make([1]))
        with pytest.raises(UnknownNameError, match="did you mean c5/count"):
            archive.query("c5/counts", EPOCH, LATER)
        with pytest.raises(DateError, match="not after"):
            archive.query("c5/count", LATER, EPOCH)
        with pytest.raises(InputError, match="bins"):
            archive.query("c5/count", EPOCH, LATER, bins=0)
        with pytest.raises(OutputError, match="another process"):
            Archive.open(tmp_path, decode)
    with pytest.raises(OutputError, match="closed"):
        archive.append(make([2]))
    with pytest.raises(DataError, match="holds no archive"):
        Archive.open(tmp_path / "none", decode, read_only=True)
    with Archive.open(tmp_path) as plain, pytest.raises(InputError, match="without a decoder"):
        plain.query("c5/count", EPOCH, LATER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"apid": [2048]}, "apid"),
        ({"sequence": [16384]}, "sequence"),
        ({"sequence": [0.5]}, "whole numbers"),
        ({"packets": [b""]}, "empty"),
        ({"packets": [b"a", b"b"]}, "offsets"),
    ],
)
def test_packets_that_cannot_be(change: dict[str, object], message: str) -> None:
    fields = {"packets": [b"a"], "apid": [1], "time": [EPOCH], "sequence": [1], "receive": [EPOCH], **change}
    with pytest.raises(InputError, match=message):
        Packets.of(**fields)  # type: ignore[arg-type]
    with pytest.raises(DateError):
        Packets.of([b"a"], [1], np.array(["NaT"], "datetime64[us]"), [1], [EPOCH])


def test_any_octets_that_are_numbers_are_kept_to_the_bit(tmp_path: Path) -> None:
    octets = np.array([0x7FA00001, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001, 0x7F7FFFFF] * 20, ">u4")

    def plain(_: int, packets: Packets) -> dict[str, npt.NDArray[np.generic]]:
        return {"x": packets.data.view(">f4")}

    number = np.arange(octets.size)
    time = EPOCH + number * 1_000_000
    apid = np.full(octets.size, 9, np.uint16)
    with Archive.open(tmp_path, plain) as archive:
        archive.append(Packets(apid, time, number, time, octets.view(np.uint8), np.arange(octets.size + 1) * 4))
        live = archive.query("x", EPOCH, LATER), archive.query("x", EPOCH, LATER, bins=1)
        archive.flush()
        after = archive.query("x", EPOCH, LATER), archive.query("x", EPOCH, LATER, bins=1)
    assert live[0].value.view(np.uint32).tolist() == [int(o) for o in octets if o != 0x7FA00001]
    assert (live[1].count[0], live[1].minimum[0], live[1].maximum[0]) == (100, -np.inf, np.inf)
    for before, found in zip(live, after, strict=True):
        assert found.value.tobytes() == before.value.tobytes()


def test_a_part_that_is_lost_stops_no_packet(tmp_path: Path) -> None:
    with Archive.open(tmp_path, decode) as archive:
        archive.append(make(np.arange(10)))
        archive.flush()
        for file in (tmp_path / "parameters").glob("*.parquet"):
            file.write_bytes(b"lost")
        assert archive.append(make(np.arange(5, 15))).acknowledged
        assert "cannot be read" in archive.status.trouble
        with pytest.raises(DataError, match="rebuild"):
            archive.query("c5/count", EPOCH, LATER)


def test_queries_while_packets_come_in_see_a_growing_prefix(tmp_path: Path) -> None:
    seen: list[list[int]] = []
    wrong: list[BaseException] = []
    with Archive.open(tmp_path, decode, hot_values=2000) as archive:
        archive.append(make(np.arange(50)))
        stop = threading.Event()

        def look() -> None:
            try:
                while not stop.is_set():
                    shown = archive.query("c5/count", EPOCH, LATER).value.tolist()
                    seen.append(shown)
                    binned = archive.query("c5/count", EPOCH, LATER, bins=8)
                    assert binned.gaps == ()
                    assert binned.count.sum() >= len(shown)
            except BaseException as error:
                wrong.append(error)

        readers = [threading.Thread(target=look) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(50, 4050, 50):
            archive.append(make(np.arange(number, number + 50)))
        stop.set()
        for reader in readers:
            reader.join()
    assert not wrong
    assert len({len(one) for one in seen}) > 2
    for one in seen:
        assert one == list(range(len(one)))
        assert len(one) % 50 == 0
