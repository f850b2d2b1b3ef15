"""What a mix has to carry: the loads of a bus through the real light, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from moonpost.design.mixloads import GROUND_K, follows_more_than_light, simulated_load_w
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan.elements import Element, Radioisotope, SolarArray
from moonpost.plan.model import DesignRules, Plan
from moonpost.power.arrays import array_heights_m
from moonpost.power.loads import load_w, power_groups
from moonpost.power.series import FloatSeries, SunView, as_series, step_of

__all__ = ["Scene", "consumers", "heights_needed_m", "replaced", "scene_of"]

_YEAR_S = 365.25 * 86_400.0


def consumers(plan: Plan, bus: str = "station") -> tuple[Element, ...]:
    """The elements of a bus without its power system: what a mix has to feed.

    Parameters
    ----------
    plan : Plan
        The plan.
    bus : str
        ``"station"``, or an element that lives on its own sources.

    Returns
    -------
    tuple of Element
        Elements of kind ``"power"`` that bring a source or a store are left out, with what they draw themselves;
        others lose their electric sources and stores and keep their loads.

    Raises
    ------
    UnknownNameError
        If the plan has no such bus.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> "reactor" in [element.id for element in consumers(load_plan("ilrs"))]
    False
    """
    groups = {group.name: group for group in power_groups(plan)}
    if bus not in groups:
        raise UnknownNameError(bus, groups, kind="bus", where=plan.path)
    kept = []
    for element in groups[bus].elements:
        if element.kind == "power" and (element.generators or element.storage):
            continue
        warm = tuple(g for g in element.generators if isinstance(g, Radioisotope) and g.electric_w == 0.0)
        kept.append(element.model_copy(update={"generators": warm, "storage": None}))
    return tuple(kept)


def replaced(plan: Plan, bus: str = "station") -> tuple[Element, ...]:
    """The elements of a bus that a mix replaces: of kind ``"power"`` with a source or a store.

    Parameters
    ----------
    plan : Plan
        The plan.
    bus : str
        ``"station"``, or an element that lives on its own sources.

    Returns
    -------
    tuple of Element

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> "reactor" in [element.id for element in replaced(load_plan("ilrs"))]
    True
    """
    groups = {group.name: group for group in power_groups(plan)}
    members = groups[bus].elements if bus in groups else ()
    return tuple(e for e in members if e.kind == "power" and (e.generators or e.storage))


def heights_needed_m(masts_m: tuple[float, ...], extent_m: float = 0.0) -> tuple[float, ...]:
    """Heights at which a search over masts needs light.

    Parameters
    ----------
    masts_m : tuple of float
        Heights of the middles of arrays [m].
    extent_m : float
        Their vertical extent [m].

    Returns
    -------
    tuple of float
        Lowest first [m].

    Examples
    --------
    >>> heights_needed_m((2.0, 10.0), 10.0)
    (1.0, 2.0, 3.0, 6.25, 8.75, 10.0, 11.25, 13.75)
    """
    heights = set(masts_m)
    for mast_m in masts_m:
        heights.update(array_heights_m(_array(mast_m, extent_m)))
    return tuple(sorted(heights))


def _array(mast_m: float, extent_m: float) -> SolarArray:
    height_m = min(extent_m, 2.0 * mast_m)
    return SolarArray(kind="solar", rated_w=1.0, mount="vertical-tracking", mast_m=mast_m, height_m=height_m)


@dataclass(frozen=True)
class Scene:
    """Loads of a bus step by step, and the light that decides on them.

    Parameters
    ----------
    sun : SunView
        The Sun from the site, (n,).
    light_by_mast : mapping of float to ndarray, (n,)
        Fraction of the solar disc in view by height [m].
    masts_m : tuple of float
        Heights of arrays to choose from, lowest first [m].
    rules : DesignRules
        Losses and margins.
    elements : tuple of Element
        Who draws power.
    hours : ndarray, (n,)
        Length of the steps [h].
    years : ndarray, (n,)
        Since the first instant, at the start of each step [years].
    light_mode_above : float
        Fraction of the disc that light modes need [1].
    extent_m : float
        Vertical extent of arrays [m].
    bus : str
        Which bus.
    plan : Plan
        The plan.

    Examples
    --------
    >>> from moonpost.design.mixscene import scene_of  # see there
    """

    sun: SunView = field(repr=False)
    light_by_mast: Mapping[float, FloatSeries] = field(repr=False)
    masts_m: tuple[float, ...]
    rules: DesignRules
    elements: tuple[Element, ...] = field(repr=False)
    hours: FloatSeries = field(repr=False)
    years: FloatSeries = field(repr=False)
    light_mode_above: float
    extent_m: float
    bus: str
    plan: Plan = field(repr=False)
    _known: dict[float, FloatSeries] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Whether loads follow more than light, so that they are taken from a simulation."""
        return any(follows_more_than_light(element) for element in self.elements)

    @property
    def draws(self) -> bool:
        """Whether anything draws power."""
        return any(self.powers_w())

    def powers_w(self) -> tuple[float, float]:
        """Load in light and in the dark with all margins [W]."""
        total = 1.0 + self.rules.system_margin
        light = sum(load_w(element, "light", with_margin=True) for element in self.elements)
        dark = sum(load_w(element, "dark", with_margin=True) for element in self.elements)
        return total * light, total * dark

    def lit(self, mast_m: float) -> npt.NDArray[np.bool_]:
        """Whether light modes run in each step with arrays up to a height, (n,)."""
        lit = np.zeros(self.years.size, dtype=np.bool_)
        below = tuple(height_m for height_m in self.masts_m if height_m <= mast_m)
        for height_m in heights_needed_m(below, self.extent_m):
            lit |= self.light_by_mast[height_m] > self.light_mode_above
        return lit

    def load_w(self, mast_m: float) -> FloatSeries:
        """Load with all margins in each step with arrays up to a height, (n,) [W]."""
        if mast_m not in self._known:
            self._known[mast_m] = self._simulated_w(mast_m) if self.simulated else self._by_light_w(mast_m)
        return self._known[mast_m]

    def _by_light_w(self, mast_m: float) -> FloatSeries:
        light_w, dark_w = self.powers_w()
        return np.where(self.lit(mast_m), light_w, dark_w)

    def _simulated_w(self, mast_m: float) -> FloatSeries:
        arrays = [_array(height_m, self.extent_m) for height_m in self.masts_m if height_m <= mast_m]
        light = dict(self.light_by_mast)
        return simulated_load_w(self.plan, self.elements, self.sun, light, arrays, self.light_mode_above)

    def instant(self, step: int) -> np.datetime64 | None:
        """When a step begins; None for -1."""
        if step < 0:
            return None
        late = np.timedelta64(round(step * float(self.hours[0]) * 3_600_000.0), "ms")
        return self.sun.time[0].astype("datetime64[ms]") + late

    def statements(self, reserve: float) -> tuple[str, ...]:
        """What a mix for this scene takes for granted."""
        light_w, dark_w = self.powers_w()
        above = "any part" if self.light_mode_above == 0 else f"more than {100 * self.light_mode_above:g} %"
        said = [
            f"Loads of {light_w:,.0f} W in light and {dark_w:,.0f} W in the dark carry margins by maturity and "
            f"{100 * self.rules.system_margin:g} % on the sum; light modes run while {above} of the solar disc is "
            "in view at an array.",
            "The power elements of the plan are replaced, with what they draw themselves: outputs are net.",
            f"Everything is there from the first instant at age 0 for {float(self.years[-1]):.2f} years, the "
            "store full; reactors and stores are replaced in time, stores count with their energy at the end of "
            "life.",
            "Arrays do not shade each other; cables are not in the masses.",
        ]
        if self.simulated:
            said.append(
                "Heaters, sleep and transmitters are taken from a simulation with power to spare: always in "
                f"contact, ground that boxes touch at {GROUND_K:g} K."
            )
        if reserve > 0:
            said.append(f"{100 * reserve:g} % of the usable energy is kept besides the depth of discharge.")
        return tuple(said)


