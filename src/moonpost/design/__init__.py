"""Design: budgets with margins, storage sized for the real darkness, and what the answers depend on."""

from moonpost.design.catalogue import Catalogue, Figure, catalogue, figures
from moonpost.design.masses import MassBudget, MassRow, MissionMass, mass_budget
from moonpost.design.mix import FAMILIES, MixChoice, StationMix, lightest_mix
from moonpost.design.powers import PowerBudget, PowerRow, PowerTotal, power_budget
from moonpost.design.requirement import StorageRequirement, storage_for_load
from moonpost.design.sensitivity import Effect, one_at_a_time, storage_sensitivity
from moonpost.design.sizing import (
    CarriedLoad,
    StorageSizing,
    carried_load,
    size_storage,
)

__all__ = [
    "FAMILIES",
    "CarriedLoad",
    "Catalogue",
    "Effect",
    "Figure",
    "MassBudget",
    "MassRow",
    "MissionMass",
    "MixChoice",
    "PowerBudget",
    "PowerRow",
    "PowerTotal",
    "StationMix",
    "StorageRequirement",
    "StorageSizing",
    "carried_load",
    "catalogue",
    "figures",
    "lightest_mix",
    "mass_budget",
    "one_at_a_time",
    "power_budget",
    "size_storage",
    "storage_for_load",
    "storage_sensitivity",
]
