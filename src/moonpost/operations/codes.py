"""Columns, codes and arrays that the simulation's compiled loops share with those who fill and read them."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["AGENDA", "EVENTS", "PARAMETERS", "STATES", "Fixed", "Samples", "Work"]

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

(
    LIGHT_W, DARK_W, CONVERTER, COUNT, PRIORITY, SLEEPS, WAKE_SUN, SLEEP_SUN, WAKE_SUPPLY, SLEEP_SUPPLY,
    WAKE_STORED, SLEEP_STORED, WAKE_K, COMMAND, DARK_SLEEP, BOX, CAPACITY, RADIATOR, CLOSED, GROUND, ELECTRIC,
    HEATER_W, HEATER_ON, HEATER_OFF, SURVIVE_MIN, SURVIVE_MAX, OPERATE_MIN, OPERATE_MAX, INITIAL_K, HEAT_LIGHT,
    HEAT_DARK, USABLE, CHARGE, DISCHARGE, CHARGE_W, DISCHARGE_W, LEAK, FADE_YEAR, FADE_CYCLE, MODULES,
    CHARGE_MIN, CHARGE_MAX, NAMEPLATE, RECORDER, RECORDER_BIT, DOWNLINK, DOWNLINK_W, DATA_LIGHT, DATA_DARK, MARGIN,
) = range(len(PARAMETERS))  # fmt: skip
(
    HERE, LOST, AWAKE, LATCHED, CAN_WAKE, LIT, ARRAY, SOURCE, LOAD, RADIATES, WORKS, STUCK, HEATER, HEATING,
    CONTACT, CONTACT_COUNTS, RECORDS, COLD, HOT, BLOCKED, MODULES_LEFT, RUN_W, RUN_BIT_S, HOLD, BOX_K, HELD_BIT,
    WORKING, ASKED, SHED, FADED, CYCLES, SINCE, REC_FULL, LOSING, SUPPLY, SUPPLY_S, SENDING, SHARE, MADE, SENT,
    DROPPED, LIGHT_MODE, SERVED, SERVED_S, PENDING,
) = range(len(STATES))  # fmt: skip
(
    DO_ARRIVE, DO_LIT, DO_WINDOW, DO_RUN, DO_ARRAY, DO_SOURCE, DO_MODULES, DO_WORKS, DO_STUCK, DO_RADIATES,
    DO_CAN_WAKE, DO_ASLEEP, DO_CONTACT, DO_LOAD, DO_RECORDS, DO_AGE,
) = range(len(AGENDA))  # fmt: skip
SETS = (-1, -1, -1, -1, ARRAY, SOURCE, -1, WORKS, STUCK, RADIATES, -1, -1, CONTACT_COUNTS, LOAD, RECORDS, -1)
(
    E_FULL, E_EMPTY, E_SHED, E_SHED_ENDS, E_ONE_SHED, E_ONE_SHED_ENDS, E_WAKE, E_SLEEP, E_REFUSED, E_HEATER_ON,
    E_HEATER_OFF, E_COLD, E_COLD_ENDS, E_HOT, E_HOT_ENDS, E_LOST, E_REC_FULL, E_REC_EMPTY, E_LOSS, E_LOSS_ENDS,
    E_TANK_FULL, E_TANK_EMPTY, E_RUN_REFUSED, E_RUN_STOPPED, E_BLOCKED, E_ALLOWED,
) = range(len(EVENTS))  # fmt: skip
U_USABLE, U_CHARGE, U_DISCHARGE, U_CHARGE_W, U_DISCHARGE_W, U_LEAK = range(6)
H_HELD, H_BROUGHT, H_REMOVED = range(3)
F_CHARGED, F_GIVEN, F_SPILLED, F_SHED, F_FULL = 0, 2, 4, 6, 8
C_SUPPLY, C_ASKED, C_SHED, C_CHARGED, C_GIVEN, C_SPILLED, C_LOSS, C_DRAWN = range(8)
R_LIT, R_DWELL = 0, 1
(
    N_TIME, N_STRETCH, N_SINCE, N_AGENDA, N_SAMPLE, N_SUPPLY, N_SUPPLY_S, N_SUN, N_SUN_S, N_ASKED, N_MOST, N_UNTIL,
    N_INFLOW, N_INFLOW_S, N_MOVES, N_WHAT, N_LOW, N_HIGH, N_SHEDDING, N_WORST, N_AGED, N_LAST, N_STALLED, N_COUNT,
    N_STRETCHES, N_ALL,
) = range(26)  # fmt: skip
B_START, B_K0, B_K1, B_K2, B_K3, B_LENGTH, B_TRY, B_LIVE = range(8)
B_RADIATE, B_GROUND_K, B_ELECTRIC, B_HEATER, B_SUN, B_FUEL, B_MODE = 8, 9, 11, 13, 15, 17, 19
B_COLUMNS = 21
TINY_S = 1e-6
SLACK_K = 1e-7
YEAR_S = 365.25 * 86_400.0


class Fixed(NamedTuple):
    """What a compiled run takes and does not change.

    Parameters
    ----------
    span_s : float
        Length of the period [s].
    edges, start, slope : ndarray, (m + 1,), (m, c) and (m, c)
        Ends of the stretches [s], values at their starts, change per second.
    agenda : ndarray, (k, 5)
        Time [s], code, element, two values, in order of time.
    par : ndarray, (e, p)
        Columns `PARAMETERS`.
    chan : ndarray of int, (e, 4)
        Columns of output of arrays, of other sources, sunlight on the box, radioisotope heat; -1: none.
    bus : ndarray, (4,)
        Efficiency, columns of the Sun's elevation and the ground's temperature, shortest time between two changes
        of sleep [s].
    tanks : ndarray, (q, 5)
        Element, capacity, content on arrival [kg], flow in light and dark modes [kg/s].
    samples : ndarray, (n,)
        When to sample [s], rising to the span.
    boxed, recorders, talks : ndarray of int
        Elements with a box, with a recorder, and that make data.
    error_k : float
        Estimated error of a box's temperature allowed in a step [K].

    Examples
    --------
    >>> Fixed._fields[0]
    'span_s'
    """

    span_s: float
    edges: Any
    start: Any
    slope: Any
    agenda: Any
    par: Any
    chan: Any
    bus: Any
    tanks: Any
    samples: Any
    boxed: Any
    recorders: Any
    talks: Any
    error_k: float


class Work(NamedTuple):
    """What a compiled run keeps on its way.

    Parameters
    ----------
    st : ndarray, (e, s)
        Columns `STATES`.
    now : ndarray
        Numbers of the present stretch.
    pool, held, flow, rules : ndarray
        The store, what it holds, its flows, and light and dwell.
    commands : ndarray, (e,)
        1 where a command to wake waits.
    loads, share : ndarray, (10,) and (10, 2)
        By priority: what is asked for, and the part served with its change.
    cum, own, heated : ndarray
        Sums of the bus, of elements and of heaters.
    boxes, fresh, heat : ndarray
        Steps of boxes, inputs of one of them, and sums of heat.
    data : ndarray, (e, 4)
        Rates made, sent, lost, and change of what is held [bit/s].
    kg, kg_s, mass : ndarray
        Tanks: content, flow, sums.

    Examples
    --------
    >>> Work._fields[0]
    'st'
    """

    st: Any
    now: Any
    pool: Any
    held: Any
    flow: Any
    rules: Any
    commands: Any
    loads: Any
    share: Any
    cum: Any
    own: Any
    heated: Any
    boxes: Any
    fresh: Any
    heat: Any
    data: Any
    kg: Any
    kg_s: Any
    mass: Any


class Samples(NamedTuple):
    """What a compiled run samples.

    Parameters
    ----------
    bus, element, box, recorder, tank : ndarray, (n, ...)
        Sums and states at the times of the samples.

    Examples
    --------
    >>> Samples._fields
    ('bus', 'element', 'box', 'recorder', 'tank')
    """

    bus: Any
    element: Any
    box: Any
    recorder: Any
    tank: Any
