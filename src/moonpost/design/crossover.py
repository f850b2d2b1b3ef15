"""Which power system is lightest at which power: total mass against a constant load, and where lines cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.design.catalogue import Catalogue, catalogue
from moonpost.design.mix import FAMILIES
from moonpost.design.mixcuts import CutPool, SourceUnit, UnitMix, lightest_units
from moonpost.design.mixparts import options, source_unit, store_unit, unit_supply_w
from moonpost.errors import InputError, ModelError
from moonpost.plan.model import DesignRules
from moonpost.power.series import FloatSeries, SunView, as_series, step_of

__all__ = ["CHART_FAMILIES", "Crossing", "Crossover", "crossover"]

CHART_FAMILIES = ("solar-battery", "solar-fuel-cell", "radioisotope", "reactor")
"""The lines of the chart, see `FAMILIES`."""

_YEAR_S = 365.25 * 86_400.0
_UNIT_W = 1000.0
_MOUNTS = ("vertical-tracking", "two-axis", "horizontal")
_MOST = {"array": 20_000, "reactor": 200}
_WITHIN = 0.01


@dataclass(frozen=True)
class Crossing:
    """A power at which one family stops being lighter than another.

    Parameters
    ----------
    power_w : float
        The power, to 1 % [W].
    lighter_below, lighter_above : str
        The families.
    mass_kg : float
        Mass there, of the one that is lighter below [kg].
    lightest : bool
        Whether the two are the lightest of all there.

    Examples
    --------
    >>> Crossing(800.0, "radioisotope", "solar-fuel-cell", 500.0, True).lightest
    True
    """

    power_w: float
    lighter_below: str
    lighter_above: str
    mass_kg: float
    lightest: bool


@dataclass(frozen=True)
class Crossover:
    """Total mass against a constant load, by family.

    Parameters
    ----------
    power_w : tuple of float
        Loads at the bus [W].
    mass_kg : mapping of str to tuple of float
        By family; infinite where no number of units carries the load [kg].
    crossings : tuple of Crossing
        Where two lines cross, by power.

    Examples
    --------
    >>> Crossover((1.0, 2.0), {"reactor": (5.0, 5.0)}, ()).lightest
    ('reactor', 'reactor')
    """

    power_w: tuple[float, ...]
    mass_kg: Mapping[str, tuple[float, ...]]
    crossings: tuple[Crossing, ...]

    @property
    def lightest(self) -> tuple[str, ...]:
        """The lightest family at each power."""
        return tuple(min(self.mass_kg, key=lambda name: self.mass_kg[name][k]) for k in range(len(self.power_w)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; None where no number of units carries the load.

        Returns
        -------
        dict
        """
        return {
            "power_w": list(self.power_w),
            "mass_kg": {
                name: [mass if np.isfinite(mass) else None for mass in line] for name, line in self.mass_kg.items()
            },
            "lightest": list(self.lightest),
            "crossings": [vars(crossing) for crossing in self.crossings],
        }


def crossover(
    rules: DesignRules,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    power_w: Sequence[float] | None = None,
    prices: Catalogue | None = None,
    families: Sequence[str] = CHART_FAMILIES,
    masts_m: tuple[float, ...] | None = None,
    reserve: float = 0.0,
) -> Crossover:
    """Total mass of each family against a constant load in the light of a site.

    Parameters
    ----------
    rules : DesignRules
        Losses of arrays and of the bus; margins are not used.
    sun : SunView
        The Sun from the site at even steps, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    power_w : sequence of float, optional
        Loads at the bus, rising; 13 from 100 W to 100 kW if absent [W].
    prices : Catalogue, optional
        Masses; `catalogue()` if absent.
    families : sequence of str
        See `FAMILIES`.
    masts_m : tuple of float, optional
        Heights of arrays to choose from; all of `light_by_mast` if absent [m].
    reserve : float
        Part of the usable energy never touched [1].

    Returns
    -------
    Crossover

    Raises
    ------
    InputError
        If a series, a power or a family cannot be used.

    Notes
    -----
    As `lightest_mix`, whole units included, so that lines have steps: a small load pays for a whole mast or
    reactor. Windows found for one load serve all others, because the drawdown is a maximum over windows of sums
    that are linear in units and load. Crossings are bisected to 1 %; of several between two powers one is found.
    Where a line ends, because no more units can be had, it crosses the lightest of the others.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> rules = DesignRules(start="2035", source="example", confidence="C")
    >>> dark = {10.0: (np.arange(96) % 48 < 40).astype(float)}
    >>> chart = crossover(rules, sun, dark, power_w=(100.0, 20_000.0), families=("solar-battery", "radioisotope"))
    >>> [row.lighter_below for row in chart.crossings]
    ['radioisotope']
    """
    levels = as_series(
        np.geomspace(100.0, 100_000.0, 13) if power_w is None else power_w, "power_w", low=1e-3, high=1e7
    )
    if (np.diff(levels) <= 0).any():
        raise InputError("does not rise", where="power_w", advice="give powers in rising order")
    unknown = [name for name in families if name not in FAMILIES]
    if unknown or not families:
        raise InputError(f"{unknown[:1]} unknown", where="families", advice=f"use some of {', '.join(FAMILIES)}")
    lines = _Lines(rules, sun, light_by_mast, prices or catalogue(), masts_m, reserve)
    mass_kg = {name: tuple(lines.mass_kg(name, float(level)) for level in levels) for name in families}
    return Crossover(tuple(float(level) for level in levels), mass_kg, _crossings(lines, levels, mass_kg))


