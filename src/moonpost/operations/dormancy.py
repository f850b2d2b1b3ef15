"""Dormancy: when a machine sleeps and wakes, learnt from dated events and predicted for later lunar days."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from moonpost.errors import InputError, ModelError
from moonpost.operations.estimates import Band, better, elevation_band, estimate
from moonpost.operations.events import Event, EventTable, read_events
from moonpost.operations.predictions import Calendar, Residual, calendar, residuals
from moonpost.operations.rules import DormancyRule, DormancyRules, Kind

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site

__all__ = [
    "Calendar",
    "DormancyRule",
    "DormancyRules",
    "Event",
    "EventTable",
    "Residual",
    "calendar",
    "fit",
    "read_events",
    "residuals",
]

_KINDS: tuple[Kind, ...] = ("wake", "sleep")
_NEAR = np.timedelta64(8 * 24, "h")
_SPREADS = 2.0


def fit(
    events: EventTable,
    site: Site,
    almanac: Almanac,
    *,
    model: Literal["auto", "elevation", "panel"] = "auto",
) -> DormancyRules:
    """Learn when each machine wakes and sleeps from dated events.

    Parameters
    ----------
    events : EventTable
        From `read_events`.
    site : Site
        Where the machines stand; a few hundred metres do not matter.
    almanac : Almanac
        Where the Sun stands.
    model : str, default "auto"
        ``"elevation"``: constant Sun elevation; ``"panel"``: constant current of a tilted panel; ``"auto"``: the
        panel only where it predicts left-out events better by more than one standard error.

    Returns
    -------
    DormancyRules
        A rule for each machine and kind of event, with its basis and its error.

    Raises
    ------
    ModelError
        If no machine has any dated wake or sleep event, or too few for the panel model that was asked for.
    InputError
        If `model` is not one of the three.

    Notes
    -----
    Events with a time of day give a threshold by robust regression (`moonpost.operations.estimates.estimate`).
    A bare date gives an interval of Sun elevations; a rule that has only such dates keeps the band that they
    allow. With few events a richer model fits better and predicts worse; hence the leave-one-out comparison. A
    trend in time is not offered: it would have to be extrapolated.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.operations.dormancy import Event, EventTable
    >>> from moonpost.sky import Almanac, Site
    >>> one = Event("rover", "wake", utc=np.datetime64("2019-09-22T12:30"), lunar_day=10)
    >>> rules = fit(EventTable.of([one]), Site(-45.457, 177.589), Almanac.default())
    >>> round(rules.rule("rover", "wake").sun_elevation_deg, 1)
    5.6
    """
    if model not in ("auto", "elevation", "panel"):
        raise InputError(f"unknown model {model!r}", where="fit", advice="use auto, elevation or panel")
    vehicles = [name for name in events.vehicles if any(events.select(name, kind) for kind in _KINDS)]
    if not vehicles:
        raise ModelError("no wake or sleep event", where=events.source, advice="add dated events to learn from")
    rules: list[DormancyRule] = []
    for vehicle in vehicles:
        wake, sleep = (_rule(events, vehicle, kind, site, almanac, model) for kind in _KINDS)
        rules += [_with_scatter(wake, sleep), _with_scatter(sleep, wake)]
    notes = [f"{rule.vehicle}, {rule.event}: {rule.note}" for rule in rules if rule.note]
    landing = _landing(events)
    reference = (landing, 1) if landing is not None else _first_day(events)
    notes += [*_day_notes(events, site, almanac, reference), *events.notes]
    return DormancyRules(tuple(rules), landing, reference, tuple(notes))


def _rule(events: EventTable, vehicle: str, kind: Kind, site: Site, almanac: Almanac, model: str) -> DormancyRule:
    """Learn one rule from what the table has for it."""
    rows = events.select(vehicle, kind)
    dated = [row for row in rows if row.utc is not None]
    bare = [row for row in rows if row.utc is None and row.latest is not None]
    if dated:
        rule = _fitted(vehicle, kind, dated, site, almanac, model)
        return _checked(rule, bare, site, almanac)
    if bare:
        return _interval(vehicle, kind, elevation_band(bare, site, almanac))
    return DormancyRule(
        vehicle, kind, basis="none", note=f"no dated {kind} event in {events.source}: no prediction"
    )


def _fitted(
    vehicle: str, kind: Kind, dated: list[Event], site: Site, almanac: Almanac, model: str
) -> DormancyRule:
    """Build a rule from events with a time of day."""
    plain = estimate(dated, site, almanac, "elevation")
    enough = len(dated) >= 4 or model == "panel"
    panel = estimate(dated, site, almanac, "panel") if enough else None
    chosen = plain
    if panel is not None and (model == "panel" or (model == "auto" and better(plain, panel))):
        chosen = panel
    note = ""
    if len(dated) == 1:
        note = "a single dated event: the spread of its times is not known"
    mean_deg = float(np.rad2deg(np.arcsin(plain.threshold)))
    return DormancyRule(
        vehicle,
        kind,
        basis="fitted",
        model=chosen.model,
        examples=len(dated),
        sun_elevation_deg=mean_deg,
        panel_tilt_north_deg=chosen.tilt_north_deg if chosen.model == "panel" else None,
        panel_share=chosen.threshold if chosen.model == "panel" else None,
        scatter_h=_finite(chosen.scatter_h),
        rms_h=chosen.rms_h,
        leave_one_out_h=_finite(chosen.left_out_rms_h),
        panel_rms_h=panel.rms_h if panel else None,
        panel_leave_one_out_h=_finite(panel.left_out_rms_h) if panel else None,
        note=note,
    )


def _interval(vehicle: str, kind: Kind, band: Band) -> DormancyRule:
    """Build a rule from bare dates."""
    span = f"Sun elevation {band.lowest_deg:.1f} to {band.highest_deg:.1f} deg"
    count = f"{band.examples} date{'s' if band.examples > 1 else ''} without a time of day"
    agree = (
        f"{count} allow {span}" if band.consistent else f"{count} do not agree on one threshold; the gap is {span}"
    )
    return DormancyRule(
        vehicle,
        kind,
        basis="interval",
        examples=band.examples,
        sun_elevation_deg=0.5 * (band.lowest_deg + band.highest_deg),
        sun_elevation_lowest_deg=band.lowest_deg,
        sun_elevation_highest_deg=band.highest_deg,
        note=f"{agree}: an interval, not a fit",
    )


def _checked(rule: DormancyRule, bare: list[Event], site: Site, almanac: Almanac) -> DormancyRule:
    """Note bare dates that the fitted rule does not meet within two scatters."""
    margin = np.timedelta64(round(_SPREADS * (rule.scatter_h or 0.0) * 3600), "s")
    missed = []
    for row in bare:
        assert row.latest is not None
        early = row.earliest if row.earliest is not None else row.latest - _NEAR
        if not len(rule.crossings(site, almanac, early - margin, row.latest + margin)):
            missed.append(f"line {row.line}")
    if not missed:
        return rule
    text = f"the rule does not meet the dates of {', '.join(missed)}"
    return replace(rule, note=f"{rule.note}; {text}".lstrip("; "))


def _with_scatter(rule: DormancyRule, other: DormancyRule) -> DormancyRule:
    """Give an interval rule the scatter that the machine's other kind of event shows."""
    if rule.basis != "interval" or other.basis != "fitted":
        return rule
    return replace(rule, scatter_h=other.scatter_h)


