"""Phase "site" for a station in orbit: light, shadow and Earth along the orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.plan import Orbit, OrbitStation, when_bounds
from moonpost.study.context import Context, Phase
from moonpost.study.phases.common import longest_run, text, variable
from moonpost.study.results import EclipseSummary, MonthRow, OrbitRow, SiteResult

if TYPE_CHECKING:
    from moonpost.flight import Darkness, LunarOrbit

__all__ = ["ORBIT_STEP_S", "covered_share", "lunar_orbit", "orbit_phase"]

ORBIT_STEP_S = 900.0
"""Step of the series of an orbit [s]; shadow within a step counts by its exact share."""

_LUNATION = np.timedelta64(round(29.530589 * 86400), "s")
_HOUR = np.timedelta64(3_600_000, "ms")


def lunar_orbit(orbit: Orbit, epoch: np.datetime64) -> LunarOrbit:
    """The plan's orbit as one that can be followed, from its epoch or else the given one."""
    from moonpost.flight import LunarOrbit

    when = np.datetime64(when_bounds(orbit.epoch)[0], "ms") if orbit.epoch else epoch
    return LunarOrbit(
        perilune_altitude_m=orbit.perilune_altitude_km * 1e3,
        apolune_altitude_m=orbit.apolune_altitude_km * 1e3,
        inclination_deg=orbit.inclination_deg,
        argument_of_perilune_deg=orbit.argument_of_perilune_deg,
        node_deg=orbit.node_deg,
        epoch=when,
    )


def orbit_phase(context: Context) -> Phase:
    """Compute light, shadow and sight of the Earth of the station's orbit."""
    import xarray as xr

    from moonpost.flight import contact_share, darkness, earth_outages
    from moonpost.sky import times

    station = context.plan.station
    assert isinstance(station, OrbitStation)
    start, stop = context.period
    orbit = lunar_orbit(station.orbit, start)
    context.progress.start("site", 3)
    dark = darkness(orbit, context.almanac, start, stop)
    part = darkness(orbit, context.almanac, start, stop, edge="penumbra")
    context.progress.step("shadow")
    outages = earth_outages(orbit, context.almanac, start, stop)
    context.progress.step("sight of the Earth")
    t = times(start, stop, ORBIT_STEP_S)
    light = 1.0 - 0.5 * (covered_share(t, ORBIT_STEP_S, dark) + covered_share(t, ORBIT_STEP_S, part))
    earth = 1.0 - covered_share(t, ORBIT_STEP_S, outages)
    how = "moonpost.flight.shadow, two-body orbit fixed in space"
    series = xr.Dataset(
        {
            "sun_distance_m": variable("time", _sun_distance_m(context, t), "m", "Distance of the Sun", how, "f8"),
            "light": variable(("mast_m", "time"), light[None], "1", "Share of the step in sunlight", how),
            "earth": variable(
                ("mast_m", "time"), earth[None], "1", "Share of the step with the Earth in view", how
            ),
        },
        coords={"time": t.astype("datetime64[ns]"), "mast_m": [0.0]},
        attrs={"site": station.id, "step_s": ORBIT_STEP_S},
    )
    share = contact_share(orbit, context.almanac, start, stop)
    result = _result(context, station, orbit, (dark, outages), light, share)
    context.progress.step("series")
    return Phase(result, {"light": series})


def covered_share(t: npt.NDArray[np.datetime64], step_s: float, hidden: Darkness) -> npt.NDArray[np.float64]:
    """Share of each step that lies within the intervals, exactly."""
    origin = t[0]
    starts = (hidden.start - origin) / np.timedelta64(1, "s")
    stops = (hidden.stop - origin) / np.timedelta64(1, "s")
    edges = np.concatenate([(t - origin) / np.timedelta64(1, "s"), [len(t) * step_s]])
    if len(starts) == 0:
        return np.zeros(len(t))
    knots = np.column_stack([starts, stops]).ravel()
    total = np.concatenate([[0.0], np.cumsum(stops - starts)])
    at = np.column_stack([total[:-1], total[1:]]).ravel()
    share = np.diff(np.interp(edges, knots, at)) / step_s
    rounding = 1e-9
    assert share.min() > -rounding
    assert share.max() < 1.0 + rounding
    return np.clip(share, 0.0, 1.0)


