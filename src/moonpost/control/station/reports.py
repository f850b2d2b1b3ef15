"""Report packets of the station: verification of telecommands, events, time, queue and store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.control.packets.dictionary import HEADER, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.limits import Comparison
from moonpost.control.packets.stations import TIME
from moonpost.control.station.instants import utc
from moonpost.operations.codes import EVENTS

if TYPE_CHECKING:
    from moonpost.control.packets.dictionary import Dictionary

__all__ = ["EVENT_KINDS", "FAILURES", "REPORTS_APID", "REPORT_NAMES"]

REPORTS_APID = 1900
"""Application process of the station's computer: its reports, and the telecommands that it takes itself."""

FAILURES = (
    "header", "length", "checksum", "version", "unknown", "argument", "not-there", "queue-full", "too-late",
    "queue-disabled", "not-queued", "not-running", "no-light", "no-contact", "busy", "did-not-wake",
    "did-not-sleep", "refused-on-board", "no-power", "machine-lost", "run-refused", "run-stopped", "no-effect",
)  # fmt: skip
"""Causes of failure, numbered from 1."""

EVENT_KINDS = (
    *EVENTS, "sunrise", "sunset", "arrival", "contact-begins", "contact-ends", "reactor-end", "outage-begins",
    "outage-ends", "design-life-end", "command", "fault-begins", "fault-ends", "other",
)  # fmt: skip
"""Kinds of events, numbered from 0."""

_HEAD = (
    ("pus_version", 4, "Version of the packet utilisation standard: 2"),
    ("pus_time_status", 4, "State of the time reference: 0"),
    ("pus_service", 8, "Service that reports"),
    ("pus_subservice", 8, "Kind of its report"),
    ("pus_message_count", 16, "Counts the reports of this service and kind"),
    ("pus_destination", 16, "Who asked for it; 0 for the ground"),
)
_REQUEST = (
    ("request_version", 3), ("request_type", 1), ("request_secondary", 1), ("request_apid", 11),
    ("request_flags", 2), ("request_count", 14),
)  # fmt: skip
_TEXT_OCTETS = {"relay_name": 40, "failure_text": 96, "event_subject": 40, "event_text": 120}
_SEVERITIES = {1: "info", 2: "low", 3: "medium", 4: "high"}
_SENT = ("request_version", "request_type", "request_secondary", "request_apid", "request_flags", "request_count")
_WRONG = (*_SENT, "failure_code", "failure_text")
_EVENT = ("event_kind", "event_subject", "event_value", "event_text")
_QUEUE = ("queue_enabled", "queue_position", "queue_total", "queued_time", "queued_apid", "queued_count")
_STORE = (
    "store_playing", "store_held_octets", "store_held_packets", "store_lost_packets", "store_oldest_time",
    "store_room_octets",
)  # fmt: skip
_RELAY = (
    "relay_name", "relay_full", "relay_taken_packets", "relay_held_octets", "relay_held_packets",
    "relay_room_octets", "store_playing", "store_held_packets", "store_lost_packets",
)  # fmt: skip
_KINDS: Mapping[str, tuple[int, int, tuple[str, ...], str]] = {
    "acceptance": (1, 1, _SENT, "A telecommand was accepted."),
    "acceptance-failure": (1, 2, _WRONG, "A telecommand was refused."),
    "start": (1, 3, _SENT, "Execution began."),
    "start-failure": (1, 4, _WRONG, "Execution could not begin."),
    "progress": (1, 5, (*_SENT, "progress_step"), "A step of execution was done; no command here has steps."),
    "progress-failure": (
        1,
        6,
        (*_WRONG, "progress_step"),
        "A step of execution failed; no command here has steps.",
    ),
    "completion": (1, 7, _SENT, "Execution was completed, as seen on board."),
    "completion-failure": (1, 8, _WRONG, "Execution failed, as seen on board."),
    **{
        f"event-{name}": (5, number, _EVENT, f"Something happened on board; severity {name}.")
        for number, name in _SEVERITIES.items()
    },
    "time-report": (9, 2, ("clock_ticks",), "What the free-running clock showed at the packet's time."),
    "queue-report": (11, 13, _QUEUE, "One telecommand of the time-tagged queue, or that it is empty."),
    "store-status": (15, 19, _STORE, "What the store of telemetry holds."),
    "relay-status": (15, 131, _RELAY, "A relay that did not see the Earth has passed: what it took and keeps."),
    "ping-answer": (17, 2, (), "The station is there."),
}
REPORT_NAMES = tuple(_KINDS)
"""Names of the report packets."""


