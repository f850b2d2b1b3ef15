"""Packets to columns of values, by a dictionary; what cannot be decoded is counted by cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.control.packets.dictionary import Dictionary, PacketLayout, Parameter
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.interpreting import interpret
from moonpost.control.packets.layouts import (
    Group,
    Place,
    fixed_columns,
    groups_of,
    is_fixed,
    places_of,
    take_numbers,
)
from moonpost.control.packets.limits import Comparison, limit_states
from moonpost.control.packets.tally import Tally
from moonpost.errors import DataError

__all__ = ["Decoder", "Table"]

_Ints = npt.NDArray[np.int64]
_Column = npt.NDArray[Any]
_NO_TIME = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Table:
    """Decoded packets of one layout, as columns.

    Parameters
    ----------
    packet : str
        Name of the layout.
    rows : ndarray of int64, (n,)
        Place of each packet among those that were decoded together.
    apid, count : ndarray of int64, (n,)
        APID and sequence count of each.
    time : ndarray of datetime64[us], (n,)
        Time in the packet; NaT where the layout has none.
    raw : dict of str to ndarray, (n,)
        Raw values of each item behind the primary header.
    dictionary : Dictionary
        What gives them their meaning.
    """

    packet: str
    rows: _Ints
    apid: _Ints
    count: _Ints
    time: npt.NDArray[np.datetime64]
    raw: dict[str, _Column]
    dictionary: Dictionary = field(repr=False)

    def __len__(self) -> int:
        return int(self.rows.size)

    def values(self, name: str) -> _Column:
        """Values of an item with their meaning.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        ndarray, (n,)
            Numbers, labels, or instants.
        """
        calibration = self.dictionary.parameter(name).calibration
        return self.raw[name] if calibration is None else calibration.apply(self.raw[name])

    def states(self, name: str, known: dict[str, _Column] | None = None) -> npt.NDArray[np.int8]:
        """State of an item against its limits, as `limit_states` tells it.

        Parameters
        ----------
        name : str
            Name of the parameter.
        known : dict of str to ndarray, (n,), optional
            Values of parameters of other packets that its contexts compare.

        Returns
        -------
        ndarray of int8, (n,)
            States; 0 everywhere for labels, texts and octets.
        """
        parameter, values = self.dictionary.parameter(name), self.values(name)
        if values.dtype.kind not in "iuf":
            return np.zeros(len(self), np.int8)
        compared = {c.parameter for context in parameter.contexts for c in context.when}
        own = {other: self.values(other) for other in compared if other in self.raw}
        return limit_states(values, parameter.limits, parameter.contexts, {**(known or {}), **own})


@dataclass(frozen=True)
class _Compiled:
    """A layout made ready."""

    layout: PacketLayout
    places: tuple[Place, ...]
    tests: tuple[tuple[Comparison, Place], ...]
    groups: tuple[Group, ...] | None
    octets: int
    apid: int | None


class Decoder:
    """A dictionary made ready to decode; layouts that are the same in every packet become numpy dtypes.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold.

    Raises
    ------
    DataError
        If a packet is told by an item whose place differs from packet to packet.

    Examples
    --------
    >>> from moonpost.control.packets.stations import station_dictionary
    >>> from moonpost.control.packets.encoding import encode_packets
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> sent = encode_packets(dictionary, "station", {"station.shed_w": [0.0, 7.5]}, ["2030-01-01", "2030-01-02"])
    >>> (table,) = Decoder(dictionary).decode(sent)
    >>> table.values("station.shed_w").tolist(), table.states("station.shed_w").tolist()
    ([0.0, 7.5], [0, 1])
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.tally = Tally()
        ready = [_compile(dictionary, packet) for packet in dictionary.packets]
        ready.sort(key=lambda one: -len(one.tests))
        self._by_apid: dict[int, list[_Compiled]] = {}
        self._by_any = [one for one in ready if one.apid is None]
        for one in ready:
            if one.apid is not None:
                self._by_apid.setdefault(one.apid, []).append(one)

    def decode(self, packets: Packets) -> tuple[Table, ...]:
        """Decode packets.

        Parameters
        ----------
        packets : Packets
            Whole packets; those in segments and those that the dictionary lacks are counted.

        Returns
        -------
        tuple of Table
            One for each layout that came; layout by layout in the order of APIDs.
        """
        if not len(packets):
            return ()
        self.tally.packets += len(packets)
        whole = packets.flags == 3
        self.tally.reject("segmented", int(np.sum(~whole)))
        apid = packets.apid
        tables: list[Table] = []
        for number in np.unique(apid[whole]).tolist():
            rows = np.flatnonzero(whole & (apid == number))
            for one in self._by_apid.get(number, []) + self._by_any:
                if not rows.size:
                    break
                meant = _meant(packets.select(rows), one)
                self._add(tables, one, packets, rows[meant])
                rows = rows[~meant]
            self.tally.reject("unknown packet", rows.size)
        return tuple(tables)

    def times(self, packets: Packets) -> npt.NDArray[np.datetime64]:
        """Times in packets, without decoding the rest; nothing is counted.

        Parameters
        ----------
        packets : Packets
            Whole packets.

        Returns
        -------
        ndarray of datetime64[us], (n,)
            UTC; NaT where the dictionary lacks the packet or its layout has no time of a fixed place.
        """
        t: npt.NDArray[np.datetime64] = np.full(len(packets), _NO_TIME)
        apid = packets.apid if len(packets) else np.zeros(0, np.int64)
        for number in np.unique(apid).tolist():
            rows = np.flatnonzero((apid == number) & (packets.flags == 3))
            for one in self._by_apid.get(number, []) + self._by_any:
                meant = _meant(packets.select(rows), one)
                place = next((p for p in one.places if p.parameter.name == one.layout.time), None)
                if place is not None and place.bit is not None and rows[meant].size:
                    last = (place.bit + place.parameter.encoding.bits + 7) // 8
                    held = rows[meant][packets.length[rows[meant]] >= last]
                    raw = take_numbers(packets.select(held).rows(0, last), place)
                    t[held] = _times(place.parameter, {place.parameter.name: raw})
                rows = rows[~meant]
        return t

    def columns(self, packets: Packets) -> dict[str, _Column]:
        """Decode packets into columns with a row for each packet, as an archive of parameters takes them.

        Parameters
        ----------
        packets : Packets
            Whole packets.

        Returns
        -------
        dict of str to ndarray, (n,)
            Calibrated numbers, of labels the raw number, by parameter; no texts, octets and times. A column keeps
            its type where every packet holds the parameter, else it is of doubles with NaN where one does not.
        """
        found: dict[str, _Column] = {}
        for table in self.decode(packets):
            for name, raw in table.raw.items():
                calibration = self.dictionary.parameter(name).calibration
                if raw.dtype == object or isinstance(calibration, Instant):
                    continue
                values = raw if isinstance(calibration, Enumeration) else table.values(name)
                if len(table) == len(packets):
                    found[name] = values
                else:
                    found.setdefault(name, np.full(len(packets), np.nan))[table.rows] = values
        return found

    def _add(self, tables: list[Table], one: _Compiled, packets: Packets, rows: _Ints) -> None:
        """Decode the packets of one layout."""
        if not rows.size:
            return
        chosen = packets.select(rows)
        if one.groups is not None:
            columns, kept = _fixed(chosen, one.groups, one.octets, self.tally)
        else:
            columns, kept = interpret(chosen, one.places, self.tally)
        chosen, rows = chosen.select(kept), rows[kept]
        time: npt.NDArray[np.datetime64] = np.full(rows.size, _NO_TIME)
        if one.layout.time is not None:
            time = _times(self.dictionary.parameter(one.layout.time), columns)
            self.tally.reject("time", int(np.sum(np.isnat(time))))
        sound = ~np.isnat(time) if one.layout.time is not None else np.ones(rows.size, bool)
        if not sound.all():
            columns = {name: column[sound] for name, column in columns.items()}
            chosen, rows, time = chosen.select(sound), rows[sound], time[sound]
        if rows.size:
            tables.append(Table(one.layout.name, rows, chosen.apid, chosen.count, time, columns, self.dictionary))


