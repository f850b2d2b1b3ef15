"""``moonpost build``: launches and their cargo, build order, and what a slip or a cancelled mission does."""

from __future__ import annotations

import typer

from moonpost.cli import builddiff, buildjoint, buildmanifest, buildorder, buildrisk, buildwhatif

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Launches and their cargo, build order and what-if."
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="build")


buildmanifest.register(_app)
buildorder.register(_app)
buildwhatif.register(_app)
buildjoint.register(_app)
builddiff.register(_app)
buildrisk.register(_app)
