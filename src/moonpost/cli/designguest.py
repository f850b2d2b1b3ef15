"""``moonpost design guest``: whether a guest payload fits its host, and the number that decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.study.guest import GuestAnswer

__all__ = ["register"]

_WIDTH_IN = 8.0
_PLOTS = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    """Add the verb to the design verbs."""
    app.command("guest")(guest)


def guest(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    host: str = typer.Option(..., help="Element of the plan that is to carry it."),
    mass_kg: float = typer.Option(..., help="Mass without margin [kg]."),
    day_w: float = typer.Option(0.0, help="Power while the host is in light [W]."),
    night_w: float = typer.Option(0.0, help="Power while it is not [W]."),
    bit_day: float = typer.Option(0.0, help="Data made in a day [bit/d]."),
    view: str = typer.Option("", help="What it must see: earth:PART or sun:PART of the time, or sky:DEGREES."),
    operate_min_k: float = typer.Option(None, help="Coldest at which it works [K]."),
    operate_max_k: float = typer.Option(None, help="Warmest at which it works [K]."),
    survive_min_k: float = typer.Option(None, help="Coldest that it survives [K]; as at work if not given."),
    survive_max_k: float = typer.Option(None, help="Warmest that it survives [K]; as at work if not given."),
    inside: bool = typer.Option(True, "--inside/--outside", help="In the host's warm box, or outside."),
    site: str = typer.Option("", help="Site of the plan where the host stands; its mission's if not given."),
    start: str = typer.Option("", "--from", help="First day, UTC; the plan's design start if not given."),
    years: float = typer.Option(1.0, help="Length of the period [years]."),
    height_m: float = typer.Option(None, help="Where it sits above ground [m]; at the host's arrays."),
    downlink_bit_s: float = typer.Option(None, help="Rate of the host's link; the plan's if not given [bit/s]."),
    contact_share: float = typer.Option(None, help="Part of the time in contact; from terrain if not given."),
    plot: Path = typer.Option(None, help="Picture of what is asked beside what there is: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell whether a guest payload fits its host: mass, power by day and night, data, view, temperature.

    The answer is yes, no, or not known where the plan does not tell, with the number that decides.

    Example: moonpost design guest ilrs --host ce8-lander --site connecting-ridge --mass-kg 12 --day-w 20
    """
    from moonpost.study.guest import Guest, guest_fits

    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice=f"name it {', '.join(_PLOTS)}")
    payload = Guest(
        mass_kg, day_w, night_w, bit_day, view, operate_min_k, operate_max_k, survive_min_k, survive_max_k, inside
    )
    found = guest_fits(
        plan,
        host,
        payload,
        site=site or None,
        start=start or None,
        years=years,
        height_m=height_m,
        downlink_bit_s=downlink_bit_s,
        contact_share=contact_share,
    )
    result = found.to_dict()
    if plot is not None:
        _plot(found, plot)
        result["plot"] = str(plot)
    emit(result, as_json, lambda: _text(found))


def _plot(found: GuestAnswer, path: Path) -> None:
    """Draw what is asked beside what there is."""
    from moonpost.report.figures.guest import guest_figure
    from moonpost.report.figures.style import save_figure

    figure = guest_figure(found, _WIDTH_IN)
    save_figure(figure, path)


_WORDS = {True: "yes", False: "no", None: "not known"}


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= 1e5 or 0 < abs(value) < 0.1 else f"{value:,.1f}"


def _text(found: GuestAnswer) -> str:
    rows = [
        [check.what, _number(check.asked), _number(check.available), check.unit, _WORDS[check.fits], check.why]
        for check in found.checks
    ]
    lines = [f"Fits {found.host} at {found.site}: {_WORDS[found.fits]}"]
    if found.decides is not None:
        one = found.decides
        lines[0] += (
            f"; {one.what} decides: {_number(one.asked)} asked, {_number(one.available)} there ({one.unit})"
        )
    return "\n".join([*lines, table(["what", "asked", "there", "unit", "fits", "from"], rows)])
