"""The answers in a line each: what closes, by how much, and what limits it."""

from __future__ import annotations

from moonpost.study.context import Context
from moonpost.study.results import (
    BuildResult,
    DesignResult,
    LightRow,
    OperateResult,
    PartnersResult,
    SiteResult,
    StorageRow,
    Verdict,
)

__all__ = ["verdicts"]


def verdicts(context: Context) -> tuple[Verdict, ...]:
    """Answer the questions that a planner asks first, from the results of all phases."""
    site: SiteResult = context.result("site")
    design: DesignResult = context.result("design")
    build: BuildResult = context.result("build")
    partners: PartnersResult = context.result("partners")
    operate: OperateResult = context.result("operate")
    found = [*_darkness(site), *_storage(site, design), _contact(site)]
    if site.kind == "surface":
        found.append(_ranking(site))
    found += [_launches(design), _landing(design), _build(build)]
    found += [*_consent(context, partners), _objectives(partners), _balance(operate)]
    return tuple(found)


def _darkness(site: SiteResult) -> list[Verdict]:
    question = "How long is the longest darkness?"
    if site.orbit is not None:
        orbit = site.orbit
        bound = f"at most {orbit.dark_per_orbit_max_min:.0f} min behind the Moon in one orbit, for any node"
        text = f"{orbit.longest_dark_h:.1f} h; {bound}"
        limit = f"it begins {_day(orbit.longest_dark_start_utc)}"
        return [Verdict(id="darkness", question=question, answer=text, closes=None, limit=limit, grade=site.grade)]
    rows = _baseline(site)
    parts = [f"{row.longest_dark_d:.1f} days at {row.mast_m:g} m" for row in rows]
    worst = max(rows, key=lambda row: row.longest_dark_d)
    limit = (
        f"at {worst.mast_m:g} m from {_day(worst.longest_dark_start_utc)} to {_day(worst.longest_dark_stop_utc)}"
    )
    return [
        Verdict(
            id="darkness", question=question, answer=", ".join(parts), closes=None, limit=limit, grade=site.grade
        )
    ]


def _baseline(site: SiteResult) -> list[LightRow]:
    return [row for row in site.rows if row.site == site.baseline]


def _day(utc: str | None) -> str:
    return utc[:10] if utc else "an unknown day"


def _storage(site: SiteResult, design: DesignResult) -> list[Verdict]:
    planned = design.storage[0]
    found = [_storage_verdict("storage", "Does the planned storage carry the station?", planned, site, design)]
    without = _without(design)
    if without is not None:
        question = "And without the reactor?"
        found.append(_storage_verdict("storage-without-reactor", question, without, site, design))
    return found


def _without(design: DesignResult) -> StorageRow | None:
    """The variant without reactors, if the plan has any."""
    return next((row for row in design.storage if row.variant == "without reactor"), None)


def _storage_verdict(name: str, question: str, row: StorageRow, site: SiteResult, design: DesignResult) -> Verdict:
    closes = row.sustainable and row.margin_wh >= 0.0
    if not row.sustainable:
        answer, margin = "no: the sources do not carry the load even on average", ""
    else:
        answer = f"needs {row.required_wh / 1e3:,.0f} kWh, {row.installed_wh / 1e3:,.0f} kWh planned"
        margin = f"{row.margin_wh / 1e3:+,.0f} kWh"
    limit = f"worst cumulative deficit from {_day(row.deficit_start_utc)} to {_day(row.deficit_stop_utc)}"
    if row.required_wh > 1.05 * row.longest_dark_only_wh > 0:
        limit += f"; the longest darkness alone would have said {row.longest_dark_only_wh / 1e3:,.0f} kWh"
    if name == "storage" and (without := _without(design)) and row.required_wh > 0.95 * without.required_wh:
        limit += "; it falls after the design life of the reactor"
    return Verdict(
        id=name, question=question, answer=answer, closes=closes, margin=margin, limit=limit, grade=site.grade
    )


def _contact(site: SiteResult) -> Verdict:
    question = "How much of the time is the Earth in view?"
    if site.orbit is not None:
        text = f"{100 * site.orbit.earth_visible:.0f} % of the time"
        limit = f"longest gap {60 * site.orbit.longest_earth_outage_h:.0f} min"
    else:
        row = max(_baseline(site), key=lambda item: item.mast_m)
        text = f"{100 * row.earth_visible:.0f} % of the time at {row.mast_m:g} m"
        limit = f"longest gap {row.longest_earth_outage_d:.1f} days: a relay must cover it"
    return Verdict(id="earth", question=question, answer=text, closes=None, limit=limit, grade=site.grade)


def _ranking(site: SiteResult) -> Verdict:
    best = site.ranking[0]
    names = {row.site: row.name for row in site.rows}
    margin = f"first with {100 * best.first_share:.0f} % of 2,000 random weightings"
    own = next(row for row in site.ranking if row.site == site.baseline)
    place = [row.site for row in site.ranking].index(own.site) + 1
    limit = "" if place == 1 else f"the baseline comes {place} of {len(site.ranking)}"
    coarse = {row.name for row in site.rows if row.grade == "screening"}
    if coarse:
        limit = "; ".join(filter(None, [limit, f"screening terrain only at {', '.join(sorted(coarse))}"]))
    return Verdict(
        id="ranking",
        question="Which candidate site is best?",
        answer=names[best.site],
        closes=None,
        margin=margin,
        limit=limit,
        grade="screening" if coarse else site.grade,
    )


