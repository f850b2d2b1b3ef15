"""The ``moonpost`` command: verbs, error lines and exit codes."""

from __future__ import annotations

import sys
from typing import Any

import typer

from moonpost.cli import (
    build,
    call,
    check,
    control,
    data,
    datarelease,
    design,
    flight,
    ledger,
    operate,
    partner,
    report,
    sample,
    serve,
    site,
    study,
)
from moonpost.cli.compiling import tell_of_compiling
from moonpost.errors import MoonpostError, PlanError

__all__ = ["app", "main"]

app = typer.Typer(
    name="moonpost",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Plan, design, build and run a lunar research station.\n\nThe main job: moonpost study ilrs --out out",
)
for verb in (
    study,
    check,
    control,
    data,
    site,
    flight,
    design,
    build,
    operate,
    partner,
    ledger,
    call,
    sample,
    datarelease,
    report,
    serve,
):
    verb.register(app)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"moonpost {version('moonpost')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Read the option that every verb shares."""


def main() -> None:
    """Run the command line; bad input ends in clear lines and exit code 2.

    Examples
    --------
    >>> import sys
    >>> sys.argv = ["moonpost", "--version"]
    >>> try:
    ...     main()
    ... except SystemExit as stop:
    ...     stop.code
    moonpost 0.1.0
    0
    """
    tell_of_compiling()
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except PlanError as error:
        for fault in error.faults:
            typer.echo(f"{error.path}: {fault}", err=True)
        _stop(str(MoonpostError(error.what, where=error.path, advice=error.advice)))
    except MoonpostError as error:
        _stop(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _stop(f"{name}{error.strerror or error}; check the path, your rights there and the free space")
    except (KeyboardInterrupt, typer.Abort):
        _stopped()
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _misused(error)


def _misused(error: Any) -> None:
    """End with what is wrong about the words typed; of a group without a verb, with its help.

    The classes of these errors live in a private part of typer, so they are known by what they can do.
    """
    message = str(error.format_message())
    if message.startswith("Usage:"):
        typer.echo(message, err=True)
        sys.exit(2)
    context = getattr(error, "ctx", None)
    _stop(f"{message.rstrip('.')}; see: {context.command_path if context else 'moonpost'} --help")


def _stopped() -> None:
    typer.echo("moonpost: stopped; the same command resumes where it was", err=True)
    sys.exit(130)


def _stop(line: str) -> None:
    typer.echo("moonpost: " + line.replace("\n", " "), err=True)
    sys.exit(2)
