"""Packets, frames and dictionaries against programs of others, and against the figures of the standards.

Octets are compared exactly, numbers exactly too: both sides read the same bits, and calibrations in double
precision differ by rounding only, for which 1e-12 of the value is allowed.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.packets import CucClock, FrameLayout, FrameReader, FrameWriter, PacketReader, make_packets
from moonpost.control.packets.calibration import Enumeration, Polynomial, Spline
from moonpost.control.packets.decoding import Decoder
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter, Size
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.limits import Comparison, Limits
from moonpost.control.packets.stations import TIME, station_dictionary
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce
from moonpost.operations.channels import channels_of

N = 200
T = np.datetime64("2030-01-01T00:00:00.000", "ms") + np.arange(N) * np.timedelta64(250, "ms")


@pytest.fixture(scope="module")
def station() -> Dictionary:
    """A small station."""
    channels = channels_of(
        {"station": 1000.0},
        {"rover": 50.0},
        (2.0, 10.5),
        boxes={"rover": (263.0, 323.0)},
        recorders={"rover": 1e9},
    )
    return station_dictionary(
        channels, critical={"station.stored_wh": (100.0, None)}, night={"rover.box_k": Limits(warning_low=218.0)}
    )


def mixed() -> Dictionary:
    """Items of many kinds, some of them off octet boundaries."""
    rows = (
        Parameter("a", Encoding("unsigned", 3)),
        Parameter("b", Encoding("signed", 13), "V", calibration=Polynomial((1.0, 0.25, -1e-5))),
        Parameter("c", Encoding("float", 64)),
        Parameter("d", Encoding("unsigned", 8), calibration=Enumeration({0: "off", 1: "on", 2: "safe"})),
        Parameter("e", Encoding("signed", 32, little=True)),
        Parameter("f", Encoding("unsigned", 16), "K", calibration=Spline((0.0, 1e3, 65535.0), (0.0, 50.0, 99.0))),
        Parameter("g", Encoding("unsigned", 8)),
        Parameter("h", Encoding("binary", 8 * 65536, size=Size("g", 8))),
    )  # fmt: skip
    items = (*HEADER, *rows)
    layout = PacketLayout("mixed", tuple(Item(row.name) for row in items), (Comparison("ccsds_apid", "==", 77),))
    return Dictionary("mixed", items, (layout,))


def columns_of(dictionary: Dictionary, packet: str, n: int = N) -> dict[str, Any]:
    """Raw values by chance, always the same."""
    chance, columns = np.random.default_rng(11), {}
    for item in dictionary.packet(packet).items[len(HEADER) :]:
        encoding = dictionary.parameter(item.parameter).encoding
        if item.parameter == TIME:
            continue
        if encoding.kind == "float":
            columns[item.parameter] = chance.normal(0.0, 100.0, n).astype(f"f{encoding.bits // 8}")
        elif encoding.kind == "binary":
            columns[item.parameter] = [bytes(chance.integers(0, 256, i % 5, np.uint8)) for i in range(n)]
        elif item.parameter == "g":
            columns[item.parameter] = np.arange(n) % 5
        elif dictionary.parameter(item.parameter).calibration is not None and encoding.bits == 8:
            columns[item.parameter] = chance.integers(0, 2, n)
        else:
            low = -(1 << encoding.bits - 1) if encoding.kind == "signed" else 0
            columns[item.parameter] = chance.integers(low, low + (1 << min(encoding.bits, 62)), n)
    return columns


def schema() -> Any:
    """The schema of XTCE 1.2 (dtc/18-02-04) as the package xtce-lib carries it; read without the network."""
    import xtce_lib
    from lxml import etree

    path = Path(xtce_lib.__file__).parent / "xsd" / "dtc-18-02-04.xsd"
    return etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True)))


def test_xtce_is_valid_by_the_schema(station: Dictionary, tmp_path: Path) -> None:
    from lxml import etree

    rules = schema()
    sized = Parameter("s", Encoding("text", 400, size=Size(leading_bits=16)))
    ended = Parameter("t", Encoding("text", 400, size=Size(terminator=b"\0")))
    texts = Dictionary("texts", (*HEADER, sized, ended, Parameter("u", Encoding("text", 80))), ())
    for dictionary in (station, mixed(), texts):
        write_xtce(dictionary, tmp_path / "d.xml")
        assert rules.validate(etree.parse(str(tmp_path / "d.xml"))), rules.error_log.last_error
        assert read_xtce(tmp_path / "d.xml") == dictionary


def test_space_packet_parser_reads_our_packets_by_our_xtce(station: Dictionary, tmp_path: Path) -> None:
    """space_packet_parser 6.2 (LASP): every raw and calibrated value of every packet is equal."""
    import space_packet_parser as spp

    for dictionary, packet in ((station, "station"), (station, "rover"), (mixed(), "mixed")):
        write_xtce(dictionary, tmp_path / "d.xml")
        theirs = spp.load_xtce(str(tmp_path / "d.xml"))
        layout = dictionary.packet(packet)
        sent = encode_packets(
            dictionary, packet, columns_of(dictionary, packet, 40), T[:40] if layout.time else None
        )
        (table,) = Decoder(dictionary).decode(sent)
        parsed = [theirs.parse_bytes(octets) for octets in spp.ccsds_generator(io.BytesIO(b"".join(sent)))]
        assert len(parsed) == len(sent)
        assert [one["ccsds_count"] for one in parsed] == table.count.tolist()
        for item in layout.items[len(HEADER) :]:
            name = item.parameter.replace(".", "__")
            assert [one[name].raw_value for one in parsed] == table.raw[item.parameter].tolist(), name
            values = [one[name] for one in parsed]
            if item.parameter == layout.time:
                ticks = table.raw[item.parameter].astype(float)
                np.testing.assert_array_equal(np.array(values, float), ticks / 65536.0)
            elif table.values(item.parameter).dtype.kind == "f":
                np.testing.assert_allclose(np.array(values, float), table.values(item.parameter), rtol=1e-12)
            else:
                assert list(values) == table.values(item.parameter).tolist(), name


def test_ccsdspy_reads_our_packets(station: Dictionary) -> None:
    """ccsdspy 2.0.1: every column of a fixed layout is equal, and the file has no faults."""
    import ccsdspy
    from ccsdspy.utils import count_packets

    packet = station.packet("station")
    columns = columns_of(station, "station")
    sent = encode_packets(station, "station", columns, T, first_count=16300)
    names = [item.parameter for item in packet.items[len(HEADER) :]]
    kinds = {"float": "float", "unsigned": "uint"}
    fields = [
        ccsdspy.PacketField(name=name, data_type=kinds[encoding.kind], bit_length=encoding.bits)
        for name, encoding in ((name, station.parameter(name).encoding) for name in names)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where the count begins again
        theirs = ccsdspy.FixedLength(fields).load(io.BytesIO(b"".join(sent)), include_primary_header=True)
        count = count_packets(io.BytesIO(b"".join(sent)))
    assert count == N
    assert theirs["CCSDS_SEQUENCE_COUNT"].tolist() == sent.count.tolist()
    assert set(theirs["CCSDS_APID"].tolist()) == {packet.apid}
    (table,) = Decoder(station).decode(sent)
    for name in names:
        np.testing.assert_array_equal(theirs[name], table.raw[name])
        if name in columns:
            np.testing.assert_array_equal(theirs[name], columns[name])


def test_spacepackets_makes_and_reads_the_same_packets() -> None:
    """spacepackets 0.32: headers octet by octet, theirs read by us and ours by them."""
    from spacepackets.ccsds.spacepacket import PacketType, SequenceFlags, SpacePacket, SpacePacketHeader

    chance = np.random.default_rng(3)
    reader = PacketReader()
    for _ in range(100):
        apid, count, flags = (int(chance.integers(0, top)) for top in (2047, 16384, 4))
        body = chance.integers(0, 256, int(chance.integers(1, 300)), np.uint8).tobytes()
        kind, secondary = bool(chance.integers(0, 2)), bool(chance.integers(0, 2))
        ours = make_packets(apid, [body], first_count=count, secondary=secondary, telecommand=kind, flags=flags)
        header = SpacePacketHeader(
            PacketType.TC if kind else PacketType.TM, apid, count, len(body) - 1, secondary, SequenceFlags(flags)
        )
        head, rest = (body[:1], body[1:]) if secondary else (None, body)
        theirs = bytes(SpacePacket(header, head, rest or (None if secondary else b"")).pack()) if rest else None
        assert bytes(header.pack()) == ours[0][:6]
        if theirs is not None:
            assert theirs == ours[0]
        read = SpacePacketHeader.unpack(ours[0])
        assert (read.apid, read.seq_count, read.packet_len) == (apid, count, len(ours[0]))
        assert list(reader.read(theirs or ours[0]).packets) == [ours[0]]
    assert reader.tally.rejected == 0


def test_spacepackets_reads_our_frames() -> None:
    """spacepackets 0.32: header, counts, pointer, control field and checksum of every frame."""
    from spacepackets.ccsds.tm_frame import TmTransferFrame

    for control in (False, True):
        layout = FrameLayout(spacecraft=0xAB, control_field=control, marker=False)
        writer = FrameWriter(layout)
        packets = make_packets(5, [bytes([i % 256]) * (i % 700 + 1) for i in range(400)])
        octets = writer.write(packets, 3) + writer.flush(3)
        fields, pointers = b"", []
        for number in range(len(octets) // 1115):
            frame = TmTransferFrame.unpack(octets[1115 * number : 1115 * (number + 1)], 1115, True)
            header = frame.primary_header
            assert header.master_channel_id.spacecraft_id == 0xAB
            assert header.master_channel_id.transfer_frame_version == 0
            assert (header.vc_id, header.ocf_flag) == (3, control)
            assert header.master_ch_frame_count == header.vc_frame_count == number % 256
            status = header.frame_datafield_status
            assert (status.secondary_header_flag, status.sync_flag, status.segment_len_id) == (False, False, 3)
            pointers.append(len(fields) + status.first_header_pointer)
            fields += frame.data_field
        joined = b"".join(packets)
        assert fields.startswith(joined)
        begins = {*packets.start.tolist(), len(joined)}
        assert {at for at in pointers if at < len(fields)} <= begins


def test_we_read_the_frames_that_spacepackets_makes() -> None:
    """The other way: frames with its headers and its checksum (fastcrc, CRC-16/IBM-3740), cut as a stream."""
    import fastcrc
    from spacepackets.ccsds.tm_frame import (
        MasterChannelId,
        TmFramePrimaryHeader,
        TmTransferFrame,
        TransferFrameDataFieldStatus,
    )

    room, packets = 1107, make_packets(5, [bytes([i % 256]) * (3 * i + 1) for i in range(100)])
    joined = b"".join(packets)
    joined = joined[: len(joined) // room * room]
    frames = b""
    for number in range(len(joined) // room):
        inside = packets.start[(packets.start >= number * room) & (packets.start < (number + 1) * room)]
        pointer = int(inside[0]) - number * room if inside.size else 2047
        status = TransferFrameDataFieldStatus(False, False, False, 3, pointer)
        header = TmFramePrimaryHeader(MasterChannelId(0, 9), 2, False, number % 256, number % 256, status)
        field = joined[number * room : (number + 1) * room]
        frame = TmTransferFrame(1113, header, None, field, None, None).pack()
        frames += bytes.fromhex("1ACFFC1D") + frame + fastcrc.crc16.ibm_3740(frame).to_bytes(2, "big")
    reader = FrameReader(FrameLayout(spacecraft=9))
    found = [packet for at in range(0, len(frames), 777) for packet in reader.read(frames[at : at + 777]).packets]
    whole = [packet for packet, end in zip(packets, (packets.start + packets.length).tolist(), strict=True)
             if end <= len(joined)]  # fmt: skip
    assert found == whole
    assert reader.tally.rejected == 0


def test_checksum_of_the_catalogue() -> None:
    """CRC-16/IBM-3740 of "123456789" is 0x29B1 (catalogue of parametrised CRC algorithms); exact."""
    from moonpost.control.packets.kernels import checksums

    assert checksums(np.frombuffer(bytearray(b"123456789"), np.uint8)[None, :])[0] == 0x29B1


def test_the_clock_counts_as_the_standard_says() -> None:
    """CCSDS 301.0-B-4, 3.2.2: from 1958-01-01 TAI. 1972-01-01 UTC is 5,113 days and 10 s later."""
    assert CucClock().ticks("1972-01-01")[0] == (5_113 * 86_400 + 10) << 16
    assert CucClock().preamble == 0b0001_1110
    assert CucClock("2020-01-01").preamble == 0b0010_1110
