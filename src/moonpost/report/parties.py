"""The section on partners: shares, agreements, approvals and objectives."""

from __future__ import annotations

from moonpost.report.parts import Cell, Column, Picture, Section, Table, mark, table
from moonpost.report.wording import names, number, percent
from moonpost.study.results import StudyRecord

__all__ = ["partner_section"]


def partner_section(record: StudyRecord) -> Section:
    """Shares, agreements, approvals and objectives.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its picture and tables.
    """
    lead = f"State of agreements and approvals on {record.partners.as_of_utc[:10]}."
    parts = (_picture(record), _shares(record), _agreements(record), _objectives(record), _approvals(record))
    return Section("partners", "Partners", lead, parts)


def _picture(record: StudyRecord) -> Picture | None:
    if not record.partners.shares:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.partners import shares_figure

        return shares_figure(record, width_in)

    return Picture(
        name="shares",
        title="Shares of the landed mass",
        alt="A bar for each partner: its share of the landed mass in percent, with its range.",
        caption="Whiskers: lowest and highest share that the ranges of the masses allow.",
        draw=draw,
        width_in=8.0,
    )


def _shares(record: StudyRecord) -> Table:
    columns = (
        Column("Partner"),
        Column("Mass", "kg", "number"),
        Column("Share", "%", "number"),
        Column("Low", "%", "number"),
        Column("High", "%", "number"),
    )
    rows = [
        (
            row.name,
            number(row.mass_kg),
            percent(row.share, 1),
            percent(row.share_low, 1),
            percent(row.share_high, 1),
        )
        for row in record.partners.shares
    ]
    note = "Elements whose mass is not known count as nothing."
    return table("share-table", "Shares", columns, rows, note=note)


def _agreements(record: StudyRecord) -> Table:
    columns = (Column("Agreement"), Column("In force", kind="mark"), Column("Steps still missing"))
    known = names(record)
    rows = []
    for row in record.partners.agreements:
        missing = "; ".join(_step(step, known) for step in row.missing)
        rows.append((row.name, mark(row.in_force), missing))
    return table("agreements", "Agreements", columns, rows)


def _step(step: str, known: dict[str, str]) -> str:
    """A missing step such as ``cnsa: ratified`` with the party's name."""
    party, separator, state = step.partition(": ")
    return f"{known.get(party, party)}{separator}{state}"


def _objectives(record: StudyRecord) -> Table:
    known = names(record, "mission")
    columns = (
        Column("Objective"),
        Column("Area"),
        Column("Status"),
        Column("Missions"),
        Column("Instruments", "number", "number"),
    )
    rows = [
        (
            row.name,
            row.area,
            Cell(row.status, "bad-text" if row.status in {"open", "orphaned"} else ""),
            ", ".join(known.get(mission, mission) for mission in row.missions),
            str(len(row.instruments)),
        )
        for row in record.partners.objectives
    ]
    note = "open: no instrument is planned. orphaned: its instruments have no mission that flies."
    return table("objectives", "Science objectives", columns, rows, note=note)


def _approvals(record: StudyRecord) -> Table:
    known = names(record)

    def listed(parties: tuple[str, ...]) -> str:
        return ", ".join(known.get(party, party) for party in parties)

    columns = (
        Column("Element or mission"),
        Column("Kind"),
        Column("Owner"),
        Column("Needed from"),
        Column("Given by"),
        Column("Missing"),
    )
    rows = [
        (
            row.name,
            row.kind,
            known.get(row.owner, row.owner),
            listed(row.needed),
            listed(row.given),
            Cell(listed(row.missing), "bad-text"),
        )
        for row in record.partners.approvals
    ]
    return table(
        "approval-table", f"Approvals of all {len(rows)} elements and missions", columns, rows, folded=True
    )
