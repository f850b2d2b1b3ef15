"""Telemetry and telecommands as they are sent: packets, frames, and the dictionaries of what they hold."""

from __future__ import annotations

from moonpost.control.packets.arguments import Argument
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
from moonpost.control.packets.telecommands import (
    CommandDictionary,
    CommandError,
    CommandLayout,
    Telecommand,
    decode_command,
    encode_command,
)
from moonpost.control.packets.xtce_commands import read_xtce_commands
from moonpost.control.packets.xtce_reading import read_xtce
from moonpost.control.packets.xtce_writing import write_xtce

__all__ = [
    "Argument",
    "CommandDictionary",
    "CommandError",
    "CommandLayout",
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
    "Telecommand",
    "channel_values",
    "decode_command",
    "encode_command",
    "encode_packets",
    "idle_packet",
    "limit_states",
    "make_packets",
    "read_xtce",
    "read_xtce_commands",
    "station_dictionary",
    "station_packets",
    "write_xtce",
]
