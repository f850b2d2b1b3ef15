"""A small station, users and clocks for the tests of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from moonpost.control.commands import Audit, Commanding, Rules
from moonpost.control.database import Database
from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.dictionary import Encoding, Size
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout
from moonpost.control.users import User
from moonpost.errors import OutputError
from moonpost.plan import Plan, load_plan

PLAN = load_plan("ilrs")
START_US = int(np.datetime64("2036-01-01", "us").astype(np.int64))
COMPUTER = 1900
FRACTION = Argument("fraction", Encoding("float", 32), low=0.0, high=1.0)
STACK = CommandDictionary(
    "station",
    (
        CommandLayout("ping", COMPUTER, 17, 1),
        CommandLayout(
            "queue-insert",
            COMPUTER,
            11,
            4,
            (
                Argument("release_time", Encoding("unsigned", 48)),
                Argument("length", Encoding("unsigned", 16)),
                Argument("packet", Encoding("binary", 8 * 512, size=Size("length", slope=8))),
            ),
        ),
        CommandLayout("reactor.off", 8, 8, 1, (), "hazardous", "Off.", "reactor", 17),
        CommandLayout("reactor.on", 8, 8, 1, (), "important", "On.", "reactor", 16),
        CommandLayout("ce7-rover.stow", 9, 8, 1, (), "hazardous", "Stow.", "ce7-rover", 9),
        CommandLayout("ce7-rover.load", 9, 8, 1, (FRACTION,), "routine", "Load.", "ce7-rover", 11),
        CommandLayout("luna-26.off", 10, 8, 1, (), "hazardous", "Off.", "luna-26", 15),
        CommandLayout("queue-reset", COMPUTER, 11, 3, (), "important", "Empties the queue."),
        CommandLayout("reset", COMPUTER, 128, 1, (), "hazardous", "Everything anew."),
    ),
)  # fmt: skip
EVERYONE = {
    user.name: user
    for user in (
        User("ivan", "roscosmos", frozenset({"operator"})),
        User("olga", "roscosmos", frozenset({"operator", "approver"})),
        User("li", "cnsa", frozenset({"operator", "approver"})),
        User("wu", "cnsa", frozenset({"approver"})),
        User("zhao", "cnsa", frozenset({"operator", "approver", "admin"})),
        User("amr", "egypt", frozenset({"operator", "approver"})),
        User("root", "cnsa", frozenset({"admin"})),
    )
}


@dataclass
class Bench:
    """Mission control with a station that only listens, and clocks that are moved by hand."""

    folder: Path
    plan: Plan = PLAN
    people: dict[str, User] = field(default_factory=lambda: dict(EVERYONE))
    ledger: str | None = None
    wall_s: float = 1_800_000_000.0
    steady_s: float = 0.0
    time_us: int = START_US
    uplinked: list[bytes] = field(default_factory=list)
    uplink_fails: bool = False
    forbids: tuple[str, ...] = ()
    no_contact: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.url or self.folder / "control.sqlite")
        self.audit = Audit.open(
            self.database, str(self.folder / "ledger.sqlite"), self.plan, keys=self.folder / "keys"
        )
        self.rules = Rules(
            self.plan,
            self.people.get,
            ledger=self.ledger,
            forbids=lambda octets, now: self.forbids,
            contact=lambda now: self.no_contact,
            **self.more,
        )
        self.commanding = Commanding.open(
            self.database, STACK, self.plan, uplink=lambda octets, at: self.uplink(octets, at), clock=self.now,
            audit=self.audit, rules=self.rules, wall=lambda: self.wall_s, steady=lambda: self.steady_s,
        )  # fmt: skip

    def uplink(self, octets: bytes, at: np.datetime64) -> None:
        if self.uplink_fails:
            raise OutputError("the disk is full", where="journal")
        self.uplinked.append(octets)

    def now(self) -> np.datetime64:
        return np.datetime64(self.time_us, "us")

    def later(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds
        self.time_us += round(seconds * 1e6)
        self.commanding.tick()

    def report(self, subservice: int, packet: tuple[int, int], **fields: Any) -> None:
        said = {"request_apid": packet[0], "request_count": packet[1], **fields}
        self.commanding.report(
            SimpleNamespace(service=1, subservice=subservice, time=self.now(), fields=said)  # type: ignore[arg-type]
        )

    def close(self) -> None:
        self.audit.close()
        self.database.close()

    def again(self) -> None:
        """Stop and start."""
        self.close()
        self.open()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
