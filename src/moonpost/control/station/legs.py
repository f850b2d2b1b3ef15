"""A relay as two legs that need not be open together, and what it keeps in between."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from moonpost.control.station.instants import SECOND_US

__all__: list[str] = []

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_Piece = TypeVar("_Piece")


@dataclass(frozen=True, eq=False)
class Legs:
    """The leg from the site to a relay, and the one from there to the Earth.

    Parameters
    ----------
    name : str
        The relay.
    grid_us : ndarray of int64, (n,)
        Times at which lengths are known [us of UTC].
    seen_us : ndarray of int64, (m, 2)
        When site and relay see each other, by the time at the site [us of UTC].
    earth_us : ndarray of int64, (k, 2)
        When relay and Earth see each other, by the time at the relay [us of UTC].
    up_s, down_s : ndarray, (n,)
        Light time of each leg [s].

    Examples
    --------
    >>> grid, whole = np.array([0, 60_000_000]), np.array([[0, 60_000_000]])
    >>> legs = Legs("r", grid, whole, np.array([[20_000_000, 60_000_000]]), np.full(2, 0.2), np.full(2, 1.3))
    >>> legs.sees(0), legs.sent_us(5_000_000, 1_000_000), legs.arrival_us(0)
    (True, 21000000, 20200000)
    """

    name: str
    grid_us: _Ints
    seen_us: _Ints
    earth_us: _Ints
    up_s: _Floats
    down_s: _Floats

    def up_us(self, t_us: int) -> int:
        """Light time between site and relay [us]."""
        return round(float(np.interp(t_us, self.grid_us, self.up_s)) * SECOND_US)

    def down_us(self, t_us: int) -> int:
        """Light time between relay and Earth [us]."""
        return round(float(np.interp(t_us, self.grid_us, self.down_s)) * SECOND_US)

    def sees(self, t_us: int) -> bool:
        """Whether site and relay see each other at an instant."""
        k = int(np.searchsorted(self.seen_us[:, 0], t_us, side="right")) - 1
        return k >= 0 and bool(t_us < self.seen_us[k, 1])

    def sent_us(self, since_us: int, length_us: int) -> int | None:
        """When the relay has sent what takes so long and may begin at an instant; None if it never has.

        What is not out when the Earth sets is sent again from its start.
        """
        first = int(np.searchsorted(self.earth_us[:, 1], since_us, side="right"))
        for start, stop in self.earth_us[first:].tolist():
            sent_us: int = max(start, since_us) + length_us
            if sent_us <= stop:
                return sent_us
        return None

    def arrival_us(self, sent_us: int) -> int | None:
        """When what leaves the ground arrives at the site over this relay; None if it never does."""
        taken_us = self.sent_us(sent_us + self.down_us(sent_us), 0)
        if taken_us is None:
            return None
        at_us = taken_us + self.up_us(taken_us)
        later = self.seen_us[self.seen_us[:, 1] > at_us]
        return max(at_us, int(later[0, 0])) if later.size else None


class RelayStore(Generic[_Piece]):
    """What a relay keeps until it sees the Earth, in the order in which it came.

    Parameters
    ----------
    legs : Legs
        Its legs.
    room_octets : int
        What it holds.
    rate_bit_s : int
        How fast it sends [bit/s].

    Notes
    -----
    When a piece leaves is settled when it comes, for nothing that comes later changes it. What the relay has no
    room for it does not take: the station keeps it. Room is free again when a piece has left.

    Examples
    --------
    >>> grid, whole = np.array([0, 60_000_000]), np.array([[0, 60_000_000]])
    >>> legs = Legs("r", grid, whole, np.array([[20_000_000, 60_000_000]]), np.full(2, 0.2), np.full(2, 1.3))
    >>> store = RelayStore(legs, 100, 800)
    >>> store.take("a", 0, 100, 1), store.take("b", 1, 100, 1)
    (True, False)
    >>> store.came(22_299_999), store.came(22_300_000), store.held(21_000_000)
    ([], ['a'], (0, 0))
    """

    def __init__(self, legs: Legs, room_octets: int, rate_bit_s: int) -> None:
        self.legs, self.room_octets, self._rate_bit_s = legs, room_octets, rate_bit_s
        self._free_us = 0
        self._octets = self._packets = 0
        self._leaving: deque[tuple[int, int, int]] = deque()
        self._coming: deque[tuple[int, _Piece]] = deque()

    def held(self, t_us: int) -> tuple[int, int]:
        """Octets and packets that it keeps at an instant; instants do not go back."""
        while self._leaving and self._leaving[0][0] <= t_us:
            _, octets, packets = self._leaving.popleft()
            self._octets -= octets
            self._packets -= packets
        return self._octets, self._packets

    def take(self, piece: _Piece, sent_us: int, octets: int, packets: int) -> bool:
        """Take a piece whose last octet left the station at an instant.

        False if there is no room for it, or the relay will not see the Earth for long enough any more.
        """
        came_us = sent_us + self.legs.up_us(sent_us)
        if self.held(came_us)[0] + octets > self.room_octets:
            return False
        length_us = -(-octets * 8 * SECOND_US // self._rate_bit_s)
        sent_on_us = self.legs.sent_us(max(came_us, self._free_us), length_us)
        if sent_on_us is None:
            return False
        self._octets += octets
        self._packets += packets
        self._free_us = sent_on_us
        self._leaving.append((sent_on_us, octets, packets))
        self._coming.append((sent_on_us + self.legs.down_us(sent_on_us), piece))
        return True

    def came(self, until_us: int) -> list[_Piece]:
        """Pieces that reached the ground up to an instant, each once."""
        found = []
        while self._coming and self._coming[0][0] <= until_us:
            found.append(self._coming.popleft()[1])
        return found
