"""Packets by number for the tests of the archive: one a second, all octets follow from the number."""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import time

import numpy as np
import numpy.typing as npt

from moonpost.control.archive import Archive, Packets

EPOCH = np.datetime64("2030-01-01", "us")
LATER = "2031-01-01"


def decode(apid: int, packets: Packets) -> dict[str, npt.NDArray[np.generic]]:
    """A float, a counter and a flag in every packet of eight octets."""
    table = packets.data.reshape(len(packets), 8)
    return {
        f"c{apid}/value_v": table[:, :4].copy().view(">f4")[:, 0],
        f"c{apid}/count": table[:, 4:6].copy().view(">u2")[:, 0],
        f"c{apid}/on": table[:, 6] > 127,
    }


def make(numbers: npt.ArrayLike, apid: int = 5, receive_s: int = 0) -> Packets:
    """Packets of some numbers."""
    number = np.asarray(numbers, np.int64)
    table = np.zeros((number.size, 8), np.uint8)
    table[:, :4] = np.sin(number / 7.0).astype(">f4").view(np.uint8).reshape(-1, 4)
    table[:, 4:6] = (number % 65536).astype(">u2").view(np.uint8).reshape(-1, 2)
    table[:, 6] = number * 31 % 256
    time = EPOCH + number * 1_000_000
    return Packets(
        np.full(number.size, apid, np.uint16),
        time,
        (number % 16384).astype(np.uint16),
        time + np.timedelta64(receive_s, "s"),
        table.ravel(),
        np.arange(number.size + 1) * 8,
    )


def sent(number: int) -> bool:
    """Whether the source of the kill test sends a packet: some are never sent and leave gaps."""
    return not 50 <= number % 997 < 55


def write_until_killed(folder: str, tell: int, sync_s: float) -> None:
    """Go on where the archive ends, a little before; tell what is acknowledged; never stop."""
    with Archive.open(folder, decode, segment_bytes=1 << 19, hot_values=40_000, sync_s=sync_s) as archive:
        known = archive.parameters
        begin = len(archive.query("c5/count", EPOCH, LATER)) if known else 0
        while True:
            numbers = [number for number in range(begin, begin + 700) if sent(number)]
            receipt = archive.append(make(numbers))
            if receipt.acknowledged:
                os.write(tell, struct.pack("<q", numbers[-1]))
            begin += 600


def look(folder: str, acknowledged: int) -> str:
    """What is wrong with an archive whose packets up to a number were acknowledged, in words, or nothing."""
    with Archive.open(folder, decode, read_only=True) as archive:
        if acknowledged < 0 and not archive.parameters:
            return ""
        found = archive.query("c5/count", EPOCH, LATER)
    numbers = (found.time - EPOCH).astype(np.int64) // 1_000_000
    expected = np.array([number for number in range(int(numbers[-1]) + 1) if sent(number)])
    if numbers[-1] < acknowledged:
        return f"{numbers[-1]} is the last, {acknowledged} was acknowledged"
    if not np.array_equal(numbers, expected):
        return f"{numbers.size} packets shown, {expected.size} sent"
    if not np.array_equal(found.value, expected % 65536):
        return "values differ"
    holes = [int(gap.missing) for gap in found.gaps]
    if holes != [5] * sum(1 for n in range(50, int(numbers[-1]) - 4, 997)):
        return f"gaps {holes}"
    return ""


def kill_often(folder: str, rounds: int, seed: int, sync_s: float) -> None:
    """Kill a writer many times and look at the archive after each; print how many packets came through."""
    draw = random.Random(seed)
    acknowledged = -1
    for number in range(rounds):
        there, tell = os.pipe()
        child = os.fork()
        if not child:
            os.close(there)
            write_until_killed(folder, tell, sync_s)
            os._exit(9)
        os.close(tell)
        first = os.read(there, 8) if draw.random() < 0.8 else b""
        time.sleep(draw.random() * 0.2)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = first
        while piece := os.read(there, 65536):
            told += piece
        os.close(there)
        if len(told) >= 8:
            acknowledged = max(acknowledged, *struct.unpack(f"<{len(told) // 8}q", told[: len(told) // 8 * 8]))
        looker = os.fork()
        if not looker:
            wrong = "the archive could not be opened"
            try:
                wrong = look(folder, acknowledged)
            finally:
                print(wrong, file=sys.stderr, flush=True)
                os._exit(1 if wrong else 0)
        if os.waitpid(looker, 0)[1]:
            sys.exit(f"after kill {number + 1}")
    print(acknowledged)


if __name__ == "__main__":
    kill_often(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