def _compile(dictionary: Dictionary, layout: PacketLayout) -> _Compiled:
    """Make a layout ready."""
    places = places_of(dictionary, layout)
    by_name = {place.parameter.name: place for place in places}
    tests = []
    for comparison in layout.criteria:
        place = by_name.get(comparison.parameter)
        if place is None or place.bit is None or place.parameter.encoding.kind in {"binary", "text"}:
            raise DataError(
                f"packet {layout.name!r} is told by {comparison.parameter!r}, which has no fixed place in it",
                where=dictionary.name,
                advice="tell packets by numbers before the first item of varying size",
            )
        tests.append((comparison, place))
    if layout.time is not None and layout.time not in {place.parameter.name for place in places if place.data}:
        raise DataError(
            f"packet {layout.name!r} has its time {layout.time!r} nowhere behind the primary header",
            where=dictionary.name,
            advice="name one of its items there, or none",
        )
    ends = [(place.bit or 0) + place.parameter.encoding.bits for place in places if place.bit is not None]
    groups = groups_of(tuple(place for place in places if place.data)) if is_fixed(places) else None
    apid = next((int(c.value) for c, place in tests if _is_apid(c, place)), None)
    left = tuple(test for test in tests if apid is None or not _is_apid(*test))
    return _Compiled(layout, places, left, groups, (max(ends, default=0) + 7) // 8, apid)


def _is_apid(comparison: Comparison, place: Place) -> bool:
    """Whether a criterion asks for an APID, by the 11 bits of the header that hold it."""
    here = (place.bit, place.parameter.encoding.bits, comparison.operator) == (5, 11, "==")
    return here and not isinstance(comparison.value, str)


def _meant(packets: Packets, one: _Compiled) -> npt.NDArray[np.bool_]:
    """Which packets a layout's criteria fit."""
    meant = np.ones(len(packets), bool)
    for comparison, place in one.tests:
        last = ((place.bit or 0) + place.parameter.encoding.bits + 7) // 8
        first = (place.bit or 0) // 8
        meant &= packets.length >= last
        rows = packets.select(meant).rows(first, last - first)
        shifted = Place(place.parameter, (place.bit or 0) - 8 * first, False)
        values = take_numbers(rows, shifted)
        if comparison.calibrated and place.parameter.calibration is not None:
            values = np.asarray(place.parameter.calibration.apply(values))
        meant[meant] = comparison.holds(values)
    return meant


def _fixed(
    packets: Packets, groups: tuple[Group, ...], octets: int, tally: Tally
) -> tuple[dict[str, _Column], npt.NDArray[np.bool_]]:
    """Columns of a fixed layout, and which packets have its length."""
    kept = packets.length == octets
    if not kept.all():
        tally.reject("short", int(np.sum(packets.length < octets)))
        tally.reject("long", int(np.sum(packets.length > octets)))
        packets = packets.select(kept)
    return fixed_columns(packets.rows(0, octets), groups), kept


def _times(parameter: Parameter, columns: dict[str, _Column]) -> npt.NDArray[np.datetime64]:
    """Times of packets; NaT where they cannot be read."""
    if not isinstance(parameter.calibration, Instant):
        return np.full(columns[parameter.name].size, _NO_TIME)
    return parameter.calibration.apply(columns[parameter.name])
