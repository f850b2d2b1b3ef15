"""Archive of telemetry: packets in append-only segments, parameters in columns, one way to read them."""

from __future__ import annotations

from moonpost.control.archive.batch import Decoder, Packets
from moonpost.control.archive.exports import export
from moonpost.control.archive.gaps import Gap
from moonpost.control.archive.segments import Segment
from moonpost.control.archive.series import Series
from moonpost.control.archive.spacepackets import archive_decoder, archive_packets
from moonpost.control.archive.store import Archive, Receipt, Status
from moonpost.control.archive.upkeep import Finding, Rebuilt, Verification, rebuild, verify

__all__ = [
    "Archive",
    "Decoder",
    "Finding",
    "Gap",
    "Packets",
    "Rebuilt",
    "Receipt",
    "Segment",
    "Series",
    "Status",
    "Verification",
    "archive_decoder",
    "archive_packets",
    "export",
    "rebuild",
    "verify",
]
