"""Phase "site": light, darkness and Earth of the baseline and its candidates, or of the orbit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.plan import MoonSite, OrbitStation, SurfaceStation
from moonpost.study.context import STEP_S, Context, Phase, site_profile, site_terrain
from moonpost.study.phases.common import longest_run, text, variable
from moonpost.study.phases.orbit import orbit_phase
from moonpost.study.published import published_near
from moonpost.study.ranking import rank
from moonpost.study.results import EclipseSummary, LightRow, MonthRow, SiteResult
from moonpost.study.surroundings import uncovered

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.sky import Site
    from moonpost.terrain import HorizonProfile, LightStatistics

__all__ = ["light_row", "month_of_least", "site_phase"]

_SLOPE_BASELINE_M = 50.0


def site_phase(context: Context) -> Phase:
    """Compute light and darkness of the station's sites, or of its orbit."""
    if isinstance(context.plan.station, OrbitStation):
        return orbit_phase(context)
    sites = context.plan.station_sites()
    station = context.plan.station
    masts = {site.id: (context.masts_m if index == 0 else station.masts_m) for index, site in enumerate(sites)}
    context.progress.start("site", sum(map(len, masts.values())) + 2)
    rows: list[LightRow] = []
    profiles: dict[tuple[str, float], HorizonProfile] = {}
    for site in sites:
        for mast_m in masts[site.id]:
            profile = site_profile(context.plan, site, mast_m)
            profiles[site.id, mast_m] = profile
            rows.append(light_row(context, site, profile))
            context.progress.step(f"{site.name}, {mast_m:g} m")
    light = _light_series(context, profiles)
    context.progress.step("series of the baseline")
    result = _result(context, station, rows, light)
    context.progress.step("eclipses and months")
    return Phase(result, {"light": light, "horizons": _horizon_series(profiles)})


def light_row(context: Context, site: MoonSite, profile: HorizonProfile) -> LightRow:
    """Light statistics of one site and height over the plan's period."""
    from moonpost.terrain import light_statistics

    start, stop = context.period
    found = light_statistics(profile, context.almanac, start, stop, eclipses=True)
    return _row(site, profile, found, _slope(context, site))


def _row(site: MoonSite, profile: HorizonProfile, found: LightStatistics, slope_deg: float | None) -> LightRow:
    layers = profile.provenance["terrain"]
    caveat = profile.provenance.get("note")
    mast_m = profile.mast_m
    return LightRow(
        site=site.id,
        name=site.name,
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        height_m=profile.site.height_m,
        slope_deg=slope_deg,
        mast_m=mast_m,
        grade=profile.grade,
        terrain=", ".join(f"{layer['name']} ({layer['resolution_m']:.0f} m)" for layer in layers)
        + (f". {caveat}" if caveat else ""),
        resolution_m=float(profile.provenance["near_cell_m"]),
        average_illumination=found.average_illumination,
        percent_lit=found.percent_lit,
        longest_dark_d=found.longest_dark_d,
        longest_dark_start_utc=text(found.longest_dark.start if found.longest_dark else None),
        longest_dark_stop_utc=text(found.longest_dark.stop if found.longest_dark else None),
        longest_light_d=found.longest_light_d,
        earth_visible=found.earth_visible,
        longest_earth_outage_d=found.longest_earth_outage_d,
        longest_dark_without_earth_d=found.longest_dark_without_earth_d,
        published=published_near(site.latitude_deg, site.longitude_deg, mast_m),
    )


def _slope(context: Context, site: MoonSite) -> float | None:
    """Slope of the ground where the plan names terrain fine enough to tell; else None."""
    if not site.terrain:
        return None
    terrain = site_terrain(context.plan, site)
    return float(terrain.slope_deg(site.latitude_deg, site.longitude_deg, baseline_m=_SLOPE_BASELINE_M))


