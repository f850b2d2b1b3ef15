"""Arguments of telecommands: values, ranges and labels, to octets and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moonpost.control.packets.dictionary import Encoding
from moonpost.errors import DataError, InputError, UnknownNameError

__all__ = ["Argument", "Value", "read_arguments", "write_arguments"]

Value = int | float | str | bytes
"""Value of an argument."""

_FLOATS = {16: "e", 32: "f", 64: "d"}


@dataclass(frozen=True)
class Argument:
    """One argument of a telecommand; its value is the raw number, or its label where it has labels.

    Parameters
    ----------
    name : str
        Name, unique in its command.
    encoding : Encoding
        How it is written. Texts of a fixed size are filled with zeros. Where the size varies it is told by an
        argument before it.
    unit : str
        Unit of its value.
    description : str
        What it is.
    low, high : float or None
        Least and greatest value that is allowed, for numbers.
    labels : mapping of int to str, optional
        Labels; only numbers with one are allowed.
    default : int, float, str, bytes or None
        Value where none is given; None if one has to be given.

    Raises
    ------
    InputError
        If bounds or labels do not fit the encoding, or the default breaks them.

    Examples
    --------
    >>> Argument("state", Encoding("unsigned", 8), labels={0: "off", 1: "on"}).raw("on")
    1
    """

    name: str
    encoding: Encoding
    unit: str = ""
    description: str = ""
    low: float | None = None
    high: float | None = None
    labels: Mapping[int, str] | None = None
    default: Value | None = None

    def __post_init__(self) -> None:
        where = f"argument {self.name!r}"
        bounded = self.low is not None or self.high is not None
        if not self.name:
            raise InputError("an argument has no name", where="argument", advice="give it one")
        if bounded and (self.encoding.kind in {"text", "binary"} or self.labels is not None):
            raise InputError("only numbers without labels have bounds", where=where, advice="drop the bounds")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise InputError(f"bounds {self.low} and {self.high} cross", where=where, advice="low <= high")
        if self.labels is not None:
            fits = self.encoding.kind == "unsigned" and bool(self.labels)
            fits &= len(set(self.labels.values())) == len(self.labels)
            if not fits or not all(0 <= number < 1 << self.encoding.bits for number in self.labels):
                raise InputError("labels do not fit", where=where, advice="give unsigned numbers a label each")
        size = self.encoding.size
        if size is not None and (size.parameter is None or size.leading_bits or size.terminator or size.slope < 1):
            raise InputError(
                "a size has to be told by another argument",
                where=where,
                advice="give Size(parameter=NAME, slope=8)",
            )
        if self.default is not None:
            self.raw(self.default)

    def raw(self, value: Any) -> int | float | bytes:
        """The raw number or octets of a value.

        Parameters
        ----------
        value : int, float, str or bytes
            A number, a label, a text, or octets as bytes or hexadecimal text.

        Returns
        -------
        int, float or bytes
            What is written.

        Raises
        ------
        InputError
            If it is of another kind or out of range.
        """
        if self.encoding.kind in {"text", "binary"}:
            return self._octets(value)
        if self.labels is not None:
            return self._number_of(value)
        if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
            raise self._fault(f"{value!r} is no number")
        if not math.isfinite(value):
            raise self._fault(f"{value!r} is no finite number")
        if self.encoding.kind == "float":
            return self._in_range(self._rounded(float(value)))
        if value != int(value):
            raise self._fault(f"{value!r} is no whole number")
        return self._in_range(int(value))

    def value(self, raw: int | float | bytes) -> Value:
        """The value of a raw number or octets.

        Parameters
        ----------
        raw : int, float or bytes
            What was read.

        Returns
        -------
        int, float, str or bytes
            The value.

        Raises
        ------
        InputError
            If it is out of range.
        """
        if isinstance(raw, bytes):
            if self.encoding.kind == "binary":
                return raw
            try:
                text = (raw.rstrip(b"\0") if self.encoding.fixed else raw).decode(self.encoding.charset)
            except UnicodeDecodeError as error:
                raise self._fault("the octets are no text") from error
            self._octets(text)
            return text
        if not math.isfinite(raw):
            raise self._fault(f"{raw!r} is no finite number")
        if self.labels is not None:
            return self.labels[self._number_of(raw)]
        return self._in_range(raw)

    def _octets(self, value: Any) -> bytes:
        """Octets of a text or of hexadecimal text."""
        most, fixed = self.encoding.bits // 8, self.encoding.fixed
        if self.encoding.kind == "text":
            if not isinstance(value, str) or "\0" in value:
                raise self._fault(f"{value!r} is no text")
            octets = value.encode(self.encoding.charset, errors="replace")
            if octets.decode(self.encoding.charset) != value:
                raise self._fault(f"{value!r} has signs that {self.encoding.charset} lacks")
            fits = len(octets) <= most
            octets = octets.ljust(most, b"\0") if fixed else octets
        else:
            try:
                octets = bytes.fromhex(value) if isinstance(value, str) else bytes(memoryview(value))
            except (TypeError, ValueError) as error:
                raise self._fault(f"{value!r} are no octets") from error
            fits = len(octets) == most if fixed else len(octets) <= most
        if not fits:
            raise self._fault(f"{len(octets)} octets do not fit into {most}")
        return octets

    def _number_of(self, value: Any) -> int:
        """The number of a label or of a number with one."""
        for number, label in (self.labels or {}).items():
            if value == label or (not isinstance(value, (bool, str)) and value == number):
                return number
        allowed = ", ".join((self.labels or {}).values())
        raise self._fault(f"{value!r} is not allowed", advice=f"one of {allowed}")

    def _in_range(self, value: Any) -> Any:
        """A number that its bits and its bounds allow."""
        bits, kind = self.encoding.bits, self.encoding.kind
        if kind != "float":
            first, last = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "signed" else (0, (1 << bits) - 1)
            if not first <= value <= last:
                raise self._fault(f"{value} does not fit into {bits} bits", advice=f"{first} to {last}")
        low, high = (bound if bound is None else self._rounded(bound) for bound in (self.low, self.high))
        if (low is not None and value < low) or (high is not None and value > high):
            least = "" if self.low is None else f"{self.low:g} or more"
            most = "" if self.high is None else f"{self.high:g} or less"
            unit = f" {self.unit}" if self.unit else ""
            raise self._fault(f"{value:g}{unit} is out of range", advice=" and ".join(filter(None, (least, most))))
        return value

    def _rounded(self, value: float) -> float:
        """A number as its bits can hold it."""
        if self.encoding.kind != "float":
            return value
        code = _FLOATS[self.encoding.bits]
        try:
            return float(struct.unpack(code, struct.pack(code, value))[0])
        except OverflowError:
            raise self._fault(f"{value!r} does not fit into {self.encoding.bits} bits") from None

    def _fault(self, what: str, advice: str = "") -> InputError:
        """An error that names the argument."""
        return InputError(what, where=f"argument {self.name!r}", advice=advice or "see the dictionary of commands")


def write_arguments(command: str, arguments: tuple[Argument, ...], given: Mapping[str, Any]) -> bytes:
    """Octets of all arguments of a command.

    Parameters
    ----------
    command : str
        Name of the command, for messages.
    arguments : tuple of Argument
        Arguments in their order.
    given : mapping of str to int, float, str or bytes
        Values.

    Returns
    -------
    bytes
        The arguments, filled with zero bits up to a whole octet.

    Raises
    ------
    InputError
        If one is missing, of another kind or out of range.
    UnknownNameError
        If a value is given for an argument that is not there.

    Examples
    --------
    >>> write_arguments("set", (Argument("x", Encoding("unsigned", 4)),), {"x": 15}).hex()
    'f0'
    """
    names = [argument.name for argument in arguments]
    for name in given:
        if name not in names:
            raise UnknownNameError(name, names, kind="argument", where=command)
    raws: dict[str, int | float | bytes] = {}
    for argument in arguments:
        value = given.get(argument.name, argument.default)
        if value is not None:
            raws[argument.name] = argument.raw(value)
    for argument in arguments:
        if argument.name in raws and argument.encoding.size is not None:
            _set_size(arguments, argument, raws)
    word, used = 0, 0
    for argument in arguments:
        if argument.name not in raws:
            raise InputError(f"no value for {argument.name!r}", where=command, advice="give one")
        bits, number = _bits(argument.encoding, raws[argument.name])
        word, used = word << bits | number, used + bits
    return (word << (-used % 8)).to_bytes((used + 7) // 8, "big")


def read_arguments(command: str, arguments: tuple[Argument, ...], octets: bytes) -> dict[str, Value]:
    """Values of all arguments of a command.

    Parameters
    ----------
    command : str
        Name of the command, for messages.
    arguments : tuple of Argument
        Arguments in their order.
    octets : bytes
        What follows the headers, and nothing else.

    Returns
    -------
    dict of str to int, float, str or bytes
        Values by name.

    Raises
    ------
    DataError
        If octets lack or are left, a value is out of range, or filling bits are not zero.

    Examples
    --------
    >>> read_arguments("set", (Argument("x", Encoding("unsigned", 4)),), bytes([0xF0]))
    {'x': 15}
    """
    word, left = int.from_bytes(octets, "big"), 8 * len(octets)
    raws: dict[str, int | float | bytes] = {}
    values: dict[str, Value] = {}
    for argument in arguments:
        encoding, bits = argument.encoding, argument.encoding.bits
        if encoding.size is not None:
            told = raws[encoding.size.parameter or ""]
            bits = encoding.size.slope * int(told) + encoding.size.intercept
            if bits < 0 or bits % 8 or bits > encoding.bits:
                raise DataError(f"{argument.name!r} cannot have {bits} bits", where=command)
        if bits > left:
            raise DataError(f"octets lack from argument {argument.name!r} on", where=command)
        left -= bits
        raws[argument.name] = _raw(encoding, bits, word >> left & (1 << bits) - 1)
        try:
            values[argument.name] = argument.value(raws[argument.name])
        except InputError as error:
            raise DataError(error.what, where=f"{command}: {error.where}", advice=error.advice) from error
    if left >= 8 or word & (1 << left) - 1:
        raise DataError("octets are left after the last argument", where=command)
    return values


def _set_size(arguments: tuple[Argument, ...], argument: Argument, raws: dict[str, int | float | bytes]) -> None:
    """Put the size of an argument into the one that tells it, or compare."""
    size, octets = argument.encoding.size, raws[argument.name]
    assert size is not None
    assert isinstance(octets, bytes)
    told, rest = divmod(8 * len(octets) - size.intercept, size.slope)
    teller = next(other for other in arguments if other.name == size.parameter)
    if rest or raws.get(teller.name, told) != told:
        raise InputError(
            f"{teller.name!r} does not tell the size of {argument.name!r}",
            where=f"argument {teller.name!r}",
            advice=f"leave it out or give {told}",
        )
    raws[teller.name] = teller.raw(told)


def _bits(encoding: Encoding, raw: int | float | bytes) -> tuple[int, int]:
    """Number of bits and the bits themselves."""
    if isinstance(raw, bytes):
        return 8 * len(raw), int.from_bytes(raw, "big")
    if encoding.kind == "float":
        number = int.from_bytes(struct.pack(">" + _FLOATS[encoding.bits], raw), "big")
    else:
        number = int(raw) & (1 << encoding.bits) - 1
    return encoding.bits, _turned(encoding, number)


def _raw(encoding: Encoding, bits: int, number: int) -> int | float | bytes:
    """What bits mean."""
    if encoding.kind in {"text", "binary"}:
        return number.to_bytes(bits // 8, "big")
    number = _turned(encoding, number)
    if encoding.kind == "float":
        return float(struct.unpack(">" + _FLOATS[bits], number.to_bytes(bits // 8, "big"))[0])
    if encoding.kind == "signed" and number >> bits - 1:
        return number - (1 << bits)
    return number


def _turned(encoding: Encoding, number: int) -> int:
    """The number with its octets in the other order where the lowest comes first."""
    if not encoding.little:
        return number
    return int.from_bytes(number.to_bytes(encoding.bits // 8, "big"), "little")
