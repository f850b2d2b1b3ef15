"""Estimate what a machine's wake or sleep depends on, from few dated events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.operations.crossings import Level, rate_per_hour

if TYPE_CHECKING:
    from moonpost.operations.events import Event
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.apparent import Apparent
    from moonpost.sky.site import Site

__all__ = ["Band", "Estimate", "elevation_band", "estimate"]

Floats = npt.NDArray[np.float64]
Model = Literal["elevation", "panel"]

_FREEDOM = 4.0
_ROUNDS = 100
_HALF_DAY_SPAN = np.timedelta64(177, "h")
_PANEL_EXAMPLES = 4
_LEAST_RATE = 1e-5
_TILT_SPREAD_DEG = 10.0


@dataclass(frozen=True)
class Estimate:
    """A fitted trigger and how well it describes the events.

    Parameters
    ----------
    model : str
        ``"elevation"`` or ``"panel"``.
    threshold : float
        Sine of the Sun's elevation, or the panel's share of its full current at 1 au, at which the event happens.
    tilt_north_deg : float
        Tilt of the panel's normal from the vertical towards north [deg]; 0 for the elevation model.
    residual_h : ndarray, shape (n,)
        Event minus model [h], in the order of the events.
    left_out_h : ndarray, shape (n,)
        The same with the event left out of its own fit [h]; NaN where too few are left.
    freedom : int
        Number of fitted parameters.
    """

    model: Model
    threshold: float
    tilt_north_deg: float
    residual_h: Floats
    left_out_h: Floats
    freedom: int

    @property
    def rms_h(self) -> float:
        """Root mean square of the residuals [h]."""
        return float(np.sqrt(np.mean(self.residual_h**2)))

    @property
    def left_out_rms_h(self) -> float:
        """Root mean square of the left-out residuals [h]; NaN if there are none."""
        return float(np.sqrt(np.mean(self.left_out_h**2)))

    @property
    def scatter_h(self) -> float:
        """Scatter of single events about the model [h]; NaN if no event is left over to measure it."""
        spare = len(self.residual_h) - self.freedom
        return float(np.sqrt(np.sum(self.residual_h**2) / spare)) if spare > 0 else float("nan")


@dataclass(frozen=True)
class Band:
    """Thresholds that dates without a time of day allow.

    Parameters
    ----------
    lowest_deg, highest_deg : float
        Sun elevation [deg].
    consistent : bool
        Whether one threshold fits every date; if not, the band spans the gap between those that disagree.
    examples : int
        Number of dates used.
    """

    lowest_deg: float
    highest_deg: float
    consistent: bool
    examples: int


def level(model: Model, threshold: float, tilt_north_deg: float = 0.0) -> Level:
    """Quantity that passes zero when the event happens.

    Parameters
    ----------
    model, threshold, tilt_north_deg
        As in `Estimate`.

    Returns
    -------
    callable
        Takes an `Apparent` and returns one value per instant.
    """
    tilt = np.deg2rad(tilt_north_deg)

    def value(sun: Apparent) -> Floats:
        up, north, share = _parts(model, sun)
        return share * (np.cos(tilt) * up + np.sin(tilt) * north) - threshold

    return value


def estimate(events: Sequence[Event], site: Site, almanac: Almanac, model: Model) -> Estimate:
    """Fit one model to events that have an instant.

    Parameters
    ----------
    events : sequence of Event
        With `utc`; at least one for the elevation model, three for the panel.
    site, almanac
        Where and under which sky.
    model : str
        ``"elevation"``: a constant Sun elevation. ``"panel"``: a constant share of the current of a flat panel.

    Returns
    -------
    Estimate
        Threshold, tilt and residuals.

    Raises
    ------
    ModelError
        If there are too few events for the model.

    Notes
    -----
    With the Sun's direction (u up, n north) and the irradiance q relative to 1 au, the panel's current is
    q (u cos T + n sin T). A tilt towards east or west cannot be told from a change of threshold, because the Sun's
    azimuth at the same time of day hardly changes over the year; it is therefore not fitted. Residuals are turned
    into hours by the rate at which the level itself changes, and weighted as a Student-t with 4 degrees of
    freedom, so that one wrongly reported time has little hold; published uncertainty adds to the scatter. For each
    tilt the threshold is found by reweighting, and the tilt is the likeliest one, given that machines stand level
    to about 10 deg: few events cannot tell large tilts from chance.

    References
    ----------
    Lange, Little and Taylor (1989), Robust statistical modeling using the t distribution, J. Am. Stat. Assoc. 84,
    881-896, doi:10.1080/01621459.1989.10478852.
    """
    needed = 1 if model == "elevation" else 3
    if len(events) < needed:
        raise ModelError(
            f"{len(events)} dated events are too few for the {model} model", advice=f"give at least {needed}"
        )
    sample = _sample(events, site, almanac, model)
    tilt_deg, threshold = _fitted(sample)
    residual_h = _misses_h(sample, tilt_deg, threshold)
    return Estimate(
        model=model,
        threshold=threshold,
        tilt_north_deg=tilt_deg,
        residual_h=residual_h,
        left_out_h=np.array([_left_out(sample, i, needed) for i in range(len(events))]),
        freedom=1 if model == "elevation" else 2,
    )


def robust_level(value: Floats, rate_per_h: Floats, spread_h: Floats) -> float:
    """Level at which events happen, from level and rate at each; one wrong time has little hold."""
    nothing = np.zeros_like(value)
    sample = _Sample(np.stack([value, nothing]), np.stack([rate_per_h, nothing]), spread_h, np.zeros(1))
    return _threshold(sample, 0.0)[0]


def better(simple: Estimate, rich: Estimate) -> bool:
    """Whether the richer model predicts left-out events better by more than one standard error."""
    gain = simple.left_out_h**2 - rich.left_out_h**2
    if len(gain) <= _PANEL_EXAMPLES or not np.isfinite(gain).all():
        return False
    error = float(np.std(gain, ddof=1) / np.sqrt(len(gain)))
    return float(np.mean(gain)) > error


def elevation_band(events: Sequence[Event], site: Site, almanac: Almanac) -> Band:
    """Sun elevations that dates without a time of day allow for one threshold.

    Parameters
    ----------
    events : sequence of Event
        With `latest`; `earliest` may be None where a report only says "by then".
    site, almanac
        Where and under which sky.

    Returns
    -------
    Band
        Intersection of the intervals; where there is none, the gap between those that disagree.
    """
    bounds = [_elevations(event, site, almanac) for event in events]
    low, high = max(pair[0] for pair in bounds), min(pair[1] for pair in bounds)
    return Band(min(low, high), max(low, high), low <= high, len(bounds))


def _elevations(event: Event, site: Site, almanac: Almanac) -> tuple[float, float]:
    """Lowest and highest Sun elevation that the event's interval covers."""
    latest = event.latest
    assert latest is not None
    earliest = event.earliest if event.earliest is not None else latest - _HALF_DAY_SPAN
    grid = np.append(np.arange(earliest, latest, np.timedelta64(1, "h")), latest)
    elevation_deg = almanac.sun(site, grid).elevation_deg
    if event.earliest is None:
        # Only "by then": the half day before the report, from midnight (wake) or noon (sleep) on.
        turn = int(np.argmax(elevation_deg) if event.event == "sleep" else np.argmin(elevation_deg))
        elevation_deg = elevation_deg[turn:]
    return float(elevation_deg.min()), float(elevation_deg.max())


