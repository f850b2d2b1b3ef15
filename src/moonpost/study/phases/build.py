"""Phase "build": the manifest, the build order and what the station can do from when."""

from __future__ import annotations

from moonpost.campaign import build_order, capability, manifest
from moonpost.campaign.manifest import ManifestRow
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
    conflicts = tuple(IssueRow(severity=row.severity, place=row.place, text=row.text) for row in order.findings)
    context.progress.step("capability")
    return Phase(BuildResult(launches=launches, years=years, gantt=gantt, capability=points, conflicts=conflicts))


def _manifest(context: Context) -> tuple[tuple[LaunchRow, ...], tuple[YearRow, ...]]:
    found = manifest(context.plan)
    launchers = {row.id: row.name for row in context.plan.launchers}
    launches = tuple(
        LaunchRow(
            mission=row.mission,
            name=row.name,
            owner=row.owner,
            status=row.status,
            launcher=launchers.get(row.launcher or "", row.launcher),
            launch=row.launch,
            year=row.year,
            launch_mass_kg=row.launched.kg,
            capacity_kg=row.capacity_kg,
            margin_kg=row.capacity_margin_kg,
            landed_mass_kg=row.landed.kg,
            landed_basis=row.landed.mark,
            payload_mass_kg=None if _past_bound(row) else row.payload.kg,
            payload_basis="unknown" if _past_bound(row) else row.payload.mark,
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
            payload_kg=sum(launch.payload_mass_kg or 0.0 for launch in launches if launch.year == row.year),
            unknown=sum(_unknown(launch) for launch in launches if launch.year == row.year),
        )
        for row in found.years
    )
    return launches, years


def _past_bound(row: ManifestRow) -> bool:
    """Whether a payload is an upper bound of a launch that has been made, for which it says little."""
    return row.payload.mark == "bound" and row.status in {"flown", "lost"}


def _unknown(row: LaunchRow) -> bool:
    """Whether a mass of a launch that counts is not known."""
    return row.status != "cancelled" and (row.launch_mass_kg is None or row.landed_basis == "unknown")
