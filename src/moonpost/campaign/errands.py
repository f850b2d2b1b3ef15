"""What has to be done to put machines to work after a landing: errands of robots, and what each needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from moonpost.plan.elements import Assembly, Element
from moonpost.plan.model import Plan

__all__ = ["Errand", "Leg", "Point", "able_crews", "errands_of", "needed_by", "place_of"]

_LEAST_H = 1e-6

Point = tuple[float, float]
"""East and north of the site's point [m]."""


@dataclass(frozen=True)
class Leg:
    """A part of an errand.

    Parameters
    ----------
    kind : str
        come, unload, drive, deploy, connect or commission.
    hours : float
        Work [h].
    distance_m : float
        Way driven [m].

    Examples
    --------
    >>> Leg("drive", 5.0, 900.0).hours
    5.0
    """

    kind: str
    hours: float
    distance_m: float = 0.0


@dataclass(frozen=True)
class Errand:
    """Work that its robots do from beginning to end before they turn to anything else.

    Parameters
    ----------
    id : str
        The element and what is done.
    element : str
        What is worked on.
    legs : tuple of Leg
        One after the other.
    robots : tuple of str
        The robots at work; a machine that moves by itself is its own.
    uses : tuple of str
        What no two errands use at once: ``robot:``, ``deck:``, ``crane:`` and ``bus:`` with a name.
    needs : tuple of str
        ``light``, ``earth``: throughout.
    after : tuple of str
        Errands that end before it.

    Examples
    --------
    >>> Errand("mast.deploy", "mast", (Leg("deploy", 6.0),), ("rover",), ("robot:rover",), ("light",), ()).hours
    6.0
    """

    id: str
    element: str
    legs: tuple[Leg, ...]
    robots: tuple[str, ...]
    uses: tuple[str, ...]
    needs: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def hours(self) -> float:
        """Work of all legs [h]."""
        return sum(leg.hours for leg in self.legs)


def needed_by(element: Element) -> tuple[str, ...]:
    """Elements that have to work before one does: those it requires, and what powers it.

    Parameters
    ----------
    element : Element
        The element.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> needed_by(load_plan("ilrs").element("station-battery"))
    ('vertical-array',)
    """
    powered = () if element.powered_by in (None, element.id) else (str(element.powered_by),)
    return tuple(dict.fromkeys((*element.requires, *powered)))


def place_of(element: Element) -> Point | None:
    """Where an element stands.

    Parameters
    ----------
    element : Element
        The element.

    Returns
    -------
    (float, float) or None
        East and north of the site's point [m]; None if the plan does not say.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> place_of(load_plan("ilrs").element("vertical-array"))
    (0.0, 45.0)
    """
    return None if element.position is None else (element.position.east_m, element.position.north_m)


def able_crews(element: Element, robots: Sequence[Element]) -> tuple[tuple[tuple[str, ...], ...], str]:
    """Groups of robots that can handle an element, the fastest first.

    Parameters
    ----------
    element : Element
        What is to be handled; without `assembly` nothing is.
    robots : sequence of Element
        Robots that are there.

    Returns
    -------
    crews : tuple of tuple of str
        Those that together carry its mass, and of which each reaches high enough; one empty crew if none is
        needed.
    reason : str
        Why there is none; empty if there is.

    Notes
    -----
    A mass that is a range counts with its middle, and each of several alike is carried alone; a mass that is not
    known limits nothing.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> able_crews(load_plan("ilrs").element("vertical-array"), [])[1]
    'needs 1 robot; there is none'
    """
    work = element.assembly
    if work is None or work.self_moving or work.robots == 0:
        return ((),), ""
    there = [robot for robot in robots if robot.id != element.id and robot.robot is not None]
    wanted = f"needs {work.robots} robot{'s' if work.robots > 1 else ''}"
    if len(there) < work.robots:
        return (), f"{wanted}; there is {'none' if not there else f'only {len(there)}'}"
    crews = list(combinations(there, work.robots))
    reaching = [crew for crew in crews if min(r.robot.reach_m for r in crew if r.robot) >= work.reach_m]
    if not reaching:
        best = max(min(r.robot.reach_m for r in crew if r.robot) for crew in crews)
        return (), f"{wanted} that reach {work.reach_m:g} m; those that are there reach {best:g} m"
    mass_kg = element.best_mass_kg or 0.0
    strong = [crew for crew in reaching if _lift(crew) >= mass_kg]
    if not strong:
        most = max(_lift(crew) for crew in reaching)
        return (), f"{wanted} that carry {mass_kg:g} kg; those that are there carry {most:g} kg"
    strong.sort(key=lambda crew: (-min(r.robot.speed_m_s for r in crew if r.robot), [r.id for r in crew]))
    return tuple(tuple(robot.id for robot in crew) for crew in strong), ""


def _lift(crew: Sequence[Element]) -> float:
    """What robots carry together [kg]."""
    return sum(robot.robot.payload_kg for robot in crew if robot.robot is not None)


