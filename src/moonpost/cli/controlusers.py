"""``moonpost control user add | list | disable | enable | password``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.control.users import Users

__all__ = ["register"]

_NAME = typer.Argument(help="Name for logging in: lower-case letters, digits and . _ @ -.")
_DATA = typer.Option(Path("control"), "--data", help="Folder of mission control, as of moonpost serve.")
_DATABASE = typer.Option("", "--database", help="postgresql://user@host:port/database, if not a file in --data.")


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
    database: str = _DATABASE,
    as_json: bool = JSON,
) -> None:
    """Put a user on record and print a first password, once.

    Example: moonpost control user add wang --partner cnsa --role operator --data control
    """
    first = _users(data, database).add(name, partner, role, sso=sso)
    value = {"name": name, "partner": partner, "roles": sorted(set(role)), "password": first}
    how = "logs in by single sign-on" if sso else f"first password, shown this once: {first}"
    emit(value, as_json, lambda: f"{name} of {partner} ({', '.join(sorted(set(role)))}); {how}")


def listed(data: Path = _DATA, database: str = _DATABASE, as_json: bool = JSON) -> None:
    """List the users on record.

    Example: moonpost control user list --data control
    """
    rows = _users(data, database, is_new=False).list()
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


def disable(name: str = _NAME, data: Path = _DATA, database: str = _DATABASE) -> None:
    """Shut a user out, at once and on all machines.

    Example: moonpost control user disable wang --data control
    """
    _users(data, database, is_new=False).disable(name)
    typer.echo(f"{name} is shut out; all sessions have ended")


def enable(name: str = _NAME, data: Path = _DATA, database: str = _DATABASE) -> None:
    """Let a user in again.

    Example: moonpost control user enable wang --data control
    """
    _users(data, database, is_new=False).disable(name, False)
    typer.echo(f"{name} may log in again")


def password(name: str = _NAME, data: Path = _DATA, database: str = _DATABASE, as_json: bool = JSON) -> None:
    """Give a user a new password and print it, once; all sessions end.

    Example: moonpost control user password wang --data control
    """
    made = _users(data, database, is_new=False).set_password(name)
    emit({"name": name, "password": made}, as_json, lambda: f"new password of {name}, shown this once: {made}")


def _users(data: Path, database: str, *, is_new: bool = True) -> Users:
    from moonpost.control.database import Database
    from moonpost.control.settings import secret
    from moonpost.control.users import Users
    from moonpost.errors import InputError

    place = database or secret("DATABASE") or str(data / "control.sqlite")
    if not is_new and place == str(data / "control.sqlite") and not (data / "control.sqlite").is_file():
        raise InputError(
            "no mission control is kept there", where=str(data),
            advice="name the folder that 'moonpost serve --data' was given, or add somebody first",
        )  # fmt: skip
    return Users(Database.open(place))
