"""Telecommands against programs and files of others: spacepackets, and the schema of XTCE 1.2.

Octets are compared exactly.
"""

from __future__ import annotations

import sys
from binascii import crc_hqx
from pathlib import Path

import numpy as np
import pytest

from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Parameter
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.stations import TIME
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout, decode_command, encode_command
from moonpost.control.packets.xtce_commands import read_xtce_commands
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce
from moonpost.control.station.reports import report_layouts, report_parameters
from moonpost.errors import DataError, InputError

sys.path.insert(0, str(Path(__file__).parent))
from command_samples import STACK

EMPTY = Dictionary("station", HEADER, ())


@pytest.mark.parametrize("crc", [True, False])
def test_xtce_of_commands_is_valid_and_read_again(tmp_path: Path, crc: bool) -> None:
    """Schema of XTCE 1.2 (dtc/18-02-04) as the package xtce-lib carries it; read without the network."""
    import xtce_lib
    from lxml import etree

    rules = etree.XMLSchema(etree.parse(str(Path(xtce_lib.__file__).parent / "xsd" / "dtc-18-02-04.xsd"),
                                        etree.XMLParser(no_network=True)))  # fmt: skip
    stack = CommandDictionary("station", STACK.commands, crc)
    write_xtce(EMPTY, tmp_path / "d.xml", stack)
    assert rules.validate(etree.parse(str(tmp_path / "d.xml"))), rules.error_log.last_error
    assert read_xtce_commands(tmp_path / "d.xml") == stack
    assert read_xtce(tmp_path / "d.xml") == EMPTY


def test_others_tell_our_reports_apart(tmp_path: Path) -> None:
    """Reports differ behind the primary header; what tells them apart has to stand in a container above them.

    space_packet_parser 6.2 (LASP) reads each by our XTCE; so does Yamcs in its own test. The file is valid.
    """
    import space_packet_parser as spp
    import xtce_lib
    from lxml import etree

    rules = etree.XMLSchema(etree.parse(str(Path(xtce_lib.__file__).parent / "xsd" / "dtc-18-02-04.xsd"),
                                        etree.XMLParser(no_network=True)))  # fmt: skip
    time = Parameter(TIME, Encoding("unsigned", 48), "", "", Instant("TAI"))
    reports = Dictionary("station", (*HEADER, time, *report_parameters()), report_layouts())
    write_xtce(reports, tmp_path / "d.xml")
    assert rules.validate(etree.parse(str(tmp_path / "d.xml"))), rules.error_log.last_error
    assert read_xtce(tmp_path / "d.xml") == reports
    theirs = spp.load_xtce(str(tmp_path / "d.xml"))
    for number, layout in enumerate(reports.packets):
        fixed = {one.parameter: one.value for one in layout.criteria}
        columns = {}
        for item in layout.items[len(HEADER) :]:
            encoding = reports.parameter(item.parameter).encoding
            value = fixed.get(item.parameter, number % 2)
            columns[item.parameter] = [bytes(encoding.bits // 8) if encoding.kind in {"text", "binary"} else value]
        sent = encode_packets(reports, layout.name, columns, "2040-06-22")
        parsed = theirs.parse_bytes(sent[0])
        assert {item.parameter for item in layout.items} == {name.replace("__", ".") for name in parsed}
        assert (parsed["pus_service"], parsed["pus_subservice"]) == (fixed["pus_service"], fixed["pus_subservice"])


def test_what_would_change_commands_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.xml"
    write_xtce(EMPTY, path, STACK)
    sound = path.read_text(encoding="utf-8")
    for old, new, match in (
        ('binaryValue="1806"', 'binaryValue="0806"', "another header"),
        ('binaryValue="29"', 'binaryValue="19"', "another header"),
        ('sizeInBits="16" binaryValue', 'sizeInBits="8" binaryValue', "header of"),
        ('MetaCommand name="ping"', 'MetaCommand abstract="true" name="ping"', "abstract"),
        ('minInclusive="0.0"', 'minExclusive="0.0"', "minExclusive"),
        ('consequenceLevel="vital"', 'consequenceLevel="grave"', "grave"),
        ('initialValue="5.25"', 'initialValue="much"', "number"),
        ('initialValue="5.25"', 'initialValue="99"', "out of range"),
        ('argumentTypeRef="say__n_type"', 'argumentTypeRef="gone"', "gone"),
    ):
        changed = sound.replace(old, new)
        if old.startswith("sizeInBits"):
            changed = sound.replace('name="sequence" binaryValue="C000" sizeInBits="16"',
                                    'name="sequence" binaryValue="C000" sizeInBits="8"')  # fmt: skip
        assert changed != sound, old
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(DataError, match=match):
            read_xtce_commands(path)
    twice = CommandDictionary("s", (CommandLayout("a.b", 1, 1, 1), CommandLayout("a__b", 1, 1, 2)))
    with pytest.raises(InputError, match="a__b"):
        write_xtce(EMPTY, path, twice)


def test_spacepackets_reads_our_telecommands() -> None:
    """spacepackets 0.32, PusTc (ECSS-E-ST-70-41C): every field, and its check of the checksum."""
    from spacepackets.ecss import PusTc
    from spacepackets.ecss.tc import InvalidTcCrc16Error

    arguments = {"power_w": 70.0, "state": "on"}
    for name, given in (("ping", {}), ("rover.heater", arguments), ("rover.sleep", {})):
        layout = STACK.command(name)
        octets = encode_command(STACK, name, given, 16383, acknowledge=0b1101, source=0x1234)
        theirs = PusTc.unpack(octets)
        assert (theirs.apid, theirs.seq_count, theirs.service, theirs.message_subtype) == (
            layout.apid, 16383, layout.service, layout.subservice)  # fmt: skip
        assert (theirs.pus_tc_sec_header.ack_flags, theirs.source_id) == (0b1101, 0x1234)
        assert theirs.app_data == octets[11:-2]
        assert theirs.pack() == octets
        changed = bytearray(octets)
        changed[-1] ^= 1
        with pytest.raises(InvalidTcCrc16Error):
            PusTc.unpack(bytes(changed))


def test_we_read_the_telecommands_that_spacepackets_makes() -> None:
    """The other way, with random arguments, and with its checksum by another program (fastcrc)."""
    import fastcrc
    from spacepackets.ecss import PusTc

    chance = np.random.default_rng(5)
    for _ in range(200):
        state, power_w = int(chance.integers(0, 2)), float(np.float32(chance.uniform(0.0, 75.5)))
        count, source, flags = (int(chance.integers(0, top)) for top in (16384, 65536, 16))
        data = bytes([0, 1, state]) + np.array([power_w], ">f4").tobytes()
        theirs = PusTc(service=8, message_subtype=1, apid=5, seq_count=count, source_id=source, app_data=data,
                       ack_flags=flags).pack()  # fmt: skip
        read = decode_command(STACK, bytes(theirs))
        assert read.name == "rover.heater"
        assert read.arguments == {"state": ("off", "on")[state], "power_w": power_w}
        assert (read.count, read.source, read.acknowledge) == (count, source, flags)
        assert encode_command(STACK, read.name, read.arguments, count, acknowledge=flags, source=source) == theirs
        assert crc_hqx(theirs, 0xFFFF) == fastcrc.crc16.ibm_3740(bytes(theirs)) == 0
