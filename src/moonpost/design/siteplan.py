"""Where a station's machines stand: given places, the bodies and arrays there, and where that is on the Moon."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from moonpost.design.shadowing import Body, Panel, shadow_length_m
from moonpost.errors import ModelError
from moonpost.plan import Element, Plan, Reactor, SolarArray, SurfaceStation, when_bounds
from moonpost.sky import MOON_RADIUS_M, Site
from moonpost.terrain import HorizonProfile

__all__ = ["Place", "bodies_of", "given_places", "ground_machines", "panels_of", "place_on_moon", "seen_from_site"]

GroundHeight = Callable[[float, float], float]

_FLYING = {"orbiter", "relay", "vehicle", "ascender", "module"}
# Width and top where the plan tells none [m]: assumptions for a map, said as such.
_BULK = {
    "lander": (5.0, 5.0),
    "rover": (2.0, 2.0),
    "hopper": (2.0, 2.0),
    "power": (2.5, 2.0),
    "command": (4.0, 4.0),
    "habitat": (6.0, 5.0),
    "laboratory": (4.5, 4.0),
    "telescope": (3.0, 3.0),
    "isru": (4.0, 4.0),
    "communications": (1.0, 10.0),
}
_MAST_M = 0.4
_FLUX_W_M2 = 1361.0 * 0.3


@dataclass(frozen=True)
class Place:
    """Where one element stands.

    Parameters
    ----------
    element : str
        Its identifier.
    kind : str
        Its kind.
    east_m, north_m : float
        From the site's point [m].
    width_m, top_m : float
        Its bulk [m].
    given : bool
        Whether the plan says so; else it is suggested.
    ground_m : float
        Height of the ground there above that of the site [m].
    """

    element: str
    kind: str
    east_m: float
    north_m: float
    width_m: float
    top_m: float
    given: bool = True
    ground_m: float = 0.0

    def distance_m(self, other: Place) -> float:
        """Between the middles [m]."""
        return math.hypot(self.east_m - other.east_m, self.north_m - other.north_m)

    def gap_m(self, other: Place) -> float:
        """Between the sides, negative if they overlap [m]."""
        return self.distance_m(other) - 0.5 * (self.width_m + other.width_m)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "element": self.element,
            "east_m": round(self.east_m, 1),
            "north_m": round(self.north_m, 1),
            "width_m": self.width_m,
            "top_m": self.top_m,
            "ground_m": round(self.ground_m, 2),
            "shadow_at_1_5_deg_m": round(shadow_length_m(self.top_m, 1.5), 1),
            "given": self.given,
        }


def ground_machines(plan: Plan) -> tuple[Element, ...]:
    """Elements that stand at the station: with a place, on its bus, or of a mission to its site.

    Parameters
    ----------
    plan : Plan
        A plan of a station on the ground.

    Returns
    -------
    tuple of Element
        In the order of the plan.

    Raises
    ------
    ModelError
        If the station is in orbit, or nothing stands on the ground.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> "vertical-array" in [row.id for row in ground_machines(load_plan("ilrs"))]
    True
    """
    station = plan.station
    if not isinstance(station, SurfaceStation):
        raise ModelError(
            "the station is in orbit and has no ground", where=plan.path, advice="give a surface plan"
        )
    missions = {row.id for row in plan.missions if row.site == station.site}
    found = tuple(
        row
        for row in plan.elements
        if row.kind not in _FLYING and (row.position or row.bus == "station" or row.mission in missions)
    )
    if not found:
        raise ModelError("no element stands at the station", where=plan.path, advice="put one on its bus")
    return found


def given_places(plan: Plan, ground: GroundHeight | None = None) -> dict[str, Place]:
    """Places that the plan tells, by element.

    Parameters
    ----------
    plan : Plan
        The plan.
    ground : callable, optional
        Height of the ground above that of the site, from east and north [m]; level if not given.

    Returns
    -------
    dict of str to Place
    """
    found = {}
    for row in ground_machines(plan):
        if row.position is not None:
            at = row.position
            up = ground(at.east_m, at.north_m) if ground else 0.0
            found[row.id] = Place(row.id, row.kind, at.east_m, at.north_m, at.width_m, at.top_m, True, up)
    return found


def assumed_place(element: Element, east_m: float, north_m: float, ground: GroundHeight | None = None) -> Place:
    """A place for an element without one, with an assumed bulk."""
    width, top = _BULK.get(element.kind, (3.0, 3.0))
    for array in _arrays(element):
        if element.kind == "power":
            area = element.count * array.rated_w / _FLUX_W_M2
            height = array.height_m or max(1.0, min(1.2 * array.mast_m, math.sqrt(2.0 * area)))
            width, top = max(area / height, 1.0), array.mast_m + 0.5 * height
        else:
            top = max(top, array.mast_m)
    if any(isinstance(source, Reactor) for source in element.generators):
        width, top = 5.0, 6.0
    up = ground(east_m, north_m) if ground else 0.0
    return Place(element.id, element.kind, east_m, north_m, round(width, 2), round(top, 2), False, up)


def _arrays(element: Element) -> list[SolarArray]:
    return [source for source in element.generators if isinstance(source, SolarArray)]


def _panel_height_m(element: Element, place: Place, array: SolarArray) -> float:
    """Vertical extent of an array: told, or of a power mast twice what it stands out above its middle [m]."""
    if array.height_m > 0.0:
        return array.height_m
    if element.kind == "power" and place.top_m > array.mast_m:
        return min(2.0 * (place.top_m - array.mast_m), 2.0 * array.mast_m)
    return 0.0


def bodies_of(element: Element, place: Place) -> list[Body]:
    """What throws shadows at a place: a panel on a narrow mast, or a body from the ground to its top.

    Parameters
    ----------
    element : Element
        The machine.
    place : Place
        Where it stands.

    Returns
    -------
    list of Body
        One or two.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> array = load_plan("ilrs").element("vertical-array")
    >>> [body.width_m for body in bodies_of(array, Place("vertical-array", "power", 0.0, 0.0, 3.0, 14.0))]
    [0.4, 3.0]
    """
    base = (element.id, place.east_m, place.north_m)
    arrays = _arrays(element)
    if element.kind == "power" and arrays:
        lower = min(a.mast_m - 0.5 * _panel_height_m(element, place, a) for a in arrays)
        if 0.1 < lower < place.top_m:
            return [
                Body(*base, place.ground_m, place.ground_m + lower, _MAST_M),
                Body(*base, place.ground_m + lower, place.ground_m + place.top_m, place.width_m),
            ]
    return [Body(*base, place.ground_m, place.ground_m + place.top_m, place.width_m)]


def panels_of(element: Element, place: Place) -> list[tuple[SolarArray, Panel]]:
    """Arrays of an element with their bounds.

    Parameters
    ----------
    element : Element
        The machine.
    place : Place
        Where it stands.

    Returns
    -------
    list of (SolarArray, Panel)
    """
    return [
        (
            array,
            Panel(
                element.id,
                place.east_m,
                place.north_m,
                place.ground_m + array.mast_m,
                place.width_m,
                _panel_height_m(element, place, array),
                array.azimuth_deg if array.mount == "fixed" and array.tilt_deg > 0.0 else None,
            ),
        )
        for array in _arrays(element)
    ]


def place_on_moon(site: Site, east_m: float, north_m: float) -> tuple[float, float]:
    """Latitude and longitude of a place beside a site.

    Parameters
    ----------
    site : Site
        The station's point.
    east_m, north_m : float
        From it, in the plane that touches the Moon there [m].

    Returns
    -------
    latitude_deg, longitude_deg : float
        [deg].

    Examples
    --------
    >>> [round(value, 6) for value in place_on_moon(Site(0.0, 10.0), 0.0, 30323.35)]
    [0.999898, 10.0]
    """
    east, north, up = site.basis
    at = up + (east_m * east + north_m * north) / MOON_RADIUS_M
    at = at / np.linalg.norm(at)
    return math.degrees(math.asin(float(at[2]))), math.degrees(math.atan2(float(at[1]), float(at[0]))) % 360.0


def seen_from_site(profile: HorizonProfile, site: Site) -> HorizonProfile:
    """A horizon of a place beside the site, in the directions of the site.

    Parameters
    ----------
    profile : HorizonProfile
        The horizon at a place near by, from its own north and vertical.
    site : Site
        The station's point.

    Returns
    -------
    HorizonProfile
        The same ground, azimuths from the site's north and elevations above its horizontal plane.

    Notes
    -----
    Near a pole meridians run apart fast: 1 km at 89.44 deg turns north by up to 3.4 deg. The verticals of the two
    places differ by 0.033 deg for a kilometre.

    Examples
    --------
    >>> site, beside = Site(-89.44, 0.0), Site(-89.44, 3.0)
    >>> shifted = seen_from_site(HorizonProfile.flat(beside), site)
    >>> bool(abs(shifted.elevation_deg).max() < 0.031)
    True
    """
    azimuth = np.radians(profile.azimuth_deg)
    east, north, _ = site.basis
    level = np.sin(azimuth)[:, None] * east + np.cos(azimuth)[:, None] * north
    east_there, north_there, up_there = profile.site.basis
    turned = np.degrees(np.arctan2(level @ east_there, level @ north_there)) % 360.0
    lifted = np.degrees(np.arcsin(level @ up_there))
    at = np.interp(turned, profile.azimuth_deg, profile.distance_m, period=360.0)
    return HorizonProfile(
        profile.azimuth_deg,
        profile.at(turned) - lifted,
        at,
        site,
        profile.mast_m,
        profile.grade,
        {**profile.provenance, "seen_from": "the station's site"},
    )


def arrivals(plan: Plan, elements: Sequence[Element]) -> dict[str, float]:
    """When each element comes, as a number that sorts [s]."""
    dates = {row.id: when_bounds(row.landing or row.launch)[0] for row in plan.missions}
    first = min(dates.values(), default=None)
    return {
        row.id: (dates[row.mission] - first).total_seconds() if first and row.mission in dates else 0.0
        for row in elements
    }
