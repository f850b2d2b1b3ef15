"""Parameter types of XTCE files: encodings, calibrators, labels, times and alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from moonpost.control.packets.calibration import Calibration, Enumeration, Instant, Polynomial, Spline
from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.dictionary import Encoding, Parameter, Size
from moonpost.control.packets.limits import Comparison, ContextLimits, Limits
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "TypeReader",
    "children",
    "comparisons",
    "fault",
    "local",
    "located",
    "named",
    "number",
    "twice",
    "whole",
]

_EPOCHS = {"TAI": "TAI", "UNIX": "UNIX", "GPS": "1980-01-06T00:00:00Z", "J2000": "2000-01-01T11:58:55.816Z"}
_CHARSETS = {"UTF-8": "utf-8", "US-ASCII": "ascii", "ISO-8859-1": "latin-1",
             "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be", "Windows-1252": "cp1252"}  # fmt: skip
_INTEGERS = {"unsigned": "unsigned", "twosComplement": "signed", "twosCompliment": "signed"}
_LEAVES = {"LongDescription", "AliasSet", "AncillaryDataSet", "UnitSet", "ValidRange", "ValidRangeSet", "ToString",
           "ReferenceTime", "EnumerationList", "SizeRangeInCharacters"}  # fmt: skip
_MOST_LABELS = 1 << 18
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?([0-9]+|0[xX][0-9a-fA-F]+)")


class TypeReader:
    """Types of a file by their paths, each as a parameter without a name.

    Parameters
    ----------
    path : str
        The file, for messages.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.known: dict[str, Parameter] = {}
        self.notes: list[str] = []

    def read(self, place: str, row: _Element) -> None:
        """Read one type."""
        with located(self.path, place, row):
            if place in self.known:
                raise twice(self.path, place)
            self._read(place, row)

    def _read(self, place: str, row: _Element) -> None:
        """Read one type that was not there yet."""
        kind = local(row).removesuffix("ParameterType").removesuffix("ArgumentType")
        readers = {"Integer", "Float", "Enumerated", "Boolean", "Binary", "String", "AbsoluteTime"}
        if kind not in readers:
            raise fault(self.path, place, local(row))
        if row.get("baseType"):
            raise fault(self.path, place, "a type that is based on another one")
        encoding, calibration = self._coded(place, row)
        if calibration is not None and kind not in {"Integer", "Float"}:
            raise fault(self.path, place, f"a calibrator below {local(row)}")
        if kind in {"Enumerated", "Boolean"} and encoding.kind not in {"unsigned", "signed"}:
            raise fault(self.path, place, f"{local(row)} of other than whole numbers")
        if kind == "AbsoluteTime" and encoding.kind in {"binary", "text"}:
            raise fault(self.path, place, f"{local(row)} of octets or a text")
        if kind == "Enumerated":
            calibration = self._labels(place, row)
        elif kind == "Boolean":
            calibration = Enumeration(
                {0: row.get("zeroStringValue", "False"), 1: row.get("oneStringValue", "True")}
            )
        elif kind == "AbsoluteTime":
            calibration = self._instant(place, row)
        units = " ".join(unit.text or "" for units in named(row, "UnitSet") for unit in children(units))
        limits, contexts = self._alarms(place, row)
        self.known[place] = Parameter(
            place, encoding, units.strip(), row.get("shortDescription", ""), calibration, limits, contexts
        )

    def _coded(self, place: str, row: _Element) -> tuple[Encoding, Calibration | None]:
        """Encoding and calibration."""
        for part in children(row):
            tag = local(part)
            if tag == "Encoding":
                return self._coded(place, part)
            if tag.endswith("DataEncoding"):
                self._ordered(place, part)
            if tag in {"IntegerDataEncoding", "FloatDataEncoding"}:
                return self._numeric(place, part, tag), self._calibration(place, part)
            if tag == "BinaryDataEncoding":
                return self._binary(place, part), None
            if tag == "StringDataEncoding":
                return self._text(place, part), None
        raise fault(self.path, place, "a type without an encoding")

    def _numeric(self, place: str, part: _Element, tag: str) -> Encoding:
        """Encoding of numbers."""
        integer = tag == "IntegerDataEncoding"
        bits = whole(self.path, place, part.get("sizeInBits", "8" if integer else "32"))
        told = part.get("encoding", "unsigned" if integer else "IEEE754_1985")
        if integer and told not in _INTEGERS:
            raise fault(self.path, place, f"the encoding {told}")
        if not integer and told not in {"IEEE754_1985", "IEEE754", "IEEE-754"}:
            raise fault(self.path, place, f"the encoding {told}")
        order = part.get("byteOrder", "mostSignificantByteFirst")
        if order not in {"mostSignificantByteFirst", "leastSignificantByteFirst"}:
            raise fault(self.path, place, f"the byte order {order}")
        kind = _INTEGERS[told] if integer else "float"
        return Encoding(kind, bits, order.startswith("least") and bits > 8)

    def _ordered(self, place: str, part: _Element) -> None:
        """Refuse orders of bits and octets that would be read wrongly."""
        if part.get("bitOrder", "mostSignificantBitFirst") != "mostSignificantBitFirst":
            raise fault(self.path, place, "a bit order from the lowest bit on")
        order = part.get("byteOrder", "mostSignificantByteFirst")
        if local(part) in {"BinaryDataEncoding", "StringDataEncoding"} and order != "mostSignificantByteFirst":
            raise fault(self.path, place, f"the byte order {order} of octets or a text")

    def _calibration(self, place: str, part: _Element) -> Calibration | None:
        """Calibrator of numbers."""
        rows = children(part)
        if not rows:
            return None
        other = next((local(row) for row in rows if local(row) != "DefaultCalibrator"), None)
        if other is not None or len(rows) > 1:
            raise fault(self.path, place, other or "more than one DefaultCalibrator")
        found = children(rows[0])
        if len(found) != 1 or local(found[0]) not in {"PolynomialCalibrator", "SplineCalibrator"}:
            raise fault(self.path, place, " and ".join(map(local, found)) or "a DefaultCalibrator without content")
        is_spline = local(found[0]) == "SplineCalibrator"
        return self._spline(place, found[0]) if is_spline else self._polynomial(place, found[0])

    def _polynomial(self, place: str, row: _Element) -> Polynomial:
        """A polynomial."""
        rows = self._rows(place, row, "Term")
        terms = {whole(self.path, place, term.get("exponent")): number(
            self.path, place, term.get("coefficient")) for term in rows}  # fmt: skip
        if not terms or not 0 <= min(terms) <= max(terms) <= 64:
            raise fault(self.path, place, "exponents below 0 or beyond 64")
        if len(terms) < len(rows):
            raise fault(self.path, place, "an exponent that is given twice")
        return Polynomial(tuple(terms.get(power, 0.0) for power in range(max(terms) + 1)))

    def _spline(self, place: str, row: _Element) -> Spline:
        """A spline."""
        points = [
            (number(self.path, place, point.get("raw")), number(self.path, place, point.get("calibrated")))
            for point in self._rows(place, row, "SplinePoint")
        ]
        order = whole(self.path, place, row.get("order", "1"))
        if order > 1:
            raise fault(self.path, place, f"a spline of order {order}")
        raw, calibrated = zip(*sorted(points), strict=True) if points else ((), ())
        return Spline(raw, calibrated, order, row.get("extrapolate") in {"true", "1"})

    def _rows(self, place: str, row: _Element, tag: str) -> tuple[_Element, ...]:
        """Children that are all of one kind."""
        rows = children(row)
        other = next((local(one) for one in rows if local(one) != tag), None)
        if other is not None:
            raise fault(self.path, place, f"{other} in {local(row)}")
        return rows

    def _labels(self, place: str, row: _Element) -> Enumeration:
        """Labels."""
        labels: dict[int, str] = {}
        for rows in named(row, "EnumerationList"):
            for label in self._rows(place, rows, "Enumeration"):
                first = whole(self.path, place, label.get("value"))
                last = whole(self.path, place, label.get("maxValue", str(first)))
                if not 0 <= last - first < 65536 or len(labels) > _MOST_LABELS:
                    raise fault(self.path, place, "a label for less than one or more than 65536 numbers")
                more = dict.fromkeys(range(first, last + 1), label.get("label", ""))
                if labels.keys() & more.keys():
                    raise fault(self.path, place, f"a number with two labels ({min(labels.keys() & more.keys())})")
                labels |= more
        return Enumeration(labels)

    def _instant(self, place: str, row: _Element) -> Instant:
        """A count of time."""
        scale, offset, epoch = 1.0, 0.0, "TAI"
        for part in named(row, "Encoding"):
            seconds = {"seconds": 1.0, "picoSeconds": 1e-12, "days": 86400.0}
            unit = part.get("units", "seconds")
            if unit not in seconds:
                raise fault(self.path, place, f"times in {unit}")
            scale = number(self.path, place, part.get("scale", "1")) * seconds[unit]
            offset = number(self.path, place, part.get("offset", "0")) * seconds[unit]
        references = list(named(row, "ReferenceTime"))
        for reference in references:
            for part in children(reference):
                if local(part) != "Epoch":
                    raise fault(self.path, place, "a time from another parameter on")
                told = (part.text or "").strip()
                epoch = _EPOCHS.get(told, told)
        if epoch != "UNIX":
            CucClock(epoch).at(np.zeros(1, np.int64))  # refuses what is no date
        if not references:
            self.notes.append(f"{place}: no epoch told, read from the TAI epoch on")
        return Instant(epoch, scale, offset)

    def _binary(self, place: str, part: _Element) -> Encoding:
        """Octets."""
        for row in self._rows(place, part, "SizeInBits"):
            for size in children(row):
                if local(size) == "FixedValue":
                    return Encoding("binary", whole(self.path, place, size.text))
                if local(size) == "DynamicValue":
                    return Encoding("binary", 8 * 65536, size=self._dynamic(place, size))
                raise fault(self.path, place, local(size))
        raise fault(self.path, place, "octets without a size")

    def _dynamic(self, place: str, row: _Element) -> Size:
        """A size that an item tells."""
        name, slope, intercept = None, 1, 0
        for part in children(row):
            if local(part) in {"ParameterInstanceRef", "ArgumentInstanceRef"}:
                name = part.get("parameterRef") or part.get("argumentRef")
                _instance(self.path, place, part)
            elif local(part) == "LinearAdjustment":
                slope = whole(self.path, place, part.get("slope", "1"))
                intercept = whole(self.path, place, part.get("intercept", "0"))
            else:
                raise fault(self.path, place, f"{local(part)} in a size")
        if not name:
            raise fault(self.path, place, "a size that no item tells")
        return Size(name, slope, intercept)

    def _text(self, place: str, part: _Element) -> Encoding:
        """A text."""
        charset = _CHARSETS.get(part.get("encoding", "UTF-8"))
        if charset is None:
            raise fault(self.path, place, f"the character set {part.get('encoding')}")
        for row in children(part):
            if local(row) == "SizeInBits":
                fixed = [value for inner in named(row, "Fixed") for value in named(inner, "FixedValue")]
                if len(fixed) != 1 or len(list(children(row))) != 1:
                    raise fault(self.path, place, "a text of fixed size with a terminator or a size in it")
                return Encoding("text", whole(self.path, place, fixed[0].text), charset=charset)
            if local(row) == "Variable":
                return self._variable(place, row, charset)
        raise fault(self.path, place, "a text without a size")

    def _variable(self, place: str, row: _Element, charset: str) -> Encoding:
        """A text of varying size."""
        most = whole(self.path, place, row.get("maxSizeInBits", str(8 * 65536)))
        leading = [whole(self.path, place, size.get("sizeInBitsOfSizeTag", "16"))
                   for size in named(row, "LeadingSize")]  # fmt: skip
        ends = [self._terminator(place, end.text or "00") for end in named(row, "TerminationChar")]
        if leading and ends:
            raise fault(self.path, place, "a text with both a size in it and a terminator")
        if leading:
            return Encoding("text", most - leading[0], size=Size(leading_bits=leading[0]), charset=charset)
        if ends:
            return Encoding("text", most - 8 * len(ends[0]), size=Size(terminator=ends[0]), charset=charset)
        for size in named(row, "DynamicValue"):
            return Encoding("text", most, size=self._dynamic(place, size), charset=charset)
        raise fault(self.path, place, "a text whose size is told by a table")

    def _terminator(self, place: str, text: str) -> bytes:
        """What ends a text."""
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise fault(self.path, place, f"the terminator {text!r}") from None

    def _alarms(self, place: str, row: _Element) -> tuple[Limits | None, tuple[ContextLimits, ...]]:
        """Limits, and those of contexts."""
        limits, contexts = None, []
        for part in children(row):
            tag = local(part)
            if tag == "DefaultAlarm":
                limits = self._limits(place, part)
            elif tag == "ContextAlarmList":
                for alarm in children(part):
                    when = [comparisons(self.path, place, match) for match in named(alarm, "ContextMatch")]
                    bounds = self._limits(place, alarm)
                    if bounds is not None and when and when[0]:
                        contexts.append(ContextLimits(when[0], bounds))
            elif tag not in _LEAVES and not tag.endswith("Encoding"):
                self.notes.append(f"{place}: {tag} left out")
        return limits, tuple(contexts)

    def _limits(self, place: str, alarm: _Element) -> Limits | None:
        """Bounds of warnings and critical states."""
        bounds: dict[str, float] = {}
        for part in children(alarm):
            if local(part) == "ContextMatch":
                continue
            if local(part) != "StaticAlarmRanges" or part.get("rangeForm", "outside") != "outside":
                self.notes.append(f"{place}: {local(part)} left out")
                continue
            for ranges in children(part):
                severity = {"WarningRange": "warning", "CriticalRange": "critical"}.get(local(ranges))
                if severity is None:
                    self.notes.append(f"{place}: {local(ranges)} left out")
                    continue
                bounds |= self._range(place, ranges, severity)
        return Limits(**bounds) if bounds else None

    def _range(self, place: str, row: _Element, severity: str) -> dict[str, float]:
        """Bounds of one severity; a bound that is excluded is the next number inside."""
        found = {}
        for name, side, inward in (("min", "low", np.inf), ("max", "high", -np.inf)):
            if row.get(f"{name}Inclusive") is not None:
                found[f"{severity}_{side}"] = number(self.path, place, row.get(f"{name}Inclusive"))
            elif row.get(f"{name}Exclusive") is not None:
                bound = number(self.path, place, row.get(f"{name}Exclusive"))
                found[f"{severity}_{side}"] = float(np.nextafter(bound, inward))
        return found


