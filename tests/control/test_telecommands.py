"""Telecommands: what is written is read again, and what breaks a rule is refused with its cause."""

from __future__ import annotations

from binascii import crc_hqx
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.dictionary import Encoding, Size
from moonpost.control.packets.telecommands import (
    CAUSES,
    CommandDictionary,
    CommandError,
    CommandLayout,
    decode_command,
    encode_command,
)
from moonpost.errors import InputError, UnknownNameError

U8, U16, U48 = (Encoding("unsigned", bits) for bits in (8, 16, 48))
ARGUMENTS = (
    Argument("state", U8, labels={0: "off", 1: "on", 7: "auto"}),
    Argument("a", Encoding("unsigned", 3), high=6),
    Argument("b", Encoding("signed", 13), "V", low=-4000.0),
    Argument("power_w", Encoding("float", 32), "W", low=0.0, high=0.1),
    Argument("c", Encoding("float", 64, little=True)),
    Argument("d", Encoding("signed", 32, little=True)),
    Argument("label", Encoding("text", 64), default="none"),
    Argument("key", Encoding("binary", 32)),
    Argument("size", U16),
    Argument("rest", Encoding("binary", 8 * 256, size=Size("size", 8))),
)
STACK = CommandDictionary(
    "station",
    (
        CommandLayout("ping", 1, 17, 1),
        CommandLayout("all", 2, 8, 1, ARGUMENTS, "hazardous", "Everything.", "rover", function=513),
        CommandLayout("none", 2, 8, 1, (), "important", function=514),
        CommandLayout("insert", 1, 11, 4, (
            Argument("instructions", U8, low=1, high=1, default=1), Argument("release_ticks", U48),
            Argument("size", U16), Argument("packet", Encoding("binary", 8 * 1024, size=Size("size", 8))))),
    ),
)  # fmt: skip
GOOD: dict[str, Any] = {
    "state": "on", "a": 6, "b": -4000, "power_w": 0.1, "c": 1e300, "d": -5, "label": "Grüße", "key": b"\1\2\3\4",
    "rest": b"xyz",
}  # fmt: skip


def bad(octets: bytes, stack: CommandDictionary = STACK) -> str:
    """Cause for which octets are refused."""
    with pytest.raises(CommandError) as caught:
        decode_command(stack, octets)
    return caught.value.cause


def test_what_is_written_is_read_again() -> None:
    octets = encode_command(STACK, "all", GOOD, 16383, acknowledge=15, source=0xABCD)
    read = decode_command(STACK, octets)
    assert read.name == "all"
    assert (read.apid, read.count, read.acknowledge, read.source) == (2, 16383, 15, 0xABCD)
    assert read.octets == octets
    assert read.arguments == {**GOOD, "power_w": pytest.approx(0.1, rel=1e-7), "size": 3}
    assert encode_command(STACK, "all", read.arguments, 16383, acknowledge=15, source=0xABCD) == octets
    assert decode_command(STACK, encode_command(STACK, "none", {}, 0)).name == "none"


@settings(max_examples=100, deadline=None)
@given(
    a=st.integers(0, 6), b=st.integers(-4000, 4095), c=st.floats(allow_nan=False, allow_infinity=False),
    d=st.integers(-(2**31), 2**31 - 1), rest=st.binary(max_size=256), count=st.integers(0, 16383),
    label=st.text("abcdeü", max_size=4), power_w=st.floats(0.0, 0.1), state=st.sampled_from(["off", "on", "auto"]),
)  # fmt: skip
def test_any_values_are_read_again(count: int, rest: bytes, **values: Any) -> None:
    octets = encode_command(STACK, "all", {**GOOD, **values, "rest": rest}, count)
    read = decode_command(STACK, octets)
    power_w = values.pop("power_w")
    assert read.arguments == {
        **GOOD, **values, "rest": rest, "size": len(rest), "power_w": pytest.approx(power_w, rel=1e-6, abs=1e-30)
    }  # fmt: skip
    assert encode_command(STACK, "all", read.arguments, count) == octets


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 600))
def test_noise_is_refused_with_a_cause(noise: bytes, bit: int) -> None:
    sent = encode_command(STACK, "all", GOOD, 5)
    turned = bytearray(sent)
    turned[bit // 8 % len(sent)] ^= 1 << bit % 8
    assert bad(noise) in CAUSES
    assert bad(bytes(turned)) in CAUSES
    assert bad(sent[: bit % len(sent)]) == "length"
    assert bad(sent + noise + b"x") == "length"


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4), st.binary(max_size=4))
def test_what_is_read_is_written_again_to_the_octet(changes: list[tuple[int, int]], tail: bytes) -> None:
    """Also noise with a right length and checksum: there is one way to write a command."""
    octets = bytearray(encode_command(STACK, "all", GOOD, 5)[:-2] + tail + bytes(2))
    for place, value in changes:
        octets[place % len(octets)] = value
    octets[4:6] = (len(octets) - 7).to_bytes(2, "big")
    octets[-2:] = crc_hqx(bytes(octets[:-2]), 0xFFFF).to_bytes(2, "big")
    try:
        read = decode_command(STACK, bytes(octets))
    except CommandError as error:
        assert error.cause in CAUSES  # noqa: PT017
        return
    again = encode_command(
        STACK, read.name, read.arguments, read.count, acknowledge=read.acknowledge, source=read.source
    )
    assert again == octets