def _parts(model: Model, sun: Apparent) -> tuple[Floats, Floats, Floats]:
    """Direction of the Sun, up and north, and the irradiance relative to 1 au where the model uses it."""
    elevation, azimuth = np.deg2rad(sun.elevation_deg), np.deg2rad(sun.azimuth_deg)
    share = np.ones_like(elevation) if model == "elevation" else sun.distance_factor
    return np.sin(elevation), np.cos(elevation) * np.cos(azimuth), share


class _Sample(NamedTuple):
    """Events as the fit needs them: level and rate per hour of a flat panel and of one that stands northwards."""

    level: Floats
    rate: Floats
    spread_h: Floats
    tilts_deg: Floats

    def part(self, which: npt.NDArray[np.bool_]) -> _Sample:
        return _Sample(self.level[:, which], self.rate[:, which], self.spread_h[which], self.tilts_deg)


def _sample(events: Sequence[Event], site: Site, almanac: Almanac, model: Model) -> _Sample:
    """Levels and their rates at the events; for the elevation model the tilt is held at 0."""
    t = np.array([event.utc for event in events], dtype="datetime64[ms]")
    up, north, share = _parts(model, almanac.sun(site, t))
    rates = [rate_per_hour(almanac, site, level(model, 0.0, tilt_deg), t) for tilt_deg in (0.0, 90.0)]
    tilts_deg = np.zeros(1) if model == "elevation" else np.arange(-60.0, 61.0, 2.0)
    return _Sample(
        np.stack([share * up, share * north]),
        np.stack(rates),
        np.array([event.spread_h for event in events]),
        tilts_deg,
    )


