"""What elements draw in light and in the dark, with design margins, and who shares a bus with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.plan.elements import Element, Mode, SolarArray
from moonpost.plan.model import Plan
from moonpost.power.arrays import array_heights_m, light_at_mast
from moonpost.power.series import FloatSeries

__all__ = [
    "MATURITY_MARGIN",
    "PowerGroup",
    "element_load_w",
    "group_lit",
    "load_w",
    "mode_in",
    "power_groups",
]

MATURITY_MARGIN: Mapping[str, float] = {"flown": 0.05, "modified": 0.10, "new": 0.20}
"""Design margin by maturity [1]: 5 % as flown, 10 % modified, 20 % new (ECSS practice)."""


@dataclass(frozen=True)
class PowerGroup:
    """Elements that share one bus.

    Parameters
    ----------
    name : str
        ``"station"``, or the identifier of the element that lives on its own sources.
    elements : tuple of Element
        All that draw from it or supply it.

    Examples
    --------
    >>> PowerGroup("station", ()).masts_m
    ()
    """

    name: str
    elements: tuple[Element, ...]

    @property
    def masts_m(self) -> tuple[float, ...]:
        """Heights at which the group's solar arrays need light, lowest first [m]; see `array_heights_m`."""
        arrays = [g for e in self.elements for g in e.generators if isinstance(g, SolarArray)]
        return tuple(sorted({height_m for array in arrays for height_m in array_heights_m(array)}))


def power_groups(plan: Plan) -> tuple[PowerGroup, ...]:
    """The plan's buses: the station's first, then each element that lives on its own.

    Parameters
    ----------
    plan : Plan
        The plan. An element with `powered_by` joins the bus of the element that supplies it.

    Returns
    -------
    tuple of PowerGroup
        Elements without modes, generators and storage form no group of their own.

    Raises
    ------
    ModelError
        If elements power one another in a circle.
    UnknownNameError
        If an element is powered by one that the plan does not have.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> power_groups(load_plan("ilrs"))[0].name
    'station'
    """
    members: dict[str, list[Element]] = {"station": []}
    for element in plan.elements:
        bus = _bus_of(plan, element)
        if bus in members or element.bus == "station" or element.modes or element.generators or element.storage:
            members.setdefault(bus, []).append(element)
    return tuple(PowerGroup(name, tuple(rows)) for name, rows in members.items() if rows)


def _bus_of(plan: Plan, element: Element) -> str:
    """The bus at the end of the chain of suppliers."""
    seen = [element.id]
    while element.bus != "station" and element.powered_by is not None:
        element = plan.element(element.powered_by)
        if element.id in seen:
            circle = " -> ".join([*seen, element.id])
            raise ModelError(
                f"these power one another ({circle})", where=plan.path, advice="give one of them its own source"
            )
        seen.append(element.id)
    return "station" if element.bus == "station" else element.id


def mode_in(element: Element, light: Literal["light", "dark"]) -> Mode | None:
    """The mode that an element is counted in, in light or in the dark.

    Parameters
    ----------
    element : Element
        The element.
    light : {"light", "dark"}
        Whether any part of the Sun is in view.

    Returns
    -------
    Mode or None
        Of the modes allowed then (``when`` the same, or ``always``) the one that draws most; None if
        none is allowed, so that the element is off.

    Examples
    --------
    >>> rover = Element(id="r", name="Rover", owner="a", kind="rover", mission="m", maturity="new",
    ...     modes=(Mode(name="drive", when="light", power_w=200.0), Mode(name="sleep", when="dark", power_w=5.0)),
    ...     source="example", confidence="C")
    >>> mode_in(rover, "dark").name
    'sleep'
    """
    allowed = [mode for mode in element.modes if mode.when in (light, "always")]
    return max(allowed, key=lambda mode: mode.power_w, default=None)


def load_w(element: Element, light: Literal["light", "dark"], *, with_margin: bool = False) -> float:
    """What all copies of an element draw from the bus in light or in the dark.

    Parameters
    ----------
    element : Element
        The element; its `count` multiplies.
    light : {"light", "dark"}
        Whether any part of the Sun is in view.
    with_margin : bool
        Add the design margin of its maturity (`MATURITY_MARGIN`).

    Returns
    -------
    float
        Power at the bus: that of the mode over the element's `converter_efficiency` [W].

    Examples
    --------
    >>> hut = Element(id="h", name="Hut", owner="a", kind="habitat", mission="m", maturity="new", count=2,
    ...     modes=(Mode(name="on", when="always", power_w=100.0),), source="example", confidence="C")
    >>> load_w(hut, "dark"), load_w(hut, "dark", with_margin=True)
    (200.0, 240.0)
    """
    mode = mode_in(element, light)
    if mode is None:
        return 0.0
    margin = MATURITY_MARGIN[element.maturity] if with_margin else 0.0
    return element.count * mode.power_w * (1.0 + margin) / element.converter_efficiency


def element_load_w(element: Element, lit: npt.NDArray[np.bool_], *, with_margin: bool = False) -> FloatSeries:
    """What an element draws from the bus at each time.

    Parameters
    ----------
    element : Element
        The element.
    lit : ndarray of bool, (n,)
        Whether any part of the Sun is in view.
    with_margin : bool
        As in `load_w`.

    Returns
    -------
    ndarray, (n,)
        Power [W].

    Examples
    --------
    >>> lamp = Element(id="l", name="Lamp", owner="a", kind="habitat", mission="m", maturity="flown",
    ...     modes=(Mode(name="on", when="dark", power_w=10.0),), source="example", confidence="C")
    >>> element_load_w(lamp, np.array([True, False]))
    array([ 0., 10.])
    """
    light_w = load_w(element, "light", with_margin=with_margin)
    dark_w = load_w(element, "dark", with_margin=with_margin)
    return np.where(lit, light_w, dark_w)


def group_lit(
    group: PowerGroup, light_by_mast: Mapping[float, npt.ArrayLike], count: int, *, above: float = 0.0
) -> npt.NDArray[np.bool_]:
    """Whether a group is in light: any part of the Sun in view at any of its arrays.

    Parameters
    ----------
    group : PowerGroup
        The group. Without arrays, the lowest mast given decides.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by mast height [m].
    count : int
        The number of times.
    above : float
        Fraction of the disc that has to be exceeded, 0 or more and below 1 [1]; 0 is what a plan's modes mean.
        More keeps machines in their dark modes while the Sun only grazes the horizon.

    Returns
    -------
    ndarray of bool, (n,)

    Raises
    ------
    InputError
        If the light for one of its masts, or all light, is missing, or `above` is out of range.

    Examples
    --------
    >>> group_lit(PowerGroup("station", ()), {2.0: [0.0, 0.3]}, 2)
    array([False,  True])
    """
    if not 0.0 <= above < 1.0:
        raise InputError(f"is {above}", where="above", advice="use a fraction of the disc from 0 to below 1")
    masts_m = group.masts_m or (min(light_by_mast, default=0.0),)
    lit = np.zeros(count, dtype=np.bool_)
    for mast_m in masts_m:
        lit |= light_at_mast(light_by_mast, mast_m, count) > above
    return lit
