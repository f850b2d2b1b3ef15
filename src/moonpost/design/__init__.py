"""Design: budgets with margins, storage sized for the real darkness, and what the answers depend on."""

from moonpost.design.masses import MassBudget, MassRow, MissionMass, mass_budget
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
    "CarriedLoad",
    "Effect",
    "MassBudget",
    "MassRow",
    "MissionMass",
    "PowerBudget",
    "PowerRow",
    "PowerTotal",
    "StorageRequirement",
    "StorageSizing",
    "carried_load",
    "mass_budget",
    "one_at_a_time",
    "power_budget",
    "size_storage",
    "storage_for_load",
    "storage_sensitivity",
]
