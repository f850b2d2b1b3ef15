"""``moonpost design``: the power system and the budgets of a plan, temperatures, layout and long life."""

from __future__ import annotations

import typer

from moonpost.cli import (
    designguest,
    designheritage,
    designisru,
    designlayout,
    designplan,
    designspares,
    designthermal,
)
from moonpost.cli.output import DefaultGroup

__all__ = ["register"]

_app = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Power system and budgets: moonpost design PLAN; ground temperature: moonpost design regolith.",
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="design")


@_app.callback()
def _group() -> None:
    """Power system, budgets and temperatures."""


designplan.register(_app)
designguest.register(_app)
designthermal.register(_app)
designlayout.register(_app)
designspares.register(_app)
designisru.register(_app)
designheritage.register(_app)
