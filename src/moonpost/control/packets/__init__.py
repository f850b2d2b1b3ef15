"""Telemetry as it is sent: space packets, transfer frames, and the dictionary that says what they hold."""

from __future__ import annotations

from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.decoding import Decoder, Table
from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.frames import FrameLayout, FrameWriter
from moonpost.control.packets.headers import Packets, idle_packet, make_packets
from moonpost.control.packets.limits import Limits, limit_states
from moonpost.control.packets.receiving import FrameReader, PacketReader, Received
from moonpost.control.packets.stations import channel_values, station_dictionary, station_packets
from moonpost.control.packets.tally import Gap, Tally
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce

__all__ = [
    "CucClock",
    "Decoder",
    "Dictionary",
    "FrameLayout",
    "FrameReader",
    "FrameWriter",
    "Gap",
    "Limits",
    "PacketReader",
    "Packets",
    "Received",
    "Table",
    "Tally",
    "channel_values",
    "encode_packets",
    "idle_packet",
    "limit_states",
    "make_packets",
    "read_xtce",
    "station_dictionary",
    "station_packets",
    "write_xtce",
]
