"""The archive: packets in, parameters out."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from measure import Table
from moonpost.control.archive import Archive, Packets, verify

EPOCH = np.datetime64("2030-01-01", "us")
PARAMETERS = 100
BATCH = 4096
BATCHES = 100
SAMPLES = 100_000_000
CHUNK = 1_000_000
QUERIES = 101


def decode(apid: int, packets: Packets) -> dict[str, Any]:
    """Numbers of 32 bits one after another."""
    table = packets.data.reshape(len(packets), -1).view(">f4")
    columns = np.ascontiguousarray(table.T.astype(np.float32))
    return {f"c{apid}/p{number}": values for number, values in enumerate(columns)}


def packets(first: int, size: int, values: np.ndarray) -> Packets:
    """Packets a millisecond apart, each with a row of values."""
    number = np.arange(first, first + size)
    made = EPOCH + number * 1000
    width = 4 * values.shape[1]
    data = values[:size].astype(">f4").view(np.uint8).ravel()
    return Packets(
        np.full(size, 7, np.uint16),
        made,
        (number % 16384).astype(np.uint16),
        made,
        data,
        np.arange(size + 1) * width,
    )


def table() -> Table:
    """Rates in and times out."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_ingest(Path(folder) / "wide"), *_queries(Path(folder) / "long")]
    return Table(
        topic="archive",
        title="The archive: packets in, parameters out",
        method=f"In: {BATCHES} batches of {BATCH} packets of {PARAMETERS} random float32 each, from memory, "
        "through checksums, segment, wait for the disk after each batch, decoding by numpy, duplicates dropped, "
        "columns, statistics and Parquet, until all is on the disk; then every packet counted and every "
        f"checksum checked. Out: one parameter with {SAMPLES:,} samples, a millisecond apart; median and 95th "
        f"percentile of {QUERIES} queries at random times in one open archive.",
        head=["what", "result", "processor"],
        rows=rows,
        reading="Ingest is bound by the processor, then by the disk's promise for each batch. Long ranges read "
        "statistics made beforehand, short ones the samples: neither grows with the archive.",
        packages=("moonpost", "numpy", "numba", "duckdb"),
    )


def _ingest(folder: Path) -> list[list[str]]:
    """Rates of wide packets."""
    draw = np.random.default_rng(1)
    values = draw.standard_normal((BATCH, PARAMETERS)).astype(np.float32)
    made = [packets(number * BATCH, BATCH, values) for number in range(BATCHES + 4)]
    with Archive.open(folder, decode) as archive:
        for batch in made[:4]:
            archive.append(batch)
        archive.flush()
        begun, processor = time.perf_counter(), time.process_time()
        for batch in made[4:]:
            assert archive.append(batch).acknowledged
        queryable = time.perf_counter() - begun
        archive.flush()
        spent, processor = time.perf_counter() - begun, time.process_time() - processor
    count = BATCH * PARAMETERS * BATCHES
    found = verify(folder)
    assert found.is_sound
    assert found.packets == BATCH * (BATCHES + 4)
    return [
        ["in, until it can be queried", f"{count / queryable / 1e6:.1f} million parameters/s", ""],
        ["in, until it is in Parquet", f"{count / spent / 1e6:.1f} million parameters/s",
         f"{count / processor / 1e6:.1f} million parameters/s of processor time"],
        ["lost or damaged of all packets", f"0 of {found.packets:,}", ""],
    ]  # fmt: skip


def _queries(folder: Path) -> list[list[str]]:
    """Times of queries in a long series."""
    draw = np.random.default_rng(2)
    with Archive.open(folder, decode, sync_s=60.0) as archive:
        begun = time.perf_counter()
        for first in range(0, SAMPLES, CHUNK):
            archive.append(packets(first, CHUNK, draw.standard_normal((CHUNK, 1)).astype(np.float32)))
        spent = time.perf_counter() - begun
        rows = [[f"{SAMPLES:,} packets of one parameter", f"{SAMPLES / spent / 1e6:.2f} million packets/s", ""]]
        for what, span, bins in (
            ("every sample of 1 s (1,000)", 1_000, None), ("every sample of 10 s (10,000)", 10_000, None),
            ("1,000 bins of a minute", 60_000, 1000), ("1,000 bins of an hour", 3_600_000, 1000),
            ("1,000 bins of a day", 86_400_000, 1000), ("1,000 bins of all", SAMPLES, 1000),
        ):  # fmt: skip
            times = []
            for _ in range(QUERIES):
                start = int(draw.integers(0, SAMPLES - span + 1))
                begin, end = EPOCH + start * 1000, EPOCH + (start + span) * 1000
                begun = time.perf_counter()
                found = archive.query("c7/p0", begin, end, bins=bins)
                times.append(time.perf_counter() - begun)
                assert bins or len(found) == span
            low, high = 1e3 * np.median(times), 1e3 * np.quantile(times, 0.95)
            rows.append([what, f"{low:.2f} ms ({high:.2f} ms)", ""])
        begun = time.perf_counter()
    closing = time.perf_counter() - begun
    begun = time.perf_counter()
    with Archive.open(folder, decode, read_only=True):
        rows.append(["closing, and opening again", f"{closing:.2f} s, {time.perf_counter() - begun:.2f} s", ""])
    return rows
