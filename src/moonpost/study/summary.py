"""The record of a study: all phases with verdicts, findings, self-test and the origin of every number."""

from __future__ import annotations

import datetime as dt
import platform
from importlib.metadata import version

from moonpost.study.context import Context
from moonpost.study.findings import check
from moonpost.study.results import (
    FindingRow,
    KernelRow,
    PlanRecord,
    ProvenanceRow,
    SiteResult,
    StudyRecord,
)
from moonpost.study.selftest import self_test
from moonpost.study.verdicts import verdicts

__all__ = ["provenance", "summarise"]

_PACKAGES = ("moonpost", "numpy", "numba", "xarray", "rasterio", "pyproj", "skyfield", "pydantic")


def summarise(context: Context) -> StudyRecord:
    """Put the results of all phases into one record."""
    plan = context.plan
    return StudyRecord(
        created_utc=dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z",
        versions={**{name: version(name) for name in _PACKAGES}, "python": platform.python_version()},
        plan=PlanRecord(
            id=plan.id,
            title=plan.title,
            summary=plan.summary,
            version=plan.version,
            sha256=plan.sha256,
            station=plan.station.kind,
        ),
        kernels=tuple(
            KernelRow(name=kernel.name, kind=kernel.kind, sha256=kernel.sha256)
            for kernel in context.almanac.kernels
        ),
        verdicts=verdicts(context),
        findings=tuple(
            FindingRow(severity=row.severity, code=row.code, place=row.place, text=row.text) for row in check(plan)
        ),
        site=context.result("site"),
        flight=context.result("flight"),
        design=context.result("design"),
        build=context.result("build"),
        partners=context.result("partners"),
        operate=context.result("operate"),
        self_test=self_test(context.almanac),
        provenance=provenance(context),
    )


def provenance(context: Context) -> tuple[ProvenanceRow, ...]:
    """Where each kind of number in the record comes from."""
    site: SiteResult = context.result("site")
    kernels = ", ".join(kernel.name for kernel in context.almanac.kernels)
    return (*_light(context, site, kernels), *_plan_numbers(context))


def _light(context: Context, site: SiteResult, kernels: str) -> tuple[ProvenanceRow, ...]:
    sun = ProvenanceRow(
        quantity="Sun and Earth: direction, distance, size",
        model="moonpost.sky, apparent (light time, aberration), MOON_ME",
        inputs=kernels,
        source="JPL DE440, Park et al. 2021, doi:10.3847/1538-3881/abd414",
    )
    eclipses = ProvenanceRow(
        quantity="Eclipses by the Earth",
        model="moonpost.sky.eclipse, opaque Earth of 1.01 equatorial radii",
        inputs=kernels,
        source="Danjon's enlargement for the atmosphere",
    )
    if site.kind == "orbit":
        orbit = ProvenanceRow(
            quantity="Shadow and sight of the Earth in orbit",
            model="moonpost.flight.shadow, two-body orbit fixed in space",
            inputs="station.orbit of the plan",
            source=context.plan.station.orbit.source if context.plan.station.kind == "orbit" else "",
        )
        return (sun, orbit)
    rows = {f"{row.name}, {row.mast_m:g} m": row.terrain for row in site.rows}
    horizons = tuple(
        ProvenanceRow(
            quantity=f"Light and darkness at {name}",
            model="moonpost.terrain, horizon on a sphere, disc fraction, darkness by events",
            inputs=terrain,
            source="LOLA heights (Smith et al. 2010, doi:10.1029/2010GL043751) as named in the profile",
        )
        for name, terrain in rows.items()
    )
    return (sun, eclipses, *horizons)


def _plan_numbers(context: Context) -> tuple[ProvenanceRow, ...]:
    where = f"plan {context.plan.id} {context.plan.version}, a source and a confidence on each row"
    return (
        ProvenanceRow(
            quantity="Velocity changes and landed mass",
            model="moonpost.flight.chain, rocket equation stage by stage",
            inputs="delta_v, transfers, launchers, missions of the plan",
            source=f"{where}; method literature",
        ),
        ProvenanceRow(
            quantity="Storage required",
            model="moonpost.power.storage, worst cumulative deficit (sequent peak)",
            inputs="light series, elements, design rules",
            source=where,
        ),
        ProvenanceRow(
            quantity="Design margins 5, 10, 20 %",
            model="moonpost.design.masses, moonpost.power.loads",
            inputs="maturity of each element",
            source="ECSS practice for equipment maturity",
        ),
        ProvenanceRow(
            quantity="Power and battery through the year",
            model="moonpost.operations.simulate, energy conserved in each step",
            inputs="light series, elements",
            source=where,
        ),
        ProvenanceRow(
            quantity="Surface temperature",
            model="moonpost.thermal, one-dimensional regolith",
            inputs="light and Sun elevation at the baseline",
            source="Hayne et al. 2017, doi:10.1002/2017JE005387",
        ),
        ProvenanceRow(
            quantity="Approvals, agreements, shares",
            model="moonpost.partners",
            inputs="approvals, agreements and owners of the plan",
            source=where,
        ),
    )
