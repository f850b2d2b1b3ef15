"""``moonpost operate contacts``: windows with ground stations, who has which antenna, and what comes down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table, utc_text
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.study.contactplan import ContactPlan

__all__ = ["register"]

_WIDTH_IN = 9.0


def register(app: typer.Typer) -> None:
    """Add the verb to the operate verbs."""
    app.command("contacts")(contacts)


def contacts(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    start: str = typer.Option("", "--from", help="First instant, UTC; the plan's design start if not given."),
    days: float = typer.Option(7.0, help="Length [d]."),
    site: list[str] = typer.Option([], help="Site of the plan that sends; repeat it for more. The station's."),
    antenna: list[str] = typer.Option([], help="Ground station of the plan; repeat it for more. All of them."),
    link: str = typer.Option("", help="Link of the plan to the Earth whose radio the sites have."),
    made_bit_s: float = typer.Option(1e5, help="Data that each site makes [bit/s]."),
    capacity_bit: float = typer.Option(1e11, help="Data store of each site [bit]."),
    margin_db: float = typer.Option(3.0, help="Margin that the link keeps [dB]."),
    least_s: float = typer.Option(600.0, help="Shortest contact [s]."),
    setup_s: float = typer.Option(300.0, help="Time that an antenna needs before a contact [s]."),
    effort: float = typer.Option(1.0, help="Of the search for the best sharing; more takes longer."),
    plot: Path = typer.Option(None, help="Picture of who has which antenna, .png."),
    as_json: bool = JSON,
) -> None:
    """Share the ground stations among sites, no antenna with two at once, and tell the data that come down.

    Windows are those over the site's terrain and the station's mask. The rate follows distance, air, Moon and
    Sun in the beam, in steps of two below the link's.

    Example: moonpost operate contacts ilrs --from 2030-01-10 --days 7 --plot contacts.png
    """
    from moonpost.comms import HandoverRules
    from moonpost.study.contactplan import contact_plan

    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice="name it .png")
    found = contact_plan(
        plan,
        start or None,
        days,
        sites=site,
        antennas=antenna,
        link=link or None,
        made_bit_s=made_bit_s,
        capacity_bit=capacity_bit,
        margin_db=margin_db,
        rules=HandoverRules(least_s=least_s, setup_s=setup_s),
        effort=effort,
    )
    if plot is not None:
        _plot(found, plot)
    emit(found.to_dict(), as_json, lambda: _text(found))


def _plot(found: ContactPlan, path: Path) -> None:
    """Draw who has which antenna."""
    from moonpost.report.figures.comms import handover_figure
    from moonpost.report.figures.style import save_figure

    figure = handover_figure(found.handover, _WIDTH_IN)
    save_figure(figure, path)


def _text(found: ContactPlan) -> str:
    windows = table(
        ["site", "antenna", "windows", "h/day", "longest gap (h)"],
        [
            [user.site, name, len(seen), 24.0 * seen.share, seen.longest_gap_s / 3600.0]
            for user in found.users
            for name, seen in user.windows.items()
        ],
    )
    rows = found.to_dict()["users"]
    given = table(
        ["site", "contacts", "h/day", "longest gap (h)", "Mbit/day", "lost (Mbit)", "fullest store (Mbit)"],
        [
            [
                row["site"],
                row["given"]["contacts"],
                row["given"]["hours_per_day"],
                row["given"]["longest_gap_s"] / 3600.0,
                row["delivered_mbit_per_day"],
                row["store"]["lost_bit"] / 1e6,
                row["store"]["fullest_bit"] / 1e6,
            ]
            for row in rows
        ],
    )
    plan = table(
        ["from (UTC)", "to (UTC)", "antenna", "site"],
        [[utc_text(c.start), utc_text(c.stop), c.antenna, c.user] for c in found.handover.contacts],
    )
    proof = "the best" if found.handover.optimal else f"at most {found.handover.bound_h:.1f} h for any plan"
    return (
        f"What could be seen:\n{windows}\n\nWhat is given (link {found.link}; worth "
        f"{found.handover.value_h:.1f} h, {proof}):\n{given}\n\n{plan}"
    )
