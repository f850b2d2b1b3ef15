"""Power: what sources give, what loads take, and the storage between them."""

from moonpost.power.ageing import can_charge, capacity_left, cycles_of, dust_left
from moonpost.power.arrays import (
    SOLAR_CONSTANT_W_M2,
    array_heights_m,
    array_light,
    array_power_w,
    incidence,
    irradiance_w_m2,
    light_at_mast,
    stopped_array,
)
from moonpost.power.balance import BusEvent, BusLoad, BusRun, bus_events, run_bus
from moonpost.power.cells import cell_output_factor, cell_temperature_k, ground_balance_k
from moonpost.power.ensembles import (
    HeightErrors,
    NeedSpread,
    height_errors,
    need_over_members,
    perturbed_horizons_deg,
)
from moonpost.power.fuelcells import FuelCell
from moonpost.power.isotopes import THERMOCOUPLE_LOSS_PER_YEAR, radioisotope_power_w
from moonpost.power.loads import (
    MATURITY_MARGIN,
    PowerGroup,
    element_load_w,
    group_lit,
    load_w,
    mode_in,
    power_groups,
)
from moonpost.power.reactors import (
    ReactorLife,
    dose_sv_year,
    reactor_outages,
    reactor_power_w,
    reactor_runs_w,
    shield_standoff_m,
)
from moonpost.power.series import SunView, step_of
from moonpost.power.sources import element_sources_w, element_supply_w, reactor_stream, supply_statements
from moonpost.power.storage import Gap, StorageNeed, StoragePool, longest_gap, nameplate_wh, pool, sequent_peak

__all__ = [
    "MATURITY_MARGIN",
    "SOLAR_CONSTANT_W_M2",
    "THERMOCOUPLE_LOSS_PER_YEAR",
    "BusEvent",
    "BusLoad",
    "BusRun",
    "FuelCell",
    "Gap",
    "HeightErrors",
    "NeedSpread",
    "PowerGroup",
    "ReactorLife",
    "StorageNeed",
    "StoragePool",
    "SunView",
    "array_heights_m",
    "array_light",
    "array_power_w",
    "bus_events",
    "can_charge",
    "capacity_left",
    "cell_output_factor",
    "cell_temperature_k",
    "cycles_of",
    "dose_sv_year",
    "dust_left",
    "element_load_w",
    "element_sources_w",
    "element_supply_w",
    "ground_balance_k",
    "group_lit",
    "height_errors",
    "incidence",
    "irradiance_w_m2",
    "light_at_mast",
    "load_w",
    "longest_gap",
    "mode_in",
    "nameplate_wh",
    "need_over_members",
    "perturbed_horizons_deg",
    "pool",
    "power_groups",
    "radioisotope_power_w",
    "reactor_outages",
    "reactor_power_w",
    "reactor_runs_w",
    "reactor_stream",
    "run_bus",
    "sequent_peak",
    "shield_standoff_m",
    "step_of",
    "stopped_array",
    "supply_statements",
]
