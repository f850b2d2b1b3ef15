"""Values as they come: what is newest, what is late, how each stands against its limits, and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.control.packets.decoding import Table
from moonpost.control.packets.dictionary import Dictionary, PacketLayout, Parameter
from moonpost.control.packets.limits import Limits, limit_states

__all__ = ["LiveBatch", "Report"]

_Column = npt.NDArray[Any]
_States = npt.NDArray[np.int8]
_Times = npt.NDArray[np.datetime64]
Samples = tuple[_Times, _Column, _States]
"""Times, values and states of one parameter, (n,) each."""


@dataclass(frozen=True)
class Report:
    """A report of the station: an event, a stage of a command, what waits on board.

    Parameters
    ----------
    service, subservice : int
        Its kind (ECSS-E-ST-70-41C).
    time : numpy.datetime64
        UTC in the packet.
    fields : mapping of str to object
        What it says, by parameter: numbers, labels, texts, octets.
    late : bool
        Whether it was stored on board and came later.
    packet : str
        Name of its layout.

    Examples
    --------
    >>> Report(1, 7, np.datetime64("2030-01-01", "us"), {"request_count": 5}).subservice
    7
    """

    service: int
    subservice: int
    time: np.datetime64
    fields: Mapping[str, Any]
    late: bool = False
    packet: str = ""


@dataclass(frozen=True, eq=False)
class LiveBatch:
    """What one piece of telemetry brought, for listeners.

    Parameters
    ----------
    time : numpy.datetime64
        UTC of the receipt, by the mission's clock.
    columns : mapping of str to tuple of ndarray, (n,) each
        Times, values and states by parameter, in order of time; labels are raw numbers.
    reports : tuple of Report
        Reports in order of time.
    late : mapping of str to tuple of ndarray, (n,) each
        The same of data that are not of now: played back, or older than what was there.

    Examples
    --------
    >>> LiveBatch(np.datetime64("2030-01-01", "us"), {}, ()).late
    {}
    """

    time: np.datetime64
    columns: Mapping[str, Samples]
    reports: tuple[Report, ...]
    late: Mapping[str, Samples] = field(default_factory=dict)


@dataclass(frozen=True)
class Decoded:
    """Packets of one layout with their values, as the archive took them."""

    table: Table
    values: dict[str, _Column]
    time: _Times

    @classmethod
    def of(cls, table: Table, archived: _Times | None = None) -> Decoded:
        """Values of a table: calibrated numbers, of labels the raw numbers; no texts, octets and times.

        Packets without a time of their own have that of the archive, given for all that were decoded together.
        """
        values = {}
        for name, raw in table.raw.items():
            calibration = table.dictionary.parameter(name).calibration
            if raw.dtype == object or isinstance(calibration, Instant):
                continue
            values[name] = (
                raw if calibration is None or isinstance(calibration, Enumeration) else table.values(name)
            )
        time = table.time
        if archived is not None and np.any(np.isnat(time)):
            time = np.where(np.isnat(time), archived[table.rows], time)
        return cls(table, values, time)


def columns_of(decoded: list[Decoded], size: int) -> dict[str, _Column]:
    """Columns with a row for each of the packets that were decoded together, as an archive takes them."""
    found: dict[str, _Column] = {}
    for one in decoded:
        for name, values in one.values.items():
            if len(one.table) == size:
                found[name] = values
            else:
                found.setdefault(name, np.full(size, np.nan))[one.table.rows] = values
    return found


class Judge:
    """States of values against the limits of a dictionary, in the context that other packets tell.

    Parameters
    ----------
    dictionary : Dictionary
        Parameters with their limits.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.limited = {p.name: p for p in dictionary.parameters if p.limits is not None or p.contexts}
        self.compared = {c.parameter for p in self.limited.values() for x in p.contexts for c in x.when}
        self._last: dict[str, tuple[_Times, _Column]] = {}

    def learn(self, decoded: list[Decoded]) -> None:
        """Take values that contexts compare."""
        for one in decoded:
            for name in self.compared & one.values.keys():
                time, values = one.time, one.values[name]
                if name in self._last:
                    time = np.concatenate((self._last[name][0], time))
                    values = np.concatenate((self._last[name][1], values))
                order = np.argsort(time, kind="stable")
                self._last[name] = time[order], values[order]

    def settle(self) -> None:
        """Keep only the newest of what contexts compare."""
        self._last = {name: (time[-64:], values[-64:]) for name, (time, values) in self._last.items()}

    def states(self, name: str, values: _Column, time: _Times, *, deadband: float = 0.0) -> _States:
        """State of each value; with a deadband by limits that are narrower by that fraction."""
        parameter = self.limited.get(name)
        if parameter is None or values.dtype.kind not in "iuf":
            return np.zeros(values.shape, np.int8)
        known = {c.parameter: self._known(c.parameter, time) for x in parameter.contexts for c in x.when}
        if not deadband:
            if not known and _is_good(values, parameter.limits):
                return np.zeros(values.shape, np.int8)
            return limit_states(values, parameter.limits, parameter.contexts, known)
        limits, contexts = _narrower(parameter, deadband)
        return limit_states(values, limits, contexts, known)

    def _known(self, name: str, time: _Times) -> _Column:
        """The last value of a parameter at or before each time; NaN where none is known."""
        if name not in self._last:
            return np.full(time.shape, np.nan)
        since, values = self._last[name]
        row = np.searchsorted(since, time, side="right") - 1
        return np.where(row >= 0, values[np.maximum(row, 0)].astype(np.float64), np.nan)


