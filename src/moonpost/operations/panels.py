"""Panel attitude: which tilt and azimuth let a machine wake at the right time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.wakes import (
    HOUR,
    MISSED_H,
    WakeThreshold,
    disc_seen,
    lunar_days,
    panel_normal,
    sun_direction,
    wake_rows,
)
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site
    from moonpost.terrain.profile import HorizonProfile

__all__ = ["PanelAnswer", "panel_attitude"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_GRID_H = 0.5
_MOST_DAYS = 130


@dataclass(frozen=True, eq=False)
class PanelAnswer:
    """The attitude that wakes a machine nearest to the wanted times.

    Parameters
    ----------
    tilt_deg, azimuth_deg : float
        Tilt of the panel from horizontal, and the azimuth that it faces [deg].
    threshold : WakeThreshold
        Current at which it wakes.
    rows : tuple of dict
        For each lunar day `wanted_utc`, `wake_utc`, `miss_h`, `sigma_h`, `utc_earliest`, `utc_latest` (two
        standard errors), `sun_elevation_deg`, `sun_azimuth_deg`.
    rms_miss_h : float
        Root mean square of wake less wanted time [h]; NaN if it never wakes.
    expected_miss_h : float
        The same with the uncertainty of each waking added [h]: what is made least.
    compared : dict or None
        `tilt_deg`, `azimuth_deg`, `rms_miss_h`, `expected_miss_h` and `rows` of an attitude to compare with.
    map_tilt_deg : ndarray, shape (m,)
        Tilts of the map [deg].
    map_azimuth_deg : ndarray, shape (n,)
        Azimuths of the map [deg].
    map_miss_h : ndarray, shape (m, n)
        Mean of wake less wanted time [h]; NaN where a lunar day passes without waking.
    attitude_error_deg : float
        Error of the attitude about each axis that the uncertainty holds [deg].
    notes : tuple of str
        What limits the answer.
    """

    tilt_deg: float
    azimuth_deg: float
    threshold: WakeThreshold
    rows: tuple[dict[str, Any], ...]
    rms_miss_h: float
    expected_miss_h: float
    compared: dict[str, Any] | None
    map_tilt_deg: Floats
    map_azimuth_deg: Floats
    map_miss_h: Floats
    attitude_error_deg: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON.

        Returns
        -------
        dict
            All but the map.
        """
        return {
            "tilt_deg": round(self.tilt_deg, 2),
            "azimuth_deg": round(self.azimuth_deg, 2),
            "threshold_share": self.threshold.share,
            "threshold_sigma_share": self.threshold.sigma_share,
            "threshold_source": self.threshold.source,
            "attitude_error_deg": self.attitude_error_deg,
            "rms_miss_h": round(self.rms_miss_h, 4),
            "expected_miss_h": round(self.expected_miss_h, 4),
            "wakes": list(self.rows),
            "compared": self.compared,
            "notes": list(self.notes),
        }


