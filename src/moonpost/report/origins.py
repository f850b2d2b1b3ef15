"""Sections on assumptions, findings and the origin of every number."""

from __future__ import annotations

from moonpost.report.parts import Cell, Column, Note, Section, Table, signed, table
from moonpost.report.wording import energy, minute, value
from moonpost.study.results import StudyRecord

__all__ = ["assumption_section", "finding_section", "origin_section"]


def assumption_section(record: StudyRecord) -> Section:
    """What the sizing takes for granted, and all assumptions with what they change.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Statements and the full table.
    """
    statements = (
        Note(record.design.statements, "The sizing takes for granted") if record.design.statements else None
    )
    return Section("all-assumptions", "Assumptions", "", (statements, _assumptions(record)))


def _assumptions(record: StudyRecord) -> Table:
    columns = (
        Column("Assumption"),
        Column("Confidence"),
        Column("Value, unit"),
        Column("Low, unit"),
        Column("High, unit"),
        Column("Storage margin at low", "kWh", "number"),
        Column("Storage margin at high", "kWh", "number"),
        Column("Source"),
    )
    rows = [
        (
            Cell(row.text, "", row.parameter or ""),
            Cell(row.confidence, f"grade-{row.confidence.lower()}"),
            value(row.parameter, row.value),
            value(row.parameter, row.low),
            value(row.parameter, row.high),
            signed(row.margin_low_wh, energy(row.margin_low_wh, signed=True)),
            signed(row.margin_high_wh, energy(row.margin_high_wh, signed=True)),
            row.source,
        )
        for row in record.design.sensitivity
    ]
    note = "Small print: the path of the number in the plan file."
    return table("assumption-table", f"All {len(rows)} assumptions", columns, rows, note=note, folded=True)


def finding_section(record: StudyRecord) -> Section:
    """What a check of the plan found.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        The findings, worst first.
    """
    order = {"error": 0, "warning": 1, "note": 2}
    columns = (Column("Severity"), Column("Finding"), Column("Where in the plan"))
    rows = [
        (row.severity, row.text, row.place) for row in sorted(record.findings, key=lambda row: order[row.severity])
    ]
    caption = f"{len(rows)} findings of the check of the plan"
    return Section(
        "findings", "Findings", "", (table("finding-table", caption, columns, rows, folded=len(rows) > 6),)
    )


def origin_section(record: StudyRecord) -> Section:
    """Where every number comes from: models, inputs, sources, kernels, versions.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    Section
        Its tables.
    """
    origin = table(
        "provenance",
        "Origin of the numbers",
        (Column("Quantity"), Column("Model"), Column("Inputs"), Column("Source")),
        [(row.quantity, row.model, row.inputs, row.source) for row in record.provenance],
    )
    kernels = table(
        "kernels",
        "Kernels read",
        (Column("File"), Column("Kind"), Column("SHA-256")),
        [(row.name, row.kind, Cell(row.sha256, "hash")) for row in record.kernels],
    )
    versions = table(
        "versions",
        "Versions",
        (Column("Package"), Column("Version, as released")),
        list(record.versions.items()),
        folded=True,
    )
    plan = record.plan
    lines = (
        f"Plan {plan.id}, version {plan.version}, SHA-256 {plan.sha256}.",
        f"Computed {minute(record.created_utc)} UTC.",
    )
    return Section("origin", "Where every number comes from", "", (Note(lines), origin, kernels, versions))
