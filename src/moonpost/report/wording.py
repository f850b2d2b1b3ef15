"""Numbers, dates and names as a reader meets them."""

from __future__ import annotations

from typing import Literal

from moonpost.study.results import StudyRecord

__all__ = [
    "UNKNOWN",
    "day",
    "energy",
    "leg_name",
    "minute",
    "names",
    "number",
    "percent",
    "plain",
    "plural",
    "quantity",
    "ratio",
    "value",
]

UNKNOWN = "–"
"""Shown where a number is not known."""

_MINUS = "−"

_LEGS = {
    "loi": "lunar orbit insertion",
    "tei": "return to Earth",
    "tli": "injection to the Moon",
    "correction": "corrections on the way",
}

_UNITS = (
    ("_wh_kg", "Wh/kg", 1.0),
    ("_per_year", "% a year", 100.0),
    ("_m_s", "m/s", 1.0),
    ("_bit_s", "bit/s", 1.0),
    ("_wh", "kWh", 1e-3),
    ("_kg", "kg", 1.0),
    ("_km", "km", 1.0),
    ("_deg", "deg", 1.0),
    ("_w", "W", 1.0),
    ("_m", "m", 1.0),
    ("_s", "s", 1.0),
    ("_h", "h", 1.0),
    ("_k", "K", 1.0),
    ("years", "years", 1.0),
)
"""Endings of parameters' names with the unit shown and the factor to it; the longer ending comes first."""

_QUANTITIES = {
    "average_illumination": ("Average light", "% of disc", 100.0),
    "percent_lit": ("Time with any sunlight", "% of time", 100.0),
    "longest_dark_d": ("Longest darkness", "d", 1.0),
    "earth_visible": ("Earth in view", "% of time", 100.0),
    "longest_earth_outage_d": ("Longest time without the Earth", "d", 1.0),
}


def number(value: float | None, digits: int = 0, *, signed: bool = False) -> str:
    """Write a number with thousands separators and a true minus sign.

    Parameters
    ----------
    value : float or None
        The number; None is not known.
    digits : int
        Digits after the point.
    signed : bool
        Put a plus before positive numbers.

    Returns
    -------
    str
        The text; an en dash where nothing is known.

    Examples
    --------
    >>> number(1234.5), number(-0.2, 1, signed=True), number(None)
    ('1,234', '−0.2', '–')
    """
    if value is None:
        return UNKNOWN
    rounded = round(value, digits) + 0.0
    text = f"{abs(rounded):,.{digits}f}"
    if rounded < 0:
        return _MINUS + text
    return "+" + text if signed and rounded > 0 else text


def energy(value_wh: float | None, *, signed: bool = False) -> str:
    """Write an energy in kWh, to three digits or so.

    Examples
    --------
    >>> energy(311_159.5), energy(1524.0), energy(-41_159.5, signed=True)
    ('311', '1.5', '−41')
    """
    if value_wh is None:
        return UNKNOWN
    kwh = value_wh / 1e3
    return number(kwh, 0 if abs(kwh) >= 20 else 1, signed=signed)


def percent(value: float | None, digits: int = 0, *, signed: bool = False) -> str:
    """Write a fraction as a number of percent, without the sign for percent.

    Examples
    --------
    >>> percent(0.8779, 1)
    '87.8'
    """
    return number(None if value is None else 100.0 * value, digits, signed=signed)


def ratio(value: float | None) -> str:
    """Write a margin relative to its requirement in percent; above tenfold a percentage says nothing.

    Examples
    --------
    >>> ratio(0.157), ratio(-0.389), ratio(235.2)
    ('+16', '−39', 'over +900')
    """
    if value is not None and value > 9.0:
        return "over +900"
    return percent(value, 0, signed=True)


def day(utc: str | None) -> str:
    """Write the date of a time.

    Examples
    --------
    >>> day("2048-03-20T20:00:00Z")
    '2048-03-20'
    """
    return utc[:10] if utc else UNKNOWN


def minute(utc: str | None) -> str:
    """Write a time to the minute, as far as the text says it.

    Examples
    --------
    >>> minute("2048-03-20T20:00:31Z"), minute("2031")
    ('2048-03-20 20:00', '2031')
    """
    return utc.rstrip("Z").replace("T", " ")[:16] if utc else UNKNOWN


def plain(identifier: str) -> str:
    """Write an identifier as words.

    Examples
    --------
    >>> plain("plant-load"), plain("average_illumination")
    ('plant load', 'average illumination')
    """
    return identifier.replace("-", " ").replace("_", " ")


def leg_name(leg: str) -> str:
    """Write a leg of a chain in words.

    Examples
    --------
    >>> leg_name("loi"), leg_name("descent")
    ('lunar orbit insertion', 'descent')
    """
    return _LEGS.get(leg, plain(leg))


def value(parameter: str | None, amount: float | None) -> str:
    """Write a value of a plan's parameter with the unit that ends its name.

    Examples
    --------
    >>> value("elements[a].storage.capacity_wh", 180e3), value("design.dust_loss", 0.05)
    ('180 kWh', '5 %')
    >>> value("elements[a].generators[0].mast_m", 10.0), value("design.array_loss_per_year", 0.01)
    ('10 m', '1 % a year')
    """
    if amount is None:
        return UNKNOWN
    name = (parameter or "").rsplit(".", 1)[-1]
    for ending, unit, factor in _UNITS:
        if name.endswith(ending):
            shown = amount * factor
            return f"{number(shown) if abs(shown) >= 1000 else f'{shown:g}'} {unit}"
    return f"{100 * amount:g} %" if 0.0 <= amount <= 1.0 else f"{amount:g}"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "conflict"), plural(3, "approval")
    ('1 conflict', '3 approvals')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def quantity(name: str, unit: str) -> tuple[str, str, float]:
    """Title, unit and factor with which a published quantity is shown.

    Parameters
    ----------
    name : str
        The record's name for it.
    unit : str
        The record's unit.

    Returns
    -------
    title, unit : str
        As shown.
    factor : float
        By which the record's number is multiplied.

    Examples
    --------
    >>> quantity("percent_lit", "1")
    ('Time with any sunlight', '% of time', 100.0)
    """
    return _QUANTITIES.get(name, (plain(name).capitalize(), unit, 1.0))


def names(
    record: StudyRecord, kind: Literal["partner", "mission", "element", "site"] = "partner"
) -> dict[str, str]:
    """Names for people by identifier, as far as the record has them.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    kind : {"partner", "mission", "element", "site"}
        Of what; missions and elements may share an identifier.

    Returns
    -------
    dict of str to str
        Name by identifier.
    """
    if kind == "mission":
        return {row.mission: row.name for row in record.build.launches}
    if kind == "element":
        bars = {row.element: row.name for row in record.build.gantt}
        return bars | {row.element: row.name for row in record.design.masses}
    if kind == "site":
        return {row.site: row.name for row in record.site.rows}
    return {row.partner: row.name for row in record.partners.shares}