def _sun_distance_m(context: Context, t: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    """Distance of the Sun from the Moon, smooth enough to be interpolated from daily values."""
    daily = np.arange(t[0], t[-1] + np.timedelta64(2, "D"), np.timedelta64(1, "D"))
    vectors = context.almanac.moon_fixed_m("sun", daily)
    seconds = (t - t[0]) / np.timedelta64(1, "s")
    return np.interp(seconds, (daily - t[0]) / np.timedelta64(1, "s"), np.linalg.norm(vectors, axis=1))


def _longest(hidden: Darkness) -> tuple[float, np.datetime64 | None]:
    """Length of the longest interval [h], and its start."""
    if len(hidden.start) == 0:
        return 0.0, None
    lengths = (hidden.stop - hidden.start) / _HOUR
    k = int(np.argmax(lengths))
    return float(lengths[k]), hidden.start[k]


def _result(
    context: Context,
    station: OrbitStation,
    orbit: LunarOrbit,
    hidden: tuple[Darkness, Darkness],
    light: npt.NDArray[np.float64],
    contact: float,
) -> SiteResult:
    from moonpost.flight import longest_umbra_s

    start, stop = context.period
    dark, outages = hidden
    dark_h, dark_start = _longest(dark)
    outage_h, _ = _longest(outages)
    row = OrbitRow(
        perilune_altitude_km=station.orbit.perilune_altitude_km,
        apolune_altitude_km=station.orbit.apolune_altitude_km,
        inclination_deg=station.orbit.inclination_deg,
        period_h=orbit.period_s / 3600.0,
        average_illumination=float(np.mean(light)),
        longest_dark_h=dark_h,
        longest_dark_start_utc=text(dark_start),
        dark_per_orbit_max_min=longest_umbra_s(orbit) / 60.0,
        earth_visible=contact,
        longest_earth_outage_h=outage_h,
        source=station.orbit.source,
    )
    by_earth = [k for k, cause in enumerate(dark.cause) if "earth" in cause]
    lengths = [float((dark.stop[k] - dark.start[k]) / _HOUR) for k in by_earth]
    return SiteResult(
        kind="orbit",
        baseline=station.id,
        grade="orbit",
        start_utc=str(text(start)),
        stop_utc=str(text(stop)),
        step_s=ORBIT_STEP_S,
        orbit=row,
        worst_month=_worst_month(start, light),
        eclipses=EclipseSummary(
            count=len(by_earth),
            longest_h=max(lengths, default=0.0),
            next_utc=text(dark.start[by_earth[0]]) if by_earth else None,
        ),
    )


def _worst_month(start: np.datetime64, light: npt.NDArray[np.float64]) -> MonthRow:
    """The mean lunation with the least light."""
    steps = int(_LUNATION / np.timedelta64(1, "s") / ORBIT_STEP_S)
    months = light[: len(light) // steps * steps].reshape(-1, steps) if len(light) >= steps else light[None]
    k = int(np.argmin(months.mean(axis=1)))
    first = start + np.timedelta64(round(k * steps * ORBIT_STEP_S * 1000), "ms")
    return MonthRow(
        start_utc=str(text(first)),
        stop_utc=str(text(first + np.timedelta64(round(months.shape[1] * ORBIT_STEP_S * 1000), "ms"))),
        average_illumination=float(months[k].mean()),
        longest_dark_d=longest_run(months[k] <= 0.0) * ORBIT_STEP_S / 86400.0,
    )
