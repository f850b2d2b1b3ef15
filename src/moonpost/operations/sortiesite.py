"""What a machine meets on a sortie at a real place: light, ground and contact from terrain and ephemerides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.sortiemachines import SortieSky
from moonpost.plan.elements import SolarArray
from moonpost.power.arrays import array_heights_m
from moonpost.power.sources import element_supply_w
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.plan.elements import Element
    from moonpost.plan.model import DesignRules
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.apparent import Apparent
    from moonpost.sky.site import Site
    from moonpost.terrain.surface import Terrain

__all__ = ["sortie_sky"]

Floats = npt.NDArray[np.float64]

_SOLAR_W_M2 = 1361.0
_GROUND_STEP_S = 7200.0
_YEAR = np.timedelta64(354 * 24, "h")


def sortie_sky(
    element: Element,
    rules: DesignRules,
    terrain: Terrain,
    home: Site,
    away: Site,
    almanac: Almanac,
    start: TimeLike,
    days: float,
    *,
    step_s: float = 1800.0,
    shadow_k: float | None = None,
    reach_m: float = 2000.0,
    antenna_m: float = 2.0,
    contacts: npt.ArrayLike | None = None,
    years: float = 0.0,
) -> SortieSky:
    """Gather light, ground temperature and contact for a machine at two places.

    Parameters
    ----------
    element : Element
        The machine, for its arrays.
    rules : DesignRules
        Losses of arrays.
    terrain : Terrain
        Heights; horizons are computed from it, or taken where they are shipped for this very place.
    home, away : Site
        Start and goal.
    almanac : Almanac
        Sun and Earth.
    start : date-like
        Begin, UTC.
    days : float
        Length [d].
    step_s : float
        Step [s].
    shadow_k : float, optional
        Ground at the goal [K]; if not given it is computed with scattered light and infrared of the terrain.
    reach_m : float
        Distance to which terrain shades, lights and warms the ground at the goal [m], which is taken as a cell of
        two 25ths of that.
    antenna_m : float
        Height of the antenna for the Earth in sight [m].
    contacts : array-like of datetime64, shape (m, 2), optional
        Windows of contact; the Earth in sight of the start if not given.
    years : float
        Age of the arrays at the start [years].

    Returns
    -------
    SortieSky
        At even steps.

    Raises
    ------
    InputError
        If a number is of no use.
    DateError
        If the period lies outside the kernels.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.sky import Almanac
    >>> from moonpost.terrain import Terrain
    >>> plan, terrain = load_plan("ilrs"), Terrain.default("south")
    >>> hopper = next(element for element in plan.elements if element.id == "ce7-hopper")
    >>> home, floor = terrain.site(-89.45, 222.8), terrain.site(-89.67, 129.8)
    >>> found = sortie_sky(
    ...     hopper, plan.design, terrain, home, floor, Almanac.default(), "2030-01-01", 2.0, shadow_k=60.0
    ... )
    >>> found.count, float(found.away_supply_w.max())
    (96, 0.0)
    """
    for name, value, low, high in (
        ("days", days, 0.05, 3660.0),
        ("step_s", step_s, 60.0, 21_600.0),
        ("years", years, 0.0, 100.0),
    ):
        if not (math.isfinite(value) and low <= value <= high):
            raise InputError(f"{value!r}", where=name, advice=f"give {low:g} to {high:g}")
    if shadow_k is not None and not (math.isfinite(shadow_k) and 3.0 <= shadow_k <= 400.0):
        raise InputError(f"{shadow_k!r}", where="shadow_k", advice="give 3 to 400 K")
    first = as_utc(start).reshape(-1)[0]
    count = max(2, round(days * 86400.0 / step_s))
    time = first + (np.arange(count) * round(step_s * 1e3)).astype("timedelta64[ms]")
    middle = time + np.timedelta64(round(step_s * 500.0), "ms")
    one = element.model_copy(update={"count": 1})
    notes: list[str] = []
    there = [
        _place(one, rules, terrain, site, almanac.sun(site, middle), years, notes, name)
        for site, name in ((home, "start"), (away, "goal"))
    ]
    home_k = _sunlit_ground(terrain, home, almanac, first, middle, notes)
    away_k, told = _shadow_ground(terrain, away, almanac, first, reach_m, shadow_k)
    notes.append(told)
    if contacts is None:
        from moonpost.terrain.light import earth_visibility

        seen = earth_visibility(_profile(terrain, home, antenna_m), almanac.earth(home, middle)) >= 0.5
        notes.append("contact is the Earth in sight of the start")
    else:
        windows = np.asarray(contacts, dtype="datetime64[ms]").reshape(-1, 2)
        seen = np.zeros(count, dtype=bool)
        for low_t, high_t in windows:
            seen |= (middle >= low_t) & (middle < high_t)
    return SortieSky(
        time, step_s, there[0][0], home_k, there[0][1], there[1][0], np.full(count, away_k), there[1][1], seen,
        tuple(notes),
    )  # fmt: skip


def _profile(terrain: Terrain, site: Site, mast_m: float) -> Any:
    """Horizon of a place: shipped if there is one, else computed."""
    from moonpost.terrain.profiles import shipped_near
    from moonpost.terrain.skyline import horizon

    return shipped_near(site.latitude_deg, site.longitude_deg, mast_m) or horizon(terrain, site, mast_m, 360)


def _place(
    element: Element,
    rules: DesignRules,
    terrain: Terrain,
    site: Site,
    sun: Apparent,
    years: float,
    notes: list[str],
    name: str,
) -> tuple[Floats, Floats]:
    """Output of the sources and sunlight at a place."""
    from moonpost.terrain.light import illumination

    heights = {
        mast_m for item in element.generators if isinstance(item, SolarArray) for mast_m in array_heights_m(item)
    } or {1.0}
    light = {mast_m: illumination(_profile(terrain, site, mast_m), sun) for mast_m in sorted(heights)}
    low = light[min(light)]
    notes.append(f"the {name} is lit {float(np.mean(low > 0.0)):.1%} of the period")
    return (
        element_supply_w(element, sun, light, years, rules),
        np.asarray(_SOLAR_W_M2 * sun.distance_factor * low),
    )


def _sunlit_ground(
    terrain: Terrain,
    site: Site,
    almanac: Almanac,
    first: np.datetime64,
    middle: npt.NDArray[np.datetime64],
    notes: list[str],
) -> Floats:
    """Ground at the start over the period, in balance with a year of its own light."""
    from moonpost.thermal.siteground import site_ground

    try:
        found = site_ground(
            _profile(terrain, site, 0.0),
            almanac,
            first,
            first + max(_YEAR, middle[-1] - first),
            step_s=_GROUND_STEP_S,
            background_w_m2=1.0,
        )
    except InputError as error:
        raise InputError(
            f"no ground temperature at the start: {error.what}", where="home", advice="start at a lit place"
        ) from error
    hours = (found.time - first) / np.timedelta64(1, "s")
    notes.append("ground at the start: level, 1 W/m2 from terrain besides direct sunlight")
    return np.asarray(np.interp((middle - first) / np.timedelta64(1, "s"), hours, found.surface_k), dtype=float)


def _shadow_ground(
    terrain: Terrain, site: Site, almanac: Almanac, first: np.datetime64, reach_m: float, shadow_k: float | None
) -> tuple[float, str]:
    """Ground at the goal, and how it was found."""
    if shadow_k is not None:
        return shadow_k, f"ground at the goal: {shadow_k:g} K, given"
    from moonpost.thermal.siteground import site_in_terrain
    from moonpost.thermal.sunpath import SunPath

    sun = SunPath.of(almanac, first, first + _YEAR, 12 * 3600.0)
    found = site_in_terrain(terrain, site.latitude_deg, site.longitude_deg, sun, reach_m=reach_m)
    mean, low, high = (found[f"surface_{name}_k"] for name in ("mean", "min", "max"))
    cell = f"a cell of {reach_m / 12.5:.0f} m about the goal"
    shadow = f"{cell} is in permanent shadow" if found["permanent_shadow"] else f"parts of {cell} are lit at times"
    return float(mean), f"ground at the goal: {mean:.1f} K ({low:.1f} to {high:.1f} K over a year); {shadow}"
