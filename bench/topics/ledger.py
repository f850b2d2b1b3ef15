"""The ledger: what one more entry, a check and an import cost as it grows, in a file and in PostgreSQL.

PostgreSQL is measured if ``MOONPOST_BENCH_POSTGRES`` names an empty database, such as
``postgresql://postgres@127.0.0.1/bench``.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measure import Table, once_s
from moonpost.partners.ledger import Ledger, PartyKey, genesis_body, import_ledger, new_key, verify_ledger
from moonpost.partners.ledger.entries import NO_ENTRY, sign_entry
from moonpost.plan import load_plan

SIZES = (1_000, 10_000, 100_000)
APPENDS = 100


def table() -> Table:
    """Costs by number of entries."""
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        lines = _lines(plan, keys, max(SIZES))
        for size in SIZES:
            path = Path(folder) / f"{size}.jsonl"
            path.write_bytes(b"".join(line + b"\n" for line in lines[:size]))
            rows.append(_row("SQLite", str(Path(folder) / f"{size}.db"), path, keys["cnsa"]))
        place = os.environ.get("MOONPOST_BENCH_POSTGRES", "")
        if place:
            rows.append(_row("PostgreSQL", place, Path(folder) / f"{SIZES[1]}.jsonl", keys["cnsa"]))
    return Table(
        topic="ledger",
        title="The ledger as it grows",
        method=f"Signed notes of {len(lines[-1])} bytes after a beginning with {len(keys)} parties. Check: every "
        "entry's text, chain, signature and rules, in processor time of this process, as is the import: check, "
        f"then write all in one transaction. An entry: mean of {APPENDS} in an open ledger, each on the disk "
        "before the next; the first one after opening checks the whole.",
        head=["place", "entries", "export (MB)", "check of the export (s)", "us an entry", "import (s)",
              "check of the place (s)", "first entry (s)", "an entry (ms)"],
        rows=rows,
        reading="A check grows with the number of entries and nothing else; about half of it are the signatures. "
        "An entry costs what the disk takes to promise it, at any size; its time is that of the clock.",
        packages=("moonpost", "cryptography", "rfc8785"),
    )  # fmt: skip


def _lines(plan: object, keys: dict[str, PartyKey], size: int) -> list[bytes]:
    """A ledger of notes, made without a store."""
    body = genesis_body(plan, {party: key.public for party, key in keys.items()})  # type: ignore[arg-type]
    entry = sign_entry(keys["cnsa"], "ab" * 16, 0, NO_ENTRY, "genesis", body)
    lines = [entry.line]
    for number in range(1, size):
        key = keys["cnsa" if number % 2 else "roscosmos"]
        note = {"topic": "note", "data": {"number": number, "text": "telemetry of the day received in full"}}
        entry = sign_entry(key, entry.ledger, number, entry.hash, "record", note)
        lines.append(entry.line)
    return lines


def _processor_s(call: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of one call [s], and what it gave."""
    begun = time.process_time()
    found = call()
    return time.process_time() - begun, found


def _row(kind: str, place: str, path: Path, key: PartyKey) -> Sequence[str]:
    """One line of the table."""
    export, found = _processor_s(lambda: verify_ledger(str(path)))
    taken, _ = _processor_s(lambda: import_ledger(path, place))
    check, again = _processor_s(lambda: verify_ledger(place))
    assert found.sound
    assert again.sound
    with Ledger.open(place) as ledger:
        first, _ = _processor_s(lambda: ledger.append(key, "record", {"topic": "first"}))
        rest, _ = once_s(lambda: [ledger.append(key, "record", {"topic": "note"}) for _ in range(APPENDS)])
    return [
        kind, f"{found.entries:,}", f"{path.stat().st_size / 1e6:.2f}", f"{export:.2f}",
        f"{1e6 * export / found.entries:.0f}", f"{taken:.2f}", f"{check:.2f}", f"{first:.2f}",
        f"{1e3 * rest / APPENDS:.1f}",
    ]  # fmt: skip
