"""Sections on sleep and wake, power, contacts and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moonpost.report.parts import Cell, Column, Note, Part, Picture, Section, Table, signed, table
from moonpost.report.readings import dormancy_span
from moonpost.report.wording import UNKNOWN, day, energy, minute, names, number, percent, plain, ratio
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["contact_section", "dormancy_section", "power_section"]

FULL_IN = 12.2


def dormancy_section(record: StudyRecord) -> Section:
    """When machines sleep and wake: the calendar and its table.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its picture, table and notes.
    """
    first, last = (day(str(end)) for end in dormancy_span(record))
    parts: list[Part | None] = []
    if record.operate.dormancy:

        def draw(width_in: float) -> object:
            from moonpost.report.figures.dormancy import dormancy_figure

            return dormancy_figure(record, width_in)

        parts.append(
            Picture(
                name="dormancy",
                title="Sleep and wake",
                alt="A bar for each machine over the year: awake or asleep, with the number of its lunar day.",
                caption=f"{first} to {last}. The numbers are lunar days since landing.",
                draw=draw,
                width_in=FULL_IN,
            )
        )
    if record.operate.dormancy_notes and (record.operate.dormancy or record.site.kind == "surface"):
        parts.append(Note(record.operate.dormancy_notes))
    parts.append(_events(record))
    return Section("dormancy", "Sleep and wake of the machines", "", tuple(parts))


def _events(record: StudyRecord) -> Table:
    columns = (
        Column("Machine"),
        Column("Lunar day", "since landing", "number"),
        Column("Event"),
        Column("Time", "UTC", "when"),
        Column("Sun elevation", "deg", "number"),
        Column("Rests on"),
    )
    rows = [
        (row.name, str(row.lunar_day), row.event, minute(row.utc), number(row.sun_elevation_deg, 2), row.basis)
        for row in record.operate.dormancy
    ]
    return table("dormancy-events", "All sleep and wake times", columns, rows, folded=True)


def power_section(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> Section:
    """Power and battery: the year in detail, the loads, the storage and the balance.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.

    Returns
    -------
    Section
        Its picture and tables.
    """
    lead = (
        f"The station was simulated from {day(record.operate.start_utc)} to {day(record.operate.stop_utc)}; the "
        "year of the worst deficit is shown in detail. The loads are as planned; sizing adds margins."
    )
    parts: list[Part | None] = []
    if "operate-year" in series:

        def draw(width_in: float) -> object:
            from moonpost.report.figures.power import power_figure

            return power_figure(record, series, width_in)

        first, last = day(record.operate.year_start_utc), day(record.operate.year_stop_utc)
        parts.append(
            Picture(
                name="power",
                title="Power and battery through the year of the worst deficit",
                alt="Above, supply and load of the station in kW; below, lowest charge of each battery by day.",
                caption=f"{first} to {last}. Supply is what the sources could give before losses.",
                draw=draw,
                width_in=FULL_IN,
            )
        )
    parts += [_storage(record), _loads(record), _balances(record), _counts(record)]
    return Section("power", "Power and battery", lead, tuple(parts))


def _storage(record: StudyRecord) -> Table:
    columns = (
        Column("Variant"),
        Column("Height of arrays", "m", "number"),
        Column("Needed", "kWh", "number"),
        Column("Planned", "kWh", "number"),
        Column("Margin", "kWh", "number"),
        Column("Margin", "%", "number"),
        Column("Longest darkness alone would ask", "kWh", "number"),
        Column("Mass of what is needed", "kg", "number"),
        Column("Worst deficit", "UTC", "when"),
    )
    rows = [
        (
            row.variant[:1].upper() + row.variant[1:],
            f"{row.mast_m:g}" if record.site.kind == "surface" else UNKNOWN,
            energy(row.required_wh) if row.sustainable else Cell("sources too weak", "negative"),
            energy(row.installed_wh),
            signed(row.margin_wh, energy(row.margin_wh, signed=True)),
            signed(row.margin, ratio(row.margin)),
            energy(row.longest_dark_only_wh),
            number(row.mass_kg),
            f"{day(row.deficit_start_utc)} to {day(row.deficit_stop_utc)}" if row.deficit_start_utc else "none",
        )
        for row in record.design.storage
    ]
    note = (
        "Needed: nameplate energy that survives the worst run of days in which more is drawn than comes in. Short "
        "spells of light may not refill the store, so this can exceed what the longest darkness alone would ask."
    )
    return table("storage", "Storage, variant by variant", columns, rows, note=note)


def _loads(record: StudyRecord) -> Table:
    known = names(record)
    design = record.design
    columns = (
        Column("Load"),
        Column("Owner"),
        Column("In light", "W", "number"),
        Column("In the dark", "W", "number"),
        Column("Margin", "%", "number"),
        Column("In light, with margin", "W", "number"),
        Column("In the dark, with margin", "W", "number"),
    )
    rows: list[tuple[str | Cell, ...]] = [
        (
            row.name,
            known.get(row.owner, row.owner),
            number(row.light_w),
            number(row.dark_w),
            percent(row.margin),
            number(row.light_with_margin_w),
            number(row.dark_with_margin_w),
        )
        for row in design.loads
    ]
    if rows:
        total = (
            "All, with the system margin",
            "",
            "",
            "",
            "",
            number(design.load_light_w),
            number(design.load_dark_w),
        )
        rows.append(tuple(Cell(text, "total") for text in total))
    note = f"Mean over the period, with margins: {number(design.load_mean_w)} W."
    if design.carried_load_w is not None:
        note += f" The planned storage could carry {number(design.carried_load_w)} W."
    return table("loads", "Power budget of the station", columns, rows, note=note)


def _balances(record: StudyRecord) -> Table:
    known = names(record, "element")
    columns = (
        Column("Power system"),
        Column("Supplied", "MWh", "number"),
        Column("Used", "MWh", "number"),
        Column("Unused, store full", "MWh", "number"),
        Column("Lost", "MWh", "number"),
        Column("Not served", "kWh", "number"),
        Column("Lowest charge", "% of usable", "number"),
        Column("Balance error", "relative", "number"),
    )
    rows = [
        (
            known.get(row.subject, plain(row.subject).capitalize()),
            number(row.supplied_wh / 1e6, 1),
            number(row.used_wh / 1e6, 1),
            number(row.spilled_wh / 1e6, 1),
            number(row.lost_wh / 1e6, 1),
            signed(-row.shed_wh, number(row.shed_wh / 1e3, 1)),
            Cell(percent(row.lowest_charge), "", f"{day(row.lowest_charge_utc)}" if row.lowest_charge_utc else ""),
            f"{abs(row.residual_relative):.0e}",
        )
        for row in record.operate.balances
    ]
    return table(
        "balances",
        "Where the energy went",
        columns,
        rows,
        note="Over the whole period; every watt-hour is accounted for.",
    )


def _counts(record: StudyRecord) -> Note | None:
    lines = []
    if record.operate.events:
        counted = ", ".join(f"{plain(kind)} {count:,}" for kind, count in record.operate.events.items())
        lines.append(f"Events in the simulation: {counted}.")
    if record.operate.coldest_surface_k is not None and record.operate.warmest_surface_k is not None:
        lines.append(
            f"Surface of the level ground at the baseline: {record.operate.coldest_surface_k:.0f} K to "
            f"{record.operate.warmest_surface_k:.0f} K over the first year."
        )
    return Note(tuple(lines)) if lines else None


def contact_section(record: StudyRecord) -> Section:
    """Contacts with antennas on Earth, and links.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its tables; empty where the study has none.
    """
    contacts = table(
        "contact-table",
        "Contact with antennas on Earth",
        (
            Column("Antenna"),
            Column("Contact", "h per day", "number"),
            Column("Contact", "% of time", "number"),
            Column("Longest gap", "h", "number"),
        ),
        [
            (row.name, number(row.hours_per_day, 1), percent(row.share, 1), number(row.longest_gap_h, 1))
            for row in record.operate.contacts
        ],
    )
    links = table(
        "link-table",
        "Links",
        (
            Column("Link"),
            Column("Rate", "kbit/s", "number"),
            Column("Margin", "dB", "number"),
            Column("Not stated in the plan"),
        ),
        [
            (
                row.name,
                number(row.rate_bit_s / 1e3, 1 if row.rate_bit_s < 1e5 else 0),
                signed(row.margin_db, number(row.margin_db, 1, signed=True)),
                ", ".join(plain(item) for item in row.missing),
            )
            for row in record.operate.links
        ],
    )
    return Section("contacts", "Contacts and links", "", (contacts, links))