def report_keys(layout: PacketLayout) -> tuple[str, str] | None:
    """Names of the items that tell service and subservice of a report, None if the packet is no report."""
    names = [item.parameter for item in layout.items]
    service = next((name for name in names if name.rpartition(".")[2] in ("service", "pus_service")), None)
    kind = next((name for name in names if name.rpartition(".")[2] in ("subservice", "pus_subservice")), None)
    return (service, kind) if service and kind else None


def reports_of(decoded: Decoded, keys: tuple[str, str], late: npt.NDArray[np.bool_]) -> list[Report]:
    """Reports of a table, in its order."""
    table = decoded.table
    meant = {name: _meaning(table, name) for name in table.raw}
    services, kinds = table.raw[keys[0]], table.raw[keys[1]]
    found = []
    for row in range(len(table)):
        fields = {name: column[row] for name, column in meant.items()}
        told = {name: value.item() if isinstance(value, np.generic) else value for name, value in fields.items()}
        found.append(
            Report(int(services[row]), int(kinds[row]), decoded.time[row], told, bool(late[row]), table.packet)
        )
    return found


def _meaning(table: Table, name: str) -> _Column:
    """Values of an item for people: labels as texts, texts decoded."""
    parameter = table.dictionary.parameter(name)
    raw = table.raw[name]
    if parameter.encoding.kind == "text" and raw.dtype == object:
        texts = np.empty(raw.size, object)
        texts[:] = [_text(item, parameter.encoding.charset) for item in raw]
        return texts
    return table.values(name)


def _text(item: Any, charset: str) -> str:
    """A text without the zeros that fill it."""
    decoded = item if isinstance(item, str) else bytes(item).decode(charset, "replace")
    return decoded.rstrip("\0")


def _is_good(values: _Column, limits: Limits | None) -> bool:
    """Whether all values lie within the narrowest limits; false where one is no number."""
    if limits is None or not values.size:
        return not values.size
    low, high = values.min(), values.max()
    lows = [bound for bound in (limits.warning_low, limits.critical_low) if bound is not None]
    highs = [bound for bound in (limits.warning_high, limits.critical_high) if bound is not None]
    return bool(all(low >= bound for bound in lows) and all(high <= bound for bound in highs) and low == low)


def _narrower(parameter: Parameter, deadband: float) -> tuple[Limits | None, Any]:
    """Limits and contexts that are narrower by a fraction."""
    from dataclasses import replace

    contexts = tuple(replace(context, limits=_eased(context.limits, deadband)) for context in parameter.contexts)
    return (None if parameter.limits is None else _eased(parameter.limits, deadband)), contexts


def _eased(limits: Limits, deadband: float) -> Limits:
    """Limits narrower by a fraction of their width, or of the bound where there is one only."""
    bounds = [limits.critical_low, limits.warning_low, limits.warning_high, limits.critical_high]
    known = [bound for bound in bounds if bound is not None]
    if not known:
        return limits
    width = known[-1] - known[0] if known[-1] > known[0] else abs(known[0])
    step = deadband * width if np.isfinite(width) else 0.0
    lows = [None if bound is None else bound + step for bound in bounds[:2]]
    highs = [None if bound is None else bound - step for bound in bounds[2:]]
    if not all(low <= high for low in lows for high in highs if low is not None and high is not None):
        return limits
    return Limits(lows[1], highs[0], lows[0], highs[1])
