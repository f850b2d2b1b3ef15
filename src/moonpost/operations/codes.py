"""Columns, codes and arrays that the simulation's compiled loops share with those who fill and read them."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["AGENDA", "EVENTS", "PARAMETERS", "STATES", "Result"]

PARAMETERS = (
    "light_w", "dark_w", "converter", "count", "priority",
    "sleeps", "wake_sun", "sleep_sun", "wake_supply", "sleep_supply", "wake_stored", "sleep_stored", "wake_k",
    "command", "dark_sleep",
    "box", "capacity", "radiator", "closed", "ground", "electric", "heater_w", "heater_on", "heater_off",
    "survive_min", "survive_max", "operate_min", "operate_max", "initial_k", "heat_light", "heat_dark",
    "usable", "charge", "discharge", "charge_w", "discharge_w", "leak", "fade_year", "fade_cycle", "modules",
    "charge_min", "charge_max", "nameplate",
    "recorder", "recorder_bit", "downlink", "downlink_w", "data_light", "data_dark", "margin",
    "array_series", "source_series", "sunlight_series", "fuel_series",
)  # fmt: skip
"""Columns of what does not change about an element."""

STATES = (
    "here", "lost", "awake", "latched", "can_wake", "lit", "array", "source", "load", "radiator_factor",
    "works", "stuck", "heater", "heating", "contact", "contact_counts", "records", "cold", "hot", "blocked",
    "modules_left", "run_w", "run_bit_s", "hold", "box_k", "held_bit", "working", "asked", "shed",
    "faded", "cycles", "since", "rec_full", "losing", "supply", "supply_s", "sending", "share", "made", "sent",
    "dropped", "light_mode", "served", "served_s", "pending", "commanded", "sun_wake", "sun_sleep", "gave_j",
    "asked_j", "got_j", "heated_j", "rate_made", "rate_sent", "rate_lost", "rate_held",
)  # fmt: skip
"""Columns of what changes."""

AGENDA = (
    "arrive", "lit", "contact-window", "run", "array-factor", "source-factor", "battery-modules",
    "heater-works", "heater-stuck", "radiator-factor", "can-wake", "asleep", "contact", "load-factor",
    "recorder-works", "sun-wake", "sun-sleep", "age",
)  # fmt: skip
"""What can stand on the agenda, in the order in which it is done at one instant."""

EVENTS = (
    "storage-full", "storage-empty", "shed-begins", "shed-ends", "element-shed-begins", "element-shed-ends",
    "wake", "sleep", "command-refused", "heater-on", "heater-off", "too-cold", "cold-ends", "too-warm",
    "warm-ends", "machine-lost", "recorder-full", "recorder-empty", "data-lost", "data-loss-ends",
    "tank-full", "tank-empty", "run-refused", "run-stopped", "charge-blocked", "charge-allowed",
)  # fmt: skip
"""What a compiled run tells."""

(
    LIGHT_W, DARK_W, CONVERTER, COUNT, PRIORITY, SLEEPS, WAKE_SUN, SLEEP_SUN, WAKE_SUPPLY, SLEEP_SUPPLY,
    WAKE_STORED, SLEEP_STORED, WAKE_K, COMMAND, DARK_SLEEP, BOX, CAPACITY, RADIATOR, CLOSED, GROUND, ELECTRIC,
    HEATER_W, HEATER_ON, HEATER_OFF, SURVIVE_MIN, SURVIVE_MAX, OPERATE_MIN, OPERATE_MAX, INITIAL_K, HEAT_LIGHT,
    HEAT_DARK, USABLE, CHARGE, DISCHARGE, CHARGE_W, DISCHARGE_W, LEAK, FADE_YEAR, FADE_CYCLE, MODULES,
    CHARGE_MIN, CHARGE_MAX, NAMEPLATE, RECORDER, RECORDER_BIT, DOWNLINK, DOWNLINK_W, DATA_LIGHT, DATA_DARK, MARGIN,
    SERIES, _SOURCE_SERIES, _SUNLIGHT_SERIES, _FUEL_SERIES,
) = range(len(PARAMETERS))  # fmt: skip
(
    HERE, LOST, AWAKE, LATCHED, CAN_WAKE, LIT, ARRAY, SOURCE, LOAD, RADIATES, WORKS, STUCK, HEATER, HEATING,
    CONTACT, CONTACT_COUNTS, RECORDS, COLD, HOT, BLOCKED, MODULES_LEFT, RUN_W, RUN_BIT_S, HOLD, BOX_K, HELD_BIT,
    WORKING, ASKED, SHED, FADED, CYCLES, SINCE, REC_FULL, LOSING, SUPPLY, SUPPLY_S, SENDING, SHARE, MADE, SENT,
    DROPPED, LIGHT_MODE, SERVED, SERVED_S, PENDING, COMMANDED, SUN_WAKE, SUN_SLEEP, GAVE_J, ASKED_J, GOT_J,
    HEATED_J, RATE_MADE, RATE_SENT, RATE_LOST, RATE_HELD,
) = range(len(STATES))  # fmt: skip
(
    DO_ARRIVE, DO_LIT, DO_WINDOW, DO_RUN, DO_ARRAY, DO_SOURCE, DO_MODULES, DO_WORKS, DO_STUCK, DO_RADIATES,
    DO_CAN_WAKE, DO_ASLEEP, DO_CONTACT, DO_LOAD, DO_RECORDS, DO_SUN_WAKE, DO_SUN_SLEEP, DO_AGE,
) = range(len(AGENDA))  # fmt: skip
SETS = (
    -1,
    -1,
    -1,
    -1,
    ARRAY,
    SOURCE,
    -1,
    WORKS,
    STUCK,
    RADIATES,
    -1,
    -1,
    CONTACT_COUNTS,
    LOAD,
    RECORDS,
    SUN_WAKE,
    SUN_SLEEP,
    -1,
)
(
    E_FULL, E_EMPTY, E_SHED, E_SHED_ENDS, E_ONE_SHED, E_ONE_SHED_ENDS, E_WAKE, E_SLEEP, E_REFUSED, E_HEATER_ON,
    E_HEATER_OFF, E_COLD, E_COLD_ENDS, E_HOT, E_HOT_ENDS, E_LOST, E_REC_FULL, E_REC_EMPTY, E_LOSS, E_LOSS_ENDS,
    E_TANK_FULL, E_TANK_EMPTY, E_RUN_REFUSED, E_RUN_STOPPED, E_BLOCKED, E_ALLOWED,
) = range(len(EVENTS))  # fmt: skip
(
    N_TIME, N_SPAN, N_ETA, N_ERROR, N_GROUND_SERIES, N_STRETCH, N_SINCE, N_AGENDA, N_SAMPLE, N_SUPPLY, N_SUPPLY_S,
    N_ASKED, N_MOST, N_UNTIL, N_INFLOW, N_INFLOW_S, N_MOVES, N_WHAT, N_LOW, N_HIGH, N_SHEDDING, N_WORST, N_AGED,
    N_LAST, N_STALLED, N_COUNT, N_STRETCHES, R_LIT, R_DWELL, H_HELD, H_BROUGHT, H_REMOVED, U_USABLE, U_CHARGE,
    U_DISCHARGE, U_CHARGE_W, U_DISCHARGE_W, U_LEAK, C_SUPPLY, C_ASKED, C_SHED, C_CHARGED, C_GIVEN, C_SPILLED,
    C_LOSS, C_DRAWN,
) = range(46)  # fmt: skip
F_CHARGED, F_GIVEN, F_SPILLED, F_SHED, F_FULL = 46, 48, 50, 52, 54
N_LOADS, N_SHARE, N_ALL = 55, 65, 85
B_START, B_K0, B_K1, B_K2, B_K3, B_LENGTH, B_TRY, B_LIVE = range(8)
B_RADIATE, B_GROUND_K, B_ELECTRIC, B_HEATER, B_SUN, B_FUEL, B_MODE = 8, 9, 11, 13, 15, 17, 19
B_COLUMNS, B_SUMS, B_FIRST_K, B_ALL = 21, 21, 28, 29
T_ELEMENT, T_CAPACITY, T_INITIAL, T_LIGHT, T_DARK, T_KG, T_KG_S, T_GAINED, T_DRAWN = range(9)
TINY_S = 1e-6
SLACK_K = 1e-7
YEAR_S = 365.25 * 86_400.0


class Result(NamedTuple):
    """What a compiled run leaves.

    Parameters
    ----------
    now : ndarray
        Numbers of the bus at the end, sums included.
    st : ndarray, (e, s)
        Machines at the end, columns `STATES`.
    boxes : ndarray, (b + 1, k)
        Boxes at the end with their sums of heat; the last row is a scratch one.
    tanks : ndarray, (q, 9)
        Tanks at the end with their sums of mass.
    bus, element, box, recorder, tank : ndarray, (n, ...)
        Sums and states at the times of the samples.
    events : ndarray, (k, 4)
        Time [s], code, element (-1: the bus; for tanks: the tank), value.

    Examples
    --------
    >>> Result._fields[0]
    'now'
    """

    now: Any
    st: Any
    boxes: Any
    tanks: Any
    bus: Any
    element: Any
    box: Any
    recorder: Any
    tank: Any
    events: Any
