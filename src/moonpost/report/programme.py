"""Sections on launches and the build order, and on velocity changes and masses."""

from __future__ import annotations

from moonpost.report.parts import Cell, Column, Part, Picture, Section, Table, signed, table
from moonpost.report.wording import UNKNOWN, day, leg_name, minute, names, number, percent, plain
from moonpost.study.results import CapabilityRow, ChainRow, StudyRecord

__all__ = ["build_section", "mass_section"]

FULL_IN = 12.2


def build_section(record: StudyRecord) -> Section:
    """Launch manifest, build order and what stands when.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its tables and pictures.
    """
    parts: list[Part | None] = [_manifest(record), _years(record), _gantt(record), _conflicts(record)]
    parts += [_capability_picture(record), _capability(record)]
    return Section("build", "Launches and build order", "", tuple(parts))


def _manifest(record: StudyRecord) -> Table:
    known = names(record)
    columns = (
        Column("Mission"),
        Column("Owner"),
        Column("Status"),
        Column("Launcher"),
        Column("Launch", "UTC", "when"),
        Column("Launch mass", "kg", "number"),
        Column("Launcher can", "kg", "number"),
        Column("Margin", "kg", "number"),
        Column("Landed", "kg", "number"),
        Column("Payload", "kg", "number"),
    )
    rows = [
        (
            Cell(row.name, "", row.note),
            known.get(row.owner, row.owner),
            row.status,
            row.launcher or "not chosen",
            minute(row.launch).replace("/", " to "),
            number(row.launch_mass_kg),
            number(row.capacity_kg),
            signed(row.margin_kg, number(row.margin_kg, signed=True)),
            Cell(number(row.landed_mass_kg), "", _basis(row.landed_basis)),
            Cell(number(row.payload_mass_kg), "", _basis(row.payload_basis)),
        )
        for row in record.build.launches
    ]
    note = "–: not published. A payload marked “at most” is a bound from the plan's payload fraction."
    return table("manifest", "Launch manifest", columns, rows, note=note)


def _basis(basis: str) -> str:
    return {"none": "", "unknown": "", "bound": "at most"}.get(basis, basis)


def _years(record: StudyRecord) -> Table:
    columns = (
        Column("Year", "UTC", "when"),
        Column("Launches", "number", "number"),
        Column("Launched", "t", "number"),
        Column("Landed", "t", "number"),
        Column("Payload", "t", "number"),
        Column("Launches with an unknown mass", "number", "number"),
    )
    rows = [
        (
            str(row.year),
            str(row.launches),
            number(row.launched_kg / 1e3, 1),
            number(row.landed_kg / 1e3, 1),
            number(row.payload_kg / 1e3, 1),
            str(row.unknown),
        )
        for row in record.build.years
        if row.launches
    ]
    return table(
        "years", "Masses by year", columns, rows, note="Years without a launch are left out.", folded=True
    )


def _gantt(record: StudyRecord) -> Picture | None:
    if not record.build.gantt:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.build import gantt_figure

        return gantt_figure(record, width_in)

    return Picture(
        name="gantt",
        title="Build order and life of the elements",
        alt="A bar for each element from launch to the end of its life, coloured by owner.",
        caption="An arrow at the end: the plan states no end of life. Dates: the earliest that the plan allows.",
        draw=draw,
        width_in=FULL_IN,
    )


def _conflicts(record: StudyRecord) -> Table:
    columns = (Column("Where in the plan"), Column("What conflicts"))
    rows = [(row.place, row.text) for row in record.build.conflicts]
    return table("conflicts", "Conflicts in the build order", columns, rows)


def _capability_picture(record: StudyRecord) -> Picture | None:
    if len(record.build.capability) < 2:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.build import capability_figure

        return capability_figure(record, width_in)

    return Picture(
        name="capability",
        title="What stands when",
        alt="Three step lines over time: power of the sources, mass in service and number of objectives served.",
        caption="Power counts the nameplate of the station's sources, a reactor at its mean power.",
        draw=draw,
        width_in=FULL_IN,
    )


def _capability(record: StudyRecord) -> Table:
    known = names(record, "element")
    columns = (
        Column("From", "UTC", "when"),
        Column("What changes"),
        Column("Elements", "number", "number"),
        Column("Power of sources", "kW", "number"),
        Column("Mass in service", "t", "number"),
        Column("Objectives served", "number", "number"),
    )
    rows = [
        (
            day(row.date),
            _causes(row, known),
            str(row.elements),
            number(row.station_power_w / 1e3, 1),
            number(row.mass_kg / 1e3, 1),
            str(row.objectives),
        )
        for row in record.build.capability
    ]
    return table("capability-table", "Capability by date", columns, rows, folded=True)


def _causes(row: CapabilityRow, known: dict[str, str]) -> str:
    added = [known.get(item[1:], item[1:]) for item in row.cause if item.startswith("+")]
    gone = [known.get(item[1:], item[1:]) for item in row.cause if item.startswith("-")]
    other = [item for item in row.cause if item[:1] not in "+-"]
    lines = [
        f"begins: {', '.join(added)}" if added else "",
        f"ends: {', '.join(gone)}" if gone else "",
        ", ".join(other),
    ]
    return "; ".join(line for line in lines if line)


