"""Telecommands against programs and files of others: spacepackets, and the schema of XTCE 1.2.

Octets are compared exactly.
"""

from __future__ import annotations

import socket
import sys
from binascii import crc_hqx
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from moonpost.control.ground import Ground
from moonpost.control.ground.sockets import TelemetryPort
from moonpost.control.packets import FrameLayout, idle_packet, station_dictionary
from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Parameter
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.stations import TIME
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout, decode_command, encode_command
from moonpost.control.packets.xtce_commands import read_xtce_commands
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_verifiers import SENT_COUNT
from moonpost.control.packets.xtce_writing import write_xtce
from moonpost.control.station.reports import report_layouts, report_parameters
from moonpost.errors import DataError, InputError
from moonpost.operations.channels import Channel

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


def test_xtce_tells_which_reports_verify_a_command(tmp_path: Path) -> None:
    """Verifiers by the reports of service 1, valid by the schema, and left out by who reads commands.

    Without such reports there are none, and without reports of failure no verifier of failure.
    """
    import xtce_lib
    from lxml import etree

    rules = etree.XMLSchema(etree.parse(str(Path(xtce_lib.__file__).parent / "xsd" / "dtc-18-02-04.xsd"),
                                        etree.XMLParser(no_network=True)))  # fmt: skip
    time = Parameter(TIME, Encoding("unsigned", 48), "", "", Instant("TAI"))
    whole = Dictionary("station", (*HEADER, time, *report_parameters()), report_layouts())
    some = replace(whole, packets=tuple(row for row in whole.packets if not row.name.endswith("failure")))
    for reports, stages in ((whole, ["Accepted", "Complete", "Failed"]), (some, ["Accepted", "Complete"]),
                            (EMPTY, [])):  # fmt: skip
        write_xtce(reports, tmp_path / "d.xml", STACK)
        tree = etree.parse(str(tmp_path / "d.xml"))
        assert rules.validate(tree), rules.error_log.last_error
        assert read_xtce_commands(tmp_path / "d.xml") == STACK
        assert read_xtce(tmp_path / "d.xml") == reports
        for row, command in zip(tree.iterfind(".//{*}MetaCommand"), STACK.commands, strict=True):
            assert [one.get("name") for one in row.iterfind("{*}VerifierSet/*")] == stages
            for one in row.iterfind("{*}VerifierSet/*"):
                told = [
                    " ".join(part.get("parameterRef") or part.text for part in row if part.text != "==")
                    for row in one.iterfind(".//{*}Condition")
                ]
                kinds = {"Accepted": [1], "Complete": [7], "Failed": [2, 4, 6, 8]}[one.get("name", "")]
                assert told == ["pus_service 1", *(f"pus_subservice {kind}" for kind in kinds),
                                f"request_apid {command.apid}", f"request_count {SENT_COUNT}"]  # fmt: skip


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


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('initialValue="-7"', 'initialValue="-7.5"', "'-7.5' is no whole number"),
        ('initialValue="-7"', 'initialValue="0b1"', "'0b1' is no number"),
        ('initialValue="5.25"', 'initialValue="NaN"', "'NaN' is no number"),
        ('binaryValue="1806"', 'binaryValue="180"', "'180' is not hexadecimal"),
        ('binaryValue="1806" sizeInBits="16"', 'binaryValue="1806" sizeInBits="24"', "24 bits of 2 octets"),
        ('binaryValue="1806" sizeInBits="16"', 'binaryValue="1806" sizeInBits="-8"', "-8 bits of 2 octets"),
        ('argumentRef="a"', 'argumentRef="b"', "another order"),
        ('name="b" argumentTypeRef', 'name="a" argumentTypeRef', "arguments of one name"),
        ('MetaCommand name="rover__sleep"', 'MetaCommand name="rover__sleep" abstract="1"', "abstract"),
        ('name="rover__sleep"><AliasSet>', 'name="ping"><AliasSet>', "is given twice"),
        ('name="mixed__b_type"', 'name="mixed__a_type"', "is given twice"),
        ("<ValidRangeSet>", '<ValidRangeSet><ValidRange maxInclusive="3"/>', "more than one range"),
        ("</CommandMetaData>", '</CommandMetaData><SpaceSystem name="in"><CommandMetaData/></SpaceSystem>',
         "within another one"),
        ("<CommandContainer ", "<TransmissionConstraintList/><CommandContainer ", "TransmissionConstraintList"),
        ("<CommandContainer ", '<BaseMetaCommand metaCommandRef="x"/><CommandContainer ', "BaseMetaCommand"),
    ],
)  # fmt: skip
def test_what_would_be_sent_wrongly_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    write_xtce(EMPTY, tmp_path / "d.xml", STACK)
    sound = "".join(line.strip() for line in (tmp_path / "d.xml").read_text(encoding="utf-8").splitlines())
    assert old in sound, old
    (tmp_path / "d.xml").write_text(sound.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=told) as caught:
        read_xtce_commands(tmp_path / "d.xml")
    assert ", line " in str(caught.value)


