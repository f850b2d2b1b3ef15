"""The dictionary of packets: parameters, how they are encoded, and where they stand in which packet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from moonpost.control.packets.calibration import Calibration
from moonpost.control.packets.limits import Comparison, ContextLimits, Limits
from moonpost.errors import InputError, UnknownNameError

__all__ = ["HEADER", "Dictionary", "Encoding", "Item", "PacketLayout", "Parameter", "Size"]

_KINDS = {"unsigned", "signed", "float", "binary", "text"}
_FLOAT_BITS = {16, 32, 64}


@dataclass(frozen=True)
class Size:
    """How long an item is, where that differs from packet to packet.

    Parameters
    ----------
    parameter : str or None
        Raw number of an item before it that tells the size.
    slope, intercept : int
        Bits are slope times that number plus intercept.
    leading_bits : int
        Bits of a number before the item itself that counts the item's bits; 0 if there is none.
    terminator : bytes
        Octets that end a text; none if empty.

    Examples
    --------
    >>> Size("length", slope=8).slope
    8
    """

    parameter: str | None = None
    slope: int = 1
    intercept: int = 0
    leading_bits: int = 0
    terminator: bytes = b""


@dataclass(frozen=True)
class Encoding:
    """How a raw value is written in bits.

    Parameters
    ----------
    kind : {"unsigned", "signed", "float", "binary", "text"}
        Two's complement for signed numbers, IEEE 754 for floating ones.
    bits : int
        Bits of it; the most that are believed where `size` is given.
    little : bool
        Whether the lowest octet comes first.
    size : Size or None
        How the size is told where it varies.
    charset : str
        Character set of a text.

    Raises
    ------
    InputError
        If nothing can be encoded like that.

    Examples
    --------
    >>> Encoding("float", 32).fixed
    True
    """

    kind: str
    bits: int
    little: bool = False
    size: Size | None = None
    charset: str = "utf-8"

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError(
                f"no encoding {self.kind!r}", where="encoding", advice=f"one of {', '.join(sorted(_KINDS))}"
            )
        numeric = self.kind in {"unsigned", "signed", "float"}
        wrong = self.bits < 1 or (numeric and (self.bits > 64 or self.size is not None))
        wrong |= self.kind == "float" and self.bits not in _FLOAT_BITS
        wrong |= (self.little or self.kind in {"binary", "text"}) and self.bits % 8 != 0
        if wrong:
            raise InputError(
                f"{self.bits} bits cannot hold a {self.kind} item",
                where="encoding",
                advice="integers have 1 to 64 bits, floating numbers 16, 32 or 64, texts and octets whole octets",
            )

    @property
    def fixed(self) -> bool:
        """Whether it has the same size in every packet."""
        return self.size is None


@dataclass(frozen=True)
class Parameter:
    """One quantity of telemetry.

    Parameters
    ----------
    name : str
        Name, unique in its dictionary; that of the channel where there is one.
    encoding : Encoding
        How it is written.
    unit : str
        Unit of its values.
    description : str
        What it is.
    calibration : Polynomial, Spline, Enumeration, Instant or None
        What gives raw values their meaning; None where they are values already.
    limits : Limits or None
        Its usual limits.
    contexts : tuple of ContextLimits
        Limits in a context, such as the lunar night; the first that holds counts.

    Examples
    --------
    >>> Parameter("station.stored_wh", Encoding("float", 32), "Wh").unit
    'Wh'
    """

    name: str
    encoding: Encoding
    unit: str = ""
    description: str = ""
    calibration: Calibration | None = None
    limits: Limits | None = None
    contexts: tuple[ContextLimits, ...] = ()


@dataclass(frozen=True)
class Item:
    """A parameter at its place in a packet.

    Parameters
    ----------
    parameter : str
        Name of the parameter.
    bit : int or None
        Where it begins from the first bit of the packet; None right after the item before it.

    Examples
    --------
    >>> Item("cuc_time", 48).bit
    48
    """

    parameter: str
    bit: int | None = None


@dataclass(frozen=True)
class PacketLayout:
    """What a packet holds.

    Parameters
    ----------
    name : str
        Name, unique in its dictionary.
    items : tuple of Item
        In their order, those of the primary header among them.
    criteria : tuple of Comparison
        What tells this packet from others; all have to hold.
    time : str or None
        The parameter that gives the packet's time, None if it has none.
    description : str
        What the packet is for.

    Examples
    --------
    >>> PacketLayout("idle", (), (Comparison("ccsds_apid", "==", 2047),)).apid
    2047
    """

    name: str
    items: tuple[Item, ...]
    criteria: tuple[Comparison, ...]
    time: str | None = None
    description: str = ""

    @property
    def apid(self) -> int | None:
        """The APID that it has to have by the header of `HEADER`; None if it is told in another way."""
        for comparison in self.criteria:
            named = comparison.parameter == "ccsds_apid" and comparison.operator == "=="
            if named and not isinstance(comparison.value, str):
                return int(comparison.value)
        return None


@dataclass(frozen=True)
class Dictionary:
    """All parameters and packets of a source.

    Parameters
    ----------
    name : str
        Name of the source.
    parameters : tuple of Parameter
        Every parameter.
    packets : tuple of PacketLayout
        Every packet.
    notes : tuple of str
        What a file said that is not used here and changes no value.

    Raises
    ------
    InputError
        If a name is given twice or a packet names a parameter that is not there.

    Examples
    --------
    >>> Dictionary("empty", HEADER, ()).parameter("ccsds_apid").encoding.bits
    11
    """

    name: str
    parameters: tuple[Parameter, ...]
    packets: tuple[PacketLayout, ...]
    notes: tuple[str, ...] = ()
    _by_name: dict[str, Parameter] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _unique(self.name, "parameter", (parameter.name for parameter in self.parameters))
        _unique(self.name, "packet", (packet.name for packet in self.packets))
        object.__setattr__(self, "_by_name", {parameter.name: parameter for parameter in self.parameters})
        for packet in self.packets:
            _unique(packet.name, "item", (item.parameter for item in packet.items))
            for name in [item.parameter for item in packet.items] + [c.parameter for c in packet.criteria]:
                self.parameter(name)

    def parameter(self, name: str) -> Parameter:
        """The parameter of a name."""
        if name not in self._by_name:
            raise UnknownNameError(name, self._by_name, kind="parameter", where=self.name)
        return self._by_name[name]

    def packet(self, name: str) -> PacketLayout:
        """The packet of a name."""
        for packet in self.packets:
            if packet.name == name:
                return packet
        raise UnknownNameError(name, [p.name for p in self.packets], kind="packet", where=self.name)


def _unique(where: str, kind: str, names: Iterable[str]) -> None:
    """Refuse names given twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{kind} {name!r} is given twice", where=where, advice="rename one of them")
        seen.add(name)


def _header() -> tuple[Parameter, ...]:
    """Fields of the primary header."""
    rows = (
        ("ccsds_version", 3, "Version of the packet, 0"), ("ccsds_type", 1, "1 for a telecommand"),
        ("ccsds_secondary", 1, "1 if a secondary header follows"), ("ccsds_apid", 11, "Application process"),
        ("ccsds_flags", 2, "Sequence flags: 3 whole"), ("ccsds_count", 14, "Sequence count"),
        ("ccsds_length", 16, "Octets after the primary header less one"),
    )  # fmt: skip
    return tuple(Parameter(name, Encoding("unsigned", bits), description=text) for name, bits, text in rows)


HEADER: tuple[Parameter, ...] = _header()
"""The fields of the primary header as parameters, in their order."""
