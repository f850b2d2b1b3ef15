"""What arrays lose to the shadows of machines: energy through a span, and the factor on their output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.design.shadowing import Body, Panel, hidden_by_bodies
from moonpost.design.siteplan import GroundHeight, Place, bodies_of, given_places, panels_of
from moonpost.plan import DesignRules, Element, Plan, SolarArray
from moonpost.power import array_heights_m, array_power_w
from moonpost.sky import Apparent
from moonpost.terrain import HorizonProfile, illumination

__all__ = ["ArrayShading", "element_shading", "shadow_scale"]

Floats = npt.NDArray[np.float64]
ProfileAt = Callable[[Place, float], HorizonProfile]

_ROWS, _COLUMNS = 5, 3


@dataclass(frozen=True)
class ArrayShading:
    """What an array loses to shadows of machines over the span.

    Parameters
    ----------
    element : str
        Its element.
    mast_m : float
        Height of its middle [m].
    energy_wh : float
        It would give without machines about [Wh].
    lost_wh : float
        Lost if output goes with the lit area [Wh].
    lost_strings_wh : float
        Lost if each upright column of cells gives what its darkest part gets [Wh].
    by : dict of str to float
        Lost to each other element if it stood there alone [Wh].
    worst_day : str
        The day with the largest loss, UTC.
    worst_day_fraction : float
        Part of that day's energy lost [1].
    """

    element: str
    mast_m: float
    energy_wh: float
    lost_wh: float
    lost_strings_wh: float
    by: dict[str, float]
    worst_day: str
    worst_day_fraction: float

    @property
    def lost_fraction(self) -> float:
        """Lost over what it would give [1]."""
        return self.lost_wh / self.energy_wh if self.energy_wh > 0.0 else 0.0


def element_shading(
    element: Element,
    place: Place,
    bodies: Sequence[Body],
    sun: Apparent,
    profile_at: ProfileAt,
    rules: DesignRules,
) -> list[ArrayShading]:
    """What each array of an element loses to the shadows of bodies.

    Parameters
    ----------
    element : Element
        The machine.
    place : Place
        Where it stands.
    bodies : sequence of Body
        What stands about; its own are left out.
    sun : Apparent
        The Sun at the site at equal steps, (n,).
    profile_at : callable
        Horizon of the ground from a place and a height above ground [m].
    rules : DesignRules
        Losses of arrays.

    Returns
    -------
    list of ArrayShading
        One for each solar array.

    Notes
    -----
    Arrays with a `height_m` are taken strip by strip, each with the horizon of its height, as in `moonpost.power`.
    """
    hours = float((sun.time[1] - sun.time[0]) / np.timedelta64(1, "ms")) / 3.6e6
    found = []
    for array, panel in panels_of(element, place):
        light, hidden = _hidden(array, panel, place, bodies, sun, profile_at)

        def power(share: Floats, array: SolarArray = array) -> Floats:
            return element.count * array_power_w(array, sun, np.clip(share, 0.0, 1.0), 0.0, rules)

        free = power(light)
        lost = free - power(light - hidden.mean(axis=(1, 2)))
        strings = free - power(light - hidden.max(axis=2).mean(axis=1))
        by = {}
        for other in sorted({body.element for body in bodies} - {element.id}) if lost.any() else ():
            alone = [body for body in bodies if body.element == other]
            part = _hidden(array, panel, place, alone, sun, profile_at)[1].mean(axis=(1, 2))
            if part.any():
                by[other] = float((free - power(light - part)).sum() * hours)
        day, worst = _worst_day(sun.time, free, lost)
        energy_wh, lost_wh, strings_wh = (float(series.sum() * hours) for series in (free, lost, strings))
        found.append(ArrayShading(element.id, array.mast_m, energy_wh, lost_wh, strings_wh, by, day, worst))
    return found


def shadow_scale(
    plan: Plan, sun: Apparent, profile_at: ProfileAt, *, ground: GroundHeight | None = None
) -> dict[str, Floats]:
    """Factor on the output of each machine's arrays for the shadows of the others, for `operations.simulate`.

    Parameters
    ----------
    plan : Plan
        A plan of a station on the ground; machines without a position throw no shadow here.
    sun : Apparent
        The Sun at the site at equal steps, (n,).
    profile_at : callable
        Horizon of the ground from a place and a height above ground [m].
    ground : callable, optional
        Height of the ground above that of the site, from east and north [m].

    Returns
    -------
    dict of str to ndarray, (n,)
        By element with arrays and a position: output with shadows over that without, 1 where there is none [1].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.sky import Almanac, Site, times
    >>> site = Site(-89.4395, 222.8066)
    >>> sun = Almanac.default().sun(site, times("2035-09-01", "2035-09-20", 3600))
    >>> found = shadow_scale(load_plan("ilrs"), sun, lambda place, mast_m: HorizonProfile.flat(site))
    >>> bool(0.9 < found["survey-rover"].mean() < 1.0)
    True
    """
    places = given_places(plan, ground)
    found = {}
    for name, place in places.items():
        element = plan.element(name)
        bodies = [
            b for other, seat in places.items() if other != name for b in bodies_of(plan.element(other), seat)
        ]
        free, left = np.zeros(len(sun)), np.zeros(len(sun))
        for array, panel in panels_of(element, place):
            light, hidden = _hidden(array, panel, place, bodies, sun, profile_at)
            free += array_power_w(array, sun, light, 0.0, plan.design)
            shaded = np.clip(light - hidden.mean(axis=(1, 2)), 0.0, 1.0)
            left += array_power_w(array, sun, shaded, 0.0, plan.design)
        if free.any():
            found[name] = np.divide(left, free, out=np.ones(len(sun)), where=free > 0.0)
    return found


def _hidden(
    array: SolarArray, panel: Panel, place: Place, bodies: Sequence[Body], sun: Apparent, profile_at: ProfileAt
) -> tuple[Floats, Floats]:
    """Mean light on an array without bodies, (n,), and the share that they hide at its points, (n, c, r)."""
    heights = array_heights_m(array)
    each = panel.height_m / len(heights)
    rows = max(1, -(-_ROWS // len(heights))) if each > 0.0 else 1
    lights, parts = [], []
    for height_m in heights:
        profile = profile_at(place, height_m)
        strip = replace(panel, middle_m=place.ground_m + height_m, height_m=each)
        lights.append(illumination(profile, sun))
        parts.append(hidden_by_bodies(strip, bodies, sun, profile, columns=_COLUMNS, rows=rows))
    return np.mean(lights, axis=0), np.concatenate(parts, axis=2)


def _worst_day(time: Any, free: Floats, lost: Floats) -> tuple[str, float]:
    """The UTC day on which most energy is lost, and which part of that day's."""
    if not lost.any():
        return "", 0.0
    day = time.astype("datetime64[D]")
    names, at = np.unique(day, return_inverse=True)
    per_day, full = np.bincount(at, lost), np.bincount(at, free)
    k = int(np.argmax(per_day))
    return str(names[k]), float(per_day[k] / full[k])
