"""Loads that follow heat, sleep and data: taken from a simulation in which power is never short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.plan.elements import Element, Reactor, SolarArray
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.series import FloatSeries, SunView

__all__ = ["GROUND_K", "as_one_bus", "follows_more_than_light", "ground_of", "simulated_load_w"]

GROUND_K = 100.0
"""Temperature of the ground that a design assumes for boxes which exchange heat with it [K]: that of a cold night,
so that heaters draw more than they will."""

_MISSION = "design-mix"
_AMPLE_W = 1e9
_ESTIMATE: Mapping[str, Any] = {"source": "moonpost design", "confidence": "C"}


def follows_more_than_light(element: Element) -> bool:
    """Whether an element draws more or less than its modes by light and darkness alone.

    Parameters
    ----------
    element : Element
        The element.

    Returns
    -------
    bool
        True with a warm box, rules of sleep, or a recorder that draws power while it sends.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> follows_more_than_light(load_plan("ilrs").element("command-centre"))
    False
    """
    sends = element.recorder is not None and element.recorder.downlink_w > 0.0
    return element.thermal is not None or element.dormancy is not None or sends


def ground_of(elements: Iterable[Element], count: int) -> FloatSeries | None:
    """Temperature of the ground for a simulation of elements; None if no box touches it, (count,) [K].

    Parameters
    ----------
    elements : iterable of Element
        Those simulated.
    count : int
        The number of times.

    Returns
    -------
    ndarray or None

    Examples
    --------
    >>> ground_of([], 3) is None
    True
    """
    touches = any(e.thermal is not None and e.thermal.ground_w_k > 0.0 for e in elements)
    return np.full(count, GROUND_K) if touches else None


def as_one_bus(plan: Plan, start: np.datetime64, elements: Iterable[Element]) -> Plan:
    """A plan with some elements alone on the station's bus, all there from one instant.

    Parameters
    ----------
    plan : Plan
        The plan that they are from.
    start : datetime64
        When they land, UTC.
    elements : iterable of Element
        What is on the bus.

    Returns
    -------
    Plan

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> alone = as_one_bus(plan, np.datetime64("2035-01-01", "ms"), plan.elements[:1])
    >>> [mission.id for mission in alone.missions]
    ['design-mix']
    """
    landing = str(start.astype("datetime64[s]")) + "Z"
    site = plan.station.site if isinstance(plan.station, SurfaceStation) else None
    mission = Mission(
        id=_MISSION, name="Everything at once", owner=plan.partners[0].id, kind="cargo", status="planned",
        launch=landing, landing=landing, site=site, **_ESTIMATE,
    )  # fmt: skip
    rows = tuple(
        element.model_copy(update={"mission": _MISSION, "requires": (), "bus": "station", "powered_by": None})
        for element in elements
    )
    kept = {element.id for element in rows}
    update = {
        "missions": (mission,),
        "elements": rows,
        "instruments": (),
        "activities": tuple(row for row in plan.activities if row.element in kept),
        "samples": (),
        "links": (),
    }
    return plan.model_copy(update=update)


_STOPPED = {"machine-lost": "is lost", "too-warm": "becomes too warm to work"}


def simulated_load_w(
    plan: Plan,
    elements: Iterable[Element],
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    arrays: Iterable[SolarArray],
    light_mode_above: float = 0.0,
) -> FloatSeries:
    """Load of elements step by step with all margins, heaters, sleep and transmitters included.

    Parameters
    ----------
    plan : Plan
        The plan that they are from.
    elements : iterable of Element
        Who draws power, without sources and stores.
    sun : SunView
        The Sun from the site at even steps, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    arrays : iterable of SolarArray
        Arrays whose light decides on the light modes; what they give does not count.
    light_mode_above : float
        Fraction of the disc that light modes need [1].

    Returns
    -------
    ndarray, (n,)
        Means of the steps at the bus [W].

    Raises
    ------
    InputError
        As `moonpost.operations.simulate`.
    ModelError
        If a machine is lost to heat or cold, or too warm to work, although it has all its power.

    Notes
    -----
    By `moonpost.operations.simulate` on a source of 1 GW, so that nothing is ever shed. Rules of sleep that look
    at the power of sources then see them strong: such machines count as awake. Machines are in contact at all
    times, and ground that boxes touch is at `GROUND_K`: both let them draw more.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> sun = SimpleNamespace(time=np.datetime64("2035-01-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.ones(4), distance_m=np.full(4, 1.5e11))
    >>> array = SolarArray(kind="solar", rated_w=1.0, mount="two-axis", mast_m=2.0)
    >>> lab = [plan.element("observatory").model_copy(update={"orbits": ()})]
    >>> simulated_load_w(plan, lab, sun, {2.0: np.zeros(4)}, [array]).round(6).tolist()
    [216.0, 216.0, 216.0, 216.0]
    """
    from moonpost.operations.simulation import light_heights_m, simulate

    given = tuple(elements)
    plant = Element(
        id="design-plant", name="Plant", owner=plan.partners[0].id, kind="power", mission=_MISSION, bus="station",
        maturity="new", generators=(*arrays, Reactor(kind="reactor", electric_w=_AMPLE_W, life_years=1000.0)),
        **_ESTIMATE,
    )  # fmt: skip
    alone = as_one_bus(plan, sun.time[0], (*given, plant))
    light = {h: light_by_mast[h] for h in light_heights_m(alone)}
    more: dict[str, Any] = {}
    if (ground := ground_of(given, sun.time.size)) is not None:
        more["surface_k"] = ground
    found = simulate(alone, sun, light, margins=True, light_mode_above=light_mode_above, **more)
    stopped = next((event for event in found.events if event.kind in _STOPPED), None)
    if stopped is not None:
        raise ModelError(
            f"{_STOPPED[stopped.kind]} on {str(stopped.time)[:16]} with power to spare: {stopped.text}",
            where=f"elements[{stopped.subject}].thermal",
            advice="give its box another radiator, heater or limits",
        )
    return np.asarray(found.series["load_w"].sel(bus="station").values, dtype=np.float64)
