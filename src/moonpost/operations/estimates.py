"""Estimate what a machine's wake or sleep depends on, from few dated events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
    Both models are linear in what is sought. With the Sun's direction (u up, n north) and the irradiance q
    relative to 1 au, the panel's current is q (u cos T + n sin T), so that q u = k - x q n at the threshold, with
    x = tan T and k = threshold / cos T. A tilt towards east or west cannot be told from a change of threshold,
    because the Sun's azimuth at the same time of day hardly changes over the year; it is therefore not fitted.
    Residuals are turned into hours by the rate of the level, and weighted as a Student-t with 4 degrees of
    freedom, so that one wrongly reported time has little hold; published uncertainty adds to the scatter.

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
    t = np.array([event.utc for event in events], dtype="datetime64[ms]")
    spread_h = np.array([event.spread_h for event in events])
    up, north, share = _parts(model, almanac.sun(site, t))
    columns = [np.ones(len(t))] if model == "elevation" else [np.ones(len(t)), -share * north]
    design = np.stack(columns, axis=1)
    rate = _rates(almanac, site, model, t)
    design, wanted = design / rate[:, None], share * up / rate
    found = _robust(design, wanted, spread_h)
    tilt_deg = float(np.rad2deg(np.arctan(found[1]))) if model == "panel" else 0.0
    left_out = [_left_out(design, wanted, spread_h, i) for i in range(len(t))]
    return Estimate(
        model=model,
        threshold=float(found[0] * np.cos(np.deg2rad(tilt_deg))),
        tilt_north_deg=tilt_deg,
        residual_h=wanted - design @ found,
        left_out_h=np.array(left_out),
        freedom=design.shape[1],
    )


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


def _rates(almanac: Almanac, site: Site, model: Model, t: npt.NDArray[np.datetime64]) -> Floats:
    """Change per hour of the level, with its sign, never so small that it could not date an event."""
    rate = rate_per_hour(almanac, site, level(model, 0.0), t)
    if np.any(np.abs(rate) < 1e-5):
        raise ModelError(
            "the Sun's elevation hardly changes at some event",
            advice="a threshold of Sun elevation cannot be learnt from events at noon or midnight",
        )
    return rate


def _robust(design: Floats, wanted: Floats, spread_h: Floats) -> Floats:
    """Student-t regression by reweighting; the scale is estimated along."""
    count, width = design.shape
    weight = np.ones(count)
    found: Floats = np.zeros(width)
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        previous = found
        found = np.asarray(np.linalg.lstsq(design * root[:, None], wanted * root, rcond=None)[0], dtype=np.float64)
        residual = wanted - design @ found
        scale = np.sum(weight * residual**2) / max(count - width, 1)
        variance = max(scale, 1e-12) + spread_h**2
        weight = (_FREEDOM + 1.0) / (_FREEDOM + residual**2 / variance)
        weight *= np.min(variance) / variance
        if np.allclose(found, previous, rtol=1e-12, atol=1e-14):
            break
    return found


def _left_out(design: Floats, wanted: Floats, spread_h: Floats, index: int) -> float:
    """Residual of one event under the fit to all the others; NaN if the others are too few."""
    others = np.arange(len(wanted)) != index
    if others.sum() < design.shape[1]:
        return float("nan")
    found = _robust(design[others], wanted[others], spread_h[others])
    return float(wanted[index] - design[index] @ found)
