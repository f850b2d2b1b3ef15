"""Dictionaries as XTCE files and back, and files of others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.packets.calibration import Enumeration, Instant, Polynomial, Spline
from moonpost.control.packets.decoding import Decoder
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter, Size
from moonpost.control.packets.headers import make_packets
from moonpost.control.packets.limits import Comparison, ContextLimits, Limits
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce, xtce_text
from moonpost.errors import DataError, InputError

HEAD = tuple(Item(field.name) for field in HEADER)
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
LIMITS = st.lists(NUMBERS, min_size=4, max_size=4).map(sorted).map(
    lambda b: Limits(warning_low=b[1], warning_high=b[2], critical_low=b[0], critical_high=b[3])
)  # fmt: skip
CONTEXTS = st.builds(lambda limits: (ContextLimits((Comparison("p0.x", "<", 0.5),), limits),), LIMITS)


def plain(name: str) -> st.SearchStrategy[Parameter]:
    """Parameters of all kinds that XTCE has."""
    whole = st.builds(Encoding, st.sampled_from(["unsigned", "signed"]), st.integers(1, 64))
    real = st.builds(Encoding, st.just("float"), st.sampled_from([32, 64]), st.booleans())
    polynomial = st.builds(Polynomial, st.lists(NUMBERS, min_size=1, max_size=4).map(tuple))
    spline = st.builds(lambda y, order, on: Spline((0.0, 1.0, 2.5), tuple(y), order, on),
                       st.lists(NUMBERS, min_size=3, max_size=3), st.integers(0, 1), st.booleans())  # fmt: skip
    labels = st.dictionaries(st.integers(0, 255), st.text("abc d&<", min_size=1), min_size=1).map(Enumeration)
    text = st.text("abc é&<>'", max_size=12).map(str.strip)
    sized = st.sampled_from(
        [Encoding("text", 400, size=Size(leading_bits=16)), Encoding("text", 400, size=Size(terminator=b"\0")),
         Encoding("binary", 8 * 65536, size=Size("p0.x", 8, -8)), Encoding("text", 400, size=Size("p0.x", 8)),
         Encoding("binary", 16), Encoding("text", 24, charset="ascii")]
    )  # fmt: skip
    return st.one_of(
        st.builds(Parameter, st.just(name), st.one_of(whole, real), text, text,
                  st.one_of(st.none(), polynomial, spline), st.one_of(st.none(), LIMITS),
                  st.one_of(st.just(()), CONTEXTS)),
        st.builds(Parameter, st.just(name), st.just(Encoding("unsigned", 8)), st.just(""), text, labels),
        st.builds(Parameter, st.just(name), sized, st.just(""), text),
        st.builds(Parameter, st.just(name), st.just(Encoding("unsigned", 48)), st.just(""), text,
                  st.sampled_from([Instant(), Instant("2020-01-01T00:00:00Z", 0.5, 3.0)])),
    )  # fmt: skip


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_dictionary_round_trips(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    first = Parameter("p0.x", Encoding("unsigned", 16))
    others = [data.draw(plain(f"p0.y{i}")) for i in range(data.draw(st.integers(0, 5)))]
    items = (*HEAD, Item("p0.x"), *(Item(parameter.name) for parameter in others))
    time = next((p.name for p in others if isinstance(p.calibration, Instant)), None)
    layout = PacketLayout("p0", items, (Comparison("ccsds_apid", "==", 9),), time, "A packet.")
    dictionary = Dictionary("station", (*HEADER, first, *others), (layout,))
    path = tmp_path_factory.mktemp("xtce") / "d.xml"
    write_xtce(dictionary, path)
    assert read_xtce(path) == dictionary


OTHERS = """<?xml version="1.0" encoding="UTF-8"?>
<!-- A file in the way of others: prefix, nested systems, inheritance in two steps, own names. -->
<xtce:SpaceSystem xmlns:xtce="http://www.omg.org/spec/XTCE/20180204" name="Craft">
 <xtce:TelemetryMetaData>
  <xtce:ParameterTypeSet>
   {header_types}
   <xtce:IntegerParameterType name="u8"><xtce:UnitSet/><xtce:IntegerDataEncoding sizeInBits="8"/>
     <xtce:DefaultAlarm><xtce:StaticAlarmRanges><xtce:WatchRange maxInclusive="2"/>
       <xtce:WarningRange minExclusive="0" maxInclusive="9"/></xtce:StaticAlarmRanges></xtce:DefaultAlarm>
   </xtce:IntegerParameterType>
   <xtce:FloatParameterType name="temperature" baseTypeX="">
     <xtce:UnitSet><xtce:Unit>degC</xtce:Unit></xtce:UnitSet>
     <xtce:IntegerDataEncoding sizeInBits="12" encoding="twosComplement"><xtce:DefaultCalibrator>
       <xtce:PolynomialCalibrator><xtce:Term coefficient="0.5" exponent="1"/>
       <xtce:Term coefficient="-10" exponent="0"/>
       </xtce:PolynomialCalibrator></xtce:DefaultCalibrator></xtce:IntegerDataEncoding>
   </xtce:FloatParameterType>
   <xtce:BooleanParameterType name="flag" zeroStringValue="no" oneStringValue="yes"><xtce:UnitSet/>
     <xtce:IntegerDataEncoding sizeInBits="1"/></xtce:BooleanParameterType>
   {extra}
  </xtce:ParameterTypeSet>
  <xtce:ParameterSet>
   {header}
   <xtce:Parameter name="Subtype" parameterTypeRef="u8"/>
  </xtce:ParameterSet>
  <xtce:ContainerSet>
   <xtce:SequenceContainer name="Header" abstract="true"><xtce:EntryList>{entries}</xtce:EntryList>
   </xtce:SequenceContainer>
   <xtce:SequenceContainer name="Hk" abstract="true"><xtce:EntryList>
      <xtce:ParameterRefEntry parameterRef="Subtype"/></xtce:EntryList>
     <xtce:BaseContainer containerRef="Header"><xtce:RestrictionCriteria>
      <xtce:Comparison parameterRef="APID" value="0x20"/></xtce:RestrictionCriteria></xtce:BaseContainer>
   </xtce:SequenceContainer>
  </xtce:ContainerSet>
 </xtce:TelemetryMetaData>
 <xtce:SpaceSystem name="Box">
  <xtce:TelemetryMetaData>
   <xtce:ParameterSet>
    <xtce:Parameter name="Wall" parameterTypeRef="temperature"/>
    <xtce:Parameter name="Door" parameterTypeRef="flag"/>
   </xtce:ParameterSet>
   <xtce:ContainerSet>
    <xtce:SequenceContainer name="Heat"><xtce:EntryList>
      <xtce:ParameterRefEntry parameterRef="Wall"><xtce:LocationInContainerInBits
       referenceLocation="previousEntry">
        <xtce:FixedValue>3</xtce:FixedValue></xtce:LocationInContainerInBits></xtce:ParameterRefEntry>
      <xtce:ParameterRefEntry parameterRef="Door"/></xtce:EntryList>
     <xtce:BaseContainer containerRef="/Craft/Hk"><xtce:RestrictionCriteria><xtce:ComparisonList>
      <xtce:Comparison parameterRef="../Subtype" value="7"/></xtce:ComparisonList></xtce:RestrictionCriteria>
     </xtce:BaseContainer></xtce:SequenceContainer>
   </xtce:ContainerSet>
  </xtce:TelemetryMetaData>
 </xtce:SpaceSystem>
