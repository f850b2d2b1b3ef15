"""Findings across rooms: what a plan alone cannot tell, such as a site off its terrain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from moonpost.design.maturity import maturity_findings
from moonpost.errors import Fault, MoonpostError
from moonpost.partners.releases import release_findings
from moonpost.plan import Finding, MoonSite, Plan, Reading, SurfaceStation, read_plan, when_bounds
from moonpost.plan import check as check_fields

__all__ = ["check", "check_file"]


def check(plan: Plan) -> list[Finding]:
    """Check a plan within and across rooms.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of Finding
        Errors first. A plan that `moonpost.plan.load_plan` accepts can still have errors here, such as a
        site outside its terrain.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [finding for finding in check(load_plan("ilrs")) if finding.severity == "error"]
    []
    """
    return _ordered([*check_fields(plan), *_across(plan)])


def check_file(plan: str | os.PathLike[str]) -> tuple[Path, list[Finding]]:
    """Check a plan file: every fault of its fields, between them and across rooms.

    Parameters
    ----------
    plan : str or path-like
        A bundled name or a path.

    Returns
    -------
    path, findings : pathlib.Path, list of Finding
        The file and what was found, errors first.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such plan or it cannot be read at all.

    Examples
    --------
    >>> path, findings = check_file("ilrs-orbit")
    >>> path.name
    'ilrs-orbit.toml'
    """
    reading = read_plan(plan)
    found = [_as_finding(fault) for fault in reading.faults] + reading.findings()
    found += [finding for finding in _across(reading.plan) if not _rests_on_faults(finding, reading)]
    return reading.path, _ordered(found)


def _as_finding(fault: Fault) -> Finding:
    return Finding("error", "field", fault.place, fault.text)


def _rests_on_faults(finding: Finding, reading: Reading) -> bool:
    head = finding.place.partition("]")[0] + "]"
    return head in reading.unsound or finding.place.partition(".")[0] in reading.unsound


def _ordered(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def _across(plan: Plan) -> Iterator[Finding]:
    yield from _sites(plan)
    yield from _dates(plan)
    yield from maturity_findings(plan)
    yield from release_findings(plan)


def _sites(plan: Plan) -> Iterator[Finding]:
    """The station's sites lie on terrain that can be read."""
    if not isinstance(plan.station, SurfaceStation):
        return
    known = {site.id: site for site in plan.sites}
    for name in dict.fromkeys((plan.station.site, *plan.station.candidates)):
        site = known.get(name)
        if site is not None and (text := _off_terrain(plan, site)):
            place = f"sites[{site.id}].terrain" if site.terrain else f"sites[{site.id}]"
            yield Finding("error", "off-terrain", place, text)


def _off_terrain(plan: Plan, site: MoonSite) -> str:
    """Why a site has no height; empty if it has one."""
    from moonpost.study.context import site_terrain

    try:
        terrain = site_terrain(plan, site)
        terrain.site(site.latitude_deg, site.longitude_deg)
    except MoonpostError as error:
        return str(error)
    return ""


def _dates(plan: Plan) -> Iterator[Finding]:
    """The period that the station is sized for lies within the kernels."""
    import numpy as np

    from moonpost.sky import Almanac

    first, last = Almanac.default().span
    start = np.datetime64(when_bounds(plan.design.start)[0], "ms")
    stop = start + np.timedelta64(round(plan.design.years * 365.25 * 86400), "s")
    if start < first or stop > last:
        years = f"{str(start)[:10]} to {str(stop)[:10]}"
        text = f"the period {years} is outside the kernels ({str(first)[:10]} to {str(last)[:10]}): choose another"
        yield Finding("error", "outside-kernels", "design.start", text)