def scene_of(
    plan: Plan,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    masts_m: tuple[float, ...] | None = None,
    light_mode_above: float = 0.0,
    extent_m: float = 0.0,
    bus: str = "station",
) -> Scene:
    """Loads of a bus step by step, from its plan and the light of its site.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site at even steps, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    masts_m : tuple of float, optional
        Heights of arrays to choose from; all of `light_by_mast` if absent [m].
    light_mode_above : float
        Fraction of the disc that light modes need [1].
    extent_m : float
        Vertical extent of arrays about their middle [m].
    bus : str
        ``"station"``, or an element that lives on its own sources.

    Returns
    -------
    Scene

    Raises
    ------
    InputError
        If a series cannot be used or the light for a height is missing.
    UnknownNameError
        If the plan has no such bus.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(3) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time)
    >>> scene = scene_of(load_plan("ilrs"), sun, {2.0: [1.0, 0.4, 0.0]}, light_mode_above=0.5)
    >>> scene.hours.tolist(), scene.lit(2.0).tolist()
    ([1.0, 1.0, 1.0], [True, False, False])
    """
    step_s = step_of(sun.time)
    count = sun.time.size
    if not 0.0 <= light_mode_above < 1.0:
        raise InputError(f"is {light_mode_above}", where="light_mode_above", advice="use 0 to below 1")
    light = {
        float(height_m): as_series(series, f"light_by_mast[{height_m:g}]", length=count, low=0.0, high=1.0)
        for height_m, series in light_by_mast.items()
    }
    chosen = tuple(sorted(set(light if masts_m is None else map(float, masts_m))))
    missing = [height_m for height_m in heights_needed_m(chosen, extent_m) if height_m not in light]
    if missing or not chosen:
        raise InputError(
            f"no light is given at {missing[0]:g} m" if missing else "no height is given",
            where="light_by_mast",
            advice="compute the illumination at every height of heights_needed_m",
        )
    return Scene(
        sun=sun,
        light_by_mast=light,
        masts_m=chosen,
        rules=plan.design,
        elements=consumers(plan, bus),
        hours=np.full(count, step_s / 3600.0),
        years=np.arange(count, dtype=np.float64) * (step_s / _YEAR_S),
        light_mode_above=light_mode_above,
        extent_m=extent_m,
        bus=bus,
        plan=plan,
    )
