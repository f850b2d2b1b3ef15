"""``moonpost control user add | list | disable | enable | password``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.control.users import Users

__all__ = ["register"]

_NAME = typer.Argument(help="Name for logging in: lower-case letters, digits and . _ @ -.")
_DATA = typer.Option(Path("control"), "--data", help="Folder of mission control, as of moonpost serve.")
DATABASE = typer.Option("", "--database", help="postgresql://user@host:port/database, if not a file in --data.")


def register(group: typer.Typer) -> None:
    """Add ``user`` to ``moonpost control``."""
    app = typer.Typer(no_args_is_help=True, help="Who may log in to mission control.")
    for verb in (add, listed, disable, enable, password):
        app.command("list" if verb is listed else verb.__name__)(verb)
    group.add_typer(app, name="user")


def add(
    name: str = _NAME,
    partner: str = typer.Option(..., help="Partner of the plan for whom the user acts, such as cnsa."),
    role: list[str] = typer.Option(
        ..., "--role", help="operator, approver, scientist, programme or admin; repeat it for more."
    ),
    sso: bool = typer.Option(False, "--sso", help="No password: by single sign-on only."),
    data: Path = _DATA,
    database: str = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Put a user on record and print a first password, once.

    Example: moonpost control user add wang --partner cnsa --role operator --data control
    """
    with _changing(data, database, "user-added", name, is_new=True, roles=sorted(set(role))) as users:
        first = users.add(name, partner, role, sso=sso)
    value = {"name": name, "partner": partner, "roles": sorted(set(role)), "password": first}
    how = "logs in by single sign-on" if sso else f"first password, shown this once: {first}"
    emit(value, as_json, lambda: f"{name} of {partner} ({', '.join(sorted(set(role)))}); {how}")


def listed(data: Path = _DATA, database: str = DATABASE, as_json: bool = JSON) -> None:
    """List the users on record.

    Example: moonpost control user list --data control
    """
    from moonpost.control.database import Database
    from moonpost.control.users import Users

    with Database.open(place_of(data, database)) as opened:
        rows = Users(opened).list()
    value = [
        {
            "name": row.user.name, "partner": row.user.partner, "roles": sorted(row.user.roles),
            "disabled": row.disabled, "password": row.has_password,
        }
        for row in rows
    ]  # fmt: skip
    lines = [
        [
            row.user.name, row.user.partner, ", ".join(sorted(row.user.roles)),
            "disabled" if row.disabled else "" if row.has_password else "single sign-on",
        ]
        for row in rows
    ]  # fmt: skip
    none = "nobody is on record; see: moonpost control user add --help"
    emit(value, as_json, lambda: table(["name", "partner", "roles", ""], lines) if lines else none)


def disable(name: str = _NAME, data: Path = _DATA, database: str = DATABASE) -> None:
    """Shut a user out, at once and on all machines.

    Example: moonpost control user disable wang --data control
    """
    with _changing(data, database, "user-disabled", name) as users:
        users.disable(name)
    typer.echo(f"{name} is shut out; all sessions have ended")


def enable(name: str = _NAME, data: Path = _DATA, database: str = DATABASE) -> None:
    """Let a user in again.

    Example: moonpost control user enable wang --data control
    """
    with _changing(data, database, "user-enabled", name) as users:
        users.disable(name, False)
    typer.echo(f"{name} may log in again")


def password(name: str = _NAME, data: Path = _DATA, database: str = DATABASE, as_json: bool = JSON) -> None:
    """Give a user a new password and print it, once; all sessions end.

    Example: moonpost control user password wang --data control
    """
    with _changing(data, database, "user-password", name) as users:
        made = users.set_password(name)
    emit({"name": name, "password": made}, as_json, lambda: f"new password of {name}, shown this once: {made}")


@contextmanager
def _changing(
    data: Path, database: str, action: str, name: str, *, is_new: bool = False, **more: object
) -> Iterator[Users]:
    """Users to change one of them; change and note for the record are one transaction, both or neither.

    A server that runs meanwhile, or the next one, signs the note into its ledger.
    """
    from moonpost.control.commands.audit import Audit
    from moonpost.control.database import Database
    from moonpost.control.together import follow_record, require_database
    from moonpost.control.users import Users

    with Database.open(place_of(data, database, is_new=is_new)) as opened:
        require_database(data, opened)
        follow_record(data, opened)
        users = Users(opened)
        with opened.write() as connection:
            yield users
            partner = next(row.user.partner for row in users.list() if row.user.name == name)
            Audit.add(connection, action, _console(), "", data={"user": name, "partner": partner, **more})


def _console() -> str:
    """Who sits at this machine, by the system's own word."""
    import os
    import pwd

    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    return f"console:{name}"[:64]


def place_of(data: Path, database: str, *, is_new: bool = False) -> str:
    """The database, which only `add` may begin."""
    from moonpost.control.settings import secret
    from moonpost.errors import InputError

    own = str(data / "control.sqlite")
    place = database or secret("DATABASE") or own
    if not is_new and place == own and not Path(own).is_file():
        raise InputError(
            "no mission control is kept there", where=str(data),
            advice="name the folder that 'moonpost serve --data' was given, or add somebody first",
        )  # fmt: skip
    return place
