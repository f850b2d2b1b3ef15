"""A station of two machines for the tests of the ground: a packet of each in each second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.control.packets import Dictionary, FrameLayout, FrameWriter, Limits, Packets, encode_packets
from moonpost.control.packets import station_dictionary as made
from moonpost.operations.channels import Channel

EPOCH = np.datetime64("2040-01-01", "us")
LATER = "2041-01-01"
LAYOUT = FrameLayout(spacecraft=171, octets=256)
CHANNELS = (
    Channel("sky.sun_elevation_deg", "deg", None, None, "Elevation of the Sun."),
    Channel("rover.box_k", "K", 263.0, 323.0, "Temperature of its warm box."),
    Channel("rover.number", "1", None, None, "Number of the packet."),
)


def dictionary() -> Dictionary:
    """Limits of a box that are wider in the night."""
    night = {"rover.box_k": Limits(warning_low=218.0, critical_low=210.0)}
    critical = {"rover.box_k": (253.0, 333.0)}
    return made(CHANNELS, float_bits=64, critical=critical, night=night)


def rover(numbers: npt.ArrayLike, box_k: npt.ArrayLike = 290.0) -> Packets:
    """Packets of the rover, of seconds by number."""
    number = np.asarray(numbers, np.int64)
    values = {"rover.box_k": np.broadcast_to(box_k, number.shape), "rover.number": number.astype(float)}
    return _counted("rover", values, number)


def sky(numbers: npt.ArrayLike, elevation_deg: npt.ArrayLike = 5.0) -> Packets:
    """Packets of the sky, of seconds by number."""
    number = np.asarray(numbers, np.int64)
    return _counted("sky", {"sky.sun_elevation_deg": np.broadcast_to(elevation_deg, number.shape)}, number)


def _counted(name: str, values: dict[str, npt.NDArray[np.float64]], number: npt.NDArray[np.int64]) -> Packets:
    sent = encode_packets(dictionary(), name, values, at(number))
    words = sent.data.reshape(len(number), -1)
    words[:, 2] = 0xC0 | number % 16384 >> 8
    words[:, 3] = number % 256
    return sent


def at(number: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
    """UTC of a number."""
    return EPOCH + np.asarray(number, np.int64) * 1_000_000


def framed(packets: Packets, channel: int = 0, writer: FrameWriter | None = None) -> bytes:
    """Frames of packets, the last filled up."""
    writer = writer or FrameWriter(LAYOUT)
    return writer.write(packets, channel) + writer.flush(channel)
