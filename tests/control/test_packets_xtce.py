"""Dictionaries as XTCE files and back, and files of others."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

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


def test_entities_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    path = tmp_path / "e.xml"
    path.write_text(
        f'<!DOCTYPE SpaceSystem [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
        '<SpaceSystem name="s" xmlns="http://www.omg.org/spec/XTCE/20180204"><LongDescription>&e;</LongDescription>'
        "</SpaceSystem>"
    )
    assert "hunter2" not in repr(read_xtce(path))


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
