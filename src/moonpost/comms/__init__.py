"""Radio: link budgets, and contacts with antennas on the Earth."""

from __future__ import annotations

from moonpost.comms.contacts import Contacts, intersection, station_contacts, union
from moonpost.comms.link import (
    DISH_EFFICIENCY,
    LinkBudget,
    achievable_rate_bit_s,
    dish_gain_dbi,
    free_space_loss_db,
    link_budget,
)

__all__ = [
    "DISH_EFFICIENCY",
    "Contacts",
    "LinkBudget",
    "achievable_rate_bit_s",
    "dish_gain_dbi",
    "free_space_loss_db",
    "intersection",
    "link_budget",
    "station_contacts",
    "union",
]