@dataclass(frozen=True)
class Report:
    """A report that the station makes.

    Parameters
    ----------
    time_us : int
        When it is made [us of UTC].
    name : str
        One of `REPORT_NAMES`.
    fields : mapping
        Raw values of its items; texts as str.
    rank : tuple of int
        Its place among reports of one instant.

    Examples
    --------
    >>> Report(0, "ping-answer").name
    'ping-answer'
    """

    time_us: int
    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    rank: tuple[int, ...] = (0,)

    @property
    def order(self) -> tuple[int, ...]:
        """What reports are sorted by."""
        return (self.time_us, *self.rank)


def report_parameters() -> tuple[Parameter, ...]:
    """Parameters of all report packets, but for header and time.

    Returns
    -------
    tuple of Parameter

    Examples
    --------
    >>> [parameter.name for parameter in report_parameters()][:2]
    ['pus_version', 'pus_time_status']
    """
    unsigned = {
        "progress_step": (8, "Step of execution"), "clock_ticks": (48, "Count of the clock, 1/65536 s since 1958"),
        "queue_position": (16, "Place in the queue from 1; 0 if it is empty"),
        "queue_total": (16, "Telecommands in the queue"), "queued_apid": (16, "APID of the queued telecommand"),
        "queued_count": (16, "Sequence count of the queued telecommand"),
        "store_held_octets": (48, "Octets that wait for playback"),
        "store_held_packets": (32, "Packets that wait for playback"),
        "store_lost_packets": (32, "Packets lost since the start because the store was full"),
        "store_room_octets": (48, "Octets that the store holds at most"),
        "relay_taken_packets": (32, "Packets that the relay took in this pass"),
        "relay_held_octets": (48, "Octets that the relay keeps until it sees the Earth"),
        "relay_held_packets": (32, "Packets that the relay keeps until it sees the Earth"),
        "relay_room_octets": (48, "Octets that the relay keeps at most"),
    }  # fmt: skip
    instants = {
        "queued_time": "When it is released, by the clock on board",
        "store_oldest_time": "Time of the oldest packet that waits; 1958 if none does",
    }
    causes, kinds = dict(enumerate(FAILURES, 1)), dict(enumerate(EVENT_KINDS))
    yes = {0: "no", 1: "yes"}
    labels = {
        "failure_code": (16, causes, "Why it failed"), "event_kind": (16, kinds, "What kind of event"),
        "queue_enabled": (8, yes, "Whether the queue releases telecommands"),
        "store_playing": (8, yes, "Whether playback is allowed"),
        "relay_full": (8, yes, "Whether it could take no more, so that the station kept the rest"),
    }  # fmt: skip
    return (
        *(Parameter(name, Encoding("unsigned", bits), "", text) for name, bits, text in _HEAD),
        *(Parameter(name, Encoding("unsigned", bits), "", "Of the header asked for") for name, bits in _REQUEST),
        *(Parameter(name, Encoding("unsigned", bits), "", text) for name, (bits, text) in unsigned.items()),
        *(Parameter(name, Encoding("unsigned", 48), "", text, Instant()) for name, text in instants.items()),
        *(
            Parameter(name, Encoding("unsigned", bits), "", text, Enumeration(found))
            for name, (bits, found, text) in labels.items()
        ),
        *(
            Parameter(name, Encoding("text", 8 * octets), "", "Filled with zeros")
            for name, octets in _TEXT_OCTETS.items()
        ),
        Parameter("event_value", Encoding("float", 64), "", "A number that belongs to the event"),
    )


