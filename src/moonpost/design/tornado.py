"""What each number of the catalogue does to the mass of a mix."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from moonpost.design.catalogue import Figure, catalogue, figures
from moonpost.design.mix import FAMILIES, MixChoice, MixSearch, StationMix

__all__ = ["MassEffect", "mix_effects"]

_OF_ITEM = {
    "array": ("array_w_kg", "mast_kg_m", "base_kg", "mast_w"),
    "radioisotope": ("rtg_w_kg", "rtg_loss_per_year", "rtg_most"),
    "reactor": ("reactor-1", "reactor-5", "reactor-10", "reactor-40", "reactor-100"),
}
_OF_STORE = {
    "battery": ("battery_wh_kg", "battery_depth", "battery_efficiency"),
    "fuel-cell": (
        "fuel_kg_kwh", "stack_kg_kw", "electrolyser_kg_kw", "stack_efficiency", "electrolyser_efficiency",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class MassEffect:
    """What one number of the catalogue does to the mass of a mix that is designed anew with it.

    Parameters
    ----------
    figure, unit : str
        The number, see `figures`.
    nominal, light, heavy : float
        Its value and the ends of its range.
    mass_kg : float
        The mix with the value [kg].
    mass_light_kg, mass_heavy_kg : float or None
        With each end; None if no number of units carries the load then [kg].

    Examples
    --------
    >>> MassEffect("battery_wh_kg", "Wh/kg", 150.0, 200.0, 100.0, 900.0, 800.0, 1100.0).effect_kg
    200.0
    """

    figure: str
    unit: str
    nominal: float
    light: float
    heavy: float
    mass_kg: float
    mass_light_kg: float | None
    mass_heavy_kg: float | None

    @property
    def effect_kg(self) -> float:
        """Largest distance from the mass with the value [kg]."""
        ends = (self.mass_light_kg, self.mass_heavy_kg)
        return max((abs(mass - self.mass_kg) for mass in ends if mass is not None), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        return asdict(self) | {"effect_kg": self.effect_kg}


def mix_effects(choice: MixChoice, mix: StationMix | None = None) -> tuple[MassEffect, ...]:
    """Change one number of the catalogue at a time to the ends of its range, and design the mix anew.

    Parameters
    ----------
    choice : MixChoice
        From `lightest_mix` with the catalogue's own values.
    mix : StationMix, optional
        One of its mixes; the lightest if absent. Its family, store and highest mast are kept.

    Returns
    -------
    tuple of MassEffect
        The largest effect first. Numbers of parts that the family does not have are left out.

    Notes
    -----
    Effects of numbers changed together are not seen. What the plan assumes (loads, dust, ageing, margins) has its
    effects told by `storage_sensitivity`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from moonpost.design.mix import lightest_mix
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> dark = {2.0: (np.arange(96) % 48 < 24).astype(float)}
    >>> effects = mix_effects(lightest_mix(load_plan("ilrs"), sun, dark, families=("solar-battery",)))
    >>> effects[0].figure
    'base_kg'
    """
    mix = mix or choice.best
    search = choice._search
    assert search is not None
    stores = (mix.store,) if mix.store is not None else FAMILIES[mix.family][1]
    names = [name for item in FAMILIES[mix.family][0] for name in _OF_ITEM[item]]
    names += [name for store in stores for name in _OF_STORE[store]]
    rows = [figure for figure in figures() if figure.name in names]
    effects = [_effect(search, mix, figure) for figure in rows]
    return tuple(sorted(effects, key=lambda effect: -effect.effect_kg))


def _effect(search: MixSearch, mix: StationMix, figure: Figure) -> MassEffect:
    store = mix.store or "battery"
    mast_m = search.scene.masts_m[0] if mix.mast_m is None else mix.mast_m
    masses: list[float | None] = []
    for value in (figure.light, figure.heavy):
        sizes = {
            name: getattr(search.prices, name)
            for name in (
                "panel_w",
                "battery_module_wh",
                "tank_module_wh",
                "stack_unit_w",
                "rtg_unit_w",
                "extent_m",
            )
        }
        changed = MixSearch(
            search.scene,
            catalogue(changed={**_values(search), **sizes, figure.name: value}),
            search.reserve,
            search.mounts,
            search,
        )
        found = changed.one(mix.family, store, mast_m)
        masses.append(None if found is None else found.mass_kg)
    return MassEffect(
        figure.name, figure.unit, _values(search)[figure.name], figure.light, figure.heavy, mix.mass_kg, *masses
    )


def _values(search: MixSearch) -> dict[str, float]:
    """The numbers of a search's catalogue by name."""
    prices = search.prices
    reactors = {f"reactor-{model.electric_w / 1e3:g}": model.mass_kg for model in prices.reactors}
    return {figure.name: reactors.get(figure.name, getattr(prices, figure.name, 0.0)) for figure in figures()}