def mass_section(record: StudyRecord) -> Section:
    """Velocity changes, landed masses and the mass budget.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its tables and picture.
    """
    parts: tuple[Part | None, ...] = (
        _chain_picture(record),
        _chains(record),
        _legs(record),
        _checks(record),
        _masses(record),
    )
    return Section("mass", "Velocity changes and masses", "", parts)


def _transfers(record: StudyRecord) -> list[ChainRow]:
    """One chain with legs for each kind of transfer."""
    found: dict[str | None, ChainRow] = {}
    for chain in record.flight.chains:
        if chain.legs:
            found.setdefault(chain.transfer, chain)
    return list(found.values())


def _chain_picture(record: StudyRecord) -> Picture | None:
    chains = _transfers(record)
    if not chains:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.flight import chains_figure

        return chains_figure(chains, width_in)

    return Picture(
        name="chains",
        title="Velocity changes of each kind of transfer",
        alt="Stacked bars: velocity change of each leg in metres per second, for each kind of transfer.",
        caption="From the injection towards the Moon to the end of the mission.",
        draw=draw,
        width_in=FULL_IN,
    )


def _chains(record: StudyRecord) -> Table:
    columns = (
        Column("Mission"),
        Column("Transfer"),
        Column("Mass after injection", "kg", "number"),
        Column("Velocity change", "m/s", "number"),
        Column("Mass at the end", "kg", "number"),
        Column("Published", "kg", "number"),
        Column("Payload at most", "kg", "number"),
    )
    rows = []
    for row in record.flight.chains:
        low, high = row.end_mass_low_kg, row.end_mass_high_kg
        span = "" if low is None or high is None else f"{number(low)} to {number(high)}"
        rows.append(
            (
                Cell(row.name, "", row.note),
                plain(row.transfer or UNKNOWN),
                Cell(number(row.start_mass_kg), "", row.start_mass_basis if row.start_mass_kg is not None else ""),
                number(row.delta_v_m_s),
                Cell(number(row.end_mass_kg), "", span),
                number(row.published_end_mass_kg),
                number(row.payload_bound_kg),
            )
        )
    note = (
        "Small print under the mass at the end: range over the specific impulses and velocity changes of the plan."
    )
    return table("chain-table", "From injection to the end of each mission", columns, rows, note=note)


def _legs(record: StudyRecord) -> Table:
    columns = (
        Column("Transfer"),
        Column("Leg"),
        Column("Velocity change", "m/s", "number"),
        Column("Method"),
        Column("Source"),
    )
    rows = [
        (plain(chain.transfer or UNKNOWN), leg_name(leg.leg), number(leg.delta_v_m_s), leg.method, leg.source)
        for chain in _transfers(record)
        for leg in chain.legs
    ]
    return table("legs", "Velocity changes leg by leg, with sources", columns, rows, folded=True)


def _checks(record: StudyRecord) -> Table:
    columns = (
        Column("Mission"),
        Column("Elements with margin", "kg", "number"),
        Column("Delivered", "kg", "number"),
        Column("Margin", "kg", "number"),
        Column("Launch mass", "kg", "number"),
        Column("Launcher can", "kg", "number"),
        Column("Margin", "kg", "number"),
    )
    rows = [
        (
            row.name,
            number(row.elements_with_margin_kg) if row.elements_with_margin_kg else UNKNOWN,
            number(row.delivered_kg),
            signed(row.delivered_margin_kg, number(row.delivered_margin_kg, signed=True)),
            number(row.launch_mass_kg),
            number(row.launch_capacity_kg),
            signed(row.launch_margin_kg, number(row.launch_margin_kg, signed=True)),
        )
        for row in record.design.mass_checks
    ]
    return table("mass-checks", "What each mission carries against what it can bring", columns, rows)


def _masses(record: StudyRecord) -> Table:
    known, missions = names(record), names(record, "mission")
    columns = (
        Column("Element"),
        Column("Owner"),
        Column("Mission"),
        Column("Count", "number", "number"),
        Column("Maturity"),
        Column("Mass", "kg", "number"),
        Column("Margin", "%", "number"),
        Column("With margin", "kg", "number"),
        Column("Low", "kg", "number"),
        Column("High", "kg", "number"),
        Column("Confidence"),
    )
    rows: list[tuple[str | Cell, ...]] = [
        (
            row.name,
            known.get(row.owner, row.owner),
            missions.get(row.mission, row.mission),
            str(row.count),
            row.maturity,
            number(row.mass_kg),
            percent(row.margin),
            number(row.mass_with_margin_kg),
            number(row.low_kg),
            number(row.high_kg),
            Cell(row.confidence, f"grade-{row.confidence.lower()}"),
        )
        for row in record.design.masses
    ]
    note = "Masses of one element; –: not published."
    return table("masses", f"Mass budget, {len(rows)} elements", columns, rows, note=note, folded=True)