class _Lines:
    """Masses by family and power, with one pool of windows for each store."""

    def __init__(
        self,
        rules: DesignRules,
        sun: SunView,
        light_by_mast: Mapping[float, npt.ArrayLike],
        prices: Catalogue,
        masts_m: tuple[float, ...] | None,
        reserve: float,
    ) -> None:
        heights = tuple(sorted(light_by_mast)) if masts_m is None else tuple(sorted(masts_m))
        step_s = step_of(sun.time)
        years = np.arange(sun.time.size, dtype=np.float64) * (step_s / _YEAR_S)
        self.offered = options(prices, heights, _MOUNTS)
        self.most = {**_MOST, "radioisotope": prices.rtg_most}
        self.units: list[SourceUnit] = []
        for option in self.offered:
            supply = unit_supply_w(option, sun, light_by_mast, years, rules)
            self.units.append(source_unit(option, supply, self.most[option.item]))
        hours = np.full(sun.time.size, step_s / 3600.0)
        load = np.full(hours.size, _UNIT_W)
        self.pools = {
            "battery": CutPool(hours, load, self.units, store_unit(prices, "battery"), reserve),
            "fuel-cell": CutPool(hours, load, self.units, store_unit(prices, "fuel-cell"), reserve),
        }
        self.known: dict[tuple[str, float], float] = {}

    def mass_kg(self, name: str, power_w: float) -> float:
        """The lightest of a family at a load [kg]; infinite if there is none."""
        if (name, power_w) not in self.known:
            items, stores = FAMILIES[name]
            most = [self.most[option.item] if option.item in items else 0 for option in self.offered]
            found = [self._one(store, most, power_w) for store in stores]
            self.known[name, power_w] = min((mix.mass_kg for mix in found if mix is not None), default=np.inf)
        return self.known[name, power_w]

    def _one(self, store: str, most: list[int], power_w: float) -> UnitMix | None:
        try:
            return lightest_units(self.pools[store], load_factor=power_w / _UNIT_W, most=most, gap=1e-3)
        except ModelError:
            return None


def _crossings(
    lines: _Lines, levels: FloatSeries, mass_kg: Mapping[str, tuple[float, ...]]
) -> tuple[Crossing, ...]:
    """Every change of order between two families from one power to the next."""
    names = list(mass_kg)
    found = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            for k in range(levels.size - 1):
                before = mass_kg[first][k] - mass_kg[second][k]
                after = mass_kg[first][k + 1] - mass_kg[second][k + 1]
                if np.isnan(before) or np.isnan(after) or before * after >= 0:
                    continue
                pair = (first, second) if before < 0 else (second, first)
                if np.isinf(mass_kg[pair[0]][k + 1]) and pair[1] != _lightest(mass_kg, k + 1):
                    continue
                found.append(_bisect(lines, pair, float(levels[k]), float(levels[k + 1]), names))
    return tuple(sorted(found, key=lambda crossing: crossing.power_w))


def _lightest(mass_kg: Mapping[str, tuple[float, ...]], level: int) -> str:
    """The lightest family at a level: what follows where a line ends."""
    return min(mass_kg, key=lambda name: mass_kg[name][level])


def _bisect(lines: _Lines, pair: tuple[str, str], low: float, high: float, names: list[str]) -> Crossing:
    below, above = pair
    while high > (1.0 + _WITHIN) * low:
        middle = float(np.sqrt(low * high))
        lighter = lines.mass_kg(below, middle) <= lines.mass_kg(above, middle)
        low, high = (middle, high) if lighter else (low, middle)
    mass_kg = lines.mass_kg(below, low)
    others = [name for name in names if name not in pair]
    lightest = all(lines.mass_kg(name, low) >= mass_kg for name in others)
    return Crossing(high, below, above, mass_kg, lightest)