</xtce:SpaceSystem>
"""
FIELDS = (("Version", 3), ("Type", 1), ("Secondary", 1), ("APID", 11), ("Flags", 2), ("Count", 14), ("Length", 16))


def others(folder: Path, old: str = "", new: str = "", extra: str = "") -> Path:
    """The file of others, with one change."""
    text = OTHERS.replace(' baseTypeX=""', "").format(
        extra=extra,
        header_types="".join(
            f'<xtce:IntegerParameterType name="{name}_t"><xtce:UnitSet/><xtce:IntegerDataEncoding '
            f'sizeInBits="{bits}"/></xtce:IntegerParameterType>' for name, bits in FIELDS),
        header="".join(f'<xtce:Parameter name="{name}" parameterTypeRef="{name}_t"/>' for name, _ in FIELDS),
        entries="".join(f'<xtce:ParameterRefEntry parameterRef="{name}"/>' for name, _ in FIELDS),
    )  # fmt: skip
    assert old in text
    path = folder / "others.xml"
    path.write_text(text.replace(old, new, 1) if old else text)
    return path


def test_files_of_others_are_read(tmp_path: Path) -> None:
    dictionary = read_xtce(others(tmp_path))
    assert [packet.name for packet in dictionary.packets] == ["Heat"]
    assert dictionary.packet("Heat").apid == 0x20
    assert any("WatchRange" in note for note in dictionary.notes)
    decoder = Decoder(dictionary)
    (table,) = decoder.decode(make_packets(0x20, [b"\x07\x1f\xff", b"\x07\x00\x28"]))
    assert table.values("Wall").tolist() == [-10.5, 0.0]
    assert table.values("Door").tolist() == ["yes", "no"]
    assert table.states("Subtype").tolist() == [0, 0]
    assert dictionary.parameter("Subtype").limits == Limits(
        warning_low=float(np.nextafter(0, 1)), warning_high=9.0
    )  # fmt: skip
    decoder.decode(make_packets(0x20, [b"\x08\x1f\xff"]))
    assert decoder.tally.rejects == {"unknown packet": 1}


def test_criteria_in_other_words_and_containers_that_are_no_packets(tmp_path: Path) -> None:
    def condition(name: str, value: str) -> str:
        return (
            f'<xtce:Condition><xtce:ParameterInstanceRef parameterRef="{name}"/><xtce:ComparisonOperator>=='
            f"</xtce:ComparisonOperator><xtce:Value>{value}</xtce:Value></xtce:Condition>"
        )

    both = f"<xtce:ANDedConditions>{condition('APID', '32')}{condition('Type', '0')}</xtce:ANDedConditions>"
    path = others(
        tmp_path,
        '<xtce:Comparison parameterRef="APID" value="0x20"/>',
        f"<xtce:BooleanExpression>{both}</xtce:BooleanExpression>",
    )
    stray = '<xtce:SequenceContainer name="Stray"><xtce:EntryList/></xtce:SequenceContainer></xtce:ContainerSet>'
    path.write_text(path.read_text().replace("</xtce:ContainerSet>", stray, 1))
    dictionary = read_xtce(path)
    assert [packet.name for packet in dictionary.packets] == ["Heat"]
    assert any("Stray" in note for note in dictionary.notes)
    decoder = Decoder(dictionary)
    assert len(decoder.decode(make_packets(0x20, [b"\x07\x1f\xff"]))) == 1
    assert decoder.decode(make_packets(0x20, [b"\x07\x1f\xff"], telecommand=True)) == ()
    either = path.read_text().replace("ANDedConditions", "ORedConditions")
    path.write_text(either)
    with pytest.raises(DataError, match="ORedConditions"):
        read_xtce(path)


@pytest.mark.parametrize(
    ("old", "new", "extra", "told"),
    [
        ("", "", '<xtce:AggregateParameterType name="a"/>', "AggregateParameterType"),
        ("", "", '<xtce:ArrayParameterType name="a" arrayTypeRef="u8"/>', "ArrayParameterType"),
        ('encoding="twosComplement"', 'encoding="signMagnitude"', "", "signMagnitude"),
        ("<xtce:DefaultCalibrator>", "<xtce:ContextCalibratorList/><xtce:DefaultCalibrator>", "",
         "ContextCalibratorList"),
        ('parameterRef="Wall"><', 'parameterRef="Wall"><xtce:IncludeCondition/><', "", "IncludeCondition"),
        ('value="7"/></xtce:ComparisonList>', 'value="7"/><xtce:CustomAlgorithm/></xtce:ComparisonList>', "",
         "CustomAlgorithm"),
        ('containerRef="/Craft/Hk"', 'containerRef="Heat"', "", "holds itself"),
        ('containerRef="/Craft/Hk"', 'containerRef="/Craft/Nothing"', "", "not there"),
        ('sizeInBits="12"', 'sizeInBits="120"', "", "cannot hold"),
        ('sizeInBits="12"', 'sizeInBits="many"', "", "no number"),
        ('exponent="1"', 'exponent="-1"', "", "exponents"),
        ("</xtce:SpaceSystem>", "", "", "cannot be read"),
        ("http://www.omg.org/spec/XTCE/20180204", "http://example.org", "", "no XTCE"),
    ],
)  # fmt: skip
def test_what_would_change_values_is_refused_by_name(
    tmp_path: Path, old: str, new: str, extra: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        read_xtce(others(tmp_path, old, new, extra))


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_broken_files_end_in_one_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("broken")
    text = others(folder).read_text()
    words = text.split('"')
    at = data.draw(st.integers(0, len(words) - 1))
    words[at] = data.draw(st.sampled_from(["", "7", "-1", "Wall", "Heat", "true", "../..", "1e999", "x y"]))
    path = folder / "broken.xml"
    path.write_text('"'.join(words))
    with suppress(DataError):
        Decoder(read_xtce(path)).decode(make_packets(0x20, [b"\x07\x1f\xff"]))


def test_entities_are_refused(tmp_path: Path) -> None:
    """External ones, those that grow, and any other document type; in texts and in attributes."""
    (tmp_path / "secret").write_text("hunter2")
    lol = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))
    path = tmp_path / "e.xml"
    for entities, used in (
        (f'<!ENTITY e SYSTEM "file://{tmp_path}/secret">', "&e;"),
        (f'<!ENTITY e0 "ha">{lol}', "&e9;"),
        (f'<!ENTITY e0 "ha">{lol}', '<a b="&e9;"/>'),
        ('<!ENTITY e "x">', "&e;"),
        ("", ""),
    ):
        path.write_text(
            f"<!DOCTYPE SpaceSystem [{entities}]>"
            '<SpaceSystem name="s" xmlns="http://www.omg.org/spec/XTCE/20180204">'
            f"<LongDescription>{used}</LongDescription></SpaceSystem>"
        )
        with pytest.raises(DataError) as caught:
            read_xtce(path)
        assert "hunter2" not in str(caught.value)
        assert "e.xml" in str(caught.value)


def container(name: str, entries: str, base: str = "", abstract: bool = True) -> str:
    """A container of a file."""
    inherits = f'<BaseContainer containerRef="{base}"/>' if base else ""
    return (f'<SequenceContainer name="{name}" abstract="{str(abstract).lower()}"><EntryList>{entries}</EntryList>'
            f"{inherits}</SequenceContainer>")  # fmt: skip


def held(path: Path, containers: str, types: str = "", parameters: str = "") -> Path:
    """A file of containers."""
    path.write_text(
        '<SpaceSystem name="s" xmlns="http://www.omg.org/spec/XTCE/20180204"><TelemetryMetaData>'
        f'<ParameterTypeSet><IntegerParameterType name="u8"><IntegerDataEncoding sizeInBits="8"/>'
        f"</IntegerParameterType>{types}</ParameterTypeSet>"
        f'<ParameterSet><Parameter name="x" parameterTypeRef="u8"/>{parameters}</ParameterSet>'
        f"<ContainerSet>{containers}</ContainerSet></TelemetryMetaData></SpaceSystem>"
    )
    return path


def test_files_that_grow_or_go_deep_are_refused(tmp_path: Path) -> None:
    """Each container holds the one before it twice, inherits from it, or lies within it; all in a short time."""
    x, path = '<ParameterRefEntry parameterRef="x"/>', tmp_path / "d.xml"
    twice = "".join(
        container(f"c{i}", f'<ContainerRefEntry containerRef="c{i - 1}"/>' * 2 if i else first, abstract=i < 60)
        for first in (x,) for i in range(61)
    )  # fmt: skip
    with pytest.raises(DataError, match="more than 65536 items"):
        read_xtce(held(path, twice))
    assert read_xtce(held(path, twice.replace(x, ""))).packets == ()
    line = "".join(container(f"c{i}", x, f"c{i - 1}" if i else "", i < 3000) for i in range(3001))
    with pytest.raises(DataError, match="below more than 100 others"):
        read_xtce(held(path, line))
    deep = '<SpaceSystem name="s" xmlns="http://www.omg.org/spec/XTCE/20180204">' + '<SpaceSystem name="s">' * 5000
    path.write_text(deep + "</SpaceSystem>" * 5001)
    with pytest.raises(DataError, match="cannot be read"):
        read_xtce(path)
    path.write_text("<SpaceSystem ")
    with path.open("r+b") as file:
        file.truncate((1 << 28) + 1)
    with pytest.raises(DataError, match="256 MiB"):
        read_xtce(path)


def test_large_files_of_others_are_read_in_a_short_time(tmp_path: Path) -> None:
    """Each item has a place after the one before it; the time must not grow with the square of their number."""
    count, path = 8000, tmp_path / "d.xml"
    parameters = "".join(f'<Parameter name="p{i}" parameterTypeRef="u8"/>' for i in range(count))
    entries = "".join(
        f'<ParameterRefEntry parameterRef="p{i}"><LocationInContainerInBits><FixedValue>8</FixedValue>'
        "</LocationInContainerInBits></ParameterRefEntry>" for i in range(count)
    )  # fmt: skip
    parameters += "".join(f'<Parameter name="h{i}" parameterTypeRef="u8"/>' for i in range(5))
    head = "".join(f'<ParameterRefEntry parameterRef="{name}"/>' for name in ("x", "h0", "h1", "h2", "h3", "h4"))
    restricted = container("c", entries, "h", False).replace(
        '<BaseContainer containerRef="h"/>', '<BaseContainer containerRef="h"><RestrictionCriteria><Comparison '
        'parameterRef="x" value="1"/></RestrictionCriteria></BaseContainer>')  # fmt: skip
    begun = process_time()
    (packet,) = read_xtce(held(path, container("h", head) + restricted, parameters=parameters)).packets
    assert process_time() - begun < 3.0
    assert [item.bit for item in packet.items[6:]] == [56 + 16 * i for i in range(count)]


WHOLE = '<xtce:IntegerDataEncoding sizeInBits="8">'
LABELS = (
    "<xtce:EnumeratedParameterType name='e'><xtce:IntegerDataEncoding sizeInBits='8'/><xtce:EnumerationList>{}"
)
LABELS += "</xtce:EnumerationList></xtce:EnumeratedParameterType>"
LABEL = "<xtce:Enumeration value='{}' label='a'/>"


@pytest.mark.parametrize(
    ("old", "new", "extra", "told"),
    [
        ('sizeInBits="12"', 'sizeInBits="12.5"', "", "'12.5' is no whole number"),
        ('sizeInBits="12"', 'sizeInBits="1_2"', "", "'1_2' is no number"),
        ('exponent="1"', 'exponent="1.5"', "", "'1.5' is no whole number"),
        ('exponent="1"', 'exponent="0"', "", "exponent that is given twice"),
        ('coefficient="0.5"', 'coefficient="NaN"', "", "'NaN' is no number"),
        ('coefficient="0.5"', 'coefficient="-INF"', "", "'-INF' is no number"),
        ('coefficient="0.5"', 'coefficient="1e999"', "", "'1e999' is no number"),
        ('<xtce:Term coefficient="0.5" exponent="1"/>', "<xtce:SplinePoint/>", "", "SplinePoint in Polynomial"),
        ("<xtce:DefaultCalibrator>", "<xtce:DefaultCalibrator/><xtce:DefaultCalibrator>", "", "more than one"),
        ("", "", f'<xtce:FloatParameterType name="b">{WHOLE}<xtce:DefaultCalibrator/></xtce:IntegerDataEncoding>'
         "</xtce:FloatParameterType>", "DefaultCalibrator without content"),
        ("", "", f'<xtce:BooleanParameterType name="b">{WHOLE}<xtce:DefaultCalibrator><xtce:PolynomialCalibrator>'
         '<xtce:Term exponent="0" coefficient="1"/></xtce:PolynomialCalibrator></xtce:DefaultCalibrator>'
         "</xtce:IntegerDataEncoding></xtce:BooleanParameterType>", "calibrator below BooleanParameterType"),
        ("", "", "<xtce:BooleanParameterType name='b'><xtce:FloatDataEncoding/></xtce:BooleanParameterType>",
         "other than whole numbers"),
        ("", "", "<xtce:BinaryParameterType name='b'><xtce:BinaryDataEncoding><xtce:SizeInBits><xtce:FixedValue>8"
         "</xtce:FixedValue></xtce:SizeInBits><xtce:FromBinaryTransformAlgorithm name='f'/>"
         "</xtce:BinaryDataEncoding></xtce:BinaryParameterType>", "FromBinaryTransformAlgorithm"),
        ("", "", "<xtce:BinaryParameterType name='b'><xtce:BinaryDataEncoding bitOrder='leastSignificantBitFirst'>"
         "<xtce:SizeInBits><xtce:FixedValue>8</xtce:FixedValue></xtce:SizeInBits></xtce:BinaryDataEncoding>"
         "</xtce:BinaryParameterType>", "bit order"),
        ("", "", "<xtce:BinaryParameterType name='b'><xtce:BinaryDataEncoding><xtce:SizeInBits>"
         "<xtce:DynamicValue/></xtce:SizeInBits></xtce:BinaryDataEncoding></xtce:BinaryParameterType>",
         "a size that no item tells"),
        ("", "", "<xtce:StringParameterType name='b'><xtce:StringDataEncoding encoding='UTF-16'/>"
         "</xtce:StringParameterType>", "character set UTF-16"),
        ('sizeInBits="12"', 'sizeInBits="12" byteOrder="leastSignificantByteFirst"', "", "cannot hold"),
        ('sizeInBits="12"', 'sizeInBits="12" byteOrder="3,2,1,0"', "", "byte order 3,2,1,0"),
        ("", "", LABELS.format(LABEL.format(1) + LABEL.format(1)), "two labels"),
        ("", "", LABELS.format(LABEL.format("1' maxValue='0")), "less than one"),
        ("", "", LABELS.format("".join(LABEL.format(f"{i}00000' maxValue='{i}60000") for i in range(9))),
         "a label for"),
        ("", "", "<xtce:IntegerParameterType name='u8'><xtce:IntegerDataEncoding/></xtce:IntegerParameterType>",
         "u8.*given twice"),
        ("", "", "<xtce:IntegerParameterType><xtce:IntegerDataEncoding/></xtce:IntegerParameterType>",
         "has no name"),
        ("", "", "<xtce:AbsoluteTimeParameterType name='t'><xtce:Encoding><xtce:IntegerDataEncoding/>"
         "</xtce:Encoding><xtce:ReferenceTime><xtce:Epoch>soon</xtce:Epoch></xtce:ReferenceTime></xtce:AbsoluteTimeParameterType>",
         "'soon' cannot be read"),
        ('<xtce:Parameter name="Door"', '<xtce:Parameter name="Wall"', "", "Wall.*given twice"),
        ('<xtce:SequenceContainer name="Hk"', '<xtce:SequenceContainer name="Header"', "", "Header.*given twice"),
        ('<xtce:SpaceSystem name="Box"', '<xtce:SpaceSystem/><xtce:SpaceSystem name="unnamed"', "", "given twice"),
        ('parameterRef="APID" value', 'instance="-1" parameterRef="APID" value', "", "earlier instance of APID"),
        ("<xtce:FixedValue>3<", "<xtce:FixedValue>-99<", "", "before the first bit"),
        ('parameterRef="Wall"><', 'parameterRef="Wall"><xtce:LocationInContainerInBits><xtce:FixedValue>0'
         "</xtce:FixedValue></xtce:LocationInContainerInBits><", "", "more than one location"),
        ('value="7"/></xtce:ComparisonList>', 'value="7"/><xtce:Comparison parameterRef="Door" value="ajar"/>'
         "</xtce:ComparisonList>", "", "'ajar', none of its labels"),
    ],
)  # fmt: skip
def test_what_would_be_read_wrongly_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, extra: str, told: str
) -> None:
    with pytest.raises(DataError, match=told) as caught:
        read_xtce(others(tmp_path, old, new, extra))
    assert "others.xml: " in str(caught.value)
    assert ", line " in str(caught.value)


def test_other_names_of_one_encoding(tmp_path: Path) -> None:
    """Files of version 1.1 write it in other ways."""
    for name in ("IEEE754_1985", "IEEE754", "IEEE-754"):
        coded = f'<FloatDataEncoding encoding="{name}" sizeInBits="64"/>'
        kind = f'<FloatParameterType name="f">{coded}</FloatParameterType>'
        path = held(tmp_path / "d.xml", "", kind, '<Parameter name="y" parameterTypeRef="f"/>')
        assert read_xtce(path).parameter("y").encoding == Encoding("float", 64)


def test_a_time_over_the_primary_header_is_no_packet_time(tmp_path: Path) -> None:
    """It would have no column; a layout that asks for it is refused before anything is decoded."""
    kind = ('<AbsoluteTimeParameterType name="t"><Encoding><IntegerDataEncoding sizeInBits="48"/></Encoding>'
            "<ReferenceTime><Epoch>TAI</Epoch></ReferenceTime></AbsoluteTimeParameterType>")  # fmt: skip
    entry = '<ParameterRefEntry parameterRef="at"/><ParameterRefEntry parameterRef="x"/>'
    only = '<BaseContainer containerRef="h"><RestrictionCriteria><Comparison parameterRef="x" value="9"/>'
    packet = container("c", "", "h", False).replace(
        '<BaseContainer containerRef="h"/>', f"{only}</RestrictionCriteria></BaseContainer>"
    )
    path = held(
        tmp_path / "d.xml", container("h", entry) + packet, kind, '<Parameter name="at" parameterTypeRef="t"/>'
    )
    dictionary = read_xtce(path)
    assert dictionary.packets[0].time is None
    assert len(Decoder(dictionary).decode(make_packets(5, [b"\t"]))) == 1
    with pytest.raises(DataError, match="behind the primary header"):
        Decoder(replace(dictionary, packets=(replace(dictionary.packets[0], time="at"),)))


def test_numbers_and_labels_of_others_are_read_to_the_last_digit(tmp_path: Path) -> None:
    """Whole numbers beyond 2 to the 53rd; labels that look like numbers; logical values as XML writes them."""
    big = 2**62 + 1
    path = others(
        tmp_path, "", "", LABELS.format(LABEL.format(big) + LABEL.format(f"{big + 1}' x='").replace("'a'", "'b'"))
    )
    text = path.read_text().replace("sizeInBits='8'", "sizeInBits='64'")
    text = text.replace('<xtce:Parameter name="Subtype"', '<xtce:Parameter name="E" parameterTypeRef="e"/>'
                        '<xtce:Parameter name="Subtype"')  # fmt: skip
    path.write_text(text)
    calibration = read_xtce(path).parameter("E").calibration
    assert calibration == Enumeration({big: "a", big + 1: "b"})
    for value, label in (("true", "yes"), ("0", "no"), ("yes", "yes")):
        path = others(tmp_path, 'value="7"/></xtce:ComparisonList>', 'value="7"/><xtce:Comparison '
                      f'parameterRef="Door" value="{value}"/></xtce:ComparisonList>')  # fmt: skip
        assert read_xtce(path).packet("Heat").criteria[-1] == Comparison("Door", "==", label)
    labels = Enumeration({0: "5", 1: "7"})
    dictionary = Dictionary("d", (*HEADER, Parameter("x", Encoding("unsigned", 8), calibration=labels)),
                            (PacketLayout("p", (*HEAD, Item("x")), (Comparison("x", "==", "7"),)),))  # fmt: skip
    write_xtce(dictionary, tmp_path / "d.xml")
    assert read_xtce(tmp_path / "d.xml") == dictionary


def test_calibrations_stay_quiet_at_the_ends_of_numbers() -> None:
    """No warning, and nothing that looks like a value where there is none."""
    ends = np.array([np.inf, -np.inf, np.nan, 1e308, -1e308, 0.0])
    value = Polynomial((1.0, 0.0, 1e300)).apply(ends)
    assert not np.isfinite(value[:5]).any()
    assert value[5] == 1.0
    for order in (0, 1):
        steep = Spline((0.0, 5e-324, 1.0), (-1e308, 1e308, 1e308), order, True)
        assert not np.isfinite(steep.apply(ends)[2])
        inside = Spline((0.0, 1.0), (3.0, 4.0), order).apply(np.array([-1e-300, 0.0, 1.0, 1.0 + 1e-15, np.nan]))
        np.testing.assert_array_equal(inside, [np.nan, 3.0, 4.0, np.nan, np.nan])
    with pytest.raises(InputError):
        Spline((0.0, 0.0), (1.0, 2.0))
    with pytest.raises(InputError):
        Spline((0.0,), (1.0,), 1)
    assert Spline((0.0,), (1.0,), 0, True).apply(np.array([-5.0, 5.0])).tolist() == [1.0, 1.0]


def test_what_the_profile_lacks_is_refused() -> None:
    apid = (Comparison("ccsds_apid", "==", 9),)
    x = Parameter("x", Encoding("binary", 80, size=Size(leading_bits=8)))
    for dictionary in (
        Dictionary("d", (), ()),
        Dictionary("d", (*HEADER, x), (PacketLayout("p", (Item("x"),), apid),)),
        Dictionary("d", (*HEADER, x), (PacketLayout("p", (*HEAD, Item("x")), apid),)),
        Dictionary("d", (*HEADER, Parameter("a.b", x.encoding), Parameter("a__b", x.encoding)), ()),
        Dictionary("d", HEADER, (PacketLayout("CCSDSPacket", HEAD, apid),)),
    ):
        with pytest.raises(InputError):
            xtce_text(dictionary)
