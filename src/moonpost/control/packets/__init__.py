"""Telemetry as it is sent: space packets, transfer frames, and the dictionary that says what they hold."""

from __future__ import annotations

from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.frames import FrameLayout, FrameWriter
from moonpost.control.packets.headers import Packets, idle_packet, make_packets
from moonpost.control.packets.receiving import FrameReader, PacketReader, Received
from moonpost.control.packets.tally import Gap, Tally

__all__ = [
    "CucClock",
    "FrameLayout",
    "FrameReader",
    "FrameWriter",
    "Gap",
    "PacketReader",
    "Packets",
    "Received",
    "Tally",
    "idle_packet",
    "make_packets",
]
