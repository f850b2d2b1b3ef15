"""Power: what sources give, what loads take, and the storage between them."""

from moonpost.power.balance import BusEvent, BusRun, bus_events, run_bus
from moonpost.power.loads import (
    MATURITY_MARGIN,
    PowerGroup,
    element_load_w,
    group_lit,
    load_w,
    mode_in,
    power_groups,
)
from moonpost.power.series import SunView, step_of
from moonpost.power.sources import (
    SOLAR_CONSTANT_W_M2,
    ReactorLife,
    array_power_w,
    element_supply_w,
    incidence,
    irradiance_w_m2,
    light_at_mast,
    radioisotope_power_w,
    reactor_power_w,
    supply_statements,
)
from moonpost.power.storage import Gap, StorageNeed, StoragePool, longest_gap, nameplate_wh, pool, sequent_peak

__all__ = [
    "MATURITY_MARGIN",
    "SOLAR_CONSTANT_W_M2",
    "BusEvent",
    "BusRun",
    "Gap",
    "PowerGroup",
    "ReactorLife",
    "StorageNeed",
    "StoragePool",
    "SunView",
    "array_power_w",
    "bus_events",
    "element_load_w",
    "element_supply_w",
    "group_lit",
    "incidence",
    "irradiance_w_m2",
    "light_at_mast",
    "load_w",
    "longest_gap",
    "mode_in",
    "nameplate_wh",
    "pool",
    "power_groups",
    "radioisotope_power_w",
    "reactor_power_w",
    "run_bus",
    "sequent_peak",
    "step_of",
    "supply_statements",
]