def panel_attitude(
    site: Site,
    almanac: Almanac,
    threshold: WakeThreshold,
    wanted: TimeLike,
    *,
    tilt_range_deg: tuple[float, float] = (0.0, 90.0),
    azimuth_range_deg: tuple[float, float] = (0.0, 360.0),
    profile: HorizonProfile | None = None,
    attitude_error_deg: float | None = None,
    compare_deg: tuple[float, float] | None = None,
) -> PanelAnswer:
    """Find the tilt and azimuth of a panel with which a machine wakes at the wanted times.

    Parameters
    ----------
    site, almanac
        Where it stands, and under which sky.
    threshold : WakeThreshold
        Panel current at which it wakes.
    wanted : date-like
        A wanted time for each lunar day, UTC.
    tilt_range_deg, azimuth_range_deg : pair of float
        Attitudes that the machine can take [deg]; azimuths may pass through north, as (330, 390).
    profile : HorizonProfile, optional
        Its horizon; a level one if not given.
    attitude_error_deg : float, optional
        Error of the attitude about each of two axes [deg]; if not given, 1 for a threshold without its own
        scatter and 0 for one with, which holds the scatter of attitudes in the record.
    compare_deg : pair of float, optional
        Another attitude (tilt, azimuth) to compare with.

    Returns
    -------
    PanelAnswer
        Attitude, times and a map.

    Raises
    ------
    InputError
        If a number is of no use, or there are too many or no wanted times.
    ModelError
        If no attitude in range ever gives the current.

    Notes
    -----
    The current is the share of the Sun's disc in view times (1 au / distance)^2 times the cosine of incidence. It
    wakes when the current first rises through the threshold after local midnight. What is made least is the mean
    over lunar days of the squared miss and the squared uncertainty, so that of attitudes with the same times the
    one with the steepest rise is taken; a day without waking counts with half a month. All attitudes are looked at
    on a grid, and the best five are refined to 0.01 deg. Neglected: warmth of the cells, dust, shadows of the
    machine itself, temperature conditions of its own.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> site, almanac = Site(-45.457, 177.589), Almanac.default()
    >>> from moonpost.operations.wakes import wanted_times
    >>> wanted = wanted_times(site, almanac, "2026-01-01", "2026-02-01", sun_elevation_deg=6.0)
    >>> found = panel_attitude(site, almanac, WakeThreshold(0.3), wanted)
    >>> found.rms_miss_h < 0.1
    True
    """
    asked = np.sort(as_utc(wanted).reshape(-1))
    error_deg = _checked(asked, threshold, tilt_range_deg, azimuth_range_deg, attitude_error_deg)
    mornings = [
        _morning(almanac, site, when, span, profile)
        for when, span in zip(asked, lunar_days(almanac, site, asked), strict=True)
    ]
    tilts, azimuths = _axis(tilt_range_deg, 2.5), _axis(azimuth_range_deg, 5.0)
    grid = np.stack(np.meshgrid(tilts, azimuths, indexing="ij"), axis=-1).reshape(-1, 2)
    miss, cost = _scores(grid, mornings, threshold, error_deg)
    if not np.isfinite(miss).any():
        raise ModelError(
            f"no attitude in range gives {threshold.share:.3f} of the full current on any of these days",
            where="panel_attitude",
            advice="allow more tilts and azimuths, or a lower threshold",
        )
    best = _refined(grid, cost, mornings, threshold, error_deg, (tilt_range_deg, azimuth_range_deg))
    tilt_deg, azimuth_deg = float(best[0]), float(best[1]) % 360.0
    options: dict[str, Any] = {"profile": profile, "attitude_error_deg": error_deg}
    rows = wake_rows(site, almanac, threshold, tilt_deg, azimuth_deg, asked, **options)
    compared = None
    if compare_deg is not None:
        others = wake_rows(site, almanac, threshold, *compare_deg, asked, **options)
        compared = {
            "tilt_deg": compare_deg[0],
            "azimuth_deg": compare_deg[1],
            "rms_miss_h": _rms(others),
            "expected_miss_h": _expected(others),
            "rows": list(others),
        }
    whole = np.isfinite(miss).all(axis=0)
    mean = np.where(whole, np.nan_to_num(miss).mean(axis=0), np.nan)
    return PanelAnswer(
        tilt_deg=tilt_deg,
        azimuth_deg=azimuth_deg,
        threshold=threshold,
        rows=rows,
        rms_miss_h=_rms(rows),
        expected_miss_h=_expected(rows),
        compared=compared,
        map_tilt_deg=tilts,
        map_azimuth_deg=azimuths,
        map_miss_h=mean.reshape(len(tilts), len(azimuths)),
        attitude_error_deg=error_deg,
        notes=_notes(rows, threshold, tilt_deg, tilt_range_deg),
    )


@dataclass(frozen=True, eq=False)
class _Morning:
    """One lunar day on a grid of times: hours from the wanted time, Sun, irradiance over the horizon."""

    hour: Floats
    direction: Floats
    irradiance: Floats


def _morning(
    almanac: Almanac,
    site: Site,
    when: np.datetime64,
    span: tuple[np.datetime64, np.datetime64],
    profile: HorizonProfile | None,
) -> _Morning:
    t = np.arange(span[0], span[1], np.timedelta64(round(_GRID_H * 3600), "s"))
    sun = almanac.sun(site, t)
    irradiance = sun.distance_factor * disc_seen(sun, profile)
    some = np.flatnonzero(irradiance > 0.0)
    part = slice(max(some[0] - 1, 0), some[-1] + 2) if some.size else slice(0, 2)
    return _Morning(((t - when) / HOUR)[part], sun_direction(sun)[part], irradiance[part])


def _scores(
    attitudes_deg: Floats, mornings: Sequence[_Morning], threshold: WakeThreshold, error_deg: float
) -> tuple[Floats, Floats]:
    """Miss of each day and attitude [h], NaN without waking, and the mean of squared misses and uncertainties."""
    normal = panel_normal(attitudes_deg[:, 0], attitudes_deg[:, 1])
    misses, costs = [], []
    for morning in mornings:
        cosine = normal @ morning.direction.T
        share = np.maximum(cosine, 0.0) * morning.irradiance
        rises = (share[:, 1:] >= threshold.share) & (share[:, :-1] < threshold.share)
        at, k = np.arange(len(normal)), np.argmax(rises, axis=1)
        before, after = share[at, k], share[at, k + 1]
        step = np.where(after > before, after - before, 1.0)
        part = np.clip((threshold.share - before) / step, 0.0, 1.0)
        spacing = morning.hour[1] - morning.hour[0]
        miss = np.where(rises[at, k], morning.hour[k] + part * spacing, np.nan)
        turn = morning.irradiance[k + 1] * np.sqrt(np.maximum(1.0 - cosine[at, k + 1] ** 2, 0.0))
        blur = np.hypot(threshold.sigma_share or 0.0, np.deg2rad(error_deg) * turn) / (step / spacing)
        misses.append(miss)
        costs.append(
            np.where(np.isnan(miss), MISSED_H**2, np.nan_to_num(miss) ** 2 + np.minimum(blur, MISSED_H) ** 2)
        )
    return np.array(misses), np.mean(costs, axis=0)


