"""The dictionary of packets of a simulated station, from its channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.limits import Comparison, ContextLimits, Limits
from moonpost.errors import InputError
from moonpost.operations.channels import Channel
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["NIGHT", "TIME", "channel_values", "station_dictionary", "station_packets"]

TIME = "cuc_time"
"""The parameter that gives packets their time."""
NIGHT = Comparison("sky.sun_elevation_deg", "<", 0.0)
"""What makes a lunar night: the centre of the Sun below the level horizon."""

_LABELS = {
    "in_light": {0: "dark modes", 1: "light modes"},
    "element_working": {0: "asleep or out of limits", 1: "works"},
}
_LAST_APID = 2039  # those above are reserved


def station_dictionary(
    channels: Iterable[Channel],
    *,
    name: str = "station",
    first_apid: int = 1,
    float_bits: int = 32,
    epoch: str = "TAI",
    critical: Mapping[str, tuple[float | None, float | None]] | None = None,
    night: Mapping[str, Limits] | None = None,
) -> Dictionary:
    """One packet of fixed layout for each subject of a simulation: sky, masts, buses, machines.

    Parameters
    ----------
    channels : iterable of Channel
        Channels of a simulation.
    name : str
        Name of the dictionary.
    first_apid : int
        APID of the first packet; the others count on.
    float_bits : {32, 64}
        Bits of a number.
    epoch : str
        Epoch of the clock, as of `CucClock`.
    critical : mapping of str to (float or None, float or None), optional
        Critical bounds by channel. A channel's own limits are warnings.
    night : mapping of str to Limits, optional
        Limits by channel that replace the usual ones during the lunar night (`NIGHT`).

    Returns
    -------
    Dictionary
        Packets are named as their subjects, parameters as their channels. States of 0 or 1 are octets with labels.

    Raises
    ------
    InputError
        If a channel is named in `critical` or `night` that is not there, if APIDs run out, or if nights are told
        without the Sun's elevation.

    Examples
    --------
    >>> rows = [Channel("sky.sun_elevation_deg", "deg", None, None, "Elevation of the Sun."),
    ...         Channel("rover.box_k", "K", 263.0, 323.0, "Temperature of its warm box.")]
    >>> dictionary = station_dictionary(rows, night={"rover.box_k": Limits(warning_low=218.0)})
    >>> [(packet.name, packet.apid) for packet in dictionary.packets]
    [('sky', 1), ('rover', 2)]
    >>> dictionary.parameter("rover.box_k").contexts[0].limits.warning_low
    218.0
    """
    rows = list(channels)
    keys = {row.key for row in rows}
    for given in (critical or {}, night or {}):
        for key in given.keys() - keys:
            raise InputError(f"no channel {key!r}", where="limits", advice="name channels as the simulation does")
    if night and NIGHT.parameter not in keys:
        raise InputError(
            "nights cannot be told without the Sun", where="night", advice=f"send {NIGHT.parameter}, too"
        )
    time = Parameter(
        TIME, Encoding("unsigned", 48), "", "Time of the values: unsegmented time code.", Instant(epoch)
    )
    parameters = [_parameter(row, float_bits, (critical or {}).get(row.key), (night or {}).get(row.key))
                  for row in rows]  # fmt: skip
    subjects: dict[str, list[str]] = {}
    for row in rows:
        subjects.setdefault(row.key.rpartition(".")[0], []).append(row.key)
    if not 0 <= first_apid <= _LAST_APID + 1 - len(subjects):
        raise InputError(
            f"{len(subjects)} packets from APID {first_apid} on go beyond {_LAST_APID}",
            where="first_apid",
            advice="begin lower",
        )
    packets = tuple(
        PacketLayout(
            subject,
            tuple(Item(item) for item in (*(field.name for field in HEADER), TIME, *items)),
            (Comparison("ccsds_apid", "==", first_apid + number),),
            TIME,
            f"Values of {subject}.",
        )
        for number, (subject, items) in enumerate(subjects.items())
    )
    return Dictionary(name, (*HEADER, time, *parameters), packets)


def channel_values(simulation: Simulation) -> dict[str, npt.NDArray[Any]]:
    """Series of a simulation by channel.

    Parameters
    ----------
    simulation : Simulation
        What was simulated.

    Returns
    -------
    dict of str to ndarray, (n,)
        Values of each channel at ``simulation.series.time``.

    Examples
    --------
    >>> from moonpost.study.simulation import simulate_plan
    >>> run = simulate_plan("ilrs", "2040-01-01", 1.0)
    >>> len(channel_values(run)["sky.sun_elevation_deg"])
    24
    """
    found = {}
    for channel in simulation.channels:
        subject, _, variable = channel.key.rpartition(".")
        series = simulation.series[variable]
        over = next((name for name in series.dims if name != "time"), None)
        if over == "mast_m":
            masts = [f"mast-{mast_m:g}m" for mast_m in series["mast_m"].values.tolist()]
            series = series.isel(mast_m=masts.index(subject))
        elif over is not None:
            series = series.sel({over: subject})
        found[channel.key] = series.values
    return found


def station_packets(
    dictionary: Dictionary,
    values: Mapping[str, npt.NDArray[Any]],
    t: TimeLike | npt.NDArray[np.datetime64],
    *,
    first_count: int = 0,
) -> Packets:
    """All packets of a station, in the order of time.

    Parameters
    ----------
    dictionary : Dictionary
        As `station_dictionary` makes it.
    values : mapping of str to ndarray, (n,)
        Values by channel.
    t : datetime64 array, str or datetime, (n,)
        Their UTC.
    first_count : int
        Sequence count of the first packet of each APID.

    Returns
    -------
    Packets
        For each time one of each subject.

    Raises
    ------
    InputError
        If a channel is missing or has a value that cannot be sent.

    Examples
    --------
    >>> dictionary = station_dictionary([Channel("a.x", "W", None, None, ""), Channel("b.x", "W", None, None, "")])
    >>> x = np.zeros(2)
    >>> station_packets(dictionary, {"a.x": x, "b.x": x}, ["2030-01-01", "2030-01-02"]).apid
    array([1, 2, 1, 2])
    """
    parts = []
    for packet in dictionary.packets:
        names = [item.parameter for item in packet.items if item.parameter in values]
        columns = {name: values[name] for name in names}
        parts.append(encode_packets(dictionary, packet.name, columns, t, first_count=first_count))
    joined = Packets.join(parts)
    order = np.arange(len(joined)).reshape(len(parts), -1).T.ravel() if parts else np.zeros(0, np.int64)
    return joined.select(order)


def _parameter(
    channel: Channel,
    float_bits: int,
    critical: tuple[float | None, float | None] | None,
    night: Limits | None,
) -> Parameter:
    """A channel as a parameter."""
    labels = _LABELS.get(channel.key.rpartition(".")[2])
    if labels:
        return Parameter(channel.key, Encoding("unsigned", 8), "", channel.description, Enumeration(labels))
    low, high = critical or (None, None)
    limits = Limits(channel.low, channel.high, low, high)
    contexts = (ContextLimits((NIGHT,), night),) if night else ()
    return Parameter(
        channel.key,
        Encoding("float", float_bits),
        channel.unit,
        channel.description,
        None,
        None if limits == Limits() else limits,
        contexts,
    )