def comparisons(path: str, place: str, match: _Element) -> tuple[Comparison, ...]:
    """Comparisons that all have to hold."""
    found: list[Comparison] = []
    for part in children(match):
        tag = local(part)
        if tag == "Comparison":
            told = (part.get(key) for key in ("parameterRef", "comparisonOperator", "value", "useCalibratedValue"))
            _instance(path, place, part)
            found.append(_comparison(*told))
        elif tag in {"ComparisonList", "BooleanExpression", "ANDedConditions"}:
            found += comparisons(path, place, part)
        elif tag == "Condition":
            found.append(_condition(path, place, part))
        else:
            raise fault(path, place, tag)
    return tuple(found)


def _condition(path: str, place: str, row: _Element) -> Comparison:
    """A comparison as boolean expressions write it."""
    parts = [local(part) for part in children(row)]
    if parts != ["ParameterInstanceRef", "ComparisonOperator", "Value"]:
        raise fault(path, place, f"a condition of {', '.join(parts)}")
    reference, relation, value = children(row)
    _instance(path, place, reference)
    return _comparison(
        reference.get("parameterRef"), relation.text, value.text, reference.get("useCalibratedValue")
    )


def _comparison(name: str | None, relation: str | None, text: str | None, use: str | None) -> Comparison:
    """One comparison; a value that reads as a number is one."""
    text = (text or "").strip()
    value: float | int | str = text
    if _WHOLE.fullmatch(text):
        value = _whole(text)
    elif _NUMBER.fullmatch(text) and np.isfinite(float(text)):
        value = float(text)
    calibrated = use is None or use in {"true", "1"}
    return Comparison(name or "", (relation or "==").strip(), value, calibrated)