def test_values_of_types_and_large_numbers_are_read(tmp_path: Path) -> None:
    """What a type gives where no value is told holds for its arguments; bounds hold to the last digit."""
    big = 2**63 + 1
    large = Argument("large", Encoding("unsigned", 64), low=big, high=big + 2, default=big + 1)
    stack = CommandDictionary("station", (CommandLayout("big", 1, 1, 1, (large,)),))
    write_xtce(EMPTY, tmp_path / "d.xml", stack)
    assert read_xtce_commands(tmp_path / "d.xml") == stack
    text = (tmp_path / "d.xml").read_text(encoding="utf-8")
    text = text.replace(f' initialValue="{big + 1}"', "").replace(
        "IntegerArgumentType ", f'IntegerArgumentType initialValue="{big + 2}" ', 1
    )
    (tmp_path / "d.xml").write_text(text, encoding="utf-8")
    (read,) = read_xtce_commands(tmp_path / "d.xml").commands
    assert read.arguments[0].default == big + 2
    with pytest.raises(InputError, match="out of range"):
        encode_command(stack, "big", {"large": big + 3}, 0)


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


def test_our_server_takes_packets_that_spacepackets_makes(tmp_path: Path) -> None:
    """Packets by TCP and by UDP, and frames of its making: every value at its time, and what is wrong is counted.

    Times are made by hand: seconds since 1958 in TAI, 37 s ahead of UTC, and 1/65536 s.
    """
    import fastcrc
    from spacepackets.ccsds.spacepacket import PacketType, SequenceFlags, SpacePacket, SpacePacketHeader
    from spacepackets.ccsds.tm_frame import (
        MasterChannelId,
        TmFramePrimaryHeader,
        TmTransferFrame,
        TransferFrameDataFieldStatus,
    )

    size, chance = 120, np.random.default_rng(6)
    dictionary = station_dictionary([Channel("bus.volt_v", "V", None, 30.0, "Bus voltage."),
                                     Channel("bus.current_a", "A", None, None, "Bus current.")])  # fmt: skip
    volt_v, current_a = (chance.normal(20.0, 8.0, size).astype(">f4") for _ in range(2))
    seconds = np.arange(size) * 10 + 2_000_000_000
    octets = []
    for row in range(size):
        time = int(seconds[row] + 378_691_200 + 37).to_bytes(4, "big") + bytes([0x80, 0])
        body = volt_v[row : row + 1].tobytes() + current_a[row : row + 1].tobytes()
        header = SpacePacketHeader(PacketType.TM, 1, 16_350 + row & 0x3FFF, 13, True, SequenceFlags.UNSEGMENTED)
        octets.append(bytes(SpacePacket(header, time, body).pack()))
    frames, stream = [], b"".join(octets[80:])
    for number in range(len(stream) // 1107 + 1):
        piece = stream[1107 * number : 1107 * (number + 1)]
        room = 1107 - len(piece)
        piece += idle_packet(room) if room else b""
        pointer = -1107 * number % 20 if 1107 * number < len(stream) else 2047
        status = TransferFrameDataFieldStatus(False, False, False, 3, pointer)
        header = TmFramePrimaryHeader(MasterChannelId(0, 9), 0, False, number, number, status)
        frame = TmTransferFrame(1113, header, None, piece, None, None).pack()
        frames.append(bytes.fromhex("1ACFFC1D") + frame + fastcrc.crc16.ibm_3740(frame).to_bytes(2, "big"))
    layout = FrameLayout(spacecraft=9)
    with Ground.open(tmp_path / "archive", dictionary, layout=layout) as ground:
        with (
            TelemetryPort("127.0.0.1", 0, ground, form="packets") as raw,
            TelemetryPort("127.0.0.1", 0, ground, form="frames") as framed,
            socket.create_connection((raw.host, raw.port)) as tcp,
            socket.create_connection((framed.host, framed.port)) as cadus,
            socket.socket(type=socket.SOCK_DGRAM) as udp,
        ):
            tcp.sendall(b"".join(octets[:40]))
            for packet in octets[40:80]:
                udp.sendto(packet, (raw.host, raw.port))
            cadus.sendall(frames[0])
            tcp.sendall(octets[5])  # comes again: shown once
            tcp.sendall(octets[6][:12])  # never ends
            end = monotonic() + 20.0
            while ground.status()["decoded"] < size or ground.status()["duplicates"] < 1:
                assert monotonic() < end, ground.status()
                sleep(0.01)
        status = ground.status()
        start, stop = np.datetime64("2033-05-18", "us"), np.datetime64("2033-05-19", "us")
        for name, sent in (("bus.volt_v", volt_v), ("bus.current_a", current_a)):
            found = ground.archive.query(name, start, stop)
            np.testing.assert_array_equal(found.value.astype(np.float32), sent.astype(np.float32))
            due = (seconds * 1_000_000 + 500_000).astype("datetime64[us]")
            np.testing.assert_array_equal(found.time, due)
    assert (status["decoded"], status["duplicates"], status["taken"]) == (size, 1, size + 1)
    assert not status["missing"]
