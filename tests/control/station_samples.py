"""Stations for tests: the bundled plan over a few days, alone and with machines that have rules of sleep."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import moonpost.control.station.station as station_module
from moonpost.control.packets import Decoder, FrameReader
from moonpost.control.packets.telecommands import encode_command
from moonpost.control.station import Station
from moonpost.control.station.world import digest_of, span_of
from moonpost.plan import Dormancy, Plan, Recorder, Storage, ThermalBox, load_plan

START = "2040-06-22T02:00Z"
FRAME = 1119  # octets with the sync marker


@cache
def bundled() -> Plan:
    return load_plan("ilrs")


@cache
def alone() -> Plan:
    """The bundled plan without relays."""
    plan = bundled()
    return plan.model_copy(update={"links": tuple(row for row in plan.links if row.receiver != "queqiao-2")})


@cache
def sleepy() -> Plan:
    """A rover with a box, rules of sleep, a recorder and a store that leaks; an activity of its own."""
    plan = alone()
    rover = plan.element("survey-rover").model_copy(
        update={
            "thermal": ThermalBox(capacity_j_k=40_000, radiator_m2=0.37, closed_fraction=0.3, heater_w=20,
                                  radioisotope_fraction=0.4, electric_fraction=0.7, ground_w_k=0.0),
            "dormancy": Dormancy(wake_supply_w=100, sleep_supply_w=50, wake_min_k=258.0),
            "recorder": Recorder(capacity_bit=2e9, downlink_bit_s=40_000, downlink_w=10),
            "storage": Storage(capacity_wh=9600, self_discharge_per_day=0.01, charge_min_k=258.0),
        }
    )  # fmt: skip
    return plan.model_copy(update={"elements": tuple(rover if e.id == rover.id else e for e in plan.elements)})


_SKIES: dict[tuple[Any, ...], Any] = {}


def _span(plan: Plan, *given: Any) -> Any:
    """The sky of a period, computed once for all tests: it is the same whenever it is asked for."""
    key = (digest_of(plan), *given)
    if key not in _SKIES:
        _SKIES[key] = span_of(plan, *given)
    return _SKIES[key]


def opened(folder: Path, plan: Plan | None = None, **given: Any) -> Station:
    """A station of two days, by steps of a minute."""
    options = {"start": START, "days": 2.0, "step_s": 60.0} | given
    before, station_module.span_of = station_module.span_of, _span
    try:
        return Station.open(plan or alone(), folder, **options)
    finally:
        station_module.span_of = before


def at(hours: float, start: str = START) -> np.datetime64:
    """An instant some hours after the start."""
    return np.datetime64(start.rstrip("Z"), "us") + np.timedelta64(round(hours * 3.6e9), "us")


def command(station: Station, name: str, count: int = 0, acknowledge: int = 15, **arguments: Any) -> bytes:
    return encode_command(station.commands, name, arguments, count, acknowledge=acknowledge)


def split(octets: bytes) -> dict[int, list[bytes]]:
    """Packets by virtual channel, without those that only fill."""
    frames = np.frombuffer(octets, np.uint8).reshape(-1, FRAME)
    found: dict[int, list[bytes]] = {}
    for channel in np.unique(frames[:, 5] >> 1 & 7).tolist():
        reader = FrameReader(_LAYOUT)
        got = reader.read(frames[frames[:, 5] >> 1 & 7 == channel].tobytes()).packets
        assert not reader.tally.rejects
        found[channel] = list(got.select(got.apid != 2047))
    return found


def packets(octets: bytes) -> list[bytes]:
    """Packets of all channels."""
    return [packet for part in split(octets).values() for packet in part]


def reports(station: Station, octets: bytes) -> list[tuple[str, np.datetime64, dict[str, Any]]]:
    """Reports but for those of the clock, as name, time and fields, in the order of time and count."""
    from moonpost.control.packets import Packets

    found = []
    own = [p for p in packets(octets) if int.from_bytes(p[:2], "big") & 0x7FF == 1900]
    for table in Decoder(station.dictionary).decode(Packets.of(own)) if own else ():
        if table.packet == "time-report":
            continue
        for row in range(len(table)):
            fields = {name: table.values(name)[row] for name in table.raw}
            for name, value in fields.items():
                if isinstance(value, bytes):
                    fields[name] = value.rstrip(b"\0").decode()
            found.append((int(table.count[row]), (table.packet, table.time[row], fields)))
    return [row for _, row in sorted(found, key=lambda row: row[0])]


def stages(station: Station, octets: bytes) -> list[tuple[str, int]]:
    """Stages of verification with the count of their telecommand."""
    return [
        (name, int(fields["request_count"]))
        for name, _, fields in reports(station, octets)
        if name.partition("-")[0] in ("acceptance", "start", "completion")
    ]


def _layout() -> Any:
    from moonpost.control.packets import FrameLayout

    return FrameLayout(spacecraft=171)


_LAYOUT = _layout()
