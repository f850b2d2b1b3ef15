"""Phase "build": the manifest, the build order and what the station can do from when."""

from __future__ import annotations

from moonpost.campaign import build_order, capability, manifest
from moonpost.study.context import Context, Phase
from moonpost.study.results import BuildResult, CapabilityRow, GanttRow, IssueRow, LaunchRow, YearRow

__all__ = ["build_phase"]


def build_phase(context: Context) -> Phase:
    """Set launches and machines in order."""
    context.progress.start("build", 3)
    launches, years = _manifest(context)
    context.progress.step("manifest")
    order = build_order(context.plan)
    context.progress.step("build order")
    gantt = tuple(
        GanttRow(
            element=bar["element"],
            name=bar["name"],
            owner=bar["owner"],
            kind=bar["kind"],
            start=bar["start"],
            stop=bar["stop"],
            requires=tuple(bar["predecessors"]),
        )
        for bar in order.gantt()
    )
    points = tuple(
        CapabilityRow(
            date=point.date,
            cause=point.cause,
            elements=point.elements,
            station_power_w=point.station_power_w,
            mass_kg=point.mass_kg,
            objectives=point.objectives,
        )
        for point in capability(context.plan, order)
    )
    conflicts = tuple(IssueRow(place=row.place, text=row.text) for row in order.findings)
    context.progress.step("capability")
    return Phase(BuildResult(launches=launches, years=years, gantt=gantt, capability=points, conflicts=conflicts))


def _manifest(context: Context) -> tuple[tuple[LaunchRow, ...], tuple[YearRow, ...]]:
    found = manifest(context.plan)
    launches = tuple(
        LaunchRow(
            mission=row.mission,
            name=row.name,
            owner=row.owner,
            status=row.status,
            launcher=row.launcher,
            launch=row.launch,
            year=row.year,
            launch_mass_kg=row.launched.kg,
            capacity_kg=row.capacity_kg,
            margin_kg=row.capacity_margin_kg,
            landed_mass_kg=row.landed.kg,
            landed_basis=row.landed.mark,
            payload_mass_kg=row.payload.kg,
            payload_basis=row.payload.mark,
            note=row.note,
        )
        for row in found.rows
    )
    years = tuple(
        YearRow(
            year=row.year,
            launches=row.launches,
            launched_kg=row.launched_kg,
            landed_kg=row.landed_kg,
            payload_kg=row.payload_kg,
            unknown=len(row.unknown),
        )
        for row in found.years
    )
    return launches, years
