"""Telecommands with arguments of every kind, as other programs are shown them."""

from __future__ import annotations

from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.dictionary import Encoding, Size
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout

U8, U16, F32 = Encoding("unsigned", 8), Encoding("unsigned", 16), Encoding("float", 32)
STACK = CommandDictionary(
    "station",
    (
        CommandLayout("ping", 1, 17, 1, description="Answer that the link works."),
        CommandLayout("rover.heater", 5, 8, 1, (
            Argument("state", U8, labels={0: "off", 1: "on"}, description="What it is to do.", default="off"),
            Argument("power_w", F32, "W", low=0.0, high=75.5, default=5.25),
        ), "important", "Switch the heater.", "rover", 1),
        CommandLayout("rover.sleep", 5, 8, 1, (), "hazardous", "", "rover", 2),
        CommandLayout("mixed", 6, 200, 5, (
            Argument("a", Encoding("unsigned", 3), high=6),
            Argument("b", Encoding("signed", 13), low=-7.0, default=-7),
            Argument("c", Encoding("float", 64, little=True)), Argument("d", Encoding("signed", 32, little=True)),
            Argument("a text", Encoding("text", 80), default="abc"), Argument("key", Encoding("binary", 24)),
            Argument("n.m", U16), Argument("some", Encoding("binary", 8 * 300, size=Size("n.m", 8))),
        )),
        CommandLayout("say", 6, 200, 6,
                      (Argument("n", U8), Argument("t", Encoding("text", 160, size=Size("n", 8))))),
    ),
)  # fmt: skip
