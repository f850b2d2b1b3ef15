"""Space packets into the archive, and their dictionary as its decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.batch import Decoder, Packets, exact_times
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.control.packets.decoding import Decoder as DictionaryDecoder
    from moonpost.control.packets.headers import Packets as SpacePackets

__all__ = ["archive_decoder", "archive_packets"]

_FIRST, _LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")


def archive_packets(packets: SpacePackets, decoder: DictionaryDecoder, receive: TimeLike) -> Packets:
    """Space packets as the archive takes them.

    Parameters
    ----------
    packets : Packets
        Whole space packets with their headers, n of them.
    decoder : Decoder
        Knows where the packets hold their time.
    receive : datetime64 array, str or datetime, (n,) or single
        UTC at which they were received. It also stands for the time of packets that hold none, or none of the
        years 1 to 9999.

    Returns
    -------
    Packets
        The same packets with channel, time and sequence count.

    Raises
    ------
    DateError
        If `receive` cannot be read.
    InputError
        If its shape is another.

    Examples
    --------
    >>> from moonpost.control.packets import Decoder, encode_packets, station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    >>> sent = encode_packets(dictionary, "station", {"station.shed_w": [0.0, 7.5]}, ["2030-01-01", "2030-01-02"])
    >>> batch = archive_packets(sent, Decoder(dictionary), "2030-01-03")
    >>> batch.time.astype("datetime64[D]").astype(str).tolist()
    ['2030-01-01', '2030-01-02']
    >>> archive_decoder(Decoder(dictionary))(int(batch.apid[0]), batch)["station.shed_w"].tolist()
    [0.0, 7.5]
    """
    from moonpost.control.archive.kernels import gather

    size = len(packets)
    received = exact_times(receive)
    received = np.broadcast_to(received, (size,)).copy() if received.ndim == 0 else received
    made = decoder.times(packets).astype("datetime64[us]")
    if received.shape == made.shape:
        made = np.where((made >= _FIRST) & (made < _LAST), made, received)
    begins = np.asarray(packets.start, np.int64)
    ends = begins + np.asarray(packets.length, np.int64)
    data = gather(np.ascontiguousarray(packets.data), begins, ends)
    offsets = np.concatenate([[0], np.cumsum(ends - begins)])
    apid = packets.apid.astype(np.uint16) if size else np.zeros(0, np.uint16)
    count = packets.count.astype(np.uint16) if size else np.zeros(0, np.uint16)
    return Packets(apid, made, count, received, data, offsets)


def archive_decoder(decoder: DictionaryDecoder) -> Decoder:
    """A dictionary as the decoder of an archive.

    Parameters
    ----------
    decoder : Decoder
        A dictionary made ready.

    Returns
    -------
    callable
        ``decode(apid, packets)`` for `Archive.open` and `rebuild`: numbers with their calibration, labels as raw
        numbers; texts, octets and times stay in the packets.
    """
    from moonpost.control.packets.headers import Packets as SpacePackets

    def decode(_: int, packets: Packets) -> Mapping[str, npt.NDArray[Any]]:
        begins = packets.offsets[:-1]
        found = decoder.columns(SpacePackets(packets.data, begins, np.diff(packets.offsets)))
        return {name: values for name, values in found.items() if values.dtype.kind in "biuf"}

    return decode