def _launches(design: DesignResult) -> Verdict:
    known = [row for row in design.mass_checks if row.launch_margin_kg is not None]
    unknown = len(design.mass_checks) - len(known)
    worst = min(known, key=lambda row: row.launch_margin_kg or 0.0, default=None)
    missing = f"; {unknown} without a figure" if unknown else ""
    if worst is None or worst.launch_margin_kg is None:
        answer, closes, margin, limit = "no launch mass is known", None, "", ""
    else:
        over = sum((row.launch_margin_kg or 0.0) < 0 for row in known)
        closes = over == 0
        answer = f"{len(known) - over} of {len(known)} planned launches with known masses fit{missing}"
        margin, limit = f"{worst.launch_margin_kg:+,.0f} kg", f"tightest: {worst.name}"
    return _plain("launch", "Do the launches fit their launchers?", answer, closes, margin, limit)


def _plain(
    name: str, question: str, answer: str, closes: bool | None, margin: str = "", limit: str = ""
) -> Verdict:
    """A verdict that rests on the plan's figures, not on terrain."""
    return Verdict(
        id=name, question=question, answer=answer, closes=closes, margin=margin, limit=limit, grade="site"
    )


def _landing(design: DesignResult) -> Verdict:
    known = [row for row in design.mass_checks if row.delivered_margin_kg is not None]
    question = "Do the elements fit what the transfers deliver?"
    if not known:
        return _plain("landed", question, "no mission has elements with masses and a transfer", None)
    worst = min(known, key=lambda row: row.delivered_margin_kg or 0.0)
    over = [row for row in known if (row.delivered_margin_kg or 0.0) < 0]
    answer = f"{len(known) - len(over)} of {len(known)} missions, with design margins"
    return _plain(
        "landed", question, answer, not over, f"{worst.delivered_margin_kg:+,.0f} kg", f"tightest: {worst.name}"
    )


def _build(build: BuildResult) -> Verdict:
    ready = max((bar.start for bar in build.gantt if bar.kind == "operation"), default=None)
    answer = f"by {_day(ready)} at the earliest" if ready else "nothing is built"
    limit = "; ".join(f"{row.place} {row.text}" for row in build.conflicts[:2])
    count = len(build.conflicts)
    margin = f"{count} conflict{'s' * (count != 1)}" if count else "no conflict"
    closes = not any(row.severity == "error" for row in build.conflicts)
    return _plain("build", "Does the build order hold?", answer, closes, margin, limit)


def _consent(context: Context, partners: PartnersResult) -> list[Verdict]:
    waiting = [row for row in partners.approvals if row.missing]
    owed: dict[str, int] = {}
    for row in waiting:
        for party in row.missing:
            owed[party] = owed.get(party, 0) + 1
    names = {partner.id: partner.name for partner in context.plan.partners}
    most = sorted(owed.items(), key=lambda item: -item[1])[:4]
    limit = ", ".join(f"{names.get(party, party)} {count}" for party, count in most)
    approvals = _plain(
        "approvals",
        "Has everyone agreed who must?",
        f"{len(waiting)} elements and missions wait for approvals" if waiting else "yes",
        not waiting,
        f"{sum(owed.values())} missing" if waiting else "",
        limit,
    )
    missing = [row for row in partners.agreements if not row.in_force]
    agreements = _plain(
        "agreements",
        "Are the agreements in force?",
        f"{len(partners.agreements) - len(missing)} of {len(partners.agreements)}",
        not missing,
        "",
        "; ".join(
            f"{row.name}: missing {', '.join(_named(step, names) for step in row.missing)}" for row in missing
        ),
    )
    return [approvals, agreements]


def _named(step: str, names: dict[str, str]) -> str:
    """A missing step, such as ``cnsa: ratified``, with the party's name."""
    party, _, state = step.partition(": ")
    return f"{names.get(party, party)}: {state}"


def _objectives(partners: PartnersResult) -> Verdict:
    lacking = [row.name for row in partners.objectives if row.status in {"open", "orphaned"}]
    answer = f"{len(lacking)} of {len(partners.objectives)}" if lacking else "none: each has one"
    return _plain(
        "objectives", "Which science objectives have no instrument?", answer, not lacking, "", "; ".join(lacking)
    )


def _balance(operate: OperateResult) -> Verdict:
    shed = [row for row in operate.balances if row.shed_wh > 0]
    kept = len(operate.balances) - len(shed)
    answer = f"{kept} of {len(operate.balances)} power systems shed no load"
    worst = max(shed, key=lambda row: row.shed_wh, default=None)
    margin = f"{worst.shed_wh / 1e3:,.1f} kWh shed" if worst else ""
    limit = "loads as planned, without design margins" + (f"; most: {worst.subject}" if worst else "")
    period = f"{operate.start_utc[:4]} to {operate.stop_utc[:4]}"
    return _plain("simulation", f"Does the simulation hold ({period})?", answer, not shed, margin, limit)