def _light_series(context: Context, profiles: dict[tuple[str, float], HorizonProfile]) -> xr.Dataset:
    """Hourly Sun, Earth and light at the baseline's masts."""
    import xarray as xr

    from moonpost.sky import times
    from moonpost.terrain import earth_visibility, illumination

    start, stop = context.period
    baseline = context.plan.station_sites()[0].id
    t = times(start, stop, STEP_S)
    place: Site = next(profile.site for (name, _), profile in profiles.items() if name == baseline)
    sun, earth = context.almanac.sun(place, t), context.almanac.earth(place, t)
    free = uncovered(context.almanac, place, sun)
    light, sight = [], []
    for mast_m in context.masts_m:
        profile = profiles[baseline, mast_m]
        light.append(illumination(profile, sun) * free)
        sight.append(earth_visibility(profile, earth))
    how = f"moonpost.sky and moonpost.terrain, {baseline}"
    return xr.Dataset(
        {
            "sun_azimuth_deg": variable("time", sun.azimuth_deg, "deg", "Azimuth of the Sun", how),
            "sun_elevation_deg": variable("time", sun.elevation_deg, "deg", "Elevation of the Sun", how),
            "sun_distance_m": variable("time", sun.distance_m, "m", "Distance of the Sun", how, "f8"),
            "earth_elevation_deg": variable("time", earth.elevation_deg, "deg", "Elevation of the Earth", how),
            "light": variable(("mast_m", "time"), np.array(light), "1", "Fraction of the solar disc in view", how),
            "earth": variable(
                ("mast_m", "time"), np.array(sight), "1", "Fraction of the Earth's disc in view", how
            ),
        },
        coords={"time": t.astype("datetime64[ns]"), "mast_m": list(context.masts_m)},
        attrs={"site": baseline, "step_s": STEP_S},
    )


def _result(context: Context, station: SurfaceStation, rows: list[LightRow], light: xr.Dataset) -> SiteResult:
    start, stop = context.period
    best = max(station.masts_m)
    ranked = [row for row in rows if row.mast_m == best]
    worst_grade = "screening" if any(r.grade == "screening" for r in rows if r.site == station.site) else "site"
    return SiteResult(
        kind="surface",
        baseline=station.site,
        grade=worst_grade,  # type: ignore[arg-type]
        start_utc=str(text(start)),
        stop_utc=str(text(stop)),
        step_s=STEP_S,
        rows=tuple(rows),
        ranking=rank(ranked),
        worst_month=worst_month(context, light, best),
        eclipses=_eclipse_summary(context),
    )


def worst_month(context: Context, light: xr.Dataset, mast_m: float) -> MonthRow:
    """Find the lunar month, local solar midnight to midnight, with the least light."""
    from moonpost.sky import Site
    from moonpost.sky.days import solar_midnights

    start, stop = context.period
    site = context.plan.station_sites()[0]
    edges = solar_midnights(context.almanac, Site(site.latitude_deg, site.longitude_deg), start, stop)
    return month_of_least(light["time"].values, light["light"].sel(mast_m=mast_m).values, edges)


def month_of_least(time: Any, light: Any, edges: Any) -> MonthRow:
    """Of the months between edges, the one with the lowest mean light; the whole period if it holds no month."""
    if len(edges) < 2:
        edges = np.array([time[0], time[-1]]).astype("datetime64[ms]")
    at = np.searchsorted(time.astype("datetime64[ms]"), edges.astype("datetime64[ms]"))
    means = [float(np.mean(light[i:j])) for i, j in pairwise(at)]
    k = int(np.argmin(means))
    dark = light[at[k] : at[k + 1]] <= 0.0
    return MonthRow(
        start_utc=str(text(edges[k])),
        stop_utc=str(text(edges[k + 1])),
        average_illumination=means[k],
        longest_dark_d=longest_run(dark) * _step_d(time),
    )


def _step_d(time: Any) -> float:
    return float((time[1] - time[0]) / np.timedelta64(1, "s")) / 86400.0


def _eclipse_summary(context: Context) -> EclipseSummary:
    from moonpost.sky import Site
    from moonpost.sky.eclipse import eclipses
    from moonpost.terrain.intervals import DANJON

    site = context.plan.station_sites()[0]
    start, stop = context.period
    found = eclipses(context.almanac, Site(site.latitude_deg, site.longitude_deg), start, stop, DANJON)
    longest_s = max((item.duration_s for item in found), default=0.0)
    return EclipseSummary(
        count=len(found),
        longest_h=longest_s / 3600.0,
        next_utc=text(found[0].partial_start) if found else None,
    )


def _horizon_series(profiles: dict[tuple[str, float], HorizonProfile]) -> xr.Dataset:
    """All horizons on one azimuth axis."""
    import xarray as xr

    azimuth = next(iter(profiles.values())).azimuth_deg
    names = [f"{site} {mast_m:g} m" for site, mast_m in profiles]
    values = np.array([profile.at(azimuth) for profile in profiles.values()])
    return xr.Dataset(
        {
            "horizon_deg": variable(
                ("profile", "azimuth_deg"), values, "deg", "Elevation of the horizon", "moonpost.terrain.horizon"
            )
        },
        coords={"profile": names, "azimuth_deg": azimuth},
    )