def children(element: _Element) -> tuple[_Element, ...]:
    """Child elements without comments and instructions."""
    return tuple(child for child in element if isinstance(child.tag, str))


def local(element: _Element) -> str:
    """Tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def named(element: _Element, *path: str) -> Iterator[_Element]:
    """Elements below by their tags, step by step."""
    for child in children(element):
        if local(child) == path[0]:
            if len(path) == 1:
                yield child
            else:
                yield from named(child, *path[1:])


def number(path: str, place: str, text: str | None) -> float:
    """A finite number in a text."""
    told = (text or "").strip()
    value = float(told) if _NUMBER.fullmatch(told) else np.nan
    if not np.isfinite(value):
        raise DataError(f"{text!r} is no number", where=f"{path}: {place}", advice="correct the file")
    return value


def whole(path: str, place: str, text: str | None) -> int:
    """A whole number in a text, to the last digit."""
    told = (text or "").strip()
    if _WHOLE.fullmatch(told) and len(told) <= 40:
        return _whole(told)
    value = number(path, place, text)
    if value != int(value) or abs(value) > 2**53:
        raise DataError(f"{text!r} is no whole number", where=f"{path}: {place}", advice="correct the file")
    return int(value)


def _whole(text: str) -> int:
    """A whole number, decimal or hexadecimal; XML allows zeros before it."""
    return int(text, 16 if "x" in text.lower() else 10)


def _instance(path: str, place: str, row: _Element) -> None:
    """Refuse values of earlier packets."""
    if row.get("instance", "0") != "0":
        raise fault(path, place, f"an earlier instance of {row.get('parameterRef')}")


@contextmanager
def located(path: str, place: str, row: _Element) -> Iterator[None]:
    """Tell the line of what is wrong; what does not fit is wrong in the file."""
    try:
        yield
    except (DataError, InputError) as error:
        if isinstance(error, DataError) and ", line " in error.where:
            raise
        where = error.where if isinstance(error, DataError) else f"{path}: {place}"
        raise DataError(error.what, where=f"{where}, line {row.sourceline}", advice=error.advice) from error


def twice(path: str, place: str) -> DataError:
    """What is there already."""
    return DataError("is given twice", where=f"{path}: {place}", advice="give each name once in a space system")


def fault(path: str, place: str, what: str) -> DataError:
    """What is not supported, and where."""
    return DataError(
        f"{what} is not supported and would change values",
        where=f"{path}: {place}",
        advice="describe it by integers, numbers, labels, texts or octets in containers",
    )
