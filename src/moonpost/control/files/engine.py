"""The protocol's state machines of cfdp-py, with what they lack; imported only where files are moved."""

# ruff: noqa: ARG002  (signatures are those of cfdp-py)

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cfdppy import CfdpUserBase, LocalEntityConfig, RemoteEntityConfig
from cfdppy.filestore import NativeFilestore
from cfdppy.handler.dest import DestHandler, LostSegmentTracker
from cfdppy.handler.source import SourceHandler
from cfdppy.mib import CheckTimerProvider, DefaultFaultHandlerBase, IndicationConfig, RemoteEntityConfigTable
from cfdppy.request import PutRequest
from spacepackets.cfdp import ChecksumType, ConditionCode, TransmissionMode
from spacepackets.cfdp.pdu.finished import DeliveryCode
from spacepackets.countdown import Countdown
from spacepackets.seqcount import SeqCountProvider
from spacepackets.util import ByteFieldU16

__all__ = ["make_receiver", "make_sender"]

_NEVER = 1_000_000_000
"""Limit of repetitions: how long to be patient is decided by those who use these machines."""


def make_sender(
    path: Path,
    name: str,
    entities: tuple[int, int],
    transaction: int,
    packet_octets: int,
    timer_s: float,
    finished: Callable[[bool, str], None],
) -> Any:
    """A machine that sends one file; `finished` is told whether it was delivered, and what was wrong."""
    sender, receiver = entities
    numbers = SeqCountProvider(32)
    numbers.count = transaction
    machine = SourceHandler(
        _local(sender), _User(finished), _remote(receiver, packet_octets, timer_s), _Checks(timer_s), numbers
    )
    request = PutRequest(
        ByteFieldU16(receiver), path, Path(name), TransmissionMode.ACKNOWLEDGED, closure_requested=True
    )
    machine.put_request(request)
    return machine


def make_receiver(
    path: Path, entities: tuple[int, int], most: int, timer_s: float, finished: Callable[[bool, str], None]
) -> Any:
    """A machine that receives one file of at most so many octets into a path."""
    sender, receiver = entities
    user = _User(finished, _OneFile(path, most))
    return _Receiver(_local(receiver), user, _remote(sender, 65536, timer_s), _Checks(timer_s))


def _local(entity: int) -> LocalEntityConfig:
    """Settings of our side."""
    return LocalEntityConfig(ByteFieldU16(entity), IndicationConfig(), _Faults())


def _remote(entity: int, packet_octets: int, timer_s: float) -> RemoteEntityConfigTable:
    """Settings for the other side."""
    return RemoteEntityConfigTable([
        RemoteEntityConfig(
            entity_id=ByteFieldU16(entity), max_file_segment_len=None, max_packet_len=packet_octets,
            closure_requested=True, crc_on_transmission=True,
            default_transmission_mode=TransmissionMode.ACKNOWLEDGED, crc_type=ChecksumType.CRC_32,
            positive_ack_timer_interval_seconds=timer_s, positive_ack_timer_expiration_limit=_NEVER,
            immediate_nak_mode=False, nak_timer_interval_seconds=timer_s, nak_timer_expiration_limit=_NEVER,
        )
    ])  # fmt: skip


class _Receiver(DestHandler):  # type: ignore[misc]
    """Keeps lost segments apart from those of other transactions, and verifies each file's checksum.

    cfdp-py 0.7 shares one list of lost segments among all machines, and takes an acknowledged file that came
    without loss for complete without its checksum.
    """

    def _common_first_packet_handler(self, pdu: Any) -> Any:
        self._params.acked_params.lost_seg_tracker = LostSegmentTracker()
        return super()._common_first_packet_handler(pdu)

    def _notice_of_completion(self) -> None:
        params = self._params
        sound = params.finished_params.condition_code == ConditionCode.NO_ERROR
        if sound and not self._checksum_verify(params.fp.file_size, params.fp.crc32):
            params.finished_params.condition_code = ConditionCode.FILE_CHECKSUM_FAILURE
            params.finished_params.delivery_code = DeliveryCode.DATA_INCOMPLETE
        super()._notice_of_completion()


