"""Design: budgets with margins, storage sized for the real darkness, and what the answers depend on."""

from moonpost.design.budgets import (
    MassBudget,
    MassRow,
    MissionMass,
    PowerBudget,
    PowerRow,
    PowerTotal,
    mass_budget,
    power_budget,
)
from moonpost.design.sensitivity import Effect, one_at_a_time, storage_sensitivity
from moonpost.design.sizing import (
    CarriedLoad,
    StorageRequirement,
    StorageSizing,
    carried_load,
    size_storage,
    storage_for_load,
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
