"""What tests of the timeline share: an archive in memory, commands, a mission that stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from moonpost.errors import UnknownNameError

HOUR = np.timedelta64(3_600_000, "ms")
START = np.datetime64("2035-01-14T00:00", "ms")


class Values:
    """An archive of channels in memory."""

    def __init__(self, channels: dict[str, tuple[Any, Any]]) -> None:
        self.channels = channels

    def query(self, parameter: str, start: Any, stop: Any, *, bins: int | None = None) -> Any:
        if parameter not in self.channels:
            raise UnknownNameError(parameter, self.channels, kind="parameter")
        time, value = (np.asarray(part) for part in self.channels[parameter])
        near = (time >= start) & (time < stop)
        return Found(time[near].astype("datetime64[us]"), value[near])


@dataclass
class Found:
    time: Any
    value: Any
    step_s: float = 0.0

    def __len__(self) -> int:
        return self.time.size


@dataclass
class Clock:
    time: np.datetime64

    def now(self) -> np.datetime64:
        return self.time


def stage(state: str, time: np.datetime64 | None) -> SimpleNamespace:
    return SimpleNamespace(
        state=state, text="", time_us=None if time is None else int(time.astype("datetime64[us]").astype(np.int64))
    )


def command(
    number: int, name: str, activity: str, state: str, *stages: SimpleNamespace, at: np.datetime64 | None = None
) -> SimpleNamespace:
    """A command of the survey rover."""
    return SimpleNamespace(
        id=str(number), name=name, arguments={"activity": activity}, elements=("survey-rover",), state=state,
        stages=stages, reasons=(), requester="ivan", significance="routine",
        at_us=None if at is None else int(at.astype("datetime64[us]").astype(np.int64)),
    )  # fmt: skip


@dataclass
class Asked:
    """Commanding that only writes down."""

    rows: list[Any] = field(default_factory=list)

    def commands(self) -> tuple[Any, ...]:
        return ()

    def request(self, user: Any, name: str, arguments: Any, *, at: Any = None, comment: str = "") -> Any:
        self.rows.append((user.name, name, dict(arguments), at, comment))
        row = {"id": str(len(self.rows)), "name": name, "state": "waiting"}
        return SimpleNamespace(to_dict=lambda: row)
