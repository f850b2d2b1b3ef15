"""Where steps of calls and samples are kept: a file of JSON lines, or the partners' ledger."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import DataError, InputError, ModelError, OutputError
from moonpost.files import atomic_path
from moonpost.partners.calls import Calls
from moonpost.partners.samples import Custody

if TYPE_CHECKING:
    from moonpost.partners.ledger import Ledger, PartyKey

__all__ = ["TOPICS", "Record", "Step", "read_record", "write_steps"]

TOPICS = ("call", "sample")
"""What is kept."""

_NONE = "0" * 64
_FIELDS = {"data", "hash", "number", "previous", "time", "topic"}
_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Step:
    """One step as it is kept.

    Parameters
    ----------
    number : int
        Line of the file or entry of the ledger, from 0.
    topic : str
        One of `TOPICS`.
    data : dict
        What was done.
    party : str
        Who signed it in a ledger; empty in a file.
    time : str
        When it was written, UTC.

    Examples
    --------
    >>> Step(0, "sample", {"do": "move", "sample": "ce5", "store": "backup"}).party
    ''
    """

    number: int
    topic: str
    data: dict[str, Any]
    party: str = ""
    time: str = ""


@dataclass(frozen=True)
class Record:
    """Everything that a place keeps of calls and samples.

    Parameters
    ----------
    place : str
        Where it is.
    steps : tuple of Step
        In their order.
    calls : Calls
        Where all calls stand.
    custody : Custody
        Where all samples are.
    faults : tuple of str
        Steps that the rules do not allow: they were written past them and have no effect.

    Examples
    --------
    >>> Record("nowhere", (), Calls(), Custody(), ()).custody.kept_mg
    0
    """

    place: str
    steps: tuple[Step, ...]
    calls: Calls
    custody: Custody
    faults: tuple[str, ...]


def read_record(place: str | os.PathLike[str]) -> Record:
    """Read a record and play its steps, after checking the chain of the file or the whole ledger.

    Parameters
    ----------
    place : str or path-like
        File of JSON lines; or a ledger: SQLite file, PostgreSQL URL or an exported ledger.

    Returns
    -------
    Record

    Raises
    ------
    DataError
        If it is not there, half written, changed or no such record.

    Examples
    --------
    >>> read_record("nowhere.jsonl")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.jsonl: no such record; begin one with moonpost call open or sample receive
    """
    if _is_ledger(str(place)):
        return _play(str(place), _ledger_steps(str(place)))
    return _play(str(place), _read(Path(place))[0])


def _play(place: str, steps: Sequence[Step]) -> Record:
    """Play steps; those that are not allowed are told and change nothing."""
    calls, custody = Calls(), Custody()
    faults = []
    for step in steps:
        refusal = _apply(calls if step.topic == "call" else custody, step.data, step.party)
        if refusal:
            faults.append(f"step {step.number} ({step.topic}) is not allowed and has no effect: {refusal}")
    return Record(place, tuple(steps), calls, custody, tuple(faults))


def write_steps(
    place: str | os.PathLike[str],
    topic: str,
    actions: Sequence[Mapping[str, Any]],
    *,
    key: PartyKey | None = None,
) -> tuple[Step, ...]:
    """Keep steps if the rules allow all of them; else nothing is written.

    Parameters
    ----------
    place : str or path-like
        File of JSON lines, made if there is none; or a ledger.
    topic : str
        One of `TOPICS`.
    actions : sequence of mapping
        Steps in their order.
    key : PartyKey, optional
        Who signs them; needed for a ledger.

    Returns
    -------
    tuple of Step
        As kept, on the disk.

    Raises
    ------
    InputError
        If there is nothing to write, a ledger and no key, or a value that cannot be kept.
    ModelError
        If the rules do not allow a step; it is named and nothing was written.
    DataError
        If what is there cannot be read.

    Notes
    -----
    Each line of a file carries the SHA-256 of its canonical text (RFC 8785) and of the line before, so that a
    change is seen; that the last lines were cut off, or all was written anew, is seen only in a ledger with
    checkpoints. A file is replaced as a whole, so that a stop leaves what was there. In a ledger each step is a
    signed entry of its own.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     row = {"do": "receive", "sample": "ce5", "mass_mg": 1731000, "store": "main", "use": "permanent"}
    ...     steps = write_steps(Path(folder) / "samples.jsonl", "sample", [row])
    ...     read_record(Path(folder) / "samples.jsonl").custody.kept_mg
    1731000
    """
    _known(topic)
    rows = [dict(action) for action in actions]
    if not rows:
        raise InputError("nothing to write", where="actions", advice="give a step")
    if _is_ledger(str(place)):
        return _into_ledger(str(place), topic, rows, key)
    path = Path(place)
    with _alone(path):
        steps, head = _read(path) if path.exists() else ([], _NONE)
        _check(_play(str(path), steps), topic, rows, "")
        lines = path.read_bytes() if steps else b""
        made: list[Step] = []
        for row in rows:
            step, line, head = _line(len(steps) + len(made), topic, row, head)
            made.append(step)
            lines += line + b"\n"
        with atomic_path(path) as part:
            part.write_bytes(lines)
    return tuple(made)


def _known(topic: str) -> None:
    if topic not in TOPICS:
        raise InputError(f"{topic!r}", where="topic", advice=f"use {', '.join(TOPICS)}")


def _apply(state: Calls | Custody, data: Mapping[str, Any], party: str) -> str:
    return state.apply(data, party)


def _check(record: Record, topic: str, rows: Sequence[Mapping[str, Any]], party: str) -> None:
    """Refuse all if one is not allowed."""
    state = record.calls if topic == "call" else record.custody
    for number, row in enumerate(rows):
        refusal = _apply(state, row, party)
        if refusal:
            which = f" {number + 1} of {len(rows)}" if len(rows) > 1 else ""
            raise ModelError(refusal, where=f"{row.get('do', 'step')}{which}", advice="nothing was written")


def _line(number: int, topic: str, data: dict[str, Any], previous: str) -> tuple[Step, bytes, str]:
    """A step as a line, with its hash."""
    from moonpost.partners.ledger.entries import canonical, now_utc

    body = {"data": data, "number": number, "previous": previous, "time": now_utc(), "topic": topic}
    digest = hashlib.sha256(canonical(body)).hexdigest()
    line = canonical({**body, "hash": digest})
    return Step(number, topic, data, "", str(body["time"])), line, digest


def _read(path: Path) -> tuple[list[Step], str]:
    """Steps of a file and the hash of the last."""
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        advice = "begin one with moonpost call open or sample receive"
        raise DataError("no such record", where=str(path), advice=advice) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path), advice="check the path") from error
    steps: list[Step] = []
    previous = _NONE
    if not text:
        raise DataError("is empty", where=str(path), advice="get a copy, or name a file that does not exist yet")
    for number, line in enumerate(text.split(b"\n")[:-1]):
        step, previous = _parse(line, number, previous, f"{path}, line {number + 1}")
        steps.append(step)
    if not text.endswith(b"\n"):
        raise DataError(
            "is half written", where=f"{path}, line {len(steps) + 1}", advice="get a sound copy, or cut that line"
        )
    return steps, previous


def _parse(line: bytes, number: int, previous: str, where: str) -> tuple[Step, str]:
    """One line, its number, hash and place in the chain checked."""
    from moonpost.partners.ledger.entries import canonical

    fault = ""
    try:
        row = json.loads(line.decode("utf-8"))
        if not isinstance(row, dict) or set(row) != _FIELDS or canonical(row) != line:
            fault = "is no line of a record in canonical JSON"
        else:
            digest = row.pop("hash")
            if digest != hashlib.sha256(canonical(row)).hexdigest():
                fault = "was changed: its hash is another"
            elif row["previous"] != previous or row["number"] != number:
                fault = "does not follow the line before"
            elif not isinstance(row["data"], dict) or row["topic"] not in TOPICS:
                fault = "has no step of a call or a sample"
    except (ValueError, InputError, RecursionError) as error:
        fault = f"cannot be read ({error})"
    if fault:
        raise DataError(fault, where=where, advice="get a sound copy")
    return Step(number, row["topic"], row["data"], "", str(row["time"])), digest


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else writes in this folder meanwhile, where the system can lock it."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise OutputError(
            f"cannot write: {error.strerror}", where=str(path), advice="choose a folder you may write to"
        ) from error
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _is_ledger(place: str) -> bool:
    """Whether a place is a ledger: a URL, a SQLite file, or lines of entries."""
    from moonpost.partners.ledger.stores import is_url

    if is_url(place):
        return True
    try:
        with open(place, "rb") as file:
            start = file.read(2 << 20).split(b"\n", 1)[0]
    except OSError:
        return False
    return start.startswith(_MAGIC[:8]) or (b'"signature"' in start and b'"ledger"' in start)


def _ledger_steps(place: str) -> tuple[Step, ...]:
    """Records of a sound ledger."""
    from moonpost.partners.ledger import verify_ledger

    found = verify_ledger(place)
    if not found.sound:
        fault = found.faults[0]
        raise DataError(f"entry {fault.entry}: {fault.text}", where=place, advice="run moonpost ledger verify")
    return tuple(
        Step(number, topic, data if isinstance(data, dict) else {}, party)
        for number, party, topic, data in found.state.records
        if topic in TOPICS
    )


def _into_ledger(place: str, topic: str, rows: Sequence[dict[str, Any]], key: PartyKey | None) -> tuple[Step, ...]:
    """Write each step as an entry, after checking all of them."""
    from moonpost.partners.ledger import Ledger

    if key is None:
        raise InputError("a ledger takes signed entries only", where=place, advice="name your key with --key")
    _check(_play(place, _ledger_steps(place)), topic, rows, key.party)
    with Ledger.open(place) as ledger:
        return tuple(_entry(ledger, topic, row, key) for row in rows)


def _entry(ledger: Ledger, topic: str, row: dict[str, Any], key: PartyKey) -> Step:
    entry = ledger.append(key, "record", {"topic": topic, "data": row})
    return Step(entry.entry, topic, row, key.party, entry.time)
