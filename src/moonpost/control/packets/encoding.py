"""Values to packets, by a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.dictionary import Dictionary, Encoding, PacketLayout, Size
from moonpost.control.packets.headers import Packets, make_packets
from moonpost.control.packets.layouts import Place, as_words, is_fixed, native, places_of, write_columns
from moonpost.errors import InputError
from moonpost.sky.times import TimeLike

__all__ = ["encode_packets"]

_Column = npt.NDArray[Any]


def encode_packets(
    dictionary: Dictionary,
    packet: str,
    columns: Mapping[str, npt.ArrayLike],
    t: TimeLike | npt.NDArray[np.datetime64] | None = None,
    *,
    first_count: int = 0,
) -> Packets:
    """Packets of raw values.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold.
    packet : str
        Name of the packet.
    columns : mapping of str to array_like, (n,)
        Raw values of each item behind the primary header; bytes for texts and binaries.
    t : datetime64 array, str or datetime, (n,), optional
        UTC of each packet, for a layout with a time.
    first_count : int
        Sequence count of the first.

    Returns
    -------
    Packets
        One for each row.

    Raises
    ------
    InputError
        If a column is missing, of another length, or has a value that its bits cannot hold.

    Examples
    --------
    >>> from moonpost.control.packets.stations import station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> encode_packets(dictionary, "station", {"station.shed_w": [7.5]}, "2030-01-01").length
    array([16])
    """
    layout = dictionary.packet(packet)
    places = tuple(place for place in places_of(dictionary, layout) if place.data)
    ready = _ready(dictionary, layout, places, columns, t)
    n = len(next(iter(ready.values()), ()))
    fixed = is_fixed(places)
    bodies: Any
    if fixed:
        ends = max(((place.bit or 0) + place.parameter.encoding.bits for place in places), default=0)
        rows = np.zeros((n, (ends + 7) // 8), np.uint8)
        write_columns(rows, places, ready)
        bodies = rows[:, 6:]
    else:
        bodies = [_body(places, {name: column[row] for name, column in ready.items()}) for row in range(n)]
    if layout.apid is None:
        raise InputError(
            f"packet {packet!r} has no APID", where=dictionary.name, advice="give it a criterion on ccsds_apid"
        )
    return make_packets(layout.apid, bodies, first_count=first_count, secondary=layout.time is not None)


def _ready(
    dictionary: Dictionary,
    layout: PacketLayout,
    places: tuple[Place, ...],
    columns: Mapping[str, npt.ArrayLike],
    t: TimeLike | npt.NDArray[np.datetime64] | None,
) -> dict[str, _Column]:
    """Columns of every item, checked."""
    given: dict[str, Any] = dict(columns)
    if layout.time is not None and t is not None:
        calibration = dictionary.parameter(layout.time).calibration
        epoch = calibration.epoch if isinstance(calibration, Instant) else "TAI"
        given[layout.time] = CucClock(epoch).ticks(t)
    ready = {}
    for place in places:
        name, encoding = place.parameter.name, place.parameter.encoding
        if name not in given:
            raise InputError(f"no values for {name!r}", where=layout.name, advice="give a column for each item")
        ready[name] = _checked(name, encoding, given[name])
    if len({len(column) for column in ready.values()}) > 1:
        raise InputError("columns differ in length", where=layout.name, advice="give one value for each packet")
    return ready


def _checked(name: str, encoding: Encoding, values: npt.ArrayLike) -> _Column:
    """A column that its encoding can hold."""
    if encoding.kind in {"binary", "text"}:
        some: list[Any] = list(values)  # type: ignore[arg-type]
        column = np.empty(len(some), object)
        column[:] = [item.encode(encoding.charset) if isinstance(item, str) else bytes(item) for item in some]
        fits = all(8 * len(item) <= encoding.bits for item in column)
        fits &= not encoding.fixed or all(8 * len(item) == encoding.bits for item in column)
    else:
        column = np.atleast_1d(np.asarray(values))
        fits = column.ndim == 1 and column.dtype.kind in "iufb"
        if fits and encoding.kind != "float":
            signed = encoding.kind == "signed"
            low, high = (-(1 << encoding.bits - 1), (1 << encoding.bits - 1) - 1) if signed else (
                0, (1 << encoding.bits) - 1)  # fmt: skip
            fits = all(low <= item <= high and item == int(item) for item in _ends(column))
            fits &= column.dtype.kind != "f" or bool(np.all(column == np.rint(column)))
        if fits and encoding.kind == "float":
            with np.errstate(over="ignore"):
                fits = bool(np.all(np.isfinite(column.astype(native(encoding))) | ~np.isfinite(column)))
    if not fits:
        raise InputError(
            f"values do not fit into {encoding.bits} bits of a {encoding.kind} item",
            where=name,
            advice="give raw values within its range",
        )
    return column


def _ends(column: _Column) -> list[Any]:
    """Least and greatest number of a column; nothing of an empty one."""
    if not column.size or not np.all(np.isfinite(column)):
        return [] if not column.size else [np.inf]
    return [column.min().item(), column.max().item()]


def _body(places: tuple[Place, ...], values: dict[str, Any]) -> bytes:
    """Octets behind the primary header of a packet whose items vary in size."""
    word, used = 0, 48
    for place in places:
        encoding, value = place.parameter.encoding, values[place.parameter.name]
        if not place.follows and place.bit is not None:
            word, used = word << (place.bit - used), place.bit
        if encoding.kind in {"binary", "text"}:
            size = encoding.size or Size()
            if size.leading_bits:
                word, used = word << size.leading_bits | 8 * len(value), used + size.leading_bits
            octets = value + size.terminator
            word, used = word << 8 * len(octets) | int.from_bytes(octets, "big"), used + 8 * len(octets)
        else:
            bits = int(as_words(np.array([value]), encoding)[0])
            word, used = word << encoding.bits | bits, used + encoding.bits
    body = used - 48
    return (word << (-body % 8)).to_bytes((body + 7) // 8, "big")
