"""Plants that make oxygen or water from regolith: streams by mass, energy by step, and mass of the plant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from moonpost.design.isruheat import (
    FORMATION_J_MOL,
    METAL_ATOMS,
    MOLAR_KG,
    OXYGEN_ATOMS,
    Soil,
    regolith_heat_j_kg,
    soil_named,
)
from moonpost.errors import InputError, UnknownNameError

__all__ = ["PROCESSES", "Plant", "PlantOptions", "Process", "resource_plant"]

Process = Literal["hydrogen", "carbothermal", "electrolysis", "ice"]
PROCESSES: tuple[str, ...] = get_args(Process)
"""Hydrogen reduction of iron oxide; carbothermal reduction; electrolysis of molten regolith; water from ice."""

_J_KWH = 3.6e6
_O2, _H2O, _H2 = MOLAR_KG["O2"], MOLAR_KG["H2O"], MOLAR_KG["H2"]
_SUBLIMATION_J_KG = 2.834e6
_ICE_J_KG_K2 = 7.8
_LOX_J_KG = 0.9 * _J_KWH
_DIG_J_KG, _SORT_J_KG = 3.0 * 3600.0, 1.0 * 3600.0
_HOT_K = {"hydrogen": 1273.0, "carbothermal": 1900.0, "electrolysis": 1900.0, "ice": 270.0}
_STAY_H = {"hydrogen": 3.0, "carbothermal": 1.0, "electrolysis": 1.0, "ice": 2.0}
# Parts of each oxide that give up their oxygen.
_REDUCED: dict[str, dict[str, float]] = {
    "hydrogen": {"FeO": 0.8},
    "carbothermal": {"FeO": 1.0, "SiO2": 0.35},
    "electrolysis": {"FeO": 1.0, "SiO2": 0.7, "TiO2": 0.5},
}


@dataclass(frozen=True)
class PlantOptions:
    """What a plant is worked with.

    Parameters
    ----------
    soil : str
        ``highland`` or ``mare``.
    ground_k : float
        Temperature of the regolith that is dug [K].
    duty : float
        Part of the year that it works [1].
    recuperation : float
        Part of the heat of spent regolith that warms fresh one [1].
    wall_loss : float
        Heat lost through walls over the heat put in [1].
    electrolyser_efficiency : float
        Enthalpy of water split over electricity [1].
    enrichment : float
        Content of reducible iron oxide in the furnace over that in the soil [1].
    recovery : float
        Part of that oxide that sorting keeps [1].
    reagent_loss : float
        Part of the hydrogen or carbon in circulation that is lost in each turn [1].
    pass_conversion : float
        Part of the hydrogen that reacts in one pass [1].
    gas_recovery : float
        Part of the heat of the gas that is kept [1].
    ice : float
        Part of the icy regolith's mass that is water [1].
    capture : float
        Part of the water driven out that is caught [1].
    product : {"oxygen", "water"}
        What an ice plant delivers.

    Examples
    --------
    >>> PlantOptions(duty=0.5).soil
    'highland'
    """

    soil: str = "highland"
    ground_k: float = 200.0
    duty: float = 0.7
    recuperation: float = 0.0
    wall_loss: float = 0.2
    electrolyser_efficiency: float = 0.7
    enrichment: float = 1.0
    recovery: float = 0.8
    reagent_loss: float = 0.005
    pass_conversion: float = 0.07
    gas_recovery: float = 0.9
    ice: float = 0.056
    capture: float = 0.8
    product: Literal["oxygen", "water"] = "oxygen"

    def __post_init__(self) -> None:
        open_low = ("duty", "electrolyser_efficiency", "recovery", "pass_conversion", "ice", "capture")
        for name in (*open_low, "recuperation", "reagent_loss", "gas_recovery"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 <= value <= 1.0) or (name in open_low and value == 0.0):
                raise InputError(f"is {value!r}", where=name, advice="give a part of 1")
        if self.recuperation >= 1.0 or self.reagent_loss >= 1.0 or self.ice >= 1.0:
            raise InputError("is 1", where="recuperation, reagent_loss, ice", advice="give less than 1")
        if not (math.isfinite(self.wall_loss) and 0.0 <= self.wall_loss <= 10.0):
            raise InputError(f"is {self.wall_loss!r}", where="wall_loss", advice="give 0 to 10")
        if not (math.isfinite(self.enrichment) and 1.0 <= self.enrichment <= 20.0):
            raise InputError(f"is {self.enrichment!r}", where="enrichment", advice="give 1 to 20")
        if not (math.isfinite(self.ground_k) and 20.0 <= self.ground_k <= 400.0):
            raise InputError(f"is {self.ground_k!r} K", where="ground_k", advice="give 20 to 400 K")
        if self.product not in ("oxygen", "water"):
            raise InputError(f"is {self.product!r}", where="product", advice="use oxygen or water")
        soil_named(self.soil)


@dataclass(frozen=True)
class Plant:
    """A plant and what passes through it.

    Parameters
    ----------
    process : str
        How it works.
    product : str
        What it delivers.
    product_kg_year : float
        How much [kg/year].
    inflow, outflow : dict of str to float
        Streams for a kilogram of product [kg].
    energy_wh_kg : dict of str to float
        Electricity or heat for a kilogram of product by step [Wh/kg].
    released_wh_kg : dict of str to float
        Where that energy ends up [Wh/kg].
    power_w : float
        While it works [W].
    parts_kg : dict of str to float
        Mass of the plant by part [kg].
    yield_fraction : float
        Product over regolith dug [1].
    options : PlantOptions
        What it is worked with.
    """

    process: str
    product: str
    product_kg_year: float
    inflow: dict[str, float]
    outflow: dict[str, float]
    energy_wh_kg: dict[str, float]
    released_wh_kg: dict[str, float]
    power_w: float
    parts_kg: dict[str, float]
    yield_fraction: float
    options: PlantOptions

    @property
    def kwh_kg(self) -> float:
        """Energy for a kilogram of product [kWh/kg]."""
        return sum(self.energy_wh_kg.values()) / 1e3

    @property
    def mass_kg(self) -> float:
        """Of the plant without its power supply [kg]."""
        return sum(self.parts_kg.values())

    @property
    def mass_residual_relative(self) -> float:
        """Largest difference of what enters and leaves, over all and for each chemical element [1]."""
        return balance_residual(self.inflow, self.outflow)

    @property
    def energy_residual_relative(self) -> float:
        """Difference of the energy put in and found again [1]."""
        total = sum(self.energy_wh_kg.values())
        return abs(total - sum(self.released_wh_kg.values())) / total

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "process": self.process,
            "product": self.product,
            "product_kg_year": self.product_kg_year,
            "kwh_kg": self.kwh_kg,
            "power_w": self.power_w,
            "mass_kg": self.mass_kg,
            "yield_fraction": self.yield_fraction,
            "inflow_kg_kg": self.inflow,
            "outflow_kg_kg": self.outflow,
            "energy_wh_kg": self.energy_wh_kg,
            "released_wh_kg": self.released_wh_kg,
            "parts_kg": self.parts_kg,
            "mass_residual_relative": self.mass_residual_relative,
            "energy_residual_relative": self.energy_residual_relative,
            "options": dict(vars(self.options)),
        }


def resource_plant(
    process: str, product_kg_year: float = 1000.0, options: PlantOptions | None = None, **changes: Any
) -> Plant:
    """Size a plant that makes oxygen or water.

    Parameters
    ----------
    process : {"hydrogen", "carbothermal", "electrolysis", "ice"}
        How it works.
    product_kg_year : float, default 1000.0
        What it delivers [kg/year].
    options : PlantOptions, optional
        What it is worked with.
    **changes
        Options by name, in place of `options`.

    Returns
    -------
    Plant

    Raises
    ------
    InputError, UnknownNameError
        If a number is out of range or a name is unknown.

    Notes
    -----
    Hydrogen: FeO + H2 -> Fe + H2O at 1273 K, bound as in ilmenite; 80 % of the iron oxide reacts. Carbothermal, at
    1900 K: MO + CH4 -> M + CO + 2 H2 of all iron oxide and 35 % of the silica, CO + 3 H2 -> CH4 + H2; both then
    split water. Electrolysis at 1900 K: MO -> M + O2/2 of all FeO, 70 % of SiO2 and half of the TiO2. Ice:
    regolith warmed to 270 K, ice sublimed, 80 % caught.

    Each stream is a count of moles, so masses balance by chemical element to rounding. Heat: `regolith_heat_j_kg`
    from the ground's temperature, less what is recuperated, plus the reaction (standard enthalpies at 298 K; that
    they change by a few percent to 1900 K is neglected), times 1 + wall loss. Where the energy
    ends is counted apart from the steps, by the enthalpies of the products. Electrolysers at 70 % of the enthalpy,
    liquefaction 0.9 kWh/kg, digging 3 and sorting 1 Wh/kg, and the masses of parts are assumptions.

    References
    ----------
    Allen, C. C., R. V. Morris, and D. S. McKay (1996), Oxygen extraction from lunar soils and pyroclastic glass,
    J. Geophys. Res. 101, 26085-26095, doi:10.1029/96JE02726. Gustafson, R. J., et al. (2010), Demonstrating the
    solar carbothermal reduction of lunar regolith to produce oxygen, AIAA 2010-1163. Schreiner, S. S., et al.
    (2016), A parametric sizing model for molten regolith electrolysis reactors, Adv. Space Res. 57, 1585-1603.
    Colaprete, A., et al. (2010), Detection of water in the LCROSS ejecta plume, Science 330, 463-468,
    doi:10.1126/science.1186986. Leger, D., et al. (2025), Modeling energy requirements for oxygen production on
    the Moon, PNAS 122, doi:10.1073/pnas.2306146122.

    Examples
    --------
    >>> plant = resource_plant("hydrogen", 1000.0, soil="mare")
    >>> 18.5 < plant.kwh_kg < 30.1, plant.mass_residual_relative < 1e-12
    (True, True)
    """
    if process not in PROCESSES:
        raise UnknownNameError(process, PROCESSES, kind="process")
    if not (math.isfinite(product_kg_year) and product_kg_year > 0.0):
        raise InputError(f"is {product_kg_year!r}", where="product_kg_year", advice="give more than 0")
    if options is not None and changes:
        raise InputError("options and changes are both given", where="options", advice="give one of the two")
    chosen = options or PlantOptions(**changes)
    if process != "ice" and chosen.product != "oxygen":
        raise InputError("only an ice plant delivers water", where="product", advice="use oxygen, or process ice")
    made = _ice(chosen) if process == "ice" else _oxides(process, chosen)
    inflow, outflow, energy, released = made
    hours = 8766.0 * chosen.duty
    rate_kg_h = product_kg_year / hours
    parts = _parts(process, chosen, rate_kg_h, inflow, energy)
    per_kg = {name: value / 3600.0 for name, value in energy.items()}
    return Plant(
        process=process,
        product=chosen.product,
        product_kg_year=product_kg_year,
        inflow=inflow,
        outflow=outflow,
        energy_wh_kg=per_kg,
        released_wh_kg={name: value / 3600.0 for name, value in released.items()},
        power_w=sum(per_kg.values()) * rate_kg_h,
        parts_kg=parts,
        yield_fraction=1.0 / inflow["regolith"],
        options=chosen,
    )


Made = tuple[dict[str, float], dict[str, float], dict[str, float], dict[str, float]]


def _oxides(process: str, o: PlantOptions) -> Made:
    """Streams [kg] and energies [J] for a kilogram of oxygen from oxides."""
    soil = _enriched(soil_named(o.soil), o.enrichment)
    reduced = {
        name: part * soil.oxides[name] / MOLAR_KG[name]
        for name, part in _REDUCED[process].items()
        if name in soil.oxides
    }
    atoms = sum(moles * OXYGEN_ATOMS[name] for name, moles in reduced.items())
    feed = 1.0 / (atoms * 0.5 * _O2)
    dug = feed * o.enrichment / o.recovery if o.enrichment > 1.0 else feed
    moles_o = atoms * feed
    heat = feed * regolith_heat_j_kg(o.ground_k, _HOT_K[process]) * (1.0 - o.recuperation)
    energy = {"digging": dug * _DIG_J_KG, "sorting": dug * _SORT_J_KG if o.enrichment > 1.0 else 0.0}
    split = -FORMATION_J_MOL["H2O"] * moles_o
    loss: dict[str, float] = {}
    given_up = 0.0
    chemical = sum(-FORMATION_J_MOL[name] * moles * feed for name, moles in reduced.items())
    if process == "electrolysis":
        energy |= {"heating": heat, "reduction": chemical, "walls": o.wall_loss * (heat + chemical)}
    elif process == "hydrogen":
        bound = moles_o * (FORMATION_J_MOL["H2O gas"] + FORMATION_J_MOL["TiO2"] - FORMATION_J_MOL["FeTiO3"])
        gas = moles_o / o.pass_conversion * 29.5 * (_HOT_K[process] - 300.0) * (1.0 - o.gas_recovery)
        warm = heat + bound + gas
        energy |= {"heating": heat, "gas": gas, "reduction": bound, "walls": o.wall_loss * warm}
        energy["water splitting"] = split / o.electrolyser_efficiency
        loss = {"H2": moles_o * o.reagent_loss * _H2}
        chemical = moles_o * (FORMATION_J_MOL["TiO2"] - FORMATION_J_MOL["FeTiO3"])
        given_up = moles_o * (FORMATION_J_MOL["H2O gas"] - FORMATION_J_MOL["H2O"])
    else:
        # MO + CH4 -> M + CO + 2 H2.
        bound = chemical + moles_o * (FORMATION_J_MOL["CO"] - FORMATION_J_MOL["CH4"])
        energy |= {"heating": heat, "reduction": bound, "walls": o.wall_loss * (heat + bound)}
        energy["water splitting"] = split / o.electrolyser_efficiency
        loss = {"CH4": moles_o * o.reagent_loss * MOLAR_KG["CH4"]}
        given_up = moles_o * (FORMATION_J_MOL["CO"] - FORMATION_J_MOL["CH4"] - FORMATION_J_MOL["H2O"])
    energy["liquefaction"] = _LOX_J_KG
    inflow = {"regolith": dug, **{f"{name} make-up": mass for name, mass in loss.items()}}
    outflow = {"O2": 1.0, **{f"{name} lost": mass for name, mass in loss.items()}}
    inflow |= {f"  {name} in regolith": part * dug for name, part in soil_named(o.soil).oxides.items()}
    outflow |= _solids(soil_named(o.soil), soil, reduced, feed, dug)
    released = {
        "in metal and oxygen": chemical,
        "in hot spoil": heat,
        "in hot gas": energy.get("gas", 0.0),
        "through walls": energy["walls"],
        "where gases react and condense": given_up,
        "in electrolysers": max(energy.get("water splitting", 0.0) - split, 0.0),
        "by coolers and drives": energy["liquefaction"] + energy["digging"] + energy["sorting"],
    }
    return inflow, outflow, energy, {name: value for name, value in released.items() if value > 0.0}


def _solids(whole: Soil, fed: Soil, reduced: Mapping[str, float], feed: float, dug: float) -> dict[str, float]:
    """Metals, slag and tailings, by substance [kg]."""
    found: dict[str, float] = {}
    for name, moles in reduced.items():
        metal, count = METAL_ATOMS[name]
        found[metal] = found.get(metal, 0.0) + moles * feed * count * MOLAR_KG[metal]
    for name, part in whole.oxides.items():
        found[f"{name} in slag"] = fed.oxides[name] * feed - reduced.get(name, 0.0) * feed * MOLAR_KG[name]
        rest = part * dug - fed.oxides[name] * feed
        if abs(rest) > 0.0:
            found[f"{name} in tailings"] = rest
    return found


def _enriched(soil: Soil, factor: float) -> Soil:
    """The soil with more iron and titanium oxide, the rest less."""
    if factor == 1.0:
        return soil
    rich = {"FeO", "TiO2"}
    more = sum(part for name, part in soil.oxides.items() if name in rich)
    if more * factor >= 0.95:
        raise InputError(
            f"{factor:g} makes it all ore", where="enrichment", advice=f"give under {0.95 / more:.1f}"
        )
    less = (1.0 - factor * more) / (1.0 - more)
    return Soil(soil.name, {name: part * (factor if name in rich else less) for name, part in soil.oxides.items()})


def _ice(o: PlantOptions) -> Made:
    """Streams [kg] and energies [J] for a kilogram of water, or of oxygen from it."""
    oxygen = o.product == "oxygen"
    water = _H2O / (0.5 * _O2) if oxygen else 1.0
    driven = water / o.capture
    dug = driven / o.ice
    dry = dug - driven
    hot = _HOT_K["ice"]
    cold = min(o.ground_k, hot)
    heat = dry * regolith_heat_j_kg(cold, hot) * (1.0 - o.recuperation)
    ice = driven * (_SUBLIMATION_J_KG + 0.5 * _ICE_J_KG_K2 * (hot**2 - cold**2))
    energy = {
        "digging": dug * _DIG_J_KG,
        "heating": heat,
        "sublimation": ice,
        "walls": o.wall_loss * (heat + ice),
    }
    inflow = {"regolith": dug, "  dry in regolith": dry, "  H2O in regolith": driven}
    outflow = {"dry in spoil": dry, "H2O lost": driven - water}
    released = {
        "in warm spoil": heat,
        "where the vapour freezes": ice,
        "through walls": energy["walls"],
        "by coolers and drives": energy["digging"],
    }
    if oxygen:
        split = -FORMATION_J_MOL["H2O"] * water / _H2O
        energy |= {"water splitting": split / o.electrolyser_efficiency, "liquefaction": _LOX_J_KG}
        outflow |= {"O2": 1.0, "H2": water / _H2O * _H2}
        released |= {
            "in hydrogen and oxygen": split,
            "in electrolysers": energy["water splitting"] - split,
            "by coolers and drives": energy["digging"] + energy["liquefaction"],
        }
    else:
        outflow |= {"H2O": 1.0}
    return inflow, outflow, energy, released


def _parts(
    process: str, o: PlantOptions, rate_kg_h: float, inflow: Mapping[str, float], energy: Mapping[str, float]
) -> dict[str, float]:
    """Mass of the plant by part: simple laws with a fixed and a proportional part (assumptions) [kg]."""
    dug_kg_h = inflow["regolith"] * rate_kg_h
    fed_kg_h = dug_kg_h * (o.recovery / o.enrichment if o.enrichment > 1.0 else 1.0)

    def kw(*steps: str) -> float:
        return sum(energy.get(step, 0.0) for step in steps) * rate_kg_h / _J_KWH

    parts = {
        "digger": 10.0 + 4.0 * dug_kg_h,
        "furnace": 20.0 + 12.0 * fed_kg_h * _STAY_H[process],
        "electrolyser": 10.0 * kw("water splitting"),
        "gas loop": 30.0 if process in {"hydrogen", "carbothermal", "ice"} else 10.0,
        "liquefaction": 30.0 + 60.0 * kw("liquefaction") if "liquefaction" in energy else 0.0,
        "tank": 0.2 * 30.0 * 24.0 * rate_kg_h,
        "power electronics": 3.0 * kw(*energy),
    }
    parts["structure"] = 0.2 * sum(parts.values())
    return parts


def balance_residual(inflow: Mapping[str, float], outflow: Mapping[str, float]) -> float:
    """Largest relative difference of two lists of streams, in all and by chemical element."""
    before, after = _by_element(inflow), _by_element(outflow)
    worst = 0.0
    for name in before.keys() | after.keys():
        one, two = before.get(name, 0.0), after.get(name, 0.0)
        worst = max(worst, abs(one - two) / max(one, two, 1e-300))
    total = sum(before.values())
    return max(worst, abs(total - sum(after.values())) / total)


_COMPOSITION: dict[str, dict[str, int]] = {
    **{name: {METAL_ATOMS[name][0]: METAL_ATOMS[name][1], "O": OXYGEN_ATOMS[name]} for name in METAL_ATOMS},
    "H2O": {"H": 2, "O": 1},
    "H2": {"H": 2},
    "O2": {"O": 2},
    "CH4": {"C": 1, "H": 4},
}
_ATOM_KG = {"H": 0.5 * _H2, "O": 0.5 * _O2, "C": MOLAR_KG["C"]}


def _by_element(streams: Mapping[str, float]) -> dict[str, float]:
    """Mass by chemical element; a whole that is also told by its parts counts once."""
    found: dict[str, float] = {}
    for name, mass in streams.items():
        substance = name.split()[0]
        if substance == "regolith":
            continue
        for atom, count in _COMPOSITION.get(substance, {substance: 1}).items():
            atom_kg = _ATOM_KG.get(atom, MOLAR_KG.get(atom, 1.0))
            whole = MOLAR_KG.get(substance, 1.0)
            found[atom] = found.get(atom, 0.0) + mass * count * atom_kg / whole
    return found