def test_texts_of_varying_size_hold_no_zeros() -> None:
    text = Argument("text", Encoding("text", 80, size=Size("size", 8)))
    stack = CommandDictionary("s", (CommandLayout("say", 1, 1, 1, (Argument("size", U8), text)),), crc=False)
    octets = encode_command(stack, "say", {"text": "ab"}, 0)
    assert decode_command(stack, octets).arguments == {"size": 2, "text": "ab"}
    assert bad(octets[:-1] + b"\0", stack) == "argument"


def test_a_command_may_carry_another() -> None:
    inner = encode_command(STACK, "all", GOOD, 9)
    octets = encode_command(STACK, "insert", {"release_ticks": 1 << 47, "packet": inner.hex()}, 0)
    read = decode_command(STACK, octets)
    assert read.arguments["packet"] == inner
    assert decode_command(STACK, bytes(read.arguments["packet"])).name == "all"  # type: ignore[arg-type]
    with pytest.raises(InputError, match="size"):
        encode_command(STACK, "insert", {"release_ticks": 0, "packet": inner, "size": 4}, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"state": "maybe"}, {"state": 2}, {"state": True}, {"a": 7}, {"a": 1.5}, {"a": "1"}, {"a": True},
     {"b": -4001}, {"b": 4096}, {"power_w": 0.2}, {"power_w": float("nan")}, {"power_w": None},
     {"c": float("inf")}, {"label": "too long a text"}, {"label": "a\0b"}, {"label": 5},
     {"key": b"123"}, {"key": "zz"}, {"key": 4}, {"rest": bytes(257)}, {"size": 9}],
)  # fmt: skip
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        encode_command(STACK, "all", {**GOOD, **wrong}, 0)


def test_names_and_numbers_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="ping"):
        encode_command(STACK, "pin", {}, 0)
    with pytest.raises(UnknownNameError, match="state"):
        encode_command(STACK, "all", {**GOOD, "stat": 1}, 0)
    with pytest.raises(InputError, match="power_w"):
        encode_command(STACK, "all", {k: v for k, v in GOOD.items() if k != "power_w"}, 0)
    for wrong in ({"count": 16384}, {"acknowledge": 16}, {"source": -1}):
        with pytest.raises(InputError, match="does not fit"):
            encode_command(STACK, "ping", {}, **{"count": 0, **wrong})
    for layout in (("p", 2047, 1, 1), ("p", 1, 256, 1), ("", 1, 1, 1), ("p", 1, 1, 1, (), "deadly")):
        with pytest.raises(InputError):
            CommandLayout(*layout)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="twice"):
        CommandDictionary("s", (CommandLayout("p", 1, 1, 1), CommandLayout("p", 1, 1, 2)))
    for function in (None, 5):
        with pytest.raises(InputError, match="apart"):
            CommandDictionary("s", (CommandLayout("p", 1, 1, 1, function=function),
                                    CommandLayout("q", 1, 1, 1, function=5)))  # fmt: skip
    with pytest.raises(InputError, match="bounds"):
        Argument("x", U8, low=2, high=1)
    with pytest.raises(InputError, match="out of range"):
        Argument("x", U8, high=1, default=2)
    with pytest.raises(InputError, match="before it"):
        CommandLayout("p", 1, 1, 1, (Argument("x", Encoding("binary", 80, size=Size("y"))),))


def test_each_cause_is_told() -> None:
    sent = encode_command(STACK, "ping", {}, 5)
    assert bad(sent[:-1]) == "length"
    assert bad(bytes([sent[0] ^ 0x10]) + sent[1:]) == "header"
    assert bad(sent[:-1] + bytes([sent[-1] ^ 1])) == "checksum"
    plain = CommandDictionary("station", STACK.commands, crc=False)
    octets = encode_command(plain, "ping", {}, 5)
    assert len(octets) == len(sent) - 2
    assert bad(octets[:6] + b"\x19" + octets[7:], plain) == "version"
    assert bad(octets[:7] + b"\x12" + octets[8:], plain) == "unknown"
    other = encode_command(plain, "all", GOOD, 0)
    assert bad(other[:13] + b"\x02" + other[14:], plain) == "argument"  # a state without a label
    assert bad(other[:12] + b"\x09" + other[13:], plain) == "unknown"  # another function
