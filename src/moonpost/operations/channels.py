"""The channel dictionary: every series of a simulation by key, unit, limits and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["VARIABLES", "Channel", "Variable", "channels_of"]


@dataclass(frozen=True)
class Variable:
    """A quantity that a simulation gives for each of its subjects.

    Parameters
    ----------
    name : str
        Name in the dataset.
    unit : str
        Unit, ``1`` for a fraction.
    long_name : str
        Label for an axis.
    description : str
        One sentence for the dictionary.
    over : {"sky", "mast", "bus", "element", "box", "recorder", "tank"}
        What it is given for.

    Examples
    --------
    >>> VARIABLES["stored_wh"].unit
    'Wh'
    """

    name: str
    unit: str
    long_name: str
    description: str
    over: str


@dataclass(frozen=True)
class Channel:
    """One series with its limits, the same for simulated and live telemetry.

    Parameters
    ----------
    key : str
        Subject and variable with a dot between, such as ``station.stored_wh``.
    unit : str
        Unit.
    low, high : float or None
        Limits beyond which the value calls for attention; None where it has none.
    description : str
        What it is.

    Examples
    --------
    >>> Channel("station.shed_w", "W", None, 0.0, "Power asked for and not given.").key
    'station.shed_w'
    """

    key: str
    unit: str
    low: float | None
    high: float | None
    description: str


_MEAN = "Mean of the step that begins at the time given."

_ROWS = (
    Variable("sun_azimuth_deg", "deg", "Sun azimuth", "Azimuth of the Sun, clockwise from north.", "sky"),
    Variable("sun_elevation_deg", "deg", "Sun elevation", "Elevation of its centre, without terrain.", "sky"),
    Variable("sun_distance_m", "m", "Sun distance", "Distance of the Sun.", "sky"),
    Variable("light_fraction", "1", "Solar disc in view", "Fraction of the solar disc above the horizon.", "mast"),
    Variable("supply_w", "W", "Available supply", f"What the sources could give, before the bus. {_MEAN}", "bus"),
    Variable("load_w", "W", "Demand", f"What the loads ask for. {_MEAN}", "bus"),
    Variable("served_w", "W", "Served load", f"What the loads get. {_MEAN}", "bus"),
    Variable("shed_w", "W", "Shed load", f"What the loads ask for and do not get. {_MEAN}", "bus"),
    Variable("charged_w", "W", "Charging", f"Into the store, at the bus. {_MEAN}", "bus"),
    Variable("discharged_w", "W", "Discharging", f"Out of the store, at the bus. {_MEAN}", "bus"),
    Variable("spilled_w", "W", "Unused supply", f"Not used because the store is full. {_MEAN}", "bus"),
    Variable("bus_loss_w", "W", "Bus loss", f"Lost between sources and bus. {_MEAN}", "bus"),
    Variable("storage_loss_w", "W", "Storage loss", f"Lost into and out of the store. {_MEAN}", "bus"),
    Variable("stored_wh", "Wh", "Stored energy", "Usable energy held at the time given.", "bus"),
    Variable("usable_wh", "Wh", "Usable capacity", "Usable energy that fits in at the time given.", "bus"),
    Variable("stored_fraction", "1", "State of charge", "Stored over usable energy; 0 without a store.", "bus"),
    Variable("in_light", "1", "In light", "1 while the bus runs light modes, 0 in dark ones.", "bus"),
    Variable("element_supply_w", "W", "Available supply", f"What its sources could give. {_MEAN}", "element"),
    Variable("element_load_w", "W", "Demand", f"What it asks for. {_MEAN}", "element"),
    Variable("element_served_w", "W", "Served load", f"What it gets. {_MEAN}", "element"),
    Variable(
        "element_working", "1", "Works", "1 while it is awake and within its limits, at the time given.", "element"
    ),
    Variable("box_k", "K", "Box temperature", "Temperature of its warm box at the time given.", "box"),
    Variable("heater_w", "W", "Heater", f"Power that its heater gets, at the bus. {_MEAN}", "box"),
    Variable("held_bit", "bit", "Data held", "Data in its recorder at the time given.", "recorder"),
    Variable("made_bit_s", "bit/s", "Data made", f"Data that it makes. {_MEAN}", "recorder"),
    Variable("sent_bit_s", "bit/s", "Data sent", f"Data that it sends. {_MEAN}", "recorder"),
    Variable("lost_bit_s", "bit/s", "Data lost", f"Data made and not kept. {_MEAN}", "recorder"),
    Variable("tank_kg", "kg", "Content", "Mass in the tank at the time given.", "tank"),
)

VARIABLES: Mapping[str, Variable] = {row.name: row for row in _ROWS}
"""Every variable of a simulation by name."""


def channels_of(
    buses: Mapping[str, float],
    elements: Mapping[str, float],
    masts_m: tuple[float, ...],
    *,
    boxes: Mapping[str, tuple[float, float]] | None = None,
    recorders: Mapping[str, float] | None = None,
    tanks: Mapping[str, float] | None = None,
) -> tuple[Channel, ...]:
    """The channels of a simulation.

    Parameters
    ----------
    buses : mapping of str to float
        Buses with the largest usable energy of their stores [Wh].
    elements : mapping of str to float
        Elements with the largest power that they ask for [W].
    masts_m : tuple of float
        Heights at which light is given [m].
    boxes : mapping of str to (float, float), optional
        Machines with a box, with the temperatures between which they work [K].
    recorders, tanks : mapping of str to float, optional
        Machines with a recorder and what it holds [bit]; tanks and what they hold [kg].

    Returns
    -------
    tuple of Channel
        In the order sky, masts, buses, elements. A store below a fifth calls for attention, and any shed load.

    Examples
    --------
    >>> [c.key for c in channels_of({}, {}, (2.0,)) if c.key.startswith("mast")]
    ['mast-2m.light_fraction']
    """
    sky = [row for row in _ROWS if row.over == "sky"]
    found = [Channel(f"sky.{row.name}", row.unit, None, None, row.description) for row in sky]
    for mast_m in masts_m:
        row = VARIABLES["light_fraction"]
        found.append(Channel(f"mast-{mast_m:g}m.{row.name}", row.unit, 0.0, 1.0, row.description))
    for bus, usable_wh in buses.items():
        limits: dict[str, tuple[float | None, float | None]] = {
            "stored_wh": (0.2 * usable_wh, usable_wh),
            "shed_w": (None, 0.0),
        }
        limits["stored_fraction"] = (0.2 if usable_wh > 0 else None, 1.0)
        found.extend(_subject(bus, "bus", limits))
    for element, load_w in elements.items():
        found.extend(_subject(element, "element", {"element_load_w": (None, load_w)}))
    for element, limits_k in (boxes or {}).items():
        found.extend(_subject(element, "box", {"box_k": limits_k}))
    for element, most_bit in (recorders or {}).items():
        found.extend(
            _subject(element, "recorder", {"held_bit": (None, 0.9 * most_bit), "lost_bit_s": (None, 0.0)})
        )
    for tank, most_kg in (tanks or {}).items():
        found.extend(_subject(tank, "tank", {"tank_kg": (0.0, most_kg)}))
    return tuple(found)


def _subject(subject: str, over: str, limits: Mapping[str, tuple[float | None, float | None]]) -> list[Channel]:
    """The channels of one bus or element."""
    none = (None, None)
    rows = [row for row in _ROWS if row.over == over]
    return [
        Channel(f"{subject}.{row.name}", row.unit, *limits.get(row.name, none), row.description) for row in rows
    ]
