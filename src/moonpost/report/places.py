"""Sections on the sites, or the orbit, and on light and darkness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moonpost.report.overview import latitude, published_cell
from moonpost.report.parts import Cell, Column, Note, Part, Picture, Section, Table, table
from moonpost.report.wording import UNKNOWN, day, minute, number, percent, plural, quantity
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.terrain import Terrain

__all__ = ["light_section", "site_section"]

FULL_IN, HALF_IN = 12.2, 5.9


def site_section(record: StudyRecord, series: Mapping[str, xr.Dataset], terrain: Terrain | None) -> Section:
    """Compare the sites: light, Earth, ranking, horizons and map; or describe the orbit.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.
    terrain : Terrain, optional
        Heights for the map; the built-in ones if absent.

    Returns
    -------
    Section
        Its tables and pictures.
    """
    if record.site.kind == "orbit":
        return Section(
            "sites", "The orbit", "Light and sight of the Earth along the station's orbit.", (_orbit(record),)
        )
    period = f"{day(record.site.start_utc)} to {day(record.site.stop_utc)}"
    lead = (
        f"Light, darkness and sight of the Earth over {period}, at each height above ground. "
        "Darkness means that no part of the Sun is in view; its length is found to the minute."
    )
    parts: list[Part | None] = [
        _sites(record),
        _ranking(record),
        _map(record, terrain),
        *_horizons(record, series),
    ]
    parts += [_published(record), _places(record)]
    return Section("sites", "Sites compared", lead, tuple(parts))


def _sites(record: StudyRecord) -> Table:
    columns = (
        Column("Site"),
        Column("Height", "m", "number"),
        Column("Grade"),
        Column("Average light", "% of disc", "number"),
        Column("Any sunlight", "% of time", "number"),
        Column("Longest darkness", "d", "number"),
        Column("Longest light", "d", "number"),
        Column("Earth in view", "% of time", "number"),
        Column("Longest without Earth", "d", "number"),
        Column("Longest dark and without Earth", "d", "number"),
    )
    rows = [
        (
            row.name,
            f"{row.mast_m:g}",
            Cell(
                row.grade, "screening" if row.grade == "screening" else "", f"{number(row.resolution_m)} m cells"
            ),
            percent(row.average_illumination, 1),
            percent(row.percent_lit, 1),
            Cell(number(row.longest_dark_d, 1), "", f"from {day(row.longest_dark_start_utc)}"),
            number(row.longest_light_d, 1),
            percent(row.earth_visible, 1),
            number(row.longest_earth_outage_d, 1),
            number(row.longest_dark_without_earth_d, 1),
        )
        for row in record.site.rows
    ]
    return table("site-table", "Light and Earth at each site", columns, rows)


def _ranking(record: StudyRecord) -> Table:
    known = {row.site: row.name for row in record.site.rows}
    parts = list(record.site.ranking[0].parts) if record.site.ranking else []
    columns = [Column("Place", "rank", "number"), Column("Site"), Column("Score", "0 to 1", "number")]
    columns += [Column(quantity(part, "")[0], "0 to 1", "number") for part in parts]
    columns += [Column("First with other weights", "% of tries", "number"), Column("Pareto front")]
    rows = [
        (
            str(k),
            known.get(row.site, row.site),
            number(row.score, 2),
            *(number(row.parts.get(part), 2) for part in parts),
            percent(row.first_share),
            "no" if row.dominated_by else "yes",
        )
        for k, row in enumerate(record.site.ranking, start=1)
    ]
    note = (
        "Each criterion runs from 0 for the worst to 1 for the best of these sites. The share of tries says how "
        "often a site comes first when the weights are drawn at random; on the Pareto front no other site is as "
        "good or better in everything."
    )
    return table("ranking", "Ranking of the sites, and how robust it is", columns, rows, note=note)


def _map(record: StudyRecord, terrain: Terrain | None) -> Part:
    from moonpost.errors import MoonpostError
    from moonpost.report.figures.polar import map_figure, map_sites
    from moonpost.terrain import Terrain as Heights

    sites = map_sites(record)
    if not sites:
        return Note(("No polar map: the sites do not all lie within 15 degrees of one pole.",))
    south = record.site.rows[0].latitude_deg < 0
    try:
        base = Heights.default("south" if south else "north")
    except MoonpostError as error:
        return Note((f"No map: {error}.",))
    heights = base if terrain is None else Heights((*terrain.layers, *base.layers))
    layers = ", ".join(f"{layer['name']}" for layer in heights.provenance())
    up = "longitude 0° (the Earth's side) is up" if south else "longitude 0° (the Earth's side) is down"

    def draw(width_in: float) -> object:
        return map_figure(record, heights, width_in)

    return Picture(
        name="map",
        title="Map of the sites",
        alt="Shaded relief round the pole with the sites numbered: "
        + "; ".join(f"{s.number} {s.name}" for s in sites),
        caption=f"Polar stereographic, seen from above: {up}, 90° E is right. North is not up: from every "
        f"site it points {'away from' if south else 'towards'} the pole. The relief is lit from the upper "
        f"left for the picture, not by the Sun; heights: {layers}.",
        draw=draw,
        width_in=FULL_IN,
        dense=True,
    )


def _horizons(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> list[Picture]:
    if "site-horizons" not in series:
        return []
    years = f"{record.site.start_utc[:4]} to {record.site.stop_utc[:4]}"
    found = []
    for site, name in {row.site: row.name for row in record.site.rows}.items():

        def draw(width_in: float, site: str = site) -> object:
            from moonpost.report.figures.horizons import horizon_figure

            return horizon_figure(record, series, site, width_in)

        found.append(
            Picture(
                name=f"horizon-{site}",
                title=f"Horizon: {name}",
                alt=f"Elevation of the horizon against azimuth at {name}, with the band of the Sun.",
                caption=f"Band: centre of the Sun, lowest to highest, {years}. Above the line there is light.",
                draw=draw,
                width_in=HALF_IN,
            )
        )
    return found


def _published(record: StudyRecord) -> Table:
    columns = (
        Column("Site"),
        Column("Height", "m", "number"),
        Column("Quantity"),
        Column("This study, unit"),
        Column("Published, unit"),
        Column("Source"),
    )
    rows = []
    for row in record.site.rows:
        for item in row.published:
            title, unit, factor = quantity(item.quantity, item.unit)
            ours = getattr(row, item.quantity, None)
            text = (
                UNKNOWN if ours is None else f"{number(ours * factor, 1)} {'%' if unit.startswith('%') else unit}"
            )
            there = published_cell(item)
            where = there.small.split(";")[0]
            rows.append((row.name, f"{row.mast_m:g}", title, text, Cell(there.text, "", where), item.source))
    note = (
        "Published values are for the point and height named with them, for other years and on other terrain; low "
        "above ground the nearest metres of terrain decide, and values differ most."
    )
    return table("published", "Beside published values", columns, rows, note=note, folded=True)


def _places(record: StudyRecord) -> Table:
    columns = (
        Column("Site"),
        Column("Latitude", "deg", "number"),
        Column("East longitude", "deg", "number"),
        Column("Height over 1737.4 km", "m", "number"),
        Column("Slope", "deg", "number"),
        Column("Terrain, finest first"),
    )
    rows = [
        (
            row.name,
            latitude(row.latitude_deg),
            number(row.longitude_deg % 360, 3),
            number(row.height_m),
            number(row.slope_deg, 1),
            row.terrain,
        )
        for row in {row.site: row for row in record.site.rows}.values()
    ]
    return table("places", "Places and terrain", columns, rows, folded=True)


def _orbit(record: StudyRecord) -> Table:
    orbit = record.site.orbit
    assert orbit is not None
    columns = (Column("Quantity"), Column("Value", "as stated", "number"), Column("Unit"))
    rows = (
        ("Lowest altitude", number(orbit.perilune_altitude_km), "km"),
        ("Highest altitude", number(orbit.apolune_altitude_km), "km"),
        ("Inclination to the lunar equator", number(orbit.inclination_deg, 1), "deg"),
        ("Period", number(orbit.period_h, 2), "h"),
        ("In sunlight", percent(orbit.average_illumination, 2), "% of time"),
        (
            "Longest darkness",
            Cell(number(orbit.longest_dark_h, 2), "", f"from {minute(orbit.longest_dark_start_utc)} UTC"),
            "h",
        ),
        ("Most darkness in one orbit", number(orbit.dark_per_orbit_max_min), "min"),
        ("Earth in view", percent(orbit.earth_visible, 2), "% of time"),
        ("Longest time without the Earth", number(orbit.longest_earth_outage_h, 2), "h"),
    )
    return table("orbit", "The orbit", columns, rows, note=f"Source of the orbit: {orbit.source}.")


def light_section(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> Section:
    """Light and darkness through a year and through the period.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.

    Returns
    -------
    Section
        Its pictures and notes.
    """
    month, eclipses = record.site.worst_month, record.site.eclipses
    lines = [
        f"Lunar month with the least light: {day(month.start_utc)} to {day(month.stop_utc)}, "
        f"{percent(month.average_illumination)} % on average, "
        f"dark for at most {month.longest_dark_d:.1f} d at a stretch.",
        f"{plural(eclipses.count, 'eclipse')} of the Sun by the Earth, the longest {eclipses.longest_h:.1f} h"
        + (f"; the first on {minute(eclipses.next_utc)} UTC." if eclipses.next_utc else "."),
    ]
    parts: list[Part | None] = [Note(tuple(lines))]
    if "site-light" in series:
        parts += _orbit_light(series) if record.site.kind == "orbit" else _surface_light(record, series)
    return Section("light", "Light and darkness", "", tuple(parts))


def _surface_light(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> list[Part | None]:
    def year(width_in: float) -> object:
        from moonpost.report.figures.light import year_figure

        return year_figure(record, series, width_in)

    def period(width_in: float) -> object:
        from moonpost.report.figures.light import period_figure

        return period_figure(record, series, width_in)

    first, last = day(record.operate.year_start_utc), day(record.operate.year_stop_utc)
    return [
        Picture(
            name="light-year",
            title="Light of a year, lunar month by lunar month",
            alt="Raster: a row for each lunar month of the year, from local noon to the next; dark where no Sun.",
            caption=f"{first} to {last}, the year of the worst deficit. Each row runs from local solar noon to "
            "the next, so that local midnight lies in the middle.",
            draw=year,
            width_in=FULL_IN,
            dense=True,
        ),
        Picture(
            name="light-period",
            title="Light of the whole period",
            alt="Raster: one column for each lunar month of the period; dark where no part of the Sun is in view.",
            caption="One column for each lunar month, from local solar noon (below) to the next (above).",
            draw=period,
            width_in=FULL_IN,
            dense=True,
        ),
    ]


def _orbit_light(series: Mapping[str, xr.Dataset]) -> list[Part | None]:
    def draw(width_in: float) -> object:
        from moonpost.report.figures.light import eclipse_figure

        return eclipse_figure(series, width_in)

    return [
        Picture(
            name="shadow",
            title="Time in shadow through the period",
            alt="Hours in shadow on each day of the period.",
            caption="Broad seasons: shadow of the Moon once in each orbit. Spikes: eclipses by the Earth.",
            draw=draw,
            width_in=FULL_IN,
            dense=True,
        )
    ]
