"""Predicted wake and sleep times, and how far events lie from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.events import EventTable
from moonpost.operations.rules import DormancyRule, DormancyRules
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site

__all__ = ["Calendar", "Residual", "calendar", "residuals"]

_NEAR = np.timedelta64(8 * 24, "h")
_HOUR = np.timedelta64(3_600_000, "ms")
_SPREADS = 2.0


@dataclass(frozen=True)
class Calendar:
    """Predicted wake and sleep times.

    Parameters
    ----------
    rows : tuple of dict
        In order of time, each with `vehicle`, `lunar_day`, `event`, `utc`, `sun_elevation_deg`, `basis`,
        `utc_earliest`, `utc_latest`, `sigma_h` and `label`.
    notes : tuple of str
        What could not be predicted, and why.
    """

    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Residual:
    """One event beside the rule's time for it.

    Parameters
    ----------
    vehicle, event : str
        Machine and kind.
    lunar_day : int or None
        Lunar day as the source counts it.
    utc_observed, utc_predicted : str
        ISO times.
    residual_h : float
        Observed minus predicted [h].
    """

    vehicle: str
    event: str
    lunar_day: int | None
    utc_observed: str
    utc_predicted: str
    residual_h: float


def calendar(
    rules: DormancyRules,
    site: Site,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    landing: TimeLike | None = None,
) -> Calendar:
    """Predict the wake and sleep times of every machine between two dates.

    Parameters
    ----------
    rules : DormancyRules
        From `fit`.
    site : Site
        Where the machines stand.
    almanac : Almanac
        Where the Sun stands.
    start, stop : date-like
        Span, UTC. What lies before the landing is left out.
    landing : date-like, optional
        Landing, where the events table has none; starts the count of lunar days.

    Returns
    -------
    Calendar
        Rows in order of time. `utc_earliest` and `utc_latest` enclose two standard errors of a single prediction;
        for the interval basis the band that the dates allow, widened by two scatters of the machine's other kind
        of event where that is known.

    Raises
    ------
    InputError
        If the lunar day of no instant is known: give `landing`.
    DateError
        If the span lies outside the kernels.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.operations.dormancy import Event, EventTable, fit
    >>> from moonpost.sky import Almanac, Site
    >>> site, almanac = Site(-45.457, 177.589), Almanac.default()
    >>> one = Event("rover", "wake", utc=np.datetime64("2019-09-22T12:30"), lunar_day=10)
    >>> predicted = calendar(fit(EventTable.of([one]), site, almanac), site, almanac, "2019-10-01", "2019-11-01")
    >>> [(row["lunar_day"], row["utc"][:10]) for row in predicted]
    [(11, '2019-10-22')]
    """
    reference = (as_utc(landing).reshape(-1)[0], 1) if landing is not None else rules.reference
    if reference is None:
        raise InputError(
            "the events tell neither the landing nor a lunar day", where="landing", advice="give the landing time"
        )
    first, last = (as_utc(when).reshape(-1)[0] for when in (start, stop))
    if last <= first:
        raise InputError(f"stop {iso(last)} is not after start {iso(first)}", where="stop", advice="exchange them")
    first = max(first, reference[0])
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if first < last:
        for rule in rules:
            predicted = _predict(rule, site, almanac, first, last)
            rows += _numbered(predicted, site, almanac, reference)
            notes += _missing_days(rule, predicted, site, almanac, reference, first, last)
    rows.sort(key=lambda row: (row["utc"], row["vehicle"]))
    return Calendar(tuple(rows), (*rules.notes, *notes))


def residuals(rules: DormancyRules, events: EventTable, site: Site, almanac: Almanac) -> tuple[Residual, ...]:
    """Compare events that have a time of day with the times that the rules give.

    Parameters
    ----------
    rules : DormancyRules
        From `fit`.
    events : EventTable
        The same events, or later ones.
    site, almanac
        Where and under which sky.

    Returns
    -------
    tuple of Residual
        For each event that has an instant and a rule with a prediction within 8 days.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.operations.dormancy import Event, EventTable, fit
    >>> from moonpost.sky import Almanac, Site
    >>> site, almanac = Site(-45.457, 177.589), Almanac.default()
    >>> table = EventTable.of([Event("rover", "wake", utc=np.datetime64("2019-09-22T12:30"))])
    >>> [abs(row.residual_h) < 0.001 for row in residuals(fit(table, site, almanac), table, site, almanac)]
    [True]
    """
    found = []
    by_name = {(rule.vehicle, rule.event): rule for rule in rules}
    for event in events.events:
        rule = by_name.get((event.vehicle, event.event))  # type: ignore[arg-type]
        if rule is None or event.utc is None:
            continue
        times = rule.crossings(site, almanac, event.utc - _NEAR, event.utc + _NEAR)
        if not len(times):
            continue
        predicted = times[np.argmin(np.abs(times - event.utc))]
        gap_h = float((event.utc - predicted) / _HOUR)
        found.append(Residual(event.vehicle, event.event, event.lunar_day, iso(event.utc), iso(predicted), gap_h))
    return tuple(found)


def _predict(
    rule: DormancyRule, site: Site, almanac: Almanac, first: np.datetime64, last: np.datetime64
) -> list[dict[str, Any]]:
    """Rows of one rule, without their lunar day."""
    times = rule.crossings(site, almanac, first, last)
    if not len(times):
        return []
    elevation_deg = almanac.sun(site, times).elevation_deg
    if rule.basis == "fitted":
        sigma_h = None if rule.scatter_h is None else rule.scatter_h * float(np.sqrt(1.0 + 1.0 / rule.examples))
        spread = None if sigma_h is None else np.timedelta64(round(_SPREADS * sigma_h * 3600), "s")
        bounds = [(None, None) if spread is None else (t - spread, t + spread) for t in times]
        sigmas = [sigma_h] * len(times)
        label = "prediction" if spread is not None else "prediction from a single event; its spread is not known"
    else:
        bounds = _band_bounds(rule, times, site, almanac)
        sigmas = [_interval_sigma_h(pair, rule.scatter_h) for pair in bounds]
        label = "prediction from dates only: any time from utc_earliest to utc_latest; utc is not a fit"
    return [
        {
            "vehicle": rule.vehicle,
            "lunar_day": 0,
            "event": rule.event,
            "utc": _second(t),
            "sun_elevation_deg": round(float(degrees), 4),
            "basis": rule.basis,
            "utc_earliest": None if early is None else _second(early),
            "utc_latest": None if late is None else _second(late),
            "sigma_h": None if sigma is None else round(sigma, 2),
            "label": label,
        }
        for t, degrees, (early, late), sigma in zip(times, elevation_deg, bounds, sigmas, strict=True)
    ]


def _band_bounds(
    rule: DormancyRule, times: npt.NDArray[np.datetime64], site: Site, almanac: Almanac
) -> list[tuple[np.datetime64 | None, np.datetime64 | None]]:
    """Times at which the Sun passes the ends of the band, around each time of its middle."""
    ends = []
    for degrees in (rule.sun_elevation_lowest_deg, rule.sun_elevation_highest_deg):
        at_end = replace(rule, sun_elevation_deg=degrees)
        ends.append(at_end.crossings(site, almanac, times[0] - _NEAR, times[-1] + _NEAR))
    margin = np.timedelta64(round(_SPREADS * (rule.scatter_h or 0.0) * 3600), "s")
    low, high = ends if rule.event == "wake" else ends[::-1]
    return [(_nearest(low, t, -margin), _nearest(high, t, margin)) for t in times]


def _nearest(found: npt.NDArray[np.datetime64], t: np.datetime64, shift: np.timedelta64) -> np.datetime64 | None:
    """Return the member nearest to `t`, shifted; None if it is more than 8 days away."""
    if not len(found):
        return None
    nearest = found[np.argmin(np.abs(found - t))]
    return nearest + shift if abs(nearest - t) <= _NEAR else None


def _interval_sigma_h(
    bounds: tuple[np.datetime64 | None, np.datetime64 | None], scatter_h: float | None
) -> float | None:
    """Standard error of a time that may lie anywhere in the band and scatters besides."""
    early, late = bounds
    if early is None or late is None:
        return None
    width_h = float((late - early) / _HOUR) - 2.0 * _SPREADS * (scatter_h or 0.0)
    return float(np.hypot(width_h / np.sqrt(12.0), scatter_h or 0.0))


def _numbered(
    rows: list[dict[str, Any]], site: Site, almanac: Almanac, reference: tuple[np.datetime64, int]
) -> list[dict[str, Any]]:
    """Fill in the lunar day of each row."""
    from moonpost.sky.days import lunar_day

    if not rows:
        return []
    days = lunar_day(almanac, site, reference[0], as_utc([row["utc"] for row in rows])) + reference[1] - 1
    return [{**row, "lunar_day": int(day)} for row, day in zip(rows, days, strict=True)]


def _missing_days(
    rule: DormancyRule,
    rows: list[dict[str, Any]],
    site: Site,
    almanac: Almanac,
    reference: tuple[np.datetime64, int],
    first: np.datetime64,
    last: np.datetime64,
) -> list[str]:
    """Say on which whole lunar days within the span the Sun does not pass the threshold."""
    from moonpost.sky.days import lunar_day

    if rule.basis == "none":
        return []
    ends = lunar_day(almanac, site, reference[0], np.array([first, last])) + reference[1] - 1
    seen = {row["lunar_day"] for row in _numbered(rows, site, almanac, reference)}
    missing = [day for day in range(int(ends[0]) + 1, int(ends[1])) if day not in seen]
    if not missing:
        return []
    days = ", ".join(map(str, missing[:12])) + (", ..." if len(missing) > 12 else "")
    return [f"{rule.vehicle}, {rule.event}: the Sun does not pass the threshold on lunar day {days}"]


def _second(t: np.datetime64) -> str:
    """ISO text to the nearest second."""
    return iso((t + np.timedelta64(500, "ms")).astype("datetime64[s]"))
