"""``moonpost serve``: a study in the browser."""

from __future__ import annotations

from pathlib import Path

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("serve")(serve)


def serve(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    data: Path = typer.Option(Path("out"), help="The study's folder; it is made if it is not there."),
    host: str = typer.Option("127.0.0.1", help="Address to bind to."),
    port: int = typer.Option(8000, min=0, max=65535, help="Port; 0 takes any free one."),
) -> None:
    """Serve the report of a plan to a browser on this machine; studies the plan first if need be.

    Example: moonpost serve ilrs --data out
    """
    from moonpost.cli.study import run
    from moonpost.control import StudyServer

    run(plan, data, progress=True)
    with StudyServer(data, host, port) as server:
        typer.echo(f"{server.address} (stop with Ctrl-C)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