def errands_of(
    plan: Plan,
    element: Element,
    crew: Sequence[str],
    from_places: Mapping[str, Sequence[Point]],
    waits: Mapping[str, Sequence[str]],
) -> tuple[Errand, ...]:
    """All errands for one element: bring it to its place, set it up, connect it, try it out.

    Parameters
    ----------
    plan : Plan
        The plan.
    element : Element
        What is put to work; it has an `assembly`.
    crew : sequence of str
        The robots that do it.
    from_places : mapping of str to sequence of (float, float)
        Where each robot may be before: the longest way from there counts [m].
    waits : mapping of str to sequence of str
        Errands of others that end before: ``robots`` before robots begin, ``connect`` before it is connected,
        ``commission`` before it is tried out.

    Returns
    -------
    tuple of Errand
        In order; none if there is nothing to do.

    Notes
    -----
    A lander of its mission that is a robot, strong enough and of enough reach, is the crane: it takes the machine
    down, and the crew fetches it. Else the crew takes it down and drives off with it. Several of one kind are
    taken one by one. Ways are straight; without positions they count as none.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> array = plan.element("vertical-array")
    >>> errands = errands_of(plan, array, ["assembly-rover"], {}, {}) if array.assembly else ()
    >>> all(errand.element == "vertical-array" for errand in errands)
    True
    """
    work = element.assembly
    if work is None:
        return ()
    lander = _lander(plan, element)
    if work.self_moving and element.robot is not None:
        crew = (element.id,)
    travel = _Travel(plan, element, lander, tuple(crew), from_places)
    crane = _crane(element, work, lander)
    found: list[Errand] = []

    def add(name: str, legs: list[Leg], uses: list[str], needs: tuple[str, ...], robots: tuple[str, ...]) -> None:
        legs = [leg for leg in legs if leg.hours > _LEAST_H]
        if not legs:
            return
        others = [*(waits.get("robots", ()) if robots else ()), *waits.get(name, ())]
        after = tuple(dict.fromkeys([*([found[-1].id] if found else []), *others]))
        held = (*(f"robot:{robot}" for robot in robots), *uses)
        found.append(Errand(f"{element.id}.{name}", element.id, tuple(legs), robots, held, needs, after))

    count, bus = element.count, "station" if element.bus == "station" else element.powered_by
    team, needs = tuple(crew), tuple(work.needs)
    deck = f"deck:{element.mission}"
    unload, carry = Leg("unload", count * work.unload_h), travel.drive(count)
    if crane is not None:
        add("unload", [unload], [deck, f"crane:{crane.id}"], needs, (crane.id,))
        add("drive", [travel.come_to_lander(), carry] if team else [], [], needs, team)
    else:
        first = [travel.come_to_lander()] if team and not work.self_moving else []
        add("unload", [*first, unload, carry], [deck], needs, team)
    again = team and not work.self_moving
    add("deploy", [*([travel.come()] if again else []), Leg("deploy", count * work.deploy_h)]
        if work.deploy_h else [], [], needs, team)  # fmt: skip
    add("connect", [*([travel.come()] if again else []), Leg("connect", count * work.connect_h)]
        if work.connect_h else [], [f"bus:{bus}"] if bus else [], needs, team)  # fmt: skip
    add("commission", [Leg("commission", count * work.commission_h)], [], tuple(work.commission_needs), ())
    return tuple(found)


def _lander(plan: Plan, element: Element) -> Element | None:
    """The machine on which an element comes down."""
    landers = [row for row in plan.elements if row.mission == element.mission and row.kind == "lander"]
    return next((row for row in landers if row.id != element.id), None)


def _crane(element: Element, work: Assembly, lander: Element | None) -> Element | None:
    """The lander, if it can take the element down."""
    if lander is None or lander.robot is None or work.self_moving:
        return None
    strong = lander.robot.payload_kg >= (element.best_mass_kg or 0.0)
    return lander if strong and lander.robot.reach_m >= work.reach_m else None


class _Travel:
    """Ways of a crew at the station."""

    def __init__(
        self,
        plan: Plan,
        element: Element,
        lander: Element | None,
        crew: tuple[str, ...],
        from_places: Mapping[str, Sequence[Point]],
    ) -> None:
        self.place, self.crew, self.from_places = place_of(element), crew, from_places
        self.ramp = None if lander is None else place_of(lander)
        speeds = [robot.speed_m_s for name in crew if (robot := plan.element(name).robot) is not None]
        self.speed_m_s = min(speeds, default=math.inf)

    def _leg(self, kind: str, distance_m: float) -> Leg:
        return Leg(kind, distance_m / self.speed_m_s / 3600.0, distance_m)

    def _longest(self, to: Point | None) -> float:
        ways = [math.dist(place, to) for name in self.crew for place in self.from_places.get(name, ()) if to]
        return max(ways, default=0.0)

    def come_to_lander(self) -> Leg:
        """To the lander from wherever the crew may be."""
        return self._leg("come", self._longest(self.ramp))

    def come(self) -> Leg:
        """To the element's place from wherever the crew may be."""
        return self._leg("come", self._longest(self.place))

    def drive(self, count: int) -> Leg:
        """From the lander to the element's place, and back for each further one."""
        way = math.dist(self.ramp, self.place) if self.ramp and self.place else 0.0
        return self._leg("drive", way * (2 * count - 1))