def report_layouts() -> tuple[PacketLayout, ...]:
    """Layouts of all report packets.

    Returns
    -------
    tuple of PacketLayout
        Told apart by APID, service and kind.

    Examples
    --------
    >>> {layout.apid for layout in report_layouts()}
    {1900}
    """
    head = (*(parameter.name for parameter in HEADER), *(name for name, _, _ in _HEAD), TIME)
    return tuple(
        PacketLayout(
            name,
            tuple(Item(item) for item in (*head, *items)),
            (
                Comparison("ccsds_apid", "==", REPORTS_APID),
                Comparison("pus_service", "==", service),
                Comparison("pus_subservice", "==", subservice),
            ),
            TIME,
            text,
        )
        for name, (service, subservice, items, text) in _KINDS.items()
    )


def report_octets() -> dict[str, int]:
    """Length of each report packet.

    Returns
    -------
    dict of str to int
        Octets by name.

    Examples
    --------
    >>> report_octets()["ping-answer"]
    19
    """
    bits = {p.name: p.encoding.bits for p in (*HEADER, *report_parameters())} | {TIME: 48}
    return {row.name: sum(bits[item.parameter] for item in row.items) // 8 for row in report_layouts()}


def encode_reports(
    dictionary: Dictionary, reports: Sequence[Report], counts: Sequence[int], messages: Sequence[int]
) -> list[bytes]:
    """Packets of reports.

    Parameters
    ----------
    dictionary : Dictionary
        With the layouts.
    reports : sequence of Report
        Reports.
    counts : sequence of int
        Sequence count of each.
    messages : sequence of int
        Message count of each.

    Returns
    -------
    list of bytes
        In the order of the reports.

    Examples
    --------
    >>> from moonpost.control.packets.dictionary import Dictionary
    >>> from moonpost.control.packets.stations import station_dictionary
    >>> time = station_dictionary([]).parameter("cuc_time")
    >>> dictionary = Dictionary("a", (*HEADER, time, *report_parameters()), report_layouts())
    >>> len(encode_reports(dictionary, [Report(0, "ping-answer")], [5], [0])[0])
    19
    """
    found: list[bytes] = [b""] * len(reports)
    rows: dict[str, list[int]] = {}
    for row, report in enumerate(reports):
        rows.setdefault(report.name, []).append(row)
    for name, chosen in rows.items():
        service, subservice, items, _ = _KINDS[name]
        columns: dict[str, Any] = {
            "pus_version": np.full(len(chosen), 2),
            "pus_time_status": np.zeros(len(chosen), np.int64),
            "pus_service": np.full(len(chosen), service),
            "pus_subservice": np.full(len(chosen), subservice),
            "pus_message_count": np.array([messages[row] % 65536 for row in chosen]),
            "pus_destination": np.zeros(len(chosen), np.int64),
        }
        for item in items:
            values = [reports[row].fields[item] for row in chosen]
            columns[item] = (
                [_filled(item, value) for value in values] if item in _TEXT_OCTETS else np.array(values)
            )
        t = np.array([utc(reports[row].time_us) for row in chosen])
        packets = encode_packets(dictionary, name, columns, t)
        for number, row in enumerate(chosen):
            octets = bytearray(packets[number])
            octets[2:4] = (0xC000 | counts[row] % 16384).to_bytes(2, "big")
            found[row] = bytes(octets)
    return found


def _filled(item: str, text: str) -> bytes:
    """A text cut and filled to its size, with whole letters."""
    octets = text.encode()[: _TEXT_OCTETS[item]].decode(errors="ignore").encode()
    return octets.ljust(_TEXT_OCTETS[item], b"\0")
