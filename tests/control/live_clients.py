"""Websocket clients of tests: some count, some keep every value, one never reads. Loopback only."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

__all__ = ["Watcher", "stalled", "watch_all"]


@dataclass
class Watcher:
    """A client that subscribes to keys until it is told to end.

    Parameters
    ----------
    keys : list of str
        What it asks for.
    keeps : bool
        Whether every value is kept; else values are counted only.
    """

    keys: list[str]
    keeps: bool = False
    counted: int = 0
    thinned: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, list[list[Any]]] = field(default_factory=dict)
    arrived: dict[int, float] = field(default_factory=dict)
    messages: int = 0
    octets: int = 0

    async def run(self, address: str, cookie: str, ready: asyncio.Barrier, ended: asyncio.Event) -> None:
        """Watch."""
        url = address.replace("http", "ws", 1) + "api/live"
        headers = {"Cookie": cookie}
        async with connect(
            url, additional_headers=headers, compression=None, max_size=None, max_queue=64
        ) as socket_:
            await socket_.send(json.dumps({"subscribe": self.keys}))
            await ready.wait()
            reader = asyncio.create_task(self._read(socket_))
            await ended.wait()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, socket_: Any) -> None:
        async for text in socket_:
            self._take(text, time.monotonic())

    def _take(self, text: str, now: float) -> None:
        self.messages += 1
        self.octets += len(text)
        kind = text[9:15]
        if kind == "thinne":
            self.thinned.append(json.loads(text))
        elif kind not in ("values", 'late",'):
            return
        elif self.keeps:
            for key, rows in json.loads(text)["values"].items():
                self.values.setdefault(key, []).extend(rows)
                self.counted += len(rows)
        else:  # a value ends with one bracket, the list of a key with one more
            self.counted += text.count("]") - text.count("]]")
            place = text.rfind("[", 0, text.index("]")) + 1
            self.arrived[int(text[place : text.index(",", place)])] = now


def stalled(address: str, cookie: str, keys: list[str]) -> socket.socket:
    """A client that subscribes and never reads."""
    place = urlsplit(address)
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.connect((place.hostname, place.port))
    key = base64.b64encode(os.urandom(16)).decode()
    found.sendall(
        f"GET /api/live HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    answer = found.recv(1024)
    assert b" 101 " in answer, answer
    text, mask = json.dumps({"subscribe": keys}).encode(), os.urandom(4)
    masked = bytes(octet ^ mask[place % 4] for place, octet in enumerate(text))
    found.sendall(b"\x81\xfe" + len(text).to_bytes(2, "big") + mask + masked)
    return found


async def watch_all(address: str, cookie: str, watchers: list[Watcher], during: Any) -> Any:
    """Run watchers while a coroutine does something, and some time after it; give what it gave."""
    ready, ended = asyncio.Barrier(len(watchers) + 1), asyncio.Event()
    tasks = [asyncio.create_task(watcher.run(address, cookie, ready, ended)) for watcher in watchers]
    async with asyncio.timeout(120.0):
        await asyncio.wait([asyncio.create_task(ready.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
    try:
        return await during
    finally:
        ended.set()
        await asyncio.gather(*tasks)
