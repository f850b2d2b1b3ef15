"""Design: budgets with margins, storage sized for the real darkness, and what the answers depend on."""

from moonpost.design.arrayshading import ArrayShading, shadow_scale
from moonpost.design.budgets import BudgetLine, data_line, energy_line, link_lines, mass_lines, power_lines
from moonpost.design.cables import Cable, best_cable, cable
from moonpost.design.catalogue import Catalogue, Figure, catalogue, figures
from moonpost.design.closing import Way, close_data, close_energy, close_link, close_mass, close_power
from moonpost.design.crossover import Crossing, Crossover, crossover
from moonpost.design.dose import SurfaceDose, surface_dose
from moonpost.design.isru import Plant, PlantOptions, resource_plant
from moonpost.design.layout import Layout, LayoutFinding, LayoutRules, check_layout
from moonpost.design.masses import MassBudget, MassRow, MissionMass, mass_budget
from moonpost.design.mix import FAMILIES, MixChoice, StationMix, lightest_mix
from moonpost.design.mixplan import Proof, mixed_plan, prove_mix
from moonpost.design.plume import Ejecta, ejecta_at, keep_out_m
from moonpost.design.powers import PowerBudget, PowerRow, PowerTotal, power_budget
from moonpost.design.requirement import StorageRequirement, storage_for_load
from moonpost.design.sensitivity import Effect, one_at_a_time, storage_sensitivity
from moonpost.design.sizing import (
    CarriedLoad,
    StorageSizing,
    carried_load,
    size_storage,
)
from moonpost.design.spares import SpareItem, SparesPlan, lightest_spares, shared_units
from moonpost.design.standoff import ReactorDose, reactor_distance_m, reactor_dose
from moonpost.design.tornado import MassEffect, mix_effects
from moonpost.design.units import plan_units, read_units
from moonpost.design.wear import RepairTimes, repair_times

__all__ = [
    "FAMILIES",
    "ArrayShading",
    "BudgetLine",
    "Cable",
    "CarriedLoad",
    "Catalogue",
    "Crossing",
    "Crossover",
    "Effect",
    "Ejecta",
    "Figure",
    "Layout",
    "LayoutFinding",
    "LayoutRules",
    "MassBudget",
    "MassEffect",
    "MassRow",
    "MissionMass",
    "MixChoice",
    "Plant",
    "PlantOptions",
    "PowerBudget",
    "PowerRow",
    "PowerTotal",
    "Proof",
    "ReactorDose",
    "RepairTimes",
    "SpareItem",
    "SparesPlan",
    "StationMix",
    "StorageRequirement",
    "StorageSizing",
    "SurfaceDose",
    "Way",
    "best_cable",
    "cable",
    "carried_load",
    "catalogue",
    "check_layout",
    "close_data",
    "close_energy",
    "close_link",
    "close_mass",
    "close_power",
    "crossover",
    "data_line",
    "ejecta_at",
    "energy_line",
    "figures",
    "keep_out_m",
    "lightest_mix",
    "lightest_spares",
    "link_lines",
    "mass_budget",
    "mass_lines",
    "mix_effects",
    "mixed_plan",
    "one_at_a_time",
    "plan_units",
    "power_budget",
    "power_lines",
    "prove_mix",
    "reactor_distance_m",
    "reactor_dose",
    "read_units",
    "repair_times",
    "resource_plant",
    "shadow_scale",
    "shared_units",
    "size_storage",
    "storage_for_load",
    "storage_sensitivity",
    "surface_dose",
]
