"""``moonpost operate relays``: what relays cover, the longest gap, and the data that come down in a day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table, utc_text
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.flight.relays import RelayOrbit
    from moonpost.study.relays import RelayServices

__all__ = ["register"]

_WIDTH_IN = 9.0
_PLOTS = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    """Add the verb to the operate verbs."""
    app.command("relays")(relays)


def relays(
    plan: str = typer.Argument("ilrs", help="A bundled plan or the path of a TOML file: site, stations, links."),
    satellites: str = typer.Option("1,2,3", help="Numbers of relays to compare, commas between."),
    start: str = typer.Option("", "--from", help="First instant, UTC; the plan's design start if not given."),
    days: float = typer.Option(15.0, help="Length [d]."),
    orbit: str = typer.Option("queqiao-2", help="Published relay orbit: queqiao-2 or ely-2005."),
    perilune_km: float = typer.Option(None, help="Instead: altitude of perilune [km]."),
    apolune_km: float = typer.Option(None, help="With it: altitude of apolune [km]; a circle if not given."),
    inclination: float = typer.Option(None, help="Inclination to the equator [deg]; 90 with an altitude."),
    argument: float = typer.Option(None, help="Argument of perilune [deg]; 90 puts apolune over the south."),
    node: float = typer.Option(None, help="Longitude of the ascending node [deg]."),
    site: str = typer.Option("", help="Site of the plan; the station's if not given."),
    antenna: list[str] = typer.Option([], help="Ground station of the plan; repeat it for more. All of them."),
    up: str = typer.Option("", help="Link of the plan from a machine to a relay."),
    down: str = typer.Option("", help="Link of the plan from a relay to a ground station."),
    made_bit_s: float = typer.Option(1e6, help="Data that the site makes [bit/s]."),
    capacity_bit: float = typer.Option(1e11, help="Data store of the site [bit]."),
    relay_capacity_bit: float = typer.Option(
        None, help="Data store of each relay [bit]; without one data go on at once or not at all."
    ),
    mask_deg: float = typer.Option(0.0, help="Least elevation of a relay at the site, besides terrain [deg]."),
    margin_db: float = typer.Option(3.0, help="Margin that both links keep [dB]."),
    plot: Path = typer.Option(None, help="Picture of contacts by number of relays: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell what relays in lunar orbit cover, the longest gap, and how much comes down in a day.

    The direct way to the Earth stands first, as 0 relays. Times through are those with the site, a relay and an
    antenna on the Earth in sight of one another.

    Example: moonpost operate relays ilrs --satellites 1,2,3 --from 2030-01-10 --days 15 --plot relays.png
    """
    from moonpost.study.relays import relay_service

    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice=f"name it {', '.join(_PLOTS)}")
    found = relay_service(
        plan,
        start or None,
        days,
        satellites=_numbers(satellites),
        orbit=_orbit(orbit, (perilune_km, apolune_km), (inclination, argument, node)),
        site=site or None,
        antennas=antenna,
        up=up or None,
        down=down or None,
        made_bit_s=made_bit_s,
        capacity_bit=capacity_bit,
        relay_capacity_bit=relay_capacity_bit,
        mask_deg=mask_deg,
        margin_db=margin_db,
    )
    result = found.to_dict()
    if plot is not None:
        _plot(found, plot)
        result["plot"] = str(plot)
    emit(result, as_json, lambda: _text(found))


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{text!r}", where="--satellites", advice="give whole numbers, as 1,2,3") from None


def _orbit(
    name: str, altitudes_km: tuple[float | None, float | None], angles: tuple[float | None, ...]
) -> RelayOrbit:
    """A published orbit, changed where numbers are given, or one from its altitudes."""
    from moonpost.flight.relays import RelayOrbit, relay_orbit

    low_km, high_km = altitudes_km
    names = ("inclination_deg", "argument_deg", "node_deg")
    changes: dict[str, Any] = {key: v for key, v in zip(names, angles, strict=True) if v is not None}
    if "node_deg" in changes:
        changes["node_published"] = True
    if low_km is None:
        if high_km is not None:
            raise InputError("stands alone", where="--apolune-km", advice="give --perilune-km too")
        return relay_orbit(name).changed(**changes)
    made = RelayOrbit("", 1e3 * low_km, 1e3 * (low_km if high_km is None else high_km), 90.0, plane="equator")
    return made.changed(**changes)


def _plot(found: RelayServices, path: Path) -> None:
    """Draw contacts by number of relays."""
    from moonpost.report.figures.relays import relays_figure
    from moonpost.report.figures.style import save_figure

    figure = relays_figure(found, _WIDTH_IN)
    save_figure(figure, path)


def _text(found: RelayServices) -> str:
    told = found.to_dict()
    head = ["relays", "covered (%)", "through (%)", "longest gap (h)", "could carry (Mbit/d)", "made (Mbit/d)",
            "delivered (Mbit/d)", "lost (Mbit/d)"]  # fmt: skip
    body = [
        [
            "direct" if row["satellites"] == 0 else str(row["satellites"]),
            100.0 * row["covered"], 100.0 * row["through"], row["longest_gap_h"], row["possible_mbit_per_day"],
            row["made_mbit_per_day"], row["delivered_mbit_per_day"], row["lost_mbit_per_day"],
        ]
        for row in told["rows"]
    ]  # fmt: skip
    kind = "stores" if found.store else "no stores"
    return "\n".join(
        [
            f"{utc_text(found.start)} to {utc_text(found.stop)}, {told['perilune_km']:.0f} x "
            f"{told['apolune_km']:.0f} km, {told['inclination_deg']:.1f} deg, node {told['node_deg']:.0f} deg to "
            f"the {'orbit of the Moon' if told['plane'] == 'orbit' else 'equator'}, {told['period_h']:.1f} h",
            f"links {found.up} and {found.down}, relays with {kind}, antennas {', '.join(found.antennas)}",
            table(head, body),
        ]
    )
