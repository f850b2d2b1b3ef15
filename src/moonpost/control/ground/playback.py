"""Which virtual channels carry what was stored on board, source by source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["Playback", "PlaybackChannels"]

PlaybackChannels = Iterable[int] | Mapping[str, Iterable[int]] | None
"""Channels of all sources, or of sources by name, or what is usual."""
_OWN = {"station": range(1, 7)}
_OTHERS = (1,)


class Playback:
    """Tells whether packets were stored on board, by their source and virtual channel.

    Parameters
    ----------
    channels : iterable of int, mapping of str to iterable of int, or None
        Channels of playback: of every source, or of sources by name. What is not told is 1 to 6 for the source
        ``"station"``, which is mission control's own with what its relays kept, and 1 for others.

    Raises
    ------
    InputError
        If a channel is none of 0 to 7.

    Examples
    --------
    >>> Playback(None).late("station", np.array([0, 1, 6, 7])).tolist()
    [False, True, True, False]
    >>> Playback({"tcp 10.0.0.7:4000": (2,)}).late("udp 10.0.0.8:4000", np.array([0, 1, 2])).tolist()
    [False, True, False]
    """

    def __init__(self, channels: PlaybackChannels = None) -> None:
        self._by_source: dict[str, npt.NDArray[np.int64]] = {}
        self._others = _channels(_OTHERS)
        if channels is None or isinstance(channels, Mapping):
            told = {**_OWN, **(channels or {})}
            self._by_source = {name: _channels(some) for name, some in told.items()}
        else:
            self._others = _channels(channels)

    def late(self, source: str, channel: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each packet of a source was stored on board.

        Parameters
        ----------
        source : str
            Whom they came from.
        channel : (n,) array of int
            Virtual channel of each.

        Returns
        -------
        (n,) array of bool
        """
        return np.isin(channel, self._by_source.get(source, self._others))


def _channels(told: Iterable[int]) -> npt.NDArray[np.int64]:
    """Channels in their order."""
    found = sorted(set(told))
    if any(not 0 <= channel <= 7 for channel in found):
        raise InputError(f"{found} are no virtual channels", where="playback", advice="give 0 to 7")
    return np.array(found, np.int64)
