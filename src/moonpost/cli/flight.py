"""``moonpost flight``: the velocity changes of a plan's missions and what they leave."""

from __future__ import annotations

import typer

from moonpost.cli import flightcontacts, flightland, flightorbit, flightreturn, flighttransfer, flightwindows
from moonpost.cli.output import JSON, DefaultGroup, emit, phase, table

__all__ = ["register"]

_app = typer.Typer(
    cls=DefaultGroup, no_args_is_help=True, rich_markup_mode=None, help="Flights: moonpost flight PLAN."
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="flight")


@_app.callback()
def _group() -> None:
    """Flights: velocity changes and masses, and orbits in the full field."""


@_app.command("plan")
def chains(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."), as_json: bool = JSON
) -> None:
    """List each mission's velocity changes and the mass that arrives, computed beside published.

    Example: moonpost flight ilrs
    """
    found = phase(plan, "flight")
    head = ["mission", "transfer", "start (kg)", "delta-v (m/s)", "arrives (kg)", "low", "high", "published (kg)"]
    emit(
        found,
        as_json,
        lambda: table(
            head,
            [
                [
                    row.name, row.transfer or "-", row.start_mass_kg, row.delta_v_m_s, row.end_mass_kg,
                    row.end_mass_low_kg, row.end_mass_high_kg, row.published_end_mass_kg,
                ]
                for row in found.chains
            ],
        ),
    )  # fmt: skip


flightorbit.register(_app)
flightcontacts.register(_app)
flightreturn.register(_app)
flightwindows.register(_app)
flightland.register(_app)
flighttransfer.register(_app)
