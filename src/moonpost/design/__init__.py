"""Design: budgets with margins, storage sized for the real darkness, and what the answers depend on."""

from moonpost.design.budgets import BudgetLine, data_line, energy_line, link_lines, mass_lines, power_lines
from moonpost.design.catalogue import Catalogue, Figure, catalogue, figures
from moonpost.design.closing import Way, close_data, close_energy, close_link, close_mass, close_power
from moonpost.design.crossover import Crossing, Crossover, crossover
from moonpost.design.masses import MassBudget, MassRow, MissionMass, mass_budget
from moonpost.design.mix import FAMILIES, MixChoice, StationMix, lightest_mix
from moonpost.design.mixplan import Proof, mixed_plan, prove_mix
from moonpost.design.powers import PowerBudget, PowerRow, PowerTotal, power_budget
from moonpost.design.requirement import StorageRequirement, storage_for_load
from moonpost.design.sensitivity import Effect, one_at_a_time, storage_sensitivity
from moonpost.design.sizing import (
    CarriedLoad,
    StorageSizing,
    carried_load,
    size_storage,
)
from moonpost.design.tornado import MassEffect, mix_effects

__all__ = [
    "FAMILIES",
    "BudgetLine",
    "CarriedLoad",
    "Catalogue",
    "Crossing",
    "Crossover",
    "Effect",
    "Figure",
    "MassBudget",
    "MassEffect",
    "MassRow",
    "MissionMass",
    "MixChoice",
    "PowerBudget",
    "PowerRow",
    "PowerTotal",
    "Proof",
    "StationMix",
    "StorageRequirement",
    "StorageSizing",
    "Way",
    "carried_load",
    "catalogue",
    "close_data",
    "close_energy",
    "close_link",
    "close_mass",
    "close_power",
    "crossover",
    "data_line",
    "energy_line",
    "figures",
    "lightest_mix",
    "link_lines",
    "mass_budget",
    "mass_lines",
    "mix_effects",
    "mixed_plan",
    "one_at_a_time",
    "power_budget",
    "power_lines",
    "prove_mix",
    "size_storage",
    "storage_for_load",
    "storage_sensitivity",
]
