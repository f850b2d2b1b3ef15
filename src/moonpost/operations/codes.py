"""Columns and codes that the simulation's compiled loops share with those who fill and read their arrays."""

from __future__ import annotations

__all__ = ["AGENDA", "EVENTS", "PARAMETERS", "STATES"]

PARAMETERS = (
    "light_w", "dark_w", "converter", "count", "priority",
    "sleeps", "wake_sun", "sleep_sun", "wake_supply", "sleep_supply", "wake_stored", "sleep_stored", "wake_k",
    "command", "dark_sleep",
    "box", "capacity", "radiator", "closed", "ground", "electric", "heater_w", "heater_on", "heater_off",
    "survive_min", "survive_max", "operate_min", "operate_max", "initial_k", "heat_light", "heat_dark",
    "usable", "charge", "discharge", "charge_w", "discharge_w", "leak", "fade_year", "fade_cycle", "modules",
    "charge_min", "charge_max", "nameplate",
    "recorder", "recorder_bit", "downlink", "downlink_w", "data_light", "data_dark", "margin",
)  # fmt: skip
"""Columns of what does not change about an element."""

STATES = (
    "here", "lost", "awake", "latched", "can_wake", "lit", "array", "source", "load", "radiator_factor",
    "works", "stuck", "heater", "heating", "contact", "contact_counts", "records", "cold", "hot", "blocked",
    "modules_left", "run_w", "run_bit_s", "hold", "box_k", "held_bit", "working", "asked", "shed",
    "faded", "cycles", "since", "rec_full", "losing", "supply", "supply_s", "sending", "share", "made", "sent",
    "dropped", "light_mode", "served", "served_s", "pending",
)  # fmt: skip
"""Columns of what changes."""

AGENDA = (
    "arrive", "lit", "contact-window", "run", "array-factor", "source-factor", "battery-modules",
    "heater-works", "heater-stuck", "radiator-factor", "can-wake", "asleep", "contact", "load-factor",
    "recorder-works", "age",
)  # fmt: skip
"""What can stand on the agenda, in the order in which it is done at one instant."""

EVENTS = (
    "storage-full", "storage-empty", "shed-begins", "shed-ends", "element-shed-begins", "element-shed-ends",
    "wake", "sleep", "command-refused", "heater-on", "heater-off", "too-cold", "cold-ends", "too-warm",
    "warm-ends", "machine-lost", "recorder-full", "recorder-empty", "data-lost", "data-loss-ends",
    "tank-full", "tank-empty", "run-refused", "run-stopped", "charge-blocked", "charge-allowed",
)  # fmt: skip
"""What a compiled run tells."""
