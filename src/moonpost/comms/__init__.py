"""Radio: link budgets and rates, contacts with antennas on the Earth, stores, handover and relays."""

from __future__ import annotations

from moonpost.comms.chain import Leg, RelayRun, bent_pipe, bent_pipe_db_hz, from_flight, run_relays
from moonpost.comms.coding import (
    CCSDS,
    DVB_S2,
    Coding,
    Mode,
    best_mode,
    coding,
    modes_of_rates,
    modes_of_symbol_rate,
)
from moonpost.comms.contacts import Contacts, intersection, station_contacts, union
from moonpost.comms.handover import (
    Contact,
    HandoverPlan,
    HandoverRules,
    Window,
    check_handover,
    plan_handover,
    windows_of,
)
from moonpost.comms.link import (
    DISH_EFFICIENCY,
    LinkBudget,
    achievable_rate_bit_s,
    dish_gain_dbi,
    free_space_loss_db,
    link_budget,
)
from moonpost.comms.rates import LinkSeries, carrier_to_noise_db_hz, station_rates
from moonpost.comms.store import RatePlan, StoreEvent, StoreRun, run_store

__all__ = [
    "CCSDS",
    "DISH_EFFICIENCY",
    "DVB_S2",
    "Coding",
    "Contact",
    "Contacts",
    "HandoverPlan",
    "HandoverRules",
    "Leg",
    "LinkBudget",
    "LinkSeries",
    "Mode",
    "RatePlan",
    "RelayRun",
    "StoreEvent",
    "StoreRun",
    "Window",
    "achievable_rate_bit_s",
    "bent_pipe",
    "bent_pipe_db_hz",
    "best_mode",
    "carrier_to_noise_db_hz",
    "check_handover",
    "coding",
    "dish_gain_dbi",
    "free_space_loss_db",
    "from_flight",
    "intersection",
    "link_budget",
    "modes_of_rates",
    "modes_of_symbol_rate",
    "plan_handover",
    "run_relays",
    "run_store",
    "station_contacts",
    "station_rates",
    "union",
    "windows_of",
]