def _refined(
    grid: Floats,
    cost: Floats,
    mornings: Sequence[_Morning],
    threshold: WakeThreshold,
    error_deg: float,
    ranges: tuple[tuple[float, float], tuple[float, float]],
) -> Floats:
    """Best attitude near the five best of the grid: a finer grid, then the simplex of Nelder and Mead."""
    from scipy.optimize import minimize

    bounds = np.array(ranges)

    def value(attitude_deg: Floats) -> float:
        inside = np.clip(attitude_deg, bounds[:, 0], bounds[:, 1])
        return float(_scores(inside[None, :], mornings, threshold, error_deg)[1][0])

    best, least = grid[int(np.argmin(cost))], float(cost.min())
    offset = np.arange(-4.0, 5.0)
    for start in grid[np.argsort(cost, kind="stable")[:5]]:
        near = np.stack(np.meshgrid(start[0] + 0.5 * offset, start[1] + offset, indexing="ij"), axis=-1)
        near = np.clip(near.reshape(-1, 2), bounds[:, 0], bounds[:, 1])
        first = near[int(np.argmin(_scores(near, mornings, threshold, error_deg)[1]))]
        simplex = first + np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.5]])
        options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-4, "maxfev": 240}
        found = minimize(value, first, method="Nelder-Mead", options=options)
        if float(found.fun) < least:
            best, least = np.clip(found.x, bounds[:, 0], bounds[:, 1]), float(found.fun)
    return best


def _rms(rows: Sequence[dict[str, Any]]) -> float:
    found = [row["miss_h"] for row in rows if row["miss_h"] is not None]
    return float(np.sqrt(np.mean(np.square(found)))) if found else float("nan")


def _expected(rows: Sequence[dict[str, Any]]) -> float:
    """Root mean square of misses and uncertainties, half a month for a day without waking [h]."""
    parts = [
        MISSED_H**2 if row["miss_h"] is None else row["miss_h"] ** 2 + (row["sigma_h"] or 0.0) ** 2 for row in rows
    ]
    return float(np.sqrt(np.mean(parts)))


def _axis(span_deg: tuple[float, float], step_deg: float) -> Floats:
    """Even values over a range, its ends among them."""
    low, high = span_deg
    return (
        np.linspace(low, high, max(2, int(np.ceil((high - low) / step_deg)) + 1))
        if high > low
        else np.array([low])
    )


def _checked(
    asked: Times,
    threshold: WakeThreshold,
    tilt_range_deg: tuple[float, float],
    azimuth_range_deg: tuple[float, float],
    attitude_error_deg: float | None,
) -> float:
    """Refuse what cannot be used; give the error of the attitude [deg]."""
    if not 1 <= len(asked) <= _MOST_DAYS:
        raise InputError(
            f"{len(asked)} wanted times", where="wanted", advice=f"give 1 to {_MOST_DAYS}, one for each lunar day"
        )
    for name, (low, high), least, most in (
        ("tilt_range_deg", tilt_range_deg, 0.0, 90.0),
        ("azimuth_range_deg", azimuth_range_deg, -360.0, 720.0),
    ):
        if not (np.isfinite([low, high]).all() and least <= low <= high <= most and high - low <= 360.0):
            raise InputError(
                f"{low:g} to {high:g}", where=name, advice=f"give an increasing range within {least:g} to {most:g}"
            )
    if attitude_error_deg is None:
        return 1.0 if threshold.sigma_share is None else 0.0
    if not (np.isfinite(attitude_error_deg) and 0.0 <= attitude_error_deg <= 45.0):
        raise InputError(f"{attitude_error_deg!r}", where="attitude_error_deg", advice="give 0 to 45")
    return float(attitude_error_deg)


def _notes(
    rows: Sequence[dict[str, Any]], threshold: WakeThreshold, tilt_deg: float, tilt_range_deg: tuple[float, float]
) -> tuple[str, ...]:
    notes = []
    missed = sum(row["wake_utc"] is None for row in rows)
    if missed:
        notes.append(f"on {missed} of {len(rows)} lunar days the current does not rise to the threshold")
    if tilt_deg in tilt_range_deg and tilt_deg not in (0.0, 90.0):
        notes.append(f"the tilt is at the end of its range: {tilt_deg:g} deg")
    if threshold.tilt_deg is not None:
        notes.append(
            "the record tells the Sun's place at waking, not the current: read the attitude as a turn from "
            f"{threshold.tilt_deg:.1f} deg to azimuth {threshold.azimuth_deg:.0f}, the one assumed for the record"
        )
    late = [row["miss_h"] for row in rows if row["miss_h"] is not None and abs(row["miss_h"]) > 12.0]
    if late:
        notes.append(
            f"on {len(late)} lunar days it wakes over 12 h from the wanted time: no attitude in range is nearer"
        )
    return tuple(notes)
