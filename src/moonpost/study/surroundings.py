"""What surrounds machines at a site: horizon, eclipses, sight of the Earth, temperature of the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.plan import MoonSite, Plan
from moonpost.study.context import site_profile

if TYPE_CHECKING:
    from moonpost.sky import Almanac, Apparent, Site
    from moonpost.terrain import HorizonProfile

__all__ = [
    "asks_for_contact",
    "asks_for_ground",
    "earth_spells",
    "ground_k",
    "has_terrain",
    "site_horizon",
    "uncovered",
]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_SEEN = 0.5
_SHADOW_W_M2 = 0.5
_HOUR = np.timedelta64(3_600_000, "ms")
_YEAR = 8766 * _HOUR


def has_terrain(plan: Plan, site: MoonSite) -> bool:
    """Whether the plan's terrain or a built-in grid covers a site."""
    from moonpost.terrain import BUILT_IN_LATITUDE_DEG

    return bool(plan.terrain_paths(site)) or abs(site.latitude_deg) >= BUILT_IN_LATITUDE_DEG


def site_horizon(plan: Plan, site: MoonSite, mast_m: float) -> HorizonProfile:
    """The horizon of a site; the level one where no terrain covers it."""
    from moonpost.sky import Site
    from moonpost.terrain import HorizonProfile

    if has_terrain(plan, site):
        return site_profile(plan, site, mast_m)
    return HorizonProfile.flat(Site(site.latitude_deg, site.longitude_deg, site.height_m or 0.0), mast_m)


def uncovered(almanac: Almanac, place: Site, sun: Apparent) -> Floats:
    """Part of the Sun's disc that the Earth leaves uncovered, (n,) [1]; computed only near eclipses."""
    from moonpost.sky.eclipse import earth_shadow, eclipses
    from moonpost.terrain.intervals import DANJON

    free = np.ones(len(sun.time))
    for found in eclipses(almanac, place, sun.time[0], sun.time[-1], DANJON):
        near = (sun.time >= found.partial_start) & (sun.time <= found.partial_stop)
        if near.any():
            free[near] = earth_shadow(almanac, place, sun.time[near], DANJON)
    return free


def asks_for_contact(plan: Plan) -> bool:
    """Whether any machine of the plan does something only in contact: sends what it recorded, or wakes."""
    return any(e.recorder is not None or (e.dormancy is not None and e.dormancy.command) for e in plan.elements)


def asks_for_ground(plan: Plan) -> bool:
    """Whether any machine of the plan exchanges heat with the ground, or has cells that it warms."""
    cells = any(getattr(source, "cells", None) for element in plan.elements for source in element.generators)
    return cells or any(e.thermal is not None and e.thermal.ground_w_k > 0 for e in plan.elements)


def earth_spells(plan: Plan, almanac: Almanac, profile: HorizonProfile, t: Times) -> Any:
    """Spells with half of the Earth in view, (m, 2), to one step; None if no machine asks or it never is."""
    from moonpost.terrain import earth_visibility

    if not asks_for_contact(plan):
        return None
    seen = np.asarray(earth_visibility(profile, almanac.earth(profile.site, t))) > _SEEN
    if not seen.any():
        return None
    turns = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
    return np.append(t, t[-1] + (t[1] - t[0]))[turns].reshape(-1, 2)


def ground_k(plan: Plan, almanac: Almanac, profile: HorizonProfile, t: Times) -> Floats | None:
    """Temperature of level ground where a machine of the plan asks for it [K]; None if none does.

    In balance with the year that ends with the period, so that a short period does not heat or cool it by being
    repeated. Without any Sun in that time it is that of shadow under 0.5 W/m2 of scattered light and infrared of
    terrain, which is assumed and holds 55 K.
    """
    if not asks_for_ground(plan):
        return None
    from moonpost.sky import times
    from moonpost.terrain import illumination
    from moonpost.thermal import site_temperature

    first, last = (end.astype("datetime64[ms]") for end in almanac.span)
    start = max(min(t[0], t[-1] - _YEAR), min(t[0], first + 24 * _HOUR))
    fine = times(start, max(t[-1], min(t[-1] + 2 * _HOUR, last - 24 * _HOUR)) + _HOUR // 2, 3600.0)
    sun = almanac.sun(profile.site, fine)
    light = np.asarray(illumination(profile, sun), dtype=np.float64)
    level = light * np.maximum(np.sin(np.radians(sun.elevation_deg)), 0.0)
    found = site_temperature(sun, light, background_w_m2=0.0 if level.any() else _SHADOW_W_M2)
    offset, known = ((time - fine[0]) / np.timedelta64(1, "ms") for time in (t, fine))
    return np.interp(offset, known, np.asarray(found.surface_k, dtype=np.float64))
