"""Units of the protocol in space packets."""

from __future__ import annotations

from typing import Any

from cfdppy import exceptions
from spacepackets.cfdp import Direction, PduFactory
from spacepackets.cfdp.pdu import AckPdu, DirectiveType, FinishedPdu, NakPdu, TransactionStatus

__all__ = ["REFUSALS", "acknowledge", "finish", "key_of", "request_metadata", "unit_of"]

REFUSALS: tuple[type[Exception], ...] = (
    *(
        kind for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == exceptions.__name__
    ),
    AssertionError,
    ValueError,
    TypeError,
    AttributeError,
)  # fmt: skip
"""What the machines raise about units that do not fit."""


def unit_of(packet: bytes, apid: int) -> Any:
    """The unit in a packet, None if there is none or its checksum is wrong."""
    sound = len(packet) > 6 and packet[0] >> 5 == 0 and int.from_bytes(packet[:2], "big") & 0x7FF == apid
    if not sound or int.from_bytes(packet[4:6], "big") + 7 != len(packet):
        return None
    try:
        return PduFactory.from_raw(packet[6:])
    except Exception:  # a library's many ways to say that octets are no unit
        return None


def key_of(unit: Any) -> tuple[int, int]:
    """Sender and number of the transaction."""
    return int(unit.source_entity_id.value), int(unit.transaction_seq_num.value)


def acknowledge(unit: Any) -> bytes:
    """Acknowledgement of a unit that came again after the machine had gone on."""
    settings = unit.pdu_header.pdu_conf
    finished = unit.directive_type == DirectiveType.FINISHED_PDU
    settings.direction = Direction.TOWARDS_RECEIVER if finished else Direction.TOWARDS_SENDER
    return bytes(AckPdu(settings, unit.directive_type, unit.condition_code, TransactionStatus.ACTIVE).pack())


def finish(unit: Any) -> bytes:
    """The word that the file of a unit's transaction is there as a whole."""
    return bytes(FinishedPdu.success_pdu(unit.pdu_header.pdu_conf).pack())


def request_metadata(unit: Any) -> bytes:
    """Request of what a transaction begins with."""
    settings = unit.pdu_header.pdu_conf
    settings.direction = Direction.TOWARDS_SENDER
    return bytes(NakPdu(settings, 0, 0, [(0, 0)]).pack())
