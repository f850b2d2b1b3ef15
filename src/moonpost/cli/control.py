"""``moonpost control``: upkeep of what mission control keeps, and who may log in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli import controlusers
from moonpost.cli.output import JSON, emit, table
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from moonpost.control.archive import Archive
    from moonpost.control.packets import Decoder

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Mission control's archive: rebuild, verify, export, gaps; its dictionary; its users.",
)
_SIGNALS = (2, 15)
_DIR = typer.Argument(metavar="DIR", help="Folder of mission control (moonpost serve --data), or of an archive.")
_XTCE = typer.Option(None, "--xtce", help="Dictionary of the packets; the one kept in the archive if not given.")
_START = typer.Option("", "--start", help="First instant, UTC, such as 2040-01-01T06:00Z; the first packet's.")
_STOP = typer.Option("", "--stop", help="Where it ends, UTC, not included; behind the last packet.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    for verb in (verify, rebuild, gaps, export):
        _app.command(verb.__name__)(verb)
    _app.command("dictionary")(dictionary)
    _app.command("ingest")(ingest)
    _app.command("renew")(renew)
    controlusers.register(_app)
    app.add_typer(_app, name="control")


def rebuild(folder: Path = _DIR, xtce: Path | None = _XTCE, as_json: bool = JSON) -> None:
    """Make all decoded parameters again from the packets, which are not touched; stop the server before.

    Example: moonpost control rebuild mission
    """
    from moonpost.control.archive import archive_decoder
    from moonpost.control.archive import rebuild as made_again
    from moonpost.control.ground.keeping import archive_folder, keep_dictionary

    place = archive_folder(folder)
    decoder = _decoder(place, xtce)
    found = made_again(place, archive_decoder(decoder))
    if xtce is not None:
        keep_dictionary(place, decoder.dictionary)
    value = {
        "archive": str(place), "packets": found.packets, "duplicates": found.duplicates,
        "undecoded": found.undecoded, "parameters": found.parameters, "rejects": dict(decoder.tally.rejects),
    }  # fmt: skip
    rejected = "".join(f", {number:,} {cause}" for cause, number in decoder.tally.rejects.items())
    text = (
        f"{_counted(found.packets, 'packet')} ({found.duplicates:,} of them again{rejected}), "
        f"{_counted(found.parameters, 'parameter')}"
    )
    emit(value, as_json, lambda: f"{place}: {text}")


def verify(folder: Path = _DIR, as_json: bool = JSON) -> None:
    """Check every packet, segment and part against its checksum; exit code 1 if anything is wrong.

    The database and the record of actions beside the archive are checked, too. A server may run meanwhile; what
    it takes while the check runs is not looked at.

    Example: moonpost control verify mission
    """
    from moonpost.control.archive import verify as checked
    from moonpost.control.ground.keeping import archive_folder

    place = archive_folder(folder)
    found = checked(place)
    findings = [(finding.place, finding.text) for finding in found.findings]
    findings += _beside(folder)
    is_sound = not findings
    value = {
        "archive": str(place), "sound": is_sound, "segments": found.segments, "packets": found.packets,
        "size_bytes": found.size_bytes, "parts": found.parts,
        "findings": [{"place": where, "text": text} for where, text in findings],
    }  # fmt: skip
    counted = (
        f"{_counted(found.packets, 'packet')} in {_counted(found.segments, 'segment')}, "
        f"{_counted(found.parts, 'part')} of parameters"
    )
    lines = [f"{place}: {counted}: {'sound' if is_sound else 'NOT sound'}"]
    lines += [f"{where}: {text}" for where, text in findings]
    emit(value, as_json, lambda: "\n".join(lines))
    if not is_sound:
        raise typer.Exit(1)


def _beside(folder: Path) -> list[tuple[str, str]]:
    """Faults of the database and of the ledger of a mission, where there are some."""
    import sqlite3

    found = []
    database, ledger = folder / "control.sqlite", folder / "ledger.sqlite"
    if database.is_file():
        try:
            with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        except sqlite3.Error as error:
            told = [str(error)]
        found += [(database.name, text) for text in told if text != "ok"]
    if ledger.is_file():
        from moonpost.errors import MoonpostError
        from moonpost.partners.ledger import verify_ledger

        try:
            faults = [f"entry {fault.entry}: {fault.text}" for fault in verify_ledger(str(ledger)).faults]
        except MoonpostError as error:
            faults = [error.what]
        found += [(ledger.name, text) for text in faults]
    return found


def gaps(
    folder: Path = _DIR, start: str = _START, stop: str = _STOP, xtce: Path | None = _XTCE, as_json: bool = JSON
) -> None:
    """List where packets are missing by their sequence counts.

    Example: moonpost control gaps mission --start 2040-01-02
    """
    with _archive(folder, xtce) as (archive, names):
        period = _period(archive, start, stop)
        found = archive.gaps(*period) if period else ()
        rows = [
            {
                "apid": gap.apid, "packet": names.get(gap.apid, ""), "after": f"{gap.after}Z",
                "before": f"{gap.before}Z", "missing": gap.missing,
            }
            for gap in found
        ]  # fmt: skip
    head = ["packet", "APID", "last before", "first after", "missing"]
    lines = [[row["packet"], row["apid"], row["after"], row["before"], row["missing"]] for row in rows]
    emit({"gaps": rows}, as_json, lambda: table(head, lines) if rows else "no packet is missing")


def export(
    folder: Path = _DIR,
    out: Path = typer.Option(..., help="The file: .parquet, .csv or .nc (NetCDF)."),
    parameter: list[str] = typer.Option([], help="A parameter; repeat it for more. All if none is given."),
    start: str = _START,
    stop: str = _STOP,
    bins: int | None = typer.Option(None, min=1, help="Mean, least and greatest in at most so many bins."),
    xtce: Path | None = _XTCE,
    as_json: bool = JSON,
) -> None:
    """Write parameters of a period to a file for others; a server may run meanwhile.

    Example: moonpost control export mission --out box.csv --parameter ce8-rover.box_k --start 2040-01-02
    """
    from moonpost.control.archive import export as written

    with _archive(folder, xtce) as (archive, _):
        period = _period(archive, start, stop)
        if period is None:
            raise DataError("holds no packets", where=str(folder), advice="wait for telemetry")
        names = parameter or list(archive.parameters)
        rows = written(archive, out, names, *period, bins=bins)
    value = {"file": str(out), "rows": rows, "parameters": names}
    emit(value, as_json, lambda: f"{out}: {_counted(rows, 'row')} of {_counted(len(names), 'parameter')}")


def dictionary(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    out: Path = typer.Option(..., help="The file to write, XTCE 1.2."),
    at: str | None = typer.Option(None, help="A site of the plan; the station's if not given."),
    as_json: bool = JSON,
) -> None:
    """Write what a plan's station sends and takes: telemetry and telecommands, as XTCE for other programs.

    Example: moonpost control dictionary ilrs --out ilrs.xml
    """
    import tempfile

    from moonpost.control.packets import write_xtce
    from moonpost.control.station import Station
    from moonpost.plan import load_plan

    found = load_plan(plan)
    with tempfile.TemporaryDirectory() as folder:
        station = Station.open(found, Path(folder), days=1.0, step_s=3600.0, site=at)
        try:
            telemetry, commands = station.dictionary, station.commands
        finally:
            station.close()
    write_xtce(telemetry, out, commands)
    value = {
        "file": str(out), "parameters": len(telemetry.parameters), "packets": len(telemetry.packets),
        "commands": len(commands.commands),
    }  # fmt: skip
    numbers = (len(telemetry.packets), len(telemetry.parameters), len(commands.commands))
    told = ", ".join(map(_counted, numbers, ("packet", "parameter", "command")))
    emit(value, as_json, lambda: f"{out}: {told}")


def renew(
    folder: Path = typer.Argument(metavar="DIR", help="Folder of mission control (moonpost serve --data)."),
    database: str = controlusers.DATABASE,
    as_json: bool = JSON,
) -> None:
    """Begin a database anew where it is lost and no backup is left; numbers go on after those on record.

    Users, sessions and how commands stood are lost; what was done stays on record, telemetry in the archive.

    Example: moonpost control renew control
    """
    from moonpost.control.database import Database
    from moonpost.control.together import renew as begun_anew

    if not (folder / "ledger.sqlite").is_file():
        raise DataError("holds no record of actions", where=str(folder), advice="choose another --data")
    place = controlusers.place_of(folder, database, is_new=True)
    with Database.open(place) as opened:
        notes = begun_anew(folder, opened)
    value = {"database": str(folder), "notes": notes}
    told = f"{folder}: a new database, which goes on after {_counted(notes, 'note')} on record"
    emit(value, as_json, lambda: f"{told}; add users: moonpost control user add --help")


def ingest(
    nats: str = typer.Option(..., help="Address of a NATS server with JetStream: nats://127.0.0.1:4222."),
    host: str = typer.Option("127.0.0.1", help="Address to bind to."),
    port: int = typer.Option(
        10015, min=0, max=65535, help="Port for telemetry (TCP and UDP); 0 takes any free one."
    ),
    form: str = typer.Option("frames", "--format", help="What is sent to that port: frames or packets."),
    spacecraft: int = typer.Option(1, help="Number of the spacecraft in frames."),
    frame: int = typer.Option(1115, help="Octets of a frame."),
    stream: str = typer.Option("moonpost", help="Name of the stream."),
) -> None:
    """Take telemetry and put its packets into a stream, from which an archive elsewhere takes them.

    What the stream has acknowledged is not lost when this process, the server of the stream or the archive stops.

    Example: moonpost control ingest --nats nats://127.0.0.1:4222 --port 10015
    """
    import signal
    import threading

    from moonpost.control.ground.nats import NatsIngest
    from moonpost.control.ground.sockets import TelemetryPort
    from moonpost.control.packets import FrameLayout

    ended = threading.Event()
    layout = FrameLayout(spacecraft=spacecraft, octets=frame)
    with (
        NatsIngest(nats, layout=layout, stream=stream) as taker,
        TelemetryPort(host, port, taker, False, form=form) as listening,
    ):
        before = {number: signal.signal(number, lambda *_: ended.set()) for number in _SIGNALS}
        try:
            typer.echo(f"telemetry: {listening.address} (stop with Ctrl-C)")
            ended.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _counted(number: int, noun: str) -> str:
    """A number of things in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _decoder(place: Path, xtce: Path | None) -> Decoder:
    """The dictionary of an archive, made ready."""
    from moonpost.control.ground.keeping import kept_dictionary
    from moonpost.control.packets import Decoder, read_xtce

    return Decoder(read_xtce(xtce) if xtce is not None else kept_dictionary(place))


