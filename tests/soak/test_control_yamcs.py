"""Telemetry into our archive and into that of Yamcs, the same packets in one run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.soak
def test_telemetry_is_taken_ten_times_as_fast_as_by_yamcs(monkeypatch: pytest.MonkeyPatch) -> None:
    """50,000 packets of 100 numbers; packets and values are counted and their checksums compared on both sides."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "bench"))
    from topics import ingest

    _, here, there = ingest.compare(50_000)
    assert there.seconds / here.seconds >= 10.0
    assert there.processor / here.processor >= 10.0
