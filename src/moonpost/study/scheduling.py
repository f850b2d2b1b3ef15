"""The setting of a schedule for a plan: Sun, light over the terrain, contacts and lunar days of a period."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError
from moonpost.operations.placements import Setting
from moonpost.operations.simulation import light_heights_m
from moonpost.plan import DesignRules, MoonSite, OrbitStation, Plan
from moonpost.study.context import Context
from moonpost.study.phases import PHASES
from moonpost.study.phases.design import sun_view
from moonpost.study.run import planned_context
from moonpost.study.surroundings import ground_k, site_horizon, uncovered

if TYPE_CHECKING:
    from moonpost.terrain import HorizonProfile

__all__ = ["read_windows", "schedule_setting"]

Times = npt.NDArray[np.datetime64]

_CONTACT_STEP_S = 600.0
_LUNATION_MS = 29.530589 * 86_400e3
_MOST_DAYS = 3660.0
_LEAST_SLOT_S = 60.0
_MOST_SLOT_S = 7200.0
_ORBIT_SLOT_S = 900.0


def schedule_setting(
    plan: Plan | str | os.PathLike[str],
    start: str | None = None,
    days: float = 29.5,
    *,
    site: str | None = None,
    slot_s: float = 900.0,
    contacts: Times | None = None,
) -> Setting:
    """Compute all that a schedule of a plan needs to know about the sky.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    start : str, optional
        First instant, UTC; the plan's design start if not given.
    days : float
        Length [d].
    site : str, optional
        A site of the plan; the station's if not given.
    slot_s : float
        Grid of starts, and step of the Sun and the light [s].
    contacts : ndarray of datetime64, (m, 2), optional
        Windows of contact, such as those of a relay; with any of the plan's ground stations if not given.

    Returns
    -------
    Setting

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError
        If the length or the slot cannot be used.
    UnknownNameError
        If the plan has no such site.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    Light: fraction of the Sun's disc over the horizon of each mast, less what the Earth covers in an eclipse.
    Contact: any ground station of the plan above the horizon of the highest mast, with the Moon above the
    station's mask. Ground: its temperature is computed where the box of a machine exchanges heat with it. For a
    station in orbit the Earth is in contact while the Moon does not hide it, and slots are 900 s long.

    Examples
    --------
    >>> setting = schedule_setting("ilrs", "2038-01-10", 2.0)
    >>> setting.slots, setting.site
    (192, 'glaeser-spot-1')
    """
    from moonpost.sky import as_utc

    if not (math.isfinite(days) and 0.0 < days <= _MOST_DAYS):
        raise InputError(f"is {days:g}", where="days", advice=f"give more than 0 and at most {_MOST_DAYS:g}")
    if not _LEAST_SLOT_S <= slot_s <= _MOST_SLOT_S:
        raise InputError(f"is {slot_s:g}", where="slot_s", advice=f"give {_LEAST_SLOT_S:g} to {_MOST_SLOT_S:g} s")
    if days * 86_400.0 < 2.0 * slot_s:
        raise InputError(f"{days:g} d hold less than two slots", where="days", advice="give more days")
    context = planned_context(plan)
    first = as_utc(start or context.plan.design.start[:10]).reshape(-1)[0]
    if site is None and isinstance(context.plan.station, OrbitStation):
        return _orbit(context, first, days, slot_s, contacts)
    place = context.plan.site(site) if site is not None else context.plan.station_sites()[0]
    return _surface(context, place, first, days, slot_s, contacts)


def _surface(
    context: Context, place: MoonSite, first: np.datetime64, days: float, slot_s: float, contacts: Times | None
) -> Setting:
    """A site on the ground."""
    from moonpost.sky.days import solar_midnights
    from moonpost.terrain import illumination

    plan, almanac = context.plan, context.almanac
    step = np.timedelta64(round(slot_s * 1000.0), "ms")
    t = first + np.arange(math.floor(days * 86_400.0 / slot_s + 1e-9) + 1) * step
    profiles = {mast_m: site_horizon(plan, place, mast_m) for mast_m in light_heights_m(plan, place.id)}
    highest = profiles[max(profiles)]
    sun = almanac.sun(highest.site, t)
    free = uncovered(almanac, highest.site, sun)
    light = {
        mast_m: np.asarray(illumination(profile, sun), dtype=np.float64) * free
        for mast_m, profile in profiles.items()
    }
    return Setting(
        plan=plan,
        sun=sun,
        light_by_mast=light,
        contacts=_station_windows(context, highest, t) if contacts is None else contacts,
        surface_k=ground_k(plan, almanac, profiles[min(profiles)], t),
        lunar_days=solar_midnights(almanac, highest.site, t[0], t[-1]),
        site=place.id,
    )


def _station_windows(context: Context, profile: HorizonProfile, t: Times) -> Times:
    """Windows with any ground station of the plan."""
    from moonpost.comms import station_contacts, union
    from moonpost.sky import times

    if not context.plan.ground_stations:
        return np.empty((0, 2), dtype="datetime64[ms]")
    step = np.timedelta64(round(_CONTACT_STEP_S * 1000.0), "ms")
    fine = times(t[0], t[-1] + 2 * step, _CONTACT_STEP_S)
    found = union(
        [
            station_contacts(context.almanac, profile.site, dish, fine, profile=profile)
            for dish in context.plan.ground_stations
        ]
    )
    return np.column_stack([found.start, found.stop]).astype("datetime64[ms]")


def _orbit(context: Context, first: np.datetime64, days: float, slot_s: float, contacts: Times | None) -> Setting:
    """A station in orbit."""
    from moonpost.flight import earth_outages
    from moonpost.sky import iso
    from moonpost.study.phases.orbit import lunar_orbit

    if slot_s != _ORBIT_SLOT_S:
        raise InputError(f"is {slot_s:g}", where="slot_s", advice="leave it at 900 s for a station in orbit")
    begin = iso(first.astype("datetime64[s]"))
    rules = {"start": begin, "years": (days + 2.0 * slot_s / 86_400.0) / 365.25}
    old = context.plan
    context.plan = old.model_copy(update={"design": DesignRules(**{**old.design.model_dump(), **rules})})
    context.phases["site"] = PHASES["site"].compute(context)
    count = math.floor(days * 86_400.0 / slot_s + 1e-9) + 1
    whole = sun_view(context)
    light = context.phases["site"].series["light"]["light"].values[0].astype(np.float64)
    names = ("time", "azimuth_deg", "elevation_deg", "distance_m")
    sun = SimpleNamespace(**{name: np.asarray(getattr(whole, name))[:count] for name in names})
    if contacts is None:
        station = old.station
        assert isinstance(station, OrbitStation)
        outages = earth_outages(lunar_orbit(station.orbit, first), context.almanac, sun.time[0], sun.time[-1])
        edges = np.concatenate(
            [[sun.time[0]], np.column_stack([outages.start, outages.stop]).ravel(), [sun.time[-1]]]
        )
        windows = edges.astype("datetime64[ms]").reshape(-1, 2)
        contacts = windows[windows[:, 1] > windows[:, 0]]
    lunation = np.timedelta64(round(_LUNATION_MS), "ms")
    return Setting(
        plan=old,
        sun=sun,
        light_by_mast=dict.fromkeys(light_heights_m(old), light[:count]),
        contacts=contacts,
        lunar_days=np.arange(sun.time[0] + lunation, sun.time[-1], lunation),
    )


def read_windows(path: str | os.PathLike[str]) -> Times:
    """Read windows of contact from a file.

    Parameters
    ----------
    path : path-like
        JSON: rows with ``start_utc`` and ``stop_utc``, alone or as ``contact_list``, as ``moonpost flight contacts
        --json`` prints them; or pairs of dates.

    Returns
    -------
    ndarray of datetime64[ms], (m, 2)

    Raises
    ------
    DataError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "relay.json"
    ...     _ = path.write_text('[["2038-01-10T00:00Z", "2038-01-10T06:00Z"]]')
    ...     read_windows(path).shape
    (1, 2)
    """
    from moonpost.sky import as_utc

    advice = "give rows with start_utc and stop_utc, such as 'moonpost flight contacts --json' prints"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = data["contact_list"] if isinstance(data, dict) else data
        pairs = [(row["start_utc"], row["stop_utc"]) if isinstance(row, dict) else tuple(row) for row in rows]
        found = as_utc([list(pair) for pair in pairs]).reshape(-1, 2)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path), advice=advice) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"holds no windows: {error}", where=str(path), advice=advice) from error
    if (found[:, 1] < found[:, 0]).any():
        raise DataError("holds a window that ends before it begins", where=str(path), advice=advice)
    return np.asarray(found)