def _landing(events: EventTable) -> np.datetime64 | None:
    """Landing instant of the table; the start of the day where only the date is known."""
    found = [row.utc if row.utc is not None else row.earliest for row in events.events if row.event == "landing"]
    known = [t for t in found if t is not None]
    return min(known) if known else None


def _first_day(events: EventTable) -> tuple[np.datetime64, int] | None:
    """Earliest instant whose lunar day the table states."""
    stated = [
        (row.utc, row.lunar_day) for row in events.events if row.utc is not None and row.lunar_day is not None
    ]
    return min(stated, key=lambda pair: pair[0]) if stated else None


def _day_notes(
    events: EventTable, site: Site, almanac: Almanac, reference: tuple[np.datetime64, int] | None
) -> list[str]:
    """Say which rows count another lunar day than the midnights since landing do."""
    from moonpost.sky.days import lunar_day

    rows = [row for row in events.events if row.utc is not None and row.lunar_day is not None]
    if reference is None or not rows:
        return []
    rows = [row for row in rows if row.utc is not None and row.utc >= reference[0]]
    t = np.array([row.utc for row in rows], dtype="datetime64[ms]")
    days = lunar_day(almanac, site, reference[0], t) + reference[1] - 1
    return [
        f"line {row.line}: the table says lunar day {row.lunar_day}, the midnights since landing say {day}"
        for row, day in zip(rows, days, strict=True)
        if row.lunar_day != day
    ]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
