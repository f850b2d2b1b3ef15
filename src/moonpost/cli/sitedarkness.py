"""``moonpost site darkness``: the longest darkness at several mast heights, and the battery that bridges it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table, utc_text
from moonpost.cli.places import period_of
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.study.bridging import Bridging

__all__ = ["register"]

_WIDTH_IN = 9.0
_PLOTS = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    """Add the verb to the site verbs."""
    app.command("darkness")(darkness)


def darkness(
    site: str = typer.Option(..., "--site", help="LAT,LON in degrees, east positive: --site=-89.5,222.8."),
    mast: list[float] = typer.Option(
        [2.0, 10.0], "--mast", help="Height above ground [m]; repeat it for more: --mast 2 --mast 10."
    ),
    start: str = typer.Option("2030-01-01", "--from", help="Start of the period, UTC."),
    years: float = typer.Option(1.0, help="Length of the period [years of 365.25 days]."),
    load: float = typer.Option(1000.0, "--load-w", help="Constant load on the bus [W]."),
    array: float = typer.Option(
        None, "--array-w", help="Rated power of an upright array that turns, at the mast [W]; 3 x the load."
    ),
    depth: float = typer.Option(0.8, help="Usable fraction of the battery's rated energy."),
    efficiency: float = typer.Option(0.95, help="Of the battery, each way."),
    specific_energy: float = typer.Option(150.0, help="Rated energy over mass of the battery [Wh/kg]."),
    terrain: str = typer.Option(
        "", help="GeoTIFFs of heights or names from 'data list', finest first; built-in if not given."
    ),
    eclipses: bool = typer.Option(False, help="Count eclipses by the Earth as darkness."),
    members: int = typer.Option(0, help="Horizons in an ensemble of terrain errors for P50 and P95; 0 for none."),
    seed: int = typer.Option(0, help="Which random numbers the ensemble takes."),
    plot: Path = typer.Option(None, help="Picture of light and charge round the worst days: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell the longest darkness of a year at several mast heights, and the battery that bridges a load.

    Two batteries are told: for the longest darkness alone, and for the worst cumulative deficit, since darknesses
    that follow one another before the battery is full add up.

    Example: moonpost site darkness --site=-89.4395,222.8066 --mast 2 --mast 10 --from 2030-01-01 --load-w 500
    """
    from moonpost.cli.places import latitude_longitude, terrain_files
    from moonpost.study.bridging import bridging

    _check(plot, depth, efficiency, specific_energy, seed)
    place = latitude_longitude(site)
    first, last = period_of(start, years)
    from moonpost.plan import Storage

    found = bridging(
        *place,
        mast,
        first,
        last,
        load_w=load,
        array_w=array,
        storage=Storage(
            capacity_wh=1.0,
            depth_of_discharge=depth,
            charge_efficiency=efficiency,
            discharge_efficiency=efficiency,
            specific_energy_wh_kg=specific_energy,
        ),
        terrain=terrain_files(terrain),
        eclipses=eclipses,
        members=members,
        seed=seed,
    )
    result = found.to_dict()
    if plot is not None:
        _plot(found, plot)
        result["plot"] = str(plot)
    emit(result, as_json, lambda: _text(found))


def _check(plot: Path | None, depth: float, efficiency: float, specific_energy: float, seed: int) -> None:
    """Refuse numbers that make no battery, and pictures of another kind."""
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice=f"name it {', '.join(_PLOTS)}")
    for name, value in (("--depth", depth), ("--efficiency", efficiency)):
        if not 0.0 < value <= 1.0:
            raise InputError(f"{value:g}", where=name, advice="give more than 0, at most 1")
    if not 0.0 < specific_energy < 1e5:
        raise InputError(f"{specific_energy:g}", where="--specific-energy", advice="give Wh/kg above 0")
    if seed < 0:
        raise InputError(f"{seed}", where="--seed", advice="give a whole number from 0")


def _plot(found: Bridging, path: Path) -> None:
    """Draw light and charge round the worst days."""
    from moonpost.report.figures.bridging import bridging_figure
    from moonpost.report.figures.style import save_figure

    figure = bridging_figure(found, _WIDTH_IN)
    save_figure(figure, path)


def _text(found: Bridging) -> str:
    rows = found.to_dict()["rows"]
    head = ["mast (m)", "light (%)", "longest dark (d)", "from (UTC)", "to (UTC)", "for it alone (kWh)",
            "for the worst deficit (kWh)", "kg", "grade"]  # fmt: skip
    body = [
        [
            row["mast_m"], 100.0 * row["average_illumination"], row["longest_dark_d"],
            utc_text(row["dark_start_utc"]) or "-", utc_text(row["dark_stop_utc"]) or "-",
            row["dark_battery_wh"] / 1e3, None if row["battery_wh"] is None else row["battery_wh"] / 1e3,
            row["battery_kg"], row["grade"],
        ]
        for row in rows
    ]  # fmt: skip
    lines = [
        f"{utc_text(found.start)} to {utc_text(found.stop)}, {found.load_w:g} W day and night, array of "
        f"{found.array.rated_w:g} W, battery used to {100 * found.storage.depth_of_discharge:g} %",
        table(head, body),
    ]
    lines += [
        f"at {row['mast_m']:g} m no battery is enough: {row['shortfall_w']:.0f} W are missing on average"
        for row in rows
        if not row["sustainable"]
    ]
    lines += [
        f"at {row['mast_m']:g} m the period cuts the longest darkness: look at a longer one"
        for row in rows
        if row["cut_by_period"]
    ]
    if any("uncertainty" in row for row in rows):
        lines += ["", _spreads(found)]
    return "\n".join(lines)


def _spreads(found: Bridging) -> str:
    """Quantiles over terrain errors."""
    body = []
    for bridge in found.bridges:
        if bridge.spread is None:
            continue
        dark, battery = bridge.spread.longest_dark_d, bridge.spread.battery_wh
        body.append([bridge.profile.mast_m, dark.p50, dark.p95, battery.p50 / 1e3, battery.p95 / 1e3,
                     len(dark.values), bridge.spread.method])  # fmt: skip
    head = ["mast (m)", "dark P50 (d)", "dark P95 (d)", "battery P50 (kWh)", "P95 (kWh)", "members", "errors of"]
    return table(head, body)