def _fitted(sample: _Sample) -> tuple[float, float]:
    """Tilt [deg] and threshold of the likeliest model."""
    tilts_deg: Floats = sample.tilts_deg
    for step_deg in (0.2, 0.02, 0.0):
        costs = [_cost(sample, float(tilt_deg)) for tilt_deg in tilts_deg]
        best_deg = float(tilts_deg[int(np.argmin(costs))])
        if len(tilts_deg) == 1 or step_deg == 0.0:
            break
        tilts_deg = best_deg + step_deg * np.arange(-10.0, 11.0)
    return best_deg, _threshold(sample, best_deg)[0]


def _cost(sample: _Sample, tilt_deg: float) -> float:
    """Negative logarithm of the likelihood of a tilt; infinite if the current would fall where it must rise."""
    _, rate = _tilted(sample, tilt_deg)
    if np.any(np.abs(rate) < _LEAST_RATE) or np.any(rate * sample.rate[0] <= 0.0):
        return float("inf")
    threshold, variance = _threshold(sample, tilt_deg)
    miss = _misses_h(sample, tilt_deg, threshold) ** 2 / variance
    fit = 0.5 * (_FREEDOM + 1.0) * np.log1p(miss / _FREEDOM) + 0.5 * np.log(variance)
    return float(np.sum(fit) + 0.5 * (tilt_deg / _TILT_SPREAD_DEG) ** 2)


def _tilted(sample: _Sample, tilt_deg: float) -> tuple[Floats, Floats]:
    """Level and rate of a panel tilted north."""
    turn = np.array([np.cos(np.deg2rad(tilt_deg)), np.sin(np.deg2rad(tilt_deg))])
    return np.asarray(turn @ sample.level), np.asarray(turn @ sample.rate)


def _misses_h(sample: _Sample, tilt_deg: float, threshold: float) -> Floats:
    """Event minus model [h]; NaN where the level hardly changes."""
    found, rate = _tilted(sample, tilt_deg)
    slow = np.abs(rate) < _LEAST_RATE
    return np.where(slow, np.nan, (found - threshold) / np.where(slow, 1.0, rate))


def _threshold(sample: _Sample, tilt_deg: float) -> tuple[float, Floats]:
    """Threshold by Student-t regression with reweighting, and the variance of each event [h2]."""
    found, rate = _tilted(sample, tilt_deg)
    if np.any(np.abs(rate) < _LEAST_RATE):
        raise ModelError(
            "the Sun's elevation hardly changes at some event",
            advice="a threshold of Sun elevation cannot be learnt from events at noon or midnight",
        )
    count = len(found)
    weight, threshold = np.ones(count), float("nan")
    for _ in range(_ROUNDS):
        previous = threshold
        pull = weight / rate**2
        threshold = float(np.sum(pull * found) / np.sum(pull))
        residual = (found - threshold) / rate
        scale = np.sum(weight * residual**2) / max(count - len(sample.tilts_deg[:2]), 1)
        variance = max(float(scale), 1e-12) + sample.spread_h**2
        weight = (_FREEDOM + 1.0) / (_FREEDOM + residual**2 / variance)
        weight *= np.min(variance) / variance
        if np.isclose(threshold, previous, rtol=1e-12, atol=1e-14):
            break
    return threshold, variance


def _left_out(sample: _Sample, index: int, needed: int) -> float:
    """Residual of one event under the fit to all the others; NaN if the others are too few."""
    others = np.arange(len(sample.spread_h)) != index
    if others.sum() < min(needed, 2):
        return float("nan")
    tilt_deg, threshold = _fitted(sample.part(others))
    return float(_misses_h(sample.part(~others), tilt_deg, threshold)[0])