class _OneFile(NativeFilestore):  # type: ignore[misc]
    """A store of one file, whatever the other side calls it."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__()
        self.path, self.most = path, most

    def is_directory(self, path: Path) -> bool:
        return False

    def file_exists(self, path: Path) -> bool:
        return self.path.exists()

    def create_file(self, file: Path) -> Any:
        return super().create_file(self.path)

    def truncate_file(self, file: Path) -> None:
        super().truncate_file(self.path)

    def delete_file(self, file: Path) -> Any:
        return super().delete_file(self.path)

    def file_size(self, file: Path) -> int:
        return int(super().file_size(self.path))

    def read_data(self, file: Path, offset: int | None, read_len: int | None = None) -> bytes:
        return bytes(super().read_data(self.path, offset, read_len))

    def write_data(self, file: Path, data: bytes, offset: int | None) -> None:
        if (offset or 0) + len(data) > self.most:
            raise PermissionError("too long")
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, offset or 0)
        finally:
            os.close(descriptor)

    def calculate_checksum(
        self, checksum_type: Any, file_path: Path, size_to_verify: int, segment_len: int = 65536
    ) -> bytes:
        return bytes(super().calculate_checksum(checksum_type, self.path, size_to_verify, 65536))


class _Checks(CheckTimerProvider):  # type: ignore[misc]
    """Timers that acknowledged files do not use."""

    def __init__(self, timer_s: float) -> None:
        self.timer_s = timer_s

    def provide_check_timer(self, local_entity_id: Any, remote_entity_id: Any, entity_type: Any) -> Any:
        return Countdown.from_seconds(self.timer_s)


class _Faults(DefaultFaultHandlerBase):  # type: ignore[misc]
    """Faults end in a finished transaction or in none; those who use the machine see that."""

    def notice_of_suspension_cb(self, transaction_id: Any, cond: Any, progress: int) -> None:
        pass

    def notice_of_cancellation_cb(self, transaction_id: Any, cond: Any, progress: int) -> None:
        pass

    def abandoned_cb(self, transaction_id: Any, cond: Any, progress: int) -> None:
        pass

    def ignore_cb(self, transaction_id: Any, cond: Any, progress: int) -> None:
        pass


class _User(CfdpUserBase):  # type: ignore[misc]
    """Hands on that a transaction has finished."""

    def __init__(self, finished: Callable[[bool, str], None], store: Any = None) -> None:
        super().__init__(store)
        self._finished = finished

    def transaction_finished_indication(self, params: Any) -> None:
        told = params.finished_params
        whole = told.delivery_code == DeliveryCode.DATA_COMPLETE
        whole &= told.condition_code == ConditionCode.NO_ERROR
        self._finished(whole, told.condition_code.name.lower().replace("_", " "))

    def transaction_indication(self, transaction_indication_params: Any) -> None:
        pass

    def eof_sent_indication(self, transaction_id: Any) -> None:
        pass

    def metadata_recv_indication(self, params: Any) -> None:
        pass

    def file_segment_recv_indication(self, params: Any) -> None:
        pass

    def report_indication(self, transaction_id: Any, status_report: Any) -> None:
        pass

    def suspended_indication(self, transaction_id: Any, cond_code: Any) -> None:
        pass

    def resumed_indication(self, transaction_id: Any, progress: int) -> None:
        pass

    def fault_indication(self, transaction_id: Any, cond_code: Any, progress: int) -> None:
        pass

    def abandoned_indication(self, transaction_id: Any, cond_code: Any, progress: int) -> None:
        pass

    def eof_recv_indication(self, transaction_id: Any) -> None:
        pass