@contextmanager
def _archive(folder: Path, xtce: Path | None) -> Iterator[tuple[Archive, dict[int, str]]]:
    """An archive open to look at, with the names of its packets by APID."""
    from moonpost.control.archive import Archive, archive_decoder
    from moonpost.control.ground.keeping import archive_folder

    place = archive_folder(folder)
    decoder = _decoder(place, xtce)
    names = {packet.apid: packet.name for packet in decoder.dictionary.packets if packet.apid is not None}
    with Archive.open(place, archive_decoder(decoder), read_only=True) as archive:
        yield archive, names


def _period(archive: Archive, start: str, stop: str) -> tuple[Any, Any] | None:
    """The period asked for, else of all packets; None if there are none."""
    import numpy as np

    span = archive.span
    if span is None:
        return None
    first = _instant(start, "--start") if start else span[0]
    last = _instant(stop, "--stop") if stop else span[1] + np.timedelta64(1, "us")
    if np.ravel(last)[0] <= np.ravel(first)[0]:
        raise InputError("ends before it begins", where="--stop", advice="give --stop after --start")
    return first, last


def _instant(text: str, option: str) -> Any:
    """A date as it was written for an option."""
    from moonpost.errors import DateError
    from moonpost.sky.times import as_utc

    try:
        return as_utc(text)
    except (DateError, InputError) as error:
        raise InputError(error.what, where=option, advice="write it like 2040-01-01T06:00Z") from error
